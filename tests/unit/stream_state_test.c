/* tests/unit/stream_state_test.c - goal: bars are what sorting all trades would give; time closes, late is told, and a
 * state that was saved goes on as if it had never stopped. */
#include "base/time.h"
#include "stream/state.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above */
#include <cmocka.h>

enum { S = 1000000000 };

/* ---- outputs as text, one line each ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *b) {
    td_buf_printf(
        self, "bar %.*s %" PRId64 "+%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v%" PRId64 " n%" PRId64,
        (int)instrument.size, (const char *)instrument.data, b->start_ns / S, b->width_ns / S, b->open, b->high, b->low,
        b->close, (int64_t)b->volume, b->trade_count);
    if (b->revision > 0) td_buf_printf(self, " r%d known %" PRId64, (int)b->revision, b->known_at_ns / S);
    td_buf_text(self, "\n");
}

static void on_signal(void *self, td_bytes instrument, const td_signal *s) {
    (void)s;
    td_buf_printf(self, "signal %.*s\n", (int)instrument.size, (const char *)instrument.data);
}

static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    td_buf_printf(self, "%s %.*s", td_reason_name((td_reason)q->reason), (int)instrument.size,
                  (const char *)instrument.data);
    for (int i = 0; i < q->missed_count; i++) td_buf_printf(self, " %" PRId64, q->missed_width_ns[i] / S);
    td_buf_text(self, "\n");
}

static td_program *program_of(const int64_t *widths_s, size_t count) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = count;
    p->unnamed = td_program_feed_default();
    for (size_t i = 0; i < count; i++) p->widths_ns[i] = widths_s[i] * S;
    return p;
}

static uint32_t instrument_of(td_state *state, uint32_t feed, td_bytes name) {
    td_event event = {.feed = feed};
    uint32_t index = td_state_find_instrument(state, name);
    return index != UINT32_MAX ? index : td_state_add_instrument(state, &event, name);
}

static td_event trade(uint32_t feed, uint32_t instrument, int64_t event_ns, int64_t price, int64_t size) {
    return (td_event){.kind = TD_EVENT_TRADE,
                      .feed = feed,
                      .instrument = instrument,
                      .event_ns = event_ns,
                      .receive_ns = event_ns,
                      .trade = {.price = price, .size = size, .trade_id = TD_NONE}};
}

static td_event time_mark(uint32_t feed, int64_t bound_ns, td_session session) {
    return (td_event){.kind = TD_EVENT_TIME,
                      .feed = feed,
                      .receive_ns = bound_ns,
                      .time = {.bound_ns = bound_ns, .clock_ns = bound_ns, .session = (uint8_t)session}};
}

/* ---- tables of steps ---- */

typedef struct step {
    char kind; /* t: trade, w: Time live, e: Time ended, d: Time down, q: quote (price: bid, size: ask), p: price, n:
                  news */
    int feed, instrument;
    double at_s;
    int price, size;
    const char *gives;
    double delay_s; /* until it was received */
    int id;         /* 0: none */
    uint32_t pass;  /* not 0: a release past those, */
    int of;         /* of the record at that offset */
} step;

static td_event event_of(const step *s, td_state *state) {
    static const char *const feeds[] = {"a", "b"};
    static const td_session sessions[] = {['w'] = TD_SESSION_LIVE, ['e'] = TD_SESSION_ENDED, ['d'] = TD_SESSION_DOWN};
    uint32_t feed = td_state_feed(state, td_text(feeds[s->feed]));
    int64_t at_ns = (int64_t)(s->at_s * S);
    td_event e = strchr("tqpn", s->kind) != NULL ? trade(feed, 0, at_ns, s->price, s->size)
                                                 : time_mark(feed, at_ns, sessions[(int)s->kind]);
    if (s->kind == 'd') e.time.bound_ns = TD_NONE;
    if (s->kind == 'q') {
        e.kind = TD_EVENT_QUOTE;
        e.quote = (td_quote){.bid_price = s->price, .bid_size = 1, .ask_price = s->size, .ask_size = 1};
    } else if (s->kind == 'p') {
        e.kind = TD_EVENT_PRICE;
        e.price.price = s->price;
    } else if (s->kind == 'n') {
        e.kind = TD_EVENT_NEWS;
        e.news = (td_news){.headline = TD_TEXT("news"), .id = s->id != 0 ? TD_TEXT("one") : (td_bytes){0}};
    } else if (s->id != 0) {
        e.trade.trade_id = s->id;
    }
    e.receive_ns += (int64_t)(s->delay_s * S);
    e.pass = s->pass;
    e.origin = s->pass != 0 ? TD_ORIGIN_RELEASE : TD_ORIGIN_FEED;
    e.of_offset = s->of;
    return e;
}

static const char *verdict_of(td_applied applied) {
    return applied.verdict == TD_VERDICT_DUPLICATE ? "duplicate\n" : "";
}

