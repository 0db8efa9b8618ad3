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

/* What a table is called is what its topic is called. TD_ARCHIVE_COUNT: none is. */
unsigned td_archive_named(td_bytes name);
int32_t td_archive_day(int64_t ns);
int64_t td_archive_us(int64_t ns); /* the microsecond that it is in, but in the first one that there is */
/* Appends the row to what is not full. Errors: as td_duck_rows_set_decimal. */
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

void td_archive_pack_begin(td_archive_pack *pack, const td_archive_form *form);
/* Numbers have the digits of their columns, or TD_CONFIG; what is no UTF-8 becomes U+FFFD. */
TD_CHECKED td_status td_archive_pack_put(td_archive_pack *pack, const td_archive_form *form, const td_sink_row *row,
                                         uint32_t partition);

typedef struct td_archive_rows { /* of a pack, one after the other; borrows it and the form */
    const td_archive_form *form;
    td_bytes left;                         /* empty: there are no more */
    size_t columns;                        /* of the table's that it has, which are the first ones */
    td_cell cells[TD_ARCHIVE_COLUMNS_MAX]; /* of the row that came last, for each column of the form */
} td_archive_rows;

/* False: it has columns that the table does not have. */
bool td_archive_rows_begin(td_archive_rows *out, const td_archive_form *form, td_bytes packed);
/* Takes the next row: day and instrument are null, what the table got after the pack was made is as its column says for
 * rows of older programs, or null. Texts are lent by the pack. False: it is none. */
bool td_archive_rows_next(td_archive_rows *rows);

/* DIR/bars/instrument=LEAN%3AIBM/day=2013-10-07 */
void td_archive_put_folder(td_buf *out, const char *dir, const char *table, td_bytes instrument, int32_t day);
