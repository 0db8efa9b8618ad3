/* src/flow/transfer.h - a log into another one: every record of every partition, in its order, with key, value and
 * headers, and the places that records name as they are there (flow/restate.h). The other log may be written by nobody
 * else meanwhile; this one may. Snapshots are not taken along: they are made again from the tape.
 *
 * What the other log holds is how far the copy has come: nothing else is kept. So a copy that ended anywhere goes on:
 * first all that is there is held against what it is to be a copy of, then the rest is appended, each batch whole or
 * not at all. The other log may be one that was made of the same inputs, too.
 *
 * Where the copy keeps its schemas in a registry elsewhere, records name them by its ids, and the topic `_schemas`
 * stays behind. Where the log alone does that, records keep their ids, and the copy's topic says what they mean.
 *
 * What is written first is what others rest on: schemas, programs and inputs, then the tape, then outputs. A record
 * that names a place of the tape waits until that is there. Where retention has taken the begin of a partition of the
 * tape, the copy's begins with the program in force there; outputs that rest on what was before name that record as
 * their cause.
 *
 * Memory: a batch, and the holes of the tape. Thread: one. */
#pragma once
#include "base/option.h"
#include "flow/topics.h"

typedef struct td_transfer_conf { /* borrowed */
    td_log *from, *to;
    td_registry *from_registry; /* of a registry elsewhere; taken over, by a failure, too. NULL: its topic `_schemas` */
    const td_schema_ids *to_ids; /* of the copy, where that has a registry elsewhere */
    const td_texts *chosen;      /* of outputs and other topics, those that go along; none: all of ours */
    int64_t now_ms;
} td_transfer_conf;

typedef struct td_transfer_counts {
    int64_t topics, partitions;
    int64_t found;     /* records that were there */
    int64_t copied;    /* … and that were not */
    int64_t waiting;   /* partitions whose next record names what is not there: their writer died before it was */
    int64_t done, all; /* offsets, for who waits */
} td_transfer_counts;

typedef struct td_transfer td_transfer;

/* Looks at both, makes the topics that lack. Errors: as the log's; TD_CONFIG: one of them is not a log of ours, a topic
 * that was named is not there, another number of partitions. */
TD_CHECKED td_status td_transfer_open(td_transfer **out, const td_transfer_conf *conf);
void td_transfer_close(td_transfer *transfer); /* accepts NULL */
/* A turn of one partition. TD_AGAIN: all that the log held when it was opened, or renewed, is there. TD_CONFIG: the
 * other log holds something else, and nothing was written to it; retention was quicker. TD_RETRY: call again. */
TD_CHECKED td_status td_transfer_step(td_transfer *transfer);
/* What the log has got since goes along, too. Errors: as the log's. */
TD_CHECKED td_status td_transfer_renew(td_transfer *transfer);
void td_transfer_count(const td_transfer *transfer, td_transfer_counts *out);
