/* src/stream/warmup.h - how much of the tape it takes until all values of a strategy can be there: of its own events,
 * and of whatever it reads, through other graphs too. What cannot be counted beforehand is said to be so. Pure.
 * Thread: any. */
#pragma once
#include "stream/program.h"

typedef struct td_need { /* of one kind of events, in one instrument */
    td_rhythm rhythm;
    td_bytes instrument; /* "": the strategy's own; the program's */
    uint32_t events;     /* so many: with the last of them its values are there; 0: it has none */
    int64_t span_ns;     /* and behind so much time since the first */
} td_need;

enum {                        /* a value is na besides, for as long as … */
       TD_LACKS_ADMITTED = 1, /* fewer values fit a `where` than its window has */
       TD_LACKS_SINCE = 2,    /* a condition was never true from which on something counts */
       TD_LACKS_NEWS = 4,     /* no news lies in a window over it */
       TD_LACKS_POSITION = 8, /* nothing is held */
};

typedef struct td_needs {
    td_buf list; /* td_need: its own events, then what it reads, by rhythm */
    /* What rests on others needs of its own events so many, and so much time, from when those are there. 0: nothing
     * does. */
    uint32_t from_then;
    int64_t from_then_ns;
    uint32_t lacks;
} td_needs;

static inline size_t td_needs_count(const td_needs *needs) { return needs->list.size / sizeof(td_need); }
static inline const td_need *td_needs_at(const td_needs *needs, size_t i) {
    return (const td_need *)(const void *)needs->list.data + i;
}

/* Of that strategy of the graph at that place of the program; to be freed. */
void td_strategy_needs(const td_program *program, size_t graph, uint32_t strategy, td_needs *out);
void td_needs_fini(td_needs *needs);
