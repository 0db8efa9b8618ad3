/* tests/sim/world.c - builds the market, schedules the steps, keeps the books. */
#include "world.h"
#include "base/time.h"
#include "market.h"
#include "sqlite_vfs.h"
#include <inttypes.h>
#include <stdio.h>

enum { STEPS_MAX = 128, PARTITIONS_MAX = 8, TURNS_MAX = 100000, HOPELESS_TURNS = 400, START_TRIES = 40 };
#define JUMP_MAX_NS INT64_C(90000000000000) /* more than a day */

const char td_world_database[] = "file:var/market.db?vfs=sim";

static const char strategy[] = "strategy cross on bars(1s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  f = sma(close, 2)\n"
                               "  s = ema(close, 5)\n"
                               "  buy when crossover(f, s) note \"up\"\n"
                               "  sell when crossunder(f, s)\n"
                               "strategy jump on bars(5s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  short when close > close[1] and volume > 0\n"
                               "  cover when close < close[1]\n"
                               "strategy apart on bars(1s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  buy when place(close) == 1 and sma(rank(volume), 3) > 0.4\n"
                               "  exit when rank(close) < breadth(close > open)\n"
                               "strategy beat on bars(7 trades) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  use second = bars(1s)\n"
                               "  buy when close > second.close and close > quote.bid\n"
                               "  sell when close < close[1]\n"
                               "strategy still on bars(2s, filled) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  use night = bars(10s, filled, extended)\n"
                               "  emit idle { of = count(trades == 0, 4), far = night.close } when trades == 0\n"
                               "  buy when close > close[1] and close >= night.close\n"
                               "  sell when trades == 0 and close < max(close, 3)\n"
                               "strategy lift on trades for LEAN:*, BINANCE:*, SIM:*\n"
                               "  buy when price >= quote.ask and quote.age < 60s\n"
                               "  exit when price < price[1] or price < quote.bid\n"
                               "strategy lean on quotes every 2s for LEAN:*, BINANCE:*, SIM:*\n"
                               "  buy when nz(bid, ask) > trade.price\n"
                               "  sell when nz(bid, ask) < trade.price\n"
                               "strategy waits on trades for LEAN:*, BINANCE:*, SIM:*\n"
                               "  use other = BINANCE:BTCUSDT\n"
                               "  far = asof(other.price, wait = 400ms)\n"
                               "  buy when price >= asof(quote.bid, wait = 400ms) or far > far[1]\n"
                               "  exit when price < asof(quote.bid, wait = 400ms) or far < far[1]\n"
                               "strategy guarded on bars(1s) for LEAN:*, BINANCE:*, SIM:*\n"
                               "  buy when close >= close[1]\n"
                               "  short when close < close[1] and volume > volume[1]\n"
                               "  stop 0.02%\n"
                               "  trail at max(high, 3) from 1R\n"
                               "  target 2R\n"
                               "  cooldown 2s after stop\n"
                               "  at most 9 per 1m\n"
                               "strategy nimble on trades every 200ms for LEAN:*, BINANCE:*, SIM:*\n"
                               "  buy when price > price[1]\n"
                               "  stop at min(price, 9)\n"
                               "  trail 0.01%\n"
                               "  cooldown 1s\n"
                               "  at most 30 per session\n"
                               "  fill next after 100ms\n";

/* ---- the market ---- */

static void put_lateness(td_world *w, td_buf *yaml) {
    static const char *const spans[] = {"0s", "200ms", "1s", "5s"};
    td_buf_printf(yaml, "lateness: %s, max_delay: %s }\n", spans[td_world_below(w, 4)], spans[td_world_below(w, 4)]);
}

/* A day begins while the simulated feed runs, and with it splits; one is told twice, one is none. */
static const char actions[] = "2026-01-06,SIM:S0001,split,3:1\n"
                              "2026-01-06,SIM:S0002,split,1:7\n"
                              "2026-01-06,SIM:S0001,split,3:1\n"
                              "2026-01-05,SIM:S0002,dividend,0.25,USD\n"
                              "2026-01-06,SIM:S0002,split,0:1\n"
                              "2199-01-01,LEAN:IBM,split,2:1\n";

static void put_actions(td_world *w, td_buf *yaml) {
    td_sim_put_file(w->sim, "market/actions.csv", td_text(actions));
    td_buf_text(yaml, "  - file: { name: actions, format: actions, path: market/actions.csv }\n");
}

