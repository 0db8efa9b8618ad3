/* src/feed/route.h - the partition of each instrument, computed once. Thread: ingest's. */
#pragma once
#include "model/instrument.h"

enum { TD_PARTITIONS_MAX = 64 };

typedef struct td_route {
    td_instruments *instruments;
    uint32_t partitions;
    uint64_t all;          /* a bit for each partition */
    uint8_t *partition_of; /* by instrument, as far as known */
    uint32_t known, capacity;
} td_route;

void td_route_init(td_route *route, td_instruments *instruments, uint32_t partitions);
void td_route_fini(td_route *route);
/* Looks at the instruments that are new. */
void td_route_learn(td_route *route);
static inline uint32_t td_route_of(td_route *route, uint32_t instrument) {
    if (instrument >= route->known) td_route_learn(route);
    return route->partition_of[instrument];
}
