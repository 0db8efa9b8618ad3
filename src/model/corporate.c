/* src/model/corporate.c - corporate actions as people write them, and the arithmetic of splits. */
#include "model/corporate.h"
#include "base/time.h"
#include "model/instrument.h"
#include <inttypes.h>

enum { EX_DAY_MAX = 84006 }; /* the year 2200 */
static const int64_t side_max = INT64_C(1000000000000);

static const char *const kinds[TD_CORPORATE_KIND_COUNT] = {"split", "dividend", "symbol"};

const char *td_corporate_kind_name(td_corporate_kind kind) { return kinds[kind]; }

/* ---- reading ---- */

static bool read_side(td_bytes text, uint32_t *out) {
    uint64_t v = 0;
    if (text.size == 0 || text.size > 9) return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        v = v * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = (uint32_t)v;
    return true;
}

static const char *read_split(td_bytes value, td_corporate *out) {
    const uint8_t *colon = value.size > 0 ? memchr(value.data, ':', value.size) : NULL;
    if (colon == NULL) return "the value of a split is NEW:OLD, as 4:1";
    size_t size = (size_t)(colon - value.data);
    if (!read_side((td_bytes){value.data, size}, &out->numerator) ||
        !read_side((td_bytes){colon + 1, value.size - size - 1}, &out->denominator))
        return "the sides of a split are whole numbers up to 1000000";
    if (out->numerator == 0 || out->denominator == 0) return "a side of the split is 0";
    if (out->numerator > TD_SPLIT_SIDE_MAX || out->denominator > TD_SPLIT_SIDE_MAX)
        return "a side of the split is above 1000000";
    return out->numerator == out->denominator ? "a split that changes nothing" : NULL;
}

static const char *read_dividend(td_bytes value, td_corporate *out) {
    bool inexact;
    if (td_decimal_parse(value, TD_PRICE_SCALE, &out->amount, &inexact) != TD_OK)
        return "the value of a dividend is an amount for one share, as 0.82";
    if (inexact) return "an amount has at most 9 decimals";
    return out->amount <= 0 ? "the amount of a dividend is not above 0" : NULL;
}

static const char *read_symbol(td_bytes value, td_corporate *out) {
    static const char fault[] = "no instrument can have that symbol";
    if (value.size == 0 || value.size > TD_INSTRUMENT_NAME_MAX - 2) return fault;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] <= ' ' || value.data[i] > '~') return fault;
    out->symbol = value;
    return NULL;
}

static const char *read_what(const td_corporate_words *w, td_corporate *out) {
    static const char *(*const read[])(td_bytes value, td_corporate * out) = {read_split, read_dividend, read_symbol};
    for (uint8_t k = 0; k < TD_CORPORATE_KIND_COUNT; k++) {
        if (!td_bytes_equal(w->kind, td_text(kinds[k]))) continue;
        out->kind = k;
        return read[k](w->value, out);
    }
    return "the kind is split, dividend or symbol";
}

static const char *read_when(const td_corporate_words *w, td_event *out) {
    int64_t day, announced;
    if (td_date_parse(w->date, &day) != TD_OK) return "the date is not like 2014-06-09";
    if (day < 0 || day > EX_DAY_MAX) return "a day outside of 1970 to 2200";
    out->corporate.ex_day = (int32_t)day;
    announced = day > 0 ? day - 1 : 0;
    bool is_day = w->announced.size == 0 || td_date_parse(w->announced, &announced) == TD_OK;
    if (!is_day && td_time_parse(w->announced, &out->event_ns) != TD_OK)
        return "announced: neither a day nor an instant";
    bool within = announced >= 0 && announced <= EX_DAY_MAX;
    if (is_day && within) out->event_ns = announced * TD_NS_PER_DAY;
    within = within && out->event_ns >= 0 && out->event_ns <= EX_DAY_MAX * TD_NS_PER_DAY;
    return within ? NULL : "announced: a day outside of 1970 to 2200";
}

const char *td_corporate_read(const td_corporate_words *w, td_event *out) {
    *out = (td_event){.kind = TD_EVENT_CORPORATE, .corporate = {.source = w->source}};
    const char *fault = read_what(w, &out->corporate);
    if (fault == NULL) fault = read_when(w, out);
    if (fault != NULL) return fault;
    if (w->source.size > TD_CORPORATE_TEXT_MAX) return "a source of more than 255 bytes";
    if (w->currency.size > TD_CODE_MAX) return "a currency of more than 15 bytes";
    out->corporate.currency.size = (uint8_t)w->currency.size;
    if (w->currency.size > 0) memcpy(out->corporate.currency.text, w->currency.data, w->currency.size);
    return NULL;
}

void td_corporate_put_value(td_buf *out, const td_corporate *c) {
    char amount[TD_DECIMAL_TEXT_MAX];
    switch (c->kind) {
    case TD_CORPORATE_SPLIT:
        td_buf_printf(out, "%" PRIu32 ":%" PRIu32, c->numerator, c->denominator);
        return;
    case TD_CORPORATE_DIVIDEND:
        (void)td_decimal_format(c->amount, TD_PRICE_SCALE, false, amount);
        td_buf_text(out, amount);
        return;
    default:
        td_buf_put(out, c->symbol.data, c->symbol.size);
    }
}

/* ---- splits ---- */

static int64_t common(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

bool td_split_add(td_split *split, int64_t numerator, int64_t denominator) {
    int64_t up = common(split->numerator, denominator), down = common(numerator, split->denominator);
    td_i128 n = (td_i128)(split->numerator / up) * (numerator / down);
    td_i128 d = (td_i128)(split->denominator / down) * (denominator / up);
    int64_t rest = n <= side_max && d <= side_max ? common((int64_t)n, (int64_t)d) : 0;
    if (rest == 0) return false;
    *split = (td_split){(int64_t)n / rest, (int64_t)d / rest};
    return true;
}

/* m * up / down. */
static td_i128 scale(td_i128 m, int64_t up, int64_t down) {
    const td_i128 most = (td_i128)(((td_u128)1 << 127) - 1);
    td_i128 product;
    if (__builtin_mul_overflow(m, (td_i128)up, &product)) product = m < 0 ? -most : most;
    return td_div_half_even(product, down);
}

td_i128 td_split_price(td_split split, td_i128 m) { return scale(m, split.denominator, split.numerator); }
td_i128 td_split_size(td_split split, td_i128 m) { return scale(m, split.numerator, split.denominator); }

static int64_t price(td_split split, int64_t m) {
    td_i128 scaled = td_split_price(split, m);
    return scaled > INT64_MAX ? INT64_MAX : (int64_t)scaled;
}

void td_split_bar(td_split split, td_bar *bar) {
    bar->open = price(split, bar->open);
    bar->high = price(split, bar->high);
    bar->low = price(split, bar->low);
    bar->close = price(split, bar->close);
    if (bar->volume == 0) { /* nothing was traded */
        bar->vwap = bar->close;
        return;
    }
    bar->volume = td_split_size(split, bar->volume);
    if (bar->volume == 0) bar->volume = 1; /* something was traded */
    td_i128 vwap = td_div_half_even(bar->notional, bar->volume);
    bar->vwap = vwap > INT64_MAX ? INT64_MAX : (int64_t)vwap;
}
