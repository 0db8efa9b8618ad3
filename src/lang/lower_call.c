/* src/lang/lower_call.c - calls: a function's operator, or what it is made of, put in the call's place with its
 * arguments as names. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/indicator.h"
#include <assert.h>
#include <stdio.h>

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

/* Arguments without a name; those with one stand behind them. */
static uint32_t count_children(const td_lowering *l, const td_expr *e) {
    uint32_t count = 0;
    for (uint32_t i = e->first; i != 0 && expr_at(l, i)->kind != TD_EXPR_GIVEN; i = expr_at(l, i)->next) count++;
    return count;
}

/* The first argument with a name, or 0. */
static uint32_t first_given(const td_lowering *l, const td_expr *call) {
    uint32_t i = call->first;
    while (i != 0 && expr_at(l, i)->kind != TD_EXPR_GIVEN) i = expr_at(l, i)->next;
    return i;
}

/* ---- fns ---- */

const td_fn_tree *td_lower_find_fn(const td_lowering *l, const td_expr *call) {
    if (l->inner != NULL) return NULL;
    const td_fn_tree *fns = (const td_fn_tree *)(const void *)l->tree->fns.data;
    uint32_t file = l->fn != NULL ? l->fn->fn->file : l->strategy->file;
    for (size_t i = 0; i < l->tree->fns.size / sizeof *fns; i++)
        if (fns[i].file == file && td_bytes_equal(fns[i].name, call->text)) return &fns[i];
    return NULL;
}

static bool calls_itself(const td_lowering *l, const td_fn_tree *fn) {
    for (const td_fn_call *c = l->fn; c != NULL; c = c->outer)
        if (c->fn == fn) return true;
    return false;
}

static uint32_t lower_fn(td_lowering *l, const td_fn_tree *fn, const td_expr *call) {
    const td_bytes *params = (const td_bytes *)(const void *)l->tree->params.data;
    uint32_t count = count_children(l, call), i = 0;
    if (count != fn->param_count) {
        td_lower_fail(l, call->offset, "%.*s takes %u arguments, found %u", TD_WORD(fn->name), fn->param_count, count);
        return TD_NODE_BAD;
    }
    if (calls_itself(l, fn)) {
        td_lower_fail(l, call->offset, "'%.*s' calls itself: a fn is written out where it is called",
                      TD_WORD(fn->name));
        return TD_NODE_BAD;
    }
    if (first_given(l, call) != 0) {
        td_lower_fail(l, expr_at(l, first_given(l, call))->offset, "arguments of a fn have their places, not names");
        return TD_NODE_BAD;
    }
    td_lowering inside = *l;
    inside.scope = (td_buf){0};
    for (uint32_t arg = call->first; arg != 0; arg = expr_at(l, arg)->next, i++) {
        bool window = td_lower_is_window(l, arg);
        td_scope_name name = {.name = params[fn->param_first + i], .offset = fn->offset, .place = td_lower_here(l)};
        if (!window) name.term = td_lower_next_term(l);
        name.node = window ? td_lower_window_of(l, arg, &name.window) : td_lower_expr(l, arg);
        td_lower_define(&inside, name);
    }
    inside.fn = &(td_fn_call){fn, l->fn};
    inside.work = l->work;
    uint32_t node = td_lower_expr(&inside, fn->expr);
    l->work = inside.work;
    td_buf_fini(&inside.scope);
    return node;
}

/* ---- arguments ---- */

typedef struct arguments {
    uint32_t expr[TD_FUNCTION_ARGS_MAX]; /* 0: not given */
    uint32_t node[TD_FUNCTION_ARGS_MAX]; /* of a length: its constant */
    uint32_t where;                      /* expression; 0: not given */
    td_lower_window window;              /* the rest of the one that is one */
} arguments;

static uint32_t count_bars(const td_function *f) {
    uint32_t count = 0;
    while (f->args[count].kind == TD_ARG_BAR) count++;
    return count;
}

