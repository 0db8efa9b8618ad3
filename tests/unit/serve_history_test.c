/* tests/unit/serve_history_test.c - goal: pages read backwards from the log hold each row once, in its last revision,
 * whatever the size of the pages. */
#include "serve/history.h"
#include "serve_rig.h"

static rig r;

static int open_rig(void **state) {
    (void)state;
    rig_open(&r);
    return 0;
}
static int close_rig(void **state) {
    (void)state;
    rig_close(&r);
    return 0;
}

static td_history_question bars_of(const char *instrument, size_t limit) {
    return (td_history_question){.topic = r.topics.bars,
                                 .ids = r.topics.ids,
                                 .kind = TD_HISTORY_BARS,
                                 .instrument = td_text(instrument),
                                 .strategy = TD_TEXT(""),
                                 .width_ns = RIG_S,
                                 .from_ns = INT64_MIN,
                                 .before_ns = INT64_MAX,
                                 .cursor = -1,
                                 .limit = limit,
                                 .as_of = TD_PLACE_END};
}

static td_history *walk(const td_history_question *q) {
    td_history *h = td_history_new(q);
    td_status status = TD_AGAIN;
    for (int steps = 0; status == TD_AGAIN && steps < 100000; steps++) status = td_history_step(h);
    assert_int_equal(status, TD_OK);
    return h;
}

static td_bar bar_at(const td_history *h, size_t index) {
    const td_history_row *rows;
    td_bar bar;
    td_bytes name;
    assert_true(index < td_history_rows(h, &rows));
    assert_int_equal(td_record_get_bar(r.topics.ids, td_history_value(h, &rows[index]), &bar, &name), TD_OK);
    return bar;
}

static size_t count_of(const td_history *h) {
    const td_history_row *rows;
    return td_history_rows(h, &rows);
}

static void finds_nothing_in_an_empty_log(void **state) {
    (void)state;
    td_history_question q = bars_of("LEAN:IBM", 10);
    td_history *h = walk(&q);
    assert_int_equal(count_of(h), 0);
    assert_int_equal(td_history_cursor(h), -1);
    td_history_free(h);
}

/* Another instrument of the same partition. */
static const char *neighbour_of(const char *instrument) {
    static char name[32];
    uint32_t p = td_partition_of(td_text(instrument), RIG_PARTITIONS);
    for (int i = 0;; i++) {
        (void)snprintf(name, sizeof name, "LEAN:N%d", i);
        if (td_partition_of(td_text(name), RIG_PARTITIONS) == p) return name;
    }
}

/* 500 bars of one series between others; every seventh is revised twelve bars later, bar 3 at the very end. */
static void fill(void) {
    const char *noise = neighbour_of("LEAN:IBM");
    for (int i = 0; i < 500; i++) {
        rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 1000 + i, 0);
        for (int k = 0; k < 12; k++) rig_bar(&r, noise, RIG_S, RIG_T0 + (12 * i + k) * RIG_S, 7, 0);
        if (i % 60 == 0) rig_bar(&r, "LEAN:IBM", 60 * RIG_S, RIG_T0 + i * RIG_S, 8, 0);
        if (i >= 12 && i % 7 == 5) rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + (i - 12) * RIG_S, 5000 + i - 12, 1);
    }
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + 3 * RIG_S, 9999, 2);
}

static int64_t close_of(int i) { return i == 3 ? 9999 : i % 7 == 0 && i + 12 < 500 ? 5000 + i : 1000 + i; }

static void walk_pages(size_t limit, int64_t block_bytes) {
    td_history_question q = bars_of("LEAN:IBM", limit);
    q.block_bytes = block_bytes;
    int left = 500;
    for (int pages = 0; pages <= 500; pages++) {
        td_history *h = walk(&q);
        size_t count = count_of(h);
        ASSERT_ROW(count == (limit < (size_t)left ? limit : (size_t)left), "limit %zu page %d", limit, pages);
        for (size_t i = 0; i < count; i++) {
            int number = left - (int)count + (int)i;
            td_bar bar = bar_at(h, i);
            ASSERT_ROW(bar.start_ns == RIG_T0 + number * RIG_S, "limit %zu page %d bar %zu", limit, pages, i);
            ASSERT_ROW(bar.close == close_of(number), "limit %zu bar %d: %d", limit, number, (int)bar.close);
        }
        left -= (int)count;
        q.cursor = td_history_cursor(h);
        q.before_ns = RIG_T0 + left * RIG_S;
        td_history_free(h);
        if (q.cursor < 0) break;
    }
    ASSERT_ROW(left == 0, "limit %zu: %d left", limit, left);
}

