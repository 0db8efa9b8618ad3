/* src/stream/profile.c - one event into the numbers of its day. */
#include "stream/profile.h"

const char *td_profile_count_name(td_profile_count count) {
#define TD_PROFILE_NAME(name, text) text,
    static const char *const names[] = {TD_PROFILE_COUNTS(TD_PROFILE_NAME)};
#undef TD_PROFILE_NAME
    return names[count];
}

/* ---- days ---- */

static void finish_second(td_profile *p) {
    td_profile_day *day = &p->days[p->day_count - 1];
    if (p->second_count > day->peak_count) {
        day->peak_count = p->second_count;
        day->peak_ns = p->second_ns;
    }
}

static void fill_quantiles(const td_profile *p, td_profile_day *day) {
    day->spread_median = td_sketch_quantile(&p->spread, 0.5);
    day->spread_p99 = td_sketch_quantile(&p->spread, 0.99);
    day->delay_p50_ns = td_sketch_quantile(&p->delay, 0.5);
    day->delay_p99_ns = td_sketch_quantile(&p->delay, 0.99);
}

static td_profile_day *begin_day(td_profile *p, int64_t date) {
    if (p->day_count > 0) {
        finish_second(p);
        fill_quantiles(p, &p->days[p->day_count - 1]);
    }
    if (p->day_count == TD_PROFILE_DAYS) memmove(&p->days[0], &p->days[1], --p->day_count * sizeof p->days[0]);
    p->spread = p->delay = (td_sketch){0};
    p->second_ns = p->second_count = p->last_price = 0;
    td_profile_day *day = &p->days[p->day_count++];
    p->end_ns = td_zone_to_utc(p->zone, date + 1, 0);
    *day = (td_profile_day){.date = date, .low = TD_NONE, .high = TD_NONE};
    return day;
}

/* A clock that went back over midnight counts to the newest day. */
static td_profile_day *day_of(td_profile *p, int64_t receive_ns) {
    if (p->day_count > 0 && receive_ns < p->end_ns) return &p->days[p->day_count - 1];
    return begin_day(p, td_zone_date(p->zone, receive_ns));
}

size_t td_profile_find(const td_profile *p, int64_t date) {
    size_t nth = 0;
    while (nth < p->day_count && p->days[nth].date != date) nth++;
    return nth;
}

void td_profile_day_at(const td_profile *p, size_t nth, td_profile_day *out) {
    *out = p->days[nth];
    if (nth + 1 < p->day_count) return;
    fill_quantiles(p, out);
    if (p->second_count > out->peak_count) {
        out->peak_count = p->second_count;
        out->peak_ns = p->second_ns;
    }
}

/* ---- events ---- */

static void count_time(td_profile *p, td_profile_day *day, const td_event *e) {
    int64_t second_ns = td_window_start(e->receive_ns, TD_NS_PER_S);
    if (second_ns > p->second_ns) {
        finish_second(p);
        p->second_ns = second_ns;
        p->second_count = 0;
    }
    p->second_count++;
    if (day->first_ns == 0) {
        day->first_ns = e->receive_ns;
    } else if (e->receive_ns - day->last_ns > day->silence_ns) {
        day->silence_ns = e->receive_ns - day->last_ns;
        day->silent_at_ns = day->last_ns;
    }
    if (e->receive_ns > day->last_ns) day->last_ns = e->receive_ns;
    if ((e->flags & TD_FLAG_TIME_RECEIVE) != 0) return;
    day->counts[TD_PROFILE_AHEAD] += e->event_ns > e->receive_ns;
    td_sketch_add(&p->delay, (int64_t)((uint64_t)e->receive_ns - (uint64_t)e->event_ns));
}

static bool is_double(td_profile *p, const td_event *e, int trade_ids) {
    if (e->trade.trade_id == TD_NONE || trade_ids == TD_IDS_OFF) return false;
    return !(trade_ids == TD_IDS_ORDERED ? td_seen_add_ordered(&p->seen, e) : td_seen_add_any(&p->seen, e));
}

