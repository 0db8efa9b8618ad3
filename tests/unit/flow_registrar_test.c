/* tests/unit/flow_registrar_test.c - goal: our schemas get the ids that a registry elsewhere has for them, older
 * versions too; what it lacks is registered, but nothing while any of it would be refused; whoever is away is asked
 * again, and what an operator must mend is said with its subject and its cure. */
#include "../contract/web.h"
#include "base/time.h"
#include "flow/registrar.h"
#include "unit.h"
#include <stdio.h>

enum { VERSIONS_MAX = 64, TURNS_MAX = 100000, OURS = TD_SCHEMA_COUNT };
#define URL  "http://venue.test/apis/v7/"
#define TYPE "application/vnd.schemaregistry.v1+json"

typedef struct kept { /* a version of a subject */
    char subject[64], text[32768];
    int id;
    bool deleted;
} kept;

typedef struct fault { /* what the registry answers instead, from that request on, so many times */
    const char *path;  /* that holds this */
    int code, times;
    const char *body;
    web_manner manner;
} fault;

typedef struct rig {
    td_os_ops ops;
    td_os os;
    int64_t mono_ns;
    void *web;
    kept versions[VERSIONS_MAX];
    int count, next_id, asked, looked, judged, registered;
    const char *incompatible; /* to this subject nothing may be added */
    fault fault;
    const char *user, *password;
} rig;

static int64_t rig_mono_ns(void *self) { return ((rig *)self)->mono_ns += TD_NS_PER_MS; }

/* ---- a registry ---- */

/* What stands between the two in a path; false: it is another path. */
static bool take_subject(const char *path, const char *before, const char *after, char out[64]) {
    size_t size = strlen(path), skip = strlen(before), end = strlen(after);
    if (size < skip + end || strncmp(path, before, skip) != 0 || strcmp(path + size - end, after) != 0) return false;
    (void)snprintf(out, 64, "%.*s", (int)(size - skip - end), path + skip);
    return strchr(out, '/') == NULL && strchr(out, '?') == NULL;
}

/* Of {"schema":"…"}: the text without escapes, of which a schema has quotes alone. */
static void take_schema(td_bytes body, char out[32768]) {
    static const char head[] = "{\"schema\":\"";
    size_t n = 0, skip = sizeof head - 1;
    assert_true(body.size > skip + 2 && memcmp(body.data, head, skip) == 0);
    for (size_t i = skip; i < body.size - 2 && n < 32767; i++) {
        i += body.data[i] == '\\';
        out[n++] = (char)body.data[i];
    }
    out[n] = '\0';
}

static kept *find(rig *r, const char *subject, const char *text) {
    for (int i = 0; i < r->count; i++)
        if (strcmp(r->versions[i].subject, subject) == 0 && strcmp(r->versions[i].text, text) == 0)
            return &r->versions[i];
    return NULL;
}

static kept *keep(rig *r, const char *subject, td_bytes text) {
    kept *k = &r->versions[r->count++];
    assert_true(r->count <= VERSIONS_MAX && text.size < sizeof k->text);
    (void)snprintf(k->subject, sizeof k->subject, "%s", subject);
    (void)snprintf(k->text, sizeof k->text, "%.*s", (int)text.size, (const char *)text.data);
    k->id = r->next_id++;
    return k;
}

static void answer_error(web_answer *out, int code, const char *message) {
    out->code = code >= 1000 ? code / 100 : code;
    td_buf_printf(&out->body, "{\"error_code\":%d,\"message\":\"%s\"}", code, message);
}

static void register_one(rig *r, const char *subject, const char *text, web_answer *out) {
    kept *k = find(r, subject, text);
    r->registered++;
    if (r->incompatible != NULL && strcmp(subject, r->incompatible) == 0) {
        answer_error(out, 409, "Schema being registered is incompatible; \\\"price\\\" lacks\\na default");
        return;
    }
    if (k == NULL) k = keep(r, subject, td_text(text));
    td_buf_printf(&out->body, "{\"id\":%d}", k->id);
}

