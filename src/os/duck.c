/* src/os/duck.c - databases of DuckDB. */
#include "os/duck.h"
#include "base/json.h"
#include "os/duck_library.h"
#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

typedef struct failure { /* of a table of ours */
    td_status status;
    char *said;
} failure;

struct td_duck {
    const td_duck_library *lib;
    duck_handle database, connection;
    int error;                 /* of what failed last */
    _Atomic(failure *) failed; /* in the query in hand, first; NULL: none. By threads of DuckDB's */
};

/* ---- databases ---- */

static td_status decide(int type) {
    bool machine = type == TD_DUCK_ERROR_IO || type == TD_DUCK_ERROR_MEMORY || type == TD_DUCK_ERROR_FATAL ||
                   type == TD_DUCK_ERROR_TRANSACTION;
    return machine ? TD_RETRY : TD_CONFIG;
}

static const char prelude[] = "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;"
                              "SET TimeZone = 'UTC'; SET preserve_insertion_order = true";

static void free_failure(failure *f) {
    if (f != NULL) free(f->said);
    free(f);
}

static void forget_failure(td_duck *duck) { free_failure(atomic_exchange(&duck->failed, NULL)); }

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
    forget_failure(duck);
    free(duck);
}

static td_status fail_query(td_duck *duck, const char *doing, duck_result *result) {
    duck->error = duck->lib->result_error_type(result);
    const failure *ours = atomic_load(&duck->failed);
    if (ours != NULL) return TD_FAIL(ours->status, "%s", ours->said);
    return TD_FAIL(decide(duck->error), "duckdb: cannot %s: %s", doing, duck->lib->result_error(result));
}

