/* tests/sim/kafka_sim.h - a Kafka cluster in memory, made of a seed, as clients of transactions and read_committed see
 * it: the third implementation of log/log.h. The cluster outlives the processes (td_log) that are connected to it.
 *
 * Brokers: what a leader has not yet told to its followers may be lost when another one leads; nobody has read it, the
 * epoch rises, and the producer sends it again. Transactions: control markers take an offset of their own in every
 * partition written to; readers see up to the first open one. A transactional id has one living producer: opening it
 * again fences the other and settles what it left. What a dead process left open is aborted after a timeout, and so is
 * that of a slow one, which is told to abort. A commit's result may get lost, whether it was done, prepared or neither.
 * Groups: members share partitions in ranges, and each change is a rebalance. Nothing is ever truncated. Thread: one.
 */
#pragma once
#include "log/log.h"
#include "random.h"

typedef struct kafka_sim kafka_sim;

typedef struct kafka_sim_faults { /* chances per call, in ppm */
    uint32_t refuse;              /* TD_RETRY and nothing is done                                  */
    uint32_t lose_answer;         /* TD_RETRY, though all of it is done, or half of a commit is    */
    uint32_t lead;                /* another leader: an append is lost with the old one (TD_RETRY) */
    uint32_t time_out;            /* all open transactions are aborted                             */
} kafka_sim_faults;

kafka_sim *kafka_sim_new(uint64_t seed);
void kafka_sim_free(kafka_sim *sim);                                       /* after its processes; accepts NULL */
void kafka_sim_set_faults(kafka_sim *sim, const kafka_sim_faults *faults); /* NULL: none */

/* A process connects. */
td_log *kafka_sim_connect(kafka_sim *sim);
/* It dies with that request, or now (0): all its calls say TD_RETRY from then on and do nothing, but for those that
 * close. */
void kafka_sim_kill(td_log *process, int64_t requests);
bool kafka_sim_is_dead(const td_log *process);
/* Time passes: open transactions are aborted, dead members leave their groups. */
void kafka_sim_time_out(kafka_sim *sim);
/* The process lives and has not been heard of for too long: others get its share. It does not know until it polls. */
void kafka_sim_expire(kafka_sim *sim, const td_log *process);
void kafka_sim_lead(kafka_sim *sim); /* every partition gets another leader */
void kafka_sim_delete_records(kafka_sim *sim, const char *topic, uint32_t partition, int64_t before);
