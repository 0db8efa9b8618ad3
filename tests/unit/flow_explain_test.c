/* tests/unit/flow_explain_test.c - goal: a signal's id is read as it was written, and nothing else is taken for one. */
#include "unit.h"

#include "flow/explain.h"
#include "model/signal.h"

static const struct {
    const char *id, *strategy, *instrument;
    int64_t at_ns; /* INT64_MIN: refused */
    uint32_t ordinal;
} ids[] = {
    {"cross/LEAN:IBM/2013-10-07T14:31#1", "cross", "LEAN:IBM", 1381156260000000000, 1},
    {"a/X:BTC/USD/2013-10-07T14:31:05.123456789#12", "a", "X:BTC/USD", 1381156265123456789, 12},
    {"a/X:A#B/2013-10-07T14:31#4294967295", "a", "X:A#B", 1381156260000000000, UINT32_MAX},
    {"", "", "", INT64_MIN, 0},
    {"cross", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM", "", "", INT64_MIN, 0},
    {"cross/2013-10-07T14:31#1", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31#", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31#0", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31#-1", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31#1.5", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/2013-10-07T14:31#4294967296", "", "", INT64_MIN, 0},
    {"cross/LEANIBM/2013-10-07T14:31#1", "", "", INT64_MIN, 0},
    {"cross/LEAN:IBM/yesterday#1", "", "", INT64_MIN, 0},
};

static void test_ids(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        td_explain_question q = {0};
        td_status status = td_explain_parse_id(td_text(ids[i].id), &q);
        if ((status == TD_OK) != (ids[i].at_ns != INT64_MIN)) fail_msg("\"%s\": %d", ids[i].id, (int)status);
        if (status != TD_OK) continue;
        char again[TD_SIGNAL_ID_MAX + 1];
        td_signal signal = {.strategy = q.strategy, .event_ns = q.at_ns, .ordinal = q.ordinal};
        assert_true(td_bytes_equal(q.strategy, td_text(ids[i].strategy)));
        assert_true(td_bytes_equal(q.instrument, td_text(ids[i].instrument)));
        assert_int_equal(q.at_ns, ids[i].at_ns);
        assert_int_equal(q.ordinal, ids[i].ordinal);
        (void)td_signal_id(&signal, q.instrument, again);
        assert_string_equal(again, ids[i].id);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
