/* tests/unit/stream_daytime_test.c - goal: an event's session and day are those of its last instant, by the calendar,
 * on days of any length; and windows over time hold what their lines say, to the bar. */
#include "strategy_rig.h"
#include "stream/daytime.h"
#include <stdio.h>

static const char new_york[] = "zone America/New_York\ndays mon tue wed thu fri\nregular 09:30 16:00\nyears 2020 2030\n"
                               "session 2023-07-03 09:30 13:00\nclosed 2023-07-04\n";

static int64_t at(const char *text) {
    int64_t ns;
    assert_int_equal(td_time_parse(td_text(text), &ns), TD_OK);
    return ns;
}

static td_calendar *parse(const char *text) {
    td_calendar *calendar = NULL;
    if (td_calendar_parse(td_text(text), &calendar) != TD_OK) fail_msg("%s", td_trail());
    return calendar;
}

#define NONE ""

static void test_sessions(void **state) {
    (void)state;
    static const struct {
        const char *start, *now, *open, *close; /* open NONE: in no session */
        int weekday;
        const char *noon; /* of the day */
    } cases[] = {
        {"2023-03-10T14:30Z", "2023-03-10T14:31Z", "2023-03-10T14:30Z", "2023-03-10T21:00Z", 5, "2023-03-10T17:00Z"},
        {"2023-03-10T20:59Z", "2023-03-10T21:00Z", "2023-03-10T14:30Z", "2023-03-10T21:00Z", 5, "2023-03-10T17:00Z"},
        {"2023-03-10T21:00Z", "2023-03-10T21:01Z", NONE, NONE, 5, "2023-03-10T17:00Z"},
        {"2023-03-10T14:00Z", "2023-03-10T15:00Z", "2023-03-10T14:30Z", "2023-03-10T21:00Z", 5, "2023-03-10T17:00Z"},
        {"2023-03-11T15:00Z", "2023-03-11T15:01Z", NONE, NONE, 6, "2023-03-11T17:00Z"},
        {"2023-03-12T23:59Z", "2023-03-13T00:00Z", NONE, NONE, 7, "2023-03-12T16:00Z"}, /* of 23 hours */
        {"2023-03-13T13:30Z", "2023-03-13T13:31Z", "2023-03-13T13:30Z", "2023-03-13T20:00Z", 1, "2023-03-13T16:00Z"},
        {"2023-07-03T16:59Z", "2023-07-03T17:00Z", "2023-07-03T13:30Z", "2023-07-03T17:00Z", 1, "2023-07-03T16:00Z"},
        {"2023-07-03T17:00Z", "2023-07-03T17:00Z", NONE, NONE, 1, "2023-07-03T16:00Z"}, /* a tick at the close */
        {"2023-07-03T16:59Z", "2023-07-03T16:59Z", "2023-07-03T13:30Z", "2023-07-03T17:00Z", 1, "2023-07-03T16:00Z"},
        {"2023-07-04T15:00Z", "2023-07-04T15:01Z", NONE, NONE, 2, "2023-07-04T16:00Z"},
    };
    td_calendar *calendar = parse(new_york);
    td_daytime moment = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        td_daytime_pass(&moment, calendar, at(cases[i].start), at(cases[i].now));
        bool open = cases[i].open[0] != '\0';
        assert_true(td_daytime_time(&moment, TD_DAYTIME_NOW) == at(cases[i].now));
        assert_true(td_daytime_time(&moment, TD_DAYTIME_OPEN) == (open ? at(cases[i].open) : TD_VALUE_NA));
        assert_true(td_daytime_time(&moment, TD_DAYTIME_CLOSE) == (open ? at(cases[i].close) : TD_VALUE_NA));
        assert_true(td_daytime_weekday(&moment) == cases[i].weekday * TD_VALUE_ONE);
        assert_true(td_daytime_clock(&moment, 12 * TD_NS_PER_HOUR) == at(cases[i].noon));
    }
    td_calendar_free(calendar);
}

static void test_days(void **state) { /* without hours, and without a calendar, days are sessions */
    (void)state;
    td_calendar *calendar = parse("zone America/New_York\ndays mon tue wed thu fri sat sun\n");
    td_daytime there = {0}, utc = {0}, before = {0};
    td_daytime_pass(&there, calendar, at("2023-11-05T03:59Z"), at("2023-11-05T04:00Z"));
    assert_true(td_daytime_time(&there, TD_DAYTIME_CLOSE) == at("2023-11-05T04:00Z"));
    td_daytime_pass(&there, calendar, at("2023-11-05T04:00Z"), at("2023-11-05T04:01Z"));
    assert_true(td_daytime_time(&there, TD_DAYTIME_OPEN) == at("2023-11-05T04:00Z"));
    assert_true(td_daytime_time(&there, TD_DAYTIME_CLOSE) == at("2023-11-06T05:00Z")); /* 25 hours */
    td_daytime_pass(&utc, NULL, at("2023-11-05T04:00Z"), at("2023-11-05T04:01Z"));
    assert_true(td_daytime_time(&utc, TD_DAYTIME_OPEN) == at("2023-11-05T00:00Z"));
    td_daytime_pass(&before, NULL, at("1969-12-31T23:00Z"), at("1970-01-01T00:00Z"));
    assert_true(td_daytime_time(&before, TD_DAYTIME_CLOSE) == 0);
    assert_true(td_daytime_weekday(&before) == 3 * TD_VALUE_ONE);
    td_calendar_free(calendar);
}

