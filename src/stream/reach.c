/* src/stream/reach.c - bars that a node looks back, over the nodes that it reads. */
#include "stream/reach.h"
#include "base/time.h"
#include "stream/graph_layout.h"
#include <stdlib.h>

#define ALL INT64_MAX

static int64_t plus(int64_t a, int64_t b) { return a > ALL - b ? ALL : a + b; }
static int64_t times(int64_t a, int64_t b) { return a > ALL / b ? ALL : a * b; }

/* Of e = e[1] + k (x - e[1]) less than 10^-12 is left after so many. What k is that moves, nobody knows: a fortieth. */
static int64_t fading(const td_graph *g, const td_node *node) {
    const td_node *k = &g->nodes[node->in[1]].is;
    double part = k->op == TD_OP_CONSTANT && !td_value_is_na(k->constant) ? td_value_to_real(k->constant) : 1.0 / 40;
    return part > 1e-6 ? (int64_t)(28 / part) : ALL;
}

static int64_t own_reach(const td_graph *g, const td_node *node) {
    const td_op_row *row = &td_op_rows[node->op];
    switch (row->forgets) {
    case TD_FORGETS_NEVER:
        return ALL;
    case TD_FORGETS_SLOWLY:
        return plus(node->n, fading(g, node));
    default:
        return row->step != NULL ? node->n : 0;
    }
}

/* In bars, or ticks. */
static int64_t graph_reach(const td_graph *g) {
    int64_t *reach = td_alloc_zero(g->node_count, sizeof *reach), most = 0;
    for (uint32_t i = 0; i < g->node_count; i++) {
        const td_node *node = &g->nodes[i].is;
        for (uint32_t k = 0; k < td_op_rows[node->op].inputs; k++)
            if (reach[node->in[k]] > reach[i]) reach[i] = reach[node->in[k]];
        reach[i] = plus(reach[i], own_reach(g, node));
        if (reach[i] > most) most = reach[i];
    }
    free(reach);
    return most;
}

static bool closes_at_night(const td_program *p) {
    bool closes = false;
    for (size_t i = 0; i < p->calendar_count; i++) closes |= td_calendar_has_hours(p->calendars[i]);
    return closes;
}

/* Between two events that run it. Of ticks nobody knows: as if one came each second, and as much volume as closes a bar
 * each minute. */
static int64_t pace_ns(const td_program *p, const td_graph *g) {
    if (!td_rhythm_has_bars(g->rhythm)) return g->rhythm.every_ns > TD_NS_PER_S ? g->rhythm.every_ns : TD_NS_PER_S;
    int64_t width = g->rhythm.width_ns, span_ns = td_width_span_ns(width);
    if (!td_width_is_timed(width))
        return width < TD_WIDTH_VOLUME ? times(width - TD_WIDTH_TRADES, TD_NS_PER_S) : TD_NS_PER_MIN;
    bool closes = closes_at_night(p);
    int64_t closed = !closes ? 1 : span_ns < TD_NS_PER_DAY ? 6 : 2;
    return times(span_ns, closed);
}

/* Bars by count are cut from a session's open on, which may lie as far back as this. */
static int64_t session_ns(const td_program *p, const td_graph *g) {
    if (td_width_is_timed(g->rhythm.width_ns)) return 0;
    return (closes_at_night(p) ? 5 : 1) * TD_NS_PER_DAY;
}

/* Of windows over news that a graph reads as of its own events the longest. */
static int64_t longest_span_ns(const td_graph *g) {
    int64_t most_ns = 0;
    for (uint32_t i = 0; i < g->port_count; i++)
        if (g->ports[i].span_ns > most_ns) most_ns = g->ports[i].span_ns;
    return most_ns;
}

/* Graphs read each other: what one needs, another may need before. The first bar may be cut, and one more is open. */
int64_t td_program_reach_ns(const td_program *p) {
    int64_t sum_ns = 0;
    for (size_t g = 0; g < td_program_graph_count(p); g++) {
        int64_t events = p->graphs[g] != NULL ? graph_reach(p->graphs[g]) : 0;
        if (p->graphs[g] != NULL)
            sum_ns = plus(plus(sum_ns, longest_span_ns(p->graphs[g])), p->graphs[g]->rhythm.wait_ns);
        if (events == 0) continue;
        sum_ns = plus(sum_ns, times(plus(events, 2), pace_ns(p, p->graphs[g])));
        sum_ns = plus(sum_ns, session_ns(p, p->graphs[g]));
    }
    return sum_ns;
}
