/* src/serve/schema_answer.c - what is asked for is looked up at once; what changes something goes through stages. */
#include "serve/schema_answer.h"
#include "base/decimal.h"
#include "base/json.h"
#include "base/time.h"
#include "schema/registry.h"
#include <stdlib.h>

#define DONE_WITHIN_NS (10 * TD_NS_PER_S)

typedef enum stage { BEGIN, CHECKING, WAITING, DONE } stage;

typedef struct posted { /* what a body says; texts are heap memory */
    char *schema, *type, *level, *mode;
    bool references;
    int64_t version, id;
} posted;

struct td_schema_answer {
    td_schemas *schemas;
    const td_catalogue *catalogue;
    td_schema_request r;
    td_buf body, text;
    td_schema_error error;
    stage stage;
    int64_t until_ns;
    uint64_t turn; /* 0: none */
    td_avro_schema *schema;
    td_schema_version candidate;       /* its text is `minified` */
    td_buf minified, messages, wanted; /* wanted: int32_t versions, those that it is held against */
    size_t checked, incompatible;
};

static bool fail_subject(td_schema_answer *a) {
    return td_schema_fail(&a->error, 40401, "Subject '%s' not found.", a->r.subject);
}

static bool fail_version(td_schema_answer *a) {
    return td_schema_fail(&a->error, 40402, "Version %d not found.", a->r.version);
}

static td_bytes subject_of(const td_schema_answer *a) { return td_text(a->r.subject); }

/* ---- writing ---- */

static void put_text(td_buf *out, const char *between, const char *name, td_bytes value) {
    td_buf_printf(out, "%s\"%s\":", between, name);
    td_json_put_string(out, value);
}

static void put_version(td_buf *out, const td_schema_version *v) {
    put_text(out, "{", "subject", v->subject);
    td_buf_printf(out, ",\"version\":%d,\"id\":%d", v->version, v->id);
    put_text(out, ",", "schema", v->text);
    td_buf_text(out, "}");
}

/* ---- looking up ---- */

static size_t live_count(const td_schema_answer *a, size_t *out_all) {
    size_t from, to = td_catalogue_span(a->catalogue, subject_of(a), &from), live = 0;
    *out_all = to - from;
    for (; from < to; from++) live += !td_catalogue_at(a->catalogue, from)->deleted;
    return live;
}

/* The version that is asked for; NULL: 40401 or 40402. */
static const td_schema_version *find_version(td_schema_answer *a, bool deleted_too) {
    size_t from, to = td_catalogue_span(a->catalogue, subject_of(a), &from), all;
    const td_schema_version *v = NULL;
    if (a->r.version != TD_SCHEMA_LATEST)
        v = td_catalogue_find(a->catalogue, subject_of(a), a->r.version);
    else if (deleted_too && to > from)
        v = td_catalogue_at(a->catalogue, to - 1);
    else
        v = td_catalogue_latest(a->catalogue, subject_of(a));
    if (v != NULL && (deleted_too || !v->deleted)) return v;
    size_t live = live_count(a, &all);
    (void)((deleted_too ? all : live) > 0 ? fail_version(a) : fail_subject(a));
    return NULL;
}

static bool answer_version(td_schema_answer *a) {
    const td_schema_version *v = find_version(a, a->r.deleted);
    if (v == NULL) return false;
    if (a->r.ask == TD_SCHEMA_ASK_VERSION)
        put_version(&a->text, v);
    else if (a->r.ask == TD_SCHEMA_ASK_VERSION_TEXT)
        td_buf_put(&a->text, v->text.data, v->text.size);
    else
        td_buf_text(&a->text, "[]"); /* references are not kept */
    return true;
}

