/* src/stream/indicator.h - moving averages, one value at a time. Results follow TA-Lib (SMA, EMA in its default mode),
 * warm-up included; the sums behind them are exact, so what they say depends on the values in the window alone and
 * never on how long the program has run. No allocation, no libm. Thread: the owner of the state.
 *
 * na: a window counts consecutive values. An na gives na and starts the warm-up anew. */
#pragma once
#include "stream/value.h"

enum { TD_WINDOW_MAX = 100000 }; /* elements a window may have */

/* What an average remembers; zeroed before its first value. Decimals add up in 128 bits. Doubles add up as one
 * fixed-point number that spans their whole range (2^-1074 to 2^1024, with room for 2^77 of them): adding the newest
 * and taking away the oldest loses nothing. */
enum { TD_SUM_DECIMAL_WORDS = 2, TD_SUM_REAL_WORDS = 34 };

typedef struct td_average {
    uint64_t seen;  /* consecutive values, at most the window's length */
    int64_t last;   /* ema: its last result, packed */
    uint64_t sum[]; /* little end first, two's complement */
} td_average;

/* Bytes of an average over decimals or doubles; a multiple of 16. */
static inline size_t td_average_bytes(td_type type) {
    return sizeof(td_average) + 8 * (size_t)(type == TD_TYPE_REAL ? TD_SUM_REAL_WORDS : TD_SUM_DECIMAL_WORDS);
}

/* Arithmetic mean of the last `length` values: a double, correctly rounded from the exact sum. `leaving` is the value
 * `length` steps ago; ignored until the window is full. na for the first length - 1 values. */
td_value td_sma_step(td_average *average, td_type type, uint32_t length, td_value x, td_value leaving);

/* ema = last + (x - last) * 2 / (length + 1); the first one is the mean of the first `length` values. */
td_value td_ema_step(td_average *average, td_type type, uint32_t length, td_value x);

/* The double nearest to m / divisor, ties to even; divisor > 0. */
double td_ratio(td_i128 m, uint64_t divisor);
