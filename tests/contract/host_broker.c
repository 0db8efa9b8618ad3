/* tests/contract/host_broker.c - processes at a real Kafka broker, which tests/services/run_log_kafka.py starts: its
 * address and the file of its process id stand in the environment. Every test has a prefix of its own. A process that
 * dies lets its handles go without a word to the broker. */
#include "../unit/unit.h"
#include "host.h"
#include "log/log_kafka_private.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROCESSES = 4, PATIENT_MS = 30000, IMPATIENT_MS = 200, PAUSE_MS = 500 };

typedef struct process {
    td_log *log; /* NULL: none */
    bool dead;
    int64_t calls_left; /* 0: it lives on */
    bool completes;     /* the call it dies in has its effect */
} process;

typedef struct broker_host {
    char prefix[40];
    uint64_t random;
    pthread_t pause; /* while `paused` */
    bool paused;
    int64_t pause_ms;
} broker_host;

static process processes[PROCESSES];
static const td_log_ops *real;

static process *process_of(const td_log *log) {
    process *p = processes;
    while (p < processes + PROCESSES && p->log != log) p++;
    assert_true(p < processes + PROCESSES); /* failed tests have left theirs */
    return p;
}

/* ---- dying ---- */

static bool dies(process *p) {
    if (p->dead) return true;
    if (p->calls_left == 0 || --p->calls_left > 0) return false;
    p->dead = true;
    return true;
}

/* Whether the call is made, and what its caller is told. */
static bool is_made(process *p, bool dying) {
    bool made = !dying || p->completes;
    if (dying) p->completes = false;
    return made;
}

#define DYING_CALL(log, call)                                                                                          \
    process *p = process_of(log);                                                                                      \
    bool dying = dies(p);                                                                                              \
    td_status status = is_made(p, dying) ? (call) : TD_OK;                                                             \
    return dying ? TD_FAIL(TD_RETRY, "the process is dead") : status

static td_status dying_refill(td_reader *reader, td_record *out) {
    if (process_of(reader->topic->log)->dead) return TD_FAIL(TD_RETRY, "the process is dead");
    return real->reader_refill(reader, out);
}
static td_status dying_append(td_writer *writer, const td_append *appends, size_t count, size_t *out_done) {
    *out_done = 0; /* where it dies */
    DYING_CALL(writer->log, real->append(writer, appends, count, out_done));
}
static td_status dying_begin(td_writer *writer) { DYING_CALL(writer->log, real->begin(writer)); }
static td_status dying_commit(td_writer *writer, const td_mark *marks, size_t count) {
    DYING_CALL(writer->log, real->commit(writer, marks, count));
}
static td_status dying_abort(td_writer *writer) { DYING_CALL(writer->log, real->abort(writer)); }

static void dying_writer_close(td_writer *writer) {
    (process_of(writer->log)->dead ? td_kafka_writer_drop : real->writer_close)(writer);
}

static void dying_close(td_log *log) {
    process_of(log)->log = NULL;
    real->close(log);
}

/* ---- the host ---- */

static void *broker_new(uint64_t seed) {
    static int number;
    broker_host *h = td_alloc_zero(1, sizeof *h);
    (void)snprintf(h->prefix, sizeof h->prefix, "t%d-%d.", (int)getpid(), number++);
    h->random = seed;
    return h;
}

/* It is another one when the broker was started anew. */
static pid_t broker_pid(void) {
    int pid = 0;
    FILE *file = fopen(getenv("TAPEDECK_BROKER_PID"), "r");
    if (file == NULL || fscanf(file, "%d", &pid) != 1) abort();
    (void)fclose(file);
    return pid;
}

static void set_patience(int timeout_ms) {
    for (size_t i = 0; i < PROCESSES; i++)
        if (processes[i].log != NULL) ((td_kafka_log *)processes[i].log)->conf.timeout_ms = timeout_ms;
}

static void *go_on_later(void *host) {
    usleep((useconds_t)((broker_host *)host)->pause_ms * 1000);
    (void)kill(broker_pid(), SIGCONT);
    return NULL;
}

/* It stands still; clients do not wait for it so long, but for those of a library before 2.1: there an assertion may
 * end the process when a request to a transaction's coordinator has timed out. */
