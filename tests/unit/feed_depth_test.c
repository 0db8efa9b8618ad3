/* tests/unit/feed_depth_test.c - goal: a book of which only changes are told is asked for when it begins and when one
 * of them is missing, and what the venue answers ends that or is a failure; nothing of a session outlives it. */
#include "../contract/web.h"
#include "feed/depth.h"
#include "venue_unit.h"

#define BOOK_100  "{\"lastUpdateId\":100,\"bids\":[[\"9\",\"1\"]],\"asks\":[[\"11\",\"2\"]]}"
#define PATH      "/api/v3/depth?symbol=BTCUSDT&limit=1000"
#define RECEIVED  " 2023-11-14T22:13:20Z book none..100"
#define WHOLE_100 "BINANCE:BTCUSDT" RECEIVED " snapshot: b 9 x 1, a 11 x 2 time-receive\nend\n"

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns, due_ns;
    char url[32], venue_name[8];
    td_feed_conf conf;
    td_instruments *instruments;
    uint32_t btc, eth;
    void *web;
    td_depth *depth;
    web_answer answer; /* without its body */
    const char *body;
    int asked;
    char path[128];
    td_buf text;
} rig;

static int64_t rig_mono_ns(void *self) { return ((const rig *)self)->mono_ns; }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    r->asked++;
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    *out = r->answer;
    td_buf_text(&out->body, r->body);
}

static void rig_open(rig *r) {
    *r = (rig){.ops = {.mono_ns = rig_mono_ns},
               .mono_ns = 1,
               .url = "http://venue.test",
               .venue_name = "BINANCE",
               .answer.code = 200,
               .body = BOOK_100};
    r->os = (td_os){&r->ops, r};
    r->instruments = td_instruments_new();
    r->btc = td_instruments_intern(r->instruments, TD_TEXT("BINANCE:BTCUSDT"));
    r->eth = td_instruments_intern(r->instruments, TD_TEXT("BINANCE:ETHUSDT"));
    r->web = web_simulated.open(1, (web_handler){on_request, r});
    r->conf = (td_feed_conf){.venue = r->venue_name,
                             .history = r->url,
                             .history_interval_ns = 300 * TD_NS_PER_MS,
                             .http = web_simulated.http};
    td_depth_conf conf = {&r->os, &r->conf, &td_venue_binance, r->instruments, &r->due_ns};
    assert_int_equal(td_depth_open(&r->depth, &conf), TD_OK);
}

static void rig_close(rig *r) {
    td_depth_close(r->depth);
    web_simulated.close(r->web);
    td_instruments_free(r->instruments);
    td_buf_fini(&r->text);
}

static void take(rig *r, uint32_t instrument, int64_t first, int64_t last) {
    td_event e = {.kind = TD_EVENT_BOOK, .instrument = instrument};
    e.book = (td_book){.first_sequence = first, .last_sequence = last};
    td_depth_take(r->depth, &e);
}

static void put_item(rig *r, const td_feed_item *item) {
    if (item->kind == TD_ITEM_WANTED) {
        td_buf_printf(&r->text, "want %s\n", (const char *)td_instruments_name(r->instruments, item->wanted).data);
    } else if (item->kind == TD_ITEM_EVENT) {
        unit_put_event(&r->text, r->instruments, &item->event);
        td_buf_text(&r->text, "\n");
    } else if (item->kind == TD_ITEM_RAW) {
        td_buf_printf(&r->text, "raw %s %.*s\n", strrchr((const char *)item->raw.address.data, '/'),
                      (int)item->raw.bytes.size, (const char *)item->raw.bytes.data);
    } else if (item->kind == TD_ITEM_REJECTED) {
        td_buf_printf(&r->text, "rejected %s\n", td_reason_name((td_reason)item->rejected.reason));
    } else {
        const td_feed_backfill *end = &item->backfill;
        assert_int_equal(item->kind, TD_ITEM_BACKFILL);
        assert_true(end->instrument == r->btc && end->filled.gap == 0 && end->failed == (end->detail[0] != '\0'));
        td_buf_printf(&r->text, end->failed ? "failed, %d s: %s\n" : "end\n", (int)(end->wait_ns / TD_NS_PER_S),
                      end->detail);
    }
}

