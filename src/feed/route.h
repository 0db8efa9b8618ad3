/* src/feed/route.h - what an instrument is called on the tape, and its partition; looked up once. Thread: ingest's. */
#pragma once
#include "model/event.h"
#include "model/listing.h"

enum { TD_PARTITIONS_MAX = 64 };

typedef struct td_route {
    td_instruments *instruments;
    uint32_t partitions;
    uint64_t all;          /* a bit for each partition */
    uint8_t *partition_of; /* by instrument, as far as known, as the next */
    uint32_t *alias_of;    /* its first alias, or alias_count; NULL without aliases */
    uint32_t known, capacity;
    const td_alias *aliases; /* in byte order of names, then by time; borrowed */
    uint32_t alias_count;
} td_route;

void td_route_init(td_route *route, td_instruments *instruments, uint32_t partitions);
void td_route_fini(td_route *route);
/* Before the first look. */
void td_route_set_aliases(td_route *route, const td_alias *aliases, size_t count);
/* Looks at the instruments that are new. */
void td_route_learn(td_route *route);
static inline uint32_t td_route_of(td_route *route, uint32_t instrument) {
    if (instrument >= route->known) td_route_learn(route);
    return route->partition_of[instrument];
}
void td_route_rename(td_route *route, td_event *event);
/* Gives the trade or quote the name that it has on the tape; returns its partition. */
static inline uint32_t td_route_event(td_route *route, td_event *event) {
    if (route->alias_count > 0) td_route_rename(route, event);
    return td_route_of(route, event->instrument);
}
