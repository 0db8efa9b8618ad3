/* src/schema/record_event.c - records of the tape, one for each kind of event. The hot path of
 * replay and ingest. */
#include "schema/record_codec.h"

enum {
    PASS_TEXT_MAX = 32, /* a rule's name with its length */
    ANEW_MAX = 3 * TD_AVRO_LONG_MAX + 2 * RECORD_OPTIONAL_MAX + TD_REASON_COUNT * PASS_TEXT_MAX,
    TICK_MAX = 5 * TD_AVRO_LONG_MAX + 5 * RECORD_OPTIONAL_MAX + 2 * (int)sizeof(td_code), /* without the feed */
    FEED_ORIGIN_BYTES = 4, /* origin `feed`, of nothing, no rule passed: all 0 */
};

/* What stands behind a tick's codes: of a feed's own nothing but zeros. */
static uint8_t *put_anew(uint8_t *p, const td_event *e) {
    uint32_t left = e->pass;
    p = td_avro_put_long(p, e->origin);
    p = record_put_optional_long(p, e->of_epoch);
    p = record_put_optional_long(p, e->of_offset);
    if (left != 0) p = td_avro_put_long(p, __builtin_popcount(left));
    for (; left != 0; left &= left - 1)
        p = td_avro_put_bytes(p, td_text(td_reason_name((td_reason)__builtin_ctz(left))));
    return td_avro_put_long(p, 0);
}

static inline uint8_t *put_origin(uint8_t *p, const td_event *e) {
    if (e->origin != TD_ORIGIN_FEED) return put_anew(p, e);
    memset(p, 0, FEED_ORIGIN_BYTES);
    return p + FEED_ORIGIN_BYTES;
}

static bool get_pass(td_avro_reader *r, uint32_t *out) {
    uint8_t count, end = 0;
    if (!record_get_small(r, TD_REASON_COUNT, &count)) return false;
    for (uint8_t i = 0; i < count; i++) {
        td_bytes name;
        td_reason reason;
        if (!td_avro_get_bytes(r, &name) || !td_reason_parse(name, &reason)) return false;
        *out |= UINT32_C(1) << reason;
    }
    return count == 0 || record_get_small(r, 0, &end);
}

static bool get_anew(td_avro_reader *r, td_event *out) {
    return record_get_small(r, TD_ORIGIN_BACKFILL, &out->origin) && record_get_optional_long(r, &out->of_epoch) &&
           record_get_optional_long(r, &out->of_offset) && get_pass(r, &out->pass) && r->at == r->end;
}

typedef enum extent { /* how much of a tick is there, and wanted */
                      NUMBERS,
                      WHOLE,
                      WHOLE_BEFORE, /* of the version before: it ends behind the codes */
} extent;

/* Codes and origin, which stand last; neither is wanted for most ticks. */
TD_AVRO_INLINE bool get_rest(td_avro_reader *r, extent how, td_code *exchange, td_code *condition, td_event *out) {
    if (how == NUMBERS && (out->flags & TD_FLAG_ANEW) == 0) return true;
    if (!record_get_code(r, exchange) || !record_get_code(r, condition)) return false;
    return how == WHOLE_BEFORE ? r->at == r->end : get_anew(r, out);
}

static inline int64_t flags_of(const td_event *e) {
    return e->flags | (e->origin != TD_ORIGIN_FEED ? TD_FLAG_ANEW : 0);
}

static void put_trade(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_trade *t = &e->trade;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_TRADE, TICK_MAX + ANEW_MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_decimal64(p, t->price);
    p = td_avro_put_decimal64(p, t->size);
    p = record_put_optional_long(p, t->trade_id);
    p = td_avro_put_long(p, t->side);
    p = td_avro_put_long(p, flags_of(e));
    p = td_avro_put_bytes(p, feed);
    p = record_put_code(p, &t->exchange);
    p = record_put_code(p, &t->condition);
    p = put_origin(p, e);
    record_end(buf, p);
}

TD_AVRO_INLINE bool get_trade(td_bytes value, extent how, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_trade *t = &out->trade;
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           td_avro_get_decimal64(&r, &t->price) && td_avro_get_decimal64(&r, &t->size) &&
           record_get_optional_long(&r, &t->trade_id) && record_get_small(&r, TD_SIDE_SELL, &t->side) &&
           record_get_small(&r, UINT8_MAX, &out->flags) && td_avro_get_bytes(&r, out_feed) &&
           get_rest(&r, how, &t->exchange, &t->condition, out);
}

