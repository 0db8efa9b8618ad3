/* src/schema/identity.c - JSON with sorted attributes, hashed. */
#include "schema/identity.h"
#include "base/hash.h"
#include "base/json.h"
#include <stdlib.h>

void td_schema_minify(td_bytes text, td_buf *out) {
    bool quoted = false;
    td_buf_reserve(out, text.size);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (quoted || !space) out->data[out->size++] = c;
        if (quoted && c == '\\' && i + 1 < text.size)
            out->data[out->size++] = text.data[++i];
        else if (c == '"')
            quoted = !quoted;
    }
}

typedef struct member {
    td_buf key, value;
} member;

static int compare_members(const void *a, const void *b) {
    return td_bytes_compare(td_buf_bytes(&((const member *)a)->key), td_buf_bytes(&((const member *)b)->key));
}

static void put_string(td_buf *out, const td_json *json) {
    char *text = td_alloc(json->text.size + 1);
    size_t size = td_json_unescape(json->text, text, json->text.size);
    td_json_put_string(out, size == SIZE_MAX ? json->text : (td_bytes){(const uint8_t *)text, size});
    free(text);
}

static bool put_value(td_json *json, td_json_type type, td_buf *out);

static bool read_members(td_json *json, member **members, size_t *count) {
    size_t capacity = 0;
    td_json_type type;
    while ((type = td_json_next(json)) == TD_JSON_KEY) {
        if (*count == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            *members = td_alloc_check(realloc(*members, capacity * sizeof **members), capacity * sizeof **members);
        }
        member *m = &(*members)[(*count)++];
        *m = (member){0};
        put_string(&m->key, json);
        if (!put_value(json, td_json_next(json), &m->value)) return false;
    }
    return type == TD_JSON_OBJECT_END;
}

/* {"type": "string"}, and nothing else: as good as "string". */
static bool is_type_alone(const member *members, size_t count) {
    return count == 1 && td_bytes_equal(td_buf_bytes(&members[0].key), TD_TEXT("\"type\"")) &&
           members[0].value.data[0] == '"';
}

static bool put_object(td_json *json, td_buf *out) {
    member *members = NULL;
    size_t count = 0;
    bool good = read_members(json, &members, &count);
    if (count > 1) qsort(members, count, sizeof *members, compare_members);
    bool alone = good && is_type_alone(members, count);
    if (!alone) td_buf_text(out, "{");
    for (size_t i = 0; i < count; i++) {
        if (!alone) {
            td_buf_text(out, i > 0 ? "," : "");
            td_buf_put(out, members[i].key.data, members[i].key.size);
            td_buf_text(out, ":");
        }
        td_buf_put(out, members[i].value.data, members[i].value.size);
        td_buf_fini(&members[i].key);
        td_buf_fini(&members[i].value);
    }
    if (!alone) td_buf_text(out, "}");
    free(members);
    return good;
}

static bool put_array(td_json *json, td_buf *out) {
    const char *between = "[";
    td_json_type type;
    while ((type = td_json_next(json)) != TD_JSON_ARRAY_END) {
        td_buf_text(out, between);
        between = ",";
        if (!put_value(json, type, out)) return false;
    }
    td_buf_text(out, between[0] == '[' ? "[]" : "]");
    return true;
}

static bool put_value(td_json *json, td_json_type type, td_buf *out) { /* as deep as the reader goes */
    switch (type) {
    case TD_JSON_OBJECT:
        return put_object(json, out);
    case TD_JSON_ARRAY:
        return put_array(json, out);
    case TD_JSON_STRING:
        put_string(out, json);
        return true;
    case TD_JSON_NUMBER:
        td_buf_put(out, json->text.data, json->text.size);
        return true;
    case TD_JSON_TRUE:
    case TD_JSON_FALSE:
    case TD_JSON_NULL:
        td_buf_text(out, type == TD_JSON_TRUE ? "true" : type == TD_JSON_FALSE ? "false" : "null");
        return true;
    default:
        return false;
    }
}

void td_schema_identity(td_bytes text, uint8_t out[TD_IDENTITY_BYTES]) {
    td_json json;
    td_buf same = {0};
    td_json_init(&json, text);
    if (!put_value(&json, td_json_next(&json), &same)) { /* deeper than the reader goes: its letters tell it apart */
        same.size = 0;
        td_schema_minify(text, &same);
    }
    td_sha256(td_buf_bytes(&same), out);
    td_buf_fini(&same);
}
