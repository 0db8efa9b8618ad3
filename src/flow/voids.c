/* src/flow/voids.c - reads an output from its end, in blocks that grow, until it finds one that is valid. */
#include "flow/voids.h"
#include "schema/cause.h"

enum { BLOCK_BYTES = 64 * 1024 };

/* Its offset is -1 where the record has none. */
static td_cause cause_of(const td_record *record) {
    td_cause cause;
    if (!td_cause_get(td_record_header(record, TD_CAUSE_HEADER), &cause)) cause.offset = -1;
    return cause;
}

static bool is_valid(const td_topics *topics, uint32_t partition, const td_cause *cause) {
    return cause->offset >= 0 &&
           td_topic_holds(topics->tape, partition, (td_position){cause->epoch, cause->offset + 1});
}

/* Of the records up to `to`: the cause of the last one, *out_offset -1 when there is no record. */
static td_status find_last(td_reader *reader, int64_t to, td_cause *out, int64_t *out_offset) {
    td_record record;
    td_status status;
    *out_offset = -1;
    while ((status = td_reader_next(reader, &record)) == TD_OK && record.offset < to) {
        *out_offset = record.offset;
        *out = cause_of(&record);
    }
    return status == TD_AGAIN ? TD_OK : status;
}

/* Of the records up to `to`: the first of those behind the last valid one, *out_void -1 when there is none. Each is
 * judged by itself only where the last one is not valid: a cluster has to be asked about each. */
static td_status find_void(const td_topics *topics, td_reader *reader, uint32_t partition, int64_t to,
                           int64_t *out_void, bool *out_valid) {
    td_cause cause;
    td_record record;
    int64_t last, from = td_reader_offset(reader);
    td_status status = find_last(reader, to, &cause, &last);
    *out_void = -1;
    *out_valid = status == TD_OK && last >= 0 && is_valid(topics, partition, &cause);
    if (status != TD_OK || last < 0 || *out_valid) return status;
    td_reader_seek(reader, from);
    while ((status = td_reader_next(reader, &record)) == TD_OK && record.offset <= last) {
        cause = cause_of(&record);
        bool valid = is_valid(topics, partition, &cause);
        *out_valid |= valid;
        if (valid) *out_void = -1;
        if (!valid && *out_void < 0) *out_void = record.offset;
    }
    return status == TD_AGAIN ? TD_OK : status;
}

td_status td_voids_remove(const td_topics *topics, td_topic *output, uint32_t partition) {
    int64_t to = td_topic_end(output, partition), void_from = -1, block_bytes = BLOCK_BYTES;
    bool valid_seen = false;
    while (to > td_topic_start(output, partition) && !valid_seen) {
        int64_t found, from = td_topic_block_before(output, partition, to, block_bytes);
        td_reader *reader;
        td_status status = td_reader_open(&reader, output, partition, from, TD_READ_APPENDED);
        if (status != TD_OK) return status;
        status = find_void(topics, reader, partition, to, &found, &valid_seen);
        td_reader_close(reader);
        if (status != TD_OK) return status;
        if (found >= 0) void_from = found;
        to = from;
        block_bytes *= 4;
    }
    return void_from >= 0 ? td_log_truncate(output, partition, void_from) : TD_OK;
}
