/* tests/unit/serve_request_test.c - goal: what a request's head asks for is found, or refused for the first thing that
 * is wrong with it, in the order in which a stranger may know of it. */
#include "serve/request.h"
#include "unit.h"

static char token[] = "0123456789abcdef", listen[] = "127.0.0.1:8750";
#define RIGHT "Bearer 0123456789abcdef"

static const struct {
    const char *method, *path, *host, *origin, *authorization, *argument;
    int http; /* 0: read */
    td_route route;
} rows[] = {
    {"GET", "/", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_FILE},
    {"HEAD", "/app.js", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_FILE},
    {"GET", "/api/v1/status", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_API},
    {"GET", "/api/v1/actions", "localhost:8750", NULL, RIGHT, "instrument=A:B", 0, TD_ROUTE_API},
    {"GET", "/api/v1/actions", "localhost:8750", NULL, RIGHT, NULL, 400, 0},
    {"GET", "/api/v1/signals", "localhost:8750", "http://localhost:8750", RIGHT, "limit=5", 0, TD_ROUTE_API},
    {"GET", "/metrics", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_METRICS},
    {"GET", "/livez", "localhost:8750", NULL, "", NULL, 0, TD_ROUTE_LIVE},
    {"GET", "/readyz", "localhost:8750", NULL, "Bearer wrong", NULL, 0, TD_ROUTE_READY},
    {"GET", "/livez", "evil.example:8750", NULL, "", NULL, 403, 0},
    {"GET", "/metrics", "localhost:8750", NULL, "", NULL, 401, 0},
    {"GET", "/", "localhost:8750", NULL, "Bearer 0123456789abcdeg", NULL, 401, 0},
    {"GET", "/api/v1/none", "localhost:8750", NULL, "", NULL, 401, 0}, /* what there is, is told to none but them */
    {"GET", "/", "localhost:8750", "http://evil.example", RIGHT, NULL, 403, 0},
    {"GET", "/", "localhost:8750", "", RIGHT, NULL, 403, 0},
    {"POST", "/api/v1/status", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"POST", "/", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"POST", "/livez", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"PUT", "/api/v1/quarantine/release", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"GET", "/api/v1/quarantine/release", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"POST", "/api/v1/quarantine/release", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_API},
    {"POST", "/api/v1/quarantine/release", "localhost:8750", NULL, "", NULL, 401, 0},
    {"POST", "/api/v1/quarantine/release", "localhost:8750", "http://evil.example", RIGHT, NULL, 403, 0},
    {"GET", "/registry", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_SCHEMAS},
    {"PUT", "/registry/config/a/b", "localhost:8750", NULL, RIGHT, "x=1", 0, TD_ROUTE_SCHEMAS},
    {"DELETE", "/registry/subjects/a", "localhost:8750", "http://localhost:8750", RIGHT, "permanent=true", 0,
     TD_ROUTE_SCHEMAS},
    {"DELETE", "/registry/subjects/a", "localhost:8750", "http://evil.example", RIGHT, NULL, 403, 0},
    {"GET", "/registry/subjects", "evil.example:8750", NULL, RIGHT, NULL, 403, 0},
    {"GET", "/registry/subjects", "localhost:8750", NULL, "", NULL, 401, 0},
    {"PATCH", "/registry/subjects", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"GET", "/registry/none", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"GET", "/api/v1/openapi.json", "localhost:8750", NULL, RIGHT, NULL, 0, TD_ROUTE_FILE},
    {"GET", "/api/v1/openapi.json", "localhost:8750", NULL, "", NULL, 401, 0},
    {"POST", "/api/v1/openapi.json", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"GET", "/registryx", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"PUT", "/registryx", "localhost:8750", NULL, RIGHT, NULL, 405, 0},
    {"GET", "/none", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"GET", "", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"GET", "/livez/", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"GET", "/api/v1/none", "localhost:8750", NULL, RIGHT, NULL, 404, 0},
    {"GET", "/api/v1/bars", "localhost:8750", NULL, RIGHT, "limit=5", 400, 0},
    {"GET", "/api/v1/signals", "localhost:8750", NULL, RIGHT, "limit", 400, 0},
    {"GET", "/api/v1/signals", "localhost:8750", NULL, RIGHT, "=5", 400, 0},
};

static td_guard guard_of(void) {
    td_guard g;
    assert_int_equal(td_guard_init(&g, &(td_serve_conf){.listen = listen, .token = token}), TD_OK);
    return g;
}

static void reads_or_refuses(void **state) {
    td_guard g = guard_of();
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_request_head head = {.get = strcmp(rows[i].method, "GET") == 0,
                                .head = strcmp(rows[i].method, "HEAD") == 0,
                                .post = strcmp(rows[i].method, "POST") == 0,
                                .put = strcmp(rows[i].method, "PUT") == 0,
                                .del = strcmp(rows[i].method, "DELETE") == 0,
                                .content_type = TD_TEXT("application/json; charset=utf-8"),
                                .path = td_text(rows[i].path),
                                .host = td_text(rows[i].host),
                                .has_origin = rows[i].origin != NULL,
                                .authorization = td_text(rows[i].authorization)};
        if (rows[i].origin != NULL) head.origin = td_text(rows[i].origin);
        if (rows[i].argument != NULL) head.arguments[head.argument_count++] = td_text(rows[i].argument);
        td_request request;
        td_api_error error = {0};
        bool read = td_request_read(&g, &head, &request, &error);
        ASSERT_ROW(read == (rows[i].http == 0), "%u: %s", i, error.message);
        ASSERT_ROW(error.http == rows[i].http, "%u: %d %s", i, error.http, error.message);
        if (read) ASSERT_ROW(request.route == rows[i].route, "%u", i);
        ASSERT_ROW(strstr(error.message, "0123456789abcdef") == NULL, "%u shows the token", i);
        bool registry = request.route == TD_ROUTE_SCHEMAS; /* which has errors of its own, whatever they are for */
        ASSERT_ROW(request.refused.http == (registry ? rows[i].http : 0), "%u: %s", i, request.refused.message);
    }
}

/* What a page of another site can send without being asked is no order. */
static void wants_json(void **state) {
    td_guard g = guard_of();
    td_request request;
    static const char *const types[] = {"", "text/plain", "application/x-www-form-urlencoded", "application/jso"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        td_request_head head = {.post = true,
                                .path = TD_TEXT("/api/v1/quarantine/release"),
                                .host = TD_TEXT("localhost:8750"),
                                .authorization = TD_TEXT(RIGHT),
                                .content_type = td_text(types[i])};
        td_api_error error = {0};
        ASSERT_ROW(!td_request_read(&g, &head, &request, &error) && error.http == 415, "%zu", i);
    }
}

static void bounds_the_target(void **state) {
    td_guard g = guard_of();
    td_request request;
    td_api_error error;
    td_request_head head = {.get = true,
                            .path = TD_TEXT("/api/v1/signals"),
                            .host = TD_TEXT("localhost:8750"),
                            .authorization = TD_TEXT(RIGHT),
                            .target_bytes = TD_TARGET_MAX};
    (void)state;
    assert_true(td_request_read(&g, &head, &request, &error));
    head.argument_count = TD_ARGUMENTS_MAX + 1;
    assert_false(td_request_read(&g, &head, &request, &error));
    assert_string_equal(error.code, "too_many");
    head.target_bytes++;
    assert_false(td_request_read(&g, &head, &request, &error));
    assert_int_equal(error.http, 414);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_or_refuses), cmocka_unit_test(wants_json),
                                       cmocka_unit_test(bounds_the_target)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
