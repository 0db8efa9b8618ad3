/* src/model/fill.h - a fill of a strategy's paper position: what the tape would have given for a change of its target.
 * A plain value; texts are borrowed. One signal has at most one fill: a target that another signal has overtaken before
 * it was filled is filled by that one's. */
#pragma once
#include "base/decimal.h"
#include "model/event.h"

typedef enum td_fill_kind {
    TD_FILL_NEXT,  /* the next trade of the instrument */
    TD_FILL_OPEN,  /* the first trade of the next bar */
    TD_FILL_TOUCH, /* the other side, as the newest quote or book has it */
    TD_FILL_KIND_COUNT,
} td_fill_kind;

typedef struct td_fill {
    td_bytes strategy;
    td_bytes signal;     /* its id */
    td_bytes leg;        /* the instrument, when it is not the one that the strategy ran on */
    uint32_t instrument; /* index in the owner's table */
    int64_t event_ns;    /* of the trade that gave the price; at the touch the instant at which it stood there */
    int64_t known_at_ns; /* receive time of what told it */
    td_i128 quantity;    /* decimal(38,8), > 0 */
    int64_t price;       /* decimal(19,9) */
    int64_t position;    /* decimal(19,8), signed: held after it */
    uint8_t side;        /* td_side: TD_SIDE_BUY or TD_SIDE_SELL */
    uint8_t kind;        /* td_fill_kind */
} td_fill;

static inline td_bytes td_fill_traded(const td_fill *fill, td_bytes instrument) {
    return fill->leg.size > 0 ? fill->leg : instrument;
}

/* Words as published: "buy", "next". Literals. */
const char *td_fill_side_name(td_side side);
const char *td_fill_kind_name(td_fill_kind kind);
