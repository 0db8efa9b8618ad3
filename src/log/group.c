/* src/log/group.c - sharing partitions where one process has all of them. */
#include "log/log_private.h"
#include <stdlib.h>

typedef struct segment_group {
    td_group base;
    uint32_t count;
    uint32_t partitions[];
} segment_group;

td_status td_segment_group_join(td_group **out, td_log *log, const char *name, td_topic *topic) {
    (void)name; /* nobody else can be in it */
    segment_group *group = td_alloc(sizeof *group + topic->partitions * sizeof group->partitions[0]);
    group->base.log = log;
    group->count = topic->partitions;
    for (uint32_t p = 0; p < topic->partitions; p++) group->partitions[p] = p;
    *out = &group->base;
    return TD_OK;
}

void td_segment_group_leave(td_group *group) { free(group); }

td_status td_segment_group_poll(td_group *group, td_assignment *out) {
    const segment_group *g = (const segment_group *)group;
    *out = (td_assignment){.generation = 1, .partitions = g->partitions, .count = g->count};
    return TD_OK;
}
