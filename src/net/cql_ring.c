/* src/net/cql_ring.c - the ring of a cluster's tokens. */
#include "net/cql_ring.h"
#include <stdlib.h>

enum { DIGITS_MAX = 19 };

void td_cql_ring_fini(td_cql_ring *ring) {
    free(ring->places);
    *ring = (td_cql_ring){0};
}

static bool parse_token(td_bytes text, int64_t *out) {
    bool minus = td_bytes_begin(text, TD_TEXT("-"));
    td_bytes digits = td_bytes_from(text, minus);
    uint64_t v = 0;
    if (digits.size == 0 || digits.size > DIGITS_MAX) return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        v = 10 * v + (uint64_t)(digits.data[i] - '0');
    }
    if (v > (uint64_t)INT64_MAX + minus) return false;
    *out = (int64_t)(minus ? 0 - v : v);
    return true;
}

bool td_cql_ring_add(td_cql_ring *ring, td_bytes token, uint32_t node) {
    td_cql_place place = {.node = node, .route = node};
    if (!parse_token(token, &place.token)) return false;
    if (ring->count == ring->capacity) {
        ring->capacity = ring->capacity > 0 ? 2 * ring->capacity : 256;
        size_t bytes = ring->capacity * sizeof *ring->places;
        ring->places = td_alloc_check(realloc(ring->places, bytes), bytes);
    }
    ring->places[ring->count++] = place;
    return true;
}

static int compare(const void *a_any, const void *b_any) {
    const td_cql_place *a = a_any, *b = b_any;
    if (a->token != b->token) return a->token < b->token ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

void td_cql_ring_sort(td_cql_ring *ring) {
    if (ring->count > 0) qsort(ring->places, ring->count, sizeof *ring->places, compare);
}

void td_cql_ring_route(td_cql_ring *ring, const bool *serves, uint32_t otherwise) {
    uint32_t next = otherwise;
    for (int round = 0; round < 2; round++) /* the last place goes on with the first */
        for (size_t i = ring->count; i > 0; i--) {
            td_cql_place *place = &ring->places[i - 1];
            if (serves[place->node]) next = place->node;
            place->route = next;
        }
}

const td_cql_place *td_cql_ring_find(const td_cql_ring *ring, int64_t token) {
    size_t from = 0, to = ring->count;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        if (ring->places[at].token < token)
            from = at + 1;
        else
            to = at;
    }
    return &ring->places[from < ring->count ? from : 0];
}