static bool answer_versions(td_schema_answer *a) {
    size_t from, to = td_catalogue_span(a->catalogue, subject_of(a), &from), all;
    if (live_count(a, &all) == 0 && !(a->r.deleted && all > 0)) return fail_subject(a);
    const char *between = "[";
    for (; from < to; from++) {
        const td_schema_version *v = td_catalogue_at(a->catalogue, from);
        if (v->deleted && !a->r.deleted) continue;
        td_buf_printf(&a->text, "%s%d", between, v->version);
        between = ",";
    }
    td_buf_text(&a->text, "]");
    return true;
}

static bool answer_id(td_schema_answer *a) {
    const td_schema_version *v = td_catalogue_of_id(a->catalogue, a->r.id);
    if (v == NULL) return td_schema_fail(&a->error, 40403, "Schema %d not found", a->r.id);
    if (a->r.ask == TD_SCHEMA_ASK_ID_TEXT) {
        td_buf_put(&a->text, v->text.data, v->text.size);
    } else if (a->r.ask == TD_SCHEMA_ASK_ID) {
        put_text(&a->text, "{", "schema", v->text);
        td_buf_text(&a->text, "}");
    } else {
        const char *between = "[";
        for (size_t i = 0; i < td_catalogue_count(a->catalogue); i++) {
            v = td_catalogue_at(a->catalogue, i);
            if (v->id != a->r.id || (v->deleted && !a->r.deleted)) continue;
            td_buf_text(&a->text, between);
            between = ",";
            if (a->r.ask == TD_SCHEMA_ASK_ID_SUBJECTS) {
                td_json_put_string(&a->text, v->subject);
            } else {
                put_text(&a->text, "{", "subject", v->subject);
                td_buf_printf(&a->text, ",\"version\":%d}", v->version);
            }
        }
        td_buf_text(&a->text, between[0] == '[' ? "[]" : "]");
    }
    return true;
}

/* Which rows of the catalogue a list takes. */
static bool is_listed(const td_schema_answer *a, const td_schema_version *v) {
    bool deleted = a->r.deleted || a->r.deleted_only;
    return (deleted || !v->deleted) && (!a->r.deleted_only || v->deleted) &&
           td_bytes_begin(v->subject, td_text(a->r.prefix));
}

static bool answer_list(td_schema_answer *a) {
    size_t count = td_catalogue_count(a->catalogue);
    bool subjects = a->r.ask == TD_SCHEMA_ASK_SUBJECTS;
    int64_t passed = 0, told = 0;
    td_bytes last = {0};
    td_buf_text(&a->text, "[");
    for (size_t i = 0; i < count; i++) {
        const td_schema_version *v = td_catalogue_at(a->catalogue, i);
        if (!is_listed(a, v)) continue;
        if (subjects && td_bytes_equal(v->subject, last)) continue;
        if (!subjects && a->r.latest_only && v != td_catalogue_latest(a->catalogue, v->subject)) continue;
        if (subjects && a->r.deleted_only && td_catalogue_latest(a->catalogue, v->subject) != NULL) continue;
        last = v->subject;
        if (passed++ < a->r.offset) continue;
        if (a->r.limit >= 0 && told == a->r.limit) break;
        if (told++ > 0) td_buf_text(&a->text, ",");
        if (subjects)
            td_json_put_string(&a->text, v->subject);
        else
            put_version(&a->text, v);
    }
    td_buf_text(&a->text, "]");
    return true;
}

static bool answer_level(td_schema_answer *a) {
    td_compatibility level = td_catalogue_level(a->catalogue, subject_of(a));
    bool own = td_catalogue_own_level(a->catalogue, subject_of(a), &level);
    if (!own && a->r.subject[0] != '\0' && !a->r.default_to_global)
        return td_schema_fail(&a->error, 40408, "Subject '%s' does not have subject-level compatibility configured",
                              a->r.subject);
    td_buf_printf(&a->text, "{\"compatibilityLevel\":\"%s\"}", td_compatibility_name(level));
    return true;
}

