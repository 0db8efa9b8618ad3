/* tests/unit/lang_function_test.c - goal: what each row of the functions says of it is true of its values: its example
 * compiles, it begins after its warm-up, forgets what it says it forgets, does not look ahead,
 * and goes on from a saved state as if nothing had been. */
#include "lang/function.h"
#include "strategy_rig.h"
#include <math.h>
#include <stdio.h>

enum { BARS = 3000, CUT = 1700, LATER = 100 };

typedef struct series {
    bool has[BARS];
    double value[BARS];
} series;

/* ---- the market ---- */

static uint32_t dice(uint32_t *seed) { return (*seed = *seed * 1664525u + 1013904223u) >> 8; }

/* Prices in even ten-thousandths around 100; high and low stand apart. */
static void make_bars(td_bar bars[BARS]) {
    uint32_t seed = 7;
    int64_t last = 1000000;
    for (int i = 0; i < BARS; i++) {
        int64_t open = last + 2 * (int64_t)(dice(&seed) % 300) - 300,
                close = open + 2 * (int64_t)(dice(&seed) % 900) - 900;
        int64_t high = (open > close ? open : close) + 2 + 2 * (int64_t)(dice(&seed) % 200);
        int64_t low = (open < close ? open : close) - 2 - 2 * (int64_t)(dice(&seed) % 200);
        last = close < 500000 ? 600000 : close > 2000000 ? 1900000 : close;
        int64_t unit = 100000;
        bars[i] = (td_bar){.open = open * unit,
                           .high = high * unit,
                           .low = low * unit,
                           .close = close * unit,
                           .vwap = (high + low) / 2 * unit,
                           .volume = (td_i128)(1 + dice(&seed) % 5000) * 1000000,
                           .trade_count = 1 + i % 7};
    }
}

/* ---- running one expression ---- */

