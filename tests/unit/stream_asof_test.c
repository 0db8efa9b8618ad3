/* tests/unit/stream_asof_test.c - goal: who asks as of an instant gets the newest row in the order of the log that is
 * not later, as a search through all of them says; what is forgotten is none; bars get theirs however many rows there
 * were since. */
#include "stream/asof.h"
#include "unit.h"
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5000, GRAINS = 12 };

typedef struct rig {
    td_asof asof;
    int64_t times[ROWS];
    uint32_t count;
} rig;

static rig rig_open(uint32_t grains, int64_t grain_ns) {
    size_t bytes = td_asof_bytes(2, grains);
    assert_int_equal(bytes % 16, 0);
    rig r = {.asof = {.block = aligned_alloc(16, bytes), .values = 2, .grains = grains, .grain_ns = grain_ns}};
    memset(r.asof.block, 0, bytes);
    return r;
}

static void put(rig *r, int64_t ns) {
    td_value *values = td_asof_put(r->asof, ns);
    values[0] = r->count;
    values[1] = -(td_value)r->count;
    r->times[r->count++] = ns;
    assert_true(td_asof_valid(r->asof));
}

/* The row's number, or -1. */
static int64_t wanted_at(const rig *r, int64_t ns) {
    for (uint32_t i = r->count; i-- > 0;)
        if (r->times[i] <= ns) return i;
    return -1;
}

static int64_t found_at(const rig *r, int64_t ns) {
    int64_t event_ns;
    const td_value *values = td_asof_at(r->asof, ns, &event_ns);
    if (values == NULL) return -1;
    assert_true(values[1] == -values[0] && event_ns == r->times[(size_t)values[0]]);
    return (int64_t)values[0];
}

/* Mostly forwards, sometimes the same time again, sometimes late. */
static int64_t next_time(uint64_t *seed, int64_t ns) {
    uint64_t z = unit_random(seed);
    return z % 7 == 0 ? ns : z % 11 == 0 ? ns - (int64_t)(z % 300) : ns + (int64_t)(z % 40);
}

static void the_newest_that_is_not_later(void **unused) {
    (void)unused;
    uint64_t seed = 7;
    rig r = rig_open(0, 0);
    int64_t ns = 1000, forgotten = 0, asked = 0;
    assert_int_equal(found_at(&r, ns), -1);
    for (int i = 0; i < ROWS; i++) {
        put(&r, ns = next_time(&seed, ns));
        for (int64_t back = 0; back < 2000; back += 97, asked++) {
            int64_t found = found_at(&r, ns - back), wanted = wanted_at(&r, ns - back);
            bool forgot = found == -1 && wanted >= 0;
            forgotten += forgot;
            if (forgot && r.count - wanted <= TD_ASOF_NEWEST) fail_msg("%d: %lld of %u", i, (long long)wanted, r.count);
            if (!forgot) assert_int_equal(found, wanted);
        }
    }
    assert_in_range(forgotten, 1000, asked / 2);
    free(r.asof.block);
}

static void bars_find_theirs(void **unused) {
    (void)unused;
    enum { GRAIN = 1000 };
    uint64_t seed = 11;
    rig r = rig_open(GRAINS, GRAIN);
    int64_t ns = 100 * GRAIN, asked = 0;
    for (int i = 0; i < ROWS; i++) {
        put(&r, ns = ns + (int64_t)(unit_random(&seed) % 9));
        int64_t end_ns = ns - ns % GRAIN;
        for (int64_t back = 0; back < GRAINS; back++, end_ns -= GRAIN) {
            if (end_ns < r.times[0]) break;
            assert_int_equal(found_at(&r, end_ns), wanted_at(&r, end_ns));
            asked += r.count - wanted_at(&r, end_ns) > 2 * TD_ASOF_NEWEST;
        }
    }
    assert_true(asked > ROWS);
    free(r.asof.block);
}

static void what_cannot_be_is_seen(void **unused) {
    (void)unused;
    rig r = rig_open(3, 10);
    put(&r, 5);
    uint32_t count = 2 * TD_ASOF_NEWEST + 4;
    memcpy(r.asof.block, &count, sizeof count);
    assert_false(td_asof_valid(r.asof));
    free(r.asof.block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_that_is_not_later),
        cmocka_unit_test(bars_find_theirs),
        cmocka_unit_test(what_cannot_be_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
