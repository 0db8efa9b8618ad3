/* tests/unit/stream_counting_test.c - goal: bars by count and by volume are what counting the sorted trades of a day
 * gives, each is given once, what comes too late is told, and a state that was saved goes on as if it had never
 * stopped. */
#include "base/time.h"
#include "state_rig.h"
#include "stream/pending.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MS = 1000000, THREE_TRADES = 3, TEN = 10 };
#define DAY_MS (TD_NS_PER_DAY / MS)

/* ---- outputs as text, one line each ---- */

/* What is not a whole number of milliseconds shows its nanoseconds. */
static void put_ms(td_buf *out, int64_t ns) {
    td_buf_printf(out, ns % MS == 0 ? " %" PRId64 : " %" PRId64 "+%" PRId64, ns / MS, ns % MS);
}

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    char width[TD_WIDTH_TEXT_MAX];
    (void)td_width_format(b->width_ns, width);
    td_buf_printf(self, "%c %s", instrument.data[2], width);
    put_ms(self, b->start_ns);
    put_ms(self, b->end_ns);
    td_buf_printf(self, ": %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v%" PRId64 " n%" PRId64 "%s%s%s\n", b->open,
                  b->high, b->low, b->close, (int64_t)(b->volume / TD_WIDTH_UNIT), b->trade_count,
                  b->quality == TD_QUALITY_PARTIAL ? " partial" : "",
                  b->evidence == TD_EVIDENCE_PROVEN ? " proven" : "", b->revision > 0 ? " again" : "");
}

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%c %s", instrument.data[2], td_reason_name((td_reason)q->reason));
    for (int i = 0; i < q->missed_count; i++) {
        char width[TD_WIDTH_TEXT_MAX];
        (void)td_width_format(q->missed_width_ns[i], width);
        td_buf_printf(self, ", %s", width);
    }
    td_buf_text(self, "\n");
}

/* ---- tables of steps ---- */

typedef struct step {
    char kind, of; /* t: trade of that feed, e: the feed has ended, d: it is down, l: it is up */
    char instrument;
    int64_t at_ms;
    int price, size, id;
    const char *gives;
} step;

static td_program *program_of(const int64_t *widths, size_t count, int trade_ids) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = count;
    p->unnamed = td_program_feed_default();
    p->unnamed.rules = TD_RULES_OFF;
    p->unnamed.trade_ids = trade_ids;
    for (size_t i = 0; i < count; i++) {
        p->widths_ns[i] = widths[i];
        p->counted_count += !td_width_is_timed(widths[i]);
    }
    return p;
}

static void apply(td_state *state, const step *s, td_buf *out) {
    const td_emit emit = {
        out, on_bar, td_emit_none.signal, on_quarantined, td_emit_none.gap, td_emit_none.fill, td_emit_none.member,
        NULL};
    const char name[] = {'V', ':', s->instrument, '\0'}, feed[] = {s->of, '\0'};
    int64_t at_ns = s->at_ms * MS;
    td_event e = {.kind = TD_EVENT_TRADE, .feed = td_state_feed(state, td_text(feed)), .event_ns = at_ns};
    e.receive_ns = at_ns;
    if (s->kind == 't') {
        e.trade =
            (td_trade){.price = s->price, .size = s->size * TD_WIDTH_UNIT, .trade_id = s->id != 0 ? s->id : TD_NONE};
        e.instrument = td_state_find_instrument(state, td_text(name));
        if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    } else {
        static const td_session sessions[] = {
            ['l'] = TD_SESSION_LIVE, ['e'] = TD_SESSION_ENDED, ['d'] = TD_SESSION_DOWN};
        e.kind = TD_EVENT_TIME;
        e.time = (td_time_mark){s->kind == 'd' ? TD_NONE : at_ns, at_ns, (uint8_t)sessions[(int)s->kind]};
    }
    (void)td_state_apply(state, &e, &emit);
}

