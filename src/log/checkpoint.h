/* src/log/checkpoint.h - how far each partition was synced when a round last ended: Kafka's
 * recovery-point-offset-checkpoint in the data folder (text: version 0, count, then "topic partition offset" lines).
 * Private to log/. Thread: the sync thread's. */
#pragma once
#include "os/os.h"

typedef struct td_checkpoint {
    td_buf text; /* as on the disk, with a NUL; empty: nothing is known */
} td_checkpoint;

/* Errors: TD_RETRY, TD_CONFIG. A missing file is an empty checkpoint. */
TD_CHECKED td_status td_checkpoint_load(td_checkpoint *out, const td_os *os, const char *data_dir);
void td_checkpoint_fini(td_checkpoint *checkpoint);
/* INT64_MAX when the partition is not named. */
int64_t td_checkpoint_find(const td_checkpoint *checkpoint, const char *topic, uint32_t partition);

/* Writing: begin, a line for each partition, save. */
void td_checkpoint_add(td_buf *lines, const char *topic, uint32_t partition, int64_t offset);
TD_CHECKED td_status td_checkpoint_save(const td_buf *lines, const td_os *os, const char *data_dir);
