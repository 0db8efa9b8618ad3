/* tests/sim/seeds.h - the command line of simulations: --seed N (default 1), --count M seeds from there on (default 1),
 * --trace. A seed that fails ends the run with 1 and prints itself. */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* In a function that returns whether the seed holds: else says where and why not. */
#define HOLDS(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                      \
            (void)fprintf(stderr, __VA_ARGS__);                                                                        \
            (void)fprintf(stderr, "; trail: %s\n", td_trail());                                                        \
            return false;                                                                                              \
        }                                                                                                              \
    } while (0)

/* False when the seed failed; what differed is on stderr by then. */
typedef bool (*td_seed_fn)(uint64_t seed, bool trace);

int td_seeds_main(int argc, char **argv, td_seed_fn run);
/* The same for a row with an end: without arguments seeds 1 to `length`, which is all there are. */
int td_seeds_row(int argc, char **argv, uint64_t length, td_seed_fn run);
