/* src/stream/carry.c - nodes are matched by what they compute, then states are put together instrument by instrument.
 */
#include "stream/carry.h"
#include "base/hash.h"
#include "stream/graph_layout.h"
#include "stream/over.h"
#include <stdlib.h>

#define NOTHING TD_GRAPH_NOTHING

struct td_carry {
    const td_graph *to, *from;
    uint32_t *nodes;      /* of `to`: the same one in `from`, or NOTHING */
    uint32_t *strategies; /* likewise */
};

/* ---- what is the same ---- */

typedef struct meaning { /* a hash of all that a node computes */
    uint64_t hash;
    uint32_t node;
    bool known;
} meaning;

typedef struct meanings { /* of the nodes of all graphs of a program */
    const td_program *program;
    meaning *graphs[TD_GRAPHS_MAX];
} meanings;

static uint64_t meaning_at(meanings *m, size_t w, uint32_t node);

static bool is_of_rhythm(const td_program *p, size_t at, td_rhythm rhythm) {
    return p->graphs[at] != NULL && td_rhythm_compare(td_graph_rhythm(p->graphs[at]), rhythm) == 0;
}

static uint64_t meaning_of_export(meanings *m, size_t at, uint32_t export_at) {
    const td_graph *g = m->program->graphs[at];
    const graph_export *e = &g->exports[export_at];
    uint64_t hash = meaning_at(m, at, e->node);
    for (uint32_t i = 0; i < e->set_count && e->section != 0; i++)
        hash = hash * 31 + td_hash_bytes(g->sets[e->set_first + i]);
    return hash;
}

/* A port is what it reads, of whom, wherever that graph has put it. Positions follow the names of strategies. */
static uint64_t meaning_of_port(meanings *m, const td_graph *reader, td_port port) {
    size_t at = 0;
    uint64_t read = 0;
    while (!is_of_rhythm(m->program, at, port.rhythm)) at++; /* the language has put it there */
    const td_graph *graph = m->program->graphs[at];
    bool reads = port.kind != TD_PORT_AGE && port.kind != TD_PORT_MATCH_AGE && port.kind < TD_PORT_POSITION;
    if (reads) read = meaning_of_export(m, at, port.export_at);
    if (port.admits != 0) read = read * 31 + meaning_at(m, at, graph->exports[port.admits - 1].node);
    if (port.kind >= TD_PORT_POSITION) read = td_hash_bytes(reader->strategies[port.export_at].name);
    if (port.use != 0) read = read * 31 + td_hash_bytes(reader->uses[port.use - 1].instrument);
    port.export_at = port.use = port.admits = 0;
    return read ^ td_hash_bytes((td_bytes){(const uint8_t *)&port, sizeof port});
}

static uint64_t hash_of(meanings *m, size_t w, const td_node *node) {
    struct {
        td_value constant;
        uint64_t in[TD_OP_INPUTS_MAX];
        uint32_t n;
        uint8_t op, type, zero[10];
    } key = {.constant = node->constant, .n = node->n, .op = node->op, .type = node->type};
    const td_op_row *row = &td_op_rows[node->op];
    if (node->op == TD_OP_PORT) {
        key.in[0] = meaning_of_port(m, m->program->graphs[w], m->program->graphs[w]->ports[node->n]);
        key.n = 0;
    }
    if (node->op == TD_OP_FACT) key.n = 0; /* its constant tells facts apart, wherever they lie */
    for (uint32_t k = 0; k < row->inputs; k++) key.in[k] = meaning_at(m, w, node->in[k]);
    if (row->commutative && key.in[0] > key.in[1]) {
        uint64_t other = key.in[0];
        key.in[0] = key.in[1];
        key.in[1] = other;
    }
    return td_hash_bytes((td_bytes){(const uint8_t *)&key, sizeof key});
}

/* Inputs stand before their users: asked in order, only ports lead on. */
static uint64_t meaning_at(meanings *m, size_t w, uint32_t node) {
    const td_graph *g = m->program->graphs[w];
    if (m->graphs[w] == NULL) m->graphs[w] = td_alloc_zero((size_t)g->node_count + 1, sizeof **m->graphs);
    meaning *is = &m->graphs[w][node];
    if (!is->known) *is = (meaning){hash_of(m, w, &g->nodes[node].is), node, true};
    return is->hash;
}

