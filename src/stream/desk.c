/* src/stream/desk.c - one trade, quote or book and the paper positions of its instrument. */
#include "stream/desk.h"
#include "stream/term.h"

typedef struct desk { /* one event at it */
    td_state *state;
    const td_event *event;
    const td_emit *emit;
    td_bytes instrument;
    int64_t low, high; /* between them the next trade changes nothing, */
    int64_t until_ns;  /* if it is before that */
} desk;

typedef struct seat { /* a strategy at it */
    const td_graph *graph;
    size_t width; /* of the program, where it runs on bars */
    void *memory;
    uint32_t strategy;
    const td_paper_rules *rules;
    td_paper *paper; /* in the trade's instrument */
    td_exits exits;
    uint32_t instance; /* the instrument that the strategy runs on, */
    td_bytes leg;      /* and that of the trade where it is another one; else "" */
} seat;

static void wait_for_any(desk *d) { d->high = d->low; }

static td_split split_since(const desk *d, int64_t after_ns, int64_t up_to_ns) {
    const td_shares *shares = &d->state->shares;
    return td_shares_any(shares) ? td_shares_split(shares, d->instrument, after_ns, up_to_ns) : (td_split){1, 1};
}

static bool shares_change(const desk *d, int64_t after_ns, int64_t up_to_ns) {
    const td_shares *shares = &d->state->shares;
    return td_shares_any(shares) && td_shares_change(shares, d->instrument, after_ns, up_to_ns);
}

static bool splits(td_split split) { return split.numerator != split.denominator; }

/* What is held, in shares of now. */
static void follow_splits(const desk *d, const seat *s) {
    td_split split = split_since(d, s->paper->shares_ns, d->event->event_ns);
    if (!splits(split)) return;
    td_paper_split(s->paper, split, d->event->event_ns);
    td_exits_split(s->exits, split);
}

/* When the shares were those that the graph's prices are of: on bars those of its first one (hindsight.h), on ticks as
 * they were traded when it ran last. */
static int64_t shares_of_values(const seat *s) {
    int64_t ns;
    if (td_rhythm_has_bars(td_graph_rhythm(s->graph)))
        (void)td_graph_began(s->memory, &ns);
    else
        (void)td_graph_last_ns(s->memory, &ns);
    return ns;
}

/* A percentage is of no shares. */
static void follow_levels(const desk *d, const seat *s) {
    td_exit_values values = td_graph_exit_values(s->graph, s->memory, s->strategy);
    td_split split = split_since(d, shares_of_values(s), d->event->event_ns);
    for (uint32_t i = 0; i < s->exits.count && splits(split); i++)
        if (s->exits.rules[i].level != TD_EXIT_PERCENT && !td_value_is_na(values.of[i]))
            values.of[i] = td_split_price(split, values.of[i]);
    td_exits_follow(s->exits, &values);
}

/* R is known once the stop stands, and what is told in R stands behind it. */
static void open_levels(const desk *d, const seat *s) {
    td_exits_begin(s->exits);
    follow_levels(d, s);
    td_exits_take_risk(s->exits);
    follow_levels(d, s);
}

static td_bytes name_of(const seat *s) {
    td_graph_strategy is;
    (void)td_graph_strategy_at(s->graph, s->strategy, &is);
    return is.name;
}

static void fill_order(const desk *d, const seat *s, int64_t price, int64_t event_ns) {
    char id[TD_SIGNAL_ID_MAX + 1];
    td_paper *paper = s->paper;
    const td_signal signal = {.strategy = name_of(s), .event_ns = paper->order_ns, .ordinal = paper->order_ordinal};
    td_bytes instance = td_instruments_name(d->state->instruments, s->instance);
    td_fill fill = {.strategy = signal.strategy,
                    .leg = s->leg,
                    .instrument = d->event->instrument,
                    .known_at_ns = d->event->receive_ns,
                    .kind = s->rules->fill};
    int64_t target = td_paper_shares(split_since(d, paper->order_ns - 1, event_ns), paper->target);
    bool opens = target != 0 && (paper->quantity == 0 || (target > 0) != (paper->quantity > 0));
    if (!td_paper_fill(paper, target, price, event_ns, &fill)) return;
    if (opens) paper->entry_seen = (uint32_t)td_graph_seen(s->memory);
    if (opens && s->exits.count > 0) open_levels(d, s);
    fill.signal = (td_bytes){(const uint8_t *)id, td_signal_id(&signal, instance, id)};
    d->emit->fill(d->emit->self, instance, &fill);
}

static bool bar_ends_at(const desk *d, const seat *s, int64_t ns) {
    td_period window;
    return td_rhythm_has_bars(td_graph_rhythm(s->graph)) &&
           td_state_period(d->state, d->event->instrument, s->width, ns - 1, &window) && window.end_ns == ns;
}

/* By trades a strategy's signals never go back in time. Where a bar of its ends at that very instant the ids of then
 * are the bar's, which may have more of them later: those of the next nanosecond are nobody's. */
