/* src/stream/order.c - a monotonic queue, and an AVL tree of a window's values in a flat block. */
#include "stream/order.h"
#include "stream/over.h"
#include "stream/sum.h"
#include <assert.h>
#include <math.h>

/* ---- extremes ---- */

typedef struct queue {
    uint64_t seen; /* consecutive values, at most n */
    uint32_t first, count;
    uint32_t bars[]; /* n places: numbers of bars, of 32 bits, the best value first */
} queue;

size_t td_extreme_bytes(td_type type, uint32_t n) { return (void)type, sizeof(queue) + n * sizeof(uint32_t); }

static uint32_t *queue_at(queue *q, uint32_t n, uint32_t i) { return &q->bars[(q->first + i) % n]; }

static td_value extreme_ago(const td_step *s, bool greatest) {
    queue *q = s->state;
    uint32_t now = (uint32_t)s->past[0].seen;
    if (td_value_is_na(s->in[0])) {
        q->seen = q->first = q->count = 0;
        return TD_VALUE_NA;
    }
    if (q->seen < s->n) q->seen++;
    if (q->count > 0 && now - *queue_at(q, s->n, 0) >= s->n) {
        q->first = (q->first + 1) % s->n;
        q->count--;
    }
    td_i128 x = td_value_order(s->type, s->in[0]);
    for (; q->count > 0; q->count--) { /* who is not better than the newest will never be the best again */
        td_value back = td_past_at(&s->past[0], now - *queue_at(q, s->n, q->count - 1));
        td_i128 other = td_value_order(s->type, back);
        if (greatest ? other > x : other < x) break;
    }
    *queue_at(q, s->n, q->count++) = now;
    return q->seen < s->n ? TD_VALUE_NA : (td_value)(now - *queue_at(q, s->n, 0)) * TD_VALUE_ONE;
}

td_value td_max_ago_step(const td_step *s) { return extreme_ago(s, true); }
td_value td_min_ago_step(const td_step *s) { return extreme_ago(s, false); }

/* ---- the sorted window ---- */

typedef struct leaf { /* node number i + 1; 0 is none */
    td_i128 value;    /* td_value_order */
    td_i128 sum;      /* of the values below and including it */
    uint32_t left, right, count, height;
} leaf;

typedef struct sorted {
    uint64_t seen; /* consecutive values, at most n */
    uint32_t next; /* whose turn it is: the place of the oldest once the window is full */
    uint32_t root;
    leaf leaves[]; /* n places */
} sorted;

size_t td_sorted_bytes(td_type type, uint32_t n) { return (void)type, sizeof(sorted) + n * sizeof(leaf); }

static leaf *leaf_at(sorted *t, uint32_t i) { return &t->leaves[i - 1]; }
static uint32_t height_of(sorted *t, uint32_t i) { return i == 0 ? 0 : leaf_at(t, i)->height; }
static uint32_t count_of(sorted *t, uint32_t i) { return i == 0 ? 0 : leaf_at(t, i)->count; }
static td_i128 sum_of(sorted *t, uint32_t i) { return i == 0 ? 0 : leaf_at(t, i)->sum; }

static void renew(sorted *t, uint32_t i) {
    leaf *l = leaf_at(t, i);
    uint32_t left = height_of(t, l->left), right = height_of(t, l->right);
    l->height = 1 + (left > right ? left : right);
    l->count = 1 + count_of(t, l->left) + count_of(t, l->right);
    l->sum = l->value + sum_of(t, l->left) + sum_of(t, l->right);
}

static uint32_t rotate(sorted *t, uint32_t i, bool to_right) {
    leaf *l = leaf_at(t, i);
    uint32_t up = to_right ? l->left : l->right;
    leaf *u = leaf_at(t, up);
    if (to_right) {
        l->left = u->right;
        u->right = i;
    } else {
        l->right = u->left;
        u->left = i;
    }
    renew(t, i);
    renew(t, up);
    return up;
}

