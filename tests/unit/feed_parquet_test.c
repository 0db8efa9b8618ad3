/* tests/unit/feed_parquet_test.c - goal: rows of Parquet become the events that they were, whatever types others chose
 * for the same columns; files are merged by when their rows came and by their places on the tape, however many rows
 * they have; what is no row, no table of ticks or no Parquet is told, and the others go on; of a damaged file all is
 * there that can be read, and told what cannot; of a machine that fails nothing is said of the file. */
#include "feed_unit.h"
#include "os/duck.h"
#include "os/duck_library.h"

enum { SKIPPED = 77 };

static void copy_as(const char *name, const char *select, const char *options) {
    td_duck *duck;
    td_buf sql = {0};
    assert_int_equal(td_duck_open(&duck, NULL), TD_OK);
    td_buf_printf(&sql, "COPY (%s) TO ", select);
    td_duck_quote(&sql, td_text(unit_path(name)));
    td_buf_printf(&sql, " (FORMAT parquet, %s)%c", options, '\0');
    td_status status = td_duck_run(duck, (const char *)sql.data, "test");
    if (status != TD_OK) fail_msg("%s", td_trail());
    td_duck_close(duck);
    td_buf_fini(&sql);
}

static void copy(const char *name, const char *select) { copy_as(name, select, "ROW_GROUP_SIZE 4096"); }

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

/* ---- damage ---- */

#define TICKS                                                                                                          \
    "SELECT make_timestamp(1700000000000000 + i) AS time, 'X:A' AS instrument, hash(i) %% 100000 AS price, "           \
    "hash(i + 7) %% 100000 AS size, i + 1 AS id FROM range(%d) t(i)"

static void copy_ticks(const char *name, int count, const char *options) {
    char select[512];
    (void)snprintf(select, sizeof select, TICKS, count);
    copy_as(name, select, options);
}

typedef struct found { /* in a file of ticks */
    int given, refused, lost, stretches;
    int misplaced;   /* given under another row's number */
    bool is_refused; /* all of it */
    char words[512]; /* of what was lost last */
} found;

/* Rows of a stretch, "rows 3 to 5 are damaged: …", or "row 3 is …". */
static int stretch_of(const td_feed_item *item, found *out) {
    unsigned long first, last;
    (void)snprintf(out->words, sizeof out->words, "%.*s", (int)item->rejected.detail.size,
                   (const char *)item->rejected.detail.data);
    int got = sscanf(out->words, "rows %lu to %lu are damaged: ", &first, &last);
    if (got == 0) got = sscanf(out->words, "row %lu is damaged: ", &first);
    if (got == 1) last = first;
    assert_true(got >= 1 && first <= last && first == item->position.line);
    return (int)(last - first + 1);
}

static found read_ticks(const char *path) {
    found out = {0};
    unit_feed f;
    td_feed_item item;
    uint64_t line = 0;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path(path)}, {NULL, NULL}});
    unit_feed_open(&f, &td_os_posix);
    for (;;) {
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        if (item.kind == TD_ITEM_END) break;
        out.is_refused |= item.position.line == 0;
        assert_true(item.position.line > line || out.is_refused);
        line = item.position.line;
        out.misplaced += item.kind == TD_ITEM_EVENT && item.event.trade.trade_id != (int64_t)line;
        bool broken = item.kind == TD_ITEM_REJECTED && item.rejected.reason == TD_REASON_UNREADABLE;
        out.given += item.kind == TD_ITEM_EVENT;
        out.refused += item.kind == TD_ITEM_REJECTED && !broken;
        if (!broken || out.is_refused) continue;
        int rows = stretch_of(&item, &out);
        out.lost += rows;
        out.stretches++;
        line += (uint64_t)rows - 1;
    }
    unit_feed_close(&f);
    return out;
}

