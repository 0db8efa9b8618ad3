/* src/log/index.c - writing and searching the sparse indexes. */
#include "log/index.h"
#include <stdio.h>

enum { STEM_MAX = 1024 };

static td_status open_one(const td_os *os, const char *stem, const char *suffix, td_open_mode mode, int *out) {
    char path[STEM_MAX + 16];
    (void)snprintf(path, sizeof path, "%s%s", stem, suffix);
    return os->ops->open(os->self, path, mode, out);
}

static void close_one(const td_os *os, int *file) {
    if (*file >= 0) os->ops->close(os->self, *file);
    *file = -1;
}

void td_index_close(td_index *index) {
    close_one(index->os, &index->offset_file);
    close_one(index->os, &index->time_file);
}

static td_status open_both(td_index *out, const td_os *os, const char *stem, int64_t base_offset) {
    *out = (td_index){.os = os, .base_offset = base_offset, .offset_file = -1, .time_file = -1};
    out->max_timestamp_ms = out->last_timestamp_ms = INT64_MIN;
    td_status status = open_one(os, stem, ".index", TD_OPEN_CREATE, &out->offset_file);
    if (status == TD_OK) status = open_one(os, stem, ".timeindex", TD_OPEN_CREATE, &out->time_file);
    return status;
}

td_status td_index_create(td_index *out, const td_os *os, const char *stem, int64_t base_offset) {
    td_status status = open_both(out, os, stem, base_offset);
    if (status == TD_OK) status = os->ops->truncate(os->self, out->offset_file, 0);
    if (status == TD_OK) status = os->ops->truncate(os->self, out->time_file, 0);
    out->unsynced = true;
    if (status != TD_OK) td_index_close(out);
    return status;
}

/* The last entry of a time index of that size; INT64_MIN: empty. */
static td_status last_time(const td_os *os, int file, int64_t file_bytes, int64_t *out_ms, uint32_t *out_offset) {
    uint8_t entry[TD_TIME_ENTRY_BYTES] = {0};
    size_t got;
    *out_ms = INT64_MIN;
    *out_offset = 0;
    if (file_bytes < TD_TIME_ENTRY_BYTES) return TD_OK;
    td_status status = td_os_read_full(os, file, entry, sizeof entry, file_bytes - TD_TIME_ENTRY_BYTES, &got);
    if (status != TD_OK) return status;
    *out_ms = (int64_t)td_get_be64(entry);
    *out_offset = td_get_be32(entry + 8);
    return TD_OK;
}

td_status td_index_continue(td_index *out, const td_os *os, const char *stem, int64_t base_offset) {
    uint32_t relative;
    td_status status = open_both(out, os, stem, base_offset);
    if (status == TD_OK) status = os->ops->size(os->self, out->offset_file, &out->offset_bytes);
    if (status == TD_OK) status = os->ops->size(os->self, out->time_file, &out->time_bytes);
    if (status == TD_OK) status = last_time(os, out->time_file, out->time_bytes, &out->last_timestamp_ms, &relative);
    if (status == TD_OK) {
        out->max_timestamp_ms = out->last_timestamp_ms;
        out->max_timestamp_offset = base_offset + relative;
    }
    if (status != TD_OK) td_index_close(out);
    return status;
}

/* Kafka's rule: a time entry only when the greatest timestamp has grown since the last one. */
static void add_time(td_index *index) {
    if (index->max_timestamp_ms <= index->last_timestamp_ms) return;
    if (index->time_pending_bytes == sizeof index->time_pending) return;
    uint8_t *entry = index->time_pending + index->time_pending_bytes;
    td_put_be64(entry, (uint64_t)index->max_timestamp_ms);
    td_put_be32(entry + 8, (uint32_t)(index->max_timestamp_offset - index->base_offset));
    index->time_pending_bytes += TD_TIME_ENTRY_BYTES;
    index->last_timestamp_ms = index->max_timestamp_ms;
}

static td_status write_pending(td_index *index, int file, uint8_t *pending, size_t *pending_bytes, int64_t *written) {
    if (*pending_bytes == 0) return TD_OK;
    index->unsynced = true;
    td_status status = td_os_write_full(index->os, file, pending, *pending_bytes, *written);
    if (status != TD_OK) return status;
    *written += (int64_t)*pending_bytes;
    *pending_bytes = 0;
    return TD_OK;
}

static td_status flush(td_index *index) {
    td_status status = write_pending(index, index->offset_file, index->offset_pending, &index->offset_pending_bytes,
                                     &index->offset_bytes);
    if (status != TD_OK) return status;
    return write_pending(index, index->time_file, index->time_pending, &index->time_pending_bytes, &index->time_bytes);
}

