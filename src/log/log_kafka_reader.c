/* src/log/log_kafka_reader.c - reading a partition of a Kafka cluster, by a consumer that fetches ahead. */
#include "base/time.h"
#include "log/log_kafka_private.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { MESSAGES = 512, WAIT_MS = 100, LOOK_MS = 20 };

typedef struct kafka_reader {
    td_reader base;
    td_kafka_partition *p;
    rd_kafka_t *consumer;       /* NULL: it has not begun */
    rd_kafka_topic_t *topic;    /* of that consumer */
    int64_t sought_ns;          /* it is not at the end of the log before it has asked for the end since then */
    bool corrupt;               /* at the cursor's offset */
    rd_kafka_resp_err_t failed; /* why it begins again */
    size_t drawn;               /* bytes since its queue was empty, which holds so many at most: */
    size_t queued_bytes;
    td_buf headers; /* of the record that is lent */
    rd_kafka_message_t *lent;
    size_t count, next; /* of the messages in hand */
    rd_kafka_message_t *messages[MESSAGES];
} kafka_reader;

static td_kafka_log *log_of(const kafka_reader *r) { return td_kafka_log_of(&r->p->topic->base); }

td_status td_kafka_reader_open(td_reader **out, td_topic *topic, uint32_t partition, td_read_limit limit) {
    (void)limit; /* what is readable is with all in-sync replicas */
    kafka_reader *r = td_alloc_zero(1, sizeof *r);
    r->p = td_kafka_partition_of(topic, partition);
    r->queued_bytes = td_kafka_queued_kb(log_of(r)) << 10;
    *out = &r->base;
    return TD_OK;
}

/* --- a consumer's place ---------------------------------------------------------------------------------------------
 */

static void drop_messages(kafka_reader *r) {
    if (r->lent != NULL) rd_kafka_message_destroy(r->lent);
    r->lent = NULL;
    while (r->next < r->count) rd_kafka_message_destroy(r->messages[r->next++]);
}

static void end_consuming(kafka_reader *r) {
    drop_messages(r);
    if (r->consumer == NULL) return;
    (void)rd_kafka_consume_stop(r->topic, (int32_t)r->p->number);
    rd_kafka_topic_destroy(r->topic);
    td_kafka_give_consumer(log_of(r), r->p, r->consumer);
    r->consumer = NULL;
}

static td_status begin_consuming(kafka_reader *r) {
    td_status status = td_kafka_take_consumer(log_of(r), r->p, &r->consumer);
    if (status != TD_OK) return status;
    r->topic = rd_kafka_topic_new(r->consumer, r->p->topic->full_name, NULL);
    if (rd_kafka_consume_start(r->topic, (int32_t)r->p->number, r->base.cursor.offset) == 0) return TD_OK;
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    end_consuming(r);
    return td_kafka_fail(log_of(r), code, "reading", r->p->topic->full_name);
}

void td_kafka_reader_close(td_reader *reader) {
    kafka_reader *r = (kafka_reader *)reader;
    end_consuming(r);
    td_buf_fini(&r->headers);
    free(r);
}

void td_kafka_reader_seek(td_reader *reader, int64_t offset) {
    kafka_reader *r = (kafka_reader *)reader;
    end_consuming(r);
    int64_t start = td_kafka_start(&r->p->topic->base, r->p->number);
    reader->cursor = (td_cursor){.offset = offset > start ? offset : start};
    reader->lost = start > offset ? start - offset : 0;
    r->sought_ns = td_kafka_now_ns(log_of(r));
    r->corrupt = false;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void put_number(td_buf *buf, int64_t v) {
    td_buf_reserve(buf, TD_VARINT_MAX);
    buf->size = (size_t)(td_varint_put(buf->data + buf->size, v) - buf->data);
}

static void put_bytes(td_buf *buf, const void *data, size_t size) {
    put_number(buf, data == NULL ? -1 : (int64_t)size);
    if (size > 0) td_buf_put(buf, data, size);
}

/* As they stand in a batch, which the library has taken apart. */
static td_bytes headers_of(kafka_reader *r, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers;
    r->headers.size = 0;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return (td_bytes){0};
    size_t count = rd_kafka_header_cnt(headers);
    put_number(&r->headers, (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t size;
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
        put_bytes(&r->headers, name, strlen(name));
        put_bytes(&r->headers, value, size);
    }
    return td_buf_bytes(&r->headers);
}

static void lend(kafka_reader *r, rd_kafka_message_t *m, td_record *out) {
    rd_kafka_timestamp_type_t type;
    *out = (td_record){.offset = m->offset,
                       .timestamp_ms = rd_kafka_message_timestamp(m, &type),
                       .epoch = td_kafka_message_epoch(m),
                       .key = {m->key, m->key_len},
                       .value = {m->payload, m->len},
                       .headers = headers_of(r, m)};
    r->base.cursor.offset = m->offset + 1;
    r->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    r->drawn += m->key_len + m->len;
    r->lent = m;
}

/* Retention was faster: on at what is the start now. */
static td_status skip_what_is_gone(kafka_reader *r) {
    int64_t start, from = r->base.cursor.offset;
    end_consuming(r);
    td_status status = td_kafka_edge_at(r->p, TD_KAFKA_START, td_kafka_now_ns(log_of(r)), &start);
    if (status != TD_OK) return status;
    if (start <= from) return TD_AGAIN;
    r->base.lost += start - from;
    r->base.cursor.offset = start;
    return TD_AGAIN;
}

static td_status damaged(kafka_reader *r, const rd_kafka_message_t *m) {
    end_consuming(r);
    r->corrupt = true;
    return TD_FAIL(TD_CORRUPT, "kafka: %s-%" PRIu32 ": %s at offset %" PRId64, r->p->topic->full_name, r->p->number,
                   rd_kafka_err2str(m->err), r->base.cursor.offset);
}

/* TD_AGAIN: no record, on with the next. */
static td_status take(kafka_reader *r, rd_kafka_message_t *m, td_record *out) {
    td_status status = TD_AGAIN;
    switch ((int)m->err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        if (m->offset < r->base.cursor.offset) break;
        lend(r, m, out);
        return TD_OK;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: /* what is left out before it is passed, too */
        if (m->offset > r->base.cursor.offset) r->base.cursor.offset = m->offset;
        td_kafka_note_end(r->p, m->offset);
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        status = skip_what_is_gone(r);
        break;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        status = damaged(r, m);
        break;
    default: /* a topic may be so new that this broker does not know it yet */
        r->failed = m->err;
        end_consuming(r);
        if (td_kafka_is_refusal(m->err)) status = td_kafka_fail(log_of(r), m->err, "reading", r->p->topic->full_name);
    }
    rd_kafka_message_destroy(m);
    return status;
}

/* --- refilling ---------------------------------------------------------------------------------------------------- */

/* Where a queue is full, an older library looks only after a second whether it still is, unless it is asked anything of
 * the broker that leads. */
static void wake(kafka_reader *r) {
    if (r->drawn >= r->queued_bytes / 2 && !td_kafka_goes_on_fetching()) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, r->p->topic->full_name, (int32_t)r->p->number)->offset =
            RD_KAFKA_OFFSET_END;
        (void)rd_kafka_offsets_for_times(r->consumer, list, WAIT_MS);
        rd_kafka_topic_partition_list_destroy(list);
    }
    r->drawn = 0;
}

