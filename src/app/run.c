/* src/app/run.c - gives the engine's steps their threads, shows how it goes, and ends it in a listed order. */
#include "app/run.h"
#include "app/engine.h"
#include "app/exit.h"
#include "base/time.h"
#include "os/thread.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { IDLE_US = 200, SYNC_IDLE_US = 2000, WATCH_US = 20000, THREADS_MAX = 192 };

typedef struct step_thread { /* one thread and the engine's steps it drives */
    td_engine *engine;
    size_t steps[TD_PARTITIONS_MAX], step_count;
    td_thread thread;
} step_thread;

typedef struct run {
    td_run_options options;
    const char *file;
    td_config config;
    td_engine *engine;
    td_serve *serve;
    td_program *program; /* the dashboard's own copy */
    td_thread serve_thread;
    step_thread *threads;
    size_t thread_count;
    td_reader *signals[TD_PARTITIONS_MAX]; /* what to show of new signals */
    int64_t started_ns, shown_ns, shown_events;
    bool terminal, loaded; /* loaded: the configuration's text is fine */
    bool idle_told;        /* which strategies have nothing to look at */
} run;

static volatile sig_atomic_t stop_wanted;

static void on_stop(int number) {
    stop_wanted = 1;
    (void)signal(number, SIG_DFL); /* a second Ctrl-C ends at once: the log recovers from that too */
}

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

/* ---- what people see ---- */

static void clear_line(const run *r) {
    if (r->terminal) (void)fputs("\r\033[K", stderr);
}

static void report(void *arg, const char *line) {
    clear_line(arg);
    (void)fprintf(stderr, "tapedeck: %s\n", line);
}

static void show_signal(const run *r, const td_record *record) {
    td_signal signal;
    td_bytes instrument;
    if (td_record_get_signal(record->value, &signal, &instrument) != TD_OK) return;
    char price[TD_DECIMAL_TEXT_MAX], target[TD_DECIMAL_TEXT_MAX], time[40];
    (void)td_decimal_format(signal.price, TD_PRICE_SCALE, false, price);
    (void)td_decimal_format(signal.target, TD_SIZE_SCALE, false, target);
    (void)td_time_format(signal.event_ns, time);
    clear_line(r);
    (void)fprintf(stderr, "%s  %-16.*s %-5s at %-12s target %-4s %.*s%s%.*s\n", time, (int)instrument.size,
                  (const char *)instrument.data, td_action_name(signal.action), price, target,
                  (int)signal.strategy.size, (const char *)signal.strategy.data, signal.note.size > 0 ? ": " : "",
                  (int)signal.note.size, (const char *)signal.note.data);
}

static void show_signals(run *r) {
    enum { SHOWN_AT_ONCE = 20 };
    const td_topics *topics = td_engine_topics(r->engine);
    for (uint32_t p = 0; p < topics->partitions; p++) {
        td_record record;
        int shown = 0;
        for (; shown < SHOWN_AT_ONCE && td_reader_next(r->signals[p], &record) == TD_OK; shown++)
            show_signal(r, &record);
        if (shown == SHOWN_AT_ONCE) /* at full speed a sample is enough for people */
            td_reader_seek(r->signals[p], td_topic_end(topics->outputs[TD_OUTPUT_SIGNALS], p));
    }
}

static void show_progress(run *r) {
    int64_t at_ns = now_ns(), every_ns = r->terminal ? TD_NS_PER_S / 4 : 5 * TD_NS_PER_S;
    if (at_ns - r->shown_ns < every_ns) return;
    td_engine_counts counts;
    td_engine_count(r->engine, &counts);
    double rate = (double)(counts.events - r->shown_events) * 1e9 / (double)(at_ns - r->shown_ns);
    char clock[40] = "-";
    if (counts.clock_ns != 0) (void)td_time_format_short(counts.clock_ns / TD_NS_PER_S * TD_NS_PER_S, clock);
    clear_line(r);
    (void)fprintf(stderr, "%s  %" PRId64 " events, %.0f/s, lag %" PRId64 ", %" PRId64 " bars, %" PRId64 " signals%s",
                  clock, counts.events, rate, counts.lag_records, counts.bars, counts.signals, r->terminal ? "" : "\n");
    r->shown_ns = at_ns;
    r->shown_events = counts.events;
}

