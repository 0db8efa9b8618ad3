/* src/feed/feed.h - a feed: some source's bytes, decoded into events in the feed's own order. One table per format.
 * A feed belongs to the ingest thread. It never waits, never retries, never drops unseen: what cannot become an event
 * comes out as a rejected item with its reason, and the feed goes on behind it. */
#pragma once
#include "base/option.h"
#include "model/event.h"
#include "model/instrument.h"
#include "model/refusal.h"
#include "os/os.h"

typedef enum td_item_kind { TD_ITEM_EVENT, TD_ITEM_REJECTED, TD_ITEM_IGNORED, TD_ITEM_END } td_item_kind;

typedef struct td_feed_item {
    td_item_kind kind;
    int64_t clock_ns;            /* the feed's clock at this item; never goes back       */
    td_source_position position; /* its cause; unique and increasing within a file       */
    td_event event;              /* EVENT: all but `feed` filled                         */
    td_rejected rejected;        /* REJECTED: all but `feed`; bytes borrowed until the next call */
    const char *ignored;         /* IGNORED: kind of message, a literal ("depth")        */
} td_feed_item;

typedef struct td_feed_conf { /* settings every file feed has; formats append their own rows behind these */
    char *name;               /* default: the format, then format-2, … */
    char *venue;              /* default per format: LEAN, BINANCE, SIM */
    double ratio;             /* of this feed's clock to the run's, default 1 */
    int64_t from_ns, to_ns;   /* exchange-local time of day, [from, to); -1: unset */
    int64_t lateness_ns, max_delay_ns, max_ahead_ns;
    char *path; /* file or glob */
    /* simulated only */
    int64_t seed, instruments, ticks, start_ns, duration_ns;
} td_feed_conf;

typedef struct td_feed_ops {
    const char *format;       /* "lean" */
    bool is_file;             /* configured under `file: {format: …}`; else under its own name */
    const char *venue;        /* default venue */
    const td_option *options; /* rows over td_feed_conf: the common ones and its own */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments);
    /* The next item, in the feed's order (design wall 4). TD_OK always fills *out; after END it stays END.
     * TD_RETRY: the machine broke; call again. */
    TD_CHECKED td_status (*next)(void *feed, td_feed_item *out);
    void (*close)(void *feed); /* accepts NULL */
} td_feed_ops;

extern const td_feed_ops td_feed_lean, td_feed_binance_collector, td_feed_simulated;
