/* src/feed/feed_twelvedata.c - the live feed of Twelve Data: prices of stocks, currencies and crypto pairs, with a key.
 */
#include "feed/websocket.h"

enum { SYMBOLS_MAX = 100, CONNECTIONS_OF_A_KEY = 3 };
#define INTERVAL_NS INT64_C(100000000)
#define BEAT_NS     INT64_C(10000000000)

static void put_subscribe(td_buf *out, char *const *symbols, size_t count) {
    td_buf_text(out, "{\"action\":\"subscribe\",\"params\":{\"symbols\":\"");
    for (size_t i = 0; i < count; i++) td_buf_printf(out, "%s%s", i > 0 ? "," : "", symbols[i]);
    td_buf_text(out, "\"}}");
}

/* {…,"success":[{"symbol":"AAPL","exchange":"NASDAQ",…},…],"fails":[{"symbol":"ABC/XYZ"}]}; either may be null. */
static void read_ack(td_subscription *subscription, td_bytes text) {
    static const td_bytes success[] = {TD_KEY("success")}, symbol[] = {TD_KEY("symbol")};
    td_field list[1] = {0};
    td_json json;
    if (!td_message_read(text, success, list, 1) || list[0].type != TD_JSON_ARRAY) return;
    td_json_init(&json, list[0].text);
    (void)td_json_next(&json);
    while (td_json_next(&json) == TD_JSON_OBJECT) {
        td_field name[1] = {0};
        if (!td_fields_read(&json, symbol, name, 1)) return;
        td_subscription_confirm(subscription, name[0].text);
    }
}

static td_status twelvedata_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_subscription_ops subscription = {
        .most = SYMBOLS_MAX, .interval_ns = INTERVAL_NS, .put = put_subscribe, .read_ack = read_ack};
    static const td_websocket_ops ops = {.venue = &td_venue_twelvedata,
                                         .subscription = &subscription,
                                         .token_key = "apikey",
                                         .beat = "{\"action\":\"heartbeat\"}",
                                         .beat_ns = BEAT_NS};
    return td_websocket_open(out, os, conf, instruments, &ops);
}

static const td_option twelvedata_options[] = {
    TD_FEED_ROWS_LIVE_PLAIN("TWELVEDATA"),
    TD_FEED_ROWS_TOKEN("your key: ${TWELVEDATA_TOKEN}"),
    {.key = "symbols",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "what to listen to, by the vendor's names: [AAPL, EUR/USD, BTC/USD]"},
    TD_FEED_ROW_PER_CONNECTION("0"),
    TD_FEED_ROW("url", TD_OPTION_TEXT, "wss://ws.twelvedata.com/v1/quotes/price", 0, 0, url, "where it speaks"),
    TD_FEED_ROWS_WEBSOCKET,
    TD_FEED_ROW("heartbeat", TD_OPTION_DURATION, "30s", 1e9, 36e11, heartbeat_ns,
                "silence, the vendor's answer to ours of each 10s missing, too, after which the session is ended"),
    {0}};

const td_feed_ops td_feed_twelvedata = {.format = "twelvedata",
                                        .live = &td_websocket_live,
                                        .venue = "TWELVEDATA",
                                        .feeds_per_token = CONNECTIONS_OF_A_KEY,
                                        .options = twelvedata_options,
                                        .open = twelvedata_open,
                                        .next = td_websocket_next,
                                        .close = td_websocket_close};
