/* tests/unit/app_role_test.c - roles are read from their words, and told by them. */
#include "app/role.h"
#include "unit.h"

static void words(void **state) {
    static const struct {
        const char *text;
        unsigned roles;
        const char *told;
    } rows[] = {
        {NULL, TD_ROLES_ALL, "record,process,deliver,serve"},
        {"process", TD_ROLE_PROCESS, "process"},
        {"serve,record", TD_ROLE_RECORD | TD_ROLE_SERVE, "record,serve"},
        {"deliver,deliver", TD_ROLE_DELIVER, "deliver"},
        {"record,process,deliver,serve", TD_ROLES_ALL, "record,process,deliver,serve"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned roles;
        td_buf told = {0};
        assert_int_equal(td_roles_parse(rows[i].text, &roles), TD_OK);
        assert_int_equal(roles, rows[i].roles);
        td_roles_put(&told, roles);
        assert_int_equal(told.size, strlen(rows[i].told));
        assert_memory_equal(told.data, rows[i].told, told.size);
        td_buf_fini(&told);
    }
}

static void no_words(void **state) {
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"proces", "did you mean process?"}, {"record,", "\"\" is none of"},
        {",serve", "\"\" is none of"},       {"", "\"\" is none of"},
        {"record process", "is none of"},    {"record,sevre", "did you mean serve?"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned roles;
        assert_int_equal(td_roles_parse(rows[i].text, &roles), TD_REJECT);
        assert_non_null(strstr(td_trail(), rows[i].said));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(no_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
