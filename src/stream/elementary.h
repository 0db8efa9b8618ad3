/* src/stream/elementary.h - elementary functions with every bit pinned: additions, products, quotients, sqrt and floor,
 * which IEEE 754 rounds alike everywhere; no other libm. Within 5 units of the last place where not said otherwise.
 * Outside its domain a function gives NaN. Thread: any. */
#pragma once

double td_exp(double x);
double td_ln(double x); /* x > 0 */
double td_log10(double x);
double td_sin(double x); /* |x| <= 2^29; past that NaN. Absolute error 2^-52 */
double td_cos(double x);
double td_tan(double x);
double td_asin(double x);
double td_acos(double x);
double td_atan(double x);
double td_sinh(double x);
double td_cosh(double x);
double td_tanh(double x);
double td_ceil(double x);
