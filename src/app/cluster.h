/* src/app/cluster.h - opening the log on a Kafka cluster, as the configuration says (log.kafka). Thread: start-up only.
 */
#pragma once
#include "app/config.h"

/* Takes the folder log.dir for it. Errors: as td_log_kafka_open's. */
TD_CHECKED td_status td_cluster_open(td_log **out, const td_os *os, const td_config_log *log, td_log_report_fn report,
                                     void *arg);
/* Takes nothing, but the folder must not be another log's; NULL: none. */
TD_CHECKED td_status td_cluster_open_to_read(td_log **out, const td_os *os, const td_config_log *log,
                                             td_log_report_fn report, void *arg);
/* The same for a server, which has other things to do: what takes longer than 2 s is TD_RETRY. */
TD_CHECKED td_status td_cluster_open_beside(td_log **out, const td_os *os, const td_config_log *log);
