/* src/os/duck.c - databases of DuckDB. */
#include "os/duck.h"
#include "base/json.h"
#include "os/duck_library.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct td_duck {
    const td_duck_library *lib;
    duck_handle database, connection;
    int error; /* of what failed last */
};

struct td_duck_rows {
    td_duck *duck;
    const td_duck_column *columns;
    size_t count;
    duck_handle appender, chunk;
    void **data; /* of each column's vector */
    uint64_t **valid;
    duck_handle *vectors;
    td_i128 *bounds;         /* of each column, if it is a decimal: the first number that does not fit */
    uint64_t row, row_count; /* the one in hand is row_count - 1 */
    td_buf text;
};

/* ---- databases ---- */

static td_status decide(int type) {
    bool machine = type == TD_DUCK_ERROR_IO || type == TD_DUCK_ERROR_MEMORY || type == TD_DUCK_ERROR_FATAL ||
                   type == TD_DUCK_ERROR_TRANSACTION;
    return machine ? TD_RETRY : TD_CONFIG;
}

static const char prelude[] = "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;"
                              "SET TimeZone = 'UTC'; SET preserve_insertion_order = true";

td_status td_duck_open(td_duck **out, const char *file) {
    const td_duck_library *lib;
    td_status status = td_duck_library_find(&lib);
    if (status != TD_OK) return status;
    td_duck *duck = td_alloc_zero(1, sizeof *duck);
    duck->lib = lib;
    char *error = NULL;
    if (lib->open_ext(file, &duck->database, NULL, &error) != TD_DUCK_OK) {
        status = TD_FAIL(TD_RETRY, "duckdb: cannot open %s: %s", file != NULL ? file : "a database in memory",
                         error != NULL ? error : "no reason is given");
        lib->free(error);
    } else if (lib->connect(duck->database, &duck->connection) != TD_DUCK_OK) {
        status = TD_FAIL(TD_RETRY, "duckdb: no connection to %s", file != NULL ? file : "a database in memory");
    }
    if (status == TD_OK) status = td_duck_run(duck, prelude, "set up");
    if (status == TD_OK) {
        *out = duck;
        duck = NULL;
    }
    td_duck_close(duck);
    return status;
}

void td_duck_close(td_duck *duck) {
    if (duck == NULL) return;
    if (duck->connection != NULL) duck->lib->disconnect(&duck->connection);
    if (duck->database != NULL) duck->lib->close(&duck->database);
    free(duck);
}

static td_status query(td_duck *duck, const char *sql, const char *doing, duck_result *out) {
    if (duck->lib->query(duck->connection, sql, out) == TD_DUCK_OK) return TD_OK;
    duck->error = duck->lib->result_error_type(out);
    return TD_FAIL(decide(duck->error), "duckdb: cannot %s: %s", doing, duck->lib->result_error(out));
}

td_duck_trouble td_duck_trouble_of(const td_duck *duck) {
    switch (duck->error) {
    case TD_DUCK_ERROR_IO:
        return TD_DUCK_TROUBLE_IO;
    case TD_DUCK_ERROR_MEMORY:
        return TD_DUCK_TROUBLE_MEMORY;
    case TD_DUCK_ERROR_INTERNAL:
        return TD_DUCK_TROUBLE_INTERNAL;
    case TD_DUCK_ERROR_FATAL:
    case TD_DUCK_ERROR_TRANSACTION:
        return TD_DUCK_TROUBLE_FATAL;
    default:
        return TD_DUCK_TROUBLE_OTHER;
    }
}

td_status td_duck_run(td_duck *duck, const char *sql, const char *doing) {
    duck_result result;
    td_status status = query(duck, sql, doing, &result);
    duck->lib->destroy_result(&result);
    return status;
}

static void put_quoted(td_buf *out, td_bytes text, char mark) {
    td_buf_put(out, &mark, 1);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == (uint8_t)mark) td_buf_put(out, &mark, 1);
        td_buf_put(out, &text.data[i], 1);
    }
    td_buf_put(out, &mark, 1);
}

void td_duck_quote(td_buf *out, td_bytes text) { put_quoted(out, text, '\''); }
void td_duck_quote_name(td_buf *out, td_bytes name) { put_quoted(out, name, '"'); }

/* ---- reading ---- */

static bool is_valid(const uint64_t *valid, uint64_t row) {
    return valid == NULL || (valid[row / 64] >> (row % 64) & 1) != 0;
}

