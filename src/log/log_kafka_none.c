/* src/log/log_kafka_none.c - the log on Kafka in a program that was built without librdkafka. */
#include "log/log_kafka.h"
#include "log/log_kafka_audience.h"

td_status td_log_kafka_open(td_log **out, const td_os *os, const td_log_kafka_conf *conf, td_log_report_fn report,
                            void *arg) {
    (void)out, (void)os, (void)conf, (void)report, (void)arg;
    return TD_FAIL(TD_CONFIG,
                   "log.kafka: this program was built without librdkafka: build it again with librdkafka-dev "
                   "installed and -Dkafka=enabled");
}

td_status td_log_kafka_examine(td_log *log, const char *latest, td_kafka_tell_fn tell, void *arg) {
    (void)log, (void)latest, (void)tell, (void)arg; /* there is none */
    return TD_OK;
}

/* There is no such log, so nobody asks. */
td_audience *td_audience_ask(const td_topic *topic, const char *ours) {
    (void)topic, (void)ours;
    return NULL;
}
void td_audience_free(td_audience *audience) { (void)audience; }
td_status td_audience_step(td_audience *audience) {
    (void)audience;
    return TD_OK;
}
const td_listener *td_audience_at(const td_audience *audience, size_t index) {
    (void)audience, (void)index;
    return NULL;
}
bool td_audience_is_cut(const td_audience *audience) {
    (void)audience;
    return false;
}
