/* src/stream/state_layout.h - how a state lies in memory; for state.c, ledger.c, snapshot.c and look.c.
 * Each instrument has one flat block: head, then `slots` windows per width and one that is never open, then what each
 * graph remembers, and what those on ticks gave to others. */
#pragma once
#include "model/instrument.h"
#include "stream/asof.h"
#include "stream/gaps.h"
#include "stream/hindsight.h"
#include "stream/kept.h"
#include "stream/legs.h"
#include "stream/pending.h"
#include "stream/queue.h"
#include "stream/recall.h"
#include "stream/released.h"
#include "stream/rules.h"
#include "stream/seen.h"
#include "stream/state.h"
#include "stream/tick.h"
#include "stream/window.h"

typedef struct td_touch { /* the best prices, as the newest quote or book told them; 0: nobody is known there */
    int64_t bid, ask, ns;
} td_touch;

typedef struct block_head {
    uint32_t feed;                   /* whose watermark closes its windows; NO_FEED before the first trade */
    uint32_t current[TD_WIDTHS_MAX]; /* the slot of the open window used last, per width; `slots`: none */
    uint32_t calendar;               /* of the program, or TD_NO_CALENDAR */
    uint64_t copy;                   /* 1: it lives in another partition, and is here for who looks at it alone */
    td_period day;                   /* session or day of the last trade; what lies outside of it is looked up */
    td_recent recent;
    td_seen seen;
    td_gaps gaps;
    td_recent prices;        /* that are not trades' */
    int64_t price, price_ns; /* the newest of them; 0: none */
    /* Trades at [near_from, near_from + near_span) before near_until_ns move no position (desk.h). */
    int64_t near_from;
    uint64_t near_span;
    int64_t near_until_ns;
    td_touch touch;     /* where the program asks for it */
    int64_t counted_ns; /* the newest trade that bars by count wait for; 0: none yet */
    td_id_ring news;    /* hashes of the last ids */
    uint32_t told[4];   /* by kinds of ticks: 1 + the feed of the newest that ran a graph; 0: none yet */
} block_head;
_Static_assert(sizeof(block_head) == 1056 + sizeof(td_gaps) + sizeof(td_recent) + 72 + sizeof(td_id_ring) + 16,
               "the snapshot format depends on this layout");

#define NO_FEED UINT32_MAX

typedef struct feed_state {
    char name[64];
    uint32_t name_size;
    uint32_t instrument_count; /* that it named first */
    td_program_feed set;
    uint8_t session;                    /* td_session, as its last Time said          */
    bool named;                         /* by the program                             */
    int64_t watermark_ns;               /* INT64_MIN before the first record          */
    int64_t ended_ns;                   /* windows that begin up to here were closed by an end */
    int64_t next_end_ns[TD_WIDTHS_MAX]; /* no open window of the width ends earlier   */
    int64_t next_due_ns;                /* no hole is to be told at an earlier watermark */
    int64_t next_close_ns;              /* the least of those: before it a watermark changes nothing */
    int64_t heard_ns;                   /* its clock when its last tick came          */
    int64_t clock_ns;                   /* and as its last Time said                  */
    uint8_t silent;                     /* for longer than `silence`, as a Time said  */
    uint32_t *traded;                   /* its instruments, in the order first traded */
    uint32_t traded_count, traded_capacity;
    td_pending pending; /* where the program has bars by count */
    td_queue queue;     /* where it has strategies that wait */
    int64_t matched_ns; /* what is due up to there waits for this feed no more; not saved: less is always true */
} feed_state;

struct td_state {
    const td_program *program;
    td_instruments *instruments;
    uint8_t **blocks; /* by instrument index */
    uint32_t block_count, block_capacity;
    size_t block_bytes, graphs_end;
    int64_t slot_lateness_ns; /* the greatest lateness of all programs so far: it sizes the slots */
    int64_t grace_ns[TD_WIDTHS_MAX], horizon_ns[TD_WIDTHS_MAX];
    uint32_t open_slots[TD_WIDTHS_MAX]; /* windows of an instrument that can be open at once; by count one */
    uint32_t slots[TD_WIDTHS_MAX];      /* … or closed and still take trades */
    uint32_t depth[TD_WIDTHS_MAX];      /* bars that the graph can look back */
    size_t window_offset[TD_WIDTHS_MAX], graph_offset[TD_GRAPHS_MAX];
    size_t asof_offset[TD_GRAPHS_MAX];         /* of graphs that others read: what they gave */
    size_t recall_offset[TD_GRAPHS_MAX];       /* of those on news, and of those that are waited for */
    uint32_t asof_grains;                      /* as far back as bars may still close, each of them */
    int64_t asof_grain_ns;                     /* that divides the widths of those who read them; 0: no bars do */
    uint8_t ticks_run;                         /* graphs on ticks: a bit by td_rhythm_source */
    bool compares;                             /* there are sections */
    int64_t section_clock_ns, section_done_ns; /* as the last mark told it; the last end that has run */
    td_buf waiting;                            /* td_bar, by end: for the others of it */
    td_ranking ranking;                        /* while sections run */
    uint64_t matched;                          /* graphs that strategies wait for, a bit each */
    int64_t wait_ns;                           /* the shortest wait; INT64_MAX: nobody waits */
    uint32_t queue_ports;                      /* the most that a graph that waits reads; 0: none waits */
    bool touches;                              /* a strategy is filled at the touch */
    bool warms;                                /* beside another one: nobody has its positions */
    td_value *ports;                           /* room for those of any graph */
    feed_state feeds[TD_PROGRAM_FEEDS_MAX];
    uint32_t feed_count;
    td_kept *kept;        /* windows beyond grace that a release may revise */
    td_released released; /* none is released twice */
    int64_t open_gaps;
    td_changes changes; /* not taken yet */
    td_changes untold;  /* … of copies: their own partition tells them */
    td_shares shares;
    td_books books;
    td_legs legs;  /* orders that wait in instruments other than their strategies' own */
    td_moment now; /* of the record that is being applied */
};

