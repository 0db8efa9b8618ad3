/* tests/unit/flow_foreign_test.c - goal: of a record that is none of ours it is found out whose it is, by one question
 * for each schema id that is known; what another version of this program wrote is no stranger's, and what nobody has
 * said yet is waited for. */
#include "../contract/web.h"
#include "base/time.h"
#include "flow/foreign.h"
#include "unit.h"
#include <stdio.h>

enum { TURNS_MAX = 5000, MANY = 70 };

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns;
    void *web;
    int asked, code, fail_times, fail_code;
    web_manner fail_manner;
    const char *body;
    char path[128];
    td_schema_ids ids;
    td_registrar_conf conf;
    td_foreign *foreign;
} rig;

static int64_t rig_mono_ns(void *self) { return ((rig *)self)->mono_ns += 10 * TD_NS_PER_MS; }

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    r->asked++;
    assert_string_equal(out->request->method, "GET");
    (void)snprintf(r->path, sizeof r->path, "%s", path);
    bool fails = r->fail_times > 0 && r->fail_times-- > 0;
    out->code = fails ? r->fail_code : r->code;
    out->manner = fails ? r->fail_manner : WEB_WHOLE;
    td_buf_text(&out->body, r->body);
}

static void rig_open(rig *r) {
    *r = (rig){.ops = {.mono_ns = rig_mono_ns}, .code = 200};
    r->os = (td_os){&r->ops, r};
    td_schema_ids_init(&r->ids);
    assert_true(td_schema_ids_put(&r->ids, 5, TD_SCHEMA_BAR));
    r->web = web_simulated.open(3, (web_handler){on_request, r});
    r->conf = (td_registrar_conf){.os = &r->os, .http = web_simulated.http, .url = "http://r.test/v7/", .prefix = "p."};
    assert_int_equal(td_foreign_open(&r->foreign, &r->conf), TD_OK);
}

static void rig_close(rig *r) {
    td_foreign_close(r->foreign);
    web_simulated.close(r->web);
}

static td_status judge(rig *r, uint32_t id, const char **why) {
    uint8_t value[7] = {0};
    td_put_be32(value + 1, id);
    return td_foreign_judge(r->foreign, &r->ids, (td_bytes){value, sizeof value}, why);
}

static td_status settle(rig *r, uint32_t id, const char **why) {
    td_status status = TD_RETRY;
    for (int i = 0; i < TURNS_MAX && status == TD_RETRY; i++) status = judge(r, id, why);
    return status;
}

static void what_needs_no_question(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
        const char *says;
    } rows[] = {{"", 0, "no schema id"},
                {"\0\0\0\0", 4, "no schema id"},
                {"{\"price\":1}", 11, "no schema id"},
                {"\0\0\0\0\5xx", 7, "schema id 5, tapedeck.Bar"}};
    (void)state;
    rig r;
    rig_open(&r);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = "";
        td_bytes value = {(const uint8_t *)rows[i].bytes, rows[i].size};
        ASSERT_ROW(td_foreign_judge(r.foreign, &r.ids, value, &why) == TD_OK && strstr(why, rows[i].says) != NULL,
                   "%zu: %s", i, why);
    }
    assert_int_equal(r.asked, 0);
    rig_close(&r);
}

static const struct answer {
    int code;
    const char *body;
    td_status status;
    const char *says;
} answers[] = {
    {404, "{\"error_code\":40403,\"message\":\"Schema not found\"}", TD_OK, "does not know its schema id 77"},
    {200,
     "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Foo\\\",\\\"namespace\\\":\\\"acme\\\","
     "\\\"fields\\\":[]}\"}",
     TD_OK, "id 77, is acme.Foo"},
    {200, "{\"schema\":\"\\\"int\\\"\"}", TD_OK, "id 77, is none of this program's"},
    {200, "{\"schema\":\"message Foo {}\",\"schemaType\":\"PROTOBUF\"}", TD_OK, "is none of this program's"},
    {200, "{\"schema\":\"{\\\"fields\\\":[{\\\"namespace\\\":\\\"tapedeck\\\"}],\\\"name\\\":\\\"Foo\\\"}\"}", TD_OK,
     "is Foo"},
    {200,
     "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"Trade\\\",\\\"namespace\\\":\\\"tapedeck\\\","
     "\\\"fields\\\":[]}\"}",
     TD_CORRUPT, "tapedeck.Trade of another version"},
    {200, "{\"schema\":\"{\\\"name\\\":\\\"tapedeck.Trade\\\"}\"}", TD_CORRUPT, "tapedeck.Trade of another version"},
    {404, "<html>", TD_RETRY, "http://r.test/v7/ has not said yet what schema id 77 is"},
    {404, "{\"error_code\":404}", TD_RETRY, "not said yet"},
    {200, "{\"id\":77}", TD_RETRY, "not said yet"},
    {401, "{\"error_code\":40101,\"message\":\"no\"}", TD_RETRY, "not said yet"},
    {500, "{\"error_code\":50001,\"message\":\"no\"}", TD_RETRY, "not said yet"},
};

