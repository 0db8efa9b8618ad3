/* tests/unit/flow_rows_test.c - goal: a record of a published topic is a row where it is of that topic's kind, and
 * none of ours elsewhere, also where everybody may append; and so is what was refused, with why. */
#include "flow/rows.h"
#include "unit.h"

static void make_ids(td_schema_ids *ids) {
    td_schema_ids_init(ids);
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) {
        ids->id[i] = i + 1;
        assert_true(td_schema_ids_put(ids, i + 1, (int8_t)i));
    }
}

static void of_its_topics_own_kind(void **state) {
    (void)state;
    static const td_event events[] = {
        {.kind = TD_EVENT_TRADE, .trade = {.price = 5, .size = 6, .trade_id = TD_NONE}},
        {.kind = TD_EVENT_QUOTE, .quote = {.bid_price = 1, .bid_size = 2, .ask_price = 3, .ask_size = 4}},
        {.kind = TD_EVENT_NEWS},
    };
    static const int outputs[] = {TD_OUTPUT_TRADES, TD_OUTPUT_QUOTES, TD_OUTPUT_NEWS};
    td_schema_ids ids;
    make_ids(&ids);
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

static void what_was_refused(void **state) {
    (void)state;
    td_schema_ids ids;
    td_sink_row row;
    td_buf value = {0};
    make_ids(&ids);
    td_quarantined q = {.feed = TD_TEXT("f"), .reason = TD_REASON_LATE, .missed_count = 2, .known_at_ns = 9};
    q.event = (td_event){.kind = TD_EVENT_QUOTE, .event_ns = 3, .quote = {.bid_price = 4}};
    q.missed_width_ns[1] = 7;
    td_record_put_quarantined(&value, &ids, TD_TEXT("V:A"), &q);
    td_record record = {.epoch = 2, .offset = 7, .value = td_buf_bytes(&value)};
    assert_int_equal(td_row_decode(&ids, TD_OUTPUT_QUARANTINE, &record, &row), TD_OK);
    assert_true(row.kind == TD_ROW_QUARANTINED && row.event.quote.bid_price == 4 && row.event.event_ns == 3);
    assert_true(row.refusal.reason == TD_REASON_LATE && row.refusal.missed_count == 2 && row.refusal.known_at_ns == 9);
    assert_int_equal(row.refusal.missed_width_ns[1], 7);
    assert_true(td_bytes_equal(row.instrument, TD_TEXT("V:A")) && td_bytes_equal(row.feed, TD_TEXT("f")));
    assert_int_equal(td_row_decode(&ids, TD_DELIVERED_REJECTED, &record, &row), TD_CORRUPT);
    value.size = 0;
    td_rejected rejected = {.feed = TD_TEXT("g"), .reason = TD_REASON_RANGE, .bytes = TD_TEXT("1e30"), .receive_ns = 5};
    td_record_put_rejected(&value, &ids, &rejected);
    record.value = td_buf_bytes(&value);
    assert_int_equal(td_row_decode(&ids, TD_DELIVERED_REJECTED, &record, &row), TD_OK);
    assert_true(row.kind == TD_ROW_REJECTED && row.instrument.size == 0 && row.rejected.receive_ns == 5);
    assert_true(td_bytes_equal(row.rejected.bytes, TD_TEXT("1e30")) && row.source.offset == 7);
    assert_int_equal(td_row_decode(&ids, TD_OUTPUT_QUARANTINE, &record, &row), TD_CORRUPT);
    td_put_be32(value.data + 1, (uint32_t)ids.id[TD_SCHEMA_BAR]); /* whose body happens to read like one of these */
    assert_int_equal(td_row_decode(&ids, TD_DELIVERED_REJECTED, &record, &row), TD_CORRUPT);
    td_buf_fini(&value);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_its_topics_own_kind), cmocka_unit_test(what_was_refused)};
    return cmocka_run_group_tests_name("flow_rows", tests, NULL, NULL);
}
