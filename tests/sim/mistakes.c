/* tests/sim/mistakes.c - a feed of which everything is wrong that may be: trades come late, doubled, in another order,
 * or not at all; sessions are cut, REST breaks, the process is killed; the venue falls silent; some trades are refused,
 * and some of those released; there are corporate actions, and a strategy looks on. What must hold in the end: as in
 * cuts.c, bars are what the accepted trades give in their order, and what was missing was told; refused is what has a
 * flaw, unless it was released; counters add up. A replay of the tape as received gives all topics byte for byte, one
 * as repaired the same bars, and none of them changes there. Where trades only change places within their lateness, or
 * come twice, there is neither gap nor revision. */
#include "base/time.h"
#include "flow/replay.h"
#include "listener.h"
#include "log/log_segment.h"
#include "seeds.h"
#include "serve/release.h"
#include <inttypes.h>

enum { CUTS = 6, CALM_S = 60, TIDY_S = 30, ASK_TURNS = 400 };

static const char strategy[] = "strategy cross on bars(1s) for BINANCE:*\n"
                               "  buy when crossover(sma(close, 2), ema(close, 5)) note \"up\"\n"
                               "  sell when crossunder(sma(close, 2), ema(close, 5))\n";
static const char actions[] = "date,instrument,kind,value,currency\n"
                              "2024-06-10,BINANCE:S0,split,10:1,\n"
                              "2024-06-11,BINANCE:S0,split,2:1,\n"
                              "2024-08-09,BINANCE:S1,dividend,0.25,USD\n";

static struct { /* over all seeds: where nothing goes wrong nothing is proved */
    int64_t trades, afterwards, doubled, refused, released, revised, gaps, cuts, records, moved;
} tally;

static td_listener_conf conf_of(uint64_t seed, bool trace) {
    return (td_listener_conf){.seed = seed,
                              .mean_ms = 300 + seed % 200,
                              .settings = "",
                              .strategy = strategy,
                              .actions = actions,
                              .trace = trace};
}

/* ---- releases ---- */

/* Asks as another thread would; the process may die over it. */
static bool ask_for_it(td_listener *l, const td_release *release, const td_release_item *item) {
    td_engine_parts parts;
    uint64_t ticket;
    int life = l->lives;
    td_engine_parts_of(l->engine, &parts);
    td_commands *commands = td_ingest_commands(parts.ingest);
    const td_command command = {.partition = item->place.partition,
                                .key = td_release_key(release, item),
                                .value = td_release_value(release, item)};
    if (td_commands_put(commands, &command, &ticket) != TD_OK) return true;
    for (int i = 0; i < ASK_TURNS; i++) {
        if (!td_listener_turn(l)) return false;
        if (l->lives != life || td_commands_ask(commands, ticket) != TD_AGAIN) return true;
    }
    (void)td_commands_withdraw(commands, ticket);
    return true;
}

/* Some of the prices that were too far off. */
static bool release_some(td_listener *l) {
    const td_topics *topics = td_engine_topics(l->engine);
    const td_release_wish wish = {.tape = topics->tape,
                                  .quarantine = topics->outputs[TD_OUTPUT_QUARANTINE],
                                  .ids = topics->ids,
                                  .reason = TD_REASON_OUTLIER,
                                  .before_ns = INT64_MAX};
    td_release *release = td_release_new(&wish);
    td_release_item *items;
    td_status status;
    while ((status = td_release_step(release)) == TD_AGAIN) continue;
    HOLDS(status == TD_OK, "looking for what to release");
    size_t count = td_release_items(release, &items);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        if (items[i].state == TD_RELEASE_READY && td_listener_below(l, 3) == 0)
            good = ask_for_it(l, release, &items[i]);
    td_release_free(release);
    return good;
}

/* ---- replays ---- */

typedef struct replayed {
    td_log *log;
    td_topics topics;
    td_writer *writer;
} replayed;

static void report(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "replay: %s\n", line);
}

static td_status apply_partition(td_listener *l, replayed *r, uint32_t p) {
    td_work_conf conf = {
        .os = &l->os, .topics = &r->topics, .snapshot_dir = "var/again-snapshots", .snapshot_records = 1 << 20};
    td_worker *worker = NULL;
    td_status status = td_worker_open(&worker, &conf, p);
    if (status == TD_OK) status = td_worker_take(worker);
    while (status == TD_OK && td_worker_level(worker) != td_topic_end(r->topics.tape, p)) {
        (void)td_worker_step(worker);
        status = td_fault_status(td_worker_fault(worker));
    }
    td_worker_close(worker);
    return status;
}

