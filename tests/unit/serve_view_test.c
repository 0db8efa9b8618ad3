/* tests/unit/serve_view_test.c - goal: the View says what the log says now; bars in the making are whole or not shown;
 * rows read the same as JSON and as CSV; a reader that does not read loses whole events and is told how many. */
#include "serve/newest.h"
#include "serve/push.h"
#include "serve/rows.h"
#include "serve_rig.h"

static rig r;
static td_view *view;
static int bars_told, signals_told, gaps_told;

static void count_bar(void *self, td_bytes instrument, const td_bar *bar) {
    (void)self;
    (void)instrument;
    (void)bar;
    bars_told++;
}
static void count_signal(void *self, td_bytes instrument, const td_signal *signal, int64_t appended_ms) {
    (void)self;
    (void)instrument;
    (void)signal;
    (void)appended_ms;
    signals_told++;
}
static void count_gap(void *self, td_bytes instrument, const td_gap *gap) {
    (void)self;
    (void)instrument;
    (void)gap;
    gaps_told++;
}

static int open_rig(void **state) {
    (void)state;
    rig_open(&r);
    bars_told = signals_told = gaps_told = 0;
    return 0;
}
static int close_rig(void **state) {
    (void)state;
    td_view_close(view);
    view = NULL;
    rig_close(&r);
    return 0;
}

static int64_t ahead_ns; /* of the View's clock */
static int64_t mono_ns(void *self) { return td_os_posix.ops->mono_ns(self) + ahead_ns; }

static void open_view(void) {
    static td_os_ops ops;
    const td_view_events events = {.bar = count_bar, .signal = count_signal, .gap = count_gap};
    ops = *td_os_posix.ops;
    ops.mono_ns = mono_ns;
    ahead_ns = 0;
    const td_os os = {.ops = &ops, .self = td_os_posix.self};
    assert_int_equal(td_view_open(&view, &os, &r.topics, &events), TD_OK);
}

static void settle(void) {
    td_view_watch(view);
    for (int idle = 0; idle < 20; idle++) {
        if (td_view_step(view) > 0) idle = 0;
        (void)usleep(500);
    }
}

static void assert_text(const td_buf *buf, const char *text) {
    char *found = strndup(buf->size > 0 ? (const char *)buf->data : "", buf->size);
    assert_string_equal(found, text);
    free(found);
}

static void lists_what_was_there_and_tells_what_comes(void **state) {
    (void)state;
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 100000000000, 0);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + RIG_S, 101000000000, 0);
    rig_signal(&r, "LEAN:IBM", "s", RIG_T0, 1);
    rig_gap(&r, "LEAN:IBM", 1, RIG_T0, TD_NONE, TD_GAP_OPEN);
    open_view();
    settle();
    assert_int_equal(td_view_count(view), 1);
    assert_int_equal(bars_told + signals_told + gaps_told, 0);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + 2 * RIG_S, 102500000000, 0);
    rig_signal(&r, "LEAN:IBM", "s", RIG_T0 + RIG_S, 2);
    settle();
    assert_int_equal(bars_told, 1);
    assert_int_equal(signals_told, 1);
    assert_int_equal(gaps_told, 0);
    assert_int_equal(td_gap_table_open(td_view_gaps(view), TD_TEXT("lean")), 1);
    rig_gap(&r, "LEAN:IBM", 1, RIG_T0, RIG_T0 + RIG_S, TD_GAP_FILLED);
    settle();
    assert_int_equal(gaps_told, 1);
    assert_int_equal(td_gap_table_open(td_view_gaps(view), TD_TEXT("lean")), 0);
    const td_view_instrument *i = td_view_instrument_at(view, td_view_find(view, TD_TEXT("LEAN:IBM")));
    assert_int_equal(i->last, 102500000000);
    assert_int_equal(i->reference, 100000000000);
    assert_int_equal(i->bars[0], 3);
    assert_int_equal(i->bars[1], 0);
    assert_int_equal(i->spark_count, 3);
}

