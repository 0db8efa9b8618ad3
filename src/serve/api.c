/* src/serve/api.c - parameters as rows: one row is the name, where it belongs and how it is read. */
#include "serve/api.h"
#include "base/decimal.h"
#include "base/option.h"
#include "base/time.h"
#include "model/event.h"
#include "model/gap.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define IN(kind) (1u << TD_API_##kind)
enum {
    REFUSED = IN(QUARANTINE) | IN(RELEASE),
    PUBLISHED = IN(NEWS) | IN(TRADES) | IN(QUOTES),
    PAGED = IN(BARS) | IN(SIGNALS) | IN(GAPS) | IN(LINES) | IN(QUARANTINE) | IN(VENDOR_BARS) | IN(PREVIEW) | IN(FILLS) |
            PUBLISHED,
    TABLES = IN(INSTRUMENTS) | IN(BARS) | IN(SIGNALS) | IN(GAPS) | IN(QUARANTINE) | IN(VENDOR_BARS) | IN(TAKEN) |
             IN(FILLS) | IN(LATEST) | PUBLISHED,
    ONE_SERIES = IN(BARS) | IN(LINES) | IN(VENDOR_BARS) | IN(PREVIEW),
    VERSIONS = IN(VERSIONS) | IN(ROLLBACK),
    TEXTS = IN(CHECK) | IN(SAVE) | IN(PREVIEW),
};

static const char *const kinds[] = {"instruments",
                                    "bars",
                                    "signals",
                                    "gaps",
                                    "lines",
                                    "stream",
                                    "quarantine",
                                    "quarantine/release",
                                    "actions",
                                    "status",
                                    "profile",
                                    "vendor_bars",
                                    "explain",
                                    "actions",
                                    "fills",
                                    "strategies",
                                    "strategies/versions",
                                    "topics",
                                    "topics/TOPIC",
                                    "topics/TOPIC/records",
                                    "topics/TOPIC/groups",
                                    "news",
                                    "trades",
                                    "quotes",
                                    "latest",
                                    "strategies/check",
                                    "strategies/save",
                                    "strategies/preview",
                                    "strategies/rollback",
                                    NULL};
_Static_assert(sizeof kinds / sizeof kinds[0] == TD_API_COUNT + 1, "a name for each kind");

const char *td_api_name(td_api_kind kind) { return kinds[kind]; }

bool td_api_fail(td_api_error *error, int http, const char *code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    error->http = http;
    error->code = code;
    (void)vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    return false;
}

void td_api_put_error(td_buf *out, const td_api_error *error) {
    td_buf_printf(out, "{\"error\":{\"code\":\"%s\",\"message\":", error->code);
    td_json_put_string(out, td_text(error->message));
    td_buf_text(out, "}}\n");
}

/* ---- one reader per type of value; false: not such a value ---- */

static bool read_text(td_bytes value, char *out, size_t capacity) {
    if (value.size == 0 || value.size >= capacity) return false;
    memcpy(out, value.data, value.size);
    out[value.size] = '\0';
    return memchr(out, '\0', value.size) == NULL;
}

static bool read_instrument(td_api_request *r, td_bytes value) {
    bool general = r->kind == TD_API_NEWS && td_bytes_equal(value, TD_TEXT(TD_GENERAL_NEWS));
    return (general || td_instrument_name_valid(value)) && read_text(value, r->instrument, sizeof r->instrument);
}
static bool read_strategy(td_api_request *r, td_bytes value) {
    return read_text(value, r->strategy, sizeof r->strategy);
}
static bool read_signal(td_api_request *r, td_bytes value) { return read_text(value, r->signal, sizeof r->signal); }
static bool read_feed(td_api_request *r, td_bytes value) { return read_text(value, r->feed, sizeof r->feed); }
static bool read_file(td_api_request *r, td_bytes value) { return read_text(value, r->file, sizeof r->file); }
static bool read_hash(td_api_request *r, td_bytes value) {
    size_t digits = 0;
    while (digits < value.size && strchr("0123456789abcdef", value.data[digits]) != NULL && value.data[digits] != '\0')
        digits++;
    return digits >= 6 && digits == value.size && read_text(value, r->hash, sizeof r->hash);
}
static bool read_reason(td_api_request *r, td_bytes value) { return td_reason_parse(value, &r->reason); }
static bool read_width(td_api_request *r, td_bytes value) { return td_width_parse(value, &r->width_ns) == TD_OK; }
static bool read_from(td_api_request *r, td_bytes value) { return td_time_parse(value, &r->from_ns) == TD_OK; }
static bool read_to(td_api_request *r, td_bytes value) { return td_time_parse(value, &r->to_ns) == TD_OK; }
static bool read_before(td_api_request *r, td_bytes value) { return td_time_parse(value, &r->before_ns) == TD_OK; }

