/* src/lang/lower.c - expressions to nodes, with types. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/indicator.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void td_lower_fail(const td_lowering *l, uint32_t offset, const char *fmt, ...) {
    char message[TD_DIAG_BYTES_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    td_diag_add(l->diags, l->fn != NULL ? l->fn->fn->file : l->strategy->file,
                l->inner != NULL ? l->call_offset : offset, "%s", message);
}

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

td_type td_lower_type(const td_lowering *l, uint32_t node) {
    return (td_type)td_graph_builder_node(l->builder, node).type;
}

static uint32_t add(td_lowering *l, td_op op, uint32_t a, uint32_t b) {
    return td_graph_builder_add(l->builder, (td_node){.op = (uint8_t)op, .in = {a, b}});
}

uint32_t td_lower_constant(td_lowering *l, td_value value) {
    td_node node = {.op = TD_OP_CONSTANT, .type = TD_TYPE_DECIMAL, .constant = value};
    return td_graph_builder_add(l->builder, node);
}

uint32_t td_lower_as_real(td_lowering *l, uint32_t node) {
    return td_lower_type(l, node) == TD_TYPE_DECIMAL ? add(l, TD_OP_REAL, node, 0) : node;
}

/* Two numbers, exactly if both are decimal, else as doubles. */
static uint32_t add_numeric(td_lowering *l, td_op decimal, td_op real, const uint32_t in[2]) {
    if (td_lower_type(l, in[0]) == TD_TYPE_DECIMAL && td_lower_type(l, in[1]) == TD_TYPE_DECIMAL)
        return add(l, decimal, in[0], in[1]);
    return add(l, real, td_lower_as_real(l, in[0]), td_lower_as_real(l, in[1]));
}

/* ---- names ---- */

static const td_scope_name *scope_names(const td_lowering *l, size_t *out_count) {
    *out_count = l->scope.size / sizeof(td_scope_name);
    return (const td_scope_name *)(const void *)l->scope.data;
}

const td_scope_name *td_lower_find(const td_lowering *l, td_bytes name, td_bytes field) {
    size_t count;
    const td_scope_name *names = scope_names(l, &count);
    for (size_t i = 0; i < count; i++)
        if (td_bytes_equal(names[i].name, name) && td_bytes_equal(names[i].field, field)) return &names[i];
    return NULL;
}

void td_lower_define(td_lowering *l, td_scope_name name) { td_buf_put(&l->scope, &name, sizeof name); }

/* "; did you mean …" with the nearest of the words, of what all texts know, and of what is defined so far, or "". */
static const char *guess(const td_lowering *l, td_bytes name, const char *const *words, char out[96]) {
    enum { CANDIDATES_MAX = 128 };
    const char *candidates[CANDIDATES_MAX + 1];
    char copies[CANDIDATES_MAX][TD_NAME_BYTES_MAX + 1];
    size_t count = 0;
    for (; words[count] != NULL; count++) candidates[count] = words[count];
    for (size_t i = 0; td_words_time[i] != NULL; i++) candidates[count++] = td_words_time[i];
    for (size_t i = 0; td_words_asof[i] != NULL; i++) candidates[count++] = td_words_asof[i];
    for (size_t i = 0; td_words_position[i] != NULL; i++) candidates[count++] = td_words_position[i];
    size_t name_count;
    const td_scope_name *names = scope_names(l, &name_count);
    for (size_t i = 0; i < name_count && count < CANDIDATES_MAX; i++, count++) {
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
        if (later->kind > TD_STMT_USE || !td_bytes_equal(later->name, e->text)) continue;
        uint32_t line = td_diag_line(&l->diags->texts[l->strategy->file], later->offset);
        td_lower_fail(l, e->offset, "'%.*s' is used before it is defined, on line %u", TD_WORD(e->text), line);
        return TD_NODE_BAD;
    }
    if (td_function_find(e->text, false) != NULL) {
        td_lower_fail(l, e->offset, "'%.*s' is a function: give it what it works on", TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    td_lower_fail(l, e->offset, "unknown name '%.*s'%s", TD_WORD(e->text),
                  guess(l, e->text, td_lower_own_words(l), hint));
    return TD_NODE_BAD;
}

/* The names of its fields, ".a, .b and .c"; NULL: it has none. */
static const char *fields_of(const td_lowering *l, td_bytes name, char out[128]) {
    size_t count, size = 0;
    const td_scope_name *names = scope_names(l, &count), *last = NULL;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!td_bytes_equal(names[i].name, name) || names[i].field.size == 0) continue;
        last = &names[i];
        if (size < 60) /* more could be too long */
            size += (size_t)snprintf(out + size, 128 - size, "%s.%.*s", size > 0 ? ", " : "", TD_WORD(last->field));
    }
    return last != NULL ? out : NULL;
}

