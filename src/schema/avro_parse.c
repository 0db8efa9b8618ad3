/* src/schema/avro_parse.c - a schema's text into nodes. An object's attributes may stand in any order, and names depend
 * on them, so an object is first read for where each value stands, and then in the order of need. */
#include "base/decimal.h"
#include "base/option.h"
#include "schema/avro_build.h"
#include <stdio.h>

typedef enum attribute {
    TYPE,
    NAME,
    NAMESPACE,
    ALIASES,
    FIELDS,
    SYMBOLS,
    ITEMS,
    VALUES,
    SIZE,
    DEFAULT,
    LOGICAL_TYPE,
    PRECISION,
    SCALE,
    ATTRIBUTE_COUNT
} attribute;

static const char *const attribute_names[ATTRIBUTE_COUNT] = {
    [TYPE] = "type",
    [NAME] = "name",
    [NAMESPACE] = "namespace",
    [ALIASES] = "aliases",
    [FIELDS] = "fields",
    [SYMBOLS] = "symbols",
    [ITEMS] = "items",
    [VALUES] = "values",
    [SIZE] = "size",
    [DEFAULT] = "default",
    [LOGICAL_TYPE] = "logicalType",
    [PRECISION] = "precision",
    [SCALE] = "scale",
};

typedef struct attributes {
    const uint8_t *at;               /* the object */
    td_json values[ATTRIBUTE_COUNT]; /* a reader that stands before each value */
    td_bytes default_json;
    bool has[ATTRIBUTE_COUNT];
} attributes;

/* Where a name is looked up, and what it is completed with. */
typedef struct scope {
    td_avro_schema *schema;
    td_bytes space;
} scope;

static td_status parse_type(const scope *in, td_json *json, td_avro_node **out);

static attribute find_attribute(const td_json *key) {
    char name[16];
    size_t size = td_json_unescape(key->text, name, sizeof name - 1);
    attribute found = 0;
    if (size == SIZE_MAX) return ATTRIBUTE_COUNT;
    name[size] = '\0';
    while (found < ATTRIBUTE_COUNT && strcmp(name, attribute_names[found]) != 0) found++;
    return found;
}

/* The reader stands behind the opening brace; afterwards behind the closing one. `out` is empty before. */
static td_status read_attributes(const scope *in, td_json *json, attributes *out) {
    out->at = json->at - 1;
    while (td_json_next(json) == TD_JSON_KEY) {
        attribute which = find_attribute(json);
        td_json value = *json;
        (void)td_json_skip(json);               /* check_json has been here */
        if (which == ATTRIBUTE_COUNT) continue; /* "doc", "order", and whatever people add */
        if (out->has[which])
            return avro_fault(in->schema, value.at, "\"%s\" stands twice here; keep one", attribute_names[which]);
        out->has[which] = true;
        out->values[which] = value;
        if (which == DEFAULT) out->default_json = (td_bytes){value.at, (size_t)(json->at - value.at)};
    }
    return TD_OK;
}

static td_status require(const scope *in, const attributes *a, attribute which, const char *what) {
    if (a->has[which]) return TD_OK;
    (void)avro_fault(in->schema, a->at, "%s needs \"%s\"; add it", what, attribute_names[which]);
    return TD_REJECT;
}

/* Begins the array that the reader stands before. */
static td_status open_array(const scope *in, td_json *json, attribute which) {
    td_json_type type = td_json_next(json);
    if (type == TD_JSON_ARRAY) return TD_OK;
    return avro_fault(in->schema, json->at, "\"%s\" must be an array [...]", attribute_names[which]);
}

/* Elements of the array just begun. */
static size_t count_elements(td_json json) {
    size_t count = 0;
    while (!avro_json_ends(&json) && td_json_skip(&json)) count++;
    return count;
}

static bool is_letter(uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

/* Letters, digits and _, the first no digit; with `dots`, several such parts between dots. */
static bool is_name(td_bytes text, bool dots) {
    bool first = true;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool dot = dots && c == '.' && !first;
        if (!dot && !is_letter(c) && (first || c < '0' || c > '9')) return false;
        first = dot;
    }
    return !first;
}

