/* src/app/situation.c - two looks half a second apart give rates; the tape's end tells of its feeds. */
#include "app/situation.h"
#include "app/ask.h"
#include "app/scrape.h"
#include "base/json.h"
#include "base/time.h"
#include "feed/venue.h"
#include "flow/losses.h"
#include "schema/registry.h"
#include "serve/gap_table.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BETWEEN_US = 500 * 1000, TAIL_BYTES = 256 * 1024, GAPS_BYTES = 32 << 20, DISK_FULL_PERCENT = 90 };

static void warn(void *self, const char *text) {
    td_situation *s = self;
    td_buf_put(&s->warnings, text, strlen(text) + 1);
}

static td_situation_feed *feed_of(td_situation *s, td_bytes name) {
    for (size_t i = 0; i < s->feed_count; i++)
        if (td_bytes_equal(td_text(s->feeds[i].name), name)) return &s->feeds[i];
    if (s->feed_count == TD_SITUATION_MAX || name.size >= TD_NAME_MAX) return NULL;
    td_situation_feed *feed = &s->feeds[s->feed_count++];
    *feed = (td_situation_feed){
        .session = "", .events = -1, .rate_s = -1, .lag_records = -1, .sessions = -1, .failures = -1, .backfilled = -1};
    (void)snprintf(feed->name, sizeof feed->name, "%.*s", (int)name.size, (const char *)name.data);
    return feed;
}

/* ---- the process ---- */

static void add_reasons(td_situation *s, const td_buf *ready) {
    td_json json;
    td_json_init(&json, td_buf_bytes(ready));
    for (td_json_type type; (type = td_json_next(&json)) != TD_JSON_END && type != TD_JSON_ERROR;) {
        if (type != TD_JSON_KEY || !td_bytes_equal(json.text, TD_TEXT("code"))) continue;
        if (td_json_next(&json) != TD_JSON_STRING) return;
        char text[TD_NAME_MAX];
        (void)snprintf(text, sizeof text, "not ready: %.*s", (int)json.text.size, (const char *)json.text.data);
        warn(s, text);
    }
}

/* Of those that have sessions. */
static void add_sessions(td_situation *s, const char *now) {
    char value[TD_LABEL_MAX], label[TD_LABEL_MAX + 16];
    for (size_t i = 0; td_scrape_label(now, "tapedeck_sessions_total", "feed", i, value); i++) {
        td_situation_feed *feed = feed_of(s, td_text(value));
        if (feed == NULL) continue;
        (void)snprintf(label, sizeof label, "feed=\"%s\"", value);
        feed->sessions = td_scrape_sum(now, "tapedeck_sessions_total", label);
        feed->failures = td_scrape_sum(now, "tapedeck_session_failures_total", label);
        feed->backfilled = td_scrape_sum(now, "tapedeck_backfilled_total", label);
    }
}

/* Of those that read topics of others. */
static void add_lags(td_situation *s, const char *now) {
    char value[TD_LABEL_MAX], label[TD_LABEL_MAX + 16];
    for (size_t i = 0; td_scrape_label(now, "tapedeck_feed_lag_records", "feed", i, value); i++) {
        td_situation_feed *feed = feed_of(s, td_text(value));
        (void)snprintf(label, sizeof label, "feed=\"%s\"", value);
        if (feed != NULL) feed->lag_records = td_scrape_sum(now, "tapedeck_feed_lag_records", label);
    }
}

static void read_text(td_json *json, char *out, size_t capacity) {
    size_t size = td_json_next(json) == TD_JSON_STRING ? td_json_unescape(json->text, out, capacity - 1) : SIZE_MAX;
    out[size != SIZE_MAX ? size : 0] = '\0';
}

static void read_end(td_situation_feed *feed, td_bytes run) {
    td_json json;
    td_json_init(&json, run);
    (void)td_json_next(&json); /* the brace */
    while (td_json_next(&json) == TD_JSON_KEY) {
        if (td_bytes_equal(json.text, TD_TEXT("end_time")))
            read_text(&json, feed->end_time, sizeof feed->end_time);
        else if (td_bytes_equal(json.text, TD_TEXT("end_reason")))
            read_text(&json, feed->end_reason, sizeof feed->end_reason);
        else
            (void)td_json_skip(&json);
    }
}

