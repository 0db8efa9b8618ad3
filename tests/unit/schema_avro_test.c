/* tests/unit/schema_avro_test.c - goal: numbers are encoded as the Avro specification says, and no reader passes the
 * end of its bytes, neither eight bytes at a time nor byte by byte. */
#include "schema/avro.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Exactly `size` bytes on the heap, so that a sanitizer sees one byte too many. */
static uint8_t *exact(const void *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(copy, bytes, size);
    return copy;
}

typedef bool (*long_fn)(td_avro_reader *r, int64_t *out);

/* Reads the encoding alone (byte by byte), with bytes behind it (eight at a time), and cut short at each byte. */
static void check_long(long_fn get, const uint8_t *bytes, size_t size, int64_t want) {
    uint8_t padded[64];
    int64_t got = 0;
    memset(padded, 0xff, sizeof padded);
    memcpy(padded, bytes, size);
    td_avro_reader wide = {padded, padded + sizeof padded};
    assert_true(get(&wide, &got));
    assert_int_equal(got, want);
    assert_ptr_equal(wide.at, padded + size);
    for (size_t cut = 0; cut <= size; cut++) {
        uint8_t *copy = exact(bytes, cut);
        td_avro_reader r = {copy, copy + cut};
        assert_int_equal(get(&r, &got), cut == size);
        if (cut == size) {
            assert_int_equal(got, want);
            assert_ptr_equal(r.at, r.end);
        }
        free(copy);
    }
}

static void longs_as_in_the_specification(void **state) {
    (void)state;
    static const struct {
        int64_t v;
        const char *bytes;
        size_t size;
    } rows[] = {
        {0, "\0", 1},
        {-1, "\1", 1},
        {1, "\2", 1},
        {-2, "\3", 1},
        {63, "\x7e", 1},
        {-64, "\x7f", 1},
        {64, "\x80\x01", 2},
        {-65, "\x81\x01", 2},
        {8191, "\xfe\x7f", 2},
        {8192, "\x80\x80\x01", 3},
        {INT64_C(1) << 55, "\x80\x80\x80\x80\x80\x80\x80\x80\x01", 9},
        {INT64_MAX, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
        {INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t bytes[TD_AVRO_LONG_MAX];
        assert_int_equal(td_avro_put_long(bytes, rows[i].v) - bytes, rows[i].size);
        assert_memory_equal(bytes, rows[i].bytes, rows[i].size);
        check_long(td_avro_get_long, bytes, rows[i].size, rows[i].v);
    }
}

/* A second, plain statement of both encodings. */
static size_t plain_long(uint8_t *p, int64_t v) {
    uint64_t z = v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
    size_t size = 0;
    for (; z >= 0x80; z >>= 7) p[size++] = (uint8_t)(z | 0x80);
    p[size++] = (uint8_t)z;
    return size;
}
static size_t plain_decimal(uint8_t *p, td_i128 m) {
    uint8_t all[16];
    size_t skip = 0;
    for (int i = 0; i < 16; i++) all[i] = (uint8_t)(m >> (8 * (15 - i)));
    while (skip < 15 && ((all[skip] == 0 && all[skip + 1] < 0x80) || (all[skip] == 0xff && all[skip + 1] >= 0x80)))
        skip++;
    p[0] = (uint8_t)(2 * (16 - skip));
    memcpy(p + 1, all + skip, 16 - skip);
    return 17 - skip;
}

static void check_number(int64_t v) {
    uint8_t bytes[TD_AVRO_DECIMAL_MAX], want[TD_AVRO_DECIMAL_MAX];
    size_t size = plain_long(want, v);
    assert_int_equal(td_avro_put_long(bytes, v) - bytes, size);
    assert_memory_equal(bytes, want, size);
    check_long(td_avro_get_long, bytes, size, v);

    size = plain_decimal(want, v);
    assert_int_equal(td_avro_put_decimal64(bytes, v) - bytes, size);
    assert_memory_equal(bytes, want, size);
    check_long(td_avro_get_decimal64, bytes, size, v);
    assert_int_equal(td_avro_put_decimal(bytes, v) - bytes, size);
    assert_memory_equal(bytes, want, size);
}

static void every_length_and_its_neighbours(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int64_t near = -2; near <= 2; near++) {
            check_number((int64_t)((UINT64_C(1) << bit) + (uint64_t)near));
            check_number((int64_t)(0 - (UINT64_C(1) << bit) + (uint64_t)near));
        }
}

static void decimals_of_128_bits(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 128; bit++)
        for (int near = -1; near <= 1; near++) {
            td_i128 v = (td_i128)(((td_u128)1 << bit) + (td_u128)near), got;
            uint8_t bytes[TD_AVRO_DECIMAL_MAX], want[TD_AVRO_DECIMAL_MAX];
            size_t size = plain_decimal(want, v);
            assert_int_equal(td_avro_put_decimal(bytes, v) - bytes, size);
            assert_memory_equal(bytes, want, size);
            for (size_t cut = 0; cut <= size; cut++) {
                uint8_t *copy = exact(bytes, cut);
                td_avro_reader r = {copy, copy + cut};
                assert_int_equal(td_avro_get_decimal(&r, &got), cut == size);
                if (cut == size) assert_true(got == v && r.at == r.end);
                free(copy);
            }
        }
}

