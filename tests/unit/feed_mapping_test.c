/* tests/unit/feed_mapping_test.c - goal: a record of somebody else's schema is exactly the event that the configuration
 * makes of it, or is refused with the field that is wrong; settings that cannot work are told before. */
#include "feed/mapping.h"
#include "feed_unit.h"

#define MADE_NS (INT64_C(1700000000) * TD_NS_PER_S) /* 2023-11-14T22:13:20Z */
#define AT      " 2023-11-14T22:13:20Z "

typedef struct setting {
    const char *key, *value;
} setting;

typedef struct mapped {
    const char *record, *item;
} mapped;

static void set(td_feed_conf *conf, const setting *settings) {
    td_options_init(td_feed_kafka.options, conf);
    for (; settings->key != NULL; settings++)
        assert_int_equal(td_options_set(td_feed_kafka.options, conf, settings->key, settings->value), TD_OK);
}

/* The record lies in memory of its own size, so that a sanitizer sees one byte too many. */
static char *text_of(td_mapping *m, const td_instruments *instruments, td_bytes record) {
    td_buf out = {0};
    td_recorded row;
    uint8_t *copy = td_alloc(record.size + 1);
    memcpy(copy, record.data, record.size);
    assert_int_equal(td_mapping_read(m, (td_bytes){copy, record.size}, MADE_NS, &row), TD_OK);
    if (row.kind == TD_ITEM_EVENT)
        unit_put_event(&out, instruments, &row.event);
    else if (row.kind == TD_ITEM_REJECTED)
        td_buf_printf(&out, "%s: %s", td_reason_name((td_reason)row.reason), row.detail);
    else
        td_buf_printf(&out, "ignored %s", row.ignored);
    td_buf_put(&out, "", 1);
    free(copy);
    return (char *)out.data;
}

static void check(const setting *settings, const mapped *rows, size_t count) {
    td_feed_conf conf = {0};
    td_mapping *m;
    td_instruments *instruments = td_instruments_new();
    set(&conf, settings);
    td_status status = td_mapping_new(&m, &td_os_posix, &conf, instruments);
    ASSERT_ROW(status == TD_OK, "%s", td_trail());
    for (size_t i = 0; i < count; i++) {
        char *text = text_of(m, instruments, td_text(rows[i].record));
        ASSERT_ROW(strcmp(text, rows[i].item) == 0, "%zu: %s\n%s", i, rows[i].record, text);
        free(text);
    }
    td_mapping_free(m);
    td_options_fini(td_feed_kafka.options, &conf);
    td_instruments_free(instruments);
}

static const setting flat[] = {{"venue", "X"},           {"fields", "instrument=s"}, {"fields", "price=p"},
                               {"fields", "size=q"},     {"fields", "side=d"},       {"fields", "trade_id=i"},
                               {"fields", "exchange=e"}, {"fields", "time=t"},       {"sides", "1=buy"},
                               {"sides", "2=sell"},      {"sides", "?=none"},        {0}};

#define T      ",\"t\":1700000000}"
#define TRADED "X:A" AT "trade 1.5 x 2 side "

