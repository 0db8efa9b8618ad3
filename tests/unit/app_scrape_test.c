/* tests/unit/app_scrape_test.c - goal: of Prometheus text, exactly the samples that were asked for. */
#include "app/scrape.h"
#include "unit.h"

static const char text[] = "# HELP rows_total Rows.\n"
                           "# TYPE rows_total counter\n"
                           "rows_total{sink=\"a\",of=\"bars\"} 3\n"
                           "rows_total{sink=\"a\",of=\"signals\"} 4.5\n"
                           "rows_total{sink=\"b\",of=\"bars\"} 1e3\n"
                           "rows_total_more{sink=\"a\"} 99\n"
                           "free 7\n"
                           "last{sink=\"c\"} 5"; /* no line end */

static void adds_what_matches(void **state) {
    static const struct {
        const char *name, *label;
        double sum;
    } rows[] = {
        {"rows_total", "", 1007.5},
        {"rows_total", "sink=\"a\"", 7.5},
        {"rows_total", "of=\"bars\"", 1003},
        {"rows", "", 0},
        {"free", "", 7},
        {"free", "sink=\"c\"", 0},
        {"last", "sink=\"c\"", 5},
        {"rows_total", "sink=\"c\"", 0},
        {"nothing", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ASSERT_ROW(td_scrape_sum(text, rows[i].name, rows[i].label) == rows[i].sum, "%s %s", rows[i].name,
                   rows[i].label);
}

static void lists_labels(void **state) {
    static const struct {
        const char *name, *label;
        size_t index;
        const char *value;
    } rows[] = {
        {"rows_total", "sink", 0, "a"},     {"rows_total", "sink", 2, "b"}, {"rows_total", "sink", 3, NULL},
        {"rows_total", "of", 1, "signals"}, {"free", "sink", 0, NULL},      {"last", "sink", 0, "c"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char value[TD_LABEL_MAX];
        bool found = td_scrape_label(text, rows[i].name, rows[i].label, rows[i].index, value);
        ASSERT_ROW(found == (rows[i].value != NULL), "%s %s", rows[i].name, rows[i].label);
        if (found) assert_string_equal(value, rows[i].value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(adds_what_matches), cmocka_unit_test(lists_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
