/* src/log/repair.c - finding what is damaged in each segment, and writing the segment anew without it. */
#include "log/repair.h"
#include "log/checkpoint.h"
#include "log/folder.h"
#include "log/log_segment.h"
#include "log/partition.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct damage {
    int64_t position, bytes; /* in the segment's file */
    int64_t offset, count;   /* that are lost with it; 0: what follows is the end, nobody knows */
    int32_t epoch;           /* of the batch before, as the timestamp */
    int64_t timestamp_ms;
} damage;

typedef struct repair {
    const td_os *os;
    const td_repair_conf *conf;
    td_repair *out;
    int lock_file;
    td_checkpoint promised;
    bool clean, changed;
    td_partition p; /* of it only what names files */
    td_buf bases;   /* int64_t each: its segments, ascending */
    td_buf damages; /* of one segment */
    damage next;    /* epoch and timestamp of the partition's last sound batch, over its segments */
    td_packer packer;
    td_scan scan;
} repair;

static size_t damage_count(const repair *r) { return r->damages.size / sizeof(damage); }
static const damage *damage_at(const repair *r, size_t i) { return (const damage *)(const void *)r->damages.data + i; }

/* --- finding -------------------------------------------------------------------------------------------------- */

/* The batch that comes next; TD_CORRUPT also when its records are none. */
static td_status next_sound(repair *r, td_head *head) {
    const uint8_t *bytes;
    td_scan before = r->scan;
    td_status status = td_scan_next(&r->scan, head, &bytes);
    if (status == TD_OK) status = td_packer_check(&r->packer, head, bytes);
    if (status != TD_CORRUPT) return status;
    r->scan.position = before.position;
    r->scan.offset = before.offset;
    return status;
}

/* Behind the damage. Without a promise for its offset, what follows a loss goes with it: a crash may have lost any part
 * of it, and opening would cut it as well. */
static td_status pass_damage(repair *r, damage *d, int64_t trusted_offset, int64_t file_bytes) {
    td_status status = d->offset < trusted_offset ? td_scan_skip(&r->scan) : TD_AGAIN;
    if (status == TD_OK) {
        d->bytes = r->scan.position - d->position;
        d->count = r->scan.offset - d->offset;
    } else if (status == TD_AGAIN) {
        r->scan.position = file_bytes;
        d->bytes = file_bytes - d->position;
    }
    return status;
}

/* All damage of one segment. One that ends before the next begins has lost the offsets between. */
static td_status find_damage(repair *r, int64_t stop_offset, int64_t trusted_offset) {
    damage *d = &r->next;
    int64_t file_bytes;
    r->damages.size = 0;
    td_status status = r->os->ops->size(r->os->self, r->scan.window.file, &file_bytes);
    while (status == TD_OK && r->scan.offset < stop_offset) {
        td_head head;
        status = next_sound(r, &head);
        if (status == TD_OK) {
            d->epoch = head.epoch;
            d->timestamp_ms = head.max_timestamp_ms;
            r->out->records += head.records;
        }
        if (status != TD_CORRUPT) continue;
        d->position = r->scan.position;
        d->offset = r->scan.offset;
        d->count = 0;
        status = pass_damage(r, d, trusted_offset, file_bytes);
        if (status == TD_OK || status == TD_AGAIN) td_buf_put(&r->damages, d, sizeof *d);
    }
    if (status != TD_AGAIN && status != TD_OK) return status;
    if (stop_offset == INT64_MAX || r->scan.offset >= stop_offset) return TD_OK;
    if (damage_count(r) > 0 && damage_at(r, damage_count(r) - 1)->count == 0) { /* the end is known after all */
        r->damages.size -= sizeof *d;
    } else {
        d->position = r->scan.position;
        d->bytes = 0;
        d->offset = r->scan.offset;
    }
    d->count = stop_offset - d->offset;
    td_buf_put(&r->damages, d, sizeof *d);
    return TD_OK;
}

