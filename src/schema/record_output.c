/* src/schema/record_output.c - records of the published topics: bar, signal, fill, rejected, quarantined, gap. Each is
 * flat; what it says twice for readers' sake (milliseconds beside nanoseconds, the width beside its ends) must agree
 * when read. */
#include "schema/record_codec.h"
#include <math.h>

static const char *action_word(unsigned i) { return td_action_name((td_action)i); }
static const char *quality_word(unsigned i) { return td_quality_name((td_quality)i); }
static const char *evidence_word(unsigned i) { return td_evidence_name((td_evidence)i); }
static const char *gap_reason_word(unsigned i) { return td_gap_reason_name((td_gap_reason)i); }
static const char *gap_status_word(unsigned i) { return td_gap_status_name((td_gap_status)i); }
static const char *fill_side_word(unsigned i) { return td_fill_side_name((td_side)(TD_SIDE_BUY + i)); }
static const char *fill_kind_word(unsigned i) { return td_fill_kind_name((td_fill_kind)i); }
static const char *status_word(unsigned i) { return td_signal_status_name((td_signal_status)i); }
static const char *reason_word(unsigned i) { return td_reason_name((td_reason)i); }
static const uint8_t kinds[] = {TD_EVENT_TRADE, TD_EVENT_QUOTE, TD_EVENT_PRICE, TD_EVENT_NEWS};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
static const char *kind_word(unsigned i) { return td_event_kind_name((td_event_kind)kinds[i]); }

void td_record_put_bar(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_bar *bar) {
    enum { WORDS_MAX = 2 * RECORD_WORD_MAX + TD_AVRO_LONG_MAX + TD_WIDTH_TEXT_MAX };
    enum { MAX = 9 * TD_AVRO_LONG_MAX + 5 * TD_AVRO_DECIMAL64_MAX + 2 * TD_AVRO_DECIMAL_MAX + WORDS_MAX };
    char width[TD_WIDTH_TEXT_MAX];
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_BAR, MAX + instrument.size);
    p = td_avro_put_bytes(p, instrument);
    p = record_put_times(p, bar->end_ns);
    p = td_avro_put_long(p, bar->width_ns);
    p = td_avro_put_long(p, bar->start_ns);
    p = td_avro_put_long(p, bar->end_ns);
    p = td_avro_put_decimal64(p, bar->open);
    p = td_avro_put_decimal64(p, bar->high);
    p = td_avro_put_decimal64(p, bar->low);
    p = td_avro_put_decimal64(p, bar->close);
    p = td_avro_put_decimal64(p, bar->vwap);
    p = td_avro_put_decimal(p, bar->volume);
    p = td_avro_put_decimal(p, bar->notional);
    p = td_avro_put_long(p, bar->trade_count);
    p = td_avro_put_long(p, bar->revision);
    p = td_avro_put_long(p, bar->known_at_ns);
    p = record_put_word(p, quality_word(bar->quality));
    p = record_put_word(p, evidence_word(bar->evidence));
    p = td_avro_put_bytes(p, (td_bytes){(const uint8_t *)width, td_width_format(bar->width_ns, width)});
    record_end(buf, p);
}

static bool get_width(td_avro_reader *r, int64_t width_ns) {
    char told[TD_WIDTH_TEXT_MAX];
    td_bytes width;
    return td_avro_get_bytes(r, &width) &&
           td_bytes_equal(width, (td_bytes){(const uint8_t *)told, td_width_format(width_ns, told)});
}

/* Of a version before: it ends where the fields of the next one begin. */
static bool is_older(const td_schema_ids *ids, td_bytes value) { return record_age(ids, value) > 0; }

