/* src/base/metric.c - histograms, and Prometheus' text format 0.0.4. */
#include "base/metric.h"
#include "base/time.h"
#include <math.h>
#include <stdio.h>

static const int64_t bounds_us[TD_HISTOGRAM_BOUNDS] = {1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                                       250000, 500000, 1000000, 2500000, 5000000, 10000000};

void td_histogram_add(td_histogram *h, int64_t ns) {
    size_t b = 0;
    while (b < TD_HISTOGRAM_BOUNDS && ns > bounds_us[b] * TD_NS_PER_US) b++;
    td_count(&h->counts[b], 1);
    td_count(&h->sum_ns, ns);
}

static void put_label_value(td_buf *out, td_bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '\n')
            td_buf_text(out, "\\n");
        else
            td_buf_printf(out, c == '\\' || c == '"' ? "\\%c" : "%c", c);
    }
}

static void put_sample(td_buf *out, const char *name, const char *suffix, const td_label *labels, const char *le) {
    const char *before = "{";
    td_buf_printf(out, "%s%s", name, suffix);
    for (; labels != NULL && labels->name != NULL; labels++, before = ",") {
        td_buf_printf(out, "%s%s=\"", before, labels->name);
        put_label_value(out, labels->value);
        td_buf_text(out, "\"");
    }
    if (le != NULL) {
        td_buf_printf(out, "%sle=\"%s\"", before, le);
        before = ",";
    }
    td_buf_text(out, *before == ',' ? "} " : " ");
}

static void put_value(td_buf *out, double value) {
    bool whole = fabs(value) < 9007199254740992.0 && floor(value) == value;
    td_buf_printf(out, whole ? "%.0f\n" : "%.12g\n", value);
}

void td_metric_put(td_buf *out, const td_metric *metric, const td_label *labels, double value) {
    put_sample(out, metric->name, "", labels, NULL);
    put_value(out, value);
}

/* The count is the last bucket's, so the two agree whatever is added meanwhile. */
void td_metric_put_histogram(td_buf *out, const td_metric *metric, const td_label *labels, const td_histogram *value) {
    int64_t count = 0;
    for (size_t b = 0; b <= TD_HISTOGRAM_BOUNDS; b++) {
        char le[24] = "+Inf";
        if (b < TD_HISTOGRAM_BOUNDS) (void)snprintf(le, sizeof le, "%g", (double)bounds_us[b] / 1e6);
        count += td_counted(&value->counts[b]);
        put_sample(out, metric->name, "_bucket", labels, le);
        put_value(out, (double)count);
    }
    put_sample(out, metric->name, "_sum", labels, NULL);
    put_value(out, (double)td_counted(&value->sum_ns) / 1e9);
    put_sample(out, metric->name, "_count", labels, NULL);
    put_value(out, (double)count);
}

void td_metrics_put(td_buf *out, const td_metric *rows, const void *self) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (const td_metric *row = rows; row->name != NULL; row++) {
        td_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, types[row->type]);
        row->tell(row, self, out);
    }
}
