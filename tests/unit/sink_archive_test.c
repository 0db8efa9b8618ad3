/* tests/unit/sink_archive_test.c - goal: every kind of row has a cell for each column of its table, which a pack gives
 * back whatever it is, and a torn pack does not; names of folders
 * are what readers of Hive's partitions undo; days begin where they should, also before 1970; and, where DuckDB's
 * library is, what is appended is read back, whatever its bytes, and a number that does not fit is told and not cut. */
#include "base/time.h"
#include "sink/archive.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static td_sink_row row_of(unsigned kind, int64_t ns) {
    td_sink_row row = {.instrument = TD_TEXT("V:A"), .source = {3, 77}, .tape_offset = 55, .feed = TD_TEXT("f")};
    row.kind = kind;
    if (kind == TD_ROW_BAR) row.bar = (td_bar){.start_ns = ns, .end_ns = ns + 5, .width_ns = 60, .close = 7};
    if (kind == TD_ROW_SIGNAL) row.signal = (td_signal){.strategy = TD_TEXT("s"), .event_ns = ns, .ordinal = 1};
    if (kind == TD_ROW_FILL)
        row.fill = (td_fill){.signal = TD_TEXT("s/V:A"), .event_ns = ns, .side = TD_SIDE_BUY, .quantity = 1};
    if (kind == TD_ROW_QUARANTINED)
        row.refusal = (td_sink_refusal){TD_REASON_LATE, 2, {TD_NS_PER_S, TD_NS_PER_MIN}, ns};
    if (kind == TD_ROW_GAP)
        row.gap = (td_gap){.from_ns = ns, .to_ns = TD_NONE, .first_id = TD_NONE, .last_id = 4, .missing = TD_NONE};
    row.event = (td_event){.kind = kind == TD_ROW_VENDOR_BAR ? TD_EVENT_VENDOR_BAR : TD_EVENT_TRADE, .event_ns = ns};
    if (kind == TD_ROW_VENDOR_BAR)
        row.event.vendor_bar = (td_vendor_bar){.start_ns = ns, .width_ns = 9, .volume = TD_NONE};
    else
        row.event.trade = (td_trade){.price = 5, .size = 6, .trade_id = TD_NONE};
    return row;
}

static void a_cell_for_each_column(void **state) {
    (void)state;
    static td_archive_form form;
    for (unsigned kind = TD_ROW_BAR; kind <= TD_ROW_QUARANTINED; kind++) {
        td_sink_row row = row_of(kind, 5);
        td_cells cells;
        unsigned id = td_table_of(&row);
        td_archive_form_init(&form, id);
        td_table_cells(id, &row, 1, &cells);
        assert_int_equal(cells.count, form.table->column_count);
        assert_int_equal(td_archive_named(td_text(form.table->name)), id);
        assert_string_equal(form.columns[0].name, "day");
        size_t at = 1;
        for (size_t i = 0; i < cells.count; i++, at++) {
            const td_column *column = &form.table->columns[i];
            assert_string_equal(form.columns[at].name, column->name);
            if (column->type == TD_COLUMN_DECIMAL) assert_int_equal(form.columns[at].scale, cells.items[i].scale);
            if (column->instant != NULL) at++;
        }
        assert_int_equal(at, form.count);
    }
    assert_int_equal(td_archive_named(TD_TEXT("latest")), TD_ARCHIVE_COUNT);
    assert_int_equal(td_archive_named(TD_TEXT("bar")), TD_ARCHIVE_COUNT);
}

/* ---- packs ---- */

static void expect_cell(const td_duck_column *column, const td_cell *got, const td_cell *wanted) {
    assert_int_equal(got->null, wanted->null);
    if (wanted->null) return;
    if (column->type == TD_DUCK_TEXT)
        assert_true(td_bytes_equal(got->text, wanted->text));
    else if (column->type == TD_DUCK_DECIMAL)
        assert_true(got->decimal == wanted->decimal);
    else
        assert_int_equal(got->number, wanted->number);
}

