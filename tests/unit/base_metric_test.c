/* tests/unit/base_metric_test.c - goal: families come out as Prometheus' text format wants them, and a histogram's
 * buckets are cumulative with the last as its count. */
#include "base/metric.h"
#include "unit.h"
#include <stdlib.h>

typedef struct numbers {
    td_counter counted;
    td_histogram took;
} numbers;

static void tell_counted(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put(out, m, NULL, (double)td_counted(&((const numbers *)self)->counted));
    td_metric_put(out, m, TD_LABELS({"a", TD_TEXT("x\"y\\z\n")}, {"b", TD_TEXT("")}), 0.5);
}

static void tell_took(const td_metric *m, const void *self, td_buf *out) {
    td_metric_put_histogram(out, m, TD_LABELS({"sink", TD_TEXT("s")}), &((const numbers *)self)->took);
}

static const td_metric rows[] = {{"n_total", TD_METRIC_COUNTER, "Counted.", tell_counted, 0},
                                 {"t_seconds", TD_METRIC_HISTOGRAM, "Took.", tell_took, 0},
                                 {0}};

static void writes_the_text_format(void **state) {
    static numbers n;
    td_buf out = {0};
    (void)state;
    td_count(&n.counted, INT64_C(9007199254740991));
    td_histogram_add(&n.took, 1000000); /* on a bound: within it */
    td_histogram_add(&n.took, 1000001); /* and just above */
    td_histogram_add(&n.took, INT64_C(20000000000));
    td_metrics_put(&out, rows, &n);
    td_buf_put(&out, "", 1);
    assert_string_equal((const char *)out.data, "# HELP n_total Counted.\n"
                                                "# TYPE n_total counter\n"
                                                "n_total 9007199254740991\n"
                                                "n_total{a=\"x\\\"y\\\\z\\n\",b=\"\"} 0.5\n"
                                                "# HELP t_seconds Took.\n"
                                                "# TYPE t_seconds histogram\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.001\"} 1\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.0025\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.005\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.01\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.025\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.05\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.1\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.25\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"0.5\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"1\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"2.5\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"5\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"10\"} 2\n"
                                                "t_seconds_bucket{sink=\"s\",le=\"+Inf\"} 3\n"
                                                "t_seconds_sum{sink=\"s\"} 20.002000001\n"
                                                "t_seconds_count{sink=\"s\"} 3\n");
    td_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_the_text_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
