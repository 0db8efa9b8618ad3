/* src/stream/indicator.c - sma and ema over exact sums. */
#include "stream/indicator.h"
#include <assert.h>

/* ---- exact numbers to the nearest double ---- */

static double power_of_two(int exponent) { /* -1022..1023 */
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int leading_zeros(td_u128 x) { /* x > 0 */
    uint64_t high = (uint64_t)(x >> 64);
    return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)x);
}

/* (m + a bit less than 1 if `more`) / divisor * 2^exponent. `more` only with m of 127 bits. The quotient keeps at
 * least 63 bits; what is cut off survives as a last bit that is set, so that the one rounding, to 53 bits, is right. */
static double scaled_ratio(td_u128 m, bool more, uint64_t divisor, int exponent) {
    if (m == 0) return 0.0;
    int shift = leading_zeros(m) - 1;
    if (shift > 0)
        m <<= shift;
    else
        shift = 0;
    td_u128 quotient = m / divisor;
    if (more || quotient * divisor != m) quotient |= 1;
    exponent -= shift;
    double x = (double)quotient;
    if (exponent < -1000) { /* in two steps: the factor alone may be too small for a double */
        x *= power_of_two(-1000);
        exponent += 1000;
    }
    return x * power_of_two(exponent);
}

double td_ratio(td_i128 m, uint64_t divisor) {
    const int64_t exact = INT64_C(1) << 53; /* up to here both are doubles, and one division rounds once */
    if (m < exact && m > -exact && divisor < (uint64_t)exact) return (double)(int64_t)m / (double)divisor;
    double x = scaled_ratio(m < 0 ? -(td_u128)m : (td_u128)m, false, divisor, 0);
    return m < 0 ? -x : x;
}

/* ---- sums ---- */

static td_u128 decimal_sum(const uint64_t *sum) { return (td_u128)sum[1] << 64 | sum[0]; }

static void decimal_sum_add(uint64_t *sum, td_value x) {
    td_u128 total = decimal_sum(sum) + (td_u128)x;
    sum[0] = (uint64_t)total;
    sum[1] = (uint64_t)(total >> 64);
}

/* Adds or takes away one double: its 53 bits at their place, then the carry as far as it goes. */
static void real_sum_add(uint64_t *sum, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    unsigned biased = (unsigned)(bits >> 52 & 0x7ff);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    if (biased > 0) fraction |= (uint64_t)1 << 52;
    unsigned place = biased > 0 ? biased - 1 : 0; /* in units of 2^-1074, the least double */
    td_u128 addend = (td_u128)fraction << (place % 64);
    bool negative = bits >> 63 != 0;
    uint64_t carry = 0;
    for (unsigned i = place / 64; i < TD_SUM_REAL_WORDS && (addend != 0 || carry != 0); i++, addend >>= 64) {
        td_u128 step = (td_u128)(uint64_t)addend + carry;
        td_u128 word = negative ? (td_u128)sum[i] - step : (td_u128)sum[i] + step;
        sum[i] = (uint64_t)word;
        carry = word >> 64 != 0;
    }
}

static double real_sum_mean(const uint64_t *sum, uint32_t count) {
    uint64_t magnitude[TD_SUM_REAL_WORDS];
    bool negative = sum[TD_SUM_REAL_WORDS - 1] >> 63 != 0;
    uint64_t carry = negative;
    int top = -1; /* the highest word that is not 0 */
    for (int i = 0; i < TD_SUM_REAL_WORDS; i++) {
        magnitude[i] = (negative ? ~sum[i] : sum[i]) + carry;
        carry = carry != 0 && magnitude[i] == 0;
        if (magnitude[i] != 0) top = i;
    }
    if (top < 0) return 0.0;

    /* The 127 bits below the highest one set, and whether anything follows them. */
    int bit_count = 64 * top + 64 - __builtin_clzll(magnitude[top]);
    int cut = bit_count > 127 ? bit_count - 127 : 0;
    td_u128 m = 0;
    for (int i = top; i >= cut / 64; i--) {
        int place = 64 * i - cut;
        m |= place >= 0 ? (td_u128)magnitude[i] << place : (td_u128)(magnitude[i] >> -place);
    }
    bool more = cut % 64 > 0 && magnitude[cut / 64] << (64 - cut % 64) != 0;
    for (int i = 0; i < cut / 64; i++) more = more || magnitude[i] != 0;
    double mean = scaled_ratio(m, more, count, cut - 1074);
    return negative ? -mean : mean;
}

static void sum_add(td_average *average, td_type type, td_value x) {
    if (type == TD_TYPE_REAL)
        real_sum_add(average->sum, td_value_to_real(x));
    else
        decimal_sum_add(average->sum, x);
}

static void sum_take(td_average *average, td_type type, td_value x) {
    if (type == TD_TYPE_REAL)
        real_sum_add(average->sum, -td_value_to_real(x));
    else
        decimal_sum_add(average->sum, -x);
}

static double sum_mean(const td_average *average, td_type type, uint32_t count) {
    if (type == TD_TYPE_REAL) return real_sum_mean(average->sum, count);
    return td_ratio((td_i128)decimal_sum(average->sum), (uint64_t)count * TD_VALUE_ONE);
}

/* ---- averages ---- */

td_value td_sma_step(td_average *average, td_type type, uint32_t length, td_value x, td_value leaving) {
    assert(length > 0 && length <= TD_WINDOW_MAX && type != TD_TYPE_CONDITION);
    if (td_value_is_na(x)) {
        memset(average, 0, td_average_bytes(type));
        return TD_VALUE_NA;
    }
    if (average->seen == length)
        sum_take(average, type, leaving);
    else
        average->seen++;
    sum_add(average, type, x);
    return average->seen < length ? TD_VALUE_NA : td_value_real(sum_mean(average, type, length));
}

td_value td_ema_step(td_average *average, td_type type, uint32_t length, td_value x) {
    assert(length > 0 && length <= TD_WINDOW_MAX && type != TD_TYPE_CONDITION);
    if (td_value_is_na(x)) {
        memset(average, 0, td_average_bytes(type));
        return TD_VALUE_NA;
    }
    double result;
    if (average->seen < length) {
        sum_add(average, type, x);
        if (++average->seen < length) return TD_VALUE_NA;
        result = sum_mean(average, type, length);
    } else {
        double last = td_value_to_real(td_value_unpack(average->last));
        double now = type == TD_TYPE_REAL ? td_value_to_real(x) : td_ratio(x, TD_VALUE_ONE);
        result = last + (now - last) * (2.0 / (length + 1.0));
    }
    td_value value = td_value_real(result);
    if (td_value_is_na(value))
        memset(average, 0, td_average_bytes(type)); /* past the range of doubles */
    else
        average->last = td_value_pack(value);
    return value;
}
