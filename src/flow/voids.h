/* src/flow/voids.h - an output whose cause the tape no longer holds is void: a crash took the tape's end, or a cut did.
 * Thread: the partition's owner, before anything is applied. */
#pragma once
#include "flow/topics.h"

/* Removes them, from the first of those behind the last valid one. Errors: the log's. */
TD_CHECKED td_status td_voids_remove(const td_topics *topics, td_topic *output, uint32_t partition);
