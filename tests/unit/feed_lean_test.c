/* tests/unit/feed_lean_test.c - goal: rows of Lean's zips become exact events, in the order (clock, quotes before
 * trades, file, line), and whatever is no row is told and costs nothing else. */
#include "feed_unit.h"

static const char trade_csv[] = "20131007_ibm_Trade_Tick.csv", quote_csv[] = "20131007_ibm_Quote_Tick.csv";

static void write_zip(const char *name, const char *inner, const char *text) {
    unit_write_zip(name, inner, td_text(text), ZIP_CM_DEFLATE);
}

static void check_feed(const unit_option *more, const char *expected) {
    unit_option options[8] = {{"path", ""}};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/*.zip", unit_folder);
    options[0].value = path;
    for (size_t i = 1; more != NULL && more->key != NULL; i++) options[i] = *more++;
    char *plain = unit_feed_text(&td_feed_lean, &td_os_posix, options);
    assert_string_equal(plain, expected);
    unit_os flaky;
    char *again = unit_feed_text(&td_feed_lean, unit_os_init(&flaky, 3), options);
    assert_string_equal(again, expected);
    assert_int_equal(flaky.open_count, 0);
    free(plain);
    free(again);
    unit_empty_folder();
}

static void trade_rows(void **state) {
    (void)state;
    static const struct {
        const char *row, *item;
    } steps[] = {
        {"34200000,1815200,283,P,20002020,0",
         "LEAN:IBM 2013-10-07T13:30:00Z trade 181.52 x 283 side 0 id none [P 20002020]"},
        {"34200000.25,1815200.5,283,P,20,1",
         "LEAN:IBM 2013-10-07T13:30:00.00025Z trade 181.52005 x 283 side 0 id none [P 20] suspicious"},
        {"0,1,0.5,,,0", "LEAN:IBM 2013-10-07T04:00:00Z trade 0.0001 x 0.5 side 0 id none [ ]"},
        {"0,-1,283,P,0,0",
         "LEAN:IBM 2013-10-07T04:00:00Z trade -0.0001 x 283 side 0 id none [P 0]"}, /* a rule judges */
        {"0,0.0000123456,1,P,0,0", "LEAN:IBM 2013-10-07T04:00:00Z trade 0.000000001 x 1 side 0 id none [P 0] inexact"},
        {"86399999,1,1,P,0,0", "LEAN:IBM 2013-10-08T03:59:59.999Z trade 0.0001 x 1 side 0 id none [P 0]"},
        {"86400000,1,1,P,0,0", "rejected range x.zip"},
        {"-1,1,1,P,0,0", "rejected range x.zip"},
        {"0,1e30,1,P,0,0", "rejected range x.zip"},
        {"0,1,1e30,P,0,0", "rejected range x.zip"},
        {"0,0.000001,1,P,0,0", "rejected range x.zip"}, /* rounds to 0 */
        {"0,1,1,P,0", "rejected malformed x.zip"},
        {"0,1,1,P,0,0,0", "rejected malformed x.zip"},
        {"0,1,1,P,0,0,0,0,0,0,0", "rejected malformed x.zip"},
        {"x,1,1,P,0,0", "rejected malformed x.zip"},
        {"0,,1,P,0,0", "rejected malformed x.zip"},
        {"0,1,1.x,P,0,0", "rejected malformed x.zip"},
        {"0,1,1,P,0,2", "rejected malformed x.zip"},
        {"0,1,1,P,0,", "rejected malformed x.zip"},
        {"0,1,1,P,0123456789abcdef,0", "rejected malformed x.zip"},
        {"\1\2\3", "rejected malformed x.zip"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char expected[256];
        write_zip("x.zip", trade_csv, steps[i].row);
        (void)snprintf(expected, sizeof expected, "0:1 %s\n0:0 end\n", steps[i].item);
        check_feed(NULL, expected);
    }
}

static void quote_rows(void **state) {
    (void)state;
    write_zip("x.zip", quote_csv,
              "1,1800100,300,0,0,P,1,0\r\n2,0,0,1836300,100,Q,4,1\r\n3,1,2,3,4,K,1,0\r\n4,0,100,5,0,,,0\r\n"
              "5,1,1,1e30,1,P,1,0\r\n6,1,1,1,1,P,1\r\n\r\n");
    check_feed(NULL,
               "0:1 LEAN:IBM 2013-10-07T04:00:00.001Z quote 180.01 x 300 | none x none seq none [P 1]\n"
               "0:2 LEAN:IBM 2013-10-07T04:00:00.002Z quote none x none | 183.63 x 100 seq none [Q 4] suspicious\n"
               "0:3 LEAN:IBM 2013-10-07T04:00:00.003Z quote 0.0001 x 2 | 0.0003 x 4 seq none [K 1]\n"
               "0:4 LEAN:IBM 2013-10-07T04:00:00.004Z quote 0 x 100 | 0.0005 x 0 seq none [ ]\n"
               "0:5 rejected range x.zip\n"
               "0:6 rejected malformed x.zip\n"
               "0:0 end\n");
}