/* All that comes in a minute is that. */
static void expect(rig *r, const char *wanted) {
    td_feed_item item;
    for (int i = 0; i < 600; i++) {
        (void)td_depth_pump(r->depth);
        while (td_depth_next(r->depth, UNIT_RECEIVED, &item) == TD_OK) put_item(r, &item);
        r->mono_ns += 100 * TD_NS_PER_MS;
    }
    td_buf_put(&r->text, "", 1);
    assert_string_equal((const char *)r->text.data, wanted);
    r->text.size = 0;
}

/* ---- the tests ---- */

static void what_does_not_follow_is_wanted(void **state) {
    static const struct {
        int64_t first, last; /* behind 90..95 and 96..100, which wait */
        bool wanted;
    } rows[] = {{101, 101, false}, {99, 104, false},       {96, 100, false},      {90, 95, false},      {1, 2, false},
                {102, 102, true},  {500, INT64_MAX, true}, {TD_NONE, 102, false}, {102, TD_NONE, false}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r);
        expect(&r, "");
        take(&r, r.btc, 90, 95);
        take(&r, r.btc, 96, 100);
        expect(&r, "want BINANCE:BTCUSDT\n");
        take(&r, r.btc, rows[i].first, rows[i].last);
        expect(&r, rows[i].wanted ? "want BINANCE:BTCUSDT\n" : "");
        rig_close(&r);
    }
}

static void a_book_that_comes_ends_it_until_the_next_hole(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    take(&r, r.btc, 90, 95);
    take(&r, r.eth, 7, 7);
    expect(&r, "want BINANCE:BTCUSDT\nwant BINANCE:ETHUSDT\n");
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
    assert_int_equal(td_depth_ask(r.depth, r.eth), TD_FULL);
    expect(&r, WHOLE_100);
    assert_string_equal(r.path, PATH);
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_REJECT); /* it waits no more */
    take(&r, r.btc, 96, 100);                                  /* the book has it in */
    take(&r, r.btc, 101, 101);
    expect(&r, "");
    take(&r, r.btc, 103, 103);
    expect(&r, "want BINANCE:BTCUSDT\n");
    assert_int_equal(td_depth_ask(r.depth, 4711), TD_REJECT);
    assert_int_equal(r.asked, 1);
    rig_close(&r);
}

static void what_is_no_book_is_a_failure(void **state) {
    static const struct {
        web_answer answer;
        const char *body, *items;
    } rows[] = {
        {{.code = 429, .retry_s = 9}, "{}", "failed, 9 s: the answer is code 429\n"},
        {{.manner = WEB_CUT, .code = 200}, BOOK_100, "failed, 0 s: the connection broke within the answer\n"},
        {{.manner = WEB_SILENT, .code = 200}, BOOK_100, "failed, 0 s: no answer in time\n"},
        {{.code = 200}, "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", "failed, 0 s: the answer is no book\n"},
        {{.code = 200}, "[]", "failed, 0 s: the answer is no book\n"},
        {{.code = 200}, "<html>", "rejected malformed\nfailed, 0 s: the answer is no book\n"},
        {{.code = 200},
         "{\"lastUpdateId\":100,\"bids\":[[\"9\"",
         "rejected malformed\nfailed, 0 s: the answer is no book\n"},
        {{.code = 200},
         "{\"lastUpdateId\":100,\"bids\":[[\"9\",\"-1\"]],\"asks\":[]}",
         "rejected range\nfailed, 0 s: the answer is no book\n"},
        {{.code = 200},
         "{\"e\":\"depthUpdate\",\"E\":1700000000000,\"s\":\"BTCUSDT\",\"U\":100,\"u\":101,\"b\":[],\"a\":[]}",
         "failed, 0 s: the answer is no book\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig r;
        rig_open(&r);
        take(&r, r.btc, 101, 103);
        expect(&r, "want BINANCE:BTCUSDT\n");
        r.answer = rows[i].answer;
        r.body = rows[i].body;
        assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
        expect(&r, rows[i].items);
        r.answer = (web_answer){.code = 200};
        r.body = BOOK_100;
        assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK); /* it waits still */
        expect(&r, WHOLE_100);
        rig_close(&r);
    }
}

