/* src/lang/parse.h - words to trees: strategies with their sets and statements, expressions as nodes in one array.
 * Borrows the texts. After an error the rest of its statement is skipped, so that each tells of itself alone. */
#pragma once
#include "lang/diag.h"
#include "stream/value.h"

typedef enum td_expr_kind {
    TD_EXPR_BAD, /* an error was said */
    TD_EXPR_NUMBER,
    TD_EXPR_NAME,
    TD_EXPR_CALL,  /* text(children) */
    TD_EXPR_OP,    /* one child: "-" or "not"; two: the rest */
    TD_EXPR_IF,    /* condition, then, else */
    TD_EXPR_AGO,   /* child 0 as it was child 1 bars ago */
    TD_EXPR_FIELD, /* child 0 . text */
} td_expr_kind;

typedef struct td_expr { /* number 0 is BAD; children are a list */
    td_value number;
    td_bytes text;
    uint32_t offset;     /* its place, for messages */
    uint32_t begin, end; /* all of it, brackets around it included */
    uint32_t first, next;
    uint32_t depth; /* 1 without children; at most TD_EXPR_DEPTH_MAX */
    uint8_t kind;   /* td_expr_kind */
} td_expr;

enum {
    TD_EXPR_DEPTH_MAX = 200,
    TD_NAME_BYTES_MAX = 63,
    TD_NOTE_BYTES_MAX = 200,
    TD_TEXT_BYTES_MAX = 1 << 20,
    TD_FN_PARAMS_MAX = 16
};

typedef enum td_stmt_kind { TD_STMT_PARAM, TD_STMT_LET, TD_STMT_ACTION } td_stmt_kind;

typedef struct td_stmt {
    td_bytes name; /* of param and let */
    td_bytes note;
    uint32_t offset; /* of the name, or of the action's word */
    uint32_t expr;   /* value of param or let, condition of an action; 0 after an error */
    uint32_t qty;    /* expression, or 0 */
    uint8_t kind;    /* td_stmt_kind */
    uint8_t action;  /* td_action */
} td_stmt;

typedef struct td_strategy_tree {
    td_bytes name; /* "" after an error */
    int64_t width_ns;
    uint32_t file, offset; /* of the name */
    uint32_t set_first, set_count, stmt_first, stmt_count;
    bool series; /* names values, has no actions */
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
    td_buf sets;       /* td_bytes */
    td_buf strategies; /* td_strategy_tree, series among them */
    td_buf fns;        /* td_fn_tree */
    td_buf params;     /* td_bytes, of fns */
} td_syntax;

void td_syntax_init(td_syntax *tree);
void td_syntax_fini(td_syntax *tree);
static inline td_expr *td_syntax_expr(const td_syntax *tree, uint32_t i) {
    return (td_expr *)(void *)tree->exprs.data + i;
}
static inline td_stmt *td_syntax_stmt(const td_syntax *tree, uint32_t i) {
    return (td_stmt *)(void *)tree->stmts.data + i;
}

static inline size_t td_syntax_expr_count(const td_syntax *tree) { return tree->exprs.size / sizeof(td_expr); }

/* Adds the strategies of text number `file` to the tree and what is wrong to diags. */
void td_parse(td_syntax *tree, td_diags *diags, uint32_t file);
/* The number of the root of an expression of our own (lang/function.h), which has no errors. */
uint32_t td_parse_inner(td_syntax *tree, const char *text);
