/* src/stream/op.h - the operators of a graph, a row each: how many inputs, of which type, and for the pure ones what
 * they compute. Decimals add, subtract and compare exactly; the rest of arithmetic is double. Thread: any.
 *
 * na: arithmetic, comparison and `not` of na are na. `and` and `or` are three-valued as in SQL: false and na is false,
 * true or na is true. `if na …` is na. x/0, and what leaves the range of its type, is na. */
#pragma once
#include "stream/field.h"
#include "stream/step.h"

typedef enum td_op {
    TD_OP_CONSTANT, /* node.constant                                     */
    TD_OP_FIELD,    /* node.n: a td_field of the event                      */
    TD_OP_PORT,     /* node.n: a port of the graph                       */
    TD_OP_FACT,     /* node.n: facts of the graph, node.constant their hash: one value for an instrument */
    TD_OP_TEXT,     /* node.n: a td_text_test; node.constant names the text as written */
    TD_OP_AGO,      /* input 0, node.n bars ago; na until then           */
    TD_OP_AT,       /* input 0 as it was input 1 bars ago, at most node.n */
    /* with a memory (indicator.h, order.h), most of them of the last node.n values of input 0 */
    TD_OP_SUM,
    TD_OP_SMA,
    TD_OP_EMA,
    TD_OP_WMA,
    TD_OP_COVARIANCE,
    TD_OP_RUNNING_SUM,
    TD_OP_BLEND,
    TD_OP_HOLD,
    TD_OP_SINCE,
    TD_OP_MAX_AGO,
    TD_OP_MIN_AGO,
    TD_OP_QUANTILE,
    TD_OP_RANK,
    TD_OP_MEAN_DISTANCE,
    TD_OP_SAR,
    /* over time (over.h): node.n elements, node.constant is the span */
    TD_OP_OVER_SUM,
    TD_OP_OVER_MEAN,
    TD_OP_OVER_COVARIANCE,
    TD_OP_OVER_FIRST,
    TD_OP_OVER_LAST,
    TD_OP_OVER_MAX,
    TD_OP_OVER_MIN,
    TD_OP_OVER_QUANTILE,
    TD_OP_OVER_RANK,
    TD_OP_EPOCH,
    /* of the time of the day (daytime.h) */
    TD_OP_TIME,    /* node.n: a td_daytime_field                         */
    TD_OP_CLOCK,   /* of the day at node.n seconds of it                */
    TD_OP_WEEKDAY, /* 1: Monday, to 7                                   */
    /* pure */
    TD_OP_REAL, /* the double nearest to a decimal                   */
    TD_OP_ADD_DECIMAL,
    TD_OP_SUB_DECIMAL,
    TD_OP_BETWEEN, /* two times: the duration from input 1 to input 0  */
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
    TD_OP_SQRT,
    TD_OP_FLOOR,
    TD_OP_CEIL,
    TD_OP_EXP,
    TD_OP_LN,
    TD_OP_LOG10,
    TD_OP_SIN,
    TD_OP_COS,
    TD_OP_TAN,
    TD_OP_ASIN,
    TD_OP_ACOS,
    TD_OP_ATAN,
    TD_OP_SINH,
    TD_OP_COSH,
    TD_OP_TANH,
    TD_OP_COUNT,
} td_op;

typedef enum td_warmup { /* bars without a value, beyond those of its inputs */
                         TD_WARMUP_NONE,
                         TD_WARMUP_ONE,
                         TD_WARMUP_WINDOW, /* node.n - 1 */
                         TD_WARMUP_PAST,   /* node.n     */
} td_warmup;

typedef enum td_forgetting {                    /* what happened so long ago … */
                             TD_FORGETS_WINDOW, /* as node.n bars is of no account                    */
                             TD_FORGETS_SLOWLY, /* is of less and less account, by k of input 1       */
                             TD_FORGETS_NEVER,  /* may be of account: it counts from the first bar on */
} td_forgetting;

typedef struct td_op_row {
    uint8_t inputs;
    uint8_t same;     /* the type is that of this input, counted from 1; 0: it is `type` */
    uint8_t pasts;    /* so many inputs, the first ones, are looked at up to node.n bars back */
    bool pure;        /* a function of its inputs alone: folded when they are constant   */
    bool commutative; /* a op b == b op a, bit for bit: one node for both                */
    bool real;        /* the inputs are doubles; else whoever adds the node sees to their types */
    bool keeps;       /* over time: it must keep all elements of an epoch, too               */
    bool daytime;     /* its step looks at the time of the day                                        */
    td_warmup warmup;
    td_type type;
    td_forgetting forgets;         /* of those with a memory */
    double (*math)(double);        /* what a pure one of one double computes, or NULL */
    td_step_fn step;               /* of those with a memory or a look back, else NULL */
    td_state_bytes_fn state_bytes; /* NULL: no memory */
} td_op_row;

extern const td_op_row td_op_rows[TD_OP_COUNT];

/* What a pure operator makes of its inputs. One with a single input gets it as a and b. */
td_value td_op_apply(td_op op, td_value a, td_value b, td_value c);
