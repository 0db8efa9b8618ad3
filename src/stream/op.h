/* src/stream/op.h - the operators of a graph, a row each: how many inputs, of which type, and for the pure ones what
 * they compute. Decimals add, subtract and compare exactly; the rest of arithmetic is double. Thread: any.
 *
 * na: arithmetic, comparison and `not` of na are na. `and` and `or` are three-valued as in SQL: false and na is false,
 * true or na is true. `if na …` is na. x/0, and what leaves the range of its type, is na. */
#pragma once
#include "stream/value.h"

typedef enum td_op {
    TD_OP_CONSTANT, /* node.constant                                     */
    TD_OP_FIELD,    /* node.n: a td_field of the bar                     */
    TD_OP_AGO,      /* input 0, node.n bars ago; na until then           */
    TD_OP_SMA,      /* of input 0 over node.n bars                       */
    TD_OP_EMA,
    TD_OP_REAL, /* the double nearest to a decimal                   */
    TD_OP_ADD_DECIMAL,
    TD_OP_SUB_DECIMAL,
    TD_OP_LT_DECIMAL,
    TD_OP_LE_DECIMAL,
    TD_OP_EQ_DECIMAL,
    TD_OP_ADD,
    TD_OP_SUB,
    TD_OP_MUL,
    TD_OP_DIV,
    TD_OP_LT,
    TD_OP_LE,
    TD_OP_EQ,
    TD_OP_AND,
    TD_OP_OR,
    TD_OP_NOT,
    TD_OP_IF, /* condition, then, else: the latter two of one type */
    TD_OP_NZ, /* input 0, or input 1 where that is na; of one type */
    TD_OP_COUNT,
} td_op;

typedef enum td_field {
    TD_FIELD_OPEN,
    TD_FIELD_HIGH,
    TD_FIELD_LOW,
    TD_FIELD_CLOSE,
    TD_FIELD_VWAP,
    TD_FIELD_VOLUME,
    TD_FIELD_TRADES,
} td_field;

enum { TD_OP_INPUTS_MAX = 3 };

typedef struct td_op_row {
    uint8_t inputs;
    bool pure;        /* a function of its inputs alone: folded when they are constant */
    bool commutative; /* a op b == b op a, bit for bit: one node for both               */
    bool same;        /* the type is that of the last input, else `type`                */
    td_type type;
} td_op_row;

extern const td_op_row td_op_rows[TD_OP_COUNT];

/* What a pure operator makes of its inputs. One with a single input gets it as a and b. */
td_value td_op_apply(td_op op, td_value a, td_value b, td_value c);