static void pages_hold_each_bar_once(void **state) {
    static const size_t limits[] = {64, 499, 500, 501, 5000};
    static const int64_t blocks[] = {4000, 60000, 0};
    (void)state;
    fill();
    assert_true(td_topic_bytes(r.topics.bars, td_partition_of(TD_TEXT("LEAN:IBM"), RIG_PARTITIONS)) > 800000);
    for (unsigned k = 0; k < COUNT_OF(limits); k++)
        for (unsigned b = 0; b < COUNT_OF(blocks); b++) walk_pages(limits[k], blocks[b]);
    walk_pages(7, 0);
}

/* With blocks of one batch a question ends after 2048 of them; the pages then go on without a hole or a double. */
static void goes_on_where_the_budget_ended(void **state) {
    (void)state;
    fill();
    td_history_question q = bars_of("LEAN:IBM", 400);
    q.block_bytes = 1;
    int left = 500, pages = 0;
    do {
        td_history *h = walk(&q);
        size_t count = count_of(h);
        for (size_t i = 0; i < count; i++)
            ASSERT_ROW(bar_at(h, i).start_ns == RIG_T0 + (left - (int)count + (int)i) * RIG_S, "%d.%zu", pages, i);
        left -= (int)count;
        q.cursor = td_history_cursor(h);
        q.before_ns = RIG_T0 + left * RIG_S;
        td_history_free(h);
    } while (q.cursor >= 0 && ++pages < 100);
    assert_int_equal(left, 0);
    assert_in_range(pages, 3, 10);
}

static void keeps_within_from_and_before(void **state) {
    static const struct {
        int from, before, limit, first, count;
    } rows[] = {
        {10, 20, 100, 10, 10}, {10, 20, 4, 16, 4},      {0, 500, 5000, 0, 500},
        {20, 20, 5, 0, 0},     {490, 900, 50, 490, 10}, {-50, 5, 50, 0, 5},
    };
    (void)state;
    fill();
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_history_question q = bars_of("LEAN:IBM", (size_t)rows[i].limit);
        q.from_ns = RIG_T0 + rows[i].from * RIG_S;
        q.before_ns = RIG_T0 + rows[i].before * RIG_S;
        td_history *h = walk(&q);
        ASSERT_ROW((int)count_of(h) == rows[i].count, "%u: %zu", i, count_of(h));
        if (rows[i].count > 0) assert_true(bar_at(h, 0).start_ns == RIG_T0 + rows[i].first * RIG_S);
        td_history_free(h);
    }
}

/* The closes of the series by a plain walk forwards, 0: none was known below that offset. Returns how many were. */
static int closes_below(int64_t offset, bool now, int64_t closes[500]) {
    uint32_t p = td_partition_of(TD_TEXT("LEAN:IBM"), RIG_PARTITIONS);
    td_reader *reader;
    td_record record;
    int count = 0;
    memset(closes, 0, 500 * sizeof *closes);
    assert_int_equal(td_reader_open(&reader, r.topics.bars, p, 0, TD_READ_APPENDED), TD_OK);
    while (td_reader_next(reader, &record) == TD_OK) {
        td_bar bar;
        td_bytes name;
        assert_int_equal(td_record_get_bar(r.topics.ids, record.value, &bar, &name), TD_OK);
        int64_t i = (bar.start_ns - RIG_T0) / RIG_S;
        if (!td_bytes_equal(name, TD_TEXT("LEAN:IBM")) || bar.end_ns - bar.start_ns != RIG_S) continue;
        bool known = record.offset < offset;
        count += known && bar.revision == 0;
        if (known || (now && closes[i] != 0)) closes[i] = bar.close;
    }
    td_reader_close(reader);
    return count;
}

