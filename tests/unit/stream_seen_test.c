/* tests/unit/stream_seen_test.c - goal: a trade that came before is known, one that did not is never taken for it, and
 * what is forgotten is what the header says. */
#include "stream/seen.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

static td_event trade(int64_t id, int64_t event_ns) {
    return (td_event){.kind = TD_EVENT_TRADE, .event_ns = event_ns, .trade = {.price = 1, .size = 1, .trade_id = id}};
}

static bool is_new(td_seen *seen, const td_event *e) { return td_seen_add_ordered(seen, e) != TD_ID_DOUBLE; }

static void spans_grow_join_and_know(void **state) {
    (void)state;
    static const struct {
        int64_t number;
        bool fresh;
        uint64_t count; /* spans afterwards */
    } rows[] = {
        {10, true, 1},        {10, false, 1},
        {11, true, 1},        {9, true, 1},
        {14, true, 2},        {13, true, 2},
        {12, true, 1},        {11, false, 1},
        {2, true, 2},         {4, true, 3},
        {3, true, 2},         {-5, true, 3},
        {INT64_MAX, true, 4}, {INT64_MIN + 1, true, 5},
        {3, false, 5},        {INT64_MAX, false, 5},
    };
    td_spans spans = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ASSERT_ROW(td_spans_add(&spans, rows[i].number) == rows[i].fresh, "%zu: add", i);
        ASSERT_ROW(spans.count == rows[i].count, "%zu: count %d", i, (int)spans.count);
    }
}

static void a_full_set_forgets_the_lowest(void **state) {
    (void)state;
    td_spans spans = {0};
    for (int64_t i = 0; i < TD_SEEN_SPANS; i++) assert_true(td_spans_add(&spans, 10 * i));
    assert_true(td_spans_add(&spans, 1000));
    assert_int_equal(spans.count, TD_SEEN_SPANS);
    const int64_t *lowest = &spans.at[TD_SEEN_SPANS - 1].first;
    assert_int_equal(*lowest, 10);
    assert_true(td_spans_add(&spans, 5)); /* below all of a full set: not kept */
    assert_int_equal(*lowest, 10);
    assert_true(td_spans_add(&spans, 9)); /* joins the lowest: nothing is forgotten for it */
    assert_int_equal(*lowest, 9);
    assert_int_equal(spans.at[0].first, 1000);
}

/* Against a table of all ids, in any order within the bits, and with as many lasting holes as the spans can hold. */
static void ids_equal_a_table_of_all(void **state) {
    (void)state;
    enum { IDS = 40000, REACH = TD_SEEN_BITS - 64, BEGIN = -20000, HOLE_EVERY = IDS / (TD_SEEN_SPANS - 1) };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t random = seed;
        static bool known[IDS + REACH];
        memset(known, 0, sizeof known);
        td_seen seen = {0};
        int64_t reach = (int64_t[]){1, 2, 40, 700, REACH}[seed - 1];
        for (int64_t low = 0; low < IDS;) {
            int64_t id = unit_random(&random) % 9 == 0 ? (int64_t)(unit_random(&random) % (uint64_t)(low + 1))
                                                       : low + (int64_t)(unit_random(&random) % (uint64_t)reach);
            bool hole = id % HOLE_EVERY == 5; /* never comes */
            td_event e = trade(BEGIN + id, 100);
            if (!hole) ASSERT_ROW(is_new(&seen, &e) == !known[id], "seed %d, id %d", (int)seed, (int)id);
            known[id] = true;
            while (known[low]) low++;
        }
    }
}

static void far_jumps_keep_what_was(void **state) {
    (void)state;
    static const int64_t ids[] = {5, 6, INT64_C(1) << 40, 4, 7, INT64_MAX, (INT64_C(1) << 40) + 1, INT64_MIN + 1};
    td_seen seen = {0};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        td_event e = trade(ids[i], 100);
        ASSERT_ROW(is_new(&seen, &e), "%zu is new", i);
    }
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        td_event e = trade(ids[i], 100);
        ASSERT_ROW(!is_new(&seen, &e), "%zu is known", i);
    }
}

