/* tests/unit/feed_cryptofeed_test.c - goal: recorded sessions of venues become events by the line of their connection,
 * each part of a message at its own position, and damage costs one line. */
#include "feed_unit.h"

#define COINBASE "wss://ws-feed.pro.coinbase.com <-> 1700000000.5\n"
#define KRAKEN   "wss://ws.kraken.com <-> 1700000000.25\n"
#define MATCH(id)                                                                                                      \
    "{\"type\":\"match\",\"trade_id\":" id ",\"side\":\"sell\",\"size\":\"1\",\"price\":\"2\",\"product_id\":\"A-B\"," \
    "\"time\":\"2023-11-14T22:13:20.1Z\"}\n"
#define MATCHED(id) "COINBASE:A-B 2023-11-14T22:13:20.1Z trade 2 x 1 side 1 id " id " [ ]\n"
#define DEPTH                                                                                                          \
    "https://api.binance.com/api/v3/depth?symbol=AB&limit=5 -> 1700000000.75: "                                        \
    "{\"lastUpdateId\":160,\"bids\":[[\"24\","                                                                         \
    "\"10\"]],\"asks\":[]}\n"
#define ASKED "BINANCE:AB 2023-11-14T22:13:20.75Z book none..160 snapshot: b 24 x 10 time-receive\n"
#define TRADES                                                                                                         \
    "[1,[[\"1\",\"2\",\"1700000000.1\",\"b\"],[\"bad\",\"2\",\"1700000000.1\",\"b\"],[\"1\",\"3\",\"1700000000.1\","   \
    "\"s\"]],\"trade\",\"A/B\"]\n"
#define BINANCE "wss://stream.binance.com/ws/ab"
#define AGGREGATE                                                                                                      \
    "{\"e\":\"aggTrade\",\"s\":\"AB\",\"a\":7,\"p\":\"1\",\"q\":\"1\","                                                \
    "\"T\":1700000000100,\"m\":true}\n"
#define TRADED(venue, size, side) venue ":A/B 2023-11-14T22:13:20.1Z trade 1 x " size " side " side " id none [ ]\n"

static char *read_feed(const td_os *os, const char *names, const unit_option *more) {
    unit_option options[8] = {{"path", ""}};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", unit_folder, names);
    options[0].value = path;
    for (size_t i = 1; more != NULL && more->key != NULL; i++) options[i] = *more++;
    return unit_feed_text(&td_feed_cryptofeed, os, options);
}

static void check_feed(const unit_option *more, const char *expected) {
    unit_os flaky;
    char *once = read_feed(&td_os_posix, "*", more), *again = read_feed(unit_os_init(&flaky, 3), "*", more);
    assert_string_equal(once, expected);
    assert_string_equal(again, expected);
    assert_int_equal(flaky.open_count, 0);
    free(once);
    free(again);
    unit_empty_folder();
}

static void write_text(const char *name, const char *text) { unit_write(name, text, strlen(text)); }

static void lines(void **state) {
    (void)state;
    static const struct {
        const char *text, *items;
    } steps[] = {
        {COINBASE "wss://ws-feed.pro.coinbase.com <- 1700000000.6: {\"type\":\"subscribe\"}\n"
                  "1700000001.0618958: " MATCH("7") "\n\n",
         "0:1 ignored connected\n0:2 ignored sent\n0:3 " MATCHED("7")},
        {"https://api.pro.coinbase.com/products -> 1700000000.5: [{\"id\":\"A-B\"}]\n"
         "configuration: {\"trades\":[\"A-B\"]}\n",
         "0:1 ignored rest\n0:2 ignored configuration\n"},
        /* a book that was asked for, between messages of another venue */
        {COINBASE DEPTH "1700000001: " MATCH("7"), "0:1 ignored connected\n0:2 " ASKED "0:3 " MATCHED("7")},
        {KRAKEN "1700000001: " TRADES,
         "0:1 ignored connected\n0:2 " TRADED("KRAKEN", "2", "1") "0:2 rejected malformed x\n0:2 " TRADED("KRAKEN", "3",
                                                                                                          "2")},
        /* connected again; to another venue; to nobody's */
        {COINBASE "1700000001: " MATCH("7") COINBASE "1700000002: " MATCH("8"),
         "0:1 ignored connected\n0:2 " MATCHED("7") "0:3 ignored connected, parted\n0:4 " MATCHED("8")},
        /* connected again to the same venue: what the first session said of its messages is over */
        {BINANCE "@aggTrade <-> 1700000000.5\n1700000001: " AGGREGATE BINANCE
                 "@trade <-> 1700000002\n1700000003: " AGGREGATE,
         "0:1 ignored connected\n0:2 BINANCE:AB 2023-11-14T22:13:20.1Z trade 1 x 1 side 2 id 7 [ ]\n"
         "0:3 ignored connected, parted\n0:4 ignored aggTrade\n"},
        {COINBASE "1700000001: {\"event\":\"heartbeat\"}\n" KRAKEN "1700000002: {\"event\":\"heartbeat\"}\n"
                  "wss://example.org/ <-> 1700000003\n1700000004: {\"event\":\"heartbeat\"}\n",
         "0:1 ignored connected\n0:2 ignored other\n0:3 ignored connected, parted\n0:4 ignored heartbeat\n"
         "0:5 rejected malformed x\n0:6 rejected malformed x\n"},
        /* what is no line, behind one that is */
        {KRAKEN "\n\nnothing\n17: \n17:{}\n17\n0: {}\n-1: {}\n1e30: {}\n17.x: {}\nwss://ws.kraken.com <->\n"
                "wss://ws.kraken.com <-> soon\nwss://ws.kraken.com -- 17\n: {}\n",
         "0:1 ignored connected\n0:4 rejected malformed x\n0:5 rejected malformed x\n0:6 rejected malformed x\n"
         "0:7 rejected malformed x\n0:8 rejected malformed x\n0:9 rejected malformed x\n0:10 rejected malformed x\n"
         "0:11 rejected malformed x\n0:12 rejected malformed x\n0:13 rejected malformed x\n0:14 rejected malformed x\n"
         "0:15 rejected malformed x\n"},
        {"17: {}\n", "0:1 rejected malformed x\n"}, /* whose? */
        {KRAKEN "9000000000: {\"event\":\"heartbeat\"}\n", "0:1 ignored connected\n0:2 rejected range x\n"},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char expected[1024];
        (void)snprintf(expected, sizeof expected, "%s0:0 end\n", steps[i].items);
        write_text("x", steps[i].text);
        check_feed(NULL, expected);
        unit_write_gz("x", td_text(steps[i].text));
        check_feed(NULL, expected);
    }
}

