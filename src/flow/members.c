/* src/flow/members.c - a reader for each partition, and what they have brought. */
#include "flow/members.h"
#include <inttypes.h>
#include <stdlib.h>

typedef struct source { /* of one partition */
    td_reader *reader;
    int64_t clock_ns; /* as its last mark told it */
} source;

typedef struct origin { /* of a member */
    uint32_t partition;
    int64_t offset;
} origin;

struct td_gathering {
    const td_topics *topics;
    td_members_places from;
    source sources[TD_MEMBERS_PARTITIONS_MAX];
    td_buf members, origins; /* side by side, as they came */
};

td_gathering *td_gathering_new(const td_topics *topics, const td_members_places *from) {
    td_gathering *g = td_alloc_zero(1, sizeof *g);
    g->topics = topics;
    g->from = *from;
    for (uint32_t p = 0; p < topics->partitions; p++) g->sources[p].clock_ns = from->of[p].clock_ns;
    return g;
}

void td_gathering_free(td_gathering *g) {
    if (g == NULL) return;
    for (uint32_t p = 0; p < g->topics->partitions; p++) td_reader_close(g->sources[p].reader);
    td_buf_fini(&g->origins);
    td_buf_fini(&g->members);
    free(g);
}

static td_member *members_of(const td_gathering *g) { return (td_member *)(void *)g->members.data; }
static origin *origins_of(const td_gathering *g) { return (origin *)(void *)g->origins.data; }
static size_t count_of(const td_gathering *g) { return g->members.size / sizeof(td_member); }

static td_status take_record(td_gathering *g, uint32_t partition, const td_record *record) {
    td_member one;
    source *s = &g->sources[partition];
    if (td_record_get_member(g->topics->ids, record->value, &one) != TD_OK)
        return TD_FAIL(TD_CORRUPT, "sections-%" PRIu32 ": offset %" PRId64 " is not a record of ours", partition,
                       record->offset);
    if (one.section == 0) {
        s->clock_ns = one.end_ns;
    } else if (one.end_ns > s->clock_ns) {
        td_buf_put(&g->members, &one, sizeof one);
        td_buf_put(&g->origins, &(origin){partition, record->offset}, sizeof(origin));
    }
    return TD_OK;
}

/* Up to its first mark there or beyond. */
static td_status read_up_to(td_gathering *g, uint32_t partition, int64_t end_ns) {
    source *s = &g->sources[partition];
    td_topic *topic = g->topics->outputs[TD_OUTPUT_SECTIONS];
    td_status status = TD_OK;
    if (s->reader == NULL)
        status = td_reader_open(&s->reader, topic, partition, g->from.of[partition].offset, TD_READ_APPENDED);
    while (status == TD_OK && s->clock_ns < end_ns) {
        td_record record;
        status = td_reader_next(s->reader, &record);
        if (td_reader_lost(s->reader) > 0)
            return TD_FAIL(TD_CORRUPT,
                           "sections-%" PRIu32 ": retention removed offsets up to %" PRId64
                           " before they were compared; raise log.retain",
                           partition, td_reader_offset(s->reader) - 1);
        if (status == TD_OK) status = take_record(g, partition, &record);
    }
    return status;
}

static void let_go(td_gathering *g, int64_t done_ns) {
    size_t left = 0;
    for (size_t i = 0; i < count_of(g); i++) {
        if (members_of(g)[i].end_ns <= done_ns) continue;
        members_of(g)[left] = members_of(g)[i];
        origins_of(g)[left++] = origins_of(g)[i];
    }
    g->members.size = left * sizeof(td_member);
    g->origins.size = left * sizeof(origin);
}

td_status td_gathering_collect(td_gathering *g, int64_t done_ns, int64_t end_ns, td_members *out) {
    td_status status = TD_OK;
    for (uint32_t p = 0; p < g->topics->partitions && status == TD_OK; p++) status = read_up_to(g, p, end_ns);
    if (status != TD_OK) return status;
    let_go(g, done_ns);
    *out = (td_members){members_of(g), count_of(g)};
    return TD_OK;
}

void td_gathering_places(td_gathering *g, int64_t done_ns, td_members_places *out) {
    let_go(g, done_ns);
    *out = g->from;
    for (uint32_t p = 0; p < g->topics->partitions; p++)
        if (g->sources[p].reader != NULL)
            out->of[p] = (td_members_place){td_reader_offset(g->sources[p].reader), g->sources[p].clock_ns};
    /* Marks before a member that is left are of ends that are done. */
    for (size_t i = count_of(g); i-- > 0;)
        out->of[origins_of(g)[i].partition] = (td_members_place){.offset = origins_of(g)[i].offset};
}
