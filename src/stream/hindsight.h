/* src/stream/hindsight.h - a graph that can look back: its state now (head), its state `depth` bars ago (base), and the
 * bars between. A bar that is revised, or found late, is put in its place and all from the base on is computed again;
 * what the strategies would have done is then held against what they did:
 *   a signal whose action no longer comes of its bar   -> withdrawn, with its own id;
 *   an action that newly comes of a bar                -> late, with the bar's next ordinal;
 *   so does one that was withheld, once its bar is no longer partial. What newly comes of a partial bar is withheld.
 * Each bar is judged with the target that stood before it when it was new: targets run in the order of the log, only
 * fresh signals move them, and nothing rewrites them.
 * Graphs see bars in shares of the first one that they saw: behind a split prices are multiplied, volumes divided, so
 * that a series goes on as if nothing had happened; what dividends have paid since is a value of its own. Signals tell
 * prices as traded.
 * A bar is always judged with the ports that it saw when it was new, or if it is found late with those that the bar
 * before it saw: what changed elsewhere since corrects nothing here. A plain block: a snapshot copies it. No
 * allocation. Thread: the owner's of the state. */
#pragma once
#include "stream/carry.h"
#include "stream/shares.h"

typedef struct td_hindsight {
    const td_graph *graph;
    uint32_t depth;              /* 0: no looking back */
    const td_shares *shares;     /* by them splits are known; NULL: there are none */
    const td_calendar *calendar; /* NULL: days of UTC */
    td_standing_fn standing;     /* how other instruments stand, by what is told of them with the signals' argument */
    const td_value *ports;       /* as they stand now, for td_hindsight_apply; NULL: na, all of them */
    bool copy;                   /* as td_graph_event has it */
    void *state;                 /* aligned to 16, zeroed before the first bar, always of one instrument */
    td_moment now;               /* of what is being applied */
} td_hindsight;

size_t td_hindsight_bytes(const td_graph *graph, uint32_t depth); /* a multiple of 16 */
/* The next bar in order, as far as others that close with it may read it: td_hindsight_apply is to follow. */
void td_hindsight_run_ahead(td_hindsight h, td_bytes instrument, const td_bar *bar);
/* The next bar in order. */
void td_hindsight_apply(td_hindsight h, td_bytes instrument, const td_bar *bar, td_signal_fn fn, void *arg);
/* A bar again, or for the first time behind later ones, takes its place: td_hindsight_revise is to follow. False: that
 * is older than the base. */
bool td_hindsight_put(td_hindsight h, td_bytes instrument, const td_bar *bar);
/* All bars are judged again from the first that was put on; none was: nothing is. */
typedef struct td_revision {
    int64_t from_ns, known_at_ns; /* the start of that bar; INT64_MAX: there is none */
} td_revision;
void td_hindsight_revise(td_hindsight h, td_bytes instrument, const td_revision *r, td_signal_fn fn, void *arg);
/* Before the first bar: those up to end_ns were another program's and are older than the base. */
void td_hindsight_begin_behind(td_hindsight h, int64_t end_ns);
/* For who asks why. The bar that ends there and what the strategy stood at before it when it was new. False: it is in
 * the base or behind it, or there is none. */
bool td_hindsight_bar(td_hindsight h, int64_t end_ns, uint32_t strategy, td_bar *out_bar, td_stance *out_stance);
/* `out` becomes the state before the first bar that ends there or later, as the bars before it are known now. False:
 * that is in the base. `out`: as `state`, td_graph_state_bytes large. */
bool td_hindsight_before(td_hindsight h, td_bytes instrument, int64_t end_ns, void *out);
/* Before the first bar: prices are in shares of then. */
void td_hindsight_begin_at(td_hindsight h, int64_t begin_ns);
/* Makes the zeroed `to` of what `from`, of the old graph, and `warm`, of the new one, remember; each may be NULL, and
 * is of the same instrument. Bars of before are never judged by strategies that are new or others since. */
void td_hindsight_carry(td_hindsight to, const td_carry *carry, td_bytes instrument, const td_hindsight *from,
                        const td_hindsight *warm);
/* False: a state that this graph cannot have left. */
bool td_hindsight_valid(td_hindsight h);
