/* src/stream/state.c - record -> state -> outputs: watermarks, windows, rules. */
#include "stream/state.h"
#include "base/time.h"
#include "stream/state_layout.h"
#include <assert.h>
#include <stdlib.h>

/* ---- life ---- */

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/* Windows of one instrument that can be open at once have their ends in (watermark, last event + width]. */
static uint32_t slots_for(int64_t width_ns, int64_t lateness_ns) {
    return (uint32_t)((lateness_ns + width_ns - 1) / width_ns + 2);
}

static int64_t program_lateness_max(const td_program *program) {
    int64_t max_ns = TD_LATENESS_DEFAULT_NS;
    for (size_t i = 0; i < program->feed_count; i++)
        if (program->feeds[i].lateness_ns > max_ns) max_ns = program->feeds[i].lateness_ns;
    return max_ns;
}

void td_state_lay_out(td_state *s) {
    size_t at = sizeof(block_head);
    for (size_t w = 0; w < s->program->width_count; w++) {
        s->slots[w] = slots_for(s->program->widths_ns[w], s->slot_lateness_ns);
        s->window_offset[w] = at;
        at += s->slots[w] * sizeof(td_window);
    }
    for (size_t w = 0; w < s->program->width_count; w++) {
        s->graph_offset[w] = at;
        if (s->program->graphs[w] != NULL) at += round_up(td_graph_state_bytes(s->program->graphs[w]), 16);
    }
    s->block_bytes = round_up(at, 64);
}

static uint8_t *block_new(const td_state *s) {
    uint8_t *block = td_alloc_check(aligned_alloc(64, s->block_bytes), s->block_bytes);
    memset(block, 0, s->block_bytes);
    ((block_head *)(void *)block)->feed = NO_FEED;
    return block;
}

void td_state_grow(td_state *s) {
    uint32_t count = td_instruments_count(s->instruments);
    if (count > s->block_capacity) {
        uint32_t capacity = count + count / 2 + 64;
        uint8_t **blocks = td_alloc_zero(capacity, sizeof *blocks);
        if (s->block_count > 0) memcpy(blocks, s->blocks, s->block_count * sizeof *blocks);
        free(s->blocks);
        s->blocks = blocks;
        s->block_capacity = capacity;
    }
    while (s->block_count < count) s->blocks[s->block_count++] = block_new(s);
}

td_state *td_state_new(const td_program *program) {
    td_state *s = td_alloc_zero(1, sizeof *s);
    s->program = program;
    s->instruments = td_instruments_new();
    s->slot_lateness_ns = program_lateness_max(program);
    td_state_lay_out(s);
    return s;
}

void td_state_free(td_state *s) {
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->feed_count; i++) free(s->feeds[i].traded);
    for (uint32_t i = 0; i < s->block_count; i++) free(s->blocks[i]);
    free(s->blocks);
    td_instruments_free(s->instruments);
    free(s);
}

/* ---- names ---- */

uint32_t td_state_feed(td_state *s, td_bytes name) {
    for (uint32_t i = 0; i < s->feed_count; i++)
        if (td_bytes_equal(feed_name(&s->feeds[i]), name)) return i;
    if (s->feed_count == TD_PROGRAM_FEEDS_MAX || name.size >= sizeof s->feeds[0].name) return UINT32_MAX;
    feed_state *feed = &s->feeds[s->feed_count];
    memset(feed, 0, sizeof *feed);
    if (name.size > 0) memcpy(feed->name, name.data, name.size);
    feed->name_size = (uint32_t)name.size;
    feed->lateness_ns = td_program_lateness_ns(s->program, name);
    feed->watermark_ns = feed->next_close_ns = INT64_MIN;
    for (size_t w = 0; w < TD_WIDTHS_MAX; w++) {
        feed->ended_to_ns[w] = INT64_MIN;
        feed->next_end_ns[w] = INT64_MAX;
    }
    feed->next_close_ns = INT64_MAX;
    return s->feed_count++;
}

uint32_t td_state_instrument(td_state *s, td_bytes name) {
    uint32_t index = td_instruments_intern(s->instruments, name);
    if (index >= s->block_count) td_state_grow(s);
    return index;
}

void td_state_add_traded(feed_state *feed, uint32_t instrument) {
    if (feed->traded_count == feed->traded_capacity) {
        uint32_t capacity = feed->traded_capacity * 2 + 64;
        uint32_t *traded = td_alloc(capacity * sizeof *traded);
        if (feed->traded_count > 0) memcpy(traded, feed->traded, feed->traded_count * sizeof *traded);
        free(feed->traded);
        feed->traded = traded;
        feed->traded_capacity = capacity;
    }
    feed->traded[feed->traded_count++] = instrument;
}

int64_t td_state_watermark_ns(const td_state *s, uint32_t feed) { return s->feeds[feed].watermark_ns; }

