/* src/schema/catalogue.c - the versions in one sorted list, what was set in another. */
#include "schema/catalogue.h"
#include "base/decimal.h"
#include "base/json.h"
#include <stdlib.h>

enum { VERSIONS_MAX = 1 << 16, SETTINGS_MAX = 1 << 16, SPARE_VERSIONS = 1024 };
static const size_t TEXTS_MAX_BYTES = 64 << 20, SPARE_BYTES = 4 << 20;

typedef struct entry { /* owns its texts */
    td_schema_version v;
    char *subject, *text;
} entry;

typedef struct setting { /* of a subject, "" for all */
    char *subject;
    int level, mode; /* -1: not set */
} setting;

struct td_catalogue {
    entry **entries;
    size_t count, capacity, text_bytes;
    setting *settings;
    size_t setting_count;
    int32_t highest_id;
};

td_catalogue *td_catalogue_new(void) { return td_alloc_zero(1, sizeof(td_catalogue)); }

static void entry_free(entry *e) {
    if (e == NULL) return;
    free(e->subject);
    free(e->text);
    free(e);
}

void td_catalogue_free(td_catalogue *c) {
    if (c == NULL) return;
    for (size_t i = 0; i < c->count; i++) entry_free(c->entries[i]);
    for (size_t i = 0; i < c->setting_count; i++) free(c->settings[i].subject);
    free(c->entries);
    free(c->settings);
    free(c);
}

/* ---- looking up ---- */

/* The first that is not before that version. */
static size_t find_place(const td_catalogue *c, td_bytes subject, int64_t version) {
    size_t from = 0, to = c->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const td_schema_version *v = &c->entries[middle]->v;
        int order = td_bytes_compare(v->subject, subject);
        if (order < 0 || (order == 0 && v->version < version))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

size_t td_catalogue_count(const td_catalogue *c) { return c->count; }
const td_schema_version *td_catalogue_at(const td_catalogue *c, size_t at) { return &c->entries[at]->v; }

size_t td_catalogue_span(const td_catalogue *c, td_bytes subject, size_t *out_from) {
    *out_from = find_place(c, subject, 0);
    return find_place(c, subject, INT64_MAX);
}

const td_schema_version *td_catalogue_find(const td_catalogue *c, td_bytes subject, int32_t version) {
    size_t at = find_place(c, subject, version);
    bool found = at < c->count && c->entries[at]->v.version == version;
    return found && td_bytes_equal(c->entries[at]->v.subject, subject) ? &c->entries[at]->v : NULL;
}

const td_schema_version *td_catalogue_latest(const td_catalogue *c, td_bytes subject) {
    size_t from, to = td_catalogue_span(c, subject, &from);
    while (to-- > from)
        if (!c->entries[to]->v.deleted) return &c->entries[to]->v;
    return NULL;
}

const td_schema_version *td_catalogue_of_id(const td_catalogue *c, int32_t id) {
    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i]->v.id == id) return &c->entries[i]->v;
    return NULL;
}

const td_schema_version *td_catalogue_same(const td_catalogue *c, td_bytes subject,
                                           const uint8_t identity[TD_IDENTITY_BYTES], bool deleted_too) {
    size_t from = 0, to = c->count;
    if (subject.size > 0) to = td_catalogue_span(c, subject, &from);
    while (to-- > from) {
        const td_schema_version *v = &c->entries[to]->v;
        if ((deleted_too || !v->deleted) && memcmp(v->identity, identity, TD_IDENTITY_BYTES) == 0) return v;
    }
    return NULL;
}

int32_t td_catalogue_next_id(const td_catalogue *c) { return c->highest_id < INT32_MAX ? c->highest_id + 1 : 0; }

int32_t td_catalogue_next_version(const td_catalogue *c, td_bytes subject) {
    size_t from, to = td_catalogue_span(c, subject, &from);
    int32_t last = from == to ? 0 : c->entries[to - 1]->v.version;
    return last < INT32_MAX ? last + 1 : 0;
}

static const setting *find_setting(const td_catalogue *c, td_bytes subject) {
    for (size_t i = 0; i < c->setting_count; i++)
        if (td_bytes_equal(td_text(c->settings[i].subject), subject)) return &c->settings[i];
    return NULL;
}

bool td_catalogue_own_level(const td_catalogue *c, td_bytes subject, td_compatibility *out) {
    const setting *s = find_setting(c, subject);
    if (s == NULL || s->level < 0) return false;
    *out = (td_compatibility)s->level;
    return true;
}

bool td_catalogue_own_mode(const td_catalogue *c, td_bytes subject, td_schema_mode *out) {
    const setting *s = find_setting(c, subject);
    if (s == NULL || s->mode < 0) return false;
    *out = (td_schema_mode)s->mode;
    return true;
}

