/* tests/unit/serve_schema_test.c - goal: the registry answers as Confluent's API says, each error with its status and
 * code; what is answered as done is in the log and synced, and nothing that the log's own records rest on changes. */
#include "base/json.h"
#include "serve/schema_answer.h"
#include "serve_rig.h"

typedef struct registry { /* a log with a registry, and an ingest that can be told to refuse */
    rig rig;
    td_topic *topic;
    td_schemas *schemas;
    td_status put_status, ask_status;
    bool syncs;
    int64_t now_ns;
} registry;

static td_status append(void *arg, td_bytes key, td_bytes value) {
    registry *r = arg;
    td_batch_reset(&r->rig.batch);
    assert_true(td_batch_add(&r->rig.batch, 1, key, value, (td_bytes){0}, (td_bytes){0}));
    return td_writer_append(r->rig.writer, r->topic, 0, &r->rig.batch);
}

static td_status put(void *arg, td_bytes key, td_bytes value, uint64_t *out_ticket) {
    registry *r = arg;
    *out_ticket = 7;
    if (r->put_status != TD_OK) return r->put_status;
    return r->ask_status == TD_OK ? append(arg, key, value) : TD_OK;
}

static td_status ask(void *arg, uint64_t ticket) {
    assert_int_equal(ticket, 7);
    return ((registry *)arg)->ask_status;
}

static void open_schemas(registry *r, bool writes) {
    td_serve_topics topics = r->rig.topics;
    topics.schemas = r->topic;
    topics.run = (td_serve_run){.self = r, .put_schema = writes ? put : NULL, .ask = ask};
    assert_int_equal(td_schemas_open(&r->schemas, &topics), TD_OK);
}

static int set_up(void **state) {
    registry *r = td_alloc_zero(1, sizeof *r);
    rig_open(&r->rig);
    assert_int_equal(td_log_topic(r->rig.log, "_schemas", 1, TD_TOPIC_INPUT, &r->topic), TD_OK);
    td_registry *own = td_registry_new();
    assert_int_equal(td_registry_ensure(own, append, r), TD_OK);
    td_registry_free(own);
    assert_int_equal(td_log_sync(r->rig.log), TD_OK);
    r->syncs = true;
    open_schemas(r, true);
    *state = r;
    return 0;
}

static int tear_down(void **state) {
    registry *r = *state;
    td_schemas_close(r->schemas);
    rig_close(&r->rig);
    free(r);
    return 0;
}

static td_schema_method method_of(const char *name) {
    return strcmp(name, "GET") == 0      ? TD_SCHEMA_GET
           : strcmp(name, "POST") == 0   ? TD_SCHEMA_POST
           : strcmp(name, "PUT") == 0    ? TD_SCHEMA_PUT
           : strcmp(name, "DELETE") == 0 ? TD_SCHEMA_DELETE
                                         : TD_SCHEMA_OTHER;
}

/* What the parameters behind "?" say goes into the request. */
static bool read_request(const char *method, const char *target, td_schema_request *out, td_schema_error *error) {
    const char *question = strchrnul(target, '?');
    td_bytes path = {(const uint8_t *)target, (size_t)(question - target)};
    if (!td_schema_request_read(out, method_of(method), path, error)) return false;
    for (const char *at = question; *at != '\0';) {
        size_t size = strcspn(++at, "&"), name = strcspn(at, "=");
        td_schema_request_set(out, (td_bytes){(const uint8_t *)at, name},
                              (td_bytes){(const uint8_t *)at + name + 1, size - name - 1});
        at += size;
    }
    return true;
}

/* The code: 200, or the error's; its text in *out. A turn of the server each 100 ms. */
static int tell(registry *r, const char *method, const char *target, const char *body, td_buf *out) {
    td_schema_request request;
    td_schema_error error = {0};
    out->size = 0;
    if (!read_request(method, target, &request, &error)) {
        td_schema_put_error(out, &error);
        return error.code;
    }
    td_buf posted = {0};
    td_buf_text(&posted, body);
    td_schema_answer *a = td_schema_answer_new(r->schemas, &request, &posted);
    td_status status = TD_AGAIN;
    for (int turn = 0; turn < 200 && (status == TD_AGAIN || status == TD_FULL); turn++, r->now_ns += RIG_S / 10) {
        (void)td_schemas_step(r->schemas);
        status = td_schema_answer_step(a, r->now_ns);
        if (r->syncs) assert_int_equal(td_log_sync(r->rig.log), TD_OK);
    }
    assert_true(status == TD_OK || status == TD_REJECT);
    error = *td_schema_answer_error(a);
    assert_int_equal(status == TD_OK, error.http == 0);
    if (status == TD_OK)
        td_buf_put(out, td_schema_answer_text(a)->data, td_schema_answer_text(a)->size);
    else
        td_schema_put_error(out, &error);
    td_schema_answer_free(a);
    return status == TD_OK ? 200 : error.code;
}

