/* src/app/cmd_bench.c - replay of a recorded tape, snapshots on its way, and a restart on it: the live workers, nothing
 * left out, nothing beside. */
#include "app/cmd_bench.h"
#include "app/exit.h"
#include "base/sketch.h"
#include "base/time.h"
#include "feed/merge.h"
#include "flow/savepoint.h"
#include "flow/work.h"
#include "log/log_segment.h"
#include "os/thread.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char HELP[] =
    "usage: tapedeck bench replay|snapshot|restart [--data DIR] [--workers N] [--json]\n"
    "\n"
    "replay    removes bars, signals, quarantine and snapshots from the data folder DIR (default: data), then makes\n"
    "          them again from its tape, on N threads (default: 1), and says how long that took; with --json also\n"
    "          what a tick cost in each quarter of the tape, the median and the 99th percentile\n"
    "snapshot  does so on one thread, takes 24 snapshots of each partition on the way, and says how long its worker\n"
    "          stood while its state was copied: in the middle, and at most\n"
    "restart   opens DIR as a start does, on N threads, appends ticks until a strategy gives its next signal, says "
    "how\n"
    "          long that took, and takes those ticks and what they led to away again\n";

enum { PATH_BYTES = 512, POLL_US = 100, RESTART_TICKS_MAX = 1000, SNAPSHOTS = 24, QUARTERS = 4 };

typedef struct bench_options {
    const char *dir;
    long workers;
    bool json;
} bench_options;

typedef struct opened { /* a data folder and what works on it */
    const td_os *os;
    const char *dir;
    char snapshots[PATH_BYTES];
    td_log *log;
    td_topics topics;
    td_worker *workers[TD_PARTITIONS_MAX];
} opened;

static double seconds_since(const td_os *os, int64_t from_ns) {
    return (double)(os->ops->mono_ns(os->self) - from_ns) / 1e9;
}

/* ---- opening and closing ---- */

/* How many partitions the recorded tape has: its folders are tape-0, tape-1, … */
static uint32_t count_partitions(const td_os *os, const char *dir) {
    uint32_t count = 0;
    char path[PATH_BYTES];
    while (count < TD_PARTITIONS_MAX) {
        (void)snprintf(path, sizeof path, "%s/tape-%" PRIu32, dir, count);
        if (!os->ops->exists(os->self, path)) break;
        count++;
    }
    return count;
}

static void note(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "tapedeck: %s\n", line);
}

/* Takes LOCK: nothing is removed or appended beside a run. What is open is the caller's to close, failed or not. */
static td_status open_topics(opened *o) {
    uint32_t partitions = count_partitions(o->os, o->dir);
    if (partitions == 0) return TD_FAIL(TD_CONFIG, "%s has no tape: name the data folder of a run by --data", o->dir);
    (void)snprintf(o->snapshots, sizeof o->snapshots, "%s/snapshots", o->dir);
    td_log_conf conf = {.dir = o->dir, .segment_bytes = INT64_C(256) << 20, .retain_bytes = INT64_MAX};
    td_status status = td_log_segment_open(&o->log, o->os, &conf, note, NULL);
    if (status != TD_OK) return status;
    status = td_topics_open(&o->topics, o->log, partitions, o->os->ops->wall_ns(o->os->self) / TD_NS_PER_MS);
    return status == TD_OK ? td_topics_publish_again(&o->topics) : status;
}

static td_status open_worker(opened *o, uint32_t partition, int64_t snapshot_records) {
    td_work_conf conf = {
        .os = o->os, .topics = &o->topics, .snapshot_dir = o->snapshots, .snapshot_records = snapshot_records};
    td_status status = td_worker_open(&o->workers[partition], &conf, partition);
    return status == TD_OK ? td_worker_take(o->workers[partition]) : status;
}

static td_status open_workers(opened *o) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < o->topics.partitions && status == TD_OK; p++) status = open_worker(o, p, 1 << 18);
    return status;
}

static void close_all(opened *o) {
    for (uint32_t p = 0; p < TD_PARTITIONS_MAX; p++) td_worker_close(o->workers[p]);
    if (o->topics.registry != NULL) td_topics_close(&o->topics);
    td_log_close(o->log);
}

/* ---- replay ---- */

static td_status remove_outputs(const opened *o) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < o->topics.partitions && status == TD_OK; p++) {
        td_savepoint *savepoint;
        const td_savepoint_conf conf = {.os = o->os, .topics = &o->topics, .partition = p, .dir = o->snapshots};
        status = td_savepoint_open(&savepoint, &conf);
        if (status != TD_OK) return status;
        status = td_savepoint_remove_all(savepoint);
        td_savepoint_close(savepoint);
        for (int i = 0; i < TD_OUTPUT_COUNT && status == TD_OK; i++) {
            td_topic *topic = o->topics.outputs[i];
            if (topic != NULL) status = td_log_truncate(topic, p, td_topic_start(topic, p));
        }
    }
    return status;
}