static bool read_day(td_api_request *r, td_bytes value) { return td_date_parse(value, &r->date) == TD_OK; }
static bool read_as_of(td_api_request *r, td_bytes value) { return td_place_parse(value, &r->as_of) == TD_OK; }
static const char *const adjustings[] = {"none", "split", "all"};

const char *td_adjusting_name(td_adjusting adjusting) { return adjustings[adjusting]; }

static bool read_adjust(td_api_request *r, td_bytes value) {
    for (size_t i = 0; i < sizeof adjustings / sizeof adjustings[0]; i++) {
        if (!td_bytes_equal(value, td_text(adjustings[i]))) continue;
        r->adjust = (td_adjusting)i;
        return true;
    }
    return false;
}

static bool read_known(td_api_request *r, td_bytes value) {
    r->known_now = td_bytes_equal(value, TD_TEXT("now"));
    return r->known_now || td_bytes_equal(value, TD_TEXT("then"));
}

static bool read_status(td_api_request *r, td_bytes value) {
    for (int s = 0; s < TD_GAP_STATUS_COUNT; s++)
        if (td_bytes_equal(value, td_text(td_gap_status_name((td_gap_status)s)))) r->statuses = (uint8_t)(1 << s);
    return r->statuses != 0;
}

static bool read_int(td_bytes value, int64_t max, int64_t *out) {
    bool inexact;
    return td_decimal_parse(value, 0, out, &inexact) == TD_OK && !inexact && *out >= 0 && *out <= max;
}
/* An instant may be before 1970. */
static bool read_instant(td_bytes value, int64_t *out) {
    bool negative = value.size > 0 && value.data[0] == '-';
    if (!read_int(td_bytes_from(value, negative), INT64_MAX - 1, out)) return false;
    if (negative) *out = -*out;
    return true;
}
/* A number, or three of an edge, and its instant: 1381152600123.4.56.1381152600000000000. */
static bool read_cursor(td_api_request *r, td_bytes value) {
    int64_t parts[4] = {[3] = INT64_MAX};
    size_t count = 0;
    for (bool more = true; more; count++) {
        const uint8_t *dot = value.size > 0 ? memchr(value.data, '.', value.size) : NULL;
        size_t size = dot != NULL ? (size_t)(dot - value.data) : value.size;
        td_bytes part = {value.data, size};
        if (count > 3 || !(count == 3 ? read_instant(part, &parts[3]) : read_int(part, INT64_MAX - 1, &parts[count])))
            return false;
        more = dot != NULL;
        if (more) value = td_bytes_from(value, size + 1);
    }
    if (count == 1) r->cursor = parts[0];
    if (count >= 3 && parts[1] <= UINT32_MAX)
        r->edge = (td_history_edge){true, parts[0], (uint32_t)parts[1], parts[2], parts[3]};
    return r->cursor >= 0 || r->edge.known;
}
static bool read_limit(td_api_request *r, td_bytes value) {
    return read_int(value, TD_API_LIMIT_MAX, &r->limit) && r->limit > 0;
}

static bool read_partition(td_api_request *r, td_bytes value) { return read_int(value, UINT32_MAX, &r->partition); }
static bool read_offset(td_api_request *r, td_bytes value) { return read_int(value, INT64_MAX, &r->offset); }
static bool read_moment(td_api_request *r, td_bytes value) { return td_time_parse(value, &r->time_ns) == TD_OK; }
static bool read_key(td_api_request *r, td_bytes value) { return read_text(value, r->key, sizeof r->key); }

