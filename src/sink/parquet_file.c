/* src/sink/parquet_file.c - files of Parquet: the format's version 2, with two of its encodings (RLE_DICTIONARY and
 * DELTA_BINARY_PACKED), in data pages of version 1. Readers of version 1 alone know neither. */
#include "sink/parquet_file.h"
#include "sink/parquet_column.h"
#include "sink/thrift.h"
#include <stdlib.h>

enum { OPTIONAL = 1, ZSTD = 6, NONE = -1 };
static const char magic[] = "PAR1";

typedef struct group {
    int64_t rows, at; /* at: in the file */
} group;

struct td_parquet {
    td_parquet_conf conf;
    td_parquet_column *columns;
    td_parquet_scratch scratch;
    int file; /* NONE: none is open */
    int64_t size, rows, held_rows;
    td_buf pages;  /* of a column */
    td_buf groups; /* of group */
    td_buf chunks; /* of td_parquet_chunk: as many as there are columns for each group */
    td_buf footer;
};

td_parquet *td_parquet_new(const td_parquet_conf *conf) {
    td_parquet *f = td_alloc_zero(1, sizeof *f);
    *f = (td_parquet){.conf = *conf, .columns = td_alloc_zero(conf->count, sizeof *f->columns), .file = NONE};
    td_parquet_scratch_init(&f->scratch);
    for (size_t i = 0; i < conf->count; i++) td_parquet_column_init(&f->columns[i], &conf->columns[i]);
    return f;
}

static void close_file(td_parquet *f) {
    if (f->file != NONE) f->conf.os->ops->close(f->conf.os->self, f->file);
    f->file = NONE;
}

void td_parquet_free(td_parquet *f) {
    if (f == NULL) return;
    close_file(f);
    for (size_t i = 0; i < f->conf.count; i++) td_parquet_column_fini(&f->columns[i]);
    td_parquet_scratch_fini(&f->scratch);
    td_buf_fini(&f->pages);
    td_buf_fini(&f->groups);
    td_buf_fini(&f->chunks);
    td_buf_fini(&f->footer);
    free(f->columns);
    free(f);
}

/* ---- rows ---- */

static td_status append(td_parquet *f, td_bytes bytes) {
    td_status status = td_os_write_full(f->conf.os, f->file, bytes.data, bytes.size, f->size);
    f->size += (int64_t)bytes.size;
    return status;
}

static void forget_rows(td_parquet *f) {
    for (size_t i = 0; i < f->conf.count; i++) td_parquet_column_clear(&f->columns[i]);
    f->held_rows = 0;
}

td_status td_parquet_begin(td_parquet *f, const char *path) {
    const td_os *os = f->conf.os;
    close_file(f);
    forget_rows(f);
    f->size = f->rows = 0;
    f->groups.size = f->chunks.size = 0;
    td_status status = os->ops->open(os->self, path, TD_OPEN_CREATE, &f->file);
    if (status != TD_OK) f->file = NONE;
    if (status == TD_OK) status = os->ops->truncate(os->self, f->file, 0);
    return status == TD_OK ? append(f, td_text(magic)) : status;
}

void td_parquet_set_null(td_parquet *f, size_t column) { td_parquet_put_null(&f->columns[column]); }
void td_parquet_set_text(td_parquet *f, size_t column, td_bytes text) {
    td_parquet_put_text(&f->columns[column], text);
}
void td_parquet_set_decimal(td_parquet *f, size_t column, td_i128 m) { td_parquet_put_decimal(&f->columns[column], m); }
void td_parquet_set_number(td_parquet *f, size_t column, int64_t value) {
    td_parquet_put_number(&f->columns[column], value);
}

static td_status end_group(td_parquet *f) {
    td_status status = TD_OK;
    group g = {f->held_rows, f->size};
    if (g.rows == 0) return TD_OK;
    for (size_t i = 0; i < f->conf.count && status == TD_OK; i++) {
        td_parquet_chunk chunk;
        f->pages.size = 0;
        td_parquet_column_end(&f->columns[i], &f->scratch, &f->pages, &chunk);
        td_buf_put(&f->chunks, &chunk, sizeof chunk);
        status = append(f, td_buf_bytes(&f->pages));
    }
    td_buf_put(&f->groups, &g, sizeof g);
    f->rows += g.rows;
    f->held_rows = 0;
    return status; /* not TD_OK: of its chunks some may lack, and there is no footer */
}

