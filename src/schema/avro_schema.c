/* src/schema/avro_schema.c - a schema's memory and names; the parser fills both. */
#include "base/hash.h"
#include "schema/avro_build.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 8192, SLOTS_MIN = 64 };

typedef struct avro_chunk {
    struct avro_chunk *next;
    size_t used, size;
    _Alignas(16) uint8_t data[];
} avro_chunk;

static const char *const type_names[TD_AVRO_TYPE_COUNT] = {
    [TD_AVRO_NULL] = "null",     [TD_AVRO_BOOLEAN] = "boolean", [TD_AVRO_INT] = "int",     [TD_AVRO_LONG] = "long",
    [TD_AVRO_FLOAT] = "float",   [TD_AVRO_DOUBLE] = "double",   [TD_AVRO_BYTES] = "bytes", [TD_AVRO_STRING] = "string",
    [TD_AVRO_RECORD] = "record", [TD_AVRO_ENUM] = "enum",       [TD_AVRO_FIXED] = "fixed", [TD_AVRO_ARRAY] = "array",
    [TD_AVRO_MAP] = "map",       [TD_AVRO_UNION] = "union",
};

const char *td_avro_type_name(td_avro_type type) { return type_names[type]; }

static size_t space_size(td_bytes full_name) {
    size_t size = full_name.size;
    while (size > 0 && full_name.data[size - 1] != '.') size--;
    return size; /* the dot included */
}

td_bytes td_avro_name_short(td_bytes full_name) { return td_bytes_from(full_name, space_size(full_name)); }

td_bytes td_avro_name_space(td_bytes full_name) {
    size_t size = space_size(full_name);
    return (td_bytes){full_name.data, size > 0 ? size - 1 : 0};
}

void *avro_alloc(td_avro_schema *schema, size_t size) {
    avro_chunk *chunk = schema->chunks;
    size = (size + 15) & ~(size_t)15;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = td_alloc_zero(1, sizeof *chunk + room);
        *chunk = (avro_chunk){.next = schema->chunks, .size = room};
        schema->chunks = chunk;
    }
    void *data = chunk->data + chunk->used;
    chunk->used += size;
    return data;
}

td_avro_node *avro_node_new(td_avro_schema *schema, td_avro_type type) {
    if (schema->node_count == TD_AVRO_NODES_MAX) return NULL;
    if (schema->node_count == schema->node_capacity) {
        td_avro_node **old = schema->nodes;
        schema->node_capacity = schema->node_capacity == 0 ? 32 : 2 * schema->node_capacity;
        schema->nodes = td_alloc(schema->node_capacity * sizeof(td_avro_node *));
        if (old != NULL) memcpy(schema->nodes, old, schema->node_count * sizeof(td_avro_node *));
        free(old);
    }
    td_avro_node *node = avro_alloc(schema, sizeof *node);
    *node = (td_avro_node){.type = type, .index = schema->node_count, .default_symbol = -1};
    schema->nodes[schema->node_count++] = node;
    return node;
}

/* Where the name stands, or where it would. There is always an empty slot. */
static avro_name_slot *find_slot(const td_avro_schema *schema, uint32_t scope, td_bytes name) {
    uint32_t mask = schema->slot_capacity - 1;
    uint32_t at = (uint32_t)(td_hash_bytes(name) ^ scope * UINT64_C(0x9e3779b97f4a7c15)) & mask;
    for (;; at = (at + 1) & mask) {
        avro_name_slot *slot = &schema->slots[at];
        if (slot->name.data == NULL || (slot->scope == scope && td_bytes_equal(slot->name, name))) return slot;
    }
}

static void grow_slots(td_avro_schema *schema) {
    avro_name_slot *old = schema->slots;
    uint32_t old_capacity = schema->slot_capacity;
    schema->slot_capacity = old_capacity == 0 ? SLOTS_MIN : 2 * old_capacity;
    schema->slots = td_alloc_zero(schema->slot_capacity, sizeof *schema->slots);
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].name.data != NULL) *find_slot(schema, old[i].scope, old[i].name) = old[i];
    free(old);
}

bool avro_name_add(td_avro_schema *schema, uint32_t scope, td_bytes name, uint32_t value) {
    if (2 * schema->slot_count >= schema->slot_capacity) grow_slots(schema);
    avro_name_slot *slot = find_slot(schema, scope, name);
    if (slot->name.data != NULL) return false;
    *slot = (avro_name_slot){name, scope, value};
    schema->slot_count++;
    return true;
}

int64_t avro_name_find(const td_avro_schema *schema, uint32_t scope, td_bytes name) {
    if (schema->slot_capacity == 0) return -1;
    const avro_name_slot *slot = find_slot(schema, scope, name);
    return slot->name.data == NULL ? -1 : (int64_t)slot->value;
}

int32_t td_avro_member_find(const td_avro_schema *schema, const td_avro_node *node, td_bytes name) {
    return (int32_t)avro_name_find(schema, 1 + node->index, name);
}

const td_avro_node *td_avro_schema_root(const td_avro_schema *schema) { return schema->root; }
uint32_t td_avro_schema_size(const td_avro_schema *schema) { return schema->node_count; }

void td_avro_schema_free(td_avro_schema *schema) {
    if (schema == NULL) return;
    while (schema->chunks != NULL) {
        avro_chunk *chunk = schema->chunks;
        schema->chunks = chunk->next;
        free(chunk);
    }
    free(schema->slots);
    free(schema->nodes);
    free(schema);
}

td_status avro_fault(const td_avro_schema *schema, const uint8_t *at, const char *fmt, ...) {
    size_t line = 1, column = 1;
    for (const uint8_t *p = schema->text.data; p < at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return td_fail(TD_REJECT, "td_avro_schema_parse", "schema, line %zu, column %zu: %s", line, column, text);
}

bool avro_json_ends(td_json *json) {
    td_json next = *json;
    td_json_type type = td_json_next(&next);
    if (type != TD_JSON_ARRAY_END && type != TD_JSON_OBJECT_END) return false;
    *json = next;
    return true;
}

td_status avro_text_take(td_avro_schema *schema, const td_json *json, td_bytes *out) {
    char *text = avro_alloc(schema, json->text.size + 1); /* so that no text is without a place */
    size_t size = td_json_unescape(json->text, text, json->text.size);
    if (size == SIZE_MAX) return avro_fault(schema, json->text.data, "the text is not UTF-8");
    *out = (td_bytes){(const uint8_t *)text, size};
    return TD_OK;
}
