/* src/stream/kept.c - a sorted row of windows per instrument. */
#include "stream/kept.h"
#include <stdlib.h>

typedef struct entry {
    int64_t width_ns;
    int64_t zero; /* windows begin at multiples of 16 */
    td_window window;
} entry;
_Static_assert(sizeof(entry) == 144, "the snapshot format depends on this layout");

typedef struct row { /* of one instrument, by width, then by start */
    entry *entries;
    uint32_t count, capacity;
} row;

struct td_kept {
    row *rows; /* by instrument */
    uint32_t row_count;
};

td_kept *td_kept_new(void) { return td_alloc_zero(1, sizeof(td_kept)); }

void td_kept_free(td_kept *kept) {
    if (kept == NULL) return;
    for (uint32_t i = 0; i < kept->row_count; i++) free(kept->rows[i].entries);
    free(kept->rows);
    free(kept);
}

static void grow_rows(td_kept *kept, uint32_t count) {
    if (count <= kept->row_count) return;
    row *rows = td_alloc_zero(count, sizeof *rows);
    if (kept->row_count > 0) memcpy(rows, kept->rows, kept->row_count * sizeof *rows);
    free(kept->rows);
    kept->rows = rows;
    kept->row_count = count;
}

static void grow_entries(row *r) {
    if (r->count < r->capacity) return;
    r->capacity = r->capacity * 2 + 4;
    size_t bytes = r->capacity * sizeof *r->entries;
    r->entries = td_alloc_check(realloc(r->entries, bytes), bytes);
}

/* The first entry that does not lie before that width and start. */
static uint32_t place_in(const row *r, int64_t width_ns, int64_t start_ns) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const entry *e = &r->entries[middle];
        bool before = e->width_ns < width_ns || (e->width_ns == width_ns && e->window.start_ns < start_ns);
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_entries(row *r, uint32_t from, uint32_t to) {
    if (from == to) return;
    memmove(&r->entries[from], &r->entries[to], (r->count - to) * sizeof *r->entries);
    r->count -= to - from;
}

td_window *td_kept_next(const td_kept *kept, td_kept_place place) {
    if (place.instrument >= kept->row_count) return NULL;
    const row *r = &kept->rows[place.instrument];
    uint32_t at = place_in(r, place.width_ns, place.start_ns);
    return at < r->count && r->entries[at].width_ns == place.width_ns ? &r->entries[at].window : NULL;
}

td_window *td_kept_find(const td_kept *kept, td_kept_place place) {
    td_window *window = td_kept_next(kept, place);
    return window != NULL && window->start_ns == place.start_ns ? window : NULL;
}

void td_kept_want(td_kept *kept, td_kept_place place) {
    if (td_kept_find(kept, place) != NULL) return;
    grow_rows(kept, place.instrument + 1);
    row *r = &kept->rows[place.instrument];
    uint32_t oldest = place_in(r, place.width_ns, INT64_MIN), end = place_in(r, place.width_ns, INT64_MAX);
    uint32_t at = place_in(r, place.width_ns, place.start_ns);
    if (end - oldest == TD_KEPT_MAX) {
        if (at == oldest) return;
        remove_entries(r, oldest, oldest + 1);
        at--;
    }
    grow_entries(r);
    memmove(&r->entries[at + 1], &r->entries[at], (r->count++ - at) * sizeof *r->entries);
    r->entries[at] = (entry){.width_ns = place.width_ns, .window = {.start_ns = place.start_ns}};
}

bool td_kept_put(td_kept *kept, td_kept_place place, const td_window *window) {
    td_window *wanted = td_kept_find(kept, place);
    if (wanted != NULL) *wanted = *window;
    return wanted != NULL;
}

void td_kept_release_older(td_kept *kept, td_kept_place place) {
    if (place.instrument >= kept->row_count) return;
    row *r = &kept->rows[place.instrument];
    remove_entries(r, place_in(r, place.width_ns, INT64_MIN), place_in(r, place.width_ns, place.start_ns));
}

static bool is_among(int64_t width_ns, const int64_t *widths_ns, size_t width_count) {
    for (size_t w = 0; w < width_count; w++)
        if (widths_ns[w] == width_ns) return true;
    return false;
}

void td_kept_release_widths(td_kept *kept, const int64_t *widths_ns, size_t width_count) {
    for (uint32_t i = 0; i < kept->row_count; i++) {
        row *r = &kept->rows[i];
        uint32_t stays = 0;
        for (uint32_t e = 0; e < r->count; e++)
            if (is_among(r->entries[e].width_ns, widths_ns, width_count)) r->entries[stays++] = r->entries[e];
        r->count = stays;
    }
}

/* ---- as bytes: the number of instruments that have any; of each its index, how many, and those ---- */

void td_kept_save(const td_kept *kept, td_buf *out) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < kept->row_count; i++) used += kept->rows[i].count > 0;
    td_buf_put_u32(out, used);
    for (uint32_t i = 0; i < kept->row_count; i++) {
        const row *r = &kept->rows[i];
        if (r->count == 0) continue;
        td_buf_put_u32(out, i);
        td_buf_put_u32(out, r->count);
        td_buf_put(out, r->entries, r->count * sizeof *r->entries);
    }
}

static bool is_sorted(const row *r) {
    for (uint32_t i = 1; i < r->count; i++)
        if (place_in(&(row){.entries = r->entries, .count = i}, r->entries[i].width_ns,
                     r->entries[i].window.start_ns) != i)
            return false;
    return true;
}

static bool take_row(td_kept *kept, td_bytes *bytes, uint32_t instrument_count) {
    uint32_t instrument, count;
    if (!td_bytes_take(bytes, &instrument, sizeof instrument) || !td_bytes_take(bytes, &count, sizeof count))
        return false;
    if (instrument >= instrument_count || instrument < kept->row_count) return false;
    if (count == 0 || count > bytes->size / sizeof(entry)) return false;
    grow_rows(kept, instrument + 1);
    row *r = &kept->rows[instrument];
    r->entries = td_alloc(count * sizeof *r->entries);
    r->count = r->capacity = count;
    return td_bytes_take(bytes, r->entries, count * sizeof *r->entries) && is_sorted(r);
}

bool td_kept_load(td_kept *kept, td_bytes *bytes, uint32_t instrument_count) {
    uint32_t used;
    if (!td_bytes_take(bytes, &used, sizeof used)) return false;
    while (used > 0 && take_row(kept, bytes, instrument_count)) used--;
    return used == 0;
}
