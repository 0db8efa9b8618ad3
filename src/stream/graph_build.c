/* src/stream/graph_build.c - from nodes as they are written to one flat graph. */
#include "stream/graph_build.h"
#include "base/hash.h"
#include "stream/graph_layout.h"
#include "stream/tick.h"
#include <assert.h>
#include <stdlib.h>

struct td_graph_builder {
    td_rhythm rhythm;
    td_buf nodes; /* td_node */
    td_buf strategies, sets, actions, lines, params, terms, exports, uses, reports, report_values, exits;
    td_buf ports;  /* td_port */
    td_buf traded; /* td_bytes */
    td_buf facts, fact_rows;
    td_buf texts;    /* written_text */
    uint32_t *table; /* node + 1 by hash of its bytes, 0: free; open addressing */
    uint32_t table_size;
};

#define COUNT(buf, type) ((uint32_t)((buf).size / sizeof(type)))

td_graph_builder *td_graph_builder_new(td_rhythm rhythm) {
    td_graph_builder *b = td_alloc_zero(1, sizeof *b);
    b->rhythm = rhythm;
    b->table_size = 256;
    b->table = td_alloc_zero(b->table_size, sizeof *b->table);
    return b;
}

void td_graph_builder_free(td_graph_builder *b) {
    if (b == NULL) return;
    free(b->table);
    td_buf_fini(&b->texts);
    td_buf_fini(&b->terms);
    td_buf_fini(&b->params);
    td_buf_fini(&b->report_values);
    td_buf_fini(&b->reports);
    td_buf_fini(&b->fact_rows);
    td_buf_fini(&b->facts);
    td_buf_fini(&b->traded);
    td_buf_fini(&b->ports);
    td_buf_fini(&b->exports);
    td_buf_fini(&b->uses);
    td_buf_fini(&b->lines);
    td_buf_fini(&b->exits);
    td_buf_fini(&b->actions);
    td_buf_fini(&b->sets);
    td_buf_fini(&b->strategies);
    td_buf_fini(&b->nodes);
    free(b);
}

td_rhythm td_graph_builder_rhythm(const td_graph_builder *b) { return b->rhythm; }

/* ---- nodes ---- */

static td_node *node_at(const td_graph_builder *b, uint32_t i) {
    assert(i < COUNT(b->nodes, td_node));
    return (td_node *)(void *)b->nodes.data + i;
}

td_node td_graph_builder_node(const td_graph_builder *b, uint32_t node) { return *node_at(b, node); }

/* The table's place of an equal node, or the free place where it belongs. */
static uint32_t *place_of(const td_graph_builder *b, const td_node *node) {
    uint32_t i = (uint32_t)td_hash_bytes((td_bytes){(const uint8_t *)node, sizeof *node}) & (b->table_size - 1);
    while (b->table[i] != 0 && memcmp(node_at(b, b->table[i] - 1), node, sizeof *node) != 0)
        i = (i + 1) & (b->table_size - 1);
    return &b->table[i];
}

static void grow_table(td_graph_builder *b) {
    free(b->table);
    b->table_size *= 2;
    b->table = td_alloc_zero(b->table_size, sizeof *b->table);
    for (uint32_t i = 0; i < COUNT(b->nodes, td_node); i++) *place_of(b, node_at(b, i)) = i + 1;
}

static bool all_constant(const td_graph_builder *b, const td_node *node) {
    for (uint32_t i = 0; i < td_op_rows[node->op].inputs; i++)
        if (node_at(b, node->in[i])->op != TD_OP_CONSTANT) return false;
    return true;
}

static td_node fold(const td_graph_builder *b, const td_node *node) {
    td_value in[TD_OP_INPUTS_MAX];
    for (uint32_t i = 0; i < TD_OP_INPUTS_MAX; i++) in[i] = node_at(b, node->in[i])->constant;
    td_value constant = td_op_apply((td_op)node->op, in[0], in[1], in[2]);
    return (td_node){.op = TD_OP_CONSTANT, .type = node->type, .constant = constant};
}

/* The number of the node, which is added unless there is an equal one. */
static uint32_t intern(td_graph_builder *b, td_node node) {
    uint32_t *place = place_of(b, &node);
    if (*place != 0) return *place - 1;

    td_buf_put(&b->nodes, &node, sizeof node);
    uint32_t count = COUNT(b->nodes, td_node);
    *place = count;
    if (count > b->table_size / 2) grow_table(b);
    return count - 1;
}

