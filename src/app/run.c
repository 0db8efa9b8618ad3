/* src/app/run.c - gives the engine's steps their threads, shows how it goes, and ends it in a listed order. */
#include "app/run.h"
#include "app/beacon.h"
#include "app/engine.h"
#include "app/exit.h"
#include "app/notice.h"
#include "app/progress.h"
#include "app/pulse.h"
#include "app/registering.h"
#include "app/role.h"
#include "app/secret.h"
#include "app/serving.h"
#include "base/hash.h"
#include "base/time.h"
#include "os/service.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Nobody rings ingest when a message comes, so with live feeds it looks often. */
enum { IDLE_US = 200, LIVE_IDLE_US = 20, SYNC_IDLE_US = 2000, WATCH_US = 20000, FAULTS_MAX = 256 };
/* Until a log that others begin is looked for once more. */
enum { AWAIT_US = 1000000 };
#define LOOK_NS  TD_NS_PER_S
#define MOVES_NS (3 * TD_NS_PER_S)
/* What may take longer than `drain`: a step under way, last snapshots. Then the process ends as it is. */
enum { DRAIN_MORE_S = 5 };
/* What taking leave may take: td_live_ops (feed/feed.h). */
#define LEAVE_NS TD_NS_PER_S

typedef struct run run;

typedef struct step_thread { /* one thread and the engine's steps it drives */
    run *run;
    td_engine_step_kind kind;
    uint32_t number; /* among those of its kind that share steps */
    size_t steps[TD_PARTITIONS_MAX], step_count;
    td_thread thread;
} step_thread;

struct run {
    td_run_options options;
    const char *file;
    td_config config;
    td_engine *engine;
    td_serving *serving;
    td_serve *serve; /* its server; both NULL: none */
    td_thread serve_thread;
    step_thread *threads;
    size_t thread_count;
    td_reader *signals[TD_PARTITIONS_MAX]; /* what to show of new signals */
    int64_t takes[TD_PARTITIONS_MAX];      /* of their partitions; what others made before is not new */
    int64_t started_ns, shown_ns, shown_events, looked_ns;
    int64_t behind_records, behind_since_ns; /* not applied yet, when that was most; 0: it has caught up */
    int64_t held_records;                    /* at start: on the tape and in `rejected` */
    td_notices *notices;
    td_pulse pulse;
    uint64_t faults[FAULTS_MAX]; /* told ones, by hash */
    size_t fault_count;
    atomic_bool draining;
    bool terminal, loaded;                 /* loaded: the configuration's text is fine */
    bool lacking_told[TD_CONFIG_LIST_MAX]; /* by sink */
    bool calendar_told;                    /* that trades lie beyond its years */
    bool idle_told;                        /* which strategies have nothing to look at */
    int64_t moves_told, moves_told_ns;     /* partitions that came and went; and when that was */
    bool forgetful_told;                   /* whose states begin in the middle */
};

static bool has_role(const run *r, td_role role) { return (r->config.roles & role) != 0; }
static bool is_apart(const run *r) { return r->config.roles != TD_ROLES_ALL; }

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

static volatile sig_atomic_t stop_wanted;
static _Atomic int64_t stop_told_ns;

/* A second one ends at once: the log recovers from that too. `timeout` and supervisors tell the process and then its
 * group, which is one wish. */
static void on_stop(int number) {
    const int64_t same_wish_ns = TD_NS_PER_S / 2;
    if (stop_wanted == 0) {
        stop_told_ns = now_ns();
        stop_wanted = 1;
    } else if (now_ns() - stop_told_ns > same_wish_ns) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}

static volatile sig_atomic_t speaks_json;

/* The drain itself is stuck. What is synced is safe, and the next start makes the rest again. */
static void on_alarm(int number) {
    static const char text[] = "tapedeck: error: not drained in time: ending as it is\n";
    static const char json[] =
        "{\"level\":\"error\",\"event\":\"undrained\",\"message\":\"not drained in time: ending as it is\"}\n";
    (void)number;
    (void)!write(STDERR_FILENO, speaks_json ? json : text, speaks_json ? sizeof json - 1 : sizeof text - 1);
    _exit(TD_EXIT_UNDRAINED);
}

/* ---- what people see ---- */

/* What opening repaired, and what somebody should know of the configuration; then, what disk and feeds come to. */
static void report(void *arg, const char *line) {
    const run *r = arg;
    td_notice(r->notices, TD_LEVEL_WARNING, r->started_ns == 0 ? "start" : "notice", NULL, "%s", line);
}

static void show_line(void *arg, const char *line) { td_notices_show(((run *)arg)->notices, "progress", line); }

