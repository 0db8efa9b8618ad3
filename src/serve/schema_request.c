/* src/serve/schema_request.c - one row per method and path. */
#include "serve/schema_request.h"
#include "base/decimal.h"
#include "base/json.h"
#include <stdarg.h>
#include <stdio.h>

/* The longer ones come first, since a subject may end as the others do. */
static const struct row {
    td_schema_ask ask;
    td_schema_method method;
    const char *before, *between, *last, *after; /* before SUBJECT between VERSION after: NULL where there is none */
} rows[] = {
    {TD_SCHEMA_ASK_CHECK, TD_SCHEMA_POST, "/compatibility/subjects/", "/versions/", "v", ""},
    {TD_SCHEMA_ASK_CHECK_ALL, TD_SCHEMA_POST, "/compatibility/subjects/", "/versions", NULL, NULL},
    {TD_SCHEMA_ASK_VERSION_TEXT, TD_SCHEMA_GET, "/subjects/", "/versions/", "v", "/schema"},
    {TD_SCHEMA_ASK_REFERENCES, TD_SCHEMA_GET, "/subjects/", "/versions/", "v", "/referencedby"},
    {TD_SCHEMA_ASK_VERSION, TD_SCHEMA_GET, "/subjects/", "/versions/", "v", ""},
    {TD_SCHEMA_ASK_DELETE_VERSION, TD_SCHEMA_DELETE, "/subjects/", "/versions/", "v", ""},
    {TD_SCHEMA_ASK_VERSIONS, TD_SCHEMA_GET, "/subjects/", "/versions", NULL, NULL},
    {TD_SCHEMA_ASK_REGISTER, TD_SCHEMA_POST, "/subjects/", "/versions", NULL, NULL},
    {TD_SCHEMA_ASK_LOOKUP, TD_SCHEMA_POST, "/subjects/", "", NULL, NULL},
    {TD_SCHEMA_ASK_DELETE, TD_SCHEMA_DELETE, "/subjects/", "", NULL, NULL},
    {TD_SCHEMA_ASK_LEVEL, TD_SCHEMA_GET, "/config/", "", NULL, NULL},
    {TD_SCHEMA_ASK_SET_LEVEL, TD_SCHEMA_PUT, "/config/", "", NULL, NULL},
    {TD_SCHEMA_ASK_DELETE_LEVEL, TD_SCHEMA_DELETE, "/config/", "", NULL, NULL},
    {TD_SCHEMA_ASK_MODE, TD_SCHEMA_GET, "/mode/", "", NULL, NULL},
    {TD_SCHEMA_ASK_SET_MODE, TD_SCHEMA_PUT, "/mode/", "", NULL, NULL},
    {TD_SCHEMA_ASK_DELETE_MODE, TD_SCHEMA_DELETE, "/mode/", "", NULL, NULL},
    {TD_SCHEMA_ASK_ID_TEXT, TD_SCHEMA_GET, "/schemas/ids/", NULL, "i", "/schema"},
    {TD_SCHEMA_ASK_ID_SUBJECTS, TD_SCHEMA_GET, "/schemas/ids/", NULL, "i", "/subjects"},
    {TD_SCHEMA_ASK_ID_VERSIONS, TD_SCHEMA_GET, "/schemas/ids/", NULL, "i", "/versions"},
    {TD_SCHEMA_ASK_ID, TD_SCHEMA_GET, "/schemas/ids/", NULL, "i", ""},
    {TD_SCHEMA_ASK_TYPES, TD_SCHEMA_GET, "/schemas/types", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_SCHEMAS, TD_SCHEMA_GET, "/schemas", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_CONTEXTS, TD_SCHEMA_GET, "/contexts", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_SUBJECTS, TD_SCHEMA_GET, "/subjects", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_LEVEL, TD_SCHEMA_GET, "/config", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_SET_LEVEL, TD_SCHEMA_PUT, "/config", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_DELETE_LEVEL, TD_SCHEMA_DELETE, "/config", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_MODE, TD_SCHEMA_GET, "/mode", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_SET_MODE, TD_SCHEMA_PUT, "/mode", NULL, NULL, NULL},
    {TD_SCHEMA_ASK_ROOT, TD_SCHEMA_GET, "", NULL, NULL, NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

bool td_schema_fail(td_schema_error *error, int code, const char *fmt, ...) {
    va_list args;
    *error = (td_schema_error){.http = code >= 10000 ? code / 100 : code, .code = code};
    va_start(args, fmt);
    (void)vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    return false;
}

void td_schema_put_error(td_buf *out, const td_schema_error *error) {
    td_buf_printf(out, "{\"error_code\":%d,\"message\":", error->code);
    td_json_put_string(out, td_text(error->message));
    td_buf_text(out, "}");
}

bool td_schema_is_posted(td_schema_ask ask) {
    return ask == TD_SCHEMA_ASK_LOOKUP || ask == TD_SCHEMA_ASK_REGISTER || ask == TD_SCHEMA_ASK_CHECK ||
           ask == TD_SCHEMA_ASK_CHECK_ALL || ask == TD_SCHEMA_ASK_SET_LEVEL || ask == TD_SCHEMA_ASK_SET_MODE;
}

/* Cuts the end off. */
static bool cut_end(td_bytes *text, const char *end) {
    size_t size = strlen(end);
    if (text->size < size || memcmp(text->data + text->size - size, end, size) != 0) return false;
    text->size -= size;
    return true;
}

/* Cuts off what stands behind the last slash. */
static bool cut_last(td_bytes *text, td_bytes *out) {
    size_t at = text->size;
    while (at > 0 && text->data[at - 1] != '/') at--;
    *out = (td_bytes){text->data + at, text->size - at};
    text->size = at;
    return at > 0 && out->size > 0;
}

/* What follows such words is no part of a subject. */
static bool has_versions(td_bytes text) {
    return td_bytes_have(text, TD_TEXT("/versions/")) || cut_end(&text, "/versions");
}

/* Of "/subjects/a/b/versions/3" with that row's parts: "a/b" and "3". */
static bool match(const struct row *row, td_bytes path, td_bytes *subject, td_bytes *last) {
    size_t size = strlen(row->before);
    if (row->between == NULL && row->last == NULL) return td_bytes_equal(path, td_text(row->before));
    if (path.size <= size || memcmp(path.data, row->before, size) != 0) return false;
    td_bytes rest = {path.data + size, path.size - size};
    if (row->last != NULL && row->between == NULL) { /* an id */
        *last = rest;
        return cut_end(last, row->after) && last->size > 0 && memchr(last->data, '/', last->size) == NULL;
    }
    if (row->last != NULL && (!cut_end(&rest, row->after) || !cut_last(&rest, last))) return false;
    *subject = rest;
    if (!cut_end(subject, row->between) || subject->size == 0) return false;
    return row->between[0] != '\0' || !has_versions(*subject);
}

static bool read_number(td_bytes text, int64_t *out) {
    bool inexact;
    if (text.size == 0 || text.size > 11) return false;
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < '0' || text.data[i] > '9') && (i > 0 || text.data[i] != '-')) return false;
    return td_decimal_parse(text, 0, out, &inexact) == TD_OK && !inexact;
}

