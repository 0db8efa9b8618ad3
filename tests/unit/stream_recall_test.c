/* tests/unit/stream_recall_test.c - goal: windows over rows of any times, in the order of the log, say what a search
 * through all that are still there says. */
#include "stream/recall.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, TIMES = 300 };

typedef struct rig {
    td_recall recall;
    int64_t times[ROWS], values[ROWS]; /* INT64_MIN: na */
    bool admits[ROWS];
    int count;
} rig;

static void put(rig *r, int64_t ns, int64_t value, bool admits) {
    td_value *values = td_recall_put(r->recall, ns);
    values[0] = value == INT64_MIN ? TD_VALUE_NA : value;
    values[1] = admits;
    r->times[r->count] = ns;
    r->values[r->count] = value;
    r->admits[r->count++] = admits;
    assert_true(td_recall_valid(r->recall));
}

/* A sum of decimals and their mean are doubles of 10^-9. */
static td_value search(const rig *r, const td_recall_window *w) {
    int64_t sum = 0, n = 0, most = INT64_MIN, least = INT64_MAX, first = 0, last = 0, first_ns = 0, last_ns = 0;
    for (int i = r->count > TD_RECALL_MAX ? r->count - TD_RECALL_MAX : 0; i < r->count; i++) {
        bool within = r->times[i] > w->from_ns && r->times[i] <= w->to_ns && r->values[i] != INT64_MIN;
        if (!within || (w->admits != 0 && !r->admits[i])) continue;
        sum += r->values[i];
        if (r->values[i] > most) most = r->values[i];
        if (r->values[i] < least) least = r->values[i];
        if (n == 0 || r->times[i] < first_ns) first = r->values[i], first_ns = r->times[i];
        if (n == 0 || r->times[i] >= last_ns) last = r->values[i], last_ns = r->times[i];
        n++;
    }
    if (w->word == TD_RECALL_SUM) return td_value_real((double)sum / (double)TD_VALUE_ONE);
    if (n == 0) return TD_VALUE_NA;
    if (w->word == TD_RECALL_MEAN) return td_value_real((double)sum / ((double)TD_VALUE_ONE * (double)n));
    if (w->word == TD_RECALL_MAXIMUM) return most;
    if (w->word == TD_RECALL_MINIMUM) return least;
    return w->word == TD_RECALL_FIRST ? first : last;
}

static void windows_say_what_a_search_says(void **state) {
    (void)state;
    static rig r;
    size_t bytes = td_recall_bytes(2), found = 0;
    assert_int_equal(bytes % 16, 0);
    r.recall = (td_recall){aligned_alloc(16, bytes), 2};
    memset(r.recall.block, 0, bytes);
    srand(20261122);
    while (r.count < ROWS) {
        /* Sums of these are exact, and so are their means as the double nearest to a ratio. */
        put(&r, rand() % TIMES, rand() % 5 == 0 ? INT64_MIN : (rand() % 64 - 32) * TD_VALUE_ONE, rand() % 2 == 0);
        for (td_recall_word word = TD_RECALL_SUM; word <= TD_RECALL_LAST; word++) {
            td_recall_window w = {.to_ns = rand() % TIMES, .admits = rand() % 2 == 0 ? 2 : 0, .word = word};
            w.from_ns = w.to_ns - rand() % TIMES;
            bool of_conditions = word == TD_RECALL_COUNT || word == TD_RECALL_ANY || word == TD_RECALL_ALL;
            if (of_conditions) continue;
            td_value got = td_recall_over(r.recall, &w), wanted = search(&r, &w);
            ASSERT_ROW(got == wanted, "%d rows, word %d", r.count, (int)word);
            found += !td_value_is_na(got);
        }
    }
    assert_true(found > ROWS);
    free(r.recall.block);
}

static void conditions_are_counted(void **state) {
    (void)state;
    static const struct {
        int64_t from_ns, to_ns;
        double count;
        bool any, all;
    } rows[] = {{0, 1, 1, true, true},
                {0, 2, 1, true, false},
                {1, 2, 0, false, false},
                {2, 9, 0, false, true},
                {9, 9, 0, false, true}};
    td_recall recall = {aligned_alloc(16, td_recall_bytes(1)), 1};
    memset(recall.block, 0, td_recall_bytes(1));
    td_recall_put(recall, 1)[0] = 1;
    td_recall_put(recall, 2)[0] = 0;
    td_recall_put(recall, 3)[0] = TD_VALUE_NA; /* is no element */
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_recall_window w = {rows[i].from_ns, rows[i].to_ns, 0, 0, TD_TYPE_CONDITION, TD_RECALL_COUNT};
        ASSERT_ROW(td_recall_over(recall, &w) == td_value_real(rows[i].count), "%zu: count", i);
        w.word = TD_RECALL_ANY;
        ASSERT_ROW(td_recall_over(recall, &w) == rows[i].any, "%zu: any", i);
        w.word = TD_RECALL_ALL;
        ASSERT_ROW(td_recall_over(recall, &w) == rows[i].all, "%zu: all", i);
    }
    free(recall.block);
}

static void nobody_has_no_elements(void **state) {
    (void)state;
    td_recall_window w = {0, 9, 0, 0, TD_TYPE_REAL, TD_RECALL_SUM};
    assert_true(td_recall_over((td_recall){NULL, 0}, &w) == 0);
    w.word = TD_RECALL_MEAN;
    assert_true(td_value_is_na(td_recall_over((td_recall){NULL, 0}, &w)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_say_what_a_search_says),
        cmocka_unit_test(conditions_are_counted),
        cmocka_unit_test(nobody_has_no_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
