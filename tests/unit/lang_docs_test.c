/* tests/unit/lang_docs_test.c - goal: what docs/language.md shows as a strategy compiles, it tells of every word that
 * means something, and the strategies that come with the program compile together. Runs in the source's root. */
#include "lang/function.h"
#include "lang/words.h"
#include "strategy_rig.h"
#include <glob.h>
#include <stdio.h>

static td_buf read_file(const char *path) {
    td_buf content = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("cannot open %s", path);
    char chunk[4096];
    size_t size;
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0) td_buf_put(&content, chunk, size);
    (void)fclose(file);
    return content;
}

static void test_examples(void **state) {
    (void)state;
    td_buf doc = read_file("docs/language.md");
    td_buf_put(&doc, "", 1);
    int count = 0;
    for (const char *at = (const char *)doc.data; (at = strstr(at, "```td\n")) != NULL; count++) {
        at += strlen("```td\n");
        const char *end = strstr(at, "```");
        assert_non_null(end);
        char text[2048];
        (void)snprintf(text, sizeof text, "%.*s", (int)(end - at), at);
        td_buf errors = {0};
        td_graph_free(rig_compile(text, &errors));
        if (errors.size > 0) fail_msg("%s\n%.*s", text, (int)errors.size, (const char *)errors.data);
        at = end + 3;
    }
    assert_in_range(count, 8, 100);

    const char *const *lists[] = {td_words_field, td_words_action, td_words_later_statement};
    for (size_t i = 0; i < 3; i++)
        for (const char *const *word = lists[i]; *word != NULL; word++)
            if (strstr((const char *)doc.data, *word) == NULL) fail_msg("docs/language.md does not know %s", *word);
    for (const td_function *f = td_functions; f->name != NULL; f++)
        if (f->group != NULL && strstr((const char *)doc.data, f->example) == NULL)
            fail_msg("docs/language.md does not know %s: run `make docs`", f->name);
    td_buf_fini(&doc);
}

static void test_strategies(void **state) {
    (void)state;
    enum { TEXTS_MAX = 16 };
    glob_t found;
    assert_int_equal(glob("strategies/*.td", 0, NULL, &found), 0);
    assert_in_range(found.gl_pathc, 3, TEXTS_MAX);
    td_buf contents[TEXTS_MAX], errors = {0};
    td_source_text texts[TEXTS_MAX];
    for (size_t i = 0; i < found.gl_pathc; i++) {
        contents[i] = read_file(found.gl_pathv[i]);
        texts[i] = (td_source_text){found.gl_pathv[i], td_buf_bytes(&contents[i])};
    }
    td_graph **graphs;
    size_t count;
    td_status status = td_lang_compile(texts, found.gl_pathc, &graphs, &count, &errors);
    if (status != TD_OK) fail_msg("%.*s", (int)errors.size, (const char *)errors.data);
    for (size_t i = 0; i < count; i++) td_graph_free(graphs[i]);
    free(graphs);
    for (size_t i = 0; i < found.gl_pathc; i++) td_buf_fini(&contents[i]);
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_strategies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
