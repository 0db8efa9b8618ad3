/* src/log/log_kafka.c - the log on a Kafka cluster: its handles, what they are told and what they complain of. */
#include "base/time.h"
#include "log/folder.h"
#include "log/log_kafka_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS_DEFAULT = 10000, LOOK_MS = 100, LOG_WARNING = 4 };
enum { QUEUED_MB = 256, QUEUED_KB_LEAST = 256, QUEUED_KB_MOST = 8192 };

static const td_log_ops kafka_ops;

/* --- time --------------------------------------------------------------------------------------------------------- */

int64_t td_kafka_deadline_ns(const td_kafka_log *log) {
    return td_kafka_now_ns(log) + log->conf.timeout_ms * TD_NS_PER_MS;
}

int td_kafka_left_ms(const td_kafka_log *log, int64_t deadline_ns) {
    int64_t left_ms = (deadline_ns - td_kafka_now_ns(log)) / TD_NS_PER_MS;
    return left_ms < 0 ? 0 : (int)left_ms;
}

/* --- what the library says ---------------------------------------------------------------------------------------- */

static td_kafka_log *log_of(const rd_kafka_t *rk) { return *(td_kafka_log **)rd_kafka_opaque(rk); }

/* Of its own threads. A property of producers is no fault in a consumer. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    td_kafka_log *log = log_of(rk);
    if (level > LOG_WARNING || strcmp(facility, "CONFWARN") == 0) return;
    char line[512];
    (void)snprintf(line, sizeof line, "kafka: %s", text);
    pthread_mutex_lock(&log->report_lock);
    (void)snprintf(log->trouble, sizeof log->trouble, "; %s", text);
    log->trouble_ns = td_kafka_now_ns(log);
    if (log->report != NULL) log->report(log->report_arg, line);
    pthread_mutex_unlock(&log->report_lock);
}

bool td_kafka_is_refusal(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return true;
    default:
        return false;
    }
}

/* By rd_kafka_poll, while the log is opened; afterwards what matters comes as the result of a call. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *arg) {
    (void)reason, (void)arg;
    td_kafka_log *log = log_of(rk);
    if (td_kafka_is_refusal((rd_kafka_resp_err_t)code)) atomic_store(&log->refusal, code);
}

td_status td_kafka_fail(td_kafka_log *log, rd_kafka_resp_err_t code, const char *doing, const char *what) {
    char trouble[sizeof log->trouble] = "";
    pthread_mutex_lock(&log->report_lock);
    if (log->trouble_ns > td_kafka_now_ns(log) - log->conf.timeout_ms * TD_NS_PER_MS - TD_NS_PER_S)
        memcpy(trouble, log->trouble, sizeof trouble);
    pthread_mutex_unlock(&log->report_lock);
    return TD_FAIL(td_kafka_is_refusal(code) ? TD_CONFIG : TD_RETRY, "kafka %s: %s %s: %s%s", log->conf.brokers, doing,
                   what, rd_kafka_err2str(code), trouble);
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

void td_kafka_must_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof why);
    assert(result == RD_KAFKA_CONF_OK);
    (void)result;
}

/* All partitions being read once, there is no more than QUEUED_MB in the queues of all. */
size_t td_kafka_queued_kb(const td_kafka_log *log) {
    size_t kb = ((size_t)QUEUED_MB << 10) / (atomic_load(&log->partition_count) + 1);
    return kb < QUEUED_KB_LEAST ? QUEUED_KB_LEAST : kb < QUEUED_KB_MOST ? kb : QUEUED_KB_MOST;
}

bool td_kafka_goes_on_fetching(void) { return rd_kafka_version() >= 0x02020000; }

typedef struct property {
    const char *name, *value;
} property;

static td_status set_property(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return TD_OK;
    return TD_FAIL(TD_CONFIG, "properties: %s: %s", name, why);
}

static td_status set_configured(const td_kafka_log *log, rd_kafka_conf_t *conf) {
    td_status status = TD_OK;
    for (size_t i = 0; i < log->properties.count && status == TD_OK; i++) {
        const char *value;
        char *name = td_pair_split(log->properties.items[i], &value);
        status = set_property(conf, name, value);
        free(name);
    }
    if (status != TD_OK || log->conf.password == NULL) return status;
    return set_property(conf, "sasl.password", log->conf.password);
}

