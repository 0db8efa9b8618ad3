/* tests/unit/model_listing_test.c - goal: the instrument table says of each name what its file says, and a faulty file
 * is refused with its line. */
#include "base/time.h"
#include "model/listing.h"
#include "unit.h"

static void the_row_that_says_most_counts(void **state) {
    static const struct {
        const char *name, *asset, *calendar;
    } rows[] = {
        {"LEAN:IBM", "stock", "us-equities"}, {"LEAN:SPY", "fund", ""},    {"LEAN:SPYX", "stock", "us-equities"},
        {"BINANCE:BTC", "crypto", "24x7"},    {"OTHER:X", "", "mine.cal"},
    };
    (void)state;
    td_listings table = {0};
    assert_int_equal(td_listings_read(&table, TD_TEXT("instrument,calendar\n*,24x7\nLEAN:*,us-equities\n")), TD_OK);
    assert_int_equal(
        td_listings_read(&table, TD_TEXT("# ours\r\n instrument , asset,sector,calendar,tick,lot,currency,unit\r\n\r\n"
                                         "LEAN:SPY,fund,index funds,,0.01,100,USD,share\n*,,,mine.cal\n"
                                         "BINANCE:*,crypto,,24x7\nLEAN:*,stock,,us-equities,,,")),
        TD_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_listing *row = td_listings_find(&table, td_text(rows[i].name));
        ASSERT_ROW(row != NULL && strcmp(row->asset, rows[i].asset) == 0, "%s", rows[i].name);
        ASSERT_ROW(strcmp(row->calendar, rows[i].calendar) == 0, "%s", rows[i].name);
    }
    const td_listing *spy = td_listings_find(&table, TD_TEXT("LEAN:SPY"));
    assert_true(spy->tick == 10000000 && strcmp(spy->currency, "USD") == 0 && strcmp(spy->unit, "share") == 0);
    for (size_t i = 1; i < table.count; i++) assert_true(strcmp(table.rows[i - 1].pattern, table.rows[i].pattern) < 0);
    td_listings_fini(&table);
    assert_null(td_listings_find(&table, TD_TEXT("LEAN:SPY")));
}

static void aliases_come_in_the_order_of_names_and_days(void **state) {
    static const td_alias wanted[] = {{"LEAN:FB", "LEAN:META", 19152 * TD_NS_PER_DAY},
                                      {"LEAN:META", "LEAN:METV", 19023 * TD_NS_PER_DAY},
                                      {"LEAN:XBT", "LEAN:BTC", INT64_MAX}};
    (void)state;
    td_listings table = {0};
    assert_int_equal(td_listings_read(&table, TD_TEXT("instrument,aliases\nLEAN:BTC,XBT\nLEAN:META,FB<2022-06-09\n"
                                                      "LEAN:METV, META<2022-01-31 \n")),
                     TD_OK);
    assert_int_equal(table.alias_count, COUNT_OF(wanted));
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const td_alias *alias = &table.aliases[i];
        ASSERT_ROW(strcmp(alias->name, wanted[i].name) == 0 && strcmp(alias->means, wanted[i].means) == 0, "%zu", i);
        ASSERT_ROW(alias->until_ns == wanted[i].until_ns, "%zu", i);
    }
    td_listings_fini(&table);
}

static void refuses_with_the_line(void **state) {
    static const struct {
        const char *csv, *trail;
    } rows[] = {
        {"symbol,calendar\n", "line 1: the first column"},
        {"instrument,calender\n", "line 1: \"calender\" is near to the column calendar"},
        {"instrument,a sector\n", "line 1: \"a sector\" is no name"},
        {"instrument,2nd\n", "line 1: \"2nd\" is no name"},
        {"instrument,sector,tick,sector\n", "line 1: column sector stands there twice"},
        {"instrument,sector\nLEAN:A,tech,b\n", "line 2: more fields"},
        {"calendar,instrument\n", "line 1: the first column"},
        {"instrument,calendar\nIBM,24x7\n", "line 2: instrument: \"IBM\""},
        {"instrument,calendar\nLEAN:A*B*,24x7\n", "line 2: instrument"},
        {"instrument,calendar\nLEAN:A,24x7\n\nLEAN:A,24x7\n", "line 4: LEAN:A has a row"},
        {"instrument,tick\nLEAN:A,0\n", "line 2: tick: \"0\""},
        {"instrument,tick\nLEAN:A,0.0000000001\n", "line 2: tick"},
        {"instrument,unit\nLEAN:A,seventeen_letters\n", "line 2: unit"},
        {"instrument,unit\nLEAN:A,a,b\n", "line 2: more fields"},
        {"instrument,aliases\nLEAN:*,B\n", "line 2: aliases: \"B\" is no other name of LEAN:*"},
        {"instrument,aliases\nLEAN:A,A<2022-01-01\n", "line 2: aliases: \"A<2022-01-01\" is no other"},
        {"instrument,aliases\nLEAN:A,B<2022-02-30\n", "line 2: aliases: \"2022-02-30\" is not a day"},
        {"instrument,aliases\nLEAN:A,B\nLEAN:C,B\n", "line 3: aliases: B means LEAN:A already"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_listings table = {0};
        ASSERT_ROW(td_listings_read(&table, td_text(rows[i].csv)) == TD_CONFIG, "%zu", i);
        ASSERT_ROW(strstr(td_trail(), rows[i].trail) != NULL, "%zu: %s", i, td_trail());
        td_listings_fini(&table);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_that_says_most_counts),
        cmocka_unit_test(aliases_come_in_the_order_of_names_and_days),
        cmocka_unit_test(refuses_with_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
