/* src/lang/parse.h - words to trees: strategies with their sets and statements, expressions as nodes in one array.
 * Borrows the texts. After an error the rest of its statement is skipped, so that each tells of itself alone. Whatever
 * the grammar has stands in the tree, with its place; what it means, and what is not part of this version, compile.c
 * and lower*.c say. Thread: the compiling one. */
#pragma once
#include "lang/diag.h"
#include "model/width.h"
#include "stream/value.h"

typedef enum td_expr_kind {
    TD_EXPR_BAD,      /* an error was said */
    TD_EXPR_NUMBER,   /* number; `percent`: it was written as one, 2% is 0.02 */
    TD_EXPR_DURATION, /* 15m: number, in seconds */
    TD_EXPR_CLOCK,    /* 09:45: number, seconds of a day of the exchange's */
    TD_EXPR_STRING,   /* text */
    TD_EXPR_TRUTH,    /* true, false, na: number is 1, 0 or na */
    TD_EXPR_NAME,
    TD_EXPR_CALL,  /* text(children) */
    TD_EXPR_GIVEN, /* an argument by name, text = child 0; in calls alone, behind those without */
    TD_EXPR_OP,    /* one child: "-" or "not"; two: the rest, "has" and "in" among them */
    TD_EXPR_IF,    /* condition, then, else */
    TD_EXPR_AGO,   /* child 0 as it was child 1 bars ago */
    TD_EXPR_FIELD, /* child 0 . text; behind that, if there is one, (child 1) */
} td_expr_kind;

typedef struct td_expr { /* number 0 is BAD; children are a list */
    td_value number;
    td_bytes text;
    uint32_t offset;     /* its place, for messages */
    uint32_t begin, end; /* all of it, brackets around it included */
    uint32_t first, next;
    uint32_t depth; /* 1 without children; at most TD_EXPR_DEPTH_MAX */
    uint8_t kind;   /* td_expr_kind */
    bool percent;
} td_expr;

enum {
    TD_EXPR_DEPTH_MAX = 200,
    TD_NAME_BYTES_MAX = 63,
    TD_NOTE_BYTES_MAX = 200,
    TD_TEXT_BYTES_MAX = 1 << 20,
    TD_FN_PARAMS_MAX = 16
};

/* ---- what a strategy runs on ---- */

typedef enum td_source_kind { /* in the order of td_words_source */
                              TD_SOURCE_BARS,
                              TD_SOURCE_TRADES,
                              TD_SOURCE_QUOTES,
                              TD_SOURCE_BOOK,
                              TD_SOURCE_NEWS
} td_source_kind;

typedef struct td_source_tree {
    int64_t width_ns; /* of bars (model/width.h); of `1d`, the exchange's day, 24 hours */
    int64_t every_ns; /* 0: at each event */
    uint32_t offset, width_offset, every_offset;
    uint8_t kind; /* td_source_kind */
    bool given;   /* `use` may leave it out; false, too, after an error */
} td_source_tree;

/* ---- statements ---- */

typedef enum td_stmt_kind {
    TD_STMT_PARAM,  /* name, expr: a literal */
    TD_STMT_LET,    /* name, expr */
    TD_STMT_USE,    /* name, part: td_use_tree */
    TD_STMT_ACTION, /* part, part_count: td_leg_tree; expr, note */
    TD_STMT_ALERT,  /* note: its text; expr */
    TD_STMT_EMIT,   /* name, part, part_count: td_let_tree; expr, or 0: always */
    TD_STMT_RULE,   /* part: td_rule_tree */
} td_stmt_kind;

typedef struct td_stmt {
    td_bytes name;
    td_bytes note;
    uint32_t offset;           /* of the name, or of the statement's word */
    uint32_t expr;             /* value of param or let, else the condition; 0 after an error */
    uint32_t part, part_count; /* no part of a `use`: an error was said */
    uint8_t kind;              /* td_stmt_kind */
} td_stmt;

typedef struct td_use_tree { /* one of the two is there */
    td_bytes instrument;     /* "": the strategy's own */
    uint32_t instrument_offset;
    td_source_tree source; /* not given: the strategy's own */
} td_use_tree;

typedef struct td_leg_tree {
    td_bytes use; /* "": the strategy's own instrument */
    uint32_t offset, use_offset, all_offset;
    uint32_t qty;   /* expression, or 0 */
    uint8_t action; /* td_action */
    bool all;       /* exit all */
} td_leg_tree;

typedef struct td_let_tree {
    td_bytes name;
    uint32_t offset, expr;
} td_let_tree;

