/* src/app/engine.h - the whole program assembled from a configuration, without its threads: log, topics, what records
 * (recording.h), the crew of workers (flow/crew.h), delivers, sync; without what the roles of this process leave to
 * others (role.h). Each arrow is a step; the runner gives them threads (run.c), a simulation calls them one by one.
 * Opening after a crash and opening anew are one code. Thread: open and close by one; each step by one thread at a
 * time; counts and states by any. */
#pragma once
#include "app/edit.h"
#include "flow/crew.h"
#include "flow/deliver.h"
#include "flow/ingest.h"
#include "model/listing.h"

typedef struct td_engine td_engine;

typedef struct td_engine_counts { /* of this run */
    int64_t events; /* accepted + quarantined + duplicates + rejected, once all is applied; of a process that does not
                       record those that it has applied */
    int64_t accepted, quarantined, duplicates, rejected, ignored, late, outside, restricted, unknown_days, revised;
    int64_t bars, signals, resumed, diverged, lost, snapshots;
    int64_t forgetful;           /* partitions whose state begins in the middle: see td_work_counts */
    int64_t sinks_lack;          /* outputs that sinks will never get, not acknowledged; of runs before, too */
    int64_t lag_records;         /* appended to those partitions of the tape that are this process's, not yet applied */
    int64_t rows;                /* that sinks have taken */
    int64_t owned, rebalances;   /* partitions now; times that the group shared them anew */
    int64_t taken, left, fenced; /* partitions that came, that went, of these to another worker unheard */
    int64_t commits, aborts;     /* transactions of workers */
    int64_t clock_ns;            /* event clock of the newest input */
    /* Of the start, or of a partition that came: the inputs that the log holds already still pass in silence, or part
     * of it is not applied yet. */
    bool resuming;
    int64_t behind_records;
} td_engine_counts;

typedef struct td_engine_sync_counts {
    td_histogram rounds; /* time of each, failed ones too */
    td_counter failures;
    td_counter level_ns; /* monotonic: everything appended before it survives the machine */
} td_engine_sync_counts;

/* `config` is borrowed; `registry` is that of log.registry with its ids, taken over: NULL where the log keeps its
 * schemas itself. Reports repairs and notices line by line. Errors: TD_CONFIG, TD_CORRUPT, TD_RETRY as the parts give
 * them; the trail says which. TD_AGAIN: the log has not begun, and to begin it is another process's. */
TD_CHECKED td_status td_engine_open(td_engine **out, const td_os *os, const td_config *config, td_registry *registry,
                                    td_log_report_fn report, void *arg);
/* With `clean`: what is pending is flushed, synced and kept in last snapshots: the next start has nothing to make
 * again. Then everything is closed, in the reverse order of opening. */
void td_engine_close(td_engine *engine, bool clean);

typedef enum td_engine_step_kind {
    TD_STEP_INGEST,
    TD_STEP_SHARE,
    TD_STEP_WORK,
    TD_STEP_DELIVER,
    TD_STEP_SYNC
} td_engine_step_kind;

/* One ingest, one that asks the group, one for each partition whose workers may be here, one per sink, one sync. */
size_t td_engine_step_count(const td_engine *engine);
td_engine_step_kind td_engine_step_kind_of(const td_engine *engine, size_t step);
/* Of a partition's step: in which of so many threads it has its turn now; who comes besides does nothing. */
uint32_t td_engine_thread_of(const td_engine *engine, size_t step, uint32_t threads);
/* `progress` gets lines about how long work of live feeds goes on. Before the first step. */
void td_engine_tell_progress(td_engine *engine, td_log_report_fn progress, void *arg);
int td_engine_step(td_engine *engine, size_t step); /* work done; 0: may idle */

/* Live feeds take leave of their venues, ingest being stepped meanwhile. True: they have, or none ever will.
 * Thread: any. */
bool td_engine_leave(td_engine *engine);
/* No more input: after the ingest step's last turn. What is batched is appended; from then on the engine can finish
 * though its feeds have not ended. Errors: as td_ingest_flush's. */
TD_CHECKED td_status td_engine_end_input(td_engine *engine);
/* All feeds have ended, all is applied and synced, all sinks are level (or stand still with a fault). A process that
 * does not record has nothing to wait for once input is over: what others append goes on. */
bool td_engine_finished(td_engine *engine);
bool td_engine_feeds_ended(td_engine *engine);
/* After the last step, once: sinks write what they hold back. `each` gets a line for each that has not, which is kept
 * for the next run. */
TD_CHECKED td_status td_engine_finish_sinks(td_engine *engine, td_log_report_fn each, void *arg);
void td_engine_count(td_engine *engine, td_engine_counts *out);
uint32_t td_engine_slowest(td_engine *engine); /* the partition that has most left to apply */
/* The faults so far: TD_OK, TD_CORRUPT when partitions stand still; when the run cannot go on TD_CONFIG, or TD_FENCED:
 * another process has its work now. `each` gets their texts. */
td_status td_engine_faults(td_engine *engine, td_log_report_fn each, void *arg);
/* Tells what parts have begun to back off for, and that it is over (text NULL), once each. `part`: "sink sqlite". */
typedef void (*td_engine_trouble_fn)(void *arg, const char *part, const char *text);
void td_engine_troubles(td_engine *engine, td_engine_trouble_fn each, void *arg);
/* Tells the strategies that are for none of the instruments that the feeds gave. False: these have not ended yet. */
bool td_engine_tell_idle(td_engine *engine, td_log_report_fn each, void *arg);

typedef struct td_engine_parts { /* for those who count: borrowed, only counters may be looked at */
    const td_os *os;
    const td_config *config;
    const td_topics *topics;
    size_t feed_count; /* 0 and NULL without the role that has them, as the crew */
    td_ingest *ingest;
    const td_live *live;
    td_crew *crew;
    td_deliver *const *delivers;
    size_t deliver_count;
    const td_engine_sync_counts *sync;
    const td_disk *disk;
} td_engine_parts;
/* The feed of that index; false: there are no more. Thread: any. */
bool td_engine_feed(td_engine *engine, size_t index, td_serve_feed *out);
void td_engine_parts_of(td_engine *engine, td_engine_parts *out);
const td_topics *td_engine_topics(const td_engine *engine);
td_edit *td_engine_edit(td_engine *engine); /* NULL: another process has it. Its step is the main thread's */
/* The instrument table. */
const td_listings *td_engine_listings(const td_engine *engine);
/* Widths in force: configured ones and those of the strategies, ascending. Of who records. Thread: that of the edit's
 * step. */
const int64_t *td_engine_widths(const td_engine *engine, size_t *out_count);
