/* tests/unit/schema_avro_parse_test.c - goal: a schema is read as the specification says, whatever the order of its
 * attributes; what is wrong is refused with its place and a cure; hostile texts meet bounds. */
#include "schema/avro_schema.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static td_avro_schema *parse(const char *text) {
    td_avro_schema *schema = NULL;
    if (td_avro_schema_parse(td_text(text), &schema) != TD_OK) fail_msg("%s\nin %s", td_trail(), text);
    return schema;
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(type)    RECORD("{\"name\":\"f\",\"type\":" type "}")

static void names_are_resolved(void **state) {
    (void)state;
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", "\"int\""},
        {"{\"type\":{\"type\":[\"null\",{\"type\":\"long\"}]}}", "[\"null\",\"long\"]"},
        {"{\"\\u0074ype\":\"\\u0069nt\"}", "\"int\""},
        {"{\"size\":3,\"name\":\"a.b.F\",\"namespace\":\"x\",\"type\":\"fixed\"}",
         "{\"name\":\"a.b.F\",\"type\":\"fixed\",\"size\":3}"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"namespace\":\"x\",\"symbols\":[\"A\",\"\\u0042\"],\"default\":\"B\"}",
         "{\"name\":\"x.E\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}"},
        /* what stands inside is of the enclosing name's space, unless it says another; "" is one */
        {"{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":"
         "\"F\","
         "\"size\":1}},{\"name\":\"b\",\"type\":\"F\"},{\"name\":\"c\",\"type\":{\"type\":\"fixed\",\"name\":\"G\","
         "\"size\":1,"
         "\"namespace\":\"\"}},{\"name\":\"d\",\"type\":\"G\"},{\"name\":\"e\",\"type\":[\"null\",\"n.R\"]}]}",
         "{\"name\":\"n.R\",\"type\":\"record\",\"fields\":[{\"name\":\"a\",\"type\":{\"name\":\"n.F\",\"type\":"
         "\"fixed\","
         "\"size\":1}},{\"name\":\"b\",\"type\":\"n.F\"},{\"name\":\"c\",\"type\":{\"name\":\"G\",\"type\":\"fixed\","
         "\"size\":1}},{\"name\":\"d\",\"type\":\"G\"},{\"name\":\"e\",\"type\":[\"null\",\"n.R\"]}]}"},
        {FIELD("{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"R\"}}"),
         "{\"name\":\"R\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":{\"type\":\"map\",\"values\":{"
         "\"type\":"
         "\"array\",\"items\":\"R\"}}}]}"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_schema *schema = parse(rows[i].text), *again;
        td_buf once = {0}, twice = {0};
        td_avro_schema_canonical(schema, &once);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&once), td_text(rows[i].canonical)), "%zu: %.*s", i, (int)once.size,
                   (char *)once.data);
        assert_int_equal(td_avro_schema_parse(td_buf_bytes(&once), &again), TD_OK); /* and it can be read again, */
        td_avro_schema_canonical(again, &twice);
        bool lost = strstr(rows[i].text, "\"namespace\":\"\"") != NULL; /* which the form has no way to say */
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&once), td_buf_bytes(&twice)) != lost, "%zu", i);
        td_buf_fini(&twice);
        td_buf_fini(&once);
        td_avro_schema_free(again);
        td_avro_schema_free(schema);
    }
}

