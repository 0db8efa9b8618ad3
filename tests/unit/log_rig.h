/* tests/unit/log_rig.h - a log in a folder of its own, over a machine that fails on command, with numbered records. */
#pragma once
#include "unit.h"
/* after cmocka's own */
#include "log/log_segment.h"
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The real files, but: syncs cost nothing, and the machine dies or single calls fail when told to. */
typedef struct rig_machine {
    atomic_long calls;                /* that change something */
    long dies_at;                     /* from this call on all of them fail, and a write leaves half; 0: never */
    atomic_int fail_writes;           /* so many of the next writes fail, after half of their bytes */
    atomic_int fail_syncs;            /* so many of the next syncs of files fail */
    atomic_bool drop_failed;          /* a failed sync also loses what the file got since the last good one */
    atomic_long writes, syncs, cuts;  /* cuts: to a size above 0 */
    _Atomic int64_t wall_skip_ns;     /* how far the clock is set forward */
    _Atomic int64_t good_bytes[1024]; /* per file: its size at the last good sync */
} rig_machine;

static inline td_status rig_call(rig_machine *m) {
    long call = atomic_fetch_add(&m->calls, 1) + 1;
    return m->dies_at > 0 && call >= m->dies_at ? TD_FAIL(TD_RETRY, "the machine is dead") : TD_OK;
}

#define RIG_REAL td_os_posix.ops

static inline td_status rig_open(void *self, const char *path, td_open_mode mode, int *out_file) {
    td_status status = mode == TD_OPEN_CREATE ? rig_call(self) : TD_OK;
    return status == TD_OK ? RIG_REAL->open(NULL, path, mode, out_file) : status;
}

static inline td_status rig_write_at(void *self, int file, const void *data, size_t size, int64_t offset, size_t *out) {
    rig_machine *m = self;
    size_t half;
    atomic_fetch_add(&m->writes, 1);
    td_status status = rig_call(m);
    bool fails = atomic_load(&m->fail_writes) > 0 && atomic_fetch_sub(&m->fail_writes, 1) > 0;
    if (status == TD_OK && !fails) { /* short, as the system's may be */
        return RIG_REAL->write_at(NULL, file, data, size > 1000 ? 1000 : size, offset, out);
    }
    bool just_now = m->dies_at == 0 || atomic_load(&m->calls) == m->dies_at;
    if (just_now && RIG_REAL->write_at(NULL, file, data, size / 2, offset, &half) != TD_OK) return TD_RETRY;
    return TD_FAIL(TD_RETRY, "no space left");
}

static inline td_status rig_sync(void *self, int file) {
    rig_machine *m = self;
    atomic_fetch_add(&m->syncs, 1);
    td_status status = rig_call(m);
    if (status != TD_OK) return status;
    int64_t size;
    status = RIG_REAL->size(NULL, file, &size);
    if (atomic_load(&m->fail_syncs) <= 0) {
        m->good_bytes[file] = size;
        return status;
    }
    atomic_fetch_sub(&m->fail_syncs, 1);
    if (m->drop_failed && status == TD_OK) {
        for (size_t done; size > m->good_bytes[file]; size--) {
            if (RIG_REAL->write_at(NULL, file, "", 1, size - 1, &done) != TD_OK) break;
        }
    }
    return TD_FAIL(TD_RETRY, "input/output error");
}

static inline td_status rig_truncate(void *self, int file, int64_t size) {
    rig_machine *m = self;
    td_status status = rig_call(m);
    if (size > 0) atomic_fetch_add(&m->cuts, 1);
    return status == TD_OK ? RIG_REAL->truncate(NULL, file, size) : status;
}
static inline td_status rig_rename(void *self, const char *from, const char *to) {
    td_status status = rig_call(self);
    return status == TD_OK ? RIG_REAL->rename(NULL, from, to) : status;
}
static inline td_status rig_remove(void *self, const char *path) {
    td_status status = rig_call(self);
    return status == TD_OK ? RIG_REAL->remove(NULL, path) : status;
}
static inline td_status rig_make_dir(void *self, const char *path) {
    td_status status = rig_call(self);
    return status == TD_OK ? RIG_REAL->make_dir(NULL, path) : status;
}
static inline td_status rig_sync_dir(void *self, const char *path) {
    (void)path;
    return rig_call(self);
}

