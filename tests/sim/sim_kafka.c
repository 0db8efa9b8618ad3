/* tests/sim/sim_kafka.c - ingest and a sink in one process, crews in three at a simulated Kafka, from a seed: the same
 * arrows as on the embedded log. Processes die at any request, some are not heard of for too long and do not know it,
 * partitions change hands, leaders change, commits' answers get lost, transactions time out. What must hold: tape,
 * outputs and the sink's rows are the same sequences of (key, value) per partition as an undisturbed process that has
 * all partitions gives, each once; and a process has workers for what its group gave it, and for nothing else. */
#include "base/time.h"
#include "flow/crew.h"
#include "flow/deliver.h"
#include "flow/ingest.h"
#include "flow/programs.h"
#include "kafka_sim.h"
#include "lang/program.h"
#include "os_sim.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PARTITIONS = 4,
    TICKS = 2500,
    INSTRUMENTS = 12,
    TURNS_MAX = 200000,
    CALM_TURN = 20000,
    SINK_LANES = 6,
    PROCESSES = 3
};

static struct { /* over all seeds: a simulation in which nothing happens proves nothing */
    int64_t records, deaths, expired, rebalances, taken, left, fenced, snapshots, restored;
} tally;

typedef struct store { /* what the sink keeps: it outlives processes */
    td_position next[SINK_LANES][PARTITIONS];
    td_buf rows[SINK_LANES][PARTITIONS];
} store;

typedef struct process {
    struct run *run;
    td_sim *machine; /* its snapshots; it loses nothing */
    td_os os;
    bool ingests; /* feeds and sink are here */
    int deaf;     /* turns in which it does not ask its group: it works on as if nothing had been */
    td_log *log;
    td_topics topics;
    td_crew *crew;
    td_instruments *instruments;
    td_merge *merge;
    td_live *live;
    td_ingest *ingest;
    td_deliver *deliver;
} process;

typedef struct run {
    kafka_sim *cluster;
    td_random random;
    process processes[PROCESSES];
    int process_count;
    bool calm, trace;
    int64_t commit_interval_ns;
    store store;
} run;

static run *current; /* the sink's ops know no argument of ours */

/* ---- a sink in memory ---- */

static int lane_of(const char *topic) {
    static const char *const lanes[SINK_LANES] = {"bars", "signals", "gaps", "vendor_bars", "fills", "_log"};
    int lane = 0;
    while (strcmp(topic, lanes[lane]) != 0) lane++;
    return lane;
}

static td_status sink_open(void **out, const td_os *os, const td_sink_conf *conf) {
    (void)os, (void)conf;
    *out = &current->store;
    return TD_OK;
}

static td_status sink_position(void *sink, const char *topic, uint32_t partition, td_position *out) {
    *out = ((store *)sink)->next[lane_of(topic)][partition];
    return TD_OK;
}

static td_status sink_write(void *sink, const char *topic, uint32_t partition, const td_sink_row *rows, size_t count,
                            td_position next) {
    store *s = sink;
    if (td_random_below(&current->random, 20) == 0 && !current->calm) return TD_FAIL(TD_RETRY, "the store is away");
    for (size_t i = 0; i < count; i++) {
        td_buf *out = &s->rows[lane_of(topic)][partition];
        td_buf_put(out, rows[i].instrument.data, rows[i].instrument.size);
        if (rows[i].kind == TD_ROW_BAR) td_buf_put(out, &rows[i].bar.start_ns, sizeof rows[i].bar.start_ns);
        if (rows[i].kind == TD_ROW_SIGNAL) td_buf_put(out, &rows[i].signal.event_ns, sizeof rows[i].signal.event_ns);
        if (rows[i].kind == TD_ROW_FILL) td_buf_put(out, &rows[i].fill.event_ns, sizeof rows[i].fill.event_ns);
        if (rows[i].kind == TD_ROW_GAP) td_buf_put(out, &rows[i].gap.known_at_ns, sizeof rows[i].gap.known_at_ns);
    }
    s->next[lane_of(topic)][partition] = next;
    return TD_OK;
}

static void sink_close(void *sink) { (void)sink; }

static const td_sink_ops memory_sink = {
    .kind = "memory", .open = sink_open, .position = sink_position, .write = sink_write, .close = sink_close};

/* ---- a process ---- */

