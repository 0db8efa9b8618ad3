/* src/serve/arrow.c - columns that grow by a cell at a time, and the messages around them. */
#include "serve/arrow.h"
#include "base/json.h"
#include <assert.h>
#include <stdlib.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values go out as they lie here");

#define NULL_CELL UINT32_MAX             /* in place of a cell's size */
enum { VALID, VALUES, TEXT, PARTS_MAX }; /* a column's buffers; of text VALUES are where each ends, from 0 on */
enum { SLOTS_MAX = 6, SLOT = 8 };        /* of a table of metadata; bytes of one */
enum { VERSION_5 = 4, SCHEMA = 1, BATCH = 3, DIGITS = 38, DOUBLE_PRECISION = 2, NANOSECONDS = 3 };

typedef struct column {
    td_arrow_type type;
    td_bytes name; /* in the line of names */
    td_buf parts[PARTS_MAX];
    int64_t nulls;
} column;

struct td_arrow {
    td_buf names; /* as they came */
    column *columns;
    size_t column_count, batch_text;
    td_buf batches; /* that have ended */
    int64_t rows;   /* of the one that has not */
};

/* ---- cells ---- */

void td_arrow_put_cell(td_buf *row, const void *value, size_t size) {
    assert(size < NULL_CELL);
    td_buf_put_u32(row, (uint32_t)size);
    td_buf_put(row, value, size);
}

void td_arrow_put_null(td_buf *row) { td_buf_put_u32(row, NULL_CELL); }

void td_arrow_put_column(td_buf *row, const char *name, td_arrow_type type) {
    td_arrow_put_cell(row, &type, sizeof type);
    td_arrow_put_cell(row, name, strlen(name));
}

/* False: it is null. */
static bool take_cell(td_bytes *row, td_bytes *out) {
    uint32_t size = 0;
    bool whole = td_bytes_take(row, &size, sizeof size);
    assert(whole && (size == NULL_CELL || size <= row->size));
    (void)whole;
    *out = td_bytes_upto(*row, size == NULL_CELL ? 0 : size);
    *row = td_bytes_from(*row, out->size);
    return size != NULL_CELL;
}

static void add_bit(td_buf *bits, int64_t row, bool v) {
    if (row % 8 == 0) td_buf_put(bits, "", 1);
    if (v) bits->data[row / 8] |= (uint8_t)(1u << row % 8);
}

static void add_end(column *c) {
    assert(c->parts[TEXT].size <= INT32_MAX);
    td_buf_put_u32(&c->parts[VALUES], (uint32_t)c->parts[TEXT].size);
}

static void add_value(column *c, int64_t row, bool known, td_bytes value) {
    static const td_i128 none = 0;
    switch (c->type.kind) {
    case TD_ARROW_TEXT:
        td_buf_put_sound(&c->parts[TEXT], value);
        add_end(c);
        break;
    case TD_ARROW_FLAG:
        add_bit(&c->parts[VALUES], row, known && value.data[0] != 0);
        break;
    default: {
        size_t size = c->type.kind == TD_ARROW_DECIMAL ? sizeof(td_i128) : sizeof(int64_t);
        assert(!known || value.size == size);
        td_buf_put(&c->parts[VALUES], known ? (const void *)value.data : &none, size);
    }
    }
}

td_arrow *td_arrow_new(td_bytes columns, size_t batch_text) {
    td_arrow *a = td_alloc_zero(1, sizeof *a);
    a->batch_text = batch_text;
    td_buf_put(&a->names, columns.data, columns.size);
    td_bytes left = td_buf_bytes(&a->names), type;
    for (; left.size > 0; a->column_count++) {
        a->columns = td_alloc_check(realloc(a->columns, (a->column_count + 1) * sizeof(column)), sizeof(column));
        column *c = &a->columns[a->column_count];
        *c = (column){0};
        (void)take_cell(&left, &type);
        (void)take_cell(&left, &c->name);
        memcpy(&c->type, type.data, sizeof c->type);
        if (c->type.kind == TD_ARROW_TEXT) add_end(c);
    }
    return a;
}

