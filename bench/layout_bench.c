/* bench/layout_bench.c - whether the state of instruments whose graphs have one shape would be better laid out value by
 * value than instrument by instrument: the graph of 20 strategies of five indicators over so many instruments in turn,
 * and one average by hand in both layouts.
 *
 * usage: layout_bench [BARS]     of each instrument; a line per measurement */
#include "bench.h"
#include "lang/lang.h"
#include <inttypes.h>

enum { STRATEGIES = 20, INSTRUMENTS = 800 };

static void ignore_signal(void *arg, const td_signal *signal) { (void)arg, (void)signal; }

static td_graph *compile(void) {
    td_buf text = {0}, errors = {0};
    td_graph **graphs = NULL;
    size_t count = 0;
    for (int i = 0; i < STRATEGIES; i++)
        td_buf_printf(&text,
                      "strategy five_%d on bars(1m)\n  fast = ema(close, %d)\n  slow = sma(close, %d)\n"
                      "  r = rsi(close, %d)\n  w = stddev(close, %d)\n  top = max(high, %d)[1]\n"
                      "  buy when crossover(fast, slow) and r < 70 and w > 0\n  sell when close > top\n",
                      i, 5 + i, 20 + i, 10 + i, 15 + i, 30 + i);
    const td_source_text source = {"bench", td_buf_bytes(&text)};
    bench_require("layout_bench", td_lang_compile(&source, 1, &graphs, &count, &errors), "the strategies");
    td_graph *graph = graphs[0];
    free(graphs);
    td_buf_fini(&text);
    return graph;
}

static td_bar bar_at(int64_t i, int64_t instrument) {
    int64_t price = 100000 + (i * 7919 + instrument * 104729) % 997, next = price + (i * 31 + instrument) % 13 - 6;
    int64_t width_ns = INT64_C(60000000000);
    return (td_bar){.start_ns = i * width_ns,
                    .end_ns = (i + 1) * width_ns,
                    .width_ns = width_ns,
                    .open = price * 10000000,
                    .high = (price + 9) * 10000000,
                    .low = (price - 9) * 10000000,
                    .close = next * 10000000,
                    .vwap = price * 10000000,
                    .volume = 100000000000,
                    .trade_count = 5};
}

/* Each bar of all instruments before the next one of any, as windows close: nanoseconds per bar. */
static double in_turn(const td_graph *graph, int64_t instruments, int64_t bars) {
    size_t bytes = (td_graph_state_bytes(graph) + 63) / 64 * 64;
    uint8_t *states = aligned_alloc(64, bytes * (size_t)instruments);
    memset(states, 0, bytes * (size_t)instruments);
    int64_t begin_ns = bench_cpu_ns();
    for (int64_t i = 0; i < bars; i++)
        for (int64_t k = 0; k < instruments; k++) {
            td_bar bar = bar_at(i, k);
            td_graph_event event = {.instrument = TD_TEXT("BENCH:A"), .bar = &bar};
            td_graph_apply(graph, states + bytes * (size_t)k, &event, ignore_signal, NULL);
        }
    double ns = (double)(bench_cpu_ns() - begin_ns) / (double)(bars * instruments);
    free(states);
    return ns;
}

/* e = e + k (x - e) of all instruments, their values so many doubles apart: nanoseconds per value. */
static double by_hand(size_t stride, int64_t rounds) {
    double *values = aligned_alloc(64, stride * INSTRUMENTS * sizeof *values);
    for (size_t i = 0; i < stride * INSTRUMENTS; i++) values[i] = 1;
    int64_t begin_ns = bench_cpu_ns();
    for (int64_t r = 0; r < rounds; r++)
        for (size_t i = 0; i < INSTRUMENTS; i++) values[i * stride] += 0.1 * ((double)(r & 15) - values[i * stride]);
    double ns = (double)(bench_cpu_ns() - begin_ns) / (double)(rounds * INSTRUMENTS);
    if (values[0] > 16) (void)puts("no average"); /* somebody reads them */
    free(values);
    return ns;
}

int main(int argc, char **argv) {
    int64_t bars = argc > 1 ? atoll(argv[1]) : 400;
    td_graph *graph = compile();
    size_t bytes = td_graph_state_bytes(graph);
    (void)in_turn(graph, 1, bars);
    for (int64_t instruments = 1; instruments <= INSTRUMENTS; instruments *= instruments < 100 ? 100 : 8)
        (void)printf("%" PRId64 " instruments in turn: %.0f ns per bar of %d strategies, %zu bytes each\n", instruments,
                     in_turn(graph, instruments, bars * INSTRUMENTS / instruments), STRATEGIES, bytes);
    (void)printf(
        "an average by hand over %d instruments: %.2f ns with a state of this size between, %.2f ns beside each "
        "other\n",
        INSTRUMENTS, by_hand(bytes / sizeof(double), 20000), by_hand(1, 20000));
    td_graph_free(graph);
    return 0;
}