td_status td_record_get_bar(const td_schema_ids *ids, td_bytes value, td_bar *out, td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    int64_t event_ns, revision;
    *out = (td_bar){0};
    bool ok = td_avro_get_bytes(&r, out_instrument) && record_get_times(&r, &event_ns) &&
              td_avro_get_long(&r, &out->width_ns) && td_avro_get_long(&r, &out->start_ns) &&
              td_avro_get_long(&r, &out->end_ns) && event_ns == out->end_ns && td_avro_get_decimal64(&r, &out->open) &&
              td_avro_get_decimal64(&r, &out->high) && td_avro_get_decimal64(&r, &out->low) &&
              td_avro_get_decimal64(&r, &out->close) && td_avro_get_decimal64(&r, &out->vwap) &&
              td_avro_get_decimal(&r, &out->volume) && td_avro_get_decimal(&r, &out->notional) &&
              td_avro_get_long(&r, &out->trade_count) && td_avro_get_long(&r, &revision) && revision >= INT32_MIN &&
              revision <= INT32_MAX && td_avro_get_long(&r, &out->known_at_ns);
    if (ok) out->revision = (int32_t)revision;
    if (ok && record_age(ids, value) < 2)
        ok = record_get_word(&r, quality_word, TD_QUALITY_REPAIRED + 1, &out->quality) &&
             record_get_word(&r, evidence_word, TD_EVIDENCE_PROVEN + 1, &out->evidence);
    if (ok && record_age(ids, value) < 1) ok = get_width(&r, out->width_ns);
    return ok && r.at == r.end ? TD_OK : TD_CORRUPT;
}

void td_record_put_signal(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_signal *s) {
    enum { MAX = 11 * TD_AVRO_LONG_MAX + 2 * TD_AVRO_DECIMAL64_MAX + 2 * RECORD_WORD_MAX + TD_SIGNAL_ID_MAX };
    char id[TD_SIGNAL_ID_MAX + 1];
    size_t id_size = td_signal_id(s, instrument, id);
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_SIGNAL,
                              MAX + s->strategy.size + instrument.size + s->leg.size + s->note.size + s->reason.size +
                                  s->data.size);
    p = td_avro_put_bytes(p, (td_bytes){(const uint8_t *)id, id_size});
    p = td_avro_put_bytes(p, s->strategy);
    p = td_avro_put_bytes(p, td_signal_traded(s, instrument));
    p = record_put_times(p, s->event_ns);
    p = td_avro_put_long(p, s->width_ns);
    p = td_avro_put_long(p, s->ordinal);
    p = record_put_word(p, action_word(s->action));
    p = td_avro_put_decimal64(p, s->target);
    p = record_put_word(p, status_word(s->status));
    p = td_avro_put_decimal64(p, s->price);
    p = td_avro_put_long(p, s->known_at_ns);
    p = td_avro_put_bytes(p, s->note);
    p = td_avro_put_bytes(p, s->reason);
    p = td_avro_put_bytes(p, s->data);
    record_end(buf, p);
}

/* An id names the instrument that the strategy ran on; where that is not the one that is traded, this is a leg. Ids
 * that are none of ours name nothing. */
static void find_leg(td_bytes id, td_bytes strategy, td_bytes *instrument, td_bytes *leg) {
    size_t begin = strategy.size + 1, end = id.size;
    while (end > 0 && id.data[end - 1] != '/') end--; /* behind it is the time */
    if (end <= begin + 1) return;
    td_bytes ran_on = {id.data + begin, end - 1 - begin};
    if (td_bytes_equal(ran_on, *instrument) || id.data[begin - 1] != '/') return;
    *leg = *instrument;
    *instrument = ran_on;
}

