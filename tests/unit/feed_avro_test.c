/* tests/unit/feed_avro_test.c - goal: records of Avro become the events that they were, whatever types others chose for
 * the same fields and wherever these lie; files are merged by when their rows came; what is no record, no table of
 * ticks or no Avro is told with its place, and what was read before it stays. */
#include "feed_unit.h"
#include "schema/avro.h"
#include "schema/avro_file.h"
#include <math.h>

enum { BLOCK = 4096 };

/* ---- records, in the making ---- */

static td_buf record;

static void put_long(int64_t number) {
    uint8_t bytes[TD_AVRO_LONG_MAX];
    td_buf_put(&record, bytes, (size_t)(td_avro_put_long(bytes, number) - bytes));
}

static void put_text(const char *text) {
    put_long((int64_t)strlen(text));
    td_buf_text(&record, text);
}

static void put_decimal(int64_t m) {
    uint8_t bytes[TD_AVRO_DECIMAL64_MAX];
    td_buf_put(&record, bytes, (size_t)(td_avro_put_decimal64(bytes, m) - bytes));
}

static void put_double(double number) { td_buf_put(&record, &number, sizeof number); }
static void put_float(float number) { td_buf_put(&record, &number, sizeof number); }

static td_avro_writer *begin(const char *schema) {
    return td_avro_writer_new(td_text(schema), TD_AVRO_CODEC_ZSTANDARD, BLOCK);
}

static void end_record(td_avro_writer *w) {
    assert_int_equal(td_avro_writer_put(w, td_buf_bytes(&record)), TD_OK);
    record.size = 0;
}

static void end_file(td_avro_writer *w, const char *name) {
    assert_int_equal(td_avro_writer_end(w), TD_OK);
    unit_write(name, td_avro_writer_out(w)->data, td_avro_writer_out(w)->size);
    td_avro_writer_free(w);
}

static void expect_of(const char *path, const unit_option *options, const char *wanted) {
    char *text = unit_feed_text(&td_feed_avro, &td_os_posix, options);
    if (strcmp(text, wanted) != 0) print_error("%s:\n", path);
    assert_string_equal(text, wanted);
    free(text);
}

static void expect(const char *path, const char *wanted) {
    expect_of(path, (const unit_option[]){{"path", unit_path(path)}, {0}}, wanted);
}

#define RECORD(fields)         "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type)      "{\"name\":\"" name "\",\"type\":" type "}"
#define LOGICAL(type, logical) "{\"type\":\"" type "\",\"logicalType\":\"" logical "\"}"
#define DECIMAL(scale)         "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":19,\"scale\":" scale "}"
#define OPTIONAL(type)         "[\"null\"," type "]"
#define TIME_NS                INT64_C(1772461800123456789)
#define SAID                   "X:A 2026-03-02T14:30:00.123"
#define TRADE(time, price, size)                                                                                       \
    RECORD(FIELD("time", time) "," FIELD("instrument", "\"string\"") "," FIELD("price", price) "," FIELD("size", size))

/* ---- fields of any type ---- */

static void of_doubles(void) {
    put_long(TIME_NS / 1000);
    put_text("X:A");
    put_double(100.1);
    put_float(0.1f);
}

static void of_decimals(void) {
    put_text("2026-03-02T14:30:00.123456789Z");
    put_text("X:A");
    put_decimal(INT64_C(9000000000123456789));
    put_decimal(INT64_C(9000000000012345678));
}

static void of_days(void) {
    put_long(34200000);
    put_text("X:A");
    put_double(100.1);
    put_double(1);
}

static void of_unions(void) {
    put_long(1);
    put_long(TIME_NS / 1000000);
    put_text("X:A");
    put_long(2);
    put_long(7);
    put_text("3.5");
}

static void of_quotes(void) {
    put_long(0); /* a list of none: no column, whatever it is called */
    put_long(TIME_NS);
    put_text("X:A");
    put_long(1);
    put_double(1.5);
    put_long(0);
    put_double((double)NAN);
}

