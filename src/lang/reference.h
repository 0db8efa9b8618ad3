/* src/lang/reference.h - what is known of instruments beside their ticks, `ref.sector`: the columns of the instrument
 * table that a text names stand behind it as comments, the header first, "#@=instrument,sector", then its rows,
 * "#@=NASDAQ:*,tech", and go with it into the program, as lists do (lists.h). Pure. Thread: any. */
#pragma once
#include "stream/value.h"

enum { TD_REFERENCE_COLUMNS_MAX = 64 };

typedef struct td_reference { /* {0}: the text has none; borrows the text */
    td_bytes columns[TD_REFERENCE_COLUMNS_MAX];
    size_t column_count; /* that of the instruments first */
    td_bytes rows;       /* for td_reference_next */
} td_reference;

/* The text names columns and does not have them yet. */
bool td_reference_is_wanted(td_bytes text);
/* Appends them from a table that td_listings_read has taken. Of a column that it does not have no rows are put, but all
 * that it has: the compiler says what is wrong. */
void td_reference_put(td_buf *text, td_bytes csv);

/* False: the text has none. */
bool td_reference_find(td_bytes text, td_reference *out);
/* Its place among the columns, or 0. */
size_t td_reference_column(const td_reference *reference, td_bytes name);

typedef struct td_reference_row {
    td_bytes cells[TD_REFERENCE_COLUMNS_MAX]; /* the first is VENUE:SYMBOL, or the beginning of such and '*' */
} td_reference_row;
/* Takes the next row off them; what it does not say is empty. False: there is none. */
bool td_reference_next(td_bytes *rows, td_reference_row *out);
/* A decimal, exactly. False: it is a text. */
bool td_reference_number(td_bytes cell, td_value *out);
