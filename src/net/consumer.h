/* src/net/consumer.h - a topic that others write on a Kafka cluster, read without waiting: one table of functions for
 * whoever brings its records. No consumer group takes part: where to read on is for the owner to keep. It gets what is
 * committed, each partition in the order of its offsets; offsets ascend, and some are left out. A consumer belongs to
 * one thread, which drives it; what has to wait for the cluster's answers is a thread of its own, which asks about once
 * a second where the topic ends. */
#pragma once
#include "base/option.h"
#include "os/os.h"

enum { TD_CONSUMER_PARTITIONS_MAX = 1024 };

/* Where a partition that was never read begins, or the ms since 1970 at which its first record was made. */
#define TD_CONSUMER_START (INT64_MIN)
#define TD_CONSUMER_END   (INT64_MAX)

typedef struct td_consumer_conf { /* copied */
    const char *brokers, *topic;
    const td_texts *properties; /* librdkafka's, NAME=VALUE */
    const char *password;       /* sasl.password; NULL: none */
    int64_t from_ms;
} td_consumer_conf;

typedef struct td_consumer_span { /* what the cluster has of a partition */
    int64_t start, end;           /* first offset kept; where it ended at `asked_ns` */
    int64_t from;                 /* where it begins, by conf's `from_ms` */
} td_consumer_span;

typedef struct td_consumer_view {
    uint64_t number;               /* of the answer, or of the failure; 0: there is neither */
    int64_t asked_ns;              /* the machine's clock before the ends were asked for */
    uint32_t partitions;           /* they never become fewer */
    const td_consumer_span *spans; /* by partition; lent until the next look */
    bool denied;                   /* failed: only the operator changes that */
    const char *detail;            /* failed: why, for people; NULL: it is an answer. Lent alike */
} td_consumer_view;

typedef struct td_consumed {
    int64_t offset, timestamp_ms;
    td_bytes value; /* data NULL: there is none */
} td_consumed;

typedef struct td_consumer_ops {
    const char *name;
    /* Errors: TD_CONFIG with a trail that begins with the key's name. `os` is borrowed. */
    TD_CHECKED td_status (*open)(void **out, const td_os *os, const td_consumer_conf *conf);
    /* The newest that is known; begins to ask with the first call. */
    void (*look)(void *consumer, td_consumer_view *out);
    /* From there on, what was read of it before aside. Errors: TD_RETRY. */
    TD_CHECKED td_status (*read)(void *consumer, uint32_t partition, int64_t offset);
    /* The next record of a partition that is read, lent until the next call for that partition. TD_AGAIN: none now.
     * TD_REJECT: what is next is not there any more. TD_RETRY: reading failed: look, then read it again. */
    TD_CHECKED td_status (*next)(void *consumer, uint32_t partition, td_consumed *out);
    /* All below that offset was given, or is no record. */
    int64_t (*place)(const void *consumer, uint32_t partition);
    void (*close)(void *consumer); /* accepts NULL */
} td_consumer_ops;

extern const td_consumer_ops td_consumer_kafka; /* in a program without librdkafka it only fails to open */
