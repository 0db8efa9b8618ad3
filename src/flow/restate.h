/* src/flow/restate.h - a record of a log as it is in a copy of it: where it names a place of the log, it names that of
 * the copy. Places are named by Program records (from where on they are warmed), by releases, by the causes of outputs,
 * and by what `_programs`, `_inputs`, `_answers` and `_bookmarks` keep. Where the copy has its schemas in a registry
 * elsewhere, records name them by the ids of that one. All else stays as it is, byte for byte.
 * Thread: the owner's. */
#pragma once
#include "flow/atlas.h"
#include "schema/record.h"

typedef struct td_restater {
    const td_atlas *atlas;       /* borrowed */
    const td_schema_ids *to_ids; /* the copy's; borrowed. NULL: the log's, too */
    td_buf value, headers;       /* of what is being restated */
    bool placed;                 /* it named a place in its value */
} td_restater;

typedef struct td_original { /* which record */
    const char *topic;
    uint32_t partition;
    const td_record *record;
} td_original;

void td_restater_fini(td_restater *restater);
/* *out is borrowed from the record and the restater until the next call. `ids`: as the log has them. TD_AGAIN: what it
 * names is not in the copy yet. TD_CORRUPT: it names a place, and is not a record of ours. TD_CONFIG: its schema has no
 * id in the copy, or its id is another schema's there. */
TD_CHECKED td_status td_restate(td_restater *restater, const td_schema_ids *ids, const td_original *original,
                                td_record *out);
