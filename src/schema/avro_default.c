/* src/schema/avro_default.c - defaults of fields: JSON, as the specification maps it to each type, into binary. Done on
 * demand, because a record in a default may leave out fields that have defaults of their own. */
#include "schema/avro.h"
#include "schema/avro_build.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef struct encoder {
    td_avro_schema *schema;
    td_buf *out;
    unsigned depth;
    size_t work; /* values tried and bytes looked at */
} encoder;

enum { WORK_MAX = 4 * TD_AVRO_TEXT_MAX }; /* unions in unions may be tried in 2^n ways, defaults be in defaults */

static const uint8_t in_progress[1]; /* stands for the bytes of a default that is being encoded */

static bool encode(encoder *e, const td_avro_node *node, td_json *json);

static void put_long(td_buf *out, int64_t v) {
    td_buf_reserve(out, TD_AVRO_LONG_MAX);
    out->size = (size_t)(td_avro_put_long(out->data + out->size, v) - out->data);
}

static bool put_text(td_buf *out, td_bytes text) {
    put_long(out, (int64_t)text.size);
    td_buf_put(out, text.data, text.size);
    return true;
}

/* Without point and exponent: 1.0 is a double's. */
static bool encode_integer(encoder *e, td_avro_type type, td_bytes text) {
    char digits[24], *end;
    if (text.size >= sizeof digits) return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    errno = 0;
    long long v = strtoll(digits, &end, 10);
    if (*end != '\0' || errno != 0) return false;
    if (type == TD_AVRO_INT && (v < INT32_MIN || v > INT32_MAX)) return false;
    put_long(e->out, v);
    return true;
}

static bool encode_real(encoder *e, td_avro_type type, td_bytes text) {
    char *digits = td_alloc(text.size + 1), *end;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    float single = strtof(digits, &end);
    double real = strtod(digits, &end);
    bool fits = type == TD_AVRO_FLOAT ? isfinite(single) : isfinite(real);
    free(digits);
    if (type == TD_AVRO_FLOAT)
        td_buf_put(e->out, &single, sizeof single);
    else
        td_buf_put(e->out, &real, sizeof real);
    return fits;
}

/* Characters U+0000 to U+00FF stand for bytes. */
static bool encode_bytes(encoder *e, const td_avro_node *node, td_bytes text) {
    uint8_t *bytes = avro_alloc(e->schema, text.size + 1);
    size_t count = 0;
    for (size_t i = 0; i < text.size; count++) {
        bool two = text.data[i] >= 0x80;
        if (two && text.data[i] > 0xc3) return false;
        unsigned high = two ? (text.data[i] & 3u) << 6 : 0, low = text.data[two ? i + 1 : i];
        bytes[count] = (uint8_t)(two ? high | (low & 0x3f) : low);
        i += two ? 2 : 1;
    }
    if (node->type == TD_AVRO_BYTES) return put_text(e->out, (td_bytes){bytes, count});
    td_buf_put(e->out, bytes, count);
    return count == node->size_bytes;
}

static bool encode_text(encoder *e, const td_avro_node *node, const td_json *json) {
    td_bytes text;
    e->work += json->text.size;
    if (avro_text_take(e->schema, json, &text) != TD_OK) return false;
    if (node->type == TD_AVRO_STRING) return put_text(e->out, text);
    if (node->type != TD_AVRO_ENUM) return encode_bytes(e, node, text);
    int32_t symbol = td_avro_member_find(e->schema, node, text);
    put_long(e->out, symbol);
    return symbol >= 0;
}

/* One block of all elements, then the empty one. The reader stands behind the opening bracket or brace. */
static bool encode_items(encoder *e, const td_avro_node *node, td_json *json) {
    td_buf items = {0}, *out = e->out;
    int64_t count = 0;
    bool good = true;
    for (e->out = &items; good && !avro_json_ends(json); count++) {
        td_bytes key;
        if (node->type == TD_AVRO_MAP)
            good = td_json_next(json) == TD_JSON_KEY && avro_text_take(e->schema, json, &key) == TD_OK &&
                   put_text(&items, key);
        good = good && encode(e, node->nodes[0], json);
    }
    e->out = out;
    if (count > 0) put_long(out, count);
    td_buf_put(out, items.data, items.size);
    td_buf_fini(&items);
    put_long(out, 0);
    return good;
}

