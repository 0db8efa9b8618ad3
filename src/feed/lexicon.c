/* src/feed/lexicon.c - a list by id, and one question on its way. */
#include "feed/lexicon.h"
#include "base/time.h"
#include "net/url.h"
#include "schema/registry_answer.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENTRIES_MAX = 1024, WHY_MAX = 320, ANSWER_MAX_BYTES = 2 << 20 };
#define TIMEOUT_NS (5 * TD_NS_PER_S)
#define ABSENT_NS  (10 * TD_NS_PER_S) /* so long what is not there is not asked for again */

typedef struct entry {
    uint32_t id;
    td_avro_schema *schema; /* NULL: there is none */
    int64_t known_ns;       /* monotonic */
    char *why;
} entry;

struct td_lexicon {
    td_lexicon_conf conf;
    const td_http_ops *net;
    void *http;
    entry *entries;
    size_t count, last; /* last: that was found last, which the next record names, too */
    bool asked;
    uint32_t asked_id;
    td_buf url;
};

static int64_t now_ns(const td_lexicon *l) { return l->conf.os->ops->mono_ns(l->conf.os->self); }

/* ---- life ---- */

td_status td_lexicon_open(td_lexicon **out, const td_lexicon_conf *conf) {
    td_url url;
    td_status status = td_url_parse(&url, "http", conf->url);
    if (status == TD_OK && strchr(url.path, '?') != NULL) status = TD_FAIL(TD_CONFIG, "it has a query");
    if (status != TD_OK) return TD_FAIL(status, "registry: %s", td_trail());
    td_http_conf http = {.name = "registry",
                         .ca_file = conf->ca,
                         .user = conf->user,
                         .password = conf->password,
                         .body_max_bytes = ANSWER_MAX_BYTES,
                         .timeout_ns = TIMEOUT_NS};
    td_lexicon *l = td_alloc_zero(1, sizeof *l);
    l->conf = *conf;
    l->net = conf->http != NULL ? conf->http : &td_http_curl;
    l->entries = td_alloc_zero(ENTRIES_MAX, sizeof *l->entries);
    status = l->net->open(&l->http, conf->os, &http);
    if (status != TD_OK) {
        td_lexicon_close(l);
        return status;
    }
    *out = l;
    return TD_OK;
}

static void entry_fini(entry *e) {
    td_avro_schema_free(e->schema);
    free(e->why);
    *e = (entry){0};
}

void td_lexicon_close(td_lexicon *l) {
    if (l == NULL) return;
    if (l->http != NULL) l->net->close(l->http);
    for (size_t i = 0; i < l->count; i++) entry_fini(&l->entries[i]);
    free(l->entries);
    td_buf_fini(&l->url);
    free(l);
}

/* ---- what is known ---- */

static entry *find(td_lexicon *l, uint32_t id) {
    if (l->last < l->count && l->entries[l->last].id == id) return &l->entries[l->last];
    for (size_t i = 0; i < l->count; i++)
        if (l->entries[i].id == id) {
            l->last = i;
            return &l->entries[i];
        }
    return NULL;
}

/* A new one, or the one of that id; where there are too many, in the place of one that is no schema. */
static entry *place_for(td_lexicon *l, uint32_t id) {
    entry *e = find(l, id);
    for (size_t i = 0; e == NULL && l->count == ENTRIES_MAX && i < l->count; i++)
        if (l->entries[i].schema == NULL) e = &l->entries[i];
    if (e == NULL && l->count < ENTRIES_MAX) e = &l->entries[l->count++];
    if (e == NULL) return NULL;
    entry_fini(e);
    *e = (entry){.id = id, .known_ns = now_ns(l)};
    return e;
}

static void note_absent(td_lexicon *l, uint32_t id, const char *why) {
    char text[WHY_MAX];
    entry *e = place_for(l, id);
    (void)snprintf(text, sizeof text, "schema id %" PRIu32 ": %s", id, why);
    if (e != NULL) e->why = td_copy_text(text);
}

/* ---- asking ---- */

static td_status ask(td_lexicon *l, uint32_t id) {
    size_t size = strlen(l->conf.url);
    l->url.size = 0;
    td_buf_put(&l->url, l->conf.url, size - (l->conf.url[size - 1] == '/'));
    td_buf_printf(&l->url, "/schemas/ids/%" PRIu32 "%c", id, '\0');
    td_status status = l->net->get(l->http, (const char *)l->url.data);
    l->asked = status == TD_OK;
    l->asked_id = id;
    return status;
}

static td_status take_schema(td_lexicon *l, td_bytes text) {
    td_avro_schema *schema;
    if (td_avro_schema_parse(text, &schema) != TD_OK) {
        note_absent(l, l->asked_id, td_trail());
        return TD_OK;
    }
    entry *e = place_for(l, l->asked_id);
    if (e != NULL) e->schema = schema;
    if (e != NULL) return TD_OK;
    td_avro_schema_free(schema);
    return TD_FAIL(TD_RETRY, "registry: records name more than %d schemas", ENTRIES_MAX);
}

static td_status take_answer(td_lexicon *l, const td_http_answer *http) {
    td_registry_answer a;
    bool read = td_registry_answer_read(&a, http->body);
    td_status status = TD_OK;
    if (http->code == 200 && read && a.schema.size > 0)
        status = take_schema(l, td_buf_bytes(&a.schema));
    else if (http->code == 404 && read && td_registry_answer_is_absent(&a))
        note_absent(l, l->asked_id, "the registry does not know it");
    else if (http->code == 0)
        status = TD_FAIL(TD_RETRY, "registry: %s gives no answer: %s", l->conf.url, http->detail);
    else
        status = TD_FAIL(TD_RETRY, "registry: %s answers code %d where schema id %" PRIu32 " is asked for", l->conf.url,
                         http->code, l->asked_id);
    td_registry_answer_fini(&a);
    return status;
}

td_status td_lexicon_find(td_lexicon *l, uint32_t id, const td_avro_schema **out, const char **out_why) {
    td_http_answer answer;
    td_status status = TD_OK;
    if (l->asked) {
        (void)l->net->pump(l->http);
        status = l->net->next(l->http, &answer);
        l->asked = status == TD_AGAIN;
        if (status == TD_OK) status = take_answer(l, &answer);
        if (status != TD_OK) return status;
    }
    const entry *e = find(l, id);
    if (e != NULL && e->schema != NULL) {
        *out = e->schema;
        return TD_OK;
    }
    if (e != NULL && now_ns(l) - e->known_ns < ABSENT_NS) {
        *out_why = e->why;
        return TD_REJECT;
    }
    status = ask(l, id);
    return status == TD_OK ? TD_AGAIN : status;
}
