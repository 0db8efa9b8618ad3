/* src/sink/archive.c - tables of an archive. */
#include "sink/archive.h"
#include "base/json.h"
#include "base/time.h"
#include "sink/row.h"
#include <assert.h>
#include <ctype.h>
#include <stdio.h>

/* Digits enough for every value of ours: 19 for 64 bits, so that nothing is ever cut; 38, the most that Parquet's
 * readers know, for sums of 128 bits. */
static const struct {
    const char *name;
    uint8_t precision, scale;
} decimals[] = {
    {"volume", 38, TD_SIZE_SCALE},     {"notional", 38, TD_NOTIONAL_SCALE}, {"quantity", 38, TD_SIZE_SCALE},
    {"position", 19, TD_SIZE_SCALE},   {"target", 19, TD_SIZE_SCALE},       {"size", 19, TD_SIZE_SCALE},
    {"bid_size", 19, TD_SIZE_SCALE},   {"ask_size", 19, TD_SIZE_SCALE},     {"open", 19, TD_PRICE_SCALE},
    {"high", 19, TD_PRICE_SCALE},      {"low", 19, TD_PRICE_SCALE},         {"close", 19, TD_PRICE_SCALE},
    {"vwap", 19, TD_PRICE_SCALE},      {"price", 19, TD_PRICE_SCALE},       {"bid_price", 19, TD_PRICE_SCALE},
    {"ask_price", 19, TD_PRICE_SCALE},
};

/* ---- columns ---- */

static td_duck_column decimal_named(const char *name) {
    size_t i = 0;
    while (strcmp(decimals[i].name, name) != 0) {
        i++;
        assert(i < sizeof decimals / sizeof decimals[0]);
    }
    return (td_duck_column){name, TD_DUCK_DECIMAL, decimals[i].precision, decimals[i].scale};
}

static td_duck_column column_of(const td_column *column) {
    static const td_duck_type types[] = {[TD_COLUMN_TEXT] = TD_DUCK_TEXT,
                                         [TD_COLUMN_INT] = TD_DUCK_BIGINT,
                                         [TD_COLUMN_SMALL] = TD_DUCK_INT,
                                         [TD_COLUMN_FLAG] = TD_DUCK_BOOL,
                                         [TD_COLUMN_INSTANT] = TD_DUCK_BIGINT};
    if (column->type == TD_COLUMN_DECIMAL) return decimal_named(column->name);
    return (td_duck_column){.name = column->name, .type = types[column->type]};
}

void td_archive_form_init(td_archive_form *out, unsigned id) {
    assert(id < TD_ARCHIVE_COUNT);
    *out = (td_archive_form){.table = &td_tables[id]};
    out->columns[out->count++] = (td_duck_column){.name = "day", .type = TD_DUCK_DAY};
    for (size_t i = 0; i < out->table->column_count; i++) {
        const td_column *column = &out->table->columns[i];
        if (strcmp(column->name, "instrument") == 0) out->instrument = out->count;
        out->columns[out->count++] = column_of(column);
        if (column->instant != NULL)
            out->columns[out->count++] = (td_duck_column){.name = column->instant, .type = TD_DUCK_INSTANT};
    }
}

/* ---- rows ---- */

unsigned td_archive_named(td_bytes name) {
    for (unsigned id = 0; id < TD_ARCHIVE_COUNT; id++)
        if (td_bytes_equal(td_text(td_tables[id].name), name)) return id;
    return TD_ARCHIVE_COUNT;
}

int32_t td_archive_day(int64_t ns) {
    if (ns < INT64_MIN + TD_NS_PER_DAY) ns = INT64_MIN + TD_NS_PER_DAY; /* the first that has a begin */
    return (int32_t)(td_window_start(ns, TD_NS_PER_DAY) / TD_NS_PER_DAY);
}

int64_t td_archive_us(int64_t ns) {
    if (ns < INT64_MIN + TD_NS_PER_US) ns = INT64_MIN + TD_NS_PER_US; /* likewise */
    return td_window_start(ns, TD_NS_PER_US) / TD_NS_PER_US;
}

static td_status set_cell(td_duck_rows *rows, const td_archive_form *form, size_t at, const td_cell *cell) {
    const td_duck_column *column = &form->columns[at];
    if (cell->null) return TD_OK;
    if (column->type == TD_DUCK_DECIMAL) {
        assert(cell->scale == column->scale);
        return td_duck_rows_set_decimal(rows, at, cell->decimal);
    }
    if (column->type == TD_DUCK_TEXT)
        td_duck_rows_set_text(rows, at, cell->text);
    else
        td_duck_rows_set_number(rows, at, cell->number);
    return TD_OK;
}