td_status td_record_get_signal(const td_schema_ids *ids, td_bytes value, td_signal *out, td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    td_bytes id; /* follows from the rest, but for what is traded */
    int64_t ordinal;
    *out = (td_signal){0};
    bool ok = td_avro_get_bytes(&r, &id) && td_avro_get_bytes(&r, &out->strategy) &&
              td_avro_get_bytes(&r, out_instrument) && record_get_times(&r, &out->event_ns) &&
              td_avro_get_long(&r, &out->width_ns) && td_avro_get_long(&r, &ordinal) && ordinal >= 0 &&
              ordinal <= UINT32_MAX && record_get_word(&r, action_word, TD_ACTION_EMIT + 1, &out->action) &&
              td_avro_get_decimal64(&r, &out->target) &&
              record_get_word(&r, status_word, TD_SIGNAL_WITHHELD + 1, &out->status) &&
              td_avro_get_decimal64(&r, &out->price) && td_avro_get_long(&r, &out->known_at_ns) &&
              td_avro_get_bytes(&r, &out->note);
    if (ok && record_age(ids, value) < 2) ok = td_avro_get_bytes(&r, &out->reason);
    if (ok && record_age(ids, value) < 1) ok = td_avro_get_bytes(&r, &out->data);
    ok = ok && r.at == r.end;
    if (!ok) return TD_CORRUPT;
    out->ordinal = (uint32_t)ordinal;
    find_leg(id, out->strategy, out_instrument, &out->leg);
    return td_signal_has_id(out, *out_instrument) ? TD_OK : TD_CORRUPT;
}

void td_record_put_fill(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_fill *f) {
    enum { MAX = 6 * TD_AVRO_LONG_MAX + 2 * TD_AVRO_DECIMAL64_MAX + TD_AVRO_DECIMAL_MAX + 2 * RECORD_WORD_MAX };
    uint8_t *p =
        record_begin(buf, ids, TD_SCHEMA_FILL, MAX + f->signal.size + f->strategy.size + instrument.size + f->leg.size);
    p = td_avro_put_bytes(p, f->signal);
    p = td_avro_put_bytes(p, f->strategy);
    p = td_avro_put_bytes(p, td_fill_traded(f, instrument));
    p = record_put_times(p, f->event_ns);
    p = record_put_word(p, td_fill_side_name((td_side)f->side));
    p = td_avro_put_decimal(p, f->quantity);
    p = td_avro_put_decimal64(p, f->price);
    p = td_avro_put_decimal64(p, f->position);
    p = record_put_word(p, fill_kind_word(f->kind));
    p = td_avro_put_long(p, f->known_at_ns);
    record_end(buf, p);
}

td_status td_record_get_fill(td_bytes value, td_fill *out, td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    uint8_t side = 0;
    *out = (td_fill){0};
    bool ok = td_avro_get_bytes(&r, &out->signal) && td_avro_get_bytes(&r, &out->strategy) &&
              td_avro_get_bytes(&r, out_instrument) && record_get_times(&r, &out->event_ns) &&
              record_get_word(&r, fill_side_word, 2, &side) && td_avro_get_decimal(&r, &out->quantity) &&
              td_avro_get_decimal64(&r, &out->price) && td_avro_get_decimal64(&r, &out->position) &&
              record_get_word(&r, fill_kind_word, TD_FILL_KIND_COUNT, &out->kind) &&
              td_avro_get_long(&r, &out->known_at_ns) && r.at == r.end;
    out->side = (uint8_t)(TD_SIDE_BUY + side);
    if (ok) find_leg(out->signal, out->strategy, out_instrument, &out->leg);
    return ok ? TD_OK : TD_CORRUPT;
}

void td_record_put_member(td_buf *buf, const td_schema_ids *ids, const td_member *m) {
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_MEMBER, 4 * TD_AVRO_LONG_MAX + sizeof m->value + m->name_size);
    p = td_avro_put_bytes(p, (td_bytes){(const uint8_t *)m->name, m->name_size});
    p = td_avro_put_long(p, (int64_t)m->section);
    p = td_avro_put_long(p, m->end_ns);
    memcpy(p, &m->value, sizeof m->value); /* a double is its eight bytes, the least first */
    record_end(buf, p + sizeof m->value);
}

