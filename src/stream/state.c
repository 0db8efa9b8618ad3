/* src/stream/state.c - record -> state -> outputs: watermarks, windows, rules. */
#include "stream/state.h"
#include "base/hash.h"
#include "base/time.h"
#include "stream/desk.h"
#include "stream/ledger.h"
#include "stream/matching.h"
#include <assert.h>
#include <stdlib.h>

/* ---- life ---- */

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
    s->section_clock_ns = s->section_done_ns = INT64_MIN;
    td_state_lay_out(s);
    return s;
}

void td_state_free(td_state *s) {
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->feed_count; i++) {
        free(s->feeds[i].traded);
        td_pending_fini(&s->feeds[i].pending);
        td_queue_fini(&s->feeds[i].queue);
    }
    for (uint32_t i = 0; i < s->block_count; i++) free(s->blocks[i]);
    free(s->blocks);
    free(s->ports);
    td_buf_fini(&s->waiting);
    td_legs_fini(&s->legs);
    td_ranking_fini(&s->ranking);
    td_kept_free(s->kept);
    td_released_fini(&s->released);
    td_shares_fini(&s->shares);
    td_books_fini(&s->books);
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
    const td_program_feed *set = td_program_feed_of(s->program, name);
    feed->set = *set;
    feed->named = set != &s->program->unnamed;
    feed->watermark_ns = feed->ended_ns = feed->matched_ns = INT64_MIN;
    for (size_t w = 0; w < TD_WIDTHS_MAX; w++) { feed->next_end_ns[w] = INT64_MAX; }
    feed->next_due_ns = INT64_MAX;
    feed->next_close_ns = td_least(td_sections_next_mark(s, feed), td_matching_next(s, feed));
    if (s->queue_ports > 0) td_queue_begin(&feed->queue, s->queue_ports);
    if (td_state_counts(s)) td_pending_begin(&feed->pending);
    return s->feed_count++;
}