td_compatibility td_catalogue_level(const td_catalogue *c, td_bytes subject) {
    td_compatibility level = TD_COMPATIBILITY_BACKWARD;
    if (!td_catalogue_own_level(c, subject, &level)) (void)td_catalogue_own_level(c, TD_TEXT(""), &level);
    return level;
}

td_schema_mode td_catalogue_mode(const td_catalogue *c, td_bytes subject) {
    td_schema_mode mode = TD_MODE_READWRITE;
    if (!td_catalogue_own_mode(c, subject, &mode)) (void)td_catalogue_own_mode(c, TD_TEXT(""), &mode);
    return mode;
}

static const char *const modes[TD_MODE_COUNT] = {"READWRITE", "READONLY"};
const char *td_schema_mode_name(td_schema_mode mode) { return modes[mode]; }

/* ---- reading a record ---- */

typedef struct parsed { /* texts between their quotes, borrowed; numbers -1 when missing */
    td_bytes keytype, subject, schema, type, level, mode;
    int64_t magic, version, id;
    bool deleted;
} parsed;

/* Puts the value that comes next where its key belongs; other keys are somebody's newer ones. */
static bool read_member(td_json *json, td_bytes key, parsed *out) {
    const struct {
        const char *key;
        td_bytes *text;
        int64_t *number;
    } members[] = {
        {"keytype", &out->keytype, NULL}, {"subject", &out->subject, NULL}, {"schema", &out->schema, NULL},
        {"schemaType", &out->type, NULL}, {"mode", &out->mode, NULL},       {"compatibilityLevel", &out->level, NULL},
        {"magic", NULL, &out->magic},     {"version", NULL, &out->version}, {"id", NULL, &out->id}};
    if (td_bytes_equal(key, TD_TEXT("deleted"))) {
        td_json_type type = td_json_next(json);
        out->deleted = type == TD_JSON_TRUE;
        return type == TD_JSON_TRUE || type == TD_JSON_FALSE;
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        bool inexact;
        if (!td_bytes_equal(key, td_text(members[i].key))) continue;
        td_json_type type = td_json_next(json);
        if (members[i].text == NULL)
            return type == TD_JSON_NUMBER && td_decimal_parse(json->text, 0, members[i].number, &inexact) == TD_OK &&
                   !inexact;
        if (type == TD_JSON_STRING) *members[i].text = json->text;
        return type == TD_JSON_STRING || type == TD_JSON_NULL; /* of what is set for all the subject is null */
    }
    return td_json_skip(json);
}

static bool read_object(td_bytes text, parsed *out) {
    td_json json;
    *out = (parsed){.magic = -1, .version = -1, .id = -1};
    td_json_init(&json, text);
    if (td_json_next(&json) != TD_JSON_OBJECT) return false;
    for (;;) {
        td_json_type type = td_json_next(&json);
        if (type == TD_JSON_OBJECT_END) return td_json_next(&json) == TD_JSON_END;
        if (type != TD_JSON_KEY || !read_member(&json, json.text, out)) return false;
    }
}

/* Undoes the escapes; the text is heap memory and the caller's. False when it is bad or empty. */
static bool copy_text(td_bytes escaped, char **out, td_bytes *out_bytes) {
    if (escaped.size == 0) return false;
    *out = td_alloc(escaped.size + 1);
    size_t size = td_json_unescape(escaped, *out, escaped.size);
    if (size == SIZE_MAX) return false;
    (*out)[size] = '\0';
    *out_bytes = (td_bytes){(const uint8_t *)*out, size};
    return size > 0;
}

/* ---- versions ---- */

static bool is_number(int64_t n) { return n >= 1 && n <= INT32_MAX; }

static bool read_entry(const parsed *k, const parsed *v, entry *out) {
    if (k->magic != 1 || !td_bytes_equal(k->subject, v->subject) || k->version != v->version) return false;
    if (!is_number(v->version) || !is_number(v->id)) return false;
    if (v->type.size > 0 && !td_bytes_equal(v->type, TD_TEXT("AVRO"))) return false;
    if (!copy_text(v->subject, &out->subject, &out->v.subject) || out->v.subject.size > TD_SUBJECT_MAX) return false;
    if (!copy_text(v->schema, &out->text, &out->v.text)) return false;
    out->v.version = (int32_t)v->version;
    out->v.id = (int32_t)v->id;
    out->v.deleted = v->deleted;
    td_schema_identity(out->v.text, out->v.identity);
    return true;
}

/* An id means one text, and a version one id. */
static bool agrees(const td_catalogue *c, const td_schema_version *v) {
    const td_schema_version *same_id = td_catalogue_of_id(c, v->id);
    const td_schema_version *same_version = td_catalogue_find(c, v->subject, v->version);
    if (same_id != NULL && !td_bytes_equal(same_id->text, v->text)) return false;
    return same_version == NULL || same_version->id == v->id;
}