/* --- moving --------------------------------------------------------------------------------------------------- */

static td_status copy_bytes(repair *r, int to, int64_t *to_position, int64_t from, int64_t bytes) {
    td_buf part = {0};
    td_buf_reserve(&part, TD_EXTENT_BYTES);
    td_status status = TD_OK;
    while (bytes > 0 && status == TD_OK) {
        size_t want = bytes < TD_EXTENT_BYTES ? (size_t)bytes : TD_EXTENT_BYTES, got = 0;
        status = td_os_read_full(r->os, r->scan.window.file, part.data, want, from, &got);
        if (status == TD_OK && got != want) status = TD_FAIL(TD_RETRY, "%s became shorter meanwhile", r->p.name);
        if (status == TD_OK) status = td_os_write_full(r->os, to, part.data, got, *to_position);
        from += (int64_t)got;
        bytes -= (int64_t)got;
        *to_position += (int64_t)got;
    }
    td_buf_fini(&part);
    return status;
}

static td_status make_file(repair *r, const char *path, int *out) {
    td_status status = r->os->ops->open(r->os->self, path, TD_OPEN_CREATE, out);
    if (status != TD_OK) return status;
    status = r->os->ops->truncate(r->os->self, *out, 0); /* an earlier try may have left it */
    if (status != TD_OK) r->os->ops->close(r->os->self, *out);
    return status;
}

/* "00000000000000000812.damaged": by the first offset that is lost. */
static td_status keep_removed(repair *r, const damage *d) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 16];
    int file;
    int64_t position = 0;
    td_partition_stem(&r->p, d->offset, stem);
    (void)snprintf(path, sizeof path, "%s.damaged", stem);
    td_status status = make_file(r, path, &file);
    if (status != TD_OK) return status;
    status = copy_bytes(r, file, &position, d->position, d->bytes);
    if (status == TD_OK) status = r->os->ops->sync(r->os->self, file);
    r->os->ops->close(r->os->self, file);
    return status;
}

static td_status put_hole(repair *r, int to, int64_t *position, const damage *d) {
    uint8_t bytes[TD_BATCH_HEADER_BYTES];
    if (d->count > INT32_MAX)
        return TD_FAIL(TD_CONFIG, "%s: %" PRId64 " offsets are missing at %" PRId64 ", more than a segment can have",
                       r->p.name, d->count, d->offset);
    td_head head = td_head_hole(d->offset, (int32_t)d->count, d->epoch, d->timestamp_ms);
    td_head_put(&head, bytes);
    td_status status = td_os_write_full(r->os, to, bytes, sizeof bytes, *position);
    *position += (int64_t)sizeof bytes;
    return status;
}

static td_status write_sound(repair *r, int to, int64_t file_bytes) {
    int64_t from = 0, position = 0;
    td_status status = TD_OK;
    for (size_t i = 0; i < damage_count(r) && status == TD_OK; i++) {
        const damage *d = damage_at(r, i);
        status = copy_bytes(r, to, &position, from, d->position - from);
        if (status == TD_OK && d->count > 0) status = put_hole(r, to, &position, d);
        from = d->position + d->bytes;
    }
    if (status == TD_OK) status = copy_bytes(r, to, &position, from, file_bytes - from);
    return status == TD_OK ? r->os->ops->sync(r->os->self, to) : status;
}

