/* src/feed/feed_kafka.c - a topic that others write on a Kafka cluster, their records mapped into events. Records of
 * several partitions come in the order of their times: one that has nothing at hand is waited for unless it has ended,
 * so that what is read again in a hurry is in the order in which it was made. */
#include "base/time.h"
#include "feed/mapping.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 480, SOURCE_MAX = 300 };

typedef struct head { /* of a partition */
    bool reading;
    bool asked; /* since the last pump: nothing has come */
    bool has;   /* a record that is next, or was given and is to be passed */
    bool known; /* … what it says: its schema had to be asked for */
    bool given;
    td_consumed record;
    td_recorded row; /* a rejected one has no detail: it is read again */
} head;

typedef enum state { APART, CONNECTING, LIVE } state;

typedef struct kafka {
    const td_os *os;
    const td_feed_conf *conf;
    const td_consumer_ops *net;
    void *consumer;
    td_mapping *mapping;
    state state;
    bool asked; /* to connect, once: from then on the cluster is, too */
    td_consumer_view view;
    uint64_t tried; /* the answer that there was when it connected: the next one decides */
    head *heads;    /* by partition, as the next one */
    int64_t *next;  /* where one is read from that is not read yet */
    uint32_t count; /* partitions that have a place */
    bool settled;   /* the log keeps all of these */
    bool resumed;   /* … or those that it kept before this process */
    td_source_position position;
    int64_t clock_ns, whole_ns;
    char detail[DETAIL_MAX], source[SOURCE_MAX];
} kafka;

/* ---- life ---- */

static void kafka_close(void *self) {
    kafka *k = self;
    if (k == NULL) return;
    if (k->net != NULL) k->net->close(k->consumer);
    td_mapping_free(k->mapping);
    free(k->heads);
    free(k->next);
    free(k);
}

static td_status parse_from(const char *text, int64_t *out_ms) {
    int64_t ns;
    *out_ms = strcmp(text, "end") == 0 ? TD_CONSUMER_END : TD_CONSUMER_START;
    if (*out_ms == TD_CONSUMER_END || strcmp(text, "start") == 0) return TD_OK;
    if (td_time_parse(td_text(text), &ns) != TD_OK || ns < 0)
        return TD_FAIL(TD_CONFIG, "from: \"%s\" is not start, end or a time such as 2026-03-02T14:30:00Z", text);
    *out_ms = ns / TD_NS_PER_MS;
    return TD_OK;
}

static td_status kafka_open(void **out, const td_os *os, const td_feed_conf *conf, td_instruments *instruments) {
    td_consumer_conf consumer = {
        .brokers = conf->brokers, .topic = conf->topic, .properties = &conf->properties, .password = conf->password};
    kafka *k = td_alloc_zero(1, sizeof *k);
    *k = (kafka){.os = os, .conf = conf, .whole_ns = TD_NONE, .position.file = TD_SESSION_BIT};
    k->heads = td_alloc_zero(TD_CONSUMER_PARTITIONS_MAX, sizeof *k->heads);
    k->next = td_alloc_zero(TD_CONSUMER_PARTITIONS_MAX, sizeof *k->next);
    td_status status = td_mapping_new(&k->mapping, os, conf, instruments);
    if (status == TD_OK) status = parse_from(conf->start, &consumer.from_ms);
    if (status == TD_OK && conf->brokers == NULL)
        status = TD_FAIL(TD_CONFIG, "brokers: missing: host:port, with commas between them; unset, those of log.kafka");
    const td_consumer_ops *net = conf->consumer != NULL ? conf->consumer : &td_consumer_kafka;
    if (status == TD_OK) status = net->open(&k->consumer, os, &consumer);
    if (status != TD_OK) {
        kafka_close(k);
        return status;
    }
    k->net = net;
    *out = k;
    return TD_OK;
}