uint32_t td_state_add_instrument(td_state *s, const td_event *e, td_bytes name) {
    feed_state *feed = &s->feeds[e->feed];
    bool copy = (e->flags & TD_FLAG_COPY) != 0, passes = copy || (e->pass >> TD_REASON_INSTRUMENT & 1) != 0;
    if (feed->instrument_count >= feed->set.max_instruments && !passes) return UINT32_MAX;
    feed->instrument_count += !copy; /* the program bounds how many of those there are */
    uint32_t index = td_instruments_intern(s->instruments, name);
    td_state_grow(s);
    block_of(s, index)->copy = copy;
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

/* ---- whose it is ---- */

/* The instrument's trades come from another feed now: what is open is as far as the one before has told it. */
static __attribute__((noinline)) void move_to_feed(td_state *s, const td_event *e, const td_emit *emit) {
    block_head *block = block_of(s, e->instrument);
    uint32_t before = block->feed;
    td_step heir = step_of(s, e->feed, e->receive_ns, emit);
    if (before != NO_FEED) {
        feed_state *old = &s->feeds[before];
        td_step step = step_of(s, before, e->receive_ns, emit);
        td_ledger_move(&heir, e, old);
        td_state_close_instrument(&step, e->instrument);
        uint32_t at = 0;
        while (old->traded[at] != e->instrument) at++;
        memmove(&old->traded[at], &old->traded[at + 1], (--old->traded_count - at) * sizeof *old->traded);
    }
    block->feed = e->feed;
    td_state_add_traded(&s->feeds[e->feed], e->instrument);
    if (before == NO_FEED) return; /* thousands of new ones may come in a row */
    td_matching_heed(&heir, before);
    td_ledger_find_next_due(s, &s->feeds[e->feed]);
    td_state_find_next_close(s, &s->feeds[e->feed]);
}

/* ---- one record ---- */

bool td_state_period(const td_state *s, uint32_t instrument, size_t w, int64_t ns, td_period *out) {
    const block_head *block = block_of(s, instrument);
    td_period day = block->day;
    bool inside = td_period_holds(day, ns) || td_program_day(s->program, block->calendar, ns, &day);
    if (!inside && !td_width_is_extended(s->program->widths_ns[w])) return false;
    *out = td_program_window(s->program, block->calendar, w, day, ns);
    return true;
}

td_moment td_state_moment(const td_state *s, uint32_t instrument, int64_t ns) {
    const block_head *block = block_of(s, instrument);
    td_period day = block->day;
    td_moment now = {s->now.record, s->now.ns, td_window_start(ns, TD_NS_PER_DAY)};
    if (!td_period_holds(day, ns) && !td_program_day(s->program, block->calendar, ns, &day)) return now;
    if (day.start_ns != INT64_MIN) now.session_ns = day.start_ns; /* else it has no days but those of UTC */
    return now;
}

static bool is_window(const td_window *window, int64_t start_ns) {
    return td_window_is_used(window) && window->start_ns == start_ns;
}

td_window *td_state_recall(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns) {
    td_window *window = &windows_of(s, block_of(s, instrument), w)[slot_of(s, w, start_ns)];
    return is_window(window, start_ns) ? window : td_kept_find(s->kept, place_of(s, instrument, w, start_ns));
}

/* A trade was refused: a release of it is to find its windows though their grace may be over by then. One that was
 * forgotten already stays so, and what is further ahead than the horizon is nobody's window. */
static void want_windows(td_state *s, const td_event *e) {
    const feed_state *feed = &s->feeds[e->feed];
    for (size_t w = 0; w < td_program_timed(s->program) && feed->watermark_ns != INT64_MIN; w++) {
        td_period period;
        if (!td_state_period(s, e->instrument, w, e->event_ns, &period)) continue;
        int64_t start_ns = period.start_ns, end_ns = period.end_ns;
        int64_t oldest_ns = feed->watermark_ns - s->horizon_ns[w];
        if (end_ns <= oldest_ns || start_ns > feed->watermark_ns + s->horizon_ns[w]) continue;
        bool final = end_ns <= feed->watermark_ns - s->grace_ns[w];
        if (final && td_state_recall(s, e->instrument, w, start_ns) == NULL) continue;
        int64_t width_ns = td_width_span_ns(s->program->widths_ns[w]);
        td_kept_release_older(s->kept, place_of(s, e->instrument, w, td_window_start(oldest_ns, width_ns)));
        td_kept_want(s->kept, place_of(s, e->instrument, w, start_ns));
    }
}

static td_applied quarantine(td_state *s, const td_event *e, td_reason reason, const td_emit *emit) {
    const feed_state *feed = &s->feeds[e->feed];
    if (e->kind == TD_EVENT_TRADE && td_reason_is_releasable(reason)) want_windows(s, e);
    td_quarantined q = {.event = *e, .feed = feed_name(feed), .reason = (uint8_t)reason, .known_at_ns = e->receive_ns};
    emit = emit_of(s, e->instrument, emit);
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
    td_step *step;            /* where its id or its origin says more than most; else NULL */
    int64_t empty_behind_ns;  /* then: it was missing, and later windows had no trade before; INT64_MAX: it was not */
    uint32_t missed, revised; /* widths, a bit each */
    td_admits admits;         /* what the trade's sale condition lets it do, */
    td_admits extended;       /* and in bars of extended widths */
    td_applied applied;
} placing;

/* The trade does not lie in the day of the one before. False: nor in any other, no window takes it but of extended
 * widths. */
static __attribute__((noinline)) bool find_day(placing *p) {
    const td_program *program = p->state->program;
    block_head *block = p->block;
    td_period day;
    p->applied.unknown_day = !td_program_knows(program, block->calendar, p->event->event_ns);
    p->applied.outside = !td_program_day(program, block->calendar, p->event->event_ns, &day);
    if (!p->applied.outside) block->day = day;
    return !p->applied.outside;
}

td_window *td_state_begin_window(td_state *s, uint32_t instrument, size_t w, td_period period) {
    const block_head *block = block_of(s, instrument);
    td_window *window = &windows_of(s, block_of(s, instrument), w)[slot_of(s, w, period.start_ns)];
    assert(!window_is_open(window)); /* those that are lie within `slots` of this one */
    if (td_window_is_used(window)) td_ledger_let_go(s, instrument, w, window);
    *window = (td_window){.start_ns = period.start_ns,
                          .end_ns = period.end_ns,
                          .lost = period.start_ns <= block->gaps.forgotten_ns}; /* one of them may lie over it, too */
    return window;
}

void td_state_expect_end(feed_state *feed, size_t w, int64_t end_ns) {
    feed->next_end_ns[w] = td_least(feed->next_end_ns[w], end_ns);
    feed->next_close_ns = td_least(feed->next_close_ns, end_ns);
}

/* Of one that is final: what is put on the tape anew still finds it where it was kept, and what was missing makes its
 * own where nothing was. */
static td_window *find_final(const placing *p, size_t w, td_period period) {
    const td_state *s = p->state;
    const td_event *e = p->event;
    td_kept_place place = place_of(s, e->instrument, w, period.start_ns);
    bool was_missing = p->step != NULL && p->empty_behind_ns != INT64_MAX;
    if (e->origin == TD_ORIGIN_FEED && !was_missing) return NULL;
    if (!was_missing && td_kept_find(s->kept, place) == NULL) return NULL;
    td_window *window = td_state_recall(s, e->instrument, w, period.start_ns);
    if (period.end_ns <= s->feeds[e->feed].watermark_ns - s->horizon_ns[w]) {
        if (window != NULL && was_missing) window->lost = 1; /* what was missing is here, but not in it */
        return NULL;
    }
    if (window == NULL && was_missing && period.start_ns > p->empty_behind_ns) {
        td_kept_want(s->kept, place);
        window = td_kept_find(s->kept, place);
        if (window != NULL) window->lost = period.start_ns <= p->block->gaps.forgotten_ns;
    }
    if (window != NULL) window->end_ns = period.end_ns; /* of one that was wanted before it was there */
    return window;
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
    bool closed = end_ns <= feed->watermark_ns || start_ns <= feed->ended_ns || (known && !window_is_open(window));
    if (closed && (s->grace_ns[w] == 0 || end_ns <= feed->watermark_ns - s->grace_ns[w])) {
        window = find_final(p, w, period);
        *(window != NULL ? &p->revised : &p->missed) |= 1u << w;
        return window;
    }
    if (!known) window = td_state_begin_window(s, p->event->instrument, w, period);
    if (closed) {
        p->revised |= 1u << w;
        return window;
    }
    p->block->current[w] = slot;
    td_state_expect_end(feed, w, end_ns);
    return window;
}

/* Revisions in the order of widths, then what was missed. Where gaps have changed, too, each bar is given once; what a
 * backfill brings is given when it ends. */
static __attribute__((noinline)) td_applied settle(placing *p) {
    td_state *s = p->state;
    const td_event *e = p->event;
    td_step late = step_of(s, e->feed, e->receive_ns, p->emit), *step = p->step != NULL ? p->step : &late;
    bool silent = td_ledger_backfilled(s, e) != NULL, regrades = step->from_ns <= step->to_ns;
    td_quarantined q = {
        .event = *e, .feed = feed_name(step->feed), .reason = TD_REASON_LATE, .known_at_ns = e->receive_ns};
    for (size_t w = 0; w < s->program->width_count; w++) {
        if ((p->missed >> w & 1) != 0) q.missed_width_ns[q.missed_count++] = s->program->widths_ns[w];
        p->applied.final |= (p->missed >> w & 1) != 0 && w < td_program_timed(s->program);
        if ((p->revised >> w & 1) == 0) continue;
        td_period period = td_program_window(s->program, p->block->calendar, w, p->block->day, e->event_ns);
        td_window *window = td_state_recall(s, e->instrument, w, period.start_ns);
        window->touched = 1;
        if (!silent && !regrades) td_state_give_again(step, w, e->instrument, window);
    }
    if (regrades) {
        step->from_ns = e->event_ns < step->from_ns ? e->event_ns : step->from_ns;
        step->to_ns = e->event_ns > step->to_ns ? e->event_ns : step->to_ns;
        td_ledger_regrade(step, e->instrument, !silent);
    }
    const td_emit *emit = emit_of(s, e->instrument, p->emit);
    if (q.missed_count > 0) emit->quarantined(emit->self, td_instruments_name(s->instruments, e->instrument), &q);
    p->applied.late_count = q.missed_count;
    p->applied.changed = true;
    return p->applied;
}

static bool sums_fit(const td_state *s, const td_event *e) {
    td_i128 notional = td_trade_notional(&e->trade);
    for (size_t w = 0; w < td_program_timed(s->program); w++) {
        td_period period;
        if (!td_state_period(s, e->instrument, w, e->event_ns, &period)) continue;
        const td_window *window = td_state_recall(s, e->instrument, w, period.start_ns);
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
static inline td_id_place place_of_id(const td_program_feed *feed, td_seen *seen, const td_event *e) {
    if (e->trade.trade_id == TD_NONE || feed->trade_ids == TD_IDS_OFF) return TD_ID_NEXT;
    if (feed->trade_ids == TD_IDS_ORDERED) return td_seen_add_ordered(seen, e);
    return td_seen_add_any(seen, e) ? TD_ID_NEXT : TD_ID_DOUBLE;
}

/* A refused trade is not missing. */
static void pass_id(td_state *s, const td_event *e, const td_emit *emit, td_applied *applied) {
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    bool counts = step.feed->set.trade_ids == TD_IDS_ORDERED && e->trade.trade_id != TD_NONE;
    if (!counts || e->origin != TD_ORIGIN_FEED) return;
    block_head *block = block_of(s, e->instrument);
    td_id_place place = td_seen_pass_ordered(&block->seen, e);
    if (place != TD_ID_DOUBLE && block->feed != NO_FEED && block->feed != e->feed) move_to_feed(s, e, emit);
    if (place != TD_ID_DOUBLE) (void)td_ledger_take_id(&step, e, place);
    td_ledger_regrade(&step, e->instrument, false);
    applied->changed = true;
}

static __attribute__((noinline)) td_applied refuse_trade(td_state *s, const td_event *e, td_reason reason,
                                                         const td_emit *emit) {
    td_applied applied = quarantine(s, e, reason, emit);
    pass_id(s, e, emit, &applied);
    return applied;
}

/* Its time is not believed: it came when it came. */
static __attribute__((noinline)) td_applied refuse_ahead(td_state *s, const td_event *e, td_reason reason,
                                                         const td_emit *emit) {
    td_applied applied = quarantine(s, e, reason, emit);
    td_event passed = *e;
    passed.event_ns = e->receive_ns;
    if (e->kind == TD_EVENT_TRADE) pass_id(s, &passed, emit, &applied);
    return applied;
}

/* Bars by count take it when its time has passed. */
static __attribute__((noinline)) void await_count(placing *p, td_admits admits) {
    const td_program *program = p->state->program;
    td_step step = step_of(p->state, p->event->feed, p->event->receive_ns, p->emit);
    if (td_state_await(&step, p->event, admits)) return;
    p->missed |= (1u << program->width_count) - (1u << td_program_timed(program));
}

static td_admits admits_into(const placing *p, size_t w) {
    return td_width_is_extended(p->state->program->widths_ns[w]) ? p->extended : p->admits;
}

/* `admits` is p->admits, which most callers know. */
static inline __attribute__((always_inline)) td_applied place_trade(placing *p, td_i128 notional, td_admits admits) {
    td_state *s = p->state;
    const td_event *e = p->event;
    block_head *block = p->block;
    if (admits == TD_ADMITS_LAST) td_recent_put(&block->recent, e->trade.price);
    if (block->feed != e->feed) move_to_feed(s, e, p->emit);
    if (admits == TD_ADMITS_LAST && td_desk_is_near(block, e)) td_desk_take_trade(s, e, p->emit);
    bool inside = td_period_holds(block->day, e->event_ns) || find_day(p);
    size_t timed_count = td_program_timed(s->program);
    for (size_t w = inside ? 0 : td_program_first_extended(s->program); w < timed_count; w++) {
        td_admits does = admits == TD_ADMITS_LAST ? admits : admits_into(p, w);
        if (does == TD_ADMITS_NOTHING) continue;
        td_window *window = &windows_of(s, block, w)[block->current[w]];
        if (!td_window_holds(window, e->event_ns)) {
            window = find_window(p, w);
            if (window == NULL) continue;
        }
        td_window_add(window, e->event_ns, &e->trade, notional, does);
    }
    if (inside && admits != TD_ADMITS_NOTHING && td_state_counts(s)) await_count(p, admits);
    return (p->missed | p->revised) != 0 || p->step != NULL ? settle(p) : p->applied;
}

/* The trade's id is not simply the next one, or it was missing. */
static __attribute__((noinline)) td_applied place_out_of_line(placing *p, td_id_place place) {
    const td_event *e = p->event;
    if (place == TD_ID_DOUBLE) return (td_applied){.verdict = TD_VERDICT_DUPLICATE};
    td_step step = step_of(p->state, e->feed, e->receive_ns, p->emit);
    p->step = &step;
    if (p->block->feed != e->feed && p->block->feed != NO_FEED) move_to_feed(p->state, e, p->emit);
    p->empty_behind_ns = td_ledger_take_id(&step, e, place);
    const td_hole *hole = td_ledger_backfilled(p->state, e);
    if (hole != NULL) p->empty_behind_ns = hole->known_ns;
    return place_trade(p, td_trade_notional(&e->trade), p->admits);
}

/* Its sale condition keeps it from part of its bars, or from all. */
static __attribute__((noinline)) td_applied place_in_part(placing *p, td_id_place place) {
    const td_event *e = p->event;
    bool in_line = place == TD_ID_NEXT && e->origin != TD_ORIGIN_BACKFILL;
    p->extended = td_conditions_admit(&p->state->feeds[e->feed].set.extended, &e->trade.condition);
    td_applied applied =
        in_line ? place_trade(p, td_trade_notional(&e->trade), p->admits) : place_out_of_line(p, place);
    if (applied.verdict == TD_VERDICT_ACCEPTED && !applied.outside) changes_of(p->state, e->instrument)->restricted++;
    applied.restricted = true;
    applied.changed = true;
    return applied;
}

static __attribute__((noinline)) td_applied apply_trade(td_state *s, const td_event *e, const td_emit *emit) {
    const td_trade *t = &e->trade;
    block_head *block = block_of(s, e->instrument);
    placing p = {.state = s,
                 .block = block,
                 .event = e,
                 .emit = emit,
                 .admits = TD_ADMITS_LAST,
                 .applied = {.verdict = TD_VERDICT_ACCEPTED}};
    td_i128 notional = td_trade_notional(t);
    if (!td_trade_is_plain(t, &block->recent) || notional > TD_NOTIONAL_LARGE) {
        td_reason reason = judge_trade(s, block, e);
        if (reason != TD_REASON_NONE) return refuse_trade(s, e, reason, emit);
    }
    const td_program_feed *set = &s->feeds[e->feed].set;
    td_id_place place = place_of_id(set, &block->seen, e);
    if (set->rules == TD_RULES_VENUE) p.admits = td_conditions_admit(&set->conditions, &t->condition);
    if (p.admits != TD_ADMITS_LAST) return place_in_part(&p, place);
    if (place != TD_ID_NEXT || e->origin == TD_ORIGIN_BACKFILL) return place_out_of_line(&p, place);
    return place_trade(&p, notional, TD_ADMITS_LAST);
}

static td_applied apply_quote(td_state *s, const td_event *e, const td_emit *emit) {
    if (!td_quote_is_plain(&e->quote)) {
        td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set};
        td_reason reason = td_rules_judge(&judged, false);
        if (reason != TD_REASON_NONE) return quarantine(s, e, reason, emit);
    }
    if (s->touches) td_desk_take_quote(s, e, emit);
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED};
}

/* It makes no bar. The first feed that says anything of an instrument tells its gaps, until trades come from another.
 */
static td_applied apply_price(td_state *s, const td_event *e, const td_emit *emit) {
    block_head *block = block_of(s, e->instrument);
    td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set, .recent = &block->prices};
    td_reason reason = td_rules_judge(&judged, false);
    if (reason != TD_REASON_NONE) return quarantine(s, e, reason, emit);
    td_recent_put(&block->prices, e->price.price);
    if (block->price == 0 || e->event_ns >= block->price_ns) {
        block->price = e->price.price;
        block->price_ns = e->event_ns;
    }
    if (block->feed == NO_FEED) move_to_feed(s, e, emit);
    return (td_applied){.verdict = TD_VERDICT_ACCEPTED};
}

