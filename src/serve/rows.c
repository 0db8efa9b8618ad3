/* src/serve/rows.c - one list of fields per kind of row, four ways of writing it. */
#include "serve/rows.h"
#include "base/json.h"
#include "base/time.h"
#include "model/corporate.h"
#include "serve/arrow.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define DECIMAL(digits) ((td_arrow_type){.kind = TD_ARROW_DECIMAL, .scale = (digits)})
static const td_arrow_type text_type = {.kind = TD_ARROW_TEXT}, int_type = {.kind = TD_ARROW_INT},
                           flag_type = {.kind = TD_ARROW_FLAG}, time_type = {.kind = TD_ARROW_TIME},
                           double_type = {.kind = TD_ARROW_DOUBLE};

typedef struct row {
    td_buf *out;
    td_row_format format;
    bool begun;
} row;

static row row_begin(td_buf *out, td_row_format format) {
    if (format == TD_ROW_JSON) td_buf_text(out, "{");
    return (row){.out = out, .format = format};
}

static void row_end(const row *r) {
    if (r->format == TD_ROW_JSON) td_buf_text(r->out, "}");
    if (r->format == TD_ROW_CSV || r->format == TD_ROW_CSV_HEADER) td_buf_text(r->out, "\n");
}

static bool is_header(td_row_format format) { return format == TD_ROW_CSV_HEADER || format == TD_ROW_ARROW_HEADER; }

static void put_separated(row *r, const char *name) {
    if (r->begun) td_buf_text(r->out, ",");
    r->begun = true;
    if (r->format == TD_ROW_CSV_HEADER) td_buf_text(r->out, name);
    if (r->format != TD_ROW_JSON) return;
    td_buf_put(r->out, "\"", 1);
    td_buf_text(r->out, name);
    td_buf_put(r->out, "\":", 2);
}

/* Writes what stands before a value; false when the value itself is not wanted. */
static bool field(row *r, const char *name, td_arrow_type type) {
    if (r->format == TD_ROW_ARROW_HEADER)
        td_arrow_put_column(r->out, name, type);
    else if (r->format != TD_ROW_ARROW)
        put_separated(r, name);
    return !is_header(r->format);
}

/* Quoted where RFC 4180 wants it. */
static void put_csv_text(td_buf *out, td_bytes text) {
    bool plain = true;
    for (size_t i = 0; i < text.size; i++) plain &= strchr(",\"\r\n", text.data[i]) == NULL && text.data[i] != '\0';
    if (plain) {
        td_buf_put(out, text.data, text.size);
        return;
    }
    td_buf_put(out, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') td_buf_put(out, "\"", 1);
        td_buf_put(out, &text.data[i], 1);
    }
    td_buf_put(out, "\"", 1);
}

static void put_text(row *r, const char *name, td_bytes text) {
    if (!field(r, name, text_type)) return;
    if (r->format == TD_ROW_JSON)
        td_json_put_string(r->out, text);
    else if (r->format == TD_ROW_CSV)
        put_csv_text(r->out, text);
    else
        td_arrow_put_cell(r->out, text.data, text.size);
}

static void put_int(row *r, const char *name, int64_t v) {
    if (!field(r, name, int_type)) return;
    if (r->format == TD_ROW_ARROW)
        td_arrow_put_cell(r->out, &v, sizeof v);
    else
        td_buf_printf(r->out, "%" PRId64, v);
}

static void put_flag(row *r, const char *name, bool v) {
    if (!field(r, name, flag_type)) return;
    if (r->format == TD_ROW_ARROW)
        td_arrow_put_cell(r->out, &v, sizeof v);
    else
        td_buf_text(r->out, v ? "true" : "false");
}

static void put_none(row *r, const char *name, td_arrow_type type) { /* null, or an empty column */
    if (!field(r, name, type)) return;
    if (r->format == TD_ROW_JSON) td_buf_text(r->out, "null");
    if (r->format == TD_ROW_ARROW) td_arrow_put_null(r->out);
}

static void put_known(row *r, const char *name, int64_t v) {
    if (v == TD_NONE)
        put_none(r, name, int_type);
    else
        put_int(r, name, v);
}

static void put_double(row *r, const char *name, double v) {
    if (!isfinite(v))
        put_none(r, name, double_type);
    else if (field(r, name, double_type) && r->format == TD_ROW_ARROW)
        td_arrow_put_cell(r->out, &v, sizeof v);
    else if (!is_header(r->format))
        td_buf_printf(r->out, "%.17g", v);
}