td_status td_archive_append(td_duck_rows *rows, const td_archive_form *form, const td_sink_row *row,
                            uint32_t partition) {
    td_cells cells;
    td_table_cells(td_table_of(row), row, partition, &cells);
    td_status status = TD_OK;
    td_duck_rows_next(rows);
    td_duck_rows_set_number(rows, 0, td_archive_day(td_sink_row_time(row)));
    for (size_t i = 0, at = 1; i < cells.count && status == TD_OK; i++, at++) {
        const td_cell *cell = &cells.items[i];
        status = set_cell(rows, form, at, cell);
        if (form->table->columns[i].instant == NULL) continue;
        at++;
        if (!cell->null) td_duck_rows_set_number(rows, at, td_archive_us(cell->number));
    }
    return status;
}

/* ---- packed ---- */

/* First a byte, how many columns the table had. A row is two words, whose bit i is set where cell i of the table is
 * null, and where it is what it was in the row before; then the others: numbers as what they differ from the last one
 * by, in LEB128 with the sign as the lowest bit, texts behind their size. */
enum { NUMBER_MAX = 19 };

static void put_number(td_buf *out, td_i128 value) {
    td_u128 wide = (td_u128)value << 1 ^ (td_u128)(value >> 127);
    td_buf_reserve(out, NUMBER_MAX);
    uint8_t *at = out->data + out->size;
    for (; wide > UINT64_MAX; wide >>= 7) *at++ = (uint8_t)(wide | 0x80);
    uint64_t rest = (uint64_t)wide;
    for (; rest >= 0x80; rest >>= 7) *at++ = (uint8_t)(rest | 0x80);
    *at++ = (uint8_t)rest;
    out->size = (size_t)(at - out->data);
}

static bool take_number(td_bytes *packed, td_i128 *out) {
    td_u128 value = 0;
    for (unsigned i = 0; i < NUMBER_MAX && i < packed->size; i++) {
        value |= (td_u128)(packed->data[i] & 0x7f) << 7 * i;
        if (packed->data[i] >= 0x80) continue;
        *out = (td_i128)(value >> 1) ^ -(td_i128)(value & 1);
        *packed = td_bytes_from(*packed, i + 1);
        return true;
    }
    return false;
}

/* Modulo 2^128: two numbers of 38 digits are further apart than its positive half. */
static td_i128 step_from(td_i128 from, td_i128 to) { return (td_i128)((td_u128)to - (td_u128)from); }
static td_i128 step_to(td_i128 from, td_i128 step) { return (td_i128)((td_u128)from + (td_u128)step); }

static void put_text(td_archive_pack *pack, size_t i, td_bytes text) {
    td_buf sound = {0};
    if (td_utf8_find_bad(text) < text.size) {
        td_buf_put_sound(&sound, text);
        text = td_buf_bytes(&sound);
    }
    put_number(&pack->data, (td_i128)text.size);
    pack->last[i] = (td_archive_last){.at = pack->data.size, .size = text.size};
    if (text.size > 0) td_buf_put(&pack->data, text.data, text.size);
    td_buf_fini(&sound);
}

static bool take_text(td_bytes *packed, td_bytes *out) {
    td_i128 size;
    if (!take_number(packed, &size) || size < 0 || size > (td_i128)packed->size) return false;
    *out = td_bytes_upto(*packed, (size_t)size);
    *packed = td_bytes_from(*packed, (size_t)size);
    return true;
}

static td_status check_digits(const td_duck_column *column, td_i128 m) {
    const td_i128 ten_19 = (td_i128)10 * 1000000000 * 1000000000;
    assert(column->precision == 19 || column->precision == 38);
    td_i128 bound = column->precision == 19 ? ten_19 : ten_19 * ten_19;
    if (m < bound && m > -bound) return TD_OK;
    return TD_FAIL(TD_CONFIG, "archive: %s has more than the %d digits that its column has", column->name,
                   column->precision);
}

/* What a cell is as a number, of whatever width. */
static td_i128 number_of(td_duck_type type, const td_cell *cell) {
    return type == TD_DUCK_DECIMAL ? cell->decimal : cell->number;
}

/* Before the first row all was 0 and empty, as it is for who unpacks. */
static bool is_as_before(const td_archive_pack *pack, size_t i, td_duck_type type, const td_cell *cell) {
    const td_archive_last *last = &pack->last[i];
    if (type != TD_DUCK_TEXT) return number_of(type, cell) == last->number;
    return td_bytes_equal((td_bytes){pack->data.data + last->at, last->size}, cell->text);
}

static td_status put_cell(td_archive_pack *pack, size_t i, const td_duck_column *column, const td_cell *cell) {
    if (column->type == TD_DUCK_TEXT) {
        put_text(pack, i, cell->text);
        return TD_OK;
    }
    td_i128 value = number_of(column->type, cell);
    put_number(&pack->data, step_from(pack->last[i].number, value));
    pack->last[i].number = value;
    if (column->type != TD_DUCK_DECIMAL) return TD_OK;
    assert(cell->scale == column->scale);
    return check_digits(column, value);
}

