/* src/lang/lower_asof.c - asof(x): what other events say, brought to the strategy's own as of each of them. What is
 * made of it then runs on those: sma(asof(quote.bid), 20) is over the bids that the last 20 trades saw. */
#include "lang/lower.h"

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

bool td_lower_is_asof(const td_lowering *l, const td_expr *call) {
    bool named = l->inner == NULL && call->kind == TD_EXPR_CALL && td_bytes_equal(call->text, TD_TEXT("asof"));
    return named && td_lower_find_fn(l, call) == NULL;
}

/* x, or of asof(quote).bid the field. */
static uint32_t lower_read(td_lowering *l, const td_expr *call, const td_expr *field) {
    const td_expr *of = expr_at(l, call->first);
    const td_scope_name *use = of->kind == TD_EXPR_NAME ? td_lower_find(l, of->text, (td_bytes){0}) : NULL;
    uint32_t node;
    if (field == NULL) return td_lower_expr(l, call->first);
    if (use != NULL && use->use) return td_lower_use_field(l, use, of, field->text);
    if (td_lower_asof_field(l, field, of, &node)) return node;
    td_lower_fail(l, field->offset, "only asof of a source has fields, as in asof(quote).bid");
    return TD_NODE_BAD;
}

static bool is_of_others(const td_lowering *l, uint32_t node) {
    td_node is = td_graph_builder_node(l->builder, node);
    return is.op == TD_OP_PORT && td_graph_builder_port(l->builder, is.n).kind <= TD_PORT_OVER;
}

uint32_t td_lower_asof(td_lowering *l, const td_expr *call, const td_expr *field) {
    uint32_t second = call->first != 0 ? expr_at(l, call->first)->next : 0;
    if (call->first == 0 || expr_at(l, call->first)->kind == TD_EXPR_GIVEN) {
        td_lower_fail(l, call->offset, "asof(x) takes what it reads, as in asof(quote.bid)");
        return TD_NODE_BAD;
    }
    if (second != 0) {
        td_lower_fail_later(l, expr_at(l, second)->offset, "'asof' with a wait");
        return TD_NODE_BAD;
    }
    uint32_t node = lower_read(l, call, field);
    if (node == TD_NODE_BAD || is_of_others(l, node)) return node;
    td_lower_fail(l, expr_at(l, call->first)->offset,
                  "asof reads what one other source says, as in asof(quote.bid); the strategy's own events need none");
    return TD_NODE_BAD;
}
