/* src/app/sql_tables.h - archive and log as tables of DuckDB, each row once: of what both have the log's. Thread: the
 * main one. */
#pragma once
#include "app/data.h"
#include "os/duck.h"

typedef struct td_sql_source {
    const td_data *data; /* NULL: an archive alone */
    const char *archive; /* its folder; NULL: a log alone */
} td_sql_source;

/* Makes the tables whose names stand in `query`, with the log as far as it goes now: read as queries go, or beside an
 * archive once, into memory (beyond DuckDB's bound into its temporary files). A table that neither has is not made.
 * `source` outlives the database. Errors: as the log's and td_duck's. */
TD_CHECKED td_status td_sql_tables_make(td_duck *duck, const td_sql_source *source, const char *query);
