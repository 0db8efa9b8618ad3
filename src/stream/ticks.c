/* src/stream/ticks.c - strategies on trades, quotes, books and news: each tick that was accepted runs the graphs of its
 * kind, in the order of the log. Nothing is revised: what comes late runs when it comes. */
#include "stream/desk.h"
#include "stream/ledger.h"
#include "stream/matching.h"
#include "stream/ports.h"
#include "stream/report.h"
#include "stream/standing.h"
#include "stream/tick.h"
#include <inttypes.h>
#include <stdio.h>

enum { REASON_BYTES = 32 };

/* Why nothing should rest on the market as it stands; empty: it may. */
static td_bytes find_doubt(const td_state *s, const td_tick *tick, char text[REASON_BYTES]) {
    const td_hole *gap =
        td_gaps_over(&block_of(s, tick->instrument)->gaps, tick->event_ns, tick->event_ns + 1, TD_GAP_OPEN);
    const feed_state *feed = &s->feeds[tick->feed];
    if (gap != NULL) {
        (void)snprintf(text, REASON_BYTES, "gap %" PRId64, gap->number);
        return td_text(text);
    }
    if (tick->book != NULL && td_book_standing_of(tick->book) != TD_BOOK_READABLE) return TD_TEXT("crossed book");
    if (feed->session == TD_SESSION_DOWN) return TD_TEXT("feed down");
    return feed->silent != 0 ? TD_TEXT("feed silent") : (td_bytes){0};
}

/* By nobody yet. */
static td_signal signal_of(const td_state *s, const td_tick *tick, char text[REASON_BYTES]) {
    td_bytes doubt = find_doubt(s, tick, text);
    return (td_signal){.reason = doubt,
                       .instrument = tick->instrument,
                       .event_ns = tick->event_ns,
                       .price = tick->price,
                       .known_at_ns = tick->known_at_ns,
                       .status = doubt.size > 0 ? TD_SIGNAL_WITHHELD : TD_SIGNAL_FRESH};
}

typedef struct at_tick {
    td_state *state;
    const td_tick *tick;
    const td_emit *emit;
} at_tick;

static void read_standing(void *arg, const td_signal *blank, td_bytes instrument, td_standing *out) {
    const at_tick *at = arg;
    td_state_read_standing(at->state, instrument, (td_period){blank->event_ns, blank->event_ns + 1}, out);
}

static void on_signal(void *arg, const td_signal *signal) {
    const at_tick *at = arg;
    if (signal->leg.size > 0 && signal->status == TD_SIGNAL_FRESH)
        td_desk_look_for_orders(at->state, signal->instrument);
    at->emit->signal(at->emit->self, td_instruments_name(at->state->instruments, at->tick->instrument), signal);
}

/* A strategy's signals never go back in time: what is behind its last one moves nothing, so that each time has its
 * signals in a row and an id is given once. */
static void act(td_state *s, const td_graph *graph, void *state, const td_tick *tick, const td_emit *emit) {
    char text[REASON_BYTES];
    at_tick at = {s, tick, emit};
    td_acting acting = {.now = td_state_moment(s, tick->instrument, tick->event_ns),
                        .blank = signal_of(s, tick, text),
                        .standing = read_standing,
                        .fn = on_signal,
                        .arg = &at};
    td_calls calls;
    for (uint32_t i = 0; i < td_graph_strategies(graph); i++)
        if (td_graph_signal_ns(graph, state, i) <= tick->event_ns) (void)td_graph_act(graph, state, i, &acting, &calls);
}

/* The same for what they tell beside. */
static void report(const td_state *s, const td_graph *graph, void *state, const td_tick *tick, const td_emit *emit) {
    char text[REASON_BYTES];
    td_report_room room;
    for (uint32_t r = 0; r < td_graph_reports(graph); r++) {
        uint32_t owner = td_graph_report_owner(graph, r);
        td_signal signal = signal_of(s, tick, text);
        if (td_graph_signal_ns(graph, state, owner) > tick->event_ns) continue;
        if (!td_graph_make_report(graph, state, r, &room, &signal)) continue;
        signal.ordinal = td_paper_number(td_graph_paper(graph, state, owner), TD_CAUSE_TICK, tick->event_ns);
        emit->signal(emit->self, td_instruments_name(s->instruments, tick->instrument), &signal);
    }
}

void td_ticks_run_graph(td_state *s, size_t g, const td_tick *tick, const td_value *ports, const td_emit *emit) {
    const td_graph *graph = s->program->graphs[g];
    block_head *block = block_of(s, tick->instrument);
    void *state = graph_state_of(s, block, g);
    td_graph_event event = {.instrument = td_instruments_name(s->instruments, tick->instrument),
                            .tick = tick,
                            .calendar = calendar_of(s, block),
                            .ports = ports,
                            .copy = block->copy != 0};
    td_graph_run(graph, state, &event);
    td_state_keep_exports(s, tick->instrument, g, tick->event_ns);
    td_desk_look_again(block); /* levels may have moved, and targets */
    act(s, graph, state, tick, emit);
    report(s, graph, state, tick, emit);
}

static __attribute__((noinline)) void note_teller(td_state *s, uint32_t *told, const td_tick *tick,
                                                  const td_emit *emit) {
    td_step step = step_of(s, tick->feed, tick->known_at_ns, emit);
    uint32_t before = *told;
    *told = tick->feed + 1;
    if (before != 0) td_matching_heed(&step, before - 1);
}

static void run_all(td_state *s, td_rhythm_source source, const td_tick *tick, const td_emit *emit) {
    const td_program *p = s->program;
    if ((s->ticks_run >> source & 1) == 0) return;
    uint32_t *told = &block_of(s, tick->instrument)->told[source - TD_RHYTHM_TRADES];
    if (*told != tick->feed + 1) note_teller(s, told, tick, emit);
    for (size_t g = p->width_count; g < td_program_graph_count(p); g++) {
        td_rhythm rhythm = td_graph_rhythm(p->graphs[g]);
        const void *state = graph_state_of(s, block_of(s, tick->instrument), g);
        if (rhythm.source != source) continue;
        if (rhythm.wait_ns > 0)
            td_matching_put(s, g, tick->event, emit);
        else if (td_graph_is_due(p->graphs[g], state, tick->event_ns))
            td_ticks_run_graph(s, g, tick, td_state_read_ports(s, tick->instrument, g, tick->event_ns), emit);
    }
}

void td_ticks_run(td_state *s, const td_event *e, const td_emit *emit) {
    td_tick tick;
    bool trade = e->kind == TD_EVENT_TRADE, news = e->kind == TD_EVENT_NEWS;
    if (e->kind == TD_EVENT_PRICE || !td_tick_of_event(e, &tick)) return;
    if (news) tick.price = block_of(s, e->instrument)->recent.last;
    run_all(s, trade ? TD_RHYTHM_TRADES : news ? TD_RHYTHM_NEWS : TD_RHYTHM_QUOTES, &tick, emit);
}

void td_ticks_run_book(td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit) {
    const td_books_row *book = td_books_find(&s->books, instrument);
    uint32_t index = td_state_find_instrument(s, instrument);
    td_tick tick;
    if (index == UINT32_MAX) index = td_state_add_instrument(s, e, instrument);
    if (index != UINT32_MAX && td_tick_of_book(e, book, index, &tick)) run_all(s, TD_RHYTHM_BOOK, &tick, emit);
}
