/* src/flow/ingest.h - the arrow from feeds to the tape: one thread owns every append to `tape` and `rejected`.
 * Paces the run, routes by partition, batches, backs off. At start it finds the last cause in every partition and lets
 * the inputs, which come again from the beginning in the same order, pass in silence up to it (resume.h): resuming and
 * starting are one code. Each feed resumes by itself, so that one to which files were added goes on while the others
 * pass. Other changes of what feeds are made of are refused before anything is appended (inputs.h). Live feeds' inputs
 * do not come again: they are told apart by their position, appended as they come, and what was missed is said by Time
 * records. To start beside a live feed's long tail, or a feed that ended long ago, takes reading that tail. While
 * nothing can be appended, connections are served on, up to their bounds. What other threads ask for (commands.h) is
 * appended as it comes, also when all feeds have ended; it is no input, and a start passes over it. */
#pragma once
#include "feed/merge.h"
#include "flow/backfill.h"
#include "flow/beginning.h"
#include "flow/capture.h"
#include "flow/commands.h"
#include "flow/copies.h"
#include "flow/disk.h"
#include "flow/topics.h"

typedef struct td_ingest_conf {
    const td_os *os;
    const td_topics *topics;
    td_merge *merge; /* borrowed, as all here */
    td_live *live;
    td_instruments *instruments; /* the one the feeds fill */
    const td_bytes *feed_names;  /* by feed index */
    double speed;                /* 0: as fast as it goes */
    td_log_report_fn report;     /* of backfills; with live feeds */
    void *report_arg;
    const td_disk *disk;       /* while it is full nothing is taken; NULL: never */
    size_t batch_bytes;        /* append when a partition's batch is this large */
    bool together;             /* … and those of the others with it: where each append waits for an answer */
    int64_t flush_interval_ns; /* less waits for more until so long after the last append; 0: it does not */
} td_ingest_conf;

typedef struct td_ingest_feed_counts {
    td_counter events;                    /* trades and quotes appended in this run */
    td_counter rejected[TD_REASON_COUNT]; /* appended in this run */
    td_counter ignored;                   /* messages of kinds we do not read */
    td_counter resumed;                   /* inputs passed in silence: they are in the log already */
} td_ingest_feed_counts;

typedef struct td_ingest_counts {
    td_ingest_feed_counts feeds[TD_PROGRAM_FEEDS_MAX]; /* by feed index */
    td_counter commands;                               /* trades and quotes appended by command */
    td_counter tape_bytes, rejected_bytes;             /* of records appended, before compression */
    td_histogram waits;  /* of live inputs, the first of each round: from arrival until appended */
    td_counter retries;  /* failures after which ingest backed off */
    td_counter clock_ns; /* event clock of the newest input, for people */
    td_counter resuming; /* 1 while all inputs so far were passed in silence */
} td_ingest_counts;

static inline int64_t td_ingest_rejected(const td_ingest_feed_counts *counts) {
    int64_t sum = 0;
    for (int r = 0; r < TD_REASON_COUNT; r++) sum += td_counted(&counts->rejected[r]);
    return sum;
}

typedef struct td_ingest td_ingest;

TD_CHECKED td_status td_ingest_open(td_ingest **out, const td_ingest_conf *conf);
int td_ingest_step(void *ingest); /* inputs handled; 0: nothing due, ended, or backing off */
void td_ingest_close(td_ingest *ingest);
/* All feeds have ended and everything is appended. Thread: any. */
bool td_ingest_ended(td_ingest *ingest);
/* Live feeds take leave of their venues, from the next step on. True: they have, or none ever will. Thread: any. */
bool td_ingest_leave(td_ingest *ingest);
/* Appends what is batched. After the thread has stopped. */
TD_CHECKED td_status td_ingest_flush(td_ingest *ingest);
td_commands *td_ingest_commands(td_ingest *ingest);
/* What is copied to other partitions: nothing at first. Of a run that goes on, before its first step, or in its thread.
 */
td_copies *td_ingest_copies(td_ingest *ingest);
td_beginning *td_ingest_beginning(td_ingest *ingest); /* of programs; nothing more begins once ingest has stopped */
td_ingest_counts *td_ingest_counters(td_ingest *ingest);
const td_capture *td_ingest_capture(const td_ingest *ingest);
td_trouble *td_ingest_trouble(td_ingest *ingest);
td_fault *td_ingest_fault(td_ingest *ingest);    /* ingest has ended with it */
td_fault *td_ingest_standing(td_ingest *ingest); /* a partition cannot be appended to; the others go on */
