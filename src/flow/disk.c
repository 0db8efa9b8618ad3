/* src/flow/disk.c - looking at the disk, and what follows from it. */
#include "flow/disk.h"
#include "base/time.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRITE_BYTES = 256 * 1024, RESERVE_PART = 16, GIVE_UP_PART = 4 };

void td_disk_init(td_disk *disk, const td_os *os, const td_disk_conf *conf, td_log *log, const char *dir) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/RESERVE%c", dir, '\0');
    *disk = (td_disk){.conf = *conf,
                      .os = os,
                      .log = log,
                      .dir = td_copy_text(dir),
                      .reserve_path = (char *)path.data,
                      .held_bytes = -1};
}

void td_disk_tell(td_disk *disk, td_log_report_fn report, void *arg) {
    disk->report = report;
    disk->report_arg = arg;
}

void td_disk_fini(td_disk *disk) {
    free(disk->dir);
    free(disk->reserve_path);
    *disk = (td_disk){0};
}

static void say(const td_disk *disk, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const td_disk *disk, const char *fmt, ...) {
    char text[256], line[640];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)snprintf(line, sizeof line, "disk: %s: %s", disk->dir, text);
    if (disk->report != NULL) disk->report(disk->report_arg, line);
}

/* ---- the reserve ---- */

static int64_t wanted_bytes(const td_disk *disk, int64_t total_bytes) {
    int64_t most = total_bytes / RESERVE_PART;
    return disk->conf.reserve_bytes < most ? disk->conf.reserve_bytes : most;
}

static void find_reserve(td_disk *disk) {
    int file;
    disk->held_bytes = 0;
    if (!disk->os->ops->exists(disk->os->self, disk->reserve_path)) return;
    if (disk->os->ops->open(disk->os->self, disk->reserve_path, TD_OPEN_READ, &file) != TD_OK) return;
    if (disk->os->ops->size(disk->os->self, file, &disk->held_bytes) != TD_OK) disk->held_bytes = 0;
    disk->os->ops->close(disk->os->self, file);
}

static td_status write_reserve(td_disk *disk, int file, int64_t bytes) {
    static const uint8_t nothing[WRITE_BYTES];
    td_status status = TD_OK;
    while (disk->held_bytes < bytes && status == TD_OK) {
        int64_t left = bytes - disk->held_bytes;
        size_t part = left < WRITE_BYTES ? (size_t)left : WRITE_BYTES;
        status = td_os_write_full(disk->os, file, nothing, part, disk->held_bytes);
        if (status == TD_OK) disk->held_bytes += (int64_t)part;
    }
    return status;
}

/* What cannot be made now is tried again at the next look. */
static void make_reserve(td_disk *disk, int64_t bytes) {
    int file;
    if (disk->os->ops->open(disk->os->self, disk->reserve_path, TD_OPEN_CREATE, &file) != TD_OK) return;
    (void)write_reserve(disk, file, bytes);
    disk->os->ops->close(disk->os->self, file);
}

static void give_up_reserve(td_disk *disk) {
    if (disk->os->ops->remove(disk->os->self, disk->reserve_path) != TD_OK) return;
    disk->held_bytes = 0;
    say(disk, "full: the reserve is given up so that what has begun can be ended");
}

void td_disk_end(td_disk *disk) {
    if (disk->held_bytes > 0 && td_disk_level_now(disk) == TD_DISK_FULL) give_up_reserve(disk);
}

static void keep_reserve(td_disk *disk, int64_t free_bytes, int64_t wanted) {
    if (disk->held_bytes > 0 && free_bytes < wanted / GIVE_UP_PART) {
        give_up_reserve(disk);
    } else if (disk->held_bytes < wanted && free_bytes > 2 * wanted) {
        make_reserve(disk, wanted);
    }
}

/* ---- levels ---- */

static td_disk_level level_at(const td_disk *disk, double used_percent) {
    const int64_t from[] = {[TD_DISK_TIGHT] = disk->conf.tight_percent,
                            [TD_DISK_SHORT] = disk->conf.short_percent,
                            [TD_DISK_FULL] = disk->conf.full_percent};
    td_disk_level now = td_disk_level_now(disk), level = TD_DISK_FREE;
    for (td_disk_level l = TD_DISK_TIGHT; l <= TD_DISK_FULL; l++) {
        double threshold = (double)(l <= now ? from[l] - disk->conf.slack_percent : from[l]);
        if (used_percent >= threshold) level = l;
    }
    return level;
}

static void pause_input(td_disk *disk, bool full) {
    if (full && disk->paused_ns == 0) {
        disk->paused_ns = disk->looked_ns;
        td_count(&disk->counts.pauses, 1);
    } else if (!full && disk->paused_ns != 0) {
        int64_t lasted_ns = disk->looked_ns - disk->paused_ns;
        disk->paused_ns = 0;
        td_count(&disk->counts.paused_ns, lasted_ns);
        say(disk, "input goes on after %.0f s", (double)lasted_ns / (double)TD_NS_PER_S);
    }
}

static void change_level(td_disk *disk, td_disk_level level, double used_percent, int64_t free_bytes) {
    static const char *const meanings[] = {
        [TD_DISK_FREE] = "enough is free again",
        [TD_DISK_TIGHT] = "make room, or lower log.retain",
        [TD_DISK_SHORT] = "the log lets go of its oldest segments, unless it keeps all; raw capture stops",
        [TD_DISK_FULL] = "input waits until there is room",
    };
    if (level == td_disk_level_now(disk)) return;
    atomic_store_explicit(&disk->level, (int)level, memory_order_relaxed);
    say(disk, "%.1f %% used, %" PRId64 " MB free: %s", used_percent, free_bytes / (1024 * 1024), meanings[level]);
    pause_input(disk, level == TD_DISK_FULL);
}

static void look(td_disk *disk) {
    int64_t free_bytes, total_bytes;
    if (disk->os->ops->space(disk->os->self, disk->dir, &free_bytes, &total_bytes) != TD_OK || total_bytes <= 0) return;
    if (disk->held_bytes < 0) find_reserve(disk);
    int64_t wanted = wanted_bytes(disk, total_bytes);
    int64_t missing = wanted > disk->held_bytes ? wanted - disk->held_bytes : 0; /* it is spoken for */
    int64_t ours = free_bytes > missing ? free_bytes - missing : 0;
    td_count(&disk->counts.free_bytes, ours - td_counted(&disk->counts.free_bytes));
    td_count(&disk->counts.total_bytes, total_bytes - td_counted(&disk->counts.total_bytes));

    double used_percent = 100 * (1 - (double)ours / (double)total_bytes);
    change_level(disk, level_at(disk, used_percent), used_percent, ours);
    keep_reserve(disk, free_bytes, wanted);
    if (td_disk_level_now(disk) < TD_DISK_SHORT) return;
    int64_t allowed =
        (int64_t)((double)total_bytes * (double)(disk->conf.short_percent - disk->conf.slack_percent) / 100);
    (void)!td_log_release(disk->log, total_bytes - ours - allowed); /* tried again at the next look */
}

void td_disk_step(td_disk *disk) {
    int64_t now_ns = disk->os->ops->mono_ns(disk->os->self);
    if (disk->looked_ns != 0 && now_ns - disk->looked_ns < TD_NS_PER_S) return;
    disk->looked_ns = now_ns;
    look(disk);
}
