/* src/app/cmd_sql.c - `tapedeck sql`: one query over archive and log, by DuckDB within this process. */
#include "app/cmd_sql.h"
#include "app/sql_tables.h"
#include "base/json.h"
#include "sink/archive_file.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct sql_conf {
    td_data_conf log;
    char *archive;
    int format; /* the row's choice */
} sql_conf;

enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };

/* ---- rows ---- */

typedef struct printing {
    const td_duck_shape *shape;
    int format;
    td_buf line;
    td_buf cells; /* TABLE: of each its size and its text, to be printed when all are known */
    size_t *widths;
} printing;

/* Characters, as a terminal counts most of them. */
static size_t width_of(td_bytes text) {
    size_t width = 0;
    for (size_t i = 0; i < text.size; i++) width += (text.data[i] & 0xc0) != 0x80;
    return width;
}

static void put_csv(td_buf *out, td_bytes cell) {
    bool quoted = cell.data != NULL && cell.size == 0; /* nothing at all is null */
    for (size_t i = 0; i < cell.size && !quoted; i++) quoted = strchr(",\"\r\n", cell.data[i]) != NULL;
    if (!quoted) {
        td_buf_put(out, cell.data, cell.size);
        return;
    }
    td_buf_text(out, "\"");
    for (size_t i = 0; i < cell.size; i++) {
        if (cell.data[i] == '"') td_buf_text(out, "\"");
        td_buf_put(out, &cell.data[i], 1);
    }
    td_buf_text(out, "\"");
}

/* What is no number to JSON, such as nan, is a text. */
static void put_json(td_buf *out, td_bytes cell, bool number) {
    bool plain = number && cell.size > 0 && (isdigit(cell.data[cell.size - 1]) != 0 || cell.data[cell.size - 1] == 'e');
    if (cell.data == NULL)
        td_buf_text(out, "null");
    else if (plain)
        td_buf_put(out, cell.data, cell.size);
    else
        td_json_put_string(out, cell);
}

static void put_line(printing *p, const td_bytes *cells) {
    bool json = p->format == FORMAT_JSON;
    for (size_t i = 0; i < p->shape->count; i++) {
        td_buf_text(&p->line, i > 0 ? "," : json ? "{" : "");
        if (!json) {
            put_csv(&p->line, cells[i]);
            continue;
        }
        td_json_put_string(&p->line, td_text(p->shape->names[i]));
        td_buf_text(&p->line, ":");
        put_json(&p->line, cells[i], p->shape->numbers[i] && !p->shape->exact[i]);
    }
    td_buf_text(&p->line, json ? "}\n" : "\n");
    (void)fwrite(p->line.data, 1, p->line.size, stdout);
    p->line.size = 0;
}

static td_status check_written(void) {
    return ferror(stdout) == 0 ? TD_OK : TD_FAIL(TD_RETRY, "the answer cannot be written: %s", strerror(errno));
}

static void keep_line(printing *p, const td_bytes *cells) {
    for (size_t i = 0; i < p->shape->count; i++) {
        size_t width = width_of(cells[i]);
        if (width > p->widths[i]) p->widths[i] = width;
        td_buf_put(&p->cells, &cells[i].size, sizeof cells[i].size);
        td_buf_put(&p->cells, cells[i].data, cells[i].size);
    }
}

static td_status take_row(void *arg, const td_bytes *cells, size_t count) {
    printing *p = arg;
    (void)count;
    if (p->format == FORMAT_TABLE)
        keep_line(p, cells);
    else
        put_line(p, cells);
    return check_written();
}

static void take_header(printing *p) {
    td_bytes *names = td_alloc_zero(p->shape->count + 1, sizeof *names);
    for (size_t i = 0; i < p->shape->count; i++) names[i] = td_text(p->shape->names[i]);
    if (p->format != FORMAT_JSON) (void)!take_row(p, names, p->shape->count);
    free(names);
}

/* Numbers to the right, under their names. */
static void print_kept(const printing *p) {
    td_bytes left = td_buf_bytes(&p->cells);
    for (size_t i = 0; left.size > 0; i = (i + 1) % p->shape->count) {
        size_t size, last = p->shape->count - 1;
        memcpy(&size, left.data, sizeof size);
        td_bytes cell = {left.data + sizeof size, size};
        left = td_bytes_from(left, sizeof size + size);
        int room = (int)(p->widths[i] - width_of(cell));
        bool right = p->shape->numbers[i];
        (void)printf("%*s%.*s", right ? room : 0, "", (int)cell.size, (const char *)cell.data);
        (void)printf("%*s%s", right || i == last ? 0 : room, "", i == last ? "\n" : "  ");
    }
}

/* ---- the command ---- */

/* What is wrong with a query is wrong with the words of the command. */
static td_status of_query(td_status status) { return status == TD_CONFIG ? TD_REJECT : status; }