/* Why sessions ended: {"feeds":[{"name":…,"run":{…,"end_time":…,"end_reason":…}},…],…}. */
static void add_ends(td_situation *s, td_bytes status) {
    static const td_bytes outer[] = {TD_KEY("feeds")}, inner[] = {TD_KEY("name"), TD_KEY("run")};
    td_field list[1] = {0};
    td_json json;
    if (!td_message_read(status, outer, list, 1) || list[0].type != TD_JSON_ARRAY) return;
    td_json_init(&json, list[0].text);
    (void)td_json_next(&json); /* the bracket */
    while (td_json_next(&json) == TD_JSON_OBJECT) {
        td_field f[2] = {0};
        if (!td_fields_read(&json, inner, f, 2)) return;
        td_situation_feed *feed = feed_of(s, f[0].text);
        if (feed != NULL && f[1].type == TD_JSON_OBJECT) read_end(feed, f[1].text);
    }
}

static void add_live_feeds(td_situation *s, const char *before, const char *now, double seconds) {
    static const char name[] = "tapedeck_events_total";
    char value[TD_LABEL_MAX], label[TD_LABEL_MAX + 16];
    for (size_t i = 0; td_scrape_label(now, name, "feed", i, value); i++) {
        td_situation_feed *feed = feed_of(s, td_text(value));
        if (feed == NULL) continue;
        (void)snprintf(label, sizeof label, "feed=\"%s\"", value);
        feed->events = td_scrape_sum(now, name, label);
        feed->rate_s = (feed->events - td_scrape_sum(before, name, label)) / seconds;
    }
}

static void add_live_sinks(td_situation *s, const char *now) {
    char value[TD_LABEL_MAX], label[TD_LABEL_MAX + 32];
    while (s->sink_count < TD_SITUATION_MAX &&
           td_scrape_label(now, "tapedeck_sink_rows_total", "sink", s->sink_count, value)) {
        td_situation_sink *sink = &s->sinks[s->sink_count++];
        (void)snprintf(sink->name, sizeof sink->name, "%s", value);
        (void)snprintf(label, sizeof label, "sink=\"%s\"", value);
        sink->rows = td_scrape_sum(now, "tapedeck_sink_rows_total", label);
        sink->retries = td_scrape_sum(now, "tapedeck_sink_retries_total", label);
        sink->lacks = td_scrape_sum(now, "tapedeck_sink_lacks_records", label);
        sink->hindered = td_scrape_sum(now, "tapedeck_sink_hindered", label);
        (void)snprintf(label, sizeof label, "reader=\"sink:%s\"", value);
        sink->lag_records = td_scrape_sum(now, "tapedeck_reader_lag_records", label);
    }
}

/* What came from feeds, and what was released: together they are what the counts of verdicts add up to. */
static double events_in(const char *text) {
    return td_scrape_sum(text, "tapedeck_events_total", "") + td_scrape_sum(text, "tapedeck_released_total", "");
}

