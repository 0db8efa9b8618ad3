/* tests/unit/flow_topics_test.c - goal: the schemas of a log are where its records have their ids from, in its own
 * topic or in a registry elsewhere, and whoever looks for them in another place is told so before anything is read or
 * written. */
#include "log_rig.h"
/* after the rig's own */
#include "flow/topics.h"

enum { OWN_FIRST = 1 }; /* the first id that a log of its own gives */

/* As a registry elsewhere would answer: ids from there on; older versions behind them. */
static td_registry *elsewhere(int first_id) {
    td_registry *registry = td_registry_new();
    for (int i = 0; i < TD_SCHEMA_COUNT; i++) assert_true(td_registry_learn(registry, (td_schema)i, 0, first_id + i));
    return registry;
}

/* The ids of a log's own topic, each of another schema. */
static td_registry *turned_round(void) {
    td_registry *registry = td_registry_new();
    for (int i = 0; i < TD_SCHEMA_COUNT; i++)
        assert_true(td_registry_learn(registry, (td_schema)i, 0, OWN_FIRST + TD_SCHEMA_COUNT - 1 - i));
    return registry;
}

static bool has_topic(rig *r, const char *name) {
    td_topic *found;
    return td_log_topic(r->log, name, 0, TD_TOPIC_INPUT, &found) == TD_OK;
}

static td_status open_as(rig *r, td_topics *out, td_registry *registry) {
    *out = (td_topics){0};
    return td_topics_open_as(out, &(td_topics_conf){.log = r->log, .partitions = 2, .registry = registry});
}

static td_status read_as(rig *r, td_topics *out, td_registry *registry) {
    *out = (td_topics){0};
    return td_topics_open_to_read_as(out, &(td_topics_conf){.log = r->log, .registry = registry});
}

static void put_time(const td_topics *topics) {
    td_buf value = {0};
    td_event event = {.kind = TD_EVENT_TIME, .event_ns = 7, .receive_ns = 7};
    td_record_put_event(&value, topics->ids, TD_TEXT("f"), &event);
    assert_int_equal(td_topics_put(&(td_destination){.topic = topics->tape}, (td_bytes){0}, td_buf_bytes(&value)),
                     TD_OK);
    td_buf_fini(&value);
}

static void a_registry_elsewhere_takes_the_place_of_the_topic(void **state) {
    rig *r = *state;
    td_topics topics;
    rig_open_log(r);
    assert_int_equal(open_as(r, &topics, elsewhere(100)), TD_OK);
    assert_null(topics.schemas);
    assert_false(has_topic(r, "_schemas"));
    assert_int_equal(topics.ids->id[TD_SCHEMA_BAR], 100 + TD_SCHEMA_BAR);
    put_time(&topics);
    td_topics_close(&topics);
    assert_int_equal(read_as(r, &topics, elsewhere(100)), TD_OK);
    assert_int_equal(topics.partitions, 2);
    td_topics_close(&topics);
    td_topics_conf made = {.log = r->log, .partitions = 2, .registry = elsewhere(100)};
    assert_int_equal(td_topics_open_made(&topics, &made), TD_OK);
    td_topics_close(&topics);
    made.registry = td_registry_new(); /* it has none of our schemas yet */
    assert_int_equal(td_topics_open_made(&topics, &made), TD_AGAIN);
}

static void a_tape_without_its_registry_is_not_begun_anew(void **state) {
    rig *r = *state;
    td_topics topics;
    rig_open_log(r);
    assert_int_equal(open_as(r, &topics, elsewhere(100)), TD_OK);
    td_topics_close(&topics);
    assert_int_equal(open_as(r, &topics, elsewhere(200)), TD_OK); /* nothing has an id so far */
    put_time(&topics);
    td_topics_close(&topics);
    assert_int_equal(open_as(r, &topics, NULL), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "log.registry"));
    assert_false(has_topic(r, "_schemas"));
    assert_int_equal(read_as(r, &topics, NULL), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "log.registry"));
}