static void bad_numbers_are_refused(void **state) {
    (void)state;
    static const struct {
        long_fn get;
        const char *bytes;
        size_t size;
    } rows[] = {
        {td_avro_get_long, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},      /* a 65th bit */
        {td_avro_get_long, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11},  /* an 11th byte */
        {td_avro_get_decimal64, "\x00", 1},                                      /* no byte */
        {td_avro_get_decimal64, "\x01\x00", 2},                                  /* length -1 */
        {td_avro_get_decimal64, "\x12\x00\x80\x00\x00\x00\x00\x00\x00\x00", 10}, /* 2^63 */
        {td_avro_get_decimal64, "\x12\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10}, /* -2^63 - 1 */
        {td_avro_get_decimal64, "\x22\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18},   /* 17 bytes */
        {td_avro_get_decimal64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0\0\0\0\0",
         17}, /* a length of INT64_MIN */
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t padding = 0; padding <= 16; padding += 16) {
            uint8_t bytes[64] = {0};
            int64_t got;
            memcpy(bytes, rows[i].bytes, rows[i].size);
            uint8_t *copy = exact(bytes, rows[i].size + padding);
            td_avro_reader r = {copy, copy + rows[i].size + padding};
            assert_false(rows[i].get(&r, &got));
            free(copy);
        }
}

static void long_forms_of_others_are_read(void **state) {
    (void)state;
    check_long(td_avro_get_decimal64, (const uint8_t *)"\x04\xff\x80", 3, -128);
    check_long(td_avro_get_decimal64, (const uint8_t *)"\x12\xff\x80\0\0\0\0\0\0\0", 10, INT64_MIN);
    check_long(td_avro_get_long, (const uint8_t *)"\x82\x80\x00", 3, 1);
}

static void bytes_end_where_they_say(void **state) {
    (void)state;
    static const char text[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
    for (size_t size = 0; size < sizeof text; size++) {
        uint8_t *source = exact(text, size), bytes[TD_AVRO_LONG_MAX + sizeof text];
        td_bytes got = {0}, want = {source, size};
        size_t total = (size_t)(td_avro_put_bytes(bytes, want) - bytes);
        assert_int_equal(total, size + (size < 64 ? 1 : 2));
        for (size_t cut = 0; cut <= total; cut++) {
            uint8_t *copy = exact(bytes, cut);
            td_avro_reader r = {copy, copy + cut};
            assert_int_equal(td_avro_get_bytes(&r, &got), cut == total);
            if (cut == total) assert_true(td_bytes_equal(got, want) && r.at == r.end);
            free(copy);
        }
        free(source);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longs_as_in_the_specification), cmocka_unit_test(every_length_and_its_neighbours),
        cmocka_unit_test(decimals_of_128_bits),          cmocka_unit_test(bad_numbers_are_refused),
        cmocka_unit_test(long_forms_of_others_are_read), cmocka_unit_test(bytes_end_where_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
