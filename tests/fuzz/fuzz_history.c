/* tests/fuzz/fuzz_history.c - any bytes as the pages of a venue's past: whatever comes out is within the gap, each
 * trade once, in places without a hole, and there is an end.
 *
 * Input: pages, each behind two bytes: an answer's kind and its size in steps of four. */
#include "base/time.h"
#include "feed/venue.h"
#include <assert.h>
#include <stdlib.h>

enum { FIRST_ID = 3, LAST_ID = 60, ITEMS_MAX = 100000 };
enum { KIND_GOOD, KIND_CODE, KIND_NONE, KIND_COUNT };

static td_bytes script; /* what is left of it */
static bool asked;
static int64_t machine_ns;

static int64_t clock_now(void *self) {
    (void)self;
    return machine_ns;
}

static td_status net_open(void **out, const td_os *os, const td_http_conf *conf) {
    (void)os, (void)conf;
    *out = &script;
    return TD_OK;
}

static td_status net_get(void *self, const char *url) {
    (void)self;
    assert(!asked && strncmp(url, "http://h/", 9) == 0);
    asked = true;
    return TD_OK;
}

static int net_pump(void *self) { return self == NULL; }

/* Behind the input's end all pages are empty. */
static td_status net_next(void *self, td_http_answer *out) {
    (void)self;
    if (!asked) return TD_AGAIN;
    asked = false;
    *out = (td_http_answer){.code = 200, .body = TD_TEXT("[]"), .detail = "on command"};
    if (script.size < 2) return TD_OK;
    size_t size = (size_t)script.data[1] * 4;
    if (size > script.size - 2) size = script.size - 2;
    int kind = script.data[0] % KIND_COUNT;
    out->code = kind == KIND_GOOD ? 200 : kind == KIND_CODE ? 429 : 0;
    out->body = (td_bytes){script.data + 2, size};
    script = (td_bytes){script.data + 2 + size, script.size - 2 - size};
    return TD_OK;
}

static void net_drop(void *self) { (void)self; }
static void net_close(void *self) { assert(self == &script); }

static const td_http_ops net = {.name = "fuzz",
                                .open = net_open,
                                .get = net_get,
                                .pump = net_pump,
                                .next = net_next,
                                .drop = net_drop,
                                .close = net_close};

static void check_trade(const td_gap *gap, const td_event *e, int64_t *last_id, int64_t *place) {
    assert(e->kind == TD_EVENT_TRADE && e->origin == TD_ORIGIN_BACKFILL && e->of_offset == ++*place);
    assert(e->trade.trade_id < *last_id && e->event_ns <= TD_FEED_INSTANT_MAX_NS);
    if (gap->first_id != TD_NONE)
        assert(e->trade.trade_id >= gap->first_id);
    else
        assert(e->event_ns > gap->from_ns && e->event_ns < gap->to_ns);
    *last_id = e->trade.trade_id;
}

/* True: the gap has its end. False: the try failed. */
static bool run(td_history *history, const td_gap *gap, int64_t *last_id, int64_t *place) {
    td_feed_item item;
    td_status status = td_history_ask(history, gap, TD_TEXT("V:S"));
    assert(status == TD_OK);
    for (int i = 0; i < ITEMS_MAX; i++) {
        (void)td_history_pump(history);
        machine_ns += TD_NS_PER_S;
        if (td_history_next(history, &item) != TD_OK) continue;
        if (item.kind == TD_ITEM_EVENT) check_trade(gap, &item.event, last_id, place);
        if (item.kind == TD_ITEM_BACKFILL) return !item.backfill.failed;
    }
    abort(); /* it does not end */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const td_os_ops ops = {.mono_ns = clock_now};
    static const td_os os = {&ops, NULL};
    static char url[] = "http://h/", venue[] = "V";
    const td_feed_conf conf = {.venue = venue, .history = url, .history_max = 1000, .http = &net};
    td_gap gap = {
        .number = 1, .from_ns = 1, .to_ns = 1723161255 * TD_NS_PER_S, .first_id = TD_NONE, .last_id = TD_NONE};
    td_history *history;
    int64_t due_ns = 0;
    if (size == 0) return 0;
    const td_venue_ops *asked_of = data[0] / 2 % 2 == 0 ? &td_venue_binance : &td_venue_coinbase;
    if (data[0] % 2 == 0) {
        gap.first_id = FIRST_ID;
        gap.last_id = LAST_ID;
    }
    script = (td_bytes){data + 1, size - 1};
    asked = false;
    int64_t last_id = gap.last_id != TD_NONE ? gap.last_id + 1 : INT64_MAX, place = 0;
    if (td_history_open(&history, &os, &conf, asked_of->history, &due_ns) != TD_OK) abort();
    while (!run(history, &gap, &last_id, &place)) continue;
    td_history_close(history);
    return 0;
}