static void whose_it_is(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        const char *why = "";
        rig r;
        rig_open(&r);
        r.code = answers[i].code;
        r.body = answers[i].body;
        assert_int_equal(judge(&r, 77, &why), TD_RETRY); /* it never waits */
        td_status status = settle(&r, 77, &why);
        const char *said = status == TD_OK ? why : td_trail();
        ASSERT_ROW(status == answers[i].status && strstr(said, answers[i].says) != NULL, "%zu: %d: %s", i, status,
                   said);
        assert_string_equal(r.path, "/v7/schemas/ids/77");
        if (status != TD_RETRY) {
            assert_int_equal(settle(&r, 77, &why), status);
            assert_int_equal(r.asked, answers[i].code == 404 ? 2 : 1); /* it may come to be known */
        }
        rig_close(&r);
    }
}

static void who_is_away_is_asked_again(void **state) {
    (void)state;
    static const struct {
        int code;
        web_manner manner;
    } ways[] = {{503, WEB_WHOLE}, {200, WEB_CUT}, {200, WEB_SILENT}};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        const char *why = "";
        rig r;
        rig_open(&r);
        r.code = 404;
        r.body = "{\"error_code\":40403,\"message\":\"x\"}";
        r.fail_times = 2;
        r.fail_code = ways[i].code;
        r.fail_manner = ways[i].manner;
        ASSERT_ROW(settle(&r, 8, &why) == TD_OK && r.asked == 3, "%zu: asked %d times", i, r.asked);
        rig_close(&r);
    }
}

/* The partition was somebody else's while an answer was on its way, and comes back behind that record. */
static void an_answer_is_of_the_id_that_was_asked_for(void **state) {
    (void)state;
    const char *why = "";
    rig r;
    rig_open(&r);
    r.body = "{\"schema\":\"\\\"int\\\"\"}";
    assert_int_equal(judge(&r, 77, &why), TD_RETRY);
    assert_int_equal(settle(&r, 78, &why), TD_OK);
    assert_string_equal(r.path, "/v7/schemas/ids/78");
    assert_non_null(strstr(why, "id 78"));
    assert_int_equal(settle(&r, 77, &why), TD_OK);
    assert_string_equal(r.path, "/v7/schemas/ids/77");
    rig_close(&r);
}

/* As many are kept as there is room for; one that fell out is asked for again. */
static void each_id_is_asked_for_once(void **state) {
    (void)state;
    const char *why;
    rig r;
    rig_open(&r);
    r.body = "{\"schema\":\"\\\"int\\\"\"}";
    for (uint32_t id = 100; id < 100 + MANY; id++) {
        assert_int_equal(settle(&r, id, &why), TD_OK);
        assert_int_equal(settle(&r, id, &why), TD_OK);
    }
    assert_int_equal(r.asked, MANY);
    assert_int_equal(settle(&r, 100 + MANY - 1, &why), TD_OK);
    assert_int_equal(r.asked, MANY);
    assert_int_equal(settle(&r, 100, &why), TD_OK);
    assert_int_equal(r.asked, MANY + 1);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_no_question),     cmocka_unit_test(whose_it_is),
        cmocka_unit_test(who_is_away_is_asked_again), cmocka_unit_test(an_answer_is_of_the_id_that_was_asked_for),
        cmocka_unit_test(each_id_is_asked_for_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
