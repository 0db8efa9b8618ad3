/* bench/operator_bench.c - what each function of the language costs: its example over a walk of bars, less the same
 * bars through a strategy that only names the close.
 *
 * usage: operator_bench [BARS]     one line of JSON: processor nanoseconds per bar, bytes of state, by function */
#include "bench.h"
#include "lang/function.h"
#include "lang/lang.h"

static void ignore_signal(void *arg, const td_signal *signal) { (void)arg, (void)signal; }

static td_graph *compile(const char *expr) {
    td_buf text = {0}, errors = {0};
    td_graph **graphs = NULL;
    size_t count = 0;
    td_buf_printf(&text, "strategy bench on bars(1m)\n  v = %s\n  buy when v == v\n", expr);
    const td_source_text source = {"bench", td_buf_bytes(&text)};
    bench_require("operator_bench", td_lang_compile(&source, 1, &graphs, &count, &errors), expr);
    td_graph *graph = graphs[0];
    free(graphs);
    td_buf_fini(&text);
    return graph;
}

static bool is_condition(const td_function *f) { return strncmp(f->help, "condition", strlen("condition")) == 0; }

/* The first value of the function, as a number. */
static void put_expr(const td_function *f, td_buf *out) {
    const char *field = "";
    for (const td_part *part = f->parts; part->name != NULL && field[0] == '\0'; part++)
        if (td_function_field(f, td_text(part->name)) != NULL) field = part->name;
    td_buf_printf(out, is_condition(f) ? "if %s%s%s then close else open" : "%s%s%s", f->example,
                  field[0] != '\0' ? "." : "", field);
    td_buf_put(out, "", 1);
}

static double run(const td_graph *graph, int64_t bars) {
    void *state = aligned_alloc(16, td_graph_state_bytes(graph));
    memset(state, 0, td_graph_state_bytes(graph));
    uint32_t seed = 1;
    int64_t price = 100000, width_ns = td_graph_width_ns(graph), begin_ns = bench_cpu_ns();
    for (int64_t i = 0; i < bars; i++) {
        seed = seed * 1664525u + 1013904223u;
        int64_t open = price;
        price += (int64_t)(seed >> 20) % 101 - 50;
        if (price < 10000) price = 100000;
        td_bar bar = {.start_ns = i * width_ns,
                      .end_ns = (i + 1) * width_ns,
                      .width_ns = width_ns,
                      .open = open * 10000000,
                      .high = ((open > price ? open : price) + 7) * 10000000,
                      .low = ((open < price ? open : price) - 7) * 10000000,
                      .close = price * 10000000,
                      .vwap = (open + price) * 5000000,
                      .volume = (td_i128)(seed >> 8) * 1000,
                      .trade_count = 5};
        td_graph_event event = {.instrument = TD_TEXT("BENCH:A"), .bar = &bar};
        td_graph_apply(graph, state, &event, ignore_signal, NULL);
    }
    double ns = (double)(bench_cpu_ns() - begin_ns) / (double)bars;
    free(state);
    return ns;
}

int main(int argc, char **argv) {
    int64_t bars = argc > 1 ? atoll(argv[1]) : 20000;
    td_graph *bare = compile("close");
    (void)run(bare, bars); /* warms up the machine */
    double bare_ns = run(bare, bars);
    (void)printf("{\"bars\":%" PRId64 ",\"functions\":[", bars);
    const char *comma = "";
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (f->group == NULL) continue;
        td_buf expr = {0};
        put_expr(f, &expr);
        td_graph *graph = compile((const char *)expr.data);
        (void)printf("%s{\"call\":\"%s\",\"ns\":%.1f,\"state_bytes\":%zu}", comma, (const char *)expr.data,
                     run(graph, bars) - bare_ns, td_graph_state_bytes(graph) - td_graph_state_bytes(bare));
        comma = ",";
        td_graph_free(graph);
        td_buf_fini(&expr);
    }
    (void)puts("]}");
    td_graph_free(bare);
    return 0;
}