/* An Accept that has the first word of a type asks for it. */
static const struct {
    const char *name, *type;
} formats[] = {[TD_API_JSON] = {"json", "application/json"},
               [TD_API_CSV] = {"csv", "text/csv; charset=utf-8"},
               [TD_API_ARROW] = {"arrow", "application/vnd.apache.arrow.stream"}};
enum { FORMATS = sizeof formats / sizeof formats[0] };

const char *td_api_format_name(td_api_format format) { return formats[format].name; }
const char *td_api_format_type(td_api_format format) { return formats[format].type; }

static bool read_format(td_api_request *r, td_bytes value) {
    for (size_t i = 0; i < FORMATS; i++) {
        if (!td_bytes_equal(value, td_text(formats[i].name))) continue;
        r->format = (td_api_format)i;
        return true;
    }
    return false;
}

static td_api_format accepted(td_bytes accept) {
    for (size_t i = TD_API_CSV; i < FORMATS; i++) {
        size_t size = strcspn(formats[i].type, ";");
        if (accept.size > 0 && memmem(accept.data, accept.size, formats[i].type, size) != NULL) return (td_api_format)i;
    }
    return TD_API_JSON;
}

static bool read_date(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.date, sizeof r->action.date);
}
static bool read_kind(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.kind, sizeof r->action.kind);
}
static bool read_value(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.value, sizeof r->action.value);
}
static bool read_currency(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.currency, sizeof r->action.currency);
}
static bool read_announced(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.announced, sizeof r->action.announced);
}
static bool read_source(td_api_request *r, td_bytes value) {
    return read_text(value, r->action.source, sizeof r->action.source);
}

static const struct parameter {
    const char *name;
    uint32_t known, required; /* in which kinds */
    bool (*read)(td_api_request *r, td_bytes value);
    const char *expected;
} parameters[] = {
    {"instrument", PAGED | IN(TAKEN) | IN(LATEST) | IN(STREAM) | IN(RELEASE) | IN(ACTIONS), ONE_SERIES | IN(TAKEN),
     read_instrument, "VENUE:SYMBOL"},
    {"width", ONE_SERIES | IN(STREAM), ONE_SERIES, read_width, "a width such as 1s, 5m, 100trades or 5000volume"},
    {"strategy", IN(SIGNALS) | IN(FILLS) | VERSIONS, VERSIONS, read_strategy, "a strategy's name"},
    {"signal", IN(EXPLAIN), IN(EXPLAIN), read_signal, "a signal's id such as cross/LEAN:IBM/2013-10-07T14:31#1"},
    {"file", TEXTS | IN(STRATEGIES), TEXTS, read_file, "a strategy's file, as /api/v1/strategies has it"},
    {"hash", VERSIONS, IN(ROLLBACK), read_hash, "6 to 64 digits that a version's hash begins with"},
    {"reason", REFUSED, 0, read_reason, "a reason such as outlier or crossed"},
    {"feed", REFUSED | IN(GAPS) | IN(VENDOR_BARS) | PUBLISHED, 0, read_feed, "a feed's name"},
    {"from", PAGED | IN(RELEASE), 0, read_from, "a time such as 2013-10-07T13:30:00Z, or an integer since 1970"},
    {"to", PAGED | IN(RELEASE), 0, read_to, "a time such as 2013-10-07T20:00:00Z, or an integer since 1970"},
    {"status", IN(GAPS), 0, read_status, "open, filled or lost"},
    {"before", PAGED & ~IN(GAPS), 0, read_before, "a time such as 2013-10-07T20:00:00Z, or an integer since 1970"},
    {"partition", IN(RECORDS), 0, read_partition, "a partition's number"},
    {"offset", IN(RECORDS), 0, read_offset, "an offset in a partition"},
    {"time", IN(RECORDS), 0, read_moment, "a time such as 2013-10-07T13:30:00Z, or an integer since 1970"},
    {"key", IN(RECORDS), 0, read_key, "a key of up to 255 bytes"},
    {"cursor", PAGED | IN(TAKEN) | IN(RECORDS), 0, read_cursor, "a number from the `next` of an answer"},
    {"day", IN(PROFILE), 0, read_day, "a date such as 2013-10-07"},
    {"limit", PAGED | IN(TAKEN) | IN(PROFILE) | IN(RECORDS), 0, read_limit, "a number from 1 to 5000"},
    {"as_of", IN(BARS) | IN(SIGNALS) | IN(VENDOR_BARS) | IN(FILLS) | PUBLISHED, 0, read_as_of,
     "a time such as 2013-10-07T20:00:00Z or an integer since 1970, nor an offset of the tape such as @120000"},
    {"adjust", IN(BARS), 0, read_adjust, "none, split or all"},
    {"known", IN(BARS), 0, read_known, "then or now"},
    {"date", IN(ACTIONS), 0, read_date, "a date such as 2014-06-09"},
    {"kind", IN(ACTIONS), 0, read_kind, "split, dividend or symbol"},
    {"value", IN(ACTIONS), 0, read_value, "as 7:1 of a split, 0.82 of a dividend, META of a symbol"},
    {"currency", IN(ACTIONS), 0, read_currency, "a currency of up to 15 bytes"},
    {"announced", IN(ACTIONS), 0, read_announced, "a date or a time"},
    {"source", IN(ACTIONS), 0, read_source, "a text of up to 255 bytes"},
    {"format", TABLES, 0, read_format, "json, csv or arrow"},
};
enum { PARAMETERS = sizeof parameters / sizeof parameters[0] };

