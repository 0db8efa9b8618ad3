/* tests/contract/feed_contract.c - what holds of every feed whose input can be read again (feed/feed.h): recordings and
 * the simulated market. A new one is a row in `sources`. */
#include "../unit/feed_unit.h"
#include <malloc.h>

enum { LINES = 400, FILES = 3, LONG_LINES = 60000, TEXT_MAX = 256, HEAP_SLACK = 64 * 1024 };

typedef struct source_ops {
    const td_feed_ops *feed;
    const char *glob; /* NULL: made of its options alone, nothing can be damaged */
    /* Line n of file `file`; times ascend within a file and over the files. */
    void (*line)(int file, int n, char out[TEXT_MAX]);
    const char *bad_line; /* NULL as above */
    bool headed;          /* the first line says how the others are to be read */
    void (*write)(int file, td_bytes text);
    void (*name)(int file, char out[TEXT_MAX]); /* of the packed file */
    const unit_option *options;
} source_ops;

/* ---- Lean ---- */

static void lean_name(int file, char out[TEXT_MAX]) { (void)snprintf(out, TEXT_MAX, "%03d.zip", file); }

static void lean_line(int file, int n, char out[TEXT_MAX]) {
    (void)snprintf(out, TEXT_MAX, "%d.%d,%d,%d,P,20,0\n", 34200000 + n, file % 10, 1815200 + n % 77, 1 + n);
}

static void lean_write(int file, td_bytes text) {
    char name[TEXT_MAX];
    lean_name(file, name);
    unit_write_zip(name, "20131007_ibm_Trade_Tick.csv", text, ZIP_CM_DEFLATE);
}

/* ---- Binance ---- */

static void binance_name(int file, char out[TEXT_MAX]) { (void)snprintf(out, TEXT_MAX, "%03d.gz", file); }

static void binance_line(int file, int n, char out[TEXT_MAX]) {
    static const char *const texts[] = {
        "{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"61837.63\",\"q\":\"0.02\",\"T\":1723161255342,\"m\":true}",
        "{\"u\":%d,\"s\":\"BTCUSDT\",\"b\":\"61837.63\",\"B\":\"3.7\",\"a\":\"61837.64\",\"A\":\"1.5\"}",
        "{\"e\":\"kline\",\"s\":\"BTCUSDT\",\"u\":%d}"};
    int64_t receive_ns = INT64_C(1723161254087896568) + n * INT64_C(1000000) + file;
    int size = snprintf(out, TEXT_MAX, "%" PRId64 " ", receive_ns);
    size += snprintf(out + size, (size_t)(TEXT_MAX - size),
                     n % 3 == 0   ? texts[0]
                     : n % 3 == 1 ? texts[1]
                                  : texts[2],
                     n);
    (void)snprintf(out + size, (size_t)(TEXT_MAX - size), "\n");
}

static void binance_write(int file, td_bytes text) {
    char name[TEXT_MAX];
    binance_name(file, name);
    unit_write_gz(name, text);
}

/* ---- cryptofeed ---- */

static void cryptofeed_line(int file, int n, char out[TEXT_MAX]) {
    static const char *const texts[] = {"[1,[[\"1.5\",\"%d\",\"1700000000.5\",\"b\"]],\"trade\",\"A/B\"]",
                                        "[2,[\"1.4\",\"1.6\",\"1700000000.25\",\"2\",\"%d\"],\"spread\",\"A/B\"]",
                                        "[3,{\"a\":[]},\"book-%d\",\"A/B\"]"};
    double at = 1.7e9 + n + file / 10.0;
    int size = snprintf(out, TEXT_MAX, n == 1 ? "wss://ws.kraken.com <-> %.1f" : "%.1f: ", at);
    if (n > 1) size += snprintf(out + size, (size_t)(TEXT_MAX - size), texts[n % 3], n);
    (void)snprintf(out + size, (size_t)(TEXT_MAX - size), "\n");
}