static td_status print_rows(td_duck *duck, const char *query, const td_duck_shape *shape, int format) {
    printing p = {.shape = shape, .format = format, .widths = td_alloc_zero(shape->count + 1, sizeof *p.widths)};
    td_buf sql = {0};
    size_t size = strlen(query);
    while (size > 0 && (query[size - 1] == ';' || isspace((unsigned char)query[size - 1]) != 0)) size--;
    td_buf_printf(&sql, "SELECT COLUMNS(*)::VARCHAR FROM (\n%.*s\n)%c", (int)size, query, '\0');
    take_header(&p);
    td_status status = td_duck_stream(duck, (const char *)sql.data, "answer", take_row, &p);
    if (status == TD_OK) print_kept(&p);
    (void)fflush(stdout);
    if (status == TD_OK) status = check_written();
    td_buf_fini(&sql);
    td_buf_fini(&p.line);
    td_buf_fini(&p.cells);
    free(p.widths);
    return of_query(status);
}

static td_status answer(const td_sql_source *source, const char *query, int format) {
    td_duck *duck;
    td_duck_shape shape;
    td_status status = td_duck_open(&duck, NULL);
    if (status != TD_OK) return status;
    status = td_sql_tables_make(duck, source, query);
    if (status == TD_OK) {
        status = of_query(td_duck_ask_shape(duck, query, &shape));
        if (status == TD_OK) {
            status = print_rows(duck, query, &shape, format);
            td_duck_shape_free(&shape);
        }
    }
    td_duck_close(duck);
    return status;
}

/* Of the configuration's first sink of that kind; NULL: it has none. */
static td_status find_archive(const char *config, char **out) {
    td_config loaded;
    td_status status = td_config_load(&loaded, &td_os_posix, config, NULL, 0);
    if (status != TD_OK) return status;
    for (size_t i = 0; i < loaded.sink_count && *out == NULL; i++)
        if (loaded.sinks[i].ops == &td_sink_parquet) *out = td_copy_text(loaded.sinks[i].conf.dir);
    td_config_fini(&loaded);
    return TD_OK;
}

static bool is_there(const char *dir, const char *name) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/%s%c", dir, name, '\0');
    bool is = td_os_posix.ops->exists(td_os_posix.self, (const char *)path.data);
    td_buf_fini(&path);
    return is;
}

/* One that is named is to be one: a slip of the pen would leave its rows out without a word. */
static td_status check_archive(const char *dir) {
    if (dir == NULL || is_there(dir, td_archive_parquet.open_days)) return TD_OK;
    bool found = false;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) found |= is_there(dir, td_tables[id].name);
    if (found && !is_there(dir, td_archive_avro.open_days)) return TD_OK; /* a copy of its files */
    return TD_FAIL(TD_CONFIG, "--archive: %s is no archive of Parquet: %s", dir,
                   found                ? "its files are Avro, which DuckDB does not read"
                   : is_there(dir, ".") ? "it has none of its folders, such as bars"
                                        : "there is no such folder");
}

static td_status ask(const sql_conf *conf, const char *query) {
    char *archive = conf->archive != NULL ? td_copy_text(conf->archive) : NULL;
    bool alone = archive != NULL && conf->log.data == NULL && conf->log.config == NULL && conf->log.kafka == NULL;
    td_data data = {0};
    td_status status = check_archive(archive);
    if (archive == NULL && conf->log.config != NULL) status = find_archive(conf->log.config, &archive);
    if (status == TD_OK && !alone) status = td_data_open(&data, &conf->log);
    td_sql_source source = {.data = alone ? NULL : &data, .archive = archive};
    if (status == TD_OK) status = answer(&source, query, conf->format);
    if (!alone) td_data_close(&data);
    free(archive);
    return status;
}

static int run(void *conf_any, const char *const *words) {
    const sql_conf *conf = conf_any;
    return td_command_end("sql", ask(conf, words[0]));
}

static const td_option options[] = {
    TD_DATA_OPTIONS(sql_conf),
    {.key = "archive",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .offset = offsetof(sql_conf, archive),
     .help = "the folder of a sink `parquet`; unset: that of --config. Without a log named, it alone is asked"},
    {.key = "format",
     .type = TD_OPTION_CHOICE,
     .choices = "table|csv|json",
     .fallback = "table",
     .offset = offsetof(sql_conf, format),
     .help = "how rows are printed; json: an object per line, decimals as text"},
    {0},
};

const td_command td_command_sql = {
    .name = "sql",
    .words = "QUERY",
    .words_least = 1,
    .words_most = 1,
    .summary = "a query in SQL over archive and log",
    .text =
        "Runs one query that only reads, in DuckDB's SQL, over bars, signals, fills, gaps, vendor_bars, quarantine,\n"
        "trades and quotes: of the archive (docs/stores.md) and of the log up to its end, each row once, also while a\n"
        "process writes. What a log has let go of while its day is open is not seen until the day has closed, or a\n"
        "run has ended: keep the log for longer than a day and close_after. A log is read from its begin as far as "
        "the\n"
        "query wants, and beside an archive whole and once, for each table that the query names; what is beyond 80 %\n"
        "of the memory goes to .tmp of the current folder. Rows are printed as they come, tables when all are known.\n"
        "Needs DuckDB's library: scripts/fetch_duckdb.sh brings it.\n",
    .options = options,
    .conf_size = sizeof(sql_conf),
    .examples = "  tapedeck sql \"select instrument, count(*), max(high) from bars group by all order by all\"\n"
                "  tapedeck sql --config market.yaml --format csv \"from trades where day = '2013-10-07'\" >day.csv\n"
                "  tapedeck sql --archive archive \"describe trades\"\n",
    .run = run,
};
