/* src/lang/lower_news.c - news in expressions: its texts beside those that are written, that there was any, and windows
 * by time over it, which a strategy on other events reads as of its own. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/recall.h"
#include "stream/tick.h"

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

static bool is_news(const td_graph_builder *builder) {
    return td_graph_builder_rhythm(builder).source == TD_RHYTHM_NEWS;
}

/* ---- texts ---- */

bool td_lower_refuses_text(const td_lowering *l, uint32_t node, uint32_t offset) {
    if (node == TD_NODE_BAD || td_lower_type(l, node) != TD_TYPE_TEXT) return false;
    td_lower_fail(l, offset, "a text is compared where it stands, with one that is written: by ==, !=, has or in");
    return true;
}

uint32_t td_lower_compare_text(td_lowering *l, uint32_t field, int op, td_bytes written, bool written_first) {
    static const td_text_relation relations[2][4] = {{TD_TEXT_IS, TD_TEXT_IS, TD_TEXT_HAS, TD_TEXT_IS_IN},
                                                     {TD_TEXT_IS, TD_TEXT_IS, TD_TEXT_IS_IN, TD_TEXT_HAS}};
    td_field of = td_field_of(td_graph_builder_node(l->builder, field).n);
    uint32_t node = td_graph_builder_add_text(l->builder, td_text_test(of, relations[written_first][op]), written);
    bool differs = op == 1;
    return differs ? td_graph_builder_add(l->builder, (td_node){.op = TD_OP_NOT, .in = {node}}) : node;
}

/* ---- that there was any ---- */

bool td_lower_event(td_lowering *l, uint32_t expr, uint32_t *out_node) {
    const td_expr *e = expr_at(l, expr);
    if (e->kind != TD_EXPR_NAME) return false;
    td_lower_place of = {.builder = td_lower_asof_builder(l, e->text)};
    const td_scope_name *use = td_lower_find(l, e->text, (td_bytes){0});
    if (use != NULL && use->use) of = use->place;
    if (of.builder == NULL || td_graph_builder_rhythm(of.builder).source == TD_RHYTHM_BARS) return false;
    uint32_t there = td_graph_builder_add(of.builder, (td_node){.op = TD_OP_FIELD, .n = TD_FIELD_EVENT});
    *out_node = td_lower_read(l, of, there, e->offset);
    return true;
}

/* ---- windows ---- */

static bool says_time(const td_lowering *l, uint32_t expr) {
    const td_expr *e = expr_at(l, expr);
    const td_scope_name *found = e->kind == TD_EXPR_NAME ? td_lower_find(l, e->text, (td_bytes){0}) : NULL;
    bool known = found != NULL && found->node != TD_NODE_BAD && !found->use;
    if (td_lower_is_window(l, expr) || e->kind == TD_EXPR_DURATION) return true;
    if (known) return td_graph_builder_node(found->place.builder, found->node).type == TD_TYPE_DURATION;
    if (e->kind != TD_EXPR_OP && e->kind != TD_EXPR_GIVEN) return false;
    for (uint32_t i = e->first; i != 0; i = expr_at(l, i)->next)
        if (says_time(l, i)) return true;
    return false;
}

bool td_lower_is_over_news(const td_lowering *l, const td_expr *call, td_lower_place of) {
    if (of.builder == NULL || !is_news(of.builder) || (of.builder == l->own && of.instrument.size == 0)) return false;
    for (uint32_t i = call->first; i != 0; i = expr_at(l, i)->next)
        if (says_time(l, i)) return true;
    return false;
}

static bool port_of(const td_lowering *l, uint32_t node, td_port *out) {
    td_node n = td_graph_builder_node(l->builder, node);
    if (n.op != TD_OP_PORT) return false;
    *out = td_graph_builder_port(l->builder, n.n);
    return out->kind == TD_PORT_VALUE && out->rhythm.source == TD_RHYTHM_NEWS;
}

bool td_lower_reads_news(const td_lowering *l, uint32_t node) {
    td_port port;
    return port_of(l, node, &port);
}

static td_recall_word word_of(const td_function *f) {
    static const char *const words[] = {"sum", "count", "any", "all", "sma", "max", "min", "first", "last", NULL};
    return (td_recall_word)(td_word_find(words, td_text(f->name)) + TD_RECALL_SUM);
}

static td_type type_of(td_recall_word word, td_type element) {
    if (word == TD_RECALL_ANY || word == TD_RECALL_ALL) return TD_TYPE_CONDITION;
    return word >= TD_RECALL_MAXIMUM ? element : TD_TYPE_REAL;
}

/* The condition is read of the same news. */
static bool find_admits(td_lowering *l, const td_over_call *c, td_port *port) {
    td_port condition;
    if (c->window.admits == 0) return true;
    bool same = port_of(l, c->window.admits - 1, &condition) && condition.use == port->use &&
                td_rhythm_compare(condition.rhythm, port->rhythm) == 0;
    if (!same) td_lower_fail(l, c->offset, "'where' of a window over news is a condition of the same news");
    port->admits = same ? condition.export_at + 1 : 0;
    return same;
}

uint32_t td_lower_over_news(td_lowering *l, const td_over_call *c) {
    td_recall_word word = word_of(c->function);
    td_port port;
    bool reads = port_of(l, c->x, &port);
    td_node span = td_graph_builder_node(l->builder, c->node);
    if (!reads || word < TD_RECALL_SUM) {
        td_lower_fail(l, c->offset,
                      "over a time of news there are sum, avg, max, min, first, last, count, any and all; %s is over a "
                      "number of it, or in a strategy on news",
                      c->function->name);
        return TD_NODE_BAD;
    }
    if (c->window.epoch != TD_EPOCH_NONE || span.type != TD_TYPE_DURATION) {
        td_lower_fail(l, c->offset, "a window over news is a number of it or a duration, such as 2h");
        return TD_NODE_BAD;
    }
    if (!find_admits(l, c, &port)) return TD_NODE_BAD;
    port.kind = TD_PORT_OVER;
    port.over = (uint8_t)word;
    port.element = port.type;
    port.type = (uint8_t)type_of(word, (td_type)port.element);
    port.span_ns =
        span.constant < INT64_MAX / 4 ? (int64_t)span.constant : INT64_MAX / 4; /* longer than there is time */
    return td_graph_builder_add_port(l->builder, port);
}
