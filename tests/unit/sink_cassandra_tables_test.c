/* tests/unit/sink_cassandra_tables_test.c - goal: each kind of row gives as many values as its insert has marks, under
 * the key that its table has; partitions are an instrument's day or year, at the edges of these, too. */
#include "base/time.h"
#include "cql_unit.h"
#include "sink/cassandra_tables.h"
#include <inttypes.h>
#include <math.h>

#define DAY TD_NS_PER_DAY

static td_sink_row row_of(unsigned kind, int64_t ns) {
    td_sink_row row = {.instrument = TD_TEXT("V:A"), .source = {3, 77}, .tape_offset = 55, .feed = TD_TEXT("f")};
    row.kind = kind;
    switch (kind) {
    case TD_ROW_BAR:
        row.bar = (td_bar){.start_ns = ns, .end_ns = ns + 5, .width_ns = 60, .close = 7};
        break;
    case TD_ROW_SIGNAL:
        row.signal = (td_signal){.strategy = TD_TEXT("s"), .event_ns = ns, .ordinal = 1};
        break;
    case TD_ROW_FILL:
        row.fill = (td_fill){.signal = TD_TEXT("s/V:A"), .event_ns = ns, .side = TD_SIDE_BUY};
        break;
    case TD_ROW_GAP:
        row.gap = (td_gap){.from_ns = ns, .to_ns = TD_NONE, .first_id = TD_NONE, .last_id = 4, .missing = TD_NONE};
        break;
    case TD_ROW_VENDOR_BAR:
        row.event = (td_event){.kind = TD_EVENT_VENDOR_BAR, .event_ns = ns + 9};
        row.event.vendor_bar = (td_vendor_bar){.start_ns = ns, .width_ns = 9, .volume = TD_NONE};
        break;
    case TD_ROW_REJECTED:
        row.instrument = (td_bytes){0};
        row.rejected = (td_rejected){.feed = TD_TEXT("f"), .receive_ns = ns, .reason = TD_REASON_RANGE};
        break;
    default:
        row.refusal = (td_sink_refusal){TD_REASON_LATE, 1, {TD_NS_PER_S}, ns}; /* of QUARANTINED alone */
        if (ns < INT64_MAX - DAY) row.refusal.known_at_ns += DAY;
        row.event = (td_event){.kind = TD_EVENT_TRADE, .event_ns = ns};
        row.event.trade = (td_trade){.price = 5, .size = 6, .trade_id = TD_NONE};
    }
    return row;
}

static size_t marks_of(td_cassandra_table table) {
    td_buf text = {0};
    size_t count = 0;
    td_cassandra_put_insert(&text, "k", table, "t");
    for (size_t i = 0; i < text.size; i++) count += text.data[i] == '?';
    td_buf_fini(&text);
    return count;
}

static td_code code_of(td_bytes text) {
    td_code code = {.size = (uint8_t)text.size};
    memcpy(code.text, text.data, text.size);
    return code;
}

static size_t count_of(td_bytes in, td_bytes what) {
    size_t count = 0;
    for (size_t at = 0; at + what.size <= in.size; at++) count += memcmp(in.data + at, what.data, what.size) == 0;
    return count;
}

