/* tests/unit/schema_catalogue_test.c - goal: the records of `_schemas` alone say what a registry knows; the ones made
 * here are read back as what they were made for, and what contradicts them is named, not taken. */
#include "schema/catalogue.h"
#include "unit.h"
#include <stdio.h>

static const char INT[] = "\"int\"", LONG[] = "\"long\"";

static void load(td_catalogue *c, td_schema_record record) {
    assert_int_equal(td_catalogue_load(c, td_buf_bytes(&record.key), td_buf_bytes(&record.value)), TD_OK);
    td_schema_record_fini(&record);
}

static void load_version(td_catalogue *c, const char *subject, int32_t version, int32_t id, const char *text) {
    td_schema_version v = {.subject = td_text(subject), .text = td_text(text), .version = version, .id = id};
    load(c, td_schema_record_version(&v));
}

static td_catalogue *filled(void) {
    td_catalogue *c = td_catalogue_new();
    load_version(c, "b", 1, 1, INT);
    load_version(c, "a", 2, 7, LONG);
    load_version(c, "a", 1, 1, INT);
    load_version(c, "a\"/\xc3\xa4", 1, 7, LONG);
    return c;
}

static void versions_are_found_by_each_of_their_names(void **state) {
    (void)state;
    td_catalogue *c = filled();
    uint8_t identity[TD_IDENTITY_BYTES];
    size_t from;
    assert_int_equal(td_catalogue_count(c), 4);
    assert_int_equal(td_catalogue_span(c, TD_TEXT("a"), &from), 2);
    assert_int_equal(from, 0);
    assert_int_equal(td_catalogue_at(c, 0)->version, 1);
    assert_int_equal(td_catalogue_latest(c, TD_TEXT("a"))->id, 7);
    assert_int_equal(td_catalogue_find(c, TD_TEXT("a\"/\xc3\xa4"), 1)->id, 7);
    assert_null(td_catalogue_find(c, TD_TEXT("a"), 3));
    assert_null(td_catalogue_latest(c, TD_TEXT("aa")));
    assert_true(td_bytes_equal(td_catalogue_of_id(c, 7)->text, TD_TEXT("\"long\"")));
    assert_null(td_catalogue_of_id(c, 2));
    td_schema_identity(TD_TEXT(" { \"type\" : \"int\" } "), identity);
    assert_int_equal(td_catalogue_same(c, TD_TEXT("a"), identity, false)->version, 1);
    assert_int_equal(td_catalogue_same(c, (td_bytes){0}, identity, false)->id, 1);
    assert_null(td_catalogue_same(c, TD_TEXT("a\"/\xc3\xa4"), identity, true));
    assert_int_equal(td_catalogue_next_id(c), 8);
    assert_int_equal(td_catalogue_next_version(c, TD_TEXT("a")), 3);
    assert_int_equal(td_catalogue_next_version(c, TD_TEXT("new")), 1);
    td_catalogue_free(c);
}

/* What is deleted keeps its number and its id's meaning; what is purged does not, but its id is not given again. */
static void what_is_deleted_is_there_until_it_is_purged(void **state) {
    (void)state;
    td_catalogue *c = filled();
    load(c, td_schema_record_delete(TD_TEXT("a"), 2));
    load_version(c, "a", 3, 9, "\"string\"");
    assert_true(td_catalogue_find(c, TD_TEXT("a"), 1)->deleted && td_catalogue_find(c, TD_TEXT("a"), 2)->deleted);
    assert_int_equal(td_catalogue_latest(c, TD_TEXT("a"))->version, 3);
    assert_false(td_catalogue_find(c, TD_TEXT("b"), 1)->deleted);
    load(c, td_schema_record_purge(TD_TEXT("a"), 3));
    load(c, td_schema_record_purge(TD_TEXT("a"), 3)); /* there is nothing left to purge */
    assert_null(td_catalogue_latest(c, TD_TEXT("a")));
    assert_null(td_catalogue_of_id(c, 9));
    assert_non_null(td_catalogue_of_id(c, 7));
    assert_int_equal(td_catalogue_next_id(c), 10);
    assert_int_equal(td_catalogue_next_version(c, TD_TEXT("a")), 3);
    td_catalogue_free(c);
}

