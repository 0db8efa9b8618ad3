/* tests/unit/serve_guard_test.c - goal: only loopback is listened on, and only pages of this very listener may ask. */
#include "serve/guard.h"
#include "unit.h"
#include <stdio.h>

static void listens_on_loopback_only(void **state) {
    static const struct {
        const char *text, *url; /* NULL: refused */
        bool ipv6;
    } rows[] = {
        {"127.0.0.1:8750", "http://127.0.0.1:8750", false},
        {"127.8.9.10:1", "http://127.8.9.10:1", false},
        {"localhost:8750", "http://localhost:8750", false},
        {"LocalHost:0", "http://LocalHost:0", false},
        {"[::1]:65535", "http://[::1]:65535", true},
        {"0.0.0.0:8750", NULL, false},
        {"[::]:8750", NULL, false},
        {"192.168.1.5:8750", NULL, false},
        {"128.0.0.1:8750", NULL, false},
        {"[::ffff:127.0.0.1]:8750", NULL, false},
        {"example.com:80", NULL, false},
        {"localhost.example.com:80", NULL, false},
        {"127.0.0.1", NULL, false},
        {"127.0.0.1:", NULL, false},
        {"127.0.0.1:65536", NULL, false},
        {"127.0.0.1:-1", NULL, false},
        {"127.0.0.1: 80", NULL, false},
        {"127.1:80", NULL, false},
        {"::1:80", NULL, false},
        {":80", NULL, false},
        {"[]:80", NULL, false},
        {"", NULL, false},
    };
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_listen listen;
        char url[96];
        td_status status = td_listen_parse(rows[i].text, &listen);
        ASSERT_ROW(status == (rows[i].url != NULL ? TD_OK : TD_CONFIG), "%u", i);
        if (status != TD_OK) {
            ASSERT_ROW(strstr(td_trail(), "serve.listen") != NULL, "%u: %s", i, td_trail());
            continue;
        }
        td_listen_url(&listen, url);
        assert_string_equal(url, rows[i].url);
        assert_int_equal(listen.ipv6, rows[i].ipv6);
    }
    assert_int_equal(td_listen_parse("0.0.0.0:8750", &(td_listen){0}), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "use 127.0.0.1:8750"));
}

static const struct {
    const char *listen, *host;
    bool allowed;
} hosts[] = {
    {"127.0.0.1:8750", "127.0.0.1:8750", true},
    {"127.0.0.1:8750", "localhost:8750", true},
    {"127.0.0.1:8750", "LOCALHOST:8750", true},
    {"127.0.0.1:8750", "127.0.0.1", false},
    {"127.0.0.1:8750", "127.0.0.1:80", false},
    {"127.0.0.1:8750", "127.0.0.1:87500", false},
    {"127.0.0.1:8750", "127.0.0.2:8750", false},
    {"127.0.0.1:8750", "evil.example:8750", false}, /* DNS rebinding looks like this */
    {"127.0.0.1:8750", "localhost.evil.example:8750", false},
    {"127.0.0.1:8750", "", false},
    {"127.0.0.1:80", "127.0.0.1", true},
    {"127.0.0.1:80", "localhost", true},
    {"[::1]:8750", "[::1]:8750", true},
    {"[::1]:8750", "::1:8750", false},
    {"localhost:8750", "127.0.0.1:8750", true},
};

static void wants_its_own_host(void **state) {
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(hosts); i++) {
        td_listen listen;
        assert_int_equal(td_listen_parse(hosts[i].listen, &listen), TD_OK);
        ASSERT_ROW(td_guard_host(&listen, td_text(hosts[i].host)) == hosts[i].allowed, "%u", i);
        char origin[128];
        (void)snprintf(origin, sizeof origin, "http://%s", hosts[i].host);
        ASSERT_ROW(td_guard_origin(&listen, td_text(origin)) == hosts[i].allowed, "%u", i);
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
    td_listen listen;
    (void)state;
    assert_int_equal(td_listen_parse("127.0.0.1:8750", &listen), TD_OK);
    for (unsigned i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_guard_origin(&listen, td_text(rows[i].origin)) == rows[i].allowed, "%u", i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listens_on_loopback_only),
        cmocka_unit_test(wants_its_own_host),
        cmocka_unit_test(wants_its_own_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
