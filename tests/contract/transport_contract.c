/* tests/contract/transport_contract.c - what holds of every byte transport (net/transport.h): real sockets against a
 * server of our own, and the simulated network. A new one is a row in `peers`. */
#include "../unit/unit.h"
#include "base/time.h"
#include "peer.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS_MAX = 500000, MESSAGE_MAX = 300000, INBOX = 128 * 1024 };
#define IDLE_NS  (20 * TD_NS_PER_S)
#define STALL_NS (5 * TD_NS_PER_S)
#define OPEN_NS  (10 * TD_NS_PER_S)

static const peer_ops *const peers[] = {&peer_socket, &peer_simulated};

typedef struct rig {
    td_os_ops os_ops;
    td_os os;
    int64_t ahead_ns; /* of the machine's clock */
    const peer_ops *peer_ops;
    const td_transport_ops *ops;
    void *peer, *transport;
    uint32_t connection;
} rig;

static int64_t rig_mono_ns(void *self) {
    return td_os_posix.ops->mono_ns(td_os_posix.self) + ((const rig *)self)->ahead_ns;
}

static int64_t rig_wall_ns(void *self) {
    (void)self;
    return td_os_posix.ops->wall_ns(td_os_posix.self);
}

static void rig_open(rig *r, const peer_ops *peer, uint64_t seed) {
    td_net_conf conf = {.inbox_bytes = INBOX,
                        .message_max_bytes = MESSAGE_MAX,
                        .header_max_bytes = 4096,
                        .open_ns = OPEN_NS,
                        .idle_ns = IDLE_NS,
                        .stall_ns = STALL_NS};
    *r = (rig){.os_ops = {.mono_ns = rig_mono_ns, .wall_ns = rig_wall_ns}, .peer_ops = peer, .ops = peer->transport};
    r->os = (td_os){&r->os_ops, r};
    r->peer = peer->open(seed);
    assert_int_equal(r->ops->open(&r->transport, &r->os, &conf), TD_OK);
}

static void rig_close(rig *r) {
    r->ops->close(r->transport);
    r->peer_ops->close(r->peer);
}

static int turn(rig *r) {
    r->peer_ops->step(r->peer);
    int work = r->ops->pump(r->transport);
    if (work == 0) (void)sched_yield(); /* a resolver has a thread of its own */
    return work;
}

/* The next event. */
static td_net_event wait_event(rig *r) {
    td_net_event e = {0};
    td_status status = TD_AGAIN;
    for (int i = 0; i < TURNS_MAX && (status = r->ops->next(r->transport, &e)) == TD_AGAIN; i++) (void)turn(r);
    assert_int_equal(status, TD_OK);
    return e;
}

static void connect_peer(rig *r) {
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
    td_net_event e = wait_event(r);
    assert_int_equal(e.kind, TD_NET_OPENED);
    assert_int_equal(e.connection, r->connection);
    assert_true(e.at_ns > 0);
}

/* A whole message from its pieces into `out`; false at the end of the connection, whose event is *out_end. */
static bool take_message(rig *r, td_buf *out, td_net_event *out_end) {
    out->size = 0;
    for (;;) {
        td_net_event e = wait_event(r);
        if (e.kind == TD_NET_CLOSED) {
            *out_end = e;
            return false;
        }
        assert_int_equal(e.kind, TD_NET_BYTES);
        td_buf_put(out, e.bytes.data, e.bytes.size);
        if (e.last) return true;
    }
}

static td_net_reason end_reason(rig *r) {
    td_buf message = {0};
    td_net_event end;
    while (take_message(r, &message, &end)) {}
    td_buf_fini(&message);
    assert_int_equal(end.connection, r->connection);
    assert_true(strlen(end.detail) > 0);
    td_net_event none;
    assert_int_equal(r->ops->next(r->transport, &none), TD_AGAIN); /* nothing comes behind it */
    return end.reason;
}

/* An end of ours reaches the peer. */
static void expect_peer_knows(rig *r) {
    for (int i = 0; i < TURNS_MAX && r->peer_ops->connected(r->peer); i++) (void)turn(r);
    assert_false(r->peer_ops->connected(r->peer));
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(' ' + unit_random(&seed) % 90);
}

/* ---- the tests; each gets a fresh rig ---- */

