/* src/log/partition.c - appending to a partition, rolling it, making it durable and letting go of its oldest segments.
 */
#include "log/partition.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t load(_Atomic int64_t *value) { return atomic_load_explicit(value, memory_order_acquire); }
static void store(_Atomic int64_t *value, int64_t v) { atomic_store_explicit(value, v, memory_order_release); }

void td_partition_stem(const td_partition *p, int64_t base_offset, char out[TD_STEM_MAX]) {
    (void)snprintf(out, TD_STEM_MAX, "%s/%020" PRId64, p->dir, base_offset);
}

td_status td_partition_file(const td_partition *p, int64_t base_offset, td_open_mode mode, int *out_file) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 8];
    td_partition_stem(p, base_offset, stem);
    (void)snprintf(path, sizeof path, "%s.log", stem);
    return p->os->ops->open(p->os->self, path, mode, out_file);
}

td_status td_partition_remove(const td_partition *p, int64_t base_offset) {
    static const char *const suffixes[] = {".index", ".timeindex", ".log"}; /* the log last: it alone counts */
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 16];
    td_partition_stem(p, base_offset, stem);
    td_status status = TD_OK;
    for (size_t i = 0; i < 3 && status == TD_OK; i++) {
        (void)snprintf(path, sizeof path, "%s%s", stem, suffixes[i]);
        status = p->os->ops->remove(p->os->self, path);
    }
    /* One after the other, durably: a crash must not leave a hole in the row of segments. */
    return status == TD_OK ? p->os->ops->sync_dir(p->os->self, p->dir) : status;
}

void td_partition_report(const td_partition *p, const char *fmt, ...) {
    if (p->conf.report == NULL) return;
    td_buf line = {0};
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    td_buf_printf(&line, "%s: %s", p->name, text);
    td_buf_put(&line, "", 1);
    p->conf.report(p->conf.report_arg, (const char *)line.data);
    td_buf_fini(&line);
}

void td_partition_push(td_partition *p, td_segment segment) {
    pthread_mutex_lock(&p->list_lock);
    td_segment *segments = td_alloc((p->segment_count + 1) * sizeof *segments);
    if (p->segment_count > 0) memcpy(segments, p->segments, p->segment_count * sizeof *segments);
    segments[p->segment_count++] = segment;
    free(p->segments);
    p->segments = segments;
    pthread_mutex_unlock(&p->list_lock);
}

td_segment td_partition_segment(td_partition *p, int64_t offset) {
    td_segment found = {0};
    pthread_mutex_lock(&p->list_lock);
    for (size_t i = p->segment_count; i-- > 0;) { /* from the end: nearly all readers are near it */
        found = p->segments[i];
        if (found.base_offset <= offset) break;
    }
    pthread_mutex_unlock(&p->list_lock);
    return found;
}

td_segment td_partition_after(td_partition *p, int64_t base_offset) {
    td_segment found = {0};
    pthread_mutex_lock(&p->list_lock);
    for (size_t i = 0; i < p->segment_count; i++) {
        found = p->segments[i];
        if (found.base_offset > base_offset) break;
    }
    pthread_mutex_unlock(&p->list_lock);
    return found;
}

/* --- durability ---------------------------------------------------------------------------------------------- */

td_status td_partition_rewrite(td_partition *p, int64_t from, int64_t to) {
    td_scan scan = {.window = {.os = p->os, .file = p->file}, .position = from, .offset = -1};
    td_status status = TD_OK;
    while (status == TD_OK && scan.position < to) {
        td_head head;
        const uint8_t *bytes;
        int64_t position = scan.position;
        status = td_scan_next(&scan, &head, &bytes);
        if (status == TD_CORRUPT || status == TD_AGAIN) {
            status = TD_FAIL(TD_CORRUPT,
                             "%s: the disk lost records that were appended, at byte %" PRId64 " of segment "
                             "%" PRId64,
                             p->name, position, p->index.base_offset);
        } else if (status == TD_OK) {
            status = td_os_write_full(p->os, p->file, bytes, (size_t)head.size_bytes, position);
        }
    }
    td_extent_fini(&scan.window);
    return status;
}

