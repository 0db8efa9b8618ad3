/* tests/unit/net_cql_frame_test.c - goal: what a client says is, byte for byte, what version 4 of the protocol asks
 * for; of a server's bytes a frame is taken when it is whole, and nothing that is none. */
#include "cql_unit.h"
#include "net/cql_frame.h"
#include <lz4.h>

static void bodies(void **state) {
    (void)state;
    td_cql_values values = {0};
    td_buf out = {0};
    td_cql_put_login(&out, "tape", "de ck");
    assert_true(cql_is(td_buf_bytes(&out), "0000000B 00 'tape' 00 'de ck'"));
    out.size = 0;
    td_cql_put_prepare(&out, TD_TEXT("SELECT"));
    assert_true(cql_is(td_buf_bytes(&out), "00000006 'SELECT'"));
    out.size = 0;
    td_cql_put_query(&out, TD_TEXT("Q"), &(td_cql_terms){.consistency = TD_CQL_LOCAL_QUORUM, .values = &values});
    assert_true(cql_is(td_buf_bytes(&out), "00000001 'Q' 0006 00"));
    out.size = 0;
    td_cql_add_int(&values, 7);
    td_cql_add_null(&values);
    td_cql_add_unset(&values);
    const td_cql_terms all = {TD_CQL_ONE, 5000, TD_TEXT("page"), &values};
    td_cql_put_query(&out, TD_TEXT("Q"), &all);
    assert_true(cql_is(td_buf_bytes(&out),
                       "00000001 'Q' 0001 0D 0003 00000004 00000007 FFFFFFFF FFFFFFFE 00001388 00000004 'page'"));
    out.size = 0;
    td_cql_put_execute(&out, TD_TEXT("id"), &(td_cql_terms){.consistency = TD_CQL_LOCAL_ONE, .values = &values});
    assert_true(cql_is(td_buf_bytes(&out), "0002 'id' 000A 01 0003 00000004 00000007 FFFFFFFF FFFFFFFE"));
    td_buf_fini(&out);
    td_cql_values_fini(&values);
}

static void startup(void **state) {
    (void)state;
    td_buf out = {0};
    td_cql_put_startup(&out, false);
    assert_true(td_get_be16(out.data) == 3);
    assert_true(td_bytes_have(td_buf_bytes(&out), TD_TEXT("CQL_VERSION")));
    assert_false(td_bytes_have(td_buf_bytes(&out), TD_TEXT("COMPRESSION")));
    size_t plain = out.size;
    out.size = 0;
    td_cql_put_startup(&out, true);
    assert_true(td_get_be16(out.data) == 4);
    assert_true(cql_is(td_bytes_from(td_buf_bytes(&out), plain), "000B 'COMPRESSION' 0003 'lz4'"));
    td_buf_fini(&out);
}

static void batch(void **state) {
    (void)state;
    td_cql_values values = {0};
    td_cql_batch b = {0};
    for (int again = 0; again < 2; again++) {
        td_cql_batch_begin(&b);
        for (int row = 0; row < 2; row++) {
            td_cql_values_clear(&values);
            td_cql_add_bytes(&values, TD_TEXT("v"));
            td_cql_batch_add(&b, TD_TEXT("id"), &values);
        }
        td_cql_batch_end(&b, TD_CQL_QUORUM);
        assert_true(cql_is(td_buf_bytes(&b.body), "01 0002 01 0002 'id' 0001 00000001 'v'"
                                                  "        01 0002 'id' 0001 00000001 'v' 0004 00"));
    }
    td_buf_fini(&b.body);
    td_cql_values_fini(&values);
}

#define WIDE(high, low) ((td_i128)((td_u128)(high) << 64 | (td_u128)(low)))

