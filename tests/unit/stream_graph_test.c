/* tests/unit/stream_graph_test.c - goal: targets move as the table in graph.h says, na spreads as the language says,
 * decimals stay exact, and a state is its bytes: the same bars, the same block, whatever happened in between. */
#include "strategy_rig.h"
#include <stdio.h>

#define HEAD "strategy a on bars(1m)\n"
#define ONE  INT64_C(1000000000) /* of a price */

/* ---- targets: every state against every set of true actions ---- */

/* What happens when flat, long, short: '.' nothing, else the word that acts: B(uy) S(ell) s(hort) c(over) X(exit). */
static const struct {
    const char *actions; /* true: b(uy) s(ell) h (short) c(over) x (exit) */
    const char *when;    /* flat, long, short */
} cells[] = {
    {"-----", "..."}, {"b----", "B.B"}, {"-s---", ".S."}, {"bs---", ".S."}, {"--h--", "ss."}, {"b-h--", "..."},
    {"-sh--", "ss."}, {"bsh--", "ss."}, {"---c-", "..c"}, {"b--c-", "B.B"}, {"-s-c-", ".Sc"}, {"bs-c-", ".Sc"},
    {"--hc-", "..c"}, {"b-hc-", "B.B"}, {"-shc-", ".Sc"}, {"bshc-", ".Sc"}, {"----x", ".XX"}, {"b---x", ".XX"},
    {"-s--x", ".SX"}, {"bs--x", ".SX"}, {"--h-x", ".XX"}, {"b-h-x", ".XX"}, {"-sh-x", ".SX"}, {"bsh-x", ".SX"},
    {"---cx", ".Xc"}, {"b--cx", ".Xc"}, {"-s-cx", ".Sc"}, {"bs-cx", ".Sc"}, {"--hcx", ".Xc"}, {"b-hcx", ".Xc"},
    {"-shcx", ".Sc"}, {"bshcx", ".Sc"},
};

static const char target_program[] = HEAD "  buy qty 2 when open == 1\n"
                                          "  sell when high == 1\n"
                                          "  short qty 3.5 when low == 1 note \"down\"\n"
                                          "  cover when vwap == 1\n"
                                          "  exit when volume == 1\n";

static td_bar actions_bar(const rig *r, const char *actions) {
    td_bar bar = rig_bar(r, 0);
    bar.close = 42 * ONE;
    bar.open = strchr(actions, 'b') != NULL ? ONE : 0;
    bar.high = strchr(actions, 's') != NULL ? ONE : 0;
    bar.low = strchr(actions, 'h') != NULL ? ONE : 0;
    bar.vwap = strchr(actions, 'c') != NULL ? ONE : 0;
    bar.volume = strchr(actions, 'x') != NULL ? ONE / 10 : 0;
    return bar;
}

static void check_cell(size_t i, int from) {
    static const char *const ways[] = {"-----", "b----", "--h--"}; /* to flat, long, short */
    static const char words[] = "BSscX";                           /* by td_action */
    static const int64_t one = 100000000, targets[] = {2 * one, 0, -3 * one - one / 2, 0, 0};
    rig r = rig_open(target_program);
    td_bar bar = actions_bar(&r, ways[from]);
    rig_apply(&r, "TEST:A", &bar);
    size_t before = r.signal_count;
    assert_int_equal(before, from == 0 ? 0 : 1);

    bar = actions_bar(&r, cells[i].actions);
    rig_apply(&r, "TEST:A", &bar);
    char got = r.signal_count == before ? '.' : words[r.signals[before].action];
    if (got != cells[i].when[from])
        fail_msg("%s from %d: %c, expected %c", cells[i].actions, from, got, cells[i].when[from]);
    if (got != '.') {
        const td_signal *s = &r.signals[before];
        assert_int_equal(r.signal_count, before + 1);
        assert_int_equal(s->target, targets[s->action]);
        assert_int_equal(s->price, 42 * ONE);
        assert_int_equal(s->event_ns, bar.end_ns);
        assert_int_equal(s->width_ns, 60 * INT64_C(1000000000));
        assert_int_equal(s->known_at_ns, bar.known_at_ns);
        assert_int_equal(s->instrument, 5);
        assert_int_equal(s->ordinal, 1);
        assert_int_equal(s->status, TD_SIGNAL_FRESH);
        assert_true(td_bytes_equal(s->strategy, TD_TEXT("a")));
        assert_true(td_bytes_equal(s->note, td_text(s->action == TD_ACTION_SHORT ? "down" : "")));
    }
    rig_close(&r);
}