bool td_api_parameter_at(td_api_kind kind, size_t index, td_api_parameter *out) {
    for (size_t i = 0; i < PARAMETERS; i++) {
        const struct parameter *p = &parameters[i];
        if ((p->known >> kind & 1) == 0 || index-- > 0) continue;
        *out = (td_api_parameter){p->name, (p->required >> kind & 1) != 0};
        return true;
    }
    return false;
}

static bool cut_end(td_bytes *text, td_bytes end) {
    bool found = text->size > end.size && td_bytes_equal(td_bytes_from(*text, text->size - end.size), end);
    if (found) text->size -= end.size;
    return found;
}

/* topics/TOPIC and what is below; false: the path is none of these. */
static bool begin_topic(td_api_request *r, td_bytes path) {
    const td_bytes above = TD_TEXT("topics/");
    if (!td_bytes_begin(path, above)) return false;
    td_bytes name = td_bytes_from(path, above.size);
    bool records = cut_end(&name, TD_TEXT("/records")), groups = !records && cut_end(&name, TD_TEXT("/groups"));
    for (size_t i = 0; i < name.size; i++)
        if (strchr("._-", name.data[i]) == NULL && !isalnum(name.data[i])) return false;
    r->kind = records ? TD_API_RECORDS : groups ? TD_API_GROUPS : TD_API_TOPIC;
    if (records) r->limit = TD_API_RECORDS_DEFAULT;
    return read_text(name, r->topic, sizeof r->topic);
}

bool td_api_begin(td_api_request *r, td_bytes path, td_bytes accept, td_api_error *error) {
    *r = (td_api_request){.from_ns = INT64_MIN,
                          .to_ns = INT64_MAX,
                          .before_ns = INT64_MAX,
                          .cursor = -1,
                          .limit = TD_API_LIMIT_DEFAULT,
                          .as_of = TD_PLACE_END,
                          .date = TD_NONE,
                          .partition = -1,
                          .offset = -1,
                          .time_ns = INT64_MIN};
    if (begin_topic(r, path)) return true;
    for (r->kind = 0; r->kind < TD_API_COUNT; r->kind++)
        if (td_bytes_equal(path, td_text(kinds[r->kind]))) break;
    if (r->kind == TD_API_COUNT) {
        return td_api_fail(error, 404, "not_found",
                           "there is no /api/v1/%.*s; there are instruments, latest, bars, trades, quotes, "
                           "vendor_bars, signals, fills, gaps, "
                           "lines, news, stream, explain, quarantine, actions, strategies, profile, topics and status",
                           td_api_shown(path), (const char *)path.data);
    }
    if (((TABLES | IN(ACTIONS)) >> r->kind & 1) != 0) r->format = accepted(accept);
    return true;
}

