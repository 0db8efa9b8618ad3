/* tests/unit/serve_guard_test.c - goal: loopback needs nothing, every other address a token and TLS; only this
 * listener's own Host and Origin may ask, and only who shows the token where one is set. */
#include "serve/guard.h"
#include "unit.h"
#include <stdio.h>

static void reads_addresses(void **state) {
    static const struct {
        const char *text, *url; /* NULL: malformed */
        bool ipv6, loopback, any;
    } rows[] = {
        {"127.0.0.1:8750", "http://127.0.0.1:8750", false, true, false},
        {"127.8.9.10:1", "http://127.8.9.10:1", false, true, false},
        {"localhost:8750", "http://localhost:8750", false, true, false},
        {"LocalHost:0", "http://LocalHost:0", false, true, false},
        {"[::1]:65535", "http://[::1]:65535", true, true, false},
        {"0.0.0.0:8750", "http://0.0.0.0:8750", false, false, true},
        {"[::]:8750", "http://[::]:8750", true, false, true},
        {"192.168.1.5:8750", "http://192.168.1.5:8750", false, false, false},
        {"128.0.0.1:8750", "http://128.0.0.1:8750", false, false, false},
        {"[::ffff:127.0.0.1]:8750", "http://[::ffff:127.0.0.1]:8750", true, false, false},
        {.text = "example.com:80"},
        {.text = "localhost.example.com:80"},
        {.text = "127.0.0.1"},
        {.text = "127.0.0.1:"},
        {.text = "127.0.0.1:65536"},
        {.text = "127.0.0.1:-1"},
        {.text = "127.0.0.1: 80"},
        {.text = "127.1:80"},
        {.text = "::1:80"},
        {.text = ":80"},
        {.text = "[]:80"},
        {.text = ""},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_guard g = {0};
        char url[TD_GUARD_URL_MAX];
        td_status status = td_listen_parse(rows[i].text, &g.listen);
        ASSERT_ROW(status == (rows[i].url != NULL ? TD_OK : TD_CONFIG), "%u", i);
        if (status != TD_OK) {
            ASSERT_ROW(strstr(td_trail(), "serve.listen") != NULL, "%u: %s", i, td_trail());
            continue;
        }
        td_guard_url(&g, url);
        assert_string_equal(url, rows[i].url);
        ASSERT_ROW(g.listen.ipv6 == rows[i].ipv6 && g.listen.loopback == rows[i].loopback, "%u", i);
        ASSERT_ROW(g.listen.any == rows[i].any, "%u", i);
    }
}

static char token[] = "0123456789abcdef", short_token[] = "0123456789abcde";
static char cert[] = "a.pem", key[] = "a.key";

static td_status init(td_guard *g, const char *listen, const td_serve_conf *more) {
    td_serve_conf conf = *more;
    conf.listen = (char *)(uintptr_t)listen;
    return td_guard_init(g, &conf);
}

static void refuses_what_is_not_safe(void **state) {
    static const struct {
        const char *listen;
        td_serve_conf conf;
        const char *says; /* NULL: fine */
    } rows[] = {
        {"127.0.0.1:1", {0}, NULL},
        {"127.0.0.1:1", {.token = token}, NULL},
        {"127.0.0.1:1", {.cert = cert, .key = key}, NULL},
        {"127.0.0.1:1", {.cert = cert}, "serve.key is missing"},
        {"127.0.0.1:1", {.key = key}, "serve.cert is missing"},
        {"127.0.0.1:1", {.token = short_token}, "serve.token, serve.token_file: 16 to 512"},
        {"0.0.0.0:8750", {0}, "needs a token (serve.token_file) and TLS (serve.cert, serve.key)"},
        {"0.0.0.0:8750", {0}, "use 127.0.0.1:8750"},
        {"[::]:1", {.token = token}, "needs TLS (serve.cert, serve.key);"},
        {"10.0.0.1:1", {.cert = cert, .key = key}, "needs a token (serve.token_file);"},
        {"10.0.0.1:1", {.token = token, .cert = cert, .key = key}, NULL},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_guard g;
        td_status status = init(&g, rows[i].listen, &rows[i].conf);
        ASSERT_ROW(status == (rows[i].says == NULL ? TD_OK : TD_CONFIG), "%u: %s", i, td_trail());
        if (status != TD_OK) ASSERT_ROW(strstr(td_trail(), rows[i].says) != NULL, "%u: %s", i, td_trail());
        if (status != TD_OK) ASSERT_ROW(strstr(td_trail(), "0123456789") == NULL, "%u shows the token", i);
    }
}

