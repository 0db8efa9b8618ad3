/* tests/sim/edits.c - strategies are edited while the whole program runs on a machine that dies: a third of the texts
 * are wrong, a tenth are what was there before. What must hold: the log is what its tape makes, made once more from its
 * first record without any snapshot, and a strategy that nobody has edited gives what it gives where nothing is edited.
 */
#include "market.h"
#include "world.h"
#include <inttypes.h>
#include <stdio.h>

enum { LIVES_MAX = 4, ROUNDS_MAX = 20000, TEXTS = 6, PARTITIONS = 8 };

static struct { /* over all seeds: a simulation in which nothing happens proves nothing */
    int64_t edits, begun, refused, crashes, signals;
} tally;

static const char kept[] = "strategy jump on bars(5s) for LEAN:*, BINANCE:*, SIM:*\n"
                           "  short when close > close[1] and volume > 0\n"
                           "  cover when close < close[1]\n"
                           "  stop 0.05%\n"
                           "  trail at min(low, 4)\n"
                           "  cooldown 10s after stop\n"
                           "  at most 20 per 1m\n"
                           "strategy apart on bars(1s) for LEAN:*, BINANCE:*, SIM:*\n"
                           "  emit told { place = place(close), smooth = sma(rank(volume), 3) }\n";

typedef struct told { /* by the strategies that nobody edits, per partition, a line each */
    td_buf lines[PARTITIONS];
} told;

/* ---- edits ---- */

static void put_text(td_world *w, uint64_t which) {
    static const char *const firsts[TEXTS] = {"sma(close, 3)", "ema(close, 4)", "max(high, 6)",
                                              "rsi(close, 5)", "close[2]",      "sma(ema(close, 3), 4)"};
    td_buf text = {0};
    static const char *const widths[] = {"1s", "1s", "4 trades", "10s"};
    td_buf_printf(&text, "strategy cross on bars(%s) for LEAN:*, BINANCE:*, SIM:*\n  f = %s\n  s = ema(close, 5)\n",
                  widths[which % 4], firsts[which % TEXTS]);
    td_buf_printf(&text, "  buy when crossover(f, s)\n  sell when f < %d%s\n%s", (int)(which % 97),
                  which % 3 == 2 ? " and wrong" : "", kept);
    td_sim_put_file(w->sim, "market/cross.td", td_buf_bytes(&text));
    td_buf_fini(&text);
}

static void edit(td_world *w, uint64_t *last) {
    td_edit_news before, after;
    td_edit *e = td_engine_edit(w->engine);
    if (td_world_below(w, 2) == 0) {
        uint64_t next = td_world_below(w, 1000);
        put_text(w, td_world_below(w, 10) == 0 ? *last : next);
        *last = next;
        tally.edits++;
    }
    td_edit_tell(e, &before);
    td_edit_ask(e);
    td_edit_step(e);
    td_edit_tell(e, &after);
    tally.begun += after.turn - before.turn;
    tally.refused += after.state == TD_EDIT_REFUSED && before.state != TD_EDIT_REFUSED;
    td_buf_fini(&before.errors);
    td_buf_fini(&after.errors);
}

/* ---- lives ---- */

static bool live(td_world *w, bool edits, bool last) {
    uint64_t text = 0;
    bool ended = false;
    td_status status = td_world_start(w);
    HOLDS(status == TD_OK, "start: %s: %s", td_status_name(status), td_trail());
    if (!last) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 100 + td_world_below(w, 1500));
    for (int i = 0; i < ROUNDS_MAX && !ended && !td_sim_dead(w->sim); i++) {
        if (edits) edit(w, &text);
        ended = td_world_run(w, 1 + td_world_below(w, 60));
    }
    HOLDS(ended || !last, "the run does not end");
    return td_world_check(w, ended);
}

static bool reboot(td_world *w) {
    tally.crashes += td_sim_dead(w->sim);
    bool good = td_world_stop(w, false);
    td_sim_crash_at(w->sim, 0);
    td_sim_reboot(w->sim, td_world_below(w, 3) == 0 ? TD_SIM_POWER_LOST : TD_SIM_KILLED);
    put_text(w, 3 * td_world_below(w, 100)); /* a wrong one is no start */
    return good;
}

