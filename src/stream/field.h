/* src/stream/field.h - what bars, trades, quotes, books and news have by a name: the values that a graph's event
 * brings. */
#pragma once
#include "stream/value.h"

typedef enum td_field {
    /* of a bar */
    TD_FIELD_OPEN,
    TD_FIELD_HIGH,
    TD_FIELD_LOW,
    TD_FIELD_CLOSE,
    TD_FIELD_VWAP,
    TD_FIELD_VOLUME,
    TD_FIELD_TRADES,
    TD_FIELD_DIVIDENDS, /* cash since the graph's first bar, of one of its shares */
    /* of a trade */
    TD_FIELD_PRICE,
    TD_FIELD_SIZE,
    TD_FIELD_SIDE,        /* 1: the aggressor bought, -1: sold; na: the venue does not say */
    TD_FIELD_SIGNED_SIZE, /* size * side */
    TD_FIELD_ID,
    /* of a quote, or of a book */
    TD_FIELD_BID,
    TD_FIELD_ASK,
    TD_FIELD_MID, /* rounded half-even at 9 places */
    TD_FIELD_SPREAD,
    TD_FIELD_BID_SIZE, /* of so many best levels, as the node says */
    TD_FIELD_ASK_SIZE,
    TD_FIELD_IMBALANCE,  /* (bid sizes - ask sizes) / (bid sizes + ask sizes) of those */
    TD_FIELD_MICROPRICE, /* (bid * ask size + ask * bid size) / (bid size + ask size), of the best level */
    /* of news */
    TD_FIELD_SENTIMENT,
    TD_FIELD_HEADLINE, /* texts: for TD_OP_TEXT alone */
    TD_FIELD_SOURCE,
    TD_FIELD_URL,
    /* of any tick */
    TD_FIELD_EVENT, /* a condition, true: it is there */
    TD_FIELD_COUNT,
} td_field;

/* A node's field and, of a book's sizes, over how many of its best levels: 0 is 1. */
enum { TD_FIELD_BITS = 8, TD_FIELD_DEPTH_MAX = 100 };

static inline td_field td_field_of(uint32_t field_and_depth) {
    return (td_field)(field_and_depth & ((1u << TD_FIELD_BITS) - 1));
}

td_type td_field_type(td_field field);
/* True when no value of it needs more than eight bytes. */
bool td_field_is_narrow(td_field field);