static const struct {
    const char *schema;
    void (*put)(void);
    const char *wanted;
} types[] = {
    {TRADE(LOGICAL("long", "timestamp-micros"), "\"double\"", "\"float\""), of_doubles,
     "0:1 " SAID "456Z trade 100.1 x 0.1 side 0 id none [ ]\n0:0 end\n"},
    {TRADE("\"string\"", DECIMAL("9"), DECIMAL("8")), of_decimals,
     "0:1 " SAID "456789Z trade 9000000000.123456789 x 90000000000.12345678 side 0 id none [ ]\n0:0 end\n"},
    {TRADE(LOGICAL("int", "time-millis"), "\"double\"", "\"double\""), of_days,
     "0:1 rejected malformed a.avro\n0:0 end\n"},
    {TRADE(LOGICAL("long", "time-micros"), "\"double\"", "\"double\""), of_days,
     "0:1 rejected malformed a.avro\n0:0 end\n"},
    {TRADE("[\"null\"," LOGICAL("long", "timestamp-millis") "]", "[\"null\",\"double\",\"int\"]", "\"bytes\""),
     of_unions, "0:1 " SAID "Z trade 7 x 3.5 side 0 id none [ ]\n0:0 end\n"},
    {RECORD(FIELD("side", "{\"type\":\"array\",\"items\":\"long\"}") "," FIELD("time", "\"long\"") "," FIELD(
         "instrument",
         "\"string\"") "," FIELD("bid",
                                 OPTIONAL("\"double\"")) "," FIELD("ask",
                                                                   OPTIONAL("\"double\"")) "," FIELD("bid_size",
                                                                                                     "\"double\"")),
     of_quotes, "0:1 " SAID "456789Z quote 1.5 x none | none x none seq none [ ]\n0:0 end\n"},
};

static void fields_of_any_type(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        td_avro_writer *w = begin(types[i].schema);
        types[i].put();
        end_record(w);
        end_file(w, "a.avro");
        expect("a.avro", types[i].wanted);
        unit_empty_folder();
    }
}

/* By other names, and within other records; symbols get the feed's venue, where they have none. */
static void fields_of_other_names(void **state) {
    (void)state;
    td_avro_writer *w =
        begin(RECORD(FIELD("sym", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}") "," FIELD(
            "trade", OPTIONAL("{\"type\":\"record\",\"name\":\"T\",\"fields\":[" FIELD("px", "\"int\"") "," FIELD(
                         "time", "\"long\"") "]}")) "," FIELD("n", "\"int\"")));
    put_long(1);
    put_long(1);
    put_long(5);
    put_long(1772461800);
    put_long(6);
    end_record(w);
    put_long(0);
    put_long(0);
    put_long(6);
    end_record(w);
    end_file(w, "a.avro");
    const unit_option options[] = {{"path", unit_path("a.avro")},
                                   {"fields", "time=trade.time"},
                                   {"fields", "instrument=sym"},
                                   {"fields", "price=trade.px"},
                                   {"fields", "size=n"},
                                   {"fields", "side=trade.no"},
                                   {"venue", "V"},
                                   {0}};
    expect_of("a.avro", options,
              "0:1 V:B 2026-03-02T14:30:00Z trade 5 x 6 side 0 id none [ ]\n"
              "0:2 rejected malformed a.avro\n0:0 end\n");
    unit_empty_folder();
}

/* ---- what our stores have ---- */

#define STORED                                                                                                         \
    RECORD(FIELD("event_ns", "\"long\"") "," FIELD("instrument", "\"string\"") "," FIELD(                              \
        "price", DECIMAL("9")) "," FIELD("size", DECIMAL("8")) "," FIELD("receive_ns",                                 \
                                                                         "\"long\"") "," FIELD("ord", "\"long\""))

static void put_stored(int64_t at_ms, int64_t price) {
    put_long(INT64_C(1700000000000000000) + at_ms * 1000000);
    put_text("X:A");
    put_decimal(price * 1000000000);
    put_decimal(100000000);
    put_long(INT64_C(1700000000000000000) + at_ms * 1000000);
    put_long(at_ms);
}

