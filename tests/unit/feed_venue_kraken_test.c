/* tests/unit/feed_venue_kraken_test.c - goal: each trade of a message comes out once and in its order, one that is bad
 * costs itself, and tickers and spreads are quotes. */
#include "venue_unit.h"

#define TRADES(list)    "[1921,[" list "],\"trade\",\"SC/EUR\"]"
#define ONE             "[\"0.042960\",\"5000.00000000\",\"1618678157.946108\",\"s\",\"m\",\"\"]"
#define OTHER(how_many) "[\"0.043\",\"" how_many "\",\"1618678158.135041\",\"b\",\"l\",\"\"]"
#define ONE_OUT         "KRAKEN:SC/EUR 2021-04-17T16:49:17.946108Z trade 0.04296 x 5000 side 2 id none [ ]"
#define OTHER_OUT(n)    "KRAKEN:SC/EUR 2021-04-17T16:49:18.135041Z trade 0.043 x " n " side 1 id none [ ]"
#define TICKER(said)    "[1924,{" said "},\"ticker\",\"SC/EUR\"]"

static const unit_message steps[] = {
    {TRADES(ONE), ONE_OUT},
    {TRADES(ONE "," OTHER("1") "," OTHER("2")), ONE_OUT "\n" OTHER_OUT("1") "\n" OTHER_OUT("2")},
    {TRADES(OTHER("1e40") "," ONE), "rejected range\n" ONE_OUT},
    {TRADES(ONE ",7," ONE ",[],{\"a\":[1]},[[\"1\"]]," ONE),
     ONE_OUT "\nrejected malformed\n" ONE_OUT "\nrejected malformed\nrejected malformed\nrejected malformed\n" ONE_OUT},
    {TRADES("[\"1\",\"1\",\"-1\",\"b\"]"), "rejected range"},
    {TRADES("[\"1\",\"1\",\"\",\"b\"]"), "rejected malformed"},
    {TRADES("[\"1\",\"1\",\"1618678157\",\"x\"]"), "rejected malformed"},
    {TRADES(""), "ignored trade"},
    {"[1921,[" ONE "],\"trade\",\"S C\"]", "rejected malformed"},
    {"[1921,[" ONE "],[" ONE "],\"trade\",\"SC/EUR\"]", ONE_OUT}, /* the last two are name and pair */
    {"[1921,{},\"trade\",\"SC/EUR\"]", "ignored other"},
    {TRADES(ONE) "x", "rejected malformed"},
    {TRADES(ONE), ONE_OUT},

    {TICKER("\"a\":[\"0.0433\",123,\"123.5\"],\"b\":[\"0.0432\",1,\"1.25\"],\"c\":[\"1\",\"2\"]"),
     "KRAKEN:SC/EUR 2023-11-14T22:13:20Z quote 0.0432 x 1.25 | 0.0433 x 123.5 seq none [ ] time-receive"},
    {TICKER("\"a\":[\"0.0433\",123,\"123.5\"],\"b\":[\"0.0\",0,\"0.0\"]"),
     "KRAKEN:SC/EUR 2023-11-14T22:13:20Z quote none x none | 0.0433 x 123.5 seq none [ ] time-receive"},
    {TICKER("\"a\":[\"0.0433\",123]"), "rejected malformed"},
    {TICKER("\"a\":[\"0.0433\",123],\"b\":[\"1\",1,\"1\"]"), "rejected malformed"},
    {"[1924,7,\"ticker\",\"SC/EUR\"]", "rejected malformed"},
    {"[0,[\"5698.4\",\"5700.0\",\"1542057299.545897\",\"1.01\",\"0.98\"],\"spread\",\"XBT/USD\"]",
     "KRAKEN:XBT/USD 2018-11-12T21:14:59.545897Z quote 5698.4 x 1.01 | 5700 x 0.98 seq none [ ]"},
    {"[0,[\"5698.4\",\"5700.0\",\"0\",\"1.01\",\"0.98\"],\"spread\",\"XBT/USD\"]", "rejected range"},
    {"[0,[\"5698.4\",\"5700.0\",\"1542057299.5\"],\"spread\",\"XBT/USD\"]", "rejected malformed"},

    {"[336,{\"as\":[[\"1\",\"2\",\"3\"]],\"bs\":[]},\"book-10\",\"XBT/USD\"]", "ignored depth"},
    {"[336,{\"a\":[]},{\"b\":[],\"c\":\"1\"},\"book-1000\",\"XBT/USD\"]", "ignored depth"},
    {"[42,[\"1\",\"2\"],\"ohlc-5\",\"XBT/USD\"]", "ignored other"},
    {"[]", "ignored other"},
    {"{\"event\":\"heartbeat\"}", "ignored heartbeat alive"},
    {"{\"event\":\"pong\",\"reqid\":42}", "ignored heartbeat alive"},
    {"{\"connectionID\":18239578009413566319,\"event\":\"systemStatus\",\"status\":\"online\",\"version\":\"1.8.3\"}",
     "ignored status"},
    {"{\"channelID\":1665,\"channelName\":\"trade\",\"event\":\"subscriptionStatus\",\"pair\":\"WAVES/EUR\",\"status\":"
     "\"subscribed\",\"subscription\":{\"name\":\"trade\"}}",
     "ignored subscriptions ack WAVES/EUR"},
    {"{\"event\":\"subscriptionStatus\",\"pair\":\"WAVES/EUR\",\"status\":\"unsubscribed\"}",
     "ignored subscriptions WAVES/EUR"},
    {"{\"errorMessage\":\"Currency pair not supported X/Y\",\"event\":\"subscriptionStatus\",\"status\":\"error\"}",
     "ignored error error Currency pair not supported X/Y"},
    {"{\"errorMessage\":\"Malformed request\",\"event\":\"error\"}", "ignored error error Malformed request"},
    {"{}", "ignored other"},
    {"7", "rejected malformed"},
    {"", "rejected malformed"},
};

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_kraken, "", steps, COUNT_OF(steps));
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_kraken, steps[1].message);
    unit_check_cuts(&td_venue_kraken, steps[13].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_kraken", tests, NULL, NULL);
}
