/* tests/unit/sink_parquet_file_test.c - goal: what is written is what DuckDB reads, value by value, of every type, with
 * nulls, at the ends of ranges, in every encoding, in one row group and in many; statistics bound it; the same rows
 * give the same bytes; a machine that refuses is told. */
#include "base/time.h"
#include "sink/parquet_file.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SKIPPED = 77, COLUMNS = 9 };

static const td_duck_column columns[COLUMNS] = {
    {.name = "n", .type = TD_DUCK_BIGINT}, /* the row's own */
    {.name = "few", .type = TD_DUCK_TEXT},
    {.name = "many", .type = TD_DUCK_TEXT},
    {.name = "wide", .type = TD_DUCK_BIGINT},
    {.name = "small", .type = TD_DUCK_INT},
    {.name = "flag", .type = TD_DUCK_BOOL},
    {.name = "instant", .type = TD_DUCK_INSTANT},
    {.name = "price", .type = TD_DUCK_DECIMAL, .precision = 19, .scale = 9},
    {.name = "sum", .type = TD_DUCK_DECIMAL, .precision = 38, .scale = 17},
};

static char dir[64];

typedef struct shape { /* of what is written */
    int rows, group_rows, group_bytes;
    int nulls;   /* of a hundred cells; 100: all but n */
    int repeats; /* so many rows are equal, but for n */
    bool long_texts;
} shape;

static const shape shapes[] = {
    {.rows = 0, .group_rows = 100, .group_bytes = 1 << 20},
    {.rows = 1, .group_rows = 100, .group_bytes = 1 << 20},
    {.rows = 1, .group_rows = 1, .group_bytes = 1, .nulls = 100},
    {.rows = 129, .group_rows = 1000, .group_bytes = 1 << 20, .nulls = 10},
    {.rows = 5000, .group_rows = 1000, .group_bytes = 1 << 20, .nulls = 50, .repeats = 3},
    {.rows = 5000, .group_rows = 100000, .group_bytes = 1 << 30, .repeats = 1},
    {.rows = 5000, .group_rows = 100000, .group_bytes = 1 << 30, .nulls = 100},
    {.rows = 5000, .group_rows = 100000, .group_bytes = 100000, .nulls = 1, .repeats = 20},
    {.rows = 90000, .group_rows = 70001, .group_bytes = 1 << 30, .nulls = 5, .repeats = 9},
    {.rows = 300, .group_rows = 100000, .group_bytes = 1 << 30, .long_texts = true},
};

/* ---- rows ---- */

static uint64_t seed;

static uint64_t draw(void) { return unit_random(&seed); }

typedef struct cells {
    bool null[COLUMNS];
    int64_t numbers[COLUMNS];
    td_i128 decimals[COLUMNS];
    td_bytes texts[COLUMNS];
} cells;

static td_i128 ten_to(int power) { return power == 0 ? 1 : 10 * ten_to(power - 1); }

static void draw_text(const shape *s, size_t column, td_bytes *out) {
    static char room[COLUMNS][20000];
    int size = column == 1 ? snprintf(room[column], sizeof room[column], "%.*s", (int)(draw() % 4), "abc")
                           : snprintf(room[column], sizeof room[column], "text-%llx", (unsigned long long)draw());
    if (column == 2 && s->long_texts) {
        memset(room[column] + size, 'x', sizeof room[column] - (size_t)size);
        size += (int)(draw() % 19000);
    }
    *out = (td_bytes){(const uint8_t *)room[column], (size_t)size};
}

