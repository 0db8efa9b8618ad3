/* src/lang/lex.c - text to words. */
#include "lang/lex.h"

static int peek(const td_lexer *l, uint32_t ahead) { /* -1 past the end */
    return l->at + ahead < l->text.size ? l->text.data[l->at + ahead] : -1;
}

/* Not ctype: what is a letter must not depend on a locale. */
static bool is_digit(int c) { return c >= '0' && c <= '9'; }
static bool is_letter(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(int c) { return is_letter(c) || is_digit(c); }
static bool is_space(int c) { return c == ' ' || c == '\t' || c == '\r'; }

void td_lex_init(td_lexer *l, td_bytes text) {
    *l = (td_lexer){.text = text, .line_start = true};
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) l->at = 3; /* byte order mark */
}

static td_token token_from(const td_lexer *l, td_token_kind kind, uint32_t start) {
    return (td_token){.kind = kind, .offset = start, .text = {l->text.data + start, l->at - start}};
}

static td_token bad_token(const td_lexer *l, uint32_t start, const char *problem) {
    td_token token = token_from(l, TD_TOKEN_BAD, start);
    token.problem = problem;
    return token;
}

static void skip_blank(td_lexer *l) { /* spaces and a comment, up to the line's end */
    while (is_space(peek(l, 0))) l->at++;
    if (peek(l, 0) == '#')
        while (peek(l, 0) != -1 && peek(l, 0) != '\n') l->at++;
}

/* At the start of a line. True: *out is a token; false: the line is blank or goes on with the statement above. */
static bool lex_line(td_lexer *l, td_token *out) {
    uint32_t start = l->at;
    while (peek(l, 0) == ' ') l->at++;
    uint32_t indent = l->at - start;
    bool tab = peek(l, 0) == '\t';
    uint32_t tab_at = l->at;
    skip_blank(l);
    if (peek(l, 0) == '\n' || peek(l, 0) == -1) return false;
    l->line_start = false;
    if (!tab && indent > l->block_indent && l->block_indent > 0) return false;

    *out = (td_token){.kind = TD_TOKEN_LINE, .offset = l->at, .indent = tab ? indent + 1 : indent};
    if (tab) {
        out->offset = tab_at;
        out->problem = "a tab in the indentation: use spaces";
    } else if (indent > 0 && indent < l->block_indent) {
        out->problem = "this line begins left of its block: align it";
    } else {
        l->block_indent = indent;
    }
    return true;
}

static td_token lex_number(td_lexer *l) {
    uint32_t start = l->at;
    td_token_kind kind = TD_TOKEN_NUMBER;
    while (is_digit(peek(l, 0))) l->at++;
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) { /* 20..80 is a range */
        l->at++;
        while (is_digit(peek(l, 0))) l->at++;
    } else if (peek(l, 0) == ':' && is_digit(peek(l, 1))) {
        kind = TD_TOKEN_CLOCK;
        l->at++;
    }
    if (is_word(peek(l, 0)) && kind == TD_TOKEN_NUMBER) kind = TD_TOKEN_UNIT;
    while (is_word(peek(l, 0))) l->at++;
    return token_from(l, kind, start);
}

static td_token lex_string(td_lexer *l) {
    uint32_t start = l->at++;
    for (;; l->at++) {
        int c = peek(l, 0);
        if (c == -1 || c == '\n' || c == '\r') return bad_token(l, start, "this text has no closing '\"'");
        if (c == '"') break;
        if (c < ' ') return bad_token(l, l->at, "a control character in a text");
    }
    td_token token = {.kind = TD_TOKEN_STRING, .offset = start, .text = {l->text.data + start + 1, l->at - start - 1}};
    l->at++;
    return token;
}

static td_token lex_symbol(td_lexer *l) {
    static const char twos[][3] = {"==", "!=", "<=", ">=", ".."};
    uint32_t start = l->at++;
    for (size_t i = 0; i < sizeof twos / sizeof twos[0]; i++)
        if (peek(l, 0) == twos[i][1] && l->text.data[start] == twos[i][0]) {
            l->at++;
            return token_from(l, TD_TOKEN_SYMBOL, start);
        }
    uint8_t c = l->text.data[start];
    if (c != 0 && strchr("+-*/()[],=<>.%:{}?@", c) != NULL) return token_from(l, TD_TOKEN_SYMBOL, start);
    while ((peek(l, 0) & 0xc0) == 0x80 && peek(l, 0) != -1) l->at++; /* the rest of a character */
    return bad_token(l, start, "a character that no word begins with");
}

static td_token lex_word(td_lexer *l) {
    int c = peek(l, 0);
    if (c == -1) return token_from(l, TD_TOKEN_END, l->at);
    if (is_digit(c)) return lex_number(l);
    if (c == '"') return lex_string(l);
    if (!is_letter(c)) return lex_symbol(l);
    uint32_t start = l->at;
    while (is_word(peek(l, 0))) l->at++;
    return token_from(l, TD_TOKEN_NAME, start);
}

td_token td_lex_next(td_lexer *l) {
    td_token token;
    for (;;) {
        if (l->line_start && lex_line(l, &token)) return token;
        skip_blank(l);
        if (peek(l, 0) != '\n') break;
        l->at++;
        l->line_start = true;
    }
    token = lex_word(l);
    if (token.kind != TD_TOKEN_END) l->word_end = l->at;
    return token;
}

td_token td_lex_set_item(td_lexer *l) {
    skip_blank(l);
    uint32_t start = l->at;
    while (peek(l, 0) > ' ' && peek(l, 0) != ',' && peek(l, 0) != '#') l->at++;
    l->word_end = l->at;
    return token_from(l, TD_TOKEN_NAME, start);
}

bool td_token_is(td_token token, const char *text) {
    return (token.kind == TD_TOKEN_NAME || token.kind == TD_TOKEN_SYMBOL) && td_bytes_equal(token.text, td_text(text));
}
