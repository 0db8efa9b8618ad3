/* src/model/calendar.h - when a venue trades: its days and, where it has them, the sessions of its regular hours, as
 * spans of UTC. Read from a text (docs/calendars.md); constant afterwards. Pure arithmetic: the same text gives the
 * same spans on every machine. Behind its last year, and before its first, the days of the week and the regular hours
 * go on without holidays. Thread: any. */
#pragma once
#include "base/time.h"

typedef struct td_calendar td_calendar;

typedef struct td_period { /* [start, end) */
    int64_t start_ns, end_ns;
} td_period;

static inline bool td_period_holds(td_period period, int64_t ns) {
    return (uint64_t)ns - (uint64_t)period.start_ns < (uint64_t)period.end_ns - (uint64_t)period.start_ns;
}

/* Sessions are at least this far apart. */
#define TD_CALENDAR_REST_NS (12 * TD_NS_PER_HOUR)

/* Errors: TD_REJECT, the trail says line and what is wrong. */
TD_CHECKED td_status td_calendar_parse(td_bytes text, td_calendar **out);
void td_calendar_free(td_calendar *calendar); /* accepts NULL */
/* The text without comments and empty lines: it parses to the same calendar. */
td_bytes td_calendar_text(const td_calendar *calendar);
td_zone td_calendar_zone(const td_calendar *calendar);
/* False: it trades around the clock, every day is one session. */
bool td_calendar_has_hours(const td_calendar *calendar);
/* Whether its years hold the instant. */
bool td_calendar_knows(const td_calendar *calendar, int64_t ns);
/* The day there that holds the instant, from midnight to midnight: 23, 24 or 25 hours. */
td_period td_calendar_day(const td_calendar *calendar, int64_t ns);
/* The session of the regular hours that holds the instant. False: there is none. */
bool td_calendar_session(const td_calendar *calendar, int64_t ns, td_period *out);
