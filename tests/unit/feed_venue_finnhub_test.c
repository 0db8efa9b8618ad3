/* tests/unit/feed_venue_finnhub_test.c - goal: each trade of a message comes out once and in its order with its sale
 * conditions, equal ones among them; one that is bad costs itself. */
#include "venue_unit.h"

#define TRADES(list) "{\"data\":[" list "],\"type\":\"trade\"}"
#define TSLA(how_many)                                                                                                 \
    "{\"c\":[\"1\",\"8\",\"24\",\"12\"],\"p\":122.1,\"s\":\"TSLA\",\"t\":1672348887196,\"v\":" how_many "}"
#define AAPL           "{\"c\":[\"1\",\"24\",\"12\"],\"p\":129.575,\"s\":\"AAPL\",\"t\":1672348887785,\"v\":1}"
#define TSLA_OUT(n)    "FINNHUB:TSLA 2022-12-29T21:21:27.196Z trade 122.1 x " n " side 0 id none [ 1001102]"
#define AAPL_OUT       "FINNHUB:AAPL 2022-12-29T21:21:27.785Z trade 129.575 x 1 side 0 id none [ 1001002]"
#define BTC(condition) "{" condition "\"p\":16543.21,\"s\":\"BINANCE:BTCUSDT\",\"t\":1672348887785,\"v\":0.00042}"
#define BTC_OUT(condition)                                                                                             \
    "FINNHUB:BINANCE:BTCUSDT 2022-12-29T21:21:27.785Z trade 16543.21 x 0.00042 side 0 id none [ " condition "]"

static const unit_message steps[] = {
    {TRADES(TSLA("1")), TSLA_OUT("1")},
    {TRADES(TSLA("10") "," TSLA("10") "," AAPL), TSLA_OUT("10") "\n" TSLA_OUT("10") "\n" AAPL_OUT},
    {"{\"type\":\"trade\",\"data\":[" AAPL "]}", AAPL_OUT},
    {TRADES(BTC("")), BTC_OUT("")},
    {TRADES(BTC("\"c\":null,")), BTC_OUT("")},
    {TRADES(BTC("\"c\":[],")), BTC_OUT("")},
    {TRADES(BTC("\"c\":[\"1\",\"24\",\"12\",\"37\",\"41\",\"50\"],")), BTC_OUT("4022001001002")}, /* all of them */
    {TRADES(BTC("\"c\":[\"1\",7,\"x\"],")), BTC_OUT("2")},
    {TRADES(BTC("\"x\":{\"p\":[1]},")), BTC_OUT("")},
    {TRADES(TSLA("1e40") "," AAPL), "rejected range\n" AAPL_OUT},
    {TRADES(AAPL ",7,[],{}," AAPL), AAPL_OUT "\nrejected malformed\nrejected malformed\nrejected malformed\n" AAPL_OUT},
    {TRADES("{\"c\":null,\"p\":1.0843,\"s\":\"OANDA:EUR_USD\",\"t\":1672348887785,\"v\":0}," AAPL),
     "FINNHUB:OANDA:EUR_USD 2022-12-29T21:21:27.785Z price 1.0843\n" AAPL_OUT},
    {TRADES("{\"p\":1,\"s\":\"A\",\"t\":0,\"v\":1}"), "rejected range"},
    {TRADES("{\"p\":1,\"s\":\"A\",\"t\":1672348887785000000,\"v\":1}"), "rejected range"},
    {TRADES("{\"p\":1,\"s\":\"A\",\"t\":1672348887.5,\"v\":1}"), "rejected malformed"},
    {TRADES("{\"p\":1,\"s\":\"A B\",\"t\":1672348887785,\"v\":1}"), "rejected malformed"},
    {TRADES(""), "ignored trade"},
    {"{\"data\":7,\"type\":\"trade\"}", "ignored other"},
    {TRADES(AAPL) "x", "rejected malformed"},
    {TRADES(AAPL), AAPL_OUT},

    {"{\"type\":\"ping\"}", "ignored heartbeat alive"},
    {"{\"msg\":\"Subscribing to too many symbols\",\"type\":\"error\"}",
     "ignored error error Subscribing to too many symbols"},
    {"{\"type\":\"error\"}", "ignored error error"},
    {"{\"data\":[{\"headline\":\"x\"}],\"type\":\"news\"}", "ignored news"},
    {"{}", "ignored other"},
    {"7", "ignored other"},
    {"", "rejected malformed"},
};

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_finnhub, "", steps, COUNT_OF(steps));
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_finnhub, steps[1].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_finnhub", tests, NULL, NULL);
}
