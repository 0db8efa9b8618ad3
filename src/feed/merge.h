/* src/feed/merge.h - the run's one order of inputs: feeds merged by (elapsed on the feed's clock / ratio, order in the
 * configuration), with the Time records that virtual clocks give in between (design walls 3 and 4). A pure function of
 * the feeds' items: the same inputs give the same sequence, whatever the speed and whoever asks. Thread: ingest's.
 *
 * Time of a file or simulated feed: for each whole second of the feed's clock in which it has a record, one Time to
 * every partition that got none of it in that second, at the second's end; while the feed is silent, Time to all
 * partitions 1, 2, 4, 8, … s after its last record and at the silence's end; at the feed's end one `ended` Time to all,
 * bound = its last event time. bound = clock - max_delay otherwise. */
#pragma once
#include "feed/feed.h"

enum { TD_MERGE_FEEDS_MAX = 64, TD_PARTITIONS_MAX = 64 };

typedef struct td_input { /* one append to be made, or a count to be kept */
    uint32_t feed;        /* index in the order of td_merge_add */
    uint32_t partition;   /* of `tape`; of `rejected` for REJECTED (by the feed's name) */
    int64_t due_ns;       /* elapsed on the run's clock; never goes back */
    td_feed_item item;    /* EVENT (event.feed filled; TIME events are made here), REJECTED (feed filled), IGNORED; END:
                             all feeds have ended */
} td_input;

typedef struct td_merge td_merge;

td_merge *td_merge_new(td_instruments *instruments, uint32_t partitions);
void td_merge_free(td_merge *merge); /* closes the feeds added */
/* Takes over an open feed. `conf` is borrowed for the merge's life. */
void td_merge_add(td_merge *merge, const td_feed_ops *ops, void *feed, const td_feed_conf *conf);
/* Fills *out; after END it stays END. Errors: TD_RETRY as the feed gave it; call again. */
TD_CHECKED td_status td_merge_next(td_merge *merge, td_input *out);
