/* tests/unit/base_time_test.c - goal: calendar, New York's clock changes and texts of instants hold at their edges. */
#include "base/time.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t instant(const char *text) {
    int64_t ns = 0;
    ASSERT_ROW(td_time_parse(td_text(text), &ns) == TD_OK, "%s", text);
    return ns;
}

static void counts_days(void **state) {
    static const struct {
        int year, month, day;
        int64_t days;
    } rows[] = {
        {1970, 1, 1, 0},      {1969, 12, 31, -1},   {2000, 2, 29, 11016},  {2000, 3, 1, 11017},
        {1900, 3, 1, -25508}, {2013, 10, 7, 15985}, {2026, 11, 21, 20778}, {1600, 2, 29, -135081},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(td_days_from_civil(rows[i].year, rows[i].month, rows[i].day), rows[i].days);
}

static void knows_new_york(void **state) {
    static const struct {
        const char *utc;
        int32_t offset_s;
    } rows[] = {
        {"2013-10-07T13:30:00Z", -14400},           /* the demo's opening bell */
        {"2026-03-08T06:59:59.999999999Z", -18000}, /* second Sunday of March */
        {"2026-03-08T07:00:00Z", -14400},
        {"2026-11-01T05:59:59.999999999Z", -14400}, /* first Sunday of November */
        {"2026-11-01T06:00:00Z", -18000},
        {"2006-04-02T06:59:59Z", -18000}, /* until 2006: first Sunday of April */
        {"2006-04-02T07:00:00Z", -14400},
        {"2006-10-29T05:59:59Z", -14400}, /* and last of October */
        {"2006-10-29T06:00:00Z", -18000},
        {"2007-03-11T07:00:00Z", -14400},
        {"1986-04-27T06:59:59Z", -18000}, /* until 1986: last Sunday of April */
        {"1986-04-27T07:00:00Z", -14400},
        {"1987-04-05T07:00:00Z", -14400},
        {"1974-01-06T06:59:59Z", -18000}, /* the oil crisis */
        {"1974-01-06T07:00:00Z", -14400},
        {"1975-02-23T07:00:00Z", -14400},
        {"1975-02-23T06:59:59Z", -18000},
        {"1967-04-30T07:00:00Z", -14400},
        {"1967-10-29T06:00:00Z", -18000},
        {"2026-01-01T00:00:00Z", -18000},
        {"2026-12-31T23:59:59Z", -18000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ASSERT_ROW(td_zone_offset_s(TD_ZONE_NEW_YORK, instant(rows[i].utc)) == rows[i].offset_s, "%s", rows[i].utc);
        assert_int_equal(td_zone_offset_s(TD_ZONE_UTC, instant(rows[i].utc)), 0);
    }
}

/* The system's zone files were made by others; absent ones read as UTC, which the first row would show. */
static void agrees_with_the_systems_zone_files(void **state) {
    (void)state;
    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    tzset();
    struct tm local;
    time_t at = 1381152600;
    assert_non_null(localtime_r(&at, &local));
    if (local.tm_gmtoff == 0) skip();                                       /* no zone files here */
    for (at = -86400 * 365 * 2; at < INT64_C(2145916800); at += 1800 * 7) { /* 1968 to 2037 */
        assert_non_null(localtime_r(&at, &local));
        ASSERT_ROW(td_zone_offset_s(TD_ZONE_NEW_YORK, at * TD_NS_PER_S) == local.tm_gmtoff, "%lld", (long long)at);
    }
}

static void maps_local_time(void **state) {
    static const struct {
        int month, day;
        const char *clock, *utc;
    } rows[] = {
        {10, 7, "09:30", "2026-10-07T13:30:00Z"},
        {1, 7, "09:30", "2026-01-07T14:30:00Z"},
        {3, 8, "01:59:59", "2026-03-08T06:59:59Z"},
        {3, 8, "02:00", "2026-03-08T07:00:00Z"}, /* skipped: forward, 03:00 daylight time */
        {3, 8, "02:30", "2026-03-08T07:30:00Z"},
        {3, 8, "03:00", "2026-03-08T07:00:00Z"},
        {11, 1, "00:59:59", "2026-11-01T04:59:59Z"},
        {11, 1, "01:30", "2026-11-01T05:30:00Z"}, /* repeated: the first */
        {11, 1, "02:00", "2026-11-01T07:00:00Z"},
        {12, 31, "24:00", "2027-01-01T05:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t clock_ns = 0, day = td_days_from_civil(2026, rows[i].month, rows[i].day);
        assert_int_equal(td_clock_parse(td_text(rows[i].clock), &clock_ns), TD_OK);
        ASSERT_ROW(td_zone_to_utc(TD_ZONE_NEW_YORK, day, clock_ns) == instant(rows[i].utc), "%s", rows[i].utc);
        assert_int_equal(td_zone_to_utc(TD_ZONE_UTC, day, clock_ns), day * TD_NS_PER_DAY + clock_ns);
    }
}

static void reads_durations(void **state) {
    static const struct {
        const char *text;
        td_status status;
        int64_t ns;
        const char *back;
    } rows[] = {
        {"1500ms", TD_OK, 1500 * TD_NS_PER_MS, "1500ms"},
        {"250us", TD_OK, 250000, "250us"},
        {"1s", TD_OK, TD_NS_PER_S, "1s"},
        {"60s", TD_OK, TD_NS_PER_MIN, "1m"},
        {"90s", TD_OK, 90 * TD_NS_PER_S, "90s"},
        {"5m", TD_OK, 5 * TD_NS_PER_MIN, "5m"},
        {"60m", TD_OK, TD_NS_PER_HOUR, "1h"},
        {"24h", TD_OK, TD_NS_PER_DAY, "1d"},
        {"100ns", TD_OK, 100, "100ns"},
        {"0s", TD_OK, 0, "0s"},
        {"106751d", TD_OK, 106751 * TD_NS_PER_DAY, "106751d"},
        {"106752d", TD_REJECT, 0, NULL},
        {"99999999999999999999ns", TD_REJECT, 0, NULL},
        {"", TD_REJECT, 0, NULL},
        {"5", TD_REJECT, 0, NULL},
        {"s", TD_REJECT, 0, NULL},
        {"-1s", TD_REJECT, 0, NULL},
        {"1.5s", TD_REJECT, 0, NULL},
        {"1 s", TD_REJECT, 0, NULL},
        {"1S", TD_REJECT, 0, NULL},
        {"1sec", TD_REJECT, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 0;
        char out[24];
        ASSERT_ROW(td_duration_parse(td_text(rows[i].text), &ns) == rows[i].status, "%s", rows[i].text);
        if (rows[i].status != TD_OK) continue;
        ASSERT_ROW(ns == rows[i].ns, "%s", rows[i].text);
        assert_int_equal(td_duration_format(ns, out), strlen(rows[i].back));
        assert_string_equal(out, rows[i].back);
    }
}

static void writes_long_durations(void **state) {
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "0s"},
        {1, "0.000000001s"},
        {-250000000, "-0.25s"},
        {60 * TD_NS_PER_S, "1m"},
        {61500000000, "1m1.5s"},
        {-TD_NS_PER_HOUR - 30 * TD_NS_PER_S, "-1h30s"},
        {25 * TD_NS_PER_HOUR, "1d1h"},
        {2 * TD_NS_PER_DAY + TD_NS_PER_MIN + 7, "2d1m0.000000007s"},
        {INT64_MAX, "106751d23h47m16.854775807s"},
        {INT64_MIN, "-106751d23h47m16.854775808s"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[40];
        assert_int_equal(td_duration_format_long(rows[i].ns, out), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
    }
}

static void reads_and_writes_instants(void **state) {
    static const struct {
        const char *text;
        td_status status;
        int64_t ns;
    } rows[] = {
        {"1970-01-01T00:00:00Z", TD_OK, 0},
        {"1970-01-01T00:00Z", TD_OK, 0},
        {"1970-01-01t00:00:01.000000001z", TD_OK, 1000000001},
        {"1969-12-31T23:59:59.5Z", TD_OK, -500000000},
        {"2026-11-21T14:31:05.123456789Z", TD_OK, INT64_C(1795271465123456789)},
        {"2026-11-21T09:31:05.123456789-05:00", TD_OK, INT64_C(1795271465123456789)},
        {"2026-11-21 09:31:05.123456789-05:00", TD_OK, INT64_C(1795271465123456789)}, /* as pandas writes it */
        {"2026-11-22T00:01:05.123456789+09:30", TD_OK, INT64_C(1795271465123456789)},
        {"2262-04-11T23:47:16.854775807Z", TD_OK, INT64_MAX},
        {"2262-04-11T23:47:16.854775808Z", TD_REJECT, 0},
        {"9999-12-31T23:59:59Z", TD_REJECT, 0},
        {"2024-02-29T00:00Z", TD_OK, INT64_C(1709164800000000000)},
        {"2023-02-29T00:00Z", TD_REJECT, 0},
        {"2100-02-29T00:00Z", TD_REJECT, 0},
        {"2026-00-01T00:00Z", TD_REJECT, 0},
        {"2026-13-01T00:00Z", TD_REJECT, 0},
        {"2026-11-31T00:00Z", TD_REJECT, 0},
        {"2026-11-21T24:00Z", TD_REJECT, 0},
        {"2026-11-21T23:60Z", TD_REJECT, 0},
        {"2026-11-21T23:59:60Z", TD_REJECT, 0},
        {"2026-11-21T14:31", TD_REJECT, 0}, /* which zone? */
        {"2026-11-21 14:31:05", TD_REJECT, 0},
        {"2026-11-21  14:31Z", TD_REJECT, 0},
        {"2026-11-21T14:31.5Z", TD_REJECT, 0},
        {"2026-11-21T14:31:05.Z", TD_REJECT, 0},
        {"2026-11-21T14:31:05.1234567891Z", TD_REJECT, 0},
        {"2026-11-21T14:31:05Zx", TD_REJECT, 0},
        {"2026-11-21T14:31:05+0500", TD_REJECT, 0},
        {"26-11-21T14:31Z", TD_REJECT, 0},
        {"", TD_REJECT, 0},
        /* plain integers, by their size */
        {"0", TD_OK, 0},
        {"1795271465", TD_OK, INT64_C(1795271465000000000)},
        {"1795271465123", TD_OK, INT64_C(1795271465123000000)},
        {"1795271465123456", TD_OK, INT64_C(1795271465123456000)},
        {"1795271465123456789", TD_OK, INT64_C(1795271465123456789)},
        {"-1", TD_OK, -1000000000},
        {"99999999999", TD_REJECT, 0}, /* as seconds it is beyond 2262 */
        {"9223372036854775808", TD_REJECT, 0},
        {"12a", TD_REJECT, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 0, back = 0;
        ASSERT_ROW(td_time_parse(td_text(rows[i].text), &ns) == rows[i].status, "%s", rows[i].text);
        if (rows[i].status != TD_OK) continue;
        ASSERT_ROW(ns == rows[i].ns, "%s", rows[i].text);
        char out[40];
        size_t size = td_time_format(ns, out);
        assert_int_equal(td_time_parse((td_bytes){(const uint8_t *)out, size}, &back), TD_OK);
        ASSERT_ROW(back == ns, "%s", rows[i].text);
    }
}

static void writes_as_few_digits_as_needed(void **state) {
    static const struct {
        const char *utc, *brief, *full;
    } rows[] = {
        {"2026-11-21T14:31Z", "2026-11-21T14:31", "2026-11-21T14:31:00Z"},
        {"2026-11-21T14:31:05Z", "2026-11-21T14:31:05", "2026-11-21T14:31:05Z"},
        {"2026-11-21T14:31:00.5Z", "2026-11-21T14:31:00.5", "2026-11-21T14:31:00.5Z"},
        {"2026-11-21T14:31:05.123456789Z", "2026-11-21T14:31:05.123456789", "2026-11-21T14:31:05.123456789Z"},
        {"2026-11-21T14:31:05.000000010Z", "2026-11-21T14:31:05.00000001", "2026-11-21T14:31:05.00000001Z"},
        {"1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.9", "1969-12-31T23:59:59.9Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[40];
        assert_int_equal(td_time_format_short(instant(rows[i].utc), out), strlen(rows[i].brief));
        assert_string_equal(out, rows[i].brief);
        assert_int_equal(td_time_format(instant(rows[i].utc), out), strlen(rows[i].full));
        assert_string_equal(out, rows[i].full);
    }
    char out[40];
    (void)td_time_format(INT64_MIN, out);
    assert_string_equal(out, "1677-09-21T00:12:43.145224192Z");
}

static void reads_the_time_of_day(void **state) {
    static const struct {
        const char *text;
        td_status status;
        int64_t ns;
    } rows[] = {
        {"00:00", TD_OK, 0},
        {"09:30", TD_OK, 570 * TD_NS_PER_MIN},
        {"09:30:15", TD_OK, 34215 * TD_NS_PER_S},
        {"24:00", TD_OK, TD_NS_PER_DAY},
        {"24:01", TD_REJECT, 0},
        {"9:30", TD_REJECT, 0},
        {"09:60", TD_REJECT, 0},
        {"09:30:", TD_REJECT, 0},
        {"09:30 ", TD_REJECT, 0},
        {"", TD_REJECT, 0},
        {"0930", TD_REJECT, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 0;
        ASSERT_ROW(td_clock_parse(td_text(rows[i].text), &ns) == rows[i].status, "%s", rows[i].text);
        if (rows[i].status == TD_OK) assert_int_equal(ns, rows[i].ns);
    }
}

static void reads_dates(void **state) {
    static const struct {
        const char *text;
        td_status status;
        int64_t days;
    } rows[] = {{"1970-01-01", TD_OK, 0},     {"2023-12-09", TD_OK, 19700}, {"1969-12-31", TD_OK, -1},
                {"2024-02-29", TD_OK, 19782}, {"2023-02-29", TD_REJECT, 0}, {"2023-2-9", TD_REJECT, 0},
                {"monday", TD_REJECT, 0},     {"", TD_REJECT, 0},           {"2023-12-09T", TD_REJECT, 0}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t days = 0;
        ASSERT_ROW(td_date_parse(td_text(rows[i].text), &days) == rows[i].status, "%s", rows[i].text);
        ASSERT_ROW(days == rows[i].days, "%s: %lld", rows[i].text, (long long)days);
    }
}

static void windows_begin_at_multiples_of_the_width(void **state) {
    (void)state;
    assert_int_equal(td_window_start(0, 10), 0);
    assert_int_equal(td_window_start(9, 10), 0);
    assert_int_equal(td_window_start(10, 10), 10);
    assert_int_equal(td_window_start(-1, 10), -10);
    assert_int_equal(td_window_start(-10, 10), -10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_days),
        cmocka_unit_test(knows_new_york),
        cmocka_unit_test(agrees_with_the_systems_zone_files),
        cmocka_unit_test(maps_local_time),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(writes_long_durations),
        cmocka_unit_test(reads_and_writes_instants),
        cmocka_unit_test(writes_as_few_digits_as_needed),
        cmocka_unit_test(reads_the_time_of_day),
        cmocka_unit_test(reads_dates),
        cmocka_unit_test(windows_begin_at_multiples_of_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
