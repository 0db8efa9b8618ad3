/* src/sink/firsts.h - since when instruments are there: the earliest instant that a row of theirs tells of, of a bar
 * its start. It remembers what it has told its store, so that in most batches nothing is new. Grows with instruments
 * alone. Pure. Thread: one. */
#pragma once
#include "model/instrument.h"
#include "sink/sink.h"

typedef struct td_firsts { /* {0} is empty */
    td_instruments *names; /* NULL: none yet */
    td_buf told;           /* of each by its number: the earliest instant that was told, as int64_t */
    td_buf picks;          /* rows by number in the batch, as uint32_t: one of each instrument at most */
} td_firsts;

/* Of a batch the rows that are earlier than all that was told of their instruments, bars and ticks alone. From here on
 * they count as told. Returns how many there are. */
size_t td_firsts_pick(td_firsts *firsts, const td_sink_row *rows, size_t count);
static inline const uint32_t *td_firsts_rows(const td_firsts *firsts) { return (const void *)firsts->picks.data; }
/* The store may not have what it was told: all of it is told again. */
void td_firsts_forget(td_firsts *firsts);
void td_firsts_fini(td_firsts *firsts);
