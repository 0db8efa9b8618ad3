/* src/stream/term.h - the conditions of a strategy as its text says them: each part of an expression with its place in
 * the text and the node that computes it. Several parts, of several strategies, may stand for one node. Kept beside the
 * graph, for those who ask why; no state depends on it. The graph's, constant. Thread: any. */
#pragma once
#include "stream/graph.h"
#include "stream/value.h"

typedef enum td_term_kind {
    TD_TERM_NUMBER,     /* or a duration, as written */
    TD_TERM_NAME,       /* of a param, a definition, a field of the bar */
    TD_TERM_CALL,       /* a function and what it takes; or a fn, and then what it is written out to */
    TD_TERM_COMPARISON, /* <, <=, >, >=, ==, != */
    TD_TERM_LOGIC,      /* and, or, not */
    TD_TERM_ARITHMETIC,
    TD_TERM_OTHER, /* x[n], fields, if */
} td_term_kind;

typedef struct td_term {
    td_value constant;   /* where it has no node: its value; na where nothing needs it */
    uint32_t node;       /* TD_GRAPH_NOTHING: it is constant, or nothing needs it */
    uint32_t begin, end; /* in the strategy's text */
    uint32_t after;      /* the first term behind its parts; these follow it, each with its own */
    uint32_t means;      /* of a NAME: the term that it stands for; TD_GRAPH_NOTHING: none */
    uint8_t kind, type;  /* td_term_kind, td_type */
} td_term;

/* Beyond so many of a graph the parts of what is written are left out. */
enum { TD_TERMS_MAX = 1 << 16 };

const td_term *td_graph_terms(const td_graph *graph);
/* The text that the strategy stands in; places in it are those of its terms. */
td_bytes td_graph_text(const td_graph *graph, uint32_t strategy);

typedef struct td_graph_act_view { /* a leg of an action, for people */
    td_bytes traded;               /* "": the strategy's own instrument */
    td_bytes note;
    uint32_t condition; /* a term; TD_GRAPH_NOTHING: it was not kept */
    uint32_t number;    /* its place in the program, as td_call says it */
    uint32_t first;     /* leg of its action, by its place in the program */
    uint8_t action;     /* td_action */
    uint8_t leaving;    /* td_leaving: the rule that it is, of an EXIT */
    uint8_t position;
} td_graph_act_view;
/* The legs of the actions of a strategy in the order of its text. False: there are not so many. `index` counts from its
 * first. */
bool td_graph_action_at(const td_graph *graph, uint32_t strategy, uint32_t index, td_graph_act_view *out);

/* The same of what it tells beside: alerts and emits; `number` is the report's. */
bool td_graph_report_at(const td_graph *graph, uint32_t strategy, uint32_t index, td_graph_act_view *out);

typedef struct td_graph_param { /* "slow = 200"; the graph's */
    td_bytes name;
    td_value value;
    uint32_t owner; /* strategy */
    uint8_t type;   /* DECIMAL, REAL or DURATION */
} td_graph_param;
size_t td_graph_params(const td_graph *graph, const td_graph_param **out_params);

/* What a graph is made of. */
typedef struct td_graph_shape {
    uint32_t nodes, constants, ports;
    uint32_t shared; /* of the nodes that are no constants, those that several strategies need */
    uint32_t terms;  /* what the conditions and definitions are written with */
} td_graph_shape;
td_graph_shape td_graph_shape_of(const td_graph *graph);
/* Events until everything that the strategy acts on or names can have a value. */
uint32_t td_graph_strategy_warmup(const td_graph *graph, uint32_t strategy);

/* What a node said on the last bar run. */
td_value td_graph_value(const td_graph *graph, const void *state, uint32_t node);
/* Among how many members the instrument was that, where the node is of a cross-section; else na. */
td_value td_graph_members(const td_graph *graph, const void *state, uint32_t node);
/* Bars run so far. */
uint64_t td_graph_seen(const void *state);
/* How many bars the node has no value for, where that can be told: it may have none for longer. */
uint32_t td_graph_warmup(const td_graph *graph, uint32_t node);
