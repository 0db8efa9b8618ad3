/* tests/unit/feed_simulated_test.c - goal: a seed is one market, the same everywhere, and it looks like one: Zipf
 * rates, bursts, prices on their grid, ids that ascend, and a little disorder within the lateness. */
#include "base/hash.h"
#include "feed_unit.h"

enum { INSTRUMENTS = 800, TICKS = 1000000, CENT = 10000000 };
static const int64_t start_ns = INT64_C(1767623400) * 1000000000, duration_ns = INT64_C(23400) * 1000000000;

static void open_market(unit_feed *f, const char *seed, const char *ticks) {
    unit_feed_conf(f, &td_feed_simulated, (unit_option[]){{"seed", seed}, {"ticks", ticks}, {0}});
    unit_feed_open(f, &td_os_posix);
}

typedef struct seen {
    int64_t trade_id, sequence, ticks;
} seen;

static void check_tick(const td_event *e, seen *s, int64_t *bid, int64_t *ask) {
    assert_true(e->event_ns >= start_ns && e->event_ns < start_ns + duration_ns);
    assert_true(e->receive_ns > e->event_ns);
    s->ticks++;
    if (e->kind == TD_EVENT_TRADE) {
        assert_int_equal(e->trade.trade_id, ++s->trade_id);
        assert_true(e->trade.price > 0 && e->trade.price % CENT == 0 && e->trade.size > 0);
        if (*bid != 0) assert_int_equal(e->trade.price, e->trade.side == TD_SIDE_BUY ? *ask : *bid);
    } else {
        assert_int_equal(e->kind, TD_EVENT_QUOTE);
        assert_int_equal(e->quote.sequence, ++s->sequence);
        assert_true(0 < e->quote.bid_price && e->quote.bid_price < e->quote.ask_price);
        assert_true(e->quote.bid_size > 0 && e->quote.ask_size > 0);
        *bid = e->quote.bid_price;
        *ask = e->quote.ask_price;
    }
}

static void looks_like_a_market(void **state) {
    (void)state;
    static seen table[INSTRUMENTS];
    static int64_t bids[INSTRUMENTS], asks[INSTRUMENTS], per_second[23401];
    unit_feed f;
    open_market(&f, "7", "1000000");
    td_feed_item item;
    int64_t clock_ns = 0, newest_ns = 0, latest_by_ns = 0, disorder = 0, count = 0, trades = 0;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        const td_event *e = &item.event;
        assert_true(item.clock_ns >= clock_ns && item.clock_ns == e->receive_ns);
        assert_int_equal(item.position.line, ++count);
        clock_ns = item.clock_ns;
        check_tick(e, &table[e->instrument], &bids[e->instrument], &asks[e->instrument]);
        if (e->event_ns < newest_ns) disorder++;
        if (newest_ns - e->event_ns > latest_by_ns) latest_by_ns = newest_ns - e->event_ns;
        if (e->event_ns > newest_ns) newest_ns = e->event_ns;
        trades += e->kind == TD_EVENT_TRADE;
        per_second[(clock_ns - start_ns) / 1000000000]++;
    }
    assert_int_equal(count, TICKS);
    assert_int_equal(trades, TICKS / 2);
    assert_true(newest_ns > start_ns + duration_ns / 100 * 98); /* the day is filled to its end */
    assert_true(disorder > TICKS / 1000 && latest_by_ns > 0 && latest_by_ns < f.conf.lateness_ns);
    /* Zipf: the first has about twice the ticks of the second and 100 times those of the hundredth, and all trade. */
    assert_in_range(table[0].ticks * 100 / table[1].ticks, 180, 220);
    assert_in_range(table[0].ticks / table[99].ticks, 70, 130);
    for (size_t i = 0; i < INSTRUMENTS; i++) assert_true(table[i].ticks > 0);
    int64_t busiest = 0; /* bursts: on average a second has 43 */
    for (size_t i = 0; i < COUNT_OF(per_second); i++) busiest = per_second[i] > busiest ? per_second[i] : busiest;
    assert_true(busiest > 200);
    assert_string_equal((const char *)td_instruments_name(f.instruments, 0).data, "SIM:S0001");
    assert_string_equal((const char *)td_instruments_name(f.instruments, 799).data, "SIM:S0800");
    unit_feed_close(&f);
}

