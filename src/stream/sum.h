/* src/stream/sum.h - exact sums: what they say depends on what is in them alone, never on what came and went. A sum of
 * doubles is one fixed-point number that spans their whole range (2^-1074 to 2^1024, with room for 2^77 of them):
 * adding the newest and taking away the oldest loses nothing. No allocation, no libm. Thread: the owner of the sum. */
#pragma once
#include "stream/value.h"

enum { TD_SUM_WORDS = 34 };

typedef struct td_sum {           /* zeroed: 0 */
    uint64_t words[TD_SUM_WORDS]; /* little end first, two's complement, in units of 2^-1074 */
} td_sum;

/* high + low, twice the digits of a double; |low| is at most half of high's last place. */
typedef struct td_double2 {
    double high, low;
} td_double2;

/* Products of factors up to here are doubles. */
#define TD_SUM_FACTOR_MAX 1e150

void td_sum_add(td_sum *sum, double x); /* x is finite */
/* Adds x * y without rounding, for |x|, |y| <= TD_SUM_FACTOR_MAX; what is below 2^-1074 of it is cut off. Taking the
 * same product away (with -x) always leaves what was there before. */
void td_sum_add_product(td_sum *sum, double x, double y);
void td_sum_take(td_sum *sum, const td_sum *other);
/* sum / divisor, rounded once, ties to even; divisor > 0. */
double td_sum_ratio(const td_sum *sum, uint64_t divisor);
td_double2 td_sum_value(const td_sum *sum); /* within 2^-106 of it */

/* The double nearest to m / divisor, ties to even; divisor > 0. */
double td_ratio(td_i128 m, uint64_t divisor);

td_double2 td_double2_product(double x, double y); /* exact within the range above */