static bool answer_mode(td_schema_answer *a) {
    td_schema_mode mode = td_catalogue_mode(a->catalogue, subject_of(a));
    bool own = td_catalogue_own_mode(a->catalogue, subject_of(a), &mode);
    if (!own && a->r.subject[0] != '\0' && !a->r.default_to_global)
        return td_schema_fail(&a->error, 40409, "Subject '%s' does not have subject-level mode configured",
                              a->r.subject);
    td_buf_printf(&a->text, "{\"mode\":\"%s\"}", td_schema_mode_name(mode));
    return true;
}

/* ---- what is posted ---- */

static void posted_fini(posted *p) {
    free(p->schema);
    free(p->type);
    free(p->level);
    free(p->mode);
}

static bool read_text(td_json *json, td_json_type type, char **out) {
    if (type == TD_JSON_NULL) return true;
    if (type != TD_JSON_STRING) return false;
    free(*out);
    *out = td_alloc(json->text.size + 1);
    size_t size = td_json_unescape(json->text, *out, json->text.size);
    (*out)[size == SIZE_MAX ? 0 : size] = '\0';
    return size != SIZE_MAX && strlen(*out) == size; /* nothing here may hold a NUL */
}

static bool read_references(td_json *json, td_json_type type, bool *out) {
    if (type == TD_JSON_NULL) return true;
    if (type != TD_JSON_ARRAY) return false;
    td_json at = *json;
    *out = td_json_next(&at) != TD_JSON_ARRAY_END;
    return td_json_leave(json);
}

static bool read_member(td_json *json, td_bytes key, posted *p) {
    const struct {
        const char *name;
        char **text;
        int64_t *number;
    } members[] = {{"schema", &p->schema, NULL}, {"schemaType", &p->type, NULL}, {"compatibility", &p->level, NULL},
                   {"mode", &p->mode, NULL},     {"version", NULL, &p->version}, {"id", NULL, &p->id}};
    if (td_bytes_equal(key, TD_TEXT("references"))) return read_references(json, td_json_next(json), &p->references);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        bool inexact;
        if (!td_bytes_equal(key, td_text(members[i].name))) continue;
        td_json_type type = td_json_next(json);
        if (members[i].text != NULL) return read_text(json, type, members[i].text);
        if (type == TD_JSON_NULL) return true;
        return type == TD_JSON_NUMBER && td_decimal_parse(json->text, 0, members[i].number, &inexact) == TD_OK &&
               !inexact;
    }
    return td_json_skip(json);
}

static bool read_posted(td_schema_answer *a, posted *p) {
    td_json json;
    td_json_type type;
    *p = (posted){.version = -1, .id = -1};
    td_json_init(&json, td_buf_bytes(&a->body));
    bool good = td_json_next(&json) == TD_JSON_OBJECT;
    while (good && (type = td_json_next(&json)) != TD_JSON_OBJECT_END)
        good = type == TD_JSON_KEY && read_member(&json, json.text, p);
    if (good && td_json_next(&json) == TD_JSON_END) return true;
    return td_schema_fail(&a->error, 400, "The body is not the JSON object that is expected");
}

static bool fail_schema(td_schema_answer *a, const char *why) {
    return td_schema_fail(&a->error, 42201, "Invalid schema: %.400s", why);
}

/* The schema that is posted, parsed; false: *error. */
static bool take_schema(td_schema_answer *a, const posted *p) {
    if (p->type != NULL && strcmp(p->type, "AVRO") != 0)
        return fail_schema(a, "only schemas of type AVRO are kept here");
    if (p->references) return fail_schema(a, "references are not kept here: put the named types into the schema");
    if (p->schema == NULL || p->schema[0] == '\0') return fail_schema(a, "it is empty");
    if (td_avro_schema_parse(td_text(p->schema), &a->schema) != TD_OK) return fail_schema(a, td_trail());
    td_schema_minify(td_text(p->schema), &a->minified);
    a->candidate.subject = subject_of(a);
    a->candidate.text = td_buf_bytes(&a->minified);
    td_schema_identity(a->candidate.text, a->candidate.identity);
    return true;
}

