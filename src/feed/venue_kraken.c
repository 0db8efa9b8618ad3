/* src/feed/venue_kraken.c - Kraken's first WebSocket protocol: arrays [channel, what it says…, name, pair] of trades,
 * tickers and spreads, objects for everything else. Trades come several in a message, and have no ids. */
#include "base/decimal.h"
#include "feed/venue.h"

typedef struct kraken {
    td_symbols symbols;
    td_parts trades;
    td_bytes pair; /* theirs */
} kraken;

typedef struct update { /* an array */
    td_field said, name, pair;
} update;

enum { TEXTS_MAX = 5, NS_SCALE = 9 /* seconds to ns */ };

/* Within an array: its elements in front as texts, and on behind its end. Others, and those that are not there, have no
 * characters. False when malformed. */
static bool read_texts(td_json *json, td_bytes out[TEXTS_MAX]) {
    memset(out, 0, TEXTS_MAX * sizeof *out);
    for (size_t i = 0;; i++) {
        td_field value;
        if (!td_field_read(json, &value)) return false;
        if (value.type == TD_JSON_ARRAY_END) return true;
        if (i < TEXTS_MAX) out[i] = value.text;
    }
}

static bool read_array(td_bytes array, td_bytes out[TEXTS_MAX]) {
    td_json json;
    td_json_init(&json, array);
    return td_json_next(&json) == TD_JSON_ARRAY && read_texts(&json, out);
}

static bool read_update(td_json *json, update *out) {
    for (size_t i = 0;; i++) {
        td_field value;
        if (!td_field_read(json, &value)) return false;
        if (value.type == TD_JSON_ARRAY_END) return td_json_next(json) == TD_JSON_END;
        if (i == 1) out->said = value;
        out->name = out->pair; /* the last two */
        out->pair = value;
    }
}

static td_reason read_time(td_bytes seconds, td_event *e) {
    td_reason reason = td_recorded_number(seconds, NS_SCALE, &e->event_ns, &e->flags);
    return reason == TD_REASON_NONE && e->event_ns <= 0 ? TD_REASON_RANGE : reason;
}

/* ---- trades ---- */

