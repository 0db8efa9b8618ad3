/* src/os/os.c - whole reads, writes and files, on any machine table. */
#include "os/os.h"
#include <stdio.h>

td_status td_os_read_full(const td_os *os, int file, void *out, size_t size, int64_t offset, size_t *out_size) {
    size_t done = 0;
    while (done < size) {
        size_t count = 0;
        td_status status =
            os->ops->read_at(os->self, file, (uint8_t *)out + done, size - done, offset + (int64_t)done, &count);
        if (status != TD_OK) return status;
        if (count == 0) break;
        done += count;
    }
    *out_size = done;
    return TD_OK;
}

td_status td_os_write_full(const td_os *os, int file, const void *data, size_t size, int64_t offset) {
    size_t done = 0;
    while (done < size) {
        size_t count = 0;
        td_status status = os->ops->write_at(os->self, file, (const uint8_t *)data + done, size - done,
                                             offset + (int64_t)done, &count);
        if (status != TD_OK) return status;
        if (count == 0) return TD_FAIL(TD_RETRY, "a write of %zu bytes wrote none", size - done);
        done += count;
    }
    return TD_OK;
}

static td_status read_open_file(const td_os *os, int file, const char *path, size_t max_bytes, td_buf *out) {
    int64_t size;
    td_status status = os->ops->size(os->self, file, &size);
    if (status != TD_OK) return status;
    if ((uint64_t)size > max_bytes)
        return TD_FAIL(TD_CONFIG, "%s: %lld bytes, more than the %zu allowed", path, (long long)size, max_bytes);
    td_buf_reserve(out, (size_t)size);
    return td_os_read_full(os, file, out->data, (size_t)size, 0, &out->size);
}

td_status td_os_read_file(const td_os *os, const char *path, size_t max_bytes, td_buf *out) {
    out->size = 0;
    int file;
    td_status status = os->ops->open(os->self, path, TD_OPEN_READ, &file);
    if (status != TD_OK) return status;
    status = read_open_file(os, file, path, max_bytes, out);
    os->ops->close(os->self, file);
    return td_trace(status, "reading %s", path);
}

/* Writes and syncs: a name must never point at bytes that can vanish. */
static td_status write_new_file(const td_os *os, const char *path, td_bytes content) {
    int file;
    td_status status = os->ops->open(os->self, path, TD_OPEN_CREATE, &file);
    if (status != TD_OK) return status;
    status = os->ops->truncate(os->self, file, 0); /* an earlier attempt may have left its bytes */
    if (status == TD_OK) status = td_os_write_full(os, file, content.data, content.size, 0);
    if (status == TD_OK) status = os->ops->sync(os->self, file);
    os->ops->close(os->self, file);
    return status;
}

enum { PATH_BYTES = 4096 }; /* Linux's own bound */

static td_status sync_parent(const td_os *os, const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return os->ops->sync_dir(os->self, ".");
    if (slash == path) return os->ops->sync_dir(os->self, "/");
    char parent[PATH_BYTES];
    (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    return os->ops->sync_dir(os->self, parent);
}

td_status td_os_replace_file(const td_os *os, const char *path, td_bytes content) {
    char from[PATH_BYTES];
    int size = snprintf(from, sizeof from, "%s.tmp", path);
    if (size < 0 || (size_t)size >= sizeof from) return TD_FAIL(TD_CONFIG, "the path %.64s… is too long", path);
    td_status status = write_new_file(os, from, content);
    if (status == TD_OK) status = os->ops->rename(os->self, from, path);
    if (status == TD_OK) status = sync_parent(os, path);
    return td_trace(status, "replacing %s", path);
}
