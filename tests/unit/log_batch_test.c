/* tests/unit/log_batch_test.c - goal: what a batch is given comes out of its bytes unchanged, and no bytes, whatever
 * they are, lead a cursor astray. */
#include "unit.h"
/* after cmocka's own */
#include "base/hash.h"
#include "log/packer.h"
#include <stdlib.h>

static const td_bytes none = {0};
static const td_codec codecs[] = {TD_CODEC_NONE, TD_CODEC_LZ4, TD_CODEC_ZSTD};

static void varints_round_trip(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        size_t size; /* on the wire, from Kafka's ByteUtils */
    } rows[] = {
        {0, 1},          {-1, 1},         {63, 1},      {-64, 1},       {64, 2},        {8191, 2},
        {-8192, 2},      {8192, 3},       {1 << 20, 4}, {INT32_MAX, 5}, {INT32_MIN, 5}, {INT64_C(1) << 34, 6},
        {INT64_MAX, 10}, {INT64_MIN, 10},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_batch batch;
        td_batch_init(&batch, 256);
        /* The second record's timestamp delta is the value. */
        assert_true(td_batch_add(&batch, 0, none, none, none, none));
        size_t before = batch.bytes.size;
        assert_true(td_batch_add(&batch, rows[i].value, none, none, none, none));
        /* length 1, attributes 1, offset delta 1, null key 1, null value 1, header count 1 */
        ASSERT_ROW(batch.bytes.size - before == 6 + rows[i].size, "%zu", i);
        const uint8_t *at = batch.bytes.data + before + 2, *end = batch.bytes.data + batch.bytes.size;
        int64_t value;
        ASSERT_ROW(td_varint_get(&at, end, &value) && value == rows[i].value, "%zu", i);
        for (const uint8_t *cut = batch.bytes.data + before + 2; cut < at; cut++) {
            const uint8_t *from = batch.bytes.data + before + 2;
            ASSERT_ROW(!td_varint_get(&from, cut, &value), "%zu", i);
        }
        td_batch_fini(&batch);
    }
    const uint8_t too_long[11] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
    const uint8_t *at = too_long;
    int64_t value;
    assert_false(td_varint_get(&at, too_long + sizeof too_long, &value));
}

typedef struct row {
    int64_t timestamp_ms;
    td_bytes key, value, name, header;
} row;

static void records_round_trip(void **state) {
    (void)state;
    static uint8_t large[5000];
    const row rows[] = {
        {1000, TD_TEXT("LEAN:IBM"), TD_TEXT("value"), TD_TEXT("src"), TD_TEXT("\x02\x04")},
        {900, TD_TEXT("k"), TD_TEXT(""), none, none},
        {1700000000000, none, TD_TEXT("null key"), TD_TEXT("cause"), TD_TEXT("")},
        {-5, TD_TEXT(""), none, none, none},
        {1000, TD_TEXT("big"), {large, sizeof large}, TD_TEXT("h"), {large, 300}},
    };
    for (size_t c = 0; c < COUNT_OF(codecs); c++) {
        td_batch batch;
        td_packer packer = {0}, unpacker = {0};
        td_batch_init(&batch, 64 * 1024);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            const row *r = &rows[i];
            assert_true(td_batch_add(&batch, r->timestamp_ms, r->key, r->value, r->name, r->header));
        }
        td_head head = {.base_offset = 7000000000, .epoch = 3, .codec = codecs[c]}, read;
        const uint8_t *bytes = td_batch_seal(&batch, &packer, &head);
        assert_int_equal(head.codec, codecs[c]);
        assert_true(td_head_get(bytes, &read) && td_head_crc_ok(&read, bytes));
        assert_memory_equal(&read, &head, offsetof(td_head, crc));
        assert_int_equal(read.max_timestamp_ms, 1700000000000);

        td_bytes records;
        assert_int_equal(td_packer_records(&unpacker, &read, bytes, &records), TD_OK);
        td_cursor cursor = td_head_cursor(&read, records);
        td_record record;
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            ASSERT_ROW(td_cursor_next(&cursor, &record), "%zu", i);
            ASSERT_ROW(record.offset == 7000000000 + (int64_t)i && record.epoch == 3, "%zu", i);
            ASSERT_ROW(record.timestamp_ms == rows[i].timestamp_ms, "%zu", i);
            ASSERT_ROW(td_bytes_equal(record.key, rows[i].key), "%zu", i);
            ASSERT_ROW((record.key.data == NULL) == (rows[i].key.data == NULL), "%zu", i);
            ASSERT_ROW((record.value.data == NULL) == (rows[i].value.data == NULL), "%zu", i);
            ASSERT_ROW(td_bytes_equal(record.value, rows[i].value), "%zu", i);
            td_bytes header = td_record_header(&record, rows[i].name);
            ASSERT_ROW(td_bytes_equal(header, rows[i].header), "%zu", i);
            ASSERT_ROW(td_record_header(&record, TD_TEXT("other")).data == NULL, "%zu", i);
        }
        assert_false(td_cursor_next(&cursor, &record));
        assert_int_equal(cursor.left, 0);
        td_packer_fini(&packer);
        td_packer_fini(&unpacker);
        td_batch_fini(&batch);
    }
}

/* One record, byte for byte as kafka-clients 4.3.1 writes it: MemoryRecords.withRecords(5, Compression.NONE, 2,
 * new SimpleRecord(1700000000000, "k", "v", header h = "x")). */
