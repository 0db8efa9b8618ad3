/* tests/unit/sink_archive_folder_test.c - goal: an archive's folder is of one sink of one kind as long as that lives,
 * and nobody else has its database, also when it is there already; what that keeps is as it was written, of this
 * version and of the same ends of days, or it is told. */
#include "base/time.h"
#include "sink/sink.h"
#include "unit.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY TD_NS_PER_DAY

static char dir[64], archive[80];

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void command(const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_int_equal(system(text), 0);
}

static int64_t close_after_ns = TD_NS_PER_HOUR, retain_ns;
static const td_os *os_in_use = &td_os_posix;

static td_status try_open(const td_sink_ops *ops, void **out) {
    const td_sink_conf conf = {.dir = archive,
                               .close_after_ns = close_after_ns,
                               .retain_ns = retain_ns,
                               .row_group = 2048,
                               .memory_bytes = 128 << 20,
                               .block_bytes = 4096};
    *out = NULL;
    return ops->open(out, os_in_use, &conf);
}

static void *must_open(const td_sink_ops *ops) {
    void *sink = NULL;
    if (try_open(ops, &sink) != TD_OK) fail_msg("%s", td_trail());
    return sink;
}

static int64_t appended_ms = INT64_C(1) << 40; /* 2004 */

/* One bar of that day. */
static td_status write_day(const td_sink_ops *ops, void *sink, int offset, int day) {
    td_sink_row row = {
        .kind = TD_ROW_BAR, .instrument = TD_TEXT("V:A"), .source = {0, offset}, .appended_ms = appended_ms};
    row.bar = (td_bar){.start_ns = day * DAY + 12 * TD_NS_PER_HOUR, .width_ns = 60, .close = offset};
    return ops->write(sink, "bars", 0, &row, 1, (td_position){0, offset + 1});
}

static sqlite3 *open_database(const char *name) {
    char path[128];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", archive, name);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static void expect_held(void) {
    sqlite3 *db = open_database(".open.db");
    assert_int_equal(sqlite3_exec(db, "SELECT count(*) FROM packs", NULL, NULL, NULL), SQLITE_BUSY);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void one_sink_has_it(void **state) {
    (void)state;
    void *second;
    command("rm -rf %s", archive);
    for (int again = 0; again < 2; again++) {
        void *sink = must_open(&td_sink_parquet);
        expect_held();
        assert_int_equal(try_open(&td_sink_parquet, &second), TD_RETRY); /* until the first ends */
        assert_non_null(strstr(td_trail(), "/.lock is held by another sink"));
        assert_int_equal(write_day(&td_sink_parquet, sink, again, again), TD_OK);
        expect_held();
        td_sink_parquet.close(sink);
    }
    sqlite3 *db = open_database(".open.db"); /* who looks on is waited for */
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(try_open(&td_sink_parquet, &second), TD_RETRY);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    td_sink_parquet.close(must_open(&td_sink_parquet));
}

static void of_one_kind(void **state) {
    (void)state;
    static const td_sink_ops *const kinds[] = {&td_sink_parquet, &td_sink_avro};
    void *other;
    for (int k = 0; k < 2; k++) {
        command("rm -rf %s", archive);
        void *sink = must_open(kinds[k]);
        assert_int_equal(try_open(kinds[1 - k], &other), TD_CONFIG);
        assert_non_null(strstr(td_trail(), "a folder is of one archive alone"));
        kinds[k]->close(sink);
        assert_int_equal(try_open(kinds[1 - k], &other), TD_CONFIG);
        kinds[k]->close(must_open(kinds[k]));
    }
    command("touch %s/.open.db", archive); /* both are there */
    assert_int_equal(try_open(&td_sink_parquet, &other), TD_CONFIG);
    assert_int_equal(try_open(&td_sink_avro, &other), TD_CONFIG);
    command("rm -rf %s && mkdir %s && touch %s/.open.duckdb", archive, archive, archive);
    assert_int_equal(try_open(&td_sink_parquet, &other), TD_CONFIG);
    assert_non_null(strstr(td_trail(), ".open.duckdb is there"));
}

static void change(const char *sql) {
    sqlite3 *db = open_database(".open.db");
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void begin_day(void) {
    command("rm -rf %s", archive);
    void *sink = must_open(&td_sink_parquet);
    assert_int_equal(write_day(&td_sink_parquet, sink, 0, 1), TD_OK);
    td_sink_parquet.close(sink);
}

/* Each as the day closes that it is of; without it the day closes. */
static void damage_is_told(void **state) {
    (void)state;
    static const char *const damages[] = {
        NULL,
        "UPDATE bytes SET data = CAST(substr(data, 1, length(data) - 1) || x'7f' AS BLOB)",
        "UPDATE bytes SET data = CAST(data || data AS BLOB)",
        "UPDATE packs SET rows = 2",
        "UPDATE packs SET day = 0",
        "UPDATE packs SET first = 7",
        "UPDATE packs SET instrument = 'V:B'",
    };
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        begin_day();
        if (damages[i] != NULL) change(damages[i]);
        void *sink = must_open(&td_sink_parquet);
        td_status status = write_day(&td_sink_parquet, sink, 1, 3);
        assert_int_equal(status, damages[i] == NULL ? TD_OK : TD_CORRUPT);
        if (damages[i] != NULL) {
            td_position at;
            assert_non_null(strstr(td_trail(), "/.open.db is damaged: rows of bars-0 from offset "));
            assert_int_equal(td_sink_parquet.position(sink, "bars", 0, &at), TD_OK);
            assert_int_equal(at.offset, 1);
        }
        td_sink_parquet.close(sink);
    }
}

static void of_this_version(void **state) {
    (void)state;
    static const struct {
        const char *sql, *said;
    } rows[] = {
        {"PRAGMA user_version = 2", "is of a newer version"},
        {"PRAGMA user_version = 0", "is of an older version"},
        {"PRAGMA user_version = 1", NULL},
    };
    void *sink;
    begin_day();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        sqlite3 *db = open_database(".open.db");
        assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(try_open(&td_sink_parquet, &sink), rows[i].said == NULL ? TD_OK : TD_CONFIG);
        if (rows[i].said != NULL) assert_non_null(strstr(td_trail(), rows[i].said));
        td_sink_parquet.close(sink);
    }
}

