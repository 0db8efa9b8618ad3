/* tests/unit/lang_lower_action_test.c - goal: a leg that means nothing is refused at its place, with the cure. */
#include "strategy_rig.h"

static void legs_that_mean_nothing(void **unused) {
    (void)unused;
    static const char text[] = "strategy a on bars(1m) for V:KO\n"
                               "  use hour = bars(1h)\n"
                               "  use self = V:KO bars(1h)\n"
                               "  use pep = V:PEP\n"
                               "  use day = V:PEP bars(1d)\n"
                               "  buy hour when close > 1\n"
                               "  buy self when close > 1\n"
                               "  short, buy pep, sell day when close > 1\n"
                               "  buy, exit all when close > 1\n"
                               "  exit all pep when close > 1\n"
                               "  buy pep qty close > 1 when close > 1\n"
                               "  buy pep qty 0 * 1 when close > 1\n";
    static const char expected[] = "x.td:6:7: 'hour' is of the strategy's own instrument: leave the name out here\n"
                                   "      buy hour when close > 1\n"
                                   "          ^\n"
                                   "x.td:7:7: 'self' is of the strategy's own instrument: leave the name out here\n"
                                   "      buy self when close > 1\n"
                                   "          ^\n"
                                   "x.td:8:19: an action has one leg of each instrument, and this is the second\n"
                                   "      short, buy pep, sell day when close > 1\n"
                                   "                      ^\n"
                                   "x.td:9:13: 'exit all' leaves whatever the strategy trades, and stands alone\n"
                                   "      buy, exit all when close > 1\n"
                                   "                ^\n"
                                   "x.td:10:8: 'exit all' leaves whatever the strategy trades, and stands alone\n"
                                   "      exit all pep when close > 1\n"
                                   "           ^\n"
                                   "x.td:11:15: expected a number, found a condition\n"
                                   "      buy pep qty close > 1 when close > 1\n"
                                   "                  ^\n"
                                   "x.td:12:15: qty must be above 0 (at least 0.00000001) and below 90 billion\n"
                                   "      buy pep qty 0 * 1 when close > 1\n"
                                   "                  ^\n";
    td_buf errors = {0};
    assert_null(rig_compile(text, &errors));
    td_buf_put(&errors, "", 1);
    assert_string_equal((const char *)errors.data, expected);
    td_buf_fini(&errors);
}

static void no_more_than_eight(void **unused) {
    (void)unused;
    td_buf text = {0}, errors = {0};
    td_buf_text(&text, "strategy a on bars(1m) for V:A\n");
    for (int i = 1; i <= 8; i++) td_buf_printf(&text, "  use u%d = V:U%d\n", i, i);
    for (int i = 1; i <= 8; i++) td_buf_printf(&text, "  buy u%d when close > 1\n", i);
    td_buf_put(&text, "", 1);
    assert_null(rig_compile((const char *)text.data, &errors));
    td_buf_put(&errors, "", 1);
    assert_non_null(strstr((const char *)errors.data, "x.td:17:7: a strategy trades at most 8 instruments\n"));
    td_buf_fini(&errors);
    td_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legs_that_mean_nothing),
        cmocka_unit_test(no_more_than_eight),
    };
    return cmocka_run_group_tests_name("lang_lower_action", tests, NULL, NULL);
}
