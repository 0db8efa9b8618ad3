/* src/serve/topic_answer.c - offsets partition by partition, who reads them, groups of others, and pages of records. */
#include "serve/topic_answer.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "serve/excerpt.h"
#include "serve/show.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_PER_STEP = 100, SHOWN_BYTES = 256 << 10, PART_BYTES = 1024 };

struct td_topic_answer {
    const td_view *view;
    const td_browser *browser;
    td_api_request request;
    td_topic **topics; /* still to tell of, from `topic` on */
    size_t topic_count, topic;
    uint32_t partition;
    int64_t start, end, synced, bytes; /* of the topic, so far */
    td_buf offsets, readers;           /* of one topic, so far */
    void *groups;                      /* asked for; NULL: they are not, or there is nobody to be asked */
    int64_t *ends;                     /* of GROUPS: of the partitions before `partition` */
    td_excerpt *excerpt;               /* of RECORDS */
    int64_t excerpt_partition;         /* -1: all */
    size_t row;
    char *next;
};

/* ---- beginning ---- */

static bool fail_topic(const td_browser *browser, const char *name, td_api_error *error) {
    const char *nearest = td_browser_nearest(browser, name);
    return td_api_fail(error, 404, "unknown_topic", "there is no topic %.60s; %s%s%ssee /api/v1/topics", name,
                       nearest != NULL ? "did you mean " : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "? " : "");
}

/* An instrument's records are where its key leads. */
static bool find_partition(const td_api_request *r, const td_topic *topic, int64_t *out, td_api_error *error) {
    uint32_t count = td_topic_partitions(topic);
    *out = count == 1 ? 0 : r->partition;
    if (r->partition >= count)
        return td_api_fail(error, 404, "unknown_partition", "%.60s has %" PRIu32 " partitions, numbered from 0",
                           td_topic_name(topic), count);
    if (r->partition < 0 && r->key[0] != '\0') *out = td_partition_of(td_text(r->key), count);
    if (*out >= 0 || (r->offset < 0 && r->cursor < 0)) return true;
    return td_api_fail(error, 400, "missing_parameter",
                       "%s belongs to a partition: partition=", r->offset >= 0 ? "offset" : "cursor");
}

/* The first millisecond that is not before it. */
static int64_t ms_from(int64_t ns) { return ns == INT64_MIN ? INT64_MIN : ns / TD_NS_PER_MS + (ns % TD_NS_PER_MS > 0); }

static bool begin_records(td_topic_answer *a, td_api_error *error) {
    const td_api_request *r = &a->request;
    if (!find_partition(r, a->topics[0], &a->excerpt_partition, error)) return false;
    td_excerpt_question q = {.topic = a->topics[0],
                             .partition = a->excerpt_partition,
                             .below = r->cursor,
                             .from = r->offset,
                             .from_ms = ms_from(r->time_ns),
                             .limit = (size_t)r->limit};
    if (r->key[0] != '\0') q.key = td_text(r->key);
    a->excerpt = td_excerpt_new(&q);
    return true;
}

static bool begin(td_topic_answer *a, td_api_error *error) {
    const td_api_request *r = &a->request;
    td_topic *const *all;
    size_t count = td_browser_topics(a->browser, &all);
    bool one = r->kind != TD_API_TOPICS;
    td_topic *topic = one ? td_browser_find(a->browser, r->topic) : NULL;
    if (one && topic == NULL) return fail_topic(a->browser, r->topic, error);
    a->topic_count = one ? 1 : count;
    a->topics = td_alloc((a->topic_count + 1) * sizeof(td_topic *));
    if (a->topic_count > 0) memcpy(a->topics, one ? &topic : all, a->topic_count * sizeof(td_topic *));
    const td_serve_run *run = &td_view_topics(a->view)->run;
    if (r->kind == TD_API_GROUPS && run->groups.ask != NULL) {
        a->groups = run->groups.ask(run->self, topic);
        a->ends = td_alloc(td_topic_partitions(topic) * sizeof *a->ends);
    }
    return r->kind != TD_API_RECORDS || begin_records(a, error);
}

