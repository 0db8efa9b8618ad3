/* src/stream/seen.c - numbers as spans, as bits, and as a ring. */
#include "stream/seen.h"

/* Opens a span [number, number] at `index`. A full set forgets its lowest, which may be this one. */
static void insert_span(td_spans *s, size_t index, int64_t number) {
    if (index == TD_SEEN_SPANS) return;
    if (s->count == TD_SEEN_SPANS) s->count--;
    memmove(&s->at[index + 1], &s->at[index], (size_t)(s->count - index) * sizeof s->at[0]);
    s->at[index].first = s->at[index].last = number;
    s->count++;
}

bool td_spans_add(td_spans *s, int64_t number) {
    size_t i = 0; /* the highest span that does not lie above the number */
    while (i < s->count && number < s->at[i].first) i++;
    if (i < s->count && number <= s->at[i].last) return false;
    bool joins_above = i > 0 && number == s->at[i - 1].first - 1;
    bool joins_below = i < s->count && number - 1 == s->at[i].last;
    if (joins_above && joins_below) { /* the hole is filled */
        s->at[i - 1].first = s->at[i].first;
        s->count--;
        memmove(&s->at[i], &s->at[i + 1], (size_t)(s->count - i) * sizeof s->at[0]);
    } else if (joins_above) {
        s->at[i - 1].first = number;
    } else if (joins_below) {
        s->at[i].last = number;
    } else {
        insert_span(s, i, number);
    }
    return true;
}

/* ---- ordered ids ---- */

static int64_t word_of(int64_t id) { return id >= 0 ? id / 64 : ~(~id / 64); } /* rounded down */

/* What a word has seen goes to the spans. */
static void retire_word(td_ids *ids, int64_t word) {
    uint64_t *bits = &ids->words[(uint64_t)word % TD_SEEN_WORDS];
    td_spans *older = &ids->older;
    if (*bits == UINT64_MAX && older->count > 0 && older->at[0].last == word * 64 - 1) {
        older->at[0].last += 64;
        *bits = 0;
    }
    for (; *bits != 0; *bits &= *bits - 1) (void)td_spans_add(older, word * 64 + __builtin_ctzll(*bits));
}

static void move_up(td_ids *ids, int64_t high) {
    int64_t from = word_of(ids->high), to = word_of(high);
    for (int64_t w = from + 1; w <= to && w <= from + TD_SEEN_WORDS; w++) retire_word(ids, w - TD_SEEN_WORDS);
    ids->high = high;
}

static bool ids_add(td_ids *ids, int64_t id) {
    if (ids->begun == 0) ids->high = id;
    ids->begun = 1;
    if (id > ids->high) move_up(ids, id);
    if (word_of(id) <= word_of(ids->high) - TD_SEEN_WORDS) return td_spans_add(&ids->older, id);
    uint64_t *bits = &ids->words[(uint64_t)word_of(id) % TD_SEEN_WORDS], bit = UINT64_C(1) << ((uint64_t)id % 64);
    bool fresh = (*bits & bit) == 0;
    *bits |= bit;
    return fresh;
}

/* What stands above `before`, the highest until now. */
static td_id_place place_above(td_ids *ids, int64_t id, int64_t before) {
    bool awaited = ids->awaited != 0;
    ids->awaited = 0;
    if (id - 1 != before) return TD_ID_BEYOND;
    return awaited ? TD_ID_AWAITED : TD_ID_NEXT;
}

td_id_place td_seen_add_out_of_line(td_seen *seen, const td_event *trade) {
    td_ids *ids = &seen->ids;
    int64_t id = trade->trade.trade_id, high = ids->high, newest_ns = seen->newest_ns;
    bool first = ids->begun == 0, later = first || trade->event_ns > newest_ns;
    /* Where arrival stands in for the event's time, a double is later, too. */
    bool tells_time = (trade->flags & TD_FLAG_TIME_RECEIVE) == 0 && trade->origin == TD_ORIGIN_FEED;
    if (later) seen->newest_ns = trade->event_ns;
    bool fresh = ids_add(ids, id);
    if (!first && later && tells_time && (!fresh || id < ids->first)) {
        memset(ids, 0, sizeof *ids);
        first = fresh = ids_add(ids, id);
    }
    if (first || id < ids->first) ids->first = id;
    ids->before = high;
    ids->before_ns = newest_ns;
    if (!fresh) return TD_ID_DOUBLE;
    if (first) return TD_ID_FIRST;
    return id <= high ? TD_ID_BELOW : place_above(ids, id, high); /* the highest itself may have been passed */
}

td_id_place td_seen_pass_ordered(td_seen *seen, const td_event *trade) {
    td_ids *ids = &seen->ids;
    int64_t id = trade->trade.trade_id, high = ids->high;
    if (ids->begun == 0 || id <= high) return TD_ID_DOUBLE;
    move_up(ids, id);
    ids->before = high;
    ids->before_ns = seen->newest_ns;
    return place_above(ids, id, high);
}

void td_seen_await(td_seen *seen) { seen->ids.awaited = 1; }

/* ---- ids in any order ---- */

bool td_id_ring_add(td_id_ring *ring, int64_t id) {
    for (size_t i = 0; i < TD_SEEN_RING && i < ring->count; i++)
        if (ring->ids[i] == id) return false;
    ring->ids[ring->count++ % TD_SEEN_RING] = id;
    return true;
}
