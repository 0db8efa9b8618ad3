/* tests/unit/feed_parquet_test.c - goal: rows of Parquet become the events that they were, whatever types others chose
 * for the same columns; files are merged by when their rows came and by their places on the tape, however many rows
 * they have; what is no row, no table of ticks or no Parquet is told, and the others go on. */
#include "feed_unit.h"
#include "os/duck.h"

enum { SKIPPED = 77 };

static void copy(const char *name, const char *select) {
    td_duck *duck;
    td_buf sql = {0};
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    td_buf_printf(&sql, "COPY (%s) TO ", select);
    td_duck_quote(&sql, td_text(unit_path(name)));
    td_buf_printf(&sql, " (FORMAT parquet, ROW_GROUP_SIZE 4096)%c", '\0');
    td_status status = td_duck_run(duck, (const char *)sql.data, "test");
    if (status != TD_OK) fail_msg("%s", td_trail());
    td_duck_close(duck);
    td_buf_fini(&sql);
}

static void expect(const char *path, const char *wanted) {
    char *text = unit_feed_text(&td_feed_parquet, &td_os_posix, (const unit_option[]){{"path", unit_path(path)}, {0}});
    assert_string_equal(text, wanted);
    free(text);
}

#define TIME "2026-03-02 14:30:00.123456"
#define SAID "X:A 2026-03-02T14:30:00.123456"

/* Times and numbers of every type that others give these columns. */
static const struct {
    const char *select, *wanted;
} types[] = {
    {"SELECT TIMESTAMP '" TIME "' AS time, 'X:A' AS instrument, 100.1::DOUBLE AS price, 3::BIGINT AS size",
     "0:1 " SAID "Z trade 100.1 x 3 side 0 id none [ ]\n0:0 end\n"},
    {"SELECT TIMESTAMPTZ '" TIME "+00' AS time, 'X:A'::BLOB AS instrument, 0.1::FLOAT AS price, 1e-8::DOUBLE AS size, "
     "'sell' AS side, 7::UINTEGER AS id",
     "0:1 " SAID "Z trade 0.1 x 0.00000001 side 2 id 7 [ ]\n0:0 end\n"},
    {"SELECT '" TIME "789'::TIMESTAMP_NS AS time, 'X:A' AS instrument, '9000000000.123456789'::DECIMAL(19,9) AS price, "
     "'90000000000.12345678'::DECIMAL(19,8) AS size",
     "0:1 " SAID "789Z trade 9000000000.123456789 x 90000000000.12345678 side 0 id none [ ]\n0:0 end\n"},
    {"SELECT 1772461800123::BIGINT AS time, 'X:A' AS instrument, 1.5 AS bid, NULL::DOUBLE AS ask, 'nan'::DOUBLE AS "
     "bid_size",
     "0:1 X:A 2026-03-02T14:30:00.123Z quote 1.5 x none | none x none seq none [ ]\n0:0 end\n"},
    {"SELECT DATE '2026-03-02' AS time, 'X:A' AS instrument, 1 AS price, 1 AS size, [1] AS other",
     "0:1 X:A 2026-03-02T00:00:00Z trade 1 x 1 side 0 id none [ ]\n0:0 end\n"},
    {"SELECT '2026-03-02T14:30:00Z' AS time, 'X:A' AS instrument, '1.25' AS price, '2' AS size",
     "0:1 X:A 2026-03-02T14:30:00Z trade 1.25 x 2 side 0 id none [ ]\n0:0 end\n"},
};

static void columns_of_any_type(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        copy("a.parquet", types[i].select);
        expect("a.parquet", types[i].wanted);
        unit_empty_folder();
    }
}