td_topic_answer *td_topic_answer_new(const td_view *view, td_browser *browser, const td_api_request *request,
                                     td_api_error *error) {
    td_status status = td_browser_look(browser, td_view_now_ns(view));
    if (status != TD_OK) {
        (void)td_api_fail(error, 503, td_status_name(status), "%.200s", td_trail());
        return NULL;
    }
    td_topic_answer *a = td_alloc_zero(1, sizeof *a);
    a->view = view;
    a->browser = browser;
    a->request = *request;
    if (begin(a, error)) return a;
    td_topic_answer_free(a);
    return NULL;
}

void td_topic_answer_free(td_topic_answer *a) {
    if (a == NULL) return;
    td_excerpt_free(a->excerpt);
    if (a->groups != NULL) td_view_topics(a->view)->run.groups.end(a->groups);
    td_buf_fini(&a->offsets);
    td_buf_fini(&a->readers);
    free(a->topics);
    free(a->ends);
    free(a->next);
    free(a);
}

/* ---- a topic ---- */

static void put_number(td_buf *out, const char *name, int64_t value) {
    if (value >= 0)
        td_buf_printf(out, ",\"%s\":%" PRId64, name, value);
    else
        td_buf_printf(out, ",\"%s\":null", name);
}

static void put_retention(td_buf *out, const td_serve_run *run, const char *topic) {
    td_serve_retention kept = {-1, -1, false};
    td_buf_text(out, ",\"retention\":");
    if (run->retention == NULL) {
        td_buf_text(out, "null");
        return;
    }
    run->retention(run->self, topic, &kept);
    td_buf_printf(out, "{\"shared\":%s", kept.shared ? "true" : "false");
    put_number(out, "ms", kept.ms);
    put_number(out, "bytes", kept.bytes);
    td_buf_text(out, "}");
}

typedef struct schema_list {
    const td_topic_answer *answer;
    td_buf *out;
    bool any, brief; /* brief: names of subjects alone, each once */
    td_bytes last;
} schema_list;

static void put_subject(schema_list *list, td_bytes subject) {
    const td_serve_run *run = &td_view_topics(list->answer->view)->run;
    td_buf text = {0};
    if (run->registry != NULL && run->prefix != NULL) td_buf_text(&text, run->prefix);
    td_buf_put(&text, subject.data, subject.size);
    td_json_put_string(list->out, td_buf_bytes(&text));
    td_buf_fini(&text);
}

static void put_schema(void *arg, const td_browser_schema *schema) {
    schema_list *list = arg;
    if (list->brief && td_bytes_equal(list->last, schema->subject)) return;
    list->last = schema->subject;
    td_buf_text(list->out, list->any ? "," : "");
    list->any = true;
    if (list->brief) {
        put_subject(list, schema->subject);
        return;
    }
    td_buf_text(list->out, "\n{\"subject\":");
    put_subject(list, schema->subject);
    put_number(list->out, "version", schema->version > 0 ? schema->version : -1);
    put_number(list->out, "id", schema->id);
    td_buf_text(list->out, ",\"schema\":");
    if (schema->name != NULL)
        td_json_put_string(list->out, td_text(schema->name));
    else
        td_buf_text(list->out, "null");
    td_buf_text(list->out, "}");
}

static void put_schemas(td_topic_answer *a, td_buf *out, const td_topic *topic, bool brief) {
    schema_list list = {.answer = a, .out = out, .brief = brief};
    td_buf_printf(out, ",\"%s\":[", brief ? "subjects" : "schemas");
    td_browser_each_schema(a->browser, td_topic_name(topic), put_schema, &list);
    td_buf_text(out, "]");
}

/* {"topic":…, all but its end. */
static void put_topic(td_topic_answer *a, td_buf *out, const td_topic *topic) {
    td_buf_text(out, "{\"topic\":");
    td_json_put_string(out, td_text(td_topic_name(topic)));
    td_buf_printf(out,
                  ",\"partitions\":%" PRIu32 ",\"start\":%" PRId64 ",\"end\":%" PRId64 ",\"synced\":%" PRId64
                  ",\"records\":%" PRId64,
                  td_topic_partitions(topic), a->start, a->end, a->synced, a->end - a->start);
    put_number(out, "bytes", a->bytes);
    put_retention(out, &td_view_topics(a->view)->run, td_topic_name(topic));
}

/* ---- its partitions ---- */

