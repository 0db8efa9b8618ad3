/* src/net/cql_ring.h - which node of a cluster holds a token: the tokens of all nodes in their order, each the end of a
 * part of the ring that is its node's. A plain value of its owner's; {0} is empty. */
#pragma once
#include "base/bytes.h"

typedef struct td_cql_place {
    int64_t token;
    uint32_t node;  /* that holds what is behind the place before, up to here */
    uint32_t route; /* the node that gets it, which is another one where `node` is away */
} td_cql_place;

typedef struct td_cql_ring {
    td_cql_place *places;
    size_t count, capacity;
} td_cql_ring;

void td_cql_ring_fini(td_cql_ring *ring);
/* A token as nodes tell it, in digits. False: that is none, and nothing is added. */
bool td_cql_ring_add(td_cql_ring *ring, td_bytes token, uint32_t node);
void td_cql_ring_sort(td_cql_ring *ring); /* when all are there */
/* Every part goes to its own node where that one serves; else to the next one on the ring that does, which has a copy
 * where there are copies; `otherwise` where none serves. */
void td_cql_ring_route(td_cql_ring *ring, const bool *serves, uint32_t otherwise);
/* Of one that is not empty, sorted. */
const td_cql_place *td_cql_ring_find(const td_cql_ring *ring, int64_t token);