static void change_begins_anew_with_the_exchange_day(void **state) {
    static const struct {
        const char *instrument;
        int64_t hours; /* after 2013-10-07T13:30Z */
        bool anew;
    } rows[] = {
        {"LEAN:IBM", 10, false},  /* 23:30Z is 19:30 of the same day in New York */
        {"LEAN:AAPL", 11, false}, /* 00:30Z: still the day before there */
        {"LEAN:BAC", 15, true},   /* 04:30Z: 00:30 of the next */
        {"BINANCE:X", 10, false}, {"BINANCE:Y", 11, true},
    };
    (void)state;
    open_view();
    for (unsigned k = 0; k < COUNT_OF(rows); k++) {
        rig_bar(&r, rows[k].instrument, RIG_S, RIG_T0, 5, 0);
        rig_bar(&r, rows[k].instrument, RIG_S, RIG_T0 + rows[k].hours * TD_NS_PER_HOUR, 7, 0);
    }
    settle();
    for (unsigned k = 0; k < COUNT_OF(rows); k++) {
        const td_view_instrument *i = td_view_instrument_at(view, td_view_find(view, td_text(rows[k].instrument)));
        ASSERT_ROW(i->reference == (rows[k].anew ? 7 : 5), "%u", k);
        ASSERT_ROW(i->spark_count == (rows[k].anew ? 1 : 2), "%u", k);
    }
}

static void shows_prices_that_are_no_trades(void **state) {
    (void)state;
    open_view();
    td_bar bar;
    rig_price(&r, "COINCAP:bitcoin", RIG_T0 + 100, 50);
    rig_price(&r, "COINCAP:bitcoin", RIG_T0 + 300, 52);
    rig_price(&r, "COINCAP:bitcoin", RIG_T0 + 200, 51); /* older: not the last one */
    rig_price(&r, "COINCAP:bitcoin", RIG_T0 + 400, -1);
    settle();
    uint32_t index = td_view_find(view, TD_TEXT("COINCAP:bitcoin"));
    const td_view_instrument *i = td_view_instrument_at(view, index);
    assert_true(i->last == 52 && i->last_ns == RIG_T0 + 300 && i->reference == 50);
    assert_int_not_equal(i->feed, TD_VIEW_NO_FEED);
    assert_false(td_view_bar_making(view, index, 0, &bar));
}

/* The later event counts, of one instant the later place, and nothing that a rule refuses. */
static void knows_what_is_newest_of_each(void **state) {
    (void)state;
    open_view();
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 300, 50);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 300, 51);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 200, 52);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 400, -1);
    rig_quote(&r, "LEAN:EURUSD", RIG_T0 + 100, 7, 8); /* of what nobody trades */
    rig_quote(&r, "LEAN:EURUSD", RIG_T0 + 200, 7, 9);
    rig_quote(&r, "LEAN:EURUSD", RIG_T0 + 300, 9, 7); /* crossed */
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 90, 0);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 91, 1);
    td_newest *all = td_newest_new(view, TD_TEXT("")), *one = td_newest_new(view, TD_TEXT("LEAN:EURUSD"));
    assert_int_equal(td_newest_step(all), TD_FULL); /* the tape was not read that far */
    td_newest *late = td_newest_new(view, TD_TEXT(""));
    const td_newest_row *rows;
    ahead_ns += 2 * TD_NS_PER_S; /* nobody waits longer */
    assert_int_equal(td_newest_step(late), TD_OK);
    assert_int_equal(td_newest_rows(late, &rows), 0);
    assert_int_equal(td_newest_behind(late), 7);
    td_newest_free(late);
    settle();
    assert_int_equal(td_newest_step(all), TD_OK);
    assert_int_equal(td_newest_rows(all, &rows), 3);
    assert_int_equal(td_newest_behind(all), 0);
    for (size_t i = 0; i < 3; i++) {
        const td_latest *latest = &rows[i].latest;
        const td_numbers *n = &latest->numbers;
        bool ibm = td_bytes_equal(td_view_name(view, rows[i].instrument), TD_TEXT("LEAN:IBM"));
        bool trade = ibm && latest->kind == TD_LATEST_TRADE && latest->event_ns == RIG_T0 + 300 && n->price == 51;
        bool quote = !ibm && latest->kind == TD_LATEST_QUOTE && latest->event_ns == RIG_T0 + 200 && n->ask_price == 9 &&
                     n->bid_price == 7 && n->price == TD_NONE;
        bool bar = ibm && latest->kind == TD_LATEST_BAR && latest->event_ns == RIG_T0 + RIG_S && n->price == 91;
        ASSERT_ROW(trade + quote + bar == 1, "%zu", i);
    }
    assert_int_equal(td_newest_step(one), TD_OK);
    assert_int_equal(td_newest_rows(one, &rows), 1);
    assert_int_equal(rows[0].latest.kind, TD_LATEST_QUOTE);
    td_newest_free(one);
    td_newest_free(all);
}

