/* src/stream/ports.h - what graphs read from outside of their own events, as it stands now in the same partition. Pure.
 * Thread: the owner's of the state. */
#pragma once
#include "stream/queue.h"
#include "stream/state.h"

/* The ports of that graph of the program for the instrument, as of an instant of event time, lent until the next call;
 * NULL: it has none. */
const td_value *td_state_read_ports(td_state *state, uint32_t instrument, size_t graph, int64_t at_ns);
/* The instrument that a port of the graph reads for one; UINT32_MAX: it is not here yet. */
uint32_t td_state_read_instrument(const td_state *state, uint32_t instrument, size_t graph, const td_port *port);
/* What a port that waits says of a tick as it comes. Forgotten: there may have been something, too long ago. */
td_match td_state_read_match(const td_state *state, const td_queued *row, uint32_t port, bool *out_forgotten);
/* What the graph gives to others, as of its event of that time which has just run it, is kept for who reads as of then.
 */
void td_state_keep_exports(td_state *state, uint32_t instrument, size_t graph, int64_t event_ns);
