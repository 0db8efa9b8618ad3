/* tests/unit/lang_parse_test.c - goal: what the grammar allows compiles, and means what precedence says. */
#include "strategy_rig.h"
#include <math.h>
#include <stdio.h>

/* ---- texts that compile ---- */

static const char *const accepted[] = {
    "",
    "# nothing but a comment",
    "\n\n   \n# a\n",
    "strategy a on bars(1m)\n  x = close",
    "strategy a on bars(1m)\n  x = close\n",
    "\xef\xbb\xbfstrategy a on bars(1m)\r\n  buy when close > 1\r\n",
    "strategy a on bars(500ms)\n  x = close\n",
    "strategy a on bars(5s) for BINANCE:*\n  buy when close > open\n",
    "strategy a on bars(24h) for COINBASE:BTC-USD, NYSE:BRK.B ,X:1INCH # and no more\n  buy when close > open\n",
    "strategy a on bars(1m)\n    x = close +\n        open\n          * 2\n    sell when x > 3\n",
    "strategy a on bars(1m)\n  buy\n    when close > 1\n\n    # a comment inside\n    and open > 1\n",
    "strategy a on bars(1m)\n  param n = 20 in 5..50 step 5\n  x = sma(close, n)\n",
    "strategy a on bars(1m)\n  param k = -1.5% in -2%..2% step 0.5%\n  buy qty 1 - k when close > 0 note \"é\"\n",
    "strategy a on bars(1m)\n  x = close\nstrategy b on bars(1m)\n  x = close\n",
    "strategy a on bars(1m)\n  x = close\n# between\n\nstrategy b on bars(1m)\n    x = close\n",
    "strategy a on bars(1m)\n  x = sma(ema(close, 3), 200 / 2)[1][2]\n",
    "strategy a on bars(1m)\n  exit when if close > open then close > 1 else not open > 2\n",
    "strategy a on bars(1m)\n  c = close > open\n  buy when nz(c[3], open > 1)\n",
    "strategy a on bars(1m)\n  onwards = close\n  iffy = open\n  notes = onwards + iffy\n",
};

static void test_accepted(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        td_buf errors = {0};
        td_graph_free(rig_compile(accepted[i], &errors));
        if (errors.size > 0) fail_msg("%s\n%.*s", accepted[i], (int)errors.size, (const char *)errors.data);
    }
}

/* ---- precedence, by value; the bar has open 3, high 20, low 2, close 10, vwap 7, volume 1.25, trades 4 ---- */

#define NA (-12345.0)

static const struct {
    const char *expr;
    double value;
} values[] = {
    {"open", 3},
    {"high - low + vwap", 25},
    {"volume", 1.25},
    {"trades", 4},
    {"open + close * low", 23},
    {"(open + close) * low", 26},
    {"close - open - low", 5},
    {"close - (open - low)", 9},
    {"high / close / low", 1},
    {"-open + close", 7},
    {"-open * -low", 6},
    {"- - open", 3},
    {"close * 1.5%", 0.15},
    {"close + 50 %", 10.5},
    {"close * 0.000000001", 1e-8},
    {"if close > open then low else vwap", 2},
    {"if close < open then low else if high > 1 then vwap else open", 7},
    {"(if close < open then low else vwap) + 1", 8},
    {"if open > 1 or open > 5 and open > 6 then open else -open", 3},
    {"if (open > 1 or open > 5) and open > 6 then open else -open", -3},
    {"if not open > 5 and open > 1 then open else -open", 3},
    {"if not (open > 5 and open > 1) then open else -open", 3},
    {"if not not open > 5 then open else -open", -3},
    {"if open + 1 > close - 7 then open else -open", 3},
    {"if open == 3 and open != 4 and open <= 3 and open >= 3 then open else -open", 3},
    {"if open != 3 or open < 3 or open > 3 then open else -open", -3},
    {"close[0]", 10},
    {"close[1]", NA},
    {"nz(close[1], open)", 3},
    {"-close[0] + open", -7},
};

static void test_values(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  x = %s\n", values[i].expr);
        rig r = rig_open(text);
        td_bar bar = rig_bar(&r, 0);
        const int64_t one = 1000000000;
        bar.open = 3 * one;
        bar.high = 20 * one;
        bar.low = 2 * one;
        bar.close = 10 * one;
        bar.vwap = 7 * one;
        bar.volume = 125000000;
        bar.trade_count = 4;
        rig_apply(&r, "TEST:A", &bar);
        double x = NA;
        bool has = rig_line(&r, "x", &x);
        if (has != (values[i].value > NA) || fabs(x - values[i].value) > 1e-15)
            fail_msg("%s is %.17g, expected %.17g", values[i].expr, x, values[i].value);
        rig_close(&r);
    }
}

/* ---- texts together ---- */

