/* src/stream/graph.h - strategies of one rhythm as one flat graph of incremental operators. The language compiles to
 * it (lang/, through graph_build.h), the state runs it. A graph is constant once built and shared by threads; what it
 * remembers of one instrument is a flat block of state_bytes without pointers: a snapshot copies it. Equal
 * sub-expressions are one node, over all strategies of the rhythm; a node's past is kept once, as far back as anybody
 * looks. A node that only strategies for other instruments use is not computed.
 * No clock, no file, no allocation in td_graph_apply.
 *
 * A strategy holds one target per instrument: 0, or its quantity long (+) or short (-). Each bar, from the actions
 * whose condition is true (na is not true):
 *   1. An exit beats the entry of its side: `sell` takes `buy` away, `cover` takes `short` away, `exit` both.
 *   2. `buy` and `short` both left contradict each other: nothing happens.
 *   3. `buy` left:   flat or short -> long  (one signal, also when it reverses); long  -> nothing.
 *      `short` left: flat or long  -> short (one signal, also when it reverses); short -> nothing.
 *   4. No entry left: long and `sell` or `exit` -> flat; short and `cover` or `exit` -> flat; else nothing.
 * Of several actions that could give the signal the first in the program gives it, with its word, quantity and note.
 * On a partial bar the signal is withheld: it is told with that status, and the target stays.
 *
 * An action may have several legs, each of another instrument: the strategy's own, which is its position 0, or one that
 * it uses. Those rules hold for each position, but an action is one: where an entry of it is beaten or contradicted
 * none of its legs is left, its exits beat others all the same; and where one of its signals is withheld, all are. */
#pragma once
#include "model/bar.h"
#include "model/calendar.h"
#include "model/signal.h"
#include "stream/exits.h"
#include "stream/value.h"

typedef struct td_graph td_graph;

enum { TD_POSITIONS_MAX = 8 }; /* of a strategy in an instrument: that one, and those that its legs name */

/* Called for each signal that a bar gives, in the order of strategies in the program, then of positions. Fields filled:
 * strategy, leg, note, instrument, ordinal, event_ns, width_ns, price, target, known_at_ns, action, status, reason. */
typedef void (*td_signal_fn)(void *arg, const td_signal *signal);

void td_graph_free(td_graph *graph); /* accepts NULL */

/* What makes a graph run: each final bar of a width, or each tick of a kind, then at most once per `every`: on the
 * first one that is not sooner than that after the last that ran it. */
typedef enum td_rhythm_source {
    TD_RHYTHM_BARS,
    TD_RHYTHM_TRADES,
    TD_RHYTHM_QUOTES,
    TD_RHYTHM_BOOK,
    TD_RHYTHM_NEWS,
    TD_RHYTHM_SECTION, /* bars, each as soon as those of other instruments that end with it are known (section.h) */
} td_rhythm_source;

typedef struct td_rhythm {
    int64_t width_ns; /* of bars and sections, else 0 */
    int64_t every_ns; /* of ticks; 0: each one */
    uint32_t source;  /* td_rhythm_source */
    uint32_t zero;    /* rhythms are compared byte by byte */
    int64_t wait_ns;  /* of trades and quotes: it runs so long behind each (matching.h); 0: at once */
} td_rhythm;

static inline bool td_rhythm_has_bars(td_rhythm rhythm) {
    return rhythm.source == TD_RHYTHM_BARS || rhythm.source == TD_RHYTHM_SECTION;
}

enum { TD_TICK_RHYTHMS_MAX = 16, TD_RHYTHM_TEXT_MAX = 48 };
#define TD_WAIT_MAX_NS INT64_C(3600000000000)

/* The order of graphs in a program: bars by width, then each kind of ticks by `every` and wait, then sections by width.
 */
int td_rhythm_compare(td_rhythm a, td_rhythm b);
/* "1m", "trades", "book every 100ms". */
void td_rhythm_format(td_rhythm rhythm, char out[TD_RHYTHM_TEXT_MAX]);

