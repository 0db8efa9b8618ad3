/* src/log/log_kafka_writer.c - writing to a Kafka cluster: a transactional producer, and the group of its name that
 * keeps how far it has come. */
#include "base/hash.h"
#include "base/time.h"
#include "log/log_kafka_private.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 10, DROP_MS = 1000, MARK_MS = 2000, AGAIN_MS = 50, AGAIN_MS_MAX = 1000 };

typedef enum phase {
    IDLE,
    BEGUN,
    ALONE,     /* an append that is a transaction of its own and not yet known to be committed */
    ALONE_VOID /* the same, to be aborted before it is begun again                             */
} phase;

typedef struct kafka_writer kafka_writer;

typedef struct touched { /* a partition that this writer has written to; kept for its life */
    kafka_writer *writer;
    td_kafka_partition *partition;
    rd_kafka_topic_t *topic; /* of this producer */
    int64_t last;            /* offset in this transaction; -1: none that is known */
    bool now;                /* in this transaction */
    struct touched *next;
} touched;

struct kafka_writer {
    td_writer base;
    rd_kafka_t *rk;
    char *group;
    phase phase;
    bool fenced;
    bool marked;                /* the transaction has its marks */
    bool asked;                 /* the commit was asked for */
    bool rejected;              /* it can only be aborted */
    rd_kafka_resp_err_t failed; /* why a record was refused in this transaction, the first one */
    const touched *refused_by;  /* in which partition */
    touched *touched;
    struct { /* batches of which it is not known that all went well: the same call is made again */
        bool full;
        uint64_t digest;
        size_t begun;  /* of them the first record is taken */
        size_t put;    /* of them all records are */
        int32_t taken; /* records of the next one */
    } hand;
};

static td_kafka_log *log_of(const kafka_writer *w) { return (td_kafka_log *)w->base.log; }

/* --- what an error means ------------------------------------------------------------------------------------------ */

static bool is_fence(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return true;
    default:
        return false;
    }
}

/* Takes the error. A producer that is broken for good must not come back by itself: it could fence its successor. */
static td_status judge(kafka_writer *w, rd_kafka_error_t *error, const char *doing) {
    if (error == NULL) return TD_OK;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    td_status status;
    if (rd_kafka_error_is_fatal(error) || is_fence(code)) {
        w->fenced = true;
        status = td_kafka_is_refusal(code)
                     ? td_kafka_fail(log_of(w), code, doing, w->group)
                     : TD_FAIL(TD_FENCED, "kafka: %s for writer %s: %s", doing, w->group, rd_kafka_error_string(error));
    } else if (rd_kafka_error_txn_requires_abort(error)) {
        w->rejected = true;
        status = TD_FAIL(TD_REJECT, "kafka: %s for writer %s: %s", doing, w->group, rd_kafka_error_string(error));
    } else {
        status = td_kafka_fail(log_of(w), code, doing, w->group);
    }
    rd_kafka_error_destroy(error);
    return status;
}

