/* src/stream/matching.c - from a tick that comes to the run of its graph. */
#include "stream/matching.h"
#include "base/time.h"
#include "stream/carry.h"
#include "stream/ports.h"
#include "stream/term.h"
#include "stream/tick.h"

void td_matching_lay_out(td_state *s) {
    const td_program *p = s->program;
    _Static_assert(TD_GRAPHS_MAX <= 64, "a bit for each graph");
    s->matched = 0;
    s->wait_ns = INT64_MAX;
    s->queue_ports = 0;
    for (size_t g = p->width_count; g < td_program_graph_count(p); g++) {
        const td_port *ports;
        int64_t wait_ns = td_graph_rhythm(p->graphs[g]).wait_ns;
        uint32_t count = wait_ns > 0 ? td_graph_ports(p->graphs[g], &ports) : 0;
        if (wait_ns > 0) s->wait_ns = td_least(s->wait_ns, wait_ns);
        if (wait_ns > 0 && s->queue_ports == 0) s->queue_ports = 1; /* what it would read may rest on nothing */
        if (count > s->queue_ports) s->queue_ports = count;
        for (uint32_t i = 0; i < count; i++)
            if (td_port_waits(&ports[i])) s->matched |= UINT64_C(1) << td_carry_find(p, ports[i].rhythm);
    }
}

/* ---- when ---- */

static int64_t reached_ns(const td_state *s, const feed_state *feed) {
    bool over = feed->session == TD_SESSION_ENDED || !has_clock(s, feed);
    return over ? INT64_MAX : feed->watermark_ns;
}

/* The feed that tells what the port reads, as far as that is known: NO_FEED before its first row. */
static uint32_t feed_of(const td_state *s, const td_queued *row, const td_port *port) {
    uint32_t of = td_state_read_instrument(s, row->instrument, row->graph, port);
    if (of == UINT32_MAX) return NO_FEED;
    const block_head *block = block_of(s, of);
    bool bars = td_rhythm_has_bars(port->rhythm);
    return bars ? block->feed : block->told[port->rhythm.source - TD_RHYTHM_TRADES] - 1;
}

static bool is_due(const td_state *s, const td_queued *row) {
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[row->graph], &ports);
    if (reached_ns(s, &s->feeds[row->feed]) < row->due_ns) return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t feed = td_port_waits(&ports[i]) ? feed_of(s, row, &ports[i]) : NO_FEED;
        if (feed != NO_FEED && reached_ns(s, &s->feeds[feed]) < row->due_ns) return false;
    }
    return true;
}

int64_t td_matching_next(const td_state *s, const feed_state *feed) {
    int64_t next_ns = INT64_MAX;
    for (uint32_t f = 0; s->queue_ports > 0 && f < s->feed_count; f++) {
        const td_queue *q = &s->feeds[f].queue;
        uint32_t at = td_queue_find(q, feed->watermark_ns + 1);
        if (at < td_queue_count(q)) next_ns = td_least(next_ns, td_queue_at(q, at)->due_ns);
    }
    return next_ns;
}

/* ---- running ---- */

static void tell_waited(const td_step *step, size_t graph, const td_event *e, bool over) {
    const td_emit *emit = step->emit;
    td_waited waited = {graph, e, over};
    if (emit->waited != NULL)
        emit->waited(emit->self, td_instruments_name(step->state->instruments, e->instrument), &waited);
}

/* Of what it reads its own position alone is of now. */
static void run_at(const td_step *step, td_queue *q, uint32_t i) {
    td_state *s = step->state;
    const td_queued *row = td_queue_at(q, i);
    const td_graph *graph = s->program->graphs[row->graph];
    td_event e = td_queued_event(row);
    e.receive_ns = step->known_at_ns;
    td_tick tick;
    const td_port *ports;
    uint32_t count = td_graph_ports(graph, &ports);
    bool seen = td_tick_of_event(&e, &tick); /* it was when it came */
    if (seen && td_graph_is_due(graph, graph_state_of(s, block_of(s, row->instrument), row->graph), e.event_ns)) {
        (void)td_state_read_ports(s, row->instrument, row->graph, row->event_ns);
        for (uint32_t k = 0; k < count; k++)
            if (!td_port_is_of_position(&ports[k])) s->ports[k] = row->ports[k].value;
        tell_waited(step, row->graph, &e, false);
        td_ticks_run_graph(s, row->graph, &tick, s->ports, step->emit);
        tell_waited(step, row->graph, &e, true);
    }
    td_queue_remove(q, i);
}

