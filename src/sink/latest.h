/* src/sink/latest.h - which rows of a batch are newest of their instruments (model/latest.h). Pure. Thread: one. */
#pragma once
#include "model/latest.h"
#include "sink/sink.h"

td_latest td_latest_of(const td_sink_row *row); /* NONE: the row says nothing of that */

typedef struct td_latest_picks { /* {0} is empty; grows past the largest batch */
    uint32_t *rows;              /* by number in the batch, one of each instrument */
    size_t count;
    uint32_t *slots; /* of `rows`, by instrument; open addressing, 0: none */
    size_t most;     /* rows that there is room for */
} td_latest_picks;

/* Of a batch of one topic the rows that are newest of their instruments. */
void td_latest_pick(td_latest_picks *picks, const td_sink_row *rows, size_t count);
void td_latest_picks_fini(td_latest_picks *picks);
