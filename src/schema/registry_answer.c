/* src/schema/registry_answer.c - one row per member that is read; others are passed over. */
#include "schema/registry_answer.h"
#include "base/decimal.h"
#include "base/json.h"
#include <stdlib.h>

/* Appends the text without its escapes. */
static bool put_text(td_buf *out, const td_json *json) {
    char *text = td_alloc(json->text.size + 1);
    size_t size = td_json_unescape(json->text, text, json->text.size);
    if (size != SIZE_MAX) td_buf_put(out, text, size);
    free(text);
    return size != SIZE_MAX;
}

/* What a stranger says is shown on a terminal: no control characters, and not without end. */
static bool put_message(td_registry_answer *a, const td_json *json) {
    td_buf text = {0};
    bool good = put_text(&text, json);
    if (a->message.size > 0 && a->message.size + 2 < TD_REGISTRY_MESSAGE_MAX) td_buf_text(&a->message, "; ");
    for (size_t i = 0; i < text.size && a->message.size < TD_REGISTRY_MESSAGE_MAX;) {
        size_t size = td_utf8_size(text.data + i, text.size - i); /* never 0: it has been unescaped */
        bool plain = text.data[i] >= ' ' && text.data[i] != 0x7F;
        if (a->message.size + size > TD_REGISTRY_MESSAGE_MAX) break;
        td_buf_put(&a->message, plain ? (const void *)(text.data + i) : " ", plain ? size : 1);
        i += size;
    }
    td_buf_fini(&text);
    return good;
}

static bool read_messages(td_registry_answer *a, td_json *json, td_json_type type) {
    if (type == TD_JSON_NULL) return true;
    if (type != TD_JSON_ARRAY) return false;
    while ((type = td_json_next(json)) == TD_JSON_STRING)
        if (!put_message(a, json)) return false;
    return type == TD_JSON_ARRAY_END;
}

static bool read_number(const td_json *json, td_json_type type, int32_t *out) {
    int64_t number;
    bool inexact;
    if (type != TD_JSON_NUMBER || td_decimal_parse(json->text, 0, &number, &inexact) != TD_OK || inexact) return false;
    *out = (int32_t)number;
    return number > 0 && number <= INT32_MAX;
}

static bool read_member(td_registry_answer *a, td_json *json) {
    td_bytes key = json->text;
    td_json at = *json;
    td_json_type type = td_json_next(&at);
    bool good;
    if (td_bytes_equal(key, TD_TEXT("id"))) {
        good = read_number(&at, type, &a->id);
    } else if (td_bytes_equal(key, TD_TEXT("error_code"))) {
        good = read_number(&at, type, &a->error_code);
    } else if (td_bytes_equal(key, TD_TEXT("schema"))) {
        a->schema.size = 0;
        good = type == TD_JSON_STRING && put_text(&a->schema, &at);
    } else if (td_bytes_equal(key, TD_TEXT("message"))) {
        good = type == TD_JSON_NULL || (type == TD_JSON_STRING && put_message(a, &at));
    } else if (td_bytes_equal(key, TD_TEXT("messages"))) {
        good = read_messages(a, &at, type);
    } else if (td_bytes_equal(key, TD_TEXT("is_compatible"))) {
        a->judges = good = type == TD_JSON_TRUE || type == TD_JSON_FALSE;
        a->follows = type == TD_JSON_TRUE;
    } else {
        return td_json_skip(json);
    }
    *json = at;
    return good;
}

bool td_registry_answer_read(td_registry_answer *out, td_bytes body) {
    td_json json;
    td_json_type type = TD_JSON_ERROR;
    *out = (td_registry_answer){0};
    td_json_init(&json, body);
    bool good = td_json_next(&json) == TD_JSON_OBJECT;
    while (good && (type = td_json_next(&json)) == TD_JSON_KEY) good = read_member(out, &json);
    return good && type == TD_JSON_OBJECT_END && td_json_next(&json) == TD_JSON_END;
}

void td_registry_answer_fini(td_registry_answer *a) {
    td_buf_fini(&a->schema);
    td_buf_fini(&a->message);
}