/* ---- values, bar by bar ---- */

#define NA (-1.0)

static const struct {
    const char *expr;
    double values[8];
} cases[] = {
    /* bars of a minute: minutes 0 to 3, a hole, 6, 7, and in the next day 0 and 1; close 1 2 3 … , every other rises */
    {"session.elapsed / 1m", {1, 2, 3, 4, 7, 8, 1, 2}},
    {"session.left / 1h - 23", {59 / 60., 58 / 60., 57 / 60., 56 / 60., 53 / 60., 52 / 60., 59 / 60., 58 / 60.}},
    {"session.day", {4, 4, 4, 4, 4, 4, 5, 5}},
    {"if time >= 00:04 then 1 else 0", {0, 0, 0, 1, 1, 1, 0, 0}},
    {"if time + 1m == session.open + 4m then 1 else 0", {0, 0, 1, 0, 0, 0, 0, 0}},
    {"sum(close, 3m)", {NA, NA, 6, 9, 5, 11, 7, 15}},
    {"sum(close, 150s)", {NA, NA, 6, 9, 5, 11, 7, 15}},
    {"sum(close, 30s)", {1, 2, 3, 4, 5, 6, 7, 8}},
    {"sum(close, session)", {1, 3, 6, 10, 15, 21, 7, 15}},
    {"sum(close, since(close == 3 or close == 6))", {NA, NA, 3, 7, 12, 6, 13, 21}},
    {"sum(close, session, where = close > open)", {0, 2, 2, 6, 6, 12, 0, 8}},
    {"max(close, session, where = close > open)", {NA, 2, 2, 4, 4, 6, NA, 8}},
    {"first(close, session, where = close > open)", {NA, 2, 2, 2, 2, 2, NA, 8}},
    {"last(close, session, where = close < open)", {1, 1, 3, 3, 5, 5, 7, 7}},
    {"avg(close, 2, where = close > open)", {NA, NA, NA, 3, 3, 5, 5, 7}},
    {"count(close > open, 2m)", {NA, 1, 1, 1, 0, 1, 0, 1}},
    {"if any(close > open, 2m) then 1 else 0", {NA, 1, 1, 1, 0, 1, 0, 1}},
    {"if all(close > open, 30s) then 1 else 0", {0, 1, 0, 1, 0, 1, 0, 1}},
    {"median(close, session)", {1, 1.5, 2, 2.5, 3, 3.5, 7, 7.5}},
    {"rank(close, session, where = close > open)", {NA, 1, NA, 1, NA, 1, NA, 1}},
    {"sum(if close > 2 then close else na, 2m)", {NA, 0, 3, 7, 5, 11, 7, 15}},
    {"twice(close, session)", {2, 6, 12, 20, 30, 42, 14, 30}},
    {"sma(close, n = 2)", {NA, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5}},
    {"if true then (if close > 1 and false then 1 else 2) else na", {2, 2, 2, 2, 2, 2, 2, 2}},
    {"nz(session.left[3], 60s) / 30s", {2, 2, 2, 2878, 2876, 2874, 2872, 2866}},
};

static void test_windows(void **state) {
    (void)state;
    static const int64_t minutes[] = {0, 1, 2, 3, 6, 7, 1440, 1441};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "fn twice(x, w) = 2 * sum(x, w)\nstrategy a on bars(1m)\n  x = %s\n",
                       cases[i].expr);
        rig r = rig_open(text);
        for (int64_t k = 0; k < 8; k++) {
            td_bar bar = rig_bar(&r, (k + 1) * 1000000000);
            bar.start_ns = minutes[k] * TD_NS_PER_MIN;
            bar.end_ns = bar.start_ns + TD_NS_PER_MIN;
            bar.open += k % 2 == 0 ? 1 : -1;
            rig_apply(&r, "TEST:A", &bar);
            double x = NA, expected = cases[i].values[k];
            bool has = rig_line(&r, "x", &x);
            if (has != (expected > NA) || (has && (x - expected > 1e-12 || expected - x > 1e-12)))
                fail_msg("%s is %g on bar %d, not %g", cases[i].expr, x, (int)k, expected);
        }
        rig_close(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
