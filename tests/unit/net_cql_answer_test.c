/* tests/unit/net_cql_answer_test.c - goal: each kind of a server's message is read as version 4 of the protocol has it;
 * one that is cut anywhere, or longer than it says, is none. */
#include "cql_unit.h"
#include "net/cql_answer.h"
#include <stdio.h>

#define ONE_COLUMN "00000001 00000001 0002 'ks' 0001 't' 0001 'a' 0009"

static const struct row {
    td_cql_opcode opcode;
    const char *bytes;
    td_cql_kind kind;
    bool open_ended; /* what follows is for others to know */
} rows[] = {
    {TD_CQL_READY, "", TD_CQL_IS_READY, false},
    {TD_CQL_AUTHENTICATE, "0002 'me'", TD_CQL_IS_AUTHENTICATE, false},
    {TD_CQL_AUTH_CHALLENGE, "00000001 AA", TD_CQL_IS_AUTH_CHALLENGE, false},
    {TD_CQL_AUTH_SUCCESS, "FFFFFFFF", TD_CQL_IS_AUTH_SUCCESS, false},
    {TD_CQL_SUPPORTED, "0002 000B 'COMPRESSION' 0002 0006 'snappy' 0003 'lz4' 0001 'X' 0000", TD_CQL_IS_SUPPORTED,
     false},
    {TD_CQL_EVENT, "000D 'SCHEMA_CHANGE' 0007 'CREATED'", TD_CQL_IS_EVENT, true},
    {TD_CQL_ERROR, "00001001 0004 'busy'", TD_CQL_IS_ERROR, true},
    {TD_CQL_ERROR, "00001000 0002 'no' 0004 00000002 00000001", TD_CQL_IS_ERROR, true},
    {TD_CQL_ERROR, "00001100 0002 'no' 0004 00000001 00000002 0006 'SIMPLE'", TD_CQL_IS_ERROR, true},
    {TD_CQL_ERROR, "00002500 0002 'no' 0004 'abcd'", TD_CQL_IS_ERROR, true},
    {TD_CQL_RESULT, "00000001", TD_CQL_IS_VOID, false},
    {TD_CQL_RESULT, "00000002" ONE_COLUMN "00000002 00000004 00000007 FFFFFFFF", TD_CQL_IS_ROWS, false},
    {TD_CQL_RESULT, "00000002 00000003 00000001 00000004 'more' 0002 'ks' 0001 't' 0001 'a' 0009 00000000",
     TD_CQL_IS_ROWS, false},
    {TD_CQL_RESULT, "00000002 00000000 00000001 0002 'ks' 0001 't' 0001 'a' 0009 00000000", TD_CQL_IS_ROWS, false},
    {TD_CQL_RESULT, "00000003 0002 'ks'", TD_CQL_IS_KEYSPACE, false},
    {TD_CQL_RESULT,
     "00000004 0002 'id' 00000001 00000002 00000001 0001 0002 'ks' 0001 't' 0001 'a' 0009 0001 'b' 0002"
     " 00000004 00000000",
     TD_CQL_IS_PREPARED, false},
    {TD_CQL_RESULT, "00000005 0007 'CREATED' 0008 'KEYSPACE' 0002 'ks'", TD_CQL_IS_SCHEMA, false},
    {TD_CQL_RESULT, "00000005 0007 'UPDATED' 0005 'TABLE' 0002 'ks' 0001 't'", TD_CQL_IS_SCHEMA, false},
    {TD_CQL_RESULT, "00000005 0007 'DROPPED' 0008 'FUNCTION' 0002 'ks' 0001 'f' 0001 0003 'int'", TD_CQL_IS_SCHEMA,
     false},
};

static td_status get(td_cql_opcode opcode, td_bytes bytes, td_cql_answer *out) {
    uint8_t *exact = td_alloc(bytes.size > 0 ? bytes.size : 1);
    if (bytes.size > 0) memcpy(exact, bytes.data, bytes.size);
    td_status status = td_cql_answer_get(opcode, (td_bytes){exact, bytes.size}, out);
    free(exact);
    return status;
}

static void each_kind_whole_and_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *r = &rows[i];
        td_bytes bytes = cql_bytes(r->bytes);
        td_cql_answer a;
        ASSERT_ROW(get(r->opcode, bytes, &a) == TD_OK && a.kind == r->kind, "%zu", i);
        td_buf longer = {0};
        td_buf_put(&longer, bytes.data, bytes.size);
        td_buf_text(&longer, "x");
        ASSERT_ROW(get(r->opcode, td_buf_bytes(&longer), &a) == (r->open_ended ? TD_OK : TD_REJECT), "%zu", i);
        td_buf_fini(&longer);
        for (size_t size = 0; size < bytes.size && !r->open_ended; size++)
            ASSERT_ROW(get(r->opcode, td_bytes_upto(bytes, size), &a) == TD_REJECT, "%zu, %zu bytes", i, size);
        cql_free(bytes);
    }
}