/* ---- holding it against others ---- */

static void want(td_schema_answer *a, int32_t version) { td_buf_put(&a->wanted, &version, sizeof version); }

/* Against the versions that the subject's level asks for. */
static void want_by_level(td_schema_answer *a) {
    td_compatibility level = td_catalogue_level(a->catalogue, subject_of(a));
    bool all = level >= TD_COMPATIBILITY_BACKWARD_TRANSITIVE;
    size_t from, to = td_catalogue_span(a->catalogue, subject_of(a), &from);
    if (level == TD_COMPATIBILITY_NONE) return;
    while (to-- > from) {
        const td_schema_version *v = td_catalogue_at(a->catalogue, to);
        if (v->deleted) continue;
        want(a, v->version);
        if (!all) return;
    }
}

static void put_message(td_schema_answer *a, int32_t version, const char *path, const char *reason) {
    td_buf one = {0};
    td_buf_printf(&one, "version %d: %s%s%s", version, path, path[0] != '\0' ? ": " : "", reason);
    td_buf_text(&a->messages, a->messages.size > 0 ? "," : "");
    td_json_put_string(&a->messages, td_buf_bytes(&one));
    td_buf_fini(&one);
    a->incompatible++;
}

static void check_one(td_schema_answer *a) {
    int32_t version;
    memcpy(&version, a->wanted.data + a->checked++ * sizeof version, sizeof version);
    const td_schema_version *v = td_catalogue_find(a->catalogue, subject_of(a), version);
    td_avro_schema *older = NULL;
    td_incompatibility found;
    if (v == NULL) return; /* purged meanwhile */
    if (td_avro_schema_parse(v->text, &older) != TD_OK)
        put_message(a, version, "", td_trail());
    else if (!td_compatibility_check(td_catalogue_level(a->catalogue, subject_of(a)), a->schema,
                                     (const td_avro_schema *const[]){older}, 1, &found))
        put_message(a, version, found.path, found.reason);
    td_avro_schema_free(older);
}

/* ---- changes ---- */

static bool check_kept(td_schema_answer *a) {
    if (!td_registry_keeps(subject_of(a))) return true;
    return td_schema_fail(&a->error, 42205,
                          "Subject '%s' has the schemas of this log's own records, which stay as they are",
                          a->r.subject);
}

static bool check_mode(td_schema_answer *a) {
    if (td_catalogue_mode(a->catalogue, subject_of(a)) == TD_MODE_READWRITE) return true;
    return td_schema_fail(&a->error, 42205, "Subject %s is in read-only mode", a->r.subject);
}

static void add(td_schema_answer *a, td_schema_record record) { td_schemas_add(a->schemas, &record); }

/* What was set for a subject goes with its last version. */
static void forget_settings(td_schema_answer *a) {
    td_compatibility level;
    td_schema_mode mode;
    if (td_catalogue_own_level(a->catalogue, subject_of(a), &level))
        add(a, td_schema_record_level(subject_of(a), NULL));
    if (td_catalogue_own_mode(a->catalogue, subject_of(a), &mode)) add(a, td_schema_record_mode(subject_of(a), NULL));
}