static void test_messages_arrive_whole_and_in_order(rig *r) {
    static const size_t sizes[] = {0, 1, 125, 126, 127, 1000, 16383, 16384, 16385, 65535, 65536, 70001, 250000};
    static uint8_t bytes[250000];
    td_buf message = {0};
    td_net_event end;
    connect_peer(r);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
            fill(bytes, sizes[i], i);
            size_t frame = sizes[i] / (round + 1); /* in 1, 2 and 3 frames, and a rest */
            for (size_t at = 0; at < sizes[i] || at == 0; at += frame > 0 ? frame : 1) {
                size_t size = frame > 0 && sizes[i] - at > frame ? frame : sizes[i] - at;
                r->peer_ops->send(r->peer, (td_bytes){bytes + at, size}, at + size == sizes[i]);
                if (frame == 0 && at + size == sizes[i]) break;
            }
            assert_true(take_message(r, &message, &end));
            ASSERT_ROW(td_bytes_equal(td_buf_bytes(&message), (td_bytes){bytes, sizes[i]}), "%zu bytes in %zu frames",
                       sizes[i], round + 1);
        }
    }
    td_buf_fini(&message);
}

static void test_many_messages_pass_through_a_small_inbox(rig *r) {
    td_buf message = {0};
    td_net_event end;
    connect_peer(r);
    int count = 3000;
    char text[64];
    for (int i = 0; i < count; i++) {
        int size = snprintf(text, sizeof text, "{\"n\":%d}%.*s", i, i % 40, "                                        ");
        r->peer_ops->send(r->peer, (td_bytes){(const uint8_t *)text, (size_t)size}, true);
    }
    r->peer_ops->end(r->peer, PEER_STREAM_END);
    for (int i = 0; i < count; i++) {
        assert_true(take_message(r, &message, &end));
        td_buf_put(&message, "", 1);
        assert_int_equal(atoi((const char *)message.data + 5), i);
    }
    assert_false(take_message(r, &message, &end)); /* what was sent before the end came before it */
    assert_int_equal(end.reason, TD_NET_LOST);
    td_buf_fini(&message);
}

static void test_each_end_is_told(rig *r) {
    static const peer_end ends[] = {PEER_CLOSE_FRAME, PEER_STREAM_END, PEER_HALF_FRAME, PEER_RESET};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        connect_peer(r);
        r->peer_ops->send(r->peer, TD_TEXT("{}"), true);
        r->peer_ops->end(r->peer, ends[i]);
        ASSERT_ROW(end_reason(r) == TD_NET_LOST, "%zu", i);
    }
    connect_peer(r);
    r->peer_ops->end(r->peer, PEER_CLOSE_FRAME);
    td_net_event e = wait_event(r);
    assert_int_equal(e.kind, TD_NET_CLOSED);
    assert_non_null(strstr(e.detail, "1001: maintenance??[2J")); /* the peer's own words, and no more than words */
}

static void test_refusals(rig *r) {
    static const peer_manner manners[] = {PEER_REDIRECTS, PEER_NOT_FOUND, PEER_LONG_HEADER};
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        r->peer_ops->be(r->peer, manners[i]);
        assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
        ASSERT_ROW(end_reason(r) == TD_NET_REFUSED, "%zu", i);
    }
    r->peer_ops->be(r->peer, PEER_DENIES);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
    assert_int_equal(end_reason(r), TD_NET_DENIED);
    r->peer_ops->be(r->peer, PEER_BABBLES);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
    for (int i = 0; i < 200; i++) (void)turn(r);
    r->ahead_ns += OPEN_NS; /* its lines might still become an answer */
    assert_int_equal(end_reason(r), TD_NET_REFUSED);
    r->peer_ops->be(r->peer, PEER_SAYS_NOTHING);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
    for (int i = 0; i < 200; i++) (void)turn(r);
    td_net_event e;
    assert_int_equal(r->ops->next(r->transport, &e), TD_AGAIN);
    r->ahead_ns += OPEN_NS;
    assert_int_equal(end_reason(r), TD_NET_REFUSED);
    assert_int_equal(r->ops->connect(r->transport, "ws://nowhere.invalid/", &r->connection), TD_OK);
    r->ahead_ns += OPEN_NS; /* a resolver may think for long */
    assert_int_equal(end_reason(r), TD_NET_REFUSED);
}

static void test_urls(rig *r) {
    static const char *const bad[] = {"",           "http://a/",       "ws://",     "ws:///x",
                                      "ws://a:0/",  "ws://a:70000/",   "ws://a b/", "ws://u@a/",
                                      "ws://[::1/", "ws://a/\r\nX: y", "wss:/a",    "ws://a:/"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ASSERT_ROW(r->ops->connect(r->transport, bad[i], &r->connection) == TD_CONFIG, "\"%s\"", bad[i]);
    uint32_t connection;
    for (int i = 0; i < TD_NET_CONNECTIONS_MAX; i++) /* none of those took a place */
        assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &connection), TD_OK);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &connection), TD_FULL);
    r->ops->drop(r->transport, 3);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &connection), TD_OK);
    assert_int_equal(connection, 3);
}

