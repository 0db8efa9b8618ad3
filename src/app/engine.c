/* src/app/engine.c - putting the program together and taking it apart, in one listed order. */
#include "app/engine.h"
#include "app/cluster.h"
#include "app/edit.h"
#include "base/hash.h"
#include "base/time.h"
#include "flow/programs.h"
#include "log/log_segment.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { INGEST_BATCH_BYTES = 128 * 1024, SNAPSHOT_RECORDS = 1 << 18 };

#define RETAIN_EVERY_NS (10 * TD_NS_PER_S)

struct td_engine {
    const td_os *os;
    const td_config *config;
    td_log *log;
    td_topics topics;
    bool topics_open;
    td_market market;
    td_draft draft; /* until `edit` has it */
    td_edit *edit;
    td_bytes feed_names[TD_CONFIG_LIST_MAX];
    bool shares_ids[TD_CONFIG_LIST_MAX]; /* by feed, as it says */
    td_instruments *instruments;
    td_merge *merge;
    td_live *live;
    td_ingest *ingest;
    td_worker *workers[TD_PARTITIONS_MAX]; /* by partition */
    td_deliver *delivers[TD_CONFIG_LIST_MAX];
    size_t worker_count, deliver_count;
    td_disk disk;
    td_backoff sync_backoff;
    td_fault sync_fault;
    int64_t sync_began_ns; /* of the last round */
    td_engine_sync_counts sync_counts;
    int64_t tape_ends[TD_PARTITIONS_MAX]; /* at open: what lies below is caught up with, not new */
    atomic_bool input_over;
};

/* ---- program ---- */

static td_status load_strategies(td_engine *e) {
    td_strategies read;
    td_buf errors = {0};
    td_status status = td_strategies_read(&read, e->os, e->config);
    if (status == TD_OK) status = td_draft_make(&e->draft, e->config, &read, &errors);
    td_strategies_fini(&read);
    td_buf_fini(&errors);
    return status;
}

/* True when the tape has another program in force. */
static bool is_changed(const td_engine *e, td_bytes body) {
    uint8_t now[TD_PROGRAM_SHA_BYTES], wanted[TD_PROGRAM_SHA_BYTES];
    int64_t end = td_topic_end(e->topics.tape, 0);
    if (end == 0 || td_program_at(&e->topics, 0, end, now) != TD_OK) return false;
    td_sha256(body, wanted);
    return memcmp(now, wanted, sizeof now) != 0;
}

static td_draft_conf draft_conf_of(const td_engine *e) { return (td_draft_conf){e->config, &e->market, e->shares_ids}; }

static td_status begin_program(td_engine *e, int64_t now_ms, td_log_report_fn report, void *arg) {
    td_draft_conf conf = draft_conf_of(e);
    td_buf body = {0};
    td_draft_put_body(&e->draft, &conf, &body);
    if (is_changed(e, td_buf_bytes(&body)))
        report(arg, "strategies, bars, hours or feeds have changed: they apply from here on; what is in the log stays "
                    "as it was made (name another log.dir to run history through them)");
    td_status status = td_program_begin(&e->topics, td_buf_bytes(&body), now_ms);
    td_buf_fini(&body);
    return status;
}

/* ---- parts, in the order of opening ---- */

static td_status open_embedded(td_engine *e, td_log_report_fn report, void *arg) {
    const td_config_log *log = &e->config->log;
    td_log_conf conf = {.dir = log->dir,
                        .segment_bytes = log->segment_bytes,
                        .segment_ms = log->segment_ns / TD_NS_PER_MS,
                        .retain_bytes = log->retain_bytes,
                        .retain_ms = log->retain_ns / TD_NS_PER_MS,
                        .apart = TD_CAPTURE_TOPICS,
                        .apart_bytes = log->raw_retain_bytes,
                        .apart_ms = log->raw_retain_ns / TD_NS_PER_MS,
                        .codec = td_config_codec(log)};
    return td_log_segment_open(&e->log, e->os, &conf, report, arg);
}

