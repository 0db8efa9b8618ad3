/* src/stream/desk.c - one trade and the paper positions of its instrument. */
#include "stream/desk.h"

typedef struct desk { /* one trade at it */
    td_state *state;
    const td_event *trade;
    const td_emit *emit;
    td_bytes instrument;
    bool waits; /* for the next trade, whatever its price */
} desk;

static td_split split_since(const desk *d, int64_t after_ns, int64_t up_to_ns) {
    const td_shares *shares = &d->state->shares;
    return td_shares_any(shares) ? td_shares_split(shares, d->instrument, after_ns, up_to_ns) : (td_split){1, 1};
}

/* What is held, in shares of now; of one that lies ahead the next trade has to know. */
static void follow_splits(desk *d, td_paper *paper) {
    td_split split = split_since(d, paper->shares_ns, d->trade->event_ns);
    if (split.numerator != split.denominator) td_paper_split(paper, split, d->trade->event_ns);
    split = split_since(d, paper->shares_ns, INT64_MAX);
    d->waits |= split.numerator != split.denominator;
}

static void fill_order(const desk *d, const td_graph *graph, uint32_t strategy, td_paper *paper) {
    char id[TD_SIGNAL_ID_MAX + 1];
    td_graph_strategy is;
    (void)td_graph_strategy_at(graph, strategy, &is);
    td_signal signal = {.strategy = is.name, .event_ns = paper->order_ns, .ordinal = paper->order_ordinal};
    td_split split = split_since(d, paper->order_ns - 1, d->trade->event_ns);
    td_fill fill = {.strategy = is.name,
                    .instrument = d->trade->instrument,
                    .known_at_ns = d->trade->receive_ns,
                    .kind = td_graph_fill_rule(graph, strategy).kind};
    int64_t target = td_paper_shares(split, paper->target);
    if (!td_paper_fill(paper, target, d->trade->trade.price, d->trade->event_ns, &fill)) return;
    fill.signal = (td_bytes){(const uint8_t *)id, td_signal_id(&signal, d->instrument, id)};
    d->emit->fill(d->emit->self, d->instrument, &fill);
}

static void take_strategy(desk *d, const td_graph *graph, uint32_t strategy, td_paper *paper) {
    if (paper->quantity != 0) follow_splits(d, paper);
    if (td_paper_is_due(paper, td_graph_fill_rule(graph, strategy), d->state->now))
        fill_order(d, graph, strategy, paper);
    d->waits |= paper->ordered != 0;
}

void td_desk_take_trade(td_state *s, const td_event *trade, const td_emit *emit) {
    block_head *block = block_of(s, trade->instrument);
    if (trade->origin != TD_ORIGIN_FEED) return;
    desk d = {
        .state = s, .trade = trade, .emit = emit, .instrument = td_instruments_name(s->instruments, trade->instrument)};
    for (size_t g = 0; g < td_program_graph_count(s->program) && s->program->fills; g++) {
        const td_graph *graph = s->program->graphs[g];
        for (uint32_t i = 0; graph != NULL && i < td_graph_strategies(graph); i++)
            take_strategy(&d, graph, i, td_graph_paper(graph, graph_state_of(s, block, g), i));
    }
    block->near_from = INT64_MIN;
    block->near_span = d.waits ? 0 : UINT64_MAX;
}
