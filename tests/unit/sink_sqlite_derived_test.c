/* tests/unit/sink_sqlite_derived_test.c - goal: what is said beside the rows is what the rows say, in whatever order
 * they came: since when instruments are there, and what became of orders. */
#include "sqlite_unit.h"

typedef struct told { /* by a strategy, and what came of it */
    const char *instrument, *leg;
    int64_t second, target, position; /* of sizes; position: TD_NONE: it has no fill */
    uint8_t action, status;
    const char *wanted; /* of its order, NULL: it is none */
} told;

static void write_told(void *sink, const told *t, int64_t offset) {
    char id[TD_SIGNAL_ID_MAX + 1];
    td_sink_row row = {.kind = TD_ROW_SIGNAL,
                       .instrument = td_text(t->instrument),
                       .source = {1, offset},
                       .signal = {.strategy = TD_TEXT("s"),
                                  .leg = td_text(t->leg),
                                  .event_ns = t->second * NS,
                                  .ordinal = 1 + (t->leg[0] != '\0'),
                                  .target = t->target,
                                  .price = NS,
                                  .action = t->action,
                                  .status = t->status}};
    (void)td_signal_id(&row.signal, row.instrument, id);
    assert_int_equal(td_sink_sqlite.write(sink, "signals", 0, &row, 1, (td_position){1, offset + 1}), TD_OK);
    if (t->position == TD_NONE) return;
    row.kind = TD_ROW_FILL;
    row.fill = (td_fill){.strategy = TD_TEXT("s"),
                         .signal = td_text(id),
                         .leg = td_text(t->leg),
                         .event_ns = t->second * NS + NS / 2,
                         .quantity = 700000000,
                         .price = 5 * NS,
                         .position = t->position,
                         .side = TD_SIDE_BUY};
    assert_int_equal(td_sink_sqlite.write(sink, "fills", 0, &row, 1, (td_position){1, offset + 1}), TD_OK);
}

/* What is held stands in the fills before; each instrument and leg is a position of its own. */
static void signals_that_move_a_target_are_orders(void **state) {
    (void)state;
    static const told steps[] = {
        {"A:B/C", "", 1, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_LATE, NULL},
        {"A:B/C", "", 2, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_WITHHELD, NULL},
        {"A:B/C", "", 3, 700000000, TD_NONE, TD_ACTION_ALERT, TD_SIGNAL_FRESH, NULL},
        {"A:B/C", "", 4, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_FRESH, "buy|buy|7|7|overtaken|4000000000|(null)"},
        {"A:B/C", "", 5, 0, TD_NONE, TD_ACTION_EXIT, TD_SIGNAL_FRESH, "exit|sell|0|0|needless|5000000000|(null)"},
        {"A:B/C", "", 6, 700000000, 700000000, TD_ACTION_BUY, TD_SIGNAL_FRESH,
         "buy|buy|7|7|filled|6000000000|6500000000"},
        {"A:B/C", "A:L", 6, -300000000, -300000000, TD_ACTION_SHORT, TD_SIGNAL_FRESH,
         "short|buy|7|-3|filled|6000000000|6500000000"},
        {"A:D", "", 6, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_FRESH, "buy|buy|7|7|waiting|6000000000|(null)"},
        {"A:D", "A:L", 6, 300000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_FRESH, "buy|buy|3|3|waiting|6000000000|(null)"},
        {"A:B/C", "", 7, 50000001, TD_NONE, TD_ACTION_SELL, TD_SIGNAL_FRESH,
         "sell|sell|6.49999999|0.50000001|overtaken|7000000000|(null)"},
        {"A:B/C", "", 8, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_FRESH, "buy|buy|0|7|needless|8000000000|(null)"},
        {"A:B/C", "", 9, -50000000, TD_NONE, TD_ACTION_SHORT, TD_SIGNAL_FRESH,
         "short|sell|7.5|-0.5|waiting|9000000000|(null)"},
        {"A:B/C", "A:L", 9, 0, TD_NONE, TD_ACTION_EXIT, TD_SIGNAL_FRESH, "exit|buy|3|0|waiting|9000000000|(null)"},
        {"A:B/C", "", 4, 700000000, TD_NONE, TD_ACTION_BUY, TD_SIGNAL_WITHDRAWN, NULL}, /* it stays what it was */
    };
    char file[256];
    void *sink = must_open(path_in_dir("orders.db", file));
    td_buf wanted = {0};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        const told *t = &steps[i];
        write_told(sink, t, (int64_t)i);
        if (t->wanted == NULL) continue;
        td_buf_printf(&wanted, "%s%s|%s", wanted.size > 0 ? "\n" : "", t->leg[0] != '\0' ? t->leg : t->instrument,
                      t->wanted);
    }
    td_buf_put(&wanted, "", 1);
    td_sink_sqlite.close(sink);
    expect(file,
           "SELECT o.instrument, o.action, side, quantity, o.target, state, ordered_ns, filled_ns FROM orders AS o"
           " JOIN signals AS s ON s.id = signal AND s.status = 'fresh' ORDER BY s.src_offset",
           (const char *)wanted.data);
    td_buf_fini(&wanted);
    expect(file, "SELECT * FROM orders WHERE fill IS NOT NULL AND instrument = 'A:L'",
           "s/A:B/C/1970-01-01T00:00:06#2|s|A:L|short|buy|7|-3|filled|6000000000|6500000000|5|next");
    expect(file, "SELECT * FROM orders_view WHERE instrument = 'A:L' AND state = 'filled'",
           "s/A:B/C/1970-01-01T00:00:06#2|s|A:L|short|buy|7.0|-3.0|filled|1970-01-01T00:00:06Z|1970-01-01T00:00:06.5Z|"
           "5.0|next");
}

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
        cmocka_unit_test(signals_that_move_a_target_are_orders),
        cmocka_unit_test(instruments_are_there_since_their_earliest),
        cmocka_unit_test(instruments_of_a_failed_batch_come_again),
        cmocka_unit_test(a_file_gets_its_instruments),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