/* Whose queue has the first row of those that are still to be looked at, of one instant the first feed; NO_FEED: none
 * of them is of that time. */
static uint32_t next_queue(const td_state *s, const uint32_t *at, int64_t up_to_ns) {
    uint32_t next = NO_FEED;
    int64_t least_ns = up_to_ns;
    for (uint32_t f = 0; f < s->feed_count; f++) {
        const td_queue *q = &s->feeds[f].queue;
        if (at[f] == td_queue_count(q)) continue;
        int64_t due_ns = td_queue_at(q, at[f])->due_ns;
        if (due_ns > least_ns || (due_ns == least_ns && next != NO_FEED)) continue;
        least_ns = due_ns;
        next = f;
    }
    return next;
}

/* A row is due with the last of the feeds that it waits for: no other rows need be looked at than those that this one
 * has come to since it was here last, however many wait for others. */
void td_matching_run(const td_step *step, int64_t up_to_ns) {
    td_state *s = step->state;
    feed_state *feed = step->feed;
    uint32_t at[TD_PROGRAM_FEEDS_MAX], f;
    up_to_ns = td_least(up_to_ns, reached_ns(s, feed));
    if (s->queue_ports == 0 || up_to_ns <= feed->matched_ns) return;
    for (f = 0; f < s->feed_count; f++) at[f] = td_queue_find(&s->feeds[f].queue, feed->matched_ns + 1);
    while ((f = next_queue(s, at, up_to_ns)) != NO_FEED) {
        td_queue *q = &s->feeds[f].queue;
        if (is_due(s, td_queue_at(q, at[f])))
            run_at(step, q, at[f]);
        else
            at[f]++;
    }
    feed->matched_ns = td_least(up_to_ns, feed->watermark_ns); /* what has ended may begin anew */
}

void td_matching_heed(const td_step *step, uint32_t from_feed) {
    const td_state *s = step->state;
    step->feed->matched_ns = td_least(step->feed->matched_ns, reached_ns(s, &s->feeds[from_feed]));
    td_matching_run(step, INT64_MAX);
}

void td_matching_let_go(const td_step *step, uint32_t instrument) {
    td_queue *q = &step->feed->queue;
    for (uint32_t i = 0; i < td_queue_count(q);) {
        if (td_queue_at(q, i)->instrument == instrument)
            run_at(step, q, i);
        else
            i++;
    }
}

/* ---- what comes ---- */

static void read_all(td_state *s, td_queued *row) {
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[row->graph], &ports);
    const td_value *values = td_state_read_ports(s, row->instrument, row->graph, row->event_ns);
    for (uint32_t i = 0; i < count; i++) {
        bool forgotten = false;
        row->ports[i] = td_port_waits(&ports[i]) ? td_state_read_match(s, row, i, &forgotten)
                                                 : (td_match){.value = values[i], .event_ns = INT64_MIN};
        changes_of(s, row->instrument)->matches_forgotten += forgotten;
    }
}

/* Of an instrument that no strategy of the graph is for: it runs once, and does nothing then or later. */
static bool is_for_nobody(td_state *s, size_t g, const td_event *e, const td_emit *emit) {
    block_head *block = block_of(s, e->instrument);
    const td_graph *graph = s->program->graphs[g];
    void *state = graph_state_of(s, block, g);
    td_tick tick;
    if (td_graph_seen(state) > 0) return !td_graph_is_wanted(graph, state);
    td_bytes name = td_instruments_name(s->instruments, e->instrument);
    if (td_graph_will_be_wanted(graph, state, name, block->copy != 0)) return false;
    if (td_tick_of_event(e, &tick)) td_ticks_run_graph(s, g, &tick, NULL, emit);
    return true;
}