uint32_t td_graph_builder_add(td_graph_builder *b, td_node node) {
    const td_op_row *row = &td_op_rows[node.op];
    if (node.op != TD_OP_CONSTANT) {
        node.type = node.op == TD_OP_FIELD ? (uint8_t)td_field_type(td_field_of(node.n))
                    : row->same > 0        ? node_at(b, node.in[row->same - 1])->type
                                           : (uint8_t)row->type;
        if (row->inputs == 1) node.in[1] = node.in[0]; /* as td_op_apply wants it */
        if (row->pure && all_constant(b, &node)) node = fold(b, &node);
    }
    if (row->commutative && node.in[0] > node.in[1]) {
        uint32_t swap = node.in[0];
        node.in[0] = node.in[1];
        node.in[1] = swap;
    }
    return intern(b, node);
}

/* ---- texts ---- */

typedef struct written_text {
    td_value name; /* the same of equal texts, in any graph */
    td_bytes text;
} written_text;

static const written_text *text_named(const td_graph_builder *b, td_value name) {
    const written_text *texts = (const written_text *)(const void *)b->texts.data;
    for (uint32_t i = 0; i < COUNT(b->texts, written_text); i++)
        if (texts[i].name == name) return &texts[i];
    return NULL;
}

uint32_t td_graph_builder_add_text(td_graph_builder *b, uint32_t test, td_bytes text) {
    uint8_t sha256[32];
    written_text written = {.text = text};
    td_sha256(text, sha256);
    memcpy(&written.name, sha256, sizeof written.name);
    if (text_named(b, written.name) == NULL) td_buf_put(&b->texts, &written, sizeof written);
    return td_graph_builder_add(b, (td_node){.op = TD_OP_TEXT, .n = test, .constant = written.name});
}

/* ---- ports ---- */

uint32_t td_graph_builder_add_port(td_graph_builder *b, td_port port) {
    const td_port *ports = (const td_port *)(const void *)b->ports.data;
    uint32_t count = COUNT(b->ports, td_port), at = 0;
    while (at < count && memcmp(&ports[at], &port, sizeof port) != 0) at++;
    if (at == count) td_buf_put(&b->ports, &port, sizeof port);
    return intern(b, (td_node){.op = TD_OP_PORT, .type = (uint8_t)port.type, .n = at});
}

td_port td_graph_builder_port(const td_graph_builder *b, uint32_t n) {
    assert(n < COUNT(b->ports, td_port));
    return ((const td_port *)(const void *)b->ports.data)[n];
}

static bool is_export(const td_graph_builder *b, const graph_export *is, const graph_export *wanted,
                      const td_bytes *sets) {
    const td_bytes *known = (const td_bytes *)(const void *)b->sets.data;
    bool same = is->node == wanted->node && is->section == wanted->section && is->set_count == wanted->set_count;
    for (uint32_t i = 0; i < is->set_count && same; i++) same = td_bytes_equal(known[is->set_first + i], sets[i]);
    return same;
}

static td_port add_export(td_graph_builder *b, graph_export wanted, const td_bytes *sets) {
    const graph_export *exports = (const graph_export *)(const void *)b->exports.data;
    uint32_t count = COUNT(b->exports, graph_export), at = 0;
    while (at < count && !is_export(b, &exports[at], &wanted, sets)) at++;
    if (at == count) {
        wanted.set_first = COUNT(b->sets, td_bytes);
        td_buf_put(&b->sets, sets, wanted.set_count * sizeof *sets);
        td_buf_put(&b->exports, &wanted, sizeof wanted);
    }
    return (td_port){.rhythm = b->rhythm, .export_at = at, .type = node_at(b, wanted.node)->type};
}

td_port td_graph_builder_export(td_graph_builder *b, uint32_t node, const td_bytes *sets, size_t set_count) {
    return add_export(b, (graph_export){.node = node, .set_count = (uint32_t)set_count}, sets);
}

td_port td_graph_builder_export_section(td_graph_builder *b, uint32_t node, const td_bytes *sets, size_t set_count) {
    assert(node_at(b, node)->type == TD_TYPE_REAL);
    return add_export(b, (graph_export){.node = node, .set_count = (uint32_t)set_count, .section = 1}, sets);
}

/* ---- facts ---- */

