/* src/serve/browser.c - a list of topics that is looked up again, and subjects sorted by the topics they are of. */
#include "serve/browser.h"
#include "base/option.h"
#include "base/time.h"
#include "schema/registry.h"
#include <stdio.h>
#include <stdlib.h>

#define AGAIN_NS (10 * TD_NS_PER_S)
#define RETRY_NS (30 * TD_NS_PER_S)
enum { NEAREST_MAX = 256 };

struct td_browser {
    td_log *log;
    const td_schemas *schemas; /* NULL: nothing is known of any */
    const td_schema_ids *ids;
    td_topic **topics;
    size_t count;
    int64_t due_ns;    /* of the next look */
    td_status last;    /* how the last one ended */
    char trouble[256]; /* … and why, where it failed */
};

td_browser *td_browser_new(const td_serve_topics *topics, const td_schemas *schemas) {
    td_browser *b = td_alloc_zero(1, sizeof *b);
    b->log = topics->log != NULL ? topics->log : topics->tape->log;
    b->schemas = schemas;
    b->ids = topics->ids;
    b->due_ns = INT64_MIN;
    return b;
}

void td_browser_free(td_browser *b) {
    if (b == NULL) return;
    free(b->topics);
    free(b);
}

/* ---- topics ---- */

static void note_topic(void *arg, td_topic *topic) {
    td_browser *b = arg;
    size_t bytes = (b->count + 1) * sizeof(td_topic *);
    b->topics = td_alloc_check(realloc(b->topics, bytes), bytes);
    b->topics[b->count++] = topic;
}

td_status td_browser_look(td_browser *b, int64_t now_ns) {
    if (now_ns < b->due_ns) return b->last == TD_OK ? TD_OK : TD_FAIL(b->last, "%s", b->trouble);
    size_t before = b->count;
    b->count = 0;
    b->last = td_log_each_topic(b->log, note_topic, b);
    b->due_ns = now_ns + (b->last == TD_OK ? AGAIN_NS : RETRY_NS);
    if (b->last == TD_OK) return TD_OK;
    b->count = before; /* of a look that failed nothing has come */
    (void)snprintf(b->trouble, sizeof b->trouble, "%s", td_trail());
    return b->last;
}

size_t td_browser_topics(const td_browser *b, td_topic *const **out) {
    *out = b->topics;
    return b->count;
}

td_topic *td_browser_find(const td_browser *b, const char *name) {
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(td_topic_name(b->topics[i]), name) == 0) return b->topics[i];
    return NULL;
}

const char *td_browser_nearest(const td_browser *b, const char *name) {
    const char *names[NEAREST_MAX + 1] = {NULL};
    for (size_t i = 0; i < b->count && i < NEAREST_MAX; i++) names[i] = td_topic_name(b->topics[i]);
    return td_nearest(name, names);
}

/* ---- schemas ---- */

static bool begins_subject(td_bytes subject, const char *topic) {
    size_t size = strlen(topic);
    return subject.size > size && memcmp(subject.data, topic, size) == 0 && subject.data[size] == '-';
}

/* Not of another topic whose longer name begins with this one's: "bars-old-value" is not of "bars". */
static bool is_of(const td_browser *b, td_bytes subject, const char *topic) {
    if (!begins_subject(subject, topic)) return false;
    for (size_t i = 0; i < b->count; i++) {
        const char *other = td_topic_name(b->topics[i]);
        if (strlen(other) > strlen(topic) && begins_subject(subject, other)) return false;
    }
    return true;
}

static const char *name_of_id(const td_browser *b, int32_t id) {
    int schema = td_schema_ids_find(b->ids, (uint32_t)id);
    return schema >= 0 ? td_schema_name((td_schema)(schema % TD_SCHEMA_BEFORE)) : NULL;
}

/* What a registry elsewhere has of ours. */
static void each_own(const td_browser *b, const char *topic, td_browser_schema_fn each, void *arg) {
    for (int s = 0; s < TD_SCHEMA_COUNT; s++) {
        td_bytes subject = td_text(td_schema_subject((td_schema)s));
        const td_browser_schema schema = {subject, 0, b->ids->id[s], td_schema_name((td_schema)s)};
        if (is_of(b, subject, topic)) each(arg, &schema);
    }
}

void td_browser_each_schema(const td_browser *b, const char *topic, td_browser_schema_fn each, void *arg) {
    const td_catalogue *catalogue = b->schemas != NULL ? td_schemas_catalogue(b->schemas) : NULL;
    size_t at;
    if (catalogue == NULL) {
        each_own(b, topic, each, arg);
        return;
    }
    (void)td_catalogue_span(catalogue, td_text(topic), &at); /* they stand in the order of their subjects */
    for (; at < td_catalogue_count(catalogue); at++) {
        const td_schema_version *v = td_catalogue_at(catalogue, at);
        if (!td_bytes_begin(v->subject, td_text(topic))) break;
        if (v->deleted || !is_of(b, v->subject, topic)) continue;
        each(arg, &(td_browser_schema){v->subject, v->version, v->id, name_of_id(b, v->id)});
    }
}
