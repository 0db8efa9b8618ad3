/* tests/fuzz/answer_fuzz.h - what holds of each row that an answer of a vendor's gives, whatever its bytes. */
#pragma once
#include "base/time.h"
#include "feed/answer.h"
#include <assert.h>

static inline void fuzz_check_row(void *arg, const td_recorded *row, td_bytes bytes) {
    const td_event *e = &row->event;
    const td_vendor_bar *bar = &e->vendor_bar;
    *(size_t *)arg += 1;
    assert(bytes.size > 0);
    if (row->kind == TD_ITEM_REJECTED) {
        assert(row->reason != TD_REASON_NONE && row->detail != NULL);
        return;
    }
    assert(row->kind == TD_ITEM_EVENT && e->event_ns > 0 && e->event_ns <= TD_FEED_INSTANT_MAX_NS);
    if (e->kind == TD_EVENT_PRICE) return;
    assert(e->kind == TD_EVENT_VENDOR_BAR && bar->width_ns > 0 && bar->start_ns < e->event_ns);
    assert(e->event_ns - bar->start_ns <= bar->width_ns + TD_NS_PER_HOUR); /* a day in autumn */
    assert(bar->low > 0 && bar->low <= bar->open && bar->low <= bar->close);
    assert(bar->high >= bar->open && bar->high >= bar->close && (bar->volume == TD_NONE || bar->volume >= 0));
}
