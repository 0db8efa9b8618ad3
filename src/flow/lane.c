/* src/flow/lane.c - a batch, and where it goes. */
#include "flow/lane.h"

void td_lane_init(td_lane *lane, td_topic *topic, uint32_t partition, size_t batch_bytes) {
    *lane = (td_lane){.topic = topic, .partition = partition};
    td_batch_init(&lane->batch, batch_bytes);
}

void td_lane_fini(td_lane *lane) { td_batch_fini(&lane->batch); }

bool td_lane_put(td_lane *lane, const td_lane_record *r) {
    return !lane->unsure && td_batch_add(&lane->batch, r->now_ms, r->key, r->value, r->header_name, r->header);
}

td_status td_lane_flush(td_lane *lane, td_writer *writer) {
    if (lane->batch.count == 0) return TD_OK;
    td_status status = td_writer_append(writer, lane->topic, lane->partition, &lane->batch);
    lane->unsure = status == TD_RETRY;
    if (status == TD_OK) td_batch_reset(&lane->batch);
    return status;
}
