/* tests/unit/base_sketch_test.c - goal: quantiles stay within what the header says of the true ones, whatever the
 * numbers; round numbers come out as they are. */
#include "base/sketch.h"
#include "unit.h"
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_near(void **state) {
    enum { COUNT = 4001 };
    static int64_t numbers[COUNT];
    static const unsigned shifts[] = {0, 1, 20, 40, 58, 62};
    static const double shares[] = {0, 0.01, 0.5, 0.9, 0.99, 1};
    uint64_t seed = 5;
    (void)state;
    for (size_t s = 0; s < COUNT_OF(shifts); s++) {
        td_sketch sketch = {0};
        for (size_t i = 0; i < COUNT; i++) { /* over many sizes, up to 63 bits */
            numbers[i] = (int64_t)(unit_random(&seed) >> 1 >> shifts[s] >> unit_random(&seed) % 4);
            td_sketch_add(&sketch, numbers[i]);
        }
        qsort(numbers, COUNT, sizeof numbers[0], compare);
        assert_int_equal(sketch.count, COUNT);
        for (size_t q = 0; q < COUNT_OF(shares); q++) {
            size_t at = (size_t)(shares[q] * COUNT);
            int64_t wanted = numbers[at < COUNT ? at : COUNT - 1], found = td_sketch_quantile(&sketch, shares[q]);
            int64_t off = found > wanted ? found - wanted : wanted - found;
            ASSERT_ROW(wanted < 32 ? off == 0 : off <= wanted / 16, "%u bits, %f: %lld, not %lld", 63 - shifts[s],
                       shares[q], (long long)found, (long long)wanted);
        }
    }
}

static void round_numbers_stay(void **state) {
    static const int64_t numbers[] = {0, 1, 31, 32, 100, 10000000, 25000000, 1000000000, INT64_C(5000000000000)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        td_sketch sketch = {0};
        td_sketch_add(&sketch, numbers[i]);
        ASSERT_ROW(td_sketch_quantile(&sketch, 0.5) == numbers[i], "%zu", i);
    }
    td_sketch none = {0};
    assert_int_equal(td_sketch_quantile(&none, 0.5), 0);
    td_sketch_add(&none, -5);
    assert_int_equal(td_sketch_quantile(&none, 0.5), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles_are_near), cmocka_unit_test(round_numbers_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
