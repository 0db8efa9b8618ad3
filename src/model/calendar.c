/* src/model/calendar.c - reads a calendar's lines, and finds the day and the session of an instant. */
#include "model/calendar.h"
#include "base/lines.h"
#include <stdlib.h>

enum { WEEK = 7, ALL_YEARS = 0 };

typedef struct exception { /* a day that is not as its weekday says */
    int64_t day;
    int64_t open_ns, close_ns; /* of the day's clock; both 0: closed */
} exception;

struct td_calendar {
    td_zone zone;
    uint8_t weekdays;              /* a bit each, Monday's the lowest */
    int64_t open_ns, close_ns;     /* of the day's clock; both 0: around the clock */
    int64_t first_day, behind_day; /* of its years; both ALL_YEARS: without end */
    exception *exceptions;         /* ascending */
    size_t exception_count, exception_capacity;
    td_buf text;
};

static const char *const day_words[WEEK] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* ---- reading ---- */

static bool read_number(td_bytes text, size_t at, size_t digits, int *out) {
    *out = 0;
    for (size_t i = at; i < at + digits; i++) {
        if (i >= text.size || text.data[i] < '0' || text.data[i] > '9') return false;
        *out = *out * 10 + (text.data[i] - '0');
    }
    return true;
}

static bool read_year(td_bytes text, int *out) {
    return text.size == 4 && read_number(text, 0, 4, out) && *out >= 1900 && *out < 2200;
}

static bool read_hours(const td_bytes words[2], int64_t *out_open_ns, int64_t *out_close_ns) {
    return td_clock_parse(words[0], out_open_ns) == TD_OK && td_clock_parse(words[1], out_close_ns) == TD_OK &&
           *out_open_ns < *out_close_ns;
}

static const char *read_zone(td_calendar *c, const td_line *l) {
    for (c->zone = TD_ZONE_UTC; l->count == 2 && c->zone <= TD_ZONE_NEW_YORK; c->zone++)
        if (td_bytes_equal(td_text(td_zone_name(c->zone)), l->at[1])) return NULL;
    return "zone is UTC or America/New_York";
}

static const char *read_days(td_calendar *c, const td_line *l) {
    for (size_t i = 1; i < l->count; i++) {
        int day = td_line_word(day_words, WEEK, l->at[i]);
        if (day < 0) return "days are mon, tue, wed, thu, fri, sat, sun";
        c->weekdays |= (uint8_t)(1u << day);
    }
    return c->weekdays != 0 ? NULL : "days names none";
}

static const char *read_regular(td_calendar *c, const td_line *l) {
    bool valid = l->count == 3 && read_hours(l->at + 1, &c->open_ns, &c->close_ns);
    return valid ? NULL : "regular has an opening and a closing time, as 09:30 16:00";
}

static const char *read_years(td_calendar *c, const td_line *l) {
    int first, last;
    if (l->count != 3 || !read_year(l->at[1], &first) || !read_year(l->at[2], &last) || first > last)
        return "years are a first and a last one, as 1998 2030";
    c->first_day = td_days_from_civil(first, 1, 1);
    c->behind_day = td_days_from_civil(last + 1, 1, 1);
    return NULL;
}

static const char *add_exception(td_calendar *c, exception e) {
    if (c->open_ns == c->close_ns) return "only regular hours have days that differ: `regular` comes before them";
    if (c->exception_count > 0 && c->exceptions[c->exception_count - 1].day >= e.day)
        return "days come in their order, each once";
    if (e.day < c->first_day || e.day >= c->behind_day) return "the day lies outside of `years`";
    if (c->exception_count == c->exception_capacity) {
        c->exception_capacity = 2 * c->exception_capacity + 64;
        size_t size = c->exception_capacity * sizeof e;
        c->exceptions = td_alloc_check(realloc(c->exceptions, size), size);
    }
    c->exceptions[c->exception_count++] = e;
    return NULL;
}

static const char *read_closed(td_calendar *c, const td_line *l) {
    exception e = {0};
    if (l->count != 2 || td_date_parse(l->at[1], &e.day) != TD_OK) return "closed names a day, as 2026-12-25";
    return add_exception(c, e);
}

static const char *read_session(td_calendar *c, const td_line *l) {
    exception e = {0};
    if (l->count != 4 || td_date_parse(l->at[1], &e.day) != TD_OK || !read_hours(l->at + 2, &e.open_ns, &e.close_ns))
        return "session has a day and its hours, as 2026-11-27 09:30 13:00";
    return add_exception(c, e);
}