static uint64_t hash_facts(td_type type, const td_graph_fact *facts, size_t count) {
    uint64_t hash = (uint64_t)type;
    for (size_t i = 0; i < count; i++) {
        hash = hash * 31 + td_hash_bytes(facts[i].pattern);
        hash = hash * 31 + td_hash_bytes((td_bytes){(const uint8_t *)&facts[i].value, sizeof facts[i].value});
    }
    return hash;
}

uint32_t td_graph_builder_add_facts(td_graph_builder *b, td_type type, const td_graph_fact *facts, size_t count) {
    graph_facts is = {hash_facts(type, facts, count), COUNT(b->fact_rows, td_graph_fact), (uint32_t)count};
    const graph_facts *known = (const graph_facts *)(const void *)b->facts.data;
    uint32_t known_count = COUNT(b->facts, graph_facts), at = 0;
    while (at < known_count && known[at].hash != is.hash) at++;
    if (at == known_count) {
        td_buf_put(&b->facts, &is, sizeof is);
        td_buf_put(&b->fact_rows, facts, count * sizeof *facts);
    }
    return intern(b, (td_node){.op = TD_OP_FACT, .type = (uint8_t)type, .n = at, .constant = (td_value)is.hash});
}

/* ---- strategies ---- */

void td_graph_builder_begin_strategy(td_graph_builder *b, td_bytes name, const td_bytes *sets, size_t set_count) {
    graph_strategy s = {.name = name,
                        .set_first = COUNT(b->sets, td_bytes),
                        .set_count = (uint32_t)set_count,
                        .where = TD_GRAPH_NOTHING,
                        .flat = TD_GRAPH_NOTHING,
                        .action_first = COUNT(b->actions, td_graph_action),
                        .exit_first = COUNT(b->exits, td_exit_rule),
                        .position_first = COUNT(b->traded, td_bytes),
                        .position_count = 1};
    td_buf_put(&b->traded, &(td_bytes){0}, sizeof(td_bytes));
    td_buf_put(&b->sets, sets, set_count * sizeof *sets);
    td_buf_put(&b->strategies, &s, sizeof s);
}

uint32_t td_graph_builder_strategy(const td_graph_builder *b) { return COUNT(b->strategies, graph_strategy) - 1; }

static graph_strategy *last_strategy(const td_graph_builder *b) {
    assert(b->strategies.size > 0);
    return (graph_strategy *)(void *)(b->strategies.data + b->strategies.size) - 1;
}

void td_graph_builder_add_action(td_graph_builder *b, const td_graph_action *legs, uint8_t leg_count) {
    uint32_t first = COUNT(b->actions, td_graph_action);
    bool enters = false;
    for (uint8_t i = 0; i < leg_count; i++) enters = enters || td_action_enters((td_action)legs[i].action);
    for (uint8_t i = 0; i < leg_count; i++) {
        td_graph_action leg = legs[i];
        assert(node_at(b, leg.condition)->type == TD_TYPE_CONDITION && leg.qty > 0);
        leg.first = first;
        leg.traded = last_strategy(b)->position_first + leg.position;
        leg.legs = leg_count;
        leg.enters = enters;
        td_buf_put(&b->actions, &leg, sizeof leg);
    }
    last_strategy(b)->action_count += leg_count;
}

uint32_t td_graph_builder_positions(const td_graph_builder *b) { return last_strategy(b)->position_count; }

uint32_t td_graph_builder_add_position(td_graph_builder *b, td_bytes instrument) {
    graph_strategy *s = last_strategy(b);
    const td_bytes *known = (const td_bytes *)(const void *)b->traded.data + s->position_first;
    for (uint32_t p = 1; p < s->position_count; p++)
        if (td_bytes_equal(known[p], instrument)) return p;
    if (s->position_count == TD_POSITIONS_MAX) return UINT32_MAX;
    td_buf_put(&b->traded, &instrument, sizeof instrument);
    return s->position_count++;
}

void td_graph_builder_add_line(td_graph_builder *b, td_bytes name, uint32_t node) {
    assert(node_at(b, node)->type != TD_TYPE_CONDITION);
    td_graph_line line = {
        .strategy = last_strategy(b)->name, .name = name, .node = node, .owner = td_graph_builder_strategy(b)};
    td_buf_put(&b->lines, &line, sizeof line);
}

void td_graph_builder_add_exit(td_graph_builder *b, const td_exit_rule *rule) {
    assert(last_strategy(b)->exit_count < TD_EXITS_MAX);
    td_buf_put(&b->exits, rule, sizeof *rule);
    last_strategy(b)->exit_count++;
}