static void report_fault(void *arg, const char *line) {
    run *r = arg;
    uint64_t hash = td_hash_bytes(td_text(line));
    for (size_t i = 0; i < r->fault_count; i++)
        if (r->faults[i] == hash) return;
    if (r->fault_count < FAULTS_MAX) r->faults[r->fault_count++] = hash;
    td_notice(r->notices, TD_LEVEL_ERROR, "fault", NULL, "%s", line);
}

/* An arrow goes on by itself: people hear when it began to wait, and that it is over. */
static void report_trouble(void *arg, const char *part, const char *text) {
    run *r = arg;
    if (text != NULL)
        td_notice(r->notices, TD_LEVEL_WARNING, "backing_off", part, "%s; tried again until it works", text);
    else
        td_notice(r->notices, TD_LEVEL_INFO, "goes_on", part, "works again");
}

static void show_signal(const run *r, const td_record *record) {
    td_signal signal;
    td_bytes instrument;
    if (td_record_get_signal(td_engine_topics(r->engine)->ids, record->value, &signal, &instrument) != TD_OK) return;
    if (signal.action == TD_ACTION_EMIT) return; /* a stream for programs */
    char price[TD_DECIMAL_TEXT_MAX], target[TD_DECIMAL_TEXT_MAX], time[40];
    instrument = td_signal_traded(&signal, instrument);
    (void)td_decimal_format(signal.price, TD_PRICE_SCALE, false, price);
    (void)td_decimal_format(signal.target, TD_SIZE_SCALE, false, target);
    (void)td_time_format(signal.event_ns, time);
    char text[640];
    bool fresh = signal.status == TD_SIGNAL_FRESH; /* of others nobody may think that they can be acted on */
    (void)snprintf(text, sizeof text, "%s  %-16.*s %s%s%-5s at %-12s target %-4s %.*s%s%.*s", time,
                   (int)instrument.size, (const char *)instrument.data,
                   fresh ? "" : td_signal_status_name((td_signal_status)signal.status), fresh ? "" : " ",
                   td_action_name(signal.action), price, target, (int)signal.strategy.size,
                   (const char *)signal.strategy.data, signal.note.size > 0 ? ": " : "", (int)signal.note.size,
                   (const char *)signal.note.data);
    td_notices_show(r->notices, "signal", text);
}

/* Those that are made here. */
static void show_signals(run *r) {
    enum { SHOWN_AT_ONCE = 20 };
    const td_topics *topics = td_engine_topics(r->engine);
    td_engine_parts parts;
    td_engine_parts_of(r->engine, &parts);
    for (uint32_t p = 0; p < td_crew_size(parts.crew); p++) {
        td_worker *worker = td_crew_worker(parts.crew, p);
        int64_t takes = td_counted(&td_worker_counters(worker)->takes);
        if (!td_worker_on_duty(worker)) continue;
        if (takes != r->takes[p]) td_reader_seek(r->signals[p], td_topic_end(topics->outputs[TD_OUTPUT_SIGNALS], p));
        r->takes[p] = takes;
        td_record record;
        int shown = 0;
        for (; shown < SHOWN_AT_ONCE && td_reader_next(r->signals[p], &record) == TD_OK; shown++)
            show_signal(r, &record);
        if (shown == SHOWN_AT_ONCE) /* at full speed a sample is enough for people */
            td_reader_seek(r->signals[p], td_topic_end(topics->outputs[TD_OUTPUT_SIGNALS], p));
    }
}

/* Of what the log held at start, or when partitions came; false when all of it is passed and applied. */
static bool show_catching_up(run *r, const td_engine_counts *c) {
    int64_t at_ns = now_ns();
    char text[TD_PROGRESS_MAX], part[64];
    if (c->behind_records == 0) r->behind_records = 0;
    if (c->behind_records > r->behind_records) {
        r->behind_records = c->behind_records;
        r->behind_since_ns = at_ns;
    }
    if (c->behind_records > 0) {
        (void)snprintf(part, sizeof part, "replaying, tape-%u last", td_engine_slowest(r->engine));
        td_progress_text(part, r->behind_records - c->behind_records, r->behind_records, at_ns - r->behind_since_ns,
                         text);
    } else if (c->resuming) {
        td_progress_text("passing inputs that the log holds", c->resumed, r->held_records, at_ns - r->started_ns, text);
    } else {
        return false;
    }
    td_notices_progress(r->notices, text);
    return true;
}

