/* bench/handoff_bench.c - what the walls cost: a record from one thread to another through the log (append, page cache,
 * reader) or through a ring in memory, at a steady rate, from the time it was due. The reader spins in both; the log is
 * synced every 200 ms by a third thread, as in a run.
 *
 * usage: handoff_bench log|ring FOLDER [RATE [SECONDS]]     one line of JSON */
#include "bench.h"
#include "log/log_segment.h"
#include "os/thread.h"
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

enum { VALUE_BYTES = 100, RING_SLOTS = 1 << 16, BATCH_BYTES = 128 * 1024, SYNC_US = 200000, WAKE_NS = 50000 };

typedef struct handoff {
    int64_t from_ns, period_ns, count;
    int64_t *latency_ns; /* the reader's */
    td_log *log;         /* NULL: the ring */
    td_writer *writer;
    td_topic *topic;
    uint8_t (*slots)[VALUE_BYTES];
    _Alignas(64) _Atomic uint64_t put; /* each on a cache line of its own */
    _Alignas(64) _Atomic uint64_t taken;
} handoff;

static void require(td_status status, const char *what) { bench_require("handoff_bench", status, what); }

static void note(handoff *h, const uint8_t *value) {
    int64_t number;
    memcpy(&number, value, sizeof number);
    h->latency_ns[number] = bench_now_ns() - (h->from_ns + number * h->period_ns);
}

/* ---- readers ---- */

static void *read_log(void *self) {
    handoff *h = self;
    td_reader *reader;
    require(td_reader_open(&reader, h->topic, 0, 0, TD_READ_APPENDED), "open a reader");
    for (int64_t got = 0; got < h->count;) {
        td_record record;
        td_status status = td_reader_next(reader, &record);
        if (status == TD_AGAIN) continue;
        require(status, "read");
        note(h, record.value.data);
        got++;
    }
    td_reader_close(reader);
    return NULL;
}

static void *read_ring(void *self) {
    handoff *h = self;
    uint8_t value[VALUE_BYTES];
    for (uint64_t taken = 0; taken < (uint64_t)h->count; taken++) {
        while (atomic_load_explicit(&h->put, memory_order_acquire) == taken) {}
        memcpy(value, h->slots[taken % RING_SLOTS], sizeof value);
        atomic_store_explicit(&h->taken, taken + 1, memory_order_release);
        note(h, value);
    }
    return NULL;
}

/* ---- writers: all that is due now, then a nap ---- */

static int64_t due(const handoff *h) {
    int64_t count = (bench_now_ns() - h->from_ns) / h->period_ns + 1;
    return count < h->count ? count : h->count;
}

static void write_log(handoff *h, td_batch *batch, int64_t from, int64_t to) {
    uint8_t value[VALUE_BYTES] = {0};
    td_bytes none = {0};
    td_batch_reset(batch);
    for (int64_t i = from; i < to; i++) {
        memcpy(value, &i, sizeof i);
        (void)td_batch_add(batch, i, TD_TEXT("NASDAQ:BENCH"), (td_bytes){value, sizeof value}, none, none);
    }
    require(td_writer_append(h->writer, h->topic, 0, batch), "append");
}

static void write_ring(handoff *h, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) {
        while ((uint64_t)i - atomic_load_explicit(&h->taken, memory_order_acquire) >= RING_SLOTS) {}
        memcpy(h->slots[i % RING_SLOTS], &i, sizeof i);
        atomic_store_explicit(&h->put, (uint64_t)i + 1, memory_order_release);
    }
}

static void write_all(handoff *h) {
    enum { AT_ONCE_MAX = BATCH_BYTES / (VALUE_BYTES * 2) }; /* fits a batch */
    td_batch batch;
    td_batch_init(&batch, BATCH_BYTES);
    for (int64_t i = 0; i < h->count;) {
        bench_sleep_until(bench_now_ns() + WAKE_NS);
        int64_t to = due(h);
        if (to > i + AT_ONCE_MAX) to = i + AT_ONCE_MAX;
        if (to <= i) continue;
        if (h->log != NULL)
            write_log(h, &batch, i, to);
        else
            write_ring(h, i, to);
        i = to;
    }
    td_batch_fini(&batch);
}

static int sync_step(void *log) {
    require(td_log_sync(log), "sync");
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) bench_die("handoff_bench", "usage", "handoff_bench log|ring FOLDER [RATE [SECONDS]]");
    int64_t rate = argc > 3 ? strtoll(argv[3], NULL, 10) : 100000, seconds = argc > 4 ? strtoll(argv[4], NULL, 10) : 5;
    static handoff h;
    h.period_ns = 1000000000 / rate;
    h.count = rate * seconds;
    h.latency_ns = td_alloc_zero((size_t)h.count, sizeof *h.latency_ns);
    bool through_log = strcmp(argv[1], "log") == 0;
    td_thread sync = {0};
    pthread_t reader;
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    if (through_log) {
        require(td_log_segment_open(&h.log, &td_os_posix, &(td_log_conf){.dir = argv[2]}, NULL, NULL), "open");
        require(td_log_topic(h.log, "bench", 1, TD_TOPIC_INPUT, &h.topic), "open the topic");
        require(td_writer_open(&h.writer, h.log, "bench"), "open a writer");
        require(td_thread_start(&sync, "sync", sync_step, h.log, SYNC_US), "start a thread");
    } else {
        h.slots = td_alloc_zero(RING_SLOTS, sizeof *h.slots);
    }
    h.from_ns = bench_now_ns() + 10000000;
    if (pthread_create(&reader, NULL, through_log ? read_log : read_ring, &h) != 0)
        bench_die("handoff_bench", "start a thread", "refused");
    write_all(&h);
    (void)pthread_join(reader, NULL);
    td_thread_stop(&sync);
    td_writer_close(h.writer);
    td_log_close(h.log);
    (void)printf("{\"rate\":%" PRId64 ",", rate);
    bench_print_latencies(h.latency_ns, (size_t)h.count);
    (void)printf("}\n");
    free(h.slots);
    free(h.latency_ns);
    return 0;
}
