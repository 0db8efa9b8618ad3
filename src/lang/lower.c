/* src/lang/lower.c - expressions to nodes, with types. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/indicator.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { ARGS_MAX = 3 };

void td_lower_fail(const td_lowering *l, uint32_t offset, const char *fmt, ...) {
    char message[TD_DIAG_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    td_diag_add(l->diags, l->strategy->file, offset, "%s", message);
}

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

static td_type type_of(const td_lowering *l, uint32_t node) {
    return (td_type)td_graph_builder_node(l->builder, node).type;
}

static uint32_t add(td_lowering *l, td_op op, uint32_t a, uint32_t b) {
    return td_graph_builder_add(l->builder, (td_node){.op = (uint8_t)op, .in = {a, b}});
}

static uint32_t add_constant(td_lowering *l, td_value value) {
    td_node node = {.op = TD_OP_CONSTANT, .type = TD_TYPE_DECIMAL, .constant = value};
    return td_graph_builder_add(l->builder, node);
}

static uint32_t as_real(td_lowering *l, uint32_t node) {
    return type_of(l, node) == TD_TYPE_DECIMAL ? add(l, TD_OP_REAL, node, 0) : node;
}

/* Two numbers, exactly if both are decimal, else as doubles. */
static uint32_t add_numeric(td_lowering *l, td_op decimal, td_op real, const uint32_t in[2]) {
    if (type_of(l, in[0]) == TD_TYPE_DECIMAL && type_of(l, in[1]) == TD_TYPE_DECIMAL)
        return add(l, decimal, in[0], in[1]);
    return add(l, real, as_real(l, in[0]), as_real(l, in[1]));
}

/* ---- names ---- */

const td_scope_name *td_lower_find(const td_lowering *l, td_bytes name) {
    const td_scope_name *names = (const td_scope_name *)(const void *)l->scope.data;
    for (size_t i = 0; i < l->scope.size / sizeof *names; i++)
        if (td_bytes_equal(names[i].name, name)) return &names[i];
    return NULL;
}

/* " ; did you mean …" with the nearest of the words and of what is defined so far, or "". */
static const char *guess(const td_lowering *l, td_bytes name, const char *const *words, char out[96]) {
    enum { CANDIDATES_MAX = 128 };
    const char *candidates[CANDIDATES_MAX + 1];
    char copies[CANDIDATES_MAX][TD_NAME_BYTES_MAX + 1];
    size_t count = 0;
    for (; words[count] != NULL; count++) candidates[count] = words[count];
    const td_scope_name *names = (const td_scope_name *)(const void *)l->scope.data;
    for (size_t i = 0; i < l->scope.size / sizeof *names && count < CANDIDATES_MAX; i++, count++) {
        (void)snprintf(copies[count], sizeof copies[count], "%.*s", TD_WORD(names[i].name));
        candidates[count] = copies[count];
    }
    candidates[count] = NULL;
    const char *near = td_word_nearest(candidates, name);
    if (near == NULL) return "";
    (void)snprintf(out, 96, "; did you mean '%s'?", near);
    return out;
}

static uint32_t fail_unknown(const td_lowering *l, const td_expr *e) {
    char hint[96];
    for (uint32_t i = l->stmts_done; i < l->strategy->stmt_count; i++) {
        const td_stmt *later = td_syntax_stmt(l->tree, l->strategy->stmt_first + i);
        if (later->kind == TD_STMT_ACTION || !td_bytes_equal(later->name, e->text)) continue;
        uint32_t line = td_diag_line(&l->diags->texts[l->strategy->file], later->offset);
        td_lower_fail(l, e->offset, "'%.*s' is used before it is defined, on line %u", TD_WORD(e->text), line);
        return TD_NODE_BAD;
    }
    td_lower_fail(l, e->offset, "unknown name '%.*s'%s", TD_WORD(e->text), guess(l, e->text, td_words_field, hint));
    return TD_NODE_BAD;
}

