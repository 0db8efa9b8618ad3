/* src/stream/book.h - order books, as far as the tape has told: of each instrument that has one the best levels of both
 * sides. By name, as books may be told of instruments that nobody trades here. {0} begins.
 *
 * A book is readable from the end of a snapshot on, until an update is missing: a hole in the venue's numbers, or its
 * feed's session down; then from the end of the next snapshot. What a message says counts when it is whole. A book
 * whose best bid is not below its best ask is not read either, but goes on.
 *
 * Full: TD_BOOK_DEPTH levels of a side are kept, the best ones; what is worse falls out and does not come back when
 * better ones go. Memory: 32 KB per book, taken when it is first told. A plain function of its calls. Thread: the
 * state's owner. */
#pragma once
#include "model/event.h"
#include "model/instrument.h"

enum { TD_BOOK_DEPTH = 1000 };

typedef struct td_books {
    td_instruments *names;     /* NULL: nothing was told yet */
    struct td_books_row *rows; /* by index of the name */
    uint32_t row_capacity;
} td_books;

typedef enum td_book_word {
    TD_BOOK_NONE, /* it was no book's */
    TD_BOOK_TAKEN,
    TD_BOOK_OLD,     /* a snapshot has it in already */
    TD_BOOK_HOLE,    /* something is missing before it: the book waits for its next snapshot */
    TD_BOOK_WAITING, /* … as it did before this update */
    TD_BOOK_WORDS,
} td_book_word;

/* Of the event: feed and book, whose levels are there. */
td_book_word td_books_put(td_books *books, td_bytes instrument, const td_event *event);
/* The session of that feed is down: all of its books wait for their next snapshot. */
void td_books_stop(td_books *books, uint32_t feed);

typedef struct td_book_view {
    td_book_level bid, ask; /* the best; size 0: nobody is on that side */
    double imbalance;       /* of the sizes of the best `depth` levels: (bids - asks) / (bids + asks), 0 of none */
} td_book_view;
/* False: there is no book to be read. `depth` >= 1. */
bool td_books_view(const td_books *books, td_bytes instrument, uint32_t depth, td_book_view *out);
void td_books_fini(td_books *books);

/* Appends all as bytes, and reads them back from the front of *bytes into an empty one, where there are so many
 * feeds. False: no such bytes. */
void td_books_save(const td_books *books, td_buf *out);
size_t td_books_bytes(const td_books *books); /* not less than those */
bool td_books_load(td_books *books, td_bytes *bytes, uint32_t feeds);
