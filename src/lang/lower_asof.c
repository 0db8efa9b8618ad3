/* src/lang/lower_asof.c - asof(x): what other events say, brought to the strategy's own as of each of them. What is
 * made of it then runs on those: sma(asof(quote.bid), 20) is over the bids that the last 20 trades saw. */
#include "lang/lower.h"

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

bool td_lower_is_asof(const td_lowering *l, const td_expr *call) {
    bool named = l->inner == NULL && call->kind == TD_EXPR_CALL && td_bytes_equal(call->text, TD_TEXT("asof"));
    return named && td_lower_find_fn(l, call) == NULL;
}

/* x, or of asof(quote).bid the field. */
static uint32_t lower_x(td_lowering *l, const td_expr *call, const td_expr *field) {
    const td_expr *of = expr_at(l, call->first);
    const td_scope_name *use = of->kind == TD_EXPR_NAME ? td_lower_find(l, of->text, (td_bytes){0}) : NULL;
    uint32_t node;
    if (field == NULL) return td_lower_expr(l, call->first);
    if (use != NULL && use->use) return td_lower_use_field(l, use, of, field->text);
    if (td_lower_asof_field(l, field, of, &node)) return node;
    td_lower_fail(l, field->offset, "only asof of a source has fields, as in asof(quote).bid");
    return TD_NODE_BAD;
}

/* It is one value here: of its parts no terms are kept. */
static uint32_t lower_read(td_lowering *l, const td_expr *call, const td_expr *field) {
    bool trying = l->trying;
    uint32_t term = l->term;
    l->trying = true;
    l->term = 0;
    uint32_t node = lower_x(l, call, field);
    l->trying = trying;
    l->term = term;
    return node;
}

static bool is_of_others(const td_lowering *l, uint32_t node) {
    td_node is = td_graph_builder_node(l->builder, node);
    return is.op == TD_OP_PORT && td_graph_builder_port(l->builder, is.n).kind <= TD_PORT_OVER;
}

/* ---- waiting ---- */

/* The wait as it is written, or 0. */
static int64_t wait_of(const td_lowering *l, const td_expr *call) {
    const td_expr *wait = expr_at(l, call->first)->next != 0 ? expr_at(l, expr_at(l, call->first)->next) : NULL;
    if (wait != NULL && wait->kind == TD_EXPR_GIVEN) wait = expr_at(l, wait->first);
    bool fits = wait != NULL && wait->kind == TD_EXPR_DURATION && wait->number > 0 && wait->number <= TD_WAIT_MAX_NS;
    return fits ? (int64_t)wait->number : 0;
}

int64_t td_lower_wait(const td_lowering *l) {
    const td_strategy_tree *s = l->strategy;
    bool ticks = s->source.kind == TD_SOURCE_TRADES || s->source.kind == TD_SOURCE_QUOTES;
    int64_t wait_ns = 0;
    for (uint32_t i = s->expr_first; ticks && !s->series && wait_ns == 0 && i < s->expr_end; i++)
        if (td_lower_is_asof(l, expr_at(l, i)) && expr_at(l, i)->first != 0) wait_ns = wait_of(l, expr_at(l, i));
    return wait_ns;
}

static const char *wrong_wait(const td_lowering *l, const td_expr *call) {
    const td_expr *wait = expr_at(l, expr_at(l, call->first)->next);
    bool named = wait->kind != TD_EXPR_GIVEN || td_bytes_equal(wait->text, TD_TEXT("wait"));
    int64_t strategy_ns = td_graph_builder_rhythm(l->own).wait_ns;
    if (wait->next != 0 || !named) return "asof takes x and a wait: asof(quote.bid, wait = 250ms)";
    if (wait_of(l, call) == 0) return "the wait of asof is a duration as written, up to 1h: 250ms";
    if (l->fn != NULL) return "asof with a wait stands in a strategy's own lines, not in a fn";
    if (strategy_ns == 0) return "asof waits in strategies on trades and on quotes";
    return strategy_ns != wait_of(l, call) ? "a strategy waits once: its other asof has another wait" : NULL;
}

static uint32_t fail(const td_lowering *l, uint32_t offset, const char *what) {
    td_lower_fail(l, offset, "%s", what);
    return TD_NODE_BAD;
}

static uint32_t lower_match(td_lowering *l, const td_expr *call, uint32_t node) {
    td_port port = td_graph_builder_port(l->builder, td_graph_builder_node(l->builder, node).n);
    if (port.kind == TD_PORT_OVER)
        return fail(l, call->offset, "asof does not wait for a window by time over news: it is read at once");
    port.kind = port.kind == TD_PORT_AGE ? TD_PORT_MATCH_AGE : TD_PORT_MATCH;
    return td_graph_builder_add_port(l->builder, port);
}

uint32_t td_lower_asof(td_lowering *l, const td_expr *call, const td_expr *field) {
    if (call->first == 0 || expr_at(l, call->first)->kind == TD_EXPR_GIVEN)
        return fail(l, call->offset, "asof(x) takes what it reads, as in asof(quote.bid)");
    uint32_t wait = expr_at(l, call->first)->next;
    const char *wrong = wait != 0 ? wrong_wait(l, call) : NULL;
    if (wrong != NULL) return fail(l, expr_at(l, wait)->offset, wrong);
    uint32_t node = lower_read(l, call, field);
    if (node == TD_NODE_BAD) return node;
    if (is_of_others(l, node)) return wait != 0 ? lower_match(l, call, node) : node;
    return fail(l, expr_at(l, call->first)->offset,
                "asof reads what one other source says, as in asof(quote.bid); the strategy's own events need none");
}
