/* src/base/decimal.c - exact decimal arithmetic on scaled integers. */
#include "base/decimal.h"
#include <assert.h>

static const uint64_t pow10_u64[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

enum {
    NARROW_DIGITS = 18, /* any so many digits fit uint64 */
    WIDE_DIGITS = 30,   /* any so many fit td_u128; at least 11 more than a result can hold, so what follows them can
                           only break a tie */
    EXPONENT_MAX = 100000,
};

static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static td_u128 pow10_u128(int exponent) {
    assert(exponent >= 0 && exponent <= 38);
    return exponent < 20 ? pow10_u64[exponent] : (td_u128)pow10_u64[19] * pow10_u64[exponent - 19];
}

static td_status store(td_u128 magnitude, bool negative, int64_t *out_m) {
    /* INT64_MIN stays free: it means "none" in events. */
    if (magnitude > INT64_MAX) return TD_REJECT;
    *out_m = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return TD_OK;
}

typedef struct wide { /* value = (digits + something in [0, 1) when rest) * 10^exponent */
    td_u128 digits;
    bool rest;
    int64_t exponent;
} wide;

static const uint8_t *read_wide_digits(const uint8_t *p, const uint8_t *end, bool fraction, wide *out, int *kept) {
    for (; p < end && is_digit(*p); p++) {
        bool keep = *kept < WIDE_DIGITS;
        if (keep) out->digits = out->digits * 10 + (uint8_t)(*p - '0');
        if (keep && out->digits > 0) (*kept)++; /* leading zeros cost no place */
        if (!keep && *p != '0') out->rest = true;
        out->exponent += (keep ? 0 : 1) - (fraction ? 1 : 0);
    }
    return p;
}

static bool read_exponent(const uint8_t *p, const uint8_t *end, wide *out) {
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    int64_t exponent = 0;
    for (; p < end && is_digit(*p); p++)
        if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (*p - '0');
    out->exponent += negative ? -exponent : exponent;
    return p == end;
}

/* Any number of digits and any exponent: rare, so clarity before speed. `p` is behind the sign. */
static td_status parse_wide(const uint8_t *p, const uint8_t *end, wide *out) {
    int kept = 0;
    const uint8_t *start = p;
    p = read_wide_digits(p, end, false, out, &kept);
    if (p == start) return TD_REJECT;
    if (p < end && *p == '.') {
        start = ++p;
        p = read_wide_digits(p, end, true, out, &kept);
        if (p == start) return TD_REJECT;
    }
    if (p < end && (*p == 'e' || *p == 'E')) return read_exponent(p + 1, end, out) ? TD_OK : TD_REJECT;
    return p == end ? TD_OK : TD_REJECT;
}

static td_status scale_wide(wide v, int scale, bool negative, int64_t *out_m, bool *out_inexact) {
    if (v.digits == 0) return store(0, false, out_m);
    int64_t shift = v.exponent + scale;
    if (shift >= 0) {
        if (v.rest || shift > 19 || v.digits > INT64_MAX) return TD_REJECT;
        return store(v.digits * pow10_u128((int)shift), negative, out_m);
    }
    if (shift < -WIDE_DIGITS) return TD_REJECT; /* below 0.1 of the last place: rounds to 0 */
    td_u128 unit = pow10_u128((int)-shift);
    td_u128 quotient = v.digits / unit, left = v.digits % unit, half = unit / 2;
    if (left > half || (left == half && (v.rest || quotient % 2 == 1))) quotient++;
    *out_inexact = left != 0 || v.rest;
    return quotient == 0 ? TD_REJECT : store(quotient, negative, out_m);
}

td_status td_decimal_parse(td_bytes text, int scale, int64_t *out_m, bool *out_inexact) {
    assert(scale >= 0 && scale <= NARROW_DIGITS);
    *out_inexact = false;
    const uint8_t *p = text.data, *end = td_bytes_end(text);
    bool negative = text.size > 0 && *p == '-';
    if (text.size > 0 && (*p == '-' || *p == '+')) p++;

    const uint8_t *digits = p;
    uint64_t m = 0;
    int fraction = 0;
    if (end - p <= NARROW_DIGITS) {
        for (; p < end && is_digit(*p); p++) m = m * 10 + (uint8_t)(*p - '0');
        if (p < end && p > digits && *p == '.') {
            const uint8_t *start = ++p;
            for (; p < end && is_digit(*p); p++) m = m * 10 + (uint8_t)(*p - '0');
            fraction = (int)(p - start);
            if (fraction == 0) return TD_REJECT;
        }
        if (p == end && p > digits && fraction <= scale)
            return store((td_u128)m * pow10_u64[scale - fraction], negative, out_m);
    }
    wide v = {0};
    td_status status = parse_wide(digits, end, &v);
    return status == TD_OK ? scale_wide(v, scale, negative, out_m, out_inexact) : status;
}

/* Writes the digits of `v` before `end`, at least `count` of them; returns the first. */
static char *put_digits(td_u128 v, int count, char *end) {
    char *p = end;
    while (v > UINT64_MAX) { /* 128-bit division is slow: once per 18 digits, not per digit */
        uint64_t low = (uint64_t)(v % pow10_u64[18]);
        v /= pow10_u64[18];
        for (int i = 0; i < 18; i++, low /= 10) *--p = (char)('0' + low % 10);
    }
    for (uint64_t low = (uint64_t)v; low > 0; low /= 10) *--p = (char)('0' + low % 10);
    while (end - p < count) *--p = '0';
    return p;
}

size_t td_decimal_format(td_i128 m, int scale, bool keep_zeros, char out[TD_DECIMAL_TEXT_MAX]) {
    assert(scale >= 0 && scale <= 38);
    char digits[TD_DECIMAL_TEXT_MAX];
    char *end = digits + sizeof digits;
    td_u128 magnitude = m < 0 ? -(td_u128)m : (td_u128)m;
    const char *p = put_digits(magnitude, scale + 1, end);
    const char *dot = end - scale;
    size_t n = 0;
    if (m < 0) out[n++] = '-';
    while (p < dot) out[n++] = *p++;
    const char *stop = end;
    if (!keep_zeros)
        while (stop > dot && stop[-1] == '0') stop--;
    if (stop > dot) out[n++] = '.';
    while (p < stop) out[n++] = *p++;
    out[n] = '\0';
    return n;
}

td_i128 td_div_half_even(td_i128 a, td_i128 b) {
    assert(b > 0);
    td_i128 quotient = a / b, left = a % b;
    td_i128 up = left < 0 ? -left : left;
    td_i128 down = b - up; /* compare up with down: doubling `up` could overflow */
    if (up > down || (up == down && quotient % 2 != 0)) quotient += a < 0 ? -1 : 1;
    return quotient;
}

double td_decimal_double(td_i128 m, int scale) {
    static const double pow10_double[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                          1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    assert(scale >= 0 && scale <= 22);
    return (double)m / pow10_double[scale];
}
