/* src/flow/deliver.h - the arrow from the outputs to one sink: one thread per sink, one transaction per batch, the
 * position in it. Reads no further than what is synced, so that no row a sink holds is ever void. A sink that fails
 * gets the same batch again after a pause; it never stops a feed or a worker: its lag is end offset minus position. */
#pragma once
#include "flow/flow.h"
#include "flow/losses.h"
#include "flow/topics.h"
#include "schema/place.h"
#include "sink/sink.h"

/* Where a sink is to go on: with what was not known at `from` (NULL: with all), in each partition from the first such
 * record on. `empties`: its rows go, and what it has lost is told anew. */
typedef struct td_deliver_reset {
    const td_place *from;
    bool empties;
} td_deliver_reset;

typedef struct td_deliver_conf {
    const td_os *os;
    const td_topics *topics;
    const td_sink_ops *ops;
    const td_sink_conf *sink_conf;
    const char *dir;               /* of the log: keeps what the sink has lost (losses.h) */
    const td_deliver_reset *reset; /* before all else, once; NULL: it goes on where it is */
} td_deliver_conf;

typedef struct td_deliver_counts {
    td_counter rows;     /* written in this run */
    td_counter batches;  /* transactions that were kept */
    td_counter retries;  /* batches that had to be tried again */
    td_counter lost;     /* outputs that retention or a repair took before the sink had them */
    td_counter red;      /* of those, and of runs before: not acknowledged yet */
    td_counter hindered; /* 1: the sink works, but not as it is meant to (td_sink_ops' look) */
    td_histogram writes; /* time of each transaction, tried or kept */
} td_deliver_counts;

typedef struct td_deliver td_deliver;

/* What `of` of a sink names, before there is a log; `published` as td_topics_open takes it. TD_CONFIG: "of: …", what is
 * none, has no place in sinks of that kind, or is not published. */
TD_CHECKED td_status td_deliver_check_of(const td_sink_ops *ops, const td_texts *of, uint32_t published);

/* Opens the sink and asks it where it is. TD_CONFIG when its position is not of this log, or where it cannot be set
 * back; a sink that is not to be reached is opened, and set back, by the first steps. */
TD_CHECKED td_status td_deliver_open(td_deliver **out, const td_deliver_conf *conf);
int td_deliver_step(void *deliver); /* rows written; 0: level, or backing off */
/* After the last step, once: has the sink write what it holds back. Not TD_OK: it has not, as the trail says. */
TD_CHECKED td_status td_deliver_finish(td_deliver *deliver);
void td_deliver_close(td_deliver *deliver);
/* The sink holds everything that the log has synced. Thread: any. */
bool td_deliver_level(td_deliver *deliver);
/* What the sink takes next; -1: it does not take that topic. Thread: any. */
int64_t td_deliver_taken(const td_deliver *deliver, const td_topic *topic, uint32_t partition);
/* Records appended that the sink does not hold yet; -1: it does not take that topic. Thread: any. */
int64_t td_deliver_lag(const td_deliver *deliver, const td_topic *topic, uint32_t partition);
td_deliver_counts *td_deliver_counters(td_deliver *deliver);
td_trouble *td_deliver_trouble(td_deliver *deliver);
td_trouble *td_deliver_hindrance(td_deliver *deliver); /* what it works on in spite of */
td_fault *td_deliver_fault(td_deliver *deliver);       /* TD_CORRUPT: one partition stands, the others go on */
