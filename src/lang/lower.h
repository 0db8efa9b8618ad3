/* src/lang/lower.h - trees of expressions to nodes of a graph: names become what they stand for, calls what they are
 * made of, types are checked, decimals stay decimal where they can. For compile.c and lower*.c. */
#pragma once
#include "lang/function.h"
#include "lang/parse.h"
#include "lang/reference.h"
#include "stream/graph_build.h"

#define TD_NODE_BAD UINT32_MAX /* an error was said */

/* Deeper than what the parser allows in one expression, as fns and functions stand in each other; and in all. */
enum { TD_LOWER_DEPTH_MAX = 1000, TD_LOWER_WORK_MAX = 1000000 };
enum { TD_LOWER_NAMES_MAX = 10000 }; /* of a strategy: they are found one by one */

/* Whose events a node runs on: a graph's, of the strategy's own instrument or of another one. */
typedef struct td_lower_place {
    td_graph_builder *builder; /* NULL: it is constant, and anywhere */
    td_bytes instrument;       /* "": the strategy's own */
} td_lower_place;

typedef enum td_epoch_kind { TD_EPOCH_NONE, TD_EPOCH_SESSION, TD_EPOCH_SINCE } td_epoch_kind;

typedef struct td_lower_window { /* beside its node: a length, a duration, or what names the epoch */
    uint32_t epoch;              /* td_epoch_kind */
    uint32_t admits;             /* 1 + the condition of its elements; 0: all are */
} td_lower_window;

typedef struct td_scope_name {
    td_bytes name, field; /* m of `m = …` has no field, m of `m = macd(…)` one entry for each */
    uint32_t node;        /* TD_NODE_BAD: its definition is wrong */
    uint32_t offset;
    uint32_t term;          /* what it was defined as, as td_graph_builder_open_term numbers it; 0: not kept */
    td_lower_place place;   /* of the node */
    bool use;               /* no value, but what has the fields of a bar there */
    td_lower_window window; /* of an argument that is one */
    td_bytes text;          /* it is this text, as written */
} td_scope_name;

typedef struct td_fn_call { /* fns that are being put in place, the innermost first */
    const td_fn_tree *fn;
    const struct td_fn_call *outer;
} td_fn_call;

typedef struct td_builders { /* the graphs in the making */
    td_buf list;             /* td_graph_builder *, in the order of their rhythms */
} td_builders;

/* That of the rhythm, a new one where there is none. */
td_graph_builder *td_builders_of(td_builders *builders, td_rhythm rhythm);
td_rhythm td_lower_rhythm(const td_source_tree *source);

typedef struct td_lowering {
    const td_syntax *tree;
    const uint32_t *parts; /* roots of td_functions' parts in the tree, by td_lower_part */
    td_diags *diags;
    td_builders *builders;
    td_graph_builder *builder; /* of what is being lowered, and its instrument: */
    td_bytes instrument;
    td_graph_builder *own; /* the strategy's */
    const td_strategy_tree *strategy;
    const td_reference *reference; /* of the strategy's text */
    uint32_t stmts_done;           /* of the strategy; what comes later is not defined yet */
    td_buf scope;                  /* td_scope_name */
    struct td_lowering *members; /* beside it what cross-sections compare: of the same names, on the bars themselves */
    uint32_t where;              /* of those: the set's condition there, or TD_NODE_BAD */
    bool compares;               /* it is that one */
    const td_fn_call *fn;
    const td_function *inner; /* whose parts are being put in place; NULL in the user's own text */
    uint32_t call_offset;     /* where the user called it: the place of errors */
    uint32_t depth, work;     /* of expressions: bounded, however fns call each other */
    uint32_t term;            /* the innermost open one; 0: none is kept */
    bool uses;                /* something of another place has a name */
    bool trying;              /* it will be lowered again: its terms are not kept */
} td_lowering;

static inline size_t td_lower_part(const td_function *f, uint32_t part) {
    return (size_t)(f - td_functions) * TD_FUNCTION_PARTS_MAX + part;
}

