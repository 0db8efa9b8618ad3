/* tests/unit/base_decimal_test.c - goal: decimals are exact, round half to even, and refuse what they cannot hold. */
#include "base/decimal.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static void parses_exactly(void **state) {
    static const struct {
        const char *text;
        int scale;
        td_status status;
        int64_t m;
        bool inexact;
    } rows[] = {
        {"0", 9, TD_OK, 0, false},
        {"-0", 9, TD_OK, 0, false},
        {"-0.000", 9, TD_OK, 0, false},
        {"0e99999999999999999999", 9, TD_OK, 0, false},
        {"0.0000000000000000000000000000000000000000", 9, TD_OK, 0, false},
        {"1", 9, TD_OK, 1000000000, false},
        {"+1.5", 9, TD_OK, 1500000000, false},
        {"-1.5", 9, TD_OK, -1500000000, false},
        {"007.250", 2, TD_OK, 725, false},
        {"00000000000000000000000000000000000007.25", 2, TD_OK, 725, false},
        {"104235.12000000", 9, TD_OK, 104235120000000, false},
        {"1e3", 2, TD_OK, 100000, false},
        {"1.25E+1", 2, TD_OK, 1250, false},
        {"125e-2", 2, TD_OK, 125, false},
        {"0.000000000000000000000000001e27", 0, TD_OK, 1, false},
        /* trailing zeros are no excess digits */
        {"1.2500000000000000000000000000000000000000000", 9, TD_OK, 1250000000, false},
        /* half to even, and what breaks the tie however far behind */
        {"0.125", 2, TD_OK, 12, true},
        {"0.135", 2, TD_OK, 14, true},
        {"-0.125", 2, TD_OK, -12, true},
        {"-0.135", 2, TD_OK, -14, true},
        {"0.1250000000000000000000000000000000000000000000000001", 2, TD_OK, 13, true},
        {"0.12499999999999999999999999999999999999999999999999999", 2, TD_OK, 12, true},
        {"1.0000000005", 9, TD_OK, 1000000000, true},
        {"1.0000000015", 9, TD_OK, 1000000002, true},
        {"9.999999999999", 2, TD_OK, 1000, true},
        /* the ends of the range */
        {"9223372036.854775807", 9, TD_OK, INT64_MAX, false},
        {"-9223372036.854775807", 9, TD_OK, -INT64_MAX, false},
        {"9223372036.8547758074", 9, TD_OK, INT64_MAX, true},
        {"9223372036.8547758075", 9, TD_REJECT, 0, false},
        {"9223372036.854775808", 9, TD_REJECT, 0, false},
        {"-9223372036.854775808", 9, TD_REJECT, 0, false}, /* INT64_MIN means "none" */
        {"1e30", 9, TD_REJECT, 0, false},
        {"1e999999999999999999999999", 9, TD_REJECT, 0, false},
        {"99999999999999999999999999999999999999999", 0, TD_REJECT, 0, false},
        /* what rounds to 0 is refused unless it is 0 */
        {"0.0000000001", 9, TD_REJECT, 0, false},
        {"0.0000000005", 9, TD_REJECT, 0, false}, /* a tie, and 0 is even */
        {"0.00000000050000000000000000000000000000000001", 9, TD_OK, 1, true},
        {"1e-40", 9, TD_REJECT, 0, false},
        {"1e-999999999999", 9, TD_REJECT, 0, false},
        /* syntax */
        {"", 9, TD_REJECT, 0, false},
        {"-", 9, TD_REJECT, 0, false},
        {"+", 9, TD_REJECT, 0, false},
        {"--1", 9, TD_REJECT, 0, false},
        {".5", 9, TD_REJECT, 0, false},
        {"5.", 9, TD_REJECT, 0, false},
        {"5.e1", 9, TD_REJECT, 0, false},
        {"1.2.3", 9, TD_REJECT, 0, false},
        {"1e", 9, TD_REJECT, 0, false},
        {"1e+", 9, TD_REJECT, 0, false},
        {"1e1.5", 9, TD_REJECT, 0, false},
        {" 1", 9, TD_REJECT, 0, false},
        {"1 ", 9, TD_REJECT, 0, false},
        {"1,5", 9, TD_REJECT, 0, false},
        {"0x10", 9, TD_REJECT, 0, false},
        {"nan", 9, TD_REJECT, 0, false},
        {"inf", 9, TD_REJECT, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t m = 0;
        bool inexact = true;
        td_status status = td_decimal_parse(td_text(rows[i].text), rows[i].scale, &m, &inexact);
        ASSERT_ROW(status == rows[i].status, "\"%s\" at %d", rows[i].text, rows[i].scale);
        if (status != TD_OK) continue;
        ASSERT_ROW(m == rows[i].m && inexact == rows[i].inexact, "\"%s\" at %d", rows[i].text, rows[i].scale);
    }
}

