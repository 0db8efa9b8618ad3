/* src/lang/lower_across.c - cross-sections: what one instrument is among those of the strategy's set, on bars of one
 * end. What is compared runs in the graph of the bars themselves (td_lowering.members), whose values are told to all;
 * the strategy, in a graph of its own, asks for what became of them (stream/section.h). */
#include "lang/lower.h"
#include "lang/words.h"

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

const td_across td_functions_across[] = {
    {"rank", "rank(x)", "among the strategy's set: the share whose x is not above its own; 1 is the highest"},
    {"place", "place(x)",
     "among the strategy's set: 1 where nobody's x is above its own; equal ones share their places"},
    {"breadth", "breadth(c)", "among the strategy's set: the share for which the condition c is true"},
    {"xavg", "xavg(x)", "the mean of x over the strategy's set"},
    {"xstddev", "xstddev(x)", "the standard deviation of x over the strategy's set, of all its members"},
    {"members", "members(x)", "how many of the strategy's set have an x, on bars of this end"},
    {0},
};
static const td_port_kind kinds[] = {TD_PORT_RANK, TD_PORT_PLACE,     TD_PORT_MEAN,
                                     TD_PORT_MEAN, TD_PORT_DEVIATION, TD_PORT_MEMBERS};
enum { BREADTH = 2, MEMBERS = 5 };

int td_across_find(td_bytes name) {
    for (int i = 0; td_functions_across[i].name != NULL; i++)
        if (td_bytes_equal(name, td_text(td_functions_across[i].name))) return i;
    return -1;
}

/* `rank` has a second argument where it is over time. */
bool td_lower_is_across(const td_lowering *l, const td_expr *call) {
    if (l->inner != NULL || call->kind != TD_EXPR_CALL || td_across_find(call->text) < 0) return false;
    if (td_lower_find_fn(l, call) != NULL) return false;
    bool over_time = td_function_find(call->text, false) != NULL;
    return !over_time || call->first == 0 || expr_at(l, call->first)->next == 0;
}

bool td_lower_has_across(const td_lowering *l, uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i++)
        if (td_lower_is_across(l, expr_at(l, i))) return true;
    return false;
}

static uint32_t add_real(td_graph_builder *b, double x) {
    return td_graph_builder_add(b, (td_node){.op = TD_OP_CONSTANT, .type = TD_TYPE_REAL, .constant = td_value_real(x)});
}

static uint32_t add_if(td_graph_builder *b, uint32_t condition, uint32_t yes, uint32_t no) {
    return td_graph_builder_add(b, (td_node){.op = TD_OP_IF, .in = {condition, yes, no}});
}

/* As a double; na where the instrument is not of the set. Or TD_NODE_BAD. */
static uint32_t lower_compared(td_lowering *m, uint32_t x, bool condition) {
    size_t said = m->diags->count;
    uint32_t node = condition ? td_lower_condition(m, x) : td_lower_number(m, x);
    if (node == TD_NODE_BAD && m->diags->count == said)
        td_lower_fail(m, expr_at(m, x)->offset, "what a cross-section compares cannot rest on another one");
    if (node == TD_NODE_BAD) return node;
    node = condition ? add_if(m->builder, node, add_real(m->builder, 1), add_real(m->builder, 0))
                     : td_lower_as_real(m, node);
    td_node na = {.op = TD_OP_CONSTANT, .type = TD_TYPE_REAL, .constant = TD_VALUE_NA};
    if (m->where != TD_NODE_BAD) node = add_if(m->builder, m->where, node, td_graph_builder_add(m->builder, na));
    if (td_graph_builder_node(m->builder, node).op != TD_OP_CONSTANT) return node;
    td_lower_fail(m, expr_at(m, x)->offset, "what a cross-section compares must move");
    return TD_NODE_BAD;
}

uint32_t td_lower_across(td_lowering *l, const td_expr *call) {
    int which = td_across_find(call->text);
    bool one = call->first != 0 && expr_at(l, call->first)->next == 0 && expr_at(l, call->first)->kind != TD_EXPR_GIVEN;
    if (!one) {
        td_lower_fail(l, call->offset, "%s takes 1 argument", td_functions_across[which].usage);
        return TD_NODE_BAD;
    }
    if (l->fn != NULL || l->members == NULL) {
        td_lower_fail(l, call->offset,
                      l->fn != NULL ? "a cross-section stands in a strategy's own lines, not in a fn"
                      : l->compares ? "what a cross-section compares cannot rest on another one"
                                    : "cross-sections are of strategies on bars by time");
        return TD_NODE_BAD;
    }
    td_lowering *m = l->members;
    uint32_t node = lower_compared(m, call->first, which == BREADTH);
    if (node == TD_NODE_BAD) return node;
    const td_strategy_tree *s = l->strategy;
    const td_bytes *sets = td_syntax_set(l->tree, s);
    td_port port = td_graph_builder_export_section(m->builder, node, s->set_count > 0 ? sets : NULL, s->set_count);
    port.kind = TD_PORT_MEMBERS; /* who explains the others tells it, too */
    (void)td_graph_builder_add_port(l->builder, port);
    port.kind = (uint8_t)kinds[which];
    return td_graph_builder_add_port(l->builder, port);
}