static td_status flush_locked(td_partition *p, int64_t end) {
    if (p->flushed_offset >= end) return TD_OK;
    td_status status = TD_OK;
    int64_t bytes = load(&p->written_bytes); /* at least up to `end`, which was read before */
    if (p->suspect) status = td_partition_rewrite(p, p->flushed_bytes, bytes);
    if (status == TD_OK) {
        status = p->os->ops->sync(p->os->self, p->file);
        p->suspect = status != TD_OK;
        if (p->suspect) atomic_store_explicit(&p->epoch_over, true, memory_order_release);
    }
    if (status != TD_OK) return td_trace(status, "syncing %s", p->name);
    p->flushed_offset = end;
    p->flushed_bytes = bytes;
    return TD_OK;
}

td_status td_partition_flush(td_partition *p, int64_t end) {
    pthread_mutex_lock(&p->file_lock);
    td_status status = flush_locked(p, end);
    pthread_mutex_unlock(&p->file_lock);
    return status;
}

static td_status cut_torn(td_partition *p) {
    if (!p->torn) return TD_OK;
    td_status status = p->os->ops->truncate(p->os->self, p->file, load(&p->written_bytes));
    p->torn = status != TD_OK;
    p->cut |= status == TD_OK;
    return td_trace(status, "removing a failed append from %s", p->name);
}

td_status td_partition_drop_index(td_partition *p, int64_t base_offset) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 16];
    td_partition_stem(p, base_offset, stem);
    (void)snprintf(path, sizeof path, "%s.timeindex", stem);
    td_status status = p->os->ops->remove(p->os->self, path);
    return status == TD_OK ? p->os->ops->sync_dir(p->os->self, p->dir) : status;
}

td_status td_partition_sync_index(td_partition *p, td_index *index, bool finished) {
    td_status status = finished ? td_index_finish(index) : td_index_sync(index);
    return index->suspect ? td_partition_drop_index(p, index->base_offset) : status;
}

/* An earlier sync may have made durable what was cut, and a failed one since then dropped the cut: it is made once
 * more, before anybody takes the file's size for its end. */
static td_status cut_durably(td_partition *p) {
    p->torn |= p->cut;
    td_status status = cut_torn(p);
    if (status == TD_OK && p->cut) status = p->os->ops->sync(p->os->self, p->file);
    p->cut &= status != TD_OK;
    return status;
}

td_status td_partition_settle(td_partition *p) {
    if (p->segment_count == 0) return TD_FAIL(TD_RETRY, "%s: a truncation stopped half-way", p->name);
    td_status status = cut_durably(p);
    return status == TD_OK ? td_partition_sync_index(p, &p->index, false) : status;
}

/* --- append --------------------------------------------------------------------------------------------------- */

/* A segment is born whole: its three files, empty, named durably, before anybody can see it. */
static td_status segment_create(td_partition *p, int64_t base_offset, int *out_file, td_index *out_index) {
    char stem[TD_STEM_MAX];
    td_partition_stem(p, base_offset, stem);
    td_status status = td_partition_file(p, base_offset, TD_OPEN_CREATE, out_file);
    if (status != TD_OK) return status;
    status = p->os->ops->truncate(p->os->self, *out_file, 0); /* an earlier try may have left it */
    if (status == TD_OK) status = td_index_create(out_index, p->os, stem, base_offset);
    if (status == TD_OK) {
        status = p->os->ops->sync_dir(p->os->self, p->dir);
        if (status != TD_OK) td_index_close(out_index);
    }
    if (status != TD_OK) p->os->ops->close(p->os->self, *out_file);
    return status;
}