static const source_ops sources[] = {
    {.feed = &td_feed_lean,
     .glob = "*.zip",
     .line = lean_line,
     .bad_line = "34200000,no price,1,P,20,0\n",
     .write = lean_write,
     .name = lean_name,
     .options = (const unit_option[]){{0}}},
    {.feed = &td_feed_binance_collector,
     .glob = "*.gz",
     .line = binance_line,
     .bad_line = "1723161254087896568 {\"e\":\"trade\",\"s\":\n",
     .write = binance_write,
     .name = binance_name,
     .options = (const unit_option[]){{0}}},
    {.feed = &td_feed_cryptofeed,
     .glob = "*.gz",
     .line = cryptofeed_line,
     .bad_line = "1700000000.5: [1,[[\"1.5\"\n",
     .headed = true,
     .write = binance_write,
     .name = binance_name,
     .options = (const unit_option[]){{0}}},
    {.feed = &td_feed_simulated,
     .options = (const unit_option[]){{"seed", "3"}, {"instruments", "20"}, {"ticks", "60000"}, {0}}},
};

/* ---- inputs ---- */

typedef struct damage { /* line `line` of file `file` is no line of the format; 0: none */
    int file, line;
} damage;

static void write_files(const source_ops *s, int files, int lines, damage d) {
    char line[TEXT_MAX];
    for (int file = 0; s->glob != NULL && file < files; file++) {
        td_buf text = {0};
        for (int n = 1; n <= lines; n++) {
            s->line(file, n, line);
            td_buf_text(&text, file == d.file && n == d.line ? s->bad_line : line);
        }
        s->write(file, td_buf_bytes(&text));
        td_buf_fini(&text);
    }
}

static void open_feed(const source_ops *s, unit_feed *f, const td_os *os) {
    char path[128];
    unit_feed_conf(f, s->feed, s->options);
    (void)snprintf(path, sizeof path, "%s/%s", unit_folder, s->glob != NULL ? s->glob : "");
    if (s->glob != NULL) assert_int_equal(td_options_set(s->feed->options, &f->conf, "path", path), TD_OK);
    unit_feed_open(f, os);
}

static td_status next_item(unit_feed *f, td_feed_item *out) {
    td_status status;
    while ((status = f->ops->next(f->feed, out)) == TD_RETRY) continue;
    assert_int_equal(status, TD_OK);
    return out->kind == TD_ITEM_END ? TD_AGAIN : TD_OK;
}

/* All items as text, a line each. */
static char *read_all(const source_ops *s, const td_os *os) {
    unit_feed f;
    td_buf text = {0};
    td_feed_item item;
    open_feed(s, &f, os);
    while (next_item(&f, &item) == TD_OK) unit_put_item(&text, f.instruments, &item);
    unit_feed_close(&f);
    td_buf_put(&text, "", 1);
    return (char *)text.data;
}

/* ---- the tests ---- */

static void test_items_come_in_order_each_once(const source_ops *s) {
    static uint64_t seen[FILES][LONG_LINES / 64 + 1];
    uint64_t last[FILES] = {0};
    int64_t clock_ns = 0;
    int count = 0;
    unit_feed f;
    td_feed_item item;
    memset(seen, 0, sizeof seen);
    write_files(s, FILES, LINES, (damage){0});
    open_feed(s, &f, &td_os_posix);
    for (; next_item(&f, &item) == TD_OK; count++) {
        assert_true(item.clock_ns >= clock_ns && item.clock_ns > 0);
        clock_ns = item.clock_ns;
        assert_in_range(item.position.file, 0, FILES - 1);
        assert_in_range(item.position.line, last[item.position.file] + 1, LONG_LINES);
        last[item.position.file] = item.position.line;
        if (item.kind != TD_ITEM_EVENT) continue;
        assert_int_equal(item.event.receive_ns, item.clock_ns);
        assert_true(item.event.event_ns > 0 && item.event.event_ns <= TD_FEED_INSTANT_MAX_NS);
        assert_true(item.event.instrument < td_instruments_count(f.instruments));
    }
    assert_int_equal(count, s->glob != NULL ? FILES * LINES : LONG_LINES);        /* nothing is left out */
    for (int i = 0; i < 3; i++) assert_int_equal(next_item(&f, &item), TD_AGAIN); /* the end stays the end */
    unit_feed_close(&f);
}

static void test_reading_twice_gives_the_same(const source_ops *s) {
    unit_os flaky;
    write_files(s, FILES, LINES, (damage){1, 7});
    char *once = read_all(s, &td_os_posix), *again = read_all(s, &td_os_posix);
    assert_string_equal(once, again);
    free(again);
    again = read_all(s, unit_os_init(&flaky, 3)); /* on a machine that fails now and then and reads short */
    assert_string_equal(once, again);
    assert_int_equal(flaky.open_count, 0);
    free(again);
    free(once);
}

