/* src/stream/carry.h - from a program's graph to the one of the next: a node that both compute keeps what it remembers,
 * to the last bit; one that is new takes what a state of the new graph remembers that was warmed beside it. Strategies
 * whose actions are the same go on as if nothing had happened, unless something of theirs was new.
 *
 * A past that others have looked at stays as it was; where the new graph looks further back, the warm state's goes on
 * behind it. A new window over a node that was kept is made again from that past, so that what it takes away later is
 * what it has added; where that cannot be, it begins anew. Used by state swaps; td_carry_find by others, too. Thread:
 * the state's owner. */
#pragma once
#include "stream/program.h"

/* Sections are called by what they compare, and of whom: the same whatever stands beside it in its text. For who has
 * put a program together. */
void td_carry_name_sections(td_program *program);

typedef struct td_carry td_carry; /* constant, of any number of instruments */

/* The place of the graph of that rhythm; behind the last: there is none. */
size_t td_carry_find(const td_program *program, td_rhythm rhythm);
/* To the graph at that place of a program from the one of its rhythm in the program before, if there was one. Both are
 * borrowed. */
td_carry *td_carry_new(const td_program *to, size_t graph, const td_program *from);
void td_carry_free(td_carry *carry); /* accepts NULL */

typedef struct td_carried { /* of one instrument */
    td_bytes instrument;
    bool copy;               /* as td_graph_event has it */
    void *to;                /* a zeroed state of the new graph */
    const void *from, *warm; /* of the old and of the new one; each may be NULL */
} td_carried;

/* Makes `to`. Positions stay empty: they follow names (td_carry_positions). */
void td_carry_state(const td_carry *carry, const td_carried *carried);
/* Strategies of the new graph take the positions that those of their names have in a state of an old one, maybe of
 * another rhythm. */
void td_carry_positions(const td_graph *to, void *state, const td_graph *from, const void *before);

/* The place in the old graph of the strategy that is the same, or TD_GRAPH_NOTHING: it is new, or another. */
uint32_t td_carry_strategy(const td_carry *carry, uint32_t strategy);
/* What both give to others is the same, in the same order. */
bool td_carry_same_exports(const td_carry *carry);
/* The place in the old graph of the report of a strategy that is the same, or TD_GRAPH_NOTHING. */
uint32_t td_carry_report(const td_carry *carry, uint32_t report);
/* The place of the same port in the old graph, or TD_GRAPH_NOTHING. */
uint32_t td_carry_port(const td_carry *carry, uint32_t port);
/* An action of a strategy that is the same, by its place in the old graph. */
uint32_t td_carry_action(const td_carry *carry, uint32_t strategy, uint32_t action);
