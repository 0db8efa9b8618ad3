/* src/serve/history.h - bars, signals, fills, refused events, ticks, news and vendors' bars of the past, read backwards
 * from the log itself, so that no sink is needed. One block of 256 KB per step; at most 512 MB per question, then the
 * answer says that there is more and where to go on. Rows are kept as the log's bytes and decoded by whoever writes the
 * answer. Thread: the server's.
 *
 * Bars: the last revision of each start. Late trades give bars, and the waits of strategies signals, that stand in the
 * log behind those of later times. But what is told at a time is not of a later one: reading ends once limit + 1 first
 * results are later than all that the block read last was told at, or than all that 128 blocks of them are of. Beyond
 * the budget pages go on below what was read: of a bar whose first result is there, a revision above is not seen any
 * more. Vendors' bars stand there as they were downloaded: all are read, and of each (start, feed, adjusted) counts
 * what was said last, since it was first said so. Of a start at the page's begin all are there, though they be more
 * than the limit.
 *
 * Signals and fills are of the instrument that they trade, as in every other place. Where a program of the log names
 * it, strategies that run on others may have legs in it: then all partitions are read. Signals of one instrument, and
 * fills that may have such legs, stand by time: a page begins at an instant of which all are there, and its edge is
 * that instant and the place below which there are rows of earlier ones. Where the budget was over before all was
 * looked at, the page holds what is behind its place instead, and of the instant nothing changes.
 *
 * Rows of all instruments stand in the order of appending, and those of one millisecond by partition and offset; a
 * page of them ends at an edge, a place in that order. */
#pragma once
#include "base/time.h"
#include "log/log.h"
#include "schema/place.h"
#include "schema/record.h"

typedef enum td_history_kind {
    TD_HISTORY_BARS,
    TD_HISTORY_SIGNALS,
    TD_HISTORY_FILLS,
    TD_HISTORY_QUARANTINE,
    TD_HISTORY_ACTIONS, /* of one instrument */
    TD_HISTORY_VENDOR_BARS,
    TD_HISTORY_NEWS, /* published, as the next two */
    TD_HISTORY_TRADES,
    TD_HISTORY_QUOTES,
} td_history_kind;

typedef struct td_history_edge { /* a place among the records of all partitions of a topic */
    bool known;                  /* false: it is behind all of them */
    int64_t appended_ms;
    uint32_t partition;
    int64_t offset;
    int64_t instant_ns; /* and of rows by time: earlier than this; INT64_MAX: of any time */
} td_history_edge;

typedef struct td_history_question {
    td_topic *topic;
    td_topic *programs; /* of signals and fills, where their instrument may be named; NULL: in none */
    const td_schema_ids *ids;
    td_history_kind kind;
    td_bytes instrument; /* whose partition is read; size 0 (not for bars, a vendor's neither): all, in the order of
                            appending */
    td_bytes strategy;   /* of signals and fills; size 0: all */
    td_bytes feed;       /* of refused events, vendors' bars, ticks and news; size 0: all */
    td_reason reason;    /* of refused events; NONE: all */
    int64_t width_ns;    /* of bars only */
    int64_t from_ns, before_ns;
    int64_t cursor;       /* look below this offset only; -1: from the end */
    td_history_edge edge; /* of signals, fills and all instruments instead: look at what stands before it */
    int64_t block_bytes;  /* of the log, read in one step; 0: 256 KB */
    size_t limit;         /* the newest so many; at least 1 */
    td_place as_of;       /* what was known there */
    bool known_now;       /* bars that were known then, in the last revision known now; else in the last known then */
} td_history_question;

typedef struct td_history_row {
    /* Ascending: (start), (event, ordinal), or of fills, news, ticks, actions and what was refused (offset); of fills
     * with legs from elsewhere (known at, partition); of all instruments (append time, partition, offset). */
    int64_t order, tie;
    int64_t ord; /* on the tape, of the record that made it; -1: it does not say */
    int64_t offset, appended_ms;
    uint32_t partition;
    uint32_t at, size; /* its value's place among the texts */
    bool first;        /* a bar whose first result is among what was read; of a vendor's: it said otherwise before */
} td_history_row;

typedef struct td_history td_history;

/* Texts of the question are borrowed until the free. */
td_history *td_history_new(const td_history_question *question);
void td_history_free(td_history *history); /* accepts NULL */
/* TD_AGAIN: not finished, call again. TD_OK: finished. Other codes: as the log's. */
TD_CHECKED td_status td_history_step(td_history *history);

/* Once finished: */
size_t td_history_rows(const td_history *history, const td_history_row **out);
td_bytes td_history_value(const td_history *history, const td_history_row *row);
/* Where older rows begin: the cursor of the next question; -1: there are none in reach, or there is an edge. */
int64_t td_history_cursor(const td_history *history);
/* The same of signals, fills and all instruments; not known: there are none in reach, or there is a cursor. */
td_history_edge td_history_edge_of(const td_history *history);
/* The budget was over before all was looked at. */
bool td_history_is_cut(const td_history *history);