static td_status open_log(td_engine *e, td_log_report_fn report, void *arg, int64_t now_ms) {
    const td_config_log *log = &e->config->log;
    td_status status =
        log->kafka == NULL ? open_embedded(e, report, arg) : td_cluster_open(&e->log, e->os, log, report, arg);
    if (status == TD_OK) status = td_topics_open(&e->topics, e->log, (uint32_t)log->partitions, now_ms);
    e->topics_open = status == TD_OK;
    if (status != TD_OK) return status;
    td_disk_init(&e->disk, e->os, &log->disk, e->log, log->dir);
    td_disk_tell(&e->disk, report, arg);
    td_disk_step(&e->disk); /* the reserve is made before anything else takes its room */
    return status;
}

static td_status open_feeds(td_engine *e, td_log_report_fn report, void *arg) {
    e->instruments = td_instruments_new();
    e->merge = td_merge_new(e->instruments, (uint32_t)e->config->log.partitions);
    td_merge_set_aliases(e->merge, e->market.listings.aliases, e->market.listings.alias_count);
    e->live = td_live_new(e->os, e->instruments, (uint32_t)e->config->log.partitions, report, arg);
    td_live_set_aliases(e->live, e->market.listings.aliases, e->market.listings.alias_count);
    for (size_t i = 0; i < e->config->feed_count; i++) {
        const td_config_feed *feed = &e->config->feeds[i];
        void *opened;
        td_status status = feed->ops->open(&opened, e->os, &feed->conf, e->instruments);
        if (status == TD_CONFIG) return TD_FAIL(TD_CONFIG, "%s.%s", feed->place, td_trail());
        if (status != TD_OK) return td_trace(status, "opening feed %s", feed->conf.name);
        e->shares_ids[i] = feed->ops->shares_ids != NULL && feed->ops->shares_ids(opened);
        if (feed->ops->live != NULL)
            td_live_add(e->live, (uint32_t)i, feed->ops, opened, &feed->conf);
        else
            td_merge_add(e->merge, (uint32_t)i, feed->ops, opened, &feed->conf);
    }
    td_ingest_conf conf = {.os = e->os,
                           .topics = &e->topics,
                           .merge = e->merge,
                           .live = e->live,
                           .instruments = e->instruments,
                           .disk = &e->disk,
                           .report = report,
                           .report_arg = arg,
                           .feed_names = e->feed_names,
                           .speed = e->config->speed,
                           .batch_bytes = e->config->log.batch_bytes > 0 ? (size_t)e->config->log.batch_bytes
                                                                         : INGEST_BATCH_BYTES};
    td_status status = td_ingest_open(&e->ingest, &conf);
    if (status == TD_OK)
        td_copies_follow(td_ingest_copies(e->ingest), e->draft.strategies.graphs, e->draft.strategies.graph_count);
    return status;
}

