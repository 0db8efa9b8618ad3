/* src/stream/standing.h - how an instrument stands that strategies of another one trade by their legs: its last price
 * in this partition, and whether anything should rest on it. Thread: the owner's of the state. */
#pragma once
#include "stream/state_layout.h"

void td_state_read_standing(const td_state *state, td_bytes instrument, td_period over, td_standing *out);
