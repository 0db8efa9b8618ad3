/* tests/oracle/indicator_dump.c - bars of a minute on stdin, a line each: open high low close volume as decimal text;
 * out come the values of the expressions given as arguments, through the language: a line a bar, in their order, na:
 * "na". With `--times CALENDAR` before them each line begins with the bar's start in ns; CALENDAR "": none. */
#include "lang/lang.h"
#include <stdio.h>
#include <stdlib.h>

static void no_signal(void *arg, const td_signal *signal) {
    (void)arg;
    (void)signal;
}

static td_graph *compile(int count, char **expressions) {
    td_buf text = {0}, errors = {0};
    td_graph **graphs = NULL;
    size_t graph_count = 0;
    td_buf_text(&text, "strategy dump on bars(1m)\n");
    for (int i = 0; i < count; i++) td_buf_printf(&text, "  v%d = %s\n", i, expressions[i]);
    const td_source_text source = {"dump", td_buf_bytes(&text)};
    if (td_lang_compile(&source, 1, &graphs, &graph_count, &errors) != TD_OK) {
        (void)fprintf(stderr, "%.*s", (int)errors.size, (const char *)errors.data);
        exit(1);
    }
    td_graph *graph = graphs[0];
    free(graphs);
    td_buf_fini(&text);
    return graph;
}

static bool read_decimal(char **at, int scale, int64_t *out) {
    bool inexact;
    td_bytes digits = {(const uint8_t *)*at, strcspn(*at, " \n")};
    *at += digits.size;
    while (**at == ' ') ++*at;
    return td_decimal_parse(digits, scale, out, &inexact) == TD_OK && !inexact;
}

static bool read_bar(char *row, bool times, int64_t index, int64_t width_ns, td_bar *bar) {
    int64_t volume, start_ns = index * width_ns;
    if (times) start_ns = strtoll(row, &row, 10);
    row += strspn(row, " ");
    *bar = (td_bar){.start_ns = start_ns, .end_ns = start_ns + width_ns, .width_ns = width_ns};
    if (!read_decimal(&row, TD_PRICE_SCALE, &bar->open) || !read_decimal(&row, TD_PRICE_SCALE, &bar->high) ||
        !read_decimal(&row, TD_PRICE_SCALE, &bar->low) || !read_decimal(&row, TD_PRICE_SCALE, &bar->close) ||
        !read_decimal(&row, TD_SIZE_SCALE, &volume))
        return false;
    bar->volume = volume;
    bar->vwap = bar->close;
    return true;
}

static td_calendar *read_calendar(const char *path) {
    td_calendar *calendar = NULL;
    td_buf text = {0};
    char chunk[4096];
    size_t size;
    FILE *file = path[0] != '\0' ? fopen(path, "rb") : NULL;
    if (path[0] == '\0') return NULL;
    while (file != NULL && (size = fread(chunk, 1, sizeof chunk, file)) > 0) td_buf_put(&text, chunk, size);
    if (file == NULL || td_calendar_parse(td_buf_bytes(&text), &calendar) != TD_OK) {
        (void)fprintf(stderr, "no calendar: %s\n", path);
        exit(1);
    }
    (void)fclose(file);
    td_buf_fini(&text);
    return calendar;
}

int main(int argc, char **argv) {
    bool times = argc > 2 && strcmp(argv[1], "--times") == 0;
    td_calendar *calendar = times ? read_calendar(argv[2]) : NULL;
    int skip = times ? 3 : 1;
    td_graph *graph = compile(argc - skip, argv + skip);
    void *state = aligned_alloc(16, td_graph_state_bytes(graph));
    memset(state, 0, td_graph_state_bytes(graph));
    const td_graph_line *lines;
    size_t line_count = td_graph_lines(graph, &lines);
    char row[256];
    for (int64_t i = 0; fgets(row, sizeof row, stdin) != NULL; i++) {
        td_bar bar;
        if (!read_bar(row, times, i, td_graph_width_ns(graph), &bar)) {
            (void)fprintf(stderr, "row %ld is no bar: %s", (long)i, row);
            return 1;
        }
        td_graph_event event = {.instrument = TD_TEXT("TEST:A"), .bar = &bar, .calendar = calendar};
        td_graph_apply(graph, state, &event, no_signal, NULL);
        for (size_t k = 0; k < line_count; k++) {
            double value;
            if (td_graph_line_value(graph, state, k, &value))
                (void)printf("%.17g%c", value, k + 1 < line_count ? ' ' : '\n');
            else
                (void)printf("na%c", k + 1 < line_count ? ' ' : '\n');
        }
    }
    free(state);
    td_graph_free(graph);
    td_calendar_free(calendar);
    return 0;
}