void td_matching_put(td_state *s, size_t g, const td_event *e, const td_emit *emit) {
    td_queue *q = &s->feeds[e->feed].queue;
    td_step step = step_of(s, e->feed, e->receive_ns, emit);
    if (is_for_nobody(s, g, e, emit)) return;
    if (td_queue_count(q) == TD_QUEUE_MAX) {
        changes_of(s, td_queue_at(q, 0)->instrument)->matches_early++;
        run_at(&step, q, 0);
    }
    td_queued *row = td_queue_put(q, e->event_ns + td_graph_rhythm(s->program->graphs[g]).wait_ns);
    td_queued_set(row, e);
    row->graph = (uint32_t)g;
    read_all(s, row);
    if (is_due(s, row)) {
        run_at(&step, q, td_queue_find(q, row->due_ns + 1) - 1); /* of those due then it came last */
        return;
    }
    for (uint32_t f = 0; f < s->feed_count; f++)
        if (s->feeds[f].watermark_ns < row->due_ns)
            s->feeds[f].next_close_ns = td_least(s->feeds[f].next_close_ns, row->due_ns);
}

typedef struct given { /* what a graph gave of that time, by one of its values */
    uint32_t instrument;
    int64_t event_ns;
    td_value value;
} given;

/* To the port of each row that it fits: rows of one time follow each other as the log has them. */
static void offer(const td_state *s, size_t waits, uint32_t i, const given *what) {
    const td_port *ports;
    (void)td_graph_ports(s->program->graphs[waits], &ports);
    bool any = ports[i].use > 0, age = ports[i].kind == TD_PORT_MATCH_AGE;
    int64_t from_ns = what->event_ns + td_graph_rhythm(s->program->graphs[waits]).wait_ns;
    for (uint32_t f = 0; f < s->feed_count; f++) {
        const td_queue *q = &s->feeds[f].queue;
        for (uint32_t k = td_queue_count(q); k > 0 && td_queue_at(q, k - 1)->due_ns >= from_ns; k--) {
            td_queued *row = td_queue_at(q, k - 1);
            bool ours = row->graph == waits && (any || row->instrument == what->instrument);
            if (!ours || what->event_ns < row->ports[i].event_ns) continue;
            row->ports[i].event_ns = what->event_ns;
            row->ports[i].value = age ? row->event_ns - what->event_ns : what->value;
        }
    }
}

/* The port of that graph, of some instrument's events, reads this graph of that instrument. */
static bool reads(const td_state *s, size_t waits, const td_port *port, td_rhythm rhythm, uint32_t instrument) {
    const td_graph_use *uses;
    if (!td_port_waits(port) || td_rhythm_compare(port->rhythm, rhythm) != 0) return false;
    (void)td_graph_uses(s->program->graphs[waits], &uses);
    return port->use == 0 ||
           td_bytes_equal(uses[port->use - 1].instrument, td_instruments_name(s->instruments, instrument));
}

/* `waits`: a graph that does. */
static void offer_to(const td_state *s, size_t waits, uint32_t instrument, size_t g, int64_t event_ns) {
    const td_graph *gives = s->program->graphs[g];
    const td_port *ports;
    uint32_t count = td_graph_ports(s->program->graphs[waits], &ports);
    for (uint32_t i = 0; i < count; i++) {
        if (!reads(s, waits, &ports[i], td_graph_rhythm(gives), instrument)) continue;
        const void *memory = graph_state_of(s, block_of(s, instrument), g);
        bool age = ports[i].kind == TD_PORT_MATCH_AGE;
        offer(s, waits, i,
              &(given){instrument, event_ns, age ? 0 : td_graph_export(gives, memory, ports[i].export_at)});
    }
}

void td_matching_take(td_state *s, uint32_t instrument, size_t g, int64_t event_ns) {
    if ((s->matched >> g & 1) == 0) return;
    td_rhythm rhythm = td_graph_rhythm(s->program->graphs[g]);
    const block_head *block = block_of(s, instrument);
    for (size_t w = s->program->width_count; w < td_program_graph_count(s->program); w++)
        if (td_graph_rhythm(s->program->graphs[w]).wait_ns > 0) offer_to(s, w, instrument, g, event_ns);
    if (td_rhythm_has_bars(rhythm)) return;
    const feed_state *feed = &s->feeds[block->told[rhythm.source - TD_RHYTHM_TRADES] - 1];
    changes_of(s, instrument)->matches_late += feed->watermark_ns >= event_ns + s->wait_ns;
}

/* ---- a change of the program ---- */