static const td_serve_conf open_conf = {.token = token, .cert = cert, .key = key};
static const struct {
    const char *listen, *names, *host;
    bool allowed;
} hosts[] = {
    {"127.0.0.1:8750", NULL, "127.0.0.1:8750", true},
    {"127.0.0.1:8750", NULL, "localhost:8750", true},
    {"127.0.0.1:8750", NULL, "LOCALHOST:8750", true},
    {"127.0.0.1:8750", NULL, "127.0.0.1", false},
    {"127.0.0.1:8750", NULL, "127.0.0.1:80", false},
    {"127.0.0.1:8750", NULL, "127.0.0.1:87500", false},
    {"127.0.0.1:8750", NULL, "127.0.0.2:8750", false},
    {"127.0.0.1:8750", NULL, "evil.example:8750", false}, /* DNS rebinding looks like this */
    {"127.0.0.1:8750", NULL, "localhost.evil.example:8750", false},
    {"127.0.0.1:8750", NULL, "", false},
    {"127.0.0.1:443", NULL, "127.0.0.1", true},
    {"127.0.0.1:443", NULL, "localhost", true},
    {"127.0.0.1:80", NULL, "localhost", false}, /* not the port of https */
    {"[::1]:8750", NULL, "[::1]:8750", true},
    {"[::1]:8750", NULL, "::1:8750", false},
    {"localhost:8750", NULL, "127.0.0.1:8750", true},
    {"127.0.0.1:8750", "a.example, b.example:9", "a.example:8750", true},
    {"127.0.0.1:8750", "a.example, b.example:9", "b.example:9", true}, /* behind another port */
    {"127.0.0.1:8750", "a.example, b.example:9", "b.example:8750", false},
    {"127.0.0.1:8750", "a.example", "a.example", false},
    {"127.0.0.1:8750", "a.example", "xa.example:8750", false},
    {"10.0.0.1:8750", NULL, "10.0.0.1:8750", true},
    {"10.0.0.1:8750", NULL, "10.0.0.2:8750", false},
    {"10.0.0.1:8750", NULL, "localhost:8750", false},
    {"0.0.0.0:8750", NULL, "10.0.0.2:8750", true}, /* no name server stands behind figures */
    {"0.0.0.0:8750", NULL, "[fe80::1]:8750", true},
    {"0.0.0.0:8750", NULL, "[fe80::1:8750", false},
    {"0.0.0.0:8750", NULL, "10.0.0.2:8751", false},
    {"0.0.0.0:8750", NULL, "10.0.0.2.evil.example:8750", false},
    {"0.0.0.0:8750", NULL, "evil.example:8750", false},
    {"0.0.0.0:8750", NULL, "localhost:8750", true},
};

static void wants_its_own_host(void **state) {
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(hosts); i++) {
        td_guard g;
        td_serve_conf conf = open_conf;
        conf.names = (char *)(uintptr_t)hosts[i].names;
        assert_int_equal(init(&g, hosts[i].listen, &conf), TD_OK);
        ASSERT_ROW(td_guard_host(&g, td_text(hosts[i].host)) == hosts[i].allowed, "%u", i);
        char origin[128];
        (void)snprintf(origin, sizeof origin, "https://%s", hosts[i].host);
        ASSERT_ROW(td_guard_origin(&g, td_text(origin)) == hosts[i].allowed, "%u", i);
        (void)snprintf(origin, sizeof origin, "http://%s", hosts[i].host);
        ASSERT_ROW(!td_guard_origin(&g, td_text(origin)), "%u: without TLS", i);
    }
}

static void wants_its_own_origin(void **state) {
    static const struct {
        const char *origin;
        bool allowed;
    } rows[] = {{"", true}, /* not a cross-site page */
                {"null", false},
                {"http://", false},
                {"https://127.0.0.1:8750", false},
                {"127.0.0.1:8750", false},
                {"HTTP://localhost:8750", true},
                {"http://localhost:8750/", false}};
    td_guard g;
    (void)state;
    assert_int_equal(init(&g, "127.0.0.1:8750", &(td_serve_conf){0}), TD_OK);
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_guard_origin(&g, td_text(rows[i].origin)) == rows[i].allowed, "%u", i);
    assert_true(td_guard_token(&g, TD_TEXT(""))); /* none is set */
}

static void wants_the_token(void **state) {
    static const struct {
        const char *header;
        bool right;
    } rows[] = {
        {"Bearer 0123456789abcdef", true},
        {"bearer 0123456789abcdef", true},
        {"Bearer  0123456789abcdef", false},
        {"Bearer 0123456789abcdee", false},
        {"Bearer 1123456789abcdef", false},
        {"Bearer 0123456789abcdef0", false},
        {"Bearer 0123456789abcde", false},
        {"Bearer ", false},
        {"Bearer", false},
        {"0123456789abcdef", false},
        {"", false},
        {"Basic eDowMTIzNDU2Nzg5YWJjZGVm", true},  /* x:0123456789abcdef */
        {"Basic OjAxMjM0NTY3ODlhYmNkZWY=", true},  /* :0123456789abcdef */
        {"Basic OjAxMjM0NTY3ODlhYmNkZWU=", false}, /* the last letter is another */
        {"Basic MDEyMzQ1Njc4OWFiY2RlZg==", false}, /* no colon */
        {"Basic eDo", false},
        {"Basic *DowMTIzNDU2Nzg5YWJjZGVm", false},
    };
    (void)state;
    td_guard g;
    assert_int_equal(init(&g, "127.0.0.1:1", &open_conf), TD_OK);
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_guard_token(&g, td_text(rows[i].header)) == rows[i].right, "%u", i);
    for (int i = 0; i < 4000; i++) { /* no part of its hash stands for the whole */
        char wrong[40];
        (void)snprintf(wrong, sizeof wrong, "Bearer 0123456789ab%04d", i);
        assert_false(td_guard_token(&g, td_text(wrong)));
    }
    static char long_header[4096];
    memset(long_header, 'A', sizeof long_header - 1);
    memcpy(long_header, "Basic ", 6);
    assert_false(td_guard_token(&g, td_text(long_header)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),    cmocka_unit_test(refuses_what_is_not_safe),
        cmocka_unit_test(wants_its_own_host), cmocka_unit_test(wants_its_own_origin),
        cmocka_unit_test(wants_the_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