static void spoil(const char *name, double where, int bytes) {
    FILE *file = fopen(unit_path(name), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_int_equal(fseek(file, (long)((double)ftell(file) * where), SEEK_SET), 0);
    for (int i = 0; i < bytes; i++) assert_int_equal(fputc(0xa5, file), 0xa5);
    assert_int_equal(fclose(file), 0);
}

/* What can be read of the rows before it and behind it is there, to the last one, and the others are told once. */
static void damage_within(void **state) {
    (void)state;
    static const struct {
        int rows;
        const char *options;
        double at[2];
        int stretches, lost;
        const char *words;
    } rows[] = {
        {40000, "ROW_GROUP_SIZE 4096", {0.6}, 1, 4096, "rows 20481 to 24576 are damaged: duckdb: "},
        {40000, "ROW_GROUP_SIZE 4096", {0.02}, 1, 4096, "rows 1 to 4096 are damaged: duckdb: "},
        {300000, "ROW_GROUP_SIZE 8192", {0.45}, 1, 8192, "rows 131073 to 139264 are damaged: duckdb: "},
        {40000, "ROW_GROUP_SIZE 4096", {0.2, 0.6}, 2, 8192, "rows 20481 to 24576 are damaged: duckdb: "},
        {300000, "ROW_GROUP_SIZE 10240", {0.9}, 1, 10240, "rows 266241 to 276480 are damaged: duckdb: "},
        {40000, "ROW_GROUP_SIZE 40960", {0.6}, 1, 40000, "rows 1 to 40000 are damaged: duckdb: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        copy_ticks("a.parquet", rows[i].rows, rows[i].options);
        for (int k = 0; k < 2; k++)
            if (rows[i].at[k] > 0) spoil("a.parquet", rows[i].at[k], 3000);
        found f = read_ticks("a.parquet");
        ASSERT_ROW(f.stretches == rows[i].stretches && f.lost == rows[i].lost && f.refused == 0 && !f.is_refused &&
                       f.misplaced == 0 && f.given == rows[i].rows - f.lost &&
                       strncmp(f.words, rows[i].words, strlen(rows[i].words)) == 0,
                   "%zu: %d given, %d of them misplaced, %d lost in %d: %s", i, f.given, f.misplaced, f.lost,
                   f.stretches, f.words);
        unit_empty_folder();
    }
}

/* Whichever bytes are others: nothing crashes, and each row is given, or told, or the file is. */
static void bytes_flipped(void **state) {
    (void)state;
    static const char *const options[] = {"ROW_GROUP_SIZE 2048", "ROW_GROUP_SIZE 2048, COMPRESSION zstd",
                                          "ROW_GROUP_SIZE 4096, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1",
                                          "ROW_GROUP_SIZE 10240, COMPRESSION gzip, PARQUET_VERSION v2"};
    enum { ROWS = 5000, FLIPS = 50, COUNT = sizeof options / sizeof options[0] };
    uint64_t seed = 7;
    int refused = 0, damaged = 0, sound = 0;
    for (size_t i = 0; i < COUNT; i++) {
        td_buf bytes = {0};
        copy_ticks("a.parquet", ROWS, options[i]);
        assert_int_equal(td_os_read_file(&td_os_posix, unit_path("a.parquet"), 1 << 24, &bytes), TD_OK);
        for (int n = 0; n < FLIPS; n++) {
            /* every third one in the footer, which is small */
            size_t room = n % 3 == 0 && bytes.size > 3000 ? 3000 : bytes.size;
            size_t at = bytes.size - 1 - unit_random(&seed) % room;
            uint8_t was = bytes.data[at];
            bytes.data[at] ^= (uint8_t)(1 + unit_random(&seed) % 255);
            unit_write("b.parquet", bytes.data, bytes.size);
            bytes.data[at] = was;
            found f = read_ticks("b.parquet");
            ASSERT_ROW(f.is_refused || f.given + f.refused + f.lost == ROWS, "%zu, flip %d at %zu of %zu: %d, %d, %d",
                       i, n, at, bytes.size, f.given, f.refused, f.lost);
            refused += f.is_refused;
            damaged += f.lost > 0;
            sound += f.given == ROWS;
        }
        td_buf_fini(&bytes);
        unit_empty_folder();
    }
    assert_true(refused > 5 && damaged > 5 && sound > 5);
}

/* A footer that says another number of rows in one place, or in all: of none of them less is told than there is. */
static void counts_that_lie(void **state) {
    (void)state;
    enum { ROWS = 5000, MORE = 5128, PLACES_MAX = 32 };
    static const uint8_t said[] = {0x90, 0x4e}; /* as Thrift has 5000, of which the second byte counts 64 rows */
    td_buf bytes = {0};
    size_t places[PLACES_MAX], count = 0;
    copy_ticks("a.parquet", ROWS, "ROW_GROUP_SIZE 10240");
    assert_int_equal(td_os_read_file(&td_os_posix, unit_path("a.parquet"), 1 << 24, &bytes), TD_OK);
    for (size_t at = bytes.size - 1500; at < bytes.size && count < PLACES_MAX; at++)
        if (memcmp(bytes.data + at, said, sizeof said) == 0) places[count++] = at + 1;
    assert_in_range(count, 3, PLACES_MAX - 1);
    for (size_t i = 0; i < 2 * count; i++) {
        uint8_t *place = &bytes.data[places[i / 2]];
        *place = (uint8_t)(said[1] + (i % 2 == 0 ? 2 : -2));
        unit_write("b.parquet", bytes.data, bytes.size);
        *place = said[1];
        found f = read_ticks("b.parquet");
        ASSERT_ROW(f.is_refused || f.given + f.refused + f.lost == ROWS, "%zu: %d, %d, %d: %s", i, f.given, f.refused,
                   f.lost, f.words);
    }
    for (size_t i = 0; i < count; i++) bytes.data[places[i]] = (uint8_t)(said[1] + 2);
    unit_write("b.parquet", bytes.data, bytes.size);
    found f = read_ticks("b.parquet");
    ASSERT_ROW(f.given + f.refused + f.lost == MORE && f.stretches == 1, "%d, %d, %d: %s", f.given, f.refused, f.lost,
               f.words);
    td_buf_fini(&bytes);
    unit_empty_folder();
}

/* ---- a machine that fails ---- */

static struct {
    const char *of; /* queries that have this fail, */
    int error;      /* as DuckDB says it; 0: they give no rows */
    int times;      /* so often, */
    bool used_up;   /* and there is next to no memory */
    bool now;       /* the last query was one of them */
    int opened;     /* databases */
} fault;
static td_duck_library real;

static int faulty_query(duck_handle connection, const char *sql, duck_result *out) {
    fault.now = fault.times > 0 && strstr(sql, fault.of) != NULL;
    fault.times -= fault.now;
    if (fault.now) return real.query(connection, fault.error != 0 ? "on command" : "SELECT '' WHERE false", out);
    bool asked = fault.used_up && strstr(sql, "memory_limit") != NULL;
    return real.query(connection, asked ? "SELECT '1.0 MiB'" : sql, out);
}

static int faulty_error(duck_result *result) { return fault.now ? fault.error : real.result_error_type(result); }

static int faulty_open(const char *path, duck_handle *out, duck_handle config, char **out_error) {
    fault.opened++;
    return real.open_ext(path, out, config, out_error);
}

static td_duck_library *find_library(void) {
    const td_duck_library *lib;
    assert_int_equal(td_duck_library_find(&lib), TD_OK);
    return (td_duck_library *)(uintptr_t)lib;
}

static int break_library(void **state) {
    (void)state;
    td_duck_library *lib = find_library();
    real = *lib;
    lib->query = faulty_query;
    lib->result_error_type = faulty_error;
    lib->open_ext = faulty_open;
    return 0;
}

static int mend_library(void **state) {
    (void)state;
    memset(&fault, 0, sizeof fault);
    *find_library() = real;
    return 0;
}

enum { MANY = 1000, TICKS_COUNT = 20000 };
#define ROWS_OF "file_row_number BETWEEN"

static td_status no_read(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    (void)self, (void)file, (void)out, (void)size, (void)offset, (void)out_size;
    return TD_FAIL(TD_RETRY, "the disk is gone");
}

static const struct {
    const char *of;
    int error, times;
    bool used_up, no_reads;
    int opened; /* databases, then */
    td_status status;
    int given, lost; /* where it reads on */
    const char *words;
} faults[] = {
    {ROWS_OF, TD_DUCK_ERROR_IO, 3, false, true, 1, TD_OK, TICKS_COUNT, 0, ""},
    {ROWS_OF, TD_DUCK_ERROR_IO, MANY, false, true, 1, TD_CONFIG, 0, 0, "the disk is gone"},
    {ROWS_OF, TD_DUCK_ERROR_IO, MANY, false, false, 1, TD_OK, 0, TICKS_COUNT, "syntax error"},
    {ROWS_OF, TD_DUCK_ERROR_MEMORY, 3, true, false, 1, TD_OK, TICKS_COUNT, 0, ""},
    {ROWS_OF, TD_DUCK_ERROR_MEMORY, MANY, true, false, 1, TD_CONFIG, 0, 0, "no memory for "},
    {ROWS_OF, TD_DUCK_ERROR_MEMORY, MANY, false, false, 1, TD_OK, 0, TICKS_COUNT, "syntax error"},
    {ROWS_OF, TD_DUCK_ERROR_FATAL, 3, false, false, 4, TD_OK, TICKS_COUNT, 0, ""},
    {ROWS_OF, TD_DUCK_ERROR_FATAL, MANY, false, false, 16, TD_CONFIG, 0, 0, "given up after 16 tries to read"},
    {ROWS_OF, TD_DUCK_ERROR_INTERNAL, 1, false, false, 2, TD_OK, TICKS_COUNT, 0, ""}, /* it has passed */
    {ROWS_OF, 0, MANY, false, false, 1, TD_OK, 0, TICKS_COUNT, "fewer rows than its footer says"},
    {"DESCRIBE", TD_DUCK_ERROR_IO, MANY, false, true, 1, TD_CONFIG, 0, 0, "the disk is gone"},
    {"file_metadata", TD_DUCK_ERROR_FATAL, MANY, false, false, 16, TD_CONFIG, 0, 0, "given up"},
};

/* As long as it is to be asked again. */
static td_status read_on(unit_feed *f, found *out) {
    td_status status = TD_OK;
    td_feed_item item = {.kind = TD_ITEM_IGNORED};
    while (status == TD_OK && item.kind != TD_ITEM_END) {
        while ((status = f->ops->next(f->feed, &item)) == TD_RETRY) continue;
        out->given += status == TD_OK && item.kind == TD_ITEM_EVENT;
        if (status == TD_OK && item.kind == TD_ITEM_REJECTED) out->lost += stretch_of(&item, out);
    }
    return status;
}

static void read_with_fault(size_t i) {
    unit_feed f;
    found out = {0};
    td_os_ops ops = *td_os_posix.ops;
    ops.read_at = faults[i].no_reads ? no_read : ops.read_at;
    td_os os = {&ops, NULL};
    fault.opened = 0;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path("a.parquet")}, {NULL, NULL}});
    unit_feed_open(&f, &os);
    fault.of = faults[i].of;
    fault.error = faults[i].error;
    fault.times = faults[i].times;
    fault.used_up = faults[i].used_up;
    td_status status = read_on(&f, &out);
    const char *words = status == TD_OK ? out.words : td_trail();
    ASSERT_ROW(status == faults[i].status && out.given == faults[i].given && out.lost == faults[i].lost &&
                   fault.opened == faults[i].opened && strstr(words, faults[i].words) != NULL,
               "%zu: %d, %d given, %d lost, %d opened: %s", i, (int)status, out.given, out.lost, fault.opened, words);
    fault.times = 0;
    unit_feed_close(&f);
}