static void levels_and_modes_hold_for_one_or_for_all(void **state) {
    (void)state;
    td_catalogue *c = filled();
    td_compatibility level;
    td_schema_mode mode;
    td_bytes a = TD_TEXT("a"), all = TD_TEXT("");
    assert_int_equal(td_catalogue_level(c, a), TD_COMPATIBILITY_BACKWARD);
    assert_int_equal(td_catalogue_mode(c, a), TD_MODE_READWRITE);
    assert_false(td_catalogue_own_level(c, all, &level) || td_catalogue_own_mode(c, all, &mode));
    load(c, td_schema_record_level(all, "FULL"));
    load(c, td_schema_record_mode(all, "READONLY"));
    load(c, td_schema_record_level(a, "NONE"));
    load(c, td_schema_record_mode(a, "READWRITE"));
    assert_int_equal(td_catalogue_level(c, a), TD_COMPATIBILITY_NONE);
    assert_int_equal(td_catalogue_mode(c, a), TD_MODE_READWRITE);
    assert_int_equal(td_catalogue_level(c, TD_TEXT("b")), TD_COMPATIBILITY_FULL);
    assert_int_equal(td_catalogue_mode(c, TD_TEXT("b")), TD_MODE_READONLY);
    load(c, td_schema_record_level(a, NULL));
    load(c, td_schema_record_mode(a, NULL));
    load(c, td_schema_record_level(all, NULL));
    assert_int_equal(td_catalogue_level(c, a), TD_COMPATIBILITY_BACKWARD);
    assert_int_equal(td_catalogue_mode(c, a), TD_MODE_READONLY);
    td_catalogue_free(c);
}

static void what_is_none_of_these_is_named(void **state) {
    (void)state;
    static const struct {
        const char *key, *value; /* NULL: none */
        td_status status;
    } rows[] = {
        {"{\"keytype\":\"NOOP\",\"magic\":0}", NULL, TD_OK},
        {"{\"keytype\":\"NEW\",\"magic\":0}", NULL, TD_CORRUPT},
        {"{\"keytype\":\"CONFIG\",\"subject\":null,\"magic\":0}", "{\"compatibilityLevel\":\"FULL\",\"x\":[1]}", TD_OK},
        {"{\"keytype\":\"CONFIG\",\"subject\":null,\"magic\":0}", "{\"compatibilityLevel\":\"SOME\"}", TD_CORRUPT},
        {"{\"keytype\":\"MODE\",\"subject\":null,\"magic\":0}", "{\"mode\":\"IMPORT\"}", TD_CORRUPT},
        {"{\"keytype\":\"DELETE_SUBJECT\",\"subject\":null,\"magic\":0}", "{\"version\":1}", TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":1,\"magic\":1}",
         "{\"subject\":\"a\",\"version\":1,\"id\":1,\"schemaType\":\"JSON\",\"schema\":\"{}\"}", TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":1,\"magic\":1}",
         "{\"subject\":\"a\",\"version\":1,\"id\":2147483648,\"schema\":\"{}\"}", TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"a\",\"version\":2,\"magic\":1}", /* version 2 has another id */
         "{\"subject\":\"a\",\"version\":2,\"id\":1,\"schema\":\"\\\"int\\\"\"}", TD_CORRUPT},
        {"{\"keytype\":\"SCHEMA\",\"subject\":\"c\",\"version\":1,\"magic\":1}", /* id 1 means another schema */
         "{\"subject\":\"c\",\"version\":1,\"id\":1,\"schema\":\"\\\"long\\\"\"}", TD_CORRUPT},
        {"", NULL, TD_CORRUPT},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        td_catalogue *c = filled();
        td_bytes value = rows[i].value != NULL ? td_text(rows[i].value) : (td_bytes){0};
        ASSERT_ROW(td_catalogue_load(c, td_text(rows[i].key), value) == rows[i].status, "%u", i);
        ASSERT_ROW(td_catalogue_count(c) == 4, "%u", i);
        td_catalogue_free(c);
    }
}

