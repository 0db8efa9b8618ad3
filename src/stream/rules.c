/* src/stream/rules.c - the rules, a row each. */
#include "stream/rules.h"

static bool refuses_ahead(const td_rule_case *c) { return td_event_is_ahead(c->event, c->feed->max_ahead_ns); }

static bool side_is_bad(int64_t price, int64_t size) {
    return (price != TD_NONE && price <= 0) || (size != TD_NONE && size <= 0);
}

static bool refuses_non_positive(const td_rule_case *c) {
    const td_trade *t = &c->event->trade;
    const td_quote *q = &c->event->quote;
    if (c->event->kind == TD_EVENT_TRADE) return t->price <= 0 || t->size <= 0;
    if (c->event->kind == TD_EVENT_PRICE) return c->event->price.price <= 0;
    return side_is_bad(q->bid_price, q->bid_size) || side_is_bad(q->ask_price, q->ask_size);
}

static bool refuses_crossed(const td_rule_case *c) {
    const td_quote *q = &c->event->quote;
    if (c->event->kind != TD_EVENT_QUOTE) return false;
    return q->bid_price != TD_NONE && q->ask_price != TD_NONE && q->bid_price > q->ask_price;
}

/* ---- outlier ---- */

static uint64_t distance(int64_t a, int64_t b) { /* of positive ones: no overflow */
    return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

static void sort_prices(const int64_t prices[TD_RECENT], int64_t out[TD_RECENT]) {
    for (int i = 0; i < TD_RECENT; i++) {
        int at = i;
        for (; at > 0 && out[at - 1] > prices[i]; at--) out[at] = out[at - 1];
        out[at] = prices[i];
    }
}

static bool is_far(const td_recent *recent, int64_t price) {
    int64_t sorted[TD_RECENT];
    if (recent->prices[TD_RECENT - 1] == 0) return false;
    sort_prices(recent->prices, sorted);
    int64_t median = sorted[TD_RECENT / 2 - 1];
    td_u128 bound = (td_u128)(median / 10) + 4 * (td_u128)distance(sorted[TD_RECENT - 1], sorted[0]);
    return distance(price, median) > bound;
}

/* True when enough of them say that the market has moved. A double of the last says nothing. */
static bool has_shifted(td_recent *recent, int64_t price, int64_t ns, int64_t id) {
    bool again = recent->refused > 0 && ns == recent->refused_ns && id == recent->refused_id;
    bool agrees = recent->refused > 0 && distance(price, recent->refused_price) <= (uint64_t)recent->refused_price / 10;
    if (again && price == recent->refused_price) return false;
    if (!agrees) {
        recent->refused = 0;
        recent->refused_price = price;
    }
    recent->refused++;
    recent->refused_ns = ns;
    recent->refused_id = id;
    return recent->refused == TD_SHIFT;
}

static bool refuses_outlier(const td_rule_case *c) {
    const td_event *e = c->event;
    bool trade = e->kind == TD_EVENT_TRADE;
    if (!trade && e->kind != TD_EVENT_PRICE) return false;
    int64_t price = trade ? e->trade.price : e->price.price, id = trade ? e->trade.trade_id : TD_NONE;
    if (!is_far(c->recent, price)) return false;
    if (!has_shifted(c->recent, price, e->event_ns, id)) return true;
    memset(c->recent, 0, sizeof *c->recent);
    return false;
}

/* ---- all ---- */

const td_rule td_rules[] = {
    {TD_REASON_AHEAD, .always = true, .at_arrival = true, .refuses = refuses_ahead},
    {TD_REASON_NON_POSITIVE, .always = true, .refuses = refuses_non_positive},
    {TD_REASON_CROSSED, .refuses = refuses_crossed},
    {TD_REASON_OUTLIER, .refuses = refuses_outlier},
    {.reason = TD_REASON_NONE},
};

/* Nothing can be made of a trade without price or size, whoever asks for it. */
static bool passes(const td_event *e, td_reason reason) {
    return reason != TD_REASON_NON_POSITIVE && (e->pass >> reason & 1) != 0;
}

td_reason td_rules_judge(const td_rule_case *judged, bool at_arrival) {
    for (const td_rule *rule = td_rules; rule->reason != TD_REASON_NONE; rule++) {
        if (rule->at_arrival != at_arrival || (!rule->always && judged->feed->rules == TD_RULES_OFF)) continue;
        if (!passes(judged->event, rule->reason) && rule->refuses(judged)) return rule->reason;
    }
    return TD_REASON_NONE;
}
