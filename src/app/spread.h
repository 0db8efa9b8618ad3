/* src/app/spread.h - several connections of one configured feed: as many feeds, each with its part of the symbols.
 * A connection has its own session, clock, gaps and counts, and each of those is a feed's: nothing behind the
 * configuration knows that two feeds were written as one. Thread: start-up only. */
#pragma once
#include "app/config.h"

/* Puts behind each feed that has more symbols than `per_connection` feeds of the same settings with the rest, in the
 * order of the symbols: NAME.2, NAME.3, …; what may be asked of the venue's past is shared among them. TD_CONFIG: they
 * are too many, or a name or symbol is there twice. */
TD_CHECKED td_status td_config_spread(td_config *config);
