/* tests/unit/sink_parquet_test.c - goal: whatever call of the machine's fails while a day closes, the position stands
 * where it stood, the batch comes again, and each row is read once; a failure that ends the process leaves the same. */
#include "base/time.h"
#include "os/duck.h"
#include "sink/sink.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY TD_NS_PER_DAY
enum { SKIPPED = 77 };

static char dir[64];
static char archive[80];
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

static void *open_sink(td_os_ops *ops, td_os *os) {
    static const td_sink_conf conf = {
        .dir = archive, .close_after_ns = TD_NS_PER_HOUR, .row_group = 2048, .memory_bytes = 128 << 20};
    *ops = *td_os_posix.ops;
    ops->write_at = failing_write;
    ops->sync = failing_sync;
    ops->rename = failing_rename;
    ops->sync_dir = failing_sync_dir;
    *os = (td_os){ops, td_os_posix.self};
    void *sink = NULL;
    calls_left = -1;
    assert_int_equal(td_sink_parquet.open(&sink, os, &conf), TD_OK);
    return sink;
}

/* Four bars a day, of two instruments; the one that is 13 hours behind its day's begin closes the day before. */
static void make_rows(td_sink_row *rows, int first, int count) {
    for (int i = 0; i < count; i++) {
        int64_t start_ns = (first + i) / 4 * DAY + (first + i) % 4 * 6 * TD_NS_PER_HOUR + TD_NS_PER_HOUR;
        rows[i] =
            (td_sink_row){.kind = TD_ROW_BAR,
                          .instrument = (first + i) % 2 == 0 ? TD_TEXT("V:A") : TD_TEXT("V:B"),
                          .source = {0, first + i},
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
    td_sink_parquet.close(sink);
    expect_files("16 16"); /* and the open one is there, too */
    sink = open_sink(&ops, &os);
    make_rows(rows, 16, 4);
    assert_int_equal(td_sink_parquet.write(sink, "bars", 0, rows, 4, (td_position){0, 20}), TD_OK);
    td_sink_parquet.close(sink);
    expect_files("20 20"); /* whole files took the place of open ones */
    return failed;
}

static void each_call_fails_once(void **state) {
    (void)state;
    int n = 0;
    while (fail_at(n)) n++;
    assert_int_equal(n, 24); /* of six files the first write, a sync, a rename and a sync of the folder each */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_fails_once)};
    td_duck *duck;
    if (td_duck_open(&duck, NULL) != TD_OK) return SKIPPED; /* its library is not here */
    td_duck_close(duck);
    (void)snprintf(dir, sizeof dir, "%s/sink_parquet_XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* thousands of syncs */
    if (mkdtemp(dir) == NULL) return 1;
    (void)snprintf(archive, sizeof archive, "%s/a", dir);
    int failed = cmocka_run_group_tests_name("sink_parquet", tests, NULL, NULL);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0 ? 1 : failed;
}
