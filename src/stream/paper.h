/* src/stream/paper.h - a strategy's paper position in one instrument: the target that it wants, the order that is on
 * its way there, and what it holds. It runs in the order of the log and is never rewritten: what a fill was, it stays,
 * whatever bars say later. A plain value, all zero before the first signal: a snapshot copies it. No allocation.
 * Thread: the owner's of the state. */
#pragma once
#include "model/corporate.h"
#include "model/fill.h"
#include "model/signal.h"

enum { TD_PAPER_LIMITS = 2 }; /* so many entries per session, per so much time */

typedef struct td_moment { /* where the tape stands */
    uint64_t record;       /* being applied, as the state counts them */
    int64_t ns;            /* its event time, of a Time its clock */
    int64_t session_ns;    /* begin of the session that is judged, or of the day */
} td_moment;

typedef enum td_leaving {
    TD_LEAVING_EXIT,
    TD_LEAVING_STOP,
    TD_LEAVING_TARGET,
    TD_LEAVING_FLAT, /* the time of `flat at` has come */
    TD_LEAVING_COUNT
} td_leaving;

typedef struct td_paper_rules {            /* of a strategy; all zero without any */
    int64_t cooldown_any_ns;               /* no entry for so long behind a signal that leaves, */
    int64_t cooldown_ns[TD_LEAVING_COUNT]; /* for that reason */
    int64_t most[TD_PAPER_LIMITS];         /* entries; 0: as many as there are */
    int64_t most_per_ns;                   /* of the second; the first is per session */
    int64_t fill_after_ns;                 /* after the record that caused the signal, in event time */
    uint8_t fill;                          /* td_fill_kind */
    bool allow_incomplete;                 /* act on partial bars, too */
    uint8_t zero[6];
} td_paper_rules;

typedef struct td_paper {
    int64_t target;         /* decimal(19,8), signed, in shares of when it was set */
    int64_t signal_ns;      /* of the last signal that a trade, or another tick, has caused, */
    uint32_t ordinal;       /* which was this one of its time; 0: none yet */
    uint32_t ordered;       /* 1: the target is not filled yet, */
    int64_t order_ns;       /* which this signal called for, */
    uint32_t order_ordinal; /* of its time, */
    uint32_t bar_ordinal;   /* as the first two, of the last signal that a bar has caused */
    int64_t bar_ns;
    uint32_t entry_seen; /* low bits of how many events had run the graph when the position was opened */
    uint32_t zero;
    td_moment cause;         /* when this record was applied */
    int64_t quantity;        /* decimal(19,8), signed: what is held, in shares of shares_ns */
    int64_t shares_ns;       /* when it was bought, or split last */
    int64_t entry, entry_ns; /* price and time of the fill that opened it, in those shares */
    int64_t best, risk;      /* the best price since, and R (exits.h), in those shares */
    int64_t left_ns;         /* when a signal left it last, 0: never; and why: td_leaving */
    int64_t leaving;
    int64_t counted_ns[TD_PAPER_LIMITS]; /* begin of the period whose entries are counted, by limit, */
    int64_t counted[TD_PAPER_LIMITS];    /* and how many it had */
} td_paper;
_Static_assert(sizeof(td_paper) == 176, "the snapshot format depends on this layout");

/* Who causes a signal: each gives ids of its own times, so that one which comes later, of an earlier time, gives none
 * again. A bar's is its end. */
typedef enum td_cause_kind { TD_CAUSE_BAR, TD_CAUSE_TICK } td_cause_kind;

/* The ordinal of the strategy's next signal, of that time. */
uint32_t td_paper_number(td_paper *paper, td_cause_kind cause, int64_t event_ns);
/* The time of the strategy's last signal of either kind. */
static inline int64_t td_paper_last_ns(const td_paper *paper) {
    return paper->signal_ns > paper->bar_ns ? paper->signal_ns : paper->bar_ns;
}
/* A fresh signal that was numbered moves the target, and from here on there is an order, in place of one that was not
 * filled. */
void td_paper_order(td_paper *paper, td_moment now, const td_signal *signal);
/* A signal of that time has entered: limits count it. */
void td_paper_enter(td_paper *paper, const td_paper_rules *rules, td_moment now, int64_t event_ns);
/* That signal has left the position, for a reason that has its own cooldown. */
void td_paper_leave(td_paper *paper, td_leaving leaving, int64_t event_ns);
/* Is an entry by a signal of that time held back, by a cooldown or a limit? */
bool td_paper_holds_back(const td_paper *paper, const td_paper_rules *rules, td_moment now, int64_t event_ns);
/* The ordinal of one more signal of a bar that ends then, told behind others: of those `used` are known to the caller.
 */
uint32_t td_paper_late_ordinal(td_paper *paper, int64_t event_ns, uint32_t used);
/* May an event of that moment fill it? What caused the order does not, nor does what comes before it is due. */
bool td_paper_is_due(const td_paper *paper, const td_paper_rules *rules, td_moment now);
/* What is held becomes the target, `target` being that in shares of now. False: that is held already, nothing is to be
 * told. Fills event_ns, quantity, price, position and side. */
bool td_paper_fill(td_paper *paper, int64_t target, int64_t price, int64_t event_ns, td_fill *out);
/* A share of before has become so many, up to that instant. */
void td_paper_split(td_paper *paper, td_split split, int64_t up_to_ns);
/* A number of shares after a split; what does not fit stands at the greatest number that does. */
int64_t td_paper_shares(td_split split, int64_t quantity);
