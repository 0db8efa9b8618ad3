/* src/flow/live.h - live feeds: when to connect again, and what time it is on their clock. Their inputs are taken as
 * they come; a file feed's pace is none of theirs. Thread: ingest's.
 *
 * The clock is the machine's; it never goes back. Time records, each with the last item's position:
 *   session began   to all partitions: live, clock = when.
 *   session ended   to all partitions: down, clock = when the last message came, no bound. What was sent between that
 *                   and the clock of the next `live` is lost: the two records say so.
 *   at start        to each partition that has records of the feed: down, clock = that of the last one there. What was
 *                   sent while no process ran is lost in the same way.
 *   quiet           to a partition that got nothing of the feed for 1 s: live or, without any message for 1 s, idle.
 *                   bound = clock - max_delay. While down, the same after `hold`, and nothing before it.
 * Of a feed whose events another program puts on the tape (td_live_ops) nothing is known of sessions: each partition
 * gets `live` every second, whatever it holds of the feed, and none is told at the start what a stop was.
 * Of a feed whose source keeps what it has nothing is missed while there is no session, so no session's begin or end is
 * told. Its clock, as far as time is told, is the instant up to which all that the source had was given: while it
 * catches up, or nobody answers, time stands still.
 * Secrets of its settings that a venue repeats leave here as ***, in whatever item.
 * What a feed was asked for afterwards shows nothing of its session, and makes no partition less quiet.
 * A session that ended or did not begin is tried again after a wait that doubles from `reconnect` to 60 s, a fifth of
 * it at random; a session of 60 s, or of four times what would be waited behind it, resets it. What the venue denied is
 * tried again after 60 s. */
#pragma once
#include "base/metric.h"
#include "feed/merge.h"
#include "log/log.h"
#include "model/gap.h"

typedef struct td_live td_live;

typedef struct td_live_end { /* of a session, or of a try that led to none */
    int64_t at_ns;           /* by the machine's clock */
    char why[200];
} td_live_end;

typedef struct td_live_counts { /* of one feed; readable by any thread */
    td_counter sessions;        /* begun in this run */
    td_counter failures;        /* sessions that ended, and tries that led to none */
    td_counter up;              /* 1 while a session is live */
    td_counter backfilled;      /* trades that were asked for afterwards */
    td_counter fills[TD_FILL_EXTENT_COUNT];
    td_counter backfill_failures; /* requests */
    td_counter lag_records; /* that its source keeps and that were not given; -1: it keeps none, or is not heard */
    atomic_uint end_count;
    td_live_end ends[2]; /* the n-th is ends[n % 2]: the next but one is a wait away */
} td_live_counts;

/* False: none has ended in this run. Thread: any. */
bool td_live_last_end(const td_live_counts *counts, td_live_end *out);

/* `report` gets a line about each end of a session, with its reason. All arguments are borrowed. */
td_live *td_live_new(const td_os *os, td_instruments *instruments, uint32_t partitions, td_log_report_fn report,
                     void *arg);
/* Lines about how long work of a feed goes on; without it nobody hears of that. Before the first td_live_next. */
void td_live_tell_progress(td_live *live, td_log_report_fn progress, void *arg);
void td_live_free(td_live *live); /* closes the feeds added; accepts NULL */
/* Takes over an open live feed as feed `index` of the run. `conf` is borrowed. Before the first td_live_next. */
void td_live_add(td_live *live, uint32_t index, const td_feed_ops *ops, void *feed, const td_feed_conf *conf);
/* The log's last record of that feed in a partition; feeds unknown here are passed over. Before the first next. */
void td_live_resume(td_live *live, td_bytes feed, uint32_t partition, td_source_position position, int64_t clock_ns);
/* True once every feed's last record in that partition is known. */
bool td_live_resumed(const td_live *live, uint32_t partition);
/* Of the instrument table, borrowed for live's life; before the first td_live_next. */
void td_live_set_aliases(td_live *live, const td_alias *aliases, size_t count);
size_t td_live_feed_count(const td_live *live);
int td_live_pump(td_live *live); /* moves bytes; returns work done */
/* Takes leave of all venues, to be called until it is true, inputs being taken meanwhile; no session begins any more,
 * and no partition is told that it is quiet. */
bool td_live_leave(td_live *live);
/* Fills *out, BACKFILL items among them; borrowed texts are valid until the next call. Errors: TD_AGAIN; TD_RETRY as
 * the feed gave it. */
TD_CHECKED td_status td_live_next(td_live *live, td_input *out);
/* The index of the i-th, and of the one of that name or UINT32_MAX. */
uint32_t td_live_index(const td_live *live, size_t i);
uint32_t td_live_find(const td_live *live, td_bytes feed);
const td_feed_conf *td_live_conf(const td_live *live, uint32_t index);
/* As td_live_ops has it; of a feed without answers, nothing. Before the first next. */
void td_live_hold(td_live *live, uint32_t index, const td_feed_answer *answer);
/* Some feed gives answers. */
bool td_live_holds(const td_live *live);
/* The same of places: of the feed of that index, or whether it has such. */
void td_live_keep(td_live *live, uint32_t index, const td_feed_places *places);
bool td_live_keeps(const td_live *live, uint32_t index);
/* As td_live_ops has it; TD_FULL while there is no session. */
TD_CHECKED td_status td_live_backfill(td_live *live, uint32_t index, const td_gap *gap);
/* The record that says how a backfill of that feed ended, as an input of now. */
void td_live_put_filled(td_live *live, uint32_t index, uint32_t instrument, td_filled filled, td_input *out);
/* NULL for a feed that is not live. */
const td_live_counts *td_live_counters(const td_live *live, uint32_t index);