static void test_targets(void **state) {
    (void)state;
    assert_int_equal(sizeof cells / sizeof cells[0], 32);
    for (size_t i = 0; i < 32; i++) {
        for (int bit = 0; bit < 5; bit++) assert_int_equal(cells[i].actions[bit] == "bshcx"[bit], i >> bit & 1);
        for (int from = 0; from < 3; from++) check_cell(i, from);
    }
}

static void test_first_action_acts(void **state) { /* of several with one effect the first in the program */
    (void)state;
    rig r = rig_open(HEAD "  exit when close == 2 note \"exit\"\n"
                          "  buy qty 5 when close == 9 note \"never\"\n"
                          "  buy qty 7 when close == 1 note \"first\"\n"
                          "  buy qty 8 when close == 1 note \"second\"\n"
                          "  sell when close == 2 note \"sell\"\n");
    rig_price(&r, 1000);
    rig_price(&r, 1000); /* a condition that stays true acts once */
    rig_price(&r, 2000);
    rig_price(&r, 2000);
    assert_int_equal(r.signal_count, 2);
    assert_true(td_bytes_equal(r.signals[0].note, TD_TEXT("first")));
    assert_int_equal(r.signals[0].target, 7 * INT64_C(100000000));
    assert_true(td_bytes_equal(r.signals[1].note, TD_TEXT("exit")));
    rig_close(&r);
}

