/* tests/unit/stream_filling_test.c - goal: bars of a filled width stand in every interval behind an instrument's first
 * one, at the last close where nothing traded, are revised with what they carry, begin and end with a venue's day, and
 * go on from a state that was saved; bars of extended widths are of all hours beside those that are not. */
#include "base/time.h"
#include "state_rig.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FILLED (TD_NS_PER_S + TD_WIDTH_FILLED)
#define S      TD_NS_PER_S
/* Venue W trades from 09:30 to 16:00 UTC; 1970-01-05 is a Monday. */
#define CALENDAR  "zone UTC\ndays mon tue wed thu fri\nregular 09:30 16:00\n"
#define MONDAY_MS (INT64_C(4) * 86400000)
#define OPEN_MS   (MONDAY_MS + INT64_C(34200000))
#define CLOSE_MS  (MONDAY_MS + INT64_C(57600000))

/* ---- outputs as text, one line each ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    char width[TD_WIDTH_TEXT_MAX];
    (void)td_width_format(b->width_ns, width);
    td_buf_printf(self, "%c %s %" PRId64 ": ", instrument.data[2], width, b->start_ns / TD_NS_PER_MS % 86400000);
    if (b->trade_count == 0) {
        assert_true(b->open == b->close && b->high == b->close && b->low == b->close && b->vwap == b->close);
        assert_true(b->volume == 0 && b->notional == 0);
        td_buf_printf(self, "%" PRId64 " carried", b->close);
    } else {
        td_buf_printf(self, "%" PRId64 " %" PRId64 " n%" PRId64, b->open, b->close, b->trade_count);
    }
    td_buf_printf(self, "%s", b->quality == TD_QUALITY_PARTIAL ? " partial" : "");
    td_buf_printf(self, b->revision > 0 ? " r%d\n" : "\n", b->revision);
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%c %s\n", instrument.data[2], td_reason_name((td_reason)q->reason));
}

/* ---- tables of steps ---- */

typedef struct step {
    char kind, of; /* t: trade of that feed, v: one that sets no price, e: the feed has ended, d: it is down, l: up */
    const char *instrument;
    int64_t at_ms;
    int price;
    const char *gives;
} step;

static td_program *program_of(const int64_t *widths, size_t count, int64_t lateness_ns) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = count;
    memcpy(p->widths_ns, widths, count * sizeof *widths);
    p->unnamed = td_program_feed_default();
    p->unnamed.rules = TD_RULES_VENUE;
    p->unnamed.trade_ids = TD_IDS_OFF;
    p->unnamed.lateness_ns = lateness_ns;
    p->unnamed.max_ahead_ns = 400 * TD_NS_PER_DAY;
    p->unnamed.gaps = false;
    p->grace_ns = 60 * S;
    p->regular = true;
    p->unnamed.conditions = (td_conditions){.no_high_low = 1, .no_last = 1};
    assert_int_equal(td_calendar_parse(td_text(CALENDAR), &p->calendars[p->calendar_count++]), TD_OK);
    p->listings = td_alloc_zero(1, sizeof *p->listings);
    p->listings[p->listing_count++] = (td_program_listing){.pattern = "W:*", .calendar = 0};
    return p;
}

static void apply(td_state *state, const step *s, td_buf *out) {
    const td_emit emit = {
        out, on_bar, td_emit_none.signal, on_quarantined, td_emit_none.gap, td_emit_none.fill, td_emit_none.member,
        NULL};
    const char feed[] = {s->of, '\0'};
    int64_t at_ns = s->at_ms * TD_NS_PER_MS;
    td_event e = {.kind = TD_EVENT_TRADE, .feed = td_state_feed(state, td_text(feed)), .event_ns = at_ns};
    e.receive_ns = at_ns;
    if (s->kind == 't' || s->kind == 'v') {
        e.trade = (td_trade){.price = s->price, .size = 100000000, .trade_id = TD_NONE};
        if (s->kind == 'v') e.trade.condition = (td_code){.size = 1, .text = "1"};
        e.instrument = td_state_find_instrument(state, td_text(s->instrument));
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(s->instrument));
    } else {
        static const td_session sessions[] = {
            ['l'] = TD_SESSION_LIVE, ['e'] = TD_SESSION_ENDED, ['d'] = TD_SESSION_DOWN};
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){s->kind == 'd' ? TD_NONE : at_ns, at_ns, (uint8_t)sessions[(int)s->kind]};
    }
    (void)td_state_apply(state, &e, &emit);
}

