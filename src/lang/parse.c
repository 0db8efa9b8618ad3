/* src/lang/parse.c - strategies, series and fns: what begins at the start of a line. What stands below it is in
 * parse_stmt.c, expressions in parse_expr.c. */
#include "lang/parse.h"
#include "lang/parser.h"
#include "lang/words.h"
#include "model/instrument.h"
#include <stdarg.h>
#include <stdio.h>

void td_syntax_init(td_syntax *tree) {
    *tree = (td_syntax){0};
    td_expr bad = {.kind = TD_EXPR_BAD, .depth = 1};
    td_buf_put(&tree->exprs, &bad, sizeof bad);
}

void td_syntax_fini(td_syntax *tree) {
    td_buf_fini(&tree->rules);
    td_buf_fini(&tree->lets);
    td_buf_fini(&tree->legs);
    td_buf_fini(&tree->uses);
    td_buf_fini(&tree->params);
    td_buf_fini(&tree->fns);
    td_buf_fini(&tree->strategies);
    td_buf_fini(&tree->sets);
    td_buf_fini(&tree->stmts);
    td_buf_fini(&tree->exprs);
}

/* ---- moving on, and saying what is wrong ---- */

void td_parser_advance(td_parser *p) {
    p->end = p->lexer.word_end;
    p->token = td_lex_next(&p->lexer);
    if (p->token.kind == TD_TOKEN_BAD) td_parser_fail(p, p->token, "%s", p->token.problem);
}

bool td_parser_accept(td_parser *p, const char *text) {
    if (!td_token_is(p->token, text)) return false;
    td_parser_advance(p);
    return true;
}

bool td_parser_at_end(const td_parser *p) { return p->token.kind == TD_TOKEN_LINE || p->token.kind == TD_TOKEN_END; }

static void skip_statement(td_parser *p) {
    while (!td_parser_at_end(p)) p->token = td_lex_next(&p->lexer);
}

void td_parser_fail(td_parser *p, td_token where, const char *fmt, ...) {
    if (!p->failed) {
        char message[TD_DIAG_BYTES_MAX];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(message, sizeof message, fmt, args);
        va_end(args);
        td_diag_add(p->diags, p->file, where.offset, "%s", message);
    }
    p->failed = true;
    skip_statement(p);
}

void td_parser_fail_expected(td_parser *p, td_token token, const char *what, const char *const *words) {
    const char *near = words != NULL && token.kind == TD_TOKEN_NAME ? td_word_nearest(words, token.text) : NULL;
    const char *guess[3] = {near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : ""};
    if (token.kind == TD_TOKEN_END || token.kind == TD_TOKEN_LINE) {
        token.offset = p->lexer.word_end; /* the error is of the line that lacks something, behind its last word */
        td_parser_fail(p, token, "expected %s, found the end of the line", what);
    } else {
        td_parser_fail(p, token, "expected %s, found '%.*s'%s%s%s", what, TD_WORD(token.text), guess[0], guess[1],
                       guess[2]);
    }
}

void td_parser_expect(td_parser *p, const char *text) {
    if (td_parser_accept(p, text)) return;
    char what[16];
    (void)snprintf(what, sizeof what, "'%s'", text);
    td_parser_fail_expected(p, p->token, what, (const char *const[]){text, NULL});
}

void td_parser_expect_end(td_parser *p) {
    static const char *const words[] = {"and", "or",   "note", "when", "step",  "for",
                                        "in",  "else", "then", "from", "after", NULL};
    if (td_token_is(p->token, "="))
        td_parser_fail(p, p->token, "expected an operator or the end of the line, found '='; did you mean '=='?");
    else if (!td_parser_at_end(p))
        td_parser_fail_expected(p, p->token, "an operator or the end of the line", words);
}

td_bytes td_parser_new_name(td_parser *p, td_token token, const char *what) {
    if (token.kind != TD_TOKEN_NAME)
        td_parser_fail_expected(p, token, what, NULL);
    else if (td_word_is_reserved(token.text))
        td_parser_fail(p, token, "'%.*s' is a word of the language: choose another name", TD_WORD(token.text));
    else if (token.text.size > TD_NAME_BYTES_MAX)
        td_parser_fail(p, token, "a name has at most %d characters", TD_NAME_BYTES_MAX);
    return p->failed ? (td_bytes){0} : token.text;
}

td_bytes td_parse_new_name(td_parser *p, const char *what) {
    td_bytes name = td_parser_new_name(p, p->token, what);
    if (!p->failed) td_parser_advance(p);
    return name;
}

/* ---- what they run on ---- */