/* Of what will be lowered again, when it is known as what. */
static uint32_t try_lowering(td_lowering *l, uint32_t expr) {
    bool outer = l->trying;
    l->trying = true;
    uint32_t node = td_lower_expr(l, expr);
    l->trying = outer;
    return node;
}

static bool is_constant(td_lowering *l, uint32_t expr) {
    uint32_t node = try_lowering(l, expr);
    return node != TD_NODE_BAD && td_graph_builder_node(l->builder, node).op == TD_OP_CONSTANT;
}

static void fail_given(const td_lowering *l, const td_function *f, const td_expr *given) {
    const char *words[TD_FUNCTION_ARGS_MAX + 2] = {NULL};
    uint32_t count = 0;
    for (; f->args[count].kind != TD_ARG_NONE; count++) words[count] = f->args[count].name;
    if (td_function_window(f) != NULL) words[count] = "where";
    const char *near =
        given->text.size > 2 ? td_word_nearest(words, given->text) : NULL; /* one letter is near to all */
    td_lower_fail(l, given->offset, "%s has no argument '%.*s'%s%s%s", f->name, TD_WORD(given->text),
                  near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

/* Gives those with a name theirs. False after an error. */
static bool place_given(td_lowering *l, const td_function *f, const td_expr *call, arguments *a) {
    for (uint32_t i = first_given(l, call); i != 0; i = expr_at(l, i)->next) {
        const td_expr *given = expr_at(l, i);
        uint32_t arg = 0, *place = NULL;
        while (f->args[arg].kind != TD_ARG_NONE && !td_bytes_equal(td_text(f->args[arg].name), given->text)) arg++;
        if (f->args[arg].kind != TD_ARG_NONE) place = &a->expr[arg];
        if (td_bytes_equal(given->text, TD_TEXT("where")) && td_function_window(f) != NULL) place = &a->where;
        if (place == NULL)
            fail_given(l, f, given);
        else if (*place != 0)
            td_lower_fail(l, given->offset, "'%.*s' of %s is given twice", TD_WORD(given->text), f->name);
        if (place == NULL || *place != 0) return false;
        *place = given->first;
    }
    return true;
}

/* Gives each expression its argument. What a bar has is left out where nothing, or a constant, stands first. */
static bool place_arguments(td_lowering *l, const td_function *f, const td_expr *call, arguments *a) {
    uint32_t most = td_function_arg_count(f), bars = count_bars(f), count = count_children(l, call), at = 0;
    if (bars > 0 && (count == 0 || is_constant(l, call->first))) at = bars;
    uint32_t least = most, skipped = at, i = call->first;
    while (least > bars && f->args[least - 1].fallback != NULL) least--;
    bool fits = count + at <= most;
    for (uint32_t k = 0; fits && k < count; k++, i = expr_at(l, i)->next) a->expr[at++] = i;
    if (fits && !place_given(l, f, call, a)) return false;
    for (uint32_t k = bars; k < least; k++) fits = fits && a->expr[k] != 0;
    for (uint32_t k = skipped; k < bars; k++) fits = fits && a->expr[k] != 0;
    if (fits) return true;
    at = skipped;
    td_buf usage = {0};
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, least - at < most - at ? "%u to %u arguments" : "%u arguments", least - at,
                   most - at);
    td_function_put_usage(f, &usage);
    td_lower_fail(l, call->offset, "%.*s takes %s, found %u", (int)usage.size, (const char *)usage.data, wanted, count);
    td_buf_fini(&usage);
    return false;
}

static uint32_t lower_fallback(td_lowering *l, const td_arg *arg, const td_expr *call) {
    if (arg->kind == TD_ARG_BAR) {
        td_expr name = {.kind = TD_EXPR_NAME, .text = td_text(arg->name), .offset = call->offset};
        uint32_t node;
        return td_lower_own_field(l, &name, &node) ? node : TD_NODE_BAD; /* a bar has all of them */
    }
    int64_t value = 0;
    bool inexact = false;
    td_status status = td_decimal_parse(td_text(arg->fallback), TD_VALUE_SCALE, &value, &inexact);
    assert(status == TD_OK && !inexact); /* of our own rows */
    return td_lower_constant(l, value);
}

static uint32_t lower_decimal(td_lowering *l, const td_function *f, uint32_t expr) {
    uint32_t node = td_lower_number(l, expr);
    if (node == TD_NODE_BAD || td_lower_type(l, node) == TD_TYPE_DECIMAL) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "%s takes exact numbers: prices, volumes, and what + and - make of them",
                  f->name);
    return TD_NODE_BAD;
}