/* The subtree's root after its two sides may differ by two. */
static uint32_t balance(sorted *t, uint32_t i) {
    leaf *l = leaf_at(t, i);
    renew(t, i);
    uint32_t left = height_of(t, l->left), right = height_of(t, l->right);
    if (left > right + 1) {
        leaf *down = leaf_at(t, l->left);
        if (height_of(t, down->left) < height_of(t, down->right)) l->left = rotate(t, l->left, false);
        return rotate(t, i, true);
    }
    if (right > left + 1) {
        leaf *down = leaf_at(t, l->right);
        if (height_of(t, down->right) < height_of(t, down->left)) l->right = rotate(t, l->right, true);
        return rotate(t, i, false);
    }
    return i;
}

/* Equal values stand in the order of their places, so that each can be found again. */
static bool stands_before(sorted *t, uint32_t a, uint32_t b) {
    td_i128 x = leaf_at(t, a)->value, y = leaf_at(t, b)->value;
    return x != y ? x < y : a < b;
}

static uint32_t insert(sorted *t, uint32_t root, uint32_t i) {
    if (root == 0) {
        renew(t, i);
        return i;
    }
    leaf *r = leaf_at(t, root);
    if (stands_before(t, i, root))
        r->left = insert(t, r->left, i);
    else
        r->right = insert(t, r->right, i);
    return balance(t, root);
}

static uint32_t take_first(sorted *t, uint32_t root, uint32_t *out_first) {
    leaf *r = leaf_at(t, root);
    if (r->left == 0) {
        *out_first = root;
        return r->right;
    }
    r->left = take_first(t, r->left, out_first);
    return balance(t, root);
}

static uint32_t take(sorted *t, uint32_t root, uint32_t i) {
    leaf *r = leaf_at(t, root);
    if (root != i) {
        if (stands_before(t, i, root))
            r->left = take(t, r->left, i);
        else
            r->right = take(t, r->right, i);
        return balance(t, root);
    }
    if (r->left == 0 || r->right == 0) return r->left + r->right;
    uint32_t next, right = take_first(t, r->right, &next);
    leaf_at(t, next)->left = r->left;
    leaf_at(t, next)->right = right;
    return balance(t, next);
}

static void put(sorted *t, uint32_t place, td_i128 order) {
    *leaf_at(t, place) = (leaf){.value = order};
    t->root = insert(t, t->root, place);
}

/* The newest comes, the oldest goes. True: the window is full. */
static bool slide(const td_step *s, bool known) {
    sorted *t = s->state;
    if (!known) {
        t->seen = t->next = t->root = 0;
        return false;
    }
    uint32_t place = t->next + 1;
    if (t->seen == s->n)
        t->root = take(t, t->root, place);
    else
        t->seen++;
    put(t, place, td_value_order(s->type, s->in[0]));
    t->next = place % s->n;
    return t->seen == s->n;
}

/* ---- what is asked of it ---- */

static td_i128 value_at(sorted *t, uint32_t index) { /* 0: the least */
    uint32_t i = t->root;
    for (;;) {
        leaf *l = leaf_at(t, i);
        uint32_t left = count_of(t, l->left);
        if (index == left) return l->value;
        i = index < left ? l->left : l->right;
        if (index > left) index -= left + 1;
    }
}

static double real_of(td_type type, td_i128 order) {
    if (type != TD_TYPE_REAL) return td_ratio(order, TD_VALUE_ONE);
    return td_value_to_real(order < 0 ? INT64_MIN - order : order);
}

/* Of `count` values; a share is a double. */
static td_value quantile_of(sorted *t, td_type type, uint64_t count, td_value share) {
    double place = td_value_to_real(share) * ((double)count - 1.0), below = floor(place);
    uint32_t index = (uint32_t)below;
    double low = real_of(type, value_at(t, index));
    if (place == below) return td_value_real(low);
    return td_value_real(low + (real_of(type, value_at(t, index + 1)) - low) * (place - below));
}

td_value td_quantile_step(const td_step *s) {
    if (!slide(s, !td_value_is_na(s->in[0]))) return TD_VALUE_NA;
    return quantile_of(s->state, s->type, s->n, s->in[1]);
}

