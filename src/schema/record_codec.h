/* src/schema/record_codec.h - what the record codecs share: framing, missing numbers, short codes. Private to schema/.
 * Writers count on room reserved by record_begin; readers are as in schema/avro.h. */
#pragma once
#include "base/time.h"
#include "schema/avro.h"
#include "schema/record.h"
#include <assert.h>
#include <math.h>

enum { RECORD_FRAME_BYTES = 5 }; /* 0, then the schema id */

/* What a null or a value in a ["null", …] union begins with. */
enum { RECORD_NULL = 0, RECORD_PRESENT = 2, RECORD_OPTIONAL_MAX = 1 + TD_AVRO_LONG_MAX };

/* Makes room for a body of up to body_max bytes, writes the framing and returns where the body begins. */
static inline uint8_t *record_begin(td_buf *buf, const td_schema_ids *ids, td_schema schema, size_t body_max) {
    size_t need = RECORD_FRAME_BYTES + 3 + body_max; /* the frame is stored as eight bytes */
    if (buf->capacity - buf->size < need) td_buf_reserve(buf, need);
    uint8_t *p = buf->data + buf->size;
    td_avro_store64(p, __builtin_bswap64((uint64_t)(uint32_t)ids->id[schema] << 24));
    return p + RECORD_FRAME_BYTES;
}

static inline void record_end(td_buf *buf, const uint8_t *p) {
    buf->size = (size_t)(p - buf->data);
    assert(buf->size <= buf->capacity);
}

/* The schema of a value with its version as td_schema_ids has it, or -1. */
TD_AVRO_INLINE int record_version(const td_schema_ids *ids, td_bytes value) {
    if (value.size < RECORD_FRAME_BYTES || value.data[0] != 0) return -1;
    return td_schema_ids_find(ids, td_get_be32(value.data + 1));
}

/* So many versions before the one that is written; of one of ours. */
TD_AVRO_INLINE int record_age(const td_schema_ids *ids, td_bytes value) {
    return record_version(ids, value) / TD_SCHEMA_BEFORE;
}

/* The body of a value; empty, and so bad for every reader, when there is no framing. */
TD_AVRO_INLINE td_avro_reader record_body(td_bytes value) {
    if (value.size < RECORD_FRAME_BYTES || value.data[0] != 0) return (td_avro_reader){value.data, value.data};
    return (td_avro_reader){value.data + RECORD_FRAME_BYTES, value.data + value.size};
}

static inline uint8_t *record_put_optional_long(uint8_t *p, int64_t v) {
    *p = v == TD_NONE ? RECORD_NULL : RECORD_PRESENT;
    return v == TD_NONE ? p + 1 : td_avro_put_long(p + 1, v);
}

static inline uint8_t *record_put_optional_decimal(uint8_t *p, int64_t m) {
    *p = m == TD_NONE ? RECORD_NULL : RECORD_PRESENT;
    return m == TD_NONE ? p + 1 : td_avro_put_decimal64(p + 1, m);
}

/* Reads the branch of a union with null; *out_present says which. */
TD_AVRO_INLINE bool record_get_branch(td_avro_reader *r, bool *out_present) {
    if (r->at == r->end || (r->at[0] != RECORD_NULL && r->at[0] != RECORD_PRESENT)) return false;
    *out_present = *r->at++ == RECORD_PRESENT;
    return true;
}

TD_AVRO_INLINE bool record_get_optional_long(td_avro_reader *r, int64_t *out) {
    bool present;
    if (!record_get_branch(r, &present)) return false;
    *out = TD_NONE;
    return !present || td_avro_get_long(r, out);
}

TD_AVRO_INLINE bool record_get_optional_decimal(td_avro_reader *r, int64_t *out) {
    bool present;
    if (!record_get_branch(r, &present)) return false;
    *out = TD_NONE;
    return !present || td_avro_get_decimal64(r, out);
}

