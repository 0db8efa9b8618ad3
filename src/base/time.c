/* src/base/time.c - calendar arithmetic, the two zones, and texts of instants and durations. */
#include "base/time.h"
#include <stdio.h>

/* Days are counted in eras of 400 years that begin on 1 March, so that the leap day is a year's last. */
int64_t td_days_from_civil(int year, int month, int day) {
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

typedef struct civil {
    int year, month, day;
} civil;

static civil civil_from_days(int64_t days) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    int day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    return (civil){(int)(year_of_era + era * 400) + (month <= 2), month, day};
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t floor_mod(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

/* The first Sunday on or after the date. Day 3 of the epoch was one. */
static int64_t sunday_from(int year, int month, int day) {
    int64_t days = td_days_from_civil(year, month, day);
    return days + 6 - floor_mod(days + 3, 7);
}

/* Daylight saving time of a year as [start, end) in UTC seconds: both changes are at 2:00 by the clock on the wall. */
static void new_york_summer(int year, int64_t *out_start_s, int64_t *out_end_s) {
    int64_t start = sunday_from(year, 4, 24); /* the last Sunday of April */
    int64_t end = sunday_from(year, 10, 25);
    if (year >= 2007) {
        start = sunday_from(year, 3, 8);
        end = sunday_from(year, 11, 1);
    } else if (year >= 1987) {
        start = sunday_from(year, 4, 1);
    } else if (year == 1974) { /* the oil crisis */
        start = td_days_from_civil(1974, 1, 6);
    } else if (year == 1975) {
        start = td_days_from_civil(1975, 2, 23);
    }
    *out_start_s = start * 86400 + 7 * 3600;
    *out_end_s = end * 86400 + 6 * 3600;
}

const char *td_zone_name(td_zone zone) { return zone == TD_ZONE_NEW_YORK ? "America/New_York" : "UTC"; }

int32_t td_zone_offset_s(td_zone zone, int64_t utc_ns) {
    if (zone == TD_ZONE_UTC) return 0;
    int64_t start_s, end_s, now_s = floor_div(utc_ns, TD_NS_PER_S);
    new_york_summer(civil_from_days(floor_div(utc_ns, TD_NS_PER_DAY)).year, &start_s, &end_s);
    return now_s >= start_s && now_s < end_s ? -4 * 3600 : -5 * 3600;
}

int64_t td_zone_to_utc(td_zone zone, int64_t local_day, int64_t ns_of_day) {
    int64_t local_ns = local_day * TD_NS_PER_DAY + ns_of_day;
    if (zone == TD_ZONE_UTC) return local_ns;
    /* Daylight time comes first in a repeated hour; in a skipped one neither holds, and standard time maps forward. */
    int64_t summer_ns = local_ns + 4 * TD_NS_PER_HOUR;
    return td_zone_offset_s(zone, summer_ns) == -4 * 3600 ? summer_ns : local_ns + 5 * TD_NS_PER_HOUR;
}

typedef struct unit {
    const char *name;
    int64_t ns;
} unit;

static const unit units[] = {
    {"d", TD_NS_PER_DAY},
    {"h", TD_NS_PER_HOUR},
    {"m", TD_NS_PER_MIN},
    {"s", TD_NS_PER_S},
    {"ms", TD_NS_PER_MS},
    {"us", TD_NS_PER_US},
    {"ns", 1},
};
enum { UNIT_COUNT = sizeof units / sizeof units[0] };

/* Reads digits as a non-negative number; false when there is none or it leaves int64. Moves *at behind them. */
static bool read_number(td_bytes text, size_t *at, int64_t *out) {
    size_t start = *at;
    int64_t v = 0;
    for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, text.data[*at] - '0', &v)) return false;
    *out = v;
    return *at > start;
}

td_status td_duration_parse(td_bytes text, int64_t *out_ns) {
    size_t at = 0;
    int64_t count;
    if (!read_number(text, &at, &count)) return TD_REJECT;
    td_bytes name = {text.data + at, text.size - at};
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (td_bytes_equal(name, td_text(units[i].name)))
            return __builtin_mul_overflow(count, units[i].ns, out_ns) ? TD_REJECT : TD_OK;
    return TD_REJECT;
}

