/* src/flow/savepoint.h - a partition's snapshot and position, together in one file or not at all. Taken in memory
 * between two records; written once the log has synced everything that it rests on. A file that cannot be read, belongs
 * to another tape or refers to what the log lost is void: the state is made again from an older one, or from the log.
 *
 * The newest is in the log's topic of snapshots where there is one (flow/handover.h), so that any process may go on
 * from it. Files of a folder: else tape-3.snapshot is the newest; tape-3@00000000000001234567.snapshot is one that was
 * kept, by the offset of the next record to apply. Of kept ones there are at most `kept_max` per partition; the oldest
 * go. Thread: the owner's. */
#pragma once
#include "flow/apply.h"

typedef struct td_savepoint td_savepoint;

#define TD_SAVEPOINT_NOWHERE ((td_position){.epoch = -1, .offset = -1}) /* the end of what is not published */

typedef struct td_savepoint_ends { /* where everything stood when the state was taken */
    td_position tape;              /* next record to apply */
    td_position outputs[TD_OUTPUT_COUNT];
} td_savepoint_ends;

typedef struct td_savepoint_conf {
    const td_os *os;
    const td_topics *topics;
    uint32_t partition;
    const char *dir; /* to be there before one is written */
    int64_t kept_max;
    bool unpublished; /* one will do that knows nothing of the ends of what is published: they are nowhere then */
    bool read_only;   /* the tape alone says whether a file is void, not the outputs that a worker would go on with */
} td_savepoint_conf;

TD_CHECKED td_status td_savepoint_open(td_savepoint **out, const td_savepoint_conf *conf);
void td_savepoint_close(td_savepoint *savepoint); /* accepts NULL */
/* The newest valid one whose next record is at `up_to` or before. TD_AGAIN: there is none. The applier is to be
 * finished. */
TD_CHECKED td_status td_savepoint_load(td_savepoint *savepoint, int64_t up_to, td_savepoint_ends *out_ends,
                                       td_applier *out);
/* Touches the memory for a state of that size while nothing is pending: new memory is three quarters of the time of a
 * copy, and instruments come a few at a time. */
void td_savepoint_make_room(td_savepoint *savepoint, size_t state_bytes);
/* Copies the state, and does nothing else while the worker stands: 0.2 ms for a megabyte where there is room for it.
 * Nothing else may be pending. `keep`: beside the newest, too. */
void td_savepoint_take(td_savepoint *savepoint, const td_applier *applier, const td_savepoint_ends *ends, bool keep);
/* Others may have written snapshots since: nothing that was known of them holds. With nothing pending. */
void td_savepoint_look_again(td_savepoint *savepoint);
bool td_savepoint_pending(const td_savepoint *savepoint);
/* TD_OK: written and durable. TD_AGAIN: nothing is pending (any more: whoever has the partition now has written one),
 * or the log has not synced so far, or another thread writes just now. TD_RETRY: still pending. Thread: any. */
TD_CHECKED td_status td_savepoint_write_if_synced(td_savepoint *savepoint);
/* Removes all files. */
TD_CHECKED td_status td_savepoint_remove_all(td_savepoint *savepoint);
