/* src/stream/state.c - record -> state -> outputs: watermarks, windows, rules. */
#include "stream/state.h"
#include "base/time.h"
#include "stream/state_layout.h"
#include <assert.h>
#include <stdlib.h>

/* ---- life ---- */

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/* Windows whose ends lie in (watermark - past, last event + width]. */
static uint32_t slots_for(int64_t width_ns, int64_t past_ns) {
    return (uint32_t)((past_ns + width_ns - 1) / width_ns + 2);
}

static int64_t program_lateness_max(const td_program *program) {
    int64_t max_ns = program->unnamed.lateness_ns;
    for (size_t i = 0; i < program->feed_count; i++)
        if (program->feeds[i].lateness_ns > max_ns) max_ns = program->feeds[i].lateness_ns;
    return max_ns;
}

void td_state_lay_out(td_state *s) {
    const td_program *p = s->program;
    size_t at = round_up(sizeof(block_head), 64);
    for (size_t w = 0; w < p->width_count; w++) {
        int64_t width_ns = p->widths_ns[w];
        s->grace_ns[w] = td_program_grace_ns(p, width_ns);
        s->horizon_ns[w] = td_program_horizon_ns(p, width_ns);
        s->open_slots[w] = slots_for(width_ns, s->slot_lateness_ns);
        s->slots[w] = slots_for(width_ns, s->slot_lateness_ns + s->grace_ns[w]);
        s->depth[w] = (uint32_t)((s->grace_ns[w] + width_ns - 1) / width_ns);
        if (s->depth[w] > 0 && p->calendar_count > 0) s->depth[w]++; /* one that a session cuts ends sooner */
        s->window_offset[w] = at;
        at += (s->slots[w] + 1) * sizeof(td_window);
    }
    for (size_t w = 0; w < p->width_count; w++) {
        s->graph_offset[w] = at;
        if (p->graphs[w] != NULL) at += td_hindsight_bytes(p->graphs[w], s->depth[w]);
    }
    s->block_bytes = round_up(at, 64);
}

static uint8_t *block_new(const td_state *s, td_bytes name) {
    uint8_t *block = td_alloc_check(aligned_alloc(64, s->block_bytes), s->block_bytes);
    memset(block, 0, s->block_bytes);
    block_head *head = (block_head *)(void *)block;
    head->feed = NO_FEED;
    head->calendar = td_program_calendar(s->program, name);
    for (size_t w = 0; w < s->program->width_count; w++) head->current[w] = s->slots[w];
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
    for (; s->block_count < count; s->block_count++)
        s->blocks[s->block_count] = block_new(s, td_instruments_name(s->instruments, s->block_count));
}

td_state *td_state_new(const td_program *program) {
    td_state *s = td_alloc_zero(1, sizeof *s);
    s->program = program;
    s->instruments = td_instruments_new();
    s->kept = td_kept_new();
    s->slot_lateness_ns = program_lateness_max(program);
    td_state_lay_out(s);
    return s;
}

void td_state_free(td_state *s) {
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->feed_count; i++) free(s->feeds[i].traded);
    for (uint32_t i = 0; i < s->block_count; i++) free(s->blocks[i]);
    free(s->blocks);
    td_kept_free(s->kept);
    td_released_fini(&s->released);
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
    feed->set = *td_program_feed_of(s->program, name);
    feed->watermark_ns = feed->ended_ns = INT64_MIN;
    for (size_t w = 0; w < TD_WIDTHS_MAX; w++) { feed->next_end_ns[w] = INT64_MAX; }
    feed->next_close_ns = INT64_MAX;
    return s->feed_count++;
}

uint32_t td_state_find_instrument(const td_state *s, td_bytes name) {
    return td_instruments_find(s->instruments, name);
}