size_t td_duration_format(int64_t ns, char out[24]) {
    if (ns == 0) return (size_t)snprintf(out, 24, "0s");
    size_t i = 0;
    while (ns % units[i].ns != 0) i++;
    return (size_t)snprintf(out, 24, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
}

size_t td_duration_format_long(int64_t ns, char out[40]) {
    static const struct {
        uint64_t ns;
        char name;
    } parts[] = {{TD_NS_PER_DAY, 'd'}, {TD_NS_PER_HOUR, 'h'}, {TD_NS_PER_MIN, 'm'}};
    uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    size_t n = 0;
    if (ns < 0) out[n++] = '-';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; left %= parts[i++].ns)
        if (left >= parts[i].ns)
            n += (size_t)snprintf(out + n, 40 - n, "%llu%c", (unsigned long long)(left / parts[i].ns), parts[i].name);
    if (left == 0 && ns != 0) return n;
    n += (size_t)snprintf(out + n, 40 - n, "%llu", (unsigned long long)(left / TD_NS_PER_S));
    if (left % TD_NS_PER_S != 0) {
        n += (size_t)snprintf(out + n, 40 - n, ".%09llu", (unsigned long long)(left % TD_NS_PER_S));
        while (out[n - 1] == '0') n--;
    }
    return n + (size_t)snprintf(out + n, 40 - n, "s");
}

static size_t format_minute(int64_t ns, char out[40]) {
    civil date = civil_from_days(floor_div(ns, TD_NS_PER_DAY));
    int64_t minute = floor_mod(ns, TD_NS_PER_DAY) / TD_NS_PER_MIN;
    return (size_t)snprintf(out, 40, "%04d-%02d-%02dT%02d:%02d", date.year, date.month, date.day, (int)(minute / 60),
                            (int)(minute % 60));
}

static size_t format_second(int64_t ns, char out[40]) {
    int64_t rest = floor_mod(ns, TD_NS_PER_MIN);
    size_t n = (size_t)snprintf(out, 40, ":%02d", (int)(rest / TD_NS_PER_S));
    if (rest % TD_NS_PER_S == 0) return n;
    n += (size_t)snprintf(out + n, 40 - n, ".%09d", (int)(rest % TD_NS_PER_S));
    while (out[n - 1] == '0') out[--n] = '\0';
    return n;
}

size_t td_time_format_short(int64_t ns, char out[40]) {
    size_t n = format_minute(ns, out);
    char tail[40];
    if (ns % TD_NS_PER_MIN == 0) return n;
    return n + (size_t)snprintf(out + n, 40 - n, "%.*s", (int)format_second(ns, tail), tail);
}

size_t td_time_format(int64_t ns, char out[40]) {
    size_t n = format_minute(ns, out);
    char tail[40];
    return n + (size_t)snprintf(out + n, 40 - n, "%.*sZ", (int)format_second(ns, tail), tail);
}

/* Reads exactly `count` digits that make a number of at least `min` and at most `max`. */
static bool read_field(td_bytes text, size_t *at, int count, int min, int max, int *out) {
    int v = 0;
    for (int i = 0; i < count; i++, ++*at) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9') return false;
        v = v * 10 + (text.data[*at] - '0');
    }
    *out = v;
    return v >= min && v <= max;
}

static bool read_char(td_bytes text, size_t *at, char wanted) {
    if (*at >= text.size || text.data[*at] != (uint8_t)wanted) return false;
    ++*at;
    return true;
}

/* "HH:MM[:SS]" */
static bool read_clock(td_bytes text, size_t *at, int64_t *out_ns) {
    int hour, minute, second = 0;
    if (!read_field(text, at, 2, 0, 23, &hour) || !read_char(text, at, ':')) return false;
    if (!read_field(text, at, 2, 0, 59, &minute)) return false;
    if (read_char(text, at, ':') && !read_field(text, at, 2, 0, 59, &second)) return false;
    *out_ns = hour * TD_NS_PER_HOUR + minute * TD_NS_PER_MIN + second * TD_NS_PER_S;
    return true;
}