/* What says a known version again takes its place. */
static bool has_room(const td_catalogue *c, const td_schema_version *v, size_t spare_count, size_t spare_bytes) {
    const td_schema_version *old = td_catalogue_find(c, v->subject, v->version);
    size_t count = c->count - (old != NULL), bytes = c->text_bytes - (old != NULL ? old->text.size : 0);
    return count + spare_count < VERSIONS_MAX && bytes + v->text.size + spare_bytes <= TEXTS_MAX_BYTES;
}

bool td_catalogue_takes(const td_catalogue *c, const td_schema_version *version) {
    return has_room(c, version, SPARE_VERSIONS, SPARE_BYTES);
}

static void remove_entry(td_catalogue *c, size_t at) {
    c->text_bytes -= c->entries[at]->v.text.size;
    entry_free(c->entries[at]);
    c->count--;
    memmove(c->entries + at, c->entries + at + 1, (c->count - at) * sizeof *c->entries);
}

/* Takes it over. */
static void insert_entry(td_catalogue *c, entry *e) {
    size_t at = find_place(c, e->v.subject, e->v.version);
    if (td_catalogue_find(c, e->v.subject, e->v.version) != NULL) remove_entry(c, at);
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 64 : 2 * c->capacity;
        c->entries = td_alloc_check(realloc(c->entries, c->capacity * sizeof(entry *)), c->capacity * sizeof(entry *));
    }
    memmove(c->entries + at + 1, c->entries + at, (c->count - at) * sizeof(entry *));
    c->entries[at] = e;
    c->count++;
    c->text_bytes += e->v.text.size;
    if (e->v.id > c->highest_id) c->highest_id = e->v.id;
}

static td_status load_version(td_catalogue *c, const parsed *k, const parsed *v, td_bytes key) {
    entry *e = td_alloc_zero(1, sizeof *e);
    td_status status = TD_OK;
    int shown = key.size > 300 ? 300 : (int)key.size;
    if (!read_entry(k, v, e))
        status = TD_FAIL(TD_CORRUPT, "_schemas: not a schema record: %.*s", shown, (const char *)key.data);
    else if (!agrees(c, &e->v))
        status = TD_FAIL(TD_CORRUPT, "_schemas: contradicts an earlier record: %.*s", shown, (const char *)key.data);
    else if (!has_room(c, &e->v, 0, 0))
        status = TD_FAIL(TD_CORRUPT, "_schemas: more than %d versions, or %zu bytes of schemas", VERSIONS_MAX,
                         TEXTS_MAX_BYTES);
    if (status == TD_OK)
        insert_entry(c, e);
    else
        entry_free(e);
    return status;
}

static void purge_version(td_catalogue *c, td_bytes subject, int64_t version) {
    size_t at = find_place(c, subject, version);
    if (is_number(version) && td_catalogue_find(c, subject, (int32_t)version) != NULL) remove_entry(c, at);
}

static void delete_versions(td_catalogue *c, td_bytes subject, int64_t up_to) {
    size_t from, to = td_catalogue_span(c, subject, &from);
    for (; from < to; from++)
        if (c->entries[from]->v.version <= up_to) c->entries[from]->v.deleted = true;
}

/* ---- what is set ---- */

static setting *setting_of(td_catalogue *c, const char *subject) {
    for (size_t i = 0; i < c->setting_count; i++)
        if (strcmp(c->settings[i].subject, subject) == 0) return &c->settings[i];
    if (c->setting_count == SETTINGS_MAX) return NULL;
    size_t bytes = (c->setting_count + 1) * sizeof *c->settings;
    c->settings = td_alloc_check(realloc(c->settings, bytes), bytes);
    setting *s = &c->settings[c->setting_count++];
    *s = (setting){.subject = td_copy_text(subject), .level = -1, .mode = -1};
    return s;
}

bool td_catalogue_takes_setting(const td_catalogue *c, td_bytes subject) {
    return find_setting(c, subject) != NULL || c->setting_count < SETTINGS_MAX;
}

bool td_schema_mode_find(td_bytes name, td_schema_mode *out) {
    for (int i = 0; i < TD_MODE_COUNT; i++) {
        *out = (td_schema_mode)i;
        if (td_bytes_equal(name, td_text(modes[i]))) return true;
    }
    return false;
}

static void remove_setting(td_catalogue *c, setting *s) {
    free(s->subject);
    *s = c->settings[--c->setting_count];
}