/* Each table goes through one state, through one that is saved and read again at each step, and through one that is
 * swapped for the same program there. */
static void run(const step *steps, size_t count, td_program *program) {
    for (int way = 0; way < 3; way++) {
        td_state *state = td_state_new(program);
        for (size_t i = 0; i < count; i++) {
            td_buf out = {0};
            apply(state, &steps[i], &out);
            td_buf_put(&out, "", 1);
            if (strcmp((char *)out.data, steps[i].gives != NULL ? steps[i].gives : "") != 0) {
                print_error("way %d, step %zu gave\n%swanted\n%s", way, i, (char *)out.data, steps[i].gives);
                fail();
            }
            td_buf_fini(&out);
            if (way == 1) state = rig_reloaded(state, program);
            if (way == 2) td_state_swap(state, program, NULL);
        }
        td_state_free(state);
    }
    td_program_free(program);
}

#define RUN(steps, program) run(steps, sizeof(steps) / sizeof(steps)[0], program)
static const int64_t filled[] = {FILLED};
static const int64_t both[] = {TD_NS_PER_S, FILLED};

static void silence_carries_the_last_close(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'t', 'a', "V:X", 1500, 12, NULL},
        {'t', 'a', "V:Y", 2200, 70, "X 1s filled 1000: 10 12 n2\n"}, /* nothing before the first bar of each */
        {'t', 'a', "V:Y", 5100, 71,
         "X 1s filled 2000: 12 carried\nY 1s filled 2000: 70 70 n1\nX 1s filled 3000: 12 carried\n"
         "Y 1s filled 3000: 70 carried\nX 1s filled 4000: 12 carried\nY 1s filled 4000: 70 carried\n"},
        {'t', 'a', "V:X", 5900, 13, NULL}, /* into the one that is carried already */
        {'l', 'a', NULL, 7000, 0,
         "X 1s filled 5000: 13 13 n1\nY 1s filled 5000: 71 71 n1\nX 1s filled 6000: 13 carried\n"
         "Y 1s filled 6000: 71 carried\n"},
        {'e', 'a', NULL, 8000, 0, "X 1s filled 7000: 13 carried\nY 1s filled 7000: 71 carried\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void bars_that_are_not_filled_stay_as_they_are(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'t', 'a', "V:X", 3000, 12, "X 1s 1000: 10 10 n1\nX 1s filled 1000: 10 10 n1\nX 1s filled 2000: 10 carried\n"},
        {'e', 'a', NULL, 3000, 0, "X 1s 3000: 12 12 n1\nX 1s filled 3000: 12 12 n1\n"},
    };
    RUN(steps, program_of(both, 2, 0));
}

