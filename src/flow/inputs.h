/* src/flow/inputs.h - what the log's repeatable feeds were made of, kept in topic `_inputs`: the settings that choose a
 * feed's items, and its files by number, size, content and name. A log goes on with what it was made of and, behind
 * it, with new files: all else is refused before anything is appended. Where the files lie does not matter. Live feeds
 * are none of these: how their records are read may change between runs.
 * Key "lean/from" or "lean/3", value a text; "lean/ended@4" says where the log ended when all of four files was in it,
 * "lean/begun" where it did before the first of them.
 * Thread: who opens the log, then ingest.
 */
#pragma once
#include "feed/merge.h"
#include "flow/atlas.h"
#include "flow/topics.h"

typedef struct td_inputs td_inputs;

/* Looks at the feeds and reads what the log says of them. TD_CONFIG: they differ; the trail names the first difference.
 * TD_RETRY, TD_CORRUPT as the log and the files give them. */
TD_CHECKED td_status td_inputs_open(td_inputs **out, const td_os *os, const td_topics *topics, const td_merge *merge);
void td_inputs_close(td_inputs *inputs); /* accepts NULL */
/* The log says that the feed had ended where that partition of the tape, or of `rejected`, still ends or goes on; and
 * the feed is made of nothing else now: all its inputs lie there. As it was when `inputs` was opened. */
bool td_inputs_ended(const td_inputs *inputs, const td_merge_feed *feed, const td_topic *topic, uint32_t partition);
/* All that the feed ever gave to that partition is still there: since the feed was new to the log retention has taken
 * nothing. False, too: the log is older than such words. As it was when `inputs` was opened. */
bool td_inputs_all_there(const td_inputs *inputs, const td_merge_feed *feed, const td_topic *topic, uint32_t partition);
/* It says so of no feed: it is new, or older than `_inputs`. */
bool td_inputs_unsaid(const td_inputs *inputs);
/* TD_CONFIG where a new file of a known feed may begin at or before `clock_ns`, up to which the log holds the feed: its
 * items would belong among those appended. INT64_MAX: the log no longer tells. */
TD_CHECKED td_status td_inputs_check_order(const td_inputs *inputs, uint32_t feed, int64_t clock_ns);
/* All feeds have come to their end, and what they gave is appended. Says so once; what is lost of it later makes it
 * void. */
TD_CHECKED td_status td_inputs_keep_ends(const td_inputs *inputs, const td_topics *topics, const td_merge *merge,
                                         td_writer *writer, int64_t now_ms);
typedef struct td_inputs_beginning { /* of feeds that are new: behind the ends of now, of the tape and of `rejected` */
    const td_topics *topics;
    const td_merge *merge;
} td_inputs_beginning;

/* Appends what is new, all of it or nothing; synced is for the caller to do, before the first of its items. `beginning`
 * NULL: items of new feeds may be there already. */
TD_CHECKED td_status td_inputs_keep(td_inputs *inputs, const td_inputs_beginning *beginning, td_writer *writer,
                                    int64_t now_ms);
/* A record of `_inputs` as it is in a copy of the log: its value, where that is another. TD_AGAIN: what it names is not
 * there yet. */
TD_CHECKED td_status td_inputs_restate(const td_record *record, const td_atlas *atlas, td_buf *out_value);
