/* src/lang/parse_stmt.c - statements: what stands on a line of a strategy. */
#include "lang/parser.h"
#include "lang/words.h"
#include "model/instrument.h"
#include "model/signal.h"

/* ---- params and other instruments ---- */

static bool is_ordered(const td_expr *literal) {
    return literal->kind == TD_EXPR_NUMBER || literal->kind == TD_EXPR_DURATION || literal->kind == TD_EXPR_CLOCK;
}

/* A literal of the value's kind. */
static td_value parse_bound(td_parser *p, const td_expr *value) {
    td_token place = p->token;
    td_expr bound = td_parse_literal(p);
    if (!p->failed && bound.kind != value->kind)
        td_parser_fail(p, place, "the range and the param's value are of two kinds");
    return bound.number;
}

/* "in" literal ".." literal ["step" literal] */
static void parse_range(td_parser *p, td_token place, const td_expr *value) {
    td_token range = p->token;
    if (!p->failed && !is_ordered(value)) td_parser_fail(p, place, "a range is of numbers, durations or clock times");
    td_value low = parse_bound(p, value);
    td_parser_expect(p, "..");
    td_value high = parse_bound(p, value);
    if (!p->failed && low > high) td_parser_fail(p, range, "the range is empty: its start is above its end");
    if (td_parser_accept(p, "step")) {
        td_token step_place = p->token;
        td_expr step = td_parse_literal(p);
        bool fits = step.kind == (value->kind == TD_EXPR_CLOCK ? TD_EXPR_DURATION : value->kind);
        if (!p->failed && !fits) td_parser_fail(p, step_place, "the step and the param's value are of two kinds");
        if (!p->failed && step.number <= 0) td_parser_fail(p, step_place, "the step must be above 0");
    }
    if (!p->failed && (value->number < low || value->number > high))
        td_parser_fail(p, place, "the param's value is outside its range");
}

/* param NAME = literal [in literal .. literal [step literal]] */
static void parse_param(td_parser *p, td_stmt *s) {
    s->offset = p->token.offset;
    s->name = td_parse_new_name(p, "a name for the param");
    td_parser_expect(p, "=");
    td_token place = p->token;
    td_expr literal = td_parse_literal(p);
    if (td_parser_accept(p, "in")) parse_range(p, place, &literal);
    td_parser_expect_end(p);
    if (p->failed) return;
    s->expr = (uint32_t)td_syntax_expr_count(p->tree);
    td_buf_put(&p->tree->exprs, &literal, sizeof literal);
}

/* An instrument, if one is next; the token to look at is "=" and the lexer stands right behind it. */
static void parse_instrument(td_parser *p, td_use_tree *use) {
    td_lexer before = p->lexer;
    td_token item = td_lex_set_item(&p->lexer);
    bool general = td_bytes_equal(item.text, TD_TEXT(TD_GENERAL_NEWS));
    if (!general && (item.text.size == 0 || memchr(item.text.data, ':', item.text.size) == NULL)) {
        p->lexer = before;
        return;
    }
    use->instrument = item.text;
    use->instrument_offset = item.offset;
    bool one = td_instrument_name_valid(item.text) && memchr(item.text.data, '*', item.text.size) == NULL;
    if (!one && !general)
        td_parser_fail(p, item, "expected one instrument, VENUE:SYMBOL, found '%.*s'", TD_WORD(item.text));
}

/* use NAME = [INSTRUMENT] [source]; * stands for what is about no instrument */
static void parse_use(td_parser *p, td_stmt *s) {
    td_use_tree use = {0};
    s->offset = p->token.offset;
    s->name = td_parse_new_name(p, "a name for what it stands for");
    if (!p->failed && !td_token_is(p->token, "=")) td_parser_expect(p, "=");
    if (p->failed) return;
    parse_instrument(p, &use);
    if (!p->failed) td_parser_advance(p);
    if (!td_parser_at_end(p)) td_parse_source(p, &use.source);
    if (!p->failed && use.instrument.size == 0 && !use.source.given)
        td_parser_fail_expected(p, p->token, "an instrument, VENUE:SYMBOL, or a source such as bars(1h)", NULL);
    td_parser_expect_end(p);
    s->part = (uint32_t)(p->tree->uses.size / sizeof use);
    s->part_count = 1;
    td_buf_put(&p->tree->uses, &use, sizeof use);
}

