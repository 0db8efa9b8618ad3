/* tests/unit/stream_gaps_test.c - goal: at most eight gaps are held, and what is given up for room is what the header
 * says. */
#include "stream/gaps.h"
#include "unit.h"

static td_hole untold(int64_t id, int64_t from_ns) {
    return (td_hole){.from_ns = from_ns,
                     .to_ns = from_ns + 1,
                     .first_id = id,
                     .last_id = id,
                     .missing = 1,
                     .due_ns = from_ns + 1,
                     .known_ns = from_ns};
}

static td_hole told(int64_t number, td_gap_status status, int64_t from_ns, int64_t to_ns) {
    return (td_hole){.number = number,
                     .status = (uint8_t)status,
                     .from_ns = from_ns,
                     .to_ns = to_ns,
                     .first_id = TD_NONE,
                     .last_id = TD_NONE,
                     .missing = TD_NONE};
}

static void add(td_gaps *gaps, td_hole hole) { (void)td_gaps_add(gaps, &hole); }

static void the_oldest_untold_become_one(void **state) {
    (void)state;
    td_gaps gaps = {0};
    add(&gaps, told(1, TD_GAP_LOST, 1, 2));
    add(&gaps, told(2, TD_GAP_OPEN, 3, 4));
    for (int64_t i = 0; i < 6; i++) {
        assert_null(td_gaps_make_room(&gaps, 0));
        add(&gaps, untold(10 + 2 * i, 100 + 10 * i));
    }
    assert_null(td_gaps_make_room(&gaps, 0));
    assert_int_equal(gaps.count, TD_GAPS_MAX - 1);
    const td_hole *one = td_gaps_with_id(&gaps, 11);
    assert_true(one->first_id == 10 && one->last_id == 12 && one->missing == 2);
    assert_true(one->from_ns == 100 && one->to_ns == 111 && one->due_ns == 101 && one->known_ns == 110);
    td_hole huge = untold(1000, 900);
    huge.missing = INT64_MAX;
    while (gaps.count > 2) td_gaps_remove(&gaps, &gaps.at[2]);
    for (int i = 0; i < 6; i++) add(&gaps, huge);
    assert_null(td_gaps_make_room(&gaps, 0));
    assert_true(gaps.at[2].missing == INT64_MAX);
}

static void then_the_oldest_lost_goes_and_then_the_oldest_open(void **state) {
    (void)state;
    td_gaps gaps = {0};
    add(&gaps, told(1, TD_GAP_OPEN, 1, 2));
    add(&gaps, told(2, TD_GAP_LOST, 3, 4));
    add(&gaps, told(3, TD_GAP_LOST, 5, 6));
    for (int64_t n = 4; n <= 8; n++) add(&gaps, told(n, TD_GAP_OPEN, 2 * n, 2 * n + 1));
    assert_int_equal(td_gaps_make_room(&gaps, 0)->number, 2);
    td_gaps_remove(&gaps, td_gaps_make_room(&gaps, 0));
    assert_int_equal(td_gaps_make_room(&gaps, 7)->number, 3); /* of no use, and in the way of order */
    assert_null(td_gaps_make_room(&gaps, 6));
    add(&gaps, untold(7, 30));
    td_gaps_remove(&gaps, td_gaps_make_room(&gaps, 0));
    add(&gaps, told(9, TD_GAP_OPEN, 40, TD_NONE));
    assert_int_equal(td_gaps_make_room(&gaps, 0)->number, 1);
    td_gaps_forget_ids(&gaps);
    assert_int_equal(gaps.count, 7);
    assert_null(td_gaps_with_id(&gaps, 7));
}

static void they_are_found_by_what_they_lie_over(void **state) {
    (void)state;
    td_gaps gaps = {0};
    add(&gaps, told(1, TD_GAP_LOST, 10, 20));
    add(&gaps, told(2, TD_GAP_OPEN, 30, 40));
    add(&gaps, untold(5, 50));
    add(&gaps, told(3, TD_GAP_OPEN, 60, TD_NONE));
    static const struct {
        int64_t start_ns, end_ns, lost, open;
        bool unsettled;
    } rows[] = {
        {0, 10, 0, 0, false},  {0, 11, 1, 0, false},     {20, 30, 1, 0, false}, /* both ends belong to it */
        {21, 30, 0, 0, false}, {21, 31, 0, 2, true},     {40, 50, 0, 2, true},
        {41, 50, 0, 0, false}, {41, 51, 0, 0, true},     {52, 60, 0, 0, false},
        {52, 61, 0, 3, true},  {1000, 1001, 0, 3, true}, {0, 100, 1, 2, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_hole *lost = td_gaps_over(&gaps, rows[i].start_ns, rows[i].end_ns, TD_GAP_LOST);
        const td_hole *open = td_gaps_over(&gaps, rows[i].start_ns, rows[i].end_ns, TD_GAP_OPEN);
        bool unsettled = td_gaps_unsettled_over(&gaps, rows[i].start_ns, rows[i].end_ns) != NULL;
        ASSERT_ROW((lost != NULL ? lost->number : 0) == rows[i].lost, "%zu: lost", i);
        ASSERT_ROW((open != NULL ? open->number : 0) == rows[i].open, "%zu: open", i);
        ASSERT_ROW(unsettled == rows[i].unsettled, "%zu: unsettled", i);
    }
    assert_null(td_gaps_find(&gaps, 1)); /* it is lost */
    assert_int_equal(td_gaps_find(&gaps, 2)->number, 2);
    assert_null(td_gaps_find(&gaps, 0)); /* not told */
    assert_int_equal(td_gaps_endless(&gaps)->number, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_untold_become_one),
        cmocka_unit_test(then_the_oldest_lost_goes_and_then_the_oldest_open),
        cmocka_unit_test(they_are_found_by_what_they_lie_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
