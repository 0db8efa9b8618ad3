/* src/stream/graph_layout.h - how a graph and its state lie in memory; for graph.c, graph_build.c, carry.c, and those
 * that look at a graph as a whole: reach.c, term.c, warmup.c.
 * State of one instrument: head, what is active, positions, values of all nodes, memories, rings of past values. */
#pragma once
#include "stream/exits.h"
#include "stream/graph_build.h"
#include "stream/indicator.h"

typedef struct graph_node {
    td_node is;
    size_t state_offset; /* of those with a memory */
    size_t ring_offset;
    uint32_t ring_depth; /* past values kept; 0: nobody looks back */
    bool ring_wide;      /* 16 bytes each, else 8 */
    uint32_t warmup;     /* bars without a value, as far as that can be told */
    td_bytes text;       /* of TEXT: as written */
} graph_node;

typedef struct graph_strategy {
    td_bytes name, text;
    uint32_t set_first, set_count;
    uint32_t action_first, action_count;
    uint32_t position_first, position_count; /* at least one: its own instrument */
    uint32_t exit_first, exit_count;
    uint32_t where, flat; /* nodes, or TD_GRAPH_NOTHING */
    td_paper_rules rules;
} graph_strategy;

typedef struct graph_facts { /* one of FACT's, by its n */
    uint64_t hash;
    uint32_t first, count;
} graph_facts;

typedef struct graph_export { /* a node that others read, of these instruments */
    uint32_t node;
    uint32_t set_first, set_count;
    uint64_t section; /* that it is told for, once its program is put together (carry.h); 0: none */
} graph_export;

typedef struct graph_report { /* report.h */
    td_bytes text;
    uint32_t owner, condition;
    uint32_t value_first, value_count;
    uint32_t term;  /* of the condition as written; TD_GRAPH_NOTHING: it was not kept */
    uint8_t action; /* td_action */
} graph_report;

typedef struct graph_report_value {
    td_bytes name;
    uint32_t node;
} graph_report_value;

struct td_graph {
    td_rhythm rhythm;
    size_t state_bytes, active_offset, positions_offset, exits_offset, values_offset;
    uint32_t node_count, strategy_count, line_count, export_count, port_count;
    uint32_t report_count, report_value_count;
    uint32_t constant_count; /* the first nodes: given once, on the first bar; facts and what is made of them, too */
    uint32_t own_count;      /* the first nodes, constants among them: they rest on no port */
    uint32_t ring_count;
    uint32_t mask_words;  /* of 64 bits, a bit per strategy, then one per export */
    graph_node *nodes;    /* constants, then what rests on no port, then the rest; inputs before their users */
    uint32_t *ring_nodes; /* those with a past */
    uint64_t *users;      /* mask_words per node: who needs it */
    graph_strategy *strategies;
    graph_export *exports;
    td_port *ports;       /* by the n of PORT */
    uint32_t *port_nodes; /* beside them */
    td_bytes *traded;     /* by position: the instrument, "" for the own one */
    uint32_t position_count;
    td_bytes *sets;
    graph_facts *facts;
    td_graph_fact *fact_rows;
    td_graph_action *actions;
    td_exit_rule *exits;
    td_graph_line *lines;
    graph_report *reports;
    graph_report_value *report_values;
    td_graph_param *params;
    td_term *terms;
    uint32_t param_count, exit_count, term_count;
    td_graph_use *uses;
    uint32_t use_count;
    bool looks_at_daytime;
    char *texts;
};

typedef struct state_head {
    uint64_t seen;      /* bars or ticks that ran it */
    int64_t begin_ns;   /* of the first of them */
    int64_t last_ns;    /* the time of the last one, of a bar its end */
    uint64_t ahead;     /* 1: of the event that comes next, what rests on no port is there */
    uint64_t wanted;    /* nodes that are computed; 0: nobody wants this instrument */
    td_daytime daytime; /* of the last one, where a node looks at it; a late tick is of the time when it came */
} state_head;

/* Behind the head: a byte per strategy, then one per export, 1 if its set has this instrument, and one per node, 1 if
 * such a one needs it, found on the first bar; then a td_paper for each position, and a td_exit
 * for each of the strategies' exits. */

/* Before the first event: who wants this instrument, what they need, and the constants; of a copy what others read. */
void td_graph_begin(const td_graph *graph, void *state, td_bytes instrument, bool copy);
/* The port says how many members there are of what the other one is of. */
static inline bool td_port_counts_members(const td_port *port, const td_port *other) {
    td_port same = *other;
    same.kind = TD_PORT_MEMBERS;
    return other->kind >= TD_PORT_RANK && other->kind < TD_PORT_MEMBERS && memcmp(port, &same, sizeof same) == 0;
}

/* warmup.c: bars without a value beyond those of the node's inputs, as far as that can be told. */
uint32_t td_node_warmup(const td_graph *graph, const td_node *node);

/* Remembers what the node was on bar number `seen`. */
void td_graph_put_past(const graph_node *node, uint8_t *state, uint64_t seen, td_value value);
