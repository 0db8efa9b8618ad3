/* src/log/batch.c - building record batches, and the rare paths of reading them. */
#include "log/batch.h"

enum {
    /* length, timestamp delta, offset delta, sizes of key, value, header name and header value; attributes and count */
    RECORD_OVERHEAD_MAX = 7 * TD_VARINT_MAX + 2,
};

static uint64_t zigzag(int64_t v) { return (uint64_t)v << 1 ^ (uint64_t)(v >> 63); }

static size_t varint_size(int64_t v) {
    unsigned bits = 64 - (unsigned)__builtin_clzll(zigzag(v) | 1);
    return (bits + 6) / 7;
}

uint8_t *td_varint_put(uint8_t *p, int64_t v) {
    uint64_t rest = zigzag(v);
    for (; rest >= 0x80; rest >>= 7) *p++ = (uint8_t)(rest | 0x80);
    *p++ = (uint8_t)rest;
    return p;
}

static int64_t wire_size(td_bytes b) { return b.data == NULL ? -1 : (int64_t)b.size; }

static size_t varbytes_size(td_bytes b) { return varint_size(wire_size(b)) + b.size; }

static uint8_t *put_varbytes(uint8_t *p, td_bytes b) {
    p = td_varint_put(p, wire_size(b));
    if (b.size > 0) memcpy(p, b.data, b.size);
    return p + b.size;
}

void td_batch_init(td_batch *batch, size_t capacity_bytes) {
    *batch = (td_batch){.capacity_bytes = capacity_bytes};
    td_buf_reserve(&batch->bytes, TD_BATCH_HEADER_BYTES); /* grows to what is used */
    td_batch_reset(batch);
}

void td_batch_fini(td_batch *batch) { td_buf_fini(&batch->bytes); }

void td_batch_reset(td_batch *batch) {
    batch->bytes.size = TD_BATCH_HEADER_BYTES;
    batch->count = 0;
}

bool td_batch_add(td_batch *batch, int64_t timestamp_ms, td_bytes key, td_bytes value, td_bytes header_name,
                  td_bytes header_value) {
    td_buf *buf = &batch->bytes;
    size_t most = RECORD_OVERHEAD_MAX + key.size + value.size + header_name.size + header_value.size;
    if (batch->count > 0 && (buf->size + most > batch->capacity_bytes || batch->count == INT32_MAX)) return false;

    if (batch->count == 0) batch->base_timestamp_ms = batch->max_timestamp_ms = timestamp_ms;
    if (timestamp_ms > batch->max_timestamp_ms) batch->max_timestamp_ms = timestamp_ms;
    int64_t timestamp_delta = (int64_t)((uint64_t)timestamp_ms - (uint64_t)batch->base_timestamp_ms);
    bool has_header = header_name.size > 0;
    size_t size = 2 + varint_size(timestamp_delta) + varint_size(batch->count) + varbytes_size(key) +
                  varbytes_size(value) + (has_header ? varbytes_size(header_name) + varbytes_size(header_value) : 0);

    if (buf->capacity - buf->size < most) td_buf_reserve(buf, most);
    uint8_t *p = td_varint_put(buf->data + buf->size, (int64_t)size);
    *p++ = 0; /* attributes */
    p = td_varint_put(p, timestamp_delta);
    p = td_varint_put(p, batch->count);
    p = put_varbytes(p, key);
    p = put_varbytes(p, value);
    p = td_varint_put(p, has_header ? 1 : 0);
    if (has_header) p = put_varbytes(put_varbytes(p, header_name), header_value);
    buf->size = (size_t)(p - buf->data);
    batch->count++;
    return true;
}

bool td_varint_get(const uint8_t **at, const uint8_t *end, int64_t *out) {
    const uint8_t *p = *at;
    uint64_t raw = 0;
    for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
        uint8_t byte = *p++;
        raw |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80) continue;
        if (shift == 63 && byte > 1) return false; /* more than 64 bits */
        *at = p;
        *out = (int64_t)(raw >> 1 ^ (0 - (raw & 1)));
        return true;
    }
    return false;
}

bool td_varbytes_get(const uint8_t **at, const uint8_t *end, td_bytes *out) {
    int64_t size;
    if (!td_varint_get(at, end, &size) || size < -1 || size > end - *at) return false;
    *out = (td_bytes){size < 0 ? NULL : *at, size < 0 ? 0 : (size_t)size};
    *at += out->size;
    return true;
}

bool td_cursor_next_any(td_cursor *cursor, td_record *out) {
    const uint8_t *p = cursor->at;
    int64_t size, timestamp_delta, offset_delta;
    if (cursor->left <= 0 || !td_varint_get(&p, cursor->end, &size) || size < 1 || size > cursor->end - p) return false;
    const uint8_t *end = p + size;
    p++; /* attributes */
    if (!td_varint_get(&p, end, &timestamp_delta) || !td_varint_get(&p, end, &offset_delta)) return false;
    if (offset_delta != cursor->offset - cursor->base_offset) return false;
    if (!td_varbytes_get(&p, end, &out->key) || !td_varbytes_get(&p, end, &out->value)) return false;
    out->headers = (td_bytes){p, (size_t)(end - p)};
    out->offset = cursor->offset;
    out->timestamp_ms = (int64_t)((uint64_t)cursor->base_timestamp_ms + (uint64_t)timestamp_delta);
    out->epoch = cursor->epoch;
    cursor->at = end;
    cursor->offset++;
    cursor->left--;
    return true;
}

td_bytes td_record_header(const td_record *record, td_bytes name) {
    const uint8_t *p = record->headers.data, *end = p + record->headers.size;
    int64_t count;
    if (p == NULL || !td_varint_get(&p, end, &count)) return (td_bytes){0};
    for (td_bytes each, value; count > 0; count--) {
        if (!td_varbytes_get(&p, end, &each) || !td_varbytes_get(&p, end, &value)) break;
        if (td_bytes_equal(each, name)) return value;
    }
    return (td_bytes){0};
}
