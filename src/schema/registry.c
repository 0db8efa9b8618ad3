/* src/schema/registry.c - ids, subjects and versions of schemas, held as the records of `_schemas` say. */
#include "schema/registry.h"
#include "base/decimal.h"
#include "base/embedded.h"
#include "base/json.h"
#include "schema/compatibility.h"
#include <assert.h>
#include <stdlib.h>

static const struct schema_row {
    const char *name, *file, *subject;
    const char *older[TD_SCHEMA_OLDER_MAX]; /* files of the versions before, the newest first: our decoder reads them */
} schema_rows[TD_SCHEMA_COUNT] = {
    [TD_SCHEMA_TRADE] = {"Trade", "Trade.avsc", "tape-tapedeck.Trade", {"older/Trade.1.avsc"}},
    [TD_SCHEMA_QUOTE] = {"Quote", "Quote.avsc", "tape-tapedeck.Quote", {"older/Quote.1.avsc"}},
    [TD_SCHEMA_TIME] = {"Time", "Time.avsc", "tape-tapedeck.Time", {NULL}},
    [TD_SCHEMA_PROGRAM] = {"Program", "Program.avsc", "tape-tapedeck.Program", {"older/Program.1.avsc"}},
    [TD_SCHEMA_BAR] = {"Bar", "Bar.avsc", "bars-value", {"older/Bar.2.avsc", "older/Bar.1.avsc"}},
    [TD_SCHEMA_SIGNAL] = {"Signal", "Signal.avsc", "signals-value", {"older/Signal.2.avsc", "older/Signal.1.avsc"}},
    [TD_SCHEMA_REJECTED] = {"Rejected", "Rejected.avsc", "rejected-value", {NULL}},
    [TD_SCHEMA_QUARANTINED] = {"Quarantined", "Quarantined.avsc", "quarantine-value", {"older/Quarantined.1.avsc"}},
    [TD_SCHEMA_FILLED] = {"Filled", "Filled.avsc", "tape-tapedeck.Filled", {"older/Filled.1.avsc"}},
    [TD_SCHEMA_GAP] = {"Gap", "Gap.avsc", "gaps-value", {NULL}},
    [TD_SCHEMA_BOOK] = {"BookUpdate", "BookUpdate.avsc", "tape-tapedeck.BookUpdate", {NULL}},
    [TD_SCHEMA_PRICE] = {"Price", "Price.avsc", "tape-tapedeck.Price", {NULL}},
    [TD_SCHEMA_VENDOR_BAR] = {"VendorBar", "VendorBar.avsc", "tape-tapedeck.VendorBar", {"older/VendorBar.1.avsc"}},
    [TD_SCHEMA_NEWS] = {"News", "News.avsc", "tape-tapedeck.News", {NULL}},
    [TD_SCHEMA_RAW] = {"Raw", "Raw.avsc", "raw-value", {NULL}},
    [TD_SCHEMA_FILL] = {"Fill", "Fill.avsc", "fills-value", {NULL}},
    [TD_SCHEMA_MEMBER] = {"Member", "Member.avsc", "sections-value", {NULL}},
    [TD_SCHEMA_CORPORATE] = {"CorporateAction",
                             "CorporateAction.avsc",
                             "tape-tapedeck.CorporateAction",
                             {"older/CorporateAction.1.avsc"}},
};

const char *td_schema_name(td_schema schema) { return schema_rows[schema].name; }
const char *td_schema_subject(td_schema schema) { return schema_rows[schema].subject; }

static td_bytes file_text(const char *file) {
    const td_embedded *e = td_embedded_schemas;
    while (strcmp(e->name, file) != 0) e++; /* the build has put each of them in */
    return e->bytes;
}

td_bytes td_schema_text(td_schema schema) { return file_text(schema_rows[schema].file); }

typedef struct entry { /* owns its texts */
    char *subject, *text;
    size_t subject_size, text_size;
    int64_t version, id;
} entry;

struct td_registry {
    entry entries[TD_SCHEMA_ID_MAX]; /* in the order of the topic */
    size_t count;
    td_schema_ids ids;
};

static td_bytes entry_subject(const entry *e) { return (td_bytes){(const uint8_t *)e->subject, e->subject_size}; }
static td_bytes entry_text(const entry *e) { return (td_bytes){(const uint8_t *)e->text, e->text_size}; }

