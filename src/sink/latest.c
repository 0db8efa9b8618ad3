/* src/sink/latest.c - the newest of each instrument in a batch. */
#include "sink/latest.h"
#include "base/hash.h"
#include <stdlib.h>

td_latest td_latest_of(const td_sink_row *row) {
    if (row->kind == TD_ROW_BAR) return td_latest_of_bar(&row->bar, row->source.offset);
    if (row->kind == TD_ROW_PUBLISHED) return td_latest_of_event(&row->event, row->tape_offset);
    return (td_latest){.kind = TD_LATEST_NONE};
}

static bool is_newer(const td_sink_row *row, const td_sink_row *than) {
    const td_latest said = td_latest_of(row), known = td_latest_of(than);
    return td_latest_is_newer(&said, &known);
}

/* A power of two, at most half of which are used. */
static size_t slots_for(size_t count) {
    size_t slots = 2;
    while (slots < 2 * count) slots *= 2;
    return slots;
}

static void make_room(td_latest_picks *picks, size_t count) {
    if (count > picks->most) {
        td_latest_picks_fini(picks);
        picks->most = slots_for(count) / 2; /* a power of two: batches that grow a row each make room few times */
        picks->rows = td_alloc(picks->most * sizeof *picks->rows);
        picks->slots = td_alloc(slots_for(picks->most) * sizeof *picks->slots);
    }
    picks->count = 0;
    memset(picks->slots, 0, slots_for(count) * sizeof *picks->slots);
}

static uint32_t *slot_of(td_latest_picks *picks, const td_sink_row *rows, size_t slot_count, td_bytes instrument) {
    size_t at = td_hash_bytes(instrument) & (slot_count - 1);
    while (picks->slots[at] != 0 && !td_bytes_equal(rows[picks->rows[picks->slots[at] - 1]].instrument, instrument))
        at = (at + 1) & (slot_count - 1);
    return &picks->slots[at];
}

void td_latest_pick(td_latest_picks *picks, const td_sink_row *rows, size_t count) {
    picks->count = 0;
    if (count == 0 || td_latest_of(&rows[0]).kind == TD_LATEST_NONE) return;
    make_room(picks, count);
    size_t slot_count = slots_for(count);
    for (size_t i = 0; i < count; i++) {
        uint32_t *slot = slot_of(picks, rows, slot_count, rows[i].instrument);
        if (*slot == 0) {
            picks->rows[picks->count] = (uint32_t)i;
            *slot = (uint32_t)++picks->count;
        } else if (is_newer(&rows[i], &rows[picks->rows[*slot - 1]])) {
            picks->rows[*slot - 1] = (uint32_t)i;
        }
    }
}

void td_latest_picks_fini(td_latest_picks *picks) {
    free(picks->rows);
    free(picks->slots);
    *picks = (td_latest_picks){0};
}
