/* src/app/sql_tables.c - what may be asked for in SQL. */
#include "app/sql_tables.h"
#include "flow/rows.h"
#include "sink/archive.h"
#include <stdio.h>

typedef struct making {
    td_duck *duck;
    const td_sql_source *source;
    td_archive_form form;
    unsigned id;
    td_buf sql;
} making;

static td_status run(making *m, const char *doing) {
    td_buf_put(&m->sql, "", 1);
    td_status status = td_duck_run(m->duck, (const char *)m->sql.data, doing);
    m->sql.size = 0;
    return status;
}

/* ---- the log ---- */

static td_topic *topic_of(const making *m, td_output *out) {
    static const td_output outputs[TD_ARCHIVE_COUNT] = {
        [TD_TABLE_BARS] = TD_OUTPUT_BARS,     [TD_TABLE_SIGNALS] = TD_OUTPUT_SIGNALS,
        [TD_TABLE_GAPS] = TD_OUTPUT_GAPS,     [TD_TABLE_VENDOR_BARS] = TD_OUTPUT_VENDOR_BARS,
        [TD_TABLE_FILLS] = TD_OUTPUT_FILLS,   [TD_TABLE_TRADES] = TD_OUTPUT_TRADES,
        [TD_TABLE_QUOTES] = TD_OUTPUT_QUOTES, [TD_TABLE_QUARANTINE] = TD_OUTPUT_QUARANTINE,
    };
    *out = outputs[m->id];
    return m->source->data != NULL ? m->source->data->topics.outputs[*out] : NULL;
}

static td_status append_partition(making *m, td_duck_rows *rows, td_topic *topic, uint32_t partition) {
    td_output output;
    (void)topic_of(m, &output);
    int64_t end = td_topic_end(topic, partition);
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while (status == TD_OK && td_reader_offset(reader) < end && (status = td_reader_next(reader, &record)) == TD_OK) {
        td_sink_row row;
        if (record.offset >= end) break;
        status = td_row_decode(m->source->data->topics.ids, (int)output, &record, &row);
        if (status != TD_OK)
            status = TD_FAIL(status, "%s-%u: offset %lld is not a record of ours", td_topic_name(topic), partition,
                             (long long)record.offset);
        else
            status = td_archive_append(rows, &m->form, &row, partition);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status append_topic(making *m, td_topic *topic) {
    char table[64];
    td_duck_rows *rows = NULL;
    (void)snprintf(table, sizeof table, "log_%s", m->form.table->name);
    td_status status = td_duck_rows_open(&rows, m->duck, table, m->form.columns, m->form.count);
    for (uint32_t p = 0; p < td_topic_partitions(topic) && status == TD_OK; p++)
        status = append_partition(m, rows, topic, p);
    if (status == TD_OK) status = td_duck_rows_flush(rows);
    td_duck_rows_close(rows);
    return status;
}

/* ---- both ---- */

/* As DuckDB's patterns have a name: what means any text stands in brackets. */
static void put_folder(td_buf *out, const char *name) {
    for (const char *c = name; *c != '\0'; c++) td_buf_printf(out, strchr("*?[", *c) != NULL ? "[%c]" : "%c", *c);
}

static td_status take_any(void *arg, const td_bytes *cells, size_t count) {
    (void)cells, (void)count;
    *(bool *)arg = true;
    return TD_OK;
}

/* Lists the archive's files of the table into the variable `files_TABLE`, once: all of a query sees the same. */
static td_status list_files(making *m, bool *out) {
    const char *name = m->form.table->name;
    td_buf pattern = {0};
    *out = false;
    if (m->source->archive == NULL) return TD_OK;
    put_folder(&pattern, m->source->archive);
    td_buf_printf(&pattern, "/%s/*/*/*.parquet", name);
    td_buf_printf(&m->sql,
                  "SET VARIABLE files_%s = (SELECT list(regexp_replace(file, '[*?[]', '[\\0]', 'g') ORDER BY file)"
                  " FROM glob(",
                  name);
    td_duck_quote(&m->sql, td_buf_bytes(&pattern));
    td_buf_text(&m->sql, "))");
    td_buf_fini(&pattern);
    td_status status = run(m, "list the archive");
    if (status != TD_OK) return status;
    td_buf_printf(&m->sql, "SELECT '' WHERE getvariable('files_%s') IS NOT NULL%c", name, '\0');
    status = td_duck_each(m->duck, (const char *)m->sql.data, "look for the archive", take_any, out);
    m->sql.size = 0;
    return status;
}

static void put_select(making *m) {
    for (size_t i = 0; i < m->form.count; i++)
        td_buf_printf(&m->sql, "%s\"%s\"", i > 0 ? ", " : "SELECT ", m->form.columns[i].name);
}

/* Of what both have the log's rows: those are in memory and stand still, and each file is read once, where a day's
 * file may be replaced meanwhile. */
static td_status make_view(making *m, bool archived, bool logged) {
    const char *name = m->form.table->name;
    td_buf_printf(&m->sql, "CREATE VIEW %s AS ", name);
    if (archived) {
        put_select(m);
        td_buf_printf(&m->sql,
                      " FROM read_parquet(getvariable('files_%s'), hive_partitioning = true,"
                      " hive_types = {'instrument': VARCHAR, 'day': DATE}, union_by_name = true)",
                      name);
    }
    if (archived && logged)
        td_buf_printf(&m->sql, " ANTI JOIN log_%s USING (src_partition, src_epoch, src_offset) UNION ALL ", name);
    if (logged) {
        put_select(m);
        td_buf_printf(&m->sql, " FROM log_%s", name);
    }
    return run(m, "make a view");
}

/* The log first: what it lets go of meanwhile is in files by then. */
static td_status make_table(making *m) {
    td_output output;
    td_topic *topic = topic_of(m, &output);
    td_status status = TD_OK;
    bool archived = false;
    if (topic != NULL) {
        td_archive_put_create(&m->sql, &m->form, "log_");
        status = run(m, "make a table");
        if (status == TD_OK) status = append_topic(m, topic);
    }
    if (status == TD_OK) status = list_files(m, &archived);
    if (status == TD_OK && (archived || topic != NULL)) status = make_view(m, archived, topic != NULL);
    return status;
}

/* DuckDB takes a backslash for a slash where it lists files. */
static td_status check_folder(const char *archive) {
    if (archive == NULL || strchr(archive, '\\') == NULL) return TD_OK;
    return TD_FAIL(TD_CONFIG, "archive %s: DuckDB lists no folder whose name has a backslash", archive);
}

td_status td_sql_tables_make(td_duck *duck, const td_sql_source *source, const char *query) {
    making m = {.duck = duck, .source = source};
    td_status status = check_folder(source->archive);
    for (m.id = 0; m.id < TD_ARCHIVE_COUNT && status == TD_OK; m.id++) {
        td_archive_form_init(&m.form, m.id);
        if (td_duck_is_named(query, m.form.table->name)) status = make_table(&m);
    }
    td_buf_fini(&m.sql);
    return status;
}
