/* tests/unit/stream_hindsight_test.c - goal: after any revision the head is what a graph would be that had seen the
 * revised bars alone, and what strategies did is corrected by signals of their own, never rewritten. */
#include "strategy_rig.h"
#include "stream/hindsight.h"
#include <inttypes.h>
#include <stdio.h>

enum { DEPTH = 4, BARS_MAX = 64, MINUTE = 60 };
#define HEAD  "strategy x on bars(1m)\n"
#define UNIT  INT64_C(1000000000)
#define WIDTH (MINUTE * UNIT)

/* ---- one instrument ---- */

typedef struct look_back {
    td_graph *graph;
    td_hindsight h;
    td_buf said; /* signals, a line each */
} look_back;

static void on_signal(void *arg, const td_signal *s) {
    look_back *l = arg;
    td_buf_printf(&l->said, "%s %s %" PRId64 "#%u to %" PRId64 " known %" PRId64 "\n",
                  td_signal_status_name((td_signal_status)s->status), td_action_name((td_action)s->action),
                  s->event_ns / WIDTH, s->ordinal, s->target / 100000000, s->known_at_ns);
}

static look_back look_back_open(const char *text, uint32_t depth) {
    td_buf errors = {0};
    look_back l = {.graph = rig_compile(text, &errors)};
    if (l.graph == NULL) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    size_t bytes = td_hindsight_bytes(l.graph, depth);
    l.h = (td_hindsight){.graph = l.graph, .depth = depth, .state = aligned_alloc(16, bytes)};
    memset(l.h.state, 0, bytes);
    return l;
}

static void look_back_close(look_back *l) {
    td_buf_fini(&l->said);
    free(l->h.state);
    td_graph_free(l->graph);
}

/* The bar of minute n with all prices `price`. */
static td_bar bar_of(int64_t n, int64_t price, int64_t known_at_ns) {
    return (td_bar){.start_ns = n * WIDTH,
                    .end_ns = (n + 1) * WIDTH,
                    .width_ns = WIDTH,
                    .open = price * UNIT,
                    .high = price * UNIT,
                    .low = price * UNIT,
                    .close = price * UNIT,
                    .vwap = price * UNIT,
                    .volume = 100000000,
                    .trade_count = 1,
                    .known_at_ns = known_at_ns};
}

/* ---- tables of steps ---- */

typedef struct step {
    bool revises;
    int64_t minute, price;
    bool applied;
    const char *says;
} step;

static void run_steps(const char *text, uint32_t depth, const step *steps, size_t count) {
    look_back l = look_back_open(text, depth);
    for (size_t i = 0; i < count; i++) {
        td_bar bar = bar_of(steps[i].minute, steps[i].price, (int64_t)i);
        bool applied = true;
        l.said.size = 0;
        if (steps[i].revises)
            applied = rig_revise(l.h, TD_TEXT("V:X"), &bar, on_signal, &l);
        else
            td_hindsight_apply(l.h, TD_TEXT("V:X"), &bar, on_signal, &l);
        td_buf_put(&l.said, "", 1);
        assert_true(td_hindsight_valid(l.h));
        if (applied != steps[i].applied || strcmp((char *)l.said.data, steps[i].says) != 0)
            fail_msg("step %zu %s and said\n%swanted\n%s", i, applied ? "applied" : "did not apply",
                     (char *)l.said.data, steps[i].says);
    }
    look_back_close(&l);
}
#define RUN_STEPS(text, depth, steps) run_steps(text, depth, steps, sizeof(steps) / sizeof(steps)[0])

static const char levels[] = HEAD "  buy when close > 10\n  sell when close < 5\n";

static void signals_are_withdrawn_and_come_late(void **unused) {
    (void)unused;
    static const step steps[] = {
        {false, 1, 8, true, ""},
        {false, 2, 12, true, "fresh buy 3#1 to 1 known 1\n"},
        {false, 3, 9, true, ""},
        {true, 2, 13, true, ""},                                /* the same action: it stands              */
        {true, 2, 8, true, "withdrawn buy 3#1 to 1 known 4\n"}, /* its condition no longer holds           */
        {true, 2, 12, true, "late buy 3#2 to 1 known 5\n"},     /* … and does again: an id of its own      */
        {true, 2, 7, true, "withdrawn buy 3#2 to 1 known 6\n"},
        {true, 3, 4, true, "late sell 4#1 to 0 known 7\n"},       /* we were long then, whatever was withdrawn */
        {true, 3, 11, true, "withdrawn sell 4#1 to 0 known 8\n"}, /* long already: nothing to buy            */
        {false, 4, 3, true, "fresh sell 5#1 to 0 known 9\n"},     /* late ones move no target                */
    };
    RUN_STEPS(levels, DEPTH, steps);
}

