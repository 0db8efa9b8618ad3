/* src/flow/work.h - the arrow from the tape to its outputs: record -> state -> bars, signals, quarantine. One worker
 * owns one partition: of `tape` as reader, of every output topic as the one writer. It starts from its newest valid
 * snapshot and applies in silence what the outputs hold already, comparing; starting and recovering are one code.
 *
 * It is on duty from td_worker_take to td_worker_leave, as often as its partition comes and goes (crew.h); its counters
 * go on. Who takes a partition fences whoever has it, by the writer's name: that one can commit nothing any more, and
 * keeps no snapshot either, for a snapshot is kept only behind a commit that came after the ends it names.
 *
 * Order of durability: tape synced, outputs synced, then the snapshot (temporary file, sync, rename, sync of the
 * folder). A failed append is tried again with the same bytes: state has moved on and nothing is ever applied twice. */
#pragma once
#include "flow/flow.h"
#include "flow/registrar.h"
#include "flow/topics.h"
#include "schema/cause.h"
#include "stream/book.h"
#include "stream/shares.h"

typedef struct td_work_conf {
    const td_os *os;
    const td_topics *topics;
    const char *snapshot_dir;   /* made when missing */
    int64_t snapshot_records;   /* a snapshot after this many records */
    int64_t snapshots_kept;     /* of those taken where the tape's clock comes into another hour; 0: none */
    int64_t count_from_offset;  /* records below were there before this run: counted by it no more */
    size_t batch_bytes;         /* an output that does not fit goes into another batch; 0: the worker's own bound */
    size_t flush_bytes;         /* so much of one output is committed at once; 0: the worker's own bound */
    int64_t commit_interval_ns; /* less waits for more until so long after the last commit; 0: it does not */
    const td_registrar_conf
        *registry; /* of a cluster where others can write to the tape: whose what is no event of ours
                      is, is asked there, and it goes to `rejected`; NULL: it stops the partition */
    bool shared;   /* others may have the partition at other times: what none has committed is counted, and to be fenced
                      is no fault */
} td_work_conf;

typedef struct td_work_counts {
    td_counter accepted, duplicates, late; /* of ticks at or above count_from_offset, as the next */
    td_counter outside;                    /* of the accepted, those beyond their venue's hours: in no bar */
    td_counter restricted;                 /* … that a sale condition kept from part of their bars, or from all */
    td_counter unknown_days;               /* days of instruments that their calendar's years do not hold */
    td_counter revised;                    /* bars given again, or for the first time behind their close */
    td_counter not_reapplied;              /* of those, too old for strategies to look back to */
    td_counter matches_late;               /* what asof with a wait reads, of a time whose wait was over */
    td_counter matches_early;              /* ticks that ran before their wait was over: too many waited */
    td_counter matches_forgotten;          /* values that such a tick may have missed: too many came before it */
    td_counter programs;                   /* that began behind what the outputs held */
    td_counter cold_programs;              /* of those, the ones that the tape did not hold enough for to warm them */
    td_counter warming_ns;                 /* how long records have waited for that */
    td_counter gaps_opened, gaps_filled, gaps_lost;
    td_counter gaps_open; /* as it stands, whenever they opened */
    td_counter withheld;  /* signals of partial bars */
    td_counter quarantined[TD_REASON_COUNT];
    td_counter books[TD_BOOK_WORDS];          /* updates of books, by what became of them */
    td_counter actions[TD_SHARE_WORDS];       /* corporate ones, by what became of them */
    td_counter outputs[TD_OUTPUT_COUNT];      /* appended in this run */
    td_counter output_bytes[TD_OUTPUT_COUNT]; /* of those, before compression */
    td_counter retries;                       /* failures after which the worker backed off */
    td_counter suppressed;                    /* outputs made again that the log held already */
    td_counter diverged;              /* of those, different from what the log holds, or missing there: must stay 0 */
    td_counter foreign;               /* records of the tape that are no events of ours, and were rejected */
    td_counter lost;                  /* records of the tape that a repair of the log took out */
    td_counter forgetful;             /* 1: no snapshot could be read, and retention has taken the tape's beginning */
    td_counter commits, aborts;       /* transactions: of outputs and how far they rest on the tape */
    td_counter takes, leaves, fences; /* of the partition; what was lost to another worker is left, too */
    td_counter taken_at;              /* where the tape ended when the partition was taken: below, it catches up */
    td_counter snapshots, restored;   /* written; begun from */
    td_histogram snapshot_copies;     /* how long the worker stood while its state was copied */
    td_counter next_offset;           /* of the tape */
} td_work_counts;

static inline int64_t td_work_quarantined(const td_work_counts *counts) {
    int64_t sum = 0;
    for (int r = 0; r < TD_REASON_COUNT; r++) sum += td_counted(&counts->quarantined[r]);
    return sum;
}

typedef struct td_worker td_worker;

/* Off duty. Errors: TD_CONFIG (a path too long), TD_RETRY (no folder for snapshots). */
TD_CHECKED td_status td_worker_open(td_worker **out, const td_work_conf *conf, uint32_t partition);
/* On duty, with the partition's state at its newest snapshot. TD_AGAIN: a shared tape has no program yet, or it still
 * backs off; TD_RETRY: it backs off; TD_FENCED: another one took it at the same time; TD_CONFIG. What is damaged
 * stands, as a fault. */
TD_CHECKED td_status td_worker_take(td_worker *worker);
/* Off duty. What is pending is committed, and a snapshot taken, for the case that the partition comes back: where that
 * cannot be done now, whoever comes next makes it again. */
void td_worker_leave(td_worker *worker);
bool td_worker_on_duty(const td_worker *worker);   /* thread: any */
bool td_worker_is_fenced(const td_worker *worker); /* until it leaves; thread: any */
int td_worker_step(void *worker);                  /* records applied; 0: nothing new, stopped, or backing off */
/* Writes the snapshot that was taken, once the log has synced what it rests on; the worker goes on meanwhile. TD_AGAIN:
 * there is none, or not yet. TD_RETRY. Thread: the one that syncs. */
TD_CHECKED td_status td_worker_write_snapshot(td_worker *worker);
/* Commits what is pending and writes a last snapshot, with a sync before it. After the worker's thread and that of
 * syncs have stopped; off duty it does nothing. */
TD_CHECKED td_status td_worker_finish(td_worker *worker);
void td_worker_close(td_worker *worker); /* as a death: nothing more is committed. Accepts NULL */
uint32_t td_worker_partition(const td_worker *worker);
/* The offset up to which the tape is applied and all outputs are appended; -1 while anything is pending. Level with a
 * tape that ends there. Thread: any. */
int64_t td_worker_level(td_worker *worker);
td_work_counts *td_worker_counters(td_worker *worker);
td_trouble *td_worker_trouble(td_worker *worker);
/* TD_CORRUPT: this partition stands, the others go on. TD_FENCED: another worker has it now; this one is done. */
td_fault *td_worker_fault(td_worker *worker);
