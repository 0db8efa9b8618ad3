/* src/log/window.h - a window of bytes over one segment file, moved forward by large reads; finds and checks batches
 * in it. Private to log/. Owns its buffer, borrows the file. Thread: one owner. */
#pragma once
#include "log/head.h"
#include "os/os.h"

enum { TD_WINDOW_BYTES = 256 * 1024 }; /* one read (larger is no faster); a larger batch is read whole */

typedef struct td_window {
    const td_os *os;
    int file;
    int64_t position; /* of buf.data[0] in the file */
    td_buf buf;
} td_window;

static inline void td_window_move(td_window *window, int file) {
    window->file = file;
    window->buf.size = 0;
}
/* Forgets what was read: the file has grown, or bytes beyond its valid end were replaced. */
static inline void td_window_drop(td_window *window) { window->buf.size = 0; }
static inline void td_window_fini(td_window *window) { td_buf_fini(&window->buf); }

/* The batch at `position`, lent until the next call: its shape is right and, with td_window_batch, its CRC too.
 * TD_AGAIN: the file ends exactly here. TD_CORRUPT without a trail: no whole batch of ours begins here. TD_RETRY. */
TD_CHECKED td_status td_window_head(td_window *window, int64_t position, td_head *out);
TD_CHECKED td_status td_window_batch(td_window *window, int64_t position, td_head *out, const uint8_t **out_bytes);

/* Walks the batches of a segment one after the other, and past damage. */
typedef struct td_scan {
    td_window window;
    int64_t position; /* where the next batch begins */
    int64_t offset;   /* that it must have; -1: any */
} td_scan;

/* The batch at the position, checked, lent until the next call; moves behind it. TD_AGAIN: the file ends exactly here.
 * TD_CORRUPT without a trail: no valid batch is here. TD_RETRY. */
TD_CHECKED td_status td_scan_next(td_scan *scan, td_head *out, const uint8_t **out_bytes);
/* After TD_CORRUPT: moves to the next valid batch of a higher offset. TD_AGAIN: there is none, nothing moved. */
TD_CHECKED td_status td_scan_skip(td_scan *scan);