/* A file's clock is its running maximum: row 2:2 (late) keeps its place behind 2:1. A refused row moves no clock. */
static void order_over_files(void **state) {
    (void)state;
    write_zip("a.zip", "20131007_a_Trade_Tick.csv", "10,1,1,P,0,0\n30,1,1,P,0,0\nbad\n30,1,1,P,0,0\n");
    write_zip("b.zip", "20131007_b_Trade_Tick.csv", "10,1,1,P,0,0\n86399999,1,1\n20,1,1,P,0,0");
    write_zip("c.zip", "20131007_a_Quote_Tick.csv", "30,1,1,1,1,P,1,0\n15,1,1,1,1,P,1,0\n31,1,1,1,1,P,1,0");
    unit_option venue[] = {{"venue", "X"}, {0}};
    check_feed(venue, "0:1 X:A 2013-10-07T04:00:00.01Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "1:1 X:B 2013-10-07T04:00:00.01Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "1:2 rejected malformed b.zip\n"
                      "1:3 X:B 2013-10-07T04:00:00.02Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "2:1 X:A 2013-10-07T04:00:00.03Z quote 0.0001 x 1 | 0.0001 x 1 seq none [P 1]\n"
                      "2:2 X:A 2013-10-07T04:00:00.015Z quote 0.0001 x 1 | 0.0001 x 1 seq none [P 1]\n"
                      "0:2 X:A 2013-10-07T04:00:00.03Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "0:3 rejected malformed a.zip\n"
                      "0:4 X:A 2013-10-07T04:00:00.03Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "2:3 X:A 2013-10-07T04:00:00.031Z quote 0.0001 x 1 | 0.0001 x 1 seq none [P 1]\n"
                      "0:0 end\n");
}

static void hours(void **state) {
    (void)state;
    static const char rows[] = "34199999,1,1,P,0,0\n34200000,1,1,P,0,0\n57599999,1,1,P,0,0\n57600000,1e30,1,P,0,0\nbad";
    write_zip("x.zip", trade_csv, rows);
    unit_option day[] = {{"from", "09:30"}, {"to", "16:00"}, {0}};
    check_feed(day, "0:2 LEAN:IBM 2013-10-07T13:30:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                    "0:3 LEAN:IBM 2013-10-07T19:59:59.999Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                    "0:5 rejected malformed x.zip\n"
                    "0:0 end\n");
    write_zip("x.zip", trade_csv, rows);
    unit_option night[] = {{"from", "16:00"}, {"to", "09:30"}, {0}};
    check_feed(night, "0:1 LEAN:IBM 2013-10-07T13:29:59.999Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                      "0:4 rejected range x.zip\n"
                      "0:5 rejected malformed x.zip\n"
                      "0:0 end\n");
}

/* 2013-11-03: 01:30 comes twice, and stands for the first; 2013-03-10: 02:30 never comes, and stands for 03:30. */
static void daylight_saving(void **state) {
    (void)state;
    write_zip("x.zip", "20131103_x_Trade_Tick.csv", "5400000,1,1,P,0,0\n7200000,1,1,P,0,0");
    write_zip("y.zip", "20130310_x_Trade_Tick.csv", "5400000,1,1,P,0,0\n9000000,1,1,P,0,0\n10800000,1,1,P,0,0");
    check_feed(NULL, "1:1 LEAN:X 2013-03-10T06:30:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "1:2 LEAN:X 2013-03-10T07:30:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "1:3 LEAN:X 2013-03-10T07:00:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "0:1 LEAN:X 2013-11-03T05:30:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "0:2 LEAN:X 2013-11-03T07:00:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "0:0 end\n");
}

static void refused_files(void **state) {
    (void)state;
    static const char *const names[] = {
        "20131007_Trade_Tick.csv",     "20131007_ibm_Trade_Minute.csv", "20131307_ibm_Trade_Tick.csv",
        "20130231_ibm_Trade_Tick.csv", "2013100_ibm_Trade_Tick.csv",    "20131007_i m_Trade_Tick.csv",
        "19691231_ibm_Trade_Tick.csv", "27131007_ibm_Trade_Tick.csv",   "x",
        "20131007__Trade_Tick.csv"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        write_zip("a.zip", names[i], "0,1,1,P,0,0");
        write_zip("b.zip", trade_csv, "0,1,1,P,0,0");
        check_feed(NULL, "0:0 rejected unreadable a.zip\n"
                         "1:1 LEAN:IBM 2013-10-07T04:00:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                         "0:0 end\n");
    }
}

static void truncated_zip(void **state) {
    (void)state;
    unit_write_zip("x.zip", trade_csv, TD_TEXT("0,1,1,P,0,0\n1,1,1,P,0,0\n2,1,1,P,0,0\n"), ZIP_CM_STORE);
    unit_cut("x.zip", 30 + (long)sizeof trade_csv - 1 + 15);
    check_feed(NULL, "0:1 LEAN:IBM 2013-10-07T04:00:00Z trade 0.0001 x 1 side 0 id none [P 0]\n"
                     "0:2 rejected unreadable x.zip\n"
                     "0:0 end\n");
}

static void nothing_to_read_names_the_key(void **state) {
    (void)state;
    unit_feed f;
    unit_feed_conf(&f, &td_feed_lean, (unit_option[]){{"path", "/nowhere/*.zip"}, {0}});
    assert_int_equal(td_feed_lean.open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "path: "));
    unit_feed_close(&f);
    unit_feed_conf(&f, &td_feed_lean, (unit_option[]){{"path", "/nowhere/*.zip"}, {"venue", "a b"}, {0}});
    assert_int_equal(td_feed_lean.open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "venue: "));
    unit_feed_close(&f);
}

