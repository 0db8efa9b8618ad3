/* src/flow/bookmarks.h - how far ingest has read the sources of feeds that keep what they have (td_live_ops.keep), so
 * that a death neither doubles nor loses a record: topic `_bookmarks` of one partition, key FEED, of each the last
 * record counts. It names a place in each partition of the source and the ends of `tape` and `rejected`: what was below
 * the places is in the log and safe, and what came of the source later is in the log behind those ends. A start has the
 * feed read on from the places and looks behind the ends at what came of it already, which passes in silence, partition
 * by partition: so that neither a transaction over all of them is needed nor an order among them. A bookmark is kept
 * each minute of its own records and million of all; a feed's first one is safe before its first record is appended.
 * Thread: who opens the log, then ingest. */
#pragma once
#include "flow/atlas.h"
#include "flow/live.h"
#include "flow/topics.h"

typedef struct td_bookmarks td_bookmarks;

typedef struct td_bookmarks_conf { /* all is borrowed */
    const td_topics *topics;
    td_live *live;
    td_writer *writer;
} td_bookmarks_conf;

/* Tells the feeds where they read on. Errors: as the log's; TD_CORRUPT: it is not ours, or what it rests on is gone. */
TD_CHECKED td_status td_bookmarks_open(td_bookmarks **out, const td_bookmarks_conf *conf);
void td_bookmarks_close(td_bookmarks *bookmarks); /* accepts NULL */
/* A PLACES item, with all that was given before it appended. TD_AGAIN: it is not kept safely yet; the same item again,
 * and nothing of its feed meanwhile. */
TD_CHECKED td_status td_bookmarks_take(td_bookmarks *bookmarks, const td_input *input, int64_t now_ms);
/* That partition of `tape` or `rejected` has the input, which is of such a feed or of any other. */
bool td_bookmarks_hold(const td_bookmarks *bookmarks, const td_topic *topic, uint32_t partition, const td_input *input);
/* The input is dealt with. */
void td_bookmarks_pass(td_bookmarks *bookmarks, const td_input *input);
/* Everything that was dealt with is appended: time to keep a bookmark, where one is due. */
void td_bookmarks_mark(td_bookmarks *bookmarks, int64_t now_ms);
/* Appends what is due and rests on what is synced. Errors: as td_writer_append's. */
TD_CHECKED td_status td_bookmarks_step(td_bookmarks *bookmarks, int64_t now_ms);
/* A record of `_bookmarks` as it is in a copy of the log: its value, where that is another. TD_AGAIN: what it names is
 * not there yet. */
TD_CHECKED td_status td_bookmarks_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value);
