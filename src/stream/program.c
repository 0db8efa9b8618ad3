/* src/stream/program.c - what a program says of an instrument's days, of a feed, and its end. */
#include "stream/program.h"
#include <assert.h>
#include <stdlib.h>

/* ---- days and windows ---- */

static int compare_pattern(const void *key, const void *listing) {
    return strcmp(key, ((const td_program_listing *)listing)->pattern);
}

static const td_program_listing *find_listing(const td_program *p, const char *pattern) {
    return bsearch(pattern, p->listings, p->listing_count, sizeof *p->listings, compare_pattern);
}

uint32_t td_program_calendar(const td_program *p, td_bytes instrument) {
    char pattern[TD_INSTRUMENT_NAME_MAX + 2];
    assert(instrument.size <= TD_INSTRUMENT_NAME_MAX);
    if (p->listing_count == 0) return TD_NO_CALENDAR;
    memcpy(pattern, instrument.data, instrument.size);
    pattern[instrument.size] = '\0';
    const td_program_listing *found = find_listing(p, pattern);
    for (size_t size = instrument.size + 1; found == NULL && size-- > 0;) {
        memcpy(pattern + size, "*", 2);
        found = find_listing(p, pattern);
    }
    return found != NULL ? found->calendar : TD_NO_CALENDAR;
}

static bool keeps_hours(const td_program *p, uint32_t calendar) {
    return p->regular && calendar != TD_NO_CALENDAR && td_calendar_has_hours(p->calendars[calendar]);
}

bool td_program_day(const td_program *p, uint32_t calendar, int64_t ns, td_period *out) {
    *out = (td_period){INT64_MIN, INT64_MAX};
    if (calendar == TD_NO_CALENDAR) return true;
    if (keeps_hours(p, calendar)) return td_calendar_session(p->calendars[calendar], ns, out);
    *out = td_calendar_day(p->calendars[calendar], ns);
    return true;
}

td_zone td_program_zone(const td_program *p, td_bytes instrument) {
    uint32_t calendar = p != NULL ? td_program_calendar(p, instrument) : TD_NO_CALENDAR;
    return calendar != TD_NO_CALENDAR ? td_calendar_zone(p->calendars[calendar]) : TD_ZONE_UTC;
}

bool td_program_knows(const td_program *p, uint32_t calendar, int64_t ns) {
    return calendar == TD_NO_CALENDAR || td_calendar_knows(p->calendars[calendar], ns);
}

td_period td_program_window(const td_program *p, uint32_t calendar, size_t w, td_period day, int64_t ns) {
    if (w >= td_program_timed(p)) return (td_period){ns, ns + 1};
    bool extended = td_width_is_extended(p->widths_ns[w]);
    int64_t width_ns = td_width_span_ns(p->widths_ns[w]), start_ns = td_window_start(ns, width_ns);
    int64_t end_ns = start_ns + width_ns;
    if (calendar != TD_NO_CALENDAR && width_ns == TD_NS_PER_DAY)
        return extended ? td_calendar_day(p->calendars[calendar], ns) : day;
    if (extended || width_ns > TD_CALENDAR_REST_NS || !keeps_hours(p, calendar)) return (td_period){start_ns, end_ns};
    return (td_period){start_ns > day.start_ns ? start_ns : day.start_ns, end_ns < day.end_ns ? end_ns : day.end_ns};
}

bool td_program_next_window(const td_program *p, uint32_t calendar, size_t w, td_period last, td_period *out) {
    td_period day = {INT64_MIN, INT64_MAX};
    bool extended = td_width_is_extended(p->widths_ns[w]);
    if (!extended && !td_program_day(p, calendar, last.end_ns, &day)) return false;
    if (calendar != TD_NO_CALENDAR && td_calendar_has_hours(p->calendars[calendar])) {
        if (extended) day = td_calendar_day(p->calendars[calendar], last.end_ns);
        if (!td_period_holds(day, last.start_ns)) return false;
    }
    *out = td_program_window(p, calendar, w, day, last.end_ns);
    return true;
}

size_t td_program_first_extended(const td_program *p) {
    size_t first = td_program_timed(p);
    while (first > 0 && td_width_is_extended(p->widths_ns[first - 1])) first--;
    return first;
}

/* ---- the rest ---- */

td_program_feed td_program_feed_default(void) {
    return (td_program_feed){.lateness_ns = INT64_C(1000000000),
                             .max_ahead_ns = INT64_C(5000000000),
                             .max_instruments = 10000,
                             .max_delay_ns = INT64_C(1000000000),
                             .gaps = true};
}

const td_program_feed *td_program_feed_of(const td_program *program, td_bytes name) {
    for (size_t i = 0; i < program->feed_count; i++)
        if (td_bytes_equal(td_text(program->feeds[i].name), name)) return &program->feeds[i];
    return &program->unnamed;
}

void td_program_free(td_program *program) {
    if (program == NULL) return;
    for (size_t i = 0; i < td_program_graph_count(program); i++) td_graph_free(program->graphs[i]);
    for (size_t i = 0; i < program->calendar_count; i++) td_calendar_free(program->calendars[i]);
    free(program->listings);
    free(program);
}

uint32_t td_program_depth(const td_program *p, int64_t width_ns) {
    if (!td_width_is_timed(width_ns)) return 0;
    int64_t span_ns = td_width_span_ns(width_ns);
    uint32_t depth = (uint32_t)((td_program_grace_ns(p, width_ns) + span_ns - 1) / span_ns);
    return depth > 0 && p->calendar_count > 0 ? depth + 1 : depth; /* one that a session cuts ends sooner */
}
