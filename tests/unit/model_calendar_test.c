/* tests/unit/model_calendar_test.c - goal: a calendar's text gives exactly the days and sessions it speaks of, and a
 * faulty one is refused with its line. */
#include "model/calendar.h"
#include "unit.h"
#include <stdio.h>

#define EQUITIES "zone America/New_York\ndays mon tue wed thu fri\nregular 09:30 16:00\nyears 2013 2014\n"

static int64_t at(const char *text) {
    int64_t ns = 0;
    assert_int_equal(td_time_parse(td_text(text), &ns), TD_OK);
    return ns;
}

static td_calendar *calendar_of(const char *text) {
    td_calendar *calendar = NULL;
    assert_int_equal(td_calendar_parse(td_text(text), &calendar), TD_OK);
    return calendar;
}

static void finds_the_session_of_an_instant(void **state) {
    static const struct {
        const char *ns, *open, *close; /* open NULL: no session */
    } rows[] = {
        {"2013-10-07T13:29:59.999999999Z", NULL, NULL},
        {"2013-10-07T13:30:00Z", "2013-10-07T13:30:00Z", "2013-10-07T20:00:00Z"},
        {"2013-10-07T19:59:59.999999999Z", "2013-10-07T13:30:00Z", "2013-10-07T20:00:00Z"},
        {"2013-10-07T20:00:00Z", NULL, NULL},
        {"2013-10-06T15:00:00Z", NULL, NULL},                                     /* a Sunday */
        {"2013-11-04T14:30:00Z", "2013-11-04T14:30:00Z", "2013-11-04T21:00:00Z"}, /* winter's first Monday */
        {"2013-11-01T13:30:00Z", "2013-11-01T13:30:00Z", "2013-11-01T20:00:00Z"}, /* summer's last Friday */
        {"2013-11-28T16:00:00Z", NULL, NULL},                                     /* closed */
        {"2013-11-29T17:59:00Z", "2013-11-29T14:30:00Z", "2013-11-29T18:00:00Z"}, /* closes early */
        {"2013-11-29T18:00:00Z", NULL, NULL},                                     /* … and has closed */
        {"2013-11-30T18:00:00Z", "2013-11-30T17:00:00Z", "2013-11-30T21:00:00Z"}, /* a Saturday, all the same */
        {"2015-12-25T16:00:00Z", "2015-12-25T14:30:00Z", "2015-12-25T21:00:00Z"}, /* nothing is known of 2015 */
        {"1969-12-31T16:00:00Z", "1969-12-31T14:30:00Z", "1969-12-31T21:00:00Z"},
    };
    (void)state;
    td_calendar *calendar = calendar_of(EQUITIES "closed 2013-11-28 # turkey\nsession 2013-11-29 09:30 13:00\n"
                                                 "session 2013-11-30 12:00 16:00\n");
    assert_true(td_calendar_has_hours(calendar));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_period session;
        bool held = td_calendar_session(calendar, at(rows[i].ns), &session);
        ASSERT_ROW(held == (rows[i].open != NULL), "%s", rows[i].ns);
        if (!held) continue;
        ASSERT_ROW(session.start_ns == at(rows[i].open) && session.end_ns == at(rows[i].close), "%s", rows[i].ns);
    }
    td_calendar_free(calendar);
}

static void finds_the_day_of_an_instant(void **state) {
    static const struct {
        const char *ns, *start;
        int hours;
    } rows[] = {
        {"2013-10-08T03:59:59.999999999Z", "2013-10-07T04:00:00Z", 24},
        {"2013-10-08T04:00:00Z", "2013-10-08T04:00:00Z", 24},
        {"2014-03-09T12:00:00Z", "2014-03-09T05:00:00Z", 23},
        {"2013-11-04T04:59:59Z", "2013-11-03T04:00:00Z", 25},
    };
    (void)state;
    td_calendar *calendar = calendar_of(EQUITIES);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_period day = td_calendar_day(calendar, at(rows[i].ns));
        ASSERT_ROW(day.start_ns == at(rows[i].start), "%s", rows[i].ns);
        ASSERT_ROW(day.end_ns - day.start_ns == rows[i].hours * TD_NS_PER_HOUR, "%s", rows[i].ns);
    }
    td_calendar_free(calendar);
}

