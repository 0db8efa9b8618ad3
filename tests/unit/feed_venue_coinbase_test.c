/* tests/unit/feed_venue_coinbase_test.c - goal: matches are exact trades of the aggressor's side, tickers with sizes
 * are quotes, sessions tell of themselves, and damage costs one message. */
#include "venue_unit.h"

#define MATCH(side, size, price, id)                                                                                   \
    "{\"type\":\"match\",\"trade_id\":" id ",\"maker_order_id\":\"27fff20b\",\"taker_order_id\":\"1da6ce16\","         \
    "\"side\":" side ",\"size\":" size ",\"price\":" price                                                             \
    ",\"product_id\":\"BAND-GBP\",\"sequence\":333938798,\"time\":\"2021-04-17T16:43:30.244075Z\"}"
#define AT     "COINBASE:BAND-GBP 2021-04-17T16:43:30.244075Z "
#define TICKER "{\"type\":\"ticker\",\"sequence\":7,\"product_id\":\"BAND-GBP\",\"price\":\"14.7775\","

static const unit_message steps[] = {
    {MATCH("\"sell\"", "\"0.04\"", "\"14.7775\"", "881613"), AT "trade 14.7775 x 0.04 side 1 id 881613 [ ]"},
    {MATCH("\"buy\"", "0.04", "14.7775", "\"881613\""), AT "trade 14.7775 x 0.04 side 2 id 881613 [ ]"},
    {MATCH("\"buy\"", "\"0\"", "\"-1\"", "1"), AT "trade -1 x 0 side 2 id 1 [ ]"}, /* a rule's to judge */
    {MATCH("\"buy\"", "\"1\"", "\"0.00001305\"", "1"), AT "trade 0.00001305 x 1 side 2 id 1 [ ]"},
    {MATCH("\"buy\"", "\"1\"", "\"1.0000000005\"", "1"), AT "trade 1 x 1 side 2 id 1 [ ] inexact"},
    {MATCH("\"buy\"", "\"1\"", "\"1e40\"", "1"), "rejected range"},
    {MATCH("\"buy\"", "\"1\"", "\"1e-40\"", "1"), "rejected range"},
    {MATCH("\"hold\"", "\"1\"", "\"1\"", "1"), "rejected malformed"},
    {MATCH("\"buy\"", "\"1\"", "\"1\"", "1.5"), "rejected malformed"},
    {MATCH("\"buy\"", "\"1\"", "null", "1"), "rejected malformed"},
    {MATCH("\"buy\"", "[\"1\"]", "\"1\"", "1"), "rejected malformed"},
    {MATCH("\"buy\"", "\"\\u0031\"", "\"1\"", "1"), "rejected malformed"},
    {MATCH("\"buy\"", "\"1\"", "\"1\"", "1") " x", "rejected malformed"},
    {"{\"type\":\"match\",\"side\":\"buy\",\"size\":\"1\",\"price\":\"1\",\"trade_id\":1,\"product_id\":\"A-B\"}",
     "rejected malformed"}, /* without a time */
    {"{\"type\":\"match\",\"side\":\"buy\",\"size\":\"1\",\"price\":\"1\",\"trade_id\":1,\"product_id\":\"A-B\","
     "\"time\":\"1969-12-31T23:59:59Z\"}",
     "rejected range"},
    {"{\"type\":\"match\",\"side\":\"buy\",\"size\":\"1\",\"price\":\"1\",\"trade_id\":1,\"product_id\":\"A B\","
     "\"time\":\"2021-04-17T16:43:30Z\"}",
     "rejected malformed"},
    {"{\"type\":\"last_match\",\"trade_id\":1,\"side\":\"buy\",\"size\":\"1\",\"price\":\"1\",\"product_id\":\"A-B\","
     "\"time\":\"2021-04-17T16:43:30Z\"}",
     "ignored last_match last"}, /* it was counted when it happened */
    {"{\"type\":\"last_match\",\"trade_id\":1}", "ignored last_match"},

    {TICKER "\"best_bid\":\"14.7550\",\"best_bid_size\":\"2.5\",\"best_ask\":\"14.8060\",\"best_ask_size\":\"3\","
            "\"side\":\"buy\",\"time\":\"2021-04-17T16:43:30.244075Z\",\"trade_id\":881613,\"last_size\":\"0.04\"}",
     AT "quote 14.755 x 2.5 | 14.806 x 3 seq 7 [ ]"},
    {TICKER "\"best_bid\":\"0\",\"best_bid_size\":\"0.00\",\"best_ask\":\"14.8060\",\"best_ask_size\":\"3\"}",
     "COINBASE:BAND-GBP 2023-11-14T22:13:20Z quote none x none | 14.806 x 3 seq 7 [ ] time-receive"},
    {TICKER "\"best_bid\":\"14\",\"best_bid_size\":\"1\",\"best_ask\":\"15\",\"best_ask_size\":\"3\",\"time\":\"now\"}",
     "rejected malformed"},
    {TICKER "\"best_bid\":\"14\",\"best_bid_size\":\"1\",\"best_ask\":\"15\"}", "rejected malformed"},
    {TICKER "\"best_bid\":\"14.7550\",\"best_ask\":\"14.8060\"}", "ignored ticker"}, /* no sizes: no quote of ours */

    {"{\"type\":\"heartbeat\",\"sequence\":90,\"last_trade_id\":20,\"product_id\":\"BTC-USD\",\"time\":\"2014-11-07T08:"
     "19:28.464459Z\"}",
     "ignored heartbeat alive COINBASE:BTC-USD 20"},
    {"{\"type\":\"heartbeat\"}", "ignored heartbeat alive"},
    {"{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"level2\",\"product_ids\":[\"A-B\"]}]}",
     "ignored subscriptions ack [{\"name\":\"level2\",\"product_ids\":[\"A-B\"]}]"},
    {"{\"type\":\"error\",\"message\":\"Failed to subscribe\",\"reason\":\"A-B is not a product\"}",
     "ignored error error A-B is not a product"},
    {"{\"type\":\"error\",\"message\":\"authentication failure\"}", "ignored error error authentication failure"},
    {"{\"type\":\"something new\",\"deep\":{\"type\":\"match\"}}", "ignored other"},
    {"{\"deep\":[{\"type\":\"match\"}]}", "ignored other"},
    {"[1,2]", "ignored other"},
    {"7", "ignored other"},
    {"", "rejected malformed"},
    {"Unauthorized", "rejected malformed"},
};

