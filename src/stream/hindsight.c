/* src/stream/hindsight.c - head, base, and a ring of bars with what was done on each. */
#include "stream/hindsight.h"
#include "base/hash.h"
#include "stream/report.h"
#include <assert.h>

typedef struct ring_head {
    int64_t base_end_ns; /* of the last bar in the base; 0: none yet */
    uint32_t first, count;
} ring_head;

#define UNJUDGED (TD_GRAPH_NOTHING - 1) /* the strategy was another then */

enum { ORDINAL_MAX = (1 << 30) - 1 };

typedef struct done {       /* with one position of a strategy on one bar */
    int64_t target;         /* before it */
    uint32_t action;        /* told last: of the graph, TD_GRAPH_NOTHING or UNJUDGED */
    uint32_t ordinal : 30;  /* signals so far */
    uint32_t held_back : 1; /* entries were */
    uint32_t withheld : 1;  /* the action was told, but does not stand */
} done;

typedef struct told {  /* of one report on one bar */
    uint64_t hash;     /* of what was emitted */
    uint32_t ordinal;  /* of the signal */
    uint32_t standing; /* the signal's td_signal_status and 1; 0: none; or UNJUDGED */
} told;

typedef struct entry {
    td_bar bar;
    done positions[]; /* behind them told reports[], and the ports as the bar saw them */
} entry;
_Static_assert(sizeof(ring_head) == 16 && sizeof(done) == 16 && sizeof(told) == 16 && sizeof(entry) % 16 == 0,
               "blocks are aligned to 16");

static uint32_t port_count(const td_graph *g) {
    const td_port *ports;
    return td_graph_ports(g, &ports);
}

static size_t entry_bytes(const td_graph *g) {
    return sizeof(entry) + td_graph_all_positions(g) * sizeof(done) + td_graph_reports(g) * sizeof(told) +
           port_count(g) * sizeof(td_value);
}

size_t td_hindsight_bytes(const td_graph *g, uint32_t depth) {
    if (depth == 0) return td_graph_state_bytes(g);
    return 2 * td_graph_state_bytes(g) + sizeof(ring_head) + depth * entry_bytes(g);
}

/* Head, base, ring's head, entries. */
static void *base_of(td_hindsight h) { return (uint8_t *)h.state + td_graph_state_bytes(h.graph); }
static ring_head *ring_of(td_hindsight h) {
    return (ring_head *)(void *)((uint8_t *)h.state + 2 * td_graph_state_bytes(h.graph));
}
static entry *entry_at(td_hindsight h, uint32_t index) { /* 0: the oldest */
    const ring_head *ring = ring_of(h);
    return (entry *)(void *)((uint8_t *)(void *)(ring_of(h) + 1) +
                             (ring->first + index) % h.depth * entry_bytes(h.graph));
}

static told *reports_of(td_hindsight h, entry *e) {
    return (told *)(void *)(e->positions + td_graph_all_positions(h.graph));
}

/* Those of one strategy. */
static done *done_by(td_hindsight h, entry *e, uint32_t strategy) {
    return &e->positions[td_graph_position_at(h.graph, strategy, 0)];
}

static td_stance stance_of(td_hindsight h, const done *positions, uint32_t strategy) {
    td_stance stance = {.held_back = positions[0].held_back != 0};
    for (uint32_t p = 0; p < td_graph_positions(h.graph, strategy); p++) stance.targets[p] = positions[p].target;
    return stance;
}

static td_value *ports_of(td_hindsight h, entry *e) {
    return (td_value *)(void *)(reports_of(h, e) + td_graph_reports(h.graph));
}

static void put_ports(td_hindsight h, entry *e, const td_value *ports) {
    for (uint32_t i = 0; i < port_count(h.graph); i++) ports_of(h, e)[i] = ports != NULL ? ports[i] : TD_VALUE_NA;
}

bool td_hindsight_valid(td_hindsight h) {
    return h.depth == 0 || (ring_of(h)->first < h.depth && ring_of(h)->count <= h.depth);
}

void td_hindsight_begin_behind(td_hindsight h, int64_t end_ns) {
    if (h.depth > 0) ring_of(h)->base_end_ns = end_ns;
}

void td_hindsight_begin_at(td_hindsight h, int64_t begin_ns) {
    td_graph_begin_at(h.state, begin_ns);
    if (h.depth > 0) td_graph_begin_at(base_of(h), begin_ns);
}

