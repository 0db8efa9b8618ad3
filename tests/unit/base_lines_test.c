/* tests/unit/base_lines_test.c - goal: texts come apart at their ends of lines and blanks, and nothing of them is lost.
 */
#include "base/lines.h"
#include "unit.h"

static void a_line_ends_with_lf_or_cr_lf_or_the_text(void **state) {
    td_bytes text = TD_TEXT("one\n\ntwo \r\n\rthree\r"), line;
    static const char *const lines[] = {"one", "", "two ", "\rthree"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        ASSERT_ROW(td_text_line(&text, &line) && td_bytes_equal(line, td_text(lines[i])), "%zu: '%.*s'", i,
                   (int)line.size, (const char *)line.data);
    assert_false(td_text_line(&text, &line));
    assert_false(td_text_line(&(td_bytes){0}, &line));
}

static void a_cell_ends_at_the_next_mark_or_the_text(void **state) {
    static const struct {
        const char *text, *taken, *rest;
    } rows[] = {{"a,b", "a", "b"}, {",b", "", "b"}, {"a,", "a", ""}, {" a ", " a ", ""}, {"", "", ""}, {",", "", ""}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_bytes text = td_text(rows[i].text), taken = td_text_take(&text, ',');
        ASSERT_ROW(td_bytes_equal(taken, td_text(rows[i].taken)) && td_bytes_equal(text, td_text(rows[i].rest)), "%s",
                   rows[i].text);
    }
}

static void what_is_blank_goes_at_both_ends_only(void **state) {
    static const struct {
        const char *text, *trimmed;
    } rows[] = {{" \ta b\r\n", "a b"}, {"a", "a"}, {" \n", ""}, {"", ""}, {"\xc3\xa9 ", "\xc3\xa9"}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_bytes_equal(td_text_trim(td_text(rows[i].text)), td_text(rows[i].trimmed)), "%s", rows[i].text);
}

static void lines_of_words_leave_comments_out(void **state) {
    td_bytes text = TD_TEXT("# nothing\n\n first\tsecond # third\nlast#\n");
    td_line line = {0};
    (void)state;
    assert_true(td_line_next(&text, &line) && line.count == 2 && line.number == 3);
    assert_true(td_bytes_equal(line.at[0], TD_TEXT("first")) && td_bytes_equal(line.at[1], TD_TEXT("second")));
    assert_true(td_line_next(&text, &line) && line.count == 1 && line.number == 4);
    assert_true(td_bytes_equal(line.at[0], TD_TEXT("last")));
    assert_false(td_line_next(&text, &line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_ends_with_lf_or_cr_lf_or_the_text),
        cmocka_unit_test(a_cell_ends_at_the_next_mark_or_the_text),
        cmocka_unit_test(what_is_blank_goes_at_both_ends_only),
        cmocka_unit_test(lines_of_words_leave_comments_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