static const char *read_line(td_calendar *c, const td_line *l) {
    static const struct {
        const char *word;
        const char *(*read)(td_calendar *c, const td_line *l);
    } rows[] = {{"zone", read_zone},   {"days", read_days},     {"regular", read_regular},
                {"years", read_years}, {"closed", read_closed}, {"session", read_session}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (td_bytes_equal(td_text(rows[i].word), l->at[0])) return rows[i].read(c, l);
    return "a line begins with zone, days, regular, years, closed or session";
}

static void keep_line(td_calendar *c, const td_line *l) {
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0) td_buf_text(&c->text, " ");
        td_buf_put(&c->text, l->at[i].data, l->at[i].size);
    }
    td_buf_text(&c->text, "\n");
}

/* Around midnight two sessions must not come close: a window's cell then never holds the end of one and the start of
 * the next, not even in a night of 23 hours. */
static bool rests_between_sessions(const td_calendar *c) {
    int64_t earliest_ns = c->open_ns, latest_ns = c->close_ns;
    for (size_t i = 0; i < c->exception_count; i++) {
        const exception *e = &c->exceptions[i];
        if (e->close_ns == 0) continue;
        if (e->open_ns < earliest_ns) earliest_ns = e->open_ns;
        if (e->close_ns > latest_ns) latest_ns = e->close_ns;
    }
    return latest_ns - earliest_ns <= 23 * TD_NS_PER_HOUR - TD_CALENDAR_REST_NS;
}

static td_status read_text(td_calendar *c, td_bytes text) {
    td_line line = {0};
    while (td_line_next(&text, &line)) {
        const char *mistake = read_line(c, &line);
        if (mistake != NULL) return TD_FAIL(TD_CONFIG, "line %zu: %s", line.number, mistake);
        keep_line(c, &line);
    }
    if (c->weekdays == 0) return TD_FAIL(TD_CONFIG, "line %zu: `days` is missing", line.number);
    if (!rests_between_sessions(c))
        return TD_FAIL(TD_CONFIG, "line %zu: 11 hours are the most from the earliest opening to the latest close",
                       line.number);
    return TD_OK;
}

td_status td_calendar_parse(td_bytes text, td_calendar **out) {
    td_calendar *c = td_alloc_zero(1, sizeof *c);
    td_status status = read_text(c, text);
    if (status != TD_OK) {
        td_calendar_free(c);
        return status;
    }
    *out = c;
    return TD_OK;
}

void td_calendar_free(td_calendar *c) {
    if (c == NULL) return;
    free(c->exceptions);
    td_buf_fini(&c->text);
    free(c);
}

/* ---- asking ---- */

td_bytes td_calendar_text(const td_calendar *c) { return td_buf_bytes(&c->text); }

td_zone td_calendar_zone(const td_calendar *c) { return c->zone; }

bool td_calendar_has_hours(const td_calendar *c) { return c->close_ns > 0; }

static int64_t day_of(const td_calendar *c, int64_t ns) {
    return td_window_start(ns + td_zone_offset_s(c->zone, ns) * TD_NS_PER_S, TD_NS_PER_DAY) / TD_NS_PER_DAY;
}

bool td_calendar_knows(const td_calendar *c, int64_t ns) {
    int64_t day = day_of(c, ns);
    return c->behind_day == ALL_YEARS || (day >= c->first_day && day < c->behind_day);
}

td_period td_calendar_day(const td_calendar *c, int64_t ns) {
    int64_t day = day_of(c, ns);
    return (td_period){td_zone_to_utc(c->zone, day, 0), td_zone_to_utc(c->zone, day + 1, 0)};
}

static const exception *find_exception(const td_calendar *c, int64_t day) {
    size_t low = 0, high = c->exception_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->exceptions[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->exception_count && c->exceptions[low].day == day ? &c->exceptions[low] : NULL;
}

bool td_calendar_session(const td_calendar *c, int64_t ns, td_period *out) {
    int64_t day = day_of(c, ns), weekday = ((day + 3) % WEEK + WEEK) % WEEK; /* 1970-01-01 was a Thursday */
    const exception *e = find_exception(c, day);
    int64_t open_ns = e != NULL ? e->open_ns : c->open_ns, close_ns = e != NULL ? e->close_ns : c->close_ns;
    if (close_ns == 0 || (e == NULL && (c->weekdays >> weekday & 1) == 0)) return false;
    *out = (td_period){td_zone_to_utc(c->zone, day, open_ns), td_zone_to_utc(c->zone, day, close_ns)};
    return ns >= out->start_ns && ns < out->end_ns;
}
