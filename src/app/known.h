/* src/app/known.h - whether a data folder has heard of an instrument at all, for who asks of one and finds nothing: a
 * word that was mistyped is no empty instrument. Reads the last snapshot of a partition, and the keys of its tape from
 * there on; of all partitions only to name the nearest. Thread: the main one. */
#pragma once
#include "app/data.h"
#include "stream/state.h"

/* Errors: TD_CONFIG: no record names it; says which is nearest. As the log's. */
TD_CHECKED td_status td_known_check(const td_data *data, td_bytes instrument);
/* The same for who has a state of its partition at hand, which mostly knows it. */
TD_CHECKED td_status td_known_check_in(const td_state *state, const td_data *data, td_bytes instrument);