/* What it knew may be older than what it has not seen. */
static void what_is_skipped_makes_the_newest_unknown(void **state) {
    enum { MEGABYTES = 40 };
    (void)state;
    open_view();
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 300, 50);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 90, 0);
    settle();
    for (int i = 0; i < MEGABYTES; i++) { /* nothing that it reads */
        td_buf value = {0};
        for (size_t k = 0; k < (1 << 20) / sizeof(uint32_t); k++) td_buf_put_be32(&value, UINT32_MAX);
        rig_append(&r, r.topics.tape, "LEAN:IBM", 1, &value);
    }
    ahead_ns += TD_NS_PER_S;
    settle();
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    assert_true(lag.skipped > 0 && lag.tape_records == 0);
    td_newest *newest = td_newest_new(view, TD_TEXT("LEAN:IBM"));
    const td_newest_row *rows;
    assert_int_equal(td_newest_step(newest), TD_OK);
    assert_int_equal(td_newest_rows(newest, &rows), 1);
    assert_int_equal(rows[0].latest.kind, TD_LATEST_BAR);
    td_newest_free(newest);
}

static void makes_bars_from_trades(void **state) {
    (void)state;
    open_view();
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 100, 50);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 300, 90);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 200, 20);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 250, -1); /* refused by the rule, so not in any bar */
    settle();
    uint32_t ibm = td_view_find(view, TD_TEXT("LEAN:IBM"));
    td_bar bar;
    assert_true(td_view_bar_making(view, ibm, 0, &bar));
    assert_int_equal(bar.open, 50);
    assert_int_equal(bar.high, 90);
    assert_int_equal(bar.low, 20);
    assert_int_equal(bar.close, 90);
    assert_int_equal(bar.trade_count, 3);
    assert_int_equal(td_view_instrument_at(view, ibm)->last, 90);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 90, 0); /* final: no longer in the making */
    settle();
    assert_false(td_view_bar_making(view, ibm, 0, &bar));
    assert_true(td_view_bar_making(view, ibm, 1, &bar));
    static const struct {
        int64_t from_s, to_s;
        td_gap_status status;
        td_quality quality;
    } gaps[] = {
        {-9, -1, TD_GAP_LOST, TD_QUALITY_COMPLETE}, {60, 70, TD_GAP_LOST, TD_QUALITY_COMPLETE},
        {5, 6, TD_GAP_FILLED, TD_QUALITY_COMPLETE}, {-9, 0, TD_GAP_OPEN, TD_QUALITY_PARTIAL},
        {-9, 1, TD_GAP_LOST, TD_QUALITY_PARTIAL},
    };
    for (size_t i = 0; i < COUNT_OF(gaps); i++) {
        rig_gap(&r, "LEAN:IBM", i < 4 ? (int64_t)i : 3, RIG_T0 + gaps[i].from_s * RIG_S, RIG_T0 + gaps[i].to_s * RIG_S,
                gaps[i].status);
        settle();
        assert_true(td_view_bar_making(view, ibm, 1, &bar));
        ASSERT_ROW(bar.quality == gaps[i].quality, "%zu", i);
    }
    const td_view_feed *feeds;
    assert_int_equal(td_view_feeds(view, &feeds), 1);
    assert_int_equal(feeds[0].event_ns, RIG_T0 + 300);
}

