/* src/stream/state_layout.h - how a state lies in memory; for state.c and snapshot.c alone.
 * Each instrument has one flat block: head, then `slots` windows per width, then one graph block per width. */
#pragma once
#include "model/instrument.h"
#include "stream/state.h"
#include "stream/window.h"

typedef struct block_head {
    uint32_t feed;                   /* whose watermark closes its windows; NO_FEED before the first trade */
    uint32_t current[TD_WIDTHS_MAX]; /* the slot used last, per width */
    uint32_t zero[7];
} block_head;
_Static_assert(sizeof(block_head) == 64, "the snapshot format depends on this layout");

#define NO_FEED UINT32_MAX

typedef struct feed_state {
    char name[64];
    uint32_t name_size;
    int64_t lateness_ns;
    int64_t watermark_ns;               /* INT64_MIN before the first record          */
    int64_t ended_to_ns[TD_WIDTHS_MAX]; /* windows up to here were closed by an end   */
    int64_t next_end_ns[TD_WIDTHS_MAX]; /* no open window of the width ends earlier   */
    int64_t next_close_ns;              /* the least of next_end_ns                   */
    uint32_t *traded;                   /* its instruments, in the order first traded */
    uint32_t traded_count, traded_capacity;
} feed_state;

struct td_state {
    const td_program *program;
    td_instruments *instruments;
    uint8_t **blocks; /* by instrument index */
    uint32_t block_count, block_capacity;
    size_t block_bytes;
    int64_t slot_lateness_ns; /* the greatest lateness of all programs so far: it sizes the slots */
    uint32_t slots[TD_WIDTHS_MAX];
    size_t window_offset[TD_WIDTHS_MAX], graph_offset[TD_WIDTHS_MAX];
    feed_state feeds[TD_PROGRAM_FEEDS_MAX];
    uint32_t feed_count;
};

static inline td_bytes feed_name(const feed_state *feed) {
    return (td_bytes){(const uint8_t *)feed->name, feed->name_size};
}
static inline block_head *block_of(const td_state *s, uint32_t instrument) {
    return (block_head *)(void *)s->blocks[instrument];
}
static inline td_window *windows_of(const td_state *s, block_head *block, size_t w) {
    return (td_window *)(void *)((uint8_t *)block + s->window_offset[w]);
}
static inline void *graph_state_of(const td_state *s, block_head *block, size_t w) {
    return (uint8_t *)block + s->graph_offset[w];
}

/* Sizes slots and offsets for s->program and s->slot_lateness_ns. */
void td_state_lay_out(td_state *s);
/* Adds blocks for instruments that have none yet. */
void td_state_grow(td_state *s);
void td_state_add_traded(feed_state *feed, uint32_t instrument);
/* Recomputes next_end_ns and next_close_ns of every feed from its open windows. */
void td_state_find_next_ends(td_state *s);
