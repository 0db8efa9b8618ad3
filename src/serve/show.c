/* src/serve/show.c - a record of the log as one object of JSON. */
#include "serve/show.h"
#include "base/hash.h"
#include "base/json.h"
#include "schema/cause.h"
#include <inttypes.h>

enum { MAGIC_BYTES = 5 /* a zero and the id of a schema, as Confluent's serializers write it */ };

static bool is_text(td_bytes b) {
    for (size_t at = 0, size; at < b.size; at += size) {
        size = td_utf8_size(b.data + at, b.size - at);
        if (size == 0 || (b.data[at] < 0x20 && b.data[at] != '\n' && b.data[at] != '\t')) return false;
    }
    return true;
}

/* An object in one line, which can stand in ours as it is. */
static bool is_json_object(td_bytes b) {
    td_json json;
    td_json_init(&json, b);
    return b.size > 0 && b.data[0] == '{' && memchr(b.data, '\n', b.size) == NULL && td_json_skip(&json) &&
           td_json_next(&json) == TD_JSON_END;
}

static void put_field(td_buf *out, const char *name, td_bytes b) {
    if (b.data == NULL) {
        td_buf_printf(out, "\"%s\":null", name);
    } else if (is_text(b)) {
        td_buf_printf(out, "\"%s\":", name);
        td_json_put_string(out, b);
    } else {
        td_buf_printf(out, "\"%s_hex\":\"", name);
        td_buf_reserve(out, 2 * b.size + 1);
        td_hex(b.data, b.size, (char *)out->data + out->size);
        out->size += 2 * b.size;
        td_buf_text(out, "\"");
    }
}

/* ---- headers ---- */

static bool put_src(td_buf *out, td_bytes header) {
    td_source_position src;
    if (!td_src_get(header, &src)) return false;
    td_buf_printf(out, ",\"src\":{\"file\":%" PRIu32 ",\"line\":%" PRIu64, src.file, src.line);
    if (src.part > 0) td_buf_printf(out, ",\"part\":%" PRIu32, src.part);
    td_buf_text(out, "}");
    return true;
}

static void put_origin(td_buf *out, const td_record *record) {
    td_bytes src = td_record_header(record, TD_SRC_HEADER), cause = td_record_header(record, TD_CAUSE_HEADER);
    if (src.data != NULL && !put_src(out, src)) {
        td_buf_text(out, ",");
        put_field(out, "src", src);
    }
    if (cause.data == NULL) return;
    td_buf_text(out, ",");
    put_field(out, "cause", cause);
}

/* Those of others: "headers":[{"name":…,"value":…},…]. */
static void put_others(td_buf *out, const td_record *record) {
    const uint8_t *at = record->headers.data, *end = at + record->headers.size;
    td_bytes name, value;
    int64_t count;
    bool any = false;
    if (at == NULL || !td_varint_get(&at, end, &count)) return;
    for (; count > 0 && td_varbytes_get(&at, end, &name) && td_varbytes_get(&at, end, &value); count--) {
        if (td_bytes_equal(name, TD_SRC_HEADER) || td_bytes_equal(name, TD_CAUSE_HEADER)) continue;
        td_buf_text(out, any ? ",{" : ",\"headers\":[{");
        put_field(out, "name", name);
        td_buf_text(out, ",");
        put_field(out, "value", value);
        td_buf_text(out, "}");
        any = true;
    }
    if (any) td_buf_text(out, "]");
}

/* ---- the value ---- */

static void put_why(td_buf *out, const td_schema_ids *ids, td_bytes value) {
    td_buf_text(out, ",\"undecoded\":\"");
    if (value.size < MAGIC_BYTES || value.data[0] != 0) {
        td_buf_text(out, "neither text nor begun by the id of a schema\"");
        return;
    }
    uint32_t id = td_get_be32(value.data + 1);
    td_buf_printf(out, "schema %" PRIu32 "%s\"", id,
                  td_schema_ids_find(ids, id) < 0 ? " is none of tapedeck's" : " does not read these bytes");
}

static void put_value(td_buf *out, const td_schema_ids *ids, td_bytes value) {
    size_t before = out->size;
    td_buf_text(out, ",\"value\":");
    if (value.data != NULL && td_record_json(ids, value, out)) return;
    if (is_json_object(value)) {
        td_buf_put(out, value.data, value.size);
        return;
    }
    out->size = before;
    td_buf_text(out, ",");
    put_field(out, "value", value);
    if (value.data != NULL && !is_text(value)) put_why(out, ids, value);
}

/* Its first bytes, which may end within a character: as hex always. */
static void put_part(td_buf *out, td_bytes value, size_t value_bytes) {
    td_buf_text(out, ",\"value_hex\":\"");
    td_buf_reserve(out, 2 * value.size + 1);
    td_hex(value.data, value.size, (char *)out->data + out->size);
    out->size += 2 * value.size;
    td_buf_printf(out, "\",\"undecoded\":\"the first %zu of %zu bytes; `tapedeck log cat` shows all\"", value.size,
                  value_bytes);
}

void td_show_record(td_buf *out, const td_schema_ids *ids, const td_shown *shown) {
    const td_record *record = shown->record;
    td_buf_text(out, "{\"topic\":");
    td_json_put_string(out, td_text(shown->topic));
    td_buf_printf(out,
                  ",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"epoch\":%" PRId32 ",\"timestamp\":%" PRId64 ",",
                  shown->partition, record->offset, record->epoch, record->timestamp_ms);
    put_field(out, "key", record->key);
    put_origin(out, record);
    put_others(out, record);
    if (shown->value_bytes > record->value.size)
        put_part(out, record->value, shown->value_bytes);
    else
        put_value(out, ids, record->value);
    td_buf_text(out, "}");
}
