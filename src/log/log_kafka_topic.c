/* src/log/log_kafka_topic.c - topics of a Kafka cluster: looked up, made, and listed. */
#include "base/time.h"
#include "log/log_kafka_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOOK_MS = 20, OPEN_TRIES = 3, LATEST_SEGMENT_BYTES = 32 << 20 };

static td_kafka_topic *find_topic(td_kafka_log *log, const char *name) {
    for (size_t i = 0; i < log->topic_count; i++)
        if (strcmp(log->topics[i]->base.name, name) == 0) return log->topics[i];
    return NULL;
}

static td_kafka_topic *add_topic(td_kafka_log *log, const char *name, uint32_t count) {
    td_kafka_topic *t = td_alloc_zero(1, sizeof *t);
    t->full_name = td_kafka_full_name(log, name);
    t->base = (td_topic){&log->base, t->full_name + strlen(log->conf.prefix), count, TD_TOPIC_OUTPUT};
    t->partitions = td_alloc_zero(count, sizeof *t->partitions);
    for (uint32_t p = 0; p < count; p++)
        t->partitions[p] = (td_kafka_partition){
            .topic = t, .number = p, .asked_ns = {INT64_MIN, INT64_MIN}, .wanted_ns = {INT64_MIN, INT64_MIN}};
    pthread_mutex_lock(&log->lock);
    size_t bytes = (log->topic_count + 1) * sizeof *log->topics, at = log->topic_count;
    log->topics = td_alloc_check(realloc(log->topics, bytes), bytes);
    for (; at > 0 && strcmp(log->topics[at - 1]->base.name, name) > 0; at--) log->topics[at] = log->topics[at - 1];
    log->topics[at] = t;
    log->topic_count++;
    atomic_fetch_add(&log->partition_count, count);
    pthread_mutex_unlock(&log->lock);
    return t;
}

void td_kafka_topic_free(td_kafka_topic *topic) {
    free(topic->partitions);
    free(topic->full_name);
    free(topic);
}

/* --- making one --------------------------------------------------------------------------------------------------- */

static td_status set_config(rd_kafka_NewTopic_t *topic, const char *name, const char *value) {
    rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config(topic, name, value);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? TD_OK : TD_FAIL(TD_CONFIG, "kafka: %s", rd_kafka_err2str(code));
}

static td_status set_number(rd_kafka_NewTopic_t *topic, const char *name, int64_t value) {
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    return set_config(topic, name, text);
}

/* Whoever reads it reads all of it, so what is superseded goes soon: a segment is compacted once it is full. */
static td_status describe_latest(rd_kafka_NewTopic_t *topic) {
    td_status status = set_config(topic, "cleanup.policy", "compact");
    if (status == TD_OK) status = set_number(topic, "segment.bytes", LATEST_SEGMENT_BYTES);
    if (status == TD_OK) status = set_config(topic, "min.cleanable.dirty.ratio", "0.1");
    return status;
}

/* What others are read by is never aged out. */
td_kafka_retention td_kafka_retention_of(const td_kafka_log *log, const char *name, uint32_t partitions) {
    const td_log_kafka_conf *conf = &log->conf;
    bool apart = conf->apart != NULL && strncmp(name, conf->apart, strlen(conf->apart)) == 0;
    int64_t ms = apart ? conf->apart_ms : conf->retain_ms;
    int64_t bytes = (apart ? conf->apart_bytes : conf->retain_bytes) / partitions;
    if (name[0] == '_') return (td_kafka_retention){-1, -1};
    return (td_kafka_retention){ms > 0 ? ms : -1, bytes > 0 ? bytes : -1};
}

static td_status describe(const td_kafka_log *log, const char *name, uint32_t partitions, td_topic_role role,
                          rd_kafka_NewTopic_t *topic) {
    td_kafka_retention retention = td_kafka_retention_of(log, name, partitions);
    if (role == TD_TOPIC_LATEST) retention = (td_kafka_retention){-1, -1};
    td_status status = set_number(topic, "retention.ms", retention.ms);
    if (status == TD_OK) status = set_number(topic, "retention.bytes", retention.bytes);
    if (status == TD_OK) status = set_config(topic, "message.timestamp.type", "LogAppendTime");
    return status == TD_OK && role == TD_TOPIC_LATEST ? describe_latest(topic) : status;
}

