/* src/serve/arrow.h - a table as a stream of Arrow's IPC format: its schema, one batch of all rows, the end. A row
 * comes as cells in a buffer, so that whoever writes rows needs nothing else for Arrow than for text. The same rows
 * give the same bytes. Memory: that of the values; a column has less than 2 GB of text. Pure. */
#pragma once
#include "base/bytes.h"

typedef enum td_arrow_kind {                       /* with the numbers of Arrow's union of types */
                             TD_ARROW_INT = 2,     /* int64_t */
                             TD_ARROW_DOUBLE = 3,  /* double */
                             TD_ARROW_TEXT = 5,    /* bytes; those that are no UTF-8 become U+FFFD */
                             TD_ARROW_FLAG = 6,    /* bool */
                             TD_ARROW_DECIMAL = 7, /* td_i128, of 38 digits for readers */
                             TD_ARROW_TIME = 10    /* int64_t, ns since 1970 in UTC */
} td_arrow_kind;

typedef struct td_arrow_type {
    td_arrow_kind kind;
    int scale; /* of decimals */
} td_arrow_type;

/* What a row is made of, appended to `row`: of the first one the columns, of all others a cell for each. */
void td_arrow_put_column(td_buf *row, const char *name, td_arrow_type type);
void td_arrow_put_cell(td_buf *row, const void *value, size_t size); /* as it lies here */
void td_arrow_put_null(td_buf *row);

typedef struct td_arrow td_arrow;

enum { TD_ARROW_BATCH_TEXT = 1 << 30 }; /* a column has at most 2 GB of it */
/* A batch ends behind the row by which a column has `batch_text` bytes of text, and rows go on in another one. */
td_arrow *td_arrow_new(td_bytes columns, size_t batch_text);
void td_arrow_free(td_arrow *arrow);              /* accepts NULL */
void td_arrow_add(td_arrow *arrow, td_bytes row); /* of texts of at most 256 MB */
/* Appends the stream to what has a multiple of eight bytes; without rows there is no batch. */
void td_arrow_write(const td_arrow *arrow, td_buf *out);
