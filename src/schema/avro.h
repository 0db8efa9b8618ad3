/* src/schema/avro.h - Avro's binary encoding, as far as our own records need it: zig-zag varints, bytes, decimals.
 * The common cases are inline and take eight bytes at a time; what is rare or near the end of a value goes byte by
 * byte. Writers put at `p` and return the place behind; each may write up to its TD_AVRO_..._MAX bytes, for which the
 * caller made room, and return before the last of them. Readers never pass `end` and return false on bad bytes. Source:
 * Apache Avro specification 1.11, "Binary encoding". Thread: any. */
#pragma once
#include "base/bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "eight bytes at a time assumes little endian");

enum { TD_AVRO_LONG_MAX = 10, TD_AVRO_DECIMAL64_MAX = 9, TD_AVRO_DECIMAL_MAX = 17 };

#define TD_AVRO_MORE UINT64_C(0x8080808080808080) /* the bit of each byte that says another follows */

static inline uint64_t td_avro_load64(const uint8_t *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}
static inline void td_avro_store64(uint8_t *p, uint64_t w) { memcpy(p, &w, sizeof w); }

/* 56 bits to eight bytes of seven each, lowest first, and back. */
static inline uint64_t td_avro_spread(uint64_t w) {
    w = (w & 0x0fffffff) | (w & 0x00fffffff0000000) << 4;
    w = (w & 0x00003fff00003fff) | (w & 0x0fffc0000fffc000) << 2;
    return (w & 0x007f007f007f007f) | (w & 0x3f803f803f803f80) << 1;
}
static inline uint64_t td_avro_gather(uint64_t w) {
    w = (w & 0x007f007f007f007f) | (w & 0x7f007f007f007f00) >> 1;
    w = (w & 0x00003fff00003fff) | (w & 0x3fff00003fff0000) >> 2;
    return (uint32_t)w | w >> 32 << 28;
}
static inline int64_t td_avro_unzigzag(uint64_t z) { return (int64_t)(z >> 1 ^ (0 - (z & 1))); }

static inline uint8_t *td_avro_put_long(uint8_t *p, int64_t v) {
    uint64_t z = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    if (z < 0x80) {
        *p = (uint8_t)z;
        return p + 1;
    }
    if (z >> 56 == 0) {
        unsigned size = (unsigned)(70 - __builtin_clzll(z)) / 7;
        td_avro_store64(p, td_avro_spread(z) | (TD_AVRO_MORE & ((UINT64_C(1) << (8 * size - 8)) - 1)));
        return p + size;
    }
    td_avro_store64(p, td_avro_spread(z) | TD_AVRO_MORE);
    p[8] = (uint8_t)(z >> 56); /* bit 63 of z is also the bit that says a tenth byte follows */
    p[9] = 1;
    return p + 9 + (z >> 63);
}

/* A decimal: length, then big-endian two's complement in the shortest form (0 is one byte). */
static inline uint8_t *td_avro_put_decimal64(uint8_t *p, int64_t m) {
    uint64_t magnitude = (uint64_t)(m ^ m >> 63);
    unsigned size = (unsigned)(64 - __builtin_clzll(magnitude | 1)) / 8 + 1;
    *p = (uint8_t)(2 * size);
    td_avro_store64(p + 1, __builtin_bswap64((uint64_t)m << (64 - 8 * size)));
    return p + 1 + size;
}
uint8_t *td_avro_put_decimal(uint8_t *p, td_i128 m);

/* string and bytes alike; up to TD_AVRO_LONG_MAX + v.size bytes */
static inline uint8_t *td_avro_put_bytes(uint8_t *p, td_bytes v) {
    p = td_avro_put_long(p, (int64_t)v.size);
    if (v.size >= 4 && v.size <= 8) { /* names: two words that overlap are cheaper than a call */
        memcpy(p, v.data, 4);
        memcpy(p + v.size - 4, v.data + v.size - 4, 4);
    } else if (v.size > 0) {
        memcpy(p, v.data, v.size);
    }
    return p + v.size;
}

typedef struct td_avro_reader {
    const uint8_t *at, *end;
} td_avro_reader;

/* What went byte by byte: the place behind it (NULL: bad bytes) and the value. By value, and the readers below inlined
 * without fail, because a reader whose address nobody takes lives in registers: that halves the cost of a record. */
typedef struct td_avro_long {
    const uint8_t *at;
    int64_t v;
} td_avro_long;

td_avro_long td_avro_long_bytewise(const uint8_t *at, const uint8_t *end);
td_avro_long td_avro_decimal64_bytewise(const uint8_t *at, const uint8_t *end);

#define TD_AVRO_INLINE static inline __attribute__((always_inline))

TD_AVRO_INLINE bool td_avro_take(td_avro_reader *r, td_avro_long got, int64_t *out) {
    if (got.at == NULL) return false;
    r->at = got.at;
    *out = got.v;
    return true;
}

TD_AVRO_INLINE bool td_avro_get_long(td_avro_reader *r, int64_t *out) {
    const uint8_t *p = r->at;
    if (r->end - p < TD_AVRO_LONG_MAX) return td_avro_take(r, td_avro_long_bytewise(p, r->end), out);
    uint64_t w = td_avro_load64(p), last = ~w & TD_AVRO_MORE;
    if (last != 0) {
        *out = td_avro_unzigzag(td_avro_gather(w & (last ^ (last - 1))));
        r->at = p + (__builtin_ctzll(last) >> 3) + 1;
        return true;
    }
    if (p[8] >= 0x80) return td_avro_take(r, td_avro_long_bytewise(p, r->end), out);
    *out = td_avro_unzigzag(td_avro_gather(w) | (uint64_t)p[8] << 56); /* nine bytes: an instant of our days */
    r->at = p + 9;
    return true;
}

/* The count (length, flags, index) that one byte holds, when it is below 64: else the byte is of a longer or a negative
 * number. A rotation, since the last bit of a zig-zag is the sign. */
TD_AVRO_INLINE unsigned td_avro_tiny(uint8_t byte) { return (uint8_t)(byte >> 1 | byte << 7); }

/* A long that is not negative, and nearly always of one byte. */
TD_AVRO_INLINE bool td_avro_get_count(td_avro_reader *r, int64_t *out) {
    const uint8_t *p = r->at;
    if (p == r->end || td_avro_tiny(*p) >= 64)
        return td_avro_take(r, td_avro_long_bytewise(p, r->end), out) && *out >= 0;
    *out = td_avro_tiny(*p);
    r->at = p + 1;
    return true;
}

/* False when it does not fit, too. */
TD_AVRO_INLINE bool td_avro_get_decimal64(td_avro_reader *r, int64_t *out) {
    const uint8_t *p = r->at;
    if (r->end - p < TD_AVRO_DECIMAL64_MAX || td_avro_tiny(*p) - 1 > 7)
        return td_avro_take(r, td_avro_decimal64_bytewise(p, r->end), out);
    unsigned size = td_avro_tiny(*p);
    *out = (int64_t)__builtin_bswap64(td_avro_load64(p + 1)) >> (64 - 8 * size);
    r->at = p + 1 + size;
    return true;
}
bool td_avro_get_decimal(td_avro_reader *r, td_i128 *out);

/* Borrowed from the reader's bytes. */
TD_AVRO_INLINE bool td_avro_get_bytes(td_avro_reader *r, td_bytes *out) {
    int64_t size;
    if (!td_avro_get_count(r, &size) || size > r->end - r->at) return false;
    *out = (td_bytes){r->at, (size_t)size};
    r->at += size;
    return true;
}
