/* src/flow/registrar.c - one question after another, each about one schema of ours. */
#include "flow/registrar.h"
#include "base/json.h"
#include "base/time.h"
#include "net/url.h"
#include "schema/registry_answer.h"
#include <stdlib.h>

enum { ANSWER_MAX_BYTES = 1 << 20 };
#define TIMEOUT_NS (5 * TD_NS_PER_S)

static const char TYPE[] = "application/vnd.schemaregistry.v1+json";

/* Each is asked about all schemas before the next: nothing is registered while another may still be refused. An aim is
 * the last of them. */
typedef enum stage {
    LOOK_UP,  /* which id it has, and had in versions before */
    JUDGE,    /* of those that are not there: may they follow the latest version? */
    REGISTER, /* them */
    DONE
} stage;

struct td_registrar {
    td_registrar_conf conf;
    td_registrar_aim aim;
    td_registry *registry;
    void *net;
    stage stage;
    int schema, age; /* that is asked about */
    bool asked;
    td_buf url, body;
};

_Static_assert((int)LOOK_UP == (int)TD_REGISTRAR_LOOK && (int)JUDGE == (int)TD_REGISTRAR_JUDGE &&
                   (int)REGISTER == (int)TD_REGISTRAR_REGISTER,
               "an aim is a stage");

static const td_http_ops *net_of(const td_registrar *r) { return td_registrar_net(&r->conf); }
static const char *subject_of(const td_registrar *r) { return td_schema_subject((td_schema)r->schema); }

/* ---- the way to it ---- */

const td_http_ops *td_registrar_net(const td_registrar_conf *conf) {
    return conf->http != NULL ? conf->http : &td_http_curl;
}

td_status td_registrar_connect(const td_registrar_conf *conf, void **out_net) {
    td_http_conf http = {.name = "registry",
                         .ca_file = conf->ca,
                         .user = conf->user,
                         .password = conf->password,
                         .body_max_bytes = ANSWER_MAX_BYTES,
                         .timeout_ns = TIMEOUT_NS};
    return td_registrar_net(conf)->open(out_net, conf->os, &http);
}

void td_registrar_put_address(const td_registrar_conf *conf, td_buf *out) {
    size_t size = strlen(conf->url);
    td_buf_put(out, conf->url, size - (conf->url[size - 1] == '/'));
}

/* ---- asking ---- */

static bool is_lacking(const td_registrar *r) { return td_registry_ids(r->registry)->id[r->schema] < 0; }

static bool is_asked(const td_registrar *r) {
    return r->stage == LOOK_UP ? td_schema_text_of_age((td_schema)r->schema, r->age).size > 0
                               : r->age == 0 && is_lacking(r);
}

static void advance(td_registrar *r) {
    if (++r->age <= TD_SCHEMA_OLDER_MAX) return;
    r->age = 0;
    if (++r->schema < TD_SCHEMA_COUNT) return;
    r->schema = 0;
    r->stage = (int)r->stage == (int)r->aim ? DONE : (stage)(r->stage + 1);
}

static void put_url(td_registrar *r) {
    static const struct {
        const char *before, *after;
    } paths[] = {[LOOK_UP] = {"/subjects/", ""},
                 [JUDGE] = {"/compatibility/subjects/", "/versions/latest?verbose=true"},
                 [REGISTER] = {"/subjects/", "/versions"}};
    r->url.size = 0;
    td_registrar_put_address(&r->conf, &r->url);
    td_buf_text(&r->url, paths[r->stage].before);
    td_url_put(&r->url, td_text(r->conf.prefix));
    td_url_put(&r->url, td_text(subject_of(r)));
    td_buf_text(&r->url, paths[r->stage].after);
    if (r->age > 0) td_buf_text(&r->url, "?deleted=true"); /* records of that version are still there */
    td_buf_put(&r->url, "", 1);
}

static td_status ask(td_registrar *r) {
    put_url(r);
    r->body.size = 0;
    td_buf_text(&r->body, "{\"schema\":");
    td_json_put_string(&r->body, td_schema_text_of_age((td_schema)r->schema, r->age));
    td_buf_text(&r->body, "}");
    td_http_post post = {(const char *)r->url.data, TYPE, td_buf_bytes(&r->body)};
    td_status status = net_of(r)->post(r->net, &post);
    r->asked = status == TD_OK;
    return status;
}

/* ---- answers ---- */

