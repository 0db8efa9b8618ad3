/* tests/unit/schema_avro_resolve_test.c - goal: a reader gets what the specification says it gets of a writer's bytes,
 * and no bytes at all do harm. Whole families of pairs are in tests/oracle/avro_resolution.py. */
#include "schema/avro_resolve.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static td_avro_schema *parse(const char *text) {
    td_avro_schema *schema = NULL;
    if (td_avro_schema_parse(td_text(text), &schema) != TD_OK) fail_msg("%s\nin %s", td_trail(), text);
    return schema;
}

static void from_hex(const char *hex, td_buf *out) {
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) td_buf_put(out, &(uint8_t){(uint8_t)byte}, 1);
}

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define ENUM(symbols, more)  "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "]" more "}"
#define FIXED(name, size)    "{\"type\":\"fixed\",\"name\":\"" name "\",\"size\":" size "}"
#define ARRAY(items)         "{\"type\":\"array\",\"items\":" items "}"
#define MAP(values)          "{\"type\":\"map\",\"values\":" values "}"
#define DECIMAL(p, s)        "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":" p ",\"scale\":" s "}"
#define A_INT                "{\"name\":\"a\",\"type\":\"int\"}"
#define B_STRING             "{\"name\":\"b\",\"type\":\"string\"}"

