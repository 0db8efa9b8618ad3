/* src/stream/op.c - what each operator is and, for the pure ones, computes. */
#include "stream/op.h"
#include "stream/indicator.h"
#include <assert.h>

#define DECIMAL   .type = TD_TYPE_DECIMAL
#define REAL      .type = TD_TYPE_REAL
#define CONDITION .type = TD_TYPE_CONDITION

const td_op_row td_op_rows[TD_OP_COUNT] = {
    [TD_OP_CONSTANT] = {0}, /* its type is the node's own */
    [TD_OP_FIELD] = {DECIMAL},
    [TD_OP_AGO] = {.inputs = 1, .same = true},
    [TD_OP_SMA] = {.inputs = 1, REAL},
    [TD_OP_EMA] = {.inputs = 1, REAL},
    [TD_OP_REAL] = {.inputs = 1, .pure = true, REAL},
    [TD_OP_ADD_DECIMAL] = {.inputs = 2, .pure = true, .commutative = true, DECIMAL},
    [TD_OP_SUB_DECIMAL] = {.inputs = 2, .pure = true, DECIMAL},
    [TD_OP_LT_DECIMAL] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_LE_DECIMAL] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_EQ_DECIMAL] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_ADD] = {.inputs = 2, .pure = true, .commutative = true, REAL},
    [TD_OP_SUB] = {.inputs = 2, .pure = true, REAL},
    [TD_OP_MUL] = {.inputs = 2, .pure = true, .commutative = true, REAL},
    [TD_OP_DIV] = {.inputs = 2, .pure = true, REAL},
    [TD_OP_LT] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_LE] = {.inputs = 2, .pure = true, CONDITION},
    [TD_OP_EQ] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_AND] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_OR] = {.inputs = 2, .pure = true, .commutative = true, CONDITION},
    [TD_OP_NOT] = {.inputs = 1, .pure = true, CONDITION},
    [TD_OP_IF] = {.inputs = 3, .pure = true, .same = true},
    [TD_OP_NZ] = {.inputs = 2, .pure = true, .same = true},
};

static td_value both(td_value a, td_value b) {
    if (a == 0 || b == 0) return 0;
    return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : 1;
}

static td_value either(td_value a, td_value b) {
    if (a == 1 || b == 1) return 1;
    return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : 0;
}

static td_value divide(double a, double b) { return b == 0 ? TD_VALUE_NA : td_value_real(a / b); }

/* Where na in is na out; neither is na here. */
static inline td_value strict_apply(td_op op, td_value a, td_value b) {
    switch (op) {
    case TD_OP_REAL:
        return td_value_real(td_ratio(a, TD_VALUE_ONE));
    case TD_OP_NOT:
        return !a;
    case TD_OP_ADD_DECIMAL:
        return td_value_decimal(a + b);
    case TD_OP_SUB_DECIMAL:
        return td_value_decimal(a - b);
    case TD_OP_LT_DECIMAL:
        return a < b;
    case TD_OP_LE_DECIMAL:
        return a <= b;
    case TD_OP_EQ_DECIMAL:
        return a == b;
    case TD_OP_ADD:
        return td_value_real(td_value_to_real(a) + td_value_to_real(b));
    case TD_OP_SUB:
        return td_value_real(td_value_to_real(a) - td_value_to_real(b));
    case TD_OP_MUL:
        return td_value_real(td_value_to_real(a) * td_value_to_real(b));
    case TD_OP_DIV:
        return divide(td_value_to_real(a), td_value_to_real(b));
    case TD_OP_LT:
        return td_value_to_real(a) < td_value_to_real(b);
    case TD_OP_LE:
        return td_value_to_real(a) <= td_value_to_real(b);
    default:
        assert(op == TD_OP_EQ);
        return td_value_to_real(a) == td_value_to_real(b);
    }
}

td_value td_op_apply(td_op op, td_value a, td_value b, td_value c) {
    switch (op) {
    case TD_OP_AND:
        return both(a, b);
    case TD_OP_OR:
        return either(a, b);
    case TD_OP_IF:
        return td_value_is_na(a) ? TD_VALUE_NA : a == 1 ? b : c;
    case TD_OP_NZ:
        return td_value_is_na(a) ? b : a;
    default:
        return td_value_is_na(a) || td_value_is_na(b) ? TD_VALUE_NA : strict_apply(op, a, b);
    }
}
