/* src/sink/row.h - what stores ask of a row, whatever its kind. Pure. Thread: any. */
#pragma once
#include "sink/sink.h"

/* By which it belongs to a day or a year: its event's instant, of a bar that of its start, of
 * what was refused that of the refusal. */
int64_t td_sink_row_time(const td_sink_row *row);
/* How far time has come, as the row says: by its own, but never ahead of when it was appended. Who goes by the time
 * alone has one row that is dated wrong close all days, and let all others go. */
int64_t td_sink_row_clock(const td_sink_row *row);
/* What it is of: of a pair's leg that leg, and not whose bars decided. */
td_bytes td_sink_row_instrument(const td_sink_row *row);

typedef struct td_sink_name { /* of "VENUE:SYMBOL"; without a colon it is all symbol */
    td_bytes venue, symbol;
} td_sink_name;

td_sink_name td_sink_split_name(td_bytes instrument);