static td_status roll_locked(td_partition *p, int64_t end) {
    int file;
    td_index index;
    td_status status = flush_locked(p, end);
    p->rolling = true;
    if (status == TD_OK) status = cut_durably(p);
    if (status == TD_OK) status = td_partition_sync_index(p, &p->index, true);
    if (status == TD_OK) status = segment_create(p, end, &file, &index);
    if (status != TD_OK) return td_trace(status, "rolling %s at offset %" PRId64, p->name, end);

    pthread_mutex_lock(&p->list_lock);
    td_segment *finished = &p->segments[p->segment_count - 1];
    finished->bytes = load(&p->active_bytes);
    finished->max_timestamp_ms = p->index.max_timestamp_ms;
    pthread_mutex_unlock(&p->list_lock);
    td_partition_push(p, (td_segment){.base_offset = end});

    p->os->ops->close(p->os->self, p->file);
    td_index_close(&p->index);
    p->file = file;
    p->index = index;
    p->flushed_bytes = 0;
    p->first_timestamp_ms = INT64_MAX;
    p->rolling = false;
    store(&p->written_bytes, 0);
    store(&p->active_bytes, 0);
    return TD_OK;
}

static bool must_roll(const td_partition *p, const td_head *head, int64_t active_bytes) {
    if (active_bytes == 0) return false;
    if (p->conf.segment_ms > 0 && p->first_timestamp_ms < head->max_timestamp_ms - p->conf.segment_ms) return true;
    return p->rolling || active_bytes + head->size_bytes > p->conf.segment_bytes ||
           td_head_next_offset(head) - p->index.base_offset > INT32_MAX; /* Kafka's relative offsets are signed */
}

/* A batch's last time is never below its predecessor's, whatever the clock does: time index and retention rest on it.
 */
static void keep_time(const td_partition *p, td_batch *batch) {
    if (batch->max_timestamp_ms >= p->last_timestamp_ms) return;
    batch->base_timestamp_ms += p->last_timestamp_ms - batch->max_timestamp_ms;
    batch->max_timestamp_ms = p->last_timestamp_ms;
}

/* After a failed sync nobody knows what of the epoch is on the disk: it ends here, and a crash that takes some of it
 * never makes two records of one position. */
static td_status end_epoch(td_partition *p) {
    if (!atomic_load_explicit(&p->epoch_over, memory_order_acquire)) return TD_OK;
    atomic_store_explicit(&p->epoch_over, false, memory_order_release); /* before: another sync may fail meanwhile */
    td_status status = td_partition_begin_epoch(p, load(&p->end));
    if (status != TD_OK) atomic_store_explicit(&p->epoch_over, true, memory_order_release);
    if (status == TD_OK)
        td_partition_report(p, "a sync failed: epoch %" PRId32 " begins at offset %" PRId64, td_epochs_last(&p->epochs),
                            load(&p->end));
    return status;
}

/* Never inside of a transaction: what is aborted lies in one file and in one epoch. */
static td_status make_room(td_partition *p, const td_head *head) {
    int64_t bytes = load(&p->written_bytes);
    if (p->unpublished.size > 0) {
        if (bytes + head->size_bytes <= INT32_MAX) return TD_OK; /* what an index can name */
        return TD_FAIL(TD_REJECT, "%s: a transaction is too large", p->name);
    }
    if (!must_roll(p, head, bytes)) return TD_OK;
    pthread_mutex_lock(&p->file_lock);
    td_status status = roll_locked(p, head->base_offset);
    pthread_mutex_unlock(&p->file_lock);
    return status;
}

static td_status append_locked(td_partition *p, td_batch *batch) {
    td_status status = cut_torn(p);
    if (status == TD_OK && p->unpublished.size == 0) status = end_epoch(p);
    if (status != TD_OK) return status;
    keep_time(p, batch);

    td_unpublished written = {
        .head = {.base_offset = p->next_offset, .epoch = td_epochs_last(&p->epochs), .codec = p->conf.codec}};
    const uint8_t *bytes = td_batch_seal(batch, &p->packer, &written.head);
    status = make_room(p, &written.head);
    if (status != TD_OK) return status;
    written.position = load(&p->written_bytes);
    status = td_os_write_full(p->os, p->file, bytes, (size_t)written.head.size_bytes, written.position);
    if (status != TD_OK) {
        p->torn = true; /* nobody reads behind the end; the next append cuts it first */
        return td_trace(status, "appending to %s", p->name);
    }
    td_buf_put(&p->unpublished, &written, sizeof written);
    if (p->first_timestamp_ms == INT64_MAX) p->first_timestamp_ms = written.head.base_timestamp_ms;
    p->last_timestamp_ms = written.head.max_timestamp_ms;
    p->next_offset = td_head_next_offset(&written.head);
    store(&p->written_bytes, written.position + written.head.size_bytes);
    return TD_OK;
}