static td_status check_fence(const kafka_writer *w) {
    return w->fenced ? TD_FAIL(TD_FENCED, "kafka: another producer is %s now", w->group) : TD_OK;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static touched *touch(kafka_writer *w, td_kafka_partition *p) {
    touched *t = w->touched;
    while (t != NULL && t->partition != p) t = t->next;
    if (t == NULL) {
        t = td_alloc_zero(1, sizeof *t);
        *t = (touched){.writer = w,
                       .partition = p,
                       .topic = rd_kafka_topic_new(w->rk, p->topic->full_name, NULL),
                       .last = -1,
                       .next = w->touched};
        w->touched = t;
    }
    t->now = true;
    return t;
}

static void note_refusal(const touched *by, rd_kafka_resp_err_t code) {
    if (by->writer->failed != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    by->writer->failed = code;
    by->writer->refused_by = by;
}

/* By whatever waits for records, so on the writer's thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    (void)rk, (void)opaque;
    touched *t = m->_private;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_refusal(t, m->err);
    } else if (m->offset > t->last) {
        t->last = m->offset;
    }
}

static bool is_refusal(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* What of it was taken before stays in the transaction, which cannot be committed. */
static td_status refuse(kafka_writer *w, const touched *t, rd_kafka_resp_err_t code) {
    char why[256];
    const td_kafka_partition *p = t->partition;
    if (rd_kafka_fatal_error(w->rk, why, sizeof why) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        w->fenced = true;
        return TD_FAIL(TD_FENCED, "kafka: appending for writer %s: %s", w->group, why);
    }
    note_refusal(t, code);
    return TD_FAIL(
        TD_REJECT, "kafka: %s-%" PRIu32 " does not take a record: %s%s", p->topic->full_name, p->number,
        rd_kafka_err2str(w->failed),
        is_refusal(w->failed) ? "; raise message.max.bytes in log.properties and max.message.bytes of the topic" : "");
}

static rd_kafka_headers_t *headers_of(const td_record *record) {
    const uint8_t *at = record->headers.data, *end = at + record->headers.size;
    int64_t count;
    td_bytes name, value;
    if (!td_varint_get(&at, end, &count) || count == 0) return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new((size_t)count);
    for (; count > 0 && td_varbytes_get(&at, end, &name) && td_varbytes_get(&at, end, &value); count--)
        (void)rd_kafka_header_add(headers, (const char *)name.data, (ssize_t)name.size, value.data,
                                  (ssize_t)value.size);
    return headers;
}

/* Takes a copy. TD_FULL: later. */
static td_status put_record(kafka_writer *w, touched *t, const td_record *record) {
    rd_kafka_headers_t *headers = headers_of(record);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = t->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = (int32_t)t->partition->number},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = record->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)record->key.data, record->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)record->value.data, record->value.size}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = t},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t count = sizeof parts / sizeof parts[0] - (headers == NULL);
    rd_kafka_error_t *error = rd_kafka_produceva(w->rk, parts, count);
    if (error == NULL) return TD_OK;
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (headers != NULL) rd_kafka_headers_destroy(headers);
    return code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? TD_FULL : refuse(w, t, code);
}

/* In front of them is room for a header, which nobody fills here. */
static td_bytes records_of(const td_batch *batch) {
    return (td_bytes){batch->bytes.data + TD_BATCH_HEADER_BYTES, batch->bytes.size - TD_BATCH_HEADER_BYTES};
}

static uint64_t digest_of(const td_append *appends, size_t count) {
    uint64_t digest = count;
    for (size_t i = 0; i < count; i++) {
        uint64_t parts[] = {digest, (uint64_t)(uintptr_t)appends[i].topic, appends[i].partition,
                            td_hash_bytes(records_of(appends[i].batch))};
        digest = td_hash_bytes((td_bytes){(const uint8_t *)parts, sizeof parts});
    }
    return digest;
}

static bool is_in_hand(const kafka_writer *w, const td_append *appends, size_t count) {
    return w->hand.full && w->hand.digest == digest_of(appends, count);
}

static void put_down(kafka_writer *w) {
    w->hand.full = false;
    w->hand.begun = w->hand.put = 0;
    w->hand.taken = 0;
}

/* Records of the batch from *taken on, up to that many in all. */
static td_status put_some(kafka_writer *w, const td_append *append, int32_t *taken, int32_t most, int64_t deadline_ns) {
    const td_batch *batch = append->batch;
    touched *t = touch(w, td_kafka_partition_of(append->topic, append->partition));
    td_cursor cursor = {.at = batch->bytes.data + TD_BATCH_HEADER_BYTES,
                        .end = batch->bytes.data + batch->bytes.size,
                        .base_timestamp_ms = batch->base_timestamp_ms,
                        .left = batch->count};
    td_record record;
    td_status status = TD_OK;
    for (int32_t i = 0; i < most && td_cursor_next(&cursor, &record); i++) {
        if (i < *taken) continue;
        while ((status = put_record(w, t, &record)) == TD_FULL && td_kafka_left_ms(log_of(w), deadline_ns) > 0)
            (void)rd_kafka_poll(w->rk, POLL_MS);
        if (status != TD_OK) break;
        *taken = i + 1;
    }
    (void)rd_kafka_poll(w->rk, 0);
    if (status != TD_FULL) return status;
    return TD_FAIL(TD_RETRY, "kafka: the brokers take nothing from writer %s", w->group);
}

/* The first record of each before the others: so the partitions of a transaction are told to its coordinator in one
 * request, and not in one for each as its turn comes. */