static void put_feeds(td_world *w, td_buf *yaml) {
    unsigned which = 1 + (unsigned)td_world_below(w, 7); /* at least one of three */
    td_buf_text(yaml, "feeds:\n");
    if ((which & 1) != 0) {
        td_market_put_lean(w->sim, &w->random, 400);
        td_buf_text(yaml, "  - file: { name: lean, format: lean, path: \"market/lean/*.zip\", ratio: 60, ");
        put_lateness(w, yaml);
    }
    if ((which & 2) != 0) {
        td_market_put_binance(w->sim, &w->random, 700);
        td_buf_text(yaml, "  - file: { name: binance, format: binance-collector, path: \"market/binance/*.gz\", ");
        put_lateness(w, yaml);
    }
    if ((which & 4) != 0) {
        td_buf_printf(
            yaml, "  - simulated: { seed: %u, instruments: %u, ticks: %u, duration: %us, start: 2026-01-05T23:59:50Z, ",
            (unsigned)td_world_below(w, 1000), 2 + (unsigned)td_world_below(w, 30),
            200 + (unsigned)td_world_below(w, 2000), 20 + (unsigned)td_world_below(w, 100));
        put_lateness(w, yaml);
    }
    put_actions(w, yaml);
}

static void put_small_feeds(td_world *w, td_buf *yaml) {
    td_market_put_binance(w->sim, &w->random, 120);
    td_buf_text(
        yaml, "feeds:\n"
              "  - file: { name: binance, format: binance-collector, path: \"market/binance/*.gz\" }\n"
              "  - simulated: { seed: 3, instruments: 4, ticks: 1200, duration: 90s, start: 2026-01-05T23:59:50Z }\n");
    put_actions(w, yaml);
}

static bool load(td_world *w, const td_buf *yaml) {
    td_sim_put_file(w->sim, "market/cross.td", td_text(strategy));
    td_sim_put_file(w->sim, "market/sim.yaml", td_buf_bytes(yaml));
    if (w->trace) (void)fprintf(stderr, "%.*s", (int)yaml->size, (const char *)yaml->data);
    td_status status = td_config_load(&w->config, &w->os, "market/sim.yaml", NULL, 0);
    HOLDS(status == TD_OK, "the configuration: %s", td_trail());
    return true;
}

bool td_world_open(td_world *w, uint64_t machine_seed, td_world_size size) {
    bool large = size == TD_WORLD_LARGE;
    w->random.state = w->seed;
    w->sim = td_sim_new(machine_seed);
    w->os = td_sim_os(w->sim);
    w->partitions = large ? 1 + (uint32_t)td_world_below(w, 1 + td_world_below(w, PARTITIONS_MAX)) : 2;
    td_sqlite_vfs_register(&w->os, w->seed);
    td_buf yaml = {0};
    if (large)
        put_feeds(w, &yaml);
    else
        put_small_feeds(w, &yaml);
    static const char *const graces[] = {"0s", "1s", "10s", "60s"};
    td_buf_printf(&yaml, "bars: [1s, 10s, 1m, 50 volume]\nstrategies: [market/cross.td]\ngrace: %s\n",
                  graces[td_world_below(w, 4)]);
    td_buf_printf(&yaml, "log: { dir: var/data, partitions: %u, segment: %uKB, codec: %s, publish: [%s] }\n",
                  w->partitions, 64 + (unsigned)td_world_below(w, 64), td_world_below(w, 2) == 0 ? "none" : "zstd",
                  large ? "trades, quotes, trades_json, bars_json" : "trades, quotes");
    td_buf_printf(&yaml, "sinks:\n  - sqlite: { file: \"%s\" }\nspeed: %s\n", td_world_database,
                  large ? (const char *const[]){"max", "1x", "20x"}[td_world_below(w, 3)] : "max");
    bool good = load(w, &yaml);
    td_buf_fini(&yaml);
    w->published = w->config.log.publish.count;
    w->config.log.segment_bytes = 3000 + (large ? (int64_t)td_world_below(w, 60000) : 1000);
    w->config.log.batch_bytes = 500 + (large ? (int64_t)td_world_below(w, 8000) : 700);
    w->config.log.retain_bytes = 0; /* a full disk must not make the log let go of anything */
    w->config.log.disk.reserve_bytes = 0;
    w->config.log.snapshot_records = large ? 10 + (int64_t)td_world_below(w, 200) : 60;
    return good;
}

