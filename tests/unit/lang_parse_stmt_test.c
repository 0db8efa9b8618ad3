/* tests/unit/lang_parse_stmt_test.c - goal: every construct of the grammar stands in the tree as it was written,
 * whether or not it is part of this version. Trees are written out and compared to the letter. */
#include "lang/parse.h"
#include "lang/words.h"
#include "strategy_rig.h"
#include <stdio.h>

/* ---- trees as texts ---- */

static void put_bytes(td_buf *out, td_bytes bytes) { td_buf_put(out, bytes.data, bytes.size); }

static void put_number(td_buf *out, td_value value) {
    char text[64];
    (void)snprintf(text, sizeof text, "%.9f", (double)value / 1e9);
    size_t size = strlen(text);
    while (text[size - 1] == '0') size--;
    if (text[size - 1] == '.') size--;
    td_buf_put(out, text, size);
}

static void put_expr(td_buf *out, const td_syntax *tree, uint32_t index);

static void put_children(td_buf *out, const td_syntax *tree, uint32_t first) {
    for (uint32_t i = first; i != 0; i = td_syntax_expr(tree, i)->next) {
        td_buf_text(out, i == first ? "" : " ");
        put_expr(out, tree, i);
    }
}

static void put_expr(td_buf *out, const td_syntax *tree, uint32_t index) {
    static const char *const shapes[] = {[TD_EXPR_NUMBER] = "", [TD_EXPR_DURATION] = "s", [TD_EXPR_CLOCK] = "clock",
                                         [TD_EXPR_CALL] = "(",  [TD_EXPR_OP] = "[",       [TD_EXPR_GIVEN] = "=",
                                         [TD_EXPR_IF] = "{if ", [TD_EXPR_AGO] = "{ago ",  [TD_EXPR_FIELD] = "."};
    const td_expr *e = td_syntax_expr(tree, index);
    switch ((td_expr_kind)e->kind) {
    case TD_EXPR_NUMBER:
    case TD_EXPR_DURATION:
    case TD_EXPR_CLOCK:
        put_number(out, e->number);
        td_buf_text(out, e->percent ? "%" : shapes[e->kind]);
        break;
    case TD_EXPR_STRING:
        td_buf_printf(out, "'%.*s'", (int)e->text.size, (const char *)e->text.data);
        break;
    case TD_EXPR_NAME:
    case TD_EXPR_TRUTH:
        put_bytes(out, e->text);
        break;
    case TD_EXPR_FIELD:
        put_expr(out, tree, e->first);
        td_buf_text(out, shapes[e->kind]);
        put_bytes(out, e->text);
        break;
    default:
        put_bytes(out, e->text);
        td_buf_text(out, shapes[e->kind]);
        put_children(out, tree, e->first);
        if (e->kind != TD_EXPR_GIVEN)
            td_buf_text(out, e->kind == TD_EXPR_CALL ? ")" : e->kind == TD_EXPR_OP ? "]" : "}");
    }
}

static void put_given(td_buf *out, const td_syntax *tree, const char *word, uint32_t expr) {
    if (expr == 0) return;
    td_buf_text(out, word);
    put_expr(out, tree, expr);
}

static void put_duration(td_buf *out, const char *word, int64_t ns) {
    char text[24];
    if (ns == 0) return;
    (void)td_duration_format(ns, text);
    td_buf_printf(out, "%s%s", word, text);
}

static void put_source(td_buf *out, const td_source_tree *s) {
    char width[TD_WIDTH_TEXT_MAX];
    if (!s->given) return;
    td_buf_printf(out, " on %s", td_words_source[s->kind]);
    put_duration(out, " every ", s->every_ns);
    if (s->kind != TD_SOURCE_BARS) return;
    (void)td_width_format(s->width_ns, width);
    td_buf_printf(out, " %s", width);
}

static void put_legs(td_buf *out, const td_syntax *tree, const td_stmt *s) {
    const td_leg_tree *legs = td_syntax_legs(tree, s);
    for (uint32_t i = 0; i < s->part_count; i++) {
        td_buf_printf(out, "%s%s%s", i > 0 ? ", " : "", td_words_action[legs[i].action], legs[i].all ? " all" : "");
        if (legs[i].use.size > 0) td_buf_text(out, " of ");
        put_bytes(out, legs[i].use);
        put_given(out, tree, " qty ", legs[i].qty);
    }
}

