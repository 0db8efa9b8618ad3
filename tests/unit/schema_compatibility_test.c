/* tests/unit/schema_compatibility_test.c - goal: each level looks in its direction and at its versions, and the first
 * incompatibility is named with version, side, path and reason. A real registry's answers are in tests/services. */
#include "schema/compatibility.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define R(fields)  "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define F(type)    "{\"name\":\"f\",\"type\":" type "}"
#define G          "{\"name\":\"g\",\"type\":\"int\"}"
#define G_ZERO     "{\"name\":\"g\",\"type\":\"int\",\"default\":0}"
#define E(symbols) "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]}"

enum {
    NONE = 1 << TD_COMPATIBILITY_NONE,
    BACKWARD = 1 << TD_COMPATIBILITY_BACKWARD,
    FORWARD = 1 << TD_COMPATIBILITY_FORWARD,
    FULL = 1 << TD_COMPATIBILITY_FULL,
    BACKWARD_ALL = 1 << TD_COMPATIBILITY_BACKWARD_TRANSITIVE,
    FORWARD_ALL = 1 << TD_COMPATIBILITY_FORWARD_TRANSITIVE,
    FULL_ALL = 1 << TD_COMPATIBILITY_FULL_TRANSITIVE,
    ALL = (1 << TD_COMPATIBILITY_COUNT) - 1,
};

static const struct {
    const char *oldest, *old, *next; /* oldest: NULL for one older version */
    unsigned compatible;             /* at these levels */
} rows[] = {
    {NULL, "\"int\"", "\"int\"", ALL},
    {NULL, "\"int\"", "\"long\"", NONE | BACKWARD | BACKWARD_ALL},
    {NULL, "\"long\"", "\"int\"", NONE | FORWARD | FORWARD_ALL},
    {NULL, "\"string\"", "\"bytes\"", ALL},
    {NULL, "\"int\"", "\"string\"", NONE},
    {NULL, R(F("\"int\"")), R(F("\"int\"") "," G), NONE | FORWARD | FORWARD_ALL},
    {NULL, R(F("\"int\"")), R(F("\"int\"") "," G_ZERO), ALL},
    {NULL, R(F("\"int\"") "," G), R(F("\"int\"")), NONE | BACKWARD | BACKWARD_ALL},
    {NULL, R(F("[\"null\",\"int\"]")), R(F("\"int\"")), NONE | FORWARD | FORWARD_ALL},
    {NULL, R(F(E("\"A\""))), R(F(E("\"A\",\"B\""))), NONE | BACKWARD | BACKWARD_ALL},
    {"\"int\"", "\"long\"", "\"double\"", NONE | BACKWARD | BACKWARD_ALL},
    {"\"string\"", "\"int\"", "\"long\"", NONE | BACKWARD},
    {"\"string\"", "\"long\"", "\"int\"", NONE | FORWARD},
    /* a field comes back with another type: the last version does not know it */
    {R(F("\"int\"") "," G), R(F("\"int\"")), R(F("\"int\"") ",{\"name\":\"g\",\"type\":\"string\",\"default\":\"\"}"),
     NONE | BACKWARD | FORWARD | FULL},
};

static td_avro_schema *parse(const char *text) {
    td_avro_schema *schema = NULL;
    if (td_avro_schema_parse(td_text(text), &schema) != TD_OK) fail_msg("%s\nin %s", td_trail(), text);
    return schema;
}

static void levels_look_where_they_should(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_schema *next = parse(rows[i].next), *older[2];
        size_t count = 0;
        if (rows[i].oldest != NULL) older[count++] = parse(rows[i].oldest);
        older[count++] = parse(rows[i].old);
        for (unsigned level = 0; level < TD_COMPATIBILITY_COUNT; level++) {
            td_incompatibility found;
            bool compatible = td_compatibility_check((td_compatibility)level, next,
                                                     (const td_avro_schema *const *)older, count, &found);
            ASSERT_ROW(compatible == ((rows[i].compatible >> level & 1) != 0), "%zu at %s", i,
                       td_compatibility_name((td_compatibility)level));
        }
        while (count > 0) td_avro_schema_free(older[--count]);
        td_avro_schema_free(next);
    }
}