static bool delete_subject(td_schema_answer *a) {
    size_t from, to = td_catalogue_span(a->catalogue, subject_of(a), &from), all, live = live_count(a, &all);
    if (all == 0) return fail_subject(a);
    if (!a->r.permanent && live == 0)
        return td_schema_fail(&a->error, 40404,
                              "Subject '%s' was soft deleted.Set permanent=true to delete permanently", a->r.subject);
    if (!check_kept(a) || !check_mode(a)) return false;
    if (a->r.permanent && live > 0)
        return td_schema_fail(&a->error, 40405, "Subject '%s' was not deleted first before being permanently deleted",
                              a->r.subject);
    const char *between = "[";
    if (!a->r.permanent) add(a, td_schema_record_delete(subject_of(a), td_catalogue_at(a->catalogue, to - 1)->version));
    for (; from < to; from++) {
        const td_schema_version *v = td_catalogue_at(a->catalogue, from);
        if (!a->r.permanent && v->deleted) continue;
        if (a->r.permanent) add(a, td_schema_record_purge(v->subject, v->version));
        td_buf_printf(&a->text, "%s%d", between, v->version);
        between = ",";
    }
    td_buf_text(&a->text, "]");
    forget_settings(a);
    return true;
}

static bool delete_version(td_schema_answer *a) {
    size_t all, live = live_count(a, &all);
    bool latest = a->r.version == TD_SCHEMA_LATEST && live > 0 && !a->r.permanent;
    const td_schema_version *v = find_version(a, !latest);
    if (v == NULL) return false;
    if (!a->r.permanent && v->deleted)
        return td_schema_fail(&a->error, 40406,
                              "Subject '%s' Version %d was soft deleted.Set permanent=true to delete permanently",
                              a->r.subject, v->version);
    if (!check_kept(a) || !check_mode(a)) return false;
    if (a->r.permanent && !v->deleted)
        return td_schema_fail(&a->error, 40407,
                              "Subject '%s' Version %d was not deleted first before being permanently deleted",
                              a->r.subject, v->version);
    td_schema_version deleted = *v;
    deleted.deleted = true;
    add(a, a->r.permanent ? td_schema_record_purge(v->subject, v->version) : td_schema_record_version(&deleted));
    if (!a->r.permanent && live == 1) forget_settings(a);
    td_buf_printf(&a->text, "%d", v->version);
    return true;
}

static void upper(char *text) {
    for (; *text != '\0'; text++)
        if (*text >= 'a' && *text <= 'z') *text = (char)(*text - 'a' + 'A');
}

static bool check_setting(td_schema_answer *a) {
    return td_catalogue_takes_setting(a->catalogue, subject_of(a)) ||
           td_schema_fail(&a->error, 50001, "There is no room left: 65536 subjects have settings of their own");
}

static bool set_level(td_schema_answer *a, posted *p) {
    td_compatibility level;
    if (p->level != NULL) upper(p->level);
    if (p->level == NULL || !td_compatibility_find(td_text(p->level), &level))
        return td_schema_fail(&a->error, 42203,
                              "Invalid compatibility level. Valid values are none, backward, forward, full, "
                              "backward_transitive, forward_transitive, and full_transitive");
    if (!check_kept(a) || !check_mode(a) || !check_setting(a)) return false;
    add(a, td_schema_record_level(subject_of(a), td_compatibility_name(level)));
    td_buf_printf(&a->text, "{\"compatibility\":\"%s\"}", td_compatibility_name(level));
    return true;
}

static bool set_mode(td_schema_answer *a, posted *p) {
    static const char *const others[] = {"READONLY_OVERRIDE", "IMPORT", "FORWARD"};
    if (p->mode != NULL) upper(p->mode);
    for (size_t i = 0; p->mode != NULL && i < sizeof others / sizeof others[0]; i++)
        if (strcmp(p->mode, others[i]) == 0)
            return td_schema_fail(&a->error, 42205, "Mode %s is not known here: READWRITE and READONLY are", p->mode);
    td_schema_mode mode;
    if (p->mode == NULL || !td_schema_mode_find(td_text(p->mode), &mode))
        return td_schema_fail(&a->error, 42204, "Invalid mode. Valid values are READWRITE, READONLY");
    if (!check_kept(a) || !check_setting(a)) return false;
    add(a, td_schema_record_mode(subject_of(a), p->mode));
    td_buf_printf(&a->text, "{\"mode\":\"%s\"}", p->mode);
    return true;
}

