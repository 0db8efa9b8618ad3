/* tests/unit/feed_glob_test.c - goal: wildcards find what the shell would, sorted by the bytes of the whole path. */
#include "feed/glob.h"
#include "feed_unit.h"

static const char *const folders[] = {"a", "a-b", "c", "c/d"};
static const char *const files[] = {"a/1.zip", "a/2.zip", "a/.3.zip", "a-b/1.zip", "c/d/1.zip", "c/1.gz", "top.zip"};

static void make_tree(void) {
    for (size_t i = 0; i < COUNT_OF(folders); i++) assert_int_equal(mkdir(unit_path(folders[i]), 0700), 0);
    for (size_t i = 0; i < COUNT_OF(files); i++) unit_write(files[i], "", 0);
}

static void remove_tree(void) {
    for (size_t i = 0; i < COUNT_OF(files); i++) assert_int_equal(unlink(unit_path(files[i])), 0);
    for (size_t i = COUNT_OF(folders); i-- > 0;) assert_int_equal(rmdir(unit_path(folders[i])), 0);
}

static void check_glob(const char *pattern, const char *expected) {
    td_paths paths;
    td_buf found = {0};
    assert_int_equal(td_glob(&td_os_posix, pattern, &paths), TD_OK);
    for (size_t i = 0; i < paths.count; i++) {
        size_t skipped = pattern[0] == '/' ? strlen(unit_folder) + 1 : 0;
        td_buf_printf(&found, "%s ", paths.items[i] + skipped);
    }
    td_buf_put(&found, "", 1);
    assert_string_equal(found.data, expected);
    td_buf_fini(&found);
    td_paths_fini(&paths);
}

static void wildcards(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *found;
    } steps[] = {
        {"top.zip", "top.zip "},
        {"*.zip", "top.zip "},
        {"a/*.zip", "a/1.zip a/2.zip "}, /* a dot in front hides, as in the shell */
        {"a//?.zip", "a/1.zip a/2.zip "},
        {"a/[2-9].zip", "a/2.zip "},
        {"*/*.zip", "a-b/1.zip a/1.zip a/2.zip "}, /* - sorts before / */
        {"*/*/*.zip", "c/d/1.zip "},
        {"c/*/1.zip", "c/d/1.zip "},
        {"*/1.gz", "c/1.gz "},
        {"nothing", ""},
        {"nothing/*", ""},
        {"top.zip/*", ""},
        {"*.tar", ""},
    };
    make_tree();
    for (size_t i = 0; i < COUNT_OF(steps); i++) check_glob(unit_path(steps[i].pattern), steps[i].found);
    char here[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(unit_folder), 0);
    for (size_t i = 0; i < COUNT_OF(steps); i++) check_glob(steps[i].pattern, steps[i].found);
    assert_int_equal(chdir(here), 0);
    check_glob("", "");
    remove_tree();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wildcards)};
    return cmocka_run_group_tests_name("feed_glob", tests, unit_make_folder, unit_remove_folder);
}
