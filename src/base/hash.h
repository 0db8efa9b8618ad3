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

/* A fast hash for in-memory tables only; never stored, never decides an order. Words may overlap: that is cheaper than
 * a copy of odd length. */
static inline uint64_t td_hash_bytes(td_bytes b) {
    uint64_t h = b.size, first = 0, last = 0;
    const uint8_t *p = b.data;
    size_t n = b.size;
    for (; n > 16; n -= 8, p += 8) {
        memcpy(&first, p, 8);
        h = (h ^ first) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    if (n >= 8) {
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
    } else {
        for (size_t i = 0; i < n; i++) first = first << 8 | p[i];
    }
    td_u128 product = (td_u128)(h ^ first ^ 0x9e3779b97f4a7c15u) * (last ^ 0xc4ceb9fe1a85ec53u);
    return (uint64_t)product ^ (uint64_t)(product >> 64); /* folded: high bytes reach the low bits too */
}
