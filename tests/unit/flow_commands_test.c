/* tests/unit/flow_commands_test.c - goal: each command is taken once, in order, and answered once; a full ring says so;
 * what is withdrawn in time is not done. */
#include "flow/commands.h"
#include "unit.h"
#include <pthread.h>
#include <stdio.h>

static td_status put(td_commands *c, uint32_t partition, const char *value, uint64_t *out_ticket) {
    td_command command = {.partition = partition,
                          .key = TD_TEXT("V:X"),
                          .value = td_text(value),
                          .header_name = TD_TEXT("why"),
                          .header = TD_TEXT("because")};
    return td_commands_put(c, &command, out_ticket);
}

static void expect_taken(td_commands *c, uint32_t partition, const char *value) {
    td_command command;
    assert_true(td_commands_take(c, &command));
    assert_int_equal(command.partition, partition);
    assert_true(td_bytes_equal(command.key, TD_TEXT("V:X")) && td_bytes_equal(command.value, td_text(value)));
    assert_true(td_bytes_equal(command.header_name, TD_TEXT("why")));
    assert_true(td_bytes_equal(command.header, TD_TEXT("because")));
}

static void a_command_is_taken_and_answered_once(void **state) {
    (void)state;
    td_commands *c = td_commands_new();
    td_command command;
    uint64_t first, second, third;
    assert_false(td_commands_take(c, &command));
    assert_int_equal(put(c, 1, "a", &first), TD_OK);
    assert_int_equal(put(c, 2, "b", &second), TD_OK);
    assert_int_equal(put(c, 3, "c", &third), TD_OK);
    assert_int_equal(td_commands_ask(c, first), TD_AGAIN);
    expect_taken(c, 1, "a");
    expect_taken(c, 2, "b");
    td_commands_refuse(c, TD_CORRUPT);
    assert_int_equal(td_commands_ask(c, first), TD_AGAIN); /* taken, and not yet appended */
    assert_int_equal(td_commands_ask(c, second), TD_CORRUPT);
    expect_taken(c, 3, "c");
    td_commands_settle(c);
    assert_int_equal(td_commands_ask(c, third), TD_OK);
    assert_int_equal(td_commands_ask(c, first), TD_OK);
    assert_false(td_commands_take(c, &command));
    td_commands_free(c);
}

static void what_is_withdrawn_in_time_is_not_done(void **state) {
    (void)state;
    td_commands *c = td_commands_new();
    td_command command;
    uint64_t tickets[4];
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(put(c, i, "x", &tickets[i]), TD_OK);
    assert_true(td_commands_withdraw(c, tickets[0]));
    expect_taken(c, 1, "x");
    assert_false(td_commands_withdraw(c, tickets[1])); /* too late */
    expect_taken(c, 2, "x");
    td_commands_refuse(c, TD_REJECT);
    assert_true(td_commands_withdraw(c, tickets[2])); /* it was not done either */
    assert_true(td_commands_withdraw(c, tickets[3]));
    assert_false(td_commands_take(c, &command));
    td_commands_settle(c);
    for (int i = 0; i < TD_COMMANDS_MAX; i++) assert_int_equal(put(c, 0, "y", &tickets[0]), TD_OK); /* all are free */
    td_commands_free(c);
}

static void a_full_ring_says_so(void **state) {
    (void)state;
    td_commands *c = td_commands_new();
    td_command command;
    uint64_t tickets[TD_COMMANDS_MAX], other;
    char large[TD_COMMAND_BYTES];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_int_equal(put(c, 0, large, &other), TD_REJECT); /* with key and header beyond the bound */
    for (int i = 0; i < TD_COMMANDS_MAX; i++) assert_int_equal(put(c, 0, "x", &tickets[i]), TD_OK);
    assert_int_equal(put(c, 0, "x", &other), TD_FULL);
    while (td_commands_take(c, &command)) continue;
    td_commands_settle(c);
    assert_int_equal(put(c, 0, "x", &other), TD_FULL); /* answered, and not yet heard */
    assert_int_equal(td_commands_ask(c, tickets[0]), TD_OK);
    assert_int_equal(put(c, 0, "x", &other), TD_OK);
    td_commands_free(c);
}

enum { ASKERS = 4, EACH = 2000 };

static void *ask_many(void *arg) {
    td_commands *c = arg;
    for (int i = 0; i < EACH; i++) {
        uint64_t ticket;
        char value[16];
        (void)snprintf(value, sizeof value, "%d", i);
        while (put(c, 0, value, &ticket) == TD_FULL) (void)sched_yield();
        if (i % 7 == 0)
            (void)td_commands_withdraw(c, ticket);
        else
            while (td_commands_ask(c, ticket) == TD_AGAIN) (void)sched_yield();
    }
    return NULL;
}

/* Under TSan, too: all are heard, and nothing is left. */
static void many_ask_at_once(void **state) {
    (void)state;
    td_commands *c = td_commands_new();
    pthread_t askers[ASKERS];
    td_command command;
    int taken = 0;
    for (int i = 0; i < ASKERS; i++) assert_int_equal(pthread_create(&askers[i], NULL, ask_many, c), 0);
    const int heard = ASKERS * (EACH - (EACH + 6) / 7); /* those that nobody withdraws */
    for (int i = 0; i < ASKERS; i++)
        while (pthread_tryjoin_np(askers[i], NULL) != 0) {
            while (td_commands_take(c, &command)) taken++;
            td_commands_settle(c);
            (void)sched_yield();
        }
    assert_in_range(taken, heard, ASKERS * EACH);
    td_commands_free(c);
}

/* Schemas are larger than what is asked of the tape; one without a value takes back. */
static void schemas_go_the_same_way(void **state) {
    (void)state;
    td_commands *c = td_commands_new();
    td_command taken, large = {.to_schemas = true, .key = TD_TEXT("k")}, none = large;
    uint64_t ticket;
    td_buf text = {0};
    while (text.size < 100000) td_buf_text(&text, "schema ");
    large.value = td_buf_bytes(&text);
    for (int turn = 0; turn < 3 * TD_COMMANDS_MAX; turn++) { /* each slot has one of either */
        const td_command *put = turn % 2 == turn / TD_COMMANDS_MAX % 2 ? &large : &none;
        assert_int_equal(td_commands_put(c, put, &ticket), TD_OK);
        assert_true(td_commands_take(c, &taken));
        assert_true(taken.to_schemas && td_bytes_equal(taken.key, put->key) && td_bytes_equal(taken.value, put->value));
        assert_int_equal(taken.value.data == NULL, put == &none);
        td_commands_settle(c);
        assert_int_equal(td_commands_ask(c, ticket), TD_OK);
    }
    large.to_schemas = false;
    assert_int_equal(td_commands_put(c, &large, &ticket), TD_REJECT);
    while (text.size <= TD_COMMAND_SCHEMA_BYTES) td_buf_text(&text, "schema ");
    large = (td_command){.to_schemas = true, .value = td_buf_bytes(&text)};
    assert_int_equal(td_commands_put(c, &large, &ticket), TD_REJECT);
    td_buf_fini(&text);
    td_commands_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_taken_and_answered_once),
        cmocka_unit_test(schemas_go_the_same_way),
        cmocka_unit_test(what_is_withdrawn_in_time_is_not_done),
        cmocka_unit_test(a_full_ring_says_so),
        cmocka_unit_test(many_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