static void says_where_its_years_end(void **state) {
    (void)state;
    td_calendar *calendar = calendar_of(EQUITIES);
    int64_t end_ns = at("2015-01-01T04:59:59.999999999Z");
    assert_true(td_calendar_knows(calendar, end_ns) && !td_calendar_knows(calendar, end_ns + 1));
    assert_true(td_calendar_knows(calendar, at("2013-01-01T05:00Z")) &&
                !td_calendar_knows(calendar, at("2013-01-01T04:59Z")));
    td_calendar_free(calendar);
}

static void trades_around_the_clock_without_hours(void **state) {
    (void)state;
    td_period session;
    td_calendar *calendar = calendar_of("zone UTC\ndays sat sun mon\n");
    assert_false(td_calendar_has_hours(calendar));
    assert_false(td_calendar_session(calendar, 0, &session));
    assert_true(td_calendar_knows(calendar, INT64_C(-5000000000000)));
    assert_true(td_calendar_knows(calendar, INT64_C(5000000000000)));
    assert_int_equal(td_calendar_day(calendar, -1).start_ns, -TD_NS_PER_DAY);
    assert_int_equal(td_calendar_day(calendar, 0).end_ns, TD_NS_PER_DAY);
    td_calendar_free(calendar);
}

static void keeps_what_it_says(void **state) {
    (void)state;
    td_calendar *calendar =
        calendar_of("# about\r\n\n  zone\tUTC # x\r\ndays sat\nregular 08:00 09:00\nyears 2000 2001\n"
                    "closed 2001-01-06#y\n");
    td_bytes text = td_calendar_text(calendar);
    static const char kept[] = "zone UTC\ndays sat\nregular 08:00 09:00\nyears 2000 2001\nclosed 2001-01-06\n";
    assert_int_equal(text.size, sizeof kept - 1);
    assert_memory_equal(text.data, kept, text.size);
    td_calendar_free(calendar);
}

static void refuses_what_it_cannot_mean(void **state) {
    static const struct {
        const char *text, *trail;
    } rows[] = {
        {"", "line 0: `days`"},
        {"zone Mars\n", "line 1: zone"},
        {"zone\n", "line 1: zone"},
        {"days mon\nhours 9-17\n", "line 2: a line begins"},
        {"days mon dienstag\n", "line 1: days"},
        {"days\n", "line 1: days"},
        {"days mon\nregular 16:00 09:30\n", "line 2: regular"},
        {"days mon\nregular 09:30\n", "line 2: regular"},
        {"days mon\nregular 06:00 17:01\n", "line 2: 11 hours"},
        {"days mon\nyears 2014 2013\n", "line 2: years"},
        {"days mon\nyears 13 14\n", "line 2: years"},
        {"days mon\nclosed 2013-10-07\n", "line 2: only regular"},
        {EQUITIES "closed 2013-02-29\n", "line 5: closed"},
        {EQUITIES "closed 2015-02-28\n", "line 5: the day lies"},
        {EQUITIES "closed 2013-02-28\n\nclosed 2013-02-28\n", "line 7: days come"},
        {EQUITIES "session 2013-02-28 09:30\n", "line 5: session"},
        {EQUITIES "session 2013-02-28 04:00 16:00\n", "line 5: 11 hours"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_calendar *calendar = NULL;
        ASSERT_ROW(td_calendar_parse(td_text(rows[i].text), &calendar) == TD_CONFIG, "%zu", i);
        ASSERT_ROW(strstr(td_trail(), rows[i].trail) != NULL, "%zu: %s", i, td_trail());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_session_of_an_instant),
        cmocka_unit_test(finds_the_day_of_an_instant),
        cmocka_unit_test(says_where_its_years_end),
        cmocka_unit_test(trades_around_the_clock_without_hours),
        cmocka_unit_test(keeps_what_it_says),
        cmocka_unit_test(refuses_what_it_cannot_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
