/* tests/fuzz/fuzz_avro_data.c - any bytes as a value: the first says by which pair of schemas it is written and read.
 * What comes out is a value of the reader's schema, and read by it once more the very same. */
#include "schema/avro_resolve.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORD(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type)    "{\"name\":\"" name "\",\"type\":" type "}"
#define LIST(value)          RECORD("L", FIELD("v", value) "," FIELD("next", "[\"null\",\"L\"]"))
#define ENUM(symbols)        "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[" symbols "],\"default\":\"A\"}"
#define FIXED                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}"
#define ARRAY(items)         "{\"type\":\"array\",\"items\":" items "}"
#define MAP(values)          "{\"type\":\"map\",\"values\":" values "}"

static const char *const pairs[][2] = {
    {RECORD("R", FIELD("a", "\"int\"") "," FIELD("b", "\"boolean\"") "," FIELD("c", "\"bytes\"")),
     RECORD("R",
            FIELD("c", "\"string\"") ",{\"name\":\"d\",\"type\":\"long\",\"default\":7}," FIELD("a", "\"double\""))},
    {LIST("\"float\""), LIST("\"double\"")},
    {ARRAY(MAP("[\"null\",\"string\"," ENUM("\"A\",\"B\"") "]")), ARRAY(MAP("[" ENUM("\"A\"") ",\"bytes\",\"null\"]"))},
    {"[\"null\",\"long\"," FIXED "," ARRAY("\"null\"") "]", "[" FIXED ",\"double\",\"null\"," ARRAY("\"null\"") "]"},
    {RECORD("R", FIELD("a", ARRAY(LIST("\"int\""))) "," FIELD("b", MAP("\"L\""))),
     RECORD("R", FIELD("b", MAP(LIST("\"long\""))) "," FIELD("a", ARRAY("\"L\"")))},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0] };

static td_avro_plan *resolving[PAIRS], *keeping[PAIRS];

static td_avro_schema *parse(const char *text) {
    td_avro_schema *schema;
    td_status status = td_avro_schema_parse(td_text(text), &schema);
    assert(status == TD_OK);
    return schema;
}

static void make_plans(void) {
    for (size_t i = 0; i < PAIRS; i++) {
        td_avro_schema *reader = parse(pairs[i][1]);
        resolving[i] = td_avro_plan_new(parse(pairs[i][0]), reader);
        keeping[i] = td_avro_plan_new(reader, reader);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    td_buf once = {0}, twice = {0};
    if (resolving[0] == NULL) make_plans();
    if (size == 0) return 0;
    size_t pair = data[0] % PAIRS;
    if (td_avro_plan_run(resolving[pair], (td_bytes){data + 1, size - 1}, &once) == TD_OK) {
        td_status status = td_avro_plan_run(keeping[pair], td_buf_bytes(&once), &twice);
        assert(status == TD_OK && td_bytes_equal(td_buf_bytes(&once), td_buf_bytes(&twice)));
    } else {
        assert(once.size == 0);
    }
    td_buf_fini(&twice);
    td_buf_fini(&once);
    return 0;
}
