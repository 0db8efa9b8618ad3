/* tests/sim/outcome.c - reads what a world left in its log and its database, and holds it against another's. */
#include "outcome.h"
#include "log/log_segment.h"
#include "sink/sink.h"
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOPIC_FILLS = 3 };

static const char *const topics[TOPIC_COUNT] = {"tape",   "bars",    "signals",     [TOPIC_FILLS] = "fills",
                                                "gaps",   "actions", "quarantine",  "rejected",
                                                "trades", "quotes",  "trades_json", "bars_json"};

/* Without src_epoch: it counts crashes. */
static const char *const tables[TABLE_COUNT] = {
    "SELECT src_offset, instrument, width_ns, start_ns, end_ns, open, high, low, close, volume, notional, vwap,"
    " trade_count, revision, known_at_ns, quality, evidence FROM bars WHERE src_partition = ?1 ORDER BY src_offset",
    "SELECT src_offset, id, strategy, instrument, event_ns, width_ns, action, target, status, price, note, known_at_ns,"
    " reason FROM signals WHERE src_partition = ?1 ORDER BY src_offset",
    "SELECT src_offset, signal, strategy, instrument, event_ns, side, quantity, price, position, known_at_ns FROM fills"
    " WHERE src_partition = ?1 ORDER BY src_offset",
    "SELECT src_offset, feed, instrument, number, status, reason, from_ns, ifnull(to_ns, ''), ifnull(first_id, ''),"
    " ifnull(last_id, ''), ifnull(missing, ''), filled, known_at_ns FROM gaps WHERE src_partition = ?1"
    " ORDER BY src_offset"};
static const char *const table_topics[TABLE_COUNT] = {"bars", "signals", "fills", "gaps"};

void td_outcome_fini(td_outcome *o) {
    for (int p = 0; p < PARTITION_MAX; p++) {
        for (int t = 0; t < TOPIC_COUNT; t++) td_buf_fini(&o->records[t][p]);
        for (int t = 0; t < TABLE_COUNT; t++) td_buf_fini(&o->rows[t][p]);
    }
}

static void put_sized(td_buf *out, td_bytes bytes) {
    uint8_t size[4];
    td_put_be32(size, bytes.data == NULL ? UINT32_MAX : (uint32_t)bytes.size);
    td_buf_put(out, size, sizeof size);
    td_buf_put(out, bytes.data, bytes.size);
}

static bool take_records(td_world *w, td_topic *topic, uint32_t partition, td_outcome *out, int t) {
    td_reader *reader = NULL;
    td_record record;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        HOLDS(record.offset == out->record_count[t][partition], "%s-%u: offset %" PRId64 " is missing", topics[t],
              partition, out->record_count[t][partition]);
        out->record_count[t][partition]++;
        put_sized(&out->records[t][partition], record.key);
        put_sized(&out->records[t][partition], record.value);
    }
    td_reader_close(reader);
    if (status == TD_CORRUPT && w->excused) return w->noticed = true;
    HOLDS(status == TD_AGAIN, "reading %s-%u: %s", topics[t], partition, td_trail());
    return true;
}

typedef struct taking {
    td_world *world;
    td_outcome *out;
    bool good;
} taking;

static void take_topic(void *arg, td_topic *topic) {
    taking *take = arg;
    for (int t = 0; t < TOPIC_COUNT; t++)
        for (uint32_t p = 0; strcmp(td_topic_name(topic), topics[t]) == 0 && p < td_topic_partitions(topic); p++)
            take->good = take->good && take_records(take->world, topic, p, take->out, t);
}

static bool take_log(td_world *w, td_outcome *out) {
    td_log *log = NULL;
    td_log_conf conf = {.dir = w->config.log.dir, .read_only = true};
    taking take = {w, out, true};
    td_status status = td_log_segment_open(&log, &w->os, &conf, NULL, NULL);
    if (status == TD_OK) status = td_log_each_topic(log, take_topic, &take);
    HOLDS(status == TD_OK, "reading the log: %s", td_trail());
    td_log_close(log);
    return take.good;
}

