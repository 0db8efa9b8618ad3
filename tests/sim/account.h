/* tests/sim/account.h - what a log says of a venue's trades, and whether that is true: which of them it has and what
 * became of each, what was told missing and when, and the last revision of each bar. Thread: one. */
#pragma once
#include "flow/topics.h"
#include "venue.h"

enum { TD_ACCOUNT_SYMBOLS = 3, TD_ACCOUNT_WIDTHS = 2 };
extern const int64_t td_account_widths_ns[TD_ACCOUNT_WIDTHS]; /* 1 s, 10 s */

typedef struct td_account_trade {
    uint8_t copies, refused, released; /* records of the tape; of quarantine; those of the tape that are releases */
    bool live;                         /* one came by itself */
    bool late;                         /* a release that missed a bar: it had come too late for it, and alone */
} td_account_trade;

typedef struct td_account_gap { /* as it was told last, all ids together */
    int64_t first_id, last_id;
    int64_t told_ms; /* when it was appended first */
    uint8_t reason, status;
} td_account_gap;

typedef struct td_account_symbol {
    td_account_trade *trades; /* by id - 1 */
    int64_t trade_count;      /* the venue's */
    td_account_gap *gaps;     /* by number - 1 */
    int64_t gap_count, gap_capacity;
    td_bar *bars[TD_ACCOUNT_WIDTHS]; /* last revisions, by (start - from) / width; without trades: none */
    int64_t bar_count[TD_ACCOUNT_WIDTHS];
    int64_t revised, changed; /* revisions; those with other prices or volumes than the one before … */
    int64_t unsaid;           /* … and of these, where the one before had not been said to be partial */
} td_account_symbol;

typedef struct td_account {
    td_account_symbol symbols[TD_ACCOUNT_SYMBOLS];
    int64_t from_ns; /* of the first bar */
} td_account;

/* All that the topics hold, read anew. False, and stderr says why: a record that cannot be. */
bool td_account_read(td_account *account, const td_topics *topics, const td_venue *venue);
void td_account_fini(td_account *account);

/* One was accepted: released, or come before rules had prices to judge by. Others like it may pass after it. */
bool td_account_has_flaws(const td_account *account, const td_venue *venue, int symbol);

/* Each asks for one symbol, and says on stderr what does not hold.
 * All trades are there; what did not come by itself had been told missing; refused is what has a flaw and nobody
 * released. */
bool td_account_has_trades(const td_account *account, const td_venue *venue, int symbol);
bool td_account_has_no_gap(const td_account *account, int symbol); /* open or lost */
/* The last revisions are what the accepted trades give in their order, and nothing is partial. */
bool td_account_has_bars(const td_account *account, const td_venue *venue, int symbol);
/* The last revisions say the same: all but when, how often and how sure. */
bool td_account_same_bars(const td_account *got, const td_account *wanted, int symbol);

/* Nothing is awaited any more: no trade, no gap, no window. For those who wait for it. */
bool td_account_is_settled(const td_account *account, const td_venue *venue);