static void draw_row(const shape *s, int i, cells *out) {
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0, -1, 1};
    out->numbers[0] = i;
    if (s->repeats > 1 && i % s->repeats != 0) return;
    for (size_t c = 1; c < COLUMNS; c++) {
        out->null[c] = (int)(draw() % 100) < s->nulls;
        uint64_t any = draw() >> (draw() % 64);
        out->numbers[c] = draw() % 4 == 0 ? ends[draw() % 5] : (int64_t)any;
        td_i128 bound = ten_to(columns[c].precision);
        out->decimals[c] = draw() % 4 == 0 ? bound - 1 : (td_i128)any * (td_i128)(draw() % 1000) % bound;
        if (draw() % 2 == 0) out->decimals[c] = -out->decimals[c];
        if (columns[c].type == TD_DUCK_INT) out->numbers[c] = (int32_t)out->numbers[c];
        if (columns[c].type == TD_DUCK_BOOL) out->numbers[c] = out->numbers[c] & 1;
        if (columns[c].type == TD_DUCK_INSTANT) out->numbers[c] = (int64_t)(draw() % (UINT64_C(1) << 52)) - (1 << 30);
        if (columns[c].type == TD_DUCK_TEXT) draw_text(s, c, &out->texts[c]);
    }
}

static void put_into_file(td_parquet *file, const cells *row) {
    for (size_t c = 0; c < COLUMNS; c++) {
        if (row->null[c])
            td_parquet_set_null(file, c);
        else if (columns[c].type == TD_DUCK_TEXT)
            td_parquet_set_text(file, c, row->texts[c]);
        else if (columns[c].type == TD_DUCK_DECIMAL)
            td_parquet_set_decimal(file, c, row->decimals[c]);
        else
            td_parquet_set_number(file, c, row->numbers[c]);
    }
    assert_int_equal(td_parquet_next(file), TD_OK);
}

static td_status put_into_table(td_duck_rows *rows, const cells *row) {
    td_status status = TD_OK;
    td_duck_rows_next(rows);
    for (size_t c = 0; c < COLUMNS && status == TD_OK; c++) {
        if (row->null[c]) continue;
        if (columns[c].type == TD_DUCK_TEXT)
            td_duck_rows_set_text(rows, c, row->texts[c]);
        else if (columns[c].type == TD_DUCK_DECIMAL)
            status = td_duck_rows_set_decimal(rows, c, row->decimals[c]);
        else
            td_duck_rows_set_number(rows, c, row->numbers[c]);
    }
    return status;
}

static td_parquet *file_of(const td_os *os, const shape *s) {
    return td_parquet_new(&(td_parquet_conf){os, columns, COLUMNS, s->group_rows, s->group_bytes});
}

static void write_file(td_parquet *file, const shape *s, const char *name) {
    char path[96];
    cells row = {0};
    seed = (uint64_t)s->rows;
    (void)snprintf(path, sizeof path, "%s/%s.parquet", dir, name);
    assert_int_equal(td_parquet_begin(file, path), TD_OK);
    for (int i = 0; i < s->rows; i++) {
        draw_row(s, i, &row);
        put_into_file(file, &row);
    }
    assert_int_equal(td_parquet_end(file), TD_OK);
}

/* ---- what is read ---- */

typedef struct drawn { /* the rows of a shape, once more */
    const shape *shape;
    int row_count;
    uint64_t seed;
    cells row;
} drawn;

static td_status begin_drawn(void *self, void **out_scan) {
    drawn *d = td_alloc_zero(1, sizeof *d);
    d->shape = self;
    d->seed = (uint64_t)d->shape->rows;
    *out_scan = d;
    return TD_OK;
}

static td_status fill_drawn(void *scan, td_duck_rows *rows) {
    drawn *d = scan;
    td_status status = TD_OK;
    seed = d->seed;
    while (status == TD_OK && d->row_count < d->shape->rows && !td_duck_rows_full(rows)) {
        draw_row(d->shape, d->row_count++, &d->row);
        status = put_into_table(rows, &d->row);
    }
    d->seed = seed;
    return status;
}

static void drop_nothing(void *self) { (void)self; }