/* What was told before with the same id is nothing new. */
static td_applied apply_news(td_state *s, const td_event *e, const td_emit *emit) {
    (void)emit;
    td_bytes id = e->news.id;
    bool fresh = id.size == 0 || td_id_ring_add(&block_of(s, e->instrument)->news, (int64_t)td_hash_bytes(id));
    return (td_applied){.verdict = fresh ? TD_VERDICT_ACCEPTED : TD_VERDICT_DUPLICATE};
}

static __attribute__((noinline)) td_applied apply_time(td_state *s, const td_event *e, const td_emit *emit) {
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    feed_state *feed = step.feed;
    td_ledger_take_time(&step, &e->time);
    feed->session = e->time.session;
    feed->clock_ns = e->receive_ns;
    if (e->time.session == TD_SESSION_DOWN) td_books_stop(&s->books, e->feed);
    if (e->time.bound_ns != TD_NONE && e->time.bound_ns > feed->watermark_ns) {
        feed->watermark_ns = e->time.bound_ns;
        td_state_pass_time(&step);
    }
    if (e->time.session == TD_SESSION_ENDED) {
        feed->ended_ns = feed->watermark_ns; /* what is open now will be final */
        for (uint32_t i = 0; i < feed->traded_count; i++) td_filling_stop(&step, feed->traded[i]);
        td_state_close_windows(&step, INT64_MAX - 1);
        td_matching_run(&step, INT64_MAX);
        td_ledger_end_books(&step, e->time.bound_ns != TD_NONE ? e->time.bound_ns : e->time.clock_ns);
    }
    td_sections_mark(&step); /* no earlier: the bars that an end closes are told before it */
    td_state_find_next_close(s, feed);
    return (td_applied){.verdict = TD_VERDICT_NOT_A_TICK, .changed = true};
}

