/* tests/unit/stream_profile_test.c - goal: each number of a day is what was put in, days stay as they were, and what
 * departs is told, in words, and nothing else. */
#include "base/time.h"
#include "stream/anomaly.h"
#include "unit.h"

#define DAY0    (INT64_C(19700) * TD_NS_PER_DAY)
#define PRICE_M INT64_C(1000000000)

static td_event trade(int64_t receive_ns, int64_t cents, int64_t id) {
    return (td_event){.kind = TD_EVENT_TRADE,
                      .event_ns = receive_ns - 2 * TD_NS_PER_MS,
                      .receive_ns = receive_ns,
                      .trade = {.price = cents * PRICE_M / 100,
                                .size = 100000000,
                                .trade_id = id,
                                .exchange = {1, "P"},
                                .condition = {1, "0"}}};
}

static td_event quote(int64_t receive_ns, int64_t bid_cents, int64_t ask_cents) {
    return (td_event){.kind = TD_EVENT_QUOTE,
                      .event_ns = receive_ns,
                      .receive_ns = receive_ns,
                      .quote = {.bid_price = bid_cents > 0 ? bid_cents * PRICE_M / 100 : TD_NONE,
                                .ask_price = ask_cents > 0 ? ask_cents * PRICE_M / 100 : TD_NONE,
                                .exchange = {1, "P"},
                                .condition = {1, "0"}}};
}

static void add(td_profile *p, td_event e) { td_profile_add(p, &e, TD_IDS_ORDERED, false); }

static void counts_what_came(void **state) {
    static td_profile p;
    td_profile_day d;
    (void)state;
    p = (td_profile){0};
    int64_t at = DAY0 + TD_NS_PER_HOUR;
    add(&p, trade(at, 10000, 1));
    add(&p, trade(at + 1, 10300, 2));
    td_event doubled = trade(at + 2, 10300, 2); /* no part of the volume */
    doubled.event_ns--;
    add(&p, doubled);
    add(&p, trade(at + 90 * TD_NS_PER_S, 9900, TD_NONE));
    add(&p, quote(at + 91 * TD_NS_PER_S, 9900, 9901));
    add(&p, quote(at + 92 * TD_NS_PER_S, 9900, 9900));
    add(&p, quote(at + 93 * TD_NS_PER_S, 9901, 9900));
    add(&p, quote(at + 94 * TD_NS_PER_S, 0, 9900));
    td_event odd = quote(at + 95 * TD_NS_PER_S, 9900, 0);
    odd.quote.exchange.size = odd.quote.condition.size = 0;
    odd.flags = TD_FLAG_TIME_RECEIVE | TD_FLAG_INEXACT | TD_FLAG_SUSPICIOUS;
    td_profile_add(&p, &odd, TD_IDS_ORDERED, true);
    td_event anew = trade(at + 96 * TD_NS_PER_S, 1, 9);
    anew.origin = TD_ORIGIN_BACKFILL;
    add(&p, anew);
    td_event early = trade(at + 97 * TD_NS_PER_S, 9900, 3);
    early.event_ns = early.receive_ns + 1;
    add(&p, early);
    td_event price = {.kind = TD_EVENT_PRICE, .event_ns = early.receive_ns, .receive_ns = early.receive_ns};
    price.price.price = 98 * PRICE_M;
    add(&p, price);
    price.price.price = -1; /* counted, and no part of the range */
    add(&p, price);
    td_profile_refuse(&p, &(td_quarantined){.event = early, .reason = TD_REASON_OUTLIER});
    td_profile_refuse(&p, &(td_quarantined){.event = early, .reason = TD_REASON_LATE});
    td_profile_day_at(&p, 0, &d);

    static const int64_t wanted[TD_PROFILE_COUNT_COUNT] = {
        [TD_PROFILE_TRADES] = 5,     [TD_PROFILE_QUOTES] = 5,      [TD_PROFILE_NO_BID] = 1,
        [TD_PROFILE_NO_ASK] = 1,     [TD_PROFILE_NO_TRADE_ID] = 1, [TD_PROFILE_NO_EVENT_TIME] = 1,
        [TD_PROFILE_TWO_SIDED] = 3,  [TD_PROFILE_NO_EXCHANGE] = 1, [TD_PROFILE_NO_CONDITION] = 1,
        [TD_PROFILE_LOCKED] = 1,     [TD_PROFILE_CROSSED] = 1,     [TD_PROFILE_DUPLICATES] = 1,
        [TD_PROFILE_AHEAD] = 1,      [TD_PROFILE_LATE] = 1,        [TD_PROFILE_INEXACT] = 1,
        [TD_PROFILE_SUSPICIOUS] = 1, [TD_PROFILE_ANEW] = 1,        [TD_PROFILE_PRICES] = 2};
    for (int c = 0; c < TD_PROFILE_COUNT_COUNT; c++)
        ASSERT_ROW(d.counts[c] == wanted[c], "%s: %d", td_profile_count_name((td_profile_count)c), (int)d.counts[c]);
    assert_int_equal(p.day_count, 1);
    assert_int_equal(d.date, 19700);
    assert_int_equal(d.first_ns, at);
    assert_int_equal(d.last_ns, at + 97 * TD_NS_PER_S);
    assert_int_equal(d.peak_count, 3);
    assert_int_equal(d.peak_ns, at);
    assert_int_equal(d.silence_ns, 90 * TD_NS_PER_S - 2);
    assert_int_equal(d.silent_at_ns, at + 2);
    assert_int_equal(d.low, 98 * PRICE_M);
    assert_int_equal(d.high, 103 * PRICE_M);
    assert_int_equal(d.step, 4 * PRICE_M);
    assert_int_equal(d.step_from, 103 * PRICE_M);
    assert_true(d.volume == 4 * 100000000);
    assert_int_equal(d.spread_p99, PRICE_M / 100);
    assert_int_equal(d.delay_p50_ns, 0);
    assert_int_equal(d.delay_p99_ns, 2 * TD_NS_PER_MS);
    assert_int_equal(td_profile_refused(&d), 1);
    assert_int_equal(d.refused[TD_REASON_LATE], 1);
}

