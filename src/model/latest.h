/* src/model/latest.h - what is newest of an instrument: its last trade and quote, or a bar's close. Of two that say it
 * of one instrument the later event counts, of one instant the later place. Pure. */
#pragma once
#include "model/bar.h"
#include "model/numbers.h"

typedef enum td_latest_kind {
    TD_LATEST_NONE,
    TD_LATEST_TRADE,
    TD_LATEST_QUOTE,
    TD_LATEST_BAR,
    TD_LATEST_KIND_COUNT
} td_latest_kind;

typedef struct td_latest {
    td_latest_kind kind;   /* NONE: nothing is known */
    int64_t event_ns, ord; /* ord: on the tape, of a bar in its topic */
    int64_t known_at_ns;   /* its receive time */
    td_numbers numbers;    /* of a bar its close is the price */
} td_latest;

const char *td_latest_kind_name(td_latest_kind kind);             /* "trade", "quote", "bar": literals */
td_latest td_latest_of_event(const td_event *event, int64_t ord); /* NONE unless a trade or a quote */
td_latest td_latest_of_bar(const td_bar *bar, int64_t ord);
bool td_latest_is_newer(const td_latest *said, const td_latest *than); /* of one kind, or than nothing */
