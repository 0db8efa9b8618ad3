/* src/feed/feed_lean.c - US equity ticks as QuantConnect's Lean keeps them: a zip with one CSV for each date, symbol
 * and kind, all three said by the CSV's name (20131007_ibm_Trade_Tick.csv). Prices are in 1/10,000, times in ms since
 * midnight in New York. The files hold no receive time: the event time stands in. */
#include "base/decimal.h"
#include "base/time.h"
#include "feed/recording.h"

enum { COLUMNS_MAX = 8, TRADE_COLUMNS = 6, QUOTE_COLUMNS = 8, SYMBOL_MAX = 31 };
enum { MS_SCALE = 6 };                          /* ms to ns */
enum { LEAN_PRICE_SCALE = TD_PRICE_SCALE - 4 }; /* 1/10,000 to price */

typedef struct lean_file {
    bool quotes;
    uint32_t instrument;
    int64_t day;                       /* New York's, since 1970-01-01 */
    int64_t hour_from_ns, hour_utc_ns; /* an hour of that day, and the instant at which it begins */
} lean_file;

static bool read_digits(const char *text, int count, int *out) {
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

static bool read_date(const char *name, int64_t *out_day) {
    int year, month, day;
    if (!read_digits(name, 4, &year) || !read_digits(name + 4, 2, &month) || !read_digits(name + 6, 2, &day))
        return false;
    if (year < 1970 || year >= 2200 || month < 1 || month > 12 || day < 1) return false;
    *out_day = td_days_from_civil(year, month, day);
    return *out_day < td_days_from_civil(year + month / 12, month % 12 + 1, 1); /* no 31st of June */
}

/* An hour at a time, because daylight saving changes at full hours. */
static int64_t to_utc(lean_file *f, int64_t ns_of_day) {
    int64_t into_ns = ns_of_day - f->hour_from_ns;
    if (into_ns < 0 || into_ns >= TD_NS_PER_HOUR) {
        into_ns = ns_of_day % TD_NS_PER_HOUR;
        f->hour_from_ns = ns_of_day - into_ns;
        f->hour_utc_ns = td_zone_to_utc(TD_ZONE_NEW_YORK, f->day, f->hour_from_ns);
    }
    return f->hour_utc_ns + into_ns;
}

static td_status lean_begin(void *state, const td_recording_file *file, td_recording_begin *out) {
    lean_file *f = state;
    static const char quote_end[] = "_Quote_Tick.csv", trade_end[] = "_Trade_Tick.csv";
    const size_t date_size = sizeof "20131007_" - 1, end_size = sizeof quote_end - 1;
    const char *name = file->name;
    size_t size = strlen(name);
    bool whole = size > date_size + end_size && name[date_size - 1] == '_' && read_date(name, &f->day);
    f->quotes = whole && strcmp(name + size - end_size, quote_end) == 0;
    if (!whole || (!f->quotes && strcmp(name + size - end_size, trade_end) != 0))
        return TD_FAIL(TD_REJECT, "\"%s\" is no name like 20131007_ibm_Trade_Tick.csv", name);
    uint8_t symbol[SYMBOL_MAX];
    size_t symbol_size = size - date_size - end_size;
    for (size_t i = 0; i < symbol_size && i < SYMBOL_MAX; i++) {
        char c = name[date_size + i];
        symbol[i] = (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    if (symbol_size > SYMBOL_MAX ||
        !td_recorded_instrument(&file->naming, (td_bytes){symbol, symbol_size}, &f->instrument))
        return TD_FAIL(TD_REJECT, "no symbol that we can name in \"%s\"", name);
    f->hour_from_ns = -TD_NS_PER_HOUR;
    *out = (td_recording_begin){.start_ns = to_utc(f, 0), .rank = f->quotes ? 0 : 1};
    return TD_OK;
}

static size_t split(td_bytes line, td_bytes columns[COLUMNS_MAX]) {
    const uint8_t *start = line.data, *end = start + line.size;
    size_t count = 0;
    for (const uint8_t *p = start;; p++) {
        if (p < end && *p != ',') continue;
        if (count == COLUMNS_MAX) return COLUMNS_MAX + 1;
        columns[count++] = (td_bytes){start, (size_t)(p - start)};
        if (p == end) return count;
        start = p + 1;
    }
}

static bool read_code(td_bytes text, td_code *out) {
    if (text.size > TD_CODE_MAX) return false;
    *out = (td_code){.size = (uint8_t)text.size};
    memcpy(out->text, text.data, text.size);
    return true;
}

static bool read_suspicious(td_bytes text, uint8_t *flags) {
    if (text.size != 1 || (text.data[0] | 1) != '1') return false;
    if (text.data[0] == '1') *flags |= TD_FLAG_SUSPICIOUS;
    return true;
}

static td_reason read_trade(const td_bytes *columns, td_event *e) {
    td_trade *trade = &e->trade;
    *trade = (td_trade){.trade_id = TD_NONE};
    td_reason reason = td_recorded_number(columns[1], LEAN_PRICE_SCALE, &trade->price, &e->flags);
    if (reason == TD_REASON_NONE) reason = td_recorded_number(columns[2], TD_SIZE_SCALE, &trade->size, &e->flags);
    if (reason != TD_REASON_NONE) return reason;
    bool good = read_code(columns[3], &trade->exchange) && read_code(columns[4], &trade->condition) &&
                read_suspicious(columns[5], &e->flags);
    return good ? TD_REASON_NONE : TD_REASON_MALFORMED;
}

static td_reason read_quote(const td_bytes *columns, td_event *e) {
    td_quote *quote = &e->quote;
    *quote = (td_quote){.sequence = TD_NONE};
    td_reason reason = td_recorded_side(columns + 1, LEAN_PRICE_SCALE, &quote->bid_price, &quote->bid_size, &e->flags);
    if (reason == TD_REASON_NONE)
        reason = td_recorded_side(columns + 3, LEAN_PRICE_SCALE, &quote->ask_price, &quote->ask_size, &e->flags);
    if (reason != TD_REASON_NONE) return reason;
    bool good = read_code(columns[5], &quote->exchange) && read_code(columns[6], &quote->condition) &&
                read_suspicious(columns[7], &e->flags);
    return good ? TD_REASON_NONE : TD_REASON_MALFORMED;
}

static const char *explain(td_reason reason) {
    return reason == TD_REASON_RANGE ? "a number too large, or too small to be told from 0" : "not a row of this kind";
}

static void lean_decode(void *state, td_bytes line, td_recorded *out) {
    lean_file *f = state;
    td_bytes columns[COLUMNS_MAX];
    size_t count = split(line, columns);
    if (count != (f->quotes ? QUOTE_COLUMNS : TRADE_COLUMNS)) {
        td_recorded_reject(out, TD_REASON_MALFORMED, f->quotes ? "not 8 columns" : "not 6 columns");
        return;
    }
    td_event *e = &out->event;
    *e = (td_event){.instrument = f->instrument, .kind = f->quotes ? TD_EVENT_QUOTE : TD_EVENT_TRADE};
    int64_t ns_of_day = 0;
    td_reason reason = td_recorded_number(columns[0], MS_SCALE, &ns_of_day, &e->flags);
    if (reason == TD_REASON_NONE && (ns_of_day < 0 || ns_of_day >= TD_NS_PER_DAY)) reason = TD_REASON_RANGE;
    if (reason == TD_REASON_NONE) {
        out->ns_of_day = ns_of_day;
        reason = f->quotes ? read_quote(columns, e) : read_trade(columns, e);
    }
    if (reason != TD_REASON_NONE) {
        td_recorded_reject(out, reason, explain(reason));
        return;
    }
    out->kind = TD_ITEM_EVENT;
    out->clock_ns = e->event_ns = to_utc(f, ns_of_day);
}

static td_status lean_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    static const td_recording_ops format = {
        .state_size = sizeof(lean_file), .begin = lean_begin, .decode = lean_decode};
    return td_recording_open(out, os, conf, &format, instruments);
}

static const td_option lean_options[] = {TD_FEED_ROWS_RULES("LEAN", "venue"), TD_RECORDING_ROWS, {0}};

const td_feed_ops td_feed_lean = {.format = "lean",
                                  .is_file = true,
                                  .venue = "LEAN",
                                  .options = lean_options,
                                  .open = lean_open,
                                  .next = td_recording_next,
                                  .file = td_recording_file_of,
                                  .close = td_recording_close};