static void a_book_from_before_its_updates_is_a_failure(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    take(&r, r.btc, 102, 103);
    expect(&r, "want BINANCE:BTCUSDT\n");
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
    expect(&r, "BINANCE:BTCUSDT" RECEIVED " snapshot: b 9 x 1, a 11 x 2 time-receive\n"
               "failed, 0 s: the book in the answer is older than what has changed since\n");
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
    rig_close(&r);
}

/* More levels than one event holds, as they came before; each part is the book's, whoever it names. */
static void a_large_book_comes_in_parts(void **state) {
    rig r;
    td_buf body = {0};
    td_feed_item item;
    size_t levels = 0;
    int parts = 0;
    (void)state;
    rig_open(&r);
    r.conf.raw = true;
    td_buf_text(&body, "{\"lastUpdateId\":100,\"bids\":[");
    for (int i = 0; i < 1000; i++) td_buf_printf(&body, "%s[\"%d\",\"1\"]", i > 0 ? "," : "", 1000 - i);
    td_buf_put(&body, "],\"asks\":[]}", 13);
    r.body = (const char *)body.data;
    take(&r, r.btc, 90, 95);
    expect(&r, "want BINANCE:BTCUSDT\n");
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
    while (td_depth_next(r.depth, UNIT_RECEIVED, &item) != TD_OK) {
        assert_false(td_depth_is_within(r.depth));
        (void)td_depth_pump(r.depth);
    }
    assert_int_equal(item.kind, TD_ITEM_RAW);
    assert_true(td_bytes_equal(item.raw.bytes, td_text(r.body)));
    for (; td_depth_is_within(r.depth); parts++) {
        assert_int_equal(td_depth_next(r.depth, UNIT_RECEIVED, &item), TD_OK);
        assert_true(item.kind == TD_ITEM_EVENT && item.event.instrument == r.btc);
        assert_int_equal(item.event.book.snapshot, parts == 0);
        assert_int_equal(item.event.book.more, td_depth_is_within(r.depth));
        levels += item.event.book.level_count;
    }
    assert_true(levels == 1000 && parts == 8);
    expect(&r, "end\n");
    td_buf_fini(&body);
    rig_close(&r);
}

/* Wherever its request is: it ends, nobody failed, and the next session begins anew. */
static void nothing_outlives_its_session(void **state) {
    (void)state;
    for (int pumps = 0; pumps < 20; pumps++) {
        rig r;
        rig_open(&r);
        take(&r, r.btc, 90, 95);
        expect(&r, "want BINANCE:BTCUSDT\n");
        assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
        for (int i = 0; i < pumps; i++) (void)td_depth_pump(r.depth);
        td_depth_stop(r.depth);
        expect(&r, "end\n");
        assert_int_equal(td_depth_ask(r.depth, r.btc), TD_REJECT);
        take(&r, r.btc, 96, 96);
        td_depth_stop(r.depth);
        expect(&r, "");
        take(&r, r.btc, 96, 96);
        expect(&r, "want BINANCE:BTCUSDT\n");
        assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
        expect(&r, WHOLE_100);
        rig_close(&r);
    }
}

static void requests_keep_the_pace_of_all(void **state) {
    rig r;
    (void)state;
    rig_open(&r);
    take(&r, r.btc, 90, 95);
    expect(&r, "want BINANCE:BTCUSDT\n");
    r.due_ns = r.mono_ns + TD_NS_PER_S; /* somebody else has asked */
    assert_int_equal(td_depth_ask(r.depth, r.btc), TD_OK);
    assert_int_equal(td_depth_pump(r.depth), 0);
    r.mono_ns = r.due_ns - 1;
    assert_true(td_depth_pump(r.depth) == 0 && r.asked == 0);
    r.mono_ns++;
    (void)td_depth_pump(r.depth);
    assert_int_equal(r.asked, 1);
    assert_int_equal(r.due_ns - r.mono_ns, 300 * TD_NS_PER_MS);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_follow_is_wanted),
        cmocka_unit_test(a_book_that_comes_ends_it_until_the_next_hole),
        cmocka_unit_test(what_is_no_book_is_a_failure),
        cmocka_unit_test(a_book_from_before_its_updates_is_a_failure),
        cmocka_unit_test(a_large_book_comes_in_parts),
        cmocka_unit_test(nothing_outlives_its_session),
        cmocka_unit_test(requests_keep_the_pace_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
