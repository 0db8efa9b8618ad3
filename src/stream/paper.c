/* src/stream/paper.c - orders and fills of a paper position. */
#include "stream/paper.h"

/* Of one limit: the period that holds the moment. */
static int64_t period_of(const td_paper_rules *rules, int limit, td_moment now, int64_t event_ns) {
    return limit == 0 ? now.session_ns : event_ns - event_ns % rules->most_per_ns;
}

void td_paper_enter(td_paper *p, const td_paper_rules *rules, td_moment now, int64_t event_ns) {
    for (int i = 0; i < TD_PAPER_LIMITS; i++) {
        if (rules->most[i] == 0) continue;
        int64_t period_ns = period_of(rules, i, now, event_ns);
        p->counted[i] = p->counted_ns[i] == period_ns ? p->counted[i] + 1 : 1;
        p->counted_ns[i] = period_ns;
    }
}

bool td_paper_holds_back(const td_paper *p, const td_paper_rules *rules, td_moment now, int64_t event_ns) {
    int64_t own_ns = rules->cooldown_ns[p->leaving], any_ns = rules->cooldown_any_ns;
    if (p->left_ns != 0 && event_ns - p->left_ns < (own_ns > any_ns ? own_ns : any_ns)) return true;
    for (int i = 0; i < TD_PAPER_LIMITS; i++)
        if (rules->most[i] != 0 && p->counted[i] >= rules->most[i] &&
            p->counted_ns[i] == period_of(rules, i, now, event_ns))
            return true;
    return false;
}

void td_paper_leave(td_paper *p, td_leaving leaving, int64_t event_ns) {
    p->leaving = leaving;
    p->left_ns = event_ns;
}

/* The last ordinal of that time, of either kind: another program may have judged by the other one. */
static uint32_t used_at(const td_paper *p, int64_t event_ns) {
    uint32_t by_tick = p->signal_ns == event_ns ? p->ordinal : 0, by_bar = p->bar_ns == event_ns ? p->bar_ordinal : 0;
    return by_tick > by_bar ? by_tick : by_bar;
}

uint32_t td_paper_number(td_paper *p, td_cause_kind cause, int64_t event_ns) {
    uint32_t ordinal = used_at(p, event_ns) + 1;
    *(cause == TD_CAUSE_BAR ? &p->bar_ordinal : &p->ordinal) = ordinal;
    *(cause == TD_CAUSE_BAR ? &p->bar_ns : &p->signal_ns) = event_ns;
    return ordinal;
}

void td_paper_order(td_paper *p, td_moment now, const td_signal *signal) {
    p->target = signal->target;
    p->ordered = 1;
    p->order_ns = signal->event_ns;
    p->order_ordinal = signal->ordinal;
    p->cause = now;
}

uint32_t td_paper_late_ordinal(td_paper *p, int64_t event_ns, uint32_t used) {
    uint32_t last = used_at(p, event_ns), ordinal = (last > used ? last : used) + 1;
    if (p->bar_ns == event_ns) p->bar_ordinal = ordinal;
    return ordinal;
}

bool td_paper_is_due(const td_paper *p, const td_paper_rules *rules, td_moment now) {
    if (p->ordered == 0 || p->cause.record == now.record) return false;
    return rules->fill_after_ns == 0 || now.ns - p->cause.ns >= rules->fill_after_ns;
}

int64_t td_paper_shares(td_split split, int64_t quantity) {
    td_i128 scaled = td_split_size(split, quantity);
    return scaled > INT64_MAX ? INT64_MAX : scaled < -INT64_MAX ? -INT64_MAX : (int64_t)scaled;
}

void td_paper_split(td_paper *p, td_split split, int64_t up_to_ns) {
    p->quantity = td_paper_shares(split, p->quantity);
    p->entry = (int64_t)td_split_price(split, p->entry);
    p->shares_ns = up_to_ns;
}

bool td_paper_fill(td_paper *p, int64_t target, int64_t price, int64_t event_ns, td_fill *out) {
    td_i128 more = (td_i128)target - p->quantity;
    bool opens = target != 0 && (p->quantity == 0 || (target > 0) != (p->quantity > 0));
    p->ordered = 0;
    if (more == 0) return false;
    p->quantity = target;
    p->shares_ns = event_ns;
    if (opens) {
        p->entry = price;
        p->entry_ns = event_ns;
        p->best = price;
        p->risk = 0;
    }
    out->event_ns = event_ns;
    out->quantity = more < 0 ? -more : more;
    out->price = price;
    out->position = target;
    out->side = more < 0 ? TD_SIDE_SELL : TD_SIDE_BUY;
    return true;
}