static void expect_cells_upto(const td_archive_form *form, const td_cell *got, const td_sink_row *row, size_t count) {
    td_cells wanted;
    td_table_cells(td_table_of(row), row, 3, &wanted);
    assert_true(got[0].null);
    for (size_t i = 0, at = 1; i < count; i++, at++) {
        if (at == form->instrument)
            assert_true(got[at].null);
        else
            expect_cell(&form->columns[at], &got[at], &wanted.items[i]);
        if (form->table->columns[i].instant == NULL) continue;
        at++;
        assert_int_equal(got[at].null, wanted.items[i].null);
        if (!got[at].null) assert_int_equal(got[at].number, td_window_start(wanted.items[i].number, 1000) / 1000);
    }
}

static void expect_row(const td_archive_form *form, const td_cell *got, const td_sink_row *row) {
    expect_cells_upto(form, got, row, form->table->column_count);
}

static void packs_give_rows_back(void **state) {
    (void)state;
    static td_archive_form form;
    static td_archive_pack pack;
    for (unsigned kind = TD_ROW_BAR; kind <= TD_ROW_QUARANTINED; kind++) {
        td_sink_row rows[6];
        for (int i = 0; i < 6; i++) { /* as before, another one, at the ends, and as at first */
            rows[i] = row_of(kind, i < 2 || i == 5 ? -1 : i == 2 ? -TD_NS_PER_DAY : i == 3 ? INT64_MIN / 2 : -77777);
            rows[i].source.offset = i % 2 == 0 ? INT64_MAX : 0;
            rows[i].feed = i == 3 ? TD_TEXT("") : i == 4 ? TD_TEXT("another feed") : rows[i].feed;
        }
        td_archive_form_init(&form, td_table_of(&rows[0]));
        td_archive_pack_begin(&pack, &form);
        for (int i = 0; i < 6; i++) assert_int_equal(td_archive_pack_put(&pack, &form, &rows[i], 3), TD_OK);
        assert_int_equal(pack.rows, 6);
        td_archive_rows unpacked;
        assert_true(td_archive_rows_begin(&unpacked, &form, td_buf_bytes(&pack.data)));
        for (int i = 0; i < 6; i++) {
            assert_true(td_archive_rows_next(&unpacked));
            expect_row(&form, unpacked.cells, &rows[i]);
        }
        assert_int_equal(unpacked.left.size, 0);
        assert_false(td_archive_rows_next(&unpacked));
    }
    td_buf_fini(&pack.data);
}

/* A pack of a program whose table had a column less is read as what it says, and the later one as its column says; one
 * of a program whose table has more is not read. */
static void packs_of_other_versions(void **state) {
    (void)state;
    static td_archive_form form, older;
    static td_archive_pack pack;
    for (unsigned kind = TD_ROW_BAR; kind <= TD_ROW_QUARANTINED; kind++) {
        td_sink_row rows[3] = {row_of(kind, 5), row_of(kind, -77777), row_of(kind, 5)};
        unsigned id = td_table_of(&rows[0]);
        td_table table = td_tables[id];
        td_archive_rows unpacked;
        td_column columns[TD_TABLE_COLUMNS_MAX];
        td_column *last = &columns[table.column_count - 1];
        memcpy(columns, table.columns, table.column_count * sizeof columns[0]);
        table.columns = columns;
        td_archive_form_init(&form, id);
        form.table = &table;
        older = form;
        td_table smaller = table;
        smaller.column_count--;
        older.table = &smaller;
        td_archive_pack_begin(&pack, &older);
        for (int i = 0; i < 3; i++) assert_int_equal(td_archive_pack_put(&pack, &older, &rows[i], 3), TD_OK);
        for (int said = 0; said < 2; said++) {
            if (said == 1 && last->type != TD_COLUMN_TEXT) break;
            last->before = said == 1 ? "as it was" : NULL;
            size_t at = form.count - 1 - (last->instant != NULL);
            assert_true(td_archive_rows_begin(&unpacked, &form, td_buf_bytes(&pack.data)));
            for (int i = 0; i < 3; i++) {
                assert_true(td_archive_rows_next(&unpacked));
                expect_cells_upto(&form, unpacked.cells, &rows[i], smaller.column_count);
                assert_int_equal(unpacked.cells[at].null, said == 0);
                if (said == 1) assert_true(td_bytes_equal(unpacked.cells[at].text, TD_TEXT("as it was")));
                if (last->instant != NULL) assert_true(unpacked.cells[at + 1].null);
            }
            assert_int_equal(unpacked.left.size, 0);
        }
        td_archive_pack_begin(&pack, &form);
        assert_false(td_archive_rows_begin(&unpacked, &older, td_buf_bytes(&pack.data)));
    }
    td_buf_fini(&pack.data);
}

