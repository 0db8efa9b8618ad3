/* src/feed/merge.h - the run's one order of inputs: feeds merged by (elapsed on the feed's clock / ratio, order in the
 * configuration), with the Time records that virtual clocks give in between (design walls 3 and 4). A pure function of
 * the feeds' items: the same inputs give the same sequence, whatever the speed and whoever asks. Thread: ingest's.
 *
 * Elapsed counts from the feed's first instant. What a feed reads is an item, be it an event, rejected or ignored:
 * each shows that the feed is alive. What it puts on a partition is an event. Time of a file or simulated feed, all on
 * that feed's own clock, where c is the clock of its last item and d that of the next one:
 *   second's end  at the end S of c's whole second (since the epoch), if S <= d: one Time to each partition that got no
 *                 event in that second; session live.
 *   silence       at c + 1, 2, 4, 8, … s, each if < d: Time to all partitions; session idle. Where c + 1 s is S, this
 *                 one alone is given.
 *   silence's end at d, if there was silence: Time to all partitions, in front of the item; session live.
 *   parted        in front of an item that begins another session, instead of those: at c, session down and without a
 *                 bound, then at d, session live, each one Time to all partitions.
 *   ended         at c, when the feed has no next item: Time to all partitions; session ended.
 * An item of a feed follows the Times up to its clock. bound = clock of the Time - max_delay; of `ended`: the feed's
 * largest event time (TD_NONE without any event). Items in front of a feed's first instant (clock 0) are due at 0 and
 * move nothing. A Time's position is that of the item read last, so that (feed, position, kind, clock, session) tells
 * an input of a partition from all others: a resumed run knows where it was. */
#pragma once
#include "feed/feed.h"
#include "feed/route.h"

enum { TD_MERGE_FEEDS_MAX = 64 };

typedef struct td_input { /* one append to be made, or a count to be kept */
    uint32_t feed;        /* index as it was added */
    uint32_t partition;   /* of `tape`; of `rejected` for REJECTED (by the feed's name); 0 for IGNORED */
    int64_t due_ns;       /* elapsed on the run's clock; never goes back */
    td_feed_item item;    /* EVENT (event.feed filled; TIME events are made here), REJECTED (feed filled), IGNORED; END:
                             all feeds have ended */
} td_input;

typedef struct td_merge td_merge;

td_merge *td_merge_new(td_instruments *instruments, uint32_t partitions);
void td_merge_free(td_merge *merge); /* closes the feeds added; accepts NULL */
/* Takes over an open feed that is not live, as feed `index` of the run. `conf` is borrowed for the merge's life. All
 * are added, in the configuration's order, before the first td_merge_next. */
void td_merge_add(td_merge *merge, uint32_t index, const td_feed_ops *ops, void *feed, const td_feed_conf *conf);
/* Of the instrument table, borrowed for the merge's life; before the first td_merge_next. */
void td_merge_set_aliases(td_merge *merge, const td_alias *aliases, size_t count);
size_t td_merge_feed_count(const td_merge *merge);
typedef struct td_merge_feed { /* one of them, as it was added; borrowed */
    uint32_t index;
    const td_feed_ops *ops;
    void *feed;
    const td_feed_conf *conf;
} td_merge_feed;
const td_merge_feed *td_merge_feed_at(const td_merge *merge, size_t nth); /* in the order they were added */
/* Fills *out, borrowed texts valid until the next call; after END it stays END. Errors: TD_RETRY as the feed gave it;
 * call again. */
TD_CHECKED td_status td_merge_next(td_merge *merge, td_input *out);
