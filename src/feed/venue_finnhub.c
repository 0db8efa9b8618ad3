/* src/feed/venue_finnhub.c - Finnhub: several trades in a message, each with its sale conditions and without an id;
 * pings, errors, news. */
#include "base/decimal.h"
#include "feed/venue.h"

typedef struct finnhub {
    td_symbols symbols;
    td_parts trades;
} finnhub;

#define NS_PER_MS INT64_C(1000000)

/* ---- trades ---- */

typedef enum trade_field { CONDITIONS, PRICE, SYMBOL, TIME, SIZE, TRADE_FIELDS } trade_field;

enum { CODE_LAST = 4 * TD_CODE_MAX - 1 }; /* as many bits as there is room for; the vendor's list ends with 41 */

/* ["1","24","12"] as flags, a bit for each code (conditions/finnhub.cond): hexadecimal, "1001002". */
static void read_conditions(td_bytes list, td_code *out) {
    static const char digits[] = "0123456789abcdef";
    td_json json;
    uint64_t flags = 0;
    int64_t code;
    td_json_init(&json, list);
    if (td_json_next(&json) != TD_JSON_ARRAY) return; /* absent, null */
    while (td_json_next(&json) == TD_JSON_STRING)
        if (td_recorded_integer(json.text, &code) == TD_REASON_NONE && code >= 0 && code <= CODE_LAST)
            flags |= UINT64_C(1) << code;
    for (int at = TD_CODE_MAX; at-- > 0;)
        if (out->size > 0 || flags >> 4 * at != 0) out->text[out->size++] = digits[flags >> 4 * at & 15];
}

static td_reason read_trade(const td_field *f, td_event *e) {
    td_trade *trade = &e->trade;
    int64_t time_ms;
    e->kind = TD_EVENT_TRADE;
    *trade = (td_trade){.trade_id = TD_NONE};
    td_reason reason = td_recorded_integer(f[TIME].text, &time_ms);
    if (reason == TD_REASON_NONE && (time_ms <= 0 || __builtin_mul_overflow(time_ms, NS_PER_MS, &e->event_ns)))
        reason = TD_REASON_RANGE;
    if (reason == TD_REASON_NONE) reason = td_recorded_number(f[PRICE].text, TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(f[SIZE].text, TD_SIZE_SCALE, &trade->size, &e->flags);
    read_conditions(f[CONDITIONS].text, &trade->condition);
    if (reason == TD_REASON_NONE && trade->size == 0) { /* where it knows no trades it says prices so */
        e->kind = TD_EVENT_PRICE;
        e->price = (td_price){trade->price};
    }
    return reason;
}

/* The next of them. The message was read to its end before: it is JSON. */
static void put_trade(finnhub *v, td_recorded *out) {
    static const td_bytes keys[TRADE_FIELDS] = {[CONDITIONS] = TD_KEY("c"),
                                                [PRICE] = TD_KEY("p"),
                                                [SYMBOL] = TD_KEY("s"),
                                                [TIME] = TD_KEY("t"),
                                                [SIZE] = TD_KEY("v")};
    td_field f[TRADE_FIELDS] = {0};
    td_json *json = &v->trades.json;
    td_json_type type = td_json_next(json);
    if (type == TD_JSON_ARRAY_END) {
        td_recorded_ignore(out, "trade"); /* none at all */
        return;
    }
    bool good = type == TD_JSON_OBJECT  ? td_fields_read(json, keys, f, TRADE_FIELDS)
                : type == TD_JSON_ARRAY ? td_json_leave(json)
                                        : true;
    td_parts_pass(&v->trades, good, out);
    td_symbols_event(&v->symbols, f[SYMBOL].text, read_trade(f, &out->event), out);
}

/* ---- messages ---- */

typedef enum field { DATA, TYPE, MESSAGE, FIELD_COUNT } field;

static void put_ignored(const td_field *f, td_recorded *out) {
    static const struct {
        td_bytes type;
        const char *kind;
        td_notice_kind notice;
    } kinds[] = {
        {TD_KEY("ping"), "heartbeat", TD_NOTICE_HEARTBEAT},
        {TD_KEY("error"), "error", TD_NOTICE_ERROR},
        {TD_KEY("news"), "news", TD_NOTICE_NONE},
    };
    td_recorded_ignore(out, "other");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!td_bytes_equal(f[TYPE].text, kinds[i].type)) continue;
        td_recorded_ignore(out, kinds[i].kind);
        out->notice.kind = (uint8_t)kinds[i].notice;
        if (kinds[i].notice == TD_NOTICE_ERROR) out->notice.text = f[MESSAGE].text;
    }
}

static void finnhub_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    static const td_bytes keys[FIELD_COUNT] = {
        [DATA] = TD_KEY("data"), [TYPE] = TD_KEY("type"), [MESSAGE] = TD_KEY("msg")};
    finnhub *v = state;
    td_field f[FIELD_COUNT] = {0};
    out->event = (td_event){.event_ns = receive_ns};
    if (v->trades.within) {
        put_trade(v, out);
    } else if (!td_message_read(message, keys, f, FIELD_COUNT)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
    } else if (td_bytes_equal(f[TYPE].text, TD_TEXT("trade")) && f[DATA].type == TD_JSON_ARRAY) {
        td_parts_begin(&v->trades, f[DATA].text);
        put_trade(v, out);
    } else {
        put_ignored(f, out);
    }
}

static void finnhub_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((finnhub *)state)->symbols.naming = *naming;
}

_Static_assert(sizeof(finnhub) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_finnhub = {.format = "finnhub",
                                       .venue = "FINNHUB",
                                       .state_size = sizeof(finnhub),
                                       .many = true,
                                       .begin = finnhub_begin,
                                       .decode = finnhub_decode};
