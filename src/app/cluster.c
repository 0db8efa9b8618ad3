/* src/app/cluster.c - the log on a Kafka cluster, as the configuration says. */
#include "app/cluster.h"
#include "base/time.h"
#include "flow/capture.h"
#include "log/log_kafka.h"
#include <stdlib.h>

enum { BESIDE_TIMEOUT_MS = 2000 };

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

static td_log_kafka_conf conf_of(const td_config_log *log) {
    return (td_log_kafka_conf){.dir = log->dir,
                               .brokers = log->kafka,
                               .prefix = log->prefix,
                               .replicas = (int)log->replicas,
                               .apart = TD_CAPTURE_TOPICS,
                               .apart_bytes = log->raw_retain_bytes,
                               .apart_ms = log->raw_retain_ns / TD_NS_PER_MS,
                               .retain_bytes = log->retain_bytes,
                               .retain_ms = log->retain_ns / TD_NS_PER_MS,
                               .codec = td_config_codec(log)};
}

static td_status open_as(td_log **out, const td_os *os, td_log_kafka_conf *conf, const td_config_log *log,
                         td_log_report_fn report, void *arg) {
    td_kafka_property *properties = split_properties(log, &conf->property_count);
    conf->properties = properties;
    td_status status = td_log_kafka_open(out, os, conf, report, arg);
    for (size_t i = 0; i < conf->property_count; i++) free((char *)(uintptr_t)properties[i].name);
    free(properties);
    return status;
}

td_status td_cluster_open(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report, void *arg) {
    td_log_kafka_conf conf = conf_of(log);
    return open_as(out, os, &conf, log, report, arg);
}

td_status td_cluster_open_to_read(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report,
                                  void *arg) {
    td_log_kafka_conf conf = conf_of(log);
    conf.read_only = true;
    return open_as(out, os, &conf, log, report, arg);
}

td_status td_cluster_open_beside(td_log **out, const td_os *os, const td_config_log *log) {
    td_log_kafka_conf conf = conf_of(log);
    conf.read_only = true;
    conf.timeout_ms = BESIDE_TIMEOUT_MS;
    return open_as(out, os, &conf, log, NULL, NULL);
}
