/* bench/log_bench.c - the log alone: appends and reads 75-byte records through the public door, on one core each.
 * Usage: log_bench FOLDER [RECORDS [none|lz4|zstd]]. Prints one line of JSON, rates in millions of records a second. */
#include "log/log_segment.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUE_BYTES = 55, KEY_BYTES = 11, BATCH_BYTES = 64 * 1024 }; /* with Kafka's framing: 75 */

static void require(td_status status, const char *what) {
    if (status == TD_OK) return;
    (void)fprintf(stderr, "log_bench: %s: %s\n", what, td_trail());
    exit(1);
}

static double seconds_since(int64_t begin_ns) {
    return (double)(td_os_posix.ops->mono_ns(td_os_posix.self) - begin_ns) / 1e9;
}

static void append_all(td_topic *topic, int64_t record_count) {
    td_batch batch;
    td_writer *writer;
    require(td_writer_open(&writer, topic->log, "bench"), "open a writer");
    td_batch_init(&batch, BATCH_BYTES);
    uint8_t value[VALUE_BYTES] = {0};
    td_bytes key = TD_TEXT("LEAN:GOOGLE"), bytes = {value, sizeof value}, none = {0};
    for (int64_t i = 0; i < record_count; i++) {
        memcpy(value, &i, sizeof i);
        if (td_batch_add(&batch, i / 1000, key, bytes, none, none)) continue;
        require(td_writer_append(writer, topic, 0, &batch), "append");
        td_batch_reset(&batch);
        (void)td_batch_add(&batch, i / 1000, key, bytes, none, none);
    }
    require(td_writer_append(writer, topic, 0, &batch), "append");
    td_writer_close(writer);
    td_batch_fini(&batch);
}

static void read_all(td_topic *topic, int64_t record_count) {
    td_reader *reader;
    require(td_reader_open(&reader, topic, 0, 0, TD_READ_APPENDED), "open a reader");
    td_record record;
    int64_t count = 0, wrong = 0, number = 0;
    while (td_reader_next(reader, &record) == TD_OK) {
        memcpy(&number, record.value.data, sizeof number);
        wrong += number != count || record.key.size != KEY_BYTES;
        count++;
    }
    td_reader_close(reader);
    if (count == record_count && wrong == 0) return;
    (void)fprintf(stderr, "log_bench: read %" PRId64 " records, %" PRId64 " of them wrong\n", count, wrong);
    exit(1);
}

static td_codec codec_of(const char *name) {
    return strcmp(name, "lz4") == 0 ? TD_CODEC_LZ4 : strcmp(name, "zstd") == 0 ? TD_CODEC_ZSTD : TD_CODEC_NONE;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: log_bench FOLDER [RECORDS [none|lz4|zstd]]\n");
        return 2;
    }
    int64_t record_count = argc > 2 ? strtoll(argv[2], NULL, 10) : 10000000;
    td_log *log;
    td_topic *topic;
    require(td_log_segment_open(&log, &td_os_posix,
                                &(td_log_conf){.dir = argv[1], .codec = codec_of(argc > 3 ? argv[3] : "none")}, NULL,
                                NULL),
            "open");
    require(td_log_topic(log, "bench", 1, TD_TOPIC_INPUT, &topic), "open topic");
    if (td_topic_end(topic, 0) > 0) require(td_log_truncate(topic, 0, 0), "empty the topic");

    int64_t begin_ns = td_os_posix.ops->mono_ns(td_os_posix.self);
    append_all(topic, record_count);
    double append_s = seconds_since(begin_ns), read_s = 1e9;
    for (int round = 0; round < 5; round++) {
        begin_ns = td_os_posix.ops->mono_ns(td_os_posix.self);
        read_all(topic, record_count);
        if (seconds_since(begin_ns) < read_s) read_s = seconds_since(begin_ns);
    }
    double millions = (double)record_count / 1e6;
    (void)printf("{\"bench\": \"log\", \"records\": %" PRId64 ", \"record_bytes\": %.1f, \"append_mps\": %.1f, "
                 "\"read_mps\": %.1f}\n",
                 record_count, (double)td_topic_bytes(topic, 0) / (double)record_count, millions / append_s,
                 millions / read_s);
    td_log_close(log);
    return 0;
}
