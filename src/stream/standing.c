/* src/stream/standing.c - prices and doubts of instruments that legs trade. */
#include "stream/standing.h"
#include "stream/ledger.h"
#include <inttypes.h>
#include <stdio.h>

void td_state_read_standing(const td_state *s, td_bytes instrument, td_period over, td_standing *out) {
    uint32_t index = td_instruments_find(s->instruments, instrument);
    *out = (td_standing){.instrument = index};
    const block_head *block = index != UINT32_MAX ? block_of(s, index) : NULL;
    if (block == NULL || block->feed == NO_FEED || block->recent.last == 0) {
        (void)snprintf(out->doubt, sizeof out->doubt, "%.*s has no trade yet", (int)instrument.size,
                       (const char *)instrument.data);
        return;
    }
    out->price = block->recent.last;
    const feed_state *feed = &s->feeds[block->feed];
    int64_t gap = td_ledger_number_over(s, index, over.start_ns, over.end_ns);
    if (gap == 0 && feed->session != TD_SESSION_DOWN && feed->silent == 0) return;
    int size = snprintf(out->doubt, sizeof out->doubt, "%.*s: ", (int)instrument.size, (const char *)instrument.data);
    if (gap > 0)
        (void)snprintf(out->doubt + size, sizeof out->doubt - (size_t)size, "gap %" PRId64, gap);
    else
        (void)snprintf(out->doubt + size, sizeof out->doubt - (size_t)size, "feed %s",
                       feed->session == TD_SESSION_DOWN ? "down" : "silent");
}
