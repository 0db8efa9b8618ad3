/* tests/unit/stream_rules_test.c - goal: each rule refuses what its name says and nothing else, what is appended anew
 * passes what it may, and a market that has really moved is believed. */
#include "stream/rules.h"
#include "unit.h"
#include <string.h>

enum { S = 1000000000 };

static td_event trade(int64_t price, int64_t size) {
    return (td_event){.kind = TD_EVENT_TRADE, .trade = {.price = price, .size = size, .trade_id = TD_NONE}};
}
static td_event quote(int64_t bid, int64_t bid_size, int64_t ask, int64_t ask_size) {
    return (td_event){.kind = TD_EVENT_QUOTE,
                      .quote = {.bid_price = bid, .bid_size = bid_size, .ask_price = ask, .ask_size = ask_size}};
}

static td_event price(int64_t price) { return (td_event){.kind = TD_EVENT_PRICE, .price = {price}}; }

static bool is_plain(const td_event *event, const td_recent *recent) {
    if (event->kind == TD_EVENT_TRADE) return td_trade_is_plain(&event->trade, recent);
    return event->kind == TD_EVENT_QUOTE && td_quote_is_plain(&event->quote);
}

/* As the state asks: the short way first. */
static td_reason judge(const td_event *event, td_rules_choice choice, td_recent *recent) {
    td_program_feed feed = td_program_feed_default();
    feed.rules = (int)choice;
    td_rule_case judged = {.event = event, .feed = &feed, .recent = recent};
    td_reason reason = td_rules_judge(&judged, true);
    if (reason != TD_REASON_NONE || is_plain(event, recent)) return reason;
    return td_rules_judge(&judged, false);
}