static void tells_what_was_known_then(void **state) {
    static const int64_t offsets[] = {0, 1, 1000, 1003, 4321, 1 << 30};
    static const size_t limits[] = {7, 64, 5000};
    (void)state;
    fill();
    for (unsigned row = 0; row < COUNT_OF(offsets) * COUNT_OF(limits) * 2; row++) {
        int64_t offset = offsets[row % COUNT_OF(offsets)], closes[500];
        bool now = row / COUNT_OF(offsets) % 2 == 1;
        td_history_question q = bars_of("LEAN:IBM", limits[row / COUNT_OF(offsets) / 2]);
        q.as_of.offset = offset;
        q.known_now = now;
        q.block_bytes = 60000;
        int left = closes_below(offset, now, closes);
        do {
            td_history *h = walk(&q);
            size_t count = count_of(h);
            for (size_t i = 0; i < count; i++) {
                int64_t number = left - (int)count + (int)i;
                ASSERT_ROW(bar_at(h, i).start_ns == RIG_T0 + number * RIG_S, "row %u: %d", row, (int)number);
                ASSERT_ROW(bar_at(h, i).close == closes[number], "row %u: %d", row, (int)number);
            }
            left -= (int)count;
            q.cursor = td_history_cursor(h);
            q.before_ns = RIG_T0 + left * RIG_S;
            td_history_free(h);
        } while (q.cursor >= 0);
        ASSERT_ROW(left == 0, "row %u: %d left", row, left);
    }
    td_history_question q = bars_of("LEAN:IBM", 5000);
    q.as_of.known_ns = RIG_T0 + 100 * RIG_S; /* as their known_at says, each is known at its end */
    td_history *h = walk(&q);
    assert_int_equal(count_of(h), 100);
    td_history_free(h);
}

static void gives_signals_of_one_or_of_all(void **state) {
    static const struct {
        const char *instrument, *strategy;
        size_t limit;
        const char *order; /* last digits of the append times */
        int from_s;
    } rows[] = {
        {"LEAN:IBM", "", 10, "1368", 0}, {"LEAN:IBM", "", 2, "68", 0}, {"LEAN:IBM", "fast", 10, "38", 0},
        {"LEAN:IBM", "", 10, "68", 3},   {"", "", 10, "12345678", 0},  {"", "", 3, "678", 0},
        {"", "fast", 10, "2348", 0},     {"", "", 10, "2457", 9},      {"LEAN:NONE", "", 10, "", 0},
    };
    (void)state;
    rig_signal(&r, "LEAN:IBM", "slow", RIG_T0 + 1 * RIG_S, 1);
    rig_signal(&r, "LEAN:AAPL", "fast", RIG_T0 + 9 * RIG_S, 2);
    rig_signal(&r, "LEAN:IBM", "fast", RIG_T0 + 2 * RIG_S, 3);
    rig_signal(&r, "BINANCE:BTCUSDT", "fast", RIG_T0 + 900 * RIG_S, 4);
    rig_signal(&r, "LEAN:AAPL", "slow", RIG_T0 + 10 * RIG_S, 5);
    rig_signal(&r, "LEAN:IBM", "slow", RIG_T0 + 3 * RIG_S, 6);
    rig_signal(&r, "LEAN:AAPL", "slow", RIG_T0 + 11 * RIG_S, 7);
    rig_signal(&r, "LEAN:IBM", "fast", RIG_T0 + 4 * RIG_S, 8);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_history_question q = bars_of(rows[i].instrument, rows[i].limit);
        q.topic = r.topics.signals;
        q.kind = TD_HISTORY_SIGNALS;
        q.strategy = td_text(rows[i].strategy);
        q.from_ns = RIG_T0 + rows[i].from_s * RIG_S;
        q.block_bytes = 1;
        td_history *h = walk(&q);
        const td_history_row *found;
        size_t count = td_history_rows(h, &found);
        ASSERT_ROW(count == strlen(rows[i].order), "%u: %zu", i, count);
        for (size_t k = 0; k < count; k++) ASSERT_ROW(found[k].appended_ms == rows[i].order[k] - '0', "%u.%zu", i, k);
        td_history_free(h);
    }
}

/* ---- fills ---- */

