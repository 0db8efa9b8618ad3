/* src/stream/asof.c - rows in the order of time, thinned where they are no longer new. */
#include "stream/asof.h"
#include "base/time.h"

typedef struct head {
    uint32_t count, zero[3];
} head;

typedef struct row {
    int64_t event_ns, zero;
    td_value values[];
} row;
_Static_assert(sizeof(head) == 16 && sizeof(row) == 16, "blocks are aligned to 16");

static size_t row_bytes(td_asof a) { return sizeof(row) + a.values * sizeof(td_value); }
static uint32_t capacity_of(td_asof a) { return 2 * TD_ASOF_NEWEST + a.grains; }
static row *row_at(td_asof a, uint32_t i) {
    return (row *)(void *)((uint8_t *)a.block + sizeof(head) + i * row_bytes(a));
}

size_t td_asof_bytes(uint32_t values, uint32_t grains) {
    td_asof a = {.values = values, .grains = grains};
    return sizeof(head) + capacity_of(a) * row_bytes(a);
}

bool td_asof_valid(td_asof a) { return ((const head *)a.block)->count <= capacity_of(a); }

/* The multiple of the grain from which on the row may be asked for, but not the one before it. */
static int64_t grain_of(td_asof a, uint32_t i) { return td_window_start(row_at(a, i)->event_ns - 1, a.grain_ns); }

/* Keeps of the rows that are not among the newest the last of each grain, and at least makes room for as many again. */
static void thin(td_asof a) {
    head *h = a.block;
    uint32_t older = h->count - TD_ASOF_NEWEST, kept = 0;
    for (uint32_t i = 0; i < older && a.grain_ns > 0; i++)
        if (grain_of(a, i) != grain_of(a, i + 1)) memmove(row_at(a, kept++), row_at(a, i), row_bytes(a));
    uint32_t goes = kept > a.grains ? kept - a.grains : 0;
    memmove(row_at(a, 0), row_at(a, goes), (kept - goes) * row_bytes(a));
    memmove(row_at(a, kept - goes), row_at(a, older), TD_ASOF_NEWEST * row_bytes(a));
    h->count = kept - goes + TD_ASOF_NEWEST;
}

td_value *td_asof_put(td_asof a, int64_t event_ns) {
    head *h = a.block;
    while (h->count > 0 && row_at(a, h->count - 1)->event_ns >= event_ns) h->count--;
    if (h->count == capacity_of(a)) thin(a);
    row *r = row_at(a, h->count++);
    r->event_ns = event_ns;
    return r->values;
}

const td_value *td_asof_at(td_asof a, int64_t ns, int64_t *out_event_ns) {
    uint32_t i = ((const head *)a.block)->count;
    while (i > 0 && row_at(a, i - 1)->event_ns > ns) i--;
    if (i == 0) return NULL;
    *out_event_ns = row_at(a, i - 1)->event_ns;
    return row_at(a, i - 1)->values;
}
