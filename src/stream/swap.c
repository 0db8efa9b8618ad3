/* src/stream/swap.c - the change to another program: windows, ids and gaps stay, and what strategies remember. */
#include "stream/ledger.h"
#include "stream/matching.h"
#include "stream/state.h"
#include <assert.h>
#include <stdlib.h>

/* ---- another program ---- */

/* The new program's hours put its last trade, or of a carried one its start, into a window of that period, too. */
static bool is_made_still(const td_state *to, uint32_t instrument, size_t w, const td_window *window) {
    td_period period;
    int64_t ns = window->carried != 0 ? window->start_ns : window->last_ns;
    return td_state_period(to, instrument, w, ns, &period) && period.start_ns == window->start_ns &&
           period.end_ns == window->end_ns;
}

/* Where fewer slots are left than there were, the later window stays: those that are open are the latest. The other is
 * kept where it is wanted. */
static void keep_windows(const td_state *from, td_state *to, uint32_t instrument, size_t w) {
    int64_t width_ns = to->program->widths_ns[w], closed_to_ns = 0;
    td_window *kept = windows_of(to, block_of(to, instrument), w);
    for (size_t old = 0; old < from->program->width_count; old++) {
        if (from->program->widths_ns[old] != width_ns) continue;
        const td_window *windows = windows_of(from, block_of(from, instrument), old);
        if (w >= td_program_timed(to->program)) kept[0] = windows[0];
        for (uint32_t i = 0; w < td_program_timed(to->program) && i < from->slots[old]; i++) {
            td_window *slot = &kept[slot_of(to, w, windows[i].start_ns)];
            if (!td_window_is_used(&windows[i]) || !is_made_still(to, instrument, w, &windows[i])) continue;
            td_window goes = windows[i];
            if (!td_window_is_used(slot) || slot->start_ns < windows[i].start_ns) {
                goes = *slot;
                *slot = windows[i];
            }
            if (td_window_is_used(&goes)) td_ledger_let_go(to, instrument, w, &goes);
            if (windows[i].results > 0 && windows[i].end_ns > closed_to_ns) closed_to_ns = windows[i].end_ns;
        }
    }
    if (to->program->graphs[w] != NULL)
        td_hindsight_begin_behind(hindsight_of(to, block_of(to, instrument), w), closed_to_ns);
}

/* Windows of a width that is new are those of the warm state: their bars were never given. */
static void take_windows(const td_state *from, const td_state *warm, td_state *to, uint32_t instrument) {
    for (size_t w = 0; w < to->program->width_count; w++) {
        size_t old = 0;
        while (old < from->program->width_count && from->program->widths_ns[old] != to->program->widths_ns[w]) old++;
        bool is_new = old == from->program->width_count && warm != NULL;
        keep_windows(is_new ? warm : from, to, instrument, w);
    }
}

static void keep_instrument(const td_state *from, const td_state *warm, td_state *to, uint32_t instrument) {
    const block_head *old = block_of(from, instrument);
    block_head *block = block_of(to, instrument);
    block->feed = old->feed;
    block->copy = old->copy;
    block->recent = old->recent;
    if (to->touches) block->touch = from->touches || warm == NULL ? old->touch : block_of(warm, instrument)->touch;
    block->counted_ns = old->counted_ns;
    block->news = old->news;
    memcpy(block->told, old->told, sizeof block->told);
    bool same_ids = old->feed != NO_FEED && from->feeds[old->feed].set.trade_ids == to->feeds[old->feed].set.trade_ids;
    block->gaps = old->gaps;
    if (same_ids)
        block->seen = old->seen;
    else
        td_gaps_forget_ids(&block->gaps);
    if (warm != NULL) {
        block->prices = old->prices;
        block->price = old->price;
        block->price_ns = old->price_ns;
    }
    take_windows(from, warm, to, instrument);
}

/* ---- strategies ---- */

/* What a state remembers by the graph at that place, as those on bars do: on ticks without looking back. */
static td_hindsight remembered(const td_state *s, uint32_t instrument, size_t graph) {
    block_head *block = block_of(s, instrument);
    if (graph < s->program->width_count) return hindsight_of(s, block, graph);
    return (td_hindsight){
        .graph = s->program->graphs[graph], .state = graph_state_of(s, block, graph), .copy = block->copy != 0};
}

static void carry_positions(const td_state *from, td_state *to, uint32_t instrument, size_t graph) {
    for (size_t old = 0; old < td_program_graph_count(from->program); old++)
        if (from->program->graphs[old] != NULL)
            td_carry_positions(to->program->graphs[graph], remembered(to, instrument, graph).state,
                               from->program->graphs[old], remembered(from, instrument, old).state);
}

/* What a graph has given to others stays where they read the same of it, as of the same instants; else the warm state
 * says it. False: it is kept otherwise. */
static bool carry_asof(const td_state *source, size_t at, td_state *to, size_t graph, uint32_t instrument) {
    td_asof theirs = asof_of(source, block_of(source, instrument), at),
            mine = asof_of(to, block_of(to, instrument), graph);
    bool alike = mine.block != NULL && mine.values == theirs.values && mine.grains == theirs.grains &&
                 mine.grain_ns == theirs.grain_ns;
    if (alike) memcpy(mine.block, theirs.block, td_asof_bytes(mine.values, mine.grains));
    return alike;
}

