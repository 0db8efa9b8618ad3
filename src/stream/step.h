/* src/stream/step.h - one bar as an operator with a memory sees it: its inputs, their pasts, and what it remembers. */
#pragma once
#include "stream/daytime.h"

enum { TD_OP_INPUTS_MAX = 4, TD_OP_PASTS_MAX = 2 };

typedef struct td_past { /* a node's values before this bar */
    const void *ring;
    uint32_t depth;
    bool wide;     /* 16 bytes each, else 8 */
    uint64_t seen; /* bars before this one */
} td_past;

/* The value `ago` bars before this one, 1..depth; na where there was no such bar. */
static inline td_value td_past_at(const td_past *past, uint32_t ago) {
    if (past->seen < ago) return TD_VALUE_NA;
    size_t slot = (size_t)((past->seen - ago) % past->depth);
    return past->wide ? ((const td_value *)past->ring)[slot] : td_value_unpack(((const int64_t *)past->ring)[slot]);
}

typedef struct td_step {
    void *state;                   /* zeroed before the first bar */
    td_value in[TD_OP_INPUTS_MAX]; /* this bar's */
    td_past past[TD_OP_PASTS_MAX]; /* of the first inputs, as far as the operator's row says that it looks back */
    uint32_t n;                    /* the node's */
    td_value span;                 /* the node's constant: of a window over time (over.h) */
    const td_daytime *daytime;
    td_type type; /* of input 0 */
} td_step;

typedef td_value (*td_step_fn)(const td_step *step);
typedef size_t (*td_state_bytes_fn)(td_type type, uint32_t n); /* any number of bytes */
