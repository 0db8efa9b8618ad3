/* tests/unit/stream_program_test.c - goal: bars are of the hours and the days of their instrument's calendar, whoever
 * else trades beside it; windows end where sessions do, and a change of hours leaves no window of before behind. */
#include "program_rig.h"
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>

#define H TD_NS_PER_HOUR
#define M TD_NS_PER_MIN

static const int64_t widths_ns[] = {7 * M, H, 24 * H, 48 * H};

static td_program *program_of(bool regular) {
    const td_bytes calendars[] = {
        TD_TEXT("zone UTC\ndays mon tue wed thu fri sat sun\n"),
        TD_TEXT("zone America/New_York\ndays mon tue wed thu fri\nregular 09:30 16:00\nyears 2013 2013\n"
                "session 2013-11-29 09:30 13:00\n")};
    static const td_program_listing listings[] = {{"*", 0}, {"LEAN:*", 1}, {"LEAN:BTC", 0}, {"LEAN:E*", 1}};
    td_program_settings settings = {.widths_ns = widths_ns,
                                    .width_count = COUNT_OF(widths_ns),
                                    .regular = regular,
                                    .grace_ns = H,
                                    .calendars = calendars,
                                    .calendar_count = COUNT_OF(calendars),
                                    .listings = listings,
                                    .listing_count = COUNT_OF(listings)};
    return rig_program(&settings);
}

static int64_t at(const char *text) {
    int64_t ns = 0;
    assert_int_equal(td_time_parse(td_text(text), &ns), TD_OK);
    return ns;
}

static void finds_the_pattern_that_says_most(void **state) {
    static const struct {
        const char *name;
        uint32_t calendar;
    } rows[] = {{"BINANCE:BTC", 0}, {"LEAN:IBM", 1}, {"LEAN:BTC", 0},  {"LEAN:BTCX", 1},
                {"LEAN:", 1},       {"LEAN", 0},     {"LEANX:IBM", 0}, {"LEAN:ETH", 1}};
    (void)state;
    td_program *p = program_of(true);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_program_calendar(p, td_text(rows[i].name)) == rows[i].calendar, "%s", rows[i].name);
    td_program_free(p);
    td_program none = {.width_count = 1};
    assert_int_equal(td_program_calendar(&none, TD_TEXT("LEAN:IBM")), TD_NO_CALENDAR);
}

static void cuts_windows_where_sessions_end(void **state) {
    static const struct {
        bool regular;
        const char *instrument;
        size_t width;
        const char *ns, *start, *end; /* start NULL: outside */
    } rows[] = {
        {true, "LEAN:IBM", 0, "2013-10-07T13:30Z", "2013-10-07T13:30Z", "2013-10-07T13:33Z"},
        {true, "LEAN:IBM", 0, "2013-10-07T13:36Z", "2013-10-07T13:33Z", "2013-10-07T13:40Z"},
        {true, "LEAN:IBM", 0, "2013-10-07T19:59Z", "2013-10-07T19:58Z", "2013-10-07T20:00Z"},
        {true, "LEAN:IBM", 0, "2013-10-07T20:00Z", NULL, NULL},
        {true, "LEAN:IBM", 1, "2013-10-07T13:59Z", "2013-10-07T13:30Z", "2013-10-07T14:00Z"},
        {true, "LEAN:IBM", 1, "2013-11-29T17:59Z", "2013-11-29T17:00Z", "2013-11-29T18:00Z"},
        {true, "LEAN:IBM", 2, "2013-11-29T17:59Z", "2013-11-29T14:30Z", "2013-11-29T18:00Z"},
        {true, "LEAN:IBM", 3, "2013-10-07T15:00Z", "2013-10-06T00:00Z", "2013-10-08T00:00Z"},
        {true, "BINANCE:X", 0, "2013-10-07T13:30Z", "2013-10-07T13:26Z", "2013-10-07T13:33Z"},
        {true, "BINANCE:X", 2, "2013-10-07T23:00Z", "2013-10-07T00:00Z", "2013-10-08T00:00Z"},
        {false, "LEAN:IBM", 0, "2013-10-07T13:30Z", "2013-10-07T13:26Z", "2013-10-07T13:33Z"},
        {false, "LEAN:IBM", 1, "2013-10-07T20:30Z", "2013-10-07T20:00Z", "2013-10-07T21:00Z"},
        {false, "LEAN:IBM", 2, "2013-11-03T12:00Z", "2013-11-03T04:00Z", "2013-11-04T05:00Z"}, /* 25 hours */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_program *p = program_of(rows[i].regular);
        td_state *s = td_state_new(p);
        td_window_state w;
        td_state_window(s, td_text(rows[i].instrument), rows[i].width, at(rows[i].ns), &w);
        ASSERT_ROW(w.outside == (rows[i].start == NULL), "%zu", i);
        if (!w.outside)
            ASSERT_ROW(w.period.start_ns == at(rows[i].start) && w.period.end_ns == at(rows[i].end), "%zu", i);
        td_state_free(s);
        td_program_free(p);
    }
}