/* Those of one graph; to be freed. */
static meaning *meanings_of(const td_program *program, size_t w) {
    meanings m = {.program = program};
    for (uint32_t i = 0; i < program->graphs[w]->node_count; i++) (void)meaning_at(&m, w, i);
    for (size_t other = 0; other < TD_GRAPHS_MAX; other++)
        if (other != w) free(m.graphs[other]);
    return m.graphs[w];
}

void td_carry_name_sections(td_program *program) {
    meanings m = {.program = program};
    for (size_t g = 0; g < program->width_count; g++) {
        td_graph *graph = program->graphs[g];
        for (uint32_t i = 0; graph != NULL && i < graph->export_count; i++) {
            uint64_t hash = graph->exports[i].section != 0 ? meaning_of_export(&m, g, i) : 0;
            if (graph->exports[i].section != 0) graph->exports[i].section = hash != 0 ? hash : 1;
        }
    }
    for (size_t g = 0; g < TD_GRAPHS_MAX; g++) free(m.graphs[g]);
}

static int by_hash(const void *a, const void *b) {
    const meaning *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Equal hashes are not enough: the operator is the same, over inputs that are. */
static bool is_same_node(const td_carry *c, uint32_t node, uint32_t old) {
    const td_node *a = &c->to->nodes[node].is, *b = &c->from->nodes[old].is;
    const td_op_row *row = &td_op_rows[a->op];
    if (a->op != b->op || a->type != b->type || a->constant != b->constant) return false;
    if (a->op == TD_OP_PORT || a->op == TD_OP_FACT) return true;
    if (a->n != b->n) return false;
    bool same = true, turned = row->commutative;
    for (uint32_t k = 0; k < row->inputs; k++) same &= c->nodes[a->in[k]] == b->in[k];
    if (turned) turned = c->nodes[a->in[0]] == b->in[1] && c->nodes[a->in[1]] == b->in[0];
    return same || turned;
}

static void match_nodes(td_carry *c, meaning *mine, meaning *theirs) {
    qsort(theirs, c->from->node_count, sizeof *theirs, by_hash);
    for (uint32_t i = 0; i < c->to->node_count; i++) {
        const meaning *found = bsearch(&mine[i], theirs, c->from->node_count, sizeof *theirs, by_hash);
        if (found != NULL && is_same_node(c, i, found->node)) c->nodes[i] = found->node;
    }
    free(theirs);
    free(mine);
}

static bool have_same_sets(const td_carry *c, const graph_strategy *a, const graph_strategy *b) {
    uint32_t where = a->where != NOTHING ? c->nodes[a->where] : NOTHING;
    bool same = a->set_count == b->set_count && where == b->where && (where == NOTHING) == (a->where == NOTHING);
    for (uint32_t i = 0; i < a->set_count && same; i++)
        same = td_bytes_equal(c->to->sets[a->set_first + i], c->from->sets[b->set_first + i]);
    return same;
}

/* How its orders are filled, when it is left, and when it does not enter. */
static bool have_same_rules(const td_carry *c, const graph_strategy *a, const graph_strategy *b) {
    bool same = memcmp(&a->rules, &b->rules, sizeof a->rules) == 0 && a->exit_count == b->exit_count;
    for (uint32_t i = 0; i < a->exit_count && same; i++) {
        const td_exit_rule *x = &c->to->exits[a->exit_first + i], *y = &c->from->exits[b->exit_first + i];
        same = x->kind == y->kind && x->level == y->level && x->r == y->r && x->from_r == y->from_r &&
               (x->level == TD_EXIT_R || c->nodes[x->node] == y->node);
    }
    return same;
}

static bool have_same_qty(const td_carry *c, const td_graph_action *x, const td_graph_action *y) {
    bool written = x->qty_node == NOTHING, was_written = y->qty_node == NOTHING;
    return written || was_written ? written && was_written && x->qty == y->qty : c->nodes[x->qty_node] == y->qty_node;
}

/* What it trades, in the same order. */
static bool have_same_positions(const td_carry *c, const graph_strategy *a, const graph_strategy *b) {
    bool same = a->position_count == b->position_count;
    for (uint32_t p = 0; p < a->position_count && same; p++)
        same = td_bytes_equal(c->to->traded[a->position_first + p], c->from->traded[b->position_first + p]);
    return same;
}

static bool have_same_actions(const td_carry *c, const graph_strategy *a, const graph_strategy *b) {
    bool same = a->action_count == b->action_count;
    for (uint32_t i = 0; i < a->action_count && same; i++) {
        const td_graph_action *x = &c->to->actions[a->action_first + i], *y = &c->from->actions[b->action_first + i];
        same = x->action == y->action && x->leaving == y->leaving && have_same_qty(c, x, y) &&
               x->position == y->position && x->first - a->action_first == y->first - b->action_first &&
               td_bytes_equal(x->note, y->note) && c->nodes[x->condition] == y->condition;
    }
    return same;
}

static uint32_t first_report(const td_graph *g, uint32_t strategy) {
    uint32_t r = 0;
    while (r < g->report_count && g->reports[r].owner != strategy) r++;
    return r;
}

static uint32_t count_reports(const td_graph *g, uint32_t strategy) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < g->report_count; r++) count += g->reports[r].owner == strategy;
    return count;
}

