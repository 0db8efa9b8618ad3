/* tests/unit/schema_fill_test.c - goal: a fill that was written is read as it was, at the edges of its numbers, too. */
#include "../record_again.h"
#include "unit.h"

static void fills_come_back(void **state) {
    (void)state;
    const int64_t low = -INT64_MAX;
    const td_fill rows[] = {
        {TD_TEXT("cross"),
         TD_TEXT("cross/COINBASE:BTC-USD/2026-11-21T05:44#1"),
         {0},
         0,
         1795239865123456789,
         1795239865123456790,
         100000000,
         185120000000,
         100000000,
         TD_SIDE_BUY,
         TD_FILL_NEXT},
        {TD_TEXT("cross"), TD_TEXT("cross/COINBASE:BTC-USD/2026-11-21T05:44#2"), TD_TEXT("KRAKEN:BTC/USD"), /* a leg */
         0, 1, 1, 1, 1, 1, TD_SIDE_BUY, TD_FILL_NEXT},
        {TD_TEXT(""),
         TD_TEXT(""),
         {0},
         0,
         low,
         INT64_MAX,
         (td_i128)INT64_MAX * 2,
         low,
         low,
         TD_SIDE_SELL,
         TD_FILL_TOUCH},
        {TD_TEXT("x"), TD_TEXT("x"), {0}, 0, -1, 0, 1, 1, 0, TD_SIDE_SELL, TD_FILL_OPEN},
    };
    td_schema_ids ids;
    record_ids_init(&ids);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const td_fill *f = &rows[i];
        td_fill got;
        td_bytes instrument;
        td_buf buf = {0};
        td_record_put_fill(&buf, &ids, TD_TEXT("COINBASE:BTC-USD"), f);
        assert_int_equal(td_record_get_fill(td_buf_bytes(&buf), &got, &instrument), TD_OK);
        assert_true(td_bytes_equal(instrument, TD_TEXT("COINBASE:BTC-USD")));
        assert_true(td_bytes_equal(got.strategy, f->strategy) && td_bytes_equal(got.signal, f->signal));
        assert_true(td_bytes_equal(got.leg, f->leg));
        assert_true(got.event_ns == f->event_ns && got.known_at_ns == f->known_at_ns && got.side == f->side);
        assert_true(got.quantity == f->quantity && got.price == f->price && got.position == f->position);
        assert_int_equal(got.kind, f->kind);
        td_buf_fini(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fills_come_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