static void put_reader(void *arg, const td_serve_reader *reader) {
    td_topic_answer *a = arg;
    int64_t end = td_topic_end(a->topics[0], a->partition), lag = end - reader->offset;
    td_buf_text(&a->readers, a->readers.size > 0 ? ",\n{\"reader\":" : "\n{\"reader\":");
    td_json_put_string(&a->readers, td_text(reader->name));
    td_buf_printf(&a->readers, ",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"lag\":%" PRId64 "}", a->partition,
                  reader->offset, lag > 0 ? lag : 0);
}

static td_status ask_readers(td_topic_answer *a) {
    const td_serve_run *run = &td_view_topics(a->view)->run;
    if (run->readers == NULL) return TD_OK;
    return run->readers(run->self, a->topics[0], a->partition, put_reader, a);
}

static void add_partition(td_topic_answer *a, const td_topic *topic) {
    uint32_t p = a->partition;
    int64_t start = td_topic_start(topic, p), end = td_topic_end(topic, p), synced = td_topic_synced(topic, p),
            bytes = td_topic_bytes(topic, p);
    a->start += start;
    a->end += end;
    a->synced += synced;
    a->bytes = bytes < 0 ? -1 : a->bytes + bytes;
    if (a->request.kind != TD_API_TOPIC) return;
    td_buf_printf(&a->offsets,
                  "%s\n{\"partition\":%" PRIu32 ",\"start\":%" PRId64 ",\"end\":%" PRId64 ",\"synced\":%" PRId64
                  ",\"records\":%" PRId64,
                  p > 0 ? "," : "", p, start, end, synced, end - start);
    put_number(&a->offsets, "bytes", bytes);
    td_buf_text(&a->offsets, "}");
}

static void put_whole_topic(td_topic_answer *a, td_buf *out) {
    const td_serve_run *run = &td_view_topics(a->view)->run;
    put_topic(a, out, a->topics[0]);
    td_buf_text(out, ",\"registry\":");
    if (run->registry != NULL)
        td_json_put_string(out, td_text(run->registry));
    else
        td_buf_text(out, "null");
    put_schemas(a, out, a->topics[0], false);
    td_buf_text(out, ",\"offsets\":[");
    td_buf_put(out, a->offsets.data, a->offsets.size);
    td_buf_text(out, "],\"readers\":[");
    td_buf_put(out, a->readers.data, a->readers.size);
    td_buf_text(out, "]}\n");
}

static td_status step_topics(td_topic_answer *a, td_buf *out) {
    bool one = a->request.kind == TD_API_TOPIC;
    if (!one && out->size == 0) td_buf_text(out, "{\"topics\":[");
    if (a->topic < a->topic_count) {
        const td_topic *topic = a->topics[a->topic];
        add_partition(a, topic);
        td_status status = one ? ask_readers(a) : TD_OK;
        if (status != TD_OK) return status;
        if (++a->partition < td_topic_partitions(topic)) return TD_AGAIN;
        if (one) {
            put_whole_topic(a, out);
            return TD_OK;
        }
        td_buf_text(out, a->topic > 0 ? ",\n" : "\n");
        put_topic(a, out, topic);
        put_schemas(a, out, topic, true);
        td_buf_text(out, "}");
        a->start = a->end = a->synced = a->bytes = 0;
        a->partition = 0;
        a->topic++;
        return TD_AGAIN;
    }
    td_buf_text(out, "\n]}\n");
    return TD_OK;
}

/* ---- groups of others ---- */

static void put_group(const td_topic_answer *a, td_buf *out, const td_serve_group *group, bool first) {
    int64_t lag = a->ends[group->partition] - group->offset;
    td_buf_text(out, first ? "\n{\"group\":" : ",\n{\"group\":");
    td_json_put_string(out, td_text(group->name));
    td_buf_printf(out, ",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"lag\":%" PRId64 "}", group->partition,
                  group->offset, td_most(lag, 0));
}

/* Whether all are told: one may be further than the partitions that are known here. */
static bool put_groups(const td_topic_answer *a, td_buf *out) {
    const td_serve_groups *groups = &td_view_topics(a->view)->run.groups;
    bool whole = !groups->is_cut(a->groups), first = true;
    td_serve_group group;
    for (size_t i = 0; groups->at(a->groups, i, &group); i++) {
        bool known = group.partition < a->partition;
        if (known) put_group(a, out, &group, first);
        first = first && !known;
        whole = whole && known;
    }
    return whole;
}

