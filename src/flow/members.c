/* src/flow/members.c - a reader for each partition, and what they have brought. */
#include "flow/members.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct source { /* of one partition */
    td_reader *reader;
    int64_t clock_ns; /* as its last mark told it */
} source;

typedef struct gathered {
    td_member is;
    uint32_t partition;
    int64_t offset;
} gathered;

struct td_gathering {
    const td_topics *topics;
    td_members_places from;
    source sources[TD_MEMBERS_PARTITIONS_MAX];
    td_buf all;  /* gathered, as they came */
    td_buf lent; /* td_member */
};

td_gathering *td_gathering_new(const td_topics *topics, const td_members_places *from) {
    td_gathering *g = td_alloc_zero(1, sizeof *g);
    g->topics = topics;
    g->from = *from;
    for (uint32_t p = 0; p < topics->partitions; p++) g->sources[p].clock_ns = INT64_MIN;
    return g;
}

void td_gathering_free(td_gathering *g) {
    if (g == NULL) return;
    for (uint32_t p = 0; p < g->topics->partitions; p++) td_reader_close(g->sources[p].reader);
    td_buf_fini(&g->lent);
    td_buf_fini(&g->all);
    free(g);
}

static gathered *all_of(const td_gathering *g) { return (gathered *)(void *)g->all.data; }
static size_t count_of(const td_gathering *g) { return g->all.size / sizeof(gathered); }

static td_status take_record(td_gathering *g, uint32_t partition, const td_record *record) {
    gathered one = {.partition = partition, .offset = record->offset};
    if (td_record_get_member(g->topics->ids, record->value, &one.is) != TD_OK)
        return TD_FAIL(TD_CORRUPT, "sections-%" PRIu32 ": offset %" PRId64 " is not a record of ours", partition,
                       record->offset);
    if (one.is.section == 0)
        g->sources[partition].clock_ns = one.is.end_ns;
    else
        td_buf_put(&g->all, &one, sizeof one);
    return TD_OK;
}

/* Up to its first mark there or beyond. */
static td_status read_up_to(td_gathering *g, uint32_t partition, int64_t end_ns) {
    source *s = &g->sources[partition];
    td_topic *topic = g->topics->outputs[TD_OUTPUT_SECTIONS];
    td_status status = TD_OK;
    if (s->reader == NULL)
        status = td_reader_open(&s->reader, topic, partition, g->from.offset[partition], TD_READ_APPENDED);
    while (status == TD_OK && s->clock_ns < end_ns) {
        td_record record;
        status = td_reader_next(s->reader, &record);
        if (status == TD_OK) status = take_record(g, partition, &record);
    }
    return status;
}

static void let_go(td_gathering *g, int64_t done_ns) {
    size_t left = 0;
    for (size_t i = 0; i < count_of(g); i++)
        if (all_of(g)[i].is.end_ns > done_ns) all_of(g)[left++] = all_of(g)[i];
    g->all.size = left * sizeof(gathered);
}

td_status td_gathering_collect(td_gathering *g, int64_t done_ns, int64_t end_ns, td_members *out) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < g->topics->partitions && status == TD_OK; p++) status = read_up_to(g, p, end_ns);
    if (status != TD_OK) return status;
    let_go(g, done_ns);
    g->lent.size = 0;
    for (size_t i = 0; i < count_of(g); i++) td_buf_put(&g->lent, &all_of(g)[i].is, sizeof(td_member));
    *out = (td_members){(const td_member *)(const void *)g->lent.data, count_of(g)};
    return TD_OK;
}

void td_gathering_places(td_gathering *g, int64_t done_ns, td_members_places *out) {
    let_go(g, done_ns);
    *out = g->from;
    for (uint32_t p = 0; p < g->topics->partitions; p++)
        if (g->sources[p].reader != NULL) out->offset[p] = td_reader_offset(g->sources[p].reader);
    for (size_t i = count_of(g); i-- > 0;) out->offset[all_of(g)[i].partition] = all_of(g)[i].offset;
}
