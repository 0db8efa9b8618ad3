/* src/stream/look.c - a state as those see it who look at it and change nothing. */
#include "stream/state.h"
#include "stream/state_layout.h"

uint32_t td_state_find_instrument(const td_state *s, td_bytes name) {
    return td_instruments_find(s->instruments, name);
}

int64_t td_state_watermark_ns(const td_state *s, uint32_t feed) { return s->feeds[feed].watermark_ns; }

int64_t td_state_open_gaps(const td_state *s) { return s->open_gaps; }

static void no_bar(void *self, td_bytes instrument, const td_bar *bar) { (void)self, (void)instrument, (void)bar; }
static void no_signal(void *self, td_bytes instrument, const td_signal *signal) {
    (void)self, (void)instrument, (void)signal;
}
static void no_quarantined(void *self, td_bytes instrument, const td_quarantined *quarantined) {
    (void)self, (void)instrument, (void)quarantined;
}
static void no_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static void no_fill(void *self, td_bytes instrument, const td_fill *fill) { (void)self, (void)instrument, (void)fill; }

static void no_member(void *self, td_bytes instrument, const td_member *member) {
    (void)self, (void)instrument, (void)member;
}

const td_emit td_emit_none = {NULL, no_bar, no_signal, no_quarantined, no_gap, no_fill, no_member, NULL};

int64_t td_state_clock_ns(const td_state *s) {
    int64_t clock_ns = INT64_MIN;
    for (uint32_t f = 0; f < s->feed_count; f++)
        if (s->feeds[f].session != TD_SESSION_ENDED && s->feeds[f].watermark_ns > clock_ns)
            clock_ns = s->feeds[f].watermark_ns;
    return clock_ns;
}

const td_instruments *td_state_instruments(const td_state *s) { return s->instruments; }

td_bytes td_state_feed_of(const td_state *s, td_bytes instrument) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    if (index == UINT32_MAX || block_of(s, index)->feed == NO_FEED) return (td_bytes){0};
    return feed_name(&s->feeds[block_of(s, index)->feed]);
}

bool td_state_open_bar(const td_state *s, td_bytes instrument, size_t w, int64_t after_ns, td_bar *out) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    const td_window *first = NULL;
    for (uint32_t i = 0; index != UINT32_MAX && i < s->slots[w]; i++) {
        const td_window *window = &windows_of(s, block_of(s, index), w)[i];
        bool shows = window_is_open(window) && td_window_has_bar(window);
        if (!shows || window->start_ns <= after_ns) continue;
        if (first == NULL || window->start_ns < first->start_ns) first = window;
    }
    if (first != NULL) *out = td_window_bar(first, s->program->widths_ns[w], index, TD_NONE);
    return first != NULL;
}

int64_t td_state_last_trade(const td_state *s, td_bytes instrument) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    return index == UINT32_MAX ? 0 : block_of(s, index)->recent.last;
}

bool td_state_price(const td_state *s, td_bytes instrument, int64_t *out_price, int64_t *out_ns) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    if (index == UINT32_MAX || block_of(s, index)->price == 0) return false;
    *out_price = block_of(s, index)->price;
    *out_ns = block_of(s, index)->price_ns;
    return true;
}

const void *td_state_graph(const td_state *s, td_bytes instrument, size_t graph) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    if (index == UINT32_MAX || s->program->graphs[graph] == NULL) return NULL;
    return graph_state_of(s, block_of(s, index), graph);
}

bool td_state_hindsight(const td_state *s, td_bytes instrument, size_t graph, td_hindsight *out) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    if (index == UINT32_MAX || s->program->graphs[graph] == NULL) return false;
    *out = (td_hindsight){.graph = s->program->graphs[graph], .state = graph_state_of(s, block_of(s, index), graph)};
    if (graph < s->program->width_count) *out = hindsight_of(s, block_of(s, index), graph);
    return true;
}

int64_t td_state_target(const td_state *s, td_bytes instrument, size_t at, uint32_t strategy) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    const void *memory = td_state_graph(s, instrument, at);
    if (memory == NULL) return 0;
    const td_graph *graph = s->program->graphs[at];
    uint32_t feed = block_of(s, index)->feed;
    int64_t target = td_graph_target(graph, memory, strategy), now_ns = INT64_MIN;
    if (feed != NO_FEED) now_ns = s->feeds[feed].watermark_ns;
    td_split split = td_shares_split(&s->shares, instrument, td_graph_target_ns(graph, memory, strategy) - 1, now_ns);
    td_i128 scaled = td_split_size(split, target);
    return scaled > INT64_MAX ? INT64_MAX : scaled < -INT64_MAX ? -INT64_MAX : (int64_t)scaled;
}

const td_books *td_state_books(const td_state *s) { return &s->books; }
