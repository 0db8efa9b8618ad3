/* src/feed/venue_bitstamp.c - Bitstamp: live trades, acknowledgements, heartbeats, errors. The channel's name ends with
 * the pair. */
#include "base/decimal.h"
#include "feed/venue.h"

typedef enum field { EVENT, CHANNEL, DATA, FIELD_COUNT } field;

typedef enum trade_field {
    ID,
    SECONDS,
    SIZE,
    SIZE_TEXT,
    PRICE,
    PRICE_TEXT,
    SIDE,
    MICROS,
    MESSAGE,
    TRADE_FIELD_COUNT
} trade_field;

enum { PAIR_MAX = 31 };

static bool read_data(td_bytes data, td_field *fields) {
    static const td_bytes keys[TRADE_FIELD_COUNT] = {
        [ID] = TD_KEY("id"),       [SECONDS] = TD_KEY("timestamp"),     [SIZE] = TD_KEY("amount"),
        [PRICE] = TD_KEY("price"), [SIZE_TEXT] = TD_KEY("amount_str"),  [PRICE_TEXT] = TD_KEY("price_str"),
        [SIDE] = TD_KEY("type"),   [MICROS] = TD_KEY("microtimestamp"), [MESSAGE] = TD_KEY("message"),
    };
    return td_message_read(data, keys, fields, TRADE_FIELD_COUNT);
}

/* The texts say what the numbers may have lost; older recordings have numbers alone. */
static td_reason read_trade(td_bytes data, td_event *e) {
    td_trade *trade = &e->trade;
    td_field f[TRADE_FIELD_COUNT] = {0};
    e->kind = TD_EVENT_TRADE;
    if (!read_data(data, f)) return TD_REASON_MALFORMED;
    bool buys = td_bytes_equal(f[SIDE].text, TD_TEXT("0"));
    if (!buys && !td_bytes_equal(f[SIDE].text, TD_TEXT("1"))) return TD_REASON_MALFORMED;
    *trade = (td_trade){.side = buys ? TD_SIDE_BUY : TD_SIDE_SELL};
    td_bytes price = f[f[PRICE_TEXT].text.size > 0 ? PRICE_TEXT : PRICE].text;
    td_bytes size = f[f[SIZE_TEXT].text.size > 0 ? SIZE_TEXT : SIZE].text;
    td_reason reason = td_recorded_time(f[f[MICROS].text.size > 0 ? MICROS : SECONDS].text, &e->event_ns);
    if (reason == TD_REASON_NONE) reason = td_recorded_integer(f[ID].text, &trade->trade_id);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(price, TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(size, TD_SIZE_SCALE, &trade->size, &e->flags);
    return reason;
}

/* live_trades_ethusd is of ETHUSD. Returns the size of what it writes, 0 where it cannot be a pair. */
static size_t read_pair(td_bytes channel, uint8_t out[PAIR_MAX]) {
    const uint8_t *last = channel.size > 0 ? memrchr(channel.data, '_', channel.size) : NULL;
    size_t size = last != NULL ? channel.size - (size_t)(last + 1 - channel.data) : 0;
    if (size > PAIR_MAX) return 0;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(last[1 + i] >= 'a' && last[1 + i] <= 'z' ? last[1 + i] - 'a' + 'A' : last[1 + i]);
    return size;
}

static bool is_about_books(td_bytes channel) {
    return td_bytes_begin(channel, TD_TEXT("order_book_")) || td_bytes_begin(channel, TD_TEXT("diff_order_book_")) ||
           td_bytes_begin(channel, TD_TEXT("detail_order_book_"));
}

static void put_ignored(const td_field *f, td_recorded *out) {
    static const struct {
        td_bytes event;
        const char *kind;
        td_notice_kind notice;
    } kinds[] = {
        {TD_KEY("bts:heartbeat"), "heartbeat", TD_NOTICE_HEARTBEAT},
        {TD_KEY("bts:subscription_succeeded"), "subscriptions", TD_NOTICE_ACK},
        {TD_KEY("bts:unsubscription_succeeded"), "subscriptions", TD_NOTICE_NONE},
        {TD_KEY("bts:request_reconnect"), "reconnect", TD_NOTICE_RECONNECT},
        {TD_KEY("bts:error"), "error", TD_NOTICE_ERROR},
    };
    td_recorded_ignore(out, is_about_books(f[CHANNEL].text) ? "depth" : "other");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!td_bytes_equal(f[EVENT].text, kinds[i].event)) continue;
        td_recorded_ignore(out, kinds[i].kind);
        out->notice = (td_notice){.kind = (uint8_t)kinds[i].notice};
        break;
    }
    td_field data[TRADE_FIELD_COUNT] = {0};
    if (out->notice.kind == TD_NOTICE_ACK) out->notice.text = f[CHANNEL].text;
    if (out->notice.kind == TD_NOTICE_ERROR && f[DATA].type == TD_JSON_OBJECT && read_data(f[DATA].text, data))
        out->notice.text = data[MESSAGE].text;
}

static void bitstamp_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    static const td_bytes keys[FIELD_COUNT] = {
        [EVENT] = TD_KEY("event"), [CHANNEL] = TD_KEY("channel"), [DATA] = TD_KEY("data")};
    td_field f[FIELD_COUNT] = {0};
    uint8_t pair[PAIR_MAX];
    if (!td_message_read(message, keys, f, FIELD_COUNT)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
        return;
    }
    out->event = (td_event){.event_ns = receive_ns};
    if (!td_bytes_equal(f[EVENT].text, TD_TEXT("trade")) || !td_bytes_begin(f[CHANNEL].text, TD_TEXT("live_trades_"))) {
        put_ignored(f, out);
        return;
    }
    td_reason reason = read_trade(f[DATA].text, &out->event);
    td_symbols_event(state, (td_bytes){pair, read_pair(f[CHANNEL].text, pair)}, reason, out);
}

static void bitstamp_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((td_symbols *)state)->naming = *naming;
}

_Static_assert(sizeof(td_symbols) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_bitstamp = {.format = "bitstamp",
                                        .venue = "BITSTAMP",
                                        .state_size = sizeof(td_symbols),
                                        .shares_ids = true,
                                        .begin = bitstamp_begin,
                                        .decode = bitstamp_decode};