/* ---- bars as text ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    char start[40], end[40], width[24];
    (void)td_time_format_short(b->start_ns, start);
    (void)td_time_format_short(b->end_ns, end);
    (void)td_duration_format(b->width_ns, width);
    td_buf_printf(self, "%.*s %s %s %s n%" PRId64 "%s\n", (int)instrument.size, (const char *)instrument.data, width,
                  start + 5, end + 5, b->trade_count, b->revision > 0 ? " again" : "");
}
static void on_signal(void *self, td_bytes instrument, const td_signal *s) { (void)self, (void)instrument, (void)s; }
static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }
static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%.*s %s\n", (int)instrument.size, (const char *)instrument.data,
                  td_reason_name((td_reason)q->reason));
}

static td_applied put_trade(td_state *s, const char *name, const char *when, td_buf *out) {
    const td_emit emit = {out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_event e = {.kind = TD_EVENT_TRADE,
                  .feed = td_state_feed(s, TD_TEXT("f")),
                  .event_ns = at(when),
                  .receive_ns = at(when),
                  .trade = {.price = 100, .size = 1, .trade_id = TD_NONE}};
    e.instrument = td_state_find_instrument(s, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(s, &e, td_text(name));
    return td_state_apply(s, &e, &emit);
}

static void put_time(td_state *s, const char *when, td_session session, td_buf *out) {
    const td_emit emit = {out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_event e = {.kind = TD_EVENT_TIME,
                  .feed = td_state_feed(s, TD_TEXT("f")),
                  .receive_ns = at(when),
                  .time = {.bound_ns = at(when), .clock_ns = at(when), .session = (uint8_t)session}};
    (void)td_state_apply(s, &e, &emit);
}

static void expect(td_buf *out, const char *text) {
    td_buf_put(out, "", 1);
    assert_string_equal((const char *)out->data, text);
    out->size = 0;
}

static void closes_a_session_without_a_further_trade(void **state) {
    (void)state;
    td_program *p = program_of(true);
    td_state *s = td_state_new(p);
    td_buf out = {0};
    assert_true(put_trade(s, "LEAN:IBM", "2013-10-07T13:29:59Z", &out).outside);
    assert_false(put_trade(s, "LEAN:IBM", "2013-10-07T13:30:00Z", &out).outside);
    (void)put_trade(s, "BINANCE:X", "2013-10-07T19:58:00Z", &out);
    (void)put_trade(s, "LEAN:IBM", "2013-10-07T19:58:00Z", &out);
    expect(&out, "LEAN:IBM 7m 10-07T13:30 10-07T13:33 n1\nLEAN:IBM 1h 10-07T13:30 10-07T14:00 n1\n");
    td_window_state closed_market;
    td_state_window(s, TD_TEXT("LEAN:IBM"), 0, 0, &closed_market); /* who closes its windows is known at any hour */
    assert_true(closed_market.outside && td_bytes_equal(closed_market.feed, TD_TEXT("f")));
    assert_true(closed_market.watermark_ns == at("2013-10-07T19:57:59Z"));
    s = rig_reloaded(s, p);
    put_time(s, "2013-10-07T19:59:59.999Z", TD_SESSION_IDLE, &out);
    expect(&out, "");
    put_time(s, "2013-10-07T20:00:00Z", TD_SESSION_IDLE, &out);
    expect(&out, "LEAN:IBM 7m 10-07T19:58 10-07T20:00 n1\nLEAN:IBM 1h 10-07T19:00 10-07T20:00 n1\n"
                 "BINANCE:X 1h 10-07T19:00 10-07T20:00 n1\nLEAN:IBM 1d 10-07T13:30 10-07T20:00 n2\n");
    assert_true(put_trade(s, "LEAN:IBM", "2013-10-07T20:00:00Z", &out).outside);
    td_applied late = put_trade(s, "LEAN:IBM", "2013-10-07T19:59:00Z", &out); /* within grace */
    assert_true(!late.outside && late.late_count == 0 && td_state_take_changes(s).revised == 3);
    expect(&out, "LEAN:IBM 7m 10-07T19:58 10-07T20:00 n2 again\nLEAN:IBM 1h 10-07T19:00 10-07T20:00 n2 again\n"
                 "LEAN:IBM 1d 10-07T13:30 10-07T20:00 n3 again\n");
    (void)put_trade(s, "LEAN:IBM", "2013-10-08T13:30:00Z", &out);
    put_time(s, "2013-10-08T13:30:00Z", TD_SESSION_ENDED, &out);
    expect(&out, "BINANCE:X 7m 10-07T19:58 10-07T20:05 n1\nBINANCE:X 1d 10-07T00:00 10-08T00:00 n1\n"
                 "LEAN:IBM 2d 10-06T00:00 10-08T00:00 n3\nBINANCE:X 2d 10-06T00:00 10-08T00:00 n1\n"
                 "LEAN:IBM 7m 10-08T13:30 10-08T13:35 n1\nLEAN:IBM 1h 10-08T13:30 10-08T14:00 n1\n"
                 "LEAN:IBM 1d 10-08T13:30 10-08T20:00 n1\nLEAN:IBM 2d 10-08T00:00 10-10T00:00 n1\n");
    td_state_free(s);
    td_program_free(p);
    td_buf_fini(&out);
}