static uint32_t lower_name(td_lowering *l, const td_expr *e) {
    const td_scope_name *found = td_lower_find(l, e->text);
    if (found != NULL) return found->node;
    int field = td_word_find(td_words_field, e->text);
    if (field < 0) return fail_unknown(l, e);
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_FIELD, .n = (uint32_t)field});
}

/* ---- types ---- */

uint32_t td_lower_number(td_lowering *l, uint32_t expr) {
    uint32_t node = td_lower_expr(l, expr);
    if (node == TD_NODE_BAD || type_of(l, node) != TD_TYPE_CONDITION) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "expected a number, found a condition");
    return TD_NODE_BAD;
}

uint32_t td_lower_condition(td_lowering *l, uint32_t expr) {
    uint32_t node = td_lower_expr(l, expr);
    if (node == TD_NODE_BAD || type_of(l, node) == TD_TYPE_CONDITION) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "expected a condition, found a number");
    return TD_NODE_BAD;
}

/* Makes both of one type: conditions, decimals, or doubles. False after an error. */
static bool unify(td_lowering *l, uint32_t expr, uint32_t in[2]) {
    if (in[0] == TD_NODE_BAD || in[1] == TD_NODE_BAD) return false;
    bool first = type_of(l, in[0]) == TD_TYPE_CONDITION, second = type_of(l, in[1]) == TD_TYPE_CONDITION;
    if (first != second) {
        td_lower_fail(l, expr_at(l, expr)->offset, "expected a %s like the other value, found a %s",
                      first ? "condition" : "number", second ? "condition" : "number");
        return false;
    }
    if (type_of(l, in[0]) == type_of(l, in[1])) return true;
    for (int i = 0; i < 2; i++) in[i] = as_real(l, in[i]);
    return true;
}

/* A constant whole number from `least` to TD_WINDOW_MAX, or UINT32_MAX after an error. */
static uint32_t lower_whole(td_lowering *l, uint32_t expr, const char *what, uint32_t least) {
    uint32_t node = td_lower_number(l, expr);
    if (node == TD_NODE_BAD) return UINT32_MAX;
    td_node n = td_graph_builder_node(l->builder, node);
    uint32_t offset = expr_at(l, expr)->offset;
    if (n.op != TD_OP_CONSTANT) {
        td_lower_fail(l, offset, "%s must be constant: a number, or made of numbers and params", what);
        return UINT32_MAX;
    }
    bool na = td_value_is_na(n.constant);
    double x = na ? -1 : n.type == TD_TYPE_REAL ? td_value_to_real(n.constant) : td_ratio(n.constant, TD_VALUE_ONE);
    if (x >= least && x <= TD_WINDOW_MAX && x == floor(x)) return (uint32_t)x;
    char found[32];
    (void)snprintf(found, sizeof found, "%.15g", x);
    td_lower_fail(l, offset, "%s must be a whole number from %u to %d, found %s", what, least, TD_WINDOW_MAX,
                  na ? "na" : found);
    return UINT32_MAX;
}

/* ---- functions ---- */

typedef struct function {
    const char *name, *usage;
    uint32_t arg_count;
    uint32_t (*lower)(td_lowering *l, const struct function *f, const uint32_t args[ARGS_MAX]);
} function;

static uint32_t lower_average(td_lowering *l, const function *f, const uint32_t args[ARGS_MAX]) {
    char what[32];
    (void)snprintf(what, sizeof what, "the length of %s", f->name);
    uint32_t x = td_lower_number(l, args[0]);
    uint32_t length = lower_whole(l, args[1], what, 1);
    if (x == TD_NODE_BAD || length == UINT32_MAX) return TD_NODE_BAD;
    td_op op = strcmp(f->name, "sma") == 0 ? TD_OP_SMA : TD_OP_EMA;
    return td_graph_builder_add(l->builder, (td_node){.op = (uint8_t)op, .in = {x}, .n = length});
}

