/* src/stream/daytime.c - from an event's time to its session and its day. */
#include "stream/daytime.h"

static int64_t floor_days(int64_t ns) { return td_window_start(ns, TD_NS_PER_DAY) / TD_NS_PER_DAY; }

/* The session of that instant; empty when there is none. */
static td_period find_session(const td_calendar *calendar, int64_t ns) {
    int64_t start_ns = td_window_start(ns, TD_NS_PER_DAY);
    td_period session = {start_ns, start_ns < INT64_MAX - TD_NS_PER_DAY ? start_ns + TD_NS_PER_DAY : INT64_MAX};
    if (calendar == NULL) return session;
    if (!td_calendar_has_hours(calendar)) return td_calendar_day(calendar, ns);
    return td_calendar_session(calendar, ns, &session) ? session : (td_period){0};
}

void td_daytime_pass(td_daytime *m, const td_calendar *calendar, int64_t start_ns, int64_t now_ns) {
    int64_t last_ns = start_ns < now_ns ? now_ns - 1 : now_ns; /* a bar's end is the next one's */
    m->start_ns = start_ns;
    m->now_ns = now_ns;
    if (td_period_holds(m->session, last_ns)) return; /* a session lies within one day */
    td_zone zone = calendar != NULL ? td_calendar_zone(calendar) : TD_ZONE_UTC;
    m->zone = zone;
    m->day = floor_days(last_ns + td_zone_offset_s(zone, last_ns) * TD_NS_PER_S);
    m->session = find_session(calendar, last_ns);
}

td_value td_daytime_time(const td_daytime *m, td_daytime_field field) {
    if (field == TD_DAYTIME_NOW) return m->now_ns;
    if (m->session.start_ns == m->session.end_ns) return TD_VALUE_NA;
    return field == TD_DAYTIME_OPEN ? m->session.start_ns : m->session.end_ns;
}

td_value td_daytime_clock(const td_daytime *m, int64_t ns_of_day) {
    return td_zone_to_utc((td_zone)m->zone, m->day, ns_of_day);
}

td_value td_daytime_weekday(const td_daytime *m) {
    int64_t weekday = ((m->day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    return (weekday + 1) * TD_VALUE_ONE;
}
