/* src/stream/graph_build.h - makes a graph: nodes, strategies, actions and lines go in, one flat graph comes out.
 * Equal nodes are one, constant ones are folded, unused ones left out. Texts are borrowed until td_graph_build, which
 * copies them. Used by lang/ only. Thread: one builder, one thread. */
#pragma once
#include "stream/graph.h"
#include "stream/op.h"
#include "stream/term.h"

/* One operator with its inputs. Equal bytes are the same node: zero what you do not set. */
typedef struct td_node {
    td_value constant;
    uint32_t in[TD_OP_INPUTS_MAX]; /* nodes added before */
    uint32_t n;                    /* bars of a window or of AGO (1..TD_WINDOW_MAX), else 0; field of FIELD; of PORT
                                      what td_graph_builder_add_port put there */
    uint8_t op, type;              /* td_op, td_type; the type is filled in except for CONSTANT */
    uint8_t zero[10];
} td_node;
_Static_assert(sizeof(td_node) == 48, "nodes are compared byte by byte");

typedef struct td_graph_action { /* one leg of it */
    td_bytes note;               /* "" when none */
    int64_t qty;                 /* decimal(19,8), > 0; of entries */
    uint32_t qty_node;           /* a number, instead; TD_GRAPH_NOTHING: none */
    uint32_t condition;          /* node */
    uint32_t term;               /* its number in the builder, or 0; of a graph the term, or TD_GRAPH_NOTHING */
    uint32_t traded;             /* its position's place among all; filled in, as are the next three */
    uint32_t first;              /* leg of its action */
    uint8_t legs;                /* that it has */
    bool enters;                 /* by one of them at least */
    uint8_t action;              /* td_action */
    uint8_t position;            /* of the strategy */
    uint8_t leaving;             /* td_leaving: the rule that it is, of an EXIT */
} td_graph_action;

typedef struct td_graph_fact { /* known of the instruments that a pattern fits, whatever happens */
    td_bytes pattern;          /* VENUE:SYMBOL, or the beginning of such names and '*' */
    td_value value;
} td_graph_fact;

typedef struct td_graph_builder td_graph_builder;

td_graph_builder *td_graph_builder_new(td_rhythm rhythm);
td_rhythm td_graph_builder_rhythm(const td_graph_builder *builder);
void td_graph_builder_free(td_graph_builder *builder); /* accepts NULL */

/* The number of a node that computes this: a new one, an equal one there was, or a constant. */
uint32_t td_graph_builder_add(td_graph_builder *builder, td_node node);
/* A TEXT of that test: the text is borrowed, too. */
uint32_t td_graph_builder_add_text(td_graph_builder *builder, uint32_t test, td_bytes text);
td_node td_graph_builder_node(const td_graph_builder *builder, uint32_t node);

/* The place of the strategy begun last. */
uint32_t td_graph_builder_strategy(const td_graph_builder *builder);
/* Actions, lines and uses belong to it. `sets`: VENUE:SYMBOL or VENUE:*; none: all instruments. */
void td_graph_builder_begin_strategy(td_graph_builder *builder, td_bytes name, const td_bytes *sets, size_t set_count);
/* The node of what the pattern says that says most of an instrument's name; na where none fits. */
uint32_t td_graph_builder_add_facts(td_graph_builder *builder, td_type type, const td_graph_fact *facts, size_t count);
/* It is made of facts and constants: the same for an instrument, whatever happens. */
bool td_graph_builder_is_known(const td_graph_builder *builder, uint32_t node);
/* Such a condition, which instruments of the strategy's set must meet. */
void td_graph_builder_set_where(td_graph_builder *builder, uint32_t condition);
void td_graph_builder_add_action(td_graph_builder *builder, const td_graph_action *legs, uint8_t leg_count);
/* The position of the strategy in an instrument that its legs name: a new one, at most TD_POSITIONS_MAX in all, or one
 * that there is. UINT32_MAX: they are too many. */
uint32_t td_graph_builder_add_position(td_graph_builder *builder, td_bytes instrument);
uint32_t td_graph_builder_positions(const td_graph_builder *builder); /* of the strategy */
void td_graph_builder_add_line(td_graph_builder *builder, td_bytes name, uint32_t node);
/* At most TD_EXITS_MAX of a strategy. */
void td_graph_builder_add_exit(td_graph_builder *builder, const td_exit_rule *rule);
size_t td_graph_builder_exits(const td_graph_builder *builder, const td_exit_rule **out); /* those it has, lent */
/* A time from which on the strategy holds nothing, beside an action whose condition rests on it. */
void td_graph_builder_set_flat(const td_graph_builder *builder, uint32_t node);
td_paper_rules *td_graph_builder_rules(const td_graph_builder *builder); /* of the strategy, to be filled in */
/* VENUE:SYMBOL; twice is once. What ports call it. */
uint32_t td_graph_builder_add_use(td_graph_builder *builder, td_bytes instrument);
/* A constant number or duration. */
void td_graph_builder_add_param(td_graph_builder *builder, td_bytes name, uint32_t node);
/* What the places of its terms are places in. */
void td_graph_builder_set_text(td_graph_builder *builder, td_bytes text);

/* Terms are numbered from 1 as they are opened; those opened before one is closed are its parts. 0 is none: past
 * TD_TERMS_MAX nothing more is kept. */
uint32_t td_graph_builder_next_term(const td_graph_builder *builder);
uint32_t td_graph_builder_open_term(td_graph_builder *builder, td_term term);
void td_graph_builder_name_term(td_graph_builder *builder, uint32_t term, uint32_t means); /* either may be 0 */
void td_graph_builder_close_term(td_graph_builder *builder, uint32_t term, uint32_t node);

/* The node of a port: a new one, or that of an equal one. */
uint32_t td_graph_builder_add_port(td_graph_builder *builder, td_port port);
td_port td_graph_builder_port(const td_graph_builder *builder, uint32_t n); /* of a PORT with that n */
/* The port of another graph that reads `node`, no constant, for the instruments of `sets`, lent like the texts. */
td_port td_graph_builder_export(td_graph_builder *builder, uint32_t node, const td_bytes *sets, size_t set_count);

/* The same of a double that is told for a section. */
td_port td_graph_builder_export_section(td_graph_builder *builder, uint32_t node, const td_bytes *sets,
                                        size_t set_count);

/* An alert or emit of the strategy begun last, and its values in their order. `text`: of an alert with {} where a value
 * stands, of an emit its name. `term`: its condition as written, or 0. */
void td_graph_builder_begin_report(td_graph_builder *builder, td_action action, td_bytes text, uint32_t condition,
                                   uint32_t term);
void td_graph_builder_add_report_value(td_graph_builder *builder, td_bytes name, uint32_t node);

/* Lays everything out. The builder is empty afterwards and remains the caller's to free. */
td_graph *td_graph_build(td_graph_builder *builder);
