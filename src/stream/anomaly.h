/* src/stream/anomaly.h - what of a day's profile is not as it should be, or not as it was in the week before, with the
 * reason in words. Pure.
 *
 * Against the week, that is up to 7 days before it that the profile keeps, at least 3: a number is flagged that is
 * further from their median than 5 robust deviations (1.4826 * MAD), and than half of that median, and than a least
 * departure that is worth a word. What only grows over a day (counts, volume, range) can be too small only once the
 * day is over. By itself: more than 1 % of the quotes crossed, of the trades doubled, of the events late, refused or
 * ahead of their arrival; more than 1 % of something missing that never was on the days before. */
#pragma once
#include "stream/profile.h"

enum { TD_ANOMALIES_MAX = 16, TD_ANOMALY_TEXT_MAX = 120 };

typedef struct td_anomaly {
    const char *number; /* which: "events_per_second", a literal */
    char text[TD_ANOMALY_TEXT_MAX];
} td_anomaly;

typedef struct td_anomalies {
    size_t count, week_days;            /* how many days it was compared with */
    td_anomaly items[TD_ANOMALIES_MAX]; /* further ones are left out */
} td_anomalies;

/* Judges the day at `nth` of the profile; `over`: no more of it will come. */
void td_anomalies_find(const td_profile *profile, size_t nth, bool over, td_anomalies *out);
/* Adds one; nothing where there is no room. */
void td_anomalies_add(td_anomalies *anomalies, const char *number, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
