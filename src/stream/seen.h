/* src/stream/seen.h - which numbers were seen, within a bound. A plain value without pointers, all zero before the
 * first: a snapshot copies it. No clock, no file, no allocation. Thread: the owner's.
 *
 * Ordered ids (a venue that counts its trades of an instrument): a bit for each of the last TD_SEEN_BITS or so, in
 * whatever order they come; what lies below is kept as spans, the highest TD_SEEN_SPANS of them: exact until as many
 * holes stand open, then the lowest span is forgotten and what is below counts as new. An id that was seen, or lies
 * below all that were, of a trade later than all before it is no double: the venue counts anew, and so do we. The id of
 * a trade that was refused has not been seen, but nobody misses it.
 * Ids in any order are compared with the last TD_SEEN_RING. */
#pragma once
#include "model/event.h"

enum { TD_SEEN_SPANS = 16, TD_SEEN_WORDS = 64, TD_SEEN_BITS = 64 * TD_SEEN_WORDS, TD_SEEN_RING = 32 };

typedef struct td_spans { /* disjoint, with holes between them, the highest first */
    uint64_t count;
    struct {
        int64_t first, last;
    } at[TD_SEEN_SPANS];
} td_spans;

typedef enum td_id_place {                /* of a trade's id among those seen */
                           TD_ID_DOUBLE,  /* it is one of them */
                           TD_ID_NEXT,    /* it follows the highest, or ids do not count */
                           TD_ID_AWAITED, /* it follows the highest after td_seen_await */
                           TD_ID_BEYOND,  /* above that: those between are missing */
                           TD_ID_BELOW,
                           TD_ID_FIRST, /* of all, or of a venue that counts anew */
} td_id_place;

typedef struct td_ids {
    uint32_t begun;                /* 0: none yet */
    uint32_t awaited;              /* somebody waits for what comes above the highest */
    int64_t first, high;           /* the lowest of the run, or near it, and the highest */
    int64_t before, before_ns;     /* high, and newest_ns, before the last id that was out of line */
    uint64_t words[TD_SEEN_WORDS]; /* id i is bit i % 64 of word i / 64 % TD_SEEN_WORDS */
    td_spans older;                /* than the words go back */
} td_ids;

typedef struct td_id_ring {
    uint64_t count; /* put in so far */
    int64_t ids[TD_SEEN_RING];
} td_id_ring;

typedef struct td_seen { /* ids of one instrument's accepted trades; by what the feed's ids are, one of the two */
    int64_t newest_ns;   /* the latest event time among them */
    union {
        td_ids ids;
        td_id_ring ring;
    };
} td_seen;

/* Adds a number. False: it was there. */
bool td_spans_add(td_spans *spans, int64_t number);

/* td_seen_add_ordered where the id does not simply follow the highest. */
td_id_place td_seen_add_out_of_line(td_seen *seen, const td_event *trade);

/* Adds the id of a trade that has one. */
static inline td_id_place td_seen_add_ordered(td_seen *seen, const td_event *trade) {
    int64_t id = trade->trade.trade_id;
    td_ids *ids = &seen->ids;
    if (ids->begun <= ids->awaited || id - 1 != ids->high || id % 64 == 0) return td_seen_add_out_of_line(seen, trade);
    ids->high = id;
    ids->words[(uint64_t)id / 64 % TD_SEEN_WORDS] |= UINT64_C(1) << ((uint64_t)id % 64);
    if (trade->event_ns > seen->newest_ns) seen->newest_ns = trade->event_ns;
    return TD_ID_NEXT;
}
/* The trade was refused: its id is not added, but is not missing either. NEXT, AWAITED or BEYOND, or DOUBLE when it
 * does not lie above the highest. */
td_id_place td_seen_pass_ordered(td_seen *seen, const td_event *trade);
/* What comes next above the highest will be AWAITED, BEYOND or FIRST. */
void td_seen_await(td_seen *seen);
/* False: it is among the last ones. */
bool td_id_ring_add(td_id_ring *ring, int64_t id);
static inline bool td_seen_add_any(td_seen *seen, const td_event *trade) {
    return td_id_ring_add(&seen->ring, trade->trade.trade_id);
}
