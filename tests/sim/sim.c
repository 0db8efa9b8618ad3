/* tests/sim/sim.c - the whole program in one thread, from a seed: a small market, a scheduler over the program's steps,
 * a machine that tears, loses, refuses and dies at any call, several lives, and at the end the question whether all of
 * it left a trace. What must hold: tape, bars, signals, quarantine and rejected are the same sequences of (key, value)
 * per partition as a run on a perfect machine gives, the SQLite tables hold the same rows, and at each start the rows
 * there are exactly those below their position. A disk that lies may cost more, but not unnoticed. */
#include "app/engine.h"
#include "market.h"
#include "seeds.h"
#include "sqlite_vfs.h"
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIVES_MAX = 6, TURNS_MAX = 400000, OPEN_TRIES = 40, STEPS_MAX = 128 };

static const char db_uri[] = "file:var/market.db?vfs=sim";

/* ---- what a run left: per topic and partition the bytes of its records, and per table and partition its rows ---- */

static const char *const topics[] = {"tape", "bars", "signals", "quarantine", "rejected"};
enum { TOPIC_COUNT = sizeof topics / sizeof topics[0], TABLE_COUNT = 2, PARTITION_MAX = 8 };

/* Without src_epoch: it counts crashes. */
static const char *const tables[TABLE_COUNT] = {
    "SELECT src_offset, instrument, width_ns, start_ns, end_ns, open, high, low, close, volume, notional, vwap,"
    " trade_count, revision, known_at_ns FROM bars WHERE src_partition = ?1 ORDER BY src_offset",
    "SELECT src_offset, id, strategy, instrument, event_ns, width_ns, action, target, status, price, note, known_at_ns"
    " FROM signals WHERE src_partition = ?1 ORDER BY src_offset"};
static const char *const table_topics[TABLE_COUNT] = {"bars", "signals"};

typedef struct outcome {
    td_buf records[TOPIC_COUNT][PARTITION_MAX]; /* per record: sizes of key and value, key, value */
    int64_t record_count[TOPIC_COUNT][PARTITION_MAX];
    td_buf rows[TABLE_COUNT][PARTITION_MAX]; /* a line each */
} outcome;

typedef struct run {
    uint64_t seed;
    bool trace, lying, noticed;
    td_sim *sim;
    td_os os;
    td_random random; /* the scheduler's: the machine's own draws must not shift with the program's calls */
    td_config config;
    uint32_t partitions;
    uint64_t calls; /* that the perfect run made: crashes fall among as many */
} run;

#define HOLDS(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "sim: %s:%d: %s: ", __FILE__, __LINE__, #condition);                                 \
            (void)fprintf(stderr, __VA_ARGS__);                                                                        \
            (void)fprintf(stderr, "\n");                                                                               \
            return false;                                                                                              \
        }                                                                                                              \
    } while (0)

static struct { /* over all seeds: a simulation in which nothing happens proves nothing */
    int64_t records, crashes, cut_short, snapshots, suppressed, repairs;
} tally;

static uint64_t below(run *r, uint64_t bound) { return td_random_below(&r->random, bound); }

static void outcome_fini(outcome *o) {
    for (int p = 0; p < PARTITION_MAX; p++) {
        for (int t = 0; t < TOPIC_COUNT; t++) td_buf_fini(&o->records[t][p]);
        for (int t = 0; t < TABLE_COUNT; t++) td_buf_fini(&o->rows[t][p]);
    }
}

static void put_sized(td_buf *out, td_bytes bytes) {
    uint8_t size[4];
    td_put_be32(size, bytes.data == NULL ? UINT32_MAX : (uint32_t)bytes.size);
    td_buf_put(out, size, sizeof size);
    td_buf_put(out, bytes.data, bytes.size);
}

