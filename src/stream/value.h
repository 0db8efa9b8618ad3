/* src/stream/value.h - one value of an expression: decimal, double or condition, or na; always 128 bits, every bit
 * determined. The type is known at compile time and not stored. Thread: any.
 *
 * A decimal is a whole number of 10^-9 (TD_PRICE_SCALE; sizes have 8 places, so nothing is lost). A double is its bit
 * pattern, sign-extended; -0.0, infinities and NaN do not occur: the first becomes 0.0, the others na. A condition is
 * 0 or 1. na is the least 128-bit number, whatever the type. */
#pragma once
#include "base/decimal.h"

typedef td_i128 td_value;

enum { TD_VALUE_SCALE = TD_PRICE_SCALE };
#define TD_VALUE_ONE INT64_C(1000000000)
#define TD_VALUE_NA  ((td_value)((td_u128)1 << 127))
/* 10^23 as a decimal. Past it a decimal is na: sums over the longest window (100,000) can never overflow. */
#define TD_VALUE_DECIMAL_MAX ((td_value)INT64_C(10000000000000000) * INT64_C(10000000000000000))

typedef enum td_type {
    TD_TYPE_DECIMAL,
    TD_TYPE_REAL,
    TD_TYPE_CONDITION,
    TD_TYPE_DURATION, /* seconds, as decimals are */
    TD_TYPE_TIME,     /* an instant: seconds since the Unix epoch */
    TD_TYPE_TEXT,     /* of expressions alone: what is made of one (TD_OP_TEXT) is a condition; no node keeps it */
} td_type;

static inline bool td_value_is_na(td_value v) { return v == TD_VALUE_NA; }

static inline td_value td_value_decimal(td_i128 m) {
    return m > TD_VALUE_DECIMAL_MAX || m < -TD_VALUE_DECIMAL_MAX ? TD_VALUE_NA : m;
}

static inline td_value td_value_real(double x) {
    if (!(x - x == 0)) return TD_VALUE_NA; /* infinite or not a number */
    x += 0.0;                              /* -0.0 becomes 0.0: equal numbers have equal bits */
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double td_value_to_real(td_value v) { /* v is a double, not na */
    int64_t bits = (int64_t)v;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Eight bytes for what fits them: prices, doubles and conditions. INT64_MIN is none of these. */
static inline int64_t td_value_pack(td_value v) { return td_value_is_na(v) ? INT64_MIN : (int64_t)v; }
static inline td_value td_value_unpack(int64_t packed) { return packed == INT64_MIN ? TD_VALUE_NA : packed; }

/* A number that is in the order of the values; not for na. */
static inline td_i128 td_value_order(td_type type, td_value v) {
    if (type != TD_TYPE_REAL) return v;
    int64_t bits = (int64_t)v;
    return bits < 0 ? INT64_MIN - (td_i128)bits : bits; /* a double is its sign and a magnitude */
}
