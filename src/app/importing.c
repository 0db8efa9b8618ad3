/* src/app/importing.c - the run of back then, driven by one thread over the clock of what was kept. */
#include "app/importing.h"
#include "app/data.h"
#include "app/engine.h"
#include "app/exit.h"
#include "app/progress.h"
#include "app/run.h"
#include "base/json.h"
#include "base/time.h"
#include "feed/tables.h"
#include "feed/websocket.h"
#include "flow/playback.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SYNC_EVERY_NS (TD_NS_PER_S / 5)
#define STUCK_NS      (30 * TD_NS_PER_S)

typedef struct import {
    const td_import_options *conf;
    td_config config; /* as FILE says it */
    td_config used;   /* the same, borrowed, but for what an import has otherwise */
    td_data from;
    td_playback *playback;
    td_engine *engine;
    bool terminal;
    int64_t began_ns, shown_ns, synced_ns;
    int64_t moved_ns, moved; /* when a record was given last, and how many were then */
} import;

static int64_t now_ns(void) { return td_os_posix.ops->mono_ns(td_os_posix.self); }

/* ---- what is imported ---- */

static const char *feed_of(const char *word) {
    size_t size = sizeof TD_CAPTURE_TOPICS - 1;
    return strncmp(word, TD_CAPTURE_TOPICS, size) == 0 ? word + size : word;
}

static bool is_wanted(const import *m, const char *feed) {
    for (size_t i = 0; i < m->conf->raw.count; i++)
        if (strcmp(feed_of(m->conf->raw.items[i]), feed) == 0) return true;
    return false;
}

static td_status check_feeds(const import *m) {
    const char *names[TD_CONFIG_LIST_MAX + 1] = {NULL};
    for (size_t i = 0; i < m->config.feed_count; i++) names[i] = m->config.feeds[i].conf.name;
    for (size_t i = 0; i < m->conf->raw.count; i++) {
        const char *feed = feed_of(m->conf->raw.items[i]), *nearest;
        size_t k = 0;
        while (names[k] != NULL && strcmp(names[k], feed) != 0) k++;
        if (names[k] != NULL) continue;
        nearest = td_nearest(feed, names);
        return TD_FAIL(TD_CONFIG, "--raw: the configuration has no feed \"%s\"%s%s%s", feed,
                       nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "\"?" : "");
    }
    return TD_OK;
}

typedef struct topic_look {
    const char *name;
    td_topic *found;
} topic_look;

static void note_topic(void *arg, td_topic *topic) {
    topic_look *look = arg;
    if (strcmp(td_topic_name(topic), look->name) == 0) look->found = topic;
}

/* Sessions begin and end as they did: nothing is waited for, and none is ended from here. */
static td_status add_feed(import *m, const td_config_feed *feed) {
    char name[sizeof TD_CAPTURE_TOPICS + TD_CONFIG_NAME_MAX + 16];
    (void)snprintf(name, sizeof name, TD_CAPTURE_TOPICS "%s", feed->conf.name);
    topic_look look = {.name = name};
    if (feed->ops->live != &td_websocket_live)
        return TD_FAIL(TD_CONFIG, "--raw: %s is no feed over a WebSocket: it keeps no messages", feed->conf.name);
    td_status status = td_log_each_topic(m->from.log, note_topic, &look);
    if (status == TD_OK && look.found == NULL)
        return TD_FAIL(TD_CONFIG, "%s holds no topic %s: only feeds with `raw: true` keep what comes", m->conf->data,
                       name);
    td_config_feed *used = &m->used.feeds[m->used.feed_count++];
    *used = *feed;
    used->conf.raw = false;
    used->conf.reconnect_ns = 1;
    used->conf.heartbeat_ns = used->conf.history_after_ns = used->conf.history_interval_ns = 0;
    used->conf.history_tries = INT64_MAX;
    const char *format = feed->ops == &td_feed_websocket ? td_venues[feed->conf.wire]->format : feed->ops->format;
    return status == TD_OK ? td_playback_add(m->playback, &used->conf, format, look.found, m->from.topics.ids) : status;
}

static td_status add_feeds(import *m) {
    td_status status = check_feeds(m);
    m->used = m->config;
    m->used.feed_count = m->used.sink_count = 0;
    m->used.log.dir = m->conf->out != NULL ? m->conf->out : m->config.log.dir;
    m->used.log.kafka = NULL; /* what is made lies in a folder: nobody's log on a cluster is written to */
    for (size_t i = 0; i < m->config.feed_count && status == TD_OK; i++)
        if (is_wanted(m, m->config.feeds[i].conf.name)) status = add_feed(m, &m->config.feeds[i]);
    td_playback_counts counts;
    td_playback_count(m->playback, &counts);
    if (status == TD_OK && counts.records == 0)
        return TD_FAIL(TD_CONFIG, "%s holds nothing of these feeds at that time", m->conf->data);
    return status;
}

