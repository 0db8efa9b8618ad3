/* tests/unit/app_sql_tables_test.c - goal: of archive and log each row is there once, also where files come and are
 * replaced behind the listing; a folder is found whatever its name, or refused. */
#include "log_rig.h"
/* after the rig's own */
#include "app/sql_tables.h"
#include "schema/record.h"
#include "sink/archive.h"

enum { SKIPPED = 77 };

static void run_sql(td_duck *duck, const char *sql) {
    td_status status = td_duck_run(duck, sql, "test");
    if (status != TD_OK) print_error("%s: %s\n", sql, td_trail());
    assert_int_equal(status, TD_OK);
}

static td_status take_text(void *arg, const td_bytes *cells, size_t count) {
    assert_int_equal(count, 1);
    (void)snprintf(arg, 64, "%.*s", (int)cells[0].size, (const char *)cells[0].data);
    return TD_OK;
}

/* "rows, distinct ones, those of their day, sum of their trades". */
static void expect_bars(td_duck *duck, const char *wanted) {
    char got[64] = "";
    const char *sql = "SELECT count(*) || ' ' || count(DISTINCT src_offset) || ' ' ||"
                      " count(*) FILTER (day = DATE '1970-01-01') || ' ' || sum(trade_count) FROM bars";
    td_status status = td_duck_each(duck, sql, "test", take_text, got);
    if (status != TD_OK) print_error("%s\n", td_trail());
    assert_int_equal(status, TD_OK);
    assert_string_equal(got, wanted);
}

static td_bar bar_of(int64_t offset) { return (td_bar){.width_ns = 60, .end_ns = 60, .trade_count = 1 + offset % 2}; }

typedef struct written { /* bars from `next` to before `end` */
    td_archive_form form;
    int64_t next, end;
} written;

static td_status begin_written(void *self, void **out_scan) {
    written *w = td_alloc(sizeof *w);
    *w = *(const written *)self;
    *out_scan = w;
    return TD_OK;
}

static td_status fill_written(void *scan, td_duck_rows *rows) {
    written *w = scan;
    td_status status = TD_OK;
    for (; w->next < w->end && !td_duck_rows_full(rows) && status == TD_OK; w->next++) {
        td_sink_row row = {.kind = TD_ROW_BAR, .instrument = TD_TEXT("V:A"), .source = {0, w->next}};
        row.bar = bar_of(w->next);
        status = td_archive_append(rows, &w->form, &row, 0);
    }
    return status;
}

/* As a sink writes it: bars from `first` to before `end`, by a database of its own. */
static void write_file(const char *archive, int64_t first, int64_t end) {
    static const char folder[] = "bars/instrument=V%3AA/day=1970-01-01";
    td_duck *duck;
    td_buf sql = {0}, path = {0};
    written *w = td_alloc_zero(1, sizeof *w);
    *w = (written){.next = first, .end = end};
    td_archive_form_init(&w->form, TD_TABLE_BARS);
    td_duck_table table = {.name = "written",
                           .columns = w->form.columns,
                           .count = w->form.count,
                           .self = w,
                           .begin = begin_written,
                           .fill = fill_written,
                           .end = free,
                           .drop = free};
    rig_run("mkdir -p \"%s/%s\"", archive, folder);
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    assert_int_equal(td_duck_add_table(duck, &table), TD_OK);
    td_buf_text(&sql, "COPY (SELECT * EXCLUDE (instrument, day) FROM written()) TO ");
    td_buf_printf(&path, "%s/%s/part-0000-%012d.parquet", archive, folder, (int)first);
    td_duck_quote(&sql, td_buf_bytes(&path));
    td_buf_put(&sql, "", 1);
    run_sql(duck, (const char *)sql.data);
    td_duck_close(duck);
    td_buf_fini(&sql);
    td_buf_fini(&path);
}