static bool read_version(td_bytes text, td_schema_request *out, td_schema_error *error) {
    int64_t number = 0;
    bool latest = td_bytes_equal(text, TD_TEXT("latest")) || td_bytes_equal(text, TD_TEXT("-1"));
    bool good = latest || (read_number(text, &number) && number >= 1 && number <= INT32_MAX);
    out->version = latest ? TD_SCHEMA_LATEST : (int32_t)number;
    return good || td_schema_fail(error, 42202,
                                  "The specified version '%.*s' is not a valid version id. Allowed values are between "
                                  "[1, 2^31-1] and the string \"latest\"",
                                  text.size > 40 ? 40 : (int)text.size, (const char *)text.data);
}

static bool read_subject(td_bytes text, td_schema_request *out, td_schema_error *error) {
    bool good = text.size <= TD_SUBJECT_MAX && td_utf8_find_bad(text) == text.size;
    for (size_t i = 0; good && i < text.size; i++) good = text.data[i] >= 0x20 && text.data[i] != 0x7f;
    good = good && !(text.size >= 2 && memcmp(text.data, ":.", 2) == 0); /* contexts are not kept apart here */
    if (!good)
        return td_schema_fail(error, 42208,
                              "The specified subject is not a valid subject: up to %d bytes of UTF-8 without control "
                              "characters, in no context",
                              TD_SUBJECT_MAX);
    memcpy(out->subject, text.data, text.size);
    return true;
}

