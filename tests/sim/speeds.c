/* tests/sim/speeds.c - the whole demo on the simulated clock, as fast as it goes, at 60x and in its own time: every
 * topic must be equal byte for byte, and the paced runs must take the time they promise. speeds CONFIG (from the
 * project's root: its files are copied into the simulated machine). */
#include "app/engine.h"
#include "base/hash.h"
#include "base/time.h"
#include "os_sim.h"
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { TOPICS = 6, FILE_BYTES_MAX = 16 << 20, IDLE_MS = 5 };

typedef struct outcome {
    uint8_t sha256[TOPICS][TD_PARTITIONS_MAX][32];
    int64_t records[TOPICS], bars, signals;
    double seconds; /* of the simulated clock */
} outcome;

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "%s\n", line);
}

static bool fail(const char *what) {
    (void)fprintf(stderr, "speeds: %s: %s\n", what, td_trail());
    return false;
}

/* ---- the machine gets what the demo reads ---- */

typedef struct copying {
    td_sim *sim;
    const char *dir;
    bool failed;
} copying;

static void copy_file(td_sim *sim, const char *path, bool *failed) {
    td_buf content = {0};
    if (td_os_read_file(&td_os_posix, path, FILE_BYTES_MAX, &content) == TD_OK)
        td_sim_put_file(sim, path, td_buf_bytes(&content));
    else
        *failed = !fail(path);
    td_buf_fini(&content);
}

static void copy_listed(void *arg, const char *name) {
    copying *c = arg;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", c->dir, name);
    copy_file(c->sim, path, &c->failed);
}

static bool copy_inputs(td_sim *sim, const char *config) {
    static const char *const dirs[] = {"examples/data/lean", "examples/data/binance", "strategies"};
    copying c = {.sim = sim};
    copy_file(sim, config, &c.failed);
    copy_file(sim, "tests/data/ticks.td", &c.failed);
    copy_file(sim, "tests/data/rules.td", &c.failed);
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
        c.dir = dirs[i];
        if (td_os_posix.ops->list(td_os_posix.self, c.dir, copy_listed, &c) != TD_OK) return fail(c.dir);
    }
    return !c.failed;
}

/* ---- one run ---- */

static bool digest(td_topic *topic, uint32_t partition, uint8_t out_sha256[32], int64_t *records) {
    td_reader *reader;
    td_record record;
    if (td_reader_open(&reader, topic, partition, 0, TD_READ_APPENDED) != TD_OK) return false;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(sha, EVP_sha256(), NULL);
    td_status status;
    for (; (status = td_reader_next(reader, &record)) == TD_OK; ++*records) {
        const td_bytes parts[] = {record.key, record.value};
        for (size_t i = 0; i < 2; i++) {
            uint64_t size = parts[i].size;
            (void)EVP_DigestUpdate(sha, &size, sizeof size);
            if (size > 0) (void)EVP_DigestUpdate(sha, parts[i].data, parts[i].size);
        }
    }
    (void)EVP_DigestFinal_ex(sha, out_sha256, NULL);
    EVP_MD_CTX_free(sha);
    td_reader_close(reader);
    return status == TD_AGAIN;
}

static bool take_outcome(td_engine *engine, outcome *out) {
    const td_topics *t = td_engine_topics(engine);
    td_topic *topics[TOPICS] = {t->tape,
                                t->rejected,
                                t->outputs[TD_OUTPUT_BARS],
                                t->outputs[TD_OUTPUT_SIGNALS],
                                t->outputs[TD_OUTPUT_QUARANTINE],
                                t->outputs[TD_OUTPUT_FILLS]};
    for (size_t i = 0; i < TOPICS; i++)
        for (uint32_t p = 0; p < t->partitions; p++)
            if (!digest(topics[i], p, out->sha256[i][p], &out->records[i])) return fail("reading what was made");
    td_engine_counts counts;
    td_engine_count(engine, &counts);
    out->bars = counts.bars;
    out->signals = counts.signals;
    return true;
}

static bool run(td_sim *sim, const char *config_path, const char *speed, outcome *out) {
    td_os os = td_sim_os(sim);
    char set_dir[64], set_speed[64];
    (void)snprintf(set_dir, sizeof set_dir, "log.dir=run-%s", speed);
    (void)snprintf(set_speed, sizeof set_speed, "speed=%s", speed);
    const char *sets[] = {set_dir, set_speed, "serve=off",
                          "strategies=[strategies/golden_cross.td, tests/data/ticks.td, tests/data/rules.td]"};
    td_config config;
    if (td_config_load(&config, &os, config_path, sets, 4) != TD_OK) return fail("loading");
    for (size_t i = 0; i < config.sink_count; i++) td_options_fini(config.sinks[i].ops->options, &config.sinks[i].conf);
    config.sink_count = 0; /* sinks read the log: the log is what is compared */
    td_engine *engine;
    if (td_engine_open(&engine, &os, &config, NULL, report, NULL) != TD_OK) return fail("opening");
    int64_t from_ns = os.ops->mono_ns(os.self);
    while (!td_engine_finished(engine)) {
        int done = 0;
        for (size_t s = 0; s < td_engine_step_count(engine); s++) done += td_engine_step(engine, s);
        if (done == 0) td_sim_advance(sim, IDLE_MS * TD_NS_PER_MS);
    }
    out->seconds = (double)(os.ops->mono_ns(os.self) - from_ns) / 1e9;
    bool good = take_outcome(engine, out);
    td_engine_close(engine, true);
    td_config_fini(&config);
    return good;
}

/* ---- all of them ---- */

static bool equal(const outcome *wanted, const outcome *got, const char *speed) {
    static const char *const names[TOPICS] = {"tape", "rejected", "bars", "signals", "quarantine", "fills"};
    for (size_t i = 0; i < TOPICS; i++)
        if (memcmp(wanted->sha256[i], got->sha256[i], sizeof wanted->sha256[i]) != 0) {
            (void)fprintf(stderr, "speeds: topic %s differs at %s\n", names[i], speed);
            return false;
        }
    (void)printf("%s: %" PRId64 " records on the tape, %" PRId64 " bars, %" PRId64 " signals, %" PRId64
                 " fills equal, in %.1f s of the clock\n",
                 speed, got->records[0], got->bars, got->signals, got->records[TOPICS - 1], got->seconds);
    return true;
}

int main(int argc, char **argv) {
    static const struct {
        const char *speed;
        double seconds_min, seconds_max; /* the demo is 6.5 hours at ratio 60 beside six minutes */
    } rows[] = {{"max", 0, 30}, {"60x", 6, 12}, {"1x", 380, 400}};
    static outcome outcomes[3];
    if (argc != 2) return 2;
    td_sim *sim = td_sim_new(1);
    bool good = copy_inputs(sim, argv[1]);
    for (size_t i = 0; i < 3 && good; i++) {
        good = run(sim, argv[1], rows[i].speed, &outcomes[i]) && equal(&outcomes[0], &outcomes[i], rows[i].speed);
        if (good && (outcomes[i].seconds < rows[i].seconds_min || outcomes[i].seconds > rows[i].seconds_max)) {
            (void)fprintf(stderr, "speeds: %s took %.1f s of the clock\n", rows[i].speed, outcomes[i].seconds);
            good = false;
        }
    }
    if (good && (outcomes[0].bars < 10000 || outcomes[0].signals < 2000 || outcomes[0].records[TOPICS - 1] < 2000))
        good = fail("too little was made");
    td_sim_free(sim);
    return good ? 0 : 1;
}