static bool take_records(run *r, td_topic *topic, uint32_t partition, outcome *out, int t) {
    td_reader *reader = NULL;
    td_record record;
    td_status status = td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED);
    while (status == TD_OK && (status = td_reader_next(reader, &record)) == TD_OK) {
        HOLDS(record.offset == out->record_count[t][partition], "%s-%u: offset %" PRId64 " is missing", topics[t],
              partition, out->record_count[t][partition]);
        out->record_count[t][partition]++;
        put_sized(&out->records[t][partition], record.key);
        put_sized(&out->records[t][partition], record.value);
    }
    td_reader_close(reader);
    if (status == TD_CORRUPT && r->lying) return r->noticed = true;
    HOLDS(status == TD_AGAIN, "reading %s-%u: %s", topics[t], partition, td_trail());
    return true;
}

typedef struct taking {
    run *run;
    outcome *out;
    bool good;
} taking;

static void take_topic(void *arg, td_topic *topic) {
    taking *take = arg;
    for (int t = 0; t < TOPIC_COUNT; t++)
        for (uint32_t p = 0; strcmp(td_topic_name(topic), topics[t]) == 0 && p < td_topic_partitions(topic); p++)
            take->good = take->good && take_records(take->run, topic, p, take->out, t);
}

static bool take_log(run *r, outcome *out) {
    td_log *log = NULL;
    td_log_conf conf = {.dir = r->config.log.dir, .read_only = true};
    taking take = {r, out, true};
    td_status status = td_log_open(&log, &r->os, &conf, NULL, NULL);
    if (status == TD_OK) status = td_log_each_topic(log, take_topic, &take);
    HOLDS(status == TD_OK, "reading the log: %s", td_trail());
    td_log_close(log);
    return take.good;
}