/* What is there already cannot be told from what would come once more. */
static td_status check_target(const import *m) {
    char path[600];
    if (m->conf->out == NULL && m->config.log.kafka != NULL)
        return TD_FAIL(TD_CONFIG,
                       "out: missing: the configured log is on Kafka, and an import makes a folder: name it");
    (void)snprintf(path, sizeof path, "%s/FORMAT", m->used.log.dir);
    if (!td_os_posix.ops->exists(td_os_posix.self, path)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "%s holds a log already: name a new folder by --out", m->used.log.dir);
}

/* ---- the run ---- */

static void show(import *m) {
    td_playback_counts counts;
    char text[TD_PROGRESS_MAX];
    int64_t at_ns = now_ns(), every_ns = m->terminal ? TD_NS_PER_S / 4 : 5 * TD_NS_PER_S;
    if (at_ns - m->shown_ns < every_ns) return;
    m->shown_ns = at_ns;
    td_playback_count(m->playback, &counts);
    td_progress_text("importing", counts.given, counts.records, at_ns - m->began_ns, text);
    (void)fprintf(stderr, m->terminal ? "\r%s\033[K" : "%s\n", text);
}

static void tell_fault(void *arg, const char *line) {
    (void)arg;
    (void)TD_FAIL(TD_CORRUPT, "%s", line); /* the trail is what the command tells */
}

/* Work done; a sync, which waits for the disk, only now and then. */
static int step(import *m, bool sync) {
    int done = 0;
    for (size_t i = 0; i < td_engine_step_count(m->engine); i++)
        if (sync || td_engine_step_kind_of(m->engine, i) != TD_STEP_SYNC) done += td_engine_step(m->engine, i);
    return done;
}

/* False: nothing is left to be given. */
static bool go_on(import *m, td_status *out) {
    int64_t at_ns = now_ns();
    td_playback_counts counts;
    bool sync = at_ns - m->synced_ns >= SYNC_EVERY_NS;
    if (sync) {
        m->synced_ns = at_ns;
        *out = td_engine_faults(m->engine, tell_fault, NULL);
        show(m);
    }
    bool more = step(m, sync) > 0 || td_playback_advance(m->playback);
    td_playback_count(m->playback, &counts);
    if (counts.given != m->moved) {
        m->moved = counts.given;
        m->moved_ns = at_ns;
    } else if (at_ns - m->moved_ns > STUCK_NS) {
        *out = TD_FAIL(TD_RETRY, "nothing can be appended to %s: is its disk full?", m->used.log.dir);
    }
    return more;
}

static td_status play(import *m) {
    td_status status = TD_OK;
    m->moved_ns = now_ns();
    while (status == TD_OK && go_on(m, &status)) {}
    if (status == TD_OK) status = td_engine_end_input(m->engine);
    while (status == TD_OK && !td_engine_finished(m->engine)) {
        (void)step(m, true);
        status = td_engine_faults(m->engine, tell_fault, NULL);
    }
    return status;
}

static void report(void *arg, const char *line) {
    const import *m = arg;
    if (m->engine == NULL) (void)fprintf(stderr, "tapedeck import: %s\n", line); /* what sessions say is old news */
}

static void tell(const import *m) {
    td_playback_counts p;
    td_engine_counts c;
    double seconds = (double)(now_ns() - m->began_ns) / 1e9;
    td_playback_count(m->playback, &p);
    td_engine_count(m->engine, &c);
    (void)printf(m->conf->json ? "{\"messages\":%" PRId64 ",\"sessions\":%" PRId64 ",\"answers\":%" PRId64
                                 ",\"events\":%" PRId64 ",\"accepted\":%" PRId64 ",\"quarantined\":%" PRId64
                                 ",\"duplicates\":%" PRId64 ",\"rejected\":%" PRId64 ",\"ignored\":%" PRId64
                                 ",\"bars\":%" PRId64 ",\"signals\":%" PRId64 ",\"seconds\":%.3f}\n"
                               : "%" PRId64 " messages of %" PRId64 " sessions, %" PRId64 " answers: %" PRId64
                                 " events, %" PRId64 " accepted, %" PRId64 " quarantined, %" PRId64
                                 " duplicates, %" PRId64 " rejected; %" PRId64 " ignored\n%" PRId64 " bars, %" PRId64
                                 " signals in %.2f s\n",
                 p.messages, p.sessions, p.answers, c.events, c.accepted, c.quarantined, c.duplicates, c.rejected,
                 c.ignored, c.bars, c.signals, seconds);
}