td_status td_partition_append(td_partition *p, td_batch *batch) {
    assert(batch->count > 0 && !p->conf.read_only);
    if (batch->bytes.size > TD_BATCH_MAX_BYTES) {
        return TD_FAIL(TD_REJECT, "%s: a batch of %zu bytes is too large", p->name, batch->bytes.size);
    }
    pthread_mutex_lock(&p->append_lock);
    td_status status = append_locked(p, batch);
    pthread_mutex_unlock(&p->append_lock);
    return status;
}

void td_partition_publish(td_partition *p) {
    int64_t bytes = load(&p->written_bytes);
    atomic_fetch_add_explicit(&p->bytes, bytes - load(&p->active_bytes), memory_order_relaxed);
    store(&p->active_bytes, bytes);
    store(&p->end, p->next_offset);
}

void td_partition_index(td_partition *p) {
    pthread_mutex_lock(&p->append_lock);
    for (size_t at = 0; at < p->unpublished.size; at += sizeof(td_unpublished)) {
        td_unpublished written;
        memcpy(&written, p->unpublished.data + at, sizeof written);
        td_index_add(&p->index, &written.head, written.position);
    }
    p->unpublished.size = 0;
    pthread_mutex_unlock(&p->append_lock);
}

void td_partition_abort(td_partition *p) {
    pthread_mutex_lock(&p->append_lock);
    pthread_mutex_lock(&p->file_lock); /* a sync may be writing again what is written */
    int64_t bytes = load(&p->active_bytes);
    store(&p->written_bytes, bytes);
    if (p->flushed_bytes > bytes) p->flushed_bytes = bytes;
    pthread_mutex_unlock(&p->file_lock);
    p->next_offset = load(&p->end);
    p->unpublished.size = 0;
    p->torn = true;
    (void)cut_torn(p);
    pthread_mutex_unlock(&p->append_lock);
}

td_status td_partition_roll_aged(td_partition *p, int64_t begun_before_ms, int64_t quiet_since_ms) {
    if (pthread_mutex_trylock(&p->append_lock) != 0) return TD_OK;
    bool aged = p->first_timestamp_ms < begun_before_ms || p->last_timestamp_ms < quiet_since_ms;
    td_status status = TD_OK;
    if (aged && p->unpublished.size == 0 && load(&p->active_bytes) > 0) {
        status = cut_torn(p);
        pthread_mutex_lock(&p->file_lock);
        if (status == TD_OK) status = roll_locked(p, load(&p->end));
        pthread_mutex_unlock(&p->file_lock);
    }
    pthread_mutex_unlock(&p->append_lock);
    return status;
}

/* --- retention ------------------------------------------------------------------------------------------------ */

bool td_partition_oldest(td_partition *p, td_segment *out) {
    pthread_mutex_lock(&p->list_lock);
    bool found = p->segment_count > 1 && p->segments[1].base_offset <= load(&p->synced);
    if (found) *out = p->segments[0];
    pthread_mutex_unlock(&p->list_lock);
    return found;
}

td_status td_partition_retire(td_partition *p) {
    pthread_mutex_lock(&p->list_lock);
    assert(p->segment_count > 1);
    td_segment oldest = p->segments[0];
    store(&p->start, p->segments[1].base_offset); /* readers leave before the files go */
    pthread_mutex_unlock(&p->list_lock);

    td_status status = td_partition_remove(p, oldest.base_offset);
    if (status != TD_OK) return td_trace(status, "removing the oldest segment of %s", p->name);

    pthread_mutex_lock(&p->list_lock);
    p->segment_count--;
    memmove(p->segments, p->segments + 1, p->segment_count * sizeof *p->segments);
    pthread_mutex_unlock(&p->list_lock);
    atomic_fetch_sub_explicit(&p->bytes, oldest.bytes, memory_order_relaxed);
    return TD_OK;
}
