/* src/flow/topics.c - opening the topics. */
#include "flow/topics.h"
#include "schema/catalogue.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ONE_RECORD_BYTES = 64 * 1024, SCHEMAS_BYTES = 256 * 1024 };

/* ---- one record in, all records out ---- */

static td_status put_batch(const td_destination *to, td_batch *batch) {
    td_writer *writer = to->writer;
    td_status status = writer == NULL ? td_writer_open(&writer, to->topic->log, "topics") : TD_OK;
    if (status == TD_OK) status = td_writer_append(writer, to->topic, to->partition, batch);
    if (writer != to->writer) td_writer_close(writer);
    return status;
}

td_status td_topics_put(const td_destination *to, td_bytes key, td_bytes value) {
    td_batch batch;
    td_batch_init(&batch, ONE_RECORD_BYTES);
    (void)td_batch_add(&batch, to->now_ms, key, value, (td_bytes){0}, (td_bytes){0}); /* empty: takes any record */
    td_status status = put_batch(to, &batch);
    td_batch_fini(&batch);
    return status;
}

td_status td_topics_each_record(td_topic *topic, td_topics_record_fn each, void *arg) {
    td_reader *reader;
    td_status status = td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    td_record record;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        status = each(arg, &record);
        if (status != TD_OK) break;
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- schemas ---- */

typedef struct registration { /* what a log lacks is written together: on a cluster each append is a transaction */
    td_destination to;
    td_batch batch;
} registration;

static td_status write_schemas(registration *r) {
    td_status status = r->batch.count > 0 ? put_batch(&r->to, &r->batch) : TD_OK;
    td_batch_reset(&r->batch);
    return status;
}

static td_status append_schema(void *arg, td_bytes key, td_bytes value) {
    registration *r = arg;
    td_bytes none = {0};
    if (td_batch_add(&r->batch, r->to.now_ms, key, value, none, none)) return TD_OK;
    td_status status = write_schemas(r);
    (void)td_batch_add(&r->batch, r->to.now_ms, key, value, none, none); /* empty: takes any record */
    return status;
}

static td_status register_schemas(td_registry *registry, td_topic *schemas, int64_t now_ms) {
    registration r = {.to = {.topic = schemas, .now_ms = now_ms}};
    td_batch_init(&r.batch, SCHEMAS_BYTES);
    td_status status = td_registry_ensure(registry, append_schema, &r);
    if (status == TD_OK) status = write_schemas(&r);
    td_batch_fini(&r.batch);
    return status;
}

static td_status load_schema(void *arg, const td_record *record) {
    return td_registry_load(arg, record->key, record->value);
}

static td_status take_time(void *arg, const td_record *record) {
    *(int64_t *)arg = record->timestamp_ms;
    return TD_AGAIN; /* the first is enough */
}

td_status td_topics_made(const td_topics *topics, int64_t *out_ms) {
    *out_ms = TD_NONE;
    return topics->schemas != NULL ? td_topics_each_record(topics->schemas, take_time, out_ms) : TD_OK;
}

/* ---- opening ---- */

static const char *const outputs[TD_OUTPUT_COUNT] = {
    [TD_OUTPUT_BARS] = "bars",
    [TD_OUTPUT_SIGNALS] = "signals",
    [TD_OUTPUT_QUARANTINE] = "quarantine",
    [TD_OUTPUT_GAPS] = "gaps",
    [TD_OUTPUT_ACTIONS] = "actions",
    [TD_OUTPUT_VENDOR_BARS] = "vendor_bars",
    [TD_OUTPUT_FILLS] = "fills",
    [TD_OUTPUT_SECTIONS] = "sections",
    [TD_OUTPUT_TRADES] = "trades",
    [TD_OUTPUT_QUOTES] = "quotes",
    [TD_OUTPUT_NEWS] = "news",
    [TD_OUTPUT_TRADES_JSON] = "trades_json",
    [TD_OUTPUT_QUOTES_JSON] = "quotes_json",
    [TD_OUTPUT_NEWS_JSON] = "news_json",
    [TD_OUTPUT_BARS_JSON] = "bars_json",
    [TD_OUTPUT_SIGNALS_JSON] = "signals_json",
    [TD_OUTPUT_FILLS_JSON] = "fills_json",
    [TD_OUTPUT_GAPS_JSON] = "gaps_json",
    [TD_OUTPUT_QUARANTINE_JSON] = "quarantine_json",
};

const char *td_topics_name(td_output output) { return outputs[output]; }

const td_topic *td_topics_delivered_named(const td_topics *topics, const char *name) {
    for (int i = 0; i < TD_DELIVERED_COUNT; i++) {
        const td_topic *topic = td_topics_delivered(topics, i);
        if (topic != NULL && strcmp(td_topic_name(topic), name) == 0) return topic;
    }
    return NULL;
}

td_output td_topics_output_of(uint8_t event_kind) {
    if (event_kind == TD_EVENT_TRADE) return TD_OUTPUT_TRADES;
    return event_kind == TD_EVENT_QUOTE ? TD_OUTPUT_QUOTES : TD_OUTPUT_NEWS;
}

td_output td_topics_json_of(td_output output) {
    static const td_output json[TD_OUTPUT_COUNT] = {
        [TD_OUTPUT_BARS] = TD_OUTPUT_BARS_JSON,     [TD_OUTPUT_SIGNALS] = TD_OUTPUT_SIGNALS_JSON,
        [TD_OUTPUT_FILLS] = TD_OUTPUT_FILLS_JSON,   [TD_OUTPUT_GAPS] = TD_OUTPUT_GAPS_JSON,
        [TD_OUTPUT_TRADES] = TD_OUTPUT_TRADES_JSON, [TD_OUTPUT_QUARANTINE] = TD_OUTPUT_QUARANTINE_JSON,
        [TD_OUTPUT_QUOTES] = TD_OUTPUT_QUOTES_JSON, [TD_OUTPUT_NEWS] = TD_OUTPUT_NEWS_JSON,
    };
    return json[output] != 0 ? json[output] : TD_OUTPUT_COUNT;
}

uint32_t td_topics_published(const char *name) {
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(name, outputs[i]) == 0) return td_topics_bit((td_output)i);
    return 0;
}

