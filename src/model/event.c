/* src/model/event.c - the names of kinds of events, of sides, and of where events come from. */
#include "model/event.h"

const char *td_event_kind_name(td_event_kind kind) {
    static const char *const names[] = {
        [TD_EVENT_TRADE] = "trade",      [TD_EVENT_QUOTE] = "quote",      [TD_EVENT_TIME] = "Time",
        [TD_EVENT_PROGRAM] = "Program",  [TD_EVENT_FILLED] = "Filled",    [TD_EVENT_PRICE] = "price",
        [TD_EVENT_CORPORATE] = "action", [TD_EVENT_BOOK] = "book update", [TD_EVENT_VENDOR_BAR] = "vendor bar",
        [TD_EVENT_NEWS] = "news",
    };
    return names[kind];
}

const char *td_event_origin_name(td_event_origin origin) {
    static const char *const names[] = {"feed", "release", "backfill"};
    return names[origin];
}

const char *td_side_name(td_side side) {
    static const char *const names[] = {[TD_SIDE_UNKNOWN] = "unknown", [TD_SIDE_BUY] = "buy", [TD_SIDE_SELL] = "sell"};
    return names[side];
}
