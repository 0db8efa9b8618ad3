/* src/stream/window.h - the bar operator: one window [start, end) of one instrument, adding trade by trade. A plain
 * value without pointers: a snapshot copies it. No clock, no file, no allocation.
 * Order inside a window: (event time, trade id, arrival), so that the bar does not depend on how trades were mixed on
 * their way here. Sums are exact; vwap = notional / volume, half-even at 9 decimals.
 * Thread: the owner's. Errors: none; td_window_can_add tells the one case that does not fit. */
#pragma once
#include "model/bar.h"
#include "model/condition.h"

typedef struct td_window {
    td_i128 volume, notional;
    int64_t start_ns, end_ns;
    int64_t open, high, low, close;               /* of trades that may set them; see `rests_on` */
    int64_t first_ns, first_id, last_ns, last_id; /* places of open and close in the order */
    int64_t trade_count;                          /* 0: nothing traded, the window is not open, unless carried */
    int32_t results;                              /* bars given of it: 0 while it is open      */
    uint8_t quality;                              /* of the last bar given                     */
    uint8_t rests_on;    /* td_admits of the trades that open and close are of: LAST, HIGH_LOW, or none yet */
    uint8_t touched : 1; /* changed since, or closed, without a bar */
    uint8_t mended : 1;  /* a gap over it was filled behind a bar */
    uint8_t lost : 1;    /* a lost gap lies over it */
    uint8_t carried : 1; /* of a filled width: no trade has set its prices, they are the close before it (filling.c) */
    uint8_t ends : 1;    /* of a filled width: its feed ended behind it, so that nothing carries its close */
    uint8_t reserved;    /* 0 */
} td_window;
_Static_assert(sizeof(td_window) == 128, "the snapshot format depends on this layout");

/* A trade above this notional (10^15 in price units) takes the checked path: sums of a million such still fit. */
#define TD_NOTIONAL_LARGE ((td_i128)INT64_C(1000000000000000) * 100000000000000000)

static inline td_i128 td_trade_notional(const td_trade *t) { return (td_i128)t->price * t->size; }

/* False when the sums would leave decimal(38,17). Asked for large trades only. */
bool td_window_can_add(const td_window *window, td_i128 notional);

/* True when the instant lies in the period that the window was given. */
static inline bool td_window_holds(const td_window *w, int64_t ns) {
    return (uint64_t)(ns - w->start_ns) < (uint64_t)(w->end_ns - w->start_ns);
}

/* False: nothing is in it, be it a trade or the close before it. */
static inline bool td_window_is_used(const td_window *w) { return w->trade_count > 0 || w->carried != 0; }
/* False: none of its trades may set a price, there is no bar of it. */
static inline bool td_window_has_bar(const td_window *w) { return w->rests_on != TD_ADMITS_NOTHING || w->carried != 0; }

/* Adds what `admits`, at least VOLUME, lets it of a trade that lies in the window, whose period callers have set. */
static inline void td_window_add(td_window *w, int64_t event_ns, const td_trade *t, td_i128 notional,
                                 td_admits admits) {
    if (admits >= TD_ADMITS_HIGH_LOW && admits > (td_admits)w->rests_on) {
        bool first = w->rests_on == TD_ADMITS_NOTHING;
        if (first || t->price > w->high) w->high = t->price;
        if (first || t->price < w->low) w->low = t->price;
        w->open = w->close = t->price;
        w->first_ns = w->last_ns = event_ns;
        w->first_id = w->last_id = t->trade_id;
        w->rests_on = (uint8_t)admits;
        w->carried = 0;
    } else if (admits >= TD_ADMITS_HIGH_LOW) {
        if (t->price > w->high) w->high = t->price;
        if (t->price < w->low) w->low = t->price;
        bool worse = admits < (td_admits)w->rests_on;
        if (!worse && (event_ns > w->last_ns || (event_ns == w->last_ns && t->trade_id >= w->last_id))) {
            w->close = t->price;
            w->last_ns = event_ns;
            w->last_id = t->trade_id;
        } else if (!worse && (event_ns < w->first_ns || (event_ns == w->first_ns && t->trade_id < w->first_id))) {
            w->open = t->price;
            w->first_ns = event_ns;
            w->first_id = t->trade_id;
        }
    }
    w->volume += t->size;
    w->notional += notional;
    w->trade_count++;
}

/* The next bar of a window that has one: its revision is the number of those before; known_at_ns and instrument as
 * given. */
td_bar td_window_bar(const td_window *window, int64_t width_ns, uint32_t instrument, int64_t known_at_ns);
