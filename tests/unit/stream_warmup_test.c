/* tests/unit/stream_warmup_test.c - goal: what a strategy is said to need is what it takes: in a run all of its values
 * are there from the event on that meets it, and not before. */
#include "base/time.h"
#include "program_rig.h"
#include "stream/carry.h"
#include "stream/state.h"
#include "stream/term.h"
#include "stream/warmup.h"
#include <stdio.h>

#define S TD_NS_PER_S

static td_program *program_of(const char *text) {
    static const int64_t widths_ns[] = {TD_NS_PER_MIN, 5 * TD_NS_PER_MIN, TD_NS_PER_HOUR, TD_WIDTH_TRADES + 20};
    td_bytes strategies = td_text(text);
    const td_program_settings settings = {
        .widths_ns = widths_ns, .width_count = 4, .strategies = &strategies, .strategy_count = 1};
    return rig_program(&settings);
}

/* The first graph whose strategy has values. */
static size_t graph_of(const td_program *p) {
    for (size_t g = 0; g < td_program_graph_count(p); g++) {
        td_needs needs = {0};
        if (p->graphs[g] == NULL || td_graph_strategies(p->graphs[g]) == 0) continue;
        td_strategy_needs(p, g, 0, &needs);
        uint32_t events = td_needs_at(&needs, 0)->events;
        td_needs_fini(&needs);
        if (events > 0) return g;
    }
    fail_msg("no strategy");
    return 0;
}

/* ---- what is said ---- */

static void put_need(const td_need *need, td_buf *out) {
    char rhythm[TD_RHYTHM_TEXT_MAX];
    td_rhythm_format(need->rhythm, rhythm);
    td_buf_printf(out, "%s%.*s%s%s %u", out->size > 0 ? "; " : "", (int)need->instrument.size,
                  need->instrument.size > 0 ? (const char *)need->instrument.data : "",
                  need->instrument.size > 0 ? " " : "", rhythm, need->events);
    if (need->span_ns > 0) td_buf_printf(out, " %llds", (long long)(need->span_ns / S));
}

