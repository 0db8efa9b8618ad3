/* tests/unit/sink_sqlite_derived_test.c - goal: what is said beside the rows is what the rows say, in whatever order
 * they came: since when instruments are there. */
#include "sqlite_unit.h"

static td_sink_row vendor_row(const char *instrument, int64_t start_ns) {
    return (td_sink_row){.kind = TD_ROW_VENDOR_BAR,
                         .instrument = td_text(instrument),
                         .feed = TD_TEXT("av"),
                         .event = {.event_ns = start_ns + 60 * NS,
                                   .vendor_bar = {.start_ns = start_ns, .width_ns = 60 * NS, .volume = TD_NONE}}};
}

/* By whatever of it comes, in any order, and again. */
static void instruments_are_there_since_their_earliest(void **state) {
    static const char all[] = "SELECT * FROM instruments";
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("instruments.db", file));
    td_sink_row rows[] = {tick_row(TD_EVENT_TRADE, "A:B:C", 500 * NS, 20), bar_row("A:B:C", 480 * NS, 0, 3),
                          tick_row(TD_EVENT_QUOTE, "A:B:C", 479 * NS, 22), vendor_row("A:B:C", 478 * NS),
                          tick_row(TD_EVENT_TRADE, "A:B:C", 600 * NS, 24)};
    static const char *const firsts[] = {"500000000000", "480000000000", "479000000000", "478000000000",
                                         "478000000000"};
    const td_position next = {2, 1};
    char wanted[64];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(td_sink_sqlite.write(sink, "x", 0, &rows[i], 1, next), TD_OK);
        (void)snprintf(wanted, sizeof wanted, "A:B:C|A|B:C|%s", firsts[i]);
        expect(file, all, wanted);
    }
    td_sink_sqlite.close(sink);
    sink = must_open(file); /* it knows nothing of what was told, and the table does */
    assert_int_equal(td_sink_sqlite.write(sink, "x", 0, &rows[0], 1, next), TD_OK);
    expect(file, all, wanted);
    expect(file, "SELECT * FROM instruments_view", "A:B:C|A|B:C|1970-01-01T00:07:58Z|1970-01-01T00:10:00Z");
    assert_int_equal(td_sink_sqlite.reset(sink, NULL, 0, true), TD_OK);
    expect(file, all, "");
    assert_int_equal(td_sink_sqlite.write(sink, "x", 0, &rows[0], 1, next), TD_OK);
    expect(file, all, "A:B:C|A|B:C|500000000000");
    td_sink_sqlite.close(sink);
}

/* What failed was not told. */
static void instruments_of_a_failed_batch_come_again(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("told.db", file));
    td_sink_row row = tick_row(TD_EVENT_TRADE, "A:B", 5 * NS, 20);
    sqlite3 *db = look(file);
    run_sql(db, "CREATE TRIGGER refuse BEFORE INSERT ON positions BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert_int_not_equal(td_sink_sqlite.write(sink, "x", 0, &row, 1, (td_position){2, 1}), TD_OK);
    run_sql(db, "DROP TRIGGER refuse");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    expect(file, "SELECT * FROM instruments", "");
    assert_int_equal(td_sink_sqlite.write(sink, "x", 0, &row, 1, (td_position){2, 1}), TD_OK);
    expect(file, "SELECT instrument FROM instruments", "A:B");
    td_sink_sqlite.close(sink);
}

/* An older file's tables say since when its instruments are there. */
static void a_file_gets_its_instruments(void **state) {
    (void)state;
    char file[256];
    void *sink = must_open(path_in_dir("known.db", file));
    const td_position next = {2, 1};
    td_sink_row rows[] = {bar_row("A:A", 60 * NS, 0, 3),
                          bar_row("A:A", 30 * NS, 0, 4),
                          bar_row("A:A", 45 * NS, 0, 5),
                          bar_row("A:D", 90 * NS, 0, 6),
                          tick_row(TD_EVENT_TRADE, "A:D", 70 * NS, 20),
                          tick_row(TD_EVENT_TRADE, "A:D", 95 * NS, 22),
                          tick_row(TD_EVENT_QUOTE, "A:E", 71 * NS, 24),
                          vendor_row("A:F", 9 * NS)};
    rows[1].bar.width_ns = 90 * NS; /* of two widths either may be the earlier */
    rows[2].bar.width_ns = 30 * NS;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(td_sink_sqlite.write(sink, "x", 0, &rows[i], 1, next), TD_OK);
    td_sink_sqlite.close(sink);
    sqlite3 *db = look(file);
    run_sql(db, "DROP VIEW instruments_view; DROP TABLE instruments; PRAGMA user_version = 9");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    td_sink_sqlite.close(must_open(file));
    expect(file, "SELECT * FROM instruments",
           "A:A|A|A|30000000000\nA:D|A|D|70000000000\nA:E|A|E|71000000000\nA:F|A|F|9000000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instruments_are_there_since_their_earliest),
        cmocka_unit_test(instruments_of_a_failed_batch_come_again),
        cmocka_unit_test(a_file_gets_its_instruments),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
