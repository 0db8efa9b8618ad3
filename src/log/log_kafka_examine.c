/* src/log/log_kafka_examine.c - what of a cluster a log cannot rest on, said before a run finds it out: rights, how
 * many replicas there are, and the settings of topics, each with its cure. */
#include "log/log_kafka_private.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH_BYTES_LEAST = 1000000 }; /* librdkafka's message.max.bytes */

typedef struct examination {
    td_kafka_log *log;
    const char *latest; /* the topic that is compacted */
    td_kafka_tell_fn tell;
    void *arg;
} examination;

static void tell(const examination *x, bool bad, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void tell(const examination *x, bool bad, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    x->tell(x->arg, bad, text);
}

/* --- settings of topics ------------------------------------------------------------------------------------------- */

typedef struct setting { /* of a topic, as the brokers say it */
    const examination *x;
    const struct rd_kafka_metadata_topic *topic;
    const char *name, *value;
} setting;

static const char *name_of(const setting *s) { return s->topic->topic + strlen(s->x->log->conf.prefix); }
static bool is_latest(const setting *s) { return strcmp(name_of(s), s->x->latest) == 0; }
static bool is_kept(const setting *s) { return name_of(s)[0] == '_'; }

static bool is_less(int64_t have, int64_t wanted) { return have >= 0 && (wanted < 0 || have < wanted); }

static bool is_not_deleted(const setting *s) { return !is_latest(s) && strcmp(s->value, "delete") != 0; }
static bool is_not_compacted(const setting *s) { return is_latest(s) && strcmp(s->value, "compact") != 0; }
static bool is_true(const setting *s) { return strcmp(s->value, "true") == 0; }
static bool is_writers_time(const setting *s) { return strcmp(s->value, "LogAppendTime") != 0; }
static bool is_small(const setting *s) { return atoll(s->value) < BATCH_BYTES_LEAST; }
static bool is_one_of_many(const setting *s) { return atoll(s->value) == 1 && s->topic->partitions[0].replica_cnt > 2; }

static bool is_out_of_reach(const setting *s) {
    for (int p = 0; p < s->topic->partition_cnt; p++)
        if (s->topic->partitions[p].isr_cnt < atoll(s->value)) return true;
    return false;
}

static bool is_lost_early(const setting *s) {
    td_kafka_retention wanted = td_kafka_retention_of(s->x->log, name_of(s), (uint32_t)s->topic->partition_cnt);
    return is_less(atoll(s->value), strcmp(s->name, "retention.ms") == 0 ? wanted.ms : wanted.bytes);
}
static bool is_lost(const setting *s) { return is_kept(s) && !is_latest(s) && is_lost_early(s); }
static bool is_short(const setting *s) { return !is_kept(s) && is_lost_early(s); }

static const struct {
    const char *name;
    bool (*wrong)(const setting *s);
    bool bad; /* else a run goes on, and may lose or refuse something */
    const char *why;
} rules[] = {
    {"cleanup.policy", is_not_deleted, true,
     "older records of a key would go, and a replay needs them: alter it to delete"},
    {"cleanup.policy", is_not_compacted, false, "it grows with each snapshot: alter it to compact"},
    {"retention.ms", is_lost, true, "what others are read by would go: alter it to -1"},
    {"retention.bytes", is_lost, true, "what others are read by would go: alter it to -1"},
    {"min.insync.replicas", is_out_of_reach, true,
     "fewer replicas than that are in sync, so nothing can be written: start the brokers that lack, or lower it"},
    {"unclean.leader.election.enable", is_true, true,
     "a broker that lags may lead, and take back what was committed: alter it to false"},
    {"retention.ms", is_short, false,
     "records go earlier than log.retain_time (raw_retain_time) says: alter it, or the configuration"},
    {"retention.bytes", is_short, false,
     "records go earlier than log.retain (raw_retain), shared by the partitions, says: alter it, or the configuration"},
    {"message.timestamp.type", is_writers_time, false,
     "what was recorded long ago is too old for retention.ms as soon as it comes: alter it to LogAppendTime"},
    {"min.insync.replicas", is_one_of_many, false,
     "a write counts that one broker alone has, and is lost with it: alter it to 2"},
    {"max.message.bytes", is_small, false, "batches are up to a megabyte: alter it to at least 1000000"},
};

static const char *value_of(const rd_kafka_ConfigResource_t *resource, const char *name) {
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0) return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static void judge_settings(const examination *x, const struct rd_kafka_metadata_topic *topic,
                           const rd_kafka_ConfigResource_t *resource) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const setting s = {x, topic, rules[i].name, value_of(resource, rules[i].name)};
        if (s.value == NULL || !rules[i].wrong(&s)) continue;
        tell(x, rules[i].bad, "topic %s: %s is %s: %s", topic->topic, s.name, s.value, rules[i].why);
    }
}

