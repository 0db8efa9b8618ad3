/* src/lang/lex.h - words of a strategy text, one at a time. Lines matter: a statement begins a line; a line indented
 * deeper than the block goes on with the one above; blank lines and comments are nothing. Borrows the text. */
#pragma once
#include "base/bytes.h"

typedef enum td_token_kind {
    TD_TOKEN_END,
    TD_TOKEN_LINE, /* a statement begins; `indent` says whether at the top or in a block */
    TD_TOKEN_NAME,
    TD_TOKEN_NUMBER, /* 12, 0.5     */
    TD_TOKEN_UNIT,   /* 15m, 2R     */
    TD_TOKEN_CLOCK,  /* 09:45       */
    TD_TOKEN_STRING, /* without its quotes */
    TD_TOKEN_SYMBOL,
    TD_TOKEN_BAD,
} td_token_kind;

typedef struct td_token {
    td_token_kind kind;
    uint32_t offset; /* of the first byte, in the text */
    uint32_t indent;
    td_bytes text;
    const char *problem; /* of BAD, and of a LINE that is not aligned; else NULL */
} td_token;

typedef struct td_lexer {
    td_bytes text;
    uint32_t at;
    uint32_t word_end;     /* behind the last word given */
    uint32_t block_indent; /* of the first line in the block; 0 outside */
    bool line_start;
} td_lexer;

void td_lex_init(td_lexer *lexer, td_bytes text);
td_token td_lex_next(td_lexer *lexer);
/* Reads what stands in a set, where other rules hold: up to a space, comma or comment. Empty at the line's end. */
td_token td_lex_set_item(td_lexer *lexer);

bool td_token_is(td_token token, const char *text); /* a NAME or SYMBOL with this text */