static void put_progress(const run *r, const td_engine_counts *c, double rate, td_buf *out) {
    char clock[40] = "-";
    if (c->clock_ns != 0) (void)td_time_format(c->clock_ns / TD_NS_PER_S * TD_NS_PER_S, clock);
    bool has_events = has_role(r, TD_ROLE_RECORD) || has_role(r, TD_ROLE_PROCESS);
    if (has_role(r, TD_ROLE_RECORD)) td_buf_printf(out, "%s  ", clock);
    if (is_apart(r) && has_role(r, TD_ROLE_PROCESS))
        td_buf_printf(out, "%" PRId64 " of %u partitions, ", c->owned, td_engine_topics(r->engine)->partitions);
    if (has_events) td_buf_printf(out, "%" PRId64 " events, %.0f/s", c->events, rate);
    if (has_role(r, TD_ROLE_PROCESS))
        td_buf_printf(out, ", lag %" PRId64 ", %" PRId64 " bars, %" PRId64 " signals", c->lag_records, c->bars,
                      c->signals);
    if (is_apart(r) && has_role(r, TD_ROLE_DELIVER))
        td_buf_printf(out, "%s%" PRId64 " rows", has_events ? ", " : "", c->rows);
    td_buf_put(out, "", 1);
}

static void show_progress(run *r) {
    int64_t at_ns = now_ns(), every_ns = r->terminal ? TD_NS_PER_S / 4 : 5 * TD_NS_PER_S;
    if (at_ns - r->shown_ns < every_ns) return;
    td_engine_counts counts;
    td_engine_count(r->engine, &counts);
    if (show_catching_up(r, &counts)) {
        r->shown_ns = at_ns;
        r->shown_events = counts.events;
        return;
    }
    double rate = (double)(counts.events - r->shown_events) * 1e9 / (double)(at_ns - r->shown_ns);
    td_buf text = {0};
    put_progress(r, &counts, rate, &text);
    if (text.size > 1) td_notices_progress(r->notices, (const char *)text.data);
    td_buf_fini(&text);
    r->shown_ns = at_ns;
    r->shown_events = counts.events;
}

/* Once: what is outside of the calendar's years goes by weekdays alone. */
static void tell_calendar(run *r) {
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    if (r->calendar_told || c.unknown_days == 0) return;
    r->calendar_told = true;
    td_notice(r->notices, TD_LEVEL_WARNING, "calendar_ended", "",
              "trades of days beyond the years of their calendar: its weekdays and hours are taken to go on without "
              "holidays; name a newer calendar by `instruments:`");
}

static void tell_forgetful(run *r) {
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    if (c.forgetful == 0 || r->forgetful_told) return;
    r->forgetful_told = true;
    td_notice(r->notices, TD_LEVEL_WARNING, "state_begins", "",
              "%" PRId64
              " partitions have no snapshot that can be read, and retention has taken the beginning of their "
              "tape: their state begins at the oldest record; what was made stays as it was made",
              c.forgetful);
}

