/* src/stream/section.c - all members sorted: by value to see the place of each, then by name to find it. */
#include "stream/section.h"
#include "stream/sum.h"
#include <math.h>
#include <stdlib.h>

typedef struct row {
    const td_member *is;
    double place; /* equal ones share their places */
    size_t group;
} row;

typedef struct group { /* a section at one end */
    size_t count;
    td_value mean, deviation;
} group;

/* ---- orders ---- */

static int by_group(const td_member *a, const td_member *b) {
    if (a->section != b->section) return a->section < b->section ? -1 : 1;
    return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

static int by_value(const void *a, const void *b) {
    const td_member *x = ((const row *)a)->is, *y = ((const row *)b)->is;
    int order = by_group(x, y);
    return order != 0 ? order : (x->value < y->value) - (x->value > y->value);
}

static int compare_names(const td_member *a, const td_member *b) {
    int order = by_group(a, b);
    if (order == 0) order = memcmp(a->name, b->name, a->name_size < b->name_size ? a->name_size : b->name_size);
    return order != 0 ? order : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

static int by_name(const void *a, const void *b) { return compare_names(((const row *)a)->is, ((const row *)b)->is); }

/* ---- made once ---- */

static row *rows_of(const td_ranking *r) { return (row *)(void *)r->rows.data; }
static size_t row_count(const td_ranking *r) { return r->rows.size / sizeof(row); }
static const group *group_at(const td_ranking *r, size_t at) {
    return (const group *)(const void *)r->groups.data + at;
}

static void share_places(row *rows, size_t count) {
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && rows[end].is->value == rows[first].is->value;) end++;
        for (size_t i = first; i < end; i++) rows[i].place = ((double)first + (double)end + 1) / 2;
    }
}

/* By distances from the mean: members of equal value have none. */
static td_value deviation(const row *rows, size_t count, double mean) {
    td_sum squares = {{0}};
    for (size_t i = 0; i < count; i++) {
        double off = rows[i].is->value - mean;
        if (!(fabs(off) <= TD_SUM_FACTOR_MAX)) return TD_VALUE_NA;
        td_sum_add_product(&squares, off, off);
    }
    return td_value_real(sqrt(td_sum_ratio(&squares, count)));
}

static group measure(const row *rows, size_t count) {
    td_sum sum = {{0}};
    for (size_t i = 0; i < count; i++) td_sum_add(&sum, rows[i].is->value);
    double mean = td_sum_ratio(&sum, count);
    return (group){count, td_value_real(mean), deviation(rows, count, mean)};
}

void td_ranking_make(td_ranking *r, td_members members) {
    r->rows.size = r->groups.size = 0;
    for (size_t i = 0; i < members.count; i++) td_buf_put(&r->rows, &(row){.is = &members.list[i]}, sizeof(row));
    row *rows = rows_of(r);
    if (members.count > 0) qsort(rows, members.count, sizeof *rows, by_value);
    for (size_t first = 0, end; first < members.count; first = end) {
        for (end = first; end < members.count && by_group(rows[end].is, rows[first].is) == 0; end++)
            rows[end].group = r->groups.size / sizeof(group);
        group made = measure(rows + first, end - first);
        share_places(rows + first, end - first);
        td_buf_put(&r->groups, &made, sizeof made);
    }
    if (members.count > 0) qsort(rows, members.count, sizeof *rows, by_name);
}

void td_ranking_fini(td_ranking *r) {
    td_buf_fini(&r->groups);
    td_buf_fini(&r->rows);
}

/* ---- asked ---- */

/* The first row that is not before it in the order of names; NULL: there is none. */
static const row *find(const td_ranking *r, const td_member *of) {
    size_t low = 0, high = row_count(r);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_names(rows_of(r)[middle].is, of) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < row_count(r) ? &rows_of(r)[low] : NULL;
}

static td_value place_of(const td_ranking *r, td_port_kind kind, const td_member *of, double count) {
    const row *own = find(r, of);
    if (own == NULL || compare_names(own->is, of) != 0) return TD_VALUE_NA;
    return td_value_real(kind == TD_PORT_PLACE ? own->place : (count - own->place + 1) / count);
}

td_value td_ranking_value(const td_ranking *r, td_port_kind kind, const td_member *of) {
    const td_member first_of = {.section = of->section, .end_ns = of->end_ns};
    const row *first = find(r, &first_of);
    bool any = first != NULL && by_group(first->is, of) == 0;
    if (!any) return kind == TD_PORT_MEMBERS ? td_value_real(0) : TD_VALUE_NA;
    const group *all = group_at(r, first->group);
    switch (kind) {
    case TD_PORT_MEMBERS:
        return td_value_real((double)all->count);
    case TD_PORT_MEAN:
        return all->mean;
    case TD_PORT_DEVIATION:
        return all->deviation;
    default:
        return place_of(r, kind, of, (double)all->count);
    }
}