static void trades(void **state) {
    (void)state;
    static const mapped rows[] = {
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2" T, TRADED "0 id none [ ]"},
        {"{\"s\":\"A\",\"p\":\"1.5\",\"q\":\"2\",\"d\":\"BUY\",\"i\":77,\"e\":\"XNAS\"" T, TRADED "1 id 77 [XNAS ]"},
        {" {\"t\":1700000000000, \"q\":2e0,\"p\":15e-1,\"more\":[{\"p\":9}],\"s\":\"A\",\"d\":\"s\",\"i\":\"77\"}\n",
         TRADED "2 id 77 [ ]"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"d\":1" T, TRADED "1 id none [ ]"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"d\":\"2\"" T, TRADED "2 id none [ ]"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"d\":\"?\"" T, TRADED "0 id none [ ]"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"d\":null,\"i\":null,\"e\":\"\"" T, TRADED "0 id none [ ]"},
        {"{\"s\":\"BRK\\/B\",\"p\":1.5,\"q\":2" T, "X:BRK/B" AT "trade 1.5 x 2 side 0 id none [ ]"},
        {"{\"\\u0073\":\"\\u0041\",\"p\":\"\\u0031.5\",\"q\":2" T, TRADED "0 id none [ ]"},
        {"{\"s\":7,\"p\":-1.5,\"q\":0" T, "X:7" AT "trade -1.5 x 0 side 0 id none [ ]"}, /* a rule's to judge */
        {"{\"s\":\"A\",\"p\":0.1234567894,\"q\":2" T, "X:A" AT "trade 0.123456789 x 2 side 0 id none [ ] inexact"},
        {"{\"s\":\"A\",\"p\":9.5,\"q\":1,\"p\":1.5,\"q\":2" T, TRADED "0 id none [ ]"}, /* the last counts */

        {"{\"s\":\"A\",\"q\":2" T, "malformed: price (theirs: p) is missing"},
        {"{\"s\":\"A\",\"p\":null,\"q\":2" T, "malformed: price (theirs: p) is missing"},
        {"{\"s\":\"A\",\"p\":\"\",\"q\":2" T, "malformed: price (theirs: p) is missing"},
        {"{\"s\":\"A\",\"p\":\"NaN\",\"q\":2" T, "malformed: price (theirs: p) is no number"},
        {"{\"s\":\"A\",\"p\":true,\"q\":2" T, "malformed: price (theirs: p) is no number"},
        {"{\"s\":\"A\",\"p\":[1.5],\"q\":2" T, "malformed: price (theirs: p) is no number"},
        {"{\"s\":\"A\",\"p\":1e40,\"q\":2" T,
         "range: price (theirs: p) is too large a number, or too small to be told from 0"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":1e-40" T,
         "range: size (theirs: q) is too large a number, or too small to be told from 0"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"d\":\"up\"" T,
         "malformed: side (theirs: d) is neither buy nor sell, nor one of `sides`"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"i\":\"a-b\"" T,
         "malformed: trade_id (theirs: i) is no whole number of 64 bits"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"i\":7.5" T, "malformed: trade_id (theirs: i) is no whole number of 64 bits"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"e\":\"0123456789abcdef\"" T,
         "malformed: exchange (theirs: e) is no word of at most 15 bytes"},
        {"{\"p\":1.5,\"q\":2" T, "malformed: instrument (theirs: s) is missing"},
        {"{\"s\":{\"A\":1},\"p\":1.5,\"q\":2" T, "malformed: instrument (theirs: s) is neither a text nor a number"},
        {"{\"s\":\"A B\",\"p\":1.5,\"q\":2" T,
         "malformed: instrument (theirs: s) makes no name VENUE:SYMBOL of up to 63 characters without spaces"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2}", "malformed: time (theirs: t) is missing"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"t\":\"soon\"}", "malformed: time (theirs: t) is no time of `time_unit`"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"t\":-1}", "range: time (theirs: t) is not between the years 1970 and 2200"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"t\":\"2200-01-01T00:00:01Z\"}",
         "range: time (theirs: t) is not between the years 1970 and 2200"},
        {"", "malformed: the record is no JSON object"},
        {"[]", "malformed: the record is no JSON object"},
        {"poison", "malformed: the record is no JSON object"},
        {"{\"s\":\"A\",\"p\":1.5,\"q\":2,\"t\":1700000000} x", "malformed: the record is no JSON object"},
        {"{\"s\":\"\\ud800\",\"p\":1.5,\"q\":2" T, "malformed: the record is no JSON object"},
    };
    check(flat, rows, COUNT_OF(rows));
}

/* Cut at each byte it is refused, and nothing behind its end is read. */
static void cuts(void **state) {
    (void)state;
    td_feed_conf conf = {0};
    td_mapping *m;
    td_instruments *instruments = td_instruments_new();
    const char *record = "{\"s\":\"\\u0041\",\"x\":[1,{\"p\":[]}],\"p\":\"1.5\",\"q\":2e0" T;
    set(&conf, flat);
    assert_int_equal(td_mapping_new(&m, &td_os_posix, &conf, instruments), TD_OK);
    for (size_t size = 0; size < strlen(record); size++) {
        char *text = text_of(m, instruments, (td_bytes){(const uint8_t *)record, size});
        ASSERT_ROW(strcmp(text, "malformed: the record is no JSON object") == 0, "%zu: %s", size, text);
        free(text);
    }
    td_recorded row;
    assert_int_equal(td_mapping_read(m, (td_bytes){0}, MADE_NS, &row), TD_OK);
    assert_string_equal(row.ignored, "deleted");
    td_mapping_free(m);
    td_options_fini(td_feed_kafka.options, &conf);
    td_instruments_free(instruments);
}