static void show_summary(run *r, double seconds, bool finished) {
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    double rate = seconds > 0 ? (double)c.events / seconds : 0;
    bool kafka = r->config.log.kafka != NULL;
    char text[512];
    (void)snprintf(text, sizeof text,
                   "%" PRId64 " events in %.2f s (%.0f/s): %" PRId64 " accepted, %" PRId64 " quarantined, %" PRId64
                   " duplicates, %" PRId64 " rejected; %" PRId64 " late; %" PRId64 " outside of hours; %" PRId64
                   " ignored; %" PRId64 " resumed\n%" PRId64 " bars, %" PRId64 " of them revisions, %" PRId64
                   " signals",
                   c.events, seconds, rate, c.accepted, c.quarantined, c.duplicates, c.rejected, c.late, c.outside,
                   c.ignored, c.resumed, c.bars, c.revised, c.signals);
    td_notices_show(r->notices, "summary", text);
    if (c.rebalances > 0) {
        (void)snprintf(text, sizeof text,
                       "%" PRId64 " rebalances; partitions: %" PRId64 " taken, %" PRId64 " left, %" PRId64
                       " of them to others unheard; transactions: %" PRId64 " committed, %" PRId64 " aborted",
                       c.rebalances, c.taken, c.left, c.fenced, c.commits, c.aborts);
        td_notices_show(r->notices, "sharing", text);
    }
    tell_calendar(r);
    if (c.rejected > 0)
        td_notice(r->notices, TD_LEVEL_WARNING, "rejected", "",
                  "rejected inputs: %" PRId64 "; `tapedeck log cat rejected --%s %s` tells which and why", c.rejected,
                  kafka ? "config" : "data", kafka ? r->file : r->config.log.dir);
    if (c.events == 0 && c.resumed > 0 && finished)
        td_notice(r->notices, TD_LEVEL_WARNING, "nothing_new", "",
                  "the log in %s holds all of these inputs already; name another log.%s to make them again",
                  kafka ? r->config.log.kafka : r->config.log.dir, kafka ? "prefix" : "dir");
    if (c.diverged > 0)
        td_notice(r->notices, TD_LEVEL_ERROR, "diverged", "",
                  "%" PRId64 " outputs made again differ from what the log holds", c.diverged);
    if (c.lost > 0)
        td_notice(r->notices, TD_LEVEL_WARNING, "lost", "",
                  "%" PRId64 " records of the tape are lost to damage that was repaired: bars and signals lack them",
                  c.lost);
    if (c.sinks_lack > 0)
        td_notice(r->notices, TD_LEVEL_WARNING, "sinks_lack", "",
                  "sinks lack %" PRId64 " records that the log let go of before they had them; `tapedeck positions ls` "
                  "tells which",
                  c.sinks_lack);
    if (!r->options.json) return;
    (void)printf("{\"events\":%" PRId64 ",\"accepted\":%" PRId64 ",\"quarantined\":%" PRId64 ",\"duplicates\":%" PRId64
                 ",\"rejected\":%" PRId64 ",\"late\":%" PRId64 ",\"outside\":%" PRId64 ",\"restricted\":%" PRId64
                 ",\"ignored\":%" PRId64 ",\"resumed\":%" PRId64 ",\"bars\":%" PRId64 ",\"revised\":%" PRId64
                 ",\"signals\":%" PRId64 ",\"diverged\":%" PRId64 ",\"lost\":%" PRId64 ",\"sinks_lack\":%" PRId64
                 ",\"rows\":%" PRId64 ",\"rebalances\":%" PRId64 ",\"taken\":%" PRId64 ",\"left\":%" PRId64
                 ",\"fenced\":%" PRId64 ",\"committed\":%" PRId64 ",\"aborted\":%" PRId64
                 ",\"finished\":%s,\"seconds\":%.3f,\"ticks_per_second\":%.0f}\n",
                 c.events, c.accepted, c.quarantined, c.duplicates, c.rejected, c.late, c.outside, c.restricted,
                 c.ignored, c.resumed, c.bars, c.revised, c.signals, c.diverged, c.lost, c.sinks_lack, c.rows,
                 c.rebalances, c.taken, c.left, c.fenced, c.commits, c.aborts, finished ? "true" : "false", seconds,
                 rate);
}

/* ---- threads ---- */

static void ring_kind(run *r, td_engine_step_kind kind) {
    for (size_t i = 0; i < r->thread_count; i++)
        if (r->threads[i].step_count > 0 && r->threads[i].kind == kind) td_thread_ring(&r->threads[i].thread);
}

/* Whoever reads what this step wrote need not wait until it looks by itself. */
static void ring_readers(run *r, td_engine_step_kind wrote) {
    if (wrote == TD_STEP_INGEST) ring_kind(r, TD_STEP_WORK);
    if (wrote == TD_STEP_WORK && r->serve != NULL) td_thread_ring(&r->serve_thread);
    if (wrote == TD_STEP_SYNC) ring_kind(r, TD_STEP_DELIVER);
}

static int drive(void *self) {
    step_thread *t = self;
    int done = 0;
    const td_engine *engine = t->run->engine;
    uint32_t workers = (uint32_t)t->run->config.workers;
    for (size_t i = 0; i < t->step_count; i++) {
        if (t->kind == TD_STEP_WORK && td_engine_thread_of(engine, t->steps[i], workers) != t->number) continue;
        done += td_engine_step(t->run->engine, t->steps[i]);
    }
    if (done > 0) ring_readers(t->run, t->kind);
    return done;
}

static void deal_step(run *r, step_thread *to, size_t step) {
    to->run = r;
    to->kind = td_engine_step_kind_of(r->engine, step);
    to->steps[to->step_count++] = step;
}

/* One thread for each step; but `workers` threads share the partitions, of which each passes by those of the others. */
static void deal_steps(run *r) {
    size_t steps = td_engine_step_count(r->engine), workers = (size_t)r->config.workers;
    r->threads = td_alloc_zero(TD_PULSE_THREADS_MAX, sizeof *r->threads);
    r->thread_count = workers;
    for (uint32_t i = 0; i < workers; i++) r->threads[i].number = i;
    for (size_t s = 0; s < steps; s++) {
        if (td_engine_step_kind_of(r->engine, s) != TD_STEP_WORK)
            deal_step(r, &r->threads[r->thread_count++], s);
        else
            for (size_t i = 0; i < workers; i++) deal_step(r, &r->threads[i], s);
    }
}

