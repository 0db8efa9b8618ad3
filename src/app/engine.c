/* src/app/engine.c - putting the program together and taking it apart, in one listed order. */
#include "app/engine.h"
#include "app/data.h"
#include "app/recording.h"
#include "app/registering.h"
#include "app/role.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A commit on Kafka takes as long as thousands of results do. */
enum { KAFKA_FLUSH_BYTES = 1 << 20 };
enum { SNAPSHOT_RECORDS = 1 << 18, STEPS_MAX = TD_CREW_PARTITIONS_MAX + TD_CONFIG_LIST_MAX + 3 };

#define RETAIN_EVERY_NS (10 * TD_NS_PER_S)
/* Of the workers that share partitions; the log's prefix is before it. */
#define GROUP "work"

typedef struct engine_step {
    td_engine_step_kind kind;
    uint32_t index; /* of the partition, of the sink */
} engine_step;

struct td_engine {
    const td_os *os;
    const td_config *config;
    td_log *log;
    td_registry *registry; /* of log.registry, until the topics take it over; NULL: none */
    td_registrar_conf registrar;
    td_topics topics;
    bool topics_open;
    td_market market;
    td_recording *recording; /* these three: NULL and none without their role */
    td_crew *crew;
    td_deliver *delivers[TD_CONFIG_LIST_MAX];
    size_t deliver_count;
    engine_step steps[STEPS_MAX];
    size_t step_count;
    char snapshots[512];
    td_disk disk;
    td_backoff sync_backoff;
    td_fault sync_fault;
    int64_t sync_began_ns; /* of the last round */
    td_engine_sync_counts sync_counts;
    atomic_bool input_over;
};

static bool has_role(const td_engine *e, td_role role) { return (e->config->roles & role) != 0; }

/* ---- parts, in the order of opening ---- */

/* Who records makes them. The others wait until a program has begun. */
static td_status open_topics(td_engine *e, int64_t now_ms) {
    td_topics_conf conf = {
        .log = e->log, .partitions = (uint32_t)e->config->log.partitions, .registry = e->registry, .now_ms = now_ms};
    uint32_t published = td_config_published(&e->config->log);
    bool makes = has_role(e, TD_ROLE_RECORD);
    e->registry = NULL;
    td_status status = makes ? td_topics_open_as(&e->topics, &conf) : td_topics_open_made(&e->topics, &conf);
    if (status != TD_OK) return status;
    status = makes ? td_topics_publish(&e->topics, published) : td_topics_publish_made(&e->topics, published);
    if (status == TD_OK && (makes || td_topic_end(e->topics.tape, 0) > 0)) return TD_OK;
    td_topics_close(&e->topics);
    return status == TD_OK ? TD_AGAIN : status;
}

static td_status open_log(td_engine *e, td_log_report_fn report, void *arg, int64_t now_ms) {
    const td_config_log *log = &e->config->log;
    td_status status = td_data_open_log_to_write(&e->log, e->os, log, report, arg);
    if (status == TD_OK) status = open_topics(e, now_ms);
    e->topics_open = status == TD_OK;
    if (status != TD_OK) return status;
    td_disk_init(&e->disk, e->os, &log->disk, e->log, log->dir);
    td_disk_tell(&e->disk, report, arg);
    td_disk_step(&e->disk); /* the reserve is made before anything else takes its room */
    return status;
}

_Static_assert((int)TD_CREW_PARTITIONS_MAX >= (int)TD_PARTITIONS_MAX, "a crew has room for what is configured");

/* All roles in one process have all partitions. */
static td_status open_crew(td_engine *e) {
    const td_config_log *log = &e->config->log;
    int size = snprintf(e->snapshots, sizeof e->snapshots, "%s/snapshots", log->dir);
    if (size < 0 || (size_t)size >= sizeof e->snapshots) return TD_FAIL(TD_CONFIG, "log.dir: the path is too long");
    int64_t records = log->snapshot_records > 0 ? log->snapshot_records : SNAPSHOT_RECORDS;
    td_crew_conf conf = {.group = e->config->roles == TD_ROLES_ALL ? NULL : GROUP,
                         .work = {.os = e->os,
                                  .topics = &e->topics,
                                  .snapshot_dir = e->snapshots,
                                  .snapshot_records = records,
                                  .snapshots_kept = log->snapshots_kept,
                                  .registry = log->registry != NULL ? &e->registrar : NULL,
                                  .batch_bytes = (size_t)log->batch_bytes,
                                  .flush_bytes = log->kafka != NULL ? KAFKA_FLUSH_BYTES : 0,
                                  .commit_interval_ns = log->kafka != NULL ? log->commit_interval_ns : 0}};
    e->registrar = td_registering_conf(e->os, log);
    return td_crew_open(&e->crew, &conf);
}