static const struct row {
    const char *writer, *reader, *in;
    const char *out;       /* hex; NULL: refused */
    const char *complaint; /* of the refusal */
} rows[] = {
    {"\"null\"", "\"null\"", "", "", NULL},
    {"\"null\"", "\"null\"", "00", NULL, "byte 0 of 1: bytes are left behind the value"},
    {"\"boolean\"", "\"boolean\"", "01", "01", NULL},
    {"\"boolean\"", "\"boolean\"", "02", NULL, "a boolean is neither"},
    {"\"int\"", "\"int\"", "7f", "7f", NULL},
    {"\"int\"", "\"int\"", "feffffff0f", "feffffff0f", NULL},
    {"\"int\"", "\"int\"", "8080808010", NULL, "an int of more than 32 bits"},
    {"\"int\"", "\"long\"", "7f", "7f", NULL},
    {"\"int\"", "\"float\"", "03", "000000c0", NULL},
    {"\"int\"", "\"double\"", "03", "00000000000000c0", NULL},
    {"\"long\"", "\"int\"", "02", NULL, "int: long cannot be read as int"},
    {"\"long\"", "\"float\"", "feffffffffffffffff01", "0000005f", NULL},
    {"\"long\"", "\"double\"", "feffffffffffffffff01", "000000000000e043", NULL},
    {"\"long\"", "\"long\"", "80", NULL, "a number is cut short"},
    {"\"float\"", "\"double\"", "0000c03f", "000000000000f83f", NULL},
    {"\"float\"", "\"float\"", "0000c0", NULL, "the value ends too early"},
    {"\"double\"", "\"float\"", "000000000000f83f", NULL, "double cannot be read as float"},
    {"\"string\"", "\"bytes\"", "04c3a9", "04c3a9", NULL},
    {"\"bytes\"", "\"string\"", "04c3a9", "04c3a9", NULL},
    {"\"bytes\"", "\"string\"", "02ff", NULL, "a string is not UTF-8"},
    {"\"string\"", "\"string\"", "0441", NULL, "cut short"},
    {"\"bytes\"", "\"bytes\"", "01", NULL, "cut short"},
    {"\"int\"", "{\"type\":\"int\",\"logicalType\":\"date\"}", "02", "02", NULL},
    {DECIMAL("9", "2"), "\"bytes\"", "0241", "0241", NULL},
    {DECIMAL("9", "2"), DECIMAL("9", "2"), "0241", "0241", NULL},
    {DECIMAL("9", "2"), DECIMAL("9", "3"), "0241", NULL, "decimal(9,2) cannot be read as decimal(9,3)"},
    {DECIMAL("9", "2"), DECIMAL("8", "2"), "0241", NULL, "decimal(9,2) cannot be read as decimal(8,2)"},

    /* records: by name, in the reader's order, with its defaults */
    {RECORD("R", A_INT "," B_STRING), RECORD("R", B_STRING "," A_INT), "020261", "026102", NULL},
    {RECORD("R", A_INT "," B_STRING), RECORD("R", B_STRING), "020261", "0261", NULL},
    {RECORD("R", A_INT), RECORD("R", "{\"name\":\"n\",\"type\":\"int\",\"default\":5}," A_INT), "02", "0a02", NULL},
    {RECORD("R", A_INT "," B_STRING), RECORD("R", B_STRING ",{\"name\":\"n\",\"type\":\"int\",\"default\":5}," A_INT),
     "020261", "02610a02", NULL},
    {RECORD("R", A_INT), RECORD("R", A_INT "," B_STRING), "02", NULL, "R: nothing was written for the field b"},
    {RECORD("R", A_INT), RECORD("R", "{\"name\":\"z\",\"type\":\"long\",\"aliases\":[\"y\",\"a\"]}"), "02", "02", NULL},
    {RECORD("R", A_INT "," B_STRING), /* a name comes before an alias */
     RECORD("R", "{\"name\":\"z\",\"type\":\"long\",\"aliases\":[\"a\"],\"default\":1}," A_INT "," B_STRING), "040261",
     "02040261", NULL},
    {RECORD("R", A_INT), RECORD("R", "{\"name\":\"a\",\"type\":\"string\"}"), "02", NULL,
     "R.a: int cannot be read as string"},
    {RECORD("x.R", A_INT), RECORD("y.R", A_INT), "02", "02", NULL},
    {RECORD("x.R", A_INT), RECORD("x.S", A_INT), "02", NULL, "record x.R cannot be read as x.S"},
    {RECORD("x.R", A_INT), "{\"type\":\"record\",\"name\":\"x.S\",\"aliases\":[\"R\"],\"fields\":[" A_INT "]}", "02",
     "02", NULL},
    {RECORD("y.R", A_INT), "{\"type\":\"record\",\"name\":\"x.S\",\"aliases\":[\"R\"],\"fields\":[" A_INT "]}", "02",
     NULL, "record y.R cannot be read as x.S"},
    {RECORD("R", A_INT ",{\"name\":\"r\",\"type\":[\"null\",\"R\"]}"),
     RECORD("R", "{\"name\":\"r\",\"type\":[\"R\",\"null\"]},{\"name\":\"a\",\"type\":\"long\"}"), "02020400",
     "00020402", NULL},

    /* enums: by symbol */
    {ENUM("\"A\",\"B\"", ""), ENUM("\"B\",\"A\"", ""), "00", "02", NULL},
    {ENUM("\"A\",\"B\"", ""), ENUM("\"A\"", ""), "00", "00", NULL},
    {ENUM("\"A\",\"B\"", ""), ENUM("\"A\"", ""), "02", NULL, "neither this symbol"},
    {ENUM("\"A\",\"B\"", ""), ENUM("\"C\",\"D\"", ",\"default\":\"D\""), "02", "02", NULL},
    {ENUM("\"A\",\"B\"", ""), ENUM("\"A\",\"B\"", ""), "04", NULL, "no such symbol"},
    {ENUM("\"A\",\"B\"", ""), ENUM("\"A\",\"B\"", ""), "01", NULL, "no such symbol"},

    {FIXED("F", "2"), FIXED("F", "2"), "4142", "4142", NULL},
    {FIXED("F", "2"), FIXED("F", "2"), "41", NULL, "ends too early"},
    {FIXED("F", "2"), FIXED("F", "3"), "4142", NULL, "a fixed of 2 bytes cannot be read as one of 3"},
    {FIXED("F", "2"), "\"bytes\"", "4142", NULL, "fixed cannot be read as bytes"},

    /* blocks stay as they were, but for sizes, which have changed */
    {ARRAY("\"int\""), ARRAY("\"long\""), "04020400", "04020400", NULL},
    {ARRAY("\"int\""), ARRAY("\"double\""), "01020200", "02000000000000f03f00", NULL},
    {ARRAY("\"int\""), ARRAY("\"int\""), "01040200", NULL, "another size than it says"},
    {ARRAY("\"int\""), ARRAY("\"int\""), "01ffffffffffffffffff0102", NULL, "a block of elements is cut short"},
    {ARRAY("\"int\""), ARRAY("\"int\""), "ffffffffffffffffff010200", NULL, "a block of elements begins badly"},
    {ARRAY("\"int\""), ARRAY("\"int\""), "0402", NULL, "cut short"},
    {ARRAY("\"int\""), ARRAY("\"string\""), "00", NULL, "array[]: int cannot be read as string"},
    {ARRAY("\"null\""), ARRAY("\"null\""), "feffffffffffffffff0100", NULL, "more than one message may hold"},
    {MAP("\"int\""), MAP("\"long\""), "0202610200", "0202610200", NULL},
    {MAP("\"int\""), MAP("\"int\""), "0202ff0200", NULL, "a string is not UTF-8"},
    {MAP("\"int\""), ARRAY("\"int\""), "00", NULL, "map cannot be read as array"},

    /* unions */
    {"[\"null\",\"int\"]", "[\"int\",\"null\"]", "0206", "0006", NULL},
    {"[\"null\",\"int\"]", "[\"int\",\"null\"]", "00", "02", NULL},
    {"[\"null\",\"int\"]", "\"int\"", "0206", "06", NULL},
    {"[\"null\",\"int\"]", "\"int\"", "00", NULL, "int|null: null cannot be read as int"},
    {"[\"null\",\"int\"]", "\"long\"", "04", NULL, "a union has no such branch"},
    {"\"int\"", "[\"string\",\"double\",\"long\"]", "02", "02000000000000f03f", NULL},
    {"\"int\"", "[\"long\",\"int\"]", "02", "0202", NULL},
    {"\"string\"", "[\"bytes\",\"string\"]", "0261", "020261", NULL},
    {"\"int\"", "[\"null\",\"string\"]", "02", NULL, "no branch of the reader's union takes int"},
    {RECORD("y.R", A_INT), "[" RECORD("x.R", A_INT) "," RECORD("y.R", A_INT) "]", "02", "0202", NULL},
    {RECORD("z.R", A_INT), "[\"null\"," RECORD("x.R", A_INT) "," RECORD("y.R", A_INT) "]", "02", "0202", NULL},
    {DECIMAL("9", "2"), "[\"string\"," DECIMAL("9", "3") "]", "0241", NULL, "decimal(9,2) cannot be read"},
    {ARRAY(RECORD("R", "{\"name\":\"u\",\"type\":[\"null\",\"string\"]}")),
     ARRAY(RECORD("R", "{\"name\":\"u\",\"type\":[\"null\",\"long\"]}")), "02020241", NULL,
     "array[].u|string: no branch"},
};