static void write_stored(td_avro_writer *w, int64_t at_ms, int64_t price) {
    put_stored(at_ms, price);
    end_record(w);
}

/* Blocks of many records, files that begin long behind each other, a machine that fails now and then. */
static void each_record_once(void **state) {
    (void)state;
    enum { FILES = 3, EACH = 5000 };
    for (int i = FILES; i-- > 0;) {
        char name[] = "a.avro";
        td_avro_writer *w = begin(STORED);
        name[0] = (char)('a' + FILES - 1 - i); /* the last by name begins first */
        for (int k = 0; k < EACH; k++) write_stored(w, i * 10000 + k, i * EACH + k + 1);
        end_file(w, name);
    }
    unit_os u;
    unit_feed f;
    unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("*.avro")}, {0}});
    unit_feed_open(&f, unit_os_init(&u, 0));
    u.fail_one_of = 5;
    td_feed_item item;
    for (int i = 0; i < FILES * EACH; i++) {
        while (f.ops->next(f.feed, &item) != TD_OK) continue;
        ASSERT_ROW(item.kind == TD_ITEM_EVENT && item.event.trade.price == (i + 1) * INT64_C(1000000000), "%d", i);
    }
    while (f.ops->next(f.feed, &item) != TD_OK) continue;
    assert_int_equal(item.kind, TD_ITEM_END);
    assert_int_equal(u.open_count, 0);
    td_feed_file file;
    assert_true(td_feed_avro.file(f.feed, 0, &file));
    assert_true(file.begins_ns == INT64_C(1700000020000000000));
    unit_feed_close(&f);
    unit_empty_folder();
}

static td_status next_within(unit_feed *f, int tries, td_feed_item *out) {
    td_status status = f->ops->next(f->feed, out);
    for (; status == TD_RETRY && tries > 1; tries--) status = f->ops->next(f->feed, out);
    return status;
}

static void put_text_trade(td_avro_writer *w, const char *time, double price) {
    put_text(time);
    put_text("X:A");
    put_double(price);
    put_double(1);
    end_record(w);
}

/* Files of one day, one of each instrument: more than the machine lets be open at a time. */
static void more_files_than_can_be_open(void **state) {
    (void)state;
    enum { FILES = 9, EACH = 50 };
    for (int i = 0; i < FILES; i++) {
        char name[] = "a.avro";
        td_avro_writer *w = begin(STORED);
        name[0] = (char)('a' + i);
        for (int k = 0; k < EACH; k++) write_stored(w, k * FILES + i, k * FILES + i + 1);
        end_file(w, name);
    }
    unit_os u;
    unit_feed f;
    td_feed_item item;
    unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("*.avro")}, {0}});
    unit_feed_open(&f, unit_os_init(&u, 0));
    u.open_limit = 1;
    for (int i = 0; i < FILES * EACH; i++) {
        ASSERT_ROW(f.ops->next(f.feed, &item) == TD_OK && item.kind == TD_ITEM_EVENT &&
                       item.event.trade.price == (i + 1) * INT64_C(1000000000),
                   "%d", i);
        assert_int_equal(u.open_count, 0);
    }
    assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
    assert_int_equal(item.kind, TD_ITEM_END);
    unit_feed_close(&f);
    unit_empty_folder();
}

/* Half of one and half of another is neither. */
static void a_file_is_replaced(void **state) {
    (void)state;
    enum { EACH = 500 };
    unit_feed f;
    td_feed_item item;
    td_status status;
    int64_t events = 0;
    for (int64_t of = 0; of < 2; of++) {
        td_avro_writer *w = begin(STORED);
        for (int k = 0; k < EACH; k++) write_stored(w, k, of * EACH + k + 1);
        end_file(w, "a.avro");
        if (of > 0) break;
        unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("a.avro")}, {0}});
        unit_feed_open(&f, &td_os_posix);
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        events++;
    }
    while ((status = next_within(&f, 16, &item)) == TD_OK && item.kind == TD_ITEM_EVENT)
        assert_true(item.event.trade.price == ++events * INT64_C(1000000000));
    assert_int_equal(status, TD_CONFIG);
    assert_non_null(strstr(td_trail(), "a.avro is another file than the one whose reading began"));
    assert_in_range(events, 50, EACH - 1);
    unit_feed_close(&f);
    unit_empty_folder();
}

