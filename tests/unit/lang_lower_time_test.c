/* tests/unit/lang_lower_time_test.c - goal: what is wrong with times, durations and windows by time is said at its
 * place. Messages are compared to the letter. */
#include "strategy_rig.h"
#include "stream/term.h"
#include <stdio.h>

static const struct {
    const char *text, *errors;
} cases[] = {
    /* clang-format off */
    {"strategy a on bars(1m)\n"
     "  x = max(high, sesion)\n"
     "  y = max(high, session, were = close > open)\n",
     "x.td:2:17: unknown name 'sesion'; did you mean 'session'?\n"
     "      x = max(high, sesion)\n"
     "                    ^\n"
     "x.td:3:26: max has no argument 'were'; did you mean 'where'?\n"
     "      y = max(high, session, were = close > open)\n"
     "                             ^\n"},
    {"strategy a on bars(1m)\n"
     "  x = close + 5m\n"
     "  y = time + time\n"
     "  z = 2 * 5m\n"
     "  w = time < 5m\n"
     "  v = sma(time, 5)\n"
     "  u = not 5m\n"
     "  t = if close > 1 then 5m else time\n"
     "  s = time.open\n"
     "  r = -time\n",
     "x.td:2:7: a number and a duration do not go with '+'\n"
     "      x = close + 5m\n"
     "          ^\n"
     "x.td:3:7: a time and a time do not go with '+'\n"
     "      y = time + time\n"
     "          ^\n"
     "x.td:4:7: a number and a duration do not go with '*'\n"
     "      z = 2 * 5m\n"
     "          ^\n"
     "x.td:5:7: a time and a duration do not go with '<'\n"
     "      w = time < 5m\n"
     "          ^\n"
     "x.td:6:11: expected a number, found a time\n"
     "      v = sma(time, 5)\n"
     "              ^\n"
     "x.td:7:11: expected a condition, found a duration\n"
     "      u = not 5m\n"
     "              ^\n"
     "x.td:8:33: expected a duration like the other value, found a time\n"
     "      t = if close > 1 then 5m else time\n"
     "                                    ^\n"
     "x.td:9:7: 'time' is one value and has no fields\n"
     "      s = time.open\n"
     "          ^\n"
     "x.td:10:8: expected a number, found a time\n"
     "      r = -time\n"
     "           ^\n"},
    {"fn top(w) = max(high, w) + w\n"
     "strategy a on bars(1m)\n"
     "  x = session\n"
     "  y = session.begin > 5m\n"
     "  z = since(close > 1)\n"
     "  w = sum(close, since(close))\n"
     "  v = sum(close, since(close > 1, open > 1))\n"
     "  u = top(session)\n"
     "  t = ema(close, session)\n"
     "  s = ema(close, 5, where = close > 1)\n"
     "  r = top(w = session)\n",
     "x.td:1:28: 'w' is a window, not a value\n"
     "    fn top(w) = max(high, w) + w\n"
     "                               ^\n"
     "x.td:3:7: 'session' is a window, as in max(high, session); it has .open, .close, .elapsed, .left and .day\n"
     "      x = session\n"
     "          ^\n"
     "x.td:4:7: 'session' is a window, as in max(high, session); it has .open, .close, .elapsed, .left and .day\n"
     "      y = session.begin > 5m\n"
     "          ^\n"
     "x.td:5:7: 'since' is a window: the last argument of a function such as sum\n"
     "      z = since(close > 1)\n"
     "          ^\n"
     "x.td:6:24: expected a condition, found a number\n"
     "      w = sum(close, since(close))\n"
     "                           ^\n"
     "x.td:7:18: since(condition) takes 1 argument\n"
     "      v = sum(close, since(close > 1, open > 1))\n"
     "                     ^\n"
     "x.td:9:18: 'session' is a window, as in max(high, session); it has .open, .close, .elapsed, .left and .day\n"
     "      t = ema(close, session)\n"
     "                     ^\n"
     "x.td:10:21: ema has no argument 'where'\n"
     "      s = ema(close, 5, where = close > 1)\n"
     "                        ^\n"
     "x.td:11:7: top takes 1 arguments, found 0\n"
     "      r = top(w = session)\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  param long = 2h\n"
     "  x = sum(close, long * 2)\n"
     "  y = sum(close, 0s)\n"
     "  z = sum(close, 1m - 2m)\n"
     "  w = sum(close, session.elapsed)\n"
     "  v = sum(close, 365d)\n"
     "  u = median(close, since(close > 1))\n"
     "  t = rank(close, since(close > 1))\n"
     "  s = sma(close, n = 5, n = 6)\n"
     "  r = sma(close, 5, n = 6)\n"
     "  q = sma(close, 5, m = 6)\n"
     "  p = sma(close, where = close > 1)\n"
     "  o = sum(close, 5m, where = close)\n",
     "x.td:3:18: a duration and a number do not go with '*'\n"
     "      x = sum(close, long * 2)\n"
     "                     ^\n"
     "x.td:4:18: the window of sum must be constant and above 0: a duration, or made of durations and params\n"
     "      y = sum(close, 0s)\n"
     "                     ^\n"
     "x.td:5:18: the window of sum must be constant and above 0: a duration, or made of durations and params\n"
     "      z = sum(close, 1m - 2m)\n"
     "                     ^\n"
     "x.td:6:18: the window of sum must be constant and above 0: a duration, or made of durations and params\n"
     "      w = sum(close, session.elapsed)\n"
     "                     ^\n"
     "x.td:7:7: this window of sum may hold more than 100000 bars: take a shorter one, or wider bars\n"
     "      v = sum(close, 365d)\n"
     "          ^\n"
     "x.td:8:7: median has to keep its values, and since(\342\200\246) may never end: give it a duration\n"
     "      u = median(close, since(close > 1))\n"
     "          ^\n"
     "x.td:9:7: rank has to keep its values, and since(\342\200\246) may never end: give it a duration\n"
     "      t = rank(close, since(close > 1))\n"
     "          ^\n"
     "x.td:10:25: 'n' of sma is given twice\n"
     "      s = sma(close, n = 5, n = 6)\n"
     "                            ^\n"
     "x.td:11:21: 'n' of sma is given twice\n"
     "      r = sma(close, 5, n = 6)\n"
     "                        ^\n"
     "x.td:12:21: sma has no argument 'm'\n"
     "      q = sma(close, 5, m = 6)\n"
     "                        ^\n"
     "x.td:13:7: sma(x, n) takes 2 arguments, found 1\n"
     "      p = sma(close, where = close > 1)\n"
     "          ^\n"
     "x.td:14:30: expected a condition, found a number\n"
     "      o = sum(close, 5m, where = close)\n"
     "                                 ^\n"},
    /* clang-format on */
};

