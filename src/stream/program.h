/* src/stream/program.h - what `apply` obeys: the settings that reach it and the compiled strategies. Constant once
 * built (lang/program.c), shared by threads, identified by the hash of its body. It comes from the log: a tape says at
 * which place which program begins. */
#pragma once
#include "model/bar.h"
#include "model/calendar.h"
#include "model/condition.h"
#include "model/gap.h"
#include "model/instrument.h"
#include "model/refusal.h"
#include "stream/graph.h"

enum { TD_PROGRAM_FEEDS_MAX = 64, TD_PROGRAM_SHA_BYTES = 32, TD_CALENDARS_MAX = 16 };
enum { TD_GRAPHS_MAX = 2 * TD_WIDTHS_MAX + TD_TICK_RHYTHMS_MAX };
#define TD_NO_CALENDAR UINT32_MAX /* days are nowhere, all of time is open */

/* What the configuration's words mean here, in its order. */
typedef enum td_rules_choice { TD_RULES_BASIC, TD_RULES_VENUE, TD_RULES_OFF } td_rules_choice;
typedef enum td_ids_choice { TD_IDS_ORDERED, TD_IDS_ANY, TD_IDS_OFF } td_ids_choice;

typedef struct td_program_feed {
    char name[64];
    int64_t lateness_ns;
    int64_t max_ahead_ns;     /* an event further ahead of its arrival is refused */
    int64_t max_instruments;  /* of one partition; events of further ones are refused */
    int64_t max_delay_ns;     /* how far behind its clock an event may be */
    int64_t silence_ns;       /* no event for longer, while it is up, is a gap; 0: never */
    int rules, trade_ids;     /* td_rules_choice, td_ids_choice */
    td_conditions conditions; /* with TD_RULES_VENUE: what its venue's sale conditions keep trades from */
    td_conditions extended;   /* … in bars of extended widths: no more than in others */
    bool gaps;                /* false: of an engine that knew none */
} td_program_feed;

typedef struct td_program_listing {           /* whose days and hours instruments keep */
    char pattern[TD_INSTRUMENT_NAME_MAX + 1]; /* VENUE:SYMBOL, or the beginning of such names and '*' */
    uint32_t calendar;                        /* its place in the program */
} td_program_listing;

typedef struct td_program {
    uint8_t sha256[TD_PROGRAM_SHA_BYTES]; /* of the body */
    size_t width_count;                   /* 1..TD_WIDTHS_MAX */
    size_t counted_count;                 /* of those, the last: by count or volume, the others by time */
    int64_t widths_ns[TD_WIDTHS_MAX];     /* model/width.h; ascending */
    td_graph *graphs[TD_GRAPHS_MAX];      /* strategies on bars of that width, NULL: none; then on ticks, on sections */
    size_t tick_graph_count;              /* of those behind the widths */
    int64_t grace_ns;                     /* how long a closed window takes late trades; 0: not at all */
    int64_t repair_horizon_ns; /* how long what is put on the tape anew may revise it; 0: no longer than others */
    bool fills;                /* false: of an engine that knew no positions beside targets */
    bool regular;              /* bars are of the sessions' trades alone, where calendars have hours */
    size_t calendar_count;
    td_calendar *calendars[TD_CALENDARS_MAX]; /* owned, as is the next */
    td_program_listing *listings;             /* in byte order of their patterns */
    size_t listing_count;
    size_t feed_count;
    td_program_feed feeds[TD_PROGRAM_FEEDS_MAX];
    td_program_feed unnamed; /* of feeds that it does not name */
} td_program;

static inline size_t td_program_timed(const td_program *program) {
    return program->width_count - program->counted_count;
}
static inline size_t td_program_graph_count(const td_program *program) {
    return program->width_count + program->tick_graph_count;
}

/* How long a closed window of that width takes late trades: grace, within TD_REVISED_MAX windows; by count not at all.
 */
enum { TD_REVISED_MAX = 256 };
/* Windows of a filled width behind the last trade that carry its price: a day of seconds. */
enum { TD_FILLED_MAX = 86400 };
static inline int64_t td_program_grace_ns(const td_program *program, int64_t width_ns) {
    int64_t most_ns = TD_REVISED_MAX * td_width_span_ns(width_ns); /* widths are at most a year */
    return program->grace_ns < most_ns ? program->grace_ns : most_ns;
}

/* How many bars of that width strategies look back, so that a late trade is seen by them. */
uint32_t td_program_depth(const td_program *program, int64_t width_ns);

/* How long after its end a window of that width may be revised by what is put on the tape anew. */
static inline int64_t td_program_horizon_ns(const td_program *program, int64_t width_ns) {
    int64_t most_ns = TD_REVISED_MAX * td_width_span_ns(width_ns);
    return program->repair_horizon_ns < most_ns ? program->repair_horizon_ns : most_ns;
}

/* The calendar of the pattern that says most of the name, or TD_NO_CALENDAR. */
uint32_t td_program_calendar(const td_program *program, td_bytes instrument);
static inline const td_calendar *td_program_calendar_at(const td_program *program, uint32_t calendar) {
    return calendar != TD_NO_CALENDAR ? program->calendars[calendar] : NULL;
}
/* The session or, where all hours count, the day that holds the instant. False: none does, no bar has a trade of then.
 */
bool td_program_day(const td_program *program, uint32_t calendar, int64_t ns, td_period *out);
/* The zone of its calendar, UTC without one; `program` may be NULL. */
td_zone td_program_zone(const td_program *program, td_bytes instrument);
/* True when the years of the calendar hold the instant. */
bool td_program_knows(const td_program *program, uint32_t calendar, int64_t ns);
/* The window of width w that holds an instant of that day: multiples of the width since the Unix epoch, cut where the
 * session begins and ends; the day itself for 1d. A width beyond 12 hours that is not 1d is never cut. What lies
 * between two bars by count trades tell, not time: the instant alone. Of an extended width nothing is cut, whatever the
 * day, and 1d is the exchange's. */
td_period td_program_window(const td_program *program, uint32_t calendar, size_t w, td_period day, int64_t ns);

/* The window behind one of width w. False: the venue has closed between the two, for the night or where all hours count
 * for the day. */
bool td_program_next_window(const td_program *program, uint32_t calendar, size_t w, td_period last, td_period *out);
/* The first of the widths by time that trades outside of the hours have windows of; those behind it do, too. */
size_t td_program_first_extended(const td_program *program);

td_program_feed td_program_feed_default(void);
const td_program_feed *td_program_feed_of(const td_program *program, td_bytes name);
void td_program_free(td_program *program); /* accepts NULL */