/* Reads a text that must be a name. */
static td_status take_name(const scope *in, td_json *json, bool dots, td_bytes *out) {
    if (td_json_next(json) != TD_JSON_STRING) return avro_fault(in->schema, json->at, "expected a name in quotes");
    td_status status = avro_text_take(in->schema, json, out);
    if (status != TD_OK || is_name(*out, dots)) return status;
    return avro_fault(in->schema, json->text.data, "\"%.*s\" is no name; use letters, digits and _, no digit first",
                      (int)(out->size < 64 ? out->size : 64), (const char *)out->data);
}

/* The name with its namespace: its own when it has dots, else the scope's. */
static td_bytes complete_name(const scope *in, td_bytes name) {
    if (in->space.size == 0 || memchr(name.data, '.', name.size) != NULL) return name;
    uint8_t *full = avro_alloc(in->schema, in->space.size + 1 + name.size);
    memcpy(full, in->space.data, in->space.size);
    full[in->space.size] = '.';
    memcpy(full + in->space.size + 1, name.data, name.size);
    return (td_bytes){full, in->space.size + 1 + name.size};
}

/* The namespace that an object says, which may be "", or the scope's. */
static td_status read_space(const scope *in, const attributes *a, scope *out) {
    *out = *in;
    if (!a->has[NAMESPACE]) return TD_OK;
    td_json json = a->values[NAMESPACE];
    td_json_type type = td_json_next(&json);
    if (type == TD_JSON_NULL) return TD_OK;
    if (type != TD_JSON_STRING) return avro_fault(in->schema, json.at, "\"namespace\" must be a text");
    td_status status = avro_text_take(in->schema, &json, &out->space);
    if (status != TD_OK || out->space.size == 0 || is_name(out->space, true)) return status;
    return avro_fault(in->schema, json.text.data, "no namespace; write names with dots between them");
}

static td_status read_aliases(const scope *in, const attributes *a, bool dots, td_avro_names *out) {
    if (!a->has[ALIASES]) return TD_OK;
    td_json json = a->values[ALIASES];
    td_status status = open_array(in, &json, ALIASES);
    if (status != TD_OK) return status;
    out->items = avro_alloc(in->schema, count_elements(json) * sizeof(td_bytes));
    while (!avro_json_ends(&json)) {
        status = take_name(in, &json, dots, &out->items[out->count]);
        if (status != TD_OK) return status;
        if (dots) out->items[out->count] = complete_name(in, out->items[out->count]);
        out->count++;
    }
    return TD_OK;
}

/* Names and aliases of a record, enum or fixed. *out_inner: the scope of what stands inside. */
static td_status define_type(const scope *in, const attributes *a, td_avro_node *node, scope *out_inner) {
    td_bytes name = {0};
    td_json json = a->values[NAME];
    td_status status = require(in, a, NAME, td_avro_type_name(node->type));
    if (status == TD_OK) status = take_name(in, &json, true, &name);
    if (status == TD_OK) status = read_space(in, a, out_inner);
    if (status != TD_OK) return status;
    node->name = complete_name(out_inner, name);
    out_inner->space = td_avro_name_space(node->name);
    for (int i = TD_AVRO_NULL; i <= TD_AVRO_STRING; i++)
        if (td_bytes_equal(td_avro_name_short(node->name), td_text(td_avro_type_name((td_avro_type)i))))
            return avro_fault(in->schema, json.text.data, "%s is Avro's own; choose another name",
                              td_avro_type_name((td_avro_type)i));
    if (!avro_name_add(in->schema, AVRO_SCOPE_TYPES, node->name, node->index))
        return avro_fault(in->schema, json.text.data,
                          "%.*s is defined already; refer to it by its name, or choose another", (int)node->name.size,
                          (const char *)node->name.data);
    return read_aliases(out_inner, a, true, &node->aliases);
}

/* NULL, and a trail, when there are too many. */
static td_avro_node *new_node(const scope *in, const uint8_t *at, td_avro_type type) {
    td_avro_node *node = avro_node_new(in->schema, type);
    if (node == NULL) (void)avro_fault(in->schema, at, "more than %d types in one schema; split it", TD_AVRO_NODES_MAX);
    return node;
}