static void show_summary(run *r, double seconds, bool finished) {
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    double rate = seconds > 0 ? (double)c.events / seconds : 0;
    clear_line(r);
    if (!r->options.quiet)
        (void)fprintf(stderr,
                      "%" PRId64 " events in %.2f s (%.0f/s): %" PRId64 " accepted, %" PRId64 " quarantined, %" PRId64
                      " duplicates, %" PRId64 " rejected; %" PRId64 " late; %" PRId64 " ignored; %" PRId64
                      " resumed\n%" PRId64 " bars, %" PRId64 " signals\n",
                      c.events, seconds, rate, c.accepted, c.quarantined, c.duplicates, c.rejected, c.late, c.ignored,
                      c.resumed, c.bars, c.signals);
    if (c.rejected > 0)
        (void)fprintf(stderr,
                      "tapedeck: %" PRId64
                      " inputs were rejected; `tapedeck log cat rejected --data %s` tells which and why\n",
                      c.rejected, r->config.log.dir);
    if (c.events == 0 && c.resumed > 0 && finished)
        (void)fprintf(
            stderr,
            "tapedeck: the log in %s holds all of these inputs already; name another log.dir to make them again\n",
            r->config.log.dir);
    if (c.diverged > 0)
        (void)fprintf(stderr, "tapedeck: %" PRId64 " outputs made again differ from what the log holds\n", c.diverged);
    if (!r->options.json) return;
    (void)printf("{\"events\":%" PRId64 ",\"accepted\":%" PRId64 ",\"quarantined\":%" PRId64 ",\"duplicates\":%" PRId64
                 ",\"rejected\":%" PRId64 ",\"late\":%" PRId64 ",\"ignored\":%" PRId64 ",\"resumed\":%" PRId64
                 ",\"bars\":%" PRId64 ",\"signals\":%" PRId64 ",\"diverged\":%" PRId64
                 ",\"finished\":%s,\"seconds\":%.3f,\"ticks_per_second\":%.0f}\n",
                 c.events, c.accepted, c.quarantined, c.duplicates, c.rejected, c.late, c.ignored, c.resumed, c.bars,
                 c.signals, c.diverged, finished ? "true" : "false", seconds, rate);
}

/* ---- threads ---- */

static int drive(void *self) {
    step_thread *t = self;
    int done = 0;
    for (size_t i = 0; i < t->step_count; i++) done += td_engine_step(t->engine, t->steps[i]);
    return done;
}

/* One thread each for ingest, every sink and sync; `workers` threads share the partitions. */
static void deal_steps(run *r) {
    size_t steps = td_engine_step_count(r->engine), workers = (size_t)r->config.workers, worked = 0;
    r->threads = td_alloc_zero(THREADS_MAX, sizeof *r->threads);
    r->thread_count = workers;
    for (size_t s = 0; s < steps; s++) {
        bool work = td_engine_step_kind_of(r->engine, s) == TD_STEP_WORK;
        step_thread *t = &r->threads[work ? worked++ % workers : r->thread_count++];
        t->engine = r->engine;
        t->steps[t->step_count++] = s;
    }
}

static td_status start_threads(run *r) {
    static const char *const names[] = {"ingest", "worker", "deliver", "sync"};
    deal_steps(r);
    td_status status = TD_OK;
    for (size_t i = 0; i < r->thread_count && status == TD_OK; i++) {
        step_thread *t = &r->threads[i];
        if (t->step_count == 0) continue;
        td_engine_step_kind kind = td_engine_step_kind_of(r->engine, t->steps[0]);
        status = td_thread_start(&t->thread, names[kind], drive, t, kind == TD_STEP_SYNC ? SYNC_IDLE_US : IDLE_US);
    }
    if (status == TD_OK && r->serve != NULL)
        status = td_thread_start(&r->serve_thread, "serve", td_serve_step, r->serve, IDLE_US);
    return status;
}

/* Sources first, then what reads them: nothing is waited for that a stopped thread would have to do. */
static void stop_threads(run *r) {
    static const td_engine_step_kind order[] = {TD_STEP_INGEST, TD_STEP_WORK, TD_STEP_SYNC, TD_STEP_DELIVER};
    td_thread_stop(&r->serve_thread);
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        for (size_t i = 0; i < r->thread_count; i++)
            if (r->threads[i].step_count > 0 && td_engine_step_kind_of(r->engine, r->threads[i].steps[0]) == order[k])
                td_thread_stop(&r->threads[i].thread);
}

/* ---- the run ---- */