/* What must be asked before the event moves time; most events need not. */
static __attribute__((noinline)) td_reason judge_arrival(const td_state *s, const td_event *e) {
    td_rule_case judged = {.event = e, .feed = &s->feeds[e->feed].set};
    return td_rules_judge(&judged, true);
}

/* Silence is by arrival, however late an event is; but what is put on the tape anew is no sign of life, nor is what was
 * on its way when the session went down. */
static inline bool breaks_silence(const feed_state *feed, const td_event *e) {
    return feed->silent != 0 && e->origin == TD_ORIGIN_FEED && feed->session != TD_SESSION_DOWN;
}

static td_applied apply_behind_time(td_state *s, const td_event *e, const td_emit *emit);

typedef td_applied (*apply_fn)(td_state *s, const td_event *e, const td_emit *emit);

static inline td_applied apply_trade_or_quote(td_state *s, const td_event *e, const td_emit *emit) {
    return e->kind == TD_EVENT_TRADE ? apply_trade(s, e, emit) : apply_quote(s, e, emit);
}

static td_applied apply_price_or_news(td_state *s, const td_event *e, const td_emit *emit) {
    return e->kind == TD_EVENT_PRICE ? apply_price(s, e, emit) : apply_news(s, e, emit);
}

/* What moves time, then what becomes of it. */
static inline __attribute__((always_inline)) td_applied arrive(td_state *s, const td_event *e, const td_emit *emit,
                                                               apply_fn apply) {
    feed_state *feed = &s->feeds[e->feed];
    if (td_event_is_ahead(e, feed->set.max_ahead_ns)) {
        td_reason reason = judge_arrival(s, e);
        if (reason != TD_REASON_NONE) return refuse_ahead(s, e, reason, emit);
    }
    feed->heard_ns = e->receive_ns;
    int64_t reached_ns = e->event_ns - feed->set.lateness_ns;
    if (reached_ns > feed->watermark_ns) {
        feed->watermark_ns = reached_ns;
        if (reached_ns >= feed->next_close_ns) return apply_behind_time(s, e, emit);
    } else if (breaks_silence(feed, e)) {
        return apply_behind_time(s, e, emit);
    }
    return apply(s, e, emit);
}

