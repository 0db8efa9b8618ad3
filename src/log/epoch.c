/* src/log/epoch.c - the leader-epoch-checkpoint file. */
#include "log/epoch.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 16 * 1024 * 1024 };

void td_epochs_fini(td_epochs *epochs) {
    free(epochs->items);
    *epochs = (td_epochs){0};
}

void td_epochs_begin(td_epochs *epochs, int32_t epoch, int64_t offset) {
    while (epochs->count > 0 && epochs->items[epochs->count - 1].offset >= offset) epochs->count--;
    td_position *items = td_alloc((epochs->count + 1) * sizeof *items);
    if (epochs->count > 0) memcpy(items, epochs->items, epochs->count * sizeof *items);
    free(epochs->items);
    epochs->items = items;
    epochs->items[epochs->count++] = (td_position){epoch, offset};
}

void td_epochs_cut(td_epochs *epochs, int64_t end) {
    while (epochs->count > 0 && epochs->items[epochs->count - 1].offset > end) epochs->count--;
}

int32_t td_epochs_before(const td_epochs *epochs, int64_t offset) {
    size_t after = epochs->count > 0; /* the first epoch that begins there or later, but for the very first */
    while (after < epochs->count && epochs->items[after].offset < offset) after++;
    return after > 0 ? epochs->items[after - 1].epoch : -1;
}

int32_t td_epochs_last(const td_epochs *epochs) {
    return epochs->count > 0 ? epochs->items[epochs->count - 1].epoch : -1;
}

/* Kafka's answer to OffsetForLeaderEpoch. An epoch without a record may be forgotten: the last one before it knows
 * where it would have begun. */
bool td_epochs_hold(const td_epochs *epochs, td_position position, int64_t end) {
    if (position.epoch < 0 || position.epoch > td_epochs_last(epochs)) return false;
    size_t after = 0; /* the first epoch that is later */
    while (after < epochs->count && epochs->items[after].epoch <= position.epoch) after++;
    if (after > 0 && position.offset < epochs->items[after - 1].offset) return false;
    return position.offset <= (after < epochs->count ? epochs->items[after].offset : end);
}

static bool parse(td_epochs *out, const char *text) {
    int used = 0;
    size_t count;
    if (sscanf(text, "0 %zu%n", &count, &used) != 1) return false;
    for (size_t i = 0; i < count; i++) {
        td_position p;
        text += used;
        if (sscanf(text, "%" SCNd32 " %" SCNd64 "%n", &p.epoch, &p.offset, &used) != 2) return false;
        if (p.epoch <= td_epochs_last(out) || p.offset < 0) return false;
        if (out->count > 0 && p.offset <= out->items[out->count - 1].offset) return false;
        td_epochs_begin(out, p.epoch, p.offset);
    }
    return true;
}

td_status td_epochs_load(td_epochs *out, const td_os *os, const char *path) {
    *out = (td_epochs){0};
    if (!os->ops->exists(os->self, path)) return TD_CORRUPT;
    td_buf text = {0};
    td_status status = td_os_read_file(os, path, FILE_MAX_BYTES, &text);
    td_buf_put(&text, "", 1);
    if (status == TD_OK && !parse(out, (const char *)text.data)) {
        td_epochs_fini(out);
        status = TD_CORRUPT;
    }
    td_buf_fini(&text);
    return status;
}

td_status td_epochs_save(const td_epochs *epochs, const td_os *os, const char *path) {
    td_buf text = {0};
    td_buf_printf(&text, "0\n%zu\n", epochs->count);
    for (size_t i = 0; i < epochs->count; i++) {
        td_buf_printf(&text, "%" PRId32 " %" PRId64 "\n", epochs->items[i].epoch, epochs->items[i].offset);
    }
    td_status status = td_os_replace_file(os, path, td_buf_bytes(&text));
    td_buf_fini(&text);
    return status;
}