static void put_decimal(row *r, const char *name, td_i128 m, int scale, bool keep_zeros) {
    if (!field(r, name, DECIMAL(scale))) return;
    if (r->format == TD_ROW_ARROW) {
        td_arrow_put_cell(r->out, &m, sizeof m);
        return;
    }
    char text[TD_DECIMAL_TEXT_MAX];
    size_t size = td_decimal_format(m, scale, keep_zeros, text);
    const char *quote = r->format == TD_ROW_JSON ? "\"" : "";
    td_buf_text(r->out, quote);
    td_buf_put(r->out, text, size);
    td_buf_text(r->out, quote);
}

static void put_optional(row *r, const char *name, int64_t v, int scale) {
    if (v == TD_NONE)
        put_none(r, name, DECIMAL(scale));
    else
        put_decimal(r, name, v, scale, false);
}

static void put_price(row *r, const char *name, int64_t m) { put_decimal(r, name, m, TD_PRICE_SCALE, false); }

static void put_time(row *r, const char *name, int64_t ns) {
    if (!field(r, name, time_type)) return;
    if (r->format == TD_ROW_ARROW) {
        td_arrow_put_cell(r->out, &ns, sizeof ns);
        return;
    }
    char text[40];
    (void)td_time_format(ns, text);
    const char *quote = r->format == TD_ROW_JSON ? "\"" : "";
    td_buf_printf(r->out, "%s%s%s", quote, text, quote);
}

static void put_known_time(row *r, const char *name, int64_t ns) {
    if (ns == TD_NONE)
        put_none(r, name, time_type);
    else
        put_time(r, name, ns);
}

static void put_width(row *r, const char *name, int64_t width) {
    char text[TD_WIDTH_TEXT_MAX];
    (void)td_width_format(width, text);
    put_text(r, name, td_text(text));
}

void td_row_put_bar(td_buf *out, td_row_format format, td_bytes instrument, const td_bar *bar) {
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_width(&r, "width", bar->width_ns);
    put_int(&r, "start_ns", bar->start_ns);
    put_int(&r, "end_ns", bar->end_ns);
    put_time(&r, "start", bar->start_ns);
    put_price(&r, "open", bar->open);
    put_price(&r, "high", bar->high);
    put_price(&r, "low", bar->low);
    put_price(&r, "close", bar->close);
    put_decimal(&r, "volume", bar->volume, TD_SIZE_SCALE, false);
    put_decimal(&r, "notional", bar->notional, TD_NOTIONAL_SCALE, false);
    put_decimal(&r, "vwap", bar->vwap, TD_PRICE_SCALE, true);
    put_int(&r, "trade_count", bar->trade_count);
    put_int(&r, "revision", bar->revision);
    put_int(&r, "known_at_ns", bar->known_at_ns);
    put_text(&r, "quality", td_text(td_quality_name((td_quality)bar->quality)));
    put_text(&r, "evidence", td_text(td_evidence_name((td_evidence)bar->evidence)));
    row_end(&r);
}

void td_row_put_signal(td_buf *out, td_row_format format, td_bytes instrument, const td_signal *signal,
                       int64_t appended_ms) {
    char id[TD_SIGNAL_ID_MAX + 1];
    size_t id_size = is_header(format) ? 0 : td_signal_id(signal, instrument, id);
    row r = row_begin(out, format);
    put_text(&r, "id", (td_bytes){(const uint8_t *)id, id_size});
    put_text(&r, "strategy", signal->strategy);
    put_text(&r, "instrument", td_signal_traded(signal, instrument));
    put_width(&r, "width", signal->width_ns);
    put_int(&r, "event_ns", signal->event_ns);
    put_time(&r, "event_time", signal->event_ns);
    put_text(&r, "action", td_text(td_action_name((td_action)signal->action)));
    put_decimal(&r, "target", signal->target, TD_SIZE_SCALE, false);
    put_price(&r, "price", signal->price);
    put_text(&r, "status", td_text(td_signal_status_name((td_signal_status)signal->status)));
    put_text(&r, "note", signal->note);
    put_int(&r, "known_at_ns", signal->known_at_ns);
    put_int(&r, "appended_ms", appended_ms);
    put_text(&r, "reason", signal->reason);
    put_text(&r, "data", signal->data);
    row_end(&r);
}