static td_status open_sinks(td_engine *e) {
    for (size_t i = 0; i < e->config->sink_count; i++) {
        const td_config_sink *sink = &e->config->sinks[i];
        td_deliver_conf conf = {
            .os = e->os, .topics = &e->topics, .ops = sink->ops, .sink_conf = &sink->conf, .dir = e->config->log.dir};
        td_status status = td_deliver_open(&e->delivers[i], &conf);
        if (status == TD_CONFIG) return TD_FAIL(TD_CONFIG, "%s: %s", sink->place, td_trail());
        if (status != TD_OK) return status;
        e->deliver_count++;
    }
    return TD_OK;
}

static void add_step(td_engine *e, td_engine_step_kind kind, uint32_t index) {
    e->steps[e->step_count++] = (engine_step){kind, index};
}

static void list_steps(td_engine *e) {
    if (e->recording != NULL) add_step(e, TD_STEP_INGEST, 0);
    for (uint32_t p = 0; p < td_crew_size(e->crew); p++) add_step(e, TD_STEP_WORK, p);
    if (e->crew != NULL && e->config->roles != TD_ROLES_ALL) add_step(e, TD_STEP_SHARE, 0);
    for (uint32_t i = 0; i < e->deliver_count; i++) add_step(e, TD_STEP_DELIVER, i);
    add_step(e, TD_STEP_SYNC, 0);
}

/* The embedded log's folder is one process's. */
static td_status check_roles(const td_engine *e) {
    if (e->config->roles == TD_ROLES_ALL || e->config->log.kafka != NULL) return TD_OK;
    return TD_FAIL(
        TD_CONFIG,
        "--role: the log in the folder %s is one process's, which has all roles; roles apart need a log that "
        "processes share: set log.kafka",
        e->config->log.dir);
}

static td_status engine_open(td_engine *e, td_log_report_fn report, void *arg) {
    int64_t now_ms = e->os->ops->wall_ns(e->os->self) / TD_NS_PER_MS;
    td_recording_conf recording = {e->os, e->config, &e->market, &e->topics, &e->disk, report, arg};
    td_status status = check_roles(e);
    if (status == TD_OK) status = td_market_load(&e->market, e->os, e->config);
    if (status == TD_OK && has_role(e, TD_ROLE_RECORD)) status = td_recording_new(&e->recording, e->os, e->config);
    if (status == TD_OK) status = open_log(e, report, arg, now_ms);
    if (status == TD_OK && e->recording != NULL) status = td_recording_begin(e->recording, &recording);
    if (status == TD_OK && has_role(e, TD_ROLE_PROCESS)) status = open_crew(e);
    if (status == TD_OK && has_role(e, TD_ROLE_DELIVER)) status = open_sinks(e);
    if (status == TD_OK) list_steps(e);
    return status;
}

td_status td_engine_open(td_engine **out, const td_os *os, const td_config *config, td_registry *registry,
                         td_log_report_fn report, void *arg) {
    td_engine *e = td_alloc_zero(1, sizeof *e);
    e->os = os;
    e->config = config;
    e->registry = registry;
    td_status status = engine_open(e, report, arg);
    if (status != TD_OK) {
        td_engine_close(e, false);
        return status;
    }
    *out = e;
    return TD_OK;
}

void td_engine_tell_progress(td_engine *e, td_log_report_fn progress, void *arg) {
    if (e->recording != NULL) td_live_tell_progress(td_recording_live(e->recording), progress, arg);
}

/* What could not be finished is made again at the next start, or by whoever has the partition then. */
static void finish(td_engine *e) {
    td_status status = e->recording != NULL ? td_ingest_flush(td_recording_ingest(e->recording)) : TD_OK;
    if (status == TD_OK && e->crew != NULL) (void)!td_crew_finish(e->crew);
}

void td_engine_close(td_engine *e, bool clean) {
    if (e == NULL) return;
    if (clean) td_disk_end(&e->disk);
    if (clean) finish(e);
    for (size_t i = 0; i < e->deliver_count; i++) td_deliver_close(e->delivers[i]);
    td_crew_close(e->crew);
    td_recording_free(e->recording);
    if (e->topics_open) td_topics_close(&e->topics);
    td_registry_free(e->registry);
    td_log_close(e->log);
    td_disk_fini(&e->disk);
    td_market_fini(&e->market);
    free(e);
}