static void kafka_keep(void *self, const td_feed_places *places) {
    kafka *k = self;
    k->count = places->count < TD_CONSUMER_PARTITIONS_MAX ? places->count : TD_CONSUMER_PARTITIONS_MAX;
    memcpy(k->next, places->next, k->count * sizeof *k->next);
    k->settled = k->resumed = k->count > 0;
}

/* ---- sessions ---- */

static int64_t look_at_clock(kafka *k) {
    int64_t now_ns = k->os->ops->wall_ns(k->os->self);
    return k->clock_ns = td_most(k->clock_ns, now_ns);
}

static int kafka_pump(void *self) {
    kafka *k = self;
    if (!k->asked) return 0; /* who only checks the settings does not connect */
    k->net->look(k->consumer, &k->view);
    (void)look_at_clock(k);
    for (uint32_t p = 0; p < k->count; p++) k->heads[p].asked = false;
    return 0;
}

static td_status kafka_connect(void *self, uint32_t session) {
    (void)session; /* its items are numbered by their places */
    kafka *k = self;
    k->net->look(k->consumer, &k->view);
    k->tried = k->view.number;
    k->asked = true;
    k->state = CONNECTING;
    return TD_OK;
}

static td_status put_session(kafka *k, state next, bool denied, td_feed_item *out) {
    k->state = next;
    *out = (td_feed_item){.kind = TD_ITEM_SESSION, .clock_ns = look_at_clock(k), .position = k->position};
    out->session = (td_feed_session){.live = next == LIVE, .denied = denied, .detail = k->detail};
    return TD_OK;
}

static td_status fail_session(kafka *k, bool denied, const char *why, td_feed_item *out) {
    (void)snprintf(k->detail, sizeof k->detail, "%s", why);
    return put_session(k, APART, denied, out);
}

/* All that is in a partition that the topic gets later came since. */
static void place_partitions(kafka *k) {
    for (; k->count < k->view.partitions; k->count++) {
        const td_consumer_span *span = &k->view.spans[k->count];
        k->next[k->count] = k->resumed ? span->start : span->from;
        k->settled = false;
    }
}

/* From its place on, if the topic has that. Says what retention took before it was read. TD_AGAIN: nothing is to be
 * said. */
static td_status read_partition(kafka *k, uint32_t p, td_feed_item *out) {
    const td_consumer_span *span = &k->view.spans[p];
    int64_t next = k->next[p];
    head *h = &k->heads[p];
    if (next > span->end) {
        (void)snprintf(k->detail, sizeof k->detail,
                       "partition %" PRIu32 " of topic %s ends at offset %" PRId64 " and was read up to %" PRId64
                       " before: another topic has its name now; give the feed another name to read that one",
                       p, k->conf->topic, span->end, next);
        return put_session(k, APART, true, out);
    }
    k->next[p] = td_most(next, span->start);
    if (k->net->read(k->consumer, p, k->next[p]) != TD_OK) return fail_session(k, false, td_trail(), out);
    *h = (head){.reading = true};
    if (next >= span->start) return TD_AGAIN;
    (void)snprintf(k->detail, sizeof k->detail,
                   "offsets %" PRId64 " to %" PRId64 " of partition %" PRIu32
                   " of topic %s were removed before they were read: what they held is missing",
                   next, span->start - 1, p, k->conf->topic);
    *out = (td_feed_item){.kind = TD_ITEM_NOTICE, .clock_ns = look_at_clock(k), .position = k->position};
    out->notice = td_text(k->detail);
    return TD_OK;
}

/* The log keeps the place of each partition before its first record is given. TD_AGAIN: all are read. */
static td_status read_partitions(kafka *k, td_feed_item *out) {
    place_partitions(k);
    if (!k->settled) {
        k->settled = k->resumed = true;
        *out = (td_feed_item){.kind = TD_ITEM_PLACES, .clock_ns = look_at_clock(k), .position = k->position};
        out->places = (td_feed_places){k->next, k->count};
        return TD_OK;
    }
    td_status status = TD_AGAIN;
    for (uint32_t p = 0; p < k->count && status == TD_AGAIN; p++)
        if (!k->heads[p].reading) status = read_partition(k, p, out);
    return status;
}

