/* src/app/plan.c - shapes of graphs, and one walk of bars or ticks through each of them. */
#include "app/plan.h"
#include "base/json.h"
#include "base/time.h"
#include "stream/hindsight.h"
#include "stream/program.h"
#include "stream/term.h"
#include "stream/tick.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 2048, ROUNDS_MAX = 64, MEASURE_NS = 5000000 };

typedef struct planned { /* one graph */
    const td_graph *graph;
    td_graph_shape shape;
    char rhythm[TD_RHYTHM_TEXT_MAX];
    size_t state_bytes; /* per instrument, what it looks back with included */
    double event_ns;    /* the least of all rounds; below 0: not measured */
} planned;

/* ---- what an event costs ---- */

static void ignore_signal(void *arg, const td_signal *signal) { (void)arg, (void)signal; }

/* An instrument that most strategies of the graph are for; of a set with '*' any name. */
static td_bytes choose_instrument(const td_graph *graph, char out[TD_INSTRUMENT_NAME_MAX + 1]) {
    uint32_t most = 0;
    (void)snprintf(out, TD_INSTRUMENT_NAME_MAX + 1, "PLAN:A");
    td_graph_strategy s, other;
    for (size_t i = 0; td_graph_strategy_at(graph, i, &s); i++) {
        for (size_t k = 0; k < s.set_count; k++) {
            char name[TD_INSTRUMENT_NAME_MAX + 1];
            int size = snprintf(name, sizeof name, "%.*s", (int)s.sets[k].size, (const char *)s.sets[k].data);
            if (size > 0 && name[size - 1] == '*') name[size - 1] = 'A';
            uint32_t wanted = 0;
            for (size_t n = 0; td_graph_strategy_at(graph, n, &other); n++)
                wanted += td_graph_strategy_wants(&other, td_text(name));
            if (wanted > most) (void)snprintf(out, sizeof name, "%s", name);
            if (wanted > most) most = wanted;
        }
    }
    return td_text(out);
}

typedef struct walk {
    uint32_t seed;
    int64_t price, at_ns;
} walk;

static int64_t walk_on(walk *w) {
    w->seed = w->seed * 1664525u + 1013904223u;
    w->price += (int64_t)(w->seed >> 20) % 101 - 50;
    if (w->price < 10000) w->price = 100000;
    return w->price * 10000000;
}

static void run_bar(const td_graph *graph, void *state, td_bytes instrument, walk *w) {
    int64_t open = w->price * 10000000, close = walk_on(w), width = td_graph_width_ns(graph);
    td_bar bar = {.start_ns = w->at_ns,
                  .end_ns = w->at_ns + (td_width_is_timed(width) ? td_width_span_ns(width) : TD_NS_PER_S),
                  .width_ns = width,
                  .open = open,
                  .high = (open > close ? open : close) + 70000000,
                  .low = (open < close ? open : close) - 70000000,
                  .close = close,
                  .vwap = open / 2 + close / 2,
                  .volume = (td_i128)(w->seed >> 8) * 1000,
                  .trade_count = 5};
    const td_graph_event event = {.instrument = instrument, .bar = &bar};
    w->at_ns = bar.end_ns;
    td_graph_apply(graph, state, &event, ignore_signal, NULL);
}

static void run_tick(const td_graph *graph, void *state, td_bytes instrument, walk *w) {
    bool trades = td_graph_rhythm(graph).source == TD_RHYTHM_TRADES;
    int64_t price = walk_on(w);
    td_event e = {.kind = trades ? TD_EVENT_TRADE : TD_EVENT_QUOTE, .event_ns = w->at_ns};
    if (trades)
        e.trade = (td_trade){.price = price, .size = 100000000, .trade_id = w->seed, .side = TD_SIDE_BUY};
    else
        e.quote =
            (td_quote){.bid_price = price, .bid_size = 100000000, .ask_price = price + 10000000, .ask_size = 200000000};
    td_tick tick;
    w->at_ns += 10 * TD_NS_PER_MS;
    if (!td_tick_of_event(&e, &tick)) return;
    const td_graph_event event = {.instrument = instrument, .tick = &tick};
    td_graph_run(graph, state, &event);
}