static void carry_recall(const td_state *source, size_t at, td_state *to, size_t graph, uint32_t instrument) {
    td_recall recalled = recall_of(source, block_of(source, instrument), at),
              recalls = recall_of(to, block_of(to, instrument), graph);
    bool same = recalls.block != NULL && recalled.block != NULL && recalls.values == recalled.values;
    if (same) memcpy(recalls.block, recalled.block, td_recall_bytes(recalls.values));
}

static void carry_graph(const td_state *from, const td_state *warm, td_state *to, size_t graph) {
    size_t old = td_carry_find(from->program, td_graph_rhythm(to->program->graphs[graph]));
    bool before = old < td_program_graph_count(from->program);
    td_carry *carry = td_carry_new(to->program, graph, from->program);
    for (uint32_t i = 0; i < from->block_count; i++) {
        td_hindsight warmed = remembered(warm, i, graph), kept = before ? remembered(from, i, old) : warmed;
        td_hindsight_carry(remembered(to, i, graph), carry, td_instruments_name(to->instruments, i),
                           before ? &kept : NULL, &warmed);
        carry_positions(from, to, i, graph);
        bool same = td_carry_same_exports(carry), stays = same && carry_asof(from, old, to, graph, i);
        if (!stays) (void)carry_asof(warm, graph, to, graph, i);
        carry_recall(same ? from : warm, same ? old : graph, to, graph, i);
    }
    td_carry_free(carry);
}

/* Prices of strategies that go on are in shares of their first bar: those of the others, too. */
static void begin_alike(const td_state *from, td_state *warm, uint32_t instrument) {
    for (size_t g = 0; g < td_program_graph_count(warm->program); g++) {
        int64_t begin_ns;
        if (warm->program->graphs[g] == NULL) continue;
        size_t old = td_carry_find(from->program, td_graph_rhythm(warm->program->graphs[g]));
        if (old < td_program_graph_count(from->program) &&
            td_graph_began(remembered(from, instrument, old).state, &begin_ns))
            td_hindsight_begin_at(remembered(warm, instrument, g), begin_ns);
    }
}

td_state *td_state_new_warm(const td_state *s, const td_program *program) {
    td_state *warm = td_state_new(program);
    warm->warms = true;
    td_buf shares = {0};
    td_shares_save(&s->shares, &shares);
    td_bytes bytes = td_buf_bytes(&shares);
    bool copied = td_shares_load(&warm->shares, &bytes);
    assert(copied);
    (void)copied;
    td_buf_fini(&shares);
    for (uint32_t i = 0; i < s->block_count; i++) {
        (void)td_instruments_intern(warm->instruments, td_instruments_name(s->instruments, i));
        td_state_grow(warm);
        block_of(warm, i)->copy = block_of(s, i)->copy;
        begin_alike(s, warm, i);
    }
    return warm;
}

/* ---- all of it ---- */

/* What bars by count wait for, if any did before; else that of the warm state, which read the same tape. */
static void carry_pending(td_state *from, const td_state *warm, td_state *to) {
    for (uint32_t f = 0; f < to->feed_count && td_state_counts(to); f++) {
        const td_state *source = td_state_counts(from) ? from : warm;
        for (uint32_t i = 0; source != NULL && i < source->feed_count; i++)
            if (td_bytes_equal(feed_name(&source->feeds[i]), feed_name(&to->feeds[f])))
                td_pending_copy(&to->feeds[f].pending, &source->feeds[i].pending);
    }
}

void td_state_swap(td_state *s, const td_program *program, const td_state *warm) {
    td_state *next = td_state_new(program);
    if (s->slot_lateness_ns > next->slot_lateness_ns) {
        next->slot_lateness_ns = s->slot_lateness_ns;
        td_state_lay_out(next);
    }
    next->released = s->released;
    s->released = (td_released){0};
    next->open_gaps = s->open_gaps;
    next->now = s->now;
    next->changes = s->changes;
    next->section_clock_ns = s->section_clock_ns;
    next->section_done_ns = s->section_done_ns;
    next->waiting = s->waiting;
    s->waiting = (td_buf){0};
    td_sections_keep_waiting(next);
    next->shares = s->shares;
    s->shares = (td_shares){0};
    next->books = s->books;
    s->books = (td_books){0};
    td_kept *none = next->kept;
    next->kept = s->kept;
    s->kept = none;
    td_kept_release_widths(next->kept, program->widths_ns, program->width_count);
    for (uint32_t f = 0; f < s->feed_count; f++) {
        feed_state *old = &s->feeds[f];
        feed_state *feed = &next->feeds[td_state_feed(next, feed_name(old))];
        feed->watermark_ns = old->watermark_ns;
        feed->session = old->session;
        feed->heard_ns = old->heard_ns;
        feed->clock_ns = old->clock_ns;
        feed->silent = old->silent;
        feed->instrument_count = old->instrument_count;
        feed->ended_ns = old->ended_ns;
        for (uint32_t i = 0; i < old->traded_count; i++) td_state_add_traded(feed, old->traded[i]);
    }
    for (uint32_t i = 0; i < s->block_count; i++) {
        (void)td_instruments_intern(next->instruments, td_instruments_name(s->instruments, i));
        td_state_grow(next);
        keep_instrument(s, warm, next, i);
    }
    for (size_t g = 0; g < td_program_graph_count(program) && warm != NULL; g++)
        if (program->graphs[g] != NULL) carry_graph(s, warm, next, g);
    carry_pending(s, warm, next);
    td_matching_carry(s, warm, next);
    td_state_find_next_ends(next);
    td_state swapped = *s;
    *s = *next;
    *next = swapped;
    td_state_free(next);
}