static void run(const step *steps, size_t count, td_program *program) {
    for (int saves = 0; saves < 2; saves++) {
        td_state *state = td_state_new(program);
        for (size_t i = 0; i < count; i++) {
            td_buf out = {0};
            apply(state, &steps[i], &out);
            td_buf_put(&out, "", 1);
            if (strcmp((char *)out.data, steps[i].gives != NULL ? steps[i].gives : "") != 0) {
                print_error("step %zu gave\n%swanted\n%s", i, (char *)out.data, steps[i].gives);
                fail();
            }
            td_buf_fini(&out);
            if (saves) state = rig_reloaded(state, program);
        }
        td_state_free(state);
    }
    td_program_free(program);
}

#define RUN(steps, program) run(steps, sizeof(steps) / sizeof(steps)[0], program)
static const int64_t by_three[] = {TD_WIDTH_TRADES + THREE_TRADES};
static const int64_t by_three_and_ten[] = {TD_WIDTH_TRADES + THREE_TRADES, TD_WIDTH_VOLUME + TEN *TD_WIDTH_UNIT};
static const int64_t with_time[] = {2 * TD_NS_PER_S, TD_WIDTH_TRADES + THREE_TRADES};

static void test_the_trade_that_fills_a_bar_belongs_to_it(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', 1000, 10, 4, 0, NULL},
        {'t', 'a', 'X', 1200, 12, 4, 0, NULL},
        {'t', 'a', 'Y', 1300, 90, 25, 0, NULL}, /* more than a whole bar */
        {'t', 'a', 'X', 1400, 9, 40, 0, NULL},  /* the third; and 48 of 10, whole */
        {'t', 'a', 'X', 1500, 11, 1, 0, NULL},
        {'t', 'a', 'X', 2300, 11, 1, 0, NULL}, /* lateness: up to 1300 nothing can come any more, but at 1300 it can */
        {'t', 'a', 'X', 2400, 11, 1, 0, "Y 10 volume 1300 1300+1: 90 90 90 90 v25 n1\n"},
        {'t', 'a', 'X', 2401, 11, 1, 0,
         "X 3 trades 1000 1400+1: 10 12 9 9 v48 n3\nX 10 volume 1000 1400+1: 10 12 9 9 v48 n3\n"},
        {'t', 'a', 'X', 9000, 11, 1, 0, "X 3 trades 1500 2400+1: 11 11 11 11 v3 n3\n"},
    };
    RUN(steps, program_of(by_three_and_ten, 2, TD_IDS_OFF));
}

static void test_trades_are_sorted_as_far_as_they_may_be_late(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', 5000, 50, 1, 7, NULL},
        {'t', 'a', 'X', 4500, 45, 1, 4, NULL},
        {'t', 'a', 'X', 5000, 49, 1, 6, NULL}, /* ids decide ties */
        {'t', 'a', 'X', 4000, 40, 1, 3, NULL}, /* as late as may be */
        {'t', 'a', 'X', 3999, 39, 1, 2, "X late, 3 trades\n"},
        {'t', 'a', 'X', 6001, 60, 1, 8, "X 3 trades 4000 5000+1: 40 49 40 49 v3 n3\n"},
        {'t', 'a', 'X', 5000, 48, 1, 5, "X late, 3 trades\n"}, /* it would shift what was given */
        {'e', 'a', 0, 6001, 0, 0, 0, "X 3 trades 5000+1 86400000: 50 60 50 60 v2 n2\n"},
    };
    RUN(steps, program_of(by_three, 1, TD_IDS_ANY));
}

static void test_bars_of_one_instant_have_names_of_their_own(void **arg) {
    (void)arg;
    static const int64_t single[] = {TD_WIDTH_TRADES + 1};
    static const step steps[] = {
        {'t', 'a', 'X', 1000, 1, 1, 0, NULL},
        {'t', 'a', 'X', 1000, 2, 1, 0, NULL},
        {'t', 'a', 'X', 1000, 3, 1, 0, NULL},
        {'t', 'a', 'X', 1001, 4, 1, 0, NULL},
        {'t', 'a', 'X', 2001, 5, 1, 0,
         "X 1 trades 1000 1000+1: 1 1 1 1 v1 n1\nX 1 trades 1000+1 1000+2: 2 2 2 2 v1 n1\n"
         "X 1 trades 1000+2 1000+3: 3 3 3 3 v1 n1\n"},
        {'t', 'a', 'X', 3000, 6, 1, 0, "X 1 trades 1001 1001+1: 4 4 4 4 v1 n1\n"},
    };
    RUN(steps, program_of(single, 1, TD_IDS_OFF));
}