static void test_a_message_too_long_ends_it(rig *r) {
    static uint8_t bytes[MESSAGE_MAX];
    td_buf message = {0};
    td_net_event end;
    connect_peer(r);
    fill(bytes, sizeof bytes, 1);
    r->peer_ops->send(r->peer, (td_bytes){bytes, sizeof bytes}, true); /* the longest one */
    assert_true(take_message(r, &message, &end));
    assert_int_equal(message.size, MESSAGE_MAX);
    r->peer_ops->send(r->peer, (td_bytes){bytes, sizeof bytes}, false);
    r->peer_ops->send(r->peer, TD_TEXT("x"), true);
    assert_true(r->peer_ops->connected(r->peer));
    assert_int_equal(end_reason(r), TD_NET_TOO_LONG);
    expect_peer_knows(r);
    td_buf_fini(&message);
}

static void quiet_for(rig *r, int64_t ns) {
    for (int i = 0; i < 10; i++) { /* as a loop would meet it: in steps */
        r->ahead_ns += ns / 10;
        for (int k = 0; k < 30; k++) (void)turn(r);
    }
}

static void test_silence_is_asked_about_then_ends_it(rig *r) {
    td_net_event e;
    connect_peer(r);
    quiet_for(r, 3 * IDLE_NS); /* pings are answered */
    assert_int_equal(r->ops->next(r->transport, &e), TD_AGAIN);
    r->peer_ops->mute(r->peer, true);
    quiet_for(r, IDLE_NS / 4);
    assert_int_equal(r->ops->next(r->transport, &e), TD_AGAIN); /* too early to say */
    quiet_for(r, 2 * IDLE_NS);
    assert_int_equal(end_reason(r), TD_NET_IDLE);
    expect_peer_knows(r);
}

/* Sends more than all buffers in between hold. True once the peer could not get rid of it. */
static bool stuff(rig *r, int *out_count) {
    static uint8_t bytes[60000];
    fill(bytes, sizeof bytes, 7);
    for (*out_count = 0; *out_count < 400; ++*out_count)
        r->peer_ops->send(r->peer, (td_bytes){bytes, sizeof bytes}, true);
    int idle = 0;
    for (int i = 0; i < TURNS_MAX && idle < 500; i++) idle = turn(r) > 0 ? 0 : idle + 1;
    return !r->peer_ops->sent(r->peer);
}

static void test_a_full_inbox_makes_the_peer_wait(rig *r) {
    td_buf message = {0};
    td_net_event end;
    int count;
    connect_peer(r);
    assert_true(stuff(r, &count));
    r->ahead_ns += STALL_NS / 2;
    for (int i = 0; i < 50; i++) (void)turn(r);
    for (int i = 0; i < count; i++) { /* taken after all: nothing is missing */
        assert_true(take_message(r, &message, &end));
        assert_int_equal(message.size, 60000);
    }
    td_buf_fini(&message);
}

static void test_an_inbox_full_for_long_ends_it(rig *r) {
    td_buf message = {0};
    td_net_event end;
    int count, taken = 0;
    size_t kept = 0;
    connect_peer(r);
    assert_true(stuff(r, &count));
    r->ahead_ns += STALL_NS;
    for (int i = 0; i < 50; i++) (void)turn(r);
    for (; take_message(r, &message, &end); taken++) kept += message.size;
    assert_int_equal(end.reason, TD_NET_SLOW);
    assert_in_range(taken, 1, count - 1); /* what had arrived is given first */
    assert_in_range(kept + message.size, 1, INBOX);
    expect_peer_knows(r);
    td_buf_fini(&message);
}

static void test_sending(rig *r) {
    static uint8_t bytes[TD_NET_OUTBOX_BYTES + 1];
    char text[64];
    uint32_t connection;
    fill(bytes, sizeof bytes, 3);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &connection), TD_OK);
    assert_int_equal(r->ops->send(r->transport, connection, TD_TEXT("early")), TD_RETRY);
    assert_int_equal(wait_event(r).kind, TD_NET_OPENED);
    assert_int_equal(r->ops->send(r->transport, connection, (td_bytes){bytes, sizeof bytes}), TD_FULL);
    assert_int_equal(r->ops->send(r->transport, connection, TD_TEXT("{\"id\":1}")), TD_OK);
    assert_int_equal(r->ops->send(r->transport, connection, TD_TEXT("{\"id\":2}")), TD_OK);
    size_t size = 0;
    for (int i = 0; i < 2000 && (size != 8 || text[6] != '2'); i++) {
        (void)turn(r);
        size = r->peer_ops->received(r->peer, text, sizeof text);
    }
    assert_memory_equal(text, "{\"id\":2}", 8);
}

