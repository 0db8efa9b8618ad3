/* src/lang/lower_place.c - `use`: on whose events an expression runs, and how what runs elsewhere is read. */
#include "lang/lower.h"
#include "lang/words.h"

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

td_lower_place td_lower_here(const td_lowering *l) { return (td_lower_place){l->builder, l->instrument}; }

static bool same_place(td_lower_place a, td_lower_place b) {
    return a.builder == b.builder && td_bytes_equal(a.instrument, b.instrument);
}

/* ---- where an expression runs ---- */

typedef struct binding { /* the arguments of a fn, by their places */
    const td_fn_tree *fn;
    td_lower_place places[TD_FN_PARAMS_MAX];
} binding;

static td_lower_place find_place(td_lowering *l, uint32_t expr, const binding *in);

static td_lower_place own_place(const td_lowering *l) { return (td_lower_place){.builder = l->own}; }

/* Of what mixes two of them the strategy's own. */
static td_lower_place join(const td_lowering *l, td_lower_place a, td_lower_place b) {
    if (a.builder == NULL) return b;
    return b.builder == NULL || same_place(a, b) ? a : own_place(l);
}

static td_lower_place place_of_children(td_lowering *l, const td_expr *e, const binding *in) {
    td_lower_place place = {0};
    for (uint32_t i = e->first; i != 0; i = expr_at(l, i)->next) place = join(l, place, find_place(l, i, in));
    return place;
}

static td_lower_place place_of_name(const td_lowering *l, const td_expr *e, td_bytes field, const binding *in) {
    const td_bytes *params = (const td_bytes *)(const void *)l->tree->params.data;
    td_graph_builder *ticks = td_lower_asof_builder(l, e->text);
    if (ticks != NULL) return td_bytes_equal(field, TD_TEXT("age")) ? own_place(l) : (td_lower_place){.builder = ticks};
    for (uint32_t i = 0; in != NULL && i < in->fn->param_count; i++)
        if (td_bytes_equal(params[in->fn->param_first + i], e->text)) return in->places[i];
    const td_scope_name *found = in == NULL ? td_lower_find(l, e->text, field) : NULL;
    const td_scope_name *use = in == NULL ? td_lower_find(l, e->text, (td_bytes){0}) : NULL;
    if (use != NULL && use->use) return td_bytes_equal(field, TD_TEXT("age")) ? own_place(l) : use->place;
    if (found == NULL && td_word_find(td_words_time, e->text) >= 0) return (td_lower_place){0}; /* of any events */
    if (found == NULL) return own_place(l);
    if (found->text.size > 0) return (td_lower_place){0};
    bool known = found->node != TD_NODE_BAD;
    bool constant = known && td_graph_builder_node(found->place.builder, found->node).op == TD_OP_CONSTANT;
    return constant ? (td_lower_place){0} : found->place;
}

static td_lower_place place_of_call(td_lowering *l, const td_expr *e, const binding *in) {
    if (td_lower_is_across(l, e) || td_lower_is_asof(l, e)) return own_place(l);
    const td_fn_tree *fn = td_lower_find_fn(l, e);
    const td_function *f = fn == NULL ? td_function_find(e->text, false) : NULL;
    td_lower_place place = place_of_children(l, e, in);
    if (f != NULL && f->args[0].kind == TD_ARG_BAR) { /* what it takes from a bar may be left out */
        bool left_out = e->first == 0 || find_place(l, e->first, in).builder == NULL;
        return left_out ? own_place(l) : place;
    }
    if (f != NULL && td_function_window(f) != NULL && td_lower_is_over_news(l, e, place)) return own_place(l);
    if (fn == NULL || fn->expr == 0) return place;
    binding inside = {.fn = fn};
    uint32_t count = 0;
    for (uint32_t i = e->first; i != 0 && count < fn->param_count; i = expr_at(l, i)->next)
        inside.places[count++] = find_place(l, i, in);
    return join(l, place, find_place(l, fn->expr, &inside));
}

/* Bounded like the lowering that follows, which says what is too much. */
static td_lower_place find_place(td_lowering *l, uint32_t expr, const binding *in) {
    const td_expr *e = expr_at(l, expr);
    td_lower_place place = own_place(l);
    if (l->depth > TD_LOWER_DEPTH_MAX || ++l->work > TD_LOWER_WORK_MAX) return place;
    l->depth++;
    switch ((td_expr_kind)e->kind) {
    case TD_EXPR_NAME:
        place = place_of_name(l, e, (td_bytes){0}, in);
        break;
    case TD_EXPR_FIELD:
        if (expr_at(l, e->first)->kind == TD_EXPR_NAME)
            place = place_of_name(l, expr_at(l, e->first), e->text, in);
        else
            place = find_place(l, e->first, in);
        break;
    case TD_EXPR_CALL:
        place = place_of_call(l, e, in);
        break;
    case TD_EXPR_OP:
    case TD_EXPR_IF:
    case TD_EXPR_AGO:
    case TD_EXPR_GIVEN:
        place = place_of_children(l, e, in);
        break;
    default:
        place = (td_lower_place){0};
    }
    l->depth--;
    return place;
}