static void test_a_day_begins_anew(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', DAY_MS - 2000, 1, 1, 0, NULL},
        {'t', 'a', 'X', DAY_MS - 1000, 2, 1, 0, NULL},
        {'t', 'a', 'X', DAY_MS + 100, 3, 1, 0, NULL},
        {'t', 'a', 'X', DAY_MS + 200, 4, 1, 0, NULL},
        {'l', 'a', 0, DAY_MS, 0, 0, 0, "X 3 trades 86398000 86400000: 1 2 1 2 v2 n2\n"},
        {'t', 'a', 'X', DAY_MS + 300, 5, 1, 0, NULL},
        {'l', 'a', 0, DAY_MS + 301, 0, 0, 0, "X 3 trades 86400100 86400300+1: 3 5 3 5 v3 n3\n"},
    };
    RUN(steps, program_of(by_three, 1, TD_IDS_OFF));
}

static void test_bars_by_time_stand_between_them(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', 3000, 1, 1, 0, NULL},
        {'t', 'a', 'X', 3500, 2, 1, 0, NULL},
        {'t', 'a', 'X', 3999, 3, 1, 0, NULL},
        {'t', 'a', 'X', 4000, 4, 1, 0, NULL},
        {'t', 'a', 'X', 4100, 5, 1, 0, NULL},
        {'t', 'a', 'X', 4200, 6, 1, 0, NULL},
        {'l', 'a', 0, 6000, 0, 0, 0,
         "X 3 trades 3000 3999+1: 1 3 1 3 v3 n3\nX 2s 2000 4000: 1 3 1 3 v3 n3\n"
         "X 3 trades 4000 4200+1: 4 6 4 6 v3 n3\nX 2s 4000 6000: 4 6 4 6 v3 n3\n"},
        {'t', 'a', 'X', 5900, 7, 1, 0, "X late, 2s, 3 trades\n"},
    };
    RUN(steps, program_of(with_time, 2, TD_IDS_OFF));
}

static void test_what_is_missing_marks_the_bar_that_lacks_it(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', 1000, 1, 1, 1, NULL},
        {'t', 'a', 'X', 1100, 2, 1, 2, NULL},
        {'t', 'a', 'X', 1200, 3, 1, 3, NULL}, /* 4 and 5 are lost */
        {'t', 'a', 'X', 1300, 6, 1, 6, NULL},
        {'t', 'a', 'X', 1400, 7, 1, 7, NULL},
        {'t', 'a', 'X', 1500, 8, 1, 8, NULL},
        {'t', 'a', 'X', 1600, 9, 1, 9, NULL},
        {'t', 'a', 'X', 1700, 10, 1, 10, NULL},
        {'t', 'a', 'X', 1800, 11, 1, 11, NULL},
        {'l', 'a', 0, 1900, 0, 0, 0,
         "X 3 trades 1000 1200+1: 1 3 1 3 v3 n3\nX 3 trades 1300 1500+1: 6 8 6 8 v3 n3 partial\n"
         "X 3 trades 1600 1800+1: 9 11 9 11 v3 n3 proven\n"},
        {'t', 'a', 'X', 1250, 4, 1, 4, "X late, 3 trades\n"}, /* found, and in none */
    };
    RUN(steps, program_of(by_three, 1, TD_IDS_ORDERED));
}

static void test_an_instrument_takes_its_trades_along(void **arg) {
    (void)arg;
    static const step steps[] = {
        {'t', 'a', 'X', 1000, 1, 1, 0, NULL},
        {'t', 'a', 'X', 1100, 2, 1, 0, NULL},
        {'t', 'b', 'X', 1200, 3, 1, 0, "X 3 trades 1000 86400000: 1 2 1 2 v2 n2 partial\n"}, /* what is open closes */
        {'t', 'b', 'X', 1300, 4, 1, 0, NULL},
        {'t', 'b', 'X', 1400, 5, 1, 0, NULL},
        {'l', 'b', 0, 1401, 0, 0, 0, "X 3 trades 1200 1400+1: 3 5 3 5 v3 n3 partial\n"},
    };
    RUN(steps, program_of(by_three, 1, TD_IDS_OFF));
}

