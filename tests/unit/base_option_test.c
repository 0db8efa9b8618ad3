/* tests/unit/base_option_test.c - goal: a row sets, bounds and explains its field; errors name what was meant. */
#include "base/option.h"
#include "base/time.h"
#include "unit.h"

typedef struct conf {
    char *path, *name;
    int64_t count, wait_ns, size_bytes, from_ns;
    bool loud;
    int codec;
    double ratio;
    td_texts words;
} conf;

static const td_option rows[] = {
    {.key = "path", .type = TD_OPTION_TEXT, .required = true, .offset = offsetof(conf, path), .help = "a file"},
    {.key = "name", .type = TD_OPTION_TEXT, .fallback = "demo", .offset = offsetof(conf, name)},
    {.key = "count", .type = TD_OPTION_INT, .fallback = "8", .min = 1, .max = 64, .offset = offsetof(conf, count)},
    {.key = "wait",
     .type = TD_OPTION_DURATION,
     .fallback = "200ms",
     .min = 1e6,
     .max = 60e9,
     .offset = offsetof(conf, wait_ns)},
    {.key = "size", .type = TD_OPTION_BYTES, .fallback = "20GB", .offset = offsetof(conf, size_bytes)},
    {.key = "from", .type = TD_OPTION_CLOCK, .offset = offsetof(conf, from_ns)},
    {.key = "loud", .type = TD_OPTION_BOOL, .fallback = "yes", .offset = offsetof(conf, loud)},
    {.key = "codec",
     .type = TD_OPTION_CHOICE,
     .fallback = "zstd",
     .choices = "none|zstd",
     .offset = offsetof(conf, codec)},
    {.key = "ratio", .type = TD_OPTION_REAL, .fallback = "1", .min = 1e-3, .max = 1e6, .offset = offsetof(conf, ratio)},
    {.key = "words", .type = TD_OPTION_TEXTS, .unit = "WORD", .offset = offsetof(conf, words)},
    {0},
};

static void starts_with_defaults(void **state) {
    conf c;
    (void)state;
    td_options_init(rows, &c);
    assert_null(c.path);
    assert_string_equal(c.name, "demo");
    assert_int_equal(c.count, 8);
    assert_int_equal(c.wait_ns, 200 * TD_NS_PER_MS);
    assert_int_equal(c.size_bytes, INT64_C(20) << 30);
    assert_int_equal(c.from_ns, -1);
    assert_true(c.loud);
    assert_int_equal(c.codec, 1);
    assert_true(c.ratio == 1.0);
    assert_int_equal(td_options_check(rows, &c), TD_CONFIG);
    assert_string_equal(td_trail(), "path: missing: a file");
    assert_int_equal(td_options_set(rows, &c, "path", "x"), TD_OK);
    assert_int_equal(td_options_set(rows, &c, "path", "y"), TD_OK); /* the first text is freed */
    assert_int_equal(td_options_check(rows, &c), TD_OK);
    assert_string_equal(c.path, "y");
    td_options_fini(rows, &c);
    assert_null(c.path);
}

static void sets_numbers(void **state) {
    static const struct {
        const char *key, *value;
        int64_t number;
    } good[] = {
        {"count", "1", 1},
        {"count", "64", 64},
        {"wait", "1ms", TD_NS_PER_MS},
        {"wait", "1m", TD_NS_PER_MIN},
        {"size", "4096", 4096},
        {"size", "64KB", 65536},
        {"size", "20MB", 20 << 20},
        {"size", "2TB", INT64_C(2) << 40},
        {"size", "0", 0},
        {"from", "09:30", 570 * TD_NS_PER_MIN},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        conf c;
        td_options_init(rows, &c);
        ASSERT_ROW(td_options_set(rows, &c, good[i].key, good[i].value) == TD_OK, "%s", good[i].value);
        int64_t got = good[i].key[0] == 'c'   ? c.count
                      : good[i].key[0] == 'w' ? c.wait_ns
                      : good[i].key[0] == 's' ? c.size_bytes
                                              : c.from_ns;
        ASSERT_ROW(got == good[i].number, "%s", good[i].value);
        td_options_fini(rows, &c);
    }
}

