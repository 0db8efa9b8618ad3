/* src/base/metric.h - what a run counts, and how it is told: counters that one thread writes, and families of numbers
 * as rows of a table that become Prometheus' text format. A module's table is its list of metrics; nothing is counted
 * a second time for it. Labels name feeds, partitions, topics, sinks and reasons, never instruments: their number
 * stays small. Thread: a counter is written by one and read by any. */
#pragma once
#include "base/bytes.h"
#include <stdatomic.h>

/* Plain adds on the writer's side. */
typedef _Atomic int64_t td_counter;
static inline void td_count(td_counter *counter, int64_t n) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}
static inline int64_t td_counted(const td_counter *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* How long something took: 1 ms, 2.5 ms, 5 ms, … 10 s, and above. */
enum { TD_HISTOGRAM_BOUNDS = 13 };
typedef struct td_histogram {
    td_counter counts[TD_HISTOGRAM_BOUNDS + 1]; /* by the first bound that it does not exceed */
    td_counter sum_ns;
} td_histogram;
void td_histogram_add(td_histogram *histogram, int64_t ns);

typedef enum td_metric_type { TD_METRIC_COUNTER, TD_METRIC_GAUGE, TD_METRIC_HISTOGRAM } td_metric_type;

typedef struct td_metric td_metric;
struct td_metric {    /* a family; rows end with name == NULL */
    const char *name; /* with its unit, counters with _total */
    td_metric_type type;
    const char *help;
    void (*tell)(const td_metric *metric, const void *self, td_buf *out); /* puts the family's samples */
    size_t offset; /* for `tell`: which field, where one function serves several rows */
};

typedef struct td_label {
    const char *name; /* NULL ends a list */
    td_bytes value;
} td_label;
/* The labels of a sample, in place: TD_LABELS({"feed", name}, {"reason", text}). */
#define TD_LABELS(...) ((const td_label[]){__VA_ARGS__, {NULL, {NULL, 0}}})

/* Each row's HELP and TYPE, then its samples. */
void td_metrics_put(td_buf *out, const td_metric *rows, const void *self);
/* One sample; `labels` NULL: none. Whole numbers are exact to 2^53, as the format is. */
void td_metric_put(td_buf *out, const td_metric *metric, const td_label *labels, double value);
void td_metric_put_histogram(td_buf *out, const td_metric *metric, const td_label *labels, const td_histogram *value);
