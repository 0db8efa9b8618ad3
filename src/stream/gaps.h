/* src/stream/gaps.h - the gaps of one instrument: those that are open, those that were lost and still have bars over
 * them, and holes in its ids that are not told yet because their trades may only be late. A plain value, all zero
 * before the first: a snapshot copies it. No clock, no allocation. Thread: the owner's.
 *
 * A gap spans [from, to] in event time, both ends included: what is missing may have the time of a neighbour. It keeps
 * its span until it is closed; what comes for it is counted. At most TD_GAPS_MAX: beyond that the two oldest holes not
 * told become one, due with the older; else the oldest lost gap is forgotten; else the oldest open one is lost. */
#pragma once
#include "model/bar.h"
#include "model/gap.h"

enum { TD_GAPS_MAX = 8 };

typedef struct td_hole {
    int64_t number; /* 0: not told yet */
    int64_t from_ns, to_ns;
    int64_t first_id, last_id, missing, filled; /* as in td_gap; missing is counted before it is told, too */
    int64_t due_ns;                             /* not told yet: told once the watermark is beyond */
    int64_t known_ns;                           /* the latest trade before it: later windows had none */
    int64_t placed;                             /* the last place of its backfill that was applied */
    int64_t refused;                            /* by rules, of its backfill: here, but not accepted */
    uint8_t reason, status, zero[6];            /* td_gap_reason, td_gap_status */
} td_hole;
_Static_assert(sizeof(td_hole) == 96, "the snapshot format depends on this layout");

typedef struct td_gaps {
    int64_t ids_from_ns;  /* of the first id of the run that is known */
    int64_t bounded_ns;   /* where the last gap ended that time alone bounds: what lies before is that one's */
    int64_t forgotten_ns; /* up to there lost gaps have lain that nobody knows any more */
    uint32_t count, told;
    td_hole at[TD_GAPS_MAX]; /* in the order they were found */
} td_gaps;

/* NULL: there is room for one more. Else the caller removes this lost gap, or makes this open one lost, and asks again.
 * Lost gaps that end before settled_ns stand in the way of nothing, but are of no use. */
td_hole *td_gaps_make_room(td_gaps *gaps, int64_t settled_ns);
/* Where there is room. */
td_hole *td_gaps_add(td_gaps *gaps, const td_hole *hole);
void td_gaps_remove(td_gaps *gaps, const td_hole *hole);
/* Ids count no more: holes that are not told are forgotten. */
void td_gaps_forget_ids(td_gaps *gaps);

/* NULL: none. The open gap of that number; the one not closed that misses this id; the one whose end is not known. */
td_hole *td_gaps_find(td_gaps *gaps, int64_t number);
td_hole *td_gaps_with_id(td_gaps *gaps, int64_t id);
td_hole *td_gaps_endless(td_gaps *gaps);
bool td_gaps_lies_over(const td_hole *hole, int64_t start_ns, int64_t end_ns);
/* The oldest over [start_ns, end_ns): of that status and told; or one not closed, told or not. Most instruments have
 * none: then it costs one comparison. */
const td_hole *td_gaps_look_over(const td_gaps *gaps, int64_t start_ns, int64_t end_ns, td_gap_status status);
const td_hole *td_gaps_look_unsettled(const td_gaps *gaps, int64_t start_ns, int64_t end_ns);
static inline const td_hole *td_gaps_over(const td_gaps *gaps, int64_t start_ns, int64_t end_ns, td_gap_status status) {
    return gaps->count == 0 ? NULL : td_gaps_look_over(gaps, start_ns, end_ns, status);
}
static inline const td_hole *td_gaps_unsettled_over(const td_gaps *gaps, int64_t start_ns, int64_t end_ns) {
    return gaps->count == 0 ? NULL : td_gaps_look_unsettled(gaps, start_ns, end_ns);
}