static void add_live(td_situation *s, const char *before, const char *now, double seconds) {
    s->answers = true;
    s->events = events_in(now);
    s->rate_s = (s->events - events_in(before)) / seconds;
    s->accepted = td_scrape_sum(now, "tapedeck_accepted_total", "");
    s->quarantined = td_scrape_sum(now, "tapedeck_quarantined_total", "");
    s->duplicates = td_scrape_sum(now, "tapedeck_duplicates_total", "");
    s->rejected = td_scrape_sum(now, "tapedeck_rejected_total", "");
    s->late = td_scrape_sum(now, "tapedeck_late_total", "");
    s->outside = td_scrape_sum(now, "tapedeck_outside_total", "");
    if (td_scrape_sum(now, "tapedeck_unknown_days_total", "") > 0)
        warn(s, "trades of days beyond the years of their calendar: name a newer one by `instruments:`");
    s->lag_records = td_scrape_sum(now, "tapedeck_reader_lag_records", "reader=\"worker\"");
    s->owned = td_scrape_sum(now, "tapedeck_partitions_owned", "");
    s->rebalances = td_scrape_sum(now, "tapedeck_group_rebalances_total", "");
    s->fenced = td_scrape_sum(now, "tapedeck_partitions_fenced_total", "");
    s->committed = td_scrape_sum(now, "tapedeck_transactions_total", "outcome=\"committed\"");
    s->aborted = td_scrape_sum(now, "tapedeck_transactions_total", "outcome=\"aborted\"");
    s->disk_size = td_scrape_sum(now, "tapedeck_disk_size_bytes", "");
    s->disk_free = td_scrape_sum(now, "tapedeck_disk_free_bytes", "");
    double faults = td_scrape_sum(now, "tapedeck_faults", "");
    s->damaged = s->damaged || faults > 0;
    add_live_feeds(s, before, now, seconds);
    add_sessions(s, now);
    add_lags(s, now);
    add_live_sinks(s, now);
}

static td_status ask_process(td_situation *s, const td_os *os) {
    td_buf before = {0}, now = {0}, ready = {0}, board = {0};
    td_status status = td_ask(s->url, "/metrics", &before);
    int64_t from_ns = os->ops->mono_ns(os->self);
    if (status == TD_OK) (void)usleep(BETWEEN_US);
    if (status == TD_OK) status = td_ask(s->url, "/metrics", &now);
    double seconds = (double)(os->ops->mono_ns(os->self) - from_ns) / (double)TD_NS_PER_S;
    if (status == TD_OK) status = td_ask(s->url, "/readyz", &ready);
    if (status == TD_OK) status = td_ask(s->url, "/api/v1/status", &board);
    if (status == TD_OK) {
        td_buf_put(&before, "", 1); /* the texts end with NUL */
        td_buf_put(&now, "", 1);
        add_live(s, (const char *)before.data, (const char *)now.data, seconds);
        add_reasons(s, &ready);
        add_ends(s, td_buf_bytes(&board));
    }
    td_buf_fini(&board);
    td_buf_fini(&ready);
    td_buf_fini(&now);
    td_buf_fini(&before);
    return status;
}

/* ---- the log ---- */

typedef struct log_look {
    td_situation *situation;
    td_topic *tape, *schemas, *gaps;
} log_look;

static void note_topic(void *self, td_topic *topic) {
    log_look *look = self;
    td_situation *s = look->situation;
    const char *name = td_topic_name(topic);
    if (strcmp(name, "tape") == 0) look->tape = topic;
    if (strcmp(name, "_schemas") == 0) look->schemas = topic;
    if (strcmp(name, "gaps") == 0) look->gaps = topic;
    if (name[0] == '_' || s->topic_count == TD_SITUATION_MAX) return;
    td_situation_topic *t = &s->topics[s->topic_count++];
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    for (uint32_t p = 0; p < td_topic_partitions(topic); p++) {
        t->records += td_topic_end(topic, p) - td_topic_start(topic, p);
        int64_t bytes = td_topic_bytes(topic, p);
        t->bytes = bytes < 0 ? -1 : t->bytes + bytes;
    }
}

static void note_event(td_situation *s, uint32_t partition, const td_event *event, td_bytes feed_name) {
    static const char *const sessions[] = {"live", "idle", "down", "ended"};
    td_situation_feed *feed = feed_name.size > 0 ? feed_of(s, feed_name) : NULL;
    if (feed == NULL || event->origin != TD_ORIGIN_FEED) return; /* what is put on the tape anew is no news */
    bool time = event->kind == TD_EVENT_TIME;
    if (!time && event->event_ns > feed->event_ns) {
        feed->event_ns = event->event_ns;
        feed->delay_ns = event->receive_ns - event->event_ns;
    }
    /* Within a partition what stands behind is the later news, even where its clock is that of the last message. */
    if (event->receive_ns < feed->clock_ns && feed->partition != partition) return;
    feed->partition = partition;
    feed->clock_ns = event->receive_ns;
    size_t session = time ? event->time.session : TD_SESSION_LIVE;
    feed->session = session < sizeof sessions / sizeof sessions[0] ? sessions[session] : "";
}