/* Behind the dot: 1 to 9 digits. More would be cut unseen, so they are refused. */
static bool read_fraction(td_bytes text, size_t *at, int64_t *out_ns) {
    size_t start = *at;
    if (!read_number(text, at, out_ns) || *at - start > 9) return false;
    for (size_t digits = *at - start; digits < 9; digits++) *out_ns *= 10;
    return true;
}

static bool read_offset(td_bytes text, size_t *at, int64_t *out_ns) {
    *out_ns = 0;
    if (read_char(text, at, 'Z') || read_char(text, at, 'z')) return true;
    bool west = read_char(text, at, '-');
    int hour, minute;
    if (!west && !read_char(text, at, '+')) return false;
    if (!read_field(text, at, 2, 0, 23, &hour) || !read_char(text, at, ':')) return false;
    if (!read_field(text, at, 2, 0, 59, &minute)) return false;
    *out_ns = (hour * TD_NS_PER_HOUR + minute * TD_NS_PER_MIN) * (west ? -1 : 1);
    return true;
}

static int month_length(int year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (month == 2 && leap);
}

static bool read_date(td_bytes text, size_t *at, int64_t *out_day) {
    int year, month, day;
    bool valid = read_field(text, at, 4, 0, 9999, &year) && read_char(text, at, '-') &&
                 read_field(text, at, 2, 1, 12, &month) && read_char(text, at, '-') &&
                 read_field(text, at, 2, 1, month_length(year, month), &day);
    if (valid) *out_day = td_days_from_civil(year, month, day);
    return valid;
}

td_status td_date_parse(td_bytes text, int64_t *out_days) {
    size_t at = 0;
    int64_t days;
    if (!read_date(text, &at, &days) || at != text.size) return TD_REJECT;
    *out_days = days;
    return TD_OK;
}

static td_status parse_rfc3339(td_bytes text, int64_t *out_ns) {
    size_t at = 0;
    int64_t day, clock_ns, fraction_ns = 0, offset_ns;
    bool date = read_date(text, &at, &day) &&
                (read_char(text, &at, 'T') || read_char(text, &at, 't') || read_char(text, &at, ' '));
    size_t clock_start = at;
    if (!date || !read_clock(text, &at, &clock_ns)) return TD_REJECT;
    bool has_seconds = at - clock_start > 5;
    if (has_seconds && read_char(text, &at, '.') && !read_fraction(text, &at, &fraction_ns)) return TD_REJECT;
    if (!read_offset(text, &at, &offset_ns) || at != text.size) return TD_REJECT;
    td_i128 ns = (td_i128)day * TD_NS_PER_DAY + clock_ns + fraction_ns - offset_ns;
    *out_ns = (int64_t)ns;
    return *out_ns == ns ? TD_OK : TD_REJECT; /* int64 ends in 2262 */
}

td_status td_time_parse(td_bytes text, int64_t *out_ns) {
    size_t at = 0;
    bool negative = read_char(text, &at, '-');
    int64_t v;
    if (!read_number(text, &at, &v) || at != text.size) return parse_rfc3339(text, out_ns);
    int64_t unit_ns = TD_NS_PER_S;
    if (v >= INT64_C(100000000000)) unit_ns = TD_NS_PER_MS;
    if (v >= INT64_C(100000000000000)) unit_ns = TD_NS_PER_US;
    if (v >= INT64_C(100000000000000000)) unit_ns = 1;
    return __builtin_mul_overflow(negative ? -v : v, unit_ns, out_ns) ? TD_REJECT : TD_OK;
}

td_status td_clock_parse(td_bytes text, int64_t *out_ns_of_day) {
    size_t at = 0;
    if (td_bytes_equal(text, TD_TEXT("24:00"))) { /* the end of a range that lasts until midnight */
        *out_ns_of_day = TD_NS_PER_DAY;
        return TD_OK;
    }
    return read_clock(text, &at, out_ns_of_day) && at == text.size ? TD_OK : TD_REJECT;
}
