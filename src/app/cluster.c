/* src/app/cluster.c - the log on a Kafka cluster, as the configuration says. */
#include "app/cluster.h"
#include "base/time.h"
#include "flow/capture.h"
#include "log/log_kafka.h"

enum { BESIDE_TIMEOUT_MS = 2000 };

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
                               .codec = td_config_codec(log),
                               .properties = &log->properties,
                               .password = log->password};
}

td_status td_cluster_open(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report, void *arg) {
    td_log_kafka_conf conf = conf_of(log);
    return td_log_kafka_open(out, os, &conf, report, arg);
}

td_status td_cluster_open_to_read(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report,
                                  void *arg) {
    td_log_kafka_conf conf = conf_of(log);
    conf.read_only = true;
    return td_log_kafka_open(out, os, &conf, report, arg);
}

td_status td_cluster_open_beside(td_log **out, const td_os *os, const td_config_log *log) {
    td_log_kafka_conf conf = conf_of(log);
    conf.read_only = true;
    conf.timeout_ms = BESIDE_TIMEOUT_MS;
    return td_log_kafka_open(out, os, &conf, NULL, NULL);
}