static void as_many_values_as_marks(void **state) {
    (void)state;
    static const struct {
        unsigned kind, event_kind;
        td_cassandra_table table;
    } rows[] = {
        {TD_ROW_BAR, 0, TD_CASSANDRA_BARS},
        {TD_ROW_SIGNAL, 0, TD_CASSANDRA_SIGNALS},
        {TD_ROW_FILL, 0, TD_CASSANDRA_TRADE_LOG},
        {TD_ROW_GAP, 0, TD_CASSANDRA_GAPS},
        {TD_ROW_VENDOR_BAR, TD_EVENT_VENDOR_BAR, TD_CASSANDRA_VENDOR_BARS},
        {TD_ROW_PUBLISHED, TD_EVENT_TRADE, TD_CASSANDRA_TICKS},
        {TD_ROW_PUBLISHED, TD_EVENT_QUOTE, TD_CASSANDRA_BOOK_UPDATES},
        {TD_ROW_PUBLISHED, TD_EVENT_NEWS, TD_CASSANDRA_NEWS},
        {TD_ROW_QUARANTINED, TD_EVENT_TRADE, TD_CASSANDRA_QUARANTINE},
        {TD_ROW_QUARANTINED, TD_EVENT_QUOTE, TD_CASSANDRA_QUARANTINE},
        {TD_ROW_QUARANTINED, TD_EVENT_PRICE, TD_CASSANDRA_QUARANTINE},
        {TD_ROW_QUARANTINED, TD_EVENT_NEWS, TD_CASSANDRA_QUARANTINE},
        {TD_ROW_REJECTED, 0, TD_CASSANDRA_REJECTED},
    };
    td_cql_values values = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_sink_row row = row_of(rows[i].kind, DAY);
        row.event.kind = (uint8_t)rows[i].event_kind;
        if (row.event.kind == TD_EVENT_NEWS) row.event.news = (td_news){.headline = TD_TEXT("h"), .sentiment = NAN};
        const td_cassandra_partition p = td_cassandra_partition_of(&row);
        ASSERT_ROW(p.table == rows[i].table, "%zu", i);
        td_cql_values_clear(&values);
        td_cassandra_add_row(&values, &p, 1, &row);
        ASSERT_ROW(values.count == marks_of(p.table), "%zu: %u", i, values.count);
        ASSERT_ROW(values.count == td_cassandra_marks(p.table), "%zu", i);
    }
    td_cql_values_clear(&values);
    td_cassandra_add_latest(&values, TD_TEXT("V:A"), &(td_cassandra_latest){.size = TD_NONE});
    assert_int_equal(values.count, marks_of(TD_CASSANDRA_LATEST));
    assert_int_equal(values.count, td_cassandra_marks(TD_CASSANDRA_LATEST));
    td_cql_values_fini(&values);
}

/* A node refuses a row with a text that is none, and with it all that comes behind. */
static void texts_are_sound(void **state) {
    (void)state;
    const td_bytes bad = TD_TEXT("\xff"
                                 "F"),
                   mended = TD_TEXT("\0\0\0\4\xef\xbf\xbd"
                                    "F");
    static const struct {
        unsigned kind, event_kind;
        size_t texts;
    } rows[] = {
        {TD_ROW_SIGNAL, 0, 4},
        {TD_ROW_FILL, 0, 2},
        {TD_ROW_GAP, 0, 1},
        {TD_ROW_VENDOR_BAR, TD_EVENT_VENDOR_BAR, 1},
        {TD_ROW_PUBLISHED, TD_EVENT_TRADE, 3},
        {TD_ROW_PUBLISHED, TD_EVENT_QUOTE, 3},
        {TD_ROW_PUBLISHED, TD_EVENT_NEWS, 5},
        {TD_ROW_QUARANTINED, TD_EVENT_TRADE, 3},
        {TD_ROW_QUARANTINED, TD_EVENT_QUOTE, 3},
        {TD_ROW_REJECTED, 0, 2},
    };
    td_cql_values values = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_sink_row row = row_of(rows[i].kind, DAY);
        const td_cassandra_partition p = td_cassandra_partition_of(&row);
        row.feed = bad;
        row.event.kind = (uint8_t)rows[i].event_kind;
        if (rows[i].kind == TD_ROW_SIGNAL)
            row.signal.strategy = row.signal.note = row.signal.reason = row.signal.data = bad;
        if (rows[i].kind == TD_ROW_FILL) row.fill.signal = row.fill.strategy = bad;
        if (rows[i].kind == TD_ROW_GAP) row.gap.feed = bad;
        if (rows[i].kind == TD_ROW_REJECTED) row.rejected.source = row.rejected.detail = bad;
        if (rows[i].event_kind == TD_EVENT_TRADE) row.event.trade.exchange = row.event.trade.condition = code_of(bad);
        if (rows[i].event_kind == TD_EVENT_QUOTE) row.event.quote.exchange = row.event.quote.condition = code_of(bad);
        if (rows[i].event_kind == TD_EVENT_NEWS)
            row.event.news = (td_news){.headline = bad, .source = bad, .url = bad, .id = bad};
        td_cql_values_clear(&values);
        td_cassandra_add_row(&values, &p, 1, &row);
        size_t texts = count_of(td_buf_bytes(&values.bytes), mended);
        ASSERT_ROW(texts == rows[i].texts && count_of(td_buf_bytes(&values.bytes), bad) == 0, "%zu: %zu", i, texts);
    }
    td_cql_values_fini(&values);
}