/* A resumed run passes what it has in silence: from a known position on, the rest is the rest. */
static void test_a_position_is_found_again(const source_ops *s) {
    write_files(s, FILES, LINES, (damage){2, 3});
    for (int stop = 1; stop < FILES * LINES; stop += 97) {
        unit_feed first, second;
        td_feed_item a, b;
        open_feed(s, &first, &td_os_posix);
        for (int i = 0; i < stop; i++) assert_int_equal(next_item(&first, &a), TD_OK);
        open_feed(s, &second, &td_os_posix);
        do assert_int_equal(next_item(&second, &b), TD_OK);
        while (b.position.file != a.position.file || b.position.line != a.position.line);
        td_status status;
        do {
            td_buf texts[2] = {{0}, {0}};
            status = next_item(&first, &a);
            assert_int_equal(next_item(&second, &b), status);
            unit_put_item(&texts[0], first.instruments, &a);
            unit_put_item(&texts[1], second.instruments, &b);
            assert_true(td_bytes_equal(td_buf_bytes(&texts[0]), td_buf_bytes(&texts[1])));
            td_buf_fini(&texts[0]);
            td_buf_fini(&texts[1]);
        } while (status == TD_OK && stop % 2 == 0); /* the whole rest takes its time */
        unit_feed_close(&first);
        unit_feed_close(&second);
    }
}

