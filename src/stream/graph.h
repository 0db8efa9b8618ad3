/* src/stream/graph.h - strategies of one bar width as one flat graph of incremental operators. The language compiles to
 * it (lang/), the state runs it. A graph is constant once built and shared by threads; what it remembers of one
 * instrument is a flat block of state_bytes without pointers: a snapshot copies it. Equal sub-expressions are one node.
 * No clock, no file, no allocation in td_graph_apply. */
#pragma once
#include "model/bar.h"
#include "model/signal.h"

typedef struct td_graph td_graph;

/* Called for each signal that a bar gives, in the order of strategies and actions in the program. Fields filled:
 * strategy, note, instrument, ordinal, event_ns, width_ns, price, target, known_at_ns, action, status. */
typedef void (*td_signal_fn)(void *arg, const td_signal *signal);

void td_graph_free(td_graph *graph); /* accepts NULL */
int64_t td_graph_width_ns(const td_graph *graph);
size_t td_graph_state_bytes(const td_graph *graph); /* per instrument, a multiple of 16 */
/* Applies one final bar of `instrument` (its name, for sets) to its block (zeroed before the first bar). */
void td_graph_apply(const td_graph *graph, void *state, td_bytes instrument, const td_bar *bar, td_signal_fn fn,
                    void *arg);
