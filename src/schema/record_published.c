/* src/schema/record_published.c - what was accepted, as records for everybody: the trades, quotes and news of the tape
 * without what only the tape needs. Flat as the other outputs (record_output.c). The hot path of who publishes. */
#include "schema/record_codec.h"

enum {
    HEAD_MAX = 5 * TD_AVRO_LONG_MAX, /* feed, instrument and the three times, without the two texts */
    TAIL_MAX = TD_AVRO_LONG_MAX + RECORD_WORD_MAX,
    CODES_MAX = 2 * (int)sizeof(td_code),
    TRADE_MAX = 2 * TD_AVRO_DECIMAL64_MAX + RECORD_OPTIONAL_MAX + RECORD_WORD_MAX + CODES_MAX,
    QUOTE_MAX = 5 * RECORD_OPTIONAL_MAX + CODES_MAX,
    NEWS_MAX = 4 * TD_AVRO_LONG_MAX + RECORD_OPTIONAL_MAX,                   /* without its texts */
    OWN_FLAGS = TD_FLAG_INEXACT | TD_FLAG_TIME_RECEIVE | TD_FLAG_SUSPICIOUS, /* the others are the tape's business */
};

static const char *origin_word(unsigned i) { return td_event_origin_name((td_event_origin)i); }

static inline uint8_t *put_head(uint8_t *p, td_bytes feed, td_bytes instrument, const td_event *e) {
    p = td_avro_put_bytes(p, feed);
    p = td_avro_put_bytes(p, instrument);
    p = record_put_times(p, e->event_ns);
    return td_avro_put_long(p, e->receive_ns);
}

static inline uint8_t *put_tail(uint8_t *p, const td_event *e) {
    p = td_avro_put_long(p, e->flags & OWN_FLAGS);
    return record_put_word(p, origin_word(e->origin));
}

static uint8_t *put_trade(uint8_t *p, const td_event *e) {
    const td_trade *t = &e->trade;
    p = td_avro_put_decimal64(p, t->price);
    p = td_avro_put_decimal64(p, t->size);
    p = record_put_optional_long(p, t->trade_id);
    p = record_put_word(p, record_side_word(t->side));
    p = record_put_code(p, &t->exchange);
    return record_put_code(p, &t->condition);
}

static uint8_t *put_quote(uint8_t *p, const td_event *e) {
    const td_quote *q = &e->quote;
    p = record_put_optional_decimal(p, q->bid_price);
    p = record_put_optional_decimal(p, q->bid_size);
    p = record_put_optional_decimal(p, q->ask_price);
    p = record_put_optional_decimal(p, q->ask_size);
    p = record_put_optional_long(p, q->sequence);
    p = record_put_code(p, &q->exchange);
    return record_put_code(p, &q->condition);
}

static uint8_t *put_news(uint8_t *p, const td_event *e) {
    const td_news *n = &e->news;
    p = td_avro_put_bytes(p, n->headline);
    p = td_avro_put_bytes(p, n->source);
    p = td_avro_put_bytes(p, n->url);
    p = td_avro_put_bytes(p, n->id);
    return record_put_optional_double(p, n->sentiment);
}

static size_t news_texts(const td_news *n) { return n->headline.size + n->source.size + n->url.size + n->id.size; }

bool td_record_is_published(uint8_t event_kind) {
    return event_kind == TD_EVENT_TRADE || event_kind == TD_EVENT_QUOTE || event_kind == TD_EVENT_NEWS;
}

void td_record_put_published(td_buf *buf, const td_schema_ids *ids, td_bytes feed, td_bytes instrument,
                             const td_event *e) {
    uint8_t *(*put)(uint8_t *, const td_event *) = put_trade;
    td_schema schema = TD_SCHEMA_PUBLISHED_TRADE;
    size_t max = TRADE_MAX;
    assert(td_record_is_published(e->kind));
    if (e->kind == TD_EVENT_QUOTE) {
        put = put_quote;
        schema = TD_SCHEMA_PUBLISHED_QUOTE;
        max = QUOTE_MAX;
    } else if (e->kind == TD_EVENT_NEWS) {
        put = put_news;
        schema = TD_SCHEMA_PUBLISHED_NEWS;
        max = NEWS_MAX + news_texts(&e->news);
    }
    uint8_t *p = record_begin(buf, ids, schema, HEAD_MAX + feed.size + instrument.size + max + TAIL_MAX);
    p = put_head(p, feed, instrument, e);
    p = put(p, e);
    record_end(buf, put_tail(p, e));
}

static bool get_trade(td_avro_reader *r, td_event *out) {
    td_trade *t = &out->trade;
    out->kind = TD_EVENT_TRADE;
    return td_avro_get_decimal64(r, &t->price) && td_avro_get_decimal64(r, &t->size) &&
           record_get_optional_long(r, &t->trade_id) &&
           record_get_word(r, record_side_word, TD_SIDE_SELL + 1, &t->side) && record_get_code(r, &t->exchange) &&
           record_get_code(r, &t->condition);
}

static bool get_quote(td_avro_reader *r, td_event *out) {
    td_quote *q = &out->quote;
    out->kind = TD_EVENT_QUOTE;
    return record_get_optional_decimal(r, &q->bid_price) && record_get_optional_decimal(r, &q->bid_size) &&
           record_get_optional_decimal(r, &q->ask_price) && record_get_optional_decimal(r, &q->ask_size) &&
           record_get_optional_long(r, &q->sequence) && record_get_code(r, &q->exchange) &&
           record_get_code(r, &q->condition);
}

static bool get_news(td_avro_reader *r, td_event *out) {
    td_news *n = &out->news;
    out->kind = TD_EVENT_NEWS;
    return td_avro_get_bytes(r, &n->headline) && td_avro_get_bytes(r, &n->source) && td_avro_get_bytes(r, &n->url) &&
           td_avro_get_bytes(r, &n->id) && record_get_optional_double(r, &n->sentiment);
}

static bool get_body(td_avro_reader *r, int schema, td_event *out) {
    if (schema == TD_SCHEMA_PUBLISHED_TRADE) return get_trade(r, out);
    if (schema == TD_SCHEMA_PUBLISHED_QUOTE) return get_quote(r, out);
    return schema == TD_SCHEMA_PUBLISHED_NEWS && get_news(r, out);
}

td_status td_record_get_published(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed,
                                  td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    *out = (td_event){0};
    bool ok = td_avro_get_bytes(&r, out_feed) && td_avro_get_bytes(&r, out_instrument) &&
              record_get_times(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
              get_body(&r, record_version(ids, value), out) && record_get_small(&r, OWN_FLAGS, &out->flags) &&
              record_get_word(&r, origin_word, TD_ORIGIN_BACKFILL + 1, &out->origin) && r.at == r.end;
    return ok ? TD_OK : TD_CORRUPT;
}