static void test_quantities(void **state) {
    (void)state;
    static const struct {
        const char *qty;
        int64_t target;
    } rows[] = {
        {"", 100000000},       {"qty 0.00000001", 1},    {"qty 2.5%", 2500000},
        {"qty 1/3", 33333333}, {"qty n * 3", 600000000}, {"qty if n > 1 then 4 else 5", 400000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[160];
        (void)snprintf(text, sizeof text, HEAD "  param n = 2\n  buy %s when close > 0\n", rows[i].qty);
        rig r = rig_open(text);
        rig_price(&r, 1000);
        assert_int_equal(r.signal_count, 1);
        assert_int_equal(r.signals[0].target, rows[i].target);
        rig_close(&r);
    }
}

static void test_ordinals(void **state) { /* a second signal of one time is #2 */
    (void)state;
    rig r = rig_open(HEAD "  buy when close == 1\n  sell when close == 2\n");
    static const int64_t expected[] = {1, 2, 3, 1};
    for (int i = 0; i < 4; i++) {
        if (i < 3) r.bars = 0;
        rig_price(&r, i % 2 == 0 ? 1000 : 2000);
        assert_int_equal(r.signal_count, i + 1);
        assert_int_equal(r.signals[i].ordinal, expected[i]);
    }
    rig_close(&r);
}

/* ---- three values: t(rue), f(alse), n(a) ---- */

static char truth(const rig *r, const char *line) {
    double x;
    return !rig_line(r, line, &x) ? 'n' : x == 1 ? 't' : 'f';
}

static int64_t condition_price(char value) { return (value == 't' ? 1 : value == 'f' ? 2 : 3) * ONE; }

static void test_three_values(void **state) {
    (void)state;
    static const char rows[][7] = {/* a, b; a and b, a or b, not a, if a then b else true */
                                   "ttttft", "tfftff", "tnntfn", "ftfttt", "fffftt",
                                   "fnfntt", "ntntnn", "nffnnn", "nnnnnn"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig r = rig_open(HEAD "  true_now = close > 0\n"
                              "  none = close / 0 > 1\n"
                              "  a = if open == 1 then true_now else if open == 2 then not true_now else none\n"
                              "  b = if low == 1 then true_now else if low == 2 then not true_now else none\n"
                              "  both = if a and b then close else 0 * close\n"
                              "  either = if a or b then close else 0 * close\n"
                              "  inverse = if not a then close else 0 * close\n"
                              "  chosen = if (if a then b else true_now) then close else 0 * close\n");
        td_bar bar = rig_bar(&r, ONE);
        bar.open = condition_price(rows[i][0]);
        bar.low = condition_price(rows[i][1]);
        rig_apply(&r, "TEST:A", &bar);
        const char got[7] = {
            rows[i][0],          rows[i][1], truth(&r, "both"), truth(&r, "either"), truth(&r, "inverse"),
            truth(&r, "chosen"), '\0'};
        assert_string_equal(got, rows[i]);
        rig_close(&r);
    }
}

/* ---- series of values: prices in thousandths, results in thousandths, N for na ---- */

#define N INT64_MIN
enum { STEPS_MAX = 8 };

static const struct {
    const char *expr;
    int64_t prices[STEPS_MAX], values[STEPS_MAX]; /* until the first price 0 */
} series[] = {
    {"close[2]", {1000, 2000, 3000, 4000}, {N, N, 1000, 2000}},
    {"close[1][1]", {1000, 2000, 3000, 4000}, {N, N, 1000, 2000}},
    {"(close + 1)[1]", {1000, 2000, 3000}, {N, 2000, 3000}},
    {"(close / 3)[1] * 3", {3000, 6000, 9000}, {N, 3000, 6000}},
    {"if (close > 2)[1] then close else -close", {1000, 3000, 5000}, {N, -3000, 5000}},
    {"close / (close - 2)", {1000, 2000, 3000}, {-1000, N, 3000}},
    {"nz(close / (close - 2), 7)", {1000, 2000, 3000}, {-1000, 7000, 3000}},
    {"nz(close[1], close)", {1000, 2000, 3000}, {1000, 1000, 2000}},
    {"close - close[1]", {1000, 3000, 2000}, {N, 2000, -1000}},
    {"sma(close, 3)", {1000, 2000, 6000, 10000, 2000}, {N, N, 3000, 6000, 6000}},
    {"sma(close, 1)", {1000, 2000}, {1000, 2000}},
    {"sma(close * 1, 3)", {1000, 2000, 6000, 10000, 2000}, {N, N, 3000, 6000, 6000}},
    {"sma(volume, 2)", {1000, 1000}, {N, 1000}},
    {"sma(close, 2)[1]", {1000, 2000, 4000}, {N, N, 1500}},
    {"sma(sma(close, 2), 2)", {1000, 3000, 5000, 7000}, {N, N, 3000, 5000}},
    {"sma(close, 3) + close[1] - close[1]", {1000, 2000, 6000, 10000, 2000}, {N, N, 3000, 6000, 6000}},
    {"close[3] - close[1] + close[2]", {1000, 2000, 6000, 10000, 3000}, {N, N, N, -3000, -2000}},
    {"ema(close, 3)", {1000, 2000, 6000, 5000, 8000}, {N, N, 3000, 4000, 6000}},
    {"ema(close, 1)", {1000, 2000}, {1000, 2000}},
    {"ema(close * 1, 3)", {1000, 2000, 6000, 5000, 8000}, {N, N, 3000, 4000, 6000}},
    {"ema(sma(close, 2), 2)", {1000, 3000, 5000, 8000}, {N, N, 3000, 5333}},
    /* na starts a warm-up anew: here at the price 9 */
    {"sma(close / (close - 9) * (close - 9), 2)", {1000, 3000, 9000, 5000, 7000}, {N, 2000, N, N, 6000}},
    {"ema(close / (close - 9) * (close - 9), 2)", {1000, 3000, 9000, 5000, 7000}, {N, 2000, N, N, 6000}},
    /* crossings: from at or below to above */
    {"if crossover(close, 5) then close else 0", {4000, 5000, 6000, 7000, 5000, 6000}, {0, 0, 6000, 0, 0, 6000}},
    {"if crossunder(close, 5) then close else 0", {6000, 5000, 4000, 3000, 5000, 4000}, {0, 0, 4000, 0, 0, 4000}},
    {"if crossover(close, 5) then close else 0", {6000, 7000}, {N, 0}},
};

static void test_series(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        char text[160];
        (void)snprintf(text, sizeof text, HEAD "  x = %s\n", series[i].expr);
        rig r = rig_open(text);
        for (int k = 0; k < STEPS_MAX && series[i].prices[k] > 0; k++) {
            rig_price(&r, series[i].prices[k]);
            double x = 0;
            bool has = rig_line(&r, "x", &x);
            double thousandths = x * 1000 + (x < 0 ? -0.5 : 0.5);
            int64_t value = has ? (int64_t)thousandths : N;
            if (value != series[i].values[k])
                fail_msg("%s, bar %d: %lld, expected %lld", series[i].expr, k, (long long)value,
                         (long long)series[i].values[k]);
        }
        rig_close(&r);
    }
}

