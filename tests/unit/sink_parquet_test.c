/* tests/unit/sink_parquet_test.c - goal: whatever call of the machine's fails while a day closes, the position stands
 * where it stood, the batch comes again, and each row is read once; a failure that ends the process leaves the same.
 * Days that are too old go whole, whatever fails, and nothing else does. Without DuckDB's library nothing is read. */
#include "base/time.h"
#include "os/duck.h"
#include "sink/sink.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY TD_NS_PER_DAY
static char dir[64];
static char archive[80];
static bool reads;     /* DuckDB's library is here */
static int calls_left; /* until one fails; -1: none does */

static bool fails(void) { return calls_left >= 0 && calls_left-- == 0; }

static td_status failing_sync(void *self, int file) {
    return fails() ? TD_FAIL(TD_RETRY, "sync: no space") : td_os_posix.ops->sync(self, file);
}

static td_status failing_write(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    if (offset == 0 && fails()) return TD_FAIL(TD_RETRY, "write: no space");
    return td_os_posix.ops->write_at(self, file, data, size, offset, out_size);
}

static td_status failing_rename(void *self, const char *from, const char *to) {
    return fails() ? TD_FAIL(TD_RETRY, "rename: no space") : td_os_posix.ops->rename(self, from, to);
}

static td_status failing_sync_dir(void *self, const char *path) {
    return fails() ? TD_FAIL(TD_RETRY, "sync: no space") : td_os_posix.ops->sync_dir(self, path);
}

static td_status failing_remove(void *self, const char *path) {
    return fails() ? TD_FAIL(TD_RETRY, "remove: not now") : td_os_posix.ops->remove(self, path);
}

static int64_t retain_ns;

static void *open_sink(td_os_ops *ops, td_os *os) {
    const td_sink_conf conf = {.dir = archive,
                               .close_after_ns = TD_NS_PER_HOUR,
                               .row_group = 2048,
                               .memory_bytes = 128 << 20,
                               .retain_ns = retain_ns};
    *ops = *td_os_posix.ops;
    ops->write_at = failing_write;
    ops->sync = failing_sync;
    ops->rename = failing_rename;
    ops->sync_dir = failing_sync_dir;
    ops->remove = failing_remove;
    *os = (td_os){ops, td_os_posix.self};
    void *sink = NULL;
    calls_left = -1;
    assert_int_equal(td_sink_parquet.open(&sink, os, &conf), TD_OK);
    return sink;
}

static void end(void *sink) {
    assert_int_equal(td_sink_parquet.finish(sink), TD_OK);
    td_sink_parquet.close(sink);
}

/* Four bars a day, of two instruments; the one that is 13 hours behind its day's begin closes the day before. */
static void make_rows(td_sink_row *rows, int first, int count) {
    for (int i = 0; i < count; i++) {
        int64_t start_ns = (first + i) / 4 * DAY + (first + i) % 4 * 6 * TD_NS_PER_HOUR + TD_NS_PER_HOUR;
        rows[i] =
            (td_sink_row){.kind = TD_ROW_BAR,
                          .instrument = (first + i) % 2 == 0 ? TD_TEXT("V:A") : TD_TEXT("V:B"),
                          .source = {0, first + i},
                          .appended_ms = INT64_C(1) << 40, /* 2004 */
                          .bar = {.start_ns = start_ns, .end_ns = start_ns + 60, .width_ns = 60, .close = first + i}};
    }
}

static td_status take_text(void *arg, const td_bytes *cells, size_t count) {
    (void)count;
    (void)snprintf(arg, 64, "%.*s", (int)cells[0].size, (const char *)cells[0].data);
    return TD_OK;
}

/* "rows distinct-offsets" of all files. */
static void expect_files(const char *wanted) {
    td_duck *duck;
    char sql[256], got[64] = "";
    if (!reads) return;
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) || ' ' || count(DISTINCT src_offset) FROM read_parquet('%s/bars/*/*/*.parquet')",
                   archive);
    assert_int_equal(td_duck_each(duck, sql, "read", take_text, got), TD_OK);
    td_duck_close(duck);
    assert_string_equal(got, wanted);
}

