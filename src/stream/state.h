/* src/stream/state.h - all that `apply` remembers of one partition: feeds with their watermarks, instruments with their
 * open windows and strategies. A pure function: the same records in the same order give the same outputs, byte for
 * byte. No clock, no file, no thread, no randomness; memory grows only when an instrument is first seen.
 *
 * Watermark of (partition, feed): maximum of event_time - lateness over its records and of `bound` over its Time
 * records; it never goes back. An event too far ahead of its arrival moves no watermark, nor does one of an instrument
 * beyond the feed's bound. It first closes what it passes, then the record that moved it is applied. A window of
 * width w closes when the watermark of its instrument's feed reaches its end. Bars leave in the order (end, width,
 * instrument as its feed first traded it), each followed by the signals it gives. An instrument belongs to the feed
 * that traded it last, or before any trade to the first that gave a price of it: when that changes, what is open
 * closes. What is released behind the time of that feed is taken as if that feed had brought it.
 *
 * A trade goes through the rules (rules.h), then past the ids seen (seen.h), then into its windows, as far as its sale
 * condition admits (model/condition.h); a window without a price gives no bar. A closed window
 * takes late trades until the watermark is `grace` beyond its end, and gives its bar again with the next revision,
 * followed by what strategies correct (hindsight.h); later ones are quarantined as late, though accepted by windows
 * still open. What is put on the tape anew finds windows beyond grace where they were kept for it (kept.h): those of
 * refused trades, up to the repair horizon.
 *
 * Of bars that close at one instant, whatever their width and instrument, what others read through ports is computed
 * before any of them runs what rests on ports (closing.c).
 *
 * Then strategies on ticks run (ticks.c): on each trade, quote or whole message of a book that came by itself and was
 * accepted, in the order of the log; one whose sale condition keeps it from the last price runs none. Their signals are
 * never revised; those over an open gap, of a crossed book or of a feed that is down or silent are withheld.
 *
 * Bars by count (counting.c) wait until the watermark has passed a trade, take those of a session in the order of their
 * times, and are given once. Between bars by time they stand where their last trade does.
 *
 * A price that is no trade's moves time and goes through the rules; the newest is kept, and no bar is made of it. News
 * moves time; of an instrument the same id again, within the last 32, is a double.
 *
 * Gaps (ledger.h, gaps.h):
 *   ids      An id beyond the highest leaves a hole between the times of its neighbours. It is told when the watermark
 *            passes the trade behind it; ids that fill it before make it none. A refused trade is not missing.
 *   session  A Time that says `down` opens one for each instrument of the feed that has none without an end: from its
 *            last trade, or from max_delay before the Time's clock where that is later and ids do not count. Where they
 *            do the next trade tells what was lost, if anything; else the next Time that is not down ends it.
 *   silence  A Time that is neither down nor ended, `silence` after the feed's last tick, after it was last down and
 *            after the instrument's venue opened, while that is open; it begins max_delay before the silence, or at the
 *            last trade where ids count; the next tick of the feed ends it, late or not, at its time or the
 *            watermark, whichever is later; or the next trade where ids count.
 * Where ids do not count, no gap begins before the end of the one before it: what is brought for both would be there
 * twice.
 * A hole in the numbers of a book's updates is told as well (reason `sequence`), from the last update on; the end of
 * the next snapshot fills it. It is the book's, and no bar's. `ended` loses all that are open; a venue that counts anew
 * loses those without an end or not told yet. When an instrument moves to another feed, its gaps are told anew as that
 * one's, which may fill them; where ids do not count and the feed before had not ended, what lies between its last word
 * and the trade is one more. Feeds whose ids do not mean the same leave no gap to each other: all that are open are
 * lost. A record first opens and closes gaps, then closes bars.
 *
 * A bar is partial when a told gap that is open or lost lies over it, repaired when it was partial and its gap has been
 * filled by something, else complete. Whenever a gap is told, those already given whose quality has changed are given
 * again, in the order (width, start). It is proven when ids counted from before its start to its end or behind it.
 *
 * A backfilled trade moves no time. Without an id one is a double unless its place is above the last one applied of its
 * open gap. Under its gap it changes closed windows in silence; Filled gives them once. Filled whole with nothing
 * missing fills the gap (refused by rules is not missing), else it is lost; of a gap unknown, closed or without an end
 * it says nothing.
 *
 * Memory per instrument: 2 KB, and per width 128 bytes for each of (lateness + grace) / width + 3 windows, the
 * graph's state, and with grace that state again and grace / width bars with 16 bytes for each strategy; of graphs on
 * ticks their state. Thread: the partition's worker. */
