/* src/lang/diag.h - what is wrong with the texts: collected while reading, shown together in the order of the text,
 * each with its line and a caret. Thread: the compiling one. */
#pragma once
#include "lang/lang.h"

enum { TD_DIAG_MAX = 20, TD_DIAG_BYTES_MAX = 256 };

typedef struct td_diag {
    uint32_t file, offset; /* index of the text, byte in it */
    char message[TD_DIAG_BYTES_MAX];
} td_diag;

typedef struct td_diags {
    const td_source_text *texts;
    size_t count; /* found; the first TD_DIAG_MAX are kept */
    td_diag list[TD_DIAG_MAX];
} td_diags;

void td_diag_add(td_diags *diags, uint32_t file, uint32_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
uint32_t td_diag_line(const td_source_text *text, uint32_t offset); /* from 1 */
/* file:line:col: message, the line, a caret; columns count characters. */
void td_diag_print(td_diags *diags, td_buf *out);

/* For "%.*s": a word from a text, cut to a length that a message can hold. */
#define TD_WORD(bytes) (int)((bytes).size < 64 ? (bytes).size : 64), (const char *)(bytes).data