static uint32_t add_ago(td_lowering *l, uint32_t node, uint32_t n) {
    if (n == 0) return node;
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_AGO, .in = {node}, .n = n});
}

/* crossover(a, b) = a > b and a[1] <= b[1]; crossunder(a, b) = crossover(b, a). */
static uint32_t lower_cross(td_lowering *l, const function *f, const uint32_t args[ARGS_MAX]) {
    uint32_t a = td_lower_number(l, args[0]), b = td_lower_number(l, args[1]);
    if (a == TD_NODE_BAD || b == TD_NODE_BAD) return TD_NODE_BAD;
    bool under = strcmp(f->name, "crossunder") == 0;
    uint32_t over = under ? b : a, base = under ? a : b;
    uint32_t now = add_numeric(l, TD_OP_LT_DECIMAL, TD_OP_LT, (const uint32_t[]){base, over});
    uint32_t before[2] = {add_ago(l, over, 1), add_ago(l, base, 1)};
    return add(l, TD_OP_AND, now, add_numeric(l, TD_OP_LE_DECIMAL, TD_OP_LE, before));
}

static uint32_t lower_nz(td_lowering *l, const function *f, const uint32_t args[ARGS_MAX]) {
    (void)f;
    uint32_t in[2] = {td_lower_expr(l, args[0]), td_lower_expr(l, args[1])};
    return unify(l, args[1], in) ? add(l, TD_OP_NZ, in[0], in[1]) : TD_NODE_BAD;
}

static const function functions[] = {
    {"sma", "sma(x, n)", 2, lower_average},
    {"ema", "ema(x, n)", 2, lower_average},
    {"crossover", "crossover(a, b)", 2, lower_cross},
    {"crossunder", "crossunder(a, b)", 2, lower_cross},
    {"nz", "nz(x, d)", 2, lower_nz},
};

static uint32_t lower_call(td_lowering *l, const td_expr *e) {
    uint32_t args[ARGS_MAX] = {0}, count = 0;
    for (uint32_t i = e->first; i != 0; i = expr_at(l, i)->next, count++)
        if (count < ARGS_MAX) args[count] = i;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        const function *f = &functions[i];
        if (!td_bytes_equal(td_text(f->name), e->text)) continue;
        if (count == f->arg_count) return f->lower(l, f, args);
        td_lower_fail(l, e->offset, "%s takes %u arguments, found %u", f->usage, f->arg_count, count);
        return TD_NODE_BAD;
    }
    char hint[96];
    bool is_value = td_lower_find(l, e->text) != NULL || td_word_find(td_words_field, e->text) >= 0;
    if (is_value)
        td_lower_fail(l, e->offset, "'%.*s' is a value, not a function", TD_WORD(e->text));
    else {
        const char *near = td_word_nearest(td_words_function, e->text);
        (void)snprintf(hint, sizeof hint, "; did you mean '%s'?", near != NULL ? near : "");
        td_lower_fail(l, e->offset, "unknown function '%.*s'%s", TD_WORD(e->text), near != NULL ? hint : "");
    }
    for (uint32_t i = e->first; i != 0; i = expr_at(l, i)->next) (void)td_lower_expr(l, i); /* they may be wrong too */
    return TD_NODE_BAD;
}

/* ---- operators ---- */

typedef struct numeric_op {
    const char *text;
    td_op decimal, real; /* the same: always double */
    bool swap, negate;
} numeric_op;

