/* src/serve/offer.h - records that ingest is asked to append to the tape, one after the other, and what became of each.
 * Where 10 s pass without an answer the rest is withdrawn. Thread: the server's. */
#pragma once
#include "serve/view.h"

typedef enum td_offer_state {
    TD_OFFER_OPEN,
    TD_OFFER_DONE,    /* it is on the tape */
    TD_OFFER_UNTAKEN, /* it is not, and will not be */
    TD_OFFER_UNSURE,  /* it was taken, and may be on the tape */
} td_offer_state;

typedef struct td_offer {
    uint32_t partition;
    td_offer_state state;
    td_bytes key, value; /* borrowed */
    uint64_t ticket;
} td_offer;

typedef struct td_offers {
    const td_view *view;
    td_offer *items; /* owned */
    size_t count, put, answered;
    int64_t moved_ns; /* when something was put or answered last */
} td_offers;

/* So many, open, for the caller to fill. */
void td_offers_init(td_offers *offers, const td_view *view, size_t count);
void td_offers_fini(td_offers *offers); /* withdraws what waits; {0} is fine */
/* TD_OK: each has its state. TD_FULL: waits for another thread, call again later. */
TD_CHECKED td_status td_offers_step(td_offers *offers);