typedef void (*run_fn)(const td_graph *graph, void *state, const td_graph_event *event);

/* The bar as the graph sees it. */
static void run_as(run_fn fn, td_hindsight h, void *state, td_graph_event event) {
    int64_t begin_ns;
    td_split split = {1, 1};
    if (h.shares != NULL && td_shares_any(h.shares) && td_graph_began(state, &begin_ns)) {
        split = td_shares_split(h.shares, event.instrument, begin_ns, event.bar->start_ns);
        event.dividends = td_shares_dividends(h.shares, event.instrument, begin_ns, event.bar->start_ns);
    }
    td_bar seen = *event.bar;
    event.calendar = h.calendar;
    if (split.numerator != split.denominator) {
        td_split_bar((td_split){split.denominator, split.numerator}, &seen);
        event.bar = &seen;
    }
    fn(h.graph, state, &event);
}

static void run(td_hindsight h, void *state, td_graph_event event) { run_as(td_graph_run, h, state, event); }

static void run_entry(td_hindsight h, void *state, td_bytes instrument, entry *e) {
    run(h, state, (td_graph_event){.instrument = instrument, .bar = &e->bar, .ports = ports_of(h, e), .copy = h.copy});
}

/* Makes room for one more: the oldest bar goes into the base. */
static void make_room(td_hindsight h, td_bytes instrument) {
    ring_head *ring = ring_of(h);
    if (ring->count < h.depth) return;
    entry *oldest = entry_at(h, 0);
    run_entry(h, base_of(h), instrument, oldest);
    ring->base_end_ns = oldest->bar.end_ns;
    ring->first = (ring->first + 1) % h.depth;
    ring->count--;
}

static told what_is_told(const td_signal *signal) {
    return (told){.hash = td_hash_bytes(signal->data), .ordinal = signal->ordinal, .standing = signal->status + 1u};
}

/* Behind the actions of all strategies. */
static void report(td_hindsight h, entry *e, const td_bar *bar, td_signal_fn fn, void *arg) {
    td_report_room room;
    for (uint32_t r = 0; r < td_graph_reports(h.graph); r++) {
        td_signal signal = td_graph_blank_signal(bar);
        bool calls = td_graph_make_report(h.graph, h.state, r, &room, &signal);
        td_paper *paper = td_graph_paper(h.graph, h.state, td_graph_report_owner(h.graph, r));
        if (calls) signal.ordinal = td_paper_number(paper, TD_CAUSE_BAR, signal.event_ns);
        if (e != NULL) reports_of(h, e)[r] = calls ? what_is_told(&signal) : (told){0};
        if (calls) fn(arg, &signal);
    }
}

void td_hindsight_run_ahead(td_hindsight h, td_bytes instrument, const td_bar *bar) {
    if (h.depth > 0) make_room(h, instrument);
    td_graph_event event = {.instrument = instrument, .bar = bar, .copy = h.copy};
    run_as(td_graph_run_ahead, h, h.state, event);
}

static td_acting acting_on(td_hindsight h, const td_bar *bar, td_signal_fn fn, void *arg) {
    return (td_acting){.now = h.now, .blank = td_graph_blank_signal(bar), .standing = h.standing, .fn = fn, .arg = arg};
}

void td_hindsight_apply(td_hindsight h, td_bytes instrument, const td_bar *bar, td_signal_fn fn, void *arg) {
    entry *e = NULL;
    if (h.depth > 0) {
        make_room(h, instrument);
        e = entry_at(h, ring_of(h)->count++);
        e->bar = *bar;
        put_ports(h, e, h.ports);
    }
    run(h, h.state, (td_graph_event){.instrument = instrument, .bar = bar, .ports = h.ports, .copy = h.copy});
    td_acting acting = acting_on(h, bar, fn, arg);
    td_calls calls;
    for (uint32_t s = 0; s < td_graph_strategies(h.graph); s++) {
        td_stance stance = td_graph_stance(h.graph, h.state, s, h.now, bar->end_ns);
        uint32_t positions = e != NULL ? td_graph_positions(h.graph, s) : 0;
        for (uint32_t p = 0; p < positions; p++) /* whoever is told of a signal may ask how the strategy stood */
            done_by(h, e, s)[p] =
                (done){.target = stance.targets[p], .action = TD_GRAPH_NOTHING, .held_back = stance.held_back};
        if (!td_graph_act(h.graph, h.state, s, &acting, &calls)) continue;
        for (uint32_t p = 0; p < positions; p++) {
            const td_call *call = &calls.of[p];
            if (call->action == TD_GRAPH_NOTHING) continue;
            done *is = &done_by(h, e, s)[p];
            is->action = call->action;
            is->ordinal = call->ordinal & ORDINAL_MAX;
            is->withheld = call->withheld;
        }
    }
    report(h, e, bar, fn, arg);
}

