/* src/stream/released.c - a sorted list with a floor. */
#include "stream/released.h"
#include <stdlib.h>

/* The first that is not below the offset. */
static uint32_t place_of(const td_released *r, int64_t offset) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->offsets[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool td_released_has(const td_released *r, int64_t offset) {
    uint32_t at = place_of(r, offset);
    return offset < r->floor || (at < r->count && r->offsets[at] == offset);
}

static void forget_lowest(td_released *r) {
    r->floor = r->offsets[0] + 1;
    memmove(r->offsets, r->offsets + 1, --r->count * sizeof *r->offsets);
}

void td_released_add(td_released *r, int64_t offset) {
    if (r->count == TD_RELEASED_MAX) forget_lowest(r);
    if (r->count == r->capacity) {
        r->capacity = r->capacity * 2 + 16;
        size_t bytes = r->capacity * sizeof *r->offsets;
        r->offsets = td_alloc_check(realloc(r->offsets, bytes), bytes);
    }
    uint32_t at = place_of(r, offset);
    memmove(&r->offsets[at + 1], &r->offsets[at], (r->count++ - at) * sizeof *r->offsets);
    r->offsets[at] = offset;
}

void td_released_fini(td_released *r) {
    free(r->offsets);
    *r = (td_released){0};
}

void td_released_save(const td_released *r, td_buf *out) {
    td_buf_put(out, &r->floor, sizeof r->floor);
    td_buf_put(out, &r->count, sizeof r->count);
    if (r->count > 0) td_buf_put(out, r->offsets, r->count * sizeof *r->offsets);
}

bool td_released_load(td_released *r, td_bytes *bytes) {
    uint32_t count;
    if (!td_bytes_take(bytes, &r->floor, sizeof r->floor) || !td_bytes_take(bytes, &count, sizeof count)) return false;
    if (count > TD_RELEASED_MAX) return false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t offset;
        if (!td_bytes_take(bytes, &offset, sizeof offset) || (i > 0 && offset <= r->offsets[i - 1])) return false;
        td_released_add(r, offset);
    }
    return true;
}
