/* src/app/cmd_bench.c - replay of a recorded tape on one core: the live workers, nothing left out, nothing beside. */
#include "app/cmd_bench.h"
#include "app/exit.h"
#include "base/time.h"
#include "feed/merge.h"
#include "flow/work.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char HELP[] =
    "usage: tapedeck bench replay [--data DIR] [--json]\n"
    "\n"
    "Removes bars, signals, quarantine and snapshots from the data folder DIR (default: data), then makes them again\n"
    "from its tape, on one thread, and says how long that took.\n";

/* Under the log's LOCK and through it: nothing of a running program, nor of anybody else's, is touched. */
static td_status remove_outputs(const td_os *os, const td_topics *topics, const char *dir) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < topics->partitions && status == TD_OK; p++) {
        char snapshot[512];
        (void)snprintf(snapshot, sizeof snapshot, "%s/snapshots/tape-%" PRIu32 ".snapshot", dir, p);
        status = os->ops->remove(os->self, snapshot);
        for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++)
            status = td_log_truncate(topics->outputs[i], p, td_topic_start(topics->outputs[i], p));
    }
    return status;
}

/* How many partitions the recorded tape has: its folders are tape-0, tape-1, … */
static uint32_t count_partitions(const td_os *os, const char *dir) {
    uint32_t count = 0;
    char path[512];
    while (count < TD_PARTITIONS_MAX) {
        (void)snprintf(path, sizeof path, "%s/tape-%" PRIu32, dir, count);
        if (!os->ops->exists(os->self, path)) break;
        count++;
    }
    return count;
}

static td_status replay_partition(const td_os *os, const td_topics *topics, const char *dir, uint32_t partition,
                                  int64_t totals[3]) {
    char snapshots[512];
    (void)snprintf(snapshots, sizeof snapshots, "%s/snapshots", dir);
    td_work_conf conf = {.os = os, .topics = topics, .snapshot_dir = snapshots, .snapshot_records = 1 << 18};
    td_worker *worker;
    td_status status = td_worker_open(&worker, &conf, partition);
    if (status != TD_OK) return status;
    td_work_counts *counts = td_worker_counters(worker);
    int64_t end = td_topic_end(topics->tape, partition);
    while (td_worker_level(worker) != end && td_fault_status(td_worker_fault(worker)) == TD_OK)
        (void)td_worker_step(worker);
    totals[0] += td_counted(&counts->accepted) + td_work_quarantined(counts);
    totals[1] += td_counted(&counts->outputs[TD_OUTPUT_BARS]);
    totals[2] += td_counted(&counts->outputs[TD_OUTPUT_SIGNALS]);
    status = td_fault_status(td_worker_fault(worker));
    if (status != TD_OK) status = TD_FAIL(status, "%s", td_worker_fault(worker)->text);
    td_worker_close(worker);
    return status;
}

static void note(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "tapedeck: %s\n", line);
}

static td_status replay(const td_os *os, const char *dir, bool json) {
    uint32_t partitions = count_partitions(os, dir);
    if (partitions == 0) return TD_FAIL(TD_CONFIG, "%s has no tape: name the data folder of a run by --data", dir);
    td_log_conf conf = {.dir = dir, .segment_bytes = INT64_C(256) << 20, .retain_bytes = INT64_MAX};
    td_log *log;
    td_topics topics = {0};
    td_status status = td_log_open(&log, os, &conf, note, NULL); /* takes LOCK: nothing is removed beside a run */
    if (status != TD_OK) return status;
    status = td_topics_open(&topics, log, partitions, os->ops->wall_ns(os->self) / TD_NS_PER_MS);
    if (status == TD_OK) status = remove_outputs(os, &topics, dir);
    int64_t totals[3] = {0}, from_ns = os->ops->mono_ns(os->self);
    for (uint32_t p = 0; p < partitions && status == TD_OK; p++) status = replay_partition(os, &topics, dir, p, totals);
    double seconds = (double)(os->ops->mono_ns(os->self) - from_ns) / 1e9;
    if (status == TD_OK)
        (void)printf(json ? "{\"ticks\":%" PRId64 ",\"bars\":%" PRId64 ",\"signals\":%" PRId64
                            ",\"seconds\":%.4f,\"ticks_per_second\":%.0f}\n"
                          : "%" PRId64 " ticks, %" PRId64 " bars, %" PRId64 " signals in %.4f s: %.0f ticks/s\n",
                     totals[0], totals[1], totals[2], seconds, (double)totals[0] / seconds);
    if (topics.registry != NULL) td_topics_close(&topics);
    td_log_close(log);
    return status;
}

int td_cmd_bench(int argc, char **argv) {
    static const struct option longs[] = {{"data", required_argument, NULL, 'd'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *dir = "data";
    bool json = false;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'd') dir = optarg;
        if (c == 'j') json = true;
        if (c == 'h') return fputs(HELP, stdout) < 0 ? TD_EXIT_FAILED : TD_EXIT_OK;
        if (c == '?') return TD_EXIT_USAGE;
    }
    if (optind + 1 != argc || strcmp(argv[optind], "replay") != 0) {
        (void)fputs(HELP, stderr);
        return TD_EXIT_USAGE;
    }
    td_status status = replay(&td_os_posix, dir, json);
    if (status == TD_OK) return TD_EXIT_OK;
    (void)fprintf(stderr, "tapedeck bench: %s\n", td_trail());
    return status == TD_CONFIG ? TD_EXIT_CONFIG : status == TD_CORRUPT ? TD_EXIT_CORRUPT : TD_EXIT_FAILED;
}