static void the_first_version_of_all_is_compatible(void **state) {
    (void)state;
    td_incompatibility found;
    td_avro_schema *next = parse("\"int\"");
    assert_true(td_compatibility_check(TD_COMPATIBILITY_FULL_TRANSITIVE, next, NULL, 0, &found));
    td_avro_schema_free(next);
}

static void the_incompatibility_is_named(void **state) {
    (void)state;
    td_avro_schema *next = parse(R(F("{\"type\":\"map\",\"values\":[\"null\",\"int\"]}"))),
                   *older[] = {
                       parse(R(F("{\"type\":\"map\",\"values\":[\"null\",\"string\"]}"))),
                       parse(R(F("{\"type\":\"map\",\"values\":\"int\"}"))),
                   };
    const td_avro_schema *const *versions = (const td_avro_schema *const *)older;
    td_incompatibility found;
    assert_true(td_compatibility_check(TD_COMPATIBILITY_BACKWARD, next, versions, 2, &found));
    assert_false(td_compatibility_check(TD_COMPATIBILITY_BACKWARD_TRANSITIVE, next, versions, 2, &found));
    assert_int_equal(found.version, 0);
    assert_false(found.older_reads);
    assert_string_equal(found.path, "R.f{}|string");
    assert_string_equal(found.reason, "no branch of the reader's union takes string; add one");
    assert_false(td_compatibility_check(TD_COMPATIBILITY_FULL_TRANSITIVE, next, versions, 2, &found));
    assert_int_equal(found.version, 1); /* the latest first */
    assert_true(found.older_reads);
    assert_string_equal(found.path, "R.f{}|null");
    assert_string_equal(found.reason, "null cannot be read as int; keep the type, or take a new field");
    td_avro_schema_free(older[1]);
    td_avro_schema_free(older[0]);
    td_avro_schema_free(next);
}

/* A chain of records, each holding the one before; `name` is the field that defines them, "deep" holds the last. */
static td_avro_schema *chain(const char *name, int length) {
    td_buf text = {0};
    td_buf_printf(
        &text, "{\"type\":\"record\",\"name\":\"W\",\"fields\":[{\"name\":\"%s\",\"default\":null,\"type\":[\"null\"",
        name);
    for (int i = 0; i < length; i++) {
        char type[16];
        (void)snprintf(type, sizeof type, "R%d", i - 1);
        td_buf_printf(&text, ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"f\",\"type\":\"%s\"}]}", i,
                      i == 0 ? "int" : type);
    }
    td_buf_printf(&text, "]},{\"name\":\"deep\",\"type\":\"R%d\"}]}", length - 1);
    td_buf_put(&text, "", 1);
    td_avro_schema *schema = parse((const char *)text.data);
    td_buf_fini(&text);
    return schema;
}

/* The reader does not look into what defines the chain, so that it goes down from the last: said, not overflowed. */
static void too_deep_is_incompatible(void **state) {
    (void)state;
    td_incompatibility found;
    for (int i = 0; i < 2; i++) {
        int length = i == 0 ? TD_AVRO_DEPTH_MAX - 3 : TD_AVRO_DEPTH_MAX;
        td_avro_schema *next = chain("a", length), *old = chain("b", length);
        bool compatible =
            td_compatibility_check(TD_COMPATIBILITY_BACKWARD, next, (const td_avro_schema *const[]){old}, 1, &found);
        assert_int_equal(compatible, i == 0);
        if (!compatible) assert_non_null(strstr(found.reason, "nested too deep"));
        td_avro_schema_free(old);
        td_avro_schema_free(next);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_look_where_they_should),
        cmocka_unit_test(the_first_version_of_all_is_compatible),
        cmocka_unit_test(the_incompatibility_is_named),
        cmocka_unit_test(too_deep_is_incompatible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