static void packs_hold_all_digits(void **state) {
    (void)state;
    static td_archive_form form;
    static td_archive_pack pack;
    td_i128 most = (td_i128)10 * 1000000000 * 1000000000;
    most *= most; /* 39 digits */
    td_sink_row row = row_of(TD_ROW_BAR, 5);
    const td_i128 volumes[] = {most - 1, 1 - most, most - 1, 0};
    td_archive_form_init(&form, TD_TABLE_BARS);
    td_archive_pack_begin(&pack, &form);
    for (size_t i = 0; i < COUNT_OF(volumes); i++) {
        row.bar.volume = volumes[i];
        assert_int_equal(td_archive_pack_put(&pack, &form, &row, 3), TD_OK);
    }
    td_archive_rows unpacked;
    assert_true(td_archive_rows_begin(&unpacked, &form, td_buf_bytes(&pack.data)));
    for (size_t i = 0; i < COUNT_OF(volumes); i++) {
        row.bar.volume = volumes[i];
        assert_true(td_archive_rows_next(&unpacked));
        expect_row(&form, unpacked.cells, &row);
    }
    row.bar.volume = most;
    assert_int_equal(td_archive_pack_put(&pack, &form, &row, 3), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "volume has more than the 38 digits"));
    row.bar.volume = -most;
    assert_int_equal(td_archive_pack_put(&pack, &form, &row, 3), TD_CONFIG);
    td_buf_fini(&pack.data);
}

static void texts_are_mended_and_torn_packs_told(void **state) {
    (void)state;
    static td_archive_form form;
    static td_archive_pack pack;
    td_sink_row row = row_of(TD_ROW_PUBLISHED, 5);
    td_archive_form_init(&form, TD_TABLE_TRADES);
    td_archive_pack_begin(&pack, &form);
    row.feed = TD_TEXT("bad \xff\xc3, a feed");
    assert_int_equal(td_archive_pack_put(&pack, &form, &row, 3), TD_OK);
    row.feed = TD_TEXT("bad \xef\xbf\xbd\xef\xbf\xbd, a feed");
    for (size_t size = 0; size <= pack.data.size; size++) { /* each in memory of its own, past which nobody may read */
        td_archive_rows unpacked;
        uint8_t *torn = malloc(size + 1);
        assert_non_null(torn);
        memcpy(torn + 1, pack.data.data, size);
        assert_int_equal(td_archive_rows_begin(&unpacked, &form, (td_bytes){torn + 1, size}), size > 0);
        if (size > 0) assert_int_equal(td_archive_rows_next(&unpacked), size == pack.data.size);
        if (size == pack.data.size) expect_row(&form, unpacked.cells, &row);
        free(torn);
    }
    td_buf_fini(&pack.data);
}