static void broker_trouble(void *host, bool on) {
    broker_host *h = host;
    if (h->paused) assert_int_equal(pthread_join(h->pause, NULL), 0);
    h->paused = on && unit_random(&h->random) % 4 == 0;
    set_patience(on ? IMPATIENT_MS : PATIENT_MS);
    if (!h->paused) return;
    h->pause_ms = (int64_t)(unit_random(&h->random) % PAUSE_MS);
    assert_int_equal(kill(broker_pid(), SIGSTOP), 0);
    assert_int_equal(pthread_create(&h->pause, NULL, go_on_later, h), 0);
}

static void broker_free(void *host) {
    broker_trouble(host, false);
    free(host);
}

static td_log *broker_open(void *host) {
    static td_log_ops ops;
    char *pairs[] = {"session.timeout.ms=6000", "heartbeat.interval.ms=300", "fetch.wait.max.ms=5"};
    const td_texts properties = {.items = pairs, .count = COUNT_OF(pairs)};
    const td_log_kafka_conf conf = {.brokers = getenv("TAPEDECK_BROKER"),
                                    .prefix = ((broker_host *)host)->prefix,
                                    .replicas = 1,
                                    .codec = TD_CODEC_LZ4,
                                    .timeout_ms = PATIENT_MS,
                                    .properties = &properties};
    td_log *log;
    broker_trouble(host, false);
    if (td_log_kafka_open(&log, &td_os_posix, &conf, NULL, NULL) != TD_OK) fail_msg("%s", td_trail());
    real = log->ops;
    ops = *real;
    ops.close = dying_close;
    ops.reader_refill = dying_refill;
    ops.append = dying_append;
    ops.begin = dying_begin;
    ops.commit = dying_commit;
    ops.abort = dying_abort;
    ops.writer_close = dying_writer_close;
    log->ops = &ops;
    *process_of(NULL) = (process){.log = log};
    return log;
}

static void broker_kill(void *host, td_log *log, int64_t calls) {
    process *p = process_of(log);
    p->dead = calls == 0;
    p->calls_left = calls;
    p->completes = unit_random(&((broker_host *)host)->random) % 2 == 0;
}

static bool broker_is_dead(void *host, td_log *log) {
    (void)host;
    return process_of(log)->dead;
}

static void broker_retain(void *host, td_log *log, td_topic *topic, uint32_t partition) {
    (void)host;
    rd_kafka_t *rk = ((td_kafka_log *)log)->client;
    rd_kafka_topic_partition_list_t *before = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(before, ((td_kafka_topic *)topic)->full_name, (int32_t)partition)->offset =
        td_topic_end(topic, partition) / 2;
    rd_kafka_DeleteRecords_t *what = rd_kafka_DeleteRecords_new(before);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_DeleteRecords(rk, &what, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, PATIENT_MS);
    assert_true(event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(what);
    rd_kafka_topic_partition_list_destroy(before);
    usleep(2 * TD_KAFKA_FRESH_MS * 1000);
}

static bool broker_tells_epochs(void) { return td_kafka_has_epochs() && getenv("TAPEDECK_BROKER_RESTART") != NULL; }

/* The broker is started anew by whoever started it, when it sees this file; and the file is gone when it serves. */
static td_log *broker_next_epoch(void *host, td_log *log) {
    (void)host;
    if (!broker_tells_epochs()) return log;
    const char *wish = getenv("TAPEDECK_BROKER_RESTART");
    FILE *file = fopen(wish, "w");
    assert_non_null(file);
    (void)fclose(file);
    for (int i = 0; i < 6000 && access(wish, F_OK) == 0; i++) usleep(10000);
    assert_int_not_equal(access(wish, F_OK), 0);
    return log;
}

static const host_ops host_broker = {
    .name = "Kafka",
    .shares = true,
    .threads = true,
    .dates = true,
    .ahead = true,
    .slow = 200,
    .new = broker_new,
    .free = broker_free,
    .open = broker_open,
    .kill = broker_kill,
    .is_dead = broker_is_dead,
    .trouble = broker_trouble,
    .retain = broker_retain,
    .next_epoch = broker_next_epoch,
    .tells_epochs = broker_tells_epochs,
};

const host_ops *const log_hosts[] = {&host_broker, NULL};