static void test_na_does_not_fire(void **state) {
    (void)state;
    rig r =
        rig_open(HEAD "  buy when close[1] > 0\n  short when not close[1] > 0\n  sell when close / 0 == close / 0\n");
    rig_price(&r, 1000);
    assert_int_equal(r.signal_count, 0);
    rig_price(&r, 1000);
    rig_price(&r, 1000);
    assert_int_equal(r.signal_count, 1);
    assert_int_equal(r.signals[0].action, TD_ACTION_BUY);
    rig_close(&r);
}

/* ---- exact decimals ---- */

static void test_exact(void **state) { /* each of these is false in doubles, or at their limits */
    (void)state;
    static const char *const truths[] = {
        "0.1 + 0.2 == 0.3",
        "close + 0.1 + 0.2 - close == 0.3",
        "9007199254740993 - 9007199254740992 == 1",
        "high - low == 0.000000001",
        "10% == 0.1",
        "-0.5% == -0.005",
        "volume - 92233720368.54775807 == 0.00000001",
        "trades == 9000000000000",
        "not 3 * close == 0",
        "close * 3 == 3.3", /* doubles: 1.1 * 3 is 3.3000000000000003, compared with 3.3 as double: false */
    };
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        char text[160];
        (void)snprintf(text, sizeof text, HEAD "  buy when %s\n", truths[i]);
        rig r = rig_open(text);
        td_bar bar = rig_bar(&r, ONE + ONE / 10);
        bar.high = INT64_MAX;
        bar.low = INT64_MAX - 1;
        bar.volume = (td_i128)INT64_MAX + 1;
        bar.trade_count = 9000000000000;
        rig_apply(&r, "TEST:A", &bar);
        bool last = i == sizeof truths / sizeof truths[0] - 1;
        if (r.signal_count != (last ? 0u : 1u)) fail_msg("%s", truths[i]);
        rig_close(&r);
    }
}

static void test_ranges(void **state) { /* past its range a number is na, not another number */
    (void)state;
    rig r = rig_open(HEAD "  v = volume\n  s = 0 * close + 99999999999999999999999 + volume\n"
                          "  big = 99999999999999999999999 * volume\n  p = big * big * big * big * big\n"
                          "  q = p * p * p\n  d = volume + volume\n  m = close - volume - volume\n");
    td_bar bar = rig_bar(&r, ONE);
    double x = 0;
    bar.volume = (td_i128)INT64_C(1000000000000000000) * INT64_C(10000000000000); /* 10^23 */
    rig_apply(&r, "TEST:A", &bar);
    assert_true(rig_line(&r, "v", &x) && x == 1e23);
    assert_true(rig_line(&r, "s", &x) && x == 2e23);
    assert_true(rig_line(&r, "p", &x));
    assert_false(rig_line(&r, "q", &x));
    assert_false(rig_line(&r, "d", &x));
    assert_false(rig_line(&r, "m", &x));
    bar = rig_bar(&r, ONE);
    bar.volume = (td_i128)1 << 126;
    rig_apply(&r, "TEST:A", &bar);
    assert_false(rig_line(&r, "v", &x));
    rig_close(&r);
}