static void an_action_can_change_into_another(void **unused) {
    (void)unused;
    static const char text[] = HEAD "  buy when close > 10\n  short when close < 5\n";
    static const step steps[] = {
        {false, 1, 12, true, "fresh buy 2#1 to 1 known 0\n"},
        {true, 1, 3, true, "withdrawn buy 2#1 to 1 known 1\nlate short 2#2 to -1 known 1\n"},
    };
    RUN_STEPS(text, DEPTH, steps);
}

static void a_late_bar_shifts_those_behind_it(void **unused) {
    (void)unused;
    static const char text[] = HEAD "  buy when close > close[1] + 5\n";
    static const step steps[] = {
        {false, 1, 10, true, ""},
        {false, 3, 20, true, "fresh buy 4#1 to 1 known 1\n"},
        {true, 2, 18, true, "late buy 3#1 to 1 known 2\nwithdrawn buy 4#1 to 1 known 2\n"},
        {true, 4, 19, true, ""}, /* late, and behind all: as the newest */
    };
    RUN_STEPS(text, DEPTH, steps);
}

static void what_is_older_than_the_base_is_not_reapplied(void **unused) {
    (void)unused;
    static const step steps[] = {
        {false, 1, 12, true, "fresh buy 2#1 to 1 known 0\n"},
        {false, 2, 8, true, ""},
        {false, 3, 8, true, ""}, /* two bars back: the first is in the base */
        {true, 1, 8, false, ""},
        {true, 0, 12, false, ""},
        {true, 2, 3, true, "late sell 3#1 to 0 known 5\n"},
    };
    RUN_STEPS(levels, 2, steps);
    static const step flat[] = {{false, 1, 12, true, "fresh buy 2#1 to 1 known 0\n"}, {true, 1, 8, false, ""}};
    RUN_STEPS(levels, 0, flat);
}

static void another_programs_bars_are_older_than_the_base(void **unused) {
    (void)unused;
    look_back l = look_back_open(levels, DEPTH);
    td_bar before = bar_of(5, 12, 0), after = bar_of(6, 12, 1);
    td_hindsight_begin_behind(l.h, before.end_ns);
    assert_false(rig_revise(l.h, TD_TEXT("V:X"), &before, on_signal, &l));
    assert_true(rig_revise(l.h, TD_TEXT("V:X"), &after, on_signal, &l));
    look_back_close(&l);
}

/* ---- against computing all again ---- */

static void assert_same_lines(const look_back *l, const int64_t *prices, int64_t bars) {
    void *fresh = rig_new_state(l->graph);
    rig nobody = {0};
    for (int64_t n = 0; n < bars; n++) {
        td_bar bar = bar_of(n, prices[n], 0);
        td_graph_event event = {.instrument = TD_TEXT("V:X"), .bar = &bar};
        if (prices[n] > 0) td_graph_apply(l->graph, fresh, &event, rig_collect, &nobody);
    }
    const td_graph_line *lines;
    for (size_t i = 0; i < td_graph_lines(l->graph, &lines); i++) {
        double ours = -1, theirs = -1;
        bool has = td_graph_line_value(l->graph, l->h.state, i, &ours);
        assert_true(has == td_graph_line_value(l->graph, fresh, i, &theirs));
        assert_true(ours == theirs);
    }
    free(fresh);
}

static uint64_t random_next(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void the_head_is_as_if_it_had_always_known(void **unused) {
    (void)unused;
    static const char text[] = HEAD "  fast = ema(close, 3)\n  slow = sma(close, 5)\n  past = close[2] * 2\n"
                                    "  buy when crossover(fast, slow)\n  sell when crossunder(fast, slow)\n";
    int revisions = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint64_t random = seed;
        look_back l = look_back_open(text, DEPTH);
        int64_t prices[BARS_MAX] = {0}; /* 0: no bar of that minute */
        for (int64_t n = 0; n < BARS_MAX; n++) {
            bool skipped = random_next(&random) % 4 == 0;
            td_bar bar = bar_of(n, 1 + (int64_t)(random_next(&random) % 50), n);
            if (!skipped) td_hindsight_apply(l.h, TD_TEXT("V:X"), &bar, on_signal, &l);
            if (!skipped) prices[n] = bar.close / UNIT;
            int64_t back = n - (int64_t)(random_next(&random) % DEPTH),
                    price = 1 + (int64_t)(random_next(&random) % 50);
            if (back < 0) continue;
            td_bar late = bar_of(back, price, n);
            /* Those that are refused are so because at least `depth` bars lie behind the base. */
            if (!rig_revise(l.h, TD_TEXT("V:X"), &late, on_signal, &l)) continue;
            prices[back] = price;
            revisions++;
            assert_same_lines(&l, prices, n + 1);
        }
        look_back_close(&l);
    }
    assert_true(revisions > 2000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_withdrawn_and_come_late),
        cmocka_unit_test(an_action_can_change_into_another),
        cmocka_unit_test(a_late_bar_shifts_those_behind_it),
        cmocka_unit_test(what_is_older_than_the_base_is_not_reapplied),
        cmocka_unit_test(another_programs_bars_are_older_than_the_base),
        cmocka_unit_test(the_head_is_as_if_it_had_always_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
