/* tests/unit/stream_released_test.c - goal: what was released is known, nothing else is, and of too many the lowest are
 * rather refused than released twice. */
#include "stream/released.h"
#include "unit.h"

static void what_was_released_is_known(void **state) {
    (void)state;
    enum { OFFSETS = 300 };
    static bool added[OFFSETS];
    td_released released = {0};
    uint64_t seed = 1;
    for (int i = 0; i < OFFSETS / 2; i++) {
        int64_t offset = (int64_t)(unit_random(&seed) % OFFSETS);
        if (!added[offset]) td_released_add(&released, offset);
        added[offset] = true;
        for (int64_t o = 0; o < OFFSETS; o++) ASSERT_ROW(td_released_has(&released, o) == added[o], "%d", (int)o);
    }
    td_released_fini(&released);
}

static void of_too_many_the_lowest_count_as_released(void **state) {
    (void)state;
    td_released released = {0};
    for (int64_t i = 0; i < TD_RELEASED_MAX; i++) td_released_add(&released, 100 + 2 * i);
    assert_false(td_released_has(&released, 99));
    assert_false(td_released_has(&released, 101));
    td_released_add(&released, 103);
    assert_true(td_released_has(&released, 99) && td_released_has(&released, 100));
    assert_false(td_released_has(&released, 101));
    assert_true(td_released_has(&released, 102) && td_released_has(&released, 103));
    assert_int_equal(released.count, TD_RELEASED_MAX);
    td_released_fini(&released);
}

static void what_is_saved_is_read_back(void **state) {
    (void)state;
    td_released released = {.floor = 5}, read = {0};
    td_buf saved = {0};
    for (int64_t i = 10; i > 6; i--) td_released_add(&released, i);
    td_released_save(&released, &saved);
    td_buf_text(&saved, "behind");
    td_bytes bytes = td_buf_bytes(&saved);
    assert_true(td_released_load(&read, &bytes));
    assert_true(td_bytes_equal(bytes, TD_TEXT("behind")));
    assert_true(read.count == 4 && td_released_has(&read, 4) && !td_released_has(&read, 6));
    td_released_fini(&read);
    for (size_t size = 0; size < saved.size - 6; size++) {
        bytes = (td_bytes){saved.data, size};
        ASSERT_ROW(!td_released_load(&read, &bytes), "%zu", size);
        td_released_fini(&read);
    }
    saved.data[12] = 99; /* no longer ascending */
    bytes = td_buf_bytes(&saved);
    assert_false(td_released_load(&read, &bytes));
    td_released_fini(&read);
    td_released_fini(&released);
    td_buf_fini(&saved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_released_is_known),
        cmocka_unit_test(of_too_many_the_lowest_count_as_released),
        cmocka_unit_test(what_is_saved_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
