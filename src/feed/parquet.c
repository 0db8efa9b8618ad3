/* src/feed/parquet.c - rows of Parquet as lines: some thousand of them at a time, by a query of their own, so that a
 * file that is open costs no more than these, however many are. */
#include "feed/parquet.h"
#include "feed/csv.h"
#include "feed/tables.h"
#include "os/duck.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows of one reading, and of one of each file that is open where there are many: DuckDB begins with each at a row
 * group's first row, so that small ones cost time in files of large row groups, or of many. */
enum { ROWS_MOST = 131072, ROWS_LEAST = 8192 };

enum { COLUMNS_MAX = 64, DETAIL_MAX = 400 };

/* Behind damage each row that ends so many is tried, as DuckDB decodes them, until one is sound; where more than some
 * thousand times as many are not, further ones alone: a file may say that it has any number. */
enum { CELL = 2048, CELLS = 1024 };

typedef struct parquet_reader {
    const td_os *os;
    td_duck *duck;  /* NULL: the one there was is of no more use */
    uint64_t files; /* that are open */
} parquet_reader;

typedef struct parquet_file {
    parquet_reader *reader;
    const char *path; /* lent */
    const td_texts *fields;
    td_buf name;  /* of the file, in SQL */
    td_buf from;  /* " FROM read_parquet(…)" */
    td_buf names; /* of its columns, those that are known, as a line */
    td_buf line;  /* in SQL, a row as a line */
    size_t columns;
    char *numbers[COLUMNS_MAX]; /* in SQL, a column's value as a whole number; NULL: it is none */
    uint64_t count;             /* of rows, as the file says */
    td_buf rows;                /* lines that are read, each behind its size */
    uint64_t held;              /* so many */
    size_t at;                  /* the first of them that is not given */
    uint64_t next;              /* row that is to be given or told as lost */
    uint64_t lost_to;           /* behind those in `rows` all before it are */
    td_buf least;
    bool machine_is_well;                           /* it was, when it was looked at for the rows that are being read */
    char why[DETAIL_MAX], detail[DETAIL_MAX + 100]; /* what was said of the damage, what is said of the rows */
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

/* ---- whose fault is it, the file's or the machine's? ---- */

/* A query's one cell. */
static td_status take_cell(void *arg, const td_bytes *cells, size_t count) {
    td_buf *out = arg;
    (void)count;
    out->size = 0;
    if (cells[0].size > 0) td_buf_put(out, cells[0].data, cells[0].size);
    return TD_OK;
}

/* From the first byte to the last, without DuckDB. */
static td_status read_through(const parquet_file *f, int64_t *out_size) {
    enum { BLOCK = 1 << 20 };
    const td_os *os = f->reader->os;
    int file;
    td_status status = os->ops->open(os->self, f->path, TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    uint8_t *block = td_alloc(BLOCK);
    size_t size = 1;
    for (*out_size = 0; status == TD_OK && size > 0; *out_size += (int64_t)size)
        status = os->ops->read_at(os->self, file, block, BLOCK, *out_size, &size);
    free(block);
    os->ops->close(os->self, file);
    return status;
}

/* What DuckDB holds of a file at once, by its footer: of each column what is stored of a part, and a page. Parts that
 * claim more than the file has are not counted; of a footer that cannot be read all is. */
static double need_of(const parquet_file *f, int64_t size) {
    td_buf sql = {0}, need = {0};
    td_buf_printf(&sql,
                  "SELECT coalesce(max(s), 0)::VARCHAR FROM (SELECT sum(total_compressed_size + "
                  "least(total_uncompressed_size, 2147483648)) AS s FROM parquet_metadata(%s) GROUP BY row_group_id "
                  "HAVING sum(total_compressed_size) BETWEEN 0 AND %" PRId64 ")",
                  (const char *)f->name.data, size);
    td_status status = td_duck_each(f->reader->duck, end_text(&sql), "read Parquet's footer", take_cell, &need);
    double bytes = status == TD_OK ? strtod(end_text(&need), NULL) : (double)size;
    td_buf_fini(&sql);
    td_buf_fini(&need);
    return bytes;
}

/* "18.8 GiB", as DuckDB says what it may have; -1: it says nothing of the kind. */
static double bytes_of(const char *text) {
    static const char *const units[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
    char *end;
    double bytes = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0] && end != text; i++, bytes *= 1024)
        if (strcmp(end, units[i]) == 0) return bytes;
    return -1;
}

/* TD_OK: there is as much as the file can need. */
static td_status check_memory(const parquet_file *f, int64_t size) {
    enum { BESIDES = 64 << 20 };
    td_buf limit = {0};
    double need = need_of(f, size) + BESIDES;
    td_status status =
        td_duck_each(f->reader->duck, "SELECT current_setting('memory_limit')", "ask", take_cell, &limit);
    double most = status == TD_OK ? bytes_of(end_text(&limit)) : -1;
    void *tried = status == TD_OK ? malloc((size_t)need) : NULL;
    if (status == TD_OK && (tried == NULL || (most >= 0 && need > most)))
        status = TD_FAIL(TD_RETRY, "no memory for %.0f MB of %s (DuckDB may have %s)", need / 1e6, f->path,
                         (const char *)limit.data);
    free(tried);
    td_buf_fini(&limit);
    return status;
}

static void forget_duck(parquet_reader *r) {
    td_duck_close(r->duck);
    r->duck = NULL;
}

/* Whose words the trail has: TD_REJECT, which are kept then, or as the machine fails. */
static td_status judge(parquet_file *f) {
    char why[DETAIL_MAX];
    int64_t size;
    (void)snprintf(why, sizeof why, "%.*s", (int)strcspn(td_trail(), "\n"), td_trail());
    td_duck_trouble trouble = td_duck_trouble_of(f->reader->duck);
    bool of_machine = trouble == TD_DUCK_TROUBLE_IO || trouble == TD_DUCK_TROUBLE_MEMORY;
    if (trouble == TD_DUCK_TROUBLE_FATAL || trouble == TD_DUCK_TROUBLE_INTERNAL) forget_duck(f->reader);
    if (trouble == TD_DUCK_TROUBLE_FATAL) return TD_RETRY;
    td_status status = of_machine && !f->machine_is_well ? read_through(f, &size) : TD_OK;
    if (status == TD_OK && trouble == TD_DUCK_TROUBLE_MEMORY && !f->machine_is_well) status = check_memory(f, size);
    if (status != TD_OK) return status;
    f->machine_is_well |= of_machine;
    memcpy(f->why, why, sizeof why);
    return TD_FAIL(TD_REJECT, "%s", why);
}

static td_status open_duck(parquet_reader *r) {
    td_status status = td_duck_open(&r->duck, NULL);
    if (status == TD_OK) status = td_duck_run(r->duck, "SET threads = 1", "set up");
    if (status != TD_OK) forget_duck(r);
    return status;
}

/* TD_REJECT: the file is damaged where the query reads it. */
static td_status ask(parquet_file *f, const char *sql, td_duck_row_fn each, void *arg) {
    parquet_reader *r = f->reader;
    td_status status = r->duck != NULL ? TD_OK : open_duck(r);
    if (status != TD_OK) return status;
    status = td_duck_each(r->duck, sql, "read Parquet", each, arg);
    return status == TD_OK ? TD_OK : judge(f);
}

/* ---- a file ---- */

/* A name of DuckDB's may have wildcards, and stands for itself here. */
static void put_path(td_buf *out, const char *path) {
    td_buf plain = {0};
    for (; *path != '\0'; path++) td_buf_printf(&plain, strchr("*?[", *path) != NULL ? "[%c]" : "%c", *path);
    td_duck_quote(out, td_buf_bytes(&plain));
    td_buf_fini(&plain);
    (void)end_text(out);
}

static void parquet_close(void *file) {
    parquet_file *f = file;
    if (f == NULL) return;
    f->reader->files--;
    for (size_t i = 0; i < f->columns; i++) free(f->numbers[i]);
    td_buf_fini(&f->name);
    td_buf_fini(&f->from);
    td_buf_fini(&f->names);
    td_buf_fini(&f->line);
    td_buf_fini(&f->rows);
    td_buf_fini(&f->least);
    free(f);
}

/* It is there, as other files are asked. */
static td_status look_at(const parquet_file *f) {
    int file;
    const td_os *os = f->reader->os;
    td_status status = os->ops->open(os->self, f->path, TD_OPEN_READ, &file);
    if (status == TD_OK) os->ops->close(os->self, file);
    return status == TD_CONFIG ? TD_REJECT : status;
}

static td_status ask_columns(parquet_file *f) {
    td_buf sql = {0};
    td_buf_printf(&sql, "SELECT column_name, column_type FROM (DESCRIBE%s)", (const char *)f->from.data);
    td_status status = ask(f, end_text(&sql), take_column, f);
    td_buf_fini(&sql);
    if (f->columns == 0) td_buf_text(&f->line, "''");
    (void)end_text(&f->line);
    return status;
}

/* A footer that counts its rows in two ways says nothing that can be held against what comes. */
static td_status ask_count(parquet_file *f) {
    td_buf sql = {0}, count = {0};
    td_buf_printf(&sql,
                  "SELECT CASE WHEN num_rows >= 0 AND num_rows = (SELECT coalesce(sum(n), 0) FROM (SELECT DISTINCT "
                  "row_group_id, row_group_num_rows AS n FROM parquet_metadata(%s))) THEN num_rows::VARCHAR END "
                  "FROM parquet_file_metadata(%s)",
                  (const char *)f->name.data, (const char *)f->name.data);
    td_status status = ask(f, end_text(&sql), take_cell, &count);
    if (status == TD_OK && count.size == 0)
        status = TD_FAIL(TD_REJECT, "%s: its footer does not know how many rows there are", f->path);
    if (status == TD_OK) f->count = strtoull(end_text(&count), NULL, 10);
    td_buf_fini(&sql);
    td_buf_fini(&count);
    return status;
}

static td_status parquet_open(void **out, void *reader, const char *path, const td_texts *fields, td_bytes *out_names) {
    parquet_file *f = td_alloc_zero(1, sizeof *f);
    *f = (parquet_file){.reader = reader, .path = path, .fields = fields};
    f->reader->files++;
    put_path(&f->name, path);
    td_buf_printf(&f->from,
                  " FROM read_parquet(%s, hive_partitioning = true, hive_types_autocast = false, "
                  "binary_as_string = true, file_row_number = true)",
                  (const char *)f->name.data);
    (void)end_text(&f->from);
    td_status status = look_at(f);
    if (status == TD_OK) status = ask_columns(f);
    if (status == TD_OK) status = ask_count(f);
    if (status != TD_OK) {
        parquet_close(f);
        return status;
    }
    *out_names = td_buf_bytes(&f->names);
    *out = f;
    return TD_OK;
}

static td_status parquet_least(void *file, size_t column, td_bytes *out) {
    parquet_file *f = file;
    td_buf sql = {0};
    if (column >= f->columns || f->numbers[column] == NULL) return TD_AGAIN;
    td_buf_printf(&sql, "SELECT min(%s)::VARCHAR%s", f->numbers[column], (const char *)f->from.data);
    f->least.size = 0;
    td_status status = ask(f, end_text(&sql), take_cell, &f->least);
    td_buf_fini(&sql);
    *out = td_buf_bytes(&f->least);
    return status == TD_REJECT || (status == TD_OK && out->size == 0) ? TD_AGAIN : status;
}

/* ---- rows ---- */

static td_status take_row(void *arg, const td_bytes *cells, size_t count) {
    parquet_file *f = arg;
    (void)count;
    uint32_t size = cells[0].size < UINT32_MAX ? (uint32_t)cells[0].size : UINT32_MAX;
    td_buf_put_u32(&f->rows, size);
    if (size > 0) td_buf_put(&f->rows, cells[0].data, size);
    f->held++;
    return TD_OK;
}

static void drop_rows(parquet_file *f) {
    f->rows.size = f->at = 0;
    f->held = 0;
}

/* Rows from `from` to before `to`: all of them, or none. */
static td_status read_rows(parquet_file *f, uint64_t from, uint64_t to) {
    td_buf sql = {0};
    drop_rows(f);
    td_buf_printf(&sql, "SELECT %s%s WHERE file_row_number BETWEEN %" PRIu64 " AND %" PRIu64 " LIMIT %" PRIu64,
                  (const char *)f->line.data, (const char *)f->from.data, from, to - 1, to - from);
    td_status status = ask(f, end_text(&sql), take_row, f);
    td_buf_fini(&sql);
    if (status == TD_OK && f->held < to - from) {
        status = TD_FAIL(TD_REJECT, "there are fewer rows than its footer says");
        (void)snprintf(f->why, sizeof f->why, "%s", td_trail());
    }
    if (status != TD_OK) drop_rows(f);
    return status;
}

/* The first row of those before `to` from which on all are sound, where the one before `to` is, and the one at `bad` is
 * not. */
static td_status find_sound_end(parquet_file *f, uint64_t bad, uint64_t to, uint64_t *out) {
    uint64_t sound = to - 1;
    while (sound - bad > 1) {
        uint64_t middle = bad + (sound - bad) / 2;
        td_status status = read_rows(f, middle, to);
        if (status != TD_OK && status != TD_REJECT) return status;
        *(status == TD_OK ? &sound : &bad) = middle;
    }
    *out = sound;
    return TD_OK;
}

/* Where rows are sound again behind the one at `bad`; their end where none is. */
static td_status find_sound(parquet_file *f, uint64_t bad, uint64_t *out) {
    uint64_t from = bad + 1, step = CELL;
    for (int cells = 0; from < f->count; cells++) {
        if (cells >= CELLS && step < UINT64_MAX / 4) step *= 2;
        uint64_t to = f->count - from > step ? from / CELL * CELL + step : f->count;
        td_status status = read_rows(f, to - 1, to);
        if (status == TD_OK) return find_sound_end(f, from - 1, to, out);
        if (status != TD_REJECT) return status;
        from = to;
    }
    *out = f->count;
    return TD_OK;
}

/* Of rows before `to`, which could not be read at once, those before the first that is damaged, and how far it goes. */
static td_status read_around_damage(parquet_file *f, uint64_t to) {
    uint64_t good = f->next, bad = to, lost_to = 0; /* rows before `good` are sound, up to `bad` they cannot be read */
    while (bad - good > 1) {
        uint64_t middle = good + (bad - good) / 2;
        td_status status = read_rows(f, f->next, middle);
        if (status != TD_OK && status != TD_REJECT) return status;
        *(status == TD_OK ? &good : &bad) = middle;
    }
    td_status status = read_rows(f, f->next, bad);
    if (status != TD_REJECT) return status; /* TD_OK: it has passed */
    status = find_sound(f, good, &lost_to);
    drop_rows(f); /* those that showed where it ends are not the next */
    if (status != TD_OK) return status;
    if (good > f->next) status = read_rows(f, f->next, good);
    if (status != TD_OK && status != TD_REJECT) return status;
    f->lost_to = lost_to; /* as those before it where they are not there for a second time */
    return TD_OK;
}

static td_status read_more(parquet_file *f) {
    uint64_t rows = ROWS_MOST / f->reader->files > ROWS_LEAST ? ROWS_MOST / f->reader->files : ROWS_LEAST;
    uint64_t to = f->count - f->next > rows ? f->next + rows : f->count;
    td_buf_fini(&f->rows); /* the room was for more, where fewer files were open */
    f->machine_is_well = false;
    td_status status = read_rows(f, f->next, to);
    if (status == TD_REJECT) status = read_around_damage(f, to);
    return status;
}

static void give_row(parquet_file *f, td_line *out) {
    uint32_t size;
    memcpy(&size, f->rows.data + f->at, sizeof size);
    bool fits = size <= TD_ARCHIVE_LINE_MAX;
    *out = (td_line){.kind = fits ? TD_LINE_TEXT : TD_LINE_TOO_LONG,
                     .number = ++f->next,
                     .bytes = {f->rows.data + f->at + sizeof size, fits ? size : TD_ARCHIVE_LINE_MAX},
                     .detail = fits ? NULL : "a row above 1 MB"};
    f->at += sizeof size + size;
}

static void tell_lost(parquet_file *f, td_line *out) {
    uint64_t first = f->next + 1;
    if (f->lost_to > first)
        (void)snprintf(f->detail, sizeof f->detail, "rows %" PRIu64 " to %" PRIu64 " are damaged: %s", first,
                       f->lost_to, f->why);
    else
        (void)snprintf(f->detail, sizeof f->detail, "row %" PRIu64 " is damaged: %s", first, f->why);
    *out = (td_line){.kind = TD_LINE_BROKEN, .number = first, .detail = f->detail};
    f->next = f->lost_to;
}

static td_status parquet_next(void *file, td_line *out) {
    parquet_file *f = file;
    bool ready = f->at < f->rows.size || f->next < f->lost_to || f->next == f->count;
    td_status status = ready ? TD_OK : read_more(f);
    if (status != TD_OK) return status;
    if (f->at < f->rows.size)
        give_row(f, out);
    else if (f->next < f->lost_to)
        tell_lost(f, out);
    else
        *out = (td_line){.kind = TD_LINE_END, .number = f->next + 1};
    return TD_OK;
}

/* ---- all files of a feed ---- */

static td_status parquet_start(void **out_reader, const td_os *os) {
    parquet_reader *r = td_alloc_zero(1, sizeof *r);
    r->os = os;
    *out_reader = r;
    return td_trace(open_duck(r), "reading Parquet");
}

static void parquet_stop(void *reader) {
    parquet_reader *r = reader;
    if (r != NULL) td_duck_close(r->duck);
    free(r);
}

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
