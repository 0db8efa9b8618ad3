/* tests/unit/app_progress_test.c - goal: a line of progress is short, and right at both ends. */
#include "app/progress.h"
#include "base/time.h"
#include "unit.h"

static void says_how_far_it_is(void **state) {
    static const struct {
        int64_t done, total, elapsed_ns;
        const char *text;
    } rows[] = {
        {0, 100, 0, "x: 0 %, 0 of 100, 0/s"},
        {0, 100, TD_NS_PER_S, "x: 0 %, 0 of 100, 0/s"},
        {50, 200, TD_NS_PER_S, "x: 25 %, 50 of 200, 50/s, 3 s left"},
        {999, 1000, TD_NS_PER_S, "x: 100 %, 999 of 1.0k, 999/s, 0 s left"},
        {1200000, 3000000, 2 * TD_NS_PER_S, "x: 40 %, 1.2M of 3.0M, 600k/s, 3 s left"},
        {999999, 2000000000, TD_NS_PER_S, "x: 0 %, 1.0M of 2.0G, 1.0M/s, 33 min left"},
        {99960, 99960, TD_NS_PER_S, "x: 100 %, 100k of 100k, 100k/s, 0 s left"},
        {7, 5, TD_NS_PER_S, "x: 100 %, 7 of 7, 7/s, 0 s left"},
        {0, 0, TD_NS_PER_S, "x: 100 %, 0 of 0, 0/s"},
        {INT64_MAX, INT64_MAX, TD_NS_PER_S, "x: 100 %, 9223372T of 9223372T, 9223372T/s, 0 s left"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[TD_PROGRESS_MAX];
        td_progress_text("x", rows[i].done, rows[i].total, rows[i].elapsed_ns, text);
        ASSERT_ROW(strcmp(text, rows[i].text) == 0, "%s: %s", rows[i].text, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_how_far_it_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
