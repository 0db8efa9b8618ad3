/* src/log/log.c - from log.h to whichever log runs. */
#include "log/log_ops.h"
#include <assert.h>

void td_log_close(td_log *log) {
    if (log != NULL) log->ops->close(log);
}

td_status td_log_topic(td_log *log, const char *name, uint32_t partitions, td_topic_role role, td_topic **out) {
    return log->ops->topic(log, name, partitions, role, out);
}

td_status td_log_each_topic(td_log *log, td_topic_fn each, void *arg) { return log->ops->each_topic(log, each, arg); }
td_status td_log_sync(td_log *log) { return log->ops->sync(log); }

td_status td_log_release(td_log *log, int64_t bytes) { return log->ops->release(log, bytes); }

td_status td_log_truncate(td_topic *topic, uint32_t partition, int64_t offset) {
    return topic->log->ops->truncate(topic, partition, offset);
}

/* --- one partition ---------------------------------------------------------------------------------------------- */

int64_t td_topic_start(const td_topic *topic, uint32_t partition) { return topic->log->ops->start(topic, partition); }
int64_t td_topic_end(const td_topic *topic, uint32_t partition) { return topic->log->ops->end(topic, partition); }
int64_t td_topic_synced(const td_topic *topic, uint32_t partition) { return topic->log->ops->synced(topic, partition); }
int64_t td_topic_bytes(const td_topic *topic, uint32_t partition) { return topic->log->ops->bytes(topic, partition); }
size_t td_topic_segments(const td_topic *topic, uint32_t partition) {
    return topic->log->ops->segments(topic, partition);
}
int32_t td_topic_epoch(const td_topic *topic, uint32_t partition) { return topic->log->ops->epoch(topic, partition); }

bool td_topic_holds(const td_topic *topic, uint32_t partition, td_position position) {
    return topic->log->ops->holds(topic, partition, position);
}

int64_t td_topic_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes) {
    return topic->log->ops->block_before(topic, partition, offset, bytes);
}

td_status td_topic_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset) {
    return topic->log->ops->at_time(topic, partition, timestamp_ms, out_offset);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

td_status td_reader_open(td_reader **out, td_topic *topic, uint32_t partition, int64_t offset, td_read_limit limit) {
    td_status status = topic->log->ops->reader_open(out, topic, partition, limit);
    if (status != TD_OK) return status;
    (*out)->topic = topic;
    td_reader_seek(*out, offset);
    return TD_OK;
}

void td_reader_close(td_reader *reader) {
    if (reader != NULL) reader->topic->log->ops->reader_close(reader);
}

void td_reader_seek(td_reader *reader, int64_t offset) { reader->topic->log->ops->reader_seek(reader, offset); }

td_status td_reader_refill(td_reader *reader, td_record *out) {
    return reader->topic->log->ops->reader_refill(reader, out);
}

td_status td_topic_verify(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out) {
    return topic->log->ops->verify(topic, partition, conf, out);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

td_status td_writer_open(td_writer **out, td_log *log, const char *name) {
    return log->ops->writer_open(out, log, name);
}

void td_writer_close(td_writer *writer) {
    if (writer != NULL) writer->log->ops->writer_close(writer);
}

td_status td_writer_append(td_writer *writer, td_topic *topic, uint32_t partition, td_batch *batch) {
    assert(batch->count > 0 && partition < topic->partitions);
    size_t done;
    return writer->log->ops->append(writer, &(td_append){topic, partition, batch}, 1, &done);
}

td_status td_writer_append_all(td_writer *writer, const td_append *appends, size_t count, size_t *out_done) {
    for (size_t i = 0; i < count; i++)
        assert(appends[i].batch->count > 0 && appends[i].partition < appends[i].topic->partitions);
    return writer->log->ops->append(writer, appends, count, out_done);
}

td_status td_writer_begin(td_writer *writer) { return writer->log->ops->begin(writer); }

td_status td_writer_commit(td_writer *writer, const td_mark *marks, size_t mark_count) {
    return writer->log->ops->commit(writer, marks, mark_count);
}

td_status td_writer_abort(td_writer *writer) { return writer->log->ops->abort(writer); }

td_status td_writer_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out) {
    return writer->log->ops->position(writer, topic, partition, out);
}

td_status td_log_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                           td_position *out) {
    return log->ops->committed(log, writer, topic, partition, out);
}

/* --- sharing partitions ----------------------------------------------------------------------------------------- */

td_status td_group_join(td_group **out, td_log *log, const char *name, td_topic *topic) {
    return log->ops->group_join(out, log, name, topic);
}

void td_group_leave(td_group *group) {
    if (group != NULL) group->log->ops->group_leave(group);
}

td_status td_group_poll(td_group *group, td_assignment *out) { return group->log->ops->group_poll(group, out); }