typedef struct td_step { /* one record being applied, where it does more than most */
    td_state *state;
    feed_state *feed; /* the record's, or whose windows close */
    const td_emit *emit;
    int64_t known_at_ns;
    int64_t from_ns, to_ns; /* event times whose bars may have changed; none: from_ns > to_ns */
    uint32_t instrument;    /* whose bar runs through a graph */
} td_step;

static inline td_step step_of(td_state *s, uint32_t feed, int64_t known_at_ns, const td_emit *emit) {
    return (td_step){s, &s->feeds[feed], emit, known_at_ns, INT64_MAX, INT64_MIN, 0};
}

/* One that the program does not name any more says nothing more, either. */
static inline bool has_clock(const td_state *s, const feed_state *feed) {
    return feed->named || s->program->feed_count == 0;
}
static inline td_bytes feed_name(const feed_state *feed) {
    return (td_bytes){(const uint8_t *)feed->name, feed->name_size};
}
static inline block_head *block_of(const td_state *s, uint32_t instrument) {
    return (block_head *)(void *)s->blocks[instrument];
}
/* What is told of an instrument is told in its own partition. */
static inline const td_emit *emit_of(const td_state *s, uint32_t instrument, const td_emit *emit) {
    return block_of(s, instrument)->copy != 0 ? &td_emit_none : emit;
}
static inline td_changes *changes_of(td_state *s, uint32_t instrument) {
    return block_of(s, instrument)->copy != 0 ? &s->untold : &s->changes;
}
static inline td_window *windows_of(const td_state *s, block_head *block, size_t w) {
    return (td_window *)(void *)((uint8_t *)block + s->window_offset[w]);
}
/* Of the graph at that place of the program; of bars its head. */
static inline void *graph_state_of(const td_state *s, block_head *block, size_t graph) {
    return (uint8_t *)block + s->graph_offset[graph];
}
/* NULL block: nobody reads it. */
static inline td_asof asof_of(const td_state *s, block_head *block, size_t graph) {
    uint32_t values = td_graph_exports(s->program->graphs[graph]);
    return (td_asof){.block = values > 0 ? (uint8_t *)block + s->asof_offset[graph] : NULL,
                     .values = values,
                     .grains = s->asof_grains,
                     .grain_ns = s->asof_grain_ns};
}
static inline bool recalls(const td_state *s, size_t graph) {
    const td_graph *g = s->program->graphs[graph];
    bool wanted = td_graph_rhythm(g).source == TD_RHYTHM_NEWS || (s->matched >> graph & 1) != 0;
    return wanted && td_graph_exports(g) > 0;
}
static inline td_recall recall_of(const td_state *s, block_head *block, size_t graph) {
    const td_graph *g = s->program->graphs[graph];
    return (td_recall){recalls(s, graph) ? (uint8_t *)block + s->recall_offset[graph] : NULL, td_graph_exports(g)};
}
static inline const td_calendar *calendar_of(const td_state *s, const block_head *block) {
    return td_program_calendar_at(s->program, block->calendar);
}
static inline td_hindsight hindsight_of(const td_state *s, block_head *block, size_t w) {
    void *state = graph_state_of(s, block, w);
    return (td_hindsight){.graph = s->program->graphs[w],
                          .depth = s->depth[w],
                          .shares = &s->shares,
                          .calendar = calendar_of(s, block),
                          .copy = block->copy != 0,
                          .state = state};
}
/* Where the window that begins there has its slot, in which no other of its cell of the grid can begin; neighbours have
 * neighbouring ones, before 1970 too. */
