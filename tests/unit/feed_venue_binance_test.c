/* tests/unit/feed_venue_binance_test.c - goal: what the connection's address says decides whether aggregated trades are
 * trades; all else of the decoder is held by recorded lines (feed_binance_test.c). */
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(aggregates), cmocka_unit_test(sessions)};
    return cmocka_run_group_tests_name("feed_venue_binance", tests, NULL, NULL);
}