/* A day that ends elsewhere is other files, and a death would leave both. */
static void days_end_where_they_did(void **state) {
    (void)state;
    void *sink;
    begin_day();
    close_after_ns = 90 * TD_NS_PER_MIN;
    assert_int_equal(try_open(&td_sink_parquet, &sink), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "days end after 1h, not 90m: give it that, or another folder"));
    close_after_ns = TD_NS_PER_HOUR;
    td_sink_parquet.close(must_open(&td_sink_parquet));
}

static bool has_part(const char *table) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s/instrument=V%%3AA/day=1970-01-02/part-0000-000000000000.parquet", archive,
                   table);
    return access(path, F_OK) == 0;
}

/* A table that cannot be written as a run ends keeps no other back, is told, and is written when the next one ends. */
static void what_fails_at_the_end(void **state) {
    (void)state;
    command("rm -rf %s", archive);
    void *sink = must_open(&td_sink_parquet);
    assert_int_equal(write_day(&td_sink_parquet, sink, 0, 1), TD_OK);
    td_sink_row row = {
        .kind = TD_ROW_PUBLISHED, .instrument = TD_TEXT("V:A"), .source = {0, 0}, .appended_ms = appended_ms};
    row.event = (td_event){.kind = TD_EVENT_TRADE, .event_ns = DAY + 1};
    row.event.trade = (td_trade){.price = 5, .size = 6, .trade_id = TD_NONE};
    assert_int_equal(td_sink_parquet.write(sink, "trades", 0, &row, 1, (td_position){0, 1}), TD_OK);
    command("touch %s/bars", archive); /* no folder can be made there */
    assert_int_not_equal(td_sink_parquet.finish(sink), TD_OK);
    assert_non_null(strstr(td_trail(), "days that are open are not all written: "));
    assert_non_null(strstr(td_trail(), "/bars"));
    assert_true(has_part("trades"));
    td_sink_parquet.close(sink);
    command("rm %s/bars", archive);
    sink = must_open(&td_sink_parquet);
    assert_int_equal(td_sink_parquet.finish(sink), TD_OK);
    assert_true(has_part("bars"));
    td_sink_parquet.close(sink);
}

/* ---- what is too old ---- */

static td_status write_trade(void *sink, int offset, int day) {
    td_sink_row row = {
        .kind = TD_ROW_PUBLISHED, .instrument = TD_TEXT("V:A"), .source = {0, offset}, .appended_ms = appended_ms};
    row.event = (td_event){.kind = TD_EVENT_TRADE, .event_ns = day * DAY + 12 * TD_NS_PER_HOUR};
    row.event.trade = (td_trade){.price = 5, .size = 6, .trade_id = TD_NONE};
    return td_sink_parquet.write(sink, "trades", 0, &row, 1, (td_position){0, offset + 1});
}

/* A folder in a day, a link to one elsewhere, files where folders are: nothing of it keeps days that are too old, and
 * nothing else is touched. */
