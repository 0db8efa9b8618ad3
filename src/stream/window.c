/* src/stream/window.c - from a window's sums to its bar. */
#include "stream/window.h"
#include <assert.h>

/* 10^38: what decimal(38, s) cannot hold. */
static td_i128 decimal38_limit(void) {
    td_i128 ten19 = (td_i128)INT64_C(1000000000000000000) * 10;
    return ten19 * ten19;
}

bool td_window_can_add(const td_window *window, td_i128 notional) {
    td_i128 sum = window->trade_count > 0 ? window->notional : 0;
    return sum < decimal38_limit() - notional;
}

td_bar td_window_bar(const td_window *w, int64_t width_ns, uint32_t instrument, int64_t known_at_ns) {
    assert(td_window_has_bar(w) && (w->volume > 0 || w->carried != 0));
    return (td_bar){
        .start_ns = w->start_ns,
        .end_ns = w->end_ns,
        .width_ns = width_ns,
        .open = w->open,
        .high = w->high,
        .low = w->low,
        .close = w->close,
        .vwap = w->volume > 0 ? (int64_t)td_div_half_even(w->notional, w->volume) : w->close,
        .volume = w->volume,
        .notional = w->notional,
        .trade_count = w->trade_count,
        .known_at_ns = known_at_ns,
        .revision = w->results,
        .instrument = instrument,
    };
}
