/* src/model/instrument.h - instruments by name "VENUE:SYMBOL", numbered 0, 1, 2, … in the order first seen. The table
 * owns the names; an index stays valid for the table's life. One table belongs to one thread. */
#pragma once
#include "base/bytes.h"

enum { TD_INSTRUMENT_NAME_MAX = 63 };

typedef struct td_instruments td_instruments;

td_instruments *td_instruments_new(void);
void td_instruments_free(td_instruments *table); /* accepts NULL */
/* Index of the name; adds it when new. Name size 1..TD_INSTRUMENT_NAME_MAX (asserted: feeds check first). */
uint32_t td_instruments_intern(td_instruments *table, td_bytes name);
/* Index, or UINT32_MAX when unknown. */
uint32_t td_instruments_find(const td_instruments *table, td_bytes name);
td_bytes td_instruments_name(const td_instruments *table, uint32_t index); /* NUL follows the bytes */
uint32_t td_instruments_count(const td_instruments *table);
/* The name nearest to that one (td_nearest), else to it in capitals, as most venues write theirs; NULL: none is near.
 */
const char *td_instruments_nearest(const td_instruments *table, td_bytes name);
/* True for VENUE:SYMBOL of printable ASCII without spaces, both parts non-empty, within the size. */
bool td_instrument_name_valid(td_bytes name);