td_status td_record_get_member(const td_schema_ids *ids, td_bytes value, td_member *out) {
    td_avro_reader r = record_body(value);
    td_bytes name;
    int64_t section;
    *out = (td_member){0};
    bool ok = td_record_schema(ids, value) == TD_SCHEMA_MEMBER && td_avro_get_bytes(&r, &name) &&
              name.size <= sizeof out->name && td_avro_get_long(&r, &section) && td_avro_get_long(&r, &out->end_ns) &&
              r.end - r.at == (ptrdiff_t)sizeof out->value;
    if (!ok) return TD_CORRUPT;
    memcpy(&out->value, r.at, sizeof out->value);
    memcpy(out->name, name.data, name.size);
    out->name_size = (uint32_t)name.size;
    out->section = (uint64_t)section;
    bool mark = out->section == 0 && name.size == 0 && out->value == 1;
    bool one = out->section != 0 && td_instrument_name_valid(name) && isfinite(out->value);
    return mark || one ? TD_OK : TD_CORRUPT;
}

bool td_record_renew(td_buf *buf, const td_schema_ids *ids, td_bytes value) {
    td_bytes instrument;
    td_bar bar;
    td_signal signal;
    td_quarantined quarantined;
    int schema = td_record_schema(ids, value);
    if (schema < 0 || !is_older(ids, value)) return false;
    if (schema == TD_SCHEMA_BAR && td_record_get_bar(ids, value, &bar, &instrument) == TD_OK) {
        td_record_put_bar(buf, ids, instrument, &bar);
        return true;
    }
    if (schema == TD_SCHEMA_QUARANTINED && td_record_get_quarantined(ids, value, &quarantined, &instrument) == TD_OK) {
        td_record_put_quarantined(buf, ids, instrument, &quarantined);
        return true;
    }
    bool is_signal = schema == TD_SCHEMA_SIGNAL && td_record_get_signal(ids, value, &signal, &instrument) == TD_OK;
    if (is_signal) td_record_put_signal(buf, ids, instrument, &signal);
    return is_signal;
}

void td_record_put_rejected(td_buf *buf, const td_schema_ids *ids, const td_rejected *x) {
    enum { MAX = 7 * TD_AVRO_LONG_MAX + RECORD_WORD_MAX };
    size_t texts = x->feed.size + x->source.size + x->detail.size + x->bytes.size;
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_REJECTED, MAX + texts);
    p = td_avro_put_bytes(p, x->feed);
    p = td_avro_put_bytes(p, x->source);
    p = td_avro_put_long(p, x->position.file);
    p = td_avro_put_long(p, (int64_t)x->position.line);
    p = td_avro_put_long(p, x->receive_ns);
    p = record_put_word(p, reason_word(x->reason));
    p = td_avro_put_bytes(p, x->detail);
    p = td_avro_put_bytes(p, x->bytes);
    record_end(buf, p);
}

td_status td_record_get_rejected(td_bytes value, td_rejected *out) {
    td_avro_reader r = record_body(value);
    int64_t file, line;
    *out = (td_rejected){0};
    bool ok = td_avro_get_bytes(&r, &out->feed) && td_avro_get_bytes(&r, &out->source) && td_avro_get_long(&r, &file) &&
              file >= 0 && file <= UINT32_MAX && td_avro_get_long(&r, &line) && line >= 0 &&
              td_avro_get_long(&r, &out->receive_ns) &&
              record_get_word(&r, reason_word, TD_REASON_COUNT, &out->reason) && td_avro_get_bytes(&r, &out->detail) &&
              td_avro_get_bytes(&r, &out->bytes) && r.at == r.end;
    if (ok) out->position = (td_source_position){.file = (uint32_t)file, .line = (uint64_t)line};
    return ok ? TD_OK : TD_CORRUPT;
}