/* A value that is not there takes it back. */
static bool load_setting(td_catalogue *c, const char *subject, bool mode, bool taken_back, const parsed *v) {
    td_compatibility level;
    td_schema_mode found;
    int is = -1;
    if (mode && td_schema_mode_find(v->mode, &found)) is = (int)found;
    if (!mode && td_compatibility_find(v->level, &level)) is = (int)level;
    setting *s = taken_back || is >= 0 ? setting_of(c, subject) : NULL;
    if (s == NULL) return false;
    *(mode ? &s->mode : &s->level) = taken_back ? -1 : is;
    if (s->mode < 0 && s->level < 0) remove_setting(c, s);
    return true;
}

/* ---- a record ---- */

static td_status load_known(td_catalogue *c, const parsed *k, const parsed *v, bool none, td_bytes key) {
    bool mode = td_bytes_equal(k->keytype, TD_TEXT("MODE")), level = td_bytes_equal(k->keytype, TD_TEXT("CONFIG"));
    bool deletes = td_bytes_equal(k->keytype, TD_TEXT("DELETE_SUBJECT"));
    bool schema = td_bytes_equal(k->keytype, TD_TEXT("SCHEMA")), good = mode || level || deletes || schema;
    td_bytes subject = {0};
    char *text = NULL;
    if (schema && !none) return load_version(c, k, v, key);
    if (td_bytes_equal(k->keytype, TD_TEXT("NOOP"))) return TD_OK;
    if (good && (k->subject.size > 0 || schema || deletes)) good = copy_text(k->subject, &text, &subject);
    if (good && schema)
        purge_version(c, subject, k->version);
    else if (good && deletes && !none)
        delete_versions(c, subject, v->version);
    else if (good && (mode || level))
        good = load_setting(c, text != NULL ? text : "", mode, none, v);
    free(text);
    return good ? TD_OK
                : TD_FAIL(TD_CORRUPT, "_schemas: not a record of a registry: %.*s",
                          key.size > 300 ? 300 : (int)key.size, (const char *)key.data);
}

td_status td_catalogue_load(td_catalogue *c, td_bytes key, td_bytes value) {
    parsed k, v = {0};
    bool none = value.data == NULL;
    if (read_object(key, &k) && (none || read_object(value, &v))) return load_known(c, &k, &v, none, key);
    return TD_FAIL(TD_CORRUPT, "_schemas: not a schema record: %.*s", key.size > 300 ? 300 : (int)key.size,
                   (const char *)key.data);
}

/* ---- making a record ---- */

void td_schema_record_fini(td_schema_record *record) {
    td_buf_fini(&record->key);
    td_buf_fini(&record->value);
}

static void put_key(td_buf *out, const char *type, td_bytes subject, int magic) {
    td_buf_printf(out, "{\"keytype\":\"%s\",\"subject\":", type);
    if (subject.size > 0)
        td_json_put_string(out, subject);
    else
        td_buf_text(out, "null");
    td_buf_printf(out, ",\"magic\":%d}", magic);
}

td_schema_record td_schema_record_purge(td_bytes subject, int32_t version) {
    td_schema_record r = {0};
    td_buf_text(&r.key, "{\"keytype\":\"SCHEMA\",\"subject\":");
    td_json_put_string(&r.key, subject);
    td_buf_printf(&r.key, ",\"version\":%d,\"magic\":1}", version);
    return r;
}

td_schema_record td_schema_record_version(const td_schema_version *v) {
    td_schema_record r = td_schema_record_purge(v->subject, v->version);
    td_buf_text(&r.value, "{\"subject\":");
    td_json_put_string(&r.value, v->subject);
    td_buf_printf(&r.value, ",\"version\":%d,\"id\":%d,\"schema\":", v->version, v->id);
    td_json_put_string(&r.value, v->text);
    td_buf_printf(&r.value, ",\"deleted\":%s}", v->deleted ? "true" : "false");
    return r;
}

td_schema_record td_schema_record_delete(td_bytes subject, int32_t up_to_version) {
    td_schema_record r = {0};
    put_key(&r.key, "DELETE_SUBJECT", subject, 0);
    td_buf_text(&r.value, "{\"subject\":");
    td_json_put_string(&r.value, subject);
    td_buf_printf(&r.value, ",\"version\":%d}", up_to_version);
    return r;
}

td_schema_record td_schema_record_level(td_bytes subject, const char *level) {
    td_schema_record r = {0};
    put_key(&r.key, "CONFIG", subject, 0);
    if (level != NULL) td_buf_printf(&r.value, "{\"compatibilityLevel\":\"%s\"}", level);
    return r;
}

td_schema_record td_schema_record_mode(td_bytes subject, const char *mode) {
    td_schema_record r = {0};
    put_key(&r.key, "MODE", subject, 0);
    if (mode != NULL) td_buf_printf(&r.value, "{\"mode\":\"%s\"}", mode);
    return r;
}
