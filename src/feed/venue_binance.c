/* src/feed/venue_binance.c - Binance spot: trades, aggregated trades, top of book and depth, bare or of a combined
 * stream, and by REST past trades and whole books. Keys differ by case only (b and B, t and T). */
#include "base/decimal.h"
#include "base/time.h"
#include "feed/levels.h"
#include "feed/venue.h"
#include <inttypes.h>

typedef enum field {
    NO_FIELD,
    TYPE,
    SYMBOL,
    TRADE_ID,
    PRICE,
    SIZE,
    TIME,
    SENT,
    FIRST_UPDATE,
    UPDATE,
    BID,
    BID_SIZE,
    ASK,
    ASK_SIZE,
    FIELD_COUNT
} field;

typedef struct message {
    td_bytes fields[FIELD_COUNT]; /* no data: not there */
    td_bytes stream;              /* of a combined stream: "btcusdt@trade" */
    td_json_type maker_buys;      /* TRUE or FALSE; anything else: not there */
    bool book;                    /* a whole one: UPDATE, BID and ASK by other names */
    bool answered;                /* a request of ours */
    td_bytes error;               /* … was refused */
} message;

static const int64_t micros_from = 100000000000000; /* a larger time is in us, not ms */

typedef struct binance {
    td_symbols symbols;
    bool aggregates; /* the session has trades by aggTrade alone */
    bool several;    /* symbols were named in it: a book that names none is nobody's */
    td_levels levels;
} binance;

/* ---- JSON to fields ---- */

static field field_of(td_bytes key) {
    static const uint8_t fields[128] = {
        ['e'] = TYPE, ['s'] = SYMBOL,   ['t'] = TRADE_ID,     ['p'] = PRICE,  ['q'] = SIZE,
        ['T'] = TIME, ['E'] = SENT,     ['U'] = FIRST_UPDATE, ['u'] = UPDATE, ['b'] = BID,
        ['a'] = ASK,  ['B'] = BID_SIZE, ['A'] = ASK_SIZE};
    return key.size == 1 && key.data[0] < sizeof fields ? (field)fields[key.data[0]] : NO_FIELD;
}

static bool read_fields(td_json *json, bool outermost, message *out);

static void read_outermost(td_bytes key, const td_field *value, message *out) {
    if (td_bytes_equal(key, TD_TEXT("stream"))) out->stream = value->text;
    if (td_bytes_equal(key, TD_TEXT("result"))) out->answered = true;
    if (td_bytes_equal(key, TD_TEXT("msg")) || td_bytes_equal(key, TD_TEXT("error"))) out->error = value->text;
}

static void read_book_member(td_bytes key, const td_field *value, message *out) {
    bool update = td_bytes_equal(key, TD_TEXT("lastUpdateId"));
    if (update) out->fields[UPDATE] = value->text;
    if (td_bytes_equal(key, TD_TEXT("bids"))) out->fields[BID] = value->text;
    if (td_bytes_equal(key, TD_TEXT("asks"))) out->fields[ASK] = value->text;
    out->book |= update;
}

static bool read_member(td_json *json, td_bytes key, bool outermost, message *out) {
    td_field value;
    field f = field_of(key);
    if (f != NO_FIELD) {
        bool good = td_field_read(json, &value);
        out->fields[f] = value.text;
        return good;
    }
    if (outermost && td_bytes_equal(key, TD_TEXT("data"))) {
        td_json_type type = td_json_next(json);
        if (type == TD_JSON_OBJECT) return read_fields(json, false, out);
        return type == TD_JSON_ARRAY ? td_json_leave(json) : type != TD_JSON_ERROR;
    }
    if (!td_field_read(json, &value)) return false;
    if (td_bytes_equal(key, TD_TEXT("m"))) out->maker_buys = value.type;
    if (key.size > 1) read_book_member(key, &value, out);
    if (outermost && key.size > 1) read_outermost(key, &value, out);
    return true;
}

