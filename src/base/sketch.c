/* src/base/sketch.c - quantiles out of buckets. */
#include "base/sketch.h"

/* The multiple of the largest power of ten within [low, end). */
static uint64_t roundest(uint64_t low, uint64_t end) {
    uint64_t power = 1;
    while (power <= end / 10) power *= 10;
    for (;; power /= 10) {
        uint64_t next = (low + power - 1) / power * power;
        if (next < end) return next;
    }
}

int64_t td_sketch_quantile(const td_sketch *s, double share) {
    int64_t wanted = (int64_t)(share * (double)s->count), seen = 0;
    if (s->count == 0) return 0;
    if (wanted >= s->count) wanted = s->count - 1;
    uint64_t b = 0;
    while ((seen += s->buckets[b]) <= wanted) b++;
    if (b < 2 * TD_SKETCH_STEPS) return (int64_t)b;
    uint64_t doublings = b / TD_SKETCH_STEPS - 1;
    uint64_t low = (b - doublings * TD_SKETCH_STEPS) << doublings;
    return (int64_t)roundest(low, low + (UINT64_C(1) << doublings));
}
