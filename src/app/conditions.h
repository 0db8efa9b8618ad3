/* src/app/conditions.h - the tables of sale conditions that come with the program, by the venue whose codes they say.
 * Thread: any. */
#pragma once
#include "model/condition.h"

/* False: the venue, which may be NULL, has none. */
bool td_conditions_find(const char *venue, td_condition_table *out);
/* Appends the venues that have one: "LEAN, …". */
void td_conditions_list(td_buf *out);
