/* src/stream/matching.h - ticks of strategies that wait for what others say of their time: each runs its graph when the
 * watermarks of its feed, and of the feeds that tell what it reads, are `wait` beyond its time. Until then it holds the
 * row that fits it best: the one whose time is the last up to its own, of several of that time the last in the log.
 * Rows that came before the tick are looked for among the newest TD_RECALL_MAX. A tick that comes when its wait is over
 * runs at once. Thread: the owner's of the state. */
#pragma once
#include "stream/state_layout.h"

/* Which graphs of s->program wait and which are waited for: before all of the rest is laid out. */
void td_matching_lay_out(td_state *state);
/* The graph's tick waits from here on. */
void td_matching_put(td_state *state, size_t graph, const td_event *event, const td_emit *emit);
/* The graph has just given a row of that time to others. */
void td_matching_take(td_state *state, uint32_t instrument, size_t graph, int64_t event_ns);
/* The step's feed has moved: runs what waits no more and was due up to that instant, in the order in which it was. */
void td_matching_run(const td_step *step, int64_t up_to_ns);
/* The step's feed tells from here on what that one did: runs what waited for the one before alone. */
void td_matching_heed(const td_step *step, uint32_t from_feed);
/* Runs what waits of that instrument under the step's feed, which is its feed no more. */
void td_matching_let_go(const td_step *step, uint32_t instrument);
/* The next watermark of the feed at which something may be due; INT64_MAX: nothing is. */
int64_t td_matching_next(const td_state *state, const feed_state *feed);
/* After a change of the program: what waits goes on in graphs that stay, with what they read before; what is new in
 * them, and graphs that are new, take it from the warm state. */
void td_matching_carry(const td_state *from, const td_state *warm, td_state *to);
/* False: rows that this program cannot have left. */
bool td_matching_valid(const td_state *state, const feed_state *feed);
