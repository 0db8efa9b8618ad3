/* src/stream/desk.h - the paper desk: fills the orders of strategies with the trades of their instrument, in the order
 * of the log. The trade that fills is one that may set a last price and came from its feed: what is released or filled
 * in later was nobody's to trade with. Those of `fill touch` are filled by what the newest quote or book says. Nothing
 * is ever rewritten. For state.c and ledger.c.
 *
 * An instrument's head keeps the span of prices at which nothing happens, and until when: most trades cost two
 * comparisons. */
#pragma once
#include "stream/state_layout.h"

/* Does the trade lie where something may happen? */
static inline bool td_desk_is_near(const block_head *block, const td_event *trade) {
    return (uint64_t)trade->trade.price - (uint64_t)block->near_from >= block->near_span ||
           trade->event_ns >= block->near_until_ns;
}
void td_desk_take_trade(td_state *s, const td_event *trade, const td_emit *emit);
/* What was accepted, of a book whole; where the program asks for it (td_state.touches). */
void td_desk_take_quote(td_state *s, const td_event *quote, const td_emit *emit);
void td_desk_take_book(td_state *s, const td_event *update, td_bytes instrument, const td_emit *emit);
/* Something has changed: the next trade is looked at whatever its price. */
static inline void td_desk_look_again(block_head *block) { block->near_span = 0; }
/* A strategy that runs on another instrument has ordered in this one. */
static inline void td_desk_look_for_orders(td_state *s, uint32_t instrument) {
    td_desk_look_again(block_of(s, instrument));
    td_legs_doubt(&s->legs, instrument);
}