/* ---- actions ---- */

static td_token parse_string(td_parser *p, const char *what) {
    td_token token = p->token;
    if (token.kind != TD_TOKEN_STRING)
        td_parser_fail_expected(p, token, "a text in quotes", NULL);
    else if (token.text.size > TD_NOTE_BYTES_MAX)
        td_parser_fail(p, token, "%s has at most %d bytes", what, TD_NOTE_BYTES_MAX);
    else
        td_parser_advance(p);
    return token;
}

static bool at_leg_end(const td_parser *p) {
    return td_token_is(p->token, "qty") || td_token_is(p->token, "when") || td_token_is(p->token, ",");
}

/* ("buy"|"sell"|"short"|"cover"|"exit"["all"]) [NAME] ["qty" expr] */
static void parse_leg(td_parser *p, td_token word) {
    static const char *const ends[] = {"when", "qty", NULL};
    td_leg_tree leg = {.offset = word.offset, .action = (uint8_t)td_word_find(td_words_action, word.text)};
    if (leg.action == TD_ACTION_EXIT && td_token_is(p->token, "all")) {
        leg.all = true;
        leg.all_offset = p->token.offset;
        td_parser_advance(p);
    }
    if (p->token.kind == TD_TOKEN_NAME && !at_leg_end(p)) {
        td_token use = p->token;
        leg.use = use.text;
        leg.use_offset = use.offset;
        td_parser_advance(p);
        bool meant = !at_leg_end(p) && td_word_nearest(ends, use.text) != NULL;
        if (!p->failed && (meant || td_word_is_reserved(use.text))) td_parser_fail_expected(p, use, "'when'", ends);
    }
    td_token qty = p->token;
    if (td_parser_accept(p, "qty")) {
        bool entry = leg.action == TD_ACTION_BUY || leg.action == TD_ACTION_SHORT;
        if (!entry) td_parser_fail(p, qty, "'%.*s' leaves the whole position and takes no qty", TD_WORD(word.text));
        leg.qty = td_parse_expr(p);
    }
    td_buf_put(&p->tree->legs, &leg, sizeof leg);
}

/* leg {"," leg} "when" expr ["note" STRING]; behind the first leg's word */
static void parse_action(td_parser *p, td_stmt *s, td_token word) {
    s->part = (uint32_t)(p->tree->legs.size / sizeof(td_leg_tree));
    for (bool more = true; more && !p->failed; s->part_count++) {
        parse_leg(p, word);
        more = td_parser_accept(p, ",");
        word = p->token;
        if (more && td_word_find(td_words_action, word.text) < 0)
            td_parser_fail_expected(p, word, "an action such as buy", td_words_action);
        if (more && !p->failed) td_parser_advance(p);
    }
    td_parser_expect(p, "when");
    s->expr = td_parse_expr(p);
    if (td_parser_accept(p, "note")) s->note = parse_string(p, "a note").text;
    td_parser_expect_end(p);
}

/* "alert" STRING "when" expr */
static void parse_alert(td_parser *p, td_stmt *s) {
    s->note = parse_string(p, "an alert's text").text;
    td_parser_expect(p, "when");
    s->expr = td_parse_expr(p);
    td_parser_expect_end(p);
}