static void put_fill(const char *instrument, const char *strategy, int number, int64_t event_ns) {
    td_fill fill = {.strategy = td_text(strategy),
                    .signal = TD_TEXT("its id"),
                    .event_ns = event_ns,
                    .known_at_ns = RIG_T0 + number * RIG_S,
                    .quantity = 1 + number,
                    .price = 1,
                    .side = TD_SIDE_BUY};
    td_buf value = {0};
    td_record_put_fill(&value, r.topics.ids, td_text(instrument), &fill);
    rig_append(&r, r.topics.fills, instrument, number, &value);
}

/* Fills come in the order of the log, though every tenth is by an event of before: a page ends by its place, and no
 * early time hides what stands before it. */
static void fills_come_in_the_order_of_the_log(void **state) {
    enum { COUNT = 100, PAGE = 7 };
    const char *other = neighbour_of("LEAN:IBM");
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        put_fill("LEAN:IBM", i % 4 == 0 ? "rare" : "often", i, RIG_T0 + (i % 10 == 9 ? i - 30 : i) * RIG_S);
        put_fill(other, "often", i, RIG_T0 + i * RIG_S);
    }
    td_history_question q = bars_of("LEAN:IBM", PAGE);
    q.topic = r.topics.fills;
    q.kind = TD_HISTORY_FILLS;
    q.from_ns = RIG_T0 + 20 * RIG_S;
    q.strategy = TD_TEXT("often");
    int next = COUNT - 1, seen = 0;
    do {
        const td_history_row *rows;
        td_history *h = walk(&q);
        size_t count = td_history_rows(h, &rows);
        for (size_t i = count; i > 0; i--, next--, seen++) {
            td_fill fill;
            td_bytes name;
            while (next % 4 == 0 || (next % 10 == 9 ? next - 30 : next) < 20) next--; /* not asked for */
            assert_int_equal(td_record_get_fill(td_history_value(h, &rows[i - 1]), &fill, &name), TD_OK);
            ASSERT_ROW(fill.quantity == 1 + next && td_bytes_equal(name, TD_TEXT("LEAN:IBM")), "%d", next);
        }
        q.edge = td_history_edge_of(h);
        td_history_free(h);
    } while (q.edge.known);
    assert_int_equal(seen, 57);
}

/* ---- all instruments ---- */

enum { ANYBODYS = 400 };

/* Signals of many instruments, up to nine in a millisecond, most of them in the first partition; each has its number
 * as its price. */
static void put_anybodys(int64_t ms[ANYBODYS], uint32_t partitions[ANYBODYS]) {
    uint64_t random = 5;
    int64_t now_ms = 1000;
    for (int i = 0; i < ANYBODYS; i++) {
        char name[32];
        int which = (int)(unit_random(&random) % 10) < 8 ? 0 : (int)(unit_random(&random) % 7);
        (void)snprintf(name, sizeof name, "LEAN:A%d", which);
        if (unit_random(&random) % 9 == 0) now_ms += 1 + (int64_t)(unit_random(&random) % 3);
        td_signal signal = {.strategy = TD_TEXT("any"), .ordinal = 1, .event_ns = RIG_T0, .price = i};
        td_buf value = {0};
        td_record_put_signal(&value, r.topics.ids, td_text(name), &signal);
        rig_append(&r, r.topics.signals, name, now_ms, &value);
        ms[i] = now_ms;
        partitions[i] = td_partition_of(td_text(name), RIG_PARTITIONS);
    }
}

