/* tests/unit/feed_binance_test.c - goal: recorded Binance messages become exact trades and quotes, all others are
 * counted by kind, and damage costs one message. */
#include "feed_unit.h"

#define AT     "1723161254087896568 "
#define TRADED "BINANCE:BTCUSDT 2024-08-08T23:54:15.342Z trade 61837.63 x 0.02 side 2 id 3735683259 [ ]"
#define QUOTED "BINANCE:BTCUSDT 2024-08-08T23:54:14.087896568Z quote 61837.63 x 3.78826 | 61837.64 x 1.54698 seq 9 [ ]"

static void check_feed(const unit_option *more, const char *expected) {
    unit_option options[8] = {{"path", ""}};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/*.gz", unit_folder);
    options[0].value = path;
    for (size_t i = 1; more != NULL && more->key != NULL; i++) options[i] = *more++;
    char *plain = unit_feed_text(&td_feed_binance_collector, &td_os_posix, options);
    assert_string_equal(plain, expected);
    unit_os flaky;
    char *again = unit_feed_text(&td_feed_binance_collector, unit_os_init(&flaky, 3), options);
    assert_string_equal(again, expected);
    free(plain);
    free(again);
    unit_empty_folder();
}

static const struct step {
    const char *line, *item;
} steps[] = {
    {AT
     "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"t\":3735683259,"
     "\"p\":\"61837.63000000\",\"q\":\"0.02000000\",\"T\":1723161255342,\"m\":true,\"M\":true}}",
     TRADED},
    /* raw, in another order, time in microseconds */
    {AT "{\"m\":true,\"T\":1723161255342000,\"q\":\"0.02\",\"p\":\"61837.63\",\"t\":3735683259,\"s\":\"BTCUSDT\","
        "\"e\":\"trade\"}",
     TRADED},
    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"-1\",\"q\":\"0\",\"T\":1723161255342,\"m\":false}",
     "BINANCE:BTCUSDT 2024-08-08T23:54:15.342Z trade -1 x 0 side 1 id 1 [ ]"},
    {AT
     "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1.0000000005\",\"q\":\"1\",\"T\":1723161255342,\"m\":false}",
     "BINANCE:BTCUSDT 2024-08-08T23:54:15.342Z trade 1 x 1 side 1 id 1 [ ] inexact"},
    {AT "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":9,\"s\":\"BTCUSDT\",\"b\":\"61837.63000000\","
        "\"B\":\"3.78826000\",\"a\":\"61837.64000000\",\"A\":\"1.54698000\"}}",
     QUOTED " time-receive"},
    {AT "{\"A\":\"1.54698\",\"a\":\"61837.64\",\"B\":\"3.78826\",\"b\":\"61837.63\",\"s\":\"BTCUSDT\",\"u\":9}",
     QUOTED " time-receive"},
    {AT "{\"e\":\"bookTicker\",\"T\":1723161254087,\"A\":\"0.000\",\"a\":\"0\",\"B\":\"1\",\"b\":\"2\",\"s\":\"X\","
        "\"u\":9}",
     "BINANCE:X 2024-08-08T23:54:14.087Z quote 2 x 1 | none x none seq 9 [ ]"},

    {AT "{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1723161255208,\"s\":\"BTCUSDT\","
        "\"U\":1,\"u\":2,\"b\":[[\"1\",\"2\"]],\"a\":[]}}",
     "BINANCE:BTCUSDT 2024-08-08T23:54:15.208Z book 1..2: b 1 x 2"},
    {AT "{\"lastUpdateId\":160,\"bids\":[[\"0.0024\",\"10\"]],\"asks\":[[\"0.0026\",\"100\"]]}",
     "ignored depth"}, /* whose? */
    {AT "{\"stream\":\"btcusdt@depth20\",\"data\":{\"lastUpdateId\":160,\"bids\":[],\"asks\":[]}}", "ignored depth"},
    {AT "{\"e\":\"aggTrade\",\"s\":\"BNBBTC\",\"a\":12345,\"p\":\"0.001\",\"m\":true}", "ignored aggTrade"},
    {AT "{\"e\":\"kline\",\"s\":\"BNBBTC\",\"k\":{\"t\":1,\"m\":\"1m\"},\"m\":3}", "ignored kline"},
    {AT "{\"stream\":\"!miniTicker@arr\",\"data\":[{\"e\":\"24hrMiniTicker\"}]}", "ignored other"},
    {AT "{\"result\":null,\"id\":1}", "ignored other"},
    {AT "{\"e\":\"somethingNew\",\"data\":{\"e\":\"else\"}}", "ignored other"},
    {AT "[]", "ignored other"},
    {AT "7", "ignored other"},

    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1e30\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected range x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1e-30\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected range x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":99999999999999,\"m\":true}",
     "rejected range x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":-1,\"m\":true}",
     "rejected range x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":8000000000000,\"m\":true}",
     "rejected range x.gz"}, /* the year 2223 */
    {"8000000000000000000 {}", "rejected range x.gz"},
    {"1000000000000000000000000 {}", "rejected malformed x.gz"}, /* not even where it wraps */
    {"9223372036854775807 {\"u\":1,\"s\":\"B\",\"b\":\"1\",\"B\":\"1\",\"a\":\"1\",\"A\":\"1\"}",
     "rejected range x.gz"},
    /* half a message, a field that is missing, one of another kind */
    {AT "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUS", "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1,\"m\":true} x",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}", "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1.5,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1,\"P\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342}", "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":1}",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B B\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected malformed x.gz"},
    {AT "{\"e\":\"trade\",\"s\":\"B\\u0042\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1723161255342,\"m\":true}",
     "rejected malformed x.gz"},
    {AT "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":9,\"s\":\"B\",\"b\":\"1\",\"B\":\"1\",\"a\":\"1\"}}",
     "rejected malformed x.gz"},
    {AT "", "rejected malformed x.gz"},
    {"1723161254087896568", "rejected malformed x.gz"},
    {"{\"result\":null,\"id\":1}", "rejected malformed x.gz"},
    {"17231612540878965681 {}", "rejected malformed x.gz"},
    {"-1 {}", "rejected malformed x.gz"},
    {" {}", "rejected malformed x.gz"},
};

