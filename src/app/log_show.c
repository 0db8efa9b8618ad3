/* src/app/log_show.c - a record of the log as one line of JSON. */
#include "app/log_show.h"
#include "base/hash.h"
#include "base/json.h"
#include "schema/cause.h"
#include <inttypes.h>

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
        td_buf_printf(out, ",\"%s\":null", name);
    } else if (is_text(b)) {
        td_buf_printf(out, ",\"%s\":", name);
        td_json_put_string(out, b);
    } else {
        td_buf_printf(out, ",\"%s_hex\":\"", name);
        td_buf_reserve(out, 2 * b.size + 1);
        td_hex(b.data, b.size, (char *)out->data + out->size);
        out->size += 2 * b.size;
        td_buf_text(out, "\"");
    }
}

static void put_origin(td_buf *out, const td_record *record) {
    td_source_position src;
    td_bytes header = td_record_header(record, TD_SRC_HEADER);
    if (td_src_get(header, &src)) {
        td_buf_printf(out, ",\"src\":{\"file\":%" PRIu32 ",\"line\":%" PRIu64, src.file, src.line);
        if (src.part > 0) td_buf_printf(out, ",\"part\":%" PRIu32, src.part);
        td_buf_text(out, "}");
    } else if (header.data != NULL) {
        put_field(out, "src", header);
    }
    header = td_record_header(record, TD_CAUSE_HEADER);
    if (header.data != NULL) put_field(out, "cause", header);
}

void td_log_show(td_buf *out, const td_schema_ids *ids, const char *topic, uint32_t partition,
                 const td_record *record) {
    td_buf_text(out, "{\"topic\":");
    td_json_put_string(out, td_text(topic));
    td_buf_printf(out, ",\"partition\":%" PRIu32 ",\"offset\":%" PRId64 ",\"epoch\":%" PRId32 ",\"timestamp\":%" PRId64,
                  partition, record->offset, record->epoch, record->timestamp_ms);
    put_field(out, "key", record->key);
    put_origin(out, record);
    size_t before = out->size;
    td_buf_text(out, ",\"value\":");
    if (record->value.data == NULL || !td_record_json(ids, record->value, out)) {
        if (is_json_object(record->value)) {
            td_buf_put(out, record->value.data, record->value.size);
        } else {
            out->size = before;
            put_field(out, "value", record->value);
        }
    }
    td_buf_text(out, "}\n");
}
