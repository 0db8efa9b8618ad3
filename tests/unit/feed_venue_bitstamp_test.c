/* tests/unit/feed_venue_bitstamp_test.c - goal: live trades are exact, named after the pair of their channel, and what
 * says something of the session says it. */
#include "venue_unit.h"

#define TRADE(data, channel) "{\"data\":{" data "},\"channel\":\"" channel "\",\"event\":\"trade\"}"
#define NUMBERS                                                                                                        \
    "\"id\":216000477,\"timestamp\":\"1641343699\",\"amount\":0.0792,\"amount_str\":\"0.07920000\",\"price\":3805.44," \
    "\"price_str\":\"3805.44\","
#define MICROS "\"microtimestamp\":\"1641343699596000\""
#define AT     "BITSTAMP:ETHUSD 2022-01-05T00:48:19"

static const unit_message steps[] = {
    {TRADE(NUMBERS "\"type\":0," MICROS ",\"buy_order_id\":1443875737346049", "live_trades_ethusd"),
     AT ".596Z trade 3805.44 x 0.0792 side 1 id 216000477 [ ]"},
    {TRADE(NUMBERS "\"type\":1", "live_trades_ethusd"), AT "Z trade 3805.44 x 0.0792 side 2 id 216000477 [ ]"},
    {TRADE("\"id\":1,\"timestamp\":\"1641343699\",\"amount\":0.5,\"price\":3e3,\"type\":\"1\"", "live_trades_ethusd"),
     AT "Z trade 3000 x 0.5 side 2 id 1 [ ]"},
    {TRADE("\"id\":1,\"timestamp\":\"0\",\"amount\":0.5,\"price\":3,\"type\":1", "live_trades_ethusd"),
     "rejected range"},
    {TRADE("\"id\":1,\"timestamp\":\"1641343699\",\"amount\":0.5,\"price\":1e30,\"type\":1", "live_trades_ethusd"),
     "rejected range"},
    {TRADE(NUMBERS "\"type\":2", "live_trades_ethusd"), "rejected malformed"},
    {TRADE(NUMBERS MICROS, "live_trades_ethusd"), "rejected malformed"},
    {TRADE("\"type\":1," MICROS, "live_trades_ethusd"), "rejected malformed"},
    {TRADE(NUMBERS "\"type\":1", "live_trades_"), "rejected malformed"},
    {TRADE(NUMBERS "\"type\":1", "live_trades_a b"), "rejected malformed"},
    {TRADE(NUMBERS "\"type\":1", "live_trades_abcdefghijklmnopqrstuvwxyzabcdef"), "rejected malformed"},
    {"{\"event\":\"trade\",\"channel\":\"live_trades_ethusd\",\"data\":\"\"}", "rejected malformed"},
    {TRADE(NUMBERS "\"type\":1", "other_ethusd"), "ignored other"},

    {"{\"data\":{\"timestamp\":\"1\",\"bids\":[],\"asks\":[[\"1\",\"2\"]]},\"channel\":\"diff_order_book_adaeur\","
     "\"event\":\"data\"}",
     "ignored depth"},
    {"{\"data\":{\"bids\":[],\"asks\":[]},\"channel\":\"order_book_adaeur\",\"event\":\"data\"}", "ignored depth"},
    {"{\"data\":{\"id\":1},\"channel\":\"live_orders_adaeur\",\"event\":\"order_created\"}", "ignored other"},
    {"{\"event\":\"bts:subscription_succeeded\",\"channel\":\"live_trades_ethusd\",\"data\":{}}",
     "ignored subscriptions ack live_trades_ethusd"},
    {"{\"event\":\"bts:unsubscription_succeeded\",\"channel\":\"live_trades_ethusd\",\"data\":{}}",
     "ignored subscriptions"},
    {"{\"event\":\"bts:heartbeat\",\"channel\":\"\",\"data\":{\"status\":\"success\"}}", "ignored heartbeat alive"},
    {"{\"event\":\"bts:request_reconnect\",\"channel\":\"\",\"data\":\"\"}", "ignored reconnect reconnect"},
    {"{\"event\":\"bts:error\",\"channel\":\"\",\"data\":{\"code\":null,\"message\":\"Bad subscription string.\"}}",
     "ignored error error Bad subscription string."},
    {"{\"event\":\"bts:error\",\"data\":7}", "ignored error error"},
    {"{}", "ignored other"},
    {"[]", "ignored other"},
    {"", "rejected malformed"},
};

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_bitstamp, "", steps, COUNT_OF(steps));
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_bitstamp, steps[0].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_bitstamp", tests, NULL, NULL);
}