static void messages(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char expected[512];
        unit_write_gz("x.gz", td_text(steps[i].line));
        (void)snprintf(expected, sizeof expected, "0:1 %s\n0:0 end\n", steps[i].item);
        check_feed(NULL, expected);
    }
}

/* Cut at each byte, a message is never an event. */
static void every_cut_is_malformed(void **state) {
    (void)state;
    td_buf text = {0}, expected = {0};
    td_bytes line = td_text(steps[0].line);
    for (size_t size = 1; size < line.size; size++) {
        td_buf_put(&text, line.data, size);
        td_buf_text(&text, "\n");
        td_buf_printf(&expected, "0:%zu rejected malformed x.gz\n", size);
    }
    td_buf_text(&expected, "0:0 end\n");
    td_buf_put(&expected, "", 1);
    unit_write_gz("x.gz", td_buf_bytes(&text));
    check_feed(NULL, (char *)expected.data);
    td_buf_fini(&text);
    td_buf_fini(&expected);
}

#define BOOK(ns, symbol) #ns " {\"u\":1,\"s\":\"" symbol "\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}\n"
#define SEEN             "Z quote 1 x 1 | 2 x 1 seq 1 [ ] time-receive\n"

/* Receive times that go back keep their line's place: the file's clock is their running maximum. */
static void order_over_files(void **state) {
    (void)state;
    unit_write_gz("a.gz",
                  TD_TEXT(BOOK(1000000000, "A") BOOK(3000000000, "A") BOOK(2000000000, "A") BOOK(4000000000, "A")));
    unit_write_gz("b.gz", TD_TEXT("x\n" BOOK(1000000000, "B") "2500000000 {}\n" BOOK(3000000000, "B")));
    check_feed(NULL,
               "1:1 rejected malformed b.gz\n"
               "0:1 BINANCE:A 1970-01-01T00:00:01" SEEN "1:2 BINANCE:B 1970-01-01T00:00:01" SEEN "1:3 ignored other\n"
               "0:2 BINANCE:A 1970-01-01T00:00:03" SEEN "0:3 BINANCE:A 1970-01-01T00:00:02" SEEN
               "1:4 BINANCE:B 1970-01-01T00:00:03" SEEN "0:4 BINANCE:A 1970-01-01T00:00:04" SEEN "0:0 end\n");
}

