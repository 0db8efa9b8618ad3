/* tests/contract/log_hosts.c - the logs that need nothing beside themselves. */
#include "host.h"

const host_ops *const log_hosts[] = {&host_segment_real, &host_segment_killed, &host_segment_power_lost, &host_kafka,
                                     NULL};