static void readers_get_what_they_read(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_avro_schema *writer = parse(rows[i].writer), *reader = parse(rows[i].reader);
        td_avro_plan *plan = td_avro_plan_new(writer, reader);
        td_buf in = {0}, out = {0}, want = {0};
        from_hex(rows[i].in, &in);
        td_buf_text(&out, "kept");
        td_buf_text(&want, "kept");
        if (rows[i].out != NULL) from_hex(rows[i].out, &want);
        for (int turn = 0; turn < 2; turn++) { /* a plan is good for many values */
            out.size = 4;
            td_status status = td_avro_plan_run(plan, td_buf_bytes(&in), &out);
            ASSERT_ROW(status == (rows[i].out != NULL ? TD_OK : TD_REJECT), "%zu: %s", i, td_trail());
            ASSERT_ROW(td_bytes_equal(td_buf_bytes(&out), td_buf_bytes(&want)), "%zu", i);
            if (rows[i].out == NULL)
                ASSERT_ROW(strstr(td_trail(), rows[i].complaint) != NULL, "%zu: %s", i, td_trail());
        }
        td_buf_fini(&want);
        td_buf_fini(&out);
        td_buf_fini(&in);
        td_avro_plan_free(plan);
        td_avro_schema_free(reader);
        td_avro_schema_free(writer);
    }
}

/* A list that holds itself, as long as it likes within the bound. */
static void depth_is_bounded(void **state) {
    (void)state;
    td_avro_schema *list = parse(RECORD("L", "{\"name\":\"next\",\"type\":[\"null\",\"L\"]}"));
    td_avro_plan *plan = td_avro_plan_new(list, list);
    for (int i = 0; i < 2; i++) {
        td_buf in = {0}, out = {0};
        for (int k = 0; k < (i == 0 ? TD_AVRO_DEPTH_MAX / 4 : TD_AVRO_DEPTH_MAX); k++) td_buf_put(&in, "\x02", 1);
        td_buf_put(&in, "", 1);
        assert_int_equal(td_avro_plan_run(plan, td_buf_bytes(&in), &out), i == 0 ? TD_OK : TD_REJECT);
        if (i == 0)
            assert_true(td_bytes_equal(td_buf_bytes(&in), td_buf_bytes(&out)));
        else
            assert_non_null(strstr(td_trail(), "values are nested too deep"));
        td_buf_fini(&out);
        td_buf_fini(&in);
    }
    td_avro_plan_free(plan);
    td_avro_schema_free(list);
}

/* A short value must not become a long one without end: here each null brings 60 kB of default. */
static void growth_is_bounded(void **state) {
    (void)state;
    td_buf text = {0}, out = {0}, in = {0};
    td_buf_text(
        &text, "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":"
               "\"string\",\"default\":\"");
    for (int i = 0; i < 60000; i++) td_buf_text(&text, "x");
    td_buf_put(&text, "\"}]}}", sizeof "\"}]}}"); /* with the NUL */
    td_avro_schema *writer = parse(ARRAY(RECORD("R", ""))), *reader = parse((const char *)text.data);
    td_avro_plan *plan = td_avro_plan_new(writer, reader);
    from_hex("feffffff0f00", &in);
    assert_int_equal(td_avro_plan_run(plan, td_buf_bytes(&in), &out), TD_REJECT);
    assert_true(out.size == 0 && out.capacity < 4 * (size_t)TD_AVRO_OUT_MAX);
    td_avro_plan_free(plan);
    td_avro_schema_free(reader);
    td_avro_schema_free(writer);
    td_buf_fini(&in);
    td_buf_fini(&out);
    td_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_get_what_they_read),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(growth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