uint32_t td_state_add_instrument(td_state *s, const td_event *e, td_bytes name) {
    feed_state *feed = &s->feeds[e->feed];
    bool passes = (e->pass >> TD_REASON_INSTRUMENT & 1) != 0;
    if (feed->instrument_count >= feed->set.max_instruments && !passes) return UINT32_MAX;
    feed->instrument_count++;
    uint32_t index = td_instruments_intern(s->instruments, name);
    td_state_grow(s);
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

/* The window's next bar. */
static td_bar give_bar(closing *c, size_t w, uint32_t instrument, td_window *window) {
    td_state *s = c->state;
    td_bar bar = td_window_bar(window, s->program->widths_ns[w], instrument, c->known_at_ns);
    window->results++;
    c->instrument = td_instruments_name(s->instruments, instrument);
    c->emit->bar(c->emit->self, c->instrument, &bar);
    return bar;
}

static void close_window(closing *c, size_t w, uint32_t instrument, uint32_t slot) {
    td_state *s = c->state;
    block_head *block = block_of(s, instrument);
    if (block->current[w] == slot) block->current[w] = s->slots[w];
    td_bar bar = give_bar(c, w, instrument, &windows_of(s, block, w)[slot]);
    if (s->program->graphs[w] != NULL) td_hindsight_apply(hindsight_of(s, block, w), c->instrument, &bar, on_signal, c);
}

/* Closes the open window of width w that ends at end_ns among `count` from slot `first` on; returns the earliest end
 * that stays open. */
static int64_t close_one(closing *c, size_t w, uint32_t instrument, int64_t end_ns) {
    td_state *s = c->state;
    int64_t width_ns = s->program->widths_ns[w], next_ns = INT64_MAX;
    const td_window *windows = windows_of(s, block_of(s, instrument), w);
    bool looks = end_ns == INT64_MIN, day = width_ns == TD_NS_PER_DAY; /* a day may have begun in two cells */
    uint32_t slot = looks ? 0 : slot_of(s, w, day ? end_ns - width_ns : end_ns - 1);
    uint32_t count = looks ? s->slots[w] : s->open_slots[w] + day;
    for (uint32_t i = 0; i < count; i++, slot = slot + 1 == s->slots[w] ? 0 : slot + 1) {
        if (!window_is_open(&windows[slot])) continue;
        int64_t window_end_ns = windows[slot].end_ns;
        if (window_end_ns == end_ns)
            close_window(c, w, instrument, slot);
        else if (window_end_ns < next_ns)
            next_ns = window_end_ns;
    }
    return next_ns;
}

/* Closes the windows of width w that end at end_ns; INT64_MIN: none. Returns the earliest end that stays open. */
static int64_t close_width(closing *c, size_t w, int64_t end_ns) {
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0; i < c->feed->traded_count; i++) {
        int64_t left_ns = close_one(c, w, c->feed->traded[i], end_ns);
        if (left_ns < next_ns) next_ns = left_ns;
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
            feed->next_end_ns[w] = close_width(&c, w, INT64_MIN);
        }
        feed->next_close_ns = least_end(s, feed);
    }
}

/* ---- whose it is ---- */

/* The instrument's trades come from another feed now: what is open is as far as the one before has told it. */
static __attribute__((noinline)) void move_to_feed(td_state *s, const td_event *e, const td_emit *emit) {
    block_head *block = block_of(s, e->instrument);
    if (block->feed != NO_FEED) {
        feed_state *old = &s->feeds[block->feed];
        closing c = {.state = s, .feed = old, .emit = emit, .known_at_ns = e->receive_ns};
        for (size_t w = 0; w < s->program->width_count; w++)
            for (int64_t end_ns = close_one(&c, w, e->instrument, INT64_MIN); end_ns != INT64_MAX;)
                end_ns = close_one(&c, w, e->instrument, end_ns);
        uint32_t at = 0;
        while (old->traded[at] != e->instrument) at++;
        memmove(&old->traded[at], &old->traded[at + 1], (--old->traded_count - at) * sizeof *old->traded);
    }
    block->feed = e->feed;
    td_state_add_traded(&s->feeds[e->feed], e->instrument);
}

/* ---- one record ---- */

bool td_state_period(const td_state *s, uint32_t instrument, size_t w, int64_t ns, td_period *out) {
    const block_head *block = block_of(s, instrument);
    td_period day = block->day;
    if (!td_period_holds(day, ns) && !td_program_day(s->program, block->calendar, ns, &day)) return false;
    *out = td_program_window(s->program, block->calendar, w, day, ns);
    return true;
}

static td_kept_place place_of(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns) {
    return (td_kept_place){instrument, s->program->widths_ns[w], start_ns};
}

static bool is_window(const td_window *window, int64_t start_ns) {
    return window->trade_count > 0 && window->start_ns == start_ns;
}

/* Where the window that begins there is remembered: in its slot, or kept; else NULL. */
static td_window *recall_window(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns) {
    td_window *window = &windows_of(s, block_of(s, instrument), w)[slot_of(s, w, start_ns)];
    return is_window(window, start_ns) ? window : td_kept_find(s->kept, place_of(s, instrument, w, start_ns));
}

/* A trade was refused: a release of it is to find its windows though their grace may be over by then. One that was
 * forgotten already stays so, and what is further ahead than the horizon is nobody's window. */