/* Of two readings, the lines that are in both; one may have lines that start with `tell` instead. */
static void expect_only_difference(char *sound, char *hurt, const char *tell, int differences) {
    int found = 0;
    char *x = strtok_r(sound, "\n", &sound), *y = strtok_r(hurt, "\n", &hurt);
    for (; x != NULL && y != NULL; x = strtok_r(NULL, "\n", &sound), y = strtok_r(NULL, "\n", &hurt)) {
        if (strcmp(x, y) == 0) continue;
        assert_memory_equal(y, tell, strlen(tell));
        found++;
    }
    assert_true(x == NULL && y == NULL);
    assert_int_equal(found, differences);
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Sorted by position: what is damaged has no clock of its own and may come out earlier. */
static char *sorted(char *text) {
    static char *lines[FILES * LINES + 1];
    size_t n = 0;
    td_buf out = {0};
    for (char *line = strtok_r(text, "\n", &text); line != NULL; line = strtok_r(NULL, "\n", &text)) {
        assert_true(n < COUNT_OF(lines));
        lines[n++] = line;
    }
    qsort(lines, n, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < n; i++) td_buf_printf(&out, "%s\n", lines[i]);
    td_buf_put(&out, "", 1);
    return (char *)out.data;
}

static void test_a_bad_line_costs_itself(const source_ops *s) {
    static const int at[] = {1, 2, LINES / 2, LINES};
    if (s->glob == NULL) return;
    for (size_t i = s->headed; i < COUNT_OF(at); i++) {
        char tell[64];
        write_files(s, FILES, LINES, (damage){0});
        char *sound = read_all(s, &td_os_posix), *sound_sorted = sorted(sound);
        unit_empty_folder();
        write_files(s, FILES, LINES, (damage){1, at[i]});
        char *hurt = read_all(s, &td_os_posix), *hurt_sorted = sorted(hurt);
        unit_empty_folder();
        (void)snprintf(tell, sizeof tell, "1:%d rejected malformed ", at[i]);
        expect_only_difference(sound_sorted, hurt_sorted, tell, 1);
        free(sound);
        free(hurt);
        free(sound_sorted);
        free(hurt_sorted);
    }
}

static void test_what_is_refused_keeps_its_bytes(const source_ops *s) {
    unit_feed f;
    td_feed_item item;
    int refused = 0;
    if (s->glob == NULL) return;
    write_files(s, FILES, LINES, (damage){2, 5});
    open_feed(s, &f, &td_os_posix);
    while (next_item(&f, &item) == TD_OK) {
        if (item.kind != TD_ITEM_REJECTED) continue;
        td_bytes bad = td_text(s->bad_line);
        bad.size--; /* without the line's end */
        assert_true(td_bytes_equal(item.rejected.bytes, bad));
        assert_true(item.rejected.detail.size > 0 && item.rejected.source.size > 0);
        assert_int_equal(item.rejected.position.file, 2);
        assert_int_equal(item.rejected.position.line, 5);
        refused++;
    }
    assert_int_equal(refused, 1);
    unit_feed_close(&f);
}

/* A file cut short gives what it holds and says so; the others are whole. */
static void test_a_cut_file_costs_its_rest(const source_ops *s) {
    char name[TEXT_MAX];
    if (s->glob == NULL) return;
    write_files(s, FILES, LINES, (damage){0});
    s->name(1, name);
    unit_cut(name, s->feed == &td_feed_lean ? -400 : -60); /* a zip ends with a directory that nobody reads */
    unit_feed f;
    td_feed_item item;
    int items[FILES] = {0}, unreadable = 0;
    open_feed(s, &f, &td_os_posix);
    while (next_item(&f, &item) == TD_OK) {
        items[item.position.file]++;
        if (item.kind != TD_ITEM_REJECTED) continue;
        assert_int_equal(item.rejected.reason, TD_REASON_UNREADABLE);
        assert_int_equal(item.position.file, 1);
        unreadable++;
    }
    unit_feed_close(&f);
    assert_int_equal(unreadable, 1);
    assert_int_equal(items[0], LINES);
    assert_int_equal(items[2], LINES);
    assert_in_range(items[1], LINES / 4, LINES);
}

static void test_no_file_and_no_format(const source_ops *s) {
    unit_feed f;
    char path[128], name[TEXT_MAX];
    if (s->glob == NULL) return;
    (void)snprintf(path, sizeof path, "%s/%s", unit_folder, s->glob);
    unit_feed_conf(&f, s->feed, s->options);
    assert_int_equal(td_options_set(s->feed->options, &f.conf, "path", path), TD_OK);
    assert_int_equal(s->feed->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
    assert_non_null(strstr(td_trail(), path)); /* names what is not there */
    td_options_fini(s->feed->options, &f.conf);
    td_instruments_free(f.instruments);
    s->name(0, name);
    unit_write(name, "neither", 7);
    char *text = read_all(s, &td_os_posix);
    assert_memory_equal(text, "0:0 rejected unreadable ", 24);
    free(text);
}

static void test_memory_is_bounded(const source_ops *s) {
    unit_os counting;
    unit_feed f;
    td_feed_item item;
    size_t warm = 0, most = 0;
    write_files(s, 1, LONG_LINES, (damage){0});
    open_feed(s, &f, unit_os_init(&counting, 0));
    for (int n = 1; next_item(&f, &item) == TD_OK; n++) {
        if (n % 1000 != 0) continue;
        size_t used = mallinfo2().uordblks; /* 0 where a sanitizer has its own heap */
        if (n == 2000) warm = used;
        if (used > most) most = used;
    }
    unit_feed_close(&f);
    assert_true(most <= warm + HEAP_SLACK);
    assert_int_equal(counting.open_count, 0);
}

static const struct {
    const char *name;
    void (*run)(const source_ops *s);
} tests[] = {{"items come in order, each once", test_items_come_in_order_each_once},
             {"reading twice gives the same", test_reading_twice_gives_the_same},
             {"a position is found again", test_a_position_is_found_again},
             {"a bad line costs itself", test_a_bad_line_costs_itself},
             {"what is refused keeps its bytes", test_what_is_refused_keeps_its_bytes},
             {"a cut file costs its rest", test_a_cut_file_costs_its_rest},
             {"no file, and no format", test_no_file_and_no_format},
             {"memory is bounded, and all is given back", test_memory_is_bounded}};

typedef struct test_case {
    char name[128];
    const source_ops *source;
    size_t test;
} test_case;

static void run_case(void **state) {
    const test_case *c = *state;
    tests[c->test].run(c->source);
    unit_empty_folder();
}

int main(void) {
    enum { CASES = COUNT_OF(tests) * COUNT_OF(sources) };
    static test_case cases[CASES];
    static struct CMUnitTest units[CASES];
    for (size_t i = 0; i < CASES; i++) {
        test_case *c = &cases[i];
        c->source = &sources[i / COUNT_OF(tests)];
        c->test = i % COUNT_OF(tests);
        (void)snprintf(c->name, sizeof c->name, "%s: %s", c->source->feed->format, tests[c->test].name);
        units[i] = (struct CMUnitTest){.name = c->name, .test_func = run_case, .initial_state = c};
    }
    return cmocka_run_group_tests(units, unit_make_folder, unit_remove_folder);
}