size_t td_graph_builder_exits(const td_graph_builder *b, const td_exit_rule **out) {
    const graph_strategy *s = last_strategy(b);
    *out = s->exit_count > 0 ? (const td_exit_rule *)(const void *)b->exits.data + s->exit_first : NULL;
    return s->exit_count;
}

void td_graph_builder_set_flat(const td_graph_builder *b, uint32_t node) {
    assert(node_at(b, node)->type == TD_TYPE_TIME);
    last_strategy(b)->flat = node;
}

td_paper_rules *td_graph_builder_rules(const td_graph_builder *b) { return &last_strategy(b)->rules; }

void td_graph_builder_add_param(td_graph_builder *b, td_bytes name, uint32_t node) {
    const td_node *constant = node_at(b, node);
    td_graph_param param = {
        .name = name, .value = constant->constant, .type = constant->type, .owner = td_graph_builder_strategy(b)};
    assert(constant->op == TD_OP_CONSTANT);
    td_buf_put(&b->params, &param, sizeof param);
}

void td_graph_builder_set_text(td_graph_builder *b, td_bytes text) { last_strategy(b)->text = text; }

/* ---- terms ---- */

static td_term *term_at(const td_graph_builder *b, uint32_t number) {
    assert(number > 0 && number <= COUNT(b->terms, td_term));
    return (td_term *)(void *)b->terms.data + number - 1;
}

uint32_t td_graph_builder_next_term(const td_graph_builder *b) {
    uint32_t count = COUNT(b->terms, td_term);
    return count < TD_TERMS_MAX ? count + 1 : 0;
}

uint32_t td_graph_builder_open_term(td_graph_builder *b, td_term term) {
    uint32_t number = td_graph_builder_next_term(b);
    if (number != 0) td_buf_put(&b->terms, &term, sizeof term);
    return number;
}

void td_graph_builder_name_term(td_graph_builder *b, uint32_t term, uint32_t means) {
    if (term != 0 && means != 0) term_at(b, term)->means = means;
}

void td_graph_builder_close_term(td_graph_builder *b, uint32_t term, uint32_t node) {
    td_term *t = term_at(b, term);
    t->after = COUNT(b->terms, td_term);
    t->node = node;
    t->type = node_at(b, node)->type;
}

uint32_t td_graph_builder_add_use(td_graph_builder *b, td_bytes instrument) {
    td_graph_use use = {instrument, td_graph_builder_strategy(b)};
    uint32_t count = COUNT(b->uses, td_graph_use), first = count;
    const td_graph_use *uses = (const td_graph_use *)(const void *)b->uses.data;
    for (uint32_t i = count; i-- > 0;) {
        if (!td_bytes_equal(uses[i].instrument, instrument)) continue;
        if (uses[i].strategy == use.strategy) use.instrument.size = 0; /* known already */
        first = i;
    }
    if (use.instrument.size > 0) td_buf_put(&b->uses, &use, sizeof use);
    return first + 1;
}

void td_graph_builder_begin_report(td_graph_builder *b, td_action action, td_bytes text, uint32_t condition,
                                   uint32_t term) {
    assert(node_at(b, condition)->type == TD_TYPE_CONDITION);
    graph_report report = {.text = text,
                           .owner = td_graph_builder_strategy(b),
                           .condition = condition,
                           .value_first = COUNT(b->report_values, graph_report_value),
                           .term = term,
                           .action = (uint8_t)action};
    td_buf_put(&b->reports, &report, sizeof report);
}

void td_graph_builder_add_report_value(td_graph_builder *b, td_bytes name, uint32_t node) {
    graph_report_value value = {name, node};
    td_buf_put(&b->report_values, &value, sizeof value);
    ((graph_report *)(void *)(b->reports.data + b->reports.size) - 1)->value_count++;
}

/* ---- layout ---- */

static void set_user(uint64_t *users, uint32_t mask_words, uint32_t node, uint32_t strategy) {
    users[(size_t)node * mask_words + strategy / 64] |= (uint64_t)1 << (strategy % 64);
}

static void use_action(uint64_t *users, const td_graph *g, const td_graph_action *leg, uint32_t strategy) {
    set_user(users, g->mask_words, leg->condition, strategy);
    if (leg->qty_node != TD_GRAPH_NOTHING) set_user(users, g->mask_words, leg->qty_node, strategy);
}

static td_port *port_at(const td_graph_builder *b, uint32_t n) { return (td_port *)(void *)b->ports.data + n; }

