/* src/serve/view.h - what people see of the log now: instruments with last price, change and shape of the day, bars in
 * the making, feeds with their clocks. It tails the log by readers of its own and is nobody's source: losing it loses
 * nothing. Thread: the server's.
 *
 * At start the bars of the last 64 MB of each partition make the list, its gaps of the last 32 MB that table, and the
 * tape's last 32 MB give last trades, quotes and feeds. Later the tape is read only while somebody watches, takes at
 * most a quarter of the thread's time, and when more than 32 MB of a partition lie ahead the View skips to those;
 * windows it did not see whole are then not shown. Memory: 2.4 KB per instrument, at most TD_VIEW_INSTRUMENTS_MAX (the
 * rest is counted as hidden), 104 bytes per gap, at most TD_VIEW_GAPS_MAX, and four readers per partition. */
#pragma once
#include "base/time.h"
#include "log/log.h"
#include "model/latest.h"
#include "schema/record.h"
#include "serve/gap_table.h"
#include "serve/provisional.h"
#include "serve/serve.h"
#include "stream/rules.h"

enum { TD_VIEW_INSTRUMENTS_MAX = 8192, TD_VIEW_FEEDS_MAX = 64, TD_SPARK_MAX = 48 };
enum { TD_VIEW_GAPS_MAX = 65536 };
enum { TD_VIEW_NO_FEED = 255 };

typedef struct td_view_instrument {
    /* Newest trade or price; of one that was not read, the close of its bar and the bar's end. last_ns 0: none. */
    int64_t last, last_ns;
    int64_t last_from_ns; /* when the last trade was, at the earliest: last_ns itself, or the start of its bar */
    int64_t reference;    /* first close of the exchange's day, or first price seen of it */
    td_period day;
    int64_t changed;                 /* the View's count of changes when this one changed last */
    int64_t bars[TD_WIDTHS_MAX];     /* bars seen, per width */
    int64_t final_ns[TD_WIDTHS_MAX]; /* end of the newest final bar */
    int64_t spark[TD_SPARK_MAX];     /* closes of the narrowest bars over the day, every spark_stride-th */
    uint32_t spark_count, spark_stride, spark_skip;
    td_latest latest[TD_LATEST_KIND_COUNT]; /* by kind */
    uint8_t feed;                           /* index, or TD_VIEW_NO_FEED */
    uint32_t calendar;                      /* of the program, or TD_NO_CALENDAR */
    td_recent recent, prices;               /* of trades, and of prices that are not theirs */
    td_provisional provisional;
} td_view_instrument;

typedef struct td_view_feed {
    char name[64];
    size_t name_size;
    int64_t event_ns;   /* newest event time */
    int64_t receive_ns; /* and its receive time, or the clock of its newest Time record */
    int64_t bound_ns;   /* of its newest Time record; TD_NONE before */
    uint8_t session;    /* td_session */
} td_view_feed;

/* What is told as it happens; arguments are borrowed for the call. Nothing is told of what the log held before. */
typedef struct td_view_events {
    void *self;
    void (*bar)(void *self, td_bytes instrument, const td_bar *bar);
    void (*signal)(void *self, td_bytes instrument, const td_signal *signal, int64_t appended_ms);
    void (*gap)(void *self, td_bytes instrument, const td_gap *gap);
} td_view_events;

typedef struct td_view td_view;

/* `topics` is borrowed. Errors: as td_reader_open's. */
TD_CHECKED td_status td_view_open(td_view **out, const td_os *os, const td_serve_topics *topics,
                                  const td_view_events *events);
void td_view_close(td_view *view);           /* accepts NULL */
int td_view_step(td_view *view);             /* about 5 ms at most; returns the records read */
int64_t td_view_now_ns(const td_view *view); /* monotonic */
int64_t td_view_wall_ns(const td_view *view);
void td_view_watch(td_view *view); /* somebody looks: follow the tape for the next ten seconds */

/* Another program is in force, borrowed like the one before: its widths count from here on. */
void td_view_obey(td_view *view, const td_program *program);

uint32_t td_view_count(const td_view *view);
const td_view_instrument *td_view_instrument_at(const td_view *view, uint32_t index);
td_bytes td_view_name(const td_view *view, uint32_t index);
uint32_t td_view_find(const td_view *view, td_bytes instrument);       /* UINT32_MAX: not seen */
const char *td_view_nearest(const td_view *view, td_bytes instrument); /* NULL: none is near */
/* A gap that is open or lost below it makes it partial. */
bool td_view_bar_making(const td_view *view, uint32_t index, size_t width, td_bar *out);
int64_t td_view_changes(const td_view *view);
uint32_t td_view_partitions(const td_view *view);
void td_view_tape_ends(const td_view *view, int64_t *ends);           /* where the tape ends now, per partition */
bool td_view_has_read(const td_view *view, const int64_t *tape_ends); /* as far as it can be read */
const td_gap_table *td_view_gaps(const td_view *view);
size_t td_view_feeds(const td_view *view, const td_view_feed **out);
const td_serve_topics *td_view_topics(const td_view *view);

typedef struct td_view_lag {
    int64_t tape_records; /* on the tape, not yet seen; grows while nobody watches */
    int64_t skipped;      /* records of the tape skipped to keep up */
    int64_t hidden;       /* ticks of instruments beyond the bound */
    int64_t corrupt;      /* partitions of a topic that cannot be read on */
    bool loading;         /* still reading what was there at start */
} td_view_lag;
void td_view_lag_of(const td_view *view, td_view_lag *out);
