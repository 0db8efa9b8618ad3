/* tests/contract/log_kafka_errors.c - what the log on Kafka says where a cluster is not as it should be. The broker
 * that tests/services/run_log_kafka.py started stands in the environment. */
#include "../unit/unit.h"
#include "log/log_kafka.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOON_MS = 20000, NOBODY_MS = 3000 };

static char prefix[32], told[512];

static void note(void *arg, const char *line) {
    (void)arg;
    (void)snprintf(told, sizeof told, "%s", line);
}

static td_log_kafka_conf conf_of(const char *variable) {
    return (td_log_kafka_conf){
        .brokers = getenv(variable), .prefix = prefix, .replicas = 1, .codec = TD_CODEC_ZSTD, .timeout_ms = SOON_MS};
}

static td_log *open_log(const td_log_kafka_conf *conf) {
    td_log *log;
    if (td_log_kafka_open(&log, &td_os_posix, conf, note, NULL) != TD_OK) fail_msg("%s", td_trail());
    return log;
}

static void expect_text(const char *const parts[]) {
    for (; *parts != NULL; parts++)
        if (strstr(td_trail(), *parts) == NULL) fail_msg("%s is not in: %s", *parts, td_trail());
}

#define EXPECT_TEXT(...) expect_text((const char *const[]){__VA_ARGS__, NULL})

static void nobody_is_there(void **state) {
    (void)state;
    td_log *log;
    td_log_kafka_conf conf = {.brokers = "127.0.0.1:1", .prefix = "", .timeout_ms = NOBODY_MS};
    assert_int_equal(td_log_kafka_open(&log, &td_os_posix, &conf, note, NULL), TD_RETRY);
    EXPECT_TEXT("127.0.0.1:1", "Connection refused");
    assert_non_null(strstr(told, "Connection refused")); /* the library's own word went to the report */
}

static void a_property_that_there_is_not(void **state) {
    (void)state;
    td_log *log;
    char *pair = "sasl.user=tape";
    const td_texts properties = {.items = &pair, .count = 1};
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER");
    conf.properties = &properties;
    assert_int_equal(td_log_kafka_open(&log, &td_os_posix, &conf, note, NULL), TD_CONFIG);
    EXPECT_TEXT("sasl.user");
}

static void a_login(void **state) {
    (void)state;
    static const struct {
        const char *password;
        td_status status;
    } rows[] = {{"deck", TD_OK}, {"duck", TD_CONFIG}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_log *log = NULL;
        char *pairs[] = {"security.protocol=sasl_plaintext", "sasl.mechanism=PLAIN", "sasl.username=tape"};
        const td_texts login = {.items = pairs, .count = COUNT_OF(pairs)};
        td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER_LOGIN");
        conf.properties = &login;
        conf.password = rows[i].password;
        ASSERT_ROW(td_log_kafka_open(&log, &td_os_posix, &conf, note, NULL) == rows[i].status, "%zu: %s", i,
                   td_trail());
        if (rows[i].status == TD_OK)
            td_log_close(log);
        else
            EXPECT_TEXT("uthentication");
        assert_null(strstr(td_trail(), "duck"));
    }
}

static void another_partition_count(void **state) {
    (void)state;
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER");
    td_topic *topic;
    for (uint32_t count = 3; count > 1; count--) { /* the second time by a process that did not make it */
        td_log *log = open_log(&conf);
        assert_int_equal(td_log_topic(log, "three", count, TD_TOPIC_INPUT, &topic), count == 3 ? TD_OK : TD_CONFIG);
        td_log_close(log);
    }
    EXPECT_TEXT("three has 3 partitions, not 2");
}

