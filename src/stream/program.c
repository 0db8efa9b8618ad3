/* src/stream/program.c - what a program says of a feed, and its end. */
#include "stream/program.h"
#include <stdlib.h>

td_program_feed td_program_feed_default(void) {
    return (td_program_feed){
        .lateness_ns = INT64_C(1000000000), .max_ahead_ns = INT64_C(5000000000), .max_instruments = 10000};
}

const td_program_feed *td_program_feed_of(const td_program *program, td_bytes name) {
    for (size_t i = 0; i < program->feed_count; i++)
        if (td_bytes_equal(td_text(program->feeds[i].name), name)) return &program->feeds[i];
    return &program->unnamed;
}

void td_program_free(td_program *program) {
    if (program == NULL) return;
    for (size_t i = 0; i < program->width_count; i++) td_graph_free(program->graphs[i]);
    free(program);
}
