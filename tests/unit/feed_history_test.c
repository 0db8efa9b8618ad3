/* tests/unit/feed_history_test.c - goal: what a venue has of a gap comes out once, newest first, with the same places
 * whenever it is asked for; what it does not have is said, and a failure loses nothing. */
#include "../sim/venue.h"
#include "base/time.h"
#include "feed/venue.h"
#include "unit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRADES = 5000, SYMBOL = 3 };
#define START_MS INT64_C(1700000000000)

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns;
    td_venue venue;
    void *web;
    char url[64], venue_name[8];
    td_feed_conf conf;
    td_history *history;
    int64_t due_ns;
    int failing;            /* the request of that number, from 1, is answered like this: */
    web_answer fault;       /* without its body */
    const char *fault_body; /* NULL: the right one */
    int asked;
    char path[256];
    int64_t asked_ns[64]; /* monotonic */
} rig;

static int64_t rig_mono_ns(void *self) { return ((const rig *)self)->mono_ns; }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    if (r->asked < (int)COUNT_OF(r->asked_ns)) r->asked_ns[r->asked] = r->mono_ns;
    r->asked++;
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    td_venue_answer(&r->venue, path, out);
    if (r->asked != r->failing) return;
    out->manner = r->fault.manner;
    out->code = r->fault.code;
    out->retry_s = r->fault.retry_s;
    if (r->fault_body == NULL) return;
    out->body.size = 0;
    td_buf_text(&out->body, r->fault_body);
}

static void rig_open(rig *r, uint64_t seed) {
    int symbol;
    int64_t id;
    *r = (rig){.ops = {.mono_ns = rig_mono_ns}, .mono_ns = 1, .url = "https://venue.test/", .venue_name = "BINANCE"};
    r->os = (td_os){&r->ops, r};
    td_venue_init(&r->venue,
                  &(td_venue_conf){.seed = seed, .symbols = SYMBOL + 1, .start_ms = START_MS, .mean_ms = 40});
    while (r->venue.symbols[SYMBOL].count < TRADES) assert_true(td_venue_next(&r->venue, INT64_MAX, &symbol, &id));
    r->web = web_simulated.open(seed, (web_handler){on_request, r});
    r->conf = (td_feed_conf){.venue = r->venue_name,
                             .history = r->url,
                             .history_interval_ns = 300 * TD_NS_PER_MS,
                             .history_max = 1000000,
                             .http = web_simulated.http};
    assert_int_equal(td_history_open(&r->history, &r->os, &r->conf, td_venue_binance.history, &r->due_ns), TD_OK);
}

static void rig_close(rig *r) {
    td_history_close(r->history);
    web_simulated.close(r->web);
    td_venue_fini(&r->venue);
}

static td_feed_item next_item(rig *r) {
    td_feed_item item = {0};
    td_status status = TD_AGAIN;
    for (int i = 0; i < 100000 && (status = td_history_next(r->history, &item)) == TD_AGAIN; i++) {
        (void)td_history_pump(r->history);
        r->mono_ns += 10 * TD_NS_PER_MS;
    }
    assert_int_equal(status, TD_OK);
    return item;
}

static int64_t time_of(const rig *r, int64_t id) {
    return td_venue_trade_of(&r->venue, SYMBOL, id)->time_ms * TD_NS_PER_MS;
}

static td_gap gap_of_ids(const rig *r, int64_t first, int64_t last) {
    return (td_gap){.instrument = 7,
                    .number = 2,
                    .from_ns = first > 1 ? time_of(r, first - 1) : 0,
                    .to_ns = time_of(r, last),
                    .first_id = first,
                    .last_id = last};
}

static void ask(rig *r, const td_gap *gap) {
    assert_int_equal(td_history_ask(r->history, gap, TD_TEXT("BINANCE:S3")), TD_OK);
    assert_int_equal(td_history_ask(r->history, gap, TD_TEXT("BINANCE:S3")), TD_FULL);
}

