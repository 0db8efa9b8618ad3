/* tests/unit/stream_shares_test.c - goal: splits of a span multiply whatever the order they were told in, nothing
 * counts twice, what is absurd is refused, and what is read back is what was saved. */
#include "stream/shares.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

#define IBM TD_TEXT("LEAN:IBM")

static td_corporate split(int32_t day, uint32_t numerator, uint32_t denominator) {
    return (td_corporate){.ex_day = day, .numerator = numerator, .denominator = denominator};
}
static td_corporate dividend(int32_t day, int64_t amount) {
    return (td_corporate){.ex_day = day, .kind = TD_CORPORATE_DIVIDEND, .amount = amount};
}

static void each_action_counts_once(void **state) {
    (void)state;
    const struct {
        td_corporate action;
        td_share_word word;
    } rows[] = {
        {split(20, 2, 1), TD_SHARE_TAKEN},  {split(10, 3, 2), TD_SHARE_TAKEN},
        {split(20, 2, 1), TD_SHARE_DOUBLE}, {split(20, 4, 1), TD_SHARE_DOUBLE}, /* the first word stands */
        {dividend(20, 5), TD_SHARE_TAKEN},  {dividend(20, 5), TD_SHARE_DOUBLE},
        {dividend(20, 6), TD_SHARE_TAKEN}, /* a special one on the same day */
        {split(30, 1, 0), TD_SHARE_FULL},   {split(30, 0, 1), TD_SHARE_FULL},
        {split(30, 1, 10), TD_SHARE_TAKEN},
    };
    static const struct {
        int64_t after_ns, up_to_ns, numerator, denominator, paid;
    } spans[] = {
        {0, 9, 1, 1, 0},
        {0, 10, 3, 2, 0},
        {10, 19, 1, 1, 0},
        {10, 20, 2, 1, 2 * 5 + 2 * 6}, /* the new shares get it */
        {0, 20, 3, 1, 3 * 5 + 3 * 6},
        {9, 30, 3, 10, 3 * 5 + 3 * 6},
        {INT64_MIN, INT64_MAX, 3, 10, 3 * 5 + 3 * 6},
        {30, INT64_MAX, 1, 1, 0},
    };
    td_shares shares = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_shares_put(&shares, IBM, &rows[i].action, rows[i].action.ex_day) == rows[i].word, "%zu", i);
    td_buf saved = {0}, again = {0};
    td_shares_save(&shares, &saved);
    td_shares loaded = {0};
    td_bytes bytes = td_buf_bytes(&saved);
    assert_true(td_shares_load(&loaded, &bytes) && bytes.size == 0);
    td_shares_save(&loaded, &again);
    assert_true(td_bytes_equal(td_buf_bytes(&saved), td_buf_bytes(&again)));
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        td_split is = td_shares_split(i % 2 == 0 ? &shares : &loaded, IBM, spans[i].after_ns, spans[i].up_to_ns);
        ASSERT_ROW(is.numerator == spans[i].numerator && is.denominator == spans[i].denominator, "%zu", i);
        ASSERT_ROW(td_shares_dividends(&shares, IBM, spans[i].after_ns, spans[i].up_to_ns) == spans[i].paid, "%zu", i);
    }
    td_split other = td_shares_split(&shares, TD_TEXT("LEAN:AAPL"), 0, INT64_MAX);
    assert_true(other.numerator == 1 && other.denominator == 1);
    td_buf_fini(&again);
    td_buf_fini(&saved);
    td_shares_fini(&loaded);
    td_shares_fini(&shares);
}

static void there_is_a_bound(void **state) {
    (void)state;
    td_shares shares = {0};
    td_corporate million = split(1, 1000000, 1), more = split(2, 1000000, 1), most = split(3, 2, 1);
    assert_int_equal(td_shares_put(&shares, TD_TEXT("LEAN:X"), &million, 1), TD_SHARE_TAKEN);
    assert_int_equal(td_shares_put(&shares, TD_TEXT("LEAN:X"), &more, 2), TD_SHARE_TAKEN);
    assert_int_equal(td_shares_put(&shares, TD_TEXT("LEAN:X"), &most, 3), TD_SHARE_FULL);
    for (int32_t i = 0; i <= TD_SHARES_MAX; i++) {
        td_corporate action = dividend(TD_SHARES_MAX - i, 1);
        ASSERT_ROW(td_shares_put(&shares, IBM, &action, action.ex_day) ==
                       (i < TD_SHARES_MAX ? TD_SHARE_TAKEN : TD_SHARE_FULL),
                   "%d", (int)i);
    }
    td_shares_fini(&shares);
}

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    td_shares shares = {0};
    for (int32_t i = 0; i < 3; i++) {
        td_corporate action = split(i, 2, 1);
        assert_int_equal(td_shares_put(&shares, i == 1 ? TD_TEXT("LEAN:X") : IBM, &action, i), TD_SHARE_TAKEN);
    }
    td_buf saved = {0};
    td_shares_save(&shares, &saved);
    for (size_t size = 0; size < saved.size; size++) {
        uint8_t *cut = malloc(size + 1); /* alone on the heap */
        memcpy(cut, saved.data, size);
        td_shares loaded = {0};
        td_bytes bytes = {cut, size};
        ASSERT_ROW(!td_shares_load(&loaded, &bytes), "%zu", size);
        td_shares_fini(&loaded);
        free(cut);
    }
    td_buf_fini(&saved);
    td_shares_fini(&shares);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_counts_once),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
