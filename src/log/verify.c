/* src/log/verify.c - reading all of a partition to see that every record and every index entry is what it should be. */
#include "log/log_private.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { PROGRESS_EVERY_BYTES = 16 * 1024 * 1024, INDEX_MAX_BYTES = 64 * 1024 * 1024 };

typedef struct check {
    td_partition *p;
    const td_verify_conf *conf;
    td_verify *out;
    td_packer packer;
    td_scan scan;
    int64_t base_offset; /* of the segment */
    td_buf index;        /* its `.index`, and how far it is compared */
    size_t index_at;
    int64_t progress_bytes;
} check;

static void say(check *c, int64_t *count, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(check *c, int64_t *count, const char *fmt, ...) {
    ++*count;
    if (c->conf->report == NULL) return;
    char text[256], line[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "%s: %s", c->p->name, text);
    c->conf->report(c->conf->arg, line);
}

/* Empty and *out_there false when it is missing. */
static td_status load_index(check *c, const char *suffix, td_buf *out, bool *out_there) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 16];
    td_partition_stem(c->p, c->base_offset, stem);
    (void)snprintf(path, sizeof path, "%s%s", stem, suffix);
    out->size = 0;
    *out_there = c->p->os->ops->exists(c->p->os->self, path);
    return *out_there ? td_os_read_file(c->p->os, path, INDEX_MAX_BYTES, out) : TD_OK;
}

/* Entries at this batch or before it: each must be exactly one batch. */
static void check_index(check *c, const td_head *head, int64_t position) {
    for (; c->index_at + TD_INDEX_ENTRY_BYTES <= c->index.size; c->index_at += TD_INDEX_ENTRY_BYTES) {
        const uint8_t *entry = c->index.data + c->index_at;
        int64_t at = td_get_be32(entry + 4), offset = c->base_offset + td_get_be32(entry);
        if (at > position) return;
        if (at == position && offset == td_head_next_offset(head) - 1) continue;
        say(c, &c->out->index_errors,
            "index of segment %" PRId64 " places offset %" PRId64 " at byte %" PRId64 " wrongly", c->base_offset,
            offset, at);
    }
}

static void check_times(check *c, const td_buf *times) {
    int64_t last_ms = INT64_MIN, last_offset = -1;
    for (size_t at = 0; at + TD_TIME_ENTRY_BYTES <= times->size; at += TD_TIME_ENTRY_BYTES) {
        int64_t ms = (int64_t)td_get_be64(times->data + at), offset = td_get_be32(times->data + at + 8);
        if (ms <= last_ms || offset <= last_offset) {
            say(c, &c->out->index_errors, "time index of segment %" PRId64 " does not ascend at byte %zu",
                c->base_offset, at);
            return;
        }
        last_ms = ms;
        last_offset = offset;
    }
}

/* Without either of them both are built anew by the next writer, which also drops what a failed sync made doubtful:
 * nobody relies on what is left, so it is no error. */
static td_status open_indexes(check *c) {
    td_buf times = {0};
    bool offsets_there, times_there = false;
    td_status status = load_index(c, ".index", &c->index, &offsets_there);
    if (status == TD_OK) status = load_index(c, ".timeindex", &times, &times_there);
    if (status == TD_OK && offsets_there && times_there) {
        check_times(c, &times);
    } else {
        c->index.size = 0;
        c->out->unindexed++;
    }
    td_buf_fini(&times);
    return status;
}

static td_status check_records(check *c, const td_head *head, const uint8_t *bytes) {
    td_status status = td_packer_check(&c->packer, head, bytes);
    if (status == TD_OK) c->out->records += head->records;
    if (status == TD_OK) c->out->lost += head->count - head->records;
    if (status != TD_CORRUPT) return status;
    say(c, &c->out->corrupt, "the batch at offset %" PRId64 " holds what are not records", head->base_offset);
    return TD_OK;
}