/* The same tick in the warm state, or NULL. */
static const td_queued *find_warm(const td_queue *q, size_t g, const td_queued *row) {
    for (uint32_t i = td_queue_find(q, row->due_ns); i < td_queue_count(q); i++) {
        const td_queued *warm = td_queue_at(q, i);
        if (warm->due_ns != row->due_ns) break;
        bool same = warm->graph == g && warm->instrument == row->instrument && warm->kind == row->kind;
        if (same && memcmp(warm->say, row->say, sizeof row->say) == 0) return warm;
    }
    return NULL;
}

static const td_queue none = {0};

static const td_queue *queue_of(const td_state *s, const feed_state *feed) {
    for (uint32_t f = 0; f < s->feed_count; f++)
        if (td_bytes_equal(feed_name(&s->feeds[f]), feed_name(feed))) return &s->feeds[f].queue;
    return &none;
}

/* `carry`: the graph was there before; NULL: the row is the warm state's. */
static void carry_row(const td_carry *carry, const td_queue *warm, td_queue *to, size_t g, const td_queued *row) {
    if (td_queue_count(to) == TD_QUEUE_MAX) return; /* a new graph's, of which no more fit */
    const td_queued *warmed = carry != NULL ? find_warm(warm, g, row) : row;
    td_queued *mine = td_queue_put(to, row->due_ns);
    memcpy(mine, row, sizeof *mine);
    mine->graph = (uint32_t)g;
    for (uint32_t i = 0; i < to->ports; i++) mine->ports[i] = (td_match){.value = TD_VALUE_NA, .event_ns = INT64_MIN};
    for (uint32_t i = 0; warmed != NULL && i < to->ports; i++) mine->ports[i] = warmed->ports[i];
    for (uint32_t i = 0; carry != NULL && i < to->ports; i++) {
        uint32_t before = td_carry_port(carry, i);
        if (before != TD_GRAPH_NOTHING) mine->ports[i] = row->ports[before];
    }
}

static void carry_graph(const td_state *from, const td_state *warm, td_state *to, size_t g) {
    size_t old = td_carry_find(from->program, td_graph_rhythm(to->program->graphs[g]));
    bool before = old < td_program_graph_count(from->program);
    td_carry *carry = before ? td_carry_new(to->program, g, from->program) : NULL;
    for (uint32_t f = 0; f < to->feed_count; f++) {
        const td_queue *warmed = queue_of(warm, &to->feeds[f]), *source = before ? &from->feeds[f].queue : warmed;
        for (uint32_t i = 0; i < td_queue_count(source); i++)
            if (td_queue_at(source, i)->graph == (before ? old : g))
                carry_row(carry, warmed, &to->feeds[f].queue, g, td_queue_at(source, i));
    }
    td_carry_free(carry);
}

void td_matching_carry(const td_state *from, const td_state *warm, td_state *to) {
    for (size_t g = to->program->width_count; warm != NULL && g < td_program_graph_count(to->program); g++)
        if (td_graph_rhythm(to->program->graphs[g]).wait_ns > 0) carry_graph(from, warm, to, g);
}

bool td_state_waits(const td_state *s, td_bytes instrument, size_t graph, int64_t up_to_ns) {
    for (uint32_t f = 0; s->queue_ports > 0 && f < s->feed_count; f++) {
        const td_queue *q = &s->feeds[f].queue;
        for (uint32_t i = 0; i < td_queue_count(q); i++) {
            const td_queued *row = td_queue_at(q, i);
            bool ours = row->graph == graph && row->event_ns <= up_to_ns;
            if (ours && td_bytes_equal(td_instruments_name(s->instruments, row->instrument), instrument)) return true;
        }
    }
    return false;
}

bool td_matching_valid(const td_state *s, const feed_state *feed) {
    for (uint32_t i = 0; i < td_queue_count(&feed->queue); i++) {
        const td_queued *row = td_queue_at(&feed->queue, i);
        bool known = row->graph < td_program_graph_count(s->program) && s->program->graphs[row->graph] != NULL;
        if (!known || td_graph_rhythm(s->program->graphs[row->graph]).wait_ns == 0) return false;
        if (&s->feeds[row->feed < s->feed_count ? row->feed : 0] != feed) return false;
    }
    return true;
}
