/* src/sink/archive_avro.c - an archive's files as Avro container files: a record of the table's own columns with the
 * instrument, since such files travel without their folders, but without the day, which its times say. What may be null
 * is a union with it, decimals and instants have their logical types, an instant of ns is a long. */
#include "schema/avro.h"
#include "schema/avro_file.h"
#include "sink/archive_file.h"
#include <assert.h>
#include <stdlib.h>

enum { NONE = -1, DAY = 0 /* the first column of every form */ };

typedef struct avro {
    const td_os *os;
    const td_archive_form *form;
    td_buf schema, record;
    bool optional[TD_ARCHIVE_COLUMNS_MAX];
    td_avro_writer *writer;
    int file; /* NONE: none is open */
    int64_t size;
} avro;

/* ---- schema ---- */

/* Of each of the form's columns: whether it may be null. An instant's second column is as its first. */
static void find_optional(const td_archive_form *form, bool out[TD_ARCHIVE_COLUMNS_MAX]) {
    size_t at = DAY;
    out[at++] = false;
    for (size_t i = 0; i < form->table->column_count; i++) {
        const td_column *column = &form->table->columns[i];
        out[at++] = column->optional;
        if (column->instant != NULL) out[at++] = column->optional;
    }
    assert(at == form->count);
}

static void put_type(td_buf *out, const td_duck_column *column) {
    static const char *const types[] = {[TD_DUCK_TEXT] = "\"string\"",
                                        [TD_DUCK_BIGINT] = "\"long\"",
                                        [TD_DUCK_INT] = "\"int\"",
                                        [TD_DUCK_BOOL] = "\"boolean\"",
                                        [TD_DUCK_INSTANT] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
                                        [TD_DUCK_DAY] = "{\"type\":\"int\",\"logicalType\":\"date\"}"};
    if (column->type == TD_DUCK_DECIMAL)
        td_buf_printf(out, "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}",
                      column->precision, column->scale);
    else
        td_buf_text(out, types[column->type]);
}

static void put_schema(td_buf *out, const td_archive_form *form) {
    bool optional[TD_ARCHIVE_COLUMNS_MAX];
    find_optional(form, optional);
    td_buf_printf(out, "{\"type\":\"record\",\"name\":\"%s\",\"namespace\":\"tapedeck\",\"fields\":[",
                  form->table->name);
    for (size_t i = DAY + 1; i < form->count; i++) {
        td_buf_printf(out, "%s{\"name\":\"%s\",\"type\":%s", i > DAY + 1 ? "," : "", form->columns[i].name,
                      optional[i] ? "[\"null\"," : "");
        put_type(out, &form->columns[i]);
        td_buf_text(out, optional[i] ? "],\"default\":null}" : "}");
    }
    td_buf_text(out, "]}");
}

/* ---- life ---- */

static void *avro_make(const td_archive_file_conf *conf) {
    static const td_avro_codec codecs[] = {TD_AVRO_CODEC_ZSTANDARD, TD_AVRO_CODEC_DEFLATE, TD_AVRO_CODEC_NULL};
    avro *a = td_alloc_zero(1, sizeof *a);
    *a = (avro){.os = conf->os, .form = conf->form, .file = NONE};
    find_optional(a->form, a->optional);
    put_schema(&a->schema, a->form);
    a->writer = td_avro_writer_new(td_buf_bytes(&a->schema), codecs[conf->codec], (size_t)conf->block_bytes);
    return a;
}

static void close_file(avro *a) {
    if (a->file != NONE) a->os->ops->close(a->os->self, a->file);
    a->file = NONE;
}

static void avro_free(void *file) {
    avro *a = file;
    if (a == NULL) return;
    close_file(a);
    td_avro_writer_free(a->writer);
    td_buf_fini(&a->schema);
    td_buf_fini(&a->record);
    free(a);
}

/* ---- rows ---- */

static td_status avro_begin(void *file, const char *path) {
    avro *a = file;
    const td_os *os = a->os;
    close_file(a);
    td_avro_writer_begin(a->writer);
    a->size = 0;
    td_status status = os->ops->open(os->self, path, TD_OPEN_CREATE, &a->file);
    if (status != TD_OK) a->file = NONE;
    return status == TD_OK ? os->ops->truncate(os->self, a->file, 0) : status;
}

static uint8_t *put_value(uint8_t *at, const td_duck_column *column, const td_cell *cell) {
    switch (column->type) {
    case TD_DUCK_TEXT:
        return td_avro_put_bytes(at, cell->text);
    case TD_DUCK_DECIMAL:
        return td_avro_put_decimal(at, cell->decimal);
    case TD_DUCK_BOOL:
        *at = cell->number != 0;
        return at + 1;
    case TD_DUCK_BIGINT:
    case TD_DUCK_INT:
    case TD_DUCK_INSTANT:
    case TD_DUCK_DAY:
        break;
    }
    return td_avro_put_long(at, cell->number);
}

static void put_cell(avro *a, size_t i, const td_cell *cell) {
    enum { UNION_MAX = 1, VALUE_MAX = TD_AVRO_DECIMAL_MAX }; /* which is more than a long or the size of a text needs */
    const td_duck_column *column = &a->form->columns[i];
    td_buf_reserve(&a->record,
                   UNION_MAX + VALUE_MAX + (column->type == TD_DUCK_TEXT && !cell->null ? cell->text.size : 0));
    uint8_t *at = a->record.data + a->record.size;
    if (a->optional[i]) at = td_avro_put_long(at, cell->null ? 0 : 1);
    if (!cell->null) at = put_value(at, column, cell);
    a->record.size = (size_t)(at - a->record.data);
}

static td_status write_out(avro *a) {
    td_buf *out = td_avro_writer_out(a->writer);
    td_status status = td_os_write_full(a->os, a->file, out->data, out->size, a->size);
    a->size += (int64_t)out->size;
    out->size = 0;
    return status;
}

static td_status avro_put(void *file, const td_cell *cells) {
    avro *a = file;
    const td_archive_form *form = a->form;
    a->record.size = 0;
    for (size_t i = DAY + 1; i < form->count; i++) {
        if (cells[i].null && !a->optional[i])
            return TD_FAIL(TD_CONFIG, "a row of %s has no %s", form->table->name, form->columns[i].name);
        put_cell(a, i, &cells[i]);
    }
    td_status status = td_avro_writer_put(a->writer, td_buf_bytes(&a->record));
    return status == TD_OK && td_avro_writer_out(a->writer)->size > 0 ? write_out(a) : status;
}

static td_status avro_end(void *file) {
    avro *a = file;
    td_status status = td_avro_writer_end(a->writer);
    if (status == TD_OK) status = write_out(a);
    close_file(a);
    return status;
}

const td_archive_file_ops td_archive_avro = {.ending = ".avro",
                                             .open_days = ".open.avro.db",
                                             .make = avro_make,
                                             .free = avro_free,
                                             .begin = avro_begin,
                                             .put = avro_put,
                                             .end = avro_end};
