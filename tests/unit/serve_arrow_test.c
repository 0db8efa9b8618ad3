/* tests/unit/serve_arrow_test.c - goal: a stream of Arrow says the columns, values and nulls that it was given, where
 * the format says that they are: all offsets followed by hand, everything at multiples of eight bytes. */
#include "serve/arrow.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

enum { INT, DOUBLE, WORD, FLAG, PRICE, TIME, COLUMNS };
static const struct {
    const char *name;
    td_arrow_type type;
} columns[COLUMNS] = {
    [INT] = {"n", {.kind = TD_ARROW_INT}},      [DOUBLE] = {"reaction", {.kind = TD_ARROW_DOUBLE}},
    [WORD] = {"word", {.kind = TD_ARROW_TEXT}}, [FLAG] = {"flag", {.kind = TD_ARROW_FLAG}},
    [PRICE] = {"price", {TD_ARROW_DECIMAL, 9}}, [TIME] = {"at", {.kind = TD_ARROW_TIME}},
};

typedef struct values { /* of a row; one without a word is all null */
    int64_t n, at;
    double sentiment;
    const char *word;
    size_t word_size;
    bool flag;
    td_i128 price;
} values;

static td_arrow *new_table(size_t batch_text) {
    td_buf row = {0};
    for (size_t i = 0; i < COLUMNS; i++) td_arrow_put_column(&row, columns[i].name, columns[i].type);
    td_arrow *arrow = td_arrow_new(td_buf_bytes(&row), batch_text);
    td_buf_fini(&row);
    return arrow;
}

static void add(td_arrow *arrow, const values *v) {
    td_buf row = {0};
    for (size_t i = 0; i < COLUMNS && v->word == NULL; i++) td_arrow_put_null(&row);
    if (v->word != NULL) {
        td_arrow_put_cell(&row, &v->n, sizeof v->n);
        td_arrow_put_cell(&row, &v->sentiment, sizeof v->sentiment);
        td_arrow_put_cell(&row, v->word, v->word_size > 0 ? v->word_size : strlen(v->word));
        td_arrow_put_cell(&row, &v->flag, sizeof v->flag);
        td_arrow_put_cell(&row, &v->price, sizeof v->price);
        td_arrow_put_cell(&row, &v->at, sizeof v->at);
    }
    td_arrow_add(arrow, td_buf_bytes(&row));
    td_buf_fini(&row);
}

/* The stream of them, which the caller frees. */
static td_buf stream_in_batches(const values *rows, size_t count, size_t batch_text) {
    td_arrow *arrow = new_table(batch_text);
    td_buf out = {0};
    for (size_t i = 0; i < count; i++) add(arrow, &rows[i]);
    td_arrow_write(arrow, &out);
    td_arrow_free(arrow);
    return out;
}

static td_buf stream_of(const values *rows, size_t count) {
    return stream_in_batches(rows, count, TD_ARROW_BATCH_TEXT);
}

/* ---- a reader: a table is a place, and each of its slots another; NULL: it is not there ---- */

static int64_t number(const uint8_t *p, size_t size) {
    int64_t v = 0;
    if (p != NULL) memcpy(&v, p, size);
    return v;
}

static const uint8_t *follow(const uint8_t *p) {
    assert_non_null(p);
    assert_true((uintptr_t)p % 4 == 0 && number(p, 4) % 4 == 0 && number(p, 4) > 0);
    return p + number(p, 4);
}

static const uint8_t *slot(const uint8_t *table, int64_t i) {
    const uint8_t *head = table - number(table, 4);
    assert_true((uintptr_t)table % 8 == 0 && (uintptr_t)head % 8 == 0);
    int64_t at = i < number(head, 2) / 2 - 2 ? number(head + 4 + 2 * i, 2) : 0;
    assert_true(at % 8 == 0 && at < number(head + 2, 2));
    return at > 0 ? table + at : NULL;
}

static int64_t number_at(const uint8_t *table, int64_t i, size_t size) { return number(slot(table, i), size); }

static void assert_string_at(const uint8_t *table, int64_t i, const char *text) {
    const uint8_t *string = follow(slot(table, i));
    assert_int_equal(number(string, 4), strlen(text));
    assert_string_equal((const char *)string + 4, text);
}

typedef struct message {
    const uint8_t *header, *body, *end; /* header NULL: the end of the stream */
    int64_t kind;
} message;

static message read_message(const uint8_t *p) {
    assert_true((uintptr_t)p % 8 == 0 && number(p, 4) == UINT32_MAX);
    int64_t size = number(p + 4, 4);
    if (size == 0) return (message){.end = p + 8};
    assert_int_equal(size % 8, 0);
    const uint8_t *table = follow(p + 8), *body = p + 8 + size;
    assert_int_equal(number_at(table, 0, 2), 4); /* the fifth version */
    return (message){.kind = number_at(table, 1, 1),
                     .header = follow(slot(table, 2)),
                     .body = body,
                     .end = body + number_at(table, 3, 8)};
}