static uint32_t lower_bounded(td_lowering *l, const td_function *f, const td_arg *arg, uint32_t expr) {
    uint32_t node = td_lower_number(l, expr);
    if (node == TD_NODE_BAD) return node;
    td_node n = td_graph_builder_node(l->builder, td_lower_as_real(l, node));
    bool fits = n.op == TD_OP_CONSTANT && !td_value_is_na(n.constant);
    double x = fits ? td_value_to_real(n.constant) : 0;
    if (fits && x >= arg->low && x <= arg->high) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "'%s' of %s must be a constant number from %g to %g", arg->name, f->name,
                  arg->low, arg->high);
    return TD_NODE_BAD;
}

static uint32_t lower_length(td_lowering *l, const td_function *f, const td_arg *arg, uint32_t expr) {
    char what[64];
    if (strcmp(arg->name, "n") == 0)
        (void)snprintf(what, sizeof what, "the length of %s", f->name);
    else
        (void)snprintf(what, sizeof what, "'%s' of %s", arg->name, f->name);
    uint32_t length = td_lower_whole(l, expr, what, arg->least);
    return length == UINT32_MAX ? TD_NODE_BAD : td_lower_constant(l, length * TD_VALUE_ONE);
}

static uint32_t lower_given(td_lowering *l, const td_function *f, const td_arg *arg, uint32_t expr) {
    uint32_t node;
    switch (arg->kind) {
    case TD_ARG_DECIMAL:
        return lower_decimal(l, f, expr);
    case TD_ARG_CONDITION:
        return td_function_window(f) != NULL && td_lower_event(l, expr, &node) ? node : td_lower_condition(l, expr);
    case TD_ARG_ANY:
        return td_lower_expr(l, expr);
    case TD_ARG_LENGTH:
        return lower_length(l, f, arg, expr);
    case TD_ARG_CONSTANT:
        return lower_bounded(l, f, arg, expr);
    default:
        return td_lower_number(l, expr);
    }
}

/* A length, a constant duration, or a window by itself. */
static uint32_t lower_window(td_lowering *l, const td_function *f, const td_arg *arg, uint32_t expr, arguments *a) {
    if (td_lower_is_window(l, expr)) return td_lower_window_of(l, expr, &a->window);
    uint32_t node = try_lowering(l, expr);
    if (node == TD_NODE_BAD || td_lower_type(l, node) != TD_TYPE_DURATION) return lower_length(l, f, arg, expr);
    td_node n = td_graph_builder_node(l->builder, node);
    if (n.op == TD_OP_CONSTANT && n.constant > 0) return td_lower_expr(l, expr);
    td_lower_fail(l, expr_at(l, expr)->offset,
                  "the window of %s must be constant and above 0: a duration, or made of "
                  "durations and params",
                  f->name);
    return TD_NODE_BAD;
}

/* `where = condition` narrows the window. */
static bool lower_where(td_lowering *l, arguments *a) {
    if (a->where == 0) return true;
    uint32_t condition = td_lower_condition(l, a->where);
    a->window.admits = condition + 1;
    return condition != TD_NODE_BAD;
}

