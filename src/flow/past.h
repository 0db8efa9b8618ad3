/* src/flow/past.h - the state of a partition at an earlier place of its tape: the nearest kept snapshot before it, and
 * the records from there on applied once more. It is what the worker knew there. Changes nothing in the log.
 *
 * The place of a time T, as an instrument sees it: before the first record that became known after T, among those of
 * the instrument and of the feed that traded it last. Known is the receive time, of a Time record its clock: neither
 * goes back within a feed. Outputs known at T or before are those that records below that place have made. Thread: the
 * caller's. Errors: TD_CONFIG: the place is not on the tape; as the log's. */
#pragma once
#include "flow/apply.h"
#include "schema/place.h"

typedef struct td_past_conf {
    const td_os *os;
    const td_topics *topics;
    const char *snapshot_dir;
    td_bytes instrument; /* whose partition it is */
    td_place place;
    const td_emit *emit; /* gets what the records behind the snapshot make once more */
} td_past_conf;

typedef struct td_past {
    td_applier applier;
    int64_t from, offset; /* next record at the snapshot, and at the place */
} td_past;

/* To be freed either way. */
TD_CHECKED td_status td_past_open(td_past *out, const td_past_conf *conf);
void td_past_close(td_past *past);

/* The last record below `offset` of the instrument or of that feed. TD_AGAIN: there is none on the tape. */
typedef struct td_past_record {
    int64_t offset;
    td_event event; /* without indexes */
} td_past_record;
TD_CHECKED td_status td_past_last(const td_past_conf *conf, td_bytes feed, int64_t offset, td_past_record *out);
