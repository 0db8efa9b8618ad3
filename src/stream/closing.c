/* src/stream/closing.c - windows whose time has come give their bars, and bars what strategies make of them. */
#include "base/time.h"
#include "stream/desk.h"
#include "stream/ledger.h"
#include "stream/matching.h"
#include "stream/ports.h"
#include "stream/standing.h"
#include <inttypes.h>
#include <stdio.h>

/* The bar that a strategy ran on. One by count is given once, and its window still says when it began. */
static td_period bar_of(const td_step *step, const td_signal *signal) {
    const td_state *s = step->state;
    int64_t start_ns = signal->event_ns - td_width_span_ns(signal->width_ns);
    for (size_t w = td_program_timed(s->program); w < s->program->width_count; w++)
        if (s->program->widths_ns[w] == signal->width_ns)
            start_ns = windows_of(s, block_of(s, step->instrument), w)->start_ns;
    return (td_period){start_ns, signal->event_ns};
}

void td_state_tell_signal(void *arg, const td_signal *signal) {
    const td_step *step = arg;
    td_bytes name = td_instruments_name(step->state->instruments, step->instrument);
    td_signal told = *signal;
    char reason[32];
    if (signal->leg.size > 0 && signal->status == TD_SIGNAL_FRESH)
        td_desk_look_for_orders(step->state, signal->instrument);
    if (signal->status == TD_SIGNAL_WITHHELD && signal->reason.size == 0) {
        td_period over = bar_of(step, signal);
        int64_t number = td_ledger_number_over(step->state, step->instrument, over.start_ns, over.end_ns);
        (void)snprintf(reason, sizeof reason, number > 0 ? "gap %" PRId64 : "a gap before", number);
        told.reason = td_text(reason);
    }
    step->emit->signal(step->emit->self, name, &told);
}

void td_state_standing(void *arg, const td_signal *blank, td_bytes instrument, td_standing *out) {
    const td_step *step = arg;
    td_state_read_standing(step->state, instrument, bar_of(step, blank), out);
}

/* The window's next bar. */
static td_bar give_bar(td_step *step, size_t w, uint32_t instrument, td_window *window) {
    td_state *s = step->state;
    td_bar bar = td_window_bar(window, s->program->widths_ns[w], instrument, step->known_at_ns);
    td_ledger_grade(step, block_of(s, instrument), window, &bar);
    window->results++;
    window->quality = bar.quality;
    window->touched = 0;
    step->instrument = instrument;
    const td_emit *emit = emit_of(s, instrument, step->emit);
    emit->bar(emit->self, td_instruments_name(s->instruments, instrument), &bar);
    return bar;
}

/* With those behind it that carry its close; strategies look back when all of them are there. */
void td_state_give_again(td_step *step, size_t w, uint32_t instrument, td_window *window) {
    td_state *s = step->state;
    td_bytes name = td_instruments_name(s->instruments, instrument);
    td_hindsight h = hindsight_of(s, block_of(s, instrument), w);
    int64_t from_ns = INT64_MAX;
    if (!td_window_has_bar(window)) return;
    h.now = td_state_moment(s, instrument, window->start_ns);
    while (window != NULL && !window_is_open(window)) {
        td_bar bar = give_bar(step, w, instrument, window);
        changes_of(s, instrument)->revised++;
        window = td_filling_next(step, w, instrument, window);
        if (h.graph == NULL) continue;
        td_sections_take_again(s, &bar);
        if (td_hindsight_put(h, name, &bar))
            from_ns = td_least(from_ns, bar.start_ns);
        else
            changes_of(s, instrument)->not_reapplied++;
    }
    if (h.graph == NULL) return;
    h.standing = td_state_standing;
    td_desk_look_again(block_of(s, instrument));
    td_hindsight_revise(h, name, &(td_revision){from_ns, step->known_at_ns}, td_state_tell_signal, step);
}

