/* src/lang/function.h - the functions of the language, a row each: what a strategy may call, how it is computed, and
 * all that is said of it. A function is an operator of the graph (stream/op.h), or an expression of the language over
 * other functions, which is put in its place: equal parts of a strategy are then computed once. Names of functions are
 * free for other use: a strategy of today stays one when functions are added. Constant. Thread: any. */
#pragma once
#include "stream/op.h"

typedef enum td_arg_kind {
    TD_ARG_NONE, /* the end */
    TD_ARG_NUMBER,
    TD_ARG_DECIMAL, /* a number that is exact: of prices, volumes and constants by + and - */
    TD_ARG_BAR,     /* a number; those of a function, its first arguments, can be left out together: what the bar
                       has by that name */
    TD_ARG_CONDITION,
    TD_ARG_ANY,      /* numbers or conditions; all such arguments of a call are of one type */
    TD_ARG_LENGTH,   /* constant whole number of bars, from `least` on */
    TD_ARG_WINDOW,   /* a length, or a window over time (stream/over.h): a duration, `session`, `since(condition)`;
                        with `where = condition` of what that admits. At most one; passed on to parts by its name */
    TD_ARG_CONSTANT, /* constant number from `low` to `high` */
} td_arg_kind;

typedef struct td_arg {
    const char *name;
    td_arg_kind kind;
    uint32_t least;
    double low, high;
    const char *fallback; /* as written in a strategy; NULL: needed */
} td_arg;

typedef struct td_part { /* a named step of an expression; it knows the arguments and the parts before it */
    const char *name;    /* "": the function's value; "_…": a step on the way; else a field */
    const char *expr;
    const char *warmup; /* bars without a value, an expression of the arguments; NULL: it depends on the values */
} td_part;

typedef enum td_memory {
    TD_MEMORY_WINDOW, /* what happened before its warm-up is of no account, to the last bit */
    TD_MEMORY_FADING, /* it comes closer and closer to that */
    TD_MEMORY_START,  /* it counts from the first bar on */
} td_memory;

enum { TD_FUNCTION_ARGS_MAX = 7, TD_FUNCTION_PARTS_MAX = 8 };

typedef struct td_function {
    const char *name;
    const char *also;  /* other names, with spaces between; NULL: none */
    const char *group; /* NULL: for the expressions of other rows alone */
    td_arg args[TD_FUNCTION_ARGS_MAX + 1];
    td_part parts[TD_FUNCTION_PARTS_MAX + 1]; /* none: `op` computes it, and `warmup` is its */
    const char *warmup;
    td_op op;
    td_op over; /* of those with a window that is no plain length; 0: `parts` know */
    td_memory memory;
    const char *source;  /* whose definition it is */
    const char *help;    /* what it says, or its formula where `parts` is not plain enough */
    const char *example; /* a call */
} td_function;

/* Ends with a row without a name. */
extern const td_function td_functions[];
extern const size_t td_function_count;

/* The row of that name or other name, or NULL; with `inner`: also those without a group. */
const td_function *td_function_find(td_bytes name, bool inner);
/* The nearest name, or NULL. */
const char *td_function_nearest(td_bytes name);
uint32_t td_function_arg_count(const td_function *f);
uint32_t td_function_part_count(const td_function *f);
/* True when its values are called by the names of parts, as in macd(close).signal. */
bool td_function_has_fields(const td_function *f);
/* The part of that name, or NULL. */
const td_part *td_function_field(const td_function *f, td_bytes name);
/* Its argument that is a window, or NULL. */
const td_arg *td_function_window(const td_function *f);

typedef struct td_across { /* a function over the instruments of a strategy's set: lower_across.c */
    const char *name, *usage, *help;
} td_across;

extern const td_across td_functions_across[]; /* ends with a row without a name */
/* Its place among them, or -1. `rank` is one of td_functions, too. */
int td_across_find(td_bytes name);

/* "macd(x, fast = 12, slow = 26, smooth = 9)" */
void td_function_put_usage(const td_function *f, td_buf *out);
/* Everything about it, for people; and all of them as Markdown. */
void td_function_put_text(const td_function *f, td_buf *out);
void td_functions_put_markdown(td_buf *out);
