/* tests/unit/stream_term_test.c - goal: what a condition is made of is told in the words of its text, with the values
 * that the graph computed; and for how long a value is not there yet is known beforehand. */
#include "lang/function.h"
#include "strategy_rig.h"
#include "stream/sum.h"
#include "stream/term.h"
#include <stdio.h>

/* ---- conditions in their own words; each bar has close 10, 11, 12, … and open 10 ---- */

static const struct {
    const char *text;  /* behind the head */
    const char *terms; /* of the first action on the third bar: text=value, indented by depth */
} conditions[] = {
    {"  buy when close > 11.5\n", "close > 11.5=1|.close=12|.11.5=11.5|"},
    {"  buy when (close - open) * 2 == 4 and not open<1\n",
     "(close - open) * 2 == 4 and not open<1=1|.(close - open) * 2 == 4=1|..(close - open) * 2=4|...(close - open)=2|"
     "....close=12|....open=10|...2=2|..4=4|.not open<1=1|..open<1=0|...open=10|...1=1|"},
    {"  param n = 2 in 1..9\n  f = sma(close, n)\n  buy when f[1] < f\n",
     "f[1] < f=1|.f[1]=10.5|..f=11.5>sma(close, n)|..1=1|.f=11.5>sma(close, n)|"},
    {"  m = bbands(close, 2)\n  sell when m.upper > 1\n", "m.upper > 1=1|.m.upper=12.5>bbands(close, 2)|.1=1|"},
    {"  buy when up(close, 2)\n", "up(close, 2)=1|.close=12|.2=2|.x > sma(x, n)=1|..x=12>close|..sma(x, n)=11.5|"
                                  "...x=12>close|...n=2>2|"},
    {"  buy when natr(2) > 0\n", "natr(2) > 0=1|.natr(2)=8.33333|..2=2|.0=0|"},
    {"  buy when close\n    > 11 # why\n", "close\n    > 11=1|.close=12|.11=11|"},
};

static void put_value(td_buf *out, const rig *r, const td_term *t) {
    bool node = t->node != TD_GRAPH_NOTHING;
    td_value v = node ? td_graph_value(r->graph, r->state, t->node) : t->constant;
    if (td_value_is_na(v)) return;
    double x = t->type == TD_TYPE_CONDITION ? (double)v
               : t->type == TD_TYPE_REAL    ? td_value_to_real(v)
                                            : td_ratio(v, TD_VALUE_ONE);
    td_buf_printf(out, "=%.6g", x);
}

static void put_words(td_buf *out, td_bytes text, const td_term *t) {
    td_buf_printf(out, "%.*s", (int)(t->end - t->begin), (const char *)text.data + t->begin);
}

static void put_term(td_buf *out, const rig *r, uint32_t term, int depth) {
    const td_term *terms = td_graph_terms(r->graph), *t = &terms[term];
    td_bytes text = td_graph_text(r->graph, 0);
    for (int i = 0; i < depth; i++) td_buf_text(out, ".");
    put_words(out, text, t);
    put_value(out, r, t);
    if (t->means != TD_GRAPH_NOTHING) {
        td_buf_text(out, ">");
        put_words(out, text, &terms[t->means]);
    }
    td_buf_text(out, "|");
    for (uint32_t i = term + 1; i < t->after; i = terms[i].after) put_term(out, r, i, depth + 1);
}

static void run_bars(rig *r, int count) {
    for (int i = 0; i < count; i++) {
        td_bar bar = rig_bar(r, (10 + i) * TD_VALUE_ONE);
        bar.open = 10 * TD_VALUE_ONE;
        rig_apply(r, "TEST:A", &bar);
    }
}

static void test_words(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        td_buf text = {0}, got = {0};
        td_buf_printf(&text, "fn up(x, n) = x > sma(x, n)\nstrategy a on bars(1m)\n%s", conditions[i].text);
        td_buf_put(&text, "", 1);
        rig r = rig_open((const char *)text.data);
        td_graph_act_view action;
        run_bars(&r, 3);
        assert_true(td_graph_action_at(r.graph, 0, 0, &action));
        assert_false(td_graph_action_at(r.graph, 0, 1, &action));
        put_term(&got, &r, action.condition, 0);
        if (!td_bytes_equal(td_buf_bytes(&got), td_text(conditions[i].terms)))
            fail_msg("%s\n got %.*s\nwant %s", conditions[i].text, (int)got.size, (const char *)got.data,
                     conditions[i].terms);
        td_buf_fini(&got);
        td_buf_fini(&text);
        rig_close(&r);
    }
}

