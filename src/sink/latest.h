/* src/sink/latest.h - what rows say is newest of an instrument: its last trade and quote, or a bar's close. Of two that
 * say it of one instrument the later event counts, of one instant the later place. Pure. Thread: one. */
#pragma once
#include "sink/sink.h"

typedef enum td_latest_kind { TD_LATEST_NONE, TD_LATEST_TRADE, TD_LATEST_QUOTE, TD_LATEST_BAR } td_latest_kind;

typedef struct td_latest {
    td_latest_kind kind;   /* NONE: the row says nothing of that */
    int64_t event_ns, ord; /* ord: on the tape, of a bar in its topic */
    int64_t price, size;   /* TD_NONE: not said; a quote's are in the row */
} td_latest;

const char *td_latest_kind_name(td_latest_kind kind); /* "trade", "quote", "bar": literals */
td_latest td_latest_of(const td_sink_row *row);

typedef struct td_latest_picks { /* {0} is empty; grows past the largest batch */
    uint32_t *rows;              /* by number in the batch, one of each instrument */
    size_t count;
    uint32_t *slots; /* of `rows`, by instrument; open addressing, 0: none */
    size_t most;     /* rows that there is room for */
} td_latest_picks;

/* Of a batch of one topic the rows that are newest of their instruments. */
void td_latest_pick(td_latest_picks *picks, const td_sink_row *rows, size_t count);
void td_latest_picks_fini(td_latest_picks *picks);