/* Whoever needs what an instrument is among others is told among how many. */
static void use_members(const td_graph_builder *b, const td_graph *g, uint64_t *users, uint32_t node) {
    for (uint32_t i = 0; i < COUNT(b->nodes, td_node); i++) {
        if (node_at(b, i)->op != TD_OP_PORT) continue;
        if (!td_port_counts_members(port_at(b, node_at(b, i)->n), port_at(b, node_at(b, node)->n))) continue;
        for (uint32_t w = 0; w < g->mask_words; w++)
            users[(size_t)i * g->mask_words + w] |= users[(size_t)node * g->mask_words + w];
    }
}

/* For each node as written, who needs it: as action, line or export, or through a node that is needed. */
static uint64_t *find_users(const td_graph_builder *b, const td_graph *g) {
    uint32_t count = COUNT(b->nodes, td_node);
    uint64_t *users = td_alloc_zero((size_t)count * g->mask_words, sizeof *users);
    for (uint32_t s = 0; s < g->strategy_count; s++)
        if (g->strategies[s].where != TD_GRAPH_NOTHING) set_user(users, g->mask_words, g->strategies[s].where, s);
    for (uint32_t s = 0; s < g->strategy_count; s++)
        for (uint32_t i = 0; i < g->strategies[s].action_count; i++)
            use_action(users, g, &g->actions[g->strategies[s].action_first + i], s);
    for (uint32_t s = 0; s < g->strategy_count; s++)
        for (uint32_t i = 0; i < g->strategies[s].exit_count; i++)
            set_user(users, g->mask_words, g->exits[g->strategies[s].exit_first + i].node, s);
    for (uint32_t i = 0; i < g->line_count; i++) set_user(users, g->mask_words, g->lines[i].node, g->lines[i].owner);
    for (uint32_t i = 0; i < g->export_count; i++)
        set_user(users, g->mask_words, g->exports[i].node, g->strategy_count + i);
    for (uint32_t i = 0; i < g->report_count; i++) {
        const graph_report *r = &g->reports[i];
        set_user(users, g->mask_words, r->condition, r->owner);
        for (uint32_t k = 0; k < r->value_count; k++)
            set_user(users, g->mask_words, g->report_values[r->value_first + k].node, r->owner);
    }
    for (uint32_t i = count; i-- > 0;) { /* users stand behind their inputs */
        const td_node *node = node_at(b, i);
        for (uint32_t k = 0; k < td_op_rows[node->op].inputs; k++)
            for (uint32_t w = 0; w < g->mask_words; w++)
                users[(size_t)node->in[k] * g->mask_words + w] |= users[(size_t)i * g->mask_words + w];
    }
    for (uint32_t i = 0; i < count; i++)
        if (node_at(b, i)->op == TD_OP_PORT && port_at(b, node_at(b, i)->n)->kind >= TD_PORT_RANK)
            use_members(b, g, users, i);
    return users;
}

static bool is_used(const td_graph *g, const uint64_t *mask) {
    uint64_t any = 0;
    for (uint32_t w = 0; w < g->mask_words; w++) any |= mask[w];
    return any != 0;
}

/* Ports that nobody needs are not read. */
static void place_port(const td_graph_builder *b, td_graph *g, uint32_t at) {
    td_node *node = &g->nodes[at].is;
    g->ports[g->port_count] = ((const td_port *)(const void *)b->ports.data)[node->n];
    g->port_nodes[g->port_count] = at;
    node->n = g->port_count++;
}

typedef enum rest { CONSTANT, OWN, ON_PORTS } rest; /* what a node's value rests on */

static uint8_t *find_rests(const td_graph_builder *b) {
    uint32_t count = COUNT(b->nodes, td_node);
    uint8_t *rests = td_alloc(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const td_node *node = node_at(b, i);
        bool known = td_op_rows[node->op].pure || node->op == TD_OP_CONSTANT || node->op == TD_OP_FACT;
        rests[i] = known ? CONSTANT : node->op == TD_OP_PORT ? ON_PORTS : OWN;
        for (uint32_t k = 0; k < td_op_rows[node->op].inputs; k++)
            if (rests[node->in[k]] > rests[i]) rests[i] = rests[node->in[k]];
    }
    return rests;
}

bool td_graph_builder_is_known(const td_graph_builder *b, uint32_t node) {
    uint8_t *rests = find_rests(b);
    bool known = rests[node] == CONSTANT;
    free(rests);
    return known;
}