/* What it does not have is not made, and nobody loses his name to it. */
static void a_log_that_is_only_read(void **state) {
    (void)state;
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER"), look = conf;
    look.read_only = true;
    td_log *log = open_log(&conf), *looking = open_log(&look);
    td_topic *topic, *seen;
    td_writer *writer, *none;
    td_position at;
    td_batch batch;
    td_verify found;
    const td_verify_conf quiet = {0};
    assert_int_equal(td_log_topic(looking, "seen", 1, TD_TOPIC_INPUT, &seen), TD_CONFIG);
    EXPECT_TEXT("seen");
    assert_int_equal(td_log_topic(log, "seen", 1, TD_TOPIC_INPUT, &topic), TD_OK);
    assert_int_equal(td_writer_open(&writer, log, "w"), TD_OK);
    assert_int_equal(td_log_topic(looking, "seen", 1, TD_TOPIC_INPUT, &seen), TD_OK);
    assert_int_equal(td_log_committed(looking, "w", seen, 0, &at), TD_AGAIN);
    assert_int_equal(td_writer_open(&none, looking, "w"), TD_CONFIG);
    EXPECT_TEXT("for reading alone");
    td_batch_init(&batch, 4096);
    for (int64_t i = 1; i <= 3; i++) {
        td_mark mark = {topic, 0, {0, i}};
        td_batch_reset(&batch);
        (void)td_batch_add(&batch, 1, TD_TEXT("k"), TD_TEXT("v"), (td_bytes){0}, (td_bytes){0});
        assert_int_equal(td_writer_begin(writer), TD_OK);
        assert_int_equal(td_writer_append(writer, topic, 0, &batch), TD_OK);
        assert_int_equal(td_writer_commit(writer, &mark, 1), TD_OK);
        assert_int_equal(td_log_committed(looking, "w", seen, 0, &at), TD_OK);
        assert_int_equal(at.offset, i);
    }
    usleep(2 * TD_KAFKA_FRESH_MS * 1000);
    assert_int_equal(td_topic_verify(seen, 0, &quiet, &found), TD_OK);
    assert_true(found.records == 3 && found.bytes == 6 && found.corrupt == 0);
    td_batch_fini(&batch);
    td_writer_close(writer);
    td_log_close(looking);
    td_log_close(log);
}

/* A record that no batch holds is refused, alone and in a transaction, and the writer goes on. */
static void a_record_too_large(void **state) {
    (void)state;
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER");
    td_log *log = open_log(&conf);
    td_topic *topic;
    td_writer *writer;
    assert_int_equal(td_log_topic(log, "large", 1, TD_TOPIC_INPUT, &topic), TD_OK);
    assert_int_equal(td_writer_open(&writer, log, "w"), TD_OK);
    for (int in_transaction = 0; in_transaction < 2; in_transaction++) {
        td_batch batch;
        td_buf value = {0};
        td_buf_reserve(&value, 4 << 20);
        memset(value.data, 'x', value.capacity);
        value.size = value.capacity;
        td_batch_init(&batch, 4096);
        (void)td_batch_add(&batch, 1, (td_bytes){0}, td_buf_bytes(&value), (td_bytes){0}, (td_bytes){0});
        if (in_transaction) assert_int_equal(td_writer_begin(writer), TD_OK);
        assert_int_equal(td_writer_append(writer, topic, 0, &batch), TD_REJECT);
        EXPECT_TEXT("large-0", "too large", "message.max.bytes");
        if (in_transaction) assert_int_equal(td_writer_abort(writer), TD_OK);
        td_batch_reset(&batch);
        (void)td_batch_add(&batch, 1, (td_bytes){0}, TD_TEXT("small"), (td_bytes){0}, (td_bytes){0});
        int64_t end = td_topic_end(topic, 0);
        assert_int_equal(td_writer_append(writer, topic, 0, &batch), TD_OK);
        assert_true(td_topic_end(topic, 0) > end);
        td_batch_fini(&batch);
        td_buf_fini(&value);
    }
    td_writer_close(writer);
    td_log_close(log);
}

