/* src/sink/sink_parquet.c - results as Parquet: DIR/TOPIC/instrument=…/day=…/part-PARTITION-OFFSET.parquet, a file for
 * each instrument and day of UTC, written as the day closes.
 *
 * Rows of days that are open are in DIR/.open.duckdb, in one transaction with the position that they came from: so
 * memory is bounded whatever a day holds, nothing is asked of a log that may have let go of it, and a batch is kept or
 * not as in any other store. A day of a venue closes in a partition of a topic by a row of it that is `close_after`
 * past its end: rows before that one are written, sorted as they lie in the log, and leave the database in that same
 * transaction. Where a file ends is a function of the log alone, and its name is the offset of its first row. A file is
 * written under another name, synced and renamed before the transaction is committed: who dies in between gets the
 * same rows again and replaces the file by the same. What comes later for a closed day is the day's next file.
 *
 * When the run ends, the open days are written, too, as far as they have come, under the names that they will have, and
 * stay open: later the whole file takes the place of that one, so that no reader ever has a row twice. */
#include "base/time.h"
#include "sink/archive.h"
#include "sink/row.h"
#include "sink/sink.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct venue_clock { /* of a venue in a partition of a topic: days before this one are closed */
    unsigned table;
    uint32_t partition;
    char *venue;
    int32_t day;
} venue_clock;

typedef struct parquet_sink {
    const td_os *os;
    char *dir;
    int64_t close_after_ns, row_group, memory_bytes;
    td_duck *duck; /* NULL: to be opened (again) */
    td_archive_form forms[TD_ARCHIVE_COUNT];
    td_buf clocks; /* of venue_clock; as kept, and what the transaction in hand has moved */
    td_buf sql, path, temporary;
    td_duck_rows *rows; /* of the transaction in hand */
    unsigned table;
    uint32_t partition;
} parquet_sink;

static const char *end_text(td_buf *text) {
    td_buf_put(text, "", 1);
    return (const char *)text->data;
}

static td_status run(parquet_sink *s, const char *doing) {
    td_status status = td_duck_run(s->duck, end_text(&s->sql), doing);
    return td_trace(status, "archive in %s", s->dir);
}

/* ---- a file ---- */

typedef struct part {
    unsigned table;
    uint32_t partition;
    td_bytes instrument;
    int32_t day;
    int64_t first;    /* its first row's offset */
    int64_t from, to; /* its rows in `closing` */
} part;

/* Durable under its own name, or not there. */
static td_status settle(parquet_sink *s, const char *from, const char *to, const char *folder) {
    const td_os_ops *os = s->os->ops;
    int file;
    td_status status = os->open(s->os->self, from, TD_OPEN_WRITE, &file);
    if (status != TD_OK) return status;
    status = os->sync(s->os->self, file);
    os->close(s->os->self, file);
    if (status == TD_OK) status = os->rename(s->os->self, from, to);
    return status == TD_OK ? os->sync_dir(s->os->self, folder) : status;
}

static td_status write_part(parquet_sink *s, const part *p) {
    const char *table = s->forms[p->table].table->name;
    td_buf folder = {0};
    td_archive_put_folder(&folder, s->dir, table, p->instrument, p->day);
    s->path.size = s->temporary.size = s->sql.size = 0;
    td_buf_printf(&s->path, "%.*s/part-%04" PRIu32 "-%012" PRId64 ".parquet%c", (int)folder.size,
                  (const char *)folder.data, p->partition, p->first, '\0');
    td_buf_printf(&s->temporary, "%.*s/.part-%04" PRIu32 ".tmp%c", (int)folder.size, (const char *)folder.data,
                  p->partition, '\0');
    td_status status = s->os->ops->make_dir(s->os->self, end_text(&folder));
    td_buf_printf(&s->sql,
                  "COPY (SELECT * EXCLUDE (instrument, day) FROM closing WHERE rowid BETWEEN %" PRId64 " AND %" PRId64
                  " ORDER BY src_offset) TO ",
                  p->from, p->to);
    td_duck_quote(&s->sql, td_text((const char *)s->temporary.data));
    td_buf_printf(&s->sql, " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %" PRId64 ")", s->row_group);
    if (status == TD_OK) status = run(s, "write Parquet");
    if (status == TD_OK)
        status = settle(s, (const char *)s->temporary.data, (const char *)s->path.data, (const char *)folder.data);
    td_buf_fini(&folder);
    return td_trace(status, "archive in %s", s->dir);
}

/* ---- closing ---- */

typedef struct parts { /* of one table */
    unsigned table;
    part *items;
    size_t count, room;
} parts;