static void columns_of_other_names(void **state) {
    (void)state;
    copy("a.parquet", "SELECT 1772461800 AS \"t s\", 'A' AS \"sym\"\"bol\", 5 AS px, 6 AS size");
    char *text = unit_feed_text(&td_feed_parquet, &td_os_posix,
                                (const unit_option[]){{"path", unit_path("a.parquet")},
                                                      {"venue", "XETR"},
                                                      {"fields", "time=t s"},
                                                      {"fields", "instrument=sym\"bol"},
                                                      {"fields", "price=px"},
                                                      {0}});
    assert_string_equal(text, "0:1 XETR:A 2026-03-02T14:30:00Z trade 5 x 6 side 0 id none [ ]\n0:0 end\n");
    free(text);
    unit_feed f;
    void *feed;
    unit_feed_conf(&f, &td_feed_parquet,
                   (const unit_option[]){{"path", unit_path("a.parquet")}, {"fields", "prise=px"}, {NULL, NULL}});
    assert_int_equal(td_feed_parquet.open(&feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
    assert_string_equal(td_trail(), "fields.prise: no column of ours; did you mean \"price\"?");
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
    unit_empty_folder();
}

#define STORED                                                                                                         \
    "SELECT n AS event_ns, 'X:A' AS instrument, %s, '' AS exchange, '@F' AS condition, 'f' AS feed, %s AS flags, "     \
    "'%s' AS origin, receive AS receive_ns, ord FROM (VALUES %s) v(n, receive, ord)"

static void stored(const char *name, const char *columns, const char *flags, const char *origin, const char *rows) {
    td_buf sql = {0};
    td_buf_printf(&sql, STORED "%c", columns, flags, origin, rows, '\0');
    copy(name, (const char *)sql.data);
    td_buf_fini(&sql);
}

#define TRADE  "1.5 AS price, 2 AS size, 'unknown' AS side, 9 AS trade_id"
#define QUOTE  "1 AS bid_price, 2 AS bid_size, 3 AS ask_price, 4 AS ask_size, 77 AS sequence"
#define TRADED "trade 1.5 x 2 side 0 id 9 [ @F]"
#define QUOTED "quote 1 x 2 | 3 x 4 seq 77 [ @F]"

/* By when they came, then by their places, however they lie in files. */
static void what_our_stores_have(void **state) {
    (void)state;
    stored("a.parquet", TRADE, "6", "feed", "(5, 10, 1), (6, 20, 4), (4, 20, 6), (7, 30, 8)");
    stored("b.parquet", QUOTE, "1", "feed", "(3, 10, 0), (6, 20, 3), (6, 20, 5), (2, 25, 7)");
#define AT " 1970-01-01T00:00:00.00000000"
    expect("*.parquet", "1:1 X:A" AT "3Z " QUOTED " inexact\n"
                        "0:1 X:A" AT "5Z " TRADED " time-receive suspicious\n"
                        "1:2 X:A" AT "6Z " QUOTED " inexact\n"
                        "0:2 X:A" AT "6Z " TRADED " time-receive suspicious\n"
                        "1:3 X:A" AT "6Z " QUOTED " inexact\n"
                        "0:3 X:A" AT "4Z " TRADED " time-receive suspicious\n"
                        "1:4 X:A" AT "2Z " QUOTED " inexact\n"
                        "0:4 X:A" AT "7Z " TRADED " time-receive suspicious\n"
                        "0:0 end\n");
    unit_empty_folder();
}

/* The rule that refused it would refuse it again. */
static void a_release_is_one_again(void **state) {
    (void)state;
    stored("a.parquet", TRADE, "8", "release", "(5, 10, 0), (5, 8, 1)");
    stored("b.parquet", TRADE, "8", "backfill", "(5, 11, 2)");
    unit_feed f;
    td_feed_item item;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path("*.parquet")}, {NULL, NULL}});
    unit_feed_open(&f, &td_os_posix);
    for (int i = 0; i < 2; i++) assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.event.origin, TD_ORIGIN_RELEASE);
    assert_int_equal(item.event.flags, TD_FLAG_ANEW);
    assert_true(item.event.receive_ns == 8 && item.clock_ns == 10);
    assert_true(item.event.of_epoch == TD_NONE && item.event.of_offset == TD_NONE);
    assert_true((item.event.pass >> TD_REASON_OUTLIER & 1) != 0 && (item.event.pass >> TD_REASON_LATE & 1) == 0);
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.event.origin, TD_ORIGIN_FEED);
    assert_int_equal(item.event.flags, 0);
    unit_feed_close(&f);
    unit_empty_folder();
}

