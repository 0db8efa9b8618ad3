/* tests/unit/sink_archive_folder_test.c - goal: an archive's folder is of one sink of one kind as long as that lives,
 * and nobody else has its database, also when it is there already. */
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

static td_status try_open(const td_sink_ops *ops, void **out) {
    const td_sink_conf conf = {.dir = archive,
                               .close_after_ns = TD_NS_PER_HOUR,
                               .row_group = 2048,
                               .memory_bytes = 128 << 20,
                               .block_bytes = 4096};
    *out = NULL;
    return ops->open(out, &td_os_posix, &conf);
}

static void *must_open(const td_sink_ops *ops) {
    void *sink = NULL;
    if (try_open(ops, &sink) != TD_OK) fail_msg("%s", td_trail());
    return sink;
}

/* One bar of that day. */
static td_status write_day(const td_sink_ops *ops, void *sink, int offset, int day) {
    td_sink_row row = {.kind = TD_ROW_BAR, .instrument = TD_TEXT("V:A"), .source = {0, offset}};
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_sink_has_it), cmocka_unit_test(of_one_kind)};
    (void)snprintf(dir, sizeof dir, "%s/sink_archive_XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL) return 1;
    (void)snprintf(archive, sizeof archive, "%s/a", dir);
    int failed = cmocka_run_group_tests_name("sink_archive_folder", tests, NULL, NULL);
    char text[128];
    (void)snprintf(text, sizeof text, "rm -rf %s", dir);
    return system(text) != 0 ? 1 : failed;
}
