/* src/lang/lower.h - trees of expressions to nodes of a graph: names become what they stand for, types are checked,
 * decimals stay decimal where they can. For compile.c. */
#pragma once
#include "lang/parse.h"
#include "stream/graph_build.h"

#define TD_NODE_BAD UINT32_MAX /* an error was said */

typedef struct td_scope_name {
    td_bytes name;
    uint32_t node; /* TD_NODE_BAD: its definition is wrong */
    uint32_t offset;
} td_scope_name;

typedef struct td_lowering {
    const td_syntax *tree;
    td_diags *diags;
    td_graph_builder *builder;
    const td_strategy_tree *strategy;
    uint32_t stmts_done; /* of the strategy; what comes later is not defined yet */
    td_buf scope;        /* td_scope_name */
} td_lowering;

void td_lower_fail(const td_lowering *l, uint32_t offset, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const td_scope_name *td_lower_find(const td_lowering *l, td_bytes name); /* NULL when not defined so far */

/* The node, or TD_NODE_BAD. */
uint32_t td_lower_expr(td_lowering *l, uint32_t expr);
uint32_t td_lower_number(td_lowering *l, uint32_t expr);    /* must be a number: decimal or double */
uint32_t td_lower_condition(td_lowering *l, uint32_t expr); /* must be a condition */
