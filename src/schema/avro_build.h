/* src/schema/avro_build.h - how a schema is put together: its memory, its names, its defaults. Private to schema/. */
#pragma once
#include "base/json.h"
#include "schema/avro_schema.h"

enum { AVRO_SCOPE_TYPES = 0 }; /* of names; a node's members have the scope 1 + its index */

typedef struct avro_name_slot { /* an empty one has no name */
    td_bytes name;
    uint32_t scope, value;
} avro_name_slot;

struct td_avro_schema {
    td_bytes text; /* a copy, in its own memory like all else */
    td_avro_node *root;
    td_avro_node **nodes; /* by index; the primitive types come first, in the order of td_avro_type */
    uint32_t node_count, node_capacity;
    avro_name_slot *slots; /* open addressing; the capacity is a power of two */
    uint32_t slot_count, slot_capacity;
    struct avro_chunk *chunks; /* what avro_alloc has taken, newest first */
};

/* Zeroed, aligned for everything, freed with the schema. */
void *avro_alloc(td_avro_schema *schema, size_t size);
/* NULL when the schema has TD_AVRO_NODES_MAX. */
td_avro_node *avro_node_new(td_avro_schema *schema, td_avro_type type);
/* False when the scope has the name already. The name's bytes stay with the schema. */
bool avro_name_add(td_avro_schema *schema, uint32_t scope, td_bytes name, uint32_t value);
/* The value, or -1. */
int64_t avro_name_find(const td_avro_schema *schema, uint32_t scope, td_bytes name);

/* TD_REJECT with a trail that tells the place of `at` in the schema's text. */
td_status avro_fault(const td_avro_schema *schema, const uint8_t *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Consumes the end of the array or object that the reader is in, if it comes next. */
bool avro_json_ends(td_json *json);
/* Undoes the escapes of a text just read, in the schema's memory. */
TD_CHECKED td_status avro_text_take(td_avro_schema *schema, const td_json *json, td_bytes *out);
/* Encodes the defaults of all fields, once all types are known. */
TD_CHECKED td_status avro_defaults_encode(td_avro_schema *schema);