static void tally_crew(td_crew *crew) {
    if (crew == NULL) return;
    tally.rebalances += td_counted(&td_crew_counters(crew)->rebalances);
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        td_work_counts *c = td_worker_counters(td_crew_worker(crew, i));
        tally.taken += td_counted(&c->takes);
        tally.left += td_counted(&c->leaves);
        tally.fenced += td_counted(&c->fences);
        tally.snapshots += td_counted(&c->snapshots);
        tally.restored += td_counted(&c->restored);
    }
}

static void close_process(process *p) {
    td_deliver_close(p->deliver);
    tally_crew(p->crew);
    td_crew_close(p->crew);
    td_ingest_close(p->ingest);
    td_merge_free(p->merge);
    td_live_free(p->live);
    td_instruments_free(p->instruments);
    if (p->topics.registry != NULL) td_topics_close(&p->topics);
    td_log_close(p->log);
    *p = (process){.run = p->run, .machine = p->machine, .os = p->os, .ingests = p->ingests};
}

static td_status begin_program(process *p) {
    static const int64_t widths_ns[] = {5 * TD_NS_PER_S, TD_NS_PER_MIN};
    const td_bytes strategy = TD_TEXT("strategy trend on bars(5s) for SIM:*\n"
                                      "  mean = sma(close, 3)\n"
                                      "  buy  when close > mean\n"
                                      "  sell when close < mean\n");
    td_program_settings settings = {.widths_ns = widths_ns,
                                    .width_count = 2,
                                    .grace_ns = TD_NS_PER_MIN,
                                    .feed_count = 1,
                                    .strategies = &strategy,
                                    .strategy_count = 1};
    settings.feeds[0] = td_program_feed_default();
    (void)snprintf(settings.feeds[0].name, sizeof settings.feeds[0].name, "simulated");
    td_buf body = {0};
    td_program_body(&settings, &body);
    td_status status = td_program_begin(&p->topics, td_buf_bytes(&body), 1);
    td_buf_fini(&body);
    return status;
}

static td_status open_input(process *p) {
    static char name[] = "simulated", venue[] = "SIM", start[] = "2026-01-05T14:30:00Z";
    static td_bytes names[1];
    static const td_feed_conf feed_conf = {.name = name,
                                           .venue = venue,
                                           .start = start,
                                           .ratio = 1,
                                           .lateness_ns = TD_NS_PER_S,
                                           .max_delay_ns = TD_NS_PER_S,
                                           .seed = 3,
                                           .instruments = INSTRUMENTS,
                                           .ticks = TICKS,
                                           .duration_ns = 10 * TD_NS_PER_MIN};
    void *feed;
    names[0] = td_text(name);
    p->instruments = td_instruments_new();
    p->merge = td_merge_new(p->instruments, PARTITIONS);
    p->live = td_live_new(&p->os, p->instruments, PARTITIONS, NULL, NULL);
    td_status status = td_feed_simulated.open(&feed, &p->os, &feed_conf, p->instruments);
    if (status != TD_OK) return status;
    td_merge_add(p->merge, 0, &td_feed_simulated, feed, &feed_conf);
    td_ingest_conf conf = {.os = &p->os,
                           .topics = &p->topics,
                           .merge = p->merge,
                           .live = p->live,
                           .instruments = p->instruments,
                           .feed_names = names,
                           .speed = 10, /* so that the market lasts as long as the trouble */
                           .batch_bytes = 4096,
                           .together = true,
                           .flush_interval_ns = p->run->commit_interval_ns};
    return td_ingest_open(&p->ingest, &conf);
}

static td_status open_sink(process *p) {
    static char name[] = "memory";
    static const td_sink_conf sink_conf = {.name = name};
    current = p->run;
    td_deliver_conf conf = {
        .os = &p->os, .topics = &p->topics, .ops = &memory_sink, .sink_conf = &sink_conf, .dir = "data"};
    return td_deliver_open(&p->deliver, &conf);
}

static td_status open_crew(process *p) {
    td_crew_conf conf = {.group = p->run->process_count == 1 ? NULL : "work",
                         .work = {.os = &p->os,
                                  .topics = &p->topics,
                                  .snapshot_dir = "snapshots",
                                  .snapshot_records = 200,
                                  .batch_bytes = 8000,
                                  .commit_interval_ns = p->run->commit_interval_ns}};
    return td_crew_open(&p->crew, &conf);
}

