/* src/stream/elementary.c - reduce the argument to a small one, sum a series there, and undo the reduction. */
#include "stream/elementary.h"
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LN2_HIGH 0x1.62e42fefap-1 /* 38 bits: products with whole numbers up to 2^15 are exact */
#define LN2_LOW  0x1.cf79abc9e3b3ap-40
#define HALF_PI  0x1.921fb54442d18p+0
#define PI       0x1.921fb54442d18p+1

/* c[0] + c[1] x + … */
static double polynomial(const double *c, size_t count, double x) {
    double sum = c[count - 1];
    for (size_t i = count - 1; i-- > 0;) sum = sum * x + c[i];
    return sum;
}
#define POLYNOMIAL(c, x) polynomial(c, sizeof(c) / sizeof(c)[0], x)

static double power_of_two(int64_t exponent) { /* -1022..1023 */
    uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- exponents and logarithms ---- */

double td_exp(double x) { /* e^x = 2^k e^r, |r| <= ln 2 / 2 */
    static const double taylor[] = {
        1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
    if (!(x < 710.0)) return x >= 710.0 ? HUGE_VAL : x;
    if (x < -746.0) return 0.0;
    double k = floor(x * 0x1.71547652b82fep+0 + 0.5); /* 1 / ln 2 */
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    int64_t half = (int64_t)k / 2; /* in two steps: 2^k alone may leave the range */
    return POLYNOMIAL(taylor, r) * power_of_two(half) * power_of_two((int64_t)k - half);
}

double td_ln(double x) { /* ln x = k ln 2 + 2 atanh(s), s = (m - 1) / (m + 1), m within sqrt(2) of 1 */
    static const double series[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
                                    1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21};
    if (!(x > 0.0) || x > 0x1.fffffffffffffp+1023) return NAN;
    int64_t k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    k += (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        k++;
    }
    double f = m - 1.0, s = f / (m + 1.0), z = s * s;
    /* 2 s = f - s f: what is small is added to the exact f last */
    return (double)k * LN2_HIGH - ((s * (f - 2.0 * z * POLYNOMIAL(series, z)) - (double)k * LN2_LOW) - f);
}

double td_log10(double x) { return td_ln(x) / 0x1.26bb1bbb55516p+1; } /* ln 10 */

/* ---- angles ---- */

static double sine_near_0(double x) { /* |x| <= pi / 4 */
    static const double series[] = {-1.0 / 6,        1.0 / 120,        -1.0 / 5040,         1.0 / 362880,
                                    -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
    double z = x * x;
    return x + x * (z * POLYNOMIAL(series, z));
}

static double cosine_near_0(double x) {
    static const double series[] = {1.0 / 24,        -1.0 / 720,         1.0 / 40320,         -1.0 / 3628800,
                                    1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
    double z = x * x, half = 0.5 * z, one = 1.0 - half;
    return one + (((1.0 - one) - half) + z * z * POLYNOMIAL(series, z));
}

/* x less a multiple of pi / 2; *out_quarter: which one, modulo 4. Pi / 2 in pieces of 24 bits, whose products with
 * whole numbers up to 2^29 are exact. */
static double reduce(double x, int *out_quarter) {
    static const double pieces[] = {0x1.921fb4p+0, 0x1.4442d0p-24, 0x1.846988p-48, 0x1.8cc516p-72,
                                    0x1.01b839a25204ap-96};
    if (!(fabs(x) <= 0x1p29)) return NAN;
    double k = floor(x * 0x1.45f306dc9c883p-1 + 0.5); /* 2 / pi */
    *out_quarter = (int)((int64_t)k & 3);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) x -= k * pieces[i];
    return x;
}

double td_sin(double x) {
    int quarter = 0;
    double r = reduce(x, &quarter);
    double y = quarter % 2 == 0 ? sine_near_0(r) : cosine_near_0(r);
    return quarter >= 2 ? -y : y;
}

double td_cos(double x) {
    int quarter = 0;
    double r = reduce(x, &quarter);
    double y = quarter % 2 == 0 ? cosine_near_0(r) : sine_near_0(r);
    return quarter == 1 || quarter == 2 ? -y : y;
}

double td_tan(double x) {
    int quarter = 0;
    double r = reduce(x, &quarter), sine = sine_near_0(r), cosine = cosine_near_0(r);
    return quarter % 2 == 0 ? sine / cosine : -cosine / sine;
}

static double arc_near_0(double x) { /* atan x = 2 atan(x / (1 + sqrt(1 + x^2))), twice; |x| <= 1 */
    static const double series[] = {-1.0 / 3,  1.0 / 5,  -1.0 / 7,  1.0 / 9,  -1.0 / 11, 1.0 / 13,
                                    -1.0 / 15, 1.0 / 17, -1.0 / 19, 1.0 / 21, -1.0 / 23};
    if (fabs(x) > 0.2) {
        x = x / (1.0 + sqrt(1.0 + x * x));
        return 2.0 * arc_near_0(x);
    }
    double z = x * x;
    return x + x * (z * POLYNOMIAL(series, z));
}

double td_atan(double x) {
    if (x > 1.0) return HALF_PI - arc_near_0(1.0 / x);
    return x < -1.0 ? -HALF_PI - arc_near_0(1.0 / x) : arc_near_0(x);
}

double td_asin(double x) {
    if (!(fabs(x) <= 1.0)) return NAN;
    double cosine = sqrt((1.0 - x) * (1.0 + x));
    return cosine > 0.0 ? td_atan(x / cosine) : x > 0.0 ? HALF_PI : -HALF_PI;
}

double td_acos(double x) {
    if (!(fabs(x) <= 1.0)) return NAN;
    return x == -1.0 ? PI : 2.0 * td_atan(sqrt((1.0 - x) / (1.0 + x)));
}

/* ---- hyperbolas ---- */

double td_sinh(double x) {
    static const double series[] = {1.0 / 6,        1.0 / 120,        1.0 / 5040,          1.0 / 362880,
                                    1.0 / 39916800, 1.0 / 6227020800, 1.0 / 1307674368000, 1.0 / 355687428096000};
    if (fabs(x) < 1.0) { /* there the difference below would lose digits */
        double z = x * x;
        return x + x * (z * POLYNOMIAL(series, z));
    }
    double half = 0.5 * td_exp(0.5 * fabs(x)), whole = td_exp(0.5 * fabs(x)); /* e^x may leave the range first */
    double y = half * whole - 0.5 * td_exp(-fabs(x));
    return x < 0.0 ? -y : y;
}

double td_cosh(double x) {
    double root = td_exp(0.5 * fabs(x));
    return 0.5 * root * root + 0.5 * td_exp(-fabs(x));
}

double td_tanh(double x) {
    if (fabs(x) > 22.0) return x > 0.0 ? 1.0 : -1.0;
    return td_sinh(x) / td_cosh(x);
}

double td_ceil(double x) { return -floor(-x); }