static bool read_id(td_bytes text, td_schema_request *out, td_schema_error *error) {
    int64_t number;
    if (!read_number(text, &number) || number < INT32_MIN || number > INT32_MAX)
        return td_schema_fail(error, 404, "HTTP 404 Not Found");
    out->id = (int32_t)number;
    return true;
}

static bool fail_path(td_bytes path, td_schema_error *error) {
    static const char *const words[] = {"GET", "POST", "PUT", "DELETE"};
    td_bytes subject, last;
    unsigned methods = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (match(&rows[i], path, &subject, &last)) methods |= 1u << rows[i].method;
    if (methods == 0) return td_schema_fail(error, 404, "HTTP 404 Not Found");
    (void)td_schema_fail(error, 405, "HTTP 405 Method Not Allowed");
    size_t size = 0;
    for (unsigned m = 0; m < TD_SCHEMA_OTHER; m++)
        if ((methods >> m & 1) != 0)
            size += (size_t)snprintf(error->allow + size, sizeof error->allow - size, "%s%s", size > 0 ? ", " : "",
                                     words[m]);
    return false;
}

bool td_schema_request_read(td_schema_request *out, td_schema_method method, td_bytes path, td_schema_error *error) {
    td_bytes subject = {0}, last = {0};
    size_t at = 0;
    *out = (td_schema_request){.limit = -1};
    while (path.size > 0 && path.data[path.size - 1] == '/') path.size--;
    while (at < ROWS && (rows[at].method != method || !match(&rows[at], path, &subject, &last))) at++;
    if (at == ROWS) return fail_path(path, error);
    out->ask = rows[at].ask;
    if (rows[at].last != NULL && rows[at].last[0] == 'i') return read_id(last, out, error);
    if (rows[at].between != NULL && !read_subject(subject, out, error)) return false;
    return rows[at].last == NULL || read_version(last, out, error);
}

static void set_count(td_bytes value, int32_t *out) {
    int64_t number;
    if (read_number(value, &number) && number >= 0 && number <= INT32_MAX) *out = (int32_t)number;
}

void td_schema_request_set(td_schema_request *r, td_bytes name, td_bytes value) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"deleted", &r->deleted},          {"lookupDeletedSubject", &r->deleted},
                 {"deletedOnly", &r->deleted_only}, {"permanent", &r->permanent},
                 {"verbose", &r->verbose},          {"defaultToGlobal", &r->default_to_global},
                 {"latestOnly", &r->latest_only}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (td_bytes_equal(name, td_text(flags[i].name)))
            *flags[i].flag = value.size == 4 && td_bytes_have(value, TD_TEXT("TRUE"));
    if (td_bytes_equal(name, TD_TEXT("offset"))) set_count(value, &r->offset);
    if (td_bytes_equal(name, TD_TEXT("limit"))) set_count(value, &r->limit);
    if (!td_bytes_equal(name, TD_TEXT("subjectPrefix")) || value.size == 0 || value.size > TD_SUBJECT_MAX) return;
    memcpy(r->prefix, value.data, value.size);
    r->prefix[value.size] = '\0';
}