/* The end of a log is what readers get: not what somebody has begun. */
static void an_open_transaction_ends_the_log(void **state) {
    (void)state;
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER");
    td_log *log = open_log(&conf), *other = open_log(&conf);
    td_topic *topic, *same;
    td_writer *writer;
    td_batch batch;
    int64_t at;
    assert_int_equal(td_log_topic(log, "open", 1, TD_TOPIC_INPUT, &topic), TD_OK);
    assert_int_equal(td_log_topic(other, "open", 1, TD_TOPIC_INPUT, &same), TD_OK);
    assert_int_equal(td_writer_open(&writer, log, "w"), TD_OK);
    td_batch_init(&batch, 4096);
    (void)td_batch_add(&batch, 1, TD_TEXT("k"), TD_TEXT("v"), (td_bytes){0}, (td_bytes){0});
    assert_int_equal(td_writer_begin(writer), TD_OK);
    assert_int_equal(td_writer_append(writer, topic, 0, &batch), TD_OK);
    usleep(300000); /* it is sent */
    assert_int_equal(td_topic_end(same, 0), 0);
    assert_int_equal(td_topic_at_time(same, 0, 0, &at), TD_OK);
    assert_int_equal(at, 0);
    assert_int_equal(td_writer_commit(writer, NULL, 0), TD_OK);
    assert_true(td_topic_end(topic, 0) > 0);
    usleep(2 * TD_KAFKA_FRESH_MS * 1000);
    assert_int_equal(td_topic_end(same, 0), td_topic_end(topic, 0));
    td_batch_fini(&batch);
    td_writer_close(writer);
    td_log_close(other);
    td_log_close(log);
}

