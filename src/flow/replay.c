/* src/flow/replay.c - first look which events came late, then write the tape with these in their places. */
#include "flow/replay.h"
#include "flow/programs.h"
#include "schema/cause.h"
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH_BYTES = 1 << 20, PROGRESS_RECORDS = 1 << 16 };

typedef struct moved { /* an event that belongs elsewhere; its bytes are among the texts */
    int64_t event_ns, offset, timestamp_ms;
    uint32_t feed;
    uint32_t key_size, value_size, src_size;
    size_t at; /* key, value, source position */
} moved;

typedef struct shift { /* from that offset on records stand so much further on the new tape */
    int64_t from, by;
} shift;

typedef struct replay {
    const td_replay_conf *conf;
    uint32_t partition;
    td_reader *reader;
    td_applier applier;
    td_buf moved; /* of struct moved: by feed, event time, offset; after collect() */
    td_buf texts;
    td_buf shifts;                     /* of struct shift, ascending; one until something moves */
    td_buf value;                      /* of one that was written anew */
    size_t next[TD_PROGRAM_FEEDS_MAX]; /* per feed: the first that is not written */
    td_batch batch;
    int64_t timestamp_ms; /* never goes back within a partition */
    int64_t read;
} replay;

static size_t moved_count(const replay *r) { return r->moved.size / sizeof(moved); }
static moved *moved_at(const replay *r, size_t index) { return (moved *)(void *)r->moved.data + index; }

/* ---- going along the tape as it was received ---- */

static int64_t watermark_of(const replay *r, uint32_t feed) { return td_state_watermark_ns(r->applier.state, feed); }

static td_status begin(replay *r) {
    td_topic *tape = r->conf->from->tape;
    int64_t start = td_topic_start(tape, r->partition);
    td_applier_fini(&r->applier);
    td_reader_seek(r->reader, start);
    td_status status = td_applier_begin(&r->applier, r->conf->from, r->partition, start);
    r->applier.forgoes = true;
    return status;
}

static td_status next_record(replay *r, td_record *out) {
    td_status status = td_reader_next(r->reader, out);
    if (status == TD_OK && td_reader_lost(r->reader) > 0)
        return TD_FAIL(TD_CONFIG, "retention removed what was being read of tape-%" PRIu32, r->partition);
    if (status == TD_OK && ++r->read % PROGRESS_RECORDS == 0) r->conf->progress(r->conf->arg, r->read);
    return status;
}

/* The feed and event of what a feed says of its market; false for others. */
static bool event_of(replay *r, const td_record *record, td_event *out) {
    td_bytes name;
    if (td_record_get_event_numbers(r->conf->from->ids, record->value, out, &name) != TD_OK) return false;
    if (out->kind == TD_EVENT_PROGRAM || out->kind == TD_EVENT_CORPORATE) return false;
    out->feed = td_state_feed(r->applier.state, name);
    return out->feed != UINT32_MAX;
}

/* In its place a trade that was asked for afterwards is as good as one that came by itself. */
static td_bytes as_it_came(replay *r, td_bytes value) {
    td_event event;
    td_bytes feed;
    if (td_record_get_event(r->conf->from->ids, value, &event, &feed) != TD_OK || event.origin != TD_ORIGIN_BACKFILL)
        return value;
    event.origin = TD_ORIGIN_FEED;
    event.flags &= (uint8_t)~TD_FLAG_ANEW;
    r->value.size = 0;
    td_record_put_event(&r->value, r->conf->from->ids, feed, &event);
    return td_buf_bytes(&r->value);
}

static void keep(replay *r, const td_record *record, const td_event *event) {
    td_bytes src = td_record_header(record, TD_SRC_HEADER), value = as_it_came(r, record->value);
    moved m = {.event_ns = event->event_ns,
               .offset = record->offset,
               .timestamp_ms = record->timestamp_ms,
               .feed = event->feed,
               .key_size = (uint32_t)record->key.size,
               .value_size = (uint32_t)value.size,
               .src_size = (uint32_t)src.size,
               .at = r->texts.size};
    td_buf_put(&r->moved, &m, sizeof m);
    td_buf_put(&r->texts, record->key.data, record->key.size);
    td_buf_put(&r->texts, value.data, value.size);
    td_buf_put(&r->texts, src.data, src.size);
}

