/* src/log/partition.h - one partition on disk: a row of segments, of which the last one grows, and its epochs. Private
 * to log/. Ends are atomics: readers and the sync thread follow the writer without a lock. What is appended is written
 * at once, but nobody else reads it before it is published.
 * Threads: append, publish, abort and roll: the writer; flush, retire and roll by age: the sync thread; the rest: any.
 * Lock order: append, file, list. */
#pragma once
#include "log/epoch.h"
#include "log/extent.h"
#include "log/index.h"
#include "log/packer.h"
#include <pthread.h>
#include <stdatomic.h>

enum { TD_STEM_MAX = 1024 }; /* longest path of a segment without its suffix; opening refuses longer folders */

typedef struct td_segment {
    int64_t base_offset;
    int64_t bytes, max_timestamp_ms; /* of finished segments only */
} td_segment;

typedef struct td_partition_conf {
    const td_os *os;
    const char *data_dir, *topic;
    uint32_t number;
    int64_t segment_bytes;
    int64_t segment_ms; /* 0: a segment may get as old as it likes */
    td_codec codec;
    bool read_only;
    bool unclean;           /* the last writer did not close the log */
    int64_t trusted_offset; /* everything below was promised to be synced; INT64_MAX: nothing is known */
    td_log_report_fn report;
    void *report_arg;
} td_partition_conf;

typedef struct td_unpublished { /* a batch that is written and not yet published */
    td_head head;
    int64_t position;
} td_unpublished;

typedef struct td_partition {
    td_partition_conf conf;
    const td_os *os;
    char *dir;
    const char *name; /* "bars-3": the last part of dir */
    td_epochs epochs; /* under list_lock, but for the writer's own reading */

    pthread_mutex_t append_lock; /* once a batch: the writer against a roll by age, which does not wait for it */
    pthread_mutex_t list_lock;   /* segments, epochs; held for moments only */
    td_segment *segments;        /* ascending; none only after a failed reload */
    size_t segment_count;

    pthread_mutex_t file_lock; /* file: a roll against a sync; and what a sync knows */
    int file;                  /* the active segment, -1 when read-only */
    int64_t flushed_offset;    /* everything below is on the disk */
    int64_t flushed_bytes;     /* the same as a position in the active segment, at a batch's begin */
    int64_t noted;             /* the sync round's: its `end` for this partition */
    bool suspect;              /* the last sync failed: the kernel may have dropped what lies beyond flushed_bytes */

    td_index index;   /* under append_lock, with all below */
    td_packer packer; /* takes memory with the first compressed batch only */
    bool rolling;     /* a roll failed half-way: the next segment's file may exist, so nothing more goes here */
    bool torn;        /* bytes are left behind what is written */
    bool cut;         /* they were removed, but perhaps not durably */
    int64_t first_timestamp_ms,
        last_timestamp_ms; /* of the active segment, INT64_MAX: empty; of all, INT64_MIN: none */
    int64_t next_offset;   /* behind what is written, published or not */
    td_buf unpublished;    /* td_unpublished each */

    _Atomic(struct td_partition *) committer; /* whose records say how far this one is committed; NULL: itself */
    bool failed;                              /* of a committer, the sync round's: what it covers was not all synced */

    atomic_bool epoch_over; /* a sync failed: what comes next is of another epoch */
    _Atomic int64_t start, end, synced, bytes;
    _Atomic int64_t limit;         /* read-only: committed up to here; else INT64_MAX */
    _Atomic int64_t active_bytes;  /* published ones of the active segment; stored before `end` */
    _Atomic int64_t written_bytes; /* of the active segment, in whole batches, published or not */
} td_partition;

void td_partition_stem(const td_partition *p, int64_t base_offset, char out[TD_STEM_MAX]);
TD_CHECKED td_status td_partition_file(const td_partition *p, int64_t base_offset, td_open_mode mode, int *out_file);
TD_CHECKED td_status td_partition_remove(const td_partition *p, int64_t base_offset); /* a segment's three files */
void td_partition_report(const td_partition *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* recover.c: opens, and makes when missing; repairs unless read-only. */
TD_CHECKED td_status td_partition_open(td_partition **out, const td_partition_conf *conf);
void td_partition_close(td_partition *p); /* writes nothing; accepts NULL */
/* Reads the state from the disk once more, after the files were changed. Without other users of the partition. With
 * `begin_epoch` a new epoch starts at the end. */
TD_CHECKED td_status td_partition_reload(td_partition *p, bool begin_epoch);
/* Read-only: looks what another process appended, rolled or removed since. */
TD_CHECKED td_status td_partition_refresh(td_partition *p);
/* The next epoch, from `offset` on: durable before it is known. */
TD_CHECKED td_status td_partition_begin_epoch(td_partition *p, int64_t offset);
/* truncate.c: removes what is at and after the offset. Without other users of the partition. */
TD_CHECKED td_status td_partition_truncate(td_partition *p, int64_t offset);

/* Readers' end: what is published and, read-only, what its writer has committed. */
static inline int64_t td_partition_end(td_partition *p) {
    int64_t end = atomic_load_explicit(&p->end, memory_order_acquire);
    int64_t limit = atomic_load_explicit(&p->limit, memory_order_acquire);
    return end < limit ? end : limit;
}

TD_CHECKED td_status td_partition_append(td_partition *p, td_batch *batch);
void td_partition_publish(td_partition *p); /* everything written; a few stores */
void td_partition_index(td_partition *p);   /* what was published since the last call */
/* Removes what is not published. Bytes that cannot be cut off now are cut before the next append. */
void td_partition_abort(td_partition *p);
/* Makes everything below `end` durable. `synced` is the caller's to publish. */
TD_CHECKED td_status td_partition_flush(td_partition *p, int64_t end);
/* Opening builds it anew, since none is whole without its time index. */
TD_CHECKED td_status td_partition_drop_index(td_partition *p, int64_t base_offset);
/* All of an index durable, its last entry too when `finished`. A suspect one is dropped instead. */
TD_CHECKED td_status td_partition_sync_index(td_partition *p, td_index *index, bool finished);
/* The index and nothing behind the end on disk, before a clean end is marked. No writer may be active. */
TD_CHECKED td_status td_partition_settle(td_partition *p);
/* Checks and writes again the batches in [from, to) of the active segment: after a failed sync the kernel may hold as
 * clean what never reached the disk, and would not write it at the next one. */
TD_CHECKED td_status td_partition_rewrite(td_partition *p, int64_t from, int64_t to);

/* The segment that holds `offset`, or would. */
td_segment td_partition_segment(td_partition *p, int64_t offset);
/* The segment behind the one with that base; that one again when it is the last. */
td_segment td_partition_after(td_partition *p, int64_t base_offset);
/* The oldest one; false when it is the active one, or not yet published as synced. */
bool td_partition_oldest(td_partition *p, td_segment *out);
TD_CHECKED td_status td_partition_retire(td_partition *p); /* removes the oldest segment; another follows it */
/* Finishes an active segment that began before the one time, or got nothing since the other, so that it can age out. A
 * partition that is being appended to is left alone: its writer looks at the age itself. */
TD_CHECKED td_status td_partition_roll_aged(td_partition *p, int64_t begun_before_ms, int64_t quiet_since_ms);
void td_partition_push(td_partition *p, td_segment segment); /* appends to the list of segments */