static bool lower_arguments(td_lowering *l, const td_function *f, const td_expr *call, arguments *a) {
    if (!place_arguments(l, f, call, a)) return false;
    bool right = true;
    for (uint32_t i = 0; f->args[i].kind != TD_ARG_NONE; i++) {
        const td_arg *arg = &f->args[i];
        if (a->expr[i] == 0)
            a->node[i] = lower_fallback(l, arg, call);
        else if (arg->kind == TD_ARG_WINDOW)
            a->node[i] = lower_window(l, f, arg, a->expr[i], a);
        else
            a->node[i] = lower_given(l, f, arg, a->expr[i]);
        right = right && a->node[i] != TD_NODE_BAD;
    }
    right = lower_where(l, a) && right;
    bool any = f->args[0].kind == TD_ARG_ANY; /* then there are two */
    return right && (!any || td_lower_unify(l, a->expr[1], a->node));
}

/* ---- functions ---- */

static uint32_t whole_of(const td_lowering *l, uint32_t node) {
    return (uint32_t)(td_graph_builder_node(l->builder, node).constant / TD_VALUE_ONE);
}

static uint32_t add_operator(td_lowering *l, const td_function *f, const arguments *a) {
    td_node node = {.op = (uint8_t)f->op};
    uint32_t in = 0;
    for (uint32_t i = 0; f->args[i].kind != TD_ARG_NONE; i++) {
        td_arg_kind kind = f->args[i].kind;
        bool real = td_op_rows[f->op].real || kind == TD_ARG_CONSTANT;
        if (kind == TD_ARG_LENGTH || kind == TD_ARG_WINDOW)
            node.n = whole_of(l, a->node[i]);
        else
            node.in[in++] = real ? td_lower_as_real(l, a->node[i]) : a->node[i];
    }
    return td_graph_builder_add(l->builder, node);
}

/* A window that no plain length is. */
static bool is_over(const td_lowering *l, const td_function *f, const arguments *a) {
    const td_arg *window = td_function_window(f);
    if (window == NULL) return false;
    return a->window.epoch != TD_EPOCH_NONE || a->window.admits != 0 ||
           td_lower_type(l, a->node[window - f->args]) == TD_TYPE_DURATION;
}

static uint32_t add_over(td_lowering *l, const td_function *f, const td_expr *call, const arguments *a) {
    td_over_call over = {
        .function = f, .x = a->node[0], .other = a->node[0], .window = a->window, .offset = call->offset};
    for (uint32_t i = 1; f->args[i].kind != TD_ARG_NONE; i++)
        *(f->args[i].kind == TD_ARG_WINDOW ? &over.node : &over.other) = a->node[i];
    return td_lower_reads_news(l, over.x) ? td_lower_over_news(l, &over) : td_lower_over(l, &over);
}

/* The part that the field names, with the parts before it. */
static uint32_t lower_parts(td_lowering *l, const td_function *f, const arguments *a, td_bytes field) {
    td_lowering inside = *l;
    inside.scope = (td_buf){0};
    inside.inner = f;
    for (uint32_t i = 0; f->args[i].kind != TD_ARG_NONE; i++) {
        td_scope_name arg = {.name = td_text(f->args[i].name), .node = a->node[i], .place = td_lower_here(l)};
        if (f->args[i].kind == TD_ARG_WINDOW) arg.window = a->window;
        td_lower_define(&inside, arg);
    }
    uint32_t node = TD_NODE_BAD;
    for (uint32_t i = 0; f->parts[i].name != NULL; i++) {
        td_bytes name = td_text(f->parts[i].name);
        node = td_lower_expr(&inside, l->parts[td_lower_part(f, i)]);
        if (td_bytes_equal(name, field)) break;
        td_lower_define(&inside, (td_scope_name){.name = name, .node = node, .place = td_lower_here(l)});
    }
    l->work = inside.work;
    td_buf_fini(&inside.scope);
    return node;
}