/* A width between the two: what was seen of these stays theirs. */
static void obeys_another_program(void **state) {
    (void)state;
    static const int64_t widths_ns[] = {RIG_S, 5 * RIG_S, 60 * RIG_S}, fewer_ns[] = {60 * RIG_S};
    td_program *program = rig_program(widths_ns, COUNT_OF(widths_ns)), *last = rig_program(fewer_ns, 1);
    td_bar bar;
    open_view();
    rig_bar(&r, "LEAN:IBM", 60 * RIG_S, RIG_T0 - 60 * RIG_S, 1000000000, 0);
    for (int i = 0; i < 3; i++) rig_trade(&r, "LEAN:IBM", RIG_T0 + i * RIG_S, 1000000000 + i);
    settle();
    td_view_obey(view, program);
    const td_view_instrument *row = td_view_instrument_at(view, 0);
    assert_int_equal(td_view_topics(view)->width_count, 3);
    assert_true(row->bars[0] == 0 && row->bars[1] == 0 && row->bars[2] == 1);
    assert_int_equal(row->final_ns[2], RIG_T0);
    assert_true(td_view_bar_making(view, 0, 2, &bar));
    assert_int_equal(bar.trade_count, 3);
    assert_false(td_view_bar_making(view, 0, 1, &bar)); /* it began before our eyes were on it */
    rig_bar(&r, "LEAN:IBM", 5 * RIG_S, RIG_T0, 1000000000, 0);
    settle();
    assert_int_equal(row->bars[1], 1);
    td_view_obey(view, last);
    td_program_free(program);
    assert_true(row->bars[0] == 1 && td_view_bar_making(view, 0, 0, &bar) && bar.width_ns == 60 * RIG_S);
    td_view_close(view);
    view = NULL;
    td_program_free(last);
}

static void shows_no_tick_that_rules_refuse(void **state) {
    (void)state;
    open_view();
    for (int i = 0; i < TD_RECENT; i++) rig_trade(&r, "LEAN:IBM", RIG_T0 + i, 5000);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 50, 50);
    settle();
    uint32_t ibm = td_view_find(view, TD_TEXT("LEAN:IBM"));
    td_bar bar;
    assert_int_equal(td_view_instrument_at(view, ibm)->last, 5000);
    assert_true(td_view_bar_making(view, ibm, 0, &bar));
    assert_true(bar.low == 5000 && bar.trade_count == TD_RECENT);
}

static void shows_only_whole_windows(void **state) {
    static const struct {
        int64_t event_ns; /* -1: trades are missed here */
        bool shown;
        int64_t start_ns;
    } steps[] = {
        {110, true, 100}, {150, true, 100}, {210, true, 200}, {-1, false, 0},
        {220, false, 0},  {290, false, 0},  {310, true, 300}, {290, true, 300}, /* late for show */
        {390, true, 300}, {-1, false, 0},   {400, false, 0},  {700, true, 700},
    };
    td_provisional p = {.whole = {true}};
    td_trade trade = {.price = 5, .size = 1};
    td_bar bar;
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        int64_t start_ns = steps[i].event_ns / 100 * 100;
        if (steps[i].event_ns < 0)
            td_provisional_break(&p, 1);
        else
            td_provisional_add(&p, &(td_period){start_ns, start_ns + 100}, 1, steps[i].event_ns, &trade,
                               TD_ADMITS_LAST);
        ASSERT_ROW(td_provisional_bar(&p, 0, 100, &bar) == steps[i].shown, "%u", i);
        if (steps[i].shown) ASSERT_ROW(bar.start_ns == steps[i].start_ns, "%u", i);
    }
}