static void keeps_the_newest_days(void **state) {
    static td_profile p;
    td_profile_day d;
    (void)state;
    p = (td_profile){.zone = TD_ZONE_NEW_YORK};
    for (int64_t day = 0; day < 20; day++) /* the date changes at midnight in New York, not in UTC */
        for (int64_t n = 0; n <= day; n++)
            add(&p, trade(DAY0 + day * TD_NS_PER_DAY + 4 * TD_NS_PER_HOUR + n, 100, 1 + n));
    assert_int_equal(p.day_count, TD_PROFILE_DAYS);
    for (size_t i = 0; i < p.day_count; i++) {
        td_profile_day_at(&p, i, &d);
        ASSERT_ROW(d.date == 19704 + (int64_t)i, "%zu: %d", i, (int)d.date);
        ASSERT_ROW(d.counts[TD_PROFILE_TRADES] == 6 + (int64_t)i, "%zu", i);
        ASSERT_ROW(d.delay_p99_ns == 2 * TD_NS_PER_MS, "%zu: what has passed keeps its quantiles", i);
    }
    assert_int_equal(td_profile_find(&p, 19700), p.day_count);
    td_event old = trade(DAY0, 100, 1);
    td_profile_refuse(&p, &(td_quarantined){.event = old, .reason = TD_REASON_OUTLIER}); /* older than what is kept */
    td_profile_day_at(&p, 0, &d);
    assert_int_equal(td_profile_refused(&d), 0);
    add(&p, trade(DAY0 + 10 * TD_NS_PER_DAY, 100, 99)); /* a clock that went back counts to the newest day */
    td_profile_day_at(&p, p.day_count - 1, &d);
    assert_int_equal(d.counts[TD_PROFILE_TRADES], 21);
}

typedef struct sort_of_day {
    int ticks, gap_ms, spread_cents, crossed, doubled, without_ask;
} sort_of_day;

static void fill_day(td_profile *p, int64_t day, const sort_of_day *sort) {
    int64_t at = DAY0 + day * TD_NS_PER_DAY + 15 * TD_NS_PER_HOUR, id = day * 100000;
    for (int n = 0; n < sort->ticks; n++, at += sort->gap_ms * TD_NS_PER_MS) {
        if (n % 2 == 0) {
            bool crossed = n / 2 < sort->crossed, no_ask = n / 2 < sort->without_ask;
            add(p, quote(at, 10000 + crossed * 100, no_ask ? 0 : 10000 + sort->spread_cents));
        } else {
            bool doubled = n / 2 < sort->doubled;
            td_event e = trade(at, 10000 + n % 7, doubled ? id : ++id);
            if (doubled) e.event_ns = DAY0 + day * TD_NS_PER_DAY;
            add(p, e);
        }
    }
}

static void tells_what_departs(void **state) {
    static const sort_of_day usual = {1000, 500, 2, 0, 0, 0};
    static const struct {
        const char *does;
        int week;
        bool over;
        sort_of_day day;
        const char *wanted; /* the numbers that are flagged, each followed by a space */
    } rows[] = {
        {"as ever", 7, true, {1010, 500, 2, 0, 0, 0}, ""},
        {"nothing to compare with", 2, true, {10, 500, 80, 0, 0, 0}, ""},
        {"a quiet day", 7, true, {100, 500, 2, 0, 0, 0}, "trades quotes volume "},
        {"the day is not over", 7, false, {100, 500, 2, 0, 0, 0}, ""},
        {"much", 7, false, {4000, 500, 2, 0, 0, 0}, "trades quotes volume "},
        {"slowly", 3, true, {300, 90000, 2, 0, 0, 0}, "trades quotes volume events_per_second silence "},
        {"wide", 7, true, {1000, 500, 9, 0, 0, 0}, "spread_median "},
        {"crossed", 1, true, {1000, 500, 2, 30, 0, 0}, "crossed_share "},
        {"doubled", 1, true, {1000, 500, 2, 0, 30, 0}, "duplicate_share "},
        {"what never was missing", 1, true, {1000, 500, 2, 0, 0, 30}, "no_ask "},
        {"no day before", 0, true, {1000, 500, 2, 0, 0, 30}, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static td_profile p;
        td_anomalies found;
        char flagged[200] = "";
        p = (td_profile){0};
        for (int day = 0; day < rows[i].week; day++) fill_day(&p, day, &usual);
        fill_day(&p, rows[i].week, &rows[i].day);
        td_anomalies_find(&p, p.day_count - 1, rows[i].over, &found);
        assert_int_equal(found.week_days, rows[i].week);
        for (size_t a = 0; a < found.count; a++) {
            assert_true(strlen(found.items[a].text) > 10);
            strcat(strcat(flagged, found.items[a].number), " ");
        }
        ASSERT_ROW(strcmp(flagged, rows[i].wanted) == 0, "%s: %s", rows[i].does, flagged);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_what_came), cmocka_unit_test(keeps_the_newest_days),
                                       cmocka_unit_test(tells_what_departs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
