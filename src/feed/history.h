/* src/feed/history.h - what a venue still has of a gap: pages of trades over HTTP, newest first, back to the gap's
 * begin. One gap at a time; a row of it at a time comes out. Which of the venue's rows are the k-th, counted from the
 * gap's end, stays the same when a gap is asked for again. A request that fails ends the try with a BACKFILL item that
 * says so; asked for the same gap again, it goes on at that page. Thread: the feed's owner's.
 *
 * A venue must have ids that count the trades of an instrument, and give the newest rows below an id. */
#pragma once
#include "feed/recording.h"

enum { TD_HISTORY_ROWS_MAX = 1000 };

typedef struct td_history_page { /* the newest rows below an id */
    td_bytes symbol;             /* safe in a URL */
    int64_t below_id;            /* TD_NONE: the newest there are */
    int64_t rows;                /* at most so many */
} td_history_page;

typedef struct td_history_ops { /* how a venue is asked, and what it answers: an array of objects, in any order */
    int64_t rows_max;           /* of a page; at most TD_HISTORY_ROWS_MAX */
    /* Appends path and query. */
    void (*put_path)(td_buf *url, const td_history_page *page);
    /* A row into a trade with an id and all but feed, instrument and receive time, or into what is wrong with it. */
    void (*decode)(td_bytes row, td_recorded *out);
} td_history_ops;

typedef struct td_history td_history;

/* As td_rest_open (feed/rest.h). */
TD_CHECKED td_status td_history_open(td_history **out, const td_os *os, const td_feed_conf *conf,
                                     const td_history_ops *ops, int64_t *due_ns);
void td_history_close(td_history *history); /* accepts NULL */
/* TD_FULL: another one is under way. TD_REJECT: an instrument of another venue's. `instrument` is its name. */
TD_CHECKED td_status td_history_ask(td_history *history, const td_gap *gap, td_bytes instrument);
int td_history_pump(td_history *history); /* work done */
/* The next item, without position and clock: RAW (an answer as it came, with `conf->raw`), EVENT (a trade of origin
 * BACKFILL), REJECTED (a row), BACKFILL (the end). Errors: TD_AGAIN. */
TD_CHECKED td_status td_history_next(td_history *history, td_feed_item *out);