static void pages_of_all_instruments_hold_each_row_once(void **state) {
    static const struct {
        size_t limit;
        int64_t block_bytes;
    } rows[] = {{1, 1}, {7, 1}, {7, 500}, {64, 3000}, {399, 0}, {400, 0}, {5000, 0}};
    int64_t ms[ANYBODYS];
    uint32_t partitions[ANYBODYS];
    (void)state;
    put_anybodys(ms, partitions);
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_history_question q = bars_of("", rows[i].limit);
        q.topic = r.topics.signals;
        q.kind = TD_HISTORY_SIGNALS;
        q.block_bytes = rows[i].block_bytes;
        bool seen[ANYBODYS] = {false};
        size_t left = ANYBODYS;
        int64_t newer_ms = INT64_MAX, newer_number = ANYBODYS;
        uint32_t newer_partition = RIG_PARTITIONS;
        for (bool more = true; more;) {
            td_history *h = walk(&q);
            const td_history_row *found;
            size_t count = td_history_rows(h, &found);
            ASSERT_ROW(count == (left < q.limit ? left : q.limit), "%u: %zu of %zu", i, count, left);
            for (size_t k = count; k-- > 0; left--) {
                td_signal signal;
                td_bytes name;
                assert_int_equal(td_record_get_signal(r.topics.ids, td_history_value(h, &found[k]), &signal, &name),
                                 TD_OK);
                int64_t n = signal.price;
                ASSERT_ROW(!seen[n] && ms[n] == found[k].appended_ms && partitions[n] == found[k].partition, "%u", i);
                bool falls =
                    ms[n] < newer_ms || (ms[n] == newer_ms && (partitions[n] < newer_partition ||
                                                               (partitions[n] == newer_partition && n < newer_number)));
                ASSERT_ROW(falls, "%u: number %d", i, (int)n);
                seen[n] = true;
                newer_ms = ms[n];
                newer_partition = partitions[n];
                newer_number = n;
            }
            q.edge = td_history_edge_of(h);
            more = q.edge.known;
            assert_int_equal(td_history_cursor(h), -1);
            td_history_free(h);
        }
        ASSERT_ROW(left == 0, "%u: %zu left", i, left);
    }
}

/* With blocks of one batch the budget ends within a partition; no page may show what is older than what is unread. */
static void pages_of_all_go_on_where_the_budget_ended(void **state) {
    enum { COUNT = 6000 };
    char other[16] = "LEAN:A0";
    (void)state;
    while (td_partition_of(td_text(other), RIG_PARTITIONS) == td_partition_of(TD_TEXT("LEAN:IBM"), RIG_PARTITIONS))
        other[6]++;
    for (int i = 0; i < COUNT; i++)
        rig_signal(&r, i % 10 == 0 ? other : "LEAN:IBM", i % 49 == 0 ? "rare" : "often", RIG_T0 + i, 1 + i);
    td_history_question q = bars_of("", 1000);
    q.topic = r.topics.signals;
    q.kind = TD_HISTORY_SIGNALS;
    q.strategy = TD_TEXT("rare");
    q.block_bytes = 1;
    int next = (COUNT - 1) / 49 * 49, pages = 0;
    do {
        td_history *h = walk(&q);
        const td_history_row *found;
        size_t count = td_history_rows(h, &found);
        for (size_t k = count; k-- > 0; next -= 49)
            ASSERT_ROW(found[k].appended_ms == 1 + next, "page %d: %d", pages, next);
        q.edge = td_history_edge_of(h);
        assert_true(td_history_is_cut(h) == (q.edge.known));
        td_history_free(h);
    } while (q.edge.known && ++pages < 100);
    assert_int_equal(next, -49);
    assert_in_range(pages, 2, 20);
}

/* ---- ticks ---- */

static void put_tick(td_topic *topic, const char *instrument, int number, bool quote) {
    td_event e = {.kind = quote ? TD_EVENT_QUOTE : TD_EVENT_TRADE,
                  .event_ns = RIG_T0 + number / 2 * RIG_S,
                  .receive_ns = RIG_T0 + number * RIG_S};
    if (quote)
        e.quote = (td_quote){
            .bid_price = number, .bid_size = 1, .ask_price = TD_NONE, .ask_size = TD_NONE, .sequence = TD_NONE};
    else
        e.trade = (td_trade){.price = number, .size = 1, .trade_id = TD_NONE};
    td_buf value = {0};
    td_record_put_published(&value, r.topics.ids, number % 4 == 0 ? TD_TEXT("other") : TD_TEXT("lean"),
                            td_text(instrument), &e);
    rig_append(&r, topic, instrument, 1 + number, &value);
}

