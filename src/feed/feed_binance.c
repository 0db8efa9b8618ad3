/* src/feed/feed_binance.c - raw Binance spot messages as hftbacktest's collector keeps them: gzip, one message a line
 * behind the recorder's receive time in ns. Trades and top of book become events; every other message is ignored by
 * kind. Keys differ by case only (b and B, t and T). */
#include "base/decimal.h"
#include "base/json.h"
#include "base/time.h"
#include "feed/binance.h"
#include <inttypes.h>

typedef enum field {
    NO_FIELD,
    TYPE,
    SYMBOL,
    TRADE_ID,
    PRICE,
    SIZE,
    TIME,
    UPDATE,
    BID,
    BID_SIZE,
    ASK,
    ASK_SIZE,
    FIELD_COUNT
} field;

typedef struct message {
    td_bytes fields[FIELD_COUNT]; /* strings and numbers; no data: not there */
    td_bytes stream;              /* of a combined stream: "btcusdt@trade" */
    td_json_type maker_buys;      /* TRUE or FALSE; anything else: not there */
    bool book;                    /* REST's answer to "depth" */
} message;

enum { RECEIVE_DIGITS_MAX = 19 };
static const int64_t micros_from = 100000000000000; /* a larger time is in us, not ms */

/* The receive time in front and the rest behind its space. */
static bool split_receive(td_bytes line, int64_t *out_ns, td_bytes *out_json) {
    size_t n = 0;
    uint64_t ns = 0;
    for (; n < line.size && n < RECEIVE_DIGITS_MAX && line.data[n] >= '0' && line.data[n] <= '9'; n++)
        ns = ns * 10 + (uint64_t)(line.data[n] - '0');
    if (ns == 0 || ns > INT64_MAX || n == line.size || line.data[n] != ' ') return false;
    *out_ns = (int64_t)ns;
    *out_json = (td_bytes){line.data + n + 1, line.size - n - 1};
    return true;
}

/* ---- JSON to fields ---- */

static field field_of(td_bytes key) {
    static const uint8_t fields[128] = {
        ['e'] = TYPE,   ['s'] = SYMBOL, ['t'] = TRADE_ID, ['p'] = PRICE,    ['q'] = SIZE,    ['T'] = TIME,
        ['u'] = UPDATE, ['b'] = BID,    ['a'] = ASK,      ['B'] = BID_SIZE, ['A'] = ASK_SIZE};
    return key.size == 1 && key.data[0] < sizeof fields ? (field)fields[key.data[0]] : NO_FIELD;
}

/* Behind an opening bracket: skips to its end. */
static bool skip_rest(td_json *json) {
    uint8_t depth = json->depth;
    while (json->depth >= depth)
        if (td_json_next(json) == TD_JSON_ERROR) return false;
    return true;
}

/* Behind a key: reads the value that comes next, whatever it is. Texts and numbers go to *out. */
static bool read_value(td_json *json, td_json_type *out_type, td_bytes *out) {
    *out_type = td_json_next(json);
    switch (*out_type) {
    case TD_JSON_OBJECT:
    case TD_JSON_ARRAY:
        return skip_rest(json);
    case TD_JSON_STRING:
        if (!json->escaped) *out = json->text; /* the venue escapes nothing: with an escape it is no field of ours */
        return true;
    case TD_JSON_NUMBER:
        *out = json->text;
        return true;
    default:
        return *out_type != TD_JSON_ERROR;
    }
}

static bool read_fields(td_json *json, bool outermost, message *out);

static bool read_member(td_json *json, td_bytes key, bool outermost, message *out) {
    td_json_type type;
    field f = field_of(key);
    if (f != NO_FIELD) return read_value(json, &type, &out->fields[f]);
    if (td_bytes_equal(key, TD_TEXT("m"))) {
        td_bytes none;
        return read_value(json, &out->maker_buys, &none);
    }
    if (outermost && td_bytes_equal(key, TD_TEXT("stream"))) return read_value(json, &type, &out->stream);
    if (outermost && td_bytes_equal(key, TD_TEXT("data"))) {
        type = td_json_next(json);
        if (type == TD_JSON_OBJECT) return read_fields(json, false, out);
        return type == TD_JSON_ARRAY ? skip_rest(json) : type != TD_JSON_ERROR;
    }
    if (td_bytes_equal(key, TD_TEXT("lastUpdateId"))) out->book = true;
    return td_json_skip(json);
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
                : type == TD_JSON_ARRAY ? skip_rest(&json)
                                        : type != TD_JSON_ERROR;
    return good && td_json_next(&json) == TD_JSON_END;
}