/* ---- sharing, sets, lines ---- */

static size_t state_bytes(const char *text) {
    rig r = rig_open(text);
    size_t bytes = td_graph_state_bytes(r.graph);
    rig_close(&r);
    return bytes;
}

static void test_sharing(void **state) { /* what is equal is kept once; what nobody needs is not kept */
    (void)state;
    static const char once[] = HEAD "  buy when sma(close, 100) > open + high\n";
    size_t bytes = state_bytes(once);
    assert_in_range(bytes, 100 * 8, 100 * 8 + 512);
    assert_int_equal(state_bytes(HEAD "  param n = 50\n  unused = sma(close, 100) > 5 and sma(low, 777) > 3\n"
                                      "  f = high + open\n  buy when f < sma(close, n * 2)\n"),
                     bytes);
    /* A second strategy costs its position. A shorter window of the same series costs no ring. */
    size_t two = state_bytes("strategy a on bars(1m)\n  buy when sma(close, 100) > open + high\n"
                             "strategy b on bars(1m)\n  buy when sma(close, 100) > high + open\n");
    assert_in_range(two, bytes, bytes + sizeof(td_paper) + 16);
    size_t shorter = state_bytes(HEAD "  buy when sma(close, 100) > open + high and sma(close, 50) > close[99]\n");
    assert_in_range(shorter, bytes, bytes + 160);
}

