/* src/feed/parquet.c - rows of Parquet as lines: some thousand of them at a time, by a query of their own, so that a
 * file that is open costs no more than these, however many are. */
#include "feed/parquet.h"
#include "feed/csv.h"
#include "feed/tables.h"
#include "os/duck.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 8192, COLUMNS_MAX = 64, DETAIL_MAX = 400 };

typedef struct parquet_file {
    td_duck *duck; /* the reader's */
    const td_texts *fields;
    td_buf from;  /* " FROM read_parquet(…)" */
    td_buf names; /* of its columns, those that are known, as a line */
    td_buf line;  /* in SQL, a row as a line */
    size_t columns;
    char *numbers[COLUMNS_MAX]; /* in SQL, a column's value as a whole number; NULL: it is none */
    td_buf rows;                /* lines that are read, each behind its size */
    size_t at;                  /* the first of them that is not given */
    uint64_t read, given;
    bool ended;
    td_buf least;
    char detail[DETAIL_MAX];
} parquet_file;

static const char *end_text(td_buf *text) {
    td_buf_put(text, "", 1);
    return (const char *)text->data;
}

/* ---- columns ---- */

static bool begins(td_bytes type, const char *word) {
    size_t size = strlen(word);
    return type.size >= size && memcmp(type.data, word, size) == 0;
}

