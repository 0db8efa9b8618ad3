/* src/log/checkpoint.c - the recovery-point-offset-checkpoint file. */
#include "log/checkpoint.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 16 * 1024 * 1024 };

static char *checkpoint_path(const char *data_dir) {
    td_buf path = {0};
    td_buf_printf(&path, "%s/recovery-point-offset-checkpoint%c", data_dir, '\0');
    return (char *)path.data;
}

td_status td_checkpoint_load(td_checkpoint *out, const td_os *os, const char *data_dir) {
    *out = (td_checkpoint){0};
    char *path = checkpoint_path(data_dir);
    td_status status = TD_OK;
    if (os->ops->exists(os->self, path)) status = td_os_read_file(os, path, FILE_MAX_BYTES, &out->text);
    td_buf_put(&out->text, "", 1);
    free(path);
    return status;
}

void td_checkpoint_fini(td_checkpoint *checkpoint) { td_buf_fini(&checkpoint->text); }

int64_t td_checkpoint_find(const td_checkpoint *checkpoint, const char *topic, uint32_t partition) {
    td_buf wanted = {0};
    td_buf_printf(&wanted, "\n%s %" PRIu32 " ", topic, partition);
    td_buf_put(&wanted, "", 1);
    const char *found = strstr((const char *)checkpoint->text.data, (const char *)wanted.data);
    int64_t offset;
    bool known = found != NULL && sscanf(found + wanted.size - 1, "%" SCNd64 "\n", &offset) == 1 && offset >= 0;
    td_buf_fini(&wanted);
    return known ? offset : INT64_MAX;
}

void td_checkpoint_add(td_buf *lines, const char *topic, uint32_t partition, int64_t offset) {
    td_buf_printf(lines, "%s %" PRIu32 " %" PRId64 "\n", topic, partition, offset);
}

td_status td_checkpoint_save(const td_buf *lines, const td_os *os, const char *data_dir) {
    size_t count = 0;
    for (size_t i = 0; i < lines->size; i++) count += lines->data[i] == '\n';
    td_buf text = {0};
    td_buf_printf(&text, "0\n%zu\n", count);
    td_buf_put(&text, lines->data, lines->size);
    char *path = checkpoint_path(data_dir);
    td_status status = td_os_replace_file(os, path, td_buf_bytes(&text));
    free(path);
    td_buf_fini(&text);
    return status;
}
