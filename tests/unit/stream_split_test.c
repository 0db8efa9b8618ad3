/* tests/unit/stream_split_test.c - goal: a split alone gives no signal. Every example, and every function of the
 * language, is run over a market twice, once with splits in the middle of it, and does and says the same bar by bar,
 * with and without looking back. */
#include "lang/function.h"
#include "strategy_rig.h"
#include "stream/hindsight.h"
#include "unit.h"
#include <glob.h>
#include <stdio.h>

enum { BARS = 600, DEPTH = 7 };

static uint32_t dice(uint32_t *seed) { return (*seed = *seed * 1664525u + 1013904223u) >> 8; }

/* Splits that divide prices of whole cents and volumes of whole shares without a rest, and what they come to. */
static const struct {
    int bar;
    uint32_t numerator, denominator;
    int64_t up, down; /* one share of the beginning, as up / down shares */
} splits[] = {{150, 5, 1, 5, 1}, {300, 1, 20, 1, 4}, {450, 8, 1, 2, 1}};

typedef struct market {
    td_bar bars[BARS];
    td_shares shares;
} market;

static const char instrument[] = "LEAN:AIG";

/* Up and down around 100, in cents: a walk with moves that make the examples act. */
static void make_market(market *m, int64_t width_ns, bool with_splits) {
    uint32_t seed = 11;
    int64_t cents = 10000;
    memset(m, 0, sizeof *m);
    for (int i = 0; i < BARS; i++) {
        int64_t up = 1, down = 1, trend = i / 40 % 2 == 0 ? 20 : -20, open = cents;
        for (size_t s = 0; with_splits && s < COUNT_OF(splits) && i >= splits[s].bar; s++) {
            up = splits[s].up;
            down = splits[s].down;
        }
        cents += trend + (int64_t)(dice(&seed) % 121) - 60;
        int64_t high = (open > cents ? open : cents) + dice(&seed) % 9, low = (open < cents ? open : cents) - 5;
        int64_t shares = 1 + dice(&seed) % 900, price = 10000000 * down, start_ns = i * width_ns;
        m->bars[i] = (td_bar){.start_ns = start_ns,
                              .end_ns = start_ns + width_ns,
                              .width_ns = width_ns,
                              .open = open * price / up,
                              .high = high * price / up,
                              .low = low * price / up,
                              .close = cents * price / up,
                              .vwap = (high + low) / 2 * price / up,
                              .volume = (td_i128)shares * 5600000000 * up / down,
                              .trade_count = 1 + i % 5,
                              .known_at_ns = start_ns + width_ns + 1};
        m->bars[i].notional = (td_i128)m->bars[i].vwap * m->bars[i].volume;
    }
    for (size_t s = 0; with_splits && s < COUNT_OF(splits); s++) {
        td_corporate c = {.ex_day = (int32_t)s, .numerator = splits[s].numerator, .denominator = splits[s].denominator};
        assert_int_equal(td_shares_put(&m->shares, td_text(instrument), &c, m->bars[splits[s].bar].start_ns),
                         TD_SHARE_TAKEN);
    }
}

typedef struct life {
    td_graph *graph;
    td_hindsight h;
    td_buf told; /* a line for each signal */
    const td_bar *bar;
} life;

static void on_signal(void *arg, const td_signal *s) {
    life *l = arg;
    td_buf_printf(&l->told, "%.*s %lld %u %u %u\n", (int)s->strategy.size, (const char *)s->strategy.data,
                  (long long)s->event_ns, s->ordinal, s->action, s->status);
    if (s->status == TD_SIGNAL_FRESH) assert_true(s->price == l->bar->close); /* as traded */
}

static life begin(const char *text, uint32_t depth, const td_shares *shares) {
    td_buf errors = {0};
    life l = {.graph = rig_compile(text, &errors)};
    if (l.graph == NULL) fail_msg("%s: %.*s", text, (int)errors.size, (const char *)errors.data);
    size_t bytes = td_hindsight_bytes(l.graph, depth);
    l.h = (td_hindsight){.graph = l.graph, .depth = depth, .shares = shares, .state = aligned_alloc(16, bytes)};
    memset(l.h.state, 0, bytes);
    return l;
}

static void end(life *l) {
    free(l->h.state);
    td_buf_fini(&l->told);
    td_graph_free(l->graph);
}

/* Now and then a bar of before comes again, with another high. */
static void step(life *l, const td_bar *bars, int i) {
    l->bar = &bars[i];
    td_hindsight_apply(l->h, td_text(instrument), l->bar, on_signal, l);
    if (l->h.depth == 0 || i % 3 != 0 || i < 4) return;
    td_bar again = bars[i - 2];
    again.high += again.high - again.low;
    again.close = again.high;
    again.revision = 1;
    again.known_at_ns = l->bar->known_at_ns;
    (void)rig_revise(l->h, td_text(instrument), &again, on_signal, l);
}