static void aliases_belong_to_the_space_of_their_name(void **state) {
    (void)state;
    td_avro_schema *schema =
        parse("{\"aliases\":[\"Old\",\"y.Old\"],\"fields\":[{\"type\":\"int\",\"name\":\"f\","
              "\"aliases\":[\"g\",\"h\"]}],\"name\":\"R\",\"namespace\":\"x\",\"type\":\"record\"}");
    const td_avro_node *root = td_avro_schema_root(schema);
    assert_int_equal(root->aliases.count, 2);
    assert_true(td_bytes_equal(root->aliases.items[0], TD_TEXT("x.Old")));
    assert_true(td_bytes_equal(root->aliases.items[1], TD_TEXT("y.Old")));
    assert_int_equal(root->fields[0].aliases.count, 2);
    assert_true(td_bytes_equal(root->fields[0].aliases.items[1], TD_TEXT("h")));
    assert_int_equal(td_avro_member_find(schema, root, TD_TEXT("f")), 0);
    assert_int_equal(td_avro_member_find(schema, root, TD_TEXT("g")), -1);
    td_avro_schema_free(schema);
}

/* What does not fit is ignored, as if it were not there. */
static void logical_types_stand_where_they_fit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        td_avro_logical logical;
        int precision, scale;
    } rows[] = {
        {"{\"type\":\"int\",\"logicalType\":\"date\"}", TD_AVRO_DATE, 0, 0},
        {"{\"type\":\"int\",\"logicalType\":\"time-millis\"}", TD_AVRO_TIME_MILLIS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"time-micros\"}", TD_AVRO_TIME_MICROS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", TD_AVRO_TIMESTAMP_MILLIS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", TD_AVRO_TIMESTAMP_MICROS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}", TD_AVRO_TIMESTAMP_NANOS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\"}", TD_AVRO_LOCAL_TIMESTAMP_MILLIS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-micros\"}", TD_AVRO_LOCAL_TIMESTAMP_MICROS, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"local-timestamp-nanos\"}", TD_AVRO_LOCAL_TIMESTAMP_NANOS, 0, 0},
        {"{\"type\":\"string\",\"logicalType\":\"uuid\"}", TD_AVRO_UUID, 0, 0},
        {"{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}", TD_AVRO_UUID, 0, 0},
        {"{\"type\":\"fixed\",\"name\":\"D\",\"size\":12,\"logicalType\":\"duration\"}", TD_AVRO_DURATION, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"big-decimal\"}", TD_AVRO_BIG_DECIMAL, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}", TD_AVRO_DECIMAL, 4, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":4}", TD_AVRO_DECIMAL, 4, 4},
        {"{\"type\":\"fixed\",\"name\":\"D\",\"size\":8,\"logicalType\":\"decimal\",\"precision\":18,\"scale\":2}",
         TD_AVRO_DECIMAL, 18, 2},
        {"{\"type\":\"fixed\",\"name\":\"D\",\"size\":8,\"logicalType\":\"decimal\",\"precision\":19}", TD_AVRO_PLAIN,
         0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":5}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":0}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":-1}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":\"4\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"string\",\"logicalType\":\"decimal\",\"precision\":4}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"fixed\",\"name\":\"U\",\"size\":15,\"logicalType\":\"uuid\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"fixed\",\"name\":\"D\",\"size\":11,\"logicalType\":\"duration\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"int\",\"logicalType\":\"timestamp-millis\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"date\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":\"fortnight\"}", TD_AVRO_PLAIN, 0, 0},
        {"{\"type\":\"long\",\"logicalType\":7}", TD_AVRO_PLAIN, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_schema *schema = parse(rows[i].text);
        const td_avro_node *root = td_avro_schema_root(schema);
        ASSERT_ROW(root->logical == rows[i].logical, "%zu", i);
        ASSERT_ROW(root->precision == rows[i].precision && root->scale == rows[i].scale, "%zu", i);
        td_avro_schema_free(schema);
    }
}