static void what_is_none(void **state) {
    (void)state;
    static const struct {
        td_cql_opcode opcode;
        const char *bytes;
    } bad[] = {
        {TD_CQL_QUERY, "00000001"},
        {TD_CQL_RESULT, "00000006"},
        {(td_cql_opcode)0x7F, ""},
        {TD_CQL_ERROR, "00001000 0002 'no' 0004 00000002"},     /* whose replicas? */
        {TD_CQL_ERROR, "00002500 0002 'no'"},                   /* which statement? */
        {TD_CQL_RESULT, "00000002 00000001 FFFFFFFF"},          /* fewer than no columns */
        {TD_CQL_RESULT, "00000002 00000001 00001001"},          /* more than anybody has */
        {TD_CQL_RESULT, "00000002" ONE_COLUMN "FFFFFFFF"},      /* fewer than no rows */
        {TD_CQL_RESULT, "00000002" ONE_COLUMN "7FFFFFFF"},      /* more than there are bytes for */
        {TD_CQL_RESULT, "00000002 00000004 00000000 7FFFFFFF"}, /* rows of nothing */
        {TD_CQL_RESULT, "00000002 00000004 00000001 00000000"}, /* of columns that it does not name */
        {TD_CQL_RESULT, "00000002" ONE_COLUMN "00000001 7FFFFFFF 00"},
        {TD_CQL_RESULT, "00000004 0000 00000001 00000000 00000000 00000004 00000000"}, /* without an id */
        {TD_CQL_RESULT,
         "00000004 0001 'i' 00000001 00000001 00000001 0001 0001 'k' 0001 't' 0001 'a' 0009 00000004 00000000"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        td_bytes bytes = cql_bytes(bad[i].bytes);
        td_cql_answer a;
        ASSERT_ROW(td_cql_answer_get(bad[i].opcode, bytes, &a) == TD_REJECT, "%zu", i);
        cql_free(bytes);
    }
}

static void rows_and_columns(void **state) {
    (void)state;
    td_bytes bytes =
        cql_bytes("00000002 00000003 00000003 00000002 'pg' 0002 'ks' 0001 't' 0001 'a' 0009"
                  "0001 'b' 0020 0021 000D 0031 0002 0002 0030 0001 'k' 0001 'u' 0001 0001 'f' 0000 0001 'c'"
                  "0001 'c' 0002 00000002"
                  "00000004 FFFFFFFE FFFFFFFF 00000008 0000000000000009  00000000 00000001 'x' FFFFFFFF");
    td_cql_answer a;
    td_cql_column column;
    td_bytes cells[4];
    int32_t number;
    int64_t big;
    assert_true(td_cql_answer_get(TD_CQL_RESULT, bytes, &a) == TD_OK);
    assert_true(cql_is(a.rows.page, "'pg'") && a.rows.count == 2 && a.rows.columns.count == 3);
    assert_true(cql_is(a.rows.columns.keyspace, "'ks'") && cql_is(a.rows.columns.table, "'t'"));
    td_cql_columns columns = a.rows.columns;
    static const uint16_t types[] = {0x09, 0x20, 0x02};
    for (size_t i = 0; i < 3; i++) {
        assert_true(td_cql_column_next(&columns, &column));
        assert_true(column.name.size == 1 && column.name.data[0] == 'a' + i && column.type == types[i]);
    }
    assert_false(td_cql_column_next(&columns, &column));
    assert_true(td_cql_row_next(&a.rows, cells, 2) && td_cql_get_int(cells[0], &number) && number == -2);
    assert_null(cells[1].data);
    assert_false(td_cql_get_bigint(cells[0], &big) || td_cql_get_int(cells[1], &number));
    memset(cells, 0xAA, sizeof cells);
    assert_true(td_cql_row_next(&a.rows, cells, 4) && cells[3].data == NULL && cells[3].size == 0);
    assert_true(cells[0].data != NULL && cells[0].size == 0 && cql_is(cells[1], "'x'"));
    assert_false(td_cql_row_next(&a.rows, cells, 2));
    cql_free(bytes);
}

static void elements(void **state) {
    (void)state;
    static const struct {
        const char *cell;
        size_t count;
    } lists[] = {{"00000002 00000001 'a' 00000003 'bcd'", 2},
                 {"00000002 00000001 'a' FFFFFFFF", 2},
                 {"00000000", 0},
                 {"", 0},
                 {"0000", 0},
                 {"00000002 00000009 00000001 'a'", 0},
                 {"00000009 00000001 'a'", 1},               /* its bytes count */
                 {"00000002 00000001 'a' 00000009 'bc'", 1}, /* cut */
                 {"00000002 00000001 'a' 0000", 1}};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        td_bytes cell = cql_bytes(lists[i].cell), all = td_cql_elements(cell), one;
        size_t count = 0;
        for (; td_cql_element_next(&all, &one); count++) ASSERT_ROW(count > 0 || cql_is(one, "'a'"), "%zu", i);
        ASSERT_ROW(count == lists[i].count, "%zu: %zu", i, count);
        assert_false(td_cql_element_next(&all, &one));
        cql_free(cell);
    }
}

