/* src/sink/pg_copy.c - rows for COPY: big-endian values, each behind its size. */
#include "sink/pg_copy.h"
#include "base/json.h"
#include "base/time.h"

#define EPOCH_2000_US INT64_C(946684800000000) /* instants of PostgreSQL begin there */

enum { GROUP = 4, NEGATIVE = 0x4000, GROUPS_MAX = TD_DECIMAL_TEXT_MAX / GROUP + 2 };

static void put_i64(td_buf *out, int64_t v) {
    td_buf_put_be32(out, sizeof v);
    td_buf_put_be64(out, (uint64_t)v);
}

static void put_instant(td_buf *out, int64_t ns) {
    int64_t us = ns / TD_NS_PER_US - (ns % TD_NS_PER_US < 0 ? 1 : 0);
    put_i64(out, us - EPOCH_2000_US);
}

/* How much of the text is sound. */
static size_t sound_size(td_bytes text) {
    size_t size = td_utf8_find_bad(text);
    const uint8_t *nul = size > 0 ? memchr(text.data, '\0', size) : NULL;
    return nul != NULL ? (size_t)(nul - text.data) : size;
}

static void put_text(td_buf *out, td_bytes text) {
    size_t at = out->size, sound;
    td_buf_put_be32(out, 0);
    while ((sound = sound_size(text)) < text.size) {
        td_buf_put(out, text.data, sound);
        td_buf_text(out, "\xef\xbf\xbd");
        text = td_bytes_from(text, sound + 1);
    }
    if (text.size > 0) td_buf_put(out, text.data, text.size);
    td_put_be32(out->data + at, (uint32_t)(out->size - at - 4));
}

/* Digits in fours, counted from the decimal point: the first group has `first` digits, the last one is filled up with
 * zeros. */
static size_t make_groups(const char *text, size_t count, size_t first, uint16_t *out) {
    size_t groups = 0, room = first;
    for (size_t i = 0; i < count; groups++, room = GROUP) {
        uint16_t value = 0;
        for (size_t k = 0; k < room; k++, i++) value = (uint16_t)(10 * value + (i < count ? text[i] - '0' : 0));
        out[groups] = value;
    }
    return groups;
}

static void put_numeric(td_buf *out, const td_cell *cell) {
    char room[TD_DECIMAL_TEXT_MAX], *text = room;
    uint16_t groups[GROUPS_MAX];
    (void)td_decimal_format(cell->decimal, cell->scale, cell->keep_zeros, room);
    bool negative = *text == '-';
    if (negative) text++;
    size_t whole = strcspn(text, "."), scale = text[whole] == '.' ? strlen(text + whole + 1) : 0;
    size_t count = make_groups(text, whole, (whole - 1) % GROUP + 1, groups), begin = 0;
    int weight = (int)count - 1;
    count += make_groups(text + whole + 1, scale, GROUP, groups + count);
    for (; begin < count && groups[begin] == 0; begin++) weight--;
    while (count > begin && groups[count - 1] == 0) count--;
    td_buf_put_be32(out, (uint32_t)(8 + 2 * (count - begin)));
    td_buf_put_be16(out, (uint16_t)(count - begin));
    td_buf_put_be16(out, (uint16_t)(count > begin ? weight : 0));
    td_buf_put_be16(out, negative ? NEGATIVE : 0);
    td_buf_put_be16(out, (uint16_t)scale);
    for (size_t i = begin; i < count; i++) td_buf_put_be16(out, groups[i]);
}

static void put_cell(td_buf *out, const td_column *column, const td_cell *cell) {
    switch (column->type) {
    case TD_COLUMN_TEXT:
        put_text(out, cell->text);
        break;
    case TD_COLUMN_BYTES:
        td_buf_put_be32(out, (uint32_t)cell->text.size);
        if (cell->text.size > 0) td_buf_put(out, cell->text.data, cell->text.size);
        break;
    case TD_COLUMN_DECIMAL:
        put_numeric(out, cell);
        break;
    case TD_COLUMN_SMALL:
        td_buf_put_be32(out, 4);
        td_buf_put_be32(out, (uint32_t)cell->number);
        break;
    case TD_COLUMN_FLAG:
        td_buf_put_be32(out, 1);
        td_buf_put(out, cell->number != 0 ? "\1" : "\0", 1);
        break;
    case TD_COLUMN_INT:
    case TD_COLUMN_INSTANT:
        put_i64(out, cell->number);
        break;
    }
}

void td_pg_copy_begin(td_buf *out) { td_buf_put(out, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19); }

void td_pg_copy_row(td_buf *out, const td_table *table, const td_cells *cells) {
    size_t count_at = out->size;
    uint16_t count = 0;
    td_buf_put_be16(out, 0);
    for (size_t i = 0; i < table->column_count; i++) {
        const td_column *column = &table->columns[i];
        const td_cell *cell = &cells->items[i];
        bool twice = column->instant != NULL;
        count = (uint16_t)(count + 1 + twice);
        if (cell->null) {
            td_buf_put_be32(out, UINT32_MAX);
            if (twice) td_buf_put_be32(out, UINT32_MAX);
            continue;
        }
        put_cell(out, column, cell);
        if (twice) put_instant(out, cell->number);
    }
    td_put_be16(out->data + count_at, count);
}

void td_pg_copy_end(td_buf *out) { td_buf_put_be16(out, UINT16_MAX); }