static int64_t held_bytes(const td_parquet *f) {
    size_t size = 0;
    for (size_t i = 0; i < f->conf.count; i++) size += td_parquet_column_size(&f->columns[i]);
    return (int64_t)size;
}

td_status td_parquet_next(td_parquet *f) {
    enum { ASKED_EACH = 64 }; /* rows: what they hold is looked up that often */
    f->held_rows++;
    bool full =
        f->held_rows >= f->conf.group_rows || (f->held_rows % ASKED_EACH == 0 && held_bytes(f) >= f->conf.group_bytes);
    return full ? end_group(f) : TD_OK;
}

/* ---- the footer ---- */

static void put_type(td_thrift *t, const td_parquet_column *c) {
    enum { UTF8 = 0, DECIMAL = 5, DATE = 6, MICROS = 10 }; /* as readers know them that are older than the next field */
    enum { AS_TEXT = 1, AS_DECIMAL = 5, AS_DATE = 6, AS_INSTANT = 8, UNIT = 2, OF_MICROS = 2 };
    const td_duck_column *as = &c->as;
    if (as->type == TD_DUCK_TEXT) td_thrift_number(t, 6, TD_THRIFT_I32, UTF8);
    if (as->type == TD_DUCK_DAY) td_thrift_number(t, 6, TD_THRIFT_I32, DATE);
    if (as->type == TD_DUCK_INSTANT) td_thrift_number(t, 6, TD_THRIFT_I32, MICROS);
    if (as->type == TD_DUCK_DECIMAL) {
        td_thrift_number(t, 6, TD_THRIFT_I32, DECIMAL);
        td_thrift_number(t, 7, TD_THRIFT_I32, as->scale);
        td_thrift_number(t, 8, TD_THRIFT_I32, as->precision);
    }
    if (as->type == TD_DUCK_BIGINT || as->type == TD_DUCK_INT || as->type == TD_DUCK_BOOL) return;
    int outer = td_thrift_begin(t, 10);
    int kind = as->type == TD_DUCK_TEXT ? AS_TEXT : as->type == TD_DUCK_DECIMAL ? AS_DECIMAL : AS_INSTANT;
    int whole = td_thrift_begin(t, as->type == TD_DUCK_DAY ? AS_DATE : kind);
    if (as->type == TD_DUCK_DECIMAL) {
        td_thrift_number(t, 1, TD_THRIFT_I32, as->scale);
        td_thrift_number(t, 2, TD_THRIFT_I32, as->precision);
    } else if (as->type == TD_DUCK_INSTANT) {
        td_thrift_true(t, 1); /* of UTC */
        int unit = td_thrift_begin(t, UNIT);
        td_thrift_end(t, td_thrift_begin(t, OF_MICROS));
        td_thrift_end(t, unit);
    }
    td_thrift_end(t, whole);
    td_thrift_end(t, outer);
}

static void put_schema(td_thrift *t, const td_parquet *f) {
    td_thrift_list(t, 2, TD_THRIFT_STRUCT, f->conf.count + 1);
    int outer = td_thrift_begin(t, 0);
    td_thrift_binary(t, 4, TD_TEXT("schema"));
    td_thrift_number(t, 5, TD_THRIFT_I32, (int64_t)f->conf.count);
    td_thrift_end(t, outer);
    for (size_t i = 0; i < f->conf.count; i++) {
        const td_parquet_column *c = &f->columns[i];
        outer = td_thrift_begin(t, 0);
        td_thrift_number(t, 1, TD_THRIFT_I32, c->type);
        if (c->type == TD_PARQUET_FIXED) td_thrift_number(t, 2, TD_THRIFT_I32, (int64_t)c->width);
        td_thrift_number(t, 3, TD_THRIFT_I32, OPTIONAL);
        td_thrift_binary(t, 4, td_text(c->as.name));
        put_type(t, c);
        td_thrift_end(t, outer);
    }
}

static void put_statistics(td_thrift *t, const td_parquet_chunk *chunk) {
    int outer = td_thrift_begin(t, 12);
    td_thrift_number(t, 3, TD_THRIFT_I64, chunk->null_count);
    if (chunk->bounded) {
        td_thrift_binary(t, 5, (td_bytes){chunk->most, chunk->most_size});
        td_thrift_binary(t, 6, (td_bytes){chunk->least, chunk->least_size});
    }
    td_thrift_end(t, outer);
}

