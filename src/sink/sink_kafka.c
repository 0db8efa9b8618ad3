/* src/sink/sink_kafka.c - rows as JSON into topics of a Kafka cluster, named by a template, such as one for each
 * symbol. A transaction holds a batch's records and the position behind them, which lies in a compacted topic of the
 * sink's own beside the names that were given away; so a reader of what is committed gets each row once, whatever dies
 * when. The topics are a log of their own (log/log.h), of which this thread is the only one.
 *
 * Errors: TD_RETRY (the brokers), TD_CONFIG (the template; two instruments of one name; a login; a build without
 * Kafka), TD_FENCED (another process has a sink of this name on this cluster). */
#include "base/hash.h"
#include "base/time.h"
#include "log/log_kafka.h"
#include "sink/sink.h"
#include "sink/template.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_BYTES = 256 * 1024, NAME_MAX_BYTES = 249, KEY_BYTES = 300, SLOTS_LEAST = 64 };

typedef struct target { /* a topic that rows go to */
    char *name;
    char *instrument; /* the first that had this name; NULL: not known yet */
    td_topic *topic;
    bool told; /* whose it is stands beside the positions */
} target;

typedef struct place { /* what is committed of a partition of the log */
    char *key;         /* "bars/3" */
    td_position next;
} place;

typedef struct aim { /* of one row */
    uint32_t target, partition, row;
} aim;

typedef struct kafka_sink {
    const td_sink_conf *conf;
    td_log *log;
    td_writer *writer; /* NULL: not begun */
    td_topic *positions;
    place *places;
    size_t place_count;
    target *targets;
    size_t target_count;
    uint32_t *slots; /* of targets by name, open addressing, 0: none; a power of two of them, at most half full */
    size_t slot_count;
    aim *aims;
    size_t aim_capacity;
    td_batch batch;
    bool in_doubt; /* a commit was asked for, and its result is not known: the same rows come again */
} kafka_sink;

static void *grown(void *items, size_t bytes) { return td_alloc_check(realloc(items, bytes), bytes); }

/* ---- names ---- */

