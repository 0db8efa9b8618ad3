/* src/sink/pg_tables.h - SQL for PostgreSQL over the tables of results: what makes them, and what puts a batch in.
 * Names are looked up where the session looks for them. Pure. Thread: any. */
#pragma once
#include "sink/table.h"

enum { TD_PG_SCHEMA_VERSION = 6 };

typedef enum td_pg_large { TD_PG_BY_MONTHS, TD_PG_WHOLE } td_pg_large; /* tables by time: in parts, or left to others */
enum { TD_PG_NO_TABLES = -1 };
/* All tables and views of today, the sink's positions and the version. `version`: of what an older program has made,
 * which gets what that did not know; whoever may read a view may read it then, too. A table or view whose name no
 * program of that version has used is somebody else's, and an error. */
void td_pg_put_tables(td_buf *out, int version, td_pg_large large);
/* A temporary table for a batch, empty again behind each transaction. */
void td_pg_put_stage(td_buf *out, const td_table *table);
/* COPY into it. */
void td_pg_put_copy(td_buf *out, const td_table *table);
/* A query with a row where the table takes what the temporary one takes, type by type, and keeps to that until the
 * transaction ends. */
void td_pg_put_types_probe(td_buf *out, const td_table *table);
/* COPY into the table itself, which fails where a row's key is there. */
void td_pg_put_direct_copy(td_buf *out, const td_table *table);
/* From there into the table: what is there already is replaced, as far as the table's rule says so. */
void td_pg_put_merge(td_buf *out, td_table_id id);
/* Fails where a column is missing, with its name; reads nothing. */
void td_pg_put_probe(td_buf *out, const td_table *table);
