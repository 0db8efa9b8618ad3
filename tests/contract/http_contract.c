/* tests/contract/http_contract.c - what holds of every HTTP client (net/http.h): real sockets against a server of our
 * own, and the simulated one. A new one is a row in `webs`. */
#include "../unit/unit.h"
#include "base/time.h"
#include "web.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { TURNS_MAX = 500000, BODY_MAX = 200000 };
#define TIMEOUT_NS (10 * TD_NS_PER_S)

static const web_ops *const webs[] = {&web_socket, &web_simulated};

typedef struct rig {
    td_os_ops os_ops;
    td_os os;
    int64_t ahead_ns; /* of the machine's clock */
    const web_ops *web_ops;
    const td_http_ops *ops;
    void *web, *http;
    web_manner manner; /* of the next answers */
    int code, retry_s;
    size_t size;
    int asked;
    char path[256], url[512];
    td_buf said; /* "METHOD|type|authorization|body" of the last request */
} rig;

static int64_t rig_mono_ns(void *self) {
    return td_os_posix.ops->mono_ns(td_os_posix.self) + ((const rig *)self)->ahead_ns;
}

static uint8_t byte_at(size_t i) { return (uint8_t)(' ' + i * 7919 % 90); }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    const web_request *request = out->request;
    r->asked++;
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    r->said.size = 0;
    td_buf_printf(&r->said, "%s|%s|%s|", request->method, request->type, request->authorization);
    td_buf_put(&r->said, request->body.data, request->body.size);
    td_buf_put(&r->said, "", 1);
    out->manner = r->manner;
    out->code = r->code;
    out->retry_s = r->retry_s;
    td_buf_reserve(&out->body, r->size);
    for (size_t i = 0; i < r->size; i++) out->body.data[out->body.size++] = byte_at(i);
}

static void open_client(rig *r, const char *user, const char *password) {
    td_http_conf conf = {.user = user, .password = password, .body_max_bytes = BODY_MAX, .timeout_ns = TIMEOUT_NS};
    assert_int_equal(r->ops->open(&r->http, &r->os, &conf), TD_OK);
}

static void rig_open(rig *r, const web_ops *web, uint64_t seed) {
    *r = (rig){.os_ops = {.mono_ns = rig_mono_ns}, .web_ops = web, .ops = web->http, .code = 200};
    r->os = (td_os){&r->os_ops, r};
    r->web = web->open(seed, (web_handler){on_request, r});
    open_client(r, NULL, NULL);
}

static void rig_close(rig *r) {
    r->ops->close(r->http);
    td_buf_fini(&r->said);
    r->web_ops->close(r->web);
}

static void turn(rig *r) {
    r->web_ops->step(r->web);
    if (r->ops->pump(r->http) == 0) (void)sched_yield();
}

static void ask(rig *r, const char *path) {
    (void)snprintf(r->url, sizeof r->url, "%s%s", r->web_ops->url(r->web), path);
    assert_int_equal(r->ops->get(r->http, r->url), TD_OK);
}

static td_http_answer wait_answer(rig *r) {
    td_http_answer a = {0};
    td_status status = TD_AGAIN;
    for (int i = 0; i < TURNS_MAX && (status = r->ops->next(r->http, &a)) == TD_AGAIN; i++) turn(r);
    assert_int_equal(status, TD_OK);
    assert_int_equal(r->ops->next(r->http, &(td_http_answer){0}), TD_AGAIN); /* nothing comes behind it */
    return a;
}

static void expect_none(rig *r, const char *why) {
    td_http_answer a = wait_answer(r);
    ASSERT_ROW(a.code == 0 && strlen(a.detail) > 0, "%s: code %d, %s", why, a.code, a.detail);
    ASSERT_ROW(a.body.size == 0, "%s: %zu bytes", why, a.body.size);
    ASSERT_ROW(strstr(a.detail, "http://a b") == NULL, "%s: %s", why, a.detail);
}

/* ---- the tests; each gets a fresh rig ---- */