static bool is_same_report(const td_carry *c, const graph_report *a, const graph_report *b) {
    bool same = a->action == b->action && td_bytes_equal(a->text, b->text) && a->value_count == b->value_count &&
                c->nodes[a->condition] == b->condition;
    for (uint32_t i = 0; i < a->value_count && same; i++) {
        const graph_report_value *x = &c->to->report_values[a->value_first + i],
                                 *y = &c->from->report_values[b->value_first + i];
        same = td_bytes_equal(x->name, y->name) && c->nodes[x->node] == y->node;
    }
    return same;
}

/* Those of one strategy stand in a row. */
static bool have_same_reports(const td_carry *c, uint32_t strategy, uint32_t old) {
    uint32_t count = count_reports(c->to, strategy), a = first_report(c->to, strategy), b = first_report(c->from, old);
    bool same = count_reports(c->from, old) == count;
    for (uint32_t i = 0; i < count && same; i++)
        same = is_same_report(c, &c->to->reports[a + i], &c->from->reports[b + i]);
    return same;
}

static void match_strategy(td_carry *c, uint32_t s) {
    const graph_strategy *a = &c->to->strategies[s];
    for (uint32_t o = 0; o < c->from->strategy_count; o++) {
        const graph_strategy *b = &c->from->strategies[o];
        bool same = td_bytes_equal(a->name, b->name) && have_same_sets(c, a, b) && have_same_rules(c, a, b) &&
                    have_same_positions(c, a, b) && have_same_actions(c, a, b) && have_same_reports(c, s, o);
        if (same) c->strategies[s] = o;
    }
}

size_t td_carry_find(const td_program *program, td_rhythm rhythm) {
    size_t at = 0;
    while (at < td_program_graph_count(program) && !is_of_rhythm(program, at, rhythm)) at++;
    return at;
}

td_carry *td_carry_new(const td_program *to, size_t graph, const td_program *from) {
    td_carry *c = td_alloc_zero(1, sizeof *c);
    const td_graph *g = to->graphs[graph];
    size_t old = td_carry_find(from, g->rhythm);
    size_t strategy_bytes = g->strategy_count * sizeof *c->strategies, node_bytes = g->node_count * sizeof *c->nodes;
    *c = (td_carry){g, old < td_program_graph_count(from) ? from->graphs[old] : NULL, td_alloc(node_bytes),
                    td_alloc(strategy_bytes)};
    memset(c->nodes, 0xff, node_bytes);
    memset(c->strategies, 0xff, strategy_bytes);
    if (c->from == NULL) return c;
    match_nodes(c, meanings_of(to, graph), meanings_of(from, old));
    for (uint32_t s = 0; s < g->strategy_count; s++) match_strategy(c, s);
    return c;
}

void td_carry_free(td_carry *c) {
    if (c == NULL) return;
    free(c->strategies);
    free(c->nodes);
    free(c);
}

uint32_t td_carry_strategy(const td_carry *c, uint32_t strategy) { return c->strategies[strategy]; }

uint32_t td_carry_action(const td_carry *c, uint32_t strategy, uint32_t action) {
    uint32_t first = c->from->strategies[c->strategies[strategy]].action_first;
    return c->to->strategies[strategy].action_first + action - first;
}

uint32_t td_carry_report(const td_carry *c, uint32_t report) {
    uint32_t strategy = c->to->reports[report].owner, old = c->strategies[strategy];
    if (old == NOTHING) return NOTHING;
    return first_report(c->from, old) + report - first_report(c->to, strategy);
}

uint32_t td_carry_port(const td_carry *c, uint32_t port) {
    uint32_t old = c->nodes[c->to->port_nodes[port]];
    return old != NOTHING ? c->from->nodes[old].is.n : NOTHING;
}

bool td_carry_same_exports(const td_carry *c) {
    bool same = c->from != NULL && c->from->export_count == c->to->export_count;
    for (uint32_t i = 0; same && i < c->to->export_count; i++)
        same = c->nodes[c->to->exports[i].node] == c->from->exports[i].node;
    return same;
}