static bool fail_unknown(const td_api_request *r, td_bytes name, td_api_error *error) {
    const char *known[PARAMETERS + 1] = {0};
    char word[41];
    size_t count = 0;
    for (size_t i = 0; i < PARAMETERS; i++)
        if ((parameters[i].known >> r->kind & 1) != 0) known[count++] = parameters[i].name;
    (void)snprintf(word, sizeof word, "%.*s", td_api_shown(name), (const char *)name.data);
    const char *nearest = td_nearest(word, known);
    return td_api_fail(error, 400, "unknown_parameter", "%s knows no parameter '%s'%s%s%s", kinds[r->kind], word,
                       nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "");
}

bool td_api_set(td_api_request *r, td_bytes name, td_bytes value, td_api_error *error) {
    for (size_t i = 0; i < PARAMETERS; i++) {
        const struct parameter *p = &parameters[i];
        if ((p->known >> r->kind & 1) == 0 || !td_bytes_equal(name, td_text(p->name))) continue;
        if ((r->given >> i & 1) != 0) return td_api_fail(error, 400, "doubled_parameter", "%s is given twice", p->name);
        r->given |= 1u << i;
        if (p->read(r, value)) return true;
        return td_api_fail(error, 400, "bad_parameter", "%s='%.*s' is not %s", p->name, td_api_shown(value),
                           (const char *)value.data, p->expected);
    }
    return fail_unknown(r, name, error);
}

bool td_api_set_all(td_api_request *r, td_json *json, td_api_error *error) {
    static const char expected[] = "parameters in a body are an object of texts";
    td_json_type type = td_json_next(json);
    if (type != TD_JSON_OBJECT) return td_api_fail(error, 400, "bad_body", expected);
    while ((type = td_json_next(json)) == TD_JSON_KEY) {
        char name[32], value[TD_INSTRUMENT_NAME_MAX + 256];
        size_t name_size = td_json_unescape(json->text, name, sizeof name);
        size_t value_size =
            td_json_next(json) == TD_JSON_STRING ? td_json_unescape(json->text, value, sizeof value) : SIZE_MAX;
        if (name_size == SIZE_MAX || value_size == SIZE_MAX) return td_api_fail(error, 400, "bad_body", expected);
        if (!td_api_set(r, (td_bytes){(uint8_t *)name, name_size}, (td_bytes){(uint8_t *)value, value_size}, error))
            return false;
    }
    return type == TD_JSON_OBJECT_END || td_api_fail(error, 400, "bad_body", expected);
}

static bool check_place(const td_api_request *r, td_api_error *error) {
    int places = (r->offset >= 0) + (r->cursor >= 0) + (r->time_ns != INT64_MIN);
    if (r->edge.known)
        return td_api_fail(error, 400, "bad_parameter", "cursor is a number from the `next` of an answer");
    return places < 2 ||
           td_api_fail(error, 400, "bad_parameter", "offset, cursor and time each say where: one of them");
}

bool td_api_check(const td_api_request *r, td_api_error *error) {
    for (size_t i = 0; i < PARAMETERS; i++) {
        if ((parameters[i].required >> r->kind & 1) == 0 || (r->given >> i & 1) != 0) continue;
        return td_api_fail(error, 400, "missing_parameter", "%s needs %s: %s", kinds[r->kind], parameters[i].name,
                           parameters[i].expected);
    }
    if (r->kind == TD_API_RECORDS) return check_place(r, error);
    bool one = r->instrument[0] != '\0';
    if ((r->cursor >= 0 || (r->edge.known && r->edge.instant_ns != INT64_MAX)) && !one && r->kind != TD_API_GAPS)
        return td_api_fail(error, 400, "missing_parameter", "that cursor belongs to one instrument");
    bool by_edge = !one || ((IN(SIGNALS) | IN(FILLS)) >> r->kind & 1) != 0;
    if (r->kind == TD_API_GAPS ? r->edge.known : by_edge ? r->cursor >= 0 : r->edge.known)
        return td_api_fail(error, 400, "bad_parameter", "cursor is not a number from the `next` of such an answer");
    if (r->as_of.offset != INT64_MAX && r->instrument[0] == '\0')
        return td_api_fail(error, 400, "missing_parameter", "an offset belongs to the partition of one instrument");
    if (r->kind == TD_API_STREAM && (r->width_ns != 0) != (r->instrument[0] != '\0'))
        return td_api_fail(error, 400, "missing_parameter", "stream takes instrument and width together, or neither");
    return true;
}
