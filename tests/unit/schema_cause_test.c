/* tests/unit/schema_cause_test.c - goal: a cause is read as it was written, at the ends of what its numbers hold, and
 * nothing else is taken for one. */
#include "schema/cause.h"
#include "unit.h"

static void read_as_written(void **state) {
    (void)state;
    static const td_cause causes[] = {{0, 0, 0, 0}, {3, 7, 12345, 2}, {UINT32_MAX, INT32_MAX, INT64_MAX, UINT32_MAX}};
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        char text[TD_CAUSE_MAX];
        td_cause got;
        td_bytes header = {(const uint8_t *)text, td_cause_put(&causes[i], text)};
        assert_true(td_cause_get(header, &got));
        assert_int_equal(got.partition, causes[i].partition);
        assert_int_equal(got.epoch, causes[i].epoch);
        assert_int_equal(got.offset, causes[i].offset);
        assert_int_equal(got.ordinal, causes[i].ordinal);
    }
}

static void nothing_else(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "tape",
                                        "tape/",
                                        "tape/1/2/3",
                                        "tape/1/2/3/",
                                        "tape/1/2/3/4/",
                                        "tape/1/2/3/4 ",
                                        "tape/1//3/4",
                                        "tape/1/-2/3/4",
                                        "bars/1/2/3/4",
                                        "tape/4294967296/2/3/4",
                                        "tape/1/2147483648/3/4",
                                        "tape/1/2/9223372036854775808/4",
                                        "tape/1/2/3/4294967296"};
    td_cause got;
    assert_false(td_cause_get((td_bytes){0}, &got));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_false(td_cause_get(td_text(texts[i]), &got));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(read_as_written), cmocka_unit_test(nothing_else)};
    return cmocka_run_group_tests_name("schema_cause", tests, NULL, NULL);
}
