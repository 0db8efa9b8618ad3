/* src/log/retain.c - letting go of what is too old or too much, oldest segment first, over all topics. */
#include "log/retain.h"

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

static bool is_kept(const td_segment_topic *topic) { return topic->base.name[0] == '_'; }

static bool is_ours(const td_retain *retain, const td_segment_topic *topic) {
    bool apart = retain->prefix != NULL && strncmp(topic->base.name, retain->prefix, strlen(retain->prefix)) == 0;
    return apart == retain->apart;
}

static int64_t total_bytes(const td_retain *retain) {
    int64_t bytes = 0;
    for (size_t t = 0; t < retain->topic_count; t++)
        for (uint32_t p = 0; is_ours(retain, retain->topics[t]) && p < retain->topics[t]->base.partitions; p++)
            bytes += load(&retain->topics[t]->partitions[p]->bytes);
    return bytes;
}

/* The partition whose oldest segment ended first; of equal ones the first by name. NULL: only active ones are left. */
static td_partition *find_oldest(const td_retain *retain, td_segment *out) {
    td_partition *found = NULL;
    for (size_t t = 0; t < retain->topic_count; t++) {
        const td_segment_topic *topic = retain->topics[t];
        if (is_kept(topic) || !is_ours(retain, topic)) continue;
        for (uint32_t i = 0; i < topic->base.partitions; i++) {
            td_segment segment;
            if (!td_partition_oldest(topic->partitions[i], &segment)) continue;
            if (found != NULL && segment.max_timestamp_ms >= out->max_timestamp_ms) continue;
            found = topic->partitions[i];
            *out = segment;
        }
    }
    return found;
}

static td_status shrink(const td_retain *retain, int64_t to_bytes) {
    td_segment segment;
    td_partition *oldest;
    td_status status = TD_OK;
    while (status == TD_OK && total_bytes(retain) > to_bytes && (oldest = find_oldest(retain, &segment)) != NULL)
        status = td_partition_retire(oldest);
    return status;
}

td_status td_retain_release(const td_retain *retain, int64_t bytes, int64_t *out_freed) {
    int64_t before = total_bytes(retain);
    *out_freed = 0;
    if (retain->bytes <= 0 && retain->ms <= 0) return TD_OK;
    td_status status = shrink(retain, before - bytes);
    *out_freed = before - total_bytes(retain);
    return status;
}

static td_status age(const td_retain *retain, int64_t now_ms, int64_t segment_ms) {
    int64_t begun_before_ms = segment_ms > 0 ? now_ms - segment_ms : INT64_MIN;
    int64_t too_old_ms = retain->ms > 0 ? now_ms - retain->ms : INT64_MIN;
    td_status status = TD_OK;
    for (size_t t = 0; t < retain->topic_count && status == TD_OK; t++) {
        const td_segment_topic *topic = retain->topics[t];
        if (is_kept(topic) || !is_ours(retain, topic)) continue;
        for (uint32_t p = 0; p < topic->base.partitions && status == TD_OK; p++)
            status = td_partition_roll_aged(topic->partitions[p], begun_before_ms, too_old_ms);
    }
    td_segment segment;
    td_partition *oldest;
    while (status == TD_OK && (oldest = find_oldest(retain, &segment)) != NULL && segment.max_timestamp_ms < too_old_ms)
        status = td_partition_retire(oldest);
    return status;
}

td_status td_retain_all(const td_retain *retain, int64_t now_ms, int64_t segment_ms) {
    td_status status = age(retain, now_ms, segment_ms);
    return status == TD_OK && retain->bytes > 0 ? shrink(retain, retain->bytes) : status;
}
