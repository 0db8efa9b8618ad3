/* tests/unit/serve_serve_test.c - goal: nothing that a reader does or leaves undone makes the server grow or wait: slow
 * readers are dropped and counted, crowds hear 503, probes are answered all the same. Real sockets, the test's clock.
 */
#include "serve_rig.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static rig r;
static td_serve *serve;
static int64_t ahead_ns; /* of the machine's clock */
static char told[256];

static int64_t test_mono_ns(void *self) {
    (void)self;
    return td_os_posix.ops->mono_ns(td_os_posix.self) + ahead_ns;
}

static void keep_notice(void *self, const char *event, const char *text) {
    (void)self;
    (void)snprintf(told, sizeof told, "%s: %s", event, text);
}

static int64_t feed_lag = 12;

static bool two_feeds(void *self, size_t index, td_serve_feed *out) {
    (void)self;
    *out = (td_serve_feed){.name = index == 0 ? TD_TEXT("lean") : TD_TEXT("new"),
                           .events = 7,
                           .live = index == 1,
                           .failures = 3,
                           .lag_records = feed_lag,
                           .end_ns = TD_NS_PER_S,
                           .end = "they said \"no\""};
    return index < 2;
}

static int open_serve(void **state) {
    static td_os_ops ops;
    static char listen[] = "127.0.0.1:0";
    const td_serve_conf conf = {.listen = listen};
    (void)state;
    ops = *td_os_posix.ops;
    ops.mono_ns = test_mono_ns;
    const td_os os = {.ops = &ops, .self = td_os_posix.self};
    ahead_ns = 0;
    told[0] = '\0';
    rig_open(&r);
    r.topics.run.notice = keep_notice;
    r.topics.run.feed = two_feeds;
    assert_int_equal(td_serve_open(&serve, &os, &conf, &r.topics), TD_OK);
    return 0;
}

static int close_serve(void **state) {
    (void)state;
    td_serve_close(serve);
    rig_close(&r);
    return 0;
}

static void turn(int count) {
    for (int i = 0; i < count; i++)
        if (td_serve_step(serve) == 0) (void)usleep(1000);
}

static const char *host(void) { return td_serve_url(serve) + strlen("http://"); }

/* A client's socket with little room, as well where it is sent from, so that a reader who does not read is noticed
 * soon.
 */
static int ask(const char *path) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    to.sin_port = htons((uint16_t)atoi(strrchr(host(), ':') + 1));
    int s = socket(AF_INET, SOCK_STREAM, 0), room = 4096, segment = 536;
    assert_true(s >= 0);
    (void)setsockopt(s, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    (void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    assert_int_equal(connect(s, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(s, F_SETFL, O_NONBLOCK), 0);
    char head[512];
    int size = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host());
    if (path[0] != '\0') assert_int_equal(send(s, head, (size_t)size, MSG_NOSIGNAL), size);
    return s;
}

/* Reads until the answer has that text. */
static char text[65536];
static bool answers(int s, const char *wanted) {
    size_t used = 0;
    for (int i = 0; i < 2000; i++) {
        turn(1);
        ssize_t size = recv(s, text + used, sizeof text - 1 - used, 0);
        if (size == 0) return false;
        if (size > 0) used += (size_t)size;
        text[used] = '\0';
        if (strstr(text, wanted) != NULL) return true;
        if (used > sizeof text / 2) used = 0;
    }
    return false;
}

/* Reads until the end; false: it does not come. */
static bool ends(int s) {
    static char bytes[65536];
    for (int i = 0; i < 2000; i++) {
        turn(1);
        ssize_t size = recv(s, bytes, sizeof bytes, 0);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) return true;
    }
    return false;
}

static int64_t metric(const char *name) {
    int s = ask("/metrics");
    assert_true(answers(s, "\ntapedeck_stream_events_lost_total ")); /* the last one */
    (void)close(s);
    turn(20);
    char wanted[128];
    (void)snprintf(wanted, sizeof wanted, "\n%s ", name);
    const char *at = strstr(text, wanted);
    assert_non_null(at);
    return strtoll(at + strlen(wanted), NULL, 10);
}

static void drops_a_stream_whose_reader_sleeps(void **state) {
    (void)state;
    int awake = ask("/api/v1/stream"), asleep = ask("/api/v1/stream?instrument=LEAN:IBM&width=1s");
    turn(50);
    assert_int_equal(metric("tapedeck_streams"), 2);
    for (int i = 0; i < 24000; i++) { /* more than the system keeps for a socket */
        rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 5, 0);
        if (i % 400 == 0) turn(10);
    }
    turn(50);
    assert_true(metric("tapedeck_stream_events_lost_total") > 0);
    /* One of them takes what there is. The system may take some for the other yet, when it has time to. */
    for (int step = 1; step <= 2 || (step <= 5 && metric("tapedeck_streams_dropped_total") == 0); step++) {
        char strategy[16];
        assert_int_equal(metric("tapedeck_streams_dropped_total"), 0);
        ahead_ns = step * 20 * TD_NS_PER_S;
        (void)snprintf(strategy, sizeof strategy, "step_%d", step);
        rig_signal(&r, "LEAN:IBM", strategy, RIG_T0, 1);
        assert_true(answers(awake, strategy));
    }
    assert_int_equal(metric("tapedeck_streams_dropped_total"), 1);
    assert_int_equal(metric("tapedeck_streams"), 1);
    assert_string_equal(told, "reader_dropped: a reader of the stream took nothing for 30 s");
    assert_true(ends(asleep));
    (void)close(awake);
    (void)close(asleep);
}