/* When a file begins, whatever its times are: it is not opened before. */
static void when_files_begin(void **state) {
    (void)state;
    static const struct {
        const char *times[2];
        int64_t begins_ns; /* 0: that is not known */
    } rows[] = {{{"2026-03-02T14:30:01Z", "2026-03-02T14:30:00.123456789Z"}, TIME_NS},
                {{"2026-03-02T09:30:00.123456789-05:00", "nothing"}, TIME_NS},
                {{"1772461800", "1772461801"}, TIME_NS / 1000000000 * 1000000000},
                {{"1772461800", "2026-03-02T14:30:01Z"}, 0}, /* numbers and instants have no order */
                {{"1971-03-02T14:30:01Z", "2026-03-02T14:30:01Z"}, 0},
                {{"nothing", ""}, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unit_feed f;
        td_feed_file file;
        td_avro_writer *w = begin(TRADE("\"string\"", "\"double\"", "\"double\""));
        for (int k = 0; k < 2; k++) put_text_trade(w, rows[i].times[k], 1);
        end_file(w, "a.avro");
        unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("a.avro")}, {0}});
        unit_feed_open(&f, &td_os_posix);
        ASSERT_ROW(td_feed_avro.file(f.feed, 0, &file) && file.begins_ns == rows[i].begins_ns, "%zu: %" PRId64, i,
                   file.begins_ns);
        unit_feed_close(&f);
    }
    unit_empty_folder();
}

static struct { int times; /* so often no byte is read */ } fault;

static td_status faulty_read(void *self, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    if (fault.times > 0 && fault.times-- > 0) return TD_FAIL(TD_RETRY, "the disk is gone");
    return td_os_posix.ops->read_at(self, file, out, size, offset, out_size);
}

/* It is asked again, and ends the reading with its own words where it goes on failing. */
static void the_machine_fails(void **state) {
    (void)state;
    td_os_ops ops = *td_os_posix.ops;
    ops.read_at = faulty_read;
    const td_os os = {&ops, NULL};
    td_avro_writer *w = begin(STORED);
    for (int k = 0; k < 500; k++) write_stored(w, k, k + 1);
    end_file(w, "a.avro");
    for (int times = 15; times <= 16; times++) {
        unit_feed f;
        td_feed_item item;
        unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("a.avro")}, {0}});
        unit_feed_open(&f, &os);
        fault.times = times;
        assert_int_equal(next_within(&f, 16, &item), times < 16 ? TD_OK : TD_CONFIG);
        if (times == 16) assert_non_null(strstr(td_trail(), "the disk is gone"));
        if (times == 16) assert_non_null(strstr(td_trail(), "given up after 16 tries to read "));
        for (int k = 1; k < 500 && times < 16; k++) {
            if (k == 300) fault.times = 15; /* each time anew */
            assert_int_equal(next_within(&f, 16, &item), TD_OK);
            assert_int_equal(item.kind, TD_ITEM_EVENT);
        }
        fault.times = 0;
        unit_feed_close(&f);
    }
    unit_empty_folder();
}

/* ---- what is refused ---- */

