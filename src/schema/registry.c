/* src/schema/registry.c - ids, subjects and versions of schemas, held as the records of `_schemas` say. */
#include "schema/registry.h"
#include "base/embedded.h"
#include "schema/catalogue.h"
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
    [TD_SCHEMA_PUBLISHED_TRADE] = {"PublishedTrade", "PublishedTrade.avsc", "trades-value", {NULL}},
    [TD_SCHEMA_PUBLISHED_QUOTE] = {"PublishedQuote", "PublishedQuote.avsc", "quotes-value", {NULL}},
    [TD_SCHEMA_PUBLISHED_NEWS] = {"PublishedNews", "PublishedNews.avsc", "news-value", {NULL}},
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

td_bytes td_schema_text_of_age(td_schema schema, int age) {
    if (age == 0) return td_schema_text(schema);
    const char *file = age <= TD_SCHEMA_OLDER_MAX ? schema_rows[schema].older[age - 1] : NULL;
    return file != NULL ? file_text(file) : (td_bytes){0};
}

struct td_registry {
    td_catalogue *catalogue;
    td_schema_ids ids;
    bool mapped; /* the ids are as the catalogue has them */
};

td_registry *td_registry_new(void) {
    td_registry *registry = td_alloc_zero(1, sizeof *registry);
    registry->catalogue = td_catalogue_new();
    td_schema_ids_init(&registry->ids);
    return registry;
}

void td_registry_free(td_registry *registry) {
    if (registry == NULL) return;
    td_catalogue_free(registry->catalogue);
    free(registry);
}

bool td_registry_keeps(td_bytes subject) {
    for (int i = 0; i < TD_SCHEMA_COUNT; i++)
        if (td_bytes_equal(subject, td_text(schema_rows[i].subject))) return true;
    return false;
}

/* An id means a schema of ours when its text is ours to the byte, or that of a version before; we write with the id
 * of our own subject. */
static bool map_ids(td_schema_ids *ids, const td_schema_version *v) {
    bool room = true;
    for (int i = 0; i < TD_SCHEMA_COUNT && room; i++) {
        const char *const *older = schema_rows[i].older;
        for (int k = 0; k < TD_SCHEMA_OLDER_MAX && older[k] != NULL; k++)
            if (td_bytes_equal(v->text, file_text(older[k])))
                room = td_schema_ids_put(ids, v->id, (int8_t)(i + (k + 1) * TD_SCHEMA_BEFORE));
        if (!room || !td_bytes_equal(v->text, td_schema_text((td_schema)i))) continue;
        room = td_schema_ids_put(ids, v->id, (int8_t)i);
        if (!v->deleted && td_bytes_equal(v->subject, td_text(td_schema_subject((td_schema)i)))) ids->id[i] = v->id;
    }
    return room;
}

static bool map_all(td_registry *registry) {
    td_catalogue *c = registry->catalogue;
    bool room = true;
    td_schema_ids_init(&registry->ids);
    for (size_t i = 0; i < td_catalogue_count(c) && room; i++) room = map_ids(&registry->ids, td_catalogue_at(c, i));
    registry->mapped = true;
    return room;
}

td_status td_registry_load(td_registry *registry, td_bytes key, td_bytes value) {
    registry->mapped = false;
    return td_catalogue_load(registry->catalogue, key, value);
}

const td_schema_ids *td_registry_ids(td_registry *registry) {
    if (!registry->mapped) (void)map_all(registry);
    return &registry->ids;
}

bool td_registry_learn(td_registry *registry, td_schema schema, int age, int32_t id) {
    td_schema_ids *ids = &registry->ids;
    int8_t meaning = (int8_t)((int)schema + age * TD_SCHEMA_BEFORE);
    int known = td_schema_ids_find(ids, (uint32_t)id);
    registry->mapped = true;
    if (known != -1 && known != meaning) return false;
    if (!td_schema_ids_put(ids, id, meaning)) return false;
    if (age == 0) ids->id[schema] = id;
    return true;
}

td_schema td_registry_lacks(td_registry *registry) {
    const td_schema_ids *ids = td_registry_ids(registry);
    int i = 0;
    while (i < TD_SCHEMA_COUNT && ids->id[i] >= 0) i++;
    return (td_schema)i;
}

static td_status register_schema(td_registry *registry, td_schema schema, td_registry_append_fn append, void *arg) {
    td_catalogue *c = registry->catalogue;
    td_bytes subject = td_text(td_schema_subject(schema));
    td_schema_version v = {
        .subject = subject, .text = td_schema_text(schema), .version = td_catalogue_next_version(c, subject)};
    td_schema_identity(v.text, v.identity);
    const td_schema_version *same = td_catalogue_same(c, (td_bytes){0}, v.identity, true);
    bool known = same != NULL && td_bytes_equal(same->text, v.text);
    v.id = known ? same->id : td_catalogue_next_id(c);
    if (v.id == 0 || v.version == 0) return TD_FAIL(TD_CONFIG, "_schemas: no number is left for %s", v.subject.data);
    td_schema_record record = td_schema_record_version(&v);
    td_status status = append(arg, td_buf_bytes(&record.key), td_buf_bytes(&record.value));
    if (status == TD_OK) status = td_registry_load(registry, td_buf_bytes(&record.key), td_buf_bytes(&record.value));
    td_schema_record_fini(&record);
    return status;
}

static td_status refuse_change(const td_schema_version *latest, const td_incompatibility *found) {
    return TD_FAIL(
        TD_CONFIG,
        "_schemas: this program's schema cannot follow version %d of %.*s: %s: %s; run the program that wrote "
        "the log, or an empty data folder",
        (int)latest->version, (int)latest->subject.size, (const char *)latest->subject.data, found->path,
        found->reason);
}

/* What this program would register must be able to read what the log holds. */
static td_status check_change(const td_schema_version *latest, td_schema schema) {
    td_avro_schema *ours = NULL, *theirs = NULL;
    td_incompatibility found;
    td_status status = td_avro_schema_parse(td_schema_text(schema), &ours);
    assert(status == TD_OK); /* a test parses all of them */
    if (td_avro_schema_parse(latest->text, &theirs) != TD_OK)
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
        const td_schema_version *latest =
            td_catalogue_latest(registry->catalogue, td_text(td_schema_subject((td_schema)i)));
        if (registry->ids.id[i] >= 0 || latest == NULL) continue;
        td_status status = check_change(latest, (td_schema)i);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

td_status td_registry_ensure(td_registry *registry, td_registry_append_fn append, void *arg) {
    if (!map_all(registry)) return TD_FAIL(TD_CORRUPT, "_schemas: one schema has too many ids");
    td_status refused = check_changes(registry); /* all of them before the first is written */
    if (refused != TD_OK) return refused;
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        if (registry->ids.id[i] >= 0) continue;
        td_status status = register_schema(registry, (td_schema)i, append, arg);
        if (status != TD_OK) return status;
    }
    (void)map_all(registry); /* one more of each has room */
    return TD_OK;
}
