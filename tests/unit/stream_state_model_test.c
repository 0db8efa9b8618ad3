/* tests/unit/stream_state_model_test.c - goal: watermarks, closes, revisions and what is late are those of a model that
 * keeps every trade and computes every bar from all of them; in order nothing is revised, and in the end the last
 * revision of every bar is what sorting gives. Two feeds with clocks years apart share the partition. */
#include "state_rig.h"
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

enum { S = 1000000000, STEPS = 600, FEEDS = 2, INSTRUMENTS = 4, WIDTHS = 3, BARS_MAX = 4096 };
static const int64_t widths_ns[WIDTHS] = {INT64_C(1) * S, INT64_C(3) * S, INT64_C(60) * S};
static const int64_t begin_ns[FEEDS] = {INT64_C(1381000000) * S, INT64_C(1723000000) * S};
static const char *const names[INSTRUMENTS] = {"V:A", "V:B", "V:C", "V:D"};

/* ---- what both say, a line each ---- */

static void put_bar(td_buf *out, td_bytes instrument, const td_bar *b) {
    td_buf_printf(out,
                  "%.*s %" PRId64 "+%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " v%" PRId64 " n%" PRId64
                  " r%d known %" PRId64 "\n",
                  (int)instrument.size, (const char *)instrument.data, b->start_ns, b->width_ns, b->open, b->high,
                  b->low, b->close, (int64_t)b->volume, b->trade_count, (int)b->revision, b->known_at_ns);
}
static void on_bar(void *self, td_bytes instrument, const td_bar *bar) { put_bar(self, instrument, bar); }
static void on_signal(void *self, td_bytes instrument, const td_signal *signal) {
    (void)self, (void)instrument, (void)signal;
    fail_msg("a signal without strategies");
}
static void put_refused(td_buf *out, td_bytes instrument, td_reason reason, const int64_t *missed_ns, size_t count) {
    td_buf_printf(out, "%s %.*s", td_reason_name(reason), (int)instrument.size, (const char *)instrument.data);
    for (size_t i = 0; i < count; i++) td_buf_printf(out, " %" PRId64, missed_ns[i]);
    td_buf_text(out, "\n");
}
static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static void on_quarantined(void *self, td_bytes instrument, const td_quarantined *q) {
    put_refused(self, instrument, (td_reason)q->reason, q->missed_width_ns, q->missed_count);
}

/* ---- the model ---- */

typedef struct model_trade {
    int64_t event_ns, price, size;
    bool missed[WIDTHS];
} model_trade;

typedef struct model_bar { /* given at least once */
    uint32_t instrument;
    size_t width;
    int64_t start_ns, results;
} model_bar;

typedef struct model {
    int64_t grace_ns, lateness_ns, max_ahead_ns;
    model_trade trades[INSTRUMENTS][STEPS];
    size_t trade_count[INSTRUMENTS];
    uint32_t order[INSTRUMENTS], traded; /* instruments in the order first traded */
    int64_t watermark_ns[FEEDS], ended_ns[FEEDS][WIDTHS];
    model_bar bars[BARS_MAX];
    size_t bar_count;
    td_buf said;
} model;

static uint32_t feed_of(uint32_t instrument) { return instrument % FEEDS; }

static model_bar *find_bar(model *m, uint32_t instrument, size_t w, int64_t start_ns) {
    for (size_t i = 0; i < m->bar_count; i++) {
        model_bar *b = &m->bars[i];
        if (b->instrument == instrument && b->width == w && b->start_ns == start_ns) return b;
    }
    return NULL;
}

/* Computes the bar from all trades that it did not miss; false without any. */
static bool compute(const model *m, uint32_t instrument, size_t w, int64_t start_ns, td_bar *out) {
    int64_t first_ns = 0, last_ns = 0;
    *out = (td_bar){.start_ns = start_ns, .end_ns = start_ns + widths_ns[w], .width_ns = widths_ns[w]};
    for (size_t i = 0; i < m->trade_count[instrument]; i++) {
        const model_trade *t = &m->trades[instrument][i];
        if (t->missed[w] || t->event_ns < start_ns || t->event_ns >= out->end_ns) continue;
        bool first = out->trade_count == 0;
        if (first || t->event_ns < first_ns) { /* ties: the one that came first opens, the last one closes */
            first_ns = t->event_ns;
            out->open = t->price;
        }
        if (first || t->event_ns >= last_ns) {
            last_ns = t->event_ns;
            out->close = t->price;
        }
        if (first || t->price > out->high) out->high = t->price;
        if (first || t->price < out->low) out->low = t->price;
        out->volume += t->size;
        out->trade_count++;
    }
    return out->trade_count > 0;
}

static void give(model *m, uint32_t instrument, size_t w, int64_t start_ns, int64_t known_at_ns) {
    td_bar bar;
    assert_true(compute(m, instrument, w, start_ns, &bar));
    model_bar *known = find_bar(m, instrument, w, start_ns);
    if (known == NULL) {
        assert_true(m->bar_count < BARS_MAX);
        known = &m->bars[m->bar_count++];
        *known = (model_bar){instrument, w, start_ns, 0};
    }
    bar.revision = (int32_t)known->results++;
    bar.known_at_ns = known_at_ns;
    put_bar(&m->said, td_text(names[instrument]), &bar);
}