/* ---- fields to events ---- */

static td_reason read_integer(td_bytes text, int64_t *out) {
    uint8_t flags = 0;
    td_reason reason = td_recorded_number(text, 0, out, &flags);
    return reason == TD_REASON_NONE && flags != 0 ? TD_REASON_MALFORMED : reason;
}

static td_reason read_time(td_bytes text, int64_t *out_ns) {
    int64_t t;
    td_reason reason = read_integer(text, &t);
    if (reason != TD_REASON_NONE) return reason;
    if (t <= 0) return TD_REASON_RANGE;
    bool overflow = __builtin_mul_overflow(t, t > micros_from ? TD_NS_PER_US : TD_NS_PER_MS, out_ns);
    return overflow ? TD_REASON_RANGE : TD_REASON_NONE;
}

static bool read_instrument(td_binance *b, td_bytes symbol, uint32_t *out) {
    if (b->symbol_size == 0 || !td_bytes_equal(symbol, (td_bytes){(const uint8_t *)b->symbol, b->symbol_size})) {
        if (symbol.size == 0 || !td_recorded_instrument(&b->file, symbol, &b->instrument)) return false;
        memcpy(b->symbol, symbol.data, symbol.size);
        b->symbol_size = symbol.size;
    }
    *out = b->instrument;
    return true;
}

static td_reason read_trade(const message *msg, td_event *e) {
    td_trade *trade = &e->trade;
    e->kind = TD_EVENT_TRADE;
    if (msg->maker_buys != TD_JSON_TRUE && msg->maker_buys != TD_JSON_FALSE) return TD_REASON_MALFORMED;
    *trade = (td_trade){.side = msg->maker_buys == TD_JSON_TRUE ? TD_SIDE_SELL : TD_SIDE_BUY};
    td_reason reason = read_integer(msg->fields[TRADE_ID], &trade->trade_id);
    if (reason == TD_REASON_NONE) reason = read_time(msg->fields[TIME], &e->event_ns);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_number(msg->fields[PRICE], TD_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_number(msg->fields[SIZE], TD_SIZE_SCALE, &trade->size, &e->flags);
    return reason;
}

static td_reason read_side(const td_bytes fields[2], int64_t *price, int64_t *size, uint8_t *flags) {
    td_reason reason = td_recorded_number(fields[0], TD_PRICE_SCALE, price, flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(fields[1], TD_SIZE_SCALE, size, flags);
    if (reason == TD_REASON_NONE && *price == 0 && *size == 0) *price = *size = TD_NONE; /* that side is missing */
    return reason;
}

/* Spot says no event time; futures do. e->event_ns holds the receive time. */
static td_reason read_quote(const message *msg, td_event *e) {
    td_quote *quote = &e->quote;
    e->kind = TD_EVENT_QUOTE;
    *quote = (td_quote){0};
    td_reason reason = read_integer(msg->fields[UPDATE], &quote->sequence);
    if (reason == TD_REASON_NONE && msg->fields[TIME].data == NULL)
        e->flags |= TD_FLAG_TIME_RECEIVE;
    else if (reason == TD_REASON_NONE)
        reason = read_time(msg->fields[TIME], &e->event_ns);
    if (reason == TD_REASON_NONE) reason = read_side(&msg->fields[BID], &quote->bid_price, &quote->bid_size, &e->flags);
    if (reason == TD_REASON_NONE) reason = read_side(&msg->fields[ASK], &quote->ask_price, &quote->ask_size, &e->flags);
    return reason;
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

static const char *ignored_kind(td_bytes type) {
    static const char *const kinds[] = {"aggTrade",       "kline",    "24hrTicker",
                                        "24hrMiniTicker", "avgPrice", "serverShutdown"};
    if (type.size >= 5 && memcmp(type.data, "depth", 5) == 0) return "depth"; /* depthUpdate, depth20, … */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (td_bytes_equal(type, td_text(kinds[i]))) return kinds[i];
    return "other";
}

static void put_event(td_recorded *out, td_reason reason) {
    out->kind = TD_ITEM_EVENT;
    if (reason == TD_REASON_MALFORMED)
        td_recorded_reject(out, reason, "a field is missing or not of its kind");
    else if (reason != TD_REASON_NONE)
        td_recorded_reject(out, reason, "a number too large, or too small to be told from 0");
}

static void decode_message(td_binance *b, const message *msg, td_recorded *out) {
    td_event *e = &out->event;
    td_bytes type = message_type(msg);
    td_reason reason;
    if (td_bytes_equal(type, TD_TEXT("bookTicker"))) {
        reason = read_quote(msg, e);
    } else if (td_bytes_equal(type, TD_TEXT("trade"))) {
        reason = read_trade(msg, e);
    } else {
        out->kind = TD_ITEM_IGNORED;
        out->ignored = ignored_kind(type);
        return;
    }
    if (reason == TD_REASON_NONE && !read_instrument(b, msg->fields[SYMBOL], &e->instrument))
        reason = TD_REASON_MALFORMED;
    put_event(out, reason);
}

void td_binance_decode(td_binance *b, td_bytes json, int64_t receive_ns, td_recorded *out) {
    message msg = {0};
    if (!read_message(json, &msg)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "JSON is malformed or cut");
        return;
    }
    out->event = (td_event){.event_ns = receive_ns};
    decode_message(b, &msg, out);
    if (out->kind != TD_ITEM_REJECTED)
        out->clock_ns = receive_ns; /* of what is damaged not even the time is believed */
}

/* ---- the past, by REST ---- */

enum { HISTORY_ROWS = 1000 };

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
    } keys[] = {{{(const uint8_t *)"id", 2}, TRADE_ID},
                {{(const uint8_t *)"price", 5}, PRICE},
                {{(const uint8_t *)"qty", 3}, SIZE},
                {{(const uint8_t *)"time", 4}, TIME}};
    td_json json;
    td_json_init(&json, text);
    bool good = td_json_next(&json) == TD_JSON_OBJECT;
    while (good && td_json_next(&json) == TD_JSON_KEY) {
        td_bytes key = json.text, value = {0};
        td_json_type type;
        good = read_value(&json, &type, &value);
        if (td_bytes_equal(key, TD_TEXT("isBuyerMaker"))) out->maker_buys = type;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            if (td_bytes_equal(key, keys[i].key)) out->fields[keys[i].field] = value;
    }
    return good;
}