static void rows_that_are_none(void **state) {
    (void)state;
    td_avro_writer *w = begin(TRADE("[\"long\",\"boolean\"]", "\"double\"", "[\"null\",\"string\"]"));
    static const struct {
        int64_t time;
        const char *name;
        double price;
        const char *size;
    } rows[] = {{TIME_NS, "X:A", 1, "2"},           {TIME_NS, "nothing", 1, "2"},
                {TIME_NS, "X:A", (double)NAN, "2"}, {TIME_NS, "X:A", (double)INFINITY, "2"},
                {TIME_NS, "X:A", 1, NULL},          {TIME_NS, "X:A", 1, "\"2\""},
                {TIME_NS, "X:\"B,", 1, "2"},        {TIME_NS, "X:A", 3, "4"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        put_long(0);
        put_long(rows[i].time);
        put_text(rows[i].name);
        put_double(rows[i].price);
        put_long(rows[i].size != NULL);
        if (rows[i].size != NULL) put_text(rows[i].size);
        end_record(w);
    }
    put_long(1);
    td_buf_put(&record, "\1", 1);
    put_text("X:A");
    put_double(1);
    put_long(0);
    end_record(w);
    end_file(w, "a.avro");
    expect("a.avro", "0:1 " SAID "456789Z trade 1 x 2 side 0 id none [ ]\n0:2 rejected malformed a.avro\n"
                     "0:3 rejected malformed a.avro\n0:4 rejected malformed a.avro\n0:5 rejected malformed a.avro\n"
                     "0:6 rejected malformed a.avro\n"
                     "0:7 X:\"B, 2026-03-02T14:30:00.123456789Z trade 1 x 2 side 0 id none [ ]\n0:8 " SAID
                     "456789Z trade 3 x 4 side 0 id none [ ]\n0:9 rejected malformed a.avro\n0:0 end\n");
    unit_empty_folder();
}

/* The detail of the only item that is rejected, how many events came before it and behind it, and the number of the
 * last one: on a machine that fails now and then, which says nothing else. */
static void expect_damage(const char *name, int events, const char *wanted, uint64_t last, int fail_one_of) {
    unit_os u;
    unit_feed f;
    td_feed_item item;
    char detail[400] = "";
    int before = 0, rejected = 0;
    uint64_t line = 0;
    unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path(name)}, {0}});
    unit_feed_open(&f, unit_os_init(&u, 0));
    u.fail_one_of = fail_one_of;
    do {
        while (f.ops->next(f.feed, &item) != TD_OK) continue;
        before += item.kind == TD_ITEM_EVENT;
        rejected += item.kind == TD_ITEM_REJECTED;
        if (item.kind == TD_ITEM_REJECTED)
            (void)snprintf(detail, sizeof detail, "%.*s", (int)item.rejected.detail.size,
                           (const char *)item.rejected.detail.data);
        assert_true(item.kind != TD_ITEM_EVENT || item.position.line > line);
        if (item.kind == TD_ITEM_EVENT) line = item.position.line;
    } while (item.kind != TD_ITEM_END);
    unit_feed_close(&f);
    ASSERT_ROW(rejected == 1 && before == events && (last == 0 || line == last) && strstr(detail, wanted) != NULL,
               "%s, one of %d fails: %d events, to %d: %s", name, fail_one_of, before, (int)line, detail);
}

static void expect_lines(const char *name, int events, const char *wanted, uint64_t last) {
    expect_damage(name, events, wanted, last, 0);
    expect_damage(name, events, wanted, last, 9);
}

static void expect_detail(const char *name, int events, const char *wanted) { expect_lines(name, events, wanted, 0); }

static void files_that_are_none(void **state) {
    (void)state;
    unit_write("a.avro", "Obj\1", 4);
    expect_detail("a.avro", 0, "its header is damaged");
    end_file(begin("\"long\""), "b.avro");
    expect_detail("b.avro", 0, "its columns are neither");
    end_file(
        begin(RECORD(FIELD("time", "\"long\"") "," FIELD("instrument", "\"string\"") "," FIELD("price", "\"int\""))),
        "c.avro");
    expect_detail("c.avro", 0, "its columns lack what trades need: size");
    end_file(begin(RECORD(FIELD("src_offset", "\"long\"") "," FIELD("known_at_ns", "\"long\""))), "d.avro");
    expect_detail("d.avro", 0, "it is a table of results");
    unit_empty_folder();
}

static void write_many(const char *name) {
    td_avro_writer *w = begin(STORED);
    for (int k = 0; k < 1000; k++) write_stored(w, k, k + 1);
    end_file(w, name);
}