void td_state_close_window(td_step *step, size_t w, uint32_t instrument, uint32_t slot) {
    td_state *s = step->state;
    block_head *block = block_of(s, instrument);
    td_window *window = &windows_of(s, block, w)[slot];
    if (block->current[w] == slot) block->current[w] = s->slots[w];
    window->touched = 1;
    if (!td_window_has_bar(window)) return;
    td_bar bar = give_bar(step, w, instrument, window);
    (void)td_filling_next(step, w, instrument, window);
    td_bytes name = td_instruments_name(s->instruments, instrument);
    if (s->program->graphs[w] == NULL) return;
    td_hindsight h = hindsight_of(s, block, w);
    h.ports = td_state_read_ports(s, instrument, w, bar.end_ns);
    h.now = td_state_moment(s, instrument, bar.start_ns);
    h.standing = td_state_standing;
    td_desk_look_again(block); /* levels may have moved */
    td_hindsight_apply(h, name, &bar, td_state_tell_signal, step);
    td_state_keep_exports(s, instrument, w, bar.end_ns);
    td_sections_take(step, w, &bar);
}

/* Closes the open window of width w that ends at end_ns among `count` from slot `first` on; returns the earliest end
 * that stays open. */
static int64_t close_one(td_step *step, size_t w, uint32_t instrument, int64_t end_ns) {
    td_state *s = step->state;
    int64_t width_ns = td_width_span_ns(s->program->widths_ns[w]), next_ns = INT64_MAX;
    const td_window *windows = windows_of(s, block_of(s, instrument), w);
    bool looks = end_ns == INT64_MIN, day = width_ns == TD_NS_PER_DAY; /* a day may have begun in two cells */
    uint32_t slot = looks ? 0 : slot_of(s, w, day ? end_ns - width_ns : end_ns - 1);
    uint32_t count = looks ? s->slots[w] : s->open_slots[w] + day;
    for (uint32_t i = 0; i < count; i++, slot = slot + 1 == s->slots[w] ? 0 : slot + 1) {
        if (!window_is_open(&windows[slot])) continue;
        int64_t window_end_ns = windows[slot].end_ns;
        if (window_end_ns == end_ns)
            td_state_close_window(step, w, instrument, slot);
        else if (window_end_ns < next_ns)
            next_ns = window_end_ns;
    }
    return next_ns;
}

/* Closes the windows of width w that end at end_ns; INT64_MIN: none. Returns the earliest end that stays open. */
static int64_t close_width(td_step *step, size_t w, int64_t end_ns) {
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < step->feed->traded_count; i++) {
        int64_t left_ns = close_one(step, w, step->feed->traded[i], end_ns);
        if (left_ns < next_ns) next_ns = left_ns;
    }
    return next_ns;
}

/* What others read of bars of width w that end at end_ns is there before any of those that end then runs a strategy: a
 * strategy of five minutes sees the hour that ends with it, and one of another instrument its bar of the same end. */
void td_state_run_ahead(td_step *step, size_t w, uint32_t instrument, int64_t end_ns) {
    td_state *s = step->state;
    const td_graph *graph = s->program->graphs[w];
    if (graph == NULL || td_graph_exports(graph) == 0) return;
    block_head *block = block_of(s, instrument);
    td_window *windows = windows_of(s, block, w);
    for (uint32_t slot = 0; slot < s->slots[w]; slot++) {
        td_window *window = &windows[slot];
        if (!window_is_open(window) || window->end_ns != end_ns || !td_window_has_bar(window)) continue;
        td_bar bar = td_window_bar(window, s->program->widths_ns[w], instrument, step->known_at_ns);
        td_ledger_grade(step, block, window, &bar);
        td_hindsight_run_ahead(hindsight_of(s, block, w), td_instruments_name(s->instruments, instrument), &bar);
    }
}

/* Of ends by width. */
static int64_t least_end(const td_state *s, const int64_t *ends_ns) {
    int64_t least_ns = INT64_MAX;
    for (size_t w = 0; w < s->program->width_count; w++)
        if (ends_ns[w] < least_ns) least_ns = ends_ns[w];
    return least_ns;
}