void td_graph_builder_set_where(td_graph_builder *b, uint32_t condition) {
    assert(node_at(b, condition)->type == TD_TYPE_CONDITION);
    last_strategy(b)->where = condition;
}

/* Keeps the needed nodes, constants first, those on ports last, else in their order, under new numbers. */
static void place_nodes(const td_graph_builder *b, td_graph *g, uint32_t *number, const uint64_t *users) {
    uint32_t count = COUNT(b->nodes, td_node);
    uint8_t *rests = find_rests(b);
    for (rest kind = CONSTANT; kind <= ON_PORTS; kind++) {
        for (uint32_t i = 0; i < count; i++) {
            const uint64_t *mask = users + (size_t)i * g->mask_words;
            if (rests[i] != kind || !is_used(g, mask)) continue;
            number[i] = g->node_count++;
            td_node *node = &g->nodes[number[i]].is;
            *node = *node_at(b, i);
            for (uint32_t k = 0; k < TD_OP_INPUTS_MAX; k++) node->in[k] = number[node->in[k]];
            if (node->op == TD_OP_PORT) place_port(b, g, number[i]);
            if (node->op == TD_OP_TEXT) g->nodes[number[i]].text = text_named(b, node->constant)->text;
            g->looks_at_daytime = g->looks_at_daytime || td_op_rows[node->op].daytime;
            memcpy(g->users + (size_t)number[i] * g->mask_words, mask, g->mask_words * sizeof *mask);
        }
        if (kind == CONSTANT) g->constant_count = g->node_count;
        if (kind == OWN) g->own_count = g->node_count;
    }
    free(rests);
}

/* By their places in the graph; constants by their values. */
static void take_terms(const td_graph_builder *b, td_graph *g, const uint32_t *number, const uint64_t *users) {
    for (uint32_t i = 0; i < COUNT(b->terms, td_term); i++) {
        td_term *t = term_at(b, i + 1);
        const td_node *node = node_at(b, t->node);
        bool constant = node->op == TD_OP_CONSTANT, used = is_used(g, users + (size_t)t->node * g->mask_words);
        t->constant = constant ? node->constant : TD_VALUE_NA;
        t->node = constant || !used ? TD_GRAPH_NOTHING : number[t->node];
        t->means--; /* from 0, of none, to TD_GRAPH_NOTHING */
    }
}

static void take_nodes(const td_graph_builder *b, td_graph *g, uint32_t action_count) {
    uint32_t count = COUNT(b->nodes, td_node);
    uint64_t *users = find_users(b, g);
    uint32_t *number = td_alloc_zero(count, sizeof *number);
    g->nodes = td_alloc_zero(count, sizeof *g->nodes);
    g->users = td_alloc_zero((size_t)count * g->mask_words, sizeof *g->users);
    g->ports = td_alloc_zero(COUNT(b->ports, td_port), sizeof *g->ports);
    g->port_nodes = td_alloc_zero(COUNT(b->ports, td_port), sizeof *g->port_nodes);
    place_nodes(b, g, number, users);
    for (uint32_t i = 0; i < action_count; i++) {
        td_graph_action *leg = &g->actions[i];
        leg->condition = number[leg->condition];
        if (leg->qty_node != TD_GRAPH_NOTHING) leg->qty_node = number[leg->qty_node];
        g->actions[i].term--;
    }
    for (uint32_t i = 0; i < g->strategy_count; i++)
        if (g->strategies[i].where != TD_GRAPH_NOTHING) g->strategies[i].where = number[g->strategies[i].where];
    for (uint32_t i = 0; i < g->exit_count; i++) g->exits[i].node = number[g->exits[i].node];
    for (uint32_t i = 0; i < g->strategy_count; i++)
        if (g->strategies[i].flat != TD_GRAPH_NOTHING) g->strategies[i].flat = number[g->strategies[i].flat];
    for (uint32_t i = 0; i < g->line_count; i++) g->lines[i].node = number[g->lines[i].node];
    for (uint32_t i = 0; i < g->export_count; i++) g->exports[i].node = number[g->exports[i].node];
    for (uint32_t i = 0; i < g->report_count; i++) {
        g->reports[i].condition = number[g->reports[i].condition];
        g->reports[i].term--;
    }
    for (uint32_t i = 0; i < g->report_value_count; i++) g->report_values[i].node = number[g->report_values[i].node];
    take_terms(b, g, number, users);
    free(number);
    free(users);
}

static size_t take_room(size_t *at, size_t bytes) { /* everything stands at a multiple of 16 */
    size_t offset = *at;
    *at += (bytes + 15) / 16 * 16;
    return offset;
}

