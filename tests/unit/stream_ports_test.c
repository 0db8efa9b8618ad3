/* tests/unit/stream_ports_test.c - goal: a strategy reads another width's values as its last final bar left them, never
 * sooner; a bar that is judged again sees what it saw when it was new; a state that was saved goes on the same. */
#include "program_rig.h"
#include "state_rig.h"
#include "strategy_rig.h"
#include "stream/hindsight.h"
#include "stream/state.h"
#include <stdio.h>

#define S      INT64_C(1000000000)
#define MINUTE (60 * S)

static const char text[] = "series slow on bars(3m)\n"
                           "  past  = close[1]\n"
                           "  top   = max(high, 2)\n"
                           "  level = 7\n"
                           "strategy fast on bars(1m) for V:X\n"
                           "  seen  = slow.past\n"
                           "  both  = slow.top - close\n"
                           "  fixed = slow.level + close\n"
                           "  buy when close > slow.top\n";

static void compile(td_graph *out[2]) {
    td_buf errors = {0};
    td_source_text source = {.file = "x.td", .text = td_text(text)};
    td_graph **graphs;
    size_t count;
    td_status status = td_lang_compile(&source, 1, &graphs, &count, &errors);
    if (status != TD_OK) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) out[i] = graphs[i];
    free(graphs);
}

static td_program *program_new(void) {
    td_program *p = td_alloc_zero(1, sizeof *p);
    p->width_count = 2;
    p->unnamed = td_program_feed_default();
    p->widths_ns[0] = MINUTE;
    p->widths_ns[1] = 3 * MINUTE;
    compile(p->graphs);
    return p;
}

static td_program *program_of(const char *strategies) {
    const int64_t widths_ns[] = {MINUTE};
    const td_bytes source = td_text(strategies);
    const td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 1, .grace_ns = MINUTE, .strategies = &source, .strategy_count = 1};
    return rig_program(&settings);
}

/* One trade at the begin of each minute: its bar is final when the next one's trade has come. Minute n trades at n + 1.
 */