/* In the order (end, width): nobody reads a bar that ends later than its own. */
void td_state_close_instrument(td_step *step, uint32_t instrument) {
    size_t width_count = step->state->program->width_count;
    int64_t ends_ns[TD_WIDTHS_MAX];
    td_pending_trade trade;
    while (td_pending_take_of(&step->feed->pending, instrument, &trade)) td_state_count_trade(step, &trade);
    td_filling_stop(step, instrument);
    for (size_t w = 0; w < width_count; w++) ends_ns[w] = close_one(step, w, instrument, INT64_MIN);
    for (int64_t end_ns; (end_ns = least_end(step->state, ends_ns)) != INT64_MAX;) {
        for (size_t w = 0; w < width_count; w++)
            if (ends_ns[w] == end_ns) td_state_run_ahead(step, w, instrument, end_ns);
        for (size_t w = 0; w < width_count; w++)
            if (ends_ns[w] == end_ns) ends_ns[w] = close_one(step, w, instrument, end_ns);
    }
    td_matching_let_go(step, instrument);
}

static void close_end(td_step *step, int64_t end_ns) {
    feed_state *feed = step->feed;
    size_t width_count = step->state->program->width_count;
    for (size_t w = 0; w < width_count; w++)
        for (uint32_t i = 0; i < feed->traded_count && feed->next_end_ns[w] == end_ns; i++)
            td_state_run_ahead(step, w, feed->traded[i], end_ns);
    for (size_t w = 0; w < width_count; w++)
        if (feed->next_end_ns[w] == end_ns) feed->next_end_ns[w] = close_width(step, w, end_ns);
}

/* When no trade that belongs before the first one that waits can come any more; INT64_MAX: none waits. */
static int64_t next_trade_ns(const feed_state *feed) {
    const td_pending_trade *next = td_pending_next(&feed->pending);
    return next != NULL ? next->event_ns + 1 : INT64_MAX;
}

/* Closes everything that ends at or before up_to_ns, in the order (end, width, instrument). Between two ends the trades
 * of that time go into bars by count; ticks whose wait was over by then have run. */
void td_state_close_windows(td_step *step, int64_t up_to_ns) {
    feed_state *feed = step->feed;
    for (;;) {
        int64_t end_ns = least_end(step->state, feed->next_end_ns), trade_ns = next_trade_ns(feed);
        if (td_least(end_ns, trade_ns) > up_to_ns) break;
        td_matching_run(step, td_least(end_ns, trade_ns));
        if (end_ns < trade_ns) {
            close_end(step, end_ns);
        } else if (trade_ns != INT64_MAX) {
            td_pending_trade trade = td_pending_take(&feed->pending);
            td_state_count_trade(step, &trade);
        } else {
            break;
        }
    }
}

/* Whatever watermark comes next matters to a feed that is silent: who breaks the silence is to be seen. */
void td_state_find_next_close(const td_state *s, feed_state *feed) {
    int64_t end_ns = least_end(s, feed->next_end_ns);
    feed->next_close_ns = td_least(td_least(feed->next_due_ns, end_ns), next_trade_ns(feed));
    feed->next_close_ns = td_least(feed->next_close_ns, td_sections_next_mark(s, feed));
    feed->next_close_ns = td_least(feed->next_close_ns, td_matching_next(s, feed));
    if (feed->silent != 0) feed->next_close_ns = INT64_MIN;
}

/* The watermark has reached next_close_ns: what is missing is told before bars rest on it. */
void td_state_pass_time(td_step *step) {
    td_ledger_tell_due(step);
    td_state_close_windows(step, step->feed->watermark_ns);
    td_matching_run(step, step->feed->watermark_ns);
    td_state_find_next_close(step->state, step->feed);
}

void td_state_find_next_ends(td_state *s) {
    for (uint32_t f = 0; f < s->feed_count; f++) {
        feed_state *feed = &s->feeds[f];
        for (size_t w = 0; w < s->program->width_count; w++) {
            td_step step = step_of(s, f, 0, NULL);
            feed->next_end_ns[w] = close_width(&step, w, INT64_MIN);
        }
        td_ledger_find_next_due(s, feed);
        td_state_find_next_close(s, feed);
    }
}
