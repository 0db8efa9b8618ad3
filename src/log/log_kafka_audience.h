/* src/log/log_kafka_audience.h - who else reads a topic of a log on Kafka: groups of consumers that have committed
 * offsets for it. The brokers are asked, and nobody waits for them. Of groups in the order of their names the first
 * TD_AUDIENCE_GROUPS are asked, of a topic the first TD_AUDIENCE_PARTITIONS. Thread: one, which looks at the log. */
#pragma once
#include "log/log.h"

enum { TD_AUDIENCE_GROUPS = 64, TD_AUDIENCE_PARTITIONS = 64 };

typedef struct td_audience td_audience;

typedef struct td_listener {
    const char *group; /* until the audience is freed */
    uint32_t partition;
    int64_t offset; /* that it reads next */
} td_listener;

/* The topic is borrowed, as is its log, which is one of td_log_kafka_open. Groups whose names begin with `ours` behind
 * the log's prefix, and end in digits, are left out. */
td_audience *td_audience_ask(const td_topic *topic, const char *ours);
void td_audience_free(td_audience *audience); /* what was asked and not answered yet is let go; accepts NULL */
/* TD_FULL: answers are on their way. TD_OK: all are there. TD_RETRY, TD_CONFIG: who asks who is there gets no answer.
 * At most 10 s go by. */
TD_CHECKED td_status td_audience_step(td_audience *audience);
/* Then, groups in the order of their names, partitions ascending. NULL: there are no more. */
const td_listener *td_audience_at(const td_audience *audience, size_t index);
/* Whether there are more groups, or partitions, than were asked about; or some of which nothing was told. */
bool td_audience_is_cut(const td_audience *audience);