/* Takes what has come, and waits so long for the first when nothing has. */
static td_status fetch(kafka_reader *r, int wait_ms) {
    r->count = r->next = 0;
    int32_t number = (int32_t)r->p->number;
    ssize_t got = rd_kafka_consume_batch(r->topic, number, 0, r->messages, MESSAGES);
    if (got >= 0 && got < MESSAGES) wake(r);
    if (got > 0) {
        r->count = (size_t)got;
    } else if (got == 0 && wait_ms > 0) {
        r->messages[0] = rd_kafka_consume(r->topic, number, wait_ms);
        r->count = r->messages[0] != NULL;
    } else if (got < 0) {
        return td_kafka_fail(log_of(r), rd_kafka_last_error(), "reading", r->p->topic->full_name);
    }
    return TD_OK;
}

/* From where it is, again if that failed before. */
static td_status begin_again(kafka_reader *r) {
    if (r->failed != RD_KAFKA_RESP_ERR_NO_ERROR) (void)rd_kafka_poll(log_of(r)->client, LOOK_MS);
    return begin_consuming(r);
}

/* TD_AGAIN only where the log says that it ends: a slow network is none. */
static td_status await(kafka_reader *r, int64_t deadline_ns) {
    td_kafka_log *log = log_of(r);
    int64_t end;
    for (int wait_ms = 0;; wait_ms = WAIT_MS) {
        td_status status = r->consumer != NULL ? fetch(r, wait_ms) : TD_OK;
        if (status != TD_OK || r->count > r->next) return status;
        int64_t since_ns = td_kafka_now_ns(log) - TD_KAFKA_FRESH_MS * TD_NS_PER_MS;
        if (since_ns < r->sought_ns) since_ns = r->sought_ns;
        status = td_kafka_edge_at(r->p, TD_KAFKA_END, since_ns, &end);
        if (status != TD_OK) return status;
        if (r->base.cursor.offset >= end) {
            td_kafka_note_end(r->p, r->base.cursor.offset); /* more may have come since it was asked for */
            return TD_AGAIN;
        }
        if (td_kafka_left_ms(log, deadline_ns) == 0)
            return td_kafka_fail(log,
                                 r->failed != RD_KAFKA_RESP_ERR_NO_ERROR ? r->failed : RD_KAFKA_RESP_ERR__TIMED_OUT,
                                 "reading", r->p->topic->full_name);
        if (r->consumer == NULL && (status = begin_again(r)) != TD_OK) return status;
    }
}

td_status td_kafka_reader_refill(td_reader *reader, td_record *out) {
    kafka_reader *r = (kafka_reader *)reader;
    if (r->lent != NULL) rd_kafka_message_destroy(r->lent);
    r->lent = NULL;
    if (r->corrupt)
        return TD_FAIL(TD_CORRUPT, "kafka: %s-%" PRIu32 " is damaged", r->p->topic->full_name, r->p->number);
    int64_t deadline_ns = td_kafka_deadline_ns(log_of(r));
    for (;;) {
        td_status status = TD_AGAIN;
        while (status == TD_AGAIN && r->next < r->count) status = take(r, r->messages[r->next++], out);
        if (status == TD_AGAIN) status = await(r, deadline_ns);
        if (status != TD_OK || r->lent != NULL) return status;
    }
}
