/* tests/unit/sink_firsts_test.c - goal: of a batch just the rows that say of an instrument that it was there earlier
 * than anything said before, whatever order they come in, and all of it again where that was forgotten. */
#include "sink/firsts.h"
#include "unit.h"
#include <stdio.h>

static td_sink_row trade(const char *instrument, int64_t event_ns) {
    return (td_sink_row){.kind = TD_ROW_PUBLISHED,
                         .instrument = td_text(instrument),
                         .event = {.kind = TD_EVENT_TRADE, .event_ns = event_ns}};
}

static void expect_picks(td_firsts *firsts, const td_sink_row *rows, size_t count, const char *wanted) {
    char got[64] = "";
    size_t picked = td_firsts_pick(firsts, rows, count);
    for (size_t i = 0; i < picked; i++)
        (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%u ", (unsigned)td_firsts_rows(firsts)[i]);
    assert_string_equal(got, wanted);
}

static void only_what_is_earlier_is_told(void **state) {
    (void)state;
    const td_sink_row rows[] = {trade("A:A", 5), trade("A:B", 9), trade("A:A", 4), trade("A:A", 6), trade("A:A", 4)};
    const td_sink_row later[] = {trade("A:A", 4), trade("A:B", 8), trade("A:C", INT64_MIN), trade("A:A", 70)};
    td_firsts firsts = {0};
    for (int again = 0; again < 2; again++) {
        expect_picks(&firsts, rows, COUNT_OF(rows), "1 2 ");
        expect_picks(&firsts, rows, COUNT_OF(rows), "");
        expect_picks(&firsts, later, COUNT_OF(later), "1 2 ");
        expect_picks(&firsts, later, COUNT_OF(later), "");
        expect_picks(&firsts, NULL, 0, "");
        td_firsts_forget(&firsts);
    }
    td_firsts_fini(&firsts);
}

static void what_counts_are_bars_and_ticks(void **state) {
    (void)state;
    const td_sink_row bar = {.kind = TD_ROW_BAR, .instrument = TD_TEXT("A:A"), .bar = {.start_ns = 50, .end_ns = 60}},
                      vendor = {.kind = TD_ROW_VENDOR_BAR,
                                .instrument = TD_TEXT("A:A"),
                                .event = {.event_ns = 49, .vendor_bar = {.start_ns = 40}}},
                      others[] = {{.kind = TD_ROW_SIGNAL, .instrument = TD_TEXT("A:A")},
                                  {.kind = TD_ROW_FILL, .instrument = TD_TEXT("A:A")},
                                  {.kind = TD_ROW_GAP, .instrument = TD_TEXT("A:A")},
                                  {.kind = TD_ROW_QUARANTINED, .instrument = TD_TEXT("A:A")},
                                  {.kind = TD_ROW_REJECTED},
                                  trade("none", 3)};
    const td_sink_row at_start = trade("A:A", 50), at_vendors = trade("A:A", 40);
    td_firsts firsts = {0};
    for (size_t i = 0; i < COUNT_OF(others); i++) expect_picks(&firsts, &others[i], 1, "");
    expect_picks(&firsts, &bar, 1, "0 ");
    expect_picks(&firsts, &at_start, 1, "");
    expect_picks(&firsts, &vendor, 1, "0 ");
    expect_picks(&firsts, &at_vendors, 1, "");
    td_firsts_fini(&firsts);
}

static void many_instruments_are_told_apart(void **state) {
    (void)state;
    enum { INSTRUMENTS = 1000 };
    static td_sink_row rows[2 * INSTRUMENTS];
    static char names[INSTRUMENTS][16];
    td_firsts firsts = {0};
    for (int i = 0; i < INSTRUMENTS; i++) (void)snprintf(names[i], sizeof names[i], "X:%d", i);
    for (int i = 0; i < 2 * INSTRUMENTS; i++) rows[i] = trade(names[i % INSTRUMENTS], 2 * INSTRUMENTS - i);
    assert_int_equal(td_firsts_pick(&firsts, rows, COUNT_OF(rows)), INSTRUMENTS);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) ASSERT_ROW(td_firsts_rows(&firsts)[i] == INSTRUMENTS + i, "%u", i);
    td_firsts_fini(&firsts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_earlier_is_told),
        cmocka_unit_test(what_counts_are_bars_and_ticks),
        cmocka_unit_test(many_instruments_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