static void ids_that_begin_anew_are_no_doubles(void **state) {
    (void)state;
    static const struct {
        int64_t id, event_ns;
        uint8_t flags;
        bool fresh;
    } rows[] = {
        {1, 100, 0, true},  {2, 110, 0, true},
        {3, 120, 0, true},  {2, 110, 0, false},                    /* a double has its first's time */
        {3, 120, 0, false}, {3, 130, TD_FLAG_TIME_RECEIVE, false}, /* … or none of its own          */
        {1, 200, 0, true},                                         /* a day later the venue begins at 1 */
        {1, 200, 0, false}, {2, 201, 0, true},
        {3, 202, 0, true},
    };
    td_seen seen = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = trade(rows[i].id, rows[i].event_ns);
        e.flags = rows[i].flags;
        ASSERT_ROW(is_new(&seen, &e) == rows[i].fresh, "%zu", i);
    }
}

static void an_id_has_a_place(void **state) {
    (void)state;
    static const struct {
        char does; /* a: add, p: pass, w: await and add */
        int64_t id, event_ns;
        td_id_place place;
    } rows[] = {
        {'p', 4, 90, TD_ID_DOUBLE}, /* before the first nothing is counted */
        {'a', 10, 100, TD_ID_FIRST},   {'a', 11, 101, TD_ID_NEXT},
        {'a', 14, 104, TD_ID_BEYOND},  {'a', 13, 103, TD_ID_BELOW},
        {'a', 13, 103, TD_ID_DOUBLE},  {'p', 15, 105, TD_ID_NEXT},  /* refused, and not missing: */
        {'a', 16, 106, TD_ID_NEXT},    {'a', 15, 105, TD_ID_BELOW}, /* … yet it has not been seen */
        {'p', 15, 105, TD_ID_DOUBLE},  {'p', 18, 108, TD_ID_BEYOND},
        {'w', 12, 102, TD_ID_BELOW}, /* … which is not what is awaited */
        {'a', 19, 109, TD_ID_AWAITED}, {'a', 20, 110, TD_ID_NEXT},
        {'w', 25, 111, TD_ID_BEYOND},  {'a', 26, 112, TD_ID_NEXT},
        {'w', 27, 113, TD_ID_AWAITED}, {'a', 9, 99, TD_ID_BELOW},  /* older than the first: only late */
        {'a', 3, 200, TD_ID_FIRST},                                /* newer than all, and below all: counted anew */
        {'a', 63, 201, TD_ID_BEYOND},  {'p', 64, 202, TD_ID_NEXT}, /* a word ends between them */
        {'a', 65, 203, TD_ID_NEXT},    {'p', 66, 204, TD_ID_NEXT},
        {'a', 66, 204, TD_ID_BELOW}, /* the highest, which was only passed */
    };
    td_seen seen = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = trade(rows[i].id, rows[i].event_ns);
        if (rows[i].does == 'w') td_seen_await(&seen);
        td_id_place place = rows[i].does == 'p' ? td_seen_pass_ordered(&seen, &e) : td_seen_add_ordered(&seen, &e);
        ASSERT_ROW(place == rows[i].place, "%zu: place %d", i, (int)place);
        if (place != TD_ID_BEYOND) continue;
        ASSERT_ROW(seen.ids.before < rows[i].id - 1 && seen.ids.before_ns < rows[i].event_ns, "%zu: before", i);
    }
}

static void ids_in_any_order_are_compared_with_the_last(void **state) {
    (void)state;
    td_seen seen = {0};
    for (int64_t i = 0; i < TD_SEEN_RING; i++) {
        td_event e = trade(i * 7919 % 1000, i);
        assert_true(td_seen_add_any(&seen, &e));
        assert_false(td_seen_add_any(&seen, &e));
    }
    td_event first = trade(0, 0), more = trade(5000, 0);
    assert_false(td_seen_add_any(&seen, &first));
    assert_true(td_seen_add_any(&seen, &more)); /* takes the place of the first */
    assert_true(td_seen_add_any(&seen, &first));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_grow_join_and_know),
        cmocka_unit_test(a_full_set_forgets_the_lowest),
        cmocka_unit_test(ids_equal_a_table_of_all),
        cmocka_unit_test(far_jumps_keep_what_was),
        cmocka_unit_test(ids_that_begin_anew_are_no_doubles),
        cmocka_unit_test(an_id_has_a_place),
        cmocka_unit_test(ids_in_any_order_are_compared_with_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
