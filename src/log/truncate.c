/* src/log/truncate.c - removing the end of a partition so that a crash at any moment leaves it before or after. */
#include "log/partition.h"
#include <inttypes.h>
#include <stdio.h>

typedef struct cut { /* where an offset lies */
    int64_t position;
    bool straddles; /* the offset is inside the batch there, and `kept` is what stays of it */
    td_buf kept;
} cut;

/* The records below `offset` as a batch of their own: a prefix of the records' bytes, with a new head. */
static td_status shorten(const td_head *head, const uint8_t *bytes, int64_t offset, td_buf *out) {
    td_packer packer = {0};
    td_bytes records;
    td_status status = td_packer_records(&packer, head, bytes, &records);
    td_cursor cursor = td_head_cursor(head, records);
    td_head kept = *head;
    kept.codec = TD_CODEC_NONE;
    kept.count = (int32_t)(offset - head->base_offset);
    kept.records = head->records == 0 ? 0 : kept.count;
    if (kept.records > 0) kept.max_timestamp_ms = INT64_MIN;
    while (status == TD_OK && kept.records > 0 && cursor.offset < offset) {
        td_record record;
        if (!td_cursor_next(&cursor, &record))
            status = TD_CORRUPT;
        else if (record.timestamp_ms > kept.max_timestamp_ms)
            kept.max_timestamp_ms = record.timestamp_ms;
    }
    if (status == TD_OK) {
        size_t records_bytes = (size_t)(cursor.at - records.data);
        td_buf_reserve(out, TD_BATCH_HEADER_BYTES + records_bytes);
        memcpy(out->data + TD_BATCH_HEADER_BYTES, records.data, records_bytes);
        out->size = TD_BATCH_HEADER_BYTES + records_bytes;
        kept.size_bytes = (int64_t)out->size;
        td_head_put(&kept, out->data);
    }
    td_packer_fini(&packer);
    return status;
}

static td_status find_cut(td_partition *p, int64_t base_offset, int64_t offset, cut *out) {
    char stem[TD_STEM_MAX];
    td_partition_stem(p, base_offset, stem);
    td_scan scan = {.window.os = p->os, .offset = -1};
    td_status status = td_partition_file(p, base_offset, TD_OPEN_READ, &scan.window.file);
    if (status != TD_OK) return status;
    uint32_t relative = (uint32_t)(offset - base_offset);
    scan.position = relative == 0 ? 0 : td_index_find(p->os, stem, TD_INDEX_BY_OFFSET, relative - 1).position;
    td_head head = {0};
    const uint8_t *bytes = NULL;
    do {
        out->position = scan.position;
        status = td_scan_next(&scan, &head, &bytes);
    } while (status == TD_OK && td_head_next_offset(&head) <= offset);

    if (status == TD_OK && head.base_offset < offset) {
        out->straddles = true;
        status = shorten(&head, bytes, offset, &out->kept);
    }
    if (status == TD_AGAIN) status = TD_OK; /* the offset is the segment's end */
    if (status == TD_CORRUPT) status = TD_FAIL(TD_CORRUPT, "%s: corrupt batch before offset %" PRId64, p->name, offset);
    p->os->ops->close(p->os->self, scan.window.file);
    td_extent_fini(&scan.window);
    return status;
}

/* What stays of a batch becomes a segment of its own, whole, before the old one is cut there: at any moment one of the
 * two holds those records, and opening the partition knows what to do with an old segment that reaches too far. */
static td_status put_kept(td_partition *p, const cut *c) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 8];
    td_partition_stem(p, (int64_t)td_get_be64(c->kept.data), stem); /* its first field: the base offset */
    (void)snprintf(path, sizeof path, "%s.log", stem);
    return td_os_replace_file(p->os, path, td_buf_bytes(&c->kept));
}

static td_status cut_segment(td_partition *p, int64_t base_offset, int64_t offset) {
    cut c = {0};
    td_status status = find_cut(p, base_offset, offset, &c);
    if (status == TD_OK && c.straddles) status = put_kept(p, &c);
    if (status == TD_OK && !(c.straddles && c.position == 0)) {
        int file;
        status = td_partition_file(p, base_offset, TD_OPEN_WRITE, &file);
        if (status == TD_OK) {
            status = p->os->ops->truncate(p->os->self, file, c.position);
            if (status == TD_OK) status = p->os->ops->sync(p->os->self, file);
            p->os->ops->close(p->os->self, file);
        }
    }
    td_buf_fini(&c.kept);
    return status;
}

static td_status truncate_locked(td_partition *p, int64_t offset) {
    td_status status = td_partition_settle(p);
    size_t last = p->segment_count - 1;
    for (; status == TD_OK && last > 0 && p->segments[last].base_offset >= offset; last--) {
        status = td_partition_remove(p, p->segments[last].base_offset);
    }
    int64_t base_offset = p->segments[last].base_offset;
    /* Its time index may know a timestamp that will be gone. */
    if (status == TD_OK) status = td_partition_drop_index(p, base_offset);
    if (status == TD_OK) status = cut_segment(p, base_offset, offset);
    /* A new epoch, whatever the old one holds: the offsets removed will be used again for other records. */
    td_status reloaded = td_partition_reload(p, true);
    return status == TD_OK ? reloaded : status;
}

td_status td_partition_truncate(td_partition *p, int64_t offset) {
    td_status status = TD_OK;
    if (p->segment_count == 0) status = td_partition_reload(p, true); /* an earlier try failed half-way */
    if (offset < p->start) offset = p->start;
    if (status != TD_OK || offset >= p->end) return status;
    status = td_partition_flush(p, p->end);
    if (status != TD_OK) return status;
    pthread_mutex_lock(&p->file_lock);
    status = truncate_locked(p, offset);
    pthread_mutex_unlock(&p->file_lock);
    return td_trace(status, "truncating %s to offset %" PRId64, p->name, offset);
}
