/* src/stream/recall.c - a ring of rows, and what windows over them say. */
#include "stream/recall.h"
#include "base/time.h"
#include "stream/indicator.h"

typedef struct head {
    uint32_t count, next;
    int64_t forgotten_ns; /* the last time of a row that is here no more; 0: none is gone */
} head;

typedef struct row {
    int64_t event_ns, zero;
    td_value values[];
} row;
_Static_assert(sizeof(head) == 16 && sizeof(row) == 16, "blocks are aligned to 16");

static size_t row_bytes(uint32_t values) { return sizeof(row) + values * sizeof(td_value); }
static row *row_at(td_recall r, uint32_t i) {
    return (row *)(void *)((uint8_t *)r.block + sizeof(head) + i * row_bytes(r.values));
}

size_t td_recall_bytes(uint32_t values) { return sizeof(head) + TD_RECALL_MAX * row_bytes(values); }

bool td_recall_valid(td_recall r) {
    const head *h = r.block;
    return h->count <= TD_RECALL_MAX && h->next < TD_RECALL_MAX && (h->count == TD_RECALL_MAX || h->next == h->count);
}

td_value *td_recall_put(td_recall r, int64_t event_ns) {
    head *h = r.block;
    row *newest = row_at(r, h->next);
    if (h->count == TD_RECALL_MAX) h->forgotten_ns = td_most(h->forgotten_ns, newest->event_ns);
    h->next = (h->next + 1) % TD_RECALL_MAX;
    if (h->count < TD_RECALL_MAX) h->count++;
    newest->event_ns = event_ns;
    return newest->values;
}

typedef struct tally { /* of the elements so far */
    uint64_t count, trues;
    td_total total;
    td_value max, min, first, last;
    int64_t first_ns, last_ns;
} tally;

static void add(tally *t, td_type type, const row *r, td_value x) {
    td_i128 order = td_value_order(type, x);
    bool none = t->count++ == 0;
    t->trues += x == 1;
    if (type != TD_TYPE_CONDITION) td_total_add(&t->total, type, x);
    if (none || order > td_value_order(type, t->max)) t->max = x;
    if (none || order < td_value_order(type, t->min)) t->min = x;
    if (none || r->event_ns < t->first_ns) {
        t->first = x;
        t->first_ns = r->event_ns;
    }
    if (none || r->event_ns >= t->last_ns) {
        t->last = x;
        t->last_ns = r->event_ns;
    }
}

static td_value say(const tally *t, td_recall_word word, td_type type) {
    if (word == TD_RECALL_SUM && t->count == 0) return 0; /* of doubles, too */
    if (word == TD_RECALL_SUM) return td_total_ratio(&t->total, type, 1);
    if (word == TD_RECALL_COUNT) return td_value_real((double)t->trues);
    if (word == TD_RECALL_ANY) return t->trues > 0;
    if (word == TD_RECALL_ALL) return t->trues == t->count;
    if (t->count == 0) return TD_VALUE_NA;
    if (word == TD_RECALL_MEAN) return td_total_ratio(&t->total, type, t->count);
    if (word == TD_RECALL_MAXIMUM) return t->max;
    if (word == TD_RECALL_MINIMUM) return t->min;
    return word == TD_RECALL_FIRST ? t->first : t->last;
}

const td_value *td_recall_at(td_recall r, int64_t ns, int64_t *out_event_ns, bool *out_forgotten) {
    const head *h = r.block;
    const row *found = NULL;
    for (uint32_t i = 0; i < h->count; i++) { /* the newest first: of one time it stays */
        const row *at = row_at(r, (h->next + TD_RECALL_MAX - 1 - i) % TD_RECALL_MAX);
        if (at->event_ns <= ns && (found == NULL || at->event_ns > found->event_ns)) found = at;
    }
    *out_forgotten = h->forgotten_ns != 0 && (found == NULL || found->event_ns < h->forgotten_ns);
    if (found == NULL || *out_forgotten) return NULL;
    *out_event_ns = found->event_ns;
    return found->values;
}

td_value td_recall_over(td_recall r, const td_recall_window *w) {
    const head none = {0}, *h = r.block != NULL ? r.block : &none;
    tally t = {0};
    for (uint32_t i = 0; i < h->count; i++) { /* the oldest first */
        const row *at = row_at(r, (h->next + TD_RECALL_MAX - h->count + i) % TD_RECALL_MAX);
        bool within = at->event_ns > w->from_ns && at->event_ns <= w->to_ns;
        if (!within || td_value_is_na(at->values[w->value])) continue;
        if (w->admits == 0 || at->values[w->admits - 1] == 1) add(&t, w->type, at, at->values[w->value]);
    }
    return say(&t, w->word, w->type);
}