td_lower_place td_lower_enter(td_lowering *l, uint32_t expr) {
    bool brought = l->inner != NULL || l->fn != NULL; /* arguments have been */
    return brought || !l->uses ? td_lower_here(l) : td_lower_enter_x(l, expr);
}

td_lower_place td_lower_enter_x(td_lowering *l, uint32_t expr) {
    td_lower_place here = td_lower_here(l);
    td_lower_place place = find_place(l, expr, NULL);
    if (place.builder != NULL) {
        l->builder = place.builder;
        l->instrument = place.instrument;
    }
    return here;
}

void td_lower_leave(td_lowering *l, td_lower_place back) {
    l->builder = back.builder;
    l->instrument = back.instrument;
}

/* ---- reading it ---- */

td_port td_lower_export(td_lowering *l, td_lower_place from, uint32_t node) {
    const td_strategy_tree *s = l->strategy;
    const td_bytes *sets = td_syntax_set(l->tree, s);
    if (from.instrument.size == 0)
        return td_graph_builder_export(from.builder, node, s->set_count > 0 ? sets : NULL, s->set_count);
    td_port port = td_graph_builder_export(from.builder, node, &from.instrument, 1);
    port.use = td_graph_builder_add_use(l->builder, from.instrument);
    return port;
}

uint32_t td_lower_read(td_lowering *l, td_lower_place from, uint32_t node, uint32_t offset) {
    if (node == TD_NODE_BAD || same_place(from, td_lower_here(l))) return node;
    td_node is = td_graph_builder_node(from.builder, node);
    if (is.op == TD_OP_CONSTANT) return td_graph_builder_add(l->builder, is);
    if (is.type == TD_TYPE_TEXT) {
        td_lower_fail(l, offset,
                      "a text of other events cannot be read: compare it with one that is written, as in news.headline "
                      "has \"…\"");
        return TD_NODE_BAD;
    }
    return td_graph_builder_add_port(l->builder, td_lower_export(l, from, node));
}

/* ---- use ---- */

void td_lower_use(td_lowering *l, const td_stmt *s, td_graph_builder *builder) {
    const td_use_tree *use = s->part_count > 0 ? td_syntax_use(l->tree, s) : NULL;
    td_lower_place place = {builder, use != NULL ? use->instrument : (td_bytes){0}};
    l->uses = true;
    td_lower_define(
        l,
        (td_scope_name){.name = s->name, .node = TD_NODE_BAD, .offset = s->offset, .place = place, .use = use != NULL});
}

static td_lower_place go(td_lowering *l, td_lower_place to) {
    td_lower_place back = td_lower_here(l);
    td_lower_leave(l, to);
    return back;
}

/* The first field of its events is there whenever one is. */
uint32_t td_lower_age(td_lowering *l, td_lower_place of) {
    td_node none = {.op = TD_OP_CONSTANT, .type = TD_TYPE_DURATION};
    if (same_place(of, td_lower_here(l))) return td_graph_builder_add(l->builder, none);
    td_lower_place back = go(l, of);
    td_expr first = {.kind = TD_EXPR_NAME, .text = td_text(td_lower_own_words(l)[0])};
    uint32_t node;
    (void)td_lower_own_field(l, &first, &node);
    td_lower_leave(l, back);
    td_port port = td_lower_export(l, of, node);
    port.kind = TD_PORT_AGE;
    port.type = TD_TYPE_DURATION;
    return td_graph_builder_add_port(l->builder, port);
}

static uint32_t fail_field(const td_lowering *l, const td_expr *name, td_bytes field, const char *const *words) {
    const char *near = field.size > 0 ? td_word_nearest(words, field) : NULL;
    const char *hint[3] = {near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : ""};
    if (field.size == 0)
        td_lower_fail(l, name->offset, "'%.*s' is several values: say which, as in %.*s.%s", TD_WORD(name->text),
                      TD_WORD(name->text), words == td_words_field ? "close" : words[0]);
    else
        td_lower_fail(l, name->offset, "'%.*s' has no field '%.*s'%s%s%s", TD_WORD(name->text), TD_WORD(field), hint[0],
                      hint[1], hint[2]);
    return TD_NODE_BAD;
}

uint32_t td_lower_use_field(td_lowering *l, const td_scope_name *use, const td_expr *name, td_bytes field) {
    td_lower_place from = use->place, back = go(l, from);
    const char *const *words = td_lower_own_words(l);
    td_expr of = {.kind = TD_EXPR_NAME, .text = field, .offset = name->offset};
    uint32_t node = TD_NODE_BAD;
    bool known = td_word_find(words, field) >= 0 && td_lower_own_field(l, &of, &node);
    td_lower_leave(l, back);
    if (known) return td_lower_read(l, from, node, name->offset);
    if (td_bytes_equal(field, TD_TEXT("age"))) return td_lower_age(l, from);
    return fail_field(l, name, field, words);
}