static void ticks_are_what_was_published(void **state) {
    static const struct {
        const char *instrument, *feed;
        int from_s, to_s, count;
        int64_t as_of; /* an offset */
    } rows[] = {{"LEAN:IBM", "", 0, 1000, 60, INT64_MAX}, {"LEAN:IBM", "other", 0, 1000, 15, INT64_MAX},
                {"LEAN:IBM", "", 10, 20, 20, INT64_MAX},  {"LEAN:IBM", "", 0, 1000, 8, 16},
                {"", "", 0, 1000, 120, INT64_MAX},        {"LEAN:NONE", "", 0, 1000, 0, INT64_MAX}};
    td_topic *topics[2];
    (void)state;
    assert_int_equal(td_log_topic(r.log, "trades", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &topics[0]), TD_OK);
    assert_int_equal(td_log_topic(r.log, "quotes", RIG_PARTITIONS, TD_TOPIC_OUTPUT, &topics[1]), TD_OK);
    const char *other = neighbour_of("LEAN:IBM");
    for (int i = 0; i < 240; i++) put_tick(topics[i % 2], i / 2 % 2 == 0 ? "LEAN:IBM" : other, i / 4, i % 2 == 1);
    for (unsigned i = 0; i < COUNT_OF(rows) * 2; i++) {
        bool quotes = i % 2 == 1;
        td_history_question q = bars_of(rows[i / 2].instrument, 7);
        q.topic = topics[quotes];
        q.kind = quotes ? TD_HISTORY_QUOTES : TD_HISTORY_TRADES;
        q.feed = td_text(rows[i / 2].feed);
        q.from_ns = RIG_T0 + rows[i / 2].from_s * RIG_S;
        q.before_ns = RIG_T0 + rows[i / 2].to_s * RIG_S;
        q.as_of.offset = rows[i / 2].as_of;
        int count = 0;
        do {
            td_history *h = walk(&q);
            const td_history_row *found;
            size_t here = td_history_rows(h, &found);
            for (size_t k = 0; k < here; k++) {
                td_event e;
                td_bytes feed, name;
                assert_int_equal(
                    td_record_get_published(r.topics.ids, td_history_value(h, &found[k]), &e, &feed, &name), TD_OK);
                assert_int_equal(e.kind, quotes ? TD_EVENT_QUOTE : TD_EVENT_TRADE);
                ASSERT_ROW(found[k].ord == found[k].offset && found[k].ord < q.as_of.offset, "%u: ord %d", i,
                           (int)found[k].ord);
                ASSERT_ROW(q.feed.size == 0 || td_bytes_equal(feed, q.feed), "%u", i);
            }
            count += (int)here;
            q.cursor = td_history_cursor(h);
            q.edge = td_history_edge_of(h);
            td_history_free(h);
        } while (q.cursor >= 0 || q.edge.known);
        ASSERT_ROW(count == rows[i / 2].count, "%u: %d", i, count);
    }
}

/* ---- legs ---- */

static void put_signal(const char *instrument, const char *leg, int number) {
    td_signal signal = {.strategy = TD_TEXT("pairs"),
                        .leg = td_text(leg),
                        .ordinal = 1 + (uint32_t)(number % 2),
                        .event_ns = RIG_T0 + number / 2 * RIG_S,
                        .known_at_ns = RIG_T0 + number * RIG_S};
    td_fill fill = {.strategy = TD_TEXT("pairs"),
                    .signal = TD_TEXT("its id"),
                    .leg = td_text(leg),
                    .event_ns = signal.event_ns,
                    .known_at_ns = signal.known_at_ns,
                    .quantity = 1,
                    .price = 1,
                    .side = TD_SIDE_BUY};
    td_buf value = {0};
    td_record_put_signal(&value, r.topics.ids, td_text(instrument), &signal);
    rig_append(&r, r.topics.signals, instrument, number, &value);
    value = (td_buf){0};
    td_record_put_fill(&value, r.topics.ids, td_text(instrument), &fill);
    rig_append(&r, r.topics.fills, instrument, number, &value);
}

/* The append times of all pages, the newest first; pages of signals begin at an instant, and are longer for it. */
static size_t walk_numbers(td_history_question q, int64_t numbers[], size_t most) {
    size_t found = 0;
    do {
        const td_history_row *rows;
        td_history *h = walk(&q);
        size_t count = td_history_rows(h, &rows);
        assert_true(count <= q.limit + 1 && found + count <= most);
        for (size_t i = count; i > 0; i--) numbers[found++] = rows[i - 1].appended_ms;
        q.edge = td_history_edge_of(h);
        td_history_free(h);
    } while (q.edge.known);
    return found;
}

