/* bench/kafka_bench.c - records into one partition of a broker and back again, through the log on Kafka, or by the loop
 * that one would write over librdkafka: the same records, settings and transactions on both sides.
 *
 * usage: kafka_bench log|bare BROKER NAME [RECORDS]     the name must be new; one line of JSON */
#include "bench.h"
#include "log/log_kafka.h"
#include "records.h"
#include <librdkafka/rdkafka.h>

enum { BATCH_BYTES = 64 * 1024, TRANSACTION_RECORDS = 16384, TIMEOUT_MS = 60000, MESSAGES = 1000 };

typedef struct answer {
    double append_s, read_s;
    int64_t read, bytes;
} answer;

static void require(td_status status, const char *what) { bench_require("kafka_bench", status, what); }

/* --- through the log ---------------------------------------------------------------------------------------------- */

static td_topic *open_topic(td_log **log, const char *broker, const char *name) {
    td_topic *topic;
    const td_log_kafka_conf conf = {.brokers = broker, .prefix = name, .replicas = 1, .codec = TD_CODEC_LZ4};
    require(td_log_kafka_open(log, &td_os_posix, &conf, NULL, NULL), "open");
    require(td_log_topic(*log, "bench", 1, TD_TOPIC_INPUT, &topic), "open the topic");
    return topic;
}

static void append_batch(td_writer *writer, td_topic *topic, td_batch *batch) {
    if (batch->count == 0) return;
    require(td_writer_append(writer, topic, 0, batch), "append");
    td_batch_reset(batch);
}

static void append_by_log(td_writer *writer, td_topic *topic, const bench_records *records, int64_t count) {
    td_batch batch;
    td_bytes none = {0};
    td_batch_init(&batch, BATCH_BYTES);
    require(td_writer_begin(writer), "begin");
    for (int64_t i = 0; i < count; i++) {
        const bench_record *r = &records->items[i % BENCH_RECORDS];
        if (i > 0 && i % TRANSACTION_RECORDS == 0) {
            append_batch(writer, topic, &batch);
            require(td_writer_commit(writer, NULL, 0), "commit");
            require(td_writer_begin(writer), "begin");
        }
        if (td_batch_add(&batch, 1, r->key, r->value, none, none)) continue;
        append_batch(writer, topic, &batch);
        (void)td_batch_add(&batch, 1, r->key, r->value, none, none);
    }
    append_batch(writer, topic, &batch);
    require(td_writer_commit(writer, NULL, 0), "commit");
    td_batch_fini(&batch);
}

static void read_by_log(td_topic *topic, answer *out) {
    td_reader *reader;
    td_record record;
    td_status status;
    require(td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED), "open a reader");
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        out->read++;
        out->bytes += (int64_t)(record.key.size + record.value.size);
    }
    if (status != TD_AGAIN) require(status, "read");
    td_reader_close(reader);
}

static void by_log(const char *broker, const char *name, const bench_records *records, int64_t count, answer *out) {
    td_log *log;
    td_writer *writer;
    td_topic *topic = open_topic(&log, broker, name);
    require(td_writer_open(&writer, log, "bench"), "open a writer");
    int64_t from_ns = bench_now_ns();
    append_by_log(writer, topic, records, count);
    out->append_s = (double)(bench_now_ns() - from_ns) / 1e9;
    from_ns = bench_now_ns();
    read_by_log(topic, out);
    out->read_s = (double)(bench_now_ns() - from_ns) / 1e9;
    td_writer_close(writer);
    td_log_close(log);
}

/* --- by librdkafka alone ------------------------------------------------------------------------------------------ */

static rd_kafka_t *open_bare(rd_kafka_type_t type, const char *broker, const char *name) {
    static const char *const settings[][2] = {{"linger.ms", "5"},
                                              {"batch.size", "1000000"},
                                              {"batch.num.messages", "100000"},
                                              {"queue.buffering.max.kbytes", "65536"},
                                              {"queue.buffering.max.messages", "1000000"},
                                              {"queued.max.messages.kbytes", "8192"},
                                              {"fetch.wait.max.ms", "20"},
                                              {"compression.type", "lz4"},
                                              {"acks", "all"},
                                              {"check.crcs", "true"},
                                              {"enable.partition.eof", "true"},
                                              {"isolation.level", "read_committed"}};
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool set = rd_kafka_conf_set(conf, "bootstrap.servers", broker, why, sizeof why) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && set; i++)
        set = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) == RD_KAFKA_CONF_OK;
    if (set && type == RD_KAFKA_PRODUCER)
        set = rd_kafka_conf_set(conf, "transactional.id", name, why, sizeof why) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *rk = set ? rd_kafka_new(type, conf, why, sizeof why) : NULL;
    if (rk == NULL) bench_die("kafka_bench", "open a handle", why);
    return rk;
}