static void want_windows(td_state *s, const td_event *e) {
    const feed_state *feed = &s->feeds[e->feed];
    for (size_t w = 0; w < s->program->width_count && feed->watermark_ns != INT64_MIN; w++) {
        td_period period;
        if (!td_state_period(s, e->instrument, w, e->event_ns, &period)) return;
        int64_t start_ns = period.start_ns, end_ns = period.end_ns;
        int64_t oldest_ns = feed->watermark_ns - s->horizon_ns[w];
        if (end_ns <= oldest_ns || start_ns > feed->watermark_ns + s->horizon_ns[w]) continue;
        bool final = end_ns <= feed->watermark_ns - s->grace_ns[w];
        if (final && recall_window(s, e->instrument, w, start_ns) == NULL) continue;
        int64_t width_ns = s->program->widths_ns[w];
        td_kept_release_older(s->kept, place_of(s, e->instrument, w, td_window_start(oldest_ns, width_ns)));
        td_kept_want(s->kept, place_of(s, e->instrument, w, start_ns));
    }
}

static td_applied quarantine(td_state *s, const td_event *e, td_reason reason, const td_emit *emit) {
    const feed_state *feed = &s->feeds[e->feed];
    if (e->kind == TD_EVENT_TRADE && td_reason_is_releasable(reason)) want_windows(s, e);
    td_quarantined q = {.event = *e, .feed = feed_name(feed), .reason = (uint8_t)reason, .known_at_ns = e->receive_ns};
    emit->quarantined(emit->self, td_instruments_name(s->instruments, e->instrument), &q);
    return (td_applied){.verdict = TD_VERDICT_QUARANTINED};
}

td_applied td_state_refuse(const td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit) {
    td_quarantined q = {.event = *e,
                        .feed = feed_name(&s->feeds[e->feed]),
                        .reason = TD_REASON_INSTRUMENT,
                        .known_at_ns = e->receive_ns};
    emit->quarantined(emit->self, instrument, &q);
    return (td_applied){.verdict = TD_VERDICT_QUARANTINED};
}

/* What becomes of a trade, width by width. */
typedef struct placing {
    td_state *state;
    block_head *block;
    const td_event *event;
    const td_emit *emit;
    uint32_t missed, revised; /* widths, a bit each */
    td_applied applied;
} placing;

/* The trade does not lie in the day of the one before. False: nor in any other, no window takes it. */
static __attribute__((noinline)) bool find_day(placing *p) {
    const td_program *program = p->state->program;
    block_head *block = p->block;
    td_period day;
    p->applied.unknown_day = !td_program_knows(program, block->calendar, p->event->event_ns);
    p->applied.outside = !td_program_day(program, block->calendar, p->event->event_ns, &day);
    if (!p->applied.outside) block->day = day;
    return !p->applied.outside;
}

/* Of one that is final: what is put on the tape anew still finds it where it was kept. */
static td_window *find_final(const placing *p, size_t w, td_period period) {
    const td_state *s = p->state;
    const td_event *e = p->event;
    bool reached = e->origin != TD_ORIGIN_FEED && period.end_ns > s->feeds[e->feed].watermark_ns - s->horizon_ns[w];
    if (!reached || td_kept_find(s->kept, place_of(s, e->instrument, w, period.start_ns)) == NULL) return NULL;
    return recall_window(s, e->instrument, w, period.start_ns);
}

/* The window of width w for an event outside the one used last, or NULL when it is final for good. */
static __attribute__((noinline)) td_window *find_window(placing *p, size_t w) {
    td_state *s = p->state;
    feed_state *feed = &s->feeds[p->event->feed];
    td_period period = td_program_window(s->program, p->block->calendar, w, p->block->day, p->event->event_ns);
    int64_t start_ns = period.start_ns, end_ns = period.end_ns;
    uint32_t slot = slot_of(s, w, start_ns);
    td_window *window = &windows_of(s, p->block, w)[slot];
    bool known = is_window(window, start_ns);
    bool closed = end_ns <= feed->watermark_ns || start_ns <= feed->ended_ns || (known && window->results > 0);
    if (closed && (s->grace_ns[w] == 0 || end_ns <= feed->watermark_ns - s->grace_ns[w])) {
        window = find_final(p, w, period);
        *(window != NULL ? &p->revised : &p->missed) |= 1u << w;
        return window;
    }
    if (!known) {
        assert(!window_is_open(window)); /* those that are lie within `slots` of this one */
        if (window->trade_count > 0)
            (void)td_kept_put(s->kept, place_of(s, p->event->instrument, w, window->start_ns), window);
        memset(window, 0, sizeof *window);
        window->start_ns = start_ns;
        window->end_ns = end_ns;
    }
    if (closed) {
        p->revised |= 1u << w;
        return window;
    }
    p->block->current[w] = slot;
    if (end_ns < feed->next_end_ns[w]) feed->next_end_ns[w] = end_ns;
    if (end_ns < feed->next_close_ns) feed->next_close_ns = end_ns;
    return window;
}

