/* src/stream/tick.h - a trade, a quote or a book as a graph sees it: its fields, each read when a node asks for
 * it. A view, lent for one run: owns nothing, allocates nothing. Thread: any. */
#pragma once
#include "stream/book.h"
#include "stream/field.h"

typedef struct td_tick {
    int64_t event_ns, known_at_ns;
    int64_t price; /* what its signals tell: of quotes and books the mid, or the only side */
    uint32_t feed; /* indexes in the owner's tables */
    uint32_t instrument;
    const td_event *event;    /* a trade or a quote, or NULL and */
    const td_books_row *book; /* a book, between two messages */
} td_tick;

/* False: there is nothing to be seen, of a quote or a book without sides. */
bool td_tick_of_event(const td_event *event, td_tick *out);
bool td_tick_of_book(const td_event *event, const td_books_row *book, uint32_t instrument, td_tick *out);

/* na: the tick does not say it. */
td_value td_tick_field(const td_tick *tick, uint32_t field_and_depth);
