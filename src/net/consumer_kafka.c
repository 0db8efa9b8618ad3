/* src/net/consumer_kafka.c - topics of others by librdkafka: its queues are read as they fill, and one thread asks the
 * brokers what takes an answer. The lock is held over no request. */
#include "base/time.h"
#include "net/consumer.h"
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 256, ASK_MS = 3000, EACH_MS = 1000, LOG_WARNING = 4, TEXT_MAX = 400, QUEUED_KB = 4096 };
#define COUNT_EACH_NS (10 * TD_NS_PER_S) /* between two looks for new partitions */

typedef struct lane { /* a partition */
    bool reading;
    int64_t place;
    rd_kafka_message_t *lent;
    size_t count, next;
    rd_kafka_message_t *messages[MESSAGES];
} lane;

typedef struct answer { /* what was asked for last; the asker's, then copied */
    uint64_t number;
    int64_t asked_ns;
    uint32_t partitions;
    bool denied, failed;
    char detail[TEXT_MAX];
    td_consumer_span *spans; /* room for TD_CONSUMER_PARTITIONS_MAX */
} answer;

typedef struct kafka {
    const td_os *os;
    char *brokers, *name;
    int64_t from_ms;
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    lane *lanes[TD_CONSUMER_PARTITIONS_MAX];
    answer seen;    /* the owner's */
    answer working; /* the asker's */
    int64_t counted_ns;
    bool asking; /* there is a thread */
    pthread_t asker;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t ending;
    bool ends;
    answer told;
    int refusal;                /* librdkafka's code; 0: none */
    char trouble[TEXT_MAX / 2]; /* the library's last complaint */
} kafka;

/* ---- what the library says ---- */

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    kafka *k = rd_kafka_opaque(rk);
    if (level > LOG_WARNING || strcmp(facility, "CONFWARN") == 0) return;
    pthread_mutex_lock(&k->lock);
    (void)snprintf(k->trouble, sizeof k->trouble, "; %s", text);
    pthread_mutex_unlock(&k->lock);
}

static bool is_refusal(int code) {
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM ||
           code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

/* By rd_kafka_poll, which the asker calls. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *arg) {
    (void)rk, (void)reason;
    kafka *k = arg;
    if (is_refusal(code)) k->refusal = code;
}

/* ---- asking: the asker's thread ---- */

static bool fail_asking(kafka *k, int code, const char *what) {
    answer *a = &k->working;
    (void)rd_kafka_poll(k->rk, 0); /* a refused login is told aside */
    if (k->refusal != 0) code = k->refusal;
    k->refusal = 0;
    a->failed = true;
    a->denied = is_refusal(code);
    pthread_mutex_lock(&k->lock);
    (void)snprintf(a->detail, sizeof a->detail, "kafka %s: %s %s: %s%s", k->brokers, what, k->name,
                   rd_kafka_err2str((rd_kafka_resp_err_t)code), k->trouble);
    k->trouble[0] = '\0';
    pthread_mutex_unlock(&k->lock);
    return false;
}

/* Of partitions [first, working.partitions), as `time` has it; into the field at that offset of their spans. */
static bool ask_offsets(kafka *k, uint32_t first, int64_t time, size_t field) {
    answer *a = &k->working;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)a->partitions);
    for (uint32_t p = first; p < a->partitions; p++)
        rd_kafka_topic_partition_list_add(list, k->name, (int32_t)p)->offset = time;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(k->rk, list, ASK_MS);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *found = &list->elems[i];
        code = found->err;
        int64_t *to = (int64_t *)(void *)((char *)&a->spans[found->partition] + field);
        /* Behind all records there is none of that time: the end. */
        *to = found->offset >= 0 ? found->offset : a->spans[found->partition].end;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_asking(k, code, "asking for offsets of topic");
}

static bool count_partitions(kafka *k, uint32_t *out) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(k->rk, 0, k->topic, &metadata, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail_asking(k, code, "looking up topic");
    code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *out = code == RD_KAFKA_RESP_ERR_NO_ERROR ? (uint32_t)metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && *out > TD_CONSUMER_PARTITIONS_MAX) code = RD_KAFKA_RESP_ERR__INVALID_ARG;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || fail_asking(k, code, "looking up topic");
}

/* What is new begins where it begins as a whole: its first records may be the topic's newest. */
static bool ask_where_it_begins(kafka *k, uint32_t first) {
    if (k->from_ms == TD_CONSUMER_START || k->from_ms == TD_CONSUMER_END) {
        bool end = k->from_ms == TD_CONSUMER_END;
        for (uint32_t p = first; p < k->working.partitions; p++)
            k->working.spans[p].from = end ? k->working.spans[p].end : k->working.spans[p].start;
        return true;
    }
    return ask_offsets(k, first, k->from_ms, offsetof(td_consumer_span, from));
}

