/* src/base/lines.h - texts taken apart line by line and word by word, and our own small forms (calendars, tables of
 * sale conditions): words on lines, '#' begins a comment. Borrows the text. Thread: any. */
#pragma once
#include "base/bytes.h"

/* Without what is blank at both ends; control characters are. */
td_bytes td_text_trim(td_bytes text);
/* Takes what stands before the next `end`, or all of it, off the text, and `end` with it. */
td_bytes td_text_take(td_bytes *text, char end);
/* Takes the next line off the text, without what ends it: LF or CR LF. False: nothing is left. */
bool td_text_line(td_bytes *text, td_bytes *out);

enum { TD_LINE_WORDS_MAX = 8 };

typedef struct td_line { /* {0} stands before the first */
    td_bytes at[TD_LINE_WORDS_MAX];
    size_t count;
    size_t number; /* from 1 */
} td_line;

/* The next line that has words, taken off the text; those beyond TD_LINE_WORDS_MAX are left out. False: there is none.
 */
bool td_line_next(td_bytes *text, td_line *line);
/* The word's place among `count`, or -1. */
int td_line_word(const char *const *words, size_t count, td_bytes word);