static void single_events_are_judged(void **state) {
    (void)state;
    const int64_t none = TD_NONE;
    const struct {
        td_event event;
        td_reason basic, off;
    } rows[] = {
        {trade(1, 1), 0, 0},
        {trade(0, 1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {trade(-1, 1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {trade(1, 0), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {trade(INT64_MIN, INT64_MIN), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {quote(100, 1, 101, 1), 0, 0},
        {quote(100, 1, 100, 1), 0, 0}, /* locked */
        {quote(101, 1, 100, 1), TD_REASON_CROSSED, 0},
        {quote(none, none, 100, 1), 0, 0},
        {quote(100, 1, none, none), 0, 0},
        {quote(none, none, none, none), 0, 0},
        {quote(100, 0, 101, 1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {quote(0, 1, 101, 1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {quote(none, none, 0, 1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {quote(100, 1, 101, -1), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {price(1), 0, 0},
        {price(0), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
        {price(INT64_MIN), TD_REASON_NON_POSITIVE, TD_REASON_NON_POSITIVE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_recent recent = {0};
        ASSERT_ROW(judge(&rows[i].event, TD_RULES_BASIC, &recent) == rows[i].basic, "%zu, basic", i);
        ASSERT_ROW(judge(&rows[i].event, TD_RULES_OFF, &recent) == rows[i].off, "%zu, off", i);
    }
}

static void ahead_is_judged_from_the_record(void **state) {
    (void)state;
    static const struct {
        int64_t event_ns, receive_ns;
        td_reason reason;
    } rows[] = {
        {INT64_C(105) * S, INT64_C(100) * S, 0},
        {INT64_C(105) * S + 1, INT64_C(100) * S, TD_REASON_AHEAD},
        {0, INT64_C(100) * S, 0},                                     /* of 1970: late, not ahead */
        {INT64_C(4102444800) * S, INT64_C(100) * S, TD_REASON_AHEAD}, /* of 2100 */
    };
    td_recent recent = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e = trade(1, 1);
        e.event_ns = rows[i].event_ns;
        e.receive_ns = rows[i].receive_ns;
        ASSERT_ROW(judge(&e, TD_RULES_OFF, &recent) == rows[i].reason, "%zu", i);
        e.pass = 1u << TD_REASON_AHEAD;
        ASSERT_ROW(judge(&e, TD_RULES_OFF, &recent) == TD_REASON_NONE, "%zu passes", i);
    }
}

static void what_is_released_passes_what_it_names(void **state) {
    (void)state;
    td_recent recent = {0};
    td_event crossed = quote(101, 1, 100, 1), nothing = trade(1, 0);
    crossed.pass = 1u << TD_REASON_OUTLIER;
    assert_int_equal(judge(&crossed, TD_RULES_BASIC, &recent), TD_REASON_CROSSED);
    crossed.pass |= 1u << TD_REASON_CROSSED;
    assert_int_equal(judge(&crossed, TD_RULES_BASIC, &recent), TD_REASON_NONE);
    nothing.pass = UINT32_MAX; /* no bar can be made of it */
    assert_int_equal(judge(&nothing, TD_RULES_BASIC, &recent), TD_REASON_NON_POSITIVE);
}

/* Trades of one instrument in a row; what is accepted is remembered, as the state does. */
typedef struct tick {
    int64_t price, id;
    int times;
    td_reason reason; /* of each of them */
} tick;

static void run(const tick *ticks, size_t count) {
    td_recent recent = {0};
    int64_t now_ns = S;
    for (size_t i = 0; i < count; i++)
        for (int n = 0; n < ticks[i].times; n++) {
            td_event e = trade(ticks[i].price, 1);
            e.event_ns = e.receive_ns = ticks[i].id != 0 ? S : ++now_ns; /* one with an id comes at one time */
            if (ticks[i].id != 0) e.trade.trade_id = ticks[i].id;
            td_reason reason = judge(&e, TD_RULES_BASIC, &recent);
            ASSERT_ROW(reason == ticks[i].reason, "%zu, time %d: %s", i, n, td_reason_name(reason));
            if (reason == TD_REASON_NONE) td_recent_put(&recent, e.trade.price);
        }
}

static void outliers_are_refused_and_shifts_believed(void **state) {
    (void)state;
    const td_reason out = TD_REASON_OUTLIER;
    static const tick early[] = {{1000, 0, 15, 0}, {5000, 0, 1, 0}}; /* too few to judge by */
    const tick bounds[] = {
        {1000, 0, 16, 0},  {1101, 0, 1, out},
        {1100, 0, 1, 0},   {1500, 0, 1, 0}, /* the range is 100 now: 4 of them more */
        {4000, 0, 1, out}, {1, 0, 1, 0},
    };
    const tick one[] = {{1000, 0, 16, 0}, {1, 0, 4, out}, {1000, 0, 1, 0}, {1, 0, 4, out}, {1001, 0, 1, 0}};
    const tick shift[] = {{1000, 0, 16, 0}, {2000, 0, 4, out}, {2001, 0, 1, 0}, {2002, 0, 20, 0}, {1000, 0, 4, out}};
    const tick both[] = {{1000, 0, 16, 0}, {2000, 0, 3, out}, {3000, 0, 4, out}, {3000, 0, 1, 0}};
    const tick doubled[] = {{1000, 0, 16, 0}, {2000, 77, 50, out}}; /* one bad tick, however often it comes */
    const tick huge[] = {{INT64_MAX, 0, 16, 0}, {1, 0, 1, out}, {INT64_MAX - 1, 0, 1, 0}};
    run(early, COUNT_OF(early));
    run(bounds, COUNT_OF(bounds));
    run(one, COUNT_OF(one));
    run(shift, COUNT_OF(shift));
    run(both, COUNT_OF(both));
    run(doubled, COUNT_OF(doubled));
    run(huge, COUNT_OF(huge));
}

/* The short way never lets by what the rule would refuse. */
static void plain_is_never_refused(void **state) {
    (void)state;
    uint64_t random = 7;
    int plain = 0;
    for (int round = 0; round < 200; round++) {
        td_recent recent = {0};
        int64_t level = 1 + (int64_t)(unit_random(&random) % 1000000);
        for (int i = 0; i < 200; i++) {
            int64_t price = level + (int64_t)(unit_random(&random) % 2000) - 1000;
            td_event e = trade(price, 1);
            td_program_feed feed = td_program_feed_default();
            td_rule_case judged = {.event = &e, .feed = &feed, .recent = &recent};
            bool short_way = td_trade_is_plain(&e.trade, &recent);
            td_recent before = recent;
            td_reason reason = td_rules_judge(&judged, false);
            recent = before;
            plain += short_way;
            ASSERT_ROW(!short_way || reason == TD_REASON_NONE, "%d, %d: price %d", round, i, (int)price);
            if (price > 0) td_recent_put(&recent, price);
        }
    }
    assert_true(plain > 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_events_are_judged),
        cmocka_unit_test(ahead_is_judged_from_the_record),
        cmocka_unit_test(what_is_released_passes_what_it_names),
        cmocka_unit_test(outliers_are_refused_and_shifts_believed),
        cmocka_unit_test(plain_is_never_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
