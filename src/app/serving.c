/* src/app/serving.c - the engine as the server sees it. */
#include "app/serving.h"
#include "app/beacon.h"
#include "app/cluster.h"
#include "app/explaining.h"
#include "app/metrics.h"
#include "app/readers.h"
#include "app/role.h"
#include "app/versioning.h"
#include "base/time.h"
#include "flow/capture.h"
#include "flow/programs.h"
#include "log/log_kafka_audience.h"
#include <stdio.h>
#include <stdlib.h>

/* Where another process begins programs, the log is asked for a new one so often. */
#define PROGRAM_NS (5 * TD_NS_PER_S)

struct td_serving {
    td_serving_conf conf;
    td_serve *serve;
    td_log *beside;      /* on Kafka: the same log by a client of its own, which nobody else waits for; NULL: none */
    td_program *program; /* of the start, and the next is that of an edit: the dashboard's own copies */
    _Atomic(td_program *) begun;
    uint8_t program_sha256[TD_PROGRAM_SHA_BYTES];
    int64_t turn; /* of the edit that it is of */
    int64_t asked_ns;
};

static void ignore_line(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

/* ---- what it asks; on its thread ---- */

static void tell_progress(void *arg, td_serve_progress *out) {
    const td_serving *s = arg;
    td_engine_counts c;
    td_engine_count(s->conf.engine, &c);
    bool faulty = td_engine_faults(s->conf.engine, ignore_line, NULL) != TD_OK;
    bool draining = atomic_load(s->conf.draining);
    *out = (td_serve_progress){.state = draining ? "draining"
                                        : faulty ? "faulty"
                                                 : "running",
                               .faulty = faulty,
                               .draining = draining,
                               .resuming = c.resuming,
                               .behind_records = c.behind_records,
                               .sinks_lack = c.sinks_lack,
                               .stuck = td_pulse_stuck(s->conf.pulse, td_os_posix.ops->mono_ns(td_os_posix.self)),
                               .events = c.events,
                               .accepted = c.accepted,
                               .quarantined = c.quarantined,
                               .duplicates = c.duplicates,
                               .rejected = c.rejected,
                               .late = c.late,
                               .lag_records = c.lag_records,
                               .rows = c.rows,
                               .owned = c.owned,
                               .rebalances = c.rebalances,
                               .taken = c.taken,
                               .left = c.left,
                               .fenced = c.fenced,
                               .committed = c.commits,
                               .aborted = c.aborts};
}

/* What ended a session may repeat what it was told. */
static bool tell_feed(void *arg, size_t index, td_serve_feed *out) {
    const td_serving *s = arg;
    if (!td_engine_feed(s->conf.engine, index, out)) return false;
    td_notices_mask(s->conf.notices, out->end);
    return true;
}

static td_program *take_begun(void *arg) { return atomic_exchange(&((td_serving *)arg)->begun, NULL); }

static void tell_edit(void *arg, td_serve_edit *out) {
    const td_serving *s = arg;
    td_edit_news news;
    td_edit_tell(td_engine_edit(s->conf.engine), &news);
    *out = (td_serve_edit){td_edit_state_name(news.state), news.turn, news.at_ns, news.errors};
}

static bool file_at(void *arg, size_t index, td_serve_file *out) {
    td_edit_file file;
    if (!td_edit_file_at(td_engine_edit(((td_serving *)arg)->conf.engine), index, &file)) return false;
    *out = (td_serve_file){.names = file.names, .runs = file.runs};
    (void)snprintf(out->path, sizeof out->path, "%s", file.path);
    memcpy(out->sha256, file.sha256, sizeof out->sha256);
    file.names = (td_buf){0};
    td_edit_file_fini(&file);
    return true;
}

static td_status read_strategy(void *arg, const char *file, td_buf *out) {
    (void)arg;
    return td_os_read_file(&td_os_posix, file, 1 << 20, out);
}

static td_status compile_strategy(void *arg, const char *file, td_bytes text, td_program **out, td_buf *errors) {
    return td_edit_try(td_engine_edit(((td_serving *)arg)->conf.engine), file, text, out, errors);
}

static td_status save_strategy(void *arg, const char *file, td_bytes text) {
    return td_edit_save(td_engine_edit(((td_serving *)arg)->conf.engine), file, text);
}

static void *begin_versions(void *arg, const char *strategy, const char *hash) {
    return td_versioning_begin(td_engine_topics(((td_serving *)arg)->conf.engine), strategy, hash);
}

static void *begin_rollback(void *arg, const char *strategy, const char *hash) {
    td_engine *engine = ((td_serving *)arg)->conf.engine;
    return td_versioning_begin_back(td_engine_topics(engine), td_engine_edit(engine), strategy, hash);
}

static td_serve_texts texts_of(const td_serving *s) {
    td_serve_task task = {begin_versions, td_versioning_step, td_versioning_put, td_versioning_end};
    td_serve_texts texts = {file_at, read_strategy, compile_strategy, .versions = task};
    if (!s->conf.config->serve.edit) return texts;
    texts.save = save_strategy;
    texts.rollback = task;
    texts.rollback.begin = begin_rollback;
    return texts;
}

static void tell_metrics(void *arg, td_buf *out) { td_run_metrics_put(out, ((td_serving *)arg)->conf.engine); }

static void tell_notice(void *arg, const char *event, const char *text) {
    td_notice(((td_serving *)arg)->conf.notices, TD_LEVEL_WARNING, event, "serve", "%s", text);
}

static td_commands *commands_of(void *arg) {
    td_engine_parts parts;
    td_engine_parts_of(((td_serving *)arg)->conf.engine, &parts);
    return td_ingest_commands(parts.ingest);
}

static td_status put_command(void *arg, uint32_t partition, td_bytes key, td_bytes value, uint64_t *out_ticket) {
    return td_commands_put(commands_of(arg), &(td_command){.partition = partition, .key = key, .value = value},
                           out_ticket);
}

static td_status put_schema(void *arg, td_bytes key, td_bytes value, uint64_t *out_ticket) {
    return td_commands_put(commands_of(arg), &(td_command){.to_schemas = true, .key = key, .value = value}, out_ticket);
}

static td_status ask_command(void *arg, uint64_t ticket) { return td_commands_ask(commands_of(arg), ticket); }
static bool withdraw_command(void *arg, uint64_t ticket) { return td_commands_withdraw(commands_of(arg), ticket); }

/* The program that the log says is in force: what the dashboard draws its lines by. */
static td_status load_program(td_serving *s, const td_topics *t) {
    td_status status = td_program_at(t, 0, td_topic_end(t->tape, 0), s->program_sha256);
    return status == TD_OK ? td_program_load(t, s->program_sha256, &s->program) : status;
}

static void *begin_explaining(void *self, const char *signal, const char *more) {
    const td_serving *s = self;
    (void)more;
    return td_explaining_begin(td_engine_topics(s->conf.engine), s->conf.config->log.dir, signal);
}

static td_status tell_readers(void *self, const td_topic *topic, uint32_t partition, td_serve_reader_fn each,
                              void *arg) {
    return td_readers_each(((td_serving *)self)->conf.engine, topic, partition, each, arg);
}

/* ---- who else reads ---- */

static void *ask_groups(void *self, const td_topic *topic) {
    (void)self;
    return td_audience_ask(topic, TD_WORK_WRITER);
}

static td_status step_groups(void *asked) { return td_audience_step(asked); }

static bool group_at(void *asked, size_t index, td_serve_group *out) {
    const td_listener *listener = td_audience_at(asked, index);
    if (listener != NULL) *out = (td_serve_group){listener->group, listener->partition, listener->offset};
    return listener != NULL;
}

static bool groups_are_cut(void *asked) { return td_audience_is_cut(asked); }
static void end_groups(void *asked) { td_audience_free(asked); }

static int64_t bound(int64_t configured) { return configured > 0 ? configured : -1; }

/* As it is configured; what somebody has altered at a cluster only that knows. */
static void tell_retention(void *self, const char *topic, td_serve_retention *out) {
    const td_config_log *log = &((const td_serving *)self)->conf.config->log;
    bool raw = strncmp(topic, TD_CAPTURE_TOPICS, strlen(TD_CAPTURE_TOPICS)) == 0;
    int64_t ns = raw ? log->raw_retain_ns : log->retain_ns, bytes = raw ? log->raw_retain_bytes : log->retain_bytes;
    *out = (td_serve_retention){.ms = -1, .bytes = -1};
    if (topic[0] == '_') return;
    *out = (td_serve_retention){bound(ns / TD_NS_PER_MS), bound(bytes), log->kafka == NULL};
}

/* Whoever records appends to the tape and has the strategies' files. */
static void leave_to_recorder(td_serve_run *run) {
    run->edit = NULL;
    run->texts = (td_serve_texts){.versions = run->texts.versions};
    run->put = NULL;
    run->put_schema = NULL;
    run->elsewhere = "this process does not record: ask the one of role `record`, which may serve, too";
}

/* ---- life ---- */

static td_status open_server(td_serving *s) {
    const td_config *config = s->conf.config;
    const td_topics *t = td_engine_topics(s->conf.engine);
    td_status status = load_program(s, t);
    if (status == TD_OK && config->log.kafka != NULL)
        status = td_cluster_open_beside(&s->beside, &td_os_posix, &config->log);
    if (status != TD_OK) return td_trace(status, "opening the dashboard");
    td_serve_topics topics = {
        .tape = t->tape,
        .bars = t->outputs[TD_OUTPUT_BARS],
        .signals = t->outputs[TD_OUTPUT_SIGNALS],
        .gaps = t->outputs[TD_OUTPUT_GAPS],
        .quarantine = t->outputs[TD_OUTPUT_QUARANTINE],
        .actions = t->outputs[TD_OUTPUT_ACTIONS],
        .vendor_bars = t->outputs[TD_OUTPUT_VENDOR_BARS],
        .fills = t->outputs[TD_OUTPUT_FILLS],
        .programs = t->programs,
        .rejected = t->rejected,
        .schemas = t->schemas,
        .news = t->outputs[TD_OUTPUT_NEWS],
        .trades = t->outputs[TD_OUTPUT_TRADES],
        .quotes = t->outputs[TD_OUTPUT_QUOTES],
        .log = s->beside,
        .ids = t->ids,
        .program = s->program,
        .listings = td_engine_listings(s->conf.engine),
        .widths_ns = s->program->widths_ns,
        .width_count = s->program->width_count,
        .run = {.self = s,
                .progress = tell_progress,
                .feed = tell_feed,
                .metrics = tell_metrics,
                .program = take_begun,
                .edit = tell_edit,
                .texts = texts_of(s),
                .notice = tell_notice,
                .put = put_command,
                .put_schema = put_schema,
                .registry = config->log.registry,
                .prefix = config->log.prefix,
                .readers = tell_readers,
                .retention = tell_retention,
                .ask = ask_command,
                .withdraw = withdraw_command,
                .explain = {begin_explaining, td_explaining_step, td_explaining_put, td_explaining_end}}};
    if (s->beside != NULL)
        topics.run.groups = (td_serve_groups){ask_groups, step_groups, group_at, groups_are_cut, end_groups};
    if ((config->roles & TD_ROLE_RECORD) == 0) leave_to_recorder(&topics.run);
    for (size_t i = 0; i < config->feed_count; i++)
        topics.lateness_ns = td_most(topics.lateness_ns, config->feeds[i].conf.lateness_ns);
    return td_serve_open(&s->serve, &td_os_posix, &config->serve, &topics);
}

td_status td_serving_open(td_serving **out, const td_serving_conf *conf) {
    *out = NULL;
    if (!conf->config->serve_on || (conf->config->roles & TD_ROLE_SERVE) == 0) return TD_OK;
    td_serving *s = td_alloc_zero(1, sizeof *s);
    s->conf = *conf;
    td_status status = open_server(s);
    if (status != TD_OK) {
        td_serving_close(s);
        return status;
    }
    *out = s;
    return TD_OK;
}

void td_serving_close(td_serving *s) {
    if (s == NULL) return;
    if (s->serve != NULL) td_beacon_put_out(&td_os_posix, s->conf.config->log.dir);
    td_serve_close(s->serve);
    td_log_close(s->beside);
    td_program_free(atomic_load(&s->begun));
    td_program_free(s->program);
    free(s);
}

td_serve *td_serving_server(td_serving *s) { return s != NULL ? s->serve : NULL; }

/* ---- the program ---- */

/* The program in force, by the edit here or, where another process has it, by the log. False: as before. */
static bool find_program(td_serving *s, uint8_t sha256[TD_PROGRAM_SHA_BYTES], int64_t *out_turn) {
    const td_topics *topics = td_engine_topics(s->conf.engine);
    td_edit *edit = td_engine_edit(s->conf.engine);
    if (edit != NULL) {
        td_edit_news news;
        td_edit_tell(edit, &news);
        td_buf_fini(&news.errors);
        memcpy(sha256, news.sha256, TD_PROGRAM_SHA_BYTES);
        *out_turn = news.turn;
        return news.turn != s->turn;
    }
    int64_t now_ns = td_os_posix.ops->mono_ns(td_os_posix.self);
    if (now_ns < s->asked_ns + PROGRAM_NS) return false;
    s->asked_ns = now_ns;
    if (td_program_at(topics, 0, td_topic_end(topics->tape, 0), sha256) != TD_OK) return false;
    return memcmp(sha256, s->program_sha256, TD_PROGRAM_SHA_BYTES) != 0;
}

void td_serving_follow(td_serving *s) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_program *program;
    int64_t turn = 0;
    if (s == NULL || !find_program(s, sha256, &turn)) return;
    if (td_program_load(td_engine_topics(s->conf.engine), sha256, &program) != TD_OK) return;
    s->turn = turn;
    memcpy(s->program_sha256, sha256, sizeof sha256);
    td_program_free(atomic_exchange(&s->begun, program)); /* nobody fetched the one before */
}