static void remove_snapshot(void *arg, const char *name) {
    td_world *w = arg;
    char path[256];
    (void)snprintf(path, sizeof path, "var/data/snapshots/%s", name);
    (void)!w->os.ops->remove(w->os.self, path);
}

static bool is_edited(td_bytes strategy) { return td_bytes_equal(strategy, TD_TEXT("cross")); }

static void take_signals(td_world *w, told *out) {
    const td_topics *t = td_engine_topics(w->engine);
    for (uint32_t p = 0; p < t->partitions; p++) {
        td_reader *reader;
        td_record record;
        if (td_reader_open(&reader, t->outputs[TD_OUTPUT_SIGNALS], p, 0, TD_READ_APPENDED) != TD_OK) return;
        while (td_reader_next(reader, &record) == TD_OK) {
            td_signal s;
            td_bytes instrument;
            bool ours = td_record_get_signal(t->ids, record.value, &s, &instrument) == TD_OK;
            if (!ours || is_edited(s.strategy)) continue;
            td_buf_printf(&out->lines[p], "%.*s %.*s %" PRId64 "#%u %d %d %" PRId64 " %" PRId64 " %.*s\n",
                          (int)s.strategy.size, (const char *)s.strategy.data, (int)instrument.size,
                          (const char *)instrument.data, s.event_ns, s.ordinal, s.action, s.status, s.price,
                          s.known_at_ns, (int)s.data.size, (const char *)s.data.data);
            tally.signals++;
        }
        td_reader_close(reader);
    }
}

/* All of the tape through workers that remember nothing: what they make is what the log holds. */
static bool make_again(td_world *w) {
    td_engine_counts counts;
    HOLDS(w->os.ops->list(w->os.self, "var/data/snapshots", remove_snapshot, w) == TD_OK, "no snapshots");
    if (!live(w, false, true)) return false;
    td_engine_count(w->engine, &counts);
    HOLDS(counts.diverged == 0 && counts.bars == 0 && counts.signals == 0,
          "made once more: %" PRId64 " differ, %" PRId64 " bars and %" PRId64 " signals were missing", counts.diverged,
          counts.bars, counts.signals);
    return true;
}

static bool run_machine(td_world *w, bool edits, told *out) {
    if (!td_world_open(w, w->seed * 2 + edits, TD_WORLD_LARGE)) return false;
    put_text(w, 0);
    w->config.speed = edits ? 8 : 0; /* so that there is time for edits */
    bool good = true;
    uint64_t lives = edits ? 1 + td_world_below(w, LIVES_MAX) : 0;
    for (uint64_t i = 0; i < lives && good; i++) good = live(w, true, false) && reboot(w);
    good = good && live(w, edits, true) && td_world_stop(w, true);
    if (edits) put_text(w, 0);
    good = good && make_again(w);
    if (good) take_signals(w, out);
    good = good && td_world_stop(w, true);
    td_world_close(w);
    return good;
}

static bool run_seed(uint64_t seed, bool trace) {
    told edited = {0}, plain = {0};
    td_world with = {.seed = seed, .trace = trace}, without = {.seed = seed};
    bool good = run_machine(&without, false, &plain) && run_machine(&with, true, &edited);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        bool same = td_bytes_equal(td_buf_bytes(&edited.lines[p]), td_buf_bytes(&plain.lines[p]));
        if (good && !same)
            (void)fprintf(stderr, "partition %u: the strategy that stays says\n%.*s\nnot\n%.*s\n", p,
                          (int)edited.lines[p].size, (const char *)edited.lines[p].data, (int)plain.lines[p].size,
                          (const char *)plain.lines[p].data);
        good &= same;
        td_buf_fini(&edited.lines[p]);
        td_buf_fini(&plain.lines[p]);
    }
    return good;
}

int main(int argc, char **argv) {
    int code = td_seeds_main(argc, argv, run_seed);
    td_market_free();
    (void)printf("%" PRId64 " edits: %" PRId64 " programs begun, %" PRId64 " refused; %" PRId64 " crashes, %" PRId64
                 " signals of who stays\n",
                 tally.edits, tally.begun, tally.refused, tally.crashes, tally.signals);
    return code;
}