#define RECORD(fields)                                                                                                 \
    "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[" fields "]}\"}"
#define X     "{\\\"name\\\":\\\"x\\\",\\\"type\\\":\\\"int\\\"}"
#define Y     "{\\\"name\\\":\\\"y\\\",\\\"type\\\":\\\"int\\\"}"
#define Y_0   "{\\\"name\\\":\\\"y\\\",\\\"type\\\":\\\"int\\\",\\\"default\\\":0}"
#define ONE   RECORD(X)
#define OTHER RECORD(Y)
#define MORE  RECORD(X "," Y_0)

typedef struct step {
    const char *method, *target, *body;
    int code;
    const char *text; /* a part of the answer; NULL: any */
} step;

static void run_steps(registry *r, const step *steps, size_t count) {
    td_buf text = {0};
    for (unsigned i = 0; i < count; i++) {
        const step *s = &steps[i];
        int code = tell(r, s->method, s->target, s->body, &text);
        td_buf_put(&text, "", 1);
        ASSERT_ROW(code == s->code && (s->text == NULL || strstr((char *)text.data, s->text) != NULL),
                   "%u: %s %s: %d %s", i, s->method, s->target, code, (char *)text.data);
        td_json json;
        td_json_init(&json, (td_bytes){text.data, text.size - 1});
        bool whole = td_json_skip(&json) && td_json_next(&json) == TD_JSON_END;
        ASSERT_ROW(whole, "%u: %s", i, (char *)text.data);
    }
    td_buf_fini(&text);
}

static void what_is_registered_is_found(void **state) {
    static const step steps[] = {
        {"GET", "", "", 200, "{}"},
        {"GET", "/", "", 200, "{}"},
        {"GET", "/schemas/types", "", 200, "[\"AVRO\"]"},
        {"GET", "/contexts", "", 200, "[\".\"]"},
        {"POST", "/subjects/s/versions", ONE, 200, "{\"id\":22}"},
        {"POST", "/subjects/s/versions", ONE, 200, "{\"id\":22}"},
        {"POST", "/subjects/s/versions",
         "{\"schemaType\":\"AVRO\",\"references\":[],\"schema\":\"" /* same, other text */
         "{\\\"name\\\":\\\"R\\\", \\\"type\\\":\\\"record\\\",\\\"fields\\\":[" X "]}\"}",
         200, "{\"id\":22}"},
        {"POST", "/subjects/s/versions", MORE, 200, "{\"id\":23}"},
        {"POST", "/subjects/a/b/versions", MORE, 200, "{\"id\":23}"}, /* one schema, one id */
        {"GET", "/subjects?subjectPrefix=s&limit=1&offset=1", "", 200, "[\"sections-value\"]"},
        {"GET", "/subjects?subjectPrefix=a/", "", 200, "[\"a/b\"]"},
        {"GET", "/subjects/s/versions", "", 200, "[1,2]"},
        {"GET", "/subjects/s/versions/1", "", 200, "{\"subject\":\"s\",\"version\":1,\"id\":22,\"schema\":\"{"},
        {"GET", "/subjects/s/versions/latest", "", 200, "\"version\":2,\"id\":23"},
        {"GET", "/subjects/s/versions/-1", "", 200, "\"version\":2,\"id\":23"},
        {"GET", "/subjects/a/b/versions/latest/schema", "", 200, "{\"type\":\"record\",\"name\":\"R\""},
        {"GET", "/subjects/s/versions/1/referencedby", "", 200, "[]"},
        {"GET", "/schemas/ids/23", "", 200, "{\"schema\":\"{\\\"type\\\""},
        {"GET", "/schemas/ids/23/schema", "", 200, "{\"type\":\"record\""},
        {"GET", "/schemas/ids/23/subjects", "", 200, "[\"a/b\",\"s\"]"},
        {"GET", "/schemas/ids/23/versions", "", 200,
         "[{\"subject\":\"a/b\",\"version\":1},{\"subject\":\"s\",\"version\":2}]"},
        {"GET", "/schemas?subjectPrefix=s&latestOnly=true&limit=1", "", 200, "[{\"subject\":\"s\",\"version\":2"},
        {"POST", "/subjects/s", ONE, 200, "\"version\":1,\"id\":22"},
        {"POST", "/subjects/bars-value", ONE, 40403, "Schema not found"},
        {"GET", "/subjects/bars-value/versions/1/schema", "", 200, "tapedeck"},
    };
    run_steps(*state, steps, COUNT_OF(steps));
}