static td_status put_batches(kafka_writer *w, const td_append *appends, size_t count) {
    int64_t deadline_ns = td_kafka_deadline_ns(log_of(w));
    td_status status = TD_OK;
    for (; w->hand.begun < count; w->hand.begun++) {
        int32_t none = 0;
        status = put_some(w, &appends[w->hand.begun], &none, 1, deadline_ns);
        if (status != TD_OK) return status;
    }
    for (; w->hand.put < count; w->hand.put++, w->hand.taken = 0) {
        if (w->hand.taken == 0) w->hand.taken = 1;
        status = put_some(w, &appends[w->hand.put], &w->hand.taken, INT32_MAX, deadline_ns);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

static void keep_in_hand(kafka_writer *w, const td_append *appends, size_t count) {
    w->hand.full = true;
    w->hand.digest = digest_of(appends, count);
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

/* The brokers answer before readers see the end of a transaction: a reader of this process that comes there waits. */
static void settle(kafka_writer *w) {
    for (touched *t = w->touched; t != NULL; t = t->next) {
        if (t->now) td_kafka_note_committed(t->partition, t->last + 1);
        t->now = false;
        t->last = -1;
    }
    w->phase = IDLE;
    w->marked = w->asked = w->rejected = false;
    w->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    put_down(w);
}

static td_status start(kafka_writer *w, phase as) {
    td_status status = judge(w, rd_kafka_begin_transaction(w->rk), "beginning");
    if (status == TD_OK) w->phase = as;
    return status;
}

static td_status finish(kafka_writer *w) {
    w->asked = true;
    td_status status = judge(w, rd_kafka_commit_transaction(w->rk, log_of(w)->conf.timeout_ms), "committing");
    if (status == TD_OK) settle(w);
    return status;
}

/* What was sent is waited for first, unless it is known that it will not arrive: then the offsets of what is left out
 * are known, and the library, which may end the process when the answer to a request comes behind the end of its
 * transaction, has none under way. */
static td_status roll_back(kafka_writer *w) {
    td_kafka_log *log = log_of(w);
    int64_t deadline_ns = td_kafka_deadline_ns(log);
    rd_kafka_resp_err_t code = w->rejected ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_flush(w->rk, log->conf.timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "aborting", w->group);
    td_status status = judge(w, rd_kafka_abort_transaction(w->rk, td_kafka_left_ms(log, deadline_ns) + 1), "aborting");
    if (status == TD_OK) settle(w);
    return status;
}

static td_status end_alone(kafka_writer *w) { return w->phase == ALONE && w->asked ? finish(w) : roll_back(w); }

static td_status append_alone(kafka_writer *w, const td_append *appends, size_t count) {
    td_status status = TD_OK;
    if (w->phase != IDLE && (w->phase == ALONE_VOID || !is_in_hand(w, appends, count))) status = end_alone(w);
    if (status == TD_RETRY) return status; /* the former ones are still in hand */
    if (status == TD_OK && w->phase == IDLE) status = start(w, ALONE);
    if (status == TD_OK && !w->asked) status = put_batches(w, appends, count);
    if (status == TD_OK) status = finish(w);
    if (status == TD_RETRY && w->phase != IDLE) keep_in_hand(w, appends, count);
    if (status != TD_REJECT) return status;

    bool refused = is_refusal(w->failed);
    w->phase = ALONE_VOID;
    if (refused) (void)refuse(w, w->refused_by, w->failed);
    char why[512];
    (void)snprintf(why, sizeof why, "%s", td_trail());
    status = roll_back(w);
    if (status == TD_FENCED) return status;
    return TD_FAIL(refused ? TD_REJECT : TD_RETRY, "%s", why);
}

static td_status append_open(kafka_writer *w, const td_append *appends, size_t count) {
    if (w->hand.full && !is_in_hand(w, appends, count))
        return TD_FAIL(TD_REJECT, "kafka: writer %s was given another batch before the rest of one", w->group);
    td_status status = put_batches(w, appends, count);
    if (status == TD_RETRY)
        keep_in_hand(w, appends, count);
    else
        put_down(w);
    return status;
}

td_status td_kafka_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done) {
    kafka_writer *w = (kafka_writer *)writer;
    td_status status = check_fence(w);
    if (status == TD_OK) status = (w->phase == BEGUN ? append_open : append_alone)(w, appends, count);
    *out_done = status == TD_OK ? count : 0;
    return status;
}

td_status td_kafka_begin(td_writer *writer) {
    kafka_writer *w = (kafka_writer *)writer;
    td_status status = check_fence(w);
    assert(status != TD_OK || w->phase != BEGUN);
    if (status == TD_OK && w->phase != IDLE) status = end_alone(w);
    return status == TD_OK ? start(w, BEGUN) : status;
}

static td_status send_marks(kafka_writer *w, const td_mark *marks, size_t count) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(w->group);
    for (size_t i = 0; i < count; i++) {
        const td_kafka_topic *topic = (const td_kafka_topic *)marks[i].topic;
        rd_kafka_topic_partition_t *mark =
            rd_kafka_topic_partition_list_add(list, topic->full_name, (int32_t)marks[i].partition);
        char epoch[16];
        mark->offset = marks[i].position.offset;
        mark->metadata_size = (size_t)snprintf(epoch, sizeof epoch, "%" PRId32, marks[i].position.epoch);
        mark->metadata = td_copy_text(epoch); /* the list frees it */
    }
    td_status status =
        judge(w, rd_kafka_send_offsets_to_transaction(w->rk, list, group, log_of(w)->conf.timeout_ms), "marking");
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    w->marked = status == TD_OK;
    return status;
}

td_status td_kafka_commit(td_writer *writer, const td_mark *marks, size_t mark_count) {
    kafka_writer *w = (kafka_writer *)writer;
    td_status status = check_fence(w);
    assert(status != TD_OK || w->phase == BEGUN);
    if (status == TD_OK && mark_count > 0 && !w->marked) status = send_marks(w, marks, mark_count);
    return status == TD_OK ? finish(w) : status;
}

td_status td_kafka_abort(td_writer *writer) {
    kafka_writer *w = (kafka_writer *)writer;
    td_status status = check_fence(w);
    if (status != TD_OK || w->phase == IDLE) return status;
    return w->phase == BEGUN ? roll_back(w) : end_alone(w);
}

/* --- what is committed -------------------------------------------------------------------------------------------- */

static bool parse_mark(const rd_kafka_topic_partition_t *mark, td_position *out) {
    char epoch[16] = "";
    if (mark->offset < 0 || mark->metadata_size >= sizeof epoch) return false;
    if (mark->metadata_size > 0) memcpy(epoch, mark->metadata, mark->metadata_size);
    *out = (td_position){.offset = mark->offset};
    return sscanf(epoch, "%" SCNd32, &out->epoch) == 1;
}

/* The answer to a question about one partition of one group. TD_AGAIN: nothing is committed. */
static td_status take_mark(td_kafka_log *log, const rd_kafka_event_t *event, const char *group, td_position *out) {
    rd_kafka_resp_err_t code =
        event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error((rd_kafka_event_t *)(uintptr_t)event);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "asking for the position of", group);
    size_t count;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result((rd_kafka_event_t *)(uintptr_t)event), &count);
    const rd_kafka_error_t *error = rd_kafka_group_result_error(groups[0]);
    if (error != NULL) return td_kafka_fail(log, rd_kafka_error_code(error), "asking for the position of", group);
    const rd_kafka_topic_partition_list_t *marks = rd_kafka_group_result_partitions(groups[0]);
    if (marks == NULL || marks->cnt != 1) return TD_AGAIN;
    code = marks->elems[0].err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return td_kafka_fail(log, code, "asking for the position of", group);
    return parse_mark(&marks->elems[0], out) ? TD_OK : TD_AGAIN;
}