/* A closed window has taken a trade: its bar anew, and what follows from it. False: not all of that. */
static bool revise(const placing *p, size_t w) {
    td_state *s = p->state;
    const td_event *e = p->event;
    closing c = {.state = s, .feed = &s->feeds[e->feed], .emit = p->emit, .known_at_ns = e->receive_ns};
    td_period period = td_program_window(s->program, p->block->calendar, w, p->block->day, e->event_ns);
    td_bar bar = give_bar(&c, w, e->instrument, recall_window(s, e->instrument, w, period.start_ns));
    if (s->program->graphs[w] == NULL) return true;
    return td_hindsight_revise(hindsight_of(s, p->block, w), c.instrument, &bar, on_signal, &c);
}

/* Revisions in the order of widths, then what was missed. */
static __attribute__((noinline)) td_applied settle_late(placing *p) {
    td_state *s = p->state;
    const td_event *e = p->event;
    const feed_state *feed = &s->feeds[e->feed];
    td_applied *applied = &p->applied;
    td_quarantined q = {.event = *e, .feed = feed_name(feed), .reason = TD_REASON_LATE, .known_at_ns = e->receive_ns};
    for (size_t w = 0; w < s->program->width_count; w++) {
        if ((p->missed >> w & 1) != 0) q.missed_width_ns[q.missed_count++] = s->program->widths_ns[w];
        if ((p->revised >> w & 1) == 0) continue;
        applied->revised_count++;
        if (!revise(p, w)) applied->not_reapplied_count++;
    }
    applied->late_count = q.missed_count;
    if (q.missed_count > 0) p->emit->quarantined(p->emit->self, td_instruments_name(s->instruments, e->instrument), &q);
    return *applied;
}

static bool sums_fit(const td_state *s, const td_event *e) {
    td_i128 notional = td_trade_notional(&e->trade);
    for (size_t w = 0; w < s->program->width_count; w++) {
        td_period period;
        if (!td_state_period(s, e->instrument, w, e->event_ns, &period)) return true;
        const td_window *window = recall_window(s, e->instrument, w, period.start_ns);
        if (window != NULL && !td_window_can_add(window, notional)) return false;
    }
    return true;
}

static __attribute__((noinline)) td_reason judge_trade(const td_state *s, block_head *block, const td_event *e) {
    td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set, .recent = &block->recent};
    td_reason reason = td_rules_judge(&judged, false);
    if (reason != TD_REASON_NONE) return reason;
    bool large = td_trade_notional(&e->trade) > TD_NOTIONAL_LARGE;
    return large && !sums_fit(s, e) ? TD_REASON_OVERFLOW : TD_REASON_NONE;
}

/* Costs nothing where there are no ids. */
static inline bool is_new(const td_program_feed *feed, td_seen *seen, const td_event *e) {
    if (e->trade.trade_id == TD_NONE || feed->trade_ids == TD_IDS_OFF) return true;
    return feed->trade_ids == TD_IDS_ORDERED ? td_seen_add_ordered(seen, e) : td_seen_add_any(seen, e);
}

static td_applied apply_trade(td_state *s, const td_event *e, const td_emit *emit) {
    const td_trade *t = &e->trade;
    block_head *block = block_of(s, e->instrument);
    placing p = {.state = s, .block = block, .event = e, .emit = emit, .applied = {.verdict = TD_VERDICT_ACCEPTED}};
    td_i128 notional = td_trade_notional(t);
    if (!td_trade_is_plain(t, &block->recent) || notional > TD_NOTIONAL_LARGE) {
        td_reason reason = judge_trade(s, block, e);
        if (reason != TD_REASON_NONE) return quarantine(s, e, reason, emit);
    }
    if (!is_new(&s->feeds[e->feed].set, &block->seen, e)) return (td_applied){.verdict = TD_VERDICT_DUPLICATE};
    td_recent_put(&block->recent, t->price);
    if (block->feed != e->feed) move_to_feed(s, e, emit);
    if (!td_period_holds(block->day, e->event_ns) && !find_day(&p)) return p.applied;
    size_t width_count = s->program->width_count;
    for (size_t w = 0; w < width_count; w++) {
        td_window *window = &windows_of(s, block, w)[block->current[w]];
        if (!td_window_holds(window, e->event_ns)) {
            window = find_window(&p, w);
            if (window == NULL) continue;
        }
        td_window_add(window, e->event_ns, t, notional);
    }
    return (p.missed | p.revised) != 0 ? settle_late(&p) : p.applied;
}

