/* tests/unit/lang_program_test.c - goal: a program's body says all that reaches `apply` in one canonical text, and a
 * body of the engine before means what it meant. */
#include "lang/program.h"
#include "unit.h"
#include <stdio.h>

static const int64_t widths[] = {1000000000, 60000000000};

static td_program_settings settings_of(size_t feed_count) {
    td_program_settings s = {.widths_ns = widths, .width_count = 2, .grace_ns = 5000000000, .repair_horizon_ns = 7};
    static const char *const names[] = {"zoo", "ape", "bee"};
    for (size_t i = 0; i < feed_count; i++) {
        s.feeds[i] = td_program_feed_default();
        (void)snprintf(s.feeds[i].name, sizeof s.feeds[i].name, "%s", names[i]);
        s.feeds[i].lateness_ns = (int64_t)i;
    }
    s.feed_count = feed_count;
    return s;
}

static void a_body_comes_back(void **state) {
    (void)state;
    td_program_settings s = settings_of(3);
    s.feeds[0].max_ahead_ns = 7;
    s.feeds[0].max_instruments = 8;
    s.feeds[0].rules = TD_RULES_OFF;
    s.feeds[0].trade_ids = TD_IDS_ANY;
    s.feeds[1].rules = TD_RULES_VENUE;
    s.feeds[1].conditions = (td_conditions){1, 3, (uint64_t)INT64_MAX};
    s.feeds[0].max_delay_ns = 9;
    s.feeds[0].silence_ns = 10;
    td_buf body = {0};
    td_program *p;
    td_program_body(&s, &body);
    assert_int_equal(td_program_compile(td_buf_bytes(&body), &p), TD_OK);
    assert_true(p->width_count == 2 && p->widths_ns[1] == widths[1] && p->grace_ns == 5000000000);
    assert_int_equal(p->repair_horizon_ns, 7);
    assert_int_equal(p->feed_count, 3);
    assert_string_equal(p->feeds[0].name, "ape"); /* in the order of names, whatever the configuration's is */
    const td_program_feed *zoo = td_program_feed_of(p, TD_TEXT("zoo")), *bee = td_program_feed_of(p, TD_TEXT("bee"));
    assert_true(zoo->lateness_ns == 0 && zoo->max_ahead_ns == 7 && zoo->max_instruments == 8);
    assert_true(zoo->rules == TD_RULES_OFF && zoo->trade_ids == TD_IDS_ANY);
    assert_true(zoo->max_delay_ns == 9 && zoo->silence_ns == 10 && zoo->gaps);
    const td_program_feed *ape = td_program_feed_of(p, TD_TEXT("ape"));
    assert_int_equal(ape->rules, TD_RULES_VENUE);
    assert_memory_equal(&ape->conditions, &s.feeds[1].conditions, sizeof ape->conditions);
    assert_true(bee->lateness_ns == 2 && bee->rules == TD_RULES_BASIC && bee->trade_ids == TD_IDS_ORDERED);
    td_program_free(p);
    td_buf_fini(&body);
}

static void a_body_with_extended_widths_says_what_their_trades_may(void **state) {
    (void)state;
    static const int64_t extended[] = {1000000000, 1000000000 + TD_WIDTH_EXTENDED};
    td_program_settings s = settings_of(1);
    td_buf body = {0};
    td_program *p;
    s.widths_ns = extended;
    s.feeds[0].rules = TD_RULES_VENUE;
    s.feeds[0].conditions = (td_conditions){1, 3, 7};
    s.feeds[0].extended = (td_conditions){0, 1, 3};
    td_program_body(&s, &body);
    assert_int_equal(td_program_compile(td_buf_bytes(&body), &p), TD_OK);
    assert_memory_equal(&p->feeds[0].extended, &s.feeds[0].extended, sizeof s.feeds[0].extended);
    assert_int_equal(td_program_first_extended(p), 1);
    td_program_free(p);
    s.feeds[0].extended.no_last = 8; /* more than in others */
    body.size = 0;
    td_program_body(&s, &body);
    assert_int_equal(td_program_compile(td_buf_bytes(&body), &p), TD_CORRUPT);
    td_buf_fini(&body);
}