/* As java.math.BigInteger.toByteArray has them. */
static void decimals(void **state) {
    (void)state;
    static const struct {
        int64_t high;
        uint64_t low;
        int32_t scale;
        const char *bytes;
    } rows[] = {
        {0, 0, 9, "00000005 00000009 00"},
        {0, 127, 0, "00000005 00000000 7F"},
        {0, 128, 0, "00000006 00000000 0080"},
        {0, 255, 0, "00000006 00000000 00FF"},
        {-1, UINT64_MAX, 17, "00000005 00000011 FF"},
        {-1, UINT64_MAX - 127, 0, "00000005 00000000 80"},
        {-1, UINT64_MAX - 128, 0, "00000006 00000000 FF7F"},
        {0, INT64_MAX, 8, "0000000C 00000008 7FFFFFFFFFFFFFFF"},
        {0, UINT64_C(1) << 63, 8, "0000000D 00000008 008000000000000000"},
        {INT64_MAX, UINT64_MAX, 17, "00000014 00000011 7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
        {INT64_MIN, 0, 17, "00000014 00000011 80000000000000000000000000000000"},
    };
    td_cql_values values = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_cql_values_clear(&values);
        td_cql_add_decimal(&values, WIDE((uint64_t)rows[i].high, rows[i].low), rows[i].scale);
        ASSERT_ROW(cql_is(td_buf_bytes(&values.bytes), rows[i].bytes) && values.count == 1, "%zu", i);
    }
    td_cql_values_fini(&values);
}

static void other_values(void **state) {
    (void)state;
    td_cql_values v = {0};
    td_cql_add_bigint(&v, -2);
    td_cql_add_bool(&v, true);
    td_cql_add_date(&v, 0);
    td_cql_add_date(&v, -1);
    td_cql_add_bytes(&v, (td_bytes){0});
    td_cql_add_text(&v, TD_TEXT("a\xff"
                                "b\xc3"));
    td_cql_add_text(&v, (td_bytes){0});
    assert_true(v.count == 7);
    assert_true(cql_is(td_buf_bytes(&v.bytes),
                       "00000008 FFFFFFFFFFFFFFFE 00000001 01 00000004 80000000 00000004 7FFFFFFF 00000000"
                       "00000008 61 EFBFBD 62 EFBFBD 00000000"));
    td_cql_values_fini(&v);
}

static void frames_out(void **state) {
    (void)state;
    td_buf out = {0}, long_body = {0};
    td_cql_frame_put(&out, TD_CQL_OPTIONS, 258, (td_bytes){0}, true);
    td_cql_frame_put(&out, TD_CQL_QUERY, 1, TD_TEXT("short"), true);
    assert_true(cql_is(td_buf_bytes(&out), "04 00 0102 05 00000000 04 00 0001 07 00000005 'short'"));
    for (int i = 0; i < 1000; i++) td_buf_text(&long_body, "tick ");
    out.size = 0;
    td_cql_frame_put(&out, TD_CQL_QUERY, 1, td_buf_bytes(&long_body), false);
    assert_true(out.size == TD_CQL_HEAD_BYTES + long_body.size && out.data[1] == 0);
    out.size = 0;
    td_cql_frame_put(&out, TD_CQL_QUERY, 1, td_buf_bytes(&long_body), true);
    assert_true(out.data[1] == 1 && out.size < 200 && td_get_be32(out.data + 5) == out.size - TD_CQL_HEAD_BYTES);
    assert_true(td_get_be32(out.data + TD_CQL_HEAD_BYTES) == long_body.size);
    char back[5000];
    int size = LZ4_decompress_safe((const char *)out.data + TD_CQL_HEAD_BYTES + 4, back,
                                   (int)out.size - TD_CQL_HEAD_BYTES - 4, sizeof back);
    assert_true(size == (int)long_body.size && memcmp(back, long_body.data, long_body.size) == 0);
    uint64_t seed = 1; /* what cannot become shorter is sent plain */
    for (size_t i = 0; i < long_body.size; i++) long_body.data[i] = (uint8_t)unit_random(&seed);
    out.size = 0;
    td_cql_frame_put(&out, TD_CQL_QUERY, 1, td_buf_bytes(&long_body), true);
    assert_true(out.data[1] == 0 && out.size == TD_CQL_HEAD_BYTES + long_body.size);
    td_buf_fini(&out);
    td_buf_fini(&long_body);
}

