/* tests/unit/lang_lists_test.c - goal: the names of a list stand for the list, in the program's own text, and what is
 * no list says where. */
#include "lang/lang.h"
#include "lang/lists.h"
#include <stdlib.h>
/* after its own */
#include "unit.h"

static const char strategy[] = "strategy a on bars(1m) for V:A, @l/x.txt, @l/x.txt, @y # @none\n"
                               "  buy when close > 1"; /* no line's end */

static void note(void *arg, td_bytes path) { td_buf_printf(arg, "%.*s ", (int)path.size, (const char *)path.data); }

static void assert_lists(td_bytes text, const char *wanted) {
    td_buf paths = {0};
    td_lists_each(text, note, &paths);
    td_buf_put(&paths, "", 1);
    assert_string_equal((const char *)paths.data, wanted);
    td_buf_fini(&paths);
}

static void names_stand_for_the_list(void **state) {
    (void)state;
    td_buf text = {0}, errors = {0};
    td_buf_text(&text, strategy);
    assert_lists(td_buf_bytes(&text), "l/x.txt l/x.txt y ");
    assert_int_equal(
        td_list_put(&text, TD_TEXT("l/x.txt"), "x.txt", TD_TEXT("# all\n V:B \r\n\nV:C # last\nW:*"), &errors), TD_OK);
    assert_lists(td_buf_bytes(&text), "y ");
    assert_int_equal(td_list_put(&text, TD_TEXT("y"), "y", TD_TEXT("V:D"), &errors), TD_OK);
    assert_lists(td_buf_bytes(&text), "");
    td_graph **graphs;
    size_t count;
    td_source_text source = {.file = "x.td", .text = td_buf_bytes(&text)};
    assert_int_equal(td_lang_compile(&source, 1, &graphs, &count, &errors), TD_OK);
    td_graph_strategy s;
    assert_true(td_graph_strategy_at(graphs[0], 0, &s));
    static const char *const wanted[] = {"V:A", "V:B", "V:C", "W:*", "V:B", "V:C", "W:*", "V:D"};
    assert_int_equal(s.set_count, COUNT_OF(wanted));
    for (size_t i = 0; i < COUNT_OF(wanted); i++) assert_true(td_bytes_equal(s.sets[i], td_text(wanted[i])));
    td_graph_free(graphs[0]);
    free(graphs);
    td_buf_fini(&text);
    td_buf_fini(&errors);
}

static void what_was_put_behind_a_text_comes_off(void **state) {
    (void)state;
    static const struct {
        const char *text, *stripped;
    } rows[] = {
        {"a\n#@l V:A\n#@m V:B\n", "a\n"},
        {"#@l V:A\na\n", "#@l V:A\na\n"},
        {"a\n#@l V:A", "a\n"},
        {"a\n# @l\n", "a\n# @l\n"},
        {"#@l V:A\n", ""},
        {"", ""},
        {"a #@l", "a #@l"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_bytes_equal(td_lists_strip(td_text(rows[i].text)), td_text(rows[i].stripped)), "%zu", i);
}

static void what_is_no_list_says_where(void **state) {
    (void)state;
    static const struct {
        const char *content, *errors;
    } rows[] = {
        {"V:A\nB\nV:C V:D\n",
         "l.txt:2: expected one VENUE:SYMBOL on a line, found 'B'\nl.txt:3: expected one VENUE:SYMBOL on a line, found "
         "'V:C V:D'\n"},
        {"# nothing\n", "l.txt: this list has no names\n"},
        {"", "l.txt: this list has no names\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_buf text = {0}, errors = {0};
        assert_int_equal(td_list_put(&text, TD_TEXT("l"), "l.txt", td_text(rows[i].content), &errors), TD_CONFIG);
        td_buf_put(&errors, "", 1);
        assert_string_equal((const char *)errors.data, rows[i].errors);
        td_buf_fini(&text);
        td_buf_fini(&errors);
    }
    td_buf many = {0}, text = {0}, errors = {0};
    for (int i = 0; i <= TD_LIST_NAMES_MAX; i++) td_buf_printf(&many, "V:S%d\n", i);
    assert_int_equal(td_list_put(&text, TD_TEXT("l"), "l.txt", td_buf_bytes(&many), &errors), TD_CONFIG);
    td_buf_put(&errors, "", 1);
    assert_string_equal((const char *)errors.data, "l.txt:4097: a list has at most 4096 names\n");
    td_buf_fini(&many);
    td_buf_fini(&text);
    td_buf_fini(&errors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_for_the_list),
        cmocka_unit_test(what_was_put_behind_a_text_comes_off),
        cmocka_unit_test(what_is_no_list_says_where),
    };
    return cmocka_run_group_tests_name("lang_lists", tests, NULL, NULL);
}
