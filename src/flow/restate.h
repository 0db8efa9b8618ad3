/* src/flow/restate.h - a record of a log as it is in a copy of it: where it names a place of the log, it names that of
 * the copy. Places are named by Program records (from where on they are warmed), by releases, by the causes of outputs,
 * and by what `_programs`, `_inputs`, `_answers` and `_bookmarks` keep. All else stays as it is, byte for byte.
 * Thread: the owner's. */
#pragma once
#include "flow/atlas.h"
#include "schema/record.h"

typedef struct td_restater {
    const td_atlas *atlas; /* borrowed */
    td_buf value, headers; /* of what is being restated */
} td_restater;

typedef struct td_original { /* which record */
    const char *topic;
    uint32_t partition;
    const td_record *record;
} td_original;

void td_restater_fini(td_restater *restater);
/* *out is borrowed from the record and the restater until the next call. `ids`: as the log has them. TD_AGAIN: what it
 * names is not in the copy yet. TD_CORRUPT: it names a place, and is not a record of ours. */
TD_CHECKED td_status td_restate(td_restater *restater, const td_schema_ids *ids, const td_original *original,
                                td_record *out);