static td_applied apply_step(td_state *state, const step *s, const td_emit *emit) {
    static const char *const names[] = {"V:X", "V:Y", "V:Z"};
    td_event e = event_of(s, state);
    if (e.kind == TD_EVENT_TIME) return td_state_apply(state, &e, emit);
    e.instrument = td_state_find_instrument(state, td_text(names[s->instrument]));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(names[s->instrument]));
    if (e.instrument == UINT32_MAX) return td_state_refuse(state, &e, td_text(names[s->instrument]), emit);
    return td_state_apply(state, &e, emit);
}

static void run_program(const step *steps, size_t count, td_program *program) {
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    for (size_t i = 0; i < count; i++) {
        out.size = 0;
        td_buf_text(&out, verdict_of(apply_step(state, &steps[i], &emit)));
        td_buf_put(&out, "", 1);
        if (strcmp((char *)out.data, steps[i].gives) != 0) {
            print_error("step %zu gave\n%swanted\n%s", i, (char *)out.data, steps[i].gives);
            fail();
        }
    }
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

static void run_steps(const step *steps, size_t count, const int64_t *widths_s, size_t width_count) {
    run_program(steps, count, program_of(widths_s, width_count));
}

static void test_windows_close_by_the_watermark(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""}, /* opens [100, 101)                        */
        {'t', 0, 0, 100.9, 70, 1, .gives = ""},
        {'t', 0, 0, 101.5, 60, 1, .gives = ""}, /* watermark 100.5: nothing closes         */
        {'t', 0, 0, 100.5, 90, 1, .gives = ""}, /* within lateness: neither open nor close */
        {'t', 0, 0, 102.0, 65, 1, .gives = "bar V:X 100+1 50 90 50 70 v3 n3\n"}, /* watermark 101 reaches the end */
        {'t', 0, 0, 100.8, 10, 1, .gives = "late V:X 1\n"}, /* final stays final: told, with the width */
        {'t', 0, 1, 102.1, 5, 1, .gives = ""},
        {'w', 0, 0, 103.0, 0, 0,
         .gives = "bar V:X 101+1 60 60 60 60 v1 n1\nbar V:X 102+1 65 65 65 65 v1 n1\nbar V:Y 102+1 5 5 5 5 v1 n1\n"},
        {'w', 0, 0, 102.0, 0, 0, .gives = ""}, /* a lower bound is ignored                */
        {'t', 0, 0, 104.0, 7, 1, .gives = ""},
        {'e', 0, 0, 104.0, 0, 0, .gives = "bar V:X 104+1 7 7 7 7 v1 n1\n"}, /* the end closes what is open */
        {'t', 0, 0, 104.5, 7, 1, .gives = "late V:X 1\n"}, /* and that is final too                   */
        {'t', 0, 0, 105.5, 8, 1, .gives = ""},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_news_moves_time_and_is_told_once(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'n', 0, 1, 102.0, .id = 1, .gives = "bar V:X 100+1 50 50 50 50 v1 n1\n"},
        {'n', 0, 1, 102.5, .id = 1, .gives = "duplicate\n"},
        {'n', 0, 0, 102.5, .id = 1, .gives = ""}, /* of another instrument it is its first */
        {'n', 0, 0, 102.5, .gives = ""},          /* without an id nobody can tell */
        {'n', 0, 0, 102.5, .gives = ""},
        {'n', 0, 2, 112.0, .delay_s = -6, .id = 1, .gives = "ahead V:Z\n"},
        {'n', 0, 2, 112.0, .delay_s = -6, .id = 1, .pass = 1u << TD_REASON_AHEAD, .of = 6, .gives = ""},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_a_record_closes_before_it_is_applied(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 59.0, 1, 1, .gives = ""},
        {'t', 0, 1, 59.5, 2, 1, .gives = ""},
        {'t', 0, 0, 61.0, 3, 1,
         .gives = "bar V:X 59+1 1 1 1 1 v1 n1\nbar V:Y 59+1 2 2 2 2 v1 n1\nbar V:X 0+60 1 1 1 1 v1 n1\nbar V:Y 0+60 2 "
                  "2 2 2 v1 "
                  "n1\n"},
        {'t', 0, 0, 59.9, 3, 1, .gives = "late V:X 1 60\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1, 60}, 2);
}

static void test_feeds_have_their_own_time(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 1, 1, .gives = ""},
        {'t', 1, 1, 900000.0, 2, 1, .gives = ""}, /* years apart: closes nothing of the other feed */
        {'t', 0, 0, 100.5, 3, 1, .gives = ""},
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 1 3 1 3 v2 n2\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_non_positive_is_quarantined(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, -1, 1, .gives = "non-positive V:X\n"},
        {'t', 0, 0, 100.1, 0, 1, .gives = "non-positive V:X\n"},
        {'t', 0, 0, 100.2, 1, 0, .gives = "non-positive V:X\n"},
        {'w', 0, 0, 200.0, 0, 0, .gives = ""}, /* and no bar saw them */
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_what_is_ahead_moves_no_watermark(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'t', 0, 0, 3700.0, 60, 1, .gives = "ahead V:X\n", .delay_s = -3599.5}, /* a clock an hour ahead */
        {'q', 0, 0, 3700.0, 60, 61, .gives = "ahead V:X\n", .delay_s = -3599.5},
        {'t', 0, 0, 100.9, 51, 1, .gives = ""}, /* so the window is still open */
        {'t', 0, 0, 105.0, 60, 1, .gives = "bar V:X 100+1 50 51 50 51 v2 n2\n", .delay_s = -5.0}, /* just not too far */
        {'t', 0, 0, 4102444800.0, 60, 1, .gives = "ahead V:X\n", .delay_s = -4102444700.0},       /* of 2100 */
        {'t', 0, 0, 0.0, 60, 1, .gives = "late V:X 1\n", .delay_s = 106.0},                       /* of 1970 */
        {'t', 0, 0, 3700.0, 60, 1, .gives = "bar V:X 105+1 60 60 60 60 v1 n1\n", .delay_s = -3599.0,
         .pass = 1u << TD_REASON_AHEAD, .of = 1},
        {'t', 0, 0, 3700.0, 60, 1, .gives = "duplicate\n", .delay_s = -3599.0, .pass = 1u << TD_REASON_AHEAD, .of = 1},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_time_before_1970_is_time(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, -2.5, 1, 1, .gives = ""},
        {'t', 0, 0, -1.5, 2, 1, .gives = ""},
        {'t', 0, 0, -0.5, 3, 1, .gives = "bar V:X -3+1 1 1 1 1 v1 n1\n"},
        {'t', 0, 0, 0.5, 4, 1, .gives = "bar V:X -2+1 2 2 2 2 v1 n1\n"},
        {'t', 0, 0, 9.5, 5, 1, .gives = "bar V:X -1+1 3 3 3 3 v1 n1\nbar V:X 0+1 4 4 4 4 v1 n1\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_sessions_that_are_down_pass_no_time(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 1, 1, .gives = ""},
        {'d', 0, 0, 500.0, 0, 0, .gives = ""},
        {'t', 0, 0, 100.5, 2, 1, .gives = ""}, /* nothing has closed meanwhile */
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 1 2 1 2 v2 n2\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_doubles_change_nothing(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = "", .id = 7},
        {'t', 0, 0, 100.0, 50, 1, .gives = "duplicate\n", .id = 7},
        {'t', 0, 1, 100.0, 50, 1, .gives = "", .id = 7}, /* ids are an instrument's own */
        {'t', 0, 0, 100.2, 52, 1, .gives = "", .id = 9},
        {'t', 0, 0, 100.1, 51, 1, .gives = "", .id = 8},
        {'t', 0, 0, 100.1, 51, 1, .gives = "duplicate\n", .id = 8},
        {'t', 0, 0, 100.3, 0, 1, .gives = "non-positive V:X\n", .id = 10},
        {'t', 0, 0, 100.3, 53, 1, .gives = "", .id = 10}, /* what was refused has not been seen */
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 50 53 50 53 v4 n4\nbar V:Y 100+1 50 50 50 50 v1 n1\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
    td_program *off = program_of((const int64_t[]){1}, 1);
    off->unnamed.trade_ids = TD_IDS_OFF;
    static const step twice[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = "", .id = 7},
        {'t', 0, 0, 100.0, 50, 1, .gives = "", .id = 7},
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 50 50 50 50 v2 n2\n"},
    };
    run_program(twice, sizeof twice / sizeof twice[0], off);
}