static void drops_an_answer_that_nobody_takes(void **state) {
    (void)state;
    for (int i = 0; i < 5000; i++) rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0 + i * RIG_S, 5, 0);
    turn(100);
    int s = ask("/api/v1/bars?instrument=LEAN:IBM&width=1s&limit=5000");
    turn(200);
    assert_int_equal(metric("tapedeck_http_cut_total"), 0);
    ahead_ns = 121 * TD_NS_PER_S;
    turn(50);
    assert_string_equal(told, "reader_dropped: a reader did not take its answer within 120 s");
    assert_int_equal(metric("tapedeck_http_cut_total"), 1);
    assert_true(ends(s));
    (void)close(s);
}

static void tells_a_crowd_to_come_back(void **state) {
    enum { STREAMS = 64, MORE = 8 };
    int streams[STREAMS], more[MORE];
    (void)state;
    for (int i = 0; i < STREAMS; i++) {
        streams[i] = ask("/api/v1/stream");
        turn(2);
    }
    turn(50);
    int late = ask("/api/v1/status");
    assert_true(answers(late, "\"crowded\""));
    assert_non_null(strstr(text, "503"));
    assert_non_null(strstr(text, "retry-after: 1"));
    assert_true(ends(late));
    (void)close(late);
    int probe = ask("/livez");
    assert_true(answers(probe, "{\"live\":true"));
    (void)close(probe);
    turn(50);
    for (int i = 0; i < MORE; i++) more[i] = ask("");
    turn(50);
    int beyond = ask("/livez");
    assert_true(ends(beyond));
    (void)close(beyond);
    for (int i = 0; i < MORE; i++) (void)close(more[i]);
    for (int i = 0; i < STREAMS; i++) (void)close(streams[i]);
    for (ahead_ns = 0; ahead_ns < 5 * TD_NS_PER_S; ahead_ns += TD_NS_PER_S) turn(30); /* writing shows who is gone */
    assert_int_equal(metric("tapedeck_streams"), 0);
    assert_int_equal(metric("tapedeck_http_refused_total"), 2);
    assert_int_equal(metric("tapedeck_http_connections"), 1);
}

static void says_when_it_is_ready(void **state) {
    (void)state;
    rig_bar(&r, "LEAN:IBM", RIG_S, RIG_T0, 5, 0);
    turn(5);
    int s = ask("/readyz");
    assert_true(answers(s, "{\"ready\":true,\"reasons\":[]}"));
    (void)close(s);
}

static void tells_of_feeds_that_have_given_nothing(void **state) {
    (void)state;
    rig_trade(&r, "LEAN:IBM", RIG_T0, 5);
    turn(5);
    int s = ask("/api/v1/status");
    assert_true(answers(s, "\"records_per_second\""));
    assert_non_null(strstr(text, "\"open_gaps\":0,\"run\":{\"events\":7,\"rejected\":0,\"ignored\":0}}"));
    assert_non_null(strstr(text, "{\"name\":\"new\",\"session\":\"unknown\",\"event_ns\":null,"));
    assert_non_null(strstr(text, "\"up\":false,\"sessions\":0,\"failures\":3,\"backfilled\":0,\"lag_records\":12,"));
    assert_non_null(strstr(text, "\"end_ns\":1000000000,"));
    assert_non_null(strstr(text, "\"end_reason\":\"they said \\\"no\\\"\"}}"));
    (void)close(s);
}

static void does_not_tell_a_lag_that_nobody_knows(void **state) {
    (void)state;
    feed_lag = -1;
    int s = ask("/api/v1/status");
    assert_true(answers(s, "\"lag_records\":null,\"end_ns\""));
    (void)close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drops_a_stream_whose_reader_sleeps, open_serve, close_serve),
        cmocka_unit_test_setup_teardown(drops_an_answer_that_nobody_takes, open_serve, close_serve),
        cmocka_unit_test_setup_teardown(tells_a_crowd_to_come_back, open_serve, close_serve),
        cmocka_unit_test_setup_teardown(says_when_it_is_ready, open_serve, close_serve),
        cmocka_unit_test_setup_teardown(tells_of_feeds_that_have_given_nothing, open_serve, close_serve),
        cmocka_unit_test_setup_teardown(does_not_tell_a_lag_that_nobody_knows, open_serve, close_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