static td_status ask_mark(rd_kafka_t *rk, const char *group, const td_kafka_partition *p, int timeout_ms,
                          td_position *out) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, p->topic->full_name, (int32_t)p->number);
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    char why[128];
    rd_kafka_error_t *error = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    assert(error == NULL);
    (void)error;
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
    rd_kafka_ListConsumerGroupOffsets(rk, &asked, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    td_status status = take_mark(td_kafka_log_of(&p->topic->base), event, group, out);
    if (event != NULL) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static void close_client(rd_kafka_t *rk) {
    if (rk != NULL) rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* While a commit is not stable, or its coordinator is new, the brokers refuse to say. Who was its coordinator once the
 * library believes for as long as it is asked, and waits in vain for one that was not there: each try but the first is
 * by a client that knows nothing yet. */
static td_status await_mark(td_kafka_log *log, const char *group, const td_kafka_partition *p, td_position *out) {
    int64_t deadline_ns = td_kafka_deadline_ns(log);
    rd_kafka_t *fresh = NULL;
    int left_ms = td_kafka_left_ms(log, deadline_ns);
    td_status status = ask_mark(log->client, group, p, left_ms < MARK_MS ? left_ms : MARK_MS, out);
    for (int pause_ms = AGAIN_MS; status == TD_RETRY && (left_ms = td_kafka_left_ms(log, deadline_ns)) > 0;) {
        close_client(fresh);
        fresh = NULL;
        (void)rd_kafka_poll(log->client, pause_ms);
        pause_ms = pause_ms < AGAIN_MS_MAX / 2 ? 2 * pause_ms : AGAIN_MS_MAX;
        status = td_kafka_open_client(log, &fresh);
        if (status == TD_OK) status = ask_mark(fresh, group, p, left_ms < MARK_MS ? left_ms : MARK_MS, out);
    }
    close_client(fresh);
    return status;
}

td_status td_kafka_position(td_writer *writer, const td_topic *topic, uint32_t partition, td_position *out) {
    const kafka_writer *w = (const kafka_writer *)writer;
    td_status status = await_mark(log_of(w), w->group, td_kafka_partition_of(topic, partition), out);
    return status == TD_OK && !td_topic_holds(topic, partition, *out) ? TD_AGAIN : status;
}

td_status td_kafka_committed(td_log *log, const char *writer, const td_topic *topic, uint32_t partition,
                             td_position *out) {
    char *group = td_kafka_full_name((td_kafka_log *)log, writer);
    td_status status = await_mark((td_kafka_log *)log, group, td_kafka_partition_of(topic, partition), out);
    free(group);
    return status;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static const char *codec_name(td_codec codec) {
    return codec == TD_CODEC_LZ4 ? "lz4" : codec == TD_CODEC_ZSTD ? "zstd" : "none";
}

static td_status open_producer(kafka_writer *w) {
    td_kafka_log *log = log_of(w);
    rd_kafka_conf_t *conf;
    td_status status = td_kafka_conf_new(&w->base.log, &conf);
    if (status != TD_OK) return status;
    td_kafka_must_set(conf, "compression.type", codec_name(log->conf.codec));
    td_kafka_must_set(conf, "transactional.id", w->group);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    status = td_kafka_open_handle(&w->rk, RD_KAFKA_PRODUCER, conf);
    if (status == TD_OK) status = judge(w, rd_kafka_init_transactions(w->rk, log->conf.timeout_ms), "opening");
    return status;
}

td_status td_kafka_writer_open(td_writer **out, td_log *log, const char *name) {
    if (((td_kafka_log *)log)->conf.read_only)
        return TD_FAIL(TD_CONFIG, "kafka: writer %s: the log is open for reading alone", name);
    kafka_writer *w = td_alloc_zero(1, sizeof *w);
    w->base.log = log;
    w->group = td_kafka_full_name((td_kafka_log *)log, name);
    td_status status = open_producer(w);
    /* What it had left open is settled; and who goes on where it stopped rests on ends that are known from here on. */
    if (status == TD_OK) status = td_kafka_ask_ends((td_kafka_log *)log);
    if (status != TD_OK) {
        td_kafka_writer_drop(&w->base);
        return status;
    }
    *out = &w->base;
    return TD_OK;
}

td_status td_kafka_try_writing(td_kafka_log *log) {
    kafka_writer w = {.base.log = &log->base, .group = td_kafka_full_name(log, "check")};
    td_status status = open_producer(&w);
    if (w.rk != NULL) rd_kafka_destroy(w.rk);
    free(w.group);
    return status;
}

/* Destroyed while it makes partitions known to a transaction, the library before 2.1 ends the process. */
void td_kafka_writer_drop(td_writer *writer) {
    kafka_writer *w = (kafka_writer *)writer;
    if (w->phase != IDLE) (void)rd_kafka_flush(w->rk, DROP_MS);
    for (touched *t = w->touched, *next; t != NULL; t = next) {
        next = t->next;
        rd_kafka_topic_destroy(t->topic);
        free(t);
    }
    if (w->rk != NULL) rd_kafka_destroy(w->rk);
    free(w->group);
    free(w);
}

void td_kafka_writer_close(td_writer *writer) {
    kafka_writer *w = (kafka_writer *)writer;
    if (!w->fenced && w->phase != IDLE) (void)!td_kafka_abort(writer);
    td_kafka_writer_drop(writer);
}