static td_status fail_code(const td_registrar *r, int code) {
    if (code == 401 || code == 403)
        return TD_FAIL(TD_CONFIG,
                       "log.registry: %s refuses %s%s (code %d): set log.registry_user and log.registry_password, or "
                       "give that user the right to it",
                       r->conf.url, r->conf.prefix, subject_of(r), code);
    return TD_FAIL(TD_CONFIG,
                   "log.registry: %s does not speak the API of Confluent's registry (code %d): an address may need a "
                   "path, such as /apis/ccompat/v7 of Apicurio",
                   r->conf.url, code);
}

static td_status fail_schema(const td_registrar *r, const td_registry_answer *a, int code) {
    td_bytes why = a->message.size > 0 ? td_buf_bytes(&a->message) : TD_TEXT("it does not say why");
    return TD_FAIL(TD_CONFIG,
                   "log.registry: %s does not take this program's schema of %s%s (code %d): %.*s; run the program that "
                   "wrote what is there, or name another log.prefix",
                   r->conf.url, r->conf.prefix, subject_of(r), code, (int)why.size, (const char *)why.data);
}

static td_status take_id(td_registrar *r, const td_registry_answer *a) {
    if (a->id == 0) return fail_code(r, 200);
    if (td_registry_learn(r->registry, (td_schema)r->schema, r->age, a->id)) return TD_OK;
    return TD_FAIL(TD_CONFIG, "log.registry: %s gives %s%s the id %d, which is another schema of this program already",
                   r->conf.url, r->conf.prefix, subject_of(r), (int)a->id);
}

static td_status take_good(td_registrar *r, const td_registry_answer *a) {
    if (r->stage != JUDGE) return take_id(r, a);
    if (!a->judges) return fail_code(r, 200);
    return a->follows ? TD_OK : fail_schema(r, a, 409);
}

static td_status take_read(td_registrar *r, const td_registry_answer *a, int code) {
    bool absent = td_registry_answer_is_absent(a);
    if (code == 200) return take_good(r, a);
    if (code == 404 && absent && r->stage != REGISTER) return TD_OK;
    return a->error_code == 0 || code == 404 ? fail_code(r, code) : fail_schema(r, a, code);
}

static td_status take(td_registrar *r, const td_http_answer *http) {
    const char *cure = "it is to be started, or its address corrected";
    if (http->code == 0)
        return TD_FAIL(TD_RETRY, "log.registry: %s gives no answer: %s: %s", r->conf.url, http->detail, cure);
    if (http->code >= 500 || http->code == 408 || http->code == 429)
        return TD_FAIL(TD_RETRY, "log.registry: %s answers code %d: %s", r->conf.url, http->code, cure);
    if (http->code == 401 || http->code == 403) return fail_code(r, http->code);
    td_registry_answer a;
    bool read = td_registry_answer_read(&a, http->body);
    td_status status = read ? take_read(r, &a, http->code) : fail_code(r, http->code);
    td_registry_answer_fini(&a);
    return status;
}

td_status td_registrar_step(td_registrar *r) {
    td_http_answer answer;
    while (r->stage != DONE && !is_asked(r)) advance(r);
    if (r->stage == DONE) return TD_OK;
    td_status status = r->asked ? TD_OK : ask(r);
    if (status != TD_OK) return status;
    (void)net_of(r)->pump(r->net);
    status = net_of(r)->next(r->net, &answer);
    if (status != TD_OK) return status;
    r->asked = false;
    status = take(r, &answer);
    if (status == TD_OK) advance(r);
    return status == TD_OK ? TD_AGAIN : status;
}

/* ---- life ---- */

td_registry *td_registrar_take(td_registrar *r) {
    td_registry *registry = r->registry;
    r->registry = NULL;
    return registry;
}

td_status td_registrar_open(td_registrar **out, const td_registrar_conf *conf, td_registrar_aim aim) {
    td_url url;
    td_status status = td_url_parse(&url, "http", conf->url);
    if (status == TD_OK && strchr(url.path, '?') != NULL) status = TD_FAIL(TD_CONFIG, "it has a query");
    if (status != TD_OK) return TD_FAIL(status, "log.registry: %s", td_trail());
    td_registrar *r = td_alloc_zero(1, sizeof *r);
    r->conf = *conf;
    r->aim = aim;
    r->registry = td_registry_new();
    status = td_registrar_connect(conf, &r->net);
    if (status != TD_OK) {
        td_registrar_close(r);
        return status;
    }
    *out = r;
    return TD_OK;
}

void td_registrar_close(td_registrar *r) {
    if (r == NULL) return;
    if (r->net != NULL) net_of(r)->close(r->net);
    td_registry_free(r->registry);
    td_buf_fini(&r->url);
    td_buf_fini(&r->body);
    free(r);
}
