/* tests/contract/host_kafka.c - processes at the simulated Kafka. */
#include "../sim/kafka_sim.h"
#include "host.h"

static void *kafka_new(uint64_t seed) { return kafka_sim_new(seed); }
static void kafka_free(void *host) { kafka_sim_free(host); }
static td_log *kafka_open(void *host) { return kafka_sim_connect(host); }

static void kafka_kill(void *host, td_log *log, int64_t calls) {
    (void)host;
    kafka_sim_kill(log, calls);
}

static bool kafka_is_dead(void *host, td_log *log) {
    (void)host;
    return kafka_sim_is_dead(log);
}

static void kafka_trouble(void *host, bool on) {
    static const kafka_sim_faults faults = {.refuse = 50000, .lose_answer = 100000, .lead = 20000, .time_out = 5000};
    kafka_sim_set_faults(host, on ? &faults : NULL);
}

static void kafka_retain(void *host, td_log *log, td_topic *topic, uint32_t partition) {
    (void)log;
    kafka_sim_delete_records(host, topic->name, partition, td_topic_end(topic, partition) / 2);
}

static td_log *kafka_next_epoch(void *host, td_log *log) {
    kafka_sim_lead(host);
    return log;
}

static bool kafka_tells_epochs(void) { return true; }

const host_ops host_kafka = {
    .name = "simulated Kafka",
    .shares = true,
    .new = kafka_new,
    .free = kafka_free,
    .open = kafka_open,
    .kill = kafka_kill,
    .is_dead = kafka_is_dead,
    .trouble = kafka_trouble,
    .retain = kafka_retain,
    .next_epoch = kafka_next_epoch,
    .tells_epochs = kafka_tells_epochs,
};