/* The open window of that feed with the least (end, width, order first traded) up to a bound. */
static bool find_open(model *m, uint32_t feed, int64_t bound_ns, model_bar *out) {
    int64_t least_ns = INT64_MAX;
    for (size_t w = 0; w < WIDTHS; w++)
        for (uint32_t o = 0; o < m->traded; o++) {
            uint32_t instrument = m->order[o];
            if (feed_of(instrument) != feed) continue;
            for (size_t i = 0; i < m->trade_count[instrument]; i++) {
                const model_trade *t = &m->trades[instrument][i];
                int64_t start_ns = t->event_ns - t->event_ns % widths_ns[w], end_ns = start_ns + widths_ns[w];
                if (t->missed[w] || end_ns > bound_ns || end_ns >= least_ns) continue;
                if (find_bar(m, instrument, w, start_ns) != NULL) continue;
                least_ns = end_ns;
                *out = (model_bar){instrument, w, start_ns, 0};
            }
        }
    return least_ns != INT64_MAX;
}

static void close_to(model *m, uint32_t feed, int64_t bound_ns, int64_t known_at_ns) {
    model_bar b;
    while (find_open(m, feed, bound_ns, &b)) give(m, b.instrument, b.width, b.start_ns, known_at_ns);
}

static void model_time(model *m, const td_event *e) {
    uint32_t feed = e->feed;
    if (e->time.bound_ns != TD_NONE && e->time.bound_ns > m->watermark_ns[feed]) {
        m->watermark_ns[feed] = e->time.bound_ns;
        close_to(m, feed, e->time.bound_ns, e->receive_ns);
    }
    if (e->time.session != TD_SESSION_ENDED) return;
    close_to(m, feed, INT64_MAX - 1, e->receive_ns);
    for (size_t w = 0; w < WIDTHS && m->watermark_ns[feed] != INT64_MIN; w++)
        m->ended_ns[feed][w] = m->watermark_ns[feed] - m->watermark_ns[feed] % widths_ns[w] + widths_ns[w];
}

static void model_trade_in(model *m, const td_event *e) {
    uint32_t feed = e->feed, x = e->instrument;
    if (e->event_ns - e->receive_ns > m->max_ahead_ns) {
        put_refused(&m->said, td_text(names[x]), TD_REASON_AHEAD, NULL, 0);
        return;
    }
    if (e->event_ns - m->lateness_ns > m->watermark_ns[feed]) {
        m->watermark_ns[feed] = e->event_ns - m->lateness_ns;
        close_to(m, feed, m->watermark_ns[feed], e->receive_ns);
    }
    if (m->trade_count[x] == 0) m->order[m->traded++] = x;
    model_trade *t = &m->trades[x][m->trade_count[x]++];
    *t = (model_trade){.event_ns = e->event_ns, .price = e->trade.price, .size = e->trade.size};
    int64_t missed_ns[WIDTHS];
    size_t missed = 0;
    bool closed[WIDTHS];
    for (size_t w = 0; w < WIDTHS; w++) {
        int64_t start_ns = e->event_ns - e->event_ns % widths_ns[w], end_ns = start_ns + widths_ns[w];
        bool given = find_bar(m, x, w, start_ns) != NULL; /* an end closes beyond the watermark */
        closed[w] = given || end_ns <= m->watermark_ns[feed] || end_ns <= m->ended_ns[feed][w];
        t->missed[w] = closed[w] && (m->grace_ns == 0 || end_ns <= m->watermark_ns[feed] - m->grace_ns);
        if (t->missed[w]) missed_ns[missed++] = widths_ns[w];
    }
    for (size_t w = 0; w < WIDTHS; w++)
        if (closed[w] && !t->missed[w]) give(m, x, w, e->event_ns - e->event_ns % widths_ns[w], e->receive_ns);
    if (missed > 0) put_refused(&m->said, td_text(names[x]), TD_REASON_LATE, missed_ns, missed);
}

/* ---- both side by side ---- */

typedef struct market {
    uint64_t random;
    int64_t now_ns[FEEDS]; /* the latest event time */
    int64_t back_s;        /* how far events may lie back: 0 is in order */
    bool rough;            /* wrong clocks, ends, bounds ahead of everything */
} market;

