/* tests/unit/strategy_rig.h - compiles strategy texts and runs bars through them; for the tests of lang/ and graph. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/time.h"
#include "lang/lang.h"
#include "stream/hindsight.h"
#include <cmocka.h>

enum { RIG_SIGNALS_MAX = 512 };

typedef struct rig {
    td_graph *graph; /* of the only width */
    void *state;
    int64_t bars; /* applied so far */
    td_signal signals[RIG_SIGNALS_MAX];
    size_t signal_count;
} rig;

/* Compiles one text. NULL: it has errors, which are in `errors`. */
static inline td_graph *rig_compile(const char *text, td_buf *errors) {
    td_graph **graphs = NULL;
    size_t count = 0;
    td_source_text source = {.file = "x.td", .text = td_text(text)};
    td_status status = td_lang_compile(&source, 1, &graphs, &count, errors);
    td_graph *first = count > 0 ? graphs[0] : NULL;
    assert_true((status == TD_OK) == (errors->size == 0));
    assert_true(status == TD_OK || (status == TD_CONFIG && count == 0));
    for (size_t i = 1; i < count; i++) td_graph_free(graphs[i]);
    free(graphs);
    return first;
}

/* The text has these errors, as they are shown. */
static inline void rig_refuses(const char *text, const char *wanted) {
    td_buf errors = {0};
    assert_null(rig_compile(text, &errors));
    td_buf_put(&errors, "", 1);
    assert_string_equal((const char *)errors.data, wanted);
    td_buf_fini(&errors);
}

static inline void *rig_new_state(const td_graph *graph) {
    size_t bytes = td_graph_state_bytes(graph);
    assert_int_equal(bytes % 16, 0);
    void *state = aligned_alloc(16, bytes);
    memset(state, 0, bytes);
    return state;
}

static inline rig rig_open(const char *text) {
    td_buf errors = {0};
    rig r = {.graph = rig_compile(text, &errors)};
    if (r.graph == NULL) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    r.state = rig_new_state(r.graph);
    return r;
}

static inline void rig_close(rig *r) {
    free(r->state);
    td_graph_free(r->graph);
}

static inline void rig_collect(void *arg, const td_signal *signal) {
    rig *r = arg;
    assert_true(r->signal_count < RIG_SIGNALS_MAX);
    r->signals[r->signal_count++] = *signal;
}

/* A bar whose prices are all `price` (decimal(19,9)), at the next place in time. */
static inline td_bar rig_bar(const rig *r, int64_t price) {
    int64_t width = td_graph_width_ns(r->graph), start = r->bars * width;
    return (td_bar){.start_ns = start,
                    .end_ns = start + width,
                    .width_ns = width,
                    .open = price,
                    .high = price,
                    .low = price,
                    .close = price,
                    .vwap = price,
                    .volume = 100000000,
                    .trade_count = 1,
                    .known_at_ns = start + width + 7,
                    .instrument = 5};
}

static inline void rig_apply(rig *r, const char *instrument, const td_bar *bar) {
    td_graph_event event = {.instrument = td_text(instrument), .bar = bar};
    td_graph_apply(r->graph, r->state, &event, rig_collect, r);
    r->bars++;
}

/* One bar; `price` in whole units and thousandths: 10.5 is 10500. */
static inline void rig_price(rig *r, int64_t thousandths) {
    td_bar bar = rig_bar(r, thousandths * 1000000);
    rig_apply(r, "TEST:A", &bar);
}

/* The value of the line called `name`; false when na. */
static inline bool rig_line(const rig *r, const char *name, double *out) {
    const td_graph_line *lines;
    size_t count = td_graph_lines(r->graph, &lines);
    for (size_t i = 0; i < count; i++)
        if (td_bytes_equal(lines[i].name, td_text(name))) return td_graph_line_value(r->graph, r->state, i, out);
    fail_msg("no line %s", name);
    return false;
}

/* One bar again. */
static inline bool rig_revise(td_hindsight h, td_bytes instrument, const td_bar *bar, td_signal_fn fn, void *arg) {
    if (!td_hindsight_put(h, instrument, bar)) return false;
    td_hindsight_revise(h, instrument, &(td_revision){bar->start_ns, bar->known_at_ns}, fn, arg);
    return true;
}
