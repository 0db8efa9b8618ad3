/* src/flow/capture.h - what the networks of live feeds with `raw` bring, kept byte for byte in topics `raw.<feed>` of
 * one partition: when a session began and of what its messages are, each message and answer, when it ended. Whatever is
 * kept is appended before the records that come of it, so that a process that dies leaves no event without its message.
 *
 * It can be asked for again at worst, and the tape cannot: while the disk is short of room nothing is kept. A STOPPED
 * record says so, OPENED that it goes on, and people are told both, with how much was missed. Thread: ingest's. */
#pragma once
#include "feed/feed.h"
#include "flow/disk.h"
#include "flow/live.h"
#include "flow/topics.h"

#define TD_CAPTURE_TOPICS "raw." /* with the feed's name behind it */

typedef struct td_capture td_capture;

typedef struct td_capture_conf { /* all is borrowed */
    const td_topics *topics;
    const td_live *live;
    td_writer *writer;
    const td_disk *disk;     /* NULL: never short */
    td_log_report_fn report; /* with feeds that have `raw` */
    void *report_arg;
    size_t batch_bytes;
} td_capture_conf;

typedef struct td_capture_counts { /* of one feed, in this run; readable by any thread */
    td_counter kept, bytes;        /* records; their size before compression */
    td_counter missed;             /* messages and answers that came while nothing was kept */
} td_capture_counts;

/* Opens or makes the topics. */
TD_CHECKED td_status td_capture_open(td_capture **out, const td_capture_conf *conf);
void td_capture_close(td_capture *capture); /* accepts NULL */
/* Takes a RAW item of that feed. Errors: as td_writer_append's; the same item again. */
TD_CHECKED td_status td_capture_take(td_capture *capture, uint32_t feed, const td_feed_item *item, int64_t now_ms);
bool td_capture_has_batched(const td_capture *capture);
TD_CHECKED td_status td_capture_flush(td_capture *capture);
/* Of a feed with `raw`; else NULL. Thread: any. */
const td_topic *td_capture_topic(const td_capture *capture, uint32_t feed);
const td_capture_counts *td_capture_counters(const td_capture *capture, uint32_t feed);
bool td_capture_is_synced(const td_capture *capture);
