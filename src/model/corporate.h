/* src/model/corporate.h - corporate actions: splits, cash dividends and new symbols, and what a split makes of a bar.
 * Plain values. Thread: any. */
#pragma once
#include "model/bar.h"
#include "model/event.h"

/* Shares may become so many times more or fewer in one split; and no row of a file says more of a text. */
enum { TD_SPLIT_SIDE_MAX = 1000000, TD_CORPORATE_TEXT_MAX = 255 };

/* Words as published: "split", "dividend", "symbol". Literals. */
const char *td_corporate_kind_name(td_corporate_kind kind);

/* As people write them; what is not said has size 0. Borrowed. */
typedef struct td_corporate_words {
    td_bytes date;      /* "2014-06-09": it applies from the begin of that day at the exchange */
    td_bytes kind;      /* "split", "dividend" or "symbol" */
    td_bytes value;     /* "7:1" (new for old), "0.82" (of one share), "META" */
    td_bytes currency;  /* of a dividend */
    td_bytes announced; /* a day or an instant; unsaid: the day before the date */
    td_bytes source;    /* who says so */
} td_corporate_words;

/* Fills kind, event_ns and what it says; texts are borrowed. NULL, or what is wrong, a literal: a side of a split that
 * is 0 or above 10^6, one that changes nothing, a dividend that is not above 0, a symbol that no instrument can have, a
 * day outside of 1970 to 2200. */
const char *td_corporate_read(const td_corporate_words *words, td_event *out);
void td_corporate_put_value(td_buf *out, const td_corporate *corporate); /* as it is read */
/* When it came to be known to whoever keeps the tape: received, or where a file said so, announced. */
static inline int64_t td_corporate_known_ns(const td_event *event) {
    return event->receive_ns > 0 ? event->receive_ns : event->event_ns;
}

/* What one share of before has become: numerator / denominator shares, reduced. {1, 1}: one share. */
typedef struct td_split {
    int64_t numerator, denominator;
} td_split;

/* One after the other. False, and nothing changes, when a side of both together is above 10^12. */
bool td_split_add(td_split *split, int64_t numerator, int64_t denominator);
/* m / split and m * split, rounded half to even; what does not fit stands at the greatest number that does. */
td_i128 td_split_price(td_split split, td_i128 m);
td_i128 td_split_size(td_split split, td_i128 m);
/* The bar in shares of after: prices divided, volume multiplied; the notional stays, vwap comes from it. */
void td_split_bar(td_split split, td_bar *bar);