static const struct rd_kafka_metadata_topic *topic_named(const struct rd_kafka_metadata *metadata, const char *name) {
    int i = 0;
    while (strcmp(metadata->topics[i].topic, name) != 0) i++;
    return &metadata->topics[i];
}

/* Who may not ask for them is told so, once. */
static void judge_answers(const examination *x, const struct rd_kafka_metadata *metadata,
                          const rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_ConfigResource_t **answers = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)(uintptr_t)event), &count);
    bool told = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigResource_name(answers[i]);
        rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(answers[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            judge_settings(x, topic_named(metadata, name), answers[i]);
        else if (!told)
            tell(x, false, "topic %s: its settings are not told: %s: allow DESCRIBE_CONFIGS to have them checked", name,
                 rd_kafka_err2str(code));
        told = told || code != RD_KAFKA_RESP_ERR_NO_ERROR;
    }
}

static td_status ask_settings(const examination *x, const struct rd_kafka_metadata *metadata) {
    td_kafka_log *log = x->log;
    rd_kafka_ConfigResource_t **asked =
        td_alloc_zero((size_t)metadata->topic_cnt + 1, sizeof(rd_kafka_ConfigResource_t *));
    size_t count = 0;
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (td_kafka_is_ours(log, &metadata->topics[i]))
            asked[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, metadata->topics[i].topic);
    td_status status = TD_OK;
    if (count > 0) {
        rd_kafka_queue_t *queue = rd_kafka_queue_new(log->client);
        rd_kafka_DescribeConfigs(log->client, asked, count, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, log->conf.timeout_ms);
        rd_kafka_resp_err_t code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            judge_answers(x, metadata, event);
        else
            status = td_kafka_fail(log, code, "asking for", "the settings of topics");
        if (event != NULL) rd_kafka_event_destroy(event);
        rd_kafka_queue_destroy(queue);
    }
    rd_kafka_ConfigResource_destroy_array(asked, count);
    free((void *)asked);
    return status;
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

/* One record of the first topic that has some, and how far a writer is. */
static td_status try_reading(const examination *x) {
    td_kafka_log *log = x->log;
    td_status status = TD_OK;
    for (size_t t = 0; t < log->topic_count && status == TD_OK; t++) {
        td_topic *topic = &log->topics[t]->base;
        td_reader *reader;
        td_record record;
        td_position at;
        if (td_topic_end(topic, 0) == td_topic_start(topic, 0)) continue;
        status = td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED);
        if (status != TD_OK) break;
        status = td_reader_next(reader, &record);
        td_reader_close(reader);
        if (status == TD_OK || status == TD_AGAIN) status = td_log_committed(&log->base, "check", topic, 0, &at);
        return status == TD_AGAIN ? TD_OK : status;
    }
    return status;
}

/* A right is the cure where one lacks, not where nobody answers in time. */
static void tell_attempt(const examination *x, td_status status, const char *cure) {
    if (status != TD_OK)
        tell(x, true, "%s%s%s", td_trail(), status == TD_CONFIG ? ": " : "", status == TD_CONFIG ? cure : "");
}

static void try_all(const examination *x) {
    tell_attempt(x, try_reading(x), "allow READ and DESCRIBE on topics and groups of the prefix");
    tell_attempt(x, td_kafka_try_making(x->log), "allow CREATE on topics of the prefix, or lower log.replicas");
    tell_attempt(x, td_kafka_try_writing(x->log), "allow WRITE and DESCRIBE on transactions of the prefix");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void judge_leaders(const examination *x, const struct rd_kafka_metadata_topic *topic) {
    for (int p = 0; p < topic->partition_cnt; p++)
        if (topic->partitions[p].leader < 0)
            tell(x, true, "topic %s: partition %d has no leader: start the brokers that have it", topic->topic, p);
}

td_status td_log_kafka_examine(td_log *base, const char *latest, td_kafka_tell_fn each, void *arg) {
    const examination x = {(td_kafka_log *)base, latest, each, arg};
    const struct rd_kafka_metadata *metadata;
    td_kafka_log *log = x.log;
    rd_kafka_resp_err_t code = rd_kafka_metadata(log->client, 1, NULL, &metadata, log->conf.timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "listing", "topics");
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (td_kafka_is_ours(log, &metadata->topics[i])) judge_leaders(&x, &metadata->topics[i]);
    td_status status = ask_settings(&x, metadata);
    rd_kafka_metadata_destroy(metadata);
    if (status == TD_OK) try_all(&x);
    return status;
}