typedef struct lane { /* one thread: takes the next partition that nobody has taken, and brings it to its end */
    opened *opened;
    _Atomic uint32_t *next, *done;
    td_thread thread;
    td_sketch tick_ns[QUARTERS]; /* what each cost, as those of its batch did, by its quarter of its partition's tape */
} lane;

static bool is_level(const opened *o, uint32_t partition) {
    td_worker *w = o->workers[partition];
    return td_fault_status(td_worker_fault(w)) != TD_OK ||
           td_worker_level(w) == td_topic_end(o->topics.tape, partition);
}

static int run_lane(void *self) {
    lane *l = self;
    uint32_t partition = atomic_fetch_add(l->next, 1);
    if (partition >= l->opened->topics.partitions) return 0;
    td_worker *w = l->opened->workers[partition];
    const td_os *os = l->opened->os;
    int64_t end = td_topic_end(l->opened->topics.tape, partition);
    while (!is_level(l->opened, partition)) {
        int64_t from = td_counted(&td_worker_counters(w)->next_offset), from_ns = os->ops->mono_ns(os->self);
        int done = td_worker_step(w);
        int64_t took_ns = os->ops->mono_ns(os->self) - from_ns;
        if (done > 0) td_sketch_add_many(&l->tick_ns[from * QUARTERS / end], took_ns / done, (uint32_t)done);
    }
    atomic_fetch_add(l->done, 1);
    return 1;
}

/* All lanes' into the first one's. */
static void add_sketches(lane *lanes, size_t count) {
    for (size_t i = 1; i < count; i++)
        for (int q = 0; q < QUARTERS; q++) {
            lanes[0].tick_ns[q].count += lanes[i].tick_ns[q].count;
            for (int b = 0; b < TD_SKETCH_BUCKETS; b++)
                lanes[0].tick_ns[q].buckets[b] += lanes[i].tick_ns[q].buckets[b];
        }
}

/* `out_tick_ns`: QUARTERS sketches; NULL: nobody asks. */
static td_status run_lanes(opened *o, size_t count, td_sketch *out_tick_ns) {
    lane *lanes = td_alloc_zero(count, sizeof *lanes);
    _Atomic uint32_t next = 0, done = 0;
    td_status status = TD_OK;
    for (size_t i = 0; i < count; i++) lanes[i] = (lane){.opened = o, .next = &next, .done = &done};
    for (size_t i = 1; i < count && status == TD_OK; i++)
        status = td_thread_start(&lanes[i].thread, "worker", run_lane, &lanes[i], POLL_US);
    while (run_lane(&lanes[0]) > 0) {}
    while (atomic_load(&done) < o->topics.partitions) (void)usleep(POLL_US);
    for (size_t i = 1; i < count; i++) td_thread_stop(&lanes[i].thread);
    add_sketches(lanes, count);
    if (out_tick_ns != NULL) memcpy(out_tick_ns, lanes[0].tick_ns, sizeof lanes[0].tick_ns);
    free(lanes);
    return status;
}

static td_status fault_of(const opened *o) {
    for (uint32_t p = 0; p < o->topics.partitions; p++) {
        td_fault *fault = td_worker_fault(o->workers[p]);
        td_status status = td_fault_status(fault);
        if (status != TD_OK) return TD_FAIL(status, "%s", fault->text);
    }
    return TD_OK;
}

static void put_quarters(const char *name, const td_sketch *tick_ns, double share) {
    (void)printf(",\"%s\":[", name);
    for (int q = 0; q < QUARTERS; q++)
        (void)printf("%s%" PRId64, q > 0 ? "," : "", td_sketch_quantile(&tick_ns[q], share));
    (void)printf("]");
}