/* The segment without its damage takes the old one's name in one step, when what is removed is safe already. */
static td_status replace_segment(repair *r, int64_t base_offset) {
    char stem[TD_STEM_MAX], path[TD_STEM_MAX + 8], temporary[TD_STEM_MAX + 16];
    int file;
    int64_t file_bytes;
    td_partition_stem(&r->p, base_offset, stem);
    (void)snprintf(path, sizeof path, "%s.log", stem);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    td_status status = td_folder_drop_clean(r->os, r->conf->dir);
    for (size_t i = 0; i < damage_count(r) && status == TD_OK; i++)
        if (!r->conf->discard && damage_at(r, i)->bytes > 0) status = keep_removed(r, damage_at(r, i));
    if (status == TD_OK) status = r->os->ops->size(r->os->self, r->scan.window.file, &file_bytes);
    if (status == TD_OK) status = make_file(r, temporary, &file);
    if (status != TD_OK) return status;
    status = write_sound(r, file, file_bytes);
    r->os->ops->close(r->os->self, file);
    if (status == TD_OK) status = td_partition_drop_index(&r->p, base_offset); /* it may name what is gone */
    if (status == TD_OK) status = r->os->ops->rename(r->os->self, temporary, path);
    if (status == TD_OK) status = r->os->ops->sync_dir(r->os->self, r->p.dir);
    return status;
}

/* --- telling -------------------------------------------------------------------------------------------------- */

static void tell(const repair *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(const repair *r, const char *fmt, ...) {
    if (r->conf->report == NULL) return;
    char text[512], line[640];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "%s: %s", r->p.name, text);
    r->conf->report(r->conf->arg, line);
}

static void tell_damage(repair *r, int64_t base_offset, const damage *d) {
    char lost[96] = "nothing valid follows", kept[48] = "";
    const char *would = r->conf->dry_run ? "would be " : "", *done = r->conf->discard ? "removed" : "moved";
    if (d->count > 0)
        (void)snprintf(lost, sizeof lost, "offsets %" PRId64 " to %" PRId64 " are lost, what follows is kept",
                       d->offset, d->offset + d->count - 1);
    if (!r->conf->discard) (void)snprintf(kept, sizeof kept, " into %020" PRId64 ".damaged", d->offset);
    tell(r, "damage at offset %" PRId64 ", byte %" PRId64 " of segment %" PRId64 ": %" PRId64 " bytes %s%s%s; %s",
         d->offset, d->position, base_offset, d->bytes, would, done, d->bytes > 0 ? kept : "", lost);
    r->out->damaged++;
    r->out->removed_bytes += d->bytes;
    r->out->lost += d->count;
}

/* --- one after the other -------------------------------------------------------------------------------------- */

static td_status repair_segment(repair *r, size_t at, int64_t trusted_offset) {
    int64_t bases[2] = {0, INT64_MAX}; /* its own and the next one's */
    size_t count = r->bases.size / sizeof(int64_t);
    memcpy(bases, r->bases.data + at * sizeof(int64_t), (at + 1 < count ? 2 : 1) * sizeof(int64_t));
    int file;
    td_status status = td_partition_file(&r->p, bases[0], TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    td_extent_move(&r->scan.window, file);
    r->scan.position = 0;
    r->scan.offset = bases[0];
    r->out->segments++;
    status = find_damage(r, bases[1], trusted_offset);
    for (size_t i = 0; i < damage_count(r) && status == TD_OK; i++) tell_damage(r, bases[0], damage_at(r, i));
    if (status == TD_OK && damage_count(r) > 0 && !r->conf->dry_run) {
        status = replace_segment(r, bases[0]);
        r->changed = true;
    }
    r->os->ops->close(r->os->self, file);
    return status;
}

static void note_segment(void *arg, const char *name) {
    repair *r = arg;
    int64_t base;
    int size = 0;
    if (sscanf(name, "%20" SCNd64 ".log%n", &base, &size) != 1 || size != 24 || name[size] != '\0') return;
    td_buf_put(&r->bases, &base, sizeof base);
}

/* What was synced once and is no more: opening says so no longer, since the next writer's promise ends here. */
static td_status give_up_promise(repair *r, int64_t promised) {
    tell(r, "offsets %" PRId64 " to %" PRId64 " were synced and are lost at the end", r->scan.offset, promised - 1);
    r->out->damaged++;
    r->out->lost += promised - r->scan.offset;
    r->changed = !r->conf->dry_run;
    return r->changed ? td_folder_drop_clean(r->os, r->conf->dir) : TD_OK;
}

/* `name`: "bars-3". */
static td_status repair_partition(repair *r, const char *name) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/%s%c", r->conf->dir, name, '\0');
    char *topic = td_copy_text(name), *dash = strrchr(topic, '-');
    uint32_t number = (uint32_t)strtoul(dash + 1, NULL, 10);
    *dash = '\0';
    r->p = (td_partition){.os = r->os, .dir = (char *)path.data, .name = name};
    r->bases.size = 0;
    r->next = (damage){.timestamp_ms = -1};
    r->out->partitions++;
    int64_t promised = td_checkpoint_find(&r->promised, topic, number);
    td_status status = r->os->ops->list(r->os->self, r->p.dir, note_segment, r);
    size_t count = r->bases.size / sizeof(int64_t);
    for (size_t i = 0; i < count && status == TD_OK; i++) {
        if (r->conf->progress != NULL) r->conf->progress(r->conf->arg, name, i + 1, count);
        status = repair_segment(r, i, i + 1 < count || r->clean ? INT64_MAX : promised);
    }
    if (status == TD_OK && count > 0 && promised != INT64_MAX && promised > r->scan.offset)
        status = give_up_promise(r, promised);
    free(topic);
    td_buf_fini(&path);
    return td_trace(status, "repairing %s", name);
}