static void each_error_has_its_code(void **state) {
    static const step steps[] = {
        {"GET", "/none", "", 404, NULL},
        {"GET", "/subjects/s/versions/1/none", "", 404, NULL},
        {"GET", "/schemas/ids/x", "", 404, NULL},
        {"GET", "/schemas/ids/1/2", "", 404, NULL},
        {"PUT", "/subjects", "", 405, NULL},
        {"DELETE", "/subjects/s/versions", "", 405, NULL},
        {"GET", "/subjects/s/versions", "", 40401, "Subject 's' not found."},
        {"GET", "/subjects/s/versions/1", "", 40401, NULL},
        {"POST", "/subjects/s", ONE, 40401, NULL},
        {"DELETE", "/subjects/s", "", 40401, NULL},
        {"DELETE", "/subjects/s/versions/1", "", 40401, NULL},
        {"DELETE", "/config/s", "", 40401, NULL},
        {"DELETE", "/mode/s", "", 40401, NULL},
        {"GET", "/schemas/ids/99", "", 40403, "Schema 99 not found"},
        {"GET", "/schemas/ids/99/subjects", "", 40403, NULL},
        {"GET", "/schemas/ids/-1/versions", "", 40403, NULL},
        {"GET", "/config/s", "", 40408, NULL},
        {"GET", "/mode/s", "", 40409, NULL},
        {"POST", "/subjects/s/versions", ONE, 200, NULL},
        {"GET", "/subjects/s/versions/2", "", 40402, "Version 2 not found."},
        {"GET", "/subjects/s/versions/2/schema", "", 40402, NULL},
        {"POST", "/compatibility/subjects/s/versions/2", ONE, 40402, NULL},
        {"POST", "/compatibility/subjects/none/versions/2", ONE, 40402, NULL},
        {"DELETE", "/subjects/s/versions/2", "", 40402, NULL},
        {"GET", "/subjects/s/versions/0", "", 42202, "'0' is not a valid version id"},
        {"GET", "/subjects/s/versions/2147483648", "", 42202, NULL},
        {"GET", "/subjects/s/versions/last", "", 42202, NULL},
        {"DELETE", "/subjects/s/versions/-2", "", 42202, NULL},
        {"POST", "/compatibility/subjects/s/versions/x", ONE, 42202, NULL},
        {"POST", "/subjects/s/versions", OTHER, 409, "incompatible with an earlier schema for subject \\\"s\\\""},
        {"POST", "/subjects/s/versions", "{\"schema\":\"{}\"}", 42201, NULL},
        {"POST", "/subjects/s/versions", "{\"schema\":\"\"}", 42201, NULL},
        {"POST", "/subjects/s/versions", "{}", 42201, NULL},
        {"POST", "/subjects/s/versions", "{\"schema\":\"\\\"int\\\"\",\"schemaType\":\"PROTOBUF\"}", 42201, "AVRO"},
        {"POST", "/subjects/s/versions", "{\"schema\":\"\\\"int\\\"\",\"references\":[{\"name\":\"a\"}]}", 42201,
         "references"},
        {"POST", "/subjects/s/versions", "{\"schema\":\"\\\"int\\\"\",\"version\":7}", 42201, "one more"},
        {"POST", "/subjects/s/versions", "{\"schema\":\"\\\"int\\\"\",\"id\":7}", 42205, "import"},
        {"POST", "/subjects/s", "{\"schema\":\"x\"}", 42201, NULL},
        {"POST", "/compatibility/subjects/s/versions", "{\"schema\":\"x\"}", 42201, NULL},
        {"POST", "/subjects/s/versions", "", 400, NULL},
        {"POST", "/subjects/s/versions", "[]", 400, NULL},
        {"POST", "/subjects/s/versions", "{\"schema\":1}", 400, NULL},
        {"POST", "/subjects/s/versions", "{\"schema\":\"a\\u0000b\"}", 400, NULL},
        {"PUT", "/config", "{}", 42203, NULL},
        {"PUT", "/config/s", "{\"compatibility\":\"SOME\"}", 42203, NULL},
        {"PUT", "/mode", "{\"mode\":\"SOME\"}", 42204, NULL},
        {"PUT", "/mode/s", "{\"mode\":\"IMPORT\"}", 42205, NULL},
        {"POST", "/subjects/a\nb/versions", ONE, 42208, NULL},
        {"POST", "/subjects/:.ctx:s/versions", ONE, 42208, NULL},
        {"POST", "/subjects/\xff/versions", ONE, 42208, NULL},
    };
    run_steps(*state, steps, COUNT_OF(steps));
}