/* KO's own, PEP's own, and what strategies on KO and on a third one do in PEP: in the partitions of those. */
static void legs_are_of_the_instrument_they_trade(void **state) {
    enum { COUNT = 60 };
    static const char *const rows[][2] = {{"NYSE:KO", ""},
                                          {"NYSE:KO", "NASDAQ:PEP"},
                                          {"NASDAQ:PEP", ""},
                                          {"LEAN:IBM", "NASDAQ:PEP"},
                                          {"NYSE:KO", "LEAN:IBM"}};
    static const struct {
        const char *instrument;
        bool named;
        unsigned of; /* the rows, a bit each */
    } asked[] = {{"NASDAQ:PEP", true, 0xe},
                 {"NYSE:KO", true, 1},
                 {"LEAN:IBM", true, 0x10},
                 {"NYSE:KO", false, 1},
                 {"NASDAQ:PEP", false, 4}};
    (void)state;
    td_topic *programs[2]; /* one names them */
    td_buf body = {0};
    assert_int_equal(td_log_topic(r.log, "_programs", 1, TD_TOPIC_INPUT, &programs[1]), TD_OK);
    assert_int_equal(td_log_topic(r.log, "_others", 1, TD_TOPIC_INPUT, &programs[0]), TD_OK);
    td_buf_text(&body, "use pep = NASDAQ:PEP\nuse ibm = LEAN:IBM\nfor NYSE:KO");
    td_batch_reset(&r.batch);
    assert_true(td_batch_add(&r.batch, 1, TD_TEXT("key"), td_buf_bytes(&body), TD_TEXT(""), TD_TEXT("")));
    assert_int_equal(td_writer_append(r.writer, programs[1], 0, &r.batch), TD_OK);
    td_buf_fini(&body);
    for (int i = 0; i < COUNT; i++) put_signal(rows[i % 5][0], rows[i % 5][1], i);
    for (unsigned row = 0; row < COUNT_OF(asked) * 4; row++) {
        bool fills = row % 2 > 0;
        td_history_question q = bars_of(asked[row / 4].instrument, row / 2 % 2 > 0 ? 5 : 1000);
        q.topic = fills ? r.topics.fills : r.topics.signals;
        q.kind = fills ? TD_HISTORY_FILLS : TD_HISTORY_SIGNALS;
        q.programs = programs[asked[row / 4].named];
        q.block_bytes = 300;
        int64_t numbers[COUNT];
        size_t count = walk_numbers(q, numbers, COUNT), at = 0;
        for (int i = COUNT - 1; i >= 0; i--) {
            if ((asked[row / 4].of >> i % 5 & 1) == 0) continue;
            ASSERT_ROW(at < count && numbers[at] == i, "row %u: %d", row, i);
            at++;
        }
        ASSERT_ROW(at == count, "row %u: %zu of %zu", row, at, count);
    }
}

/* ---- vendors' bars ---- */

enum { SAYINGS = 10500, STARTS = 40, SERIES = 4 };

/* What two feeds say of forty bars, adjusted or not, in any order, and often the same again. */
typedef struct saying {
    int start, series;
    int64_t close, known_at_ns;
} saying;
static saying said[SAYINGS];

static void say_all(const char *instrument) {
    uint64_t random = 11;
    for (int i = 0; i < SAYINGS; i++) {
        saying *s = &said[i];
        *s = (saying){(int)(unit_random(&random) % STARTS), (int)(unit_random(&random) % SERIES),
                      1 + (int64_t)(unit_random(&random) % 2), 1000 + i};
        td_event e = {.kind = TD_EVENT_VENDOR_BAR,
                      .event_ns = (s->start + 1) * RIG_S,
                      .receive_ns = s->known_at_ns,
                      .vendor_bar = {RIG_S, s->start * RIG_S, 1, 2, 1, s->close, TD_NONE, s->series % 2 == 1}};
        td_buf value = {0};
        td_record_put_event(&value, r.topics.ids, s->series < 2 ? TD_TEXT("av") : TD_TEXT("other"), &e);
        rig_append(&r, r.topics.vendor_bars, i % 10 == 0 ? neighbour_of(instrument) : instrument, 1, &value);
        if (i % 10 == 0) s->start = -1; /* another instrument's */
    }
}