/* ---- steps ---- */

size_t td_engine_step_count(const td_engine *e) { return e->step_count; }
td_engine_step_kind td_engine_step_kind_of(const td_engine *e, size_t step) { return e->steps[step].kind; }

uint32_t td_engine_thread_of(const td_engine *e, size_t step, uint32_t threads) {
    return td_crew_thread(e->crew, e->steps[step].index, threads);
}

/* What other processes put into the log has no end that this one could know of: it ends when it is told to. */
static bool is_input_over(const td_engine *e) {
    bool over = atomic_load_explicit(&e->input_over, memory_order_acquire);
    return over || (e->recording != NULL && td_ingest_ended(td_recording_ingest(e->recording)));
}

static bool all_applied(td_engine *e) { return is_input_over(e) && (e->crew == NULL || td_crew_level(e->crew)); }

static bool all_synced(const td_engine *e) {
    const td_topics *t = &e->topics;
    if (td_topic_synced(t->programs, 0) < td_topic_end(t->programs, 0)) return false; /* one waits to begin */
    bool keeps = t->schemas != NULL;
    if (keeps && td_topic_synced(t->schemas, 0) < td_topic_end(t->schemas, 0)) return false; /* somebody waits */
    for (uint32_t p = 0; p < t->partitions; p++) {
        if (td_topic_synced(t->tape, p) < td_topic_end(t->tape, p)) return false;
        if (td_topic_synced(t->rejected, p) < td_topic_end(t->rejected, p)) return false;
        for (int i = 0; i < TD_OUTPUT_COUNT; i++)
            if (t->outputs[i] != NULL && td_topic_synced(t->outputs[i], p) < td_topic_end(t->outputs[i], p))
                return false;
    }
    return e->recording == NULL || td_capture_is_synced(td_ingest_capture(td_recording_ingest(e->recording)));
}

/* A round each interval; the last one, when nothing more can come, at once. */
static int sync_step(td_engine *e) {
    td_disk_step(&e->disk); /* even while syncs fail: they may for want of room */
    if (td_backoff_waiting(&e->sync_backoff, e->os)) return 0;
    td_status written = e->crew != NULL ? td_crew_write_snapshot(e->crew) : TD_OK;
    if (written == TD_RETRY || written == TD_CONFIG) { /* on Kafka: it may be refused to us */
        td_backoff_start(&e->sync_backoff, e->os);
        return 0;
    }
    int64_t now_ns = e->os->ops->mono_ns(e->os->self);
    bool last = all_applied(e);
    td_engine_sync_counts *counts = &e->sync_counts;
    bool idle = all_synced(e);
    if (idle) td_count(&counts->level_ns, now_ns - td_counted(&counts->level_ns));
    if (now_ns - e->sync_began_ns < (idle ? RETAIN_EVERY_NS : last ? 0 : e->config->log.sync_interval_ns)) return 0;
    e->sync_began_ns = now_ns;
    td_status status = td_log_sync(e->log); /* idle, it only lets go of what has become too old */
    if (!idle) td_histogram_add(&counts->rounds, e->os->ops->mono_ns(e->os->self) - now_ns);
    if (status == TD_OK) {
        td_count(&counts->level_ns, now_ns - td_counted(&counts->level_ns));
        td_backoff_reset(&e->sync_backoff);
        return idle ? 0 : 1;
    }
    td_count(&counts->failures, 1);
    td_backoff_start(&e->sync_backoff, e->os);
    if (status != TD_RETRY) td_fault_set(&e->sync_fault, status);
    return 0;
}

int td_engine_step(td_engine *e, size_t step) {
    uint32_t index = e->steps[step].index;
    switch (e->steps[step].kind) {
    case TD_STEP_INGEST:
        return td_ingest_step(td_recording_ingest(e->recording));
    case TD_STEP_SHARE:
        return td_crew_share(e->crew);
    case TD_STEP_WORK:
        return td_crew_step(e->crew, index);
    case TD_STEP_DELIVER:
        return td_deliver_step(e->delivers[index]);
    case TD_STEP_SYNC:
        break;
    }
    return sync_step(e);
}

bool td_engine_feeds_ended(td_engine *e) {
    return e->recording == NULL || td_ingest_ended(td_recording_ingest(e->recording));
}

