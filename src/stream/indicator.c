/* src/stream/indicator.c - averages, moments and sums over exact sums, and what else follows one value at a time. */
#include "stream/indicator.h"
#include <assert.h>
#include <math.h>

/* ---- totals ---- */

static td_u128 decimal_sum(const td_total *total) {
    return (td_u128)total->sum.decimal[1] << 64 | total->sum.decimal[0];
}

void td_total_add(td_total *total, td_type type, td_value x) {
    if (type == TD_TYPE_REAL) {
        td_sum_add(&total->sum.real, td_value_to_real(x));
    } else {
        td_u128 sum = decimal_sum(total) + (td_u128)x;
        total->sum.decimal[0] = (uint64_t)sum;
        total->sum.decimal[1] = (uint64_t)(sum >> 64);
    }
}

void td_total_take(td_total *total, td_type type, td_value x) {
    td_total_add(total, type, type == TD_TYPE_REAL ? td_value_real(-td_value_to_real(x)) : -x);
}

td_value td_total_ratio(const td_total *total, td_type type, uint64_t divisor) {
    if (type == TD_TYPE_REAL) return td_value_real(td_sum_ratio(&total->sum.real, divisor));
    return td_value_real(td_ratio((td_i128)decimal_sum(total), divisor * TD_VALUE_ONE));
}

/* The newest comes, the oldest goes. True: the window is full. */
static bool slide(const td_step *s) {
    td_total *total = s->state;
    td_value x = s->in[0];
    assert(s->n > 0 && s->n <= TD_WINDOW_MAX && s->type != TD_TYPE_CONDITION);
    if (td_value_is_na(x)) {
        memset(total, 0, td_total_bytes(s->type));
        return false;
    }
    if (total->seen == s->n)
        td_total_take(total, s->type, td_past_at(&s->past[0], s->n));
    else
        total->seen++;
    td_total_add(total, s->type, x);
    return total->seen == s->n;
}

td_value td_sum_step(const td_step *s) { return slide(s) ? td_total_ratio(s->state, s->type, 1) : TD_VALUE_NA; }
td_value td_sma_step(const td_step *s) { return slide(s) ? td_total_ratio(s->state, s->type, s->n) : TD_VALUE_NA; }

td_value td_running_sum_step(const td_step *s) {
    td_total *total = s->state;
    if (td_value_is_na(s->in[0])) return TD_VALUE_NA;
    td_total_add(total, s->type, s->in[0]);
    return td_total_ratio(total, s->type, 1);
}

static double as_real(td_type type, td_value x) {
    return type == TD_TYPE_REAL ? td_value_to_real(x) : td_ratio(x, TD_VALUE_ONE);
}

td_value td_ema_step(const td_step *s) {
    td_total *total = s->state;
    td_value x = s->in[0], k = s->in[1], result = TD_VALUE_NA;
    assert(s->n > 0 && s->n <= TD_WINDOW_MAX && s->type != TD_TYPE_CONDITION);
    if (td_value_is_na(x) || td_value_is_na(k)) {
        memset(total, 0, td_total_bytes(s->type));
        return TD_VALUE_NA;
    }
    if (total->seen < s->n) {
        td_total_add(total, s->type, x);
        if (++total->seen < s->n) return TD_VALUE_NA;
        result = td_total_ratio(total, s->type, s->n);
    } else {
        double last = td_value_to_real(td_value_unpack(total->last));
        result = td_value_real(last + (as_real(s->type, x) - last) * td_value_to_real(k));
    }
    if (td_value_is_na(result))
        memset(total, 0, td_total_bytes(s->type)); /* past the range of doubles */
    else
        total->last = td_value_pack(result);
    return result;
}

/* ---- weights by age ---- */

typedef struct weighted {
    uint64_t seen;
    td_sum plain, weighted; /* sums of x, and of x times its weight */
} weighted;

size_t td_wma_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(weighted); }

td_value td_wma_step(const td_step *s) {
    weighted *w = s->state;
    double x = td_value_is_na(s->in[0]) ? INFINITY : td_value_to_real(s->in[0]);
    if (!(fabs(x) <= TD_SUM_FACTOR_MAX)) {
        memset(w, 0, sizeof *w);
        return TD_VALUE_NA;
    }
    if (w->seen == s->n) {
        td_sum_take(&w->weighted, &w->plain); /* everyone is a bar older: the oldest weighs nothing now */
        td_sum_add(&w->plain, -td_value_to_real(td_past_at(&s->past[0], s->n)));
    } else {
        w->seen++;
    }
    td_sum_add(&w->plain, x);
    td_sum_add_product(&w->weighted, x, (double)w->seen);
    if (w->seen < s->n) return TD_VALUE_NA;
    return td_value_real(td_sum_ratio(&w->weighted, (uint64_t)s->n * (s->n + 1) / 2));
}

/* ---- moments ---- */

size_t td_covariance_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(td_moments); }

void td_moments_add(td_moments *m, double x, double y, bool same, double sign) {
    td_sum_add(&m->x, sign * x);
    td_sum_add_product(&m->xy, sign * x, y);
    if (!same) td_sum_add(&m->y, sign * y);
}