#define BOOK     "COINBASE:A-B 2023-11-14T22:13:20Z book none..none"
#define SNAPSHOT "{\"type\":\"snapshot\",\"product_id\":\"A-B\","
#define UPDATE   "{\"type\":\"l2update\",\"product_id\":\"A-B\","
#define SAID     ",\"time\":\"2023-11-14T22:13:20Z\"}"

/* Nothing else tells that something is missing of the book now. */
#define REFUSED(why) "rejected " why "\nCOINBASE:A-B 2023-11-14T22:13:20Z book 0..none: time-receive"

static const unit_message books[] = {
    {SNAPSHOT "\"asks\":[[\"14.8\",\"1\"],[\"15\",\"2\"]],\"bids\":[[\"14.7\",\"3\"]]}",
     BOOK " snapshot: b 14.7 x 3, a 14.8 x 1, a 15 x 2 time-receive"}, /* without a time, as they were in 2021 */
    {SNAPSHOT "\"asks\":[],\"bids\":[]" SAID, BOOK " snapshot:"},
    {UPDATE "\"changes\":[[\"sell\",\"1.5\",\"0\"],[\"buy\",\"1\",\"0.00000001\"]]" SAID,
     BOOK ": a 1.5 x 0, b 1 x 0.00000001"},
    {UPDATE "\"changes\":[]" SAID, BOOK ":"},
    {UPDATE "\"changes\":[[\"buy\",1,2,\"more\",[3]]]" SAID, BOOK ": b 1 x 2"},
    {UPDATE "\"changes\":[[\"buy\",\"1.0000000004\",\"2\"]]" SAID, BOOK ": b 1 x 2 inexact"},
    {UPDATE "\"changes\":[[\"buy\",\"1\",\"-2\"]]" SAID, REFUSED("range")},
    {UPDATE "\"changes\":[[\"buy\",\"0\",\"2\"]]" SAID, REFUSED("range")},
    {UPDATE "\"changes\":[[\"buy\",\"1\",\"2\"],[\"buy\",\"1\",\"1e30\"]]" SAID, REFUSED("range")},
    {UPDATE "\"changes\":[[\"hold\",\"1\",\"2\"]]" SAID, REFUSED("malformed")},
    {UPDATE "\"changes\":[[\"buy\",\"1\"]]" SAID, REFUSED("malformed")},
    {UPDATE "\"changes\":[[]]" SAID, REFUSED("malformed")},
    {UPDATE "\"changes\":[\"buy\"]" SAID, REFUSED("malformed")},
    {UPDATE "\"changes\":{\"buy\":[\"1\",\"2\"]}" SAID, REFUSED("malformed")},
    {UPDATE "\"changes\":[],\"time\":\"x\"}", REFUSED("malformed")},
    {UPDATE "\"changes\":[],\"time\":\"2200-01-01T00:00:00.1Z\"}", REFUSED("range")},
    {UPDATE "\"change\":[]" SAID, REFUSED("malformed")},
    {SNAPSHOT "\"asks\":[]" SAID, REFUSED("malformed")},
    {SNAPSHOT "\"bids\":[]" SAID, REFUSED("malformed")},
    {SNAPSHOT "\"bids\":[],\"asks\":[7]" SAID, REFUSED("malformed")},
    {"{\"type\":\"l2update\",\"product_id\":\"A B\",\"changes\":[]" SAID, "rejected malformed"},
};

