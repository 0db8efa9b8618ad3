/* src/lang/lower_time.c - times and durations: their arithmetic, the exchange's clock and session, and windows over
 * them. */
#include "lang/lower.h"
#include "lang/words.h"
#include "stream/indicator.h"
#include "stream/over.h"
#include <stdio.h>

static const td_expr *expr_at(const td_lowering *l, uint32_t i) { return td_syntax_expr(l->tree, i); }

static uint32_t add(td_lowering *l, td_op op, uint32_t a, uint32_t b) {
    return td_graph_builder_add(l->builder, (td_node){.op = (uint8_t)op, .in = {a, b}});
}

/* ---- arithmetic ---- */

typedef struct time_op {
    const char *text;
    td_type first, second;
    td_op op;
    bool swap;
} time_op;

static const time_op time_ops[] = {
    {"+", TD_TYPE_DURATION, TD_TYPE_DURATION, TD_OP_ADD_DECIMAL, false},
    {"+", TD_TYPE_TIME, TD_TYPE_DURATION, TD_OP_ADD_DECIMAL, false},
    {"+", TD_TYPE_DURATION, TD_TYPE_TIME, TD_OP_ADD_DECIMAL, true},
    {"-", TD_TYPE_DURATION, TD_TYPE_DURATION, TD_OP_SUB_DECIMAL, false},
    {"-", TD_TYPE_TIME, TD_TYPE_DURATION, TD_OP_SUB_DECIMAL, false},
    {"-", TD_TYPE_TIME, TD_TYPE_TIME, TD_OP_BETWEEN, false},
};

/* Two of one type. */
static uint32_t compare(td_lowering *l, const td_expr *e, const uint32_t in[2]) {
    static const char *const words[] = {"<", "<=", "==", ">", ">=", "!=", NULL};
    static const td_op ops[] = {TD_OP_LT_DECIMAL, TD_OP_LE_DECIMAL, TD_OP_EQ_DECIMAL};
    int which = td_word_find(words, e->text);
    if (which < 0) return TD_NODE_BAD;
    bool swap = which == 3 || which == 4;
    uint32_t node = add(l, ops[which % 3], in[swap ? 1 : 0], in[swap ? 0 : 1]);
    return which == 5 ? add(l, TD_OP_NOT, node, node) : node;
}

/* A number beside a duration was meant as one of seconds, mostly. */
static void fail_times(const td_lowering *l, const td_expr *e, const uint32_t in[2]) {
    char number[TD_DECIMAL_TEXT_MAX], cure[TD_DECIMAL_TEXT_MAX + 64] = "";
    td_type types[2] = {td_lower_type(l, in[0]), td_lower_type(l, in[1])};
    bool scales = td_bytes_equal(e->text, TD_TEXT("*")) || td_bytes_equal(e->text, TD_TEXT("/"));
    for (int i = 0; i < 2 && !scales; i++) {
        td_node is = td_graph_builder_node(l->builder, in[i]);
        bool written = is.op == TD_OP_CONSTANT && types[i] == TD_TYPE_DECIMAL && !td_value_is_na(is.constant);
        if (!written || types[1 - i] != TD_TYPE_DURATION) continue;
        (void)td_decimal_format(is.constant, TD_VALUE_SCALE, false, number);
        (void)snprintf(cure, sizeof cure, ": a duration has its unit, as in %ss", number);
    }
    td_lower_fail(l, e->offset, "a %s and a %s do not go with '%.*s'%s", td_lower_type_name(types[0]),
                  td_lower_type_name(types[1]), TD_WORD(e->text), cure);
}

uint32_t td_lower_times(td_lowering *l, const td_expr *e, const uint32_t in[2]) {
    td_type first = td_lower_type(l, in[0]), second = td_lower_type(l, in[1]);
    for (size_t i = 0; i < sizeof time_ops / sizeof time_ops[0]; i++) {
        const time_op *op = &time_ops[i];
        if (!td_bytes_equal(td_text(op->text), e->text) || op->first != first || op->second != second) continue;
        return add(l, op->op, in[op->swap ? 1 : 0], in[op->swap ? 0 : 1]);
    }
    uint32_t node = first == second ? compare(l, e, in) : TD_NODE_BAD;
    if (node == TD_NODE_BAD && first == TD_TYPE_DURATION && second == first && td_bytes_equal(e->text, TD_TEXT("/")))
        node = add(l, TD_OP_DIV, add(l, TD_OP_REAL, in[0], 0), add(l, TD_OP_REAL, in[1], 0));
    if (node == TD_NODE_BAD) fail_times(l, e, in);
    return node;
}

/* ---- the time of the day ---- */

static uint32_t time_field(td_lowering *l, td_daytime_field field) {
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_TIME, .n = (uint32_t)field});
}

uint32_t td_lower_clock(td_lowering *l, const td_expr *e) {
    return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_CLOCK, .n = (uint32_t)(e->number / TD_VALUE_ONE)});
}

