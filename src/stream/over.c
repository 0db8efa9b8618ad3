/* src/stream/over.c - windows over time, since an epoch, or of admitted values: rings of elements, and what is kept of
 * them. */
#include "stream/over.h"
#include "stream/indicator.h"
#include <assert.h>

/* ---- what is in the window ---- */

bool td_over_begins(const td_step *s) {
    td_over *o = s->state;
    if (o->begun == 0) {
        o->begun = 1;
        o->begin_ns = s->daytime->start_ns;
        o->epoch = TD_VALUE_NA;
    }
    if (s->span > 0 || o->epoch == s->in[2]) return false;
    o->epoch = s->in[2];
    o->seen = o->first = o->count = 0;
    return true;
}

bool td_over_admits(const td_step *s, bool known) {
    td_over *o = s->state;
    bool admits = known && s->in[1] == 1 && (s->span > 0 || !td_value_is_na(o->epoch));
    o->seen += admits;
    return admits;
}

bool td_over_has_left(const td_step *s, int64_t at_ns, uint64_t seen) {
    const td_over *o = s->state;
    if (s->span == 0) return false;
    return o->seen - seen >= s->n || (s->span != TD_OVER_COUNT && s->daytime->now_ns - (td_i128)at_ns >= s->span);
}

bool td_over_is_known(const td_step *s) {
    const td_over *o = s->state;
    if (s->span == 0) return !td_value_is_na(o->epoch);
    if (s->span == TD_OVER_COUNT) return o->seen >= s->n;
    return s->daytime->now_ns - (td_i128)o->begin_ns >= s->span;
}

/* ---- rings ---- */

typedef struct element {
    td_value x;
    int64_t y;     /* packed */
    int64_t at_ns; /* of its event */
    uint64_t seen; /* its number, from 1 */
    uint64_t zero;
} element;

static element *ring_at(const td_step *s, element *ring, uint32_t i) {
    const td_over *o = s->state;
    return &ring[(o->first + i) % s->n];
}

static void ring_pop(const td_step *s) {
    td_over *o = s->state;
    o->first = (o->first + 1) % s->n;
    o->count--;
}

static element this_element(const td_step *s) {
    const td_over *o = s->state;
    return (element){.x = s->in[0], .y = td_value_pack(s->in[3]), .at_ns = s->daytime->now_ns, .seen = o->seen};
}

/* ---- sums and moments ---- */

typedef void (*sum_fn)(void *sums, td_type type, const element *e, int sign);

/* Lets the newest in and those that have left out; without a ring nobody leaves. Returns how many there are. */
static uint64_t slide(const td_step *s, element *ring, bool admits, void *sums, sum_fn add) {
    td_over *o = s->state;
    for (; o->count > 0 && td_over_has_left(s, ring_at(s, ring, 0)->at_ns, ring_at(s, ring, 0)->seen); ring_pop(s))
        add(sums, s->type, ring_at(s, ring, 0), -1);
    element newest = this_element(s);
    if (admits) add(sums, s->type, &newest, 1);
    if (s->n == 0) return o->seen;
    if (admits) *ring_at(s, ring, o->count++) = newest;
    return o->count;
}

static void add_total(void *sums, td_type type, const element *e, int sign) {
    if (sign > 0)
        td_total_add(sums, type, e->x);
    else
        td_total_take(sums, type, e->x);
}

/* The head, the total, the ring. */
static size_t total_room(td_type type) { return (td_total_bytes(type) + 15) / 16 * 16; }

size_t td_over_sum_bytes(td_type type, uint32_t n) { return sizeof(td_over) + total_room(type) + n * sizeof(element); }

static bool slide_total(const td_step *s, td_total **out_total, uint64_t *out_count) {
    uint8_t *after = (uint8_t *)s->state + sizeof(td_over);
    *out_total = (td_total *)(void *)after;
    if (td_over_begins(s)) memset(*out_total, 0, td_total_bytes(s->type));
    bool admits = td_over_admits(s, !td_value_is_na(s->in[0]));
    *out_count = slide(s, (element *)(void *)(after + total_room(s->type)), admits, *out_total, add_total);
    return td_over_is_known(s);
}

td_value td_over_sum_step(const td_step *s) {
    td_total *total;
    uint64_t count;
    return slide_total(s, &total, &count) ? td_total_ratio(total, s->type, 1) : TD_VALUE_NA;
}

td_value td_over_mean_step(const td_step *s) {
    td_total *total;
    uint64_t count;
    return slide_total(s, &total, &count) && count > 0 ? td_total_ratio(total, s->type, count) : TD_VALUE_NA;
}

typedef struct pair_sums {
    td_moments moments;
    uint64_t apart; /* pairs of two values: while there is none it is a variance */
} pair_sums;

