/* src/flow/recheck.h - the outputs of a partition made once more and held against those that the log holds: what a
 * worker does after a restart, for who only reads. Goes along the tape in steps, from the snapshot before a place or
 * from where the tape begins. An output is looked for by its cause; what the log holds must have the same key and the
 * same value, byte for byte. Changes nothing. Memory: the state. Thread: the caller's. Errors: as td_past_begin's. */
#pragma once
#include "flow/past.h"
#include "schema/cause.h"

typedef enum td_recheck_word {
    TD_RECHECK_DIFFERS, /* the log's is another one */
    TD_RECHECK_MISSING, /* the log has none */
    TD_RECHECK_UNMADE,  /* the log has one that nothing on the tape makes */
} td_recheck_word;

typedef struct td_recheck_finding { /* lent for the call */
    td_recheck_word word;
    const char *topic;
    uint32_t partition;
    int64_t offset; /* in the topic, of what the log holds; -1 of MISSING */
    td_cause cause;
    td_bytes key, held, made; /* values; size 0: there is none */
} td_recheck_finding;

typedef struct td_recheck_conf { /* borrowed for the recheck's life */
    const td_os *os;
    const td_topics *topics;
    const char *snapshot_dir; /* NULL: from where the tape begins */
    uint32_t partition;
    int64_t begin; /* from the last snapshot that is not behind this offset */
    /* Gets each output when it is held against the log's, as the state stands then; may be NULL. */
    const td_emit *emit;
    void (*found)(void *arg, const td_recheck_finding *finding);
    void *arg;
} td_recheck_conf;

typedef struct td_recheck td_recheck;

TD_CHECKED td_status td_recheck_open(td_recheck **out, const td_recheck_conf *conf);
void td_recheck_close(td_recheck *recheck); /* accepts NULL */
/* Goes on to that offset of the tape, by at most so many records. TD_AGAIN: it is not there yet. What the worker has
 * not applied has no outputs to be held against: that is no place to go to. */
TD_CHECKED td_status td_recheck_step(td_recheck *recheck, int64_t offset, int64_t records);
const td_past *td_recheck_past(const td_recheck *recheck);
/* Of the output that is being told, or of the next one. */
td_cause td_recheck_cause(const td_recheck *recheck);

typedef struct td_recheck_counts {
    int64_t outputs[TD_OUTPUT_COUNT]; /* made, and held against the log's */
    int64_t findings;
    bool forgetful; /* retention took the tape's beginning and no snapshot holds it: findings mean nothing */
} td_recheck_counts;
const td_recheck_counts *td_recheck_counted(const td_recheck *recheck);
/* "signals-3: offset 17: …", as one line. */
void td_recheck_put_finding(td_buf *out, const td_schema_ids *ids, const td_recheck_finding *finding);