/* Since when the last saying up to then stands; 0: nothing was said. */
static int64_t stands_since(int start, int series, int64_t known_ns, bool *out_revised) {
    int64_t since_ns = 0, close = 0;
    *out_revised = false;
    for (int i = 0; i < SAYINGS; i++) {
        const saying *s = &said[i];
        if (s->start != start || s->series != series || s->known_at_ns > known_ns || s->close == close) continue;
        *out_revised = close != 0;
        close = s->close;
        since_ns = s->known_at_ns;
    }
    return since_ns;
}

/* The rows of a page are those of its starts, each as the model says; returns how many starts there are. */
static int check_page(const td_history_question *q, int64_t *out_before_ns) {
    td_history *h = walk(q);
    const td_history_row *rows;
    size_t count = td_history_rows(h, &rows), wanted = 0;
    int first = count > 0 ? (int)(rows[0].order / RIG_S) : STARTS;
    int end = q->before_ns == INT64_MAX ? STARTS : (int)(q->before_ns / RIG_S);
    for (int start = first; start < end; start++)
        for (int series = 0; series < (q->feed.size > 0 ? 2 : SERIES); series++) {
            bool revised;
            wanted += stands_since(start, series, q->as_of.known_ns, &revised) != 0;
        }
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        td_event e;
        td_bytes feed;
        bool revised;
        assert_int_equal(td_record_get_event(r.topics.ids, td_history_value(h, &rows[i]), &e, &feed), TD_OK);
        int series = (td_bytes_equal(feed, TD_TEXT("av")) ? 0 : 2) + e.vendor_bar.adjusted;
        int64_t since_ns = stands_since((int)(e.vendor_bar.start_ns / RIG_S), series, q->as_of.known_ns, &revised);
        ASSERT_ROW(e.receive_ns == since_ns && rows[i].first == revised, "row %zu", i);
        assert_true(i == 0 || rows[i].order > rows[i - 1].order || rows[i].tie > rows[i - 1].tie);
    }
    *out_before_ns = first * RIG_S;
    bool more = td_history_cursor(h) >= 0;
    td_history_free(h);
    return more ? end - first : -1;
}

static void vendors_bars_stand_as_said_last(void **state) {
    (void)state;
    static const struct {
        size_t limit;
        int64_t block_bytes, known_ns;
        const char *feed;
    } rows[] = {{1000, 0, INT64_MAX, ""}, {1000, 3000, INT64_MAX, ""}, {7, 0, INT64_MAX, ""}, {7, 3000, INT64_MAX, ""},
                {1, 5000, INT64_MAX, ""}, {7, 3000, 1500, ""},         {7, 3000, 9000, "av"}, {5, 0, 0, ""}};
    say_all("AV:IBM");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_history_question q = bars_of("AV:IBM", rows[i].limit);
        q.topic = r.topics.vendor_bars;
        q.kind = TD_HISTORY_VENDOR_BARS;
        q.block_bytes = rows[i].block_bytes;
        q.as_of.known_ns = rows[i].known_ns;
        q.feed = td_text(rows[i].feed);
        int pages = 1;
        for (int64_t before_ns; check_page(&q, &before_ns) > 0; pages++) q.before_ns = before_ns;
        int starts = q.before_ns == INT64_MAX ? 0 : (int)(q.before_ns / RIG_S);
        ASSERT_ROW(rows[i].limit == 1000 || rows[i].known_ns == 0 ? pages == 1 : pages > 5, "%zu: %d pages", i, pages);
        ASSERT_ROW(rows[i].known_ns == 0 || pages == 1 || starts < 8, "%zu: %d left", i, starts);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vendors_bars_stand_as_said_last, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(fills_come_in_the_order_of_the_log, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(legs_are_of_the_instrument_they_trade, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(finds_nothing_in_an_empty_log, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(pages_hold_each_bar_once, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(goes_on_where_the_budget_ended, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(keeps_within_from_and_before, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(tells_what_was_known_then, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(gives_signals_of_one_or_of_all, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(pages_of_all_instruments_hold_each_row_once, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(pages_of_all_go_on_where_the_budget_ended, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(ticks_are_what_was_published, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
