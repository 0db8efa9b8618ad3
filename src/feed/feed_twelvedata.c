/* src/feed/feed_twelvedata.c - the live feeds of Twelve Data, with a key: prices of stocks, currencies and crypto
 * pairs, with its bars beside gaps; and series of its bars, asked for. */
#include "feed/download.h"
#include "feed/twelvedata.h"
#include "feed/websocket.h"
#include "net/url.h"

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

/* The minutes that the gap touches. */
static void put_gap(const td_feed_conf *conf, td_bytes symbol, const td_gap *gap, td_buf *url) {
    td_twelvedata_call call = {.symbol = symbol,
                               .interval = "1min",
                               .from_ns = td_window_start(gap->from_ns, TD_NS_PER_MIN),
                               .to_ns = gap->to_ns,
                               .token = conf->token};
    td_twelvedata_put_path(&call, url);
}

static td_status twelvedata_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_subscription_ops subscription = {
        .most = SYMBOLS_MAX, .interval_ns = INTERVAL_NS, .put = put_subscribe, .read_ack = read_ack};
    static const td_gap_bars_ops gap_bars = {put_gap, td_twelvedata_read};
    static const td_websocket_ops ops = {.venue = &td_venue_twelvedata,
                                         .subscription = &subscription,
                                         .token_key = "apikey",
                                         .gap_bars = &gap_bars,
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
    TD_FEED_ROW("history", TD_OPTION_TEXT, "https://api.twelvedata.com", 0, 0, history,
                "where to ask for its bars beside a gap; \"\": for none"),
    TD_FEED_ROW("history_interval", TD_OPTION_DURATION, "8s", 0, 6e10, history_interval_ns,
                "least time between two requests"),
    TD_FEED_ROW("history_after", TD_OPTION_DURATION, "2m", 0, 36e11, history_after_ns,
                "how long a gap is left alone: its last minute has to be over"),
    TD_FEED_ROW("history_tries", TD_OPTION_INT, "5", 1, 1000, history_tries,
                "requests that may fail in a row, then no bars stand beside the gap"),
    {0}};

const td_feed_ops td_feed_twelvedata = {.format = "twelvedata",
                                        .live = &td_websocket_live,
                                        .venue = "TWELVEDATA",
                                        .feeds_per_token = CONNECTIONS_OF_A_KEY,
                                        .options = twelvedata_options,
                                        .open = twelvedata_open,
                                        .next = td_websocket_next,
                                        .close = td_websocket_close};

/* ---- series ---- */

static void series_put_path(const td_feed_conf *conf, const td_call *call, td_buf *url) {
    td_buf symbol = {0};
    td_url_put(&symbol, td_text(call->symbol));
    td_twelvedata_call asked = {.symbol = td_buf_bytes(&symbol),
                                .interval = call->interval,
                                .from_ns = call->held_ns,
                                .to_ns = TD_NONE,
                                .token = conf->token};
    if (call->kind == TD_CALL_MONTH) {
        asked.from_ns = td_most(call->held_ns, td_month_start_ns(TD_ZONE_UTC, call->month));
        asked.to_ns = td_month_start_ns(TD_ZONE_UTC, call->month + 1) - TD_NS_PER_S;
    }
    td_twelvedata_put_path(&asked, url);
    td_buf_fini(&symbol);
}

static td_status series_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_download_ops ops = {.format = "twelvedata-series",
                                        .calls = {.zone = TD_ZONE_UTC, .daily = "1day", .width = td_twelvedata_width},
                                        .starts = true,
                                        .rows_max = TD_TWELVEDATA_ROWS_MAX,
                                        .put_path = series_put_path,
                                        .read = td_twelvedata_read};
    return td_download_open(out, os, conf, instruments, &ops);
}

static const td_option series_options[] = {
    TD_FEED_ROWS_LIVE_PLAIN("TWELVEDATA"),
    TD_FEED_ROWS_TOKEN("your key: ${TWELVEDATA_TOKEN}"),
    {.key = "symbols",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "what to ask for, by the vendor's names: [AAPL, EUR/USD, BTC/USD]"},
    {.key = "interval",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_feed_conf, intervals),
     .help = "widths of its bars: 1min, 5min, 15min, 30min, 45min, 1h, 2h, 4h, 8h, 1day; unset: 1day"},
    TD_FEED_ROWS_MONTHS,
    TD_FEED_ROWS_DOWNLOAD("https://api.twelvedata.com", "8", "800"),
    {0}};

const td_feed_ops td_feed_twelvedata_series = {.format = "twelvedata-series",
                                               .live = &td_download_live,
                                               .venue = "TWELVEDATA",
                                               .options = series_options,
                                               .open = series_open,
                                               .next = td_download_next,
                                               .close = td_download_close};
