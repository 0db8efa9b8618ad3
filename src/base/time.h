/* src/base/time.h - instants as int64 nanoseconds since the Unix epoch, UTC. Pure arithmetic: no clock, no locale,
 * no time zone files. Zones known: UTC and America/New_York by the US rules since 1967. Thread: any. */
#pragma once
#include "base/bytes.h"

#define TD_NS_PER_US   INT64_C(1000)
#define TD_NS_PER_MS   INT64_C(1000000)
#define TD_NS_PER_S    INT64_C(1000000000)
#define TD_NS_PER_MIN  (60 * TD_NS_PER_S)
#define TD_NS_PER_HOUR (60 * TD_NS_PER_MIN)
#define TD_NS_PER_DAY  (24 * TD_NS_PER_HOUR)

typedef enum td_zone { TD_ZONE_UTC, TD_ZONE_NEW_YORK } td_zone;

const char *td_zone_name(td_zone zone);                   /* IANA: "America/New_York" */
int64_t td_days_from_civil(int year, int month, int day); /* days since 1970-01-01, proleptic Gregorian */
/* Local wall time (midnight of the date + ns_of_day) to UTC; a time skipped by daylight saving maps forward, a
 * repeated one to the first. */
int64_t td_zone_to_utc(td_zone zone, int64_t local_day, int64_t ns_of_day);
/* Seconds to add to UTC for local time at that instant: -18000 or -14400 in New York. */
int32_t td_zone_offset_s(td_zone zone, int64_t utc_ns);

/* "1500ms" "250us" "1s" "5m" "1h" "1d" "100ns" to ns. Errors: TD_REJECT (no trail). */
TD_CHECKED td_status td_duration_parse(td_bytes text, int64_t *out_ns);
size_t td_duration_format(int64_t ns, char out[24]); /* the largest unit that is exact: "1m", "90s", "1500ms" */
/* For people, of any length: "1d2h3m4.5s", "-30m", "0.25s". */
size_t td_duration_format_long(int64_t ns, char out[40]);
/* "2026-11-21T14:31" plus ":05" and ".123456789" only as far as needed; UTC, no suffix. Returns the length. */
size_t td_time_format_short(int64_t ns, char out[40]);
/* "2026-11-21T14:31:05.123456789Z", fraction without trailing zeros. */
size_t td_time_format(int64_t ns, char out[40]);
/* Parses an RFC 3339 instant ("2026-11-21T14:31:05.5Z", offset or Z required, a space may stand for the T; seconds and
 * fraction optional), or a plain integer: Unix ns when >= 1e17, us >= 1e14, ms >= 1e11, else seconds. Errors: TD_REJECT
 * (no trail). */
TD_CHECKED td_status td_time_parse(td_bytes text, int64_t *out_ns);
/* "2026-11-21" to days since 1970-01-01. Errors: TD_REJECT. */
TD_CHECKED td_status td_date_parse(td_bytes text, int64_t *out_days);
/* "09:30", "09:30:00" to ns since midnight; "24:00" is a day's end. Errors: TD_REJECT. */
TD_CHECKED td_status td_clock_parse(td_bytes text, int64_t *out_ns_of_day);

/* Of two instants, or other numbers. */
static inline int64_t td_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t td_most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Start of the window of `width_ns` that holds `ns`: multiples of the width since the Unix epoch. */
static inline int64_t td_window_start(int64_t ns, int64_t width_ns) {
    int64_t rest = ns % width_ns;
    return ns - (rest < 0 ? rest + width_ns : rest);
}