#pragma once
#include "stream/book.h"
#include "stream/hindsight.h"
#include "stream/program.h"
#include "stream/section.h"
#include "stream/shares.h"

typedef struct td_state td_state;

typedef struct td_waited { /* a tick that waited for what others say of its time runs its graph */
    size_t graph;
    const td_event *event; /* the tick; known only now */
    bool over;             /* the graph stands behind it; else before */
} td_waited;

typedef struct td_emit { /* outputs of one record, in order; arguments are borrowed for the call */
    void *self;
    void (*bar)(void *self, td_bytes instrument, const td_bar *bar);
    void (*signal)(void *self, td_bytes instrument, const td_signal *signal);
    void (*quarantined)(void *self, td_bytes instrument, const td_quarantined *quarantined);
    void (*gap)(void *self, td_bytes instrument, const td_gap *gap);
    void (*fill)(void *self, td_bytes instrument, const td_fill *fill);
    void (*member)(void *self, td_bytes instrument, const td_member *member); /* of a mark no instrument */
    void (*waited)(void *self, td_bytes instrument, const td_waited *waited); /* no output; NULL: nobody asks */
} td_emit;
extern const td_emit td_emit_none; /* for who wants the state alone */

typedef enum td_verdict {
    TD_VERDICT_ACCEPTED,
    TD_VERDICT_QUARANTINED,
    TD_VERDICT_DUPLICATE,
    TD_VERDICT_NOT_A_TICK
} td_verdict;

typedef struct td_applied {
    td_verdict verdict;
    uint8_t late_count;   /* widths whose window was final for good, or that count trades in order */
    bool restricted : 1;  /* by its sale condition: accepted, and not in all of its bars */
    bool outside : 1;     /* of the hours: accepted, and in no bar            */
    bool unknown_day : 1; /* the calendar's years do not hold it; not of every such trade, but of the first */
    bool final : 1;       /* a window by time that it missed was */
    bool changed;         /* td_state_take_changes may have more */
    uint8_t action;       /* td_share_word */
    uint8_t book;         /* td_book_word */
    bool vendor_bar;      /* one was read: it is told as it stands, and nothing is remembered of it */
} td_applied;

typedef struct td_changes {
    int64_t revised;       /* bars given again, or for the first time behind their close */
    int64_t not_reapplied; /* of those, too old for what strategies remember */
    int64_t restricted;    /* trades that a sale condition kept from part of their bars, or from all */
    int64_t gaps_opened, gaps_filled, gaps_lost;
    int64_t matches_late, matches_early, matches_forgotten; /* matching.h */
} td_changes;

/* `program` is borrowed until the next td_state_swap or free. */
td_state *td_state_new(const td_program *program);
void td_state_free(td_state *state); /* accepts NULL */

/* Indexes for events, by name. A feed is added when new, at most TD_PROGRAM_FEEDS_MAX; an instrument is to be added
 * when it is not found, as many as its feed may name (`event`: its feed, and what it passes). UINT32_MAX: not found, or
 * past that. */
uint32_t td_state_feed(td_state *state, td_bytes name);
uint32_t td_state_find_instrument(const td_state *state, td_bytes name);
uint32_t td_state_add_instrument(td_state *state, const td_event *event, td_bytes name);
/* An event whose instrument is past that: it changes nothing but is told. */
td_applied td_state_refuse(const td_state *state, const td_event *event, td_bytes instrument, const td_emit *emit);

/* Applies a trade, quote, price, news, fill or Time whose feed and instrument are indexes of this state. */
td_applied td_state_apply(td_state *state, const td_event *event, const td_emit *emit);

/* The last end of the bars that are due for their sections (section.h), before the next record; INT64_MIN: none are.
 * With all members of ends up to there those bars run. */
typedef struct td_due {
    int64_t end_ns;
    int64_t event_ns, known_at_ns; /* of the record that they run before */
    td_members members;
} td_due;
int64_t td_state_sections_due(const td_state *state);
void td_state_run_sections(td_state *state, const td_due *due, const td_emit *emit);
/* Members of ends up to there are of no account any more. */
int64_t td_state_sections_done(const td_state *state);

