/* src/flow/past.h - the state of a partition at an earlier place of its tape: the nearest kept snapshot before it, and
 * the records from there on applied once more. It is what the worker knew there. Changes nothing in the log.
 *
 * The place of a time T, as an instrument sees it: before the first record that became known after T, among those of
 * the instrument and of the feed that traded it last. Known is the receive time, of a Time record its clock: neither
 * goes back within a feed. Outputs known at T or before are those that records below that place have made. Thread: the
 * caller's. Errors: TD_CONFIG: the place is not on the tape; as the log's. */
#pragma once
#include "flow/savepoint.h"
#include "schema/place.h"

typedef struct td_past_conf { /* lent until the place is reached */
    const td_os *os;
    const td_topics *topics;
    const char *snapshot_dir; /* NULL: from where the tape begins */
    td_bytes instrument;      /* whose partition it is; size 0: it is `partition`, and the place an offset */
    uint32_t partition;
    td_place place;
    const td_emit *emit; /* gets what the records behind the snapshot make once more */
} td_past_conf;

typedef struct td_past {
    td_applier applier;
    int64_t from, offset;     /* next record at the snapshot, and at the place; on the way there the next to apply */
    int64_t end;              /* the offset at which the way ends at last */
    td_savepoint_ends ends;   /* of the outputs at the snapshot; all 0 without one */
    const td_record *record;  /* being applied; NULL: none */
    const td_past_conf *conf; /* its own, as the rest */
    td_reader *reader;
    uint32_t partition;
} td_past;

/* To be freed either way. */
TD_CHECKED td_status td_past_open(td_past *out, const td_past_conf *conf);
/* The same in turns: the state at the snapshot, then steps of at most so many records. TD_AGAIN: not there yet. */
TD_CHECKED td_status td_past_begin(td_past *out, const td_past_conf *conf);
TD_CHECKED td_status td_past_step(td_past *past, int64_t records);
void td_past_close(td_past *past);

/* The last record below `offset` of the instrument or of that feed. TD_AGAIN: there is none on the tape. */
typedef struct td_past_record {
    int64_t offset;
    td_event event; /* without indexes */
} td_past_record;
TD_CHECKED td_status td_past_last(const td_past_conf *conf, td_bytes feed, int64_t offset, td_past_record *out);
