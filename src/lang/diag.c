/* src/lang/diag.c - collects and prints error messages. */
#include "lang/diag.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 400 }; /* of a source line shown */

void td_diag_add(td_diags *diags, uint32_t file, uint32_t offset, const char *fmt, ...) {
    td_diag diag = {.file = file, .offset = offset};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(diag.message, sizeof diag.message, fmt, args);
    va_end(args);
    for (size_t i = 0; i < diags->count && i < TD_DIAG_MAX; i++) { /* a fn is read again at each of its calls */
        const td_diag *other = &diags->list[i];
        if (other->file == file && other->offset == offset && strcmp(other->message, diag.message) == 0) return;
    }
    if (diags->count++ < TD_DIAG_MAX) diags->list[diags->count - 1] = diag;
}

uint32_t td_diag_line(const td_source_text *text, uint32_t offset) {
    uint32_t line = 1;
    for (uint32_t i = 0; i < offset; i++) line += text->text.data[i] == '\n';
    return line;
}

static bool begins_character(uint8_t byte) { return (byte & 0xc0) != 0x80; } /* no continuation byte of UTF-8 */

static void print_one(const td_diags *diags, const td_diag *diag, td_buf *out) {
    const td_source_text *text = &diags->texts[diag->file];
    const uint8_t *data = text->text.data;
    uint32_t start = diag->offset, end = diag->offset, column = 1;
    while (start > 0 && data[start - 1] != '\n') start--;
    while (end < text->text.size && data[end] != '\n' && data[end] != '\r') end++;
    for (uint32_t i = start; i < diag->offset; i++) column += begins_character(data[i]);

    uint32_t line = td_diag_line(text, diag->offset);
    td_buf_printf(out, "%s:%u:%u: %s\n", text->file, line, column, diag->message);
    if (end - start > LINE_BYTES_MAX) return;
    td_buf_text(out, "    ");
    td_buf_put(out, data + start, end - start);
    td_buf_text(out, "\n    ");
    for (uint32_t i = start; i < diag->offset; i++) /* a tab stays one, so that the caret stands below its place */
        if (begins_character(data[i])) td_buf_text(out, data[i] == '\t' ? "\t" : " ");
    td_buf_text(out, "^\n");
}

static int compare_places(const void *a_any, const void *b_any) {
    const td_diag *a = a_any, *b = b_any;
    if (a->file != b->file) return a->file < b->file ? -1 : 1;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return strcmp(a->message, b->message);
}

void td_diag_print(td_diags *diags, td_buf *out) {
    size_t kept = diags->count < TD_DIAG_MAX ? diags->count : TD_DIAG_MAX;
    qsort(diags->list, kept, sizeof diags->list[0], compare_places);
    for (size_t i = 0; i < kept; i++) print_one(diags, &diags->list[i], out);
    if (diags->count > kept) td_buf_printf(out, "%zu more errors are not shown\n", diags->count - kept);
}