static td_status open_process(process *p) {
    p->log = kafka_sim_connect(p->run->cluster);
    td_status status = td_topics_open(&p->topics, p->log, PARTITIONS, 1);
    if (status == TD_OK)
        status = td_topics_publish(&p->topics, td_topics_published("trades") | td_topics_published("signals_json"));
    if (status == TD_OK && p->ingests) status = open_input(p);
    if (status == TD_OK && p->ingests) status = begin_program(p);
    if (status == TD_OK && p->ingests) status = open_sink(p);
    return status == TD_OK ? open_crew(p) : status;
}

/* ---- turns ---- */

static uint64_t below(run *r, uint64_t bound) { return td_random_below(&r->random, bound); }

static bool check_process(process *p) {
    for (uint32_t i = 0; i < PARTITIONS && p->crew != NULL; i++) {
        td_worker *w = td_crew_worker(p->crew, i);
        td_fault *fault = td_worker_fault(w);
        HOLDS(td_fault_status(fault) == TD_OK, "worker %u: %s", i, fault->text);
        HOLDS(td_counted(&td_worker_counters(w)->diverged) == 0, "worker %u", i);
    }
    if (p->ingest != NULL)
        HOLDS(td_fault_status(td_ingest_fault(p->ingest)) == TD_OK, "%s", td_ingest_fault(p->ingest)->text);
    if (p->deliver != NULL)
        HOLDS(td_fault_status(td_deliver_fault(p->deliver)) == TD_OK, "%s", td_deliver_fault(p->deliver)->text);
    return true;
}

static bool turn(run *r, process *p) {
    td_sim_advance(p->machine, TD_NS_PER_MS * 20);
    if (p->log == NULL) {
        td_status status = open_process(p);
        HOLDS(status == TD_OK || status == TD_RETRY, "opening");
        if (status != TD_OK) close_process(p);
        return true;
    }
    if (kafka_sim_is_dead(p->log)) {
        tally.deaths++;
        close_process(p);
        if (below(r, 2) == 0) kafka_sim_time_out(r->cluster);
        return true;
    }
    if (!r->calm && below(r, 1500) == 0) kafka_sim_kill(p->log, 1 + (int64_t)below(r, 60));
    if (!r->calm && below(r, 600) == 0) {
        kafka_sim_expire(r->cluster, p->log);
        p->deaf = (int)below(r, 200);
        tally.expired++;
    }
    p->deaf -= p->deaf > 0;
    uint64_t choice = below(r, 3 + PARTITIONS);
    if (choice == 0 && p->deaf == 0) (void)td_crew_share(p->crew);
    if (choice == 1 && p->ingest != NULL) (void)td_ingest_step(p->ingest);
    if (choice == 2 && p->deliver != NULL) (void)td_deliver_step(p->deliver);
    if (choice > 2) (void)td_crew_step(p->crew, (uint32_t)choice - 3);
    if (choice > 2) (void)!td_crew_write_snapshot(p->crew);
    return check_process(p);
}

static bool finished(const run *r) {
    const process *first = &r->processes[0];
    if (!r->calm || first->ingest == NULL || !td_ingest_ended(first->ingest)) return false;
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        bool level = false;
        int working = 0;
        for (int n = 0; n < r->process_count; n++) {
            if (r->processes[n].crew == NULL) continue;
            td_worker *w = td_crew_worker(r->processes[n].crew, i);
            working += td_worker_on_duty(w);
            level |= td_worker_level(w) == td_topic_end(first->topics.tape, i);
        }
        if (working != 1) return false;
        if (!level) return false;
    }
    return first->deliver != NULL && td_deliver_level(first->deliver);
}

/* ---- what a run left ---- */

static const char *const topics[] = {"tape",       "bars",     "signals", "gaps",
                                     "quarantine", "rejected", "trades",  "signals_json"};
enum { TOPICS = sizeof topics / sizeof topics[0] };

typedef struct outcome {
    td_buf records[TOPICS][PARTITIONS], rows[SINK_LANES][PARTITIONS];
} outcome;

static bool take_records(run *r, outcome *out) {
    td_log *log = kafka_sim_connect(r->cluster);
    for (int t = 0; t < TOPICS; t++)
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            td_topic *topic;
            td_reader *reader;
            td_record record;
            HOLDS(td_log_topic(log, topics[t], PARTITIONS, TD_TOPIC_INPUT, &topic) == TD_OK, "%s", topics[t]);
            HOLDS(td_reader_open(&reader, topic, p, 0, TD_READ_APPENDED) == TD_OK, "%s", topics[t]);
            while (td_reader_next(reader, &record) == TD_OK) {
                uint32_t sizes[2] = {(uint32_t)record.key.size, (uint32_t)record.value.size};
                td_buf_put(&out->records[t][p], sizes, sizeof sizes);
                td_buf_put(&out->records[t][p], record.key.data, record.key.size);
                td_buf_put(&out->records[t][p], record.value.data, record.value.size);
                tally.records++;
            }
            td_reader_close(reader);
        }
    td_log_close(log);
    memcpy(out->rows, r->store.rows, sizeof out->rows);
    return true;
}