static void test_messages(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) rig_refuses(cases[i].text, cases[i].errors);
}

static void test_room(void **state) { /* a window takes what its width needs, and no more */
    (void)state;
    static const struct {
        const char *value;
        size_t most_bytes;
    } rooms[] = {
        {"sum(close, session)", 600},         {"max(close, since(close > 1))", 600}, {"var(close, session)", 3000},
        {"sum(close, 1h)", 61 * 48 + 700},    {"max(close, 1h)", 61 * 48 + 700},     {"last(close, 24h)", 700},
        {"median(close, 1h)", 61 * 80 + 700},
    };
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        td_buf text = {0}, errors = {0};
        td_buf_printf(&text, "strategy a on bars(1m)\n  x = %s\n", rooms[i].value);
        td_buf_put(&text, "", 1);
        td_graph *graph = rig_compile((const char *)text.data, &errors);
        assert_non_null(graph);
        if (td_graph_state_bytes(graph) > rooms[i].most_bytes)
            fail_msg("%s takes %zu bytes", rooms[i].value, td_graph_state_bytes(graph));
        td_graph_free(graph);
        td_buf_fini(&text);
    }
}

static void windows_have_a_value_behind_their_warmup(void **state) {
    (void)state;
    static const char *const windows[] = {"avg(close, 5m)", "max(high, 270s)", "sum(volume, 30s)",
                                          "avg(close, 4, where = close > 0)", "sma(avg(close, 3m), 3)"};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        char text[128];
        double value;
        (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  x = %s\n  buy when x > 0\n", windows[i]);
        rig r = rig_open(text);
        uint32_t warmup = td_graph_strategy_warmup(r.graph, 0), bars = 0;
        do rig_price(&r, 1000);
        while (++bars < 20 && !rig_line(&r, "x", &value));
        if (bars != warmup + 1) fail_msg("%s: warm-up %u, a value with bar %u", windows[i], warmup, bars);
        rig_close(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_room),
        cmocka_unit_test(windows_have_a_value_behind_their_warmup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
