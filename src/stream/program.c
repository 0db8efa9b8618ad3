/* src/stream/program.c - what a program says of a feed, and its end. */
#include "stream/program.h"
#include <stdlib.h>

int64_t td_program_lateness_ns(const td_program *program, td_bytes feed) {
    for (size_t i = 0; i < program->feed_count; i++)
        if (td_bytes_equal(td_text(program->feeds[i].name), feed)) return program->feeds[i].lateness_ns;
    return TD_LATENESS_DEFAULT_NS;
}

void td_program_free(td_program *program) {
    if (program == NULL) return;
    for (size_t i = 0; i < program->width_count; i++) td_graph_free(program->graphs[i]);
    free(program);
}
