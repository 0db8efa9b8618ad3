/* src/log/log_segment.h - the embedded log: a folder of topics in Kafka's own files, with one process that writes (LOCK
 * in the folder) and any number that only read. Whoever opens it uses it by log.h; here is what this one has beyond.
 * Full-policy: retention by size and by append time removes whole old segments; the active one is finished when it is
 * old, so that a quiet partition ages out, too. Topics whose names begin with `_` hold what others are read by, and are
 * kept. A full disk is TD_RETRY and loses nothing that was appended.
 *
 * What survives: a sync round makes appended records durable, then writes how far into Kafka's
 * recovery-point-offset-checkpoint, and only then publishes it as `synced`. After an unclean end damage at or above
 * that point is what a crash did to bytes promised to nobody: it is cut, with all that follows. Damage below it is kept
 * while valid batches follow, and readers stop there. When a sync fails, the kernel may hold as clean what it never
 * wrote, so that a second sync alone would prove nothing: the next round first reads back every batch since the last
 * good one, checks its CRC, writes it again, and syncs then. Its epoch is over: the next append begins a
 * new one, and is TD_RETRY until that is safe.
 *
 * Transactions: positions.h. */
#pragma once
#include "log/log.h"
#include "os/os.h"

typedef struct td_log_conf {
    const char *dir;       /* data folder; made when missing                    */
    int64_t segment_bytes; /* roll after this many, 1 GB at most; 0: 256 MB     */
    int64_t segment_ms;    /* or when it began so long ago; 0: never            */
    int64_t retain_bytes;  /* over all topics; the oldest go first; 0: keep all */
    int64_t retain_ms;     /* since the last append of a segment; 0: keep all   */
    const char *apart;     /* topics whose names begin so are kept by the next two instead, and go first where the disk
                              is short; NULL: none. Borrowed for the log's life */
    int64_t apart_bytes, apart_ms;
    td_codec codec;
    bool read_only; /* no LOCK, no repair, no epoch; opens only what exists */
} td_log_conf;

/* Reports everything repaired. Closing syncs, marks a clean end and releases LOCK. Errors: TD_RETRY, TD_CONFIG. */
TD_CHECKED td_status td_log_segment_open(td_log **out, const td_os *os, const td_log_conf *conf,
                                         td_log_report_fn report, void *arg);
