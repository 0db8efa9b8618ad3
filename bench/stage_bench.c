/* bench/stage_bench.c - what each stage of a replay costs: the tape is read again and again, each time with one stage
 * more, on one core; the difference of two neighbours is the stage. What is left to a whole replay is the last stage:
 * causes, batches, appending.
 *
 * usage: stage_bench DATA [RUNS]     one line of JSON: processor seconds of each, by run */
#include "bench.h"
#include "flow/programs.h"
#include "flow/topics.h"
#include "log/log_segment.h"
#include "os/os.h"
#include "stream/state.h"

typedef enum stage { READ, CURSOR, DECODE, LOOK_UP, APPLY, GRAPH, ENCODE, STAGE_COUNT } stage;

static const char *const stage_names[STAGE_COUNT] = {
    "read, CRC-32C, unpack", "records of a batch",       "decode Avro",    "look the instrument up",
    "apply: windows",        "apply: strategies' graph", "encode outputs",
};

typedef struct pass { /* one partition, once */
    const td_topics *topics;
    stage upto;
    td_state *state;
    td_bytes feed_name;
    char feed_text[64];
    uint32_t feed;
    td_buf value;
    int64_t ticks;
    uint64_t checksum; /* of whatever was done, so that nothing can be left out */
} pass;

static void require(td_status status, const char *what) { bench_require("stage_bench", status, what); }

static void emit_bar(void *self, td_bytes instrument, const td_bar *bar) {
    pass *p = self;
    p->checksum += (uint64_t)bar->close;
    if (p->upto < ENCODE) return;
    p->value.size = 0;
    td_record_put_bar(&p->value, p->topics->ids, instrument, bar);
    p->checksum += p->value.data[p->value.size - 1];
}

static void emit_signal(void *self, td_bytes instrument, const td_signal *signal) {
    pass *p = self;
    p->checksum += (uint64_t)signal->price;
    if (p->upto < ENCODE) return;
    p->value.size = 0;
    td_record_put_signal(&p->value, p->topics->ids, instrument, signal);
    p->checksum += p->value.data[p->value.size - 1];
}

static void emit_quarantined(void *self, td_bytes instrument, const td_quarantined *quarantined) {
    pass *p = self;
    p->checksum += instrument.size + quarantined->reason;
}

static void emit_gap(void *self, td_bytes instrument, const td_gap *gap) {
    pass *p = self;
    p->checksum += instrument.size + gap->status;
}

static void emit_fill(void *self, td_bytes instrument, const td_fill *fill) {
    pass *p = self;
    p->value.size = 0;
    td_record_put_fill(&p->value, p->topics->ids, instrument, fill);
}

static void remember_feed(pass *p, td_bytes name) {
    if (name.size > sizeof p->feed_text) bench_die("stage_bench", "a feed's name", "too long");
    memcpy(p->feed_text, name.data, name.size);
    p->feed_name = (td_bytes){(const uint8_t *)p->feed_text, name.size};
    p->feed = td_state_feed(p->state, name);
}

static void on_record(pass *p, const td_record *record, const td_emit *emit) {
    td_event event;
    td_bytes feed;
    p->checksum += record->key.size + record->value.data[record->value.size - 1];
    if (p->upto < DECODE) return;
    require(td_record_get_event_numbers(p->topics->ids, record->value, &event, &feed), "decode");
    if (event.kind == TD_EVENT_PROGRAM) return;
    bool tick = event.kind != TD_EVENT_TIME;
    p->ticks += tick;
    p->checksum += (uint64_t)event.event_ns;
    if (p->upto < LOOK_UP) return;
    if (!td_bytes_equal(feed, p->feed_name)) remember_feed(p, feed);
    event.feed = p->feed;
    if (tick) event.instrument = td_state_find_instrument(p->state, record->key);
    if (tick && event.instrument == UINT32_MAX)
        event.instrument = td_state_add_instrument(p->state, &event, record->key);
    p->checksum += event.instrument;
    if (p->upto >= APPLY) p->checksum += (uint64_t)td_state_apply(p->state, &event, emit).verdict;
}