/* It stands: ages are as a test reckons them, however slow the machine is. */
static inline int64_t rig_wall_ns(void *self) {
    rig_machine *m = self;
    return INT64_C(1700000000000000000) + atomic_load(&m->wall_skip_ns);
}
static inline int64_t rig_mono_ns(void *self) {
    (void)self;
    return 0;
}

static inline td_os rig_os(rig_machine *m) {
    static td_os_ops ops;
    ops = *RIG_REAL;
    ops.wall_ns = rig_wall_ns;
    ops.mono_ns = rig_mono_ns;
    ops.open = rig_open;
    ops.write_at = rig_write_at;
    ops.sync = rig_sync;
    ops.truncate = rig_truncate;
    ops.rename = rig_rename;
    ops.remove = rig_remove;
    ops.make_dir = rig_make_dir;
    ops.sync_dir = rig_sync_dir;
    return (td_os){&ops, m};
}

typedef struct rig {
    char root[64], dir[80]; /* dir: root/data */
    rig_machine machine;
    td_os os;
    td_log_conf conf;
    td_log *log;
    td_writer *writer;
    td_topic *topic; /* "bars", of two partitions */
    td_batch batch;
    td_buf reports; /* lines */
    uint64_t seed;
} rig;

static inline void rig_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void rig_run(const char *fmt, ...) {
    char command[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static inline int rig_new(void **state) {
    rig *r = test_calloc(1, sizeof *r);
    const char *fast = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* thousands of small files */
    (void)snprintf(r->root, sizeof r->root, "%s/tapedeck-log-XXXXXX", fast);
    if (mkdtemp(r->root) == NULL) return -1;
    (void)snprintf(r->dir, sizeof r->dir, "%s/data", r->root);
    r->os = rig_os(&r->machine);
    r->conf = (td_log_conf){.dir = r->dir, .segment_bytes = 1 << 20};
    r->seed = 1;
    td_batch_init(&r->batch, 64 * 1024);
    *state = r;
    return 0;
}

static inline int rig_free(void **state) {
    rig *r = *state;
    td_writer_close(r->writer);
    td_log_close(r->log);
    td_batch_fini(&r->batch);
    td_buf_fini(&r->reports);
    rig_run("rm -rf %s", r->root);
    test_free(r);
    return 0;
}

static inline void rig_report(void *arg, const char *line) {
    rig *r = arg;
    td_buf_printf(&r->reports, "%s\n", line);
}

static inline bool rig_reported(rig *r, const char *text) {
    td_buf_put(&r->reports, "", 1);
    r->reports.size--;
    return strstr((const char *)r->reports.data, text) != NULL;
}

static inline td_status rig_try_open(rig *r) {
    r->reports.size = 0;
    r->writer = NULL;
    td_status status = td_log_segment_open(&r->log, &r->os, &r->conf, rig_report, r);
    if (status != TD_OK) r->log = NULL;
    if (status == TD_OK) status = td_log_topic(r->log, "bars", 2, TD_TOPIC_OUTPUT, &r->topic);
    if (status == TD_OK && !r->conf.read_only) status = td_writer_open(&r->writer, r->log, "rig");
    return status;
}

static inline void rig_open_log(rig *r) {
    td_status status = rig_try_open(r);
    if (status != TD_OK) print_error("%s\n", td_trail());
    assert_int_equal(status, TD_OK);
}

static inline void rig_close_log(rig *r) {
    td_writer_close(r->writer);
    td_log_close(r->log);
    r->writer = NULL;
    r->log = NULL;
}

static inline void rig_unmark(rig *r) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/CLEAN", r->dir);
    (void)remove(path);
}

/* As kill -9 leaves the folder: closed, but not marked as such. */
static inline void rig_kill(rig *r) {
    rig_close_log(r);
    rig_unmark(r);
}

typedef struct rig_copy {
    const char *from, *to;
} rig_copy;

/* A file, or a folder of files, onto what has its name. */
static inline void rig_copy_one(void *arg, const char *name) {
    const rig_copy *c = arg;
    char from[200], to[200];
    (void)snprintf(from, sizeof from, "%s/%s", c->from, name);
    (void)snprintf(to, sizeof to, "%s/%s", c->to, name);
    if (RIG_REAL->list(NULL, from, rig_copy_one, &(rig_copy){from, to}) == TD_OK) return;
    td_buf bytes = {0};
    int file;
    assert_int_equal(td_os_read_file(&td_os_posix, from, 1 << 24, &bytes), TD_OK);
    assert_int_equal(RIG_REAL->open(NULL, to, TD_OPEN_CREATE, &file), TD_OK);
    assert_int_equal(RIG_REAL->truncate(NULL, file, 0), TD_OK);
    assert_int_equal(td_os_write_full(&td_os_posix, file, bytes.data, bytes.size, 0), TD_OK);
    RIG_REAL->close(NULL, file);
    td_buf_fini(&bytes);
}

/* Record n of a partition: key and value follow from n, timestamp 1000 + n. */
static inline void rig_fill(rig *r, int64_t first, int count) {
    td_batch_reset(&r->batch);
    for (int64_t n = first; n < first + count; n++) {
        char value[48];
        int size = snprintf(value, sizeof value, "value %08" PRId64 " of the series of records", n);
        td_bytes bytes = {(const uint8_t *)value, (size_t)size};
        assert_true(
            td_batch_add(&r->batch, 1000 + n, TD_TEXT("key"), bytes, TD_TEXT("cause"), TD_TEXT("tape/0/0/1/0")));
    }
}

static inline td_status rig_try_append(rig *r, uint32_t partition, int count) {
    int64_t end = td_topic_end(r->topic, partition);
    rig_fill(r, end, count);
    td_status status = td_writer_append(r->writer, r->topic, partition, &r->batch);
    assert_int_equal(td_topic_end(r->topic, partition), status == TD_OK ? end + count : end);
    return status;
}

static inline void rig_append(rig *r, uint32_t partition, int batches, int count) {
    for (int i = 0; i < batches; i++) assert_int_equal(rig_try_append(r, partition, count), TD_OK);
}

static inline bool rig_is_record(const td_record *record, int64_t n) {
    char value[48];
    int size = snprintf(value, sizeof value, "value %08" PRId64 " of the series of records", n);
    return record->offset == n && record->timestamp_ms == 1000 + n && td_bytes_equal(record->key, TD_TEXT("key")) &&
           td_bytes_equal(record->value, (td_bytes){(const uint8_t *)value, (size_t)size}) &&
           td_bytes_equal(td_record_header(record, TD_TEXT("cause")), TD_TEXT("tape/0/0/1/0"));
}

/* Reads from `from` to the end; returns how many records, each as it was written, without a hole. */
static inline int64_t rig_read(rig *r, uint32_t partition, int64_t from, td_status *out_last) {
    td_reader *reader;
    td_record record;
    assert_int_equal(td_reader_open(&reader, r->topic, partition, from, TD_READ_APPENDED), TD_OK);
    int64_t first = td_reader_offset(reader), count = 0;
    while ((*out_last = td_reader_next(reader, &record)) == TD_OK) {
        assert_true(rig_is_record(&record, first + count));
        count++;
    }
    td_reader_close(reader);
    return count;
}

static inline void rig_expect(rig *r, uint32_t partition, int64_t start, int64_t end) {
    td_status last;
    assert_int_equal(td_topic_start(r->topic, partition), start);
    assert_int_equal(td_topic_end(r->topic, partition), end);
    assert_int_equal(rig_read(r, partition, 0, &last), end - start);
    assert_int_equal(last, TD_AGAIN);
}

static inline td_status rig_verify(rig *r, uint32_t partition, td_verify *out) {
    return td_topic_verify(r->topic, partition, &(td_verify_conf){.report = rig_report, .arg = r}, out);
}

static inline int64_t rig_file_bytes(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    (void)fseek(file, 0, SEEK_END);
    long size = ftell(file);
    (void)fclose(file);
    return size;
}

static inline void rig_flip(const char *path, int64_t at) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    (void)fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    (void)fseek(file, at, SEEK_SET);
    (void)fputc(byte ^ 0x10, file);
    (void)fclose(file);
}
