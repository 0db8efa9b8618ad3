/* src/stream/warmup.c - from the nodes of a strategy through ports to those of other graphs, then back along the
 * longest ways. */
#include "stream/warmup.h"
#include "stream/carry.h"
#include "stream/graph_layout.h"
#include "stream/over.h"
#include "stream/recall.h"
#include <stdlib.h>

/* ---- one node ---- */

static bool is_over(const td_node *node) { return node->op >= TD_OP_OVER_SUM && node->op <= TD_OP_OVER_RANK; }

/* Bars by time of which so many lie in the window; else it is time that has to pass. */
static int64_t width_of(const td_graph *g) {
    int64_t width_ns = td_rhythm_has_bars(g->rhythm) ? g->rhythm.width_ns : 0;
    return td_width_span_ns(width_ns);
}

static uint32_t over_events(const td_graph *g, const td_node *node) {
    int64_t width_ns = width_of(g);
    if (node->constant == TD_OVER_COUNT) return node->n - 1;
    if (node->constant <= 0 || width_ns == 0) return 0;
    return (uint32_t)((node->constant + width_ns - 1) / width_ns - 1);
}

uint32_t td_node_warmup(const td_graph *g, const td_node *node) {
    const uint32_t own[] = {0, 1, node->n - 1, node->n};
    if (is_over(node)) return over_events(g, node);
    td_warmup warmup = td_op_rows[node->op].warmup;
    return warmup == TD_WARMUP_NONE ? 0 : own[warmup];
}

static int64_t node_span(const td_graph *g, const td_node *node) {
    bool by_time = is_over(node) && node->constant > 0 && node->constant != TD_OVER_COUNT;
    return by_time && width_of(g) == 0 ? (int64_t)node->constant : 0;
}

static uint32_t lacks_of(const td_graph *g, const td_node *node) {
    const td_node *admits = &g->nodes[node->in[1]].is;
    bool where = is_over(node) && node->constant == TD_OVER_COUNT && admits->op != TD_OP_CONSTANT;
    if (where) return TD_LACKS_ADMITTED;
    bool when = node->op == TD_OP_HOLD && g->nodes[node->in[0]].is.op == TD_OP_IF; /* valuewhen */
    if (node->op == TD_OP_EPOCH || node->op == TD_OP_SINCE || when) return TD_LACKS_SINCE;
    if (node->op != TD_OP_PORT) return 0;
    const td_port *port = &g->ports[node->n];
    if (port->kind >= TD_PORT_HELD) return TD_LACKS_POSITION;
    return port->kind == TD_PORT_OVER && port->over >= TD_RECALL_MEAN ? TD_LACKS_NEWS : 0;
}

/* ---- what is reached ---- */

typedef struct reached { /* nodes of a graph, in one instrument */
    size_t graph;
    td_bytes instrument;
    uint8_t *nodes; /* 1: it is needed; 2: what it reads has been followed */
    bool grown;
} reached;

typedef struct search {
    const td_program *program;
    td_buf list; /* reached; the first is the strategy's */
} search;

static reached *reached_at(const search *s, size_t i) { return (reached *)(void *)s->list.data + i; }
static size_t reached_count(const search *s) { return s->list.size / sizeof(reached); }

static reached *reach(search *s, size_t graph, td_bytes instrument) {
    for (size_t i = 0; i < reached_count(s); i++) {
        reached *r = reached_at(s, i);
        if (r->graph == graph && td_bytes_equal(r->instrument, instrument)) return r;
    }
    reached new = {graph, instrument, td_alloc_zero(s->program->graphs[graph]->node_count + 1, 1), false};
    td_buf_put(&s->list, &new, sizeof new);
    return reached_at(s, reached_count(s) - 1);
}

static void need(reached *r, uint32_t node) {
    r->grown |= r->nodes[node] == 0;
    if (r->nodes[node] == 0) r->nodes[node] = 1;
}

/* Windows over news are no value that has to come first: what is not there is nothing, or TD_LACKS_NEWS. */
static void follow_port(search *s, td_bytes instrument, const td_graph *g, const td_port *port) {
    size_t graph = td_carry_find(s->program, port->rhythm);
    if (td_port_is_of_position(port) || port->kind == TD_PORT_OVER || graph >= td_program_graph_count(s->program))
        return;
    if (port->use > 0) instrument = g->uses[port->use - 1].instrument;
    need(reach(s, graph, instrument), s->program->graphs[graph]->exports[port->export_at].node);
}

/* `s->list` may move. */
static void follow(search *s, size_t at) {
    reached r = *reached_at(s, at);
    const td_graph *g = s->program->graphs[r.graph];
    reached_at(s, at)->grown = false;
    for (uint32_t i = g->node_count; i-- > 0;) {
        const td_node *node = &g->nodes[i].is;
        if (r.nodes[i] != 1) continue;
        r.nodes[i] = 2;
        for (uint32_t k = node->op == TD_OP_NZ ? 1 : 0; k < td_op_rows[node->op].inputs; k++)
            if (r.nodes[node->in[k]] == 0) r.nodes[node->in[k]] = 1;
        if (node->op == TD_OP_PORT) follow_port(s, r.instrument, g, &g->ports[node->n]);
    }
}

