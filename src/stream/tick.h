/* src/stream/tick.h - a trade, a quote, a book or news as a graph sees it: its fields, each read when a node asks for
 * it. A view, lent for one run: owns nothing, allocates nothing. Thread: any. */
#pragma once
#include "stream/book.h"
#include "stream/field.h"

typedef struct td_tick {
    int64_t event_ns, known_at_ns;
    int64_t price; /* what its signals tell: of quotes and books the mid, or the only side; of news of the last trade */
    uint32_t feed; /* indexes in the owner's tables */
    uint32_t instrument;
    const td_event *event;    /* a trade, a quote or news, or NULL and */
    const td_books_row *book; /* a book, between two messages */
} td_tick;

/* False: there is nothing to be seen, of a quote or a book without sides. */
bool td_tick_of_event(const td_event *event, td_tick *out);
bool td_tick_of_book(const td_event *event, const td_books_row *book, uint32_t instrument, td_tick *out);

/* na: the tick does not say it. */
td_value td_tick_field(const td_tick *tick, uint32_t field_and_depth);

typedef enum td_text_relation {
    TD_TEXT_IS,
    TD_TEXT_HAS,   /* the field has the text in it */
    TD_TEXT_IS_IN, /* the text has the field in it */
} td_text_relation;

/* A text field and how it stands to a text; in a node's n. What is in what takes no notice of the case of A to Z. */
static inline uint32_t td_text_test(td_field field, td_text_relation relation) {
    return (uint32_t)field | (uint32_t)relation << TD_FIELD_BITS;
}
/* Of news. na: it does not say the field. */
td_value td_tick_text(const td_tick *tick, uint32_t test, td_bytes text);
