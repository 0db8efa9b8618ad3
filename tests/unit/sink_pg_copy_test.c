/* tests/unit/sink_pg_copy_test.c - goal: rows are bytes as PostgreSQL's documentation of COPY has them: every digit,
 * instants rounded down, texts that a server takes. */
#include "sink/pg_copy.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

/* A row of one column, in hex behind the count of columns; blanks do not count. */
static void expect_cell(const td_column *column, const td_cell *cell, const char *hex) {
    const td_table table = {.name = "t", .columns = column, .column_count = 1};
    td_cells cells = {.count = 1};
    td_buf out = {0};
    char text[512] = "";
    cells.items[0] = *cell;
    td_pg_copy_row(&out, &table, &cells);
    for (size_t i = 2; i < out.size; i++) (void)snprintf(text + 2 * (i - 2), 3, "%02x", out.data[i]);
    const char *at = text;
    for (const char *c = hex; *c != '\0'; c++)
        if (*c != ' ' && *c != *at++) fail_msg("%s, wanted %s", text, hex);
    assert_int_equal(*at, '\0');
    td_buf_fini(&out);
}

static void decimals_keep_every_digit(void **state) {
    (void)state;
    static const td_column column = {.name = "n", .type = TD_COLUMN_DECIMAL};
    const td_i128 top = (td_i128)(((td_u128)1 << 127) - 1);
    const struct {
        td_i128 m;
        int scale;
        bool keep_zeros;
        const char *hex; /* size; how many fours of digits, weight of the first, sign, scale; the fours */
    } rows[] = {
        {0, 9, false, "00000008 0000 0000 0000 0000"},
        {0, 9, true, "00000008 0000 0000 0000 0009"},
        {1, 9, false, "0000000a 0001 fffd 0000 0009 03e8"},                /* 1000 x 10^-12 */
        {-1500000000, 9, false, "0000000c 0002 0000 4000 0001 0001 1388"}, /* -1.5 */
        {100000000000000, 9, false, "0000000a 0001 0001 0000 0000 000a"},  /* 10 x 10^4 */
        {100000000000000, 9, true, "0000000a 0001 0001 0000 0009 000a"},
        {INT64_MAX, 9, false, "00000014 0006 0002 0000 0009 005c 0921 07f4 2163 1d9c 1b58"},
        {top, 8, false, "0000001c 000a 0007 0000 0008 00aa 0583 209a 01d5 090d 0c60 1c87 1bf6 20da 165f"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_cell(&column,
                    &(td_cell){.decimal = rows[i].m, .scale = (uint8_t)rows[i].scale, .keep_zeros = rows[i].keep_zeros},
                    rows[i].hex);
    expect_cell(&column, &(td_cell){.null = true}, "ffffffff");
}

static void instants_are_rounded_down(void **state) {
    (void)state;
    static const td_column column = {.name = "t_ns", .type = TD_COLUMN_INSTANT, .instant = "t"};
    expect_cell(&column, &(td_cell){.number = 946684800000000000 + 1999}, /* 1.999 us into 2000 */
                "00000008 0d234ccf524307cf 00000008 0000000000000001");
    expect_cell(&column, &(td_cell){.number = -1}, "00000008 ffffffffffffffff 00000008 fffca2fec4c81fff");
    expect_cell(&column, &(td_cell){.number = -1000}, "00000008 fffffffffffffc18 00000008 fffca2fec4c81fff");
    expect_cell(&column, &(td_cell){.null = true}, "ffffffff ffffffff");
}

static void texts_are_what_a_server_takes(void **state) {
    (void)state;
    static const td_column column = {.name = "s", .type = TD_COLUMN_TEXT};
    const struct {
        td_bytes text;
        const char *hex;
    } rows[] = {{TD_TEXT(""), "00000000"},
                {{0}, "00000000"},
                {TD_TEXT("\xc3\xa4"), "00000002 c3a4"},
                {TD_TEXT("a\xff"), "00000004 61efbfbd"},
                {TD_TEXT("\xc3"), "00000003 efbfbd"},
                {TD_TEXT("a\0b"), "00000005 61efbfbd62"},
                {TD_TEXT("\xed\xa0\x80"), "00000009 efbfbdefbfbdefbfbd"}}; /* a half of a pair */
    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_cell(&column, &(td_cell){.text = rows[i].text}, rows[i].hex);
}

static void a_batch_begins_and_ends(void **state) {
    (void)state;
    td_buf out = {0};
    td_pg_copy_begin(&out);
    td_pg_copy_end(&out);
    assert_int_equal(out.size, 21);
    assert_memory_equal(out.data, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377", 21);
    td_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_keep_every_digit),
        cmocka_unit_test(instants_are_rounded_down),
        cmocka_unit_test(texts_are_what_a_server_takes),
        cmocka_unit_test(a_batch_begins_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