/* A registry that has taken the topic over, or whose own it is, gives the ids that are in it. */
static void a_topic_of_schemas_says_the_same_or_is_not_ours(void **state) {
    rig *r = *state;
    td_topics topics;
    rig_open_log(r);
    assert_int_equal(open_as(r, &topics, NULL), TD_OK);
    td_topic *schemas = topics.schemas;
    td_topics_close(&topics);
    assert_int_equal(open_as(r, &topics, elsewhere(OWN_FIRST)), TD_OK);
    td_topics_close(&topics);
    assert_int_equal(read_as(r, &topics, elsewhere(OWN_FIRST)), TD_OK);
    assert_null(topics.schemas);
    td_topics_close(&topics);
    assert_int_equal(open_as(r, &topics, elsewhere(OWN_FIRST + 1)), TD_CONFIG);
    assert_non_null(strstr(td_trail(), "_schemas"));
    assert_int_equal(read_as(r, &topics, elsewhere(OWN_FIRST + 1)), TD_CONFIG);
    assert_int_equal(open_as(r, &topics, turned_round()), TD_CONFIG);
    td_destination foreign = {.topic = schemas};
    assert_int_equal(td_topics_put(&foreign, TD_TEXT("{\"keytype\":\"NOOP\",\"magic\":0}"), TD_TEXT("")), TD_OK);
    assert_int_equal(open_as(r, &topics, NULL), TD_CORRUPT);
    assert_int_equal(open_as(r, &topics, elsewhere(300)), TD_OK);
    td_topics_close(&topics);
}

/* A start that only joins makes none; one that goes on with a log finds those that it has. */
static void what_is_published_is_made_by_who_records(void **state) {
    rig *r = *state;
    td_topics topics;
    uint32_t trades = td_topics_published("trades"), bars = td_topics_published("bars_json");
    rig_open_log(r);
    assert_true(trades != 0 && bars != 0 && trades != bars && td_topics_published("bars") == 0);
    assert_int_equal(open_as(r, &topics, NULL), TD_OK);
    assert_int_equal(td_topics_publish_made(&topics, trades), TD_AGAIN);
    assert_int_equal(td_topics_publish_again(&topics), TD_OK);
    assert_true(topics.outputs[TD_OUTPUT_TRADES] == NULL && !has_topic(r, "trades"));
    assert_int_equal(td_topics_publish(&topics, trades), TD_OK);
    assert_int_equal(td_topics_publish_made(&topics, trades | bars), TD_AGAIN); /* all of them, or it waits */
    assert_int_equal(td_topics_publish(&topics, bars), TD_OK);
    td_topics_close(&topics);
    assert_int_equal(open_as(r, &topics, NULL), TD_OK);
    assert_int_equal(td_topics_publish_made(&topics, bars), TD_OK);
    assert_true(topics.outputs[TD_OUTPUT_BARS_JSON] != NULL && topics.outputs[TD_OUTPUT_TRADES] == NULL);
    assert_int_equal(td_topics_publish_again(&topics), TD_OK);
    assert_true(topics.outputs[TD_OUTPUT_TRADES] != NULL && topics.outputs[TD_OUTPUT_QUOTES] == NULL);
    assert_int_equal(td_topic_partitions(topics.outputs[TD_OUTPUT_TRADES]), 2);
    td_topics_close(&topics);
    assert_false(has_topic(r, "quotes"));
}

static void what_sinks_take_is_found_by_name(void **state) {
    rig *r = *state;
    td_topics topics;
    rig_open_log(r);
    assert_int_equal(open_as(r, &topics, NULL), TD_OK);
    assert_ptr_equal(td_topics_delivered_named(&topics, "bars"), topics.outputs[TD_OUTPUT_BARS]);
    assert_ptr_equal(td_topics_delivered_named(&topics, "rejected"), topics.rejected);
    assert_null(td_topics_delivered_named(&topics, "tape"));
    assert_null(td_topics_delivered_named(&topics, "trades")); /* not published */
    assert_int_equal(td_topics_publish(&topics, td_topics_published("trades")), TD_OK);
    assert_ptr_equal(td_topics_delivered_named(&topics, "trades"), topics.outputs[TD_OUTPUT_TRADES]);
    td_topics_close(&topics);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_new, rig_free)
    const struct CMUnitTest tests[] = {
        TEST(a_registry_elsewhere_takes_the_place_of_the_topic),
        TEST(a_tape_without_its_registry_is_not_begun_anew),
        TEST(a_topic_of_schemas_says_the_same_or_is_not_ours),
        TEST(what_is_published_is_made_by_who_records),
        TEST(what_sinks_take_is_found_by_name),
    };
    return cmocka_run_group_tests_name("flow_topics", tests, NULL, NULL);
}
