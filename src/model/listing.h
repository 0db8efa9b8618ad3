/* src/model/listing.h - the instrument table: what is known of instruments beside their ticks, by name or by pattern.
 * Read from CSV (docs/instruments.md); what a later text says of a pattern stands in place of what an earlier one said.
 * Owns its texts. Constant once read, then any thread. */
#pragma once
#include "model/instrument.h"

enum { TD_LISTINGS_BYTES_MAX = 64 << 20 }; /* of a file */

typedef struct td_listing {
    char pattern[TD_INSTRUMENT_NAME_MAX + 1]; /* VENUE:SYMBOL, or the beginning of such names and '*' */
    char asset[32], currency[16], unit[16];   /* "" where nothing is said, as the next */
    char calendar[256];                       /* one that comes with the program, or a file */
    int64_t tick;                             /* decimal(19,9); 0: not said */
    unsigned text;                            /* which one said it, counted from 0 */
} td_listing;

typedef struct td_alias { /* another name of an instrument, for all time or for what happens before an instant */
    char name[TD_INSTRUMENT_NAME_MAX + 1], means[TD_INSTRUMENT_NAME_MAX + 1];
    int64_t until_ns; /* as read: midnight UTC, for the owner to shift to the exchange's; INT64_MAX: no end */
} td_alias;

typedef struct td_listings { /* {0} is an empty table */
    td_listing *rows;        /* in byte order of their patterns */
    td_alias *aliases;       /* in byte order of their names, then by time */
    size_t count, alias_count;
    unsigned texts;
} td_listings;

/* Errors: TD_REJECT, the trail says line, column and what is wrong; the table is as far as it was read. */
TD_CHECKED td_status td_listings_read(td_listings *table, td_bytes csv);
void td_listings_fini(td_listings *table);
/* The row whose pattern says most of the name, or NULL. */
const td_listing *td_listings_find(const td_listings *table, td_bytes name);