static uint32_t digest(const char *seed, const char *ticks) {
    unit_feed f;
    open_market(&f, seed, ticks);
    td_feed_item item;
    uint32_t sum = 0;
    while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
        const td_event *e = &item.event;
        int64_t numbers[] = {e->kind,        e->instrument, e->event_ns,       e->receive_ns,
                             e->trade.price, e->trade.size, e->trade.trade_id, e->trade.side};
        if (e->kind == TD_EVENT_QUOTE) {
            numbers[4] = e->quote.bid_price ^ e->quote.ask_price << 1;
            numbers[5] = e->quote.bid_size ^ e->quote.ask_size << 1;
            numbers[6] = e->quote.sequence;
            numbers[7] = 0;
        }
        sum = td_crc32c(sum, numbers, sizeof numbers);
    }
    unit_feed_close(&f);
    return sum;
}

static void a_seed_is_one_market(void **state) {
    (void)state;
    assert_true(digest("1", "100000") == digest("1", "100000"));
    assert_true(digest("1", "100000") != digest("2", "100000"));
}

/* Recorded once, so that no compiler and no later change moves the market unseen. */
static void the_market_of_seed_1(void **state) {
    (void)state;
    char *text = unit_feed_text(&td_feed_simulated, &td_os_posix, (unit_option[]){{"ticks", "4"}, {0}});
    assert_string_equal(text,
                        "0:1 SIM:S0008 2026-01-05T17:46:14.391754208Z quote 40.09 x 1500 | 40.13 x 700 seq 1 [ ]\n"
                        "0:2 SIM:S0154 2026-01-05T20:21:12.019448871Z trade 95.77 x 222 side 1 id 1 [ ]\n"
                        "0:3 SIM:S0062 2026-01-05T20:53:50.090960496Z quote 36.82 x 200 | 36.84 x 700 seq 1 [ ]\n"
                        "0:4 SIM:S0004 2026-01-05T20:59:59.996187805Z trade 465.7 x 279 side 1 id 1 [ ]\n"
                        "0:0 end\n");
    free(text);
    assert_int_equal(digest("1", "100000"), 0x450f00df);
}

static void extreme_settings(void **state) {
    (void)state;
    static const unit_option rows[][5] = {
        {{"ticks", "1"}, {"instruments", "1"}, {"duration", "1s"}},
        {{"ticks", "100000"}, {"instruments", "3"}, {"duration", "1s"}, {"lateness", "0s"}},
        {{"ticks", "1000"}, {"instruments", "100000"}, {"duration", "1000d"}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unit_feed f;
        unit_feed_conf(&f, &td_feed_simulated, rows[i]);
        unit_feed_open(&f, &td_os_posix);
        td_feed_item item;
        int64_t count = 0, clock_ns = 0;
        while (f.ops->next(f.feed, &item) == TD_OK && item.kind != TD_ITEM_END) {
            assert_true(item.clock_ns >= clock_ns && item.event.receive_ns > item.event.event_ns);
            assert_true(item.event.event_ns >= start_ns && item.event.event_ns < start_ns + f.conf.duration_ns);
            clock_ns = item.clock_ns;
            count++;
        }
        assert_int_equal(count, f.conf.ticks);
        unit_feed_close(&f);
    }
}

static void endless_goes_on(void **state) {
    (void)state;
    unit_feed f;
    unit_feed_conf(&f, &td_feed_simulated, (unit_option[]){{"ticks", "0"}, {"duration", "1m"}, {0}});
    unit_feed_open(&f, &td_os_posix);
    td_feed_item item;
    for (int i = 0; i < TICKS; i++) {
        assert_int_equal(f.ops->next(f.feed, &item), TD_OK);
        assert_int_equal(item.kind, TD_ITEM_EVENT);
    }
    assert_in_range(item.clock_ns - start_ns, 1000000000, 2500000000); /* 40 million a minute: 1.5 s */
    unit_feed_close(&f);
}

static void wrong_settings_name_their_key(void **state) {
    (void)state;
    static const unit_option rows[][2] = {
        {{"start", "yesterday"}}, {{"start", "2300-01-01T00:00Z"}}, {{"venue", "a:b"}}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unit_feed f;
        unit_feed_conf(&f, &td_feed_simulated, rows[i]);
        assert_int_equal(f.ops->open(&f.feed, &td_os_posix, &f.conf, f.instruments), TD_CONFIG);
        assert_non_null(strstr(td_trail(), rows[i][0].key));
        unit_feed_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_like_a_market),  cmocka_unit_test(a_seed_is_one_market),
        cmocka_unit_test(the_market_of_seed_1), cmocka_unit_test(extreme_settings),
        cmocka_unit_test(endless_goes_on),      cmocka_unit_test(wrong_settings_name_their_key),
    };
    return cmocka_run_group_tests_name("feed_simulated", tests, NULL, NULL);
}
