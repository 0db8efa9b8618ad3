/* src/flow/lane.c - a batch, and where it goes. */
#include "flow/lane.h"

enum { TOGETHER = 128 }; /* as many as ingest has */

void td_lane_init(td_lane *lane, td_topic *topic, uint32_t partition, size_t batch_bytes) {
    *lane = (td_lane){.topic = topic, .partition = partition};
    td_batch_init(&lane->batch, batch_bytes);
}

void td_lane_fini(td_lane *lane) { td_batch_fini(&lane->batch); }

bool td_lane_put(td_lane *lane, const td_lane_record *r) {
    return !lane->unsure && td_batch_add(&lane->batch, r->now_ms, r->key, r->value, r->header_name, r->header);
}

static void note_appended(td_lane *lane) {
    lane->unsure = false;
    lane->appended_bytes += (int64_t)lane->batch.bytes.size;
    td_batch_reset(&lane->batch);
}

static td_status flush_some(td_lane *const *lanes, size_t count, td_writer *writer) {
    td_append appends[TOGETHER];
    size_t done;
    if (count == 0) return TD_OK;
    for (size_t i = 0; i < count; i++) appends[i] = (td_append){lanes[i]->topic, lanes[i]->partition, &lanes[i]->batch};
    td_status status = td_writer_append_all(writer, appends, count, &done);
    for (size_t i = 0; i < done; i++) note_appended(lanes[i]);
    for (size_t i = done; i < count; i++) lanes[i]->unsure = status == TD_RETRY;
    return status;
}

td_status td_lanes_flush(td_lane *const *lanes, size_t count, td_writer *writer) {
    td_lane *full[TOGETHER];
    size_t n = 0;
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        if (lanes[i]->batch.count > 0) full[n++] = lanes[i];
        if (n < TOGETHER) continue;
        status = flush_some(full, n, writer);
        n = 0;
    }
    return status == TD_OK ? flush_some(full, n, writer) : status;
}

td_status td_lane_flush(td_lane *lane, td_writer *writer) { return td_lanes_flush(&lane, 1, writer); }
