/* src/schema/avro_snappy.c - a length, then elements: bytes as they are, or a copy of what came before. */
#include "schema/avro_snappy.h"

/* No element of two bytes makes more than 11, and none of three or more makes more than 64. */
enum { EXPANDS_MAX = 32, LITERAL_INLINE = 60 };

typedef struct unpacking {
    td_bytes in; /* not yet read */
    uint8_t *out;
    size_t size, done; /* of `out`: in all, and so far */
} unpacking;

static bool take_size(td_bytes *in, uint32_t *out) {
    uint8_t byte;
    *out = 0;
    for (unsigned shift = 0; shift < 32; shift += 7) {
        if (!td_bytes_take(in, &byte, 1) || (shift == 28 && byte > 0xf)) return false;
        *out |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/* So many bytes, the lowest first. */
static bool take_number(td_bytes *in, size_t bytes, uint32_t *out) {
    uint8_t b[4] = {0};
    if (!td_bytes_take(in, b, bytes)) return false;
    *out = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

static bool put_literal(unpacking *u, uint8_t tag) {
    uint32_t less_one = tag >> 2;
    if (less_one >= LITERAL_INLINE && !take_number(&u->in, less_one - LITERAL_INLINE + 1, &less_one)) return false;
    size_t size = (size_t)less_one + 1;
    if (size > u->size - u->done || !td_bytes_take(&u->in, u->out + u->done, size)) return false;
    u->done += size;
    return true;
}

static bool put_copy(unpacking *u, uint8_t tag) {
    uint32_t back, size = (uint32_t)(tag >> 2) + 1;
    unsigned kind = tag & 3;
    if (!take_number(&u->in, kind == 3 ? 4 : kind, &back)) return false;
    if (kind == 1) {
        size = 4 + (tag >> 2 & 7u);
        back |= (uint32_t)(tag >> 5) << 8;
    }
    if (back == 0 || back > u->done || size > u->size - u->done) return false;
    for (; size > 0; size--, u->done++) u->out[u->done] = u->out[u->done - back]; /* it may overlap what it makes */
    return true;
}

bool td_snappy_unpack(td_bytes packed, size_t most, td_buf *out) {
    uint32_t size;
    uint8_t tag;
    if (!take_size(&packed, &size) || size > most || size > packed.size * EXPANDS_MAX) return false;
    td_buf_reserve(out, (size_t)size + 1); /* even of nothing there is a place */
    unpacking u = {.in = packed, .out = out->data + out->size, .size = size};
    while (td_bytes_take(&u.in, &tag, 1))
        if (!((tag & 3) == 0 ? put_literal(&u, tag) : put_copy(&u, tag))) return false;
    out->size += size;
    return u.done == size;
}
