/* tests/unit/app_finding_test.c - goal: what a check says can be read by a program: place, origin and key apart. */
#include "app/finding.h"
#include "unit.h"
#include <stdio.h>

static void takes_texts_apart(void **state) {
    static const struct {
        const char *text, *json;
    } rows[] = {
        {"a.yaml:3:5: feeds[0].file.path: no file is named x",
         "\"file\":\"a.yaml\",\"line\":3,\"column\":5,\"key\":\"feeds[0].file.path\",\"message\":\"no file is named "
         "x\""},
        {"C:/a:b.yaml:12:1: log: given twice",
         "\"file\":\"C:/a:b.yaml\",\"line\":12,\"column\":1,\"key\":\"log\",\"message\":\"given twice\""},
        {"s.td:2:7: this byte is not UTF-8",
         "\"file\":\"s.td\",\"line\":2,\"column\":7,\"message\":\"this byte is not UTF-8\""},
        {"--set: bars: \"x\" is no width",
         "\"origin\":\"--set\",\"key\":\"bars\",\"message\":\"\\\"x\\\" is no width\""},
        {"TAPEDECK_LOG_DIR: log.dir: no", "\"origin\":\"TAPEDECK_LOG_DIR\",\"key\":\"log.dir\",\"message\":\"no\""},
        {"a.yaml:1:1 is near: 5:6", "\"message\":\"a.yaml:1:1 is near: 5:6\""},
        {"something: with words", "\"key\":\"something\",\"message\":\"with words\""},
        {"plain words", "\"message\":\"plain words\""},
        {":1:2: ", "\"line\":1,\"column\":2"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_findings f = {.json = true};
        char wanted[512];
        (void)snprintf(wanted, sizeof wanted, "\n{\"severity\":\"warning\"%s%s}", rows[i].json[0] != '\0' ? "," : "",
                       rows[i].json);
        td_finding_add(&f, TD_SEVERITY_WARNING, rows[i].text);
        td_buf_put(&f.list, "", 1);
        ASSERT_ROW(strcmp((const char *)f.list.data, wanted) == 0, "%s: %s", rows[i].text, (const char *)f.list.data);
        assert_int_equal(f.warnings, 1);
        assert_int_equal(f.errors, 0);
        td_findings_fini(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(takes_texts_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