/* What happened beside the verdicts since it was last asked; how many gaps stand open. */
td_changes td_state_take_changes(td_state *state);
int64_t td_state_open_gaps(const td_state *state);

/* A corporate action of the instrument: kept with what was told of it before. No feed's time moves. */
td_share_word td_state_take_action(td_state *state, const td_event *event, td_bytes instrument);

/* A book update, levels and all, of a feed that is an index of this state. No feed's time moves. A hole in the venue's
 * numbers is told as a gap, which the next snapshot closes. */
td_book_word td_state_take_book(td_state *state, const td_event *event, td_bytes instrument, const td_emit *emit);

/* From here on another program. Windows of widths that stay are kept. With `warm`, a state of the new program that
 * knows this one's instruments (td_state_new_warm, then records of the tape before this place), strategies and parts of
 * them that stay keep what they remember, others take what that one does, and positions follow names (carry.h). NULL:
 * all strategies start anew. */
void td_state_swap(td_state *state, const td_program *program, const td_state *warm);
/* An empty state to be warmed for that: with this one's instruments and corporate actions. */
td_state *td_state_new_warm(const td_state *state, const td_program *program);

/* The feed's watermark, or INT64_MIN before its first record. */
int64_t td_state_watermark_ns(const td_state *state, uint32_t feed);

/* What is remembered of the window of `instrument` that holds an instant; of one that is not remembered any more
 * trade_count and results are 0. */
typedef struct td_window_state {
    td_bytes feed; /* whose watermark closes it; empty: the instrument has not traded */
    int64_t watermark_ns, lateness_ns, grace_ns;
    uint8_t session; /* td_session */
    bool outside;    /* no window holds it, the hours do not; what follows is nothing */
    td_period period;
    bool closed; /* what comes for it is late */
    int64_t trade_count, results;
} td_window_state;
void td_state_window(const td_state *state, td_bytes instrument, size_t width, int64_t ns, td_window_state *out);

/* For who looks and changes nothing (look.c).
 * The furthest watermark among feeds that have not ended; INT64_MIN: there is none. */
int64_t td_state_clock_ns(const td_state *state);
/* All that it has heard of, in the order first seen. The state's. */
const struct td_instruments *td_state_instruments(const td_state *state);
/* The feed that traded the instrument last; size 0: none. The state's. */
td_bytes td_state_feed_of(const td_state *state, td_bytes instrument);
/* The first open window that begins behind after_ns, as the bar that it is so far. False: there is none. */
bool td_state_open_bar(const td_state *state, td_bytes instrument, size_t width, int64_t after_ns, td_bar *out);
/* The price of the last trade that was accepted; 0: there was none. */
int64_t td_state_last_trade(const td_state *state, td_bytes instrument);
/* The newest price that is not a trade's, and its time. False: there is none. */
bool td_state_price(const td_state *state, td_bytes instrument, int64_t *out_price, int64_t *out_ns);
const td_books *td_state_books(const td_state *state);
/* What that graph of the program remembers of the instrument, for td_graph_target and td_graph_line_value; NULL:
 * nothing.
 */
const void *td_state_graph(const td_state *state, td_bytes instrument, size_t graph);
/* The same with the bars behind it; of what runs on ticks nothing is behind it. False: nothing. */
bool td_state_hindsight(const td_state *state, td_bytes instrument, size_t graph, td_hindsight *out);
/* A tick of that time or before is still to run the graph, which waits. */
bool td_state_waits(const td_state *state, td_bytes instrument, size_t graph, int64_t up_to_ns);
/* Where the tape stands, for what is judged at that instant. */
td_moment td_state_moment(const td_state *state, uint32_t instrument, int64_t ns);
/* A strategy's target there in shares of now: a split since its signal has made more or fewer of them. */
int64_t td_state_target(const td_state *state, td_bytes instrument, size_t graph, uint32_t strategy);

/* Appends the whole state as bytes, and reads it back into a new state of the same program.
 * Errors: TD_REJECT without a trail when the bytes are not a state of this program: rebuild it from the log. */
void td_state_save(const td_state *state, td_buf *out);
size_t td_state_bytes(const td_state *state); /* how many those are, nearly: what is kept beyond grace is not counted */
TD_CHECKED td_status td_state_load(td_state **out, const td_program *program, td_bytes bytes);
