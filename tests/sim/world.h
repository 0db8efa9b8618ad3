/* tests/sim/world.h - the whole program on one simulated machine: a market, a configuration, and lives of the engine
 * whose steps are called one by one in an order made of the seed; the server's View looks on. Thread: one. */
#pragma once
#include "app/engine.h"
#include "onlooker.h"
#include "os_sim.h"
#include "seeds.h"

typedef struct td_world {
    uint64_t seed;
    bool trace;
    bool excused; /* the machine lies or rots: what is then wrong must be noticed, not prevented */
    bool noticed;
    bool jumpy; /* somebody sets the wall clock */
    td_sim *sim;
    td_os os;
    td_random random; /* the scheduler's: the machine's own draws must not shift with the program's calls */
    td_config config;
    uint32_t partitions;
    size_t published;  /* topics */
    td_engine *engine; /* of the life now, or NULL */
    td_onlooker *onlooker;
    int64_t snapshots, resumed, reports; /* over all lives */
} td_world;

typedef enum td_world_size {
    TD_WORLD_SMALL, /* at most 3,000 calls on a perfect machine: each can be tried */
    TD_WORLD_LARGE,
} td_world_size;

extern const char td_world_database[]; /* SQLite's URI of the sink's file */

/* A machine with a market on it; `*w` holds seed and flags. Equal seeds and sizes have equal markets, whatever the
 * machine's own seed. */
bool td_world_open(td_world *w, uint64_t machine_seed, td_world_size size);
void td_world_close(td_world *w);
/* Whether the next life publishes what was accepted, as the first one does. */
void td_world_publish(td_world *w, bool publish);
/* One try. */
TD_CHECKED td_status td_world_start(td_world *w);
/* Until the end, the machine's death or so many turns; true when the end was reached. */
bool td_world_run(td_world *w, uint64_t turns_max);
/* What a life must keep: no partition stands, nothing made again differs, and the View told what the log holds; all of
 * it when the end was reached. */
bool td_world_check(td_world *w, bool ended);
/* Takes the program apart; false when it leaves files open. */
bool td_world_stop(td_world *w, bool clean);

/* One life: start, in several tries, run, check, clean stop; it ends, or the machine dies. A hopeless one cannot end:
 * it is stopped after some turns. */
bool td_world_live(td_world *w, bool hopeless);

static inline uint64_t td_world_below(td_world *w, uint64_t bound) { return td_random_below(&w->random, bound); }