td_rhythm td_graph_rhythm(const td_graph *graph);
int64_t td_graph_width_ns(const td_graph *graph);   /* 0: it runs on ticks */
size_t td_graph_state_bytes(const td_graph *graph); /* per instrument, a multiple of 16 */

typedef enum td_port_kind {
    TD_PORT_VALUE, /* what a graph gives to others */
    TD_PORT_AGE,   /* how long ago that came, in seconds */
    TD_PORT_OVER,  /* of news: what a window over the last `span` says */
    TD_PORT_MATCH, /* of a graph that waits: what is given of the last time up to the event's, whenever that comes */
    TD_PORT_MATCH_AGE,
    /* of the section of what a graph tells to all (section.h) */
    TD_PORT_RANK,  /* the share of members that are not above it, itself among them; equal ones share their places */
    TD_PORT_PLACE, /* 1: nobody is above it */
    TD_PORT_MEAN,
    TD_PORT_DEVIATION, /* from that, of all of them */
    TD_PORT_MEMBERS,   /* how many there are */
    /* of the position of a strategy of the graph's own, as it stands before the event; na but for the first when there
       is none */
    TD_PORT_POSITION, /* held, signed, in shares of the event's time */
    TD_PORT_HELD,     /* for so long */
    TD_PORT_ENTRY_PRICE,
    TD_PORT_ENTRY_TIME,
    TD_PORT_ENTRY_BARS, /* events that ran the graph since, before this one */
} td_port_kind;

/* A port is a value that comes from outside of the graph's own event: whoever runs the graph reads it just before. */
typedef struct td_port {
    td_rhythm rhythm;   /* of the graph that gives it */
    uint32_t export_at; /* there; of a position the strategy */
    uint32_t use;       /* of which instrument: 1 + its place in td_graph_uses; 0: the graph's own */
    uint8_t type, kind; /* td_type, td_port_kind */
    uint8_t over;       /* OVER: td_recall_word */
    uint8_t element;    /* OVER: td_type of its elements. Equal bytes are the same port */
    uint32_t admits;    /* OVER: 1 + the export that is the condition of its elements; 0: all are */
    int64_t span_ns;    /* OVER */
} td_port;

static inline bool td_port_waits(const td_port *port) {
    return port->kind == TD_PORT_MATCH || port->kind == TD_PORT_MATCH_AGE;
}
static inline bool td_port_is_of_position(const td_port *port) { return port->kind >= TD_PORT_POSITION; }

uint32_t td_graph_ports(const td_graph *graph, const td_port **out_ports);
/* What a graph gives to others: na before its first event. */
uint32_t td_graph_exports(const td_graph *graph);
td_value td_graph_export(const td_graph *graph, const void *state, uint32_t export_at);
/* The section that it is told for; 0: none. */
uint64_t td_graph_export_section(const td_graph *graph, uint32_t export_at);
/* What its last event has made for that; false: nothing, or the instrument is none of its members. */
bool td_graph_export_member(const td_graph *graph, const void *state, uint32_t export_at, double *out);

typedef struct td_graph_event {  /* what a graph runs on; lent for the call */
    td_bytes instrument;         /* its name, for sets */
    const td_bar *bar;           /* a bar, or */
    const struct td_tick *tick;  /* a tick (tick.h) */
    td_i128 dividends;           /* TD_FIELD_DIVIDENDS */
    const td_calendar *calendar; /* the instrument's; NULL: days of UTC */
    const td_value *ports;       /* as td_graph_ports lists them; NULL: na, all of them */
    bool copy;                   /* of an instrument that lives elsewhere: others read it here, nobody acts on it */
} td_graph_event;

/* Applies one final bar to its instrument's block: aligned to 16, zeroed before the first bar, always of the same
 * instrument. */
void td_graph_apply(const td_graph *graph, void *state, const td_graph_event *event, td_signal_fn fn, void *arg);

/* What td_graph_apply is made of, for who looks back (hindsight.h). Strategies by their place in the program, actions
 * by theirs. */
