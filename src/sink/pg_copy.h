/* src/sink/pg_copy.h - rows in the binary format of PostgreSQL's COPY. Pure. Thread: any. */
#pragma once
#include "sink/table.h"

void td_pg_copy_begin(td_buf *out);
/* The table's columns in order, behind each INSTANT the same as timestamptz, rounded down to its microseconds; bytes
 * that are no UTF-8, or NUL, become U+FFFD. */
void td_pg_copy_row(td_buf *out, const td_table *table, const td_cells *cells);
void td_pg_copy_end(td_buf *out);
