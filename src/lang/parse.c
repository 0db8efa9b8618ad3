/* src/lang/parse.c - statements: what stands on a line. Expressions are in parse_expr.c. */
#include "lang/parse.h"
#include "base/time.h"
#include "lang/parser.h"
#include "lang/words.h"
#include "model/instrument.h"
#include "model/signal.h"
#include <stdarg.h>
#include <stdio.h>

void td_syntax_init(td_syntax *tree) {
    *tree = (td_syntax){0};
    td_expr bad = {.kind = TD_EXPR_BAD, .depth = 1};
    td_buf_put(&tree->exprs, &bad, sizeof bad);
}

void td_syntax_fini(td_syntax *tree) {
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

static bool at_end(const td_parser *p) { return p->token.kind == TD_TOKEN_LINE || p->token.kind == TD_TOKEN_END; }

static void skip_statement(td_parser *p) {
    while (!at_end(p)) p->token = td_lex_next(&p->lexer);
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

void td_parser_fail_later(td_parser *p, td_token where) {
    td_parser_fail(p, where, "'%.*s' is not part of this version", TD_WORD(where.text));
}

void td_parser_expect(td_parser *p, const char *text) {
    if (td_parser_accept(p, text)) return;
    char what[16];
    (void)snprintf(what, sizeof what, "'%s'", text);
    td_parser_fail_expected(p, p->token, what, (const char *const[]){text, NULL});
}

static void expect_line_end(td_parser *p) {
    static const char *const words[] = {"and", "or", "note", "when", "step", "for", "in", "else", "then", NULL};
    if (!at_end(p)) td_parser_fail_expected(p, p->token, "an operator or the end of the line", words);
}

/* The token as the name of something new; empty after an error. */
static td_bytes new_name(td_parser *p, td_token token, const char *what) {
    if (token.kind != TD_TOKEN_NAME)
        td_parser_fail_expected(p, token, what, NULL);
    else if (td_word_is_reserved(token.text))
        td_parser_fail(p, token, "'%.*s' is a word of the language: choose another name", TD_WORD(token.text));
    else if (token.text.size > TD_NAME_BYTES_MAX)
        td_parser_fail(p, token, "a name has at most %d characters", TD_NAME_BYTES_MAX);
    return p->failed ? (td_bytes){0} : token.text;
}

static td_bytes parse_new_name(td_parser *p, const char *what) {
    td_bytes name = new_name(p, p->token, what);
    if (!p->failed) td_parser_advance(p);
    return name;
}

/* ---- statements ---- */

/* param NAME = literal [in literal .. literal [step literal]] */
static void parse_param(td_parser *p, td_stmt *s) {
    s->offset = p->token.offset;
    s->name = parse_new_name(p, "a name for the param");
    td_parser_expect(p, "=");
    td_token place = p->token;
    td_value value = td_parse_literal(p);
    uint32_t end = p->end;
    if (td_parser_accept(p, "in")) {
        td_token range = p->token;
        td_value low = td_parse_literal(p);
        td_parser_expect(p, "..");
        td_value high = td_parse_literal(p);
        if (!p->failed && low > high) td_parser_fail(p, range, "the range is empty: its start is above its end");
        if (td_parser_accept(p, "step")) {
            td_token step_place = p->token;
            td_value step = td_parse_literal(p);
            if (!p->failed && step <= 0) td_parser_fail(p, step_place, "the step must be above 0");
        }
        if (!p->failed && (value < low || value > high))
            td_parser_fail(p, place, "the param's value is outside its range");
    }
    expect_line_end(p);
    if (p->failed) return;
    td_expr literal = {
        .kind = TD_EXPR_NUMBER, .number = value, .offset = place.offset, .begin = place.offset, .end = end, .depth = 1};
    s->expr = (uint32_t)(p->tree->exprs.size / sizeof literal);
    td_buf_put(&p->tree->exprs, &literal, sizeof literal);
}

/* leg "when" expr ["note" STRING], where leg = word ["qty" expr] */
static void parse_action(td_parser *p, td_stmt *s, td_token word) {
    s->action = (uint8_t)td_word_find(td_words_action, word.text);
    bool known = td_token_is(p->token, "qty") || td_token_is(p->token, "when");
    if (td_token_is(p->token, ",")) td_parser_fail(p, p->token, "a second leg is not part of this version");
    if (td_token_is(p->token, "all")) td_parser_fail(p, p->token, "'exit all' is not part of this version");
    if (p->token.kind == TD_TOKEN_NAME && !known) {
        const char *near = td_word_nearest((const char *const[]){"when", "qty", NULL}, p->token.text);
        if (near != NULL)
            td_parser_fail_expected(p, p->token, "'when'", (const char *const[]){"when", "qty", NULL});
        else
            td_parser_fail(p, p->token, "trading another instrument is not part of this version");
    }
    td_token qty = p->token;
    if (td_parser_accept(p, "qty")) {
        bool entry = s->action == TD_ACTION_BUY || s->action == TD_ACTION_SHORT;
        if (!entry) td_parser_fail(p, qty, "'%.*s' leaves the whole position and takes no qty", TD_WORD(word.text));
        s->qty = td_parse_expr(p);
        if (td_token_is(p->token, ",")) td_parser_fail(p, p->token, "a second leg is not part of this version");
    }
    td_parser_expect(p, "when");
    s->expr = td_parse_expr(p);
    if (td_parser_accept(p, "note")) {
        s->note = p->token.text;
        if (p->token.kind != TD_TOKEN_STRING)
            td_parser_fail_expected(p, p->token, "a text in quotes", NULL);
        else if (s->note.size > TD_NOTE_BYTES_MAX)
            td_parser_fail(p, p->token, "a note has at most %d bytes", TD_NOTE_BYTES_MAX);
        else
            td_parser_advance(p);
    }
    expect_line_end(p);
}

static void parse_stmt(td_parser *p, td_stmt *s) {
    static const char *const begins[] = {"param", "buy", "sell", "short", "cover", "exit", NULL};
    td_token first = p->token;
    s->offset = first.offset;
    if (first.kind == TD_TOKEN_NAME) td_parser_advance(p);
    if (first.kind == TD_TOKEN_NAME && td_token_is(p->token, "=")) {
        s->kind = TD_STMT_LET;
        s->name = new_name(p, first, "a name");
        td_parser_expect(p, "=");
        s->expr = td_parse_expr(p);
        expect_line_end(p);
    } else if (td_token_is(first, "param")) {
        s->kind = TD_STMT_PARAM;
        parse_param(p, s);
    } else if (td_word_find(td_words_action, first.text) >= 0) {
        s->kind = TD_STMT_ACTION;
        parse_action(p, s, first);
    } else if (td_word_find(td_words_later_statement, first.text) >= 0) {
        td_parser_fail_later(p, first);
    } else {
        td_parser_fail_expected(p, first, "'param', NAME = value, or an action such as buy", begins);
    }
}

/* ---- strategies ---- */

/* "bars" "(" width ")" */
static void parse_source(td_parser *p, td_strategy_tree *s) {
    static const char *const sources[] = {"bars", NULL};
    if (p->token.kind == TD_TOKEN_NAME && td_word_find(td_words_later_source, p->token.text) >= 0)
        td_parser_fail(p, p->token, "'on %.*s' is not part of this version", TD_WORD(p->token.text));
    if (!td_parser_accept(p, "bars")) td_parser_fail_expected(p, p->token, "'bars'", sources);
    td_parser_expect(p, "(");
    td_token width = p->token;
    if (width.kind == TD_TOKEN_NUMBER) {
        td_parser_advance(p);
        if (p->token.kind == TD_TOKEN_NAME) td_parser_fail(p, width, "bars by count are not part of this version");
        td_parser_fail(p, width, "expected a width with its unit, such as 1m, found '%.*s'", TD_WORD(width.text));
    }
    if (width.kind != TD_TOKEN_UNIT)
        td_parser_fail_expected(p, p->token, "a width, such as 1m", NULL);
    else if (width.text.data[width.text.size - 1] == 'd')
        td_parser_fail(p, width, "the exchange's day ('%.*s') is not part of this version; 24h is a day of UTC",
                       TD_WORD(width.text));
    else if (td_duration_parse(width.text, &s->width_ns) != TD_OK || s->width_ns <= 0)
        td_parser_fail(p, width, "expected a width, such as 500ms, 5s, 1m or 4h, found '%.*s'", TD_WORD(width.text));
    else
        td_parser_advance(p);
    if (td_parser_accept(p, ",")) td_parser_fail_later(p, p->token);
    td_parser_expect(p, ")");
}

static void check_set_item(td_parser *p, td_token item) {
    static const char *const expected = "expected VENUE:SYMBOL or VENUE:*, found";
    const uint8_t *star = item.text.size > 0 ? memchr(item.text.data, '*', item.text.size) : NULL;
    const uint8_t *end = item.text.data + item.text.size;
    if (item.text.size == 0)
        td_parser_fail(p, item, "%s nothing", expected);
    else if (item.text.data[0] == '@')
        td_parser_fail(p, item, "lists in files ('@…') are not part of this version");
    else if (!td_instrument_name_valid(item.text) || (star != NULL && (star + 1 != end || star[-1] != ':')))
        td_parser_fail(p, item, "%s '%.*s'", expected, TD_WORD(item.text));
}

/* The token to look at is "for" or ",": the lexer stands right behind it. */
static void parse_set(td_parser *p, td_strategy_tree *s) {
    do {
        td_token item = td_lex_set_item(&p->lexer);
        check_set_item(p, item);
        if (p->failed) return;
        td_buf_put(&p->tree->sets, &item.text, sizeof item.text);
        s->set_count++;
        td_parser_advance(p);
    } while (td_token_is(p->token, ","));
    if (td_token_is(p->token, "where")) td_parser_fail_later(p, p->token);
}

/* "strategy" NAME "on" source ["for" set] */
static void parse_header(td_parser *p, td_strategy_tree *s) {
    static const char *const words[] = {"for", NULL};
    s->offset = p->token.offset;
    s->name = parse_new_name(p, "a name for the strategy");
    td_parser_expect(p, "on");
    parse_source(p, s);
    if (td_token_is(p->token, "every")) td_parser_fail_later(p, p->token);
    if (td_token_is(p->token, "for")) parse_set(p, s);
    if (!at_end(p)) td_parser_fail_expected(p, p->token, "'for' or the end of the line", words);
}

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
                          .stmt_first = (uint32_t)(p->tree->stmts.size / sizeof(td_stmt))};
    td_token word = p->token;
    s.series = td_token_is(word, "series");
    td_parser_advance(p);
    parse_header(p, &s);
    if (!at_block_line(p))
        td_parser_fail(p, word, "this %.*s says nothing: indent its lines below it", TD_WORD(word.text));
    while (at_block_line(p)) {
        td_stmt stmt = {0};
        begin_line(p);
        td_token first = p->token;
        if (!p->failed) parse_stmt(p, &stmt);
        if (s.series && stmt.kind == TD_STMT_ACTION)
            td_parser_fail(p, first, "a series names values; actions belong to a strategy");
        if (p->failed) stmt.expr = 0;
        if (p->failed && stmt.name.size == 0) continue; /* one with a name still counts as defined */
        td_buf_put(&p->tree->stmts, &stmt, sizeof stmt);
        s.stmt_count++;
    }
    td_buf_put(&p->tree->strategies, &s, sizeof s);
}

/* "fn" NAME "(" [NAME {"," NAME}] ")" "=" expr */
static void parse_fn(td_parser *p) {
    td_fn_tree fn = {.file = p->file, .param_first = (uint32_t)(p->tree->params.size / sizeof(td_bytes))};
    p->lexer.block_indent = 1; /* lines that are indented go on with this one */
    td_parser_advance(p);
    fn.offset = p->token.offset;
    fn.name = parse_new_name(p, "a name for the fn");
    td_parser_expect(p, "(");
    bool more = !p->failed && !td_token_is(p->token, ")");
    while (more) {
        td_bytes param = parse_new_name(p, "a name for the argument");
        if (p->failed) break;
        td_buf_put(&p->tree->params, &param, sizeof param);
        if (++fn.param_count > TD_FN_PARAMS_MAX)
            td_parser_fail(p, p->token, "a fn has at most %d arguments", TD_FN_PARAMS_MAX);
        more = td_parser_accept(p, ",");
    }
    td_parser_expect(p, ")");
    td_parser_expect(p, "=");
    fn.expr = td_parse_expr(p);
    expect_line_end(p);
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
