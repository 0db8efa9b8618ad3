/* tests/sim/every.c - one small run of the whole program, disturbed at one of its calls to the machine: each seed is a
 * call, so that a row of seeds tries them all, and a longer row other losses of power. In turn the machine is killed
 * there, loses its power there, refuses that call alone, and refuses every call from there on; each time the program
 * must go on or stop cleanly, and after a restart with a good disk everything equals the undisturbed run. */
#include "market.h"
#include "outcome.h"
#include "seeds.h"
#include <inttypes.h>
#include <stdio.h>

enum { CALLS_MAX = 8000, WORLD_SEED = 1 };

typedef enum blow { KILL, LOSE_POWER, REFUSE_ONE, REFUSE_ALL, BLOW_COUNT } blow;
static const char *const blow_names[BLOW_COUNT] = {"killed at", "without power at", "refusing", "refusing all from"};

static td_outcome reference;
static uint64_t calls; /* of the undisturbed run */

static bool strike(td_world *w, blow how, uint64_t call) {
    if (how == KILL || how == LOSE_POWER) td_sim_crash_at(w->sim, call);
    if (how == REFUSE_ONE) td_sim_fail_calls(w->sim, call, call);
    if (how == REFUSE_ALL) td_sim_fail_calls(w->sim, call, UINT64_MAX);
    if (!td_world_live(w, how == REFUSE_ALL)) return false;
    /* A hopeless life is not looked at to the end: the last few calls are not made then. */
    HOLDS(how == REFUSE_ALL || td_sim_calls(w->sim) >= call, "there is no call %" PRIu64, call);
    if (how == REFUSE_ONE) return true;
    td_sim_reboot(w->sim, how == KILL ? TD_SIM_KILLED : TD_SIM_POWER_LOST);
    return td_world_live(w, false);
}

static bool run_blow(blow how, uint64_t seed, bool trace) {
    uint64_t call = 1 + (seed - 1) % calls;
    td_world w = {.seed = WORLD_SEED, .trace = trace};
    td_outcome got = {0};
    bool good = td_world_open(&w, seed * BLOW_COUNT + how, TD_WORLD_SMALL);
    td_sim_set_trace(w.sim, trace);
    good = good && strike(&w, how, call) && td_outcome_take(&w, &got) && td_outcome_same(&got, &reference);
    td_world_close(&w);
    td_outcome_fini(&got);
    if (!good) (void)fprintf(stderr, "every: %s call %" PRIu64 " of %" PRIu64 "\n", blow_names[how], call, calls);
    return good;
}

static bool run_call(uint64_t seed, bool trace) {
    for (blow how = 0; how < BLOW_COUNT; how++)
        if (!run_blow(how, seed, trace)) return false;
    return true;
}

static bool run_undisturbed(void) {
    td_world w = {.seed = WORLD_SEED};
    bool good = td_world_open(&w, 0, TD_WORLD_SMALL) && td_world_live(&w, false);
    calls = td_sim_calls(w.sim);
    good = good && td_outcome_take(&w, &reference);
    td_world_close(&w);
    HOLDS(good && calls <= CALLS_MAX && w.snapshots > 0, "%" PRIu64 " calls, %" PRId64 " snapshots", calls,
          w.snapshots);
    return true;
}

int main(int argc, char **argv) {
    if (!run_undisturbed()) return 1;
    (void)printf("%" PRIu64 " calls make %" PRId64 " records\n", calls, td_outcome_count(&reference));
    int code = td_seeds_row(argc, argv, calls, run_call);
    td_outcome_fini(&reference);
    td_market_free();
    return code;
}