static int64_t number_of(td_bytes cell) {
    char text[24];
    (void)snprintf(text, sizeof text, "%.*s", (int)cell.size, (const char *)cell.data);
    return strtoll(text, NULL, 10);
}

static td_status take_part(void *arg, const td_bytes *cells, size_t count) {
    parts *list = arg;
    (void)count;
    if (list->count == list->room) {
        list->room = 16 + 2 * list->room;
        size_t size = list->room * sizeof *list->items;
        list->items = td_alloc_check(realloc(list->items, size), size);
    }
    list->items[list->count++] = (part){.table = list->table,
                                        .instrument = {(uint8_t *)td_copy_bytes(cells[0]), cells[0].size},
                                        .partition = (uint32_t)number_of(cells[1]),
                                        .day = (int32_t)number_of(cells[2]),
                                        .first = number_of(cells[3]),
                                        .from = number_of(cells[4]),
                                        .to = number_of(cells[5])};
    return TD_OK;
}

/* Writes each part of the rows that `where` names: they are sorted once, so that each file is read from its own rows
 * alone, however many there are. */
static td_status write_parts(parquet_sink *s, unsigned table, const char *where) {
    static const char *const parts_of =
        "SELECT instrument, src_partition::VARCHAR, (day - DATE '1970-01-01')::VARCHAR, min(src_offset)::VARCHAR,"
        " min(rowid)::VARCHAR, max(rowid)::VARCHAR FROM closing GROUP BY instrument, src_partition, day ORDER BY ALL";
    parts list = {.table = table};
    s->sql.size = 0;
    td_buf_printf(&s->sql,
                  "CREATE OR REPLACE TEMP TABLE closing AS FROM %s WHERE %s"
                  " ORDER BY instrument, src_partition, day, src_offset",
                  s->forms[table].table->name, where);
    td_status status = run(s, "sort days to close");
    if (status == TD_OK) status = td_duck_each(s->duck, parts_of, "look for days to close", take_part, &list);
    for (size_t i = 0; i < list.count && status == TD_OK; i++) status = write_part(s, &list.items[i]);
    for (size_t i = 0; i < list.count; i++) free((void *)(uintptr_t)list.items[i].instrument.data);
    free(list.items);
    return status == TD_OK ? td_duck_run(s->duck, "DROP TABLE closing", "let sorted days go") : status;
}

static td_status flush_rows(parquet_sink *s) { return s->rows != NULL ? td_duck_rows_flush(s->rows) : TD_OK; }

/* Of a clock that moves there: its days before are written, and leave. */
static td_status close_days(parquet_sink *s, const venue_clock *clock, int32_t day) {
    td_buf where = {0};
    td_buf_printf(&where,
                  "src_partition = %" PRIu32 " AND day < DATE '1970-01-01' + %" PRId32
                  " AND split_part(instrument, ':', 1) = ",
                  clock->partition, day);
    td_duck_quote(&where, td_text(clock->venue));
    td_status status = flush_rows(s);
    if (status == TD_OK) status = write_parts(s, clock->table, end_text(&where));
    s->sql.size = 0;
    td_buf_printf(&s->sql, "DELETE FROM %s WHERE %s", s->forms[clock->table].table->name, (const char *)where.data);
    if (status == TD_OK) status = run(s, "let closed days go");
    td_buf_fini(&where);
    return status;
}

/* ---- clocks ---- */

static venue_clock *clocks(const parquet_sink *s) { return (venue_clock *)(void *)s->clocks.data; }
static size_t clock_count(const parquet_sink *s) { return s->clocks.size / sizeof(venue_clock); }

static void forget_clocks(parquet_sink *s) {
    for (size_t i = 0; i < clock_count(s); i++) free(clocks(s)[i].venue);
    s->clocks.size = 0;
}

static td_status take_clock(void *arg, const td_bytes *cells, size_t count) {
    parquet_sink *s = arg;
    (void)count;
    venue_clock clock = {.table = td_archive_named(cells[0]),
                         .partition = (uint32_t)number_of(cells[1]),
                         .venue = td_copy_bytes(cells[2]),
                         .day = (int32_t)number_of(cells[3])};
    td_buf_put(&s->clocks, &clock, sizeof clock);
    return TD_OK;
}

static td_status load_clocks(parquet_sink *s) {
    forget_clocks(s);
    return td_duck_each(
        s->duck, "SELECT topic, partition::VARCHAR, venue, day::VARCHAR FROM clocks ORDER BY topic, partition, venue",
        "read clocks", take_clock, s);
}