static void leave(const desk *d, const seat *s, const char *reason, td_leaving leaving) {
    const td_event *trade = d->event;
    int64_t last_ns = td_paper_last_ns(s->paper), left_ns = trade->event_ns > last_ns ? trade->event_ns : last_ns;
    int64_t event_ns = left_ns + bar_ends_at(d, s, left_ns);
    td_signal signal = {.strategy = name_of(s),
                        .reason = td_text(reason),
                        .instrument = trade->instrument,
                        .event_ns = event_ns,
                        .width_ns = td_graph_width_ns(s->graph),
                        .price = trade->trade.price,
                        .known_at_ns = trade->receive_ns,
                        .action = TD_ACTION_EXIT,
                        .status = TD_SIGNAL_FRESH};
    signal.ordinal = td_paper_number(s->paper, TD_CAUSE_TICK, event_ns);
    td_paper_order(s->paper, d->state->now, &signal);
    td_paper_leave(s->paper, leaving, left_ns);
    d->emit->signal(d->emit->self, d->instrument, &signal);
}

/* The position's levels, unless it is about to be left or was opened by this trade. */
static void hold_against_levels(const desk *d, const seat *s) {
    int64_t price = d->event->trade.price;
    follow_levels(d, s);
    td_exit_kind kind = td_exits_reached(s->exits, price);
    if (kind != TD_EXIT_NONE) {
        leave(d, s, td_exit_kind_name(kind), kind == TD_EXIT_TARGET ? TD_LEAVING_TARGET : TD_LEAVING_STOP);
        return;
    }
    td_exits_pass(s->exits, price);
    follow_levels(d, s);
}

/* `open`: the first trade of a bar that begins behind the record that caused the order. */
static bool may_fill(const desk *d, const seat *s) {
    td_period window;
    if (!td_paper_is_due(s->paper, s->rules, d->state->now)) return false;
    if (s->rules->fill != TD_FILL_OPEN) return s->rules->fill == TD_FILL_NEXT;
    return td_state_period(d->state, d->event->instrument, s->width, d->event->event_ns, &window) &&
           window.start_ns > s->paper->cause.ns;
}

/* It wants something still, and the time of `flat at` has come: what is held goes, what is not filled yet is not. */
static bool goes_flat(desk *d, const seat *s) {
    int64_t flat_ns;
    if (s->paper->target == 0 || !td_graph_flat_ns(s->graph, s->memory, s->strategy, &flat_ns)) return false;
    d->until_ns = td_least(d->until_ns, flat_ns);
    return d->event->event_ns >= flat_ns;
}

/* At the other side as it stood so long after the record that caused the order, which an event behind that instant
 * tells; where nobody was known to stand there, as soon as somebody is. Nobody enters when it is to be flat. */
static bool fill_at_touch(const desk *d, const seat *s) {
    const td_touch *touch = &block_of(d->state, d->event->instrument)->touch;
    int64_t due_ns = s->paper->cause.ns + s->rules->fill_after_ns, flat_ns;
    bool waits = s->rules->fill == TD_FILL_TOUCH && s->paper->ordered != 0;
    if (!waits || d->event->event_ns <= due_ns) return false;
    int64_t at_ns = due_ns > touch->ns ? due_ns : touch->ns;
    int64_t target = td_paper_shares(split_since(d, s->paper->order_ns - 1, at_ns), s->paper->target);
    int64_t price = target > s->paper->quantity ? touch->ask : touch->bid;
    bool enters = target != 0 && td_graph_flat_ns(s->graph, s->memory, s->strategy, &flat_ns) && at_ns >= flat_ns;
    if (enters || price == 0 || splits(split_since(d, touch->ns, at_ns))) return false;
    fill_order(d, s, price, at_ns);
    return true;
}

/* It came in late, and its price is of shares of before those that are held or ordered. */
static bool is_of_other_shares(const desk *d, const seat *s) {
    int64_t held_ns = s->paper->quantity != 0 ? s->paper->shares_ns : INT64_MIN, ns = d->event->event_ns;
    if (s->paper->ordered != 0 && s->paper->order_ns > held_ns) held_ns = s->paper->order_ns;
    return ns < held_ns && shares_change(d, ns, held_ns);
}

static void take_seat(desk *d, const seat *s) {
    if (is_of_other_shares(d, s)) {
        wait_for_any(d);
        return;
    }
    if (s->paper->quantity != 0) follow_splits(d, s);
    if (fill_at_touch(d, s)) wait_for_any(d);
    if (s->leg.size == 0 && goes_flat(d, s)) { /* legs go with the next event of their strategy's own */
        leave(d, s, "flat", TD_LEAVING_FLAT);
        wait_for_any(d);
        return;
    }
    bool fills = may_fill(d, s);
    if (fills)
        fill_order(d, s, d->event->trade.price, d->event->event_ns);
    else if (s->paper->quantity != 0 && s->paper->ordered == 0 && s->exits.count > 0)
        hold_against_levels(d, s);
    if (fills || s->paper->ordered != 0) wait_for_any(d); /* what stays as it was stands by levels of before */
    if (s->paper->quantity == 0) return;
    td_exits_quiet(s->exits, &d->low, &d->high);
    if (shares_change(d, s->paper->shares_ns, INT64_MAX)) wait_for_any(d); /* a split lies ahead */
}