static void test_quotes_are_judged(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'q', 0, 0, 100.0, 50, 51, .gives = ""},
        {'q', 0, 0, 100.1, 51, 51, .gives = ""},
        {'q', 0, 0, 100.2, 52, 51, .gives = "crossed V:X\n"},
        {'q', 0, 0, 100.2, 52, 51, .gives = "", .delay_s = 0, .pass = 1u << TD_REASON_CROSSED, .of = 3},
        {'q', 0, 0, 100.2, 52, 51, .gives = "duplicate\n", .delay_s = 0, .pass = 1u << TD_REASON_CROSSED, .of = 3},
        {'q', 0, 0, 100.2, 52, 51, .gives = "crossed V:X\n", .delay_s = 0, .pass = 1u << TD_REASON_OUTLIER, .of = 4},
        {'q', 0, 0, 100.2, 52, 51, .gives = "", .delay_s = 0, .pass = 1u << TD_REASON_CROSSED,
         .of = 4}, /* what was refused again can be released */
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_prices_move_time_and_make_no_bar(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'p', 0, 1, 100.5, 7, 0, .gives = ""},
        {'p', 0, 1, 102.5, 8, 0, .gives = "bar V:X 100+1 50 50 50 50 v1 n1\n"}, /* the feed's time is one */
        {'p', 0, 1, 102.6, 0, 0, .gives = "non-positive V:Y\n"},
        {'p', 0, 1, 3700.0, 8, 0, .gives = "ahead V:Y\n", .delay_s = -3597.0},
        {'p', 0, 1, 3700.0, 8, 0, .gives = "", .delay_s = -3597.0, .pass = 1u << TD_REASON_AHEAD, .of = 4},
        {'p', 0, 1, 3700.0, 8, 0, .gives = "duplicate\n", .delay_s = -3597.0, .pass = 1u << TD_REASON_AHEAD, .of = 4},
        {'t', 0, 0, 110.0, 50, 1, .gives = "late V:X 1\n"}, /* so it did move time */
        {'e', 0, 0, 4000.0, 0, 0, .gives = ""},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

