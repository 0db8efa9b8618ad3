/* tests/unit/lang_use_test.c - goal: what a strategy uses of other widths and instruments runs on their bars, and is
 * read as of its own: those that end with it are seen, those to come never. */
#include "lang/lang.h"
#include "stream/state.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
/* after its own */
#include "state_rig.h"
#include "unit.h"

#define S      INT64_C(1000000000)
#define MINUTE (60 * S)

static td_program *program_of(const char *text) {
    td_buf errors = {0};
    td_source_text source = {.file = "x.td", .text = td_text(text)};
    td_graph **graphs;
    size_t count;
    td_program *p = td_alloc_zero(1, sizeof *p);
    if (td_lang_compile(&source, 1, &graphs, &count, &errors) != TD_OK)
        fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    p->unnamed = td_program_feed_default();
    p->unnamed.rules = TD_RULES_OFF; /* prices leap here */
    for (size_t i = 0; i < count; i++) {
        p->widths_ns[p->width_count] = td_graph_width_ns(graphs[i]);
        p->graphs[p->width_count++] = graphs[i];
    }
    free(graphs);
    return p;
}

/* A trade two seconds into that minute, of a price in whole units. */
static void trade(td_state *state, const char *name, int64_t minute, int64_t price, uint8_t flags) {
    td_event e = {.kind = TD_EVENT_TRADE,
                  .flags = flags,
                  .feed = td_state_feed(state, TD_TEXT("a")),
                  .event_ns = minute * MINUTE + 2 * S,
                  .receive_ns = minute * MINUTE + 2 * S,
                  .trade = {.price = price * S, .size = 1, .trade_id = TD_NONE}};
    e.instrument = td_state_find_instrument(state, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
}

/* NAN: na */
static double line_of(const td_state *state, const td_program *p, const char *instrument, const char *name) {
    const td_graph_line *lines;
    size_t count = td_graph_lines(p->graphs[0], &lines);
    for (size_t i = 0; i < count; i++) {
        double value;
        if (!td_bytes_equal(lines[i].name, td_text(name))) continue;
        return td_graph_line_value(p->graphs[0], td_state_graph(state, td_text(instrument), 0), i, &value) ? value
                                                                                                           : NAN;
    }
    fail_msg("no line %s", name);
    return NAN;
}

static bool same(double a, double b) { return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-9; }

/* ---- other widths ---- */

static int64_t price_of(int64_t minute) { return 1000 + minute * minute % 101; }

/* The close of the n-th bar of three minutes; NAN where there is none. */
static double wide_close(int64_t n) { return n < 0 ? NAN : (double)price_of(3 * n + 2); }

static void another_width_runs_on_its_own_bars(void **unused) {
    (void)unused;
    td_program *p = program_of("fn twice(x) = x + x\n"
                               "series trend on bars(3m)\n"
                               "  last = close\n"
                               "strategy fast on bars(1m)\n"
                               "  param n = 2\n"
                               "  use slow = bars(3m)\n"
                               "  seen   = slow.close\n"
                               "  before = slow.close[1]\n"
                               "  mean   = sma(slow.close, n)\n"
                               "  again  = sma(mean, 2)\n"
                               "  wide   = bbands(slow.close, 2, 2, 2)\n"
                               "  double = twice(slow.close) - slow.close\n"
                               "  mixed  = slow.close - close\n"
                               "  past   = mixed[1]\n"
                               "  same   = sma(trend.last, n)\n"
                               "  buy when crossover(slow.close, mean) and close > mean\n");
    td_state *state = td_state_new(p);
    double mixed_before = NAN;
    for (int64_t k = 0; k < 60; k++) {
        if (k % 7 == 3) state = rig_reloaded(state, p);
        trade(state, "V:X", k, price_of(k), 0);
        if (k < 1) continue; /* now minute k - 1 is final */
        int64_t n = k / 3 - 1;
        double close = (double)price_of(k - 1), mean = (wide_close(n) + wide_close(n - 1)) / 2;
        ASSERT_ROW(same(line_of(state, p, "V:X", "seen"), wide_close(n)), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "before"), wide_close(n - 1)), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "mean"), mean), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "same"), mean), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "wide.middle"), mean), "%d", (int)k);
        double mean_before = (wide_close(n - 1) + wide_close(n - 2)) / 2;
        ASSERT_ROW(same(line_of(state, p, "V:X", "again"), (mean + mean_before) / 2), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "double"), wide_close(n)), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "mixed"), wide_close(n) - close), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:X", "past"), mixed_before), "%d", (int)k);
        mixed_before = wide_close(n) - close;
    }
    td_state_free(state);
    td_program_free(p);
}