static td_position position_of(void *sink) {
    td_position at;
    assert_int_equal(td_sink_parquet.position(sink, "bars", 0, &at), TD_OK);
    return at;
}

/* A batch over three ends of days, in which call number `n` fails. Returns whether there was such a call. */
static bool fail_at(int n) {
    char command[128];
    td_sink_row rows[16];
    td_os_ops ops;
    td_os os;
    (void)snprintf(command, sizeof command, "rm -rf %s", archive);
    assert_int_equal(system(command), 0);
    void *sink = open_sink(&ops, &os);
    assert_int_equal(position_of(sink).epoch, -1);
    make_rows(rows, 0, 2);
    assert_int_equal(td_sink_parquet.write(sink, "bars", 0, rows, 2, (td_position){0, 2}), TD_OK);
    make_rows(rows, 2, 14);
    calls_left = n;
    td_status status = td_sink_parquet.write(sink, "bars", 0, rows, 14, (td_position){0, 16});
    bool failed = status != TD_OK;
    calls_left = -1;
    if (failed) {
        assert_int_equal(status, TD_RETRY);
        assert_int_equal(position_of(sink).offset, 2);
        assert_int_equal(td_sink_parquet.write(sink, "bars", 0, rows, 14, (td_position){0, 16}), TD_OK);
    }
    assert_int_equal(position_of(sink).offset, 16);
    expect_files("12 12"); /* three days are over */
    end(sink);
    expect_files("16 16"); /* and the open one is there, too */
    sink = open_sink(&ops, &os);
    make_rows(rows, 16, 4);
    assert_int_equal(td_sink_parquet.write(sink, "bars", 0, rows, 4, (td_position){0, 20}), TD_OK);
    end(sink);
    expect_files("20 20"); /* whole files took the place of open ones */
    return failed;
}

static void each_call_fails_once(void **state) {
    (void)state;
    int n = 0;
    while (fail_at(n)) n++;
    assert_int_equal(n, 24); /* of six files the first write, a sync, a rename and a sync of the folder each */
}

/* ---- what is too old ---- */

enum { TRADES = 32 };

/* Four trades a day: each day's first one is of an instrument of its own, its third of two days ago; and two of four
 * days ago come, as the last of day 16 and the second of day 17. */
static void make_trades(td_sink_row *rows) {
    static char names[TRADES][8];
    for (int i = 0; i < TRADES; i++) {
        int day = i / 4, late = i % 4 == 2 ? 2 : i == 27 || i == 29 ? 4 : 0;
        (void)snprintf(names[i], sizeof names[i], i % 4 == 0 ? "V:D%d" : "V:A", day);
        int64_t event_ns = (10 + day - late) * DAY + i % 4 * 6 * TD_NS_PER_HOUR;
        rows[i] = (td_sink_row){.kind = TD_ROW_PUBLISHED,
                                .instrument = td_text(names[i]),
                                .source = {0, i},
                                .appended_ms = INT64_C(1) << 40,
                                .tape_offset = i,
                                .event = {.kind = TD_EVENT_TRADE, .event_ns = event_ns}};
        rows[i].event.trade = (td_trade){.price = 1, .size = 1, .trade_id = TD_NONE};
    }
}

static td_position trades_position(void *sink) {
    td_position at;
    assert_int_equal(td_sink_parquet.position(sink, "trades", 0, &at), TD_OK);
    return at;
}

static td_status take_line(void *arg, const td_bytes *cells, size_t count) {
    (void)count;
    (void)snprintf(arg, 512, "%.*s", (int)cells[0].size, (const char *)cells[0].data);
    return TD_OK;
}

