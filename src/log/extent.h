/* src/log/extent.h - an extent: bytes of one segment file in memory, read ahead in large steps; finds and checks
 * batches in it. Private to log/. Owns its buffer, borrows the file. Thread: one owner. */
#pragma once
#include "log/head.h"
#include "os/os.h"

enum { TD_EXTENT_BYTES = 256 * 1024 }; /* one read (larger is no faster); a larger batch is read whole */

typedef struct td_extent {
    const td_os *os;
    int file;
    int64_t position; /* of buf.data[0] in the file */
    td_buf buf;
} td_extent;

static inline void td_extent_move(td_extent *extent, int file) {
    extent->file = file;
    extent->buf.size = 0;
}
/* Forgets what was read: the file has grown, or bytes beyond its valid end were replaced. */
static inline void td_extent_drop(td_extent *extent) { extent->buf.size = 0; }
static inline void td_extent_fini(td_extent *extent) { td_buf_fini(&extent->buf); }

/* The batch at `position`, lent until the next call: its shape is right and, with td_extent_batch, its CRC too.
 * TD_AGAIN: the file ends exactly here. TD_CORRUPT without a trail: no whole batch of ours begins here. TD_RETRY. */
TD_CHECKED td_status td_extent_head(td_extent *extent, int64_t position, td_head *out);
TD_CHECKED td_status td_extent_batch(td_extent *extent, int64_t position, td_head *out, const uint8_t **out_bytes);

/* Walks the batches of a segment one after the other, and past damage. */
typedef struct td_scan {
    td_extent window;
    int64_t position; /* where the next batch begins */
    int64_t offset;   /* that it must have; -1: any */
} td_scan;

/* The batch at the position, checked, lent until the next call; moves behind it. TD_AGAIN: the file ends exactly here.
 * TD_CORRUPT without a trail: no valid batch is here. TD_RETRY. */
TD_CHECKED td_status td_scan_next(td_scan *scan, td_head *out, const uint8_t **out_bytes);
/* After TD_CORRUPT: moves to the next valid batch of a higher offset. TD_AGAIN: there is none, nothing moved. */
TD_CHECKED td_status td_scan_skip(td_scan *scan);
