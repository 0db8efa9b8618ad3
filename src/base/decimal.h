/* src/base/decimal.h - exact decimals as scaled integers: value = m * 10^-scale. Prices are decimal(19,9), sizes
 * decimal(19,8), both in int64; volume is decimal(38,8) and notional decimal(38,17), in 128 bits. Never floating. */
#pragma once
#include "base/bytes.h"

enum { TD_PRICE_SCALE = 9, TD_SIZE_SCALE = 8, TD_NOTIONAL_SCALE = 17 };
enum { TD_DECIMAL_TEXT_MAX = 48 }; /* bytes that td_decimal_format may write, NUL included */

/* Parses [+-]digits[.digits][e[+-]digits] exactly. Excess digits are rounded half-even and set *out_inexact (else
 * false). Errors: TD_REJECT without a trail for bad syntax, for what does not fit int64 and for a non-zero value that
 * rounds to 0: bad data on the hot path makes no text. Thread: any. */
TD_CHECKED td_status td_decimal_parse(td_bytes text, int scale, int64_t *out_m, bool *out_inexact);

/* Plain notation: no exponent; exactly `scale` decimals when `keep_zeros`, else none trailing ("1.5", "-0.25", "0").
 * Writes a NUL-terminated text and returns its length. */
size_t td_decimal_format(td_i128 m, int scale, bool keep_zeros, char out[TD_DECIMAL_TEXT_MAX]);

/* a / b rounded half to even; b > 0. */
td_i128 td_div_half_even(td_i128 a, td_i128 b);

/* m * 10^-scale as the nearest double (one correctly rounded division for |m| < 2^53, scale <= 22). */
double td_decimal_double(td_i128 m, int scale);