static td_status query(td_duck *duck, const char *sql, const char *doing, duck_result *out) {
    forget_failure(duck);
    return duck->lib->query(duck->connection, sql, out) == TD_DUCK_OK ? TD_OK : fail_query(duck, doing, out);
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

static td_status each_of_result(td_duck *duck, duck_result *result, const char *doing, td_duck_row_fn each, void *arg) {
    const td_duck_library *lib = duck->lib;
    size_t columns = (size_t)lib->column_count(result);
    assert(columns <= TD_DUCK_COLUMNS_MAX);
    for (size_t i = 0; i < columns; i++) assert(lib->column_type(result, i) == TD_DUCK_TYPE_VARCHAR);
    duck_handle chunk;
    td_status status = TD_OK;
    while (status == TD_OK && (chunk = lib->fetch_chunk(*result)) != NULL) {
        status = each_of_chunk(lib, chunk, columns, each, arg);
        lib->destroy_data_chunk(&chunk);
    }
    bool failed = status == TD_OK && lib->result_error(result) != NULL;
    return failed ? fail_query(duck, doing, result) : status;
}

td_status td_duck_each(td_duck *duck, const char *sql, const char *doing, td_duck_row_fn each, void *arg) {
    duck_result result;
    td_status status = query(duck, sql, doing, &result);
    if (status == TD_OK) status = each_of_result(duck, &result, doing, each, arg);
    duck->lib->destroy_result(&result);
    return status;
}

static td_status stream_prepared(td_duck *duck, duck_handle prepared, const char *doing, td_duck_row_fn each,
                                 void *arg) {
    duck_result result;
    bool begun = duck->lib->execute_prepared_streaming(prepared, &result) == TD_DUCK_OK;
    td_status status = begun ? each_of_result(duck, &result, doing, each, arg) : fail_query(duck, doing, &result);
    duck->lib->destroy_result(&result);
    return status;
}

td_status td_duck_stream(td_duck *duck, const char *sql, const char *doing, td_duck_row_fn each, void *arg) {
    duck_handle prepared = NULL;
    forget_failure(duck);
    td_status status = duck->lib->prepare(duck->connection, sql, &prepared) == TD_DUCK_OK
                           ? stream_prepared(duck, prepared, doing, each, arg)
                           : TD_FAIL(TD_CONFIG, "duckdb: cannot %s: %s", doing, duck->lib->prepare_error(prepared));
    duck->lib->destroy_prepare(&prepared);
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

/* ---- tables of ours ---- */

typedef struct target { /* where a column's cells go */
    duck_handle vector; /* NULL: the query does not ask for it */
    void *data;
    uint64_t *valid;
    td_i128 bound; /* of a decimal: the first number that does not fit */
} target;

struct td_duck_rows {
    const td_duck_library *lib;
    const td_duck_column *columns;
    size_t count;
    target *targets;
    uint64_t row, row_count, room; /* the one in hand is row_count - 1 */
    td_buf text;
};

typedef struct offer { /* a table that was added */
    td_duck *duck;
    td_duck_table table;
} offer;

typedef struct scan {
    const offer *of;
    void *self; /* NULL: it has not begun */
    td_duck_rows rows;
    uint64_t *asked; /* the columns that the query wants, in its order; of ours, or none where it counts rows */
    uint64_t asked_count;
} scan;

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

static void free_offer(void *offer_any) {
    offer *o = offer_any;
    o->table.drop(o->table.self);
    free(o);
}

/* The one that failed first is told. */
static void note_failure(td_duck *duck, td_status status) {
    failure *f = td_alloc_zero(1, sizeof *f), *none = NULL;
    *f = (failure){status, td_copy_text(td_trail())};
    if (!atomic_compare_exchange_strong(&duck->failed, &none, f)) free_failure(f);
}

static const td_duck_library *library(void) {
    const td_duck_library *lib;
    (void)!td_duck_library_find(&lib); /* it is here: it calls us */
    return lib;
}

static void bind_table(duck_handle info) {
    const td_duck_library *lib = library();
    const offer *o = lib->bind_get_extra_info(info);
    for (size_t i = 0; i < o->table.count; i++) {
        duck_handle type = make_type(lib, &o->table.columns[i]);
        lib->bind_add_result_column(info, o->table.columns[i].name, type);
        lib->destroy_logical_type(&type);
    }
    lib->bind_set_cardinality(info, (uint64_t)o->table.rows, false);
}

static void free_scan(void *scan_any) {
    scan *s = scan_any;
    if (s->self != NULL) s->of->table.end(s->self);
    td_buf_fini(&s->rows.text);
    free(s->rows.targets);
    free(s->asked);
    free(s);
}

static void begin_scan(duck_handle info) {
    const td_duck_library *lib = library();
    const offer *o = lib->init_get_extra_info(info);
    const td_duck_table *table = &o->table;
    scan *s = td_alloc_zero(1, sizeof *s);
    *s = (scan){.of = o, .asked_count = lib->init_get_column_count(info)};
    s->rows = (td_duck_rows){.lib = lib, .columns = table->columns, .count = table->count, .room = lib->vector_size()};
    s->rows.targets = td_alloc_zero(table->count, sizeof *s->rows.targets);
    s->asked = td_alloc_zero(s->asked_count + 1, sizeof *s->asked);
    for (size_t i = 0; i < table->count; i++) s->rows.targets[i].bound = bound_of(&table->columns[i]);
    for (uint64_t i = 0; i < s->asked_count; i++) s->asked[i] = lib->init_get_column_index(info, i);
    lib->init_set_init_data(info, s, free_scan);
    td_status status = table->begin(table->self, &s->self);
    if (status == TD_OK) return;
    note_failure(o->duck, status);
    lib->init_set_error(info, td_trail());
}

/* All cells of the chunk, empty. */
static void begin_chunk(scan *s, duck_handle chunk) {
    const td_duck_library *lib = s->rows.lib;
    for (uint64_t i = 0; i < s->asked_count; i++) {
        if (s->asked[i] >= s->rows.count) continue;
        target *t = &s->rows.targets[s->asked[i]];
        t->vector = lib->data_chunk_get_vector(chunk, i);
        lib->vector_ensure_validity_writable(t->vector);
        t->data = lib->vector_get_data(t->vector);
        t->valid = lib->vector_get_validity(t->vector);
        memset(t->valid, 0, (s->rows.room + 63) / 64 * sizeof *t->valid);
    }
    s->rows.row_count = 0;
}

static void fill_chunk(duck_handle info, duck_handle chunk) {
    const td_duck_library *lib = library();
    scan *s = lib->function_get_init_data(info);
    begin_chunk(s, chunk);
    td_status status = s->of->table.fill(s->self, &s->rows);
    lib->data_chunk_set_size(chunk, status == TD_OK ? s->rows.row_count : 0);
    if (status == TD_OK) return;
    note_failure(s->of->duck, status);
    lib->function_set_error(info, td_trail());
}

td_status td_duck_add_table(td_duck *duck, const td_duck_table *table) {
    const td_duck_library *lib = duck->lib;
    offer *o = td_alloc_zero(1, sizeof *o);
    *o = (offer){duck, *table};
    duck_handle function = lib->create_table_function();
    lib->table_function_set_name(function, table->name);
    lib->table_function_set_extra_info(function, o, free_offer);
    lib->table_function_set_bind(function, bind_table);
    lib->table_function_set_init(function, begin_scan);
    lib->table_function_set_function(function, fill_chunk);
    lib->table_function_supports_projection_pushdown(function, true);
    int added = lib->register_table_function(duck->connection, function);
    lib->destroy_table_function(&function); /* and with the last one that knows it goes the offer */
    return added == TD_DUCK_OK ? TD_OK : TD_FAIL(TD_CONFIG, "duckdb: cannot add the table %s", table->name);
}

bool td_duck_rows_full(const td_duck_rows *rows) { return rows->row_count == rows->room; }

void td_duck_rows_next(td_duck_rows *rows) {
    assert(!td_duck_rows_full(rows));
    rows->row = rows->row_count++;
}

static void set_valid(target *t, uint64_t row) { t->valid[row / 64] |= UINT64_C(1) << (row % 64); }

void td_duck_rows_set_number(td_duck_rows *rows, size_t column, int64_t value) {
    target *t = &rows->targets[column];
    if (t->vector == NULL) return;
    switch (rows->columns[column].type) {
    case TD_DUCK_BOOL:
        ((uint8_t *)t->data)[rows->row] = value != 0;
        break;
    case TD_DUCK_INT:
    case TD_DUCK_DAY:
        ((int32_t *)t->data)[rows->row] = (int32_t)value;
        break;
    default:
        ((int64_t *)t->data)[rows->row] = value;
    }
    set_valid(t, rows->row);
}

void td_duck_rows_set_text(td_duck_rows *rows, size_t column, td_bytes text) {
    target *t = &rows->targets[column];
    if (t->vector == NULL) return;
    if (td_utf8_find_bad(text) < text.size) {
        rows->text.size = 0;
        td_buf_put_sound(&rows->text, text);
        text = td_buf_bytes(&rows->text);
    }
    const char *data = text.size > 0 ? (const char *)text.data : "";
    rows->lib->vector_assign_string_element_len(t->vector, rows->row, data, text.size);
    set_valid(t, rows->row);
}

td_status td_duck_rows_set_decimal(td_duck_rows *rows, size_t column, td_i128 m) {
    const td_duck_column *c = &rows->columns[column];
    target *t = &rows->targets[column];
    if (m >= t->bound || m <= -t->bound)
        return TD_FAIL(TD_CONFIG, "duckdb: %s has more than the %d digits that its column has", c->name, c->precision);
    if (t->vector == NULL) return TD_OK;
    memcpy((uint8_t *)t->data + rows->row * sizeof m, &m, sizeof m);
    set_valid(t, rows->row);
    return TD_OK;
}
