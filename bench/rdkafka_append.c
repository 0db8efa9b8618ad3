/* bench/rdkafka_append.c - the same records through librdkafka to a broker: produce() as fast as it takes them, until
 * every one is acknowledged by the leader (acks=1).
 *
 * usage: rdkafka_append BROKER TOPIC [RECORDS]     makes the topic with one partition; one line of JSON */
#include "bench.h"
#include "records.h"
#include <librdkafka/rdkafka.h>

enum { TIMEOUT_MS = 60000 };

static const char *const settings[][2] = {{"acks", "1"},
                                          {"compression.type", "none"},
                                          {"linger.ms", "20"},
                                          {"batch.size", "1000000"},
                                          {"batch.num.messages", "100000"},
                                          {"queue.buffering.max.messages", "1000000"}};

static int64_t delivered, failed;

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer;
    (void)opaque;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        delivered++;
    else
        failed++;
}

static rd_kafka_t *open_producer(const char *broker) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool set = rd_kafka_conf_set(conf, "bootstrap.servers", broker, why, sizeof why) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && set; i++)
        set = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *producer = set ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why) : NULL;
    if (producer == NULL) bench_die("rdkafka_append", "open a producer", why);
    return producer;
}

static void make_topic(rd_kafka_t *producer, const char *name) {
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, 1, why, sizeof why);
    if (topic == NULL) bench_die("rdkafka_append", name, why);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(producer);
    rd_kafka_CreateTopics(producer, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, TIMEOUT_MS);
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        bench_die("rdkafka_append", name, event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    size_t count;
    const rd_kafka_topic_result_t **made =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    if (count != 1 || rd_kafka_topic_result_error(made[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        bench_die("rdkafka_append", name, "the broker did not make the topic");
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
}

static void produce_all(rd_kafka_t *producer, rd_kafka_topic_t *topic, const bench_records *records, int64_t count) {
    for (int64_t i = 0; i < count;) {
        const bench_record *r = &records->items[i % BENCH_RECORDS];
        void *value = records->bytes.data + (r->value.data - records->bytes.data); /* it wants no const */
        if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, r->value.size, r->key.data, r->key.size, NULL) ==
            0) {
            if (++i % 1024 == 0) (void)rd_kafka_poll(producer, 0);
        } else if (rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)rd_kafka_poll(producer, 10);
        } else {
            bench_die("rdkafka_append", "produce", rd_kafka_err2str(rd_kafka_last_error()));
        }
    }
    (void)rd_kafka_flush(producer, TIMEOUT_MS);
}

int main(int argc, char **argv) {
    if (argc < 3) bench_die("rdkafka_append", "usage", "rdkafka_append BROKER TOPIC [RECORDS]");
    int64_t count = argc > 3 ? strtoll(argv[3], NULL, 10) : 10000000;
    static bench_records records;
    bench_records_init(&records);
    rd_kafka_t *producer = open_producer(argv[1]);
    make_topic(producer, argv[2]);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, argv[2], NULL);
    int64_t from_ns = bench_now_ns();
    produce_all(producer, topic, &records, count);
    double seconds = (double)(bench_now_ns() - from_ns) / 1e9;
    if (delivered != count || failed != 0) bench_die("rdkafka_append", argv[2], "not every record was acknowledged");
    (void)printf("{\"records\":%" PRId64 ",\"record_bytes\":%.1f,\"seconds\":%.4f,\"version\":\"librdkafka %s\","
                 "\"settings\":\"",
                 count, records.size_bytes, seconds, rd_kafka_version_str());
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        (void)printf("%s%s=%s", i > 0 ? ", " : "", settings[i][0], settings[i][1]);
    (void)printf("\"}\n");
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    td_buf_fini(&records.bytes);
    return 0;
}
