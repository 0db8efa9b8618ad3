/* src/stream/daytime.h - the instant at which a graph runs, and the exchange's day and session around it. It follows
 * from the event's own time and its instrument's calendar, so that a bar that is judged again sees the same. A plain
 * value. Thread: any. */
#pragma once
#include "model/calendar.h"
#include "stream/value.h"

typedef struct td_daytime {
    int64_t start_ns;  /* of a bar; of a tick its time */
    int64_t now_ns;    /* of a bar its end */
    td_period session; /* that the last instant of the event lies in; empty: in none */
    int64_t day;       /* of that instant, since 1970-01-01, in the exchange's zone */
    int64_t zone;      /* td_zone */
} td_daytime;
_Static_assert(sizeof(td_daytime) == 48, "the snapshot format depends on this layout");

typedef enum td_daytime_field { TD_DAYTIME_NOW, TD_DAYTIME_OPEN, TD_DAYTIME_CLOSE } td_daytime_field;

/* Goes on from the one before, or from a zeroed one, to an event of [start_ns, now_ns). Without calendar days are
 * those of UTC, and each is a session; so are the days of one without hours. */
void td_daytime_pass(td_daytime *daytime, const td_calendar *calendar, int64_t start_ns, int64_t now_ns);
/* Times; open and close are na outside of the sessions. */
td_value td_daytime_time(const td_daytime *daytime, td_daytime_field field);
/* The instant of that wall time on its day. */
td_value td_daytime_clock(const td_daytime *daytime, int64_t ns_of_day);
/* 1: Monday, to 7: Sunday; a decimal. */
td_value td_daytime_weekday(const td_daytime *daytime);
