/* src/app/cmd_replay.c - `tapedeck replay`: the tape into a new data folder, then the live workers over it. */
#include "app/cmd_replay.h"
#include "app/data.h"
#include "app/exit.h"
#include "app/progress.h"
#include "base/time.h"
#include "flow/replay.h"
#include "flow/work.h"
#include "log/log_segment.h"
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { SNAPSHOT_RECORDS = 1 << 18, SHOWN_EVERY_MS = 250 };

typedef struct replay_conf {
    td_data_conf log;
    char *out;
    bool received, repaired, json;
} replay_conf;

typedef struct replayed {
    const replay_conf *conf;
    td_data from;
    td_log *log;
    td_topics topics;
    td_writer *writer;
    char snapshots[512];
    bool terminal;
    int64_t began_ns, shown_ns, done, all; /* records, each twice or three times: copied and applied */
    int64_t moved, bars, signals;
} replayed;

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

/* ---- how far it is ---- */

static void show(replayed *r, int64_t done) {
    int64_t at_ns = now_ns();
    if (!r->terminal || at_ns - r->shown_ns < SHOWN_EVERY_MS * TD_NS_PER_MS) return;
    char text[TD_PROGRESS_MAX];
    r->shown_ns = at_ns;
    td_progress_text("replaying", r->done + done, r->all, at_ns - r->began_ns, text);
    (void)fprintf(stderr, "\r%s\033[K", text);
}

static void on_progress(void *arg, int64_t records) { show(arg, records); }

static int64_t records_of(const replayed *r, uint32_t partition) {
    const td_topic *tape = r->from.topics.tape;
    return td_topic_end(tape, partition) - td_topic_start(tape, partition);
}

/* ---- the two steps ---- */

static td_status copy_tape(replayed *r) {
    const td_replay_conf conf = {.from = &r->from.topics,
                                 .to = &r->topics,
                                 .writer = r->writer,
                                 .repaired = r->conf->repaired,
                                 .progress = on_progress,
                                 .arg = r};
    td_status status = TD_OK;
    for (uint32_t p = 0; p < r->topics.partitions && status == TD_OK; p++) {
        int64_t moved;
        status = td_replay_copy(&conf, p, &moved);
        r->moved += moved;
        r->done += records_of(r, p) * (r->conf->repaired ? 2 : 1);
    }
    return status;
}

static td_status apply(replayed *r, uint32_t partition) {
    td_work_conf conf = {
        .os = &td_os_posix, .topics = &r->topics, .snapshot_dir = r->snapshots, .snapshot_records = SNAPSHOT_RECORDS};
    td_worker *worker = NULL;
    td_status status = td_worker_open(&worker, &conf, partition);
    if (status == TD_OK) status = td_worker_take(worker);
    if (status != TD_OK) {
        td_worker_close(worker);
        return status;
    }
    td_work_counts *counts = td_worker_counters(worker);
    while (td_worker_level(worker) != td_topic_end(r->topics.tape, partition)) {
        (void)td_worker_step(worker);
        if (td_fault_status(td_worker_fault(worker)) != TD_OK) break;
        show(r, td_counted(&counts->next_offset));
    }
    status = td_fault_status(td_worker_fault(worker));
    if (status != TD_OK) status = TD_FAIL(status, "%s", td_worker_fault(worker)->text);
    if (status == TD_OK) status = td_log_sync(r->log);
    if (status == TD_OK) status = td_worker_finish(worker);
    r->bars += td_counted(&counts->outputs[TD_OUTPUT_BARS]);
    r->signals += td_counted(&counts->outputs[TD_OUTPUT_SIGNALS]);
    r->done += records_of(r, partition);
    td_worker_close(worker);
    return status;
}

/* ---- opening and closing ---- */

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "tapedeck: %s\n", line);
}

