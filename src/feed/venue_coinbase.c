/* src/feed/venue_coinbase.c - Coinbase Exchange: matches, tickers with sizes, books, heartbeats, acknowledgements,
 * errors. */
#include "base/decimal.h"
#include "feed/levels.h"
#include "feed/venue.h"
#include <inttypes.h>

typedef enum field { /* in the order in which a match has them, then a ticker */
                     TYPE,
                     TRADE_ID,
                     SIDE,
                     SIZE,
                     PRICE,
                     PRODUCT,
                     SEQUENCE,
                     BEST_BID,
                     BEST_BID_SIZE,
                     BEST_ASK,
                     BEST_ASK_SIZE,
                     TIME,
                     LAST_TRADE_ID,
                     MESSAGE,
                     REASON,
                     CHANNELS,
                     CHANGES,
                     BIDS,
                     ASKS,
                     FIELD_COUNT
} field;

typedef struct coinbase {
    td_symbols symbols;
    td_levels levels;
    bool breaks;      /* a book's message was refused: the next part says that something is missing of … */
    uint32_t of_book; /* … that instrument's */
} coinbase;

/* The first message of a session may have none. */
static td_reason read_time(const td_field *f, td_event *e) {
    if (f[TIME].type != TD_JSON_ERROR) return td_recorded_time(f[TIME].text, &e->event_ns);
    e->flags |= TD_FLAG_TIME_RECEIVE;
    return TD_REASON_NONE;
}

/* A match names the side of the order that was there before: the aggressor's is the other one. */
static td_reason read_trade(const td_field *f, td_event *e) {
    td_trade *trade = &e->trade;
    td_bytes maker = f[SIDE].text;
    e->kind = TD_EVENT_TRADE;
    bool buys = td_bytes_equal(maker, TD_TEXT("buy"));
    if (!buys && !td_bytes_equal(maker, TD_TEXT("sell"))) return TD_REASON_MALFORMED;
    *trade = (td_trade){.side = buys ? TD_SIDE_SELL : TD_SIDE_BUY};
    td_reason reason = td_recorded_time(f[TIME].text, &e->event_ns);
    if (reason == TD_REASON_NONE) reason = td_recorded_integer(f[TRADE_ID].text, &trade->trade_id);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(f[PRICE].text, TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(f[SIZE].text, TD_SIZE_SCALE, &trade->size, &e->flags);
    return reason;
}

static td_reason read_quote(const td_field *f, td_event *e) {
    td_quote *quote = &e->quote;
    const td_bytes bid[] = {f[BEST_BID].text, f[BEST_BID_SIZE].text}, ask[] = {f[BEST_ASK].text, f[BEST_ASK_SIZE].text};
    e->kind = TD_EVENT_QUOTE;
    *quote = (td_quote){0};
    td_reason reason = td_recorded_integer(f[SEQUENCE].text, &quote->sequence);
    if (reason == TD_REASON_NONE) reason = read_time(f, e);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(bid, TD_PRICE_SCALE, &quote->bid_price, &quote->bid_size, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(ask, TD_PRICE_SCALE, &quote->ask_price, &quote->ask_size, &e->flags);
    return reason;
}

/* Level 2: a snapshot, then what has changed. The venue numbers neither. */
static void put_book(coinbase *c, const td_field *f, bool snapshot, td_recorded *out) {
    td_event *e = &out->event;
    const td_level_array both[] = {{f[BIDS].text, TD_BOOK_BID}, {f[ASKS].text, TD_BOOK_ASK}};
    const td_level_array changes[TD_LEVEL_ARRAYS] = {{f[CHANGES].text, TD_BOOK_SIDE_COUNT}};
    e->kind = TD_EVENT_BOOK;
    e->book = (td_book){.first_sequence = TD_NONE, .last_sequence = TD_NONE, .snapshot = snapshot};
    td_reason reason = snapshot && f[ASKS].type != TD_JSON_ARRAY ? TD_REASON_MALFORMED : read_time(f, e);
    bool named = td_symbols_find(&c->symbols, f[PRODUCT].text, &e->instrument);
    c->of_book = e->instrument;
    td_recorded_event(out, named ? reason : TD_REASON_MALFORMED);
    if (out->kind == TD_ITEM_EVENT) td_levels_begin(&c->levels, snapshot ? both : changes, out);
    c->breaks = named && out->kind == TD_ITEM_REJECTED;
    out->more |= c->breaks;
}

/* No number tells what was refused: the book is not to be read on as if nothing was. */
static void put_break(coinbase *c, int64_t receive_ns, td_recorded *out) {
    c->breaks = false;
    out->event = (td_event){.kind = TD_EVENT_BOOK,
                            .flags = TD_FLAG_TIME_RECEIVE,
                            .instrument = c->of_book,
                            .event_ns = receive_ns,
                            .book = {.last_sequence = TD_NONE}};
    td_recorded_event(out, TD_REASON_NONE);
}

static void read_heartbeat(td_symbols *symbols, const td_field *f, td_notice *out) {
    out->of_instrument = td_recorded_integer(f[LAST_TRADE_ID].text, &out->trade_id) == TD_REASON_NONE &&
                         td_symbols_find(symbols, f[PRODUCT].text, &out->instrument);
}

static void read_last(td_symbols *symbols, const td_field *f, td_recorded *out) {
    bool whole = read_trade(f, &out->event) == TD_REASON_NONE &&
                 td_symbols_find(symbols, f[PRODUCT].text, &out->event.instrument);
    if (!whole) out->notice.kind = TD_NOTICE_NONE;
}

static void put_ignored(td_symbols *symbols, const td_field *f, td_recorded *out) {
    static const struct {
        td_bytes type;
        const char *kind;
        td_notice_kind notice;
    } kinds[] = {
        {TD_KEY("ticker"), "ticker", TD_NOTICE_NONE}, /* without sizes */
        {TD_KEY("heartbeat"), "heartbeat", TD_NOTICE_HEARTBEAT},
        {TD_KEY("last_match"), "last_match", TD_NOTICE_LAST}, /* an old trade, again */
        {TD_KEY("subscriptions"), "subscriptions", TD_NOTICE_ACK},
        {TD_KEY("error"), "error", TD_NOTICE_ERROR},
    };
    td_recorded_ignore(out, "other");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!td_bytes_equal(f[TYPE].text, kinds[i].type)) continue;
        td_recorded_ignore(out, kinds[i].kind);
        out->notice = (td_notice){.kind = (uint8_t)kinds[i].notice};
        break;
    }
    if (out->notice.kind == TD_NOTICE_HEARTBEAT) read_heartbeat(symbols, f, &out->notice);
    if (out->notice.kind == TD_NOTICE_LAST) read_last(symbols, f, out);
    if (out->notice.kind == TD_NOTICE_ACK) out->notice.text = f[CHANNELS].text;
    if (out->notice.kind == TD_NOTICE_ERROR)
        out->notice.text = f[REASON].text.size > 0 ? f[REASON].text : f[MESSAGE].text;
}