uint32_t td_topics_partitions_of(const char *name, uint32_t partitions) {
    static const char *const single[] = {"_schemas", "_programs", "_inputs"};
    static const char *const others[] = {"tape", "rejected", TD_TOPICS_SNAPSHOTS};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        if (strcmp(name, single[i]) == 0) return 1;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0) return partitions;
    for (size_t i = 0; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(name, outputs[i]) == 0) return partitions;
    return 0;
}

td_topic_role td_topics_role_of(const char *name) {
    for (size_t i = 0; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(name, outputs[i]) == 0) return TD_TOPIC_OUTPUT;
    return TD_TOPIC_INPUT;
}

/* NULL in a log that keeps them in files. */
static td_status open_snapshots(td_topics *t, td_log *log) {
    td_status status = td_log_topic(log, TD_TOPICS_SNAPSHOTS, t->partitions, TD_TOPIC_LATEST, &t->snapshots);
    return status == TD_REJECT ? TD_OK : status;
}

static td_status open_topics(td_topics *t, const td_topics_conf *conf) {
    td_log *log = conf->log;
    bool keeps = conf->registry == NULL;
    td_status status = keeps ? td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &t->schemas) : TD_OK;
    if (status == TD_OK) status = td_log_topic(log, "_programs", 1, TD_TOPIC_INPUT, &t->programs);
    if (status == TD_OK) status = td_log_topic(log, "_inputs", 1, TD_TOPIC_INPUT, &t->inputs);
    if (status == TD_OK) status = td_log_topic(log, "tape", t->partitions, TD_TOPIC_INPUT, &t->tape);
    if (status == TD_OK) status = td_log_topic(log, "rejected", t->partitions, TD_TOPIC_INPUT, &t->rejected);
    for (int i = 0; i < TD_OUTPUT_PUBLISHED && status == TD_OK; i++)
        status = td_log_topic(log, outputs[i], t->partitions, TD_TOPIC_OUTPUT, &t->outputs[i]);
    return status == TD_OK ? open_snapshots(t, log) : status;
}