static void reads_no_tape_while_nobody_watches(void **state) {
    (void)state;
    open_view();
    assert_int_equal(td_view_step(view), 0); /* nothing was there at start */
    rig_trade(&r, "LEAN:IBM", RIG_T0, 50);
    for (int i = 0; i < 20; i++) assert_int_equal(td_view_step(view), 0);
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    assert_int_equal(lag.tape_records, 1);
    settle();
    td_view_lag_of(view, &lag);
    assert_int_equal(lag.tape_records, 0);
    assert_int_equal(td_view_count(view), 1);
}

/* A bug: after a restart the end of the last bar stood where the last trade belongs, and the feed was unknown. */
static void knows_last_trades_after_a_restart(void **state) {
    (void)state;
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 100, 50);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 300, 70);
    rig_trade(&r, "LEAN:IBM", RIG_T0 + 200, 60);
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 70, 0);
    rig_bar(&r, "LEAN:OLD", RIG_S, RIG_T0, 80, 0); /* its trades are no longer near the tape's end */
    open_view();
    td_view_lag lag;
    td_view_lag_of(view, &lag);
    assert_true(lag.loading);
    for (int i = 0; i < 100; i++) { /* nobody watches */
        (void)td_view_step(view);
        (void)usleep(500);
    }
    td_view_lag_of(view, &lag);
    assert_false(lag.loading);
    const td_view_instrument *ibm = td_view_instrument_at(view, td_view_find(view, TD_TEXT("LEAN:IBM")));
    assert_int_equal(ibm->last, 70);
    assert_int_equal(ibm->last_ns, RIG_T0 + 300);
    assert_int_equal(ibm->feed, 0);
    const td_view_instrument *old = td_view_instrument_at(view, td_view_find(view, TD_TEXT("LEAN:OLD")));
    assert_int_equal(old->last_ns, RIG_T0 + RIG_S - 1);
    assert_int_equal(old->feed, TD_VIEW_NO_FEED);
}

static void writes_rows_alike(void **state) {
    td_bar bar = {.start_ns = RIG_T0,
                  .end_ns = RIG_T0 + 60 * RIG_S,
                  .width_ns = 60 * RIG_S,
                  .open = 1500000000,
                  .high = 2000000000,
                  .low = 1,
                  .close = -5,
                  .vwap = 1600000000,
                  .volume = 250000000,
                  .notional = 400,
                  .trade_count = 3,
                  .known_at_ns = RIG_T0 + 61 * RIG_S,
                  .revision = 1,
                  .quality = TD_QUALITY_REPAIRED,
                  .evidence = TD_EVIDENCE_PROVEN};
    td_buf out = {0};
    (void)state;
    td_row_put_bar(&out, TD_ROW_JSON, TD_TEXT("LEAN:I\"M"), &bar);
    assert_text(&out, "{\"instrument\":\"LEAN:I\\\"M\",\"width\":\"1m\",\"start_ns\":1381152600000000000,"
                      "\"end_ns\":1381152660000000000,\"start\":\"2013-10-07T13:30:00Z\",\"open\":\"1.5\","
                      "\"high\":\"2\",\"low\":\"0.000000001\",\"close\":\"-0.000000005\",\"volume\":\"2.5\","
                      "\"notional\":\"0.000000000000004\",\"vwap\":\"1.600000000\",\"trade_count\":3,\"revision\":1,"
                      "\"known_at_ns\":1381152661000000000,\"quality\":\"repaired\",\"evidence\":\"proven\"}");
    td_buf_fini(&out);
    td_row_put_bar(&out, TD_ROW_CSV_HEADER, TD_TEXT(""), &bar);
    td_row_put_bar(&out, TD_ROW_CSV, TD_TEXT("LEAN:I\"M"), &bar);
    assert_text(&out, "instrument,width,start_ns,end_ns,start,open,high,low,close,volume,notional,vwap,trade_count,"
                      "revision,known_at_ns,quality,evidence\n"
                      "\"LEAN:I\"\"M\",1m,1381152600000000000,1381152660000000000,2013-10-07T13:30:00Z,1.5,2,"
                      "0.000000001,-0.000000005,2.5,0.000000000000004,1.600000000,3,1,1381152661000000000,"
                      "repaired,proven\n");
    td_buf_fini(&out);
    td_signal signal = {.strategy = TD_TEXT("golden_cross"),
                        .note = TD_TEXT("a, \"b\"\nc"),
                        .reason = TD_TEXT("gap 4"),
                        .ordinal = 2,
                        .event_ns = RIG_T0,
                        .width_ns = RIG_S,
                        .price = 5,
                        .target = -100000000,
                        .action = TD_ACTION_SHORT,
                        .status = TD_SIGNAL_WITHHELD,
                        .known_at_ns = 7};
    td_row_put_signal(&out, TD_ROW_CSV, TD_TEXT("LEAN:IBM"), &signal, 9);
    assert_text(&out, "golden_cross/LEAN:IBM/2013-10-07T13:30#2,golden_cross,LEAN:IBM,1s,1381152600000000000,"
                      "2013-10-07T13:30:00Z,short,-1,0.000000005,withheld,\"a, \"\"b\"\"\nc\",7,9,gap 4,\n");
    td_buf_fini(&out);
}