static td_event draw(market *k) {
    uint32_t x = (uint32_t)(unit_random(&k->random) % INSTRUMENTS), feed = feed_of(x);
    uint64_t what = unit_random(&k->random) % 100;
    if (unit_random(&k->random) % 10 == 0) k->now_ns[feed] += (int64_t)(unit_random(&k->random) % 20) * S;
    k->now_ns[feed] += (int64_t)(unit_random(&k->random) % (uint64_t)S);
    int64_t at_ns = k->now_ns[feed];
    if (what < 8) {
        td_session session = what == 0 && k->rough ? TD_SESSION_ENDED : what < 3 ? TD_SESSION_DOWN : TD_SESSION_IDLE;
        td_time_mark mark = {.bound_ns = session == TD_SESSION_DOWN ? TD_NONE : at_ns - S, .clock_ns = at_ns};
        mark.session = (uint8_t)session;
        return (td_event){.kind = TD_EVENT_TIME, .feed = feed, .receive_ns = at_ns, .time = mark};
    }
    int64_t event_ns = at_ns, price = 100 + (int64_t)(unit_random(&k->random) % 10);
    if (k->back_s > 0 && what < 60) event_ns -= (int64_t)(unit_random(&k->random) % (uint64_t)(k->back_s * S));
    if (k->rough && what == 99) event_ns += INT64_C(3600) * S;
    return (td_event){.kind = TD_EVENT_TRADE,
                      .feed = feed,
                      .instrument = x,
                      .event_ns = event_ns,
                      .receive_ns = at_ns,
                      .trade = {.price = price, .size = 1 + price % 7, .trade_id = TD_NONE}};
}

static void apply_both(td_state *state, model *m, const td_event *drawn, td_buf *said) {
    static const char *const feeds[FEEDS] = {"a", "b"};
    td_emit emit = {said, on_bar, on_signal, on_quarantined, on_gap, td_emit_none.fill, td_emit_none.member, NULL};
    td_event e = *drawn;
    m->said.size = said->size = 0;
    if (e.kind == TD_EVENT_TIME)
        model_time(m, &e);
    else
        model_trade_in(m, &e);
    e.feed = td_state_feed(state, td_text(feeds[drawn->feed]));
    if (e.kind == TD_EVENT_TRADE) {
        e.instrument = td_state_find_instrument(state, td_text(names[drawn->instrument]));
        if (e.instrument == UINT32_MAX)
            e.instrument = td_state_add_instrument(state, &e, td_text(names[drawn->instrument]));
    }
    (void)td_state_apply(state, &e, &emit);
    if (e.kind == TD_EVENT_TIME || m->watermark_ns[drawn->feed] != INT64_MIN)
        assert_true(td_state_watermark_ns(state, e.feed) == m->watermark_ns[drawn->feed]);
    td_buf_put(&m->said, "", 1);
    td_buf_put(said, "", 1);
}

/* Returns how many revisions there were. */
static size_t run_market(uint64_t seed, int64_t grace_s, int64_t back_s, bool rough) {
    static model m;
    td_buf said = {0};
    td_program *program = td_alloc_zero(1, sizeof *program);
    program->unnamed = td_program_feed_default();
    program->unnamed.gaps = false; /* stream_ledger_model_test.c */
    program->grace_ns = grace_s * S;
    program->width_count = WIDTHS;
    memcpy(program->widths_ns, widths_ns, sizeof widths_ns);
    memset(&m, 0, sizeof m);
    m.grace_ns = program->grace_ns;
    m.lateness_ns = program->unnamed.lateness_ns;
    m.max_ahead_ns = program->unnamed.max_ahead_ns;
    market k = {.random = seed, .back_s = back_s, .rough = rough};
    for (int f = 0; f < FEEDS; f++) {
        m.watermark_ns[f] = INT64_MIN;
        k.now_ns[f] = begin_ns[f];
        for (size_t w = 0; w < WIDTHS; w++) m.ended_ns[f][w] = INT64_MIN;
    }
    td_state *state = td_state_new(program);
    for (int i = 0; i < STEPS; i++) {
        td_event e = draw(&k);
        if (unit_random(&k.random) % 60 == 0) state = rig_reloaded(state, program);
        apply_both(state, &m, &e, &said);
        if (strcmp((char *)said.data, (char *)m.said.data) != 0)
            fail_msg("seed %" PRIu64 ", step %d, grace %" PRId64 " s: said\n%sthe model said\n%s", seed, i, grace_s,
                     (char *)said.data, (char *)m.said.data);
    }
    size_t revisions = 0;
    for (size_t i = 0; i < m.bar_count; i++) revisions += (size_t)m.bars[i].results - 1;
    td_buf_fini(&said);
    td_buf_fini(&m.said);
    td_state_free(state);
    td_program_free(program);
    return revisions;
}

static void all_is_as_the_model_says(void **state) {
    (void)state;
    static const int64_t graces_s[] = {0, 1, 2, 7, 60, 300};
    size_t revisions = 0;
    for (size_t g = 0; g < COUNT_OF(graces_s); g++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            size_t revised = run_market(seed, graces_s[g], 1 + (int64_t)(seed * seed), true);
            assert_true(graces_s[g] > 0 || revised == 0);
            revisions += revised;
        }
    assert_true(revisions > 600);
}

static void in_order_nothing_is_revised(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) assert_int_equal(run_market(seed, 60, 0, false), 0);
    for (uint64_t seed = 1; seed <= 10; seed++)
        assert_int_equal(run_market(seed, 60, 1, false), 0); /* within lateness */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_as_the_model_says),
        cmocka_unit_test(in_order_nothing_is_revised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
