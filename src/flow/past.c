/* src/flow/past.c - from a place to the snapshot before it, and on to the place. */
#include "flow/past.h"
#include "base/hash.h"
#include "base/time.h"
#include <inttypes.h>

enum { BLOCK_BYTES = 256 * 1024 };

/* ---- whose records count ---- */

/* The record's event, when it is one of the instrument or of the feed. */
static bool is_of(const td_past_conf *conf, td_bytes feed, const td_record *record, td_event *out) {
    td_bytes name;
    if (td_record_get_event_numbers(conf->topics->ids, record->value, out, &name) != TD_OK) return false;
    if (out->kind == TD_EVENT_PROGRAM || out->kind == TD_EVENT_CORPORATE) return false;
    return td_bytes_equal(record->key, conf->instrument) || (feed.size > 0 && td_bytes_equal(name, feed));
}

td_status td_past_last(const td_past_conf *conf, td_bytes feed, int64_t offset, td_past_record *out) {
    td_topic *tape = conf->topics->tape;
    uint32_t partition = td_partition_of(conf->instrument, conf->topics->partitions);
    int64_t start = td_topic_start(tape, partition);
    td_reader *reader;
    td_status status = td_reader_open(&reader, tape, partition, start, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    bool found = false;
    while (offset > start && !found && (status == TD_OK || status == TD_AGAIN)) {
        td_record record;
        td_event event;
        int64_t from = td_topic_block_before(tape, partition, offset, BLOCK_BYTES);
        td_reader_seek(reader, from);
        while ((status = td_reader_next(reader, &record)) == TD_OK && record.offset < offset) {
            if (!is_of(conf, feed, &record, &event)) continue;
            *out = (td_past_record){record.offset, event};
            found = true;
        }
        offset = from;
    }
    td_reader_close(reader);
    return found ? TD_OK : status == TD_OK ? TD_AGAIN : status;
}

/* ---- the snapshot ---- */

/* The newest snapshot that does not lie behind the place. */
static td_status load_snapshot(td_past *past, const td_past_conf *conf, td_savepoint *savepoint) {
    int64_t up_to = conf->place.offset;
    td_status status;
    while ((status = td_savepoint_load(savepoint, up_to, &past->ends, &past->applier)) == TD_OK) {
        td_past_record last;
        past->from = past->ends.tape.offset;
        if (conf->place.known_ns == INT64_MAX) return TD_OK;
        td_bytes feed = td_state_feed_of(past->applier.state, conf->instrument);
        status = td_past_last(conf, feed, past->from, &last);
        if (status == TD_AGAIN || (status == TD_OK && last.event.receive_ns <= conf->place.known_ns)) return TD_OK;
        td_applier_fini(&past->applier);
        if (status != TD_OK) return status;
        up_to = last.offset; /* what was taken behind that record knows too much, as this one does */
    }
    return status;
}

static td_status load(td_past *past, const td_past_conf *conf) {
    td_savepoint *savepoint;
    const td_savepoint_conf savepoint_conf = {.os = conf->os,
                                              .topics = conf->topics,
                                              .partition = past->partition,
                                              .dir = conf->snapshot_dir,
                                              .read_only = true};
    if (conf->snapshot_dir == NULL) return TD_AGAIN;
    td_status status = td_savepoint_open(&savepoint, &savepoint_conf);
    if (status != TD_OK) return status;
    status = load_snapshot(past, conf, savepoint);
    td_savepoint_close(savepoint);
    return status;
}

static td_status begin(td_past *past, const td_past_conf *conf) {
    td_status status = load(past, conf);
    if (status != TD_AGAIN) return status;
    past->ends = (td_savepoint_ends){0};
    past->from = td_topic_start(conf->topics->tape, past->partition);
    return td_applier_begin(&past->applier, conf->topics, past->partition, past->from);
}

/* ---- the walk ---- */

/* The record became known after the place. */
static bool is_beyond(const td_past *past, const td_past_conf *conf, const td_record *record) {
    td_event event;
    if (conf->place.known_ns == INT64_MAX) return false;
    td_bytes feed = td_state_feed_of(past->applier.state, conf->instrument);
    return is_of(conf, feed, record, &event) && event.receive_ns > conf->place.known_ns;
}

static td_status apply_next(td_past *past) {
    const td_past_conf *conf = past->conf;
    td_record record;
    td_applied applied;
    td_status status = td_reader_next(past->reader, &record);
    if (td_reader_lost(past->reader) > 0)
        return TD_FAIL(TD_CONFIG, "retention removed what was being read of tape-%" PRIu32, past->partition);
    if (status == TD_AGAIN) past->end = past->offset; /* it ends with what is no record */
    if (status != TD_OK) return status == TD_AGAIN ? TD_OK : status;
    if (record.offset >= past->end || is_beyond(past, conf, &record)) {
        td_reader_seek(past->reader, record.offset); /* the end may be set anew */
        past->end = past->offset;
        return TD_OK;
    }
    past->record = &record;
    status = td_applier_apply(&past->applier, &record, conf->emit, &applied);
    past->record = NULL;
    if (status == TD_AGAIN) td_reader_seek(past->reader, record.offset);
    if (status == TD_OK) past->offset = record.offset + 1;
    return status;
}

td_status td_past_step(td_past *past, int64_t records) {
    td_status status = TD_OK;
    for (int64_t i = 0; i < records && past->offset < past->end && status == TD_OK; i++) status = apply_next(past);
    return status == TD_OK && past->offset < past->end ? TD_AGAIN : status;
}

td_status td_past_begin(td_past *out, const td_past_conf *conf) {
    td_topic *tape = conf->topics->tape;
    uint32_t partition = conf->partition;
    if (conf->instrument.size > 0) partition = td_partition_of(conf->instrument, conf->topics->partitions);
    int64_t start = td_topic_start(tape, partition), end = td_topic_end(tape, partition);
    *out = (td_past){.conf = conf, .partition = partition};
    if (conf->place.offset != INT64_MAX && (conf->place.offset < start || conf->place.offset > end))
        return TD_FAIL(TD_CONFIG, "tape-%" PRIu32 " holds offsets %" PRId64 " to %" PRId64 ": no place @%" PRId64,
                       partition, start, end, conf->place.offset);
    td_status status = begin(out, conf);
    out->offset = out->from;
    out->end = conf->place.offset < end ? conf->place.offset : end;
    return status == TD_OK ? td_reader_open(&out->reader, tape, partition, out->from, TD_READ_APPENDED) : status;
}

td_status td_past_open(td_past *out, const td_past_conf *conf) {
    td_status status = td_past_begin(out, conf);
    return status == TD_OK ? td_past_step(out, INT64_MAX) : status;
}

void td_past_close(td_past *past) {
    td_reader_close(past->reader);
    past->reader = NULL;
    td_applier_fini(&past->applier);
}