/* How many values are less than x; with `equal`: or equal. */
static uint32_t count_below(sorted *t, td_i128 x, bool equal) {
    uint32_t below = 0;
    for (uint32_t i = t->root; i != 0;) {
        leaf *l = leaf_at(t, i);
        bool is_below = l->value < x || (equal && l->value == x);
        if (is_below) below += count_of(t, l->left) + 1;
        i = is_below ? l->right : l->left;
    }
    return below;
}

static td_value rank_of(sorted *t, td_i128 x, double count) {
    uint32_t less = count_below(t, x, false), up_to = count_below(t, x, true);
    return td_value_real((less + up_to + 1.0) / (2.0 * count)); /* the places less + 1 .. up_to */
}

td_value td_rank_step(const td_step *s) {
    if (!slide(s, !td_value_is_na(s->in[0]))) return TD_VALUE_NA;
    return rank_of(s->state, td_value_order(s->type, s->in[0]), s->n);
}

td_value td_mean_distance_step(const td_step *s) {
    const td_i128 limit = (td_i128)1 << 80;
    sorted *t = s->state;
    assert(s->type == TD_TYPE_DECIMAL);
    bool known = !td_value_is_na(s->in[0]) && s->in[0] <= limit && s->in[0] >= -limit;
    if (!slide(s, known)) return TD_VALUE_NA;
    td_i128 total = sum_of(t, t->root), n = s->n, sum = 0, count = 0;
    for (uint32_t i = t->root; i != 0;) { /* those above the mean: as far above as the others are below */
        leaf *l = leaf_at(t, i);
        bool above = l->value * n > total;
        if (above) {
            sum += l->value + sum_of(t, l->right);
            count += 1 + count_of(t, l->right);
        }
        i = above ? l->left : l->right;
    }
    return td_value_real(td_ratio(2 * (sum * n - count * total), (uint64_t)(n * n) * TD_VALUE_ONE));
}

/* ---- over time ---- */

typedef struct arrival {
    int64_t at_ns;
    uint64_t seen;
} arrival;

/* The head, the arrivals beside the leaves, the tree. */
size_t td_over_sorted_bytes(td_type type, uint32_t n) {
    return sizeof(td_over) + n * sizeof(arrival) + td_sorted_bytes(type, n);
}

static sorted *tree_of(const td_step *s) {
    return (sorted *)(void *)((uint8_t *)s->state + sizeof(td_over) + s->n * sizeof(arrival));
}

/* The elements that have left go, the newest comes. True: it is one. */
static bool slide_over(const td_step *s) {
    td_over *o = s->state;
    arrival *arrivals = (arrival *)(void *)(o + 1);
    sorted *t = tree_of(s);
    if (td_over_begins(s)) t->root = 0;
    bool admits = td_over_admits(s, !td_value_is_na(s->in[0]));
    bool full = admits && o->count == s->n; /* of a session: it was longer than sessions are */
    while (o->count > 0 && (full || td_over_has_left(s, arrivals[o->first].at_ns, arrivals[o->first].seen))) {
        t->root = take(t, t->root, o->first + 1);
        o->first = (o->first + 1) % s->n;
        o->count--;
        full = false;
    }
    if (!admits) return false;
    uint32_t place = (o->first + o->count++) % s->n;
    arrivals[place] = (arrival){s->daytime->now_ns, o->seen};
    put(t, place + 1, td_value_order(s->type, s->in[0]));
    return true;
}

td_value td_over_quantile_step(const td_step *s) {
    const td_over *o = s->state;
    (void)slide_over(s);
    if (!td_over_is_known(s) || o->count == 0) return TD_VALUE_NA;
    return quantile_of(tree_of(s), s->type, o->count, s->in[3]);
}

td_value td_over_rank_step(const td_step *s) {
    const td_over *o = s->state;
    bool element = slide_over(s);
    if (!td_over_is_known(s) || !element) return TD_VALUE_NA;
    return rank_of(tree_of(s), td_value_order(s->type, s->in[0]), o->count);
}