/* Trades of descending ids from `last` on, in places from `place` on; the item behind them. */
static td_feed_item take_trades(rig *r, int64_t *last, int64_t *place) {
    for (;;) {
        td_feed_item item = next_item(r);
        const td_event *e = &item.event;
        if (item.kind != TD_ITEM_EVENT) return item;
        const td_venue_trade *t = td_venue_trade_of(&r->venue, SYMBOL, *last);
        ASSERT_ROW(e->trade.trade_id == *last && e->of_offset == *place,
                   "id %" PRId64 " at %" PRId64 ", wanted %" PRId64 " at %" PRId64, e->trade.trade_id, e->of_offset,
                   *last, *place);
        assert_int_equal(e->kind, TD_EVENT_TRADE);
        assert_int_equal(e->origin, TD_ORIGIN_BACKFILL);
        assert_int_equal(e->of_epoch, 2);
        assert_int_equal(e->instrument, 7);
        assert_int_equal(e->event_ns, t->time_ms * TD_NS_PER_MS);
        assert_int_equal(e->trade.price, t->price_cents * 10000000);
        assert_int_equal(e->trade.size, t->size * 100000000);
        assert_int_equal(e->trade.side, t->maker_buys ? TD_SIDE_SELL : TD_SIDE_BUY);
        --*last;
        ++*place;
    }
}

static void expect_end(const td_feed_item *item, td_fill_extent extent) {
    assert_int_equal(item->kind, TD_ITEM_BACKFILL);
    ASSERT_ROW(!item->backfill.failed, "%s", item->backfill.detail);
    assert_int_equal(item->backfill.filled.extent, extent);
    assert_int_equal(item->backfill.filled.gap, 2);
    assert_int_equal(item->backfill.instrument, 7);
}

/* ---- the tests ---- */

static void gaps_come_whole(void **state) {
    static const struct {
        int64_t first, last;
        int pages;
    } rows[] = {{2000, 2000, 1}, {1, 1, 1}, {4999, 5000, 1}, {2001, 3000, 1}, {2000, 3000, 2}, {1, 5000, 5}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r, i);
        td_gap gap = gap_of_ids(&r, rows[i].first, rows[i].last);
        int64_t last = rows[i].last, place = 1;
        ask(&r, &gap);
        td_feed_item end = take_trades(&r, &last, &place);
        expect_end(&end, TD_FILL_WHOLE);
        ASSERT_ROW(last == rows[i].first - 1, "%zu: down to %" PRId64, i, last);
        ASSERT_ROW(r.asked == rows[i].pages, "%zu: %d pages", i, r.asked);
        for (int k = 1; k < r.asked; k++) assert_true(r.asked_ns[k] - r.asked_ns[k - 1] >= 300 * TD_NS_PER_MS);
        assert_int_equal(td_history_next(r.history, &end), TD_AGAIN);
        rig_close(&r);
    }
}

/* Where ids do not tell, its borders do: what stands on them was there before. */
static void gaps_of_time_are_between_their_borders(void **state) {
    (void)state;
    for (int again = 0; again < 2; again++) { /* the venue has gone on: same trades, same places */
        rig r;
        rig_open(&r, 1);
        td_gap gap = gap_of_ids(&r, 3100, 4200);
        int64_t from = 3100, to = 4200, place = 1, id;
        int symbol;
        for (int i = 0; again != 0 && i < 9000; i++) assert_true(td_venue_next(&r.venue, INT64_MAX, &symbol, &id));
        gap.first_id = gap.last_id = TD_NONE;
        while (time_of(&r, from) == gap.from_ns) from++;
        while (time_of(&r, to) == gap.to_ns) to--;
        ask(&r, &gap);
        td_feed_item end = take_trades(&r, &to, &place);
        expect_end(&end, TD_FILL_WHOLE);
        assert_int_equal(to, from - 1);
        rig_close(&r);
    }
}