/* Of prices an outlier is what prices say, whatever trades of the same instrument do; the newest accepted one is kept.
 */
static void test_prices_are_judged_by_prices(void **unused) {
    (void)unused;
    td_program *program = program_of((const int64_t[]){1}, 1);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    int64_t price, ns;
    assert_false(td_state_price(state, td_text("V:X"), &price, &ns));
    for (int i = 0; i < 20; i++) {
        const step pair[] = {{'t', 0, 0, 100 + i / 100.0, 50, 1, .gives = ""},
                             {'p', 0, 0, 100 + i / 100.0, 1000 + i, 0, .gives = ""}};
        for (int k = 0; k < 2; k++) assert_int_equal(apply_step(state, &pair[k], &emit).verdict, TD_VERDICT_ACCEPTED);
    }
    const step outlier = {'p', 0, 0, 100.3, 5000, 0, .gives = ""}, older = {'p', 0, 0, 100.1, 1002, 0, .gives = ""};
    assert_int_equal(apply_step(state, &outlier, &emit).verdict, TD_VERDICT_QUARANTINED);
    assert_int_equal(apply_step(state, &older, &emit).verdict, TD_VERDICT_ACCEPTED);
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "outlier V:X\n");
    assert_true(td_state_price(state, td_text("V:X"), &price, &ns));
    assert_true(price == 1019 && ns == (int64_t)(100.19 * S));
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

static void test_instruments_are_bounded(void **unused) {
    (void)unused;
    td_program *program = program_of((const int64_t[]){1}, 1);
    program->unnamed.max_instruments = 1;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'t', 0, 1, 100.1, 50, 1, .gives = "unknown-instrument V:Y\n"},
        {'q', 0, 1, 900.0, 50, 51, .gives = "unknown-instrument V:Y\n"}, /* and moves no watermark */
        {'t', 1, 1, 100.0, 50, 1, .gives = ""},                          /* another feed's bound is its own */
        {'t', 0, 1, 100.2, 51, 1,
         .gives = "bar V:Y 100+1 50 50 50 50 v1 n1\nlate V:Y 1\n"}, /* known now, and moves over */
        {'t', 0, 2, 100.3, 50, 1, .gives = "unknown-instrument V:Z\n"},
        {'t', 0, 2, 100.3, 50, 1, .gives = "", .delay_s = 0, .pass = 1u << TD_REASON_INSTRUMENT, .of = 6},
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 50 50 50 50 v1 n1\nbar V:Z 100+1 50 50 50 50 v1 n1\n"},
    };
    run_program(steps, sizeof steps / sizeof steps[0], program);
}

static void test_late_trades_revise_within_grace(void **unused) {
    (void)unused;
    td_program *program = program_of((const int64_t[]){1, 60}, 2);
    program->grace_ns = INT64_C(60) * S;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'t', 0, 0, 102.0, 60, 1, .gives = "bar V:X 100+1 50 50 50 50 v1 n1\n"},
        {'t', 0, 0, 100.5, 55, 1, .gives = "bar V:X 100+1 50 55 50 55 v2 n2 r1 known 103\n", .delay_s = 2.5},
        {'t', 0, 0, 99.5, 49, 1, .gives = "bar V:X 99+1 49 49 49 49 v1 n1\n"}, /* its first result */
        {'t', 0, 0, 99.6, 48, 1, .gives = "bar V:X 99+1 49 49 48 48 v2 n2 r1 known 99\n"},
        {'w', 0, 0, 159.5, 0, 0, .gives = "bar V:X 102+1 60 60 60 60 v1 n1\nbar V:X 60+60 49 60 48 60 v5 n5\n"},
        {'t', 0, 0, 99.9, 47, 1,
         /* 99+1 ended 59.5 s ago */ .gives =
             "bar V:X 99+1 49 49 47 47 v3 n3 r2 known 99\nbar V:X 60+60 49 60 47 60 v6 n6 r1 known 99\n"},
        {'w', 0, 0, 160.0, 0, 0, .gives = ""},
        {'t', 0, 0, 99.9, 46, 1,
         .gives = "bar V:X 60+60 49 60 46 60 v7 n7 r2 known 99\nlate V:X 1\n"}, /* 60 s: final */
        {'w', 0, 0, 180.0, 0, 0, .gives = ""},
        {'t', 0, 0, 99.9, 45, 1, .gives = "late V:X 1 60\n"},
        {'t', 0, 0, 200.0, 44, 1, .gives = ""},
        {'e', 0, 0, 200.0, 0, 0, .gives = "bar V:X 200+1 44 44 44 44 v1 n1\nbar V:X 180+60 44 44 44 44 v1 n1\n"},
        {'t', 0, 0, 200.2, 43, 1,
         /* an ended feed that goes on */ .gives =
             "bar V:X 200+1 44 44 43 43 v2 n2 r1 known 200\nbar V:X 180+60 44 44 43 43 v2 n2 r1 known 200\n"},
    };
    run_program(steps, sizeof steps / sizeof steps[0], program);
}

