/* tests/unit/lang_reference_test.c - goal: what the instrument table says of an instrument is a value in its
 * strategies and decides which instruments they are for; columns go into the program's own text, and none but those
 * that it names. */
#include "lang/reference.h"
#include "strategy_rig.h"
/* after its own */
#include "unit.h"

static const char table[] = "# ours\r\n instrument , sector,calendar,lot,cap,note\r\n"
                            "V:*,tech,24x7,100,,\nV:B, banks ,24x7,1,3100000000000.5,x\n\nV:Z,,24x7,,,\n"
                            "W:*,tech and more,24x7,50,1e3,\n";

static const char *put(td_buf *text, const char *strategy) {
    td_buf_text(text, strategy);
    if (td_reference_is_wanted(td_buf_bytes(text))) td_reference_put(text, td_text(table));
    td_buf_put(text, "", 1);
    return (const char *)text->data;
}

static void columns_stand_behind_the_text(void **state) {
    (void)state;
    static const struct {
        const char *strategy, *wanted;
    } rows[] = {
        {"strategy a on bars(1m)\n  buy when close > ref.lot # ref.note", /* no line's end */
         "\n#@=instrument,lot\n#@=V:*,100\n#@=V:B,1\n#@=V:Z,\n#@=W:*,50\n"},
        {"strategy a on bars(1m) for V:* where ref.lot > ref.cap\n  buy when close > ref.lot\n",
         "#@=instrument,lot,cap\n#@=V:*,100,\n#@=V:B,1,3100000000000.5\n#@=V:Z,,\n#@=W:*,50,1e3\n"},
        {"strategy a on bars(1m)\n  buy when close > 1 # ref.lot\n", ""},
        {"strategy a on bars(1m)\n  buy when close > ref.lots\n", "#@=instrument,sector,calendar,lot,cap,note\n"},
        {"strategy a on bars(1m)\n  buy when close > ref.lot\n#@=instrument,lot\n", ""}, /* there already */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0};
        const char *all = put(&text, rows[i].strategy);
        ASSERT_ROW(strcmp(all + strlen(rows[i].strategy), rows[i].wanted) == 0, "%zu: %s", i, all);
        td_buf_fini(&text);
    }
}

/* What the condition is for the instrument: 1, 0, or -1 for na. */
static int ask(const char *condition, const char *instrument) {
    td_buf text = {0}, strategy = {0};
    td_buf_printf(&strategy, "strategy a on bars(1m)\n  x = if %s then 1 * close else 0 * close\n  buy when x > 5\n",
                  condition);
    td_buf_put(&strategy, "", 1);
    rig r = rig_open(put(&text, (const char *)strategy.data));
    td_bar bar = rig_bar(&r, 7000000000);
    double x = -1;
    rig_apply(&r, instrument, &bar);
    int answer = !rig_line(&r, "x", &x) ? -1 : x > 0;
    assert_int_equal(r.signal_count, answer == 1);
    rig_close(&r);
    td_buf_fini(&strategy);
    td_buf_fini(&text);
    return answer;
}