/* A strategy on wide bars sees the narrow one that ends with its own. */
static void a_narrower_width_is_seen_too(void **unused) {
    (void)unused;
    td_program *p = program_of("strategy slow on bars(3m)\n"
                               "  use fast = bars(1m)\n"
                               "  gap = close - fast.open\n"
                               "  up  = fast.close - fast.close[2]\n"
                               "  exit when gap > 0\n");
    td_state *state = td_state_new(p);
    for (int64_t k = 0; k < 30; k++) trade(state, "V:X", k, 100 + k, 0);
    const td_graph_line *lines;
    double gap, up;
    assert_int_equal(td_graph_lines(p->graphs[1], &lines), 2);
    assert_true(td_graph_line_value(p->graphs[1], td_state_graph(state, TD_TEXT("V:X"), 1), 0, &gap));
    assert_true(td_graph_line_value(p->graphs[1], td_state_graph(state, TD_TEXT("V:X"), 1), 1, &up));
    assert_true(gap == 0 && up == 2);
    td_state_free(state);
    td_program_free(p);
}

/* ---- other instruments ---- */

static const char pair[] = "strategy pair on bars(1m) for V:KO\n"
                           "  use pep  = V:PEP\n"
                           "  use slow = V:PEP bars(3m)\n"
                           "  other  = pep.close\n"
                           "  mean   = sma(pep.close, 3)\n"
                           "  apart  = close - pep.close\n"
                           "  wide   = slow.close\n"
                           "  age    = pep.age / 1s\n"
                           "  buy when apart > 2\n";

/* PEP trades in each minute but every fourth, before KO or behind it. */
static void run_pair(bool pep_first, uint8_t flags) {
    td_program *p = program_of(pair);
    td_state *state = td_state_new(p);
    int64_t seen[3] = {0}, count = 0, wide = 0, last = 0;
    for (int64_t k = 0; k < 60; k++) {
        if (k % 7 == 3) state = rig_reloaded(state, p);
        bool trades = k % 4 != 1;
        if (trades && pep_first) trade(state, "V:PEP", k, 1000 + 2 * k, flags);
        trade(state, "V:KO", k, 1000 + k, 0);
        if (trades && !pep_first) trade(state, "V:PEP", k, 1000 + 2 * k, flags);
        if (k < 1) continue;
        int64_t done = k - 1; /* what has just become final */
        if (done % 4 != 1) { seen[count++ % 3] = last = 1000 + 2 * done; }
        if (done % 3 == 2) wide = last;
        double age = done % 4 == 1 ? 60 : 0;
        ASSERT_ROW(same(line_of(state, p, "V:KO", "other"), (double)last), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:KO", "apart"), (double)(1000 + done - last)), "%d", (int)k);
        ASSERT_ROW(same(line_of(state, p, "V:KO", "age"), age), "%d", (int)k);
        if (count >= 3)
            ASSERT_ROW(same(line_of(state, p, "V:KO", "mean"), (double)(seen[0] + seen[1] + seen[2]) / 3), "%d",
                       (int)k);
        if (done >= 2) ASSERT_ROW(same(line_of(state, p, "V:KO", "wide"), (double)wide), "%d", (int)k);
        assert_true(isnan(line_of(state, p, "V:PEP", "other"))); /* the strategy is not for it */
    }
    td_state_free(state);
    td_program_free(p);
}

static void another_instrument_is_seen(void **unused) {
    (void)unused;
    run_pair(true, 0);
    run_pair(false, 0);
    run_pair(true, TD_FLAG_COPY);
    run_pair(false, TD_FLAG_COPY);
}

static void who_uses_whom_is_told(void **unused) {
    (void)unused;
    td_program *p = program_of(pair);
    const td_graph_use *uses;
    assert_int_equal(td_graph_uses(p->graphs[0], &uses), 1);
    assert_true(td_bytes_equal(uses[0].instrument, TD_TEXT("V:PEP")) && uses[0].strategy == 0);
    td_program_free(p);
}

/* Nobody acts on a copy: its own partition does. */
static void copies_give_no_signals(void **unused) {
    (void)unused;
    td_program *p = program_of("strategy both on bars(1m)\n"
                               "  use pep = V:PEP\n"
                               "  buy when close >= pep.close\n");
    td_state *state = td_state_new(p);
    for (int64_t k = 0; k < 5; k++) {
        trade(state, "V:PEP", k, 5, TD_FLAG_COPY);
        trade(state, "V:KO", k, 5, 0);
    }
    assert_int_equal(td_state_target(state, TD_TEXT("V:PEP"), 0, 0), 0);
    assert_int_equal(td_state_target(state, TD_TEXT("V:KO"), 0, 0), 100000000);
    td_state_free(state);
    td_program_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_width_runs_on_its_own_bars),
        cmocka_unit_test(a_narrower_width_is_seen_too),
        cmocka_unit_test(another_instrument_is_seen),
        cmocka_unit_test(who_uses_whom_is_told),
        cmocka_unit_test(copies_give_no_signals),
    };
    return cmocka_run_group_tests_name("lang_use", tests, NULL, NULL);
}
