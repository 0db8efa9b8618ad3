/* src/feed/route.c - Kafka's partitioner over the instruments' names. */
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
    *route = (td_route){0};
}

void td_route_learn(td_route *route) {
    uint32_t count = td_instruments_count(route->instruments);
    if (count > route->capacity) {
        uint8_t *grown = td_alloc((size_t)count * 2);
        if (route->known > 0) memcpy(grown, route->partition_of, route->known);
        free(route->partition_of);
        route->partition_of = grown;
        route->capacity = count * 2;
    }
    for (; route->known < count; route->known++)
        route->partition_of[route->known] =
            (uint8_t)td_partition_of(td_instruments_name(route->instruments, route->known), route->partitions);
}