void td_row_put_fill(td_buf *out, td_row_format format, td_bytes instrument, const td_fill *fill, int64_t appended_ms) {
    row r = row_begin(out, format);
    put_text(&r, "signal", fill->signal);
    put_text(&r, "strategy", fill->strategy);
    put_text(&r, "instrument", td_fill_traded(fill, instrument));
    put_int(&r, "event_ns", fill->event_ns);
    put_time(&r, "event_time", fill->event_ns);
    put_text(&r, "side", td_text(td_fill_side_name((td_side)fill->side)));
    put_decimal(&r, "quantity", fill->quantity, TD_SIZE_SCALE, false);
    put_price(&r, "price", fill->price);
    put_decimal(&r, "position", fill->position, TD_SIZE_SCALE, false);
    put_text(&r, "kind", td_text(td_fill_kind_name((td_fill_kind)fill->kind)));
    put_int(&r, "known_at_ns", fill->known_at_ns);
    put_int(&r, "appended_ms", appended_ms);
    row_end(&r);
}

void td_row_put_signal_told(td_buf *out, td_row_format format, td_bytes instrument, const td_signal *signal) {
    char id[TD_SIGNAL_ID_MAX + 1];
    size_t id_size = is_header(format) ? 0 : td_signal_id(signal, instrument, id);
    row r = row_begin(out, format);
    put_text(&r, "id", (td_bytes){(const uint8_t *)id, id_size});
    char action[32 + TD_INSTRUMENT_NAME_MAX]; /* of a leg with its instrument, as its text says it */
    (void)snprintf(action, sizeof action, "%s%s%.*s", td_action_name((td_action)signal->action),
                   signal->leg.size > 0 ? " " : "", (int)signal->leg.size, (const char *)signal->leg.data);
    put_text(&r, "action", td_text(action));
    put_decimal(&r, "target", signal->target, TD_SIZE_SCALE, false);
    put_price(&r, "price", signal->price);
    put_text(&r, "status", td_text(td_signal_status_name((td_signal_status)signal->status)));
    put_text(&r, "note", signal->note);
    put_text(&r, "reason", signal->reason);
    put_text(&r, "data", signal->data);
    row_end(&r);
}

void td_row_put_gap(td_buf *out, td_row_format format, td_bytes instrument, const td_gap *gap) {
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_int(&r, "number", gap->number);
    put_text(&r, "feed", gap->feed);
    put_text(&r, "status", td_text(td_gap_status_name((td_gap_status)gap->status)));
    put_text(&r, "reason", td_text(td_gap_reason_name((td_gap_reason)gap->reason)));
    put_int(&r, "from_ns", gap->from_ns);
    put_time(&r, "from", gap->from_ns);
    put_known(&r, "to_ns", gap->to_ns);
    put_known_time(&r, "to", gap->to_ns);
    put_known(&r, "first_id", gap->first_id);
    put_known(&r, "last_id", gap->last_id);
    put_known(&r, "missing", gap->missing);
    put_int(&r, "filled", gap->filled);
    put_int(&r, "known_at_ns", gap->known_at_ns);
    row_end(&r);
}

void td_row_put_action(td_buf *out, td_row_format format, td_bytes instrument, const td_event *action) {
    const td_corporate *c = &action->corporate;
    char date[40];
    td_buf value = {0};
    row r = row_begin(out, format);
    (void)td_time_format(c->ex_day * TD_NS_PER_DAY, date);
    *strchr(date, 'T') = '\0';
    td_corporate_put_value(&value, c);
    put_text(&r, "instrument", instrument);
    put_text(&r, "date", td_text(date));
    put_text(&r, "kind", td_text(td_corporate_kind_name((td_corporate_kind)c->kind)));
    put_text(&r, "value", td_buf_bytes(&value));
    put_text(&r, "currency", (td_bytes){(const uint8_t *)c->currency.text, c->currency.size});
    put_time(&r, "announced", action->event_ns);
    put_time(&r, "known_at", td_corporate_known_ns(action));
    put_text(&r, "source", c->source);
    row_end(&r);
    td_buf_fini(&value);
}

void td_row_put_vendor_bar(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                           bool revised) {
    const td_vendor_bar *bar = &event->vendor_bar;
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_text(&r, "feed", feed);
    put_width(&r, "width", bar->width_ns);
    put_int(&r, "start_ns", bar->start_ns);
    put_int(&r, "end_ns", event->event_ns);
    put_time(&r, "start", bar->start_ns);
    put_price(&r, "open", bar->open);
    put_price(&r, "high", bar->high);
    put_price(&r, "low", bar->low);
    put_price(&r, "close", bar->close);
    put_optional(&r, "volume", bar->volume, TD_SIZE_SCALE);
    put_flag(&r, "adjusted", bar->adjusted);
    put_flag(&r, "revised", revised);
    put_text(&r, "origin", td_text(td_event_origin_name((td_event_origin)event->origin)));
    put_int(&r, "known_at_ns", event->receive_ns);
    row_end(&r);
}