td_registry *td_registry_new(void) {
    td_registry *registry = td_alloc_zero(1, sizeof *registry);
    memset(registry->ids.id, -1, sizeof registry->ids.id);
    memset(registry->ids.schema, -1, sizeof registry->ids.schema);
    return registry;
}

static void entry_fini(entry *e) {
    free(e->subject);
    free(e->text);
}

void td_registry_free(td_registry *registry) {
    if (registry == NULL) return;
    for (size_t i = 0; i < registry->count; i++) entry_fini(&registry->entries[i]);
    free(registry);
}

const td_schema_ids *td_registry_ids(const td_registry *registry) { return &registry->ids; }

typedef struct parsed { /* texts between their quotes, borrowed; numbers -1 when missing */
    td_bytes keytype, subject, schema;
    int64_t magic, version, id;
    bool deleted;
} parsed;

/* Puts the value that comes next where its key belongs; other keys are somebody's newer ones. */
static bool read_member(td_json *json, td_bytes key, parsed *out) {
    const struct {
        const char *key;
        td_bytes *text;
        int64_t *number;
    } members[] = {{"keytype", &out->keytype, NULL}, {"subject", &out->subject, NULL}, {"schema", &out->schema, NULL},
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
        *members[i].text = json->text;
        return type == TD_JSON_STRING;
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
static bool copy_text(td_bytes escaped, char **out, size_t *out_size) {
    if (escaped.size == 0) return false;
    *out = td_alloc(escaped.size + 1);
    *out_size = td_json_unescape(escaped, *out, escaped.size);
    return *out_size != SIZE_MAX;
}

static bool read_entry(td_bytes key, td_bytes value, entry *out) {
    parsed k, v;
    if (!read_object(key, &k) || !read_object(value, &v)) return false;
    if (!td_bytes_equal(k.keytype, TD_TEXT("SCHEMA")) || k.magic != 1 || v.deleted) return false;
    if (!td_bytes_equal(k.subject, v.subject) || k.version != v.version) return false;
    if (v.version < 1 || v.version > TD_SCHEMA_ID_MAX || v.id < 1 || v.id > TD_SCHEMA_ID_MAX) return false;
    out->version = v.version;
    out->id = v.id;
    return copy_text(v.subject, &out->subject, &out->subject_size) && copy_text(v.schema, &out->text, &out->text_size);
}

/* What the registry holds already must not be said otherwise. *out_known: it holds exactly this. */
static bool entry_agrees(const td_registry *registry, const entry *e, bool *out_known) {
    *out_known = false;
    for (size_t i = 0; i < registry->count; i++) {
        const entry *old = &registry->entries[i];
        bool same_text = td_bytes_equal(entry_text(old), entry_text(e));
        if (old->id == e->id && !same_text) return false;
        if (old->version != e->version || !td_bytes_equal(entry_subject(old), entry_subject(e))) continue;
        if (old->id != e->id) return false;
        *out_known = true;
    }
    return true;
}

/* An id means a schema of ours when its text is ours to the byte, or that of a version before; we write with the id
 * of our own subject. */
static void map_ids(td_schema_ids *ids, const entry *e) {
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        const char *const *older = schema_rows[i].older;
        for (int k = 0; k < TD_SCHEMA_OLDER_MAX && older[k] != NULL; k++)
            if (td_bytes_equal(entry_text(e), file_text(older[k])))
                ids->schema[e->id] = (int8_t)(i + (k + 1) * TD_SCHEMA_BEFORE);
        if (!td_bytes_equal(entry_text(e), td_schema_text((td_schema)i))) continue;
        ids->schema[e->id] = (int8_t)i;
        if (td_bytes_equal(entry_subject(e), td_text(td_schema_subject((td_schema)i)))) ids->id[i] = (int32_t)e->id;
    }
}

td_status td_registry_load(td_registry *registry, td_bytes key, td_bytes value) {
    td_status status = TD_OK;
    entry e = {0};
    bool known;
    if (!read_entry(key, value, &e)) {
        status = TD_FAIL(TD_CORRUPT, "_schemas: not a schema record: %.*s", (int)key.size, (const char *)key.data);
        goto out;
    }
    if (!entry_agrees(registry, &e, &known)) {
        status =
            TD_FAIL(TD_CORRUPT, "_schemas: contradicts an earlier record: %.*s", (int)key.size, (const char *)key.data);
        goto out;
    }
    if (known) goto out;
    if (registry->count == TD_SCHEMA_ID_MAX) {
        status = TD_FAIL(TD_CORRUPT, "_schemas: more than %d schemas", TD_SCHEMA_ID_MAX);
        goto out;
    }
    map_ids(&registry->ids, &e);
    registry->entries[registry->count++] = e;
    e = (entry){0};
out:
    entry_fini(&e);
    return status;
}

/* The subject's last version, or NULL. */
static const entry *find_latest(const td_registry *registry, td_bytes subject) {
    const entry *latest = NULL;
    for (size_t i = 0; i < registry->count; i++) {
        const entry *e = &registry->entries[i];
        if (td_bytes_equal(entry_subject(e), subject) && (latest == NULL || e->version > latest->version)) latest = e;
    }
    return latest;
}

/* The id that a text has under any subject, else the next free one; and the next version of the subject. */
static void choose_numbers(const td_registry *registry, td_schema schema, int64_t *out_id, int64_t *out_version) {
    const entry *latest = find_latest(registry, td_text(td_schema_subject(schema)));
    int64_t known = 0, highest = 0;
    for (size_t i = 0; i < registry->count; i++) {
        const entry *e = &registry->entries[i];
        if (e->id > highest) highest = e->id;
        if (td_bytes_equal(entry_text(e), td_schema_text(schema))) known = e->id;
    }
    *out_id = known > 0 ? known : highest + 1;
    *out_version = latest == NULL ? 1 : latest->version + 1;
}

static td_status register_schema(td_registry *registry, td_schema schema, td_registry_append_fn append, void *arg) {
    int64_t id, version;
    const char *subject = td_schema_subject(schema);
    choose_numbers(registry, schema, &id, &version);
    if (id > TD_SCHEMA_ID_MAX) return TD_FAIL(TD_CONFIG, "_schemas: no schema id is left below %d", TD_SCHEMA_ID_MAX);

    td_buf key = {0}, value = {0};
    td_buf_printf(&key, "{\"keytype\":\"SCHEMA\",\"subject\":\"%s\",\"version\":%d,\"magic\":1}", subject,
                  (int)version);
    td_buf_printf(&value, "{\"subject\":\"%s\",\"version\":%d,\"id\":%d,\"schema\":", subject, (int)version, (int)id);
    td_json_put_string(&value, td_schema_text(schema));
    td_buf_text(&value, ",\"deleted\":false}");
    td_status status = append(arg, td_buf_bytes(&key), td_buf_bytes(&value));
    if (status == TD_OK) status = td_registry_load(registry, td_buf_bytes(&key), td_buf_bytes(&value));
    td_buf_fini(&value);
    td_buf_fini(&key);
    return status;
}

static td_status refuse_change(const entry *latest, const td_incompatibility *found) {
    return TD_FAIL(
        TD_CONFIG,
        "_schemas: this program's schema cannot follow version %d of %.*s: %s: %s; run the program that wrote "
        "the log, or an empty data folder",
        (int)latest->version, (int)latest->subject_size, latest->subject, found->path, found->reason);
}

/* What this program would register must be able to read what the log holds. */
static td_status check_change(const entry *latest, td_schema schema) {
    td_avro_schema *ours = NULL, *theirs = NULL;
    td_incompatibility found;
    td_status status = td_avro_schema_parse(td_schema_text(schema), &ours);
    assert(status == TD_OK); /* a test parses all of them */
    if (td_avro_schema_parse(entry_text(latest), &theirs) != TD_OK)
        status = td_trace(TD_CONFIG, "reading version %d of %s in _schemas; run the program that wrote the log",
                          (int)latest->version, td_schema_subject(schema));
    else if (!td_compatibility_check(TD_COMPATIBILITY_BACKWARD, ours, (const td_avro_schema *const[]){theirs}, 1,
                                     &found))
        status = refuse_change(latest, &found);
    td_avro_schema_free(theirs);
    td_avro_schema_free(ours);
    return status;
}

static td_status check_changes(const td_registry *registry) {
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        const entry *latest = find_latest(registry, td_text(td_schema_subject((td_schema)i)));
        if (registry->ids.id[i] >= 0 || latest == NULL) continue;
        td_status status = check_change(latest, (td_schema)i);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

td_status td_registry_ensure(td_registry *registry, td_registry_append_fn append, void *arg) {
    td_status refused = check_changes(registry); /* all of them before the first is written */
    if (refused != TD_OK) return refused;
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        if (registry->ids.id[i] >= 0) continue;
        td_status status = register_schema(registry, (td_schema)i, append, arg);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}