void td_world_publish(td_world *w, bool publish) { w->config.log.publish.count = publish ? w->published : 0; }

void td_world_close(td_world *w) {
    td_world_publish(w, true); /* its texts are freed */
    td_config_fini(&w->config);
    td_sqlite_vfs_unregister();
    td_sim_free(w->sim);
}

/* ---- a life ---- */

static void report(void *arg, const char *line) {
    td_world *w = arg;
    w->noticed = true;
    w->reports++;
    if (w->trace) (void)fprintf(stderr, "engine: %s\n", line);
}

td_status td_world_start(td_world *w) {
    td_status status = td_engine_open(&w->engine, &w->os, &w->config, NULL, report, w);
    if (status != TD_OK) return status;
    status = td_onlooker_open(&w->onlooker, &w->os, w->engine);
    if (status == TD_OK) return TD_OK;
    td_engine_close(w->engine, false);
    w->engine = NULL;
    return status;
}

static int step(td_world *w, size_t which) {
    return which < td_engine_step_count(w->engine) ? td_engine_step(w->engine, which) : td_onlooker_step(w->onlooker);
}

/* Each step has its own eagerness in each life: what is not synced for long is lost in pieces. */
bool td_world_run(td_world *w, uint64_t turns_max) {
    uint64_t eager[STEPS_MAX], sum = 0;
    size_t count = td_engine_step_count(w->engine) + 1;
    for (size_t i = 0; i < count; i++) sum += eager[i] = UINT64_C(1) << td_world_below(w, 7);
    for (uint64_t turn = 0; turn < turns_max && !td_sim_dead(w->sim); turn++) {
        uint64_t dice = td_world_below(w, sum);
        size_t which = 0;
        for (; dice >= eager[which]; which++) dice -= eager[which];
        int done = step(w, which);
        td_sim_advance(w->sim, (int64_t)td_world_below(w, done > 0 ? 2000000 : 40000000));
        if (w->jumpy && td_world_below(w, 500) == 0)
            td_sim_jump(w->sim, (int64_t)td_world_below(w, 2 * JUMP_MAX_NS) - JUMP_MAX_NS);
        if (turn % 16 == 0 && td_engine_finished(w->engine)) return true;
    }
    return false;
}

bool td_world_check(td_world *w, bool ended) {
    td_engine_counts counts;
    bool noticed = w->noticed;
    td_status status = td_engine_faults(w->engine, report, w);
    td_engine_count(w->engine, &counts);
    w->snapshots += counts.snapshots;
    w->resumed += counts.resumed;
    bool fine = status == TD_OK && counts.diverged == 0;
    w->noticed = noticed || !fine;
    HOLDS(fine || w->excused, "%s, %" PRId64 " outputs diverged; %s", td_status_name(status), counts.diverged,
          td_trail());
    bool seen = td_sim_dead(w->sim) || td_onlooker_check(w->onlooker, ended) || td_sim_dead(w->sim);
    w->noticed |= !seen;
    HOLDS(seen || w->excused, "what the dashboard shows");
    return true;
}

bool td_world_stop(td_world *w, bool clean) {
    td_onlooker_close(w->onlooker);
    td_engine_close(w->engine, clean);
    w->onlooker = NULL;
    w->engine = NULL;
    HOLDS(td_sim_open_handles(w->sim) == 0, "%zu files stay open", td_sim_open_handles(w->sim));
    return true;
}

bool td_world_live(td_world *w, bool hopeless) {
    td_status status = TD_RETRY;
    for (int i = 0; i < (hopeless ? 2 : START_TRIES) && status == TD_RETRY && !td_sim_dead(w->sim); i++) {
        status = td_world_start(w);
        td_sim_advance(w->sim, TD_NS_PER_S);
    }
    if (status != TD_OK) {
        HOLDS(td_sim_dead(w->sim) || (hopeless && status == TD_RETRY), "start: %s: %s", td_status_name(status),
              td_trail());
        return true;
    }
    bool ended = td_world_run(w, hopeless ? HOPELESS_TURNS : TURNS_MAX);
    HOLDS(ended || hopeless || td_sim_dead(w->sim), "the run does not end");
    bool good = td_world_check(w, ended && !hopeless);
    return td_world_stop(w, true) && good;
}
