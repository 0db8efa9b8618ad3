/* tests/unit/sink_archive_avro_test.c - goal: each table's schema is one, and what its fields say is what stands in the
 * cells, up to the last number that a column holds; and where a call of the machine's fails, the file that is begun
 * again is the one that there is otherwise. */
#include "base/time.h"
#include "schema/avro.h"
#include "schema/avro_file.h"
#include "sink/archive_file.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 200, BLOCK = 4096, FILE_MAX = 1 << 20 };

static char path[64];
static int calls_left; /* until one fails; -1: none does */

static bool fails(void) { return calls_left >= 0 && calls_left-- == 0; }

static td_status failing_open(void *self, const char *name, td_open_mode mode, int *out) {
    return fails() ? TD_FAIL(TD_RETRY, "open, on command") : td_os_posix.ops->open(self, name, mode, out);
}

static td_status failing_truncate(void *self, int file, int64_t size) {
    return fails() ? TD_FAIL(TD_RETRY, "truncate, on command") : td_os_posix.ops->truncate(self, file, size);
}

static td_status failing_write(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out_size) {
    if (fails()) return TD_FAIL(TD_RETRY, "write, on command");
    return td_os_posix.ops->write_at(self, file, data, size, offset, out_size);
}

static td_os_ops failing_ops;
static td_os failing_os;

/* ---- rows ---- */

static td_i128 power_of_ten(int n) {
    td_i128 power = 1;
    while (n-- > 0) power *= 10;
    return power;
}

/* Of a column in the n-th row: null where it may be, the ends of what it holds, what lies between. */
static td_cell cell_of(const td_archive_form *form, size_t column, int n, bool optional) {
    static const char *const texts[] = {"", "X:\xc3\xa4\"", "a text that is longer than the others, much longer"};
    const td_duck_column *c = &form->columns[column];
    td_cell cell = {.null = optional && n % 4 == 3};
    int64_t sign = n % 2 == 0 ? 1 : -1;
    switch (c->type) {
    case TD_DUCK_TEXT:
        cell.text = td_text(texts[n % 3]);
        break;
    case TD_DUCK_DECIMAL:
        cell.decimal = n % 5 == 0 ? sign * (power_of_ten(c->precision) - 1) : sign * (td_i128)n * n;
        break;
    case TD_DUCK_BOOL:
        cell.number = n % 2;
        break;
    case TD_DUCK_INT:
    case TD_DUCK_DAY:
        cell.number = n % 3 == 0 ? (sign > 0 ? INT32_MAX : INT32_MIN) : n;
        break;
    case TD_DUCK_BIGINT:
    case TD_DUCK_INSTANT:
        cell.number = n % 3 == 0 ? (sign > 0 ? INT64_MAX : INT64_MIN) : sign * n * TD_NS_PER_DAY;
        break;
    }
    return cell;
}

/* Whether the schema says of each column that it may be null, as its table does. */
static void find_optional(const td_archive_form *form, bool *out) {
    for (size_t i = 0; i < form->count; i++) {
        out[i] = false;
        for (size_t k = 0; k < form->table->column_count; k++) {
            const td_column *c = &form->table->columns[k];
            bool is = strcmp(c->name, form->columns[i].name) == 0 ||
                      (c->instant != NULL && strcmp(c->instant, form->columns[i].name) == 0);
            if (is) out[i] |= c->optional;
        }
    }
}

static void make_row(const td_archive_form *form, int n, td_cell *cells) {
    bool optional[TD_ARCHIVE_COLUMNS_MAX];
    find_optional(form, optional);
    for (size_t i = 0; i < form->count; i++) cells[i] = cell_of(form, i, n, optional[i]);
}

static void *make(const td_os *os, const td_archive_form *form, int codec) {
    return td_archive_avro.make(&(td_archive_file_conf){.os = os, .form = form, .block_bytes = BLOCK, .codec = codec});
}

static td_status write_rows(void *part, const td_archive_form *form) {
    td_cell cells[TD_ARCHIVE_COLUMNS_MAX];
    td_status status = td_archive_avro.begin(part, path);
    for (int n = 0; n < ROWS && status == TD_OK; n++) {
        make_row(form, n, cells);
        status = td_archive_avro.put(part, cells);
    }
    return status == TD_OK ? td_archive_avro.end(part) : status;
}

/* ---- reading ---- */

static td_status read_some(void *arg, uint64_t at, void *out, size_t size, size_t *out_size) {
    const td_buf *file = arg;
    size_t left = at < file->size ? file->size - (size_t)at : 0;
    *out_size = size < left ? size : left;
    if (*out_size > 0) memcpy(out, file->data + at, *out_size);
    return TD_OK;
}

