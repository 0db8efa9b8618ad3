/* src/base/sketch.h - how numbers are spread, in a fixed room: 16 buckets to each doubling, so that a quantile is known
 * to within a 16th of itself, and exactly below 32. Of the numbers it may be, the roundest is given: prices, sizes and
 * times of most venues stand on a grid. A plain value, all zero before the first; the same numbers in any
 * order give the same sketch. Thread: the owner's. */
#pragma once
#include "base/bytes.h"

enum { TD_SKETCH_STEPS = 16, TD_SKETCH_BUCKETS = 60 * TD_SKETCH_STEPS };

typedef struct td_sketch {
    int64_t count;
    uint32_t buckets[TD_SKETCH_BUCKETS];
} td_sketch;

/* The number so many times. Numbers below 0 count as 0. */
static inline void td_sketch_add_many(td_sketch *sketch, int64_t number, uint32_t times) {
    uint64_t n = number > 0 ? (uint64_t)number : 0;
    unsigned doublings = n < TD_SKETCH_STEPS ? 0 : 59 - (unsigned)__builtin_clzll(n);
    sketch->buckets[doublings * TD_SKETCH_STEPS + (n >> doublings)] += times;
    sketch->count += times;
}
static inline void td_sketch_add(td_sketch *sketch, int64_t number) { td_sketch_add_many(sketch, number, 1); }

/* The number that so large a share (0 to 1) of those added does not exceed; 0 when there are none. */
int64_t td_sketch_quantile(const td_sketch *sketch, double share);