static void pass(rd_kafka_error_t *error, const char *what) {
    if (error != NULL) bench_die("kafka_bench", what, rd_kafka_error_string(error));
}

static void append_bare(rd_kafka_t *rk, rd_kafka_topic_t *topic, const bench_records *records, int64_t count) {
    pass(rd_kafka_begin_transaction(rk), "begin");
    for (int64_t i = 0; i < count;) {
        const bench_record *r = &records->items[i % BENCH_RECORDS];
        void *value = records->bytes.data + (r->value.data - records->bytes.data); /* it wants no const */
        if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, r->value.size, r->key.data, r->key.size, NULL) !=
            0) {
            (void)rd_kafka_poll(rk, 10);
            continue;
        }
        if (++i % 1024 == 0) (void)rd_kafka_poll(rk, 0);
        if (i % TRANSACTION_RECORDS != 0 || i == count) continue;
        pass(rd_kafka_commit_transaction(rk, TIMEOUT_MS), "commit");
        pass(rd_kafka_begin_transaction(rk), "begin");
    }
    pass(rd_kafka_commit_transaction(rk, TIMEOUT_MS), "commit");
}

/* With its handle, as the log opens one for its first reader. */
static void read_bare(const char *broker, const char *name, int64_t count, answer *out) {
    static rd_kafka_message_t *messages[MESSAGES];
    rd_kafka_t *rk = open_bare(RD_KAFKA_CONSUMER, broker, name);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, name, NULL);
    if (rd_kafka_consume_start(topic, 0, 0) != 0) bench_die("kafka_bench", "read", "cannot start");
    while (out->read < count) {
        ssize_t got = rd_kafka_consume_batch(topic, 0, 1000, messages, MESSAGES);
        for (ssize_t i = 0; i < got; i++) {
            if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                out->read++;
                out->bytes += (int64_t)(messages[i]->key_len + messages[i]->len);
            }
            rd_kafka_message_destroy(messages[i]);
        }
    }
    (void)rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
}

/* The topic is made as the log makes its own. */
static void bare(const char *broker, const char *name, const bench_records *records, int64_t count, answer *out) {
    td_log *log;
    td_topic *made = open_topic(&log, broker, name);
    td_buf full = {0};
    td_buf_printf(&full, "%s%s%c", name, td_topic_name(made), '\0');
    rd_kafka_t *producer = open_bare(RD_KAFKA_PRODUCER, broker, name);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, (const char *)full.data, NULL);
    pass(rd_kafka_init_transactions(producer, TIMEOUT_MS), "open a producer");
    int64_t from_ns = bench_now_ns();
    append_bare(producer, topic, records, count);
    out->append_s = (double)(bench_now_ns() - from_ns) / 1e9;
    from_ns = bench_now_ns();
    read_bare(broker, (const char *)full.data, count, out);
    out->read_s = (double)(bench_now_ns() - from_ns) / 1e9;
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    td_buf_fini(&full);
    td_log_close(log);
}

int main(int argc, char **argv) {
    if (argc < 4) bench_die("kafka_bench", "usage", "kafka_bench log|bare BROKER NAME [RECORDS]");
    int64_t count = argc > 4 ? strtoll(argv[4], NULL, 10) : 1000000;
    static bench_records records;
    answer a = {0};
    bench_records_init(&records);
    (strcmp(argv[1], "log") == 0 ? by_log : bare)(argv[2], argv[3], &records, count, &a);
    if (a.read != count) bench_die("kafka_bench", argv[3], "not every record was read");
    (void)printf("{\"records\":%" PRId64 ",\"bytes\":%" PRId64
                 ",\"record_bytes\":%.1f,\"append_s\":%.4f,\"read_s\":%.4f,"
                 "\"version\":\"librdkafka %s\"}\n",
                 count, a.bytes, records.size_bytes, a.append_s, a.read_s, rd_kafka_version_str());
    td_buf_fini(&records.bytes);
    return 0;
}
