/* tests/unit/stream_indicator_test.c - goal: sums are exact and means correctly rounded, whatever came and went. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "stream/indicator.h"
#include <cmocka.h>

static td_total *new_total(td_type type) { return td_alloc_zero(1, td_total_bytes(type)); }

/* One value into a window; `leaving` is what stood n values ago. */
static td_value sma_step(td_total *total, td_type type, uint32_t n, td_value x, td_value leaving) {
    td_value ring[1] = {leaving};
    td_step step = {.state = total, .in = {x}, .n = n, .type = type};
    step.past[0] = (td_past){.ring = ring, .depth = 1, .wide = true, .seen = n};
    return td_sma_step(&step);
}

static td_value ema_step(td_total *total, td_type type, uint32_t n, td_value x) {
    td_step step = {.state = total, .in = {x, td_value_real(2.0 / (n + 1.0))}, .n = n, .type = type};
    return td_ema_step(&step);
}

static void test_ratio(void **state) {
    (void)state;
    static const struct {
        int64_t m;
        uint64_t divisor;
        double expected; /* the compiler rounds the literal to the nearest */
    } rows[] = {
        {0, 7, 0.0},
        {1, 3, 1.0 / 3.0},
        {-1, 3, -1.0 / 3.0},
        {100500000000, 1000000000, 100.5},
        {1, 1000000000, 1e-9},
        {123456789, 1000000000, 0.123456789},
        {INT64_MAX, 1000000000, 9223372036.854775807},
        {INT64_MIN, 1000000000, -9223372036.854775808},
        {9007199254740993, 1, 9007199254740992.0}, /* half-way: to even */
        {9007199254740995, 1, 9007199254740996.0}, /* half-way: to even, upwards */
        {1, 100000000000000, 1e-14},
        {2, 300000000000000, 2 / 3e14},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(td_ratio(rows[i].m, rows[i].divisor) == rows[i].expected);
    /* just above half-way, by what a 53-bit or 64-bit intermediate would lose */
    td_i128 big = ((td_i128)9007199254740993 << 60) + 1;
    assert_true(td_ratio(big, (uint64_t)1 << 60) == 9007199254740994.0);
    assert_true(td_ratio(((td_i128)9007199254740993 << 60) - 1, (uint64_t)1 << 60) == 9007199254740992.0);
}

/* What a window says after values have come and gone is what a fresh one says of the same values. */
static void check_window(td_type type, const td_value *values, size_t count, uint32_t length) {
    td_total *running = new_total(type);
    for (size_t i = 0; i < count; i++) {
        td_value got = sma_step(running, type, length, values[i], i >= length ? values[i - length] : 0);
        assert_int_equal(td_value_is_na(got), i + 1 < length);
        if (i + 1 < length) continue;
        td_total *fresh = new_total(type);
        td_value expected = TD_VALUE_NA;
        for (size_t k = i + 1 - length; k <= i; k++) expected = sma_step(fresh, type, length, values[k], 0);
        assert_true(got == expected);
        free(fresh);
    }
    free(running);
}

static void test_no_drift(void **state) { /* huge values pass through and leave no trace */
    (void)state;
    static const double reals[] = {0.1,   1e300,  -1e300,   0.2, 1e-300,  5e-324, -0.3, 1e16, 1,   -1e16, 3.5, 1e308,
                                   1e308, -1e308, 2.5e-310, 0,   -5e-324, 7,      1.1,  2.2,  3.3, -4.4,  5.5, 6.6};
    enum { COUNT = sizeof reals / sizeof reals[0] };
    td_value values[COUNT];
    for (size_t i = 0; i < COUNT; i++) values[i] = td_value_real(reals[i]);
    for (uint32_t length = 1; length <= 8; length++) check_window(TD_TYPE_REAL, values, COUNT, length);
    for (size_t i = 0; i < COUNT; i++)
        values[i] = (i % 3 == 0 ? TD_VALUE_DECIMAL_MAX : -(td_value)i * 977) - (td_value)i;
    for (uint32_t length = 1; length <= 8; length++) check_window(TD_TYPE_DECIMAL, values, COUNT, length);
}

static double mean_of(const double *x, uint32_t count) {
    td_total *average = new_total(TD_TYPE_REAL);
    td_value got = TD_VALUE_NA;
    for (uint32_t i = 0; i < count; i++) got = sma_step(average, TD_TYPE_REAL, count, td_value_real(x[i]), 0);
    free(average);
    assert_false(td_value_is_na(got));
    return td_value_to_real(got);
}

static void test_real_means(void **state) {
    (void)state;
    static const struct {
        double x[4];
        uint32_t count;
        double expected;
    } rows[] = {
        {{1e16, 1, -1e16, 0}, 4, 0.25},           /* a plain sum says 0 */
        {{1e308, 1e308, 1e308, 1e308}, 4, 1e308}, /* a plain sum overflows */
        {{5e-324, 5e-324, 0, 0}, 2, 5e-324},      /* the least double there is */
        {{1, 2, 4, 0}, 3, 7.0 / 3.0},
        {{-1, -2, -4, 0}, 3, -7.0 / 3.0},
        {{0x1p53, 1, 0x1p-60, 0}, 1, 0x1p53},
        {{0x1p53, 1, 0, 0}, 2, 0x1p52}, /* (2^53 + 1) / 2 is half-way: to even */
        {{0x1p53, 1, 0x1p-600, 0x1p-600}, 2, 0x1p52},
        {{0x1.0p54, 0x1.0p1, 0x1p-600, 0x1p54}, 4, 0x1p53},                 /* + 0.5 */
        {{0x1.0p54, 0x1.8p3, 0x1p-600, 0x1p54}, 4, 0x1.00000000000020p53},  /* 2^53 + 3 and a bit: above half-way */
        {{0x1.0p54, 0x1.8p3, -0x1p-600, 0x1p54}, 4, 0x1.00000000000010p53}, /* and a bit less: below it */
        {{0x1.0p54, 4, 0x1p-600, 0x1p54}, 4, 0x1.0000000000001p53},         /* 2^53 + 1 and a bit: above half-way */
        {{0x1.0p54, 4, 0x1p-75, 0x1p54}, 4, 0x1.0000000000001p53},
        {{0x1.0p54, 4, 0, 0x1p54}, 4, 0x1p53},
        {{0, 0, 0, 0}, 4, 0},
        {{3, -3, 0, 0}, 2, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double got = mean_of(rows[i].x, rows[i].count);
        if (got != rows[i].expected) fail_msg("row %zu: %a, expected %a", i, got, rows[i].expected);
    }
}

static void test_ema_begins_as_sma(void **state) {
    (void)state;
    for (uint32_t length = 1; length <= 40; length++) {
        for (int type = TD_TYPE_DECIMAL; type <= TD_TYPE_REAL; type++) {
            td_total *ema = new_total((td_type)type), *sma = new_total((td_type)type);
            for (uint32_t i = 0; i < length; i++) {
                td_value x = type == TD_TYPE_REAL ? td_value_real(1.1 * i) : (td_value)i * 123456789;
                td_value e = ema_step(ema, (td_type)type, length, x);
                assert_true(e == sma_step(sma, (td_type)type, length, x, 0));
                assert_int_equal(td_value_is_na(e), i + 1 < length);
            }
            free(sma);
            free(ema);
        }
    }
}

static void test_na_resets(void **state) { /* to the very bytes of the start */
    (void)state;
    for (int type = TD_TYPE_DECIMAL; type <= TD_TYPE_REAL; type++) {
        td_total *average = new_total((td_type)type), *zero = new_total((td_type)type);
        for (int i = 0; i < 9; i++) (void)ema_step(average, (td_type)type, 3, td_value_real(1.5));
        assert_true(td_value_is_na(ema_step(average, (td_type)type, 3, TD_VALUE_NA)));
        assert_memory_equal(average, zero, td_total_bytes((td_type)type));
        for (int i = 0; i < 2; i++) (void)sma_step(average, (td_type)type, 3, td_value_real(1.5), 0);
        assert_true(td_value_is_na(sma_step(average, (td_type)type, 3, TD_VALUE_NA, 0)));
        assert_memory_equal(average, zero, td_total_bytes((td_type)type));
        free(zero);
        free(average);
    }
}

static double variance_of(const double *x, uint32_t count) {
    void *moments = td_alloc_zero(1, td_covariance_bytes(TD_TYPE_REAL, count));
    td_value got = TD_VALUE_NA;
    for (uint32_t i = 0; i < count; i++) {
        td_step step = {.state = moments, .in = {td_value_real(x[i]), td_value_real(x[i])}, .n = count};
        got = td_covariance_step(&step);
    }
    free(moments);
    return td_value_to_real(got);
}

static void test_variance(void **state) { /* what is left of large squares */
    (void)state;
    static const struct {
        double x[4], expected;
    } rows[] = {
        {{1e150, 1e150, 1e150, 1e150}, 0},
        {{1, 2, 3, 4}, 1.25},
        {{1e12 + 1, 1e12 + 2, 1e12 + 3, 1e12 + 4}, 1.25},
        {{0x1p16 + 0x1p-8, 0x1p16, 0x1p16 + 0x1p-8, 0x1p16}, 0x1p-18},
        {{-3e-9, 3e-9, -3e-9, 3e-9}, 9e-18},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double got = variance_of(rows[i].x, 4);
        if (!(fabs(got - rows[i].expected) <= 1e-15 * rows[i].expected))
            fail_msg("row %zu: %.17g, expected %.17g", i, got, rows[i].expected);
    }
    double still[40]; /* has no variance at all: not the last place of a square */
    for (uint32_t i = 0; i < 40; i++) still[i] = 60123.45;
    for (uint32_t n = 1; n <= 40; n++) assert_true(variance_of(still, n) == 0.0);
}

static void test_values(void **state) {
    (void)state;
    assert_true(td_value_is_na(td_value_real(NAN)) && td_value_is_na(td_value_real(INFINITY)));
    assert_true(td_value_real(-0.0) == td_value_real(0.0));
    static const double reals[] = {0.0, 1.5, -1.5, 5e-324, -1e308};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        td_value v = td_value_real(reals[i]);
        assert_true(td_value_to_real(td_value_unpack(td_value_pack(v))) == reals[i]);
    }
    assert_true(td_value_is_na(td_value_unpack(td_value_pack(TD_VALUE_NA))));
    assert_true(td_value_is_na(td_value_decimal(TD_VALUE_DECIMAL_MAX + 1)));
    assert_true(td_value_decimal(-TD_VALUE_DECIMAL_MAX) == -TD_VALUE_DECIMAL_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ratio),      cmocka_unit_test(test_no_drift),
        cmocka_unit_test(test_real_means), cmocka_unit_test(test_ema_begins_as_sma),
        cmocka_unit_test(test_na_resets),  cmocka_unit_test(test_variance),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
