/* src/base/hash.c - murmur2, CRC-32C and SHA-256. CRC-32C is on the path of every byte that enters or leaves the log,
 * so it has two forms: the processor's instruction on three streams at once (it has a latency of three cycles and can
 * start one each cycle), and slicing by eight tables elsewhere. */
#include "base/hash.h"
#include <openssl/evp.h>
#include <stdlib.h>

uint32_t td_murmur2(td_bytes key) {
    const uint32_t m = 0x5bd1e995u;
    const uint8_t *p = key.data;
    uint32_t h = 0x9747b28cu ^ (uint32_t)key.size;
    size_t n = key.size;
    for (; n >= 4; n -= 4, p += 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (n >= 3) h ^= (uint32_t)p[2] << 16;
    if (n >= 2) h ^= (uint32_t)p[1] << 8;
    if (n >= 1) h = (h ^ p[0]) * m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

enum { SHORT_BYTES = 256, LONG_BYTES = 4096 }; /* length of each of the three streams; powers of two */

typedef uint32_t zeros_table[4][256]; /* what so many zero bytes make of a CRC, by its four bytes */

static uint32_t crc_tables[8][256];
static uint32_t (*crc_update)(uint32_t, const uint8_t *, size_t);

static uint64_t load_le64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte) { return crc_tables[0][(crc ^ byte) & 0xff] ^ crc >> 8; }

static uint32_t crc_update_tables(uint32_t crc, const uint8_t *p, size_t size) {
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t w = load_le64(p) ^ crc;
        crc = crc_tables[7][w & 0xff] ^ crc_tables[6][w >> 8 & 0xff] ^ crc_tables[5][w >> 16 & 0xff] ^
              crc_tables[4][w >> 24 & 0xff] ^ crc_tables[3][w >> 32 & 0xff] ^ crc_tables[2][w >> 40 & 0xff] ^
              crc_tables[1][w >> 48 & 0xff] ^ crc_tables[0][w >> 56];
    }
    for (; size > 0; size--, p++) crc = crc_byte(crc, *p);
    return crc;
}

#if defined(__x86_64__)
static zeros_table zeros_short, zeros_long;

static uint32_t zeros_apply(zeros_table zeros, uint32_t crc) {
    return zeros[0][crc & 0xff] ^ zeros[1][crc >> 8 & 0xff] ^ zeros[2][crc >> 16 & 0xff] ^ zeros[3][crc >> 24];
}

/* Doubles the one-byte step until it is `bytes` long: appending zeros is linear, so it composes with itself. */
static void zeros_build(zeros_table out, size_t bytes) {
    for (unsigned place = 0; place < 4; place++)
        for (uint32_t byte = 0; byte < 256; byte++) out[place][byte] = crc_byte(byte << 8 * place, 0);
    for (size_t length = 1; length < bytes; length *= 2) {
        zeros_table once;
        memcpy(once, out, sizeof once);
        for (unsigned place = 0; place < 4; place++)
            for (uint32_t byte = 0; byte < 256; byte++) out[place][byte] = zeros_apply(once, once[place][byte]);
    }
}

__attribute__((target("sse4.2"))) static uint64_t crc_streams(uint64_t crc, const uint8_t *p, size_t bytes,
                                                              zeros_table zeros) {
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < bytes; i += 8) {
        crc = __builtin_ia32_crc32di(crc, load_le64(p + i));
        second = __builtin_ia32_crc32di(second, load_le64(p + bytes + i));
        third = __builtin_ia32_crc32di(third, load_le64(p + 2 * bytes + i));
    }
    crc = zeros_apply(zeros, (uint32_t)crc) ^ second;
    return zeros_apply(zeros, (uint32_t)crc) ^ third;
}

__attribute__((target("sse4.2"))) static uint32_t crc_update_sse42(uint32_t crc, const uint8_t *p, size_t size) {
    uint64_t wide = crc;
    for (; size >= 3 * LONG_BYTES; size -= 3 * LONG_BYTES, p += 3 * LONG_BYTES)
        wide = crc_streams(wide, p, LONG_BYTES, zeros_long);
    for (; size >= 3 * SHORT_BYTES; size -= 3 * SHORT_BYTES, p += 3 * SHORT_BYTES)
        wide = crc_streams(wide, p, SHORT_BYTES, zeros_short);
    for (; size >= 8; size -= 8, p += 8) wide = __builtin_ia32_crc32di(wide, load_le64(p));
    crc = (uint32_t)wide;
    for (; size > 0; size--, p++) crc = __builtin_ia32_crc32qi(crc, *p);
    return crc;
}
#endif

/* Before main and so before any thread: afterwards the tables are constant and a call costs no check. */
__attribute__((constructor)) static void crc_setup(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
        crc_tables[0][byte] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t byte = 0; byte < 256; byte++) crc_tables[slice][byte] = crc_byte(crc_tables[slice - 1][byte], 0);
    crc_update = crc_update_tables;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2")) return;
    zeros_build(zeros_short, SHORT_BYTES);
    zeros_build(zeros_long, LONG_BYTES);
    crc_update = crc_update_sse42;
#endif
}

uint32_t td_crc32c(uint32_t crc, const void *data, size_t size) { return ~crc_update(~crc, data, size); }

uint32_t td_crc32c_tables(uint32_t crc, const void *data, size_t size) { return ~crc_update_tables(~crc, data, size); }

void td_sha256(td_bytes data, uint8_t out[32]) {
    const void *bytes = data.size > 0 ? (const void *)data.data : "";
    if (EVP_Digest(bytes, data.size, out, NULL, EVP_sha256(), NULL) != 1) abort(); /* no SHA-256: a broken library */
}

void td_hex(const uint8_t *data, size_t size, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}