void td_archive_pack_begin(td_archive_pack *pack, const td_archive_form *form) {
    uint8_t columns = (uint8_t)form->table->column_count;
    pack->rows = 0;
    pack->data.size = 0;
    td_buf_put(&pack->data, &columns, sizeof columns);
    memset(pack->last, 0, sizeof pack->last);
}

td_status td_archive_pack_put(td_archive_pack *pack, const td_archive_form *form, const td_sink_row *row,
                              uint32_t partition) {
    td_cells cells;
    uint32_t nulls = 0, same = 0;
    size_t words_at = pack->data.size;
    td_status status = TD_OK;
    td_table_cells(td_table_of(row), row, partition, &cells);
    td_buf_put_u32(&pack->data, nulls);
    td_buf_put_u32(&pack->data, same);
    for (size_t i = 0, at = 1; i < form->table->column_count && status == TD_OK; i++, at++) {
        const td_cell *cell = &cells.items[i];
        const td_duck_column *column = &form->columns[at];
        bool skipped = cell->null || at == form->instrument;
        if (form->table->columns[i].instant != NULL) at++;
        nulls |= (uint32_t)skipped << i;
        if (skipped) continue;
        if (is_as_before(pack, i, column->type, cell))
            same |= UINT32_C(1) << i;
        else
            status = put_cell(pack, i, column, cell);
    }
    memcpy(pack->data.data + words_at, &nulls, sizeof nulls);
    memcpy(pack->data.data + words_at + sizeof nulls, &same, sizeof same);
    pack->rows++;
    return status;
}

static bool take_cell(td_bytes *packed, const td_duck_column *column, td_cell *cell) {
    td_i128 step;
    if (column->type == TD_DUCK_TEXT) return take_text(packed, &cell->text);
    if (!take_number(packed, &step)) return false;
    if (column->type == TD_DUCK_DECIMAL)
        cell->decimal = step_to(cell->decimal, step);
    else
        cell->number = (int64_t)step_to(cell->number, step);
    return true;
}

static td_cell cell_before(const td_column *column) {
    assert(column->before == NULL || column->type == TD_COLUMN_TEXT);
    return column->before != NULL ? (td_cell){.text = td_text(column->before)} : (td_cell){.null = true};
}

bool td_archive_rows_begin(td_archive_rows *out, const td_archive_form *form, td_bytes packed) {
    uint8_t columns;
    *out = (td_archive_rows){.form = form};
    if (!td_bytes_take(&packed, &columns, sizeof columns) || columns > form->table->column_count) return false;
    out->left = packed;
    out->columns = columns;
    out->cells[0].null = true;
    for (size_t i = 0, at = 1; i < form->table->column_count; i++, at++) {
        const td_column *column = &form->table->columns[i];
        if (i >= columns) out->cells[at] = cell_before(column);
        if (column->instant != NULL) at++;
        if (i >= columns && column->instant != NULL) out->cells[at].null = true;
    }
    return true;
}

bool td_archive_rows_next(td_archive_rows *rows) {
    const td_archive_form *form = rows->form;
    uint32_t nulls, same;
    if (!td_bytes_take(&rows->left, &nulls, sizeof nulls) || !td_bytes_take(&rows->left, &same, sizeof same))
        return false;
    for (size_t i = 0, at = 1; i < rows->columns; i++, at++) {
        td_cell *cell = &rows->cells[at];
        cell->null = (nulls >> i & 1) != 0;
        bool told = !cell->null && (same >> i & 1) == 0;
        if (told && !take_cell(&rows->left, &form->columns[at], cell)) return false;
        if (form->table->columns[i].instant == NULL) continue;
        rows->cells[++at].null = cell->null;
        if (told) rows->cells[at].number = td_archive_us(cell->number);
    }
    return true;
}

/* ---- names ---- */

void td_archive_put_folder(td_buf *out, const char *dir, const char *table, td_bytes instrument, int32_t day) {
    char date[40];
    (void)td_time_format(day * TD_NS_PER_DAY, date);
    td_buf_printf(out, "%s/%s/instrument=", dir, table);
    for (size_t i = 0; i < instrument.size; i++) {
        uint8_t c = instrument.data[i];
        bool plain = isalnum(c) != 0 || c == '_' || c == '-' || (c == '.' && i > 0);
        td_buf_printf(out, plain ? "%c" : "%%%02X", c);
    }
    if (instrument.size == 0) td_buf_text(out, "__HIVE_DEFAULT_PARTITION__"); /* what readers take for null */
    td_buf_printf(out, "/day=%.10s", date);
}