static void append_bars(rig *r, const td_schema_ids *ids, int64_t count) {
    td_buf value = {0};
    for (int64_t n = 0; n < count; n++) {
        td_bar bar = bar_of(n);
        value.size = 0;
        td_record_put_bar(&value, ids, TD_TEXT("V:A"), &bar);
        td_batch_reset(&r->batch);
        assert_true(td_batch_add(&r->batch, 1000 + n, TD_TEXT("V:A"), td_buf_bytes(&value), TD_TEXT("cause"),
                                 TD_TEXT("tape/0/0/1/0")));
        assert_int_equal(td_writer_append(r->writer, r->topic, 0, &r->batch), TD_OK);
    }
    assert_int_equal(td_log_sync(r->log), TD_OK);
    td_buf_fini(&value);
}

/* Offsets 0 to 9 are in the log. The archive has 0 to 3 and what the log does not have any more, 100 to 102. */
static void each_row_once(void **state) {
    rig *r = *state;
    td_schema_ids ids;
    td_duck *duck;
    char archive[80];
    td_schema_ids_init(&ids);
    ids.id[TD_SCHEMA_BAR] = 1;
    assert_true(td_schema_ids_put(&ids, 1, TD_SCHEMA_BAR));
    rig_open_log(r);
    append_bars(r, &ids, 10);
    td_data data = {.topics = {.log = r->log, .partitions = 2, .ids = &ids}};
    data.topics.outputs[TD_OUTPUT_BARS] = r->topic;
    (void)snprintf(archive, sizeof archive, "%s/archive", r->root);
    write_file(archive, 0, 4);
    write_file(archive, 100, 103);
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    assert_int_equal(td_sql_tables_make(duck, &(td_sql_source){&data, archive}, "from BARS"), TD_OK);
    expect_bars(duck, "13 13 13 19");
    write_file(archive, 4, 9); /* behind the listing */
    expect_bars(duck, "13 13 13 19");
    write_file(archive, 0, 7); /* a day's whole file in the place of its first part */
    expect_bars(duck, "13 13 13 19");
    td_duck_close(duck);
}

static void an_archive_stands_still(void **state) {
    rig *r = *state;
    td_duck *duck;
    char archive[80];
    (void)snprintf(archive, sizeof archive, "%s/archive", r->root);
    write_file(archive, 0, 4);
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    assert_int_equal(td_sql_tables_make(duck, &(td_sql_source){NULL, archive}, "from bars"), TD_OK);
    write_file(archive, 4, 9);
    expect_bars(duck, "4 4 4 6");
    td_duck_close(duck);
}

static void folders_by_any_name(void **state) {
    rig *r = *state;
    static const char *const names[] = {"a b", "a*", "a?b", "a[1]", "a]", "it's {1,2}", "[!a]%3A="};
    char archive[80];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        td_duck *duck;
        (void)snprintf(archive, sizeof archive, "%s/%s", r->root, names[i]);
        write_file(archive, 0, (int64_t)i + 2);
        char wanted[64];
        size_t count = i + 2;
        (void)snprintf(wanted, sizeof wanted, "%zu %zu %zu %zu", count, count, count, count + count / 2);
        assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
        assert_int_equal(td_sql_tables_make(duck, &(td_sql_source){NULL, archive}, "from bars"), TD_OK);
        expect_bars(duck, wanted);
        if (i == 0) assert_int_equal(td_sql_tables_make(duck, &(td_sql_source){NULL, "a\\b"}, "from bars"), TD_CONFIG);
        td_duck_close(duck);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_row_once, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(an_archive_stands_still, rig_new, rig_free),
        cmocka_unit_test_setup_teardown(folders_by_any_name, rig_new, rig_free),
    };
    td_duck *duck;
    if (td_duck_open(&duck, NULL) != TD_OK) return SKIPPED; /* its library is not here */
    td_duck_close(duck);
    return cmocka_run_group_tests_name("app_sql_tables", tests, NULL, NULL);
}
