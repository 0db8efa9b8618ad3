/* src/stream/counting.c - bars by count and by volume: trades go into them in the order of their times, once the
 * watermark has passed them, and the one that reaches the number closes the bar, with all of it. They begin anew with
 * each session, or where there are none with each day of UTC: where a bar is cut then rests on that day alone. They are
 * given once: a trade that comes behind the watermark would cut all that follow otherwise, so it is in none of them. */
#include "base/time.h"
#include "stream/state_layout.h"

/* No bar reaches over its end. A trade that was inside of the hours has one, unless the hours are others since. */
static int64_t session_end(const td_state *s, const block_head *block, int64_t ns) {
    td_period day = block->day;
    bool known = td_period_holds(day, ns) || td_program_day(s->program, block->calendar, ns, &day);
    return known && day.end_ns != INT64_MAX ? day.end_ns : td_window_start(ns, TD_NS_PER_DAY) + TD_NS_PER_DAY;
}

/* Starts name bars: no two have one. The last bar's, which a session or a feed has ended, may lie ahead. */
static int64_t start_behind(const td_window *last, int64_t width, int64_t ns) {
    bool full = td_width_is_reached(width, last->trade_count, last->volume) && td_window_has_bar(last);
    return last->trade_count == 0 ? ns : td_most(ns, full ? last->end_ns : last->start_ns + 1);
}

/* The one it is to go into. The bar before is over where its session is, or where its sums could hold no more. */
static td_window *open_window(td_step *step, size_t w, const td_pending_trade *t, td_i128 notional) {
    td_state *s = step->state;
    block_head *block = block_of(s, t->instrument);
    td_window *window = windows_of(s, block, w);
    bool open = window_is_open(window);
    if (open && t->event_ns < window->end_ns && td_window_can_add(window, notional)) return window;
    if (open) {
        td_state_run_ahead(step, w, t->instrument, window->end_ns);
        td_state_close_window(step, w, t->instrument, 0);
    }
    int64_t start_ns = start_behind(window, s->program->widths_ns[w], t->event_ns);
    int64_t end_ns = session_end(s, block, t->event_ns);
    if (start_ns >= end_ns) end_ns = start_ns + 1; /* bars of one instant reach a nanosecond beyond */
    *window = (td_window){.start_ns = start_ns, .end_ns = end_ns, .lost = start_ns <= block->gaps.forgotten_ns};
    step->feed->next_end_ns[w] = td_least(step->feed->next_end_ns[w], end_ns);
    return window;
}

void td_state_count_trade(td_step *step, const td_pending_trade *t) {
    const td_program *p = step->state->program;
    const td_trade trade = {.price = t->price, .size = t->size, .trade_id = t->trade_id};
    td_i128 notional = td_trade_notional(&trade);
    uint32_t full = 0; /* widths, a bit each */
    for (size_t w = td_program_timed(p); w < p->width_count; w++) {
        td_window *window = open_window(step, w, t, notional);
        td_window_add(window, t->event_ns, &trade, notional, (td_admits)t->admits);
        bool reached = td_width_is_reached(p->widths_ns[w], window->trade_count, window->volume);
        if (!reached || !td_window_has_bar(window)) continue;
        window->end_ns = td_most(t->event_ns, window->start_ns) + 1;
        full |= 1u << w;
        td_state_run_ahead(step, w, t->instrument, window->end_ns);
    }
    for (size_t w = td_program_timed(p); w < p->width_count; w++)
        if ((full >> w & 1) != 0) td_state_close_window(step, w, t->instrument, 0);
}

bool td_state_await(td_step *step, const td_event *e, td_admits admits) {
    feed_state *feed = step->feed;
    td_pending *pending = &feed->pending;
    if (e->event_ns < feed->watermark_ns || e->event_ns < pending->left_ns) return false;
    if (td_pending_count(pending) == TD_PENDING_MAX) {
        td_pending_trade first = td_pending_take(pending);
        td_state_count_trade(step, &first);
        if (e->event_ns < first.event_ns) return false;
    }
    td_pending_put(pending, &(td_pending_trade){.event_ns = e->event_ns,
                                                .trade_id = e->trade.trade_id,
                                                .price = e->trade.price,
                                                .size = e->trade.size,
                                                .instrument = e->instrument,
                                                .admits = (uint8_t)admits});
    block_head *block = block_of(step->state, e->instrument);
    block->counted_ns = td_most(block->counted_ns, e->event_ns);
    feed->next_close_ns = td_least(feed->next_close_ns, e->event_ns + 1);
    return true;
}