static void says(void **state) {
    static const struct {
        const char *text, *needs;
    } rows[] = {
        {"strategy a on bars(1m)\n  buy when close > open\n", "1m 1"},
        {"strategy a on bars(1m)\n  buy when crossover(close, sma(close, 20))\n", "1m 21"},
        {"strategy a on bars(1m)\n  buy when close > avg(close, 90m)\n", "1m 90"},
        {"strategy a on bars(1m)\n  use h = bars(1h)\n  buy when rsi(h.close, 14) > 50 and close > sma(close, 3)\n",
         "1m 3; 1h 15"},
        {"strategy a on bars(1m)\n  use h = bars(1h)\n  use o = V:B\n"
         "  buy when sma(h.close - o.close, 10) > 0 and close > close[30]\n",
         "1m 31; V:B 1m 1; 1h 1; then 10"},
        {"series s on bars(5m)\n  use h = bars(1h)\n  top = max(high, 4) + h.close[2]\n"
         "strategy a on bars(1m)\n  buy when close > s.top\n",
         "1m 1; 5m 4; 1h 3"},
        {"series s on bars(5m)\n  use h = bars(1h)\n  gap = sma(h.close - close, 6)\n"
         "strategy a on bars(1m)\n  buy when s.gap > 0\n",
         "1m 1; 5m 6; 1h 1"},
        {"strategy a on trades\n  buy when avg(price, 30s) > 1 and size > sum(size, 5)\n", "trades 5 30s"},
        {"strategy a on trades\n  buy when ema(avg(price, 30s), 10) > 1 and quote.bid > 1\n",
         "trades 10 30s; quotes 1"},
        {"strategy a on book every 100ms\n  buy when sum(trade.signed_size, 5s) > 0 and avg(spread, 1s) < 1\n",
         "book every 100ms 1 1s; trades 1 5s"},
        {"strategy a on trades\n  buy when price > asof(quote.ask, wait = 250ms)\n", "trades + 250ms 1; quotes 1"},
        {"strategy a on bars(1m)\n  buy when rank(rocp(close, 5)) > 90%\n", "1m across 1; 1m 6"},
        {"strategy a on bars(20 trades)\n  buy when close > avg(close, 30m)\n", "20 trades 1 1800s"},
        {"strategy a on bars(1m)\n  buy when avg(close, 10, where = close > open) > 1\n", "1m 10; lacks 1"},
        {"strategy a on bars(1m)\n  buy when max(high, since(close > 3)) > 1 and barssince(close > 4) > 1\n",
         "1m 1; lacks 2"},
        {"strategy a on bars(1m)\n  buy when valuewhen(close > 3, close) > 1 and adx(14) > 3\n", "1m 28; lacks 2"},
        {"strategy a on bars(1m)\n  buy when avg(news.sentiment, 2h) > 0\n", "1m 1; lacks 4"},
        {"strategy a on bars(1m)\n  buy when count(news, 2h) > 0\n  exit when held > 3m\n", "1m 1; lacks 8"},
        {"strategy a on bars(1m)\n  buy when position == 0 and close > close[2]\n", "1m 3"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_program *p = program_of(rows[i].text);
        td_needs needs;
        td_buf said = {0};
        td_strategy_needs(p, graph_of(p), 0, &needs);
        for (size_t k = 0; k < td_needs_count(&needs); k++) put_need(td_needs_at(&needs, k), &said);
        if (needs.from_then > 0) td_buf_printf(&said, "; then %u", needs.from_then);
        if (needs.lacks != 0) td_buf_printf(&said, "; lacks %u", needs.lacks);
        td_buf_put(&said, "", 1);
        ASSERT_ROW(strcmp((const char *)said.data, rows[i].needs) == 0, "%zu: %s\nwanted %s", i,
                   (const char *)said.data, rows[i].needs);
        td_buf_fini(&said);
        td_needs_fini(&needs);
        td_program_free(p);
    }
}

/* ---- what comes ---- */

static void tell(td_state *state, const char *name, td_event e) {
    e.feed = td_state_feed(state, TD_TEXT("a"));
    e.receive_ns = e.event_ns;
    e.instrument = td_state_find_instrument(state, td_text(name));
    if (e.instrument == UINT32_MAX) e.instrument = td_state_add_instrument(state, &e, td_text(name));
    assert_int_equal(td_state_apply(state, &e, &td_emit_none).verdict, TD_VERDICT_ACCEPTED);
}

static td_event trade_at(int64_t ns, int64_t price) {
    return (td_event){
        .kind = TD_EVENT_TRADE,
        .event_ns = ns,
        .trade = {.price = price, .size = 100000000, .trade_id = TD_NONE, .side = TD_SIDE_BUY},
    };
}

static td_event quote_at(int64_t ns, int64_t price) {
    return (td_event){.kind = TD_EVENT_QUOTE,
                      .event_ns = ns,
                      .quote = {.bid_price = price - 1,
                                .bid_size = 100000000,
                                .ask_price = price + 1,
                                .ask_size = 100000000,
                                .sequence = TD_NONE}};
}

/* Everything that the strategy's graph computes has a value. */
static bool all_there(const td_graph *graph, const void *memory) {
    uint32_t nodes = td_graph_shape_of(graph).nodes;
    for (uint32_t i = 0; i < nodes; i++)
        if (td_value_is_na(td_graph_value(graph, memory, i))) return false;
    return true;
}

typedef struct watch {
    td_program *program;
    size_t graph;
    td_needs needs;
    uint64_t seen_before;
    int64_t begin_ns;   /* of the strategy's first event */
    uint32_t from_then; /* its events since all others were there */
} watch;

static uint64_t seen(const td_state *state, const td_program *p, const td_need *need) {
    td_bytes name = need->instrument.size > 0 ? need->instrument : TD_TEXT("V:A");
    const void *memory = td_state_graph(state, name, td_carry_find(p, need->rhythm));
    return memory != NULL ? td_graph_seen(memory) : 0;
}

/* After an event of the strategy's own: -1 of none, else whether its needs are met. */
static int is_met(watch *w, const td_state *state) {
    const td_need *own = td_needs_at(&w->needs, 0);
    const void *memory = td_state_graph(state, TD_TEXT("V:A"), w->graph);
    int64_t now_ns = 0;
    uint64_t own_seen = seen(state, w->program, own);
    if (own_seen == w->seen_before) return -1;
    w->seen_before = own_seen;
    assert_true(td_graph_last_ns(memory, &now_ns));
    if (w->begin_ns == 0) w->begin_ns = now_ns;
    bool others = true;
    for (size_t i = 1; i < td_needs_count(&w->needs); i++)
        others &= seen(state, w->program, td_needs_at(&w->needs, i)) >= td_needs_at(&w->needs, i)->events;
    w->from_then += others;
    return others && w->from_then >= w->needs.from_then && own_seen >= own->events &&
           now_ns - w->begin_ns >= own->span_ns;
}

static void comes_when_it_is_said(void **state) {
    static const char *const texts[] = {
        "strategy a on bars(1m)\n  buy when crossover(close, sma(close, 20)) and rsi(close, 9) > 50\n",
        "strategy a on bars(1m)\n  v = macd(close, 12, 26, 9).hist\n  buy when v > 0 and close > kama(close, 10)\n",
        "strategy a on bars(1m)\n  buy when close > avg(close, 45m) and atr(14) > 0\n",
        "strategy a on bars(1m)\n  use h = bars(1h)\n  buy when rsi(h.close, 5) > 50 and close > sma(close, 3)\n",
        "strategy a on bars(1m)\n  use h = bars(1h)\n  use o = V:B\n"
        "  buy when sma(h.close - o.close, 10) > 0 and close > close[70]\n",
        "series s on bars(5m)\n  top = max(high, 14)\n"
        "strategy a on bars(1m)\n  buy when close > s.top and zscore(s.top - close, 30) > 0\n",
        "strategy a on trades\n  buy when ema(price, 10) > 1 and avg(price, 300s) > 1\n",
        "strategy a on trades\n  buy when price > sma(asof(quote.ask), 4)\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        watch w = {.program = program_of(texts[i])};
        td_state *run = td_state_new(w.program);
        uint64_t seed = 3;
        int before = 0, behind = 0;
        w.graph = graph_of(w.program);
        td_strategy_needs(w.program, w.graph, 0, &w.needs);
        for (int64_t n = 0; n < 2500; n++) {
            int64_t ns = TD_NS_PER_DAY + n * 20 * S, price = (int64_t)(unit_random(&seed) % 1000 + 500) * 10000000;
            if (n > 50) tell(run, "V:A", quote_at(ns, price));
            if (n % 3 == 0 && n > 20) tell(run, "V:B", trade_at(ns, 2 * price));
            tell(run, "V:A", trade_at(ns, price));
            int met = is_met(&w, run);
            if (met < 0) continue;
            bool there = all_there(w.program->graphs[w.graph], td_state_graph(run, TD_TEXT("V:A"), w.graph));
            ASSERT_ROW(there == (met == 1), "%zu at %lld: there %d, met %d", i, (long long)n, there, met);
            *(met == 1 ? &behind : &before) += 1;
        }
        ASSERT_ROW(before > 2 && behind > 10, "%zu: %d before, %d behind", i, before, behind);
        td_needs_fini(&w.needs);
        td_state_free(run);
        td_program_free(w.program);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says),
        cmocka_unit_test(comes_when_it_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