/* ---- closing windows ---- */

typedef struct closing { /* what closing needs, together */
    td_state *state;
    feed_state *feed;
    const td_emit *emit;
    int64_t known_at_ns;
    td_bytes instrument; /* of the bar that runs through a graph */
} closing;

static void on_signal(void *arg, const td_signal *signal) {
    closing *c = arg;
    c->emit->signal(c->emit->self, c->instrument, signal);
}

static void close_window(closing *c, size_t w, uint32_t instrument, td_window *window) {
    td_state *s = c->state;
    td_bar bar = td_window_bar(window, s->program->widths_ns[w], instrument, c->known_at_ns);
    memset(window, 0, sizeof *window);
    c->instrument = td_instruments_name(s->instruments, instrument);
    c->emit->bar(c->emit->self, c->instrument, &bar);
    if (s->program->graphs[w] != NULL)
        td_graph_apply(s->program->graphs[w], graph_state_of(s, block_of(s, instrument), w), c->instrument, &bar,
                       on_signal, c);
}

/* Closes the windows of width w that end at end_ns; returns the earliest end that stays open. */
static int64_t close_width(closing *c, size_t w, int64_t end_ns) {
    td_state *s = c->state;
    int64_t width_ns = s->program->widths_ns[w], next_ns = INT64_MAX;
    for (uint32_t i = 0; i < c->feed->traded_count; i++) {
        uint32_t instrument = c->feed->traded[i];
        td_window *windows = windows_of(s, block_of(s, instrument), w);
        for (uint32_t slot = 0; slot < s->slots[w]; slot++) {
            if (windows[slot].trade_count == 0) continue;
            int64_t window_end_ns = windows[slot].start_ns + width_ns;
            if (window_end_ns == end_ns)
                close_window(c, w, instrument, &windows[slot]);
            else if (window_end_ns < next_ns)
                next_ns = window_end_ns;
        }
    }
    return next_ns;
}

static int64_t least_end(const td_state *s, const feed_state *feed) {
    int64_t least_ns = INT64_MAX;
    for (size_t w = 0; w < s->program->width_count; w++)
        if (feed->next_end_ns[w] < least_ns) least_ns = feed->next_end_ns[w];
    return least_ns;
}

/* Closes everything that ends at or before up_to_ns, in the order (end, width, instrument). */
static void close_windows(closing *c, int64_t up_to_ns) {
    feed_state *feed = c->feed;
    while (feed->next_close_ns <= up_to_ns && feed->next_close_ns != INT64_MAX) {
        int64_t end_ns = feed->next_close_ns;
        for (size_t w = 0; w < c->state->program->width_count; w++)
            if (feed->next_end_ns[w] == end_ns) feed->next_end_ns[w] = close_width(c, w, end_ns);
        feed->next_close_ns = least_end(c->state, feed);
    }
}

static void advance(td_state *s, const td_event *e, int64_t watermark_ns, const td_emit *emit) {
    feed_state *feed = &s->feeds[e->feed];
    feed->watermark_ns = watermark_ns;
    if (watermark_ns < feed->next_close_ns) return;
    closing c = {.state = s, .feed = feed, .emit = emit, .known_at_ns = e->receive_ns};
    close_windows(&c, watermark_ns);
}

void td_state_find_next_ends(td_state *s) {
    for (uint32_t f = 0; f < s->feed_count; f++) {
        feed_state *feed = &s->feeds[f];
        for (size_t w = 0; w < s->program->width_count; w++) {
            closing c = {.state = s, .feed = feed};
            feed->next_end_ns[w] = close_width(&c, w, INT64_MIN); /* no window ends there: only looks */
        }
        feed->next_close_ns = least_end(s, feed);
    }
}

/* ---- one record ---- */

static td_applied quarantine(const td_state *s, const td_event *e, td_reason reason, const td_emit *emit) {
    const feed_state *feed = &s->feeds[e->feed];
    td_quarantined q = {.event = *e, .feed = feed_name(feed), .reason = (uint8_t)reason, .known_at_ns = e->receive_ns};
    emit->quarantined(emit->self, td_instruments_name(s->instruments, e->instrument), &q);
    return (td_applied){.verdict = TD_VERDICT_QUARANTINED};
}