static td_status replay(opened *o, const bench_options *options) {
    td_status status = open_topics(o);
    if (status == TD_OK) status = remove_outputs(o);
    int64_t from_ns = o->os->ops->mono_ns(o->os->self);
    if (status == TD_OK) status = open_workers(o);
    td_sketch tick_ns[QUARTERS];
    if (status == TD_OK) status = run_lanes(o, (size_t)options->workers, tick_ns);
    double seconds = seconds_since(o->os, from_ns);
    if (status == TD_OK) status = fault_of(o);
    if (status != TD_OK) return status;
    int64_t ticks = 0, bars = 0, signals = 0;
    for (uint32_t p = 0; p < o->topics.partitions; p++) {
        td_work_counts *c = td_worker_counters(o->workers[p]);
        ticks += td_counted(&c->accepted) + td_counted(&c->duplicates) + td_work_quarantined(c);
        bars += td_counted(&c->outputs[TD_OUTPUT_BARS]);
        signals += td_counted(&c->outputs[TD_OUTPUT_SIGNALS]);
    }
    (void)printf(options->json ? "{\"ticks\":%" PRId64 ",\"bars\":%" PRId64 ",\"signals\":%" PRId64
                                 ",\"seconds\":%.4f,\"ticks_per_second\":%.0f"
                               : "%" PRId64 " ticks, %" PRId64 " bars, %" PRId64 " signals in %.4f s: %.0f ticks/s\n",
                 ticks, bars, signals, seconds, (double)ticks / seconds);
    if (!options->json) return TD_OK;
    put_quarters("tick_p50_ns", tick_ns, 0.5);
    put_quarters("tick_p99_ns", tick_ns, 0.99);
    (void)printf("}\n");
    return TD_OK;
}

/* ---- snapshots ---- */

/* Of one partition, each snapshot synced and written before the worker goes on. Adds how long each copy took. */
static td_status copy_times(opened *o, uint32_t partition, td_sketch *times_ns, int64_t *most_ns) {
    td_status status = open_worker(o, partition, td_topic_end(o->topics.tape, partition) / SNAPSHOTS);
    td_worker *w = o->workers[partition];
    while (status == TD_OK && !is_level(o, partition)) {
        int64_t before_ns = td_counted(&td_worker_counters(w)->snapshot_copies.sum_ns);
        (void)td_worker_step(w);
        int64_t copy_ns = td_counted(&td_worker_counters(w)->snapshot_copies.sum_ns) - before_ns;
        if (copy_ns == 0) continue;
        td_sketch_add(times_ns, copy_ns);
        if (copy_ns > *most_ns) *most_ns = copy_ns;
        status = td_log_sync(o->log);
        if (status == TD_OK) status = td_worker_write_snapshot(w);
    }
    return status;
}

static td_status snapshot(opened *o, const bench_options *options) {
    td_sketch times_ns = {0};
    int64_t most_ns = 0;
    td_status status = open_topics(o);
    if (status == TD_OK) status = remove_outputs(o);
    for (uint32_t p = 0; p < o->topics.partitions && status == TD_OK; p++)
        status = copy_times(o, p, &times_ns, &most_ns);
    if (status == TD_OK) status = fault_of(o);
    if (status == TD_OK)
        (void)printf(options->json ? "{\"snapshots\":%" PRId64 ",\"median_ms\":%.3f,\"most_ms\":%.3f}\n"
                                   : "%" PRId64 " snapshots, copied in %.3f ms, at most in %.3f ms\n",
                     times_ns.count, (double)td_sketch_quantile(&times_ns, 0.5) / 1e6, (double)most_ns / 1e6);
    return status;
}

/* ---- restart ---- */