static void fail_field(const td_lowering *l, const td_function *f, const td_expr *call, td_bytes field) {
    td_buf fields = {0};
    for (const td_part *part = f->parts; part->name != NULL; part++)
        if (td_function_field(f, td_text(part->name)) != NULL)
            td_buf_printf(&fields, "%s.%s", fields.size > 0 ? ", " : "", part->name);
    if (fields.size == 0)
        td_lower_fail(l, call->offset, "%s gives one value and has no fields", f->name);
    else if (field.size == 0)
        td_lower_fail(l, call->offset, "%s has the fields %.*s: say which", f->name, (int)fields.size,
                      (const char *)fields.data);
    else
        td_lower_fail(l, call->offset, "%s has no field '%.*s'; it has %.*s", f->name, TD_WORD(field), (int)fields.size,
                      (const char *)fields.data);
    td_buf_fini(&fields);
}

static uint32_t fail_unknown(td_lowering *l, const td_expr *call) {
    const char *near = td_function_nearest(call->text);
    const char *hint[3] = {near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : ""};
    if (td_bytes_equal(call->text, TD_TEXT("since"))) {
        td_lower_fail(l, call->offset, "'since' is a window: the last argument of a function such as sum");
    } else if (td_lower_find(l, call->text, (td_bytes){0}) != NULL || td_word_find(td_words_field, call->text) >= 0)
        td_lower_fail(l, call->offset, "'%.*s' is a value, not a function", TD_WORD(call->text));
    else
        td_lower_fail(l, call->offset, "unknown function '%.*s'%s%s%s", TD_WORD(call->text), hint[0], hint[1], hint[2]);
    for (uint32_t i = call->first; i != 0; i = expr_at(l, i)->next) /* they may be wrong too */
        if (expr_at(l, i)->kind != TD_EXPR_GIVEN && !td_lower_is_window(l, i)) (void)td_lower_expr(l, i);
    return TD_NODE_BAD;
}

const td_function *td_lower_called(const td_lowering *l, const td_expr *call) {
    if (td_lower_find_fn(l, call) != NULL || td_lower_is_across(l, call)) return NULL;
    return td_function_find(call->text, l->inner != NULL);
}

uint32_t td_lower_call(td_lowering *l, const td_expr *call, td_bytes field) {
    const td_fn_tree *fn = td_lower_find_fn(l, call);
    if (fn != NULL && field.size > 0) {
        td_lower_fail(l, call->offset, "'%.*s' gives one value and has no fields", TD_WORD(fn->name));
        return TD_NODE_BAD;
    }
    if (fn != NULL) return lower_fn(l, fn, call);
    if (td_lower_is_asof(l, call)) return td_lower_asof(l, call, NULL);
    if (td_lower_is_across(l, call) && field.size == 0) return td_lower_across(l, call);
    const td_function *f = td_lower_called(l, call);
    if (f == NULL) return fail_unknown(l, call);
    bool wrong = field.size == 0 ? td_function_has_fields(f) : td_function_field(f, field) == NULL;
    if (wrong) {
        fail_field(l, f, call, field);
        return TD_NODE_BAD;
    }
    arguments a = {0};
    if (!lower_arguments(l, f, call, &a)) return TD_NODE_BAD;
    if (is_over(l, f, &a) && td_lower_reads_news(l, a.node[0])) return add_over(l, f, call, &a);
    if (f->over != 0 && (is_over(l, f, &a) || (f->op == 0 && f->parts[0].name == NULL)))
        return add_over(l, f, call, &a);
    if (f->parts[0].name == NULL) return add_operator(l, f, &a);
    uint32_t outer = l->call_offset;
    if (l->inner == NULL) l->call_offset = call->offset;
    uint32_t node = lower_parts(l, f, &a, field);
    l->call_offset = outer;
    return node;
}