typedef struct batch {
    message message;
    const uint8_t *nodes, *places;
    int64_t rows;
} batch;

/* That nothing in it is over anything else. */
static batch read_batch_at(const uint8_t *p) {
    batch b = {.message = read_message(p)};
    assert_int_equal(b.message.kind, 3);
    b.rows = number_at(b.message.header, 0, 8);
    b.nodes = follow(slot(b.message.header, 1));
    b.places = follow(slot(b.message.header, 2));
    assert_int_equal(number(b.nodes, 4), COLUMNS);
    assert_int_equal(number(b.places, 4), 2 * COLUMNS + 1);
    b.nodes += 4;
    b.places += 4;
    assert_true((uintptr_t)b.nodes % 8 == 0 && (uintptr_t)b.places % 8 == 0);
    int64_t end = 0;
    for (size_t i = 0; i < 2 * COLUMNS + 1; i++) {
        int64_t at = number(b.places + 16 * i, 8), size = number(b.places + 16 * i + 8, 8);
        assert_true(at == (end + 7) / 8 * 8 && size >= 0);
        end = at + size;
    }
    assert_ptr_equal(b.message.body + (end + 7) / 8 * 8, b.message.end);
    return b;
}

static void assert_end(const td_buf *stream, const uint8_t *p) {
    assert_null(read_message(p).header);
    assert_ptr_equal(read_message(p).end, stream->data + stream->size);
}

static batch read_only_batch(const td_buf *stream) {
    batch b = read_batch_at(read_message(stream->data).end);
    assert_end(stream, b.message.end);
    return b;
}

static const uint8_t *part(const batch *b, size_t column, size_t index, int64_t size) {
    const uint8_t *place = b->places + 16 * (2 * column + (column > WORD) + index);
    assert_int_equal(number(place + 8, 8), size);
    return b->message.body + number(place, 8);
}

static bool bit(const uint8_t *bits, int64_t i) { return (bits[i / 8] >> i % 8 & 1) != 0; }

static bool is_known(const batch *b, size_t column, int64_t row) {
    return bit(part(b, column, 0, (b->rows + 7) / 8), row);
}

static void assert_row(const batch *b, int64_t row, const values *v) {
    const uint8_t *ends = part(b, WORD, 1, 4 * (b->rows + 1)), *words = part(b, WORD, 2, number(ends + 4 * b->rows, 4));
    int64_t begin = number(ends + 4 * row, 4), size = number(ends + 4 * row + 4, 4) - begin;
    size_t wanted = v->word == NULL ? 0 : v->word_size > 0 ? v->word_size : strlen(v->word);
    ASSERT_ROW((size_t)size == wanted && (wanted == 0 || memcmp(words + begin, v->word, wanted) == 0), "%d", (int)row);
    for (size_t c = 0; c < COLUMNS; c++) ASSERT_ROW(is_known(b, c, row) == (v->word != NULL), "%d", (int)row);
    ASSERT_ROW(number(part(b, INT, 1, 8 * b->rows) + 8 * row, 8) == v->n, "%d", (int)row);
    ASSERT_ROW(number(part(b, TIME, 1, 8 * b->rows) + 8 * row, 8) == v->at, "%d", (int)row);
    ASSERT_ROW(memcmp(part(b, DOUBLE, 1, 8 * b->rows) + 8 * row, &v->sentiment, 8) == 0, "%d", (int)row);
    ASSERT_ROW(memcmp(part(b, PRICE, 1, 16 * b->rows) + 16 * row, &v->price, 16) == 0, "%d", (int)row);
    ASSERT_ROW(bit(part(b, FLAG, 1, (b->rows + 7) / 8), row) == v->flag, "%d", (int)row);
}

/* ---- what must hold ---- */

static void names_its_columns(void **state) {
    static const struct {
        int64_t kind, slots[3]; /* -1: a text */
    } types[COLUMNS] = {[INT] = {2, {64, 1, 0}}, [DOUBLE] = {3, {2, 0, 0}},   [WORD] = {5, {0, 0, 0}},
                        [FLAG] = {6, {0, 0, 0}}, [PRICE] = {7, {38, 9, 128}}, [TIME] = {10, {3, -1, 0}}};
    (void)state;
    td_buf stream = stream_of(NULL, 0);
    message m = read_message(stream.data);
    assert_true(m.kind == 1 && m.end == m.body && number_at(m.header, 0, 2) == 0); /* a schema, little endian */
    const uint8_t *fields = follow(slot(m.header, 1));
    assert_int_equal(number(fields, 4), COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        const uint8_t *field = follow(fields + 4 + 4 * i), *type = follow(slot(field, 3));
        assert_string_at(field, 0, columns[i].name);
        assert_int_equal(number_at(field, 1, 1), 1);
        assert_int_equal(number_at(field, 2, 1), types[i].kind);
        assert_null(slot(field, 4));
        assert_int_equal(number(follow(slot(field, 5)), 4), 0);
        for (int64_t k = 0; k < 3; k++)
            if (types[i].slots[k] < 0)
                assert_string_at(type, k, "UTC");
            else
                assert_int_equal(number_at(type, k, 4), types[i].slots[k]);
    }
    assert_end(&stream, m.end); /* without rows there is nothing else */
    td_buf_fini(&stream);
}