/* A year of days costs as many open files as one day. */
static void days_are_opened_one_by_one(void **state) {
    (void)state;
    char name[32], csv[64], path[128];
    for (int day = 1; day <= 28; day++) {
        for (int file = 0; file < 3; file++) {
            (void)snprintf(name, sizeof name, "%d-%02d.zip", file, day);
            (void)snprintf(csv, sizeof csv, "201310%02d_s%d_%s_Tick.csv", day, file, file == 0 ? "Quote" : "Trade");
            write_zip(name, csv, file == 0 ? "1,1,1,1,1,P,1,0\n86399999,1,1,1,1,P,1,0" : "1,1,1,P,0,0\n2,1,1,P,0,0");
        }
    }
    unit_os counting;
    const td_os *os = unit_os_init(&counting, 0);
    unit_feed f;
    (void)snprintf(path, sizeof path, "%s/*.zip", unit_folder);
    unit_feed_conf(&f, &td_feed_lean, (unit_option[]){{"path", path}, {0}});
    unit_feed_open(&f, os);
    assert_int_equal(counting.open_count, 0);
    td_feed_item item;
    int count = 0;
    int64_t last_ns = 0;
    while (td_feed_lean.next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        assert_int_equal(item.kind, TD_ITEM_EVENT);
        assert_true(item.event.event_ns >= last_ns);
        last_ns = item.event.event_ns;
        count++;
    }
    assert_int_equal(count, 28 * 3 * 2);
    assert_int_equal(counting.open_max, 3);
    assert_int_equal(counting.open_count, 0);
    unit_feed_close(&f);
    unit_empty_folder();
}

/* The bundled day; counts by `unzip -p FILE | awk 'END{print NR}'`. */
static void bundled_day(void **state) {
    (void)state;
    static const int64_t rows[] = {1079935, 25351, 476855, 88172, 109067, 24293, 250601};
    int64_t counts[COUNT_OF(rows)] = {0}, trades = 0, quotes = 0, size = 0;
    unit_feed f;
    unit_feed_conf(&f, &td_feed_lean, (unit_option[]){{"path", "examples/data/lean/*.zip"}, {0}});
    unit_feed_open(&f, &td_os_posix);
    td_feed_item item;
    while (td_feed_lean.next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        assert_int_equal(item.kind, TD_ITEM_EVENT);
        assert_int_equal(item.position.line, ++counts[item.position.file]);
        trades += item.event.kind == TD_EVENT_TRADE;
        quotes += item.event.kind == TD_EVENT_QUOTE;
        if (item.event.kind == TD_EVENT_TRADE) size += item.event.trade.size / 100000000;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) assert_int_equal(counts[i], rows[i]);
    assert_int_equal(trades, 388417);
    assert_int_equal(quotes, 1665857);
    assert_int_equal(size, 170735234);
    assert_int_equal(td_instruments_count(f.instruments), 4);
    unit_feed_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trade_rows),
        cmocka_unit_test(quote_rows),
        cmocka_unit_test(order_over_files),
        cmocka_unit_test(hours),
        cmocka_unit_test(daylight_saving),
        cmocka_unit_test(refused_files),
        cmocka_unit_test(truncated_zip),
        cmocka_unit_test(nothing_to_read_names_the_key),
        cmocka_unit_test(days_are_opened_one_by_one),
        cmocka_unit_test(bundled_day),
    };
    return cmocka_run_group_tests_name("feed_lean", tests, unit_make_folder, unit_remove_folder);
}