static td_status parse_field(const scope *in, td_json *json, td_avro_node *record, td_avro_field *field) {
    attributes a = {0};
    if (td_json_next(json) != TD_JSON_OBJECT)
        return avro_fault(in->schema, json->at, "a field is an object {\"name\": ..., \"type\": ...}");
    td_status status = read_attributes(in, json, &a);
    if (status == TD_OK) status = require(in, &a, NAME, "a field");
    if (status == TD_OK) status = require(in, &a, TYPE, "a field");
    if (status == TD_OK) status = take_name(in, &a.values[NAME], false, &field->name);
    if (status != TD_OK) return status;
    if (!avro_name_add(in->schema, 1 + record->index, field->name, (uint32_t)(field - record->fields)))
        return avro_fault(in->schema, a.at, "a second field \"%.*s\"; rename one", (int)field->name.size,
                          (const char *)field->name.data);
    status = read_aliases(in, &a, false, &field->aliases);
    if (status != TD_OK) return status;
    if (a.has[DEFAULT]) field->default_json = a.default_json;
    return parse_type(in, &a.values[TYPE], &field->type);
}

static td_status parse_record(const scope *in, attributes *a, td_avro_node *node) {
    scope inner;
    td_json *json = &a->values[FIELDS];
    td_status status = define_type(in, a, node, &inner);
    if (status == TD_OK) status = require(in, a, FIELDS, "record");
    if (status == TD_OK) status = open_array(in, json, FIELDS);
    if (status != TD_OK) return status;
    node->fields = avro_alloc(in->schema, count_elements(*json) * sizeof(td_avro_field));
    while (!avro_json_ends(json)) {
        status = parse_field(&inner, json, node, &node->fields[node->count]);
        if (status != TD_OK) return status;
        node->count++;
    }
    return TD_OK;
}

static td_status read_default_symbol(const scope *in, td_json *json, td_avro_node *node) {
    td_bytes symbol = {0};
    td_status status = take_name(in, json, false, &symbol);
    if (status != TD_OK) return status;
    node->default_symbol = td_avro_member_find(in->schema, node, symbol);
    if (node->default_symbol >= 0) return TD_OK;
    return avro_fault(in->schema, json->text.data, "the default \"%.*s\" is none of the symbols; add it to them",
                      (int)symbol.size, (const char *)symbol.data);
}

static td_status parse_enum(const scope *in, attributes *a, td_avro_node *node) {
    scope inner;
    td_json *json = &a->values[SYMBOLS];
    td_status status = define_type(in, a, node, &inner);
    if (status == TD_OK) status = require(in, a, SYMBOLS, "enum");
    if (status == TD_OK) status = open_array(in, json, SYMBOLS);
    if (status != TD_OK) return status;
    node->symbols = avro_alloc(in->schema, count_elements(*json) * sizeof(td_bytes));
    while (!avro_json_ends(json)) {
        td_bytes *symbol = &node->symbols[node->count];
        status = take_name(in, json, false, symbol);
        if (status != TD_OK) return status;
        if (!avro_name_add(in->schema, 1 + node->index, *symbol, (uint32_t)node->count))
            return avro_fault(in->schema, json->text.data, "a second symbol \"%.*s\"; remove one", (int)symbol->size,
                              (const char *)symbol->data);
        node->count++;
    }
    return a->has[DEFAULT] ? read_default_symbol(in, &a->values[DEFAULT], node) : TD_OK;
}

/* A whole number of 0..INT32_MAX. */
static bool take_count(td_json json, int32_t *out) {
    int64_t number;
    bool inexact;
    if (td_json_next(&json) != TD_JSON_NUMBER || td_decimal_parse(json.text, 0, &number, &inexact) != TD_OK)
        return false;
    *out = (int32_t)number;
    return !inexact && number >= 0 && number <= INT32_MAX;
}

static td_status parse_fixed(const scope *in, attributes *a, td_avro_node *node) {
    scope inner;
    int32_t size = 0;
    td_status status = define_type(in, a, node, &inner);
    if (status == TD_OK) status = require(in, a, SIZE, "fixed");
    if (status != TD_OK) return status;
    if (!take_count(a->values[SIZE], &size))
        return avro_fault(in->schema, a->values[SIZE].at, "\"size\" is a whole number of bytes, 0 to %d", INT32_MAX);
    node->size_bytes = (size_t)size;
    return TD_OK;
}