#define TD_GRAPH_NOTHING UINT32_MAX
uint32_t td_graph_strategies(const td_graph *graph);
/* The event's values; no strategy acts. */
void td_graph_run(const td_graph *graph, void *state, const td_graph_event *event);
/* Those of them that rest on no port: for others that run at the same instant. td_graph_run with the same event is to
 * follow, and does the rest. */
void td_graph_run_ahead(const td_graph *graph, void *state, const td_graph_event *event);
/* Somebody wants the instrument; before its first event that is not known. */
bool td_graph_is_wanted(const td_graph *graph, const void *state);
/* The same before the first event, for who must know it by then. */
bool td_graph_will_be_wanted(const td_graph *graph, void *state, td_bytes instrument, bool copy);
/* A tick of that time is to run it: somebody wants it, and not before `every` is over. */
bool td_graph_is_due(const td_graph *graph, const void *state, int64_t event_ns);
/* The time of the last event, of a bar its end; false: there was none. */
bool td_graph_last_ns(const void *state, int64_t *out_ns);
/* The ports' values as the last bar saw them; na before the first. */
void td_graph_seen_ports(const td_graph *graph, const void *state, td_value *out);
int64_t td_graph_target(const td_graph *graph, const void *state, uint32_t strategy);
/* The time of the signal that set it; 0 before the first. */
int64_t td_graph_target_ns(const td_graph *graph, const void *state, uint32_t strategy);
/* … and of its last signal of any kind. */
int64_t td_graph_signal_ns(const td_graph *graph, const void *state, uint32_t strategy);
/* The begin of the first bar; false: there was none. */
bool td_graph_began(const void *state, int64_t *out_ns);
/* Is the strategy for this instrument? Not before the first event. */
bool td_graph_is_active(const td_graph *graph, const void *state, uint32_t strategy);
/* Before its first bar: that it began then, with bars that another state has seen. */
void td_graph_begin_at(void *state, int64_t begin_ns);
/* What the strategy trades: position 0 is its own instrument, whose name is "" here. */
uint32_t td_graph_positions(const td_graph *graph, uint32_t strategy);
td_bytes td_graph_traded(const td_graph *graph, uint32_t strategy, uint32_t position);
/* A position's place among those of all strategies; how many those are. */
uint32_t td_graph_position_at(const td_graph *graph, uint32_t strategy, uint32_t position);
uint32_t td_graph_all_positions(const td_graph *graph);

typedef struct td_stance { /* what actions are held against */
    int64_t targets[TD_POSITIONS_MAX];
    bool held_back; /* entries, by a rule of the strategy */
} td_stance;
/* The strategy's own, for a signal of that time. */
td_stance td_graph_stance(const td_graph *graph, const void *state, uint32_t strategy, td_moment now, int64_t event_ns);

enum { TD_DOUBT_MAX = 160 };
typedef struct td_standing {  /* how another instrument stands, that a strategy trades */
    uint32_t instrument;      /* the state's */
    int64_t price;            /* its last one; 0: none yet */
    char doubt[TD_DOUBT_MAX]; /* why nothing should rest on it; "": it may */
} td_standing;
/* For a signal such as that. */
typedef void (*td_standing_fn)(void *arg, const td_signal *blank, td_bytes instrument, td_standing *out);

typedef struct td_call { /* what is to be done with one position */
    uint32_t action;     /* the leg, by its place in the program, or TD_GRAPH_NOTHING */
    uint32_t ordinal;    /* of the signal; 0: none was given yet */
    int64_t target;      /* to which it goes */
    td_bytes doubt;      /* why it should not; empty: for no reason of its own */
    bool withheld;
} td_call;

typedef struct td_calls { /* of a strategy, by position */
    td_call of[TD_POSITIONS_MAX];
    td_standing standings[TD_POSITIONS_MAX]; /* of those that are called for, but for the first */
} td_calls;

typedef struct td_acting { /* on one event */
    td_moment now;
    td_signal blank; /* of the own instrument, by no strategy yet; fresh, or withheld for whatever it rests on */
    td_standing_fn standing; /* of the others; NULL: nothing is known of them */
    td_signal_fn fn;
    void *arg; /* of both */
} td_acting;