/* [price, size, time, side of the aggressor, order type, …] */
static td_reason read_trade(const td_bytes texts[TEXTS_MAX], td_event *e) {
    td_trade *trade = &e->trade;
    e->kind = TD_EVENT_TRADE;
    bool buys = td_bytes_equal(texts[3], TD_TEXT("b"));
    if (!buys && !td_bytes_equal(texts[3], TD_TEXT("s"))) return TD_REASON_MALFORMED;
    *trade = (td_trade){.trade_id = TD_NONE, .side = buys ? TD_SIDE_BUY : TD_SIDE_SELL};
    td_reason reason = read_time(texts[2], e);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(texts[0], TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(texts[1], TD_SIZE_SCALE, &trade->size, &e->flags);
    return reason;
}

/* The next of them. The message was read to its end before: it is JSON. */
static void put_trade(kraken *k, td_recorded *out) {
    td_bytes texts[TEXTS_MAX] = {0};
    td_json *trades = &k->trades.json;
    td_json_type type = td_json_next(trades);
    if (type == TD_JSON_ARRAY_END) {
        td_recorded_ignore(out, "trade"); /* none at all */
        return;
    }
    bool good = type == TD_JSON_ARRAY    ? read_texts(trades, texts)
                : type == TD_JSON_OBJECT ? td_json_leave(trades)
                                         : true;
    td_parts_pass(&k->trades, good, out);
    td_symbols_event(&k->symbols, k->pair, read_trade(texts, &out->event), out);
}

/* ---- quotes ---- */

static td_reason read_quote(const td_bytes bid[2], const td_bytes ask[2], td_event *e) {
    td_quote *quote = &e->quote;
    e->kind = TD_EVENT_QUOTE;
    *quote = (td_quote){.sequence = TD_NONE};
    td_reason reason = td_recorded_side(bid, TD_PRICE_SCALE, &quote->bid_price, &quote->bid_size, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(ask, TD_PRICE_SCALE, &quote->ask_price, &quote->ask_size, &e->flags);
    return reason;
}

/* {"a":[price, size in whole lots, size], "b":…}, without a time. */
static td_reason read_ticker(td_bytes said, td_event *e) {
    static const td_bytes keys[] = {TD_KEY("a"), TD_KEY("b")};
    td_field f[2] = {0};
    td_bytes ask[TEXTS_MAX], bid[TEXTS_MAX];
    if (!td_message_read(said, keys, f, 2) || !read_array(f[0].text, ask) || !read_array(f[1].text, bid))
        return TD_REASON_MALFORMED;
    e->flags |= TD_FLAG_TIME_RECEIVE;
    return read_quote((td_bytes[]){bid[0], bid[2]}, (td_bytes[]){ask[0], ask[2]}, e);
}

/* [bid, ask, time, bid size, ask size] */
static td_reason read_spread(td_bytes said, td_event *e) {
    td_bytes texts[TEXTS_MAX];
    if (!read_array(said, texts)) return TD_REASON_MALFORMED;
    td_reason reason = read_time(texts[2], e);
    if (reason != TD_REASON_NONE) return reason;
    return read_quote((td_bytes[]){texts[0], texts[3]}, (td_bytes[]){texts[1], texts[4]}, e);
}

static void decode_update(kraken *k, const update *u, td_recorded *out) {
    td_bytes name = u->name.text;
    k->pair = u->pair.text;
    if (td_bytes_equal(name, TD_TEXT("trade")) && u->said.type == TD_JSON_ARRAY) {
        td_parts_begin(&k->trades, u->said.text);
        put_trade(k, out);
    } else if (td_bytes_equal(name, TD_TEXT("ticker"))) {
        td_symbols_event(&k->symbols, k->pair, read_ticker(u->said.text, &out->event), out);
    } else if (td_bytes_equal(name, TD_TEXT("spread"))) {
        td_symbols_event(&k->symbols, k->pair, read_spread(u->said.text, &out->event), out);
    } else {
        bool depth = name.size > 5 && memcmp(name.data, "book-", 5) == 0;
        td_recorded_ignore(out, depth ? "depth" : "other"); /* ohlc-5 */
    }
}

/* ---- what is no update ---- */

typedef enum field { EVENT, STATUS, PAIR, ERROR_TEXT, FIELD_COUNT } field;

static void put_ignored(const td_field *f, td_recorded *out) {
    td_bytes event = f[EVENT].text;
    if (td_bytes_equal(event, TD_TEXT("heartbeat")) || td_bytes_equal(event, TD_TEXT("pong"))) {
        td_recorded_ignore(out, "heartbeat");
        out->notice.kind = TD_NOTICE_HEARTBEAT;
    } else if (f[ERROR_TEXT].type != TD_JSON_ERROR) { /* of its own, or as a subscription's status */
        td_recorded_ignore(out, "error");
        out->notice = (td_notice){.kind = TD_NOTICE_ERROR, .text = f[ERROR_TEXT].text};
    } else if (td_bytes_equal(event, TD_TEXT("subscriptionStatus"))) {
        td_recorded_ignore(out, "subscriptions");
        bool begun = td_bytes_equal(f[STATUS].text, TD_TEXT("subscribed"));
        out->notice = (td_notice){.kind = begun ? TD_NOTICE_ACK : TD_NOTICE_NONE, .text = f[PAIR].text};
    } else {
        td_recorded_ignore(out, td_bytes_equal(event, TD_TEXT("systemStatus")) ? "status" : "other");
    }
}

static bool read_event(td_json *json, td_field f[FIELD_COUNT]) {
    static const td_bytes keys[FIELD_COUNT] = {[EVENT] = TD_KEY("event"),
                                               [STATUS] = TD_KEY("status"),
                                               [PAIR] = TD_KEY("pair"),
                                               [ERROR_TEXT] = TD_KEY("errorMessage")};
    return td_fields_read(json, keys, f, FIELD_COUNT) && td_json_next(json) == TD_JSON_END;
}

static void kraken_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    kraken *k = state;
    td_json json;
    update u = {0};
    td_field f[FIELD_COUNT] = {0};
    out->event = (td_event){.event_ns = receive_ns};
    if (k->trades.within) {
        put_trade(k, out);
        return;
    }
    td_json_init(&json, message);
    td_json_type type = td_json_next(&json);
    if (type == TD_JSON_ARRAY && read_update(&json, &u))
        decode_update(k, &u, out);
    else if (type == TD_JSON_OBJECT && read_event(&json, f))
        put_ignored(f, out);
    else
        td_recorded_reject(out, TD_REASON_MALFORMED, "neither an update nor an event, or cut");
}

static void kraken_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((kraken *)state)->symbols.naming = *naming;
}

_Static_assert(sizeof(kraken) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_kraken = {.format = "kraken",
                                      .venue = "KRAKEN",
                                      .state_size = sizeof(kraken),
                                      .many = true,
                                      .begin = kraken_begin,
                                      .decode = kraken_decode};
