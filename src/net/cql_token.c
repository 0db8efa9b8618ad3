/* src/net/cql_token.c - tokens: MurmurHash3 for 64 bits, the first half of its 128, as Cassandra's Java has it. */
#include "net/cql_token.h"

enum { BLOCK = 16, HALF = 8 };

static const uint64_t c1 = UINT64_C(0x87c37b91114253d5), c2 = UINT64_C(0x4cf5ad432745937f);

static uint64_t turn(uint64_t v, int bits) { return v << bits | v >> (64 - bits); }

static uint64_t mix_first(uint64_t k) { return turn(k * c1, 31) * c2; }
static uint64_t mix_second(uint64_t k) { return turn(k * c2, 33) * c1; }

static uint64_t finish(uint64_t v) {
    v = (v ^ v >> 33) * UINT64_C(0xff51afd7ed558ccd);
    v = (v ^ v >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return v ^ v >> 33;
}

static uint64_t word(const uint8_t *bytes) {
    uint64_t v = 0;
    for (int i = HALF - 1; i >= 0; i--) v = v << 8 | bytes[i];
    return v;
}

/* Of less than a block. Java's bytes have a sign, which spreads over all that is above them: others' MurmurHash3 has
 * not, and gives other tokens where a byte is 0x80 or more. */
static uint64_t rest(const uint8_t *bytes, size_t size) {
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++) v ^= (uint64_t)(int64_t)(int8_t)bytes[i] << (8 * i);
    return v;
}

int64_t td_cql_token_of(td_bytes key) {
    uint64_t h1 = 0, h2 = 0;
    const uint8_t *at = key.data;
    size_t left = key.size;
    for (; left >= BLOCK; at += BLOCK, left -= BLOCK) {
        h1 = (turn(h1 ^ mix_first(word(at)), 27) + h2) * 5 + 0x52dce729;
        h2 = (turn(h2 ^ mix_second(word(at + HALF)), 31) + h1) * 5 + 0x38495ab5;
    }
    if (left > HALF) h2 ^= mix_second(rest(at + HALF, left - HALF));
    if (left > 0) h1 ^= mix_first(rest(at, left < HALF ? left : HALF));
    h1 ^= key.size;
    h2 ^= key.size;
    h1 += h2;
    h2 += h1;
    int64_t token = (int64_t)(finish(h1) + finish(h2));
    return token == INT64_MIN ? INT64_MAX : token; /* the least one is nobody's */
}

int64_t td_cql_token(const td_cql_values *values, uint32_t parts, td_buf *room) {
    const uint8_t *at = values->bytes.data;
    room->size = 0;
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t size = td_get_be32(at);
        const td_bytes part = {at + 4, size};
        if (parts == 1) return td_cql_token_of(part);
        td_buf_put_be16(room, (uint16_t)size);
        td_buf_put(room, part.data, part.size);
        td_buf_put(room, "", 1);
        at += 4 + size;
    }
    return td_cql_token_of(td_buf_bytes(room));
}
