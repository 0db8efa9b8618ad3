/* src/base/lines.c - lines into words. */
#include "base/lines.h"

td_bytes td_text_trim(td_bytes text) {
    while (text.size > 0 && text.data[text.size - 1] <= ' ') text.size--;
    while (text.size > 0 && text.data[0] <= ' ') text = (td_bytes){text.data + 1, text.size - 1};
    return text;
}

td_bytes td_text_take(td_bytes *text, char end) {
    const uint8_t *found = text->size > 0 ? memchr(text->data, end, text->size) : NULL;
    td_bytes taken = {text->data, found != NULL ? (size_t)(found - text->data) : text->size};
    size_t used = taken.size + (found != NULL);
    *text = (td_bytes){text->data + used, text->size - used};
    return taken;
}

bool td_text_line(td_bytes *text, td_bytes *out) {
    if (text->size == 0) return false;
    *out = td_text_take(text, '\n');
    if (out->size > 0 && out->data[out->size - 1] == '\r') out->size--;
    return true;
}

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
        line->number++;
        split(td_text_take(text, '\n'), line);
    }
    return line->count > 0;
}

int td_line_word(const char *const *words, size_t count, td_bytes word) {
    for (size_t i = 0; i < count; i++)
        if (td_bytes_equal(td_text(words[i]), word)) return (int)i;
    return -1;
}