/* An Avro array: one block of all items (none when empty), then the empty block that ends it. */
static uint8_t *put_widths(uint8_t *p, const td_quarantined *q) {
    assert(q->missed_count <= TD_WIDTHS_MAX);
    if (q->missed_count > 0) p = td_avro_put_long(p, q->missed_count);
    for (unsigned i = 0; i < q->missed_count; i++) p = td_avro_put_long(p, q->missed_width_ns[i]);
    return td_avro_put_long(p, 0);
}

static bool get_widths(td_avro_reader *r, td_quarantined *out) {
    uint8_t end;
    if (!record_get_small(r, TD_WIDTHS_MAX, &out->missed_count)) return false;
    for (unsigned i = 0; i < out->missed_count; i++)
        if (!td_avro_get_long(r, &out->missed_width_ns[i])) return false;
    return out->missed_count == 0 || record_get_small(r, 0, &end);
}

static uint8_t *put_ticks(uint8_t *p, const td_event *e) {
    static const td_code none = {0};
    const td_trade *t = e->kind == TD_EVENT_TRADE ? &e->trade : NULL;
    const td_quote *q = e->kind == TD_EVENT_QUOTE ? &e->quote : NULL;
    int64_t price = t != NULL ? t->price : e->kind == TD_EVENT_PRICE ? e->price.price : TD_NONE;
    p = record_put_optional_decimal(p, price);
    p = record_put_optional_decimal(p, t != NULL ? t->size : TD_NONE);
    p = record_put_optional_long(p, t != NULL ? t->trade_id : TD_NONE);
    *p++ = t != NULL ? RECORD_PRESENT : RECORD_NULL;
    if (t != NULL) p = record_put_word(p, record_side_word(t->side));
    p = record_put_optional_decimal(p, q != NULL ? q->bid_price : TD_NONE);
    p = record_put_optional_decimal(p, q != NULL ? q->bid_size : TD_NONE);
    p = record_put_optional_decimal(p, q != NULL ? q->ask_price : TD_NONE);
    p = record_put_optional_decimal(p, q != NULL ? q->ask_size : TD_NONE);
    p = record_put_optional_long(p, q != NULL ? q->sequence : TD_NONE);
    p = record_put_code(p, t != NULL ? &t->exchange : q != NULL ? &q->exchange : &none);
    return record_put_code(p, t != NULL ? &t->condition : q != NULL ? &q->condition : &none);
}

/* All parts are read; which of them it is, `out->kind` says already. */
static bool get_ticks(td_avro_reader *r, td_event *out) {
    td_trade t = {0};
    td_quote q = {0};
    bool has_side;
    if (!record_get_optional_decimal(r, &t.price) || !record_get_optional_decimal(r, &t.size) ||
        !record_get_optional_long(r, &t.trade_id) || !record_get_branch(r, &has_side) ||
        has_side != (out->kind == TD_EVENT_TRADE) ||
        (has_side && !record_get_word(r, record_side_word, TD_SIDE_SELL + 1, &t.side)) ||
        !record_get_optional_decimal(r, &q.bid_price) || !record_get_optional_decimal(r, &q.bid_size) ||
        !record_get_optional_decimal(r, &q.ask_price) || !record_get_optional_decimal(r, &q.ask_size) ||
        !record_get_optional_long(r, &q.sequence) || !record_get_code(r, &q.exchange) ||
        !record_get_code(r, &q.condition))
        return false;
    t.exchange = q.exchange;
    t.condition = q.condition;
    if (out->kind == TD_EVENT_TRADE) out->trade = t;
    if (out->kind == TD_EVENT_QUOTE) out->quote = q;
    if (out->kind == TD_EVENT_PRICE) out->price.price = t.price;
    return true;
}