/* A double is its eight bytes, the least first; NAN: there is none. */
static inline uint8_t *record_put_optional_double(uint8_t *p, double v) {
    *p++ = isnan(v) ? RECORD_NULL : RECORD_PRESENT;
    if (isnan(v)) return p;
    memcpy(p, &v, sizeof v);
    return p + sizeof v;
}

TD_AVRO_INLINE bool record_get_optional_double(td_avro_reader *r, double *out) {
    bool present;
    *out = NAN;
    if (!record_get_branch(r, &present)) return false;
    if (!present) return true;
    if (r->end - r->at < (ptrdiff_t)sizeof *out) return false;
    memcpy(out, r->at, sizeof *out);
    r->at += sizeof *out;
    return isfinite(*out);
}

/* A number in 0..max: flags, and the index of an enum's symbol. */
TD_AVRO_INLINE bool record_get_small(td_avro_reader *r, int64_t max, uint8_t *out) {
    int64_t v;
    if (!td_avro_get_count(r, &v) || v > max) return false;
    *out = (uint8_t)v;
    return true;
}

/* A td_code and its encoding differ in the first byte alone (size, and twice the size), so both ways are one move of
 * 16 bytes. Up to 16 bytes are written. */
_Static_assert(sizeof(td_code) == 16 && offsetof(td_code, text) == 1, "codes move as 16 bytes");

static inline uint8_t *record_put_code(uint8_t *p, const td_code *code) {
    assert(code->size <= TD_CODE_MAX);
    memcpy(p, code, sizeof *code);
    *p = (uint8_t)(2 * code->size);
    return p + 1 + code->size;
}

/* Reads words that end with the code or begin it, so that none leaves the value: the framing and what else stands
 * before a code are more than 7 bytes. Bytes behind the text become 0. */
TD_AVRO_INLINE bool record_get_code(td_avro_reader *r, td_code *out) {
    const uint8_t *p = r->at;
    if (p == r->end || td_avro_tiny(*p) > TD_CODE_MAX) return false;
    unsigned size = td_avro_tiny(*p);
    if (r->end - p <= (ptrdiff_t)size) return false;
    r->at = p + 1 + size;
    if (size == 0) { /* most sources have no codes: nothing to move */
        *out = (td_code){0};
        return true;
    }
    uint64_t words[2] = {td_avro_load64(r->at - 8), 0};
    if (size < 8) {
        words[0] >>= 8 * (7 - size);
    } else {
        words[1] = words[0] >> 8 * (15 - size);
        words[0] = td_avro_load64(p);
    }
    memcpy(out, words, sizeof words);
    out->size = (uint8_t)size;
    return true;
}

/* ---- what flat records for everybody share: an enum as its word, an instant in milliseconds and in nanoseconds ----
 */

enum { RECORD_WORD_MAX = 32 }; /* of any enum's names, with their length */

/* Words of an enum as its model gives them; `count` of them from 0. */
typedef const char *(*record_word_fn)(unsigned index);

static inline const char *record_side_word(unsigned i) { return td_side_name((td_side)i); }

static inline uint8_t *record_put_word(uint8_t *p, const char *word) { return td_avro_put_bytes(p, td_text(word)); }

static inline bool record_get_word(td_avro_reader *r, record_word_fn word, unsigned count, uint8_t *out) {
    td_bytes text;
    if (!td_avro_get_bytes(r, &text)) return false;
    for (unsigned i = 0; i < count; i++) {
        *out = (uint8_t)i;
        if (td_bytes_equal(text, td_text(word(i)))) return true;
    }
    return false;
}

static inline int64_t record_millis(int64_t ns) { return ns / TD_NS_PER_MS - (ns % TD_NS_PER_MS < 0); }

static inline uint8_t *record_put_times(uint8_t *p, int64_t event_ns) {
    p = td_avro_put_long(p, record_millis(event_ns));
    return td_avro_put_long(p, event_ns);
}

static inline bool record_get_times(td_avro_reader *r, int64_t *out_event_ns) {
    int64_t event_ms;
    return td_avro_get_long(r, &event_ms) && td_avro_get_long(r, out_event_ns) &&
           event_ms == record_millis(*out_event_ns);
}