static void books_of_level_2(void **state) {
    (void)state;
    unit_check_messages(&td_venue_coinbase, "", books, COUNT_OF(books));
    unit_check_cuts(&td_venue_coinbase, books[0].message);
    unit_check_cuts(&td_venue_coinbase, books[2].message);
}

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_coinbase, "", steps, COUNT_OF(steps));
}

static void pages_of_its_past(void **state) {
    (void)state;
    const td_history_ops *ops = td_venue_coinbase.history;
    static const struct {
        const char *row, *event;
    } rows[] = {
        {"{\"trade_id\":74,\"side\":\"buy\",\"size\":\"0.01\",\"price\":\"10.5\",\"time\":\"2014-11-07T22:19:28."
         "578544Z\"}",
         "UNIT:0 2014-11-07T22:19:28.578544Z trade 10.5 x 0.01 side 2 id 74 [ ]"},
        {"{\"trade_id\":74,\"side\":\"buy\",\"size\":\"0.01\",\"price\":\"10.5\"}", NULL},
        {"{\"message\":\"NotFound\"}", NULL},
    };
    td_instruments *instruments = td_instruments_new();
    (void)td_instruments_intern(instruments, TD_TEXT("UNIT:0"));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0};
        td_recorded row = {.kind = TD_ITEM_END, .ns_of_day = -1};
        ops->decode(td_text(rows[i].row), &row);
        assert_int_equal(row.kind, rows[i].event != NULL ? TD_ITEM_EVENT : TD_ITEM_REJECTED);
        if (row.kind == TD_ITEM_EVENT) unit_put_event(&text, instruments, &row.event);
        if (row.kind == TD_ITEM_EVENT) assert_true(td_bytes_equal(td_buf_bytes(&text), td_text(rows[i].event)));
        td_buf_fini(&text);
    }
    td_instruments_free(instruments);

    td_buf url = {0};
    ops->put_path(&url, &(td_history_page){.symbol = TD_TEXT("BTC-USD"), .below_id = TD_NONE, .rows = 1000});
    td_buf_text(&url, " ");
    ops->put_path(&url, &(td_history_page){.symbol = TD_TEXT("BTC-USD"), .below_id = 75, .rows = 3});
    assert_true(td_bytes_equal(td_buf_bytes(&url), TD_TEXT("/products/BTC-USD/trades?limit=1000 "
                                                           "/products/BTC-USD/trades?limit=3&after=75")));
    td_buf_fini(&url);
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_coinbase, steps[0].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(books_of_level_2),
                                       cmocka_unit_test(pages_of_its_past), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_coinbase", tests, NULL, NULL);
}