/* ---- one state ---- */

typedef struct source { /* one of the two states that a third is made of; graph NULL: there is none */
    const td_graph *graph;
    const uint8_t *state;
    uint64_t seen;
} source;

typedef struct making {
    const td_carry *carry;
    uint8_t *to;
    uint64_t seen;
    source from, warm;
} making;

static source source_of(const td_graph *g, const void *state) {
    const state_head *head = state;
    return head != NULL && head->seen > 0 ? (source){g, state, head->seen} : (source){0};
}

static bool is_active(const td_graph *g, const uint8_t *state, uint32_t node) {
    return state[g->active_offset + g->strategy_count + g->export_count + node] != 0;
}

/* Where the node's state comes from, and under which number it stands there. */
static const source *source_for(const making *m, uint32_t node, uint32_t *out_node) {
    uint32_t old = m->carry->nodes[node];
    *out_node = node;
    if (m->from.graph == NULL || old == NOTHING || !is_active(m->from.graph, m->from.state, old)) return &m->warm;
    *out_node = old;
    return &m->from;
}

static td_past past_in(const source *s, uint32_t node) {
    const graph_node *is = &s->graph->nodes[node];
    return (td_past){s->state + is->ring_offset, is->ring_depth, is->ring_wide, s->seen};
}

static td_value *value_at(const td_graph *g, uint8_t *state, uint32_t node) {
    return (td_value *)(void *)(state + g->values_offset) + node;
}

static td_value past_value(const making *m, uint32_t node, uint32_t ago) {
    uint32_t there;
    const source *s = source_for(m, node, &there);
    if (s == &m->from && ago > s->graph->nodes[there].ring_depth) { /* nobody looked so far back before */
        s = &m->warm;
        there = node;
    }
    if (s->graph == NULL) return TD_VALUE_NA;
    td_past past = past_in(s, there);
    return td_past_at(&past, ago);
}

static void make_past(const making *m, uint32_t node) {
    const graph_node *is = &m->carry->to->nodes[node];
    for (uint32_t ago = 1; ago <= is->ring_depth && ago <= m->seen; ago++)
        td_graph_put_past(is, m->to, m->seen - ago, past_value(m, node, ago));
}

static void make_node(const making *m, uint32_t node) {
    const td_graph *g = m->carry->to;
    const graph_node *is = &g->nodes[node];
    const td_op_row *row = &td_op_rows[is->is.op];
    uint32_t there;
    const source *s = source_for(m, node, &there);
    make_past(m, node);
    *value_at(g, m->to, node) = TD_VALUE_NA;
    if (s->graph == NULL) return;
    memcpy(value_at(g, m->to, node), (const td_value *)(const void *)(s->state + s->graph->values_offset) + there,
           sizeof(td_value));
    if (row->state_bytes == NULL) return;
    td_type type = (td_type)g->nodes[is->is.in[0]].is.type;
    memcpy(m->to + is->state_offset, s->state + s->graph->nodes[there].state_offset, row->state_bytes(type, is->is.n));
}

/* A new window forgets what it has seen, and sees again what now stands in the past of its inputs. */
static void make_window_again(const making *m, uint32_t node) {
    const td_graph *g = m->carry->to;
    const graph_node *is = &g->nodes[node];
    const td_op_row *row = &td_op_rows[is->is.op];
    td_step step = {.state = m->to + is->state_offset, .n = is->is.n, .type = (td_type)g->nodes[is->is.in[0]].is.type};
    memset(step.state, 0, row->state_bytes(step.type, step.n));
    *value_at(g, m->to, node) = TD_VALUE_NA;
    if (row->inputs != row->pasts) return; /* of the others nobody knows what they were */
    source made = {g, m->to, m->seen};
    for (uint32_t ago = (uint32_t)(m->seen < step.n ? m->seen : step.n); ago > 0; ago--) {
        for (uint32_t k = 0; k < row->pasts; k++) {
            step.past[k] = past_in(&made, is->is.in[k]);
            step.in[k] = td_past_at(&step.past[k], ago);
            step.past[k].seen = m->seen - ago;
        }
        *value_at(g, m->to, node) = row->step(&step);
    }
}

