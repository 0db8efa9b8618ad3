/* bench/store_copy.c - a log's rows into PostgreSQL by the bare means: one binary COPY of all of them into the table
 * that the sink makes, in one transaction, with the bytes at hand. No batches, no position, nothing to replace.
 *
 * usage: store_copy CONFIG SINK OUTPUT     the schema must be new; one line of JSON */
#include "rows.h"
#include "sink/pg_copy.h"
#include "sink/pg_parts.h"
#include "sink/pg_tables.h"
#include <libpq-fe.h>

enum { CHUNK_BYTES = 64 * 1024 };

typedef struct loaded {
    td_table_id table;
    td_buf rows;
    int32_t month_first, month_last;
} loaded;

static void load(void *arg, uint32_t partition, const td_sink_row *row) {
    loaded *l = arg;
    td_cells cells;
    l->table = td_table_of(row);
    td_table_cells(l->table, row, partition, &cells);
    td_pg_copy_row(&l->rows, &td_tables[l->table], &cells);
    int32_t month = td_tables[l->table].by_time ? td_pg_month_of(row->event.event_ns) : 0;
    if (l->month_first == 0 || month < l->month_first) l->month_first = month;
    if (month > l->month_last) l->month_last = month;
}

static void must(PGconn *conn, PGresult *result, ExecStatusType wanted) {
    if (PQresultStatus(result) != wanted) bench_die("store_copy", "the server says", PQerrorMessage(conn));
    PQclear(result);
}

static void ask(PGconn *conn, td_buf *sql, ExecStatusType wanted) {
    td_buf_put(sql, "", 1);
    must(conn, PQexec(conn, (const char *)sql->data), wanted);
    sql->size = 0;
}

static PGconn *prepare(const td_config_sink *sink, const loaded *l, td_buf *sql) {
    void *made;
    bench_require("store_copy", sink->ops->open(&made, &td_os_posix, &sink->conf), "make the tables");
    sink->ops->close(made);
    PGconn *conn = PQconnectdb(sink->conf.url);
    if (PQstatus(conn) != CONNECTION_OK) bench_die("store_copy", "connect", PQerrorMessage(conn));
    td_buf_printf(sql, "set search_path = %s", sink->conf.schema);
    ask(conn, sql, PGRES_COMMAND_OK);
    for (int32_t month = l->month_first; td_tables[l->table].by_time && month <= l->month_last; month++) {
        td_pg_put_part(sql, &td_tables[l->table], month);
        ask(conn, sql, PGRES_COMMAND_OK);
    }
    return conn;
}

static void copy(PGconn *conn, const loaded *l, td_buf *sql) {
    td_pg_put_direct_copy(sql, &td_tables[l->table]);
    ask(conn, sql, PGRES_COPY_IN);
    for (td_bytes left = td_buf_bytes(&l->rows); left.size > 0;) {
        td_bytes part = td_bytes_upto(left, CHUNK_BYTES);
        if (PQputCopyData(conn, (const char *)part.data, (int)part.size) != 1)
            bench_die("store_copy", "send", PQerrorMessage(conn));
        left = td_bytes_from(left, part.size);
    }
    if (PQputCopyEnd(conn, NULL) != 1) bench_die("store_copy", "end", PQerrorMessage(conn));
    must(conn, PQgetResult(conn), PGRES_COMMAND_OK);
}

int main(int argc, char **argv) {
    if (argc != 4) bench_die("store_copy", "usage", "store_copy CONFIG SINK OUTPUT");
    td_config config;
    loaded l = {0};
    td_buf sql = {0};
    bench_require("store_copy", td_config_load(&config, &td_os_posix, argv[1], NULL, 0), argv[1]);
    const td_config_sink *sink = bench_sink_named(&config, argv[2]);
    td_pg_copy_begin(&l.rows);
    int64_t rows = bench_each_row(argv[1], argv[3], load, &l);
    td_pg_copy_end(&l.rows);
    PGconn *conn = prepare(sink, &l, &sql);
    int64_t began_ns = bench_now_ns();
    copy(conn, &l, &sql);
    bench_tell_rows(rows, bench_now_ns() - began_ns);
    PQfinish(conn);
    td_buf_fini(&sql);
    td_buf_fini(&l.rows);
    td_config_fini(&config);
    return 0;
}