static void a_body_of_the_engine_before_means_what_it_meant(void **state) {
    (void)state;
    static const char body[] = "{\"engine\":\"1\",\"hours\":\"all\",\"rules\":\"basic\",\"bars_ns\":[1000000000],"
                               "\"feeds\":[{\"name\":\"lean\",\"lateness_ns\":2000000000}],\"strategies\":[]}";
    td_program *p;
    assert_int_equal(td_program_compile(td_text(body), &p), TD_OK);
    assert_int_equal(p->grace_ns, 0);
    const td_program_feed *feeds[] = {td_program_feed_of(p, TD_TEXT("lean")), td_program_feed_of(p, TD_TEXT("other"))};
    for (size_t i = 0; i < COUNT_OF(feeds); i++) {
        assert_int_equal(feeds[i]->lateness_ns, i == 0 ? 2000000000 : 1000000000);
        assert_true(feeds[i]->max_ahead_ns == INT64_MAX && feeds[i]->max_instruments == INT64_MAX);
        assert_true(feeds[i]->rules == TD_RULES_OFF && feeds[i]->trade_ids == TD_IDS_OFF);
        assert_false(feeds[i]->gaps);
    }
    td_program_free(p);
}

/* Keys that came later: a body without them means what it meant. */
static void a_body_without_young_keys_is_read(void **state) {
    (void)state;
    static const char body[] = "{\"engine\":\"2\",\"hours\":\"all\",\"grace_ns\":60,\"bars_ns\":[1000000000],"
                               "\"feeds\":[{\"name\":\"x\",\"lateness_ns\":1,\"max_ahead_ns\":2,\"max_instruments\":3,"
                               "\"rules\":\"basic\",\"trade_ids\":\"ordered\"}],\"strategies\":[]}";
    td_program *p;
    assert_int_equal(td_program_compile(td_text(body), &p), TD_OK);
    assert_int_equal(p->grace_ns, 60);
    assert_int_equal(p->repair_horizon_ns, 0);
    assert_false(td_program_feed_of(p, TD_TEXT("x"))->gaps); /* and no others are told than were */
    td_program_free(p);
}

static void what_we_did_not_write_is_refused(void **state) {
    (void)state;
    td_program_settings s = settings_of(1);
    td_buf body = {0};
    td_program *p;
    td_program_body(&s, &body);
    for (size_t size = 0; size < body.size; size++)
        assert_int_equal(td_program_compile((td_bytes){body.data, size}, &p), TD_CORRUPT);
    static const char *const others[] = {
        "{\"engine\":\"3\",\"hours\":\"all\",\"grace_ns\":0,\"bars_ns\":[1],\"feeds\":[],\"strategies\":[]}",
        "{\"engine\":\"2\",\"hours\":\"all\",\"rules\":\"basic\",\"bars_ns\":[1],\"feeds\":[],\"strategies\":[]}",
        "{\"engine\":\"1\",\"hours\":\"all\",\"grace_ns\":0,\"bars_ns\":[1],\"feeds\":[],\"strategies\":[]}",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        ASSERT_ROW(td_program_compile(td_text(others[i]), &p) == TD_CORRUPT, "%zu", i);
    static const td_conditions loose[] = {{2, 1, 3}, {0, 4, 3}}; /* what may not even count could set a price */
    for (size_t i = 0; i < COUNT_OF(loose); i++) {
        s.feeds[0].rules = TD_RULES_VENUE;
        s.feeds[0].conditions = loose[i];
        body.size = 0;
        td_program_body(&s, &body);
        ASSERT_ROW(td_program_compile(td_buf_bytes(&body), &p) == TD_CORRUPT, "%zu", i);
    }
    td_buf_fini(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_comes_back),
        cmocka_unit_test(a_body_with_extended_widths_says_what_their_trades_may),
        cmocka_unit_test(a_body_of_the_engine_before_means_what_it_meant),
        cmocka_unit_test(a_body_without_young_keys_is_read),
        cmocka_unit_test(what_we_did_not_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
