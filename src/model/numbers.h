/* src/model/numbers.h - the numbers of an event, whatever it is: what tables and answers that hold ticks of all kinds
 * write down. Pure. */
#pragma once
#include "model/event.h"

typedef struct td_numbers { /* TD_NONE: it has none */
    int64_t price, size, trade_id;
    int64_t bid_price, bid_size, ask_price, ask_size;
    int64_t sequence;
} td_numbers;

extern const td_numbers td_no_numbers;
td_numbers td_numbers_of(const td_event *event);
/* Of a trade or a quote; empty of others. Borrowed from the event. */
const td_code *td_event_exchange(const td_event *event);
const td_code *td_event_condition(const td_event *event);