static void add_pair(void *sums, td_type type, const element *e, int sign) {
    pair_sums *p = sums;
    (void)type;
    double x = td_value_to_real(e->x), y = td_value_to_real(td_value_unpack(e->y));
    td_moments_add(&p->moments, x, y, false, sign);
    if (x != y) p->apart += sign > 0 ? 1 : (uint64_t)-1;
}

static size_t pair_room(void) { return (sizeof(pair_sums) + 15) / 16 * 16; }

size_t td_over_covariance_bytes(td_type type, uint32_t n) {
    return (void)type, sizeof(td_over) + pair_room() + n * sizeof(element);
}

td_value td_over_covariance_step(const td_step *s) {
    uint8_t *after = (uint8_t *)s->state + sizeof(td_over);
    pair_sums *sums = (pair_sums *)(void *)after;
    if (td_over_begins(s)) memset(sums, 0, sizeof *sums);
    bool admits = td_over_admits(s, td_moments_take(s->in[0]) && td_moments_take(s->in[3]));
    uint64_t count = slide(s, (element *)(void *)(after + pair_room()), admits, sums, add_pair);
    if (!td_over_is_known(s) || count == 0) return TD_VALUE_NA;
    double result = td_moments_covariance(&sums->moments, false, (double)count);
    return td_value_real(sums->apart == 0 && result < 0.0 ? 0.0 : result);
}

/* ---- one of the elements ---- */

static element *ring_of(const td_step *s) { return (element *)(void *)((uint8_t *)s->state + sizeof(td_over)); }

static uint32_t places(uint32_t n) { return n > 0 ? n : 1; } /* without a ring the one that it says */

size_t td_over_first_bytes(td_type type, uint32_t n) {
    return (void)type, sizeof(td_over) + places(n) * sizeof(element);
}
size_t td_over_last_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(td_over) + sizeof(element); }
size_t td_over_extreme_bytes(td_type type, uint32_t n) { return td_over_first_bytes(type, n); }

static void drop_left(const td_step *s, element *ring) {
    const td_over *o = s->state;
    while (s->n > 0 && o->count > 0 && td_over_has_left(s, ring_at(s, ring, 0)->at_ns, ring_at(s, ring, 0)->seen))
        ring_pop(s);
}

td_value td_over_first_step(const td_step *s) {
    td_over *o = s->state;
    element *ring = ring_of(s);
    (void)td_over_begins(s);
    bool admits = td_over_admits(s, !td_value_is_na(s->in[0]));
    drop_left(s, ring);
    if (s->n > 0 && admits) *ring_at(s, ring, o->count++) = this_element(s);
    if (s->n == 0 && admits && o->count == 0) ring[o->count++] = this_element(s);
    return td_over_is_known(s) && o->count > 0 ? ring[o->first].x : TD_VALUE_NA;
}

td_value td_over_last_step(const td_step *s) {
    td_over *o = s->state;
    element *last = ring_of(s);
    (void)td_over_begins(s);
    if (td_over_admits(s, !td_value_is_na(s->in[0]))) {
        *last = this_element(s);
        o->count = 1;
    }
    bool there = o->count > 0 && !td_over_has_left(s, last->at_ns, last->seen);
    return td_over_is_known(s) && there ? last->x : TD_VALUE_NA;
}

/* Who is not better than a newer one will never be the best again: the ring holds the others, the best first. */
static td_value extreme(const td_step *s, bool greatest) {
    td_over *o = s->state;
    element *ring = ring_of(s);
    (void)td_over_begins(s);
    bool admits = td_over_admits(s, !td_value_is_na(s->in[0]));
    drop_left(s, ring);
    if (admits) {
        td_i128 x = td_value_order(s->type, s->in[0]);
        for (; o->count > 0; o->count--) {
            td_i128 other = td_value_order(s->type, (s->n > 0 ? ring_at(s, ring, o->count - 1) : ring)->x);
            if (greatest ? other > x : other < x) break;
        }
        if (s->n > 0)
            *ring_at(s, ring, o->count++) = this_element(s);
        else if (o->count == 0)
            ring[o->count++] = this_element(s);
    }
    return td_over_is_known(s) && o->count > 0 ? ring[o->first].x : TD_VALUE_NA;
}

td_value td_over_max_step(const td_step *s) { return extreme(s, true); }
td_value td_over_min_step(const td_step *s) { return extreme(s, false); }

/* ---- epochs ---- */

typedef struct epochs {
    uint64_t seen, last; /* events; of the last one that began an epoch, 0: none did */
} epochs;

size_t td_epoch_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(epochs); }

td_value td_epoch_step(const td_step *s) {
    epochs *e = s->state;
    e->seen++;
    if (s->in[0] == 1) e->last = e->seen;
    return e->last == 0 ? TD_VALUE_NA : (td_value)e->last;
}
