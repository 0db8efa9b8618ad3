/* tests/unit/feed_venue_binance_test.c - goal: what the connection's address says decides whether aggregated trades are
 * trades, and what a message has said whose book comes by a request; all else of the decoder is held by recorded lines
 * (feed_binance_test.c). */
#include "venue_unit.h"

#define AGGREGATE                                                                                                      \
    "{\"stream\":\"bnbbtc@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"a\":12345,"   \
    "\"p\":\"0.001\",\"q\":\"100\",\"f\":100,\"l\":105,\"T\":1672515782136,\"m\":true,\"M\":true}}"
#define TRADE                                                                                                          \
    "{\"e\":\"trade\",\"E\":1,\"s\":\"BNBBTC\",\"t\":100,\"p\":\"0.001\",\"q\":\"7\",\"T\":1672515782136,\"m\":false}"
#define AT "BINANCE:BNBBTC 2022-12-31T19:43:02.136Z trade 0.001 x "

static void aggregates(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool taken;
    } urls[] = {{"", false},
                {"wss://stream.binance.com:9443/ws", false},
                {"wss://stream.binance.com:9443/stream?streams=bnbbtc@depth/bnbbtc@aggTrade", true},
                {"wss://stream.binance.com:9443/stream?streams=bnbbtc@aggTrade/bnbbtc@trade", false}};
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        const unit_message steps[] = {
            {AGGREGATE, urls[i].taken ? AT "100 side 2 id 12345 [ ]" : "ignored aggTrade"},
            {TRADE, AT "7 side 1 id 100 [ ]"},
            {"{\"e\":\"aggTrade\",\"s\":\"BNBBTC\",\"p\":\"1\",\"q\":\"1\",\"T\":1672515782136,\"m\":true}",
             urls[i].taken ? "rejected malformed" : "ignored aggTrade"}, /* without its number */
        };
        unit_check_messages(&td_venue_binance, urls[i].url, steps, COUNT_OF(steps));
    }
}

static void sessions(void **state) {
    (void)state;
    static const unit_message steps[] = {
        {"{\"e\":\"serverShutdown\",\"E\":1770123456789}", "ignored serverShutdown reconnect"},
        {"{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":1770123456789}}",
         "ignored serverShutdown reconnect"},
        {"{\"result\":null,\"id\":1}", "ignored other ack"},
        {"{\"code\":2,\"msg\":\"Invalid request\"}", "ignored error error Invalid request"},
        {"{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":1}",
         "ignored error error {\"code\":2,\"msg\":\"Invalid request\"}"},
    };
    unit_check_messages(&td_venue_binance, "", steps, COUNT_OF(steps));
}

#define UPDATE(symbol, rest) "{\"e\":\"depthUpdate\",\"E\":1672515782136,\"s\":\"" symbol "\"," rest "}"
#define TOLD(symbol, rest)   "BINANCE:" symbol " 2022-12-31T19:43:02.136Z book " rest
#define WHOLE                "{\"lastUpdateId\":160,\"bids\":[[\"24\",\"10\"]],\"asks\":[[\"26\",\"100\"]]}"
#define WHOLE_OF(symbol)                                                                                               \
    "BINANCE:" symbol " 2023-11-14T22:13:20Z book none..160 snapshot: b 24 x 10, a 26 x 100 time-receive"

static void books(void **state) {
    (void)state;
    static const unit_message steps[] = {
        {WHOLE, "ignored depth"}, /* whose? */
        {UPDATE("AB", "\"U\":157,\"u\":160,\"b\":[[\"0.0024\",\"10\"]],\"a\":[[\"0.0026\",\"0\",[]]]"),
         TOLD("AB", "157..160: b 0.0024 x 10, a 0.0026 x 0")},
        {UPDATE("AB", "\"U\":161,\"u\":161,\"b\":[],\"a\":[]"), TOLD("AB", "161..161:")},
        {UPDATE("AB", "\"U\":162,\"u\":161,\"b\":[],\"a\":[]"), "rejected malformed"},
        {UPDATE("AB", "\"u\":161,\"b\":[],\"a\":[]"), "rejected malformed"},
        {UPDATE("AB", "\"U\":161,\"u\":161,\"b\":[]"), "rejected malformed"},
        {UPDATE("AB", "\"U\":161,\"u\":161,\"a\":[]"), "rejected malformed"},
        {UPDATE("AB", "\"U\":161,\"u\":161,\"b\":\"1\",\"a\":\"1\""), "rejected malformed"},
        {UPDATE("AB", "\"U\":161,\"u\":161,\"b\":[[\"1\",\"1e30\"]],\"a\":[]"), "rejected range"},
        {WHOLE, WHOLE_OF("AB")},
        {"{\"lastUpdateId\":\"x\",\"bids\":[],\"asks\":[]}", "rejected malformed"},
        {"{\"lastUpdateId\":160,\"bids\":[]}", "rejected malformed"},
        {"{\"stream\":\"ab@depth20\",\"data\":" WHOLE "}", "ignored depth"}, /* a part of a book */
        {UPDATE("CD", "\"U\":1,\"u\":2,\"b\":[],\"a\":[]"), TOLD("CD", "1..2:")},
        {WHOLE, "ignored depth"}, /* one of two */
        {UPDATE("CD", "\"U\":3,\"u\":3,\"b\":[],\"a\":[]"), TOLD("CD", "3..3:")},
        {WHOLE, "ignored depth"},
    };
    static const unit_message asked[] = {{WHOLE, WHOLE_OF("XY")}};
    unit_check_messages(&td_venue_binance, "", steps, COUNT_OF(steps));
    unit_check_messages(&td_venue_binance, "https://api.binance.com/api/v3/depth?symbol=XY&limit=5", asked, 1);
    unit_check_messages(&td_venue_binance, "https://api.binance.com/api/v3/depth?limit=5&symbol=XY", asked, 1);
    unit_check_cuts(&td_venue_binance, steps[1].message);
    unit_check_cuts(&td_venue_binance, WHOLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(aggregates), cmocka_unit_test(sessions),
                                       cmocka_unit_test(books)};
    return cmocka_run_group_tests_name("feed_venue_binance", tests, NULL, NULL);
}
