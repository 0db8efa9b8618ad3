/* src/flow/past.c - from a place to the snapshot before it, and on to the place. */
#include "flow/past.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/savepoint.h"
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
    td_savepoint_ends ends;
    td_status status;
    while ((status = td_savepoint_load(savepoint, up_to, &ends, &past->applier)) == TD_OK) {
        td_past_record last;
        past->from = ends.tape.offset;
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

static td_status begin(td_past *past, const td_past_conf *conf, uint32_t partition) {
    td_savepoint *savepoint;
    const td_savepoint_conf savepoint_conf = {
        .os = conf->os, .topics = conf->topics, .partition = partition, .dir = conf->snapshot_dir, .read_only = true};
    td_status status = td_savepoint_open(&savepoint, &savepoint_conf);
    if (status != TD_OK) return status;
    status = load_snapshot(past, conf, savepoint);
    td_savepoint_close(savepoint);
    if (status != TD_AGAIN) return status;
    past->from = td_topic_start(conf->topics->tape, partition);
    return td_applier_begin(&past->applier, conf->topics, partition, past->from);
}

/* ---- the walk ---- */

/* The record became known after the place. */
static bool is_beyond(const td_past *past, const td_past_conf *conf, const td_record *record) {
    td_event event;
    if (conf->place.known_ns == INT64_MAX) return false;
    td_bytes feed = td_state_feed_of(past->applier.state, conf->instrument);
    return is_of(conf, feed, record, &event) && event.receive_ns > conf->place.known_ns;
}

static td_status walk(td_past *past, const td_past_conf *conf, uint32_t partition, int64_t end) {
    td_reader *reader;
    td_status status = td_reader_open(&reader, conf->topics->tape, partition, past->from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    past->offset = past->from;
    td_record record;
    td_applied applied;
    while ((status = td_reader_next(reader, &record)) == TD_OK && record.offset < end) {
        if (td_reader_lost(reader) > 0)
            status = TD_FAIL(TD_CONFIG, "retention removed what was being read of tape-%" PRIu32, partition);
        if (status != TD_OK || is_beyond(past, conf, &record)) break;
        status = td_applier_apply(&past->applier, &record, conf->emit, &applied);
        if (status != TD_OK) break;
        past->offset = record.offset + 1;
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_past_open(td_past *out, const td_past_conf *conf) {
    const td_topic *tape = conf->topics->tape;
    uint32_t partition = td_partition_of(conf->instrument, conf->topics->partitions);
    int64_t start = td_topic_start(tape, partition), end = td_topic_end(tape, partition);
    *out = (td_past){0};
    if (conf->place.offset != INT64_MAX && (conf->place.offset < start || conf->place.offset > end))
        return TD_FAIL(TD_CONFIG, "tape-%" PRIu32 " holds offsets %" PRId64 " to %" PRId64 ": no place @%" PRId64,
                       partition, start, end, conf->place.offset);
    td_status status = begin(out, conf, partition);
    return status == TD_OK ? walk(out, conf, partition, conf->place.offset < end ? conf->place.offset : end) : status;
}

void td_past_close(td_past *past) { td_applier_fini(&past->applier); }
