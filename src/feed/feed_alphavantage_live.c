/* src/feed/feed_alphavantage_live.c - the live feed of Alpha Vantage: bars of stocks by month and by day, and the
 * latest price, with a key. */
#include "feed/alphavantage.h"
#include "feed/download.h"
#include "net/url.h"

#define RECENT_NS (90 * TD_NS_PER_DAY) /* an answer of 100 days reaches as far */

static void put(td_buf *url, const char *key, const char *value) {
    td_buf_printf(url, "&%s=", key);
    td_url_put(url, td_text(value));
}

static void put_month(const td_feed_conf *conf, const td_call *call, td_buf *url) {
    char month[16];
    (void)td_month_format(call->month, month);
    put(url, "interval", call->interval);
    put(url, "month", month);
    put(url, "adjusted", conf->adjusted ? "true" : "false");
    put(url, "extended_hours", conf->extended ? "true" : "false");
    put(url, "outputsize", "full");
}

static void put_days(const td_call *call, td_buf *url) {
    bool recent = call->held_ns != TD_NONE && call->due_ns - call->held_ns < RECENT_NS;
    put(url, "outputsize", recent ? "compact" : "full");
}

static void alphavantage_put_path(const td_feed_conf *conf, const td_call *call, td_buf *url) {
    static const char *const functions[] = {[TD_CALL_MONTH] = "TIME_SERIES_INTRADAY",
                                            [TD_CALL_DAYS] = "TIME_SERIES_DAILY",
                                            [TD_CALL_PRICE] = "GLOBAL_QUOTE"};
    td_buf_printf(url, "/query?function=%s", functions[call->kind]);
    put(url, "symbol", call->symbol);
    if (call->kind == TD_CALL_MONTH) put_month(conf, call, url);
    if (call->kind == TD_CALL_DAYS) put_days(call, url);
    if (call->kind != TD_CALL_PRICE) put(url, "datatype", conf->datatype == 0 ? "json" : "csv");
    put(url, "apikey", conf->token);
}

static td_status alphavantage_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_download_ops ops = {.format = "alphavantage",
                                        .calls = {.zone = TD_ZONE_NEW_YORK, .daily = "daily", .width = td_av_width},
                                        .put_path = alphavantage_put_path,
                                        .read = td_av_read};
    return td_download_open(out, os, conf, instruments, &ops);
}

static const td_option alphavantage_options[] = {
    TD_FEED_ROWS_LIVE_PLAIN("ALPHAVANTAGE"),
    TD_FEED_ROWS_TOKEN("your key: ${ALPHAVANTAGE_TOKEN}"),
    {.key = "symbols",
     .type = TD_OPTION_TEXTS,
     .required = true,
     .offset = offsetof(td_feed_conf, symbols),
     .help = "what to ask for, by the vendor's names: [IBM, MSFT]"},
    {.key = "interval",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_feed_conf, intervals),
     .help = "widths of its bars: 1min, 5min, 15min, 30min, 60min, daily; unset, and without quote: daily"},
    TD_FEED_ROWS_MONTHS,
    TD_FEED_ROW("quote", TD_OPTION_BOOL, "false", 0, 0, quote, "ask for the latest price, too"),
    TD_FEED_ROW("quote_interval", TD_OPTION_DURATION, "1m", 1e8, 864e13, quote_ns,
                "how often, for each symbol; as far as the limits let it"),
    TD_FEED_ROW("adjusted", TD_OPTION_BOOL, "false", 0, 0, adjusted,
                "bars shorter than a day restated for splits and dividends since, as the vendor does unless told; what "
                "it restates later is not asked for again"),
    TD_FEED_ROW("extended_hours", TD_OPTION_BOOL, "true", 0, 0, extended,
                "bars shorter than a day from before and behind the session, too"),
    {.key = "stamps",
     .type = TD_OPTION_CHOICE,
     .fallback = "start",
     .choices = "end|start",
     .offset = offsetof(td_feed_conf, stamps),
     .help = "what the vendor's time of a bar shorter than a day is"},
    {.key = "datatype",
     .type = TD_OPTION_CHOICE,
     .fallback = "json",
     .choices = "json|csv",
     .offset = offsetof(td_feed_conf, datatype),
     .help = "how series are asked for; CSV is shorter, and says less of itself"},
    TD_FEED_ROWS_DOWNLOAD("https://www.alphavantage.co", "5", "25"),
    {0}};

const td_feed_ops td_feed_alphavantage_live = {.format = "alphavantage",
                                               .live = &td_download_live,
                                               .venue = "ALPHAVANTAGE",
                                               .options = alphavantage_options,
                                               .open = alphavantage_open,
                                               .next = td_download_next,
                                               .close = td_download_close};
