/* tests/sim/random.h - splitmix64: the only source of chance in simulations, so that a seed is a whole run. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct td_random {
    uint64_t state;
} td_random;

static inline uint64_t td_random_next(td_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
/* 0 … bound - 1; bound > 0. */
static inline uint64_t td_random_below(td_random *random, uint64_t bound) { return td_random_next(random) % bound; }
/* True `ppm` times in a million. A chance of 0 draws nothing: switching a fault off does not shift the others. */
static inline bool td_random_chance(td_random *random, uint32_t ppm) {
    return ppm > 0 && td_random_below(random, 1000000) < ppm;
}