static void days_and_years(void **state) {
    (void)state;
    static const struct {
        int64_t ns;
        int32_t year, day;
    } rows[] = {{0, 1970, 0},
                {-1, 1969, -1},
                {364 * DAY, 1970, 364},
                {365 * DAY - 1, 1970, 364},
                {365 * DAY, 1971, 365},
                {20453 * DAY + DAY - 1, 2025, 20453},
                {20454 * DAY, 2026, 20454},
                {-200 * 365 * DAY, 1770, -73000},
                {INT64_MAX, 2262, 106751},
                {INT64_MIN + DAY, 1677, -106751}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_sink_row bar = row_of(TD_ROW_BAR, 0), trade = row_of(TD_ROW_PUBLISHED, rows[i].ns);
        bar.bar.start_ns = rows[i].ns;
        int32_t year = td_cassandra_partition_of(&bar).bucket, day = td_cassandra_partition_of(&trade).bucket;
        ASSERT_ROW(year == rows[i].year && day == rows[i].day, "%zu: %d %d", i, year, day);
    }
}

static void keys(void **state) {
    (void)state;
    td_cql_values values = {0};
    td_sink_row row = row_of(TD_ROW_PUBLISHED, -1);
    td_cassandra_partition p = td_cassandra_partition_of(&row);
    td_cassandra_add_row(&values, &p, 1, &row);
    /* The day and the millisecond before 1970, and the place on the tape. */
    assert_true(td_bytes_begin(
        td_buf_bytes(&values.bytes),
        (td_bytes){(const uint8_t *)"\0\0\0\3V:A\0\0\0\4\x7F\xFF\xFF\xFF\0\0\0\x8\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                                    "\xFF\0\0\0\x8\0\0\0\0\0\0\0\x37",
                   39}));
    td_cql_values_clear(&values);
    row = row_of(TD_ROW_SIGNAL, 0);
    row.signal.leg = TD_TEXT("V:LEG"); /* stands with what it trades */
    p = td_cassandra_partition_of(&row);
    assert_true(td_bytes_equal(p.instrument, TD_TEXT("V:LEG")));
    row = row_of(TD_ROW_QUARANTINED, 364 * DAY); /* in the year of its refusal, whenever its event says that it was */
    assert_int_equal(td_cassandra_partition_of(&row).bucket, 1971);
    row = row_of(TD_ROW_REJECTED, 5 * DAY); /* of no instrument: with its feed, by day */
    assert_true(td_bytes_equal(td_cassandra_partition_of(&row).instrument, TD_TEXT("f")));
    assert_int_equal(td_cassandra_partition_of(&row).bucket, 5);
    td_cassandra_partition a = p, b = p;
    assert_int_equal(td_cassandra_partition_compare(&a, &b), 0);
    b.bucket++;
    assert_true(td_cassandra_partition_compare(&a, &b) < 0 && td_cassandra_partition_compare(&b, &a) > 0);
    a.width_ns = 1;
    assert_true(td_cassandra_partition_compare(&a, &b) > 0);
    td_cql_values_fini(&values);
}

static void last_prices(void **state) {
    (void)state;
    td_cassandra_latest latest;
    td_sink_row row = row_of(TD_ROW_BAR, 100);
    assert_true(td_cassandra_latest_of(&row, &latest));
    assert_true(latest.event_ns == 105 && latest.price == 7 && latest.size == TD_NONE && latest.ord == 77);
    row = row_of(TD_ROW_PUBLISHED, 100);
    assert_true(td_cassandra_latest_of(&row, &latest));
    assert_true(latest.event_ns == 100 && latest.price == 5 && latest.size == 6 && latest.ord == 55);
    row.event.kind = TD_EVENT_QUOTE;
    assert_false(td_cassandra_latest_of(&row, &latest));
    row = row_of(TD_ROW_SIGNAL, 100);
    assert_false(td_cassandra_latest_of(&row, &latest));
}

/* What is told last stands, by stamps that never repeat and never leave their event time without need. */
static void the_newest_wins(void **state) {
    (void)state;
    static const struct {
        int64_t event_ns, ord;
        bool taken;
        int64_t stamp;
    } rows[] = {
        {100, 5, true, 100}, {100, 5, true, 101}, {100, 4, false, 101}, {99, 9, false, 101},
        {100, 6, true, 102}, {101, 0, true, 103}, {500, 0, true, 500},
    };
    td_cassandra_latest known = {.event_ns = TD_NONE, .ord = -1, .stamp = TD_NONE};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_cassandra_latest next = {rows[i].event_ns, 7, 8, rows[i].ord, TD_NONE};
        ASSERT_ROW(td_cassandra_latest_take(&known, &next) == rows[i].taken, "%zu", i);
        ASSERT_ROW(known.stamp == rows[i].stamp, "%zu: %" PRId64, i, known.stamp);
    }
    assert_true(known.event_ns == 500 && known.price == 7 && known.size == 8);
    known.stamp = INT64_MAX; /* somebody else's */
    assert_true(td_cassandra_latest_take(&known, &(td_cassandra_latest){.event_ns = 501}));
    assert_true(known.stamp == INT64_MAX);
}