static void put_quote(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_quote *q = &e->quote;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_QUOTE, TICK_MAX + ANEW_MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = record_put_optional_decimal(p, q->bid_price);
    p = record_put_optional_decimal(p, q->bid_size);
    p = record_put_optional_decimal(p, q->ask_price);
    p = record_put_optional_decimal(p, q->ask_size);
    p = record_put_optional_long(p, q->sequence);
    p = td_avro_put_long(p, flags_of(e));
    p = td_avro_put_bytes(p, feed);
    p = record_put_code(p, &q->exchange);
    p = record_put_code(p, &q->condition);
    p = put_origin(p, e);
    record_end(buf, p);
}

TD_AVRO_INLINE bool get_quote(td_bytes value, extent how, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_quote *q = &out->quote;
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           record_get_optional_decimal(&r, &q->bid_price) && record_get_optional_decimal(&r, &q->bid_size) &&
           record_get_optional_decimal(&r, &q->ask_price) && record_get_optional_decimal(&r, &q->ask_size) &&
           record_get_optional_long(&r, &q->sequence) && record_get_small(&r, UINT8_MAX, &out->flags) &&
           td_avro_get_bytes(&r, out_feed) && get_rest(&r, how, &q->exchange, &q->condition, out);
}

static void put_price(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_PRICE, TICK_MAX + ANEW_MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_decimal64(p, e->price.price);
    p = td_avro_put_long(p, flags_of(e));
    p = td_avro_put_bytes(p, feed);
    p = put_origin(p, e);
    record_end(buf, p);
}

static bool get_price(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           td_avro_get_decimal64(&r, &out->price.price) && record_get_small(&r, UINT8_MAX, &out->flags) &&
           td_avro_get_bytes(&r, out_feed) && get_anew(&r, out);
}

static void put_news(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_news *n = &e->news;
    size_t texts = n->headline.size + n->source.size + n->url.size + n->id.size + feed.size;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_NEWS, TICK_MAX + ANEW_MAX + 4 * TD_AVRO_LONG_MAX + texts);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_bytes(p, n->headline);
    p = td_avro_put_bytes(p, n->source);
    p = td_avro_put_bytes(p, n->url);
    p = td_avro_put_bytes(p, n->id);
    p = record_put_optional_double(p, n->sentiment);
    p = td_avro_put_long(p, flags_of(e));
    p = td_avro_put_bytes(p, feed);
    p = put_origin(p, e);
    record_end(buf, p);
}

static bool get_news(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_news *n = &out->news;
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           td_avro_get_bytes(&r, &n->headline) && td_avro_get_bytes(&r, &n->source) && td_avro_get_bytes(&r, &n->url) &&
           td_avro_get_bytes(&r, &n->id) && record_get_optional_double(&r, &n->sentiment) &&
           record_get_small(&r, UINT8_MAX, &out->flags) && td_avro_get_bytes(&r, out_feed) && get_anew(&r, out);
}

static void put_time(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_TIME, RECORD_OPTIONAL_MAX + 3 * (size_t)TD_AVRO_LONG_MAX + feed.size);
    p = record_put_optional_long(p, e->time.bound_ns);
    p = td_avro_put_long(p, e->time.clock_ns);
    p = td_avro_put_long(p, e->time.session);
    p = td_avro_put_bytes(p, feed);
    record_end(buf, p);
}

static bool get_time(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_time_mark *t = &out->time;
    bool ok = record_get_optional_long(&r, &t->bound_ns) && td_avro_get_long(&r, &t->clock_ns) &&
              record_get_small(&r, TD_SESSION_ENDED, &t->session) && td_avro_get_bytes(&r, out_feed) && r.at == r.end;
    if (ok) out->event_ns = out->receive_ns = t->clock_ns;
    return ok;
}

static void put_program(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    (void)feed; /* it is every feed's */
    const td_program_mark *mark = &e->program;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_PROGRAM, sizeof mark->sha256 + RECORD_OPTIONAL_MAX);
    memcpy(p, mark->sha256, sizeof mark->sha256);
    record_end(buf, record_put_optional_long(p + sizeof mark->sha256, mark->warm_from));
}

/* The version before ends behind the hash. */
static bool get_program_before(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_program_mark *mark = &out->program;
    if (r.end - r.at != sizeof mark->sha256) return false;
    memcpy(mark->sha256, r.at, sizeof mark->sha256);
    mark->warm_from = TD_NONE;
    out->event_ns = out->receive_ns = 0;
    *out_feed = (td_bytes){0};
    return true;
}

