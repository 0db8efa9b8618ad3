/* bench/append_bench.c - appending as a producer's bytes would come: each value is decoded by its schema before it is
 * taken, batches of 64 KB go into one partition, and a thread beside syncs every 200 ms, once more at the end: group
 * commit. The time ends when all is on the disk.
 *
 * usage: append_bench FOLDER [RECORDS]     the folder must be new; one line of JSON */
#include "bench.h"
#include "log/log_segment.h"
#include "os/thread.h"
#include "records.h"
#include <unistd.h>

enum { BATCH_BYTES = 64 * 1024, SYNC_US = 200000 };

static void require(td_status status, const char *what) { bench_require("append_bench", status, what); }

static int sync_step(void *log) {
    require(td_log_sync(log), "sync");
    return 0; /* the thread idles between rounds */
}

static int64_t append(td_writer *writer, td_topic *topic, td_batch *batch) {
    require(td_writer_append(writer, topic, 0, batch), "append");
    td_batch_reset(batch);
    return 1;
}

/* Returns how many batches there were. */
static int64_t append_all(td_topic *topic, const bench_records *records, int64_t count) {
    td_batch batch;
    td_bytes none = {0}, feed;
    td_event event;
    int64_t batches = 0;
    td_writer *writer;
    require(td_writer_open(&writer, topic->log, "bench"), "open a writer");
    td_batch_init(&batch, BATCH_BYTES);
    for (int64_t i = 0; i < count; i++) {
        const bench_record *r = &records->items[i % BENCH_RECORDS];
        require(td_record_get_event(&records->ids, r->value, &event, &feed), "check the schema");
        int64_t timestamp_ms = event.receive_ns / 1000000;
        if (td_batch_add(&batch, timestamp_ms, r->key, r->value, none, none)) continue;
        batches += append(writer, topic, &batch);
        (void)td_batch_add(&batch, timestamp_ms, r->key, r->value, none, none);
    }
    batches += append(writer, topic, &batch);
    td_writer_close(writer);
    td_batch_fini(&batch);
    return batches;
}

int main(int argc, char **argv) {
    if (argc < 2) bench_die("append_bench", "usage", "append_bench FOLDER [RECORDS]");
    int64_t count = argc > 2 ? strtoll(argv[2], NULL, 10) : 10000000;
    static bench_records records;
    bench_records_init(&records);
    td_log *log;
    td_topic *topic;
    require(td_log_segment_open(&log, &td_os_posix, &(td_log_conf){.dir = argv[1]}, NULL, NULL), "open");
    require(td_log_topic(log, "bench", 1, TD_TOPIC_INPUT, &topic), "open the topic");
    if (td_topic_end(topic, 0) > 0) bench_die("append_bench", argv[1], "holds records already");

    td_thread sync;
    int64_t from_ns = bench_now_ns();
    require(td_thread_start(&sync, "sync", sync_step, log, SYNC_US), "start a thread");
    int64_t batches = append_all(topic, &records, count);
    double appended_s = (double)(bench_now_ns() - from_ns) / 1e9;
    td_thread_stop(&sync);
    require(td_log_sync(log), "sync");
    double seconds = (double)(bench_now_ns() - from_ns) / 1e9;
    bool whole = td_topic_end(topic, 0) == count && td_topic_synced(topic, 0) == count;
    if (!whole) bench_die("append_bench", argv[1], "not every record is on the disk");
    (void)printf("{\"records\":%" PRId64 ",\"batches\":%" PRId64 ",\"record_bytes\":%.1f,\"appended_s\":%.4f,"
                 "\"seconds\":%.4f}\n",
                 count, batches, records.size_bytes, appended_s, seconds);
    td_log_close(log);
    td_buf_fini(&records.bytes);
    return 0;
}