static bool is_legal(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_of_names(char c) { return is_legal(c) || c == '.' || c == '_'; }

static const td_template_form topic_names = {.key = "topic",
                                             .is_literal = is_of_names,
                                             .is_of_words = is_legal,
                                             .stand_in = '-',
                                             .said = "names of topics have letters, digits, '.', '_' and '-'"};

static td_status check_template(const char *template) {
    td_status status = td_template_check(&topic_names, template);
    if (status != TD_OK || template[0] != '_') return status;
    return TD_FAIL(TD_CONFIG, "topic: \"%s\": a name that begins with _ is a log's own", template);
}

/* ---- targets ---- */

static uint32_t *slot_of(kafka_sink *s, const char *name) {
    size_t at = td_hash_bytes(td_text(name)) & (s->slot_count - 1);
    while (s->slots[at] != 0 && strcmp(s->targets[s->slots[at] - 1].name, name) != 0)
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static void make_room(kafka_sink *s) {
    if (s->target_count * 2 < s->slot_count) return;
    s->slot_count = s->slot_count > 0 ? 2 * s->slot_count : SLOTS_LEAST;
    free(s->slots);
    s->slots = td_alloc_zero(s->slot_count, sizeof *s->slots);
    s->targets = grown(s->targets, s->slot_count * sizeof *s->targets);
    for (size_t i = 0; i < s->target_count; i++) *slot_of(s, s->targets[i].name) = (uint32_t)i + 1;
}

static target *target_named(kafka_sink *s, const char *name) {
    make_room(s);
    uint32_t *slot = slot_of(s, name);
    if (*slot == 0) {
        s->targets[s->target_count] = (target){.name = td_copy_text(name)};
        *slot = (uint32_t)++s->target_count;
    }
    return &s->targets[*slot - 1];
}

/* As it is there, or new. */
static td_status open_target(kafka_sink *s, target *t) {
    if (t->topic != NULL) return TD_OK;
    td_status status = td_log_topic(s->log, t->name, 0, TD_TOPIC_OUTPUT, &t->topic);
    if (status == TD_AGAIN)
        status = td_log_topic(s->log, t->name, (uint32_t)s->conf->partitions, TD_TOPIC_OUTPUT, &t->topic);
    return status;
}

/* Where the template tells instruments apart, a name is one's alone. */
static td_status claim(const kafka_sink *s, target *t, td_bytes instrument) {
    if (strstr(s->conf->topic, "{instrument}") == NULL && strstr(s->conf->topic, "{symbol}") == NULL) return TD_OK;
    if (t->instrument == NULL) t->instrument = td_copy_bytes(instrument);
    if (td_bytes_equal(td_text(t->instrument), instrument)) return TD_OK;
    return TD_FAIL(TD_CONFIG,
                   "topic: %s would be the name for %s and for %.*s: put {venue} or more of the name into it", t->name,
                   t->instrument, (int)instrument.size, (const char *)instrument.data);
}

static td_status aim_at(kafka_sink *s, const char *topic, const td_sink_row *row, aim *out) {
    char name[NAME_MAX_BYTES + 1];
    if (!td_template_fill(&topic_names, s->conf->topic, topic, row->instrument, name, NAME_MAX_BYTES))
        return TD_FAIL(TD_CONFIG, "topic: the name for %.*s has more than %d characters", (int)row->instrument.size,
                       (const char *)row->instrument.data, NAME_MAX_BYTES);
    target *t = target_named(s, name);
    td_status status = claim(s, t, row->instrument);
    if (status == TD_OK) status = open_target(s, t);
    if (status != TD_OK) return status;
    out->target = (uint32_t)(t - s->targets);
    out->partition = td_partition_of(row->instrument, td_topic_partitions(t->topic));
    return TD_OK;
}

static int compare_aims(const void *a_any, const void *b_any) {
    const aim *a = a_any, *b = b_any;
    if (a->target != b->target) return a->target < b->target ? -1 : 1;
    if (a->partition != b->partition) return a->partition < b->partition ? -1 : 1;
    return a->row < b->row ? -1 : 1;
}

/* ---- what is committed ---- */

static place *place_of(kafka_sink *s, const char *key) {
    for (size_t i = 0; i < s->place_count; i++)
        if (strcmp(s->places[i].key, key) == 0) return &s->places[i];
    s->places = grown(s->places, (s->place_count + 1) * sizeof *s->places);
    s->places[s->place_count] = (place){td_copy_text(key), {-1, 0}};
    return &s->places[s->place_count++];
}

/* "bars/3" and "0 5120", or "topic/IBM_topic" and its instrument: no output is called "topic". */
static td_status take_record(kafka_sink *s, const td_record *record) {
    static const char names[] = "topic/";
    char key[KEY_BYTES], value[KEY_BYTES];
    td_position next;
    if (record->key.size >= sizeof key || record->value.size >= sizeof value || record->value.size == 0)
        return TD_FAIL(TD_CONFIG, "%s holds what no sink has written", td_topic_name(s->positions));
    (void)snprintf(key, sizeof key, "%.*s", (int)record->key.size, (const char *)record->key.data);
    (void)snprintf(value, sizeof value, "%.*s", (int)record->value.size, (const char *)record->value.data);
    if (strncmp(key, names, sizeof names - 1) == 0) {
        target *t = target_named(s, key + sizeof names - 1);
        free(t->instrument);
        t->instrument = td_copy_text(value);
        t->told = true;
        return TD_OK;
    }
    if (sscanf(value, "%" SCNd32 " %" SCNd64, &next.epoch, &next.offset) != 2)
        return TD_FAIL(TD_CONFIG, "%s holds what no sink has written", td_topic_name(s->positions));
    place_of(s, key)->next = next;
    return TD_OK;
}

static td_status read_committed(kafka_sink *s) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, s->positions, 0, 0, TD_READ_SYNCED);
    if (status != TD_OK) return status;
    while (status == TD_OK) {
        status = td_reader_next(reader, &record);
        if (status == TD_OK) status = take_record(s, &record);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

/* Behind the opening, which `check` does, too: who opens a writer takes its name from whoever has it. */
static td_status begin(kafka_sink *s) {
    char name[KEY_BYTES];
    (void)snprintf(name, sizeof name, "_sink.%s", s->conf->name);
    td_status status = td_log_topic(s->log, name, 1, TD_TOPIC_LATEST, &s->positions);
    if (status == TD_OK) status = td_writer_open(&s->writer, s->log, name + 1);
    return status == TD_OK ? read_committed(s) : status;
}

static td_status kafka_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    kafka_sink *s = sink;
    char key[KEY_BYTES];
    td_status status = s->writer == NULL ? begin(s) : TD_OK;
    (void)snprintf(key, sizeof key, "%s/%" PRIu32, topic, partition);
    if (status == TD_OK) *out = place_of(s, key)->next;
    return status;
}

/* ---- a batch ---- */

static td_status append(kafka_sink *s, td_topic *topic, uint32_t partition) {
    td_status status = s->batch.count > 0 ? td_writer_append(s->writer, topic, partition, &s->batch) : TD_OK;
    td_batch_reset(&s->batch);
    return status;
}

typedef struct entry {
    int64_t timestamp_ms;
    td_bytes key, value, source;
} entry;

static td_status put(kafka_sink *s, td_topic *topic, uint32_t partition, const entry *e) {
    td_bytes name = e->source.size > 0 ? TD_TEXT("source") : (td_bytes){0};
    if (td_batch_add(&s->batch, e->timestamp_ms, e->key, e->value, name, e->source)) return TD_OK;
    td_status status = append(s, topic, partition);
    (void)td_batch_add(&s->batch, e->timestamp_ms, e->key, e->value, name, e->source);
    return status;
}

static td_status put_rows(kafka_sink *s, const char *topic, uint32_t partition, const td_sink_row *rows, size_t count) {
    td_status status = TD_OK;
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        const aim *a = &s->aims[i];
        const td_sink_row *row = &rows[a->row];
        td_topic *to = s->targets[a->target].topic;
        char source[KEY_BYTES];
        int size = snprintf(source, sizeof source, "%s/%" PRIu32 "/%" PRId32 "/%" PRId64, topic, partition,
                            row->source.epoch, row->source.offset);
        const entry e = {row->appended_ms, row->instrument, row->json, {(uint8_t *)source, (size_t)size}};
        status = put(s, to, a->partition, &e);
        bool last = i + 1 == count || s->aims[i + 1].target != a->target || s->aims[i + 1].partition != a->partition;
        if (status == TD_OK && last) status = append(s, to, a->partition);
    }
    return status;
}