static void deleting_is_of_two_steps(void **state) {
    static const step steps[] = {
        {"POST", "/subjects/s/versions", ONE, 200, "22"},
        {"POST", "/subjects/s/versions", MORE, 200, "23"},
        {"DELETE", "/subjects/s/versions/1?permanent=true", "", 40407, NULL},
        {"DELETE", "/subjects/s/versions/1", "", 200, "1"},
        {"DELETE", "/subjects/s/versions/1", "", 40406, NULL},
        {"GET", "/subjects/s/versions", "", 200, "[2]"},
        {"GET", "/subjects/s/versions?deleted=true", "", 200, "[1,2]"},
        {"GET", "/subjects/s/versions/1", "", 40402, NULL},
        {"GET", "/subjects/s/versions/1?deleted=true", "", 200, "\"id\":22"},
        {"GET", "/schemas/ids/22", "", 200, "schema"}, /* what was written by it can be read */
        {"GET", "/schemas/ids/22/subjects", "", 200, "[]"},
        {"GET", "/schemas/ids/22/subjects?deleted=true", "", 200, "[\"s\"]"},
        {"POST", "/subjects/s", ONE, 40403, NULL},
        {"POST", "/subjects/s?deleted=true", ONE, 200, "\"version\":1"},
        {"DELETE", "/subjects/s?permanent=true", "", 40405, NULL},
        {"PUT", "/config/s", "{\"compatibility\":\"none\"}", 200, "NONE"},
        {"DELETE", "/subjects/s", "", 200, "[2]"},
        {"GET", "/config/s", "", 40408, NULL}, /* gone with the last version */
        {"DELETE", "/subjects/s", "", 40404, NULL},
        {"GET", "/subjects/s/versions", "", 40401, NULL},
        {"GET", "/subjects?deletedOnly=true", "", 200, "[\"s\"]"},
        {"POST", "/subjects/s/versions", ONE, 200, "{\"id\":22}"}, /* again: the old id, a new version */
        {"GET", "/subjects/s/versions", "", 200, "[3]"},
        {"DELETE", "/subjects/s/versions/latest", "", 200, "3"},
        {"DELETE", "/subjects/s/versions/2?permanent=true", "", 200, "2"},
        {"GET", "/schemas/ids/23", "", 40403, NULL},
        {"DELETE", "/subjects/s?permanent=true", "", 200, "[1,3]"},
        {"GET", "/subjects/s/versions?deleted=true", "", 40401, NULL},
        {"POST", "/subjects/s/versions", ONE, 200, "{\"id\":24}"}, /* no id is given twice */
        {"GET", "/subjects/s/versions", "", 200, "[1]"},
    };
    run_steps(*state, steps, COUNT_OF(steps));
}