static void sets_words_and_reals(void **state) {
    conf c;
    (void)state;
    td_options_init(rows, &c);
    assert_int_equal(td_options_set(rows, &c, "loud", "off"), TD_OK);
    assert_false(c.loud);
    assert_int_equal(td_options_set(rows, &c, "loud", "true"), TD_OK);
    assert_true(c.loud);
    assert_int_equal(td_options_set(rows, &c, "codec", "none"), TD_OK);
    assert_int_equal(c.codec, 0);
    assert_int_equal(td_options_set(rows, &c, "ratio", "2.5e1"), TD_OK);
    assert_true(c.ratio == 25.0);
    td_options_fini(rows, &c);
}

static void explains_errors(void **state) {
    static const struct {
        const char *key, *value, *trail;
    } bad[] = {
        {"pth", "x", "pth: unknown key; did you mean \"path\"?"},
        {"Count", "1", "Count: unknown key; did you mean \"count\"?"},
        {"elephant", "1", "elephant: unknown key"},
        {"count", "0", "count: 0 is not within 1 to 64"},
        {"count", "65", "count: 65 is not within 1 to 64"},
        {"count", "eight", "count: \"eight\" is not a whole number"},
        {"count", "8.0", "count: \"8.0\" is not a whole number"},
        {"count", " 8", "count: \" 8\" is not a whole number"},
        {"count", "", "count: \"\" is not a whole number"},
        {"count", "99999999999999999999", "count: \"99999999999999999999\" is not a whole number"},
        {"wait", "2m", "wait: 2m is not within 1ms to 1m"},
        {"wait", "5", "wait: \"5\" is not a duration such as 200ms, 5s or 1m"},
        {"size", "GB", "size: \"GB\" is not a size such as 4096, 64KB, 20MB or 20GB"},
        {"size", "-1", "size: \"-1\" is not a size such as 4096, 64KB, 20MB or 20GB"},
        {"size", "9000000TB0", "size: \"9000000TB0\" is not a size such as 4096, 64KB, 20MB or 20GB"},
        {"size", "9000000000TB", "size: \"9000000000TB\" is not a size such as 4096, 64KB, 20MB or 20GB"},
        {"from", "9h30", "from: \"9h30\" is not a time of day such as 09:30"},
        {"loud", "maybe", "loud: \"maybe\" is not true or false"},
        {"codec", "zst", "codec: \"zst\" is not one of none|zstd; did you mean \"zstd\"?"},
        {"codec", "brotli", "codec: \"brotli\" is not one of none|zstd"},
        {"ratio", "0", "ratio: 0 is not within 0.001 to 1000000"},
        {"ratio", "inf", "ratio: \"inf\" is not a number"},
        {"ratio", "1e999", "ratio: \"1e999\" is not a number"},
        {"ratio", "nan", "ratio: \"nan\" is not a number"},
        {"ratio", "1x", "ratio: \"1x\" is not a number"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        conf c;
        td_options_init(rows, &c);
        ASSERT_ROW(td_options_set(rows, &c, bad[i].key, bad[i].value) == TD_CONFIG, "%s %s", bad[i].key, bad[i].value);
        assert_string_equal(td_trail(), bad[i].trail);
        assert_int_equal(c.count, 8); /* a refused value changes nothing */
        td_options_fini(rows, &c);
    }
}

static void collects_texts(void **state) {
    conf c;
    (void)state;
    td_options_init(rows, &c);
    assert_int_equal(c.words.count, 0);
    assert_int_equal(td_options_set(rows, &c, "words", "a=1"), TD_OK);
    assert_int_equal(td_options_set(rows, &c, "words", ""), TD_OK);
    assert_int_equal(c.words.count, 2);
    assert_string_equal(c.words.items[0], "a=1");
    assert_string_equal(c.words.items[1], "");
    td_options_fini(rows, &c);
    assert_int_equal(c.words.count, 0);
}

static void describes_what_may_be_written(void **state) {
    static const struct {
        td_option row;
        const char *words;
    } table[] = {
        {{.type = TD_OPTION_TEXT}, "text"},
        {{.type = TD_OPTION_INT, .min = 1, .max = 64, .unit = "threads"}, "whole number, 1 to 64 threads"},
        {{.type = TD_OPTION_INT, .unit = "ticks"}, "whole number of ticks"},
        {{.type = TD_OPTION_REAL, .min = 0.5, .max = 2}, "number, 0.5 to 2"},
        {{.type = TD_OPTION_DURATION, .min = 1e6, .max = 60e9}, "duration, 1ms to 1m"},
        {{.type = TD_OPTION_BYTES, .min = 4096, .max = 1 << 30}, "size in bytes, 4KB to 1GB"},
        {{.type = TD_OPTION_CLOCK}, "time of day"},
        {{.type = TD_OPTION_BOOL}, "true or false"},
        {{.type = TD_OPTION_CHOICE, .choices = "none|lz4|zstd"}, "none or lz4 or zstd"},
        {{.type = TD_OPTION_TEXTS}, "text, more than once"},
        {{.type = TD_OPTION_PAIRS}, "names and values"},
        {{.type = TD_OPTION_SECRET}, "secret"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        td_buf text = {0};
        td_option_describe(&table[i].row, &text);
        td_buf_put(&text, "", 1);
        assert_string_equal(text.data, table[i].words);
        td_buf_fini(&text);
    }
}

static void finds_rows(void **state) {
    (void)state;
    assert_ptr_equal(td_option_find(rows, "count"), &rows[2]);
    assert_null(td_option_find(rows, "Count"));
    assert_string_equal(td_option_nearest(rows, "cuont"), "count");
    assert_null(td_option_nearest(rows, "elephant"));
}

static void finds_the_nearest_word(void **state) {
    static const char *const words[] = {"feeds", "bars", "strategies", "log", "to", NULL};
    static const struct {
        const char *word, *nearest;
    } table[] = {
        {"feed", "feeds"}, {"bar", "bars"}, {"strategy", "strategies"}, {"lgo", "log"}, {"x", NULL},
        {"sinks", NULL},   {"", NULL},      {"feeds", "feeds"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *nearest = td_nearest(table[i].word, words);
        if (table[i].nearest == NULL) {
            ASSERT_ROW(nearest == NULL, "%s", table[i].word);
        } else {
            assert_non_null(nearest);
            assert_string_equal(nearest, table[i].nearest);
        }
    }
}

static void trails_tell_the_way_up(void **state) {
    (void)state;
    assert_int_equal(td_fail(TD_CORRUPT, "read_batch", "crc is %d", 7), TD_CORRUPT);
    assert_int_equal(td_trace(TD_CORRUPT, "reading %s", "tape-0"), TD_CORRUPT);
    assert_string_equal(td_trail(), "crc is 7 (read_batch); while reading tape-0");
    assert_int_equal(td_trace(TD_OK, "nothing"), TD_OK);
    assert_int_equal(td_trace(TD_AGAIN, "nothing"), TD_AGAIN);
    assert_string_equal(td_trail(), "crc is 7 (read_batch); while reading tape-0");
    assert_int_equal(TD_FAIL(TD_CONFIG, "log.dir: %s", td_trail()), TD_CONFIG); /* its own trail as an argument */
    assert_string_equal(td_trail(), "log.dir: crc is 7 (read_batch); while reading tape-0");
    assert_int_equal(td_fail(TD_REJECT, "open_stream", "not packed"), TD_REJECT); /* not ours: no function helps */
    assert_string_equal(td_trail(), "not packed");
    for (int i = 0; i < 200; i++) (void)td_trace(TD_CONFIG, "climbing step %d", i); /* cut, never beyond its end */
    assert_true(strlen(td_trail()) < 1024);
    assert_string_equal(td_status_name(TD_CORRUPT), "corrupt");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_with_defaults),
        cmocka_unit_test(sets_numbers),
        cmocka_unit_test(sets_words_and_reals),
        cmocka_unit_test(explains_errors),
        cmocka_unit_test(collects_texts),
        cmocka_unit_test(describes_what_may_be_written),
        cmocka_unit_test(finds_rows),
        cmocka_unit_test(finds_the_nearest_word),
        cmocka_unit_test(trails_tell_the_way_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
