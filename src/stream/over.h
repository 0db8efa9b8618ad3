/* src/stream/over.h - operators over windows that are no plain number of values: of the last so much event time, since
 * something began, or of the last n values that a condition admits. What they say depends on the window's elements
 * alone; sums are exact (sum.h). O(1) per event on average, O(log n) where order is asked for. No allocation. Thread:
 * the owner of the state.
 *
 * Inputs: 0 the value, 1 the condition that admits it, 2 the epoch (what has another value once the window begins anew;
 * na: there is none), 3 what else the operator takes. A value that is na, or not admitted, is no element.
 *   step.span > 0: elements of the last `span` of time, (now - span, now], at most step.n of them: of more the oldest
 * go. There is no value before that time has passed since the start of the first event. TD_OVER_COUNT: the last n
 *     elements, and no value before there are as many.
 *   step.span 0: elements since the epoch began, which are not kept: step.n is 0. What must keep them has room for n.
 * Of no elements the sum is 0, and all else na. */
#pragma once
#include "stream/step.h"

#define TD_OVER_COUNT TD_VALUE_DECIMAL_MAX

td_value td_over_sum_step(const td_step *step);
td_value td_over_mean_step(const td_step *step);
size_t td_over_sum_bytes(td_type type, uint32_t n);
/* Of values and those of input 3, over the elements in which both are known; of x with itself: the variance. */
td_value td_over_covariance_step(const td_step *step);
size_t td_over_covariance_bytes(td_type type, uint32_t n);
td_value td_over_first_step(const td_step *step);
size_t td_over_first_bytes(td_type type, uint32_t n);
td_value td_over_last_step(const td_step *step);
size_t td_over_last_bytes(td_type type, uint32_t n);
td_value td_over_max_step(const td_step *step);
td_value td_over_min_step(const td_step *step);
size_t td_over_extreme_bytes(td_type type, uint32_t n);
/* The number of the last event in which the condition of input 0 was true: an epoch. na before there was one. */
td_value td_epoch_step(const td_step *step);
size_t td_epoch_bytes(td_type type, uint32_t n);
/* order.c: input 3 of the quantile is the share; the rank is that of this event's value, na when it is no element. */
td_value td_over_quantile_step(const td_step *step);
td_value td_over_rank_step(const td_step *step);
size_t td_over_sorted_bytes(td_type type, uint32_t n);

/* ---- what these share; for over.c and order.c ---- */

typedef struct td_over {   /* every such state begins with one */
    td_value epoch;        /* of its elements */
    int64_t begin_ns;      /* of the first event */
    uint64_t seen;         /* elements so far; with span 0 in this epoch */
    uint32_t begun;        /* 0: before the first event */
    uint32_t first, count; /* places taken in a ring of n */
    uint32_t zero;
} td_over;
_Static_assert(sizeof(td_over) == 48, "what follows it is aligned to 16");

/* First of all: true when what was is of another epoch and forgotten, the sums over it are to be cleared. */
bool td_over_begins(const td_step *step);
/* The value of this event is an element; counted in `seen`. */
bool td_over_admits(const td_step *step, bool known);
/* An element of that time, number `seen` as it then was, has left the window. */
bool td_over_has_left(const td_step *step, int64_t at_ns, uint64_t seen);
/* There is a value, as far as the window's length goes. */
bool td_over_is_known(const td_step *step);