td_status td_kafka_conf_new(td_log **owner, rd_kafka_conf_t **out) {
    const td_kafka_log *log = (const td_kafka_log *)*owner;
    static const property chosen[] = {
        {"client.id", "tapedeck"},
        {"reconnect.backoff.max.ms", "1000"},
        {"socket.keepalive.enable", "true"},
        {"fetch.wait.max.ms", "20"},         /* a reader that begins waits for the fetch that is under way */
        {"queued.min.messages", "10000000"}, /* the most: bytes are the bound */
        {"linger.ms", "5"},
        {"batch.size", "1000000"},
        {"batch.num.messages", "100000"},
        {"queue.buffering.max.kbytes", "65536"}, /* of one writer; then it waits */
        {"queue.buffering.max.messages", "1000000"},
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"}, /* a rebalance waits for that of each member, twice */
    };
    static const property rested_on[] = {
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "error"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"check.crcs", "true"},
        {"acks", "all"},
        {"delivery.report.only.error", "false"}, /* deliveries tell where a transaction ends */
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++)
        td_kafka_must_set(conf, chosen[i].name, chosen[i].value);
    char queued_kb[16];
    (void)snprintf(queued_kb, sizeof queued_kb, "%zu", td_kafka_queued_kb(log));
    td_kafka_must_set(conf, "queued.max.messages.kbytes", queued_kb);
    if (td_kafka_goes_on_fetching()) td_kafka_must_set(conf, "fetch.queue.backoff.ms", "5");
    td_status status = set_configured(log, conf);
    if (status != TD_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    for (size_t i = 0; i < sizeof rested_on / sizeof rested_on[0]; i++)
        td_kafka_must_set(conf, rested_on[i].name, rested_on[i].value);
    td_kafka_must_set(conf, "bootstrap.servers", log->conf.brokers);
    rd_kafka_conf_set_opaque(conf, owner);
    rd_kafka_conf_set_log_cb(conf, on_log);
    *out = conf;
    return TD_OK;
}

td_status td_kafka_open_handle(rd_kafka_t **out, rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[256];
    *out = rd_kafka_new(type, conf, why, sizeof why);
    if (*out != NULL) return TD_OK;
    rd_kafka_conf_destroy(conf);
    return TD_FAIL(TD_CONFIG, "kafka: %s", why);
}

char *td_kafka_full_name(const td_kafka_log *log, const char *name) {
    td_buf full = {0};
    td_buf_printf(&full, "%s%s", log->conf.prefix, name);
    td_buf_put(&full, "", 1);
    return (char *)full.data;
}

static td_status open_consumer(td_kafka_log *log, const char *group, rd_kafka_t **out) {
    rd_kafka_conf_t *conf;
    td_status status = td_kafka_conf_new(&log->self, &conf);
    if (status != TD_OK) return status;
    if (group != NULL) td_kafka_must_set(conf, "group.id", group);
    rd_kafka_conf_set_error_cb(conf, on_error);
    return td_kafka_open_handle(out, RD_KAFKA_CONSUMER, conf);
}

/* It joins no group, but has the name of one: where a handle has none, librdkafka (to 2.10 at least, see its issue
 * 5040) ends the process when a coordinator of another group that it asks has moved or is loading. */
td_status td_kafka_open_client(td_kafka_log *log, rd_kafka_t **out) {
    char *group = td_kafka_full_name(log, "client");
    td_status status = open_consumer(log, group, out);
    free(group);
    return status;
}

static td_status add_consumer(td_kafka_log *log) {
    rd_kafka_t *rk;
    td_status status = open_consumer(log, NULL, &rk);
    if (status != TD_OK) return status;
    size_t bytes = (log->consumer_count + 1) * sizeof *log->consumers;
    log->consumers = td_alloc_check(realloc(log->consumers, bytes), bytes);
    log->consumers[log->consumer_count++] = (td_kafka_consumer){.rk = rk};
    return TD_OK;
}

