/* src/model/width.h - what closes a bar: time, so many trades, or so much volume, as one number, by which bars are told
 * apart wherever they are kept. Of time it is the nanoseconds; numbers beyond all of those mean the others:
 *   1m                  60 x 10^9
 *   1m filled           10^17 + 60 x 10^9: where nothing traded a bar stands all the same, at the last close
 *   1m extended         2 x 10^17 + 60 x 10^9: of all hours, where others are of the regular ones
 *   1m filled extended  3 x 10^17 + 60 x 10^9
 *   100 trades          10^18 + 100
 *   5000 volume         2 x 10^18 + 5000 x 10^8: the volume in units of its last decimal
 * Ascending, those of time come first, and of those the extended ones last. Pure. Thread: any. */
#pragma once
#include "base/decimal.h"

#define TD_WIDTH_FILLED     INT64_C(100000000000000000)
#define TD_WIDTH_EXTENDED   INT64_C(200000000000000000)
#define TD_WIDTH_TRADES     INT64_C(1000000000000000000)
#define TD_WIDTH_VOLUME     INT64_C(2000000000000000000)
#define TD_WIDTH_UNIT       INT64_C(100000000) /* 10^TD_SIZE_SCALE */
#define TD_WIDTH_TRADES_MAX INT64_C(1000000000)
#define TD_WIDTH_VOLUME_MAX INT64_C(7000000000000000000) /* 70 billion */

enum { TD_WIDTH_TEXT_MAX = 40 };

static inline bool td_width_is_timed(int64_t width) { return width < TD_WIDTH_TRADES; }
/* Of a bar by time its duration, else 0. */
static inline int64_t td_width_span_ns(int64_t width) { return td_width_is_timed(width) ? width % TD_WIDTH_FILLED : 0; }
static inline bool td_width_is_filled(int64_t width) {
    return td_width_is_timed(width) && width / TD_WIDTH_FILLED % 2 != 0;
}
static inline bool td_width_is_extended(int64_t width) {
    return td_width_is_timed(width) && width >= TD_WIDTH_EXTENDED;
}

/* False: a number that is no width. */
static inline bool td_width_is_sound(int64_t width) {
    bool kind = width < TD_WIDTH_EXTENDED + 2 * TD_WIDTH_FILLED && width % TD_WIDTH_FILLED != 0;
    return width > 0 && (kind || !td_width_is_timed(width));
}

/* Trades and volume of a bar that is open: they are as many as it takes to close it. */
static inline bool td_width_is_reached(int64_t width, int64_t trade_count, td_i128 volume) {
    if (width < TD_WIDTH_VOLUME) return trade_count >= width - TD_WIDTH_TRADES;
    return volume >= width - TD_WIDTH_VOLUME;
}

/* "1m", "1m filled", "100 trades", "2.5 volume"; returns the length. */
size_t td_width_format(int64_t width, char out[TD_WIDTH_TEXT_MAX]);
/* Those, and without the space: "100trades". Errors: TD_REJECT (no trail). */
TD_CHECKED td_status td_width_parse(td_bytes text, int64_t *out);