void td_record_put_quarantined(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_quarantined *q) {
    enum {
        LONGS = 9 + TD_WIDTHS_MAX, /* two lengths, two blocks, four times, flags; widths */
        MAX = LONGS * TD_AVRO_LONG_MAX + 8 * RECORD_OPTIONAL_MAX + 3 * RECORD_WORD_MAX + 1 + 2 * (int)sizeof(td_code),
    };
    const td_event *e = &q->event;
    assert(td_event_is_tick(e));
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_QUARANTINED, MAX + q->feed.size + instrument.size);
    p = td_avro_put_bytes(p, q->feed);
    p = td_avro_put_bytes(p, instrument);
    p = record_put_word(p, td_event_kind_name((td_event_kind)e->kind));
    p = record_put_word(p, reason_word(q->reason));
    p = put_widths(p, q);
    p = record_put_times(p, e->event_ns);
    p = td_avro_put_long(p, e->receive_ns);
    p = td_avro_put_long(p, q->known_at_ns);
    p = td_avro_put_long(p, e->flags);
    p = put_ticks(p, e);
    record_end(buf, p);
}

td_status td_record_get_quarantined(const td_schema_ids *ids, td_bytes value, td_quarantined *out,
                                    td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    td_event *e = &out->event;
    uint8_t kind = 0;
    *out = (td_quarantined){0};
    if (td_record_schema(ids, value) != TD_SCHEMA_QUARANTINED || !td_avro_get_bytes(&r, &out->feed) ||
        !td_avro_get_bytes(&r, out_instrument) || !record_get_word(&r, kind_word, KINDS, &kind) ||
        !record_get_word(&r, reason_word, TD_REASON_COUNT, &out->reason) || !get_widths(&r, out) ||
        !record_get_times(&r, &e->event_ns) || !td_avro_get_long(&r, &e->receive_ns) ||
        !td_avro_get_long(&r, &out->known_at_ns) || !record_get_small(&r, UINT8_MAX, &e->flags))
        return TD_CORRUPT;
    e->kind = kinds[kind];
    return get_ticks(&r, e) && r.at == r.end ? TD_OK : TD_CORRUPT;
}

void td_record_put_gap(td_buf *buf, const td_schema_ids *ids, td_bytes instrument, const td_gap *g) {
    enum { MAX = 7 * TD_AVRO_LONG_MAX + 4 * RECORD_OPTIONAL_MAX + 2 * RECORD_WORD_MAX };
    uint8_t *p = record_begin(buf, ids, TD_SCHEMA_GAP, MAX + g->feed.size + instrument.size);
    p = td_avro_put_bytes(p, g->feed);
    p = td_avro_put_bytes(p, instrument);
    p = td_avro_put_long(p, g->number);
    p = record_put_word(p, gap_status_word(g->status));
    p = record_put_word(p, gap_reason_word(g->reason));
    p = record_put_times(p, g->from_ns);
    p = record_put_optional_long(p, g->to_ns);
    p = record_put_optional_long(p, g->first_id);
    p = record_put_optional_long(p, g->last_id);
    p = record_put_optional_long(p, g->missing);
    p = td_avro_put_long(p, g->filled);
    p = td_avro_put_long(p, g->known_at_ns);
    record_end(buf, p);
}

td_status td_record_get_gap(td_bytes value, td_gap *out, td_bytes *out_instrument) {
    td_avro_reader r = record_body(value);
    *out = (td_gap){0};
    bool ok = td_avro_get_bytes(&r, &out->feed) && td_avro_get_bytes(&r, out_instrument) &&
              td_avro_get_long(&r, &out->number) &&
              record_get_word(&r, gap_status_word, TD_GAP_STATUS_COUNT, &out->status) &&
              record_get_word(&r, gap_reason_word, TD_GAP_REASON_COUNT, &out->reason) &&
              record_get_times(&r, &out->from_ns) && record_get_optional_long(&r, &out->to_ns) &&
              record_get_optional_long(&r, &out->first_id) && record_get_optional_long(&r, &out->last_id) &&
              record_get_optional_long(&r, &out->missing) && td_avro_get_long(&r, &out->filled) &&
              td_avro_get_long(&r, &out->known_at_ns) && r.at == r.end;
    return ok ? TD_OK : TD_CORRUPT;
}
