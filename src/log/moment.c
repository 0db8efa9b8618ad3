/* src/log/moment.c - the offset of a moment: segment by its last time, batch by its time index, record by reading. */
#include "log/log_private.h"

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }

/* The first record of a batch at or after the time: there is one. */
static td_status find_record(const td_head *head, const uint8_t *bytes, int64_t timestamp_ms, int64_t *out) {
    td_packer packer = {0};
    td_bytes records;
    td_status status = td_packer_records(&packer, head, bytes, &records);
    td_cursor cursor = td_head_cursor(head, records);
    td_record record = {.timestamp_ms = INT64_MIN, .offset = head->base_offset};
    while (status == TD_OK && record.timestamp_ms < timestamp_ms && td_cursor_next(&cursor, &record)) continue;
    *out = record.offset;
    td_packer_fini(&packer);
    return status;
}

/* From the batch at the scan's position on. TD_AGAIN: none up to `limit`. */
static td_status find_batch(td_scan *scan, int64_t limit, int64_t timestamp_ms, int64_t *out) {
    while (scan->position < limit) {
        td_head head;
        const uint8_t *bytes;
        td_status status = td_extent_head(&scan->window, scan->position, &head);
        if (status != TD_OK) return status;
        if (head.records > 0 && head.max_timestamp_ms >= timestamp_ms) {
            status = td_extent_batch(&scan->window, scan->position, &head, &bytes);
            return status == TD_OK ? find_record(&head, bytes, timestamp_ms, out) : status;
        }
        scan->position += head.size_bytes;
    }
    return TD_AGAIN;
}

/* TD_AGAIN: it is not in this segment. */
static td_status find_in_segment(td_partition *p, td_segment segment, bool active, int64_t timestamp_ms, int64_t *out) {
    char stem[TD_STEM_MAX];
    td_time_entry entry;
    td_scan scan = {.window.os = p->os};
    td_partition_stem(p, segment.base_offset, stem);
    td_status status = td_index_find_time(p->os, stem, timestamp_ms, &entry);
    if (status == TD_RETRY) return status;
    if (status == TD_OK && !active && !entry.followed)
        return TD_AGAIN; /* a finished one's last entry is its last time */
    if (status == TD_OK && entry.timestamp_ms != INT64_MIN)
        scan.position = td_index_find(p->os, stem, TD_INDEX_BY_OFFSET, entry.relative_offset).position;
    status = td_partition_file(p, segment.base_offset, TD_OPEN_READ, &scan.window.file);
    if (status != TD_OK) return segment.base_offset < load(&p->start) ? TD_AGAIN : status; /* retention was faster */
    status = find_batch(&scan, active ? load(&p->active_bytes) : INT64_MAX, timestamp_ms, out);
    p->os->ops->close(p->os->self, scan.window.file);
    td_extent_fini(&scan.window);
    return status;
}

td_status td_segment_at_time(const td_topic *topic, uint32_t partition, int64_t timestamp_ms, int64_t *out_offset) {
    td_partition *p = td_topic_partition(topic, partition);
    int64_t end = td_partition_end(p), last = td_partition_segment(p, end).base_offset;
    td_segment segment = td_partition_segment(p, load(&p->start));
    for (;; segment = td_partition_after(p, segment.base_offset)) {
        bool active = segment.base_offset >= last;
        td_status status = find_in_segment(p, segment, active, timestamp_ms, out_offset);
        if (status == TD_CORRUPT)
            return TD_FAIL(TD_CORRUPT, "%s: damage in segment %lld hides where that time is; run `tapedeck log verify`",
                           p->name, (long long)segment.base_offset);
        if (status != TD_AGAIN) return status;
        if (active) break;
    }
    *out_offset = end;
    return TD_OK;
}
