/* src/lang/parse_expr.c - expressions: precedence from `or` down to names and numbers. */
#include "lang/parser.h"
#include "lang/words.h"
#include <assert.h>

static td_expr *expr_at(const td_parser *p, uint32_t i) { return td_syntax_expr(p->tree, i); }

/* It ends behind the last word taken, and begins with its place or with its first child. */
static uint32_t new_expr(td_parser *p, td_expr expr) {
    expr.depth = 1;
    expr.begin = expr.offset;
    expr.end = p->end;
    if (expr.first != 0 && expr_at(p, expr.first)->begin < expr.begin) expr.begin = expr_at(p, expr.first)->begin;
    for (uint32_t i = expr.first; i != 0; i = expr_at(p, i)->next)
        if (expr_at(p, i)->depth >= expr.depth) expr.depth = expr_at(p, i)->depth + 1;
    if (expr.depth > TD_EXPR_DEPTH_MAX) {
        td_token place = {.offset = expr.offset};
        td_parser_fail(p, place, "this expression is nested too deeply: name its parts");
    }
    if (p->failed) return 0;
    td_buf_put(&p->tree->exprs, &expr, sizeof expr);
    return (uint32_t)(p->tree->exprs.size / sizeof expr) - 1;
}

/* A node with up to three children; 0 ends them. */
static uint32_t new_parent(td_parser *p, td_expr expr, const uint32_t children[4]) {
    if (p->failed) return 0;
    expr.first = children[0];
    for (int i = 0; children[i] != 0; i++) expr_at(p, children[i])->next = children[i + 1];
    return new_expr(p, expr);
}

static uint32_t new_op(td_parser *p, td_token op, uint32_t a, uint32_t b) {
    uint32_t offset = b != 0 ? expr_at(p, a)->offset : op.offset;
    td_expr expr = {.kind = TD_EXPR_OP, .text = op.text, .offset = offset};
    return new_parent(p, expr, (const uint32_t[]){a, b, 0, 0});
}

/* The parser calls itself for what is nested: bounded, as the stack is. */
static bool go_deeper(td_parser *p) {
    if (++p->depth > TD_EXPR_DEPTH_MAX)
        td_parser_fail(p, p->token, "this expression is nested too deeply: name its parts");
    return !p->failed;
}

/* ---- numbers ---- */

/* digits[.digits] [%] as an exact decimal. */
static td_value parse_number(td_parser *p, bool *percent) {
    td_token token = p->token;
    td_value m = 0, limit = TD_VALUE_DECIMAL_MAX;
    const uint8_t *point = memchr(token.text.data, '.', token.text.size);
    int places = point == NULL ? 0 : (int)(token.text.data + token.text.size - point) - 1;
    for (size_t i = 0; i < token.text.size && m <= limit; i++)
        if (token.text.data[i] != '.') m = m * 10 + (token.text.data[i] - '0');
    if (m > limit) td_parser_fail(p, token, "this number has too many digits");
    td_parser_advance(p);
    *percent = td_parser_accept(p, "%");
    if (*percent) places += 2;
    for (; places > TD_VALUE_SCALE && m % 10 == 0; places--) m /= 10;
    if (places > TD_VALUE_SCALE) td_parser_fail(p, token, "a number has at most %d decimals", TD_VALUE_SCALE);
    for (; places < TD_VALUE_SCALE && m <= limit; places++) m *= 10;
    if (m > limit) td_parser_fail(p, token, "this number is too large: at most 10^23");
    return p->failed ? TD_VALUE_NA : m;
}

/* 15m, 09:45: seconds. False: an error was said. */
static bool parse_time_literal(td_parser *p, td_expr *out) {
    td_token token = p->token;
    int64_t ns = 0;
    if (token.kind == TD_TOKEN_CLOCK && td_clock_parse(token.text, &ns) != TD_OK)
        td_parser_fail(p, token, "'%.*s' is not a time of a day, from 00:00 to 24:00", TD_WORD(token.text));
    else if (token.kind == TD_TOKEN_UNIT && td_duration_parse(token.text, &ns) != TD_OK)
        td_parser_fail(p, token, "'%.*s' is not a number", TD_WORD(token.text));
    if (p->failed) return false;
    out->kind = token.kind == TD_TOKEN_CLOCK ? TD_EXPR_CLOCK : TD_EXPR_DURATION;
    out->number = ns; /* of 10^-9 seconds, as decimals are */
    td_parser_advance(p);
    return true;
}

int64_t td_parse_duration(td_parser *p) {
    td_token token = p->token;
    td_expr duration = {0};
    if (token.kind != TD_TOKEN_UNIT) td_parser_fail_expected(p, token, "a duration, such as 10s or 5m", NULL);
    if (p->failed || !parse_time_literal(p, &duration)) return 0;
    if (duration.number <= 0) td_parser_fail(p, token, "a duration must be above 0");
    return (int64_t)duration.number;
}

