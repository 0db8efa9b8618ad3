/* src/stream/report.h - what a strategy tells beside its target: an alert, when a condition begins to hold; and what it
 * emits, named values for others. Both are signals that move no target. Reports belong to a graph, by their place in
 * the program. No allocation. Thread: any. */
#pragma once
#include "stream/graph.h"

enum { TD_REPORT_VALUES_MAX = 16, TD_REPORT_BYTES_MAX = 4096 };

typedef struct td_report_room { /* what a report's texts are written into */
    char bytes[TD_REPORT_BYTES_MAX];
    size_t size;
} td_report_room;

uint32_t td_graph_reports(const td_graph *graph);
uint32_t td_graph_report_owner(const td_graph *graph, uint32_t report); /* strategy */
/* Fills strategy, action and note: of an alert its text as written, of an emit its name; and the target that stands. */
void td_graph_name_report(const td_graph *graph, const void *state, uint32_t report, td_signal *signal);
/* Does the last event run call for it? Fills the same, with values in the texts, which are `room`'s. */
bool td_graph_make_report(const td_graph *graph, const void *state, uint32_t report, td_report_room *room,
                          td_signal *signal);