/* As the specification has it for the type that the schema says. */
static void check_value(td_avro_reader *r, const td_avro_node *node, const td_duck_column *c, const td_cell *cell) {
    static const td_avro_type types[] = {
        [TD_DUCK_TEXT] = TD_AVRO_STRING,  [TD_DUCK_BIGINT] = TD_AVRO_LONG,  [TD_DUCK_INT] = TD_AVRO_INT,
        [TD_DUCK_BOOL] = TD_AVRO_BOOLEAN, [TD_DUCK_INSTANT] = TD_AVRO_LONG, [TD_DUCK_DECIMAL] = TD_AVRO_BYTES};
    td_i128 decimal = 0;
    td_bytes text = {0};
    int64_t number = 0;
    assert_int_equal(node->type, types[c->type]);
    assert_int_equal(node->logical, c->type == TD_DUCK_INSTANT   ? TD_AVRO_TIMESTAMP_MICROS
                                    : c->type == TD_DUCK_DECIMAL ? TD_AVRO_DECIMAL
                                                                 : TD_AVRO_PLAIN);
    if (c->type == TD_DUCK_DECIMAL) {
        assert_true(node->precision == c->precision && node->scale == c->scale);
        assert_true(td_avro_get_decimal(r, &decimal) && decimal == cell->decimal);
    } else if (c->type == TD_DUCK_TEXT) {
        assert_true(td_avro_get_bytes(r, &text) && td_bytes_equal(text, cell->text));
    } else if (c->type == TD_DUCK_BOOL) {
        assert_int_equal(*r->at++, cell->number);
    } else {
        assert_true(td_avro_get_long(r, &number) && number == cell->number);
    }
}

static void check_row(td_avro_reader *r, const td_avro_node *root, const td_archive_form *form, int n) {
    td_cell cells[TD_ARCHIVE_COLUMNS_MAX];
    bool optional[TD_ARCHIVE_COLUMNS_MAX];
    find_optional(form, optional);
    make_row(form, n, cells);
    assert_int_equal(root->count, form->count - 1);
    for (size_t i = 1; i < form->count; i++) {
        const td_avro_node *node = root->fields[i - 1].type;
        int64_t branch = 1;
        assert_true(td_bytes_equal(root->fields[i - 1].name, td_text(form->columns[i].name)));
        assert_int_equal(node->type == TD_AVRO_UNION, optional[i]);
        if (optional[i]) {
            assert_true(td_avro_get_long(r, &branch) && node->nodes[0]->type == TD_AVRO_NULL);
            assert_int_equal(branch, cells[i].null ? 0 : 1);
            node = node->nodes[1];
        }
        if (branch == 1) check_value(r, node, &form->columns[i], &cells[i]);
    }
}

static void check_file(const td_archive_form *form) {
    td_buf bytes = {0};
    td_avro_file *file;
    td_avro_block block;
    int n = 0, blocks = 0;
    assert_int_equal(td_os_read_file(&td_os_posix, path, FILE_MAX, &bytes), TD_OK);
    if (td_avro_file_open(&file, read_some, &bytes) != TD_OK) fail_msg("%s: %s", form->table->name, td_trail());
    const td_avro_node *root = td_avro_schema_root(td_avro_file_schema(file));
    for (;; blocks++) {
        assert_int_equal(td_avro_file_next(file, &block), TD_OK);
        if (block.count == 0) break;
        td_avro_reader r = {block.bytes.data, block.bytes.data + block.bytes.size};
        for (uint64_t i = 0; i < block.count; i++) check_row(&r, root, form, n++);
        assert_ptr_equal(r.at, r.end);
    }
    assert_int_equal(n, ROWS);
    assert_true(blocks > 1);
    td_avro_file_close(file);
    td_buf_fini(&bytes);
}

/* ---- cases ---- */

static void every_table(void **state) {
    (void)state;
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++) {
        static td_archive_form form;
        td_archive_form_init(&form, id);
        void *part = make(&td_os_posix, &form, 0);
        for (int again = 0; again < 2; again++) { /* a longer one that is there is written over */
            assert_int_equal(write_rows(part, &form), TD_OK);
            check_file(&form);
            FILE *file = fopen(path, "ab");
            assert_non_null(file);
            assert_int_equal(fwrite("more", 1, 4, file), 4);
            assert_int_equal(fclose(file), 0);
        }
        td_archive_avro.free(part);
    }
}

static void nulls_that_may_not_be(void **state) {
    (void)state;
    static td_archive_form form;
    td_cell cells[TD_ARCHIVE_COLUMNS_MAX];
    td_archive_form_init(&form, TD_TABLE_BARS);
    void *part = make(&td_os_posix, &form, 2);
    assert_int_equal(td_archive_avro.begin(part, path), TD_OK);
    make_row(&form, 1, cells);
    cells[2].null = true;
    assert_int_equal(td_archive_avro.put(part, cells), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "a row of bars has no "));
    assert_int_equal(write_rows(part, &form), TD_OK); /* of the row before nothing is left */
    check_file(&form);
    td_archive_avro.free(part);
}

static void each_call_fails_once(void **state) {
    (void)state;
    static td_archive_form form;
    int n = 0;
    failing_ops = *td_os_posix.ops;
    failing_ops.open = failing_open;
    failing_ops.truncate = failing_truncate;
    failing_ops.write_at = failing_write;
    failing_os = (td_os){&failing_ops, td_os_posix.self};
    td_archive_form_init(&form, TD_TABLE_TRADES);
    void *part = make(&failing_os, &form, 1);
    for (;; n++) {
        calls_left = n;
        td_status status = write_rows(part, &form);
        bool failed = calls_left < 0;
        calls_left = -1;
        assert_int_equal(status, failed ? TD_RETRY : TD_OK);
        if (failed) assert_int_equal(write_rows(part, &form), TD_OK);
        check_file(&form);
        if (!failed) break;
    }
    assert_true(n > 5);
    td_archive_avro.free(part);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table),
        cmocka_unit_test(nulls_that_may_not_be),
        cmocka_unit_test(each_call_fails_once),
    };
    (void)snprintf(path, sizeof path, "/tmp/tapedeck-avro-%d", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