/* What a token says by itself; BAD: nothing, and it is still there. */
static td_expr parse_value(td_parser *p) {
    static const char *const truths[] = {"false", "true", "na", NULL};
    td_token token = p->token;
    td_expr value = {.offset = token.offset, .text = token.text, .depth = 1};
    int truth = token.kind == TD_TOKEN_NAME ? td_word_find(truths, token.text) : -1;
    if (token.kind == TD_TOKEN_NUMBER) {
        value.kind = TD_EXPR_NUMBER;
        value.number = parse_number(p, &value.percent);
    } else if (token.kind == TD_TOKEN_UNIT || token.kind == TD_TOKEN_CLOCK) {
        (void)parse_time_literal(p, &value);
    } else if (token.kind == TD_TOKEN_STRING || truth >= 0) {
        value.kind = truth >= 0 ? TD_EXPR_TRUTH : TD_EXPR_STRING;
        value.number = truth == 2 ? TD_VALUE_NA : truth;
        td_parser_advance(p);
    }
    return p->failed ? (td_expr){.depth = 1} : value;
}

td_expr td_parse_literal(td_parser *p) {
    td_token first = p->token;
    bool negative = td_parser_accept(p, "-");
    td_expr value = parse_value(p);
    bool number = value.kind == TD_EXPR_NUMBER || value.kind == TD_EXPR_DURATION;
    if (value.kind == TD_EXPR_BAD || (negative && !number)) td_parser_fail_expected(p, p->token, "a number", NULL);
    if (p->failed) return (td_expr){.depth = 1};
    value.offset = value.begin = first.offset;
    value.end = p->end;
    if (negative) value.number = -value.number;
    return value;
}

/* ---- atoms and what follows them ---- */

/* NAME "=" expr, if the next but one word is "="; else any expression */
static uint32_t parse_argument(td_parser *p, bool *given) {
    td_token name = p->token;
    td_lexer ahead = p->lexer;
    bool by_name = name.kind == TD_TOKEN_NAME && td_token_is(td_lex_next(&ahead), "=");
    if (!by_name && *given) td_parser_fail(p, name, "arguments with a name stand behind those without");
    if (!by_name) return td_parse_expr(p);
    *given = true;
    td_parser_advance(p);
    td_parser_advance(p);
    uint32_t value = td_parse_expr(p);
    td_expr node = {.kind = TD_EXPR_GIVEN, .text = name.text, .offset = name.offset};
    return new_parent(p, node, (const uint32_t[]){value, 0, 0, 0});
}

/* NAME "(" [arg {"," arg}] ")" */
static uint32_t parse_call(td_parser *p, td_token name) {
    td_expr call = {.kind = TD_EXPR_CALL, .text = name.text, .offset = name.offset};
    td_parser_expect(p, "(");
    uint32_t last = 0;
    bool more = !td_token_is(p->token, ")"), given = false;
    while (more) {
        uint32_t arg = parse_argument(p, &given);
        if (p->failed) return 0;
        if (last == 0)
            call.first = arg;
        else
            expr_at(p, last)->next = arg;
        last = arg;
        more = td_parser_accept(p, ",");
    }
    td_parser_expect(p, ")");
    return p->failed ? 0 : new_expr(p, call);
}

static uint32_t parse_name(td_parser *p) {
    td_token name = p->token;
    static const char *const *const lists[] = {td_words_field, td_words_trade, td_words_sides,
                                               td_words_asof,  td_words_time,  td_words_position};
    bool field = false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) field |= td_word_find(lists[i], name.text) >= 0;
    td_parser_advance(p);
    if (td_token_is(p->token, "(")) return parse_call(p, name);
    if (!field && td_word_is_reserved(name.text)) td_parser_fail_expected(p, name, "a number, a name or '('", NULL);
    return p->failed ? 0 : new_expr(p, (td_expr){.kind = TD_EXPR_NAME, .text = name.text, .offset = name.offset});
}

static uint32_t parse_atom(td_parser *p) {
    td_token token = p->token;
    td_expr value = parse_value(p);
    if (p->failed) return 0;
    if (value.kind != TD_EXPR_BAD) return new_expr(p, value);
    if (p->token.kind == TD_TOKEN_NAME) return parse_name(p);
    if (!td_parser_accept(p, "(")) {
        td_parser_fail_expected(p, p->token, "a number, a name or '('", NULL);
        return 0;
    }
    uint32_t inner = td_parse_expr(p);
    td_parser_expect(p, ")");
    if (p->failed) return 0;
    expr_at(p, inner)->begin = token.offset;
    expr_at(p, inner)->end = p->end;
    return inner;
}

static uint32_t parse_in_brackets(td_parser *p, const char *end) {
    uint32_t expr = td_parse_expr(p);
    td_parser_expect(p, end);
    return expr;
}