static td_applied apply_quote(td_state *s, const td_event *e, const td_emit *emit) {
    if (!td_quote_is_plain(&e->quote)) {
        td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set};
        td_reason reason = td_rules_judge(&judged, false);
        if (reason != TD_REASON_NONE) return quarantine(s, e, reason, emit);
    }
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED};
}

static td_applied apply_time(td_state *s, const td_event *e, const td_emit *emit) {
    feed_state *feed = &s->feeds[e->feed];
    feed->session = e->time.session;
    if (e->time.bound_ns != TD_NONE && e->time.bound_ns > feed->watermark_ns) advance(s, e, e->time.bound_ns, emit);
    if (e->time.session == TD_SESSION_ENDED) {
        closing c = {.state = s, .feed = feed, .emit = emit, .known_at_ns = e->receive_ns};
        feed->ended_ns = feed->watermark_ns; /* what is open now will be final */
        close_windows(&c, INT64_MAX - 1);
    }
    return (td_applied){.verdict = TD_VERDICT_NOT_A_TICK};
}

/* What must be asked before the event moves time; most events need not. */
static __attribute__((noinline)) td_reason judge_arrival(const td_state *s, const td_event *e) {
    td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set};
    return td_rules_judge(&judged, true);
}

static inline td_applied apply_tick(td_state *s, const td_event *e, const td_emit *emit) {
    const feed_state *feed = &s->feeds[e->feed];
    if (td_event_is_ahead(e, feed->set.max_ahead_ns)) {
        td_reason reason = judge_arrival(s, e);
        if (reason != TD_REASON_NONE) return quarantine(s, e, reason, emit);
    }
    int64_t reached_ns = e->event_ns - feed->set.lateness_ns;
    if (reached_ns > feed->watermark_ns) advance(s, e, reached_ns, emit);
    return e->kind == TD_EVENT_TRADE ? apply_trade(s, e, emit) : apply_quote(s, e, emit);
}

/* What a release stands for is accepted once. */
static __attribute__((noinline)) td_applied apply_anew(td_state *s, const td_event *e, const td_emit *emit) {
    bool release = e->origin == TD_ORIGIN_RELEASE && e->of_offset != TD_NONE;
    if (release && td_released_has(&s->released, e->of_offset)) return (td_applied){.verdict = TD_VERDICT_DUPLICATE};
    td_applied applied = apply_tick(s, e, emit);
    if (release && applied.verdict == TD_VERDICT_ACCEPTED) td_released_add(&s->released, e->of_offset);
    return applied;
}

td_applied td_state_apply(td_state *s, const td_event *e, const td_emit *emit) {
    if (e->kind == TD_EVENT_TIME) return apply_time(s, e, emit);
    return e->origin == TD_ORIGIN_FEED ? apply_tick(s, e, emit) : apply_anew(s, e, emit);
}

void td_state_window(const td_state *s, td_bytes instrument, size_t w, int64_t ns, td_window_state *out) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    uint32_t calendar = td_program_calendar(s->program, instrument);
    td_period day;
    *out = (td_window_state){.watermark_ns = INT64_MIN, .grace_ns = s->grace_ns[w]};
    out->outside = !td_program_day(s->program, calendar, ns, &day);
    if (out->outside) return;
    out->period = td_program_window(s->program, calendar, w, day, ns);
    if (index == UINT32_MAX || block_of(s, index)->feed == NO_FEED) return;
    const feed_state *feed = &s->feeds[block_of(s, index)->feed];
    const td_window *window = recall_window(s, index, w, out->period.start_ns);
    out->feed = feed_name(feed);
    out->watermark_ns = feed->watermark_ns;
    out->lateness_ns = feed->set.lateness_ns;
    out->session = feed->session;
    out->closed = out->period.end_ns <= feed->watermark_ns || out->period.start_ns <= feed->ended_ns;
    if (window == NULL || window->trade_count == 0) return;
    out->trade_count = window->trade_count;
    out->results = window->results;
    out->closed |= window->results > 0;
}