static void ask(kafka *k) {
    answer *a = &k->working;
    int64_t now_ns = k->os->ops->mono_ns(k->os->self);
    uint32_t known = a->partitions, count = known;
    a->failed = a->denied = false;
    bool recount = known == 0 || now_ns - k->counted_ns >= COUNT_EACH_NS;
    bool good = !recount || count_partitions(k, &count);
    if (good && recount) k->counted_ns = now_ns;
    a->partitions = count > known ? count : known;
    a->asked_ns = k->os->ops->wall_ns(k->os->self);
    if (good) good = ask_offsets(k, 0, RD_KAFKA_OFFSET_END, offsetof(td_consumer_span, end));
    if (good && recount) good = ask_offsets(k, 0, RD_KAFKA_OFFSET_BEGINNING, offsetof(td_consumer_span, start));
    if (good && count > known) good = ask_where_it_begins(k, known);
    if (!good) a->partitions = known; /* what is not known whole is asked for again */
    a->number++;
}

static void copy_answer(answer *to, const answer *from) {
    td_consumer_span *spans = to->spans;
    memcpy(spans, from->spans, from->partitions * sizeof *spans);
    *to = *from;
    to->spans = spans;
}

static void *ask_on(void *arg) {
    kafka *k = arg;
    pthread_mutex_lock(&k->lock);
    while (!k->ends) {
        pthread_mutex_unlock(&k->lock);
        (void)rd_kafka_poll(k->rk, 0);
        ask(k);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += EACH_MS / 1000;
        pthread_mutex_lock(&k->lock);
        copy_answer(&k->told, &k->working);
        if (!k->ends) (void)pthread_cond_timedwait(&k->ending, &k->lock, &until);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

static void kafka_look(void *self, td_consumer_view *out) {
    kafka *k = self;
    answer *a = &k->seen;
    if (!k->asking) k->asking = pthread_create(&k->asker, NULL, ask_on, k) == 0;
    pthread_mutex_lock(&k->lock);
    if (k->told.number != a->number) copy_answer(a, &k->told);
    pthread_mutex_unlock(&k->lock);
    *out = (td_consumer_view){.number = a->number,
                              .asked_ns = a->asked_ns,
                              .partitions = a->partitions,
                              .spans = a->spans,
                              .denied = a->denied,
                              .detail = a->failed ? a->detail : NULL};
}

/* ---- reading ---- */

static void drop_messages(lane *l) {
    if (l->lent != NULL) rd_kafka_message_destroy(l->lent);
    l->lent = NULL;
    while (l->next < l->count) rd_kafka_message_destroy(l->messages[l->next++]);
}

static void stop(kafka *k, uint32_t partition) {
    lane *l = k->lanes[partition];
    drop_messages(l);
    if (l->reading) (void)rd_kafka_consume_stop(k->topic, (int32_t)partition);
    l->reading = false;
}

static td_status kafka_read(void *self, uint32_t partition, int64_t offset) {
    kafka *k = self;
    if (k->lanes[partition] == NULL) k->lanes[partition] = td_alloc_zero(1, sizeof *k->lanes[partition]);
    lane *l = k->lanes[partition];
    stop(k, partition);
    l->place = offset;
    l->reading = rd_kafka_consume_start(k->topic, (int32_t)partition, offset) == 0;
    return l->reading ? TD_OK
                      : TD_FAIL(TD_RETRY, "kafka %s: reading topic %s: %s", k->brokers, k->name,
                                rd_kafka_err2str(rd_kafka_last_error()));
}

static td_status take(kafka *k, uint32_t partition, rd_kafka_message_t *m, td_consumed *out) {
    lane *l = k->lanes[partition];
    td_status status = TD_AGAIN;
    rd_kafka_timestamp_type_t type;
    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        if (m->offset < l->place) break;
        *out = (td_consumed){m->offset, rd_kafka_message_timestamp(m, &type), {m->payload, m->len}};
        l->place = m->offset + 1;
        l->lent = m;
        return TD_OK;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: /* what is left out before it is passed, too */
        if (m->offset > l->place) l->place = m->offset;
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        status = TD_REJECT;
        break;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        status = TD_FAIL(TD_RETRY, "kafka %s: reading topic %s: %s", k->brokers, k->name, rd_kafka_err2str(m->err));
        break;
    default: /* the library tries again by itself */
        break;
    }
    rd_kafka_message_destroy(m);
    if (status != TD_AGAIN) stop(k, partition);
    return status;
}

static td_status kafka_next(void *self, uint32_t partition, td_consumed *out) {
    kafka *k = self;
    lane *l = k->lanes[partition];
    if (l->lent != NULL) rd_kafka_message_destroy(l->lent);
    l->lent = NULL;
    td_status status = TD_AGAIN;
    while (status == TD_AGAIN && l->reading) {
        if (l->next == l->count) {
            ssize_t got = rd_kafka_consume_batch(k->topic, (int32_t)partition, 0, l->messages, MESSAGES);
            l->next = 0;
            l->count = got > 0 ? (size_t)got : 0;
            if (got <= 0) break;
        }
        status = take(k, partition, l->messages[l->next++], out);
    }
    return status;
}

static int64_t kafka_place(const void *self, uint32_t partition) {
    const kafka *k = self;
    return k->lanes[partition]->place;
}

/* ---- life ---- */

static td_status set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return TD_OK;
    return TD_FAIL(TD_CONFIG, "properties: %s: %s", name, why);
}

