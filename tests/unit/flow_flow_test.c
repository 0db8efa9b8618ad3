/* tests/unit/flow_flow_test.c - goal: of what an arrow backs off for, its beginning and its end are told once each, and
 * between them the first few other causes. */
#include "flow/flow.h"
#include "unit.h"

typedef enum deed { FAIL, WORK, ASK } deed;

static void tells_beginning_and_end_once(void **state) {
    static const struct {
        deed deed;
        const char *text; /* of FAIL; of ASK: what is told */
        td_trouble_news news;
    } steps[] = {
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "disk full", 0},
        {FAIL, "another", 0}, /* the first is what began it */
        {ASK, "disk full", TD_TROUBLE_BEGAN},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "later", 0}, /* it goes on by another cause */
        {ASK, "later", TD_TROUBLE_BEGAN},
        {FAIL, "too soon", 0}, /* who asked may still read the last one */
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "disk full", 0},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "third", 0},
        {ASK, "third", TD_TROUBLE_BEGAN},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "fourth", 0},
        {ASK, "fourth", TD_TROUBLE_BEGAN},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "one too many", 0},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {WORK, NULL, 0},
        {WORK, NULL, 0},
        {ASK, NULL, TD_TROUBLE_OVER},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "short", 0}, /* over before anybody asked */
        {WORK, NULL, 0},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "again", 0},
        {ASK, "again", TD_TROUBLE_BEGAN},
        {WORK, NULL, 0},
        {FAIL, "next", 0}, /* begins before the end of the last is told */
        {ASK, NULL, TD_TROUBLE_OVER},
        {FAIL, "next", 0},
        {ASK, "next", TD_TROUBLE_BEGAN},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
        {FAIL, "and so on", 0}, /* over before that is told, which is told */
        {WORK, NULL, 0},
        {ASK, NULL, TD_TROUBLE_OVER},
        {WORK, NULL, 0},
        {ASK, NULL, TD_TROUBLE_NO_NEWS},
    };
    td_backoff backoff = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (steps[i].deed == FAIL) {
            (void)td_fail(TD_CONFIG, __func__, "%s", steps[i].text); /* CONFIG: its trail has no function's name */
            td_backoff_start(&backoff, &td_os_posix);
        } else if (steps[i].deed == WORK) {
            td_backoff_reset(&backoff);
            ASSERT_ROW(!td_backoff_waiting(&backoff, &td_os_posix), "step %zu", i);
        } else {
            td_trouble_news news = td_trouble_ask(&backoff.trouble);
            ASSERT_ROW(news == steps[i].news, "step %zu", i);
            if (news == TD_TROUBLE_BEGAN) assert_string_equal(backoff.trouble.text, steps[i].text);
        }
    }
}

static int64_t clock_ns(void *self) { return *(const int64_t *)self; }

static void doubles_up_to_a_second(void **state) {
    int64_t now_ns = 1;
    const td_os_ops ops = {.mono_ns = clock_ns};
    const td_os os = {&ops, &now_ns};
    td_backoff backoff = {0};
    (void)state;
    for (int64_t delay_ms = 1; delay_ms < 4000; delay_ms *= 2) {
        td_backoff_start(&backoff, &os);
        assert_int_equal(backoff.delay_ns, (delay_ms < 1000 ? delay_ms : 1000) * 1000000);
        now_ns += backoff.delay_ns - 1;
        assert_true(td_backoff_waiting(&backoff, &os));
        now_ns++;
        assert_false(td_backoff_waiting(&backoff, &os));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_beginning_and_end_once),
                                       cmocka_unit_test(doubles_up_to_a_second)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