void td_lower_fail(const td_lowering *l, uint32_t offset, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* NULL when not defined so far. */
const td_scope_name *td_lower_find(const td_lowering *l, td_bytes name, td_bytes field);
void td_lower_define(td_lowering *l, td_scope_name name);

/* A part of the user's own text becomes a term (stream/term.h). Open gives what close takes back. */
typedef struct td_lower_term {
    uint32_t term, outer; /* of the builder; 0: not kept */
} td_lower_term;
td_lower_term td_lower_open_term(td_lowering *l, const td_expr *e);
void td_lower_close_term(td_lowering *l, td_lower_term term, uint32_t node);
uint32_t td_lower_next_term(const td_lowering *l); /* the one that is opened next; 0: it would not be kept */

/* The node, or TD_NODE_BAD. */
uint32_t td_lower_expr(td_lowering *l, uint32_t expr);
uint32_t td_lower_number(td_lowering *l, uint32_t expr);    /* must be a number: decimal or double */
uint32_t td_lower_condition(td_lowering *l, uint32_t expr); /* must be a condition */
/* What a word in a text means: NAME or NAME.FIELD. */
uint32_t td_lower_word(td_lowering *l, td_bytes word, uint32_t offset);
/* A constant whole number from `least` to TD_WINDOW_MAX, or UINT32_MAX after an error about `what`. */
uint32_t td_lower_whole(td_lowering *l, uint32_t expr, const char *what, uint32_t least);
/* Makes both of one type: numbers become decimals or doubles. False after an error. */
bool td_lower_unify(td_lowering *l, uint32_t expr, uint32_t in[2]);

td_type td_lower_type(const td_lowering *l, uint32_t node);
/* lower_place.c. An expression that looks at nothing but another width or instrument runs there, on its events, and is
 * read as of the strategy's own. Enter goes there and gives what leave takes back. */
td_lower_place td_lower_here(const td_lowering *l);
td_lower_place td_lower_enter(td_lowering *l, uint32_t expr);
td_lower_place td_lower_enter_x(td_lowering *l, uint32_t expr); /* of asof(x): in a fn it goes there, too */
void td_lower_leave(td_lowering *l, td_lower_place back);
/* The port of a node of another place, no constant, for the strategy's instruments. */
td_port td_lower_export(td_lowering *l, td_lower_place from, uint32_t node);
/* The node here that reads a node of another place: itself where it is of this one. BAD after an error at `offset`. */
uint32_t td_lower_read(td_lowering *l, td_lower_place from, uint32_t node, uint32_t offset);
/* How long ago the newest event came there: a duration. */
uint32_t td_lower_age(td_lowering *l, td_lower_place of);
void td_lower_use(td_lowering *l, const td_stmt *use, td_graph_builder *builder);
/* hour.close, pep.age */
uint32_t td_lower_use_field(td_lowering *l, const td_scope_name *use, const td_expr *name, td_bytes field);

uint32_t td_lower_constant(td_lowering *l, td_value decimal);
uint32_t td_lower_as_real(td_lowering *l, uint32_t number);

/* lower_time.c: two values of which one at least is a time or a duration, by an operator of the text. */
uint32_t td_lower_times(td_lowering *l, const td_expr *e, const uint32_t in[2]);
uint32_t td_lower_daytime(td_lowering *l, const td_expr *e, td_bytes field); /* time, session.open and such */
uint32_t td_lower_clock(td_lowering *l, const td_expr *e);
/* The node of a window and the rest of it, or TD_NODE_BAD. */
bool td_lower_is_window(const td_lowering *l, uint32_t expr); /* it is nothing but one: session, since(…) */
uint32_t td_lower_window_of(td_lowering *l, uint32_t expr, td_lower_window *out);
/* A function's operator over a window that is no plain length, of its arguments. */
typedef struct td_over_call {
    const td_function *function;
    uint32_t x, other; /* numbers; the same when there is one */
    uint32_t node;     /* of the window */
    td_lower_window window;
    uint32_t offset;
} td_over_call;
uint32_t td_lower_over(td_lowering *l, const td_over_call *call);

const char *td_lower_type_name(td_type type); /* for messages: "number" */

/* lower_report.c */
void td_lower_alert(td_lowering *l, const td_stmt *s);
void td_lower_emit(td_lowering *l, const td_stmt *s);

/* lower_action.c: an action of the strategy. Before all statements: what its legs trade. */
void td_lower_positions(td_lowering *l);
void td_lower_action(td_lowering *l, const td_stmt *s);
/* As the first of them, an exit of each position; returns how many. */
uint8_t td_lower_exit_all(const td_lowering *l, td_graph_action rows[TD_POSITIONS_MAX]);

/* lower_rule.c: the strategy's position as a value, entry.price and such; and a rule of it. */
uint32_t td_lower_position(td_lowering *l, const td_expr *name, td_bytes field);
void td_lower_rule(td_lowering *l, const td_rule_tree *rule);

/* lower_tick.c: the names of trades, quotes and books. False: it is none of them. */
bool td_lower_own_field(td_lowering *l, const td_expr *name, uint32_t *out_node); /* of the events it runs on */
td_graph_builder *td_lower_asof_builder(const td_lowering *l, td_bytes name); /* of each trade, quote, book; or NULL */
/* quote.bid: the field and what stands before its dot. */
bool td_lower_asof_field(td_lowering *l, const td_expr *field, const td_expr *of, uint32_t *out_node);
/* The names that the strategy's own event has, for guesses. */
const char *const *td_lower_own_words(const td_lowering *l);

/* lower_reference.c */
uint32_t td_lower_tick(td_lowering *l, const td_expr *name, td_bytes field); /* the step of prices */
/* False: it is none. */
bool td_lower_reference(td_lowering *l, const td_expr *field, uint32_t *out_node);  /* ref.lot */
bool td_lower_texts(td_lowering *l, const td_expr *comparison, uint32_t *out_node); /* ref.sector == "tech" */

/* lower_news.c. An error was said: the node is a text, which only comparisons take. */
bool td_lower_refuses_text(const td_lowering *l, uint32_t node, uint32_t offset);
/* A text field beside a text as written; `op` by its place in ==, !=, has, in. */
uint32_t td_lower_compare_text(td_lowering *l, uint32_t field, int op, td_bytes written, bool written_first);
/* The condition that there was one: `news`, `trade` or what a `use` names. False: it is no such name. */
bool td_lower_event(td_lowering *l, uint32_t expr, uint32_t *out_node);
/* A call over a time of the news of a place that is not the strategy's own: it is read at the strategy's events. */
bool td_lower_is_over_news(const td_lowering *l, const td_expr *call, td_lower_place of);
bool td_lower_reads_news(const td_lowering *l, uint32_t node);
uint32_t td_lower_over_news(td_lowering *l, const td_over_call *call);

/* lower_asof.c: asof(x), of the strategy's own events; of asof(quote).bid the field, else NULL. */
bool td_lower_is_asof(const td_lowering *l, const td_expr *call);
uint32_t td_lower_asof(td_lowering *l, const td_expr *call, const td_expr *field);
/* How long the strategy runs behind its events, once it knows what series are named; 0: it does not wait. */
int64_t td_lower_wait(td_lowering *l);

/* lower_across.c: what an instrument is among those of the strategy's set, rank(x) and such. */
bool td_lower_is_across(const td_lowering *l, const td_expr *call);
uint32_t td_lower_across(td_lowering *l, const td_expr *call);
/* One stands among these expressions. */
bool td_lower_has_across(const td_lowering *l, uint32_t first, uint32_t end);

/* The fn of the user's own that the call means, or NULL. */
const td_fn_tree *td_lower_find_fn(const td_lowering *l, const td_expr *call);
/* lower_call.c: a call, of which the field is wanted ("": its value). */
uint32_t td_lower_call(td_lowering *l, const td_expr *call, td_bytes field);
/* The row that the user's call means, or NULL: a fn of the user's, or unknown. */
const td_function *td_lower_called(const td_lowering *l, const td_expr *call);