/* Where the sink is then, and whose the names are that were given first. */
static td_status put_position(kafka_sink *s, const char *key, td_position next, int64_t now_ms) {
    char text[KEY_BYTES];
    td_status status = TD_OK;
    for (size_t i = 0; i < s->target_count && status == TD_OK; i++) {
        const target *t = &s->targets[i];
        if (t->told || t->instrument == NULL) continue;
        int size = snprintf(text, sizeof text, "topic/%s", t->name);
        const entry e = {now_ms, {(uint8_t *)text, (size_t)size}, td_text(t->instrument), {0}};
        status = put(s, s->positions, 0, &e);
    }
    int size = snprintf(text, sizeof text, "%" PRId32 " %" PRId64, next.epoch, next.offset);
    const entry e = {now_ms, td_text(key), {(uint8_t *)text, (size_t)size}, {0}};
    if (status == TD_OK) status = put(s, s->positions, 0, &e);
    return status == TD_OK ? append(s, s->positions, 0) : status;
}

static void reserve_aims(kafka_sink *s, size_t count) {
    if (count <= s->aim_capacity) return;
    s->aims = grown(s->aims, count * sizeof *s->aims);
    s->aim_capacity = count;
}

static td_status commit(kafka_sink *s, const char *key, td_position next) {
    td_status status = td_writer_commit(s->writer, NULL, 0);
    s->in_doubt = status == TD_RETRY;
    if (status != TD_OK) return status;
    place_of(s, key)->next = next;
    for (size_t i = 0; i < s->target_count; i++) s->targets[i].told |= s->targets[i].instrument != NULL;
    return TD_OK;
}

static td_status kafka_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows,
                             size_t row_count, td_position next) {
    kafka_sink *s = sink;
    char key[KEY_BYTES];
    td_status status = TD_OK;
    (void)snprintf(key, sizeof key, "%s/%" PRIu32, topic, partition);
    if (s->in_doubt) {
        status = commit(s, key, next);
        if (status != TD_REJECT) return status;
    }
    reserve_aims(s, row_count);
    for (size_t i = 0; i < row_count; i++) {
        s->aims[i].row = (uint32_t)i;
        status = aim_at(s, topic, &rows[i], &s->aims[i]);
        if (status != TD_OK) return status;
    }
    if (row_count > 1) qsort(s->aims, row_count, sizeof *s->aims, compare_aims);
    td_batch_reset(&s->batch);
    status = td_writer_abort(s->writer); /* what a try before has left, if it has */
    if (status == TD_OK) status = td_writer_begin(s->writer);
    if (status == TD_OK) status = put_rows(s, topic, partition, rows, row_count);
    if (status == TD_OK) status = put_position(s, key, next, row_count > 0 ? rows[row_count - 1].appended_ms : 0);
    if (status == TD_OK) status = commit(s, key, next);
    return status == TD_REJECT ? TD_FAIL(TD_RETRY, "%s", td_trail()) : status;
}