/* INT "trades" | NUM "volume" */
static void parse_count(td_parser *p, td_source_tree *s, td_token width) {
    td_value amount = td_parse_literal(p).number;
    bool trades = td_token_is(p->token, "trades");
    td_value unit = trades ? TD_VALUE_ONE : TD_VALUE_ONE / TD_WIDTH_UNIT;
    int64_t most = trades ? TD_WIDTH_TRADES_MAX : TD_WIDTH_VOLUME_MAX;
    if (p->failed) return;
    if (!trades && !td_token_is(p->token, "volume"))
        td_parser_fail(p, width, "expected a width with its unit, such as 1m, 100 trades or 5000 volume, found '%.*s'",
                       TD_WORD(width.text));
    else if (amount <= 0 || amount % unit != 0 || amount / unit > most)
        td_parser_fail(p, width, "expected %s, found '%.*s'",
                       trades ? "a whole number of trades from 1 to 1000000000"
                              : "a volume above 0, with at most 8 decimals, up to 70000000000",
                       TD_WORD(width.text));
    else
        s->width_ns = (trades ? TD_WIDTH_TRADES : TD_WIDTH_VOLUME) + (int64_t)(amount / unit);
}

/* DUR | INT "trades" | NUM "volume" */
static void parse_width(td_parser *p, td_source_tree *s) {
    td_token width = p->token;
    s->width_offset = width.offset;
    if (width.kind == TD_TOKEN_NUMBER) {
        parse_count(p, s, width);
    } else if (width.kind != TD_TOKEN_UNIT) {
        td_parser_fail_expected(p, width, "a width, such as 1m", NULL);
    } else if (td_width_parse(width.text, &s->width_ns) != TD_OK) {
        td_parser_fail(p, width, "expected a width, such as 500ms, 5s, 1m or 4h, found '%.*s'", TD_WORD(width.text));
    }
    if (!p->failed) td_parser_advance(p);
}

static void parse_kind(td_parser *p, td_source_tree *s) {
    static const char *const words[] = {"filled", "extended", NULL};
    static const int64_t kinds[] = {TD_WIDTH_FILLED, TD_WIDTH_EXTENDED};
    int word = td_word_find(words, p->token.text);
    if (word < 0) td_parser_fail_expected(p, p->token, "'filled' or 'extended'", words);
    if (p->failed) return;
    bool said = word == 0 ? td_width_is_filled(s->width_ns) : td_width_is_extended(s->width_ns);
    if (said)
        td_parser_fail(p, p->token, "'%s' is said twice", words[word]);
    else if (!td_width_is_timed(s->width_ns) && word == 0)
        td_parser_fail(p, p->token, "'filled' is of bars by time: one by count ends with a trade, so none is empty");
    else if (!td_width_is_timed(s->width_ns))
        td_parser_fail(p, p->token, "'extended' is of bars by time: for bars by count of all hours set 'hours: all'");
    else
        s->width_ns += kinds[word];
    td_parser_advance(p);
}

/* "bars" "(" width {"," ("filled"|"extended")} ")" */
static void parse_bars(td_parser *p, td_source_tree *s) {
    td_parser_expect(p, "(");
    if (!p->failed) parse_width(p, s);
    while (!p->failed && td_parser_accept(p, ",")) parse_kind(p, s);
    td_parser_expect(p, ")");
    if (td_token_is(p->token, "every"))
        td_parser_fail(p, p->token, "bars come once per width: 'every' is for trades, quotes, book and news");
}

void td_parse_source(td_parser *p, td_source_tree *s) {
    int kind = p->token.kind == TD_TOKEN_NAME ? td_word_find(td_words_source, p->token.text) : -1;
    if (kind < 0) td_parser_fail_expected(p, p->token, "a source: bars, trades, quotes, book or news", td_words_source);
    if (p->failed) return;
    s->given = true;
    s->kind = (uint8_t)kind;
    s->offset = p->token.offset;
    td_parser_advance(p);
    if (kind == TD_SOURCE_BARS) {
        parse_bars(p, s);
    } else if (td_token_is(p->token, "every")) {
        s->every_offset = p->token.offset;
        td_parser_advance(p);
        s->every_ns = td_parse_duration(p);
    }
}

static void check_set_item(td_parser *p, td_token item) {
    static const char *const expected = "expected VENUE:SYMBOL, VENUE:* or @FILE, found";
    const uint8_t *star = item.text.size > 0 ? memchr(item.text.data, '*', item.text.size) : NULL;
    const uint8_t *end = item.text.data + item.text.size;
    if (item.text.size == 0)
        td_parser_fail(p, item, "%s nothing", expected);
    else if (item.text.data[0] == '@' && item.text.size == 1)
        td_parser_fail(p, item, "'@' stands before the name of a file, as in @lists/majors.txt");
    else if (item.text.data[0] != '@' &&
             (!td_instrument_name_valid(item.text) || (star != NULL && (star + 1 != end || star[-1] != ':'))))
        td_parser_fail(p, item, "%s '%.*s'", expected, TD_WORD(item.text));
}

/* item {"," item} ["where" expr]; the token to look at is "for" or ",": the lexer stands right behind it. */
static void parse_set(td_parser *p, td_strategy_tree *s) {
    do {
        td_token item = td_lex_set_item(&p->lexer);
        check_set_item(p, item);
        if (p->failed) return;
        td_buf_put(&p->tree->sets, &item.text, sizeof item.text);
        s->set_count++;
        td_parser_advance(p);
    } while (td_token_is(p->token, ","));
    if (td_parser_accept(p, "where")) s->where = td_parse_expr(p);
}