/* Parts of a message have positions of their own, increasing. */
static void parts(void **state) {
    (void)state;
    char path[128];
    unit_feed f;
    td_feed_item item;
    write_text("x", KRAKEN "1700000001: " TRADES "1700000002: {\"event\":\"heartbeat\"}\n");
    (void)snprintf(path, sizeof path, "%s/x", unit_folder);
    unit_feed_conf(&f, &td_feed_cryptofeed, (unit_option[]){{"path", path}, {0}});
    unit_feed_open(&f, &td_os_posix);
    static const td_source_position expected[] = {{0, 1, 0}, {0, 2, 0}, {0, 2, 1}, {0, 2, 2}, {0, 3, 0}};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        assert_true(td_source_position_equal(item.position, expected[i]));
        if (item.kind != TD_ITEM_REJECTED) continue;
        assert_true(td_source_position_equal(item.rejected.position, expected[i]));
        assert_true(td_bytes_equal(item.rejected.bytes, TD_TEXT("[\"bad\",\"2\",\"1700000000.1\",\"b\"]")));
    }
    unit_feed_close(&f);
    unit_empty_folder();
}

static void venues_hours_and_order(void **state) {
    (void)state;
    write_text("a", COINBASE "1700000003: " MATCH("7"));
    write_text("b", KRAKEN "1700000002: " TRADES);
    check_feed(
        (unit_option[]){{"venue", "MINE"}, {0}},
        "1:1 ignored connected\n0:1 ignored connected\n1:2 " TRADED(
            "MINE", "2", "1") "1:2 rejected malformed b\n"
                              "1:2 " TRADED("MINE", "3",
                                            "2") "0:2 MINE:A-B 2023-11-14T22:13:20.1Z trade 2 x 1 side 1 id 7 [ ]\n"
                                                 "0:0 end\n");
    write_text("a", COINBASE "1700000003: " MATCH("7"));
    write_text("b", KRAKEN "1700000002: " TRADES);
    check_feed((unit_option[]){{"from", "23:00"}, {"to", "24:00"}, {0}}, "0:0 end\n");
}

static void other_files(void **state) {
    (void)state;
    write_text("a", "Copyright\n17: {}\n");
    write_text("b", KRAKEN "1700000002: {\"event\":\"heartbeat\"}\n");
    write_text("c", "");
    check_feed(NULL, "0:0 rejected unreadable a\n2:0 rejected unreadable c\n1:1 ignored connected\n"
                     "1:2 ignored heartbeat\n0:0 end\n");
}

/* The recorded sessions; counts by `grep -c` over the files. */
static void recorded_sessions(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int trades, quotes, books, ignored;
        bool shares_ids;
    } files[] = {{"examples/data/cryptofeed/COINBASE.ws.28.0", 97, 0, 9729, 124, false},
                 {"examples/data/cryptofeed/BINANCE.ws.1.0", 2, 84, 177, 3, false},
                 {"examples/data/cryptofeed/BITSTAMP.ws.1.0", 10, 0, 0, 758, true},
                 {"examples/data/cryptofeed/KRAKEN.ws.*", 10, 18, 0, 87, false},
                 {"examples/data/cryptofeed/*.http.*", 0, 0, 4, 10, false}};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int trades = 0, quotes = 0, books = 0, ignored = 0;
        unit_feed f;
        td_feed_item item;
        unit_feed_conf(&f, &td_feed_cryptofeed, (unit_option[]){{"path", files[i].path}, {0}});
        unit_feed_open(&f, &td_os_posix);
        ASSERT_ROW(f.ops->shares_ids(f.feed) == files[i].shares_ids, "%s", files[i].path);
        while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
            assert_int_not_equal(item.kind, TD_ITEM_REJECTED);
            ignored += item.kind == TD_ITEM_IGNORED;
            if (item.kind != TD_ITEM_EVENT) continue;
            trades += item.event.kind == TD_EVENT_TRADE;
            quotes += item.event.kind == TD_EVENT_QUOTE;
            books += item.event.kind == TD_EVENT_BOOK && !item.event.book.more;
        }
        ASSERT_ROW(trades == files[i].trades && quotes == files[i].quotes, "%zu: %d trades, %d quotes", i, trades,
                   quotes);
        ASSERT_ROW(books == files[i].books && ignored == files[i].ignored, "%zu: %d books, %d ignored", i, books,
                   ignored);
        unit_feed_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(parts),
                                       cmocka_unit_test(venues_hours_and_order), cmocka_unit_test(other_files),
                                       cmocka_unit_test(recorded_sessions)};
    return cmocka_run_group_tests_name("feed_cryptofeed", tests, unit_make_folder, unit_remove_folder);
}
