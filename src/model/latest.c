/* src/model/latest.c - what an event or a bar says is newest. */
#include "model/latest.h"
#include <assert.h>

const char *td_latest_kind_name(td_latest_kind kind) {
    static const char *const names[] = {"", "trade", "quote", "bar"};
    assert(kind != TD_LATEST_NONE);
    return names[kind];
}

td_latest td_latest_of_event(const td_event *event, int64_t ord) {
    td_latest_kind kind = event->kind == TD_EVENT_TRADE   ? TD_LATEST_TRADE
                          : event->kind == TD_EVENT_QUOTE ? TD_LATEST_QUOTE
                                                          : TD_LATEST_NONE;
    return (td_latest){kind, event->event_ns, ord, event->receive_ns, td_numbers_of(event)};
}

td_latest td_latest_of_bar(const td_bar *bar, int64_t ord) {
    td_latest said = {TD_LATEST_BAR, bar->end_ns, ord, bar->known_at_ns, td_no_numbers};
    said.numbers.price = bar->close;
    return said;
}

bool td_latest_is_newer(const td_latest *said, const td_latest *than) {
    if (than->kind == TD_LATEST_NONE) return true;
    return said->event_ns != than->event_ns ? said->event_ns > than->event_ns : said->ord > than->ord;
}
