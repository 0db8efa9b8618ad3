/* src/schema/avro_schema.h - an Avro schema as a tree of nodes: names resolved, aliases made full, defaults encoded.
 * Source: Apache Avro specification 1.12. Where people's schemas differ from it harmlessly, they are taken: what is
 * nested in "type", a reference to a name without namespace from within one, attributes of others. A logical type that
 * is unknown or does not fit is no error but ignored, as the specification wants. A schema never changes once it is
 * parsed. Thread: any. */
#pragma once
#include "base/bytes.h"

typedef enum td_avro_type {
    TD_AVRO_NULL,
    TD_AVRO_BOOLEAN,
    TD_AVRO_INT,
    TD_AVRO_LONG,
    TD_AVRO_FLOAT,
    TD_AVRO_DOUBLE,
    TD_AVRO_BYTES,
    TD_AVRO_STRING, /* the last primitive one */
    TD_AVRO_RECORD,
    TD_AVRO_ENUM,
    TD_AVRO_FIXED,
    TD_AVRO_ARRAY,
    TD_AVRO_MAP,
    TD_AVRO_UNION,
    TD_AVRO_TYPE_COUNT,
} td_avro_type;

typedef enum td_avro_logical {
    TD_AVRO_PLAIN,
    TD_AVRO_DECIMAL,
    TD_AVRO_BIG_DECIMAL,
    TD_AVRO_UUID,
    TD_AVRO_DATE,
    TD_AVRO_TIME_MILLIS,
    TD_AVRO_TIME_MICROS,
    TD_AVRO_TIMESTAMP_MILLIS,
    TD_AVRO_TIMESTAMP_MICROS,
    TD_AVRO_TIMESTAMP_NANOS,
    TD_AVRO_LOCAL_TIMESTAMP_MILLIS,
    TD_AVRO_LOCAL_TIMESTAMP_MICROS,
    TD_AVRO_LOCAL_TIMESTAMP_NANOS,
    TD_AVRO_DURATION,
} td_avro_logical;

enum {
    TD_AVRO_TEXT_MAX = 1 << 20,    /* bytes of a schema's text */
    TD_AVRO_NODES_MAX = 1 << 16,   /* types defined in one schema */
    TD_AVRO_DEFAULT_MAX = 1 << 16, /* bytes of one default value in binary */
    TD_AVRO_DEPTH_MAX = 1024,      /* of types in each other, of values in each other */
};

typedef struct td_avro_node td_avro_node;

typedef struct td_avro_names {
    td_bytes *items;
    size_t count;
} td_avro_names;

typedef struct td_avro_field {
    td_bytes name;
    td_avro_names aliases;
    td_avro_node *type;
    td_bytes default_json; /* as it was written; data is NULL without a default */
    td_bytes default_avro; /* the same, encoded */
} td_avro_field;

struct td_avro_node {
    td_avro_type type;
    td_avro_logical logical;
    int32_t precision, scale; /* decimal */
    uint32_t index;           /* unique in its schema, below td_avro_schema_size() */
    td_bytes name;            /* record, enum, fixed: namespace.name, or name without a namespace */
    td_avro_names aliases;    /* record, enum, fixed: full names */
    size_t count;             /* fields, symbols or branches; 1 for array and map; 0 else */
    size_t size_bytes;        /* fixed */
    td_avro_field *fields;    /* record */
    td_bytes *symbols;        /* enum */
    int32_t default_symbol;   /* enum: index, or -1 */
    td_avro_node **nodes;     /* union: the branches; array, map: what it holds */
};

typedef struct td_avro_schema td_avro_schema; /* owns its nodes and a copy of its text */

/* Errors: TD_REJECT, with line, column, what is wrong and what would be right. */
TD_CHECKED td_status td_avro_schema_parse(td_bytes text, td_avro_schema **out);
void td_avro_schema_free(td_avro_schema *schema); /* accepts NULL */
const td_avro_node *td_avro_schema_root(const td_avro_schema *schema);
uint32_t td_avro_schema_size(const td_avro_schema *schema); /* nodes */
/* The index of a record's field or an enum's symbol, or -1. */
int32_t td_avro_member_find(const td_avro_schema *schema, const td_avro_node *node, td_bytes name);

/* The word for a type ("record"): a literal. */
const char *td_avro_type_name(td_avro_type type);
/* What follows the last dot of a full name; and what stands before it, which may be nothing. */
td_bytes td_avro_name_short(td_bytes full_name);
td_bytes td_avro_name_space(td_bytes full_name);

/* Appends the parsing canonical form. */
void td_avro_schema_canonical(const td_avro_schema *schema, td_buf *out);
/* CRC-64-AVRO of the parsing canonical form. */
uint64_t td_avro_schema_fingerprint(const td_avro_schema *schema);
