/* tests/unit/sqlite_unit.h - files of the SQLite sink in a folder of the test's own, rows for them, and what stands in
 * them. */
#pragma once
#include "sink/sink.h"
#include "unit.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define NS INT64_C(1000000000)
static char dir[] = "/tmp/sink_sqlite_XXXXXX";

static inline char *path_in_dir(const char *name, char out[256]) {
    (void)snprintf(out, 256, "%s/%s", dir, name);
    return out;
}

static inline void *must_open(char *file) {
    void *sink = NULL;
    td_sink_conf conf = {.file = file};
    td_status status = td_sink_sqlite.open(&sink, &td_os_posix, &conf);
    if (status != TD_OK) print_error("%s\n", td_trail());
    assert_int_equal(status, TD_OK);
    return sink;
}

static inline sqlite3 *look(const char *file) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static inline void run_sql(sqlite3 *db, const char *sql) {
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Rows of a query: columns split by |, rows by a newline. */
static inline void select_rows(const char *file, const char *sql, td_buf *out) {
    sqlite3 *db = look(file);
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (out->size > 0) td_buf_text(out, "\n");
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *text = (const char *)sqlite3_column_text(stmt, i);
            td_buf_printf(out, "%s%s", i == 0 ? "" : "|", text != NULL ? text : "(null)");
        }
    }
    td_buf_put(out, "", 1);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline void expect(const char *file, const char *sql, const char *rows) {
    td_buf text = {0};
    select_rows(file, sql, &text);
    assert_string_equal((const char *)text.data, rows);
    td_buf_fini(&text);
}

static inline td_sink_row bar_row(const char *instrument, int64_t start_ns, int32_t revision, int64_t offset) {
    return (td_sink_row){.kind = TD_ROW_BAR,
                         .instrument = td_text(instrument),
                         .source = {1, offset},
                         .bar = {.start_ns = start_ns,
                                 .end_ns = start_ns + 60 * NS,
                                 .width_ns = 60 * NS,
                                 .open = 100 * NS,
                                 .high = 101500000000,
                                 .low = 99 * NS + 1,
                                 .close = 101 * NS,
                                 .vwap = 100250000000,
                                 .volume = 1250000000,
                                 .notional = (td_i128)125312500000000000 * 1000,
                                 .trade_count = 7,
                                 .known_at_ns = start_ns + 61 * NS,
                                 .revision = revision,
                                 .quality = TD_QUALITY_PARTIAL,
                                 .evidence = TD_EVIDENCE_PROVEN}};
}

static inline td_sink_row tick_row(uint8_t kind, const char *instrument, int64_t event_ns, int64_t ord) {
    td_sink_row row = {.kind = TD_ROW_PUBLISHED,
                       .instrument = td_text(instrument),
                       .source = {2, ord / 2},
                       .appended_ms = INT64_C(1) << 42,
                       .tape_offset = ord,
                       .feed = TD_TEXT("desk"),
                       .event = {.kind = kind, .event_ns = event_ns, .receive_ns = event_ns + NS, .flags = 1}};
    if (kind == TD_EVENT_QUOTE)
        row.event.quote = (td_quote){.bid_price = 99 * NS,
                                     .bid_size = 150000000,
                                     .ask_price = TD_NONE,
                                     .ask_size = TD_NONE,
                                     .sequence = 7,
                                     .exchange = {1, "P"}};
    else
        row.event.trade = (td_trade){.price = ord * NS,
                                     .size = 250000000,
                                     .trade_id = TD_NONE,
                                     .side = TD_SIDE_UNKNOWN,
                                     .exchange = {1, "Q"},
                                     .condition = {2, "@F"}};
    return row;
}

static inline int make_dir(void **state) { return (void)state, mkdtemp(dir) == NULL; }

static inline int remove_dir(void **state) {
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}
