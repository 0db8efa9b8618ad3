/* src/os/duck.h - DuckDB's C library, found when it is first asked for: a database in a file or in memory, SQL, and
 * rows by the thousand. Thread: one at a time for each database. Errors of all: TD_RETRY (the machine: I/O, no memory,
 * somebody has the file), TD_CONFIG (the library is not there; all else, in DuckDB's own words). */
#pragma once
#include "base/bytes.h"
#include "base/status.h"

typedef struct td_duck td_duck;

/* `file` NULL: in memory. Nothing is fetched from any network, whatever SQL asks for. */
TD_CHECKED td_status td_duck_open(td_duck **out, const char *file);
void td_duck_close(td_duck *duck); /* accepts NULL */

/* What the SQL that failed last has met, for whoever reads files of others: bytes that are damaged look like a machine
 * that fails, where they lead beyond a file's end or claim more memory than there is. */
typedef enum td_duck_trouble {
    TD_DUCK_TROUBLE_OTHER,    /* the query, or what it reads */
    TD_DUCK_TROUBLE_IO,       /* the machine, or a file that says it is longer */
    TD_DUCK_TROUBLE_MEMORY,   /* the machine, or a file that claims so much */
    TD_DUCK_TROUBLE_INTERNAL, /* DuckDB stumbled, over what it read as far as one can know: the database is of no more
                               * use */
    TD_DUCK_TROUBLE_FATAL,    /* the machine; of no more use */
} td_duck_trouble;

td_duck_trouble td_duck_trouble_of(const td_duck *duck);
/* `doing`: "write rows", for the trail. */
TD_CHECKED td_status td_duck_run(td_duck *duck, const char *sql, const char *doing);
/* Append a text as SQL has it, 'it''s', and a name, "so ""called""". */
void td_duck_quote(td_buf *out, td_bytes text);
void td_duck_quote_name(td_buf *out, td_bytes name);

/* ---- reading ---- */

enum { TD_DUCK_COLUMNS_MAX = 1024 };

/* A row; a cell that is null has no `data`. Not TD_OK: ends the reading with it. Cells are lent. */
typedef td_status (*td_duck_row_fn)(void *arg, const td_bytes *cells, size_t count);
/* Runs a query all of whose columns are VARCHAR. */
TD_CHECKED td_status td_duck_each(td_duck *duck, const char *sql, const char *doing, td_duck_row_fn each, void *arg);

/* The same in little memory: rows come as they are made, so it may fail behind some. Nothing else is to be asked of the
 * database meanwhile. */
TD_CHECKED td_status td_duck_stream(td_duck *duck, const char *sql, const char *doing, td_duck_row_fn each, void *arg);

/* In any case of letters; also within another word. */
bool td_duck_is_named(const char *sql, const char *name);

typedef struct td_duck_shape { /* of what a query gives */
    size_t count;
    char **names;
    bool *numbers; /* which are printed to the right */
    bool *exact;   /* of these, those that a double would round, of 128 bits and decimals: text to JSON */
} td_duck_shape;

/* One statement that only reads, or TD_CONFIG. To be freed after TD_OK. */
TD_CHECKED td_status td_duck_ask_shape(td_duck *duck, const char *sql, td_duck_shape *out);
void td_duck_shape_free(td_duck_shape *shape);

/* ---- tables of ours ---- */

typedef enum td_duck_type {
    TD_DUCK_TEXT,
    TD_DUCK_BIGINT,
    TD_DUCK_INT,
    TD_DUCK_BOOL,
    TD_DUCK_INSTANT, /* us since the Unix epoch, of UTC */
    TD_DUCK_DAY,     /* since 1970-01-01 */
    TD_DUCK_DECIMAL, /* more than 18 digits */
} td_duck_type;

typedef struct td_duck_column {
    const char *name;
    td_duck_type type;
    uint8_t precision, scale; /* DECIMAL */
} td_duck_column;

typedef struct td_duck_rows td_duck_rows; /* on their way into a query, of a scan */

/* Read as far as a query wants, from its begin wherever a query names it. Thread of its functions: one of DuckDB's,
 * each scan in one at a time. What they fail with the query fails with, in their words. */
typedef struct td_duck_table {
    const char *name; /* to SQL it is NAME() */
    const td_duck_column *columns;
    size_t count;
    int64_t rows; /* about so many, for the plan */
    void *self;
    td_status (*begin)(void *self, void **out_scan);
    td_status (*fill)(void *scan, td_duck_rows *rows); /* until they are full or none is left; none: the end */
    void (*end)(void *scan);
    void (*drop)(void *self); /* with the database, or where it cannot be added: then nothing of it is asked any more */
} td_duck_table;

TD_CHECKED td_status td_duck_add_table(td_duck *duck, const td_duck_table *table);

bool td_duck_rows_full(const td_duck_rows *rows);
/* Begins the next row, if they are not full: all cells are null until they are set. */
void td_duck_rows_next(td_duck_rows *rows);
void td_duck_rows_set_number(td_duck_rows *rows, size_t column, int64_t value); /* all but TEXT and DECIMAL */
void td_duck_rows_set_text(td_duck_rows *rows, size_t column, td_bytes text);   /* what is no UTF-8 becomes U+FFFD */
/* TD_CONFIG: it has more digits than its column. */
TD_CHECKED td_status td_duck_rows_set_decimal(td_duck_rows *rows, size_t column, td_i128 m);