/* A type within a type within … of a hostile server. */
static void nested_types(void **state) {
    (void)state;
    for (int depth = 0; depth < 40; depth++) {
        char text[1024] = "00000002 00000001 00000001 0001 'k' 0001 't' 0001 'a'";
        for (int i = 0; i < depth; i++) strcat(text, " 0020"); /* a list of */
        strcat(text, " 0009 00000000");
        td_bytes bytes = cql_bytes(text);
        td_cql_answer a;
        td_status status = td_cql_answer_get(TD_CQL_RESULT, bytes, &a);
        ASSERT_ROW(status == (depth <= TD_CQL_NESTED_MAX ? TD_OK : TD_REJECT), "%d", depth);
        cql_free(bytes);
    }
}

static td_status status_of(int32_t code, const char *text) {
    return td_cql_error_status(&(td_cql_answer){.error.code = code, .text = td_text(text)});
}

static void errors(void **state) {
    (void)state;
    td_cql_answer a;
    td_bytes bytes = cql_bytes("00001000 0002 'no' 0004 00000003 00000001");
    assert_true(td_cql_answer_get(TD_CQL_ERROR, bytes, &a) == TD_OK);
    cql_free(bytes);
    bytes = cql_bytes("00001100 0002 'no' 0004 00000001 00000003 0006 'SIMPLE'");
    assert_true(td_cql_answer_get(TD_CQL_ERROR, bytes, &a) == TD_OK);
    assert_true(cql_is(a.text, "'no'") && a.error.code == TD_CQL_ERROR_WRITE_TIMEOUT);
    cql_free(bytes);
    bytes = cql_bytes("00002500 0000 0004 'abcd'");
    assert_true(td_cql_answer_get(TD_CQL_ERROR, bytes, &a) == TD_OK && cql_is(a.error.id, "'abcd'"));
    cql_free(bytes);
    static const int32_t again[] = {0x0000, 0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1500, 0x2500};
    static const int32_t never[] = {0x000A, 0x0100, 0x1400, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400, 0x7777};
    for (size_t i = 0; i < COUNT_OF(again); i++) ASSERT_ROW(status_of(again[i], "") == TD_RETRY, "%zu", i);
    for (size_t i = 0; i < COUNT_OF(never); i++) ASSERT_ROW(status_of(never[i], "no") == TD_CONFIG, "%zu", i);
    assert_int_equal(status_of(TD_CQL_ERROR_LOGIN, "Unable to perform authentication: no quorum"), TD_RETRY);
}

static void prepared(void **state) {
    (void)state;
    td_cql_answer a;
    td_cql_column column;
    td_bytes bytes = cql_bytes(rows[15].bytes);
    assert_true(td_cql_answer_get(TD_CQL_RESULT, bytes, &a) == TD_OK);
    assert_true(cql_is(a.prepared.id, "'id'") && a.prepared.keys == 1 && a.prepared.values.count == 2);
    assert_true(td_cql_column_next(&a.prepared.values, &column) && column.type == 0x09);
    assert_true(td_cql_column_next(&a.prepared.values, &column) && cql_is(column.name, "'b'") && column.type == 0x02);
    cql_free(bytes);
    bytes = cql_bytes("0001 000B 'COMPRESSION' 0001 0006 'snappy'");
    assert_true(td_cql_answer_get(TD_CQL_SUPPORTED, bytes, &a) == TD_OK && !a.has_lz4);
    cql_free(bytes);
    bytes = cql_bytes(rows[4].bytes);
    assert_true(td_cql_answer_get(TD_CQL_SUPPORTED, bytes, &a) == TD_OK && a.has_lz4);
    cql_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_whole_and_cut),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(rows_and_columns),
        cmocka_unit_test(elements),
        cmocka_unit_test(nested_types),
        cmocka_unit_test(errors),
        cmocka_unit_test(prepared),
    };
    return cmocka_run_group_tests_name("net_cql_answer", tests, NULL, NULL);
}
