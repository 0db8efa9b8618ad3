/* src/flow/foreign.c - one question on its way, and what the last answers were. */
#include "flow/foreign.h"
#include "base/json.h"
#include "schema/cause.h"
#include "schema/registry_answer.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KNOWN_MAX = 64, WHY_MAX = 256, NAME_MAX = 128, FRAME_BYTES = 5 };

typedef struct known { /* of an id that was asked for */
    uint32_t id;
    bool ours; /* of another version of this program */
    char why[WHY_MAX];
} known;

struct td_foreign {
    const td_registrar_conf *conf;
    void *net;
    bool asked;
    uint32_t asked_id;
    int code; /* of the last answer that said nothing; 0: none has come */
    td_buf url;
    known known[KNOWN_MAX];
    size_t count; /* of all so far: the oldest gives way */
    known absent; /* not among them: the registry may give the id yet */
    char why[WHY_MAX];
};

/* ---- what a schema is called ---- */

static void take_text(const td_json *json, char out[NAME_MAX]) {
    (void)snprintf(out, NAME_MAX, "%.*s", (int)json->text.size, (const char *)json->text.data);
}

/* Of {"type": "record", "name": …, "namespace": …}; other schemas have no name. */
static void name_of(td_bytes schema, char name[NAME_MAX], char namespace[NAME_MAX]) {
    td_json json;
    name[0] = namespace[0] = '\0';
    td_json_init(&json, schema);
    if (td_json_next(&json) != TD_JSON_OBJECT) return;
    while (td_json_next(&json) == TD_JSON_KEY) {
        bool names = td_bytes_equal(json.text, TD_TEXT("name"));
        bool spaces = td_bytes_equal(json.text, TD_TEXT("namespace"));
        td_json at = json;
        bool text = td_json_next(&at) == TD_JSON_STRING && !at.escaped;
        if (text && names) take_text(&at, name);
        if (text && spaces) take_text(&at, namespace);
        if (!td_json_skip(&json)) return;
    }
}

static void note_schema(known *k, td_bytes schema) {
    char name[NAME_MAX], namespace[NAME_MAX];
    name_of(schema, name, namespace);
    k->ours = strcmp(namespace, "tapedeck") == 0 || strncmp(name, "tapedeck.", strlen("tapedeck.")) == 0;
    (void)snprintf(k->why, sizeof k->why, "its schema, id %" PRIu32 ", is %s%s%s", k->id,
                   namespace[0] != '\0' ? namespace : "", namespace[0] != '\0' ? "." : "",
                   name[0] != '\0' ? name : "none of this program's");
}

/* ---- asking ---- */

static td_status ask(td_foreign *f, uint32_t id) {
    f->url.size = 0;
    td_registrar_put_address(f->conf, &f->url);
    td_buf_printf(&f->url, "/schemas/ids/%" PRIu32 "%c", id, '\0');
    td_status status = td_registrar_net(f->conf)->get(f->net, (const char *)f->url.data);
    f->asked = status == TD_OK;
    f->asked_id = id;
    return status;
}

/* Only what is certain is an answer. NULL: this is none. */
static const known *take_answer(td_foreign *f, const td_http_answer *http) {
    td_registry_answer a;
    known k = {.id = f->asked_id}, *to = NULL;
    bool read = td_registry_answer_read(&a, http->body);
    f->asked = false;
    f->code = http->code;
    if (read && http->code == 200 && a.schema.size > 0) {
        note_schema(&k, td_buf_bytes(&a.schema));
        to = &f->known[f->count++ % KNOWN_MAX];
    } else if (read && http->code == 404 && td_registry_answer_is_absent(&a)) {
        (void)snprintf(k.why, sizeof k.why, "the registry does not know its schema id %" PRIu32, k.id);
        to = &f->absent;
    }
    if (to != NULL) *to = k;
    td_registry_answer_fini(&a);
    return to;
}

static td_status look_up(td_foreign *f, uint32_t id, const known **out) {
    td_http_answer answer;
    for (size_t i = 0; i < KNOWN_MAX && i < f->count; i++)
        if (f->known[i].id == id) {
            *out = &f->known[i];
            return TD_OK;
        }
    if (f->asked && f->asked_id != id) { /* the partition has been somebody else's meanwhile */
        td_registrar_net(f->conf)->drop(f->net);
        f->asked = false;
    }
    td_status status = f->asked ? TD_OK : ask(f, id);
    if (status == TD_OK) (void)td_registrar_net(f->conf)->pump(f->net);
    if (status == TD_OK) status = td_registrar_net(f->conf)->next(f->net, &answer);
    *out = status == TD_OK ? take_answer(f, &answer) : NULL;
    if (*out != NULL) return TD_OK;
    return TD_FAIL(TD_RETRY,
                   "log.registry: %s has not said yet what schema id %" PRIu32
                   " is, which a record of the tape has; its last answer was code %d (0: none)",
                   f->conf->url, id, f->code);
}

td_status td_foreign_judge(td_foreign *f, const td_schema_ids *ids, td_bytes value, const char **out_why) {
    *out_why = "it has no schema id: a zero byte and four more are its first ones";
    if (value.size < FRAME_BYTES || value.data[0] != 0) return TD_OK;
    uint32_t id = td_get_be32(value.data + 1);
    int schema = td_record_schema(ids, value);
    if (schema >= 0) {
        (void)snprintf(f->why, sizeof f->why, "it has schema id %" PRIu32 ", tapedeck.%s, and is no such event", id,
                       td_schema_name((td_schema)schema));
        *out_why = f->why;
        return TD_OK;
    }
    const known *k = NULL;
    td_status status = look_up(f, id, &k);
    if (status != TD_OK) return status;
    *out_why = k->why;
    if (!k->ours) return TD_OK;
    return TD_FAIL(TD_CORRUPT, "%s of another version of this program: run that one", k->why);
}

/* ---- what is in `rejected` ---- */

td_status td_foreign_told(const td_topics *topics, uint32_t partition, int64_t *out_end) {
    td_reader *reader;
    td_record record;
    int64_t end = 0;
    td_status status = td_reader_open(&reader, topics->rejected, partition, 0, TD_READ_APPENDED);
    if (status != TD_OK) return status;
    while ((status = td_reader_next(reader, &record)) == TD_OK) {
        td_cause cause; /* ingest's have none */
        if (td_cause_get(td_record_header(&record, TD_CAUSE_HEADER), &cause)) end = td_most(end, cause.offset + 1);
    }
    td_reader_close(reader);
    if (status != TD_AGAIN) return status;
    *out_end = end;
    return TD_OK;
}

/* ---- life ---- */

td_status td_foreign_open(td_foreign **out, const td_registrar_conf *conf) {
    td_foreign *f = td_alloc_zero(1, sizeof *f);
    f->conf = conf;
    td_status status = td_registrar_connect(conf, &f->net);
    if (status == TD_OK)
        *out = f;
    else
        td_foreign_close(f);
    return status;
}

void td_foreign_close(td_foreign *f) {
    if (f == NULL) return;
    if (f->net != NULL) td_registrar_net(f->conf)->close(f->net);
    td_buf_fini(&f->url);
    free(f);
}