static bool fits_eight_bytes(const td_node *node) {
    if (node->type == TD_TYPE_DURATION) return false; /* between any two times */
    return node->type != TD_TYPE_DECIMAL || (node->op == TD_OP_FIELD && td_field_is_narrow(td_field_of(node->n)));
}

/* A value that may stand in for another one is there with the other one. */
static uint32_t warmup_of(const td_graph *g, const td_node *node) {
    uint32_t most = 0;
    for (uint32_t k = node->op == TD_OP_NZ ? 1 : 0; k < td_op_rows[node->op].inputs; k++)
        if (g->nodes[node->in[k]].warmup > most) most = g->nodes[node->in[k]].warmup;
    return most + td_node_warmup(g, node);
}

/* Levels that are another position's until the graph has run on this one. */
static void find_levels_of_positions(td_graph *g) {
    uint8_t *of_position = td_alloc_zero(g->node_count + 1, 1);
    for (uint32_t i = 0; i < g->node_count; i++) {
        const td_node *node = &g->nodes[i].is;
        if (node->op == TD_OP_PORT) of_position[i] = td_port_is_of_position(&g->ports[node->n]);
        for (uint32_t k = 0; k < td_op_rows[node->op].inputs; k++) of_position[i] |= of_position[node->in[k]];
    }
    for (uint32_t i = 0; i < g->exit_count; i++)
        g->exits[i].of_position = g->exits[i].level != TD_EXIT_R && of_position[g->exits[i].node];
    free(of_position);
}

static void lay_out_state(td_graph *g) {
    size_t at = 0;
    (void)take_room(&at, sizeof(state_head));
    g->active_offset = take_room(&at, (size_t)g->strategy_count + g->export_count + g->node_count);
    g->positions_offset = take_room(&at, g->position_count * sizeof(td_paper));
    g->exits_offset = take_room(&at, g->exit_count * sizeof(td_exit));
    g->values_offset = take_room(&at, g->node_count * sizeof(td_value));
    for (uint32_t i = 0; i < g->node_count; i++) {
        graph_node *node = &g->nodes[i];
        const td_op_row *row = &td_op_rows[node->is.op];
        node->warmup = warmup_of(g, &node->is);
        for (uint32_t k = 0; k < row->pasts; k++) {
            graph_node *input = &g->nodes[node->is.in[k]];
            if (node->is.n > input->ring_depth) input->ring_depth = node->is.n;
        }
        td_type type = (td_type)g->nodes[node->is.in[0]].is.type;
        if (row->state_bytes != NULL) node->state_offset = take_room(&at, row->state_bytes(type, node->is.n));
    }
    g->ring_nodes = td_alloc_zero(g->node_count, sizeof *g->ring_nodes);
    for (uint32_t i = 0; i < g->node_count; i++) {
        graph_node *node = &g->nodes[i];
        if (node->ring_depth > 0) g->ring_nodes[g->ring_count++] = i;
        node->ring_wide = !fits_eight_bytes(&node->is);
        node->ring_offset = take_room(&at, (size_t)node->ring_depth * (node->ring_wide ? 16 : 8));
    }
    g->state_bytes = at;
}

static void own_text(char **at, td_bytes *text) {
    if (text->size > 0) memcpy(*at, text->data, text->size);
    text->data = (const uint8_t *)*at;
    *at += text->size;
}

/* Strategies of one file share its text, and follow each other. */
static bool shares_text(const td_graph *g, uint32_t strategy, td_bytes text) {
    return strategy > 0 && g->strategies[strategy].text.data == text.data;
}