/* Encodes a field's default once, for the schema's life. */
static bool encode_default(encoder *e, td_avro_field *field) {
    if (field->default_avro.data == in_progress || field->default_json.data == NULL) return false;
    if (field->default_avro.data != NULL) return true;
    td_buf bytes = {0}, *out = e->out;
    td_json json;
    field->default_avro.data = in_progress;
    td_json_init(&json, field->default_json);
    e->out = &bytes;
    bool good = encode(e, field->type, &json);
    e->out = out;
    uint8_t *copy = avro_alloc(e->schema, bytes.size + 1);
    if (bytes.size > 0) memcpy(copy, bytes.data, bytes.size);
    field->default_avro = (td_bytes){copy, bytes.size};
    e->work += bytes.size;
    td_buf_fini(&bytes);
    return good && field->default_avro.size <= TD_AVRO_DEFAULT_MAX;
}

/* Members may stand in any order and be missing where the field has a default. */
static bool encode_record(encoder *e, const td_avro_node *node, td_json *json) {
    td_json *values = td_alloc_zero(node->count + 1, sizeof *values);
    const uint8_t *start = json->at;
    bool good = true;
    while (good && !avro_json_ends(json)) {
        td_bytes key;
        good = td_json_next(json) == TD_JSON_KEY && avro_text_take(e->schema, json, &key) == TD_OK;
        int32_t index = good ? td_avro_member_find(e->schema, node, key) : -1;
        if (index >= 0) values[index] = *json;
        good = good && td_json_skip(json);
    }
    e->work += node->count + (size_t)(json->at - start);
    for (size_t i = 0; good && i < node->count; i++) {
        td_avro_field *field = &node->fields[i];
        if (values[i].at != NULL) {
            good = encode(e, field->type, &values[i]);
        } else {
            good = encode_default(e, field);
            if (good) td_buf_put(e->out, field->default_avro.data, field->default_avro.size);
        }
    }
    free(values);
    return good;
}

/* The first branch that takes it. */
static bool encode_union(encoder *e, const td_avro_node *node, td_json *json) {
    const td_json start = *json;
    size_t size = e->out->size;
    for (size_t i = 0; i < node->count; i++) {
        *json = start;
        e->out->size = size;
        put_long(e->out, (int64_t)i);
        if (encode(e, node->nodes[i], json)) return true;
    }
    return false;
}

static bool encode_value(encoder *e, const td_avro_node *node, td_json *json) {
    td_json_type type = td_json_next(json);
    switch (node->type) {
    case TD_AVRO_NULL:
        return type == TD_JSON_NULL;
    case TD_AVRO_BOOLEAN:
        td_buf_put(e->out, &(uint8_t){type == TD_JSON_TRUE}, 1);
        return type == TD_JSON_TRUE || type == TD_JSON_FALSE;
    case TD_AVRO_INT:
    case TD_AVRO_LONG:
        return type == TD_JSON_NUMBER && encode_integer(e, node->type, json->text);
    case TD_AVRO_FLOAT:
    case TD_AVRO_DOUBLE:
        return type == TD_JSON_NUMBER && encode_real(e, node->type, json->text);
    case TD_AVRO_RECORD:
        return type == TD_JSON_OBJECT && encode_record(e, node, json);
    case TD_AVRO_MAP:
        return type == TD_JSON_OBJECT && encode_items(e, node, json);
    case TD_AVRO_ARRAY:
        return type == TD_JSON_ARRAY && encode_items(e, node, json);
    default:
        return type == TD_JSON_STRING && encode_text(e, node, json);
    }
}

static bool encode(encoder *e, const td_avro_node *node, td_json *json) {
    if (e->depth == TD_AVRO_DEPTH_MAX || ++e->work > WORK_MAX || e->out->size > TD_AVRO_DEFAULT_MAX) return false;
    e->depth++;
    bool good = node->type == TD_AVRO_UNION ? encode_union(e, node, json) : encode_value(e, node, json);
    e->depth--;
    return good;
}

td_status avro_defaults_encode(td_avro_schema *schema) {
    encoder e = {.schema = schema};
    for (uint32_t i = 0; i < schema->node_count; i++) {
        const td_avro_node *node = schema->nodes[i];
        for (size_t k = 0; node->type == TD_AVRO_RECORD && k < node->count; k++) {
            td_avro_field *field = &node->fields[k];
            if (field->default_json.data == NULL || encode_default(&e, field)) continue;
            return avro_fault(schema, field->default_json.data, "the default of \"%.*s\" is no %s; correct it",
                              (int)field->name.size, (const char *)field->name.data,
                              td_avro_type_name(field->type->type));
        }
    }
    return TD_OK;
}