bool td_engine_finished(td_engine *e) {
    if (e->recording == NULL) return is_input_over(e);
    if (!all_applied(e)) return false;
    if (!all_synced(e) && td_fault_status(&e->sync_fault) == TD_OK) return false;
    for (size_t i = 0; i < e->deliver_count; i++) {
        td_deliver *d = e->delivers[i];
        if (td_fault_status(td_deliver_fault(d)) != TD_CONFIG && !td_deliver_level(d)) return false;
    }
    return true;
}

td_status td_engine_finish_sinks(td_engine *e, td_log_report_fn each, void *arg) {
    td_status worst = TD_OK;
    for (size_t i = 0; i < e->deliver_count; i++) {
        td_status status = td_deliver_finish(e->delivers[i]);
        if (status == TD_OK) continue;
        each(arg, td_trail());
        worst = status;
    }
    return worst;
}

bool td_engine_leave(td_engine *e) {
    return e->recording == NULL || td_ingest_leave(td_recording_ingest(e->recording));
}

td_status td_engine_end_input(td_engine *e) {
    td_status status = e->recording != NULL ? td_ingest_flush(td_recording_ingest(e->recording)) : TD_OK;
    if (status == TD_OK) atomic_store_explicit(&e->input_over, true, memory_order_release);
    return status;
}

/* ---- what happened ---- */

static void count_recorded(td_engine *e, td_engine_counts *out) {
    td_ingest *ingest = td_recording_ingest(e->recording);
    td_ingest_counts *in = td_ingest_counters(ingest);
    out->clock_ns = td_counted(&in->clock_ns);
    out->resuming = td_counted(&in->resuming) != 0 && !td_ingest_ended(ingest);
    for (size_t i = 0; i < e->config->feed_count; i++) {
        const td_ingest_feed_counts *feed = &in->feeds[i];
        int64_t rejected = td_ingest_rejected(feed);
        out->events += td_counted(&feed->events) + rejected;
        out->rejected += rejected;
        out->ignored += td_counted(&feed->ignored);
        out->resumed += td_counted(&feed->resumed);
    }
    out->events += td_counted(&in->commands);
}

static int64_t left_of(const td_engine *e, uint32_t partition) {
    td_worker *w = td_crew_worker(e->crew, partition);
    if (!td_worker_on_duty(w)) return 0;
    return td_topic_end(e->topics.tape, partition) - td_counted(&td_worker_counters(w)->next_offset);
}

static void count_processed(td_engine *e, td_engine_counts *out) {
    td_crew_counts *crew = td_crew_counters(e->crew);
    out->owned = td_crew_owned(e->crew);
    out->rebalances = td_counted(&crew->rebalances);
    for (uint32_t p = 0; p < td_crew_size(e->crew); p++) {
        td_work_counts *w = td_worker_counters(td_crew_worker(e->crew, p));
        out->accepted += td_counted(&w->accepted);
        out->quarantined += td_work_quarantined(w);
        out->late += td_counted(&w->late);
        out->outside += td_counted(&w->outside);
        out->restricted += td_counted(&w->restricted);
        out->unknown_days += td_counted(&w->unknown_days);
        out->duplicates += td_counted(&w->duplicates);
        out->rejected += td_counted(&w->foreign);
        out->events += td_counted(&w->foreign);
        out->revised += td_counted(&w->revised);
        out->bars += td_counted(&w->outputs[TD_OUTPUT_BARS]);
        out->signals += td_counted(&w->outputs[TD_OUTPUT_SIGNALS]);
        out->diverged += td_counted(&w->diverged);
        out->lost += td_counted(&w->lost);
        out->snapshots += td_counted(&w->snapshots);
        out->forgetful += td_counted(&w->forgetful);
        out->commits += td_counted(&w->commits);
        out->aborts += td_counted(&w->aborts);
        out->taken += td_counted(&w->takes);
        out->left += td_counted(&w->leaves);
        out->fenced += td_counted(&w->fences);
        out->lag_records += left_of(e, p);
        if (td_worker_on_duty(td_crew_worker(e->crew, p)))
            out->behind_records += td_most(0, td_counted(&w->taken_at) - td_counted(&w->next_offset));
    }
}

void td_engine_count(td_engine *e, td_engine_counts *out) {
    *out = (td_engine_counts){0};
    if (e->crew != NULL) count_processed(e, out);
    if (e->recording != NULL)
        count_recorded(e, out);
    else
        out->events = out->accepted + out->quarantined + out->duplicates + out->rejected;
    for (size_t i = 0; i < e->deliver_count; i++) {
        out->rows += td_counted(&td_deliver_counters(e->delivers[i])->rows);
        out->sinks_lack += td_counted(&td_deliver_counters(e->delivers[i])->red);
    }
}