/* "emit" NAME "{" NAME = expr {"," NAME = expr} "}" ["when" expr] */
static void parse_emit(td_parser *p, td_stmt *s) {
    s->name = td_parse_new_name(p, "a name for what is emitted");
    s->part = (uint32_t)(p->tree->lets.size / sizeof(td_let_tree));
    td_parser_expect(p, "{");
    for (bool more = true; more && !p->failed; s->part_count++) {
        td_let_tree let = {.offset = p->token.offset};
        let.name = td_parse_new_name(p, "a name for the value");
        td_parser_expect(p, "=");
        let.expr = td_parse_expr(p);
        td_buf_put(&p->tree->lets, &let, sizeof let);
        more = td_parser_accept(p, ",");
    }
    td_parser_expect(p, "}");
    if (td_parser_accept(p, "when")) s->expr = td_parse_expr(p);
    td_parser_expect_end(p);
}

/* ---- rules ---- */

/* NUM "R", as one word */
static bool at_multiple(const td_parser *p) {
    td_bytes text = p->token.text;
    return p->token.kind == TD_TOKEN_UNIT && text.data[text.size - 1] == 'R';
}

static td_value parse_multiple(td_parser *p) {
    td_token token = p->token;
    int64_t r = 0;
    bool inexact = false;
    if (!at_multiple(p)) td_parser_fail_expected(p, token, "a multiple of the stop's distance, such as 2R", NULL);
    if (p->failed) return 0;
    td_bytes digits = {token.text.data, token.text.size - 1};
    if (td_decimal_parse(digits, TD_VALUE_SCALE, &r, &inexact) != TD_OK || inexact || r <= 0)
        td_parser_fail(p, token, "expected a multiple above 0, such as 2R, found '%.*s'", TD_WORD(token.text));
    else
        td_parser_advance(p);
    return r;
}

/* One of the words, which stays in the text; the last of them is NULL. */
static void parse_choice(td_parser *p, td_rule_tree *rule, const char *what, const char *const *words) {
    rule->word = p->token.text;
    rule->word_offset = p->token.offset;
    if (p->token.kind != TD_TOKEN_NAME || td_word_find(words, rule->word) < 0)
        td_parser_fail_expected(p, p->token, what, words);
    else
        td_parser_advance(p);
}

/* (expr | "at" expr | NUM "R" | "when" expr) ["from" NUM "R"] */
static void parse_level(td_parser *p, td_rule_tree *rule) {
    rule->level_offset = p->token.offset;
    if (at_multiple(p)) {
        rule->level = TD_LEVEL_R;
        rule->r = parse_multiple(p);
    } else {
        rule->level = td_parser_accept(p, "at")     ? TD_LEVEL_AT
                      : td_parser_accept(p, "when") ? TD_LEVEL_WHEN
                                                    : TD_LEVEL_DISTANCE;
        rule->expr = td_parse_expr(p);
        if (!p->failed && rule->level == TD_LEVEL_DISTANCE && td_bytes_equal(p->token.text, TD_TEXT("R")))
            td_parser_fail(p, p->token, "a multiple of the stop's distance is one word: write 2R, without the blank");
    }
    rule->from_offset = p->token.offset;
    if (td_parser_accept(p, "from")) rule->from_r = parse_multiple(p);
}

/* "most" INT "per" ("session"|DUR) */
static void parse_limit(td_parser *p, td_rule_tree *rule) {
    td_parser_expect(p, "most");
    td_token place = p->token;
    td_expr count = td_parse_literal(p);
    bool whole = count.kind == TD_EXPR_NUMBER && count.number > 0 && count.number % TD_VALUE_ONE == 0 &&
                 count.number / TD_VALUE_ONE <= 1000000;
    if (!p->failed && !whole) td_parser_fail(p, place, "expected a whole number from 1 to 1000000");
    rule->count = p->failed ? 0 : (uint32_t)(count.number / TD_VALUE_ONE);
    td_parser_expect(p, "per");
    if (p->token.kind == TD_TOKEN_UNIT)
        rule->duration_ns = td_parse_duration(p);
    else
        parse_choice(p, rule, "'session' or a duration, such as 1h", (const char *const[]){"session", NULL});
}