static void open_with_fault(const char *of, int error, td_status wanted) {
    unit_feed f;
    fault.of = of;
    fault.error = error;
    fault.times = 1;
    unit_feed_conf(&f, &td_feed_parquet, (const unit_option[]){{"path", unit_path("a.parquet")}, {NULL, NULL}});
    td_status status = f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments);
    ASSERT_ROW(status == wanted && fault.times == 0, "%s: %d", of, (int)status);
    if (status == TD_OK) f.ops->close(f.feed);
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

/* It is asked again, and ends the reading with its own words where it goes on failing: of the file nothing is said. */
static void the_machine_fails(void **state) {
    (void)state;
    copy_ticks("a.parquet", TICKS_COUNT, "ROW_GROUP_SIZE 4096");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) read_with_fault(i);
    static const char *const starts[] = {"DESCRIBE", "file_metadata", "min("}; /* nor does a run begin with it */
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        open_with_fault(starts[i], TD_DUCK_ERROR_FATAL, TD_RETRY);
    open_with_fault("min(", TD_DUCK_ERROR_INTERNAL, TD_OK); /* that says nothing of when it begins */
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
        cmocka_unit_test(bytes_flipped),
        cmocka_unit_test(counts_that_lie),
        cmocka_unit_test_setup_teardown(the_machine_fails, break_library, mend_library),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, unit_make_folder, unit_remove_folder);
}