static const td_kafka_partition **find_reading(const td_kafka_consumer *c, const td_kafka_partition *partition) {
    const td_kafka_partition **all = (const td_kafka_partition **)(void *)c->reading.data;
    for (size_t i = 0; i < c->reading.size / sizeof *all; i++)
        if (all[i] == partition) return &all[i];
    return NULL;
}

/* The first that does not read this partition yet: few handles, with their threads, serve many readers. */
td_status td_kafka_take_consumer(td_kafka_log *log, const td_kafka_partition *partition, rd_kafka_t **out) {
    td_status status = TD_OK;
    pthread_mutex_lock(&log->lock);
    size_t i = 0;
    while (i < log->consumer_count && find_reading(&log->consumers[i], partition) != NULL) i++;
    if (i == log->consumer_count) status = add_consumer(log);
    if (status == TD_OK) {
        td_buf_put(&log->consumers[i].reading, &partition, sizeof(td_kafka_partition *));
        *out = log->consumers[i].rk;
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

void td_kafka_give_consumer(td_kafka_log *log, const td_kafka_partition *partition, rd_kafka_t *rk) {
    pthread_mutex_lock(&log->lock);
    td_kafka_consumer *c = log->consumers;
    while (c->rk != rk) c++;
    const td_kafka_partition **found = find_reading(c, partition);
    c->reading.size -= sizeof(td_kafka_partition *);
    memcpy(found, c->reading.data + c->reading.size, sizeof(td_kafka_partition *)); /* the last one takes its place */
    pthread_mutex_unlock(&log->lock);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void kafka_close(td_log *base) {
    td_kafka_log *log = (td_kafka_log *)base;
    for (size_t i = log->consumer_count; i-- > 0;) {
        rd_kafka_destroy(log->consumers[i].rk);
        td_buf_fini(&log->consumers[i].reading);
    }
    free(log->consumers);
    if (log->client != NULL) rd_kafka_destroy_flags(log->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    for (size_t i = 0; i < log->topic_count; i++) td_kafka_topic_free(log->topics[i]);
    free(log->topics);
    td_texts_fini(&log->properties);
    if (log->conf.password != NULL) explicit_bzero((char *)(uintptr_t)log->conf.password, strlen(log->conf.password));
    free((char *)(uintptr_t)log->conf.password);
    free((char *)(uintptr_t)log->conf.brokers);
    free((char *)(uintptr_t)log->conf.prefix);
    if (log->lock_file >= 0) log->os.ops->close(log->os.self, log->lock_file);
    pthread_mutex_destroy(&log->asking);
    pthread_mutex_destroy(&log->report_lock);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

static void own_conf(td_kafka_log *log) {
    td_log_kafka_conf *conf = &log->conf;
    if (conf->properties != NULL) {
        log->properties = *conf->properties;
        td_texts_own(&log->properties);
    }
    conf->properties = NULL;
    if (conf->password != NULL) conf->password = td_copy_text(conf->password);
    conf->brokers = td_copy_text(conf->brokers);
    conf->prefix = td_copy_text(conf->prefix);
    if (conf->timeout_ms == 0) conf->timeout_ms = TIMEOUT_MS_DEFAULT;
}

/* Looks again and again, so that a refused login is told at once and not when the time is over. */
static td_status await_broker(td_kafka_log *log) {
    rd_kafka_t *rk = log->client;
    int64_t deadline_ns = td_kafka_deadline_ns(log);
    rd_kafka_resp_err_t code;
    int look_ms = LOOK_MS;
    do {
        const struct rd_kafka_metadata *metadata;
        int left_ms = td_kafka_left_ms(log, deadline_ns);
        code = rd_kafka_metadata(rk, 0, NULL, &metadata, left_ms < look_ms ? left_ms : look_ms);
        look_ms *= 2;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return TD_OK;
        }
        (void)rd_kafka_poll(rk, 0);
    } while (log->refusal == 0 && td_kafka_left_ms(log, deadline_ns) > 0);
    td_status status =
        td_kafka_fail(log, log->refusal != 0 ? (rd_kafka_resp_err_t)log->refusal : code, "asking", "who is there");
    return status == TD_CONFIG ? status
                               : td_trace(status, "opening the log: is a broker up, and is log.kafka its address?");
}

static td_status take_folder(td_kafka_log *log, const char *dir) {
    char *cluster = rd_kafka_clusterid(log->client, log->conf.timeout_ms);
    if (cluster == NULL) return td_kafka_fail(log, RD_KAFKA_RESP_ERR__TIMED_OUT, "asking", "what cluster it is");
    td_buf whose = {0};
    td_buf_printf(&whose, "cluster %s, prefix \"%s\"\n%c", cluster, log->conf.prefix, '\0');
    const char *mark = (const char *)whose.data;
    td_status status = log->conf.read_only ? td_folder_check_beside(&log->os, dir, mark)
                                           : td_folder_lock_beside(&log->os, dir, mark, &log->lock_file);
    td_buf_fini(&whose);
    rd_kafka_mem_free(log->client, cluster);
    return status;
}

td_status td_log_kafka_open(td_log **out, const td_os *os, const td_log_kafka_conf *conf, td_log_report_fn report,
                            void *arg) {
    td_kafka_log *log = td_alloc_zero(1, sizeof *log);
    *log = (td_kafka_log){.base.ops = &kafka_ops, .os = *os, .conf = *conf, .report = report, .report_arg = arg};
    log->lock_file = -1;
    log->self = &log->base;
    own_conf(log);
    pthread_mutex_init(&log->lock, NULL);
    pthread_mutex_init(&log->report_lock, NULL);
    pthread_mutex_init(&log->asking, NULL);
    td_status status = td_kafka_open_client(log, &log->client);
    if (status == TD_OK) status = await_broker(log);
    if (status == TD_OK && conf->dir != NULL) status = take_folder(log, conf->dir);
    if (status != TD_OK) {
        kafka_close(&log->base);
        return status;
    }
    *out = &log->base;
    return TD_OK;
}

/* --- what Kafka does by itself, or cannot do ---------------------------------------------------------------------- */

static td_status kafka_sync(td_log *log) {
    (void)log; /* what is committed is with all in-sync replicas */
    return TD_OK;
}

static td_status kafka_release(td_log *log, int64_t bytes) {
    (void)log, (void)bytes; /* the disks are the brokers' */
    return TD_OK;
}

static td_status kafka_truncate(td_topic *topic, uint32_t partition, int64_t offset) {
    return TD_FAIL(TD_REJECT, "%s-%" PRIu32 ": Kafka cannot remove records at and after offset %" PRId64, topic->name,
                   partition, offset);
}

static int64_t kafka_bytes(const td_topic *topic, uint32_t partition) {
    (void)topic, (void)partition;
    return -1;
}

static size_t kafka_segments(const td_topic *topic, uint32_t partition) {
    (void)topic, (void)partition;
    return 0;
}

static const td_log_ops kafka_ops = {
    .close = kafka_close,
    .topic = td_kafka_topic_open,
    .each_topic = td_kafka_each_topic,
    .sync = kafka_sync,
    .truncate = kafka_truncate,
    .release = kafka_release,
    .start = td_kafka_start,
    .end = td_kafka_end,
    .synced = td_kafka_end,
    .bytes = kafka_bytes,
    .segments = kafka_segments,
    .epoch = td_kafka_epoch,
    .holds = td_kafka_holds,
    .block_before = td_kafka_block_before,
    .verify = td_verify_records,
    .at_time = td_kafka_at_time,
    .reader_open = td_kafka_reader_open,
    .reader_close = td_kafka_reader_close,
    .reader_seek = td_kafka_reader_seek,
    .reader_refill = td_kafka_reader_refill,
    .writer_open = td_kafka_writer_open,
    .writer_close = td_kafka_writer_close,
    .append = td_kafka_append,
    .begin = td_kafka_begin,
    .commit = td_kafka_commit,
    .abort = td_kafka_abort,
    .position = td_kafka_position,
    .committed = td_kafka_committed,
    .group_join = td_kafka_group_join,
    .group_leave = td_kafka_group_leave,
    .group_poll = td_kafka_group_poll,
};