/* TD_AGAIN: another process was quicker. */
static td_status make(td_kafka_log *log, const char *full_name, rd_kafka_NewTopic_t *topic, bool only_asked) {
    rd_kafka_t *rk = log->client;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char text[128];
    (void)rd_kafka_AdminOptions_set_validate_only(options, only_asked, text, sizeof text);
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, log->conf.timeout_ms);
    rd_kafka_resp_err_t code = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
    td_status status = TD_OK;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        size_t count;
        const rd_kafka_topic_result_t **made =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        code = rd_kafka_topic_result_error(made[0]);
        const char *why = rd_kafka_topic_result_error_string(made[0]);
        if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            status = TD_AGAIN;
        else if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = td_kafka_fail(log, code, full_name, why != NULL ? why : "");
    } else {
        status = td_kafka_fail(log, code, "making topic", full_name);
    }
    if (event != NULL) rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return status;
}

static td_status create(td_kafka_log *log, const char *name, uint32_t partitions, td_topic_role role, bool only_asked) {
    char *full_name = td_kafka_full_name(log, name);
    char why[256];
    int replicas = log->conf.replicas > 0 ? log->conf.replicas : -1;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(full_name, (int)partitions, replicas, why, sizeof why);
    td_status status = topic != NULL ? describe(log, name, partitions, role, topic)
                                     : TD_FAIL(TD_CONFIG, "kafka: topic %s: %s", full_name, why);
    if (status == TD_OK) status = make(log, full_name, topic, only_asked);
    if (topic != NULL) rd_kafka_NewTopic_destroy(topic);
    free(full_name);
    return status;
}

td_status td_kafka_try_making(td_kafka_log *log) {
    td_status status = create(log, "check", 1, TD_TOPIC_OUTPUT, true);
    return status == TD_AGAIN ? TD_OK : status;
}

/* --- looking one up ----------------------------------------------------------------------------------------------- */

/* How many partitions it has, all with a leader; 0: there is no such topic. TD_AGAIN: not all have one yet. */
static td_status look(td_kafka_log *log, const char *full_name, uint32_t *out_count) {
    rd_kafka_t *rk = log->client;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, full_name, NULL);
    if (topic == NULL) return TD_FAIL(TD_CONFIG, "kafka: %s is no name of a topic", full_name);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, topic, &metadata, log->conf.timeout_ms);
    rd_kafka_topic_destroy(topic);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "looking up topic", full_name);

    const struct rd_kafka_metadata_topic *found = &metadata->topics[0];
    td_status status = TD_OK;
    code = metadata->topic_cnt == 1 ? found->err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *out_count = 0;
    if (code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        status = TD_AGAIN;
    } else if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *out_count = (uint32_t)found->partition_cnt;
        for (int p = 0; p < found->partition_cnt; p++)
            if (found->partitions[p].leader < 0) status = TD_AGAIN;
    } else if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        status = td_kafka_fail(log, code, "looking up topic", full_name);
    }
    rd_kafka_metadata_destroy(metadata);
    return status;
}

/* A broker that dies while it is asked does not answer, and the next try asks another one. */
static td_status look_again(td_kafka_log *log, const char *full_name, uint32_t *out_count) {
    td_status status = TD_RETRY;
    for (int i = 0; i < OPEN_TRIES && status == TD_RETRY; i++) status = look(log, full_name, out_count);
    return status;
}

typedef struct wish { /* a topic that is opened */
    const char *name, *full_name;
    uint32_t partitions;
    td_topic_role role;
    bool made; /* by this process, just now */
} wish;