static inline td_applied apply_tick(td_state *s, const td_event *e, const td_emit *emit) {
    return arrive(s, e, emit, apply_trade_or_quote);
}

static __attribute__((noinline)) td_applied apply_rare_tick(td_state *s, const td_event *e, const td_emit *emit) {
    return arrive(s, e, emit, apply_price_or_news);
}

static td_applied apply_any_tick(td_state *s, const td_event *e, const td_emit *emit) {
    return e->kind > TD_EVENT_QUOTE ? apply_rare_tick(s, e, emit) : apply_tick(s, e, emit);
}

/* The event has moved the watermark to where something is due, or has ended a silence; that done, it is a tick like
 * others. */
static __attribute__((noinline)) td_applied apply_behind_time(td_state *s, const td_event *e, const td_emit *emit) {
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    if (breaks_silence(step.feed, e)) td_ledger_end_silence(&step, e);
    td_state_pass_time(&step);
    td_sections_mark(&step);
    td_applied applied = apply_any_tick(s, e, emit);
    applied.changed = true;
    return applied;
}

/* An instrument is not moved by what lies behind the time of its feed: the windows there are that feed's. */
static uint32_t feed_of_release(const td_state *s, const td_event *e) {
    uint32_t owner = block_of(s, e->instrument)->feed;
    int64_t newer_than_ns = e->event_ns - s->feeds[e->feed].set.lateness_ns;
    return owner != NO_FEED && newer_than_ns <= s->feeds[owner].watermark_ns ? owner : e->feed;
}