static void put_book_top(row *r, const td_numbers *numbers) {
    put_optional(r, "bid_price", numbers->bid_price, TD_PRICE_SCALE);
    put_optional(r, "bid_size", numbers->bid_size, TD_SIZE_SCALE);
    put_optional(r, "ask_price", numbers->ask_price, TD_PRICE_SCALE);
    put_optional(r, "ask_size", numbers->ask_size, TD_SIZE_SCALE);
}

void td_row_put_quarantined(td_buf *out, td_row_format format, td_bytes instrument, const td_row_place *place,
                            const td_quarantined *q) {
    char missed[TD_MISSED_TEXT_MAX];
    (void)td_missed_format(q->missed_width_ns, q->missed_count, missed);
    row r = row_begin(out, format);
    put_int(&r, "partition", place->partition);
    put_int(&r, "offset", place->offset);
    put_text(&r, "reason", td_text(td_reason_name((td_reason)q->reason)));
    put_flag(&r, "releasable", td_reason_is_releasable((td_reason)q->reason));
    put_text(&r, "missed", td_text(missed));
    put_text(&r, "feed", q->feed);
    put_text(&r, "instrument", instrument);
    put_text(&r, "kind", td_text(td_event_kind_name((td_event_kind)q->event.kind)));
    put_int(&r, "event_ns", q->event.event_ns);
    put_time(&r, "event_time", q->event.event_ns);
    put_int(&r, "receive_ns", q->event.receive_ns);
    put_time(&r, "receive_time", q->event.receive_ns);
    const td_numbers numbers = td_numbers_of(&q->event);
    put_optional(&r, "price", numbers.price, TD_PRICE_SCALE);
    put_optional(&r, "size", numbers.size, TD_SIZE_SCALE);
    put_known(&r, "trade_id", numbers.trade_id);
    put_book_top(&r, &numbers);
    put_int(&r, "appended_ms", place->appended_ms);
    row_end(&r);
}

static void put_code(row *r, const char *name, const td_code *code) {
    put_text(r, name, (td_bytes){(const uint8_t *)code->text, code->size});
}

/* What a trade and a quote have in common: before their numbers, and behind them. */
static row begin_published(td_buf *out, td_row_format format, td_bytes instrument, const td_event *event, int64_t ord) {
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_int(&r, "event_ns", event->event_ns);
    put_time(&r, "event_time", event->event_ns);
    put_int(&r, "ord", ord);
    return r;
}

static void end_published(row *r, td_bytes feed, const td_event *event) {
    put_code(r, "exchange", td_event_exchange(event));
    put_code(r, "condition", td_event_condition(event));
    put_text(r, "feed", feed);
    put_text(r, "origin", td_text(td_event_origin_name((td_event_origin)event->origin)));
    put_int(r, "receive_ns", event->receive_ns);
    put_time(r, "receive_time", event->receive_ns);
    row_end(r);
}

void td_row_put_trade(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                      int64_t ord) {
    const td_trade *t = &event->trade;
    row r = begin_published(out, format, instrument, event, ord);
    put_price(&r, "price", t->price);
    put_decimal(&r, "size", t->size, TD_SIZE_SCALE, false);
    put_text(&r, "side", td_text(td_side_name((td_side)t->side)));
    put_known(&r, "trade_id", t->trade_id);
    end_published(&r, feed, event);
}

void td_row_put_quote(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                      int64_t ord) {
    const td_numbers numbers = td_numbers_of(event);
    row r = begin_published(out, format, instrument, event, ord);
    put_book_top(&r, &numbers);
    put_known(&r, "sequence", numbers.sequence);
    end_published(&r, feed, event);
}

void td_row_put_news(td_buf *out, td_row_format format, td_bytes instrument, td_bytes feed, const td_event *event,
                     int64_t appended_ms) {
    const td_news *n = &event->news;
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_text(&r, "feed", feed);
    put_int(&r, "event_ns", event->event_ns);
    put_time(&r, "event_time", event->event_ns);
    put_int(&r, "receive_ns", event->receive_ns);
    put_time(&r, "receive_time", event->receive_ns);
    put_text(&r, "headline", n->headline);
    put_text(&r, "source", n->source);
    put_text(&r, "url", n->url);
    put_text(&r, "id", n->id);
    put_double(&r, "sentiment", n->sentiment);
    put_text(&r, "origin", td_text(td_event_origin_name((td_event_origin)event->origin)));
    put_int(&r, "appended_ms", appended_ms);
    row_end(&r);
}

