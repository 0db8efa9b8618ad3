/* src/stream/asof.h - what a graph on ticks has given to others, as it stood at instants just past. Who runs at T reads
 * the newest row in the order of the log whose time is not later than T: a row hides those before it in the log that
 * have its time or a later one, so that rows lie in the order of time and of the log alike.
 * Full: of the newest rows at least TD_ASOF_NEWEST are kept; of older ones the last up to each multiple of `grain`, as
 * many as there is room for. What is older still is forgotten and cannot be read.
 * A plain block, zeroed before the first row: a snapshot copies it. No allocation. Thread: the owner's of the state. */
#pragma once
#include "stream/value.h"

enum { TD_ASOF_NEWEST = 64, TD_ASOF_GRAINS_MAX = 1024 };

typedef struct td_asof {
    void *block;      /* aligned to 16 */
    uint32_t values;  /* of a row */
    uint32_t grains;  /* older rows that there is room for */
    int64_t grain_ns; /* 0: nobody asks for them */
} td_asof;

size_t td_asof_bytes(uint32_t values, uint32_t grains); /* a multiple of 16 */
/* The values of a new row, for the caller to set. */
td_value *td_asof_put(td_asof asof, int64_t event_ns);
/* NULL: nothing was there yet, or it is forgotten. */
const td_value *td_asof_at(td_asof asof, int64_t ns, int64_t *out_event_ns);
/* False: a block that cannot have been left. */
bool td_asof_valid(td_asof asof);