static td_bytes cell_of(const duck_string *text) {
    const char *data = text->size <= 12 ? text->begin : text->text;
    return (td_bytes){(const uint8_t *)data, text->size};
}

static td_status each_of_chunk(const td_duck_library *lib, duck_handle chunk, size_t columns, td_duck_row_fn each,
                               void *arg) {
    td_bytes cells[TD_DUCK_COLUMNS_MAX];
    const duck_string *data[TD_DUCK_COLUMNS_MAX];
    const uint64_t *valid[TD_DUCK_COLUMNS_MAX];
    for (size_t i = 0; i < columns; i++) {
        duck_handle vector = lib->data_chunk_get_vector(chunk, i);
        data[i] = lib->vector_get_data(vector);
        valid[i] = lib->vector_get_validity(vector);
    }
    td_status status = TD_OK;
    uint64_t rows = lib->data_chunk_get_size(chunk);
    for (uint64_t row = 0; row < rows && status == TD_OK; row++) {
        for (size_t i = 0; i < columns; i++)
            cells[i] = is_valid(valid[i], row) ? cell_of(&data[i][row]) : (td_bytes){0};
        status = each(arg, cells, columns);
    }
    return status;
}

td_status td_duck_each(td_duck *duck, const char *sql, const char *doing, td_duck_row_fn each, void *arg) {
    const td_duck_library *lib = duck->lib;
    duck_result result;
    td_status status = query(duck, sql, doing, &result);
    size_t columns = status == TD_OK ? (size_t)lib->column_count(&result) : 0;
    assert(columns <= TD_DUCK_COLUMNS_MAX);
    for (size_t i = 0; i < columns; i++) assert(lib->column_type(&result, i) == TD_DUCK_TYPE_VARCHAR);
    duck_handle chunk;
    while (status == TD_OK && (chunk = lib->fetch_chunk(result)) != NULL) {
        status = each_of_chunk(lib, chunk, columns, each, arg);
        lib->destroy_data_chunk(&chunk);
    }
    lib->destroy_result(&result);
    return status;
}

static bool is_number(int type) {
    return (type >= TD_DUCK_TYPE_BOOLEAN && type <= TD_DUCK_TYPE_DOUBLE) || type == TD_DUCK_TYPE_HUGEINT ||
           type == TD_DUCK_TYPE_UHUGEINT || type == TD_DUCK_TYPE_DECIMAL;
}

static td_status take_shape(td_duck *duck, duck_handle prepared, td_duck_shape *out) {
    const td_duck_library *lib = duck->lib;
    if (lib->prepared_statement_type(prepared) != TD_DUCK_STATEMENT_SELECT)
        return TD_FAIL(TD_CONFIG, "only what reads is run: a query that begins with select, from, with, describe, "
                                  "show or summarize");
    size_t count = (size_t)lib->prepared_statement_column_count(prepared);
    if (count > TD_DUCK_COLUMNS_MAX) return TD_FAIL(TD_CONFIG, "more than %d columns", TD_DUCK_COLUMNS_MAX);
    *out = (td_duck_shape){.count = count,
                           .names = td_alloc_zero(count + 1, sizeof *out->names),
                           .numbers = td_alloc_zero(count + 1, sizeof *out->numbers),
                           .exact = td_alloc_zero(count + 1, sizeof *out->exact)};
    for (size_t i = 0; i < count; i++) {
        const char *name = lib->prepared_statement_column_name(prepared, i);
        out->names[i] = td_copy_text(name != NULL ? name : "");
        int type = lib->prepared_statement_column_type(prepared, i);
        out->numbers[i] = is_number(type);
        out->exact[i] = type >= TD_DUCK_TYPE_HUGEINT;
        lib->free((void *)(uintptr_t)name);
    }
    return TD_OK;
}

bool td_duck_is_named(const char *sql, const char *name) {
    size_t size = strlen(name);
    for (const char *c = sql; *c != '\0'; c++)
        if (strncasecmp(c, name, size) == 0) return true;
    return false;
}

/* Functions that write files and are called by a query that reads. */
static td_status refuse_writers(const char *sql) {
    static const char *const writers[] = {"enable_logging", "enable_profiling"};
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++)
        if (td_duck_is_named(sql, writers[i]))
            return TD_FAIL(TD_CONFIG, "only what reads is run: %s writes files", writers[i]);
    return TD_OK;
}