/* By UTC; a trade by its event time, what has none by its receive time. */
static void hours(void **state) {
    (void)state;
    unit_write_gz("x.gz",
                  TD_TEXT(BOOK(59999999999, "A") BOOK(
                      60000000000, "A") "59000000000 {\"e\":\"trade\",\"s\":\"A\",\"t\":1,\"p\":\"1\",\"q\":\"1\","
                                        "\"T\":60000,\"m\":true}\n59000000000 {}\n61000000000 {}\n61000000000 {\n"
                                        "59000000000 {\nx\n" BOOK(120000000000, "A")));
    unit_option options[] = {{"from", "00:01"}, {"to", "00:02"}, {0}};
    check_feed(options, "0:2 BINANCE:A 1970-01-01T00:01:00" SEEN
                        "0:3 BINANCE:A 1970-01-01T00:01:00Z trade 1 x 1 side 2 id 1 [ ]\n"
                        "0:5 ignored other\n0:6 rejected malformed x.gz\n0:8 rejected malformed x.gz\n0:0 end\n");
}

static void damaged_files(void **state) {
    (void)state;
    char expected[256];
    unit_write_gz("a.gz", TD_TEXT(BOOK(1000000000, "A") BOOK(2000000000, "A") BOOK(3000000000, "A")));
    unit_cut("a.gz", -9); /* the trailer and a byte of the data */
    unit_write("b.gz", "nothing packed", 14);
    unit_write_gz("c.gz", TD_TEXT(BOOK(2000000000, "C")));
    unit_option options[8] = {{"path", expected}};
    (void)snprintf(expected, sizeof expected, "%s/*.gz", unit_folder);
    char *text = unit_feed_text(&td_feed_binance_collector, &td_os_posix, options);
    assert_int_equal(strncmp(text, "1:0 rejected unreadable b.gz\n", 29), 0);
    assert_non_null(strstr(text, "0:1 BINANCE:A"));
    assert_non_null(strstr(text, "2:1 BINANCE:C"));
    assert_non_null(strstr(text, " rejected unreadable a.gz\n"));
    free(text);
    unit_empty_folder();
}

static void rejected_items_say_all(void **state) {
    (void)state;
    char path[128];
    td_feed_item item;
    unit_feed f;
    unit_write_gz("x.gz", TD_TEXT(BOOK(1000000000, "A") "2000000000 {\"e\":\n2000000000 {\"e\":\"trade\"}\n"));
    (void)snprintf(path, sizeof path, "%s/x.gz", unit_folder);
    unit_feed_conf(&f, &td_feed_binance_collector, (unit_option[]){{"path", path}, {0}});
    unit_feed_open(&f, &td_os_posix);
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.kind, TD_ITEM_REJECTED);
    assert_int_equal(item.rejected.receive_ns, 1000000000); /* of what is damaged not even the time is believed */
    assert_int_equal(item.rejected.position.line, 2);
    assert_true(td_bytes_equal(item.rejected.bytes, TD_TEXT("2000000000 {\"e\":")));
    assert_true(item.rejected.detail.size > 0);
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.kind, TD_ITEM_REJECTED);
    assert_int_equal(item.clock_ns, 1000000000);
    unit_feed_close(&f);
    unit_empty_folder();
}

/* What is bundled; counts by `zcat FILE | grep -c KIND`. */
static void bundled_minutes(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int64_t trades, quotes, books;
    } files[] = {{"examples/data/binance/spot_btcusdt_20240808.gz", 9757, 28040, 3452},
                 {"examples/data/binance/spot_ethusdt_20240808.gz", 6106, 24077, 3435},
                 {"examples/data/binance/spot_*.gz", 15863, 52117, 6887}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int64_t trades = 0, quotes = 0, books = 0, last_id = 0;
        unit_feed f;
        unit_feed_conf(&f, &td_feed_binance_collector, (unit_option[]){{"path", files[i].path}, {0}});
        unit_feed_open(&f, &td_os_posix);
        td_feed_item item;
        while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
            assert_int_equal(item.kind, TD_ITEM_EVENT);
            quotes += item.event.kind == TD_EVENT_QUOTE;
            books += item.event.kind == TD_EVENT_BOOK && !item.event.book.more;
            if (item.event.kind != TD_EVENT_TRADE) continue;
            trades++;
            if (i < 2 && last_id != 0) assert_int_equal(item.event.trade.trade_id, last_id + 1); /* no gap */
            last_id = item.event.trade.trade_id;
        }
        assert_int_equal(trades, files[i].trades);
        assert_int_equal(quotes, files[i].quotes);
        assert_int_equal(books, files[i].books);
        unit_feed_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),         cmocka_unit_test(every_cut_is_malformed),
        cmocka_unit_test(order_over_files), cmocka_unit_test(hours),
        cmocka_unit_test(damaged_files),    cmocka_unit_test(rejected_items_say_all),
        cmocka_unit_test(bundled_minutes),
    };
    return cmocka_run_group_tests_name("feed_binance", tests, unit_make_folder, unit_remove_folder);
}