static size_t width_of(const td_program *program, size_t graph) {
    size_t w = 0;
    while (w + 1 < program->width_count && program->widths_ns[w] != td_graph_width_ns(program->graphs[graph])) w++;
    return w;
}

typedef void (*take_fn)(desk *d, const seat *s);

/* What strategies of other instruments have ordered in this one; their levels are of their own. */
static void take_legs(desk *d, uint32_t graph_at, take_fn take) {
    td_state *s = d->state;
    const td_graph *graph = s->program->graphs[graph_at];
    size_t begin, end = td_legs_find(s, d->event->instrument, graph_at, &begin), left = begin;
    for (size_t i = begin; i < end; i++) {
        const td_leg_order o = *td_legs_at(&s->legs, i);
        void *memory = graph_state_of(s, block_of(s, o.instance), graph_at);
        td_paper *paper = td_graph_position(graph, memory, o.strategy, o.position);
        const seat one = {.graph = graph,
                          .width = width_of(s->program, graph_at),
                          .memory = memory,
                          .strategy = o.strategy,
                          .rules = td_graph_rules(graph, o.strategy),
                          .paper = paper,
                          .exits = {.paper = paper},
                          .instance = o.instance,
                          .leg = d->instrument};
        if (paper->ordered != 0) take(d, &one);
        if (paper->ordered != 0) *td_legs_at(&s->legs, left++) = o;
    }
    td_legs_remove(&s->legs, left, end);
}

/* Of the event's instrument, where there is something to fill or to hold. */
static void take_seats(desk *d, take_fn take) {
    td_state *s = d->state;
    block_head *block = block_of(s, d->event->instrument);
    for (size_t g = 0; g < td_program_graph_count(s->program) && s->program->fills; g++) {
        const td_graph *graph = s->program->graphs[g];
        void *memory = graph_state_of(s, block, g);
        for (uint32_t i = 0; graph != NULL && i < td_graph_strategies(graph); i++) {
            const seat one = {.graph = graph,
                              .width = width_of(s->program, g),
                              .memory = memory,
                              .strategy = i,
                              .rules = td_graph_rules(graph, i),
                              .paper = td_graph_paper(graph, memory, i),
                              .exits = td_graph_exits(graph, memory, i),
                              .instance = d->event->instrument};
            if (one.paper->ordered != 0 || one.paper->quantity != 0) take(d, &one);
        }
        if (graph != NULL && td_graph_all_positions(graph) > td_graph_strategies(graph))
            take_legs(d, (uint32_t)g, take);
    }
}

static desk desk_of(td_state *s, const td_event *event, const td_emit *emit) {
    return (desk){.state = s,
                  .event = event,
                  .emit = emit,
                  .instrument = td_instruments_name(s->instruments, event->instrument),
                  .low = INT64_MIN,
                  .high = INT64_MAX,
                  .until_ns = INT64_MAX};
}

void td_desk_take_trade(td_state *s, const td_event *trade, const td_emit *emit) {
    block_head *block = block_of(s, trade->instrument);
    if (trade->origin != TD_ORIGIN_FEED) return;
    desk d = desk_of(s, trade, emit);
    take_seats(&d, take_seat);
    block->near_from = d.low + (d.low > INT64_MIN);
    block->near_until_ns = d.until_ns;
    block->near_span = d.low < d.high ? (uint64_t)d.high - (uint64_t)block->near_from : 0;
}

/* ---- quotes and books ---- */

static void take_seat_by_touch(desk *d, const seat *s) {
    if (s->paper->quantity != 0) follow_splits(d, s);
    if (fill_at_touch(d, s)) td_desk_look_again(block_of(d->state, d->event->instrument));
}

/* First what stood until now, then what stands from now on. */
static void move_touch(td_state *s, const td_event *event, td_touch touch, const td_emit *emit) {
    desk d = desk_of(s, event, emit);
    take_seats(&d, take_seat_by_touch);
    block_of(s, event->instrument)->touch = touch;
    take_seats(&d, take_seat_by_touch);
}

void td_desk_take_quote(td_state *s, const td_event *e, const td_emit *emit) {
    int64_t bid = e->quote.bid_price, ask = e->quote.ask_price;
    if (e->origin != TD_ORIGIN_FEED) return;
    move_touch(s, e, (td_touch){bid != TD_NONE ? bid : 0, ask != TD_NONE ? ask : 0, e->event_ns}, emit);
}

void td_desk_take_book(td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit) {
    const td_books_row *book = td_books_find(&s->books, instrument);
    td_event now = *e;
    td_touch touch = {.ns = e->event_ns};
    now.instrument = td_state_find_instrument(s, instrument);
    if (now.instrument == UINT32_MAX) return; /* nobody here has it */
    if (td_book_standing_of(book) == TD_BOOK_READABLE) {
        td_book_level bid = td_book_best(book, TD_BOOK_BID), ask = td_book_best(book, TD_BOOK_ASK);
        if (bid.size > 0) touch.bid = bid.price;
        if (ask.size > 0) touch.ask = ask.price;
    }
    move_touch(s, &now, touch, emit);
}