static void ignore_line(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

static void watch(run *r) {
    while (!stop_wanted) {
        if (!r->options.quiet) {
            show_signals(r);
            show_progress(r);
        }
        if (!r->idle_told) r->idle_told = td_engine_tell_idle(r->engine, report, r);
        if (td_engine_faults(r->engine, ignore_line, NULL) == TD_CONFIG) return;
        if (r->options.until_end && td_engine_finished(r->engine)) return;
        (void)usleep(WATCH_US);
    }
}

/* For the dashboard; asked on its thread. */
static void tell_progress(void *arg, td_serve_progress *out) {
    run *r = arg;
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    *out = (td_serve_progress){.state = td_engine_faults(r->engine, ignore_line, NULL) == TD_OK ? "running" : "faulty",
                               .events = c.events,
                               .accepted = c.accepted,
                               .quarantined = c.quarantined,
                               .rejected = c.rejected,
                               .late = c.late,
                               .lag_records = c.lag_records};
}

/* The program that the log says is in force: what the dashboard draws its lines by. */
static td_status load_program(run *r, const td_topics *t) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_status status = td_topics_program_at(t, 0, td_topic_end(t->tape, 0), sha256);
    return status == TD_OK ? td_topics_load_program(t, sha256, &r->program) : status;
}

static td_status open_serve(run *r) {
    if (!r->config.serve_on) return TD_OK;
    const td_topics *t = td_engine_topics(r->engine);
    td_status status = load_program(r, t);
    if (status != TD_OK) return td_trace(status, "opening the dashboard");
    td_serve_topics topics = {.tape = t->tape,
                              .bars = t->outputs[TD_OUTPUT_BARS],
                              .signals = t->outputs[TD_OUTPUT_SIGNALS],
                              .ids = t->ids,
                              .program = r->program,
                              .progress = tell_progress,
                              .progress_arg = r};
    topics.widths_ns = td_engine_widths(r->engine, &topics.width_count);
    for (size_t i = 0; i < r->config.feed_count; i++)
        if (r->config.feeds[i].conf.lateness_ns > topics.lateness_ns)
            topics.lateness_ns = r->config.feeds[i].conf.lateness_ns;
    return td_serve_open(&r->serve, &td_os_posix, &r->config.serve, &topics);
}

static td_status open_run(run *r) {
    const td_run_options *o = &r->options;
    td_status status =
        td_config_load(&r->config, &td_os_posix, r->file, (const char *const *)o->sets.items, o->sets.count);
    if (status != TD_OK) return status;
    r->loaded = true;
    if (r->config.speed < 0) r->config.speed = o->until_end ? 0 : 1;
    status = td_engine_open(&r->engine, &td_os_posix, &r->config, report, r);
    if (status == TD_OK) status = open_serve(r);
    if (status != TD_OK) return status;
    const td_topics *topics = td_engine_topics(r->engine);
    td_topic *signals = topics->outputs[TD_OUTPUT_SIGNALS];
    for (uint32_t p = 0; p < topics->partitions && status == TD_OK; p++)
        status = td_reader_open(&r->signals[p], signals, p, td_topic_end(signals, p), TD_READ_APPENDED);
    return status;
}

static void close_run(run *r, bool clean) {
    for (size_t p = 0; p < TD_PARTITIONS_MAX; p++) td_reader_close(r->signals[p]);
    td_serve_close(r->serve);
    td_program_free(r->program);
    td_engine_close(r->engine, clean);
    td_config_fini(&r->config);
    free(r->threads);
}

static int run_until_stopped(run *r) {
    (void)signal(SIGINT, on_stop);
    (void)signal(SIGTERM, on_stop);
    (void)signal(SIGPIPE, SIG_IGN);
    if (r->serve != NULL && !r->options.quiet)
        (void)fprintf(stderr, "tapedeck: dashboard at %s\n", td_serve_url(r->serve));
    r->started_ns = r->shown_ns = now_ns();
    td_status status = start_threads(r);
    if (status == TD_OK) watch(r);
    double seconds = (double)(now_ns() - r->started_ns) / 1e9;
    stop_threads(r);
    if (status != TD_OK) report(r, td_trail());
    if (!r->options.quiet) show_signals(r);
    clear_line(r);
    td_status faults = td_engine_faults(r->engine, report, r);
    bool finished = td_engine_finished(r->engine);
    show_summary(r, seconds, finished);
    if (status == TD_OK && faults == TD_OK && r->options.until_end && !finished) return TD_EXIT_STOPPED;
    return td_exit_of(status != TD_OK ? status : faults);
}

int td_run(const td_run_options *options, const char *file) {
    run *r = td_alloc_zero(1, sizeof *r);
    r->options = *options;
    r->file = file;
    r->terminal = isatty(STDERR_FILENO) == 1;
    int code;
    td_status status = open_run(r);
    bool opened = status == TD_OK;
    if (opened) {
        code = run_until_stopped(r);
    } else {
        report(r, td_trail());
        code = status == TD_CONFIG && !r->loaded ? TD_EXIT_USAGE : td_exit_of(status);
    }
    close_run(r, opened);
    free(r);
    return code;
}