/* "day offset,offset,…; …" of all files. */
static void expect_trades(const char *wanted) {
    td_duck *duck;
    char sql[512], out[512] = "";
    if (!reads) return;
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    (void)snprintf(
        sql, sizeof sql,
        "SELECT string_agg(day || ' ' || offsets, '; ' ORDER BY day) FROM (SELECT date_diff('day',"
        " DATE '1970-01-01', day) AS day, string_agg(src_offset::VARCHAR, ',' ORDER BY src_offset) AS offsets"
        " FROM read_parquet('%s/trades/*/*/*.parquet') GROUP BY ALL)",
        archive);
    assert_int_equal(td_duck_each(duck, sql, "read", take_line, out), TD_OK);
    td_duck_close(duck);
    assert_string_equal(out, wanted);
}

/* Days 10 and 11 of another partition, in which nothing newer comes. */
static void write_elsewhere(void *sink) {
    td_sink_row rows[TRADES];
    make_trades(rows);
    for (int i = 0; i < 2; i++) {
        rows[i].instrument = TD_TEXT("V:E");
        rows[i].source.offset = 100 + i;
        rows[i].event.event_ns = (10 + i) * DAY + 2 * TD_NS_PER_HOUR;
    }
    assert_int_equal(td_sink_parquet.write(sink, "trades", 1, rows, 2, (td_position){0, 102}), TD_OK);
}

/* All trades in batches of `size`, in which call number `n` fails, after which the process may be another one. Returns
 * whether there was such a call. */
static bool sweep_failing_at(int n, int size, bool dies) {
    char command[128];
    td_sink_row rows[TRADES];
    td_os_ops ops;
    td_os os;
    bool failed = false;
    (void)snprintf(command, sizeof command, "rm -rf %s", archive);
    assert_int_equal(system(command), 0);
    make_trades(rows);
    void *sink = open_sink(&ops, &os);
    write_elsewhere(sink);
    calls_left = n;
    for (int64_t at = 0; at < TRADES; at = trades_position(sink).offset) {
        int64_t count = td_least(size, TRADES - at);
        td_status status =
            td_sink_parquet.write(sink, "trades", 0, rows + at, (size_t)count, (td_position){0, at + count});
        if (status == TD_OK) continue;
        failed = true;
        assert_int_equal(status, TD_RETRY);
        calls_left = -1;
        if (!dies) continue;
        end(sink); /* what it writes as it ends is of no day that has gone in part */
        sink = open_sink(&ops, &os);
    }
    calls_left = -1;
    end(sink);
    end(open_sink(&ops, &os)); /* a start lets nothing go that was swept once */
    return failed;
}

static void old_days_go(void **state) {
    (void)state;
    static const int sizes[] = {1, 3, TRADES};
    /* The newest day is 17: before 14 all went with its first row; what came later for 13 stays until the next day. So
     * do days of a partition that has none so new. */
    static const char wanted[] = "10 100; 11 101; 13 29; 14 16,17,19,26; 15 20,21,23,30; 16 24,25; 17 28,31";
    retain_ns = 3 * DAY;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        (void)sweep_failing_at(-1, sizes[i], false);
        expect_trades(wanted);
    }
    int n = 0;
    for (bool failed = true; failed; n++) {
        failed = sweep_failing_at(n, TRADES, n % 2 == 0);
        expect_trades(wanted);
        char path[128];
        (void)snprintf(path, sizeof path, "%s/.swept", archive);
        assert_int_not_equal(access(path, F_OK), 0);
        (void)snprintf(path, sizeof path, "%s/trades/instrument=V%%3AD0", archive);
        assert_int_not_equal(access(path, F_OK), 0); /* it had that day alone */
    }
    assert_true(n > 60);
    retain_ns = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once), cmocka_unit_test(old_days_go)};
    td_duck *duck;
    reads = td_duck_open(&duck, NULL) == TD_OK;
    if (reads) td_duck_close(duck);
    (void)snprintf(dir, sizeof dir, "%s/sink_parquet_XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* thousands of syncs */
    if (mkdtemp(dir) == NULL) return 1;
    (void)snprintf(archive, sizeof archive, "%s/a", dir);
    int failed = cmocka_run_group_tests_name("sink_parquet", tests, NULL, NULL);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0 ? 1 : failed;
}