/* More rows than are read at a time, in three files of which one begins when another has ended. */
static void each_row_once(void **state) {
    (void)state;
    const char *where[] = {"i < 30000 AND i % 2 = 0", "i < 30000 AND i % 2 = 1", "i >= 30000"};
    for (int i = 0; i < 3; i++) {
        td_buf sql = {0};
        char name[16];
        td_buf_printf(
            &sql,
            "SELECT make_timestamp(1700000000000000 + i) AS time, 'X:A' AS instrument, 1 AS price, 1 AS size, i "
            "AS id FROM range(50000) t(i) WHERE %s%c",
            where[i], '\0');
        (void)snprintf(name, sizeof name, "%c.parquet", 'a' + i);
        copy(name, (const char *)sql.data);
        td_buf_fini(&sql);
    }
    unit_feed f;
    td_feed_item item;
    td_feed_file file;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_folder}, {NULL, NULL}});
    unit_feed_open(&f, &td_os_posix);
    assert_true(td_feed_parquet.file(f.feed, 2, &file) && file.begins_ns == INT64_C(1700000000030000000));
    for (int64_t i = 0; i < 50000; i++) {
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        assert_int_equal(item.kind, TD_ITEM_EVENT);
        assert_int_equal(item.event.trade.trade_id, i);
    }
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.kind, TD_ITEM_END);
    unit_feed_close(&f);
    unit_empty_folder();
}

static void put_reject(td_buf *out, const td_feed_item *item) {
    const td_rejected *r = &item->rejected;
    td_buf_printf(out, "%" PRIu64 " %s %.*s | %.*s\n", item->position.line, td_reason_name((td_reason)r->reason),
                  (int)r->detail.size, (const char *)r->detail.data, (int)r->bytes.size, (const char *)r->bytes.data);
}

/* What is refused of the files, and how many rows are not. */
static char *refused(int *out_events) {
    unit_feed f;
    td_feed_item item;
    td_buf text = {0};
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path("*.parquet")}, {NULL, NULL}});
    unit_feed_open(&f, &td_os_posix);
    *out_events = 0;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        if (item.kind == TD_ITEM_REJECTED) put_reject(&text, &item);
        *out_events += item.kind == TD_ITEM_EVENT;
    }
    unit_feed_close(&f);
    td_buf_put(&text, "", 1);
    return (char *)text.data;
}

static void rows_that_are_none(void **state) {
    (void)state;
    int events;
    copy("a.parquet",
         "SELECT * FROM (VALUES ('2026-03-02 14:30:00'::TIMESTAMP, 'X:A', 1.0, '7'), (NULL, 'X:A', 1, '7'), "
         "('infinity', 'X:A', 1, '7'), ('2026-03-02 14:30:00', 'A \"b\"', 1, '7'), ('2026-03-02 14:30:01', 'X:A', "
         "NULL, '7'), ('2026-03-02 14:30:01', 'X:A', 1, '1e30'), ('2026-03-02 14:30:02', 'X:A', 1, '7')) "
         "v(time, instrument, price, size)");
    char *text = refused(&events);
    static const char time[] = "time is neither as 2026-03-02T14:30:00Z or with an offset as -05:00 for the Z, nor a "
                               "whole number of s, ms, us or ns since 1970";
    td_buf wanted = {0};
    td_buf_printf(&wanted,
                  "2 malformed %s | ,\"X:A\",1.0,\"7\"\n3 malformed %s | infinity,\"X:A\",1.0,\"7\"\n"
                  "4 malformed instrument is not as VENUE:SYMBOL, or there are over 256 of them | "
                  "1772461800000000000,\"A \"\"b\"\"\",1.0,\"7\"\n"
                  "5 malformed price is missing, no number, or not in its range | 1772461801000000000,\"X:A\",,\"7\"\n"
                  "6 range size is missing, no number, or not in its range | 1772461801000000000,\"X:A\",1.0,\"1e30\"\n"
                  "%c",
                  time, time, '\0');
    assert_string_equal(text, (const char *)wanted.data);
    assert_int_equal(events, 2);
    td_buf_fini(&wanted);
    free(text);
    unit_empty_folder();
}

static void files_that_are_none(void **state) {
    (void)state;
    int events;
    stored("a.parquet", TRADE, "0", "feed", "(5, 10, 1)");
    copy("b.parquet", "SELECT 'X:A' AS instrument, 1 AS known_at_ns, 2 AS src_offset, 3 AS event_ns, 1 AS price, 1 AS "
                      "size");
    copy("c.parquet", "SELECT 'X:A' AS instrument, 1 AS time, 1 AS price, 1 AS quantity");
    copy("d.parquet", "SELECT 1 AS b");
    copy("e.parquet", "SELECT 1 AS b FROM range(100)");
    unit_cut("e.parquet", -5);
    unit_write("f.parquet", "PAR1", 4);
    char *text = refused(&events), *line = text;
    static const char *const wanted[] = {
        "it is a table of results, which are made of trades and quotes anew: give those",
        "its columns lack what trades need: size",
        "its columns are neither time,instrument,price,size nor",
        "e.parquet",
        "f.parquet",
    };
    for (size_t i = 0; i < 5; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        if (strncmp(line, "0 unreadable ", 13) != 0 || strstr(line, wanted[i]) == NULL) fail_msg("%zu: %s", i, line);
        line = end + 1;
    }
    assert_string_equal(line, "");
    assert_int_equal(events, 1);
    free(text);
    unit_empty_folder();
}