static bool get_program(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    enum { HASH_BYTES = sizeof out->program.sha256 };
    if (r.end - r.at < HASH_BYTES) return false;
    td_bytes before = {value.data, value.size - (size_t)(r.end - r.at - HASH_BYTES)};
    r.at += HASH_BYTES;
    return get_program_before(before, out, out_feed) && record_get_optional_long(&r, &out->program.warm_from) &&
           r.at == r.end;
}

static void put_filled(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_FILLED, 5 * (size_t)TD_AVRO_LONG_MAX + feed.size);
    p = td_avro_put_long(p, e->filled.gap);
    p = td_avro_put_long(p, e->filled.extent);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_bytes(p, feed);
    p = td_avro_put_long(p, e->flags);
    record_end(buf, p);
}

/* Flags stand last; records of the version before have none. */
static bool get_young_flags(td_avro_reader *r, extent how, td_event *out) {
    return (how == WHOLE_BEFORE || record_get_small(r, UINT8_MAX, &out->flags)) && r->at == r->end;
}

static bool get_filled_as(td_bytes value, extent how, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    bool ok = td_avro_get_long(&r, &out->filled.gap) && record_get_small(&r, TD_FILL_NONE, &out->filled.extent) &&
              td_avro_get_long(&r, &out->receive_ns) && td_avro_get_bytes(&r, out_feed) &&
              get_young_flags(&r, how, out);
    if (ok) out->event_ns = out->receive_ns;
    return ok;
}

static bool get_filled(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_filled_as(value, WHOLE, out, out_feed);
}

static bool get_filled_before(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_filled_as(value, WHOLE_BEFORE, out, out_feed);
}

static void put_corporate(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_corporate *c = &e->corporate;
    size_t texts = feed.size + c->symbol.size + c->source.size;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_CORPORATE, 13 * (size_t)TD_AVRO_LONG_MAX + sizeof(td_code) + texts);
    p = td_avro_put_long(p, c->kind);
    p = td_avro_put_long(p, c->ex_day);
    p = td_avro_put_long(p, c->numerator);
    p = td_avro_put_long(p, c->denominator);
    p = td_avro_put_decimal64(p, c->amount);
    p = record_put_code(p, &c->currency);
    p = td_avro_put_bytes(p, c->symbol);
    p = td_avro_put_bytes(p, c->source);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_bytes(p, feed);
    p = td_avro_put_long(p, e->flags);
    record_end(buf, p);
}

static bool get_side(td_avro_reader *r, uint32_t *out) {
    int64_t v;
    if (!td_avro_get_count(r, &v) || v > UINT32_MAX) return false;
    *out = (uint32_t)v;
    return true;
}

static bool get_corporate_as(td_bytes value, extent how, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_corporate *c = &out->corporate;
    int64_t day;
    bool ok = record_get_small(&r, TD_CORPORATE_KIND_COUNT - 1, &c->kind) && td_avro_get_long(&r, &day) &&
              day >= INT32_MIN && day <= INT32_MAX && get_side(&r, &c->numerator) && get_side(&r, &c->denominator) &&
              td_avro_get_decimal64(&r, &c->amount) && record_get_code(&r, &c->currency) &&
              td_avro_get_bytes(&r, &c->symbol) && td_avro_get_bytes(&r, &c->source) &&
              td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
              td_avro_get_bytes(&r, out_feed) && get_young_flags(&r, how, out);
    if (ok) c->ex_day = (int32_t)day;
    return ok;
}

static bool get_corporate(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_corporate_as(value, WHOLE, out, out_feed);
}

static bool get_corporate_before(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_corporate_as(value, WHOLE_BEFORE, out, out_feed);
}

static bool get_flag(td_avro_reader *r, bool *out) {
    if (r->at == r->end || *r->at > 1) return false;
    *out = *r->at++ == 1;
    return true;
}

static void put_vendor_bar(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_vendor_bar *b = &e->vendor_bar;
    enum { MAX = 7 * TD_AVRO_LONG_MAX + 4 * TD_AVRO_DECIMAL64_MAX + 2 * RECORD_OPTIONAL_MAX + 1 };
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_VENDOR_BAR, MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_long(p, b->start_ns);
    p = td_avro_put_long(p, b->width_ns);
    p = td_avro_put_decimal64(p, b->open);
    p = td_avro_put_decimal64(p, b->high);
    p = td_avro_put_decimal64(p, b->low);
    p = td_avro_put_decimal64(p, b->close);
    p = record_put_optional_decimal(p, b->volume);
    *p++ = b->adjusted;
    p = td_avro_put_long(p, e->flags);
    p = td_avro_put_bytes(p, feed);
    p = td_avro_put_long(p, e->origin);
    p = record_put_optional_long(p, e->origin == TD_ORIGIN_BACKFILL ? e->of_epoch : TD_NONE);
    record_end(buf, p);
}

