/* src/schema/record_event.c - records of the tape: trade, quote, time, program. The hot path of replay and ingest. */
#include "schema/record_codec.h"

enum { TICK_MAX = 5 * TD_AVRO_LONG_MAX + 5 * RECORD_OPTIONAL_MAX + 2 * (int)sizeof(td_code) }; /* without the feed */

static void put_trade(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_trade *t = &e->trade;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_TRADE, TICK_MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_decimal64(p, t->price);
    p = td_avro_put_decimal64(p, t->size);
    p = record_put_optional_long(p, t->trade_id);
    p = td_avro_put_long(p, t->side);
    p = td_avro_put_long(p, e->flags);
    p = td_avro_put_bytes(p, feed);
    p = record_put_code(p, &t->exchange);
    p = record_put_code(p, &t->condition);
    record_end(buf, p);
}

/* With `codes` false the exchange and the condition, which stand last, are left unread. */
TD_AVRO_INLINE bool get_trade(td_bytes value, bool codes, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_trade *t = &out->trade;
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           td_avro_get_decimal64(&r, &t->price) && td_avro_get_decimal64(&r, &t->size) &&
           record_get_optional_long(&r, &t->trade_id) && record_get_small(&r, TD_SIDE_SELL, &t->side) &&
           record_get_small(&r, UINT8_MAX, &out->flags) && td_avro_get_bytes(&r, out_feed) &&
           (!codes || (record_get_code(&r, &t->exchange) && record_get_code(&r, &t->condition) && r.at == r.end));
}

static void put_quote(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *e) {
    const td_quote *q = &e->quote;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_QUOTE, TICK_MAX + feed.size);
    p = td_avro_put_long(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = record_put_optional_decimal(p, q->bid_price);
    p = record_put_optional_decimal(p, q->bid_size);
    p = record_put_optional_decimal(p, q->ask_price);
    p = record_put_optional_decimal(p, q->ask_size);
    p = record_put_optional_long(p, q->sequence);
    p = td_avro_put_long(p, e->flags);
    p = td_avro_put_bytes(p, feed);
    p = record_put_code(p, &q->exchange);
    p = record_put_code(p, &q->condition);
    record_end(buf, p);
}

TD_AVRO_INLINE bool get_quote(td_bytes value, bool codes, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    td_quote *q = &out->quote;
    return td_avro_get_long(&r, &out->event_ns) && td_avro_get_long(&r, &out->receive_ns) &&
           record_get_optional_decimal(&r, &q->bid_price) && record_get_optional_decimal(&r, &q->bid_size) &&
           record_get_optional_decimal(&r, &q->ask_price) && record_get_optional_decimal(&r, &q->ask_size) &&
           record_get_optional_long(&r, &q->sequence) && record_get_small(&r, UINT8_MAX, &out->flags) &&
           td_avro_get_bytes(&r, out_feed) &&
           (!codes || (record_get_code(&r, &q->exchange) && record_get_code(&r, &q->condition) && r.at == r.end));
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

static void put_program(td_buf *buf, const td_schema_ids *ids, const td_event *e) {
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_PROGRAM, sizeof e->program_sha256);
    memcpy(p, e->program_sha256, sizeof e->program_sha256);
    record_end(buf, p + sizeof e->program_sha256);
}

static bool get_program(td_bytes value, td_event *out, td_bytes *out_feed) {
    td_avro_reader r = record_body(value);
    if (r.end - r.at != sizeof out->program_sha256) return false;
    memcpy(out->program_sha256, r.at, sizeof out->program_sha256);
    out->event_ns = out->receive_ns = 0;
    *out_feed = (td_bytes){0};
    return true;
}

void td_record_put_event(td_buf *buf, const td_schema_ids *ids, td_bytes feed, const td_event *event) {
    assert(event->kind >= TD_EVENT_TRADE && event->kind <= TD_EVENT_PROGRAM);
    switch ((td_event_kind)event->kind) {
    case TD_EVENT_TRADE:
        put_trade(buf, ids, feed, event);
        return;
    case TD_EVENT_QUOTE:
        put_quote(buf, ids, feed, event);
        return;
    case TD_EVENT_TIME:
        put_time(buf, ids, feed, event);
        return;
    case TD_EVENT_PROGRAM:
        put_program(buf, ids, event);
        return;
    }
}

static inline int schema_of(const td_schema_ids *ids, td_bytes value) {
    if (value.size < RECORD_FRAME_BYTES || value.data[0] != 0) return -1;
    uint32_t id = td_get_be32(value.data + 1);
    return id <= TD_SCHEMA_ID_MAX ? ids->schema[id] : -1;
}

int td_record_schema(const td_schema_ids *ids, td_bytes value) { return schema_of(ids, value); }

TD_AVRO_INLINE td_status get_event(const td_schema_ids *ids, td_bytes value, bool codes, td_event *out,
                                   td_bytes *out_feed) {
    out->feed = out->instrument = 0;
    out->flags = 0;
    bool ok = false;
    switch (schema_of(ids, value)) {
    case TD_SCHEMA_TRADE:
        out->kind = TD_EVENT_TRADE;
        ok = get_trade(value, codes, out, out_feed);
        break;
    case TD_SCHEMA_QUOTE:
        out->kind = TD_EVENT_QUOTE;
        ok = get_quote(value, codes, out, out_feed);
        break;
    case TD_SCHEMA_TIME:
        out->kind = TD_EVENT_TIME;
        ok = get_time(value, out, out_feed);
        break;
    case TD_SCHEMA_PROGRAM:
        out->kind = TD_EVENT_PROGRAM;
        ok = get_program(value, out, out_feed);
        break;
    default:
        break;
    }
    return ok ? TD_OK : TD_CORRUPT;
}

td_status td_record_get_event(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_event(ids, value, true, out, out_feed);
}

td_status td_record_get_event_numbers(const td_schema_ids *ids, td_bytes value, td_event *out, td_bytes *out_feed) {
    return get_event(ids, value, false, out, out_feed);
}
