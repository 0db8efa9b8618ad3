/* src/log/log_kafka_private.h - what the files of the log on Kafka share. Private to log/ and to the tests that let a
 * process of it die. Locks: `lock` alone, never held over a request but `asking`, which is taken before it. */
#pragma once
#include "log/log_kafka.h"
#include "log/log_ops.h"
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

typedef enum td_kafka_edge { TD_KAFKA_START, TD_KAFKA_END, TD_KAFKA_EDGES } td_kafka_edge;

typedef struct td_kafka_topic td_kafka_topic;

typedef struct td_kafka_partition {
    td_kafka_topic *topic;
    uint32_t number;
    int64_t offset[TD_KAFKA_EDGES];   /* when it was last asked for */
    int64_t asked_ns[TD_KAFKA_EDGES]; /* monotonic; INT64_MIN: never */
    int64_t wanted_ns[TD_KAFKA_EDGES];
    int64_t committed_to; /* by this process: no end is below */
} td_kafka_partition;

struct td_kafka_topic {
    td_topic base; /* its name is the end of `full_name` */
    char *full_name;
    bool gone; /* from the cluster, when its topics were last listed */
    td_kafka_partition *partitions;
};

/* A consumer has one place per partition: readers of one partition have one each. */
typedef struct td_kafka_consumer {
    rd_kafka_t *rk;
    td_buf reading; /* of const td_kafka_partition * */
} td_kafka_consumer;

typedef struct td_kafka_log {
    td_log base;
    td_log *self; /* what its consumers belong to */
    td_os os;
    td_log_kafka_conf conf; /* prefix, brokers and password are owned */
    td_texts properties;
    int lock_file; /* of conf.dir; -1: none */
    td_log_report_fn report;
    void *report_arg;
    pthread_mutex_t lock;        /* of what follows, and of all partitions */
    pthread_mutex_t report_lock; /* the report, and `trouble` */
    pthread_mutex_t asking;      /* one request for edges at a time */
    char trouble[256];           /* the library's last complaint, told with what fails soon after */
    int64_t trouble_ns;
    atomic_int refusal; /* of the login, as librdkafka's code; 0: none */
    rd_kafka_t *client; /* asks; never reads, for a broker answers one request of a client after the other */
    td_kafka_consumer *consumers;
    size_t consumer_count;
    td_kafka_topic **topics; /* in byte order of their names */
    size_t topic_count;
    atomic_size_t partition_count; /* of all of them */
} td_kafka_log;

static inline td_kafka_log *td_kafka_log_of(const td_topic *topic) { return (td_kafka_log *)topic->log; }
static inline td_kafka_partition *td_kafka_partition_of(const td_topic *topic, uint32_t partition) {
    return &((const td_kafka_topic *)topic)->partitions[partition];
}
static inline int64_t td_kafka_now_ns(const td_kafka_log *log) { return log->os.ops->mono_ns(log->os.self); }
int64_t td_kafka_deadline_ns(const td_kafka_log *log);
int td_kafka_left_ms(const td_kafka_log *log, int64_t deadline_ns); /* 0 … the log's timeout */

/* --- log_kafka.c: handles ----------------------------------------------------------------------------------------- */

/* What all handles have in common; the caller adds what its own rests on. The handle's opaque is what it belongs to: a
 * writer, a group or the log, by the member that points to the log. */
TD_CHECKED td_status td_kafka_conf_new(td_log **owner, rd_kafka_conf_t **out);
/* Takes the conf. Errors: TD_CONFIG. */
TD_CHECKED td_status td_kafka_open_handle(rd_kafka_t **out, rd_kafka_type_t type, rd_kafka_conf_t *conf);
void td_kafka_must_set(rd_kafka_conf_t *conf, const char *name, const char *value);
TD_CHECKED td_status td_kafka_open_client(td_kafka_log *log, rd_kafka_t **out); /* one that asks, as the log's own */
char *td_kafka_full_name(const td_kafka_log *log, const char *name);            /* free() it */
bool td_kafka_is_refusal(rd_kafka_resp_err_t code); /* nothing but the operator changes it */
/* TD_RETRY or TD_CONFIG; the text says what was tried and what the library last complained of. */
TD_CHECKED td_status td_kafka_fail(td_kafka_log *log, rd_kafka_resp_err_t code, const char *doing, const char *what);

