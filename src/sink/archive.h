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
    size_t count;
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

/* DIR/bars/instrument=LEAN%3AIBM/day=2013-10-07 */
void td_archive_put_folder(td_buf *out, const char *dir, const char *table, td_bytes instrument, int32_t day);