static void test_releases_revise_beyond_grace(void **unused) {
    (void)unused;
    td_program *program = program_of((const int64_t[]){1, 60}, 2);
    program->grace_ns = INT64_C(2) * S;
    program->repair_horizon_ns = INT64_C(100) * S;
    program->unnamed.max_ahead_ns = 0;
    enum { PASS = 1u << TD_REASON_AHEAD };
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'t', 0, 0, 100.5, 90, 1, .gives = "ahead V:X\n", .delay_s = -1},        /* wants [100, 101) and [60, 120) */
        {'t', 0, 0, 103.5, 91, 1, .gives = "ahead V:X\n", .delay_s = -1},        /* where nothing will trade */
        {'t', 0, 0, 105.5, 51, 1, .gives = "bar V:X 100+1 50 50 50 50 v1 n1\n"}, /* in the slot of [100, 101) */
        {'w', 0, 0, 110.0, 0, 0, .gives = "bar V:X 105+1 51 51 51 51 v1 n1\n"},
        {'t', 0, 0, 100.6, 99, 1, .gives = "late V:X 1\n"}, /* what nobody released is late as ever */
        {'t', 0, 0, 100.5, 90, 1, .gives = "bar V:X 100+1 50 90 50 90 v2 n2 r1 known 110\n", .pass = PASS, .of = 1},
        {'t', 0, 0, 100.5, 90, 1, .gives = "duplicate\n", .pass = PASS, .of = 1},
        {'t', 0, 0, 103.5, 91, 1, .gives = "bar V:X 103+1 91 91 91 91 v1 n1\n", .pass = PASS, .of = 2}, /* its first */
        {'t', 0, 0, 103.6, 92, 1, .gives = "bar V:X 103+1 91 92 91 92 v2 n2 r1 known 110\n", .pass = PASS, .of = 3},
        {'t', 0, 0, 104.5, 93, 1, .gives = "late V:X 1\n", .pass = PASS, .of = 4}, /* nobody wanted it in time */
        {'t', 0, 0, 100.7, 94, 1, .gives = "ahead V:X\n", .delay_s = -1},          /* wants one that is kept */
        {'w', 0, 0, 201.0, 0, 0, .gives = "bar V:X 60+60 50 99 50 51 v7 n7\n"},
        {'t', 0, 0, 100.7, 94, 1, .gives = "bar V:X 60+60 50 99 50 51 v8 n8 r1 known 201\nlate V:X 1\n", .pass = PASS,
         .of = 11}, /* [100, 101) ended 100 s ago: past the horizon; [60, 120) did not */
    };
    run_program(steps, sizeof steps / sizeof steps[0], program);
}

