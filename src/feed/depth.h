/* src/feed/depth.h - whole books of a venue that sends only what changes, with numbers, and gives a book as a whole
 * when it is asked: which of a connection's books wait for one, and what the venue answers. One request at a time; when
 * it is made, and made again, is the owner's to say.
 *
 * A book waits from its first update in a session on, and from each update that does not follow on the one before; a
 * whole one ends that, unless it is older than the update behind the hole: that counts as a request that failed.
 * Thread: the feed's owner's. */
#pragma once
#include "feed/venue.h"

typedef struct td_depth td_depth;

typedef struct td_depth_conf { /* all borrowed */
    const td_os *os;
    const td_feed_conf *conf;
    const td_venue_ops *venue; /* with put_depth_path */
    td_instruments *instruments;
    int64_t *due_ns; /* as td_rest_open's (feed/rest.h) */
} td_depth_conf;

TD_CHECKED td_status td_depth_open(td_depth **out, const td_depth_conf *conf);
void td_depth_close(td_depth *depth); /* accepts NULL */
/* The session has ended: no book waits before it is told of again. */
void td_depth_stop(td_depth *depth);
void td_depth_take(td_depth *depth, const td_event *event); /* of kind BOOK, that came on the connection */
/* For the whole book. TD_FULL: another one is under way. TD_REJECT: it does not wait. */
TD_CHECKED td_status td_depth_ask(td_depth *depth, uint32_t instrument);
int td_depth_pump(td_depth *depth); /* work done */
/* A book is there, and nothing else may come before the rest of it. */
bool td_depth_is_within(const td_depth *depth);
/* The next item, without position and clock: WANTED, RAW (an answer as it came, with `conf->raw`), EVENT (the levels
 * of the book, as many as it takes), REJECTED, BACKFILL (the end). Errors: TD_AGAIN. */
TD_CHECKED td_status td_depth_next(td_depth *depth, int64_t receive_ns, td_feed_item *out);