static void follow_all(search *s) {
    bool grown = true;
    while (grown) {
        grown = false;
        for (size_t i = 0; i < reached_count(s); i++) {
            if (!reached_at(s, i)->grown) continue;
            follow(s, i);
            grown = true;
        }
    }
}

/* ---- how far ---- */

typedef struct way { /* to a node's first value: -1 events: there is no such way */
    int64_t events, span_ns;
} way;
static const way none = {-1, 0};

static way longer(way a, way b) {
    return (way){a.events > b.events ? a.events : b.events, a.span_ns > b.span_ns ? a.span_ns : b.span_ns};
}

typedef struct ways { /* from the first event on; and from when what the node reads of others is there */
    way own, behind;
} ways;

static way go_on(way before, const td_graph *g, const td_node *node) {
    if (before.events < 0) return none;
    return (way){before.events + td_node_warmup(g, node), before.span_ns + node_span(g, node)};
}

static ways ways_of(const td_graph *g, const ways *all, const td_node *node) {
    ways out = {none, none};
    if (node->op == TD_OP_PORT && !td_port_is_of_position(&g->ports[node->n])) {
        out.behind = (way){0, 0};
        return out;
    }
    for (uint32_t k = node->op == TD_OP_NZ ? 1 : 0; k < td_op_rows[node->op].inputs; k++) {
        out.own = longer(out.own, all[node->in[k]].own);
        out.behind = longer(out.behind, all[node->in[k]].behind);
    }
    if (out.behind.events < 0 && out.own.events < 0) out.own = (way){0, 0};
    out.own = go_on(out.own, g, node);
    out.behind = go_on(out.behind, g, node);
    return out;
}

static ways longest(const search *s, const reached *r, uint32_t *lacks) {
    const td_graph *g = s->program->graphs[r->graph];
    ways *all = td_alloc_zero(g->node_count + 1, sizeof *all), most = {none, none};
    for (uint32_t i = 0; i < g->node_count; i++) {
        all[i] = ways_of(g, all, &g->nodes[i].is);
        if (r->nodes[i] == 0) continue;
        most.own = longer(most.own, all[i].own);
        most.behind = longer(most.behind, all[i].behind);
        *lacks |= lacks_of(g, &g->nodes[i].is);
    }
    free(all);
    return most;
}

static uint32_t count_of(int64_t events) { return events < UINT32_MAX ? (uint32_t)events : UINT32_MAX; }

/* Of another graph what rests on others comes behind those, at worst. */
static void put_need(const search *s, const reached *r, bool first, td_needs *out) {
    ways most = longest(s, r, &out->lacks);
    td_need is = {.rhythm = s->program->graphs[r->graph]->rhythm, .instrument = r->instrument};
    if (first && (most.behind.events > 0 || most.behind.span_ns > 0)) {
        out->from_then = count_of(most.behind.events + 1);
        out->from_then_ns = most.behind.span_ns;
    } else if (!first) {
        most.own = longer(most.own, most.behind);
    }
    bool any = most.own.events >= 0 || most.behind.events >= 0;
    is.events = count_of(most.own.events > 0 ? most.own.events + 1 : any);
    is.span_ns = most.own.span_ns;
    td_buf_put(&out->list, &is, sizeof is);
}

static int compare_needs(const void *a, const void *b) {
    const td_need *x = a, *y = b;
    int order = td_rhythm_compare(x->rhythm, y->rhythm);
    return order != 0 ? order : td_bytes_compare(x->instrument, y->instrument);
}

static bool is_needed(const td_graph *g, uint32_t node, uint32_t strategy) {
    return (g->users[(size_t)node * g->mask_words + strategy / 64] >> (strategy % 64) & 1) != 0;
}

void td_strategy_needs(const td_program *p, size_t graph, uint32_t strategy, td_needs *out) {
    const td_graph *g = p->graphs[graph];
    search s = {.program = p};
    *out = (td_needs){0};
    reached *own = reach(&s, graph, (td_bytes){0});
    for (uint32_t i = 0; i < g->node_count; i++)
        if (is_needed(g, i, strategy)) need(own, i);
    follow_all(&s);
    for (size_t i = 0; i < reached_count(&s); i++) {
        put_need(&s, reached_at(&s, i), i == 0, out);
        free(reached_at(&s, i)->nodes);
    }
    td_buf_fini(&s.list);
    qsort(out->list.data + sizeof(td_need), td_needs_count(out) - 1, sizeof(td_need), compare_needs);
}

void td_needs_fini(td_needs *needs) { td_buf_fini(&needs->list); }
