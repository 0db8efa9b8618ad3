/* src/lang/parser.h - what parse*.c share; for them alone. After the first error in a statement the parser stands at
 * the statement's end and says no more until the next one. */
#pragma once
#include "base/time.h"
#include "lang/lex.h"
#include "lang/parse.h"

typedef struct td_parser {
    td_lexer lexer;
    td_token token; /* the one to look at */
    uint32_t end;   /* behind the one before it */
    td_syntax *tree;
    td_diags *diags;
    uint32_t file;
    uint32_t depth; /* of nested calls of the parser */
    bool failed;
} td_parser;

void td_parser_advance(td_parser *p);
bool td_parser_accept(td_parser *p, const char *text); /* goes on past this word or symbol if it is there */
/* Goes on past it, or fails: "expected …". */
void td_parser_expect(td_parser *p, const char *text);
void td_parser_fail(td_parser *p, td_token where, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "expected <what>, found <the token>", and the nearest of `words` (may be NULL). */
void td_parser_fail_expected(td_parser *p, td_token found, const char *what, const char *const *words);
bool td_parser_at_end(const td_parser *p); /* of the statement */
void td_parser_expect_end(td_parser *p);

/* The token as the name of something new, and that with going on past it; empty after an error. */
td_bytes td_parser_new_name(td_parser *p, td_token token, const char *what);
td_bytes td_parse_new_name(td_parser *p, const char *what);

/* A source, which the strategy's header and `use` name. */
void td_parse_source(td_parser *p, td_source_tree *source);
void td_parse_stmt(td_parser *p, td_stmt *stmt); /* parse_stmt.c */
/* parse_expr.c */
uint32_t td_parse_expr(td_parser *p); /* 0 after an error */
/* [-] number [%], [-] duration, clock time, text, true, false or na; BAD after an error */
td_expr td_parse_literal(td_parser *p);
int64_t td_parse_duration(td_parser *p); /* above 0; 0 after an error */