static void levels_and_modes_are_obeyed(void **state) {
    static const step steps[] = {
        {"GET", "/config", "", 200, "{\"compatibilityLevel\":\"BACKWARD\"}"},
        {"GET", "/mode", "", 200, "{\"mode\":\"READWRITE\"}"},
        {"POST", "/subjects/s/versions", ONE, 200, NULL},
        {"POST", "/compatibility/subjects/s/versions/latest", OTHER, 200, "{\"is_compatible\":false}"},
        {"POST", "/compatibility/subjects/s/versions/1?verbose=true", OTHER, 200, "\"messages\":[\"version 1: "},
        {"POST", "/compatibility/subjects/s/versions?verbose=true", MORE, 200,
         "{\"is_compatible\":true,\"messages\":[]}"},
        {"POST", "/compatibility/subjects/none/versions/latest", ONE, 200, "{\"is_compatible\":true}"},
        {"PUT", "/config", "{\"compatibility\":\"NONE\"}", 200, "{\"compatibility\":\"NONE\"}"},
        {"GET", "/config/s?defaultToGlobal=true", "", 200, "NONE"},
        {"POST", "/compatibility/subjects/s/versions/latest", OTHER, 200, "{\"is_compatible\":true}"},
        {"POST", "/subjects/s/versions", OTHER, 200, NULL},
        {"POST", "/subjects/s/versions", MORE, 200, NULL}, /* backward of version 1, not of version 2 */
        {"PUT", "/config/s", "{\"compatibility\":\"BACKWARD_TRANSITIVE\"}", 200, NULL},
        {"POST", "/compatibility/subjects/s/versions?verbose=true", RECORD(Y_0), 200, "{\"is_compatible\":true"},
        {"POST", "/compatibility/subjects/s/versions?verbose=true", RECORD(X), 200, "[\"version 2: "},
        {"DELETE", "/config/s", "", 200, "{\"compatibilityLevel\":\"BACKWARD_TRANSITIVE\"}"},
        {"DELETE", "/config", "", 200, "{\"compatibilityLevel\":\"NONE\"}"},
        {"POST", "/compatibility/subjects/s/versions", RECORD(X), 200, "{\"is_compatible\":true"}, /* the last alone */
        {"PUT", "/mode/s", "{\"mode\":\"READONLY\"}", 200, "{\"mode\":\"READONLY\"}"},
        {"GET", "/mode/s", "", 200, "READONLY"},
        {"POST", "/subjects/s/versions", RECORD(X), 42205, "read-only"},
        {"DELETE", "/subjects/s", "", 42205, "read-only"},
        {"DELETE", "/subjects/s/versions/1", "", 42205, NULL},
        {"PUT", "/config/s", "{\"compatibility\":\"FULL\"}", 42205, NULL},
        {"POST", "/subjects/t/versions", ONE, 200, NULL},
        {"DELETE", "/mode/s", "", 200, "READONLY"},
        {"DELETE", "/subjects/s", "", 200, "[1,2,3]"},
    };
    run_steps(*state, steps, COUNT_OF(steps));
}

static void the_logs_own_schemas_stay(void **state) {
    static const step steps[] = {
        {"DELETE", "/subjects/bars-value", "", 42205, "log's own records"},
        {"DELETE", "/subjects/tape-tapedeck.Trade/versions/1", "", 42205, NULL},
        {"POST", "/subjects/bars-value/versions", ONE, 42205, NULL},
        {"PUT", "/config/bars-value", "{\"compatibility\":\"NONE\"}", 42205, NULL},
        {"PUT", "/mode/bars-value", "{\"mode\":\"READONLY\"}", 42205, NULL},
        {"GET", "/subjects/bars-value/versions", "", 200, "[1]"},
    };
    int64_t before = td_topic_end(((registry *)*state)->topic, 0);
    run_steps(*state, steps, COUNT_OF(steps));
    assert_int_equal(td_topic_end(((registry *)*state)->topic, 0), before);
}

/* Nobody is told of what a crash may take back, and nothing else is decided until it is known. */
static void what_is_not_synced_is_not_answered(void **state) {
    registry *r = *state;
    static const step late[] = {{"POST", "/subjects/s/versions", ONE, 50002, "10 s"},
                                {"POST", "/subjects/t/versions", MORE, 50002, NULL},
                                {"GET", "/subjects/s/versions", "", 40401, NULL}};
    static const step after[] = {{"GET", "/subjects/s/versions", "", 200, "[1]"},
                                 {"GET", "/subjects/t/versions", "", 40401, NULL}, /* it was not even begun */
                                 {"POST", "/subjects/t/versions", MORE, 200, "{\"id\":23}"}};
    r->syncs = false;
    run_steps(r, late, COUNT_OF(late));
    r->syncs = true;
    assert_int_equal(td_log_sync(r->rig.log), TD_OK);
    for (int turn = 0; turn < 3; turn++) (void)td_schemas_step(r->schemas);
    run_steps(r, after, COUNT_OF(after));
}