static void holds_values_and_nulls(void **state) {
    static const td_i128 least = (td_i128)((td_u128)1 << 127);
    const values rows[] = {{1, 1381152600000000001, 0.25, "LEAN:IBM", 0, true, 1500000000},
                           {0},
                           {INT64_MIN, INT64_MIN, -1e300, "\xc3\xa9", 0, false, least},
                           {INT64_MAX, INT64_MAX, 5e-324, "", 0, true, -(least + 1)},
                           {-1, -1, 0, "a\0b", 3, true, -1}};
    (void)state;
    td_buf stream = stream_of(rows, COUNT_OF(rows)), again = stream_of(rows, COUNT_OF(rows));
    batch b = read_only_batch(&stream);
    assert_int_equal(b.rows, COUNT_OF(rows));
    for (size_t c = 0; c < COLUMNS; c++) {
        assert_int_equal(number(b.nodes + 16 * c, 8), COUNT_OF(rows));
        assert_int_equal(number(b.nodes + 16 * c + 8, 8), 1);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) assert_row(&b, (int64_t)i, &rows[i]);
    assert_true(again.size == stream.size && memcmp(again.data, stream.data, stream.size) == 0);
    td_buf_fini(&stream);
    td_buf_fini(&again);
}

static void holds_a_full_answer(void **state) {
    enum { ROWS = 5000 };
    values *rows = td_alloc_zero(ROWS, sizeof *rows);
    int64_t nulls = 0;
    uint64_t seed = 5;
    (void)state;
    for (int64_t i = 0; i < ROWS; i++) {
        uint64_t v = unit_random(&seed);
        nulls += v % 5 == 0;
        if (v % 5 != 0)
            rows[i] = (values){i, -i, (double)i / 3, &"abcdefgh"[v % 9], 0, v >> 60 > 7, (td_i128)i * INT64_MAX};
    }
    td_buf stream = stream_of(rows, ROWS);
    batch b = read_only_batch(&stream);
    assert_true(b.rows == ROWS && nulls > ROWS / 9);
    for (size_t c = 0; c < COLUMNS; c++) assert_int_equal(number(b.nodes + 16 * c + 8, 8), nulls);
    for (int64_t i = 0; i < ROWS; i++) assert_row(&b, i, &rows[i]);
    td_buf_fini(&stream);
    free(rows);
}

static void takes_any_text(void **state) {
    enum { LONG = 1 << 20 };
    char *word = td_alloc(LONG);
    memset(word, 'x', LONG);
    const values rows[] = {{.word = "before"}, {.word = word, .word_size = LONG}, {.word = "a\xff\xc3z"}};
    const values sound = {.word = "a\xef\xbf\xbd\xef\xbf\xbdz"};
    (void)state;
    td_buf stream = stream_of(rows, COUNT_OF(rows));
    batch b = read_only_batch(&stream);
    assert_row(&b, 0, &rows[0]);
    assert_row(&b, 1, &rows[1]);
    assert_row(&b, 2, &sound);
    td_buf_fini(&stream);
    free(word);
}

static void goes_on_in_another_batch(void **state) {
    static const int64_t counts[] = {3, 2, 1};
    const values rows[] = {{1, .word = "0123"},      {0}, {3, .word = "456789"}, {4, .word = "0", .flag = true},
                           {5, .word = "123456789"}, {0}};
    (void)state;
    td_buf stream = stream_in_batches(rows, COUNT_OF(rows), 10);
    const uint8_t *at = read_message(stream.data).end;
    const values *row = rows;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        batch b = read_batch_at(at);
        ASSERT_ROW(b.rows == counts[i] && number(b.nodes + 8, 8) == (i != 1), "%zu", i);
        for (int64_t k = 0; k < b.rows; k++) assert_row(&b, k, row++);
        at = b.message.end;
    }
    assert_end(&stream, at);
    td_buf_fini(&stream);
    stream = stream_in_batches(rows, 3, 10); /* none without rows behind it */
    assert_int_equal(read_only_batch(&stream).rows, 3);
    td_buf_fini(&stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_its_columns), cmocka_unit_test(holds_values_and_nulls),
                                       cmocka_unit_test(holds_a_full_answer), cmocka_unit_test(takes_any_text),
                                       cmocka_unit_test(goes_on_in_another_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