/* Only the heads and the CRCs: the cursor passes over all records of a batch but the first. */
static void read_batches(pass *p, td_reader *reader) {
    td_record first;
    while (td_reader_refill(reader, &first) == TD_OK) {
        p->checksum += first.value.size;
        reader->cursor.offset += reader->cursor.left;
        reader->cursor.left = 0;
    }
}

static void run_partition(pass *p, const td_program *program, uint32_t partition) {
    td_emit emit = {p, emit_bar, emit_signal, emit_quarantined, emit_gap, emit_fill, td_emit_none.member, NULL};
    td_reader *reader;
    td_record record;
    p->feed_name = (td_bytes){0};
    p->state = td_state_new(program);
    require(td_reader_open(&reader, p->topics->tape, partition, 0, TD_READ_APPENDED), "open a reader");
    if (p->upto == READ)
        read_batches(p, reader);
    else
        while (td_reader_next(reader, &record) == TD_OK) on_record(p, &record, &emit);
    if (td_reader_offset(reader) != td_topic_end(p->topics->tape, partition))
        bench_die("stage_bench", "reading the tape", td_trail());
    td_reader_close(reader);
    td_state_free(p->state);
}

static double run(const td_topics *topics, const td_program *program, stage upto, int64_t *out_ticks) {
    pass p = {.topics = topics, .upto = upto};
    td_program bare = *program;
    if (upto < GRAPH) memset(bare.graphs, 0, sizeof bare.graphs);
    int64_t from_ns = bench_cpu_ns();
    for (uint32_t i = 0; i < topics->partitions; i++) run_partition(&p, &bare, i);
    double seconds = (double)(bench_cpu_ns() - from_ns) / 1e9;
    td_buf_fini(&p.value);
    if (p.checksum == 1) (void)fputs("", stderr); /* keeps the work */
    if (p.ticks > 0) *out_ticks = p.ticks;
    return seconds;
}

static uint32_t count_partitions(const char *dir) { /* of the tape: its folders are tape-0, tape-1, … */
    char path[512];
    for (uint32_t count = 0;; count++) {
        (void)snprintf(path, sizeof path, "%s/tape-%" PRIu32, dir, count);
        if (!td_os_posix.ops->exists(td_os_posix.self, path)) return count;
    }
}

/* The program that the tape ends with: a benchmark's tape has one. */
static td_program *load_program(const td_topics *topics) {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES];
    td_program *program;
    require(td_program_at(topics, 0, td_topic_end(topics->tape, 0), sha256), "find the program");
    require(td_program_load(topics, sha256, &program), "load the program");
    return program;
}

int main(int argc, char **argv) {
    if (argc < 2) bench_die("stage_bench", "usage", "stage_bench DATA [RUNS]");
    int runs = argc > 2 ? atoi(argv[2]) : 3;
    uint32_t partitions = count_partitions(argv[1]);
    if (partitions == 0) bench_die("stage_bench", argv[1], "no tape in that folder");
    td_log *log;
    td_topics topics = {0};
    int64_t ticks = 0;
    require(td_log_segment_open(&log, &td_os_posix, &(td_log_conf){.dir = argv[1]}, NULL, NULL), "open the log");
    require(td_topics_open(&topics, log, partitions, 0), "open the topics");
    td_program *program = load_program(&topics);
    (void)printf("{\"stages\":[");
    for (stage s = 0; s < STAGE_COUNT; s++) (void)printf("%s\"%s\"", s > 0 ? "," : "", stage_names[s]);
    (void)printf("],\"seconds\":[");
    for (int r = 0; r < runs; r++) { /* alternating: a noisy moment hits all stages */
        for (stage s = 0; s < STAGE_COUNT; s++)
            (void)printf("%s%.5f", s > 0 ? "," : r > 0 ? "],[" : "[", run(&topics, program, s, &ticks));
    }
    (void)printf("]],\"ticks\":%" PRId64 "}\n", ticks);
    td_program_free(program);
    td_topics_close(&topics);
    td_log_close(log);
    return 0;
}
