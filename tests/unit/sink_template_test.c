/* tests/unit/sink_template_test.c - goal: a template is checked before anything is named by it, and names nothing that
 * the store could not have. */
#include "sink/template.h"
#include "unit.h"

static bool is_small(char c) { return c >= 'a' && c <= 'z'; }
static bool is_literal(char c) { return is_small(c) || c == '_'; }

static const td_template_form form = {"key", is_literal, is_small, '-', "they are small"};

static void checked(void **state) {
    (void)state;
    static const struct {
        const char *text, *words; /* NULL: it is good */
    } rows[] = {
        {"a", NULL},
        {"{symbol}", NULL},
        {"{venue}_{instrument}_{topic}", NULL},
        {"", "key: it is empty"},
        {"a{symbal}", "{symbal} is none of {symbol}"},
        {"{symbol", "they are small"},
        {"symbol}", "they are small"},
        {"A", "they are small"},
        {"{}", "{} is none of"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        td_status status = td_template_check(&form, rows[i].text);
        ASSERT_ROW(status == (rows[i].words == NULL ? TD_OK : TD_CONFIG), "%zu", i);
        ASSERT_ROW(rows[i].words == NULL || strstr(td_trail(), rows[i].words) != NULL, "%zu: %s", i, td_trail());
    }
}

static void filled_in(void **state) {
    (void)state;
    static const struct {
        const char *text, *instrument, *name; /* NULL: too long */
    } rows[] = {
        {"x_{symbol}", "v:abc", "x_abc"},
        {"{symbol}", "v:a.b_c", "a-b-c"},
        {"{symbol}", "v:a:b", "a-b"},
        {"{symbol}", "bare", "bare"},
        {"{venue}x", "bare", "x"},
        {"{instrument}", "v:a", "v-a"},
        {"{topic}_{venue}", "v:a", "bars_v"},
        {"{symbol}", "v:abcdefghij", "abcdefghij"},
        {"{symbol}_", "v:abcdefghij", NULL},
        {"{symbol}", "v:abcdefghijk", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char name[11] = "";
        bool fits = td_template_fill(&form, rows[i].text, "bars", td_text(rows[i].instrument), name, 10);
        ASSERT_ROW(fits == (rows[i].name != NULL), "%zu", i);
        ASSERT_ROW(!fits || strcmp(name, rows[i].name) == 0, "%zu: %s", i, name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(checked), cmocka_unit_test(filled_in)};
    return cmocka_run_group_tests_name("sink_template", tests, NULL, NULL);
}