uint32_t td_lower_daytime(td_lowering *l, const td_expr *e, td_bytes field) {
    static const char *const fields[] = {"open", "close", "elapsed", "left", "day", NULL};
    if (td_bytes_equal(e->text, TD_TEXT("time"))) {
        if (field.size == 0) return time_field(l, TD_DAYTIME_NOW);
        td_lower_fail(l, e->offset, "'time' is one value and has no fields");
        return TD_NODE_BAD;
    }
    switch (td_word_find(fields, field)) {
    case 0:
        return time_field(l, TD_DAYTIME_OPEN);
    case 1:
        return time_field(l, TD_DAYTIME_CLOSE);
    case 2:
        return add(l, TD_OP_BETWEEN, time_field(l, TD_DAYTIME_NOW), time_field(l, TD_DAYTIME_OPEN));
    case 3:
        return add(l, TD_OP_BETWEEN, time_field(l, TD_DAYTIME_CLOSE), time_field(l, TD_DAYTIME_NOW));
    case 4:
        return td_graph_builder_add(l->builder, (td_node){.op = TD_OP_WEEKDAY});
    default:
        td_lower_fail(
            l, e->offset,
            "'session' is a window, as in max(high, session); it has .open, .close, .elapsed, .left and .day");
        return TD_NODE_BAD;
    }
}

/* ---- windows ---- */

/* A name that stands for a window: an argument of the fn or function that is being put in place. */
static const td_scope_name *named_window(const td_lowering *l, const td_expr *e) {
    const td_scope_name *found = e->kind == TD_EXPR_NAME ? td_lower_find(l, e->text, (td_bytes){0}) : NULL;
    return found != NULL && (found->window.epoch != TD_EPOCH_NONE || found->window.admits != 0) ? found : NULL;
}

bool td_lower_is_window(const td_lowering *l, uint32_t expr) {
    const td_expr *e = expr_at(l, expr);
    if (named_window(l, e) != NULL) return true;
    if (e->kind == TD_EXPR_NAME) return td_bytes_equal(e->text, TD_TEXT("session"));
    return e->kind == TD_EXPR_CALL && td_bytes_equal(e->text, TD_TEXT("since"));
}

static uint32_t lower_since(td_lowering *l, const td_expr *e) {
    bool one = e->first != 0 && expr_at(l, e->first)->next == 0 && expr_at(l, e->first)->kind != TD_EXPR_GIVEN;
    if (!one) {
        td_lower_fail(l, e->offset, "since(condition) takes 1 argument");
        return TD_NODE_BAD;
    }
    uint32_t condition = td_lower_condition(l, e->first);
    return condition == TD_NODE_BAD ? condition : add(l, TD_OP_EPOCH, condition, 0);
}

uint32_t td_lower_window_of(td_lowering *l, uint32_t expr, td_lower_window *out) {
    const td_expr *e = expr_at(l, expr);
    const td_scope_name *named = named_window(l, e);
    if (named != NULL) {
        *out = named->window;
        return named->node;
    }
    bool since = e->kind == TD_EXPR_CALL;
    out->epoch = since ? TD_EPOCH_SINCE : TD_EPOCH_SESSION;
    return since ? lower_since(l, e) : time_field(l, TD_DAYTIME_OPEN);
}

/* Elements that a window over ticks, or bars by count, keeps: of more the oldest go. */
enum { TICKS_MAX = 4096 };
/* No day has more hours, and no session more than a day. */
#define SESSION_MAX_NS (25 * TD_NS_PER_HOUR)

/* How many bars may end within so much time: one more than its widths, for a session's end may cut one. 0: too many. */
static uint32_t count_elements(const td_lowering *l, td_value span) {
    td_rhythm rhythm = td_graph_builder_rhythm(l->builder);
    if (!td_rhythm_has_bars(rhythm) || !td_width_is_timed(rhythm.width_ns)) return TICKS_MAX;
    int64_t width_ns = td_width_span_ns(rhythm.width_ns);
    td_value count = width_ns > 0 ? (span + width_ns - 1) / width_ns + 1 : 1;
    return count <= TD_WINDOW_MAX ? (uint32_t)count : 0;
}

static bool lay_out_window(td_lowering *l, const td_over_call *c, td_node *node) {
    td_node window = td_graph_builder_node(l->builder, c->node);
    const char *name = l->inner != NULL ? l->inner->name : c->function->name; /* as the user's text has it */
    bool keeps = td_op_rows[node->op].keeps;
    if (c->window.epoch == TD_EPOCH_SINCE && keeps) {
        td_lower_fail(l, c->offset, "%s has to keep its values, and since(…) may never end: give it a duration", name);
        return false;
    }
    if (c->window.epoch != TD_EPOCH_NONE) {
        node->in[2] = c->node;
        node->n = keeps ? count_elements(l, SESSION_MAX_NS) : 0;
    } else if (window.type == TD_TYPE_DURATION) {
        node->constant = window.constant;
        node->n = count_elements(l, window.constant);
    } else {
        node->constant = TD_OVER_COUNT;
        node->n = (uint32_t)(window.constant / TD_VALUE_ONE);
    }
    if (node->n > 0 || (c->window.epoch != TD_EPOCH_NONE && !keeps)) return true;
    td_lower_fail(l, c->offset, "this window of %s may hold more than %d bars: take a shorter one, or wider bars", name,
                  TD_WINDOW_MAX);
    return false;
}

uint32_t td_lower_over(td_lowering *l, const td_over_call *c) {
    td_node all = {.op = TD_OP_CONSTANT, .type = TD_TYPE_CONDITION, .constant = 1};
    td_node node = {.op = (uint8_t)c->function->over};
    uint32_t admits = c->window.admits != 0 ? c->window.admits - 1 : td_graph_builder_add(l->builder, all);
    bool pair = td_op_rows[node.op].inputs == 4;
    node.in[0] = c->function->over == TD_OP_OVER_COVARIANCE ? td_lower_as_real(l, c->x) : c->x;
    node.in[1] = node.in[2] = admits;
    node.in[3] = pair ? td_lower_as_real(l, c->other) : 0;
    return lay_out_window(l, c, &node) ? td_graph_builder_add(l->builder, node) : TD_NODE_BAD;
}