static void decode_past(td_bytes row, td_recorded *out) {
    message msg = {0};
    td_reason reason = read_past(row, &msg) ? read_trade(&msg, &out->event) : TD_REASON_MALFORMED;
    put_event(out, reason);
}

const td_history_ops td_binance_history = {
    .rows_max = HISTORY_ROWS, .put_path = put_history_path, .decode = decode_past};

/* ---- recordings ---- */

static void binance_decode(void *state, td_bytes line, td_recorded *out) {
    td_bytes json;
    int64_t receive_ns;
    if (!split_receive(line, &receive_ns, &json)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, "no receive time in front");
        return;
    }
    out->ns_of_day = receive_ns % TD_NS_PER_DAY;
    td_binance_decode(state, json, receive_ns, out);
    if (out->kind == TD_ITEM_EVENT) out->ns_of_day = out->event.event_ns % TD_NS_PER_DAY;
}

static td_status binance_begin(void *state, const td_recording_file *file, td_recording_begin *out) {
    td_binance *b = state;
    td_bytes json;
    *out = (td_recording_begin){0};
    b->file = *file;
    if (!split_receive(file->first_line, &out->start_ns, &json)) out->start_ns = 0;
    return TD_OK;
}

static td_status binance_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_recording_ops format = {sizeof(td_binance), binance_begin, binance_decode};
    return td_recording_open(out, os, conf, &format, instruments);
}

static const td_option binance_options[] = {TD_FEED_ROWS("BINANCE"), TD_RECORDING_ROWS, {0}};

const td_feed_ops td_feed_binance_collector = {.format = "binance-collector",
                                               .is_file = true,
                                               .venue = "BINANCE",
                                               .options = binance_options,
                                               .open = binance_open,
                                               .next = td_recording_next,
                                               .file = td_recording_file_of,
                                               .close = td_recording_close};
