/* src/stream/filling.c - bars of filled widths where nothing traded: each window that time has closed carries its close
 * into the one behind it, which is a window like others from then on. It closes when time has passed it, takes trades,
 * late ones, too, and then has prices of its own; a close that is revised moves on with those that carry it, as far as
 * they are remembered. Carrying begins with an instrument's first bar; where its venue has hours, with the first one of
 * each session (where all hours count, of each of the exchange's days), and ends with that; it ends with a feed, with a
 * split, and TD_FILLED_MAX windows behind the last trade: what a silence costs is bounded. */
#include "stream/ledger.h"
#include "stream/state_layout.h"

/* Whose shares are others than those behind it has nobody's last price. */
static bool is_split(const td_state *s, uint32_t instrument, int64_t from_ns, int64_t to_ns) {
    if (!td_shares_any(&s->shares)) return false;
    td_split split = td_shares_split(&s->shares, td_instruments_name(s->instruments, instrument), from_ns, to_ns);
    return split.numerator != split.denominator;
}

static bool find_next(const td_state *s, size_t w, uint32_t instrument, const td_window *window, td_period *out) {
    int64_t silent = (window->end_ns - window->last_ns) / td_width_span_ns(s->program->widths_ns[w]);
    td_period last = {window->start_ns, window->end_ns};
    if (silent > TD_FILLED_MAX || is_split(s, instrument, last.start_ns, last.end_ns)) return false;
    return td_program_next_window(s->program, block_of(s, instrument)->calendar, w, last, out);
}

/* Trades behind that instant wait for their bar. */
static bool trades_wait(const td_state *s, size_t w, uint32_t instrument, int64_t ns) {
    const td_window *windows = windows_of(s, block_of(s, instrument), w);
    for (uint32_t i = 0; i < s->slots[w]; i++)
        if (windows[i].start_ns >= ns && windows[i].trade_count > 0 && window_is_open(&windows[i])) return true;
    return false;
}

/* Time has come to it, or a trade behind it; where time has gone on, bars of its end were given already: it comes late.
 */
static td_window *begin(td_step *step, size_t w, uint32_t instrument, td_period period) {
    td_state *s = step->state;
    feed_state *feed = step->feed;
    int64_t watermark_ns = feed->watermark_ns;
    bool late = period.end_ns <= watermark_ns && period.end_ns < feed->next_end_ns[w];
    if (late && period.end_ns <= watermark_ns - s->grace_ns[w]) return NULL; /* its slot is another's */
    if (period.start_ns > watermark_ns && !trades_wait(s, w, instrument, period.start_ns)) return NULL;
    td_window *window = td_state_begin_window(s, instrument, w, period);
    window->touched = late;
    if (!late) td_state_expect_end(feed, w, period.end_ns);
    return window;
}

td_window *td_filling_next(td_step *step, size_t w, uint32_t instrument, const td_window *window) {
    td_state *s = step->state;
    const td_window from = *window; /* room may be made where it is kept */
    td_period period;
    if (!td_width_is_filled(s->program->widths_ns[w]) || from.ends != 0) return NULL;
    if (!find_next(s, w, instrument, &from, &period)) return NULL;
    td_window *next = td_state_recall(s, instrument, w, period.start_ns);
    if (next == NULL) next = begin(step, w, instrument, period);
    if (next == NULL || next->rests_on != TD_ADMITS_NOTHING) return NULL;
    bool same = next->carried != 0 && next->close == from.close;
    next->open = next->high = next->low = next->close = from.close;
    next->last_ns = from.last_ns;
    next->carried = 1;
    return same ? NULL : next;
}

/* What is carried of that width ends with its newest window, which says so itself: what comes late for it, or for what
 * lies before it, is carried no further either. */
static void stop_width(const td_state *s, size_t w, uint32_t instrument) {
    td_window *windows = windows_of(s, block_of(s, instrument), w), *newest = NULL;
    for (uint32_t i = 0; i < s->slots[w]; i++) {
        bool idle = windows[i].trade_count == 0 && window_is_open(&windows[i]);
        if (idle && !trades_wait(s, w, instrument, windows[i].start_ns)) windows[i] = (td_window){0};
        if (!td_window_is_used(&windows[i])) continue;
        if (newest == NULL || windows[i].start_ns > newest->start_ns) newest = &windows[i];
    }
    if (newest != NULL) newest->ends = 1;
}

void td_filling_stop(const td_step *step, uint32_t instrument) {
    const td_state *s = step->state;
    for (size_t w = 0; w < td_program_timed(s->program); w++)
        if (td_width_is_filled(s->program->widths_ns[w])) stop_width(s, w, instrument);
}
