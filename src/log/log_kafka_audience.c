/* src/log/log_kafka_audience.c - one question which groups there are, then one to each of them, answered by a queue
 * that is only looked into. */
#include "log/log_kafka_audience.h"
#include "log/log_kafka_private.h"
#include <ctype.h>
#include <stdlib.h>

enum {
    EACH_MS = 4000, /* an answer that takes longer is none */
    LISTENERS_MAX = TD_AUDIENCE_GROUPS * TD_AUDIENCE_PARTITIONS
};

struct td_audience {
    td_kafka_log *log;
    const td_kafka_topic *topic;
    char *ours; /* full */
    rd_kafka_queue_t *queue;
    char *groups[TD_AUDIENCE_GROUPS]; /* in byte order */
    size_t group_count, asked, answered;
    bool listed, cut;
    td_listener *listeners;
    size_t count;
};

/* ---- which groups there are ---- */

static bool is_ours(const td_audience *a, const char *group) {
    size_t size = strlen(a->ours);
    if (strncmp(group, a->ours, size) != 0 || group[size] == '\0') return false;
    for (group += size; isdigit((unsigned char)*group);) group++;
    return *group == '\0';
}

/* The first by name: which ones are told does not depend on the order of brokers. */
static void add_group(td_audience *a, const char *name) {
    size_t at = a->group_count;
    if (is_ours(a, name)) return;
    while (at > 0 && strcmp(a->groups[at - 1], name) > 0) at--;
    if (at > 0 && strcmp(a->groups[at - 1], name) == 0) return; /* two brokers have told of it, while it moved */
    a->cut = a->cut || a->group_count == TD_AUDIENCE_GROUPS;
    if (at == TD_AUDIENCE_GROUPS) return;
    if (a->group_count == TD_AUDIENCE_GROUPS) free(a->groups[--a->group_count]);
    memmove(&a->groups[at + 1], &a->groups[at], (a->group_count++ - at) * sizeof a->groups[0]);
    a->groups[at] = td_copy_text(name);
}

static rd_kafka_AdminOptions_t *options_new(const td_audience *a, rd_kafka_admin_op_t what) {
    char why[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(a->log->client, what);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, EACH_MS, why, sizeof why);
    return options;
}

/* A broker that does not answer has groups, perhaps: then not all are told. */
static void take_list(td_audience *a, const rd_kafka_ListConsumerGroups_result_t *result) {
    size_t count, errors;
    const rd_kafka_ConsumerGroupListing_t **list = rd_kafka_ListConsumerGroups_result_valid(result, &count);
    (void)rd_kafka_ListConsumerGroups_result_errors(result, &errors);
    a->cut = a->cut || errors > 0;
    for (size_t i = 0; i < count; i++) add_group(a, rd_kafka_ConsumerGroupListing_group_id(list[i]));
    a->listed = true;
}

/* ---- what they have read ---- */

static void ask_group(td_audience *a, const char *group) {
    uint32_t count = a->topic->base.partitions;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (uint32_t p = 0; p < count && p < TD_AUDIENCE_PARTITIONS; p++)
        (void)rd_kafka_topic_partition_list_add(list, a->topic->full_name, (int32_t)p);
    rd_kafka_ListConsumerGroupOffsets_t *asked = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_AdminOptions_t *options = options_new(a, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_ListConsumerGroupOffsets(a->log->client, &asked, 1, options, a->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ListConsumerGroupOffsets_destroy(asked);
    rd_kafka_topic_partition_list_destroy(list);
}

static void add_listener(td_audience *a, const char *group, const rd_kafka_topic_partition_t *at) {
    bool good = at->err == RD_KAFKA_RESP_ERR_NO_ERROR && (uint32_t)at->partition < TD_AUDIENCE_PARTITIONS &&
                a->count < LISTENERS_MAX;
    a->cut = a->cut || !good;
    if (!good || at->offset < 0) return;
    size_t to = a->count++;
    td_listener *l = a->listeners;
    uint32_t partition = (uint32_t)at->partition;
    for (; to > 0 &&
           (strcmp(l[to - 1].group, group) > 0 || (l[to - 1].group == group && l[to - 1].partition > partition));
         to--)
        l[to] = l[to - 1];
    l[to] = (td_listener){group, partition, at->offset};
}

/* Of one group, whose name is here, too. */
static void take_offsets(td_audience *a, const rd_kafka_ListConsumerGroupOffsets_result_t *result) {
    size_t count, g = 0;
    const rd_kafka_group_result_t **groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
    if (count == 0) return;
    while (g < a->group_count && strcmp(a->groups[g], rd_kafka_group_result_name(groups[0])) != 0) g++;
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
    a->cut = a->cut || rd_kafka_group_result_error(groups[0]) != NULL;
    for (int i = 0; list != NULL && g < a->group_count && i < list->cnt; i++)
        add_listener(a, a->groups[g], &list->elems[i]);
}

/* ---- the whole ---- */

td_audience *td_audience_ask(const td_topic *topic, const char *ours) {
    td_audience *a = td_alloc_zero(1, sizeof *a);
    a->log = td_kafka_log_of(topic);
    a->topic = (const td_kafka_topic *)topic;
    a->ours = td_kafka_full_name(a->log, ours);
    a->cut = topic->partitions > TD_AUDIENCE_PARTITIONS;
    a->listeners = td_alloc(LISTENERS_MAX * sizeof *a->listeners);
    a->queue = rd_kafka_queue_new(a->log->client);
    rd_kafka_AdminOptions_t *options = options_new(a, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
    rd_kafka_ListConsumerGroups(a->log->client, options, a->queue);
    rd_kafka_AdminOptions_destroy(options);
    return a;
}

void td_audience_free(td_audience *a) {
    if (a == NULL) return;
    rd_kafka_queue_destroy(a->queue);
    for (size_t i = 0; i < a->group_count; i++) free(a->groups[i]);
    free(a->listeners);
    free(a->ours);
    free(a);
}

/* Who may not look at a group is told of the others. */
static td_status take(td_audience *a, rd_kafka_event_t *event) {
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const rd_kafka_ListConsumerGroups_result_t *list = rd_kafka_event_ListConsumerGroups_result(event);
    const rd_kafka_ListConsumerGroupOffsets_result_t *offsets = rd_kafka_event_ListConsumerGroupOffsets_result(event);
    if (!a->listed && code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return td_kafka_fail(a->log, code, "asking for", "groups of consumers");
    if (!a->listed && list != NULL) {
        take_list(a, list);
        return TD_OK;
    }
    a->answered++;
    a->cut = a->cut || code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (offsets != NULL && code == RD_KAFKA_RESP_ERR_NO_ERROR) take_offsets(a, offsets);
    return TD_OK;
}

td_status td_audience_step(td_audience *a) {
    rd_kafka_event_t *event;
    td_status status = TD_OK;
    while (status == TD_OK && (event = rd_kafka_queue_poll(a->queue, 0)) != NULL) {
        status = take(a, event);
        rd_kafka_event_destroy(event);
    }
    if (status != TD_OK) return status;
    for (; a->listed && a->asked < a->group_count; a->asked++) ask_group(a, a->groups[a->asked]);
    return a->listed && a->answered == a->group_count ? TD_OK : TD_FULL;
}

const td_listener *td_audience_at(const td_audience *a, size_t index) {
    return index < a->count ? &a->listeners[index] : NULL;
}

bool td_audience_is_cut(const td_audience *a) { return a->cut; }