static void test_widths(void **state) {
    (void)state;
    const td_source_text texts[] = {
        {"a.td", TD_TEXT("strategy a on bars(1m)\n  x = close\nstrategy b on bars(5s)\n  x = close\n")},
        {"b.td", TD_TEXT("strategy c on bars(60s)\n  x = close\nstrategy d on bars(1h)\n  x = close\n")},
    };
    td_graph **graphs = NULL;
    size_t count = 0;
    td_buf errors = {0};
    assert_int_equal(td_lang_compile(texts, 2, &graphs, &count, &errors), TD_OK);
    assert_int_equal(count, 3);
    const int64_t seconds[] = {5, 60, 3600};
    const size_t line_counts[] = {1, 2, 1};
    for (size_t i = 0; i < 3; i++) {
        const td_graph_line *lines;
        assert_int_equal(td_graph_width_ns(graphs[i]), seconds[i] * TD_NS_PER_S);
        assert_int_equal(td_graph_lines(graphs[i], &lines), line_counts[i]);
        td_graph_free(graphs[i]);
    }
    free(graphs);
    assert_int_equal(errors.size, 0);
}

static void test_nesting(void **state) { /* what is too deep is an error, never a crash */
    (void)state;
    static const char *const shapes[] = {
        "(", "-", "if close > 1 then close else ", "not ", "sma(", "close + ", "close[", "since(", "max(x, n = "};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        td_buf text = {0}, errors = {0};
        td_buf_text(&text, "strategy a on bars(1m)\n  x = ");
        for (int k = 0; k < 20000; k++) td_buf_text(&text, shapes[i]);
        td_buf_text(&text, "close\n");
        td_buf_put(&text, "", 1);
        assert_null(rig_compile((const char *)text.data, &errors));
        td_buf_put(&errors, "", 1);
        assert_non_null(strstr((const char *)errors.data, "nested too deeply"));
        td_buf_fini(&errors);
        td_buf_fini(&text);
    }
}

static double value_of(const rig *r, const char *name) {
    double value = NA;
    (void)rig_line(r, name, &value);
    return value;
}

static void test_names(void **state) { /* of fns, series and fields */
    (void)state;
    rig r = rig_open("fn twice(x) = 2 * x\n"
                     "fn sma(x) = twice(x) + 1  # before the function of that name\n"
                     "fn gap(a, b) = twice(a)\n"
                     "    - b\n"
                     "series s on bars(1m)\n"
                     "  k = twice(close)\n"
                     "strategy a on bars(1m)\n"
                     "  rsi = rma(close, 1)\n"
                     "  x = sma(close)\n"
                     "  y = s.k + rsi\n"
                     "  z = gap(close, low * 3)\n"
                     "  m = donchian(1)\n"
                     "  w = m.upper - m.lower + m.middle[0]\n"
                     "  v = donchian(high, low, 1).upper - donchian(1).lower\n");
    td_bar bar = rig_bar(&r, 10000000000);
    bar.high = 12000000000;
    bar.low = 8000000000;
    rig_apply(&r, "TEST:A", &bar);
    static const struct {
        const char *line;
        double value;
    } lines[] = {{"k", 20},       {"rsi", 10},      {"x", 21}, {"y", 30}, {"z", -4},
                 {"m.upper", 12}, {"m.middle", 10}, {"w", 14}, {"v", 4}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (value_of(&r, lines[i].line) != lines[i].value)
            fail_msg("%s is %g, not %g", lines[i].line, value_of(&r, lines[i].line), lines[i].value);
    rig_close(&r);
}

static void check_fns(const char *shape, int count, const char *error) {
    td_buf text = {0}, errors = {0};
    td_buf_text(&text, "fn f0(x) = x + 1\n");
    for (int i = 1; i < count; i++) {
        td_buf_printf(&text, "fn f%d(x) = ", i);
        td_buf_printf(&text, shape, i - 1, i - 1);
        td_buf_text(&text, "\n");
    }
    td_buf_printf(&text, "strategy a on bars(1m)\n  v = f%d(close)\n", count - 1);
    td_buf_put(&text, "", 1);
    td_graph_free(rig_compile((const char *)text.data, &errors));
    td_buf_put(&errors, "", 1);
    assert_true(error != NULL ? strstr((const char *)errors.data, error) != NULL : errors.size == 1);
    td_buf_fini(&errors);
    td_buf_fini(&text);
}

static void test_fns_in_fns(void **state) { /* written out they grow without bound: an error, in time */
    (void)state;
    td_buf errors = {0};
    td_graph_free(rig_compile("fn half() = close / 2\nstrategy a on bars(1m)\n  v = half()\n", &errors));
    assert_int_equal(errors.size, 0);
    check_fns("f%d(x) + f%d(x) * 2", 10, NULL);
    check_fns("f%d(x) + f%d(x) * 2", 40, "this is too much");
    check_fns("1 - f%d(x)", 200, NULL);
    check_fns("1 - f%d(x)", 20000, "nested too deeply");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_values), cmocka_unit_test(test_widths),
        cmocka_unit_test(test_nesting),  cmocka_unit_test(test_names),  cmocka_unit_test(test_fns_in_fns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
