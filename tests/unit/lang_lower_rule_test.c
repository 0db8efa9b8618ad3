/* tests/unit/lang_lower_rule_test.c - goal: what is wrong with a strategy's rules, and with the names of its position,
 * is said at its place. Messages are compared to the letter. */
#include "strategy_rig.h"

static const struct {
    const char *text, *errors;
} cases[] = {
    /* clang-format off */
    {"series s on bars(1m)\n"
     "  x = position\n"
     "fn f(x) = x + entry.price\n"
     "strategy a on bars(1m)\n"
     "  x = f(close)\n"
     "  y = entry\n"
     "  z = entry.size + entry.pric\n"
     "  w = held.time\n"
     "  held = 1m\n"
     "  v = held > 5\n",
     "x.td:2:7: a series has no position: 'position' is for strategies\n"
     "      x = position\n"
     "          ^\n"
     "x.td:3:15: a fn does not see the strategy's position: give it 'entry' as an argument\n"
     "    fn f(x) = x + entry.price\n"
     "                  ^\n"
     "x.td:6:7: 'entry' has .price, .time and .bars: say which\n"
     "      y = entry\n"
     "          ^\n"
     "x.td:7:7: 'entry' has .price, .time and .bars: say which\n"
     "      z = entry.size + entry.pric\n"
     "          ^\n"
     "x.td:7:20: 'entry' has .price, .time and .bars: say which\n"
     "      z = entry.size + entry.pric\n"
     "                       ^\n"
     "x.td:8:7: 'held' is one value and has no fields\n"
     "      w = held.time\n"
     "          ^\n"
     "x.td:9:3: 'held' is a word of the language: choose another name\n"
     "      held = 1m\n"
     "      ^\n"
     "x.td:10:7: a duration and a number do not go with '>': a duration has its unit, as in 5s\n"
     "      v = held > 5\n"
     "          ^\n"},
    {"strategy a on bars(1m)\n"
     "  flat at close\n"
     "strategy b on bars(1m)\n"
     "  flat at 15:55\n"
     "  flat at sesion.close\n"
     "strategy c on bars(1m)\n"
     "  flat at session.left\n",
     "x.td:2:11: expected a time, such as 15:55 or session.close - 5m, found a number\n"
     "      flat at close\n"
     "              ^\n"
     "x.td:5:3: this was said above already\n"
     "      flat at sesion.close\n"
     "      ^\n"
     "x.td:5:11: unknown name 'sesion'; did you mean 'session'?\n"
     "      flat at sesion.close\n"
     "              ^\n"
     "x.td:7:11: expected a time, such as 15:55 or session.close - 5m, found a duration\n"
     "      flat at session.left\n"
     "              ^\n"},
    /* clang-format on */
};

static void test_messages(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) rig_refuses(cases[i].text, cases[i].errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
