/* src/log/log_private.h - what the files of the embedded log share of a log and its topics. Private to log/. */
#pragma once
#include "log/partition.h"

struct td_topic {
    td_log *log;
    char *name;
    td_topic_role role;
    uint32_t count;
    td_partition **partitions;
};
