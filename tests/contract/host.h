/* tests/contract/host.h - where a log under test runs: what its suite does to it beside log/log.h. One host per test;
 * its log is opened, dies, and is opened again, as processes are. */
#pragma once
#include "log/log.h"

typedef struct host_ops {
    const char *name;
    bool cuts;    /* the log can truncate                                                */
    bool shares;  /* more than one process may work on it at a time                      */
    bool threads; /* and more than one thread                                            */
    bool lives;   /* its process cannot be made to die                                   */
    bool dates;   /* records have the log's time, not the writer's                       */
    bool ahead; /* reads and sends in the background: what is in hand stays, what fails in a transaction its end says */
    int slow;   /* the counts of long tests are divided by this; 0: not                */
    bool forgets; /* what is not synced may be gone after `kill`; else it stays          */
    void *(*new)(uint64_t seed);
    void (*free)(void *host);
    td_log *(*open)(void *host); /* a process more, or again; its failures are the test's */
    /* The process dies in its n-th call from now on; 0: now. What it has open must be closed before the next one. */
    void (*kill)(void *host, td_log *log, int64_t calls);
    bool (*is_dead)(void *host, td_log *log);
    void (*trouble)(void *host, bool on); /* calls fail, answers get lost; leaders change, transactions time out */
    /* Takes away at least one record of the partition, and keeps at least one. */
    void (*retain)(void *host, td_log *log, td_topic *topic, uint32_t partition);
    /* A new epoch begins in every partition; nothing but the log may be open, and it may be opened again. */
    td_log *(*next_epoch)(void *host, td_log *log);
    bool (*tells_epochs)(void); /* else every position has the same, whatever begins */
} host_ops;

extern const host_ops *const log_hosts[]; /* those that a program tests; NULL is the end */
extern const host_ops host_segment_real, host_segment_killed, host_segment_power_lost, host_kafka;