static void test_answers_arrive_whole(rig *r) {
    static const size_t sizes[] = {0, 1, 1460, 16384, 70001, BODY_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/trades?from=%zu&token=x", i);
        r->size = sizes[i];
        ask(r, path);
        td_http_answer a = wait_answer(r);
        ASSERT_ROW(a.code == 200 && a.body.size == sizes[i] && a.retry_ns == 0, "%zu: code %d, %zu bytes", sizes[i],
                   a.code, a.body.size);
        for (size_t k = 0; k < a.body.size; k++) assert_int_equal(a.body.data[k], byte_at(k));
        assert_string_equal(r->path, path);
    }
}

static void test_one_at_a_time(rig *r) {
    ask(r, "/a");
    assert_int_equal(r->ops->get(r->http, r->url), TD_FULL);
    assert_int_equal(wait_answer(r).code, 200);
    ask(r, "/b");
    (void)wait_answer(r);
    assert_string_equal(r->path, "/b");
    assert_int_equal(r->asked, 2);
}

static void test_refusals_are_answers(rig *r) {
    static const int codes[] = {204, 302, 404, 418, 429, 503};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        r->code = codes[i];
        r->retry_s = codes[i] == 429 ? 7 : 0;
        ask(r, "/");
        td_http_answer a = wait_answer(r);
        ASSERT_ROW(a.code == codes[i], "%d: %d %s", codes[i], a.code, a.detail);
        ASSERT_ROW(a.retry_ns == r->retry_s * TD_NS_PER_S, "%d: %lld ns", codes[i], (long long)a.retry_ns);
    }
    assert_int_equal(r->asked, COUNT_OF(codes)); /* a redirect is not followed */
}

static void test_a_cut_is_no_answer(rig *r) {
    r->manner = WEB_CUT;
    r->size = 50000;
    ask(r, "/?token=x");
    expect_none(r, "cut");
    r->manner = WEB_WHOLE;
    ask(r, "/"); /* and the next one is whole */
    assert_int_equal(wait_answer(r).body.size, 50000);
}

static void test_a_body_too_long_is_no_answer(rig *r) {
    r->size = BODY_MAX + 1;
    ask(r, "/?token=x");
    expect_none(r, "too long");
}

static void test_silence_ends_it(rig *r) {
    r->manner = WEB_SILENT;
    ask(r, "/?token=x");
    for (int i = 0; i < 1000; i++) turn(r);
    assert_int_equal(r->ops->next(r->http, &(td_http_answer){0}), TD_AGAIN);
    r->ahead_ns += TIMEOUT_NS;
    expect_none(r, "silent");
    r->manner = WEB_WHOLE;
    ask(r, "/");
    assert_int_equal(wait_answer(r).code, 200);
}

static void test_what_is_dropped_is_never_heard_of(rig *r) {
    r->size = 100;
    ask(r, "/a");
    turn(r);
    r->ops->drop(r->http);
    r->ops->drop(r->http);
    for (int i = 0; i < 100; i++) turn(r);
    assert_int_equal(r->ops->next(r->http, &(td_http_answer){0}), TD_AGAIN);
    r->size = 10;
    ask(r, "/b");
    assert_int_equal(wait_answer(r).body.size, 10);
    ask(r, "/c");
    turn(r); /* closed with one on its way */
}

static void post(rig *r, const char *path, td_bytes body) {
    (void)snprintf(r->url, sizeof r->url, "%s%s", r->web_ops->url(r->web), path);
    const td_http_post post = {r->url, "application/vnd.test+json", body};
    assert_int_equal(r->ops->post(r->http, &post), TD_OK);
    assert_int_equal(r->ops->post(r->http, &post), TD_FULL);
}