/* The last trade of partition 0: what new ticks go on from. */
static td_status last_trade(const opened *o, td_event *out, char instrument[64], char feed[64]) {
    enum { BLOCK_BYTES = 1 << 20 };
    td_topic *tape = o->topics.tape;
    td_reader *reader;
    td_status status = td_reader_open(
        &reader, tape, 0, td_topic_block_before(tape, 0, td_topic_end(tape, 0), BLOCK_BYTES), TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    *out = (td_event){0};
    while (td_reader_next(reader, &record) == TD_OK) {
        td_event event;
        td_bytes name;
        if (td_record_get_event(o->topics.ids, record.value, &event, &name) != TD_OK || event.kind != TD_EVENT_TRADE ||
            (event.flags & TD_FLAG_COPY) != 0)
            continue;
        *out = event;
        (void)snprintf(instrument, 64, "%.*s", (int)record.key.size, (const char *)record.key.data);
        (void)snprintf(feed, 64, "%.*s", (int)name.size, (const char *)name.data);
    }
    td_reader_close(reader);
    return out->kind != 0 ? TD_OK : TD_FAIL(TD_CONFIG, "%s: tape-0 ends without a trade to go on from", o->dir);
}

/* A trade a minute, its price up by 1 % for fifty of them, then down: averages of closes must cross. */
static void move_on(td_event *e, int tick) {
    e->event_ns += 60 * TD_NS_PER_S;
    e->receive_ns = e->event_ns;
    e->trade.price += tick / 50 % 2 == 0 ? e->trade.price / 100 : -(e->trade.price / 100);
}

/* Ticks onto the tape, one append each, until the worker gives a signal. */
static td_status trade_until_signal(opened *o, td_event *e, td_bytes instrument, td_bytes feed) {
    td_counter *signals = &td_worker_counters(o->workers[0])->outputs[TD_OUTPUT_SIGNALS];
    int64_t before = td_counted(signals);
    td_batch batch;
    td_writer *writer = NULL;
    td_buf value = {0};
    td_status status = td_writer_open(&writer, o->log, "bench");
    td_batch_init(&batch, 4096);
    for (int i = 0; i < RESTART_TICKS_MAX && status == TD_OK && td_counted(signals) == before; i++) {
        move_on(e, i);
        value.size = 0;
        td_record_put_event(&value, o->topics.ids, feed, e);
        td_batch_reset(&batch);
        (void)td_batch_add(&batch, e->event_ns / TD_NS_PER_MS, instrument, td_buf_bytes(&value), (td_bytes){0},
                           (td_bytes){0});
        status = td_writer_append(writer, o->topics.tape, 0, &batch);
        while (status == TD_OK && !is_level(o, 0)) (void)td_worker_step(o->workers[0]);
        if (status == TD_OK) status = fault_of(o);
    }
    if (status == TD_OK && td_counted(signals) == before)
        status = TD_FAIL(TD_CONFIG, "%s: no strategy gave a signal within %d ticks", o->dir, RESTART_TICKS_MAX);
    td_writer_close(writer);
    td_buf_fini(&value);
    td_batch_fini(&batch);
    return status;
}

/* What the ticks led to is void without them, and removed by the workers as after a crash. */
static td_status take_away(opened *o, int64_t tape_end) {
    close_all(o);
    *o = (opened){.os = o->os, .dir = o->dir};
    td_status status = open_topics(o);
    if (status == TD_OK) status = td_log_truncate(o->topics.tape, 0, tape_end);
    if (status == TD_OK) status = open_workers(o);
    return status;
}

static td_status restart(opened *o, const bench_options *options) {
    td_event trade;
    char instrument[64], feed[64];
    int64_t from_ns = o->os->ops->mono_ns(o->os->self), tape_end = -1;
    td_status status = open_topics(o);
    if (status == TD_OK) status = open_workers(o);
    double opened_s = seconds_since(o->os, from_ns);
    if (status == TD_OK) status = run_lanes(o, (size_t)options->workers, NULL);
    if (status == TD_OK) status = fault_of(o);
    double level_s = seconds_since(o->os, from_ns);
    if (status == TD_OK) status = last_trade(o, &trade, instrument, feed);
    if (status == TD_OK) tape_end = td_topic_end(o->topics.tape, 0);
    if (status == TD_OK) status = trade_until_signal(o, &trade, td_text(instrument), td_text(feed));
    double seconds = seconds_since(o->os, from_ns);
    if (tape_end >= 0) {
        td_status taken = take_away(o, tape_end);
        if (status == TD_OK) status = taken;
    }
    if (status == TD_OK)
        (void)printf(options->json
                         ? "{\"opened_s\":%.4f,\"level_s\":%.4f,\"seconds\":%.4f}\n"
                         : "opened after %.4f s, level with the tape after %.4f s, a new signal after %.4f s\n",
                     opened_s, level_s, seconds);
    return status;
}

/* ---- the command ---- */

static bool parse(bench_options *o, int argc, char **argv, bool *out_help) {
    static const struct option longs[] = {{"data", required_argument, NULL, 'd'},
                                          {"workers", required_argument, NULL, 'w'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'd') o->dir = optarg;
        if (c == 'w') o->workers = strtol(optarg, NULL, 10);
        if (c == 'j') o->json = true;
        if (c == 'h') *out_help = true;
        if (c == '?') return false;
    }
    return *out_help || (optind + 1 == argc && o->workers >= 1 && o->workers <= TD_PARTITIONS_MAX);
}

int td_cmd_bench(int argc, char **argv) {
    static const struct {
        const char *name;
        td_status (*run)(opened *o, const bench_options *options);
    } verbs[] = {{"replay", replay}, {"snapshot", snapshot}, {"restart", restart}};
    bench_options options = {.dir = "data", .workers = 1};
    bool help = false;
    if (!parse(&options, argc, argv, &help)) {
        (void)fputs(HELP, stderr);
        return TD_EXIT_USAGE;
    }
    if (help) return fputs(HELP, stdout) < 0 ? TD_EXIT_FAILED : TD_EXIT_OK;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[optind], verbs[i].name) != 0) continue;
        opened o = {.os = &td_os_posix, .dir = options.dir};
        td_status status = verbs[i].run(&o, &options);
        close_all(&o);
        if (status != TD_OK) (void)fprintf(stderr, "tapedeck bench: %s\n", td_trail());
        return td_exit_of(status);
    }
    (void)fputs(HELP, stderr);
    return TD_EXIT_USAGE;
}
