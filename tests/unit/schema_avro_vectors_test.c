/* tests/unit/schema_avro_vectors_test.c - goal: Apache's own vectors (tests/data/avro): canonical forms, fingerprints,
 * a single-object message, and container files of every codec, whose values are read by schemas of ours. */
#include "schema/avro.h"
#include "schema/avro_file.h"
#include "schema/avro_resolve.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

#define FOLDER "tests/data/avro/"

static td_buf read_file(const char *name) {
    char path[128];
    td_buf out = {0};
    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s is missing", path);
    td_buf_reserve(&out, 1 << 16);
    out.size = fread(out.data, 1, out.capacity - 1, file);
    assert_true(out.size > 0 && out.size < out.capacity - 1);
    out.data[out.size] = '\0';
    (void)fclose(file);
    return out;
}

static td_avro_schema *parse(td_bytes text) {
    td_avro_schema *schema = NULL;
    if (td_avro_schema_parse(text, &schema) != TD_OK) fail_msg("%s", td_trail());
    return schema;
}

/* ---- schema-tests.txt: <<INPUT text, or <<INPUT, lines, INPUT; then <<canonical and perhaps <<fingerprint ---- */

static td_bytes take_line(char **at) {
    char *line = *at, *end = strchr(line, '\n');
    size_t size = end != NULL ? (size_t)(end - line) : strlen(line);
    *at = line + size + (end != NULL);
    return (td_bytes){(const uint8_t *)line, size};
}

static bool begins(td_bytes line, const char *word, td_bytes *out_rest) {
    size_t size = strlen(word);
    if (line.size < size || memcmp(line.data, word, size) != 0) return false;
    *out_rest = (td_bytes){line.data + size, line.size - size};
    return true;
}

static td_bytes take_input(char **at, td_bytes rest) {
    if (rest.size > 0) return rest;
    char *start = *at, *end = strstr(start, "\nINPUT");
    assert_non_null(end);
    *at = end + 1;
    return (td_bytes){(const uint8_t *)start, (size_t)(end - start)};
}

static void canonical_forms_and_fingerprints(void **state) {
    (void)state;
    td_buf file = read_file("schema-tests.txt");
    td_avro_schema *schema = NULL;
    int forms = 0, marks = 0;
    for (char *at = (char *)file.data; *at != '\0';) {
        td_bytes line = take_line(&at), rest;
        if (begins(line, "<<INPUT", &rest)) {
            td_avro_schema_free(schema);
            schema = parse(take_input(&at, rest));
        } else if (begins(line, "<<canonical ", &rest)) {
            td_buf form = {0};
            td_avro_schema_canonical(schema, &form);
            ASSERT_ROW(td_bytes_equal(td_buf_bytes(&form), rest), "%d: %.*s", forms, (int)form.size, (char *)form.data);
            td_buf_fini(&form);
            forms++;
        } else if (begins(line, "<<fingerprint ", &rest)) {
            int64_t mark = strtoll((const char *)rest.data, NULL, 10);
            ASSERT_ROW(td_avro_schema_fingerprint(schema) == (uint64_t)mark, "%d", forms);
            marks++;
        }
    }
    assert_int_equal(forms, 34);
    assert_int_equal(marks, 26);
    td_avro_schema_free(schema);
    td_buf_fini(&file);
}

/* C3 01, the fingerprint of the writer's schema in little endian, the value. */
static void a_single_object_message(void **state) {
    (void)state;
    td_buf text = read_file("messageV1/test_schema.avsc"), message = read_file("messageV1/test_message.bin"), out = {0};
    td_avro_schema *writer = parse(td_buf_bytes(&text));
    td_avro_schema *reader =
        parse(TD_TEXT("{\"type\":\"record\",\"name\":\"TestMessage\",\"fields\":["
                      "{\"name\":\"name\",\"type\":\"bytes\"},{\"name\":\"id\",\"type\":\"double\"}]}"));
    td_avro_plan *plan = td_avro_plan_new(writer, reader);
    assert_memory_equal(message.data, "\xc3\x01", 2);
    assert_true(td_avro_load64(message.data + 2) == td_avro_schema_fingerprint(writer));
    assert_int_equal(td_avro_plan_run(plan, (td_bytes){message.data + 10, message.size - 10}, &out), TD_OK);
    assert_true(td_bytes_equal(td_buf_bytes(&out), TD_TEXT("\x08"
                                                           "Bill\0\0\0\0\0\0\x45\x40"))); /* 42.0 */
    td_avro_plan_free(plan);
    td_avro_schema_free(reader);
    td_avro_schema_free(writer);
    td_buf_fini(&out);
    td_buf_fini(&message);
    td_buf_fini(&text);
}

/* ---- container files ---- */

static td_status read_some(void *arg, uint64_t at, void *out, size_t size, size_t *out_size) {
    const td_buf *file = arg;
    size_t left = at < file->size ? file->size - (size_t)at : 0;
    *out_size = size < left ? size : left;
    if (*out_size > 0) memcpy(out, file->data + at, *out_size);
    return TD_OK;
}

/* Values of a block have no sizes: the block is read as what it is, an array in one block. The array's schema needs the
 * named types, so the schema's text goes in as it stands. */