void td_index_add(td_index *index, const td_head *head, int64_t position) {
    int64_t last_offset = td_head_next_offset(head) - 1;
    if (head->max_timestamp_ms > index->max_timestamp_ms) {
        index->max_timestamp_ms = head->max_timestamp_ms;
        index->max_timestamp_offset = last_offset;
    }
    bool due = index->unindexed_bytes > TD_INDEX_EVERY_BYTES;
    /* When nothing can be written the index gets sparser, and the next batch tries again. */
    if (due && (index->offset_pending_bytes < sizeof index->offset_pending || flush(index) == TD_OK)) {
        uint8_t *entry = index->offset_pending + index->offset_pending_bytes;
        td_put_be32(entry, (uint32_t)(last_offset - index->base_offset));
        td_put_be32(entry + 4, (uint32_t)position);
        index->offset_pending_bytes += TD_INDEX_ENTRY_BYTES;
        add_time(index);
        index->unindexed_bytes = 0;
    }
    index->unindexed_bytes += head->size_bytes;
}

td_status td_index_sync(td_index *index) {
    td_status status = flush(index);
    if (status != TD_OK || !index->unsynced) return status;
    if (index->suspect) return TD_FAIL(TD_RETRY, "an earlier sync of the index failed");
    status = index->os->ops->sync(index->os->self, index->offset_file);
    if (status == TD_OK) status = index->os->ops->sync(index->os->self, index->time_file);
    index->unsynced = index->suspect = status != TD_OK;
    return status;
}

td_status td_index_finish(td_index *index) {
    td_status status = flush(index); /* room for one more */
    if (status != TD_OK) return status;
    add_time(index);
    return td_index_sync(index);
}

static td_index_entry find_in(const td_os *os, int file, td_index_field field, uint32_t limit) {
    td_index_entry found = {0, 0};
    int64_t file_bytes;
    if (os->ops->size(os->self, file, &file_bytes) != TD_OK) return found;
    for (int64_t low = 0, high = file_bytes / TD_INDEX_ENTRY_BYTES; low < high;) { /* entries before low: <= limit */
        int64_t middle = low + (high - low) / 2;
        uint8_t entry[TD_INDEX_ENTRY_BYTES];
        size_t got;
        td_status status = td_os_read_full(os, file, entry, sizeof entry, middle * TD_INDEX_ENTRY_BYTES, &got);
        if (status != TD_OK || got != sizeof entry) return found;
        if (td_get_be32(entry + field) > limit) {
            high = middle;
        } else {
            found = (td_index_entry){td_get_be32(entry), td_get_be32(entry + 4)};
            low = middle + 1;
        }
    }
    return found;
}

td_index_entry td_index_find(const td_os *os, const char *stem, td_index_field field, uint32_t limit) {
    int file;
    if (open_one(os, stem, ".index", TD_OPEN_READ, &file) != TD_OK) return (td_index_entry){0, 0};
    td_index_entry found = find_in(os, file, field, limit);
    os->ops->close(os->self, file);
    return found;
}

static td_status find_time_in(const td_os *os, int file, int64_t timestamp_ms, td_time_entry *out) {
    int64_t file_bytes;
    td_status status = os->ops->size(os->self, file, &file_bytes);
    int64_t low = 0, high = status == TD_OK ? file_bytes / TD_TIME_ENTRY_BYTES : 0;
    while (low < high) { /* entries before low: below the timestamp; from high on: not */
        int64_t middle = low + (high - low) / 2;
        uint8_t entry[TD_TIME_ENTRY_BYTES];
        size_t got;
        status = td_os_read_full(os, file, entry, sizeof entry, middle * TD_TIME_ENTRY_BYTES, &got);
        if (status == TD_OK && got != sizeof entry) status = TD_CORRUPT;
        if (status != TD_OK) return status;
        int64_t at_ms = (int64_t)td_get_be64(entry);
        if (at_ms >= timestamp_ms) {
            high = middle;
            out->followed = true;
        } else {
            out->timestamp_ms = at_ms;
            out->relative_offset = td_get_be32(entry + 8);
            low = middle + 1;
        }
    }
    return status;
}

td_status td_index_find_time(const td_os *os, const char *stem, int64_t timestamp_ms, td_time_entry *out) {
    int file;
    *out = (td_time_entry){.timestamp_ms = INT64_MIN};
    if (open_one(os, stem, ".timeindex", TD_OPEN_READ, &file) != TD_OK) return TD_CORRUPT;
    td_status status = find_time_in(os, file, timestamp_ms, out);
    os->ops->close(os->self, file);
    return status;
}

/* Entries of a file, -1 when it is missing or torn. */
static int64_t entry_count(const td_os *os, const char *stem, const char *suffix, int64_t entry_bytes) {
    int file;
    int64_t file_bytes = -1;
    if (open_one(os, stem, suffix, TD_OPEN_READ, &file) != TD_OK) return -1;
    if (os->ops->size(os->self, file, &file_bytes) != TD_OK || file_bytes % entry_bytes != 0) file_bytes = -entry_bytes;
    os->ops->close(os->self, file);
    return file_bytes / entry_bytes;
}

bool td_index_whole(const td_os *os, const char *stem, td_index_entry *out_last) {
    int64_t offsets = entry_count(os, stem, ".index", TD_INDEX_ENTRY_BYTES);
    int64_t times = entry_count(os, stem, ".timeindex", TD_TIME_ENTRY_BYTES);
    if (offsets < 0 || times < 0 || (offsets > 0 && times == 0)) return false;
    *out_last = td_index_find(os, stem, TD_INDEX_BY_OFFSET, UINT32_MAX);
    return true;
}
