/* src/sink/parquet_file.h - a file of Parquet, row by row: row groups by a number of rows or by their size, zstd,
 * statistics, decimals as such. All columns may be null. The same rows and limits give the same bytes.
 * Thread: its owner's. Errors: those of the machine, and TD_CONFIG where it says so; what was begun is then to be
 * begun again. */
#pragma once
#include "os/duck.h"
#include "os/os.h"

typedef struct td_parquet td_parquet;

typedef struct td_parquet_conf {
    const td_os *os;
    const td_duck_column *columns; /* they must outlive it */
    size_t count;
    int64_t group_rows, group_bytes; /* a row group ends when it has either */
} td_parquet_conf;

td_parquet *td_parquet_new(const td_parquet_conf *conf);
void td_parquet_free(td_parquet *file); /* accepts NULL; what was not ended is no file */

/* Makes it, or writes over what is there. */
TD_CHECKED td_status td_parquet_begin(td_parquet *file, const char *path);
/* A row is one cell for each column, each by one of these, in any order. */
void td_parquet_set_null(td_parquet *file, size_t column);
void td_parquet_set_number(td_parquet *file, size_t column, int64_t value); /* all but TEXT and DECIMAL */
void td_parquet_set_text(td_parquet *file, size_t column, td_bytes text);   /* of UTF-8 */
void td_parquet_set_decimal(td_parquet *file, size_t column, td_i128 m);    /* of no more digits than its column has */
TD_CHECKED td_status td_parquet_next(td_parquet *file);
/* All is written, not yet durable. */
TD_CHECKED td_status td_parquet_end(td_parquet *file);
