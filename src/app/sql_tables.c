/* src/app/sql_tables.c - what may be asked for in SQL. */
#include "app/sql_tables.h"
#include "flow/rows.h"
#include "sink/archive.h"
#include <stdio.h>
#include <stdlib.h>

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

typedef struct log_table { /* a topic, up to where it ended when the query came */
    const td_schema_ids *ids;
    td_topic *topic;
    td_output output;
    td_archive_form form;
    char name[64];
    int64_t ends[]; /* of each partition */
} log_table;

typedef struct log_scan {
    const log_table *of;
    uint32_t partition;
    td_reader *reader; /* of that partition; NULL: not begun */
} log_scan;

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

static td_status begin_scan(void *self, void **out_scan) {
    log_scan *s = td_alloc_zero(1, sizeof *s);
    s->of = self;
    *out_scan = s;
    return TD_OK;
}

static void next_partition(log_scan *s) {
    td_reader_close(s->reader);
    s->reader = NULL;
    s->partition++;
}

static td_status take_record(const log_scan *s, const td_record *record, td_duck_rows *rows) {
    const log_table *t = s->of;
    td_sink_row row;
    td_status status = td_row_decode(t->ids, (int)t->output, record, &row);
    if (status == TD_OK) return td_archive_append(rows, &t->form, &row, s->partition);
    return TD_FAIL(status, "%s-%u: offset %lld is not a record of ours", td_topic_name(t->topic), s->partition,
                   (long long)record->offset);
}

/* Of the partition in hand; TD_AGAIN: it has no more. */
static td_status take_next(log_scan *s, td_duck_rows *rows) {
    int64_t end = s->of->ends[s->partition];
    td_record record;
    td_status status = TD_OK;
    if (s->reader == NULL) status = td_reader_open(&s->reader, s->of->topic, s->partition, 0, TD_READ_APPENDED);
    if (status == TD_OK && td_reader_offset(s->reader) >= end) return TD_AGAIN;
    if (status == TD_OK) status = td_reader_next(s->reader, &record);
    if (status != TD_OK) return status;
    return record.offset < end ? take_record(s, &record, rows) : TD_AGAIN;
}

static td_status fill_rows(void *scan, td_duck_rows *rows) {
    log_scan *s = scan;
    td_status status = TD_OK;
    while (status == TD_OK && s->partition < td_topic_partitions(s->of->topic) && !td_duck_rows_full(rows)) {
        status = take_next(s, rows);
        if (status != TD_AGAIN) continue;
        next_partition(s);
        status = TD_OK;
    }
    return status;
}

static void end_scan(void *scan) {
    td_reader_close(((log_scan *)scan)->reader);
    free(scan);
}

static td_status add_log(making *m, td_topic *topic, td_output output) {
    uint32_t partitions = td_topic_partitions(topic);
    log_table *t = td_alloc_zero(1, sizeof *t + partitions * sizeof t->ends[0]);
    *t = (log_table){.ids = m->source->data->topics.ids, .topic = topic, .output = output, .form = m->form};
    (void)snprintf(t->name, sizeof t->name, "scan_%s", m->form.table->name);
    int64_t rows = 0;
    for (uint32_t p = 0; p < partitions; p++) {
        t->ends[p] = td_topic_end(topic, p);
        rows += t->ends[p] - td_topic_start(topic, p);
    }
    return td_duck_add_table(m->duck, &(td_duck_table){.name = t->name,
                                                       .columns = t->form.columns,
                                                       .count = t->form.count,
                                                       .rows = rows,
                                                       .self = t,
                                                       .begin = begin_scan,
                                                       .fill = fill_rows,
                                                       .end = end_scan,
                                                       .drop = free});
}

/* Beside an archive the log is read once and kept, so that all of the query sees the same rows of it, whatever
 * retention takes meanwhile; alone it is read as the query goes. */
static td_status make_log(making *m, td_topic *topic, td_output output) {
    const char *name = m->form.table->name;
    td_status status = add_log(m, topic, output);
    if (status != TD_OK) return status;
    td_buf_printf(&m->sql, "CREATE %s log_%s AS FROM scan_%s()", m->source->archive != NULL ? "TABLE" : "VIEW", name,
                  name);
    return run(m, "read the log");
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

/* Of what both have the log's rows: those are kept and stand still, and each file is read once, where a day's
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
    if (topic != NULL) status = make_log(m, topic, output);
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