static void on_request(void *self, const char *path, web_answer *out) {
    rig *r = self;
    static char text[32768], subject[64];
    r->asked++;
    assert_string_equal(out->request->method, "POST");
    assert_string_equal(out->request->type, TYPE);
    assert_string_equal(out->request->authorization, r->user != NULL ? "Basic dGFwZTpkZWNrZGVjaw==" : "");
    assert_true(strncmp(path, "/apis/v7/", 9) == 0);
    path += 8;
    if (r->fault.times > 0 && strstr(path, r->fault.path) != NULL) {
        r->fault.times--;
        out->code = r->fault.code;
        out->manner = r->fault.manner;
        td_buf_text(&out->body, r->fault.body != NULL ? r->fault.body : "");
        return;
    }
    take_schema(out->request->body, text);
    if (take_subject(path, "/compatibility/subjects/", "/versions/latest?verbose=true", subject)) {
        r->judged++;
        bool refused = r->incompatible != NULL && strcmp(subject, r->incompatible) == 0;
        bool none = true;
        for (int i = 0; i < r->count; i++) none &= strcmp(r->versions[i].subject, subject) != 0;
        if (none && !refused)
            answer_error(out, 40401, "Subject not found");
        else
            td_buf_text(&out->body, refused
                                        ? "{\"is_compatible\":false,\"messages\":[\"a\\tfield\",\"lacks a default\"]}"
                                        : "{\"is_compatible\":true,\"messages\":[]}");
    } else if (take_subject(path, "/subjects/", "/versions", subject)) {
        register_one(r, subject, text, out);
    } else {
        assert_true(take_subject(path, "/subjects/", "", subject) ||
                    take_subject(path, "/subjects/", "?deleted=true", subject));
        const kept *k = find(r, subject, text);
        r->looked++;
        if (k != NULL && (!k->deleted || strstr(path, "?deleted=true") != NULL))
            td_buf_printf(&out->body, "{\"subject\":\"%s\",\"version\":1,\"id\":%d,\"schema\":\"\"}", subject, k->id);
        else
            answer_error(out, r->count == 0 ? 40401 : 40403, "not found");
    }
}

/* ---- the rig ---- */

static void rig_open(rig *r) {
    *r = (rig){.ops = {.mono_ns = rig_mono_ns}, .next_id = 101};
    r->os = (td_os){&r->ops, r};
    r->web = web_simulated.open(7, (web_handler){on_request, r});
}

static td_registrar *begin(rig *r, td_registrar_aim aim) {
    td_registrar *registrar;
    td_registrar_conf conf = {.os = &r->os,
                              .http = web_simulated.http,
                              .url = URL,
                              .user = r->user,
                              .password = r->password,
                              .prefix = "md."};
    r->asked = r->looked = r->judged = r->registered = 0;
    assert_int_equal(td_registrar_open(&registrar, &conf, aim), TD_OK);
    return registrar;
}

static td_status turn(td_registrar *registrar) {
    td_status status = TD_AGAIN;
    for (int i = 0; i < TURNS_MAX && status == TD_AGAIN; i++) status = td_registrar_step(registrar);
    return status;
}

/* All that is there: ids by schema and age. */
static td_registry *settle(rig *r, td_registrar_aim aim) {
    td_registrar *registrar = begin(r, aim);
    assert_int_equal(turn(registrar), TD_OK);
    td_registry *registry = td_registrar_take(registrar);
    td_registrar_close(registrar);
    return registry;
}

static void expect_id(td_registry *registry, td_schema schema, int age, int id) {
    const td_schema_ids *ids = td_registry_ids(registry);
    int meaning = (int)schema + age * TD_SCHEMA_BEFORE;
    ASSERT_ROW(td_schema_ids_find(ids, (uint32_t)id) == meaning, "%s, age %d, id %d: %d", td_schema_name(schema), age,
               id, td_schema_ids_find(ids, (uint32_t)id));
    if (age == 0) assert_int_equal(ids->id[schema], id);
}

/* ---- tests ---- */

static int older_count(void) {
    int count = 0;
    for (int i = 0; i < OURS; i++)
        for (int age = 1; age <= TD_SCHEMA_OLDER_MAX; age++) count += td_schema_text_of_age((td_schema)i, age).size > 0;
    return count;
}

