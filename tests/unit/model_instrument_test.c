/* tests/unit/model_instrument_test.c - goal: names keep their numbers, in the order first seen, however many come. */
#include "model/instrument.h"
#include "unit.h"
#include <stdio.h>

static void numbers_names_in_order(void **state) {
    (void)state;
    td_instruments *table = td_instruments_new();
    assert_int_equal(td_instruments_count(table), 0);
    assert_int_equal(td_instruments_find(table, TD_TEXT("LEAN:IBM")), UINT32_MAX);
    assert_int_equal(td_instruments_intern(table, TD_TEXT("LEAN:IBM")), 0);
    assert_int_equal(td_instruments_intern(table, TD_TEXT("LEAN:AAPL")), 1);
    assert_int_equal(td_instruments_intern(table, TD_TEXT("LEAN:IBM")), 0);
    assert_int_equal(td_instruments_find(table, TD_TEXT("LEAN:AAPL")), 1);
    assert_int_equal(td_instruments_find(table, TD_TEXT("LEAN:IB")), UINT32_MAX);
    assert_int_equal(td_instruments_count(table), 2);
    td_instruments_free(table);
    td_instruments_free(NULL);
}

static void keeps_names_where_they_are(void **state) {
    enum { COUNT = 20000 }; /* many growths of slots, names and blocks */
    (void)state;
    td_instruments *table = td_instruments_new();
    char name[TD_INSTRUMENT_NAME_MAX + 1];
    td_bytes first = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        int size = snprintf(name, sizeof name, "SIM:%0*u", (int)(1 + i % 59), i);
        assert_int_equal(td_instruments_intern(table, (td_bytes){(const uint8_t *)name, (size_t)size}), i);
        if (i == 0) first = td_instruments_name(table, 0);
    }
    assert_int_equal(td_instruments_count(table), COUNT);
    assert_ptr_equal(td_instruments_name(table, 0).data, first.data);
    for (unsigned i = 0; i < COUNT; i++) {
        int size = snprintf(name, sizeof name, "SIM:%0*u", (int)(1 + i % 59), i);
        td_bytes text = {(const uint8_t *)name, (size_t)size};
        assert_int_equal(td_instruments_find(table, text), i);
        assert_string_equal((const char *)td_instruments_name(table, i).data, name); /* a NUL follows */
        assert_true(td_bytes_equal(td_instruments_name(table, i), text));
    }
    td_instruments_free(table);
}

static void knows_valid_names(void **state) {
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"LEAN:IBM", true},
        {"BINANCE:BTCUSDT", true},
        {"X:Y", true},
        {"OANDA:FX:EUR_USD", true},
        {"A:123456789012345678901234567890123456789012345678901234567890_", true},   /* 63 bytes */
        {"A:123456789012345678901234567890123456789012345678901234567890__", false}, /* 64 */
        {"", false},
        {"IBM", false},
        {":IBM", false},
        {"LEAN:", false},
        {":", false},
        {"LEAN:I BM", false},
        {"LEAN:IBM\n", false},
        {"LEAN:\xc3\xa9", false},
        {"LEAN:\x7f", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_instrument_name_valid(td_text(rows[i].name)) == rows[i].valid, "%s", rows[i].name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_names_in_order),
        cmocka_unit_test(keeps_names_where_they_are),
        cmocka_unit_test(knows_valid_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