static td_status parse_items(const scope *in, attributes *a, td_avro_node *node) {
    attribute which = node->type == TD_AVRO_ARRAY ? ITEMS : VALUES;
    td_status status = require(in, a, which, td_avro_type_name(node->type));
    if (status != TD_OK) return status;
    node->nodes = avro_alloc(in->schema, sizeof(td_avro_node *));
    node->count = 1;
    return parse_type(in, &a->values[which], &node->nodes[0]);
}

/* Where the next element begins. */
static const uint8_t *next_value(const td_json *json) {
    const uint8_t *at = json->at;
    while (*at == ',' || *at == ' ' || *at == '\t' || *at == '\r' || *at == '\n') at++;
    return at;
}

/* What a union may hold but once: each type, and of those with names each name. */
static td_bytes branch_name(const td_avro_node *branch) {
    return branch->name.size > 0 ? branch->name : td_text(td_avro_type_name(branch->type));
}

static td_status parse_union(const scope *in, td_json *json, td_avro_node **out) {
    td_avro_node *node = new_node(in, json->at - 1, TD_AVRO_UNION);
    if (node == NULL) return TD_REJECT;
    *out = node;
    node->nodes = avro_alloc(in->schema, count_elements(*json) * sizeof(td_avro_node *));
    while (!avro_json_ends(json)) {
        const uint8_t *at = next_value(json);
        td_avro_node **branch = &node->nodes[node->count];
        td_status status = parse_type(in, json, branch);
        if (status != TD_OK) return status;
        if ((*branch)->type == TD_AVRO_UNION)
            return avro_fault(in->schema, at, "a union directly in a union; write their branches in one");
        td_bytes name = branch_name(*branch);
        if (!avro_name_add(in->schema, 1 + node->index, name, (uint32_t)node->count))
            return avro_fault(in->schema, at, "a second %.*s in the union; a reader could not tell them apart",
                              (int)name.size, (const char *)name.data);
        node->count++;
    }
    return TD_OK;
}

/* Which logical types there are, and on what they may stand. */
static const struct logical_row {
    const char *name;
    td_avro_logical logical;
    td_avro_type base;
    size_t size_bytes; /* fixed: what the size must be; 0: any */
} logical_rows[] = {
    {"decimal", TD_AVRO_DECIMAL, TD_AVRO_BYTES, 0},
    {"decimal", TD_AVRO_DECIMAL, TD_AVRO_FIXED, 0},
    {"big-decimal", TD_AVRO_BIG_DECIMAL, TD_AVRO_BYTES, 0},
    {"uuid", TD_AVRO_UUID, TD_AVRO_STRING, 0},
    {"uuid", TD_AVRO_UUID, TD_AVRO_FIXED, 16},
    {"date", TD_AVRO_DATE, TD_AVRO_INT, 0},
    {"time-millis", TD_AVRO_TIME_MILLIS, TD_AVRO_INT, 0},
    {"time-micros", TD_AVRO_TIME_MICROS, TD_AVRO_LONG, 0},
    {"timestamp-millis", TD_AVRO_TIMESTAMP_MILLIS, TD_AVRO_LONG, 0},
    {"timestamp-micros", TD_AVRO_TIMESTAMP_MICROS, TD_AVRO_LONG, 0},
    {"timestamp-nanos", TD_AVRO_TIMESTAMP_NANOS, TD_AVRO_LONG, 0},
    {"local-timestamp-millis", TD_AVRO_LOCAL_TIMESTAMP_MILLIS, TD_AVRO_LONG, 0},
    {"local-timestamp-micros", TD_AVRO_LOCAL_TIMESTAMP_MICROS, TD_AVRO_LONG, 0},
    {"local-timestamp-nanos", TD_AVRO_LOCAL_TIMESTAMP_NANOS, TD_AVRO_LONG, 0},
    {"duration", TD_AVRO_DURATION, TD_AVRO_FIXED, 12},
};