static bool is_integer(td_bytes type) {
    static const char *const types[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (td_bytes_equal(type, td_text(types[i]))) return true;
    return false;
}

/* Its value as a whole number, in SQL: of a time the ns since 1970, null where it has none. False: it has no such. */
static bool put_number(td_buf *out, td_bytes name, td_bytes type) {
    td_buf quoted = {0};
    td_duck_quote_name(&quoted, name);
    const char *column = end_text(&quoted);
    bool time = begins(type, "TIMESTAMP"), day = td_bytes_equal(type, TD_TEXT("DATE")), whole = is_integer(type);
    if (time) td_buf_printf(out, "TRY(epoch_ns(%s))", column);
    if (day) td_buf_printf(out, "TRY(epoch_ns(%s::TIMESTAMP))", column);
    if (whole) td_buf_printf(out, "%s", column);
    td_buf_fini(&quoted);
    return time || day || whole;
}

/* Its value as a cell of a line, in SQL. What pandas has for a missing number is none. */
static void put_cell(td_buf *out, td_bytes name, td_bytes type, const char *number) {
    td_buf quoted = {0};
    td_duck_quote_name(&quoted, name);
    const char *column = end_text(&quoted);
    if (number != NULL)
        td_buf_printf(out, "coalesce((%s)::VARCHAR, %s::VARCHAR, '')", number, column);
    else if (td_bytes_equal(type, TD_TEXT("DOUBLE")) || td_bytes_equal(type, TD_TEXT("FLOAT")))
        td_buf_printf(out, "CASE WHEN isnan(%s) THEN '' ELSE coalesce(%s::VARCHAR, '') END", column, column);
    else if (begins(type, "DECIMAL"))
        td_buf_printf(out, "coalesce(%s::VARCHAR, '')", column);
    else
        td_buf_printf(out, "coalesce('\"' || replace(%s::VARCHAR, '\"', '\"\"') || '\"', '')", column);
    td_buf_fini(&quoted);
}

static td_status take_column(void *arg, const td_bytes *cells, size_t count) {
    parquet_file *f = arg;
    td_buf number = {0};
    (void)count;
    if (f->columns == COLUMNS_MAX || !td_csv_knows(f->fields, cells[0])) return TD_OK;
    if (put_number(&number, cells[0], cells[1])) f->numbers[f->columns] = td_copy_text(end_text(&number));
    if (f->columns > 0) td_buf_text(&f->names, ",");
    td_duck_quote_name(&f->names, cells[0]);
    if (f->columns > 0) td_buf_text(&f->line, " || ',' || ");
    put_cell(&f->line, cells[0], cells[1], f->numbers[f->columns]);
    f->columns++;
    td_buf_fini(&number);
    return TD_OK;
}

/* ---- a file ---- */

/* A name of DuckDB's may have wildcards, and stands for itself here. */
static void put_path(td_buf *out, const char *path) {
    td_buf plain = {0};
    for (; *path != '\0'; path++) td_buf_printf(&plain, strchr("*?[", *path) != NULL ? "[%c]" : "%c", *path);
    td_duck_quote(out, td_buf_bytes(&plain));
    td_buf_fini(&plain);
}

static td_status ask(const parquet_file *f, const char *what, const char *where, td_duck_row_fn each, void *arg) {
    td_buf sql = {0};
    td_buf_printf(&sql, "%s%s%s", what, (const char *)f->from.data, where);
    td_status status = td_duck_each(f->duck, end_text(&sql), "read Parquet", each, arg);
    td_buf_fini(&sql);
    return status;
}

static void parquet_close(void *file) {
    parquet_file *f = file;
    if (f == NULL) return;
    for (size_t i = 0; i < f->columns; i++) free(f->numbers[i]);
    td_buf_fini(&f->from);
    td_buf_fini(&f->names);
    td_buf_fini(&f->line);
    td_buf_fini(&f->rows);
    td_buf_fini(&f->least);
    free(f);
}

static td_status parquet_open(void **out, void *reader, const char *path, const td_texts *fields, td_bytes *out_names) {
    parquet_file *f = td_alloc_zero(1, sizeof *f);
    *f = (parquet_file){.duck = reader, .fields = fields};
    td_buf_text(&f->from, " FROM read_parquet(");
    put_path(&f->from, path);
    td_buf_text(&f->from, ", hive_partitioning = true, hive_types_autocast = false, binary_as_string = true,"
                          " file_row_number = true)");
    (void)end_text(&f->from);
    td_status status = ask(f, "SELECT column_name, column_type FROM (DESCRIBE", ")", take_column, f);
    if (status != TD_OK) {
        parquet_close(f);
        return TD_FAIL(TD_REJECT, "%.*s", (int)strcspn(td_trail(), "\n"), td_trail());
    }
    if (f->columns == 0) td_buf_text(&f->line, "''");
    (void)end_text(&f->line);
    *out_names = td_buf_bytes(&f->names);
    *out = f;
    return TD_OK;
}

static td_status take_least(void *arg, const td_bytes *cells, size_t count) {
    td_buf *least = arg;
    (void)count;
    least->size = 0;
    if (cells[0].size > 0) td_buf_put(least, cells[0].data, cells[0].size);
    return TD_OK;
}

static bool parquet_least(void *file, size_t column, td_bytes *out) {
    parquet_file *f = file;
    td_buf what = {0};
    if (column >= f->columns || f->numbers[column] == NULL) return false;
    td_buf_printf(&what, "SELECT min(%s)::VARCHAR", f->numbers[column]);
    td_status status = ask(f, end_text(&what), "", take_least, &f->least);
    td_buf_fini(&what);
    *out = td_buf_bytes(&f->least);
    return status == TD_OK && out->size > 0;
}

static td_status take_row(void *arg, const td_bytes *cells, size_t count) {
    parquet_file *f = arg;
    (void)count;
    uint32_t size = cells[0].size < UINT32_MAX ? (uint32_t)cells[0].size : UINT32_MAX;
    td_buf_put_u32(&f->rows, size);
    if (size > 0) td_buf_put(&f->rows, cells[0].data, size);
    f->read++;
    return TD_OK;
}

/* The next rows of it: all of them, or none where they end in damage. */
static td_status read_rows(parquet_file *f) {
    td_buf what = {0}, where = {0};
    uint64_t from = f->read;
    f->rows.size = f->at = 0;
    td_buf_printf(&what, "SELECT %s", (const char *)f->line.data);
    td_buf_printf(&where, " WHERE file_row_number BETWEEN %" PRIu64 " AND %" PRIu64, from, from + ROWS - 1);
    td_status status = ask(f, end_text(&what), end_text(&where), take_row, f);
    f->ended = status != TD_OK || f->read < from + ROWS;
    td_buf_fini(&what);
    td_buf_fini(&where);
    return status;
}

static void give_row(parquet_file *f, td_line *out) {
    uint32_t size;
    memcpy(&size, f->rows.data + f->at, sizeof size);
    bool fits = size <= TD_ARCHIVE_LINE_MAX;
    *out = (td_line){.kind = fits ? TD_LINE_TEXT : TD_LINE_TOO_LONG,
                     .number = ++f->given,
                     .bytes = {f->rows.data + f->at + sizeof size, fits ? size : TD_ARCHIVE_LINE_MAX},
                     .detail = fits ? NULL : "a row above 1 MB"};
    f->at += sizeof size + size;
}

static td_status parquet_next(void *file, td_line *out) {
    parquet_file *f = file;
    td_status status = f->at == f->rows.size && !f->ended ? read_rows(f) : TD_OK;
    if (f->at < f->rows.size) {
        give_row(f, out);
        return TD_OK;
    }
    *out = (td_line){.kind = TD_LINE_END, .number = f->given + 1};
    if (status == TD_OK) return TD_OK;
    (void)snprintf(f->detail, sizeof f->detail, "damaged from here on: %.*s", (int)strcspn(td_trail(), "\n"),
                   td_trail());
    *out = (td_line){.kind = TD_LINE_BROKEN, .number = ++f->given, .detail = f->detail};
    return TD_OK;
}

/* ---- all files of a feed ---- */

static td_status parquet_start(void **out_reader, const td_os *os) {
    td_duck *duck;
    (void)os; /* its library has files of its own */
    td_status status = td_duck_open(&duck, NULL);
    if (status == TD_OK) {
        *out_reader = duck;
        status = td_duck_run(duck, "SET threads = 1", "set up");
    }
    return td_trace(status, "reading Parquet");
}

static void parquet_stop(void *reader) { td_duck_close(reader); }

static td_status parquet_find(const td_os *os, const char *path, td_paths *out) {
    return td_tables_find(os, path, ".parquet", out);
}

const td_recording_files td_parquet_files = {.find = parquet_find,
                                             .start = parquet_start,
                                             .stop = parquet_stop,
                                             .open = parquet_open,
                                             .least = parquet_least,
                                             .next = parquet_next,
                                             .close = parquet_close};