static rig open_value(const char *expr) {
    char text[512];
    td_buf errors = {0};
    (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  v = %s\n", expr);
    td_graph *graph = rig_compile(text, &errors);
    const td_graph_line *lines;
    if (graph == NULL) fail_msg("%s: %.*s", expr, (int)errors.size, (const char *)errors.data);
    bool number = td_graph_lines(graph, &lines) > 0;
    td_graph_free(graph);
    if (!number)
        (void)snprintf(text, sizeof text, "strategy a on bars(1m)\n  v = if %s then close else -close\n", expr);
    return rig_open(text);
}

static void step(rig *r, const td_bar *of, series *out, int i) {
    int64_t width = td_graph_width_ns(r->graph);
    td_bar bar = *of;
    bar.start_ns = i * width;
    bar.end_ns = bar.start_ns + width;
    bar.width_ns = width;
    rig_apply(r, "TEST:A", &bar);
    out->has[i] = rig_line(r, "v", &out->value[i]);
}

static void run(const char *expr, const td_bar *bars, int from, series *out) {
    rig r = open_value(expr);
    for (int i = from; i < BARS; i++) step(&r, &bars[i], out, i);
    rig_close(&r);
}

static bool same(const series *a, const series *b, int i) {
    return a->has[i] == b->has[i] && (!a->has[i] || memcmp(&a->value[i], &b->value[i], sizeof a->value[i]) == 0);
}

/* ---- the example's arguments ---- */

/* Argument `index` as the example gives it, or its default; bar inputs are left out in examples. */
static void find_arg(const td_function *f, uint32_t index, char out[64]) {
    uint32_t skip = 0, at = 0, depth = 0;
    const char *text = strchr(f->example, '(') + 1, *begin = text;
    while (f->args[skip].kind == TD_ARG_BAR) skip++;
    (void)snprintf(out, 64, "%s", f->args[index].fallback != NULL ? f->args[index].fallback : "");
    for (const char *c = text; *c != '\0'; c++) {
        if ((*c == ',' && depth == 0) || (*c == ')' && depth == 0)) {
            if (at + skip == index && c > begin) (void)snprintf(out, 64, "%.*s", (int)(c - begin), begin);
            at++;
            begin = c + 1;
        }
        depth += *c == '(';
        depth -= *c == ')' && depth > 0;
    }
}

static int warmup_of(const td_function *f, const char *warmup) {
    char text[512], value[64];
    int size = snprintf(text, sizeof text, "strategy w on bars(1m)\n");
    for (uint32_t i = 0; f->args[i].kind != TD_ARG_NONE; i++) {
        if (f->args[i].kind != TD_ARG_LENGTH && f->args[i].kind != TD_ARG_WINDOW) continue;
        find_arg(f, i, value);
        size += snprintf(text + size, sizeof text - (size_t)size, "  %s = %s\n", f->args[i].name, value);
    }
    (void)snprintf(text + size, sizeof text - (size_t)size, "  v = 0 * close + (%s)\n", warmup);
    rig r = rig_open(text);
    rig_price(&r, 1000);
    double bars = -1;
    assert_true(rig_line(&r, "v", &bars));
    rig_close(&r);
    return (int)bars;
}

/* ---- what must hold of a value ---- */

static td_bar plain[BARS];
static series whole, other;

static bool is_condition(const td_function *f) { return strncmp(f->help, "condition", strlen("condition")) == 0; }

static void check_warmup(const td_function *f, const char *expr, const char *warmup) {
    if (warmup == NULL) return;
    int first = 0;
    while (first < BARS && !whole.has[first]) first++;
    int expected = warmup_of(f, warmup); /* a condition may be known to be false before: false and na is false */
    if (is_condition(f) ? first > expected : first != expected)
        fail_msg("%s begins after %d bars, not %s", expr, first, warmup);
}

static void check_no_look_ahead(const char *expr) {
    rig r = open_value(expr);
    for (int i = 0; i < BARS; i++) step(&r, i < CUT ? &plain[i] : &plain[(i * 7) % BARS], &other, i);
    rig_close(&r);
    for (int i = 0; i < CUT; i++)
        if (!same(&whole, &other, i)) fail_msg("%s: bar %d knows what comes later", expr, i);
}

static void check_saved(const char *expr) {
    rig r = open_value(expr);
    for (int i = 0; i < BARS; i++) {
        if (i == CUT) { /* into another block, and the old one is spoilt */
            void *copy = rig_new_state(r.graph);
            memcpy(copy, r.state, td_graph_state_bytes(r.graph));
            memset(r.state, 0xa5, td_graph_state_bytes(r.graph));
            free(r.state);
            r.state = copy;
        }
        step(&r, &plain[i], &other, i);
        if (!same(&whole, &other, i)) fail_msg("%s: bar %d differs after the state was moved", expr, i);
    }
    rig_close(&r);
}

static void check_memory(const td_function *f, const char *expr, const char *warmup) {
    if (f->memory == TD_MEMORY_START) return;
    run(expr, plain, LATER, &other);
    int from = f->memory == TD_MEMORY_WINDOW ? LATER + warmup_of(f, warmup) : BARS - 1;
    for (int i = from; i < BARS; i++) {
        bool near = fabs(whole.value[i] - other.value[i]) <= 1e-6 * (fabs(whole.value[i]) + 1e-3);
        if (f->memory == TD_MEMORY_WINDOW ? !same(&whole, &other, i) : !near)
            fail_msg("%s: bar %d is %a, %a when begun later", expr, i, whole.value[i], other.value[i]);
    }
}

static void check_value(const td_function *f, const char *field, const char *warmup) {
    char expr[256];
    (void)snprintf(expr, sizeof expr, "%s%s%s", f->example, field[0] != '\0' ? "." : "", field);
    run(expr, plain, 0, &whole);
    check_warmup(f, expr, warmup);
    check_no_look_ahead(expr);
    check_saved(expr);
    check_memory(f, expr, warmup);
}

static void test_values(void **state) {
    (void)state;
    make_bars(plain);
    uint32_t count = 0;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        if (f->group == NULL) continue;
        count++;
        if (f->parts[0].name == NULL) check_value(f, "", f->warmup);
        for (const td_part *part = f->parts; part->name != NULL; part++)
            if (part->name[0] != '_') check_value(f, part->name, part->warmup);
    }
    assert_in_range(count, 100, td_function_count);
}

/* ---- windows over time ---- */

static const char *const windows[] = {
    "30m", "90s", "session", "since(volume > 45)", "7, where = close > open", "2h, where = volume > 20"};

