/* src/app/cluster.c - the log on a Kafka cluster, as the configuration says. */
#include "app/cluster.h"
#include "base/time.h"
#include "log/log_kafka.h"
#include <stdlib.h>

/* The configured ones and the password, `*out_count` in all; free() each name, and the whole. */
static td_kafka_property *split_properties(const td_config_log *log, size_t *out_count) {
    td_kafka_property *all = td_alloc_zero(log->properties.count + 1, sizeof *all);
    size_t count = 0;
    for (; count < log->properties.count; count++) {
        char *name = td_copy_text(log->properties.items[count]), *equals = strchr(name, '=');
        *equals = '\0';
        all[count] = (td_kafka_property){name, equals + 1};
    }
    if (log->password != NULL) all[count++] = (td_kafka_property){td_copy_text("sasl.password"), log->password};
    *out_count = count;
    return all;
}

td_status td_cluster_open(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report, void *arg) {
    td_log_kafka_conf conf = {.dir = log->dir,
                              .brokers = log->kafka,
                              .prefix = log->prefix,
                              .replicas = (int)log->replicas,
                              .retain_bytes = log->retain_bytes / log->partitions,
                              .retain_ms = log->retain_ns / TD_NS_PER_MS,
                              .codec = td_config_codec(log)};
    td_kafka_property *properties = split_properties(log, &conf.property_count);
    conf.properties = properties;
    td_status status = td_log_kafka_open(out, os, &conf, report, arg);
    for (size_t i = 0; i < conf.property_count; i++) free((char *)(uintptr_t)properties[i].name);
    free(properties);
    return status;
}
