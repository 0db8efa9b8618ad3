/* tests/unit/net_cql_ring_test.c - goal: a token belongs to the node whose own token is the next one, around the ring;
 * where that node is away, to the next node that is not. */
#include "base/bytes.h"
#include "net/cql_ring.h"
#include "unit.h"

enum { NODES = 3, OTHERWISE = 9 };

static td_cql_ring ring;

static int begin(void **state) {
    (void)state;
    static const struct {
        const char *token;
        uint32_t node;
    } places[] = {{"300", 1}, {"-100", 0}, {"0", 1}, {"100", 0}, {"200", 1}, {"-9223372036854775808", 2}};
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (!td_cql_ring_add(&ring, td_text(places[i].token), places[i].node)) return 1;
    td_cql_ring_sort(&ring);
    return 0;
}

static int finish(void **state) {
    (void)state;
    td_cql_ring_fini(&ring);
    return 0;
}

static void owners(void **state) {
    (void)state;
    static const struct {
        int64_t token;
        uint32_t node;
    } rows[] = {{INT64_MIN, 2}, {INT64_MIN + 1, 0}, {-101, 0}, {-100, 0}, {-99, 1}, {0, 1},   {1, 0},
                {100, 0},       {101, 1},           {200, 1},  {201, 1},  {300, 1}, {301, 2}, {INT64_MAX, 2}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_cql_ring_find(&ring, rows[i].token)->node == rows[i].node, "%zu", i);
}

static void routes(void **state) {
    (void)state;
    static const struct {
        bool serves[NODES];
        uint32_t routes[6]; /* of the places, in their order: owned by 2, 0, 1, 0, 1, 1 */
    } rows[] = {
        {{true, true, true}, {2, 0, 1, 0, 1, 1}},
        {{false, true, true}, {2, 1, 1, 1, 1, 1}},
        {{true, false, true}, {2, 0, 0, 0, 2, 2}}, /* behind the last the first */
        {{true, true, false}, {0, 0, 1, 0, 1, 1}},
        {{true, false, false}, {0, 0, 0, 0, 0, 0}},
        {{false, false, false}, {OTHERWISE, OTHERWISE, OTHERWISE, OTHERWISE, OTHERWISE, OTHERWISE}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_cql_ring_route(&ring, rows[i].serves, OTHERWISE);
        for (size_t p = 0; p < ring.count; p++)
            ASSERT_ROW(ring.places[p].route == rows[i].routes[p], "%zu, %zu: %u", i, p, ring.places[p].route);
    }
}

static void what_is_no_token(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "1x",
                                      " 1",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "00000000000000000000",
                                      "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) ASSERT_ROW(!td_cql_ring_add(&ring, td_text(bad[i]), 0), "%zu", i);
    assert_int_equal(ring.count, 6);
    assert_true(td_cql_ring_add(&ring, TD_TEXT("9223372036854775807"), 0));
    assert_true(ring.places[6].token == INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(owners, begin, finish),
        cmocka_unit_test_setup_teardown(routes, begin, finish),
        cmocka_unit_test_setup_teardown(what_is_no_token, begin, finish),
    };
    return cmocka_run_group_tests_name("net_cql_ring", tests, NULL, NULL);
}