static venue_clock *find_clock(parquet_sink *s, td_bytes instrument) {
    const uint8_t *colon = instrument.size > 0 ? memchr(instrument.data, ':', instrument.size) : NULL;
    td_bytes venue = colon != NULL ? td_bytes_upto(instrument, (size_t)(colon - instrument.data)) : instrument;
    for (size_t i = 0; i < clock_count(s); i++) {
        venue_clock *c = &clocks(s)[i];
        if (c->table == s->table && c->partition == s->partition && td_bytes_equal(td_text(c->venue), venue)) return c;
    }
    venue_clock clock = {.table = s->table, .partition = s->partition, .venue = td_copy_bytes(venue), .day = INT32_MIN};
    td_buf_put(&s->clocks, &clock, sizeof clock);
    return &clocks(s)[clock_count(s) - 1];
}

static td_status move_clock(parquet_sink *s, const td_sink_row *row) {
    venue_clock *clock = find_clock(s, td_sink_row_instrument(row));
    int64_t time_ns = td_sink_row_time(row);
    if (time_ns < INT64_MIN + s->close_after_ns) return TD_OK;
    int32_t day = td_archive_day(time_ns - s->close_after_ns);
    if (day <= clock->day) return TD_OK;
    td_status status = clock->day != INT32_MIN ? close_days(s, clock, day) : TD_OK;
    if (status != TD_OK) return status;
    clock->day = day;
    s->sql.size = 0;
    td_buf_printf(&s->sql, "INSERT OR REPLACE INTO clocks VALUES ('%s', %" PRIu32 ", ", s->forms[s->table].table->name,
                  s->partition);
    td_duck_quote(&s->sql, td_text(clock->venue));
    td_buf_printf(&s->sql, ", %" PRId32 ")", day);
    return run(s, "keep clocks");
}

/* ---- a batch ---- */

static td_status put_row(parquet_sink *s, const td_sink_row *row) {
    const td_archive_form *form = &s->forms[s->table];
    td_status status = move_clock(s, row);
    if (status == TD_OK && s->rows == NULL)
        status = td_duck_rows_open(&s->rows, s->duck, form->table->name, form->columns, form->count);
    return status == TD_OK ? td_archive_append(s->rows, form, row, s->partition) : status;
}

static td_status put_position(parquet_sink *s, const char *topic, td_position next) {
    s->sql.size = 0;
    td_buf_printf(&s->sql, "INSERT OR REPLACE INTO positions VALUES ('%s', %" PRIu32 ", %" PRId32 ", %" PRId64 ")",
                  topic, s->partition, next.epoch, next.offset);
    return run(s, "keep the position");
}

/* Within a transaction. */
static td_status put_rows(parquet_sink *s, const char *topic, const td_sink_row *rows, size_t count, td_position next) {
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++) status = put_row(s, &rows[i]);
    if (status == TD_OK) status = flush_rows(s);
    return status == TD_OK ? put_position(s, topic, next) : status;
}

/* A database that failed may be void until it is opened again. */
static void give_up(parquet_sink *s) {
    td_duck_close(s->duck);
    s->duck = NULL;
    forget_clocks(s);
}

static td_status parquet_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                               size_t row_count, td_position next) {
    parquet_sink *s = sink;
    s->partition = partition;
    s->table = td_table_of(&rows[0]);
    td_status status = td_duck_run(s->duck, "BEGIN", "begin");
    if (status == TD_OK) status = put_rows(s, topic, rows, row_count, next);
    td_duck_rows_close(s->rows); /* it flushes once more: within the transaction, whatever becomes of that */
    s->rows = NULL;
    if (status == TD_OK) status = td_trace(td_duck_run(s->duck, "COMMIT", "commit"), "archive in %s", s->dir);
    if (status != TD_OK) give_up(s);
    return status;
}

/* ---- life ---- */

static td_status set_up(parquet_sink *s) {
    s->sql.size = 0;
    td_buf_printf(&s->sql,
                  "SET threads = 1; SET memory_limit = '%" PRId64 "B';"
                  "CREATE TABLE IF NOT EXISTS positions(topic VARCHAR, partition INTEGER, epoch INTEGER,"
                  " next_offset BIGINT, PRIMARY KEY(topic, partition));"
                  "CREATE TABLE IF NOT EXISTS clocks(topic VARCHAR, partition INTEGER, venue VARCHAR, day INTEGER,"
                  " PRIMARY KEY(topic, partition, venue));",
                  s->memory_bytes);
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) td_archive_put_create(&s->sql, &s->forms[id], "");
    td_status status = run(s, "set up");
    return status == TD_OK ? load_clocks(s) : status;
}

