/* tests/unit/consumer_unit.h - a topic in memory, of which partitions, ends and answers are as a test says. */
#pragma once
#include "net/consumer.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

enum { UNIT_PARTITIONS = 4, UNIT_RECORDS = 512 };

typedef struct unit_source { /* one for all: who opens it names none */
    uint32_t partitions;
    td_consumer_span spans[UNIT_PARTITIONS];     /* as they are told; `end` alone follows from the records */
    const char *failure;                         /* told in place of them; NULL: none */
    bool denied, silent;                         /* silent: nothing is answered */
    char *values[UNIT_PARTITIONS][UNIT_RECORDS]; /* by offset; NULL: left out */
    int64_t times_ms[UNIT_PARTITIONS][UNIT_RECORDS];
    int64_t ends[UNIT_PARTITIONS];
    int64_t shown[UNIT_PARTITIONS]; /* so much has come over the network */
    int64_t places[UNIT_PARTITIONS];
    int reads;
    uint64_t number;
    int64_t from_ms;
    const td_os *os;
} unit_source;

static unit_source unit_topic;

static inline void unit_topic_free(void) {
    for (int p = 0; p < UNIT_PARTITIONS; p++)
        for (int i = 0; i < UNIT_RECORDS; i++) free(unit_topic.values[p][i]);
    unit_topic = (unit_source){0};
}

/* Committed and shown at once. */
static inline void unit_topic_put(uint32_t p, int64_t time_ms, const char *value) {
    assert_in_range(unit_topic.ends[p], 0, UNIT_RECORDS - 1);
    int64_t at = unit_topic.ends[p]++;
    unit_topic.values[p][at] = value != NULL ? td_copy_text(value) : NULL;
    unit_topic.times_ms[p][at] = time_ms;
    unit_topic.shown[p] = unit_topic.ends[p];
}

static inline td_status unit_topic_open(void **out, const td_os *os, const td_consumer_conf *conf) {
    *out = &unit_topic;
    unit_topic.os = os;
    unit_topic.from_ms = conf->from_ms;
    return TD_OK;
}

static inline void unit_topic_look(void *self, td_consumer_view *out) {
    unit_source *u = self;
    *out = (td_consumer_view){.number = u->number, .partitions = u->partitions, .spans = u->spans};
    if (u->silent) return;
    out->number = ++u->number;
    out->asked_ns = u->os->ops->wall_ns(u->os->self);
    out->detail = u->failure;
    out->denied = u->denied;
    for (uint32_t p = 0; p < u->partitions; p++) u->spans[p].end = u->ends[p];
}

static inline td_status unit_topic_read(void *self, uint32_t p, int64_t offset) {
    unit_source *u = self;
    u->places[p] = offset;
    u->reads++;
    return TD_OK;
}

static inline td_status unit_topic_next(void *self, uint32_t p, td_consumed *out) {
    unit_source *u = self;
    if (u->places[p] < u->spans[p].start) return TD_REJECT;
    while (u->places[p] < u->shown[p]) {
        int64_t at = u->places[p]++;
        const char *value = u->values[p][at];
        if (value == NULL) continue;
        *out = (td_consumed){at, u->times_ms[p][at], td_text(value)};
        if (strcmp(value, "deleted") == 0) out->value = (td_bytes){0};
        return TD_OK;
    }
    return TD_AGAIN;
}

static inline int64_t unit_topic_place(const void *self, uint32_t p) { return ((const unit_source *)self)->places[p]; }
static inline void unit_topic_close(void *self) { (void)self; }

static const td_consumer_ops unit_consumer = {.name = "unit",
                                              .open = unit_topic_open,
                                              .look = unit_topic_look,
                                              .read = unit_topic_read,
                                              .next = unit_topic_next,
                                              .place = unit_topic_place,
                                              .close = unit_topic_close};