/* A window since a condition that was kept knows its epoch by the number that it has here, not in the warm state. */
static void rename_epoch(const making *m, uint32_t node) {
    const td_graph *g = m->carry->to;
    const td_node *is = &g->nodes[node].is;
    uint32_t there, epoch = is->in[2];
    if (td_op_rows[is->op].inputs < 3 || g->nodes[epoch].is.op != TD_OP_EPOCH) return;
    if (source_for(m, node, &there) != &m->warm || source_for(m, epoch, &there) == &m->warm) return;
    td_over *over = (td_over *)(void *)(m->to + g->nodes[node].state_offset);
    if (m->warm.graph != NULL && !td_value_is_na(over->epoch)) over->epoch = *value_at(g, m->to, epoch);
}

static bool is_new_window(const making *m, uint32_t node) {
    const td_op_row *row = &td_op_rows[m->carry->to->nodes[node].is.op];
    uint32_t there;
    return row->pasts > 0 && row->state_bytes != NULL && source_for(m, node, &there) == &m->warm;
}

/* Numbers of bars are remembered by their low 32 bits (order.c): those stay. */
static uint64_t seen_by_both(uint64_t from, uint64_t warm) { return from < warm ? from + (UINT64_C(1) << 32) : from; }

void td_carry_state(const td_carry *c, const td_carried *of) {
    const td_graph *g = c->to;
    making m = {.carry = c, .to = of->to, .from = source_of(c->from, of->from), .warm = source_of(g, of->warm)};
    if (m.from.graph == NULL && m.warm.graph == NULL) return;
    if (m.from.graph == NULL) {
        memcpy(of->to, of->warm, g->state_bytes);
        memset(m.to + g->positions_offset, 0, g->values_offset - g->positions_offset); /* levels, too */
        return;
    }
    m.seen = seen_by_both(m.from.seen, m.warm.seen);
    state_head *head = of->to;
    *head = *(const state_head *)of->from;
    head->seen = m.seen;
    head->wanted = 0; /* counted by what comes next */
    td_graph_begin(g, of->to, of->instrument, of->copy);
    for (uint32_t i = g->constant_count; i < g->node_count; i++)
        if (is_active(g, m.to, i)) make_node(&m, i);
    for (uint32_t i = g->constant_count; i < g->node_count; i++) {
        if (!is_active(g, m.to, i)) continue;
        rename_epoch(&m, i);
        if (is_new_window(&m, i)) make_window_again(&m, i);
    }
}

/* Levels that only ever follow go on from where they stood; where the rules are others, all stand anew. */
static void carry_levels(const td_graph *to, uint8_t *state, const td_graph *from, const uint8_t *before,
                         const uint32_t pair[2]) {
    const graph_strategy *a = &to->strategies[pair[0]], *b = &from->strategies[pair[1]];
    bool same = a->exit_count == b->exit_count;
    for (uint32_t i = 0; i < a->exit_count && same; i++)
        same = to->exits[a->exit_first + i].kind == from->exits[b->exit_first + i].kind;
    td_exit *mine = (td_exit *)(void *)(state + to->exits_offset) + a->exit_first;
    const td_exit *theirs = (const td_exit *)(const void *)(before + from->exits_offset) + b->exit_first;
    for (uint32_t i = 0; i < a->exit_count && same; i++) mine[i] = theirs[i];
}

static void carry_papers(const td_graph *to, void *state, const td_graph *from, const void *before,
                         const uint32_t pair[2]) {
    const graph_strategy *a = &to->strategies[pair[0]], *b = &from->strategies[pair[1]];
    uint64_t ran = ((const state_head *)state)->seen - ((const state_head *)before)->seen;
    td_paper *mine = (td_paper *)(void *)((uint8_t *)state + to->positions_offset) + a->position_first;
    const td_paper *theirs =
        (const td_paper *)(const void *)((const uint8_t *)before + from->positions_offset) + b->position_first;
    for (uint32_t p = 0; p < a->position_count; p++)
        for (uint32_t q = 0; q < b->position_count; q++) {
            if (!td_bytes_equal(to->traded[a->position_first + p], from->traded[b->position_first + q])) continue;
            mine[p] = theirs[q];
            mine[p].entry_seen += (uint32_t)ran;
        }
}

void td_carry_positions(const td_graph *to, void *state, const td_graph *from, const void *before) {
    if (((const state_head *)before)->seen == 0) return;
    for (uint32_t s = 0; s < to->strategy_count; s++)
        for (uint32_t o = 0; o < from->strategy_count; o++) {
            const uint32_t pair[] = {s, o};
            if (!td_bytes_equal(to->strategies[s].name, from->strategies[o].name)) continue;
            carry_papers(to, state, from, before, pair);
            carry_levels(to, state, from, before, pair);
        }
}