/* Through a snapshot, and a change of the program to one with fewer slots. */
static void test_what_is_kept_survives(void **unused) {
    (void)unused;
    enum { PASS = 1u << TD_REASON_AHEAD };
    static const step before[] = {{'t', 0, 0, 100.0, 50, 1, .gives = ""},
                                  {'t', 0, 0, 100.5, 90, 1, .gives = "", .delay_s = -1},
                                  {'t', 0, 0, 100.6, 90, 1, .gives = "", .delay_s = -1},
                                  {'w', 0, 0, 101.0, 0, 0, .gives = ""},
                                  {'t', 0, 0, 102.5, 51, 1, .gives = ""},
                                  {'t', 0, 0, 103.5, 52, 1, .gives = ""},
                                  {'w', 0, 0, 110.0, 0, 0, .gives = ""}};
    static const step release[] = {{'t', 0, 0, 100.5, 90, 1, .gives = "", .pass = PASS, .of = 1},
                                   {'t', 0, 0, 100.5, 90, 1, .gives = "", .pass = PASS, .of = 1},
                                   {'t', 0, 0, 100.6, 91, 1, .gives = "", .pass = PASS, .of = 2}};
    static const char *const wanted[] = {
        "bar V:X 100+1 50 90 50 90 v2 n2 r1 known 110\n", "duplicate\n",
        "bar V:X 100+1 50 91 50 91 v3 n3 r2 known 110\nlate V:X 5\n"}; /* a new width never saw it */
    td_program *program = program_of((const int64_t[]){1}, 1), *other = program_of((const int64_t[]){1, 5}, 2);
    program->grace_ns = INT64_C(8) * S;
    program->repair_horizon_ns = other->repair_horizon_ns = INT64_C(100) * S;
    program->unnamed.max_ahead_ns = 0;
    td_buf out = {0}, saved = {0}, ignored = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL},
            silent = emit;
    silent.self = &ignored;
    td_state *state = td_state_new(program);
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) (void)apply_step(state, &before[i], &silent);
    for (size_t i = 0; i < sizeof release / sizeof release[0]; i++) {
        out.size = saved.size = 0;
        if (i == 1) td_state_swap(state, other, NULL);
        td_state_save(state, &saved);
        td_state_free(state);
        assert_int_equal(td_state_load(&state, i == 0 ? program : other, td_buf_bytes(&saved)), TD_OK);
        td_buf_text(&out, verdict_of(apply_step(state, &release[i], &emit)));
        td_buf_put(&out, "", 1);
        assert_string_equal((char *)out.data, wanted[i]);
    }
    td_buf_fini(&out);
    td_buf_fini(&saved);
    td_buf_fini(&ignored);
    td_state_free(state);
    td_program_free(program);
    td_program_free(other);
}

static void test_an_instrument_follows_its_feed(void **unused) {
    (void)unused;
    td_program *program = program_of((const int64_t[]){1}, 1);
    program->grace_ns = INT64_C(60) * S;
    static const step steps[] = {
        {'t', 0, 0, 100.0, 50, 1, .gives = ""},
        {'t', 0, 1, 100.0, 50, 1, .gives = ""},
        {'t', 1, 0, 100.5, 51, 1,
         .gives = "bar V:X 100+1 50 50 50 50 v1 n1\nbar V:X 100+1 50 51 50 51 v2 n2 r1 known 100\n"},
        {'t', 1, 0, 101.5, 52, 1, .gives = ""},
        {'w', 0, 0, 200.0, 0, 0,
         .gives = "bar V:Y 100+1 50 50 50 50 v1 n1\n"}, /* the feed before has no say any more */
        {'w', 1, 0, 102.0, 0, 0, .gives = "bar V:X 101+1 52 52 52 52 v1 n1\n"},
    };
    run_program(steps, sizeof steps / sizeof steps[0], program);
}

static void test_arrival_decides_ties_without_ids(void **unused) {
    (void)unused;
    static const step steps[] = {
        {'t', 0, 0, 100.5, 1, 1, .gives = ""},
        {'t', 0, 0, 100.5, 3, 1, .gives = ""},
        {'t', 0, 0, 100.5, 2, 1, .gives = ""}, /* the last to come is the close, the first stays the open */
        {'w', 0, 0, 101.0, 0, 0, .gives = "bar V:X 100+1 1 3 1 2 v3 n3\n"},
    };
    run_steps(steps, sizeof steps / sizeof steps[0], (const int64_t[]){1}, 1);
}

static void test_trade_ids_decide_ties(void **unused) {
    (void)unused;
    const int64_t widths[] = {1};
    td_program *program = program_of(widths, 1);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    uint32_t feed = td_state_feed(state, td_text("a")), x = instrument_of(state, feed, td_text("V:X"));
    static const int64_t ids[] = {5, 9, 2}, prices[] = {50, 90, 20};
    for (int i = 0; i < 3; i++) {
        td_event e = trade(feed, x, INT64_C(100) * S, prices[i], 1);
        e.trade.trade_id = ids[i];
        (void)td_state_apply(state, &e, &emit);
    }
    td_event e = time_mark(feed, INT64_C(101) * S, TD_SESSION_LIVE);
    (void)td_state_apply(state, &e, &emit);
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "bar V:X 100+1 20 90 20 90 v3 n3\n"); /* opens at id 2, closes at id 9 */
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

static void test_sums_never_overflow(void **unused) {
    (void)unused;
    const int64_t widths[] = {1};
    td_program *program = program_of(widths, 1);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    uint32_t feed = td_state_feed(state, td_text("a")), x = instrument_of(state, feed, td_text("V:X"));
    for (int i = 0; i < 3; i++) {
        td_event e = trade(feed, x, INT64_C(100) * S, INT64_MAX, INT64_MAX);
        td_applied applied = td_state_apply(state, &e, &emit);
        assert_int_equal(applied.verdict, i < 1 ? TD_VERDICT_ACCEPTED : TD_VERDICT_QUARANTINED);
    }
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "overflow V:X\noverflow V:X\n");
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
}