/* (n sum(xy) - sum(x) sum(y)) / n^2 with twice the digits of a double until the difference is taken. */
double td_moments_covariance(const td_moments *m, bool same, double n) {
    td_double2 x = td_sum_value(&m->x), y = same ? x : td_sum_value(&m->y), xy = td_sum_value(&m->xy);
    td_double2 a = td_double2_product(n, xy.high), b = td_double2_product(x.high, y.high);
    a.low += n * xy.low;
    b.low += x.high * y.low + x.low * y.high;
    double difference = (a.high - b.high) + (a.low - b.low);
    if (fabs(difference) < 0x1p-100 * fabs(a.high)) return 0.0; /* below what those digits can tell from nothing */
    return difference / (n * n);
}

bool td_moments_take(td_value x) { return !td_value_is_na(x) && fabs(td_value_to_real(x)) <= TD_SUM_FACTOR_MAX; }

td_value td_covariance_step(const td_step *s) {
    td_moments *m = s->state;
    bool same = s->in[0] == s->in[1] && s->past[0].ring == s->past[1].ring;
    if (!td_moments_take(s->in[0]) || !td_moments_take(s->in[1])) {
        memset(m, 0, sizeof *m);
        return TD_VALUE_NA;
    }
    if (m->seen == s->n)
        td_moments_add(m, td_value_to_real(td_past_at(&s->past[0], s->n)),
                       td_value_to_real(td_past_at(&s->past[1], s->n)), same, -1.0);
    else
        m->seen++;
    td_moments_add(m, td_value_to_real(s->in[0]), td_value_to_real(s->in[1]), same, 1.0);
    if (m->seen < s->n) return TD_VALUE_NA;
    double result = td_moments_covariance(m, same, s->n);
    return td_value_real(same && result < 0.0 ? 0.0 : result);
}

/* ---- what remembers one value ---- */

typedef struct last_value {
    uint64_t known; /* 0: none yet */
    td_value value;
} last_value;

size_t td_blend_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(last_value); }
size_t td_hold_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(last_value); }
size_t td_since_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(last_value); }

td_value td_blend_step(const td_step *s) {
    last_value *last = s->state;
    td_value before = last->known ? last->value : s->in[2], result = TD_VALUE_NA;
    if (!td_value_is_na(s->in[0]) && !td_value_is_na(s->in[1]) && !td_value_is_na(before)) {
        double y = td_value_to_real(before);
        result = td_value_real(y + td_value_to_real(s->in[1]) * (td_value_to_real(s->in[0]) - y));
    }
    bool known = !td_value_is_na(result);
    *last = (last_value){.known = known, .value = known ? result : 0};
    return result;
}

td_value td_hold_step(const td_step *s) {
    last_value *last = s->state;
    if (!td_value_is_na(s->in[0])) *last = (last_value){.known = 1, .value = s->in[0]};
    return last->known ? last->value : TD_VALUE_NA;
}

td_value td_since_step(const td_step *s) {
    last_value *last = s->state;
    if (s->in[0] == 1)
        *last = (last_value){.known = 1};
    else if (last->known)
        last->value += TD_VALUE_ONE;
    return last->known ? last->value : TD_VALUE_NA;
}

/* ---- sar ---- */

typedef struct parabola {
    uint64_t seen; /* 0, 1, or 2 for more */
    uint64_t rising;
    double high, low; /* of the bar before */
    double stop, extreme, speed;
} parabola;

size_t td_sar_bytes(td_type type, uint32_t n) { return (void)type, (void)n, sizeof(parabola); }

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

/* No stop stands inside this bar or the one before. */
static void keep_outside(parabola *p, double high, double low) {
    p->stop = p->rising ? least(least(p->stop, p->low), low) : most(most(p->stop, p->high), high);
}

static double follow(parabola *p, double high, double low, const double speeds[2]) {
    bool hit = p->rising ? low <= p->stop : high >= p->stop;
    if (hit) {
        p->rising = !p->rising;
        p->stop = p->extreme;
        keep_outside(p, high, low);
    }
    double stop = p->stop;
    double reach = p->rising ? high : low;
    if (hit) {
        p->speed = speeds[0];
        p->extreme = reach;
    } else if (p->rising ? reach > p->extreme : reach < p->extreme) {
        p->speed = least(p->speed + speeds[0], speeds[1]);
        p->extreme = reach;
    }
    p->stop += p->speed * (p->extreme - p->stop);
    keep_outside(p, high, low);
    return stop;
}

td_value td_sar_step(const td_step *s) {
    parabola *p = s->state;
    if (td_value_is_na(s->in[0]) || td_value_is_na(s->in[1])) {
        memset(p, 0, sizeof *p);
        return TD_VALUE_NA;
    }
    double high = td_value_to_real(s->in[0]), low = td_value_to_real(s->in[1]), result = 0.0;
    double top = td_value_to_real(s->in[3]), speeds[2] = {least(td_value_to_real(s->in[2]), top), top};
    if (p->seen == 1) { /* the second bar tells the direction, and is its own bar before */
        double down = p->low - low, up = high - p->high;
        p->rising = !(down > 0.0 && up < down);
        p->extreme = p->rising ? high : low;
        p->stop = p->rising ? p->low : p->high;
        p->speed = speeds[0];
        p->high = high;
        p->low = low;
    }
    bool known = p->seen > 0;
    if (known) result = follow(p, high, low, speeds);
    p->seen = known ? 2 : 1;
    p->high = high;
    p->low = low;
    return known ? td_value_real(result) : TD_VALUE_NA;
}