static void own_texts(const td_graph_builder *b, td_graph *g, uint32_t set_count, uint32_t action_count,
                      uint32_t fact_count) {
    uint32_t text_count = COUNT(b->texts, written_text);
    written_text *texts = (written_text *)(void *)b->texts.data;
    size_t size = 0;
    td_bytes text = {0};
    for (uint32_t i = 0; i < g->strategy_count; i++) {
        size += g->strategies[i].name.size;
        if (!shares_text(g, i, text)) size += g->strategies[i].text.size;
        text = g->strategies[i].text;
    }
    for (uint32_t i = 0; i < g->param_count; i++) size += g->params[i].name.size;
    for (uint32_t i = 0; i < set_count; i++) size += g->sets[i].size;
    for (uint32_t i = 0; i < fact_count; i++) size += g->fact_rows[i].pattern.size;
    for (uint32_t i = 0; i < action_count; i++) size += g->actions[i].note.size;
    for (uint32_t i = 0; i < g->position_count; i++) size += g->traded[i].size;
    for (uint32_t i = 0; i < g->line_count; i++) size += g->lines[i].name.size;
    for (uint32_t i = 0; i < g->use_count; i++) size += g->uses[i].instrument.size;
    for (uint32_t i = 0; i < g->report_count; i++) size += g->reports[i].text.size;
    for (uint32_t i = 0; i < g->report_value_count; i++) size += g->report_values[i].name.size;
    for (uint32_t i = 0; i < text_count; i++) size += texts[i].text.size;
    char *at = g->texts = td_alloc(size);
    text = (td_bytes){0};
    for (uint32_t i = 0; i < g->strategy_count; i++) {
        bool shared = shares_text(g, i, text);
        text = g->strategies[i].text;
        own_text(&at, &g->strategies[i].name);
        if (shared)
            g->strategies[i].text = g->strategies[i - 1].text;
        else
            own_text(&at, &g->strategies[i].text);
    }
    for (uint32_t i = 0; i < g->param_count; i++) own_text(&at, &g->params[i].name);
    for (uint32_t i = 0; i < set_count; i++) own_text(&at, &g->sets[i]);
    for (uint32_t i = 0; i < fact_count; i++) own_text(&at, &g->fact_rows[i].pattern);
    for (uint32_t i = 0; i < action_count; i++) own_text(&at, &g->actions[i].note);
    for (uint32_t i = 0; i < g->position_count; i++) own_text(&at, &g->traded[i]);
    for (uint32_t i = 0; i < g->use_count; i++) own_text(&at, &g->uses[i].instrument);
    for (uint32_t i = 0; i < g->report_count; i++) own_text(&at, &g->reports[i].text);
    for (uint32_t i = 0; i < g->report_value_count; i++) own_text(&at, &g->report_values[i].name);
    for (uint32_t i = 0; i < text_count; i++) own_text(&at, &texts[i].text);
    for (uint32_t i = 0; i < g->line_count; i++) {
        own_text(&at, &g->lines[i].name);
        g->lines[i].strategy = g->strategies[g->lines[i].owner].name;
    }
}

static void *take_data(td_buf *buf) {
    void *data = buf->data;
    *buf = (td_buf){0};
    return data;
}

td_graph *td_graph_build(td_graph_builder *b) {
    uint32_t set_count = COUNT(b->sets, td_bytes), action_count = COUNT(b->actions, td_graph_action);
    uint32_t fact_count = COUNT(b->fact_rows, td_graph_fact);
    td_graph *g = td_alloc_zero(1, sizeof *g);
    g->rhythm = b->rhythm;
    g->strategy_count = COUNT(b->strategies, graph_strategy);
    g->line_count = COUNT(b->lines, td_graph_line);
    g->use_count = COUNT(b->uses, td_graph_use);
    g->export_count = COUNT(b->exports, graph_export);
    g->mask_words = (g->strategy_count + g->export_count + 63) / 64;
    g->strategies = take_data(&b->strategies);
    g->exports = take_data(&b->exports);
    g->sets = take_data(&b->sets);
    g->facts = take_data(&b->facts);
    g->fact_rows = take_data(&b->fact_rows);
    g->exit_count = COUNT(b->exits, td_exit_rule);
    g->exits = take_data(&b->exits);
    g->actions = take_data(&b->actions);
    g->position_count = COUNT(b->traded, td_bytes);
    g->traded = take_data(&b->traded);
    g->lines = take_data(&b->lines);
    g->report_count = COUNT(b->reports, graph_report);
    g->reports = take_data(&b->reports);
    g->report_value_count = COUNT(b->report_values, graph_report_value);
    g->report_values = take_data(&b->report_values);
    g->param_count = COUNT(b->params, td_graph_param);
    g->params = take_data(&b->params);
    g->uses = take_data(&b->uses);
    own_texts(b, g, set_count, action_count, fact_count);
    take_nodes(b, g, action_count);
    g->term_count = COUNT(b->terms, td_term);
    g->terms = take_data(&b->terms);
    find_levels_of_positions(g);
    lay_out_state(g);
    td_buf_fini(&b->nodes);
    td_buf_fini(&b->texts);
    td_buf_fini(&b->ports);
    memset(b->table, 0, b->table_size * sizeof *b->table);
    return g;
}
