/* src/feed/route.c - aliases, and Kafka's partitioner over the instruments' names. */
#include "feed/route.h"
#include "base/hash.h"
#include <assert.h>
#include <stdlib.h>

void td_route_init(td_route *route, td_instruments *instruments, uint32_t partitions) {
    assert(partitions >= 1 && partitions <= TD_PARTITIONS_MAX);
    *route = (td_route){.instruments = instruments, .partitions = partitions, .all = UINT64_MAX >> (64 - partitions)};
}

void td_route_fini(td_route *route) {
    free(route->partition_of);
    free(route->alias_of);
    *route = (td_route){0};
}

void td_route_set_aliases(td_route *route, const td_alias *aliases, size_t count) {
    assert(route->known == 0);
    route->aliases = aliases;
    route->alias_count = (uint32_t)count;
}

static uint32_t find_alias(const td_route *route, td_bytes name) {
    for (uint32_t i = 0; i < route->alias_count; i++)
        if (td_bytes_equal(td_text(route->aliases[i].name), name)) return i;
    return route->alias_count;
}

void td_route_rename(td_route *route, td_event *e) {
    if (e->instrument >= route->known) td_route_learn(route);
    uint32_t first = route->alias_of[e->instrument];
    for (uint32_t i = first; i < route->alias_count; i++) {
        const td_alias *alias = &route->aliases[i];
        if (strcmp(alias->name, route->aliases[first].name) != 0) return;
        if (e->event_ns >= alias->until_ns) continue;
        e->instrument = td_instruments_intern(route->instruments, td_text(alias->means));
        return;
    }
}

void td_route_learn(td_route *route) {
    uint32_t count = td_instruments_count(route->instruments);
    if (count > route->capacity) {
        uint8_t *grown = td_alloc((size_t)count * 2);
        if (route->known > 0) memcpy(grown, route->partition_of, route->known);
        free(route->partition_of);
        route->partition_of = grown;
        if (route->alias_count > 0) {
            size_t size = (size_t)count * 2 * sizeof *route->alias_of;
            route->alias_of = td_alloc_check(realloc(route->alias_of, size), size);
        }
        route->capacity = count * 2;
    }
    for (; route->known < count; route->known++) {
        td_bytes name = td_instruments_name(route->instruments, route->known);
        route->partition_of[route->known] = (uint8_t)td_partition_of(name, route->partitions);
        if (route->alias_count > 0) route->alias_of[route->known] = find_alias(route, name);
    }
}
