/* src/log/log_kafka_group.c - a consumer group that shares partitions among processes. Its consumer reads nothing: what
 * it is given is paused at once, and read by readers. */
#include "log/log_kafka_private.h"
#include <stdlib.h>

enum { LEAVE_POLLS = 100, LEAVE_POLL_MS = 50 };

typedef struct kafka_group {
    td_group base;
    rd_kafka_t *rk;
    td_assignment assignment;
    uint32_t *partitions; /* the assignment's */
    rd_kafka_topic_partition_list_t
        *revoked; /* given back at the next poll, when their writers are closed; NULL: none */
    bool leaving;
    td_status failed;
} kafka_group;

static void remove_partition(kafka_group *g, uint32_t partition) {
    size_t kept = 0;
    for (size_t i = 0; i < g->assignment.count; i++)
        if (g->partitions[i] != partition) g->partitions[kept++] = g->partitions[i];
    g->assignment.count = kept;
}

static void add_partition(kafka_group *g, uint32_t partition) {
    remove_partition(g, partition);
    size_t at = g->assignment.count++;
    for (; at > 0 && g->partitions[at - 1] > partition; at--) g->partitions[at] = g->partitions[at - 1];
    g->partitions[at] = partition;
}

static void check(kafka_group *g, rd_kafka_error_t *error) {
    if (error == NULL) return;
    g->failed = td_kafka_fail((td_kafka_log *)g->base.log, rd_kafka_error_code(error), "sharing partitions",
                              rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

static void give_back(kafka_group *g) {
    if (g->revoked == NULL) return;
    check(g, rd_kafka_incremental_unassign(g->rk, g->revoked));
    rd_kafka_topic_partition_list_destroy(g->revoked);
    g->revoked = NULL;
}

/* By rd_kafka_consumer_poll. What is lost already is somebody else's: there is nothing to wait for. */
static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *list, void *owner) {
    kafka_group *g = owner;
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        check(g, rd_kafka_incremental_assign(rk, list));
        (void)rd_kafka_pause_partitions(rk, list);
        for (int i = 0; i < list->cnt; i++) add_partition(g, (uint32_t)list->elems[i].partition);
    } else {
        for (int i = 0; i < list->cnt; i++) remove_partition(g, (uint32_t)list->elems[i].partition);
        give_back(g);
        g->revoked = rd_kafka_topic_partition_list_copy(list);
        if (g->leaving || rd_kafka_assignment_lost(rk)) give_back(g);
    }
    g->assignment.generation++;
}

static td_status subscribe(kafka_group *g, const char *topic) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(g->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = rd_kafka_poll_set_consumer(g->rk);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return TD_OK;
    return td_kafka_fail((td_kafka_log *)g->base.log, code, "joining a group for", topic);
}

td_status td_kafka_group_join(td_group **out, td_log *log, const char *name, td_topic *topic) {
    kafka_group *g = td_alloc_zero(1, sizeof *g);
    rd_kafka_conf_t *conf;
    g->base.log = log;
    g->assignment.partitions = g->partitions = td_alloc_zero(topic->partitions, sizeof *g->partitions);
    td_status status = td_kafka_conf_new(&g->base.log, &conf);
    if (status == TD_OK) {
        char *group = td_kafka_full_name((td_kafka_log *)log, name);
        td_kafka_must_set(conf, "group.id", group);
        td_kafka_must_set(conf, "partition.assignment.strategy", "cooperative-sticky");
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
        free(group);
        status = td_kafka_open_handle(&g->rk, RD_KAFKA_CONSUMER, conf);
    }
    if (status == TD_OK) status = subscribe(g, ((const td_kafka_topic *)topic)->full_name);
    if (status != TD_OK) {
        td_kafka_group_leave(&g->base);
        return status;
    }
    *out = &g->base;
    return TD_OK;
}

static void serve(kafka_group *g, int wait_ms) {
    rd_kafka_message_t *m;
    while ((m = rd_kafka_consumer_poll(g->rk, wait_ms)) != NULL) {
        rd_kafka_message_destroy(m); /* errors heal by themselves, or come as a rebalance */
        wait_ms = 0;
    }
}

td_status td_kafka_group_poll(td_group *group, td_assignment *out) {
    kafka_group *g = (kafka_group *)group;
    g->failed = TD_OK;
    give_back(g);
    serve(g, 0);
    *out = g->assignment;
    return g->failed;
}

/* Closing alone leaves a member behind, until its session is over, to whom the others' partitions may go. */
void td_kafka_group_leave(td_group *group) {
    kafka_group *g = (kafka_group *)group;
    if (g->rk != NULL) {
        g->leaving = true;
        give_back(g);
        (void)rd_kafka_unsubscribe(g->rk);
        serve(g, LEAVE_POLL_MS);
        for (int i = 0; i < LEAVE_POLLS && g->assignment.count > 0; i++) serve(g, LEAVE_POLL_MS);
        (void)rd_kafka_consumer_close(g->rk);
        rd_kafka_destroy(g->rk);
    }
    free(g->partitions);
    free(g);
}
