/* src/stream/section.c - one among all, counted. */
#include "stream/section.h"
#include "stream/sum.h"
#include <math.h>

typedef struct tally {
    uint64_t count, above, equal;
    td_sum sum;
    bool there; /* the instrument is a member, with that value: */
    double value;
} tally;

static bool is_of(const td_member *m, const td_member *of) {
    return m->section == of->section && m->end_ns == of->end_ns;
}

static void find_own(td_members members, const td_member *of, tally *t) {
    for (size_t i = 0; i < members.count && !t->there; i++) {
        const td_member *m = &members.list[i];
        if (!is_of(m, of) || m->name_size != of->name_size || memcmp(m->name, of->name, of->name_size) != 0) continue;
        t->there = true;
        t->value = m->value;
    }
}

static tally count(td_members members, const td_member *of) {
    tally t = {.count = 0};
    find_own(members, of, &t);
    for (size_t i = 0; i < members.count; i++) {
        const td_member *m = &members.list[i];
        if (!is_of(m, of)) continue;
        t.count++;
        t.above += m->value > t.value;
        t.equal += m->value == t.value;
        td_sum_add(&t.sum, m->value);
    }
    return t;
}

/* By distances from the mean: members of equal value have none. */
static td_value deviation(td_members members, const td_member *of, double mean, uint64_t n) {
    td_sum squares = {{0}};
    for (size_t i = 0; i < members.count; i++) {
        double off = members.list[i].value - mean;
        if (!is_of(&members.list[i], of)) continue;
        if (!(fabs(off) <= TD_SUM_FACTOR_MAX)) return TD_VALUE_NA;
        td_sum_add_product(&squares, off, off);
    }
    return td_value_real(sqrt(td_sum_ratio(&squares, n)));
}

td_value td_section_value(td_members members, td_port_kind kind, const td_member *of) {
    tally t = count(members, of);
    double n = (double)t.count;
    if (kind == TD_PORT_MEMBERS) return td_value_real(n);
    if (t.count == 0) return TD_VALUE_NA;
    double mean = td_sum_ratio(&t.sum, t.count), place = (double)t.above + ((double)t.equal + 1) / 2;
    switch (kind) {
    case TD_PORT_RANK: /* equal ones share their places */
        return t.there ? td_value_real((n - place + 1) / n) : TD_VALUE_NA;
    case TD_PORT_PLACE:
        return t.there ? td_value_real(place) : TD_VALUE_NA;
    case TD_PORT_DEVIATION:
        return deviation(members, of, mean, t.count);
    default:
        return td_value_real(mean);
    }
}
