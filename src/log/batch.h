/* src/log/batch.h - Kafka's record batch, version 2: builder and cursor. Source: Kafka protocol, "Record Batch".
 * The builder owns its memory and is reused; the cursor borrows bytes that must outlive it. Thread: one owner each. */
#pragma once
#include "base/bytes.h"

typedef enum td_codec { TD_CODEC_NONE = 0, TD_CODEC_LZ4 = 3, TD_CODEC_ZSTD = 4 } td_codec; /* Kafka's numbers */

enum { TD_BATCH_HEADER_BYTES = 61 };

typedef struct td_batch {
    td_buf bytes; /* header room, then the records, uncompressed */
    size_t capacity_bytes;
    int32_t count;
    int64_t base_timestamp_ms, max_timestamp_ms;
} td_batch;

void td_batch_init(td_batch *batch, size_t capacity_bytes);
void td_batch_fini(td_batch *batch);
void td_batch_reset(td_batch *batch);
/* Adds one record with at most one header (header_name.size == 0: none). A key or value with data == NULL is Kafka's
 * null. False when it would pass the capacity and the batch is not empty: append the batch, reset it, add again. A
 * record larger than the capacity is taken into an empty batch. */
bool td_batch_add(td_batch *batch, int64_t timestamp_ms, td_bytes key, td_bytes value, td_bytes header_name,
                  td_bytes header_value);

typedef struct td_record { /* borrowed from the reader until its next call */
    int64_t offset;
    int64_t timestamp_ms;
    int32_t epoch;
    td_bytes key, value; /* data == NULL: null */
    td_bytes headers;    /* raw: count, then name and value each; see td_record_header */
} td_record;

/* The value of the first header of that name; data == NULL when there is none. */
td_bytes td_record_header(const td_record *record, td_bytes name);

/* As td_batch_add, with all headers that the record has. */
bool td_batch_add_record(td_batch *batch, const td_record *record);
/* Appends a header to raw ones that are being put together; their count stands first, as a varint. */
void td_headers_put(td_buf *headers, td_bytes name, td_bytes value);

/* Walks the records of one batch whose head and CRC are already checked. */
typedef struct td_cursor {
    const uint8_t *at, *end;
    int64_t offset; /* of the record that comes next; stays true when none is left */
    int64_t base_offset, base_timestamp_ms;
    int32_t epoch, left; /* left: records not yet read */
} td_cursor;

enum { TD_VARINT_MAX = 10 };                    /* bytes */
uint8_t *td_varint_put(uint8_t *at, int64_t v); /* zig-zag; returns where it ended */
/* A zig-zag varint that never passes `end`; false when it would, or is longer than 10 bytes. */
bool td_varint_get(const uint8_t **at, const uint8_t *end, int64_t *out);
bool td_varbytes_get(const uint8_t **at, const uint8_t *end, td_bytes *out); /* a length and as many; -1 is null */
/* False, with nothing consumed, when none is left or (left > 0) when the bytes are not a record. */
bool td_cursor_next_any(td_cursor *cursor, td_record *out);

/* A varint of one byte or two that is not negative: nearly every length, delta and count. Looks at no end. */
static inline bool td_varint_short(const uint8_t **at, uint32_t *out) {
    const uint8_t *p = *at;
    uint32_t raw = p[0];
    if (raw < 0x80) {
        *at = p + 1;
    } else {
        if (p[1] >= 0x80) return false;
        raw = (raw & 0x7f) | (uint32_t)p[1] << 7;
        *at = p + 2;
    }
    *out = raw >> 1;
    return (raw & 1) == 0;
}

/* As td_cursor_next_any, and false too for a record that is not of the common kind: short numbers, a key and a value.
 * It is on the way of every tick, so it tests as little as keeps it inside the bytes. */
static inline bool td_cursor_next_short(td_cursor *cursor, td_record *out) {
    enum { BEFORE_KEY_MAX = 2 + 1 + 2 + 2 + 2, SIZE_MAX_BYTES = 2 };
    const uint8_t *p = cursor->at;
    uint32_t size, timestamp_delta, offset_delta, key_size, value_size;
    if (cursor->left <= 0 || cursor->end - p < BEFORE_KEY_MAX) return false;
    if (!td_varint_short(&p, &size) || (ptrdiff_t)size > cursor->end - p) return false;
    const uint8_t *end = p + size;
    p++; /* attributes: unused in Kafka's records */
    if (!td_varint_short(&p, &timestamp_delta) || !td_varint_short(&p, &offset_delta)) return false;
    if (!td_varint_short(&p, &key_size) || (ptrdiff_t)key_size > end - p - SIZE_MAX_BYTES) return false;
    out->key = (td_bytes){p, key_size};
    p += key_size;
    if (!td_varint_short(&p, &value_size) || (ptrdiff_t)value_size > end - p) return false;
    if (offset_delta != cursor->offset - cursor->base_offset) return false;
    out->value = (td_bytes){p, value_size};
    p += value_size;
    out->headers = (td_bytes){p, (size_t)(end - p)};
    out->offset = cursor->offset;
    out->timestamp_ms = (int64_t)((uint64_t)cursor->base_timestamp_ms + timestamp_delta);
    out->epoch = cursor->epoch;
    cursor->at = end;
    cursor->offset++;
    cursor->left--;
    return true;
}

/* False, with nothing consumed, when none is left or (left > 0) when the bytes are not a record. */
static inline bool td_cursor_next(td_cursor *cursor, td_record *out) {
    return __builtin_expect(td_cursor_next_short(cursor, out), 1) || td_cursor_next_any(cursor, out);
}