static bool delete_setting(td_schema_answer *a, bool mode) {
    td_compatibility level = td_catalogue_level(a->catalogue, subject_of(a));
    td_schema_mode is = td_catalogue_mode(a->catalogue, subject_of(a));
    bool own = mode ? td_catalogue_own_mode(a->catalogue, subject_of(a), &is)
                    : td_catalogue_own_level(a->catalogue, subject_of(a), &level);
    if (!own && a->r.subject[0] != '\0') return fail_subject(a);
    if (!mode && !check_mode(a)) return false;
    if (own) add(a, mode ? td_schema_record_mode(subject_of(a), NULL) : td_schema_record_level(subject_of(a), NULL));
    if (mode)
        td_buf_printf(&a->text, "{\"mode\":\"%s\"}", td_schema_mode_name(is));
    else
        td_buf_printf(&a->text, "{\"compatibilityLevel\":\"%s\"}", td_compatibility_name(level));
    return true;
}

/* ---- registering ---- */

/* A schema that is there already is answered; else it is to be checked. */
static bool begin_register(td_schema_answer *a, const posted *p) {
    const td_schema_version *same = td_catalogue_same(a->catalogue, subject_of(a), a->candidate.identity, false);
    int32_t next = td_catalogue_next_version(a->catalogue, subject_of(a));
    if (!check_mode(a)) return false;
    if (same != NULL && p->id < 0) {
        td_buf_printf(&a->text, "{\"id\":%d}", same->id);
        return true;
    }
    if (!check_kept(a)) return false;
    if (p->id >= 0)
        return td_schema_fail(&a->error, 42205, "Subject %s is not in import mode: ids are given here", a->r.subject);
    if (p->version > 0 && p->version != next) return fail_schema(a, "its version is not one more than the one before");
    same = td_catalogue_same(a->catalogue, (td_bytes){0}, a->candidate.identity, true);
    a->candidate.version = next;
    a->candidate.id = same != NULL ? same->id : td_catalogue_next_id(a->catalogue);
    if (same != NULL) { /* an id has one text */
        a->minified.size = 0;
        td_buf_put(&a->minified, same->text.data, same->text.size);
        a->candidate.text = td_buf_bytes(&a->minified);
    }
    if (next == 0 || a->candidate.id == 0) return td_schema_fail(&a->error, 50001, "There is no number left");
    if (!td_catalogue_takes(a->catalogue, &a->candidate))
        return td_schema_fail(&a->error, 50001, "There is no room left: 65536 versions, 64 MB of schemas");
    want_by_level(a);
    a->stage = CHECKING;
    return true;
}

static bool end_register(td_schema_answer *a) {
    if (a->incompatible > 0)
        return td_schema_fail(&a->error, 409,
                              "Schema being registered is incompatible with an earlier schema for subject \"%s\", "
                              "details: [%.*s]",
                              a->r.subject, a->messages.size > 400 ? 400 : (int)a->messages.size,
                              (const char *)a->messages.data);
    add(a, td_schema_record_version(&a->candidate));
    td_buf_printf(&a->text, "{\"id\":%d}", a->candidate.id);
    return true;
}

static bool look_up(td_schema_answer *a) {
    const td_schema_version *v = td_catalogue_same(a->catalogue, subject_of(a), a->candidate.identity, a->r.deleted);
    size_t all, live = live_count(a, &all);
    if (v != NULL)
        put_version(&a->text, v);
    else
        return live > 0 || (a->r.deleted && all > 0) ? td_schema_fail(&a->error, 40403, "Schema not found")
                                                     : fail_subject(a);
    return true;
}

static bool begin_check(td_schema_answer *a) {
    const td_schema_version *v = NULL;
    size_t all;
    if (a->r.ask == TD_SCHEMA_ASK_CHECK_ALL) {
        want_by_level(a);
    } else if (a->r.version != TD_SCHEMA_LATEST || live_count(a, &all) > 0) {
        v = find_version(a, false);
        if (v == NULL) return fail_version(a);
        want(a, v->version);
    }
    a->stage = CHECKING;
    return true;
}