static void put_rule(td_buf *out, const td_syntax *tree, const td_rule_tree *r) {
    static const char *const levels[] = {" by ", " at ", "", " when "};
    td_buf_text(out, td_words_rule[r->kind]);
    put_given(out, tree, r->kind <= TD_RULE_TRAIL ? levels[r->level] : " ", r->expr);
    if (r->r != 0) {
        td_buf_text(out, " R ");
        put_number(out, r->r);
    }
    if (r->from_r != 0) {
        td_buf_text(out, " from R ");
        put_number(out, r->from_r);
    }
    if (r->count != 0) td_buf_printf(out, " %u", r->count);
    put_duration(out, " ", r->duration_ns);
    td_buf_text(out, r->word.size > 0 ? " " : "");
    put_bytes(out, r->word);
}

static void put_stmt(td_buf *out, const td_syntax *tree, const td_stmt *s) {
    static const char *const kinds[] = {"param", "let", "use", "", "alert", "emit", ""};
    td_buf_text(out, kinds[s->kind]);
    td_buf_text(out, s->name.size > 0 ? " " : "");
    put_bytes(out, s->name);
    if (s->kind == TD_STMT_ACTION) put_legs(out, tree, s);
    if (s->kind == TD_STMT_RULE) put_rule(out, tree, td_syntax_rule(tree, s));
    if (s->kind == TD_STMT_USE) {
        const td_use_tree *use = td_syntax_use(tree, s);
        td_buf_text(out, use->instrument.size > 0 ? " " : "");
        put_bytes(out, use->instrument);
        put_source(out, &use->source);
    }
    for (uint32_t i = 0; s->kind == TD_STMT_EMIT && i < s->part_count; i++) {
        const td_let_tree *let = &td_syntax_lets(tree, s)[i];
        td_buf_text(out, i > 0 ? ", " : " ");
        put_bytes(out, let->name);
        put_given(out, tree, "=", let->expr);
    }
    put_given(out, tree, s->kind <= TD_STMT_LET ? " = " : " when ", s->expr);
    if (s->note.size > 0) td_buf_printf(out, " '%.*s'", (int)s->note.size, (const char *)s->note.data);
}

/* Parses the text, which has one strategy. */
static td_buf parse_out(const char *text, td_buf *errors) {
    td_source_text source = {"x.td", td_text(text)};
    td_diags *diags = td_alloc_zero(1, sizeof *diags);
    td_syntax tree;
    td_buf out = {0};
    diags->texts = &source;
    td_syntax_init(&tree);
    td_parse(&tree, diags, 0);
    assert_int_equal(tree.strategies.size, sizeof(td_strategy_tree));
    const td_strategy_tree *s = (const td_strategy_tree *)(const void *)tree.strategies.data;
    put_source(&out, &s->source);
    for (uint32_t i = 0; i < s->set_count; i++) {
        td_buf_text(&out, i == 0 ? " for " : ", ");
        put_bytes(&out, ((const td_bytes *)(const void *)tree.sets.data)[s->set_first + i]);
    }
    put_given(&out, &tree, " where ", s->where);
    for (uint32_t i = 0; i < s->stmt_count; i++) {
        td_buf_text(&out, "\n");
        put_stmt(&out, &tree, td_syntax_stmt(&tree, s->stmt_first + i));
    }
    td_diag_print(diags, errors);
    td_syntax_fini(&tree);
    free(diags);
    td_buf_put(&out, "", 1);
    return out;
}

static void expect_tree(const char *text, const char *expected) {
    td_buf errors = {0}, tree = parse_out(text, &errors);
    if (errors.size > 0) fail_msg("%s\n%.*s", text, (int)errors.size, (const char *)errors.data);
    assert_string_equal((const char *)tree.data, expected);
    td_buf_fini(&tree);
}

/* ---- what is held ---- */

