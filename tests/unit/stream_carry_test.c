/* tests/unit/stream_carry_test.c - goal: behind a change of program a strategy that stays gives what it would have
 * given without the change, revisions included; what is new computes what it would have computed all the time; targets
 * follow names. Over random trades, some of them late, with changes at random places. */
#include "stream/state.h"
#include "unit.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "program_rig.h"

enum { EVENTS = 900, SEEDS = 100, CHANGES = 3, CHANGE_FROM = 500, CHANGE_EVERY = 110, WARM_FROM = 40 };
#define S TD_NS_PER_S

/* It stays; each has windows, averages that fade, looks back, and what reads another width. */
static const char stays[] = "strategy stays on bars(1s)\n"
                            "  f = sma(close, 3)\n"
                            "  e = ema(close, 5)\n"
                            "  m = max(high, 7)\n"
                            "  q = quantile(close, 6, 0.5)\n"
                            "  o = obv(close, volume)\n"
                            "  buy when crossover(f, e) or close[4] > m[2] note \"up\"\n"
                            "  sell when crossunder(f, e) and close < q + o\n"
                            "  short when close < q - 3\n"
                            "  cover when close > q or held > 8s\n"
                            "  alert \"above {f}\" when close > f\n"
                            "  emit gap { d = f - e } when close > e\n"
                            "strategy wide on bars(4s)\n"
                            "  buy when close > close[1]\n"
                            "  sell when close < close[1] or entry.bars >= 3\n"
                            "series ticks on trades\n"
                            "  n = ema(price, 5)\n"
                            "strategy reads on bars(4s)\n"
                            "  buy when close > ticks.n\n"
                            "  sell when close < ticks.n\n"
                            "strategy aging on bars(1s)\n"
                            "  p = sma(position, 4)\n"
                            "  buy when close > close[1] and p == 0\n"
                            "  exit when held > 6s or close < entry.price - 1\n";

/* Programs change from one to the next. */
static const char *const others[][2] = {
    {"",
     "strategy x on bars(1s)\n  a = sma(close, 9)\n  b = max(close, 12) - min(low, 5)[2]\n  c = correl(high, low, 6)\n"
     "  buy when close > a + b\n  sell when c > 2\n"},
    {"strategy x on bars(1s)\n  a = sma(close, 4)\n  buy when close > a\n  sell when close < a\n",
     "strategy x on bars(1s)\n  a = sma(ema(close, 5), 8)\n  b = ema(max(high, 7), 3)\n  c = close[11]\n"
     "  buy when close > a and b > c\n  sell when close < a\n"},
    {"strategy x on bars(1s)\n  buy when close > 1\n",
     "strategy x on bars(2s)\n  a = wma(close, 5)\n  b = rank(close, 7)\n  c = stddev(close, 4)\n"
     "  buy when close > a\n  sell when close < a\n"},
    {"strategy y on bars(4s)\n  buy when close > 1\n", ""},
    {"series s on bars(2s)\n  v = sma(close, 3)\nstrategy x on bars(1s)\n  buy when close > s.v\n",
     "series s on bars(2s)\n  v = sma(close, 30)\nstrategy x on bars(1s)\n  a = s.v\n  b = ema(s.v, 4)\n  c = s.v[3]\n"
     "  buy when close > a\n  sell when close < b\n"},
    {"strategy x on bars(1s)\n  a = avg(close, since(close > close[1]))\n  buy when close > a\n",
     "strategy x on bars(1s)\n  a = avg(close, since(close > close[1]))\n"
     "  b = max(high, since(close > close[1]))\n  c = sum(volume, since(close > close[1]), where = close > low)\n"
     "  buy when close > a and c > b\n"},
    /* bars of other ends ask for what ticks said */
    {"", "series t on trades\n  n = ema(price, 5)\nstrategy x on bars(1s)\n  buy when close > t.n\n"},
};
enum { OTHERS = sizeof others / sizeof others[0] };

static td_program *compile(const char *other) {
    const int64_t widths_ns[] = {S, 2 * S, 4 * S};
    td_bytes texts[] = {td_text(stays), td_text(other)};
    td_program_settings settings = {.widths_ns = widths_ns,
                                    .width_count = 3,
                                    .grace_ns = 3 * S,
                                    .strategies = texts,
                                    .strategy_count = other[0] != '\0' ? 2 : 1};
    return rig_program(&settings);
}

/* ---- trades ---- */

static uint64_t random_state;
static uint64_t below(uint64_t bound) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % bound;
}

static td_event events[EVENTS];

static void make_events(uint64_t seed) {
    int64_t now_ns = 1000 * S, price = 1000;
    random_state = seed;
    for (size_t i = 0; i < EVENTS; i++) {
        now_ns += (int64_t)below(S / 2);
        price += (int64_t)below(13) - 6;
        int64_t late_ns = below(2) == 0 ? (int64_t)below(4 * S) : 0;
        events[i] = (td_event){
            .kind = TD_EVENT_TRADE,
            .event_ns = now_ns - late_ns,
            .receive_ns = now_ns,
            .of_offset = TD_NONE,
            .trade = {.price = price * TD_NS_PER_S, .size = (1 + (int64_t)below(9)) * 100000000, .trade_id = TD_NONE}};
    }
}

