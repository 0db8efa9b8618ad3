/* src/lang/reference.c - columns of a table to comments, and back. */
#include "lang/reference.h"
#include "base/lines.h"
#include "lang/parse.h"

static const td_bytes mark = {(const uint8_t *)"#@=", 3};

static td_bytes take(td_bytes *text, char end) { return td_text_trim(td_text_take(text, end)); }

/* At most that many fields of the line; returns how many there are. */
static size_t split(td_bytes line, td_bytes out[TD_REFERENCE_COLUMNS_MAX]) {
    size_t count = 0;
    while (line.size > 0 && count < TD_REFERENCE_COLUMNS_MAX) out[count++] = take(&line, ',');
    return count;
}

/* ---- what a text names ---- */

typedef struct names {
    td_bytes list[TD_REFERENCE_COLUMNS_MAX];
    size_t count;
} names;

static bool has_name(const names *n, td_bytes name) {
    for (size_t i = 0; i < n->count; i++)
        if (td_bytes_equal(n->list[i], name)) return true;
    return false;
}

/* In its order, each once. */
static names names_in(td_bytes text) {
    td_diags diags = {.texts = &(td_source_text){.file = "", .text = text}};
    td_syntax tree;
    names found = {.count = 0};
    td_syntax_init(&tree);
    if (text.size <= TD_TEXT_BYTES_MAX) td_parse(&tree, &diags, 0); /* what is wrong is said when it is compiled */
    for (uint32_t i = 0; i < td_syntax_expr_count(&tree) && found.count < TD_REFERENCE_COLUMNS_MAX - 1; i++) {
        const td_expr *e = td_syntax_expr(&tree, i), *of = td_syntax_expr(&tree, e->first);
        bool tick = e->kind == TD_EXPR_NAME && td_bytes_equal(e->text, TD_TEXT("tick"));
        bool names_one = e->kind == TD_EXPR_FIELD && of->kind == TD_EXPR_NAME;
        names_one &= td_bytes_equal(of->text, TD_TEXT("ref"));
        if ((tick || names_one) && !has_name(&found, e->text)) found.list[found.count++] = e->text;
    }
    td_syntax_fini(&tree);
    return found;
}

bool td_reference_is_wanted(td_bytes text) {
    td_reference there;
    return names_in(text).count > 0 && !td_reference_find(text, &there);
}

/* ---- to comments ---- */

static void put_cells(td_buf *text, const td_bytes *cells, const size_t *columns, size_t count) {
    td_buf_put(text, mark.data, mark.size);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) td_buf_text(text, ",");
        td_buf_put(text, cells[columns[i]].data, cells[columns[i]].size);
    }
    td_buf_text(text, "\n");
}

/* The places of those that are wanted in the header; false: it does not have them all, and the places are of all. */
static bool choose(const names *wanted, const td_bytes *header, size_t count, size_t columns[], size_t *out_count) {
    *out_count = 1;
    columns[0] = 0;
    for (size_t i = 1; i < count; i++)
        if (has_name(wanted, header[i])) columns[(*out_count)++] = i;
    if (*out_count == wanted->count + 1) return true;
    for (*out_count = 0; *out_count < count; ++*out_count) columns[*out_count] = *out_count;
    return false;
}

void td_reference_put(td_buf *text, td_bytes csv) {
    names wanted = names_in(td_buf_bytes(text));
    td_bytes cells[TD_REFERENCE_COLUMNS_MAX];
    size_t columns[TD_REFERENCE_COLUMNS_MAX], count = 0;
    bool more = true;
    if (text->size > 0 && text->data[text->size - 1] != '\n') td_buf_text(text, "\n");
    while (more && csv.size > 0) {
        td_bytes line = take(&csv, '\n');
        if (line.size == 0 || line.data[0] == '#') continue;
        memset(cells, 0, sizeof cells);
        size_t found = split(line, cells);
        if (count == 0) more = choose(&wanted, cells, found, columns, &count);
        put_cells(text, cells, columns, count);
    }
}

/* ---- and back ---- */

/* The next line of the text that has the mark. */
static bool next_line(td_bytes *text, td_bytes *out) {
    while (text->size > 0) {
        *out = take(text, '\n');
        if (!td_bytes_begin(*out, mark)) continue;
        *out = (td_bytes){out->data + mark.size, out->size - mark.size};
        return true;
    }
    return false;
}

bool td_reference_find(td_bytes text, td_reference *out) {
    td_bytes header;
    *out = (td_reference){.column_count = 0};
    if (!next_line(&text, &header)) return false;
    out->column_count = split(header, out->columns);
    out->rows = text;
    return true;
}

size_t td_reference_column(const td_reference *r, td_bytes name) {
    size_t at = r->column_count;
    while (at > 1 && !td_bytes_equal(r->columns[at - 1], name)) at--;
    return at > 1 ? at - 1 : 0;
}

bool td_reference_next(td_bytes *rows, td_reference_row *out) {
    td_bytes line;
    *out = (td_reference_row){{{0}}};
    return next_line(rows, &line) && split(line, out->cells) > 0;
}

/* What is too large for all places may have fewer. */
bool td_reference_number(td_bytes cell, td_value *out) {
    static const int scales[] = {TD_VALUE_SCALE, 4, 0};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        int64_t m;
        bool inexact;
        if (td_decimal_parse(cell, scales[i], &m, &inexact) != TD_OK || inexact) continue;
        *out = m;
        for (int k = scales[i]; k < TD_VALUE_SCALE; k++) *out *= 10;
        return true;
    }
    return false;
}