static void trade_minute_of(td_state *state, const char *feed, const char *name, int64_t n) {
    td_event e = {.kind = TD_EVENT_TRADE,
                  .feed = td_state_feed(state, td_text(feed)),
                  .event_ns = n * MINUTE + 2 * S,
                  .receive_ns = n * MINUTE + 2 * S,
                  .trade = {.price = (n + 1) * S, .size = 1, .trade_id = TD_NONE}};
    e.instrument = td_state_find_instrument(state, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
}

static void trade_minute(td_state *state, const char *name, int64_t n) { trade_minute_of(state, "a", name, n); }

/* -1: na */
static double line_of(const td_state *state, const td_program *p, const char *instrument, const char *name) {
    const td_graph_line *lines;
    size_t count = td_graph_lines(p->graphs[0], &lines);
    double value = -1;
    for (size_t i = 0; i < count; i++)
        if (td_bytes_equal(lines[i].name, td_text(name)))
            (void)td_graph_line_value(p->graphs[0], td_state_graph(state, td_text(instrument), 0), i, &value);
    return value;
}

static void the_last_final_bar_is_read(void **unused) {
    (void)unused;
    td_program *p = program_new();
    td_state *state = td_state_new(p);
    for (int64_t n = 0; n < 40; n++) {
        if (n % 7 == 3) state = rig_reloaded(state, p);
        trade_minute(state, "V:X", n);
        trade_minute(state, "V:Y", n);
        if (n < 1) continue;
        /* Bars up to minute n - 1 are final, and those of three minutes up to `wide`: the one that ends with the last
         * minute is seen by it. */
        int64_t last = n - 1, wide = (last + 1) / 3 - 1;
        assert_true(line_of(state, p, "V:X", "seen") == (wide < 1 ? -1 : (double)(wide * 3)));
        assert_true(line_of(state, p, "V:X", "both") == (wide < 1 ? -1 : (double)(wide * 3 + 3 - (last + 1))));
        assert_true(line_of(state, p, "V:X", "fixed") == (double)(last + 1 + 7));
        assert_true(line_of(state, p, "V:Y", "seen") == -1); /* nobody asks for it there */
    }
    td_state_free(state);
    td_program_free(p);
}

/* What is open when another feed takes over is closed as time would have closed it. */
static void bars_of_a_feed_before_are_read_in_their_order(void **unused) {
    (void)unused;
    td_program *p = program_new();
    td_state *state = td_state_new(p);
    for (int64_t n = 0; n < 10; n++) trade_minute_of(state, n < 9 ? "a" : "b", "V:X", n);
    assert_true(line_of(state, p, "V:X", "seen") == 6);
    assert_true(line_of(state, p, "V:X", "both") == 0);
    td_state_free(state);
    td_program_free(p);
}

/* ---- another feed ---- */

/* Of a feed that is ahead the bars that had ended by then are read, though newer ones are final. */
static void no_bar_sees_a_later_one_of_another_feed(void **unused) {
    (void)unused;
    static const char reads[] = "strategy reads on bars(1m) for V:X\n  use o = V:Y\n  seen = o.close\n"
                                "  past = sma(o.close, 2)\n  age = o.age / 1m\n  buy when close > o.close\n";
    td_program *p = program_of(reads);
    td_state *state = td_state_new(p);
    enum { AHEAD = 50 };
    for (int64_t n = 0; n < 120; n++) {
        if (n % 7 == 3) state = rig_reloaded(state, p);
        trade_minute_of(state, "b", "V:Y", n);
        int64_t mine = n - AHEAD; /* bars of V:X up to mine - 1 are final, those of V:Y up to n - 1 */
        if (mine < 0) continue;
        trade_minute_of(state, "a", "V:X", mine);
        if (mine < 2) continue;
        assert_true(line_of(state, p, "V:X", "seen") == (double)mine);
        assert_true(line_of(state, p, "V:X", "past") == (double)mine - 0.5);
        assert_true(line_of(state, p, "V:X", "age") == 0);
    }
    td_state_free(state);
    td_program_free(p);
}

/* ---- hindsight ---- */

static void collect(void *arg, const td_signal *s) {
    td_buf_printf(arg, "%s %lld\n", td_signal_status_name((td_signal_status)s->status),
                  (long long)(s->event_ns / MINUTE));
}

static td_bar bar_of(int64_t n, int64_t price) {
    td_bar bar = {.start_ns = n * MINUTE, .end_ns = (n + 1) * MINUTE, .width_ns = MINUTE, .trade_count = 1};
    bar.open = bar.high = bar.low = bar.close = bar.vwap = price * S;
    return bar;
}

static void a_bar_is_judged_with_what_it_saw(void **unused) {
    (void)unused;
    td_graph *graphs[2];
    const td_port *ports;
    td_buf said = {0};
    td_value most[2];
    compile(graphs);
    assert_int_equal(td_graph_ports(graphs[0], &ports), 2);
    assert_int_equal(ports[0].rhythm.width_ns, 3 * MINUTE);
    td_hindsight h = {
        .graph = graphs[0], .depth = 3, .ports = most, .state = aligned_alloc(16, td_hindsight_bytes(graphs[0], 3))};
    memset(h.state, 0, td_hindsight_bytes(graphs[0], 3));
    static const struct {
        bool revises;
        int64_t minute, price, most;
        const char *says;
    } steps[] = {
        {false, 0, 4, 10, ""},
        {false, 1, 4, 20, ""},
        {true, 1, 15, 5, ""},          /* above what stands there now, not above what it saw */
        {true, 1, 25, 99, "late 2\n"}, /* above what it saw */
        {true, 1, 12, 1, "withdrawn 2\n"},
        {false, 3, 4, 30, ""},
        {true, 2, 25, 99, "late 3\n"}, /* found late: it sees what minute 1 saw */
        {false, 4, 4, 1, "fresh 5\n"},
        {false, 5, 4, 1, ""},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        td_bar bar = bar_of(steps[i].minute, steps[i].price);
        most[0] = most[1] = steps[i].most * S;
        said.size = 0;
        if (steps[i].revises)
            assert_true(rig_revise(h, TD_TEXT("V:X"), &bar, collect, &said));
        else
            td_hindsight_apply(h, TD_TEXT("V:X"), &bar, collect, &said);
        td_buf_put(&said, "", 1);
        if (strcmp((char *)said.data, steps[i].says) != 0) fail_msg("step %zu says %s", i, (char *)said.data);
    }
    td_buf_fini(&said);
    free(h.state);
    for (size_t i = 0; i < 2; i++) td_graph_free(graphs[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_final_bar_is_read),
        cmocka_unit_test(no_bar_sees_a_later_one_of_another_feed),
        cmocka_unit_test(bars_of_a_feed_before_are_read_in_their_order),
        cmocka_unit_test(a_bar_is_judged_with_what_it_saw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