static void add_price(td_profile *p, td_profile_day *day, int64_t price) {
    if (day->low == TD_NONE || price < day->low) day->low = price;
    if (price > day->high) day->high = price;
    int64_t step = price > p->last_price ? price - p->last_price : p->last_price - price;
    if (p->last_price > 0 && step > day->step) {
        day->step = step;
        day->step_from = p->last_price;
    }
    p->last_price = price;
}

static void add_trade(td_profile *p, td_profile_day *day, const td_event *e, int trade_ids) {
    const td_trade *t = &e->trade;
    day->counts[TD_PROFILE_TRADES]++;
    day->counts[TD_PROFILE_NO_TRADE_ID] += t->trade_id == TD_NONE;
    day->counts[TD_PROFILE_NO_EXCHANGE] += t->exchange.size == 0;
    day->counts[TD_PROFILE_NO_CONDITION] += t->condition.size == 0;
    if (is_double(p, e, trade_ids)) {
        day->counts[TD_PROFILE_DUPLICATES]++;
        return;
    }
    if (t->price <= 0 || t->size <= 0) return;
    day->volume += t->size;
    add_price(p, day, t->price);
}

static void add_quote(td_profile *p, td_profile_day *day, const td_quote *q) {
    day->counts[TD_PROFILE_QUOTES]++;
    day->counts[TD_PROFILE_NO_BID] += q->bid_price == TD_NONE;
    day->counts[TD_PROFILE_NO_ASK] += q->ask_price == TD_NONE;
    day->counts[TD_PROFILE_NO_EXCHANGE] += q->exchange.size == 0;
    day->counts[TD_PROFILE_NO_CONDITION] += q->condition.size == 0;
    if (q->bid_price == TD_NONE || q->ask_price == TD_NONE) return;
    day->counts[TD_PROFILE_TWO_SIDED]++;
    day->counts[TD_PROFILE_LOCKED] += q->bid_price == q->ask_price;
    if (q->bid_price > q->ask_price)
        day->counts[TD_PROFILE_CROSSED]++;
    else
        td_sketch_add(&p->spread, (int64_t)((uint64_t)q->ask_price - (uint64_t)q->bid_price));
}

void td_profile_add(td_profile *p, const td_event *e, int trade_ids, bool late) {
    td_profile_day *day = day_of(p, e->receive_ns);
    if (e->origin != TD_ORIGIN_FEED) {
        day->counts[TD_PROFILE_ANEW]++;
        return;
    }
    count_time(p, day, e);
    day->counts[TD_PROFILE_LATE] += late;
    day->counts[TD_PROFILE_NO_EVENT_TIME] += (e->flags & TD_FLAG_TIME_RECEIVE) != 0;
    day->counts[TD_PROFILE_INEXACT] += (e->flags & TD_FLAG_INEXACT) != 0;
    day->counts[TD_PROFILE_SUSPICIOUS] += (e->flags & TD_FLAG_SUSPICIOUS) != 0;
    if (e->kind == TD_EVENT_TRADE) add_trade(p, day, e, trade_ids);
    if (e->kind == TD_EVENT_QUOTE) add_quote(p, day, &e->quote);
    day->counts[TD_PROFILE_NEWS] += e->kind == TD_EVENT_NEWS;
    if (e->kind != TD_EVENT_PRICE) return;
    day->counts[TD_PROFILE_PRICES]++;
    if (e->price.price > 0) add_price(p, day, e->price.price);
}

void td_profile_refuse(td_profile *p, const td_quarantined *q) {
    int64_t date = td_zone_date(p->zone, q->event.receive_ns);
    size_t nth = p->day_count;
    while (nth > 0 && p->days[nth - 1].date > date) nth--;
    if (nth > 0) p->days[nth - 1].refused[q->reason]++; /* else it is older than what is kept */
}

int64_t td_profile_refused(const td_profile_day *day) {
    int64_t sum = 0;
    for (int r = 0; r < TD_REASON_COUNT; r++) sum += r != TD_REASON_LATE ? day->refused[r] : 0;
    return sum;
}