static bool get_vendor_bar_as(td_bytes value, extent how, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_vendor_bar *b = &out->vendor_bar;
    bool ok = td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
              td_avro_get_long(&r, &b->start_ns) && td_avro_get_long(&r, &b->width_ns) &&
              td_avro_get_decimal64(&r, &b->open) && td_avro_get_decimal64(&r, &b->high) &&
              td_avro_get_decimal64(&r, &b->low) && td_avro_get_decimal64(&r, &b->close) &&
              record_get_optional_decimal(&r, &b->volume) && get_flag(&r, &b->adjusted) &&
              record_get_small(&r, UINT8_MAX, &out->flags) && td_avro_get_bytes(&r, out_feed);
    if (how == WHOLE_BEFORE) return ok && r.at == r.end;
    return ok && record_get_small(&r, TD_ORIGIN_BACKFILL, &out->origin) &&
           record_get_optional_long(&r, &out->of_epoch) && r.at == r.end;
}

static bool get_vendor_bar(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_vendor_bar_as(value, WHOLE, out, out_feed);
}

static bool get_vendor_bar_before(td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_vendor_bar_as(value, WHOLE_BEFORE, out, out_feed);
}

/* ---- books ---- */

enum {
    LEVEL_MAX = 1 + 2 * TD_AVRO_DECIMAL64_MAX,
    BOOK_MAX = 5 * TD_AVRO_LONG_MAX + 2 * RECORD_OPTIONAL_MAX + 2, /* without feed and levels */
};

static void put_book(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_book *b = &e->book;
    assert(b->level_count <= TD_BOOK_LEVELS_MAX);
    size_t levels_max = (size_t)b->level_count * LEVEL_MAX + TD_AVRO_LONG_MAX;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_BOOK, BOOK_MAX + feed.size + levels_max);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = record_put_optional_long(p, b->first_sequence);
    p = record_put_optional_long(p, b->last_sequence);
    *p++ = b->snapshot;
    *p++ = b->more;
    p = td_avro_put_long(p, e->flags);
    p = td_avro_put_bytes(p, feed);
    if (b->level_count > 0) p = td_avro_put_long(p, b->level_count); /* an array: one block, */
    for (size_t i = 0; i < b->level_count; i++) {
        p = td_avro_put_long(p, b->levels[i].side);
        p = td_avro_put_decimal64(p, b->levels[i].price);
        p = td_avro_put_decimal64(p, b->levels[i].size);
    }
    record_end(buf, td_avro_put_long(p, 0)); /* and its end */
}

static bool get_book_head(td_avro_reader *r, td_event *out, td_bytes *out_feed) {
    td_book *b = &out->book;
    return td_avro_get_long(r, &out->event_ns) && td_avro_get_long(r, &out->receive_ns) &&
           record_get_optional_long(r, &b->first_sequence) && record_get_optional_long(r, &b->last_sequence) &&
           get_flag(r, &b->snapshot) && get_flag(r, &b->more) && record_get_small(r, UINT8_MAX, &out->flags) &&
           td_avro_get_bytes(r, out_feed);
}

static bool get_levels(td_avro_reader *r, td_book_level out[TD_BOOK_LEVELS_MAX], uint16_t *out_count) {
    int64_t count, end = 0;
    if (!td_avro_get_count(r, &count) || count > TD_BOOK_LEVELS_MAX) return false;
    for (int64_t i = 0; i < count; i++) {
        td_book_level *l = &out[i];
        if (!record_get_small(r, TD_BOOK_ASK, &l->side) || !td_avro_get_decimal64(r, &l->price) ||
            !td_avro_get_decimal64(r, &l->size))
            return false;
    }
    *out_count = (uint16_t)count;
    return count == 0 || (td_avro_get_count(r, &end) && end == 0);
}

static bool get_book(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_book_level levels[TD_BOOK_LEVELS_MAX]; /* are asked for by themselves, but what is read is whole */
    out->book.levels = NULL;
    return get_book_head(&r, out, out_feed) && get_levels(&r, levels, &out->book.level_count) && r.at == r.end;
}

size_t td_record_get_levels(td_bytes value, td_book_level out[TD_BOOK_LEVELS_MAX]) {
    td_avro_reader r = record_body(value);
    td_event event;
    td_bytes feed;
    bool good = get_book_head(&r, &event, &feed) && get_levels(&r, out, &event.book.level_count);
    assert(good);
    return event.book.level_count;
}