static unsigned idle_us_of(const run *r, td_engine_step_kind kind) {
    td_engine_parts parts;
    td_engine_parts_of(r->engine, &parts);
    if (kind == TD_STEP_INGEST && td_live_feed_count(parts.live) > 0) return LIVE_IDLE_US;
    return kind == TD_STEP_SYNC || kind == TD_STEP_SHARE ? SYNC_IDLE_US : IDLE_US;
}

static td_status start_kind(run *r, td_engine_step_kind kind) {
    static const char *const names[] = {"ingest", "share", "worker", "deliver", "sync"};
    td_status status = TD_OK;
    for (size_t i = 0; i < r->thread_count && status == TD_OK; i++) {
        step_thread *t = &r->threads[i];
        if (t->step_count == 0 || t->kind != kind) continue;
        status = td_thread_start(&t->thread, names[kind], drive, t, idle_us_of(r, kind));
        td_pulse_add(&r->pulse, &t->thread);
    }
    return status;
}

/* Sources first, then what reads them: nothing is waited for that a stopped thread would have to do. They start in the
 * reverse order, so that whoever is rung is there. */
static const td_engine_step_kind order_of_end[] = {TD_STEP_INGEST, TD_STEP_SHARE, TD_STEP_WORK, TD_STEP_SYNC,
                                                   TD_STEP_DELIVER};
enum { KINDS = sizeof order_of_end / sizeof order_of_end[0] };

static td_status start_threads(run *r) {
    deal_steps(r);
    td_status status = TD_OK;
    if (r->serve != NULL) status = td_thread_start(&r->serve_thread, "serve", td_serve_step, r->serve, IDLE_US);
    td_pulse_add(&r->pulse, &r->serve_thread);
    for (size_t k = KINDS; k-- > 0 && status == TD_OK;) status = start_kind(r, order_of_end[k]);
    return status;
}

static void stop_kind(run *r, td_engine_step_kind kind) {
    for (size_t i = 0; i < r->thread_count; i++)
        if (r->threads[i].kind == kind) td_thread_stop(&r->threads[i].thread);
}

static void stop_threads(run *r) {
    for (size_t k = 0; k < KINDS; k++) stop_kind(r, order_of_end[k]);
    td_thread_stop(&r->serve_thread);
}

/* ---- the run ---- */