static td_status open_workers(td_engine *e) {
    char dir[512];
    int size = snprintf(dir, sizeof dir, "%s/snapshots", e->config->log.dir);
    if (size < 0 || (size_t)size >= sizeof dir) return TD_FAIL(TD_CONFIG, "log.dir: the path is too long");
    td_status status = TD_OK;
    for (uint32_t p = 0; status == TD_OK && p < e->topics.partitions; p++) { /* whoever had them is fenced */
        e->tape_ends[p] = td_topic_end(e->topics.tape, p);
        td_work_conf conf = {.os = e->os,
                             .topics = &e->topics,
                             .snapshot_dir = dir,
                             .snapshot_records = e->config->log.snapshot_records > 0 ? e->config->log.snapshot_records
                                                                                     : SNAPSHOT_RECORDS,
                             .snapshots_kept = e->config->log.snapshots_kept,
                             .count_from_offset = e->tape_ends[p],
                             .batch_bytes = (size_t)e->config->log.batch_bytes};
        status = td_worker_open(&e->workers[p], &conf, p);
        if (status == TD_OK) e->worker_count++;
    }
    return status;
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

static td_status engine_open(td_engine *e, td_log_report_fn report, void *arg) {
    int64_t now_ms = e->os->ops->wall_ns(e->os->self) / TD_NS_PER_MS;
    for (size_t i = 0; i < e->config->feed_count; i++) e->feed_names[i] = td_text(e->config->feeds[i].conf.name);
    td_status status = TD_OK;
    if (status == TD_OK) status = td_market_load(&e->market, e->os, e->config);
    if (status == TD_OK) status = load_strategies(e);
    if (status == TD_OK) status = open_log(e, report, arg, now_ms);
    /* Before the Program: a resumed feed looks at the tape's last input. */
    if (status == TD_OK) status = open_feeds(e, report, arg);
    if (status == TD_OK) status = begin_program(e, now_ms, report, arg);
    if (status == TD_OK) status = open_workers(e);
    if (status == TD_OK) status = open_sinks(e);
    if (status != TD_OK) return status;
    td_edit_conf conf = {e->os, draft_conf_of(e), td_ingest_beginning(e->ingest), report, arg};
    e->edit = td_edit_new(&conf, &e->draft);
    return TD_OK;
}

td_status td_engine_open(td_engine **out, const td_os *os, const td_config *config, td_log_report_fn report,
                         void *arg) {
    td_engine *e = td_alloc_zero(1, sizeof *e);
    e->os = os;
    e->config = config;
    td_status status = engine_open(e, report, arg);
    if (status != TD_OK) {
        td_engine_close(e, false);
        return status;
    }
    *out = e;
    return TD_OK;
}

void td_engine_tell_progress(td_engine *e, td_log_report_fn progress, void *arg) {
    td_live_tell_progress(e->live, progress, arg);
}

static void finish(td_engine *e) {
    td_status status = td_ingest_flush(e->ingest);
    for (size_t i = 0; i < e->worker_count; i++)
        if (status == TD_OK) status = td_worker_finish(e->workers[i]);
    (void)status; /* what could not be finished is made again at the next start */
}

void td_engine_close(td_engine *e, bool clean) {
    if (e == NULL) return;
    if (clean) td_disk_end(&e->disk);
    if (clean) finish(e);
    for (size_t i = 0; i < e->deliver_count; i++) td_deliver_close(e->delivers[i]);
    for (size_t i = 0; i < e->worker_count; i++) td_worker_close(e->workers[i]);
    td_ingest_close(e->ingest);
    td_live_free(e->live);
    td_merge_free(e->merge);
    td_instruments_free(e->instruments);
    if (e->topics_open) td_topics_close(&e->topics);
    td_log_close(e->log);
    td_disk_fini(&e->disk);
    td_edit_free(e->edit);
    td_draft_fini(&e->draft);
    td_market_fini(&e->market);
    free(e);
}

/* ---- steps ---- */

size_t td_engine_step_count(const td_engine *e) { return 1 + e->worker_count + e->deliver_count + 1; }

td_engine_step_kind td_engine_step_kind_of(const td_engine *e, size_t step) {
    if (step == 0) return TD_STEP_INGEST;
    if (step <= e->worker_count) return TD_STEP_WORK;
    return step <= e->worker_count + e->deliver_count ? TD_STEP_DELIVER : TD_STEP_SYNC;
}

static bool applied(td_engine *e, size_t worker) {
    td_worker *w = e->workers[worker];
    if (td_fault_status(td_worker_fault(w)) != TD_OK) return true;
    return td_worker_level(w) == td_topic_end(e->topics.tape, td_worker_partition(w));
}

static bool all_applied(td_engine *e) {
    if (!td_ingest_ended(e->ingest) && !atomic_load_explicit(&e->input_over, memory_order_acquire)) return false;
    for (size_t i = 0; i < e->worker_count; i++)
        if (!applied(e, i)) return false;
    return true;
}

static bool all_synced(const td_engine *e) {
    const td_topics *t = &e->topics;
    if (td_topic_synced(t->programs, 0) < td_topic_end(t->programs, 0)) return false; /* one waits to begin */
    if (td_topic_synced(t->schemas, 0) < td_topic_end(t->schemas, 0)) return false;   /* who registered it waits */
    for (uint32_t p = 0; p < t->partitions; p++) {
        if (td_topic_synced(t->tape, p) < td_topic_end(t->tape, p)) return false;
        if (td_topic_synced(t->rejected, p) < td_topic_end(t->rejected, p)) return false;
        for (int i = 0; i < TD_OUTPUT_COUNT; i++)
            if (td_topic_synced(t->outputs[i], p) < td_topic_end(t->outputs[i], p)) return false;
    }
    return td_capture_is_synced(td_ingest_capture(e->ingest));
}

/* At most one: none keeps the next round waiting for long. */
static td_status write_snapshot(td_engine *e) {
    td_status status = TD_AGAIN;
    for (size_t i = 0; i < e->worker_count && status == TD_AGAIN; i++) status = td_worker_write_snapshot(e->workers[i]);
    return status;
}

/* A round each interval; the last one, when nothing more can come, at once. */
static int sync_step(td_engine *e) {
    td_disk_step(&e->disk); /* even while syncs fail: they may for want of room */
    if (td_backoff_waiting(&e->sync_backoff, e->os)) return 0;
    if (write_snapshot(e) == TD_RETRY) {
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
    switch (td_engine_step_kind_of(e, step)) {
    case TD_STEP_INGEST:
        return td_ingest_step(e->ingest);
    case TD_STEP_WORK:
        return td_worker_step(e->workers[step - 1]);
    case TD_STEP_DELIVER:
        return td_deliver_step(e->delivers[step - 1 - e->worker_count]);
    case TD_STEP_SYNC:
        break;
    }
    return sync_step(e);
}

bool td_engine_feeds_ended(td_engine *e) { return td_ingest_ended(e->ingest); }

bool td_engine_finished(td_engine *e) {
    if (!all_applied(e)) return false;
    if (!all_synced(e) && td_fault_status(&e->sync_fault) == TD_OK) return false;
    for (size_t i = 0; i < e->deliver_count; i++) {
        td_deliver *d = e->delivers[i];
        if (td_fault_status(td_deliver_fault(d)) != TD_CONFIG && !td_deliver_level(d)) return false;
    }
    return true;
}

bool td_engine_leave(td_engine *e) { return td_ingest_leave(e->ingest); }

td_status td_engine_end_input(td_engine *e) {
    td_status status = td_ingest_flush(e->ingest);
    if (status == TD_OK) atomic_store_explicit(&e->input_over, true, memory_order_release);
    return status;
}

/* ---- what happened ---- */

void td_engine_count(td_engine *e, td_engine_counts *out) {
    td_ingest_counts *in = td_ingest_counters(e->ingest);
    *out = (td_engine_counts){.clock_ns = td_counted(&in->clock_ns),
                              .resuming = td_counted(&in->resuming) != 0 && !td_ingest_ended(e->ingest)};
    for (size_t i = 0; i < e->config->feed_count; i++) {
        const td_ingest_feed_counts *feed = &in->feeds[i];
        int64_t rejected = td_ingest_rejected(feed);
        out->events += td_counted(&feed->events) + rejected;
        out->rejected += rejected;
        out->ignored += td_counted(&feed->ignored);
        out->resumed += td_counted(&feed->resumed);
    }
    out->events += td_counted(&in->commands);
    for (size_t i = 0; i < e->worker_count; i++) {
        td_work_counts *w = td_worker_counters(e->workers[i]);
        out->accepted += td_counted(&w->accepted);
        out->quarantined += td_work_quarantined(w);
        out->late += td_counted(&w->late);
        out->outside += td_counted(&w->outside);
        out->restricted += td_counted(&w->restricted);
        out->unknown_days += td_counted(&w->unknown_days);
        out->duplicates += td_counted(&w->duplicates);
        out->revised += td_counted(&w->revised);
        out->bars += td_counted(&w->outputs[TD_OUTPUT_BARS]);
        out->signals += td_counted(&w->outputs[TD_OUTPUT_SIGNALS]);
        out->diverged += td_counted(&w->diverged);
        out->lost += td_counted(&w->lost);
        out->snapshots += td_counted(&w->snapshots);
        out->forgetful += td_counted(&w->forgetful);
        int64_t next = td_counted(&w->next_offset);
        out->lag_records += td_topic_end(e->topics.tape, td_worker_partition(e->workers[i])) - next;
        if (next < e->tape_ends[i]) out->behind_records += e->tape_ends[i] - next;
    }
    for (size_t i = 0; i < e->deliver_count; i++)
        out->sinks_lack += td_counted(&td_deliver_counters(e->delivers[i])->red);
}

uint32_t td_engine_slowest(td_engine *e) {
    int64_t most = -1;
    uint32_t slowest = 0;
    for (size_t i = 0; i < e->worker_count; i++) {
        uint32_t p = td_worker_partition(e->workers[i]);
        int64_t left = td_topic_end(e->topics.tape, p) - td_counted(&td_worker_counters(e->workers[i])->next_offset);
        if (left <= most) continue;
        most = left;
        slowest = p;
    }
    return slowest;
}

static td_status add_fault(td_status worst, td_fault *fault, td_log_report_fn each, void *arg) {
    td_status status = td_fault_status(fault);
    if (status == TD_OK) return worst;
    each(arg, fault->text);
    return worst == TD_OK || status == TD_CONFIG ? status : worst;
}

td_status td_engine_faults(td_engine *e, td_log_report_fn each, void *arg) {
    td_status worst = add_fault(TD_OK, td_ingest_fault(e->ingest), each, arg);
    worst = add_fault(worst, td_ingest_standing(e->ingest), each, arg);
    worst = add_fault(worst, &e->sync_fault, each, arg);
    for (size_t i = 0; i < e->worker_count; i++) worst = add_fault(worst, td_worker_fault(e->workers[i]), each, arg);
    for (size_t i = 0; i < e->deliver_count; i++) worst = add_fault(worst, td_deliver_fault(e->delivers[i]), each, arg);
    return worst;
}

bool td_engine_feed(td_engine *e, size_t index, td_serve_feed *out) {
    if (index >= e->config->feed_count) return false;
    const td_ingest_feed_counts *in = &td_ingest_counters(e->ingest)->feeds[index];
    const td_live_counts *live = td_live_counters(e->live, (uint32_t)index);
    td_live_end end;
    *out = (td_serve_feed){.name = e->feed_names[index],
                           .events = td_counted(&in->events),
                           .rejected = td_ingest_rejected(in),
                           .ignored = td_counted(&in->ignored),
                           .live = live != NULL};
    if (live == NULL) return true;
    out->up = td_counted(&live->up) != 0;
    out->sessions = td_counted(&live->sessions);
    out->failures = td_counted(&live->failures);
    out->backfilled = td_counted(&live->backfilled);
    if (!td_live_last_end(live, &end)) return true;
    out->end_ns = end.at_ns;
    (void)snprintf(out->end, sizeof out->end, "%s", end.why);
    return true;
}

void td_engine_parts_of(td_engine *e, td_engine_parts *out) {
    *out = (td_engine_parts){.os = e->os,
                             .config = e->config,
                             .topics = &e->topics,
                             .ingest = e->ingest,
                             .live = e->live,
                             .workers = e->workers,
                             .delivers = e->delivers,
                             .worker_count = e->worker_count,
                             .deliver_count = e->deliver_count,
                             .sync = &e->sync_counts,
                             .disk = &e->disk};
}

static void ask_trouble(td_trouble *trouble, const char *part, td_engine_trouble_fn each, void *arg) {
    td_trouble_news news = td_trouble_ask(trouble);
    if (news != TD_TROUBLE_NO_NEWS) each(arg, part, news == TD_TROUBLE_BEGAN ? trouble->text : NULL);
}

void td_engine_troubles(td_engine *e, td_engine_trouble_fn each, void *arg) {
    char part[96];
    ask_trouble(td_ingest_trouble(e->ingest), "ingest", each, arg);
    ask_trouble(&e->sync_backoff.trouble, "sync", each, arg);
    for (size_t i = 0; i < e->worker_count; i++) {
        (void)snprintf(part, sizeof part, "worker of tape-%" PRIu32, td_worker_partition(e->workers[i]));
        ask_trouble(td_worker_trouble(e->workers[i]), part, each, arg);
    }
    for (size_t i = 0; i < e->deliver_count; i++) {
        (void)snprintf(part, sizeof part, "sink %s", e->config->sinks[i].conf.name);
        ask_trouble(td_deliver_trouble(e->delivers[i]), part, each, arg);
    }
}

bool td_engine_tell_idle(td_engine *e, td_log_report_fn each, void *arg) {
    if (!td_ingest_ended(e->ingest)) return false;
    td_strategies_tell_idle(&td_edit_draft(e->edit)->strategies, e->instruments, each, arg);
    return true;
}

td_edit *td_engine_edit(td_engine *e) { return e->edit; }
const td_topics *td_engine_topics(const td_engine *e) { return &e->topics; }

const td_listings *td_engine_listings(const td_engine *e) { return &e->market.listings; }

const int64_t *td_engine_widths(const td_engine *e, size_t *out_count) {
    const td_draft *draft = td_edit_draft(e->edit);
    *out_count = draft->width_count;
    return draft->widths_ns;
}