/* JSON to bytes, by the type of the field. */
static void defaults_are_encoded(void **state) {
    (void)state;
#define INNER                                                                                                          \
    "{\"type\":\"record\",\"name\":\"I\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"y\",\"type\":"      \
    "\"string\",\"default\":\"q\"}]}"
    static const struct {
        const char *type, *json;
        const char *bytes; /* hex; NULL: refused */
    } rows[] = {
        {"\"null\"", "null", ""},
        {"\"null\"", "0", NULL},
        {"\"boolean\"", "true", "01"},
        {"\"boolean\"", "1", NULL},
        {"\"int\"", "-64", "7f"},
        {"\"int\"", "2147483647", "feffffff0f"},
        {"\"int\"", "2147483648", NULL},
        {"\"int\"", "1.5", NULL},
        {"\"int\"", "1e2", NULL},
        {"\"long\"", "-9223372036854775808", "ffffffffffffffffff01"},
        {"\"long\"", "9223372036854775808", NULL},
        {"\"float\"", "1.5", "0000c03f"},
        {"\"float\"", "1e39", NULL},
        {"\"double\"", "-2", "00000000000000c0"},
        {"\"double\"", "1e400", NULL},
        {"\"double\"", "\"NaN\"", NULL},
        {"\"bytes\"", "\"\\u00ff\\u0000a\"", "06ff0061"},
        {"\"bytes\"", "\"\\u0100\"", NULL},
        {"\"string\"", "\"\\u00e9\\n\"", "06c3a90a"},
        {"\"string\"", "\"\\ud800\"", NULL},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"\\u0080A\"", "8041"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":2}", "\"A\"", NULL},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"B\"", "02"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", "\"C\"", NULL},
        {"{\"type\":\"array\",\"items\":\"int\"}", "[]", "00"},
        {"{\"type\":\"array\",\"items\":\"int\"}", "[1, 2]", "04020400"},
        {"{\"type\":\"array\",\"items\":\"int\"}", "[1, \"2\"]", NULL},
        {"{\"type\":\"map\",\"values\":\"int\"}", "{\"a\": 1}", "0202610200"},
        {"{\"type\":\"map\",\"values\":\"int\"}", "[]", NULL},
        {INNER, "{\"y\": \"r\", \"z\": [0], \"x\": 1}",
         "020272"},                      /* in the order of the fields; strangers are ignored */
        {INNER, "{\"x\": 1}", "020271"}, /* the field's own default */
        {INNER, "{\"y\": \"r\"}", NULL},
        {"[\"null\",\"int\"]", "null", "00"},
        {"[\"null\",\"int\"]", "1", "0202"}, /* any branch, since 1.12 */
        {"[\"int\",\"double\",\"string\"]", "1.0", "02000000000000f03f"},
        {"[\"int\",{\"type\":\"array\",\"items\":\"int\"}]", "[1,true]", NULL},
        {"{\"type\":\"array\",\"items\":[\"null\",\"R\"]}", "[null]", "020000"},
        {"[\"R\",\"null\"]", "{}", NULL}, /* it would hold itself */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[512];
        td_buf hex = {0};
        td_avro_schema *schema = NULL;
        (void)snprintf(text, sizeof text, RECORD("{\"default\":%s,\"name\":\"f\",\"type\":%s}"), rows[i].json,
                       rows[i].type);
        td_status status = td_avro_schema_parse(td_text(text), &schema);
        ASSERT_ROW(status == (rows[i].bytes == NULL ? TD_REJECT : TD_OK), "%zu: %s", i, td_trail());
        if (rows[i].bytes == NULL) {
            ASSERT_ROW(strstr(td_trail(), "column 50: the default of \"f\" is no ") != NULL, "%zu: %s", i, td_trail());
            continue;
        }
        td_bytes got = td_avro_schema_root(schema)->fields[0].default_avro;
        for (size_t k = 0; k < got.size; k++) td_buf_printf(&hex, "%02x", got.data[k]);
        ASSERT_ROW(td_bytes_equal(td_buf_bytes(&hex), td_text(rows[i].bytes)), "%zu: %.*s", i, (int)hex.size,
                   (char *)hex.data);
        td_buf_fini(&hex);
        td_avro_schema_free(schema);
    }
}