/* Nanoseconds of one event, the least over rounds of some; books are not played here. */
static double measure(const td_plan_question *q, const td_graph *graph) {
    char name[TD_INSTRUMENT_NAME_MAX + 1];
    td_rhythm_source source = (td_rhythm_source)td_graph_rhythm(graph).source;
    if (source == TD_RHYTHM_BOOK || source == TD_RHYTHM_NEWS) return -1;
    td_bytes instrument = choose_instrument(graph, name);
    size_t bytes = td_graph_state_bytes(graph);
    void *state = td_alloc_check(aligned_alloc(16, bytes), bytes);
    memset(state, 0, bytes);
    walk w = {1, 100000, 0};
    int64_t begin_ns = q->now_ns(q->clock), spent_ns = 0;
    double least = -1;
    for (int round = 0; round < ROUNDS_MAX && spent_ns < MEASURE_NS; round++) {
        int64_t round_ns = q->now_ns(q->clock);
        for (int i = 0; i < EVENTS; i++)
            (td_rhythm_has_bars(td_graph_rhythm(graph)) ? run_bar : run_tick)(graph, state, instrument, &w);
        double ns = (double)(q->now_ns(q->clock) - round_ns) / EVENTS;
        if (least < 0 || ns < least) least = ns;
        spent_ns = q->now_ns(q->clock) - begin_ns;
    }
    free(state);
    return least;
}

/* ---- the plan ---- */

static planned plan_graph(const td_plan_question *q, const td_graph *graph) {
    const td_program looks = {.grace_ns = q->config->grace_ns, .calendar_count = q->calendar_count};
    planned p = {.graph = graph, .shape = td_graph_shape_of(graph), .state_bytes = td_graph_state_bytes(graph)};
    td_rhythm rhythm = td_graph_rhythm(graph);
    td_rhythm_format(rhythm, p.rhythm);
    if (rhythm.source == TD_RHYTHM_BARS)
        p.state_bytes = td_hindsight_bytes(graph, td_program_depth(&looks, rhythm.width_ns));
    p.event_ns = measure(q, graph);
    return p;
}

static void put_graph(const planned *p, td_buf *out) {
    uint32_t strategies = td_graph_strategies(p->graph);
    td_buf_printf(out,
                  "on %s: %" PRIu32 " strateg%s, %" PRIu32 " nodes for %" PRIu32 " terms (%" PRIu32
                  " constant, %" PRIu32 " shared, %" PRIu32 " from other graphs), %zu bytes of state",
                  p->rhythm, strategies, strategies == 1 ? "y" : "ies", p->shape.nodes, p->shape.terms,
                  p->shape.constants, p->shape.shared, p->shape.ports, p->state_bytes);
    if (p->event_ns >= 0) td_buf_printf(out, ", %.0f ns per event", p->event_ns);
    td_buf_text(out, "\n");
    td_graph_strategy s;
    for (uint32_t i = 0; td_graph_strategy_at(p->graph, i, &s); i++)
        td_buf_printf(out, "  %.*s: warm-up %" PRIu32 "\n", (int)s.name.size, (const char *)s.name.data,
                      td_graph_strategy_warmup(p->graph, i));
}

void td_plan_put_text(const td_plan_question *q, td_buf *out) {
    size_t bytes = 0, count = td_instruments_count(q->instruments);
    for (size_t g = 0; g < q->strategies->graph_count; g++) {
        planned p = plan_graph(q, q->strategies->graphs[g]);
        put_graph(&p, out);
        bytes += p.state_bytes;
    }
    td_buf_printf(out, "strategies remember %zu bytes of an instrument, %.1f MB of the %zu that the feeds begin with\n",
                  bytes, (double)(bytes * count) / 1e6, count);
}

static void put_json_graph(const planned *p, td_buf *out) {
    td_buf_printf(out,
                  "\n{\"rhythm\":\"%s\",\"nodes\":%" PRIu32 ",\"terms\":%" PRIu32 ",\"constants\":%" PRIu32
                  ",\"shared\":%" PRIu32 ",\"ports\":%" PRIu32 ",\"state_bytes\":%zu,\"event_ns\":",
                  p->rhythm, p->shape.nodes, p->shape.terms, p->shape.constants, p->shape.shared, p->shape.ports,
                  p->state_bytes);
    if (p->event_ns >= 0)
        td_buf_printf(out, "%.1f", p->event_ns);
    else
        td_buf_text(out, "null");
    td_buf_text(out, ",\"strategies\":[");
    td_graph_strategy s;
    for (uint32_t i = 0; td_graph_strategy_at(p->graph, i, &s); i++) {
        td_buf_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        td_json_put_string(out, s.name);
        td_buf_printf(out, ",\"warmup\":%" PRIu32 "}", td_graph_strategy_warmup(p->graph, i));
    }
    td_buf_text(out, "]}");
}

void td_plan_put_json(const td_plan_question *q, td_buf *out) {
    size_t bytes = 0, count = td_instruments_count(q->instruments);
    td_buf_text(out, "{\"graphs\":[");
    for (size_t g = 0; g < q->strategies->graph_count; g++) {
        planned p = plan_graph(q, q->strategies->graphs[g]);
        if (g > 0) td_buf_text(out, ",");
        put_json_graph(&p, out);
        bytes += p.state_bytes;
    }
    td_buf_printf(out, "],\"state_bytes\":%zu,\"instruments\":%zu,\"state_bytes_all\":%zu}", bytes, count,
                  bytes * count);
}