/* With the rows of that shape in t. */
static td_duck *open_table(const shape *s) {
    td_duck *duck = NULL;
    td_duck_table table = {.name = "drawn",
                           .columns = columns,
                           .count = COLUMNS,
                           .self = (void *)(uintptr_t)s,
                           .begin = begin_drawn,
                           .fill = fill_drawn,
                           .end = free,
                           .drop = drop_nothing};
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    assert_int_equal(td_duck_add_table(duck, &table), TD_OK);
    assert_int_equal(td_duck_run(duck, "CREATE VIEW t AS FROM drawn()", "test"), TD_OK);
    return duck;
}

static td_status take_text(void *arg, const td_bytes *read, size_t count) {
    (void)count;
    (void)snprintf(arg, 128, "%.*s", (int)read[0].size, (const char *)read[0].data);
    return TD_OK;
}

static void expect(td_duck *duck, const char *query, const char *wanted) {
    char sql[1024], got[128] = "";
    assert_true(snprintf(sql, sizeof sql, query, dir, dir) < (int)sizeof sql);
    assert_int_equal(td_duck_each(duck, sql, "test", take_text, got), TD_OK);
    assert_string_equal(got, wanted);
}

static void each_shape_is_read(void **unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const shape *s = &shapes[i];
        char groups[64];
        td_duck *duck = open_table(s);
        td_parquet *file = file_of(&td_os_posix, s);
        write_file(file, &shapes[(i + 3) % COUNT_OF(shapes)], "other");
        write_file(file, s, "a");
        write_file(file, s, "b"); /* once more, by the same, which has forgotten what was before */
        td_parquet_free(file);
        expect(duck, "SELECT count(*)::VARCHAR FROM (FROM t EXCEPT ALL FROM read_parquet('%s/a.parquet'))", "0");
        expect(duck, "SELECT count(*)::VARCHAR FROM (FROM read_parquet('%s/a.parquet') EXCEPT ALL FROM t)", "0");
        expect(duck, "SELECT (max(content) = min(content))::VARCHAR FROM read_blob('%s/[ab].parquet')", "true");
        expect(duck,
               "SELECT coalesce(count(*) FILTER (WHERE n <> r), 0)::VARCHAR FROM"
               " (SELECT n, row_number() OVER () - 1 AS r FROM read_parquet('%s/a.parquet'))",
               "0"); /* in their order */
        (void)snprintf(groups, sizeof groups, "%d", (s->rows + s->group_rows - 1) / s->group_rows);
        if (s->group_bytes == 1 << 30)
            expect(duck, "SELECT count(DISTINCT row_group_id)::VARCHAR FROM parquet_metadata('%s/a.parquet')", groups);
        td_duck_close(duck);
    }
}

/* How many groups say of a column something else than what is in them. */
static void expect_bounds(td_duck *duck, const char *name, const char *type) {
    char sql[1024];
    (void)snprintf(sql, sizeof sql,
                   "WITH told AS (SELECT row_group_num_rows AS rows, sum(rows) OVER (ORDER BY row_group_id) AS stop,"
                   " stats_min_value::%s AS least, stats_max_value::%s AS most, stats_null_count AS nulls"
                   " FROM parquet_metadata('%%s/a.parquet') WHERE path_in_schema = '%s')"
                   " SELECT count(*)::VARCHAR FROM told WHERE (least, most, nulls) IS DISTINCT FROM"
                   " (SELECT (min(%s)::%s, max(%s)::%s, count(*) - count(%s))"
                   " FROM read_parquet('%%s/a.parquet', file_row_number = true)"
                   " WHERE file_row_number >= stop - rows AND file_row_number < stop)",
                   type, type, name, name, type, name, type, name);
    expect(duck, sql, "0");
}