static void bytes_are_kafkas(void **state) {
    (void)state;
    static const char kafkas[] =
        "00000000000000050000003e00000002025e93538d0000000000000000018bcfe568000000018bcfe56800ffffffffffffffffffffffff"
        "ffff0000000118000000026b02760202680278";
    td_batch batch;
    td_batch_init(&batch, 1024);
    assert_true(td_batch_add(&batch, 1700000000000, TD_TEXT("k"), TD_TEXT("v"), TD_TEXT("h"), TD_TEXT("x")));
    td_head head = {.base_offset = 5, .epoch = 2};
    td_packer packer = {0};
    const uint8_t *bytes = td_batch_seal(&batch, &packer, &head);
    char hex[512];
    td_hex(bytes, (size_t)head.size_bytes, hex);
    assert_string_equal(hex, kafkas);
    td_batch_fini(&batch);
}

static void a_full_batch_says_so(void **state) {
    (void)state;
    td_batch batch;
    td_batch_init(&batch, 400);
    uint8_t value[1000] = {0};
    assert_true(td_batch_add(&batch, 0, none, (td_bytes){value, 1000}, none, none)); /* too large, but alone */
    assert_false(td_batch_add(&batch, 0, none, none, none, none));
    td_batch_reset(&batch);
    int count = 0;
    while (td_batch_add(&batch, 0, none, (td_bytes){value, 20}, none, none)) count++;
    assert_in_range(count, 5, 14);
    assert_int_equal(batch.count, count);
    assert_true(batch.bytes.size <= 400);
    td_batch_fini(&batch);
}

/* A cursor over damaged records (their CRC is not looked at here) ends, and stays inside (ASan watches). */
static void damage_never_leads_astray(void **state) {
    (void)state;
    td_batch batch;
    td_batch_init(&batch, 1024);
    for (int i = 0; i < 5; i++) {
        assert_true(td_batch_add(&batch, i, TD_TEXT("key"), TD_TEXT("some value"), TD_TEXT("src"), TD_TEXT("12")));
    }
    uint64_t seed = 1;
    size_t size = batch.bytes.size - TD_BATCH_HEADER_BYTES;
    for (int round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(size); /* its own block: a byte too far is seen */
        memcpy(copy, batch.bytes.data + TD_BATCH_HEADER_BYTES, size);
        for (uint64_t flips = 1 + unit_random(&seed) % 3; flips > 0; flips--) {
            copy[unit_random(&seed) % size] = (uint8_t)unit_random(&seed);
        }
        td_head head = {.count = 5, .records = 5};
        td_cursor cursor = td_head_cursor(&head, (td_bytes){copy, unit_random(&seed) % (size + 1)});
        td_record record;
        uint64_t sum = 0;
        while (td_cursor_next(&cursor, &record)) {
            sum += td_murmur2(record.key) + td_murmur2(record.value) + td_murmur2(record.headers);
            sum += td_murmur2(td_record_header(&record, TD_TEXT("src")));
        }
        assert_true(cursor.at <= cursor.end && cursor.left >= 0);
        assert_true(sum != 1);
        free(copy);
    }
    td_batch_fini(&batch);
}

/* Every byte of a head and of compressed records: wrong ones are refused, by the head, the CRC or the frame. */
static void damage_to(td_codec codec) {
    td_batch batch;
    td_packer packer = {0}, unpacker = {0};
    td_batch_init(&batch, 4096);
    for (int i = 0; i < 30; i++) {
        assert_true(td_batch_add(&batch, i, TD_TEXT("key"), TD_TEXT("some value"), none, none));
    }
    td_head head = {.codec = codec}, read;
    const uint8_t *bytes = td_batch_seal(&batch, &packer, &head);
    uint8_t *copy = malloc((size_t)head.size_bytes);
    for (size_t i = 8; i < (size_t)head.size_bytes; i++) { /* what lies before is the place, which readers compare */
        if (i >= 12 && i < 16) continue;                   /* the epoch: outside the CRC, as in Kafka */
        memcpy(copy, bytes, (size_t)head.size_bytes);
        copy[i] ^= 0x40;
        bool seen = !td_head_get(copy, &read) || read.size_bytes != head.size_bytes || !td_head_crc_ok(&read, copy);
        ASSERT_ROW(seen, "%zu", i);
        td_bytes records;
        if (i < TD_BATCH_HEADER_BYTES) continue;
        (void)!td_packer_records(&unpacker, &head, copy, &records); /* any answer, but in bounds */
    }
    free(copy);
    td_packer_fini(&packer);
    td_packer_fini(&unpacker);
    td_batch_fini(&batch);
}

static void damage_is_seen(void **state) {
    (void)state;
    for (size_t c = 0; c < COUNT_OF(codecs); c++) damage_to(codecs[c]);
}

/* Kafka's features that we do not write: refused, though the CRC is right. */
static void foreign_attributes_are_refused(void **state) {
    (void)state;
    static const uint16_t rows[] = {1, 2, 5, 7, 1 << 3, 1 << 4, 1 << 5, 4 | 1 << 4, 1 << 6};
    td_batch batch;
    td_packer packer = {0};
    td_batch_init(&batch, 1024);
    assert_true(td_batch_add(&batch, 0, none, none, none, none));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_head head = {.base_offset = 1}, read;
        (void)td_batch_seal(&batch, &packer, &head);
        assert_true(td_head_get(batch.bytes.data, &read));
        head.codec = (td_codec)rows[i];
        td_head_put(&head, batch.bytes.data);
        ASSERT_ROW(!td_head_get(batch.bytes.data, &read), "%zu", i);
    }
    td_packer_fini(&packer);
    td_batch_fini(&batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_round_trip),
        cmocka_unit_test(records_round_trip),
        cmocka_unit_test(bytes_are_kafkas),
        cmocka_unit_test(a_full_batch_says_so),
        cmocka_unit_test(damage_never_leads_astray),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(foreign_attributes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
