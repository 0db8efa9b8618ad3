/* src/lang/lang.h - the strategy language: text in, graphs out. Several errors at once, each with file, line, column,
 * expectation and the nearest name. Pure: reads no file. Thread: any. */
#pragma once
#include "base/bytes.h"
#include "stream/graph.h"

typedef struct td_source_text {
    const char *file; /* for messages only */
    td_bytes text;
} td_source_text;

/* Calls `each` with the name of every strategy and series that a text has, as far as it can be read. */
void td_lang_each_name(td_bytes text, void (*each)(void *arg, td_bytes name), void *arg);

/* Compiles all texts together (strategy names must be unique over them) to one graph per bar width, ascending.
 * Errors: TD_CONFIG; out_errors then holds the messages, ready to print, and *out_count is 0.
 * The graphs own copies of all texts they need. Free each graph, then the array with free(). */
TD_CHECKED td_status td_lang_compile(const td_source_text *texts, size_t text_count, td_graph ***out_graphs,
                                     size_t *out_count, td_buf *out_errors);
