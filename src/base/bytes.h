/* src/base/bytes.h - borrowed bytes, and one growing buffer. A td_bytes owns nothing and never outlives the call
 * that lent it. A td_buf owns its memory; it grows by doubling, so a reused one stops allocating. */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef __int128 td_i128;
__extension__ typedef unsigned __int128 td_u128;

typedef struct td_bytes {
    const uint8_t *data;
    size_t size;
} td_bytes;

#define TD_TEXT(literal) ((td_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static inline td_bytes td_text(const char *s) { return (td_bytes){(const uint8_t *)s, strlen(s)}; }
/* Names are short: two words that overlap compare up to 16 bytes without a call. */
static inline bool td_bytes_equal(td_bytes a, td_bytes b) {
    if (a.size != b.size) return false;
    if (a.size > 16) return memcmp(a.data, b.data, a.size) == 0;
    if (a.size >= 8) {
        uint64_t x[2], y[2];
        memcpy(&x[0], a.data, 8);
        memcpy(&x[1], a.data + a.size - 8, 8);
        memcpy(&y[0], b.data, 8);
        memcpy(&y[1], b.data + b.size - 8, 8);
        return x[0] == y[0] && x[1] == y[1];
    }
    for (size_t i = 0; i < a.size; i++)
        if (a.data[i] != b.data[i]) return false;
    return true;
}

/* Where they end. Nothing may have no address, to which nothing can be added. */
static inline const uint8_t *td_bytes_end(td_bytes b) { return b.size > 0 ? b.data + b.size : b.data; }
/* Those behind the first so many, of which there are as many at least. */
static inline td_bytes td_bytes_from(td_bytes b, size_t at) {
    return at > 0 ? (td_bytes){b.data + at, b.size - at} : b;
}
/* The first `most` of them, or all. */
static inline td_bytes td_bytes_upto(td_bytes bytes, size_t most) {
    return (td_bytes){bytes.data, bytes.size < most ? bytes.size : most};
}

/* As memcmp; of two where one begins with the other the shorter is less. */
int td_bytes_compare(td_bytes a, td_bytes b);
/* The part stands somewhere in the text; A to Z are taken for a to z. */
bool td_bytes_have(td_bytes text, td_bytes part);
static inline bool td_bytes_begin(td_bytes bytes, td_bytes with) {
    return bytes.size >= with.size && memcmp(bytes.data, with.data, with.size) == 0;
}
/* With something before it, as a file's name has its kind. */
static inline bool td_text_ends(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size > end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* Moves so many from the front to *out. False, and nothing moves, when there are fewer. */
static inline bool td_bytes_take(td_bytes *bytes, void *out, size_t size) {
    if (bytes->size < size) return false;
    memcpy(out, bytes->data, size);
    *bytes = (td_bytes){bytes->data + size, bytes->size - size};
    return true;
}

/* Big and little endian, any alignment. */
static inline uint32_t td_get_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t td_get_be64(const uint8_t *p) { return (uint64_t)td_get_be32(p) << 32 | td_get_be32(p + 4); }
static inline uint16_t td_get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline void td_put_be16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void td_put_be32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
static inline void td_put_be64(uint8_t *p, uint64_t v) {
    td_put_be32(p, (uint32_t)(v >> 32));
    td_put_be32(p + 4, (uint32_t)v);
}

/* A growing buffer: {0} is a valid empty one. Out of memory aborts the process: budgets are taken at start. */
typedef struct td_buf {
    uint8_t *data;
    size_t size, capacity;
} td_buf;

void td_buf_reserve(td_buf *buf, size_t extra_bytes); /* afterwards capacity - size >= extra_bytes */
void td_buf_put(td_buf *buf, const void *data, size_t size);
void td_buf_printf(td_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void td_buf_fini(td_buf *buf); /* frees; the buffer is empty and usable again */
static inline void td_buf_text(td_buf *buf, const char *s) { td_buf_put(buf, s, strlen(s)); }
static inline void td_buf_put_u32(td_buf *buf, uint32_t v) { td_buf_put(buf, &v, sizeof v); } /* as it lies here */
static inline void td_buf_put_be16(td_buf *buf, uint16_t v) {
    uint8_t bytes[sizeof v];
    td_put_be16(bytes, v);
    td_buf_put(buf, bytes, sizeof bytes);
}
static inline void td_buf_put_be32(td_buf *buf, uint32_t v) {
    uint8_t bytes[sizeof v];
    td_put_be32(bytes, v);
    td_buf_put(buf, bytes, sizeof bytes);
}
static inline void td_buf_put_be64(td_buf *buf, uint64_t v) {
    uint8_t bytes[sizeof v];
    td_put_be64(bytes, v);
    td_buf_put(buf, bytes, sizeof bytes);
}
static inline td_bytes td_buf_bytes(const td_buf *buf) { return (td_bytes){buf->data, buf->size}; }

/* malloc and calloc that abort with a message when memory is out (start-up only, never per event). */
void *td_alloc(size_t size);
void *td_alloc_zero(size_t count, size_t size);
char *td_copy_text(const char *s);   /* heap copy; free() it */
char *td_copy_bytes(td_bytes bytes); /* the same, as a text */
/* What realloc or aligned_alloc gave for `size` bytes; aborts as td_alloc where that is NULL. */
void *td_alloc_check(void *memory, size_t size);