/* ---- looking back ---- */

/* The place of the bar among the entries: the first that does not begin before it. */
static uint32_t place_of(td_hindsight h, const td_bar *bar) {
    uint32_t place = ring_of(h)->count;
    while (place > 0 && entry_at(h, place - 1)->bar.start_ns >= bar->start_ns) place--;
    return place;
}

static void insert_entry(td_hindsight h, uint32_t place, const td_bar *bar) {
    uint32_t count = ring_of(h)->count++;
    for (uint32_t i = count; i > place; i--) memcpy(entry_at(h, i), entry_at(h, i - 1), entry_bytes(h.graph));
    entry *e = entry_at(h, place);
    e->bar = *bar;
    if (place > 0)
        put_ports(h, e, ports_of(h, entry_at(h, place - 1)));
    else
        td_graph_seen_ports(h.graph, base_of(h), ports_of(h, e));
    for (uint32_t s = 0; s < td_graph_strategies(h.graph); s++) {
        const done *next = place < count ? done_by(h, entry_at(h, place + 1), s) : NULL;
        td_stance stance =
            next != NULL ? stance_of(h, next, s) : td_graph_stance(h.graph, h.state, s, h.now, bar->end_ns);
        bool before = next != NULL && next->action == UNJUDGED;
        for (uint32_t p = 0; p < td_graph_positions(h.graph, s); p++)
            done_by(h, e, s)[p] = (done){.target = stance.targets[p],
                                         .action = before ? UNJUDGED : TD_GRAPH_NOTHING,
                                         .held_back = stance.held_back};
    }
    for (uint32_t r = 0; r < td_graph_reports(h.graph); r++) {
        bool before = place < count && reports_of(h, entry_at(h, place + 1))[r].standing == UNJUDGED;
        reports_of(h, e)[r] = (told){.standing = before ? UNJUDGED : 0};
    }
}

bool td_hindsight_put(td_hindsight h, td_bytes instrument, const td_bar *bar) {
    if (h.depth == 0) return false;
    ring_head *ring = ring_of(h);
    if (ring->base_end_ns != 0 && bar->end_ns <= ring->base_end_ns) return false;
    uint32_t place = place_of(h, bar);
    if (place < ring->count && entry_at(h, place)->bar.start_ns == bar->start_ns) {
        entry_at(h, place)->bar = *bar;
    } else if (ring->count < h.depth) {
        insert_entry(h, place, bar);
    } else {
        if (place == 0) return false;
        make_room(h, instrument);
        insert_entry(h, --place, bar);
    }
    return true;
}

typedef struct correction {
    td_hindsight h;
    td_signal_fn fn;
    void *arg;
    int64_t known_at_ns;
} correction;

typedef struct judging { /* of one position again */
    const td_acting *acting;
    uint32_t strategy, position;
} judging;

static void tell(const correction *c, const judging *j, const td_calls *calls, const done *d, td_signal_status status) {
    td_signal signal = td_graph_name_call(c->h.graph, j->strategy, j->position, j->acting, calls);
    signal.ordinal = d->ordinal;
    signal.known_at_ns = c->known_at_ns;
    signal.status = (uint8_t)status;
    c->fn(c->arg, &signal);
}

/* One more signal of the strategy on that bar. */
static uint32_t next_ordinal(td_hindsight h, entry *e, uint32_t strategy) {
    uint32_t used = 0;
    for (uint32_t p = 0; p < td_graph_positions(h.graph, strategy); p++)
        if (done_by(h, e, strategy)[p].ordinal > used) used = done_by(h, e, strategy)[p].ordinal;
    for (uint32_t r = 0; r < td_graph_reports(h.graph); r++) {
        const told *t = &reports_of(h, e)[r];
        if (td_graph_report_owner(h.graph, r) == strategy && t->ordinal > used) used = t->ordinal;
    }
    return td_paper_late_ordinal(td_graph_paper(h.graph, h.state, strategy), e->bar.end_ns, used);
}

