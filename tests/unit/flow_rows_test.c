/* tests/unit/flow_rows_test.c - goal: a record of a published topic is a row where it is of that topic's kind, and
 * none of ours elsewhere, also where everybody may append. */
#include "flow/rows.h"
#include "unit.h"

static void of_its_topics_own_kind(void **state) {
    (void)state;
    static const td_event events[] = {
        {.kind = TD_EVENT_TRADE, .trade = {.price = 5, .size = 6, .trade_id = TD_NONE}},
        {.kind = TD_EVENT_QUOTE, .quote = {.bid_price = 1, .bid_size = 2, .ask_price = 3, .ask_size = 4}},
        {.kind = TD_EVENT_NEWS},
    };
    static const td_output outputs[] = {TD_OUTPUT_TRADES, TD_OUTPUT_QUOTES, TD_OUTPUT_NEWS};
    td_schema_ids ids;
    td_schema_ids_init(&ids);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        ids.id[i] = i + 1;
        assert_true(td_schema_ids_put(&ids, i + 1, (int8_t)i));
    }
    for (size_t e = 0; e < COUNT_OF(events); e++) {
        td_buf value = {0};
        td_record_put_published(&value, &ids, TD_TEXT("f"), TD_TEXT("V:A"), &events[e]);
        const td_record record = {.epoch = 2, .offset = 7, .value = td_buf_bytes(&value)};
        for (size_t o = 0; o < COUNT_OF(outputs); o++) {
            td_sink_row row;
            td_status status = td_row_decode(&ids, outputs[o], &record, &row);
            ASSERT_ROW(status == (e == o ? TD_OK : TD_CORRUPT), "event %zu in topic %zu", e, o);
            if (e == o) assert_true(row.event.kind == events[e].kind && td_bytes_equal(row.instrument, TD_TEXT("V:A")));
        }
        td_buf_fini(&value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_its_topics_own_kind)};
    return cmocka_run_group_tests_name("flow_rows", tests, NULL, NULL);
}