static void what_is_wrong_is_named_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        {"", "line 1, column 1: this is not JSON"},
        {"{\n \"type\": \"int\",\n}", "line 3, column 1: this is not JSON"},
        {"\"int\" 1", "column 7: this is not JSON"},
        {"1", "a schema is \"a name\", {an object} or [a union]"},
        {"{\n  \"type\": \"strng\"\n}", "line 2, column 12: no type \"strng\"; did you mean \"string\"?"},
        {"\"Trade\"", "no type \"Trade\"; define it before it is used"},
        {"{}", "a schema needs \"type\"; add it"},
        {"{\"type\":\"int\",\"type\":\"int\"}", "\"type\" stands twice here"},
        {"{\"type\":\"record\",\"fields\":[]}", "record needs \"name\""},
        {"{\"type\":\"record\",\"name\":\"R\"}", "record needs \"fields\""},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":{}}", "\"fields\" must be an array"},
        {"{\"type\":\"record\",\"name\":\"1R\",\"fields\":[]}", "column 26: \"1R\" is no name"},
        {"{\"type\":\"record\",\"name\":\"a..R\",\"fields\":[]}", "\"a..R\" is no name"},
        {"{\"type\":\"record\",\"name\":\"a.\",\"fields\":[]}", "\"a.\" is no name"},
        {"{\"type\":\"record\",\"name\":7,\"fields\":[]}", "expected a name in quotes"},
        {"{\"type\":\"record\",\"name\":\"x.long\",\"fields\":[]}", "long is Avro's own"},
        {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a b\",\"fields\":[]}", "no namespace; write names"},
        {"{\"type\":\"record\",\"name\":\"R\",\"namespace\":[],\"fields\":[]}", "\"namespace\" must be a text"},
        {"{\"type\":\"record\",\"name\":\"R\",\"aliases\":[\"a-b\"],\"fields\":[]}", "\"a-b\" is no name"},
        {RECORD("7"), "a field is an object"},
        {RECORD("{\"name\":\"f\"}"), "a field needs \"type\""},
        {RECORD("{\"type\":\"int\"}"), "a field needs \"name\""},
        {RECORD("{\"name\":\"a.f\",\"type\":\"int\"}"), "\"a.f\" is no name"},
        {RECORD("{\"name\":\"f\",\"type\":\"int\"},{\"name\":\"f\",\"type\":\"int\"}"), "a second field \"f\""},
        {FIELD("{\"type\":\"fixed\",\"name\":\"R\",\"size\":1}"), "R is defined already"},
        {"{\"type\":\"enum\",\"name\":\"E\"}", "enum needs \"symbols\""},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\",\"A\"]}", "column 47: a second symbol \"A\""},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"a b\"]}", "\"a b\" is no name"},
        {"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"C\"}", "the default \"C\" is none of"},
        {"{\"type\":\"fixed\",\"name\":\"F\"}", "fixed needs \"size\""},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "\"size\" is a whole number"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":1.5}", "\"size\" is a whole number"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":\"4\"}", "\"size\" is a whole number"},
        {"{\"type\":\"array\"}", "array needs \"items\""},
        {"{\"type\":\"map\",\"items\":\"int\"}", "map needs \"values\""},
        {"[\"int\",[\"null\"]]", "column 8: a union directly in a union"},
        {"[\"int\",{\"type\":\"int\",\"logicalType\":\"date\"}]", "a second int in the union"},
        {"[{\"type\":\"array\",\"items\":\"int\"},{\"type\":\"array\",\"items\":\"long\"}]",
         "a second array in the union"},
        {"{\"type\":\"\\ud800\"}", "the text is not UTF-8"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_schema *schema = NULL;
        ASSERT_ROW(td_avro_schema_parse(td_text(rows[i].text), &schema) == TD_REJECT, "%zu: %s", i, rows[i].text);
        ASSERT_ROW(strstr(td_trail(), rows[i].complaint) != NULL, "%zu: %s", i, td_trail());
        assert_null(schema);
    }
}