/* Files whose open days are gone would get rows twice, in files of other names. */
static td_status refuse_strangers(parquet_sink *s, const char *database) {
    if (s->os->ops->exists(s->os->self, database)) return TD_OK;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) {
        s->path.size = 0;
        td_buf_printf(&s->path, "%s/%s", s->dir, s->forms[id].table->name);
        if (s->os->ops->exists(s->os->self, end_text(&s->path)))
            return TD_FAIL(TD_CONFIG,
                           "parquet: %s is there, and %s, which says how far it goes, is not: name another folder",
                           (const char *)s->path.data, database);
    }
    return TD_OK;
}

static td_status open_database(parquet_sink *s) {
    td_buf file = {0};
    td_buf_printf(&file, "%s/.open.duckdb", s->dir);
    td_status status = refuse_strangers(s, end_text(&file));
    if (status == TD_OK) status = td_duck_open(&s->duck, (const char *)file.data);
    if (status == TD_OK) status = s->os->ops->sync_dir(s->os->self, s->dir);
    if (status == TD_OK) status = set_up(s);
    if (status != TD_OK) give_up(s);
    td_buf_fini(&file);
    return status;
}

static td_status take_position(void *arg, const td_bytes *cells, size_t count) {
    (void)count;
    *(td_position *)arg = (td_position){(int32_t)number_of(cells[0]), number_of(cells[1])};
    return TD_OK;
}

static td_status parquet_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    parquet_sink *s = sink;
    td_status status = s->duck == NULL ? open_database(s) : TD_OK;
    if (status != TD_OK) return status;
    *out = (td_position){-1, 0};
    s->sql.size = 0;
    td_buf_printf(
        &s->sql,
        "SELECT epoch::VARCHAR, next_offset::VARCHAR FROM positions WHERE topic = '%s' AND partition = %" PRIu32, topic,
        partition);
    return td_duck_each(s->duck, end_text(&s->sql), "read the position", take_position, out);
}

/* What fails here is in the database, and written when the next run ends. */
static void parquet_close(void *sink) {
    parquet_sink *s = sink;
    if (s == NULL) return;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT && s->duck != NULL; id++)
        if (write_parts(s, id, "true") != TD_OK) break;
    give_up(s);
    td_buf_fini(&s->clocks);
    td_buf_fini(&s->sql);
    td_buf_fini(&s->path);
    td_buf_fini(&s->temporary);
    free(s->dir);
    free(s);
}

static td_status parquet_open(void **out, const td_os *os, const td_sink_conf *conf) {
    td_status status = td_table_check_of(&conf->of);
    if (status == TD_OK) status = td_trace(os->ops->make_dir(os->self, conf->dir), "making %s", conf->dir);
    if (status != TD_OK) return status;
    parquet_sink *s = td_alloc_zero(1, sizeof *s);
    s->os = os;
    s->dir = td_copy_text(conf->dir);
    s->close_after_ns = conf->close_after_ns;
    s->row_group = conf->row_group;
    s->memory_bytes = conf->memory_bytes;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) td_archive_form_init(&s->forms[id], id);
    status = open_database(s);
    if (status == TD_OK)
        *out = s;
    else
        parquet_close(s);
    return status;
}

static const td_option options[] = {
    {.key = "name",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, name),
     .help = "name of this sink; default: the kind, then kind-2, …"},
    {.key = "dir",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .required = true,
     .offset = offsetof(td_sink_conf, dir),
     .help = "the folder of the archive, of this sink alone; it is made when missing"},
    {.key = "of",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_sink_conf, of),
     .help = "what goes there: bars, signals, fills, gaps, vendor_bars, quarantine; trades and quotes that "
             "`log.publish` names; unset: the first six"},
    {.key = "close_after",
     .type = TD_OPTION_DURATION,
     .fallback = "1h",
     .min = 0,
     .max = 24.0 * (double)TD_NS_PER_HOUR,
     .offset = offsetof(td_sink_conf, close_after_ns),
     .help = "a day is written when its venue is so far past its end, by times of events; what comes later for it is "
             "another file"},
    {.key = "row_group",
     .type = TD_OPTION_INT,
     .fallback = "122880",
     .min = 2048,
     .max = 10000000,
     .unit = "rows",
     .offset = offsetof(td_sink_conf, row_group),
     .help = "of a file that have statistics of their own"},
    {.key = "memory",
     .type = TD_OPTION_BYTES,
     .fallback = "256MB",
     .min = 64.0 * 1024 * 1024,
     .max = 1024.0 * 1024 * 1024 * 1024,
     .offset = offsetof(td_sink_conf, memory_bytes),
     .help = "that DuckDB may use; what needs more goes through files in `dir`"},
    {0},
};

const td_sink_ops td_sink_parquet = {.kind = "parquet",
                                     .options = options,
                                     .takes_quarantine = true,
                                     .open = parquet_open,
                                     .position = parquet_position,
                                     .write = parquet_write,
                                     .close = parquet_close};
