/* src/schema/avro_canonical.c - the parsing canonical form: what matters to a reader of data, written in one way only;
 * and its fingerprint. */
#include "base/json.h"
#include "schema/avro_schema.h"
#include <stdlib.h>

typedef struct writer {
    td_buf *out;
    bool *defined; /* by the node's index */
} writer;

static void put_node(writer *w, const td_avro_node *node);

static void put_fields(writer *w, const td_avro_node *node) {
    td_buf_text(w->out, ",\"fields\":[");
    for (size_t i = 0; i < node->count; i++) {
        td_buf_text(w->out, i == 0 ? "{\"name\":" : ",{\"name\":");
        td_json_put_string(w->out, node->fields[i].name);
        td_buf_text(w->out, ",\"type\":");
        put_node(w, node->fields[i].type);
        td_buf_text(w->out, "}");
    }
    td_buf_text(w->out, "]");
}

static void put_symbols(writer *w, const td_avro_node *node) {
    td_buf_text(w->out, ",\"symbols\":[");
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0) td_buf_text(w->out, ",");
        td_json_put_string(w->out, node->symbols[i]);
    }
    td_buf_text(w->out, "]");
}

/* A type with a name: defined where it comes first, its full name from then on. */
static void put_named(writer *w, const td_avro_node *node) {
    if (w->defined[node->index]) {
        td_json_put_string(w->out, node->name);
        return;
    }
    w->defined[node->index] = true;
    td_buf_text(w->out, "{\"name\":");
    td_json_put_string(w->out, node->name);
    td_buf_printf(w->out, ",\"type\":\"%s\"", td_avro_type_name(node->type));
    if (node->type == TD_AVRO_RECORD) put_fields(w, node);
    if (node->type == TD_AVRO_ENUM) put_symbols(w, node);
    if (node->type == TD_AVRO_FIXED) td_buf_printf(w->out, ",\"size\":%zu", node->size_bytes);
    td_buf_text(w->out, "}");
}

static void put_union(writer *w, const td_avro_node *node) {
    td_buf_text(w->out, "[");
    for (size_t i = 0; i < node->count; i++) {
        if (i > 0) td_buf_text(w->out, ",");
        put_node(w, node->nodes[i]);
    }
    td_buf_text(w->out, "]");
}

static void put_node(writer *w, const td_avro_node *node) {
    switch (node->type) {
    case TD_AVRO_RECORD:
    case TD_AVRO_ENUM:
    case TD_AVRO_FIXED:
        put_named(w, node);
        break;
    case TD_AVRO_ARRAY:
    case TD_AVRO_MAP:
        td_buf_text(w->out,
                    node->type == TD_AVRO_ARRAY ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"map\",\"values\":");
        put_node(w, node->nodes[0]);
        td_buf_text(w->out, "}");
        break;
    case TD_AVRO_UNION:
        put_union(w, node);
        break;
    default:
        td_buf_printf(w->out, "\"%s\"", td_avro_type_name(node->type));
    }
}

void td_avro_schema_canonical(const td_avro_schema *schema, td_buf *out) {
    writer w = {out, td_alloc_zero(td_avro_schema_size(schema), sizeof(bool))};
    put_node(&w, td_avro_schema_root(schema));
    free(w.defined);
}

/* Rabin's fingerprint with Avro's polynomial, a bit at a time: nobody waits for it. */
static uint64_t crc64_avro(td_bytes text) {
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t crc = empty;
    for (size_t i = 0; i < text.size; i++) {
        crc ^= text.data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (empty & (0 - (crc & 1)));
    }
    return crc;
}

uint64_t td_avro_schema_fingerprint(const td_avro_schema *schema) {
    td_buf text = {0};
    td_avro_schema_canonical(schema, &text);
    uint64_t crc = crc64_avro(td_buf_bytes(&text));
    td_buf_fini(&text);
    return crc;
}
