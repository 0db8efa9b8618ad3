/* src/log/log_ops.h - what an implementation of the log brings: log.h's functions, with log.h's words for each. No
 * member is optional. Private to log/ and to the tests that bring a log of their own. */
#pragma once
#include "log/log.h"

/* td_topic_verify by reading: for the table of a log whose files are elsewhere. */
td_status td_verify_records(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out);

struct td_log_ops {
    void (*close)(td_log *log);
    td_status (*topic)(td_log *log, const char *name, uint32_t partitions, td_topic_role role, td_topic **out);
    td_status (*each_topic)(td_log *log, td_topic_fn each, void *arg);
    td_status (*sync)(td_log *log);
    td_status (*truncate)(td_topic *topic, uint32_t partition, int64_t offset);
    td_status (*release)(td_log *log, int64_t bytes);

    int64_t (*start)(const td_topic *topic, uint32_t partition);
    int64_t (*end)(const td_topic *topic, uint32_t partition);
    int64_t (*synced)(const td_topic *topic, uint32_t partition);
    int64_t (*bytes)(const td_topic *topic, uint32_t partition);
    size_t (*segments)(const td_topic *topic, uint32_t partition);
    int32_t (*epoch)(const td_topic *topic, uint32_t partition);
    bool (*holds)(const td_topic *topic, uint32_t partition, td_position position);
    int64_t (*block_before)(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes);

    td_status (*verify)(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out);
    td_status (*at_time)(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset);

    /* The caller of reader_open fills in `topic` and seeks; seek resets `lost`. */
    td_status (*reader_open)(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit);
    void (*reader_close)(td_reader *reader);
    void (*reader_seek)(td_reader *reader, int64_t offset);
    td_status (*reader_refill)(td_reader *reader, td_record *out);

    td_status (*writer_open)(td_writer **out, td_log *log, const char *name);
    void (*writer_close)(td_writer *writer);
    /* td_writer_append_all; *out_done is set whatever it returns. */
    td_status (*append)(td_writer *writer, const td_append *appends, size_t count, size_t *out_done);
    td_status (*begin)(td_writer *writer);
    td_status (*commit)(td_writer *writer, const td_mark *marks, size_t mark_count);
    td_status (*abort)(td_writer *writer);
    td_status (*position)(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out);

    td_status (*committed)(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                           td_position *out);

    td_status (*group_join)(td_group **out, td_log *log, const char *name, td_topic *topic);
    void (*group_leave)(td_group *group);
    td_status (*group_poll)(td_group *group, td_assignment *out);
};