static td_status load_schemas(td_topics *t) {
    return t->schemas != NULL ? td_topics_each_record(t->schemas, load_schema, t->registry) : TD_OK;
}

/* ---- where the schemas are: the ids of one registry mean other schemas in another ---- */

/* What an id means there it means here, too. */
static bool agrees(const td_schema_ids *there, const td_schema_ids *here) {
    for (int i = 0; i < TD_SCHEMA_SLOTS; i++)
        if (there->known[i] != 0 && td_schema_ids_find(here, (uint32_t)there->known[i]) != there->schema[i])
            return false;
    return true;
}

/* A topic `_schemas` beside a registry elsewhere is that one's own, has been moved to it, or is of a log that keeps its
 * schemas itself. What we cannot read we have not written. */
static td_status check_beside(td_topic *schemas, td_registry *elsewhere) {
    td_registry *beside = td_registry_new();
    td_status status = td_topics_each_record(schemas, load_schema, beside);
    if (status == TD_CORRUPT)
        status = TD_OK;
    else if (status == TD_OK && !agrees(td_registry_ids(beside), td_registry_ids(elsewhere)))
        status = TD_FAIL(TD_CONFIG, "log.registry: this log keeps its schemas itself, in its topic _schemas, and its "
                                    "records have other ids than the registry gives: leave log.registry out, or name "
                                    "another log.prefix");
    td_registry_free(beside);
    return status;
}

static td_status fail_no_schemas(void) {
    return TD_FAIL(TD_CONFIG, "the schemas of this log are not in it: name the registry that it was written with, "
                              "log.registry");
}

/* A tape with records has its schemas somewhere. */
static td_status check_home(const td_topics_conf *conf) {
    td_topic *found;
    td_status status = td_log_topic(conf->log, "_schemas", 0, TD_TOPIC_INPUT, &found);
    if (status == TD_OK) return conf->registry != NULL ? check_beside(found, conf->registry) : TD_OK;
    if (status != TD_AGAIN || conf->registry != NULL) return status == TD_AGAIN ? TD_OK : status;
    status = td_log_topic(conf->log, "tape", 0, TD_TOPIC_INPUT, &found);
    if (status == TD_OK && td_topic_end(found, 0) > 0) return fail_no_schemas();
    return status == TD_AGAIN ? TD_OK : status;
}

/* ---- opening and looking ---- */

static void begin_opening(td_topics *t, const td_topics_conf *conf) {
    td_registry *registry = conf->registry != NULL ? conf->registry : td_registry_new();
    *t = (td_topics){.log = conf->log, .partitions = conf->partitions, .registry = registry};
}

static td_status end_opening(td_topics *t, td_status status) {
    if (status != TD_OK) {
        td_topics_close(t);
        return td_trace(status, "opening the topics");
    }
    t->ids = td_registry_ids(t->registry);
    return TD_OK;
}

td_status td_topics_open_as(td_topics *out, const td_topics_conf *conf) {
    begin_opening(out, conf);
    td_status status = check_home(conf);
    if (status == TD_OK) status = open_topics(out, conf);
    if (status == TD_OK) status = load_schemas(out);
    if (status == TD_OK && out->schemas != NULL) status = register_schemas(out->registry, out->schemas, conf->now_ms);
    if (status == TD_OK) status = td_log_sync(conf->log); /* a record must never name a schema that can vanish */
    return end_opening(out, status);
}

td_status td_topics_open(td_topics *out, td_log *log, uint32_t partitions, int64_t now_ms) {
    return td_topics_open_as(out, &(td_topics_conf){.log = log, .partitions = partitions, .now_ms = now_ms});
}