static td_status open_both(import *m, const char *file) {
    const td_import_options *conf = m->conf;
    td_playback_conf playback = {.os = &td_os_posix, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    td_status status = td_data_time("from", conf->from, &playback.from_ns);
    if (status == TD_OK) status = td_data_time("to", conf->to, &playback.to_ns);
    if (status != TD_OK) return status;
    m->playback = td_playback_new(&playback);
    status = td_config_load(&m->config, &td_os_posix, file, (const char *const *)conf->sets.items, conf->sets.count);
    if (status == TD_OK) status = td_data_open(&m->from, &(td_data_conf){.data = conf->data});
    if (status == TD_OK) status = add_feeds(m);
    if (status == TD_OK) status = check_target(m);
    if (status != TD_OK) return status;
    return td_engine_open(&m->engine, td_playback_os(m->playback), &m->used, NULL, report, m);
}

static void close_both(import *m, bool clean) {
    td_engine_close(m->engine, clean);
    td_playback_free(m->playback);
    td_data_close(&m->from);
    td_config_fini(&m->config);
}

static int import_raw(const td_import_options *options, const char *file) {
    import *m = td_alloc_zero(1, sizeof *m);
    m->conf = options;
    m->terminal = isatty(STDERR_FILENO) == 1;
    m->began_ns = m->shown_ns = m->synced_ns = now_ns();
    td_status status = open_both(m, file);
    if (status == TD_OK) status = play(m);
    if (m->terminal) (void)fprintf(stderr, "\r\033[K");
    if (status == TD_OK)
        tell(m);
    else
        (void)fprintf(stderr, "tapedeck import: %s\n", td_trail());
    close_both(m, status == TD_OK);
    free(m);
    return td_exit_of(status);
}

/* ---- an archive ---- */

static td_status check_archive(const td_import_options *conf, const char *file) {
    td_config_log log;
    if (conf->raw.count > 0) return TD_FAIL(TD_CONFIG, "--archive: and --raw are two imports: one at a time");
    if (conf->from != NULL || conf->to != NULL)
        return TD_FAIL(TD_CONFIG, "--%s: is of --raw; of an archive name the files: archive/trades/*/day=2013-10-*",
                       conf->from != NULL ? "from" : "to");
    td_status status = td_config_load_log(&log, &td_os_posix, file);
    if (status != TD_OK) return status;
    if (conf->out != NULL && log.kafka != NULL)
        status = TD_FAIL(TD_CONFIG, "--out: the configured log is on Kafka, where it is imported to without --out");
    td_config_log_fini(&log);
    return status;
}

static bool has_files(const char *path, const char *ending) {
    td_paths found;
    td_status status = td_tables_find(&td_os_posix, path, ending, &found);
    bool has = false;
    for (size_t i = 0; status == TD_OK && i < found.count && !has; i++) has = td_text_ends(found.items[i], ending);
    td_paths_fini(&found);
    return has;
}

/* What the path names; where that is neither, the feed says so. */
static td_status find_format(const td_import_options *conf, const char **out) {
    bool avro = has_files(conf->archive, ".avro"), parquet = has_files(conf->archive, ".parquet");
    *out = avro ? "avro" : "parquet";
    if (!avro || !parquet) return TD_OK;
    return TD_FAIL(TD_CONFIG, "--archive: %s has *.avro and *.parquet: name those of one kind", conf->archive);
}

static void add_set(td_texts *sets, td_buf *set) {
    td_buf_put(set, "", 1);
    sets->items[sets->count++] = (char *)set->data;
    *set = (td_buf){0};
}

/* The run of FILE with the archive as its one feed, without sinks; what is set stands behind, and may say more of it.
 */
static void set_feed(const td_import_options *conf, const char *format, td_texts *out) {
    td_buf set = {0};
    td_buf_printf(&set, "feeds=[{file: {format: %s, path: ", format);
    td_json_put_string(&set, td_text(conf->archive));
    td_buf_text(&set, "}}]");
    add_set(out, &set);
    td_buf_text(&set, "sinks=");
    add_set(out, &set);
    td_buf_text(&set, "serve=off");
    add_set(out, &set);
    if (conf->out == NULL) return;
    td_buf_printf(&set, "log.dir=%s", conf->out);
    add_set(out, &set);
}

static int import_archive(const td_import_options *conf, const char *file) {
    enum { OWN = 4 };
    const char *format;
    td_status status = check_archive(conf, file);
    if (status == TD_OK) status = find_format(conf, &format);
    if (status != TD_OK) {
        (void)fprintf(stderr, "tapedeck import: %s\n", td_trail());
        return td_exit_of(status);
    }
    td_run_options run = {.until_end = true, .json = conf->json};
    run.sets.items = td_alloc_zero(OWN + conf->sets.count, sizeof *run.sets.items);
    set_feed(conf, format, &run.sets);
    size_t own = run.sets.count;
    for (size_t i = 0; i < conf->sets.count; i++) run.sets.items[run.sets.count++] = conf->sets.items[i];
    int code = td_run(&run, file);
    for (size_t i = 0; i < own; i++) free(run.sets.items[i]);
    free(run.sets.items);
    return code;
}

int td_import(const td_import_options *options, const char *file) {
    if (options->archive != NULL) return import_archive(options, file);
    if (options->raw.count > 0) return import_raw(options, file);
    (void)fprintf(stderr, "tapedeck import: --raw FEED or --archive PATH says what is imported\n");
    return TD_EXIT_USAGE;
}