/* The same for what is reported; what is emitted otherwise than before is withdrawn and emitted anew. */
static void correct_reports(const correction *c, entry *e) {
    td_report_room room;
    for (uint32_t r = 0; r < td_graph_reports(c->h.graph); r++) {
        told *t = &reports_of(c->h, e)[r];
        if (t->standing == UNJUDGED) continue;
        td_signal signal = td_graph_blank_signal(&e->bar), gone = signal;
        bool calls = td_graph_make_report(c->h.graph, c->h.state, r, &room, &signal);
        bool stood = t->standing > 0 && t->standing != TD_SIGNAL_WITHHELD + 1u;
        bool withholds = signal.status == TD_SIGNAL_WITHHELD;
        bool same = calls ? t->standing > 0 && t->hash == td_hash_bytes(signal.data) && (stood || withholds) : !stood;
        if (same) continue;
        signal.known_at_ns = gone.known_at_ns = c->known_at_ns;
        if (stood) {
            td_graph_name_report(c->h.graph, c->h.state, r, &gone);
            gone.ordinal = t->ordinal;
            gone.status = TD_SIGNAL_WITHDRAWN;
            c->fn(c->arg, &gone);
        }
        t->standing = 0;
        if (!calls) continue;
        signal.ordinal = next_ordinal(c->h, e, td_graph_report_owner(c->h.graph, r));
        if (!withholds) signal.status = TD_SIGNAL_LATE;
        *t = what_is_told(&signal);
        c->fn(c->arg, &signal);
    }
}

static void correct_position(const correction *c, entry *e, const judging *j, const td_calls *calls) {
    done *d = &done_by(c->h, e, j->strategy)[j->position];
    const td_call *call = &calls->of[j->position];
    bool called = call->action != TD_GRAPH_NOTHING, withholds = called && call->withheld;
    bool stands = d->action != TD_GRAPH_NOTHING && d->withheld == 0;
    if (call->action == d->action && (stands || withholds == d->withheld)) return;
    if (stands) {
        td_calls gone;
        td_graph_recall(c->h.graph, c->h.state, d->action, j->acting, &gone);
        tell(c, j, &gone, d, TD_SIGNAL_WITHDRAWN);
    }
    d->action = call->action;
    d->withheld = withholds;
    if (!called) return;
    d->ordinal = next_ordinal(c->h, e, j->strategy) & ORDINAL_MAX;
    tell(c, j, calls, d, withholds ? TD_SIGNAL_WITHHELD : TD_SIGNAL_LATE);
}

/* The head stands behind the entry's bar. */
static void correct(const correction *c, entry *e) {
    td_acting acting = acting_on(c->h, &e->bar, c->fn, c->arg);
    td_calls calls;
    for (uint32_t s = 0; s < td_graph_strategies(c->h.graph); s++) {
        const done *positions = done_by(c->h, e, s);
        if (positions[0].action == UNJUDGED) continue;
        td_stance stance = stance_of(c->h, positions, s);
        if (td_graph_decide(c->h.graph, c->h.state, s, &stance, &calls)) td_graph_doubt(c->h.graph, s, &acting, &calls);
        for (uint32_t p = 0; p < td_graph_positions(c->h.graph, s); p++)
            correct_position(c, e, &(judging){&acting, s, p}, &calls);
    }
    correct_reports(c, e);
}

void td_hindsight_revise(td_hindsight h, td_bytes instrument, const td_revision *r, td_signal_fn fn, void *arg) {
    if (r->from_ns == INT64_MAX) return;
    correction c = {.h = h, .fn = fn, .arg = arg, .known_at_ns = r->known_at_ns};
    td_graph_go_back(h.graph, h.state, base_of(h));
    for (uint32_t i = 0; i < ring_of(h)->count; i++) {
        entry *e = entry_at(h, i);
        run_entry(h, h.state, instrument, e);
        if (e->bar.start_ns >= r->from_ns) correct(&c, e);
    }
}

/* ---- for who asks why ---- */

