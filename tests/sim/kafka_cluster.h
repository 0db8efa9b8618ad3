/* tests/sim/kafka_cluster.h - what the simulated cluster and its clients share. Private to kafka_sim. */
#pragma once
#include "kafka_sim.h"
#include "log/epoch.h"

enum {
    KAFKA_TOPICS_MAX = 32,
    KAFKA_PRODUCERS_MAX = 32,
    KAFKA_GROUPS_MAX = 4,
    KAFKA_MEMBERS_MAX = 8,
    KAFKA_MARKS_MAX = 16,
    KAFKA_NAME_MAX = 64,
};

typedef enum kafka_state { KAFKA_COMMITTED, KAFKA_OPEN, KAFKA_ABORTED, KAFKA_MARKER } kafka_state;

typedef struct kafka_producer kafka_producer;

typedef struct kafka_batch {
    kafka_state state;
    int64_t base_offset, count;
    int32_t epoch;
    int64_t base_timestamp_ms, max_timestamp_ms;
    const kafka_producer *producer;
    td_buf records; /* none in a marker */
} kafka_batch;

typedef struct kafka_partition {
    td_buf batches; /* kafka_batch * each */
    size_t settled; /* so many of the first are not open */
    int64_t start, next_offset;
    td_epochs epochs; /* by leader */
    /* The last batch whose answer was lost: its producer's sequence number tells it when it comes again. */
    const kafka_batch *unsure;
    int64_t unsure_epoch; /* of the producer */
    uint64_t unsure_digest;
} kafka_partition;

typedef struct kafka_topic {
    char name[KAFKA_NAME_MAX];
    uint32_t count;
    bool latest; /* compacted, as soon as something is committed */
    kafka_partition *partitions;
} kafka_topic;

typedef struct kafka_mark {
    const kafka_topic *topic;
    uint32_t partition;
    td_position position;
} kafka_mark;

typedef enum kafka_phase { KAFKA_IDLE, KAFKA_BEGUN, KAFKA_PREPARED } kafka_phase;

struct kafka_producer { /* of one transactional id, as the coordinator knows it */
    char name[KAFKA_NAME_MAX];
    int64_t epoch; /* only the producer that was given this one is alive */
    kafka_phase phase;
    bool timed_out; /* its transaction was aborted behind its back */
    kafka_mark pending[KAFKA_MARKS_MAX], marks[KAFKA_MARKS_MAX];
    size_t pending_count, mark_count;
};

typedef struct kafka_group {
    char name[KAFKA_NAME_MAX];
    int64_t generation;
    const void *members[KAFKA_MEMBERS_MAX]; /* in the order of joining */
    size_t member_count;
} kafka_group;

struct kafka_sim {
    td_random random;
    kafka_sim_faults faults;
    kafka_topic *topics[KAFKA_TOPICS_MAX];
    kafka_producer *producers[KAFKA_PRODUCERS_MAX];
    kafka_group *groups[KAFKA_GROUPS_MAX];
    size_t topic_count, producer_count, group_count;
};

kafka_topic *kafka_find_topic(kafka_sim *sim, const char *name); /* NULL: there is none */
kafka_topic *kafka_make_topic(kafka_sim *sim, const char *name, uint32_t count);
static inline size_t kafka_count(const kafka_partition *p) { return p->batches.size / sizeof(kafka_batch *); }
static inline kafka_batch *kafka_at(const kafka_partition *p, size_t i) {
    return ((kafka_batch **)(void *)p->batches.data)[i];
}
int64_t kafka_stable_end(kafka_partition *p); /* the last stable offset */
void kafka_lead(kafka_partition *p);
kafka_batch *kafka_put(kafka_partition *p, kafka_state state, int64_t count);
kafka_producer *kafka_find_producer(kafka_sim *sim, const char *name); /* made when missing, as the next two */
kafka_mark *kafka_find_mark(kafka_mark *marks, size_t *count, const kafka_topic *topic, uint32_t partition);
kafka_group *kafka_find_group(kafka_sim *sim, const char *name);
void kafka_end_transaction(kafka_sim *sim, kafka_producer *producer, bool committed);
void kafka_leave(kafka_group *group, const void *member); /* a rebalance, if it was in it */
bool kafka_is_dead(const void *member);                   /* kafka_client.c, as the next */
bool kafka_is_of(const void *member, const td_log *process);