static void put_encodings(td_thrift *t, const td_parquet_chunk *chunk) {
    bool dictionary = chunk->dictionary_size > 0;
    td_thrift_list(t, 2, TD_THRIFT_I32, dictionary ? 3 : 2);
    td_thrift_put_zigzag(t->out, TD_PARQUET_RLE); /* of levels */
    if (dictionary) td_thrift_put_zigzag(t->out, TD_PARQUET_PLAIN);
    td_thrift_put_zigzag(t->out, chunk->encoding);
}

static void put_chunk(td_thrift *t, const td_parquet_column *c, const td_parquet_chunk *chunk, int64_t at) {
    int item = td_thrift_begin(t, 0);
    td_thrift_number(t, 2, TD_THRIFT_I64, at);
    int outer = td_thrift_begin(t, 3);
    td_thrift_number(t, 1, TD_THRIFT_I32, c->type);
    put_encodings(t, chunk);
    td_thrift_list(t, 3, TD_THRIFT_BINARY, 1);
    td_thrift_put_varint(t->out, strlen(c->as.name));
    td_buf_text(t->out, c->as.name);
    td_thrift_number(t, 4, TD_THRIFT_I32, ZSTD);
    td_thrift_number(t, 5, TD_THRIFT_I64, chunk->value_count);
    td_thrift_number(t, 6, TD_THRIFT_I64, chunk->plain_size);
    td_thrift_number(t, 7, TD_THRIFT_I64, chunk->size);
    td_thrift_number(t, 9, TD_THRIFT_I64, at + chunk->dictionary_size);
    if (chunk->dictionary_size > 0) td_thrift_number(t, 11, TD_THRIFT_I64, at);
    put_statistics(t, chunk);
    td_thrift_end(t, outer);
    td_thrift_end(t, item);
}

static void put_group(td_thrift *t, const td_parquet *f, const group *g, const td_parquet_chunk *chunks) {
    int64_t plain = 0, at = g->at;
    int outer = td_thrift_begin(t, 0);
    td_thrift_list(t, 1, TD_THRIFT_STRUCT, f->conf.count);
    for (size_t i = 0; i < f->conf.count; i++) {
        put_chunk(t, &f->columns[i], &chunks[i], at);
        at += chunks[i].size;
        plain += chunks[i].plain_size;
    }
    td_thrift_number(t, 2, TD_THRIFT_I64, plain);
    td_thrift_number(t, 3, TD_THRIFT_I64, g->rows);
    td_thrift_number(t, 5, TD_THRIFT_I64, g->at);
    td_thrift_number(t, 6, TD_THRIFT_I64, at - g->at);
    td_thrift_end(t, outer);
}

static void put_footer(td_parquet *f) {
    td_thrift t = {.out = &f->footer};
    const group *groups = (const group *)(const void *)f->groups.data;
    const td_parquet_chunk *chunks = (const td_parquet_chunk *)(const void *)f->chunks.data;
    size_t count = f->groups.size / sizeof *groups;
    f->footer.size = 0;
    td_thrift_number(&t, 1, TD_THRIFT_I32, 2);
    put_schema(&t, f);
    td_thrift_number(&t, 3, TD_THRIFT_I64, f->rows);
    td_thrift_list(&t, 4, TD_THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++) put_group(&t, f, &groups[i], &chunks[i * f->conf.count]);
    td_thrift_binary(&t, 6, TD_TEXT("tapedeck version " TD_VERSION " (build 0)"));
    td_thrift_list(&t, 7, TD_THRIFT_STRUCT, f->conf.count);
    for (size_t i = 0; i < f->conf.count; i++) { /* bounds are in the order of the columns' own types */
        int outer = td_thrift_begin(&t, 0);
        td_thrift_end(&t, td_thrift_begin(&t, 1));
        td_thrift_end(&t, outer);
    }
    td_thrift_stop(&t);
    td_buf_put_u32(&f->footer, (uint32_t)f->footer.size);
    td_buf_text(&f->footer, magic);
}

td_status td_parquet_end(td_parquet *f) {
    td_status status = end_group(f);
    if (status == TD_OK) {
        put_footer(f);
        status = append(f, td_buf_bytes(&f->footer));
    }
    close_file(f);
    return status;
}