static void note_partition(void *arg, const char *name) {
    td_buf *names = arg;
    const char *dash = strrchr(name, '-');
    if (dash != NULL && dash != name && dash[1] != '\0' && dash[1 + strspn(dash + 1, "0123456789")] == '\0')
        td_buf_put(names, name, strlen(name) + 1);
}

static td_status repair_wanted(repair *r) {
    td_buf names = {0};
    td_status status = r->os->ops->list(r->os->self, r->conf->dir, note_partition, &names);
    for (size_t at = 0; at < names.size && status == TD_OK;) {
        const char *name = (const char *)names.data + at;
        at += strlen(name) + 1;
        if (r->conf->partition == NULL || strcmp(name, r->conf->partition) == 0) status = repair_partition(r, name);
    }
    td_buf_fini(&names);
    if (status == TD_OK && r->out->partitions == 0)
        status = TD_FAIL(TD_CONFIG, "there is no partition %s in %s; `tapedeck log ls` shows them",
                         r->conf->partition != NULL ? r->conf->partition : "at all", r->conf->dir);
    return status;
}

/* Index and epochs follow from the segments: a writer makes them, and then ends as one does. */
static td_status settle(const repair *r) {
    td_log *log;
    td_log_conf conf = {.dir = r->conf->dir};
    td_status status = td_log_segment_open(&log, r->os, &conf, r->conf->report, r->conf->arg);
    if (status == TD_OK) td_log_close(log);
    return status;
}

td_status td_log_repair(const td_os *os, const td_repair_conf *conf, td_repair *out) {
    *out = (td_repair){0};
    repair r = {.os = os, .conf = conf, .out = out, .scan.window.os = os};
    if (!os->ops->exists(os->self, conf->dir)) return TD_FAIL(TD_CONFIG, "log: no data folder %s", conf->dir);
    td_status status = td_folder_lock(os, conf->dir, &r.lock_file);
    if (status != TD_OK) return status;
    r.clean = td_folder_is_clean(os, conf->dir);
    status = td_checkpoint_load(&r.promised, os, conf->dir);
    if (status == TD_OK && !conf->dry_run) status = td_folder_upgrade(os, conf->dir);
    if (status == TD_OK) status = repair_wanted(&r);
    os->ops->close(os->self, r.lock_file);
    td_checkpoint_fini(&r.promised);
    td_packer_fini(&r.packer);
    td_extent_fini(&r.scan.window);
    td_buf_fini(&r.bases);
    td_buf_fini(&r.damages);
    return status == TD_OK && r.changed ? settle(&r) : status;
}
