/* src/stream/rules.h - what `apply` refuses, one row a rule: its name is the reason in the quarantine record. Judged
 * from the record, the settings of its feed and the instrument's recent prices alone. No clock, no allocation; numbers
 * are whole. Thread: the owner's of the state.
 *
 * A crossed quote is refused: within one book it cannot stand, so it is a fault of the source or of the order in which
 * its halves came. A locked one (bid = ask) is accepted: venues that only post, and consolidated quotes, show it
 * for real, and who reads a quote sees it without a flag.
 *
 * outlier: of trades by trades, of prices by prices. With m the median and r the range of the last TD_RECENT accepted
 * prices, a price further from m than m / 10 + 4 r. Prices are not judged before there are so many. The market may
 * really have moved: of TD_SHIFT refused trades in a row, each within a tenth of the first of them, the last is
 * accepted and all before it are forgotten. */
#pragma once
#include "stream/program.h"

enum { TD_RECENT = 16, TD_SHIFT = 5 };

typedef struct td_recent { /* prices of one instrument; zeroed before the first trade */
    int64_t last;          /* accepted last; 0: none */
    uint32_t next;         /* the slot of the next one, modulo TD_RECENT */
    uint32_t refused;      /* outliers in a row that agree with the first of them, */
    int64_t refused_price; /* which had this price; the last of them was this trade: */
    int64_t refused_ns, refused_id;
    int64_t prices[TD_RECENT]; /* 0: none yet */
} td_recent;

typedef struct td_rule_case {
    const td_event *event;
    const td_program_feed *feed;
    td_recent *recent; /* of the instrument's trades, or of its prices; may note what was refused */
} td_rule_case;

typedef struct td_rule {
    td_reason reason;
    bool always;     /* also with `rules: off`: what is behind it cannot do without */
    bool at_arrival; /* judged before the event moves time */
    bool (*refuses)(const td_rule_case *judged);
} td_rule;

extern const td_rule td_rules[]; /* ends with TD_REASON_NONE */

/* The first rule's reason that refuses the event and is not among those it passes, or TD_REASON_NONE. */
td_reason td_rules_judge(const td_rule_case *judged, bool at_arrival);

/* True for most: no rule can refuse it after arrival. Within 1/32 of the last price is within m / 10 + 4 r of m,
 * because the last price is one of those that r spans. */
static inline bool td_trade_is_plain(const td_trade *t, const td_recent *recent) {
    int64_t near = recent->last >> 5;
    return t->size > 0 && (uint64_t)t->price - (uint64_t)(recent->last - near) <= (uint64_t)(2 * near) && near > 0;
}
static inline bool td_quote_is_plain(const td_quote *q) {
    return q->bid_price > 0 && q->bid_size > 0 && q->ask_size > 0 && q->ask_price >= q->bid_price;
}

/* The trade was accepted. */
static inline void td_recent_put(td_recent *recent, int64_t price) {
    recent->last = price;
    recent->refused = 0;
    recent->prices[recent->next++ % TD_RECENT] = price;
}