/* "strategy" NAME "on" source ["for" set] */
static void parse_header(td_parser *p, td_strategy_tree *s) {
    static const char *const words[] = {"for", NULL};
    s->offset = p->token.offset;
    s->name = td_parse_new_name(p, "a name for the strategy");
    td_parser_expect(p, "on");
    if (!p->failed) td_parse_source(p, &s->source);
    if (td_token_is(p->token, "for")) parse_set(p, s);
    if (!td_parser_at_end(p)) td_parser_fail_expected(p, p->token, "'for' or the end of the line", words);
}

/* ---- strategies ---- */

/* Begins a statement: goes past the LINE, which may have a fault of its own. */
static void begin_line(td_parser *p) {
    td_token line = p->token;
    p->failed = false;
    p->depth = 0;
    td_parser_advance(p);
    if (line.problem != NULL) td_parser_fail(p, line, "%s", line.problem);
}

static bool at_block_line(const td_parser *p) { return p->token.kind == TD_TOKEN_LINE && p->token.indent > 0; }

static void parse_strategy(td_parser *p) {
    td_strategy_tree s = {.file = p->file,
                          .set_first = (uint32_t)(p->tree->sets.size / sizeof(td_bytes)),
                          .stmt_first = (uint32_t)(p->tree->stmts.size / sizeof(td_stmt)),
                          .expr_first = (uint32_t)td_syntax_expr_count(p->tree)};
    td_token word = p->token;
    s.series = td_token_is(word, "series");
    td_parser_advance(p);
    parse_header(p, &s);
    if (p->failed) s.source.given = false;
    if (!at_block_line(p))
        td_parser_fail(p, word, "this %.*s says nothing: indent its lines below it", TD_WORD(word.text));
    while (at_block_line(p)) {
        td_stmt stmt = {0};
        begin_line(p);
        td_token first = p->token;
        if (!p->failed) td_parse_stmt(p, &stmt);
        if (s.series && stmt.kind > TD_STMT_USE)
            td_parser_fail(p, first, "a series names values; actions belong to a strategy");
        if (p->failed) stmt.expr = stmt.part_count = 0;
        if (p->failed && (stmt.name.size == 0 || stmt.kind > TD_STMT_USE)) continue; /* other names still are defined */
        td_buf_put(&p->tree->stmts, &stmt, sizeof stmt);
        s.stmt_count++;
    }
    s.expr_end = (uint32_t)td_syntax_expr_count(p->tree);
    td_buf_put(&p->tree->strategies, &s, sizeof s);
}

/* "fn" NAME "(" [NAME {"," NAME}] ")" "=" expr */
static void parse_fn(td_parser *p) {
    td_fn_tree fn = {.file = p->file, .param_first = (uint32_t)(p->tree->params.size / sizeof(td_bytes))};
    p->lexer.block_indent = 1; /* lines that are indented go on with this one */
    td_parser_advance(p);
    fn.offset = p->token.offset;
    fn.name = td_parse_new_name(p, "a name for the fn");
    td_parser_expect(p, "(");
    bool more = !p->failed && !td_token_is(p->token, ")");
    while (more) {
        td_bytes param = td_parse_new_name(p, "a name for the argument");
        if (p->failed) break;
        td_buf_put(&p->tree->params, &param, sizeof param);
        if (++fn.param_count > TD_FN_PARAMS_MAX)
            td_parser_fail(p, p->token, "a fn has at most %d arguments", TD_FN_PARAMS_MAX);
        more = td_parser_accept(p, ",");
    }
    td_parser_expect(p, ")");
    td_parser_expect(p, "=");
    fn.expr = td_parse_expr(p);
    td_parser_expect_end(p);
    if (p->failed) fn.expr = 0;
    if (fn.name.size > 0) td_buf_put(&p->tree->fns, &fn, sizeof fn); /* one with an error is known all the same */
}

static void parse_top(td_parser *p) {
    static const char *const words[] = {"strategy", "series", "fn", NULL};
    bool in_block = at_block_line(p);
    begin_line(p);
    int word = td_word_find(words, p->token.text);
    if (!in_block && (td_token_is(p->token, "strategy") || td_token_is(p->token, "series"))) {
        parse_strategy(p);
    } else if (!in_block && td_token_is(p->token, "fn")) {
        parse_fn(p);
    } else {
        if (word >= 0 && p->token.kind == TD_TOKEN_NAME)
            td_parser_fail(p, p->token, "'%s' begins at the start of a line", words[word]);
        td_parser_fail_expected(p, p->token, "'strategy', 'series' or 'fn'", words);
        while (at_block_line(p)) { /* the block of what was not understood */
            p->token = td_lex_next(&p->lexer);
            skip_statement(p);
        }
    }
}

void td_parse(td_syntax *tree, td_diags *diags, uint32_t file) {
    td_parser p = {.tree = tree, .diags = diags, .file = file};
    td_lex_init(&p.lexer, diags->texts[file].text);
    td_parser_advance(&p);
    while (p.token.kind != TD_TOKEN_END) parse_top(&p);
}