static void days_of_all_hours_are_those_of_the_exchange(void **state) {
    (void)state;
    td_program *p = program_of(false);
    td_state *s = td_state_new(p);
    td_buf out = {0};
    static const char *const trades[] = {"2013-11-02T23:00Z", "2013-11-03T03:59Z", "2013-11-03T04:00Z",
                                         "2013-11-04T04:59Z", "2013-11-04T05:00Z", "2013-11-05T05:00Z"};
    for (size_t i = 0; i < COUNT_OF(trades); i++) {
        td_buf all = {0};
        assert_false(put_trade(s, "LEAN:IBM", trades[i], &all).outside);
        for (char *rest = NULL, *line = (td_buf_put(&all, "", 1), strtok_r((char *)all.data, "\n", &rest));
             line != NULL; line = strtok_r(NULL, "\n", &rest))
            if (strstr(line, " 1d ") != NULL) td_buf_printf(&out, "%s\n", line);
        td_buf_fini(&all);
        s = rig_reloaded(s, p);
    }
    put_time(s, "2013-11-05T05:00Z", TD_SESSION_LIVE, &out);
    expect(&out, "LEAN:IBM 1d 11-02T04:00 11-03T04:00 n2\nLEAN:IBM 1d 11-03T04:00 11-04T05:00 n2\n"
                 "LEAN:IBM 1d 11-04T05:00 11-05T05:00 n1\n");
    td_state_free(s);
    td_program_free(p);
    td_buf_fini(&out);
}

static void tells_days_that_the_calendar_does_not_know(void **state) {
    static const struct {
        const char *when;
        bool unknown, outside;
    } rows[] = {{"2013-12-31T15:00Z", false, false},
                {"2014-01-01T15:00Z", true, false},
                {"2014-01-01T16:00Z", false, false}, /* told with the first of the day */
                {"2014-01-04T16:00Z", true, true},
                {"2012-12-31T15:00Z", true, false}};
    (void)state;
    td_program *p = program_of(true);
    td_buf out = {0};
    td_state *s = td_state_new(p);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_applied applied = put_trade(s, "LEAN:IBM", rows[i].when, &out);
        ASSERT_ROW(applied.unknown_day == rows[i].unknown && applied.outside == rows[i].outside, "%zu", i);
        ASSERT_ROW(!put_trade(s, "BINANCE:X", rows[i].when, &out).unknown_day, "%zu", i);
    }
    td_state_free(s);
    td_program_free(p);
    td_buf_fini(&out);
}

static void keeps_windows_that_the_new_hours_make_too(void **state) {
    (void)state;
    td_program *all = program_of(false), *regular = program_of(true);
    td_state *s = td_state_new(all);
    td_buf out = {0};
    (void)put_trade(s, "LEAN:IBM", "2013-10-07T13:20:00Z", &out);
    (void)put_trade(s, "LEAN:IBM", "2013-10-07T14:01:00Z", &out);
    out.size = 0;
    td_state_swap(s, regular, NULL);
    (void)put_trade(s, "LEAN:IBM", "2013-10-07T14:02:00Z", &out);
    put_time(s, "2013-10-08T00:00:00Z", TD_SESSION_LIVE, &out);
    expect(&out, "LEAN:IBM 7m 10-07T14:01 10-07T14:08 n2\nLEAN:IBM 1h 10-07T14:00 10-07T15:00 n2\n"
                 "LEAN:IBM 1d 10-07T13:30 10-07T20:00 n1\nLEAN:IBM 2d 10-06T00:00 10-08T00:00 n3\n");
    td_state_free(s);
    td_program_free(all);
    td_program_free(regular);
    td_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_pattern_that_says_most),
        cmocka_unit_test(cuts_windows_where_sessions_end),
        cmocka_unit_test(closes_a_session_without_a_further_trade),
        cmocka_unit_test(days_of_all_hours_are_those_of_the_exchange),
        cmocka_unit_test(tells_days_that_the_calendar_does_not_know),
        cmocka_unit_test(keeps_windows_that_the_new_hours_make_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