static td_status read_tail(td_situation *s, const td_schema_ids *ids, td_topic *tape, uint32_t partition) {
    td_reader *reader;
    td_record record;
    int64_t from = td_topic_block_before(tape, partition, td_topic_end(tape, partition), TAIL_BYTES);
    td_status status = td_reader_open(&reader, tape, partition, from, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        td_event event;
        td_bytes feed;
        if (td_record_get_event(ids, record.value, &event, &feed) == TD_OK) note_event(s, partition, &event, feed);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status read_tails(td_situation *s, const log_look *look) {
    td_registry *registry;
    td_status status = td_data_open_schemas(&registry, s->os, &s->where, look->schemas);
    if (s->where.registry != NULL && status != TD_OK) warn(s, td_trail()); /* all else can be told of */
    if (s->where.registry != NULL && status != TD_OK) return TD_OK;
    for (uint32_t p = 0; p < td_topic_partitions(look->tape) && status == TD_OK; p++) {
        status = read_tail(s, td_registry_ids(registry), look->tape, p);
        if (status != TD_CORRUPT) continue;
        s->damaged = true; /* the other partitions can be told of */
        warn(s, td_trail());
        status = TD_OK;
    }
    td_registry_free(registry);
    return status;
}

/* What one damaged partition does not tell the others do. */
static void count_gaps(td_situation *s, td_topic *gaps) {
    td_gap_table *table = td_gap_table_new(0);
    for (uint32_t p = 0; p < td_topic_partitions(gaps); p++) {
        td_status status = td_gap_table_read(table, gaps, p, GAPS_BYTES);
        if (status != TD_OK) warn(s, td_trail());
        s->damaged = s->damaged || status == TD_CORRUPT;
    }
    s->open_gaps = td_gap_table_open(table, TD_TEXT(""));
    for (size_t i = 0; i < s->feed_count; i++)
        s->feeds[i].open_gaps = td_gap_table_open(table, td_text(s->feeds[i].name));
    td_gap_table_free(table);
}

static td_status look_at_log(td_situation *s) {
    td_log *log;
    log_look look = {.situation = s};
    /* What a process is just writing looks torn from here. */
    td_status status = td_data_open_log(&log, s->os, &s->where, s->locked ? NULL : warn, s);
    if (status != TD_OK) return status;
    status = td_log_each_topic(log, note_topic, &look);
    if (status == TD_OK && look.tape != NULL && (look.schemas != NULL || s->where.registry != NULL))
        status = read_tails(s, &look);
    else if (status == TD_OK && look.tape == NULL)
        status = TD_FAIL(TD_CONFIG, "there is no tape: name the log of a run by --data or --config");
    if (status == TD_OK && look.gaps != NULL) count_gaps(s, look.gaps);
    td_log_close(log);
    return status;
}

/* ---- what sinks will never get ---- */

static void warn_of_losses(void *self, const char *sink) {
    td_situation *s = self;
    td_losses losses;
    char text[256], line[TD_NAME_MAX + 320];
    if (td_losses_load(&losses, s->os, s->where.dir, sink) != TD_OK) return;
    for (size_t i = 0; i < losses.count; i++) {
        td_loss_text(&losses.items[i], text);
        (void)snprintf(line, sizeof line, "sink %s lacks what went before it had it: %s; `tapedeck positions reset %s`",
                       sink, text, sink);
        warn(s, line);
    }
}

/* ---- the whole ---- */

static void look_at_disk(td_situation *s, const td_os *os, const char *dir) {
    int64_t free_bytes, total_bytes;
    char text[TD_NAME_MAX];
    if (s->disk_size == 0 && dir != NULL && os->ops->space(os->self, dir, &free_bytes, &total_bytes) == TD_OK) {
        s->disk_size = (double)total_bytes;
        s->disk_free = (double)free_bytes;
    }
    double used = s->disk_size > 0 ? 100 * (1 - s->disk_free / s->disk_size) : 0;
    (void)snprintf(text, sizeof text, "the disk is %.0f %% full", used);
    if (used >= DISK_FULL_PERCENT) warn(s, text);
}

/* A tape ends with what its last process said, and that one is no more. */
static void stop_sessions(td_situation *s) {
    for (size_t i = 0; i < s->feed_count; i++)
        if (s->feeds[i].session[0] != '\0' && strcmp(s->feeds[i].session, "ended") != 0)
            s->feeds[i].session = "stopped";
}

static td_status locate(td_situation *s, const td_data_conf *which, const char *url) {
    bool named = which->data != NULL || which->config != NULL || which->kafka != NULL || which->prefix != NULL;
    if (url != NULL && !named) return TD_OK;
    td_status status = td_data_locate(&s->where, which);
    s->in_log = status == TD_OK;
    return status;
}

td_status td_situation_look(td_situation *out, const td_os *os, const td_data_conf *which, const char *url) {
    *out = (td_situation){.os = os, .open_gaps = -1};
    td_status status = locate(out, which, url);
    const char *dir = out->where.dir;
    out->locked = dir != NULL && td_beacon_ask_lock(os, dir) != TD_OK;
    if (status == TD_OK && out->in_log) status = look_at_log(out);
    if (status != TD_OK) return status;
    if (dir != NULL && !out->locked) stop_sessions(out);
    if (url != NULL)
        (void)snprintf(out->url, sizeof out->url, "%s", url);
    else if (dir == NULL || !td_beacon_find(os, dir, out->url))
        out->url[0] = '\0';
    if (url != NULL || (out->locked && out->url[0] != '\0')) status = ask_process(out, os);
    if (status != TD_OK && url != NULL) return status;
    if (status != TD_OK) warn(out, td_trail());
    if (dir != NULL) status = td_losses_each(os, dir, warn_of_losses, out);
    if (status != TD_OK) warn(out, td_trail());
    if (out->rejected > 0) warn(out, "inputs were rejected: `tapedeck log cat rejected` tells which and why");
    look_at_disk(out, os, dir);
    return TD_OK;
}

void td_situation_put_feeds(const td_situation *s, td_buf *out) {
    td_buf_text(out, "[");
    for (size_t i = 0; i < s->feed_count; i++) {
        const td_situation_feed *f = &s->feeds[i];
        td_buf_text(out, i > 0 ? ",\n{\"name\":" : "\n{\"name\":");
        td_json_put_string(out, td_text(f->name));
        if (f->session[0] != '\0') td_buf_printf(out, ",\"session\":\"%s\"", f->session);
        if (f->events >= 0) td_buf_printf(out, ",\"events\":%.0f,\"events_per_second\":%.0f", f->events, f->rate_s);
        if (f->sessions >= 0)
            td_buf_printf(out, ",\"sessions\":%.0f,\"session_failures\":%.0f,\"backfilled\":%.0f", f->sessions,
                          f->failures, f->backfilled);
        if (f->lag_records >= 0) td_buf_printf(out, ",\"lag_records\":%.0f", f->lag_records);
        if (f->event_ns != 0)
            td_buf_printf(out, ",\"event_ns\":%" PRId64 ",\"delay_ns\":%" PRId64, f->event_ns, f->delay_ns);
        if (f->end_reason[0] != '\0') {
            td_buf_printf(out, ",\"end_time\":\"%s\",\"end_reason\":", f->end_time);
            td_json_put_string(out, td_text(f->end_reason));
        }
        if (s->open_gaps >= 0) td_buf_printf(out, ",\"open_gaps\":%" PRId64, f->open_gaps);
        td_buf_text(out, "}");
    }
    td_buf_text(out, "]");
}

void td_situation_fini(td_situation *s) {
    td_buf_fini(&s->warnings);
    td_config_log_fini(&s->where);
}
