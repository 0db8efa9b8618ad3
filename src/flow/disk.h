/* src/flow/disk.h - how full the disk is that the data folder lies on, as one level that everybody asks, and the
 * reserve that lets a run end cleanly on a full one. Looked at once a second, by the sync step alone.
 *
 * The reserve is a file in the data folder, given up when next to nothing is free: then input has stopped already, and
 * what workers, syncs and snapshots still write fits into it. It counts as used all the same until it is back, so that
 * giving it up resumes nothing. Thread: the sync step's; td_disk_level_now and the counters: any. */
#pragma once
#include "flow/flow.h"
#include "log/log.h"

typedef enum td_disk_level { /* each with what those before it say */
                             TD_DISK_FREE,
                             TD_DISK_TIGHT, /* people are told */
                             TD_DISK_SHORT, /* what can be made again stops: raw capture, published topics; the log lets
                                               go of its oldest segments, unless it keeps all */
                             TD_DISK_FULL,  /* input waits: a file feed loses nothing, a live one is cut off and says so
                                             */
} td_disk_level;

typedef struct td_disk_conf {
    int64_t tight_percent, short_percent, full_percent; /* used, from which on a level holds */
    int64_t slack_percent;                              /* as much less, and it is over      */
    int64_t reserve_bytes;                              /* at most a 16th of the disk; 0: none */
} td_disk_conf;

typedef struct td_disk_counts {
    td_counter free_bytes, total_bytes; /* as last seen, the reserve not among the free */
    td_counter pauses, paused_ns;       /* of input: those begun, and the time of those that are over */
} td_disk_counts;

typedef struct td_disk { /* {0} is a disk that is never full */
    td_disk_conf conf;
    const td_os *os;
    td_log *log;
    char *dir, *reserve_path;
    td_log_report_fn report;
    void *report_arg;
    atomic_int level;             /* td_disk_level */
    int64_t looked_ns, paused_ns; /* on the monotonic clock; 0: never, not now */
    int64_t held_bytes;           /* of the reserve as it stands on the disk; -1: not looked yet */
    td_disk_counts counts;
} td_disk;

/* Writes nothing yet. `log` is borrowed. */
void td_disk_init(td_disk *disk, const td_os *os, const td_disk_conf *conf, td_log *log, const char *dir);
void td_disk_fini(td_disk *disk); /* the reserve stays */
/* The run ends: on a full disk what it still has to write may use the reserve. After the sync step's last turn. */
void td_disk_end(td_disk *disk);
void td_disk_tell(td_disk *disk, td_log_report_fn report, void *arg); /* each change of level, a line */
/* Looks, when a second has passed, and does what the level asks for. A disk that cannot be looked at keeps its level.
 */
void td_disk_step(td_disk *disk);

static inline td_disk_level td_disk_level_now(const td_disk *disk) {
    return (td_disk_level)atomic_load_explicit(&disk->level, memory_order_relaxed);
}