td_status td_duck_ask_shape(td_duck *duck, const char *sql, td_duck_shape *out) {
    td_status status = refuse_writers(sql);
    if (status != TD_OK) return status;
    const td_duck_library *lib = duck->lib;
    duck_handle statements = NULL, prepared = NULL;
    uint64_t count = lib->extract_statements(duck->connection, sql, &statements);
    const char *said = count == 0 ? lib->extract_statements_error(statements) : NULL;
    if (count == 0)
        status = TD_FAIL(TD_CONFIG, "%s", said != NULL ? said : "there is no query");
    else if (count > 1)
        status = TD_FAIL(TD_CONFIG, "one query is expected, not %d", (int)count);
    else if (lib->prepare_extracted_statement(duck->connection, statements, 0, &prepared) != TD_DUCK_OK)
        status = TD_FAIL(TD_CONFIG, "%s", lib->prepare_error(prepared));
    if (status == TD_OK) status = take_shape(duck, prepared, out);
    if (prepared != NULL) lib->destroy_prepare(&prepared);
    lib->destroy_extracted(&statements);
    return status;
}

void td_duck_shape_free(td_duck_shape *shape) {
    for (size_t i = 0; i < shape->count; i++) free(shape->names[i]);
    free(shape->names);
    free(shape->numbers);
    free(shape->exact);
}

/* ---- appending ---- */

void td_duck_type_name(const td_duck_column *column, char out[TD_DUCK_TYPE_MAX]) {
    static const char *const names[] = {
        [TD_DUCK_TEXT] = "VARCHAR", [TD_DUCK_BIGINT] = "BIGINT",       [TD_DUCK_INT] = "INTEGER",
        [TD_DUCK_BOOL] = "BOOLEAN", [TD_DUCK_INSTANT] = "TIMESTAMPTZ", [TD_DUCK_DAY] = "DATE"};
    if (column->type == TD_DUCK_DECIMAL)
        (void)snprintf(out, TD_DUCK_TYPE_MAX, "DECIMAL(%d,%d)", column->precision, column->scale);
    else
        (void)snprintf(out, TD_DUCK_TYPE_MAX, "%s", names[column->type]);
}

static td_i128 bound_of(const td_duck_column *column) {
    td_i128 bound = 1;
    for (int i = 0; i < column->precision; i++) bound *= 10;
    return bound;
}

static duck_handle make_type(const td_duck_library *lib, const td_duck_column *column) {
    static const int types[] = {[TD_DUCK_TEXT] = TD_DUCK_TYPE_VARCHAR,         [TD_DUCK_BIGINT] = TD_DUCK_TYPE_BIGINT,
                                [TD_DUCK_INT] = TD_DUCK_TYPE_INTEGER,          [TD_DUCK_BOOL] = TD_DUCK_TYPE_BOOLEAN,
                                [TD_DUCK_INSTANT] = TD_DUCK_TYPE_TIMESTAMP_TZ, [TD_DUCK_DAY] = TD_DUCK_TYPE_DATE};
    if (column->type != TD_DUCK_DECIMAL) return lib->create_logical_type(types[column->type]);
    assert(column->precision > 18); /* so it lies there in 128 bits */
    return lib->create_decimal_type(column->precision, column->scale);
}

/* All cells of the chunk, empty. */
static void begin_chunk(td_duck_rows *rows) {
    const td_duck_library *lib = rows->duck->lib;
    lib->data_chunk_reset(rows->chunk);
    for (size_t i = 0; i < rows->count; i++) {
        duck_handle vector = lib->data_chunk_get_vector(rows->chunk, i);
        lib->vector_ensure_validity_writable(vector);
        rows->vectors[i] = vector;
        rows->data[i] = lib->vector_get_data(vector);
        rows->valid[i] = lib->vector_get_validity(vector);
    }
    rows->row_count = 0;
}