/* Behind the brace. The outermost object may wrap the message. */
static bool read_fields(td_json *json, bool outermost, message *out) {
    td_json_type type;
    while ((type = td_json_next(json)) == TD_JSON_KEY)
        if (!read_member(json, json->text, outermost, out)) return false;
    return type == TD_JSON_OBJECT_END;
}

static bool read_message(td_bytes text, message *out) {
    td_json json;
    td_json_init(&json, text);
    td_json_type type = td_json_next(&json);
    bool good = type == TD_JSON_OBJECT  ? read_fields(&json, true, out)
                : type == TD_JSON_ARRAY ? td_json_leave(&json)
                                        : type != TD_JSON_ERROR;
    return good && td_json_next(&json) == TD_JSON_END;
}

/* ---- fields to events ---- */

static td_reason read_time(td_bytes text, int64_t *out_ns) {
    int64_t t;
    td_reason reason = td_recorded_integer(text, &t);
    if (reason != TD_REASON_NONE) return reason;
    if (t <= 0) return TD_REASON_RANGE;
    bool overflow = __builtin_mul_overflow(t, t > micros_from ? TD_NS_PER_US : TD_NS_PER_MS, out_ns);
    return overflow ? TD_REASON_RANGE : TD_REASON_NONE;
}

/* `id` is the field of its number. */
static td_reason read_trade(const message *msg, field id, td_event *e) {
    td_trade *trade = &e->trade;
    e->kind = TD_EVENT_TRADE;
    if (msg->maker_buys != TD_JSON_TRUE && msg->maker_buys != TD_JSON_FALSE) return TD_REASON_MALFORMED;
    *trade = (td_trade){.side = msg->maker_buys == TD_JSON_TRUE ? TD_SIDE_SELL : TD_SIDE_BUY};
    td_reason reason = td_recorded_integer(msg->fields[id], &trade->trade_id);
    if (reason == TD_REASON_NONE) reason = read_time(msg->fields[TIME], &e->event_ns);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_number(msg->fields[PRICE], TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_number(msg->fields[SIZE], TD_SIZE_SCALE, &trade->size, &e->flags);
    return reason;
}

/* Spot says no event time; futures do. e->event_ns holds the receive time. */
static td_reason read_quote(const message *msg, td_event *e) {
    td_quote *quote = &e->quote;
    e->kind = TD_EVENT_QUOTE;
    *quote = (td_quote){0};
    td_reason reason = td_recorded_integer(msg->fields[UPDATE], &quote->sequence);
    if (reason == TD_REASON_NONE && msg->fields[TIME].data == NULL)
        e->flags |= TD_FLAG_TIME_RECEIVE;
    else if (reason == TD_REASON_NONE)
        reason = read_time(msg->fields[TIME], &e->event_ns);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(&msg->fields[BID], TD_PRICE_SCALE, &quote->bid_price, &quote->bid_size, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(&msg->fields[ASK], TD_PRICE_SCALE, &quote->ask_price, &quote->ask_size, &e->flags);
    return reason;
}

/* ---- books ---- */

static void put_levels(binance *b, const message *msg, td_recorded *out) {
    const td_level_array arrays[] = {{msg->fields[BID], TD_BOOK_BID}, {msg->fields[ASK], TD_BOOK_ASK}};
    if (out->kind == TD_ITEM_EVENT) td_levels_begin(&b->levels, arrays, out);
}

/* What stands for the venue's updates from the first to the last. */
static void put_update(binance *b, const message *msg, td_recorded *out) {
    td_event *e = &out->event;
    td_book *book = &e->book;
    e->kind = TD_EVENT_BOOK;
    *book = (td_book){0};
    td_reason reason = td_recorded_integer(msg->fields[FIRST_UPDATE], &book->first_sequence);
    if (reason == TD_REASON_NONE) reason = td_recorded_integer(msg->fields[UPDATE], &book->last_sequence);
    if (reason == TD_REASON_NONE) reason = read_time(msg->fields[SENT], &e->event_ns);
    bool whole = book->first_sequence <= book->last_sequence && msg->fields[ASK].size > 0;
    td_symbols_event(&b->symbols, msg->fields[SYMBOL], whole ? reason : TD_REASON_MALFORMED, out);
    put_levels(b, msg, out);
}

/* REST's answer to "depth" says neither whose book it is nor when that was. */
static void put_snapshot(binance *b, const message *msg, td_recorded *out) {
    td_event *e = &out->event;
    td_book *book = &e->book;
    e->kind = TD_EVENT_BOOK;
    e->flags |= TD_FLAG_TIME_RECEIVE;
    e->instrument = b->symbols.instrument;
    *book = (td_book){.first_sequence = TD_NONE, .snapshot = true};
    td_reason reason = td_recorded_integer(msg->fields[UPDATE], &book->last_sequence);
    td_recorded_event(out, msg->fields[ASK].size > 0 ? reason : TD_REASON_MALFORMED);
    put_levels(b, msg, out);
}

/* ---- what a message is ---- */

/* What it says of itself, else what its stream is called between the first @ and the next, else "". */
static td_bytes message_type(const message *msg) {
    if (msg->fields[TYPE].data != NULL) return msg->fields[TYPE];
    td_bytes stream = msg->stream;
    const uint8_t *at = stream.size > 0 ? memchr(stream.data, '@', stream.size) : NULL;
    if (at == NULL) {
        bool ticker = msg->fields[UPDATE].data != NULL && msg->fields[SYMBOL].data != NULL;
        return msg->book ? TD_TEXT("depth") : ticker ? TD_TEXT("bookTicker") : (td_bytes){0};
    }
    td_bytes type = {at + 1, stream.size - (size_t)(at + 1 - stream.data)};
    const uint8_t *end = type.size > 0 ? memchr(type.data, '@', type.size) : NULL;
    if (end != NULL) type.size = (size_t)(end - type.data);
    return type;
}

static void put_ignored(const message *msg, td_bytes type, td_recorded *out) {
    static const char *const kinds[] = {"aggTrade",       "kline",    "24hrTicker",
                                        "24hrMiniTicker", "avgPrice", "serverShutdown"};
    const char *kind = "other";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (td_bytes_equal(type, td_text(kinds[i]))) kind = kinds[i];
    if (type.size >= 5 && memcmp(type.data, "depth", 5) == 0) kind = "depth"; /* depthUpdate, depth20, … */
    td_recorded_ignore(out, msg->error.data != NULL ? "error" : kind);
    td_notice *notice = &out->notice;
    if (td_bytes_equal(type, TD_TEXT("serverShutdown"))) notice->kind = TD_NOTICE_RECONNECT;
    if (msg->answered) notice->kind = TD_NOTICE_ACK;
    if (msg->error.data != NULL) *notice = (td_notice){.kind = TD_NOTICE_ERROR, .text = msg->error};
}

static void decode_message(binance *b, const message *msg, td_recorded *out) {
    td_event *e = &out->event;
    td_bytes type = message_type(msg), symbol = msg->fields[SYMBOL];
    if (td_bytes_equal(type, TD_TEXT("bookTicker")))
        td_symbols_event(&b->symbols, symbol, read_quote(msg, e), out);
    else if (td_bytes_equal(type, TD_TEXT("trade")))
        td_symbols_event(&b->symbols, symbol, read_trade(msg, TRADE_ID, e), out);
    else if (b->aggregates && td_bytes_equal(type, TD_TEXT("aggTrade")))
        td_symbols_event(&b->symbols, symbol, read_trade(msg, ASK, e), out); /* "a" is what it is called there */
    else if (td_bytes_equal(type, TD_TEXT("depthUpdate")))
        put_update(b, msg, out);
    else if (msg->book && msg->stream.size == 0 && b->symbols.size > 0 && !b->several)
        put_snapshot(b, msg, out);
    else
        put_ignored(msg, type, out);
}

static void binance_decode(void *state, td_bytes json, int64_t receive_ns, td_recorded *out) {
    binance *b = state;
    message msg = {0};
    if (b->levels.within) {
        td_levels_next(&b->levels, out);
        return;
    }
    if (!read_message(json, &msg)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
        return;
    }
    uint32_t before = b->symbols.instrument;
    bool named = b->symbols.size > 0;
    out->event = (td_event){.event_ns = receive_ns};
    decode_message(b, &msg, out);
    b->several |= named && b->symbols.instrument != before;
}

/* A request for one symbol names it. */
static td_bytes symbol_of(td_bytes url) {
    static const td_bytes key = TD_KEY("symbol=");
    const uint8_t *at = url.size > 0 ? memmem(url.data, url.size, key.data, key.size) : NULL;
    if (at == NULL) return (td_bytes){0};
    td_bytes symbol = {at + key.size, (size_t)(url.data + url.size - at) - key.size};
    const uint8_t *end = symbol.size > 0 ? memchr(symbol.data, '&', symbol.size) : NULL;
    if (end != NULL) symbol.size = (size_t)(end - symbol.data);
    return symbol;
}

/* One that names aggTrade streams and no trade streams has its trades by these. */
static void binance_begin(void *state, const td_naming *naming, td_bytes url) {
    binance *b = state;
    b->symbols.naming = *naming;
    b->aggregates = url.data != NULL && memmem(url.data, url.size, "@aggTrade", 9) != NULL &&
                    memmem(url.data, url.size, "@trade", 6) == NULL;
    uint32_t instrument;
    (void)td_symbols_find(&b->symbols, symbol_of(url), &instrument); /* else the first message names it */
}

/* ---- the past, by REST ---- */

enum { HISTORY_ROWS = 1000, DEPTH_LEVELS = 1000 /* of a side: as many as a book keeps */ };

static void put_depth_path(td_buf *url, td_bytes symbol) {
    td_buf_printf(url, "/api/v3/depth?symbol=%.*s&limit=%d", (int)symbol.size, (const char *)symbol.data, DEPTH_LEVELS);
}

static void put_history_path(td_buf *url, const td_history_page *page) {
    if (page->below_id == TD_NONE) {
        td_buf_printf(url, "/api/v3/trades?symbol=%.*s&limit=%" PRId64, (int)page->symbol.size,
                      (const char *)page->symbol.data, page->rows);
        return;
    }
    int64_t from_id = page->below_id > page->rows ? page->below_id - page->rows : 0;
    td_buf_printf(url, "/api/v3/historicalTrades?symbol=%.*s&fromId=%" PRId64 "&limit=%" PRId64, (int)page->symbol.size,
                  (const char *)page->symbol.data, from_id, page->rows);
}

static bool read_past(td_bytes text, message *out) {
    static const struct {
        td_bytes key;
        field field;
    } keys[] = {{TD_KEY("id"), TRADE_ID}, {TD_KEY("price"), PRICE}, {TD_KEY("qty"), SIZE}, {TD_KEY("time"), TIME}};
    td_json json;
    td_json_init(&json, text);
    bool good = td_json_next(&json) == TD_JSON_OBJECT;
    while (good && td_json_next(&json) == TD_JSON_KEY) {
        td_bytes key = json.text;
        td_field value;
        good = td_field_read(&json, &value);
        if (td_bytes_equal(key, TD_TEXT("isBuyerMaker"))) out->maker_buys = value.type;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            if (td_bytes_equal(key, keys[i].key)) out->fields[keys[i].field] = value.text;
    }
    return good;
}

static void decode_past(td_bytes row, td_recorded *out) {
    message msg = {0};
    td_reason reason = read_past(row, &msg) ? read_trade(&msg, TRADE_ID, &out->event) : TD_REASON_MALFORMED;
    td_recorded_event(out, reason);
}

static const td_history_ops binance_history = {
    .rows_max = HISTORY_ROWS, .put_path = put_history_path, .decode = decode_past};

_Static_assert(sizeof(binance) <= TD_VENUE_STATE_MAX, "recordings keep a decoder's state in so much");

const td_venue_ops td_venue_binance = {.format = "binance",
                                       .venue = "BINANCE",
                                       .state_size = sizeof(binance),
                                       .many = true,
                                       .history = &binance_history,
                                       .put_depth_path = put_depth_path,
                                       .begin = binance_begin,
                                       .decode = binance_decode};