void td_row_put_latest(td_buf *out, td_row_format format, td_bytes instrument, const td_latest *latest) {
    row r = row_begin(out, format);
    put_text(&r, "instrument", instrument);
    put_text(&r, "kind", td_text(td_latest_kind_name(latest->kind)));
    put_int(&r, "event_ns", latest->event_ns);
    put_time(&r, "event_time", latest->event_ns);
    put_int(&r, "ord", latest->ord);
    put_optional(&r, "price", latest->numbers.price, TD_PRICE_SCALE);
    put_optional(&r, "size", latest->numbers.size, TD_SIZE_SCALE);
    put_book_top(&r, &latest->numbers);
    put_int(&r, "known_at_ns", latest->known_at_ns);
    put_time(&r, "known_at", latest->known_at_ns);
    row_end(&r);
}

/* (last - reference) / reference in percent with two decimals, half-even. */
static td_i128 change_percent(const td_view_instrument *i) {
    td_i128 change = (td_i128)i->last - i->reference;
    return td_div_half_even(change * 10000, i->reference);
}

static void put_tick(row *r, td_bytes name, const td_view_instrument *i) {
    bool known = i->last_ns != 0;
    put_text(r, "instrument", name);
    put_optional(r, "last", known ? i->last : TD_NONE, TD_PRICE_SCALE);
    put_optional(r, "change", known ? i->last - i->reference : TD_NONE, TD_PRICE_SCALE);
    if (known)
        put_decimal(r, "change_percent", change_percent(i), 2, true);
    else
        put_none(r, "change_percent", DECIMAL(2));
    put_known(r, "last_ns", known ? i->last_ns : TD_NONE);
    put_known_time(r, "last_time", known ? i->last_ns : TD_NONE);
}

static void put_feed(row *r, const td_view *view, uint8_t index) {
    const td_view_feed *feeds;
    if (index < td_view_feeds(view, &feeds))
        put_text(r, "feed", (td_bytes){(const uint8_t *)feeds[index].name, feeds[index].name_size});
    else
        put_none(r, "feed", text_type);
}

static void put_spark(row *r, const td_view_instrument *i) { /* in JSON only: a shape, not a number to compute with */
    if (r->format != TD_ROW_JSON) return;
    (void)field(r, "spark", text_type);
    td_buf_text(r->out, "[");
    for (uint32_t k = 0; k < i->spark_count; k++)
        td_buf_printf(r->out, "%s%.9g", k > 0 ? "," : "", td_decimal_double(i->spark[k], TD_PRICE_SCALE));
    td_buf_text(r->out, "]");
}

static void put_word(row *r, const char *name, const char *text) {
    if (text != NULL && text[0] != '\0')
        put_text(r, name, td_text(text));
    else
        put_none(r, name, text_type);
}

/* What the instrument table says of it. */
static void put_listing(row *r, const td_listing *listing) {
    put_word(r, "asset", listing != NULL ? listing->asset : NULL);
    put_word(r, "currency", listing != NULL ? listing->currency : NULL);
    put_word(r, "unit", listing != NULL ? listing->unit : NULL);
    put_optional(r, "tick", listing != NULL && listing->tick > 0 ? listing->tick : TD_NONE, TD_PRICE_SCALE);
}

void td_row_put_instrument(td_buf *out, td_row_format format, const td_view *view, uint32_t index) {
    static const td_view_instrument none = {0};
    bool header = is_header(format);
    const td_view_instrument *i = header ? &none : td_view_instrument_at(view, index);
    td_bytes name = header ? TD_TEXT("") : td_view_name(view, index);
    const td_serve_topics *topics = td_view_topics(view);
    row r = row_begin(out, format);
    put_tick(&r, name, i);
    put_text(&r, "zone", td_text(td_zone_name(td_program_zone(header ? NULL : topics->program, name))));
    put_listing(&r, topics->listings != NULL ? td_listings_find(topics->listings, name) : NULL);
    put_feed(&r, view, i->feed);
    for (size_t w = 0; w < topics->width_count; w++) {
        char label[TD_WIDTH_TEXT_MAX + 8] = "bars_";
        (void)td_width_format(topics->widths_ns[w], label + strlen(label));
        put_int(&r, label, i->bars[w]);
    }
    put_spark(&r, i);
    row_end(&r);
}

void td_row_put_tick(td_buf *out, const td_view *view, uint32_t index) {
    row r = row_begin(out, TD_ROW_JSON);
    put_tick(&r, td_view_name(view, index), td_view_instrument_at(view, index));
    row_end(&r);
}
