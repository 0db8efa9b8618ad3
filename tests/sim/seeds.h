/* tests/sim/seeds.h - the command line of simulations: --seed N (default 1), --count M seeds from there on (default 1),
 * --trace. A seed that fails ends the run with 1 and prints itself. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* False when the seed failed; what differed is on stderr by then. */
typedef bool (*td_seed_fn)(uint64_t seed, bool trace);

int td_seeds_main(int argc, char **argv, td_seed_fn run);
