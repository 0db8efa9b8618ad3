/* tests/unit/sink_latest_test.c - goal: of a batch just the rows that are newest of their instruments, by the time of
 * the event and then by place, however they come. */
#include "sink/latest.h"
#include "unit.h"
#include <stdio.h>

static td_sink_row trade(const char *instrument, int64_t event_ns, int64_t ord) {
    return (td_sink_row){.kind = TD_ROW_PUBLISHED,
                         .instrument = td_text(instrument),
                         .tape_offset = ord,
                         .event = {.kind = TD_EVENT_TRADE, .event_ns = event_ns, .trade = {.price = ord, .size = 3}}};
}

static void the_later_event_counts_then_the_later_place(void **state) {
    (void)state;
    const td_sink_row rows[] = {trade("A:A", 5, 1), trade("A:B", 9, 2), trade("A:A", 7, 3), trade("A:A", 6, 4),
                                trade("A:B", 9, 5), trade("A:B", 9, 4), trade("A:C", 0, 7)};
    td_latest_picks picks = {0};
    for (int again = 0; again < 2; again++) {
        td_latest_pick(&picks, rows, COUNT_OF(rows));
        assert_int_equal(picks.count, 3);
        assert_int_equal(picks.rows[0], 2);
        assert_int_equal(picks.rows[1], 4);
        assert_int_equal(picks.rows[2], 6);
        td_latest_pick(&picks, rows, 1); /* fewer, in the room that there is */
        assert_int_equal(picks.count, 1);
        assert_int_equal(picks.rows[0], 0);
    }
    td_latest_picks_fini(&picks);
}

static void many_instruments_are_told_apart(void **state) {
    (void)state;
    enum { INSTRUMENTS = 1000, ROWS = 4 * INSTRUMENTS };
    static td_sink_row rows[ROWS];
    static char names[INSTRUMENTS][16];
    td_latest_picks picks = {0};
    for (int i = 0; i < INSTRUMENTS; i++) (void)snprintf(names[i], sizeof names[i], "X:%d", i);
    for (int i = 0; i < ROWS; i++) rows[i] = trade(names[i * 7 % INSTRUMENTS], i, i);
    td_latest_pick(&picks, rows, ROWS);
    assert_int_equal(picks.count, INSTRUMENTS);
    for (uint32_t i = 0; i < INSTRUMENTS; i++) ASSERT_ROW(picks.rows[i] == ROWS - INSTRUMENTS + i, "%u", i);
    td_latest_picks_fini(&picks);
}

static void what_a_row_says(void **state) {
    (void)state;
    td_sink_row bar = {.kind = TD_ROW_BAR, .source = {1, 8}, .bar = {.end_ns = 60, .close = 11}};
    td_sink_row quote = {.kind = TD_ROW_PUBLISHED, .tape_offset = 9, .event = {.kind = TD_EVENT_QUOTE, .event_ns = 70}};
    td_sink_row others[] = {{.kind = TD_ROW_SIGNAL}, {.kind = TD_ROW_VENDOR_BAR}, {.kind = TD_ROW_PUBLISHED}};
    td_latest_picks picks = {0};
    td_latest said = td_latest_of(&bar);
    assert_true(said.kind == TD_LATEST_BAR && said.event_ns == 60 && said.ord == 8 && said.numbers.price == 11);
    assert_true(said.numbers.size == TD_NONE);
    said = td_latest_of(&quote);
    assert_true(said.kind == TD_LATEST_QUOTE && said.event_ns == 70 && said.ord == 9 && said.numbers.price == TD_NONE);
    others[2].event.kind = TD_EVENT_NEWS;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        td_latest_pick(&picks, &others[i], 1);
        ASSERT_ROW(td_latest_of(&others[i]).kind == TD_LATEST_NONE && picks.count == 0, "%zu", i);
    }
    td_latest_pick(&picks, NULL, 0);
    assert_int_equal(picks.count, 0);
    td_latest_picks_fini(&picks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_event_counts_then_the_later_place),
        cmocka_unit_test(many_instruments_are_told_apart),
        cmocka_unit_test(what_a_row_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
