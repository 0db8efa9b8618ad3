/* src/stream/seen.h - which numbers were seen, within a bound. A plain value without pointers, all zero before the
 * first: a snapshot copies it. No clock, no file, no allocation. Thread: the owner's.
 *
 * Ordered ids (a venue that counts its trades of an instrument) are kept as spans, the highest TD_SEEN_SPANS of them:
 * exact until as many holes stand open, then the lowest span is forgotten and what is below counts as new. An id that
 * was seen, of a trade later than all before it, is no double: the venue has begun to count anew, and so do we.
 * Ids in any order are compared with the last TD_SEEN_RING. */
#pragma once
#include "model/event.h"

enum { TD_SEEN_SPANS = 16, TD_SEEN_RING = 2 * TD_SEEN_SPANS };

typedef struct td_spans { /* disjoint, with holes between them, the highest first */
    uint64_t count;
    struct {
        int64_t first, last;
    } at[TD_SEEN_SPANS];
} td_spans;

typedef struct td_seen { /* ids of one instrument's accepted trades; by what the feed's ids are, one of the two */
    int64_t newest_ns;   /* the latest event time among them */
    union {
        td_spans spans;
        struct {
            uint64_t count; /* put in so far */
            int64_t ids[TD_SEEN_RING];
        } ring;
    };
} td_seen;

bool td_spans_has(const td_spans *spans, int64_t number);
/* Adds a number. False: it was there. */
bool td_spans_add(td_spans *spans, int64_t number);

/* td_seen_add_ordered where the id does not simply follow the highest. */
bool td_seen_add_out_of_line(td_seen *seen, const td_event *trade);

/* Adds the id of a trade that has one. False: it is a double. */
static inline bool td_seen_add_ordered(td_seen *seen, const td_event *trade) {
    if (seen->spans.count == 0 || trade->trade.trade_id - 1 != seen->spans.at[0].last)
        return td_seen_add_out_of_line(seen, trade);
    seen->spans.at[0].last = trade->trade.trade_id;
    if (trade->event_ns > seen->newest_ns) seen->newest_ns = trade->event_ns;
    return true;
}
bool td_seen_add_any(td_seen *seen, const td_event *trade);
