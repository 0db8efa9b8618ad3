/* src/log/log_kafka_edge.c - what is known of a partition at a Kafka cluster: where it begins and ends, its epochs, and
 * the offset of a time. Edges are asked for of all partitions at once whose edges were wanted lately. */
#include "base/time.h"
#include "log/log_kafka_private.h"
#include <inttypes.h>

enum {
    LOOK_MS = 20,
    ASK_MS = 1000,          /* a first question; each that fails lets the next one wait twice as long */
    WANTED_MS = 1000,       /* so long it is asked for with the others */
    RECORD_BYTES_LEAST = 32 /* a guess: a record of ours with its key and its cause is no smaller */
};

/* Since librdkafka 2.1. */
extern int32_t rd_kafka_message_leader_epoch(const rd_kafka_message_t *message) __attribute__((weak));

bool td_kafka_has_epochs(void) { return rd_kafka_message_leader_epoch != NULL; }

int32_t td_kafka_message_epoch(const rd_kafka_message_t *message) {
    int32_t epoch = td_kafka_has_epochs() ? rd_kafka_message_leader_epoch(message) : 0;
    return epoch < 0 ? 0 : epoch;
}

static td_kafka_partition *own(const td_kafka_partition *partition) {
    return (td_kafka_partition *)(uintptr_t)partition; /* what is known of it changes, under the log's lock */
}

static td_kafka_log *log_of(const td_kafka_partition *partition) { return td_kafka_log_of(&partition->topic->base); }

/* --- edges ----------------------------------------------------------------------------------------------------------
 */

/* Under the lock. */
static rd_kafka_topic_partition_list_t *list_wanted(const td_kafka_log *log, td_kafka_edge edge, int64_t now_ns) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t t = 0; t < log->topic_count; t++) {
        const td_kafka_topic *topic = log->topics[t];
        for (uint32_t p = 0; p < topic->base.partitions; p++) {
            if (topic->partitions[p].wanted_ns[edge] < now_ns - WANTED_MS * TD_NS_PER_MS) continue;
            rd_kafka_topic_partition_list_add(list, topic->full_name, (int32_t)p)->offset =
                edge == TD_KAFKA_START ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
        }
    }
    return list;
}

/* Under the lock. */
static void take_answers(td_kafka_log *log, td_kafka_edge edge, const rd_kafka_topic_partition_list_t *list,
                         int64_t asked_ns) {
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &list->elems[i];
        size_t t = 0;
        while (strcmp(log->topics[t]->full_name, answer->topic) != 0) t++;
        td_kafka_partition *p = &log->topics[t]->partitions[answer->partition];
        if (answer->err != RD_KAFKA_RESP_ERR_NO_ERROR || answer->offset < 0) continue;
        if (answer->offset > p->offset[edge]) p->offset[edge] = answer->offset;
        if (asked_ns > p->asked_ns[edge]) p->asked_ns[edge] = asked_ns;
    }
}

static td_status ask(td_kafka_log *log, td_kafka_edge edge, int timeout_ms) {
    int64_t asked_ns = td_kafka_now_ns(log);
    pthread_mutex_lock(&log->lock);
    rd_kafka_topic_partition_list_t *list = list_wanted(log, edge, asked_ns);
    pthread_mutex_unlock(&log->lock);
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(log->client, list, timeout_ms);
    pthread_mutex_lock(&log->lock);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) take_answers(log, edge, list, asked_ns);
    pthread_mutex_unlock(&log->lock);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? TD_OK : td_kafka_fail(log, code, "asking for", "offsets");
}