/* All are there, and have as many partitions as they are opened with then. */
static td_status find_topics(const td_topics_conf *conf) {
    static const char *const inputs[] = {"_schemas", "_programs", "_inputs", "tape", "rejected"};
    td_topic *found;
    td_status status = TD_OK;
    for (size_t i = conf->registry != NULL; i < sizeof inputs / sizeof inputs[0] && status == TD_OK; i++)
        status = td_log_topic(conf->log, inputs[i], 0, TD_TOPIC_INPUT, &found);
    for (int i = 0; i < TD_OUTPUT_PUBLISHED && status == TD_OK; i++)
        status = td_log_topic(conf->log, outputs[i], 0, TD_TOPIC_OUTPUT, &found);
    if (status == TD_OK) status = td_log_topic(conf->log, TD_TOPICS_SNAPSHOTS, 0, TD_TOPIC_LATEST, &found);
    return status == TD_REJECT ? TD_OK : status;
}

static td_status await_schema(void *arg, td_bytes key, td_bytes value) {
    (void)arg, (void)key, (void)value;
    return TD_AGAIN;
}

td_status td_topics_open_made(td_topics *out, const td_topics_conf *conf) {
    begin_opening(out, conf);
    td_status status = check_home(conf);
    if (status == TD_OK) status = find_topics(conf);
    if (status == TD_OK) status = open_topics(out, conf);
    if (status == TD_OK) status = load_schemas(out);
    if (status == TD_OK && out->schemas != NULL) status = td_registry_ensure(out->registry, await_schema, NULL);
    if (status == TD_OK && td_registry_lacks(out->registry) != TD_SCHEMA_COUNT) status = TD_AGAIN;
    return end_opening(out, status);
}

/* ---- publishing ---- */

static bool is_asked(uint32_t published, int output) { return (published & td_topics_bit((td_output)output)) != 0; }

td_status td_topics_publish(td_topics *t, uint32_t published) {
    td_status status = TD_OK;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT && status == TD_OK; i++)
        if (is_asked(published, i))
            status = td_log_topic(t->log, outputs[i], t->partitions, TD_TOPIC_OUTPUT, &t->outputs[i]);
    return td_trace(status, "opening the topics that are published");
}

td_status td_topics_publish_made(td_topics *t, uint32_t published) {
    td_topic *found;
    td_status status = TD_OK;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT && status == TD_OK; i++)
        if (is_asked(published, i)) status = td_log_topic(t->log, outputs[i], 0, TD_TOPIC_OUTPUT, &found);
    return status == TD_OK ? td_topics_publish(t, published) : status;
}

td_status td_topics_publish_again(td_topics *t) {
    td_status status = TD_OK;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT && status == TD_OK; i++) {
        status = td_topics_publish_made(t, td_topics_bit((td_output)i));
        if (status == TD_AGAIN) status = TD_OK;
    }
    return status;
}

/* ---- to read, and copies ---- */

static void note_topic(void *arg, td_topic *topic) {
    td_topics *t = arg;
    const struct {
        const char *name;
        td_topic **at;
    } named[] = {{"_schemas", &t->schemas},
                 {"_programs", &t->programs},
                 {TD_TOPICS_SNAPSHOTS, &t->snapshots},
                 {"tape", &t->tape},
                 {"rejected", &t->rejected}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(td_topic_name(topic), named[i].name) == 0) *named[i].at = topic;
    for (size_t i = 0; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(td_topic_name(topic), outputs[i]) == 0) t->outputs[i] = topic;
}

static td_status check_read(td_topics *t, const td_topics_conf *conf) {
    bool whole = t->tape != NULL && t->programs != NULL;
    whole = whole && t->outputs[TD_OUTPUT_BARS] != NULL && t->outputs[TD_OUTPUT_SIGNALS] != NULL;
    if (!whole)
        return TD_FAIL(TD_CONFIG,
                       "there is no tape: name the log of a run by --data, --config or --kafka and --prefix");
    if (conf->registry == NULL) return t->schemas != NULL ? TD_OK : fail_no_schemas();
    td_status status = t->schemas != NULL ? check_beside(t->schemas, conf->registry) : TD_OK;
    t->schemas = NULL;
    return status;
}

td_status td_topics_open_to_read_as(td_topics *out, const td_topics_conf *conf) {
    begin_opening(out, conf);
    td_status status = td_log_each_topic(conf->log, note_topic, out);
    if (status == TD_OK) status = check_read(out, conf);
    if (status == TD_OK) status = load_schemas(out);
    if (status == TD_OK) out->partitions = td_topic_partitions(out->tape);
    return end_opening(out, status);
}