static pid_t broker_pid(void) {
    int pid = 0;
    FILE *file = fopen(getenv("TAPEDECK_BROKER_PID"), "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    (void)fclose(file);
    return pid;
}

static int64_t append_one(td_log *log, td_topic *topic) {
    td_writer *writer;
    td_batch batch;
    assert_int_equal(td_writer_open(&writer, log, "w"), TD_OK);
    td_batch_init(&batch, 4096);
    (void)td_batch_add(&batch, 1, TD_TEXT("k"), TD_TEXT("v"), (td_bytes){0}, (td_bytes){0});
    assert_int_equal(td_writer_append(writer, topic, 0, &batch), TD_OK);
    td_batch_fini(&batch);
    td_writer_close(writer);
    return td_topic_end(topic, 0);
}

/* Who goes on where a log stops would begin it anew: nothing looks empty because the brokers do not answer. */
static void a_silent_broker_empties_nothing(void **state) {
    (void)state;
    td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER"), soon = conf;
    soon.timeout_ms = NOBODY_MS;
    td_log *log = open_log(&conf), *other = open_log(&soon);
    td_topic *topic, *same;
    td_writer *writer;
    assert_int_equal(td_log_topic(log, "silent", 1, TD_TOPIC_INPUT, &topic), TD_OK);
    int64_t first = append_one(log, topic);
    assert_int_equal(td_log_topic(other, "silent", 1, TD_TOPIC_INPUT, &same), TD_OK);
    int64_t second = append_one(log, topic), known[2];
    for (int opened = 0; opened < 2; opened++) { /* as the topic was opened, and as its writer was */
        if (opened) assert_int_equal(td_writer_open(&writer, other, "other"), TD_OK);
        assert_int_equal(kill(broker_pid(), SIGSTOP), 0);
        usleep(100000); /* all its threads stand still */
        known[opened] = td_topic_end(same, 0);
        assert_int_equal(kill(broker_pid(), SIGCONT), 0);
    }
    assert_true(0 < first && first < second);
    assert_in_range(known[0], first,
                    second - 1); /* behind the record its commit's mark, which who wrote it need not know */
    assert_in_range(known[1], second, second + 1);
    td_writer_close(writer);
    td_log_close(other);
    td_log_close(log);
}

/* ---- an append that is taken in parts ---- */

enum { PARTS = 3, PART_RECORDS = 20 };

static void expect_each_once(td_topic *topic, int round) {
    for (uint32_t p = 0; p < PARTS; p++) {
        td_reader *reader;
        td_record record;
        char value[32];
        assert_int_equal(td_reader_open(&reader, topic, p, 0, TD_READ_APPENDED), TD_OK);
        for (int r = 0; r <= round; r++) {
            for (int i = 0; i < PART_RECORDS; i++) {
                (void)snprintf(value, sizeof value, "%d %d", r, i);
                assert_int_equal(td_reader_next(reader, &record), TD_OK);
                if (!td_bytes_equal(record.value, td_text(value)))
                    fail_msg("partition %d: %s, not %.*s", (int)p, value, (int)record.value.size, record.value.data);
            }
        }
        assert_int_equal(td_reader_next(reader, &record), TD_AGAIN);
        td_reader_close(reader);
    }
}

/* The brokers take nothing until the library has no room for more, at any record: the same again, until it is done. */
static void put_parts(td_writer *writer, td_topic *topic, int round) {
    td_batch batches[PARTS];
    td_append appends[PARTS];
    size_t done;
    for (uint32_t p = 0; p < PARTS; p++) {
        td_batch_init(&batches[p], 4096);
        for (int i = 0; i < PART_RECORDS; i++) {
            char value[32];
            (void)snprintf(value, sizeof value, "%d %d", round, i);
            (void)td_batch_add(&batches[p], 1, TD_TEXT("k"), td_text(value), (td_bytes){0}, (td_bytes){0});
        }
        appends[p] = (td_append){topic, p, &batches[p]};
    }
    bool in_transaction = round % 2 == 1;
    if (in_transaction) assert_int_equal(td_writer_begin(writer), TD_OK);
    assert_int_equal(kill(broker_pid(), SIGSTOP), 0);
    td_status status = td_writer_append_all(writer, appends, PARTS, &done);
    assert_int_equal(kill(broker_pid(), SIGCONT), 0);
    assert_int_equal(status, TD_RETRY);
    for (int i = 0; i < 60 && status == TD_RETRY; i++) status = td_writer_append_all(writer, appends, PARTS, &done);
    if (status != TD_OK) fail_msg("round %d: %s", round, td_trail());
    if (in_transaction) assert_int_equal(td_writer_commit(writer, NULL, 0), TD_OK);
    for (uint32_t p = 0; p < PARTS; p++) td_batch_fini(&batches[p]);
}

/* Wherever it stops: at the first records, within a batch, between two. */
static void an_append_in_parts(void **state) {
    (void)state;
    static const int rooms[] = {1, PARTS, PART_RECORDS + 2, 2 * PART_RECORDS + 5};
    char room[48], *pair = room, name[16];
    const td_texts properties = {.items = &pair, .count = 1};
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        (void)snprintf(room, sizeof room, "queue.buffering.max.messages=%d", rooms[i]);
        (void)snprintf(name, sizeof name, "parts-%d", rooms[i]);
        td_log_kafka_conf conf = conf_of("TAPEDECK_BROKER");
        conf.timeout_ms = NOBODY_MS;
        conf.properties = &properties;
        td_log *log = open_log(&conf);
        td_topic *topic;
        td_writer *writer;
        assert_int_equal(td_log_topic(log, name, PARTS, TD_TOPIC_INPUT, &topic), TD_OK);
        assert_int_equal(td_writer_open(&writer, log, name), TD_OK);
        for (int round = 0; round < 2; round++) {
            put_parts(writer, topic, round);
            expect_each_once(topic, round);
        }
        td_writer_close(writer);
        td_log_close(log);
    }
}

int main(void) {
    (void)snprintf(prefix, sizeof prefix, "e%d.", (int)getpid());
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(a_property_that_there_is_not),
        cmocka_unit_test(a_login),
        cmocka_unit_test(another_partition_count),
        cmocka_unit_test(a_log_that_is_only_read),
        cmocka_unit_test(a_record_too_large),
        cmocka_unit_test(an_open_transaction_ends_the_log),
        cmocka_unit_test(a_silent_broker_empties_nothing),
        cmocka_unit_test(an_append_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