static td_status replay(td_listener *l, replayed *r, const char *dir, bool repaired) {
    const td_topics *from = td_engine_topics(l->engine);
    td_log_conf conf = {.dir = dir};
    td_status status = td_log_segment_open(&r->log, &l->os, &conf, report, NULL);
    if (status == TD_OK) status = td_topics_open_copy(&r->topics, r->log, from, td_listener_now_ns(l) / TD_NS_PER_MS);
    if (status == TD_OK) status = td_writer_open(&r->writer, r->log, "replay");
    const td_replay_conf copy = {.from = from, .to = &r->topics, .writer = r->writer, .repaired = repaired};
    for (uint32_t p = 0; p < from->partitions && status == TD_OK; p++) {
        int64_t moved;
        status = td_replay_copy(&copy, p, &moved);
        if (status == TD_OK) status = apply_partition(l, r, p);
        if (status == TD_OK) tally.moved += moved;
    }
    return status;
}

static void close_replayed(replayed *r) {
    td_writer_close(r->writer);
    if (r->topics.registry != NULL) td_topics_close(&r->topics);
    td_log_close(r->log);
}

static bool same_records(td_topic *got, td_topic *wanted, uint32_t p) {
    td_reader *readers[2];
    td_record a, b;
    td_status status = td_reader_open(&readers[0], got, p, 0, TD_READ_APPENDED), other;
    HOLDS(status == TD_OK && td_reader_open(&readers[1], wanted, p, 0, TD_READ_APPENDED) == TD_OK, "reading");
    bool same = true;
    do {
        status = td_reader_next(readers[0], &a);
        other = td_reader_next(readers[1], &b);
        same =
            status == other && (status != TD_OK || (td_bytes_equal(a.key, b.key) && td_bytes_equal(a.value, b.value)));
        tally.records += same && status == TD_OK;
    } while (same && status == TD_OK);
    td_reader_close(readers[0]);
    td_reader_close(readers[1]);
    HOLDS(same, "%s-%" PRIu32 " differs: %" PRId64 " records, wanted %" PRId64, td_topic_name(got), p,
          td_topic_end(got, p), td_topic_end(wanted, p));
    return true;
}

static bool check_received(td_listener *l) {
    replayed r = {0};
    const td_topics *topics = td_engine_topics(l->engine);
    td_status status = replay(l, &r, "var/received", false);
    bool good = status == TD_OK;
    for (int o = 0; o < TD_OUTPUT_COUNT && good; o++)
        for (uint32_t p = 0; p < topics->partitions && topics->outputs[o] != NULL && good; p++)
            good = same_records(r.topics.outputs[o], topics->outputs[o], p);
    close_replayed(&r);
    HOLDS(status == TD_OK, "the replay as received: %s", td_status_name(status));
    return good;
}

static bool check_repaired(td_listener *l, const td_account *live) {
    replayed r = {0};
    td_account account = {0};
    td_status status = replay(l, &r, "var/repaired", true);
    bool good = status == TD_OK && td_account_read(&account, &r.topics, &l->venue);
    int64_t changed = 0;
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS && good; s++) {
        /* Where rules meet the same prices in another order, they may judge one of them otherwise. */
        if (td_account_has_flaws(live, &l->venue, s) || td_account_has_flaws(&account, &l->venue, s)) continue;
        good = td_account_same_bars(&account, live, s);
        changed += account.symbols[s].changed;
    }
    td_account_fini(&account);
    close_replayed(&r);
    HOLDS(status == TD_OK, "the replay as repaired: %s", td_status_name(status));
    HOLDS(!good || changed == 0, "%" PRId64 " bars change in a replay as repaired", changed);
    return good;
}

/* ---- a seed ---- */

static void take_tally(const td_listener *l, const td_account *a) {
    tally.cuts += l->cut_count;
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS; s++) {
        const td_account_symbol *symbol = &a->symbols[s];
        tally.trades += symbol->trade_count;
        tally.revised += symbol->revised;
        tally.gaps += symbol->gap_count;
        for (int64_t i = 0; i < symbol->trade_count; i++) {
            const td_account_trade *trade = &symbol->trades[i];
            tally.afterwards += !trade->live;
            tally.doubled += trade->copies > 1;
            tally.refused += trade->refused > 0;
            tally.released += trade->released > 0;
        }
    }
}

