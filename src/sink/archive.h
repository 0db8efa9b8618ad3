/* src/sink/archive.h - what an archive's tables are: those of the stores (table.h) but for `latest` and `rejected`. A
 * row has the day of UTC that it belongs to, which is that of its event's time, of a bar that of its start, of what is
 * in quarantine that of its refusal; then its table's cells, each instant as a TIMESTAMPTZ, too. Pure. Thread: any. */
#pragma once
#include "os/duck.h"
#include "sink/table.h"

enum { TD_ARCHIVE_COUNT = TD_TABLE_LATEST }; /* of td_table_id */

/* Beyond a table's own columns there are its instants, and the day, which is the first one, so that what a table gets
 * later is behind all others in archives, too. */
enum { TD_ARCHIVE_COLUMNS_MAX = 2 * TD_TABLE_COLUMNS_MAX };

typedef struct td_archive_form {
    const td_table *table;
    td_duck_column columns[TD_ARCHIVE_COLUMNS_MAX];
    size_t count, instrument; /* which of them that is */
} td_archive_form;

void td_archive_form_init(td_archive_form *out, unsigned id);
/* "CREATE TABLE …", with `prefix` before its name. */
void td_archive_put_create(td_buf *out, const td_archive_form *form, const char *prefix);

/* What a table is called is what its topic is called. TD_ARCHIVE_COUNT: none is. */
unsigned td_archive_named(td_bytes name);
int32_t td_archive_day(int64_t ns);
/* Appends the row. Errors: as td_duck_rows_next, td_duck_rows_set_decimal. */
TD_CHECKED td_status td_archive_append(td_duck_rows *rows, const td_archive_form *form, const td_sink_row *row,
                                       uint32_t partition);

typedef struct td_archive_last { /* of a column, in the row before */
    td_i128 number;
    size_t at, size; /* of a text, where it lies */
} td_archive_last;

typedef struct td_archive_pack { /* rows of one table in few bytes, without their day and instrument; {0} before begin
                                  */
    td_buf data;
    int64_t rows;
    td_archive_last last[TD_TABLE_COLUMNS_MAX];
} td_archive_pack;

void td_archive_pack_begin(td_archive_pack *pack);
/* Numbers have the digits of their columns, or TD_CONFIG; what is no UTF-8 becomes U+FFFD. */
TD_CHECKED td_status td_archive_pack_put(td_archive_pack *pack, const td_archive_form *form, const td_sink_row *row,
                                         uint32_t partition);
/* The next row of a pack, a cell for each column of the form, of which those two are null. `cells` are zero before the
 * first row of a pack, and then those of the row before; texts are lent by the pack. False: it is none. */
bool td_archive_unpack(td_bytes *packed, const td_archive_form *form, td_cell cells[TD_ARCHIVE_COLUMNS_MAX]);

/* DIR/bars/instrument=LEAN%3AIBM/day=2013-10-07 */
void td_archive_put_folder(td_buf *out, const char *dir, const char *table, td_bytes instrument, int32_t day);