static inline uint32_t slot_of(const td_state *s, size_t w, int64_t start_ns) {
    if (s->slots[w] == 1) return 0; /* by count there is but one, and no grid */
    int64_t width_ns = td_width_span_ns(s->program->widths_ns[w]),
            cell = td_window_start(start_ns, width_ns) / width_ns;
    return (uint32_t)((uint64_t)(cell + (INT64_C(1) << 60)) % s->slots[w]);
}
static inline bool window_is_open(const td_window *window) {
    return td_window_is_used(window) && window->results == 0 && window->touched == 0;
}
static inline td_kept_place place_of(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns) {
    return (td_kept_place){instrument, s->program->widths_ns[w], start_ns};
}

/* sections.c: the bar that has run its graph, which is its window's first or a later one. */
void td_sections_take(td_step *step, size_t w, const td_bar *bar);
void td_sections_take_again(td_state *s, const td_bar *bar);
/* The watermark has come to where a mark may be told; and the next such one of the feed. */
void td_sections_mark(const td_step *step);
int64_t td_sections_next_mark(const td_state *s, const feed_state *feed);
/* Behind a change of program. */
void td_sections_keep_waiting(td_state *state);
/* What there is for the program to compare. */
void td_sections_lay_out(td_state *s);

/* room.c: sizes slots and offsets for s->program and s->slot_lateness_ns, which is no less than the program wants. */
void td_state_lay_out(td_state *s);
/* The window of width w that a trade of that instant belongs to. False: to none, it is outside of the hours. */
bool td_state_period(const td_state *s, uint32_t instrument, size_t w, int64_t ns, td_period *out);
/* Where the window that begins there is remembered: in its slot, or kept; else NULL. */
td_window *td_state_recall(const td_state *s, uint32_t instrument, size_t w, int64_t start_ns);
/* An empty window of that period in its slot, whose own one goes. */
td_window *td_state_begin_window(td_state *s, uint32_t instrument, size_t w, td_period period);
/* An open window of the feed ends there. */
void td_state_expect_end(feed_state *feed, size_t w, int64_t end_ns);
/* Adds blocks for instruments that have none yet. */
void td_state_grow(td_state *s);
void td_state_add_traded(feed_state *feed, uint32_t instrument);

/* ticks.c: what was accepted runs the graphs on ticks of its kind. Of a book: its message is whole. */
void td_ticks_run(td_state *s, const td_event *e, const td_emit *emit);
void td_ticks_run_book(td_state *s, const td_event *e, td_bytes instrument, const td_emit *emit);
/* One that is due by a tick of its kind, with what it reads of others. */
void td_ticks_run_graph(td_state *s, size_t graph, const td_tick *tick, const td_value *ports, const td_emit *emit);

/* closing.c. Tells a signal of the bar that runs: arg is the td_step, with its instrument. */
void td_state_tell_signal(void *arg, const td_signal *signal);
/* How what its legs trade stands, over the span of the bar that the strategy ran on; td_standing_fn of a td_step. */
void td_state_standing(void *arg, const td_signal *blank, td_bytes instrument, td_standing *out);
/* Windows of the step's feed.
 * All that end at or before up_to_ns, in the order (end, width, instrument); and those of one instrument. */
void td_state_close_windows(td_step *step, int64_t up_to_ns);
void td_state_close_instrument(td_step *step, uint32_t instrument);
/* filling.c: the window behind one whose bar was just given, with its close for prices where it has none of its own:
 * one there was, or of a filled width a new one. NULL: there is none, or nothing in it is other than before. */
td_window *td_filling_next(td_step *step, size_t w, uint32_t instrument, const td_window *window);
/* The instrument's bars end, before time has passed them: what is carried only goes, where no trade is behind it. */
void td_filling_stop(const td_step *step, uint32_t instrument);
/* counting.c: bars by count, of trades that the step's feed has waited for. The first of them goes into its bars, and
 * closes those that it makes full. */
void td_state_count_trade(td_step *step, const td_pending_trade *trade);
/* Puts an accepted trade among those that wait. False: it is late, and will be in no bar by count. */
bool td_state_await(td_step *step, const td_event *event, td_admits admits);
static inline bool td_state_counts(const td_state *s) { return s->program->counted_count > 0; }
/* closing.c, for it: the open window of that slot gives its bar; what others read of those that end then goes before.
 */
void td_state_close_window(td_step *step, size_t w, uint32_t instrument, uint32_t slot);
void td_state_run_ahead(td_step *step, size_t w, uint32_t instrument, int64_t end_ns);
/* The watermark has reached next_close_ns: what is missing is told before bars rest on it. */
void td_state_pass_time(td_step *step);
/* A closed window gives its bar anew, and what follows from it. */
void td_state_give_again(td_step *step, size_t w, uint32_t instrument, td_window *window);
/* Recomputes next_close_ns of a feed; next_end_ns, too, of every feed from its open windows. */
void td_state_find_next_close(const td_state *s, feed_state *feed);
void td_state_find_next_ends(td_state *s);
