/* src/feed/feed_coinbase.c - the live feed of Coinbase Exchange: matches, tickers and heartbeats of products, and their
 * books if wanted, without a key. */
#include "feed/websocket.h"

/* The venue takes 100 messages a second from an address. */
enum { PRODUCTS_MAX = 50 };
enum { BOOK_BYTES = 16 << 20 }; /* a snapshot of tens of thousands of levels is one message */
#define INTERVAL_NS INT64_C(20000000)

static void put_channels(td_buf *out, char *const *products, size_t count, const char *more) {
    td_buf_text(out, "{\"type\":\"subscribe\",\"product_ids\":[");
    for (size_t i = 0; i < count; i++) td_buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", products[i]);
    td_buf_printf(out, "],\"channels\":[\"matches\",\"ticker\",\"heartbeat\"%s]}", more);
}

static void put_subscribe(td_buf *out, char *const *products, size_t count) { put_channels(out, products, count, ""); }

/* `level2` itself is for those with a key; the same messages, gathered over 50 ms, are for all. */
static void put_subscribe_books(td_buf *out, char *const *products, size_t count) {
    put_channels(out, products, count, ",\"level2_batch\"");
}

static void confirm_all(td_subscription *subscription, td_bytes products) {
    td_json json;
    td_json_init(&json, products);
    if (td_json_next(&json) != TD_JSON_ARRAY) return;
    while (td_json_next(&json) == TD_JSON_STRING) td_subscription_confirm(subscription, json.text);
}

/* [{"name":"matches","product_ids":["BTC-USD",…]},…]: what counts is that trades come. */
static void read_ack(td_subscription *subscription, td_bytes text) {
    static const td_bytes keys[] = {TD_KEY("name"), TD_KEY("product_ids")};
    td_json json;
    td_json_init(&json, text);
    if (td_json_next(&json) != TD_JSON_ARRAY) return;
    while (td_json_next(&json) == TD_JSON_OBJECT) {
        td_field fields[2] = {0};
        if (!td_fields_read(&json, keys, fields, 2)) return;
        if (td_bytes_equal(fields[0].text, TD_TEXT("matches"))) confirm_all(subscription, fields[1].text);
    }
}

static td_status coinbase_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_subscription_ops subscription = {
        .most = PRODUCTS_MAX, .interval_ns = INTERVAL_NS, .put = put_subscribe, .read_ack = read_ack};
    static const td_subscription_ops with_books = {
        .most = PRODUCTS_MAX, .interval_ns = INTERVAL_NS, .put = put_subscribe_books, .read_ack = read_ack};
    static const td_websocket_ops ops = {.venue = &td_venue_coinbase, .subscription = &subscription};
    static const td_websocket_ops ops_with_books = {
        .venue = &td_venue_coinbase, .subscription = &with_books, .message_least = BOOK_BYTES};
    return td_websocket_open(out, os, conf, instruments, conf->level2 ? &ops_with_books : &ops);
}

static const td_option coinbase_options[] = {
    TD_FEED_ROWS_LIVE("COINBASE"),
    {.key = "products",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "what to listen to, by the venue's names: [BTC-USD, ETH-USD]"},
    TD_FEED_ROW("level2", TD_OPTION_BOOL, "false", 0, 0, level2,
                "books, too: much more to keep than trades and quotes, and messages of up to 16MB"),
    TD_FEED_ROW_PER_CONNECTION("0"),
    TD_FEED_ROW("url", TD_OPTION_TEXT, "wss://ws-feed.exchange.coinbase.com", 0, 0, url, "where it speaks"),
    TD_FEED_ROWS_WEBSOCKET,
    TD_FEED_ROW(
        "heartbeat", TD_OPTION_DURATION, "10s", 1e9, 36e11, heartbeat_ns,
        "silence, the venue's signs of life each second missing, too, after which the session is ended; half of it "
        "for a trade that they speak of and that does not come"),
    TD_FEED_ROWS_HISTORY("https://api.exchange.coinbase.com"),
    {0}};

const td_feed_ops td_feed_coinbase = {.format = "coinbase",
                                      .live = &td_websocket_live,
                                      .venue = "COINBASE",
                                      .options = coinbase_options,
                                      .open = coinbase_open,
                                      .next = td_websocket_next,
                                      .close = td_websocket_close};