/* ---- life ---- */

static void kafka_close(void *sink) {
    kafka_sink *s = sink;
    if (s == NULL) return;
    td_writer_close(s->writer);
    td_log_close(s->log);
    for (size_t i = 0; i < s->target_count; i++) {
        free(s->targets[i].name);
        free(s->targets[i].instrument);
    }
    for (size_t i = 0; i < s->place_count; i++) free(s->places[i].key);
    td_batch_fini(&s->batch);
    free(s->targets);
    free(s->slots);
    free(s->places);
    free(s->aims);
    free(s);
}

static td_status kafka_open(void **out, const td_os *os, const td_sink_conf *conf) {
    td_status status = check_template(conf->topic);
    if (status != TD_OK) return status;
    if (conf->brokers == NULL)
        return TD_FAIL(TD_CONFIG, "brokers: the log is in a folder, so there are none to take: name some");
    kafka_sink *s = td_alloc_zero(1, sizeof *s);
    s->conf = conf;
    td_batch_init(&s->batch, BATCH_BYTES);
    const td_log_kafka_conf log = {.brokers = conf->brokers,
                                   .prefix = conf->prefix != NULL ? conf->prefix : "",
                                   .replicas = (int)conf->replicas,
                                   .retain_ms = conf->retain_ns / TD_NS_PER_MS,
                                   .codec = TD_CODEC_LZ4,
                                   .properties = &conf->properties,
                                   .password = conf->password};
    status = td_log_kafka_open(&s->log, os, &log, NULL, NULL);
    if (status != TD_OK) {
        kafka_close(s);
        return status;
    }
    *out = s;
    return TD_OK;
}

static const td_option options[] = {
    {.key = "name",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, name),
     .help = "name of this sink; default: the kind, then kind-2, …"},
    {.key = "topic",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_sink_conf, topic),
     .help =
         "the topic that a row goes to, such as \"{symbol}_topic\": {symbol}, {venue}, {instrument} and {topic} stand "
         "for a row's own, with '-' for what is no letter, digit or '-'; made when missing"},
    {.key = "of",
     .type = TD_OPTION_TEXTS,
     .offset = offsetof(td_sink_conf, of),
     .help =
         "what goes there: bars, signals, fills, gaps, vendor_bars; trades, quotes and news that `log.publish` names; "
         "unset: the first five"},
    {.key = "brokers",
     .type = TD_OPTION_TEXT,
     .unit = "HOST:PORT",
     .offset = offsetof(td_sink_conf, brokers),
     .help = "of the cluster; unset: those of log.kafka, with its prefix and properties"},
    {.key = "prefix",
     .type = TD_OPTION_TEXT,
     .offset = offsetof(td_sink_conf, prefix),
     .help = "of the names of topics, of the transactions and of the topic that keeps its position"},
    {.key = "properties",
     .type = TD_OPTION_PAIRS,
     .offset = offsetof(td_sink_conf, properties),
     .help = "librdkafka's, as those of log.properties; secrets by ${VARIABLE}"},
    {.key = "password",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_sink_conf, password),
     .help = "sasl.password, by ${VARIABLE}"},
    {.key = "password_file",
     .type = TD_OPTION_TEXT,
     .unit = "FILE",
     .offset = offsetof(td_sink_conf, password_file),
     .help = "or the file that holds it"},
    {.key = "partitions",
     .type = TD_OPTION_INT,
     .fallback = "1",
     .min = 1,
     .max = 1000,
     .offset = offsetof(td_sink_conf, partitions),
     .help = "of a topic that is made; the instrument chooses one as Kafka's Java client does"},
    {.key = "replicas",
     .type = TD_OPTION_INT,
     .max = 100,
     .unit = "brokers",
     .offset = offsetof(td_sink_conf, replicas),
     .help = "that hold each partition of topics that are made; unset: as the brokers say"},
    {.key = "retain_time",
     .type = TD_OPTION_DURATION,
     .fallback = "7d",
     .offset = offsetof(td_sink_conf, retain_ns),
     .help = "how long a topic that is made keeps its records; 0: for ever"},
    {0},
};

const td_sink_ops td_sink_kafka = {.kind = "kafka",
                                   .options = options,
                                   .as_json = true,
                                   .open = kafka_open,
                                   .position = kafka_position,
                                   .write = kafka_write,
                                   .close = kafka_close};
