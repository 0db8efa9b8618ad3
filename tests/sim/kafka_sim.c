/* tests/sim/kafka_sim.c - the cluster: partitions, transactions, groups. Its clients: kafka_client.c. */
#include "kafka_cluster.h"
#include <assert.h>
#include <stdlib.h>

kafka_sim *kafka_sim_new(uint64_t seed) {
    kafka_sim *sim = td_alloc_zero(1, sizeof *sim);
    sim->random.state = seed;
    return sim;
}

static void topic_free(kafka_topic *topic) {
    for (uint32_t p = 0; p < topic->count; p++) {
        kafka_partition *partition = &topic->partitions[p];
        for (size_t i = 0; i < kafka_count(partition); i++) {
            td_buf_fini(&kafka_at(partition, i)->records);
            free(kafka_at(partition, i));
        }
        td_buf_fini(&partition->batches);
        td_epochs_fini(&partition->epochs);
    }
    free(topic->partitions);
    free(topic);
}

void kafka_sim_free(kafka_sim *sim) {
    if (sim == NULL) return;
    for (size_t i = 0; i < sim->topic_count; i++) topic_free(sim->topics[i]);
    for (size_t i = 0; i < sim->producer_count; i++) free(sim->producers[i]);
    for (size_t i = 0; i < sim->group_count; i++) free(sim->groups[i]);
    free(sim);
}

void kafka_sim_set_faults(kafka_sim *sim, const kafka_sim_faults *faults) {
    sim->faults = faults != NULL ? *faults : (kafka_sim_faults){0};
}

kafka_topic *kafka_find_topic(kafka_sim *sim, const char *name) {
    for (size_t i = 0; i < sim->topic_count; i++)
        if (strcmp(sim->topics[i]->name, name) == 0) return sim->topics[i];
    return NULL;
}

kafka_topic *kafka_make_topic(kafka_sim *sim, const char *name, uint32_t count) {
    assert(sim->topic_count < KAFKA_TOPICS_MAX && strlen(name) < KAFKA_NAME_MAX);
    kafka_topic *topic = td_alloc_zero(1, sizeof *topic);
    (void)strcpy(topic->name, name);
    topic->count = count;
    topic->partitions = td_alloc_zero(count, sizeof *topic->partitions);
    for (uint32_t p = 0; p < count; p++) td_epochs_begin(&topic->partitions[p].epochs, 0, 0);
    sim->topics[sim->topic_count++] = topic;
    return topic;
}

/* ---- partitions ---- */

int64_t kafka_stable_end(kafka_partition *p) {
    while (p->settled < kafka_count(p) && kafka_at(p, p->settled)->state != KAFKA_OPEN) p->settled++;
    return p->settled < kafka_count(p) ? kafka_at(p, p->settled)->base_offset : p->next_offset;
}

void kafka_lead(kafka_partition *p) { td_epochs_begin(&p->epochs, td_epochs_last(&p->epochs) + 1, p->next_offset); }

kafka_batch *kafka_put(kafka_partition *p, kafka_state state, int64_t count) {
    kafka_batch *batch = td_alloc_zero(1, sizeof *batch);
    batch->state = state;
    batch->base_offset = p->next_offset;
    batch->count = count;
    batch->epoch = td_epochs_last(&p->epochs);
    td_buf_put(&p->batches, &batch, sizeof batch);
    p->next_offset += count;
    return batch;
}

/* ---- transactions ---- */

kafka_producer *kafka_find_producer(kafka_sim *sim, const char *name) {
    for (size_t i = 0; i < sim->producer_count; i++)
        if (strcmp(sim->producers[i]->name, name) == 0) return sim->producers[i];
    assert(sim->producer_count < KAFKA_PRODUCERS_MAX && strlen(name) < KAFKA_NAME_MAX);
    kafka_producer *producer = sim->producers[sim->producer_count++] = td_alloc_zero(1, sizeof *producer);
    (void)strcpy(producer->name, name);
    return producer;
}

kafka_mark *kafka_find_mark(kafka_mark *marks, size_t *count, const kafka_topic *topic, uint32_t partition) {
    for (size_t i = 0; i < *count; i++)
        if (marks[i].topic == topic && marks[i].partition == partition) return &marks[i];
    assert(*count < KAFKA_MARKS_MAX);
    marks[*count] = (kafka_mark){.topic = topic, .partition = partition, .position = {-1, -1}};
    return &marks[(*count)++];
}

static td_bytes key_of(const kafka_batch *batch) {
    td_cursor cursor = {.at = batch->records.data,
                        .end = batch->records.data + batch->records.size,
                        .offset = batch->base_offset,
                        .base_offset = batch->base_offset,
                        .left = (int32_t)batch->count};
    td_record record;
    return td_cursor_next(&cursor, &record) ? record.key : (td_bytes){0};
}

