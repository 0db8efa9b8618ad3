/* src/base/lines.c - lines into words. */
#include "base/lines.h"

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static void split(td_bytes text, td_line *line) {
    line->count = 0;
    for (size_t at = 0; at < text.size && text.data[at] != '#' && line->count < TD_LINE_WORDS_MAX;) {
        size_t start = at;
        while (at < text.size && !is_blank(text.data[at]) && text.data[at] != '#') at++;
        if (at > start) line->at[line->count++] = (td_bytes){text.data + start, at - start};
        while (at < text.size && is_blank(text.data[at])) at++;
    }
}

bool td_line_next(td_bytes *text, td_line *line) {
    line->count = 0;
    while (text->size > 0 && line->count == 0) {
        const uint8_t *end = memchr(text->data, '\n', text->size);
        td_bytes first = {text->data, end != NULL ? (size_t)(end - text->data) : text->size};
        size_t used = first.size + (end != NULL);
        *text = (td_bytes){text->data + used, text->size - used};
        line->number++;
        split(first, line);
    }
    return line->count > 0;
}

int td_line_word(const char *const *words, size_t count, td_bytes word) {
    for (size_t i = 0; i < count; i++)
        if (td_bytes_equal(td_text(words[i]), word)) return (int)i;
    return -1;
}
