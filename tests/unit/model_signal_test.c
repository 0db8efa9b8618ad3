/* tests/unit/model_signal_test.c - goal: ids and words are what people type and tables hold, and never change. */
#include "base/time.h"
#include "model/refusal.h"
#include "model/signal.h"
#include "unit.h"

static void writes_ids_as_people_type_them(void **state) {
    static const struct {
        const char *strategy, *instrument, *event_time;
        uint32_t ordinal;
        const char *id;
    } rows[] = {
        {"golden_cross", "COINBASE:BTC-USD", "2026-11-21T14:31Z", 1,
         "golden_cross/COINBASE:BTC-USD/2026-11-21T14:31#1"},
        {"s", "LEAN:IBM", "2013-10-07T13:30:05Z", 12, "s/LEAN:IBM/2013-10-07T13:30:05#12"},
        {"s", "LEAN:IBM", "2026-11-21T14:31:05.123456789Z", 1, "s/LEAN:IBM/2026-11-21T14:31:05.123456789#1"},
        {"s", "LEAN:IBM", "2026-11-21T14:31:00.5Z", 4294967295u, "s/LEAN:IBM/2026-11-21T14:31:00.5#4294967295"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_signal signal = {.strategy = td_text(rows[i].strategy), .ordinal = rows[i].ordinal};
        char id[TD_SIGNAL_ID_MAX + 1];
        assert_int_equal(td_time_parse(td_text(rows[i].event_time), &signal.event_ns), TD_OK);
        assert_int_equal(td_signal_id(&signal, td_text(rows[i].instrument), id), strlen(rows[i].id));
        assert_string_equal(id, rows[i].id);
    }
}

static void has_a_word_for_everything(void **state) {
    static const char *const reasons[] = {"none",     "malformed", "range",   "unreadable", "non-positive",      "late",
                                          "overflow", "ahead",     "crossed", "outlier",    "unknown-instrument"};
    static const char *const actions[] = {"buy", "sell", "short", "cover", "exit"};
    static const char *const statuses[] = {"fresh", "late", "withdrawn"};
    (void)state;
    assert_int_equal(COUNT_OF(reasons), TD_REASON_COUNT);
    for (unsigned i = 0; i < COUNT_OF(reasons); i++) assert_string_equal(td_reason_name((td_reason)i), reasons[i]);
    for (unsigned i = 0; i < COUNT_OF(actions); i++) assert_string_equal(td_action_name((td_action)i), actions[i]);
    for (unsigned i = 0; i < COUNT_OF(statuses); i++)
        assert_string_equal(td_signal_status_name((td_signal_status)i), statuses[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_ids_as_people_type_them),
        cmocka_unit_test(has_a_word_for_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
