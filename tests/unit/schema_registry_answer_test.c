/* tests/unit/schema_registry_answer_test.c - goal: what a registry answers is read as it is meant, and what is no such
 * answer is told from it; what it says is one line of plain characters, however long. */
#include "schema/registry_answer.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *body;
    bool good;
    const char *said; /* id, code, verdict, schema, message */
} rows[] = {
    {"{\"id\":1}", true, "1 0 - '' ''"},
    {" { "
     "\"subject\":\"s\",\"version\":3,\"id\":77,\"references\":[{\"id\":-1}],\"schema\":\"{\\\"type\\\":\\\"int\\\"}\"}"
     " ",
     true, "77 0 - '{\"type\":\"int\"}' ''"},
    {"{\"schema\":\"\\\"int\\\"\",\"schemaType\":\"AVRO\"}", true, "0 0 - '\"int\"' ''"},
    {"{\"error_code\":40401,\"message\":\"Subject 'x' not found.\"}", true, "0 40401 - '' 'Subject 'x' not found.'"},
    {"{\"message\":null,\"error_code\":409}", true, "0 409 - '' ''"},
    {"{\"is_compatible\":true}", true, "0 0 yes '' ''"},
    {"{\"is_compatible\":false,\"messages\":[\"one\",\"t\\u001b[31mwo\\n\",\"\\u00e9\"]}", true,
     "0 0 no '' 'one; t [31mwo ; \xc3\xa9'"},
    {"{\"is_compatible\":false,\"messages\":null}", true, "0 0 no '' ''"},
    {"{}", true, "0 0 - '' ''"},
    {"", false, NULL},
    {"[]", false, NULL},
    {"7", false, NULL},
    {"{\"id\":1", false, NULL},
    {"{\"id\":1} x", false, NULL},
    {"{\"id\":\"1\"}", false, NULL},
    {"{\"id\":0}", false, NULL},
    {"{\"id\":-5}", false, NULL},
    {"{\"id\":1.5}", false, NULL},
    {"{\"id\":2147483647}", true, "2147483647 0 - '' ''"},
    {"{\"id\":2147483648}", false, NULL},
    {"{\"id\":null}", false, NULL},
    {"{\"schema\":{}}", false, NULL},
    {"{\"schema\":\"\\ud800\"}", false, NULL},
    {"{\"message\":[]}", false, NULL},
    {"{\"messages\":[1]}", false, NULL},
    {"{\"is_compatible\":\"true\"}", false, NULL},
    {"<html><body>404</body></html>", false, NULL},
};

static void answers_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_registry_answer a;
        char said[512];
        size_t size = strlen(rows[i].body);
        uint8_t *copy = malloc(size > 0 ? size : 1); /* the sanitizer sees a byte read too far */
        memcpy(copy, rows[i].body, size);
        bool good = td_registry_answer_read(&a, (td_bytes){copy, size});
        free(copy);
        (void)snprintf(said, sizeof said, "%d %d %s '%.*s' '%.*s'", a.id, a.error_code,
                       !a.judges   ? "-"
                       : a.follows ? "yes"
                                   : "no",
                       (int)a.schema.size, (const char *)a.schema.data, (int)a.message.size,
                       (const char *)a.message.data);
        ASSERT_ROW(good == rows[i].good && (!good || strcmp(said, rows[i].said) == 0), "%zu: %d: %s", i, good, said);
        td_registry_answer_fini(&a);
    }
}

static void a_long_message_is_cut_between_characters(void **state) {
    (void)state;
    td_buf body = {0};
    td_registry_answer a;
    td_buf_text(&body, "{\"messages\":[\"x\"");
    for (int i = 0; i < 3; i++) {
        td_buf_text(&body, ",\"");
        for (int k = 0; k < 300; k++) td_buf_text(&body, "\xe2\x82\xac");
        td_buf_text(&body, "\"");
    }
    td_buf_text(&body, "]}");
    assert_true(td_registry_answer_read(&a, td_buf_bytes(&body)));
    assert_int_equal(a.message.size, 3 + (TD_REGISTRY_MESSAGE_MAX - 3) / 3 * 3);
    assert_memory_equal(a.message.data + a.message.size - 3, "\xe2\x82\xac", 3);
    td_registry_answer_fini(&a);
    td_buf_fini(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
