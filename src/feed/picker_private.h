/* src/feed/picker_private.h - the paths as both readers of records follow them: a bit for each that can still be met.
 * Private to feed/. */
#pragma once
#include "feed/picker.h"

static inline uint32_t td_picker_all(const td_picker *picker) {
    return picker->count == TD_PICKER_MAX ? UINT32_MAX : (UINT32_C(1) << picker->count) - 1;
}
/* Those of `mask` whose part at that depth is the name; and those that end at that depth. */
uint32_t td_picker_match(const td_picker *picker, uint32_t mask, size_t depth, td_bytes name);
uint32_t td_picker_ending(const td_picker *picker, uint32_t mask, size_t depth);
static inline void td_picker_put(td_picked *out, uint32_t mask, td_picked value) {
    for (; mask != 0; mask &= mask - 1) out[__builtin_ctz(mask)] = value;
}
