/* src/log/index.h - Kafka's two sparse indexes beside a segment: `.index` (relative last offset of a batch, position of
 * that batch) and `.timeindex` (greatest timestamp so far, relative last offset of its batch), both big-endian. They
 * are hints: a reader checks what it finds, a missing or wrong one is rebuilt at open, and one that cannot be written
 * only gets sparser. Private to log/. Thread: the writer's; td_index_find: any. */
#pragma once
#include "log/head.h"
#include "os/os.h"

enum {
    TD_INDEX_ENTRY_BYTES = 8,
    TD_TIME_ENTRY_BYTES = 12,
    TD_INDEX_EVERY_BYTES = 4096, /* of log between two entries */
    TD_INDEX_PENDING_MAX = 64,   /* entries kept in memory before they are written */
};

typedef struct td_index {
    const td_os *os;
    int offset_file, time_file; /* -1: not open */
    int64_t base_offset;
    int64_t offset_bytes, time_bytes; /* written */
    uint8_t offset_pending[TD_INDEX_PENDING_MAX * TD_INDEX_ENTRY_BYTES];
    uint8_t time_pending[TD_INDEX_PENDING_MAX * TD_TIME_ENTRY_BYTES];
    size_t offset_pending_bytes, time_pending_bytes;
    bool unsynced;
    bool suspect; /* a sync failed: nobody knows what of it is on the disk, and a second sync would not tell */
    int64_t unindexed_bytes;                        /* of log since the last entry */
    int64_t max_timestamp_ms, max_timestamp_offset; /* so far; INT64_MIN: none */
    int64_t last_timestamp_ms;                      /* of the last time entry */
} td_index;

/* Opens both files of a segment for appending, emptied; `stem` is the path without suffix. */
TD_CHECKED td_status td_index_create(td_index *out, const td_os *os, const char *stem, int64_t base_offset);
/* Opens both behind what they hold already; the caller knows that they are sound up to the segment's end. */
TD_CHECKED td_status td_index_continue(td_index *out, const td_os *os, const char *stem, int64_t base_offset);
void td_index_close(td_index *index); /* writes nothing */
void td_index_add(td_index *index, const td_head *head, int64_t position);
/* All entries written and durable; no call when they are already. TD_RETRY for ever once it is suspect. */
TD_CHECKED td_status td_index_sync(td_index *index);
/* The segment is complete: last time entry, then as td_index_sync. May be called again after a failure. */
TD_CHECKED td_status td_index_finish(td_index *index);

typedef struct td_index_entry {
    uint32_t relative_offset, position;
} td_index_entry;

typedef enum td_index_field { TD_INDEX_BY_OFFSET = 0, TD_INDEX_BY_POSITION = 4 } td_index_field;

/* The last entry whose field is at most `limit`; {0, 0}, the segment's begin, when there is none or no file. */
td_index_entry td_index_find(const td_os *os, const char *stem, td_index_field field, uint32_t limit);
/* The last time entry below that timestamp and whether one at or above it follows; TD_CORRUPT without a trail: there is
 * no time index, so nothing is known. */
typedef struct td_time_entry {
    int64_t timestamp_ms;
    uint32_t relative_offset;
    bool followed;
} td_time_entry;

TD_CHECKED td_status td_index_find_time(const td_os *os, const char *stem, int64_t timestamp_ms, td_time_entry *out);
/* True when both files are there and whole; *out_last is then the last entry, {0, 0} when there is none. */
bool td_index_whole(const td_os *os, const char *stem, td_index_entry *out_last);