/* The slow way: digits in an array, long addition by hand. Texts are digits[.digits] without sign and exponent. */
static td_status parse_slowly(const char *text, int scale, int64_t *out_m, bool *out_inexact) {
    char kept[128] = {0};
    const char *dot = strchr(text, '.');
    size_t whole = dot != NULL ? (size_t)(dot - text) : strlen(text);
    const char *fraction = dot != NULL ? dot + 1 : "";
    size_t given = strlen(fraction);
    memcpy(kept, text, whole);
    for (size_t i = 0; i < (size_t)scale; i++) kept[whole + i] = i < given ? fraction[i] : '0';
    const char *excess = given > (size_t)scale ? fraction + scale : "";
    *out_inexact = strspn(excess, "0") != strlen(excess);
    bool above = excess[0] > '5' || (excess[0] == '5' && strspn(excess + 1, "0") != strlen(excess + 1));
    bool tie = excess[0] == '5' && !above;
    size_t last = whole + (size_t)scale - 1;
    if (above || (tie && (kept[last] - '0') % 2 == 1)) {
        size_t i = last;
        for (; kept[i] == '9' && i > 0; i--) kept[i] = '0';
        kept[i]++; /* texts begin with 0: there is always room */
    }
    errno = 0;
    *out_m = strtoll(kept, NULL, 10);
    if (errno != 0) return TD_REJECT;
    bool zero = strspn(text, "0.") == strlen(text);
    return *out_m == 0 && !zero ? TD_REJECT : TD_OK;
}

static void agrees_with_the_slow_way(void **state) {
    (void)state;
    uint64_t seed = 20131007;
    size_t accepted = 0, inexact_count = 0;
    for (int i = 0; i < 50000; i++) {
        char text[64];
        size_t n = 0, whole = 1 + unit_random(&seed) % 12, fraction = unit_random(&seed) % 20;
        unsigned digits = unit_random(&seed) % 3 == 0 ? 2 : 10; /* 0 and 5 alone: many ties and zeros */
        text[n++] = '0';
        for (size_t k = 0; k < whole + fraction; k++) {
            if (k == whole) text[n++] = '.';
            unsigned digit = (unsigned)(unit_random(&seed) % digits);
            text[n++] = (char)('0' + (digits == 2 ? 5 * digit : digit));
        }
        text[n] = '\0';
        int scale = 1 + (int)(unit_random(&seed) % 9);
        int64_t fast = 0, slow = 0;
        bool fast_inexact = false, slow_inexact = false;
        td_status expected = parse_slowly(text, scale, &slow, &slow_inexact);
        ASSERT_ROW(td_decimal_parse(td_text(text), scale, &fast, &fast_inexact) == expected, "%s at %d", text, scale);
        if (expected != TD_OK) continue;
        ASSERT_ROW(fast == slow && fast_inexact == slow_inexact, "%s at %d", text, scale);
        accepted++;
        inexact_count += fast_inexact;
    }
    assert_true(accepted > 30000 && inexact_count > 5000); /* or the comparison compared nothing */
}

