/* src/stream/sum.c - sums as long fixed-point numbers, and the one rounding on the way out. */
#include "stream/sum.h"
#include <assert.h>
#include <math.h>

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

static double scale(double x, int exponent) {
    if (exponent < -1000) { /* in two steps: the factor alone may be too small for a double */
        x *= power_of_two(-1000);
        exponent += 1000;
    }
    return x * power_of_two(exponent);
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
    return scale((double)quotient, exponent - shift);
}

double td_ratio(td_i128 m, uint64_t divisor) {
    const int64_t exact = INT64_C(1) << 53; /* up to here both are doubles, and one division rounds once */
    if (m < exact && m > -exact && divisor < (uint64_t)exact) return (double)(int64_t)m / (double)divisor;
    double x = scaled_ratio(m < 0 ? -(td_u128)m : (td_u128)m, false, divisor, 0);
    return m < 0 ? -x : x;
}

/* ---- in ---- */

/* Adds one double: its 53 bits at their place, then the carry as far as it goes. */
void td_sum_add(td_sum *sum, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    unsigned biased = (unsigned)(bits >> 52 & 0x7ff);
    assert(biased < 0x7ff);
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    if (biased > 0) fraction |= (uint64_t)1 << 52;
    unsigned place = biased > 0 ? biased - 1 : 0; /* in units of 2^-1074, the least double */
    td_u128 addend = (td_u128)fraction << (place % 64);
    bool negative = bits >> 63 != 0;
    uint64_t carry = 0;
    for (unsigned i = place / 64; i < TD_SUM_WORDS && (addend != 0 || carry != 0); i++, addend >>= 64) {
        td_u128 step = (td_u128)(uint64_t)addend + carry;
        td_u128 word = negative ? (td_u128)sum->words[i] - step : (td_u128)sum->words[i] + step;
        sum->words[i] = (uint64_t)word;
        carry = word >> 64 != 0;
    }
}

/* x in two halves of at most 26 bits each, whose products are doubles (Dekker 1971). */
static td_double2 halves(double x) {
    double high = x * 134217729.0; /* 2^27 + 1 */
    high = high - (high - x);
    return (td_double2){high, x - high};
}

td_double2 td_double2_product(double x, double y) {
    td_double2 a = halves(x), b = halves(y);
    double product = x * y;
    double error = a.low * b.low - (((product - a.high * b.high) - a.low * b.high) - a.high * b.low);
    return (td_double2){product, error};
}

void td_sum_add_product(td_sum *sum, double x, double y) {
    assert(fabs(x) <= TD_SUM_FACTOR_MAX && fabs(y) <= TD_SUM_FACTOR_MAX);
    td_double2 product = td_double2_product(x, y);
    td_sum_add(sum, product.high);
    td_sum_add(sum, product.low);
}

void td_sum_take(td_sum *sum, const td_sum *other) {
    uint64_t borrow = 0;
    for (int i = 0; i < TD_SUM_WORDS; i++) {
        td_u128 word = (td_u128)sum->words[i] - other->words[i] - borrow;
        sum->words[i] = (uint64_t)word;
        borrow = word >> 64 != 0;
    }
}

/* ---- out ---- */

/* The 127 bits below the highest one set of its magnitude, and what they stand for. */
typedef struct top_bits {
    td_u128 m; /* 0: the sum is 0 */
    int exponent;
    bool negative, more; /* more: bits follow that are not 0 */
} top_bits;

static top_bits find_top(const td_sum *sum) {
    uint64_t magnitude[TD_SUM_WORDS];
    top_bits found = {.negative = sum->words[TD_SUM_WORDS - 1] >> 63 != 0};
    uint64_t carry = found.negative;
    int top = -1; /* the highest word that is not 0 */
    for (int i = 0; i < TD_SUM_WORDS; i++) {
        magnitude[i] = (found.negative ? ~sum->words[i] : sum->words[i]) + carry;
        carry = carry != 0 && magnitude[i] == 0;
        if (magnitude[i] != 0) top = i;
    }
    if (top < 0) return found;

    int bit_count = 64 * top + 64 - __builtin_clzll(magnitude[top]);
    int cut = bit_count > 127 ? bit_count - 127 : 0;
    for (int i = top; i >= cut / 64; i--) {
        int place = 64 * i - cut;
        found.m |= place >= 0 ? (td_u128)magnitude[i] << place : (td_u128)(magnitude[i] >> -place);
    }
    found.more = cut % 64 > 0 && magnitude[cut / 64] << (64 - cut % 64) != 0;
    for (int i = 0; i < cut / 64; i++) found.more = found.more || magnitude[i] != 0;
    found.exponent = cut - 1074;
    return found;
}

double td_sum_ratio(const td_sum *sum, uint64_t divisor) {
    top_bits top = find_top(sum);
    double x = scaled_ratio(top.m, top.more, divisor, top.exponent);
    return top.negative ? -x : x;
}

td_double2 td_sum_value(const td_sum *sum) {
    top_bits top = find_top(sum);
    double high = (double)top.m;
    double low = (double)(td_i128)(top.m - (td_u128)high); /* what the rounding left: less than 2^75 */
    if (top.negative) {
        high = -high;
        low = -low;
    }
    return (td_double2){scale(high, top.exponent), scale(low, top.exponent)};
}