void td_arrow_free(td_arrow *a) {
    if (a == NULL) return;
    for (size_t i = 0; i < a->column_count; i++)
        for (size_t p = 0; p < PARTS_MAX; p++) td_buf_fini(&a->columns[i].parts[p]);
    free(a->columns);
    td_buf_fini(&a->names);
    td_buf_fini(&a->batches);
    free(a);
}

/* ---- metadata, as flatbuffers: what refers to something stands before it ---- */

static void align(td_buf *out) {
    static const uint8_t none[8];
    td_buf_put(out, none, -out->size % sizeof none);
}

static void put_number(td_buf *out, int64_t v) { td_buf_put(out, &v, sizeof v); }

/* What comes next is what stands at `from`: how far behind it. */
static void refer(td_buf *out, size_t from) {
    uint32_t far = (uint32_t)(out->size - from);
    memcpy(out->data + from, &far, sizeof far);
}

/* A table for the reference at `from`. Its slots have eight bytes each, which say a number of fewer bytes as well. What
 * is 0 is left out, as readers take it to be 0 then; LATER is not: it is written over. Returns where the slots are. */
enum { LATER = 1 };
static size_t put_table(td_buf *out, size_t from, const int64_t *slots, size_t count) {
    uint16_t head[2 + SLOTS_MAX] = {(uint16_t)((2 + count) * sizeof head[0]), (uint16_t)((1 + count) * SLOT)};
    for (size_t i = 0; i < count; i++) head[2 + i] = (uint16_t)(slots[i] != 0 ? (1 + i) * SLOT : 0);
    align(out);
    size_t head_at = out->size;
    td_buf_put(out, head, head[0]);
    align(out);
    refer(out, from);
    put_number(out, (int64_t)(out->size - head_at)); /* how far before it its head is */
    for (size_t i = 0; i < count; i++) put_number(out, slots[i]);
    return out->size - count * SLOT;
}

/* Its elements come next, eight bytes aligned; their number stands in the four bytes before. */
static void begin_vector(td_buf *out, size_t from, size_t count) {
    align(out);
    td_buf_put_u32(out, 0);
    refer(out, from);
    td_buf_put_u32(out, (uint32_t)count);
}

static void put_string(td_buf *out, size_t from, td_bytes text) {
    begin_vector(out, from, text.size);
    td_buf_put(out, text.data, text.size);
    td_buf_put(out, "", 1);
}

static void put_type(td_buf *out, size_t from, td_arrow_type type) {
    const int64_t width = 64, is_signed = 1, bits = 128;
    switch (type.kind) {
    case TD_ARROW_INT:
        (void)put_table(out, from, (int64_t[]){width, is_signed}, 2);
        break;
    case TD_ARROW_DOUBLE:
        (void)put_table(out, from, (int64_t[]){DOUBLE_PRECISION}, 1);
        break;
    case TD_ARROW_DECIMAL:
        (void)put_table(out, from, (int64_t[]){DIGITS, type.scale, bits}, 3);
        break;
    case TD_ARROW_TIME:
        put_string(out, put_table(out, from, (int64_t[]){NANOSECONDS, LATER}, 2) + SLOT, TD_TEXT("UTC"));
        break;
    case TD_ARROW_TEXT:
    case TD_ARROW_FLAG:
        (void)put_table(out, from, NULL, 0);
    }
}

static void put_field(td_buf *out, size_t from, const column *c) {
    const int64_t nullable = 1, dictionary = 0;
    size_t at = put_table(out, from, (int64_t[]){LATER, nullable, c->type.kind, LATER, dictionary, LATER}, 6);
    put_string(out, at, c->name);
    put_type(out, at + 3 * SLOT, c->type);
    begin_vector(out, at + 5 * SLOT, 0); /* of its children */
}

/* ---- messages ---- */

/* Returns the place of the reference to what it holds. */
static size_t begin_message(td_buf *out, int64_t kind, int64_t body_size) {
    td_buf_put_u32(out, UINT32_MAX);
    td_buf_put_u32(out, 0); /* the metadata's size: at its end */
    size_t root = out->size;
    td_buf_put_u32(out, 0);
    return put_table(out, root, (int64_t[]){VERSION_5, kind, LATER, body_size}, 4) + 2 * SLOT;
}