/* Where the n-th marker ends, of which the first is the header's. */
static size_t find_marker(const char *name, int n) {
    enum { MARKER = 16, MOST = 1 << 20 };
    td_buf file = {0};
    assert_int_equal(td_os_read_file(&td_os_posix, unit_path(name), MOST, &file), TD_OK);
    const uint8_t *at = file.data, *marker = file.data + file.size - MARKER;
    for (; n > 0; n--) {
        at = memmem(at, (size_t)(file.data + file.size - at), marker, MARKER);
        assert_non_null(at);
        at += MARKER;
    }
    size_t end = (size_t)(at - file.data);
    td_buf_fini(&file);
    return end;
}

static void flip(const char *name, size_t at) {
    FILE *file = fopen(unit_path(name), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 0xff, file), EOF);
    assert_int_equal(fclose(file), 0);
}

/* The first of all may be behind what is damaged. */
static void begin_behind_damage(void) {
    unit_feed f;
    td_feed_file file;
    td_avro_writer *w = begin(STORED);
    for (int k = 1000; k-- > 0;) write_stored(w, k, k + 1);
    end_file(w, "a.avro");
    flip("a.avro", find_marker("a.avro", 3) - 1);
    unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("a.avro")}, {0}});
    unit_feed_open(&f, &td_os_posix);
    assert_true(td_feed_avro.file(f.feed, 0, &file));
    assert_true(file.begins_ns == INT64_C(1700000000000000000));
    unit_feed_close(&f);
}

/* Of what is damaged within the blocks around it are read, and of a block whose records are wrong those before. */
static void damage_within(void **state) {
    (void)state;
    write_many("a.avro");
    unit_cut("a.avro", -3);
    expect_detail("a.avro", 931, "the block at byte ");
    expect_detail("a.avro", 931, "goes on behind the end of the file; nothing behind it can be read");
    write_many("a.avro");
    size_t end = find_marker("a.avro", 2);
    flip("a.avro", end - 1); /* the marker between the first two blocks */
    expect_lines("a.avro", 1000 - 119 - 118, "does not end with the file's marker; read again from byte ",
                 1 + 1000 - 119 - 118);
    write_many("a.avro");
    flip("a.avro", end - 40); /* within the first */
    expect_lines("a.avro", 1000 - 119, " zstandard; 119 records at least; read again from byte ", 1000);
    begin_behind_damage();
    td_avro_writer *w = begin(STORED);
    write_stored(w, 1, 1);
    put_stored(2, 2);
    td_buf_text(&record, "x"); /* behind it */
    end_record(w);
    end_file(w, "b.avro");
    expect_detail("b.avro", 2, "goes on behind its last record");
    w = begin(STORED);
    write_stored(w, 1, 1);
    write_stored(w, 2, 2);
    td_buf_text(&record, "x"); /* before it */
    write_stored(w, 3, 3);
    end_file(w, "c.avro");
    expect_detail("c.avro", 2, "a million values; 1 records at least; nothing behind it can be read");
    unit_empty_folder();
}

/* ---- folders ---- */

static void put_plain(td_avro_writer *w, int64_t price) {
    put_long(5);
    put_long(price);
    put_long(2);
    put_long(6);
    end_record(w);
}

#define PLAIN                                                                                                          \
    RECORD(FIELD("event_ns", "\"long\"") "," FIELD("price", "\"long\"") "," FIELD("size", "\"long\"") "," FIELD(       \
        "receive_ns", "\"long\""))

static td_status forbid_listing(void *self, const char *path, td_list_fn each, void *arg) {
    if (strstr(path, "X%3aC") != NULL) return TD_FAIL(TD_CONFIG, "%s: cannot be listed, on command", path);
    return td_os_posix.ops->list(self, path, each, arg);
}