static void frames_in(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        td_status status;
    } rows[] = {
        {"", TD_AGAIN},
        {"84 00 0001 08 00000001", TD_AGAIN},
        {"84 00 0001 08 00000001 AA BB", TD_OK},
        {"04 00 0001 08 00000000", TD_REJECT}, /* a client's */
        {"83 00 0001 08 00000000", TD_REJECT}, /* another version */
        {"83 00 0001 00 00000000", TD_OK},     /* … which says so */
        {"86 00 0001 00 00000000", TD_OK},
        {"87 00 0001 00 00000000", TD_REJECT},
        {"84 00 0001 08 01000000", TD_AGAIN},
        {"84 00 0001 08 01000001", TD_REJECT}, /* longer than we take */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_bytes bytes = cql_bytes(rows[i].bytes);
        td_cql_frame frame;
        ASSERT_ROW(td_cql_frame_get(bytes, &frame) == rows[i].status, "%zu", i);
        cql_free(bytes);
    }
    td_bytes two = cql_bytes("84 00 FFFF 0C 00000001 AA 84");
    td_cql_frame frame;
    assert_true(td_cql_frame_get(two, &frame) == TD_OK);
    assert_true(frame.stream == -1 && frame.opcode == TD_CQL_EVENT && frame.size == 10 && frame.body.data[0] == 0xAA);
    cql_free(two);
}

static void what_flags_say(void **state) {
    (void)state;
    static const struct {
        uint8_t flags;
        const char *body, *message; /* NULL: rejected */
    } rows[] = {
        {0, "'abc'", "'abc'"},
        {2, "00112233445566778899AABBCCDDEEFF 'abc'", "'abc'"},
        {2, "00112233445566778899AABBCCDDEE", NULL},
        {8, "0002 0001 'x' 0000 'abc'", "'abc'"},
        {8, "0002 0001 'x' 0001", NULL},
        {4, "0001 0001 'k' FFFFFFFF 'abc'", "'abc'"},
        {4, "0001 0001 'k' 00000002 'vv' 'abc'", "'abc'"},
        {4, "0001 0001 'k' 00000009 'vv' 'abc'", NULL},
        {14, "00112233445566778899AABBCCDDEEFF 0001 0001 'w' 0001 0001 'k' 00000001 'v' 'abc'", "'abc'"},
        {1, "00000003 30 'abc'", "'abc'"}, /* three bytes as they are */
        {1, "00000004 30 'abc'", NULL},    /* not as long as it says */
        {1, "00000002 30 'abc'", NULL},
        {1, "000000", NULL},
        {1, "7FFFFFFF 30 'abc'", NULL},
        {1, "00000000 00", ""},
        {9, "00000008 80 0001 0001 'wabc'", "'abc'"},
    };
    td_buf room = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_bytes body = cql_bytes(rows[i].body), message;
        const td_cql_frame frame = {.flags = rows[i].flags, .opcode = TD_CQL_RESULT, .body = body};
        td_status status = td_cql_frame_open(&frame, &room, &message);
        if (rows[i].message == NULL)
            ASSERT_ROW(status == TD_REJECT, "%zu", i);
        else
            ASSERT_ROW(status == TD_OK && cql_is(message, rows[i].message), "%zu", i);
        cql_free(body);
    }
    td_buf_fini(&room);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),    cmocka_unit_test(startup),        cmocka_unit_test(batch),
        cmocka_unit_test(decimals),  cmocka_unit_test(other_values),   cmocka_unit_test(frames_out),
        cmocka_unit_test(frames_in), cmocka_unit_test(what_flags_say),
    };
    return cmocka_run_group_tests_name("net_cql_frame", tests, NULL, NULL);
}
