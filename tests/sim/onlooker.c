/* tests/sim/onlooker.c - holds what the View tells against what the log holds, as lines of text. */
#include "onlooker.h"
#include "base/hash.h"
#include "serve/view.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BARS, SIGNALS, GAPS, KINDS, PARTITIONS_MAX = 64, IDLE_STEPS = 3, TRIES = 50 };

struct td_onlooker {
    td_os os;
    td_view *view;
    td_serve_topics topics;
    int64_t widths_ns[TD_WIDTHS_MAX];
    uint32_t partitions;
    int64_t from[KINDS][PARTITIONS_MAX]; /* what lies below was there before */
    td_buf told[KINDS][PARTITIONS_MAX];
};

static td_topic *topic_of(const td_onlooker *o, int kind) {
    td_topic *const topics[KINDS] = {o->topics.bars, o->topics.signals, o->topics.gaps};
    return topics[kind];
}

static void put_bar(td_buf *out, td_bytes name, const td_bar *bar) {
    td_buf_printf(out, "%.*s %" PRId64 "-%" PRId64 " close %" PRId64 ", %" PRId64 " trades, revision %d\n",
                  (int)name.size, (const char *)name.data, bar->start_ns, bar->end_ns, bar->close,
                  (int64_t)bar->trade_count, (int)bar->revision);
}

static void put_signal(td_buf *out, td_bytes name, const td_signal *signal) {
    td_buf_printf(out, "%.*s %.*s %d at %" PRId64 " price %" PRId64 "\n", (int)name.size, (const char *)name.data,
                  (int)signal->strategy.size, (const char *)signal->strategy.data, (int)signal->action,
                  signal->event_ns, signal->price);
}

static void put_gap(td_buf *out, td_bytes name, const td_gap *gap) {
    td_buf_printf(out, "%.*s gap %" PRId64 " is %d, from %" PRId64 " to %" PRId64 ", %" PRId64 " missing\n",
                  (int)name.size, (const char *)name.data, gap->number, (int)gap->status, gap->from_ns, gap->to_ns,
                  gap->missing);
}

static void tell_bar(void *self, td_bytes name, const td_bar *bar) {
    td_onlooker *o = self;
    put_bar(&o->told[BARS][td_partition_of(name, o->partitions)], name, bar);
}

static void tell_signal(void *self, td_bytes name, const td_signal *signal, int64_t appended_ms) {
    td_onlooker *o = self;
    (void)appended_ms;
    put_signal(&o->told[SIGNALS][td_partition_of(name, o->partitions)], name, signal);
}

static void tell_gap(void *self, td_bytes name, const td_gap *gap) {
    td_onlooker *o = self;
    put_gap(&o->told[GAPS][td_partition_of(name, o->partitions)], name, gap);
}

td_status td_onlooker_open(td_onlooker **out, const td_os *os, const td_engine *engine) {
    const td_topics *topics = td_engine_topics(engine);
    td_onlooker *o = td_alloc_zero(1, sizeof *o);
    o->os = *os;
    o->partitions = topics->partitions;
    o->topics = (td_serve_topics){.tape = topics->tape,
                                  .bars = topics->outputs[TD_OUTPUT_BARS],
                                  .signals = topics->outputs[TD_OUTPUT_SIGNALS],
                                  .gaps = topics->outputs[TD_OUTPUT_GAPS],
                                  .ids = topics->ids};
    const int64_t *widths_ns = td_engine_widths(engine, &o->topics.width_count);
    memcpy(o->widths_ns, widths_ns, o->topics.width_count * sizeof *widths_ns); /* an edit changes the engine's */
    o->topics.widths_ns = o->widths_ns;
    for (int kind = 0; kind < KINDS; kind++)
        for (uint32_t p = 0; p < o->partitions; p++) o->from[kind][p] = td_topic_end(topic_of(o, kind), p);
    td_view_events events = {o, tell_bar, tell_signal, tell_gap};
    td_status status = td_view_open(&o->view, &o->os, &o->topics, &events);
    if (status != TD_OK) {
        td_onlooker_close(o);
        return status;
    }
    *out = o;
    return TD_OK;
}

void td_onlooker_close(td_onlooker *o) {
    if (o == NULL) return;
    td_view_close(o->view);
    for (int kind = 0; kind < KINDS; kind++)
        for (uint32_t p = 0; p < o->partitions; p++) td_buf_fini(&o->told[kind][p]);
    free(o);
}

int td_onlooker_step(td_onlooker *o) {
    td_view_watch(o->view);
    return td_view_step(o->view);
}

static td_status read_wanted(td_onlooker *o, int kind, uint32_t p, td_buf *out) {
    td_reader *reader;
    td_record record;
    td_status status = td_reader_open(&reader, topic_of(o, kind), p, o->from[kind][p], TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        td_bar bar;
        td_signal signal;
        td_gap gap;
        td_bytes name;
        if (kind == BARS && td_record_get_bar(o->topics.ids, record.value, &bar, &name) == TD_OK)
            put_bar(out, name, &bar);
        if (kind == SIGNALS && td_record_get_signal(o->topics.ids, record.value, &signal, &name) == TD_OK)
            put_signal(out, name, &signal);
        if (kind == GAPS && td_record_get_gap(record.value, &gap, &name) == TD_OK) put_gap(out, name, &gap);
    }
    td_reader_close(reader);
    return status == TD_AGAIN ? TD_OK : status;
}

static bool check_partition(td_onlooker *o, int kind, uint32_t p, bool whole) {
    td_buf wanted = {0}, *told = &o->told[kind][p];
    td_status status = TD_RETRY;
    for (int i = 0; i < TRIES && status == TD_RETRY; i++) {
        wanted.size = 0;
        status = read_wanted(o, kind, p, &wanted);
    }
    bool unreadable = status == TD_RETRY && !whole, complete = !whole || told->size == wanted.size;
    bool same = unreadable || (status == TD_OK && complete && told->size <= wanted.size &&
                               td_bytes_equal((td_bytes){wanted.data, told->size}, td_buf_bytes(told)));
    if (!same && status == TD_OK)
        (void)fprintf(stderr, "the View told %zu bytes of %s-%" PRIu32 " from offset %" PRId64 ", of %zu\n", told->size,
                      td_topic_name(topic_of(o, kind)), p, o->from[kind][p], wanted.size);
    td_buf_fini(&wanted);
    return same;
}

bool td_onlooker_check(td_onlooker *o, bool whole) {
    for (int idle = 0; whole && idle < IDLE_STEPS;) idle = td_onlooker_step(o) > 0 ? 0 : idle + 1;
    bool good = true;
    for (int kind = 0; kind < KINDS; kind++)
        for (uint32_t p = 0; p < o->partitions; p++) good = check_partition(o, kind, p, whole) && good;
    return good;
}
