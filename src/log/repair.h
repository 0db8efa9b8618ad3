/* src/log/repair.h - taking the damage out of a log that nobody writes to: what cannot be read is moved into a file of
 * its own, and a batch without records takes its offsets, so that everything behind it is read again. Thread: one. */
#pragma once
#include "log/log.h"

typedef struct td_repair_conf {
    const char *dir;
    const char *partition; /* "bars-3"; NULL: all */
    bool dry_run;          /* changes nothing */
    bool discard;          /* what is removed is not kept beside its segment */
    td_log_report_fn report;
    /* Before each segment: the `at`-th of `count` of a partition. NULL: not told. */
    void (*progress)(void *arg, const char *partition, size_t at, size_t count);
    void *arg;
} td_repair_conf;

typedef struct td_repair { /* of all partitions looked at */
    int64_t partitions, segments, records;
    int64_t damaged; /* places                                      */
    int64_t removed_bytes;
    int64_t lost; /* offsets known to be lost                    */
} td_repair;

/* Reports each place ("bars-3: corrupt batch at offset 812, …") and what became of it. Takes LOCK. May be run again
 * after any end: it is done with one segment after the other, each in one step. What it changed is taken as a log with
 * an unclean end by the next writer, which begins new epochs.
 * Errors: TD_CONFIG (another process writes, no such folder or partition), TD_RETRY. */
TD_CHECKED td_status td_log_repair(const td_os *os, const td_repair_conf *conf, td_repair *out);