static bool take_rows(sqlite3 *db, int table, uint32_t partition, td_buf *out) {
    sqlite3_stmt *stmt;
    HOLDS(sqlite3_prepare_v2(db, tables[table], -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    (void)sqlite3_bind_int64(stmt, 1, partition);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0, n = sqlite3_column_count(stmt); i < n; i++)
            td_buf_printf(out, "%s%s", (const char *)sqlite3_column_text(stmt, i), i + 1 < n ? "|" : "\n");
    (void)sqlite3_finalize(stmt);
    HOLDS(code == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    return true;
}

static bool take_tables(uint32_t partitions, td_outcome *out) {
    sqlite3 *db;
    bool good = true;
    HOLDS(sqlite3_open_v2(td_world_database, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL) == SQLITE_OK,
          "no database");
    for (int t = 0; t < TABLE_COUNT; t++)
        for (uint32_t p = 0; p < partitions && good; p++) good = take_rows(db, t, p, &out->rows[t][p]);
    (void)sqlite3_close(db);
    return good;
}

/* ---- comparing ---- */

static bool same_records(const td_outcome *a, const td_outcome *b, int t, uint32_t p) {
    const td_buf *x = &a->records[t][p], *y = &b->records[t][p];
    if (td_bytes_equal(td_buf_bytes(x), td_buf_bytes(y))) return true;
    size_t at = 0;
    int64_t offset = 0, field = 0;
    for (; at + 4 <= x->size && at + 4 <= y->size; field++) {
        uint32_t size = td_get_be32(x->data + at);
        size = size == UINT32_MAX ? 4 : size + 4;
        if (at + size > x->size || at + size > y->size || memcmp(x->data + at, y->data + at, size) != 0) break;
        at += size;
        offset = (field + 1) / 2;
    }
    HOLDS(false, "%s-%u differs first at offset %" PRId64 " (%" PRId64 " records, reference %" PRId64 ")", topics[t], p,
          offset, a->record_count[t][p], b->record_count[t][p]);
}

/* `rows` are the reference's first `count`; -1: all. */
static bool same_rows(const td_buf *rows, const td_buf *reference, int64_t count, const char *name, uint32_t p) {
    size_t end = 0;
    for (int64_t n = 0; end < reference->size && n != count; n++)
        end += (size_t)((const uint8_t *)memchr(reference->data + end, '\n', reference->size - end) -
                        (reference->data + end)) +
               1;
    if (td_bytes_equal(td_buf_bytes(rows), (td_bytes){reference->data, end})) return true;
    size_t at = 0, line = 0;
    while (at < rows->size && at < end && rows->data[at] == reference->data[at])
        if (rows->data[at++] == '\n') line = at;
    HOLDS(false, "table %s, partition %u differs first at\n  %.*s\n  reference:\n  %.*s", name, p,
          (int)strcspn(rows->size > line ? (const char *)rows->data + line : "(no row)", "\n"),
          rows->size > line ? (const char *)rows->data + line : "(no row)",
          (int)strcspn(end > line ? (const char *)reference->data + line : "(no row)", "\n"),
          end > line ? (const char *)reference->data + line : "(no row)");
}

static int64_t count_of(const td_outcome *o, int topic) {
    int64_t count = 0;
    for (uint32_t p = 0; p < PARTITION_MAX; p++) count += o->record_count[topic][p];
    return count;
}

int64_t td_outcome_fills(const td_outcome *o) { return count_of(o, TOPIC_FILLS); }

int64_t td_outcome_count(const td_outcome *o) {
    int64_t count = 0;
    for (int t = 0; t < TOPIC_COUNT; t++) count += count_of(o, t);
    return count;
}

bool td_outcome_same(const td_outcome *got, const td_outcome *reference) {
    bool same = true;
    for (uint32_t p = 0; p < PARTITION_MAX; p++) {
        for (int t = 0; t < TOPIC_COUNT && same; t++) same = same_records(got, reference, t, p);
        for (int t = 0; t < TABLE_COUNT && same; t++)
            same = same_rows(&got->rows[t][p], &reference->rows[t][p], -1, table_topics[t], p);
    }
    return same;
}

bool td_outcome_take(td_world *w, td_outcome *out) { return take_log(w, out) && take_tables(w->partitions, out); }

bool td_outcome_check_positions(td_world *w, const td_outcome *reference) {
    td_outcome got = {0};
    void *sink;
    td_sink_conf conf = {.file = (char *)(uintptr_t)td_world_database};
    td_status status = td_sink_sqlite.open(&sink, &w->os, &conf);
    HOLDS(status == TD_OK, "the database: %s", td_trail());
    int64_t next[TABLE_COUNT][PARTITION_MAX];
    for (int t = 0; t < TABLE_COUNT; t++)
        for (uint32_t p = 0; p < w->partitions && status == TD_OK; p++) {
            td_position at;
            status = td_sink_sqlite.position(sink, table_topics[t], p, &at);
            next[t][p] = at.offset;
        }
    td_sink_sqlite.close(sink);
    bool good = status == TD_OK && take_tables(w->partitions, &got);
    for (int t = 0; t < TABLE_COUNT && good; t++)
        for (uint32_t p = 0; p < w->partitions && good; p++)
            good = same_rows(&got.rows[t][p], &reference->rows[t][p], next[t][p], table_topics[t], p);
    td_outcome_fini(&got);
    return good;
}