bool td_hindsight_bar(td_hindsight h, int64_t end_ns, uint32_t strategy, td_bar *out_bar, td_stance *out_stance) {
    for (uint32_t i = 0; h.depth > 0 && i < ring_of(h)->count; i++) {
        const entry *e = entry_at(h, i);
        if (e->bar.end_ns != end_ns) continue;
        *out_bar = e->bar;
        *out_stance = stance_of(h, done_by(h, entry_at(h, i), strategy), strategy);
        return true;
    }
    return false;
}

bool td_hindsight_before(td_hindsight h, td_bytes instrument, int64_t end_ns, void *out) {
    if (h.depth == 0 || end_ns <= ring_of(h)->base_end_ns) return false;
    memcpy(out, base_of(h), td_graph_state_bytes(h.graph));
    for (uint32_t i = 0; i < ring_of(h)->count && entry_at(h, i)->bar.end_ns < end_ns; i++)
        run_entry(h, out, instrument, entry_at(h, i));
    return true;
}

/* ---- another graph ---- */

/* `from`: of the old graph, or NULL. */
static void carry_done(td_hindsight to, const td_carry *c, uint32_t strategy, entry *e, const td_hindsight *from,
                       entry *before) {
    uint32_t old = from != NULL ? td_carry_strategy(c, strategy) : TD_GRAPH_NOTHING;
    for (uint32_t p = 0; p < td_graph_positions(to.graph, strategy); p++) {
        done is = old != TD_GRAPH_NOTHING ? done_by(*from, before, old)[p] : (done){.action = UNJUDGED};
        if (is.action < UNJUDGED) is.action = td_carry_action(c, strategy, is.action);
        done_by(to, e, strategy)[p] = is;
    }
}

/* What its new ports saw of a bar, the warm state says, if it has that one. */
static void carry_ports(td_hindsight to, const td_carry *c, entry *e, const td_hindsight *past, entry *before,
                        const td_hindsight *warm) {
    entry *same = NULL;
    for (uint32_t i = 0; warm != NULL && i < ring_of(*warm)->count; i++)
        if (entry_at(*warm, i)->bar.start_ns == e->bar.start_ns) same = entry_at(*warm, i);
    for (uint32_t i = 0; i < port_count(to.graph); i++) {
        uint32_t old = past != warm ? td_carry_port(c, i) : i;
        td_value fresh = same != NULL ? ports_of(*warm, same)[i] : TD_VALUE_NA;
        ports_of(to, e)[i] = old != TD_GRAPH_NOTHING ? ports_of(*past, before)[old] : fresh;
    }
}

static bool remembers(const td_hindsight *h) {
    return h != NULL && (ring_of(*h)->count > 0 || ring_of(*h)->base_end_ns != 0);
}

void td_hindsight_carry(td_hindsight to, const td_carry *c, td_bytes instrument, const td_hindsight *from,
                        const td_hindsight *warm) {
    if (from != NULL && from->depth != to.depth) from = NULL; /* it looked back another way */
    td_carried head = {instrument, to.copy, to.state, from != NULL ? from->state : NULL,
                       warm != NULL ? warm->state : NULL};
    td_carry_state(c, &head);
    const td_hindsight *past = to.depth > 0 && remembers(from) ? from : warm;
    if (to.depth == 0 || !remembers(past)) return;
    bool warmed = remembers(warm) && ring_of(*warm)->base_end_ns == ring_of(*past)->base_end_ns;
    td_carried base = {instrument, to.copy, base_of(to), past == from ? base_of(*from) : NULL,
                       warmed ? base_of(*warm) : NULL};
    td_carry_state(c, &base);
    *ring_of(to) = (ring_head){.base_end_ns = ring_of(*past)->base_end_ns, .count = ring_of(*past)->count};
    for (uint32_t i = 0; i < ring_of(to)->count; i++) {
        entry *before = entry_at(*past, i), *e = entry_at(to, i);
        e->bar = before->bar;
        for (uint32_t s = 0; s < td_graph_strategies(to.graph); s++)
            carry_done(to, c, s, e, past == from ? from : NULL, before);
        for (uint32_t r = 0; r < td_graph_reports(to.graph); r++) {
            uint32_t old = past == from ? td_carry_report(c, r) : TD_GRAPH_NOTHING;
            reports_of(to, e)[r] =
                old != TD_GRAPH_NOTHING ? reports_of(*past, before)[old] : (told){.standing = UNJUDGED};
        }
        carry_ports(to, c, e, past, before, warm);
    }
}