/* Two strategies of one file, one of another graph: each has the places of its own text. */
static void test_texts(void **state) {
    (void)state;
    const char *text = "strategy a on bars(1m)\n  buy when close > 1\nstrategy b on bars(1m)\n  param k = 2\n"
                       "  sell when close > k note \"b\"\n";
    rig r = rig_open(text);
    const td_term *terms = td_graph_terms(r.graph);
    const td_graph_param *params;
    td_graph_act_view action;
    assert_true(td_bytes_equal(td_graph_text(r.graph, 0), td_text(text)));
    assert_ptr_equal(td_graph_text(r.graph, 0).data, td_graph_text(r.graph, 1).data);
    assert_true(td_graph_action_at(r.graph, 1, 0, &action));
    assert_true(td_bytes_equal(action.note, TD_TEXT("b")) && action.action == TD_ACTION_SELL);
    assert_int_equal(memcmp(text + terms[action.condition].begin, "close > k", 9), 0);
    assert_int_equal(td_graph_params(r.graph, &params), 1);
    assert_true(td_bytes_equal(params[0].name, TD_TEXT("k")) && params[0].owner == 1);
    assert_true(params[0].value == 2 * TD_VALUE_ONE);
    rig_close(&r);
}

/* ---- warm-up: of every function's example the first value comes when it was said to come ---- */

/* Lines, by the bar (from 0) that first gave them a value. */
static void check_lines(const char *example, rig *r) {
    enum { BARS = 400 };
    const td_graph_line *lines;
    size_t count = td_graph_lines(r->graph, &lines);
    for (int bar = 0; bar < BARS; bar++) {
        td_bar b = rig_bar(r, (1000 + bar * 7919 % 97) * TD_VALUE_ONE);
        b.high += (1 + bar % 5) * TD_VALUE_ONE;
        b.low -= (1 + bar % 3) * TD_VALUE_ONE;
        b.volume += bar * bar % 11 * INT64_C(100000000);
        b.open -= bar % 2 * TD_VALUE_ONE;
        rig_apply(r, "TEST:A", &b);
        for (size_t i = 0; i < count; i++) {
            double x;
            uint32_t warmup = td_graph_warmup(r->graph, lines[i].node);
            bool known = td_graph_line_value(r->graph, r->state, i, &x);
            if (known && td_graph_seen(r->state) <= warmup)
                fail_msg("%s has a value on bar %d, said to come after %u", example, bar, warmup);
            if (!known && bar + 1 == BARS) fail_msg("%s never has a value", example);
        }
    }
}

static void test_warmup(void **state) {
    (void)state;
    size_t checked = 0;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        const char *warmup = f->parts[0].name != NULL ? f->parts[td_function_part_count(f) - 1].warmup : f->warmup;
        if (f->group == NULL || warmup == NULL) continue;
        td_buf text = {0};
        td_buf_printf(&text, "strategy a on bars(1m)\n  x = %s\n", f->example);
        td_buf_put(&text, "", 1);
        rig r = rig_open((const char *)text.data);
        check_lines(f->example, &r);
        rig_close(&r);
        td_buf_fini(&text);
        checked++;
    }
    assert_true(checked > 60);
}

static const struct {
    const char *expr;
    uint32_t warmup;
} warmups[] = {
    {"close", 0},
    {"sma(close, 20)", 19},
    {"close[3]", 3},
    {"ema(close, 5)[2]", 6},
    {"nz(sma(close, 9), close)", 0},
    {"max(sma(close, 5), 3) + open[1]", 6},
    {"rsi(close, 14)", 14},
    {"macd(close).signal", 33},
    {"sar()", 1},
};

static void test_exact_warmup(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof warmups / sizeof warmups[0]; i++) {
        td_buf text = {0};
        const td_graph_line *lines;
        td_buf_printf(&text, "strategy a on bars(1m)\n  x = %s\n", warmups[i].expr);
        td_buf_put(&text, "", 1);
        rig r = rig_open((const char *)text.data);
        assert_int_equal(td_graph_lines(r.graph, &lines), 1);
        uint32_t got = td_graph_warmup(r.graph, lines[0].node);
        if (got != warmups[i].warmup) fail_msg("%s: %u, expected %u", warmups[i].expr, got, warmups[i].warmup);
        rig_close(&r);
        td_buf_fini(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_warmup),
        cmocka_unit_test(test_exact_warmup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