/* It hears what was said before, though it talks on and on, in messages that no single read takes. */
static void test_leaving_is_told(rig *r) {
    static uint8_t bytes[MESSAGE_MAX];
    char text[64];
    r->ops->leave(r->transport, 2); /* nobody's number */
    connect_peer(r);
    fill(bytes, sizeof bytes, 5);
    for (int i = 0; i < 8; i++) r->peer_ops->send(r->peer, (td_bytes){bytes, sizeof bytes}, true);
    td_net_event e = wait_event(r); /* within the first */
    assert_true(e.kind == TD_NET_BYTES && !e.last);
    assert_int_equal(r->ops->send(r->transport, r->connection, TD_TEXT("{\"id\":1}")), TD_OK);
    r->ops->leave(r->transport, r->connection);
    assert_int_equal(end_reason(r), TD_NET_LOST);
    for (int i = 0; i < TURNS_MAX && r->peer_ops->left(r->peer) == 0; i++) (void)turn(r);
    assert_int_equal(r->peer_ops->left(r->peer), 1000);
    assert_int_equal(r->peer_ops->received(r->peer, text, sizeof text), 8);
    expect_peer_knows(r);
    assert_int_equal(r->ops->connect(r->transport, r->peer_ops->url(r->peer), &r->connection), TD_OK);
    r->ops->leave(r->transport, r->connection); /* that is not open */
    assert_int_equal(wait_event(r).kind, TD_NET_OPENED);
}

static void test_who_is_left_need_not_answer(rig *r) {
    connect_peer(r);
    r->ops->leave(r->transport, r->connection);
    for (int i = 0; i < TURNS_MAX && r->peer_ops->left(r->peer) == 0; i++) (void)turn(r);
    r->ops->drop(r->transport, r->connection);
    expect_peer_knows(r);
    td_net_event none;
    assert_int_equal(r->ops->next(r->transport, &none), TD_AGAIN);
}

static void test_connections_do_not_mix(rig *r) {
    td_net_event e;
    td_buf message = {0};
    connect_peer(r);
    uint32_t first = r->connection;
    r->peer_ops->send(r->peer, TD_TEXT("one"), true);
    assert_true(take_message(r, &message, &e));
    connect_peer(r);
    assert_int_not_equal(r->connection, first);
    r->ops->drop(r->transport, first);
    r->peer_ops->send(r->peer, TD_TEXT("two"), true);
    r->peer_ops->end(r->peer, PEER_STREAM_END);
    assert_true(take_message(r, &message, &e));
    assert_memory_equal(message.data, "two", 3);
    td_buf_fini(&message);
    assert_int_equal(end_reason(r), TD_NET_LOST); /* of the second; the dropped one is never heard of */
}

static const struct {
    const char *name;
    void (*run)(rig *r);
} tests[] = {{"messages arrive whole and in order", test_messages_arrive_whole_and_in_order},
             {"many messages pass through a small inbox", test_many_messages_pass_through_a_small_inbox},
             {"each end is told", test_each_end_is_told},
             {"refusals", test_refusals},
             {"urls", test_urls},
             {"a message too long ends it", test_a_message_too_long_ends_it},
             {"silence is asked about, then ends it", test_silence_is_asked_about_then_ends_it},
             {"a full inbox makes the peer wait", test_a_full_inbox_makes_the_peer_wait},
             {"an inbox full for long ends it", test_an_inbox_full_for_long_ends_it},
             {"sending", test_sending},
             {"leaving is told", test_leaving_is_told},
             {"who is left need not answer", test_who_is_left_need_not_answer},
             {"connections do not mix", test_connections_do_not_mix}};

typedef struct test_case {
    char name[128];
    const peer_ops *peer;
    size_t test;
} test_case;

static void run_case(void **state) {
    const test_case *c = *state;
    rig r;
    uint64_t seeds = c->peer == &peer_socket ? 1 : 20; /* what the kernel does no seed decides */
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        rig_open(&r, c->peer, seed);
        tests[c->test].run(&r);
        rig_close(&r);
    }
}

int main(void) {
    enum { CASES = COUNT_OF(tests) * COUNT_OF(peers) };
    static test_case cases[CASES];
    static struct CMUnitTest units[CASES];
    for (size_t i = 0; i < CASES; i++) {
        test_case *c = &cases[i];
        c->peer = peers[i / COUNT_OF(tests)];
        c->test = i % COUNT_OF(tests);
        (void)snprintf(c->name, sizeof c->name, "%s: %s", c->peer->transport->name, tests[c->test].name);
        units[i] = (struct CMUnitTest){.name = c->name, .test_func = run_case, .initial_state = c};
    }
    return cmocka_run_group_tests(units, NULL, NULL);
}