static void ignore_line(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

/* Once per sink, until it is acknowledged. */
static void tell_lacking(run *r) {
    td_engine_parts parts;
    td_engine_parts_of(r->engine, &parts);
    for (size_t i = 0; i < parts.deliver_count; i++) {
        const char *name = r->config.sinks[i].conf.name;
        bool lacks = td_counted(&td_deliver_counters(parts.delivers[i])->red) > 0;
        td_losses losses;
        char text[256];
        if (lacks && !r->lacking_told[i] && td_losses_load(&losses, &td_os_posix, r->config.log.dir, name) == TD_OK &&
            losses.count > 0) {
            td_loss_text(&losses.items[0], text);
            td_notice(r->notices, TD_LEVEL_ERROR, "sink_lacks", name,
                      "%" PRId64
                      " records went before this sink had them (%s%s): `tapedeck positions reset %s --data %s` "
                      "acknowledges that; a new file gets all that the log holds",
                      td_losses_sum(&losses), text, losses.count > 1 ? ", and more" : "", name, r->config.log.dir);
        }
        r->lacking_told[i] = lacks;
    }
}

/* Which partitions are this process's, when that has changed: so seldom that no such line is left out (notice.h). */
static void tell_sharing(run *r) {
    td_engine_counts c;
    td_engine_count(r->engine, &c);
    bool told_lately = r->moves_told_ns != 0 && r->looked_ns - r->moves_told_ns < MOVES_NS;
    if (!is_apart(r) || c.taken + c.left == r->moves_told || told_lately) return;
    r->moves_told = c.taken + c.left;
    r->moves_told_ns = r->looked_ns;
    td_engine_parts parts;
    td_engine_parts_of(r->engine, &parts);
    td_buf list = {0};
    for (uint32_t p = 0; p < td_crew_size(parts.crew); p++)
        if (td_worker_on_duty(td_crew_worker(parts.crew, p))) td_buf_printf(&list, " %" PRIu32, p);
    td_buf_put(&list, "", 1);
    td_notice(r->notices, TD_LEVEL_INFO, "partitions", NULL,
              "has %" PRId64 " of %" PRIu32 " partitions:%s (rebalances: %" PRId64 ")", c.owned,
              td_crew_size(parts.crew), c.owned > 0 ? (const char *)list.data : " none", c.rebalances);
    td_buf_fini(&list);
}

/* Once a second: what has come to stand still, and that the threads live. */
static void look(run *r) {
    int64_t at_ns = now_ns();
    if (at_ns - r->looked_ns < LOOK_NS) return;
    r->looked_ns = at_ns;
    (void)td_engine_faults(r->engine, report_fault, r);
    td_engine_troubles(r->engine, report_trouble, r);
    tell_lacking(r);
    tell_forgetful(r);
    tell_sharing(r);
    td_pulse_look(&r->pulse, at_ns);
    tell_calendar(r);
    td_notices_turn(r->notices);
}

static void watch(run *r) {
    while (!stop_wanted) {
        look(r);
        if (td_engine_edit(r->engine) != NULL) td_edit_step(td_engine_edit(r->engine));
        td_serving_follow(r->serving);
        if (!r->options.quiet) {
            show_signals(r);
            show_progress(r);
        }
        if (!r->idle_told) r->idle_told = td_engine_tell_idle(r->engine, report, r);
        td_status faults = td_engine_faults(r->engine, ignore_line, NULL);
        if (faults == TD_CONFIG || faults == TD_FENCED) return;
        if (r->options.until_end && td_engine_finished(r->engine)) return;
        (void)usleep(WATCH_US);
    }
}

/* Whoever does not answer is not waited for, nor a step of ingest that hangs. */
static void take_leave(run *r, int64_t until_ns) {
    int64_t patience_ns = now_ns() + LEAVE_NS;
    while (!td_engine_leave(r->engine) && now_ns() < until_ns && now_ns() < patience_ns) (void)usleep(WATCH_US);
}

/* Venues are told; feeds end; what was received is synced and delivered, as far as `drain` allows. True: all of it. */
static bool drain(run *r) {
    int64_t until_ns = now_ns() + r->config.drain_ns;
    atomic_store(&r->draining, true);
    if (stop_wanted) td_notice(r->notices, TD_LEVEL_INFO, "draining", "", "told to end: draining");
    td_service_tell("STOPPING=1\nSTATUS=draining");
    (void)signal(SIGALRM, on_alarm);
    (void)alarm((unsigned)((r->config.drain_ns + TD_NS_PER_S - 1) / TD_NS_PER_S) + DRAIN_MORE_S);
    take_leave(r, until_ns);
    stop_kind(r, TD_STEP_INGEST);
    bool over = false;                                                             /* no input is left */
    if (td_engine_faults(r->engine, ignore_line, NULL) == TD_FENCED) return false; /* what is left is another's */
    do {
        look(r);
        over = over || td_engine_end_input(r->engine) == TD_OK;
        if (over && td_engine_finished(r->engine)) return true;
        (void)usleep(WATCH_US);
    } while (now_ns() < until_ns);
    return false;
}

static void hide_secret(void *arg, const char *secret) { td_notices_hide(arg, secret); }

static void hide_secrets(run *r) {
    td_config_each_secret(&r->config, hide_secret, r->notices);
    for (size_t i = 0; i < r->config.feed_count; i++) {
        const td_texts *secrets = &r->config.feeds[i].conf.secrets;
        for (size_t s = 0; s < secrets->count; s++) td_notices_hide(r->notices, secrets->items[s]);
    }
}

/* A role that finds nothing to do, and an end that this process will not see. */
static td_status check_roles(const run *r) {
    const td_config *c = &r->config;
    if (!is_apart(r)) return TD_OK;
    if (r->options.until_end && c->roles != TD_ROLE_RECORD)
        return TD_FAIL(TD_REJECT, "--until-end: only who records knows the end of the feeds: a process of role record "
                                  "alone, or of all roles");
    if (has_role(r, TD_ROLE_DELIVER) && c->sink_count == 0)
        return TD_FAIL(TD_REJECT, "--role: there is nothing to deliver to: the configuration has no `sinks:`");
    if (has_role(r, TD_ROLE_SERVE) && !c->serve_on)
        return TD_FAIL(TD_REJECT, "--role: there is nothing to serve: the configuration has no `serve:`");
    return TD_OK;
}

static td_status load_config(run *r) {
    const td_run_options *o = &r->options;
    unsigned roles;
    td_status status = td_roles_parse(o->roles, &roles);
    if (status == TD_OK)
        status = td_config_load(&r->config, &td_os_posix, r->file, (const char *const *)o->sets.items, o->sets.count);
    if (status != TD_OK) return status;
    r->config.roles = roles;
    return check_roles(r);
}

/* A registry may start later than we do, or be away for a while. TD_AGAIN: told to end meanwhile. */
static td_status await_registry(run *r, td_registrar *registrar) {
    td_backoff backoff = {0};
    td_status status = TD_AGAIN;
    while ((status == TD_AGAIN || status == TD_RETRY) && !stop_wanted) {
        if (!td_backoff_waiting(&backoff, &td_os_posix)) status = td_registrar_step(registrar);
        if (status == TD_RETRY && !td_backoff_waiting(&backoff, &td_os_posix)) {
            td_backoff_start(&backoff, &td_os_posix);
            if (td_trouble_ask(&backoff.trouble) == TD_TROUBLE_BEGAN) report_trouble(r, "registry", td_trail());
            td_service_tell("STATUS=waiting for the schema registry");
        }
        if (status == TD_AGAIN || status == TD_RETRY) (void)usleep(TD_REGISTERING_IDLE_US);
    }
    td_backoff_end(&backoff);
    if (td_trouble_ask(&backoff.trouble) == TD_TROUBLE_OVER && status == TD_OK) report_trouble(r, "registry", NULL);
    return status == TD_RETRY ? TD_AGAIN : status;
}

/* What log.registry knows; NULL where there is none. Before the log is opened: what it refuses is never written. */
static td_status open_registry(run *r, td_registry **out) {
    td_registrar *registrar;
    *out = NULL;
    td_registrar_aim aim = has_role(r, TD_ROLE_RECORD) ? TD_REGISTRAR_REGISTER : TD_REGISTRAR_LOOK;
    td_status status = td_registering_open(&registrar, &td_os_posix, &r->config.log, aim);
    if (status != TD_OK || registrar == NULL) return status;
    status = await_registry(r, registrar);
    if (status == TD_OK) *out = td_registrar_take(registrar);
    td_registrar_close(registrar);
    return status;
}

/* Processes start in any order: the others wait for the one that records. TD_AGAIN: told to end meanwhile. */
static td_status open_engine(run *r) {
    td_status status = TD_AGAIN;
    for (bool told = false; status == TD_AGAIN && !stop_wanted; told = true) {
        td_registry *registry;
        if (told) (void)usleep(AWAIT_US);
        status = open_registry(r, &registry);
        if (status != TD_OK) return status;
        status = td_engine_open(&r->engine, &td_os_posix, &r->config, registry, report, r);
        if (status != TD_AGAIN || told) continue;
        td_notice(r->notices, TD_LEVEL_INFO, "awaiting", NULL,
                  "the log on %s has not begun (names with \"%s\"): waiting for a process of role record",
                  r->config.log.kafka, r->config.log.prefix);
        td_service_tell("STATUS=waiting for a process of role record");
    }
    return status;
}

static td_status open_run(run *r) {
    const td_run_options *o = &r->options;
    td_status status = load_config(r);
    if (status != TD_OK) return status;
    r->loaded = true;
    speaks_json = o->log == 0 ? r->config.log_format != 0 : o->log == 2;
    td_notices_set_json(r->notices, speaks_json != 0);
    hide_secrets(r);
    if (r->config.speed < 0) r->config.speed = o->until_end ? 0 : 1;
    status = open_engine(r);
    if (status == TD_OK) td_engine_tell_progress(r->engine, show_line, r);
    if (status == TD_OK) tell_forgetful(r);
    td_serving_conf serving = {r->engine, &r->config, r->notices, &r->pulse, &r->draining};
    if (status == TD_OK) status = td_serving_open(&r->serving, &serving);
    r->serve = td_serving_server(r->serving);
    if (status != TD_OK) return status;
    const td_topics *topics = td_engine_topics(r->engine);
    td_topic *signals = topics->outputs[TD_OUTPUT_SIGNALS];
    for (uint32_t p = 0; p < topics->partitions && status == TD_OK; p++)
        status = td_reader_open(&r->signals[p], signals, p, td_topic_end(signals, p), TD_READ_APPENDED);
    return status;
}

static void close_run(run *r, bool clean) {
    for (size_t p = 0; p < TD_PARTITIONS_MAX; p++) td_reader_close(r->signals[p]);
    td_serving_close(r->serving);
    td_engine_close(r->engine, clean);
    td_config_fini(&r->config);
    free(r->threads);
}

/* What there is to catch up with, and what will not end. Before any thread runs. */
static void note_beginning(run *r) {
    td_engine_counts counts;
    td_engine_count(r->engine, &counts);
    r->behind_records = counts.behind_records;
    r->behind_since_ns = r->started_ns;
    const td_topics *topics = td_engine_topics(r->engine);
    for (uint32_t p = 0; p < topics->partitions; p++)
        r->held_records += td_topic_end(topics->tape, p) + td_topic_end(topics->rejected, p);
    for (size_t i = 0; i < r->config.feed_count; i++) {
        const td_config_feed *feed = &r->config.feeds[i];
        bool live = feed->ops->live != NULL;
        if (!td_config_feed_is_endless(feed) || (live && !r->options.until_end)) continue;
        td_notice(r->notices, r->options.until_end ? TD_LEVEL_WARNING : TD_LEVEL_INFO, "endless", feed->conf.name,
                  "this feed never ends by itself%s; Ctrl-C ends the run", live ? "" : " (`ticks: 0`)");
    }
}

static void tell_roles(const run *r) {
    td_buf roles = {0};
    td_roles_put(&roles, r->config.roles);
    td_buf_put(&roles, "", 1);
    td_notice(r->notices, TD_LEVEL_INFO, "roles", NULL, "this process: %s; the log is on %s", (const char *)roles.data,
              r->config.log.kafka);
    td_buf_fini(&roles);
}

static td_status start(run *r) {
    if (is_apart(r)) tell_roles(r);
    if (r->serve != NULL) {
        td_notice(r->notices, TD_LEVEL_INFO, "dashboard", "", "dashboard at %s", td_serve_url(r->serve));
        td_beacon_light(&td_os_posix, r->config.log.dir, td_serve_url(r->serve)); /* who finds it may stop us */
    }
    r->started_ns = r->shown_ns = now_ns();
    note_beginning(r);
    r->pulse.watchdog_ns = td_service_watchdog_ns();
    td_status status = start_threads(r);
    if (status == TD_OK) td_service_tell("READY=1\nSTATUS=running");
    return status;
}

static int run_until_stopped(run *r) {
    td_status status = start(r);
    if (status == TD_OK) watch(r);
    double seconds = (double)(now_ns() - r->started_ns) / 1e9;
    bool drained = status == TD_OK && drain(r);
    stop_threads(r);
    if (status != TD_OK) td_notice(r->notices, TD_LEVEL_ERROR, "failed", NULL, "%s", td_trail());
    if (!r->options.quiet) show_signals(r);
    td_notices_progress(r->notices, "");
    td_status faults = td_engine_faults(r->engine, report_fault, r);
    td_status kept_back = status == TD_OK ? td_engine_finish_sinks(r->engine, report_fault, r) : TD_OK;
    bool finished = drained && td_engine_feeds_ended(r->engine) && kept_back == TD_OK;
    show_summary(r, seconds, finished);
    if (faults == TD_FENCED)
        td_notice(r->notices, TD_LEVEL_ERROR, "fenced", NULL,
                  "another process began the same work on this log and has it now: this one ends");
    if (status != TD_OK || faults != TD_OK) return td_exit_of(status != TD_OK ? status : faults);
    if (kept_back != TD_OK) return td_exit_of(kept_back);
    if (r->options.until_end && !finished) return TD_EXIT_STOPPED;
    if (drained) return TD_EXIT_OK;
    td_notice(r->notices, TD_LEVEL_WARNING, "undrained", "",
              "the sinks did not take everything in time; the next start goes on from where they are");
    return TD_EXIT_UNDRAINED;
}

int td_run(const td_run_options *options, const char *file) {
    (void)signal(SIGINT, on_stop); /* first: to open a log may take its time, and whoever stops us then is heard, too */
    (void)signal(SIGTERM, on_stop);
    (void)signal(SIGPIPE, SIG_IGN);
    run *r = td_alloc_zero(1, sizeof *r);
    r->options = *options;
    r->file = file;
    r->terminal = isatty(STDERR_FILENO) == 1;
    r->notices = td_notices_new(&(td_notices_conf){
        .os = &td_os_posix, .to = stderr, .json = options->log == 2, .terminal = r->terminal, .quiet = options->quiet});
    int code;
    td_status status = open_run(r);
    bool opened = status == TD_OK;
    if (opened) {
        code = run_until_stopped(r);
    } else if (status == TD_AGAIN) {
        code = TD_EXIT_OK; /* nothing had begun */
    } else {
        td_notice(r->notices, TD_LEVEL_ERROR, "failed", NULL, "%s", td_trail());
        code = status == TD_CONFIG && !r->loaded ? TD_EXIT_USAGE : td_exit_of(status);
    }
    close_run(r, opened);
    td_notices_free(r->notices);
    free(r);
    return code;
}