/* The example with another window: its argument there, and `where` behind all of them. */
static void put_call(const td_function *f, uint32_t at, const char *window, char out[256]) {
    size_t size = (size_t)snprintf(out, 256, "%s(", f->name), width = strcspn(window, ",");
    if (strncmp(window, "since", 5) == 0) width = strlen(window);
    for (uint32_t i = 0; f->args[i].kind != TD_ARG_NONE; i++) {
        char value[64];
        find_arg(f, i, value);
        size += (size_t)snprintf(out + size, 256 - size, "%s%.*s", i > 0 ? ", " : "", i == at ? (int)width : 64,
                                 i == at ? window : value);
    }
    (void)snprintf(out + size, 256 - size, "%s)", window + width);
}

static void check_begun_later(const char *expr, const char *window) {
    int from = strcmp(window, "session") == 0 ? 1440 : LATER + 125; /* the next day; longer than any of the windows */
    if (strncmp(window, "since", 5) == 0 || window[0] == '7') return;
    run(expr, plain, LATER, &other);
    for (int i = from; i < BARS; i++)
        if (!same(&whole, &other, i)) fail_msg("%s: bar %d is another when begun later", expr, i);
}

static void check_over(const td_function *f, uint32_t at, const char *field) {
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        char call[256], expr[300];
        put_call(f, at, windows[i], call);
        (void)snprintf(expr, sizeof expr, "%s%s%s", call, field[0] != '\0' ? "." : "", field);
        bool keeps = f->over == TD_OP_OVER_RANK || f->over == TD_OP_OVER_QUANTILE || strcmp(f->name, "median") == 0;
        if (keeps && strncmp(windows[i], "since", 5) == 0) continue; /* refused: lang_error_test.c */
        run(expr, plain, 0, &whole);
        int count = 0;
        for (int k = 0; k < BARS; k++) count += whole.has[k];
        if (count < BARS / 3) fail_msg("%s has %d values", expr, count);
        check_no_look_ahead(expr);
        check_saved(expr);
        check_begun_later(expr, windows[i]);
    }
}

static void test_windows(void **state) {
    (void)state;
    make_bars(plain);
    uint32_t count = 0;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        uint32_t at = 0;
        while (f->args[at].kind != TD_ARG_NONE && f->args[at].kind != TD_ARG_WINDOW) at++;
        if (f->args[at].kind == TD_ARG_NONE) continue;
        count++;
        if (f->parts[0].name == NULL) check_over(f, at, "");
        for (const td_part *part = f->parts; part->name != NULL; part++)
            if (part->name[0] != '_') check_over(f, at, part->name);
    }
    assert_in_range(count, 20, td_function_count);
}

/* ---- what must hold of a row ---- */

static void test_rows(void **state) {
    (void)state;
    for (const td_function *f = td_functions; f->name != NULL; f++) {
        assert_ptr_equal(td_function_find(td_text(f->name), true), f); /* no row above has its name */
        assert_in_range(td_function_arg_count(f), 1, TD_FUNCTION_ARGS_MAX);
        assert_in_range(td_function_part_count(f), 0, TD_FUNCTION_PARTS_MAX);
        bool inner = f->name[0] == '_';
        assert_true(inner == (f->group == NULL) && inner == (f->help == NULL) && inner == (f->source == NULL));
        assert_true(td_function_find(td_text(f->name), false) == (inner ? NULL : f));
        if (!inner) assert_memory_equal(f->example, f->name, strlen(f->name));
    }
    assert_string_equal(td_function_find(TD_TEXT("highest"), false)->name, "max");
    assert_string_equal(td_function_find(TD_TEXT("bb"), false)->name, "bbands");
    assert_null(td_function_find(TD_TEXT("b"), false));
    assert_string_equal(td_function_nearest(TD_TEXT("stocrsi")), "stochrsi");
}

static void test_text(void **state) {
    (void)state;
    td_buf out = {0};
    td_function_put_text(td_function_find(TD_TEXT("stoch"), false), &out);
    td_buf_put(&out, "", 1);
    assert_string_equal((const char *)out.data,
                        "stoch([high, low, close,] fast = 5, slow = 3, smooth = 3)\n"
                        "    slow stochastic: the smoothed fast one, and its own average\n"
                        "    fields: .k .d\n"
                        "    bars without a value: .k fast + slow - 2; .d fast + slow + smooth - 3; memory: window; "
                        "source: TA-Lib\n"
                        "    example: stoch(14, 3, 3)\n");
    td_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