static void apply(td_state *state, const td_event *event, const td_emit *emit) {
    td_event e = *event;
    e.feed = td_state_feed(state, TD_TEXT("f"));
    e.instrument = td_state_find_instrument(state, TD_TEXT("V:X"));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, TD_TEXT("V:X"));
    (void)td_state_apply(state, &e, emit);
}

/* ---- what is said ---- */

static void on_bar(void *self, td_bytes instrument, const td_bar *bar) { (void)self, (void)instrument, (void)bar; }
static void on_quarantined(void *self, td_bytes i, const td_quarantined *q) { (void)self, (void)i, (void)q; }
static void on_gap(void *self, td_bytes instrument, const td_gap *gap) { (void)self, (void)instrument, (void)gap; }

static bool is_of_who_stays(td_bytes strategy) {
    static const char *const names[] = {"stays", "wide", "reads", "aging"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (td_bytes_equal(strategy, td_text(names[i]))) return true;
    return false;
}

static void on_fill(void *self, td_bytes instrument, const td_fill *f) {
    (void)instrument;
    if (!is_of_who_stays(f->strategy)) return;
    td_buf_printf(self, "filled %.*s %" PRId64 " at %" PRId64 ": %" PRId64 " is held\n", (int)f->signal.size,
                  (const char *)f->signal.data, (int64_t)f->quantity, f->price, f->position);
}

static void on_signal(void *self, td_bytes instrument, const td_signal *s) {
    (void)instrument;
    if (!is_of_who_stays(s->strategy)) return;
    td_buf_printf(self, "%.*s %s %s %" PRId64 "#%u to %" PRId64 " at %" PRId64 " known %" PRId64 "\n",
                  (int)s->strategy.size, (const char *)s->strategy.data,
                  td_signal_status_name((td_signal_status)s->status), td_action_name((td_action)s->action), s->event_ns,
                  s->ordinal, s->target, s->price, s->known_at_ns);
}

static void change(td_state *state, const td_program *next, size_t at, size_t from) {
    td_state *warm = td_state_new_warm(state, next);
    for (size_t i = from; i < at; i++) apply(warm, &events[i], &td_emit_none);
    td_state_swap(state, next, warm);
    td_state_free(warm);
}

/* All lines are what a state says that had the program all the time. */
static size_t compare_lines(const td_state *got, const td_state *wanted, const td_program *program) {
    size_t compared = 0;
    for (size_t g = 0; g < td_program_graph_count(program); g++) {
        const td_graph_line *lines;
        if (program->graphs[g] == NULL) continue;
        const void *mine = td_state_graph(got, TD_TEXT("V:X"), g), *theirs = td_state_graph(wanted, TD_TEXT("V:X"), g);
        for (size_t i = td_graph_lines(program->graphs[g], &lines); i-- > 0;) {
            double a = 0, b = 0;
            bool here = td_graph_line_value(program->graphs[g], mine, i, &a);
            bool there = td_graph_line_value(program->graphs[g], theirs, i, &b);
            if (td_bytes_equal(lines[i].name, TD_TEXT("o"))) continue; /* counts from the first bar on */
            if (here != there || fabs(a - b) > 1e-9 * fabs(b))
                fail_msg("%.*s.%.*s: %d %.17g, not %d %.17g", (int)lines[i].strategy.size, lines[i].strategy.data,
                         (int)lines[i].name.size, lines[i].name.data, here, a, there, b);
            compared++;
        }
    }
    return compared;
}

typedef struct course { /* of one state through several programs, beside states that have each of them all the time */
    td_program *programs[CHANGES + 1];
    td_state *always[CHANGES + 1];
    td_state *changed, *unchanged;
    size_t at[CHANGES + 1]; /* where the next one begins; then never */
} course;

static course course_begin(uint64_t seed) {
    course c = {0};
    for (size_t i = 0; i <= CHANGES; i++) {
        c.programs[i] = compile(others[(seed + i) / 2 % OTHERS][(seed + i) % 2]);
        c.always[i] = td_state_new(c.programs[i]);
        c.at[i] = i < CHANGES ? CHANGE_FROM + i * CHANGE_EVERY + below(CHANGE_EVERY) : EVENTS;
    }
    c.changed = td_state_new(c.programs[0]);
    c.unchanged = td_state_new(c.programs[0]);
    return c;
}

static void course_end(course *c) {
    td_state_free(c->changed);
    td_state_free(c->unchanged);
    for (size_t i = 0; i <= CHANGES; i++) {
        td_state_free(c->always[i]);
        td_program_free(c->programs[i]);
    }
}

static size_t run_course(uint64_t seed, td_buf said[2]) {
    course c = course_begin(seed);
    size_t compared = 0, now = 0;
    td_emit emits[2];
    for (int k = 0; k < 2; k++)
        emits[k] = (td_emit){&said[k], on_bar, on_signal, on_quarantined, on_gap, on_fill, td_emit_none.member, NULL};
    for (size_t i = 0; i < EVENTS; i++) {
        if (i == c.at[now]) { /* the first time the tape hardly reaches back */
            change(c.changed, c.programs[now + 1], i, now == 0 ? i - 8 : WARM_FROM);
            now++;
        }
        apply(c.changed, &events[i], &emits[0]);
        apply(c.unchanged, &events[i], &emits[1]);
        for (size_t k = 0; k <= CHANGES; k++) apply(c.always[k], &events[i], &td_emit_none);
        if (now > 1) compared += compare_lines(c.changed, c.always[now], c.programs[now]);
    }
    course_end(&c);
    return compared;
}

static void what_stays_goes_on_and_what_is_new_is_warm(void **unused) {
    (void)unused;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_buf said[2] = {{0}};
        make_events(seed);
        size_t compared = run_course(seed, said);
        for (int k = 0; k < 2; k++) td_buf_put(&said[k], "", 1);
        assert_true(compared > 0 && said[1].size > 2000);
        if (strcmp((char *)said[0].data, (char *)said[1].data) != 0) {
            size_t i = 0;
            while (said[0].data[i] == said[1].data[i]) i++;
            i = i > 60 ? i - 60 : 0;
            fail_msg("seed %" PRIu64 ":\n%.200s\nnot\n%.200s", seed, said[0].data + i, said[1].data + i);
        }
        for (int k = 0; k < 2; k++) td_buf_fini(&said[k]);
    }
}

