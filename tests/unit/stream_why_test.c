/* tests/unit/stream_why_test.c - goal: what became of each action follows the rules of targets, and what is said of a
 * condition's parts are the values that decided. */
#include "strategy_rig.h"
#include "stream/why.h"

/* ---- verdicts: each action is true where its letter stands, at a target of -1, 0 or 1 ---- */

static const struct {
    const char *actions; /* true: b(uy) s(ell) h (short) c(over) x (exit) */
    int target;
    td_why_word words[5]; /* of buy, sell, short, cover, exit */
} cells[] = {
    {"-----", 0, {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"b----", 0, {TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"b----", 1, {TD_WHY_THERE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"b----", -1, {TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"bs---", 1, {TD_WHY_BEATEN, TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"-s---", 0, {TD_WHY_FALSE, TD_WHY_FLAT, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"-s---", -1, {TD_WHY_FALSE, TD_WHY_FLAT, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"b-h--", 0, {TD_WHY_CONTRADICTED, TD_WHY_FALSE, TD_WHY_CONTRADICTED, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"--h--", -1, {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_THERE, TD_WHY_FALSE, TD_WHY_FALSE}},
    {"--hc-", -1, {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_BEATEN, TD_WHY_FIRED, TD_WHY_FALSE}},
    {"b--c-", -1, {TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_OTHER, TD_WHY_FALSE}},
    {"-s--x", 1, {TD_WHY_FALSE, TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_OTHER}},
    {"----x", 0, {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FLAT}},
};

static const char program[] = "strategy a on bars(1m) for TEST:A\n  buy when open == 1\n  sell when high == 1\n"
                              "  short when low == 1\n  cover when vwap == 1\n  exit when volume == 1\n";

static void run_actions(rig *r, const char *actions) {
    td_bar bar = rig_bar(r, 0);
    bar.open = strchr(actions, 'b') != NULL ? TD_VALUE_ONE : 0;
    bar.high = strchr(actions, 's') != NULL ? TD_VALUE_ONE : 0;
    bar.low = strchr(actions, 'h') != NULL ? TD_VALUE_ONE : 0;
    bar.vwap = strchr(actions, 'c') != NULL ? TD_VALUE_ONE : 0;
    bar.volume = strchr(actions, 'x') != NULL ? TD_VALUE_ONE / 10 : 0;
    rig_apply(r, "TEST:A", &bar);
}

static const td_why_action *actions_of(const td_why *why) {
    return (const td_why_action *)(const void *)why->actions.data;
}
static const td_why_row *rows_of(const td_why *why) { return (const td_why_row *)(const void *)why->rows.data; }

static void test_verdicts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        rig r = rig_open(program);
        td_why why;
        if (cells[i].target != 0) run_actions(&r, cells[i].target > 0 ? "b" : "h");
        int64_t target = td_graph_target(r.graph, r.state, 0);
        assert_int_equal(target, cells[i].target * INT64_C(100000000));
        size_t before = r.signal_count;
        run_actions(&r, cells[i].actions);
        const td_why_question q = {.graph = r.graph, .at = r.state, .stance = {.targets = {target}}, .meant = true};
        td_why_ask(&why, &q);
        assert_int_equal(why.actions.size / sizeof(td_why_action), 5);
        for (int k = 0; k < 5; k++) {
            const td_why_action *action = &actions_of(&why)[k];
            if (action->verdict != cells[i].words[k])
                fail_msg("%s at %d: action %d is %d, expected %d", cells[i].actions, cells[i].target, k,
                         action->verdict, cells[i].words[k]);
            if (action->verdict == TD_WHY_FIRED) assert_int_equal(r.signals[before].action, action->action);
        }
        td_why_fini(&why);
        rig_close(&r);
    }
}

/* An exit of the bar before, and a cooldown: what is true is no entry, unless something else says so first. */
static void test_held_back(void **state) {
    (void)state;
    static const char cooled[] = "strategy a on bars(1m)\n  buy when open == 1\n  sell when high == 1\n"
                                 "  short when low == 1\n  cooldown 1h\n";
    static const struct {
        const char *actions;
        td_why_word words[3];
    } rows[] = {
        {"b", {TD_WHY_HELD_BACK, TD_WHY_FALSE, TD_WHY_FALSE}},
        {"h", {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_HELD_BACK}},
        {"bs", {TD_WHY_BEATEN, TD_WHY_FLAT, TD_WHY_FALSE}},
        {"bh", {TD_WHY_CONTRADICTED, TD_WHY_FALSE, TD_WHY_CONTRADICTED}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig r = rig_open(cooled);
        td_why why;
        run_actions(&r, "b");
        run_actions(&r, "s");
        size_t before = r.signal_count;
        run_actions(&r, rows[i].actions);
        assert_int_equal(r.signal_count, before);
        const td_why_question q = {.graph = r.graph, .at = r.state, .stance = {.held_back = true}, .meant = true};
        td_why_ask(&why, &q);
        for (int k = 0; k < 3; k++)
            if (actions_of(&why)[k].verdict != rows[i].words[k])
                fail_msg("%s: action %d is %d", rows[i].actions, k, actions_of(&why)[k].verdict);
        td_why_fini(&why);
        rig_close(&r);
    }
}

/* What is told beside the target: alerts when their condition begins to hold, values whenever it holds. */
static void test_reports(void **state) {
    (void)state;
    static const char telling[] = "strategy a on bars(1m)\n  alert \"high\" when high == 1\n"
                                  "  emit below { x = close } when low == 1\n  emit each { x = close }\n"
                                  "  stop when open == 1\n";
    static const struct {
        const char *actions;
        td_why_word words[4]; /* of the stop, the alert, the emits */
    } rows[] = {
        {"-", {TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FIRED}},
        {"s", {TD_WHY_FALSE, TD_WHY_FIRED, TD_WHY_FALSE, TD_WHY_FIRED}},
        {"sh", {TD_WHY_FALSE, TD_WHY_STANDING, TD_WHY_FIRED, TD_WHY_FIRED}},
        {"b", {TD_WHY_FLAT, TD_WHY_FALSE, TD_WHY_FALSE, TD_WHY_FIRED}},
    };
    rig r = rig_open(telling);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        td_why why;
        run_actions(&r, rows[i].actions);
        td_why_ask(&why, &(td_why_question){.graph = r.graph, .at = r.state, .meant = true});
        const td_why_action *actions = actions_of(&why);
        assert_int_equal(why.actions.size / sizeof *actions, 4);
        assert_int_equal(actions[0].leaving, TD_LEAVING_STOP);
        assert_int_equal(actions[1].action, TD_ACTION_ALERT);
        for (int k = 0; k < 4; k++)
            if (actions[k].verdict != rows[i].words[k])
                fail_msg("%s: %d is %d", rows[i].actions, k, actions[k].verdict);
        assert_int_equal(actions[3].count, 0); /* it has no condition */
        const td_why_row *row = &rows_of(&why)[actions[1].first];
        assert_true(td_bytes_equal(td_why_text(&why, row->text, row->text_size), TD_TEXT("high == 1")));
        td_why_fini(&why);
    }
    rig_close(&r);
}

/* How far the last price is from where the position is left, on its own side. */
static void test_levels(void **state) {
    (void)state;
    static const struct {
        int64_t quantity, price, away[3];
    } rows[] = {{0, 100, {0}}, {1, 100, {1, 3, 9}}, {1, 98, {-1, 1, 11}}, {-1, 100, {-1, -3, -9}}};
    rig r = rig_open("strategy a on bars(1m)\n  buy when close > 0\n  stop 1\n  trail 2\n  target 9\n");
    rig_price(&r, 0);
    td_exits exits = td_graph_exits(r.graph, r.state, 0);
    const int64_t prices[] = {99, 97, 109};
    for (int k = 0; k < 3; k++) exits.at[k] = (td_exit){prices[k], k != 1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        td_why why;
        exits.paper->quantity = rows[i].quantity;
        td_why_ask(&why,
                   &(td_why_question){
                       .graph = r.graph, .at = r.state, .position = r.state, .price = rows[i].price, .meant = true});
        const td_why_level *levels = (const td_why_level *)(const void *)why.levels.data;
        assert_int_equal(why.levels.size / sizeof *levels, rows[i].quantity != 0 ? 3 : 0);
        for (int k = 0; k < 3 && rows[i].quantity != 0; k++) {
            assert_int_equal(levels[k].away, rows[i].away[k]);
            assert_int_equal(levels[k].price, prices[k]);
            assert_int_equal(levels[k].awake, k != 1);
        }
        td_why_fini(&why);
    }
    rig_close(&r);
}

static void test_not_meant(void **state) {
    (void)state;
    rig r = rig_open(program);
    td_why why;
    td_bar bar = rig_bar(&r, TD_VALUE_ONE);
    rig_apply(&r, "OTHER:A", &bar);
    td_why_ask(&why, &(td_why_question){.graph = r.graph, .at = r.state});
    assert_int_equal(actions_of(&why)[0].verdict, TD_WHY_NOT_MEANT);
    assert_int_equal(why.rows.size, 0);
    td_why_fini(&why);
    rig_close(&r);
}

/* ---- rows ---- */

static void check_row(const td_why *why, size_t i, const char *text, uint32_t depth) {
    const td_why_row *row = &rows_of(why)[i];
    td_bytes got = td_why_text(why, row->text, row->text_size);
    if (!td_bytes_equal(got, td_text(text))) fail_msg("row %zu: \"%.*s\"", i, (int)got.size, (const char *)got.data);
    assert_int_equal(row->depth, depth);
}

/* Comments are left out, a name is told what it means once, an exact comparison is off exactly. */
static void test_rows(void **state) {
    (void)state;
    rig r = rig_open("strategy a on bars(1m)\n  param n = 2\n  f = sma(close, n)\n"
                     "  buy when close > 61500 # a level\n    and f > f[1]\n");
    td_why why;
    rig_price(&r, 61499000);
    void *before = rig_new_state(r.graph);
    memcpy(before, r.state, td_graph_state_bytes(r.graph));
    rig_price(&r, 61499500);
    const td_why_question q = {.graph = r.graph, .before = before, .at = r.state, .meant = true};
    td_why_ask(&why, &q);
    assert_int_equal(why.rows.size / sizeof(td_why_row), 11);
    check_row(&why, 0, "close > 61500 and f > f[1]", 0);
    check_row(&why, 1, "close > 61500", 1);
    check_row(&why, 2, "close", 2);
    check_row(&why, 4, "f > f[1]", 1);
    check_row(&why, 5, "f = sma(close, n)", 2);
    check_row(&why, 6, "close", 3);
    check_row(&why, 7, "n = 2", 3);
    check_row(&why, 8, "f[1]", 2);
    check_row(&why, 9, "f", 3);
    const td_why_row *level = &rows_of(&why)[1], *f = &rows_of(&why)[5];
    assert_true(level->measured && level->off_type == TD_TYPE_DECIMAL && level->off == -TD_VALUE_ONE / 2);
    assert_true(level->share < -8.13e-6 && level->share > -8.131e-6);
    assert_true(rows_of(&why)[2].before == 61499 * TD_VALUE_ONE);
    assert_true(td_value_is_na(f->before) && f->warmup == 1 && td_value_to_real(f->at) == 61499.25);
    assert_int_equal(why.seen, 2);
    assert_int_equal(actions_of(&why)[0].verdict, TD_WHY_FALSE);
    const td_why_param *param = (const td_why_param *)(const void *)why.params.data;
    assert_true(param->value == 2 * TD_VALUE_ONE);
    td_why_fini(&why);
    free(before);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts), cmocka_unit_test(test_held_back), cmocka_unit_test(test_reports),
        cmocka_unit_test(test_levels),   cmocka_unit_test(test_not_meant), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