static void strangers_in_days(void **state) {
    (void)state;
    retain_ns = 2 * DAY;
    command("rm -rf %s && mkdir -p %s.else && touch %s.else/kept", archive, archive, archive);
    void *sink = must_open(&td_sink_parquet);
    for (int i = 0; i < 3; i++) assert_int_equal(write_trade(sink, i, 10 + i), TD_OK);
    command("cd %s/trades/instrument=V%%3AA/day=1970-01-11 && mkdir -p a/b && touch a/b/c && ln -s %s.else d", archive,
            archive);
    command("cd %s/trades && mkdir -p instrument=W/day=1970-01-10 && touch instrument=X instrument=W/day=1970-01-09"
            " instrument=W/day=1970-01-10/part-0000-000000000000.avro",
            archive);
    for (int i = 3; i < 6; i++)
        if (write_trade(sink, i, 10 + i) != TD_OK) fail_msg("%s", td_trail());
    td_sink_parquet.close(sink);
    command("cd %s/trades && test ! -e instrument=V%%3AA/day=1970-01-11 -a -e instrument=V%%3AA/day=1970-01-14",
            archive);
    command("cd %s && test ! -e .swept -a -e ../a.else/kept -a -e trades/instrument=X", archive);
    command("cd %s/trades/instrument=W && test -e day=1970-01-09 -a -e day=1970-01-10", archive); /* of another kind */
    retain_ns = 0;
}

/* Neither closes a day what is dated before it has come, nor lets others go. */
static void a_row_that_is_dated_wrong(void **state) {
    (void)state;
    retain_ns = 2 * DAY;
    command("rm -rf %s", archive);
    void *sink = must_open(&td_sink_parquet);
    for (int i = 0; i < 6; i++) {
        int64_t noon_ms = (10 + i / 2) * DAY / TD_NS_PER_MS + 43200000;
        appended_ms = noon_ms + 5;
        assert_int_equal(write_trade(sink, i, i == 1 ? 40000 : 10 + i / 2), TD_OK);
    }
    td_sink_parquet.close(sink);
    appended_ms = INT64_C(1) << 40;
    command("cd %s/trades/instrument=V%%3AA && test \"`echo *`\" = 'day=1970-01-11 day=1970-01-12'", archive);
    command("cd %s/trades/instrument=V%%3AA && test `ls day=1970-01-11 day=1970-01-12 | grep -c part-` = 2", archive);
    retain_ns = 0;
}

static int swept; /* folders that were on their way out */

/* A folder goes for good: what is on the disk by then, without the log beside it, says so. */
static td_status expecting_rename(void *self, const char *from, const char *to) {
    if (strstr(to, "/.swept") != NULL) {
        char path[128];
        sqlite3 *db = NULL;
        sqlite3_stmt *stmt = NULL;
        command("cp %s/.open.db %s/synced.db", archive, dir);
        (void)snprintf(path, sizeof path, "%s/synced.db", dir);
        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT day FROM clocks WHERE venue = '::'", -1, &stmt, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(stmt, 0), 11 + swept++);
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    return td_os_posix.ops->rename(self, from, to);
}

static void what_goes_is_said_before(void **state) {
    (void)state;
    td_os_ops ops = *td_os_posix.ops;
    const td_os os = {&ops, td_os_posix.self};
    ops.rename = expecting_rename;
    os_in_use = &os;
    retain_ns = 2 * DAY;
    command("rm -rf %s", archive);
    void *sink = must_open(&td_sink_parquet);
    for (int i = 0; i < 6; i++) assert_int_equal(write_trade(sink, i, 10 + i), TD_OK);
    assert_int_equal(swept, 3);
    td_sink_parquet.close(sink);
    os_in_use = &td_os_posix;
    retain_ns = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sink_has_it),
        cmocka_unit_test(of_one_kind),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(of_this_version),
        cmocka_unit_test(days_end_where_they_did),
        cmocka_unit_test(what_fails_at_the_end),
        cmocka_unit_test(strangers_in_days),
        cmocka_unit_test(what_goes_is_said_before),
        cmocka_unit_test(a_row_that_is_dated_wrong),
    };
    (void)snprintf(dir, sizeof dir, "%s/sink_archive_XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) return 1;
    (void)snprintf(archive, sizeof archive, "%s/a", dir);
    int failed = cmocka_run_group_tests_name("sink_archive_folder", tests, NULL, NULL);
    char text[128];
    (void)snprintf(text, sizeof text, "rm -rf %s", dir);
    return system(text) != 0 ? 1 : failed;
}