static void what_the_venue_has_no_more_is_said(void **state) {
    static const struct {
        int64_t kept, max, down_to;
        td_fill_extent extent;
        bool by_time;
    } rows[] = {{2500, 1000000, 2501, TD_FILL_PART, false}, {2500, 1000000, 2501, TD_FILL_PART, true},
                {1000, 1000000, 4001, TD_FILL_NONE, false}, {1000, 1000000, 4001, TD_FILL_NONE, true},
                {5000, 1200, 2801, TD_FILL_PART, false},    {5000, 1999, 2002, TD_FILL_PART, true},
                {2999, 1000000, 2002, TD_FILL_PART, false}, {3000, 1000000, 2001, TD_FILL_WHOLE, false}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r, 5);
        r.venue.kept = rows[i].kept;
        r.conf.history_max = rows[i].max;
        td_gap gap = gap_of_ids(&r, 2001, 4000);
        int64_t last = 4000, place = 1;
        gap.to_ns++; /* the last one stands on the border otherwise */
        if (rows[i].by_time) gap.first_id = gap.last_id = TD_NONE;
        ask(&r, &gap);
        td_feed_item end = take_trades(&r, &last, &place);
        expect_end(&end, rows[i].extent);
        ASSERT_ROW(last + 1 == rows[i].down_to, "%zu: down to %" PRId64, i, last + 1);
        rig_close(&r);
    }
}

static void a_failure_goes_on_where_it_was(void **state) {
    static const struct {
        web_answer fault;
        const char *body, *why;
    } rows[] = {{{.manner = WEB_CUT}, NULL, "broke"},       {{.manner = WEB_SILENT}, NULL, "in time"},
                {{.code = 429, .retry_s = 9}, "{}", "429"}, {{.code = 503}, "", "503"},
                {{.code = 200}, "", "not an array"},        {{.code = 200}, "<html>", "not an array"},
                {{.code = 200}, "[1]", "of objects"},       {{.code = 200}, "[{\"id\":1", "cut"},
                {{.code = 200}, "[{}{}", "of objects"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r, i);
        td_gap gap = gap_of_ids(&r, 1001, 4000);
        int64_t last = 4000, place = 1;
        r.failing = 2;
        r.fault = rows[i].fault;
        r.fault_body = rows[i].body;
        ask(&r, &gap);
        td_feed_item end = take_trades(&r, &last, &place);
        while (end.kind == TD_ITEM_REJECTED) end = take_trades(&r, &last, &place); /* "{}" is no trade */
        assert_int_equal(end.kind, TD_ITEM_BACKFILL);
        ASSERT_ROW(end.backfill.failed && strstr(end.backfill.detail, rows[i].why) != NULL, "%zu: %s", i,
                   end.backfill.detail);
        ASSERT_ROW(end.backfill.wait_ns == rows[i].fault.retry_s * TD_NS_PER_S, "%zu", i);
        assert_int_equal(last, 3000); /* the first page came */
        ask(&r, &gap);
        end = take_trades(&r, &last, &place);
        expect_end(&end, TD_FILL_WHOLE);
        assert_int_equal(last, 1000);
        assert_int_equal(r.asked, 4);
        rig_close(&r);
    }
}

/* Another one came in between: from the beginning, in the same places. */
static void a_failure_given_up_begins_anew(void **state) {
    (void)state;
    rig r;
    rig_open(&r, 1);
    td_gap gap = gap_of_ids(&r, 1001, 4000), other = gap_of_ids(&r, 9, 9);
    int64_t last = 4000, place = 1, nine = 9, one = 1;
    r.failing = 2;
    r.fault.code = 500;
    ask(&r, &gap);
    assert_true(take_trades(&r, &last, &place).backfill.failed);
    ask(&r, &other);
    td_feed_item end = take_trades(&r, &nine, &one);
    expect_end(&end, TD_FILL_WHOLE);
    last = 4000;
    place = 1;
    ask(&r, &gap);
    end = take_trades(&r, &last, &place);
    expect_end(&end, TD_FILL_WHOLE);
    assert_int_equal(last, 1000);
    rig_close(&r);
}