static td_status check_batch(check *c, const td_head *head, const uint8_t *bytes) {
    c->out->batches++;
    c->out->bytes += head->size_bytes;
    check_index(c, head, c->scan.position - head->size_bytes);
    if (c->conf->progress != NULL && c->out->bytes - c->progress_bytes >= PROGRESS_EVERY_BYTES) {
        c->progress_bytes = c->out->bytes;
        c->conf->progress(c->conf->arg, c->out->bytes);
    }
    return check_records(c, head, bytes);
}

/* The batches of one segment up to `limit`. Stops without an error where the last one ends, or at what is damaged to
 * the end of the file. */
static td_status check_batches(check *c, int64_t limit) {
    while (c->scan.position < limit) {
        td_head head;
        const uint8_t *bytes;
        td_status status = td_scan_next(&c->scan, &head, &bytes);
        if (status == TD_OK)
            status = check_batch(c, &head, bytes);
        else if (status == TD_CORRUPT) {
            say(c, &c->out->corrupt, "corrupt batch at offset %" PRId64 ", byte %" PRId64 " of segment %" PRId64,
                c->scan.offset, c->scan.position, c->base_offset);
            status = td_scan_skip(&c->scan);
        }
        if (status == TD_AGAIN) break;
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

static td_status check_segment(check *c, td_segment segment, bool active) {
    c->base_offset = segment.base_offset;
    c->index_at = 0;
    c->scan.position = 0;
    c->scan.offset = segment.base_offset;
    td_status status = td_partition_file(c->p, segment.base_offset, TD_OPEN_READ, &c->scan.window.file);
    if (status == TD_CONFIG && c->p->bytes == 0) return TD_OK; /* another process is just making the partition */
    if (status != TD_OK) return status;
    c->out->segments++;
    td_extent_move(&c->scan.window, c->scan.window.file);
    int64_t file_bytes = 0, limit = active ? c->p->active_bytes : INT64_MAX;
    status = open_indexes(c);
    if (status == TD_OK) status = check_batches(c, limit);
    if (status == TD_OK) status = c->p->os->ops->size(c->p->os->self, c->scan.window.file, &file_bytes);
    if (active && file_bytes > limit) c->out->torn_bytes += file_bytes - limit;
    if (!active && c->index_at != c->index.size) {
        say(c, &c->out->index_errors, "index of segment %" PRId64 " goes on behind its records", c->base_offset);
    }
    c->p->os->ops->close(c->p->os->self, c->scan.window.file);
    return status;
}

td_status td_segment_verify(const td_topic *topic, uint32_t partition, const td_verify_conf *conf, td_verify *out) {
    td_partition *p = td_topic_partition(topic, partition);
    check c = {.p = p, .conf = conf, .out = out, .scan.window.os = p->os};
    *out = (td_verify){0};
    int64_t end = p->end;
    td_segment segment = td_partition_segment(p, p->start), last = td_partition_segment(p, end);
    td_status status = TD_OK;
    while (status == TD_OK) {
        bool active = segment.base_offset == last.base_offset;
        status = check_segment(&c, segment, active);
        if (status != TD_OK || active) break;
        segment = td_partition_after(p, segment.base_offset);
        if (c.scan.offset != segment.base_offset) {
            say(&c, &out->corrupt, "offsets %" PRId64 " to %" PRId64 " are missing", c.scan.offset,
                segment.base_offset - 1);
        }
    }
    if (status == TD_OK && p->conf.trusted_offset != INT64_MAX && end < p->conf.trusted_offset) {
        say(&c, &out->corrupt, "offsets %" PRId64 " to %" PRId64 " were synced and are missing", end,
            p->conf.trusted_offset - 1);
    }
    td_packer_fini(&c.packer);
    td_extent_fini(&c.scan.window);
    td_buf_fini(&c.index);
    if (status != TD_OK) return status;
    return out->corrupt > 0 || out->index_errors > 0 ? TD_CORRUPT : TD_OK;
}
