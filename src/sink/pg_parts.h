/* src/sink/pg_parts.h - the parts of a large table of PostgreSQL, a calendar month of UTC each: SQL that makes them as
 * rows come, and drops them. Months, since they are few enough for any history: a query without bounds opens, and
 * locks, each part that there is. Pure. Thread: any. */
#pragma once
#include "sink/table.h"

/* Months since the year 0. */
int32_t td_pg_month_of(int64_t ns);
int64_t td_pg_month_start(int32_t month); /* no earlier and no later than ns can say */
/* A row where the part is there. */
void td_pg_put_part_probe(td_buf *out, const td_table *table, int32_t month);
/* In a transaction of its own; readers of the table are not stopped. */
void td_pg_put_part(td_buf *out, const td_table *table, int32_t month);
/* A row with the number and the name of the next part behind `last` ("": the first) that is of a month before that one.
 */
void td_pg_put_old_part(td_buf *out, const td_table *table, int32_t month, const char *last);
/* The part of that number goes, unless it is in use for a second (td_pg_is_in_use). */
void td_pg_put_drop_part(td_buf *out, const char *number);