static void parse_rule_body(td_parser *p, td_rule_tree *rule) {
    switch ((td_rule_kind)rule->kind) {
    case TD_RULE_COOLDOWN:
        rule->duration_ns = td_parse_duration(p);
        if (td_parser_accept(p, "after"))
            parse_choice(p, rule, "'stop', 'target' or 'exit'", (const char *const[]){"stop", "target", "exit", NULL});
        break;
    case TD_RULE_AT_MOST:
        parse_limit(p, rule);
        break;
    case TD_RULE_FLAT_AT:
        td_parser_expect(p, "at");
        rule->expr = td_parse_expr(p);
        break;
    case TD_RULE_FILL:
        parse_choice(p, rule, "'next', 'open' or 'touch'", (const char *const[]){"next", "open", "touch", NULL});
        if (td_parser_accept(p, "after")) rule->duration_ns = td_parse_duration(p);
        break;
    case TD_RULE_INCOMPLETE:
        parse_choice(p, rule, "'withhold' or 'allow'", (const char *const[]){"withhold", "allow", NULL});
        break;
    default:
        parse_level(p, rule);
    }
}

static void parse_rule(td_parser *p, td_stmt *s, td_token word) {
    td_rule_tree rule = {.offset = word.offset, .kind = (uint8_t)td_word_find(td_words_rule, word.text)};
    parse_rule_body(p, &rule);
    td_parser_expect_end(p);
    s->part = (uint32_t)(p->tree->rules.size / sizeof rule);
    s->part_count = 1;
    td_buf_put(&p->tree->rules, &rule, sizeof rule);
}

/* ---- which it is ---- */

/* Of a line that begins with no word of a statement: the nearest of them all. */
static void fail_unknown(td_parser *p, td_token first) {
    enum { WORDS_MAX = 32 };
    const char *words[WORDS_MAX + 1] = {NULL};
    const char *const *const lists[] = {td_words_action, td_words_statement, td_words_rule};
    size_t count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const char *const *word = lists[i]; *word != NULL && count < WORDS_MAX; word++) words[count++] = *word;
    td_parser_fail_expected(p, first, "'param', NAME = value, or an action such as buy", words);
}

void td_parse_stmt(td_parser *p, td_stmt *s) {
    td_token first = p->token;
    s->offset = first.offset;
    if (first.kind == TD_TOKEN_NAME) td_parser_advance(p);
    if (first.kind == TD_TOKEN_NAME && td_token_is(p->token, "=")) {
        s->kind = TD_STMT_LET;
        s->name = td_parser_new_name(p, first, "a name");
        td_parser_expect(p, "=");
        s->expr = td_parse_expr(p);
        td_parser_expect_end(p);
    } else if (td_token_is(first, "param")) {
        s->kind = TD_STMT_PARAM;
        parse_param(p, s);
    } else if (td_token_is(first, "use")) {
        s->kind = TD_STMT_USE;
        parse_use(p, s);
    } else if (td_token_is(first, "alert")) {
        s->kind = TD_STMT_ALERT;
        parse_alert(p, s);
    } else if (td_token_is(first, "emit")) {
        s->kind = TD_STMT_EMIT;
        parse_emit(p, s);
    } else if (td_word_find(td_words_action, first.text) >= 0) {
        s->kind = TD_STMT_ACTION;
        parse_action(p, s, first);
    } else if (td_word_find(td_words_rule, first.text) >= 0) {
        s->kind = TD_STMT_RULE;
        parse_rule(p, s, first);
    } else if (td_word_find(td_words_later_statement, first.text) >= 0) {
        td_parser_fail(p, first, "'%.*s' is not part of this version", TD_WORD(first.text));
    } else {
        fail_unknown(p, first);
    }
}
