/* src/stream/gaps.c - a short list, looked through. */
#include "stream/gaps.h"
#include "base/time.h"
#include <assert.h>

static bool is_open(const td_hole *hole) { return hole->number != 0 && hole->status == TD_GAP_OPEN; }
static bool is_lost(const td_hole *hole) { return hole->status == TD_GAP_LOST; }
static bool is_untold(const td_hole *hole) { return hole->number == 0; }

bool td_gaps_lies_over(const td_hole *hole, int64_t start_ns, int64_t end_ns) {
    return hole->from_ns < end_ns && (hole->to_ns == TD_NONE || hole->to_ns >= start_ns);
}

static td_hole *find_kind(td_gaps *g, uint32_t from, bool (*is_kind)(const td_hole *)) {
    for (uint32_t i = from; i < g->count; i++)
        if (is_kind(&g->at[i])) return &g->at[i];
    return NULL;
}

void td_gaps_remove(td_gaps *g, const td_hole *hole) {
    uint32_t at = (uint32_t)(hole - g->at);
    memmove(&g->at[at], &g->at[at + 1], (--g->count - at) * sizeof g->at[0]);
    memset(&g->at[g->count], 0, sizeof g->at[0]); /* equal states are equal bytes */
}

void td_gaps_forget_ids(td_gaps *g) {
    g->ids_from_ns = 0;
    for (td_hole *hole; (hole = find_kind(g, 0, is_untold)) != NULL;) td_gaps_remove(g, hole);
}

/* ---- room ---- */

/* The two oldest that are not told become one over both. False: there are no two. */
static bool join_untold(td_gaps *g) {
    td_hole *a = find_kind(g, 0, is_untold);
    td_hole *b = a != NULL ? find_kind(g, (uint32_t)(a - g->at) + 1, is_untold) : NULL;
    if (b == NULL) return false;
    a->from_ns = td_least(a->from_ns, b->from_ns);
    a->to_ns = td_most(a->to_ns, b->to_ns);
    a->first_id = td_least(a->first_id, b->first_id);
    a->last_id = td_most(a->last_id, b->last_id);
    a->missing = b->missing > INT64_MAX - a->missing ? INT64_MAX : a->missing + b->missing;
    a->known_ns = td_most(a->known_ns, b->known_ns);
    td_gaps_remove(g, b);
    return true;
}

td_hole *td_gaps_make_room(td_gaps *g, int64_t settled_ns) {
    td_hole *lost = find_kind(g, 0, is_lost);
    if (lost != NULL && lost->to_ns < settled_ns) return lost;
    if (g->count < TD_GAPS_MAX || join_untold(g)) return NULL;
    return lost != NULL ? lost : find_kind(g, 0, is_open);
}

td_hole *td_gaps_add(td_gaps *g, const td_hole *hole) {
    assert(g->count < TD_GAPS_MAX);
    g->at[g->count] = *hole;
    return &g->at[g->count++];
}

/* ---- looking ---- */

td_hole *td_gaps_find(td_gaps *g, int64_t number) {
    for (uint32_t i = 0; i < g->count; i++)
        if (g->at[i].number == number && is_open(&g->at[i])) return &g->at[i];
    return NULL;
}

td_hole *td_gaps_with_id(td_gaps *g, int64_t id) {
    for (uint32_t i = 0; i < g->count; i++) {
        td_hole *hole = &g->at[i];
        bool misses = hole->missing != TD_NONE && hole->first_id <= id && id <= hole->last_id;
        if (misses && !is_lost(hole)) return hole;
    }
    return NULL;
}

td_hole *td_gaps_endless(td_gaps *g) {
    for (uint32_t i = 0; i < g->count; i++)
        if (g->at[i].to_ns == TD_NONE) return &g->at[i];
    return NULL;
}

const td_hole *td_gaps_look_over(const td_gaps *g, int64_t start_ns, int64_t end_ns, td_gap_status status) {
    for (uint32_t i = 0; i < g->count; i++) {
        const td_hole *hole = &g->at[i];
        if (hole->number != 0 && hole->status == status && td_gaps_lies_over(hole, start_ns, end_ns)) return hole;
    }
    return NULL;
}

const td_hole *td_gaps_look_unsettled(const td_gaps *g, int64_t start_ns, int64_t end_ns) {
    for (uint32_t i = 0; i < g->count; i++)
        if (!is_lost(&g->at[i]) && td_gaps_lies_over(&g->at[i], start_ns, end_ns)) return &g->at[i];
    return NULL;
}
