/* tests/unit/stream_order_test.c - goal: extremes, ranks, quantiles and mean distances are those of the window's values
 * counted by hand, with ties, na in between, and at every length; and they do not depend on when the window began. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "stream/op.h"
#include "stream/order.h"
#include <cmocka.h>

enum { VALUES = 700, LENGTH_MAX = 40 };

static td_value values[VALUES];

static void roll_values(td_type type) {
    uint32_t seed = 3;
    for (int i = 0; i < VALUES; i++) {
        seed = seed * 1664525u + 1013904223u;
        int spread = i / 100 % 2 == 0 ? 6 : 5000; /* many ties, then few */
        int64_t whole = (int64_t)(seed >> 9) % spread - spread / 2;
        if (i > 300 && i < 400) whole = i; /* a tree that only grows to one side */
        if (i > 450 && i < 500) whole = -i;
        values[i] = type == TD_TYPE_REAL ? td_value_real((double)whole / 3) : (td_value)whole * TD_VALUE_ONE;
        if (i % 97 == 50) values[i] = TD_VALUE_NA;
    }
}

/* All values through the operator from bar `from` on. */
static void run(td_op op, td_type type, uint32_t n, int from, td_value out[VALUES]) {
    const td_op_row *row = &td_op_rows[op];
    td_value ring[LENGTH_MAX] = {0};
    void *state = td_alloc_zero(1, row->state_bytes(type, n));
    for (int i = from; i < VALUES; i++) {
        td_step step = {.state = state, .in = {values[i], td_value_real(0.3)}, .n = n, .type = type};
        step.past[0] = (td_past){.ring = ring, .depth = n, .wide = true, .seen = (uint64_t)(i - from)};
        out[i] = row->step(&step);
        ring[(uint32_t)(i - from) % n] = values[i];
    }
    free(state);
}

/* ---- by hand ---- */

static double real_of(td_type type, td_value v) {
    return type == TD_TYPE_REAL ? td_value_to_real(v) : (double)v / (double)TD_VALUE_ONE;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double extreme_by_hand(const double *window, uint32_t n, double sign) { /* window[0] is the newest */
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (sign * window[i] > sign * window[best]) best = i;
    return best;
}

static double rank_by_hand(const double *window, uint32_t n) {
    double less = 0, equal = 0;
    for (uint32_t i = 0; i < n; i++) {
        less += window[i] < window[0];
        equal += window[i] == window[0];
    }
    return (less + (equal + 1) / 2) / n;
}

static double quantile_by_hand(const double *window, uint32_t n, double q) {
    double sorted[LENGTH_MAX];
    memcpy(sorted, window, n * sizeof *window);
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    double place = q * (n - 1.0);
    uint32_t below = (uint32_t)place;
    return below + 1 < n ? sorted[below] + (sorted[below + 1] - sorted[below]) * (place - below) : sorted[below];
}

static double distance_by_hand(const double *window, uint32_t n) {
    double mean = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++) mean += window[i] / n;
    for (uint32_t i = 0; i < n; i++) sum += fabs(window[i] - mean) / n;
    return sum;
}

static double by_hand(td_op op, const double *window, uint32_t n) {
    switch (op) {
    case TD_OP_MAX_AGO:
        return extreme_by_hand(window, n, 1);
    case TD_OP_MIN_AGO:
        return extreme_by_hand(window, n, -1);
    case TD_OP_RANK:
        return rank_by_hand(window, n);
    case TD_OP_QUANTILE:
        return quantile_by_hand(window, n, 0.3);
    default:
        return distance_by_hand(window, n);
    }
}

static void check(td_op op, td_type type, uint32_t n) {
    td_value got[VALUES], later[VALUES];
    run(op, type, n, 0, got);
    run(op, type, n, 123, later);
    for (int i = 0, known = 0; i < VALUES; i++) {
        double window[LENGTH_MAX];
        known = td_value_is_na(values[i]) ? 0 : known + 1;
        assert_true(td_value_is_na(got[i]) == (known < (int)n));
        if (known < (int)n) continue;
        for (uint32_t k = 0; k < n; k++) window[k] = real_of(type, values[i - (int)k]);
        double expected = by_hand(op, window, n), value = real_of(td_op_rows[op].type, got[i]);
        if (!(fabs(value - expected) <= 1e-12 * (1 + fabs(expected))))
            fail_msg("op %d, n %u, value %d: %.17g, by hand %.17g", op, n, i, value, expected);
        if (i >= 123 + (int)n) assert_true(got[i] == later[i]);
    }
}

static void test_windows(void **state) {
    (void)state;
    static const td_op ops[] = {TD_OP_MAX_AGO, TD_OP_MIN_AGO, TD_OP_RANK, TD_OP_QUANTILE, TD_OP_MEAN_DISTANCE};
    for (int type = TD_TYPE_DECIMAL; type <= TD_TYPE_REAL; type++) {
        roll_values((td_type)type);
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
            for (uint32_t n = 1; n <= LENGTH_MAX; n++)
                if (ops[i] != TD_OP_MEAN_DISTANCE || type == TD_TYPE_DECIMAL) check(ops[i], (td_type)type, n);
    }
}

static void
test_balance(void **state) { /* values from both ends inwards: a tree that is not kept even takes for ever */
    (void)state;
    enum { LENGTH = 60000 };
    void *sorted = td_alloc_zero(1, td_sorted_bytes(TD_TYPE_DECIMAL, LENGTH));
    td_value got = TD_VALUE_NA;
    for (int i = 0; i < 3 * LENGTH; i++) {
        td_value x =
            (td_value)(i % 2 == 0 ? i : -i) * (i < LENGTH ? -1 : 1) + (i < LENGTH ? (i % 2 == 0 ? 1 : -1) * LENGTH : 0);
        td_step step = {.state = sorted, .in = {x, td_value_real(0)}, .n = LENGTH, .type = TD_TYPE_DECIMAL};
        got = td_quantile_step(&step);
    }
    assert_true(got == td_value_real(-(3.0 * LENGTH - 1) / 1e9));
    free(sorted);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_windows), cmocka_unit_test(test_balance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