static void test_sets(void **state) {
    (void)state;
    static const char program[] = "strategy any_of on bars(1m)\n  x = close\n  buy when close > 0\n"
                                  "strategy venue on bars(1m) for LEAN:*\n  x = close\n  buy when close > 0\n"
                                  "strategy some on bars(1m) for LEAN:IBM, BINANCE:BTCUSDT\n  y = sma(close, 2)\n"
                                  "  buy when close > 0\n";
    static const struct {
        const char *instrument, *strategies;
    } rows[] = {
        {"LEAN:IBM", "any_of venue some "},  {"LEAN:AAPL", "any_of venue "}, {"LEANER:IBM", "any_of "},
        {"BINANCE:BTCUSDT", "any_of some "}, {"BINANCE:BTCUSD", "any_of "},  {"LEAN:IBMX", "any_of venue "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig r = rig_open(program);
        td_bar bar = rig_bar(&r, ONE);
        rig_apply(&r, rows[i].instrument, &bar);
        char got[64] = "";
        for (size_t k = 0; k < r.signal_count; k++) {
            (void)strncat(got, (const char *)r.signals[k].strategy.data, r.signals[k].strategy.size);
            (void)strcat(got, " ");
        }
        assert_string_equal(got, rows[i].strategies);

        bar = rig_bar(&r, ONE);
        rig_apply(&r, rows[i].instrument, &bar);
        double y;
        assert_int_equal(rig_line(&r, "y", &y), strstr(rows[i].strategies, "some") != NULL);
        rig_close(&r);
    }
}

static void test_many_strategies(void **state) { /* more than a word of bits has */
    (void)state;
    enum { COUNT = 150 };
    td_buf text = {0};
    for (int i = 0; i < COUNT; i++)
        td_buf_printf(&text, "strategy s%d on bars(1m) for V:%d\n  buy when close > %d\n", i, i, i % 2);
    td_buf_put(&text, "", 1);
    for (int i = 0; i < COUNT; i += 7) {
        rig r = rig_open((const char *)text.data);
        char name[16];
        (void)snprintf(name, sizeof name, "V:%d", i);
        td_bar bar = rig_bar(&r, ONE);
        rig_apply(&r, name, &bar);
        assert_int_equal(r.signal_count, i % 2 == 0);
        if (i % 2 == 0) assert_int_equal(strtol((const char *)r.signals[0].strategy.data + 1, NULL, 10), i);
        rig_close(&r);
    }
    td_buf_fini(&text);
}

static void test_lines(void **state) {
    (void)state;
    rig r =
        rig_open(HEAD "  param n = 2\n  fixed = n + 1\n  up = close > open\n  fast = sma(close, n)\n  raw = close\n");
    const td_graph_line *lines;
    assert_int_equal(td_graph_lines(r.graph, &lines), 2);
    assert_true(td_bytes_equal(lines[0].name, TD_TEXT("fast")) && td_bytes_equal(lines[0].strategy, TD_TEXT("a")));
    assert_true(td_bytes_equal(lines[1].name, TD_TEXT("raw")));
    double x = 0;
    assert_false(td_graph_line_value(r.graph, r.state, 1, &x)); /* before the first bar */
    rig_price(&r, 1100);
    assert_true(td_graph_line_value(r.graph, r.state, 1, &x) && x == 1.1);
    assert_false(td_graph_line_value(r.graph, r.state, 0, &x));
    rig_price(&r, 1200);
    assert_true(td_graph_line_value(r.graph, r.state, 0, &x) && x == 1.15);
    rig_close(&r);
}

/* ---- the state is its bytes ---- */

static const char long_program[] = HEAD
    "  f = sma(close, 5)\n  s = sma(close * 1.01, 9)\n  e = ema(s, 4)\n  d = ema(close, 6) - close[3]\n"
    "  buy qty 2 when crossover(f, s) note \"up\"\n  sell when crossunder(f, e)\n  short when d > 2 and volume > 1\n"
    "  cover when sma(volume, 3)[2] < 2 or d / 0 > 1\n";

static uint32_t next_random(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

static td_bar random_bar(const rig *r, uint32_t *seed) {
    td_bar bar = rig_bar(r, (int64_t)(next_random(seed) >> 8) * 1000);
    bar.volume = next_random(seed);
    return bar;
}

static void test_restored(void **state) { /* a copy of the block, taken anywhere, goes on to the same bytes */
    (void)state;
    uint32_t seed = 7;
    rig whole = rig_open(long_program);
    rig parts = rig_open(long_program);
    size_t bytes = td_graph_state_bytes(whole.graph);
    for (int i = 0; i < 400; i++) {
        td_bar bar = random_bar(&whole, &seed);
        rig_apply(&whole, "TEST:A", &bar);
        rig_apply(&parts, "TEST:A", &bar);
        void *copy = aligned_alloc(16, bytes);
        memcpy(copy, parts.state, bytes);
        memset(parts.state, 0xee, bytes);
        free(parts.state);
        parts.state = copy;
        assert_memory_equal(whole.state, parts.state, bytes);
    }
    assert_true(whole.signal_count > 20);
    assert_int_equal(whole.signal_count, parts.signal_count);
    rig_close(&parts);
    rig_close(&whole);
}

static void test_warmed(void **state) { /* averages that saw only the window equal those that saw everything */
    (void)state;
    static const char program[] = HEAD "  d = sma(close, 50)\n  r = sma(close * 1.01 / 3, 50)\n  n = sma(d / r, 50)\n";
    uint32_t seed = 11;
    rig old = rig_open(program);
    for (int i = 0; i < 5000; i++) {
        td_bar bar = random_bar(&old, &seed);
        rig_apply(&old, "TEST:A", &bar);
    }
    rig young = rig_open(program);
    for (int i = 0; i < 120; i++) {
        td_bar bar = random_bar(&old, &seed);
        rig_apply(&old, "TEST:A", &bar);
        young.bars = old.bars - 1;
        rig_apply(&young, "TEST:A", &bar);
        static const char *const names[] = {"d", "r", "n"};
        for (int k = 0; k < 3; k++) {
            double a = 0, b = 0;
            assert_true(rig_line(&old, names[k], &a));
            bool has = rig_line(&young, names[k], &b);
            assert_int_equal(has, i >= (k < 2 ? 49 : 98));
            if (has) assert_memory_equal(&a, &b, sizeof a);
        }
    }
    rig_close(&young);
    rig_close(&old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_first_action_acts),
        cmocka_unit_test(test_quantities),
        cmocka_unit_test(test_ordinals),
        cmocka_unit_test(test_three_values),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_na_does_not_fire),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_many_strategies),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_restored),
        cmocka_unit_test(test_warmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
