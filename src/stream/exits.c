/* src/stream/exits.c - levels of a position: where they stand, and who reaches them. */
#include "stream/exits.h"
#include <assert.h>

const char *td_exit_kind_name(td_exit_kind kind) {
    static const char *const names[] = {"stop", "trail", "target"};
    assert(kind < TD_EXIT_NONE);
    return names[kind];
}

static int64_t side_of(const td_paper *p) { return p->quantity > 0 ? 1 : -1; }

/* Prices that no trade can have are no levels. */
static int64_t clamp(td_i128 price) {
    return price > INT64_MAX / 2 ? INT64_MAX / 2 : price < -INT64_MAX / 2 ? -INT64_MAX / 2 : (int64_t)price;
}

/* How much better than the entry, for who holds that side. */
static td_i128 gain_of(const td_paper *p, int64_t price) { return (td_i128)side_of(p) * ((td_i128)price - p->entry); }

static td_i128 times(td_value factor, int64_t price) { /* both of 9 places, factors below 10^9 */
    return td_div_half_even((td_i128)clamp(factor) * price, TD_VALUE_ONE);
}

/* How far from where it is counted; TD_VALUE_NA: not known. */
static td_value distance_of(const td_paper *p, const td_exit_rule *rule, td_value value) {
    if (rule->level == TD_EXIT_R) return p->risk > 0 ? times(rule->r, p->risk) : TD_VALUE_NA;
    if (td_value_is_na(value) || rule->level != TD_EXIT_PERCENT) return value;
    return times(value, p->entry);
}

static bool is_awake(const td_paper *p, const td_exit_rule *rule) {
    if (rule->from_r == 0) return true;
    return p->risk > 0 && gain_of(p, p->best) >= times(rule->from_r, p->risk);
}

static td_value level_of(const td_paper *p, const td_exit_rule *rule, td_value value) {
    if (rule->level == TD_EXIT_AT) return value;
    td_value distance = distance_of(p, rule, value);
    if (td_value_is_na(distance)) return distance;
    if (rule->kind == TD_EXIT_TARGET) return p->entry + side_of(p) * distance;
    return (rule->kind == TD_EXIT_TRAIL ? p->best : p->entry) - side_of(p) * distance;
}

static void follow_one(td_exits x, uint32_t i, td_value value) {
    td_exit *at = &x.at[i];
    if (at->awake == 0) at->awake = is_awake(x.paper, &x.rules[i]);
    td_value level = level_of(x.paper, &x.rules[i], value);
    if (td_value_is_na(level)) return;
    int64_t price = clamp(level);
    bool looser = at->price != 0 && side_of(x.paper) * (price - at->price) < 0;
    if (x.rules[i].kind == TD_EXIT_TRAIL && looser) return;
    at->price = price != 0 ? price : side_of(x.paper) * -1; /* 0 says that there is none */
}

void td_exits_follow(td_exits x, const td_exit_values *values) {
    for (uint32_t i = 0; i < x.count; i++) follow_one(x, i, values->of[i]);
}

void td_exits_begin(td_exits x) {
    for (uint32_t i = 0; i < x.count; i++) x.at[i] = (td_exit){0};
}

void td_exits_take_risk(td_exits x) {
    for (uint32_t i = 0; i < x.count; i++) {
        if (x.rules[i].kind != TD_EXIT_STOP || x.rules[i].level == TD_EXIT_R) continue;
        int64_t away = x.paper->entry - x.at[i].price;
        if (x.at[i].price != 0) x.paper->risk = away < 0 ? -away : away;
        return;
    }
}

static bool reaches(td_exits x, uint32_t i, int64_t price) {
    int64_t side = side_of(x.paper), level = x.at[i].price;
    if (x.at[i].awake == 0 || level == 0) return false;
    if (x.rules[i].kind == TD_EXIT_TARGET) side = -side;
    return side > 0 ? price <= level : price >= level;
}

td_exit_kind td_exits_reached(td_exits x, int64_t price) {
    td_exit_kind first = TD_EXIT_NONE;
    for (uint32_t i = 0; i < x.count; i++)
        if (x.rules[i].kind < first && reaches(x, i, price)) first = (td_exit_kind)x.rules[i].kind;
    return first;
}

void td_exits_pass(td_exits x, int64_t price) {
    if (gain_of(x.paper, price) > gain_of(x.paper, x.paper->best)) x.paper->best = price;
}

/* A better price than the best so far changes something. */
static bool follows_best(const td_exit_rule *rule, const td_exit *at) {
    return rule->kind == TD_EXIT_TRAIL || at->awake == 0;
}

static void narrow(int64_t side, int64_t price, int64_t *low, int64_t *high) { /* side > 0: trouble lies below it */
    if (side > 0 && price > *low) *low = price;
    if (side < 0 && price < *high) *high = price;
}

void td_exits_quiet(td_exits x, int64_t *low, int64_t *high) {
    int64_t side = side_of(x.paper);
    for (uint32_t i = 0; i < x.count; i++) {
        bool target = x.rules[i].kind == TD_EXIT_TARGET;
        if (x.at[i].awake != 0 && x.at[i].price != 0) narrow(target ? -side : side, x.at[i].price, low, high);
        if (follows_best(&x.rules[i], &x.at[i])) narrow(-side, x.paper->best + side, low, high);
    }
}

void td_exits_split(td_exits x, td_split split) {
    x.paper->best = (int64_t)td_split_price(split, x.paper->best);
    x.paper->risk = (int64_t)td_split_price(split, x.paper->risk);
    for (uint32_t i = 0; i < x.count; i++) x.at[i].price = (int64_t)td_split_price(split, x.at[i].price);
}
