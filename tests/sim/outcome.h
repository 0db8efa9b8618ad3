/* tests/sim/outcome.h - what a run left: per topic and partition the bytes of its records, and per table and partition
 * its rows. Two runs of one market are equal when these are. */
#pragma once
#include "world.h"

enum { TOPIC_COUNT = 12, TABLE_COUNT = 4, PARTITION_MAX = 8 };

typedef struct td_outcome {
    td_buf records[TOPIC_COUNT][PARTITION_MAX]; /* per record: sizes of key and value, key, value */
    int64_t record_count[TOPIC_COUNT][PARTITION_MAX];
    td_buf rows[TABLE_COUNT][PARTITION_MAX]; /* a line each */
} td_outcome;

/* Reads log and database; the program is taken apart by then. An excused world may have noticed damage. */
bool td_outcome_take(td_world *w, td_outcome *out);
void td_outcome_fini(td_outcome *outcome);
int64_t td_outcome_count(const td_outcome *outcome); /* of records */
int64_t td_outcome_fills(const td_outcome *outcome); /* … of the topic fills */
/* False: stderr says where they differ first. */
bool td_outcome_same(const td_outcome *got, const td_outcome *reference);
/* Between lives: the rows of each partition are the reference's up to the position that lies beside them. */
bool td_outcome_check_positions(td_world *w, const td_outcome *reference);
