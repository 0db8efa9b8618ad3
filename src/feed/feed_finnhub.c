/* src/feed/feed_finnhub.c - the live feed of Finnhub: trades of US stocks, crypto pairs and currencies, with a key. */
#include "feed/websocket.h"

#define INTERVAL_NS INT64_C(50000000)

static void put_subscribe(td_buf *out, char *const *symbols, size_t count) {
    (void)count; /* one */
    td_buf_printf(out, "{\"type\":\"subscribe\",\"symbol\":\"%s\"}", symbols[0]);
}

static td_status finnhub_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_subscription_ops subscription = {.most = 1, .interval_ns = INTERVAL_NS, .put = put_subscribe};
    static const td_websocket_ops ops = {
        .venue = &td_venue_finnhub, .subscription = &subscription, .token_key = "token"};
    return td_websocket_open(out, os, conf, instruments, &ops);
}

static const td_option finnhub_options[] = {
    TD_FEED_ROWS_LIVE_RULES("FINNHUB", "venue", "off"),
    TD_FEED_ROWS_TOKEN("your key: ${FINNHUB_TOKEN}"),
    {.key = "symbols",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "what to listen to, by the vendor's names: [AAPL, \"BINANCE:BTCUSDT\"]; a free key takes 50"},
    TD_FEED_ROW("url", TD_OPTION_TEXT, "wss://ws.finnhub.io", 0, 0, url, "where it speaks"),
    TD_FEED_ROWS_WEBSOCKET,
    TD_FEED_ROW("heartbeat", TD_OPTION_DURATION, "150s", 1e9, 36e11, heartbeat_ns,
                "silence, the vendor's ping of each minute missing, too, after which the session is ended"),
    {0}};

const td_feed_ops td_feed_finnhub = {.format = "finnhub",
                                     .live = &td_websocket_live,
                                     .venue = "FINNHUB",
                                     .feeds_per_token = 1,
                                     .options = finnhub_options,
                                     .open = finnhub_open,
                                     .next = td_websocket_next,
                                     .close = td_websocket_close};