static td_status open_both(replayed *r, const td_data_conf *which) {
    td_status status = td_data_open(&r->from, which);
    if (status != TD_OK) return status;
    for (uint32_t p = 0; p < r->from.topics.partitions; p++) r->all += records_of(r, p) * (r->conf->repaired ? 3 : 2);
    td_log_conf conf = {.dir = r->conf->out};
    status = td_log_segment_open(&r->log, &td_os_posix, &conf, report, NULL);
    if (status != TD_OK) return status;
    int64_t now_ms = td_os_posix.ops->wall_ns(td_os_posix.self) / TD_NS_PER_MS;
    status = td_topics_open_copy(&r->topics, r->log, &r->from.topics, now_ms);
    if (status == TD_OK) status = td_writer_open(&r->writer, r->log, "replay");
    return status == TD_OK ? TD_OK : td_trace(status, "opening %s", r->conf->out);
}

static void close_both(replayed *r) {
    td_writer_close(r->writer);
    if (r->topics.registry != NULL) td_topics_close(&r->topics);
    td_log_close(r->log);
    td_data_close(&r->from);
}

static td_status replay(replayed *r, const td_data_conf *which) {
    int size = snprintf(r->snapshots, sizeof r->snapshots, "%s/snapshots", r->conf->out);
    if (size < 0 || (size_t)size >= sizeof r->snapshots) return TD_FAIL(TD_CONFIG, "--out: the path is too long");
    td_status status = open_both(r, which);
    if (status == TD_OK) status = copy_tape(r);
    for (uint32_t p = 0; p < r->topics.partitions && status == TD_OK; p++) status = apply(r, p);
    close_both(r);
    if (r->terminal) (void)fprintf(stderr, "\r\033[K");
    return status;
}

/* ---- the command ---- */

static int run(void *conf_any, const char *const *words) {
    const replay_conf *conf = conf_any;
    if (conf->received && conf->repaired) {
        (void)fprintf(stderr, "tapedeck replay: --as-received or --as-repaired, not both\n");
        return TD_EXIT_USAGE;
    }
    replayed *r = td_alloc_zero(1, sizeof *r);
    r->conf = conf;
    r->terminal = isatty(STDERR_FILENO) == 1;
    r->began_ns = now_ns();
    const td_data_conf named = words[0] != NULL ? td_data_named(words[0]) : conf->log;
    td_status status = replay(r, &named);
    if (status != TD_OK)
        (void)fprintf(stderr, "tapedeck replay: %s\n", td_trail());
    else
        (void)printf(conf->json ? "{\"moved\":%" PRId64 ",\"bars\":%" PRId64 ",\"signals\":%" PRId64 "}\n"
                                : "%" PRId64 " events put into their places, %" PRId64 " bars, %" PRId64 " signals\n",
                     r->moved, r->bars, r->signals);
    free(r);
    return td_exit_of(status);
}

static const td_option options[] = {
    TD_DATA_OPTIONS(replay_conf),
    {.key = "out",
     .type = TD_OPTION_TEXT,
     .unit = "DIR",
     .required = true,
     .offset = offsetof(replay_conf, out),
     .help = "a new data folder, for the tape and what comes of it"},
    {.key = "as-received",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(replay_conf, received),
     .help = "record by record, as the run had it: gives what the run gave; so without either of the two"},
    {.key = "as-repaired",
     .type = TD_OPTION_BOOL,
     .offset = offsetof(replay_conf, repaired),
     .help = "late, released and filled-in events stand where their times belong: strategies see no revision"},
    {.key = "json", .type = TD_OPTION_BOOL, .offset = offsetof(replay_conf, json), .help = "one JSON object"},
    {0},
};

const td_command td_command_replay = {
    .name = "replay",
    .words = "[FILE|DIR]",
    .words_most = 1,
    .summary = "a tape once more into a new folder, as received or as repaired",
    .text =
        "Copies the tape of a log, with its programs, into a new data folder, and makes bars and signals of it anew:\n"
        "of the data folder DIR, or of the log that a configuration FILE names. As received they are those of that\n"
        "log, byte for byte. As repaired, events that came late and still found their windows are put where they\n"
        "belong first: what the run would have seen, had all come in time. Changes nothing there; a process may\n"
        "write meanwhile.\n",
    .options = options,
    .conf_size = sizeof(replay_conf),
    .examples = "  tapedeck replay data --out /tmp/again\n"
                "  tapedeck replay market.yaml --out /tmp/again\n"
                "  tapedeck replay data --out /tmp/repaired --as-repaired --json\n",
    .run = run,
};
