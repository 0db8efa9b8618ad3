/* tests/unit/feed_route_test.c - goal: an event has the name that the instrument table gives it at its time, and goes
 * to the partition of that name. */
#include "base/hash.h"
#include "feed/route.h"
#include "unit.h"

enum { PARTITIONS = 8 };

static void renames_by_time(void **state) {
    static const td_alias aliases[] = {{"V:FB", "V:META", 200},
                                       {"V:META", "V:METV", 100},
                                       {"V:X", "V:A", 10},
                                       {"V:X", "V:B", 20},
                                       {"V:XBT", "V:BTC", INT64_MAX}};
    static const struct {
        const char *name;
        int64_t event_ns;
        const char *tape;
    } rows[] = {
        {"V:FB", 199, "V:META"}, {"V:FB", 200, "V:FB"}, {"V:META", 99, "V:METV"}, {"V:META", 100, "V:META"},
        {"V:X", -5, "V:A"},      {"V:X", 10, "V:B"},    {"V:X", 20, "V:X"},       {"V:XBT", INT64_C(1) << 62, "V:BTC"},
        {"V:IBM", 0, "V:IBM"},
    };
    (void)state;
    td_instruments *instruments = td_instruments_new();
    td_route route;
    td_route_init(&route, instruments, PARTITIONS);
    td_route_set_aliases(&route, aliases, COUNT_OF(aliases));
    for (int again = 0; again < 2; again++) /* names known before, too */
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            td_event e = {.event_ns = rows[i].event_ns,
                          .instrument = td_instruments_intern(instruments, td_text(rows[i].name))};
            uint32_t partition = td_route_event(&route, &e);
            td_bytes name = td_instruments_name(instruments, e.instrument);
            ASSERT_ROW(td_bytes_equal(name, td_text(rows[i].tape)), "%zu", i);
            ASSERT_ROW(partition == td_partition_of(name, PARTITIONS), "%zu", i);
        }
    td_route_fini(&route);
    td_instruments_free(instruments);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(renames_by_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
