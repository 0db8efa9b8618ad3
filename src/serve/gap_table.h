/* src/serve/gap_table.h - the gaps of a log as they stand: of each gap the state in which it was told last, in the
 * order in which they were first told. Bounded where that is wanted: when it is full a quarter goes, the oldest that
 * are not open first, and is counted. A table belongs to one thread. */
#pragma once
#include "log/log.h"
#include "model/gap.h"

typedef struct td_gap_table td_gap_table;

td_gap_table *td_gap_table_new(size_t gaps_max); /* at least 4; 0: as many as come */
void td_gap_table_free(td_gap_table *table);     /* accepts NULL */

/* A gap as it is told: a new one, or the new state of one. Names that cannot be are left out. */
void td_gap_table_put(td_gap_table *table, td_bytes instrument, const td_gap *gap);
/* All gaps that a partition of the topic holds, of at most its last `bytes`. Errors: as td_reader_next's; what came
 * before stays. */
TD_CHECKED td_status td_gap_table_read(td_gap_table *table, td_topic *gaps, uint32_t partition, int64_t bytes);

size_t td_gap_table_count(const td_gap_table *table);
/* Its feed's text and the name are the table's, for its life; its instrument is an index for td_gap_table_name. */
const td_gap *td_gap_table_at(const td_gap_table *table, size_t index);
/* Grows in the order in which they were first told, also where older ones have gone; of this table alone. */
int64_t td_gap_table_serial(const td_gap_table *table, size_t index);
td_bytes td_gap_table_name(const td_gap_table *table, uint32_t instrument);
int64_t td_gap_table_open(const td_gap_table *table, td_bytes feed); /* open ones of that feed; size 0: of all */
int64_t td_gap_table_hidden(const td_gap_table *table);              /* gone for want of room */

/* What is asked about gaps. Those that overlap [from, to): an end that is not known yet overlaps all behind the begin.
 */
typedef struct td_gap_question {
    td_bytes instrument, feed; /* size 0: any */
    uint8_t statuses;          /* a bit per td_gap_status; 0: any */
    int64_t from_ns, to_ns;
} td_gap_question;
/* The newest gap asked for, by index, or of those older than `index`, which the last call gave. SIZE_MAX: there is
 * none; to begin with. */
size_t td_gap_table_find(const td_gap_table *table, const td_gap_question *question, size_t index);