size_t td_kafka_queued_kb(const td_kafka_log *log); /* that a reader which begins now may have fetched ahead */
/* The library looks again soon where that was full. */
bool td_kafka_goes_on_fetching(void);
td_status td_kafka_take_consumer(td_kafka_log *log, const td_kafka_partition *partition, rd_kafka_t **out);
void td_kafka_give_consumer(td_kafka_log *log, const td_kafka_partition *partition, rd_kafka_t *rk);

/* --- log_kafka_topic.c -------------------------------------------------------------------------------------------- */

td_status td_kafka_topic_open(td_log *log, const char *name, uint32_t partitions, td_topic_role role, td_topic **out);
td_status td_kafka_each_topic(td_log *log, td_topic_fn each, void *arg);
void td_kafka_topic_free(td_kafka_topic *topic);
bool td_kafka_is_ours(const td_kafka_log *log, const struct rd_kafka_metadata_topic *topic);
/* Asks whether one could be made, and makes none. */
TD_CHECKED td_status td_kafka_try_making(td_kafka_log *log);

typedef struct td_kafka_retention { /* -1: for ever */
    int64_t ms, bytes;              /* of one partition */
} td_kafka_retention;
td_kafka_retention td_kafka_retention_of(const td_kafka_log *log, const char *name, uint32_t partitions);

/* --- log_kafka_edge.c: what is known of a partition --------------------------------------------------------------- */

/* As it was at `since_ns` or later. Errors: TD_RETRY, with what was known before in *out. */
TD_CHECKED td_status td_kafka_edge_at(const td_kafka_partition *partition, td_kafka_edge edge, int64_t since_ns,
                                      int64_t *out);
void td_kafka_note_end(const td_kafka_partition *partition, int64_t end);      /* a reader was told */
void td_kafka_note_committed(const td_kafka_partition *partition, int64_t to); /* by this process */
TD_CHECKED td_status td_kafka_ask_ends_of(const td_kafka_topic *topic);        /* TD_RETRY */
TD_CHECKED td_status td_kafka_ask_ends(td_kafka_log *log);                     /* of all partitions; TD_RETRY */
int32_t td_kafka_message_epoch(const rd_kafka_message_t *message);
bool td_kafka_has_epochs(void); /* whether the library tells them */

int64_t td_kafka_start(const td_topic *topic, uint32_t partition);
int64_t td_kafka_end(const td_topic *topic, uint32_t partition);
int32_t td_kafka_epoch(const td_topic *topic, uint32_t partition);
bool td_kafka_holds(const td_topic *topic, uint32_t partition, td_position position);
td_status td_kafka_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset);
int64_t td_kafka_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);

/* --- log_kafka_reader.c, log_kafka_writer.c, log_kafka_group.c: their part of the table --------------------------- */

td_status td_kafka_reader_open(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit);
void td_kafka_reader_close(td_reader *reader);
void td_kafka_reader_seek(td_reader *reader, int64_t offset);
td_status td_kafka_reader_refill(td_reader *reader, td_record *out);

td_status td_kafka_writer_open(td_writer **out, td_log *log, const char *name);
void td_kafka_writer_close(td_writer *writer);
TD_CHECKED td_status td_kafka_try_writing(td_kafka_log *log); /* takes the name `check` for a moment */
void td_kafka_writer_drop(td_writer *writer);                 /* as a death does: its transaction stays open */
td_status td_kafka_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done);
td_status td_kafka_begin(td_writer *writer);
td_status td_kafka_commit(td_writer *writer, const td_mark *marks, size_t mark_count);
td_status td_kafka_abort(td_writer *writer);
td_status td_kafka_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out);
td_status td_kafka_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                             td_position *out);

td_status td_kafka_group_join(td_group **out, td_log *log, const char *name, td_topic *topic);
void td_kafka_group_leave(td_group *group);
td_status td_kafka_group_poll(td_group *group, td_assignment *out);