static void what_is_not_there_is_registered_once(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    r.user = "tape";
    r.password = "deckdeck";
    td_registry *registry = settle(&r, TD_REGISTRAR_REGISTER);
    assert_int_equal(r.looked, OURS + older_count());
    assert_int_equal(r.judged, OURS);
    assert_int_equal(r.registered, OURS);
    assert_int_equal(td_registry_lacks(registry), TD_SCHEMA_COUNT);
    for (int i = 0; i < OURS; i++) {
        char subject[64];
        (void)snprintf(subject, sizeof subject, "md.%s", td_schema_subject((td_schema)i));
        assert_string_equal(r.versions[i].subject, subject);
        expect_id(registry, (td_schema)i, 0, 101 + i);
    }
    td_registry_free(registry);
    registry = settle(&r, TD_REGISTRAR_REGISTER);
    assert_int_equal(r.judged + r.registered, 0);
    expect_id(registry, TD_SCHEMA_BAR, 0, 101 + TD_SCHEMA_BAR);
    td_registry_free(registry);
    web_simulated.close(r.web);
}

static void older_versions_are_read_and_followed(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    int first = keep(&r, "md.bars-value", td_schema_text_of_age(TD_SCHEMA_BAR, 2))->id;
    int second = keep(&r, "md.bars-value", td_schema_text_of_age(TD_SCHEMA_BAR, 1))->id;
    r.versions[0].deleted = true;                                /* the records that have its id are still there */
    (void)keep(&r, "bars-value", td_schema_text(TD_SCHEMA_BAR)); /* of another prefix */
    td_registry *registry = settle(&r, TD_REGISTRAR_REGISTER);
    expect_id(registry, TD_SCHEMA_BAR, 2, first);
    expect_id(registry, TD_SCHEMA_BAR, 1, second);
    expect_id(registry, TD_SCHEMA_BAR, 0, find(&r, "md.bars-value", r.versions[2].text)->id);
    assert_int_equal(r.registered, OURS);
    td_registry_free(registry);
    web_simulated.close(r.web);
}

static void who_looks_registers_nothing(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    int id = keep(&r, "md.tape-tapedeck.Trade", td_schema_text(TD_SCHEMA_TRADE))->id;
    td_registry *registry = settle(&r, TD_REGISTRAR_LOOK);
    expect_id(registry, TD_SCHEMA_TRADE, 0, id);
    assert_int_equal(td_registry_lacks(registry), TD_SCHEMA_QUOTE);
    assert_int_equal(r.judged + r.registered, 0);
    assert_int_equal(r.count, 1);
    td_registry_free(registry);
    web_simulated.close(r.web);
}

/* The last of them is refused: the others wait for that. */
static void nothing_is_registered_beside_what_is_refused(void **state) {
    (void)state;
    static rig r;
    rig_open(&r);
    r.incompatible = "md.sections-value";
    td_registrar *registrar = begin(&r, TD_REGISTRAR_REGISTER);
    assert_int_equal(turn(registrar), TD_CONFIG);
    assert_int_equal(r.registered, 0);
    assert_int_equal(r.count, 0);
    assert_non_null(strstr(td_trail(), "log.registry: " URL));
    assert_non_null(strstr(td_trail(), "md.sections-value (code 409): a field; lacks a default; "));
    td_registrar_close(registrar);
    web_simulated.close(r.web);
}

typedef struct failure {
    fault fault;
    td_status status;
    const char *says;
} failure;

static const char absent[] = "{\"error_code\":40403,\"message\":\"x\"}";

