/* src/stream/legs.h - orders that wait in an instrument for strategies that run on others: found by the instrument, so
 * that an event there asks nobody who waits for nothing. Nothing of it is saved: what is not known is looked for, once
 * among all instruments. Memory: 20 bytes for each order that waits. Thread: the owner's of the state. */
#pragma once
#include "base/bytes.h"
#include "stream/program.h"

struct td_state;

typedef struct td_leg_order { /* in the order in which they are taken */
    uint32_t traded, graph, strategy, position, instance;
} td_leg_order;

typedef struct td_legs {
    td_buf orders; /* td_leg_order, ascending: of instruments that are known; some may be filled by now */
    td_buf known;  /* a byte for each instrument that was asked for: 1: all that wait in it are there */
} td_legs;

void td_legs_fini(td_legs *legs);
/* Somebody may have ordered in it. */
static inline void td_legs_doubt(td_legs *legs, uint32_t traded) {
    if (traded < legs->known.size) legs->known.data[traded] = 0;
}
/* Those that may wait in the instrument for strategies of that graph: [*out_begin, the answer) among the orders. */
size_t td_legs_find(struct td_state *state, uint32_t traded, uint32_t graph, size_t *out_begin);
static inline td_leg_order *td_legs_at(const td_legs *legs, size_t i) {
    return (td_leg_order *)(void *)legs->orders.data + i;
}
void td_legs_remove(td_legs *legs, size_t begin, size_t end);