static void an_instrument_has_the_values_of_its_row(void **state) {
    (void)state;
    static const struct {
        const char *condition, *instrument;
        int answer;
    } rows[] = {
        {"ref.lot == 100", "V:A", 1},
        {"ref.lot == 100", "V:B", 0},
        {"ref.lot == 50", "W:Q", 1},
        {"ref.lot == 100", "V:Z", -1}, /* its row says nothing */
        {"ref.lot == 100", "U:A", -1}, /* it has none */
        {"nz(ref.lot, 3) == 3", "U:A", 1},
        {"ref.cap == 3100000000000.5", "V:B", 1},
        {"ref.cap == 1000", "W:B", 1},
        {"ref.cap > 1", "V:A", -1},
        {"close > ref.lot", "V:A", 0},
        {"close > ref.lot", "V:B", 1},
        {"close * ref.lot > 699 and ref.sector == \"tech\"", "V:A", 1},
        {"ref.sector == \"tech\"", "V:AB", 1},
        {"ref.sector == \"tech\"", "V:B", 0},
        {"ref.sector == \"tech\"", "W:B", 0},
        {"ref.sector == \"tech\"", "V:Z", -1},
        {"ref.sector == \"tech\"", "U:Z", -1},
        {"ref.sector != \"banks\"", "V:A", 1},
        {"ref.sector != \"banks\"", "V:B", 0},
        {"ref.sector has \"tech\"", "W:B", 1},
        {"\"tech\" in ref.sector", "W:B", 1},
        {"ref.sector in \"tech, banks\"", "V:B", 1},
        {"ref.sector in \"tech, banks\"", "W:B", 0},
        {"\"more\" in ref.sector", "V:B", 0},
        {"\"a\" != \"b\" and ref.lot > 1", "V:A", 1},
        {"ref.sector == ref.note", "V:B", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int answer = ask(rows[i].condition, rows[i].instrument);
        ASSERT_ROW(answer == rows[i].answer, "%zu: %s of %s: %d", i, rows[i].condition, rows[i].instrument, answer);
    }
}

static void where_decides_whom_it_is_for(void **state) {
    (void)state;
    static const struct {
        const char *set, *instrument;
        bool wanted;
    } rows[] = {
        {"V:* where ref.sector == \"tech\" and ref.lot >= 100", "V:A", true},
        {"V:* where ref.sector == \"tech\" and ref.lot >= 100", "V:B", false},
        {"V:* where ref.sector == \"tech\" and ref.lot >= 100", "V:Z", false},
        {"V:* where ref.sector == \"tech\" and ref.lot >= 100", "W:A", false},
        {"V:A, W:* where ref.lot <= 100", "W:A", true},
        {"V:A, W:* where ref.lot < 100", "V:A", false},
        {"V:* where not (ref.sector == \"banks\")", "V:Z", false},
        {"V:* where nz(ref.lot, 0) == 0", "V:Z", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0}, strategy = {0};
        td_buf_printf(&strategy, "strategy a on bars(1m) for %s\n  buy when close > 1\n", rows[i].set);
        td_buf_put(&strategy, "", 1);
        rig r = rig_open(put(&text, (const char *)strategy.data));
        td_bar bar = rig_bar(&r, 7000000000);
        td_graph_strategy s;
        rig_apply(&r, rows[i].instrument, &bar);
        assert_true(td_graph_strategy_at(r.graph, 0, &s));
        ASSERT_ROW(td_graph_strategy_wants(&s, td_text(rows[i].instrument)) == rows[i].wanted, "%zu", i);
        ASSERT_ROW((r.signal_count == 1) == rows[i].wanted, "%zu", i);
        ASSERT_ROW(td_graph_is_active(r.graph, r.state, 0) == rows[i].wanted, "%zu", i);
        rig_close(&r);
        td_buf_fini(&strategy);
        td_buf_fini(&text);
    }
}

static void the_tick_is_a_column(void **state) {
    (void)state;
    static const struct {
        const char *instrument;
        double x; /* -1: na */
    } rows[] = {{"V:A", 1}, {"V:B", 0.04}, {"U:A", -1}, {"V:Z", -1}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0};
        td_buf_text(&text, "strategy a on bars(1m)\n  x = 2 * tick + 0 * close\n  buy when close > x\n");
        assert_true(td_reference_is_wanted(td_buf_bytes(&text)));
        td_reference_put(&text, TD_TEXT("instrument,tick\nV:*,0.5\nV:B,0.02\nV:Z,\n"));
        td_buf_put(&text, "", 1);
        rig r = rig_open((const char *)text.data);
        td_bar bar = rig_bar(&r, 7000000000);
        double x = -1;
        rig_apply(&r, rows[i].instrument, &bar);
        if (!rig_line(&r, "x", &x)) x = -1;
        ASSERT_ROW(x == rows[i].x, "%zu: %g", i, x);
        rig_close(&r);
        td_buf_fini(&text);
    }
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *lines, *error;
    } rows[] = {
        {" for V:* where ref.sectr == \"tech\"\n  buy when close > 1\n", "no column 'sectr'; did you mean 'sector'?"},
        {"\n  buy when close > ref.sector\n", "'ref.sector' is a text: compare it with one, as in ref.sector == \"…\""},
        {"\n  buy when ref.sector == 5\n", "'ref.sector' is a text: compare it with one"},
        {"\n  buy when close == \"a\"\n", "a text is compared with a text"},
        {"\n  buy when ref.sector > \"a\"\n", "texts do not go with '>'"},
        {" for V:* where close > ref.lot\n  buy when close > 1\n",
         "'where' behind a set asks what the instrument table"},
        {" for V:* where ref.lot\n  buy when close > 1\n", "expected a condition, found a number"},
        {"\n  buy when close > tick\n", "the instrument table has no column 'tick'"},
        {"\n  buy when close > tick.size\n", "'tick' is one value and has no fields"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0}, strategy = {0}, errors = {0};
        td_buf_printf(&strategy, "strategy a on bars(1m)%s", rows[i].lines);
        td_buf_put(&strategy, "", 1);
        ASSERT_ROW(rig_compile(put(&text, (const char *)strategy.data), &errors) == NULL, "%zu", i);
        td_buf_put(&errors, "", 1);
        ASSERT_ROW(strstr((const char *)errors.data, rows[i].error) != NULL, "%zu: %s", i, (const char *)errors.data);
        td_buf_fini(&errors);
        td_buf_fini(&strategy);
        td_buf_fini(&text);
    }
    td_buf errors = {0};
    assert_null(rig_compile("strategy a on bars(1m)\n  buy when close > ref.lot\n", &errors));
    td_buf_put(&errors, "", 1);
    assert_non_null(strstr((const char *)errors.data, "name one by `instruments: FILE`"));
    td_buf_fini(&errors);
    rig own = rig_open("strategy a on bars(1m)\n  ref = macd(close, 2, 3, 2)\n  buy when ref.line > 5 and close > 1\n");
    rig_close(&own); /* a name of one's own hides it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_behind_the_text), cmocka_unit_test(an_instrument_has_the_values_of_its_row),
        cmocka_unit_test(where_decides_whom_it_is_for),  cmocka_unit_test(the_tick_is_a_column),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests_name("lang_reference", tests, NULL, NULL);
}