static td_avro_schema *array_of(td_bytes text) {
    td_buf array = {0};
    td_buf_printf(&array, "{\"type\":\"array\",\"items\":%.*s}", (int)text.size, (const char *)text.data);
    td_avro_schema *schema = parse(td_buf_bytes(&array));
    td_buf_fini(&array);
    return schema;
}

/* All values of a file as `reader` reads them, by its own schema where that is empty; returns how many. */
static uint64_t read_container(const char *name, td_bytes reader_text, td_buf *out) {
    td_avro_file *file;
    td_avro_block block;
    td_buf bytes = read_file(name), canonical = {0}, value = {0}, read = {0};
    uint64_t total = 0;
    if (td_avro_file_open(&file, read_some, &bytes) != TD_OK) fail_msg("%s: %s", name, td_trail());
    td_avro_schema_canonical(td_avro_file_schema(file), &canonical);
    td_avro_schema *writer = array_of(td_buf_bytes(&canonical));
    td_avro_schema *reader = array_of(reader_text.size > 0 ? reader_text : td_buf_bytes(&canonical));
    td_avro_plan *plan = td_avro_plan_new(writer, reader);
    while (td_avro_file_next(file, &block) == TD_OK && block.count > 0) {
        value.size = read.size = 0;
        td_buf_reserve(&value, TD_AVRO_LONG_MAX);
        value.size = (size_t)(td_avro_put_long(value.data, (int64_t)block.count) - value.data);
        size_t head = value.size;
        td_buf_put(&value, block.bytes.data, block.bytes.size);
        td_buf_put(&value, "", 1);
        if (td_avro_plan_run(plan, td_buf_bytes(&value), &read) != TD_OK) fail_msg("%s: %s", name, td_trail());
        td_buf_put(out, read.data + head, read.size - head - 1);
        total += block.count;
    }
    td_avro_plan_free(plan);
    td_avro_schema_free(reader);
    td_avro_schema_free(writer);
    td_avro_file_close(file);
    td_buf_fini(&read);
    td_buf_fini(&value);
    td_buf_fini(&canonical);
    td_buf_fini(&bytes);
    return total;
}

/* The five readings as lines of weather.json, by a schema that takes their fields in another order and under other
 * types; all files but the sorted one have them in the order of weather.json. */
static void weather_of_every_codec(void **state) {
    (void)state;
    static const char *const names[] = {"weather.avro", "weather-deflate.avro", "weather-snappy.avro",
                                        "weather-zstd.avro", "weather-sorted.avro"};
    td_buf json = read_file("weather.json");
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        td_buf values = {0};
        assert_int_equal(read_container(names[i],
                                        TD_TEXT("{\"type\":\"record\",\"name\":\"Weather\",\"fields\":["
                                                "{\"name\":\"degrees\",\"type\":\"long\",\"aliases\":[\"temp\"]},"
                                                "{\"name\":\"station\",\"type\":\"bytes\"},"
                                                "{\"name\":\"time\",\"type\":\"double\"}]}"),
                                        &values),
                         5);
        td_avro_reader in = {values.data, values.data + values.size};
        bool sorted = strcmp(names[i], "weather-sorted.avro") == 0;
        size_t place = 0;
        for (int k = 0; k < 5; k++) {
            int64_t degrees = 0;
            td_bytes station = {0};
            double time;
            char line[128];
            assert_true(td_avro_get_long(&in, &degrees) && td_avro_get_bytes(&in, &station));
            memcpy(&time, in.at, sizeof time);
            in.at += sizeof time;
            (void)snprintf(line, sizeof line, "{\"station\":\"%.*s\",\"time\":%.0f,\"temp\":%d}\n", (int)station.size,
                           (const char *)station.data, time, (int)degrees);
            const char *at = strstr((const char *)json.data, line);
            ASSERT_ROW(at != NULL, "%s: %s", names[i], line);
            ASSERT_ROW(sorted || at == (const char *)json.data + place, "%s: %s", names[i], line);
            place += strlen(line);
        }
        assert_ptr_equal(in.at, in.end);
        td_buf_fini(&values);
    }
    td_buf_fini(&json);
}

static void other_containers(void **state) {
    (void)state;
    td_buf out = {0};
    assert_int_equal(read_container("schemas/simple/data.avro", TD_TEXT(""), &out), 3);
    assert_true(td_bytes_equal(td_buf_bytes(&out), TD_TEXT("\x0ahello\x0e"
                                                           "bonjour\x12guten tag")));
    out.size = 0;
    assert_int_equal(read_container("schemas/withUnion/data.avro", TD_TEXT(""), &out), 3);
    out.size = 0;
    assert_int_equal(read_container("syncInMeta.avro",
                                    TD_TEXT("{\"type\":\"record\",\"name\":\"Person\",\"fields\":["
                                            "{\"name\":\"Age\",\"type\":\"long\"}]}"),
                                    &out),
                     6001);
    td_buf_fini(&out);

    td_buf text = read_file("interop.avsc");
    td_avro_schema *schema = parse(td_buf_bytes(&text));
    td_avro_plan *plan = td_avro_plan_new(schema, schema);
    assert_int_equal(td_avro_schema_root(schema)->count, 14);
    assert_null(td_avro_plan_trouble(plan).path);
    td_avro_plan_free(plan);
    td_avro_schema_free(schema);
    td_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms_and_fingerprints),
        cmocka_unit_test(a_single_object_message),
        cmocka_unit_test(weather_of_every_codec),
        cmocka_unit_test(other_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