/* TD_AGAIN: nothing has become of the session. */
static td_status follow_session(kafka *k, td_feed_item *out) {
    if (k->state == CONNECTING && k->view.number == k->tried) return TD_AGAIN;
    if (k->view.detail != NULL) return fail_session(k, k->view.denied, k->view.detail, out);
    td_status status = read_partitions(k, out);
    return status != TD_AGAIN || k->state == LIVE ? status : put_session(k, LIVE, false, out);
}

/* ---- records ---- */

/* All that the cluster was known to have of it was given. */
static bool is_at_end(const kafka *k, uint32_t p) {
    return !k->heads[p].has && k->net->place(k->consumer, p) >= k->view.spans[p].end;
}

static void stop_reading(kafka *k, uint32_t p) {
    k->heads[p].reading = false;
    k->next[p] = k->net->place(k->consumer, p);
}

static td_status read_record(kafka *k, head *h) {
    int64_t made_ns; /* producers write what they like */
    if (__builtin_mul_overflow(h->record.timestamp_ms, TD_NS_PER_MS, &made_ns)) made_ns = 0;
    return td_mapping_read(k->mapping, h->record.value, made_ns, &h->row);
}

/* What the record at hand says. TD_AGAIN: that is known, or will be. */
static td_status look_at(kafka *k, head *h, td_feed_item *out) {
    if (!h->has || h->known) return TD_AGAIN;
    td_status status = read_record(k, h);
    h->known = status == TD_OK;
    return h->known || status == TD_AGAIN ? TD_AGAIN : fail_session(k, false, td_trail(), out);
}

/* Looks for the next record of the partition. TD_AGAIN: it is there, or none is. */
static td_status fetch(kafka *k, uint32_t p, td_feed_item *out) {
    head *h = &k->heads[p];
    if (h->given) h->has = h->known = h->given = false;
    if (h->has || h->asked) return look_at(k, h, out);
    td_status status = k->net->next(k->consumer, p, &h->record);
    h->has = status == TD_OK;
    h->asked = !h->has;
    if (h->has || status == TD_AGAIN) return look_at(k, h, out);
    stop_reading(k, p);
    return fail_session(k, false, status == TD_REJECT ? "what is next was removed before it was read" : td_trail(),
                        out);
}

static td_status give(kafka *k, uint32_t p, td_feed_item *out) {
    head *h = &k->heads[p];
    if (h->row.kind == TD_ITEM_REJECTED && read_record(k, h) != TD_OK) { /* its schema may have become known */
        h->known = false;
        return TD_AGAIN;
    }
    h->given = true;
    k->position = (td_source_position){.file = TD_SESSION_BIT | p, .line = (uint64_t)h->record.offset + 1};
    *out = (td_feed_item){.kind = h->row.kind, .clock_ns = k->clock_ns, .position = k->position};
    if (h->row.kind == TD_ITEM_EVENT) out->event = h->row.event;
    if (h->row.kind == TD_ITEM_IGNORED) out->ignored = h->row.ignored;
    if (h->row.kind != TD_ITEM_REJECTED) return TD_OK;
    (void)snprintf(k->source, sizeof k->source, "%s-%" PRIu32, k->conf->topic, p);
    out->rejected = (td_rejected){.source = td_text(k->source),
                                  .position = k->position,
                                  .receive_ns = k->clock_ns,
                                  .reason = h->row.reason,
                                  .detail = td_text(h->row.detail),
                                  .bytes = h->record.value};
    return TD_OK;
}