td_status td_duck_rows_open(td_duck_rows **out, td_duck *duck, const char *table, const td_duck_column *columns,
                            size_t count) {
    const td_duck_library *lib = duck->lib;
    td_duck_rows *rows = td_alloc_zero(1, sizeof *rows);
    *rows = (td_duck_rows){.duck = duck, .columns = columns, .count = count};
    if (lib->appender_create(duck->connection, NULL, table, &rows->appender) != TD_DUCK_OK) {
        td_status status = TD_FAIL(TD_CONFIG, "duckdb: cannot append to %s: %s", table,
                                   rows->appender != NULL ? lib->appender_error(rows->appender) : "no memory");
        td_duck_rows_close(rows);
        return status;
    }
    duck_handle *types = td_alloc_zero(count, sizeof(duck_handle));
    for (size_t i = 0; i < count; i++) types[i] = make_type(lib, &columns[i]);
    rows->chunk = lib->create_data_chunk(types, count);
    for (size_t i = 0; i < count; i++) lib->destroy_logical_type(&types[i]);
    free(types);
    rows->data = td_alloc_zero(count, sizeof *rows->data);
    rows->valid = td_alloc_zero(count, sizeof *rows->valid);
    rows->vectors = td_alloc_zero(count, sizeof *rows->vectors);
    rows->bounds = td_alloc_zero(count, sizeof *rows->bounds);
    for (size_t i = 0; i < count; i++) rows->bounds[i] = bound_of(&columns[i]);
    begin_chunk(rows);
    *out = rows;
    return TD_OK;
}

static td_status fail_append(const td_duck_rows *rows) {
    const char *said = rows->duck->lib->appender_error(rows->appender);
    return TD_FAIL(TD_RETRY, "duckdb: cannot append rows: %s", said != NULL ? said : "no reason is given");
}

static td_status append_chunk(td_duck_rows *rows) {
    const td_duck_library *lib = rows->duck->lib;
    if (rows->row_count == 0) return TD_OK;
    lib->data_chunk_set_size(rows->chunk, rows->row_count);
    if (lib->append_data_chunk(rows->appender, rows->chunk) != TD_DUCK_OK) return fail_append(rows);
    begin_chunk(rows);
    return TD_OK;
}

td_status td_duck_rows_next(td_duck_rows *rows) {
    td_status status = rows->row_count == rows->duck->lib->vector_size() ? append_chunk(rows) : TD_OK;
    if (status != TD_OK) return status;
    uint64_t row = rows->row = rows->row_count++;
    for (size_t i = 0; i < rows->count; i++) rows->valid[i][row / 64] &= ~(UINT64_C(1) << (row % 64));
    return TD_OK;
}

static void set_valid(td_duck_rows *rows, size_t column) {
    rows->valid[column][rows->row / 64] |= UINT64_C(1) << (rows->row % 64);
}

void td_duck_rows_set_number(td_duck_rows *rows, size_t column, int64_t value) {
    void *data = rows->data[column];
    switch (rows->columns[column].type) {
    case TD_DUCK_BOOL:
        ((uint8_t *)data)[rows->row] = value != 0;
        break;
    case TD_DUCK_INT:
    case TD_DUCK_DAY:
        ((int32_t *)data)[rows->row] = (int32_t)value;
        break;
    default:
        ((int64_t *)data)[rows->row] = value;
    }
    set_valid(rows, column);
}

void td_duck_rows_set_text(td_duck_rows *rows, size_t column, td_bytes text) {
    if (td_utf8_find_bad(text) < text.size) {
        rows->text.size = 0;
        td_buf_put_sound(&rows->text, text);
        text = td_buf_bytes(&rows->text);
    }
    const char *data = text.size > 0 ? (const char *)text.data : "";
    rows->duck->lib->vector_assign_string_element_len(rows->vectors[column], rows->row, data, text.size);
    set_valid(rows, column);
}

td_status td_duck_rows_set_decimal(td_duck_rows *rows, size_t column, td_i128 m) {
    const td_duck_column *c = &rows->columns[column];
    if (m >= rows->bounds[column] || m <= -rows->bounds[column])
        return TD_FAIL(TD_CONFIG, "duckdb: %s has more than the %d digits that its column has", c->name, c->precision);
    memcpy((uint8_t *)rows->data[column] + rows->row * sizeof m, &m, sizeof m);
    set_valid(rows, column);
    return TD_OK;
}

td_status td_duck_rows_flush(td_duck_rows *rows) {
    td_status status = append_chunk(rows);
    if (status != TD_OK) return status;
    return rows->duck->lib->appender_flush(rows->appender) == TD_DUCK_OK ? TD_OK : fail_append(rows);
}

void td_duck_rows_close(td_duck_rows *rows) {
    if (rows == NULL) return;
    const td_duck_library *lib = rows->duck->lib;
    if (rows->chunk != NULL) lib->destroy_data_chunk(&rows->chunk);
    if (rows->appender != NULL) (void)lib->appender_destroy(&rows->appender);
    td_buf_fini(&rows->text);
    free(rows->data);
    free(rows->valid);
    free(rows->vectors);
    free(rows->bounds);
    free(rows);
}