static bool end_check(td_schema_answer *a) {
    td_buf_printf(&a->text, "{\"is_compatible\":%s", a->incompatible == 0 ? "true" : "false");
    if (a->r.verbose)
        td_buf_printf(&a->text, ",\"messages\":[%.*s]", (int)a->messages.size,
                      a->messages.size > 0 ? (const char *)a->messages.data : "");
    td_buf_text(&a->text, "}");
    return true;
}

/* ---- the stages ---- */

static bool answer_at_once(td_schema_answer *a) {
    switch (a->r.ask) {
    case TD_SCHEMA_ASK_TYPES:
        td_buf_text(&a->text, "[\"AVRO\"]");
        return true;
    case TD_SCHEMA_ASK_CONTEXTS:
        td_buf_text(&a->text, "[\".\"]");
        return true;
    case TD_SCHEMA_ASK_SCHEMAS:
    case TD_SCHEMA_ASK_SUBJECTS:
        return answer_list(a);
    case TD_SCHEMA_ASK_VERSIONS:
        return answer_versions(a);
    case TD_SCHEMA_ASK_VERSION:
    case TD_SCHEMA_ASK_VERSION_TEXT:
    case TD_SCHEMA_ASK_REFERENCES:
        return answer_version(a);
    case TD_SCHEMA_ASK_LEVEL:
        return answer_level(a);
    case TD_SCHEMA_ASK_MODE:
        return answer_mode(a);
    case TD_SCHEMA_ASK_ROOT:
        td_buf_text(&a->text, "{}");
        return true;
    default:
        return answer_id(a);
    }
}

static bool is_change(td_schema_ask ask) {
    return ask == TD_SCHEMA_ASK_REGISTER || ask == TD_SCHEMA_ASK_DELETE || ask == TD_SCHEMA_ASK_DELETE_VERSION ||
           ask == TD_SCHEMA_ASK_SET_LEVEL || ask == TD_SCHEMA_ASK_DELETE_LEVEL || ask == TD_SCHEMA_ASK_SET_MODE ||
           ask == TD_SCHEMA_ASK_DELETE_MODE;
}

static bool begin_posted(td_schema_answer *a, posted *p) {
    switch (a->r.ask) {
    case TD_SCHEMA_ASK_SET_LEVEL:
        return set_level(a, p);
    case TD_SCHEMA_ASK_SET_MODE:
        return set_mode(a, p);
    case TD_SCHEMA_ASK_REGISTER:
        return take_schema(a, p) && begin_register(a, p);
    case TD_SCHEMA_ASK_LOOKUP:
        return take_schema(a, p) && look_up(a);
    default:
        return take_schema(a, p) && begin_check(a);
    }
}

static bool begin(td_schema_answer *a) {
    posted p;
    if (td_schema_is_posted(a->r.ask)) {
        bool good = read_posted(a, &p) && begin_posted(a, &p);
        posted_fini(&p);
        td_buf_fini(&a->body);
        return good;
    }
    if (a->r.ask == TD_SCHEMA_ASK_DELETE) return delete_subject(a);
    if (a->r.ask == TD_SCHEMA_ASK_DELETE_VERSION) return delete_version(a);
    if (a->r.ask == TD_SCHEMA_ASK_DELETE_LEVEL) return delete_setting(a, false);
    if (a->r.ask == TD_SCHEMA_ASK_DELETE_MODE) return delete_setting(a, true);
    return answer_at_once(a);
}

/* What was decided is on its way, or the answer is ready. */
static td_status end(td_schema_answer *a, bool good) {
    a->stage = DONE;
    if (good && a->turn != 0) {
        td_schemas_commit(a->schemas);
        a->stage = WAITING;
        return TD_AGAIN;
    }
    if (a->turn != 0) td_schemas_abort(a->schemas, a->turn);
    return good ? TD_OK : TD_REJECT;
}

