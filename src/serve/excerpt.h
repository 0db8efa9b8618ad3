/* src/serve/excerpt.h - the records around one place of a topic: the newest below an offset, newest first, or those
 * from an offset or a time on, in the order of the log. Knows no record's meaning: rows are the log's bytes. One block
 * of 256 KB (on Kafka, which knows no bytes, some 8,000 records where these are newest first) or 2,000 records per
 * step; at most 64 MB per partition and the rest of a block, then the answer says where to go on. Of a value its first
 * 256 KB are kept, and of rows 1 MB: a page of large ones is shorter. Thread: the server's. */
#pragma once
#include "log/log.h"

typedef struct td_excerpt_question {
    td_topic *topic;
    int64_t partition; /* -1: all, in the order of append times; `below` and `from` are not given then */
    int64_t below;     /* newest first: below this offset; -1: from the end */
    int64_t from;      /* else from this offset on; -1: not given */
    int64_t from_ms;   /* or from what was appended then or later; INT64_MIN: not given */
    td_bytes key;      /* data NULL: any */
    int64_t block_bytes, budget_bytes; /* of the log, read in one step, and of a partition; 0: 256 KB, 64 MB */
    size_t limit;                      /* at least 1 */
} td_excerpt_question;

typedef struct td_excerpt_row {
    uint32_t partition;
    td_record record;   /* lent until the free; of a long value the first bytes */
    size_t value_bytes; /* how many it has in the log */
} td_excerpt_row;

typedef struct td_excerpt td_excerpt;

td_excerpt *td_excerpt_new(const td_excerpt_question *question); /* the key is borrowed until the free */
void td_excerpt_free(td_excerpt *excerpt);                       /* accepts NULL */
/* TD_AGAIN: not finished, call again. TD_OK: finished. Other codes: as the log's. */
TD_CHECKED td_status td_excerpt_step(td_excerpt *excerpt);

/* Once finished: */
size_t td_excerpt_count(const td_excerpt *excerpt);
td_excerpt_row td_excerpt_at(const td_excerpt *excerpt, size_t index);
/* Of one partition, the question that goes on where this one ended: newest first its `below`, else its `from`; -1:
 * there is nothing more now, or all partitions were asked. */
int64_t td_excerpt_rest(const td_excerpt *excerpt);
/* … and the one that goes the other way from where this one began: newest first its `from`, else its `below`; -1:
 * nothing is there, or all partitions were asked. */
int64_t td_excerpt_back(const td_excerpt *excerpt);
/* The budget was over before so many were found, or all was looked at. */
bool td_excerpt_is_cut(const td_excerpt *excerpt);
