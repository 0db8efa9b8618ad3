/* src/app/situation.h - how a log and the process on it are doing: asked of the process where one answers, read
 * from the log otherwise. Thread: the main one. */
#pragma once
#include "app/beacon.h"
#include "app/data.h"

enum { TD_SITUATION_MAX = 64, TD_NAME_MAX = 96 };

typedef struct td_situation_feed {
    char name[TD_NAME_MAX];
    const char *session; /* a literal: "live", …; "stopped": nothing runs; "" when the tape's end does not say */
    int64_t clock_ns;    /* of its newest record on the tape */
    uint32_t partition;  /* which held that */
    int64_t event_ns;    /* of its newest event there; 0: none seen */
    int64_t delay_ns;    /* … which came so much later than it happened; the feed's clock may be behind the venue's */
    double events, rate_s; /* of this run; -1: not known */
    double lag_records;    /* that a topic of others has and it has not given; -1: not known, or it reads no such */
    double sessions, failures, backfilled; /* of a live feed in this run; -1: not known, or not live */
    int64_t open_gaps;
    char end_time[40], end_reason[200]; /* of the last session that ended in this run; "": none did, or not known */
} td_situation_feed;

typedef struct td_situation_sink {
    char name[TD_NAME_MAX];
    double rows, lag_records, retries;
    double lacks;    /* records that it will never get, not acknowledged */
    double hindered; /* 1: it works, but not as it is meant to */
} td_situation_sink;

typedef struct td_situation_topic {
    char name[TD_NAME_MAX];
    int64_t records, bytes; /* bytes -1: not known */
} td_situation_topic;

typedef struct td_situation {
    const td_os *os; /* what was looked at */
    bool in_log;
    td_config_log where;     /* where `in_log`; its dir may be NULL */
    char url[TD_BEACON_MAX]; /* "": nobody was asked */
    bool answers;            /* the process told; else all is from the log */
    bool locked;             /* a process writes in the folder */
    bool damaged;            /* something stands still */
    double events, rate_s, accepted, quarantined, duplicates, rejected, late, outside, lag_records;
    double owned, rebalances, fenced, committed, aborted; /* partitions that it works on; transactions of workers */
    double disk_size, disk_free;                          /* bytes; 0: not known */
    int64_t open_gaps;                                    /* of all feeds; -1: nobody looked into the log */
    td_situation_feed feeds[TD_SITUATION_MAX];
    td_situation_sink sinks[TD_SITUATION_MAX];
    td_situation_topic topics[TD_SITUATION_MAX];
    size_t feed_count, sink_count, topic_count;
    td_buf warnings; /* texts, NUL behind each */
} td_situation;

/* Looks at the log, and asks the process at `url` or, where that is NULL, at the address left in the folder. Where a
 * `url` and nothing of `which` is given, the process alone. Errors: TD_CONFIG: neither is there. To be freed either
 * way. */
TD_CHECKED td_status td_situation_look(td_situation *out, const td_os *os, const td_data_conf *which, const char *url);
/* The feeds as a JSON array. */
void td_situation_put_feeds(const td_situation *situation, td_buf *out);
void td_situation_fini(td_situation *situation);