/* Places in the tape of its own partition: copies may come of several. */
static int64_t place_of_release(const td_event *e) {
    enum { INSTRUMENT_BITS = 16 };
    return (int64_t)((uint64_t)e->of_offset << INSTRUMENT_BITS | (e->instrument & ((1u << INSTRUMENT_BITS) - 1)));
}

/* What a release stands for is accepted once. It is no sign of life. The tape says when the event came at first; what
 * is made of it now was not known before its feed's clock stood where it stands. */
static td_applied apply_release(td_state *s, const td_event *e, const td_emit *emit) {
    bool once = e->of_offset != TD_NONE;
    if (once && td_released_has(&s->released, place_of_release(e)))
        return (td_applied){.verdict = TD_VERDICT_DUPLICATE};
    td_event now = *e;
    now.feed = feed_of_release(s, e);
    feed_state *feed = &s->feeds[now.feed];
    int64_t heard_ns = feed->heard_ns;
    if (now.receive_ns < heard_ns) now.receive_ns = heard_ns;
    if (now.receive_ns < feed->clock_ns) now.receive_ns = feed->clock_ns;
    td_applied applied = apply_any_tick(s, &now, emit);
    feed->heard_ns = heard_ns;
    if (once && applied.verdict == TD_VERDICT_ACCEPTED) td_released_add(&s->released, place_of_release(e));
    return applied;
}

