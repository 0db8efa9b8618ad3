/* src/log/extent.c - reading a segment file through a large buffer. */
#include "log/extent.h"

/* How many of `size` bytes at `position` the file holds; reads when the window does not cover them. */
static td_status window_get(td_extent *w, int64_t position, size_t size, const uint8_t **out, size_t *out_size) {
    int64_t skip = position - w->position;
    if (w->buf.size == 0 || skip < 0 || skip + (int64_t)size > (int64_t)w->buf.size) {
        size_t want = size > TD_EXTENT_BYTES ? size : TD_EXTENT_BYTES;
        w->buf.size = 0;
        td_buf_reserve(&w->buf, want);
        td_status status = td_os_read_full(w->os, w->file, w->buf.data, want, position, &w->buf.size);
        if (status != TD_OK) {
            w->buf.size = 0;
            return status;
        }
        w->position = position;
        skip = 0;
    }
    size_t have = w->buf.size - (size_t)skip;
    *out = w->buf.data + skip;
    *out_size = have < size ? have : size;
    return TD_OK;
}

td_status td_extent_head(td_extent *w, int64_t position, td_head *out) {
    const uint8_t *bytes;
    size_t have;
    td_status status = window_get(w, position, TD_BATCH_HEADER_BYTES, &bytes, &have);
    if (status != TD_OK) return status;
    if (have == 0) return TD_AGAIN;
    return have == TD_BATCH_HEADER_BYTES && td_head_get(bytes, out) ? TD_OK : TD_CORRUPT;
}

td_status td_extent_batch(td_extent *w, int64_t position, td_head *out, const uint8_t **out_bytes) {
    td_status status = td_extent_head(w, position, out);
    if (status != TD_OK) return status;
    size_t have, size = (size_t)out->size_bytes;
    if (size > TD_EXTENT_BYTES) { /* do not take memory for a size that the file cannot hold */
        int64_t file_bytes;
        status = w->os->ops->size(w->os->self, w->file, &file_bytes);
        if (status != TD_OK) return status;
        if (position + out->size_bytes > file_bytes) return TD_CORRUPT;
    }
    status = window_get(w, position, size, out_bytes, &have);
    if (status != TD_OK) return status;
    return have == size && td_head_crc_ok(out, *out_bytes) ? TD_OK : TD_CORRUPT;
}

td_status td_scan_next(td_scan *scan, td_head *out, const uint8_t **out_bytes) {
    td_status status = td_extent_batch(&scan->window, scan->position, out, out_bytes);
    if (status != TD_OK) return status;
    if (scan->offset >= 0 && out->base_offset != scan->offset) return TD_CORRUPT;
    scan->position += out->size_bytes;
    scan->offset = td_head_next_offset(out);
    return TD_OK;
}

/* A batch may begin at any byte: what was damaged may be its predecessor's length. */
td_status td_scan_skip(td_scan *scan) {
    for (int64_t at = scan->position + 1;; at++) {
        td_head head;
        const uint8_t *bytes;
        td_status status = td_extent_head(&scan->window, at, &head);
        if (status == TD_OK && head.base_offset > scan->offset) {
            status = td_extent_batch(&scan->window, at, &head, &bytes);
        } else if (status == TD_OK) {
            continue;
        }
        if (status == TD_CORRUPT) continue;
        if (status != TD_OK) return status;
        scan->position = at;
        scan->offset = head.base_offset;
        return TD_OK;
    }
}
