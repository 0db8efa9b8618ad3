/* src/sink/archive_parquet.c - an archive's files as Parquet: all columns of a table but those that the folders name,
 * which readers of Parquet take from there. */
#include "sink/archive_file.h"
#include "sink/parquet_file.h"
#include <stdlib.h>

typedef struct parquet {
    const td_archive_form *form;
    td_duck_column columns[TD_ARCHIVE_COLUMNS_MAX]; /* those of the file */
    td_parquet *file;
} parquet;

static bool is_in_file(const td_archive_form *form, size_t column) { return column > 0 && column != form->instrument; }

static void *parquet_make(const td_archive_file_conf *conf) {
    parquet *p = td_alloc_zero(1, sizeof *p);
    size_t count = 0;
    p->form = conf->form;
    for (size_t i = 0; i < p->form->count; i++)
        if (is_in_file(p->form, i)) p->columns[count++] = p->form->columns[i];
    p->file = td_parquet_new(&(td_parquet_conf){.os = conf->os,
                                                .columns = p->columns,
                                                .count = count,
                                                .group_rows = conf->group_rows,
                                                .group_bytes = conf->group_bytes});
    return p;
}

static void parquet_free(void *file) {
    parquet *p = file;
    if (p == NULL) return;
    td_parquet_free(p->file);
    free(p);
}

static td_status parquet_begin(void *file, const char *path) { return td_parquet_begin(((parquet *)file)->file, path); }

static void set_cell(td_parquet *file, size_t at, const td_duck_column *column, const td_cell *cell) {
    if (cell->null)
        td_parquet_set_null(file, at);
    else if (column->type == TD_DUCK_TEXT)
        td_parquet_set_text(file, at, cell->text);
    else if (column->type == TD_DUCK_DECIMAL)
        td_parquet_set_decimal(file, at, cell->decimal);
    else
        td_parquet_set_number(file, at, cell->number);
}

static td_status parquet_put(void *file, const td_cell *cells) {
    const parquet *p = file;
    for (size_t i = 0, at = 0; i < p->form->count; i++)
        if (is_in_file(p->form, i)) set_cell(p->file, at++, &p->form->columns[i], &cells[i]);
    return td_parquet_next(p->file);
}

static td_status parquet_end(void *file) { return td_parquet_end(((parquet *)file)->file); }

const td_archive_file_ops td_archive_parquet = {.ending = ".parquet",
                                                .open_days = ".open.db",
                                                .make = parquet_make,
                                                .free = parquet_free,
                                                .begin = parquet_begin,
                                                .put = parquet_put,
                                                .end = parquet_end};
