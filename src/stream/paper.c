/* src/stream/paper.c - orders and fills of a paper position. */
#include "stream/paper.h"

uint32_t td_paper_number(td_paper *p, int64_t event_ns) {
    p->ordinal = p->signal_ns == event_ns ? p->ordinal + 1 : 1;
    p->signal_ns = event_ns;
    return p->ordinal;
}

void td_paper_signal(td_paper *p, td_moment now, td_signal *signal) {
    signal->ordinal = td_paper_number(p, signal->event_ns);
    if (signal->status != TD_SIGNAL_FRESH || signal->action > TD_ACTION_EXIT) return;
    p->target = signal->target;
    p->ordered = 1;
    p->order_ns = signal->event_ns;
    p->order_ordinal = signal->ordinal;
    p->cause = now;
}

uint32_t td_paper_late_ordinal(td_paper *p, int64_t event_ns, uint32_t used) {
    bool same = p->signal_ns == event_ns;
    uint32_t ordinal = (same && p->ordinal > used ? p->ordinal : used) + 1;
    if (same) p->ordinal = ordinal;
    return ordinal;
}

bool td_paper_is_due(const td_paper *p, td_fill_rule rule, td_moment now) {
    if (p->ordered == 0 || p->cause.record == now.record) return false;
    return rule.after_ns == 0 || now.ns - p->cause.ns >= rule.after_ns;
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
    }
    out->event_ns = event_ns;
    out->quantity = more < 0 ? -more : more;
    out->price = price;
    out->position = target;
    out->side = more < 0 ? TD_SIDE_SELL : TD_SIDE_BUY;
    return true;
}