/* Brokers may have to be asked for an end, and be silent: one a step, however many groups there are. */
static td_status step_groups(td_topic_answer *a, td_buf *out) {
    td_status status = a->groups != NULL ? td_view_topics(a->view)->run.groups.step(a->groups) : TD_OK;
    if (status != TD_OK) return status;
    if (a->groups != NULL && a->partition < td_topic_partitions(a->topics[0])) {
        a->ends[a->partition] = td_topic_end(a->topics[0], a->partition);
        a->partition++;
        return TD_AGAIN;
    }
    td_buf_printf(out, "{\"topic\":\"%s\",\"groups\":[", a->request.topic);
    bool whole = a->groups == NULL || put_groups(a, out);
    td_buf_printf(out, "],\"complete\":%s}\n", whole ? "true" : "false");
    return TD_OK;
}

/* ---- records ---- */

static void put_escaped(td_buf *out, const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        td_buf_printf(out, isalnum(c) || strchr("-._:", c) != NULL ? "%c" : "%%%02X", c);
    }
}

/* The same question at another place; NULL: there is none. */
static char *page_at(const td_topic_answer *a, const char *how, int64_t at) {
    const td_api_request *r = &a->request;
    td_buf link = {0};
    if (at < 0) return NULL;
    td_buf_printf(&link, "/api/v1/topics/%s/records?partition=%" PRId64 "&limit=%" PRId64, r->topic,
                  a->excerpt_partition, r->limit);
    if (r->key[0] != '\0') td_buf_text(&link, "&key=");
    put_escaped(&link, r->key);
    td_buf_printf(&link, "&%s=%" PRId64 "%c", how, at, '\0');
    return (char *)link.data;
}

static void put_link(td_buf *out, const char *name, const char *link) {
    td_buf_printf(out, ",\"%s\":", name);
    if (link != NULL)
        td_json_put_string(out, td_text(link));
    else
        td_buf_text(out, "null");
}

static void put_page(td_topic_answer *a, td_buf *out, bool forward) {
    td_buf_printf(out, "{\"topic\":\"%s\"", a->request.topic);
    put_number(out, "partition", a->excerpt_partition);
    td_buf_printf(out, ",\"order\":\"%s\",\"records\":[", forward ? "oldest_first" : "newest_first");
}

static void end_page(td_topic_answer *a, td_buf *out, bool forward) {
    char *previous = page_at(a, forward ? "cursor" : "offset", td_excerpt_back(a->excerpt));
    a->next = page_at(a, forward ? "offset" : "cursor", td_excerpt_rest(a->excerpt));
    td_buf_printf(out, "\n],\"complete\":%s", td_excerpt_is_cut(a->excerpt) ? "false" : "true");
    put_link(out, "next", a->next);
    put_link(out, "previous", previous);
    td_buf_text(out, "}\n");
    free(previous);
}

static void put_record(const td_topic_answer *a, td_buf *out, td_excerpt_row row) {
    td_shown shown = {.topic = td_topic_name(a->topics[0]), .partition = row.partition, .record = &row.record};
    if (row.record.value.size < row.value_bytes) {
        shown.value_bytes = row.value_bytes;
        row.record.value.size = PART_BYTES;
    }
    td_show_record(out, td_view_topics(a->view)->ids, &shown);
}

static td_status step_records(td_topic_answer *a, td_buf *out) {
    bool forward = a->request.offset >= 0 || a->request.time_ns != INT64_MIN;
    td_status status = td_excerpt_step(a->excerpt);
    if (status != TD_OK) return status;
    size_t count = td_excerpt_count(a->excerpt), before = out->size;
    if (a->row == 0) put_page(a, out, forward);
    for (size_t i = 0; i < SHOWN_PER_STEP && a->row < count && out->size - before < SHOWN_BYTES; i++, a->row++) {
        td_buf_text(out, a->row > 0 ? ",\n" : "\n");
        put_record(a, out, td_excerpt_at(a->excerpt, a->row));
    }
    if (a->row < count) return TD_AGAIN;
    end_page(a, out, forward);
    return TD_OK;
}

td_status td_topic_answer_step(td_topic_answer *a, td_buf *out) {
    if (a->request.kind == TD_API_GROUPS) return step_groups(a, out);
    return a->excerpt != NULL ? step_records(a, out) : step_topics(a, out);
}

const char *td_topic_answer_next(const td_topic_answer *a) { return a->next != NULL ? a->next : ""; }
