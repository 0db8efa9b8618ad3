/* src/serve/newest.c - waits for the View, then takes what it knows. */
#include "serve/newest.h"
#include <stdlib.h>

#define WAIT_NS (2 * TD_NS_PER_S)

struct td_newest {
    const td_view *view;
    char instrument[TD_INSTRUMENT_NAME_MAX + 1]; /* "": all */
    int64_t *ends, until_ns;
    td_newest_row *rows;
    size_t count;
    int64_t behind;
};

td_newest *td_newest_new(const td_view *view, td_bytes instrument) {
    td_newest *n = td_alloc_zero(1, sizeof *n);
    n->view = view;
    if (instrument.size > 0) memcpy(n->instrument, instrument.data, instrument.size);
    n->ends = td_alloc(td_view_partitions(view) * sizeof *n->ends);
    td_view_tape_ends(view, n->ends);
    n->until_ns = td_view_now_ns(view) + WAIT_NS;
    return n;
}

void td_newest_free(td_newest *n) {
    if (n == NULL) return;
    free(n->ends);
    free(n->rows);
    free(n);
}

static void take(td_newest *n, uint32_t instrument) {
    const td_latest *latest = td_view_instrument_at(n->view, instrument)->latest;
    for (size_t k = 0; k < TD_LATEST_KIND_COUNT; k++)
        if (latest[k].kind != TD_LATEST_NONE) n->rows[n->count++] = (td_newest_row){instrument, latest[k]};
}

td_status td_newest_step(td_newest *n) {
    if (!td_view_has_read(n->view, n->ends) && td_view_now_ns(n->view) < n->until_ns) return TD_FULL;
    uint32_t first = 0, end = td_view_count(n->view);
    if (n->instrument[0] != '\0') {
        first = td_view_find(n->view, td_text(n->instrument));
        end = first == UINT32_MAX ? first : first + 1;
    }
    n->rows = td_alloc(((size_t)(end - first) + 1) * TD_LATEST_KIND_COUNT * sizeof *n->rows);
    for (uint32_t i = first; i < end; i++) take(n, i);
    td_view_lag lag;
    td_view_lag_of(n->view, &lag);
    n->behind = lag.tape_records;
    return TD_OK;
}

size_t td_newest_rows(const td_newest *n, const td_newest_row **out) {
    *out = n->rows;
    return n->count;
}

int64_t td_newest_behind(const td_newest *n) { return n->behind; }