/* It moves no time, and what its feed's time has not come near is none of the past's. Where ids do not tell, its place
 * in the backfill of its gap does whether it was here before. What lies above all ids is the live session's, not
 * missing. */
static td_applied apply_backfill(td_state *s, const td_event *e, const td_emit *emit) {
    block_head *block = block_of(s, e->instrument);
    const feed_state *feed = &s->feeds[e->feed];
    bool trade = e->kind == TD_EVENT_TRADE, ahead = e->event_ns - feed->set.lateness_ns > feed->watermark_ns;
    bool counted = trade && e->trade.trade_id != TD_NONE && td_ledger_counts_ids(feed, block);
    td_hole *hole = td_gaps_find(&block->gaps, e->of_epoch);
    bool again = hole == NULL || e->of_offset <= hole->placed;
    bool strange = block->feed != e->feed || (counted && e->trade.trade_id > block->seen.ids.high);
    if (strange || (again && !counted)) return (td_applied){.verdict = TD_VERDICT_DUPLICATE};
    if (hole != NULL) {
        if (again) hole->refused = 0;
        hole->placed = e->of_offset;
    }
    td_applied applied = ahead                      ? quarantine(s, e, TD_REASON_AHEAD, emit)
                         : e->kind > TD_EVENT_QUOTE ? apply_price_or_news(s, e, emit)
                                                    : apply_trade_or_quote(s, e, emit);
    hole = td_gaps_find(&block->gaps, e->of_epoch); /* others may have come and gone */
    if (hole == NULL || !trade) return applied;
    if (applied.verdict == TD_VERDICT_QUARANTINED) hole->refused++;
    if (applied.verdict == TD_VERDICT_ACCEPTED && hole->missing == TD_NONE) hole->filled++;
    return applied;
}

