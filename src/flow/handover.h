/* src/flow/handover.h - a partition's newest snapshots as records of the topic `_snapshots`, for whoever has the
 * partition next, on whatever machine. Where the log brings no such topic (TD_TOPIC_LATEST), they are files.
 *
 * Two slots are written in turn, so that a snapshot that turns out to be void leaves the one before it. A slot is the
 * records `SLOT/0`, `SLOT/1`, … (pieces of the bytes), then `SLOT` (how many bytes they are, in decimal): one
 * transaction, and compaction keeps the last one of each slot. Who writes takes the name `snapshot-PARTITION` for so
 * long; that fences nobody but one who lost the partition and writes just then. Thread: one at a time. */
#pragma once
#include "log/log.h"

enum { TD_HANDOVER_SLOTS = 2, TD_HANDOVER_PIECE_BYTES = 512 * 1024 };

typedef struct td_handover {
    uint32_t slot;
    int64_t offset; /* of its first piece */
    size_t bytes;
} td_handover;

/* The whole ones, newest first. Reads all that compaction has left of the partition. */
TD_CHECKED td_status td_handover_find(td_topic *topic, uint32_t partition, td_handover out[TD_HANDOVER_SLOTS],
                                      size_t *out_count);
/* Its bytes, in place of what `out` holds. TD_AGAIN: it is not there any more. */
TD_CHECKED td_status td_handover_read(td_topic *topic, uint32_t partition, const td_handover *from, td_buf *out);
/* Errors: as of td_writer_open, append and commit; nothing is left of it then, or all. */
TD_CHECKED td_status td_handover_write(td_topic *topic, uint32_t partition, uint32_t slot, int64_t now_ms,
                                       td_bytes file);
