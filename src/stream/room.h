/* src/stream/room.h - how much memory a program takes: what a state of it has for each instrument from its first record
 * on, whether it trades or not. Order books are beside that (book.h), as are late trades that a release may still find.
 * Pure. Thread: any. */
#pragma once
#include "stream/program.h"

typedef struct td_room {               /* in bytes */
    size_t bar_bytes;                  /* of an instrument: ids, gaps, windows; what it takes without strategies */
    size_t graph_bytes[TD_GRAPHS_MAX]; /* … what a graph of the program remembers, and keeps for those who read it */
    size_t strategy_bytes;             /* … the sum of those */
    size_t waiting_bytes;              /* … bars that wait for the others of their end, one for each that does */
    size_t instrument_bytes;           /* … all of that */
    size_t feed_bytes;                 /* of a feed: trades and quotes whose strategies wait */
} td_room;

td_room td_program_room(const td_program *program);