static void expect_refusal(const td_os *os, const char *wanted) {
    unit_feed f;
    unit_feed_conf(&f, &td_feed_avro, (const unit_option[]){{"path", unit_path("d")}, {0}});
    td_status status = f.ops->open(&f.feed, os, &f.conf, f.instruments);
    ASSERT_ROW(status == TD_CONFIG && strstr(td_trail(), wanted) != NULL, "%s: %d: %s", wanted, (int)status,
               td_trail());
    td_options_fini(f.ops->options, &f.conf);
    td_instruments_free(f.instruments);
}

static void link_to(const char *name, const char *target, const char *wanted) {
    assert_int_equal(symlink(target, unit_path(name)), 0);
    expect_refusal(&td_os_posix, wanted);
    assert_int_equal(unlink(unit_path(name)), 0);
}

/* What is in them cannot be told, and is not passed over. */
static void folders_that_cannot_be_read(void) {
    td_os_ops ops = *td_os_posix.ops;
    ops.list = forbid_listing;
    expect_refusal(&(const td_os){&ops, NULL}, "X%3aC: cannot be listed, on command");
    link_to("d/trades/loop", "loop", "d/trades/loop: cannot be looked at");
    link_to("d/trades/a", ".", "d/trades/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a: more than 16 folders in each other");
}

/* Those of trades, by their days; what the folders say, where the records do not. */
static void folders(void **state) {
    (void)state;
    static const char *const made[] = {"d",
                                       "d/bars",
                                       "d/trades",
                                       "d/trades/instrument=X%3AB",
                                       "d/trades/instrument=X%3AB/day=2026-03-03",
                                       "d/trades/instrument=X%3aC",
                                       "d/trades/instrument=X%3aC/day=2026-03-02",
                                       "d/trades/instrument=__HIVE_DEFAULT_PARTITION__"};
    static const char *const files[] = {"d/trades/instrument=X%3AB/day=2026-03-03/a.avro",
                                        "d/trades/instrument=X%3AB/day=2026-03-03/a.parquet",
                                        "d/trades/instrument=X%3aC/day=2026-03-02/b[1].avro",
                                        "d/trades/instrument=__HIVE_DEFAULT_PARTITION__/z.avro", "d/bars/a.avro"};
    for (size_t i = 0; i < COUNT_OF(made); i++) assert_int_equal(mkdir(unit_path(made[i]), 0700), 0);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        td_avro_writer *w = begin(PLAIN);
        put_plain(w, (int64_t)i + 1);
        end_file(w, files[i]);
    }
    assert_int_equal(symlink("nowhere", unit_path("d/trades/gone")), 0); /* nothing is there */
    expect("d", "0:1 rejected malformed z.avro\n"
                "1:1 X:C 1970-01-01T00:00:00.000000005Z trade 3 x 2 side 0 id none [ ]\n"
                "2:1 X:B 1970-01-01T00:00:00.000000005Z trade 1 x 2 side 0 id none [ ]\n0:0 end\n");
    td_avro_writer *w = begin(STORED);
    write_stored(w, 1, 9);
    end_file(w, files[0]);
    expect(files[0], "0:1 X:A 2023-11-14T22:13:20.001Z trade 9 x 1 side 0 id none [ ]\n0:0 end\n");
    assert_int_equal(unlink(unit_path("d/trades/gone")), 0);
    folders_that_cannot_be_read();
    for (size_t i = 0; i < COUNT_OF(files); i++) (void)unlink(unit_path(files[i]));
    for (size_t i = COUNT_OF(made); i-- > 0;) (void)rmdir(unit_path(made[i]));
}

static int end(void **state) {
    td_buf_fini(&record);
    return unit_remove_folder(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_any_type),
        cmocka_unit_test(fields_of_other_names),
        cmocka_unit_test(each_record_once),
        cmocka_unit_test(more_files_than_can_be_open),
        cmocka_unit_test(a_file_is_replaced),
        cmocka_unit_test(when_files_begin),
        cmocka_unit_test(the_machine_fails),
        cmocka_unit_test(rows_that_are_none),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(damage_within),
        cmocka_unit_test(folders),
    };
    return cmocka_run_group_tests(tests, unit_make_folder, end);
}