/* ---- a position whose rules are new ---- */

static void on_exit_reason(void *self, td_bytes instrument, const td_signal *s) {
    (void)instrument;
    if (s->reason.size > 0)
        td_buf_printf(self, "%.*s @%" PRId64, (int)s->reason.size, (const char *)s->reason.data, s->price / S);
}

static td_event trade_at(int64_t ns, int64_t price) {
    return (td_event){.kind = TD_EVENT_TRADE,
                      .event_ns = ns,
                      .receive_ns = ns,
                      .of_offset = TD_NONE,
                      .trade = {.price = price * S, .size = 100000000, .trade_id = TD_NONE}};
}

/* It was entered at 101; the state that warms the new program entered there, too, to its other side. */
static void levels_that_are_new_are_of_the_position_that_is_held(void **unused) {
    (void)unused;
    static const struct {
        const char *before, *behind;
        int64_t rises_to;
        const char *left;
    } rows[] = {
        {"short when close == 102\n", "bars(1s)\n  buy when close == 102\n  trail 4\n", 104, ""},
        {"short when close == 102\n", "bars(1s)\n  buy when close == 102\n  trail 4\n", 105, "trail @105"},
        {"short when close == 102\n", "bars(2s)\n  buy when close == 102\n  trail 4\n", 104, ""},
        {"short when close == 102\n", "bars(2s)\n  buy when close == 102\n  trail 4\n", 105, "trail @105"},
        {"short when close == 102\n", "bars(1s)\n  stop when entry.bars == 7\n", 104, "stop @101"},
        {"short when close == 102\n", "bars(2s)\n  stop when entry.bars == 7\n", 104,
         "stop @101"}, /* seven, not three */
        {"short when close == 102\n",
         "bars(1s)\n  buy when close == 102\n  stop when sma(position, 3) > 0 and position < 0\n", 104, ""},
        {"short when close == 102\n", "bars(1s)\n  stop when sma(position, 3) < 0\n", 104, "stop @101"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char texts[2][120];
        td_buf said = {0};
        td_emit emit = td_emit_none;
        (void)snprintf(texts[0], sizeof texts[0], "strategy x on bars(1s)\n  %s", rows[i].before);
        (void)snprintf(texts[1], sizeof texts[1], "strategy x on %s", rows[i].behind);
        td_program *before = compile(texts[0]), *behind = compile(texts[1]);
        td_state *state = td_state_new(before);
        emit.self = &said;
        emit.signal = on_exit_reason;
        for (size_t k = 0; k < 20; k++) {
            events[k] = trade_at(1000 * S + (int64_t)k * S / 2, k < 4 ? 102 : 101);
            apply(state, &events[k], &td_emit_none);
        }
        change(state, behind, 20, 0);
        const int64_t prices[] = {101, rows[i].rises_to, 101};
        for (size_t k = 0; k < COUNT_OF(prices); k++) {
            td_event e = trade_at(1010 * S + (int64_t)k, prices[k]);
            apply(state, &e, &emit);
        }
        td_event later = trade_at(1011 * S, 101);
        apply(state, &later, &emit);
        td_buf_put(&said, "", 1);
        ASSERT_ROW(strcmp((char *)said.data, rows[i].left) == 0, "%zu gave %s", i, (char *)said.data);
        td_buf_fini(&said);
        td_state_free(state);
        td_program_free(before);
        td_program_free(behind);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_stays_goes_on_and_what_is_new_is_warm),
                                       cmocka_unit_test(levels_that_are_new_are_of_the_position_that_is_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
