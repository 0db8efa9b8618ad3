/* tests/unit/base_hash_test.c - goal: our hashes are Kafka's murmur2, Castagnoli's CRC and SHA-256, on every path. */
#include "base/hash.h"
#include "unit.h"
#include <stdlib.h>

static void murmur2_is_kafkas(void **state) {
    static const struct {
        const char *key;
        int32_t hash;
    } rows[] = {
        /* from org.apache.kafka.common.utils.UtilsTest */
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW((int32_t)td_murmur2(td_text(rows[i].key)) == rows[i].hash, "%s", rows[i].key);
    assert_int_equal(td_partition_of(TD_TEXT("21"), 8), (-973932308 & 0x7fffffff) % 8);
    assert_true(td_partition_of((td_bytes){NULL, 0}, 3) < 3);
}

/* Bit by bit, straight from the polynomial. */
static uint32_t crc_slowly(const uint8_t *p, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void crc32c_has_its_published_values(void **state) {
    uint8_t bytes[32];
    (void)state;
    assert_int_equal(td_crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(td_crc32c(0, "", 0), 0);
    /* RFC 3720, B.4 */
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(td_crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(td_crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    for (uint8_t i = 0; i < 32; i++) bytes[i] = i;
    assert_int_equal(td_crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
}

static void crc32c_is_the_same_on_every_path(void **state) {
    enum { SIZE = 40000 }; /* beyond three streams of the longest kind, with a rest of every kind */
    static const size_t sizes[] = {0,   1,   7,    8,    9,     63,    64,    767,   768,   769,
                                   775, 776, 1535, 1536, 12287, 12288, 12289, 13056, 13063, SIZE - 8};
    uint8_t *bytes = malloc(SIZE);
    uint64_t seed = 42;
    (void)state;
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (uint8_t)unit_random(&seed);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t shift = 0; shift < 8; shift += 3) {
            uint32_t slow = crc_slowly(bytes + shift, sizes[i]);
            ASSERT_ROW(td_crc32c(0, bytes + shift, sizes[i]) == slow, "%zu from %zu", sizes[i], shift);
            ASSERT_ROW(td_crc32c_tables(0, bytes + shift, sizes[i]) == slow, "%zu from %zu", sizes[i], shift);
            size_t cut = sizes[i] / 3;
            uint32_t first = td_crc32c(0, bytes + shift, cut);
            ASSERT_ROW(td_crc32c(first, bytes + shift + cut, sizes[i] - cut) == slow, "%zu cut", sizes[i]);
        }
    free(bytes);
}

static void sha256_has_its_published_values(void **state) {
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t hash[32];
        char hex[65];
        td_sha256(td_text(rows[i].text), hash);
        td_hex(hash, sizeof hash, hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

static void table_hash_sees_every_byte(void **state) {
    uint8_t bytes[24] = {0};
    (void)state;
    for (size_t size = 1; size <= sizeof bytes; size++) {
        uint64_t before = td_hash_bytes((td_bytes){bytes, size});
        assert_true(before != td_hash_bytes((td_bytes){bytes, size - 1}));
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
            ASSERT_ROW(td_hash_bytes((td_bytes){bytes, size}) != before, "byte %zu of %zu", i, size);
            bytes[i] ^= 1;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur2_is_kafkas),
        cmocka_unit_test(crc32c_has_its_published_values),
        cmocka_unit_test(crc32c_is_the_same_on_every_path),
        cmocka_unit_test(sha256_has_its_published_values),
        cmocka_unit_test(table_hash_sees_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
