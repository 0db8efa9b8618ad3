/* src/flow/backfill.h - the arrow from gaps to the past: ingest learns of gaps as everybody does, by the topic `gaps`,
 * and asks their feed for what is missing. What it gets goes to the tape beside what is live; `Filled` says how it
 * ended.
 *
 * A gap is asked for when it is open, its end is known, and `history_after` has passed since then; one at a time per
 * feed, the earliest first, while a session is there. Where a feed cannot, `Filled{none}` says at that time that
 * nothing will come. A request that fails is made again after 1 s, doubling to 60 s, or when the venue says; after
 * `history_tries` failures in a row the rest is given up. At start the topic is read from its begin: gaps of former
 * runs are asked for, too. A gap may be asked for twice, when a process dies before `apply` has closed it: that changes
 * nothing. Bounded by the gaps that the ledger holds open. Only live feeds: what recordings lack nobody has.
 *
 * A book that a feed says is WANTED is asked for by the same rules, but at once and before all gaps; no Filled ends it.
 * Thread: ingest's. */
#pragma once
#include "flow/live.h"
#include "flow/topics.h"

typedef struct td_backfill td_backfill;

typedef struct td_backfill_conf { /* all borrowed */
    const td_os *os;
    const td_topics *topics;
    td_live *live;
    td_instruments *instruments; /* the one the feeds fill */
    td_log_report_fn report;     /* a line about each failure and what was given up */
    void *report_arg;
} td_backfill_conf;

TD_CHECKED td_status td_backfill_open(td_backfill **out, const td_backfill_conf *conf);
void td_backfill_close(td_backfill *backfill); /* accepts NULL */
/* Looks at the ledger, and asks. Errors: TD_CORRUPT, once: a partition of `gaps` cannot be read further; the others go
 * on. */
TD_CHECKED td_status td_backfill_step(td_backfill *backfill);
/* The next input of the live feeds; as td_live_next, with Filled in place of BACKFILL items. */
TD_CHECKED td_status td_backfill_next(td_backfill *backfill, td_input *out);