/* The earliest of those that are next, once it is known of all partitions which these are. */
static td_status next_record(kafka *k, td_feed_item *out) {
    uint32_t first = UINT32_MAX;
    bool waits = false;
    for (uint32_t p = 0; p < k->count; p++) {
        td_status status = fetch(k, p, out);
        if (status != TD_AGAIN) return status;
        const head *h = &k->heads[p];
        if (!h->has || !h->known)
            waits = waits || h->has || !is_at_end(k, p);
        else if (first == UINT32_MAX || h->row.clock_ns < k->heads[first].row.clock_ns)
            first = p;
    }
    if (waits) return TD_AGAIN;
    if (first != UINT32_MAX) return give(k, first, out);
    k->whole_ns = td_most(k->whole_ns, k->view.asked_ns);
    return TD_AGAIN;
}

static td_status kafka_next(void *self, td_feed_item *out) {
    kafka *k = self;
    td_status status = k->state != APART ? follow_session(k, out) : TD_AGAIN;
    return status == TD_AGAIN && k->state == LIVE ? next_record(k, out) : status;
}

static int64_t kafka_whole_ns(const void *self) { return ((const kafka *)self)->whole_ns; }

/* The first offset of a partition that may still be given. */
static int64_t next_given(const kafka *k, uint32_t p) {
    const head *h = &k->heads[p];
    if (h->has && !h->given) return h->record.offset;
    return h->reading ? k->net->place(k->consumer, p) : k->next[p];
}

/* While there is no session, too: what stands still may be a registry, and the topic grows. Of another topic under that
 * name nothing is known. */
static int64_t kafka_lag(const void *self) {
    const kafka *k = self;
    int64_t lag = 0;
    if (k->view.number == 0 || k->view.detail != NULL || k->count == 0) return -1;
    for (uint32_t p = 0; p < k->count && p < k->view.partitions; p++) {
        if (!k->heads[p].reading && k->next[p] > k->view.spans[p].end) return -1;
        lag += td_most(0, k->view.spans[p].end - td_most(next_given(k, p), k->view.spans[p].start));
    }
    return lag;
}

static const td_live_ops kafka_live = {
    .connect = kafka_connect, .pump = kafka_pump, .keep = kafka_keep, .whole_ns = kafka_whole_ns, .lag = kafka_lag};

static const td_option kafka_options[] = {
    TD_FEED_ROWS_LIVE_RULES(NULL, "basic", "off"),
    {.key = "topic",
     .type = TD_OPTION_TEXT,
     .required = true,
     .offset = offsetof(td_feed_conf, topic),
     .help = "that is read, of a Kafka cluster; its name is not changed by log.prefix"},
    TD_FEED_ROW("brokers", TD_OPTION_TEXT, NULL, 0, 0, brokers,
                "HOST:PORT, with commas between them; unset: those of log.kafka, with its properties and password"),
    TD_FEED_ROW("from", TD_OPTION_TEXT, "start", 0, 0, start,
                "where a log that does not know it yet begins: start, end, or what was made at a time such as "
                "2026-03-02T14:30:00Z or later"),
    TD_MAPPING_ROWS,
    {.key = "properties",
     .type = TD_OPTION_PAIRS,
     .offset = offsetof(td_feed_conf, properties),
     .help = "librdkafka's, as log.properties; those that are secrets by ${VARIABLE}"},
    {.key = "password",
     .type = TD_OPTION_SECRET,
     .offset = offsetof(td_feed_conf, password),
     .help = "sasl.password, by ${VARIABLE}"},
    TD_FEED_ROW("password_file", TD_OPTION_TEXT, NULL, 0, 0, password_file, "or the file that holds it"),
    TD_FEED_ROW("reconnect", TD_OPTION_DURATION, "1s", 1e6, 6e10, reconnect_ns,
                "wait before asking again; doubles up to 60s, a fifth of it at random"),
    {0}};

const td_feed_ops td_feed_kafka = {.format = "kafka",
                                   .live = &kafka_live,
                                   .options = kafka_options,
                                   .open = kafka_open,
                                   .next = kafka_next,
                                   .close = kafka_close};
