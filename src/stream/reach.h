/* src/stream/reach.h - how far back into the tape a program looks: what it takes to warm its strategies. Pure. */
#pragma once
#include "stream/program.h"

/* As event time: windows as long as they are, what fades until nothing is left of it, and all of it (INT64_MAX) where
 * something counts from the first bar on. Nights and holidays are in it where calendars have them. 0: nothing looks
 * back. */
int64_t td_program_reach_ns(const td_program *program);