static const numeric_op numeric_ops[] = {
    {"+", TD_OP_ADD_DECIMAL, TD_OP_ADD, false, false}, {"-", TD_OP_SUB_DECIMAL, TD_OP_SUB, false, false},
    {"*", TD_OP_MUL, TD_OP_MUL, false, false},         {"/", TD_OP_DIV, TD_OP_DIV, false, false},
    {"<", TD_OP_LT_DECIMAL, TD_OP_LT, false, false},   {"<=", TD_OP_LE_DECIMAL, TD_OP_LE, false, false},
    {">", TD_OP_LT_DECIMAL, TD_OP_LT, true, false},    {">=", TD_OP_LE_DECIMAL, TD_OP_LE, true, false},
    {"==", TD_OP_EQ_DECIMAL, TD_OP_EQ, false, false},  {"!=", TD_OP_EQ_DECIMAL, TD_OP_EQ, false, true},
};

static uint32_t lower_numeric(td_lowering *l, const numeric_op *op, const td_expr *e) {
    uint32_t a = td_lower_number(l, e->first), b = td_lower_number(l, expr_at(l, e->first)->next);
    if (a == TD_NODE_BAD || b == TD_NODE_BAD) return TD_NODE_BAD;
    uint32_t in[2] = {op->swap ? b : a, op->swap ? a : b};
    uint32_t node = op->decimal == op->real ? add(l, op->real, as_real(l, in[0]), as_real(l, in[1]))
                                            : add_numeric(l, op->decimal, op->real, in);
    return op->negate ? add(l, TD_OP_NOT, node, 0) : node;
}

static uint32_t lower_op(td_lowering *l, const td_expr *e) {
    uint32_t second = expr_at(l, e->first)->next;
    if (td_bytes_equal(e->text, TD_TEXT("not"))) {
        uint32_t a = td_lower_condition(l, e->first);
        return a == TD_NODE_BAD ? a : add(l, TD_OP_NOT, a, 0);
    }
    if (second == 0) { /* -x is 0 - x */
        uint32_t x = td_lower_number(l, e->first);
        if (x == TD_NODE_BAD) return x;
        return add_numeric(l, TD_OP_SUB_DECIMAL, TD_OP_SUB, (const uint32_t[]){add_constant(l, 0), x});
    }
    for (size_t i = 0; i < sizeof numeric_ops / sizeof numeric_ops[0]; i++)
        if (td_bytes_equal(td_text(numeric_ops[i].text), e->text)) return lower_numeric(l, &numeric_ops[i], e);

    uint32_t a = td_lower_condition(l, e->first), b = td_lower_condition(l, second);
    if (a == TD_NODE_BAD || b == TD_NODE_BAD) return TD_NODE_BAD;
    return add(l, td_bytes_equal(e->text, TD_TEXT("and")) ? TD_OP_AND : TD_OP_OR, a, b);
}

static uint32_t lower_if(td_lowering *l, const td_expr *e) {
    uint32_t yes = expr_at(l, e->first)->next, no = expr_at(l, yes)->next;
    uint32_t condition = td_lower_condition(l, e->first);
    uint32_t in[2] = {td_lower_expr(l, yes), td_lower_expr(l, no)};
    if (!unify(l, no, in) || condition == TD_NODE_BAD) return TD_NODE_BAD;
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_IF, .in = {condition, in[0], in[1]}});
}

uint32_t td_lower_expr(td_lowering *l, uint32_t expr) {
    const td_expr *e = expr_at(l, expr);
    switch ((td_expr_kind)e->kind) {
    case TD_EXPR_NUMBER:
        return add_constant(l, e->number);
    case TD_EXPR_NAME:
        return lower_name(l, e);
    case TD_EXPR_CALL:
        return lower_call(l, e);
    case TD_EXPR_OP:
        return lower_op(l, e);
    case TD_EXPR_IF:
        return lower_if(l, e);
    case TD_EXPR_AGO: {
        uint32_t x = td_lower_expr(l, e->first);
        uint32_t n = lower_whole(l, expr_at(l, e->first)->next, "the number of bars in [ ]", 0);
        return x == TD_NODE_BAD || n == UINT32_MAX ? TD_NODE_BAD : add_ago(l, x, n);
    }
    default:
        return TD_NODE_BAD; /* said by the parser */
    }
}