/* The window of width w for an event outside the slot used last, or NULL when it is final. */
static td_window *find_window(td_state *s, block_head *block, const td_event *e, size_t w, int64_t *out_start_ns) {
    feed_state *feed = &s->feeds[e->feed];
    int64_t width_ns = s->program->widths_ns[w];
    int64_t start_ns = td_window_start(e->event_ns, width_ns), end_ns = start_ns + width_ns;
    if (end_ns <= feed->watermark_ns || end_ns <= feed->ended_to_ns[w]) return NULL;
    uint32_t slot = (uint32_t)((uint64_t)(start_ns / width_ns) % s->slots[w]);
    td_window *window = &windows_of(s, block, w)[slot];
    assert(window->trade_count == 0 || window->start_ns == start_ns);
    block->current[w] = slot;
    *out_start_ns = start_ns;
    if (end_ns < feed->next_end_ns[w]) feed->next_end_ns[w] = end_ns;
    if (end_ns < feed->next_close_ns) feed->next_close_ns = end_ns;
    return window;
}

static bool sums_fit(const td_state *s, block_head *block, td_i128 notional) {
    for (size_t w = 0; w < s->program->width_count; w++)
        for (uint32_t slot = 0; slot < s->slots[w]; slot++)
            if (!td_window_can_add(&windows_of(s, block, w)[slot], notional)) return false;
    return true;
}

static td_applied report_late(const td_state *s, const td_event *e, const bool *missed, const td_emit *emit) {
    const feed_state *feed = &s->feeds[e->feed];
    td_quarantined q = {.event = *e, .feed = feed_name(feed), .reason = TD_REASON_LATE, .known_at_ns = e->receive_ns};
    for (size_t w = 0; w < s->program->width_count; w++)
        if (missed[w]) q.missed_width_ns[q.missed_count++] = s->program->widths_ns[w];
    emit->quarantined(emit->self, td_instruments_name(s->instruments, e->instrument), &q);
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED, .late_count = q.missed_count};
}

static td_applied apply_trade(td_state *s, const td_event *e, const td_emit *emit) {
    const td_trade *t = &e->trade;
    if (t->price <= 0 || t->size <= 0) return quarantine(s, e, TD_REASON_NON_POSITIVE, emit);
    block_head *block = block_of(s, e->instrument);
    td_i128 notional = td_trade_notional(t);
    if (notional > TD_NOTIONAL_LARGE && !sums_fit(s, block, notional))
        return quarantine(s, e, TD_REASON_OVERFLOW, emit);
    if (block->feed == NO_FEED) {
        block->feed = e->feed;
        td_state_add_traded(&s->feeds[e->feed], e->instrument);
    }
    bool late = false, missed[TD_WIDTHS_MAX] = {0};
    for (size_t w = 0; w < s->program->width_count; w++) {
        td_window *window = &windows_of(s, block, w)[block->current[w]];
        int64_t start_ns = window->start_ns;
        if (window->trade_count == 0 || (uint64_t)(e->event_ns - start_ns) >= (uint64_t)s->program->widths_ns[w]) {
            window = find_window(s, block, e, w, &start_ns);
            if (window == NULL) {
                late = missed[w] = true;
                continue;
            }
        }
        td_window_add(window, start_ns, e->event_ns, t, notional);
    }
    if (late) return report_late(s, e, missed, emit);
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED};
}

static bool side_refused(int64_t price, int64_t size) {
    return (price != TD_NONE && price <= 0) || (size != TD_NONE && size <= 0);
}

static td_applied apply_quote(const td_state *s, const td_event *e, const td_emit *emit) {
    const td_quote *q = &e->quote;
    if (side_refused(q->bid_price, q->bid_size) || side_refused(q->ask_price, q->ask_size))
        return quarantine(s, e, TD_REASON_NON_POSITIVE, emit);
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED};
}

static td_applied apply_time(td_state *s, const td_event *e, const td_emit *emit) {
    feed_state *feed = &s->feeds[e->feed];
    if (e->time.bound_ns != TD_NONE && e->time.bound_ns > feed->watermark_ns) advance(s, e, e->time.bound_ns, emit);
    if (e->time.session == TD_SESSION_ENDED) {
        closing c = {.state = s, .feed = feed, .emit = emit, .known_at_ns = e->receive_ns};
        for (size_t w = 0; w < s->program->width_count; w++) /* what is open now will be final */
            if (feed->watermark_ns != INT64_MIN) {
                int64_t width_ns = s->program->widths_ns[w];
                feed->ended_to_ns[w] = td_window_start(feed->watermark_ns, width_ns) + width_ns;
            }
        close_windows(&c, INT64_MAX - 1);
    }
    return (td_applied){.verdict = TD_VERDICT_NOT_A_TICK};
}

td_applied td_state_apply(td_state *s, const td_event *e, const td_emit *emit) {
    if (e->kind == TD_EVENT_TIME) return apply_time(s, e, emit);
    const feed_state *feed = &s->feeds[e->feed];
    int64_t reached_ns = e->event_ns - feed->lateness_ns;
    if (reached_ns > feed->watermark_ns) advance(s, e, reached_ns, emit);
    return e->kind == TD_EVENT_TRADE ? apply_trade(s, e, emit) : apply_quote(s, e, emit);
}
