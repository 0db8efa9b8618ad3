/* tests/unit/model_corporate_test.c - goal: an action is read as people write it or refused with its reason, and what a
 * split makes of a bar is exact, rounded half to even once. */
#include "base/time.h"
#include "model/corporate.h"
#include "unit.h"
#include <string.h>

#define DAY TD_NS_PER_DAY

static const char *read(const char *const words[4], td_event *out) {
    td_corporate_words all = {.date = td_text(words[0]),
                              .kind = td_text(words[1]),
                              .value = td_text(words[2]),
                              .announced = td_text(words[3]),
                              .currency = TD_TEXT("USD"),
                              .source = TD_TEXT("desk")};
    return td_corporate_read(&all, out);
}

static void reads_what_people_write(void **state) {
    (void)state;
    static const struct {
        const char *words[4];
        uint32_t numerator, denominator;
        int64_t amount, event_ns;
    } rows[] = {
        {{"2014-06-09", "split", "7:1", ""}, 7, 1, 0, 16229 * DAY},
        {{"2014-06-09", "split", "1:10", "2014-04-23"}, 1, 10, 0, 16183 * DAY},
        {{"2014-06-09", "split", "3:2", "2014-04-23T12:00:00Z"}, 3, 2, 0, 16183 * DAY + DAY / 2},
        {{"2014-05-08", "dividend", "3.29", ""}, 0, 0, 3290000000, 16197 * DAY},
        {{"1970-01-01", "dividend", "0.000000001", ""}, 0, 0, 1, 0},
        {{"2022-06-09", "symbol", "META", ""}, 0, 0, 0, 19151 * DAY},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e;
        const char *fault = read(rows[i].words, &e);
        ASSERT_ROW(fault == NULL, "%zu, %s", i, fault);
        ASSERT_ROW(e.corporate.numerator == rows[i].numerator && e.corporate.denominator == rows[i].denominator, "%zu",
                   i);
        ASSERT_ROW(e.corporate.amount == rows[i].amount && e.event_ns == rows[i].event_ns, "%zu", i);
        td_buf value = {0};
        td_corporate_put_value(&value, &e.corporate);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&value), td_text(rows[i].words[2])), "%zu", i);
        td_buf_fini(&value);
    }
}

static void refuses_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *words[4], *fault;
    } rows[] = {
        {{"2014-06-09", "split", "0:1", ""}, "a side of the split is 0"},
        {{"2014-06-09", "split", "1:0", ""}, "a side of the split is 0"},
        {{"2014-06-09", "split", "-2:1", ""}, "the sides of a split are whole numbers up to 1000000"},
        {{"2014-06-09", "split", "1.5:1", ""}, "the sides of a split are whole numbers up to 1000000"},
        {{"2014-06-09", "split", "1000001:1", ""}, "a side of the split is above 1000000"},
        {{"2014-06-09", "split", "9999999999:1", ""}, "the sides of a split are whole numbers up to 1000000"},
        {{"2014-06-09", "split", "2:2", ""}, "a split that changes nothing"},
        {{"2014-06-09", "split", "2", ""}, "the value of a split is NEW:OLD, as 4:1"},
        {{"2014-06-09", "split", "", ""}, "the value of a split is NEW:OLD, as 4:1"},
        {{"2014-06-09", "dividend", "0", ""}, "the amount of a dividend is not above 0"},
        {{"2014-06-09", "dividend", "-1", ""}, "the amount of a dividend is not above 0"},
        {{"2014-06-09", "dividend", "0.1234567891", ""}, "an amount has at most 9 decimals"},
        {{"2014-06-09", "dividend", "much", ""}, "the value of a dividend is an amount for one share, as 0.82"},
        {{"2014-06-09", "symbol", "", ""}, "no instrument can have that symbol"},
        {{"2014-06-09", "symbol", "A B", ""}, "no instrument can have that symbol"},
        {{"2014-06-09", "merger", "1:1", ""}, "the kind is split, dividend or symbol"},
        {{"2014-13-09", "split", "2:1", ""}, "the date is not like 2014-06-09"},
        {{"", "split", "2:1", ""}, "the date is not like 2014-06-09"},
        {{"1969-12-31", "split", "2:1", ""}, "a day outside of 1970 to 2200"},
        {{"2200-01-02", "split", "2:1", ""}, "a day outside of 1970 to 2200"},
        {{"2014-06-09", "split", "2:1", "soon"}, "announced: neither a day nor an instant"},
        {{"2014-06-09", "split", "2:1", "1950-01-01"}, "announced: a day outside of 1970 to 2200"},
        {{"2014-06-09", "split", "2:1", "9999-12-31"}, "announced: a day outside of 1970 to 2200"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_event e;
        const char *fault = read(rows[i].words, &e);
        ASSERT_ROW(fault != NULL && strcmp(fault, rows[i].fault) == 0, "%zu, %s", i, fault != NULL ? fault : "taken");
    }
}

static void splits_multiply(void **state) {
    (void)state;
    td_split split = {1, 1};
    assert_true(td_split_add(&split, 7, 1));
    assert_true(td_split_add(&split, 2, 4));
    assert_true(split.numerator == 7 && split.denominator == 2);
    assert_true(td_split_add(&split, 2, 7));
    assert_true(split.numerator == 1 && split.denominator == 1);
    assert_true(td_split_add(&split, 1000000, 1) && td_split_add(&split, 1000000, 1));
    assert_false(td_split_add(&split, 2, 1)); /* and nothing changes */
    assert_true(split.numerator == INT64_C(1000000000000) && split.denominator == 1);
}

static void bars_are_rounded_once(void **state) {
    (void)state;
    static const struct {
        td_split split;
        int64_t price, scaled;
        int64_t volume, scaled_volume, vwap;
    } rows[] = {
        {{1, 1}, 100, 100, 10, 10, 100},
        {{2, 1}, 101, 50, 10, 20, 50}, /* 50.5, to even */
        {{2, 1}, 103, 52, 10, 20, 52}, /* 51.5, to even */
        {{3, 1}, 100, 33, 10, 30, 33},
        {{3, 1}, 200, 67, 10, 30, 67},
        {{1, 10}, 7, 70, 25, 2, 88},   /* 2.5 to even; vwap from the volume that is there: 87.5 */
        {{1, 1000}, 1, 1000, 1, 1, 1}, /* something was traded */
        {{1, 1000000}, INT64_MAX, INT64_MAX, 1000000, 1, INT64_MAX}, /* the greatest that there is */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t p = rows[i].price;
        td_bar bar = {.open = p, .high = p, .low = p, .close = p, .volume = rows[i].volume, .vwap = p};
        bar.notional = (td_i128)p * rows[i].volume;
        td_split_bar(rows[i].split, &bar);
        ASSERT_ROW(bar.open == rows[i].scaled && bar.high == bar.open && bar.low == bar.open && bar.close == bar.open,
                   "%zu", i);
        ASSERT_ROW(bar.volume == rows[i].scaled_volume && bar.vwap == rows[i].vwap, "%zu: %lld", i,
                   (long long)bar.vwap);
        ASSERT_ROW(bar.notional == (td_i128)p * rows[i].volume, "%zu", i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_write),
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(splits_multiply),
        cmocka_unit_test(bars_are_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