static td_status set_properties(rd_kafka_conf_t *conf, const td_texts *properties) {
    td_status status = TD_OK;
    for (size_t i = 0; i < properties->count && status == TD_OK; i++) {
        const char *value;
        char *name = td_pair_split(properties->items[i], &value);
        status = set(conf, name, value);
        free(name);
    }
    return status;
}

static td_status configure(const td_consumer_conf *c, rd_kafka_conf_t *conf) {
    static const char *const chosen[][2] = {{"client.id", "tapedeck"},
                                            {"reconnect.backoff.max.ms", "5000"},
                                            {"socket.keepalive.enable", "true"},
                                            {"fetch.wait.max.ms", "100"}};
    static const char *const rested_on[][2] = {
        {"isolation.level", "read_committed"}, {"enable.partition.eof", "true"}, {"auto.offset.reset", "error"},
        {"enable.auto.commit", "false"},       {"check.crcs", "true"},           {"allow.auto.create.topics", "false"}};
    char queued_kb[16];
    td_status status = TD_OK;
    (void)snprintf(queued_kb, sizeof queued_kb, "%d", QUEUED_KB);
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0] && status == TD_OK; i++)
        status = set(conf, chosen[i][0], chosen[i][1]);
    if (status == TD_OK) status = set(conf, "queued.max.messages.kbytes", queued_kb);
    if (status == TD_OK) status = set_properties(conf, c->properties);
    if (status == TD_OK && c->password != NULL) status = set(conf, "sasl.password", c->password);
    for (size_t i = 0; i < sizeof rested_on / sizeof rested_on[0] && status == TD_OK; i++)
        status = set(conf, rested_on[i][0], rested_on[i][1]);
    if (status == TD_OK) status = set(conf, "bootstrap.servers", c->brokers);
    return status;
}

static td_status open_handle(kafka *k, const td_consumer_conf *c) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    td_status status = configure(c, conf);
    rd_kafka_conf_set_opaque(conf, k);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (status == TD_OK && (k->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why)) == NULL)
        status = TD_FAIL(TD_CONFIG, "properties: %s", why);
    if (status != TD_OK) {
        rd_kafka_conf_destroy(conf);
        return status;
    }
    k->topic = rd_kafka_topic_new(k->rk, c->topic, NULL);
    return k->topic != NULL ? TD_OK : TD_FAIL(TD_CONFIG, "topic: \"%s\" is no name of a topic", c->topic);
}

static void kafka_close(void *self) {
    kafka *k = self;
    if (k == NULL) return;
    pthread_mutex_lock(&k->lock);
    k->ends = true;
    pthread_cond_signal(&k->ending);
    pthread_mutex_unlock(&k->lock);
    if (k->asking) (void)pthread_join(k->asker, NULL);
    for (uint32_t p = 0; p < TD_CONSUMER_PARTITIONS_MAX; p++) {
        if (k->lanes[p] == NULL) continue;
        stop(k, p);
        free(k->lanes[p]);
    }
    if (k->topic != NULL) rd_kafka_topic_destroy(k->topic);
    if (k->rk != NULL) rd_kafka_destroy(k->rk);
    pthread_cond_destroy(&k->ending);
    pthread_mutex_destroy(&k->lock);
    free(k->seen.spans);
    free(k->working.spans);
    free(k->told.spans);
    free(k->brokers);
    free(k->name);
    free(k);
}

static td_status kafka_open(void **out, const td_os *os, const td_consumer_conf *conf) {
    kafka *k = td_alloc_zero(1, sizeof *k);
    *k = (kafka){.os = os, .from_ms = conf->from_ms};
    k->brokers = td_copy_text(conf->brokers);
    k->name = td_copy_text(conf->topic);
    answer *answers[] = {&k->seen, &k->working, &k->told};
    for (int i = 0; i < 3; i++)
        answers[i]->spans = td_alloc_zero(TD_CONSUMER_PARTITIONS_MAX, sizeof *answers[i]->spans);
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t attributes; /* the wall's clock may be set */
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&k->ending, &attributes);
    pthread_condattr_destroy(&attributes);
    td_status status = open_handle(k, conf);
    if (status != TD_OK) {
        kafka_close(k);
        return status;
    }
    *out = k;
    return TD_OK;
}

const td_consumer_ops td_consumer_kafka = {.name = "kafka",
                                           .open = kafka_open,
                                           .look = kafka_look,
                                           .read = kafka_read,
                                           .next = kafka_next,
                                           .place = kafka_place,
                                           .close = kafka_close};
