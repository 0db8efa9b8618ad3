/* src/stream/order.h - operators that ask for the order of the last n values: extremes by a queue in which nobody
 * stands behind a greater one (O(1) on average), ranks and quantiles by a balanced tree (O(log n)). What they say
 * depends on the window's values alone. An na starts the warm-up anew. No allocation. Thread: the owner of the state.
 */
#pragma once
#include "stream/step.h"

/* Bars since the greatest (least) of the last n values, the newest of equal ones; a decimal. */
td_value td_max_ago_step(const td_step *step);
td_value td_min_ago_step(const td_step *step);
size_t td_extreme_bytes(td_type type, uint32_t n);

/* The value below which the share in input 1 (0..1) of the last n lies; between two values on the line from one to the
 * other, as numpy's default. A double. */
td_value td_quantile_step(const td_step *step);
/* The place of this value among the last n, 1/n..1; equal values share the mean of their places. */
td_value td_rank_step(const td_step *step);
/* The mean distance of the last n values, decimals, from their mean; na where a value is past 2^80 units of 10^-9. */
td_value td_mean_distance_step(const td_step *step);
size_t td_sorted_bytes(td_type type, uint32_t n);
