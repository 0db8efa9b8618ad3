/* bench/rows.h - the rows that a log has for stores, in the order and in the batches in which its sinks get them. */
#pragma once
#include "app/data.h"
#include "bench.h"
#include "feed/route.h"
#include "flow/rows.h"
#include "sink/table.h"

enum { BENCH_BATCH_ROWS = 4096 }; /* as src/flow/deliver.c begins with */

static inline const td_config_sink *bench_sink_named(const td_config *config, const char *name) {
    for (size_t i = 0; i < config->sink_count; i++)
        if (strcmp(config->sinks[i].conf.name, name) == 0) return &config->sinks[i];
    bench_die("rows", name, "is no sink of this configuration");
}

static inline void bench_tell_rows(int64_t rows, int64_t ns) {
    (void)printf("{\"rows\":%" PRId64 ",\"seconds\":%.6f}\n", rows, (double)ns / 1e9);
}

typedef void (*bench_row_fn)(void *arg, uint32_t partition, const td_sink_row *row);

static inline td_output bench_output_named(const char *name) {
    for (int i = 0; i < TD_OUTPUT_COUNT; i++)
        if (strcmp(td_topics_name((td_output)i), name) == 0) return (td_output)i;
    bench_die("rows", name, "is no output");
}

/* Up to a batch; returns how many there were. */
static inline int64_t bench_take_batch(td_reader *reader, const td_schema_ids *ids, td_output output,
                                       uint32_t partition, bench_row_fn each, void *arg) {
    td_record record;
    td_sink_row row;
    int64_t count = 0;
    for (; count < BENCH_BATCH_ROWS && td_reader_next(reader, &record) == TD_OK; count++) {
        bench_require("rows", td_row_decode(ids, (int)output, &record, &row), "decode a row");
        each(arg, partition, &row);
    }
    return count;
}

/* Calls `each` with every row of that output of the log of a configuration: a batch of each partition in turn. */
static inline int64_t bench_each_row(const char *config, const char *name, bench_row_fn each, void *arg) {
    td_data data = {0};
    td_reader *readers[TD_PARTITIONS_MAX] = {0};
    td_output output = bench_output_named(name);
    char *path = td_copy_text(config);
    bench_require("rows", td_data_open(&data, &(td_data_conf){.config = path}), config);
    td_topic *topic = data.topics.outputs[output];
    if (topic == NULL) bench_die("rows", name, "is not in this log");
    for (uint32_t p = 0; p < data.topics.partitions; p++)
        bench_require("rows", td_reader_open(&readers[p], topic, p, td_topic_start(topic, p), TD_READ_APPENDED), name);
    int64_t count = 0, more = 1;
    for (; more > 0; count += more) {
        more = 0;
        for (uint32_t p = 0; p < data.topics.partitions; p++)
            more += bench_take_batch(readers[p], data.topics.ids, output, p, each, arg);
    }
    for (uint32_t p = 0; p < data.topics.partitions; p++) td_reader_close(readers[p]);
    td_data_close(&data);
    free(path);
    return count;
}