/* Groups end by size, and their statistics are what is in them, each of its own. */
static void statistics(void **unused) {
    (void)unused;
    td_duck *duck = open_table(&shapes[7]);
    td_parquet *file = file_of(&td_os_posix, &shapes[7]);
    write_file(file, &shapes[7], "a");
    td_parquet_free(file);
    expect(duck,
           "SELECT (count(DISTINCT row_group_id) BETWEEN 4 AND 10)::VARCHAR FROM parquet_metadata('%s/a.parquet')",
           "true");
    expect(duck, "SELECT string_agg(DISTINCT compression, '') FROM parquet_metadata('%s/a.parquet')", "ZSTD");
    static const char *const names[] = {"n", "wide", "small", "price", "sum", "few", "many"};
    for (size_t i = 0; i < COUNT_OF(names); i++) expect_bounds(duck, names[i], i < 5 ? "DECIMAL(38,17)" : "VARCHAR");
    file = file_of(&td_os_posix, &shapes[9]);
    write_file(file, &shapes[9], "a");
    td_parquet_free(file);
    expect(duck,
           "SELECT count(*) || ' ' || count(stats_min_value) || ' ' || count(stats_max_value)"
           " FROM parquet_metadata('%s/a.parquet') WHERE path_in_schema = 'many'",
           "1 0 0"); /* texts of more than 64 bytes bound nothing */
    td_duck_close(duck);
}

static void encodings(void **unused) {
    (void)unused;
    td_duck *duck;
    td_parquet *file = file_of(&td_os_posix, &shapes[5]);
    write_file(file, &shapes[5], "a");
    td_parquet_free(file);
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    expect(duck,
           "SELECT string_agg(path_in_schema || ' ' || encodings, '; ' ORDER BY path_in_schema)"
           " FROM parquet_metadata('%s/a.parquet') WHERE path_in_schema IN ('few', 'flag', 'n')",
           "few RLE, PLAIN, RLE_DICTIONARY; flag RLE, PLAIN; n RLE, DELTA_BINARY_PACKED");
    file = file_of(&td_os_posix, &shapes[9]);
    write_file(file, &shapes[9], "a");
    td_parquet_free(file);
    expect(duck, "SELECT encodings FROM parquet_metadata('%s/a.parquet') WHERE path_in_schema = 'many'",
           "RLE, PLAIN"); /* 300 texts are few, but large */
    td_duck_close(duck);
}

/* ---- a machine that refuses ---- */

static int calls_left;

static td_status failing_write(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    if (calls_left-- == 0) return TD_FAIL(TD_RETRY, "no space");
    return td_os_posix.ops->write_at(self, file, data, size, offset, out_size);
}

static void refusals_are_told(void **unused) {
    (void)unused;
    td_os_ops ops = *td_os_posix.ops;
    ops.write_at = failing_write;
    const td_os os = {&ops, td_os_posix.self};
    const shape *s = &shapes[3];
    char path[96];
    (void)snprintf(path, sizeof path, "%s/a.parquet", dir);
    td_parquet *file = file_of(&os, s);
    for (int n = 0; n < COLUMNS + 2; n++) { /* the beginning, each column, the footer */
        cells row = {0};
        calls_left = n;
        td_status status = td_parquet_begin(file, path);
        for (int i = 0; i < 3 && status == TD_OK; i++) {
            draw_row(s, i, &row);
            put_into_file(file, &row);
        }
        if (status == TD_OK) status = td_parquet_end(file);
        assert_int_equal(status, TD_RETRY);
    }
    calls_left = -1;
    write_file(file, s, "a"); /* as if nothing had been */
    td_parquet_free(file);
    td_duck *duck;
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    expect(duck, "SELECT count(*)::VARCHAR FROM read_parquet('%s/a.parquet')", "129");
    td_duck_close(duck);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_shape_is_read), cmocka_unit_test(statistics),
                                       cmocka_unit_test(encodings), cmocka_unit_test(refusals_are_told)};
    td_duck *duck;
    if (td_duck_open(&duck, NULL) != TD_OK) return SKIPPED; /* its library is not here */
    td_duck_close(duck);
    (void)snprintf(dir, sizeof dir, "/tmp/sink_parquet_file_XXXXXX");
    if (mkdtemp(dir) == NULL) return 1;
    int failed = cmocka_run_group_tests_name("sink_parquet_file", tests, NULL, NULL);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) != 0 ? 1 : failed;
}