uint32_t td_engine_slowest(td_engine *e) {
    int64_t most = -1;
    uint32_t slowest = 0;
    for (uint32_t p = 0; p < td_crew_size(e->crew); p++) {
        if (left_of(e, p) <= most) continue;
        most = left_of(e, p);
        slowest = p;
    }
    return slowest;
}

static td_status add_fault(td_status worst, td_fault *fault, td_log_report_fn each, void *arg) {
    td_status status = td_fault_status(fault);
    if (status == TD_OK) return worst;
    each(arg, fault->text);
    bool ends = status == TD_CONFIG || (status == TD_FENCED && worst != TD_CONFIG); /* the run */
    return worst == TD_OK || ends ? status : worst;
}

td_status td_engine_faults(td_engine *e, td_log_report_fn each, void *arg) {
    td_status worst = add_fault(TD_OK, &e->sync_fault, each, arg);
    if (e->recording != NULL) {
        td_ingest *ingest = td_recording_ingest(e->recording);
        worst = add_fault(worst, td_ingest_fault(ingest), each, arg);
        worst = add_fault(worst, td_ingest_standing(ingest), each, arg);
    }
    if (e->crew != NULL) worst = add_fault(worst, td_crew_fault(e->crew), each, arg);
    for (uint32_t p = 0; p < td_crew_size(e->crew); p++)
        worst = add_fault(worst, td_worker_fault(td_crew_worker(e->crew, p)), each, arg);
    for (size_t i = 0; i < e->deliver_count; i++) worst = add_fault(worst, td_deliver_fault(e->delivers[i]), each, arg);
    return worst;
}

bool td_engine_feed(td_engine *e, size_t index, td_serve_feed *out) {
    return e->recording != NULL && td_recording_feed(e->recording, index, out);
}

void td_engine_parts_of(td_engine *e, td_engine_parts *out) {
    *out = (td_engine_parts){.os = e->os,
                             .config = e->config,
                             .topics = &e->topics,
                             .crew = e->crew,
                             .delivers = e->delivers,
                             .deliver_count = e->deliver_count,
                             .sync = &e->sync_counts,
                             .disk = &e->disk};
    if (e->recording == NULL) return;
    out->feed_count = e->config->feed_count;
    out->ingest = td_recording_ingest(e->recording);
    out->live = td_recording_live(e->recording);
}

static void ask_trouble(td_trouble *trouble, const char *part, td_engine_trouble_fn each, void *arg) {
    td_trouble_news news = td_trouble_ask(trouble);
    if (news != TD_TROUBLE_NO_NEWS) each(arg, part, news == TD_TROUBLE_BEGAN ? trouble->text : NULL);
}

void td_engine_troubles(td_engine *e, td_engine_trouble_fn each, void *arg) {
    char part[96];
    if (e->recording != NULL) ask_trouble(td_ingest_trouble(td_recording_ingest(e->recording)), "ingest", each, arg);
    if (e->crew != NULL) ask_trouble(td_crew_trouble(e->crew), "group", each, arg);
    ask_trouble(&e->sync_backoff.trouble, "sync", each, arg);
    for (uint32_t p = 0; p < td_crew_size(e->crew); p++) {
        (void)snprintf(part, sizeof part, "worker of tape-%" PRIu32, p);
        ask_trouble(td_worker_trouble(td_crew_worker(e->crew, p)), part, each, arg);
    }
    for (size_t i = 0; i < e->deliver_count; i++) {
        (void)snprintf(part, sizeof part, "sink %s", e->config->sinks[i].conf.name);
        ask_trouble(td_deliver_trouble(e->delivers[i]), part, each, arg);
        (void)snprintf(part, sizeof part, "sink %s, which is hindered", e->config->sinks[i].conf.name);
        ask_trouble(td_deliver_hindrance(e->delivers[i]), part, each, arg);
    }
}

bool td_engine_tell_idle(td_engine *e, td_log_report_fn each, void *arg) {
    return e->recording == NULL || td_recording_tell_idle(e->recording, each, arg);
}

td_edit *td_engine_edit(td_engine *e) { return e->recording != NULL ? td_recording_edit(e->recording) : NULL; }
const td_topics *td_engine_topics(const td_engine *e) { return &e->topics; }
const td_listings *td_engine_listings(const td_engine *e) { return &e->market.listings; }

const int64_t *td_engine_widths(const td_engine *e, size_t *out_count) {
    const td_draft *draft = td_edit_draft(td_recording_edit(e->recording));
    *out_count = draft->width_count;
    return draft->widths_ns;
}