td_status td_topics_open_to_read(td_topics *out, td_log *log) {
    return td_topics_open_to_read_as(out, &(td_topics_conf){.log = log});
}

/* Places are of the tape that they were written for. */
static td_status copy_record(void *arg, const td_record *record) {
    bool is_place = record->key.size >= 5 && memcmp(record->key.data, "tape/", 5) == 0;
    return is_place ? TD_OK : td_topics_put(arg, record->key, record->value);
}

/* Those that `there` lacks. */
static td_status put_schemas(const td_schema_ids *ids, const td_schema_ids *there, registration *r) {
    td_status status = TD_OK;
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        td_schema_version v = {.subject = td_text(td_schema_subject((td_schema)i))};
        for (int slot = 0; slot < TD_SCHEMA_SLOTS * (1 + TD_SCHEMA_OLDER_MAX) && status == TD_OK; slot++) {
            int age = TD_SCHEMA_OLDER_MAX - slot / TD_SCHEMA_SLOTS, at = slot % TD_SCHEMA_SLOTS; /* oldest first */
            if (ids->known[at] == 0 || ids->schema[at] != i + age * TD_SCHEMA_BEFORE) continue;
            v.text = td_schema_text_of_age((td_schema)i, age);
            v.id = ids->known[at];
            v.version++;
            if (td_schema_ids_find(there, (uint32_t)v.id) >= 0) continue;
            td_schema_record record = td_schema_record_version(&v);
            status = append_schema(r, td_buf_bytes(&record.key), td_buf_bytes(&record.value));
            td_schema_record_fini(&record);
        }
    }
    return status;
}

td_status td_topics_keep_schemas(td_log *log, const td_schema_ids *ids, int64_t now_ms) {
    registration r = {.to = {.now_ms = now_ms}};
    td_status status = td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &r.to.topic);
    if (status != TD_OK) return status;
    td_registry *there = td_registry_new();
    td_batch_init(&r.batch, SCHEMAS_BYTES);
    status = td_topics_each_record(r.to.topic, load_schema, there);
    if (status == TD_OK && !agrees(td_registry_ids(there), ids))
        status = TD_FAIL(TD_CONFIG, "its topic _schemas gives other ids than the registry of the records: name a new "
                                    "folder, or a prefix that is not used");
    if (status == TD_OK) status = put_schemas(ids, td_registry_ids(there), &r);
    if (status == TD_OK) status = write_schemas(&r);
    td_batch_fini(&r.batch);
    td_registry_free(there);
    return status;
}

td_status td_topics_open_copy(td_topics *out, td_log *log, const td_topics *from, int64_t now_ms) {
    td_destination schemas = {.now_ms = now_ms}, programs = {.now_ms = now_ms};
    td_status status = td_log_topic(log, "_schemas", 1, TD_TOPIC_INPUT, &schemas.topic);
    if (status == TD_OK) status = td_log_topic(log, "_programs", 1, TD_TOPIC_INPUT, &programs.topic);
    if (status == TD_OK && td_topic_end(schemas.topic, 0) > 0)
        status = TD_FAIL(TD_CONFIG, "there is a log already: name a new folder");
    if (status == TD_OK && from->schemas == NULL) status = td_topics_keep_schemas(log, from->ids, now_ms);
    if (status == TD_OK && from->schemas != NULL) status = td_topics_each_record(from->schemas, copy_record, &schemas);
    if (status == TD_OK) status = td_topics_each_record(from->programs, copy_record, &programs);
    if (status == TD_OK) status = td_topics_open(out, log, from->partitions, now_ms);
    uint32_t published = 0;
    for (int i = TD_OUTPUT_PUBLISHED; i < TD_OUTPUT_COUNT; i++)
        if (from->outputs[i] != NULL) published |= td_topics_bit((td_output)i);
    return status == TD_OK ? td_topics_publish(out, published) : status;
}

void td_topics_close(td_topics *topics) {
    td_registry_free(topics->registry);
    topics->registry = NULL;
}
