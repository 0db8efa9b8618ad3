/* src/base/hash.h - the three hashes the formats name: Kafka's murmur2 (partitioner), CRC-32C (record batches), and
 * SHA-256 (identity of programs). Thread: any. Allocates nothing. */
#pragma once
#include "base/bytes.h"

/* As org.apache.kafka.common.utils.Utils.murmur2 computes it. */
uint32_t td_murmur2(td_bytes key);
/* Kafka's default partitioner for keyed records: (murmur2(key) & 0x7fffffff) % partitions. */
static inline uint32_t td_partition_of(td_bytes key, uint32_t partitions) {
    return (td_murmur2(key) & 0x7fffffffu) % partitions;
}
/* CRC-32C (Castagnoli) of `data`, continuing from `crc` (0 to begin). Uses SSE4.2 where present. */
uint32_t td_crc32c(uint32_t crc, const void *data, size_t size);
uint32_t td_crc32c_tables(uint32_t crc, const void *data, size_t size); /* the same on any machine, slower */
void td_sha256(td_bytes data, uint8_t out[32]);
void td_hex(const uint8_t *data, size_t size, char *out); /* 2 * size characters and a NUL */

/* A fast hash for in-memory tables only; never stored, never decides an order. */
static inline uint64_t td_hash_bytes(td_bytes b) {
    uint64_t h = 0x9e3779b97f4a7c15u ^ b.size, w = 0;
    const uint8_t *p = b.data;
    size_t n = b.size;
    for (; n > 8; n -= 8, p += 8) {
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    w = 0;
    if (b.size >= 8) {
        memcpy(&w, b.data + b.size - 8, 8); /* may overlap the word before: cheaper than a copy of odd length */
    } else {
        for (size_t i = 0; i < n; i++) w = w << 8 | p[i];
    }
    td_u128 product = (td_u128)(h ^ w) * 0xc4ceb9fe1a85ec53u; /* folded, so that high bytes reach the low bits too */
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
