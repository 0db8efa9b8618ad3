/* src/stream/released.h - the places of the records that releases stand for, so that none is accepted twice. Exact for
 * the highest TD_RELEASED_MAX of a partition; what lies below those counts as released: refused rather than doubled.
 * {0} begins. Memory: 8 bytes each, taken as they come. Thread: the state's owner. */
#pragma once
#include "base/bytes.h"

enum { TD_RELEASED_MAX = 1 << 16 };

typedef struct td_released {
    int64_t *offsets; /* ascending */
    uint32_t count, capacity;
    int64_t floor; /* all below count as released */
} td_released;

bool td_released_has(const td_released *released, int64_t offset);
void td_released_add(td_released *released, int64_t offset); /* one that it has not */
void td_released_fini(td_released *released);

/* Appends all as bytes, and reads them back from the front of *bytes into an empty one. False: no such bytes. */
void td_released_save(const td_released *released, td_buf *out);
bool td_released_load(td_released *released, td_bytes *bytes);