static void what_is_late_moves_what_was_carried(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 11000, 10, NULL},
        {'l', 'a', NULL, 15000, 0,
         "X 1s filled 11000: 10 10 n1\nX 1s filled 12000: 10 carried\nX 1s filled 13000: 10 carried\n"
         "X 1s filled 14000: 10 carried\n"},
        {'t', 'a', "V:X", 13500, 13, "X 1s filled 13000: 13 13 n1 r1\nX 1s filled 14000: 13 carried r1\n"},
        {'t', 'a', "V:X", 11800, 11, "X 1s filled 11000: 10 11 n2 r1\nX 1s filled 12000: 11 carried r1\n"},
        {'t', 'a', "V:X", 11700, 19, "X 1s filled 11000: 10 11 n3 r2\n"}, /* the close stays, and all behind it */
        {'l', 'a', NULL, 16000, 0, "X 1s filled 15000: 13 carried\n"}, /* what was open is told once, as it is then */
        {'t', 'a', "V:X", 10500, 5, "X 1s filled 10000: 5 5 n1\n"},
        {'t', 'a', "V:Z", 17000, 3, "X 1s filled 16000: 13 carried\n"},
        {'t', 'a', "V:Z", 14500, 2, /* a first bar behind the others: what follows was empty, and is now given */
         "Z 1s filled 14000: 2 2 n1\nZ 1s filled 15000: 2 carried\nZ 1s filled 16000: 2 carried\n"},
        {'l', 'a', NULL, 19000, 0,
         "X 1s filled 17000: 13 carried\nZ 1s filled 17000: 3 3 n1\nX 1s filled 18000: 13 carried\n"
         "Z 1s filled 18000: 3 carried\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void volume_alone_leaves_the_price(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'v', 'a', "V:X", 500, 90, NULL}, /* no price was before it: it makes no bar */
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'v', 'a', "V:X", 2100, 90, "X 1s filled 1000: 10 10 n1\n"},
        {'v', 'a', "V:X", 3100, 90, "X 1s filled 2000: 10 10 n1\n"},
        {'t', 'a', "V:X", 3200, 12, NULL},
        {'l', 'a', NULL, 5000, 0, "X 1s filled 3000: 12 12 n2\nX 1s filled 4000: 12 carried\n"},
        {'v', 'a', "V:X", 4100, 90, "X 1s filled 4000: 12 12 n1 r1\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void an_end_closes_what_lies_before_the_last_trade(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'t', 'a', "V:Y", 4500, 70, NULL},
        {'t', 'a', "V:X", 4600, 12, NULL},
        {'e', 'a', NULL, 0, 0, /* nobody says up to when: what lies between two trades is empty all the same */
         "X 1s filled 1000: 10 10 n1\nX 1s filled 2000: 10 carried\nX 1s filled 3000: 10 carried\n"
         "X 1s filled 4000: 12 12 n1\nY 1s filled 4000: 70 70 n1\n"},
        {'t', 'a', "V:X", 16000, 13, NULL}, /* anew: what was between the two runs nobody knows */
        {'l', 'a', NULL, 17000, 0, "X 1s filled 16000: 13 13 n1\n"},
    };
    RUN(steps, program_of(filled, 1, 10 * S));
}