static void times(void **state) {
    (void)state;
    static const struct {
        const char *unit, *time, *is;
    } rows[] = {
        {"auto", "1700000000", "2023-11-14T22:13:20Z"},
        {"auto", "1700000000123", "2023-11-14T22:13:20.123Z"},
        {"auto", "1700000000123456", "2023-11-14T22:13:20.123456Z"},
        {"auto", "1700000000123456789", "2023-11-14T22:13:20.123456789Z"},
        {"auto", "1700000000.123456789", "2023-11-14T22:13:20.123456789Z"},
        {"auto", "1.7e9", "2023-11-14T22:13:20Z"},
        {"auto", "\"2023-11-14T23:13:20.5+01:00\"", "2023-11-14T22:13:20.5Z"},
        {"auto", "\"2023-11-14 22:13:20Z\"", "2023-11-14T22:13:20Z"},
        {"s", "20", "1970-01-01T00:00:20Z"},
        {"s", "\"20.25\"", "1970-01-01T00:00:20.25Z"},
        {"ms", "20.5", "1970-01-01T00:00:00.0205Z"},
        {"us", "20", "1970-01-01T00:00:00.00002Z"},
        {"ns", "20", "1970-01-01T00:00:00.00000002Z"},
        {"ms", "\"2023-11-14T22:13:20Z\"", NULL},
        {"ms", "1e30", NULL},
        {"auto", "{}", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const setting settings[] = {{"fields", "instrument=s"}, {"fields", "time=a.b.0.c"},  {"fields", "price=p"},
                                    {"event", "price"},         {"time_unit", rows[i].unit}, {0}};
        char record[160], item[160];
        (void)snprintf(record, sizeof record,
                       "{\"p\":7,\"s\":\"X:A\",\"a\":{\"c\":1,\"b\":[{\"b\":2,\"c\":%s},{\"c\":3}]}}", rows[i].time);
        (void)snprintf(item, sizeof item, "X:A %s price 7", rows[i].is);
        if (rows[i].is == NULL)
            (void)snprintf(item, sizeof item, "malformed: time (theirs: a.b.0.c) is no time of `time_unit`");
        check(settings, &(mapped){record, item}, 1);
    }
}

static void kinds(void **state) {
    (void)state;
    static const setting mixed[] = {{"fields", "instrument=s"},
                                    {"fields", "venue=v"},
                                    {"fields", "event=k"},
                                    {"fields", "price=p"},
                                    {"fields", "size=q"},
                                    {"fields", "bid=b"},
                                    {"fields", "ask=a"},
                                    {"fields", "bid_size=B"},
                                    {"fields", "sequence=n"},
                                    {"events", "T=trade"},
                                    {"events", "Q=quote"},
                                    {"events", "0=price"},
                                    {0}};
    static const mapped rows[] = {
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"T\",\"p\":1,\"q\":2}", "V:A" AT "trade 1 x 2 side 0 id none [ ]"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"trade\",\"p\":1,\"q\":2}", "V:A" AT "trade 1 x 2 side 0 id none [ ]"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"Q\",\"b\":1,\"B\":3,\"a\":2,\"n\":9}",
         "V:A" AT "quote 1 x 3 | 2 x none seq 9 [ ]"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"Q\",\"B\":3,\"a\":2}", "V:A" AT "quote none x none | 2 x none seq none [ ]"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":0,\"p\":1}", "V:A" AT "price 1"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"bar\",\"p\":1}", "ignored other"}, /* it is not configured */
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"heartbeat\"}", "ignored other"},
        {"{\"v\":\"V\",\"s\":\"A\",\"k\":\"Q\"}", "malformed: bid (theirs: b) is missing, and so is the other side"},
        {"{\"v\":\"V\",\"s\":\"A\",\"p\":1,\"q\":2}", "malformed: event (theirs: k) is missing"},
        {"{\"s\":\"A\",\"k\":\"T\",\"p\":1,\"q\":2}", "malformed: venue (theirs: v) is missing"},
        {"{\"v\":\"V:W\",\"s\":\"A\",\"k\":\"T\",\"p\":1,\"q\":2}",
         "malformed: instrument (theirs: s) makes no name VENUE:SYMBOL of up to 63 characters without spaces"},
    };
    static const setting bars[] = {{"fields", "instrument=s"}, {"fields", "open=o"},
                                   {"fields", "high=h"},       {"fields", "low=l"},
                                   {"fields", "close=c"},      {"fields", "volume=v"},
                                   {"event", "bar"},           {"width", "1m"},
                                   {"stamps", "start"},        {0}};
    static const mapped bar_rows[] = {
        {"{\"s\":\"V:A\",\"o\":1,\"h\":4,\"l\":1,\"c\":\"2\",\"v\":9}", "V:A 2023-11-14T22:14:20Z bar 1m 1 4 1 2 x 9"},
        {"{\"s\":\"V:A\",\"o\":1,\"h\":4,\"l\":1,\"c\":\"2\"}", "V:A 2023-11-14T22:14:20Z bar 1m 1 4 1 2 x none"},
        {"{\"s\":\"V:A\",\"o\":1,\"h\":4,\"c\":\"2\"}", "malformed: low (theirs: l) is missing"},
        {"{\"s\":\"A\",\"o\":1,\"h\":4,\"l\":1,\"c\":2}",
         "malformed: instrument (theirs: s) is not as VENUE:SYMBOL, and neither `venue` nor a field says the venue"},
    };
    static const setting no_width[] = {{"fields", "instrument=s"},
                                       {"fields", "event=k"},
                                       {"fields", "open=o"},
                                       {"fields", "high=o"},
                                       {"fields", "low=o"},
                                       {"fields", "close=o"},
                                       {0}};
    check(no_width, &(mapped){"{\"s\":\"V:A\",\"k\":\"bar\",\"o\":1}", "ignored other"}, 1);
    check(mixed, rows, COUNT_OF(rows));
    check(bars, bar_rows, COUNT_OF(bar_rows));
}

