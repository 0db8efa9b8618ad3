/* src/stream/tick.c - what trades, quotes, books and news say, as values. */
#include "stream/tick.h"
#include "stream/sum.h"
#include <assert.h>

/* Sizes have one place less than values, ids and sides are whole. */
static td_value value_of_size(td_i128 size) { return td_value_decimal(size * 10); }
static td_value value_of_whole(int64_t whole) { return td_value_decimal((td_i128)whole * TD_VALUE_ONE); }

static td_value trade_field(const td_trade *t, td_field field) {
    switch (field) {
    case TD_FIELD_PRICE:
        return t->price;
    case TD_FIELD_SIZE:
        return value_of_size(t->size);
    case TD_FIELD_SIDE:
        return t->side == TD_SIDE_UNKNOWN ? TD_VALUE_NA : value_of_whole(t->side == TD_SIDE_BUY ? 1 : -1);
    case TD_FIELD_SIGNED_SIZE:
        return t->side == TD_SIDE_UNKNOWN ? TD_VALUE_NA : value_of_size(t->side == TD_SIDE_BUY ? t->size : -t->size);
    default:
        assert(field == TD_FIELD_ID);
        return t->trade_id == TD_NONE ? TD_VALUE_NA : value_of_whole(t->trade_id);
    }
}

/* ---- quotes and books: both have sides ---- */

static td_value price_of(const td_tick *tick, td_book_side side) {
    if (tick->book != NULL) {
        td_book_level best = td_book_best(tick->book, side);
        return best.size > 0 ? best.price : TD_VALUE_NA;
    }
    const td_quote *q = &tick->event->quote;
    int64_t price = side == TD_BOOK_BID ? q->bid_price : q->ask_price;
    return price == TD_NONE ? TD_VALUE_NA : price;
}

/* As a size; na: the side is missing. */
static td_i128 size_of(const td_tick *tick, td_book_side side, uint32_t depth) {
    if (tick->book != NULL) {
        td_i128 size = td_book_size(tick->book, side, depth);
        return size > 0 ? size : TD_VALUE_NA;
    }
    const td_quote *q = &tick->event->quote;
    int64_t size = side == TD_BOOK_BID ? q->bid_size : q->ask_size;
    return price_of(tick, side) == TD_VALUE_NA || size == TD_NONE ? TD_VALUE_NA : size;
}

/* What a trade of either side would move the price to: the mid, drawn to the side where less stands. */
static td_value microprice(td_value bid, td_value ask, td_i128 bid_size, td_i128 ask_size) {
    double bids = (double)bid_size, asks = (double)ask_size;
    double sum = td_ratio(bid, TD_VALUE_ONE) * asks + td_ratio(ask, TD_VALUE_ONE) * bids;
    return bids + asks > 0 ? td_value_real(sum / (bids + asks)) : TD_VALUE_NA;
}

static td_value side_field(const td_tick *tick, td_field field, uint32_t depth) {
    bool ask = field == TD_FIELD_ASK || field == TD_FIELD_ASK_SIZE;
    td_book_side side = ask ? TD_BOOK_ASK : TD_BOOK_BID;
    if (field == TD_FIELD_BID || field == TD_FIELD_ASK) return price_of(tick, side);
    td_i128 size = size_of(tick, side, depth);
    return td_value_is_na(size) ? TD_VALUE_NA : value_of_size(size);
}

static td_value both_sides_field(const td_tick *tick, td_field field, uint32_t depth) {
    td_value bid = price_of(tick, TD_BOOK_BID), ask = price_of(tick, TD_BOOK_ASK);
    if (td_value_is_na(bid) || td_value_is_na(ask)) return TD_VALUE_NA;
    if (field == TD_FIELD_MID) return td_div_half_even(bid + ask, 2);
    if (field == TD_FIELD_SPREAD) return ask - bid;
    td_i128 bids = size_of(tick, TD_BOOK_BID, depth), asks = size_of(tick, TD_BOOK_ASK, depth);
    if (td_value_is_na(bids) || td_value_is_na(asks)) return TD_VALUE_NA;
    if (field == TD_FIELD_MICROPRICE) return microprice(bid, ask, bids, asks);
    assert(field == TD_FIELD_IMBALANCE);
    return td_value_real(td_book_imbalance(bids, asks));
}

td_value td_tick_field(const td_tick *tick, uint32_t field_and_depth) {
    td_field field = td_field_of(field_and_depth);
    uint32_t depth = field_and_depth >> TD_FIELD_BITS;
    if (depth == 0) depth = 1;
    switch (field) {
    case TD_FIELD_EVENT:
        return 1;
    case TD_FIELD_SENTIMENT:
        return td_value_real(tick->event->news.sentiment);
    case TD_FIELD_BID:
    case TD_FIELD_ASK:
    case TD_FIELD_BID_SIZE:
    case TD_FIELD_ASK_SIZE:
        return side_field(tick, field, depth);
    case TD_FIELD_MID:
    case TD_FIELD_SPREAD:
    case TD_FIELD_IMBALANCE:
    case TD_FIELD_MICROPRICE:
        return both_sides_field(tick, field, depth);
    default:
        return trade_field(&tick->event->trade, field);
    }
}

/* ---- texts ---- */

td_value td_tick_text(const td_tick *tick, uint32_t test, td_bytes text) {
    const td_news *n = &tick->event->news;
    td_field field = td_field_of(test);
    td_bytes said = field == TD_FIELD_HEADLINE ? n->headline : field == TD_FIELD_SOURCE ? n->source : n->url;
    if (said.size == 0) return TD_VALUE_NA;
    switch ((td_text_relation)(test >> TD_FIELD_BITS)) {
    case TD_TEXT_HAS:
        return td_bytes_have(said, text);
    case TD_TEXT_IS_IN:
        return td_bytes_have(text, said);
    default:
        return td_bytes_equal(said, text);
    }
}

/* ---- ticks ---- */

static bool find_price(td_tick *tick) {
    static const td_field sides[] = {TD_FIELD_MID, TD_FIELD_BID, TD_FIELD_ASK};
    td_value price = TD_VALUE_NA;
    for (size_t i = 0; i < 3 && td_value_is_na(price); i++) price = td_tick_field(tick, sides[i]);
    if (td_value_is_na(price)) return false;
    tick->price = (int64_t)price;
    return true;
}

bool td_tick_of_event(const td_event *e, td_tick *out) {
    *out = (td_tick){.event_ns = e->event_ns,
                     .known_at_ns = e->receive_ns,
                     .feed = e->feed,
                     .instrument = e->instrument,
                     .event = e};
    if (e->kind == TD_EVENT_QUOTE) return find_price(out);
    if (e->kind == TD_EVENT_TRADE) out->price = e->trade.price;
    return true;
}

bool td_tick_of_book(const td_event *e, const td_books_row *book, uint32_t instrument, td_tick *out) {
    *out = (td_tick){
        .event_ns = e->event_ns, .known_at_ns = e->receive_ns, .feed = e->feed, .instrument = instrument, .book = book};
    return find_price(out);
}
