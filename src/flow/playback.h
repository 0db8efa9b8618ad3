/* src/flow/playback.h - what the networks of live feeds brought once, out of topics `raw.<feed>`, in the place of those
 * networks: a machine with the records' clock, transports that give their messages, HTTP clients that give their
 * answers. Feeds, sessions, backfill and ingest above it are those of a live run, so that what was kept is decoded,
 * counted and told as it would be now.
 *
 * Records of several feeds come in the order of their times, equal ones in the order of the feeds. A session begins and
 * ends where it did; one whose end nobody could keep ends where the next one begins, one whose begin is not there any
 * more begins with its first message. An answer is given to the first request for its address, not before the place
 * where it came. A request whose answer was not kept fails when the next answer comes by or the session ends: then
 * whoever asked had given up, too.
 *
 * The clock stands until td_playback_advance, and then goes on with each record that is taken: what comes of it is a
 * function of the records alone. Takes 24 bytes for each answer. Thread: one. */
#pragma once
#include "feed/feed.h"
#include "log/log.h"
#include "schema/record.h"

typedef struct td_playback td_playback;

typedef struct td_playback_conf {
    const td_os *os;        /* of files; borrowed */
    int64_t from_ns, to_ns; /* records of these receive times, [from, to) */
} td_playback_conf;

typedef struct td_playback_counts {      /* of all feeds */
    int64_t records, given;              /* in that time; so far */
    int64_t messages, sessions, answers; /* given */
} td_playback_counts;

td_playback *td_playback_new(const td_playback_conf *conf);
void td_playback_free(td_playback *playback); /* after all that runs on it; accepts NULL */
/* Takes what was kept of a feed: reads the topic once, and puts itself in the place of the networks of `conf`, which is
 * borrowed. `format` is what the feed's decoder reads. Errors: TD_CONFIG: the records are of another format; as a
 * reader's. */
TD_CHECKED td_status td_playback_add(td_playback *playback, td_feed_conf *conf, const char *format, td_topic *topic,
                                     const td_schema_ids *ids);
/* The machine for all that runs on it: the files are those of `conf->os`. */
const td_os *td_playback_os(const td_playback *playback);
/* When nothing is left to be done with what is there: lets time go on. False: nothing is left at all. */
bool td_playback_advance(td_playback *playback);
void td_playback_count(const td_playback *playback, td_playback_counts *out);
