/* tests/unit/sink_retention_test.c - goal: what is older than is kept is told once for each day that rows reach, by
 * them alone, and again where it did not go. */
#include "base/time.h"
#include "sink/retention.h"
#include "unit.h"

#define DAY TD_NS_PER_DAY

static td_sink_row trade(int64_t at_ns) {
    return (td_sink_row){.kind = TD_ROW_PUBLISHED,
                         .appended_ms = 100 * DAY / TD_NS_PER_MS,
                         .event = {.kind = TD_EVENT_TRADE, .event_ns = at_ns}};
}

static void days_pass_by_what_comes(void **state) {
    (void)state;
    td_retention r = {.retain_ns = 2 * DAY};
    static const struct {
        int64_t at_ns, before_ns; /* -1: nothing is due */
    } rows[] = {
        {10 * DAY + 5, 8 * DAY}, {10 * DAY + 6, -1}, {11 * DAY - 1, -1},   {11 * DAY, 9 * DAY},
        {3 * DAY, -1},           {11 * DAY + 7, -1}, {20 * DAY, 18 * DAY}, {5000 * DAY, 98 * DAY}, /* when it came */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_sink_row row = trade(rows[i].at_ns);
        int64_t before_ns = -1;
        bool due = td_retention_is_due(&r, &row, 1, &before_ns);
        ASSERT_ROW(due == (rows[i].before_ns >= 0) && before_ns == rows[i].before_ns, "%zu", i);
    }
}

static void the_newest_of_a_batch_counts(void **state) {
    (void)state;
    td_retention r = {.retain_ns = DAY};
    td_sink_row rows[] = {trade(5 * DAY), trade(9 * DAY), trade(7 * DAY)};
    int64_t before_ns;
    assert_true(td_retention_is_due(&r, rows, 3, &before_ns));
    assert_int_equal(before_ns, 8 * DAY);
    assert_false(td_retention_is_due(&r, rows, 3, &before_ns));
    td_retention_forget(&r);
    assert_true(td_retention_is_due(&r, rows, 3, &before_ns));
}

static void other_tables_stay_and_so_do_all_without_a_bound(void **state) {
    (void)state;
    td_retention all = {.retain_ns = 0}, some = {.retain_ns = DAY};
    td_sink_row row = trade(9 * DAY), bar = {.kind = TD_ROW_BAR, .bar = {.start_ns = 9 * DAY}};
    int64_t before_ns;
    assert_false(td_retention_is_due(&all, &row, 1, &before_ns));
    assert_false(td_retention_is_due(&some, &bar, 1, &before_ns));
    assert_false(td_retention_is_due(&some, NULL, 0, &before_ns));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_pass_by_what_comes),
        cmocka_unit_test(the_newest_of_a_batch_counts),
        cmocka_unit_test(other_tables_stay_and_so_do_all_without_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
