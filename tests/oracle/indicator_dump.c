/* tests/oracle/indicator_dump.c - closes as decimal text on stdin, a line each; out come sma and ema for each length
 * given as argument, of the closes as they are and as doubles, through the language: "name row value", na: "na". */
#include "lang/lang.h"
#include <stdio.h>
#include <stdlib.h>

static void no_signal(void *arg, const td_signal *signal) {
    (void)arg;
    (void)signal;
}

static td_graph *compile(int length_count, char **lengths) {
    td_buf text = {0}, errors = {0};
    td_graph **graphs = NULL;
    size_t count = 0;
    td_buf_text(&text, "strategy dump on bars(1m)\n");
    for (int i = 0; i < length_count; i++)
        td_buf_printf(&text,
                      "  sma_%s = sma(close, %s)\n  ema_%s = ema(close, %s)\n"
                      "  sma_real_%s = sma(close * 1, %s)\n  ema_real_%s = ema(close * 1, %s)\n",
                      lengths[i], lengths[i], lengths[i], lengths[i], lengths[i], lengths[i], lengths[i], lengths[i]);
    const td_source_text source = {"dump", td_buf_bytes(&text)};
    if (td_lang_compile(&source, 1, &graphs, &count, &errors) != TD_OK) {
        (void)fprintf(stderr, "%.*s", (int)errors.size, (const char *)errors.data);
        exit(1);
    }
    td_graph *graph = graphs[0];
    free(graphs);
    td_buf_fini(&text);
    return graph;
}

int main(int argc, char **argv) {
    td_graph *graph = compile(argc - 1, argv + 1);
    void *state = aligned_alloc(16, td_graph_state_bytes(graph));
    memset(state, 0, td_graph_state_bytes(graph));
    const td_graph_line *lines;
    size_t line_count = td_graph_lines(graph, &lines);
    char row[128];
    for (long i = 0; fgets(row, sizeof row, stdin) != NULL; i++) {
        td_bytes digits = {(const uint8_t *)row, strcspn(row, "\n")};
        td_bar bar = {.start_ns = i * td_graph_width_ns(graph), .end_ns = (i + 1) * td_graph_width_ns(graph)};
        bool inexact;
        if (td_decimal_parse(digits, TD_PRICE_SCALE, &bar.close, &inexact) != TD_OK || inexact) {
            (void)fprintf(stderr, "row %ld is no price: %s", i, row);
            return 1;
        }
        td_graph_apply(graph, state, TD_TEXT("TEST:A"), &bar, no_signal, NULL);
        for (size_t k = 0; k < line_count; k++) {
            double value;
            bool has = td_graph_line_value(graph, state, k, &value);
            (void)printf("%.*s %ld ", (int)lines[k].name.size, (const char *)lines[k].name.data, i);
            if (has)
                (void)printf("%.17g\n", value);
            else
                (void)puts("na");
        }
    }
    free(state);
    td_graph_free(graph);
    return 0;
}
