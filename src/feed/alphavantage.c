/* src/feed/alphavantage.c - an answer into its rows, or into the word it stands for. */
#include "feed/alphavantage.h"
#include "base/decimal.h"
#include "base/lines.h"
#include "base/time.h"
#include "feed/venue.h"
#include <ctype.h>
#include <strings.h>

/* ---- words ---- */

static bool says(td_bytes text, const char *word) {
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= text.size; i++)
        if (strncasecmp((const char *)text.data + i, word, size) == 0) return true;
    return false;
}

/* Limits before plans: the text of a limit offers plans, too. */
static td_answer_word word_of(td_bytes notice, bool is_error) {
    static const struct {
        const char *text;
        td_answer_word word;
    } rows[] = {{"per minute", TD_ANSWER_LATER},    {"per second", TD_ANSWER_LATER}, {"per day", TD_ANSWER_TOMORROW},
                {"daily rate", TD_ANSWER_TOMORROW}, {"rate limit", TD_ANSWER_LATER}, {"premium", TD_ANSWER_PREMIUM},
                {"demo** api key", TD_ANSWER_KEY},  {"apikey", TD_ANSWER_KEY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (says(notice, rows[i].text)) return rows[i].word;
    return is_error ? TD_ANSWER_CALL : TD_ANSWER_REFUSED;
}

bool td_av_width(td_bytes interval, int64_t *out_ns) {
    static const struct {
        const char *name;
        int minutes;
    } rows[] = {{"1min", 1}, {"5min", 5}, {"15min", 15}, {"30min", 30}, {"60min", 60}, {"daily", 24 * 60}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = strlen(rows[i].name);
        if (interval.size != size || strncasecmp((const char *)interval.data, rows[i].name, size) != 0) continue;
        *out_ns = rows[i].minutes * TD_NS_PER_MIN;
        return true;
    }
    return false;
}

/* ---- JSON ---- */

/* "5. volume" and "05. price" without their number. */
static td_bytes name_of(td_bytes key) {
    for (size_t i = 0; i + 1 < key.size && i < 4; i++)
        if (key.data[i] == '.' && key.data[i + 1] == ' ') return (td_bytes){key.data + i + 2, key.size - i - 2};
    return key;
}

/* The members of an object called `names`, whatever their number, into `texts` (zeroed). False: not an object. */
static bool read_members(td_bytes object, const char *const *names, td_bytes *texts, size_t count) {
    td_json json;
    td_json_init(&json, object);
    if (td_json_next(&json) != TD_JSON_OBJECT) return false;
    for (td_json_type type; (type = td_json_next(&json)) != TD_JSON_OBJECT_END;) {
        td_field value;
        td_bytes name = name_of(json.text);
        if (type != TD_JSON_KEY || !td_field_read(&json, &value)) return false;
        for (size_t i = 0; i < count; i++)
            if (td_bytes_equal(name, td_text(names[i])) &&
                (value.type == TD_JSON_STRING || value.type == TD_JSON_NUMBER))
                texts[i] = value.text;
    }
    return true;
}

typedef struct parts { /* of an answer */
    td_field meta, series, quote, notice;
    td_bytes interval; /* of the series, as its name says it */
    bool is_error;
} parts;

static void take_part(parts *p, td_bytes key, const td_field *value) {
    static const td_bytes opening = TD_KEY("Time Series (");
    if (td_bytes_equal(key, TD_TEXT("Meta Data"))) p->meta = *value;
    if (td_bytes_equal(key, TD_TEXT("Global Quote"))) p->quote = *value;
    bool error = td_bytes_equal(key, TD_TEXT("Error Message"));
    if (error || td_bytes_equal(key, TD_TEXT("Note")) || td_bytes_equal(key, TD_TEXT("Information"))) {
        p->notice = *value;
        p->is_error = error;
    }
    if (!td_bytes_begin(key, opening) || key.data[key.size - 1] != ')') return;
    p->series = *value;
    p->interval = (td_bytes){key.data + opening.size, key.size - opening.size - 1};
}

static bool read_parts(td_bytes answer, parts *out) {
    td_json json;
    td_json_init(&json, answer);
    *out = (parts){0};
    if (td_json_next(&json) != TD_JSON_OBJECT) return false;
    for (td_json_type type; (type = td_json_next(&json)) != TD_JSON_OBJECT_END;) {
        td_field value;
        td_bytes key = json.text;
        if (type != TD_JSON_KEY || !td_field_read(&json, &value)) return false;
        take_part(out, key, &value);
    }
    return td_json_next(&json) == TD_JSON_END;
}

static const char *read_meta(const parts *p, td_answer_series *out) {
    static const char *const names[] = {"Symbol", "Time Zone"};
    td_bytes texts[2] = {{0}};
    if (!read_members(p->meta.text, names, texts, 2) || texts[0].size == 0) return "its meta data name no symbol";
    if (!td_recorded_instrument(&out->request->naming, texts[0], &out->instrument))
        return "no instrument can have the name of its symbol";
    if (!td_answer_zone(texts[1], &out->zone))
        return "its time zone is not one of US/Eastern, America/New_York and UTC";
    return td_av_width(p->interval, &out->width_ns) ? NULL : "its interval is not one of 1min to 60min and Daily";
}

static void give_series(const parts *p, const td_answer_series *s, td_answer_row_fn each, void *arg) {
    static const char *const names[TD_ANSWER_COLUMNS] = {"", "open", "high", "low", "close", "volume"};
    td_json json;
    td_json_init(&json, p->series.text);
    (void)td_json_next(&json);
    while (td_json_next(&json) == TD_JSON_KEY) { /* it was read to its end before */
        td_bytes stamp = json.text, cells[TD_ANSWER_COLUMNS] = {{0}};
        td_field value;
        td_recorded row;
        if (!td_field_read(&json, &value)) return;
        if (value.type == TD_JSON_OBJECT) (void)read_members(value.text, names, cells, TD_ANSWER_COLUMNS);
        cells[TD_ANSWER_STAMP] = stamp;
        td_answer_bar(s, cells, &row);
        each(arg, &row, (td_bytes){stamp.data, (size_t)(json.at - stamp.data)});
    }
}

static const char NO_SYMBOL[] = "a quote of nothing: the symbol is not known";

/* The latest price: of its day, so its end is the first instant at which that is sure. */
static const char *give_quote(const parts *p, const td_answer_request *request, td_answer_row_fn each, void *arg) {
    static const char *const names[] = {"symbol", "price", "latest trading day"};
    td_bytes texts[3] = {{0}};
    td_recorded row = {.kind = TD_ITEM_EVENT, .ns_of_day = -1, .event = {.kind = TD_EVENT_PRICE}};
    int64_t day;
    if (!read_members(p->quote.text, names, texts, 3) || texts[0].size == 0) return NO_SYMBOL;
    if (!td_recorded_instrument(&request->naming, texts[0], &row.event.instrument))
        return "no instrument can have the name of its symbol";
    if (td_answer_date(texts[2], &day) != TD_REASON_NONE) return "the quote has no latest trading day";
    td_reason reason = td_recorded_number(texts[1], TD_PRICE_SCALE, &row.event.price.price, &row.event.flags);
    row.clock_ns = row.event.event_ns = td_zone_to_utc(TD_ZONE_NEW_YORK, day + 1, 0);
    if (reason != TD_REASON_NONE) td_recorded_reject(&row, reason, "its price is no number that fits");
    each(arg, &row, p->quote.text);
    return NULL;
}

static td_answer_word read_json(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                                td_bytes *out_text) {
    parts p;
    td_answer_series s = {.request = request};
    td_answer_word word = TD_ANSWER_NONE;
    const char *fault = "it is no JSON, or cut";
    if (read_parts(answer, &p)) {
        fault = "it has neither a series nor a quote";
        if (p.series.type == TD_JSON_OBJECT) {
            fault = read_meta(&p, &s);
            if (fault == NULL) give_series(&p, &s, each, arg);
        } else if (p.quote.type == TD_JSON_OBJECT) {
            fault = give_quote(&p, request, each, arg);
            if (fault == NO_SYMBOL) word = TD_ANSWER_CALL;
        } else if (p.notice.type == TD_JSON_STRING) {
            *out_text = p.notice.text;
            return word_of(p.notice.text, p.is_error);
        }
    }
    if (fault != NULL) *out_text = td_text(fault);
    return fault == NULL ? TD_ANSWER_ROWS : word;
}

/* ---- CSV ---- */

enum { CSV_COLUMNS_MAX = 16 };

static size_t split(td_bytes line, td_bytes out[CSV_COLUMNS_MAX]) {
    size_t count = 0;
    for (const uint8_t *start = line.data, *end = line.data + line.size; count < CSV_COLUMNS_MAX;) {
        const uint8_t *comma = memchr(start, ',', (size_t)(end - start));
        out[count++] = (td_bytes){start, (size_t)((comma != NULL ? comma : end) - start)};
        if (comma == NULL) break;
        start = comma + 1;
    }
    return count;
}

/* Where each of ours stands in the line. False: it is no header of theirs. */
static bool read_header(td_bytes line, size_t out[TD_ANSWER_COLUMNS]) {
    static const char *const names[TD_ANSWER_COLUMNS] = {"timestamp", "open", "high", "low", "close", "volume"};
    td_bytes cells[CSV_COLUMNS_MAX];
    size_t count = split(line, cells), found = 0;
    for (size_t c = 0; c < TD_ANSWER_COLUMNS; c++) {
        size_t i = 0;
        while (i < count && !td_bytes_equal(cells[i], td_text(names[c]))) i++;
        if (c == TD_ANSWER_STAMP && i == count && td_bytes_equal(cells[0], TD_TEXT("time")))
            i = 0; /* of older answers */
        out[c] = i;
        found += i < count;
    }
    return found == TD_ANSWER_COLUMNS;
}

static td_answer_word read_csv(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                               td_bytes *out_text) {
    td_answer_series s = {.request = request, .zone = TD_ZONE_NEW_YORK, .width_ns = request->width_ns};
    td_bytes rest = answer, line;
    size_t at[TD_ANSWER_COLUMNS];
    *out_text = TD_TEXT("CSV does not say whose it is: name the file SYMBOL_5min.csv, or SYMBOL_daily.csv");
    if (request->symbol.size == 0 || !td_recorded_instrument(&request->naming, request->symbol, &s.instrument))
        return TD_ANSWER_NONE;
    *out_text = TD_TEXT("it does not begin with timestamp,open,high,low,close and volume");
    if (!td_text_line(&rest, &line) || !read_header(line, at)) return TD_ANSWER_NONE;
    while (td_text_line(&rest, &line)) {
        td_bytes cells[CSV_COLUMNS_MAX] = {{0}}, ours[TD_ANSWER_COLUMNS];
        td_recorded row;
        if (line.size == 0) continue;
        (void)split(line, cells);
        for (size_t c = 0; c < TD_ANSWER_COLUMNS; c++) ours[c] = cells[at[c]];
        td_answer_bar(&s, ours, &row);
        each(arg, &row, line);
    }
    return TD_ANSWER_ROWS;
}

td_answer_word td_av_read(td_bytes answer, const td_answer_request *request, td_answer_row_fn each, void *arg,
                          td_bytes *out_text) {
    size_t at = 0;
    while (at < answer.size && isspace(answer.data[at])) at++;
    bool json = at < answer.size && answer.data[at] == '{';
    return (json ? read_json : read_csv)(answer, request, each, arg, out_text);
}
