/* tests/sim/market.h - small markets for the simulated machine: a few hundred lines cut out of the recordings in
 * examples/data, packed again, some of them damaged. The recordings are read once for all seeds. Thread: one. */
#pragma once
#include "os_sim.h"

/* Both draw where to cut and what to damage from `random` alone, and take at most so many lines of each file.
 * A minute or so of one symbol's trades and quotes, as zips in market/lean. */
void td_market_put_lean(td_sim *sim, td_random *random, size_t lines);
/* A few seconds of both symbols, as gzips in market/binance; some lines are stuck for a while and come late, in one
 * burst. */
void td_market_put_binance(td_sim *sim, td_random *random, size_t lines);
/* Frees the recordings. */
void td_market_free(void);
