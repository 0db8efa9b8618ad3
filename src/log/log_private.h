/* src/log/log_private.h - what the files of the embedded log share of a log, its topics and its writers. Private to
 * log/. Lock order: writers, one writer's, publish; then a partition's. */
#pragma once
#include "log/checkpoint.h"
#include "log/log_ops.h"
#include "log/log_segment.h"
#include "log/partition.h"

typedef struct td_segment_topic {
    td_topic base;
    td_partition **partitions;
    bool positions; /* private: see positions.h */
} td_segment_topic;

typedef struct td_segment_writer td_segment_writer;

typedef struct td_segment_log {
    td_log base;
    td_os os;
    td_log_conf conf; /* dir: owned */
    td_log_report_fn report;
    void *report_arg;
    int64_t wall_at_zero_ns; /* of the monotonic clock */
    int lock_file;           /* -1: read-only */
    bool unclean;            /* the last writer did not close it */
    td_checkpoint promised;
    td_segment_topic **topics; /* in byte order of their names */
    size_t topic_count;
    pthread_mutex_t publish_lock; /* the ends of one transaction move together, and are noted together */
    pthread_mutex_t writers_lock; /* the list */
    td_segment_writer *writers;
} td_segment_log;

static inline td_segment_log *td_segment_log_of(const td_topic *topic) { return (td_segment_log *)topic->log; }
static inline td_partition *td_topic_partition(const td_topic *topic, uint32_t partition) {
    return ((const td_segment_topic *)topic)->partitions[partition];
}

td_topic *td_segment_find_topic(const td_segment_log *log, td_bytes name); /* NULL: there is none */

/* reader.c, writer.c and group.c: their part of the table. */
td_status td_segment_reader_open(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit);
void td_segment_reader_close(td_reader *reader);
void td_segment_reader_seek(td_reader *reader, int64_t offset);
td_status td_segment_reader_refill(td_reader *reader, td_record *out);
td_status td_segment_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset);
int64_t td_segment_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);

td_status td_segment_writer_open(td_writer **out, td_log *log, const char *name);
void td_segment_writer_close(td_writer *writer);
td_status td_segment_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done);
td_status td_segment_begin(td_writer *writer);
td_status td_segment_commit(td_writer *writer, const td_mark *marks, size_t mark_count);
td_status td_segment_abort(td_writer *writer);
td_status td_segment_verify(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out);
td_status td_segment_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                               td_position *out);
td_status td_segment_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out);

td_status td_segment_group_join(td_group **out, td_log *log, const char *name, td_topic *topic);
void td_segment_group_leave(td_group *group);
td_status td_segment_group_poll(td_group *group, td_assignment *out);