static int by_place(const void *a, const void *b) {
    const moved *x = a, *y = b;
    if (x->feed != y->feed) return x->feed < y->feed ? -1 : 1;
    if (x->event_ns != y->event_ns) return x->event_ns < y->event_ns ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int by_offset(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Which events move. */
static td_status collect(replay *r) {
    td_record record;
    td_status status = begin(r);
    while (status == TD_OK && (status = next_record(r, &record)) == TD_OK) {
        td_event event;
        td_applied applied;
        bool tick = event_of(r, &record, &event) && event.kind != TD_EVENT_TIME;
        bool behind = tick && event.event_ns < watermark_of(r, event.feed);
        status = td_applier_apply(&r->applier, &record, &td_emit_none, &applied);
        if (status == TD_OK && behind && applied.verdict == TD_VERDICT_ACCEPTED && !applied.final)
            keep(r, &record, &event);
    }
    if (moved_count(r) > 1) qsort(r->moved.data, moved_count(r), sizeof(moved), by_place);
    for (size_t i = moved_count(r); i-- > 0;) r->next[moved_at(r, i)->feed] = i;
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- writing ---- */

static td_status flush(replay *r) {
    if (r->batch.count == 0) return TD_OK;
    td_status status = td_writer_append(r->conf->writer, r->conf->to->tape, r->partition, &r->batch);
    if (status == TD_OK) td_batch_reset(&r->batch);
    return status;
}

static td_status put(replay *r, int64_t timestamp_ms, td_bytes key, td_bytes value, td_bytes src) {
    td_bytes header = src.data != NULL ? TD_SRC_HEADER : (td_bytes){0};
    if (timestamp_ms > r->timestamp_ms) r->timestamp_ms = timestamp_ms;
    if (td_batch_add(&r->batch, r->timestamp_ms, key, value, header, src)) return TD_OK;
    td_status status = flush(r);
    if (status == TD_OK) (void)td_batch_add(&r->batch, r->timestamp_ms, key, value, header, src);
    return status;
}

/* What belongs before the watermark of that feed comes to where it now stands. */
static td_status put_moved(replay *r, uint32_t feed) {
    td_status status = TD_OK;
    size_t *next = &r->next[feed];
    for (; status == TD_OK && *next < moved_count(r); ++*next) {
        const moved *m = moved_at(r, *next);
        if (m->feed != feed || m->event_ns >= watermark_of(r, feed)) break;
        const uint8_t *key = r->texts.data + m->at, *value = key + m->key_size, *src = value + m->value_size;
        status = put(r, m->timestamp_ms, (td_bytes){key, m->key_size}, (td_bytes){value, m->value_size},
                     m->src_size > 0 ? (td_bytes){src, m->src_size} : (td_bytes){0});
    }
    return status;
}

/* Where the new tape goes on, once what is batched is written. */
static int64_t offset_now(const replay *r) { return td_topic_end(r->conf->to->tape, r->partition) + r->batch.count; }

/* From that record on the two tapes are further apart, or closer, than before. */
static void note_shift(replay *r, int64_t from) {
    const shift *last = (const shift *)(const void *)(r->shifts.data + r->shifts.size) - 1;
    shift now = {from, offset_now(r) - from};
    if (r->shifts.size == 0 || last->by != now.by) td_buf_put(&r->shifts, &now, sizeof now);
}

static int64_t offset_of(const replay *r, int64_t offset) {
    const shift *shifts = (const shift *)(const void *)r->shifts.data;
    size_t count = r->shifts.size / sizeof(shift);
    while (count > 0 && shifts[count - 1].from > offset) count--;
    return count > 0 ? offset + shifts[count - 1].by : 0;
}

/* With the record that stood there, or none: it is not kept any more. */
static td_status put_program(replay *r, const td_record *record) {
    td_program_mark mark = {.warm_from = TD_NONE};
    td_event event;
    td_bytes feed;
    memcpy(mark.sha256, r->applier.program->sha256, sizeof mark.sha256);
    bool warms = record != NULL && td_record_get_event(r->conf->from->ids, record->value, &event, &feed) == TD_OK &&
                 event.program.warm_from != TD_NONE;
    if (warms) mark.warm_from = offset_of(r, event.program.warm_from);
    td_status status = flush(r); /* its place is the end of what is written */
    return status == TD_OK ? td_program_put(r->conf->to, r->partition, &mark, r->timestamp_ms) : status;
}

typedef struct offset_set { /* of what moves, ascending */
    int64_t *offsets;
    size_t count;
} offset_set;

static offset_set moved_offsets(const replay *r) {
    offset_set set = {td_alloc_zero(moved_count(r) + 1, sizeof *set.offsets), moved_count(r)};
    for (size_t i = 0; i < set.count; i++) set.offsets[i] = moved_at(r, i)->offset;
    if (set.count > 1) qsort(set.offsets, set.count, sizeof *set.offsets, by_offset);
    return set;
}

static bool is_program(const replay *r, const td_record *record) {
    return td_record_schema(r->conf->from->ids, record->value) == TD_SCHEMA_PROGRAM;
}

static td_status put_record(replay *r, const td_record *record) {
    td_event event;
    td_applied applied;
    bool timed = event_of(r, record, &event);
    td_status status = td_applier_apply(&r->applier, record, &td_emit_none, &applied);
    if (status != TD_OK) return status;
    if (r->applier.passed) return TD_OK;
    if (record->timestamp_ms > r->timestamp_ms) r->timestamp_ms = record->timestamp_ms;
    if (is_program(r, record)) return put_program(r, record);
    status = timed ? put_moved(r, event.feed) : TD_OK;
    if (status != TD_OK) return status;
    return put(r, record->timestamp_ms, record->key, record->value, td_record_header(record, TD_SRC_HEADER));
}

static td_status write_all(replay *r) {
    td_record record;
    offset_set skipped = moved_offsets(r);
    size_t at = 0;
    bool first = true;
    td_status status = begin(r);
    while (status == TD_OK && (status = next_record(r, &record)) == TD_OK) {
        if (first && !is_program(r, &record)) status = put_program(r, NULL);
        first = false;
        note_shift(r, record.offset);
        if (at < skipped.count && skipped.offsets[at] == record.offset) {
            td_applied applied;
            at++;
            if (status == TD_OK) status = td_applier_apply(&r->applier, &record, &td_emit_none, &applied);
        } else if (status == TD_OK) {
            status = put_record(r, &record);
        }
    }
    free(skipped.offsets);
    return status == TD_AGAIN ? flush(r) : status;
}

td_status td_replay_copy(const td_replay_conf *conf, uint32_t partition, int64_t *out_moved) {
    replay *r = td_alloc_zero(1, sizeof *r);
    r->conf = conf;
    r->partition = partition;
    td_batch_init(&r->batch, BATCH_BYTES);
    for (size_t f = 0; f < TD_PROGRAM_FEEDS_MAX; f++) r->next[f] = SIZE_MAX; /* no event of it moves */
    td_status status = td_reader_open(&r->reader, conf->from->tape, partition, 0, TD_READ_APPENDED);
    if (status == TD_OK && conf->repaired) status = collect(r);
    if (status == TD_OK) status = write_all(r);
    *out_moved = (int64_t)moved_count(r);
    td_reader_close(r->reader);
    td_applier_fini(&r->applier);
    td_batch_fini(&r->batch);
    td_buf_fini(&r->moved);
    td_buf_fini(&r->texts);
    td_buf_fini(&r->shifts);
    td_buf_fini(&r->value);
    free(r);
    return status == TD_OK ? TD_OK : td_trace(status, "replaying tape-%" PRIu32, partition);
}
