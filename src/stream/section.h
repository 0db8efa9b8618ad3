/* src/stream/section.h - cross-sections: bars of one end over the instruments of a strategy's set, and what one of them
 * is among all. Pure. Thread: the owner's of the state.
 *
 * A strategy that asks for them is two graphs. What is compared runs on the bars as they close (TD_RHYTHM_BARS), and
 * each value is told as a td_member, for all partitions. The strategy runs on the same bars (TD_RHYTHM_SECTION) once
 * all members of their end are known: until then they wait here. Its bars are not revised, nor are its signals.
 *
 * The clock of a partition is the least watermark of its feeds that have not ended, else the greatest; it never goes
 * back. The feeds are those that the program names, and there is no clock before each of them has said something. A
 * mark tells it whenever it has come to an end of a width that is compared, or to a minute, where sessions may end. A
 * bar is due when its partition's clock is TD_SECTION_SLACK_NS beyond its end; the members of an end are those that
 * each partition told before its first mark at that end or beyond. So each partition waits for others alone, never for
 * itself.
 *
 * Full: of TD_WAITING_MAX bars per instrument and partition, on average, the oldest run without members. */
#pragma once
#include "model/bar.h"
#include "model/member.h"
#include "stream/graph.h"

#define TD_SECTION_SLACK_NS (2 * INT64_C(1000000000))
enum { TD_WAITING_MAX = 64 };

typedef struct td_members { /* lent; of several ends and sections */
    const td_member *list;
    size_t count;
} td_members;

/* All members, each at its place: a value, and all zero before it is made first. */
typedef struct td_ranking {
    td_buf rows, groups;
} td_ranking;

void td_ranking_make(td_ranking *ranking, td_members members); /* which are lent for as long as it is asked */
void td_ranking_fini(td_ranking *ranking);
/* What the port asks, of the instrument among the members of its section at that end; na where it has no place. */
td_value td_ranking_value(const td_ranking *ranking, td_port_kind kind, const td_member *of);