static void what_ingest_does_not_take_is_said(void **state) {
    registry *r = *state;
    static const step full[] = {{"POST", "/subjects/s/versions", ONE, 50002, NULL}};
    static const step refused[] = {{"POST", "/subjects/s/versions", ONE, 50001, NULL},
                                   {"GET", "/subjects/s/versions", "", 40401, NULL}};
    static const step fine[] = {{"POST", "/subjects/s/versions", ONE, 200, NULL}};
    r->put_status = TD_REJECT;
    run_steps(r, refused, COUNT_OF(refused));
    r->put_status = TD_OK;
    r->ask_status = TD_REJECT;
    run_steps(r, refused, COUNT_OF(refused));
    r->ask_status = TD_OK;
    run_steps(r, fine, COUNT_OF(fine));
    run_steps(r, &(step){"DELETE", "/subjects/s", "", 200, "[1]"}, 1);
    r->put_status = TD_FULL;
    run_steps(r, full, COUNT_OF(full));
    r->put_status = TD_OK;
    for (int turn = 0; turn < 3; turn++) { /* it goes on all the same */
        (void)td_schemas_step(r->schemas);
        assert_int_equal(td_log_sync(r->rig.log), TD_OK);
    }
    run_steps(r, &(step){"GET", "/subjects/s/versions", "", 200, "[2]"}, 1);
}

static td_schema_answer *begin_answer(registry *r, const char *method, const char *target, const char *body) {
    td_schema_request request;
    td_schema_error error;
    td_buf posted = {0};
    assert_true(read_request(method, target, &request, &error));
    td_buf_text(&posted, body);
    return td_schema_answer_new(r->schemas, &request, &posted);
}

/* Another change that comes to nothing behind one that was refused is not taken for it. */
static void a_refusal_is_told_whoever_comes_next(void **state) {
    registry *r = *state;
    td_schema_answer *refused = begin_answer(r, "POST", "/subjects/s/versions", ONE);
    td_schema_answer *nothing = begin_answer(r, "DELETE", "/subjects/none", "");
    td_status status = TD_AGAIN;
    r->ask_status = TD_REJECT;
    (void)td_schemas_step(r->schemas);
    while (status == TD_AGAIN) status = td_schema_answer_step(refused, r->now_ns);
    assert_int_equal(status, TD_FULL); /* it waits */
    for (int turn = 0; turn < 3; turn++) (void)td_schemas_step(r->schemas);
    status = TD_AGAIN;
    while (status == TD_AGAIN) status = td_schema_answer_step(nothing, r->now_ns);
    assert_int_equal(td_schema_answer_error(nothing)->code, 40401);
    assert_int_equal(td_schema_answer_step(refused, r->now_ns), TD_REJECT);
    assert_int_equal(td_schema_answer_error(refused)->code, 50001);
    td_schema_answer_free(refused);
    td_schema_answer_free(nothing);
}

static void a_process_that_writes_nothing_reads(void **state) {
    registry *r = *state;
    static const step steps[] = {{"POST", "/subjects/s/versions", ONE, 50004, NULL},
                                 {"GET", "/subjects/bars-value/versions", "", 200, "[1]"}};
    td_schemas_close(r->schemas);
    open_schemas(r, false);
    run_steps(r, steps, COUNT_OF(steps));
    assert_int_equal(append(r, TD_TEXT("x"), TD_TEXT("y")), TD_OK); /* nothing of a registry's */
    assert_int_equal(td_log_sync(r->rig.log), TD_OK);
    (void)td_schemas_step(r->schemas);
    run_steps(r, &(step){"GET", "/subjects", "", 50001, NULL}, 1);
}

static void a_registry_elsewhere_is_named(void **state) {
    registry *r = *state;
    static const step steps[] = {{"POST", "/subjects/s/versions", ONE, 50004, "in the registry at http://there:8081"},
                                 {"GET", "/subjects/bars-value/versions", "", 50004, "ask there"},
                                 {"GET", "/schemas/ids/1", "", 50004, "http://there:8081"}};
    td_serve_topics topics = r->rig.topics;
    topics.schemas = NULL;
    topics.run = (td_serve_run){.self = r, .put_schema = put, .registry = "http://there:8081"};
    td_schemas_close(r->schemas);
    assert_int_equal(td_schemas_open(&r->schemas, &topics), TD_OK);
    run_steps(r, steps, COUNT_OF(steps));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_registered_is_found),
        TEST(each_error_has_its_code),
        TEST(deleting_is_of_two_steps),
        TEST(levels_and_modes_are_obeyed),
        TEST(the_logs_own_schemas_stay),
        TEST(what_is_not_synced_is_not_answered),
        TEST(what_ingest_does_not_take_is_said),
        TEST(a_refusal_is_told_whoever_comes_next),
        TEST(a_process_that_writes_nothing_reads),
        TEST(a_registry_elsewhere_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