static uint32_t lower_name(td_lowering *l, const td_expr *e, td_bytes field) {
    char fields[128];
    const td_scope_name *found = td_lower_find(l, e->text, field);
    const td_scope_name *use = td_lower_find(l, e->text, (td_bytes){0});
    if (use != NULL && use->use) return td_lower_use_field(l, use, e, field);
    if (found != NULL && found->window.epoch != TD_EPOCH_NONE) {
        td_lower_fail(l, e->offset, "'%.*s' is a window, not a value", TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    if (found != NULL && found->place.builder == l->builder)
        td_graph_builder_name_term(l->builder, l->term, found->term);
    if (found != NULL && found->text.size > 0) {
        td_lower_fail(l, e->offset, "a text is compared with a text, and '%.*s' is one", TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    if (found != NULL) return td_lower_read(l, found->place, found->node, e->offset);
    if (fields_of(l, e->text, fields) != NULL) {
        if (field.size == 0)
            td_lower_fail(l, e->offset, "'%.*s' has the fields %s: say which", TD_WORD(e->text), fields);
        else
            td_lower_fail(l, e->offset, "'%.*s' has no field '%.*s'; it has %s", TD_WORD(e->text), TD_WORD(field),
                          fields);
        return TD_NODE_BAD;
    }
    if (td_bytes_equal(e->text, TD_TEXT("tick"))) return td_lower_tick(l, e, field);
    if (td_word_find(td_words_time, e->text) >= 0) return td_lower_daytime(l, e, field);
    if (td_word_find(td_words_position, e->text) >= 0) return td_lower_position(l, e, field);
    uint32_t node;
    bool is_value =
        td_word_find(td_lower_own_words(l), e->text) >= 0 || td_lower_find(l, e->text, (td_bytes){0}) != NULL;
    if (is_value && field.size > 0) {
        td_lower_fail(l, e->offset, "'%.*s' is one value and has no fields", TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    return td_lower_own_field(l, e, &node) ? node : fail_unknown(l, e);
}

uint32_t td_lower_word(td_lowering *l, td_bytes word, uint32_t offset) {
    const uint8_t *dot = word.size > 0 ? memchr(word.data, '.', word.size) : NULL;
    size_t size = dot != NULL ? (size_t)(dot - word.data) : word.size;
    td_bytes field = {word.data + size + (dot != NULL), word.size - size - (dot != NULL)};
    td_expr name = {.kind = TD_EXPR_NAME, .text = {word.data, size}, .offset = offset};
    return lower_name(l, &name, field);
}

static uint32_t lower_field(td_lowering *l, const td_expr *e) {
    const td_expr *of = expr_at(l, e->first);
    uint32_t node;
    if (td_lower_reference(l, e, &node)) return node;
    if (td_lower_is_asof(l, of)) return td_lower_asof(l, of, e);
    if (td_lower_asof_field(l, e, of, &node)) return node;
    if (of->next != 0) {
        td_lower_fail(l, e->offset, "'.%.*s' takes nothing in brackets", TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    if (of->kind == TD_EXPR_CALL) return td_lower_call(l, of, e->text);
    if (of->kind == TD_EXPR_NAME) return lower_name(l, of, e->text);
    if (td_lower_expr(l, e->first) != TD_NODE_BAD)
        td_lower_fail(l, of->offset, "only functions, names of their results and series have fields");
    return TD_NODE_BAD;
}

/* ---- types ---- */

const char *td_lower_type_name(td_type type) {
    static const char *const names[] = {
        [TD_TYPE_DECIMAL] = "number",    [TD_TYPE_REAL] = "number", [TD_TYPE_CONDITION] = "condition",
        [TD_TYPE_DURATION] = "duration", [TD_TYPE_TIME] = "time",   [TD_TYPE_TEXT] = "text"};
    return names[type];
}

static bool is_number(const td_lowering *l, uint32_t node) { return td_lower_type(l, node) <= TD_TYPE_REAL; }

/* The node if it is a number. */
static uint32_t need_number(td_lowering *l, uint32_t expr, uint32_t node) {
    if (node == TD_NODE_BAD || is_number(l, node)) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "expected a number, found a %s",
                  td_lower_type_name(td_lower_type(l, node)));
    return TD_NODE_BAD;
}

uint32_t td_lower_number(td_lowering *l, uint32_t expr) { return need_number(l, expr, td_lower_expr(l, expr)); }

uint32_t td_lower_condition(td_lowering *l, uint32_t expr) {
    uint32_t node = td_lower_expr(l, expr);
    if (node == TD_NODE_BAD || td_lower_type(l, node) == TD_TYPE_CONDITION) return node;
    td_lower_fail(l, expr_at(l, expr)->offset, "expected a condition, found a %s",
                  td_lower_type_name(td_lower_type(l, node)));
    return TD_NODE_BAD;
}

/* `na` as written is of any type: of that of the value beside it. */
static void adapt_na(td_lowering *l, uint32_t *na, uint32_t other) {
    td_node n = td_graph_builder_node(l->builder, *na);
    if (n.op != TD_OP_CONSTANT || !td_value_is_na(n.constant) || is_number(l, other)) return;
    n.type = (uint8_t)td_lower_type(l, other);
    *na = td_graph_builder_add(l->builder, n);
}

bool td_lower_unify(td_lowering *l, uint32_t expr, uint32_t in[2]) {
    if (in[0] == TD_NODE_BAD || in[1] == TD_NODE_BAD) return false;
    uint32_t offset = expr_at(l, expr)->offset;
    if (td_lower_refuses_text(l, in[0], offset) || td_lower_refuses_text(l, in[1], offset)) return false;
    adapt_na(l, &in[0], in[1]);
    adapt_na(l, &in[1], in[0]);
    td_type first = td_lower_type(l, in[0]), second = td_lower_type(l, in[1]);
    if (first == second) return true;
    if (!is_number(l, in[0]) || !is_number(l, in[1])) {
        td_lower_fail(l, expr_at(l, expr)->offset, "expected a %s like the other value, found a %s",
                      td_lower_type_name(first), td_lower_type_name(second));
        return false;
    }
    for (int i = 0; i < 2; i++) in[i] = td_lower_as_real(l, in[i]);
    return true;
}

uint32_t td_lower_whole(td_lowering *l, uint32_t expr, const char *what, uint32_t least) {
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

static bool is_time(const td_lowering *l, uint32_t node) {
    return node != TD_NODE_BAD &&
           (td_lower_type(l, node) == TD_TYPE_DURATION || td_lower_type(l, node) == TD_TYPE_TIME);
}

static uint32_t lower_numeric(td_lowering *l, const numeric_op *op, const td_expr *e) {
    uint32_t second = expr_at(l, e->first)->next;
    uint32_t a = td_lower_expr(l, e->first), b = td_lower_expr(l, second);
    if (td_lower_refuses_text(l, a, e->offset) || td_lower_refuses_text(l, b, e->offset)) return TD_NODE_BAD;
    if (is_time(l, a) || is_time(l, b))
        return a != TD_NODE_BAD && b != TD_NODE_BAD ? td_lower_times(l, e, (const uint32_t[]){a, b}) : TD_NODE_BAD;
    a = need_number(l, e->first, a);
    b = need_number(l, second, b);
    if (a == TD_NODE_BAD || b == TD_NODE_BAD) return TD_NODE_BAD;
    uint32_t in[2] = {op->swap ? b : a, op->swap ? a : b};
    uint32_t node = op->decimal == op->real ? add(l, op->real, td_lower_as_real(l, in[0]), td_lower_as_real(l, in[1]))
                                            : add_numeric(l, op->decimal, op->real, in);
    return op->negate ? add(l, TD_OP_NOT, node, 0) : node;
}

static uint32_t lower_op(td_lowering *l, const td_expr *e) {
    uint32_t second = expr_at(l, e->first)->next, answer;
    if (td_lower_texts(l, e, &answer)) return answer;
    if (td_bytes_equal(e->text, TD_TEXT("has")) || td_bytes_equal(e->text, TD_TEXT("in"))) {
        td_lower_fail(l, e->offset,
                      "'%.*s' stands between two texts, of which one is written, as in news.headline has \"…\"",
                      TD_WORD(e->text));
        return TD_NODE_BAD;
    }
    if (td_bytes_equal(e->text, TD_TEXT("not"))) {
        uint32_t a = td_lower_condition(l, e->first);
        return a == TD_NODE_BAD ? a : add(l, TD_OP_NOT, a, 0);
    }
    if (second == 0) { /* -x is 0 - x */
        uint32_t x = td_lower_expr(l, e->first);
        if (x != TD_NODE_BAD && td_lower_type(l, x) == TD_TYPE_DURATION) {
            td_node none = {.op = TD_OP_CONSTANT, .type = TD_TYPE_DURATION};
            return add(l, TD_OP_SUB_DECIMAL, td_graph_builder_add(l->builder, none), x);
        }
        x = need_number(l, e->first, x);
        if (x == TD_NODE_BAD) return x;
        return add_numeric(l, TD_OP_SUB_DECIMAL, TD_OP_SUB, (const uint32_t[]){td_lower_constant(l, 0), x});
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
    if (!td_lower_unify(l, no, in) || condition == TD_NODE_BAD) return TD_NODE_BAD;
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_IF, .in = {condition, in[0], in[1]}});
}

static uint32_t lower_ago(td_lowering *l, const td_expr *e) {
    uint32_t x = td_lower_expr(l, e->first);
    uint32_t n = td_lower_whole(l, expr_at(l, e->first)->next, "the number of bars in [ ]", 0);
    if (td_lower_refuses_text(l, x, e->offset)) return TD_NODE_BAD;
    if (x == TD_NODE_BAD || n == UINT32_MAX) return TD_NODE_BAD;
    return n == 0 ? x : td_graph_builder_add(l->builder, (td_node){.op = TD_OP_AGO, .in = {x}, .n = n});
}

static uint32_t lower_kind(td_lowering *l, const td_expr *e) {
    switch ((td_expr_kind)e->kind) {
    case TD_EXPR_NUMBER:
        return td_lower_constant(l, e->number);
    case TD_EXPR_DURATION:
        return td_graph_builder_add(l->builder,
                                    (td_node){.op = TD_OP_CONSTANT, .type = TD_TYPE_DURATION, .constant = e->number});
    case TD_EXPR_CLOCK:
        return td_lower_clock(l, e);
    case TD_EXPR_STRING:
        td_lower_fail(l, e->offset,
                      "a text is compared with a text, as in news.headline has \"…\" or ref.sector == \"…\"");
        return TD_NODE_BAD;
    case TD_EXPR_TRUTH: {
        bool na = td_value_is_na(e->number);
        return td_graph_builder_add(
            l->builder,
            (td_node){.op = TD_OP_CONSTANT, .type = na ? TD_TYPE_DECIMAL : TD_TYPE_CONDITION, .constant = e->number});
    }
    case TD_EXPR_NAME:
        return lower_name(l, e, (td_bytes){0});
    case TD_EXPR_CALL:
        return td_lower_call(l, e, (td_bytes){0});
    case TD_EXPR_OP:
        return lower_op(l, e);
    case TD_EXPR_IF:
        return lower_if(l, e);
    case TD_EXPR_AGO:
        return lower_ago(l, e);
    case TD_EXPR_FIELD:
        return lower_field(l, e);
    default:
        return TD_NODE_BAD; /* said by the parser */
    }
}

/* ---- terms ---- */

static td_term_kind term_kind(const td_expr *e) {
    static const char *const logic[] = {"and", "or", "not", NULL};
    static const char *const arithmetic[] = {"+", "-", "*", "/", NULL};
    if (e->kind == TD_EXPR_NUMBER || e->kind == TD_EXPR_DURATION) return TD_TERM_NUMBER;
    if (e->kind == TD_EXPR_NAME) return TD_TERM_NAME;
    if (e->kind == TD_EXPR_CALL) return TD_TERM_CALL;
    if (e->kind != TD_EXPR_OP) return TD_TERM_OTHER;
    if (td_word_find(logic, e->text) >= 0) return TD_TERM_LOGIC;
    return td_word_find(arithmetic, e->text) >= 0 ? TD_TERM_ARITHMETIC : TD_TERM_COMPARISON;
}

td_lower_term td_lower_open_term(td_lowering *l, const td_expr *e) {
    td_lower_term opened = {.outer = l->term};
    if (td_lower_next_term(l) != 0)
        opened.term = td_graph_builder_open_term(
            l->builder, (td_term){.begin = e->begin, .end = e->end, .kind = (uint8_t)term_kind(e)});
    l->term = opened.term;
    return opened;
}

uint32_t td_lower_next_term(const td_lowering *l) {
    return l->inner == NULL && !l->trying ? td_graph_builder_next_term(l->builder) : 0;
}

void td_lower_close_term(td_lowering *l, td_lower_term opened, uint32_t node) {
    l->term = opened.outer;
    if (opened.term != 0 && node != TD_NODE_BAD) td_graph_builder_close_term(l->builder, opened.term, node);
}

/* ---- all of it ---- */

/* What runs elsewhere is one value here: of its parts no terms are kept. */
static uint32_t lower_in_place(td_lowering *l, uint32_t expr) {
    td_lower_place back = td_lower_enter(l, expr), there = td_lower_here(l);
    if (back.builder == there.builder && td_bytes_equal(back.instrument, there.instrument))
        return lower_kind(l, expr_at(l, expr));
    uint32_t outer = l->term;
    bool trying = l->trying;
    l->trying = true;
    l->term = 0;
    uint32_t node = lower_kind(l, expr_at(l, expr));
    l->trying = trying;
    l->term = outer;
    td_lower_leave(l, back);
    return td_lower_read(l, there, node, expr_at(l, expr)->offset);
}

uint32_t td_lower_expr(td_lowering *l, uint32_t expr) {
    const td_expr *e = expr_at(l, expr);
    if (l->work > TD_LOWER_WORK_MAX) return TD_NODE_BAD; /* said */
    uint32_t node = TD_NODE_BAD;
    td_lower_term term = td_lower_open_term(l, e);
    l->depth++;
    if (++l->work > TD_LOWER_WORK_MAX)
        td_lower_fail(l, e->offset, "with its fns written out this is too much: name the parts that stand there often");
    else if (l->depth > TD_LOWER_DEPTH_MAX)
        td_lower_fail(l, e->offset, "with its fns written out this expression is nested too deeply: name its parts");
    else
        node = lower_in_place(l, expr);
    l->depth--;
    td_lower_close_term(l, term, node);
    return node;
}
