/* src/app/estimate.h - what an event costs a graph of a program on this machine: a market made up from a seed runs
 * through a state of the program, and through one without the graph; the difference is the graph's, with all that it
 * reads, remembers and does. Writing what it tells is not in it. Thread: the caller's. */
#pragma once
#include "stream/program.h"

typedef struct td_estimate_conf {      /* borrowed */
    const td_program *program;         /* of a log's form: its sections have their names */
    const td_instruments *instruments; /* those that are known; of none that a graph is for some are made up */
    int64_t (*now_ns)(void *clock);    /* never goes back: best of this thread's processor time */
    void *clock;
} td_estimate_conf;

/* Of one event, at the place of the program; in about a tenth of a second. */
double td_estimate_event_ns(const td_estimate_conf *conf, size_t graph);