/* What the last event run calls for in that stance. False: nothing; then no position has an action. */
bool td_graph_decide(const td_graph *graph, const void *state, uint32_t strategy, const td_stance *stance,
                     td_calls *out);
/* Behind that: what is withheld of it. */
void td_graph_doubt(const td_graph *graph, uint32_t strategy, const td_acting *acting, td_calls *calls);
/* What the leg, by its place in the program, that was told once would be told as. */
void td_graph_recall(const td_graph *graph, const void *state, uint32_t leg, const td_acting *acting, td_calls *out);
/* And the signal of a position that has an action, without its ordinal. */
td_signal td_graph_name_call(const td_graph *graph, uint32_t strategy, uint32_t position, const td_acting *acting,
                             const td_calls *calls);
/* All of that for the strategy's own targets, which move unless the signals are withheld. False: there are none. */
bool td_graph_act(const td_graph *graph, void *state, uint32_t strategy, const td_acting *acting, td_calls *out);
/* A number as decimal(19,8), rounded; na: it is past that. */
td_value td_graph_size(td_type type, td_value number);

/* The strategy's positions, the state's: the first one's bookkeeping is of all of them. Its rules. */
td_paper *td_graph_paper(const td_graph *graph, void *state, uint32_t strategy);
td_paper *td_graph_position(const td_graph *graph, void *state, uint32_t strategy, uint32_t position);
const td_paper_rules *td_graph_rules(const td_graph *graph, uint32_t strategy);
/* Its levels, and what their expressions say by now. */
td_exits td_graph_exits(const td_graph *graph, void *state, uint32_t strategy);
td_exit_values td_graph_exit_values(const td_graph *graph, const void *state, uint32_t strategy);
/* From when on it is to hold nothing, by the last event that ran. False: it has no such rule, or that knew no time. */
bool td_graph_flat_ns(const td_graph *graph, const void *state, uint32_t strategy, int64_t *out_ns);
/* A fresh signal of that bar, or a withheld one, by no strategy yet. */
td_signal td_graph_blank_signal(const td_bar *bar);
/* `state` becomes `past`, a state of the same instrument, but for its positions. */
void td_graph_go_back(const td_graph *graph, void *state, const void *past);

typedef struct td_graph_strategy { /* the graph's; lent */
    td_bytes name;
    const td_bytes *sets; /* names of instruments, a '*' last stands for any rest; none: all instruments */
    size_t set_count;
    const td_bytes *traded; /* by its legs: whatever the sets say, it is not for these */
    size_t traded_count;
    uint32_t levels; /* stops, targets and trails that it has */
    uint32_t where;  /* a node that must be true of an instrument besides, or TD_GRAPH_NOTHING */
    const td_graph *graph;
} td_graph_strategy;

/* The strategies in the order of the program. False: there are not so many. */
bool td_graph_strategy_at(const td_graph *graph, size_t index, td_graph_strategy *out);
/* Not for the path of an event: with a `where` it takes memory for the time being. */
bool td_graph_strategy_wants(const td_graph_strategy *strategy, td_bytes instrument);

typedef struct td_graph_use { /* a strategy looks at another instrument */
    td_bytes instrument;      /* VENUE:SYMBOL; the graph's */
    uint32_t strategy;        /* by its place in the program */
} td_graph_use;

size_t td_graph_uses(const td_graph *graph, const td_graph_use **out_uses);

typedef struct td_graph_line { /* a named series of numbers that a chart can draw */
    td_bytes strategy, name;   /* "golden_cross", "slow"; the graph's */
    uint32_t node, owner;      /* the graph's own */
} td_graph_line;

/* All lines in the order of the program; returns how many. */
size_t td_graph_lines(const td_graph *graph, const td_graph_line **out_lines);
/* The line's value after the last bar applied to `state`; false when it is na or the strategy is not for this
 * instrument. */
bool td_graph_line_value(const td_graph *graph, const void *state, size_t line, double *out);