static bool read_message(td_bytes message, td_field *fields) {
    static const td_bytes keys[FIELD_COUNT] = {
        [TYPE] = TD_KEY("type"),
        [TRADE_ID] = TD_KEY("trade_id"),
        [SIDE] = TD_KEY("side"),
        [SIZE] = TD_KEY("size"),
        [PRICE] = TD_KEY("price"),
        [PRODUCT] = TD_KEY("product_id"),
        [SEQUENCE] = TD_KEY("sequence"),
        [BEST_BID] = TD_KEY("best_bid"),
        [BEST_BID_SIZE] = TD_KEY("best_bid_size"),
        [BEST_ASK] = TD_KEY("best_ask"),
        [BEST_ASK_SIZE] = TD_KEY("best_ask_size"),
        [TIME] = TD_KEY("time"),
        [LAST_TRADE_ID] = TD_KEY("last_trade_id"),
        [MESSAGE] = TD_KEY("message"),
        [REASON] = TD_KEY("reason"),
        [CHANNELS] = TD_KEY("channels"),
        [CHANGES] = TD_KEY("changes"),
        [BIDS] = TD_KEY("bids"),
        [ASKS] = TD_KEY("asks"),
    };
    return td_message_read(message, keys, fields, FIELD_COUNT);
}

static void decode_message(coinbase *c, const td_field *f, td_recorded *out) {
    td_event *e = &out->event;
    td_bytes type = f[TYPE].text;
    if (td_bytes_equal(type, TD_TEXT("match")))
        td_symbols_event(&c->symbols, f[PRODUCT].text, read_trade(f, e), out);
    else if (td_bytes_equal(type, TD_TEXT("ticker")) && f[BEST_BID_SIZE].type != TD_JSON_ERROR)
        td_symbols_event(&c->symbols, f[PRODUCT].text, read_quote(f, e), out);
    else if (td_bytes_equal(type, TD_TEXT("l2update")))
        put_book(c, f, false, out);
    else if (td_bytes_equal(type, TD_TEXT("snapshot")))
        put_book(c, f, true, out);
    else
        put_ignored(&c->symbols, f, out);
}

static void coinbase_decode(void *state, td_bytes message, int64_t receive_ns, td_recorded *out) {
    coinbase *c = state;
    td_field f[FIELD_COUNT] = {0};
    if (c->levels.within) {
        td_levels_next(&c->levels, out);
        return;
    }
    if (c->breaks) {
        put_break(c, receive_ns, out);
        return;
    }
    if (!read_message(message, f)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
        return;
    }
    out->event = (td_event){.event_ns = receive_ns};
    decode_message(c, f, out);
}

/* ---- its past ---- */

enum { HISTORY_ROWS = 1000 }; /* the most the venue gives for one request */

static void put_history_path(td_buf *url, const td_history_page *page) {
    td_buf_printf(url, "/products/%.*s/trades?limit=%" PRId64, (int)page->symbol.size, (const char *)page->symbol.data,
                  page->rows);
    if (page->below_id != TD_NONE) td_buf_printf(url, "&after=%" PRId64, page->below_id);
}

static void decode_past(td_bytes row, td_recorded *out) {
    td_field f[FIELD_COUNT] = {0};
    out->event = (td_event){0};
    td_recorded_event(out, read_message(row, f) ? read_trade(f, &out->event) : TD_REASON_MALFORMED);
}

static const td_history_ops coinbase_history = {
    .rows_max = HISTORY_ROWS, .put_path = put_history_path, .decode = decode_past};

static void coinbase_begin(void *state, const td_naming *naming, td_bytes url) {
    (void)url;
    ((coinbase *)state)->symbols.naming = *naming;
}

_Static_assert(sizeof(coinbase) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_coinbase = {.format = "coinbase",
                                        .venue = "COINBASE",
                                        .state_size = sizeof(coinbase),
                                        .many = true,
                                        .history = &coinbase_history,
                                        .begin = coinbase_begin,
                                        .decode = coinbase_decode};