static void bad_rows_are_told_and_the_others_taken(void **state) {
    static const char page[] =
        "[{\"id\":10,\"price\":\"1.5\",\"qty\":\"2\",\"time\":1700000000000,\"isBuyerMaker\":true},"
        "{\"id\":11,\"price\":\"x\",\"qty\":\"2\",\"time\":1700000000000,\"isBuyerMaker\":true},"
        "{\"id\":12,\"price\":\"99999999999999999\",\"qty\":\"2\",\"time\":1700000000000,\"isBuyerMaker\":true},"
        "{\"id\":13,\"price\":\"1.5\",\"qty\":\"2\",\"time\":99999999999999,\"isBuyerMaker\":true},"
        "{\"price\":\"1.5\"}, {\"more\":{\"id\":[9]},\"id\":14,\"price\":\"1.5\",\"qty\":\"2\",\"time\":1700000000000,"
        "\"isBuyerMaker\":false}]";
    static const struct {
        td_reason reason;
        const char *within;
    } bad[] = {{TD_REASON_MALFORMED, "{\"id\":11,"},
               {TD_REASON_RANGE, "{\"id\":12,"},
               {TD_REASON_RANGE, "{\"id\":13,"},
               {TD_REASON_MALFORMED, "{\"price\":\"1.5\"}"}};
    (void)state;
    rig r;
    rig_open(&r, 1);
    td_gap gap = gap_of_ids(&r, 10, 14);
    r.failing = 1;
    r.fault.code = 200;
    r.fault_body = page;
    ask(&r, &gap);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        td_feed_item item = next_item(&r);
        assert_int_equal(item.kind, TD_ITEM_REJECTED);
        ASSERT_ROW(item.rejected.reason == bad[i].reason, "%zu: reason %d", i, item.rejected.reason);
        assert_memory_equal(item.rejected.bytes.data, bad[i].within, strlen(bad[i].within));
    }
    td_feed_item first = next_item(&r), second = next_item(&r), end = next_item(&r);
    assert_int_equal(first.event.trade.trade_id, 14);
    assert_int_equal(second.event.trade.trade_id, 10);
    expect_end(&end, TD_FILL_WHOLE);
    rig_close(&r);
}

static void requests_name_what_is_wanted(void **state) {
    static const struct {
        const char *instrument, *path;
        td_status status;
    } rows[] = {
        {"BINANCE:S3", "/api/v3/historicalTrades?symbol=S3&fromId=90&limit=10", TD_OK},
        {"BINANCE:a&b=c/\xc3\xa4%", "/api/v3/historicalTrades?symbol=a%26b%3Dc%2F%C3%A4%25&fromId=90&limit=10", TD_OK},
        {"OTHER:S3", "", TD_REJECT},
        {"BINANCE", "", TD_REJECT},
        {"BINANCEX:S3", "", TD_REJECT}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r, 1);
        td_gap gap = gap_of_ids(&r, 90, 99);
        ASSERT_ROW(td_history_ask(r.history, &gap, td_text(rows[i].instrument)) == rows[i].status, "%zu", i);
        (void)td_history_pump(r.history);
        assert_string_equal(r.path, rows[i].path);
        rig_close(&r);
    }
}

static void addresses_are_checked(void **state) {
    static char urls[][32] = {"ws://venue.test", "venue.test", "http://", "https://a b"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        td_history *history;
        int64_t due_ns = 0;
        td_feed_conf conf = {.history = urls[i]};
        assert_int_equal(td_history_open(&history, &td_os_posix, &conf, td_venue_binance.history, &due_ns), TD_CONFIG);
        ASSERT_ROW(strncmp(td_trail(), "history: ", 9) == 0, "%zu: %s", i, td_trail());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_come_whole),
        cmocka_unit_test(gaps_of_time_are_between_their_borders),
        cmocka_unit_test(what_the_venue_has_no_more_is_said),
        cmocka_unit_test(a_failure_goes_on_where_it_was),
        cmocka_unit_test(a_failure_given_up_begins_anew),
        cmocka_unit_test(bad_rows_are_told_and_the_others_taken),
        cmocka_unit_test(requests_name_what_is_wanted),
        cmocka_unit_test(addresses_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
