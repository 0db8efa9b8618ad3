/* src/flow/lane.h - one partition that records are batched for and appended to. After a failure the log may have the
 * batch: nothing more goes into it before that is known. Thread: its owner's. */
#pragma once
#include "log/log.h"

typedef struct td_lane_record {
    int64_t now_ms;
    td_bytes key, value;
    td_bytes header_name, header; /* size 0: none */
} td_lane_record;

typedef struct td_lane {
    td_topic *topic;
    uint32_t partition;
    td_batch batch;
    bool unsure;
    int64_t appended_bytes; /* of batches, since it began */
} td_lane;

void td_lane_init(td_lane *lane, td_topic *topic, uint32_t partition, size_t batch_bytes);
void td_lane_fini(td_lane *lane);
/* False: flush it first; then it takes any record. */
bool td_lane_put(td_lane *lane, const td_lane_record *record);
/* Appends what is batched. Errors: as td_writer_append's; flush again. */
TD_CHECKED td_status td_lane_flush(td_lane *lane, td_writer *writer);
/* The same of several, in one go. */
TD_CHECKED td_status td_lanes_flush(td_lane *const *lanes, size_t count, td_writer *writer);