typedef enum td_rule_kind { /* in the order of td_words_rule */
                            TD_RULE_STOP,
                            TD_RULE_TARGET,
                            TD_RULE_TRAIL,
                            TD_RULE_COOLDOWN,   /* duration_ns, word: stop, target, exit, or any exit without */
                            TD_RULE_AT_MOST,    /* count, per session or, with duration_ns, per so much time */
                            TD_RULE_FLAT_AT,    /* expr: a time */
                            TD_RULE_FILL,       /* word: next, open, touch; duration_ns, 0: at once */
                            TD_RULE_INCOMPLETE, /* word: withhold, allow */
} td_rule_kind;

typedef enum td_level_kind {                    /* of stop, target, trail */
                             TD_LEVEL_DISTANCE, /* expr; one that is `percent` by itself is of the entry's price */
                             TD_LEVEL_AT,       /* expr: a price */
                             TD_LEVEL_R,        /* r times the distance of the first stop */
                             TD_LEVEL_WHEN,     /* expr: a condition */
} td_level_kind;

typedef struct td_rule_tree {
    td_value r, from_r; /* > 0; from_r 0: from the entry on */
    int64_t duration_ns;
    td_bytes word;   /* in the text; "" when none */
    uint32_t offset; /* of its first word */
    uint32_t level_offset, word_offset, from_offset;
    uint32_t expr, count;
    uint8_t kind, level; /* td_rule_kind, td_level_kind */
} td_rule_tree;

typedef struct td_strategy_tree {
    td_bytes name; /* "" after an error */
    td_source_tree source;
    uint32_t file, offset;         /* of the name */
    uint32_t set_first, set_count; /* none: all instruments */
    uint32_t where;                /* expression that the set's instruments must meet, or 0 */
    uint32_t stmt_first, stmt_count;
    uint32_t expr_first, expr_end; /* all of its expressions, in the text's order */
    bool series;                   /* names values, has no actions */
} td_strategy_tree;

typedef struct td_fn_tree { /* known in its whole text */
    td_bytes name;
    uint32_t file, offset;
    uint32_t param_first, param_count;
    uint32_t expr; /* 0 after an error */
} td_fn_tree;

typedef struct td_syntax {
    td_buf exprs;      /* td_expr */
    td_buf stmts;      /* td_stmt */
    td_buf sets;       /* td_bytes, within the text: VENUE:SYMBOL, VENUE:*, @file */
    td_buf strategies; /* td_strategy_tree, series among them */
    td_buf fns;        /* td_fn_tree */
    td_buf params;     /* td_bytes, of fns */
    td_buf uses;       /* td_use_tree */
    td_buf legs;       /* td_leg_tree */
    td_buf lets;       /* td_let_tree, of emits */
    td_buf rules;      /* td_rule_tree */
} td_syntax;

void td_syntax_init(td_syntax *tree);
void td_syntax_fini(td_syntax *tree);
static inline td_expr *td_syntax_expr(const td_syntax *tree, uint32_t i) {
    return (td_expr *)(void *)tree->exprs.data + i;
}
static inline const td_bytes *td_syntax_set(const td_syntax *tree, const td_strategy_tree *s) { /* NULL: it has none */
    return s->set_count > 0 ? (const td_bytes *)(const void *)tree->sets.data + s->set_first : NULL;
}
static inline td_stmt *td_syntax_stmt(const td_syntax *tree, uint32_t i) {
    return (td_stmt *)(void *)tree->stmts.data + i;
}
static inline const td_use_tree *td_syntax_use(const td_syntax *tree, const td_stmt *s) {
    return (const td_use_tree *)(const void *)tree->uses.data + s->part;
}
static inline const td_leg_tree *td_syntax_legs(const td_syntax *tree, const td_stmt *s) { /* s->part_count */
    return (const td_leg_tree *)(const void *)tree->legs.data + s->part;
}
static inline const td_let_tree *td_syntax_lets(const td_syntax *tree, const td_stmt *s) { /* s->part_count */
    return (const td_let_tree *)(const void *)tree->lets.data + s->part;
}
static inline const td_rule_tree *td_syntax_rule(const td_syntax *tree, const td_stmt *s) {
    return (const td_rule_tree *)(const void *)tree->rules.data + s->part;
}

static inline size_t td_syntax_expr_count(const td_syntax *tree) { return tree->exprs.size / sizeof(td_expr); }

/* Adds the strategies of text number `file` to the tree and what is wrong to diags. */
void td_parse(td_syntax *tree, td_diags *diags, uint32_t file);
/* The number of the root of an expression of our own (lang/function.h), which has no errors. */
uint32_t td_parse_inner(td_syntax *tree, const char *text);