static const failure failures[] = {
    {{"/subjects/md.bars-value", 401, 1, absent, WEB_WHOLE}, TD_CONFIG, "log.registry_password"},
    {{"/subjects/md.bars-value", 403, 1, "<html>", WEB_WHOLE}, TD_CONFIG, "refuses md.bars-value (code 403)"},
    {{"/subjects/md.bars-value", 404, 1, "<html>", WEB_WHOLE}, TD_CONFIG, "/apis/ccompat/v7"},
    {{"/subjects/md.bars-value", 404, 1, "{\"error_code\":404}", WEB_WHOLE}, TD_CONFIG, "/apis/ccompat/v7"},
    {{"/subjects/md.bars-value", 302, 1, "", WEB_WHOLE}, TD_CONFIG, "code 302"},
    {{"/subjects/md.bars-value", 200, 1, "welcome", WEB_WHOLE}, TD_CONFIG, "does not speak the API"},
    {{"/subjects/md.bars-value", 200, 1, "{\"name\":7}", WEB_WHOLE}, TD_CONFIG, "does not speak the API"},
    {{"/subjects/md.bars-value", 200, 1, "{\"id\":0}", WEB_WHOLE}, TD_CONFIG, "does not speak the API"},
    {{"/compatibility/", 200, 1, "{\"id\":1}", WEB_WHOLE}, TD_CONFIG, "does not speak the API"},
    {{"md.bars-value/versions", 422, 1, "{\"error_code\":42205,\"message\":\"Subject is in read-only mode\"}",
      WEB_WHOLE},
     TD_CONFIG,
     "md.bars-value (code 422): Subject is in read-only mode"},
    {{"/versions", 409, 1, "{\"error_code\":409,\"message\":null}", WEB_WHOLE}, TD_CONFIG, "it does not say why"},
    {{"/subjects/", 200, 1000, "{\"id\":7}", WEB_WHOLE}, TD_CONFIG, "the id 7, which is another schema"},
    {{"/subjects/md.bars-value", 500, 3, absent, WEB_WHOLE}, TD_RETRY, "answers code 500"},
    {{"/subjects/md.bars-value", 503, 1, "", WEB_WHOLE}, TD_RETRY, "answers code 503"},
    {{"/subjects/md.bars-value", 429, 1, "", WEB_WHOLE}, TD_RETRY, "answers code 429"},
    {{"/subjects/md.bars-value", 200, 2, absent, WEB_CUT}, TD_RETRY, "gives no answer"},
    {{"/subjects/md.bars-value", 200, 1, absent, WEB_SILENT}, TD_RETRY, "no answer in time"},
    {{"md.fills-value/versions", 503, 2, "", WEB_WHOLE}, TD_RETRY, "it is to be started"},
};

/* What is to be tried again is, from where it stood, to the same end; all else ends with what to do. */
static void failures_say_what_to_do(void **state) {
    (void)state;
    static rig r;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        const failure *f = &failures[i];
        int times = f->fault.times, retries = 0;
        rig_open(&r);
        r.fault = f->fault;
        r.user = "tape";
        r.password = "deckdeck";
        td_registrar *registrar = begin(&r, TD_REGISTRAR_REGISTER);
        td_status status = turn(registrar);
        ASSERT_ROW(status == f->status && strstr(td_trail(), f->says) != NULL, "%zu: %d: %s", i, status, td_trail());
        assert_null(strstr(td_trail(), "deckdeck"));
        for (; status == TD_RETRY && retries < 10; retries++) status = turn(registrar);
        if (f->status == TD_RETRY) {
            ASSERT_ROW(status == TD_OK && retries == times, "%zu: %d after %d", i, status, retries);
            assert_int_equal(r.count, OURS);
            assert_int_equal(r.asked, 3 * OURS + older_count() + times);
        }
        td_registrar_close(registrar);
        web_simulated.close(r.web);
    }
}

static void addresses(void **state) {
    static const char *const bad[] = {"",          "host:8081", "ftp://h", "http://me:word@h", "http://h/?token=x",
                                      "http://h x"};
    (void)state;
    static rig r;
    rig_open(&r);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        td_registrar *registrar = NULL;
        td_registrar_conf conf = {.os = &r.os, .http = web_simulated.http, .url = bad[i], .prefix = ""};
        ASSERT_ROW(td_registrar_open(&registrar, &conf, TD_REGISTRAR_LOOK) == TD_CONFIG, "%zu", i);
        assert_non_null(strstr(td_trail(), "log.registry: "));
        assert_null(strstr(td_trail(), "word"));
    }
    web_simulated.close(r.web);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_registered_once),
        cmocka_unit_test(older_versions_are_read_and_followed),
        cmocka_unit_test(who_looks_registers_nothing),
        cmocka_unit_test(nothing_is_registered_beside_what_is_refused),
        cmocka_unit_test(failures_say_what_to_do),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