/* atom { "[" expr "]" | "." NAME [ "(" expr ")" ] } */
static uint32_t parse_post(td_parser *p) {
    uint32_t expr = parse_atom(p);
    while (!p->failed) {
        td_expr node = {.kind = TD_EXPR_AGO, .offset = expr_at(p, expr)->offset};
        uint32_t second = 0;
        if (td_parser_accept(p, ".")) {
            node.kind = TD_EXPR_FIELD;
            node.text = p->token.text;
            if (p->token.kind != TD_TOKEN_NAME) td_parser_fail_expected(p, p->token, "the name of a field", NULL);
            if (!p->failed) td_parser_advance(p);
            if (td_parser_accept(p, "(")) second = parse_in_brackets(p, ")");
        } else if (td_parser_accept(p, "[")) {
            second = parse_in_brackets(p, "]");
        } else {
            break;
        }
        if (p->failed) return 0;
        expr = new_parent(p, node, (const uint32_t[]){expr, second, 0, 0});
    }
    return p->failed ? 0 : expr;
}

/* ---- operators, from the tightest ---- */

static uint32_t parse_unary(td_parser *p) {
    td_token op = p->token;
    if (!td_parser_accept(p, "-")) return parse_post(p);
    if (!go_deeper(p)) return 0;
    uint32_t inner = parse_unary(p);
    p->depth--;
    return p->failed ? 0 : new_op(p, op, inner, 0);
}

/* One of the listed operators, taken, or false. */
static bool accept_any(td_parser *p, const char *const *ops, td_token *out) {
    *out = p->token;
    for (size_t i = 0; ops[i] != NULL; i++)
        if (td_parser_accept(p, ops[i])) return true;
    return false;
}

static uint32_t parse_chain(td_parser *p, const char *const *ops, uint32_t (*parse_part)(td_parser *)) {
    uint32_t left = parse_part(p);
    td_token op;
    while (!p->failed && accept_any(p, ops, &op)) {
        uint32_t right = parse_part(p);
        if (p->failed) return 0;
        left = new_op(p, op, left, right);
    }
    return p->failed ? 0 : left;
}

static uint32_t parse_mul(td_parser *p) { return parse_chain(p, (const char *const[]){"*", "/", NULL}, parse_unary); }
static uint32_t parse_sum(td_parser *p) { return parse_chain(p, (const char *const[]){"+", "-", NULL}, parse_mul); }

static uint32_t parse_comparison(td_parser *p) {
    static const char *const ops[] = {"<", "<=", ">", ">=", "==", "!=", "has", "in", NULL};
    uint32_t left = parse_sum(p);
    td_token op;
    if (p->failed || !accept_any(p, ops, &op)) return p->failed ? 0 : left;
    uint32_t right = parse_sum(p);
    if (p->failed) return 0;
    uint32_t expr = new_op(p, op, left, right);
    td_token second = p->token;
    if (accept_any(p, ops, &op)) td_parser_fail(p, second, "comparisons do not chain: join two with 'and'");
    return p->failed ? 0 : expr;
}

static uint32_t parse_not(td_parser *p) {
    td_token op = p->token;
    if (!td_parser_accept(p, "not")) return parse_comparison(p);
    if (!go_deeper(p)) return 0;
    uint32_t inner = parse_not(p);
    p->depth--;
    return p->failed ? 0 : new_op(p, op, inner, 0);
}

static uint32_t parse_and(td_parser *p) { return parse_chain(p, (const char *const[]){"and", NULL}, parse_not); }
static uint32_t parse_or(td_parser *p) { return parse_chain(p, (const char *const[]){"or", NULL}, parse_and); }

/* "if" expr "then" expr "else" expr */
static uint32_t parse_if(td_parser *p, td_token word) {
    uint32_t condition = td_parse_expr(p);
    td_parser_expect(p, "then");
    uint32_t yes = td_parse_expr(p);
    td_parser_expect(p, "else");
    uint32_t no = td_parse_expr(p);
    if (p->failed) return 0;
    td_expr node = {.kind = TD_EXPR_IF, .offset = word.offset};
    return new_parent(p, node, (const uint32_t[]){condition, yes, no, 0});
}

uint32_t td_parse_expr(td_parser *p) {
    if (p->failed || !go_deeper(p)) return 0;
    td_token word = p->token;
    uint32_t expr = td_parser_accept(p, "if") ? parse_if(p, word) : parse_or(p);
    p->depth--;
    return p->failed ? 0 : expr;
}

uint32_t td_parse_inner(td_syntax *tree, const char *text) {
    td_diags diags = {0};
    td_parser p = {.tree = tree, .diags = &diags};
    td_lex_init(&p.lexer, td_text(text));
    td_parser_advance(&p);
    td_parser_advance(&p); /* past the beginning of the line */
    uint32_t expr = td_parse_expr(&p);
    assert(expr != 0 && p.token.kind == TD_TOKEN_END);
    return expr;
}
