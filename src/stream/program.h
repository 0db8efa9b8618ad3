/* src/stream/program.h - what `apply` obeys: the settings that reach it and the compiled strategies. Constant once
 * built (lang/program.c), shared by threads, identified by the hash of its body. It comes from the log: a tape says at
 * which place which program begins. */
#pragma once
#include "model/refusal.h"
#include "stream/graph.h"

enum { TD_PROGRAM_FEEDS_MAX = 64, TD_PROGRAM_SHA_BYTES = 32 };

typedef struct td_program {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES]; /* of the body */
    size_t width_count;                   /* 1..TD_WIDTHS_MAX */
    int64_t widths_ns[TD_WIDTHS_MAX];     /* ascending */
    td_graph *graphs[TD_WIDTHS_MAX];      /* strategies on bars of that width; NULL: none. Owned */
    size_t feed_count;
    struct {
        char name[64];
        int64_t lateness_ns;
    } feeds[TD_PROGRAM_FEEDS_MAX];
} td_program;

enum { TD_LATENESS_DEFAULT_NS = 1000000000 }; /* of a feed that the program does not name */

int64_t td_program_lateness_ns(const td_program *program, td_bytes feed);
void td_program_free(td_program *program); /* accepts NULL */