static bool take_rows(sqlite3 *db, int table, uint32_t partition, td_buf *out) {
    sqlite3_stmt *stmt;
    HOLDS(sqlite3_prepare_v2(db, tables[table], -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    (void)sqlite3_bind_int64(stmt, 1, partition);
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0, n = sqlite3_column_count(stmt); i < n; i++)
            td_buf_printf(out, "%s%s", (const char *)sqlite3_column_text(stmt, i), i + 1 < n ? "|" : "\n");
    (void)sqlite3_finalize(stmt);
    HOLDS(code == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    return true;
}

static bool take_tables(uint32_t partitions, outcome *out) {
    sqlite3 *db;
    bool good = true;
    HOLDS(sqlite3_open_v2(db_uri, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, NULL) == SQLITE_OK, "no database");
    for (int t = 0; t < TABLE_COUNT; t++)
        for (uint32_t p = 0; p < partitions && good; p++) good = take_rows(db, t, p, &out->rows[t][p]);
    (void)sqlite3_close(db);
    return good;
}

/* ---- comparing ---- */

static bool same_records(const outcome *a, const outcome *b, int t, uint32_t p) {
    const td_buf *x = &a->records[t][p], *y = &b->records[t][p];
    if (td_bytes_equal(td_buf_bytes(x), td_buf_bytes(y))) return true;
    size_t at = 0;
    int64_t offset = 0, field = 0;
    for (; at + 4 <= x->size && at + 4 <= y->size; field++) {
        uint32_t size = td_get_be32(x->data + at);
        size = size == UINT32_MAX ? 4 : size + 4;
        if (at + size > x->size || at + size > y->size || memcmp(x->data + at, y->data + at, size) != 0) break;
        at += size;
        offset = (field + 1) / 2;
    }
    HOLDS(false, "%s-%u differs first at offset %" PRId64 " (%" PRId64 " records, reference %" PRId64 ")", topics[t], p,
          offset, a->record_count[t][p], b->record_count[t][p]);
}

/* `rows` are the reference's first `count`; -1: all. */
static bool same_rows(const td_buf *rows, const td_buf *reference, int64_t count, const char *name, uint32_t p) {
    size_t end = 0;
    for (int64_t n = 0; end < reference->size && n != count; n++)
        end += (size_t)((const uint8_t *)memchr(reference->data + end, '\n', reference->size - end) -
                        (reference->data + end)) +
               1;
    if (td_bytes_equal(td_buf_bytes(rows), (td_bytes){reference->data, end})) return true;
    size_t at = 0, line = 0;
    while (at < rows->size && at < end && rows->data[at] == reference->data[at])
        if (rows->data[at++] == '\n') line = at;
    HOLDS(false, "table %s, partition %u differs first at\n  %.*s\n  reference:\n  %.*s", name, p,
          (int)strcspn(rows->size > line ? (const char *)rows->data + line : "(no row)", "\n"),
          rows->size > line ? (const char *)rows->data + line : "(no row)",
          (int)strcspn(end > line ? (const char *)reference->data + line : "(no row)", "\n"),
          end > line ? (const char *)reference->data + line : "(no row)");
}

static bool same_outcome(const run *r, const outcome *got, const outcome *reference) {
    for (uint32_t p = 0; p < r->partitions; p++) {
        for (int t = 0; t < TOPIC_COUNT; t++)
            if (same_records(got, reference, t, p))
                tally.records += got->record_count[t][p];
            else
                return false;
        for (int t = 0; t < TABLE_COUNT; t++)
            if (!same_rows(&got->rows[t][p], &reference->rows[t][p], -1, table_topics[t], p)) return false;
    }
    return true;
}

/* Between lives: the rows of each partition are the reference's up to the position that lies beside them. */
static bool check_positions(run *r, const outcome *reference) {
    outcome got = {0};
    void *sink;
    td_sink_conf conf = {.file = (char *)(uintptr_t)db_uri};
    td_status status = td_sink_sqlite.open(&sink, &r->os, &conf);
    HOLDS(status == TD_OK, "the database: %s", td_trail());
    int64_t next[TABLE_COUNT][PARTITION_MAX];
    for (int t = 0; t < TABLE_COUNT; t++)
        for (uint32_t p = 0; p < r->partitions && status == TD_OK; p++) {
            td_position at;
            status = td_sink_sqlite.position(sink, table_topics[t], p, &at);
            next[t][p] = at.offset;
        }
    td_sink_sqlite.close(sink);
    bool good = status == TD_OK && take_tables(r->partitions, &got);
    for (int t = 0; t < TABLE_COUNT && good; t++)
        for (uint32_t p = 0; p < r->partitions && good; p++)
            good = same_rows(&got.rows[t][p], &reference->rows[t][p], next[t][p], table_topics[t], p);
    outcome_fini(&got);
    return good;
}

/* ---- the scenario ---- */

static const char strategy[] = "strategy cross on bars(1s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  f = sma(close, 2)\n"
                               "  s = ema(close, 5)\n"
                               "  buy when crossover(f, s) note \"up\"\n"
                               "  sell when crossunder(f, s)\n"
                               "strategy jump on bars(5s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  short when close > close[1] and volume > 0\n"
                               "  cover when close < close[1]\n";

static void put_feeds(run *r, td_sim *market, td_buf *yaml) {
    unsigned which = 1 + (unsigned)below(r, 7); /* at least one of three */
    td_buf_text(yaml, "feeds:\n");
    if ((which & 1) != 0) {
        td_market_put_lean(market, &r->random);
        td_buf_text(yaml, "  - file: { name: lean, format: lean, path: \"market/lean/*.zip\", ratio: 60 }\n");
    }
    if ((which & 2) != 0) {
        td_market_put_binance(market, &r->random);
        td_buf_text(yaml, "  - file: { name: binance, format: binance-collector, path: \"market/binance/*.gz\" }\n");
    }
    if ((which & 4) != 0)
        td_buf_printf(yaml, "  - simulated: { seed: %u, instruments: %u, ticks: %u, duration: %us }\n",
                      (unsigned)below(r, 1000), 2 + (unsigned)below(r, 30), 200 + (unsigned)below(r, 2000),
                      20 + (unsigned)below(r, 100));
}

/* Puts market, strategies and configuration on the machine. The same random numbers give the same. */
static bool build_scenario(run *r, td_sim *machine) {
    td_buf yaml = {0};
    put_feeds(r, machine, &yaml);
    td_buf_text(&yaml, "bars: [1s, 10s, 1m]\nstrategies: [market/cross.td]\n");
    td_buf_printf(&yaml, "log: { dir: var/data, partitions: %u, segment: %uKB, codec: %s }\n", r->partitions,
                  64 + (unsigned)below(r, 64), below(r, 2) == 0 ? "none" : "zstd");
    td_buf_printf(&yaml, "sinks:\n  - sqlite: { file: \"%s\" }\nspeed: %s\n", db_uri,
                  (const char *const[]){"max", "1x", "20x"}[below(r, 3)]);
    td_sim_put_file(machine, "market/cross.td", td_text(strategy));
    td_sim_put_file(machine, "market/sim.yaml", td_buf_bytes(&yaml));
    if (r->trace) (void)fprintf(stderr, "%.*s", (int)yaml.size, (const char *)yaml.data);
    td_buf_fini(&yaml);
    td_os os = td_sim_os(machine);
    td_status status = td_config_load(&r->config, &os, "market/sim.yaml", NULL, 0);
    HOLDS(status == TD_OK, "the configuration: %s", td_trail());
    r->config.log.segment_bytes = 3000 + (int64_t)below(r, 60000);
    r->config.log.batch_bytes = 500 + (int64_t)below(r, 8000);
    r->config.log.snapshot_records = 50 + (int64_t)below(r, 500);
    return true;
}

/* ---- a life ---- */

static void report(void *arg, const char *line) {
    run *r = arg;
    r->noticed = true;
    tally.repairs++;
    if (r->trace) (void)fprintf(stderr, "engine: %s\n", line);
}

static void random_faults(run *r) {
    static const uint32_t chances[] = {0, 0, 0, 300, 3000, 20000};
    td_sim_faults faults = {.fail = chances[below(r, 6)],
                            .cut = chances[below(r, 6)] * 10,
                            .fail_sync = chances[below(r, 6)],
                            .drop_sync = chances[below(r, 6)],
                            .lose_sync = r->lying ? 20000 : 0,
                            .disk_bytes = below(r, 6) == 0 ? 50000 + (int64_t)below(r, 400000) : 0};
    td_sim_set_faults(r->sim, &faults);
}

/* Faults pause when they would never let the program start. */
static td_status start(run *r, td_engine **out) {
    td_status status = TD_RETRY;
    for (int i = 0; status == TD_RETRY && !td_sim_dead(r->sim) && i < OPEN_TRIES + 2; i++) {
        if (i == OPEN_TRIES) td_sim_set_faults(r->sim, NULL);
        status = td_engine_open(out, &r->os, &r->config, report, r);
        td_sim_advance(r->sim, (int64_t)below(r, 1000000000));
    }
    return status;
}

/* Runs steps in random order, each with its own eagerness, until the end or the crash. False: it never ends. */
static bool run_steps(run *r, td_engine *engine, uint64_t turns_max) {
    uint64_t eager[STEPS_MAX], sum = 0;
    size_t count = td_engine_step_count(engine);
    for (size_t i = 0; i < count; i++) sum += eager[i] = 1 + below(r, 16);
    for (uint64_t turn = 0; turn < turns_max && !td_sim_dead(r->sim); turn++) {
        uint64_t dice = below(r, sum);
        size_t step = 0;
        for (; dice >= eager[step]; step++) dice -= eager[step];
        int done = td_engine_step(engine, step);
        td_sim_advance(r->sim, (int64_t)below(r, done > 0 ? 2000000 : 40000000));
        if (turn % 16 == 0 && td_engine_finished(engine)) return true;
    }
    return td_sim_dead(r->sim) || turns_max < TURNS_MAX;
}

static bool check_faults(run *r, td_engine *engine) {
    td_engine_counts counts;
    bool noticed = r->noticed;
    r->noticed = false;
    td_status status = td_engine_faults(engine, report, r);
    td_engine_count(engine, &counts);
    bool fine = status == TD_OK && counts.diverged == 0;
    tally.snapshots += counts.snapshots;
    tally.suppressed += counts.resumed;
    r->noticed = noticed || !fine;
    HOLDS(fine || r->lying, "%s, %" PRId64 " outputs diverged; %s", td_status_name(status), counts.diverged,
          td_trail());
    return true;
}

/* One life, from start to its crash, its end or a clean stop. */
static bool live(run *r, bool last) {
    td_engine *engine = NULL;
    td_status status = start(r, &engine);
    if (status != TD_OK) {
        r->noticed = r->noticed || !td_sim_dead(r->sim);
        HOLDS(td_sim_dead(r->sim) || r->lying, "start: %s: %s", td_status_name(status), td_trail());
        return true;
    }
    if (!last && below(r, 8) != 0) td_sim_crash_at(r->sim, td_sim_calls(r->sim) + 1 + below(r, r->calls));
    bool ends = run_steps(r, engine, last ? TURNS_MAX : below(r, 4000));
    bool good = check_faults(r, engine);
    tally.cut_short += td_sim_dead(r->sim) && !td_engine_finished(engine);
    if (!last && below(r, 2) == 0) td_sim_crash_at(r->sim, td_sim_calls(r->sim) + 1 + below(r, 60));
    td_engine_close(engine, last || below(r, 2) == 0);
    HOLDS(ends || r->lying, "the run does not end");
    HOLDS(td_sim_open_handles(r->sim) == 0, "%zu files stay open", td_sim_open_handles(r->sim));
    return good;
}

static bool run_lives(run *r, const outcome *reference) {
    uint64_t lives = 1 + below(r, LIVES_MAX);
    for (uint64_t life = 0; life < lives; life++) {
        if (r->trace) (void)fprintf(stderr, "--- life %" PRIu64 "\n", life);
        random_faults(r);
        if (below(r, 4) == 0) td_sim_crash_at(r->sim, td_sim_calls(r->sim) + 1 + below(r, 600));
        if (!live(r, false)) return false;
        tally.crashes += td_sim_dead(r->sim);
        td_sim_crash_at(r->sim, 0);
        td_sim_set_faults(r->sim, NULL);
        td_sim_reboot(r->sim, below(r, 3) == 0 ? TD_SIM_KILLED : TD_SIM_POWER_LOST);
        bool look = below(r, 2) == 0 && !r->lying && r->os.ops->exists(r->os.self, "var/market.db");
        if (look && !check_positions(r, reference)) return false;
    }
    if (r->trace) (void)fprintf(stderr, "--- last life\n");
    return live(r, true);
}

/* ---- a seed ---- */

/* The same scenario on a machine of its own: perfect, and with one life. */
static bool run_machine(run *r, bool perfect, outcome *out, const outcome *reference) {
    r->random.state = r->seed;
    r->sim = td_sim_new(r->seed * 2 + perfect);
    r->os = td_sim_os(r->sim);
    r->partitions = 1 + (uint32_t)below(r, PARTITION_MAX);
    td_sqlite_vfs_register(&r->os, r->seed);
    bool good = build_scenario(r, r->sim);
    if (good) {
        td_sim_set_trace(r->sim, r->trace && !perfect);
        good = perfect ? live(r, true) : run_lives(r, reference);
        r->calls = td_sim_calls(r->sim);
        if (good && !(r->lying && r->noticed)) good = take_log(r, out) && take_tables(r->partitions, out);
    }
    td_config_fini(&r->config);
    td_sqlite_vfs_unregister();
    td_sim_free(r->sim);
    return good;
}

static bool run_seed(uint64_t seed, bool trace) {
    outcome reference = {0}, got = {0};
    run perfect = {.seed = seed}, faulty = {.seed = seed, .trace = trace, .lying = seed % 8 == 0};
    bool good = run_machine(&perfect, true, &reference, NULL);
    faulty.calls = perfect.calls;
    good = good && run_machine(&faulty, false, &got, &reference);
    if (good && !(faulty.lying && faulty.noticed)) good = same_outcome(&faulty, &got, &reference);
    outcome_fini(&reference);
    outcome_fini(&got);
    return good;
}

int main(int argc, char **argv) {
    int code = td_seeds_main(argc, argv, run_seed);
    td_market_free();
    (void)printf("%" PRId64 " records equal; %" PRId64 " crashes, %" PRId64 " in the middle of the work, %" PRId64
                 " snapshots, %" PRId64 " inputs passed in silence, %" PRId64 " repairs\n",
                 tally.records, tally.crashes, tally.cut_short, tally.snapshots, tally.suppressed, tally.repairs);
    return code;
}
