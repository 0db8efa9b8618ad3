/* src/app/recording.c - feeds, ingest and the program, put together and taken apart. */
#include "app/recording.h"
#include "base/hash.h"
#include "flow/programs.h"
#include <stdio.h>
#include <stdlib.h>

enum { INGEST_BATCH_BYTES = 128 * 1024, KAFKA_BATCH_BYTES = 2 << 20 };

struct td_recording {
    td_recording_conf conf;
    td_draft draft; /* until `edit` has it */
    td_edit *edit;
    td_bytes feed_names[TD_CONFIG_LIST_MAX];
    bool shares_ids[TD_CONFIG_LIST_MAX]; /* by feed, as it says */
    td_instruments *instruments;
    td_merge *merge;
    td_live *live;
    td_ingest *ingest;
};

td_status td_recording_new(td_recording **out, const td_os *os, const td_config *config) {
    td_recording *r = td_alloc_zero(1, sizeof *r);
    td_strategies read;
    td_buf errors = {0};
    r->conf = (td_recording_conf){.os = os, .config = config};
    for (size_t i = 0; i < config->feed_count; i++) r->feed_names[i] = td_text(config->feeds[i].conf.name);
    td_status status = td_strategies_read(&read, os, config);
    if (status == TD_OK) status = td_draft_make(&r->draft, config, &read, &errors);
    td_strategies_fini(&read);
    td_buf_fini(&errors);
    if (status != TD_OK) {
        td_recording_free(r);
        return status;
    }
    *out = r;
    return TD_OK;
}

void td_recording_free(td_recording *r) {
    if (r == NULL) return;
    td_ingest_close(r->ingest);
    td_live_free(r->live);
    td_merge_free(r->merge);
    td_instruments_free(r->instruments);
    td_edit_free(r->edit);
    td_draft_fini(&r->draft);
    free(r);
}

/* ---- program ---- */

/* True when the tape has another program in force. */
static bool is_changed(const td_recording *r, td_bytes body) {
    const td_topics *topics = r->conf.topics;
    uint8_t now[TD_PROGRAM_SHA_BYTES], wanted[TD_PROGRAM_SHA_BYTES];
    int64_t end = td_topic_end(topics->tape, 0);
    if (end == 0 || td_program_at(topics, 0, end, now) != TD_OK) return false;
    td_sha256(body, wanted);
    return memcmp(now, wanted, sizeof now) != 0;
}

static td_draft_conf draft_conf_of(const td_recording *r) {
    return (td_draft_conf){r->conf.config, r->conf.market, r->shares_ids};
}

static td_status begin_program(td_recording *r) {
    int64_t now_ms = r->conf.os->ops->wall_ns(r->conf.os->self) / TD_NS_PER_MS;
    td_draft_conf conf = draft_conf_of(r);
    td_buf body = {0};
    td_draft_put_body(&r->draft, &conf, &body);
    if (is_changed(r, td_buf_bytes(&body)))
        r->conf.report(
            r->conf.report_arg,
            "strategies, bars, hours or feeds have changed: they apply from here on; what is in the log "
            "stays as it was made (name another log.dir, or log.prefix on Kafka, to run history through them)");
    td_status status = td_program_begin(r->conf.topics, td_buf_bytes(&body), now_ms);
    td_buf_fini(&body);
    return status;
}

/* ---- feeds ---- */

static td_status add_feeds(td_recording *r) {
    const td_config *config = r->conf.config;
    for (size_t i = 0; i < config->feed_count; i++) {
        const td_config_feed *feed = &config->feeds[i];
        void *opened;
        td_status status = feed->ops->open(&opened, r->conf.os, &feed->conf, r->instruments);
        if (status == TD_CONFIG) return TD_FAIL(TD_CONFIG, "%s.%s", feed->place, td_trail());
        if (status != TD_OK) return td_trace(status, "opening feed %s", feed->conf.name);
        r->shares_ids[i] = feed->ops->shares_ids != NULL && feed->ops->shares_ids(opened);
        if (feed->ops->live != NULL)
            td_live_add(r->live, (uint32_t)i, feed->ops, opened, &feed->conf);
        else
            td_merge_add(r->merge, (uint32_t)i, feed->ops, opened, &feed->conf);
    }
    return TD_OK;
}

