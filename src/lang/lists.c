/* src/lang/lists.c - files of names to comments, and back. */
#include "lang/lists.h"
#include "base/lines.h"
#include "lang/parse.h"

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

bool td_list_next(td_bytes *names, td_bytes *out) {
    while (names->size > 0 && is_blank(*names->data)) *names = (td_bytes){names->data + 1, names->size - 1};
    size_t size = 0;
    while (size < names->size && !is_blank(names->data[size])) size++;
    *out = (td_bytes){names->data, size};
    *names = (td_bytes){names->data + size, names->size - size};
    return size > 0;
}

bool td_list_find(td_bytes text, td_bytes path, td_bytes *out) {
    td_bytes line, word;
    while (td_text_line(&text, &line)) {
        if (line.size < 2 || line.data[0] != '#' || line.data[1] != '@') continue;
        *out = (td_bytes){line.data + 2, line.size - 2};
        if (td_list_next(out, &word) && td_bytes_equal(word, path)) return true;
    }
    return false;
}

td_bytes td_lists_strip(td_bytes text) {
    td_bytes rest = text, line;
    size_t size = 0; /* up to the last line that is no list */
    while (td_text_line(&rest, &line))
        if (line.size < 2 || line.data[0] != '#' || line.data[1] != '@') size = (size_t)(rest.data - text.data);
    return (td_bytes){text.data, size};
}

void td_lists_each(td_bytes text, void (*each)(void *arg, td_bytes path), void *arg) {
    td_source_text source = {.file = "", .text = text};
    td_diags diags = {.texts = &source};
    td_syntax tree;
    td_bytes names;
    td_syntax_init(&tree);
    if (text.size <= TD_TEXT_BYTES_MAX) td_parse(&tree, &diags, 0); /* what is wrong is said when it is compiled */
    const td_bytes *items = (const td_bytes *)(const void *)tree.sets.data;
    for (size_t i = 0; i < tree.sets.size / sizeof *items; i++) {
        td_bytes path = {items[i].data + 1, items[i].size - 1};
        if (items[i].data[0] == '@' && !td_list_find(text, path, &names)) each(arg, path);
    }
    td_syntax_fini(&tree);
}

td_status td_list_put(td_buf *text, td_bytes path, const char *file, td_bytes content, td_buf *errors) {
    size_t errors_before = errors->size, count = 0;
    td_bytes line, name, rest;
    if (text->size > 0 && text->data[text->size - 1] != '\n') td_buf_text(text, "\n");
    td_buf_text(text, "#@");
    td_buf_put(text, path.data, path.size);
    for (unsigned number = 1; td_text_line(&content, &line); number++) {
        rest = td_text_take(&line, '#');
        line = rest;
        if (!td_list_next(&rest, &name)) continue;
        bool more = td_list_next(&rest, &(td_bytes){0});
        if (more || !td_instrument_name_valid(name)) {
            td_buf_printf(errors, "%s:%u: expected one VENUE:SYMBOL on a line, found '%.*s'\n", file, number,
                          TD_WORD(line));
        } else if (++count > TD_LIST_NAMES_MAX) {
            td_buf_printf(errors, "%s:%u: a list has at most %d names\n", file, number, TD_LIST_NAMES_MAX);
            break;
        }
        td_buf_text(text, " ");
        td_buf_put(text, name.data, name.size);
    }
    td_buf_text(text, "\n");
    if (count == 0 && errors->size == errors_before) td_buf_printf(errors, "%s: this list has no names\n", file);
    return errors->size == errors_before ? TD_OK : TD_FAIL(TD_CONFIG, "%s is no list of instruments", file);
}
