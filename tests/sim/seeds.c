/* tests/sim/seeds.c - runs a simulation for a row of seeds, each of which is a whole run. */
#include "seeds.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int usage(const char *name) {
    (void)fprintf(stderr, "usage: %s [--seed N] [--count M] [--trace]\n", name);
    return 2;
}

static double now_s(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static volatile sig_atomic_t running_low, running_high;

/* A broken assertion or a wild pointer is a finding like any other: it must say its seed. */
static void on_death(int number) {
    uint64_t seed = (uint64_t)(uint32_t)running_high << 32 | (uint32_t)running_low;
    (void)fprintf(stderr, "DIED with seed %" PRIu64 "\n", seed);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

int td_seeds_main(int argc, char **argv, td_seed_fn run) {
    uint64_t first = 1, count = 1;
    bool trace = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            first = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0 && i + 1 < argc)
            count = strtoull(argv[++i], NULL, 10);
        else
            return usage(argv[0]);
    }
    double start_s = now_s();
    (void)signal(SIGABRT, on_death);
    (void)signal(SIGSEGV, on_death);
    for (uint64_t seed = first; seed < first + count; seed++) {
        running_low = (sig_atomic_t)(uint32_t)seed;
        running_high = (sig_atomic_t)(uint32_t)(seed >> 32);
        if (run(seed, trace)) continue;
        (void)fprintf(stderr, "FAILED with seed %" PRIu64 ": %s --seed %" PRIu64 "\n", seed, argv[0], seed);
        return 1;
    }
    (void)printf("%" PRIu64 " seeds from %" PRIu64 " in %.1f s\n", count, first, now_s() - start_s);
    return 0;
}

int td_seeds_row(int argc, char **argv, uint64_t length, td_seed_fn run) {
    char all[24], count[] = "--count";
    char *whole[] = {argv[0], count, all, NULL};
    (void)snprintf(all, sizeof all, "%" PRIu64, length);
    return td_seeds_main(argc > 1 ? argc : 3, argc > 1 ? argv : whole, run);
}
