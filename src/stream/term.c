/* src/stream/term.c - a graph as those see it who ask what it said, and why. */
#include "stream/term.h"
#include "stream/graph_layout.h"
#include <assert.h>

const td_term *td_graph_terms(const td_graph *g) { return g->terms; }

td_bytes td_graph_text(const td_graph *g, uint32_t strategy) {
    assert(strategy < g->strategy_count);
    return g->strategies[strategy].text;
}

bool td_graph_action_at(const td_graph *g, uint32_t strategy, uint32_t index, td_graph_act_view *out) {
    const graph_strategy *s = &g->strategies[strategy];
    if (index >= s->action_count) return false;
    const td_graph_action *action = &g->actions[s->action_first + index];
    *out = (td_graph_act_view){.traded = g->traded[action->traded],
                               .note = action->note,
                               .condition = action->term,
                               .number = s->action_first + index,
                               .first = action->first,
                               .action = action->action,
                               .leaving = action->leaving,
                               .position = action->position};
    return true;
}

bool td_graph_report_at(const td_graph *g, uint32_t strategy, uint32_t index, td_graph_act_view *out) {
    for (uint32_t i = 0; i < g->report_count; i++) {
        const graph_report *r = &g->reports[i];
        if (r->owner != strategy || index-- > 0) continue;
        *out = (td_graph_act_view){.note = r->text, .condition = r->term, .number = i, .action = r->action};
        return true;
    }
    return false;
}

size_t td_graph_params(const td_graph *g, const td_graph_param **out_params) {
    *out_params = g->params;
    return g->param_count;
}

td_value td_graph_value(const td_graph *g, const void *state, uint32_t node) {
    assert(node < g->node_count);
    return ((const td_value *)(const void *)((const uint8_t *)state + g->values_offset))[node];
}

td_value td_graph_members(const td_graph *g, const void *state, uint32_t node) {
    const td_node *is = &g->nodes[node].is;
    for (uint32_t i = 0; i < g->port_count && is->op == TD_OP_PORT; i++)
        if (td_port_counts_members(&g->ports[i], &g->ports[is->n])) return td_graph_value(g, state, g->port_nodes[i]);
    return TD_VALUE_NA;
}

uint64_t td_graph_seen(const void *state) { return ((const state_head *)state)->seen; }

uint32_t td_graph_warmup(const td_graph *g, uint32_t node) {
    assert(node < g->node_count);
    return g->nodes[node].warmup;
}

static bool is_needed(const td_graph *g, uint32_t node, uint32_t strategy) {
    return (g->users[(size_t)node * g->mask_words + strategy / 64] >> (strategy % 64) & 1) != 0;
}

td_graph_shape td_graph_shape_of(const td_graph *g) {
    td_graph_shape shape = {
        .nodes = g->node_count, .constants = g->constant_count, .ports = g->port_count, .terms = g->term_count};
    for (uint32_t i = g->constant_count; i < g->node_count; i++) {
        uint32_t strategies = 0;
        for (uint32_t s = 0; s < g->strategy_count; s++) strategies += is_needed(g, i, s);
        shape.shared += strategies > 1;
    }
    return shape;
}

uint32_t td_graph_strategy_warmup(const td_graph *g, uint32_t strategy) {
    uint32_t most = 0;
    for (uint32_t i = g->constant_count; i < g->node_count; i++)
        if (is_needed(g, i, strategy) && g->nodes[i].warmup > most) most = g->nodes[i].warmup;
    return most;
}