/* Rows before the damage are there, and what is behind it is told once. */
static void damage_within(void **state) {
    (void)state;
    int events;
    copy("a.parquet", "SELECT make_timestamp(1700000000000000 + i) AS time, 'X:A' AS instrument, hash(i) % 100000 AS "
                      "price, hash(i + 7) % 100000 AS size FROM range(40000) t(i)");
    FILE *file = fopen(unit_path("a.parquet"), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    for (long at = size * 3 / 5; at < size * 3 / 5 + 3000; at++) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fputc(0xa5, file), 0xa5);
    }
    assert_int_equal(fclose(file), 0);
    char *text = refused(&events);
    const char *end = strchr(text, '\n');
    if (strstr(text, " unreadable damaged from here on: ") == NULL || end == NULL || end[1] != '\0')
        fail_msg("%s", text);
    assert_in_range(events, 8192, 32768);
    free(text);
    unit_empty_folder();
}

static void folders(void **state) {
    (void)state;
    static const char *const made[] = {"d",
                                       "d/bars",
                                       "d/quotes",
                                       "d/trades",
                                       "d/trades/instrument=X%3AB",
                                       "d/trades/instrument=X%3AB/day=2026-03-02",
                                       "d/trades/instrument=X%3AB/day=2026-03-03",
                                       "d/quotes/day=2026-03-03"};
    enum { MADE = sizeof made / sizeof made[0] };
    for (size_t i = 0; i < MADE; i++) assert_int_equal(mkdir(unit_path(made[i]), 0700), 0);
    static const char *const files[] = {"d/trades/instrument=X%3AB/day=2026-03-02/b[1].parquet",
                                        "d/trades/instrument=X%3AB/day=2026-03-02/.hidden.parquet",
                                        "d/trades/instrument=X%3AB/day=2026-03-03/a.parquet",
                                        "d/quotes/day=2026-03-03/a.parquet",
                                        "d/bars/a.parquet",
                                        "d/a.parquet"};
    enum { FILES = sizeof files / sizeof files[0] };
    for (size_t i = 0; i < FILES; i++)
        copy(files[i],
             i == 3 ? "SELECT 5 AS event_ns, 'X:B' AS instrument, 1 AS bid_price, 2 AS ask_price, 7 AS receive_ns"
                    : "SELECT 5 AS event_ns, 1 AS price, 2 AS size, 6 AS receive_ns");
    unit_feed f;
    td_feed_file file;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path("d")}, {NULL, NULL}});
    unit_feed_open(&f, &td_os_posix);
    const char *wanted[] = {files[0], files[3], files[2]};
    for (size_t i = 0; i < 3; i++) {
        assert_true(td_feed_parquet.file(f.feed, i, &file));
        assert_string_equal(file.path, unit_path(wanted[i]));
    }
    assert_false(td_feed_parquet.file(f.feed, 3, &file));
    td_feed_item item;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        assert_int_equal(item.kind, TD_ITEM_EVENT);
        assert_string_equal((const char *)td_instruments_name(f.instruments, item.event.instrument).data, "X:B");
    }
    unit_feed_close(&f);
    for (size_t i = 0; i < FILES; i++) (void)unlink(unit_path(files[i]));
    for (size_t i = MADE; i-- > 0;) (void)rmdir(unit_path(made[i]));
}

int main(void) {
    td_duck *duck;
    if (td_duck_open(&duck, NULL) != TD_OK) return SKIPPED; /* its library is not here */
    td_duck_close(duck);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_any_type),
        cmocka_unit_test(columns_of_other_names),
        cmocka_unit_test(what_our_stores_have),
        cmocka_unit_test(a_release_is_one_again),
        cmocka_unit_test(each_row_once),
        cmocka_unit_test(rows_that_are_none),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(damage_within),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, unit_make_folder, unit_remove_folder);
}
