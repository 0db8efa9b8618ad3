/* src/sink/parquet_column.h - one column of a row group of Parquet: values are kept as they come, and become pages,
 * compressed with zstd: by a dictionary where values repeat, else by their differences (64-bit numbers) or as they are.
 * The same values give the same bytes. Pure. Thread: its owner's. */
#pragma once
#include "os/duck.h"
#include <zstd.h>

enum { TD_PARQUET_BOUND_MAX = 64 }; /* a text that is longer bounds nothing in statistics */

typedef enum td_parquet_type { /* as the format numbers them */
                               TD_PARQUET_BOOLEAN = 0,
                               TD_PARQUET_INT32 = 1,
                               TD_PARQUET_INT64 = 2,
                               TD_PARQUET_BYTES = 6,
                               TD_PARQUET_FIXED = 7, /* of a column's own width, big endian */
} td_parquet_type;

typedef enum td_parquet_encoding {
    TD_PARQUET_PLAIN = 0,
    TD_PARQUET_RLE = 3,
    TD_PARQUET_DELTA = 5,
    TD_PARQUET_DICTIONARY = 8,
} td_parquet_encoding;

typedef struct td_parquet_column {
    td_duck_column as;
    td_parquet_type type;
    size_t width;       /* FIXED: bytes of a value */
    td_buf values;      /* int64_t each, of decimals td_i128, of texts their bytes */
    td_buf ends;        /* of texts: uint64_t each, where it ends in `values` */
    td_buf levels;      /* a byte for each row, 1, or 0 where it is null; none as long as no row is */
    size_t rows, count; /* count: of values */
} td_parquet_column;

typedef struct td_parquet_scratch { /* what a column needs as it ends, and the next one again */
    ZSTD_CCtx *deflater;
    td_buf page;
    td_buf slots, indices, distinct; /* of uint32_t: a dictionary in the making */
} td_parquet_scratch;

typedef struct td_parquet_chunk { /* what the footer says of it */
    td_parquet_encoding encoding;
    int64_t value_count, null_count; /* of which the first counts the others, too */
    int64_t dictionary_size;         /* of its page with header, which comes first; 0: there is none */
    int64_t plain_size, size;        /* of all pages with their headers, before and after zstd */
    bool bounded;                    /* the next two are known */
    uint8_t least[TD_PARQUET_BOUND_MAX], most[TD_PARQUET_BOUND_MAX];
    size_t least_size, most_size;
} td_parquet_chunk;

void td_parquet_column_init(td_parquet_column *out, const td_duck_column *as);
void td_parquet_column_fini(td_parquet_column *column);
void td_parquet_column_clear(td_parquet_column *column); /* forgets what was put */
void td_parquet_put_null(td_parquet_column *column);
void td_parquet_put_number(td_parquet_column *column, int64_t value); /* all but TEXT and DECIMAL */
void td_parquet_put_decimal(td_parquet_column *column, td_i128 value);
void td_parquet_put_text(td_parquet_column *column, td_bytes text); /* of UTF-8 */
/* Bytes that it holds. */
static inline size_t td_parquet_column_size(const td_parquet_column *c) {
    return c->values.size + c->ends.size + c->levels.size;
}
void td_parquet_scratch_init(td_parquet_scratch *out);
void td_parquet_scratch_fini(td_parquet_scratch *scratch);
/* Appends the pages of what was put, and forgets it. */
void td_parquet_column_end(td_parquet_column *column, td_parquet_scratch *scratch, td_buf *out,
                           td_parquet_chunk *out_chunk);