static td_status open_ingest(td_recording *r) {
    const td_config *config = r->conf.config;
    size_t batch_bytes = config->log.kafka != NULL ? KAFKA_BATCH_BYTES : INGEST_BATCH_BYTES;
    if (config->log.batch_bytes > 0) batch_bytes = (size_t)config->log.batch_bytes;
    td_ingest_conf conf = {.os = r->conf.os,
                           .topics = r->conf.topics,
                           .merge = r->merge,
                           .live = r->live,
                           .instruments = r->instruments,
                           .disk = r->conf.disk,
                           .report = r->conf.report,
                           .report_arg = r->conf.report_arg,
                           .feed_names = r->feed_names,
                           .speed = config->speed,
                           .batch_bytes = batch_bytes,
                           .together = config->log.kafka != NULL,
                           .flush_interval_ns = config->log.kafka != NULL ? config->log.commit_interval_ns : 0};
    td_status status = td_ingest_open(&r->ingest, &conf);
    if (status == TD_OK)
        td_copies_follow(td_ingest_copies(r->ingest), r->draft.strategies.graphs, r->draft.strategies.graph_count);
    return status;
}

td_status td_recording_begin(td_recording *r, const td_recording_conf *conf) {
    uint32_t partitions = conf->topics->partitions;
    const td_listings *listings = &conf->market->listings;
    r->conf = *conf;
    r->instruments = td_instruments_new();
    r->merge = td_merge_new(r->instruments, partitions);
    td_merge_set_aliases(r->merge, listings->aliases, listings->alias_count);
    r->live = td_live_new(conf->os, r->instruments, partitions, conf->report, conf->report_arg);
    td_live_set_aliases(r->live, listings->aliases, listings->alias_count);
    td_status status = add_feeds(r);
    if (status == TD_OK) status = open_ingest(r);
    /* Behind it: a resumed feed looks at the tape's last input. */
    if (status == TD_OK) status = begin_program(r);
    if (status != TD_OK) return status;
    td_edit_conf edit = {conf->os, draft_conf_of(r), td_ingest_beginning(r->ingest), conf->report, conf->report_arg};
    r->edit = td_edit_new(&edit, &r->draft);
    return TD_OK;
}

/* ---- what others look at ---- */

td_ingest *td_recording_ingest(td_recording *r) { return r->ingest; }
td_live *td_recording_live(td_recording *r) { return r->live; }
td_edit *td_recording_edit(td_recording *r) { return r->edit; }

bool td_recording_feed(td_recording *r, size_t index, td_serve_feed *out) {
    if (index >= r->conf.config->feed_count) return false;
    const td_ingest_feed_counts *in = &td_ingest_counters(r->ingest)->feeds[index];
    const td_live_counts *live = td_live_counters(r->live, (uint32_t)index);
    td_live_end end;
    *out = (td_serve_feed){.name = r->feed_names[index],
                           .events = td_counted(&in->events),
                           .rejected = td_ingest_rejected(in),
                           .ignored = td_counted(&in->ignored),
                           .live = live != NULL};
    if (live == NULL) return true;
    out->up = td_counted(&live->up) != 0;
    out->sessions = td_counted(&live->sessions);
    out->failures = td_counted(&live->failures);
    out->backfilled = td_counted(&live->backfilled);
    out->lag_records = td_counted(&live->lag_records);
    if (!td_live_last_end(live, &end)) return true;
    out->end_ns = end.at_ns;
    (void)snprintf(out->end, sizeof out->end, "%s", end.why);
    return true;
}

bool td_recording_tell_idle(td_recording *r, td_log_report_fn each, void *arg) {
    if (!td_ingest_ended(r->ingest)) return false;
    td_strategies_tell_idle(&td_edit_draft(r->edit)->strategies, r->instruments, each, arg);
    return true;
}
