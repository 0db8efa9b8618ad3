/* src/stream/book.h - order books, as far as the tape has told: of each instrument that has one the best levels of both
 * sides. By name, as books may be told of instruments that nobody trades here. {0} begins.
 *
 * A book is readable from the end of a snapshot on, until an update is missing: a hole in the venue's numbers, an event
 * that says so, or its feed's session down; then from the end of the next snapshot. What a message says counts when it
 * is whole. A book whose best bid is not below its best ask is not read either, but goes on.
 *
 * A snapshot that is asked for comes behind updates that are newer than it. While a book waits for one, it keeps what
 * they say of each price; where a snapshot has the numbers up to the first of them, what they said stands and the
 * snapshot says the rest. A snapshot from before that is of no use, as is one that the book is past already.
 *
 * Full: TD_BOOK_DEPTH levels of a side are kept, the best ones; what is worse falls out and does not come back when
 * better ones go. Memory: 32 KB per book, taken when it is first told. A plain function of its calls. Thread: the
 * state's owner. */
#pragma once
#include "base/decimal.h"
#include "model/event.h"
#include "model/instrument.h"
#include "stream/gaps.h"

enum { TD_BOOK_DEPTH = 1000 };

typedef struct td_books {
    td_instruments *names;     /* NULL: nothing was told yet */
    struct td_books_row *rows; /* by index of the name */
    uint32_t row_capacity;
} td_books;

typedef enum td_book_word {
    TD_BOOK_NONE, /* it was no book's */
    TD_BOOK_TAKEN,
    TD_BOOK_OLD,     /* the book has it in already */
    TD_BOOK_HOLE,    /* something is missing before it: the book waits for its next snapshot */
    TD_BOOK_WAITING, /* … as it did before this update, or this snapshot that is too old */
    TD_BOOK_WORDS,
} td_book_word;

/* Of the event: feed, time and book, whose levels are there. The book's gap: what the last hole in its numbers has
 * left, number 0 until the caller tells it, who zeroes it when it is closed: a book that is TAKEN whole has none.
 * Borrowed until the next call. */
td_book_word td_books_put(td_books *books, td_bytes instrument, const td_event *event, td_hole **out_gap);
/* The session of that feed is down: all of its books wait for their next snapshot. */
void td_books_stop(td_books *books, uint32_t feed);

/* The gap of the next book of that feed that has one told, from *at on, which moves on. NULL: no more. */
td_hole *td_books_next_gap(const td_books *books, uint32_t feed, uint32_t *at, td_bytes *out_instrument);

typedef enum td_book_standing {
    TD_BOOK_UNTOLD,   /* there is none */
    TD_BOOK_STOPPED,  /* it waits for a snapshot */
    TD_BOOK_CHANGING, /* a message of it is not whole yet */
    TD_BOOK_CROSSED,  /* its best bid is not below its best ask */
    TD_BOOK_READABLE,
} td_book_standing;

/* One book, as it stands; borrowed until the next of another name is told. NULL: there is none. */
typedef struct td_books_row td_books_row;
const td_books_row *td_books_find(const td_books *books, td_bytes instrument);
td_book_standing td_book_standing_of(const td_books_row *book);
/* Size 0: nobody is on that side. */
td_book_level td_book_best(const td_books_row *book, td_book_side side);
td_i128 td_book_size(const td_books_row *book, td_book_side side, uint32_t depth); /* of the best levels */
/* (bids - asks) / (bids + asks), 0 of none. */
double td_book_imbalance(td_i128 bids, td_i128 asks);

typedef struct td_book_view {
    td_book_standing standing; /* what follows is nothing unless it is READABLE, but for */
    int64_t gap;               /* its gap by number; 0: none was told */
    td_book_level bid, ask;    /* the best */
    double imbalance;          /* of the sizes of the best `depth` levels */
} td_book_view;
/* Is there a book to be read? `depth` >= 1. */
bool td_books_view(const td_books *books, td_bytes instrument, uint32_t depth, td_book_view *out);
/* The best levels of a side of a book that was viewed, at most so many; returns how many there are. */
uint32_t td_books_levels(const td_books *books, td_bytes instrument, td_book_side side, uint32_t most,
                         td_book_level *out);
void td_books_fini(td_books *books);

/* Appends all as bytes, and reads them back from the front of *bytes into an empty one, where there are so many
 * feeds. False: no such bytes. */
void td_books_save(const td_books *books, td_buf *out);
size_t td_books_bytes(const td_books *books); /* not less than those */
bool td_books_load(td_books *books, td_bytes *bytes, uint32_t feeds);