static void releases(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool serves;
    } rows[] = {{"3.0.8", true},        {"3.0.30", true}, {"3.11.4", true},    {"4.0", true},
                {"5.0.4", true},        {"10.0", true},   {"5.0-beta1", true}, {"3.0.7", false},
                {"2.2.19", false},      {"3.0", false},   {"3", false},        {"", false},
                {"x", false},           {".9", false},    {"3.0.8-rc1", true}, {"3.0.x", false},
                {"9999999999999", true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_cassandra_serves(td_text(rows[i].text)) == rows[i].serves, "%s", rows[i].text);
}

static void tables_as_they_are_made(void **state) {
    (void)state;
    static const struct {
        int64_t window_ns;
        const char *words;
    } rows[] = {{DAY, "'DAYS', 'compaction_window_size': 1}"},
                {6 * TD_NS_PER_HOUR, "'HOURS', 'compaction_window_size': 6}"},
                {90 * TD_NS_PER_MIN, "'MINUTES', 'compaction_window_size': 90}"}};
    td_buf text = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_cassandra_form form = {.keyspace = "k", .ttl_s = 60, .window_ns = rows[i].window_ns};
        text.size = 0;
        td_cassandra_put_create(&text, &form, TD_CASSANDRA_TICKS, "stock_IBM");
        ASSERT_ROW(td_bytes_have(td_buf_bytes(&text), td_text(rows[i].words)), "%zu", i);
        ASSERT_ROW(td_bytes_have(td_buf_bytes(&text), TD_TEXT("default_time_to_live = 60")), "%zu", i);
    }
    assert_true(td_bytes_begin(td_buf_bytes(&text),
                               TD_TEXT("CREATE TABLE IF NOT EXISTS k.stock_IBM (instrument text, day date,")));
    assert_true(td_bytes_have(td_buf_bytes(&text), TD_TEXT("PRIMARY KEY ((instrument, day), event_time, ord)")));
    text.size = 0;
    td_cassandra_put_create(&text, &(td_cassandra_form){.keyspace = "k", .ttl_s = 60}, TD_CASSANDRA_POSITIONS,
                            "positions");
    assert_false(td_bytes_have(td_buf_bytes(&text), TD_TEXT("time_to_live"))); /* it is never forgotten */
    td_buf_fini(&text);
}

/* A row's node is found by the first of its values. */
static void keys_of_partitions(void **state) {
    (void)state;
    td_buf create = {0}, insert = {0}, head = {0};
    const td_cassandra_form form = {.keyspace = "k", .window_ns = DAY};
    for (int t = 0; t < TD_CASSANDRA_TABLES; t++) {
        create.size = insert.size = head.size = 0;
        td_cassandra_put_create(&create, &form, (td_cassandra_table)t, "t");
        td_cassandra_put_insert(&insert, "k", (td_cassandra_table)t, "t");
        td_buf_put(&create, "", 1);
        const char *key = strstr((const char *)create.data, "PRIMARY KEY (") + strlen("PRIMARY KEY (");
        size_t size = *key == '(' ? strcspn(++key, ")") : strcspn(key, ",)");
        uint32_t columns = 1;
        for (size_t i = 0; i < size; i++) columns += key[i] == ',';
        td_buf_printf(&head, "INSERT INTO k.t (%.*s,", (int)size, key);
        ASSERT_ROW(td_bytes_begin(td_buf_bytes(&insert), td_buf_bytes(&head)), "%d", t);
        ASSERT_ROW(td_cassandra_keys((td_cassandra_table)t) == columns, "%d: %u", t, columns);
    }
    td_buf_fini(&create);
    td_buf_fini(&insert);
    td_buf_fini(&head);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_values_as_marks), cmocka_unit_test(texts_are_sound),
        cmocka_unit_test(days_and_years),          cmocka_unit_test(keys),
        cmocka_unit_test(keys_of_partitions),      cmocka_unit_test(last_prices),
        cmocka_unit_test(the_newest_wins),         cmocka_unit_test(releases),
        cmocka_unit_test(tables_as_they_are_made),
    };
    return cmocka_run_group_tests_name("sink_cassandra_tables", tests, NULL, NULL);
}
