/* bench/store_bench.c - a log's rows into a store: by the sink, as `deliver` gives them to it, positions and all; or
 * into the same table of an SQLite file by the loop that one would write, with what it binds at hand: a prepared
 * INSERT, a transaction for as many rows as `deliver` has in one.
 *
 * usage: store_bench deliver|insert CONFIG SINK OUTPUT     the store must be new; one line of JSON */
#include "flow/deliver.h"
#include "rows.h"
#include <sqlite3.h>
#include <unistd.h>

static void require(td_status status, const char *what) { bench_require("store_bench", status, what); }

/* ---- ours ---- */

/* Until all is in the store; what a sink writes as it ends is within the time. */
static void deliver(const td_config_sink *sink, const char *config, const char *output) {
    td_data data = {0};
    td_deliver *deliver;
    char *path = td_copy_text(config);
    require(td_data_open_to_write(&data, &(td_data_conf){.config = path}), config);
    require(td_topics_publish_again(&data.topics), output);
    const td_deliver_conf conf = {
        .os = &td_os_posix, .topics = &data.topics, .ops = sink->ops, .sink_conf = &sink->conf, .dir = data.where.dir};
    require(td_deliver_open(&deliver, &conf), "open the sink");
    int64_t began_ns = bench_now_ns();
    while (!td_deliver_level(deliver))
        if (td_deliver_step(deliver) == 0) (void)usleep(100);
    int64_t rows = td_counted(&td_deliver_counters(deliver)->rows);
    if (td_counted(&td_deliver_counters(deliver)->retries) > 0) bench_die("store_bench", output, "was tried again");
    require(td_deliver_finish(deliver), "end the sink");
    td_deliver_close(deliver);
    bench_tell_rows(rows, bench_now_ns() - began_ns);
    td_data_close(&data);
    free(path);
}

/* ---- by hand ---- */

typedef struct value {
    int kind; /* SQLite's */
    union {
        int64_t number;
        size_t at; /* a text's place */
    };
    size_t size;
} value;

typedef struct loaded {
    td_table_id table;
    td_buf values, texts;
} loaded;

static size_t keep(td_buf *texts, const void *data, size_t size) {
    if (size > 0) td_buf_put(texts, data, size);
    return texts->size - size;
}

static value value_of(loaded *l, const td_column *column, const td_cell *cell) {
    char text[TD_DECIMAL_TEXT_MAX];
    if (cell->null) return (value){.kind = SQLITE_NULL};
    if (column->type == TD_COLUMN_TEXT)
        return (value){
            .kind = SQLITE_TEXT, .at = keep(&l->texts, cell->text.data, cell->text.size), .size = cell->text.size};
    if (column->type != TD_COLUMN_DECIMAL) return (value){.kind = SQLITE_INTEGER, .number = cell->number};
    size_t size = td_decimal_format(cell->decimal, cell->scale, cell->keep_zeros, text);
    return (value){.kind = SQLITE_TEXT, .at = keep(&l->texts, text, size), .size = size};
}

static void load(void *arg, uint32_t partition, const td_sink_row *row) {
    loaded *l = arg;
    td_cells cells;
    l->table = td_table_of(row);
    td_table_cells(l->table, row, partition, &cells);
    for (size_t i = 0; i < cells.count; i++) {
        value v = value_of(l, &td_tables[l->table].columns[i], &cells.items[i]);
        td_buf_put(&l->values, &v, sizeof v);
    }
}

static void bind(const loaded *l, sqlite3_stmt *stmt, const value *values, int count) {
    for (int i = 0; i < count; i++) {
        const value *v = &values[i];
        if (v->kind == SQLITE_NULL)
            (void)sqlite3_bind_null(stmt, i + 1);
        else if (v->kind == SQLITE_INTEGER)
            (void)sqlite3_bind_int64(stmt, i + 1, v->number);
        else
            (void)sqlite3_bind_text64(stmt, i + 1, (const char *)l->texts.data + v->at, v->size, SQLITE_STATIC,
                                      SQLITE_UTF8);
    }
}

static void must(sqlite3 *db, int code, const char *what) {
    if (code != SQLITE_OK && code != SQLITE_DONE) bench_die("store_bench", what, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, const td_table *table) {
    td_buf sql = {0};
    sqlite3_stmt *stmt;
    td_buf_printf(&sql, "INSERT INTO %s(", table->name);
    td_table_put_columns(table, false, &sql);
    td_buf_text(&sql, ") VALUES (?");
    for (size_t i = 1; i < table->column_count; i++) td_buf_text(&sql, ", ?");
    td_buf_put(&sql, ")", 2);
    must(db, sqlite3_prepare_v2(db, (const char *)sql.data, -1, &stmt, NULL), "prepare");
    td_buf_fini(&sql);
    return stmt;
}

static void insert_all(sqlite3 *db, const loaded *l, int64_t rows) {
    const td_table *table = &td_tables[l->table];
    const value *values = (const value *)(const void *)l->values.data;
    sqlite3_stmt *stmt = prepare(db, table);
    for (int64_t i = 0; i < rows; i++) {
        if (i % BENCH_BATCH_ROWS == 0) must(db, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), "begin");
        bind(l, stmt, &values[(size_t)i * table->column_count], (int)table->column_count);
        must(db, sqlite3_step(stmt), "insert");
        (void)sqlite3_reset(stmt);
        if ((i + 1) % BENCH_BATCH_ROWS == 0 || i + 1 == rows)
            must(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), "commit");
    }
    (void)sqlite3_finalize(stmt);
}

/* Into the tables that the sink makes, with its settings. */
static void insert(const td_config_sink *sink, const char *config, const char *output) {
    loaded l = {0};
    void *made;
    sqlite3 *db;
    int64_t rows = bench_each_row(config, output, load, &l);
    require(sink->ops->open(&made, &td_os_posix, &sink->conf), "make the tables");
    sink->ops->close(made);
    int64_t began_ns = bench_now_ns();
    must(NULL, sqlite3_open(sink->conf.file, &db), sink->conf.file);
    must(db,
         sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 8192",
                      NULL, NULL, NULL),
         "set up");
    insert_all(db, &l, rows);
    (void)sqlite3_close(db);
    bench_tell_rows(rows, bench_now_ns() - began_ns);
    td_buf_fini(&l.values);
    td_buf_fini(&l.texts);
}

int main(int argc, char **argv) {
    if (argc != 5) bench_die("store_bench", "usage", "store_bench deliver|insert CONFIG SINK OUTPUT");
    td_config config;
    require(td_config_load(&config, &td_os_posix, argv[2], NULL, 0), argv[2]);
    const td_config_sink *sink = bench_sink_named(&config, argv[3]);
    if (strcmp(argv[1], "deliver") == 0)
        deliver(sink, argv[2], argv[4]);
    else
        insert(sink, argv[2], argv[4]);
    td_config_fini(&config);
    return 0;
}
