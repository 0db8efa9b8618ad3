/* src/flow/replay.h - a tape into a new log, so that workers can go over it once more: as it was received, record by
 * record, or as it is repaired. Repaired means: an event that came when its feed's watermark had passed its time, that
 * was accepted, and that missed no final window, stands before the first record that moved that watermark beyond its
 * time. So every window it belongs to is still open there. What stands at one place so is in the order (event time,
 * offset). All else keeps its order: what was refused, doubles, and what came too late for any revision.
 * Memory: the events that move, of one partition. Thread: one. Errors: as the log's. */
#pragma once
#include "flow/apply.h"

typedef struct td_replay_conf {
    const td_topics *from, *to; /* to: td_topics_open_copy of from */
    td_writer *writer;
    bool repaired;
    void (*progress)(void *arg, int64_t records); /* read so far of this partition, now and then */
    void *arg;
} td_replay_conf;

/* One partition. */
TD_CHECKED td_status td_replay_copy(const td_replay_conf *conf, uint32_t partition, int64_t *out_moved);
