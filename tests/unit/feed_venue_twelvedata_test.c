/* tests/unit/feed_venue_twelvedata_test.c - goal: a price comes out with its second, whatever stands beside it; answers
 * say what they answer. */
#include "venue_unit.h"

#define OK_ACK "{\"event\":\"subscribe-status\",\"status\":\"ok\",\"success\":[{\"symbol\":\"AAPL\"}],\"fails\":null}"

static const unit_message steps[] = {
    {"{\"event\":\"price\",\"symbol\":\"AMZN\",\"currency\":\"USD\",\"exchange\":\"NASDAQ\",\"type\":\"Common Stock\","
     "\"timestamp\":1667563304,\"price\":90.39}",
     "TWELVEDATA:AMZN 2022-11-04T12:01:44Z price 90.39"},
    {"{\"event\":\"price\",\"symbol\":\"EUR/USD\",\"currency_base\":\"Euro\",\"exchange\":\"PHYSICAL CURRENCY\","
     "\"timestamp\":1790766150,\"price\":1.17071,\"bid\":1.17067,\"ask\":1.17075,\"day_volume\":12}",
     "TWELVEDATA:EUR/USD 2026-09-30T11:02:30Z price 1.17071"},
    {"{\"event\":\"price\",\"symbol\":\"A\",\"timestamp\":0,\"price\":1}", "rejected range"},
    {"{\"event\":\"price\",\"symbol\":\"A\",\"timestamp\":9223372037,\"price\":1}", "rejected range"},
    {"{\"event\":\"price\",\"symbol\":\"A\",\"timestamp\":1667563304.5,\"price\":1}", "rejected malformed"},
    {"{\"event\":\"price\",\"symbol\":\"A\",\"timestamp\":1667563304,\"price\":null}", "rejected malformed"},
    {"{\"event\":\"price\",\"symbol\":\"A\",\"timestamp\":1667563304,\"price\":1e40}", "rejected range"},
    {"{\"event\":\"price\",\"timestamp\":1667563304,\"price\":1}", "rejected malformed"},
    {OK_ACK, "ignored subscriptions ack " OK_ACK},
    {"{\"event\":\"heartbeat\",\"status\":\"ok\"}", "ignored heartbeat alive"},
    {"{\"event\":\"subscribe-status\",\"status\":\"error\",\"message\":\"**apikey** parameter is incorrect or not "
     "specified.\"}",
     "ignored error denied **apikey** parameter is incorrect or not specified."},
    {"{\"code\":429,\"message\":\"You have run out of API credits\",\"status\":\"error\"}",
     "ignored error error You have run out of API credits"},
    {"{\"status\":\"error\"}", "ignored error error"},
    {"{\"event\":\"reset-status\",\"status\":\"ok\"}", "ignored other"},
    {"[]", "ignored other"},
    {"", "rejected malformed"},
};

static void messages(void **state) {
    (void)state;
    unit_check_messages(&td_venue_twelvedata, "", steps, COUNT_OF(steps));
}

static void every_cut_is_malformed(void **state) {
    (void)state;
    unit_check_cuts(&td_venue_twelvedata, steps[1].message);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages), cmocka_unit_test(every_cut_is_malformed)};
    return cmocka_run_group_tests_name("feed_venue_twelvedata", tests, NULL, NULL);
}