static void same_lines(const life *a, const life *b, const char *what, int bar) {
    const td_graph_line *lines;
    for (size_t i = td_graph_lines(a->graph, &lines); i-- > 0;) {
        double x = 0, y = 0;
        bool has = td_graph_line_value(a->graph, a->h.state, i, &x);
        ASSERT_ROW(has == td_graph_line_value(b->graph, b->h.state, i, &y) && memcmp(&x, &y, sizeof x) == 0,
                   "%d, %s, %.*s: %.17g and %.17g", bar, what, (int)lines[i].name.size,
                   (const char *)lines[i].name.data, x, y);
    }
}

/* Returns how many signals there were. */
static size_t run_both(const char *text, const char *what, uint32_t depth) {
    static market plain, split;
    td_buf errors = {0};
    td_graph *graph = rig_compile(text, &errors);
    if (graph == NULL) fail_msg("%s: %.*s", what, (int)errors.size, (const char *)errors.data);
    make_market(&plain, td_graph_width_ns(graph), false);
    make_market(&split, td_graph_width_ns(graph), true);
    td_graph_free(graph);
    life a = begin(text, depth, &plain.shares), b = begin(text, depth, &split.shares);
    for (int i = 0; i < BARS; i++) {
        step(&a, plain.bars, i);
        step(&b, split.bars, i);
        same_lines(&a, &b, what, i);
    }
    td_buf_put(&a.told, "", 1);
    td_buf_put(&b.told, "", 1);
    assert_string_equal((const char *)a.told.data, (const char *)b.told.data);
    size_t signals = 0;
    for (size_t i = 0; i < a.told.size; i++) signals += a.told.data[i] == '\n';
    end(&a);
    end(&b);
    td_shares_fini(&split.shares);
    return signals;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 16);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

/* For every instrument: what it says `for` does not matter here. */
static void open_to_all(char *text) {
    for (char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
        char *list = strncmp(line, "strategy ", 9) == 0 ? strstr(line, " for ") : NULL;
        if (list != NULL && list < strchr(line, '\n')) memset(list, ' ', strcspn(list, "\n"));
    }
}

static void examples_do_the_same(void **state) {
    (void)state;
    glob_t found;
    assert_int_equal(glob("strategies/*.td", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *text = read_file(found.gl_pathv[i]);
        open_to_all(text);
        ASSERT_ROW(run_both(text, found.gl_pathv[i], 0) >= 5, "%s acts too rarely", found.gl_pathv[i]);
        ASSERT_ROW(run_both(text, found.gl_pathv[i], DEPTH) >= 5, "%s acts too rarely", found.gl_pathv[i]);
        free(text);
    }
    assert_true(found.gl_pathc >= 3);
    globfree(&found);
}

/* One value, or one field of several, as a line or as what is acted on. */
static void value_says_the_same(const char *expr, uint32_t depth) {
    char text[1024];
    td_buf errors = {0};
    (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  v = %s\n  buy when v > 0\n", expr);
    td_graph *graph = rig_compile(text, &errors);
    if (graph == NULL)
        (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  buy when %s\n  sell when not (%s)\n", expr, expr);
    td_graph_free(graph);
    td_buf_fini(&errors);
    (void)run_both(text, expr, depth);
}

static void functions_say_the_same(void **state) {
    (void)state;
    uint32_t count = 0;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        char expr[256];
        for (uint32_t i = 0; f->group != NULL && td_function_has_fields(f) && f->parts[i].name != NULL; i++) {
            if (td_function_field(f, td_text(f->parts[i].name)) == NULL) continue;
            (void)snprintf(expr, sizeof expr, "%s.%s", f->example, f->parts[i].name);
            value_says_the_same(expr, count++ % 2 == 0 ? 0 : DEPTH);
        }
        if (f->group == NULL || td_function_has_fields(f)) continue;
        value_says_the_same(f->example, count++ % 2 == 0 ? 0 : DEPTH);
    }
    assert_true(count > 100);
}

/* A level in the text means shares of the beginning, too: no split takes the price across it. */
static void levels_stay(void **state) {
    (void)state;
    assert_true(run_both("strategy a on bars(1m)\n  buy when close > 100\n  sell when close < 99\n"
                         "  short when volume > 40000\n  cover when volume < 20000\n",
                         "levels", DEPTH) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_do_the_same),
        cmocka_unit_test(functions_say_the_same),
        cmocka_unit_test(levels_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
