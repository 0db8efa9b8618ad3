/* src/flow/members.h - what all partitions have told of the ends that bars wait for (stream/section.h): the one place
 * where a partition's work rests on what others have made. Reads topic `sections`, each partition up to its first mark
 * at the end that is asked for or beyond, and no further: the same members, whoever is ahead.
 *
 * What a partition tells of an end behind its mark there is nobody's. Memory, of each partition that gathers: 112 bytes
 * for each member of an end that is still to come. Thread: the owner's. */
#pragma once
#include "flow/topics.h"
#include "stream/section.h"

enum { TD_MEMBERS_PARTITIONS_MAX = 64 };

typedef struct td_members_place { /* where to begin: nothing below is of account any more */
    int64_t offset, clock_ns;     /* as the last mark before it told it; 0: of none that matters */
} td_members_place;

typedef struct td_members_places {
    td_members_place of[TD_MEMBERS_PARTITIONS_MAX];
} td_members_places;

typedef struct td_gathering td_gathering;

td_gathering *td_gathering_new(const td_topics *topics, const td_members_places *from); /* borrowed; copied */
void td_gathering_free(td_gathering *gathering);                                        /* accepts NULL */
/* Those of ends behind `done_ns`, up to `end_ns` and further, lent until the next call. TD_AGAIN: a partition has not
 * come there; come again. Errors: as the log's, TD_CORRUPT: a record of the topic is none of ours, or retention took
 * some from under it. */
TD_CHECKED td_status td_gathering_collect(td_gathering *gathering, int64_t done_ns, int64_t end_ns, td_members *out);
/* With nothing at or before `done_ns` to be asked for any more. */
void td_gathering_places(td_gathering *gathering, int64_t done_ns, td_members_places *out);
