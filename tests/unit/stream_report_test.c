/* tests/unit/stream_report_test.c - goal: an alert is told when its condition begins to hold, what is emitted whenever
 * it holds; neither moves a target; what a revised bar changes is withdrawn by its id and told anew. */
#include "strategy_rig.h"
#include "stream/hindsight.h"
#include <stdio.h>

enum { DEPTH = 4 };
#define UNIT  INT64_C(1000000000)
#define WIDTH (60 * UNIT)

typedef struct teller {
    td_graph *graph;
    td_hindsight h;
    td_buf said; /* signals, a line each */
} teller;

static void on_signal(void *arg, const td_signal *s) {
    teller *t = arg;
    td_buf_printf(&t->said, "%s %s %d#%u to %d", td_signal_status_name((td_signal_status)s->status),
                  td_action_name((td_action)s->action), (int)(s->event_ns / WIDTH), s->ordinal,
                  (int)(s->target / 100000000));
    if (s->note.size > 0) td_buf_printf(&t->said, " '%.*s'", (int)s->note.size, (const char *)s->note.data);
    if (s->data.size > 0) td_buf_printf(&t->said, " %.*s", (int)s->data.size, (const char *)s->data.data);
    td_buf_text(&t->said, "\n");
}

static teller teller_open(const char *text, uint32_t depth) {
    td_buf errors = {0};
    teller t = {.graph = rig_compile(text, &errors)};
    if (t.graph == NULL) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    size_t bytes = td_hindsight_bytes(t.graph, depth);
    t.h = (td_hindsight){.graph = t.graph, .depth = depth, .state = aligned_alloc(16, bytes)};
    memset(t.h.state, 0, bytes);
    return t;
}

static void teller_close(teller *t) {
    td_buf_fini(&t->said);
    free(t->h.state);
    td_graph_free(t->graph);
}

typedef struct step {
    char kind; /* b: bar, p: partial bar, r: revised bar */
    int64_t minute, price;
    const char *says;
} step;

static void run_steps(const char *text, uint32_t depth, const step *steps, size_t count) {
    teller t = teller_open(text, depth);
    for (size_t i = 0; i < count; i++) {
        const step *s = &steps[i];
        td_bar bar = {.start_ns = s->minute * WIDTH,
                      .end_ns = (s->minute + 1) * WIDTH,
                      .width_ns = WIDTH,
                      .open = s->price * UNIT,
                      .high = s->price * UNIT,
                      .low = s->price * UNIT,
                      .close = s->price * UNIT,
                      .vwap = s->price * UNIT,
                      .volume = 100000000,
                      .trade_count = 1,
                      .quality = s->kind == 'p' ? TD_QUALITY_PARTIAL : TD_QUALITY_COMPLETE};
        t.said.size = 0;
        if (s->kind == 'r')
            assert_true(rig_revise(t.h, TD_TEXT("V:X"), &bar, on_signal, &t));
        else
            td_hindsight_apply(t.h, TD_TEXT("V:X"), &bar, on_signal, &t);
        td_buf_put(&t.said, "", 1);
        assert_true(td_hindsight_valid(t.h));
        if (strcmp((char *)t.said.data, s->says) != 0)
            fail_msg("step %zu said\n%swanted\n%s", i, (char *)t.said.data, s->says);
    }
    teller_close(&t);
}
#define RUN_STEPS(text, depth, steps) run_steps(text, depth, steps, sizeof(steps) / sizeof(steps)[0])

static void alerts_are_told_when_they_begin(void **unused) {
    (void)unused;
    static const char text[] = "strategy x on bars(1m)\n"
                               "  half = close / 2 + 0.25\n"
                               "  slow = sma(close, 3)\n"
                               "  buy when close > 20\n"
                               "  alert \"{{{close}}} is high, half {half}, slow {slow}\" when close > 10\n";
    static const step steps[] = {
        {'b', 0, 8, ""},
        {'b', 1, 12, "fresh alert 2#1 to 0 '{12} is high, half 6.25, slow na'\n"},
        {'b', 2, 13, ""}, /* it holds still */
        {'b', 3, 25, "fresh buy 4#1 to 1\n"},
        {'b', 4, 5, ""},
        {'b', 5, 30, "fresh alert 6#1 to 1 '{30} is high, half 15.25, slow 20'\n"},
    };
    RUN_STEPS(text, DEPTH, steps);
    RUN_STEPS(text, 0, steps);
}

static void what_is_emitted_has_values(void **unused) {
    (void)unused;
    static const char text[] = "strategy x on bars(1m)\n"
                               "  emit trend { up = close > close[1], slope = close - close[1], third = close / 3 }\n"
                               "  buy when close > 10\n"
                               "  emit level { at_ = close } when close > 10\n";
    static const step steps[] = {
        {'b', 0, 8, "fresh emit 1#1 to 0 'trend' {\"up\":null,\"slope\":null,\"third\":2.6666666666666665}\n"},
        {'b', 1, 12,
         "fresh buy 2#1 to 1\n" /* first of all: what beside it is told says the target as it stands now */
         "fresh emit 2#2 to 1 'trend' {\"up\":true,\"slope\":4,\"third\":4}\n"
         "fresh emit 2#3 to 1 'level' {\"at_\":12}\n"},
        {'p', 2, 12,
         "withheld emit 3#1 to 1 'trend' {\"up\":false,\"slope\":0,\"third\":4}\n"
         "withheld emit 3#2 to 1 'level' {\"at_\":12}\n"},
        {'r', 2, 12,
         "late emit 3#3 to 1 'trend' {\"up\":false,\"slope\":0,\"third\":4}\n"
         "late emit 3#4 to 1 'level' {\"at_\":12}\n"},
    };
    RUN_STEPS(text, DEPTH, steps);
}

static void revised_bars_correct_what_was_told(void **unused) {
    (void)unused;
    static const char text[] = "strategy x on bars(1m)\n"
                               "  buy when close > 20\n"
                               "  alert \"at {close}\" when close > 10\n"
                               "  emit v { c = close } when close < 5\n";
    static const step steps[] = {
        {'b', 0, 8, ""},
        {'b', 1, 12, "fresh alert 2#1 to 0 'at 12'\n"},
        {'b', 2, 4, "fresh emit 3#1 to 0 'v' {\"c\":4}\n"},
        {'r', 1, 13, ""}, /* it holds still: the text is what it was */
        {'r', 1, 7, "withdrawn alert 2#1 to 0 'at {close}'\n"},
        {'r', 1, 25, "late buy 2#2 to 1\nlate alert 2#3 to 0 'at 25'\n"},
        {'r', 2, 3, "withdrawn emit 3#1 to 0 'v'\nlate emit 3#2 to 0 'v' {\"c\":3}\n"},
        {'r', 0, 11, "late alert 1#1 to 0 'at 11'\nwithdrawn alert 2#3 to 0 'at {close}'\n"}, /* it began sooner */
    };
    RUN_STEPS(text, DEPTH, steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_are_told_when_they_begin),
        cmocka_unit_test(what_is_emitted_has_values),
        cmocka_unit_test(revised_bars_correct_what_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
