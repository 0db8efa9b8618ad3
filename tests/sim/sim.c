/* tests/sim/sim.c - the whole program in one thread, from a seed: a small market, a scheduler over the program's steps,
 * a machine that tears, loses, refuses, waits and dies at any call, several lives, and at the end the question whether
 * all of it left a trace. What must hold: tape, bars, signals, quarantine, rejected and what is published, though not
 * in each life, are the same sequences of (key, value) per partition as a run on a perfect machine gives, the SQLite
 * tables hold the same rows, and at each start the rows there are exactly those below their position. A disk that lies
 * or rots may cost more, but not unnoticed. */
#include "market.h"
#include "outcome.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdio.h>

enum { LIVES_MAX = 6, TURNS_MAX = 400000, OPEN_TRIES = 40 };

static struct { /* over all seeds: a simulation in which nothing happens proves nothing */
    int64_t records, fills, crashes, cut_short, snapshots, suppressed, repairs, rotten;
} tally;

typedef struct run {
    td_world world;
    bool lying, rotting;
    uint64_t calls; /* that the perfect run made: crashes come within a third of it, so that work is left */
} run;

static uint64_t below(run *r, uint64_t bound) { return td_world_below(&r->world, bound); }

/* ---- a life ---- */

static void random_faults(run *r) {
    static const uint32_t chances[] = {0, 0, 300, 3000, 20000, 60000};
    td_sim_faults faults = {.fail = chances[below(r, 6)],
                            .cut = chances[below(r, 6)] * 10,
                            .fail_sync = chances[below(r, 6)],
                            .drop_sync = chances[below(r, 6)],
                            .lose_sync = r->lying ? 20000 : 0,
                            .slow = chances[below(r, 6)],
                            .disk_bytes = below(r, 6) == 0 ? 50000 + (int64_t)below(r, 400000) : 0};
    td_sim_set_faults(r->world.sim, &faults);
    r->world.jumpy = below(r, 4) == 0;
}

static void rot(run *r) {
    if (!r->rotting || below(r, 2) == 0) return;
    tally.rotten += td_sim_flip_bit(r->world.sim, "var/data") != NULL;
}

/* Faults pause when they would never let the program start. */
static td_status start(run *r) {
    td_world *w = &r->world;
    td_status status = TD_RETRY;
    for (int i = 0; status == TD_RETRY && !td_sim_dead(w->sim) && i < OPEN_TRIES + 2; i++) {
        if (i == OPEN_TRIES) td_sim_set_faults(w->sim, NULL);
        status = td_world_start(w);
        td_sim_advance(w->sim, (int64_t)below(r, 1000000000));
    }
    return status;
}

/* From start to a crash, the end or a clean stop. */
static bool live(run *r, bool last) {
    td_world *w = &r->world;
    td_world_publish(w, last || below(r, 3) != 0); /* what one life leaves out the last one makes */
    td_status status = start(r);
    if (status != TD_OK) {
        w->noticed = w->noticed || !td_sim_dead(w->sim);
        HOLDS(td_sim_dead(w->sim) || w->excused, "start: %s: %s", td_status_name(status), td_trail());
        return true;
    }
    if (!last && below(r, 8) != 0) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(r, 1 + r->calls / 3));
    bool ended = td_world_run(w, last ? TURNS_MAX : below(r, 4000));
    if (!last) rot(r); /* under the program's feet */
    bool good = td_world_check(w, last && ended);
    tally.cut_short += td_sim_dead(w->sim) && !td_engine_finished(w->engine);
    if (!last && below(r, 2) == 0) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(r, 60));
    good = td_world_stop(w, last || below(r, 2) == 0) && good;
    HOLDS(ended || !last || w->excused, "the run does not end");
    return good;
}

static bool run_lives(run *r, const td_outcome *reference) {
    td_world *w = &r->world;
    uint64_t lives = 1 + below(r, LIVES_MAX);
    for (uint64_t life = 0; life < lives; life++) {
        if (w->trace) (void)fprintf(stderr, "--- life %" PRIu64 "\n", life);
        random_faults(r);
        if (below(r, 4) == 0) td_sim_crash_at(w->sim, td_sim_calls(w->sim) + 1 + below(r, 600));
        if (!live(r, false)) return false;
        tally.crashes += td_sim_dead(w->sim);
        td_sim_crash_at(w->sim, 0);
        td_sim_set_faults(w->sim, NULL);
        td_sim_reboot(w->sim, below(r, 3) == 0 ? TD_SIM_KILLED : TD_SIM_POWER_LOST);
        rot(r);
        bool look = below(r, 2) == 0 && !w->excused && w->os.ops->exists(w->os.self, "var/market.db");
        if (look && !td_outcome_check_positions(w, reference)) return false;
    }
    if (w->trace) (void)fprintf(stderr, "--- last life\n");
    return live(r, true);
}

/* ---- a seed ---- */

/* The same scenario on a machine of its own: without a reference a perfect one, with one life. */
static bool run_machine(run *r, const td_outcome *reference, td_outcome *out) {
    td_world *w = &r->world;
    bool perfect = reference == NULL, good = td_world_open(w, w->seed * 2 + perfect, TD_WORLD_LARGE);
    if (good) {
        td_sim_set_trace(w->sim, w->trace && !perfect);
        good = perfect ? live(r, true) : run_lives(r, reference);
        r->calls = td_sim_calls(w->sim);
        if (good && !(w->excused && w->noticed)) good = td_outcome_take(w, out);
    }
    td_world_close(w);
    tally.snapshots += w->snapshots;
    tally.suppressed += w->resumed;
    tally.repairs += w->reports;
    return good;
}

static bool run_seed(uint64_t seed, bool trace) {
    td_outcome reference = {0}, got = {0};
    run perfect = {.world.seed = seed},
        faulty = {.world = {.seed = seed, .trace = trace}, .lying = seed % 8 == 0, .rotting = seed % 8 == 4};
    faulty.world.excused = faulty.lying || faulty.rotting;
    bool good = run_machine(&perfect, NULL, &reference);
    faulty.calls = perfect.calls;
    good = good && run_machine(&faulty, &reference, &got);
    if (good && !(faulty.world.excused && faulty.world.noticed)) good = td_outcome_same(&got, &reference);
    tally.records += td_outcome_count(&got);
    tally.fills += td_outcome_fills(&got);
    td_outcome_fini(&reference);
    td_outcome_fini(&got);
    return good;
}

int main(int argc, char **argv) {
    int code = td_seeds_main(argc, argv, run_seed);
    td_market_free();
    (void)printf("%" PRId64 " records equal, %" PRId64 " of them fills; %" PRId64 " crashes, %" PRId64
                 " in the middle of the work, %" PRId64 " snapshots, %" PRId64 " inputs passed in silence, %" PRId64
                 " repairs, %" PRId64 " bits flipped\n",
                 tally.records, tally.fills, tally.crashes, tally.cut_short, tally.snapshots, tally.suppressed,
                 tally.repairs, tally.rotten);
    return code;
}
