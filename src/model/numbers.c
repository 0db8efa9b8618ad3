/* src/model/numbers.c - which numbers a kind of event has. */
#include "model/numbers.h"

const td_numbers td_no_numbers = {TD_NONE, TD_NONE, TD_NONE, TD_NONE, TD_NONE, TD_NONE, TD_NONE, TD_NONE};

static const td_code no_code = {0};

td_numbers td_numbers_of(const td_event *event) {
    td_numbers n = td_no_numbers;
    if (event->kind == TD_EVENT_TRADE) {
        n.price = event->trade.price;
        n.size = event->trade.size;
        n.trade_id = event->trade.trade_id;
    } else if (event->kind == TD_EVENT_QUOTE) {
        n.bid_price = event->quote.bid_price;
        n.bid_size = event->quote.bid_size;
        n.ask_price = event->quote.ask_price;
        n.ask_size = event->quote.ask_size;
        n.sequence = event->quote.sequence;
    } else if (event->kind == TD_EVENT_PRICE) {
        n.price = event->price.price;
    }
    return n;
}

const td_code *td_event_exchange(const td_event *event) {
    return event->kind == TD_EVENT_TRADE   ? &event->trade.exchange
           : event->kind == TD_EVENT_QUOTE ? &event->quote.exchange
                                           : &no_code;
}

const td_code *td_event_condition(const td_event *event) {
    return event->kind == TD_EVENT_TRADE   ? &event->trade.condition
           : event->kind == TD_EVENT_QUOTE ? &event->quote.condition
                                           : &no_code;
}