static void test_headers(void **state) {
    (void)state;
    static const struct {
        const char *header, *tree;
    } cases[] = {
        {"bars(1m)", " on bars 1m"},
        {"bars(1d)", " on bars 1d"},
        {"bars(24h)", " on bars 1d"},
        {"bars(100 trades)", " on bars 100 trades"},
        {"bars(5m, extended, filled)", " on bars 5m filled extended"},
        {"bars(5m, extended)", " on bars 5m extended"},
        {"trades", " on trades"},
        {"quotes every 250ms", " on quotes every 250ms"},
        {"book every 100ms for COINBASE:BTC-USD", " on book every 100ms for COINBASE:BTC-USD"},
        {"news for @lists/majors.txt, NYSE:* where ref.sector == \"tech\" and volume > 1",
         " on news for @lists/majors.txt, NYSE:* where and[==[ref.sector 'tech'] >[volume 1]]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], tree[256];
        (void)snprintf(text, sizeof text, "strategy a on %s\n  x = 1\n", cases[i].header);
        (void)snprintf(tree, sizeof tree, "%s\nlet x = 1", cases[i].tree);
        expect_tree(text, tree);
    }
}

static void test_lines(void **state) {
    (void)state;
    static const struct {
        const char *line, *tree;
    } cases[] = {
        {"param range = 15m in 5m..60m step 5m", "param range = 900s"},
        {"param k = -2%", "param k = -0.02%"},
        {"param close_at = 15:45 in 15:00..16:00 step 5m", "param close_at = 56700clock"},
        {"param word = \"up\"", "param word = 'up'"},
        {"param calm = true", "param calm = true"},
        {"use pep = NASDAQ:PEP", "use pep NASDAQ:PEP"},
        {"use hour = bars(1h)", "use hour on bars 1h"},
        {"use eth=COINBASE:ETH-USD trades every 1s", "use eth COINBASE:ETH-USD on trades every 1s"},
        {"x = max(high, session, where = session.elapsed <= range)",
         "let x = max(high session where=<=[session.elapsed range])"},
        {"x = asof(quote, wait = 250ms).bid", "let x = asof(quote wait=0.25s).bid"},
        {"x = sum(volume, since(crossover(close, vwap)))", "let x = sum(volume since(crossover(close vwap)))"},
        {"c = news.headline has \"offering\" or time >= 09:45",
         "let c = or[has[news.headline 'offering'] >=[time 35100clock]]"},
        {"c = symbol in majors", "let c = in[symbol majors]"},
        {"c = if true then na else -15m", "let c = {if true na -[900s]}"},
        {"x = pep.close[1]", "let x = {ago pep.close 1}"},
        {"short, buy pep qty b when z > 2 note \"apart\"", "short, buy of pep qty b when >[z 2] 'apart'"},
        {"buy qty 2 * n, short pep qty 3, cover eth when up",
         "buy qty *[2 n], short of pep qty 3, cover of eth when up"},
        {"exit all when c", "exit all when c"},
        {"exit pep when c", "exit of pep when c"},
        {"alert \"{symbol} fell to {close}\" when c", "alert when c '{symbol} fell to {close}'"},
        {"emit spread_of { value = a - b, when_ = time }", "emit spread_of value=-[a b], when_=time"},
        {"emit v { x = close } when c", "emit v x=close when c"},
        {"stop 2%", "stop by 0.02%"},
        {"stop 5 * tick", "stop by *[5 tick]"},
        {"stop at (hi + lo) / 2", "stop at /[+[hi lo] 2]"},
        {"stop when abs(z) > 4", "stop when >[abs(z) 4]"},
        {"target 2R", "target R 2"},
        {"trail 3% from 1.5R", "trail by 0.03% from R 1.5"},
        {"trail 0.5R from 1R", "trail R 0.5 from R 1"},
        {"cooldown 2s", "cooldown 2s"},
        {"cooldown 10m after stop", "cooldown 10m stop"},
        {"at most 1 per session", "at 1 session"},
        {"at most 3 per 1h", "at 3 1h"},
        {"flat at session.close - 5m", "flat -[session.close 300s]"},
        {"flat at 15:55", "flat 57300clock"},
        {"fill next", "fill next"},
        {"fill touch after 5ms", "fill 5ms touch"},
        {"incomplete allow", "incomplete allow"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256], tree[256];
        (void)snprintf(text, sizeof text, "strategy a on trades\n  %s\n", cases[i].line);
        (void)snprintf(tree, sizeof tree, " on trades\n%s", cases[i].tree);
        expect_tree(text, tree);
    }
}

static const struct {
    const char *text, *errors;
} mistakes[] = {
    /* clang-format off */
    {"strategy a on bars(1m)\n"
     "  buy when close = 1\n"
     "  buy if close > 1\n",
     "x.td:2:18: expected an operator or the end of the line, found '='; did you mean '=='?\n"
     "      buy when close = 1\n"
     "                     ^\n"
     "x.td:3:7: expected 'when', found 'if'\n"
     "      buy if close > 1\n"
     "          ^\n"},
    {"strategy a on bars(1.5 trades)\n"
     "  x = close\n"
     "strategy b on bars(1m, fild)\n"
     "  x = close\n"
     "strategy c on trades every 0s for @ where x\n"
     "  x = price\n"
     "strategy d on bars(1m) for @ where x\n"
     "  x = close\n",
     "x.td:1:20: expected a whole number of trades from 1 to 1000000000, found '1.5'\n"
     "    strategy a on bars(1.5 trades)\n"
     "                       ^\n"
     "x.td:3:24: expected 'filled' or 'extended', found 'fild'; did you mean 'filled'?\n"
     "    strategy b on bars(1m, fild)\n"
     "                           ^\n"
     "x.td:5:28: a duration must be above 0\n"
     "    strategy c on trades every 0s for @ where x\n"
     "                               ^\n"
     "x.td:7:28: '@' stands before the name of a file, as in @lists/majors.txt\n"
     "    strategy d on bars(1m) for @ where x\n"
     "                               ^\n"},
    {"strategy a on bars(1m)\n"
     "  use p =\n"
     "  use p = NASDAQ:*\n"
     "  use p = bar(1h)\n"
     "  short, by pep when close > 1\n"
     "  alert close when close > 1\n"
     "  emit v { x }\n"
     "  emit v { x = 1\n"
     "  exit al when close > 1\n",
     "x.td:2:10: expected an instrument, VENUE:SYMBOL, or a source such as bars(1h), found the end of the line\n"
     "      use p =\n"
     "             ^\n"
     "x.td:3:11: expected one instrument, VENUE:SYMBOL, found 'NASDAQ:*'\n"
     "      use p = NASDAQ:*\n"
     "              ^\n"
     "x.td:4:11: expected a source: bars, trades, quotes, book or news, found 'bar'; did you mean 'bars'?\n"
     "      use p = bar(1h)\n"
     "              ^\n"
     "x.td:5:10: expected an action such as buy, found 'by'; did you mean 'buy'?\n"
     "      short, by pep when close > 1\n"
     "             ^\n"
     "x.td:6:9: expected a text in quotes, found 'close'\n"
     "      alert close when close > 1\n"
     "            ^\n"
     "x.td:7:14: expected '=', found '}'\n"
     "      emit v { x }\n"
     "                 ^\n"
     "x.td:8:17: expected '}', found the end of the line\n"
     "      emit v { x = 1\n"
     "                    ^\n"
     "x.td:9:8: 'al' names no instrument: say 'use al = VENUE:SYMBOL' above, or 'when' and a condition\n"
     "      exit al when close > 1\n"
     "           ^\n"},
    {"strategy a on bars(1m)\n"
     "  stop\n"
     "  target 0R\n"
     "  target 2R from 3\n"
     "  target 2 R\n"
     "  cooldown 5\n"
     "  cooldown 5s after stp\n"
     "  at most 1.5 per session\n"
     "  at most 1 per sesion\n"
     "  flat 15:55\n"
     "  fill now\n"
     "  incomplete maybe\n"
     "  stap 2%\n",
     "x.td:2:7: expected a number, a name or '(', found the end of the line\n"
     "      stop\n"
     "          ^\n"
     "x.td:3:10: expected a multiple above 0, such as 2R, found '0R'\n"
     "      target 0R\n"
     "             ^\n"
     "x.td:4:18: expected a multiple of the stop's distance, such as 2R, found '3'\n"
     "      target 2R from 3\n"
     "                     ^\n"
     "x.td:5:12: a multiple of the stop's distance is one word: write 2R, without the blank\n"
     "      target 2 R\n"
     "               ^\n"
     "x.td:6:12: expected a duration, such as 10s or 5m, found '5'\n"
     "      cooldown 5\n"
     "               ^\n"
     "x.td:7:21: expected 'stop', 'target' or 'exit', found 'stp'; did you mean 'stop'?\n"
     "      cooldown 5s after stp\n"
     "                        ^\n"
     "x.td:8:11: expected a whole number from 1 to 1000000\n"
     "      at most 1.5 per session\n"
     "              ^\n"
     "x.td:9:17: expected 'session' or a duration, such as 1h, found 'sesion'; did you mean 'session'?\n"
     "      at most 1 per sesion\n"
     "                    ^\n"
     "x.td:10:8: expected 'at', found '15:55'\n"
     "      flat 15:55\n"
     "           ^\n"
     "x.td:11:8: expected 'next', 'open' or 'touch', found 'now'\n"
     "      fill now\n"
     "           ^\n"
     "x.td:12:14: expected 'withhold' or 'allow', found 'maybe'\n"
     "      incomplete maybe\n"
     "                 ^\n"
     "x.td:13:3: expected 'param', NAME = value, or an action such as buy, found 'stap'; did you mean 'stop'?\n"
     "      stap 2%\n"
     "      ^\n"},
    {"strategy a on bars(1m)\n"
     "  param n = 5m in 1..9\n"
     "  param w = \"a\" in \"a\"..\"b\"\n"
     "  param t = 10:00 in 09:00..11:00 step 1\n"
     "  x = sma(close, n = 5, 6)\n"
     "  y = close > 25:00\n",
     "x.td:2:19: the range and the param's value are of two kinds\n"
     "      param n = 5m in 1..9\n"
     "                      ^\n"
     "x.td:3:13: a range is of numbers, durations or clock times\n"
     "      param w = \"a\" in \"a\"..\"b\"\n"
     "                ^\n"
     "x.td:4:40: the step and the param's value are of two kinds\n"
     "      param t = 10:00 in 09:00..11:00 step 1\n"
     "                                           ^\n"
     "x.td:5:25: arguments with a name stand behind those without\n"
     "      x = sma(close, n = 5, 6)\n"
     "                            ^\n"
     "x.td:6:15: '25:00' is not a time of a day, from 00:00 to 24:00\n"
     "      y = close > 25:00\n"
     "                  ^\n"},
    /* clang-format on */
};

static void test_mistakes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        td_buf errors = {0};
        assert_null(rig_compile(mistakes[i].text, &errors));
        td_buf_put(&errors, "", 1);
        assert_string_equal((const char *)errors.data, mistakes[i].errors);
        td_buf_fini(&errors);
    }
}

static void test_cuts(void **state) { /* a text cut or changed anywhere is an error or not: never worse */
    (void)state;
    static const char whole[] =
        "strategy a on bars(2m, filled, extended) for @l, Y:* where x has \"y\"\n  param n = 5m in 1m..9m step 2m\n"
        "  use p = V:X quotes every 1s\n  x = max(high, since(close > 09:45), where = na)[1]\n"
        "  short, buy p qty x when p.age < 1h note \"n\"\n  exit all when true\n  alert \"{x}\" when not false\n"
        "  emit v {a = 1, b = p.bid} when x in n\n  stop 2R from 1R\n  cooldown 2s after stop\n"
        "  at most 2 per 1h\n  flat at 15:55\n  fill touch after 5ms\n  incomplete allow\n";
    static const char bytes[] = "\0\n\"(#.9x,R\x80";
    for (size_t i = 0; i < sizeof whole - 1; i++)
        for (size_t k = 0; k < sizeof bytes - 1; k++) {
            char text[sizeof whole];
            td_buf errors = {0};
            memcpy(text, whole, sizeof whole);
            text[i] = bytes[k];
            td_graph_free(rig_compile(text, &errors));
            td_buf_fini(&errors);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
