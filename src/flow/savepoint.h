/* src/flow/savepoint.h - a worker's snapshot and position, together in one file or not at all. Taken in memory between
 * two records; written once the log has synced everything that it rests on. A file that cannot be read, belongs to
 * another tape or refers to what the log lost is void: the state is made again from the log.
 * Thread: the worker's. */
#pragma once
#include "flow/topics.h"
#include "stream/state.h"

typedef struct td_savepoint td_savepoint;

typedef struct td_savepoint_ends { /* where everything stood when the state was taken */
    td_position tape;              /* next record to apply */
    td_position outputs[TD_OUTPUT_COUNT];
} td_savepoint_ends;

TD_CHECKED td_status td_savepoint_open(td_savepoint **out, const td_os *os, const td_topics *topics, uint32_t partition,
                                       const char *dir);
void td_savepoint_close(td_savepoint *savepoint); /* accepts NULL */
/* TD_AGAIN: there is no valid one. Program and state are the caller's. */
TD_CHECKED td_status td_savepoint_load(td_savepoint *savepoint, td_savepoint_ends *out_ends, td_program **out_program,
                                       td_state **out_state);
/* Copies the state. Nothing else may be pending. */
void td_savepoint_take(td_savepoint *savepoint, const td_state *state, const td_program *program,
                       const td_savepoint_ends *ends);
bool td_savepoint_pending(const td_savepoint *savepoint);
/* TD_OK: written and durable. TD_AGAIN: nothing is pending, or the log has not synced so far. TD_RETRY: still pending.
 */
TD_CHECKED td_status td_savepoint_write_if_synced(td_savepoint *savepoint);
