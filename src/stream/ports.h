/* src/stream/ports.h - what graphs read from outside of their own events, as it stands now in the same partition. Pure.
 * Thread: the owner's of the state. */
#pragma once
#include "stream/state.h"

/* The ports of that graph of the program for the instrument, as of an instant of event time, lent until the next call;
 * NULL: it has none. */
const td_value *td_state_read_ports(td_state *state, uint32_t instrument, size_t graph, int64_t at_ns);
/* What the graph gives to others, as of its event of that time which has just run it, is kept for who reads as of then.
 */
void td_state_keep_exports(td_state *state, uint32_t instrument, size_t graph, int64_t event_ns);