static void formats_plainly(void **state) {
    static const td_i128 i128_max = (td_i128)(~(td_u128)0 >> 1);
    const struct {
        td_i128 m;
        int scale;
        bool keep_zeros;
        const char *text;
    } rows[] = {
        {0, 9, false, "0"},
        {0, 9, true, "0.000000000"},
        {0, 0, true, "0"},
        {1500000000, 9, false, "1.5"},
        {-250000000, 9, false, "-0.25"},
        {-250000000, 9, true, "-0.250000000"},
        {1, 9, false, "0.000000001"},
        {1000000000000, 9, false, "1000"},
        {-7, 0, false, "-7"},
        {INT64_MAX, 9, false, "9223372036.854775807"},
        {INT64_MIN, 9, false, "-9223372036.854775808"},
        {(td_i128)INT64_MAX * 1000000000, 17, false, "92233720368.54775807"},
        {i128_max, 17, true, "1701411834604692317316.87303715884105727"},
        {-i128_max - 1, 0, false, "-170141183460469231731687303715884105728"},
        {-i128_max - 1, 38, false, "-1.70141183460469231731687303715884105728"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[TD_DECIMAL_TEXT_MAX];
        assert_int_equal(td_decimal_format(rows[i].m, rows[i].scale, rows[i].keep_zeros, out), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
    }
}

static void comes_back_from_text(void **state) {
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 20000; i++) {
        int64_t m = (int64_t)(unit_random(&seed) >> unit_random(&seed) % 60);
        if (m == INT64_MIN) continue;
        int scale = (int)(unit_random(&seed) % 10);
        char out[TD_DECIMAL_TEXT_MAX];
        size_t size = td_decimal_format(m, scale, i % 2 == 0, out);
        int64_t back;
        bool inexact;
        assert_int_equal(td_decimal_parse((td_bytes){(const uint8_t *)out, size}, scale, &back, &inexact), TD_OK);
        assert_int_equal(back, m);
        assert_false(inexact);
    }
}

static void divides_half_even(void **state) {
    static const td_i128 i128_max = (td_i128)(~(td_u128)0 >> 1);
    const struct {
        td_i128 a, b, quotient;
    } rows[] = {
        {0, 3, 0},
        {1, 2, 0},
        {3, 2, 2},
        {5, 2, 2},
        {-1, 2, 0},
        {-3, 2, -2},
        {-5, 2, -2},
        {7, 3, 2},
        {8, 3, 3},
        {-8, 3, -3},
        {6, 4, 2},
        {10, 4, 2},
        {i128_max, 1, i128_max},
        {-i128_max - 1, 1, -i128_max - 1},
        {i128_max, 2, i128_max / 2 + 1}, /* odd / 2 is a tie; the quotient below is odd */
        {i128_max - 1, i128_max, 1},
        {i128_max / 2, i128_max, 0},
        {i128_max / 2 + 1, i128_max, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) assert_true(td_div_half_even(rows[i].a, rows[i].b) == rows[i].quotient);
}

static void gives_the_nearest_double(void **state) {
    (void)state;
    assert_true(td_decimal_double(1500000000, 9) == 1.5);
    assert_true(td_decimal_double(-100000000, 9) == -0.1);
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) { /* strtod rounds correctly, and knows nothing of us */
        int64_t m = (int64_t)(unit_random(&seed) >> (11 + unit_random(&seed) % 40));
        char out[TD_DECIMAL_TEXT_MAX];
        (void)td_decimal_format(m, 9, true, out);
        assert_true(td_decimal_double(m, 9) == strtod(out, NULL));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_exactly),    cmocka_unit_test(agrees_with_the_slow_way),
        cmocka_unit_test(formats_plainly),   cmocka_unit_test(comes_back_from_text),
        cmocka_unit_test(divides_half_even), cmocka_unit_test(gives_the_nearest_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