static void names_of_folders(void **state) {
    (void)state;
    static const struct {
        const char *instrument;
        int64_t ns;
        const char *folder;
    } rows[] = {
        {"LEAN:IBM", 0, "d/bars/instrument=LEAN%3AIBM/day=1970-01-01"},
        {"X:a/../b=%'", TD_NS_PER_DAY - 1, "d/bars/instrument=X%3Aa%2F..%2Fb%3D%25%27/day=1970-01-01"},
        {"..", TD_NS_PER_DAY, "d/bars/instrument=%2E./day=1970-01-02"},
        {"X:\xc3\xbc", -1, "d/bars/instrument=X%3A%C3%BC/day=1969-12-31"},
        {"", -TD_NS_PER_DAY, "d/bars/instrument=__HIVE_DEFAULT_PARTITION__/day=1969-12-31"},
        {"A", -TD_NS_PER_DAY - 1, "d/bars/instrument=A/day=1969-12-30"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        td_buf out = {0};
        td_archive_put_folder(&out, "d", "bars", td_text(rows[i].instrument), td_archive_day(rows[i].ns));
        td_buf_put(&out, "", 1);
        assert_string_equal((const char *)out.data, rows[i].folder);
        td_buf_fini(&out);
    }
    assert_int_equal(td_archive_day(INT64_MIN), td_archive_day(INT64_MIN + TD_NS_PER_DAY)); /* it does not overflow */
    assert_int_equal(td_archive_us(INT64_MIN), INT64_MIN / 1000);                           /* likewise */
    assert_int_equal(td_archive_us(-1), -1);
}

typedef struct expected {
    const char *cells[5];
    size_t count;
    int rows; /* that have come */
} expected;

static td_status expect_cells(void *arg, const td_bytes *cells, size_t count) {
    expected *wanted = arg;
    assert_int_equal(count, wanted->count);
    for (size_t i = 0; i < count; i++) {
        if (wanted->cells[i] == NULL)
            assert_null(cells[i].data);
        else
            assert_true(td_bytes_equal(cells[i], td_text(wanted->cells[i])));
    }
    wanted->rows++;
    return TD_OK;
}

static const td_duck_column four[] = {
    {.name = "a", .type = TD_DUCK_TEXT},
    {.name = "n", .type = TD_DUCK_BIGINT},
    {.name = "d", .type = TD_DUCK_DECIMAL, .precision = 19, .scale = 9},
    {.name = "i", .type = TD_DUCK_INSTANT},
};

enum { NEVER = -1, AT_BEGIN = 0, ROWS = 5000 /* more than a chunk of DuckDB's */, ENOUGH = 100 * ROWS };

static struct { /* a table of ours, and what became of it */
    int fails_at;
    td_i128 most; /* of the column d; 0: as the rows say */
    _Atomic int begun, ended, filled, dropped;
} ours;

static td_status begin_ours(void *self, void **out_scan) {
    assert_ptr_equal(self, &ours);
    if (ours.fails_at == AT_BEGIN) return TD_FAIL(TD_RETRY, "no begin");
    ours.begun++;
    *out_scan = td_alloc_zero(1, sizeof(int));
    return TD_OK;
}

static td_status put_ours(td_duck_rows *rows, int i) {
    td_duck_rows_next(rows);
    td_duck_rows_set_number(rows, 1, i);
    if (ours.most != 0) return td_duck_rows_set_decimal(rows, 2, i % 2 == 0 ? ours.most : -ours.most);
    if (i % 2 == 0) return TD_OK;
    td_duck_rows_set_text(rows, 0, i == 1 ? TD_TEXT("bad \xff\xc3, a text of more than twelve bytes") : TD_TEXT("s"));
    td_duck_rows_set_number(rows, 3, -1);
    return td_duck_rows_set_decimal(rows, 2, i == 1 ? INT64_MIN : -i);
}

static td_status fill_ours(void *scan, td_duck_rows *rows) {
    int *next = scan;
    td_status status = TD_OK;
    ours.filled++;
    for (; *next < ROWS && !td_duck_rows_full(rows) && status == TD_OK; (*next)++)
        status = *next == ours.fails_at ? TD_FAIL(TD_CORRUPT, "row %d is damaged", *next) : put_ours(rows, *next);
    return status;
}

static void end_ours(void *scan) {
    ours.ended++;
    free(scan);
}

static void drop_ours(void *self) {
    (void)self;
    ours.dropped++;
}

/* With ours() as t. */
static td_duck *begin(int fails_at, td_i128 most) {
    td_duck *duck = NULL;
    const td_duck_table table = {"ours", four, 4, ROWS, &ours, begin_ours, fill_ours, end_ours, drop_ours};
    ours.fails_at = fails_at;
    ours.most = most;
    ours.begun = ours.ended = ours.filled = ours.dropped = 0;
    if (td_duck_open(&duck, NULL) != TD_OK) skip(); /* the library is not here */
    assert_int_equal(td_duck_add_table(duck, &table), TD_OK);
    assert_int_equal(td_duck_run(duck, "CREATE VIEW t AS FROM ours()", "test"), TD_OK);
    return duck;
}

#define ALL "SELECT COLUMNS(*)::VARCHAR FROM t WHERE n = "

static void a_table_of_ours_is_read(void **state) {
    (void)state;
    td_duck *duck = begin(NEVER, 0);
    static const struct {
        const char *sql;
        expected row;
    } rows_read[] = {
        {ALL "1",
         {{"bad \xef\xbf\xbd\xef\xbf\xbd, a text of more than twelve bytes", "1", "-9223372036.854775808",
           "1969-12-31 23:59:59.999999+00"},
          4,
          0}},
        {ALL "4999", {{"s", "4999", "-0.000004999", "1969-12-31 23:59:59.999999+00"}, 4, 0}},
        {ALL "4998", {{NULL, "4998", NULL, NULL}, 4, 0}},
        {"SELECT count(*)::VARCHAR, count(d)::VARCHAR FROM t", {{"5000", "2500"}, 2, 0}},
        {"SELECT count(*)::VARCHAR FROM t", {{"5000"}, 1, 0}},
        {"SELECT d::VARCHAR, d::VARCHAR, a FROM t WHERE n = 3", {{"-0.000000003", "-0.000000003", "s"}, 3, 0}},
        {"SELECT count(*)::VARCHAR FROM t JOIN t AS u USING (n)", {{"5000"}, 1, 0}},
    };
    for (size_t i = 0; i < COUNT_OF(rows_read); i++) {
        expected row = rows_read[i].row;
        assert_int_equal(td_duck_each(duck, rows_read[i].sql, "test", expect_cells, &row), TD_OK);
        assert_int_equal(row.rows, 1);
    }
    assert_int_equal(ours.begun, COUNT_OF(rows_read) + 1);
    ours.filled = 0;
    assert_int_equal(td_duck_run(duck, "FROM t LIMIT 1", "test"), TD_OK);
    assert_int_equal(ours.filled, 1); /* as far as the query wants */
    assert_int_equal(ours.dropped, 0);
    td_duck_close(duck);
    assert_true(ours.begun == ours.ended && ours.dropped == 1);
}

static void what_a_table_of_ours_fails_with_is_told(void **state) {
    (void)state;
    td_i128 most = INT64_C(1000000000000000000);
    most *= 10; /* 20 digits */
    const struct {
        int fails_at;
        td_i128 most;
        td_status status;
        const char *said;
    } rows[] = {
        {NEVER, most - 1, TD_OK, ""},
        {NEVER, 1 - most, TD_OK, ""},
        {NEVER, most, TD_CONFIG, "duckdb: d has more than the 19 digits that its column has"},
        {NEVER, -most, TD_CONFIG, "duckdb: d has more than the 19 digits that its column has"},
        {AT_BEGIN, 0, TD_RETRY, "no begin"},
        {1, 0, TD_CORRUPT, "row 1 is damaged"},
        {ROWS - 1, 0, TD_CORRUPT, "row 4999 is damaged"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_duck *duck = begin(rows[i].fails_at, rows[i].most);
        for (int time = 1; time <= 2; time++) {
            assert_int_equal(td_duck_run(duck, "SELECT sum(n + d) FROM t", "test"), rows[i].status);
            if (rows[i].status != TD_OK) assert_memory_equal(td_trail(), rows[i].said, strlen(rows[i].said));
        }
        assert_int_equal(td_duck_run(duck, "FROM nothing", "test"), TD_CONFIG); /* one failure is not the next one's */
        assert_non_null(strstr(td_trail(), "nothing"));
        td_duck_close(duck);
        assert_true(ours.begun == ours.ended && ours.dropped == 1);
    }
}

static td_status count_rows(void *arg, const td_bytes *cells, size_t count) {
    assert_int_equal(count, 1);
    assert_true(cells[0].size > 0);
    return ++*(int *)arg == ENOUGH ? TD_FAIL(TD_REJECT, "enough") : TD_OK;
}

/* Each row as it is made: those before a failure were there. */
static void a_stream(void **state) {
    (void)state;
    static const struct {
        int fails_at;
        const char *sql;
        td_status status;
        int least, most; /* rows before that */
    } rows[] = {
        {NEVER, "SELECT n::VARCHAR FROM t", TD_OK, ROWS, ROWS},
        {ROWS - 1, "SELECT n::VARCHAR FROM t, range(100)", TD_CORRUPT, 1000, 100 * ROWS - 1},
        {NEVER, "SELECT n::VARCHAR FROM t, range(200)", TD_REJECT, ENOUGH, ENOUGH},
        {NEVER, "SELECT n::VARCHAR FROM nothing", TD_CONFIG, 0, 0},
        {NEVER, "SELECT error('told')::VARCHAR FROM t", TD_CONFIG, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int count = 0;
        td_duck *duck = begin(rows[i].fails_at, 0);
        assert_int_equal(td_duck_stream(duck, rows[i].sql, "test", count_rows, &count), rows[i].status);
        assert_in_range(count, rows[i].least, rows[i].most);
        count = 0; /* the next one does not know */
        assert_int_equal(td_duck_stream(duck, "SELECT 'x'", "test", count_rows, &count), TD_OK);
        assert_int_equal(count, 1);
        td_duck_close(duck);
        assert_true(ours.begun == ours.ended && ours.dropped == 1);
    }
}

static void only_what_reads(void **state) {
    (void)state;
    static const struct {
        const char *sql, *said; /* NULL: it is run */
    } rows[] = {
        {"select 1 as a, 'x' as b", NULL},
        {"from t", NULL},
        {"with x as (select 1) select * from x;", NULL},
        {"describe t", NULL},
        {"drop view t", "only what reads is run"},
        {"copy t to '/nowhere/x.csv'", "only what reads is run"},
        {"explain analyze copy t to '/nowhere/x.csv'", "only what reads is run"},
        {"select 1; drop view t", "one query is expected, not 2"},
        {"selec 1", "syntax error"},
        {"select nothing from t", "nothing"},
        {"", "there is no query"},
        {"from enable_logging(storage_path = '/nowhere/logs')", "enable_logging writes files"},
        {"select 1 from Enable_Profiling(save_location = '/nowhere/x.json', format = 'json')",
         "enable_profiling writes files"},
    };
    td_duck *duck = begin(NEVER, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        td_duck_shape shape;
        td_status status = td_duck_ask_shape(duck, rows[i].sql, &shape);
        assert_int_equal(status, rows[i].said == NULL ? TD_OK : TD_CONFIG);
        if (rows[i].said != NULL) assert_non_null(strstr(td_trail(), rows[i].said));
        if (i == 0) assert_true(shape.count == 2 && shape.numbers[0] && !shape.numbers[1]);
        if (status == TD_OK) td_duck_shape_free(&shape);
    }
    td_duck_close(duck);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_for_each_column),
        cmocka_unit_test(names_of_folders),
        cmocka_unit_test(packs_give_rows_back),
        cmocka_unit_test(packs_of_other_versions),
        cmocka_unit_test(packs_hold_all_digits),
        cmocka_unit_test(texts_are_mended_and_torn_packs_told),
        cmocka_unit_test(a_table_of_ours_is_read),
        cmocka_unit_test(what_a_table_of_ours_fails_with_is_told),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(only_what_reads),
    };
    return cmocka_run_group_tests_name("sink_archive", tests, NULL, NULL);
}
