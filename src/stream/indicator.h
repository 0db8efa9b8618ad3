/* src/stream/indicator.h - operators with a memory, one value at a time: averages, moments, sums. Results follow
 * TA-Lib, warm-up included; the sums behind them are exact (sum.h). No allocation, no libm but sqrt, fabs and floor.
 * Thread: the owner of the state.
 *
 * na: a window counts consecutive values. An na gives na and starts the warm-up anew. */
#pragma once
#include "stream/step.h"
#include "stream/sum.h"

enum { TD_WINDOW_MAX = 100000 }; /* elements a window may have */

/* A sum over a window, zeroed before its first value. Decimals add up in 128 bits. */
typedef struct td_total {
    uint64_t seen; /* consecutive values, at most the window's length */
    int64_t last;  /* ema: its last result, packed */
    union {
        uint64_t decimal[2]; /* little end first, two's complement */
        td_sum real;
    } sum;
} td_total;

/* Bytes of a total over decimals or doubles. */
static inline size_t td_total_bytes(td_type type) {
    return offsetof(td_total, sum) + (type == TD_TYPE_REAL ? sizeof(td_sum) : 2 * sizeof(uint64_t));
}

void td_total_add(td_total *total, td_type type, td_value x);
void td_total_take(td_total *total, td_type type, td_value x); /* what was added */
/* The sum over a divisor > 0, rounded once; na where that leaves the range of doubles. */
td_value td_total_ratio(const td_total *total, td_type type, uint64_t divisor);

typedef struct td_moments { /* sums over pairs of doubles up to TD_SUM_FACTOR_MAX, exact; of x with itself y stays 0 */
    uint64_t seen;          /* pairs, at most the window's length */
    td_sum x, xy, y;
} td_moments;

/* Adds the pair, or with sign -1 takes it away; `same`: y is x. */
void td_moments_add(td_moments *moments, double x, double y, bool same, double sign);
/* The covariance of n pairs, divided by n. */
double td_moments_covariance(const td_moments *moments, bool same, double n);
/* True: the value is a double that moments take. */
bool td_moments_take(td_value x);

/* Sum and arithmetic mean of the last n values: doubles, rounded once from the exact sum. na for the first n - 1. */
td_value td_sum_step(const td_step *step);
td_value td_sma_step(const td_step *step);
/* Input 1 is k. e = e[1] + k (x - e[1]); the first one is the mean of the first n values. */
td_value td_ema_step(const td_step *step);
/* Weights n, n - 1, …, 1 from the newest on. */
td_value td_wma_step(const td_step *step);
size_t td_wma_bytes(td_type type, uint32_t n);
/* The mean of xy less the product of the means, over the last n values of both; na where a value is past
 * TD_SUM_FACTOR_MAX. Of x with itself: the variance, never below 0. */
td_value td_covariance_step(const td_step *step);
size_t td_covariance_bytes(td_type type, uint32_t n);
/* All values so far, exactly; an na gives na and adds nothing. A double of a decimal's sum, too. */
td_value td_running_sum_step(const td_step *step);
/* y = y[1] + k (x - y[1]) with k in input 1; before the first y stands input 2. */
td_value td_blend_step(const td_step *step);
size_t td_blend_bytes(td_type type, uint32_t n);
/* The last value that was not na. */
td_value td_hold_step(const td_step *step);
size_t td_hold_bytes(td_type type, uint32_t n);
/* Bars since the condition was true; na before the first time. An na condition is not true. */
td_value td_since_step(const td_step *step);
size_t td_since_bytes(td_type type, uint32_t n);
/* The parabolic stop and reverse of Wilder over high, low; acceleration and its most in inputs 2 and 3. */
td_value td_sar_step(const td_step *step);
size_t td_sar_bytes(td_type type, uint32_t n);