/* Of batches of one record: each that a later one of its key supersedes leaves a hole. */
static void compact(kafka_partition *p) {
    (void)kafka_stable_end(p);
    for (size_t i = 0; i < p->settled; i++)
        for (size_t later = i + 1; later < p->settled && kafka_at(p, i)->state == KAFKA_COMMITTED; later++) {
            if (kafka_at(p, later)->state != KAFKA_COMMITTED) continue;
            if (kafka_at(p, i)->count != 1 || kafka_at(p, later)->count != 1) continue;
            if (!td_bytes_equal(key_of(kafka_at(p, i)), key_of(kafka_at(p, later)))) continue;
            kafka_at(p, i)->state = KAFKA_MARKER;
            kafka_at(p, i)->records.size = 0;
        }
}

/* Writes the markers: what was open is decided. */
void kafka_end_transaction(kafka_sim *sim, kafka_producer *producer, bool committed) {
    for (size_t t = 0; t < sim->topic_count; t++)
        for (uint32_t i = 0; i < sim->topics[t]->count; i++) {
            kafka_partition *p = &sim->topics[t]->partitions[i];
            bool touched = false;
            for (size_t b = p->settled; b < kafka_count(p); b++) {
                kafka_batch *batch = kafka_at(p, b);
                if (batch->state != KAFKA_OPEN || batch->producer != producer) continue;
                batch->state = committed ? KAFKA_COMMITTED : KAFKA_ABORTED;
                touched = true;
            }
            if (touched) (void)kafka_put(p, KAFKA_MARKER, 1);
            if (touched && sim->topics[t]->latest) compact(p);
        }
    for (size_t i = 0; committed && i < producer->pending_count; i++) {
        const kafka_mark *mark = &producer->pending[i];
        kafka_find_mark(producer->marks, &producer->mark_count, mark->topic, mark->partition)->position =
            mark->position;
    }
    producer->pending_count = 0;
    producer->phase = KAFKA_IDLE;
}

void kafka_sim_time_out(kafka_sim *sim) {
    for (size_t i = 0; i < sim->producer_count; i++) {
        kafka_producer *producer = sim->producers[i];
        if (producer->phase == KAFKA_PREPARED) kafka_end_transaction(sim, producer, true);
        if (producer->phase != KAFKA_BEGUN) continue;
        kafka_end_transaction(sim, producer, false);
        producer->timed_out = true;
    }
    for (size_t i = 0; i < sim->group_count; i++)
        for (size_t m = sim->groups[i]->member_count; m-- > 0;)
            if (kafka_is_dead(sim->groups[i]->members[m])) kafka_leave(sim->groups[i], sim->groups[i]->members[m]);
}

/* ---- groups ---- */

kafka_group *kafka_find_group(kafka_sim *sim, const char *name) {
    for (size_t i = 0; i < sim->group_count; i++)
        if (strcmp(sim->groups[i]->name, name) == 0) return sim->groups[i];
    assert(sim->group_count < KAFKA_GROUPS_MAX && strlen(name) < KAFKA_NAME_MAX);
    kafka_group *group = sim->groups[sim->group_count++] = td_alloc_zero(1, sizeof *group);
    (void)strcpy(group->name, name);
    return group;
}

void kafka_leave(kafka_group *group, const void *member) {
    for (size_t m = 0; m < group->member_count; m++) {
        if (group->members[m] != member) continue;
        memmove(&group->members[m], &group->members[m + 1], (group->member_count - m - 1) * sizeof group->members[0]);
        group->member_count--;
        group->generation++;
        return;
    }
}

/* ---- what a test does to the cluster ---- */

void kafka_sim_expire(kafka_sim *sim, const td_log *process) {
    for (size_t i = 0; i < sim->group_count; i++)
        for (size_t m = sim->groups[i]->member_count; m-- > 0;)
            if (kafka_is_of(sim->groups[i]->members[m], process))
                kafka_leave(sim->groups[i], sim->groups[i]->members[m]);
}

void kafka_sim_lead(kafka_sim *sim) {
    for (size_t t = 0; t < sim->topic_count; t++)
        for (uint32_t p = 0; p < sim->topics[t]->count; p++) kafka_lead(&sim->topics[t]->partitions[p]);
}

void kafka_sim_delete_records(kafka_sim *sim, const char *topic, uint32_t partition, int64_t before) {
    kafka_partition *p = &kafka_find_topic(sim, topic)->partitions[partition];
    int64_t end = kafka_stable_end(p);
    if (before > end) before = end;
    if (before > p->start) p->start = before;
}