static void hostile_texts_meet_bounds(void **state) {
    (void)state;
    td_buf deep = {0}, wide = {0}, nodes = {0}, doubling = {0};
    td_avro_schema *schema = NULL;
    for (int i = 0; i < 100; i++) td_buf_text(&deep, "{\"type\":\"array\",\"items\":");
    assert_int_equal(td_avro_schema_parse(td_buf_bytes(&deep), &schema), TD_REJECT);
    assert_non_null(strstr(td_trail(), "nested more than 64 deep"));
    for (int i = 0; i <= TD_AVRO_TEXT_MAX; i++) td_buf_text(&wide, " ");
    assert_int_equal(td_avro_schema_parse(td_buf_bytes(&wide), &schema), TD_REJECT);
    assert_non_null(strstr(td_trail(), "at most 1048576"));

    td_buf_text(&nodes, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i < 30000; i++) td_buf_printf(&nodes, "%s{\"name\":\"f%d\",\"type\":[]}", i == 0 ? "" : ",", i);
    td_buf_text(&nodes, "]}");
    assert_int_equal(td_avro_schema_parse(td_buf_bytes(&nodes), &schema), TD_OK);
    assert_int_equal(td_avro_schema_size(schema), 8 + 1 + 30000);
    td_avro_schema_free(schema);

    /* each record's default holds the one before twice: 2^40 values without a bound */
    td_buf_text(&doubling,
                "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":7}]}");
    for (int i = 1; i < 40; i++)
        td_buf_printf(
            &doubling,
            ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":\"R%d\",\"default\":{}},"
            "{\"name\":\"b\",\"type\":\"R%d\",\"default\":{}}]}",
            i, i - 1, i - 1);
    td_buf_text(&doubling, "]");
    assert_int_equal(td_avro_schema_parse(td_buf_bytes(&doubling), &schema), TD_REJECT);
    assert_non_null(strstr(td_trail(), "the default of"));
    td_buf_fini(&doubling);
    td_buf_fini(&nodes);
    td_buf_fini(&wide);
    td_buf_fini(&deep);
}

/* Each of 30 unions offers two branches that both fail only at the very bottom: 2^30 ways to find no default. */
static void a_default_is_not_tried_in_all_ways(void **state) {
    (void)state;
    td_buf text = {0};
    td_avro_schema *schema = NULL;
    td_buf_text(&text,
                "[{\"type\":\"fixed\",\"name\":\"A0\",\"size\":1},{\"type\":\"fixed\",\"name\":\"B0\",\"size\":1}");
    for (int i = 1; i <= 30; i++)
        for (const char *name = "AB"; *name != '\0'; name++)
            td_buf_printf(
                &text,
                ",{\"type\":\"record\",\"name\":\"%c%d\",\"fields\":[{\"name\":\"x\",\"type\":[\"A%d\",\"B%d\"]}]}",
                *name, i, i - 1, i - 1);
    td_buf_text(&text, "," FIELD("[\"A30\",\"B30\"],\"default\":"));
    text.size -= strlen("}]}");
    for (int i = 0; i < 30; i++) td_buf_text(&text, "{\"x\":");
    td_buf_text(&text, "0");
    for (int i = 0; i < 30; i++) td_buf_text(&text, "}");
    td_buf_text(&text, "}]}]");
    assert_int_equal(td_avro_schema_parse(td_buf_bytes(&text), &schema), TD_REJECT);
    assert_non_null(strstr(td_trail(), "the default of \"f\" is no union"));
    td_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved),
        cmocka_unit_test(aliases_belong_to_the_space_of_their_name),
        cmocka_unit_test(logical_types_stand_where_they_fit),
        cmocka_unit_test(defaults_are_encoded),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(hostile_texts_meet_bounds),
        cmocka_unit_test(a_default_is_not_tried_in_all_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