static bool check(td_listener *l, const td_account *a) {
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS; s++)
        if (!td_account_has_trades(a, &l->venue, s) || !td_account_has_no_gap(a, s) ||
            !td_account_has_bars(a, &l->venue, s))
            return false;
    take_tally(l, a);
    return td_listener_check_counts(l) && check_received(l) && check_repaired(l, a);
}

static bool disturb(td_listener *l) {
    int64_t next_ns = td_listener_now_ns(l) + 5 * TD_NS_PER_S;
    l->rough = true;
    while (l->cut_count < CUTS) {
        if (!td_listener_turn(l)) return false;
        if (td_listener_now_ns(l) < next_ns || !td_listener_can_cut(l)) continue;
        if (td_listener_below(l, 3) == 0 && !release_some(l)) return false;
        if (td_listener_can_cut(l) && !td_listener_cut(l, (td_cut)td_listener_below(l, TD_CUT_COUNT))) return false;
        next_ns = td_listener_now_ns(l) + (int64_t)td_listener_below(l, 10 * TD_NS_PER_S);
    }
    return true;
}

/* Another program, for which silence is no gap: in the end the venue falls silent for good. */
static bool allow_silence(td_listener *l) {
    while (l->dying)
        if (!td_listener_turn(l)) return false;
    l->config.feeds[0].conf.silence_ns = 0;
    return td_listener_cut(l, TD_CUT_STOPPED);
}

static bool run_disturbed(uint64_t seed, bool trace) {
    td_listener l;
    td_account account = {0};
    td_listener_conf conf = conf_of(seed, trace);
    conf.settings = ", silence: 2s";
    conf.silent_ms = (int64_t)(seed % 3) * 2500;
    conf.flawed_every = 40;
    conf.manners = (td_manners){
        .reordered_ms = seed % 2 * 500, .late_every = 20, .late_ms = 500 + seed % 5 * 500, .doubled_every = 10};
    bool good = td_listener_open(&l, &conf) && disturb(&l) && allow_silence(&l);
    l.ends_ms = td_listener_now_ns(&l) / TD_NS_PER_MS + CALM_S * 1000;
    good = good && td_listener_settle(&l, &account) && release_some(&l) && td_listener_settle(&l, &account);
    good = good && check(&l, &account);
    td_listener_close(&l);
    td_account_fini(&account);
    return good;
}

static bool run_tidy(uint64_t seed, bool trace) {
    td_listener l;
    td_account account = {0};
    td_listener_conf conf = conf_of(seed, trace);
    conf.silent_ms = (int64_t)(seed % 3) * 2500;
    conf.manners = (td_manners){.reordered_ms = seed % 4 * 150, .doubled_every = 10};
    bool good = td_listener_open(&l, &conf);
    l.ends_ms = l.venue.conf.start_ms + TIDY_S * 1000;
    good = good && td_listener_settle(&l, &account) && check(&l, &account);
    for (int s = 0; s < TD_ACCOUNT_SYMBOLS && good; s++) {
        int64_t gaps = account.symbols[s].gap_count, revised = account.symbols[s].revised;
        good = gaps == 0 && revised == 0;
        if (!good)
            (void)fprintf(stderr, "S%d was in order: %" PRId64 " gaps, %" PRId64 " revisions\n", s, gaps, revised);
    }
    td_listener_close(&l);
    td_account_fini(&account);
    return good;
}

static bool run_seed(uint64_t seed, bool trace) {
    return (seed % 4 != 0 || run_tidy(seed, trace)) && run_disturbed(seed, trace);
}

int main(int argc, char **argv) {
    int code = td_seeds_main(argc, argv, run_seed);
    (void)printf("%" PRId64 " trades, %" PRId64 " of them only afterwards, %" PRId64 " doubled, %" PRId64
                 " refused, %" PRId64 " released; %" PRId64 " cuts, %" PRId64 " gaps, %" PRId64 " revisions; %" PRId64
                 " records equal in replays, %" PRId64 " moved\n",
                 tally.trades, tally.afterwards, tally.doubled, tally.refused, tally.released, tally.cuts, tally.gaps,
                 tally.revised, tally.records, tally.moved);
    return code;
}