/* Nobody knows what was between an end and what comes behind it, however late something changes what was before. */
static void nothing_late_carries_over_an_end(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'e', 'a', NULL, 4500, 0,
         "X 1s filled 1000: 10 10 n1\nX 1s filled 2000: 10 carried\nX 1s filled 3000: 10 carried\n"},
        {'t', 'a', "V:X", 1700, 11,
         "X 1s filled 1000: 10 11 n2 r1\nX 1s filled 2000: 11 carried r1\nX 1s filled 3000: 11 carried r1\n"},
        {'t', 'a', "V:X", 9000, 12, NULL},
        {'t', 'a', "V:X", 3200, 13, "X 1s filled 3000: 13 13 n1 r2\n"},
        {'l', 'a', NULL, 11000, 0, "X 1s filled 9000: 12 12 n1\nX 1s filled 10000: 12 carried\n"},
    };
    static const step behind_the_watermark[] = {
        {'t', 'a', "V:X", 21000, 10, NULL},
        {'t', 'a', "V:X", 22600, 12, NULL},
        {'e', 'a', NULL, 0, 0, "X 1s filled 21000: 10 10 n1\nX 1s filled 22000: 12 12 n1\n"},
        {'t', 'a', "V:X", 36000, 13, NULL}, /* the watermark has passed what lies between */
        {'t', 'a', "V:X", 22700, 14, "X 1s filled 22000: 12 14 n2 r1\n"},
        {'l', 'a', NULL, 37000, 0, "X 1s filled 36000: 13 13 n1\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
    RUN(behind_the_watermark, program_of(filled, 1, 10 * S));
}

static void nothing_late_carries_over_a_change_of_feeds(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'l', 'a', NULL, 3500, 0, "X 1s filled 1000: 10 10 n1\nX 1s filled 2000: 10 carried\n"},
        {'t', 'b', "V:X", 9000, 12, NULL},
        {'t', 'b', "V:X", 1700, 11, "X 1s filled 1000: 10 11 n2 r1\nX 1s filled 2000: 11 carried r1\n"},
        {'l', 'b', NULL, 11000, 0, "X 1s filled 9000: 12 12 n1\nX 1s filled 10000: 12 carried\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void another_feed_begins_anew(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "V:X", 1000, 10, NULL},
        {'l', 'a', NULL, 3500, 0, "X 1s filled 1000: 10 10 n1\nX 1s filled 2000: 10 carried\n"},
        {'t', 'b', "V:X", 9000, 12, NULL},
        {'l', 'b', NULL, 11000, 0, "X 1s filled 9000: 12 12 n1\nX 1s filled 10000: 12 carried\n"},
        {'l', 'a', NULL, 12000, 0, NULL},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void a_session_begins_and_ends_it(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', "W:X", CLOSE_MS - 3000, 10, NULL},
        {'l', 'a', NULL, CLOSE_MS + 7200000, 0,
         "X 1s filled 57597000: 10 10 n1\nX 1s filled 57598000: 10 carried\nX 1s filled 57599000: 10 carried\n"},
        {'t', 'a', "W:X", OPEN_MS + 86400000 + 2000, 12, NULL}, /* not from the open on, but from its first bar */
        {'l', 'a', NULL, OPEN_MS + 86400000 + 4000, 0,
         "X 1s filled 34202000: 12 12 n1\nX 1s filled 34203000: 12 carried\n"},
    };
    RUN(steps, program_of(filled, 1, 0));
}

static void a_bar_of_the_session_that_is_cut_is_filled_as_it_is_cut(void **arg) {
    (void)arg;
    static const int64_t hours[] = {TD_NS_PER_HOUR + TD_WIDTH_FILLED};
    static const step steps[] = {
        {'t', 'a', "W:X", CLOSE_MS - 4000000, 10, NULL},
        {'t', 'a', "W:X", CLOSE_MS + 1, 11, "X 1h filled 50400000: 10 10 n1\nX 1h filled 54000000: 10 carried\n"},
        {'t', 'a', "W:X", OPEN_MS + 86400000, 12, NULL},
        {'l', 'a', NULL, OPEN_MS + 86400000 + 5400000, 0,
         "X 1h filled 34200000: 12 12 n1\nX 1h filled 36000000: 12 carried\n"},
    };
    RUN(steps, program_of(hours, 1, 0));
}

/* ---- extended ---- */

static void extended_bars_are_of_all_hours(void **arg) {
    (void)arg;
    static const int64_t widths[] = {TD_NS_PER_HOUR, TD_NS_PER_HOUR + TD_WIDTH_EXTENDED,
                                     TD_NS_PER_DAY + TD_WIDTH_EXTENDED};
    static const step steps[] = {
        {'v', 'a', "W:X", OPEN_MS - 1800000, 9,
         NULL}, /* outside of the hours its condition lets it set a price there */
        {'t', 'a', "W:X", OPEN_MS, 10, NULL},
        {'v', 'a', "W:X", OPEN_MS + 1, 99, NULL}, /* and inside it does so there alone */
        {'t', 'a', "W:X", CLOSE_MS + 3600000, 12, "X 1h 34200000: 10 10 n2\nX 1h extended 32400000: 9 99 n3\n"},
        {'l', 'a', NULL, MONDAY_MS + 86400000, 0, "X 1h extended 61200000: 12 12 n1\nX 1d extended 0: 9 12 n4\n"},
        {'t', 'a', "W:X", CLOSE_MS + 3600001, 13, "X 1d extended 0: 9 13 n5 r1\nX late\n"}, /* the hour is final */
    };
    RUN(steps, program_of(widths, 3, 0));
}

static void what_is_both_is_filled_to_the_end_of_the_day(void **arg) {
    (void)arg;
    static const int64_t widths[] = {TD_NS_PER_HOUR + TD_WIDTH_FILLED + TD_WIDTH_EXTENDED};
    static const step steps[] = {
        {'t', 'a', "W:X", CLOSE_MS + 14400000, 10, NULL},
        {'l', 'a', NULL, MONDAY_MS + 86400000 + 14400000, 0,
         "X 1h filled extended 72000000: 10 10 n1\nX 1h filled extended 75600000: 10 carried\n"
         "X 1h filled extended 79200000: 10 carried\nX 1h filled extended 82800000: 10 carried\n"},
    };
    RUN(steps, program_of(widths, 1, 0));
}

/* ---- widths as words ---- */

static void kinds_of_widths_are_words(void **arg) {
    (void)arg;
    static const struct {
        const char *text;
        int64_t width; /* 0: it is none */
        const char *told;
    } rows[] = {
        {"1s filled", TD_NS_PER_S + TD_WIDTH_FILLED, "1s filled"},
        {"1dextended", TD_NS_PER_DAY + TD_WIDTH_EXTENDED, "1d extended"},
        {"60s filled extended", TD_NS_PER_MIN + TD_WIDTH_FILLED + TD_WIDTH_EXTENDED, "1m filled extended"},
        {"1m extended filled", 0, NULL}, /* one order, as they are told */
        {"1m filled filled", 0, NULL},
        {"100 trades filled", 0, NULL},
        {"filled", 0, NULL},
        {"1158d", 0, NULL}, /* as long as the number that says filled */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t width = 0;
        char told[TD_WIDTH_TEXT_MAX];
        bool is_one = td_width_parse(td_text(rows[i].text), &width) == TD_OK;
        if (is_one != (rows[i].width != 0) || (is_one && width != rows[i].width)) fail_msg("%s", rows[i].text);
        if (!is_one) continue;
        assert_int_equal(td_width_format(width, told), strlen(rows[i].told));
        assert_string_equal(told, rows[i].told);
        assert_true(td_width_is_sound(width));
    }
    assert_false(td_width_is_sound(TD_WIDTH_FILLED));
    assert_false(td_width_is_sound(2 * TD_WIDTH_EXTENDED + 1));
    assert_false(td_width_is_sound(0));
}

/* ---- a long silence ---- */

static void count_bar(void *self, td_bytes instrument, const td_bar *b) {
    (void)instrument;
    *(int *)self += b->trade_count == 0;
}

static void a_silence_costs_no_more_than_so_many(void **arg) {
    (void)arg;
    td_program *program = program_of(filled, 1, 0);
    td_state *state = td_state_new(program);
    int carried = 0;
    const td_emit emit = {&carried,         count_bar,         td_emit_none.signal, td_emit_none.quarantined,
                          td_emit_none.gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_buf none = {0};
    apply(state, &(step){'t', 'a', "V:X", 1000, 10, NULL}, &none);
    td_event e = {.kind = TD_EVENT_TIME, .receive_ns = 7 * TD_NS_PER_DAY};
    e.time = (td_time_mark){7 * TD_NS_PER_DAY, 7 * TD_NS_PER_DAY, TD_SESSION_LIVE};
    (void)td_state_apply(state, &e, &emit);
    assert_int_equal(carried, TD_FILLED_MAX);
    e.time.bound_ns = 8 * TD_NS_PER_DAY;
    (void)td_state_apply(state, &e, &emit);
    assert_int_equal(carried, TD_FILLED_MAX);
    td_buf_fini(&none);
    td_state_free(state);
    td_program_free(program);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_carries_the_last_close),
        cmocka_unit_test(bars_that_are_not_filled_stay_as_they_are),
        cmocka_unit_test(what_is_late_moves_what_was_carried),
        cmocka_unit_test(volume_alone_leaves_the_price),
        cmocka_unit_test(an_end_closes_what_lies_before_the_last_trade),
        cmocka_unit_test(nothing_late_carries_over_an_end),
        cmocka_unit_test(nothing_late_carries_over_a_change_of_feeds),
        cmocka_unit_test(another_feed_begins_anew),
        cmocka_unit_test(a_session_begins_and_ends_it),
        cmocka_unit_test(a_bar_of_the_session_that_is_cut_is_filled_as_it_is_cut),
        cmocka_unit_test(extended_bars_are_of_all_hours),
        cmocka_unit_test(what_is_both_is_filled_to_the_end_of_the_day),
        cmocka_unit_test(kinds_of_widths_are_words),
        cmocka_unit_test(a_silence_costs_no_more_than_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