/* Whom the library believes to lead, it asks, for a quarter of an hour, however often he does not answer. */
static void learn_leaders(const td_kafka_log *log, int timeout_ms) {
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(log->client, 1, NULL, &metadata, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

typedef struct question {
    td_kafka_edge edge;
    bool readable; /* to be answered when readers have all that this process has committed: not how far it goes alone */
    int64_t since_ns;
} question;

/* Under the lock. A commit is answered before its end is written: until then readers have not all of it. */
static bool is_known(const td_kafka_partition *p, const question *q) {
    bool lacks = q->edge == TD_KAFKA_END && p->offset[TD_KAFKA_END] < p->committed_to;
    return p->asked_ns[q->edge] >= q->since_ns && !(q->readable && lacks);
}

static bool look(td_kafka_partition *p, const question *q, int64_t *out) {
    td_kafka_log *log = log_of(p);
    pthread_mutex_lock(&log->lock);
    p->wanted_ns[q->edge] = td_kafka_now_ns(log);
    *out = p->offset[q->edge];
    if (q->edge == TD_KAFKA_END && !q->readable && *out < p->committed_to) *out = p->committed_to;
    bool known = is_known(p, q);
    pthread_mutex_unlock(&log->lock);
    return known;
}

static td_status find_edge(td_kafka_partition *p, const question *q, int64_t *out) {
    td_kafka_log *log = log_of(p);
    if (look(p, q, out)) return TD_OK;
    td_status status = TD_OK;
    int64_t deadline_ns = td_kafka_deadline_ns(log);
    int timeout_ms = ASK_MS, left_ms = td_kafka_left_ms(log, deadline_ns);
    bool known, over = false;
    while (!(known = look(p, q, out)) && !over) {
        pthread_mutex_lock(&log->asking);
        bool asked = look(p, q, out); /* another thread has */
        if (!asked) status = ask(log, q->edge, left_ms < timeout_ms ? left_ms : timeout_ms);
        pthread_mutex_unlock(&log->asking);
        if (timeout_ms < left_ms) timeout_ms *= 2; /* a leader that died does not answer; soon there is another one */
        left_ms = td_kafka_left_ms(log, deadline_ns);
        if (status == TD_RETRY && left_ms > 0) {
            learn_leaders(log, left_ms < ASK_MS ? left_ms : ASK_MS);
            left_ms = td_kafka_left_ms(log, deadline_ns);
        }
        over = status == TD_CONFIG || left_ms == 0;
        if (!asked && !over) (void)rd_kafka_poll(log->client, status == TD_OK ? 1 : LOOK_MS);
    }
    if (known || status != TD_OK) return known ? TD_OK : status;
    return TD_FAIL(TD_RETRY, "kafka: %s-%" PRIu32 " is not readable up to what was committed", p->topic->full_name,
                   p->number);
}

td_status td_kafka_edge_at(const td_kafka_partition *partition, td_kafka_edge edge, int64_t since_ns, int64_t *out) {
    return find_edge(own(partition), &(question){edge, true, since_ns}, out);
}

/* The next question is for all partitions of the topic: who asks for one asks for the others soon. */
static void want_all_of(const td_kafka_topic *topic, td_kafka_edge edge) {
    td_kafka_log *log = td_kafka_log_of(&topic->base);
    int64_t now_ns = td_kafka_now_ns(log);
    pthread_mutex_lock(&log->lock);
    for (uint32_t p = 0; p < topic->base.partitions; p++) topic->partitions[p].wanted_ns[edge] = now_ns;
    pthread_mutex_unlock(&log->lock);
}

/* Where the brokers do not answer: what was known, and no end below what this process has committed. */
static int64_t edge_now(const td_topic *topic, uint32_t partition, td_kafka_edge edge) {
    int64_t offset, since_ns = td_kafka_now_ns(td_kafka_log_of(topic)) - TD_KAFKA_FRESH_MS * TD_NS_PER_MS;
    td_kafka_partition *p = td_kafka_partition_of(topic, partition);
    const question q = {edge, false, since_ns};
    if (look(p, &q, &offset)) return offset;
    want_all_of(p->topic, edge);
    (void)find_edge(p, &q, &offset);
    return offset;
}

int64_t td_kafka_start(const td_topic *topic, uint32_t partition) { return edge_now(topic, partition, TD_KAFKA_START); }

int64_t td_kafka_end(const td_topic *topic, uint32_t partition) { return edge_now(topic, partition, TD_KAFKA_END); }

void td_kafka_note_end(const td_kafka_partition *partition, int64_t end) {
    td_kafka_log *log = log_of(partition);
    pthread_mutex_lock(&log->lock);
    if (end > partition->offset[TD_KAFKA_END]) own(partition)->offset[TD_KAFKA_END] = end;
    pthread_mutex_unlock(&log->lock);
}

void td_kafka_note_committed(const td_kafka_partition *partition, int64_t to) {
    td_kafka_log *log = log_of(partition);
    pthread_mutex_lock(&log->lock);
    if (to > partition->committed_to) own(partition)->committed_to = to;
    pthread_mutex_unlock(&log->lock);
}

td_status td_kafka_ask_ends_of(const td_kafka_topic *topic) {
    int64_t end, now_ns = td_kafka_now_ns(td_kafka_log_of(&topic->base));
    td_status status = TD_OK;
    want_all_of(topic, TD_KAFKA_END);
    for (uint32_t p = 0; p < topic->base.partitions && status == TD_OK; p++)
        status = td_kafka_edge_at(&topic->partitions[p], TD_KAFKA_END, now_ns, &end);
    return status;
}

td_status td_kafka_ask_ends(td_kafka_log *log) {
    int64_t end, now_ns = td_kafka_now_ns(log);
    td_status status = TD_OK;
    pthread_mutex_lock(&log->lock);
    for (size_t t = 0; t < log->topic_count; t++)
        for (uint32_t p = 0; !log->topics[t]->gone && p < log->topics[t]->base.partitions; p++)
            log->topics[t]->partitions[p].wanted_ns[TD_KAFKA_END] = now_ns; /* one request asks for all of them */
    pthread_mutex_unlock(&log->lock);
    for (size_t t = 0; t < log->topic_count && status == TD_OK; t++)
        for (uint32_t p = 0; !log->topics[t]->gone && p < log->topics[t]->base.partitions && status == TD_OK; p++)
            status = td_kafka_edge_at(&log->topics[t]->partitions[p], TD_KAFKA_END, now_ns, &end);
    return status;
}

int64_t td_kafka_block_before(const td_topic *topic, uint32_t partition, int64_t offset, int64_t bytes) {
    int64_t start = td_kafka_start(topic, partition), end = td_kafka_end(topic, partition);
    int64_t records = bytes / RECORD_BYTES_LEAST + 1;
    if (offset > end) offset = end;
    return offset - start > records ? offset - records : start;
}

td_status td_kafka_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset) {
    td_kafka_log *log = td_kafka_log_of(topic);
    const td_kafka_partition *p = td_kafka_partition_of(topic, partition);
    td_status status = td_kafka_edge_at(p, TD_KAFKA_END, td_kafka_now_ns(log), out_offset);
    if (status != TD_OK) return status;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked =
        rd_kafka_topic_partition_list_add(list, p->topic->full_name, (int32_t)p->number);
    asked->offset = timestamp_ms < 0 ? 0 : timestamp_ms; /* below, they mean other things */
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(log->client, list, log->conf.timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = asked->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && asked->offset >= 0 && asked->offset < *out_offset)
        *out_offset = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? TD_OK
                                              : td_kafka_fail(log, code, "asking for the time in", p->topic->full_name);
}

/* --- epochs ----------------------------------------------------------------------------------------------------------
 */

/* Those of the last record before the offset and of the first one after it; -1: there is none. */
typedef struct around {
    int32_t before, after;
} around;

static td_status read_around(td_reader *reader, int64_t from, int64_t offset, around *out) {
    td_record record;
    td_status status;
    *out = (around){-1, -1};
    td_reader_seek(reader, from);
    while ((status = td_reader_next(reader, &record)) == TD_OK && out->after < 0)
        *(record.offset < offset ? &out->before : &out->after) = record.epoch;
    return status == TD_AGAIN ? TD_OK : status;
}

static td_status find_around(const td_topic *topic, uint32_t partition, int64_t offset, around *out) {
    td_reader *reader;
    int64_t start = td_kafka_start(topic, partition);
    td_status status = td_reader_open(&reader, (td_topic *)(uintptr_t)topic, partition, start, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    for (int64_t back = 2, from = offset; status == TD_OK; back *= 16) {
        from = offset - back > start ? offset - back : start;
        status = read_around(reader, from, offset, out);
        if (out->before >= 0 || from == start) break;
    }
    td_reader_close(reader);
    return status;
}

int32_t td_kafka_epoch(const td_topic *topic, uint32_t partition) {
    around at = {-1, -1};
    if (td_kafka_has_epochs() && find_around(topic, partition, td_kafka_end(topic, partition), &at) != TD_OK) return 0;
    return at.before < 0 ? 0 : at.before;
}

/* What cannot be asked is believed: Kafka takes nothing back, and who holds it for void makes all anew. Where no record
 * is before the position, nothing can have been taken back. */
bool td_kafka_holds(const td_topic *topic, uint32_t partition, td_position position) {
    around at;
    int64_t end;
    const td_kafka_partition *p = td_kafka_partition_of(topic, partition);
    if (position.epoch < 0 || position.offset < 0) return false;
    td_status status = td_kafka_edge_at(p, TD_KAFKA_END, td_kafka_now_ns(td_kafka_log_of(topic)), &end);
    if (status != TD_OK) return true;
    if (position.offset > end) return false;
    if (!td_kafka_has_epochs() || find_around(topic, partition, position.offset, &at) != TD_OK) return true;
    if (at.before < 0) at.before = 0;
    return position.epoch >= at.before && position.epoch <= (at.after < 0 ? at.before : at.after);
}