/* ---- against sorting ---- */

static uint64_t seed_next(uint64_t *seed) {
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

enum { TRADES = 4000, INSTRUMENTS = 5 };

typedef struct sorted_trade {
    int64_t event_ns, price, size;
    int arrival;
    uint32_t instrument;
} sorted_trade;

static int by_instrument_and_time(const void *a, const void *b) {
    const sorted_trade *x = a, *y = b;
    if (x->instrument != y->instrument) return x->instrument < y->instrument ? -1 : 1;
    if (x->event_ns != y->event_ns) return x->event_ns < y->event_ns ? -1 : 1;
    return x->arrival < y->arrival ? -1 : 1;
}

static int by_line(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Lines in byte order, so that only their set is compared. */
static void sort_lines(td_buf *text) {
    static char *lines[4 * TRADES];
    size_t count = 0;
    td_buf copy = {0}, out = {0};
    td_buf_put(&copy, text->data, text->size);
    td_buf_put(&copy, "", 1);
    for (char *line = strtok((char *)copy.data, "\n"); line != NULL; line = strtok(NULL, "\n")) lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_line);
    for (size_t i = 0; i < count; i++) td_buf_printf(&out, "%s\n", lines[i]);
    td_buf_put(&out, "", 1);
    td_buf_fini(&copy);
    td_buf_fini(text);
    *text = out;
}

static void bars_by_sorting(sorted_trade *trades, const int64_t *widths_s, size_t width_count, td_buf *out) {
    static const char *const names[] = {"V:A", "V:B", "V:C", "V:D", "V:E"};
    qsort(trades, TRADES, sizeof *trades, by_instrument_and_time);
    for (size_t w = 0; w < width_count; w++) {
        int64_t width_ns = widths_s[w] * S;
        for (size_t i = 0; i < TRADES;) {
            size_t j = i;
            td_bar b = {.start_ns = trades[i].event_ns / width_ns * width_ns,
                        .open = trades[i].price,
                        .high = trades[i].price,
                        .low = trades[i].price};
            b.end_ns = b.start_ns + width_ns;
            b.width_ns = width_ns;
            for (; j < TRADES && trades[j].instrument == trades[i].instrument && trades[j].event_ns < b.end_ns; j++) {
                if (trades[j].price > b.high) b.high = trades[j].price;
                if (trades[j].price < b.low) b.low = trades[j].price;
                b.close = trades[j].price;
                b.volume += trades[j].size;
                b.trade_count++;
            }
            on_bar(out, td_text(names[trades[i].instrument]), &b);
            i = j;
        }
    }
}

static void test_bars_equal_sorting_and_survive_saving(void **unused) {
    (void)unused;
    static const char *const names[] = {"V:A", "V:B", "V:C", "V:D", "V:E"};
    const int64_t widths[] = {1, 3, 60};
    td_program *program = program_of(widths, 3);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        static sorted_trade trades[TRADES];
        td_state *state = td_state_new(program);
        td_buf got = {0}, wanted = {0}, saved = {0};
        td_emit emit = {&got, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
        int64_t now_ns = INT64_C(1700000000) * S;
        uint32_t feed = td_state_feed(state, td_text("a"));
        for (int i = 0; i < TRADES; i++) {
            now_ns +=
                (int64_t)(seed_next(&random) % (seed_next(&random) % 50 == 0 ? 7 * (uint64_t)S : (uint64_t)S / 20));
            sorted_trade *t = &trades[i];
            *t = (sorted_trade){.event_ns =
                                    now_ns - (int64_t)(seed_next(&random) % (uint64_t)S), /* never late: at most 1 s */
                                .price = 1 + (int64_t)(seed_next(&random) % 1000),
                                .size = 1 + (int64_t)(seed_next(&random) % 1000),
                                .arrival = i,
                                .instrument = (uint32_t)(seed_next(&random) % INSTRUMENTS)};
            if (seed_next(&random) % 200 == 0) { /* stop and go on from bytes */
                saved.size = 0;
                td_state_save(state, &saved);
                td_state_free(state);
                assert_int_equal(td_state_load(&state, program, td_buf_bytes(&saved)), TD_OK);
            }
            td_event e =
                trade(feed, instrument_of(state, feed, td_text(names[t->instrument])), t->event_ns, t->price, t->size);
            td_applied applied = td_state_apply(state, &e, &emit);
            assert_int_equal(applied.late_count, 0);
        }
        td_event end = time_mark(feed, now_ns, TD_SESSION_ENDED);
        (void)td_state_apply(state, &end, &emit);
        bars_by_sorting(trades, widths, 3, &wanted);
        sort_lines(&got);
        sort_lines(&wanted);
        assert_string_equal((char *)got.data, (char *)wanted.data);
        td_buf_fini(&got);
        td_buf_fini(&wanted);
        td_buf_fini(&saved);
        td_state_free(state);
    }
    td_program_free(program);
}

static void test_bytes_that_are_not_a_state_are_refused(void **unused) {
    (void)unused;
    const int64_t widths[] = {1, 60}, other_widths[] = {1};
    td_program *program = program_of(widths, 2), *other = program_of(other_widths, 1);
    other->sha256[0] = 1;
    td_state *state = td_state_new(program), *loaded;
    td_buf out = {0}, saved = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    uint32_t feed = td_state_feed(state, td_text("a")), x = instrument_of(state, feed, td_text("V:X"));
    td_event e = trade(feed, x, INT64_C(100) * S, 1, 1);
    (void)td_state_apply(state, &e, &emit);
    (void)td_state_feed(state, td_text("b"));
    td_state_save(state, &saved);
    assert_true(td_state_bytes(state) >= saved.size); /* room for it can be made before */
    assert_int_equal(td_state_load(&loaded, other, td_buf_bytes(&saved)), TD_REJECT);
    for (size_t size = 0; size < saved.size; size++) {
        uint8_t *cut = malloc(size + 1); /* exact size: a read past the end is seen */
        memcpy(cut, saved.data, size);
        assert_int_equal(td_state_load(&loaded, program, (td_bytes){cut, size}), TD_REJECT);
        free(cut);
    }
    uint8_t *name = memmem(saved.data, saved.size, "V:X", 3); /* then what it is, its feed in front */
    assert_non_null(name);
    name[3] = 1; /* one that does not trade it */
    assert_int_equal(td_state_load(&loaded, program, td_buf_bytes(&saved)), TD_REJECT);
    td_buf_fini(&out);
    td_buf_fini(&saved);
    td_state_free(state);
    td_program_free(program);
    td_program_free(other);
}

static void test_a_swap_keeps_open_windows(void **unused) {
    (void)unused;
    const int64_t widths[] = {1, 60}, next_widths[] = {60, 300};
    td_program *program = program_of(widths, 2), *next = program_of(next_widths, 2);
    td_state *state = td_state_new(program);
    td_buf out = {0};
    td_emit emit = {&out, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    uint32_t feed = td_state_feed(state, td_text("a")), x = instrument_of(state, feed, td_text("V:X"));
    td_event e = trade(feed, x, INT64_C(600) * S, 7, 1);
    (void)td_state_apply(state, &e, &emit);
    td_state_swap(state, next, NULL);
    e = trade(td_state_feed(state, td_text("a")), instrument_of(state, 0, td_text("V:X")), INT64_C(601) * S, 9, 1);
    (void)td_state_apply(state, &e, &emit);
    e = time_mark(0, INT64_C(900) * S, TD_SESSION_LIVE);
    (void)td_state_apply(state, &e, &emit);
    td_buf_put(&out, "", 1);
    assert_string_equal((char *)out.data, "bar V:X 600+60 7 9 7 9 v2 n2\nbar V:X 600+300 9 9 9 9 v1 n1\n");
    td_buf_fini(&out);
    td_state_free(state);
    td_program_free(program);
    td_program_free(next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_close_by_the_watermark),
        cmocka_unit_test(test_news_moves_time_and_is_told_once),
        cmocka_unit_test(test_a_record_closes_before_it_is_applied),
        cmocka_unit_test(test_feeds_have_their_own_time),
        cmocka_unit_test(test_non_positive_is_quarantined),
        cmocka_unit_test(test_what_is_ahead_moves_no_watermark),
        cmocka_unit_test(test_time_before_1970_is_time),
        cmocka_unit_test(test_sessions_that_are_down_pass_no_time),
        cmocka_unit_test(test_doubles_change_nothing),
        cmocka_unit_test(test_quotes_are_judged),
        cmocka_unit_test(test_prices_move_time_and_make_no_bar),
        cmocka_unit_test(test_prices_are_judged_by_prices),
        cmocka_unit_test(test_instruments_are_bounded),
        cmocka_unit_test(test_late_trades_revise_within_grace),
        cmocka_unit_test(test_releases_revise_beyond_grace),
        cmocka_unit_test(test_what_is_kept_survives),
        cmocka_unit_test(test_an_instrument_follows_its_feed),
        cmocka_unit_test(test_arrival_decides_ties_without_ids),
        cmocka_unit_test(test_trade_ids_decide_ties),
        cmocka_unit_test(test_sums_never_overflow),
        cmocka_unit_test(test_bars_equal_sorting_and_survive_saving),
        cmocka_unit_test(test_bytes_that_are_not_a_state_are_refused),
        cmocka_unit_test(test_a_swap_keeps_open_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