static void end_metadata(td_buf *out, size_t begin) {
    align(out);
    uint32_t size = (uint32_t)(out->size - begin - 8);
    memcpy(out->data + begin + 4, &size, sizeof size);
}

static void put_schema(td_buf *out, const td_arrow *a) {
    const int64_t little_endian = 0;
    size_t begin = out->size, from = begin_message(out, SCHEMA, 0);
    from = put_table(out, from, (int64_t[]){little_endian, LATER}, 2) + SLOT;
    begin_vector(out, from, a->column_count);
    size_t fields = out->size;
    for (size_t i = 0; i < a->column_count; i++) td_buf_put_u32(out, 0);
    for (size_t i = 0; i < a->column_count; i++) put_field(out, fields + i * sizeof(uint32_t), &a->columns[i]);
    end_metadata(out, begin);
}

/* A column's buffers come after each other, each from a multiple of eight on. */
static size_t part_count(const column *c) { return c->type.kind == TD_ARROW_TEXT ? PARTS_MAX : TEXT; }

static void put_nodes(td_buf *out, size_t from, const td_arrow *a) {
    begin_vector(out, from, a->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        put_number(out, a->rows);
        put_number(out, a->columns[i].nulls);
    }
}

/* Returns the size of the body that they make. */
static size_t put_places(td_buf *out, size_t from, const td_arrow *a) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < a->column_count; i++) count += part_count(&a->columns[i]);
    begin_vector(out, from, count);
    for (size_t i = 0; i < a->column_count; i++) {
        for (size_t p = 0; p < part_count(&a->columns[i]); p++) {
            size_t size = a->columns[i].parts[p].size;
            put_number(out, (int64_t)at);
            put_number(out, (int64_t)size);
            at += size + -size % 8;
        }
    }
    return at;
}

static void put_batch(td_buf *out, const td_arrow *a) {
    size_t begin = out->size, header = begin_message(out, BATCH, LATER);
    size_t slots = put_table(out, header, (int64_t[]){a->rows, LATER, LATER}, 3);
    put_nodes(out, slots + SLOT, a);
    int64_t body_size = (int64_t)put_places(out, slots + 2 * SLOT, a);
    memcpy(out->data + header + SLOT, &body_size, sizeof body_size);
    end_metadata(out, begin);
    for (size_t i = 0; i < a->column_count; i++) {
        for (size_t p = 0; p < part_count(&a->columns[i]); p++) {
            td_buf_put(out, a->columns[i].parts[p].data, a->columns[i].parts[p].size);
            align(out);
        }
    }
}

static void end_batch(td_arrow *a) {
    put_batch(&a->batches, a);
    for (size_t i = 0; i < a->column_count; i++) {
        column *c = &a->columns[i];
        for (size_t p = 0; p < PARTS_MAX; p++) c->parts[p].size = 0;
        c->nulls = 0;
        if (c->type.kind == TD_ARROW_TEXT) add_end(c);
    }
    a->rows = 0;
}

void td_arrow_add(td_arrow *a, td_bytes row) {
    bool full = false;
    for (size_t i = 0; i < a->column_count; i++) {
        column *c = &a->columns[i];
        td_bytes value;
        bool known = take_cell(&row, &value);
        add_bit(&c->parts[VALID], a->rows, known);
        add_value(c, a->rows, known, value);
        c->nulls += !known;
        full |= c->parts[TEXT].size >= a->batch_text;
    }
    assert(row.size == 0);
    a->rows++;
    if (full) end_batch(a);
}

void td_arrow_write(const td_arrow *a, td_buf *out) {
    assert(out->size % 8 == 0);
    put_schema(out, a);
    td_buf_put(out, a->batches.data, a->batches.size);
    if (a->rows > 0) put_batch(out, a);
    td_buf_put_u32(out, UINT32_MAX);
    td_buf_put_u32(out, 0);
}