/* Decimal digits that any number of so many bytes, two's complement, can have: floor(log10(2^(8n - 1) - 1)). */
static int64_t fixed_digits(size_t size_bytes) {
    return size_bytes == 0 ? 0 : (int64_t)((double)(8 * size_bytes - 1) * 0.30102999566398120);
}

static bool read_decimal(const attributes *a, td_avro_type base, size_t size_bytes, td_avro_node *out) {
    out->scale = 0;
    if (!a->has[PRECISION] || !take_count(a->values[PRECISION], &out->precision)) return false;
    if (a->has[SCALE] && !take_count(a->values[SCALE], &out->scale)) return false;
    if (out->precision == 0 || out->scale > out->precision) return false;
    return base != TD_AVRO_FIXED || out->precision <= fixed_digits(size_bytes);
}

/* The logical type that fits, with a decimal's precision and scale; TD_AVRO_PLAIN else. */
static td_avro_node read_logical(const attributes *a, td_avro_type base, size_t size_bytes) {
    td_avro_node found = {.logical = TD_AVRO_PLAIN};
    if (!a->has[LOGICAL_TYPE]) return found;
    td_json json = a->values[LOGICAL_TYPE];
    if (td_json_next(&json) != TD_JSON_STRING) return found;
    for (size_t i = 0; i < sizeof logical_rows / sizeof logical_rows[0]; i++) {
        const struct logical_row *row = &logical_rows[i];
        if (row->base != base || !td_bytes_equal(json.text, td_text(row->name))) continue;
        if (row->size_bytes != 0 && row->size_bytes != size_bytes) continue;
        if (row->logical == TD_AVRO_DECIMAL && !read_decimal(a, base, size_bytes, &found)) continue;
        found.logical = row->logical;
    }
    return found;
}

static td_status fault_unknown(const scope *in, const td_json *json, td_bytes name) {
    const char *words[TD_AVRO_TYPE_COUNT]; /* a union has no word in a schema */
    char word[64];
    for (int i = 0; i < TD_AVRO_UNION; i++) words[i] = td_avro_type_name((td_avro_type)i);
    words[TD_AVRO_UNION] = NULL;
    (void)snprintf(word, sizeof word, "%.*s", (int)name.size, (const char *)name.data);
    const char *nearest = td_nearest(word, words);
    if (nearest != NULL)
        return avro_fault(in->schema, json->text.data, "no type \"%s\"; did you mean \"%s\"?", word, nearest);
    return avro_fault(in->schema, json->text.data, "no type \"%s\"; define it before it is used", word);
}

/* A primitive type, or a name defined earlier. The canonical form writes the full name of a type without namespace like
 * a name of the scope's, so that one is looked up as well. */
static td_status parse_word(const scope *in, const td_json *json, td_bytes word, td_avro_node **out) {
    for (int i = TD_AVRO_NULL; i <= TD_AVRO_STRING; i++)
        if (td_bytes_equal(word, td_text(td_avro_type_name((td_avro_type)i)))) {
            *out = in->schema->nodes[i];
            return TD_OK;
        }
    int64_t index = avro_name_find(in->schema, AVRO_SCOPE_TYPES, complete_name(in, word));
    if (index < 0) index = avro_name_find(in->schema, AVRO_SCOPE_TYPES, word);
    if (index < 0) return fault_unknown(in, json, word);
    *out = in->schema->nodes[index];
    return TD_OK;
}

/* The node, or one of its own when a primitive type has a logical one: the plain ones are everybody's. */
static td_status parse_logical(const scope *in, const attributes *a, td_avro_node *node, td_avro_node **out) {
    td_avro_node found = read_logical(a, node->type, node->size_bytes);
    if (found.logical != TD_AVRO_PLAIN) {
        if (node->type <= TD_AVRO_STRING) node = new_node(in, a->at, node->type);
        if (node == NULL) return TD_REJECT;
        node->logical = found.logical;
        node->precision = found.precision;
        node->scale = found.scale;
    }
    *out = node;
    return TD_OK;
}