static __attribute__((noinline)) td_applied apply_anew(td_state *s, const td_event *e, const td_emit *emit) {
    return e->origin == TD_ORIGIN_RELEASE ? apply_release(s, e, emit) : apply_backfill(s, e, emit);
}

static __attribute__((noinline)) td_applied apply_filled(td_state *s, const td_event *e, const td_emit *emit) {
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    td_ledger_take_filled(&step, e);
    return (td_applied){.verdict = TD_VERDICT_NOT_A_TICK, .changed = true};
}

static __attribute__((noinline)) td_applied apply_rarer(td_state *s, const td_event *e, const td_emit *emit) {
    if (e->kind == TD_EVENT_TIME) return apply_time(s, e, emit);
    if (e->kind == TD_EVENT_FILLED) return apply_filled(s, e, emit);
    return e->origin == TD_ORIGIN_FEED ? apply_rare_tick(s, e, emit) : apply_anew(s, e, emit);
}

static inline td_applied apply_event(td_state *s, const td_event *e, const td_emit *emit) {
    if (e->kind >= TD_EVENT_TIME) return apply_rarer(s, e, emit);
    return e->origin == TD_ORIGIN_FEED ? apply_tick(s, e, emit) : apply_anew(s, e, emit);
}

/* What is put on the tape anew is of the past, and nobody acts on a price that its sale condition does not let stand.
 */
static __attribute__((noinline)) td_applied apply_and_run(td_state *s, const td_event *e, const td_emit *emit) {
    td_applied applied = apply_event(s, e, emit);
    bool runs = applied.verdict == TD_VERDICT_ACCEPTED && e->origin == TD_ORIGIN_FEED && !applied.restricted;
    if (runs) td_ticks_run(s, e, emit);
    applied.changed |= s->queue_ports > 0;
    return applied;
}

td_applied td_state_apply(td_state *s, const td_event *e, const td_emit *emit) {
    s->now = (td_moment){s->now.record + 1, e->event_ns, 0};
    return s->ticks_run != 0 ? apply_and_run(s, e, emit) : apply_event(s, e, emit);
}

td_changes td_state_take_changes(td_state *s) {
    td_changes changes = s->changes;
    s->changes = (td_changes){0};
    return changes;
}

td_share_word td_state_take_action(td_state *s, const td_event *e, td_bytes instrument) {
    int64_t ex_ns = td_zone_to_utc(td_program_zone(s->program, instrument), e->corporate.ex_day, 0);
    uint32_t index = td_instruments_find(s->instruments, instrument);
    bool traded = index != UINT32_MAX && block_of(s, index)->feed != NO_FEED;
    bool late = traded && s->feeds[block_of(s, index)->feed].watermark_ns >= ex_ns;
    td_share_word word = td_shares_put(&s->shares, instrument, &e->corporate, ex_ns);
    if (index != UINT32_MAX) td_desk_look_again(block_of(s, index));
    return word == TD_SHARE_TAKEN && late ? TD_SHARE_LATE : word;
}

void td_state_window(const td_state *s, td_bytes instrument, size_t w, int64_t ns, td_window_state *out) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    uint32_t calendar = td_program_calendar(s->program, instrument);
    td_period day;
    *out = (td_window_state){.watermark_ns = INT64_MIN, .grace_ns = s->grace_ns[w]};
    bool traded = index != UINT32_MAX && block_of(s, index)->feed != NO_FEED;
    const feed_state *feed = traded ? &s->feeds[block_of(s, index)->feed] : NULL;
    if (traded) {
        out->feed = feed_name(feed);
        out->watermark_ns = feed->watermark_ns;
        out->lateness_ns = feed->set.lateness_ns;
        out->session = feed->session;
    }
    out->outside = !td_program_day(s->program, calendar, ns, &day) && !td_width_is_extended(s->program->widths_ns[w]);
    if (out->outside) return;
    out->period = td_program_window(s->program, calendar, w, day, ns);
    if (!traded) return;
    const td_window *window = td_state_recall(s, index, w, out->period.start_ns);
    out->closed = out->period.end_ns <= feed->watermark_ns || out->period.start_ns <= feed->ended_ns;
    if (window == NULL || !td_window_is_used(window)) return;
    out->trade_count = window->trade_count;
    out->results = window->results;
    out->closed |= !window_is_open(window);
}
