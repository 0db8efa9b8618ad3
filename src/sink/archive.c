/* src/sink/archive.c - tables of an archive. */
#include "sink/archive.h"
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
        out->columns[out->count++] = column_of(column);
        if (column->instant != NULL)
            out->columns[out->count++] = (td_duck_column){.name = column->instant, .type = TD_DUCK_INSTANT};
    }
}

void td_archive_put_create(td_buf *out, const td_archive_form *form, const char *prefix) {
    char type[TD_DUCK_TYPE_MAX];
    td_buf_printf(out, "CREATE TABLE IF NOT EXISTS %s%s(", prefix, form->table->name);
    for (size_t i = 0; i < form->count; i++) {
        td_duck_type_name(&form->columns[i], type);
        td_buf_printf(out, "%s\"%s\" %s", i > 0 ? ", " : "", form->columns[i].name, type);
    }
    td_buf_text(out, ");");
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
    td_status status = td_duck_rows_next(rows);
    if (status == TD_OK) td_duck_rows_set_number(rows, 0, td_archive_day(td_sink_row_time(row)));
    for (size_t i = 0, at = 1; i < cells.count && status == TD_OK; i++, at++) {
        const td_cell *cell = &cells.items[i];
        status = set_cell(rows, form, at, cell);
        if (form->table->columns[i].instant == NULL) continue;
        at++;
        if (!cell->null) td_duck_rows_set_number(rows, at, td_window_start(cell->number, TD_NS_PER_US) / TD_NS_PER_US);
    }
    return status;
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
