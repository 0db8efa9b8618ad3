/* src/log/positions.c - records of positions, and what they say after a start. */
#include "log/positions.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { VERSION = 1, HEAD_BYTES = 1 + 8 + 4 + 4, PLACE_BYTES = 1 + 4 + 4 + 8, BLOCK_BYTES = 16 * 1024 };

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }
static void store(_Atomic int64_t *value, int64_t v) { atomic_store_explicit(value, v, memory_order_release); }

/* --- a record's value ------------------------------------------------------------------------------------------- */

void td_positions_put(td_buf *out, int64_t generation, uint32_t mark_count, uint32_t end_count) {
    uint8_t head[HEAD_BYTES] = {VERSION};
    td_put_be64(head + 1, (uint64_t)generation);
    td_put_be32(head + 9, mark_count);
    td_put_be32(head + 13, end_count);
    td_buf_put(out, head, sizeof head);
}

void td_place_put(td_buf *out, const td_place *place) {
    uint8_t size = (uint8_t)place->topic.size, rest[PLACE_BYTES - 1];
    td_put_be32(rest, place->partition);
    td_put_be32(rest + 4, (uint32_t)place->position.epoch);
    td_put_be64(rest + 8, (uint64_t)place->position.offset);
    td_buf_put(out, &size, 1);
    td_buf_put(out, place->topic.data, size);
    td_buf_put(out, rest, sizeof rest);
}

bool td_place_get(td_bytes *places, td_place *out) {
    if (places->size < PLACE_BYTES || places->size < (size_t)PLACE_BYTES + places->data[0]) return false;
    size_t size = places->data[0];
    const uint8_t *rest = places->data + 1 + size;
    *out = (td_place){.topic = {places->data + 1, size},
                      .partition = td_get_be32(rest),
                      .position = {(int32_t)td_get_be32(rest + 4), (int64_t)td_get_be64(rest + 8)}};
    places->data += PLACE_BYTES + size;
    places->size -= PLACE_BYTES + size;
    return true;
}

bool td_positions_get(td_bytes value, td_positions *out) {
    if (value.size < HEAD_BYTES || value.data[0] != VERSION) return false;
    *out = (td_positions){.generation = (int64_t)td_get_be64(value.data + 1),
                          .mark_count = td_get_be32(value.data + 9),
                          .end_count = td_get_be32(value.data + 13),
                          .marks = {value.data + HEAD_BYTES, value.size - HEAD_BYTES}};
    td_bytes rest = out->marks;
    td_place place;
    for (uint32_t i = 0; i < out->mark_count; i++)
        if (!td_place_get(&rest, &place)) return false;
    out->marks.size -= rest.size;
    out->ends = rest;
    for (uint32_t i = 0; i < out->end_count; i++)
        if (!td_place_get(&rest, &place)) return false;
    return rest.size == 0;
}

/* --- the last one ----------------------------------------------------------------------------------------------- */

/* NULL: the log does not have that partition (any more). */
static td_partition *find_partition(const td_segment_log *log, const td_place *place) {
    const td_topic *topic = td_segment_find_topic(log, place->topic);
    return topic == NULL || place->partition >= topic->partitions ? NULL : td_topic_partition(topic, place->partition);
}

static bool ends_hold(const td_segment_log *log, td_bytes ends) {
    td_place end;
    while (td_place_get(&ends, &end)) {
        td_partition *p = find_partition(log, &end);
        if (p == NULL || !td_epochs_hold(&p->epochs, end.position, load(&p->end))) return false;
    }
    return true;
}