static void one_schema_has_many_texts(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "{ \"size\": 4,\n\"name\":\"F\", \"type\":\"fixed\" }",
         true},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}", false},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}",
         "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4,\"doc\":\"\"}", false},
        {"\"int\"", "{\"type\":\"int\"}", true},
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", "\"int\"", false},
        {"[\"null\",\"int\"]", "[ {\"type\":\"null\"} , \"int\" ]", true},
        {"[\"null\",\"int\"]", "[\"int\",\"null\"]", false},
        {"[]", "[[]]", false},
        {"{\"a\":\"\\u00e4 b\"}", "{\"a\":\"\xc3\xa4 b\"}", true},
        {"{\"a\":\"x y\"}", "{\"a\":\"xy\"}", false},
        {"{\"a\":true,\"b\":null}", "{\"b\":null,\"a\":true}", true},
        {"{\"a\":true}", "{\"a\":false}", false},
    };
    for (unsigned i = 0; i < COUNT_OF(rows); i++) {
        uint8_t a[TD_IDENTITY_BYTES], b[TD_IDENTITY_BYTES];
        td_schema_identity(td_text(rows[i].a), a);
        td_schema_identity(td_text(rows[i].b), b);
        ASSERT_ROW((memcmp(a, b, sizeof a) == 0) == rows[i].same, "%u", i);
    }
    td_buf out = {0};
    td_schema_minify(TD_TEXT(" { \"a b\" :\t[ 1 , \"\\\\\\\" }\" ]\r\n}"), &out);
    assert_true(td_bytes_equal(td_buf_bytes(&out), TD_TEXT("{\"a b\":[1,\"\\\\\\\" }\"]}")));
    td_buf_fini(&out);
}

/* An enum of one very long symbol, so that few of them fill the catalogue. */
static td_schema_version large_version(td_buf *text, int32_t number) {
    text->size = 0;
    td_buf_printf(text, "{\"type\":\"enum\",\"name\":\"E%d\",\"symbols\":[\"", number);
    for (int i = 0; i < 1 << 20; i++) td_buf_text(text, "S");
    td_buf_text(text, "\"]}");
    return (td_schema_version){TD_TEXT("a"), td_buf_bytes(text), .version = number, .id = number};
}

/* Who asks before it appends never meets the bound at which the log's reader gives up; at it, what says a version again
 * takes the place of what was said. */
static void its_bounds_are_told_before_they_are_met(void **state) {
    (void)state;
    td_catalogue *c = td_catalogue_new();
    td_buf text = {0};
    int32_t taken = 0, loaded = 0;
    td_status status = TD_OK;
    while (status == TD_OK) {
        td_schema_version v = large_version(&text, loaded + 1);
        taken += td_catalogue_takes(c, &v);
        td_schema_record record = td_schema_record_version(&v);
        status = td_catalogue_load(c, td_buf_bytes(&record.key), td_buf_bytes(&record.value));
        td_schema_record_fini(&record);
        loaded += status == TD_OK;
    }
    assert_int_equal(status, TD_CORRUPT);
    assert_in_range(loaded, 60, 64);
    assert_in_range(taken, loaded - 5, loaded - 3);
    td_schema_version again = large_version(&text, loaded);
    again.deleted = true;
    load(c, td_schema_record_version(&again));
    assert_true(td_catalogue_find(c, TD_TEXT("a"), loaded)->deleted);
    td_buf_fini(&text);
    td_catalogue_free(c);
}

/* What was set and taken back leaves room for others. */
static void settings_that_are_taken_back_take_no_room(void **state) {
    (void)state;
    td_catalogue *c = td_catalogue_new();
    char subject[16];
    td_compatibility level;
    load(c, td_schema_record_level(TD_TEXT("stays"), "FULL"));
    for (int i = 0; i < 1 << 16; i++) {
        (void)snprintf(subject, sizeof subject, "s%d", i);
        assert_true(td_catalogue_takes_setting(c, td_text(subject)));
        load(c, td_schema_record_mode(td_text(subject), "READONLY"));
        load(c, td_schema_record_mode(td_text(subject), NULL));
    }
    assert_true(td_catalogue_own_level(c, TD_TEXT("stays"), &level) && level == TD_COMPATIBILITY_FULL);
    td_catalogue_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_found_by_each_of_their_names),
        cmocka_unit_test(what_is_deleted_is_there_until_it_is_purged),
        cmocka_unit_test(levels_and_modes_hold_for_one_or_for_all),
        cmocka_unit_test(what_is_none_of_these_is_named),
        cmocka_unit_test(one_schema_has_many_texts),
        cmocka_unit_test(its_bounds_are_told_before_they_are_met),
        cmocka_unit_test(settings_that_are_taken_back_take_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
