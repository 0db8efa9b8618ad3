/* tests/sim/os_sim.h - a machine in memory, made of a seed: a td_os that tears, loses, refuses, waits, rots and
 * crashes.
 *
 * Files: what is written is readable at once and durable after sync; a name is durable after sync_dir of its
 * folder, and a made folder at once. A power loss keeps of what is not durable all, nothing, a beginning, or a random
 * part (whatever the order it was written in, within a file and across files and names), in pieces cut at any byte or
 * at sectors of 512; ranges whose bytes were lost may read as zeros. A rename is one step. Crash: at a chosen call the
 * process dies. From then on every call does nothing and says TD_RETRY, so that the program can be taken apart by its
 * ordinary close functions; then td_sim_reboot starts a new life. Handles of an earlier life stay dead for ever. Locks
 * end with the life. Thread: one. */
#pragma once
#include "os/os.h"
#include "random.h"

typedef struct td_sim td_sim;

#define TD_SIM_SLOW_NS INT64_C(5000000000)

typedef struct td_sim_faults { /* chances per call, in ppm; all 0: a perfect machine */
    uint32_t fail;             /* TD_RETRY; a write may have done a part, a rename may have happened */
    uint32_t cut;              /* reads and writes that do only a part */
    uint32_t fail_sync;        /* sync or sync_dir says TD_RETRY and the bytes still stay in the cache */
    uint32_t drop_sync;        /* as fail_sync, and what was not durable never will be: readable until the crash,
                                  though a later sync says TD_OK (Linux marks pages clean when a write-back fails) */
    uint32_t lose_sync;        /* sync says TD_OK and does nothing: a disk that lies */
    uint32_t slow;             /* the call takes up to TD_SIM_SLOW_NS on both clocks */
    int64_t disk_bytes;        /* writes beyond it fail; 0: boundless */
    int64_t foreign_bytes;     /* of others, on the same disk beside these */
} td_sim_faults;

td_sim *td_sim_new(uint64_t seed);
void td_sim_free(td_sim *sim);         /* accepts NULL */
td_os td_sim_os(td_sim *sim);          /* the machine as src/ sees it; valid for the simulation's life */
td_random *td_sim_random(td_sim *sim); /* for drivers that want one seed for all */

void td_sim_set_faults(td_sim *sim, const td_sim_faults *faults); /* NULL: none */
void td_sim_set_trace(td_sim *sim, bool on);                      /* each call as a line on stderr */
void td_sim_advance(td_sim *sim, int64_t ns);                     /* both clocks */
void td_sim_jump(td_sim *sim, int64_t ns);                        /* the wall clock alone is set, back or forth */
/* Flips one bit of one file in or below `dir`, in the cache and on the disk. Its path; NULL: there is no byte. */
const char *td_sim_flip_bit(td_sim *sim, const char *dir);

uint64_t td_sim_calls(const td_sim *sim);         /* made so far, over all lives, clocks and close left out */
void td_sim_crash_at(td_sim *sim, uint64_t call); /* dies in that call (numbered as td_sim_calls); 0: never */
bool td_sim_dead(const td_sim *sim);
/* Calls first … last (numbered alike) fail as `fail` has it, of which `exists` knows nothing; 0, 0: none. */
void td_sim_fail_calls(td_sim *sim, uint64_t first, uint64_t last);

typedef enum td_sim_loss {
    TD_SIM_KILLED,     /* kill -9: what was written stays, synced or not */
    TD_SIM_POWER_LOST, /* what is not durable goes as the seed says      */
} td_sim_loss;
void td_sim_reboot(td_sim *sim, td_sim_loss loss);

/* A durable file in durable folders, without faults; replaces. */
void td_sim_put_file(td_sim *sim, const char *path, td_bytes content);
/* How many handles are open: 0 once a program is taken apart, or it leaks. */
size_t td_sim_open_handles(const td_sim *sim);
