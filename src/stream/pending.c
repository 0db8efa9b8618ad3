/* src/stream/pending.c - a sorted row in twice its room: most trades come in order and are put at its end. */
#include "stream/pending.h"
#include "base/time.h"
#include <assert.h>
#include <stdlib.h>

enum { ROOM = 2 * TD_PENDING_MAX };

void td_pending_begin(td_pending *p) {
    if (p->trades == NULL) p->trades = td_alloc(ROOM * sizeof *p->trades);
}

void td_pending_fini(td_pending *p) {
    free(p->trades);
    *p = (td_pending){0};
}

static bool is_before(const td_pending_trade *a, const td_pending_trade *b) {
    if (a->event_ns != b->event_ns) return a->event_ns < b->event_ns;
    if (a->instrument != b->instrument) return a->instrument < b->instrument;
    return a->trade_id < b->trade_id;
}

void td_pending_put(td_pending *p, const td_pending_trade *trade) {
    uint32_t count = td_pending_count(p), at;
    assert(count < TD_PENDING_MAX);
    if (p->end == ROOM) {
        memmove(p->trades, p->trades + p->first, count * sizeof *p->trades);
        p->first = 0;
        p->end = count;
    }
    for (at = p->end++; at > p->first && is_before(trade, &p->trades[at - 1]); at--) p->trades[at] = p->trades[at - 1];
    p->trades[at] = *trade;
}

td_pending_trade td_pending_take(td_pending *p) {
    td_pending_trade first = p->trades[p->first++];
    if (p->first == p->end) p->first = p->end = 0; /* what is used again is in the cache */
    p->left_ns = td_most(p->left_ns, first.event_ns);
    return first;
}

bool td_pending_take_of(td_pending *p, uint32_t instrument, td_pending_trade *out) {
    for (uint32_t i = p->first; i < p->end; i++) {
        if (p->trades[i].instrument != instrument) continue;
        *out = p->trades[i];
        memmove(&p->trades[i], &p->trades[i + 1], (p->end - i - 1) * sizeof *p->trades);
        p->end--;
        return true;
    }
    return false;
}

void td_pending_copy(td_pending *to, const td_pending *from) {
    to->first = 0;
    to->end = td_pending_count(from);
    to->left_ns = from->left_ns;
    memcpy(to->trades, from->trades + from->first, to->end * sizeof *to->trades);
}

void td_pending_save(const td_pending *p, td_buf *out) {
    td_buf_put(out, &p->left_ns, sizeof p->left_ns);
    td_buf_put_u32(out, td_pending_count(p));
    if (td_pending_count(p) > 0) td_buf_put(out, p->trades + p->first, td_pending_count(p) * sizeof *p->trades);
}

bool td_pending_load(td_pending *p, td_bytes *bytes, uint32_t instrument_count) {
    uint32_t count;
    if (!td_bytes_take(bytes, &p->left_ns, sizeof p->left_ns) || !td_bytes_take(bytes, &count, sizeof count))
        return false;
    if (count > TD_PENDING_MAX) return false;
    for (uint32_t i = 0; i < count; i++) {
        td_pending_trade trade;
        if (!td_bytes_take(bytes, &trade, sizeof trade) || trade.instrument >= instrument_count) return false;
        bool sound = trade.size > 0 && trade.price > 0 && trade.admits > TD_ADMITS_NOTHING;
        if (!sound || (i > 0 && is_before(&trade, &p->trades[p->end - 1]))) return false;
        td_pending_put(p, &trade);
    }
    return true;
}
