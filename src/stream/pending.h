/* src/stream/pending.h - trades of a feed that bars by count wait for: until the watermark has passed a trade's time
 * one that belongs before it may still come. They leave in the order (event time, instrument, trade id, arrival), so
 * that such bars do not depend on how trades were mixed on their way here. Full: of more than TD_PENDING_MAX the first
 * leaves early; what then comes with a time before it is late. A value that owns its room, all zero before the first
 * trade. No allocation behind td_pending_begin. Thread: the owner's of the state. */
#pragma once
#include "base/bytes.h"
#include "model/condition.h"

enum { TD_PENDING_MAX = 16384 };

typedef struct td_pending_trade {
    int64_t event_ns, trade_id, price, size;
    uint32_t instrument;
    uint8_t admits; /* td_admits: at least VOLUME */
    uint8_t zero[3];
} td_pending_trade;
_Static_assert(sizeof(td_pending_trade) == 40, "the snapshot format depends on this layout");

typedef struct td_pending {
    td_pending_trade *trades; /* those that wait lie at [first, end) */
    uint32_t first, end;
    int64_t left_ns; /* times of those that left; what is earlier is late. 0: none has */
} td_pending;

void td_pending_begin(td_pending *pending);
void td_pending_fini(td_pending *pending);

static inline uint32_t td_pending_count(const td_pending *p) { return p->end - p->first; }
/* The next one to leave, or NULL. */
static inline const td_pending_trade *td_pending_next(const td_pending *p) {
    return p->first < p->end ? &p->trades[p->first] : NULL;
}
/* There is room: td_pending_count is below TD_PENDING_MAX. */
void td_pending_put(td_pending *pending, const td_pending_trade *trade);
td_pending_trade td_pending_take(td_pending *pending);
/* The next one of that instrument. False: there is none. */
bool td_pending_take_of(td_pending *pending, uint32_t instrument, td_pending_trade *out);

void td_pending_copy(td_pending *to, const td_pending *from); /* both have begun */
/* Errors: td_pending_load answers false to bytes that td_pending_save cannot have written. */
void td_pending_save(const td_pending *pending, td_buf *out);
bool td_pending_load(td_pending *pending, td_bytes *bytes, uint32_t instrument_count);