static bool run_once(uint64_t seed, bool calm, outcome *out) {
    static const kafka_sim_faults faults = {.refuse = 30000, .lose_answer = 20000, .lead = 3000, .time_out = 4000};
    static run r;
    r = (run){.cluster = kafka_sim_new(seed),
              .random = {seed},
              .process_count = calm ? 1 : PROCESSES,
              .calm = calm,
              .commit_interval_ns = calm ? 0 : (int64_t)(seed % 3) * 100 * TD_NS_PER_MS};
    if (!calm) kafka_sim_set_faults(r.cluster, &faults);
    for (int i = 0; i < SINK_LANES; i++)
        for (int p = 0; p < PARTITIONS; p++) r.store.next[i][p] = (td_position){-1, 0};
    for (int i = 0; i < r.process_count; i++) {
        td_sim *machine = td_sim_new(seed + (uint64_t)i);
        r.processes[i] = (process){.run = &r, .machine = machine, .os = td_sim_os(machine), .ingests = i == 0};
    }
    bool good = true;
    int64_t turns = 0;
    for (; good && turns < TURNS_MAX && !finished(&r); turns++) {
        if (turns == CALM_TURN) { /* from here on all must come to its end */
            r.calm = true;
            kafka_sim_set_faults(r.cluster, NULL);
            kafka_sim_time_out(r.cluster);
        }
        good = turn(&r, &r.processes[below(&r, (uint64_t)r.process_count)]);
    }
    for (int i = 0; i < r.process_count; i++) {
        close_process(&r.processes[i]);
        td_sim_free(r.processes[i].machine);
    }
    kafka_sim_set_faults(r.cluster, NULL);
    if (turns == TURNS_MAX) (void)fprintf(stderr, "sim_kafka: the run does not end\n");
    good = good && turns < TURNS_MAX && take_records(&r, out);
    kafka_sim_free(r.cluster);
    return good;
}

static bool same(const td_buf *a, const td_buf *b, const char *what, int partition) {
    bool equal = td_bytes_equal(td_buf_bytes(a), td_buf_bytes(b));
    if (!equal) (void)fprintf(stderr, "sim_kafka: %s-%d: %zu bytes, not %zu\n", what, partition, b->size, a->size);
    return equal;
}

static void outcome_fini(outcome *o) {
    for (int p = 0; p < PARTITIONS; p++) {
        for (int t = 0; t < TOPICS; t++) td_buf_fini(&o->records[t][p]);
        for (int i = 0; i < SINK_LANES; i++) td_buf_fini(&o->rows[i][p]);
    }
}

static bool run_seed(uint64_t seed, bool trace) {
    (void)trace;
    outcome wanted = {0}, found = {0};
    bool good = run_once(seed, true, &wanted) && run_once(seed, false, &found);
    for (int p = 0; p < PARTITIONS && good; p++) {
        for (int t = 0; t < TOPICS; t++) good &= same(&wanted.records[t][p], &found.records[t][p], topics[t], p);
        for (int i = 0; i < SINK_LANES; i++) good &= same(&wanted.rows[i][p], &found.rows[i][p], "sink", p);
    }
    outcome_fini(&wanted);
    outcome_fini(&found);
    return good;
}

int main(int argc, char **argv) {
    int failed = td_seeds_main(argc, argv, run_seed);
    (void)printf("%" PRId64 " records; %" PRId64 " deaths, %" PRId64 " processes unheard of, %" PRId64
                 " rebalances; partitions: %" PRId64 " times taken, %" PRId64 " left, %" PRId64
                 " of them fenced; %" PRId64 " snapshots, %" PRId64 " begun from one\n",
                 tally.records, tally.deaths, tally.expired, tally.rebalances, tally.taken, tally.left, tally.fenced,
                 tally.snapshots, tally.restored);
    bool idle = tally.restored == 0 || tally.fenced == 0 || tally.left == tally.fenced;
    return failed || idle;
}