/* A POST says what it is to say, and nothing of it is left in what is asked next. */
static void test_what_is_posted_arrives_whole(rig *r) {
    static char large[3000]; /* a request with it is the most that the server reads */
    memset(large, 'x', sizeof large - 1);
    const char *const bodies[] = {"{\"schema\":\"\\\"long\\\"\"}", "", large};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        char wanted[sizeof large + 64];
        (void)snprintf(wanted, sizeof wanted, "POST|application/vnd.test+json||%s", bodies[i]);
        r->size = 100 + i;
        post(r, "/subjects/a%2Fb", td_text(bodies[i]));
        assert_int_equal(wait_answer(r).body.size, 100 + i);
        assert_string_equal((const char *)r->said.data, wanted);
        assert_string_equal(r->path, "/subjects/a%2Fb");
        ask(r, "/a");
        assert_int_equal(wait_answer(r).code, 200);
        assert_string_equal((const char *)r->said.data, "GET|||");
    }
    r->code = 409;
    post(r, "/b", TD_TEXT("{}"));
    assert_int_equal(wait_answer(r).code, 409);
    r->manner = WEB_SILENT;
    post(r, "/c", TD_TEXT("{}"));
    turn(r);
    r->ops->drop(r->http);
    r->manner = WEB_WHOLE;
    r->code = 200;
    ask(r, "/d");
    assert_int_equal(wait_answer(r).code, 200);
}

static void test_a_user_is_named_each_time(rig *r) {
    r->ops->close(r->http);
    open_client(r, "tape", "de:ck");
    ask(r, "/a");
    assert_int_equal(wait_answer(r).code, 200);
    assert_string_equal((const char *)r->said.data, "GET||Basic dGFwZTpkZTpjaw==|");
    post(r, "/b", TD_TEXT("{}"));
    assert_int_equal(wait_answer(r).code, 200);
    assert_string_equal((const char *)r->said.data, "POST|application/vnd.test+json|Basic dGFwZTpkZTpjaw==|{}");
    r->code = 401;
    ask(r, "/c");
    assert_int_equal(wait_answer(r).code, 401);
    assert_int_equal(r->asked, 3); /* a refusal is an answer: nothing is asked twice */
}

static const struct {
    const char *name;
    void (*run)(rig *r);
} tests[] = {{"answers arrive whole", test_answers_arrive_whole},
             {"one at a time", test_one_at_a_time},
             {"refusals are answers", test_refusals_are_answers},
             {"a cut is no answer", test_a_cut_is_no_answer},
             {"a body too long is no answer", test_a_body_too_long_is_no_answer},
             {"silence ends it", test_silence_ends_it},
             {"what is dropped is never heard of", test_what_is_dropped_is_never_heard_of},
             {"what is posted arrives whole", test_what_is_posted_arrives_whole},
             {"a user is named each time", test_a_user_is_named_each_time}};

typedef struct test_case {
    char name[128];
    const web_ops *web;
    size_t test;
} test_case;

static void run_case(void **state) {
    const test_case *c = *state;
    rig r;
    uint64_t seeds = c->web == &web_socket ? 1 : 20; /* what the kernel does no seed decides */
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        rig_open(&r, c->web, seed);
        tests[c->test].run(&r);
        rig_close(&r);
    }
}

/* No server at all, or an address that is none: said, never waited for. */
static void test_nobody_there(void **state) {
    static const char *const urls[] = {"http://127.0.0.1:1/?token=x", "http://nowhere.invalid/?token=x",
                                       "ftp://127.0.0.1/?token=x", "token", "http://"};
    (void)state;
    rig r;
    rig_open(&r, &web_socket, 1);
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        assert_int_equal(r.ops->get(r.http, urls[i]), TD_OK);
        expect_none(&r, urls[i]);
    }
    assert_int_equal(r.asked, 0);
    rig_close(&r);
}

int main(void) {
    enum { CASES = COUNT_OF(tests) * COUNT_OF(webs) };
    static test_case cases[CASES];
    static struct CMUnitTest units[CASES + 1];
    for (size_t i = 0; i < CASES; i++) {
        test_case *c = &cases[i];
        c->web = webs[i / COUNT_OF(tests)];
        c->test = i % COUNT_OF(tests);
        (void)snprintf(c->name, sizeof c->name, "%s: %s", c->web->http->name, tests[c->test].name);
        units[i] = (struct CMUnitTest){.name = c->name, .test_func = run_case, .initial_state = c};
    }
    units[CASES] = (struct CMUnitTest)cmocka_unit_test(test_nobody_there);
    return cmocka_run_group_tests(units, NULL, NULL);
}
