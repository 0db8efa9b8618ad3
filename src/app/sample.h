/* src/app/sample.h - how a feed begins, looked at before a run: what its first items are. A live feed is not connected
 * for that, but one whose source keeps what it has can be: nothing is missed by it. Thread: the main one. */
#pragma once
#include "feed/feed.h"

enum { TD_SAMPLE_TEXT = 640 };

typedef struct td_sample {
    int64_t events, rejected, ignored, unreadable; /* the last: of the rejected, files */
    bool all;                                      /* the feed has ended */
    char first[TD_SAMPLE_TEXT / 2];                /* of the rejected: where it stands, and why */
    /* of a feed that was connected: */
    bool connected;               /* there was a session */
    uint32_t partitions;          /* of its source */
    int64_t records;              /* that the source has from where the feed would begin */
    bool denied;                  /* failed: as only the operator changes */
    char failure[TD_SAMPLE_TEXT]; /* why there is no session, or no more; "": all that was looked at could be read */
} td_sample;

/* Whether the feed can be connected before a run. */
bool td_sample_connects(const td_feed_ops *ops);
/* The first 10000 items of an open feed. With `connect` it waits up to 15 s for these, and for all that is there.
 * Errors: TD_CONFIG and TD_RETRY as the feed gave them; what a source or its cluster refuses is no error, but *out's.
 */
TD_CHECKED td_status td_sample_take(td_sample *out, const td_os *os, const td_feed_ops *ops, void *feed, bool connect);
/* Whether the registry that has the schemas of such a feed's records answers who asks as the feed would; TD_OK where
 * they have none. Waits up to 10 s. TD_RETRY: it does not, and the trail begins with the key. TD_CONFIG. */
TD_CHECKED td_status td_sample_ask_registry(const td_os *os, const td_feed_conf *conf);
