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

/* Room for a record with up to so many bytes; NULL: the batch is full. */
static inline uint8_t *begin_record(td_batch *batch, int64_t timestamp_ms, size_t most) {
    td_buf *buf = &batch->bytes;
    if (batch->count > 0 && (buf->size + most > batch->capacity_bytes || batch->count == INT32_MAX)) return NULL;
    if (batch->count == 0) batch->base_timestamp_ms = batch->max_timestamp_ms = timestamp_ms;
    if (timestamp_ms > batch->max_timestamp_ms) batch->max_timestamp_ms = timestamp_ms;
    if (buf->capacity - buf->size < most) td_buf_reserve(buf, most);
    return buf->data + buf->size;
}

/* All of a record but its headers, of which it has so many bytes. */
static inline uint8_t *put_record(uint8_t *p, const td_batch *batch, const td_record *record, size_t headers_size) {
    int64_t timestamp_delta = (int64_t)((uint64_t)record->timestamp_ms - (uint64_t)batch->base_timestamp_ms);
    size_t size = 1 + varint_size(timestamp_delta) + varint_size(batch->count) + varbytes_size(record->key) +
                  varbytes_size(record->value) + headers_size;
    p = td_varint_put(p, (int64_t)size);
    *p++ = 0; /* attributes */
    p = td_varint_put(p, timestamp_delta);
    p = td_varint_put(p, batch->count);
    return put_varbytes(put_varbytes(p, record->key), record->value);
}

static void end_record(td_batch *batch, const uint8_t *p) {
    batch->bytes.size = (size_t)(p - batch->bytes.data);
    batch->count++;
}

bool td_batch_add(td_batch *batch, int64_t timestamp_ms, td_bytes key, td_bytes value, td_bytes header_name,
                  td_bytes header_value) {
    size_t most = RECORD_OVERHEAD_MAX + key.size + value.size + header_name.size + header_value.size;
    uint8_t *p = begin_record(batch, timestamp_ms, most);
    if (p == NULL) return false;
    const td_record record = {.timestamp_ms = timestamp_ms, .key = key, .value = value};
    bool has_header = header_name.size > 0;
    p = put_record(p, batch, &record, 1 + (has_header ? varbytes_size(header_name) + varbytes_size(header_value) : 0));
    p = td_varint_put(p, has_header ? 1 : 0);
    if (has_header) p = put_varbytes(put_varbytes(p, header_name), header_value);
    end_record(batch, p);
    return true;
}

bool td_batch_add_record(td_batch *batch, const td_record *record) {
    static const uint8_t none = 0;
    td_bytes headers = record->headers.size > 0 ? record->headers : (td_bytes){&none, 1};
    size_t most = RECORD_OVERHEAD_MAX + record->key.size + record->value.size + headers.size;
    uint8_t *p = begin_record(batch, record->timestamp_ms, most);
    if (p == NULL) return false;
    p = put_record(p, batch, record, headers.size);
    memcpy(p, headers.data, headers.size);
    end_record(batch, p + headers.size);
    return true;
}

void td_headers_put(td_buf *headers, td_bytes name, td_bytes value) {
    td_buf_reserve(headers, varbytes_size(name) + varbytes_size(value));
    headers->size = (size_t)(put_varbytes(put_varbytes(headers->data + headers->size, name), value) - headers->data);
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
    const uint8_t *p = record->headers.data;
    if (p == NULL) return (td_bytes){0};
    const uint8_t *end = p + record->headers.size;
    int64_t count;
    if (!td_varint_get(&p, end, &count)) return (td_bytes){0};
    for (td_bytes each, value; count > 0; count--) {
        if (!td_varbytes_get(&p, end, &each) || !td_varbytes_get(&p, end, &value)) break;
        if (td_bytes_equal(each, name)) return value;
    }
    return (td_bytes){0};
}
