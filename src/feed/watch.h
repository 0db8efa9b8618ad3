/* src/feed/watch.h - whether the trades that a venue says it made have come: for venues that number an instrument's
 * trades and repeat the last number now and then. A hole shows by itself with the next trade; this finds what nothing
 * follows. Takes memory with the first trade of an instrument. Thread: the owner's. */
#pragma once
#include "base/bytes.h"

typedef struct td_watched {
    bool known;
    int64_t last_id;
    int64_t awaited_id, since_ns; /* the venue said so, then; 0: nothing is awaited */
    int64_t missed_id;            /* the venue spoke of it when it was told as missing; 0: none was */
} td_watched;

typedef struct td_watch {    /* zeroed: nothing is known */
    td_watched *instruments; /* by index */
    size_t count;
} td_watch;

void td_watch_fini(td_watch *watch);
void td_watch_begin_session(td_watch *watch); /* what was awaited is forgotten */
void td_watch_trade(td_watch *watch, uint32_t instrument, int64_t id);
/* The last trade there was, told when a session begins. True: it is missing here. */
bool td_watch_last(td_watch *watch, uint32_t instrument, int64_t id);
/* The last number there was. True: one that was told so `patience_ns` ago or longer has still not come. Once for each
 * number: what does not come with the next session either, as a trade that has to be refused, never will. */
bool td_watch_number(td_watch *watch, uint32_t instrument, int64_t id, int64_t now_ns, int64_t patience_ns);