/* Among the records from `from` up to `to`. */
static td_status last_of_block(const td_topic *positions, bool holding, int64_t from, int64_t to, td_buf *out_value,
                               int64_t *out_next) {
    const td_segment_log *log = td_segment_log_of(positions);
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, (td_topic *)positions, 0, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    *out_next = -1;
    while ((status = td_reader_next(reader, &record)) == TD_OK && record.offset < to) {
        td_positions read;
        if (!td_positions_get(record.value, &read)) {
            status = TD_FAIL(TD_CORRUPT, "%s: offset %" PRId64 " holds no positions", positions->name, record.offset);
            break;
        }
        if (holding && !ends_hold(log, read.ends)) continue;
        out_value->size = 0;
        td_buf_put(out_value, record.value.data, record.value.size);
        *out_next = record.offset + 1;
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_positions_last(const td_topic *positions, bool holding, td_buf *out_value, int64_t *out_next) {
    int64_t start = td_topic_start(positions, 0), to = td_topic_end(positions, 0), block_bytes = BLOCK_BYTES;
    while (to > start) {
        int64_t from = td_topic_block_before(positions, 0, to, block_bytes);
        td_status status = last_of_block(positions, holding, from, to, out_value, out_next);
        if (status != TD_OK || *out_next >= 0) return status;
        to = from;
        block_bytes *= 4;
    }
    *out_next = start;
    return TD_AGAIN;
}

/* --- after a start ---------------------------------------------------------------------------------------------- */

static void take_ends(const td_segment_log *log, td_partition *committer, td_bytes ends) {
    td_place end;
    while (td_place_get(&ends, &end)) {
        td_partition *p = find_partition(log, &end);
        if (p == NULL) continue;
        /* Two writers wrote it, one after the other: the later one knows more of it. */
        if (p->committer != NULL && load(&p->limit) >= end.position.offset) continue;
        p->committer = committer;
        store(&p->limit, end.position.offset);
    }
}

/* What the topic's records say of others' ends, into their limits. *out_next: behind the one that decides. */
static td_status take_topic(const td_segment_log *log, const td_topic *positions, int64_t *out_next) {
    td_buf value = {0};
    td_positions read = {0};
    bool holding = !log->conf.read_only; /* who only reads finds them as a living writer leaves them */
    td_status status = td_positions_last(positions, holding, &value, out_next);
    if (status == TD_OK && td_positions_get(td_buf_bytes(&value), &read))
        take_ends(log, td_topic_partition(positions, 0), read.ends);
    td_buf_fini(&value);
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status cut_records(const td_topic *positions, int64_t next) {
    int64_t end = td_topic_end(positions, 0);
    if (next >= end) return TD_OK;
    td_partition *p = td_topic_partition(positions, 0);
    td_partition_report(p, "the last %" PRId64 " commits refer to what is lost: they are void", end - next);
    return td_partition_truncate(p, next);
}

/* Damaged records decide nothing; the writer's next opening says so. */
static td_status settle_records(td_segment_log *log) {
    for (size_t t = 0; t < log->topic_count; t++) {
        const td_topic *positions = &log->topics[t]->base;
        if (!log->topics[t]->positions) continue;
        int64_t next;
        td_status status = take_topic(log, positions, &next);
        if (status == TD_OK) status = cut_records(positions, next);
        if (status == TD_CORRUPT)
            td_partition_report(td_topic_partition(positions, 0), "no commit can be read: nothing is cut by it");
        else if (status != TD_OK)
            return status;
    }
    return TD_OK;
}

static td_status cut_tail(td_partition *p) {
    int64_t end = load(&p->end), committed = load(&p->limit);
    store(&p->limit, INT64_MAX);
    if (committed >= end) return TD_OK;
    td_partition_report(p, "an uncommitted tail cut at offset %" PRId64 ", %" PRId64 " records", committed,
                        end - committed);
    return td_partition_truncate(p, committed);
}

td_status td_positions_settle(td_segment_log *log) {
    td_status status = settle_records(log);
    for (size_t t = 0; t < log->topic_count; t++) {
        td_segment_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->base.partitions && status == TD_OK; p++)
            status = cut_tail(topic->partitions[p]);
    }
    return status;
}

/* Where a partition is to be cut. */
typedef struct cut {
    td_partition *partition;
    int64_t offset;
} cut;

static bool is_beyond(const td_segment_log *log, const td_place *end, const cut *c) {
    return find_partition(log, end) == c->partition && end->position.offset > c->offset;
}

static bool any_beyond(const td_segment_log *log, td_bytes ends, const cut *c) {
    td_place end;
    while (td_place_get(&ends, &end))
        if (is_beyond(log, &end, c)) return true;
    return false;
}

/* A record's ends, none beyond the cut. */
static void put_ends(const td_segment_log *log, td_bytes ends, const cut *c, td_buf *out) {
    td_place end;
    while (td_place_get(&ends, &end)) {
        if (is_beyond(log, &end, c))
            end.position = (td_position){td_epochs_before(&c->partition->epochs, c->offset), c->offset};
        td_place_put(out, &end);
    }
}

/* As append, publish and flush of a batch of one record. */
static td_status append_record(const td_segment_log *log, const td_topic *positions, td_bytes value) {
    td_partition *p = td_topic_partition(positions, 0);
    int64_t now_ms = log->os.ops->wall_ns(log->os.self) / TD_NS_PER_MS;
    td_batch batch;
    td_batch_init(&batch, 0); /* empty: takes any record */
    (void)td_batch_add(&batch, now_ms, td_text(positions->name + sizeof TD_POSITIONS_PREFIX - 1), value, (td_bytes){0},
                       (td_bytes){0});
    td_status status = td_partition_append(p, &batch);
    td_batch_fini(&batch);
    if (status != TD_OK) return status;
    td_partition_publish(p);
    td_partition_index(p);
    return td_partition_flush(p, load(&p->end));
}

static td_status renew_record(const td_segment_log *log, const td_topic *positions, const cut *c) {
    td_buf value = {0}, renewed = {0};
    td_positions last;
    int64_t next;
    td_status status = td_positions_last(positions, false, &value, &next);
    if (status == TD_OK && td_positions_get(td_buf_bytes(&value), &last) && any_beyond(log, last.ends, c)) {
        td_positions_put(&renewed, last.generation, last.mark_count, last.end_count);
        td_buf_put(&renewed, last.marks.data, last.marks.size);
        put_ends(log, last.ends, c, &renewed);
        status = append_record(log, positions, td_buf_bytes(&renewed));
    }
    td_buf_fini(&renewed);
    td_buf_fini(&value);
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_positions_renew(const td_segment_log *log, td_partition *partition, int64_t offset) {
    const cut c = {partition, td_most(offset, load(&partition->start))};
    td_status status = TD_OK;
    for (size_t t = 0; t < log->topic_count && status == TD_OK; t++)
        if (log->topics[t]->positions) status = renew_record(log, &log->topics[t]->base, &c);
    return status;
}

td_status td_positions_look(const td_segment_log *log) {
    for (size_t t = 0; t < log->topic_count; t++) {
        const td_topic *positions = &log->topics[t]->base;
        if (!log->topics[t]->positions) continue;
        int64_t next;
        td_status status = td_partition_refresh(td_topic_partition(positions, 0));
        if (status == TD_OK) status = take_topic(log, positions, &next);
        if (status != TD_OK && status != TD_CORRUPT) return status;
    }
    return TD_OK;
}

td_status td_segment_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                               td_position *out) {
    char name[sizeof TD_POSITIONS_PREFIX + TD_WRITER_NAME_MAX];
    (void)snprintf(name, sizeof name, TD_POSITIONS_PREFIX "%s", writer);
    const td_topic *positions = td_segment_find_topic((const td_segment_log *)log, td_text(name));
    if (positions == NULL) return TD_AGAIN;
    td_buf value = {0};
    td_positions last;
    td_place place;
    int64_t next;
    td_status status = td_positions_last(positions, true, &value, &next);
    bool found = false;
    if (status == TD_OK && td_positions_get(td_buf_bytes(&value), &last))
        while (!found && td_place_get(&last.marks, &place)) {
            found = place.partition == partition && td_bytes_equal(place.topic, td_text(topic->name));
            if (found) *out = place.position;
        }
    td_buf_fini(&value);
    return status != TD_OK || found ? status : TD_AGAIN;
}