static void settings_that_cannot_work(void **state) {
    (void)state;
    static const struct {
        setting settings[6];
        const char *says;
    } rows[] = {
        {{{"fields", "price=p"}, {"fields", "size=q"}}, "without instrument"},
        {{{"fields", "instrument=s"}, {"fields", "prize=p"}},
         "fields.prize: no field of ours; did you mean \"price\"?"},
        {{{"fields", "instrument=s"}, {"fields", "instrument=t"}}, "there twice"},
        {{{"fields", "instrument=a..b"}}, "\"a..b\" is no name of a field"},
        {{{"fields", "instrument=a.b.c.d.e.f.g.h.i"}}, "is no name of a field"},
        {{{"fields", "instrument=s"}, {"fields", "price=p"}}, "a trade needs price and size"},
        {{{"fields", "instrument=s"}, {"event", "quote"}}, "a quote needs bid or ask"},
        {{{"fields", "instrument=s"}, {"event", "bar"}}, "width: bars have one"},
        {{{"fields", "instrument=s"}, {"event", "bar"}, {"width", "1m"}}, "a bar needs open, high, low and close"},
        {{{"fields", "instrument=s"}, {"fields", "price=p"}, {"event", "price"}, {"venue", "a b"}}, "venue: \"a b\""},
        {{{"fields", "instrument=s"}, {"fields", "venue=v"}, {"venue", "V"}}, "one is enough"},
        {{{"fields", "instrument=s"}, {"fields", "price=p"}, {"events", "T=trade"}}, "no field `event`"},
        {{{"fields", "instrument=s"}, {"fields", "event=k"}, {"events", "T=trades"}}, "did you mean \"trade\"?"},
        {{{"fields", "instrument=s"}, {"fields", "event=k"}, {"events", "T=trade"}}, "a trade needs"},
        {{{"fields", "instrument=s"}, {"fields", "price=p"}, {"event", "price"}, {"sides", "1=bought"}},
         "sides: \"bought\""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_feed_conf conf = {0};
        td_mapping *m;
        td_instruments *instruments = td_instruments_new();
        set(&conf, rows[i].settings);
        ASSERT_ROW(td_mapping_new(&m, &td_os_posix, &conf, instruments) == TD_CONFIG, "%zu", i);
        ASSERT_ROW(strstr(td_trail(), rows[i].says) != NULL, "%zu: %s", i, td_trail());
        td_options_fini(td_feed_kafka.options, &conf);
        td_instruments_free(instruments);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trades),
        cmocka_unit_test(cuts),
        cmocka_unit_test(times),
        cmocka_unit_test(kinds),
        cmocka_unit_test(settings_that_cannot_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
