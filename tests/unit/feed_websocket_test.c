/* tests/unit/feed_websocket_test.c - goal: a whole book that was asked for stands on the tape in one piece at a place
 * of its own, however many updates wait behind it. */
#include "../contract/web.h"
#include "base/time.h"
#include "feed/venue.h"
#include "unit.h"
#include <stdio.h>

enum { LEVELS = 500, PARTS = 4 /* of 128 levels at most */ };

typedef struct rig { /* the machine, the network and the venue */
    td_os_ops ops;
    td_os os;
    int64_t now_ns;
    int64_t update;   /* number of the last one that was sent */
    int64_t waiting;  /* so many are to come yet */
    bool asked, open; /* for a connection */
    char text[128];
} rig;

static rig *world; /* a transport is opened without an argument to name it */

static int64_t rig_now_ns(void *self) { return ((const rig *)self)->now_ns; }

static td_status net_open(void **out, const td_os *os, const td_net_conf *conf) {
    (void)os, (void)conf;
    *out = world;
    return TD_OK;
}

static td_status net_connect(void *self, const char *url, uint32_t *out_connection) {
    rig *r = self;
    (void)url;
    r->asked = true;
    *out_connection = 1;
    return TD_OK;
}

static int net_pump(void *self) { return self == NULL; }

static td_status net_next(void *self, td_net_event *out) {
    rig *r = self;
    *out = (td_net_event){.kind = TD_NET_OPENED, .connection = 1, .at_ns = r->now_ns};
    if (r->asked && !r->open) {
        r->open = true;
        return TD_OK;
    }
    if (r->waiting == 0) return TD_AGAIN;
    r->waiting--;
    r->update++;
    (void)snprintf(r->text, sizeof r->text,
                   "{\"e\":\"depthUpdate\",\"E\":1700000000000,\"s\":\"S\",\"U\":%d,\"u\":%d,\"b\":[],\"a\":[]}",
                   (int)r->update, (int)r->update);
    out->kind = TD_NET_BYTES;
    out->bytes = td_text(r->text);
    out->last = true;
    return TD_OK;
}

static td_status net_send(void *self, uint32_t connection, td_bytes message) {
    (void)self, (void)connection, (void)message;
    return TD_OK;
}

static void net_drop(void *self, uint32_t connection) { (void)self, (void)connection; }
static void net_close(void *self) { assert_ptr_equal(self, world); }

static const td_transport_ops net = {.name = "unit",
                                     .open = net_open,
                                     .connect = net_connect,
                                     .pump = net_pump,
                                     .next = net_next,
                                     .send = net_send,
                                     .leave = net_drop,
                                     .drop = net_drop,
                                     .close = net_close};

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    assert_string_equal(path, "/api/v3/depth?symbol=S&limit=1000");
    td_buf_printf(&out->body, "{\"lastUpdateId\":%d,\"bids\":[", (int)r->update);
    for (int i = 0; i < LEVELS; i++) td_buf_printf(&out->body, "%s[\"%d\",\"1\"]", i > 0 ? "," : "", LEVELS - i);
    td_buf_text(&out->body, "],\"asks\":[]}");
}

static td_feed_item next_item(rig *r, void *feed) {
    td_feed_item item = {0};
    td_status status = TD_AGAIN;
    for (int i = 0; i < 100 && status == TD_AGAIN; i++) {
        (void)td_feed_websocket.live->pump(feed);
        status = td_feed_websocket.next(feed, &item);
        r->now_ns += 10 * TD_NS_PER_MS;
    }
    assert_int_equal(status, TD_OK);
    return item;
}

static void expect_update(rig *r, void *feed, uint64_t line) {
    td_feed_item item = next_item(r, feed);
    assert_int_equal(item.kind, TD_ITEM_EVENT);
    assert_int_equal(item.event.book.last_sequence, r->update);
    assert_true(!item.past && item.position.line == line && item.position.part == 0);
}

static void a_whole_book_stands_in_one_piece(void **state) {
    static char url[] = "http://venue.test";
    rig r = {.ops = {.mono_ns = rig_now_ns, .wall_ns = rig_now_ns}, .now_ns = 1700000000 * TD_NS_PER_S, .waiting = 1};
    td_feed_conf conf = {0};
    void *feed;
    td_feed_item item;
    (void)state;
    world = &r;
    r.os = (td_os){&r.ops, &r};
    td_options_init(td_feed_websocket.options, &conf);
    assert_int_equal(td_options_set(td_feed_websocket.options, &conf, "url", "ws://venue.test"), TD_OK);
    assert_int_equal(td_options_set(td_feed_websocket.options, &conf, "history", url), TD_OK);
    conf.transport = &net;
    conf.http = web_simulated.http;
    void *web = web_simulated.open(1, (web_handler){on_request, &r});
    td_instruments *instruments = td_instruments_new();
    assert_int_equal(td_feed_websocket.open(&feed, &r.os, &conf, instruments), TD_OK);
    assert_int_equal(td_feed_websocket.live->connect(feed, 1), TD_OK);
    assert_int_equal(next_item(&r, feed).kind, TD_ITEM_SESSION);
    expect_update(&r, feed, 1);
    item = next_item(&r, feed);
    assert_int_equal(item.kind, TD_ITEM_WANTED);
    td_gap gap = {.instrument = item.wanted, .reason = TD_GAP_SEQUENCE};
    assert_int_equal(td_feed_websocket.live->backfill(feed, &gap), TD_OK);
    for (uint32_t part = 0; part < PARTS; part++) {
        item = next_item(&r, feed);
        r.waiting = 2; /* … updates, from here on */
        assert_true(item.kind == TD_ITEM_EVENT && item.past && item.event.kind == TD_EVENT_BOOK);
        assert_true(item.position.line == 3 && item.position.part == part);
        assert_true(item.event.book.last_sequence == 1 && item.event.book.more == (part < PARTS - 1));
    }
    expect_update(&r, feed, 4);
    expect_update(&r, feed, 5);
    item = next_item(&r, feed);
    assert_true(item.kind == TD_ITEM_BACKFILL && !item.backfill.failed && item.backfill.filled.gap == 0);
    td_feed_websocket.close(feed);
    td_options_fini(td_feed_websocket.options, &conf);
    td_instruments_free(instruments);
    web_simulated.close(web);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_book_stands_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
