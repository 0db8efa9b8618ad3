/* tests/unit/feed_venue_coincap_test.c - goal: each price of a message comes out once, rounded half-even and said to be
 * so, at the time it came; what the vendor says instead of prices is told apart. */
#include "venue_unit.h"

#define AT " 2023-11-14T22:13:20Z price "

static const unit_message steps[] = {
    {"{\"bitcoin\":\"6929.8217756835584756\",\"ethereum\":\"404.91\"}",
     "COINCAP:bitcoin" AT "6929.821775684 inexact time-receive\nCOINCAP:ethereum" AT "404.91 time-receive"},
    {"{\"shiba-inu\":\"0.0000085005\"}", "COINCAP:shiba-inu" AT "0.0000085 inexact time-receive"},
    {"{\"a\":\"0.0000000015\",\"b\":\"0.0000000025\"}", /* to the even one */
     "COINCAP:a" AT "0.000000002 inexact time-receive\nCOINCAP:b" AT "0.000000002 inexact time-receive"},
    {"{\"a\":\"0.0000000000004\",\"b\":1.5,\"c\":\"x\",\"d\":null,\"e\":[1,{}],\"f\":\"1e40\",\"g "
     "g\":\"1\",\"h\\u0041\":\"1\","
     "\"i\":\"1\"}",
     "rejected range\nCOINCAP:b" AT "1.5 time-receive\nrejected malformed\nrejected malformed\nrejected malformed\n"
     "rejected range\nrejected malformed\nrejected malformed\nCOINCAP:i" AT "1 time-receive"},
    {"{}", "ignored price"},
    {"Unauthorized: your key does not reach this", "ignored error denied"},
    {"Unauthorized", "ignored error denied"},
    {"{\"data\":{\"message\":\"We are deprecating this version\"},\"timestamp\":1744796832910}",
     "ignored error error We are deprecating this version"},
    {"{\"error\":\"out of credits\"}", "ignored error error out of credits"},
    {"{\"data\":7}", "ignored error error"},
    {"[1]", "rejected malformed"},
    {"7", "rejected malformed"},
    {"Unauthorize", "rejected malformed"},
    {"{\"bitcoin\":\"1\"}", "COINCAP:bitcoin" AT "1 time-receive"},
};

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_coincap, "", steps, COUNT_OF(steps));
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_coincap, steps[0].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_coincap", tests, NULL, NULL);
}