/* ---- more than may wait ---- */

static void test_of_too_many_the_first_goes_early(void **arg) {
    (void)arg;
    td_program *program = program_of(by_three, 1, TD_IDS_OFF);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    const step one = {'t', 'a', 'X', 5000, 1, 1, 0, NULL}, before = {'t', 'a', 'X', 4999, 1, 1, 0, NULL};
    for (int i = 0; i < TD_PENDING_MAX + 2; i++) apply(state, &one, &out);
    assert_int_equal(out.size, 0);
    apply(state, &one, &out);
    apply(state, &before, &out); /* behind what went early: late, though the watermark has not passed it */
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "X 3 trades 5000 5000+1: 1 1 1 1 v3 n3\nX late, 3 trades\n");
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

static void test_what_goes_early_keeps_to_its_day(void **arg) {
    (void)arg;
    td_program *program = program_of(by_three, 1, TD_IDS_OFF);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    const step evening = {'t', 'a', 'X', DAY_MS - 1, 1, 1, 0, NULL}, morning = {'t', 'a', 'X', DAY_MS, 2, 1, 0, NULL};
    apply(state, &evening, &out);
    for (int i = 0; i < TD_PENDING_MAX + 1; i++) apply(state, &morning, &out);
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "X 3 trades 86399999 86400000: 1 1 1 1 v1 n1\n");
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

/* ---- widths as words ---- */

static void test_widths_are_words(void **arg) {
    (void)arg;
    static const struct {
        const char *text;
        int64_t width; /* 0: it is none */
        const char *told;
    } rows[] = {
        {"1m", TD_NS_PER_MIN, "1m"},
        {"100 trades", TD_WIDTH_TRADES + 100, "100 trades"},
        {"100trades", TD_WIDTH_TRADES + 100, "100 trades"},
        {"1000000000 trades", TD_WIDTH_TRADES + 1000000000, "1000000000 trades"},
        {"1000000001 trades", 0, NULL},
        {"2.50 volume", TD_WIDTH_VOLUME + 250000000, "2.5 volume"},
        {"0.00000001volume", TD_WIDTH_VOLUME + 1, "0.00000001 volume"},
        {"0.000000001 volume", 0, NULL},
        {"70000000000 volume", TD_WIDTH_VOLUME + TD_WIDTH_VOLUME_MAX, "70000000000 volume"},
        {"70000000001 volume", 0, NULL},
        {"1.5 trades", 0, NULL},
        {"0 trades", 0, NULL},
        {"-5 volume", 0, NULL},
        {"trades", 0, NULL},
        {"1  trades", 0, NULL},
        {"5 trade", 0, NULL},
        {"0s", 0, NULL},
        {"20000d", 0, NULL}, /* as long as the numbers of the others */
        {"", 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t width = 0;
        char told[TD_WIDTH_TEXT_MAX];
        bool is_one = td_width_parse(td_text(rows[i].text), &width) == TD_OK;
        if (is_one != (rows[i].width != 0) || (is_one && width != rows[i].width)) fail_msg("%s", rows[i].text);
        if (!is_one) continue;
        assert_int_equal(td_width_format(width, told), strlen(rows[i].told));
        assert_string_equal(told, rows[i].told);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_trade_that_fills_a_bar_belongs_to_it),
        cmocka_unit_test(test_trades_are_sorted_as_far_as_they_may_be_late),
        cmocka_unit_test(test_bars_of_one_instant_have_names_of_their_own),
        cmocka_unit_test(test_a_day_begins_anew),
        cmocka_unit_test(test_bars_by_time_stand_between_them),
        cmocka_unit_test(test_what_is_missing_marks_the_bar_that_lacks_it),
        cmocka_unit_test(test_an_instrument_takes_its_trades_along),
        cmocka_unit_test(test_of_too_many_the_first_goes_early),
        cmocka_unit_test(test_what_goes_early_keeps_to_its_day),
        cmocka_unit_test(test_widths_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