/* Made when missing, if a count is wanted; until every partition has a leader. */
static td_status look_or_make(td_kafka_log *log, wish *w, uint32_t *out_count) {
    int64_t deadline_ns = td_kafka_deadline_ns(log);
    const char *full_name = w->full_name;
    bool tried = false;
    for (;;) {
        td_status status = look_again(log, full_name, out_count);
        if (status == TD_OK && *out_count == 0 && w->partitions == 0) return TD_AGAIN;
        if (status == TD_OK && *out_count == 0 && log->conf.read_only)
            return TD_FAIL(TD_CONFIG, "kafka: there is no topic %s", full_name);
        if (status == TD_OK && *out_count == 0 && !tried) {
            status = create(log, w->name, w->partitions, w->role, false);
            w->made = status == TD_OK;
            tried = true;
            if (status == TD_AGAIN || status == TD_OK) continue;
        }
        if (status != TD_AGAIN && (status != TD_OK || *out_count > 0)) return status;
        if (td_kafka_left_ms(log, deadline_ns) == 0)
            return TD_FAIL(TD_RETRY, "kafka: topic %s has partitions without a leader", full_name);
        (void)rd_kafka_poll(log->client, LOOK_MS);
    }
}

/* An end that was never known would look like an empty topic. Where a broker has just died, its partitions have no
 * leader until its session is over, 9 s unless the cluster says otherwise: more than one call waits. */
static td_status learn_ends(const td_kafka_topic *topic) {
    td_status status = TD_RETRY;
    for (int i = 0; i < OPEN_TRIES && status == TD_RETRY; i++) status = td_kafka_ask_ends_of(topic);
    return status;
}

td_status td_kafka_topic_open(td_log *base, const char *name, uint32_t partitions, td_topic_role role, td_topic **out) {
    td_kafka_log *log = (td_kafka_log *)base;
    td_kafka_topic *topic = find_topic(log, name);
    uint32_t count = topic != NULL ? topic->base.partitions : 0;
    char *full_name = td_kafka_full_name(log, name);
    wish w = {name, full_name, partitions, role, false};
    td_status status = topic != NULL ? TD_OK : look_or_make(log, &w, &count);
    if (status == TD_OK && partitions != 0 && count != partitions)
        status = TD_FAIL(TD_CONFIG,
                         "kafka: topic %s has %" PRIu32 " partitions, not %" PRIu32
                         "; a log keeps its number: set log.partitions to it, or another log.prefix",
                         full_name, count, partitions);
    if (status == TD_OK && topic == NULL) topic = add_topic(log, name, count);
    free(full_name);
    if (status != TD_OK) return status;
    topic->base.role = role;
    *out = &topic->base;
    return w.made ? TD_OK : learn_ends(topic); /* nobody has written to one that was made */
}

/* --- all of them ---------------------------------------------------------------------------------------------------
 */

/* Kafka's own begin with two underscores. */
bool td_kafka_is_ours(const td_kafka_log *log, const struct rd_kafka_metadata_topic *topic) {
    size_t prefix = strlen(log->conf.prefix);
    return topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && strncmp(topic->topic, log->conf.prefix, prefix) == 0 &&
           strncmp(topic->topic, "__", 2) != 0 && topic->topic[prefix] != '\0';
}

td_status td_kafka_each_topic(td_log *base, td_topic_fn each, void *arg) {
    td_kafka_log *log = (td_kafka_log *)base;
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(log->client, 1, NULL, &metadata, log->conf.timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "listing", "topics");
    for (size_t i = 0; i < log->topic_count; i++) log->topics[i]->gone = true;
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &metadata->topics[i];
        if (!td_kafka_is_ours(log, t)) continue;
        const char *name = t->topic + strlen(log->conf.prefix);
        td_kafka_topic *topic = find_topic(log, name);
        if (topic == NULL) topic = add_topic(log, name, (uint32_t)t->partition_cnt);
        topic->gone = topic->base.partitions > (uint32_t)t->partition_cnt; /* made anew, with fewer */
    }
    rd_kafka_metadata_destroy(metadata);
    td_status status = td_kafka_ask_ends(log); /* as where one is opened */
    for (size_t i = 0; i < log->topic_count && status == TD_OK; i++)
        if (!log->topics[i]->gone) each(arg, &log->topics[i]->base);
    return status;
}