/* {"type": ...}: the word of a kind with its attributes, or any schema in one more pair of braces. */
static td_status parse_object(const scope *in, attributes *a, td_avro_node **out) {
    static const struct {
        td_avro_type type;
        td_status (*parse)(const scope *in, attributes *a, td_avro_node *node);
    } kinds[] = {{TD_AVRO_RECORD, parse_record},
                 {TD_AVRO_ENUM, parse_enum},
                 {TD_AVRO_FIXED, parse_fixed},
                 {TD_AVRO_ARRAY, parse_items},
                 {TD_AVRO_MAP, parse_items}};
    td_status status = require(in, a, TYPE, "a schema");
    if (status != TD_OK) return status;
    td_json json = a->values[TYPE];
    td_bytes word;
    if (td_json_next(&json) != TD_JSON_STRING) return parse_type(in, &a->values[TYPE], out);
    status = avro_text_take(in->schema, &json, &word);
    if (status != TD_OK) return status;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!td_bytes_equal(word, td_text(td_avro_type_name(kinds[i].type)))) continue;
        td_avro_node *node = new_node(in, a->at, kinds[i].type);
        if (node == NULL) return TD_REJECT;
        status = kinds[i].parse(in, a, node);
        return status == TD_OK ? parse_logical(in, a, node, out) : status;
    }
    td_avro_node *node = NULL;
    status = parse_word(in, &json, word, &node);
    if (status != TD_OK) return status;
    if (node->type <= TD_AVRO_STRING) return parse_logical(in, a, node, out);
    *out = node; /* attributes beside a reference change nothing */
    return TD_OK;
}

static td_status parse_type(const scope *in, td_json *json, td_avro_node **out) {
    attributes a = {0};
    td_bytes word;
    td_status status;
    switch (td_json_next(json)) {
    case TD_JSON_STRING:
        status = avro_text_take(in->schema, json, &word);
        return status == TD_OK ? parse_word(in, json, word, out) : status;
    case TD_JSON_ARRAY:
        return parse_union(in, json, out);
    case TD_JSON_OBJECT:
        status = read_attributes(in, json, &a);
        return status == TD_OK ? parse_object(in, &a, out) : status;
    default:
        return avro_fault(in->schema, json->at, "a schema is \"a name\", {an object} or [a union]");
    }
}

static td_status fault_json(const scope *in, const td_json *json) {
    bool opens = json->at < json->end && (*json->at == '{' || *json->at == '[');
    if (opens && json->depth == TD_JSON_DEPTH_MAX)
        return avro_fault(in->schema, json->at, "nested more than %d deep; define the inner types first and name them",
                          TD_JSON_DEPTH_MAX);
    return avro_fault(in->schema, json->at, "this is not JSON, or it is cut short");
}

/* One pass for JSON itself, so that all later ones need not fear it. */
static td_status check_json(const scope *in) {
    td_json json;
    td_json_init(&json, in->schema->text);
    if (!td_json_skip(&json) || td_json_next(&json) != TD_JSON_END) return fault_json(in, &json);
    return TD_OK;
}

static td_status parse_text(td_avro_schema *schema) {
    scope top = {.schema = schema};
    td_json json;
    td_status status = check_json(&top);
    if (status != TD_OK) return status;
    for (int i = TD_AVRO_NULL; i <= TD_AVRO_STRING; i++) (void)avro_node_new(schema, (td_avro_type)i);
    td_json_init(&json, schema->text);
    status = parse_type(&top, &json, &schema->root);
    return status == TD_OK ? avro_defaults_encode(schema) : status;
}

td_status td_avro_schema_parse(td_bytes text, td_avro_schema **out) {
    if (text.size > TD_AVRO_TEXT_MAX)
        return TD_FAIL(TD_REJECT, "schema: %zu bytes of text, at most %d; remove what nobody reads", text.size,
                       TD_AVRO_TEXT_MAX);
    td_avro_schema *schema = td_alloc_zero(1, sizeof *schema);
    uint8_t *copy = avro_alloc(schema, text.size + 1);
    if (text.size > 0) memcpy(copy, text.data, text.size);
    schema->text = (td_bytes){copy, text.size};
    td_status status = parse_text(schema);
    if (status == TD_OK) {
        *out = schema;
        schema = NULL;
    }
    td_avro_schema_free(schema);
    return status;
}