static void tells_a_slow_reader_what_it_lost(void **state) {
    td_api_request request = {.instrument = "LEAN:IBM", .width_ns = RIG_S};
    td_bar bar = {.start_ns = RIG_T0, .end_ns = RIG_T0 + RIG_S, .width_ns = RIG_S};
    td_board board = {0};
    td_push push;
    (void)state;
    open_view();
    td_push_init(&push, &request, "1");
    size_t hello = td_push_waiting(&push, SIZE_MAX).size;
    td_push_bar(&push, TD_TEXT("LEAN:AAPL"), &bar); /* not what it follows */
    assert_int_equal(td_push_waiting(&push, SIZE_MAX).size, hello);
    for (int i = 0; i < 5000; i++) td_push_bar(&push, TD_TEXT("LEAN:IBM"), &bar);
    td_bytes waiting = td_push_waiting(&push, SIZE_MAX);
    assert_true(waiting.size <= 256 << 10);
    assert_memory_equal(waiting.data + waiting.size - 3, "}\n\n", 3);
    size_t told = 0;
    for (size_t i = 0; i + 10 < waiting.size; i++) told += memcmp(waiting.data + i, "event: bar", 10) == 0;
    assert_int_equal(push.lost, 5000 - (int64_t)told);
    while ((waiting = td_push_waiting(&push, 10000)).size > 0) td_push_taken(&push, waiting.size);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "event: lost\ndata: {\"count\":%d}\n\n", 5000 - (int)told);
    td_push_due(&push, view, &board, 1);
    waiting = td_push_waiting(&push, SIZE_MAX);
    assert_true(waiting.size > strlen(wanted));
    assert_memory_equal(waiting.data, wanted, strlen(wanted));
    assert_int_equal(push.lost, 0);
    td_push_fini(&push);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_what_was_there_and_tells_what_comes, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(change_begins_anew_with_the_exchange_day, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(shows_prices_that_are_no_trades, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(knows_what_is_newest_of_each, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_is_skipped_makes_the_newest_unknown, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(makes_bars_from_trades, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(obeys_another_program, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(shows_no_tick_that_rules_refuse, open_rig, close_rig),
        cmocka_unit_test(shows_only_whole_windows),
        cmocka_unit_test_setup_teardown(reads_no_tape_while_nobody_watches, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(knows_last_trades_after_a_restart, open_rig, close_rig),
        cmocka_unit_test(writes_rows_alike),
        cmocka_unit_test_setup_teardown(tells_a_slow_reader_what_it_lost, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
