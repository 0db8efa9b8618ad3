/* src/flow/apply.h - one partition's state going along its tape, record by record: what a worker does for the outputs,
 * and whoever looks back for the state alone. Owns program and state; allocates only when something is first seen.
 * Thread: the owner's.
 *
 * A Program record says from where on what is new in the program is warmed: the records from there to it go through a
 * state of the new program once more, without outputs, and then the two states change places. Where the tape no longer
 * begins so early, or cannot be read, what is there has to do.
 *
 * Before a record that finds bars due for their cross-sections these run, with what all partitions have told of them.
 */
#pragma once
#include "flow/members.h"
#include "stream/state.h"

/* Gets each tick that was accepted, with its codes and texts, behind what it made; no copies. */
typedef struct td_accepted {
    void *self;
    void (*take)(void *self, td_bytes instrument, td_bytes feed, const td_event *event); /* lent for the call */
} td_accepted;

typedef struct td_applier { /* a value; state and program are there to be read, the rest is its own */
    const td_topics *topics;
    uint32_t partition;
    td_program *program;
    td_state *state;
    uint8_t feed_name[64]; /* of the record before, and its index in the state */
    size_t feed_name_size;
    uint32_t feed;
    bool reads_codes; /* its venue's conditions are asked for */
    bool warms;       /* it makes a state for another one, and stays with its program */
    bool forgoes;     /* cross-sections: bars that wait for them run without, for who wants the state's windows alone */
    bool waits;       /* for another partition to come to an end that bars wait for */
    bool passes;      /* the owner decides about what is no event of ours: it is not applied, and no error */
    bool passed;      /* the last record was none, or a stranger's that `rejected` tells of: as if it were not there */
    int64_t told_end; /* `rejected` tells of all strangers below, as it was read last; 0: it was not */
    struct td_warming *warming;
    const td_accepted *accepted; /* set by whoever wants it, once it has begun; borrowed. NULL: nobody does */
    td_members_places from;      /* of `sections`, at the beginning */
    td_gathering *gathering;
    struct {                 /* programs that began */
        int64_t count, cold; /* cold: of those, the ones that the tape did not hold enough for */
        int64_t records;     /* that went through a state to warm it */
    } swaps;
} td_applier;

/* An empty state of the program in force at `offset`; a snapshot's is put in by hand. Errors: as
 * td_program_at's. */
TD_CHECKED td_status td_applier_begin(td_applier *out, const td_topics *topics, uint32_t partition, int64_t offset);
void td_applier_fini(td_applier *applier); /* also of one that never began */
/* Applies a record of the tape. TD_CORRUPT: it is not one of ours, or names a program that the log does not hold;
 * nothing was applied. */
TD_CHECKED td_status td_applier_apply(td_applier *applier, const td_record *record, const td_emit *emit,
                                      td_applied *out);
/* The same in turns of some thousand records: TD_AGAIN while a program is being warmed, or another partition is to be
 * waited for (the other one gives that back, too); then come again with the same record. */
TD_CHECKED td_status td_applier_apply_some(td_applier *applier, const td_record *record, const td_emit *emit,
                                           td_applied *out);
/* Where a state that is to be that of now begins to gather. */
void td_applier_places(const td_applier *applier, td_members_places *out);
static inline bool td_applier_is_warming(const td_applier *applier) { return applier->warming != NULL; }
