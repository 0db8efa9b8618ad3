/* src/feed/feed_coincap.c - the live feed of CoinCap: prices of crypto assets, with a key. */
#include "feed/websocket.h"

static td_status coincap_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_websocket_ops ops = {.venue = &td_venue_coincap, .symbols_key = "assets", .token_key = "apiKey"};
    return td_websocket_open(out, os, conf, instruments, &ops);
}

static const td_option coincap_options[] = {
    TD_FEED_ROWS_LIVE_PLAIN("COINCAP"),
    TD_FEED_ROWS_TOKEN("your key: ${COINCAP_TOKEN}"),
    {.key = "assets",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "whose prices, by the vendor's names: [bitcoin, ethereum], or [ALL]"},
    TD_FEED_ROW_PER_CONNECTION("0"),
    TD_FEED_ROW("url", TD_OPTION_TEXT, "wss://wss.coincap.io/prices", 0, 0, url, "where it speaks"),
    TD_FEED_ROWS_WEBSOCKET,
    {0}};

const td_feed_ops td_feed_coincap = {.format = "coincap",
                                     .live = &td_websocket_live,
                                     .venue = "COINCAP",
                                     .options = coincap_options,
                                     .open = coincap_open,
                                     .next = td_websocket_next,
                                     .close = td_websocket_close};
