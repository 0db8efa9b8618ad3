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
    if (field == NULL) {
        td_lower_place back = td_lower_enter_x(l, call->first), there = td_lower_here(l);
        node = td_lower_expr(l, call->first);
        td_lower_leave(l, back);
        return td_lower_read(l, there, node, of->offset);
    }
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

static int64_t wait_within(td_lowering *l, uint32_t expr);

/* Of a series that is known here and waits for the same events, or 0. */
static int64_t wait_of_series(const td_lowering *l, const td_expr *e) {
    const td_expr *of = expr_at(l, e->first);
    const td_scope_name *found = of->kind == TD_EXPR_NAME ? td_lower_find(l, of->text, e->text) : NULL;
    if (found == NULL || found->place.builder == NULL || found->place.instrument.size > 0) return 0;
    td_rhythm of_series = td_graph_builder_rhythm(found->place.builder), own = td_lower_rhythm(&l->strategy->source);
    return of_series.source == own.source && of_series.every_ns == own.every_ns ? of_series.wait_ns : 0;
}

/* What a fn calls is looked at in its place; too deep ones are refused when they are lowered. */
static int64_t wait_of_fn(td_lowering *l, const td_fn_tree *fn) {
    const td_fn_call *outer = l->fn;
    for (const td_fn_call *c = outer; c != NULL; c = c->outer)
        if (c->fn == fn) return 0;
    l->fn = &(td_fn_call){fn, outer};
    int64_t wait_ns = fn->expr != 0 ? wait_within(l, fn->expr) : 0;
    l->fn = outer;
    return wait_ns;
}

static int64_t wait_at(td_lowering *l, const td_expr *e) {
    const td_fn_tree *fn = e->kind == TD_EXPR_CALL ? td_lower_find_fn(l, e) : NULL;
    if (fn != NULL) return wait_of_fn(l, fn);
    if (e->kind == TD_EXPR_FIELD && l->fn == NULL) return wait_of_series(l, e);
    return td_lower_is_asof(l, e) && e->first != 0 ? wait_of(l, e) : 0;
}

static int64_t wait_within(td_lowering *l, uint32_t expr) {
    if (l->depth > TD_LOWER_DEPTH_MAX || ++l->work > TD_LOWER_WORK_MAX) return 0;
    const td_expr *e = expr_at(l, expr);
    int64_t wait_ns = wait_at(l, e);
    l->depth++;
    for (uint32_t i = e->first; wait_ns == 0 && i != 0; i = expr_at(l, i)->next) wait_ns = wait_within(l, i);
    l->depth--;
    return wait_ns;
}

int64_t td_lower_wait(td_lowering *l) {
    const td_strategy_tree *s = l->strategy;
    bool ticks = s->source.kind == TD_SOURCE_TRADES || s->source.kind == TD_SOURCE_QUOTES;
    int64_t wait_ns = 0;
    for (uint32_t i = s->expr_first; ticks && wait_ns == 0 && i < s->expr_end; i++) wait_ns = wait_at(l, expr_at(l, i));
    l->work = 0;
    return wait_ns;
}

static const char *wrong_wait(const td_lowering *l, const td_expr *call) {
    const td_expr *wait = expr_at(l, expr_at(l, call->first)->next);
    bool named = wait->kind != TD_EXPR_GIVEN || td_bytes_equal(wait->text, TD_TEXT("wait"));
    td_rhythm own = td_graph_builder_rhythm(l->own);
    if (wait->next != 0 || !named) return "asof takes x and a wait: asof(quote.bid, wait = 250ms)";
    if (wait_of(l, call) == 0) return "the wait of asof is a duration as written, up to 1h: 250ms";
    if (own.wait_ns == 0)
        return "asof waits in what runs on trades or on quotes: leave the wait out here, or read a series on trades "
               "that waits";
    return own.wait_ns != wait_of(l, call) ? "a strategy waits once: its other asof, or a series of its events, has "
                                             "another wait"
                                           : NULL;
}

static uint32_t fail(const td_lowering *l, uint32_t offset, const char *what) {
    td_lower_fail(l, offset, "%s", what);
    return TD_NODE_BAD;
}

static uint32_t lower_match(td_lowering *l, const td_expr *call, uint32_t node) {
    td_port port = td_graph_builder_port(l->builder, td_graph_builder_node(l->builder, node).n);
    if (port.kind == TD_PORT_OVER)
        return fail(l, call->offset, "asof does not wait for a window by time over news: it is read at once");
    if (port.rhythm.wait_ns > 0)
        return fail(l, call->offset, "asof does not wait for a series that waits: read it without a wait");
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