static bool fail_absent(td_schema_answer *a) {
    const char *elsewhere = td_schemas_elsewhere(a->schemas);
    if (elsewhere == NULL) return td_schema_fail(&a->error, 50001, "There is no registry to be read here");
    return td_schema_fail(&a->error, 50004, "The schemas of this log are in the registry at %s: ask there", elsewhere);
}

static td_status step_begin(td_schema_answer *a) {
    a->catalogue = td_schemas_catalogue(a->schemas);
    if (a->catalogue == NULL) return end(a, fail_absent(a));
    if (!td_schemas_loaded(a->schemas)) return TD_FULL;
    if (is_change(a->r.ask) && a->turn == 0) {
        td_status status = td_schemas_begin(a->schemas, &a->turn);
        if (status == TD_FULL) return status;
        if (status != TD_OK) return end(a, td_schema_fail(&a->error, 50004, "Nothing is written by this process"));
    }
    bool good = begin(a);
    return good && a->stage == CHECKING ? TD_AGAIN : end(a, good);
}

static td_status step_checking(td_schema_answer *a) {
    a->catalogue = td_schemas_catalogue(a->schemas);
    if (a->catalogue == NULL) return end(a, fail_absent(a));
    if (a->checked * sizeof(int32_t) < a->wanted.size) {
        check_one(a);
        return TD_AGAIN;
    }
    return end(a, a->r.ask == TD_SCHEMA_ASK_REGISTER ? end_register(a) : end_check(a));
}

static td_status step_waiting(td_schema_answer *a) {
    td_status status = td_schemas_outcome(a->schemas, a->turn);
    if (status == TD_AGAIN) return TD_FULL;
    a->stage = DONE;
    if (status == TD_REJECT) (void)td_schema_fail(&a->error, 50001, "The log did not take it");
    return status;
}

td_status td_schema_answer_step(td_schema_answer *a, int64_t now_ns) {
    td_status status = TD_OK;
    if (a->until_ns == 0) a->until_ns = now_ns + DONE_WITHIN_NS;
    switch (a->stage) {
    case BEGIN:
        status = step_begin(a);
        break;
    case CHECKING:
        status = step_checking(a);
        break;
    case WAITING:
        status = step_waiting(a);
        break;
    case DONE:
        return a->error.http == 0 ? TD_OK : TD_REJECT;
    }
    if (status != TD_FULL || now_ns < a->until_ns) return status;
    if (a->stage != WAITING && a->turn != 0) td_schemas_abort(a->schemas, a->turn);
    a->stage = DONE;
    (void)td_schema_fail(&a->error, 50002, "%s",
                         is_change(a->r.ask) ? "Not synced within 10 s: the disk may be full, or the log stands still; "
                                               "what was asked for may still be done"
                                             : "The registry is still being read: ask again");
    return TD_REJECT;
}

td_schema_answer *td_schema_answer_new(td_schemas *schemas, const td_schema_request *request, td_buf *body) {
    td_schema_answer *a = td_alloc_zero(1, sizeof *a);
    a->schemas = schemas;
    a->r = *request;
    a->body = *body;
    *body = (td_buf){0};
    return a;
}

void td_schema_answer_free(td_schema_answer *a) {
    if (a == NULL) return;
    if (a->turn != 0) td_schemas_abort(a->schemas, a->turn);
    td_avro_schema_free(a->schema);
    td_buf_fini(&a->body);
    td_buf_fini(&a->text);
    td_buf_fini(&a->minified);
    td_buf_fini(&a->messages);
    td_buf_fini(&a->wanted);
    free(a);
}

const td_buf *td_schema_answer_text(const td_schema_answer *a) { return &a->text; }
const td_schema_error *td_schema_answer_error(const td_schema_answer *a) { return &a->error; }