/* ---- all of them ---- */

void td_record_put_event(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *event) {
    static void (*const rarer[])(td_buf *, const td_schema_ids *, td_bytes, const td_event *) = {
        [TD_EVENT_TIME] = put_time,
        [TD_EVENT_PROGRAM] = put_program,
        [TD_EVENT_FILLED] = put_filled,
        [TD_EVENT_PRICE] = put_price,
        [TD_EVENT_CORPORATE] = put_corporate,
        [TD_EVENT_BOOK] = put_book,
        [TD_EVENT_VENDOR_BAR] = put_vendor_bar,
        [TD_EVENT_NEWS] = put_news,
    };
    assert(event->kind >= TD_EVENT_TRADE && event->kind <= TD_EVENT_NEWS);
    if (event->kind == TD_EVENT_TRADE)
        put_trade(buf, ids, feed, event);
    else if (event->kind == TD_EVENT_QUOTE)
        put_quote(buf, ids, feed, event);
    else
        rarer[event->kind](buf, ids, feed, event);
}

int td_record_schema(const td_schema_ids *ids, td_bytes value) {
    int schema = record_version(ids, value);
    return schema < 0 ? schema : schema % TD_SCHEMA_BEFORE;
}

/* What is no trade and no quote. */
static __attribute__((noinline)) bool get_rarer(int version, td_bytes value, td_event *out, td_bytes *out_feed) {
    typedef bool (*get_fn)(td_bytes value, td_event * out, td_bytes * out_feed);
    static const struct {
        td_event_kind kind;
        get_fn get, get_before; /* of the version before: NULL where there was none */
    } rows[TD_SCHEMA_COUNT] = {
        [TD_SCHEMA_TIME] = {TD_EVENT_TIME, get_time, NULL},
        [TD_SCHEMA_PROGRAM] = {TD_EVENT_PROGRAM, get_program, get_program_before},
        [TD_SCHEMA_FILLED] = {TD_EVENT_FILLED, get_filled, get_filled_before},
        [TD_SCHEMA_CORPORATE] = {TD_EVENT_CORPORATE, get_corporate, get_corporate_before},
        [TD_SCHEMA_BOOK] = {TD_EVENT_BOOK, get_book, NULL},
        [TD_SCHEMA_PRICE] = {TD_EVENT_PRICE, get_price, NULL},
        [TD_SCHEMA_VENDOR_BAR] = {TD_EVENT_VENDOR_BAR, get_vendor_bar, get_vendor_bar_before},
        [TD_SCHEMA_NEWS] = {TD_EVENT_NEWS, get_news, NULL},
    };
    if (version < 0) return false;
    int schema = version % TD_SCHEMA_BEFORE, before = version / TD_SCHEMA_BEFORE;
    get_fn get = before == 0 ? rows[schema].get : before == 1 ? rows[schema].get_before : NULL;
    if (get == NULL) return false;
    out->kind = (uint8_t)rows[schema].kind;
    return get(value, out, out_feed);
}

/* `how` is NUMBERS or WHOLE. */
TD_AVRO_INLINE td_status get_event(const td_schema_ids *ids, td_bytes value, extent how, td_event *out,
                                   td_bytes *out_feed) {
    out->feed = out->instrument = 0;
    out->flags = out->origin = 0;
    out->pass = 0;
    bool ok = false;
    int version = record_version(ids, value);
    switch (version) {
    case TD_SCHEMA_TRADE:
        out->kind = TD_EVENT_TRADE;
        ok = get_trade(value, how, out, out_feed);
        break;
    case TD_SCHEMA_TRADE + TD_SCHEMA_BEFORE:
        out->kind = TD_EVENT_TRADE;
        ok = get_trade(value, WHOLE_BEFORE, out, out_feed);
        break;
    case TD_SCHEMA_QUOTE:
        out->kind = TD_EVENT_QUOTE;
        ok = get_quote(value, how, out, out_feed);
        break;
    case TD_SCHEMA_QUOTE + TD_SCHEMA_BEFORE:
        out->kind = TD_EVENT_QUOTE;
        ok = get_quote(value, WHOLE_BEFORE, out, out_feed);
        break;
    default:
        ok = get_rarer(version, value, out, out_feed);
        break;
    }
    return ok ? TD_OK : TD_CORRUPT;
}

td_status td_record_get_event(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_event(ids, value, WHOLE, out, out_feed);
}

td_status td_record_get_event_numbers(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_event(ids, value, NUMBERS, out, out_feed);
}
